"""Interface 5, and the lookup of refunds through interface 6.

The sandbox decides by the last two digits of the refund's cents: 91 pending, 92 refused, 93 no answer at first.
"""

from concurrent.futures import ThreadPoolExecutor
from random import uniform
from time import sleep

import pytest

from .gateway import SHORT_KEY
from .sosopay_client import DROP
from .support import bills, in_background, unique

pytestmark = pytest.mark.interface("sosopay.5")


def test_partial_then_full(shop):
    paid = shop.paid("158.00", MERCHANTPARA="MDE=")
    code, number = paid["CHARGE_CODE"], unique("R")
    part = shop.refund(shop.returning(code, "58.00", OUT_REFUND_NO=number)).ok()
    assert part.encrypted == shop.encrypt
    for name in ("CHARGE_CODE", "CHARGE_DOWN_CODE", "CHARGE_THIRD_CODE", "CHANNEL_TYPE"):
        assert part[name] == paid[name], name
    assert part["AMT"] == 15800, "the order's amount, not the refund's"
    assert bills(part) == 5800 and part["OUT_REFUND_NO"] == number
    assert shop.expect_state(code, 4)["AMT"] == 15800

    rest = shop.refund(shop.returning(code, "100.0")).ok()
    assert bills(rest) == 10000
    if "OUT_REFUND_NO" in rest:
        assert rest["OUT_REFUND_NO"] and rest["OUT_REFUND_NO"] != number
    shop.expect_state(code, 5)


def test_full_at_once(p1):
    paid = p1.paid("1.58")
    assert bills(p1.refund(p1.returning(paid["CHARGE_CODE"], "1.58")).ok()) == 158
    p1.expect_state(paid["CHARGE_CODE"], 5)
    p1.refund(p1.returning(paid["CHARGE_CODE"], "0.01")).expect("FAIL", "AMT_ERROR")


def test_never_more_than_the_principal(p1):
    code = p1.paid("10.00")["CHARGE_CODE"]
    p1.refund(p1.returning(code, "10.01")).expect("AMT_ERROR")
    p1.expect_state(code, 1)
    p1.refund(p1.returning(code, "6.00")).ok()
    p1.refund(p1.returning(code, "4.01")).expect("AMT_ERROR")
    p1.expect_state(code, 4)
    p1.refund(p1.returning(code, "4.00")).ok()
    p1.expect_state(code, 5)


@pytest.mark.parametrize("fee", ["0", "0.00", "-1.00", "0.001", "NaN", "10000000.00"])
def test_wrong_fee(p1, fee):
    code = p1.paid("10.00")["CHARGE_CODE"]
    p1.refund(p1.returning(code, fee)).expect("AMT_ERROR")
    p1.expect_state(code, 1)


@pytest.mark.parametrize("name", ["BUSI_ID", "OPER_ID", "DEV_ID", "CHARGE_REFUND_FEE", "REFUND_SUBJECT", "CHARGE_CODE"])
@pytest.mark.parametrize("value", [DROP, "", None], ids=["left-out", "empty", "null"])
def test_mandatory_fields(p1, name, value):
    code = p1.paid("10.00")["CHARGE_CODE"]
    sent = p1.returning(code, "1.00") | {name: value}
    p1.refund(sent, busi_code=p1.partner.busi_id).expect("ILLEGAL_PARAMETER")
    p1.expect_state(code, 1)


def test_down_serial_takes_priority(p1):
    meant, other = p1.paid("10.00"), p1.paid("10.00")
    down = meant["CHARGE_DOWN_CODE"]
    both = p1.refund(p1.returning(other["CHARGE_CODE"], "1.00", CHARGE_DOWN_CODE=down)).ok()
    assert both["CHARGE_CODE"] == meant["CHARGE_CODE"]
    p1.refund(p1.returning(DROP, "1.00", CHARGE_DOWN_CODE=down)).ok()
    p1.refund(p1.returning("no-such-serial", "1.00", CHARGE_DOWN_CODE=down)).ok()
    p1.expect_state(meant["CHARGE_CODE"], 4)
    p1.expect_state(other["CHARGE_CODE"], 1)


