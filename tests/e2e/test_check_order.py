"""The order of checks of section 6.5: requests with two faults each; the earlier fault is answered."""

import pytest

from .gateway import SHOP, SUSPENDED
from .sosopay_client import DROP, Partner
from .support import scan_code, unique
from .wire import encipher

UNKNOWN = Partner("0019999999", SHOP.key)
BAD_SIGN = "0" * 32


def order(client, changes=(), query=(), **how):
    call = client.post_call("order", client.precreate(**dict(changes)), "ORDER_REQ", **how)
    return call.with_query(**dict(query))


def badly_signed(client):
    return {"signature": f"{BAD_SIGN}:{client.clock()}"}


def used(client):
    """A serial that is taken."""
    return client.order(client.precreate()).expect("SUCCESS")["CHARGE_CODE"]


CHECKS = {
    # _type and encrypt come first
    "type, merchant": (lambda a: order(a["unknown"], query={"_type": "yaml"}), "ILLEGAL_PARAMETER"),
    "type, sign": (lambda a: order(a["shop"], query={"_type": "yaml"}, **badly_signed(a["shop"])), "ILLEGAL_PARAMETER"),
    "type, contract": (lambda a: order(a["suspended"], query={"_type": "yaml"}), "ILLEGAL_PARAMETER"),
    "encrypt, merchant": (lambda a: order(a["unknown"], query={"encrypt": "AES"}), "ILLEGAL_PARAMETER"),
    "encrypt, sign": (
        lambda a: order(a["shop"], query={"encrypt": "AES"}, **badly_signed(a["shop"])),
        "ILLEGAL_PARAMETER",
    ),
    # then the merchant
    "merchant, decryption": (
        lambda a: order(a["unknown"], encrypt=True).but(body=b"!! no Base64 !!"),
        "UNREGISTERED_BUSI",
    ),
    "merchant, parsing": (
        lambda a: order(a["unknown"], encrypt=True).but(body=encipher(UNKNOWN.key, "{no json").encode()),
        "UNREGISTERED_BUSI",
    ),
    "merchant, sign": (lambda a: order(a["unknown"], **badly_signed(a["unknown"])), "UNREGISTERED_BUSI"),
    "merchant, field": (lambda a: order(a["unknown"], {"PAY_SUBJECT": DROP}), "UNREGISTERED_BUSI"),
    "merchant, amount": (lambda a: order(a["unknown"], {"AMT": "0"}), "UNREGISTERED_BUSI"),
    "merchant, sign (query)": (
        lambda a: a["unknown"].query_call("T1", **badly_signed(a["unknown"])),
        "UNREGISTERED_BUSI",
    ),
    # then decryption and parsing
    "decryption, sign": (
        lambda a: order(a["shop"], encrypt=True, **badly_signed(a["shop"])).but(body=b"YWJj"),
        "ILLEGAL_PARAMETER",
    ),
    "decryption, contract": (lambda a: order(a["suspended"], encrypt=True).but(body=b"YWJj"), "ILLEGAL_PARAMETER"),
    "parsing, sign": (
        lambda a: order(a["shop"], busi_code=SHOP.busi_id, **badly_signed(a["shop"])).but(body=b"{no json"),
        "ILLEGAL_PARAMETER",
    ),
    "parsing, contract": (
        lambda a: order(a["suspended"], busi_code="0010000009").but(body=b"{no json"),
        "ILLEGAL_PARAMETER",
    ),
    # then the signature
    "sign, contract": (lambda a: order(a["suspended"], **badly_signed(a["suspended"])), "INVALID_SIGN"),
    "sign, field": (lambda a: order(a["shop"], {"PAY_SUBJECT": DROP}, **badly_signed(a["shop"])), "INVALID_SIGN"),
    "sign, amount": (lambda a: order(a["shop"], {"AMT": "0"}, **badly_signed(a["shop"])), "INVALID_SIGN"),
    "sign, serial": (lambda a: order(a["shop"], {"CHARGE_CODE": a["used"]}, **badly_signed(a["shop"])), "INVALID_SIGN"),
    "stale, contract": (lambda a: order(a["suspended"], ts=1), "INVALID_SIGN"),
    "stale, field": (lambda a: order(a["shop"], {"PAY_SUBJECT": DROP}, ts=1), "INVALID_SIGN"),
    "sign, order (query)": (lambda a: a["shop"].query_call("none", **badly_signed(a["shop"])), "INVALID_SIGN"),
    "sign, order (cancel)": (lambda a: a["shop"].cancel_call("none", **badly_signed(a["shop"])), "INVALID_SIGN"),
    "sign, page (batch)": (lambda a: a["shop"].trades_call(badly_signed(a["shop"]), pageSize=0), "INVALID_SIGN"),
    # then the contract
    "contract, field": (lambda a: order(a["suspended"], {"PAY_SUBJECT": DROP}), "INVALID_CONTRACT"),
    "contract, amount": (lambda a: order(a["suspended"], {"AMT": "0"}), "INVALID_CONTRACT"),
    "contract, order (query)": (lambda a: a["suspended"].query_call("none"), "INVALID_CONTRACT"),
    "contract, order (cancel)": (lambda a: a["suspended"].cancel_call("none"), "INVALID_CONTRACT"),
    "contract, page (batch)": (lambda a: a["suspended"].trades_call(pageSize=0), "INVALID_CONTRACT"),
    # then the fields, then the amount
    "field, amount": (lambda a: order(a["shop"], {"PAY_SUBJECT": DROP, "AMT": "0"}), "ILLEGAL_PARAMETER"),
    "length, amount": (lambda a: order(a["shop"], {"OPER_ID": "x" * 65, "AMT": "1.001"}), "ILLEGAL_PARAMETER"),
    "field, serial": (lambda a: order(a["shop"], {"PAY_SUBJECT": DROP, "CHARGE_CODE": a["used"]}), "ILLEGAL_PARAMETER"),
    "amount, serial": (lambda a: order(a["shop"], {"AMT": "0", "CHARGE_CODE": a["used"]}), "AMT_ERROR"),
    # then uniqueness, then the channel
    "serial, channel": (
        lambda a: a["shop"].post_call(
            "preOrder", a["shop"].scan(CHARGE_CODE=a["used"], DYNAMIC_ID=scan_code("5101")), "ORDER_REQ"
        ),
        "SERIAL_REPEAT",
    ),
    "field, amount (refund)": (
        lambda a: a["shop"].post_call("refund", a["shop"].returning(a["used"], "0", REFUND_SUBJECT=DROP), "REFUND_REQ"),
        "ILLEGAL_PARAMETER",
    ),
    "amount, order (refund)": (
        lambda a: a["shop"].post_call("refund", a["shop"].returning(unique("none"), "0"), "REFUND_REQ"),
        "AMT_ERROR",
    ),
}


@pytest.mark.interface("sosopay.1", "sosopay.2", "sosopay.5", "sosopay.6", "sosopay.7", "sosopay.8")
@pytest.mark.parametrize("name", CHECKS)
def test_two_faults(gw, p1, p9, name):
    build, expected = CHECKS[name]
    actors = {"shop": p1, "suspended": p9, "unknown": gw.client(UNKNOWN), "used": used(p1)}
    sender = gw.client(answer_keys=(SHOP.key, SUSPENDED.key))
    sender.send(build(actors)).expect(expected)
    p1.expect_state(actors["used"], 0)
