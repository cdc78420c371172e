"""The lianhe wire, written from its specification alone: signature and dates (section 3), the envelope of answers
(section 2.2) and of notifications (section 8). It shares nothing with the gateway. What is parsed is checked for all
outbound rules.
"""

import base64
import hashlib
import hmac
import json
import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from email.utils import formatdate, parsedate_to_datetime

from .wire import INSIDES

ENTRY = "/openapi/index.php"
CONTENT_TYPE = "application/json; charset=utf-8"
NOTIFY_TARGET = f"{ENTRY}?method=notify"
ZONE = timezone(timedelta(hours=8))
POLL_MS = 5 * 60 * 1000

SUCCESS, FAILURE = 10000, 20000
# Section 6.1; 10014 and 10015 are not assigned, 200 and 300 are never emitted.
PURCHASE_CODES = set(range(10001, 10014)) | {10016, 10017}
PURCHASES = {"creatOrder", "createOrder", "payOrder", "newOrder"}
# Section 6.2; 1 is reserved and not emitted.
ORDER_STATUS = {0, 2, 3, 4, 5, 6, 7, 8, 9}
RE_STATUS = {0, 1, 2, 3, 4}

TEXTS = {"orderId", "LHOrderId", "LHDealId", "LHSupplierId", "voucher", "sncode", "refundId", "name", "describe"}
TIMES = {"startTime", "endTime", "beginTime", "expireTime"}
MONEY = {"marketPrice", "sellPrice", "buyPrice", "balance"}
INTEGERS = set(
    "code partnerId totalSize orderStatus reStatus orderQuantity useQuantity usedQuantity reQuantity quantity"
    " voucherType stock allowday aftertime canRefund fullRefund minBuy maxBuy needVisitor needCredentials".split()
)


# ---- signature and dates ------------------------------------------------------------------------------------------


def sign(secret, target, date, verb="POST"):
    """Section 3.2: Base64 of the raw HMAC-SHA1 over verb, request target and Date."""
    text = f"{verb} {target}\n{date}".encode()
    return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha1).digest()).decode()


def sign_in_hex(secret, target, date):
    """The first mistake the specification warns of: the HMAC's hex text instead of its bytes."""
    text = f"POST {target}\n{date}".encode()
    return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha1).hexdigest().encode()).decode()


def sign_without_key(target, date):
    """The second one: a plain SHA-1."""
    return base64.b64encode(hashlib.sha1(f"POST {target}\n{date}".encode()).digest()).decode()


