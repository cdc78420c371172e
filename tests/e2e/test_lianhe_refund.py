"""Giving back with lianhe: cancelOrder in all its rules (section 5.7), the review behind it, and reNotify (8.3)."""

from decimal import Decimal

import pytest

from .lianhe_client import notices
from .support import unique

pytestmark = pytest.mark.interface("lianhe.cancelOrder")

TOO_LARGE, OVER = "refund quantity too large", "refund period over"
APPLIED, STATE, NOT_FOUND = "refund already applied for", "order state does not allow this", "order not found"
HOUR, DAY = 3600, 24 * 3600


@pytest.fixture
def buyer(office):
    return office.distributor()


@pytest.fixture
def deal(office):
    return office.ticket(cost="50.25", total=20)


def accepted(client, order, quantity, refund=None, **changes):
    """An application that goes under review."""
    more = {} if refund is None else {"refund": refund}
    answer = client.cancel(order, quantity, **more, **changes)
    return answer.ok(LHOrderId=order.lh, orderStatus=6, reQuantity=quantity, reStatus=1)


def refused(client, order, quantity, refundable, *texts, status=7, **more):
    """An application that is refused at once, with the tickets that could still be given back."""
    answer = client.cancel(order, quantity, **more)
    statuses = (status,) if isinstance(status, int) else status
    answer.refused(*texts, LHOrderId=order.lh, reQuantity=refundable, reStatus=2)
    assert answer["orderStatus"] in statuses, answer.text
    return answer.refused(orderStatus=answer["orderStatus"])  # records the status that was reached


# ---- the way of an application --------------------------------------------------------------------------------------


@pytest.mark.interface("lianhe.reNotify")
def test_approved(office, receiver):
    hook = receiver.hook()
    buyer, deal = office.distributor(hook=hook), office.ticket(cost="50.25", total=20)
    order, refund = buyer.bought(deal, 3), unique("R")
    accepted(buyer, order, 2, refund)
    buyer.expect_state(order, 4, review=1)
    assert office.available(buyer) == Decimal("10000") - 3 * Decimal("50.25"), "nothing comes back before the review"
    assert office.stock(deal)["sold"] == 3

    office.approve(buyer, order)
    buyer.expect_state(order, 4, refunded=2, review=3)
    assert office.available(buyer) == Decimal("10000") - Decimal("50.25")
    assert office.stock(deal) == {"total": 20, "held": 0, "sold": 1}
    at = office.poll()
    hook.wait(1)
    told = notices(hook, buyer.partner)
    assert len(told) == 1 and told[0].at_ms == at
    assert (told[0].method, told[0].code) == ("reNotify", 10000)
    expected = {"orderId": order.number, "LHOrderId": order.lh, "orderStatus": 6, "quantity": 2, "reQuantity": 2}
    assert {name: told[0].get(name) for name in expected} == expected
    assert told[0].get("reStatus") == 3 and told[0].get("refundId") == refund


@pytest.mark.interface("lianhe.reNotify")
def test_rejected(office, receiver):
    """The tickets are usable again, and a new number can be applied with."""
    hook = receiver.hook()
    buyer, deal = office.distributor(hook=hook), office.ticket(total=20)
    order, refund = buyer.bought(deal, 2), unique("R")
    accepted(buyer, order, 2, refund)
    office.reject(buyer, order, "The tickets were seen at the gate 检票")
    buyer.expect_state(order, 4, review=4)
    assert office.stock(deal)["sold"] == 2
    office.poll()
    hook.wait(1)
    told = notices(hook, buyer.partner)[0]
    assert (told.method, told.code, told.describe) == ("reNotify", 20000, "The tickets were seen at the gate 检票")
    assert (told["orderStatus"], told.get("reStatus"), told["LHOrderId"]) == (7, 4, order.lh)
    assert told.get("refundId") == refund

    office.redeem(order.codes[0])
    accepted(buyer, order, 1, unique("R"))
    buyer.expect_state(order, 9, used=1, review=1)
    office.approve(buyer, order)
    buyer.expect_state(order, 8, used=1, refunded=1, review=3)


