//! Purchases before the audit: what the line of an order counts is what its vouchers, redemptions and
//! refunds say, and what it draws on its stock is added up for the catalogue.

use tradewind_domain::{
    Event, EventKind, Flow, Line, Money, OrderId, OrderStage, PartnerId, Refund, RefundKind, RefundState,
    TaskKind, Voucher,
};

use super::vouchers::{miscounted, sum};
use super::{Audit, Judge};

impl Audit {
    /// Tells of a line that belongs to no order of its partner.
    pub fn stray_line(&mut self, order: OrderId, partner: PartnerId) {
        self.find(format!("{order} of {partner} is referred to by a line but not there"));
    }
}

impl Judge<'_> {
    pub(super) fn purchase(&mut self) {
        let order = self.order;
        let Some(line) = order.line.as_deref() else {
            return self.no_purchase();
        };
        if order.stage == OrderStage::Revoked {
            self.find("it buys something and was revoked");
        }
        if self.family.payments.iter().any(|payment| payment.flow != Flow::FromBalance) {
            self.find("it buys something and is not paid from the balance");
        }
        if times(line.cost, line.quantity) != Some(order.amount) {
            self.find(&format!("{} units at {} are not {}", line.quantity, line.cost, order.amount));
        }
        self.units(line);
        self.bought(line);
        self.redeemed(line);
        self.given_back(line);
        self.lapses();
        self.draw(line);
    }

    /// What only collects money has nothing that a purchase has.
    fn no_purchase(&mut self) {
        let family = self.family;
        if !family.vouchers.is_empty() {
            self.find("it has vouchers and buys nothing");
        }
        if family.refunds.iter().any(|refund| refund.kind == RefundKind::Units) {
            self.find("it gives units back and buys nothing");
        }
        if family.payments.iter().any(|payment| payment.flow == Flow::FromBalance) {
            self.find("it is paid from the balance and buys nothing");
        }
    }

    /// What was ordered is what is usable, used, given back and locked.
    fn units(&mut self, line: &Line) {
        let Line { quantity, used, refunded, locked, .. } = *line;
        let gone = sum([used, refunded, locked]);
        if gone > u64::from(quantity) {
            self.find(&format!(
                "{used} of its {quantity} units were used, {refunded} given back, {locked} are locked"
            ));
        }
        if gone > 0 && self.order.paid_at.is_none() {
            self.find("something became of its units before it was paid");
        }
    }

    /// The vouchers sum up to the line, once it is paid.
    fn bought(&mut self, line: &Line) {
        let vouchers = &self.family.vouchers;
        let all = |count: fn(&Voucher) -> u32| sum(vouchers.iter().map(count));
        let summed = [all(|v| v.ordered), all(|v| v.used), all(|v| v.refunded), all(|v| v.locked)];
        let quantity = if self.order.paid_at.is_some() { line.quantity } else { 0 };
        let said = [quantity, line.used, line.refunded, line.locked].map(u64::from);
        if summed != said {
            self.find(&format!(
                "its vouchers sum to {summed:?} uses ordered, used, given back and locked, its line says {said:?}"
            ));
        }
        if let Some(other) = vouchers.iter().find(|voucher| voucher.seller != Some(line.seller)) {
            self.find(&format!("{} is not handed over by {}", other.id, line.seller));
        }
    }

    /// What was redeemed is what was used, and each time was told once.
    fn redeemed(&mut self, line: &Line) {
        let (order, family) = (self.order, self.family);
        let redeemed = sum(family.redemptions.iter().map(|redemption| redemption.count));
        if redeemed != u64::from(line.used) {
            self.find(&format!("its redemptions sum to {redeemed} units, it says {}", line.used));
        }
        for finding in miscounted(&family.redemptions, line.quantity, line.refunded) {
            self.find(&finding);
        }
        for redemption in &family.redemptions {
            let tells = |event: &&Event| {
                event.kind == EventKind::VoucherRedeemed && event.redemption == Some(redemption.id)
            };
            let told = family.events.iter().filter(tells).count();
            let made_at = Some(redemption.id.made_at());
            let forgotten = told == 0 && self.audit.may_be_forgotten(order.partner, made_at);
            if told != 1 && !forgotten {
                self.find(&format!("{} was told {told} times instead of 1", redemption.id));
            }
        }
        for event in family.events.iter().filter(|event| event.redemption.is_some()) {
            if !family.redemptions.iter().any(|made| event.redemption == Some(made.id)) {
                self.find(&format!("event {} tells a redemption that is not there", event.number));
            }
        }
    }

    /// What was given back, and what waits for review, is what the refunds say, at the price that was paid.
    fn given_back(&mut self, line: &Line) {
        let family = self.family;
        let refunds = || family.refunds.iter().filter(|refund| refund.kind == RefundKind::Units);
        for refund in refunds() {
            if times(line.cost, refund.units) != Some(refund.amount) {
                let Refund { id, units, amount, .. } = refund;
                self.find(&format!("{id}: {units} units at {} are not {amount}", line.cost));
            }
        }
        let mut done: Vec<&Refund> =
            refunds().filter(|refund| refund.state == RefundState::Succeeded).collect();
        done.sort_unstable_by_key(|refund| (refund.units_so_far, refund.id));
        let mut refunded = 0;
        for refund in done {
            refunded += u64::from(refund.units);
            if u64::from(refund.units_so_far) != refunded {
                let Refund { id, units, units_so_far, .. } = refund;
                self.find(&format!("{id} gives {units} units back and says {units_so_far} so far"));
            }
        }
        let locked = sum(refunds().filter(|refund| refund.state.is_open()).map(|refund| refund.units));
        for (what, summed, said) in
            [("refunds", refunded, line.refunded), ("open refunds", locked, line.locked)]
        {
            if summed != u64::from(said) {
                self.find(&format!("its {what} sum to {summed} units, it says {said}"));
            }
        }
    }

    /// What holds units without having been paid ends by itself: its payment names the task, declined or not.
    fn lapses(&mut self) {
        let (order, family) = (self.order, self.family);
        for payment in &family.payments {
            let waits = order.stage == OrderStage::Open && payment.id == order.payment;
            self.follow_up(
                &payment.id.to_string(),
                waits,
                payment.follow_up.map(|id| (id, TaskKind::LapseOrder)),
            );
        }
    }

    fn draw(&mut self, line: &Line) {
        let quantity = u64::from(line.quantity);
        let (held, sold) = match self.order.stage {
            OrderStage::Open => (quantity, 0),
            OrderStage::Paid => (0, quantity.saturating_sub(u64::from(line.refunded))),
            OrderStage::Closed | OrderStage::Revoked => (0, 0),
        };
        if (held, sold) != (0, 0) {
            let drawn = self.audit.drawn.entry(line.stock()).or_default();
            drawn.0 = drawn.0.saturating_add(held);
            drawn.1 = drawn.1.saturating_add(sold);
        }
    }
}

fn times(price: Money, units: u32) -> Option<Money> {
    Some(Money::from_micros(price.micros().checked_mul(i64::from(units))?, price.currency()))
}
