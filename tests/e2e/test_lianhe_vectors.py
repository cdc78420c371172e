"""The lianhe vectors (section 3.5): against this suite's own client, as requests, and in a notification."""

import pytest

from .lianhe_client import Order, notices
from .lianhe_wire import ENTRY, NOTIFY_TARGET, http_date, sign, sign_in_hex, sign_without_key

CLOCK = "2016-08-05T01:19:30Z"  # half a minute before the vectors' instant, which is one of the polls'
SECRET = "0123456789abcdef0123456789abcdef"
DATE = "Fri, 05 Aug 2016 01:20:00 GMT"
SHORT_DATE = "Fri, 5 Aug 2016 01:20:00 GMT"
VECTORS = {
    "creatOrder": "ZGkQ90/HR1OZEjibrUfElmFoXt4=",
    "newOrder": "lIj2tLKuQdm64pGv2o4ZfO28Yao=",
    "payOrder": "pHj37CF4LWDBPEoDsUvZWKlBnuA=",
    "queryOrder": "RSyQQdPXSMKIiJa2VaaaeEzVYTM=",
    "cancelOrder": "dpldDZTwiId+m/EzBJ84IanJlrc=",
    "send": "pueO6MlyVucb0Yb1gH9A8CLxgr8=",
    "getTeam": "H6vzGgBGYDcm2snSTamjXncSmlg=",
    "notify": "XIYZ+fO1ZRc6Jq+9s231QzPS9t4=",
}
SHORT_DATE_NOTIFY = "9/Sx8P9iY1tNT+9R6jC+wV1tk+M="
HEX_NOTIFY = "NWM4NjE5ZjlmM2I1NjUxNzNhMjZhZmJkYjM2ZGY1NDMzM2QyZjZkZQ=="
PLAIN_NOTIFY = "MRhBwcRMswqTA0F+ZWb/P/5Cfr8="


@pytest.fixture(scope="module")
def demo(office, receiver):
    """The partner of the vectors, and the address it registered."""
    hook = receiver.hook()
    return office.distributor(api_name="demo", secret=SECRET, hook=hook), hook


def vector(client, operation, signature, date=DATE, **fields):
    """A request with a signature exactly as the specification prints it."""
    call = client.call(operation, fields, date=date)
    return client.send(call.with_header("Authorization", f"LH demo:{signature}"))


@pytest.mark.parametrize("operation", VECTORS)
def test_own_signature(operation):
    assert sign(SECRET, f"{ENTRY}?method={operation}", DATE) == VECTORS[operation]


def test_own_signature_of_a_short_date():
    assert sign(SECRET, NOTIFY_TARGET, SHORT_DATE) == SHORT_DATE_NOTIFY


def test_own_mistakes():
    """The negative vectors come from where the specification says."""
    assert sign_in_hex(SECRET, NOTIFY_TARGET, DATE) == HEX_NOTIFY
    assert sign_without_key(NOTIFY_TARGET, DATE) == PLAIN_NOTIFY


@pytest.mark.interface(*(f"lianhe.{name}" for name in VECTORS if name != "notify"))
def test_vectors_as_requests(demo, office):
    """A whole purchase with the published signatures alone."""
    client, _ = demo
    deal = office.ticket()
    listed = vector(client, "getTeam", VECTORS["getTeam"], method="multi", LHDealIds=[deal.id]).ok()
    assert [row["LHDealId"] for row in listed.body] == [deal.id]

    fields = client.order(deal, 2)
    order = Order(fields, vector(client, "creatOrder", VECTORS["creatOrder"], **fields).ok(orderStatus=2))
    paying = client.paying(order)
    paid = vector(client, "payOrder", VECTORS["payOrder"], **paying).ok(orderStatus=4, LHOrderId=order.lh)
    names = {"orderId": order.number, "LHOrderId": order.lh}
    vector(client, "queryOrder", VECTORS["queryOrder"], **names).ok(orderStatus=4)
    vector(client, "send", VECTORS["send"], **names).ok(voucher=paid["voucher"])
    vector(client, "cancelOrder", VECTORS["cancelOrder"], quantity=1, **names).ok(orderStatus=6, reStatus=1)

    fields = client.order(deal)
    vector(client, "newOrder", VECTORS["newOrder"], **fields).ok(orderStatus=4)


def test_vectors_of_notifications_as_requests(demo):
    """Their signature holds, so that what is wrong with them is that partners cannot notify the platform."""
    client, _ = demo
    vector(client, "notify", VECTORS["notify"]).refused("unknown method")
    vector(client, "notify", SHORT_DATE_NOTIFY, SHORT_DATE).refused("unknown method")


@pytest.mark.parametrize("signature", [HEX_NOTIFY, PLAIN_NOTIFY], ids=["hex", "plain"])
def test_negative_vectors(demo, signature):
    client, _ = demo
    vector(client, "notify", signature).refused("authentication failed")


@pytest.mark.parametrize("mistake", [sign_in_hex, lambda _, target, date: sign_without_key(target, date)])
def test_the_same_mistakes_with_an_order(demo, office, mistake):
    client, _ = demo
    fields = client.order(office.ticket())
    signature = mistake(SECRET, f"{ENTRY}?method=newOrder", DATE)
    vector(client, "newOrder", signature, **fields).refused("authentication failed")
    client.unknown(fields["orderId"])


def test_every_signature_belongs_to_one_operation(demo):
    client, _ = demo
    for operation in VECTORS:
        for other, signature in VECTORS.items():
            if other != operation:
                vector(client, operation, signature).refused("authentication failed")
    vector(client, "notify", VECTORS["notify"], SHORT_DATE).refused("authentication failed")


@pytest.mark.interface("lianhe.snNotify")
def test_vector_in_a_notification(demo, office):
    """Sent by the poll of 01:20:00, it carries the header that the specification prints in full."""
    client, hook = demo
    order = client.bought(office.ticket())
    office.redeem(order.codes[0])
    assert http_date(office.poll()) == DATE
    record = hook.wait(1)[0]
    assert record.headers["Date"] == DATE
    assert record.headers["Authorization"] == "LH demo:XIYZ+fO1ZRc6Jq+9s231QzPS9t4="
    assert notices(hook, client.partner)[0]["LHOrderId"] == order.lh
