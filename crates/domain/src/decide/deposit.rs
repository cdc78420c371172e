//! Decisions on prepaid balances: money paid in advance, and paid out again.

use super::Desk;
use crate::{
    Account, Cause, Decided, Deposit, Money, Order, Purpose, Refusal, Transfer, TransferId, TransferKind,
};

impl Desk<'_> {
    /// Only what is really there can be paid out: a limit is a promise to sell, not to lend.
    pub(super) fn deposit(&mut self, deposit: Deposit) -> Result<Decided, Refusal> {
        let partner = self.view.partner(deposit.partner).ok_or(Refusal::NotFound { what: "partner" })?.id;
        if let Some(known) = self.view.deposit_by_number(partner, &deposit.number) {
            return if known.amount == deposit.amount {
                Ok(Decided::Deposit(Box::new(known.clone())))
            } else {
                Err(Refusal::NumberTaken { same: false })
            };
        }
        if deposit.number.is_empty() {
            return Err(Refusal::Field { field: "number".into(), problem: "must not be empty".into() });
        }
        let currency = deposit.amount.currency();
        let size = deposit.amount.micros().checked_abs().filter(|size| *size <= Order::AMOUNT_MICROS_MAX);
        let Some(size) = size.filter(|size| *size > 0) else {
            let problem = "a deposit needs an amount, and no larger one than an order can have".into();
            return Err(Refusal::Amount { problem });
        };
        let available = self.view.balance(partner, currency);
        let clearing = Account::Clearing(Deposit::CHANNEL.into());
        let (debit, credit) = if deposit.amount.is_positive() {
            if available.checked_add(size).is_none() {
                return Err(Refusal::Amount { problem: "the balance would be too large".into() });
            }
            (clearing, Account::Prepaid)
        } else {
            if available < size {
                return Err(Refusal::BalanceTooLow);
            }
            (Account::Prepaid, clearing)
        };
        self.changes.transfers.push(Transfer {
            id: TransferId::make(self.ids, self.now),
            partner,
            cause: Cause::Deposit(deposit.id),
            debit,
            credit,
            amount: Money::from_micros(size, currency),
            kind: TransferKind::Posted,
            purpose: Purpose::Deposit,
            at: self.now,
        });
        self.changes.deposits.push(deposit.clone());
        Ok(Decided::Deposit(Box::new(deposit)))
    }
}
