"""Hostile and broken input: each the right code, a protocol body where one is due, and a gateway that stays well."""

import base64
import socket

import pytest
import requests

from .sosopay_client import PREFIX
from .support import raw_exchange
from .wire import DECLARATION, encipher, encipher_bytes, to_json, to_xml

pytestmark = pytest.mark.interface("sosopay.2")
MIB = 1 << 20


@pytest.fixture(autouse=True)
def stays_well(gw):
    yield
    gw.healthy()


def known(client):
    """Query of a request whose merchant is known although its body is not readable."""
    return {"busi_code": client.partner.busi_id}


# ---- bodies -------------------------------------------------------------------------------------------------------

JSON_BODIES = {
    "empty": "",
    "space": " \r\n\t",
    "cut": '{"BUSI_ID":"0010000001","OPER_ID":"op',
    "not-json": "{BUSI_ID:0010000001}",
    "array": '[{"BUSI_ID":"0010000001"}]',
    "text": "hello",
    "number": "42",
    "trailing": '{"BUSI_ID":"0010000001"} {"BUSI_ID":"0010000001"}',
    "trailing-comma": '{"BUSI_ID":"0010000001",}',
    "single-quotes": "{'BUSI_ID':'0010000001'}",
    "bare-nan": '{"BUSI_ID":"0010000001","AMT":NaN}',
    "bare-infinity": '{"BUSI_ID":"0010000001","AMT":-Infinity}',
    "lone-surrogate": '{"BUSI_ID":"0010000001","PAY_SUBJECT":"\\ud800"}',
    "deep-arrays": '{"BUSI_ID":"0010000001","X":' + "[" * 200_000,
    "deep-closed": '{"BUSI_ID":"0010000001","X":' + "[" * 100_000 + "]" * 100_000 + "}",
    "deep-objects": '{"X":' * 100_000 + "1" + "}" * 100_000,
    "object-as-scalar": '{"BUSI_ID":{"a":1}}',
}
XML_BODIES = {
    "cut": "<ORDER_REQ><BUSI_ID>0010000001</BUSI_ID>",
    "crossed": "<ORDER_REQ><BUSI_ID>0010000001</ORDER_REQ></BUSI_ID>",
    "two-roots": "<ORDER_REQ></ORDER_REQ><ORDER_REQ></ORDER_REQ>",
    "no-root": DECLARATION,
    "bare-ampersand": "<ORDER_REQ><PAY_SUBJECT>a & b</PAY_SUBJECT></ORDER_REQ>",
    "unknown-entity": "<ORDER_REQ><PAY_SUBJECT>&nope;</PAY_SUBJECT></ORDER_REQ>",
    "deep": "<ORDER_REQ>" + "<a>" * 100_000 + "</a>" * 100_000 + "</ORDER_REQ>",
    "deep-open": "<ORDER_REQ>" + "<a>" * 200_000,
    "dtd": "<!DOCTYPE ORDER_REQ [<!ELEMENT ORDER_REQ ANY>]><ORDER_REQ></ORDER_REQ>",
    "entity": '<!DOCTYPE r [<!ENTITY x "0010000001">]><ORDER_REQ><BUSI_ID>&x;</BUSI_ID></ORDER_REQ>',
    "external": (
        '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><ORDER_REQ><PAY_SUBJECT>&x;</PAY_SUBJECT></ORDER_REQ>'
    ),
    "external-dtd": '<!DOCTYPE r SYSTEM "http://127.0.0.1:1/evil.dtd"><ORDER_REQ></ORDER_REQ>',
    "bomb": "<!DOCTYPE r [<!ENTITY a0 'ha'>"
    + "".join(f"<!ENTITY a{n} '{f'&a{n - 1};' * 10}'>" for n in range(1, 12))
    + "]><ORDER_REQ><PAY_SUBJECT>&a11;</PAY_SUBJECT></ORDER_REQ>",
}


@pytest.mark.parametrize("cipher", [False, True], ids=["clear", "3des"])
@pytest.mark.parametrize("name", JSON_BODIES)
def test_broken_json(p1, name, cipher):
    p1.order(JSON_BODIES[name], encrypt=cipher, **known(p1)).expect("ILLEGAL_PARAMETER")


