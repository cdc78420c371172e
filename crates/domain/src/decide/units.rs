//! Decisions on units that go back: applications for a refund, and their review.

use super::Desk;
use super::pay::line_of;
use super::purchase::cost_of;
use super::refund::is_reserved;
use crate::order::OrderStage;
use crate::{
    Decided, FundBill, Line, Order, OrderId, OrderRef, PartnerId, Payment, Purchase, Refund,
    RefundApplication, RefundId, RefundKind, RefundProblem, RefundState, RefundUntil, Refusal, Review, Stock,
    StockKey, TaskKind, TransferId, Voucher,
};

/// What a reviewer says.
pub(super) struct UnitsReview {
    pub(super) approve: bool,
    pub(super) reason: String,
    pub(super) reviewer: String,
}

impl Desk<'_> {
    /// An order that has not been paid ends at once. Of one that has been paid, units are locked until
    /// the application has been reviewed.
    pub(super) fn apply_refund(&mut self, application: RefundApplication) -> Result<Decided, Refusal> {
        let order = self.find_purchase(application.partner, application.order, &application.order_number)?;
        let line = line_of(&order)?;
        if line.stock() != application.stock {
            return Err(Refusal::Internal);
        }
        let refuse = |why| Refusal::NotRefundable { why, refundable: line.usable() };
        if let Some(known) = self.view.refund_by_number(application.partner, &application.number) {
            return if known.order == order.id && known.units == application.quantity {
                let known = known.clone();
                self.applied_already(order, known)
            } else {
                Err(refuse(RefundProblem::NumberTaken))
            };
        }
        if self.view.past_refund(application.partner, &application.number).is_some() {
            return Err(refuse(RefundProblem::NumberTaken));
        }
        if is_reserved(&application.number) {
            let problem = "numbers of this form are given by the gateway".into();
            return Err(Refusal::Field { field: "refund number".into(), problem });
        }
        match order.stage {
            OrderStage::Open => {
                let payment = self.current_payment(&order)?;
                return self.close_purchase(order, payment);
            }
            OrderStage::Paid => {}
            OrderStage::Closed | OrderStage::Revoked => {
                return Err(Refusal::NotRefundable { why: RefundProblem::WrongState, refundable: 0 });
            }
        }
        let late = self.judge_application(&order, line, application.quantity).map_err(refuse)?;
        self.open_application(order, application, late)
    }

    fn applied_already(&self, order: Order, refund: Refund) -> Result<Decided, Refusal> {
        match self.purchase_as_it_is(order)? {
            Decided::Purchase(purchase) => Ok(Decided::Applied(purchase, Box::new(refund))),
            _ => Err(Refusal::Internal),
        }
    }

    /// Whether units may be given back, and whether that is late: after the end of their validity.
    fn judge_application(&self, order: &Order, line: &Line, quantity: u32) -> Result<bool, RefundProblem> {
        use RefundProblem as P;
        if self.view.refunds(order.id).any(|refund| refund.state.is_open()) {
            return Err(P::UnderReview);
        }
        if line.left() == 0 {
            return Err(if line.used > 0 { P::AllUsed } else { P::AllRefunded });
        }
        if !line.refund.refundable {
            return Err(P::NotRefundable);
        }
        let end = line.valid_until;
        match line.refund.until {
            RefundUntil::Never => return Err(P::NotRefundable),
            RefundUntil::BeforeEnd(before) if end.is_some_and(|end| self.now >= end - before) => {
                return Err(P::TimeOver);
            }
            RefundUntil::BeforeEnd(_) | RefundUntil::AnyTime => {}
        }
        if end.is_some_and(|end| self.now - end > self.rules.late_refund) {
            return Err(P::TimeOver);
        }
        if !(1..=line.usable()).contains(&quantity) {
            return Err(P::Quantity);
        }
        if line.refund.whole_only && quantity != line.usable() {
            return Err(P::WholeOnly);
        }
        Ok(end.is_some_and(|end| self.now >= end))
    }

    fn open_application(
        &mut self,
        mut order: Order,
        application: RefundApplication,
        late: bool,
    ) -> Result<Decided, Refusal> {
        let RefundApplication { id, number, quantity, .. } = application;
        let payment = self.current_payment(&order)?;
        let line = order.line.as_mut().ok_or(Refusal::Internal)?;
        let amount = cost_of(line, quantity)?;
        line.locked = line.locked.checked_add(quantity).ok_or(Refusal::Internal)?;
        let review = line.refund.review;
        let follow_up = match review {
            Review::Automatic(after) if !late => {
                Some(self.new_task(&order, TaskKind::ApproveRefund(id), self.now + after))
            }
            Review::Automatic(_) | Review::Manual => None,
        };
        order.refunding = order.refunding.plus(amount).map_err(|_| Refusal::Internal)?;
        let refund = Refund {
            id,
            order: order.id,
            partner: order.partner,
            number,
            fingerprint: i64::from(quantity),
            kind: RefundKind::Units,
            state: RefundState::Pending,
            amount,
            units: quantity,
            units_so_far: 0,
            subject: order.subject.clone(),
            operator: String::new(),
            channel_number: None,
            bills: Vec::new(),
            reason: None,
            settled_at: None,
            follow_up,
            hold: TransferId::make(self.ids, self.now),
        };
        self.hold_refund(&order, &payment, &refund);
        let vouchers = self.lock_vouchers(order.id, quantity)?;
        self.changes.orders.push(order.clone());
        self.changes.refunds.push(refund.clone());
        self.changes.vouchers.extend(vouchers.iter().cloned());
        Ok(self.applied(order, payment, refund, vouchers))
    }

    /// The last ones that can be used go back first: those who have begun to use theirs go on.
    fn lock_vouchers(&self, order: OrderId, quantity: u32) -> Result<Vec<Voucher>, Refusal> {
        let mut wanted = quantity;
        let mut changed = Vec::new();
        for voucher in self.view.vouchers_of(order).rev() {
            let take = voucher.unused().saturating_sub(voucher.locked).min(wanted);
            if take > 0 {
                let locked = voucher.locked.checked_add(take).ok_or(Refusal::Internal)?;
                changed.push(Voucher { locked, ..voucher.clone() });
                wanted -= take;
            }
        }
        // The vouchers sum up to the line.
        if wanted == 0 { Ok(changed) } else { Err(Refusal::Internal) }
    }

    pub(super) fn review_refund(
        &mut self,
        partner: PartnerId,
        order: OrderId,
        stock: StockKey,
        refund: RefundId,
        review: UnitsReview,
    ) -> Result<Decided, Refusal> {
        let mut order = self.find_order(partner, &OrderRef::Id(order))?;
        let refund = self.view.refund(refund).filter(|refund| refund.order == order.id);
        let mut refund = refund.cloned().ok_or(Refusal::NotFound { what: "refund" })?;
        if refund.kind != RefundKind::Units || !refund.state.is_open() {
            return Err(Refusal::WrongState { problem: "the refund is not under review" });
        }
        let payment = self.current_payment(&order)?;
        let line = order.line.as_mut().ok_or(Refusal::Internal)?;
        if line.stock() != stock {
            return Err(Refusal::Internal);
        }
        line.locked = line.locked.checked_sub(refund.units).ok_or(Refusal::Internal)?;
        refund.operator = review.reviewer;
        let vouchers = self.unlock_vouchers(&refund, review.approve)?;
        let (order, refund) = if review.approve {
            line.refunded = line.refunded.checked_add(refund.units).ok_or(Refusal::Internal)?;
            refund.units_so_far = line.refunded;
            let stock = self.stock_of(stock)?;
            let sold = stock.sold.checked_sub(refund.units).ok_or(Refusal::Internal)?;
            self.changes.stocks.push(Stock { sold, ..stock });
            let bills = vec![FundBill { source: Payment::BALANCE_CHANNEL.into(), amount: refund.amount }];
            self.refund_done(order, &payment, refund, None, bills)?
        } else {
            self.refund_refused(order, &payment, refund, review.reason)
        };
        self.changes.vouchers.extend(vouchers.iter().cloned());
        Ok(self.applied(order, payment, refund, vouchers))
    }

    /// One application is open at a time, so that whatever is locked is locked for it.
    fn unlock_vouchers(&self, refund: &Refund, give_back: bool) -> Result<Vec<Voucher>, Refusal> {
        let locked = self.view.vouchers_of(refund.order).filter(|voucher| voucher.locked > 0);
        let mut units = 0_u32;
        let mut changed = Vec::new();
        for voucher in locked {
            units = units.checked_add(voucher.locked).ok_or(Refusal::Internal)?;
            let given_back = if give_back { voucher.locked } else { 0 };
            let refunded = voucher.refunded.checked_add(given_back).ok_or(Refusal::Internal)?;
            changed.push(Voucher { locked: 0, refunded, ..voucher.clone() });
        }
        if units == refund.units { Ok(changed) } else { Err(Refusal::Internal) }
    }

    /// The purchase as this decision leaves it.
    fn applied(&self, order: Order, payment: Payment, refund: Refund, changed: Vec<Voucher>) -> Decided {
        let mut refunds: Vec<Refund> =
            self.view.refunds(order.id).filter(|other| other.id != refund.id).cloned().collect();
        refunds.push(refund.clone());
        let vouchers = self
            .view
            .vouchers_of(order.id)
            .map(|voucher| changed.iter().find(|other| other.id == voucher.id).unwrap_or(voucher).clone());
        let vouchers = vouchers.collect();
        Decided::Applied(Box::new(Purchase { order, payment, refunds, vouchers }), Box::new(refund))
    }
}
