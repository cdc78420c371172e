"""What may be bought by whom and when: each return code of lianhe orders (section 6.1), with the rules behind it."""

from decimal import Decimal

import pytest

from .lianhe_client import Order, visitor
from .lianhe_wire import day_of, identity_card
from .support import DROP, unique

pytestmark = pytest.mark.interface("lianhe.creatOrder", "lianhe.newOrder")

NOT_ON_SALE, MALFORMED = "product not found or not on sale", "malformed request"
TODAY, TOMORROW = "2016-08-05", "2016-08-06"
HOUR = 3600


@pytest.fixture
def buyer(office):
    return office.distributor()


@pytest.fixture(params=["creatOrder", "newOrder"])
def check(request, buyer):
    """Sends an order that must be refused with a code; nothing is stored, and the right order then takes its number."""

    def check(code, wrong, *texts, right=None):
        buyer.ask(request.param, **wrong).not_created(code, *texts)
        buyer.unknown(wrong["orderId"])
        if right is not None:
            buyer.ask(request.param, **right | {"orderId": wrong["orderId"]}).ok()

    return check


# ---- price and balance --------------------------------------------------------------------------------------------


def test_10001_balance(office):
    """The order is stored, so it is not in the table of those that are not; see test_lianhe_orders."""
    buyer = office.distributor(balance="1.00")
    buyer.new_order(buyer.order(office.ticket())).expect(10001, orderStatus=5)


def test_10002_price_of_the_day(office, buyer, check):
    """A day whose settlement price is nothing, or above the sale price, is not sold until somebody corrects it."""
    deal = office.ticket(dated=True, days={TOMORROW: {}})
    for price in ({"cost": "0.00"}, {"sell": "10.00", "cost": "10.01"}):
        office.days(deal, {TOMORROW: price})
        sell = Decimal(price.get("sell", deal.sell))
        check(10002, buyer.order(deal, 1, TOMORROW, sellPrice=sell))
    office.days(deal, {TOMORROW: {}})
    buyer.bought(deal, 1, TOMORROW)


def test_10006_sale_price(office, buyer, check):
    deal = office.ticket(sell="58.50", cost="50.00")
    right = buyer.order(deal)
    for price in ("58.49", "58.51", "58", "0", "50", "585"):
        check(10006, buyer.order(deal, sellPrice=Decimal(price)), right=right)


def test_10006_sale_price_of_the_day(office, buyer, check):
    """A day's own price counts instead of the product's."""
    deal = office.ticket(dated=True, sell="58.50", days={TODAY: {}, TOMORROW: {"sell": "70.00", "cost": "61.00"}})
    right = buyer.order(deal, 1, TOMORROW, sellPrice=Decimal("70.00"))
    check(10006, buyer.order(deal, 1, TOMORROW), right=right)
    check(10006, buyer.order(deal, 1, TODAY, sellPrice=Decimal("70.00")), right=buyer.order(deal, 1, TODAY))


@pytest.mark.parametrize("text", ["58.5", "58.50", '"58.5"', '"58.50"'])
def test_spellings_of_a_price(office, buyer, text):
    """The same amount with and without its last zero; a numeric text means the same where it is accepted."""
    deal = office.ticket(sell="58.50", cost="50.00")
    call = buyer.call("newOrder", buyer.order(deal, sellPrice="PRICE"))
    data = call.data.decode().replace('"PRICE"', text).encode()
    codes = (10000, 20000) if text.startswith('"') else (10000,)
    buyer.send(call.but(data=data)).expect(*codes)


def test_10007_settlement_price(office, buyer, check):
    """Partners that tell what they believe to pay are told when it is something else."""
    deal = office.ticket(sell="58.50", cost="50.25")
    right = buyer.order(deal, buyPrice=Decimal("50.25"))
    for price in ("50.24", "50.26", "50", "58.50"):
        check(10007, buyer.order(deal, buyPrice=Decimal(price)), right=right)


# ---- the day ------------------------------------------------------------------------------------------------------


def test_10004_day_needed(office, buyer, check):
    deal = office.ticket(dated=True, days={TOMORROW: {}})
    right = buyer.order(deal, 1, TOMORROW)
    check(10004, buyer.order(deal), right=right)
    check(10004, buyer.order(deal, 1, ""), right=right)


def test_day_of_an_undated_product(office, buyer):
    """It has no meaning there: ignored, or refused as a day that is not sold."""
    answer = buyer.new_order(buyer.order(office.ticket(), 1, TOMORROW)).expect(10000, 10005)
    assert answer["orderStatus"] == (4 if answer.code == 10000 else 3)


