"""Interface 8: the list of a merchant's trades. Starts at 01:00 of the 5th in the protocol's zone, the 4th in UTC."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from .sosopay_client import DROP, PREFIX
from .support import scan_code, unique

CLOCK = "2016-08-04T17:00:00.000Z"
pytestmark = pytest.mark.interface("sosopay.8")


@pytest.fixture(scope="module")
def trades(gw):
    """A known set of orders of operator `op-mix` on the 5th and one on the 6th, and 23 of `op-page`: code by name."""
    client, made = gw.client(), {}
    for name, changes in {
        "paid": {},
        "paid2": {"amount": "2.22"},
        "wechat": {"DYNAMIC_ID": scan_code(prefix="13")},
        "revoked": {},
        "refunded": {},
        "part": {},
    }.items():
        made[name] = client.paid(OPER_ID="op-mix", REGISTER_ID="02016", **changes)["CHARGE_CODE"]
    client.cancel(made["revoked"]).ok()
    client.refund(client.returning(made["refunded"], "1.58", OPER_ID="op-mix")).ok()
    client.refund(client.returning(made["part"], "0.58", OPER_ID="op-mix")).ok()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: client.pre_order(client.scan(OPER_ID="op-page")).ok(), range(23)))
    gw.advance(24 * 3600)
    made["open"] = client.order(client.precreate(OPER_ID="op-mix", CHANNEL_TYPE="2")).ok()["CHARGE_CODE"]
    return made


def orders(answer):
    """The rows of orders; a platform may list refunds as rows of their own, with the original's serial."""
    return [row for row in answer["tradeInfos"] if not row.get("CHARGE_OLD_CODE")]


def names(trades, answer):
    known = {code: name for name, code in trades.items()}
    return {known[row["CHARGE_CODE"]] for row in orders(answer) if row["CHARGE_CODE"] in known}


@pytest.mark.parametrize("form", [False, True], ids=["get", "form"])
def test_entries(shop, trades, form):
    found = shop.trades({"form": form}, userId="op-mix", pageSize=100).ok()
    assert found.encrypted == shop.encrypt and found.fmt == shop.fmt
    assert found["chargesSize"] == len(found["tradeInfos"])
    assert int(found.body["totalSize"]) == len(found["tradeInfos"])
    if shop.fmt == "json":
        assert found["charges"] == found["tradeInfos"]
    assert names(trades, found) == set(trades)
    row = {row["CHARGE_CODE"]: row for row in orders(found)}[trades["paid"]]
    expected = {"BUSI_ID": "0010000001", "OPER_ID": "op-mix", "DEV_ID": "dev01", "REGISTER_ID": "02016", "AMT": 158}
    expected |= {"CHANNEL_TYPE": 1, "STATE": 1, "PAY_SUBJECT": "test order", "BEGIN_TIME": "2016-08-05 01:00:00"}
    assert {name: row[name] for name in expected} == expected
    assert str(row["CODE_SCAN_TYPE"]) == "2" and row["DYNAMIC_ID"] and row["CHARGE_DOWN_CODE"]
    opened = {row["CHARGE_CODE"]: row for row in orders(found)}[trades["open"]]
    assert str(opened["CODE_SCAN_TYPE"]) == "1" and opened["STATE"] == 0


def test_default_format_is_json(p1, trades):
    assert p1.using(fmt="xml").trades({"answer": None}).ok().fmt == "json"


def test_pages(shop, trades):
    """23 orders in pages of 10: none twice, none missing, the newest first, then by descending serial."""
    rows = []
    for page, size in {1: 10, 2: 10, 3: 3, 4: 0}.items():
        found = shop.trades(userId="op-page", pageNum=page).ok()
        assert found["chargesSize"] == len(found["tradeInfos"]) == size
        assert int(found.body["totalSize"]) == 23
        rows += found["tradeInfos"]
    keys = [(row["BEGIN_TIME"], row["CHARGE_DOWN_CODE"]) for row in rows]
    assert len(set(keys)) == 23 and keys == sorted(keys, reverse=True)


