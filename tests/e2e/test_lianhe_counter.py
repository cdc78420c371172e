"""The other side of the counter: products, stock, deposits, the gate, reviews, failed news and the voucher page."""

import json
import re
from decimal import Decimal
from html import unescape
from urllib.parse import urlsplit

import pytest
import requests

from .lianhe_client import Deal, notices
from .qr import read_svg
from .receiver import REFUSE, say
from .support import unique, wait_for

pytestmark = pytest.mark.interface("lianhe.newOrder")
HEAD = "sku,day,total,market,sell,cost,closed\n"


@pytest.fixture(scope="module")
def buyer(office):
    return office.distributor(balance="1000000.00")


def command(gateway, *arguments):
    done = gateway.cli(*arguments)
    assert done.returncode == 0, (arguments, done.stdout, done.stderr)
    return json.loads(done.stdout)


def refused(response, *statuses):
    """An error of the operator API, with its code and words."""
    assert response.status_code in (statuses or (400, 404, 409)), (response.status_code, response.text)
    error = response.json()["error"]
    assert error["code"] and error["message"], error
    return error


# ---- products and stock ---------------------------------------------------------------------------------------------


@pytest.mark.interface("lianhe.getTeam", "lianhe.getPrice")
def test_from_nothing_to_a_sale(gw, office, buyer):
    """What an operator types to sell the first ticket of a new seller, step by step."""
    seller = gw.ops("POST", "sellers", {"name": "Zoo"})["id"]
    product = gw.ops("POST", "products", {"seller": seller, "name": "Zoo ticket"})["product"]
    price = {"market": "30.00", "sell": "25.00", "cost": "20.00"}
    sku = gw.ops("POST", f"products/{product['id']}/skus", {"price": price, "ticket": {"dated": True}})["sku"]
    fields = {
        "orderId": unique("Z"),
        "LHDealId": sku["number"],
        "sellPrice": 25,
        "quantity": 1,
        "travelDate": "2016-08-06",
    }
    fields["visitor"] = [{"name": "张三", "mobile": "13800000001"}]
    buyer.new_order(fields).not_created(10005)
    gw.ops("PUT", f"skus/{sku['id']}/stock", {"plans": [{"day": "2016-08-06", "total": 1}]})
    buyer.new_order(fields).ok(orderStatus=4)
    shown = gw.ops("GET", f"products/{product['id']}")
    assert shown["product"]["name"] == "Zoo ticket" and [row["id"] for row in shown["skus"]] == [sku["id"]]
    assert product["id"] in str(gw.listed("products", "products", seller=seller))
    assert gw.ops("GET", f"skus/{sku['id']}")["product"]["id"] == product["id"]


@pytest.mark.interface("lianhe.getTeam", "lianhe.getPrice")
def test_from_nothing_to_a_sale_by_command(gw, office, buyer):
    """The same at a terminal, with nothing but commands."""
    seller = command(gw, "seller", "add", "Aquarium")["id"]
    texts = json.dumps({"notice": "Bring a towel"})
    product = command(gw, "product", "add", "Aquarium ticket", "--seller", seller, "--texts", texts)["product"]["id"]
    prices = ["--market", "30.00", "--sell", "25.50", "--cost", "20.25"]
    sku = command(gw, "sku", "add", product, *prices, "--dated", "true", "--order-min", "2", "--codes", "per-order")[
        "sku"
    ]
    command(gw, "stock", "set", sku["id"], "40", "--day", "2016-09-01", "--until", "2016-09-03")
    command(gw, "stock", "set", sku["number"], "7", "--day", "2016-09-02", "--price", "30.00", "27.00", "21.00")
    command(gw, "sku", "set", sku["id"], "--order-max", "5")
    deal = Deal(sku["number"], Decimal("30"), Decimal("25.50"), Decimal("20.25"), seller, product, sku["id"])
    found = buyer.product(deal)
    assert (found["name"], found["teamType"]) == ("Aquarium ticket", "subscribe")
    assert (found["minBuy"], found["maxBuy"]) == (2, 5), "what is not named stays as it is"
    assert found["purchaseNote"]["notice"] == "Bring a towel"
    prices = buyer.prices(deal, "2016-09-01", "2016-09-30")
    assert [row["stock"] for row in prices.values()] == [40, 7, 40]
    assert prices["2016-09-02"]["sellPrice"] == 27
    order = buyer.bought(deal, 5, "2016-09-01")
    assert len(order.codes) == 1
    for words, word in (
        (("product", "list"), product),
        (("product", "show", product), sku["id"]),
        (("sku", "show", sku["id"]), product),
        (("stock", "list", sku["id"], "--from", "2016-09-01", "--until", "2016-09-03"), "2016-09-02"),
        (("order", "show", order.number), order.codes[0]),
        (("partner", "list"), seller),
    ):
        assert word in json.dumps(command(gw, *words)), words
    command(gw, "product", "set", product, "--on-sale", "false")
    buyer.new_order(buyer.order(deal, 2, "2016-09-01")).refused("product not found or not on sale")


