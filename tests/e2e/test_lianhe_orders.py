"""Buying with lianhe: creatOrder, payOrder, newOrder, queryOrder and send (sections 4, 5.3 to 5.8, 7.1)."""

import re
from decimal import Decimal

import pytest

from .lianhe_client import Order, codes_of, visitor
from .lianhe_wire import day_of, identity_card, ms_of
from .support import DROP, unique

pytestmark = pytest.mark.interface("lianhe.queryOrder")

DUPLICATE, STATE = "duplicate order with different content", "order state does not allow this"
NOT_FOUND, MALFORMED = "order not found", "malformed request"
HOLD = 30 * 60


@pytest.fixture
def buyer(office):
    return office.distributor()


@pytest.fixture
def deal(office):
    return office.ticket(sell="58.50", cost="50.25", total=20)


# ---- creatOrder and payOrder ----------------------------------------------------------------------------------------


@pytest.mark.interface("lianhe.creatOrder", "lianhe.payOrder")
def test_created_then_paid(office, buyer, deal):
    order = buyer.created(deal, 3)
    assert order.lh.isdecimal(), "stored as a string by partners, but a number in their samples"
    assert office.stock(deal) == {"total": 20, "held": 3, "sold": 0}
    found = buyer.expect_state(order, 2)
    assert not found.body.get("voucher")
    assert office.available(buyer) == Decimal("10000.00"), "nothing is taken before it is paid"

    paid = buyer.pay_order(order, payId=unique("bank")).ok(orderStatus=4, LHOrderId=order.lh, voucherType=0)
    assert codes_of(paid)
    assert office.stock(deal) == {"total": 20, "held": 0, "sold": 3}
    assert office.available(buyer) == Decimal("10000.00") - 3 * Decimal("50.25")
    assert buyer.expect_state(order, 4)["voucher"] == paid["voucher"]


@pytest.mark.interface("lianhe.payOrder")
def test_paid_twice(office, buyer, deal):
    """The same data repeat the success answer, and nothing is taken twice."""
    order = buyer.created(deal, 2)
    first = buyer.pay_order(order).ok(orderStatus=4)
    left = office.available(buyer)
    for again in (buyer.pay_order(order), buyer.pay_order(order, payId=unique("bank"))):
        again.ok(**first.body)
    assert office.available(buyer) == left
    assert office.stock(deal) == {"total": 20, "held": 0, "sold": 2}
    buyer.expect_state(order, 4)


@pytest.mark.interface("lianhe.payOrder")
def test_paid_with_other_data(office, buyer, deal):
    """What is paid must be what was created; before and after the payment."""
    other = office.ticket(sell="58.50", cost="50.25")
    order = buyer.created(deal, 2)
    wrong = [{"quantity": 1}, {"quantity": 3}, {"sellPrice": Decimal("58.51")}, {"LHDealId": other.id}]
    for changes in wrong:
        buyer.pay_order(order, **changes).refused()
        buyer.expect_state(order, 2)
    buyer.pay_order(order).ok(orderStatus=4)
    for changes in wrong:
        buyer.pay_order(order, **changes).refused()
    buyer.expect_state(order, 4)
    assert office.available(buyer) == Decimal("10000.00") - 2 * Decimal("50.25")


@pytest.mark.interface("lianhe.payOrder")
def test_paid_for_another_day(office, buyer):
    deal = office.ticket(dated=True, days={"2016-08-06": {}, "2016-08-07": {}})
    order = buyer.created(deal, 1, "2016-08-06")
    buyer.pay_order(order, travelDate="2016-08-07").refused()
    buyer.pay_order(order, travelDate=DROP).expect(10004, 20000)
    buyer.expect_state(order, 2)
    buyer.pay_order(order).ok(orderStatus=4)