@pytest.mark.interface("lianhe.reNotify")
def test_parts_until_nothing_is_left(office, receiver):
    """Several applications one after the other; the status turns only when no ticket is left."""
    hook = receiver.hook()
    buyer, deal = office.distributor(hook=hook), office.ticket(cost="50.25", total=20)
    order, refunds = buyer.bought(deal, 6), [unique("R") for _ in range(3)]
    gone = 0
    for refund, quantity in zip(refunds, (1, 2, 3), strict=True):
        accepted(buyer, order, quantity, refund)
        office.approve(buyer, order)
        gone += quantity
        buyer.expect_state(order, 4 if gone < 6 else 6, refunded=gone, review=3)
        assert office.available(buyer) == Decimal("10000") - (6 - gone) * Decimal("50.25")
        assert office.stock(deal)["sold"] == 6 - gone
    refused(buyer, order, 1, 0, status=(6, 7), refund=unique("R"))
    office.poll()
    hook.wait(3)
    told = notices(hook, buyer.partner, "reNotify")
    assert [(one["quantity"], one["reQuantity"], one.get("refundId")) for one in told] == [
        (1, 1, refunds[0]),
        (2, 3, refunds[1]),
        (3, 6, refunds[2]),
    ]


def test_whole_order_at_once(office, buyer, deal):
    order = buyer.bought(deal, 2)
    accepted(buyer, order, 2)
    office.approve(buyer, order)
    buyer.expect_state(order, 6, refunded=2, review=3)
    assert office.redeem_raw(order.codes[0]).status_code // 100 == 4


def test_what_is_left_of_a_used_order(office, buyer, deal):
    """Usable tickets of a partly consumed order; then it is consumed, not refunded."""
    order = buyer.bought(deal, 3)
    office.redeem(order.codes[0])
    refused(buyer, order, 3, 2, TOO_LARGE)
    accepted(buyer, order, 2)
    buyer.expect_state(order, 9, used=1, review=1)
    office.approve(buyer, order)
    buyer.expect_state(order, 8, used=1, refunded=2, review=3)


def test_part_of_a_used_order(office, buyer, deal):
    """Something usable is left: partly consumed until that is redeemed as well."""
    order = buyer.bought(deal, 3)
    office.redeem(order.codes[0])
    accepted(buyer, order, 1)
    office.approve(buyer, order)
    buyer.expect_state(order, 9, used=1, refunded=1)
    office.redeem(order.codes[0])
    buyer.expect_state(order, 8, used=2, refunded=1)


def test_stock_is_sold_again(office, buyer):
    deal = office.ticket(total=2)
    order = buyer.bought(deal, 2)
    accepted(buyer, order, 1)
    buyer.new_order(buyer.order(deal)).not_created(10009)
    office.approve(buyer, order)
    buyer.bought(deal)
    buyer.new_order(buyer.order(deal)).not_created(10009)


# ---- under review -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("per_ticket", [False, True], ids=["one-code", "code-each"])
def test_locked_tickets(office, buyer, per_ticket):
    """Nobody gets in with a ticket under review, and the others are not touched."""
    order = buyer.bought(office.ticket(per_ticket=per_ticket), 3)
    accepted(buyer, order, 2)
    let_in = [code for code in order.codes * 3 if office.redeem_raw(code).ok]
    assert len(let_in) == 1
    buyer.expect_state(order, 9, used=1, review=1)
    office.reject(buyer, order, "no")
    let_in = [code for code in order.codes * 3 if office.redeem_raw(code).ok]
    assert len(let_in) == 2
    buyer.expect_state(order, 8, used=3, review=4)


@pytest.mark.parametrize("per_ticket", [False, True], ids=["one-code", "code-each"])
def test_given_back_tickets(office, buyer, per_ticket):
    order = buyer.bought(office.ticket(per_ticket=per_ticket), 3)
    accepted(buyer, order, 2)
    office.approve(buyer, order)
    let_in = [code for code in order.codes * 3 if office.redeem_raw(code).ok]
    assert len(let_in) == 1
    buyer.expect_state(order, 8, used=1, refunded=2)


def test_one_at_a_time(office, buyer, deal):
    """A second application waits until the first is decided."""
    order = buyer.bought(deal, 3)
    accepted(buyer, order, 1, unique("R"))
    refused(buyer, order, 1, 2, APPLIED, refund=unique("R"))
    refused(buyer, order, 2, 2, APPLIED, refund=unique("R"))
    buyer.expect_state(order, 4, review=1)
    office.approve(buyer, order)
    accepted(buyer, order, 2, unique("R"))


