"""Interface 1: the cashier scans the customer's payment code."""

import pytest

from .gateway import SHORT_KEY
from .sosopay_client import DROP
from .support import bills, in_background, scan_code, unique, wait_for

pytestmark = pytest.mark.interface("sosopay.1")
GOODS = [
    {
        "GOOD_ID": "2010",
        "GOOD_NAME": "茶叶 & <tea>",
        "GOOD_CLASS": "Food",
        "GOOD_PRICE": "4999.00",
        "GOOD_SUBJECT": 'a "good" one / two',
        "GOOD_QUANTITY": "1",
        "GOOD_SHOWURL": "www.sssyin.cn",
    },
    {
        "GOOD_ID": "2011",
        "GOOD_NAME": "Cup",
        "GOOD_CLASS": "Ware",
        "GOOD_PRICE": "0.50",
        "GOOD_SUBJECT": "cup",
        "GOOD_QUANTITY": "12",
    },
]


@pytest.mark.interface("sosopay.6")
def test_paid_at_once(gw, shop):
    sent = shop.scan(
        AMT="158.00",
        MERCHANTPARA="MDEwMDAwMDE=/+x",
        REGISTER_ID="02016",
        PAY_SUBJECT="茶　叶 A & B",
        GOODS_DETAIL=GOODS,
    )
    paid = shop.pre_order(sent).ok()
    assert paid.encrypted == shop.encrypt
    for name in ("CHARGE_CODE", "OPER_ID", "DEV_ID", "MERCHANTPARA"):
        assert paid[name] == sent[name], name
    assert (paid["AMT"], paid["CHANNEL_TYPE"]) == (15800, 1)
    assert paid["CHARGE_DOWN_CODE"].startswith("20160805") and paid["CHARGE_THIRD_CODE"]
    assert bills(paid) == 15800
    assert paid["BEGIN_TIME"].startswith("2016-08-05 ")

    found = shop.expect_state(sent["CHARGE_CODE"], 1)
    for name in ("CHARGE_CODE", "BUSI_ID", "OPER_ID", "DEV_ID", "MERCHANTPARA", "REGISTER_ID", "PAY_SUBJECT"):
        assert found[name] == sent[name], name
    for name in ("CHARGE_DOWN_CODE", "CHARGE_THIRD_CODE", "AMT", "CHANNEL_TYPE", "BEGIN_TIME"):
        assert found[name] == paid[name], name
    assert found["DYNAMIC_ID"] == sent["DYNAMIC_ID"]
    assert bills(found) == 15800
    assert [goods["GOOD_NAME"] for goods in found["GOODS_DETAIL"]] == ["茶叶 & <tea>", "Cup"]
    assert found["GOODS_DETAIL"][0]["GOOD_PRICE"] == "4999.00"
    assert found["GOODS_DETAIL"][0]["GOOD_SUBJECT"] == GOODS[0]["GOOD_SUBJECT"]


@pytest.mark.parametrize("prefix", ["25", "26", "27", "28", "29", "30"])
def test_alipay_by_prefix(p1, prefix):
    assert p1.paid(DYNAMIC_ID=scan_code(prefix=prefix))["CHANNEL_TYPE"] == 1


@pytest.mark.parametrize("prefix, channel", [(str(n), 2) for n in range(10, 16)] + [("91", 31), ("51", 27)])
def test_other_wallets_by_prefix(p1, prefix, channel):
    assert p1.paid(DYNAMIC_ID=scan_code(prefix=prefix))["CHANNEL_TYPE"] == channel


def test_wallet_not_enabled(p1, p2):
    p1.pre_order(p1.scan(DYNAMIC_ID=scan_code(prefix="62"))).expect("INVALID_CONTRACT")
    p2.pre_order(p2.scan(DYNAMIC_ID=scan_code(prefix="91"))).expect("INVALID_CONTRACT")
    p2.pre_order(p2.scan(DYNAMIC_ID=scan_code(prefix="13"))).ok()


