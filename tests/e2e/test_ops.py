"""The operator API: partners, keys, users, endpoints, tasks, orders, events, the clock, and who may use it."""

import pytest
import requests

from .gateway import SHOP
from .receiver import REFUSE
from .sosopay_client import Partner
from .support import unique, wait_for

BASE = f"partners/{SHOP.busi_id}"


@pytest.fixture
def make_partner(gw):
    """A fresh partner and its client."""

    def make(**more):
        key_id = f"0020{int(unique('')[-8:]) % 10**6:06d}"
        body = {"dialect": "sosopay", "key_id": key_id, "name": "New Shop"} | more
        created = gw.ops("POST", "partners", body)
        assert created["secret"] == more.get("secret", created["secret"])
        return gw.client(Partner(key_id, created["secret"]))

    return make


# ---- access -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["status", "partners", "tasks", "clock", f"orders/x?partner={SHOP.busi_id}", BASE])
@pytest.mark.parametrize("header", [None, "Bearer wrong", "Bearer ", "Basic b3BzOm9wcw=="])
def test_token(gw, path, header):
    response = requests.get(
        f"{gw.ops_base}/ops/v1/{path}", headers={"Authorization": header} if header else {}, timeout=10
    )
    assert response.status_code == 401, response.text
    assert response.json()["error"]["code"]


def test_not_on_the_public_listener(gw):
    headers = {"Authorization": f"Bearer {gw.token}"}
    assert requests.get(gw.base + "/ops/v1/status", headers=headers, timeout=10).status_code == 404


@pytest.mark.parametrize(
    "method, path",
    [
        ("GET", "partners/0019999999"),
        ("GET", "orders/no-such-order"),
        ("GET", "orders/ord_1763780000000010100"),
        ("POST", "partners/0019999999/disable"),
        ("POST", "partners/0019999999/rotate"),
        ("GET", "partners/0019999999/users"),
        ("POST", f"{BASE}/tasks/tsk_1/retry"),
        ("POST", f"{BASE}/users/nobody/disable"),
        ("DELETE", f"{BASE}/endpoints/end_1"),
        ("POST", f"orders/no-such-order/revocation/approve?partner={SHOP.busi_id}"),
        ("GET", "nope"),
    ],
)
def test_not_found(gw, method, path):
    body = None if method == "GET" else {}
    parameters = {"partner": SHOP.busi_id} if path.startswith("orders") and "?" not in path else {}
    response = gw.ops_raw(method, path, body, **parameters)
    assert response.status_code in ((400, 404) if "_1" in path else (404,)), response.text
    if path != "nope":
        assert response.json()["error"]["code"] and response.json()["error"]["message"]


@pytest.mark.parametrize("body", ["{", "[]", '{"dialect":"nope","key_id":"0010000077","name":"x"}', '{"name":"x"}'])
def test_wrong_bodies(gw, body):
    response = gw.session.post(
        f"{gw.ops_base}/ops/v1/partners", data=body, headers={"Content-Type": "application/json"}, timeout=10
    )
    assert 400 <= response.status_code < 500 and response.json()["error"]["code"], response.text


def test_status_and_probes(gw):
    status = gw.ops("GET", "status")
    assert status["ready"] is True and abs(status["clock_ms"] - gw.now_ms()) < 1000
    assert {"node", "queue_commands", "tasks_in_flight"} <= set(status)
    for path in ("/healthz", "/readyz"):
        assert requests.get(gw.base + path, timeout=10).status_code == 200, path


def test_metrics_are_for_operators(gw):
    """Without the token, and not where partners call."""
    metrics = requests.get(gw.ops_base + "/metrics", timeout=10)
    assert metrics.status_code == 200 and metrics.text.endswith("# EOF\n")
    assert requests.get(gw.base + "/metrics", timeout=10).status_code == 404


# ---- partners and keys --------------------------------------------------------------------------------------------


def test_sandbox_partners(gw):
    text = str(gw.ops("GET", "partners"))
    for key_id in ("0010000001", "0010000002", "0010000009"):
        assert key_id in text
    assert SHOP.key not in text
    assert SHOP.key in str(gw.ops("GET", "partners", secrets="true"))


@pytest.mark.interface("sosopay.2", "sosopay.9")
def test_new_partner(gw, make_partner):
    client = make_partner()
    assert len(client.partner.key) >= 24
    client.channels().ok()
    client.using(encrypt=True).order(client.precreate()).ok()
    shown = gw.ops("GET", f"partners/{client.partner.busi_id}")
    assert "New Shop" in str(shown) and client.partner.key not in str(shown)
    again = gw.ops_raw("POST", "partners", {"dialect": "sosopay", "key_id": client.partner.busi_id, "name": "Twin"})
    assert 400 <= again.status_code < 500, again.text
    client.channels().ok()


