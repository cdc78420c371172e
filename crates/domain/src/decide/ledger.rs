//! Which transfers a payment, a fee, a refund and a revocation make.

use super::Desk;
use crate::{
    Account, Cause, Money, Order, Payment, Purpose, Refund, RefundKind, Refusal, Transfer, TransferId,
    TransferKind,
};

impl Desk<'_> {
    pub(super) fn post_payment(&mut self, order: &Order, payment: &Payment) -> Result<(), Refusal> {
        let clearing = Account::Clearing(payment.channel.clone());
        self.transfer(
            order,
            clearing,
            Account::Payable,
            payment.amount,
            TransferKind::Posted,
            Purpose::Payment,
        );
        let fee = fee(order)?;
        if fee.is_positive() {
            self.transfer(order, Account::Payable, Account::Fees, fee, TransferKind::Posted, Purpose::Fee);
        }
        Ok(())
    }

    pub(super) fn post_late_payment(&mut self, order: &Order, payment: &Payment) {
        let clearing = Account::Clearing(payment.channel.clone());
        self.transfer(
            order,
            clearing,
            Account::Suspense,
            payment.amount,
            TransferKind::Posted,
            Purpose::Payment,
        );
    }

    pub(super) fn hold_refund(&mut self, order: &Order, payment: &Payment, refund: &Refund) {
        let transfer = refund_transfer(refund, order, payment, refund.hold, TransferKind::Pending, self.now);
        self.changes.transfers.push(transfer);
    }

    /// Posts the reserved money. With a revocation the whole business is undone, so the operator's
    /// share goes back too; an ordinary refund leaves it.
    pub(super) fn post_refund(
        &mut self,
        order: &Order,
        payment: &Payment,
        refund: &Refund,
    ) -> Result<(), Refusal> {
        self.settle_hold(order, payment, refund, TransferKind::Posts(refund.hold));
        if refund.kind == RefundKind::Revocation {
            let fee = fee(order)?;
            if fee.is_positive() {
                let purpose = Purpose::FeeReturn;
                self.transfer(order, Account::Fees, Account::Payable, fee, TransferKind::Posted, purpose);
            }
        }
        Ok(())
    }

    pub(super) fn void_refund(&mut self, order: &Order, payment: &Payment, refund: &Refund) {
        self.settle_hold(order, payment, refund, TransferKind::Voids(refund.hold));
    }

    fn settle_hold(&mut self, order: &Order, payment: &Payment, refund: &Refund, kind: TransferKind) {
        let id = TransferId::make(self.ids, self.now);
        self.changes.transfers.push(refund_transfer(refund, order, payment, id, kind, self.now));
    }

    pub(super) fn transfer(
        &mut self,
        order: &Order,
        debit: Account,
        credit: Account,
        amount: Money,
        kind: TransferKind,
        purpose: Purpose,
    ) {
        let id = TransferId::make(self.ids, self.now);
        let (partner, cause) = (order.partner, Cause::Order(order.id));
        self.changes.transfers.push(Transfer {
            id,
            partner,
            cause,
            debit,
            credit,
            amount,
            kind,
            purpose,
            at: self.now,
        });
    }
}

/// The operator's share, as agreed when the order was placed: never more than was paid, be it by
/// rounding.
pub(super) fn fee(order: &Order) -> Result<Money, Refusal> {
    let share = order.amount.share_ppm_half_up_to_cents(order.fee_ppm).map_err(|_| Refusal::Internal)?;
    Ok(if share.micros() > order.amount.micros() { order.amount } else { share })
}

fn refund_transfer(
    refund: &Refund,
    order: &Order,
    payment: &Payment,
    id: TransferId,
    kind: TransferKind,
    at: crate::Timestamp,
) -> Transfer {
    let clearing = || Account::Clearing(payment.channel.clone());
    let (debit, credit) = match refund.kind {
        RefundKind::Requested | RefundKind::Revocation => (Account::Payable, clearing()),
        RefundKind::LateSuccess => (Account::Suspense, clearing()),
        RefundKind::Units => (Account::Sales, Account::Prepaid),
    };
    Transfer {
        id,
        partner: order.partner,
        cause: Cause::Order(order.id),
        debit,
        credit,
        amount: refund.amount,
        kind,
        purpose: Purpose::Refund,
        at,
    }
}
