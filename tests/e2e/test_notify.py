"""Interface 4: notifications. All instants are read from the time inside the notifications' own signatures."""

from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from .gateway import SHOP, SHORT_KEY
from .receiver import ACCEPT, CLOSE, HANG, REFUSE, redirect, say
from .support import bills, wait_for
from .test_scan import GOODS

pytestmark = pytest.mark.interface("sosopay.4")


def first(hook, partner=SHOP):
    """The first notification at a hook, checked."""
    hook.wait(1)
    return hook.notices(partner)[0]


@pytest.mark.parametrize("query", ["_type=json", "_type=JSON", "_type=xml", "", "a=1"])
@pytest.mark.parametrize("cipher", ["", "encrypt=3DES", "encrypt="])
def test_formats(gw, p1, receiver, query, cipher):
    """The address's own query decides format (default XML) and encryption."""
    hook = receiver.hook()
    sent = p1.scan(
        AMT="158.00",
        NODIFY_URL=hook.url("&".join(filter(None, (query, cipher)))),
        MERCHANTPARA="MDEwMDAwMDE=/+x",
        PAY_SUBJECT="茶 / A & <B>",
        GOODS_DETAIL=GOODS,
    )
    paid = p1.pre_order(sent).ok()
    notice = first(hook)
    assert notice.fmt == ("json" if "json" in query.lower() else "xml")
    assert notice.encrypted == (cipher == "encrypt=3DES")
    for name in ("OPER_ID", "DEV_ID", "CHARGE_CODE", "PAY_SUBJECT", "MERCHANTPARA"):
        assert notice[name] == sent[name], name
    for name in ("CHARGE_DOWN_CODE", "CHARGE_THIRD_CODE", "CHANNEL_TYPE"):
        assert notice[name] == paid[name], name
    assert (notice["STATE"], notice["AMT"], bills(notice)) == (1, 15800, 15800)
    assert len(notice["GOODS_DETAIL"]) == 2
    assert notice.ts == gw.now_ms()
    gw.wait_delivery(sent["CHARGE_CODE"], "done")


@pytest.mark.interface("sosopay.2")
def test_order_paid_on_the_page(gw, p1, receiver):
    hook = receiver.hook()
    created = p1.order(p1.precreate(NODIFY_URL=hook.url())).ok()
    gw.advance(10)
    assert not hook.records, "created is not paid"
    gw.at_cashier(created["BAR_CODE"])
    gw.reach(p1, created["CHARGE_CODE"], 1, within_s=60)
    assert first(hook)["CHARGE_DOWN_CODE"] == created["CHARGE_DOWN_CODE"]
    gw.at_cashier(created["BAR_CODE"])
    gw.advance(60)
    assert len(hook.records) == 1


@pytest.mark.interface("sosopay.3")
def test_official_account_order(gw, p1, receiver):
    hook = receiver.hook()
    sent = p1.precreate(AMT="3.81", CHANNEL_TYPE="2", TRADE_TYPE="APP", NODIFY_URL=hook.url("_type=xml&encrypt=3DES"))
    p1.order(sent).ok()
    gw.reach(p1, sent["CHARGE_CODE"], 1, within_s=60)
    assert first(hook)["CHARGE_CODE"] == sent["CHARGE_CODE"]


def test_short_key(p2, receiver):
    hook = receiver.hook()
    paid = p2.pre_order(p2.scan(NODIFY_URL=hook.url("_type=json&encrypt=3DES"))).ok()
    assert first(hook, SHORT_KEY)["CHARGE_CODE"] == paid["CHARGE_CODE"]


@pytest.mark.parametrize(
    "query",
    [
        "",
        "_type=json",
        "_type=json&shop=7&note=a%20b%2Fc&flag",
        "_type=json&sign={sign}&shop=7",
        "sign=%7Bsign%7D&_type=json",
        "sign=%7bsign%7d",
        "_type=json&sign=an-old-one&shop=7",
        "sign=",
        "token={sign}&_type=json",
    ],
    ids=lambda query: query or "no-query",
)
def test_where_the_sign_goes(p1, receiver, query):
    """A placeholder is replaced, or an existing `sign`, or it is appended; the rest of the query stays as it is."""
    hook = receiver.hook()
    p1.pre_order(p1.scan(NODIFY_URL=hook.url(query))).ok()
    record = hook.wait(1)[0]
    name = "token" if query.startswith("token") else "sign"
    assert len(record.parameter(name)) == 1
    record.open(SHOP, record.parameter(name)[0])

    def others(text):
        return [pair for pair in parse_qsl(text, keep_blank_values=True) if pair[0] not in ("sign", name)]

    assert others(urlsplit(record.target).query) == others(query)
    assert "{sign}" not in unquote(record.target)
    if query:
        assert record.target.count("?") == 1


