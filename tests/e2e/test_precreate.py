"""Interfaces 2 and 3: the customer scans a code that the shop shows, or pays inside an official account or an app."""

import re
from urllib.parse import urljoin

import pytest
import requests

from .sosopay_client import DROP
from .support import bills, in_background, unique
from .test_scan import GOODS

BRIDGE = ("appId", "timeStamp", "nonceStr", "packageData", "signType", "sign")


@pytest.mark.interface("sosopay.2", "sosopay.6")
def test_created_then_paid_on_the_page(gw, shop):
    sent = shop.precreate(
        AMT="158.00", CHANNEL_TYPE="2", MERCHANTPARA="MDEwMDAwMDE=", REGISTER_ID="02016", GOODS_DETAIL=GOODS
    )
    created = shop.order(sent).ok()
    assert created.encrypted == shop.encrypt
    assert (created["CHARGE_CODE"], created["MERCHANTPARA"]) == (sent["CHARGE_CODE"], sent["MERCHANTPARA"])
    assert created["CHARGE_DOWN_CODE"].startswith("20160805")

    page = requests.get(gw.cashier(created["BAR_CODE"]), timeout=10)
    assert page.status_code == 200 and "text/html" in page.headers["Content-Type"]
    assert "158.00" in page.text and "<script" not in page.text.lower()
    shows_qr_image(gw, page)

    found = shop.expect_state(sent["CHARGE_CODE"], 0)
    assert bills(found) == 0 and "CHARGE_THIRD_CODE" in found and "DYNAMIC_ID" not in found
    assert (found["AMT"], found["CHANNEL_TYPE"], found["REGISTER_ID"]) == (15800, 2, "02016")
    assert len(found["GOODS_DETAIL"]) == 2

    gw.at_cashier(created["BAR_CODE"])
    found = gw.reach(shop, sent["CHARGE_CODE"], 1, within_s=60)
    assert bills(found) == 15800 and found["CHARGE_DOWN_CODE"] == created["CHARGE_DOWN_CODE"]
    assert found["CHARGE_THIRD_CODE"]

    gw.at_cashier(created["BAR_CODE"])  # pressing again changes nothing
    assert requests.get(gw.cashier(created["BAR_CODE"]), timeout=10).status_code < 500
    assert shop.expect_state(sent["CHARGE_CODE"], 1)["AMT"] == 15800
    gw.verify()


def shows_qr_image(gw, page):
    images = re.findall(r"<img[^>]+src=[\"']([^\"']+)", page.text, re.I)
    assert images or "<svg" in page.text.lower(), page.text[:2000]
    for source in images:
        if not source.startswith("data:"):
            image = requests.get(urljoin(page.url, source), timeout=10)
            assert image.status_code == 200 and image.headers["Content-Type"].startswith("image/"), source


def test_unknown_page(gw):
    assert requests.get(gw.base + "/pay/no-such-token", timeout=10).status_code == 404


@pytest.mark.interface("sosopay.2")
def test_refused_on_the_page(gw, p1):
    created = p1.order(p1.precreate()).ok()
    gw.at_cashier(created["BAR_CODE"], "refuse")
    gw.advance(30)
    assert p1.state(created["CHARGE_CODE"]) in (0, 6)


@pytest.mark.interface("sosopay.2")
def test_paid_by_itself(gw, p1):
    """An amount that ends in 81 cents is paid 3 s after its creation."""
    created = p1.order(p1.precreate(AMT="1.81")).ok()
    p1.expect_state(created["CHARGE_CODE"], 0)
    gw.advance(2)
    p1.expect_state(created["CHARGE_CODE"], 0)
    found = gw.reach(p1, created["CHARGE_CODE"], 1, within_s=60)
    assert bills(found) == 181


@pytest.mark.interface("sosopay.2", "sosopay.6")
def test_expires(gw, p1):
    created = p1.order(p1.precreate(TIME_EXPIRE="1")).ok()
    code = created["CHARGE_CODE"]
    gw.advance(58)
    p1.expect_state(code, 0)
    gw.advance(3)
    gw.reach(p1, code, 6, within_s=0)
    gw.at_cashier(created["BAR_CODE"])
    gw.advance(30)
    p1.expect_state(code, 6)
    p1.cancel(code).expect("FAIL")
    p1.refund(p1.returning(code, "0.01")).expect("FAIL")
    p1.expect_state(code, 6)


@pytest.mark.interface("sosopay.2")
def test_expires_after_120_minutes_by_default(start_gateway):
    gateway = start_gateway()
    client = gateway.client()
    created = client.order(client.precreate()).ok()
    gateway.advance(119 * 60)
    client.expect_state(created["CHARGE_CODE"], 0)
    gateway.advance(61)
    gateway.reach(client, created["CHARGE_CODE"], 6, within_s=0)


@pytest.mark.interface("sosopay.2")
@pytest.mark.parametrize(
    "value, expected",
    [
        ("1", "SUCCESS"),
        (1, "SUCCESS"),
        ("1440", "SUCCESS"),
        ("", "SUCCESS"),
        (None, "SUCCESS"),
        ("0", "ILLEGAL_PARAMETER"),
        ("1441", "ILLEGAL_PARAMETER"),
        ("-5", "ILLEGAL_PARAMETER"),
        ("soon", "ILLEGAL_PARAMETER"),
        ("99999999999999999999", "ILLEGAL_PARAMETER"),
    ],
)
def test_time_expire_bounds(p1, value, expected):
    p1.order(p1.precreate(TIME_EXPIRE=value)).expect(expected)


