"""An answer means it is on disk: kills and restarts. The first tests run on the real clock, in the real zone."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from .gateway import SHOP
from .receiver import REFUSE
from .support import bills, in_background, scan_code, unique, wait_for

CLOCK = None


class Ledger:
    """What a merchant knows about its orders and refunds: answered, or sent without an answer."""

    def __init__(self):
        self.paid, self.created, self.refunded, self.unknown = {}, {}, Counter(), []

    def answers(self):
        """How much of the scarcest kind of work has been answered."""
        return min(len(self.paid), len(self.created), sum(self.refunded.values()))


def work(gateway, ledger, refundable, end):
    """Payments, orders and refunds one after the other until the gateway is gone or the time is over."""
    client = gateway.client()

    def answered(send, fields, *codes):
        ledger.unknown.append(fields["CHARGE_CODE"])
        answer = send(fields)
        if answer.status == 503:  # stopping
            raise requests.ConnectionError
        return answer.expect("SUCCESS", *codes)

    try:
        while time.monotonic() < end:
            paid = answered(client.pre_order, client.scan(OPER_ID="op-kill"))
            ledger.paid[paid["CHARGE_CODE"]] = paid["CHARGE_DOWN_CODE"]
            created = answered(client.order, client.precreate(OPER_ID="op-kill"))
            ledger.created[created["CHARGE_CODE"]] = created["CHARGE_DOWN_CODE"]
            if answered(client.refund, client.returning(refundable, "1.00"), "FAIL").code == "SUCCESS":
                ledger.refunded[refundable] += 1
    except requests.RequestException:
        pass


@pytest.mark.interface("sosopay.1", "sosopay.2", "sosopay.5", "sosopay.8")
def test_killed_under_load(start_gateway):
    """Three kills in the middle of work: whatever was answered is there, once, and the books agree."""
    gateway = start_gateway(None)
    ledger, workers = Ledger(), 6
    refundable = [gateway.client().paid("9000.00", OPER_ID="op-kill")["CHARGE_CODE"] for _ in range(workers)]
    for _ in range(3):
        before, end = ledger.answers(), time.monotonic() + 120
        with ThreadPoolExecutor(workers) as pool:
            done = [pool.submit(work, gateway, ledger, code, end) for code in refundable]
            wait_for(lambda before=before: ledger.answers() > before + workers, "work to be answered")
            gateway.kill()
            for future in done:
                future.result()
        gateway.restart()
        gateway.verify()
    client = gateway.client()
    assert ledger.paid and ledger.created and ledger.refunded
    for codes, state in ((ledger.paid, 1), (ledger.created, 0)):
        for code, down in list(codes.items())[-150:]:
            found = client.expect_state(code, state)
            assert found["CHARGE_DOWN_CODE"] == down
    code = next(iter(ledger.paid))
    client.pre_order(client.scan(CHARGE_CODE=code)).expect("SERIAL_REPEAT")

    answered = ledger.paid | ledger.created
    for code in [code for code in set(ledger.unknown) - set(refundable) if code not in answered][:50]:
        client.query(code).expect("SUCCESS", "CHARGE_NONEXISTENT")  # either, but never broken

    rows, page = [], 1
    while found := client.trades(userId="op-kill", pageSize=100, pageNum=page).ok()["tradeInfos"]:
        rows += [row for row in found if not row.get("CHARGE_OLD_CODE")]
        page += 1
    seen = Counter(row["CHARGE_CODE"] for row in rows)
    assert set(seen.values()) == {1} and set(answered) <= set(seen)

    for code in refundable:
        # What was answered has gone back; of each kill at most one more may have, whose answer was lost. The rest is
        # refunded now: too much is refused, too little would leave the order in state 4.
        wait_for(lambda code=code: client.state(code) in (1, 4), "the refunds under way to end", 60)
        for lost in range(4):
            rest = f"{9000 - ledger.refunded[code] - lost}.00"
            if client.refund(client.returning(code, rest)).expect("SUCCESS", "AMT_ERROR").code == "SUCCESS":
                break
        client.expect_state(code, 5)
    gateway.verify()


@pytest.mark.interface("sosopay.2")
def test_graceful_stop_and_start(start_gateway):
    gateway = start_gateway(None)
    client = gateway.client()
    paid = client.paid()
    open_code = client.order(client.precreate()).ok()["CHARGE_CODE"]
    gateway.stop()
    gateway.restart()
    client = gateway.client()
    assert client.expect_state(paid["CHARGE_CODE"], 1)["CHARGE_DOWN_CODE"] == paid["CHARGE_DOWN_CODE"]
    client.expect_state(open_code, 0)
    client.cancel(open_code).ok()
    assert client.paid()["CHARGE_DOWN_CODE"] != paid["CHARGE_DOWN_CODE"]


@pytest.mark.interface("sosopay.1")
def test_graceful_stop_under_load(start_gateway):
    """SIGTERM in the middle of work: bounded, exit code 0, nothing that was answered is lost."""
    gateway = start_gateway(None)
    ledger, refundable = Ledger(), gateway.client().paid("9000.00")["CHARGE_CODE"]
    end = time.monotonic() + 120
    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(work, gateway, ledger, refundable, end) for _ in range(4)]
        wait_for(lambda: ledger.answers() > 10, "work to be answered")
        gateway.stop()
        for future in done:
            future.result()
    gateway.restart()
    client = gateway.client()
    for code in list(ledger.paid)[-50:]:
        client.expect_state(code, 1)


@pytest.mark.interface("sosopay.4")
def test_notifications_go_on_after_a_kill(start_gateway, receiver):
    """The schedule survives: what was not acknowledged is sent again, what was is not."""
    gateway = start_gateway()
    client = gateway.client()
    told, untold = receiver.hook(), receiver.hook(REFUSE, REFUSE, REFUSE)
    done = client.paid(NODIFY_URL=told.url())["CHARGE_CODE"]
    code = client.paid(NODIFY_URL=untold.url())["CHARGE_CODE"]
    told.wait(1)
    untold.wait(1)
    gateway.advance(5)
    gateway.wait_delivery(done, "done")
    wait_for(lambda: gateway.delivery(code)["attempts"] == 2, "two recorded attempts")
    gateway.kill()
    gateway.restart(after_ms=1000)
    gateway.advance(60)
    gateway.wait_delivery(code, "done")
    assert len(told.records) == 1 and len(untold.records) == 4
    assert all(notice["CHARGE_CODE"] == code for notice in untold.notices(SHOP))


@pytest.mark.interface("sosopay.5", "sosopay.6")
def test_pending_refund_after_a_kill(start_gateway):
    gateway = start_gateway()
    client = gateway.client()
    code, number = client.paid("10.00")["CHARGE_CODE"], unique("R")
    client.refund(client.returning(code, "0.91", OUT_REFUND_NO=number)).ok()
    client.expect_state(code, 8)
    gateway.kill()
    gateway.restart(after_ms=1000)
    client = gateway.client()
    assert client.state(code) in (8, 4)
    gateway.reach(client, code, 4, within_s=600, step_s=30)
    client.expect_state(number, 11, "2")
    client.refund(client.returning(code, "0.10", OUT_REFUND_NO=number)).expect("SERIAL_REPEAT")
    client.refund(client.returning(code, "9.09")).ok()
    client.expect_state(code, 5)


@pytest.mark.interface("sosopay.1")
@pytest.mark.parametrize("tail", ["4020", "5901"])
def test_payment_under_way_at_a_kill(start_gateway, tail):
    """The caller gets no answer, but the order does not stay open: paid, or revoked by the 80 seconds."""
    gateway = start_gateway()
    client = gateway.client()
    sent = client.scan(DYNAMIC_ID=scan_code(tail))
    call = in_background(client.pre_order, sent)
    wait_for(lambda: client.query(sent["CHARGE_CODE"]).code == "SUCCESS", "the order to be known")
    gateway.kill()
    assert isinstance(call.exception(timeout=20), requests.RequestException)
    gateway.restart(after_ms=1000)
    client = gateway.client()
    client.pre_order(sent).expect("SERIAL_REPEAT")
    ends = {1, 2} if tail == "4020" else {2}

    def ended():
        gateway.advance(100)
        found = client.query(sent["CHARGE_CODE"]).ok()
        return found if found["STATE"] in ends else None

    found = wait_for(ended, "the payment to be taken up again")
    assert bills(found) == (158 if found["STATE"] == 1 else 0)


@pytest.mark.interface("sosopay.2")
def test_expiry_while_the_gateway_is_down(start_gateway):
    gateway = start_gateway()
    client = gateway.client()
    code = client.order(client.precreate(TIME_EXPIRE="2")).ok()["CHARGE_CODE"]
    gateway.kill()
    gateway.restart(after_ms=10 * 60 * 1000)
    client = gateway.client()
    gateway.reach(client, code, 6, within_s=30)


@pytest.mark.interface("sosopay.9")
def test_keys_survive(start_gateway):
    """A rotated key and a disabled merchant after a kill; the master key is made once and kept private."""
    gateway = start_gateway()
    key = "N3wKeyN3wKeyN3wKeyN3wKeyN3wKey12"
    gateway.ops("POST", f"partners/{SHOP.busi_id}/rotate", {"secret": key, "overlap_s": 0})
    gateway.kill()
    gateway.restart()
    client = gateway.client(answer_keys=(key, SHOP.key))
    client.channels(key=key).ok()
    client.channels(key=SHOP.key).expect("INVALID_SIGN")
    for name in ("master.key", "ops-token"):
        assert (gateway.data / name).stat().st_mode & 0o077 == 0, name
    for path in gateway.data.rglob("*"):
        if path.is_file() and path.name != "gateway.json":
            assert key.encode() not in path.read_bytes(), f"{path.name} holds a secret in clear"
