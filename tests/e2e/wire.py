"""The sosopay wire, written from its specification alone: signature (section 3), 3DES (section 4), builders and parsers
of JSON and XML (section 2). It shares nothing with the gateway. What is parsed is checked for all outbound rules.
"""

import base64
import hashlib
import json
import re
import xml.etree.ElementTree as ElementTree
from xml.sax.saxutils import escape

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>'
CONTENT_TYPES = {"json": "application/json;charset=utf-8", "xml": "text/xml;charset=utf-8"}
CIPHER_CONTENT_TYPE = "text/plain;charset=utf-8"

# Section 2.3: what an XML list's children are called.
LISTS = {
    "FUND_BILL_LIST": "TRADEFUNDBILL",
    "GOODS_DETAIL": "GOODS_INFO",
    "PAY_CHANNEL_LIST": "PAY_CHANNEL",
    "tradeInfos": "tradeInfo",
    "charges": None,
    "busiCodeNums": "busiCodeNum",
    "busiCodes": "busiCode",
    "results": "result",
}
# Section 2.1: outbound numbers; what is listed as text must never become a number, since zeros would be lost.
NUMBERS = {"STATE", "CHANNEL_TYPE", "AMT", "SORT_NO", "chargesSize"}
TEXTS = set(
    "BUSI_ID OPER_ID DEV_ID CHARGE_CODE CHARGE_DOWN_CODE CHARGE_THIRD_CODE MERCHANTPARA PAY_SUBJECT AMOUNT FUND_CHANNEL"
    " BAR_CODE BEGIN_TIME END_TIME DYNAMIC_ID REGISTER_ID OUT_REFUND_NO CODE INFO GOOD_ID GOOD_PRICE GOOD_QUANTITY"
    " appId timeStamp nonceStr packageData signType sign CHANNEL_NAME tradeCode goodsName goodsCount usedTime isActive"
    " verifyCode verifySerial verifyDate verifyNumber busiCode deviceCode paymentName".split()
)
FUND_CHANNELS = set("00 10 60 30 70 40 80 90 11 41 12 42 100 101 102 103 104 9001 9002 9003 9004".split())
# Words that an answer to a partner never contains.
INSIDES = ("panicked", "backtrace", ".rs:", "sqlite", "postgres", "no such table", "root:x:")


# ---- signature and encryption -------------------------------------------------------------------------------------


def sign(key, plain, ts):
    """Section 3.1: lower-case MD5 of time, key and the text without ASCII white space, then the time."""
    stripped = plain.translate(dict.fromkeys(map(ord, "\t\n\v\f\r ")))
    digest = hashlib.md5(f"{ts}{key}{stripped}".encode(), usedforsecurity=False).hexdigest()
    return f"{digest}:{ts}"


def sign_holds(key, plain, value):
    """Section 3.3 without the freshness."""
    return re.fullmatch(r"[0-9a-f]{32}:\d+", value) is not None and sign(key, plain, value.split(":")[1]) == value


def des_key(key):
    """Section 4.1: low bytes of the first 24 characters, zero-filled."""
    return bytes(ord(character) & 0xFF for character in key[:24]).ljust(24, b"\0")


def encipher(key, text):
    """3DES-EDE-ECB with PKCS#5 padding, Base64 in one line."""
    return base64.b64encode(encipher_bytes(key, text.encode())).decode()


def encipher_bytes(key, data):
    pad = 8 - len(data) % 8
    encryptor = Cipher(TripleDES(des_key(key)), modes.ECB()).encryptor()
    return encryptor.update(data + bytes([pad]) * pad) + encryptor.finalize()


def decipher(key, text):
    """The inverse of `encipher`; raises ValueError for anything that is not exactly such a text."""
    data = base64.b64decode("".join(text.split()), validate=True)
    if not data or len(data) % 8:
        raise ValueError("not whole blocks")
    decryptor = Cipher(TripleDES(des_key(key)), modes.ECB()).decryptor()
    clear = decryptor.update(data) + decryptor.finalize()
    pad = clear[-1]
    if not 1 <= pad <= 8 or clear[-pad:] != bytes([pad]) * pad:
        raise ValueError("bad padding")
    return clear[:-pad].decode()


