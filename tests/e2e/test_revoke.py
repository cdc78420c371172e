"""Interface 7: revocation in real time and by application, and what the operator decides."""

import pytest

from .gateway import SHORT_KEY
from .support import bills, in_background, unique

pytestmark = pytest.mark.interface("sosopay.7")


def both_serials(answer):
    return answer["CHARGE_CODE"], answer["CHARGE_DOWN_CODE"]


@pytest.mark.parametrize("form", [False, True], ids=["get", "form"])
def test_unpaid(gw, shop, form):
    created = shop.order(shop.precreate()).ok()
    revoked = shop.cancel(created["CHARGE_CODE"], form=form).ok()
    assert revoked.encrypted == shop.encrypt
    shop.expect_state(created["CHARGE_CODE"], 2)
    shop.cancel(created["CHARGE_CODE"], form=form).expect("AREADY_REVOKED")
    gw.at_cashier(created["BAR_CODE"])  # too late
    gw.advance(30)
    shop.expect_state(created["CHARGE_CODE"], 2)


def test_paid(gw, shop):
    """The full amount goes back, then the order is revoked; the refund behind it is looked up as state 14."""
    code = shop.paid("12.34")["CHARGE_CODE"]
    shop.cancel(code).ok()
    shop.expect_state(code, 2)
    shop.cancel(code).expect("AREADY_REVOKED")
    shop.refund(shop.returning(code, "1.00")).expect("AREADY_REVOKED")
    assert_state_14(gw, shop, code, 1234)


def assert_state_14(gw, client, code, amount):
    """The platform made the refund's serial itself, so the operator's story is searched for it."""
    refunds = gw.story(code, client.partner)["refunds"]
    assert len(refunds) == 1, refunds
    words = {str(value) for value in refunds[0].values() if isinstance(value, (str, int)) and len(str(value)) <= 64}
    for word in words - {"", code}:
        if "/" not in word and client.query(word, "2").code == client.partner.success:
            found = client.expect_state(word, 14, "2")
            assert (found["AMT"], found["CHARGE_CODE"], found["OUT_REFUND_NO"]) == (amount, code, word)
            return
    raise AssertionError(f"no serial of {refunds} is found by the lookup of refunds")


def test_one_of_many_revocations_returns_the_money(gw, p1):
    code = p1.paid("7.00")["CHARGE_CODE"]
    answers = [call.result(30) for call in [in_background(p1.cancel, code) for _ in range(10)]]
    codes = [answer.expect("SUCCESS", "AREADY_REVOKED", "FAIL").code for answer in answers]
    assert codes.count("SUCCESS") == 1
    p1.expect_state(code, 2)
    assert len(gw.story(code)["refunds"]) == 1
    gw.verify()


def test_unknown_order(gw, shop):
    shop.cancel(unique("none")).expect("CHARGE_NONEXISTENT")
    other = gw.client(SHORT_KEY)
    foreign = other.order(other.precreate()).ok()
    shop.cancel(foreign["CHARGE_CODE"]).expect("CHARGE_NONEXISTENT")
    other.expect_state(foreign["CHARGE_CODE"], 0)


def test_states_that_cannot_be_revoked(gw, p1):
    """4, 5, 8 and 9 answer FAIL in both ways and stay what they are."""
    orders = {}
    for state, fee in {4: "1.00", 5: "10.00", 8: "0.91", 9: "0.92"}.items():
        orders[state] = p1.paid("10.00")["CHARGE_CODE"]
        p1.refund(p1.returning(orders[state], fee)).expect("FAIL" if state == 9 else "SUCCESS")
    for state, code in orders.items():
        p1.cancel(code).expect("FAIL")
        p1.cancel(code, "ACO").expect("FAIL")
        p1.expect_state(code, state)
    gw.advance(60)


@pytest.mark.parametrize("decision", ["approve", "reject"])
@pytest.mark.parametrize("state", [0, 1])
def test_application(gw, p1, state, decision):
    """With opType=ACO the order waits in state 3 for the operator, who approves or rejects."""
    order = p1.paid("3.00") if state else p1.order(p1.precreate()).ok()
    code = order["CHARGE_CODE"]
    p1.cancel(code, "ACO").ok()
    found = p1.expect_state(code, 3)
    assert bills(found) == (300 if state else 0)
    gw.ops("POST", f"orders/{code}/revocation/{decision}", {}, partner=p1.partner.busi_id)
    gw.reach(p1, code, 2 if decision == "approve" else state, within_s=30)
    if decision == "approve":
        p1.cancel(code).expect("AREADY_REVOKED")
        if state:
            assert_state_14(gw, p1, code, 300)
    else:
        p1.cancel(code).ok()
        p1.expect_state(code, 2)
    again = gw.ops_raw("POST", f"orders/{code}/revocation/approve", {}, partner=p1.partner.busi_id)
    assert 400 <= again.status_code < 500, again.text


def test_application_in_all_formats(shop):
    code = shop.paid("3.00")["CHARGE_CODE"]
    shop.cancel(code, "ACO").ok()
    shop.expect_state(code, 3)


@pytest.mark.parametrize("op_type", ["aco", "ACO2", "", "0"])
def test_any_other_op_type_is_real_time(p1, op_type):
    code = p1.paid("3.00")["CHARGE_CODE"]
    p1.cancel(code, op_type).ok()
    p1.expect_state(code, 2)


def test_no_decision_without_an_application(gw, p1):
    code = p1.paid("3.00")["CHARGE_CODE"]
    for decision in ("approve", "reject"):
        refused = gw.ops_raw("POST", f"orders/{code}/revocation/{decision}", {}, partner=p1.partner.busi_id)
        assert 400 <= refused.status_code < 500 and refused.json()["error"]["code"], refused.text
    p1.expect_state(code, 1)


def test_odd_serials_in_the_path(p1):
    """Percent-encoded serials: decoded once, then signed."""
    for code in (unique("a b/"), unique("茶%20"), unique("q?x=1&y#")):
        sent = p1.precreate(CHARGE_CODE=code)
        if p1.order(sent).code != "SUCCESS":
            continue  # a platform may allow fewer characters in serials
        p1.expect_state(code, 0)
        p1.cancel(code).ok()
        p1.expect_state(code, 2)