@pytest.mark.parametrize("prefix", ["99", "00", "77"])
def test_unknown_wallet(p1, prefix):
    sent = p1.scan(DYNAMIC_ID=scan_code(prefix=prefix))
    p1.pre_order(sent).expect("ILLEGAL_PARAMETER", "INVALID_CONTRACT", "FAIL", "SERVICE_UNAVAILABLE")
    found = p1.query(sent["CHARGE_CODE"])
    assert found.code == "CHARGE_NONEXISTENT" or found["STATE"] != 1


@pytest.mark.parametrize("code", ["281234567", "28" + "1" * 31, "28123456789012345x", "", DROP, "28 123456 789012"])
def test_payment_code_is_10_to_32_digits(p1, code):
    p1.pre_order(p1.scan(DYNAMIC_ID=code)).expect("ILLEGAL_PARAMETER")


@pytest.mark.parametrize("code", ["28" + "1" * 8, "28" + "1" * 30])
def test_payment_code_bounds(p1, code):
    p1.pre_order(p1.scan(DYNAMIC_ID=code)).ok()


@pytest.mark.parametrize(
    "extra",
    [
        {"CHANNEL_TYPE": "0"},
        {"CHANNEL_TYPE": 1},
        {"DYNAMIC_ID_TYPE": "1"},
        {"subAppid": "wx8888888888888888", "subOpenid": "o1"},
        {"NODIFY_URL": "null"},
        {"NODIFY_URL": None},
        {"SOMETHING_ELSE": "ignored"},
        {"goodsInfos": GOODS},
    ],
    ids=lambda extra: "-".join(f"{name}" for name in extra),
)
def test_optional_fields(p1, extra):
    paid = p1.pre_order(p1.scan(**extra)).ok()
    if "goodsInfos" in extra:
        assert len(p1.expect_state(paid["CHARGE_CODE"], 1)["GOODS_DETAIL"]) == 2


@pytest.mark.parametrize("tail", ["5101", "5102"])
def test_declined(shop, tail):
    sent = shop.scan(DYNAMIC_ID=scan_code(tail))
    shop.pre_order(sent).expect("FAIL")
    found = shop.query(sent["CHARGE_CODE"]).ok()
    assert found["STATE"] in (0, 2, 6) and bills(found) == 0


def waiting(client, tail, **changes):
    """A payment whose outcome is open: the pending call and its serial, once the gateway knows the order."""
    sent = client.scan(DYNAMIC_ID=scan_code(tail), CHARGE_CODE=unique("W"), **changes)
    call = in_background(client.pre_order, sent)
    wait_for(lambda: client.query(sent["CHARGE_CODE"]).code == client.partner.success, "the order to be known")
    if tail not in ("5903", "5904"):  # those may become known at any moment
        client.expect_state(sent["CHARGE_CODE"], 0)
    return call, sent["CHARGE_CODE"]


def test_customer_confirms(gw, shop):
    """The call is held until the customer has confirmed, and answered as soon as the channel says so."""
    call, code = waiting(shop, "4010")
    gw.advance(9)
    assert not call.done()
    shop.expect_state(code, 0)
    paid = answer_within(gw, call, 60).ok()
    assert (paid["CHARGE_CODE"], paid["AMT"]) == (code, 158)
    shop.expect_state(code, 1)


def answer_within(gw, call, seconds, step_s=5):
    """The answer of a held call, given by the time the clock has moved on by `seconds`."""
    for _ in range(0, seconds, step_s):
        if call.done():
            break
        gw.advance(step_s)
    return call.result(timeout=10)


@pytest.mark.parametrize("tail", ["4001", "4030", "4060"])
def test_customer_confirms_within_80_seconds(gw, p1, tail):
    call, code = waiting(p1, tail)
    answer_within(gw, call, 80).ok()
    p1.expect_state(code, 1)