@pytest.mark.interface("sosopay.9")
def test_methods_and_settings(gw, make_partner):
    client = make_partner(methods=["alipay"], secret="AlipayOnlyAlipayOnlyAlipayOnly12")
    listed = {row["CHANNEL_TYPE"] for row in client.channels().ok()["PAY_CHANNEL_LIST"]}
    assert listed - {0} == {1}
    client.order(client.precreate(CHANNEL_TYPE="2")).expect("INVALID_CONTRACT")
    gw.ops("PATCH", f"partners/{client.partner.busi_id}", {"methods": ["alipay", "wechat"]})
    client.order(client.precreate(CHANNEL_TYPE="2")).ok()
    gw.ops("PATCH", f"partners/{client.partner.busi_id}", {"settings": {"success_literal": "SUCESS"}})
    client.channels().expect("SUCESS")


@pytest.mark.interface("sosopay.9")
def test_disable_and_enable(gw, make_partner):
    client = make_partner()
    code = client.order(client.precreate()).ok()["CHARGE_CODE"]
    gw.ops("POST", f"partners/{client.partner.busi_id}/disable", {})
    client.channels().expect("INVALID_CONTRACT")
    client.query(code).expect("INVALID_CONTRACT")
    gw.ops("POST", f"partners/{client.partner.busi_id}/enable", {})
    client.channels().ok()
    client.expect_state(code, 0)


@pytest.mark.interface("sosopay.2", "sosopay.9")
def test_rotation_with_overlap(gw, make_partner):
    """Both keys work until the end of the overlap, then only the new one."""
    fresh = make_partner()
    old, new = fresh.partner.key, "R0tatedR0tatedR0tatedR0tated1234"
    rotated = gw.ops("POST", f"partners/{fresh.partner.busi_id}/rotate", {"secret": new, "overlap_s": 600})
    assert new in str(rotated)
    client = gw.client(fresh.partner, answer_keys=(new, old))
    for cipher in (False, True):
        client.order(client.precreate(), key=new, encrypt=cipher).ok()
        client.order(client.precreate(), key=old, encrypt=cipher).ok()
    gw.advance(598)
    client.channels(key=old).ok()
    gw.advance(3)
    client.channels(key=old).expect("INVALID_SIGN")
    client.channels(key=new).ok()


@pytest.mark.interface("sosopay.9")
def test_rotation_at_once(gw, make_partner):
    fresh = make_partner()
    rotated = gw.ops("POST", f"partners/{fresh.partner.busi_id}/rotate", {"overlap_s": 0})
    new = rotated["secret"]
    assert new != fresh.partner.key
    client = gw.client(fresh.partner, answer_keys=(new, fresh.partner.key))
    client.channels(key=fresh.partner.key).expect("INVALID_SIGN")
    client.channels(key=new).ok()


# ---- users --------------------------------------------------------------------------------------------------------


@pytest.mark.interface("sosopay.10")
def test_users(gw, make_partner):
    client = make_partner()
    path = f"partners/{client.partner.busi_id}/users"
    login = {"username": unique("u"), "password": "a-Long-passw0rd"}
    user = {"login": login["username"], "password": login["password"], "name": "Ann", "may_refund": True}
    gw.ops("POST", path, user)
    found = client.auth("json", **login, busiCode=client.partner.busi_id).body
    assert found["success"] is True
    assert (found["user"]["name"], found["user"]["userType"]) == ("Ann", "2")
    assert found["user"]["company"]["code"] == client.partner.busi_id
    listed = gw.listed(path, "users")
    assert login["username"] in str(listed) and login["password"] not in str(listed)
    again = gw.ops_raw("POST", path, user)
    assert 400 <= again.status_code < 500
    gw.ops("POST", f"{path}/{login['username']}/disable", {})
    assert client.auth("json", **login, busiCode=client.partner.busi_id).body["success"] is False


# ---- endpoints, tasks, events -------------------------------------------------------------------------------------


@pytest.mark.interface("sosopay.4")
def test_endpoint_of_a_partner(gw, make_partner, receiver):
    """Told when the order has no address of its own; removed, it is told no more."""
    client = make_partner()
    path = f"partners/{client.partner.busi_id}/endpoints"
    general, own = receiver.hook(), receiver.hook()
    gw.ops("POST", path, {"url": general.url("_type=json&encrypt=3DES"), "events": ["order.paid"]})
    endpoints = gw.listed(path, "endpoints")
    assert len(endpoints) == 1
    first = client.paid()["CHARGE_CODE"]
    general.wait(1)
    client.paid(NODIFY_URL=own.url())
    own.wait(1)
    assert [notice["CHARGE_CODE"] for notice in general.notices(client.partner)] == [first]
    gw.ops("DELETE", f"{path}/{endpoints[0]['id']}")
    assert gw.listed(path, "endpoints") == []
    client.paid()
    gw.advance(30)
    assert len(general.records) == 1