@pytest.mark.parametrize(
    "change",
    [{"total": -1}, {"total": "many"}, {"total": 1.5}, {"total": 2**40}, {"day": "2016-8-6"}, {"day": "2016-02-30"},
     {"price": {"market": "1.00"}}, {"price": {"market": "1", "sell": "1", "cost": "-1"}}, {"more": 1},
     {"price": {"market": "1", "sell": "1.001", "cost": "x"}}, {"closed": "maybe"}],
    ids=str,
)  # fmt: skip
def test_wrong_plans(gw, office, change):
    """All or nothing: the right day before the wrong one is not written either."""
    deal = office.ticket(dated=True)
    plans = [{"day": "2016-08-06", "total": 5}, {"day": "2016-08-07", "total": 5} | change]
    refused(gw.ops_raw("PUT", f"skus/{deal.sku}/stock", {"plans": plans}), 400)
    assert gw.ops("GET", f"skus/{deal.sku}/stock", **{"from": "2016-08-01", "until": "2016-08-31"})["stocks"] == []


def test_stock_cannot_go_below_what_is_sold(gw, office, buyer):
    deal = office.ticket(total=10)
    buyer.bought(deal, 4)
    buyer.created(deal, 3)
    refused(gw.ops_raw("PUT", f"skus/{deal.sku}/stock", {"plans": [{"day": None, "total": 6}]}), 400, 409)
    assert office.stock(deal) == {"total": 10, "held": 3, "sold": 4}
    office.set_stock(deal, 7)
    buyer.new_order(buyer.order(deal)).not_created(10009)


@pytest.mark.parametrize(
    "body",
    [{}, {"price": {"market": "1.00", "sell": "1.00"}}, {"price": {"market": "1", "sell": "1", "cost": "1"}, "order_min": 0},
     {"price": {"market": "1", "sell": "1", "cost": "1"}, "order_min": 5, "order_max": 4},
     {"price": {"market": "1", "sell": "1", "cost": "1"}, "order_max": 101},
     {"price": {"market": "1", "sell": "1", "cost": "1"}, "ticket": {"codes": "none"}},
     {"price": {"market": "1", "sell": "1", "cost": "1"}, "ticket": {"refund": {"review": "maybe"}}},
     {"price": {"market": "1", "sell": "1", "cost": "1"}, "ticket": {"valid_from_ms": 2, "valid_until_ms": 1}}],
    ids=str,
)  # fmt: skip
def test_wrong_skus(gw, office, body):
    deal = office.ticket()
    refused(gw.ops_raw("POST", f"products/{deal.product}/skus", body), 400, 409)
    assert len(gw.ops("GET", f"products/{deal.product}")["skus"]) == 1


def test_unknown_things(gw):
    for method, path in (
        ("GET", "products/prd_1"),
        ("PATCH", "products/prd_1"),
        ("GET", "skus/sku_1"),
        ("GET", "skus/nonsense/stock"),
        ("GET", "partners/par_1/balance"),
        ("POST", "partners/par_1/deposits"),
        ("GET", "tickets/1234567890123456"),
        ("GET", "tickets/nonsense"),
        ("POST", "tickets/1234567890123456/redeem"),
        ("POST", "refunds/ref_1/approve"),
        ("POST", "orders/none/resend"),
    ):
        body = {"number": "1", "amount": "1.00"} if path.endswith("deposits") else {}
        refused(gw.ops_raw(method, path, None if method == "GET" else body), 400, 404)