@pytest.mark.interface("lianhe.reNotify")
def test_decided_once(office, receiver):
    """A decision is final, whatever is decided afterwards."""
    hook = receiver.hook()
    buyer = office.distributor(hook=hook)
    order = buyer.bought(office.ticket(), 2)
    accepted(buyer, order, 1)
    refund = office.approve(buyer, order)
    left = office.available(buyer)
    for decision in ("approve", "reject"):
        assert office.review_raw(decision, buyer, order, refund).status_code == 409
    buyer.expect_state(order, 4, refunded=1, review=3)
    assert office.available(buyer) == left
    office.poll()
    assert len(hook.wait(1)) == 1


def test_automatic_approval(office, buyer):
    """A platform setting: by itself after n seconds, unless a person was quicker."""
    deal = office.ticket(review_s=90)
    order, rejected, approved = (buyer.bought(deal, 2) for _ in range(3))
    for one in (order, rejected, approved):
        accepted(buyer, one, 1)
    office.reject(buyer, rejected, "no")
    office.approve(buyer, approved)
    office.gateway.advance(88)
    buyer.expect_state(order, 4, review=1)
    office.gateway.advance(4)
    office.reach(lambda: buyer.query(order).body.get("reQuantity") == 1)
    buyer.expect_state(order, 4, refunded=1, review=3)
    buyer.expect_state(rejected, 4, review=4)
    buyer.expect_state(approved, 4, refunded=1, review=3)


def test_approval_at_once(office, buyer):
    """Zero seconds: still an application first, as the protocol has it."""
    order = buyer.bought(office.ticket(review_s=0), 1)
    accepted(buyer, order, 1)
    office.reach(lambda: buyer.query(order)["orderStatus"] == 6)
    buyer.expect_state(order, 6, refunded=1, review=3)


# ---- refusals -----------------------------------------------------------------------------------------------------


def test_too_many(office, buyer, deal):
    order = buyer.bought(deal, 3)
    for quantity in (4, 100, 2**31 - 1):
        refused(buyer, order, quantity, 3, TOO_LARGE)
    buyer.expect_state(order, 4)
    accepted(buyer, order, 3)


@pytest.mark.parametrize("quantity", [0, -1, 1.5, "x", None, [], True, 2**63, 10**40, ""], ids=str)
def test_quantities_that_are_none(buyer, deal, quantity):
    order = buyer.bought(deal, 2)
    buyer.cancel(order, quantity).refused()
    buyer.expect_state(order, 4)


def test_not_refundable(office, buyer):
    order = buyer.bought(office.ticket(can_refund=False), 2)
    answer = buyer.cancel(order, 1).refused(orderStatus=7, reStatus=2)
    assert answer["reQuantity"] in (0, 2), answer.text
    buyer.expect_state(order, 4)


def test_only_the_whole_order(office, buyer):
    """`fullRefund` asks for all that remains."""
    deal = office.ticket(full_refund=True)
    order = buyer.bought(deal, 3)
    refused(buyer, order, 2, 3)
    office.redeem(order.codes[0])
    refused(buyer, order, 1, 2)
    refused(buyer, order, 3, 2, TOO_LARGE)
    accepted(buyer, order, 2)
    office.approve(buyer, order)
    buyer.expect_state(order, 8, used=1, refunded=2)


def test_completely_consumed(office, buyer, deal):
    order = buyer.bought(deal, 2)
    office.redeem(order.codes[0], 2)
    refused(buyer, order, 1, 0, status=8)
    buyer.expect_state(order, 8, used=2)


def test_already_refunded(office, buyer, deal):
    order = buyer.bought(deal, 1)
    accepted(buyer, order, 1, unique("R"))
    office.approve(buyer, order)
    refused(buyer, order, 1, 0, status=(6, 7), refund=unique("R"))
    buyer.expect_state(order, 6, refunded=1)


def test_unknown_order(buyer):
    number = unique("none")
    answer = buyer.ask("cancelOrder", orderId=number, LHOrderId="1", quantity=1).refused(NOT_FOUND)
    assert answer.body.get("orderStatus", 0) in (0, 7)


# ---- numbers of applications ----------------------------------------------------------------------------------------


def test_repeated_application(office, buyer, deal):
    """The first answer again, at every stage; another quantity is refused; nothing happens twice."""
    order, refund = buyer.bought(deal, 3), unique("R")
    accepted(buyer, order, 1, refund)
    accepted(buyer, order, 1, refund)
    buyer.cancel(order, 2, refund=refund).refused(reStatus=2)
    office.approve(buyer, order)
    again = buyer.cancel(order, 1, refund=refund).ok(orderStatus=6, reQuantity=1)
    assert again["reStatus"] in (1, 3)
    buyer.cancel(order, 2, refund=refund).refused(reStatus=2)
    buyer.expect_state(order, 4, refunded=1)
    assert len(office.story(buyer, order)["refunds"]) == 1


