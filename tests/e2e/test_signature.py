"""URL parameters, signatures and who may call (sections 1.4 and 3)."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from .gateway import SHOP, SHORT_KEY, SUSPENDED
from .sosopay_client import Partner
from .support import in_background, raw_exchange, unique
from .wire import encipher, sign, to_json, to_xml

pytestmark = pytest.mark.interface("sosopay.2")


def known(client):
    """Query of a request whose merchant is known although its body may not be readable."""
    return {"busi_code": client.partner.busi_id}


# ---- parameters ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["yaml", "JSON ", "0", "j%73on"])
def test_unknown_type(p1, value):
    """Answered in JSON, whatever was asked for."""
    client = p1.using(fmt="json")
    for call in (
        client.post_call("order", client.precreate(), "ORDER_REQ"),
        client.query_call("T1"),
        client.trades_call(),
        client.channels_call(),
    ):
        client.send(call.with_query(_type=value)).expect("ILLEGAL_PARAMETER")


@pytest.mark.parametrize("value", ["AES", "DES", "3des3", "1"])
def test_unknown_encryption(p1, value):
    for call in (p1.post_call("order", p1.precreate(), "ORDER_REQ"), p1.query_call("T1"), p1.channels_call()):
        answer = p1.send(call.with_query(encrypt=value)).expect("ILLEGAL_PARAMETER")
        assert not answer.encrypted


@pytest.mark.parametrize("value", ["json", "JSON", "Json", "xml", "XML"])
def test_type_in_any_case(p1, value):
    client = p1.using(fmt=value.lower())
    sent = client.post_call("order", client.precreate(), "ORDER_REQ").with_query(_type=value)
    client.send(sent).ok()


def test_parameter_names_in_any_case(p1):
    client = p1.using(encrypt=True)
    call = client.post_call("order", client.precreate(), "ORDER_REQ")
    renamed = tuple((name.upper(), value) for name, value in call.query)
    assert client.send(call.but(query=renamed)).ok().encrypted


def test_empty_encrypt_is_clear_text(p1):
    call = p1.post_call("order", p1.precreate(), "ORDER_REQ", extra=[("encrypt", ""), ("unknown", "1")])
    assert not p1.send(call).ok().encrypted


def test_colon_of_the_sign_raw_and_encoded(gw, p1):
    for encode in (False, True):
        for call in (p1.post_call("order", p1.precreate(), "ORDER_REQ"), p1.channels_call()):
            target = call.target().replace("%3A", ":")
            target = target.replace(":", "%3A") if encode else target
            body = call.body or b""
            lines = f"{call.method} {target} HTTP/1.1", "Host: gateway", "Connection: close"
            start = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""])
            status, answer = raw_exchange(gw.base, start.encode() + body)
            assert status == 200 and b'"SUCCESS"' in answer, answer


@pytest.mark.parametrize("name", ["sign", "_type", "busiCode", "encrypt"])
def test_duplicate_parameters(p1, name):
    """Nothing is specified but that an answer comes; it is one of the protocol's."""
    call = p1.post_call("order", p1.precreate(), "ORDER_REQ", **known(p1), extra=[("encrypt", "")])
    value = dict(call.query)[name]
    p1.send(call.but(query=call.query + ((name, value),))).expect(
        "SUCCESS", "ILLEGAL_PARAMETER", "INVALID_SIGN", "UNREGISTERED_BUSI"
    )


def test_duplicate_json_members_last_wins(p1):
    sent = p1.precreate(AMT="9.00")
    body = to_json(sent)[:-1] + ', "AMT": "1.58", "PAY_SUBJECT": "the last"}'
    p1.order(body).ok()
    found = p1.expect_state(sent["CHARGE_CODE"], 0)
    assert (found["AMT"], found["PAY_SUBJECT"]) == (158, "the last")


def test_ids_must_agree(gw, p1):
    """busiCode of the query, BUSI_ID of the body or path."""
    other = SHORT_KEY.busi_id
    p1.order(p1.precreate(), busi_code=other).expect("ILLEGAL_PARAMETER")
    p1.send(p1.query_call("T1", extra=[("busiCode", other)])).expect("ILLEGAL_PARAMETER")
    p1.send(p1.cancel_call("T1", extra=[("busiCode", other)])).expect("ILLEGAL_PARAMETER")
    foreign = gw.client(SHORT_KEY, encrypt=True)
    foreign.order(foreign.precreate(BUSI_ID="0010000001")).expect("ILLEGAL_PARAMETER")


