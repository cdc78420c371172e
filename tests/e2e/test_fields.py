"""Fields of requests: what is mandatory, amounts, lengths, goods, and forms that are odd but legal (section 2)."""

import pytest
import requests

from .sosopay_client import DROP
from .support import bills, unique
from .wire import DECLARATION, encipher, to_json, to_xml

pytestmark = pytest.mark.interface("sosopay.2")


@pytest.mark.interface("sosopay.1")
@pytest.mark.parametrize("value", [DROP, "", None], ids=["left-out", "empty", "null"])
@pytest.mark.parametrize(
    "path, name",
    [("preOrder", name) for name in "BUSI_ID OPER_ID DEV_ID AMT DYNAMIC_ID CHARGE_CODE PAY_SUBJECT".split()]
    + [("order", name) for name in "BUSI_ID OPER_ID DEV_ID AMT CHANNEL_TYPE CHARGE_CODE PAY_SUBJECT".split()],
)
def test_mandatory_fields(gw, path, name, value):
    for fmt in ("json", "xml"):
        client = gw.client(fmt=fmt)
        sent = (client.scan() if path == "preOrder" else client.precreate()) | {name: value}
        call = client.post_call(path, sent, "ORDER_REQ", busi_code=client.partner.busi_id)
        client.send(call).expect("ILLEGAL_PARAMETER")


GOOD_AMOUNTS = {
    "158.00": 15800,
    "158": 15800,
    "158.0": 15800,
    ".5": 50,
    "0.01": 1,
    "0.010": 1,
    "1.5000000": 150,
    "9999999.99": 999999999,
    "1.58E2": 15800,
    "1.58e+2": 15800,
    "1.5E-1": 15,
    "9.99999999E6": 999999999,
    158: 15800,
    1.58: 158,
    0.3: 30,
}


@pytest.mark.parametrize("amount", GOOD_AMOUNTS, ids=repr)
def test_amounts(p1, amount):
    sent = p1.precreate(AMT=amount)
    p1.order(sent).ok()
    assert p1.expect_state(sent["CHARGE_CODE"], 0)["AMT"] == GOOD_AMOUNTS[amount]


def test_exponent_as_a_json_number(p1):
    sent = p1.precreate(AMT="QQ")
    p1.order(to_json(sent).replace('"QQ"', "1.5E3")).ok()
    assert p1.expect_state(sent["CHARGE_CODE"], 0)["AMT"] == 150000


WRONG_AMOUNTS = ["0", "0.00", "-1", "-0.01", "1.001", "1.58001", "NaN", "10000000", "9999999.999", "1.001E0", "0E5"]


@pytest.mark.parametrize("amount", [*WRONG_AMOUNTS, -5, 0, 1.005], ids=repr)
def test_wrong_amounts(p1, amount):
    for path, sent in (("order", p1.precreate(AMT=amount)), ("preOrder", p1.scan(AMT=amount))):
        p1.send(p1.post_call(path, sent, "ORDER_REQ")).expect("AMT_ERROR")
        p1.query(sent["CHARGE_CODE"]).expect("CHARGE_NONEXISTENT")


@pytest.mark.parametrize("amount, fen", [("1E7", 1_000_000_000), ("1.23456789E7", 1_234_567_890)])
def test_exponents_from_ten_millions_up(p1, amount, fen):
    """Section 2.5 wants the exponent form read, but its limit is below: refused as an amount, or taken exactly."""
    sent = p1.precreate(AMT=amount)
    if p1.order(sent).expect("AMT_ERROR", "SUCCESS").code == "SUCCESS":
        assert p1.query(sent["CHARGE_CODE"]).ok()["AMT"] == fen


NO_NUMBERS = [
    "Infinity",
    "-Infinity",
    "abc",
    "1,000.00",
    "1e400",
    "1e-400",
    "1e99999999999",
    "0x10",
    "1.5.8",
    "１",
    ".",
]


@pytest.mark.parametrize("amount", [*NO_NUMBERS, "1" * 500], ids=lambda amount: amount[:20])
def test_amounts_that_are_no_numbers(p1, amount):
    p1.order(p1.precreate(AMT=amount)).expect("AMT_ERROR", "ILLEGAL_PARAMETER")


