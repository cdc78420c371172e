"""A distributor of the lianhe protocol: requests as data that tests may bend; answers and notifications checked."""

import threading
from dataclasses import dataclass, field, replace
from decimal import Decimal

import requests

from .lianhe_wire import (
    CONTENT_TYPE,
    ENTRY,
    FAILURE,
    NOTIFY_TARGET,
    SUCCESS,
    date_ms,
    http_date,
    parse_answer,
    parse_notice,
    sign,
    to_json,
)
from .support import DROP, Proven, unique
from .wire import INSIDES


@dataclass(frozen=True)
class Distributor:
    """A partner as it knows itself."""

    partner_id: str
    api_name: str
    secret: str


@dataclass(frozen=True)
class Deal:
    """A product on sale, as its buyers know it."""

    id: str
    market: Decimal
    sell: Decimal
    cost: Decimal
    seller: str = ""
    product: str = ""
    sku: str = ""


@dataclass(frozen=True)
class Call:
    """A request ready to be sent; tests change it with `but` and `with_header`."""

    operation: str
    target: str
    headers: dict
    data: bytes
    verb: str = "POST"

    def but(self, **changes):
        return replace(self, **changes)

    def with_header(self, name, value):
        """The same call with another header; None leaves it out."""
        headers = {key: kept for key, kept in self.headers.items() if key != name}
        return self.but(headers=headers | ({} if value is None else {name: value}))


@dataclass
class Answer:
    """An answer, opened. `document` is empty when the status is not 200."""

    status: int
    headers: dict
    text: str
    document: dict = field(default_factory=dict)

    @property
    def code(self):
        return self.document.get("code")

    @property
    def body(self):
        return self.document.get("body")

    @property
    def describe(self):
        return self.document.get("describe", "")

    def __getitem__(self, name):
        return self.body[name]

    def __contains__(self, name):
        return name in self.body

    def expect(self, *codes, **fields):
        """Asserts HTTP 200, one of these codes and these fields of the body, and records what was reached."""
        assert self.status == 200, (self.status, self.text[:500])
        assert self.code in codes, f"expected {' or '.join(map(str, codes))}, got {self.text[:500]}"
        for name, value in fields.items():
            assert self.body.get(name) == value, f"expected {name} {value!r} in {self.text[:500]}"
            if name in ("orderStatus", "reStatus"):
                Proven.note(f"lianhe.{name}.{value}")
        Proven.note(f"lianhe.code.{self.code}")
        return self

    def ok(self, **fields):
        return self.expect(SUCCESS, **fields)

    def refused(self, *texts, **fields):
        """Asserts 20000 and, where texts are given, that one of these fixed texts of section 6.1 says why."""
        self.expect(FAILURE, **fields)
        assert not texts or any(text in self.describe.lower() for text in texts), (texts, self.describe)
        return self

    def not_created(self, code, *texts):
        """Asserts that an order was refused and none was stored (section 5.3)."""
        self.expect(code, orderStatus=3, LHOrderId="")
        assert not texts or any(text in self.describe.lower() for text in texts), (texts, self.describe)
        return self


@dataclass
class Order:
    """An order as its distributor remembers it."""

    fields: dict
    answer: Answer

    @property
    def number(self):
        return self.fields["orderId"]

    @property
    def lh(self):
        return self.answer["LHOrderId"]

    @property
    def quantity(self):
        return self.fields["quantity"]

    @property
    def codes(self):
        return codes_of(self.answer)


def codes_of(answer):
    """The codes of an answer's vouchers."""
    return [code for code in answer["voucher"].split(",") if code]


def visitor(**changes):
    """A traveller."""
    person = {"name": "张三", "mobile": "13800000001"} | changes
    return {name: value for name, value in person.items() if value is not DROP}