# ---- the signature ------------------------------------------------------------------------------------------------

WINDOW = 15 * 60 * 1000


@pytest.mark.parametrize("offset, good", [(-WINDOW, True), (WINDOW, True), (-WINDOW - 1, False), (WINDOW + 1, False)])
def test_freshness(gw, shop, offset, good):
    """15 minutes in both directions, to the millisecond."""
    ts = gw.now_ms() + offset
    expected = "SUCCESS" if good else "INVALID_SIGN"
    sent = shop.precreate()
    shop.order(sent, ts=ts).expect(expected)
    shop.query(sent["CHARGE_CODE"], ts=gw.now_ms()).expect("SUCCESS" if good else "CHARGE_NONEXISTENT")
    shop.channels(ts=ts).expect(expected)
    shop.trades({"ts": ts}).expect(expected)


def test_a_signature_gets_stale(start_gateway):
    gateway = start_gateway()
    client = gateway.client()
    call = client.post_call("order", client.precreate(), "ORDER_REQ")
    gateway.advance(15 * 60 + 1)
    client.send(call).expect("INVALID_SIGN")


@pytest.mark.parametrize(
    "value",
    [
        None,
        "",
        ":",
        "{ts}",
        ":{ts}",
        "{md5}",
        "{md5}:",
        "{md5}:x",
        "{md5}:-1",
        "{md5}:{ts}:",
        "{md5}:{ts}0",
        "{md5}:99999999999999999999999999",
        "{short}:{ts}",
        "zz{md5}:{ts}",
        "{zeros}:{ts}",
        "茶:{ts}",
    ],
    ids=str,
)
def test_malformed_signatures(p1, value):
    call = p1.post_call("order", sent := p1.precreate(), "ORDER_REQ")
    md5, ts = dict(call.query)["sign"].split(":")
    value = value and value.format(md5=md5, ts=ts, short=md5[:-1], zeros="0" * 32)
    p1.send(call.with_query(sign=value)).expect("INVALID_SIGN", "ILLEGAL_PARAMETER")
    p1.query(sent["CHARGE_CODE"]).expect("CHARGE_NONEXISTENT")


def test_upper_case_signature(p1):
    call = p1.post_call("order", p1.precreate(), "ORDER_REQ")
    p1.send(call.with_query(sign=dict(call.query)["sign"].upper())).ok()


@pytest.mark.parametrize("cipher", [False, True], ids=["clear", "3des"])
@pytest.mark.parametrize("fmt", ["json", "xml"])
def test_tampered_values(gw, fmt, cipher):
    """One character of one value, signature kept."""
    client = gw.client(fmt=fmt, encrypt=cipher)
    for old, new in (("1.58", "1.59"), ("oper01", "oper02"), ("test order", "test  0rder"), ("dev01", "dev01　")):
        sent = client.precreate()
        good = client.post_call("order", sent, "ORDER_REQ")
        text = (to_json(sent) if fmt == "json" else to_xml("ORDER_REQ", sent)).replace(old, new)
        body = encipher(client.partner.key, text) if cipher else text
        client.send(good.but(body=body.encode())).expect("INVALID_SIGN")
        client.query(sent["CHARGE_CODE"]).expect("CHARGE_NONEXISTENT")


def test_every_tampered_byte(p1):
    """Whatever byte changes, the order is not made; only white space is not covered by the signature."""
    call = p1.post_call("order", sent := p1.precreate(), "ORDER_REQ", **known(p1))
    places = [n for n in range(len(call.body)) if not call.body[n : n + 1].isspace()]

    def tampered(place):
        changed = bytearray(call.body)
        changed[place] ^= 0x01
        return p1.send(call.but(body=bytes(changed)))

    with ThreadPoolExecutor(4) as pool:
        for place, answer in zip(places, pool.map(tampered, places), strict=True):
            assert answer.code in ("INVALID_SIGN", "ILLEGAL_PARAMETER", "UNREGISTERED_BUSI"), (place, answer.text)
    p1.query(sent["CHARGE_CODE"]).expect("CHARGE_NONEXISTENT")
    p1.send(call).ok()