# ---- CSV ----------------------------------------------------------------------------------------------------------


@pytest.mark.interface("lianhe.getPrice")
def test_import(office, buyer):
    dated, undated = office.ticket(dated=True), office.ticket(total=1)
    rows = [
        f"{dated.sku},2016-09-01,50,,,,",
        f'{dated.sku},2016-09-02,60,"90.00",70.00,60.5,false',
        f"{dated.id},2016-09-03,0,,,,true",
        f"{undated.sku},,77,,,,",
    ]
    report = office.import_stock(HEAD + "\r\n".join(rows) + "\r\n")
    assert report.ok and (report.json()["rows"], report.json()["written"], report.json()["bad"]) == (4, 4, []), (
        report.text
    )
    found = buyer.prices(dated, "2016-09-01", "2016-09-30")
    assert (found["2016-09-01"]["stock"], found["2016-09-02"]["stock"]) == (50, 60)
    assert found["2016-09-02"]["buyPrice"] == Decimal("60.5") and found["2016-09-01"]["buyPrice"] == dated.cost
    assert office.stock(undated)["total"] == 77
    again = office.import_stock(HEAD + "\n".join(rows))
    assert again.ok and again.json()["bad"] == [], "the same file again changes nothing"


def bad_rows(deal):
    sku = deal.sku
    return {
        "total": f"{sku},2016-09-02,many,,,,",
        "negative": f"{sku},2016-09-02,-1,,,,",
        "day": f"{sku},2016-02-30,5,,,,",
        "day-form": f"{sku},02.09.2016,5,,,,",
        "no-day": f"{sku},,5,,,,",
        "sku": "sku_1,2016-09-02,5,,,,",
        "no-sku": ",2016-09-02,5,,,,",
        "price": f"{sku},2016-09-02,5,1.001,1.00,1.00,",
        "price-word": f"{sku},2016-09-02,5,cheap,1.00,1.00,",
        "half-price": f"{sku},2016-09-02,5,,70.00,,",
        "closed": f"{sku},2016-09-02,5,,,,maybe",
        "columns": f"{sku},2016-09-02,5",
        "more-columns": f"{sku},2016-09-02,5,,,,,,",
        "quotes": f'{sku},2016-09-02,"5,,,,',
        "twice": f"{sku},2016-09-01,6,,,,",
    }


@pytest.mark.parametrize("name", bad_rows(type("Any", (), {"sku": "sku"})))
def test_import_with_a_bad_row(office, name):
    """Told by its line, and nothing of the file is written; unless it is said that bad rows may be left out."""
    deal = office.ticket(dated=True)
    text = HEAD + f"{deal.sku},2016-09-01,50,,,,\n{bad_rows(deal)[name]}\n{deal.sku},2016-09-03,70,,,,\n"

    def days():
        stocks = office.ops("GET", f"skus/{deal.sku}/stock", **{"from": "2016-09-01", "until": "2016-09-30"})["stocks"]
        return {row["day"]: row["total"] for row in stocks}

    error = refused(office.import_stock(text), 400)
    assert error["code"] == "bad_rows" and days() == {}
    lines = [bad["line"] for bad in error["bad"]]
    assert (
        lines and set(lines) <= ({2, 3} if name == "twice" else {3, 4}) and all(bad["problem"] for bad in error["bad"])
    )
    report = office.import_stock(text, skip_bad=True)
    assert report.ok and [bad["line"] for bad in report.json()["bad"]] == lines, report.text
    if name != "quotes":  # an open quotation mark may swallow the rest of the file
        assert days()["2016-09-03"] == 70 and days().get("2016-09-01") in (50, 6, None)
    assert "2016-09-02" not in days()


