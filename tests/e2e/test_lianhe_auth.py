"""Who calls lianhe (section 3.3), and does the envelope agree (2.1)? Every failure is 20000, before any business."""

import pytest

from .gateway import VECTOR_MS
from .lianhe_client import Distributor
from .lianhe_wire import ENTRY, http_date, sign, to_json
from .support import unique

pytestmark = pytest.mark.interface("lianhe.newOrder", "lianhe.queryOrder")

FAILED, OUT_OF_RANGE = "authentication failed", "date out of range"
SECOND = 1000
MINUTE = 60 * SECOND


@pytest.fixture(scope="module")
def buyer(office):
    return office.distributor()


@pytest.fixture(scope="module")
def other(office):
    return office.distributor()


@pytest.fixture(scope="module")
def deal(office):
    return office.ticket(total=1000)


@pytest.fixture
def tried(buyer, deal):
    """Sends a bent order that must be refused, and sees that nothing was stored."""

    def check(bend, *texts, **how):
        fields = buyer.order(deal)
        answer = buyer.send(bend(buyer.call("newOrder", fields, **how))).refused(*(texts or (FAILED,)))
        assert not (answer.body and answer.body.get("LHOrderId")), answer.text
        buyer.unknown(fields["orderId"])
        buyer.new_order(fields).ok(orderStatus=4)
        return answer

    return check


@pytest.mark.parametrize("name", ["PartnerId", "Date", "Authorization"])
@pytest.mark.parametrize("value", [None, ""], ids=["missing", "empty"])
def test_headers_are_needed(tried, name, value):
    tried(lambda call: call.with_header(name, value))


@pytest.mark.parametrize(
    "form",
    ["MWS {name}:{sign}", "Basic {name}:{sign}", "LHX {name}:{sign}", "{name}:{sign}", "LH {sign}", "LH {name}:",
     "LH :{sign}", "LH", "LH {name}", "LH {name}:{sign}:{sign}", "LH {name}:{cut}", "LH {name}:{sign}AAAA"],
)  # fmt: skip
def test_authorization(buyer, tried, form):
    def bend(call):
        signature = sign(buyer.partner.secret, call.target, call.headers["Date"])
        value = form.format(name=buyer.partner.api_name, sign=signature, cut=signature[:-4])
        return call.with_header("Authorization", value)

    tried(bend)


def test_wrong_api_name(buyer, other, tried):
    """One that nobody has, and one of another partner, each with a signature that fits otherwise."""
    for name in (unique("nobody"), other.partner.api_name):
        stranger = Distributor(buyer.partner.partner_id, name, buyer.partner.secret)
        tried(lambda call: call, partner=stranger)


def test_wrong_secret(buyer, other, tried):
    for secret in (other.partner.secret, "", buyer.partner.secret.upper(), buyer.partner.secret + " "):
        if secret != buyer.partner.secret:
            tried(lambda call: call, partner=Distributor(buyer.partner.partner_id, buyer.partner.api_name, secret))


@pytest.mark.parametrize("partner", ["999999999", "0", "-1", "abc", "99999999999999999999999", "1985 OR 1=1", "' --"])
def test_unknown_partner(buyer, tried, partner):
    tried(lambda call: call.with_header("PartnerId", partner))


def test_another_partner_in_the_header(buyer, other, deal):
    """Signed properly by another: the envelope names somebody else then."""
    fields = buyer.order(deal)
    other.send(buyer.call("newOrder", fields, partner=other.partner)).refused()
    buyer.unknown(fields["orderId"])
    other.unknown(fields["orderId"])


def test_signature_of_another_target(buyer, tried):
    date = http_date(VECTOR_MS)
    for target in (f"{ENTRY}?method=queryOrder", ENTRY, f"http://127.0.0.1{ENTRY}?method=newOrder", "?method=newOrder"):
        value = f"LH {buyer.partner.api_name}:{sign(buyer.partner.secret, target, date)}"
        tried(lambda call, value=value: call.with_header("Authorization", value), date=date)


def test_signature_of_another_verb(buyer, tried):
    def bend(call):
        signature = sign(buyer.partner.secret, call.target, call.headers["Date"], verb="post")
        return call.with_header("Authorization", f"LH {buyer.partner.api_name}:{signature}")

    tried(bend)


def test_date_after_signing(tried):
    """The text of the header counts, not the instant: another spelling of the same time breaks the signature."""
    tried(lambda call: call.with_header("Date", call.headers["Date"].replace(", 05", ", 5")))


# ---- the Date -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("off_ms", [0, -15 * MINUTE + 2 * SECOND, 5 * MINUTE - 2 * SECOND])
def test_date_within_the_limits(gw, buyer, deal, off_ms):
    call = buyer.call("newOrder", buyer.order(deal), date=http_date(gw.now_ms() + off_ms))
    buyer.send(call).ok(orderStatus=4)


@pytest.mark.parametrize("off_ms", [-15 * MINUTE - 2 * SECOND, -24 * 60 * MINUTE, 5 * MINUTE + 2 * SECOND, 10**11])
def test_date_outside_the_limits(gw, tried, off_ms):
    tried(lambda call: call, OUT_OF_RANGE, date=http_date(gw.now_ms() + off_ms))