@pytest.mark.parametrize("cipher", [False, True], ids=["clear", "3des"])
@pytest.mark.parametrize("name", XML_BODIES)
def test_broken_xml(p1, name, cipher):
    p1.using(fmt="xml").order(XML_BODIES[name], encrypt=cipher, **known(p1)).expect("ILLEGAL_PARAMETER")


def test_entities_in_complete_orders(p1):
    """The same tricks in orders that would be accepted without them."""
    client = p1.using(fmt="xml")
    for dtd in ("<!DOCTYPE ORDER_REQ>", '<!DOCTYPE ORDER_REQ [<!ENTITY x "1">]>'):
        sent = client.precreate()
        body = to_xml("ORDER_REQ", sent).replace(DECLARATION, DECLARATION + dtd)
        client.order(body, **known(client)).expect("ILLEGAL_PARAMETER")
        client.query(sent["CHARGE_CODE"]).expect("CHARGE_NONEXISTENT")


@pytest.mark.parametrize("path, root", [("preOrder", "ORDER_REQ"), ("refund", "REFUND_REQ")])
@pytest.mark.parametrize("body", ["", "{", "<a>", '{"BUSI_ID":"0010000001"}'])
def test_broken_bodies_elsewhere(p1, path, root, body):
    p1.send(p1.post_call(path, body, root, **known(p1))).expect("ILLEGAL_PARAMETER")


ZEROS = {
    "json-number": ("json", "CHARGE_CODE", "\\u0000"),
    "json-subject": ("json", "PAY_SUBJECT", "\\u0000"),
    "json-unknown-field": ("json", "NOBODY_READS_THIS", "\\u0000"),
    "json-name": ("json", "QQQ", "\\u0000"),
    "json-bare": ("json", "PAY_SUBJECT", "\0"),
    "xml-number": ("xml", "CHARGE_CODE", "&#0;"),
    "xml-subject": ("xml", "PAY_SUBJECT", "&#x0;"),
    "xml-unknown-field": ("xml", "NOBODY_READS_THIS", "&#0;"),
    "xml-bare": ("xml", "PAY_SUBJECT", "\0"),
}


@pytest.mark.parametrize("cipher", [False, True], ids=["clear", "3des"])
@pytest.mark.parametrize("name", ZEROS)
def test_zero_bytes(p1, name, cipher):
    """A text with a zero byte, which not every database can keep, is a wrong parameter and reaches none."""
    fmt, field, zero = ZEROS[name]
    client = p1.using(fmt=fmt)
    sent = {**client.precreate(), field: "QQQ"}
    body = to_xml("ORDER_REQ", sent) if fmt == "xml" else to_json(sent)
    client.order(body.replace("QQQ", f"a{zero}b"), encrypt=cipher, **known(client)).expect("ILLEGAL_PARAMETER")
    if field != "CHARGE_CODE":
        client.query(sent["CHARGE_CODE"]).expect("CHARGE_NONEXISTENT")


def test_zero_bytes_in_addresses(gw, p1):
    for code in ("a\0b", "\0"):
        p1.query(code).expect("ILLEGAL_PARAMETER")
        p1.cancel(code).expect("ILLEGAL_PARAMETER")
    answer = requests.get(f"{gw.base}{PREFIX}queryTrades?busiCode=a%00b&sign=x&_type=json", timeout=10)
    assert "ILLEGAL_PARAMETER" in answer.text, answer.text


def test_not_utf8(p1):
    call = p1.post_call("order", p1.precreate(PAY_SUBJECT="QQQ"), "ORDER_REQ", **known(p1))
    p1.send(call.but(body=call.body.replace(b"QQQ", b"\xff\xfe\x80"))).expect("ILLEGAL_PARAMETER", "INVALID_SIGN")


def cipher_texts(key, clear):
    good = encipher(key, clear)
    cut = base64.b64encode(base64.b64decode(good)[:-8]).decode()  # whole blocks, but the padding is gone
    return {
        "not-base64": "!!!not base64!!!",
        "half-base64": good.rstrip("=")[:-3],
        "not-whole-blocks": "YWJj",
        "empty": "",
        "no-padding": cut,
        "wrong-key": encipher("another-key-of-24-letters", clear),
        "garbage": "AAAAAAAAAAAAAAAAAAAAAA==",
        "clear-text": clear,
    }