def test_unknown_order(gw, p1):
    p1.refund(p1.returning(unique("none"), "1.00")).expect("CHARGE_NONEXISTENT")
    p1.refund(p1.returning(DROP, "1.00", CHARGE_DOWN_CODE="20160805999999999999")).expect("CHARGE_NONEXISTENT")
    other = gw.client(SHORT_KEY)
    foreign = other.pre_order(other.scan()).ok()
    p1.refund(p1.returning(foreign["CHARGE_CODE"], "1.00")).expect("CHARGE_NONEXISTENT")
    p1.refund(p1.returning(DROP, "1.00", CHARGE_DOWN_CODE=foreign["CHARGE_DOWN_CODE"])).expect("CHARGE_NONEXISTENT")


def test_refund_serial_is_never_used_twice(p1):
    first, second, number = p1.paid("10.00")["CHARGE_CODE"], p1.paid("10.00")["CHARGE_CODE"], unique("R")
    call = p1.post_call("refund", p1.returning(first, "1.00", OUT_REFUND_NO=number), "REFUND_REQ")
    p1.send(call).ok()
    p1.send(call).expect("SERIAL_REPEAT")
    p1.refund(p1.returning(first, "2.00", OUT_REFUND_NO=number)).expect("SERIAL_REPEAT")
    p1.refund(p1.returning(second, "1.00", OUT_REFUND_NO=number)).expect("SERIAL_REPEAT")
    p1.expect_state(second, 1)
    p1.refund(p1.returning(first, "9.00")).ok()
    p1.expect_state(first, 5)


def test_states_that_cannot_be_refunded(p1):
    created = p1.order(p1.precreate()).ok()["CHARGE_CODE"]
    p1.refund(p1.returning(created, "1.00")).expect("FAIL")
    p1.expect_state(created, 0)
    p1.cancel(created).ok()
    p1.refund(p1.returning(created, "1.00")).expect("AREADY_REVOKED")
    paid = p1.paid()["CHARGE_CODE"]
    p1.cancel(paid, "ACO").ok()
    p1.refund(p1.returning(paid, "1.00")).expect("FAIL")
    p1.expect_state(paid, 3)


@pytest.mark.interface("sosopay.6")
def test_pending(gw, shop):
    """The channel has not answered: state 8, one refund at a time, lookup 10; then 4 and 11."""
    code, number = shop.paid("10.00")["CHARGE_CODE"], unique("R")
    pending = shop.refund(shop.returning(code, "0.91", OUT_REFUND_NO=number)).ok()
    assert pending["AMT"] == 1000 and bills(pending) == 91
    shop.expect_state(code, 8)
    found = shop.expect_state(number, 10, "2")
    assert found["AMT"] == 91 and found["OUT_REFUND_NO"] == number
    shop.refund(shop.returning(code, "1.00")).expect("FAIL")
    gw.advance(28)
    shop.expect_state(code, 8)
    gw.reach(shop, code, 4, within_s=120)
    found = shop.expect_state(number, 11, "2")
    assert found["AMT"] == 91 and found["CHARGE_CODE"] == code
    shop.refund(shop.returning(code, "9.09")).ok()
    shop.expect_state(code, 5)


def test_pending_full_refund(gw, p1):
    code = p1.paid("1.91")["CHARGE_CODE"]
    p1.refund(p1.returning(code, "1.91")).ok()
    p1.expect_state(code, 8)
    gw.reach(p1, code, 5, within_s=150)


@pytest.mark.interface("sosopay.6")
def test_refused(p1):
    """State 9, or 4 when an earlier part succeeded; both may be refunded again."""
    code, number = p1.paid("10.00")["CHARGE_CODE"], unique("R")
    p1.refund(p1.returning(code, "0.92", OUT_REFUND_NO=number)).expect("FAIL")
    p1.expect_state(code, 9)
    assert p1.expect_state(number, 13, "2")["AMT"] == 92
    p1.refund(p1.returning(code, "1.00", OUT_REFUND_NO=number)).expect("SERIAL_REPEAT")
    p1.refund(p1.returning(code, "1.00")).ok()
    p1.expect_state(code, 4)
    p1.refund(p1.returning(code, "1.92")).expect("FAIL")
    p1.expect_state(code, 4)
    p1.refund(p1.returning(code, "9.00")).ok()
    p1.expect_state(code, 5)