@pytest.mark.parametrize("value", [True, ["1.58"], {"a": "1.58"}], ids=repr)
def test_values_that_are_no_scalars(p1, value):
    p1.order(p1.precreate(AMT=value)).expect("AMT_ERROR", "ILLEGAL_PARAMETER")
    if value is not True:
        p1.order(p1.precreate(PAY_SUBJECT=value)).expect("ILLEGAL_PARAMETER")


LENGTHS = {"OPER_ID": 64, "DEV_ID": 64, "CHARGE_CODE": 64, "PAY_SUBJECT": 256, "MERCHANTPARA": 1024, "NODIFY_URL": 512}


@pytest.mark.parametrize("name", LENGTHS)
def test_lengths_are_counted_in_characters(gw, name):
    """At the limit accepted and kept as it is, one more is refused."""
    for fmt in ("json", "xml"):
        client, limit = gw.client(fmt=fmt), LENGTHS[name]
        for extra, expected in ((0, "SUCCESS"), (1, "ILLEGAL_PARAMETER")):
            value = unique("http://127.0.0.1:1/" if name == "NODIFY_URL" else "L")
            letter = "茶" if name == "PAY_SUBJECT" else "x"
            sent = client.precreate(**{name: value + letter * (limit + extra - len(value))})
            client.order(sent).expect(expected)
            if expected == "SUCCESS" and name != "NODIFY_URL":
                assert client.expect_state(sent["CHARGE_CODE"], 0)[name] == sent[name]


@pytest.mark.parametrize(
    "changes",
    [
        {"GOOD_ID": DROP},
        {"GOOD_NAME": ""},
        {"GOOD_CLASS": DROP},
        {"GOOD_PRICE": DROP},
        {"GOOD_SUBJECT": None},
        {"GOOD_QUANTITY": DROP},
        {"GOOD_QUANTITY": "0"},
        {"GOOD_QUANTITY": "-1"},
        {"GOOD_QUANTITY": "1.5"},
        {"GOOD_QUANTITY": "many"},
    ],
    ids=str,
)
def test_wrong_goods(p1, changes):
    good = {name: "1" for name in "GOOD_ID GOOD_NAME GOOD_CLASS GOOD_PRICE GOOD_SUBJECT GOOD_QUANTITY".split()}
    wrong = {name: value for name, value in (good | changes).items() if value is not DROP}
    p1.order(p1.precreate(GOODS_DETAIL=[good])).ok()
    p1.order(p1.precreate(GOODS_DETAIL=[good, wrong])).expect("ILLEGAL_PARAMETER")


# ---- odd, but legal --------------------------------------------------------------------------------------------------


def test_wrapped_and_numbers(p1):
    client = p1
    for wrap in (True, False):
        sent = client.precreate(AMT=1.58, CHANNEL_TYPE=1, TIME_EXPIRE=60, CHARGE_CODE=int("9" + unique()[-8:]))
        assert client.order(sent, wrap=wrap).ok()["CHARGE_CODE"] == str(sent["CHARGE_CODE"])
    paid = client.paid("2.00")["CHARGE_CODE"]
    answer = client.refund(client.returning(paid, 1.5), wrap=True).ok()
    assert bills(answer) == 150
    client.pre_order(client.scan(DYNAMIC_ID=284214903060794755), wrap=True).ok()


XML_ODDITIES = {
    "single-quotes": lambda text: text.replace(DECLARATION, "<?xml version='1.0' encoding='utf-8' ?>"),
    "no-declaration": lambda text: text.replace(DECLARATION, ""),
    "space-in-end-tags": lambda text: text.replace("</AMT>", "</AMT >").replace("</ORDER_REQ>", "</ORDER_REQ\n>"),
    "indented": lambda text: text.replace("><", ">\r\n\t<"),
    "cdata": lambda text: text.replace("test order", "<![CDATA[test order]]>"),
    "cdata-amount": lambda text: text.replace("1.58", "<![CDATA[1.58]]>"),
    "references": lambda text: text.replace("test order", "t&#101;st&#x20;order"),
    "comment": lambda text: text.replace("<AMT>", "<!-- yuan --><AMT>"),
    "empty-element": lambda text: text.replace("<AMT>", "<REGISTER_ID/><MERCHANTPARA></MERCHANTPARA><AMT>"),
    "unknown-element": lambda text: text.replace("<AMT>", "<EXTRA>1</EXTRA><AMT>"),
}


