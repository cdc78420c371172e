"""Hostile and broken lianhe requests: each the right code, nothing lost, and a gateway that stays well."""

import random
import socket

import pytest
import requests

from .lianhe_client import visitor
from .lianhe_wire import ENTRY, to_json
from .support import raw_exchange, unique

pytestmark = pytest.mark.interface("lianhe.newOrder")
MIB = 1 << 20
MALFORMED = "malformed request"
OPERATIONS = ["getTeam", "getPrice", "creatOrder", "payOrder", "newOrder", "queryOrder", "cancelOrder", "send"]


@pytest.fixture(scope="module")
def buyer(office):
    return office.distributor()


@pytest.fixture(scope="module")
def deal(office):
    return office.ticket(total=10_000)


@pytest.fixture(scope="module")
def witness(buyer, deal):
    """An order that nothing in this module may touch."""
    return buyer.bought(deal, 2)


@pytest.fixture(autouse=True)
def stays_well(gw, buyer, witness):
    yield
    gw.healthy()
    buyer.expect_state(witness, 4)


def whole(client, deal, **changes):
    """The text of a request that would be accepted."""
    return to_json(client.envelope(client.order(deal, **changes)))


# ---- documents ------------------------------------------------------------------------------------------------------

DOCUMENTS = {
    "empty": b"",
    "space": b" \r\n\t",
    "cut": b'{"partnerId":1985,"body":{"orderId":"1"',
    "not-json": b"{partnerId:1985}",
    "form": b"partnerId=1985&body=1",
    "xml": b"<partnerId>1985</partnerId>",
    "array": b'[{"partnerId":1985}]',
    "text": b'"hello"',
    "number": b"42",
    "null": b"null",
    "two": b'{"partnerId":1985,"body":{}} {"partnerId":1985,"body":{}}',
    "single-quotes": b"{'partnerId':1985}",
    "comment": b'{"partnerId":1985,/* no */"body":{}}',
    "lone-surrogate": b'{"partnerId":1985,"body":{"orderId":"\\ud800"}}',
    "bad-escape": b'{"partnerId":1985,"body":{"orderId":"\\x41"}}',
    "deep-arrays": b'{"partnerId":1985,"body":' + b"[" * 200_000,
    "deep-closed": b'{"partnerId":1985,"body":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep-objects": b'{"body":' * 100_000 + b"1" + b"}" * 100_000,
    "zeros": b"\0" * 100,
    "bom-alone": b"\xef\xbb\xbf",
    "utf-16": '{"partnerId":1985,"body":{}}'.encode("utf-16"),
    "not-utf8": b'{"partnerId":1985,"body":{"orderId":"\xff\xfe\x80"}}',
    "overlong": b'{"partnerId":1985,"body":{"orderId":"\xc0\xaf"}}',
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_broken_documents(buyer, name):
    data = DOCUMENTS[name].replace(b"1985", buyer.partner.partner_id.encode())
    for operation in ["newOrder"] if name.startswith("deep") else OPERATIONS:
        buyer.send(buyer.call(operation, data)).refused(MALFORMED)


BENDS = {
    "trailing-comma": lambda text: text[:-1] + ",}",
    "trailing-comma-inside": lambda text: text.replace('"}]', '",}]'),
    "trailing-comma-array": lambda text: text.replace("}]", "},]"),
    "twice": lambda text: text + text,
    "rubbish-after": lambda text: text + "x",
    "nan": lambda text: text.replace("58.5", "NaN"),
    "infinity": lambda text: text.replace("58.5", "-Infinity"),
    "hexadecimal": lambda text: text.replace("58.5", "0x3a"),
    "plus": lambda text: text.replace("58.5", "+58.5"),
    "leading-zero": lambda text: text.replace("58.5", "058.5"),
    "bare-point": lambda text: text.replace("58.5", "58."),
    "open-text": lambda text: text.replace('"张三"', '"张三'),
    "control": lambda text: text.replace("张三", "a\x01b"),
    "newline": lambda text: text.replace("张三", "a\nb"),
    "nul": lambda text: text.replace("张三", "a\0b"),
    "duplicate-body": lambda text: text[:-1] + ', "body": {}}',
    "duplicate-partner": lambda text: text[:-1] + ', "partnerId": 1}',
}


@pytest.mark.parametrize("name", BENDS)
def test_bent_orders(buyer, deal, name):
    """Complete orders but for one bend: strict parsing refuses each, and nothing is stored."""
    number = unique("bent")
    text = whole(buyer, deal, orderId=number)
    bent = BENDS[name](text)
    assert bent != text
    buyer.send(buyer.call("newOrder", bent.encode())).refused()
    buyer.unknown(number)
    buyer.send(buyer.call("newOrder", text.encode())).ok(orderStatus=4)


def test_members_twice(office, buyer):
    """Refused, or one of them counts; the price is checked for what is bought."""
    deal, number = office.ticket(total=10), unique("twice")
    text = whole(buyer, deal, orderId=number).replace('"quantity": 1', '"quantity": 1, "quantity": 2')
    answer = buyer.send(buyer.call("newOrder", text.encode())).expect(10000, 20000)
    sold = office.stock(deal)["sold"]
    if answer.code == 10000:
        assert buyer.lost(number).ok(orderStatus=4)["orderQuantity"] == sold and sold in (1, 2)
    else:
        assert sold == 0


@pytest.mark.parametrize("body", ["null", "[]", '""', "1", "true", '"{}"', "[{}]"])
def test_bodies_that_are_no_object(buyer, body):
    data = f'{{"partnerId": {buyer.partner.partner_id}, "body": {body}}}'.encode()
    for operation in OPERATIONS:
        buyer.send(buyer.call(operation, data)).refused(MALFORMED)


def test_no_body(buyer):
    for data in (
        f'{{"partnerId": {buyer.partner.partner_id}}}',
        f'{{"partnerId": {buyer.partner.partner_id}, "body": {{}}}}',
    ):
        for operation in OPERATIONS:
            buyer.send(buyer.call(operation, data.encode())).refused(MALFORMED)


@pytest.mark.parametrize("amount", ["58.5e0", "585e-1", "0.0585E3", "58.500", "5.85e1"])
def test_other_spellings_of_the_amount(buyer, deal, amount):
    """The same number by JSON's rules, but not yuan with two decimals: taken exactly or refused, never rounded."""
    number = unique("exact")
    text = whole(buyer, deal, orderId=number).replace("58.5", amount)
    buyer.send(buyer.call("newOrder", text.encode())).expect(10000, 20000, 10006)


@pytest.mark.parametrize(
    "amount",
    ["58.501", "58.49999999999999999", "58.5000000000000000001", "1e400", "-58.5", "1e-400", "1e9999999999", "9" * 400,
     "0." + "0" * 400 + "1", "-0", "99999999999999999999.99"],
)  # fmt: skip
def test_amounts_that_are_not_the_price(buyer, deal, amount):
    number = unique("amount")
    text = whole(buyer, deal, orderId=number).replace("58.5", amount)
    buyer.send(buyer.call("newOrder", text.encode())).expect(20000, 10006)
    buyer.unknown(number)


VALUES = [
    None,
    True,
    False,
    0,
    -1,
    1.5,
    10**30,
    "",
    " ",
    "x",
    "\u0000",
    "'",
    '"',
    [],
    [1],
    {},
    {"a": 1},
    "x" * 5000,
    [[[]]],
]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_any_value_in_any_field(buyer, deal, witness, operation):
    """Every field of every operation with every kind of value: an envelope each time, never a 5xx."""
    samples = {
        "getTeam": {
            "method": "page",
            "currentPage": 0,
            "pageSize": 1,
            "LHDealIds": [deal.id],
            "simples": 0,
            "system": False,
        },
        "getPrice": {"LHDealId": deal.id, "startDate": "2016-08-05", "endDate": "2016-08-06"},
        "creatOrder": buyer.order(deal),
        "payOrder": buyer.paying(witness),
        "newOrder": buyer.order(deal, payId="p", smsfrom=0),
        "queryOrder": {"orderId": witness.number, "LHOrderId": witness.lh, "LHDealId": deal.id},
        "cancelOrder": {
            "orderId": witness.number,
            "LHOrderId": witness.lh,
            "quantity": 99,
            "refundId": "r",
            "sellPrice": 1,
        },
        "send": {"orderId": witness.number, "LHOrderId": "1"},
    }
    sample = samples[operation]
    for name in sample:
        for value in VALUES:
            if operation == "cancelOrder" and name == "quantity" and value is True:
                continue  # may stand for one ticket, and the witness must not change
            fields = sample | {name: value}
            if "orderId" in fields and name != "orderId" and operation in ("creatOrder", "newOrder"):
                fields["orderId"] = unique("any")
            assert buyer.ask(operation, **fields).status == 200


def test_any_value_in_a_traveller(buyer, deal):
    for name in ("name", "mobile", "address", "zipcode", "credentials", "credentialstype", "email"):
        for value in VALUES:
            assert buyer.new_order(buyer.order(deal, visitor=[visitor(**{name: value})])).status == 200


def test_texts_at_their_limits(office, buyer, deal):
    """Long numbers and names are taken whole or refused, never cut."""
    for length in (64, 65, 100, 128, 256, 1000, 10_000):
        number = unique("n").ljust(length, "n")
        answer = buyer.new_order(buyer.order(deal, orderId=number)).expect(10000, 20000)
        if answer.code == 10000:
            buyer.lost(number).ok(orderId=number, LHOrderId=answer["LHOrderId"])
        else:
            buyer.lost(number).refused()
        buyer.new_order(buyer.order(deal, visitor=[visitor(name="名" * length)])).expect(10000, 20000)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "'; DROP TABLE orders; --",
        "{{7*7}}",
        "../../etc/passwd",
        "%00%0a",
        "茶\u202e\ufeff",
        "🍵",
    ],
)
def test_texts_come_back_as_they_were(buyer, deal, text):
    number = unique(text)
    buyer.new_order(buyer.order(deal, orderId=number, visitor=[visitor(name=text)])).ok(orderStatus=4)
    buyer.lost(number).ok(orderId=number)