class Client:
    """One distributor; safe to use from several threads, each keeps its own connection.

    `place` knows the address (`base`) and the time (`now_ms()`); both may change under way.
    """

    def __init__(self, place, partner):
        self.place, self.partner = place, partner
        self._local = threading.local()

    @property
    def session(self):
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
            self._local.session.trust_env = False
        return self._local.session

    # -- requests as data

    def headers(self, target, date=None, partner=None, verb="POST"):
        """The three headers of section 3.1, and the two that everybody sends."""
        partner = partner or self.partner
        date = date or http_date(self.place.now_ms())
        return {
            "Content-Type": CONTENT_TYPE,
            "Version": "2.1",
            "PartnerId": str(partner.partner_id),
            "Date": date,
            "Authorization": f"LH {partner.api_name}:{sign(partner.secret, target, date, verb)}",
        }

    def envelope(self, body):
        body = {name: value for name, value in body.items() if value is not DROP}
        return {"partnerId": int(self.partner.partner_id), "body": body}

    def call(self, operation, body, *, date=None, partner=None, target=None):
        """A request. `body` is a mapping of fields, or the whole document as bytes."""
        target = target or f"{ENTRY}?method={operation}"
        data = body if isinstance(body, bytes) else to_json(self.envelope(body)).encode()
        return Call(operation, target, self.headers(target, date, partner), data)

    def send(self, call, timeout=40):
        """Sends a call and opens its answer."""
        request = requests.Request(call.verb, self.place.base, headers=call.headers, data=call.data).prepare()
        request.url = self.place.base + call.target  # exactly as it was signed
        response = self.session.send(request, allow_redirects=False, timeout=timeout)
        return self.open(call, response)

    def open(self, call, response):
        text = response.content.decode()
        answer = Answer(response.status_code, response.headers, text)
        if response.status_code != 200:
            assert not any(word in text.lower() for word in INSIDES), text
            assert '"describe"' not in text, "an envelope always comes with 200"
            return answer
        content_type = response.headers.get("Content-Type", "").replace(" ", "").lower()
        assert content_type == CONTENT_TYPE.replace(" ", ""), content_type
        answer.document = parse_answer(text, call.operation)
        if answer.code != FAILURE:
            assert str(answer.document["partnerId"]) == call.headers["PartnerId"], text[:300]
        return answer

    def ask(self, operation, **fields):
        return self.send(self.call(operation, fields))

    # -- fields of a correct order, changed by keyword; DROP leaves one out

    def order(self, deal, quantity=1, day=DROP, **changes):
        base = {"orderId": unique("L"), "LHDealId": deal.id, "sellPrice": deal.sell, "quantity": quantity}
        return base | {"travelDate": day, "visitor": [visitor()]} | changes

    def paying(self, order, **changes):
        """Fields of the payment of a created order."""
        told = {name: order.fields.get(name, DROP) for name in ("LHDealId", "sellPrice", "quantity", "travelDate")}
        base = {"orderId": order.number, "LHOrderId": order.lh, "visitor": visitor()}
        return base | told | changes

    # -- the operations

    def creat_order(self, fields):
        return self.ask("creatOrder", **fields)

    def new_order(self, fields):
        return self.ask("newOrder", **fields)

    def pay_order(self, order, **changes):
        return self.ask("payOrder", **self.paying(order, **changes))

    def query(self, order, **changes):
        return self.ask("queryOrder", **({"orderId": order.number, "LHOrderId": order.lh} | changes))

    def lost(self, number):
        """A query by someone who never got the answer to its order."""
        return self.ask("queryOrder", orderId=number, LHOrderId="")

    def cancel(self, order, quantity, refund=DROP, **changes):
        """An application for a refund."""
        fields = {"orderId": order.number, "LHOrderId": order.lh, "quantity": quantity, "refundId": refund}
        return self.ask("cancelOrder", **(fields | changes))

    def resend(self, order, **changes):
        return self.ask("send", **({"orderId": order.number, "LHOrderId": order.lh} | changes))

    def balance(self):
        return self.ask("getBalance").ok()["balance"]

    def product(self, deal):
        """The one product of a listing by id, or None."""
        found = self.ask("getTeam", method="multi", LHDealIds=[deal.id]).ok()
        assert found.document["totalSize"] == len(found.body) <= 1, found.text
        return found.body[0] if found.body else None

    def prices(self, deal, start, end):
        """The calendar's days by date."""
        rows = self.ask("getPrice", LHDealId=deal.id, startDate=start, endDate=end).ok().body
        assert all(row["LHDealId"] == deal.id for row in rows), rows
        assert [row["date"] for row in rows] == sorted({row["date"] for row in rows}), rows
        return {row["date"]: row for row in rows}

    # -- short cuts

    def created(self, deal, quantity=1, day=DROP, **changes):
        """An order that waits for its payment."""
        fields = self.order(deal, quantity, day, **changes)
        order = Order(fields, self.creat_order(fields).ok(orderStatus=2, voucherType=0, voucher=""))
        assert order.lh
        return order

    def bought(self, deal, quantity=1, day=DROP, **changes):
        """A paid order."""
        fields = self.order(deal, quantity, day, **changes)
        order = Order(fields, self.new_order(fields).ok(orderStatus=4))
        assert order.lh and order.codes
        return order

    def expect_state(self, order, status, used=0, refunded=0, review=None):
        """Asserts what a query says of an order (section 5.6) and records it; gives the answer."""
        answer = self.query(order).ok(orderId=order.number, LHOrderId=order.lh, orderStatus=status)
        assert answer["orderQuantity"] == order.quantity - refunded, answer.text
        assert answer.body.get("useQuantity", 0) == used, answer.text
        assert answer.body.get("reQuantity", 0) == refunded, answer.text
        if review is not None:
            assert answer.body.get("reStatus", 0) == review, answer.text
            Proven.note(f"lianhe.reStatus.{review}")
        return answer

    def unknown(self, number):
        """Asserts that nothing was stored under a number."""
        self.lost(number).refused("order not found", orderStatus=0, orderId=number)


# ---- notifications ------------------------------------------------------------------------------------------------


@dataclass
class Notice:
    """A notification that has been verified; `at_ms` is the time of its Date header, in whole seconds."""

    document: dict
    at_ms: int
    text: str

    @property
    def method(self):
        return self.document["method"]

    @property
    def code(self):
        return self.document["code"]

    @property
    def describe(self):
        return self.document["describe"]

    def __getitem__(self, name):
        return self.document["body"][name]

    def get(self, name, default=None):
        return self.document["body"].get(name, default)


def open_notice(record, partner):
    """Checks everything that sections 3 and 8 say of a notification."""
    assert record.method == "POST", record.method
    content_type = record.headers.get("Content-Type", "").replace(" ", "").lower()
    assert content_type == CONTENT_TYPE.replace(" ", ""), content_type
    assert record.headers["PartnerId"] == str(partner.partner_id)
    date = record.headers["Date"]
    expected = f"LH {partner.api_name}:{sign(partner.secret, NOTIFY_TARGET, date)}"
    assert record.headers["Authorization"] == expected, "signed over the fixed target, whatever the real address"
    text = record.body.decode()
    document = parse_notice(text)
    assert str(document["partnerId"]) == str(partner.partner_id), text
    return Notice(document, date_ms(date), text)


def notices(hook, partner, method=None):
    """The notifications at an address so far, checked; of one method where it is given."""
    opened = [open_notice(record, partner) for record in list(hook.records)]
    for notice in opened:
        Proven.note(f"lianhe.{notice.method}")
        for name in ("orderStatus", "reStatus"):
            if notice.get(name) is not None:
                Proven.note(f"lianhe.{name}.{notice[name]}")
    return [notice for notice in opened if method in (None, notice.method)]