@pytest.mark.interface("lianhe.payOrder")
@pytest.mark.parametrize("shape", [lambda who: who, lambda who: [who]], ids=["object", "array"])
def test_traveller_of_the_payment(office, buyer, shape):
    """It takes the place of the first one, so that the codes go to that phone; both shapes are read."""
    deal = office.ticket()
    phone = f"139{int(unique('')[-8:]) % 10**8:08d}"
    order = buyer.created(deal)
    buyer.pay_order(order, visitor=shape(visitor(mobile=phone))).ok(orderStatus=4)
    office.gateway.advance(1)
    assert office.messages_to(phone), "the codes go to the traveller of the payment"


@pytest.mark.interface("lianhe.payOrder")
def test_payment_without_a_phone(office, buyer, deal):
    order = buyer.created(deal)
    buyer.pay_order(order, visitor=visitor(mobile="")).expect(10010)
    buyer.pay_order(order, visitor=DROP).expect(20000, 10010)
    buyer.expect_state(order, 2)
    buyer.pay_order(order).ok(orderStatus=4)


@pytest.mark.interface("lianhe.payOrder")
def test_payment_of_a_real_name_order(office, buyer):
    """The traveller who takes the first one's place has to show a document, too."""
    deal = office.ticket(each=True, documents=True)
    people = [visitor(credentials=identity_card(n)) for n in (1, 2)]
    order = buyer.created(deal, 2, visitor=people)
    buyer.pay_order(order, visitor=visitor()).expect(10016)
    buyer.pay_order(order, visitor=visitor(credentials=identity_card(3, right=False))).expect(10003)
    buyer.expect_state(order, 2)
    buyer.pay_order(order, visitor=visitor(credentials=identity_card(4))).ok(orderStatus=4)


@pytest.mark.interface("lianhe.payOrder")
def test_names_of_the_order_must_fit(office, buyer, deal):
    """Number and id of the same order of the same partner, or it is not found."""
    order, other = buyer.created(deal), buyer.created(deal)
    stranger = office.distributor()
    for changes in (
        {"LHOrderId": other.lh},
        {"orderId": other.number},
        {"orderId": unique("none")},
        {"LHOrderId": "1"},
    ):
        buyer.pay_order(order, **changes).refused(NOT_FOUND)
    stranger.pay_order(order).refused(NOT_FOUND)
    stranger.query(order).refused(NOT_FOUND, orderStatus=0)
    stranger.cancel(order, 1).refused(NOT_FOUND)
    stranger.resend(order).refused(NOT_FOUND)
    buyer.query(order, LHOrderId=other.lh).refused(NOT_FOUND, orderStatus=0, LHOrderId=other.lh, orderId=order.number)
    buyer.cancel(order, 1, LHOrderId=other.lh).refused(NOT_FOUND)
    buyer.resend(order, LHOrderId=other.lh).refused(NOT_FOUND)
    for one in (order, other):
        buyer.expect_state(one, 2)


@pytest.mark.interface("lianhe.creatOrder", "lianhe.payOrder", "lianhe.cancelOrder")
def test_ids_as_numbers(buyer, deal):
    """A number is accepted for an id and kept as its decimal text."""
    number = int(unique("")[-8:]) + 10**9
    fields = buyer.order(deal, orderId=number, LHDealId=int(deal.id))
    created = buyer.creat_order(fields).ok(orderStatus=2)
    order = Order(fields | {"orderId": str(number)}, created)
    buyer.expect_state(order, 2)
    buyer.pay_order(order, orderId=number, LHOrderId=int(order.lh), LHDealId=int(deal.id), payId=7).ok(orderStatus=4)
    buyer.query(order, orderId=number, LHOrderId=int(order.lh)).ok(orderStatus=4, orderId=str(number))
    buyer.cancel(order, 1, refund=12345, orderId=number, LHOrderId=int(order.lh)).ok(orderStatus=6)


def test_long_ids_stay_exact(buyer, deal):
    """Ids are texts, however much they look like numbers."""
    for number in ("00012345678901234567890", "1e5", "1.0", "-7", "茶" * 10, " x ", "a/b?c&d=e", "\U0001f375"):
        number = unique(number)
        order = buyer.bought(deal, orderId=number)
        assert buyer.lost(number).ok(orderId=number)["LHOrderId"] == order.lh