@pytest.mark.parametrize(
    "text",
    [b"", b"\n\n", b"sku;day;total\n", b"day,sku,total,market,sell,cost,closed\n", b"\xff\xfe\x00s", b"\0" * 500,
     b"sku,day,total,market,sell,cost,closed\n\xff,2016-09-01,1,,,,\n", b"{}", b"x" * 200_000],
    ids=lambda text: ascii(text[:12]),
)  # fmt: skip
def test_files_that_are_none(gw, office, text):
    response = office.import_stock(text)
    assert response.status_code in (200, 400, 413), response.text
    assert response.status_code != 200 or response.json()["written"] == 0
    gw.healthy()


def test_import_below_what_is_sold(office, buyer):
    """A row that the rules refuse is a bad row like any other."""
    deal = office.ticket(dated=True, days={"2016-09-01": {"total": 9}})
    buyer.bought(deal, 5, "2016-09-01")
    text = HEAD + f"{deal.sku},2016-09-01,4,,,,\n{deal.sku},2016-09-02,8,,,,\n"
    refused(office.import_stock(text), 400, 409)
    assert office.stock(deal, "2016-09-01") == {"total": 9, "held": 0, "sold": 5}
    assert list(buyer.prices(deal, "2016-09-01", "2016-09-30")) == ["2016-09-01"]


def test_import_of_two_years(gw, office, tmp_path):
    """By the command line, as somebody would who prepares a season."""
    deal = office.ticket(dated=True)
    days = [office.day(n) for n in range(730)]
    path = tmp_path / "season.csv"
    path.write_text(HEAD + "".join(f"{deal.sku},{day},100,,,,\n" for day in days))
    report = command(gw, "stock", "import", str(path))
    assert (report["rows"], report["written"], report["bad"]) == (730, 730, [])
    path.write_text(HEAD + f"{deal.sku},2016-09-01,x,,,,\n")
    done = gw.cli("stock", "import", str(path))
    assert done.returncode != 0 and "2" in done.stdout + done.stderr, (done.stdout, done.stderr)


# ---- deposits -----------------------------------------------------------------------------------------------------


def test_deposits(office):
    """A number is booked once; the same again is the same; another amount under it is refused."""
    client, number = office.distributor(balance="0"), unique("bank")
    first = office.deposit(client, "100.00", number)
    assert office.deposit(client, "100.00", number)["id"] == first["id"]
    refused(office.deposit_raw(client, "100.01", number), 409)
    assert office.available(client) == 100
    office.deposit(client, "-40.00")
    assert office.available(client) == 60
    refused(office.deposit_raw(client, "-60.01"), 409)
    assert office.available(client) == 60
    listed = office.gateway.listed(f"{office.path(client)}/deposits", "deposits")
    assert sorted(Decimal(row["amount"]) for row in listed) == [-40, 100]


def test_only_what_is_there_is_paid_out(office):
    """Credit is for buying."""
    client = office.distributor(balance="10.00", credit_limit="100.00")
    refused(office.deposit_raw(client, "-10.01"), 409)
    office.deposit(client, "-10.00")
    assert office.available(client) == 0


@pytest.mark.parametrize("amount", ["0", "0.00", "x", "", "1.001", "1e3", "NaN", "100000000000000000", None, 5, "１"])
def test_amounts_that_are_none(office, buyer, amount):
    before = office.available(buyer)
    refused(office.deposit_raw(buyer, amount), 400, 409)
    assert office.available(buyer) == before


def test_deposits_by_command(gw, office):
    client = office.distributor(balance="0")
    partner, number = office.ids[client.partner.partner_id], unique("bank")
    command(gw, "deposit", "add", partner, number, "12.50", "--note", "cash")
    assert office.available(client) == Decimal("12.50")
    assert number in str(command(gw, "deposit", "list", partner))
    assert command(gw, "partner", "balance", partner)["available"] == "12.50"


# ---- the gate -----------------------------------------------------------------------------------------------------


