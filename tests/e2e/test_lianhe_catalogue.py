"""Looking around with lianhe: getTeam, getPrice and the optional getBalance (sections 5.1, 5.2 and 9)."""

from decimal import Decimal

import pytest

from .lianhe_wire import day_of, ms_of, time_of
from .support import DROP, unique

NOT_ON_SALE, MALFORMED = "product not found or not on sale", "malformed request"
MANDATORY = set(
    "partnerId LHSupplierId LHDealId teamType name pics startTime endTime beginTime expireTime marketPrice sellPrice"
    " buyPrice stock allowday aftertime canRefund fullRefund refundRule servicePhone purchaseNote minBuy maxBuy"
    " needVisitor needCredentials".split()
)


@pytest.fixture(scope="module")
def buyer(office):
    return office.distributor()


def page(client, number, size=20, **changes):
    return client.ask("getTeam", **({"method": "page", "currentPage": number, "pageSize": size} | changes))


# ---- getTeam ------------------------------------------------------------------------------------------------------


@pytest.mark.interface("lianhe.getTeam")
def test_all_fields_of_a_product(office, buyer):
    now = office.gateway.now_ms()
    note = {"feeIncludes": '门票 "A" & <B>', "usage": "[x] {y}", "refund": "r\n2", "notice": "n", "detail": "d" * 2000}
    deal = office.ticket(
        name="Imperial garden 御花园",
        market="80.00",
        sell="58.50",
        cost="50.25",
        total=77,
        pics=["http://pics.example/a.jpg", "http://pics.example/b.jpg?x=1&y=2"],
        phones=[{"phone": "400-100-2000", "time": "09:00-18:00"}],
        note=note,
        sale_from_ms=now - 3_600_000,
        sale_until_ms=now + 86_400_000,
        begin_ms=now,
        expire_ms=now + 30 * 86_400_000,
        allowday=1,
        aftertime=15,
        full_refund=True,
        refund_rule=(90, 1),
        min_buy=2,
        max_buy=6,
        each=True,
        documents=True,
    )
    found = buyer.product(deal)
    assert set(found) >= MANDATORY, MANDATORY - set(found)
    expected = {
        "partnerId": int(buyer.partner.partner_id),
        "LHDealId": deal.id,
        "teamType": "normal",
        "name": "Imperial garden 御花园",
        "pics": ["http://pics.example/a.jpg", "http://pics.example/b.jpg?x=1&y=2"],
        "startTime": time_of(now - 3_600_000),
        "beginTime": time_of(now),
        "marketPrice": Decimal("80"),
        "sellPrice": Decimal("58.5"),
        "buyPrice": Decimal("50.25"),
        "stock": 77,
        "allowday": 1,
        "aftertime": 15,
        "canRefund": 1,
        "fullRefund": 1,
        "refundRule": {"minutes": 90, "type": 1},
        "servicePhone": [{"phone": "400-100-2000", "time": "09:00-18:00"}],
        "purchaseNote": note,
        "minBuy": 2,
        "maxBuy": 6,
        "needVisitor": 1,
        "needCredentials": 1,
    }
    assert {name: found[name] for name in expected} == expected
    # Ends are told as the last second or as the instant after it.
    for name, end in (("endTime", now + 86_400_000), ("expireTime", now + 30 * 86_400_000)):
        assert found[name] in (time_of(end), time_of(end - 1000)), (name, found[name])
    assert found["LHSupplierId"].isdecimal()


@pytest.mark.interface("lianhe.getTeam")
def test_defaults_of_a_product(office, buyer):
    found = buyer.product(office.ticket(can_refund=False))
    assert (found["canRefund"], found["fullRefund"], found["allowday"], found["aftertime"]) == (0, 0, 0, 0)
    assert (found["needVisitor"], found["needCredentials"], found["minBuy"]) == (0, 0, 1)
    for rule in (0, 2):
        assert buyer.product(office.ticket(refund_rule=(0, rule)))["refundRule"]["type"] == rule


@pytest.mark.interface("lianhe.getTeam")
def test_dated_products_subscribe(office, buyer):
    days = {day_of(office.gateway.now_ms(), n): {"total": 5} for n in range(3)}
    assert buyer.product(office.ticket(dated=True, days=days))["teamType"] == "subscribe"


@pytest.mark.interface("lianhe.getTeam")
def test_stock_is_told(office, buyer):
    deal = office.ticket(total=10)
    buyer.created(deal, 3)
    buyer.bought(deal, 2)
    assert buyer.product(deal)["stock"] == 5


@pytest.mark.interface("lianhe.getTeam")
def test_simples(office, buyer):
    """1 leaves out the texts; 0 is the default."""
    deal = office.ticket(note={"usage": "show the code"})
    for simples, there in ((DROP, True), (0, True), (1, False)):
        row = buyer.ask("getTeam", method="multi", LHDealIds=[deal.id], simples=simples).ok().body[0]
        assert ("purchaseNote" in row) == there, simples