# ---- holding ------------------------------------------------------------------------------------------------------


@pytest.mark.interface("lianhe.creatOrder")
def test_unpaid_orders_lapse(office, buyer):
    """Held for thirty minutes; then the tickets are free again and the order is over."""
    deal = office.ticket(total=3)
    order = buyer.created(deal, 3)
    buyer.creat_order(buyer.order(deal)).not_created(10009)
    office.gateway.advance(HOLD - 2)
    buyer.expect_state(order, 2)
    buyer.creat_order(buyer.order(deal)).not_created(10009)
    office.gateway.advance(4)
    office.reach(lambda: buyer.query(order)["orderStatus"] == 6)
    buyer.query(order).ok(orderStatus=6)
    assert office.stock(deal) == {"total": 3, "held": 0, "sold": 0}
    buyer.pay_order(order).refused(STATE)
    buyer.cancel(order, 3).refused()
    buyer.bought(deal, 3)
    buyer.query(order).ok(orderStatus=6)


@pytest.mark.interface("lianhe.payOrder")
def test_paid_in_the_last_second(office, buyer, deal):
    order = buyer.created(deal)
    office.gateway.advance(HOLD - 1)
    buyer.pay_order(order).ok(orderStatus=4)
    office.gateway.advance(HOLD)
    buyer.expect_state(order, 4)
    assert office.stock(deal) == {"total": 20, "held": 0, "sold": 1}


@pytest.mark.interface("lianhe.cancelOrder")
def test_unpaid_order_is_cancelled_at_once(office, buyer, deal):
    order = buyer.created(deal, 5)
    buyer.cancel(order, 5).ok(orderStatus=6, LHOrderId=order.lh)
    buyer.query(order).ok(orderStatus=6)
    assert office.stock(deal) == {"total": 20, "held": 0, "sold": 0}
    buyer.pay_order(order).refused(STATE)
    office.gateway.advance(HOLD + 60)
    buyer.query(order).ok(orderStatus=6)
    assert office.stock(deal) == {"total": 20, "held": 0, "sold": 0}


# ---- newOrder -----------------------------------------------------------------------------------------------------


@pytest.mark.interface("lianhe.newOrder")
def test_bought_in_one_step(office, buyer, deal):
    order = buyer.bought(deal, 4, payId=unique("bank"), smsfrom=0)
    assert office.stock(deal) == {"total": 20, "held": 0, "sold": 4}
    assert office.available(buyer) == Decimal("10000.00") - 4 * Decimal("50.25")
    found = buyer.expect_state(order, 4, review=0)
    assert found["voucher"] == order.answer["voucher"]


@pytest.mark.interface("lianhe.newOrder", "lianhe.creatOrder")
@pytest.mark.parametrize("operation", ["newOrder", "creatOrder"])
def test_repeated_with_the_same_content(office, buyer, deal, operation):
    """The existing order comes back unchanged. Only deal, quantity, price and date are its content."""
    fields = buyer.order(deal, 2)
    first = buyer.ask(operation, **fields).ok()
    for _ in range(3):
        buyer.ask(operation, **fields).ok(**first.body)
    buyer.ask(operation, **fields | {"visitor": [visitor(name="李四")], "payId": "another"}).ok(**first.body)
    sold = office.stock(deal)
    assert sold["held"] + sold["sold"] == 2


@pytest.mark.interface("lianhe.newOrder", "lianhe.creatOrder", "lianhe.payOrder")
def test_repeated_across_the_operations(office, buyer, deal):
    """An order that was created by one of them is known to the other."""
    order = buyer.created(deal)
    again = buyer.new_order(order.fields).expect(10000, 20000)
    if again.code == 10000:
        assert again["LHOrderId"] == order.lh
    if buyer.query(order)["orderStatus"] == 2:
        buyer.pay_order(order).ok(orderStatus=4)
    buyer.new_order(order.fields).ok(orderStatus=4, LHOrderId=order.lh)
    buyer.creat_order(order.fields).ok(orderStatus=4, LHOrderId=order.lh)
    assert office.stock(deal) == {"total": 20, "held": 0, "sold": 1}