@pytest.mark.interface("lianhe.queryOrder")
def test_at_the_gate(gw, office, buyer):
    """Looked at, redeemed, and the second time it is told who let somebody in, and when."""
    order = buyer.bought(office.ticket(name="Tower"), 1)
    code = order.codes[0]
    seen = office.look(code)
    assert (seen["voucher"]["usable"], seen["voucher"]["subject"], seen["redemptions"]) == (1, "Tower", [])
    assert office.look(code) == seen, "looking uses nothing"
    at = gw.now_ms()
    done = office.redeem(code, device="north gate")
    assert done["voucher"]["usable"] == 0 and done["redemption"]["at_ms"] == at
    gw.advance(60)
    error = refused(office.redeem_raw(code, device="south gate"), 409)
    assert [(row["device"], row["at_ms"], row["count"]) for row in error["redemptions"]] == [("north gate", at, 1)]
    assert "Park administration" in str(error["redemptions"])
    assert [row["device"] for row in office.look(code)["redemptions"]] == ["north gate"]
    buyer.expect_state(order, 8, used=1)


def test_several_at_once(office, buyer):
    """A group: so many of one code, never more than are left."""
    order = buyer.bought(office.ticket(), 5)
    code = order.codes[0]
    assert office.redeem(code, 3)["voucher"]["usable"] == 2
    refused(office.redeem_raw(code, 3), 409)
    for count in (0, -1, 10**12, 1.5, "x"):
        refused(office.redeem_raw(code, count), 400, 409)
    buyer.expect_state(order, 9, used=3)
    office.redeem(code, 2)
    error = refused(office.redeem_raw(code), 409)
    assert [row["count"] for row in error["redemptions"]] == [2, 3], "newest first"


def test_codes_as_people_type_them(office, buyer):
    order = buyer.bought(office.ticket(), 4)
    code = order.codes[0]
    for typed in (f"{code[:4]} {code[4:8]} {code[8:12]} {code[12:]}", f"{code[:4]}-{code[4:]}", f" {code} "):
        office.redeem(typed)
    buyer.expect_state(order, 9, used=3)


def test_only_who_may(gw, office, buyer):
    """The seller, and the one who sold it; nobody else."""
    stranger = office.distributor()
    order = buyer.bought(office.ticket(), 3)
    code = order.codes[0]
    refused(office.redeem_raw(code, by=office.ids[stranger.partner.partner_id]), 400, 404, 409)
    other = gw.ops("POST", "sellers", {"name": "Other park"})["id"]
    refused(office.redeem_raw(code, by=other), 400, 404, 409)
    buyer.expect_state(order, 4)
    assert office.redeem_raw(code, by=office.seller).ok
    buyer.expect_state(order, 9, used=1)


def test_gate_by_command(gw, office, buyer):
    code = buyer.bought(office.ticket()).codes[0]
    assert code in json.dumps(command(gw, "ticket", "show", code))
    command(gw, "ticket", "redeem", code, "--count", "1", "--device", "handheld 7")
    again = gw.cli("ticket", "redeem", code, "--device", "handheld 8")
    assert again.returncode != 0 and "handheld 7" in again.stdout + again.stderr, (again.stdout, again.stderr)


# ---- reviews ------------------------------------------------------------------------------------------------------


@pytest.mark.interface("lianhe.cancelOrder")
def test_list_of_reviews(gw, office, buyer):
    """What waits for a person, and nothing else."""
    orders = [buyer.bought(office.ticket(), 2) for _ in range(3)]
    for order in orders:
        buyer.cancel(order, 1).ok(orderStatus=6)

    def waiting():
        listed = {row["order"]["number"] for row in office.under_review()}
        return [order.number in listed for order in orders]

    assert waiting() == [True] * 3
    office.approve(buyer, orders[0])
    office.reject(buyer, orders[1], "no")
    assert waiting() == [False, False, True]
    row = next(row for row in office.under_review() if row["order"]["number"] == orders[2].number)
    assert command(gw, "refund", "list")
    command(
        gw, "refund", "approve", row["refund"]["id"], "--partner", office.ids[buyer.partner.partner_id],
        "--order", row["order"]["id"], "--reason", "fine",
    )  # fmt: skip
    assert waiting() == [False] * 3
    buyer.expect_state(orders[2], 4, refunded=1, review=3)