def test_newest_first(p1, trades):
    found = p1.trades(userId="op-mix", pageSize=100).ok()
    keys = [(row["BEGIN_TIME"], row["CHARGE_DOWN_CODE"]) for row in found["tradeInfos"]]
    assert keys == sorted(keys, reverse=True)
    assert orders(found)[0]["CHARGE_CODE"] == trades["open"]


ALL = {"paid", "paid2", "wechat", "revoked", "refunded", "part", "open"}


@pytest.mark.parametrize(
    "filters, expected",
    [
        ({"state": 1}, {"paid", "paid2", "wechat"}),
        ({"state": 0}, {"open"}),
        ({"state": 2}, {"revoked"}),
        ({"state": 4}, {"part"}),
        ({"state": 5}, {"refunded"}),
        ({"state": 6}, set()),
        ({"state": ""}, ALL),
        ({"channelType": 0}, ALL),
        ({"channelType": 1}, ALL - {"wechat", "open"}),
        ({"channelType": 2}, {"wechat", "open"}),
        ({"channelType": 2, "state": 1}, {"wechat"}),
        ({"beginDate": "2016-08-05", "endDate": "2016-08-05"}, ALL - {"open"}),
        ({"beginDate": "2016-08-06", "endDate": "2016-08-06"}, {"open"}),
        ({"beginDate": "2016-08-04", "endDate": "2016-08-04"}, set()),
        ({"beginDate": "2016-08-05", "endDate": "2016-08-06"}, ALL),
        ({"beginDate": "2016-08-05 01:00:00", "endDate": "2016-08-05 01:00:00"}, ALL - {"open"}),
        ({"beginDate": "2016-08-05 01:00:01", "endDate": "2016-08-06 00:59:59"}, set()),
        ({"beginDate": "2016-08-05 00:00:00", "endDate": "2016-08-05 00:59:59"}, set()),
        ({"beginDate": "2016-08-06 01:00:00", "endDate": "2016-08-06"}, {"open"}),
    ],
    ids=lambda value: "+".join(sorted(value)) if isinstance(value, set) else str(value),
)
def test_filters(p1, trades, filters, expected):
    found = p1.trades(userId="op-mix", pageSize=100, **filters).ok()
    assert names(trades, found) == expected
    assert found["chargesSize"] == len(found["charges"]) == len(found["tradeInfos"])


def test_revoked_and_refunded_together(p1, trades):
    """State 7 is a filter only and never emitted."""
    found = p1.trades(userId="op-mix", pageSize=100, state=7).ok()
    assert {"revoked", "refunded"} <= names(trades, found) <= {"revoked", "refunded", "part"}


@pytest.mark.parametrize("name", ["chargeCode", "ChargeCode", "CHARGECODE"])
def test_by_serial(p1, trades, name):
    found = p1.trades(**{name: trades["paid2"]}).ok()
    assert [row["CHARGE_CODE"] for row in orders(found)] == [trades["paid2"]]
    assert orders(found)[0]["AMT"] == 222


def test_unknown_serial_is_an_empty_page(p1, trades):
    found = p1.trades(chargeCode=unique("none")).ok()
    assert (found["chargesSize"], found["tradeInfos"], found["charges"]) == (0, [], [])


def test_parameter_names_in_any_case(p1, trades):
    call = p1.trades_call(pageNum=DROP, pageSize=DROP, busiCode=DROP)
    call = call.with_query(PageNum="2", PAGESIZE="10", BusiCode="0010000001", USERID="op-page", ChannelType="1")
    found = p1.send(call).ok()
    assert found["chargesSize"] == 10 and int(found.body["totalSize"]) == 23