def test_10005_day_not_sold(office, buyer, check):
    """Not in the calendar, closed, or over."""
    days = {"2016-08-04": {}, TODAY: {}, TOMORROW: {}, "2016-08-07": {"closed": True}}
    deal = office.ticket(dated=True, days=days)
    right = buyer.order(deal, 1, TOMORROW)
    for day in ("2016-08-04", "2016-08-07", "2016-08-08", "2015-08-06", "2999-12-31"):
        check(10005, buyer.order(deal, 1, day), right=right)
    office.days(deal, {"2016-08-07": {"closed": False}})
    buyer.bought(deal, 1, "2016-08-07")
    buyer.bought(deal, 1, TODAY)


@pytest.mark.parametrize("day", ["2016-8-6", "06-08-2016", "20160806", "2016-02-30", "tomorrow", "2016-08-06 00:00:00"])
def test_days_that_are_none(office, buyer, day):
    deal = office.ticket(dated=True, days={TOMORROW: {}})
    fields = buyer.order(deal, 1, day)
    buyer.new_order(fields).expect(20000, 10005)
    buyer.unknown(fields["orderId"])


def test_10008_in_advance(office, buyer, check):
    """Whole days between the order and the visit, in the protocol's zone; 0 is the same day."""
    now = office.gateway.now_ms()
    days = {day_of(now, n): {} for n in range(5)}
    for ahead in (0, 1, 3):
        deal = office.ticket(dated=True, allowday=ahead, days=days)
        right = buyer.order(deal, 1, day_of(now, ahead))
        for n in range(ahead):
            check(10008, buyer.order(deal, 1, day_of(now, n)), right=right)
        buyer.bought(deal, 1, day_of(now, ahead))


# ---- stock and quantities -----------------------------------------------------------------------------------------


def test_10009_sold_out(office, buyer, check):
    deal = office.ticket(total=3)
    check(10009, buyer.order(deal, 4), right=buyer.order(deal, 2))
    check(10009, buyer.order(deal, 2))
    buyer.bought(deal, 1)
    check(10009, buyer.order(deal, 1))
    office.set_stock(deal, 4)
    buyer.bought(deal, 1)


def test_10009_of_one_day(office, buyer, check):
    """Days do not lend each other anything."""
    deal = office.ticket(dated=True, days={TODAY: {"total": 1}, TOMORROW: {"total": 5}, "2016-08-07": {"total": 0}})
    check(10009, buyer.order(deal, 2, TODAY), right=buyer.order(deal, 2, TOMORROW))
    check(10009, buyer.order(deal, 1, "2016-08-07"))
    buyer.bought(deal, 1, TODAY)
    check(10009, buyer.order(deal, 1, TODAY))
    assert buyer.prices(deal, TODAY, TOMORROW)[TODAY]["stock"] == 0


def test_10011_and_10012_quantities(office, buyer, check):
    deal = office.ticket(total=100, min_buy=2, max_buy=5)
    right = buyer.order(deal, 5)
    check(10012, buyer.order(deal, 1), right=buyer.order(deal, 2))
    for quantity in (6, 100, 2**31 - 1, 2**31, 2**32, 2**63, 10**30):
        wrong = buyer.order(deal, quantity)
        if quantity < 2**31:
            check(10011, wrong, right=right)
        else:  # too large for a number of tickets at all: too many, or malformed
            buyer.new_order(wrong).expect(10011, 20000)
            buyer.unknown(wrong["orderId"])


@pytest.mark.parametrize("quantity", [0, -1, 1.5, "x", None, [], True, DROP, ""])
def test_quantities_that_are_none(office, buyer, quantity):
    deal = office.ticket()
    fields = buyer.order(deal, quantity)
    buyer.new_order(fields).expect(20000, 10012)
    buyer.unknown(fields["orderId"])
    assert office.stock(deal)["sold"] == 0


# ---- people -------------------------------------------------------------------------------------------------------


def test_10010_phone(office, buyer, check):
    deal = office.ticket()
    right = buyer.order(deal)
    for who in ([visitor(mobile="")], [visitor(mobile=DROP)], [visitor(mobile="  ")], visitor(mobile="")):
        check(10010, buyer.order(deal, visitor=who), right=right)


def test_no_travellers_at_all(office, buyer):
    deal = office.ticket()
    for who in ([], {}, DROP, None, "张三", [None], [[]], 7):
        fields = buyer.order(deal, visitor=who)
        buyer.new_order(fields).expect(20000, 10010, 10013)
        buyer.unknown(fields["orderId"])