@pytest.mark.interface("lianhe.newOrder", "lianhe.creatOrder")
@pytest.mark.parametrize("operation", ["newOrder", "creatOrder"])
def test_repeated_with_other_content(office, buyer, deal, operation):
    other = office.ticket(sell="58.50", cost="50.25")
    fields = buyer.order(deal, 2)
    first = buyer.ask(operation, **fields).ok()
    for changes in ({"quantity": 3}, {"LHDealId": other.id}, {"sellPrice": Decimal("58.60")}):
        buyer.ask(operation, **fields | changes).refused(DUPLICATE)
    buyer.ask(operation, **fields).ok(**first.body)
    assert office.stock(deal)["sold"] + office.stock(deal)["held"] == 2


@pytest.mark.interface("lianhe.newOrder")
def test_repeated_for_another_day(office, buyer):
    deal = office.ticket(dated=True, days={"2016-08-06": {}, "2016-08-07": {}})
    order = buyer.bought(deal, 1, "2016-08-06")
    buyer.new_order(order.fields | {"travelDate": "2016-08-07"}).refused(DUPLICATE)
    buyer.new_order(order.fields).ok(**order.answer.body)


@pytest.mark.interface("lianhe.newOrder")
def test_numbers_are_the_partners_own(office, buyer, deal):
    """Two partners may use the same number, and know nothing of each other."""
    other, number = office.distributor(), unique("same")
    mine, theirs = buyer.bought(deal, 1, orderId=number), other.bought(deal, 2, orderId=number)
    assert mine.lh != theirs.lh and set(mine.codes).isdisjoint(theirs.codes)
    buyer.expect_state(mine, 4)
    other.expect_state(theirs, 4)


@pytest.mark.interface("lianhe.newOrder")
def test_shape_of_the_travellers(buyer, deal):
    """An array by the manual, an object by a public client."""
    for who in (
        [visitor()],
        visitor(),
        [visitor(), visitor(name="李四", email="l@example.com", address="x", zipcode="1")],
    ):
        buyer.bought(deal, 2, visitor=who)


@pytest.mark.interface("lianhe.newOrder", "lianhe.payOrder")
def test_balance_too_low(office, deal):
    """The order exists but is not paid; after a deposit it can be."""
    buyer = office.distributor(balance="100.00")
    fields = buyer.order(deal, 2)
    order = Order(fields, buyer.new_order(fields).expect(10001, orderStatus=5))
    assert order.lh and not order.answer.body.get("voucher")
    buyer.expect_state(order, 5)
    assert office.available(buyer) == Decimal("100.00")
    buyer.pay_order(order).expect(10001, orderStatus=5)
    again = buyer.new_order(fields).expect(10000, 10001, orderStatus=5)
    assert again["LHOrderId"] == order.lh, "unchanged"
    office.deposit(buyer, "0.50")
    assert office.available(buyer) == Decimal("100.50")
    buyer.pay_order(order).ok(orderStatus=4, LHOrderId=order.lh)
    assert office.available(buyer) == 0
    buyer.expect_state(order, 4)


@pytest.mark.interface("lianhe.payOrder")
def test_balance_too_low_for_a_created_order(office, deal):
    buyer = office.distributor(balance="50.24")
    order = buyer.created(deal)
    buyer.pay_order(order).expect(10001, orderStatus=5)
    buyer.expect_state(order, 5)
    assert office.stock(deal) == {"total": 20, "held": 1, "sold": 0}, "still held, because it can still be paid"
    office.deposit(buyer, "0.01")
    buyer.pay_order(order).ok(orderStatus=4)