@pytest.mark.parametrize(
    "changes",
    [
        {"pageNum": DROP},
        {"pageSize": DROP},
        {"pageNum": 0},
        {"pageNum": -1},
        {"pageNum": "x"},
        {"pageSize": 0},
        {"pageSize": 101},
        {"pageSize": "ten"},
        {"state": "x"},
        {"channelType": "x"},
        {"beginDate": "2016-13-01"},
        {"beginDate": "yesterday"},
        {"beginDate": "2016-02-30", "endDate": "2016-03-01"},
        {"beginDate": "2016-08-05 25:00:00"},
        {"beginDate": "2016-05-01", "endDate": "2016-08-05"},
    ],
    ids=str,
)
def test_wrong_parameters(p1, changes):
    p1.trades(**changes).expect("ILLEGAL_PARAMETER")


def test_span_of_dates(p1):
    p1.trades(beginDate="2016-05-06", endDate="2016-08-05").ok()
    p1.trades(beginDate="2016-05-01", endDate="2016-08-05").expect("ILLEGAL_PARAMETER")


def test_whose_key_is_checked(p1, p2, p9):
    p1.trades(busiCode=DROP).expect("ILLEGAL_PARAMETER", "UNREGISTERED_BUSI")
    p1.trades(busiCode="0019999999").expect("UNREGISTERED_BUSI")
    p1.trades({"key": p2.partner.key}).expect("INVALID_SIGN")
    p9.trades().expect("INVALID_CONTRACT")


def test_other_merchants_rows_are_never_shown(p1, p2, trades):
    found = p2.trades(pageSize=100).expect("SUCESS")
    assert not {row["CHARGE_CODE"] for row in listed(found["tradeInfos"])} & set(trades.values())
    assert listed(p2.trades(chargeCode=trades["paid"]).expect("SUCESS")["tradeInfos"]) == []


def listed(rows):
    return rows if isinstance(rows, list) else [rows]


@pytest.mark.parametrize("cipher", [False, True], ids=["clear", "3des"])
def test_one_row_as_an_object_for_old_clients(gw, p2, cipher):
    """Partner 2 has `success_literal` SUCESS and `batch_single_as_object`."""
    client, oper = p2.using(encrypt=cipher), unique("op")
    codes = [client.pre_order(client.scan(OPER_ID=oper)).expect("SUCESS")["CHARGE_CODE"]]
    found = client.trades(userId=oper).expect("SUCESS")
    assert found["chargesSize"] == 1
    assert isinstance(found["charges"], dict) and found["charges"]["CHARGE_CODE"] == codes[0]
    assert listed(found["tradeInfos"]) == [found["charges"]]
    codes.append(client.pre_order(client.scan(OPER_ID=oper)).expect("SUCESS")["CHARGE_CODE"])
    found = client.trades(userId=oper).expect("SUCESS")
    assert found["chargesSize"] == 2 and isinstance(found["charges"], list)
    assert {row["CHARGE_CODE"] for row in found["charges"]} == set(codes)
    in_xml = client.using(fmt="xml")
    assert in_xml.trades(userId=oper).expect("SUCESS")["chargesSize"] == 2
    client.query(unique("none")).expect("CHARGE_NONEXISTENT")


def test_one_row_is_an_array_for_everybody_else(p1, trades):
    found = p1.trades(userId="op-mix", state=2).ok()
    assert isinstance(found["tradeInfos"], list) and isinstance(found["charges"], list)


def test_get_only_path_has_no_segments(p1):
    assert p1.session.get(f"{p1.base}{PREFIX}queryTrades/extra", timeout=10).status_code == 404


def test_default_is_the_last_31_days(gw, p1, trades):
    """Runs last: the clock moves on by more than a month."""
    gw.advance(33 * 24 * 3600)
    code = p1.paid(OPER_ID="op-mix")["CHARGE_CODE"]
    found = p1.trades(userId="op-mix", pageSize=100).ok()
    assert [row["CHARGE_CODE"] for row in orders(found)] == [code]
    found = p1.trades(userId="op-mix", pageSize=100, beginDate="2016-08-05", endDate="2016-08-06").ok()
    assert names(trades, found) == ALL
