"""The specification's vectors: against this suite's own client, and as requests at the vectors' instant."""

import pytest

from .gateway import SHOP, SHORT_KEY, VECTOR_MS
from .sosopay_client import PREFIX, Call
from .wire import decipher, des_key, encipher, sign, sign_holds

S1 = (
    '{"BUSI_ID":"0010000001","OPER_ID":"oper01","DEV_ID":"dev01","AMT":"0.01","CHANNEL_TYPE":"1",'
    '"CHARGE_CODE":"T20160805000001","PAY_SUBJECT":"test order"}'
)
S2 = '{\n\t"BUSI_ID": "0010000001",\r\n\t"PAY_SUBJECT": "茶　叶 A B"\n}'
S3 = "<?xml version='1.0' encoding='utf-8' ?><ORDER_REQ><BUSI_ID>0010000001</BUSI_ID><AMT>0.01</AMT></ORDER_REQ>"
S8 = (
    '{"PAY_NODIFY":{"BUSI_ID":"0010000001","CHARGE_CODE":"T20160805000001",'
    '"CHARGE_DOWN_CODE":"20160805000000000001","CHANNEL_TYPE":1,"STATE":1,"AMT":1}}'
)
S9 = (
    '<?xml version="1.0" encoding="UTF-8"?><PAY_NODIFY><BUSI_ID>0010000001</BUSI_ID><STATE>1</STATE>'
    "<AMT>1</AMT></PAY_NODIFY>"
)
CODE = "T20160805000001"

SIGNATURES = {
    "S1": (S1, "349f94e5f924b6374a9cac533d32a9e3"),
    "S2": (S2, "aa2858a90e98d3f83d53f64f9d22223d"),
    "S3": (S3, "53d69dac691c1633c3cb18e2131b947e"),
    "S4": (CODE, "8b043a5031184f4a86479039f206e154"),
    "S5": (f"chargeCode={CODE}&busiCode=0010000001", "bc1938d7e4681755e9d3c09db0b67dd2"),
    "S6": ("", "f75d4b14b3fa5de2e1f1aea345a0e2f4"),
    "S7": ("busiCode=0010000001", "2636ef6a333cc9f96273fae773dcde66"),
    "S8": (S8, "a0a2a2344db014843935a79e6ef3b9b6"),
    "S9": (S9, "e431c4716eb4aba58a38e6466b28777b"),
}
E5 = (
    "0wTUmwcJ2yFTGSh+3hw0lxry3+e3O+EeW6qJD6h0UHd8iuQ+5tUq0UVGb8mqlplnxboq1gqWWZB3mRHuMhJ9aaX/lbSysE0inVZr867vbWMguky4"
    "Ym26e5KKRbV2S4d+3HcWLm/bf/LIId1oyaQdjN94iO+w7a+QH2Ucgfu6XXh+UF3mSVqvq+HpqhG1a/SJaUhPPmOz7ug="
)
E6 = (
    "GEKzUeximzbIsN0Zw5NtETWmnxIbnXTZOqf6huUg664ALDG43tsJOA3B6cghk7uSycWuvJcK6hBvKuhZ35qjNgAsMbje2wk4DjlEIn47RjZ7RdBj"
    "nkN2rhXK0ir032u1zrDVskw7Kusa8t/ntzvhHpDJo+jx5nwWGS9Lya6qkNccU7/C7C/sTClPTUYxflPbqH5VO3VsHJc="
)
CIPHERS = {
    "E1": (SHOP.key, "abc", "nSW1LeNr9NQ="),
    "E2": (SHOP.key, "12345678", "jjPqYmj9dQP/oCfeXw0QkQ=="),
    "E3": (SHOP.key, "嗖", "0/n38HpLeKw="),
    "E4": (SHORT_KEY.key, "abc", "SUC9DNnFo1U="),
    "E5": (SHOP.key, S1, E5),
    "E6": (SHOP.key, S8, E6),
}


def signature(vector):
    return f"{SIGNATURES[vector][1]}:{VECTOR_MS}"


@pytest.mark.parametrize("vector", SIGNATURES)
def test_own_signature(vector):
    plain, _ = SIGNATURES[vector]
    assert sign(SHOP.key, plain, VECTOR_MS) == signature(vector)
    assert sign_holds(SHOP.key, plain, signature(vector))
    assert not sign_holds(SHOP.key, plain + "x", signature(vector))