@pytest.mark.interface("lianhe.getTeam")
def test_several_by_id(office, buyer):
    """Unknown ids are skipped."""
    deals = [office.ticket() for _ in range(3)]
    ids = [deals[2].id, "999999999999", deals[0].id, "x", "", "-1"]
    found = buyer.ask("getTeam", method="multi", LHDealIds=ids).ok()
    assert sorted(row["LHDealId"] for row in found.body) == sorted([deals[0].id, deals[2].id])
    assert found.document["totalSize"] == 2
    nothing = buyer.ask("getTeam", method="multi", LHDealIds=["999999999999"]).ok()
    assert nothing.body == [] and nothing.document["totalSize"] == 0
    assert buyer.ask("getTeam", method="multi", LHDealIds=[int(deals[0].id)]).ok().body


@pytest.mark.interface("lianhe.getTeam")
def test_pages(office, buyer):
    """Counted from 0, no product twice, none left out, `totalSize` the number of all."""
    system = unique("up")
    deals = {office.ticket(system=system).id for _ in range(7)}
    seen = []
    for number, size in enumerate((3, 3, 1)):
        answer = page(buyer, number, 3, system=system).ok()
        assert answer.document["totalSize"] == 7 and len(answer.body) == size, answer.text[:300]
        seen += [row["LHDealId"] for row in answer.body]
    assert len(seen) == 7 and set(seen) == deals
    beyond = page(buyer, 3, 3, system=system).ok()
    assert beyond.body == [] and beyond.document["totalSize"] == 7
    assert {row["LHDealId"] for row in page(buyer, 0, 100, system=system).ok().body} == deals


@pytest.mark.interface("lianhe.getTeam")
def test_system(office, buyer):
    """False, the default, is the platform's own products; a text is that upstream system's."""
    system = unique("up")
    own, theirs = office.ticket(), office.ticket(system=system)

    def listed(**changes):
        rows, number = [], 0
        while found := page(buyer, number, 100, **changes).ok().body:
            rows, number = rows + [row["LHDealId"] for row in found], number + 1
        return rows

    for changes in ({}, {"system": False}):
        ids = listed(**changes)
        assert own.id in ids and theirs.id not in ids
    assert listed(system=system) == [theirs.id]
    assert listed(system=unique("none")) == []
    assert buyer.product(theirs), "by id it does not matter"


@pytest.mark.interface("lianhe.getTeam")
def test_off_sale_is_not_listed(office, buyer):
    system = unique("up")
    on, off = office.ticket(system=system), office.ticket(system=system)
    office.off_sale(off)
    assert [row["LHDealId"] for row in page(buyer, 0, system=system).ok().body] == [on.id]
    office.on_sale(off)
    assert page(buyer, 0, system=system).ok().document["totalSize"] == 2


@pytest.mark.interface("lianhe.getTeam")
@pytest.mark.parametrize(
    "changes",
    [{"pageSize": 0}, {"pageSize": 101}, {"pageSize": -1}, {"currentPage": -1}, {"pageSize": "many"}, {"pageSize": 1.5},
     {"currentPage": DROP}, {"pageSize": DROP}, {"method": DROP}, {"method": "all"}, {"method": 1}, {"method": None},
     {"system": 7}, {"system": []}],
    ids=str,
)  # fmt: skip
def test_wrong_pages(buyer, changes):
    page(buyer, 0, **changes).refused(MALFORMED)


@pytest.mark.interface("lianhe.getTeam")
@pytest.mark.parametrize("number", [10**6, 2**31, 2**32, 2**63, 10**30])
def test_pages_far_beyond(buyer, number):
    """Empty, or no number of a page at all."""
    answer = page(buyer, number).expect(10000, 20000)
    assert answer.code == 20000 or answer.body == []


@pytest.mark.interface("lianhe.getTeam")
@pytest.mark.parametrize(
    "ids", [DROP, None, "1", 1, {}, [[1]], [None], [{}], ["1"] * 100_000], ids=lambda v: str(v)[:20]
)
def test_wrong_ids(buyer, ids):
    buyer.ask("getTeam", method="multi", LHDealIds=ids).refused(MALFORMED)


# ---- getPrice -----------------------------------------------------------------------------------------------------


@pytest.mark.interface("lianhe.getPrice")
def test_calendar(office, buyer):
    """Ordered days with their own prices and what is left; days that are not sold are left out."""
    deal = office.ticket(
        dated=True,
        market="80.00",
        sell="58.50",
        cost="50.25",
        days={
            "2016-09-03": {"total": 9},
            "2016-09-01": {"total": 7, "market": "90.00", "sell": "70.10", "cost": "60.05"},
            "2016-09-30": {"total": 1},
            "2016-10-01": {"total": 2},
        },
    )
    buyer.bought(deal, 2, "2016-09-03")
    buyer.created(deal, 1, "2016-09-03")
    found = buyer.prices(deal, "2016-09-01", "2016-09-30")
    assert list(found) == ["2016-09-01", "2016-09-03", "2016-09-30"]
    first = {"marketPrice": Decimal("90"), "sellPrice": Decimal("70.1"), "buyPrice": Decimal("60.05"), "stock": 7}
    assert found["2016-09-01"] == {"LHDealId": deal.id, "date": "2016-09-01"} | first
    third = {"marketPrice": Decimal("80"), "sellPrice": Decimal("58.5"), "buyPrice": Decimal("50.25"), "stock": 6}
    assert found["2016-09-03"] == {"LHDealId": deal.id, "date": "2016-09-03"} | third
    assert list(buyer.prices(deal, "2016-10-01", "2016-10-01")) == ["2016-10-01"], "both ends are inclusive"
    assert buyer.prices(deal, "2016-11-01", "2016-11-30") == {}