@pytest.mark.interface("sosopay.2")
@pytest.mark.parametrize(
    "channel, expected",
    [
        ("0", {"ILLEGAL_PARAMETER"}),
        (DROP, {"ILLEGAL_PARAMETER"}),
        ("", {"ILLEGAL_PARAMETER"}),
        ("x", {"ILLEGAL_PARAMETER"}),
        ("-1", {"ILLEGAL_PARAMETER"}),
        ("4", {"INVALID_CONTRACT"}),
        ("17", {"INVALID_CONTRACT", "ILLEGAL_PARAMETER"}),
        ("32", {"INVALID_CONTRACT"}),
        ("34", {"INVALID_CONTRACT"}),
        ("99", {"INVALID_CONTRACT", "ILLEGAL_PARAMETER"}),
    ],
)
def test_wrong_channel(p1, channel, expected):
    p1.order(p1.precreate(CHANNEL_TYPE=channel)).expect(*expected)


@pytest.mark.interface("sosopay.2")
def test_serial_is_never_used_twice(p1):
    sent = p1.precreate()
    answers = [call.result(30) for call in [in_background(p1.order, sent) for _ in range(20)]]
    assert sorted(answer.code for answer in answers) == ["SERIAL_REPEAT"] * 19 + ["SUCCESS"]
    p1.cancel(sent["CHARGE_CODE"]).ok()
    p1.order(sent).expect("SERIAL_REPEAT")
    p1.pre_order(p1.scan(CHARGE_CODE=sent["CHARGE_CODE"])).expect("SERIAL_REPEAT")
    p1.expect_state(sent["CHARGE_CODE"], 2)


@pytest.mark.interface("sosopay.2", "sosopay.7")
def test_payer_and_revocation_at_once(gw, p1):
    """Whoever wins, the books agree: revoked, with the money returned when it had come in."""
    for _ in range(5):
        created = p1.order(p1.precreate()).ok()
        calls = [in_background(gw.at_cashier, created["BAR_CODE"]), in_background(p1.cancel, created["CHARGE_CODE"])]
        calls[0].result(30)
        calls[1].result(30).expect("SUCCESS", "FAIL")
        gw.advance(60)
        assert p1.state(created["CHARGE_CODE"]) in (1, 2)
    gw.verify()


# ---- official account and app -------------------------------------------------------------------------------------


@pytest.mark.interface("sosopay.3")
@pytest.mark.parametrize("trade_type", ["JSAPI", "APP"])
def test_bridge_fields(shop, trade_type):
    sent = shop.precreate(CHANNEL_TYPE="2", TRADE_TYPE=trade_type, subAppid="wx8888888888888888", MERCHANTPARA="MDE=")
    if trade_type == "JSAPI":
        sent["subOpenid"] = "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
    created = shop.order(sent).ok()
    for name in BRIDGE:
        assert created[name] and isinstance(created[name], str), name
    assert "CHARGE_THIRD_CODE" in created and created["CHARGE_DOWN_CODE"]
    assert (created["CHARGE_CODE"], created["MERCHANTPARA"]) == (sent["CHARGE_CODE"], "MDE=")
    shop.expect_state(sent["CHARGE_CODE"], 0)


@pytest.mark.interface("sosopay.3")
def test_official_account_order_is_paid(gw, p1):
    sent = p1.precreate(AMT="2.81", CHANNEL_TYPE="2", TRADE_TYPE="JSAPI", subOpenid="oUpF8uMuAJO_M2pxb1Q9zNjWeS6o")
    p1.order(sent).ok()
    found = gw.reach(p1, sent["CHARGE_CODE"], 1, within_s=60)
    assert (bills(found), found["CHANNEL_TYPE"]) == (281, 2)


@pytest.mark.interface("sosopay.3")
@pytest.mark.parametrize("trade_type", ["NATIVE", "", None, DROP])
def test_native_is_the_default(p1, trade_type):
    assert p1.order(p1.precreate(CHANNEL_TYPE="2", TRADE_TYPE=trade_type)).ok()["BAR_CODE"]


@pytest.mark.interface("sosopay.3")
@pytest.mark.parametrize(
    "changes",
    [
        {"TRADE_TYPE": "JSAPI", "CHANNEL_TYPE": "2"},
        {"TRADE_TYPE": "JSAPI", "CHANNEL_TYPE": "2", "subOpenid": ""},
        {"TRADE_TYPE": "JSAPI", "CHANNEL_TYPE": "1", "subOpenid": "o1"},
        {"TRADE_TYPE": "APP", "CHANNEL_TYPE": "1"},
        {"TRADE_TYPE": "MICROPAY", "CHANNEL_TYPE": "2"},
    ],
    ids=["no-openid", "empty-openid", "jsapi-alipay", "app-alipay", "unknown-type"],
)
def test_wrong_bridge_request(p1, changes):
    sent = p1.precreate(CHARGE_CODE=unique("B"), **changes)
    p1.order(sent).expect("ILLEGAL_PARAMETER")
    p1.query(sent["CHARGE_CODE"]).expect("CHARGE_NONEXISTENT")