@pytest.mark.interface("sosopay.4")
def test_failed_tasks_by_filter(gw, make_partner, receiver):
    client = make_partner()
    partner = client.partner.busi_id
    hooks = [receiver.hook(*[REFUSE] * 30) for _ in range(3)]
    codes = [client.paid(NODIFY_URL=hook.url())["CHARGE_CODE"] for hook in hooks]
    for hook in hooks:
        hook.wait(1)
    gw.advance(150)
    failed = gw.listed("tasks", "tasks", state="failed", kind="deliver", partner=partner, limit=10)
    assert len(failed) == 3
    assert gw.listed("tasks", "tasks", state="pending", kind="deliver", partner=partner, limit=10) == []
    page, after = [], {}
    while True:
        found = gw.ops("GET", "tasks", state="failed", kind="deliver", partner=partner, limit=2, **after)
        assert len(found["tasks"]) <= 2
        page += found["tasks"]
        if found["next"] is None:
            break
        after = {"after": found["next"]}
    assert sorted(task["id"] for task in page) == sorted(task["id"] for task in failed)
    assert gw.ops("POST", "tasks/retry", {"state": "failed", "kind": "deliver", "partner": partner})["retried"] == 3
    for hook, code in zip(hooks, codes, strict=True):
        hook.wait(31)
        gw.wait_delivery(code, "done", client.partner)


@pytest.mark.interface("sosopay.4")
def test_cancelled_task(gw, make_partner, receiver):
    client, hook = make_partner(), receiver.hook(rest=REFUSE)
    code = client.paid(NODIFY_URL=hook.url())["CHARGE_CODE"]
    hook.wait(1)
    task = wait_for(
        lambda: (found := gw.delivery(code, client.partner))["attempts"] == 1 and found, "the first attempt's record"
    )
    gw.ops("POST", f"partners/{client.partner.busi_id}/tasks/{task['id']}/cancel", {})
    gw.wait_delivery(code, "cancelled", client.partner)
    gw.advance(60)
    assert len(hook.records) == 1


def test_events_are_numbered_without_gaps(gw, make_partner):
    client = make_partner()
    codes = [client.paid()["CHARGE_CODE"] for _ in range(5)]
    path = f"partners/{client.partner.busi_id}/events"
    events = gw.ops("GET", path, after=0, limit=100)["events"]
    assert [event["number"] for event in events] == list(range(1, len(events) + 1))
    paid = [event for event in events if event["kind"] == "order.paid"]
    assert len({event["order"] for event in paid}) == len(paid) == len(codes)
    assert all(event["at_ms"] == gw.now_ms() for event in paid)
    page = gw.ops("GET", path, after=events[1]["number"], limit=2)["events"]
    assert page == events[2:4]


# ---- orders -------------------------------------------------------------------------------------------------------


def test_story_by_every_number(gw, p1, receiver):
    hook = receiver.hook()
    paid = p1.paid("10.00", NODIFY_URL=hook.url())
    p1.refund(p1.returning(paid["CHARGE_CODE"], "1.00")).ok()
    gw.wait_delivery(paid["CHARGE_CODE"], "done")
    story = gw.story(paid["CHARGE_CODE"])
    assert len(story["payments"]) == 1 and len(story["refunds"]) == 1 and len(story["transfers"]) >= 2
    for task in story["tasks"]:
        assert {"id", "kind", "state", "attempts", "due_at_ms", "last_result"} <= set(task)
    assert gw.story(paid["CHARGE_DOWN_CODE"])["order"] == story["order"]
    ids = [value for value in story["order"].values() if isinstance(value, str) and value.startswith("ord_")]
    assert ids and gw.story(ids[0])["order"] == story["order"]
    assert gw.ops_raw("GET", f"orders/{paid['CHARGE_CODE']}", partner="0010000002").status_code == 404


# ---- clock and command line ---------------------------------------------------------------------------------------


def test_clock(gw):
    before = gw.ops("GET", "clock")
    assert before["virtual"] is True and before["frozen"] is True
    assert gw.advance(1.5) == before["now_ms"] + 1500
    refused = gw.ops_raw("POST", "clock/advance", {"by_ms": -1})
    assert 400 <= refused.status_code < 500
    gw.ops("POST", "clock/resume", {})
    start = gw.ops("GET", "clock")
    assert start["frozen"] is False
    wait_for(lambda: gw.ops("GET", "clock")["now_ms"] > start["now_ms"], "time to pass")
    gw.ops("POST", "clock/freeze", {})
    frozen = gw._read_clock()
    assert frozen["frozen"] is True and gw.ops("GET", "clock")["now_ms"] == frozen["now_ms"]


def test_verify(gw, p1):
    p1.paid()
    report = gw.verify()
    assert report["checked"]


@pytest.mark.parametrize(
    "arguments, word",
    [
        (["sandbox", "show"], SHOP.key),
        (["partner", "list"], "0010000001"),
        (["partner", "show", "0010000001"], "Sandbox Shop"),
        (["user", "list", "0010000001"], "cashier01"),
        (["clock", "show"], "now_ms"),
        (["task", "list"], ""),
        (["verify"], ""),
        (["config", "print"], ""),
        (["completions", "bash"], "tradewind"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_commands(gw, arguments, word):
    done = gw.cli(*arguments)
    assert done.returncode == 0 and word in done.stdout, (done.stdout, done.stderr)


def test_command_for_an_order(gw, p1):
    code = p1.paid()["CHARGE_CODE"]
    assert code in gw.cli("order", "show", code).stdout
    missing = gw.cli("order", "show", unique("none"))
    assert missing.returncode != 0 and missing.stderr