def test_placeholder_in_the_path(p1, receiver):
    hook = receiver.hook()
    p1.pre_order(p1.scan(NODIFY_URL=hook.url("_type=json", tail="/{sign}/in"))).ok()
    record = hook.wait(1)[0]
    segment = urlsplit(record.target).path.split("/")[2]
    record.open(SHOP, unquote(segment))


@pytest.mark.parametrize(
    "reply",
    [ACCEPT, say(" success\n"), say("200"), say('{"resultcode":200}'), say(""), say("<xml>ok</xml>"), say("not fail")],
    ids=["success", "lower", "200", "json", "empty", "xml", "not-fail"],
)
def test_acknowledged(gw, p1, receiver, reply):
    """HTTP 200 decides."""
    hook = receiver.hook(rest=reply)
    code = p1.paid(NODIFY_URL=hook.url())["CHARGE_CODE"]
    hook.wait(1)
    assert gw.wait_delivery(code, "done")["attempts"] == 1
    gw.advance(30)
    assert len(hook.records) == 1


@pytest.mark.parametrize(
    "reply",
    [
        say("fail"),
        say("FAIL"),
        say(" \r\nFailure: database"),
        REFUSE,
        say("SUCCESS", 404),
        say("SUCCESS", 503),
        say("SUCCESS", 201),
        say("", 204),
        CLOSE,
    ],
    ids=["fail", "upper", "failure", "500", "404", "503", "201", "204", "closed"],
)
def test_not_acknowledged(gw, p1, receiver, reply):
    hook = receiver.hook(reply)
    code = p1.paid(NODIFY_URL=hook.url())["CHARGE_CODE"]
    hook.wait(1)
    gw.advance(5)
    hook.wait(2)
    times = [notice.ts for notice in hook.notices(SHOP)]
    assert times[1] - times[0] == 5000
    assert gw.wait_delivery(code, "done")["attempts"] == 2
    gw.advance(30)
    assert len(hook.records) == 2


def test_redirects_are_not_followed(gw, p1, receiver):
    elsewhere = receiver.hook()
    hook = receiver.hook(redirect(elsewhere.url()))
    code = p1.paid(NODIFY_URL=hook.url())["CHARGE_CODE"]
    hook.wait(1)
    gw.advance(5)
    hook.wait(2)
    gw.wait_delivery(code, "done")
    assert not elsewhere.records and not receiver.strays


def test_no_answer_within_5_seconds(gw, p1, receiver):
    """A silent receiver costs one attempt; the next one does not overlap it."""
    hook = receiver.hook(HANG)
    code = p1.paid(NODIFY_URL=hook.url())["CHARGE_CODE"]
    hook.wait(1)
    gw.advance(5)
    hook.wait(2)
    gw.wait_delivery(code, "done")
    records = hook.records
    # The receiver would be silent for a minute.
    assert 4 < records[1].began - records[0].began < 55, "real seconds: the attempt's time-out"
    times = [notice.ts for notice in hook.notices(SHOP)]
    assert times[1] - times[0] == 5000