# ---- building -----------------------------------------------------------------------------------------------------


def to_json(fields, root=None):
    return json.dumps({root: fields} if root else fields, ensure_ascii=False)


def to_xml(root, fields, declaration=DECLARATION):
    def element(name, value):
        if value is None:
            return f"<{name}></{name}>"
        if isinstance(value, list):
            return f"<{name}>{''.join(element(LISTS[name], entry) for entry in value)}</{name}>"
        if isinstance(value, dict):
            return f"<{name}>{''.join(element(*pair) for pair in value.items())}</{name}>"
        return f"<{name}>{escape(str(value))}</{name}>"

    return declaration + element(root, fields)


# ---- parsing, with the outbound rules ------------------------------------------------------------------------------


def parse(text, fmt):
    """Gives (root, body) of a clear text; fails the test when an outbound rule of section 2 is broken.

    Both formats give the same body: numbers as integers, lists as lists. Root is None for a bare JSON object.
    """
    lower = text.lower()
    for word in INSIDES:
        assert word not in lower, f"the answer shows insides: {text[:500]}"
    root, body = _parse_json(text) if fmt == "json" else _parse_xml(text)
    _check(body, fmt)
    return root, body


def _parse_json(text):
    assert text.startswith("{"), text[:200]
    assert not re.search(r"(?<!\\)\\/", text), "JSON must not escape slashes (section 3.3)"

    def members(pairs):
        names = [name for name, _ in pairs]
        assert len(names) == len(set(names)), f"duplicate members {names}"
        return dict(pairs)

    document = json.loads(text, object_pairs_hook=members)
    if len(document) == 1 and isinstance(next(iter(document.values())), dict):
        root, document = next(iter(document.items()))
    else:
        root = None
    bill = document.get("FUND_BILL_LIST")
    if bill is not None:
        assert list(bill) == ["TRADEFUNDBILL"] and isinstance(bill["TRADEFUNDBILL"], list), bill
        document["FUND_BILL_LIST"] = bill["TRADEFUNDBILL"]
    for name in ("GOODS_DETAIL", "PAY_CHANNEL_LIST"):
        assert isinstance(document.get(name, []), list), document
    return root, document


def _parse_xml(text):
    assert text.startswith(DECLARATION + "<"), text[:200]
    assert "<!" not in text and "CDATA" not in text, text[:200]
    root = ElementTree.fromstring(text)

    def value(element):
        assert not element.attrib and "}" not in element.tag, f"attribute or namespace at {element.tag}"
        assert element.tail is None, f"text after {element.tag}"
        if element.tag in LISTS:
            name = LISTS[element.tag]
            assert all(name in (None, child.tag) for child in element), element.tag
            return [value(child) for child in element]
        if len(element) == 0:
            return element.text or ""
        assert element.text is None, f"text between elements of {element.tag}"
        members = {}
        for child in element:
            assert child.tag not in members, f"{child.tag} twice"
            members[child.tag] = value(child)
        return members

    body = value(root)
    return root.tag, body if isinstance(body, dict) else {}


def _check(node, fmt):
    if isinstance(node, list):
        for entry in node:
            _check(entry, fmt)
    if not isinstance(node, dict):
        return
    for name, value in node.items():
        assert value is not None, f"{name} is null instead of absent"
        if name in NUMBERS:
            if fmt == "xml":
                assert re.fullmatch(r"\d+", value), (name, value)
                node[name] = value = int(value)
            assert type(value) is int, (name, value)
        elif name in TEXTS:
            assert isinstance(value, str), (name, value)
        if name in ("BEGIN_TIME", "END_TIME", "verifyDate") and value:
            assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", value), (name, value)
        elif name in ("CHARGE_DOWN_CODE", "verifySerial") and value:
            assert re.fullmatch(r"\d{20}", value), value
        elif name == "AMOUNT":
            assert re.fullmatch(r"\d+\.\d\d", value), value
        elif name == "FUND_CHANNEL":
            assert value in FUND_CHANNELS, value
        elif name == "STATE":
            assert 0 <= value <= 14 and value != 7, value
        _check(value, fmt)
