"""Notifications of lianhe (section 8). All instants are read from their Date headers, which they are signed with."""

import pytest

from .lianhe_client import Distributor, notices
from .lianhe_office import Office
from .lianhe_wire import POLL_MS
from .receiver import CLOSE, HANG, REFUSE, Reply, redirect, say
from .support import unique, wait_for

pytestmark = pytest.mark.interface("lianhe.snNotify")

MINUTE = 60_000
# Section 8.5: due 3, 6, 12, ... minutes after each failure, sent by the poll at or after that.
SCHEDULE = [0, 5, 15, 30, 55, 105, 205, 400, 785, 1555, 3095]
SLOW, LATE = Reply(body="success", delay_s=6.5), Reply(body="success", delay_s=14)


@pytest.fixture
def told(office, receiver):
    """Makes a distributor with an address of these replies: (client, hook)."""

    def make(*replies, rest=say("success"), query="", **more):
        hook = receiver.hook(*replies, rest=rest)
        return office.distributor(hook=hook, query=query, **more), hook

    return make


def redeemed(office, client, deal, quantity=1, count=1):
    """A bought order of which some tickets have been redeemed."""
    order = client.bought(deal, quantity)
    office.redeem(order.codes[0], count)
    return order


@pytest.fixture(scope="module")
def deal(office):
    return office.ticket(total=1000)


def test_the_schedule_is_the_specifications():
    """3 x 2^(k-1) minutes, rounded up to the next poll: 11 sends in about 51 hours."""
    at, plan = 0, [0]
    for k in range(1, 11):
        due = at + 3 * 2 ** (k - 1)
        at = -(-due // 5) * 5
        plan.append(at)
    assert plan == SCHEDULE


# ---- content ------------------------------------------------------------------------------------------------------


def test_redeemed_in_parts(office, told, deal):
    """Cumulative numbers, the code of the event, 9 and then 8."""
    client, hook = told()
    order = client.bought(deal, 3)
    code = order.codes[0]
    for used, count in ((1, 1), (3, 2)):
        office.redeem(code, count)
        at = office.poll()
        hook.wait(1 if used == 1 else 2)
        notice = notices(hook, client.partner)[-1]
        assert notice.at_ms == at
        assert notice.document["body"] | {"sncode": code} == {
            "orderId": order.number,
            "LHOrderId": order.lh,
            "orderStatus": 9 if used == 1 else 8,
            "orderQuantity": 3,
            "usedQuantity": used,
            "sncode": code,
        }
        assert notice.get("sncode", code) == code
        client.expect_state(order, 9 if used == 1 else 8, used=used)
    assert len(hook.records) == 2


def test_a_code_for_each_ticket(office, told):
    """`sncode` is the code that was redeemed."""
    client, hook = told()
    order = client.bought(office.ticket(per_ticket=True), 3)
    for used, code in enumerate(reversed(order.codes), 1):
        office.redeem(code)
        office.poll()
        hook.wait(used)
        notice = notices(hook, client.partner)[-1]
        assert (notice["usedQuantity"], notice.get("sncode")) == (used, code)
    assert [notice["orderStatus"] for notice in notices(hook, client.partner)] == [9, 9, 8]


def test_total_quantity_beside_refunds(office, told, deal):
    """`orderQuantity` is the whole order here, and what remains in a query."""
    client, hook = told()
    order = client.bought(deal, 3)
    client.cancel(order, 1).ok()
    office.approve(client, order)
    office.redeem(order.codes[0])
    office.poll()
    hook.wait(2)
    notice = notices(hook, client.partner, "snNotify")[0]
    assert (notice["orderQuantity"], notice["usedQuantity"], notice["orderStatus"]) == (3, 1, 9)
    client.expect_state(order, 9, used=1, refunded=1)


def test_several_redemptions_before_one_poll(office, told, deal):
    """In order, or merged: the last one tells all that was used."""
    client, hook = told()
    order = client.bought(deal, 4)
    for _ in range(3):
        office.redeem(order.codes[0])
    at = office.poll()
    wait_for(lambda: hook.records and notices(hook, client.partner)[-1]["usedQuantity"] == 3, "the last number")
    found = notices(hook, client.partner)
    used = [notice["usedQuantity"] for notice in found]
    assert used == sorted(set(used)) and all(notice.at_ms == at for notice in found)
    assert all(notice["orderStatus"] == 9 for notice in found)


def test_the_real_address_does_not_matter(office, told, deal):
    """Whatever path and query the partner has registered; the signature is over the fixed target."""
    client, hook = told(query="shop=7&note=a%20b")
    redeemed(office, client, deal)
    office.poll()
    record = hook.wait(1)[0]
    assert record.target.endswith("?shop=7&note=a%20b")
    notices(hook, client.partner)


@pytest.mark.interface("lianhe.reNotify")
def test_only_what_is_integrated(office, receiver, deal):
    """Without an address nobody is told, and partners poll."""
    client = office.distributor()
    order = redeemed(office, client, deal, 2)
    client.cancel(order, 1).ok()
    office.approve(client, order)
    office.poll()
    client.expect_state(order, 8, used=1, refunded=1)
    assert not receiver.strays
    assert not [task for task in office.story(client, order)["tasks"] if task["kind"] == "deliver"]


@pytest.mark.interface("lianhe.reNotify")
def test_nothing_else_is_told(office, told, deal):
    """Neither buying, nor paying, nor a lapse, nor an unpaid order's cancellation, nor a refused application."""
    client, hook = told()
    bought = client.bought(deal, 2)
    client.pay_order(client.created(deal)).ok()
    client.cancel(client.created(deal), 1).ok(orderStatus=6)
    lapsing = client.created(deal)
    client.cancel(bought, 9).refused()
    office.gateway.advance(40 * 60)
    office.reach(lambda: client.query(lapsing)["orderStatus"] == 6)
    office.poll()
    assert not hook.records


# ---- acknowledgement ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", ["success", '"success"', "SUCCESS", "Success", " success\r\n", '"SUCCESS"', '\n"success" '], ids=repr
)
def test_acknowledged(office, told, deal, body):
    client, hook = told(say(body), rest=REFUSE)
    order = redeemed(office, client, deal)
    office.poll()
    assert office.wait_delivery(client, order, "done")["attempts"] == 1
    office.poll()
    assert len(hook.records) == 1


