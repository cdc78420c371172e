"""Appendix A: the write-off. A merchant issues vouchers, it and those it names redeem them use by use."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from .gateway import SHOP, SHORT_KEY
from .receiver import REFUSE
from .sosopay_client import DROP
from .support import unique, wait_for

pytestmark = pytest.mark.interface("sosopay.a.get")

NAMES = ("VERIFY_NOTIFY", "busiCode")
TODAY, TOMORROW = "2016-08-05", "2016-08-06"
FULL = {
    "goodsName": "Day ticket / 茶 & <B>",
    "goodsCount": "2",
    "totalVerifyNumber": "10",
    "orderDate": "2016-08-05 09:00:00",
    "orderValidity": "2016-12-31",
    "goodsSpec": "adult",
    "amount": "158.00",
    "remarks": "first row",
}


def issue(client, **changes):
    """Issues a voucher; gives its fields and its code."""
    sent = client.voucher(**changes)
    return sent, client.verify("get", sent).ok()["verifyCode"]


def redeem(client, code, **changes):
    return client.verify("check", client.checking(code, **changes))


def look(client, code):
    return redeem(client, code, immedyConfirm="false").ok()["goodsINFO"]


def info(client, trade_code):
    fields = {"busiCode": client.partner.busi_id, "tradeCode": trade_code}
    return client.verify("query", fields).ok()["goodsINFO"]


def results(client, device, **changes):
    fields = {"busiCode": client.partner.busi_id, "deviceCode": device, "beginVerDate": TODAY, "endVerDate": TOMORROW}
    return client.verify("queryResults", fields | {"pageNo": "1", "pageSize": "100"} | changes)


def cancel(client, sent, code, **changes):
    fields = {"busiCode": client.partner.busi_id, "tradeCode": sent["tradeCode"], "verifyCode": code}
    return client.verify("cancel", fields | changes)


# ---- the life of a voucher -------------------------------------------------------------------------------------------


@pytest.mark.interface("sosopay.a.query", "sosopay.a.check", "sosopay.a.cancel", "sosopay.a.queryResults")
def test_issued_redeemed_listed_and_cancelled(shop):
    """In both formats, clear and encrypted."""
    device = unique("gate")
    sent, code = issue(shop, **FULL)
    assert len(code) == 16 and code.isdecimal()
    told = info(shop, sent["tradeCode"])
    for name in ("tradeCode", "orderDate", "orderValidity", "goodsName", "goodsSpec", "goodsCount", "amount", "remarks"):
        assert told[name] == sent[name], name
    assert (told["usedTime"], told["isActive"]) == ("0", "1") and "verifySerial" not in told
    assert look(shop, code) == told, "looking uses nothing"
    assert look(shop, code) == told

    serials = []
    for used in (1, 2):
        found = redeem(shop, code, deviceCode=device).ok()["goodsINFO"]
        assert (found["usedTime"], found["isActive"]) == (str(used), "1")
        serials.append(found["verifySerial"])
    assert len(set(serials)) == 2

    page = results(shop, device).ok()
    assert [row["verifySerial"] for row in page["results"]] == serials[::-1], "newest first"
    assert int(page["totalSize"]) == 2
    for row in page["results"]:
        assert row["verifyCode"] == code and row["verifyDate"].startswith(TODAY)
        assert row["tradeInfo"]["tradeCode"] == sent["tradeCode"]
        assert row["tradeInfo"]["verifySerial"] == row["verifySerial"]

    assert set(cancel(shop, sent, code).ok().body) == {"RESULT"}
    told = info(shop, sent["tradeCode"])
    assert (told["usedTime"], told["isActive"]) == ("2", "0"), "what was used stays used"
    redeem(shop, code).expect("AREADY_REVOKED")
    cancel(shop, sent, code).expect("AREADY_REVOKED")


@pytest.mark.parametrize("answer", [None, "json", "xml"])
@pytest.mark.parametrize("wrap", [False, True], ids=["flat", "wrapped"])
def test_formats(p1, answer, wrap):
    """JSON is the default, because nothing else is published for the write-off."""
    found = p1.verify("get", p1.voucher(), answer=answer, wrap=wrap).ok()
    assert found.fmt == (answer or "json") and found.root == "VERIFY_RESP"


def test_optional_fields_are_not_made_up(p1):
    sent, code = issue(p1)
    told = look(p1, code)
    assert set(told) == {"tradeCode", "goodsName", "goodsCount", "usedTime", "isActive"}
    assert told["goodsName"] == sent["goodsName"]


@pytest.mark.interface("sosopay.a.check")
def test_a_voucher_is_used_up(p1):
    sent, code = issue(p1, totalVerifyNumber="2")
    assert redeem(p1, code).ok()["goodsINFO"]["isActive"] == "1"
    assert redeem(p1, code).ok()["goodsINFO"]["isActive"] == "0"
    redeem(p1, code).expect("FAIL")
    assert look(p1, code)["isActive"] == "0"
    assert info(p1, sent["tradeCode"])["usedTime"] == "2"
    cancel(p1, sent, code).expect("FAIL")


@pytest.mark.interface("sosopay.a.check")
def test_a_hundred_at_once_get_ten_uses(p1):
    """Every use is had once: nobody redeems the eleventh."""
    _, code = issue(p1, totalVerifyNumber="10")
    device = unique("gate")
    with ThreadPoolExecutor(32) as pool:
        answers = list(pool.map(lambda _: redeem(p1, code, deviceCode=device), range(100)))
    done = [answer for answer in answers if answer.code == "SUCCESS"]
    assert len(done) == 10
    assert all(answer.expect("FAIL") for answer in answers if answer not in done)
    assert len({answer["goodsINFO"]["verifySerial"] for answer in done}) == 10
    assert sorted(int(answer["goodsINFO"]["usedTime"]) for answer in done) == list(range(1, 11))
    assert len(results(p1, device).ok()["results"]) == 10


def test_a_number_is_bound_to_its_content(p1, p2):
    """Whoever lost the answer asks again and gets the same code; other content under the number is refused."""
    sent, code = issue(p1)
    redeem(p1, code).ok()
    again = p1.verify("get", sent).ok()
    assert again["verifyCode"] == code
    p1.verify("get", sent | {"totalVerifyNumber": "4"}).expect("SERIAL_REPEAT")
    other = p2.verify("get", sent | {"busiCode": p2.partner.busi_id}).ok()
    assert other["verifyCode"] != code, "numbers are each merchant's own"
    with ThreadPoolExecutor(8) as pool:
        sent = p1.voucher()
        codes = {answer.ok()["verifyCode"] for answer in pool.map(lambda _: p1.verify("get", sent), range(16))}
    assert len(codes) == 1


def test_codes_cannot_be_guessed_or_mistyped(p1):
    codes = [issue(p1)[1] for _ in range(20)]
    assert len(set(codes)) == len(codes)
    assert len({code[:4] for code in codes}) > 10, "no common beginning, no counter"
    code = codes[0]
    for place in range(16):
        wrong = code[:place] + str((int(code[place]) + 1) % 10) + code[place + 1 :]
        redeem(p1, wrong).expect("ILLEGAL_PARAMETER")
    for place in range(15):
        swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
        if swapped != code:
            redeem(p1, swapped).expect("ILLEGAL_PARAMETER")
    assert look(p1, " ".join(code[i : i + 4] for i in range(0, 16, 4)))["usedTime"] == "0", "as people type it"


@pytest.mark.interface("sosopay.a.check")
def test_validity(gw, p1):
    """A day includes its evening, a second itself."""
    now = gw.now_ms()
    assert now // 1000 == 1470360000, "the module's clock stands"
    sent, to_the_second = issue(p1, orderValidity="2016-08-05 09:20:05")
    _, to_the_day = issue(p1, orderValidity=TODAY)
    p1.verify("get", p1.voucher(orderValidity="2016-08-05 09:19:59")).expect("ILLEGAL_PARAMETER")
    p1.verify("get", p1.voucher(orderValidity="2016-08-04")).expect("ILLEGAL_PARAMETER")
    gw.advance(5)
    redeem(p1, to_the_second).ok()
    gw.advance(1)
    redeem(p1, to_the_second).expect("FAIL")
    assert info(p1, sent["tradeCode"])["isActive"] == "0"
    redeem(p1, to_the_day).ok()
    cancel(p1, sent, to_the_second).ok()


# ---- who may redeem --------------------------------------------------------------------------------------------------


@pytest.mark.interface("sosopay.a.check", "sosopay.a.queryResults")
def test_others_redeem_within_their_quota(p1, p2):
    named = [{"busiCodes": [SHORT_KEY.busi_id], "verifyNumber": "2"}]
    for form in (p1, p1.using("xml")):
        sent, code = issue(form, totalVerifyNumber="5", busiCodeNums=named)
        device = unique("gate")
        assert look(p2, code)["isActive"] == "1"
        for left in ("1", "0"):
            assert redeem(p2, code, deviceCode=device).ok()["goodsINFO"]["isActive"] == left
        redeem(p2, code, deviceCode=device).expect("FAIL")
        assert look(p2, code)["isActive"] == "0", "of its quota nothing is left"
        assert look(p1, code)["isActive"] == "1"
        redeem(p1, code, deviceCode=device).ok()
        assert info(p1, sent["tradeCode"])["usedTime"] == "3"
        assert len(results(p2, device).ok()["results"]) == 2, "each sees what it has redeemed itself"
        assert len(results(p1, device).ok()["results"]) == 1
        # Issuing, looking it up by number and cancelling stay the issuer's.
        fields = {"busiCode": p2.partner.busi_id, "tradeCode": sent["tradeCode"]}
        p2.verify("query", fields).expect("CHARGE_NONEXISTENT")
        p2.verify("cancel", fields | {"verifyCode": code}).expect("CHARGE_NONEXISTENT")


@pytest.mark.interface("sosopay.a.check")
def test_a_quota_holds_against_many_at_once(p1, p2):
    named = [{"busiCodes": [SHORT_KEY.busi_id], "verifyNumber": 4}]
    _, code = issue(p1, totalVerifyNumber="10", busiCodeNums=named)
    clients = [p1, p2]
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: (n % 2, redeem(clients[n % 2], code)), range(60)))
    by = [sum(answer.code in ("SUCCESS", "SUCESS") for who, answer in answers if who == n) for n in (0, 1)]
    assert sum(by) == 10 and by[1] <= 4, by


@pytest.mark.interface("sosopay.a.check")
def test_strangers_learn_nothing(p1, p2):
    _, code = issue(p1)
    taken = redeem(p2, code).expect("CHARGE_NONEXISTENT")
    never_issued = redeem(p2, "0000000000005724").expect("CHARGE_NONEXISTENT")
    assert taken.body == never_issued.body
    redeem(p2, code, immedyConfirm="false").expect("CHARGE_NONEXISTENT")
    assert look(p1, code)["usedTime"] == "0"


@pytest.mark.interface("sosopay.a.check")
def test_the_redeemer_is_whoever_signs(p1, p2, p9):
    """The body need not name it when the address does; two names that differ are a mistake."""
    _, code = issue(p1)
    redeem(p1, code, busiCode=DROP).expect("ILLEGAL_PARAMETER")
    redeem_by_address = p1.verify("check", p1.checking(code, busiCode=DROP), busi_code=SHOP.busi_id)
    assert redeem_by_address.ok()["goodsINFO"]["usedTime"] == "1"
    p1.verify("check", p1.checking(code), busi_code=SHORT_KEY.busi_id).expect("ILLEGAL_PARAMETER")
    p1.verify("check", p1.checking(code), key=SHORT_KEY.key).expect("INVALID_SIGN")
    redeem(p9, code).expect("INVALID_CONTRACT")
    p9.verify("get", p9.voucher()).expect("INVALID_CONTRACT")


@pytest.mark.parametrize(
    "named",
    [
        [{"busiCodes": ["0019999999"], "verifyNumber": "1"}],
        [{"busiCodes": [SHORT_KEY.busi_id, SHORT_KEY.busi_id], "verifyNumber": "1"}],
        [{"busiCodes": [SHORT_KEY.busi_id], "verifyNumber": "1"}] * 2,
        [{"busiCodes": [], "verifyNumber": "1"}],
        [{"busiCodes": [SHORT_KEY.busi_id]}],
        [{"busiCodes": [SHORT_KEY.busi_id], "verifyNumber": "0"}],
        [{"busiCodes": [SHORT_KEY.busi_id], "verifyNumber": "-1"}],
    ],
    ids=["unknown", "twice", "in-two", "nobody", "no-number", "zero", "negative"],
)
def test_wrong_quotas(p1, named):
    p1.verify("get", p1.voucher(busiCodeNums=named)).expect("ILLEGAL_PARAMETER")


# ---- cancelling and looking up ---------------------------------------------------------------------------------------


@pytest.mark.interface("sosopay.a.cancel")
def test_cancel_needs_number_and_code_of_one_voucher(p1):
    one, code = issue(p1)
    _, other = issue(p1)
    cancel(p1, one, other).expect("CHARGE_NONEXISTENT")
    cancel(p1, {"tradeCode": "no-such-number"}, code).expect("CHARGE_NONEXISTENT")
    assert look(p1, code)["isActive"] == "1"
    cancel(p1, one, code).ok()


@pytest.mark.interface("sosopay.a.cancel", "sosopay.a.check")
def test_cancelled_or_redeemed_but_not_both(p1):
    """Whatever comes first counts: what was redeemed before is told by the voucher, nothing after."""
    for _ in range(10):
        sent, code = issue(p1, totalVerifyNumber="1")
        with ThreadPoolExecutor(2) as pool:
            redeemed, cancelled = pool.submit(redeem, p1, code), pool.submit(cancel, p1, sent, code)
        codes = (redeemed.result().code, cancelled.result().code)
        assert codes in (("SUCCESS", "FAIL"), ("AREADY_REVOKED", "SUCCESS")), codes
        assert info(p1, sent["tradeCode"])["usedTime"] == ("1" if codes[0] == "SUCCESS" else "0")


@pytest.mark.interface("sosopay.a.query")
def test_query_of_nothing(p1):
    p1.verify("query", {"busiCode": SHOP.busi_id, "tradeCode": "no-such"}).expect("CHARGE_NONEXISTENT")
    p1.verify("query", {"busiCode": SHOP.busi_id}).expect("ILLEGAL_PARAMETER")


@pytest.mark.interface("sosopay.a.queryResults")
def test_results_by_page_and_filter(gw, p1):
    device, other = unique("gate"), unique("gate")
    codes = [issue(p1)[1] for _ in range(2)]
    serials = []
    for n in range(5):
        found = redeem(p1, codes[n % 2], deviceCode=device).ok()
        serials.insert(0, found["goodsINFO"]["verifySerial"])
        gw.advance(1)
    redeem(p1, codes[1], deviceCode=other).ok()

    def listed(**changes):
        page = results(p1, device, **changes).ok()
        return [row["verifySerial"] for row in page["results"]], int(page["totalSize"])

    assert listed() == (serials, 5)
    assert listed(pageSize="2") == (serials[:2], 5)
    assert listed(pageNo="2", pageSize="2") == (serials[2:4], 5)
    assert listed(pageNo="4", pageSize="2") == ([], 5)
    assert listed(verifySerial=serials[1]) == ([serials[1]], 1)
    assert listed(verifyCode=codes[0]) == (serials[::2], 3)
    assert listed(verifyCode=codes[1]) == (serials[1::2], 2)
    assert listed(verifyCode=codes[1], verifySerial=serials[0]) == ([], 0)
    assert listed(endVerDate=TODAY) == (serials, 5)
    assert listed(beginVerDate=TOMORROW) == ([], 0)
    dates = [row["verifyDate"] for row in results(p1, device).ok()["results"]]
    assert listed(beginVerDate=dates[2], endVerDate=dates[1]) == (serials[1:3], 2)


@pytest.mark.interface("sosopay.a.queryResults")
@pytest.mark.parametrize(
    "changes",
    [
        {"deviceCode": DROP},
        {"beginVerDate": DROP},
        {"endVerDate": DROP},
        {"beginVerDate": TOMORROW, "endVerDate": TODAY},
        {"beginVerDate": "2016-04-01"},
        {"endVerDate": "soon"},
        {"pageNo": DROP},
        {"pageNo": "0"},
        {"pageSize": "101"},
        {"pageSize": "x"},
        {"verifySerial": "1"},
        {"verifyCode": "1234567890123456"},
    ],
    ids=str,
)
def test_wrong_queries_of_results(p1, changes):
    results(p1, "gate1", **changes).expect("ILLEGAL_PARAMETER")


@pytest.mark.parametrize(
    "changes",
    [
        {"busiCode": DROP},
        {"tradeCode": DROP},
        {"tradeCode": "x" * 65},
        {"goodsName": ""},
        {"goodsName": "x" * 257},
        {"goodsCode": DROP},
        {"goodsCount": "0"},
        {"goodsCount": "one"},
        {"totalVerifyNumber": DROP},
        {"totalVerifyNumber": "0"},
        {"totalVerifyNumber": "-1"},
        {"totalVerifyNumber": "2.5"},
        {"totalVerifyNumber": "1000001"},
        {"totalVerifyNumber": "99999999999999999999"},
        {"orderValidity": "next week"},
        {"remarks": "x" * 1025},
        {"notifyURL": "ftp://a.example/"},
        {"notifyURL": "https://user:secret@a.example/"},
        {"busiCodeNums": "7"},
    ],
    ids=str,
)
def test_wrong_vouchers(p1, changes):
    found = p1.verify("get", p1.voucher(**changes), busi_code=SHOP.busi_id).expect("ILLEGAL_PARAMETER")
    assert "verifyCode" not in found


@pytest.mark.interface("sosopay.a.check")
@pytest.mark.parametrize(
    "changes",
    [{"deviceCode": DROP}, {"deviceCode": "x" * 65}, {"immedyConfirm": DROP}, {"immedyConfirm": "maybe"}, {"verifyCode": DROP}],
    ids=str,
)
def test_wrong_checks(p1, changes):
    _, code = issue(p1)
    redeem(p1, code, **changes).expect("ILLEGAL_PARAMETER")
    assert look(p1, code)["usedTime"] == "0"


@pytest.mark.parametrize("what", ["get", "query", "check", "cancel", "queryResults"])
def test_everything_is_signed(gw, p1, what):
    fields = {"busiCode": SHOP.busi_id}
    p1.verify(what, fields, signature="").expect("INVALID_SIGN")
    p1.verify(what, fields, key="another key").expect("INVALID_SIGN")
    p1.verify(what, fields, ts=gw.now_ms() - 16 * 60_000).expect("INVALID_SIGN")
    p1.verify(what, "{", busi_code=SHOP.busi_id).expect("ILLEGAL_PARAMETER")
    assert p1.session.get(f"{p1.base}/openGateway/openService/verify/{what}", timeout=10).status_code == 405


# ---- notifications ---------------------------------------------------------------------------------------------------


@pytest.mark.interface("sosopay.a.check")
@pytest.mark.parametrize("query", ["_type=json", "", "_type=json&encrypt=3DES", "encrypt=3DES"])
def test_the_issuer_is_told(gw, p1, p2, receiver, query):
    """By the rules of section 8: the address decides the format, the signature covers the clear text."""
    hook = receiver.hook()
    named = [{"busiCodes": [SHORT_KEY.busi_id], "verifyNumber": "1"}]
    sent, code = issue(p1, notifyURL=hook.url(query), busiCodeNums=named)
    look(p1, code)
    serial = redeem(p2, code, deviceCode="gate7").ok()["goodsINFO"]["verifySerial"]
    notice = hook.wait(1)[0].open(SHOP, names=NAMES)
    assert (notice.fmt == "json") == ("json" in query) and notice.encrypted == ("3DES" in query)
    assert (notice["tradeCode"], notice["goodsCode"]) == (sent["tradeCode"], sent["goodsCode"])
    assert (notice["verifyCode"], notice["verifySerial"], notice["verifyNumber"]) == (code, serial, "1")
    assert (notice["verifyBusiCode"], notice["deviceCode"]) == (SHORT_KEY.busi_id, "gate7")
    redeem(p1, code).ok()
    hook.wait(2)
    gw.advance(60)
    assert len(hook.records) == 2, "a look is not told, an acknowledged redemption not again"


@pytest.mark.interface("sosopay.a.check")
def test_thirty_attempts_with_the_same_content(gw, p1, receiver):
    hook = receiver.hook(rest=REFUSE)
    _, code = issue(p1, notifyURL=hook.url())
    start = gw.now_ms()
    redeem(p1, code).ok()
    hook.wait(1)
    gw.advance(2)
    _, other = issue(p1)
    redeem(p1, other).ok()
    gw.advance(300)
    notices = [record.open(SHOP, names=NAMES) for record in hook.records]
    assert [notice.ts - start for notice in notices] == [5000 * n for n in range(30)]
    assert len({notice.text for notice in notices}) == 1
    failed = gw.listed("tasks", "tasks", state="failed", kind="deliver", partner=SHOP.busi_id)
    [task] = [task for task in failed if task["voucher"]]
    assert task["order"] is None and task["attempts"] == 30
    hook.rest = hook.rest.__class__()
    gw.ops("POST", f"partners/{SHOP.busi_id}/tasks/{task['id']}/retry")
    hook.wait(31)


def test_events_tell_vouchers(gw, p1):
    sent, code = issue(p1)
    before = gw.ops("GET", f"partners/{SHOP.busi_id}/events", limit=1000)["events"]
    redeem(p1, code).ok()
    event = gw.ops("GET", f"partners/{SHOP.busi_id}/events", after=before[-1]["number"] if before else 0)["events"][-1]
    assert event["kind"] == "voucher.redeemed" and event["order"] is None
    assert event["voucher"].startswith("vch_") and event["redemption"].startswith("rdm_")
    assert info(p1, sent["tradeCode"])["usedTime"] == "1"


def test_codes_are_not_logged(gw, p1):
    """Whoever has a code can redeem."""
    _, code = issue(p1)
    redeem(p1, code).ok()
    assert code not in gw.log_text()


# ---- restarts --------------------------------------------------------------------------------------------------------


@pytest.mark.interface("sosopay.a.check")
def test_everything_survives_a_kill(start_gateway, receiver):
    gateway = start_gateway()
    client = gateway.client(SHOP)
    hook = receiver.hook(rest=REFUSE)
    sent, code = issue(client, notifyURL=hook.url(), totalVerifyNumber="2")
    serial = redeem(client, code).ok()["goodsINFO"]["verifySerial"]
    hook.wait(1)
    gateway.kill()
    gateway.restart()
    client = gateway.client(SHOP)
    assert info(client, sent["tradeCode"])["usedTime"] == "1"
    assert [row["verifySerial"] for row in results(client, "gate1").ok()["results"]] == [serial]
    hook.rest = hook.rest.__class__()
    seen = len(hook.records)
    gateway.advance(10)
    wait_for(lambda: len(hook.records) > seen, "the notification to go on")
    redeem(client, code).ok()
    redeem(client, code).expect("FAIL")
