//! Decisions on what becomes of a purchase: held, paid from the balance, closed, its codes sent again.

use super::Desk;
use super::purchase::{check_may_pay, check_travellers};
use crate::order::OrderStage;
use crate::{
    Account, CodeRule, Decided, EventKind, FundBill, Line, Need, Order, OrderId, OrderRef, Partner,
    PartnerId, PayNow, PayPurchase, Payment, PaymentState, Purchase, PurchaseProblem, Purpose, Refusal,
    SkuKind, Stock, StockKey, TaskKind, TransferKind, Voucher, VoucherCode, VoucherId, VoucherState,
};

/// Why a payment from the balance is declined.
const TOO_LOW: &str = "the balance is too low";

pub(super) fn needs(pay: &PayPurchase) -> Vec<Need> {
    let mut needs = vec![
        Need::Partner(pay.partner),
        Need::VouchersOf(pay.partner, pay.order),
        Need::Stock(pay.stock),
        Need::Balance(pay.partner),
    ];
    // Whoever takes the place of a traveller has to show what that one had to.
    needs.extend(pay.traveller.iter().map(|_| Need::Sku(pay.stock.sku)));
    needs.extend(pay.pay.codes.iter().copied().map(Need::VoucherCode));
    needs
}

impl Desk<'_> {
    /// Places a purchase that waits for its payment.
    pub(super) fn hold(
        &mut self,
        order: Order,
        mut payment: Payment,
        mut stock: Stock,
        declined: bool,
    ) -> Result<Decided, Refusal> {
        let units = line_of(&order)?.quantity;
        stock.held = stock.held.checked_add(units).ok_or(Refusal::Internal)?;
        payment.follow_up = Some(self.new_task(&order, TaskKind::LapseOrder, order.expires_at));
        if declined {
            self.decline(&mut payment);
        }
        self.changes.stocks.push(stock);
        self.changes.orders.push(order.clone());
        self.changes.payments.push(payment.clone());
        Ok(purchase(order, payment, Vec::new()))
    }

    /// Places a purchase and pays it in one.
    pub(super) fn sell(
        &mut self,
        order: Order,
        payment: Payment,
        mut stock: Stock,
        pay: PayNow,
    ) -> Result<Decided, Refusal> {
        let units = line_of(&order)?.quantity;
        stock.sold = stock.sold.checked_add(units).ok_or(Refusal::Internal)?;
        self.changes.stocks.push(stock);
        self.collect_from_balance(order, payment, pay)
    }

    pub(super) fn pay_purchase(&mut self, pay: PayPurchase) -> Result<Decided, Refusal> {
        let partner = self.buyer(pay.partner)?;
        let mut order = self.find_purchase(pay.partner, pay.order, &pay.number)?;
        let line = line_of(&order)?;
        let content = (line.stock(), line.quantity, line.sell);
        if content != (pay.stock, pay.quantity, pay.sell) {
            return Err(Refusal::NumberTaken { same: false });
        }
        match order.stage {
            OrderStage::Paid => return self.purchase_as_it_is(order),
            OrderStage::Open if self.now < order.expires_at => {}
            OrderStage::Open | OrderStage::Closed | OrderStage::Revoked => {
                return Err(Refusal::WrongState { problem: "the order has ended without payment" });
            }
        }
        check_may_pay(partner)?;
        if line.valid_until.is_some_and(|end| self.now + line.usable_after >= end) {
            return Err(Refusal::Purchase(PurchaseProblem::TooLate));
        }
        let line = order.line.as_mut().ok_or(Refusal::Internal)?;
        line.send_codes = pay.send_codes;
        if let Some(traveller) = pay.traveller {
            match line.travellers.first_mut() {
                Some(first) => *first = traveller,
                None => line.travellers.push(traveller),
            }
            let SkuKind::Ticket(rules) = &self.view.sku(line.sku).ok_or(Refusal::Internal)?.kind;
            check_travellers(rules, line.quantity, &line.travellers)?;
        }
        let payment = self.current_payment(&order)?;
        if !self.suffices(partner, order.amount) {
            return self.declined(order, payment);
        }
        let mut stock = self.stock_of(pay.stock)?;
        stock.held = stock.held.checked_sub(pay.quantity).ok_or(Refusal::Internal)?;
        stock.sold = stock.sold.checked_add(pay.quantity).ok_or(Refusal::Internal)?;
        self.changes.stocks.push(stock);
        let payment = match payment.state {
            PaymentState::Declined => self.next_attempt(&mut order, payment, pay.payment),
            _ => payment,
        };
        self.collect_from_balance(order, payment, pay.pay)
    }

    /// An order keeps the payment that was declined, and whatever else has been tried stays out.
    fn declined(&mut self, order: Order, mut payment: Payment) -> Result<Decided, Refusal> {
        if payment.state != PaymentState::Declined {
            self.decline(&mut payment);
            self.changes.payments.push(payment.clone());
        }
        let order = self.find_order(order.partner, &OrderRef::Id(order.id))?;
        Ok(purchase(order, payment, Vec::new()))
    }

    fn decline(&self, payment: &mut Payment) {
        payment.state = PaymentState::Declined;
        payment.reason = Some(TOO_LOW.into());
        payment.settled_at = Some(self.now);
    }

    /// A declined attempt stays as it was; the task that would end the order goes over to the next one.
    fn next_attempt(&mut self, order: &mut Order, mut earlier: Payment, id: crate::PaymentId) -> Payment {
        let next = Payment {
            id,
            state: PaymentState::Waiting,
            reason: None,
            settled_at: None,
            follow_up: earlier.follow_up.take(),
            ..earlier.clone()
        };
        self.changes.payments.push(earlier);
        order.payment = id;
        next
    }

    /// Takes the money and hands out the codes.
    fn collect_from_balance(
        &mut self,
        mut order: Order,
        mut payment: Payment,
        pay: PayNow,
    ) -> Result<Decided, Refusal> {
        self.end_task(&order, payment.follow_up.take());
        payment.state = PaymentState::Paid;
        payment.channel_number = pay.number;
        payment.bills = vec![FundBill { source: Payment::BALANCE_CHANNEL.into(), amount: payment.amount }];
        payment.settled_at = Some(self.now);
        order.stage = OrderStage::Paid;
        order.paid_at = Some(self.now);
        let (debit, credit) = (Account::Prepaid, Account::Sales);
        self.transfer(&order, debit, credit, payment.amount, TransferKind::Posted, Purpose::Payment);
        let vouchers = self.vouchers_for(&order, &pay.codes)?;
        self.raise(EventKind::OrderPaid, &order, None);
        if line_of(&order)?.send_codes {
            self.new_task(&order, TaskKind::SendCodes, self.now);
        }
        self.changes.orders.push(order.clone());
        self.changes.payments.push(payment.clone());
        self.changes.vouchers.extend(vouchers.iter().cloned());
        Ok(purchase(order, payment, vouchers))
    }

    /// What the buyer of a paid order gets: one voucher for all, or one for each.
    fn vouchers_for(&self, order: &Order, codes: &[VoucherCode]) -> Result<Vec<Voucher>, Refusal> {
        let line = line_of(order)?;
        let (count, uses) = match line.codes {
            CodeRule::PerOrder => (1, line.quantity),
            CodeRule::PerTicket => (line.quantity, 1),
        };
        let codes = usize::try_from(count).ok().and_then(|count| codes.get(..count));
        let codes = codes.ok_or(Refusal::Internal)?;
        let taken = |code: &VoucherCode| {
            let among_these = codes.iter().filter(|other| *other == code).count() > 1;
            among_these || self.view.voucher_by_code(*code).is_some()
        };
        if codes.iter().any(taken) {
            return Err(Refusal::Exists { what: "voucher code" });
        }
        let earliest = self.now + line.usable_after;
        let valid_from = match line.valid_from {
            None if line.usable_after.ms() <= 0 => None,
            from => Some(from.map_or(earliest, |from| from.max(earliest))),
        };
        let voucher = |(place, code): (u32, &VoucherCode)| Voucher {
            id: VoucherId::make(self.ids, self.now),
            partner: order.partner,
            dialect: order.dialect.clone(),
            number: Voucher::number_of(order.id, place),
            fingerprint: order.fingerprint,
            code: *code,
            subject: line.name.clone(),
            ordered: uses,
            used: 0,
            refunded: 0,
            locked: 0,
            state: VoucherState::Active,
            order: Some(order.id),
            seller: Some(line.seller),
            valid_from,
            valid_until: line.valid_until,
            cancelled_at: None,
            shares: Vec::new(),
            notify_url: None,
            details: None,
        };
        Ok((1..).zip(codes).map(voucher).collect())
    }

    /// Ends a purchase that has not been paid, and lets go of what it holds.
    pub(super) fn close_purchase(
        &mut self,
        mut order: Order,
        mut payment: Payment,
    ) -> Result<Decided, Refusal> {
        let line = line_of(&order)?;
        let mut stock = self.stock_of(line.stock())?;
        stock.held = stock.held.checked_sub(line.quantity).ok_or(Refusal::Internal)?;
        self.changes.stocks.push(stock);
        self.end_task(&order, payment.follow_up.take());
        if payment.state == PaymentState::Waiting {
            payment.state = PaymentState::Cancelled;
            payment.settled_at = Some(self.now);
        }
        order.stage = OrderStage::Closed;
        order.ended_at = Some(self.now);
        self.changes.orders.push(order.clone());
        self.changes.payments.push(payment.clone());
        self.raise(EventKind::OrderClosed, &order, None);
        Ok(purchase(order, payment, Vec::new()))
    }

    pub(super) fn resend_codes(
        &mut self,
        partner: PartnerId,
        order: OrderId,
        number: &str,
    ) -> Result<Decided, Refusal> {
        let mut order = self.find_purchase(partner, order, number)?;
        let line = order.line.as_mut().ok_or(Refusal::Internal)?;
        if order.stage != OrderStage::Paid || line.left() == 0 {
            return Err(Refusal::WrongState { problem: "the order has no codes that can be used" });
        }
        if line.resent >= Line::RESENDS_MAX {
            return Err(Refusal::WrongState { problem: "the codes have been sent too often" });
        }
        if line.sent_at.is_some_and(|last| self.now - last < Line::RESEND_EVERY) {
            return Err(Refusal::WrongState { problem: "the codes have been sent a moment ago" });
        }
        line.resent += 1;
        line.sent_at = Some(self.now);
        self.new_task(&order, TaskKind::SendCodes, self.now);
        self.changes.orders.push(order.clone());
        self.purchase_as_it_is(order)
    }

    /// An order that has bought something, by both of its names.
    pub(super) fn find_purchase(
        &self,
        partner: PartnerId,
        id: OrderId,
        number: &str,
    ) -> Result<Order, Refusal> {
        let order = self.find_order(partner, &OrderRef::Id(id))?;
        if order.number == number && order.line.is_some() { Ok(order) } else { Err(Refusal::OrderNotFound) }
    }

    /// `order` with what belongs to it, as the view has it.
    pub(super) fn purchase_as_it_is(&self, order: Order) -> Result<Decided, Refusal> {
        let payment = self.current_payment(&order)?;
        let refunds = self.view.refunds(order.id).cloned().collect();
        let vouchers = self.view.vouchers_of(order.id).cloned().collect();
        Ok(Decided::Purchase(Box::new(Purchase { order, payment, refunds, vouchers })))
    }

    pub(super) fn stock_of(&self, key: StockKey) -> Result<Stock, Refusal> {
        self.view.stock(key).cloned().ok_or(Refusal::Internal)
    }

    /// Whether the balance, with what it may go below nothing, suffices.
    pub(super) fn suffices(&self, partner: &Partner, amount: crate::Money) -> bool {
        let limit = partner.credit_limit;
        let limit = if limit.currency() == amount.currency() { limit.micros() } else { 0 };
        let available = self.view.balance(partner.id, amount.currency());
        available.saturating_add(limit) >= amount.micros()
    }
}

/// What a purchase has bought.
pub(super) fn line_of(order: &Order) -> Result<&Line, Refusal> {
    order.line.as_deref().ok_or(Refusal::Internal)
}

/// A purchase of which nothing has gone back.
fn purchase(order: Order, payment: Payment, vouchers: Vec<Voucher>) -> Decided {
    Decided::Purchase(Box::new(Purchase { order, payment, refunds: Vec::new(), vouchers }))
}