@pytest.mark.interface("lianhe.cancelOrder")
def test_a_review_belongs_to_its_order(office, buyer):
    """Somebody else's order or partner with a refund's id decides nothing."""
    order, other = buyer.bought(office.ticket(), 2), buyer.bought(office.ticket(), 2)
    buyer.cancel(order, 1).ok()
    refund = office.story(buyer, order)["refunds"][0]["id"]
    for who, what in ((buyer, other), (stranger := office.distributor(), stranger.bought(office.ticket()))):
        refused(office.review_raw("approve", who, what, refund))
    buyer.expect_state(order, 4, review=1)


# ---- failed news ----------------------------------------------------------------------------------------------------


@pytest.mark.interface("lianhe.snNotify")
def test_failed_news(gw, office, receiver):
    """Listed until somebody runs them again or settles them, by hand or by command."""
    hook = receiver.hook(*[REFUSE] * 33, rest=say("success"))
    client, deal = office.distributor(hook=hook), office.ticket()
    orders = [client.bought(deal) for _ in range(3)]
    for order in orders:
        office.redeem(order.codes[0])
    gw.advance(53 * 3600)
    hook.wait(33)
    for order in orders:
        office.wait_delivery(client, order, "failed")
    assert len(office.failed(client)) == 3
    partner = office.ids[client.partner.partner_id]
    first, second, third = (office.delivery(client, order) for order in orders)
    command(gw, "task", "settle", first["id"], "--partner", partner, "--reason", "on the telephone")
    command(gw, "task", "retry", second["id"], "--partner", partner)
    office.retry(client, third)
    office.poll()
    hook.wait(35)
    for order in orders:
        office.wait_delivery(client, order, "done")
    assert not office.failed(client) and len(hook.records) == 35
    assert {notice["LHOrderId"] for notice in notices(hook, client.partner)[33:]} == {o.lh for o in orders[1:]}


# ---- resending and the page ---------------------------------------------------------------------------------------


@pytest.mark.interface("lianhe.send")
def test_resent_by_an_operator(gw, office, buyer):
    """Somebody on the telephone has lost the message."""
    phone = f"135{int(unique('')[-8:]) % 10**8:08d}"
    order = buyer.bought(office.ticket(), visitor=[{"name": "王五", "mobile": phone}])
    office.reach(lambda: office.messages_to(phone))
    gw.advance(61)
    story = office.story(buyer, order)
    gw.ops("POST", f"orders/{story['order']['id']}/resend", {}, partner=story["order"]["partner"])
    office.reach(lambda: len(office.messages_to(phone)) == 2)
    assert order.codes[0] in office.messages_to(phone)[1]


def page_of(gw, link):
    return requests.get(gw.base + urlsplit(link).path, timeout=10)


@pytest.mark.parametrize("per_ticket", [False, True], ids=["one-code", "code-each"])
def test_voucher_page(gw, office, buyer, per_ticket):
    """What the message links to: readable, printable, without scripts, a QR code for each code that a gate can scan."""
    phone = f"134{int(unique('')[-8:]) % 10**8:08d}"
    deal = office.ticket(name='Tower <b>&"塔"', per_ticket=per_ticket)
    order = buyer.bought(deal, 3, visitor=[{"name": "王五", "mobile": phone}])
    office.reach(lambda: office.messages_to(phone))
    link = re.search(r"https?://\S+/ticket/[\w-]+", office.messages_to(phone)[0])[0]
    assert office.look(order.codes[0])["link"] == link
    page = page_of(gw, link)
    assert (
        page.status_code == 200 and page.headers["Content-Type"].replace(" ", "").lower() == "text/html;charset=utf-8"
    )
    assert "<script" not in page.text.lower() and "<b>&" not in page.text
    assert 'Tower <b>&"塔"' in unescape(page.text)
    styles = re.findall(r'<link[^>]*rel="stylesheet"[^>]*href="([^"]+)"', page.text)
    styles = [requests.get(gw.base + urlsplit(unescape(source)).path, timeout=10) for source in styles]
    assert any(style.ok and "@media print" in style.text for style in styles) or "@media print" in page.text
    pictures = re.findall(r"<svg.*?</svg>", page.text, re.S)
    for source in re.findall(r'<img[^>]*src="([^"]+)"', page.text):
        pictures.append(requests.get(gw.base + urlsplit(unescape(source)).path, timeout=10).text)
    scanned = [read_svg(picture) for picture in pictures]
    assert scanned == order.codes
    for code in scanned:
        assert code in re.sub(r"[\s-]|<[^>]*>", "", page.text), "for those who must type it"
        office.redeem(code)
    assert page_of(gw, link).status_code == 200