@pytest.mark.parametrize("cipher", [False, True], ids=["clear", "3des"])
@pytest.mark.parametrize("name", XML_ODDITIES)
def test_odd_xml(p1, name, cipher):
    client = p1.using(fmt="xml", encrypt=cipher)
    sent = client.precreate()
    client.order(XML_ODDITIES[name](to_xml("ORDER_REQ", sent))).ok()
    found = client.expect_state(sent["CHARGE_CODE"], 0)
    assert (found["AMT"], found["PAY_SUBJECT"]) == (158, "test order")


def test_format_is_found_in_the_body_not_in_headers(p1):
    """JSON and XML under each other's or no content type, and an answer in the other format."""
    for content_type in ("text/xml", "application/json", "application/octet-stream", None):
        for fmt in ("json", "xml"):
            client = p1.using(fmt=fmt)
            call = client.post_call("order", client.precreate(), "ORDER_REQ")
            client.send(call.but(content_type=content_type)).ok()
            other = "xml" if fmt == "json" else "json"
            assert client.order(client.precreate(), answer=other).ok().fmt == other


def test_leading_space_and_other_text(p1):
    p1.order("\r\n  " + to_json(p1.precreate())).ok()
    sent = p1.precreate(PAY_SUBJECT='quotes " \\ / <&> \u3000\u00a0 😀')
    p1.order(sent).ok()
    for fmt in ("json", "xml"):
        assert p1.using(fmt=fmt).expect_state(sent["CHARGE_CODE"], 0)["PAY_SUBJECT"] == sent["PAY_SUBJECT"]


def test_inner_encrypted_xml(p1):
    """Only the text between the root's tags is encrypted; the signature is over the clear text."""
    client = p1.using(fmt="xml")
    for declaration in ("", DECLARATION):
        sent = client.precreate()
        clear = to_xml("ORDER_REQ", sent, declaration)
        start, end = clear.index("<ORDER_REQ>") + len("<ORDER_REQ>"), clear.rindex("</ORDER_REQ>")
        body = clear[:start] + encipher(client.partner.key, clear[start:end]) + clear[end:]
        call = client.post_call("order", clear, "ORDER_REQ", encrypt=True)
        assert client.send(call.but(body=body.encode())).ok().encrypted
        client.expect_state(sent["CHARGE_CODE"], 0)


def goods_xml(*entries):
    return "".join(f"<{name}>{''.join(f'<{n}>{v}</{n}>' for n, v in good.items())}</{name}>" for name, good in entries)


def test_goods_lists_in_xml(p1):
    """One child per entry under any name, or repeated GOODS_DETAIL elements, or the alias."""
    client = p1.using(fmt="xml")
    goods = [
        {n: f"{n[-1]}{k}" for n in ("GOOD_ID", "GOOD_NAME", "GOOD_CLASS", "GOOD_SUBJECT")}
        | {"GOOD_PRICE": "1.00", "GOOD_QUANTITY": "1"}
        for k in (1, 2)
    ]
    for variant in (
        f"<GOODS_DETAIL>{goods_xml(('GOODS_INFO', goods[0]), ('GOODS_INFO', goods[1]))}</GOODS_DETAIL>",
        f"<GOODS_DETAIL>{goods_xml(('item', goods[0]), ('entry', goods[1]))}</GOODS_DETAIL>",
        goods_xml(("GOODS_DETAIL", goods[0]), ("GOODS_DETAIL", goods[1])),
        f"<goodsInfos>{goods_xml(('GOODS_INFO', goods[0]), ('GOODS_INFO', goods[1]))}</goodsInfos>",
    ):
        sent = client.precreate()
        client.order(to_xml("ORDER_REQ", sent).replace("</ORDER_REQ>", variant + "</ORDER_REQ>")).ok()
        found = client.expect_state(sent["CHARGE_CODE"], 0)
        assert [good["GOOD_ID"] for good in found["GOODS_DETAIL"]] == ["D1", "D2"], variant


def test_keep_alive_and_short_connections(gw, p1):
    for _ in range(3):
        p1.channels().ok()
        call = p1.channels_call()
        response = requests.get(gw.base + call.target(), headers={"Connection": "close"}, timeout=10)
        p1.open(call, response).ok()