@pytest.mark.interface("lianhe.newOrder", "lianhe.cancelOrder")
def test_unpaid_because_of_the_balance(office, deal):
    """It lapses or is cancelled as any other unpaid order."""
    buyer = office.distributor(balance="0.00")
    fields = buyer.order(deal, 2)
    lapsing = Order(fields, buyer.new_order(fields).expect(10001, orderStatus=5))
    fields = buyer.order(deal, 2)
    cancelled = Order(fields, buyer.new_order(fields).expect(10001, orderStatus=5))
    buyer.cancel(cancelled, 2).ok(orderStatus=6)
    buyer.query(cancelled).ok(orderStatus=6)
    office.gateway.advance(HOLD + 2)
    office.reach(lambda: buyer.query(lapsing)["orderStatus"] == 6)
    buyer.query(lapsing).ok(orderStatus=6)
    assert office.stock(deal) == {"total": 20, "held": 0, "sold": 0}


@pytest.mark.interface("lianhe.newOrder")
def test_credit_limit(office, deal):
    """The balance may go below nothing as far as the operator allows it."""
    buyer = office.distributor(balance="0.00", credit_limit="100.50")
    buyer.bought(deal, 2)
    assert office.available(buyer) == Decimal("-100.50")
    buyer.new_order(buyer.order(deal)).expect(10001, orderStatus=5)
    assert office.available(buyer) == Decimal("-100.50")


# ---- queryOrder ---------------------------------------------------------------------------------------------------


def test_lost_answer(buyer, deal):
    """Without the platform's id the partner's own number decides."""
    order = buyer.bought(deal, 2)
    found = buyer.lost(order.number).ok(orderStatus=4, orderQuantity=2, LHOrderId=order.lh)
    assert found["voucher"] == order.answer["voucher"]
    buyer.ask("queryOrder", orderId=order.number, LHOrderId="", LHDealId=deal.id).ok(orderStatus=4)


def test_unknown_orders(buyer):
    number = unique("none")
    buyer.unknown(number)
    names = {"orderId": number, "LHOrderId": "1234567890123456789"}
    buyer.ask("queryOrder", **names).refused(NOT_FOUND, orderStatus=0, **names)
    for lh in ("0", "-1", "x", "99999999999999999999999", "1.5", " "):
        buyer.ask("queryOrder", orderId=number, LHOrderId=lh).refused(NOT_FOUND, orderStatus=0)


def test_refused_orders_are_not_stored(buyer, deal):
    fields = buyer.order(deal, 21)
    buyer.new_order(fields).not_created(10009)
    buyer.unknown(fields["orderId"])


# ---- codes --------------------------------------------------------------------------------------------------------


@pytest.mark.interface("lianhe.newOrder")
def test_codes(office, buyer):
    """One for the order or one per ticket; unique, and not to be guessed from their neighbours."""
    one, each = office.ticket(total=200), office.ticket(total=200, per_ticket=True)
    orders = [buyer.bought(one, 3) for _ in range(10)] + [buyer.bought(each, 3) for _ in range(10)]
    assert [len(order.codes) for order in orders] == [1] * 10 + [3] * 10
    codes = [code for order in orders for code in order.codes]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[0-9A-Z]{10,32}", code) for code in codes), codes
    heads = {code[:4] for code in codes}
    assert len(heads) > len(codes) // 2, "codes of one moment look alike"


@pytest.mark.interface("lianhe.newOrder")
def test_codes_have_a_check(office, buyer):
    """A mistyped code is known to be none, whichever digit it was."""
    code = buyer.bought(office.ticket()).codes[0]
    for place in range(len(code)):
        wrong = code[:place] + ("1" if code[place] != "1" else "2") + code[place + 1 :]
        assert office.redeem_raw(wrong).status_code // 100 == 4
    office.redeem(code)


# ---- send ---------------------------------------------------------------------------------------------------------


@pytest.mark.interface("lianhe.newOrder", "lianhe.send")
def test_codes_are_sent(office, buyer):
    """By the platform unless the partner does it; sent again when asked for."""
    deal = office.ticket(name="Garden 园", per_ticket=True)
    phones = [f"137{int(unique('')[-8:]) % 10**8:08d}" for _ in range(2)]
    ours = buyer.bought(deal, 2, visitor=[visitor(mobile=phones[0])])
    theirs = buyer.bought(deal, 2, visitor=[visitor(mobile=phones[1])], smsfrom=1)
    office.reach(lambda: office.messages_to(phones[0]))
    told = office.messages_to(phones[0])
    assert len(told) == 1 and all(code in told[0] for code in ours.codes) and "Garden 园" in told[0]
    office.gateway.advance(120)
    assert not office.messages_to(phones[1])
    buyer.resend(theirs).ok(voucher=theirs.answer["voucher"], voucherType=0)
    office.reach(lambda: office.messages_to(phones[1]))
    assert all(code in office.messages_to(phones[1])[0] for code in theirs.codes)