@pytest.mark.parametrize("vector", CIPHERS)
def test_own_cipher(vector):
    key, clear, text = CIPHERS[vector]
    assert encipher(key, clear) == text
    assert decipher(key, text) == clear


def test_own_key_derivation():
    assert des_key(SHOP.key).hex() == "4b3751324d3958345431563842334e364c3552305a324337"
    assert des_key(SHORT_KEY.key).hex() == "53484f52544b455930313233343536" + "00" * 9
    assert decipher("aaaaaaaa" * 3, encipher("aaaaaaaa" * 3, "equal thirds")) == "equal thirds"


def post(vector, body, root="ORDER_RESP", path="order", extra=(), encrypted=False, fmt="json"):
    """A vector as a request, byte for byte as the specification prints it."""
    query = (("sign", signature(vector)), ("_type", fmt), *extra)
    return Call("POST", PREFIX + path, query, body.encode(), "application/json;charset=UTF-8", fmt, encrypted, root)


@pytest.mark.interface("sosopay.2", "sosopay.6", "sosopay.7", "sosopay.8", "sosopay.9")
def test_vectors_in_clear(gw, p1):
    """S1 creates the order that S4, S5, S6 and S7 speak of."""
    assert gw.now_ms() == VECTOR_MS
    created = p1.send(post("S1", S1)).ok()
    assert created["CHARGE_CODE"] == CODE and created["CHARGE_DOWN_CODE"].startswith("20160805")
    assert sign_holds(SHOP.key, created.text, created.headers["X-Sosopay-Sign"])
    assert created.headers["X-Sosopay-Sign"].endswith(f":{VECTOR_MS}")

    found = p1.query(CODE, signature=signature("S4")).ok()
    assert (found["STATE"], found["AMT"], found["CHANNEL_TYPE"]) == (0, 1, 1)
    assert found["CHARGE_DOWN_CODE"] == created["CHARGE_DOWN_CODE"]
    assert found["BEGIN_TIME"] == "2016-08-05 09:20:00"  # GMT+8

    trades = p1.trades({"signature": signature("S6")}).ok()
    assert CODE in [row["CHARGE_CODE"] for row in trades["charges"]]
    assert p1.channels(signature=signature("S7")).ok()["PAY_CHANNEL_LIST"]

    p1.cancel(CODE, signature=signature("S5")).ok()
    p1.expect_state(CODE, 2)


@pytest.mark.interface("sosopay.2")
def test_vector_encrypted(start_gateway):
    """E5 exactly as the specification prints the request; the replay of its clear text S1 finds the serial taken."""
    gateway = start_gateway()
    client = gateway.client(encrypt=True)
    extra = (("encrypt", "3DES"), ("busiCode", SHOP.busi_id))
    created = client.send(post("S1", E5, extra=extra, encrypted=True)).ok()
    assert created.encrypted and created["CHARGE_CODE"] == CODE
    assert client.send(post("S1", S1)).expect("SERIAL_REPEAT")
    client.expect_state(CODE, 0)


@pytest.mark.interface("sosopay.2")
@pytest.mark.parametrize(
    "vector, body, expected",
    [
        ("S2", S2, "ILLEGAL_PARAMETER"),
        ("S3", S3, "ILLEGAL_PARAMETER"),
        ("S8", S8, "ILLEGAL_PARAMETER"),
        ("S9", S9, "ILLEGAL_PARAMETER"),
    ],
)
def test_other_bodies_pass_the_signature(p1, vector, body, expected):
    """These are no complete orders: with their own signature the fields are wrong, with another one the signature."""
    busi_code = (("busiCode", SHOP.busi_id),)
    p1.send(post(vector, body, extra=busi_code)).expect(expected)
    if vector in ("S2", "S3"):  # the others have no place for a merchant's order and may be refused while parsing
        p1.send(post("S1", body, extra=busi_code)).expect("INVALID_SIGN")


@pytest.mark.interface("sosopay.2")
def test_encrypted_body_of_another_message(p1):
    extra = (("encrypt", "3DES"), ("busiCode", SHOP.busi_id))
    p1.send(post("S8", E6, extra=extra, encrypted=True)).expect("ILLEGAL_PARAMETER")


@pytest.mark.interface("sosopay.2")
def test_short_key_is_zero_filled(p2):
    """The 15 character key of E4 over the wire."""
    client = p2.using(encrypt=True)
    answer = client.order(client.precreate()).ok()
    assert answer.encrypted
    client.expect_state(answer["CHARGE_CODE"], 0)