def test_white_space_is_not_signed(p1):
    sent = p1.precreate(PAY_SUBJECT="a b")
    call = p1.post_call("order", sent, "ORDER_REQ")
    spaced = json.dumps(sent, indent=4, ensure_ascii=False).replace("a b", "a  \\u0062")
    p1.send(call.but(body=spaced.encode())).expect("INVALID_SIGN")
    spaced = json.dumps(sent, indent=4, ensure_ascii=False).replace("\n", "\r\n\t")
    p1.send(call.but(body=spaced.encode())).ok()


def test_wrong_key(p1, shop):
    key = SHORT_KEY.key
    p1.order(p1.precreate(), key=key).expect("INVALID_SIGN")
    p1.query("T1", key=key).expect("INVALID_SIGN")
    p1.cancel("T1", key=key).expect("INVALID_SIGN")
    p1.trades({"key": key}).expect("INVALID_SIGN")
    p1.channels(key=key).expect("INVALID_SIGN")
    shop.order(shop.precreate(), signature=sign(key, "", shop.clock())).expect("INVALID_SIGN")


@pytest.mark.interface("sosopay.6", "sosopay.7", "sosopay.9")
def test_signatures_cannot_be_moved(p1):
    """A signature of one interface or one order is worth nothing at another."""
    one, two = p1.paid()["CHARGE_CODE"], p1.paid()["CHARGE_CODE"]
    query_sign = dict(p1.query_call(one).query)["sign"]
    p1.query(two, signature=query_sign).expect("INVALID_SIGN")
    p1.cancel(one, signature=query_sign).expect("INVALID_SIGN")
    p1.channels(signature=query_sign).expect("INVALID_SIGN")
    p1.trades({"signature": query_sign}).expect("INVALID_SIGN")
    p1.expect_state(one, 1)


@pytest.mark.interface("sosopay.1", "sosopay.5")
def test_replay(p1):
    """The identical bytes again, within the window: SERIAL_REPEAT, nothing changed."""
    pay = p1.post_call("preOrder", sent := p1.scan(), "ORDER_REQ")
    p1.send(pay).ok()
    back = p1.post_call("refund", p1.returning(sent["CHARGE_CODE"], "0.50", OUT_REFUND_NO=unique("R")), "REFUND_REQ")
    p1.send(back).ok()
    calls = [in_background(p1.send, call) for call in [pay, back] * 10]
    assert {call.result(30).code for call in calls} == {"SERIAL_REPEAT"}
    p1.expect_state(sent["CHARGE_CODE"], 4)
    p1.refund(p1.returning(sent["CHARGE_CODE"], "1.08")).ok()
    p1.expect_state(sent["CHARGE_CODE"], 5)


# ---- who calls ----------------------------------------------------------------------------------------------------


@pytest.mark.interface("sosopay.1", "sosopay.5", "sosopay.6", "sosopay.7", "sosopay.8", "sosopay.9")
@pytest.mark.parametrize("busi_id", ["0019999999", "10000001", "00100000010", "0", "x", "' OR 1=1 --", "茶"])
def test_unknown_merchant(gw, busi_id):
    client = gw.client(Partner(busi_id, SHOP.key))
    for answer in (
        client.pre_order(client.scan()),
        client.order(client.precreate()),
        client.refund(client.returning("T1", "1.00")),
        client.trades(),
    ):
        answer.expect("UNREGISTERED_BUSI", "UNREGISTERED_BUSI" if busi_id.isdigit() else "ILLEGAL_PARAMETER")
    if busi_id.isdigit():
        for answer in (client.query("T1"), client.cancel("T1"), client.channels()):
            answer.expect("UNREGISTERED_BUSI")
        answer = client.using(encrypt=True).order(client.precreate()).expect("UNREGISTERED_BUSI")
        assert not answer.encrypted


@pytest.mark.interface("sosopay.1", "sosopay.5", "sosopay.6", "sosopay.7", "sosopay.8", "sosopay.9")
@pytest.mark.parametrize("cipher", [False, True], ids=["clear", "3des"])
def test_suspended_merchant(gw, cipher):
    client = gw.client(SUSPENDED, encrypt=cipher)
    for answer in (
        client.pre_order(client.scan()),
        client.order(client.precreate()),
        client.refund(client.returning("T1", "1.00")),
        client.query("T1"),
        client.cancel("T1"),
        client.trades(),
        client.channels(),
    ):
        assert answer.expect("INVALID_CONTRACT").encrypted == cipher