def test_10013_one_person_per_ticket(office, buyer, check):
    deal = office.ticket(each=True)
    right = buyer.order(deal, 3, visitor=[visitor(name=f"n{n}") for n in range(3)])
    check(10013, buyer.order(deal, 3), right=right)
    check(10013, buyer.order(deal, 3, visitor=visitor()), right=right)
    check(10013, buyer.order(deal, 3, visitor=[visitor(), visitor(name="李四")]), right=right)
    buyer.new_order(buyer.order(deal, 1)).ok(orderStatus=4)


def test_10016_document_missing(office, buyer, check):
    """Of the one who is named, or of each."""
    one, each = office.ticket(documents=True), office.ticket(documents=True, each=True)
    card = identity_card(1)
    for document in (DROP, "", "  "):
        right = buyer.order(one, 2, visitor=[visitor(credentials=card)])
        check(10016, buyer.order(one, 2, visitor=[visitor(credentials=document)]), right=right)
        people = [visitor(credentials=card), visitor(name="李四", credentials=document)]
        right = buyer.order(each, 2, visitor=[visitor(credentials=identity_card(n)) for n in (1, 2)])
        check(10016, buyer.order(each, 2, visitor=people), right=right)


WRONG_CARDS = {
    "checksum": identity_card(1, right=False),
    "short": identity_card(1)[:-1],
    "long": identity_card(1) + "1",
    "letters": "A" + identity_card(1)[1:],
    "month": identity_card(1, born="19901307"),
    "day": identity_card(1, born="19900230"),
    "fifteen-month": "110105901307001",
    "fifteen-letters": "11010590030700X",
    "spaces": identity_card(1)[:9] + " " + identity_card(1)[10:],
    "full-width": "１" + identity_card(1)[1:],
}


@pytest.mark.parametrize("name", WRONG_CARDS)
def test_10003_identity(office, buyer, check, name):
    """A PRC identity card is checked: its date and its check digit."""
    deal = office.ticket(documents=True)
    for kind in (DROP, 0, "0"):
        wrong = [visitor(credentials=WRONG_CARDS[name], credentialstype=kind)]
        right = buyer.order(deal, visitor=[visitor(credentials=identity_card(1), credentialstype=kind)])
        check(10003, buyer.order(deal, visitor=wrong), right=right)


def test_10003_of_the_second_traveller(office, buyer, check):
    deal = office.ticket(documents=True, each=True)
    people = [visitor(credentials=identity_card(1)), visitor(credentials=identity_card(2, right=False))]
    check(10003, buyer.order(deal, 2, visitor=people))


def test_documents_that_are_right(office, buyer):
    """All check digits, the X in both cases, the old form of fifteen digits, and other kinds as they are given."""
    deal = office.ticket(documents=True, total=1000)
    cards = [identity_card(n) for n in range(1, 23)]
    assert {card[-1] for card in cards} == set("0123456789X")
    cards += ["110105900307001"] + [card.lower() for card in cards if card.endswith("X")][:1]
    for card in cards:
        buyer.bought(deal, visitor=[visitor(credentials=card)])
    for kind in (1, "1", 2, "passport"):
        buyer.bought(deal, visitor=[visitor(credentials="G12345678", credentialstype=kind)])


def test_documents_of_other_products(office, buyer):
    """Nobody looks at them where none is needed."""
    buyer.bought(office.ticket(), visitor=[visitor(credentials="whatever")])


# ---- products -----------------------------------------------------------------------------------------------------


def test_10017_counter_only(office, buyer, check):
    check(10017, buyer.order(office.ticket(counter_only=True)))


def test_products_that_are_not_on_sale(office, buyer, check):
    """Unknown, off sale, before and after the sale window."""
    fields = buyer.order(office.ticket())
    for deal_id in ("1", "0", "-1", "x", "", "99999999999999999999999999", "1e3"):
        wrong = fields | {"LHDealId": deal_id, "orderId": unique("L")}
        answer = buyer.new_order(wrong).expect(20000)
        assert NOT_ON_SALE in answer.describe.lower() or MALFORMED in answer.describe.lower(), answer.text
        buyer.unknown(wrong["orderId"])

    now = office.gateway.now_ms()
    later = office.ticket(sale_from_ms=now + HOUR * 1000)
    over = office.ticket(sale_until_ms=now + 2 * HOUR * 1000)
    off = office.ticket()
    office.off_sale(off)
    check(20000, buyer.order(later), NOT_ON_SALE)
    check(20000, buyer.order(off), NOT_ON_SALE, right=buyer.order(over))
    office.gateway.advance(HOUR)
    check(20000, buyer.order(off), NOT_ON_SALE, right=buyer.order(later))
    buyer.bought(over)
    office.gateway.advance(HOUR)
    check(20000, buyer.order(over), NOT_ON_SALE)
    office.on_sale(off)
    buyer.bought(off)