def test_the_exact_schedule(gw, p1, receiver):
    """30 attempts, one every 5 s; then failed and visible; sent again by the operator, and accepted."""
    hook = receiver.hook(*[REFUSE] * 30)
    paid = p1.paid(NODIFY_URL=hook.url("_type=json&encrypt=3DES"))
    code, start = paid["CHARGE_CODE"], gw.now_ms()
    hook.wait(1)
    gw.advance(150)
    gw.wait_delivery(code, "failed")
    gw.advance(60)
    notices = hook.notices(SHOP)
    assert [notice.ts for notice in notices] == [start + 5000 * n for n in range(30)]
    assert all(notice.body == notices[0].body for notice in notices), "the same fact every time"
    task = gw.delivery(code)
    assert task["attempts"] == 30 and task["last_result"]
    failed = gw.listed("tasks", "tasks", state="failed", kind="deliver", partner=SHOP.busi_id, limit=100)
    assert task["id"] in [row["id"] for row in failed]

    gw.ops("POST", f"partners/{SHOP.busi_id}/tasks/{task['id']}/retry", {})
    hook.wait(31)
    gw.wait_delivery(code, "done")
    last = hook.notices(SHOP)[-1]
    assert last.body == notices[0].body and last.ts == gw.now_ms()
    gw.advance(60)
    assert len(hook.records) == 31
    events = [event for event in gw.story(code)["events"] if event["kind"] == "order.paid"]
    assert len(events) == 1, "one fact, however often it was told"


def test_accepted_in_the_middle(gw, p1, receiver):
    hook = receiver.hook(*[REFUSE] * 3)
    code, start = p1.paid(NODIFY_URL=hook.url(""))["CHARGE_CODE"], gw.now_ms()
    hook.wait(1)
    gw.advance(150)
    gw.wait_delivery(code, "done")
    assert [notice.ts for notice in hook.notices(SHOP)] == [start + 5000 * n for n in range(4)]


def test_one_bad_receiver_does_not_delay_the_others(gw, p1, receiver):
    bad = [receiver.hook(rest=CLOSE) for _ in range(3)]
    good = [receiver.hook() for _ in range(3)]
    for hook in bad + good:
        p1.pre_order(p1.scan(NODIFY_URL=hook.url())).ok()
    for hook in good:
        hook.wait(1)
        assert hook.notices(SHOP)[0].ts == gw.now_ms()
    gw.advance(150)
    for hook in bad:
        assert len(hook.wait(30)) == 30


def test_nobody_listens(gw, p1):
    code = p1.paid(NODIFY_URL="http://127.0.0.1:1/n?_type=json")["CHARGE_CODE"]
    gw.advance(150)
    assert gw.wait_delivery(code, "failed")["attempts"] == 30
    p1.expect_state(code, 1)


@pytest.mark.interface("sosopay.7")
def test_only_payments_are_told(gw, p1, receiver):
    """Neither a refused order, nor an expired, nor a revoked one, nor one without an address."""
    hook = receiver.hook()
    revoked = p1.order(p1.precreate(NODIFY_URL=hook.url())).ok()["CHARGE_CODE"]
    p1.cancel(revoked).ok()
    refused = p1.order(p1.precreate(NODIFY_URL=hook.url())).ok()
    gw.at_cashier(refused["BAR_CODE"], "refuse")
    p1.order(p1.precreate(NODIFY_URL=hook.url(), TIME_EXPIRE="1")).ok()
    p1.pre_order(p1.scan(NODIFY_URL=hook.url(), DYNAMIC_ID=f"28{'1' * 12}5101")).expect("FAIL")
    for absent in ("null", "", None):
        p1.paid(NODIFY_URL=absent)
    gw.advance(90)
    assert not hook.records and not receiver.strays


def test_paid_then_revoked_is_told_once(gw, p1, receiver):
    hook = receiver.hook(REFUSE)
    code = p1.paid(NODIFY_URL=hook.url())["CHARGE_CODE"]
    hook.wait(1)
    p1.cancel(code).ok()
    gw.advance(60)
    states = [notice["STATE"] for notice in hook.notices(SHOP)]
    assert set(states) == {1}, "a notification tells the event it was made for"


def test_many_at_once(gw, p1, receiver):
    """Every payment is told exactly once when the receiver accepts."""
    hook = receiver.hook()
    codes = [p1.pre_order(p1.scan(NODIFY_URL=hook.url())).ok()["CHARGE_CODE"] for _ in range(40)]
    wait_for(lambda: len(hook.records) >= 40, "40 notifications")
    for code in codes:
        gw.wait_delivery(code, "done")
    assert sorted(notice["CHARGE_CODE"] for notice in hook.notices(SHOP)) == sorted(codes)