@pytest.mark.parametrize(
    "reply",
    [say(""), say("ok"), say("fail"), say("successful"), say("not success"), say("'success'"), say('{"code":10000}'),
     say('"success'), say("success success"), say("success", 500), say("success", 404), say("success", 201),
     say("", 204), say("success" + " " * 70_000 + "x"), CLOSE],
    ids=lambda reply: f"{reply.status}-{reply.body[:20]}{'closed' if reply.close else ''}",
)  # fmt: skip
def test_not_acknowledged(office, told, deal, reply):
    client, hook = told(reply)
    order = redeemed(office, client, deal)
    at = office.poll()
    hook.wait(1)
    office.wait_attempts(client, order, 1)
    office.poll()
    hook.wait(2)
    assert office.wait_delivery(client, order, "done")["attempts"] == 2
    first, second = notices(hook, client.partner)
    assert (first.at_ms, second.at_ms) == (at, at + POLL_MS)
    assert first.document == second.document, "duplicates carry the same content"


def test_redirects_are_failures(office, told, receiver, deal):
    elsewhere = receiver.hook()
    client, hook = told(redirect(elsewhere.url()))
    order = redeemed(office, client, deal)
    office.poll()
    hook.wait(1)
    office.wait_attempts(client, order, 1)
    office.poll()
    hook.wait(2)
    office.wait_delivery(client, order, "done")
    assert not elsewhere.records and not receiver.strays


def test_no_answer_within_ten_seconds(office, told, deal):
    """A failure, also when the right word comes afterwards; one that comes in time is none."""
    slow, slow_hook = told(SLOW)
    slow_order = redeemed(office, slow, deal)
    made = [told(reply) for reply in (HANG, LATE)]
    orders = [redeemed(office, client, deal) for client, _ in made]
    at = office.poll()
    for (client, hook), order in zip(made, orders, strict=True):
        hook.wait(1)
        office.wait_attempts(client, order, 1, timeout=40)
    office.poll()
    for (client, hook), order in zip(made, orders, strict=True):
        hook.wait(2)
        assert office.wait_delivery(client, order, "done")["attempts"] == 2
        assert [notice.at_ms for notice in notices(hook, client.partner)] == [at, at + POLL_MS]
        waited = hook.records[1].began - hook.records[0].began
        assert waited > 9, "real seconds: the attempt's time-out"
    assert office.wait_delivery(slow, slow_order, "done")["attempts"] == 1
    assert len(slow_hook.records) == 1