def test_repeated_after_a_rejection(office, buyer, deal):
    order, refund = buyer.bought(deal, 2), unique("R")
    accepted(buyer, order, 1, refund)
    office.reject(buyer, order, "no")
    buyer.cancel(order, 1, refund=refund).expect(10000, 20000)
    buyer.expect_state(order, 4, review=4)
    accepted(buyer, order, 1, unique("R"))


def test_numbers_are_unique_per_order(office, buyer, deal):
    first, second, refund = buyer.bought(deal, 2), buyer.bought(deal, 2), unique("R")
    accepted(buyer, first, 1, refund)
    accepted(buyer, second, 2, refund)
    other = office.distributor()
    third = other.bought(deal)
    accepted(other, third, 1, refund)


def test_without_a_number(office, buyer, deal):
    """The order's number is used, so that only one application can exist."""
    order = buyer.bought(deal, 3)
    accepted(buyer, order, 1)
    office.approve(buyer, order)
    buyer.cancel(order, 1).ok(orderStatus=6, reQuantity=1)
    refused(buyer, order, 2, 2)
    buyer.expect_state(order, 4, refunded=1)
    accepted(buyer, order, 2, unique("R"))


def test_price_is_ignored(buyer, deal):
    accepted(buyer, buyer.bought(deal), 1, sellPrice=Decimal("0.01"))


# ---- until when ---------------------------------------------------------------------------------------------------


def test_never(office, buyer):
    order = buyer.bought(office.ticket(refund_rule=(0, 2)), 2)
    buyer.cancel(order, 1).refused(orderStatus=7, reStatus=2)
    buyer.expect_state(order, 4)


def test_until_some_minutes_before_the_end(office, buyer):
    """Type 1: until `minutes` before `expireTime`; there is no late refund then."""
    deal = office.ticket(refund_rule=(90, 1), expire_ms=office.gateway.now_ms() + 4 * HOUR * 1000)
    first, second, third = (buyer.bought(deal, 2) for _ in range(3))
    accepted(buyer, first, 1)
    office.gateway.advance(2.5 * HOUR - 5)
    accepted(buyer, second, 1)
    office.gateway.advance(10)
    buyer.cancel(third, 1).refused(OVER, orderStatus=7, reStatus=2)
    office.gateway.advance(DAY)
    buyer.cancel(third, 1).refused(OVER, orderStatus=7, reStatus=2)


def test_late_refunds(office, buyer):
    """Up to five days after the end of the redemption period, always by manual review."""
    deal = office.ticket(review_s=60, expire_ms=office.gateway.now_ms() + HOUR * 1000)
    orders = [buyer.bought(deal, 2) for _ in range(4)]
    accepted(buyer, orders[0], 1)
    office.gateway.advance(HOUR + 60)
    office.reach(lambda: buyer.query(orders[0]).body.get("reQuantity") == 1)
    assert office.redeem_raw(orders[1].codes[0]).status_code // 100 == 4, "over for the gate"
    accepted(buyer, orders[1], 1)
    office.gateway.advance(5 * DAY - 120)
    buyer.expect_state(orders[1], 4, review=1)
    accepted(buyer, orders[2], 2)
    office.gateway.advance(240)
    buyer.cancel(orders[3], 1).refused(OVER, orderStatus=7, reStatus=2)
    for late in orders[1:3]:
        buyer.expect_state(late, 4, review=1)
    office.approve(buyer, orders[1])
    office.reject(buyer, orders[2], "too late for us")
    buyer.expect_state(orders[1], 4, refunded=1, review=3)
    buyer.expect_state(orders[2], 4, review=4)
    buyer.cancel(orders[2], 2, refund=unique("R")).refused(OVER)


def test_late_refunds_of_dated_tickets(office, buyer):
    """The redemption period of a dated ticket is its day."""
    now = office.gateway.now_ms()
    day = office.day(1)
    deal = office.ticket(dated=True, days={day: {}})
    first, second = (buyer.bought(deal, 1, day) for _ in range(2))
    office.to_day(office.day(5))  # the fourth day after
    assert office.gateway.now_ms() > now
    accepted(buyer, first, 1)
    office.to_day(office.day(3))
    buyer.cancel(second, 1).refused(OVER, orderStatus=7, reStatus=2)