@pytest.mark.parametrize("text", ["a\x01b", "a\u007fb", "a\nb", "a\0b", "\t"])
def test_control_characters_in_numbers(buyer, deal, text):
    """Escaped properly, they are JSON; as an order's number they are taken whole or refused."""
    number = unique("c") + text
    answer = buyer.new_order(buyer.order(deal, orderId=number)).expect(10000, 20000)
    found = buyer.lost(number)
    assert (found.code == 10000) == (answer.code == 10000), (answer.text, found.text)


def test_random_bytes(buyer):
    """Signed properly, as a partner with a broken program would."""
    seed = random.randrange(2**32)
    print("seed", seed)
    source = random.Random(seed)
    for _ in range(100):
        operation = source.choice(OPERATIONS)
        buyer.send(buyer.call(operation, source.randbytes(source.randrange(1, 400)))).refused()


def test_random_damage(buyer, deal):
    """Accepted orders with some bytes changed: an envelope each time, and what was accepted is one order."""
    seed = random.randrange(2**32)
    print("seed", seed)
    source = random.Random(seed)
    for _ in range(200):
        data = bytearray(whole(buyer, deal).encode())
        for _ in range(source.randrange(1, 4)):
            kind, place = source.randrange(3), source.randrange(len(data))
            if kind == 0:
                data[place] = source.randrange(256)
            elif kind == 1:
                del data[place]
            else:
                data.insert(place, source.choice(b'{}[]",:0\\ '))
        assert buyer.send(buyer.call("newOrder", bytes(data))).status == 200