@pytest.mark.interface("lianhe.getPrice")
def test_closed_days(office, buyer):
    """Nothing is sold on them: left out, or with nothing left."""
    deal = office.ticket(dated=True, days={"2016-09-01": {"closed": True}, "2016-09-02": {}})
    found = buyer.prices(deal, "2016-09-01", "2016-09-02")
    assert found.get("2016-09-01", {"stock": 0})["stock"] == 0 and found["2016-09-02"]["stock"] > 0


@pytest.mark.interface("lianhe.getPrice")
@pytest.mark.parametrize(
    "start, end", [("2016-08-05", "2016-11-04"), ("2016-09-01", "2016-11-30"), ("2016-09-01",) * 2]
)
def test_three_months(office, buyer, start, end):
    deal = office.ticket(dated=True, days={start: {}, end: {}})
    assert list(buyer.prices(deal, start, end)) == sorted({start, end})


@pytest.mark.interface("lianhe.getPrice")
@pytest.mark.parametrize("end", ["2016-11-10", "2016-12-01", "2017-08-05", "9999-12-31"])
def test_more_than_three_months(office, buyer, end):
    deal = office.ticket(dated=True, days={"2016-09-01": {}})
    fields = {"LHDealId": deal.id, "startDate": "2016-08-05", "endDate": end}
    buyer.ask("getPrice", **fields).refused(MALFORMED, "date out of range")


@pytest.mark.interface("lianhe.getPrice")
@pytest.mark.parametrize(
    "changes",
    [{"startDate": DROP}, {"endDate": DROP}, {"LHDealId": DROP}, {"startDate": ""}, {"startDate": "2016-9-1"},
     {"startDate": "2016-02-30"}, {"startDate": 20160901}, {"endDate": "x"}, {"startDate": None}, {"LHDealId": []}],
    ids=str,
)  # fmt: skip
def test_wrong_calendars(office, buyer, changes):
    deal = office.ticket(dated=True, days={"2016-09-01": {}})
    fields = {"LHDealId": deal.id, "startDate": "2016-09-01", "endDate": "2016-09-30"} | changes
    buyer.ask("getPrice", **fields).refused()


@pytest.mark.interface("lianhe.getPrice")
def test_calendars_that_are_none(office, buyer):
    """Unknown products are an error; one that is not sold by the day has no days; a span backwards has none either."""
    span = {"startDate": "2016-09-01", "endDate": "2016-09-30"}
    for deal_id in ("999999999999", "x", "-1"):
        buyer.ask("getPrice", LHDealId=deal_id, **span).refused()
    undated = buyer.ask("getPrice", LHDealId=office.ticket().id, **span).expect(10000, 20000)
    assert undated.code == 20000 or undated.body == []
    deal = office.ticket(dated=True, days={"2016-09-01": {}})
    backwards = buyer.ask("getPrice", LHDealId=deal.id, startDate="2016-09-30", endDate="2016-09-01").expect(
        10000, 20000
    )
    assert backwards.code == 20000 or backwards.body == []


@pytest.mark.interface("lianhe.getPrice")
def test_days_before_today(office, buyer):
    """What is over can be looked at or not, but is not offered for sale."""
    now = office.gateway.now_ms()
    past, today = day_of(now, -1), day_of(now)
    deal = office.ticket(dated=True, days={past: {}, today: {}})
    found = buyer.prices(deal, past, today)
    assert today in found and ms_of(past) < now


# ---- getBalance ---------------------------------------------------------------------------------------------------


@pytest.mark.interface("lianhe.getBalance")
def test_balance(office):
    client = office.distributor(balance="123.45", get_balance=True)
    assert client.balance() == Decimal("123.45")
    deal = office.ticket(cost="23.45")
    order = client.bought(deal)
    assert client.balance() == 100
    client.created(deal)
    assert client.balance() == 100
    client.cancel(order, 1).ok()
    assert client.balance() == 100, "a refund under review is not back yet"
    office.approve(client, order)
    assert client.balance() == Decimal("123.45")
    office.deposit(client, "-23.45")
    assert client.balance() == 100


@pytest.mark.interface("lianhe.getBalance")
def test_balance_is_off_by_default(buyer):
    buyer.ask("getBalance").refused("unknown method")