@pytest.mark.interface("lianhe.send")
def test_limits_of_sending(office, buyer, deal):
    """One per minute and five per order."""
    phone = f"136{int(unique('')[-8:]) % 10**8:08d}"
    order = buyer.bought(deal, visitor=[visitor(mobile=phone)])
    for _ in range(5):
        office.gateway.advance(61)
        buyer.resend(order).ok(voucher=order.answer["voucher"])
        buyer.resend(order).refused(voucher="")
    office.gateway.advance(58)
    buyer.resend(order).refused(voucher="")
    office.gateway.advance(3600)
    buyer.resend(order).refused(voucher="")
    assert len(office.messages_to(phone)) == 6
    buyer.expect_state(order, 4)


@pytest.mark.interface("lianhe.send")
def test_when_codes_are_sent_again(office, buyer):
    """While paid and something is left."""
    deal = office.ticket()
    order = buyer.created(deal, 2)
    buyer.resend(order).refused(STATE, voucher="")
    buyer.pay_order(order).ok(orderStatus=4)
    office.gateway.advance(61)
    buyer.resend(order).ok()
    code = codes_of(buyer.query(order))[0]
    office.redeem(code)
    office.gateway.advance(61)
    buyer.expect_state(order, 9, used=1)
    buyer.resend(order).ok()
    office.redeem(code)
    office.gateway.advance(61)
    buyer.expect_state(order, 8, used=2)
    buyer.resend(order).refused(STATE, voucher="")
    refunded = buyer.bought(deal)
    buyer.cancel(refunded, 1).ok()
    office.approve(buyer, refunded)
    office.gateway.advance(61)
    buyer.resend(refunded).refused(STATE, voucher="")
    buyer.ask("send", orderId=unique("none"), LHOrderId="1").refused(NOT_FOUND, voucher="")


# ---- life cycle ---------------------------------------------------------------------------------------------------


def test_every_status_of_an_order(office, buyer, deal):
    """Section 7.1 in one walk: 0, 3, 2, 5, 4, 9, 8 and 6."""
    number = unique("walk")
    buyer.unknown(number)
    buyer.creat_order(buyer.order(deal, 99, orderId=number)).not_created(10009)
    poor = office.distributor(balance="0.00")
    order = poor.created(deal, 2, orderId=number)
    poor.expect_state(order, 2, review=0)
    poor.pay_order(order).expect(10001, orderStatus=5)
    poor.expect_state(order, 5)
    office.deposit(poor, "1000.00")
    paid = poor.pay_order(order).ok(orderStatus=4)
    poor.expect_state(order, 4)
    office.redeem(codes_of(paid)[0])
    poor.expect_state(order, 9, used=1)
    office.redeem(codes_of(paid)[0])
    poor.expect_state(order, 8, used=2)
    other = poor.bought(deal)
    poor.cancel(other, 1).ok(orderStatus=6, reStatus=1)
    office.approve(poor, other)
    poor.expect_state(other, 6, refunded=1, review=3)


def test_times_are_of_the_protocols_zone(office, buyer):
    """A day ends at midnight in GMT+8: 16:00 GMT."""
    now = office.gateway.now_ms()
    today, tomorrow = day_of(now), day_of(now, 1)
    deal = office.ticket(dated=True, days={today: {}})
    buyer.bought(deal, 1, today)
    office.gateway.advance((ms_of(tomorrow) - now) // 1000 - 2)
    buyer.bought(deal, 1, today)
    office.gateway.advance(4)
    buyer.new_order(buyer.order(deal, 1, today)).not_created(10005)
