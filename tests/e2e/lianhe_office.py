"""The other side of the counter: what operators, sellers and gates do before and after lianhe partners call.

All set-up of the lianhe tests goes through here, so that only this file knows that part of the operator API.
"""

import json
import secrets
from dataclasses import replace
from decimal import Decimal
from urllib.parse import quote

from .lianhe_client import Client, Deal, Distributor
from .lianhe_wire import day_of, ms_of, next_poll
from .support import unique, wait_for

EVENTS = ["voucher.redeemed", "refund.succeeded", "refund.failed"]
PRODUCT_EVENTS = ["product.changed", "product.listed", "product.delisted"]


def present(**members):
    """The members that are told."""
    return {name: value for name, value in members.items() if value is not None}


class Office:
    """Everything that people do at the platform of one gateway."""

    def __init__(self, gateway):
        self.gateway = gateway
        self.seller = gateway.ops("POST", "sellers", {"name": "Park administration"})["id"]
        self.ids = {}  # partner's id by its number

    def ops(self, *arguments, **parameters):
        return self.gateway.ops(*arguments, **parameters)

    # -- partners

    def distributor(
        self,
        balance="10000.00",
        credit_limit=None,
        hook=None,
        query="",
        api_name=None,
        secret=None,
        get_balance=None,
        team_notify=None,
    ):
        """A new distributor with money on its account and, with a hook, an address for notifications."""
        key_id, secret = str(4_000_000 + int(unique("")[-8:])), secret or secrets.token_hex(16)
        settings = present(api_name=api_name, get_balance=get_balance, team_notify=team_notify)
        new = {"dialect": "lianhe", "key_id": key_id, "name": f"Distributor {key_id}", "secret": secret}
        new |= {"settings": settings} | present(credit_limit=credit_limit)
        self.ids[key_id] = self.ops("POST", "partners", new)["id"]
        client = Client(self.gateway, Distributor(key_id, api_name or key_id, secret))
        if Decimal(balance):
            self.deposit(client, balance)
        if hook is not None:
            events = EVENTS + (PRODUCT_EVENTS if team_notify else [])
            self.ops("POST", f"{self.path(client)}/endpoints", {"url": hook.url(query), "events": events})
        return client

    def path(self, client):
        return f"partners/{self.ids[client.partner.partner_id]}"

    def disable(self, client):
        self.ops("POST", f"{self.path(client)}/disable", {})

    def enable(self, client):
        self.ops("POST", f"{self.path(client)}/enable", {})

    def rotate(self, client, secret, overlap_s):
        self.ops("POST", f"{self.path(client)}/rotate", {"secret": secret, "overlap_s": overlap_s})

    # -- money

    def deposit_raw(self, client, amount, number=None, note=""):
        body = {"number": number or unique("D"), "amount": amount, "note": note}
        return self.gateway.ops_raw("POST", f"{self.path(client)}/deposits", body)

    def deposit(self, client, amount, number=None):
        response = self.deposit_raw(client, amount, number)
        assert response.ok, response.text
        return response.json()["deposit"]

    def available(self, client):
        """What is left of the balance, without the credit limit."""
        return Decimal(self.ops("GET", f"{self.path(client)}/balance")["available"])

    # -- the catalogue

    def ticket(
        self,
        name="Garden",
        market="80.00",
        sell="58.50",
        cost="50.25",
        total=100,
        days=None,
        dated=False,
        sale_from_ms=None,
        sale_until_ms=None,
        begin_ms=None,
        expire_ms=None,
        min_buy=1,
        max_buy=100,
        allowday=0,
        aftertime=0,
        each=False,
        documents=False,
        per_ticket=False,
        counter_only=False,
        can_refund=True,
        full_refund=False,
        refund_rule=(0, 0),
        review_s=None,
        system=None,
        pics=(),
        phones=(),
        note=None,
    ):
        """A product on sale with one way to buy it, and its stock; in the words of section 5.1."""
        product = {"seller": self.seller, "name": name, "system": system, "pictures": list(pics), "texts": note or {}}
        product["contacts"] = [{"phone": phone["phone"], "hours": phone["time"]} for phone in phones]
        product = self.ops("POST", "products", product)["product"]["id"]
        minutes, kind = refund_rule
        refund = {
            "refundable": can_refund,
            "whole_only": full_refund,
            "until": ["any_time", {"before_end_minutes": minutes}, "never"][kind],
            "review": "manual" if review_s is None else {"automatic_after_seconds": review_s},
        }
        rules = {
            "dated": dated,
            "book_ahead_days": allowday,
            "usable_after_minutes": aftertime,
            "travellers": "each" if each else "contact",
            "needs_document": documents,
            "codes": "per_ticket" if per_ticket else "per_order",
            "counter_only": counter_only,
            "refund": refund,
        } | present(valid_from_ms=begin_ms, valid_until_ms=expire_ms)
        sku = {
            "price": {"market": market, "sell": sell, "cost": cost},
            "order_min": min_buy,
            "order_max": max_buy,
            "ticket": rules,
        } | present(sale_from_ms=sale_from_ms, sale_until_ms=sale_until_ms)
        sku = self.ops("POST", f"products/{product}/skus", sku)["sku"]
        prices = Decimal(market), Decimal(sell), Decimal(cost)
        deal = Deal(sku["number"], *prices, seller=self.seller, product=product, sku=sku["id"])
        if days is not None:
            self.days(deal, days)
        elif not dated:
            self.set_stock(deal, total)
        return deal

    def change(self, deal, market=None, sell=None, cost=None):
        """New prices; gives the deal as it is now."""
        price = {"market": market or str(deal.market), "sell": sell or str(deal.sell), "cost": cost or str(deal.cost)}
        self.ops("PATCH", f"skus/{deal.sku}", {"price": price})
        return replace(deal, **{name: Decimal(value) for name, value in price.items()})

    def off_sale(self, deal):
        self.ops("PATCH", f"products/{deal.product}", {"on_sale": False})

    def on_sale(self, deal):
        self.ops("PATCH", f"products/{deal.product}", {"on_sale": True})

    def days(self, deal, days):
        """Lays down days of the calendar: {day: total, closed and its own prices, where they differ}."""
        plans = []
        for day, facts in days.items():
            price = None
            if {"market", "sell", "cost"} & set(facts):
                price = {name: facts.get(name, str(getattr(deal, name))) for name in ("market", "sell", "cost")}
            total, closed = facts.get("total", 100), facts.get("closed", False)
            plans.append({"day": day, "total": total, "closed": closed, "price": price})
        self.ops("PUT", f"skus/{deal.sku}/stock", {"plans": plans})

    def set_stock(self, deal, total):
        self.ops("PUT", f"skus/{deal.sku}/stock", {"plans": [{"day": None, "total": total}]})

    def stock(self, deal, day=None):
        days = {"from": day, "until": day} if day else {}
        rows = [row for row in self.ops("GET", f"skus/{deal.sku}/stock", **days)["stocks"] if row["day"] == day]
        assert len(rows) == 1, rows
        assert rows[0]["closed"] or rows[0]["free"] == rows[0]["total"] - rows[0]["held"] - rows[0]["sold"], rows
        return {name: rows[0][name] for name in ("total", "held", "sold")}

    def import_stock(self, text, skip_bad=False):
        """Stock from a CSV file; gives the response."""
        return self.gateway.session.post(
            f"{self.gateway.ops_base}/ops/v1/stock/import",
            data=text.encode() if isinstance(text, str) else text,
            params={"skip_bad": str(skip_bad).lower()},
            headers={"Content-Type": "text/csv"},
            timeout=60,
        )

    # -- the gate

    def redeem_raw(self, code, count=1, device="gate1", **more):
        body = {"count": count, "device": device} | more
        return self.gateway.ops_raw("POST", f"tickets/{quote(code, safe='')}/redeem", body)

    def redeem(self, code, count=1, device="gate1"):
        response = self.redeem_raw(code, count, device)
        assert response.ok, response.text
        return response.json()

    def look(self, code):
        return self.ops("GET", f"tickets/{quote(code, safe='')}")

    def messages_to(self, phone):
        """The texts sent to a phone by the sandbox's message channel."""
        path = self.gateway.data / "messages.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        return [message["text"] for message in map(json.loads, lines) if message["to"] == phone]

    # -- orders and their refunds

    def story(self, client, order):
        partner = self.ids[client.partner.partner_id]
        return self.ops("GET", f"orders/{quote(order.number, safe='')}", partner=partner)

    def review_raw(self, decision, client, order, refund, reason="in order"):
        story = self.story(client, order)
        return self.gateway.ops_raw(
            "POST",
            f"refunds/{refund}/{decision}",
            {"reason": reason},
            partner=self.ids[client.partner.partner_id],
            order=story["order"]["id"],
        )

    def _review(self, decision, client, order, reason):
        pending = [row["id"] for row in self.story(client, order)["refunds"] if row["state"] == "pending"]
        assert len(pending) == 1, pending
        response = self.review_raw(decision, client, order, pending[0], reason)
        assert response.ok, response.text
        return pending[0]

    def approve(self, client, order):
        """Approves the one application under review; gives its id."""
        return self._review("approve", client, order, "in order")

    def reject(self, client, order, reason):
        return self._review("reject", client, order, reason)

    def under_review(self):
        rows, after = [], {}
        while True:
            page = self.ops("GET", "refunds/review", **after)
            rows += page["refunds"]
            if not page.get("next"):
                return rows
            after = {"after": page["next"]}

    # -- deliveries

    def deliveries(self, client, order):
        return [task for task in self.story(client, order)["tasks"] if task["kind"] == "deliver"]

    def delivery(self, client, order):
        """The one delivery of an order."""
        found = self.deliveries(client, order)
        assert len(found) == 1, found
        return found[0]

    def wait_delivery(self, client, order, state):
        return wait_for(
            lambda: (task := self.delivery(client, order))["state"] == state and task,
            f"the delivery of {order.number} to be {state}",
        )

    def wait_attempts(self, client, order, attempts, timeout=30):
        """The one delivery, once that many attempts are recorded."""
        return wait_for(
            lambda: (task := self.delivery(client, order))["attempts"] == attempts and task,
            f"{attempts} attempts for {order.number}",
            timeout,
        )

    def wait_settled(self, client, order):
        wait_for(
            lambda: {task["state"] for task in self.deliveries(client, order)} == {"done"},
            f"all deliveries of {order.number}",
        )

    def failed(self, client):
        partner = self.ids[client.partner.partner_id]
        return self.gateway.listed("tasks", "tasks", state="failed", kind="deliver", partner=partner, limit=100)

    def _task(self, client, task, command, body):
        return self.ops("POST", f"{self.path(client)}/tasks/{task['id']}/{command}", body)

    def retry(self, client, task):
        return self._task(client, task, "retry", {})

    def settle(self, client, task, reason):
        return self._task(client, task, "settle", {"reason": reason})

    def cancel_task(self, client, task, reason):
        return self._task(client, task, "cancel", {"reason": reason})

    # -- time

    def next_poll(self):
        return next_poll(self.gateway.now_ms())

    def poll(self):
        """Moves the clock over the next look of the job that notifies, a second past it; gives that look's instant."""
        at = self.next_poll()
        self.gateway.advance((at - self.gateway.now_ms()) / 1000 + 1)
        return at

    def day(self, plus=0):
        """Today, or a day after it, in the protocol's zone."""
        return day_of(self.gateway.now_ms(), plus)

    def to_day(self, day):
        """Moves the clock to one o'clock of a day."""
        self.gateway.advance((ms_of(day) - self.gateway.now_ms()) / 1000 + 3600)

    def reach(self, condition):
        """Waits for what is due now to be done."""
        return wait_for(condition, "what is due now")