# ---- headers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["PartnerId", "Date", "Authorization"])
@pytest.mark.parametrize(
    "value", ["\xff\xfe", "x" * 6000, "\t", "LH :", "LH a:" + "A" * 4000, "%", ":" * 300], ids=lambda v: ascii(v[:8])
)
def test_strange_headers(gw, buyer, deal, name, value):
    call = buyer.call("newOrder", buyer.order(deal))
    lines = [f"{key}: {value if key == name else kept}" for key, kept in call.headers.items()]
    head = "\r\n".join([f"POST {call.target} HTTP/1.1", "Host: g", "Connection: close", *lines]).encode("latin-1")
    status, answer = raw_exchange(gw.base, head + b"\r\nContent-Length: %d\r\n\r\n" % len(call.data), [call.data])
    assert status in (200, 400, 431), answer
    assert status != 200 or b'"code":20000' in answer.replace(b" ", b"")
    assert b"panicked" not in answer


def test_headers_twice(gw, buyer, deal):
    """Two of a kind that differ: one of them is taken, or the request is refused; another partner is never taken."""
    for name, second in (("PartnerId", "1"), ("Date", "Fri, 05 Aug 2016 00:00:00 GMT"), ("Authorization", "LH x:y")):
        for order in (1, -1):
            call = buyer.call("newOrder", buyer.order(deal))
            pair = [f"{name}: {value}" for value in (call.headers[name], second)][::order]
            lines = [f"{key}: {value}" for key, value in call.headers.items() if key != name] + pair
            head = "\r\n".join([f"POST {call.target} HTTP/1.1", "Host: g", "Connection: close", *lines]).encode()
            status, answer = raw_exchange(
                gw.base, head + b"\r\nContent-Length: %d\r\n\r\n" % len(call.data), [call.data]
            )
            assert status in (200, 400), answer
            assert b'"code":10000' not in answer or b'"partnerId":%s' % buyer.partner.partner_id.encode() in answer