@pytest.mark.interface("sosopay.6")
@pytest.mark.parametrize("tail", ["5901", "4099"])
def test_cancelled_after_80_seconds(gw, p1, tail):
    call, code = waiting(p1, tail, AMT="12.34")
    gw.advance(79)
    assert not call.done()
    p1.expect_state(code, 0)
    gw.advance(2)
    call.result(timeout=10).expect("FAIL")
    found = p1.expect_state(code, 2)
    assert bills(found) == 0
    gw.advance(60)  # past the moment at which 4099 would have been confirmed
    p1.expect_state(code, 2)


def test_late_success_goes_back_to_the_payer(gw, p1):
    """The cancel at the channel finds the payment done: the order stays revoked and the money is returned."""
    call, code = waiting(p1, "5902", AMT="23.45")
    gw.advance(81)
    call.result(timeout=10).expect("FAIL")
    p1.expect_state(code, 2)
    gw.advance(120)
    p1.expect_state(code, 2)
    story = gw.story(code)
    assert story["refunds"] or len(story["transfers"]) >= 2, story
    p1.cancel(code).expect("AREADY_REVOKED")
    gw.verify()


def test_no_answer_then_paid(gw, p1):
    call, code = waiting(p1, "5903")
    answer_within(gw, call, 79).ok()
    p1.expect_state(code, 1)


def test_no_answer_then_declined(gw, p1):
    call, code = waiting(p1, "5904")
    answer_within(gw, call, 85).expect("FAIL")
    assert p1.state(code) in (0, 2, 6)


def test_held_calls_do_not_disturb_each_other(gw, p1):
    """Several held calls and one advance: each ends as its code says."""
    outcomes = {"4005": ("SUCCESS", 1), "5901": ("FAIL", 2), "4050": ("SUCCESS", 1), "4095": ("FAIL", 2)}
    held = [(waiting(p1, tail), *outcome) for tail, outcome in outcomes.items()]
    p1.paid()
    gw.advance(81)
    for (call, code), expected, state in held:
        call.result(timeout=10).expect(expected)
        p1.expect_state(code, state)


@pytest.mark.interface("sosopay.7")
def test_revoked_while_the_customer_thinks(gw, p1):
    call, code = waiting(p1, "5901")
    p1.cancel(code).ok()
    p1.expect_state(code, 2)
    answer_within(gw, call, 85).expect("FAIL", "AREADY_REVOKED")
    p1.expect_state(code, 2)


def test_serial_is_never_used_twice(gw, p1):
    """Reuse answers SERIAL_REPEAT and changes nothing, even with an identical body; other merchants may use it."""
    call = p1.post_call("preOrder", sent := p1.scan(), "ORDER_REQ")
    paid = p1.send(call).ok()
    code = sent["CHARGE_CODE"]
    p1.send(call).expect("SERIAL_REPEAT")
    p1.pre_order(sent | {"AMT": "99.00"}).expect("SERIAL_REPEAT")
    p1.order(p1.precreate(CHARGE_CODE=code)).expect("SERIAL_REPEAT")
    found = p1.expect_state(code, 1)
    assert found["AMT"] == 158 and found["CHARGE_DOWN_CODE"] == paid["CHARGE_DOWN_CODE"]
    other = gw.client(SHORT_KEY)
    other.pre_order(other.scan(CHARGE_CODE=code)).ok()
    declined = p1.scan(DYNAMIC_ID=scan_code("5101"))
    p1.pre_order(declined).expect("FAIL")
    p1.pre_order(declined | {"DYNAMIC_ID": scan_code()}).expect("SERIAL_REPEAT")


def test_one_of_many_equal_requests_wins(p1):
    sent = p1.scan()
    answers = [call.result(30) for call in [in_background(p1.pre_order, sent) for _ in range(20)]]
    codes = sorted(answer.expect("SUCCESS", "SERIAL_REPEAT").code for answer in answers)
    assert codes == ["SERIAL_REPEAT"] * 19 + ["SUCCESS"]
    p1.expect_state(sent["CHARGE_CODE"], 1)


def test_default_format_is_xml(p1):
    answer = p1.pre_order(p1.scan(), answer=None).ok()
    assert answer.fmt == "xml"
    assert p1.query(answer["CHARGE_CODE"], answer=None).ok().fmt == "xml"