# ---- the schedule -------------------------------------------------------------------------------------------------


def test_the_whole_schedule(office, told, deal):
    """11 sends at the polls, then failed and visible; run again by a person, from the beginning of the schedule."""
    client, hook = told(*[REFUSE] * 13)
    order = redeemed(office, client, deal, 2)
    start = office.next_poll()
    office.gateway.advance((start - office.gateway.now_ms()) / 1000 + 3095 * 60)
    hook.wait(11)
    task = office.wait_delivery(client, order, "failed")
    assert task["attempts"] == 11 and task["last_result"]
    office.gateway.advance(3 * 24 * 3600 + 1)
    found = notices(hook, client.partner)
    assert [(notice.at_ms - start) // MINUTE for notice in found] == SCHEDULE
    assert all(notice.document == found[0].document for notice in found)
    assert task["id"] in [row["id"] for row in office.failed(client)]

    office.retry(client, task)
    start = office.next_poll()
    office.gateway.advance((start - office.gateway.now_ms()) / 1000 + 15 * 60)
    hook.wait(14)
    office.wait_delivery(client, order, "done")
    again = notices(hook, client.partner)[11:]
    assert [(notice.at_ms - start) // MINUTE for notice in again] == SCHEDULE[:3]
    assert all(notice.document == found[0].document for notice in again)
    assert not office.failed(client)


def test_settled_by_a_person(office, told, deal):
    """A task's state can be changed with a reason, and nothing more is sent."""
    client, hook = told(rest=REFUSE)
    order = redeemed(office, client, deal)
    office.poll()
    hook.wait(1)
    task = office.wait_attempts(client, order, 1)
    settled = office.settle(client, task, "told them on the telephone")
    assert "told them on the telephone" in str(settled) + str(office.delivery(client, order))
    office.wait_delivery(client, order, "done")
    office.gateway.advance(24 * 3600)
    assert len(hook.records) == 1


def test_cancelled_by_a_person(office, told, deal):
    client, hook = told(rest=REFUSE)
    order = redeemed(office, client, deal)
    office.poll()
    hook.wait(1)
    office.cancel_task(client, office.wait_attempts(client, order, 1), "a test partner")
    office.wait_delivery(client, order, "cancelled")
    office.gateway.advance(3600)
    assert len(hook.records) == 1


def test_schedule_goes_on_after_a_kill(start_gateway, receiver):
    gateway = start_gateway()
    office = Office(gateway)
    hook = receiver.hook(*[REFUSE] * 3, rest=say("success"))
    client = office.distributor(hook=hook)
    order = redeemed(office, client, office.ticket())
    start = office.poll()
    hook.wait(1)
    office.wait_attempts(client, order, 1)
    gateway.kill()
    gateway.restart()
    gateway.advance(30 * 60)
    office.wait_delivery(client, order, "done")
    assert [(notice.at_ms - start) // MINUTE for notice in notices(hook, client.partner)] == SCHEDULE[:4]


def test_new_secret_for_old_news(office, told, deal):
    """A notification is signed with the secret of the moment it is sent."""
    client, hook = told(REFUSE)
    order = redeemed(office, client, deal)
    office.poll()
    hook.wait(1)
    office.wait_attempts(client, order, 1)
    notices(hook, client.partner)
    new = "fedcba9876543210fedcba9876543210"
    office.rotate(client, new, overlap_s=0)
    office.poll()
    hook.wait(2)
    hook.records.pop(0)
    notices(hook, Distributor(client.partner.partner_id, client.partner.api_name, new))


# ---- order --------------------------------------------------------------------------------------------------------


def test_a_failing_one_holds_up_later_ones_of_its_order(office, told, deal):
    """Not those of other orders, and not the other kind."""
    client, hook = told(*[REFUSE] * 3)
    order = client.bought(deal, 4)
    office.redeem(order.codes[0])
    office.poll()
    hook.wait(1)
    office.redeem(order.codes[0])
    office.poll()  # the first one's second attempt; the second one waits
    hook.wait(2)
    assert [notice["usedQuantity"] for notice in notices(hook, client.partner)] == [1, 1]
    other = redeemed(office, client, deal)
    hook.replies[:] = []  # from now on it accepts
    office.poll()
    wait_for(lambda: [n for n in notices(hook, client.partner) if n["LHOrderId"] == other.lh], "the other order's news")
    mine = [notice for notice in notices(hook, client.partner) if notice["LHOrderId"] == order.lh]
    assert [notice["usedQuantity"] for notice in mine] == [1, 1], (
        "its third attempt is due ten minutes after the second"
    )
    office.poll()
    office.poll()
    wait_for(lambda: len(hook.records) >= 5, "both in order")
    mine = [notice for notice in notices(hook, client.partner) if notice["LHOrderId"] == order.lh]
    assert [notice["usedQuantity"] for notice in mine] == [1, 1, 1, 2]
    office.wait_settled(client, order)


@pytest.mark.interface("lianhe.reNotify")
def test_the_other_kind_passes(office, told, deal):
    """A refund is told while the order's redemption waits for its third attempt."""
    client, hook = told(REFUSE, REFUSE)
    order = redeemed(office, client, deal, 3)
    for attempt in (1, 2):
        office.poll()
        hook.wait(attempt)
        office.wait_attempts(client, order, attempt)
    client.cancel(order, 1).ok()
    office.approve(client, order)
    office.poll()
    hook.wait(3)
    assert [notice.method for notice in notices(hook, client.partner)] == ["snNotify", "snNotify", "reNotify"]


def test_a_failed_one_lets_later_ones_pass(office, told, deal):
    """After its last attempt it no longer holds anything up; run again, it comes after the later one."""
    client, hook = told(*[REFUSE] * 11)
    order = client.bought(deal, 3)
    office.redeem(order.codes[0])
    office.poll()
    hook.wait(1)
    office.redeem(order.codes[0])
    office.gateway.advance(3095 * 60)
    hook.wait(11)
    office.gateway.advance(2 * 5 * 60)
    hook.wait(12)
    found = notices(hook, client.partner)
    assert [notice["usedQuantity"] for notice in found] == [1] * 11 + [2]
    failed = office.failed(client)
    assert len(failed) == 1
    office.retry(client, failed[0])
    office.poll()
    hook.wait(13)
    last = notices(hook, client.partner)[-1]
    assert last.document == found[0].document, "receivers keep the largest number"
    office.wait_settled(client, order)


def test_refunds_are_told_in_order(office, told, deal):
    client, hook = told(REFUSE)
    order = client.bought(deal, 3)
    for _ in range(2):
        client.cancel(order, 1, refund=unique("R")).ok()
        office.approve(client, order)
    office.poll()
    hook.wait(1)
    office.poll()
    wait_for(lambda: len(hook.records) >= 3, "both refunds")
    assert [notice["reQuantity"] for notice in notices(hook, client.partner, "reNotify")] == [1, 1, 2]


def test_never_twice_at_the_same_time(office, told, deal):
    """Many orders of one partner, told at one poll: each once."""
    client, hook = told()
    orders = [redeemed(office, client, deal) for _ in range(20)]
    at = office.poll()
    hook.wait(20)
    office.poll()
    found = notices(hook, client.partner)
    assert sorted(notice["LHOrderId"] for notice in found) == sorted(order.lh for order in orders)
    assert all(notice.at_ms == at for notice in found)


# ---- teamNotify -----------------------------------------------------------------------------------------------------


@pytest.mark.interface("lianhe.teamNotify")
def test_product_changes(office, told):
    """Behind a switch: 1 changed, 2 on sale, 3 off sale."""
    client, hook = told(team_notify=True)
    silent, unheard = told()
    deal = office.ticket()
    office.poll()

    def news(change):
        before = len(hook.records)
        change()
        office.poll()
        wait_for(lambda: len(hook.records) > before, "the product's news")
        return [(n["LHDealId"], n["type"]) for n in notices(hook, client.partner)[before:]]

    assert news(lambda: office.change(deal, sell="99.00")) == [(deal.id, 1)]
    assert news(lambda: office.off_sale(deal)) == [(deal.id, 3)]
    assert news(lambda: office.on_sale(deal)) == [(deal.id, 2)]
    assert all(notice.code == 10000 and notice.method == "teamNotify" for notice in notices(hook, client.partner))
    assert not unheard.records
    assert silent