def test_pages_that_are_none(gw, office, buyer):
    """Links cannot be guessed, whoever knows a code or another link."""
    order = buyer.bought(office.ticket())
    link = office.look(order.codes[0])["link"]
    path = urlsplit(link).path
    last = "0" if path[-1] != "0" else "1"
    for wrong in (
        path[:-1] + last,
        path + "0",
        path[:-1],
        "/ticket/",
        "/ticket/x",
        f"/ticket/{order.codes[0]}",
        f"/ticket/{order.lh}",
    ):
        response = requests.get(gw.base + wrong, timeout=10)
        assert response.status_code == 404 and order.codes[0] not in response.text, wrong
    assert requests.post(gw.base + path, timeout=10).status_code == 405
    created = buyer.created(office.ticket())
    assert created.lh not in requests.get(gw.base + path, timeout=10).text


def test_nothing_of_this_is_public(gw, office, buyer):
    """Operators' paths need the token, and are not where partners call."""
    code = buyer.bought(office.ticket()).codes[0]
    for path in ("products", f"tickets/{code}", "refunds/review", "stock/import"):
        response = requests.get(f"{gw.ops_base}/ops/v1/{path}", timeout=10)
        assert response.status_code == 401, path
        headers = {"Authorization": f"Bearer {gw.token}"}
        assert requests.get(f"{gw.base}/ops/v1/{path}", headers=headers, timeout=10).status_code == 404


def test_codes_are_not_logged(gw, office, buyer):
    phone = f"133{int(unique('')[-8:]) % 10**8:08d}"
    order = buyer.bought(office.ticket(), visitor=[{"name": "赵六赵六", "mobile": phone, "credentials": "G7654321"}])
    office.redeem(order.codes[0])
    office.redeem_raw(order.codes[0])
    office.reach(lambda: office.messages_to(phone))
    for word in (order.codes[0], phone, "赵六赵六", "G7654321"):
        assert word not in gw.log_text()


# ---- the books ----------------------------------------------------------------------------------------------------


def test_verify_looks_at_all_of_it(gw, office, buyer):
    order = buyer.bought(office.ticket(per_ticket=True), 3)
    office.redeem(order.codes[0])
    buyer.cancel(order, 1).ok()
    report = gw.verify()
    told = json.dumps(report["checked"]).lower()
    for word in ("stock", "voucher", "deposit"):
        assert word in told, told


def test_everything_survives_a_kill(gw, office, buyer):
    deal = office.ticket(dated=True, days={office.day(1): {"total": 9}})
    day = office.day(1)
    paid, held = buyer.bought(deal, 3, day), buyer.created(deal, 2, day)
    buyer.cancel(paid, 1).ok()

    def known():
        story = office.story(buyer, paid)
        story.pop("link")  # leads to the listener, which has moved
        return story, office.stock(deal, day), office.available(buyer)

    office.reach(lambda: {task["state"] for task in known()[0]["tasks"] if task["kind"] == "send_codes"} == {"done"})
    before = known()
    gw.kill()
    gw.restart()
    assert known() == before
    buyer.expect_state(paid, 4, review=1)
    buyer.expect_state(held, 2)
    office.approve(buyer, paid)
    buyer.pay_order(held).ok(orderStatus=4)
    wait_for(lambda: office.stock(deal, day) == {"total": 9, "held": 0, "sold": 4}, "the stock")