def test_no_answer_is_not_a_failure(gw, p1):
    code, number = p1.paid("10.00")["CHARGE_CODE"], unique("R")
    p1.refund(p1.returning(code, "0.93", OUT_REFUND_NO=number)).ok()
    assert p1.state(code) in (8, 4)
    gw.reach(p1, code, 4, within_s=600, step_s=30)
    p1.expect_state(number, 11, "2")
    p1.refund(p1.returning(code, "9.07")).ok()
    p1.expect_state(code, 5)


@pytest.mark.interface("sosopay.6")
def test_lookup_by_refund_serial(shop):
    paid = shop.paid("10.00")
    code, number = paid["CHARGE_CODE"], unique("R")
    shop.refund(shop.returning(code, "1.50", OUT_REFUND_NO=number)).ok()
    for ser_type in ("2", None, "", "0"):  # without a type the merchant's serial is tried first, then this
        found = shop.expect_state(number, 11, ser_type)
        assert (found["AMT"], found["OUT_REFUND_NO"]) == (150, number)
        assert found["CHARGE_DOWN_CODE"] == paid["CHARGE_DOWN_CODE"]
    shop.query(code, "2").expect("CHARGE_NONEXISTENT")
    shop.query(number, "1").expect("CHARGE_NONEXISTENT")


@pytest.mark.interface("sosopay.6")
def test_order_serial_comes_before_refund_serial(p1):
    """The same text as an order's serial and as a refund's."""
    order, other = p1.paid("10.00")["CHARGE_CODE"], p1.paid("10.00")["CHARGE_CODE"]
    p1.refund(p1.returning(other, "2.00", OUT_REFUND_NO=order)).ok()
    assert p1.expect_state(order, 1)["AMT"] == 1000
    assert p1.expect_state(order, 11, "2")["AMT"] == 200


def test_no_notification_for_refunds(gw, p1, receiver):
    hook = receiver.hook()
    code = p1.paid("10.00")["CHARGE_CODE"]
    p1.refund(p1.returning(code, "1.00", NODIFY_URL=hook.url())).ok()
    gw.advance(30)
    assert not hook.records


def test_fifty_of_a_hundred(gw, p1):
    """100 refunds of one fiftieth at once: 50 are done and exactly the order's amount has gone back."""
    code = p1.paid("50.00")["CHARGE_CODE"]

    def one(_):
        while True:
            answer = p1.refund(p1.returning(code, "1.00", OUT_REFUND_NO=unique("R")))
            answer.expect("SUCCESS", "AMT_ERROR", "FAIL")
            # One refund is in flight at a time, so FAIL before the order is refunded means: later.
            if answer.code != "FAIL" or p1.state(code) == 5:
                return answer
            sleep(uniform(0.002, 0.03))

    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(one, range(100)))
    done = [answer for answer in answers if answer.code == "SUCCESS"]
    assert len(done) == 50
    assert sum(bills(answer) for answer in done) == 5000
    p1.expect_state(code, 5)
    gw.verify()


def test_one_of_many_equal_refunds_wins(p1):
    code, number = p1.paid("50.00")["CHARGE_CODE"], unique("R")
    sent = p1.returning(code, "1.00", OUT_REFUND_NO=number)
    answers = [call.result(30) for call in [in_background(p1.refund, sent) for _ in range(20)]]
    codes = [answer.expect("SUCCESS", "SERIAL_REPEAT", "FAIL").code for answer in answers]
    assert codes.count("SUCCESS") == 1
    p1.refund(p1.returning(code, "49.01")).expect("AMT_ERROR")
    p1.refund(p1.returning(code, "49.00")).ok()
    p1.expect_state(code, 5)
