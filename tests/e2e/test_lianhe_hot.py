"""Many lianhe buyers at once: never a ticket too many, never a balance below its limit, nothing lost by kills."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
import requests

from .lianhe_client import Order
from .lianhe_office import Office
from .support import unique, wait_for

pytestmark = pytest.mark.interface("lianhe.newOrder")
DAY = "2016-08-06"
THREADS = 60


def together(function, arguments):
    """All calls begun at the same moment; gives their results."""
    barrier = threading.Barrier(len(arguments))

    def run(argument):
        barrier.wait(60)
        return function(argument)

    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(run, arguments))


class Watch:
    """Looks at a stock all the time: sold and held never exceed what there is."""

    def __init__(self, office, deal, day):
        self.office, self.deal, self.day = office, deal, day
        self.over, self.looks, self.faults = threading.Event(), 0, []
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        while not self.over.is_set():
            try:
                stock = self.office.stock(self.deal, self.day)
            except requests.RequestException:
                continue  # between a kill and a start
            except AssertionError as error:
                self.faults.append(error)
                continue
            self.looks += 1
            if stock["held"] + stock["sold"] > stock["total"]:
                self.faults.append(stock)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join(30)
        assert not self.faults, self.faults[:3]


def seeded():
    seed = random.randrange(2**32)
    print("seed", seed)
    return random.Random(seed)


@pytest.mark.interface("lianhe.creatOrder", "lianhe.payOrder")
def test_never_oversold(office):
    """300 tickets of one day, 60 buyers who ask for 1 to 5 until nothing is left, in one step or in two."""
    source = seeded()
    deal = office.ticket(dated=True, cost="50.25", days={DAY: {"total": 300}})
    clients = [office.distributor(balance="1000000.00") for _ in range(6)]
    jobs = [(clients[n % 6], source.randrange(2**32), n % 3 == 0) for n in range(THREADS)]

    def buy(job):
        client, seed, in_two = job
        wants, bought = random.Random(seed), []
        quantity = wants.randint(1, 5)
        while True:
            fields = client.order(deal, quantity, DAY)
            answer = client.creat_order(fields) if in_two else client.new_order(fields)
            answer.expect(10000, 10009)
            if answer.code == 10000:
                order = Order(fields, answer)
                if in_two:
                    client.pay_order(order).ok(orderStatus=4)
                bought.append(order)
                quantity = wants.randint(1, 5)
            elif quantity == 1:
                return bought
            else:
                quantity = 1

    with Watch(office, deal, DAY) as watch:
        results = together(buy, jobs)
    assert watch.looks > 0
    orders = [(job[0], order) for job, bought in zip(jobs, results, strict=True) for order in bought]
    assert sum(order.quantity for _, order in orders) == 300
    assert office.stock(deal, DAY) == {"total": 300, "held": 0, "sold": 300}
    for client in clients:
        spent = sum(order.quantity for who, order in orders if who is client) * Decimal("50.25")
        assert office.available(client) == Decimal("1000000.00") - spent
    codes = [code for client, order in orders for code in client.query(order)["voucher"].split(",")]
    assert len(set(codes)) == len(codes)
    office.gateway.verify()


def test_held_tickets_come_back_once(office):
    """All buyers create and none pays: everything lapses, and all can be sold again."""
    deal = office.ticket(dated=True, days={DAY: {"total": 60}})
    client = office.distributor()
    answers = together(lambda _: client.creat_order(client.order(deal, 2, DAY)).expect(10000, 10009), range(40))
    assert [answer.code for answer in answers].count(10000) == 30
    assert office.stock(deal, DAY) == {"total": 60, "held": 60, "sold": 0}
    office.gateway.advance(30 * 60 + 5)
    office.reach(lambda: office.stock(deal, DAY)["held"] == 0)
    assert office.stock(deal, DAY) == {"total": 60, "held": 0, "sold": 0}
    client.bought(deal, 60, DAY)
    office.gateway.verify()


def test_balance_never_below_its_limit(office):
    """40 buyers of one partner whose balance is enough for 20, with a limit that lets it go below nothing."""
    deal = office.ticket(cost="50.25", total=1000)
    client = office.distributor(balance="904.50", credit_limit="100.50")

    def buy(_):
        fields = client.order(deal)
        return Order(fields, client.new_order(fields).expect(10000, 10001))

    orders = together(buy, range(40))
    paid = [order for order in orders if order.answer.code == 10000]
    assert len(paid) == 20
    assert office.available(client) == Decimal("-100.50")
    assert office.stock(deal) == {"total": 1000, "held": 20, "sold": 20}
    for order in orders:
        client.query(order).ok(orderStatus=4 if order in paid else 5)
    office.deposit(client, "100.50")
    unpaid = [order for order in orders if order not in paid]
    again = together(lambda order: client.pay_order(order).expect(10000, 10001), unpaid)
    assert [answer.code for answer in again].count(10000) == 2
    assert office.available(client) == Decimal("-100.50")
    office.gateway.verify()


def test_one_number_at_once(office):
    """The same order by many connections is one order; with different contents one of them wins."""
    deal, client = office.ticket(total=100), office.distributor()
    fields = client.order(deal, 2)
    answers = together(lambda _: client.new_order(fields).ok(orderStatus=4), range(20))
    assert len({answer["LHOrderId"] for answer in answers}) == 1
    assert len({answer["voucher"] for answer in answers}) == 1
    assert office.stock(deal) == {"total": 100, "held": 0, "sold": 2}
    fields = client.order(deal)
    answers = together(lambda n: client.new_order(fields | {"quantity": n % 4 + 1}).expect(10000, 20000), range(20))
    won = {answer["LHOrderId"] for answer in answers if answer.code == 10000}
    assert len(won) == 1 and [answer.code for answer in answers].count(10000) == 5


@pytest.mark.interface("lianhe.payOrder", "lianhe.cancelOrder")
def test_one_order_at_once(office):
    """Paid by many, given back by many, redeemed at many gates: each ticket goes one way."""
    deal, client = office.ticket(cost="50.25", total=100), office.distributor()
    order = client.created(deal, 6)
    answers = together(lambda _: client.pay_order(order).ok(orderStatus=4), range(12))
    assert len({answer["voucher"] for answer in answers}) == 1
    assert office.available(client) == Decimal("10000") - 6 * Decimal("50.25")
    code = answers[0]["voucher"]

    def act(n):
        if n % 2:
            return client.cancel(order, 2, refund=unique("R")).expect(10000, 20000).code == 10000 and "refund"
        return office.redeem_raw(code, device=f"gate{n}").ok and "gate"

    done = together(act, range(24))
    used, locked = done.count("gate"), 2 * done.count("refund")
    assert done.count("refund") <= 1 and used + locked == 6
    if locked:
        office.approve(client, order)
    client.expect_state(order, 8, used=used, refunded=locked)
    office.gateway.verify()


def test_killed_while_selling(start_gateway):
    """Three kills in the middle: what was answered is there, what was not answered is whole or not there at all."""
    gateway = start_gateway()
    office, source = Office(gateway), seeded()
    deal = office.ticket(dated=True, cost="50.25", days={DAY: {"total": 5000}})
    clients = [office.distributor(balance="1000000.00") for _ in range(3)]
    answered, unknown, lock = [], [], threading.Lock()

    def work(job):
        client, seed, in_two = job
        wants = random.Random(seed)
        try:
            while True:
                fields = client.order(deal, wants.randint(1, 5), DAY)
                with lock:
                    unknown.append((client, fields))
                answer = client.creat_order(fields) if in_two else client.new_order(fields)
                order = Order(fields, answer.ok())
                with lock:
                    answered.append((client, order, 2 if in_two else 4))
                if in_two and wants.random() < 0.5:
                    client.pay_order(order).ok(orderStatus=4)
                    with lock:
                        answered.append((client, order, 4))
        except requests.RequestException:
            pass

    with Watch(office, deal, DAY):
        for _ in range(3):
            jobs = [(clients[n % 3], source.randrange(2**32), n % 4 == 0) for n in range(20)]
            before = len(answered)
            with ThreadPoolExecutor(len(jobs)) as pool:
                running = [pool.submit(work, job) for job in jobs]
                wait_for(lambda before=before: len(answered) >= before + 60, "answers to be lost", 60)
                gateway.kill()
                for future in running:
                    future.result()
            gateway.restart()
            gateway.verify()

    for client, order, status in random.Random(1).sample(answered, 100):
        found = client.query(order).ok(LHOrderId=order.lh)["orderStatus"]
        assert found in ((4,) if status == 4 else (2, 4)), (order.number, found)
    sold = held = 0
    spent = dict.fromkeys(map(id, clients), 0)
    numbers = {order.number for _, order, _ in answered}
    for client, fields in unknown:
        found = client.lost(fields["orderId"]).expect(10000, 20000)
        assert found.code == 10000 or fields["orderId"] not in numbers
        if found["orderStatus"] == 4:
            sold += fields["quantity"]
            spent[id(client)] += fields["quantity"]
        elif found["orderStatus"] == 2:
            held += fields["quantity"]
        else:
            assert found["orderStatus"] == 0, found.text
    assert office.stock(deal, DAY) == {"total": 5000, "held": held, "sold": sold}
    for client in clients:
        assert office.available(client) == Decimal("1000000.00") - spent[id(client)] * Decimal("50.25")
    gateway.advance(31 * 60)
    office.reach(lambda: office.stock(deal, DAY)["held"] == 0)
    assert office.stock(deal, DAY) == {"total": 5000, "held": 0, "sold": sold}
    gateway.verify()