def test_spellings_of_the_date(gw, buyer, deal):
    """One-digit and two-digit days, GMT and UTC."""
    text = http_date(gw.now_ms())
    assert text.startswith("Fri, 05 ") and text.endswith(" GMT")
    for date in (text, text.replace(", 05 ", ", 5 "), text.replace("GMT", "UTC")):
        buyer.send(buyer.call("newOrder", buyer.order(deal), date=date)).ok(orderStatus=4)


@pytest.mark.parametrize(
    "date",
    ["Fri, 05 Aug 2016 09:20:00 +0800", "Fri, 05 Aug 2016 09:20:00 CST", "Fri, 05 Aug 2016 01:20:00",
     "2016-08-05T01:20:00Z", "2016-08-05 01:20:00", "1470360000", "Fri, 32 Aug 2016 01:20:00 GMT",
     "Fri, 05 Foo 2016 01:20:00 GMT", "Fri, 05 Aug 2016 25:20:00 GMT", "Fri, 05 Aug 2016 01:20 GMT", "now",
     "Fri, 05 Aug 99999999999999999999 01:20:00 GMT"],
)  # fmt: skip
def test_broken_dates(tried, date):
    tried(lambda call: call, FAILED, OUT_OF_RANGE, date=date)


# ---- the envelope -------------------------------------------------------------------------------------------------


def test_partner_of_the_envelope(buyer, other, deal):
    """It must be the header's; a numeric string is the same; without it nothing is done."""
    fields = buyer.order(deal)
    document = '{"partnerId": %s, "body": {"orderId": "%s", "LHOrderId": ""}}'
    for wrong in (other.partner.partner_id, f'"{other.partner.partner_id}"', "0", "null", "[]", '""', "1.5", "true"):
        body = (document % (wrong, fields["orderId"])).encode()
        buyer.send(buyer.call("queryOrder", body)).refused()
    buyer.send(buyer.call("queryOrder", b'{"body": {"orderId": "x", "LHOrderId": ""}}')).refused()

    order = buyer.bought(deal)
    for right in (buyer.partner.partner_id, f'"{buyer.partner.partner_id}"'):
        body = (document % (right, order.number)).encode()
        buyer.send(buyer.call("queryOrder", body)).ok(orderStatus=4)


def test_extra_members_are_ignored(buyer, deal):
    order = buyer.bought(deal)
    body = buyer.envelope({"orderId": order.number, "LHOrderId": "", "more": {"a": [1]}}) | {"errCode": 0, "errMsg": ""}
    buyer.send(buyer.call("queryOrder", to_json(body).encode())).ok(orderStatus=4)


def test_version_is_informative(buyer, deal):
    for version in (None, "2.0", "2.3", "9", ""):
        buyer.send(buyer.call("newOrder", buyer.order(deal)).with_header("Version", version)).ok(orderStatus=4)


def test_content_type_is_not_insisted_on(buyer, deal):
    for content_type in ("application/json", "text/plain", "application/x-www-form-urlencoded", None):
        call = buyer.call("newOrder", buyer.order(deal)).with_header("Content-Type", content_type)
        buyer.send(call).ok(orderStatus=4)


# ---- the operation ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "query",
    ["method=neworder", "method=NewOrder", "method=", "method", "", "Method=newOrder", "method=drop", "method=snNotify",
     "method=newOrder%20", "x=newOrder"],
)  # fmt: skip
def test_unknown_methods(buyer, deal, query):
    fields = buyer.order(deal)
    target = f"{ENTRY}?{query}" if query else ENTRY
    buyer.send(buyer.call("newOrder", fields, target=target)).refused("unknown method")
    buyer.unknown(fields["orderId"])


@pytest.mark.parametrize("query", ["method=newOrder&x=1", "x=%E8%8C%B6&method=newOrder", "method=newOrder&"])
def test_the_target_is_signed_as_sent(buyer, deal, query):
    buyer.send(buyer.call("newOrder", buyer.order(deal), target=f"{ENTRY}?{query}")).ok(orderStatus=4)


@pytest.mark.interface("lianhe.creatOrder")
def test_alias_of_creat_order(buyer, deal):
    """Accepted with the other spelling, signed with the one that is sent."""
    buyer.ask("createOrder", **buyer.order(deal)).ok(orderStatus=2)
    call = buyer.call("createOrder", buyer.order(deal))
    signed = buyer.headers(f"{ENTRY}?method=creatOrder")["Authorization"]
    buyer.send(call.with_header("Authorization", signed)).refused(FAILED)


# ---- keys ---------------------------------------------------------------------------------------------------------


def test_disabled_partner(office, deal):
    client = office.distributor()
    order = client.bought(deal)
    office.disable(client)
    fields = client.order(deal)
    client.new_order(fields).refused()
    client.creat_order(fields).refused()
    office.enable(client)
    client.unknown(fields["orderId"])
    client.expect_state(order, 4)


def test_rotated_secret(office, deal):
    """Both secrets count until the end of the overlap."""
    client = office.distributor()
    old, new = client.partner, "fedcba9876543210fedcba9876543210"
    office.rotate(client, new, overlap_s=600)
    fresh = Distributor(old.partner_id, old.api_name, new)
    for partner in (old, fresh):
        client.send(client.call("newOrder", client.order(deal), partner=partner)).ok(orderStatus=4)
    office.gateway.advance(601)
    client.send(client.call("newOrder", client.order(deal), partner=old)).refused(FAILED)
    client.send(client.call("newOrder", client.order(deal), partner=fresh)).ok(orderStatus=4)