@pytest.mark.parametrize("name", cipher_texts("k" * 24, "x" * 200))
def test_broken_cipher_text(p1, name):
    """What cannot be decrypted is answered in clear text."""
    client = p1.using(encrypt=True)
    call = client.post_call("order", sent := to_json(client.precreate()), "ORDER_REQ")
    answer = client.send(call.but(body=cipher_texts(client.partner.key, sent)[name].encode()))
    answer.expect("ILLEGAL_PARAMETER")
    assert not answer.encrypted


def test_cipher_text_that_is_not_utf8(p1):
    client = p1.using(encrypt=True)
    call = client.post_call("order", client.precreate(), "ORDER_REQ")
    body = base64.b64encode(encipher_bytes(client.partner.key, b'{"A":"\xff\xfe"}'))
    client.send(call.but(body=body)).expect("ILLEGAL_PARAMETER")


def test_white_space_in_cipher_text(p1):
    client = p1.using(encrypt=True)
    call = client.post_call("order", client.precreate(), "ORDER_REQ")
    text = call.body.decode()
    lines = "\r\n ".join(text[i : i + 40] for i in range(0, len(text), 40)) + "\n"
    client.send(call.but(body=lines.encode())).ok()


# ---- size and shape of requests -----------------------------------------------------------------------------------


def head(path, *lines):
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: gateway", "Connection: close", *lines, "", ""]).encode()


def test_one_mebibyte_is_the_limit(gw, p1):
    """A body of exactly 1 MiB is read, and one byte more is 413 without a protocol body."""
    text = to_json(p1.precreate())
    full = text[:-1] + " " * (MIB - len(text.encode())) + "}"
    assert len(full.encode()) == MIB
    p1.order(full).ok()
    target = p1.post_call("order", full + " ", "ORDER_REQ").target()
    status, answer = raw_exchange(gw.base, head(target, f"Content-Length: {MIB + 1}"), [(full + " ").encode()])
    assert status == 413 and b"RESULT" not in answer


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
@pytest.mark.parametrize("path", ["order", "preOrder", "refund", "queryTrades", "auth"])
def test_two_mebibytes(gw, path, chunked):
    piece = b"x" * 65536
    if chunked:
        framing, pieces = "Transfer-Encoding: chunked", [b"10000\r\n" + piece + b"\r\n"] * 32 + [b"0\r\n\r\n"]
    else:
        framing, pieces = f"Content-Length: {2 * MIB}", [piece] * 32
    content_type = "Content-Type: application/x-www-form-urlencoded"
    status, answer = raw_exchange(gw.base, head(PREFIX + path, framing, content_type), pieces)
    assert status == 413 and b"RESULT" not in answer


UNKNOWN_PATHS = ["", "nope", "orders", "query", "query/a", "query/a/b/c", "payChannel", "Order", "../x"]


@pytest.mark.parametrize("path", UNKNOWN_PATHS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_unknown_paths(gw, method, path):
    lines = f"{method} {PREFIX}{path} HTTP/1.1", "Host: gateway", "Connection: close", "Content-Length: 0", "", ""
    status, answer = raw_exchange(gw.base, "\r\n".join(lines).encode())
    assert status == 404 and b"RESULT" not in answer


@pytest.mark.parametrize(
    "method, path",
    [("GET", path) for path in ("order", "preOrder", "refund")]
    + [(m, path) for m in ("PUT", "DELETE", "PATCH") for path in ("order", "query/a/b", "queryTrades", "auth")],
)
def test_wrong_methods(gw, method, path):
    response = requests.request(method, gw.base + PREFIX + path, timeout=10)
    assert response.status_code == 405 and "RESULT" not in response.text


def test_half_sent_requests_hold_nobody_up(gw, p1):
    host, port = gw.base.removeprefix("http://").split(":")
    streams = [socket.create_connection((host, int(port))) for _ in range(50)]
    for stream in streams:
        stream.sendall(head(PREFIX + "order", "Content-Length: 500") + b'{"BUSI')
    p1.paid()
    for stream in streams:
        stream.close()


def test_garbage_on_the_line(gw):
    for garbage in (b"\x00" * 100 + b"\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"POST " + b"a" * 100_000 + b"\r\n\r\n"):
        status, answer = raw_exchange(gw.base, garbage, timeout=5)
        assert status == 0 or 400 <= status < 600
        assert b"panicked" not in answer