# ---- size and shape of requests -----------------------------------------------------------------------------------


def test_one_mebibyte_is_the_limit(gw, buyer, deal):
    """A body of exactly 1 MiB is read, and one byte more is 413 without an envelope."""
    text = whole(buyer, deal)
    full = (text[:-1] + " " * (MIB - len(text.encode())) + "}").encode()
    assert len(full) == MIB
    buyer.send(buyer.call("newOrder", full)).ok(orderStatus=4)
    call = buyer.call("newOrder", full + b" ")
    status, answer = raw_exchange(gw.base, head_of(call, f"Content-Length: {MIB + 1}"), [call.data])
    assert status == 413 and b"describe" not in answer


def head_of(call, framing):
    lines = [f"{name}: {value}" for name, value in call.headers.items()]
    return "\r\n".join(
        [f"POST {call.target} HTTP/1.1", "Host: g", "Connection: close", *lines, framing, "", ""]
    ).encode()


@pytest.mark.parametrize("chunked", [False, True], ids=["length", "chunked"])
def test_two_mebibytes(gw, buyer, chunked):
    piece = b"x" * 65536
    if chunked:
        framing, pieces = "Transfer-Encoding: chunked", [b"10000\r\n" + piece + b"\r\n"] * 32 + [b"0\r\n\r\n"]
    else:
        framing, pieces = f"Content-Length: {2 * MIB}", [piece] * 32
    status, answer = raw_exchange(gw.base, head_of(buyer.call("newOrder", b""), framing), pieces)
    assert status == 413 and b"describe" not in answer


@pytest.mark.parametrize("path", ["/openapi", "/openapi/", "/openapi/index.html", "/openapi/index.php/x", "/index.php",
                                  "/OpenAPI/index.php", "/openapi/Index.php", "/openapi/../openapi/index.phpx"])  # fmt: skip
@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_unknown_paths(gw, buyer, verb, path):
    lines = [f"{verb} {path}?method=newOrder HTTP/1.1", "Host: g", "Connection: close", "Content-Length: 0", "", ""]
    status, answer = raw_exchange(gw.base, "\r\n".join(lines).encode())
    assert status == 404 and b"describe" not in answer


@pytest.mark.parametrize("verb", ["GET", "PUT", "DELETE", "PATCH", "HEAD"])
@pytest.mark.parametrize("query", ["?method=newOrder", "?method=nope", ""])
def test_wrong_verbs(gw, verb, query):
    response = requests.request(verb, gw.base + ENTRY + query, timeout=10)
    assert response.status_code == 405 and "describe" not in response.text


def test_half_sent_requests_hold_nobody_up(gw, buyer, deal):
    host, port = gw.base.removeprefix("http://").split(":")
    streams = [socket.create_connection((host, int(port))) for _ in range(50)]
    for stream in streams:
        stream.sendall(head_of(buyer.call("newOrder", b""), "Content-Length: 500") + b'{"partn')
    buyer.bought(deal)
    for stream in streams:
        stream.close()