def http_date(ms):
    """RFC 1123 in GMT."""
    return formatdate(ms // 1000, usegmt=True)


def date_ms(text):
    """The instant of a strict RFC 1123 date."""
    moment = parsedate_to_datetime(text)
    assert http_date(int(moment.timestamp()) * 1000) == text, f"not an RFC 1123 date in GMT: {text!r}"
    return int(moment.timestamp()) * 1000


def next_poll(ms):
    """The first look of the job that sends notifications, at or after an instant."""
    return -(-ms // POLL_MS) * POLL_MS


def day_of(ms, plus=0):
    """A day in the protocol's zone."""
    return f"{datetime.fromtimestamp(ms / 1000, ZONE) + timedelta(days=plus):%Y-%m-%d}"


def time_of(ms):
    return f"{datetime.fromtimestamp(ms // 1000, ZONE):%Y-%m-%d %H:%M:%S}"


def ms_of(text):
    """The instant of a time, or of the beginning of a day, in the protocol's zone."""
    moment = datetime.fromisoformat(text).replace(tzinfo=ZONE)
    return int(moment.timestamp()) * 1000


def identity_card(serial=1, right=True, born="19900307"):
    """A PRC identity card's number with its check digit (GB 11643), or with a wrong one."""
    digits = f"110105{born}{serial:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    check = sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=True)) % 11
    return digits + "10X98765432"[check if right else (check + 1) % 11]


# ---- building -----------------------------------------------------------------------------------------------------


def to_json(value):
    """JSON with exact amounts."""

    def plain(value):
        if isinstance(value, Decimal):
            return float(value)
        raise TypeError(type(value))

    return json.dumps(value, ensure_ascii=False, default=plain)


# ---- parsing, with the outbound rules ------------------------------------------------------------------------------


def parse(text):
    """A document of the platform; fails the test when it is not strict JSON or breaks a rule for its fields."""
    lower = text.lower()
    for word in INSIDES:
        assert word not in lower, f"the answer shows insides: {text[:500]}"

    def members(pairs):
        names = [name for name, _ in pairs]
        assert len(names) == len(set(names)), f"duplicate members {names}"
        return dict(pairs)

    def amount(digits):
        assert re.fullmatch(r"-?\d+\.\d{1,2}", digits), f"not yuan with at most two decimals: {digits}"
        return Decimal(digits)

    def never(word):
        raise AssertionError(f"{word} is not JSON")

    document = json.loads(text, object_pairs_hook=members, parse_float=amount, parse_constant=never)
    assert isinstance(document, dict), text[:200]
    _check(document)
    return document


def _check(node):
    if isinstance(node, list):
        for entry in node:
            _check(entry)
    if not isinstance(node, dict):
        return
    for name, value in node.items():
        if name in INTEGERS:
            assert type(value) is int, (name, value)
        elif name in TEXTS:
            assert isinstance(value, str), (name, value)
        elif name in MONEY:
            assert type(value) in (int, Decimal), (name, value)
        elif name in TIMES and value:
            assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", value), (name, value)
        elif name == "date":
            assert re.fullmatch(r"\d{4}-\d\d-\d\d", value), value
        if name == "orderStatus":
            assert value in ORDER_STATUS, value
        elif name == "reStatus":
            assert value in RE_STATUS, value
        elif name == "voucherType":
            assert value in (0, 1), value
        elif name == "teamType":
            assert value in ("normal", "subscribe"), value
        _check(value)


def parse_answer(text, operation):
    """Gives the envelope of an answer (section 2.2)."""
    document = parse(text)
    assert {"code", "describe", "partnerId", "body"} <= set(document), text[:500]
    assert document["describe"], "a describe that says nothing"
    code, body = document["code"], document["body"]
    allowed = {SUCCESS, FAILURE} | (PURCHASE_CODES if operation in PURCHASES else set())
    assert code in allowed, text[:500]
    assert ("totalSize" in document) <= (operation == "getTeam"), "totalSize belongs to getTeam alone"
    if code == SUCCESS:
        assert isinstance(body, list if operation in ("getTeam", "getPrice") else dict), text[:500]
        assert operation != "getTeam" or "totalSize" in document, text[:500]
    else:
        assert isinstance(body, dict) or body == [], text[:500]
    return document


def parse_notice(text):
    """Gives the envelope of a notification (sections 8.1 to 8.3)."""
    document = parse(text)
    assert {"code", "describe", "partnerId", "method", "body"} <= set(document), text
    body, method = document["body"], document["method"]
    if method == "snNotify":
        assert document["code"] == SUCCESS, text
        assert {"orderId", "LHOrderId", "orderStatus", "orderQuantity", "usedQuantity"} <= set(body), text
        assert body["orderStatus"] in (8, 9), text
        assert 0 < body["usedQuantity"] <= body["orderQuantity"], text
    elif method == "reNotify":
        assert {"orderId", "LHOrderId", "orderStatus"} <= set(body), text
        if document["code"] == SUCCESS:
            assert body["orderStatus"] == 6 and body.get("reStatus", 3) == 3, text
            assert 0 < body["quantity"] <= body["reQuantity"], text
        else:
            assert document["code"] == FAILURE and document["describe"], text
            assert body["orderStatus"] == 7 and body.get("reStatus", 4) == 4, text
    else:
        assert method == "teamNotify", text
        assert set(body) == {"LHDealId", "type"} and body["type"] in (1, 2, 3), text
    return document