def test_what_was_sold_keeps_its_rights(office, buyer):
    """A product off sale is still paid for when it was created before, redeemed and given back."""
    deal = office.ticket()
    created, bought = buyer.created(deal), buyer.bought(deal, 2)
    office.off_sale(deal)
    office.redeem(bought.codes[0])
    buyer.cancel(bought, 1).ok(orderStatus=6)
    buyer.pay_order(created).expect(10000, 20000)


def test_price_as_agreed(office, buyer):
    """A new price is for new orders; one that was created before is paid as agreed."""
    deal = office.ticket(sell="58.50", cost="50.00")
    order = buyer.created(deal, 2)
    office.change(deal, sell="80.00", cost="70.00", market="90.00")
    buyer.new_order(buyer.order(deal)).not_created(10006)
    buyer.pay_order(order).ok(orderStatus=4)
    assert office.available(buyer) == Decimal("10000.00") - 100
    buyer.new_order(buyer.order(deal, sellPrice=Decimal("80.00"))).ok(orderStatus=4)
    assert office.available(buyer) == Decimal("10000.00") - 170


# ---- validity -----------------------------------------------------------------------------------------------------


def test_aftertime(office, buyer):
    """The voucher counts only so many minutes after the payment."""
    order = buyer.bought(office.ticket(aftertime=30))
    assert office.redeem_raw(order.codes[0]).status_code // 100 == 4
    office.gateway.advance(30 * 60 - 2)
    assert office.redeem_raw(order.codes[0]).status_code // 100 == 4
    buyer.expect_state(order, 4)
    office.gateway.advance(4)
    office.redeem(order.codes[0])
    buyer.expect_state(order, 8, used=1)


def test_redemption_period(office, buyer):
    """Not before `beginTime` and not after `expireTime`."""
    now = office.gateway.now_ms()
    deal = office.ticket(begin_ms=now + HOUR * 1000, expire_ms=now + 2 * HOUR * 1000)
    order = buyer.bought(deal, 2)
    assert office.redeem_raw(order.codes[0]).status_code // 100 == 4
    office.gateway.advance(HOUR + 1)
    office.redeem(order.codes[0])
    office.gateway.advance(HOUR)
    assert office.redeem_raw(order.codes[0]).status_code // 100 == 4
    buyer.expect_state(order, 9, used=1)


def test_redemption_on_the_day(office, buyer):
    """A dated ticket is for its day, in the protocol's zone."""
    now = office.gateway.now_ms()
    day = day_of(now, 1)
    order = buyer.bought(office.ticket(dated=True, days={day: {}}), 2, day)
    assert office.redeem_raw(order.codes[0]).status_code // 100 == 4, "the day before"
    office.to_day(day)
    office.redeem(order.codes[0])
    office.to_day(day_of(now, 2))
    assert office.redeem_raw(order.codes[0]).status_code // 100 == 4, "the day after"
    buyer.expect_state(order, 9, used=1)


def test_created_orders_answer_with_the_first_problem(office, buyer):
    """Whatever is wrong besides, an order that cannot be is refused with one assigned code."""
    deal = office.ticket(min_buy=2, max_buy=3, documents=True, each=True, total=1)
    for quantity in (1, 2, 3, 4):
        fields = buyer.order(deal, quantity, sellPrice=Decimal("1"), visitor=[visitor(mobile="")])
        answer = buyer.new_order(fields)
        assert answer.code not in (10000, 10014, 10015), answer.text
        answer.not_created(answer.code)


def test_a_failed_order_is_no_order(office, buyer):
    """Number and stock are free again after each refusal, as often as it happens."""
    deal, number = office.ticket(total=1), unique("again")
    for _ in range(5):
        buyer.new_order(buyer.order(deal, 2, orderId=number)).not_created(10009)
    fields = buyer.order(deal, 1, orderId=number)
    order = Order(fields, buyer.new_order(fields).ok(orderStatus=4))
    buyer.expect_state(order, 4)
