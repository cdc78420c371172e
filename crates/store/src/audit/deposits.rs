//! Prepaid balances before the audit: each deposit moved what it says, and no balance is further below
//! nothing than its partner was ever allowed.

use tradewind_domain::{
    Account, AccountDelta, Balance, Cause, Currency, Deposit, DepositId, Money, PartnerId, PastLimit,
    Purpose, Transfer, TransferKind,
};

use super::Audit;

/// A deposit and its transfers.
#[derive(Clone, Debug, Default)]
pub struct DepositFamily {
    /// The deposit; `None` when there are only transfers that refer to it.
    pub deposit: Option<Deposit>,
    /// Its transfers.
    pub transfers: Vec<Transfer>,
}

impl DepositFamily {
    /// Empties the list and keeps its memory for the next family.
    pub fn clear(&mut self) {
        self.deposit = None;
        self.transfers.clear();
    }
}

impl Audit {
    /// Shows how far the balance of a partner may be below nothing; to be called before any account.
    pub fn credit_limit(&mut self, partner: PartnerId, limit: Money) {
        let known = self.limits.entry((partner, limit.currency())).or_default();
        *known = limit.micros().max(*known);
    }

    /// A limit that was lowered has let balances sink as far as it once was.
    pub(super) fn past_limit(&mut self, past: PastLimit) {
        self.credit_limit(past.partner, past.limit);
    }

    /// Judges the family of the deposit of this id; each id is to be shown once.
    pub fn deposit_family(&mut self, id: DepositId, family: &DepositFamily) {
        self.count("transfers", family.transfers.len());
        for transfer in &family.transfers {
            self.add(transfer);
        }
        let Some(deposit) = &family.deposit else {
            let partner = family.transfers.first().map_or("nobody".to_owned(), |t| t.partner.to_string());
            self.find(format!("{id} of {partner} is referred to but not there"));
            return;
        };
        self.count("deposits", 1);
        let (partner, amount) = (deposit.partner, deposit.amount);
        let (clearing, prepaid) = (Account::Clearing(Deposit::CHANNEL.into()), Account::Prepaid);
        let (debit, credit) = if amount.is_positive() { (clearing, prepaid) } else { (prepaid, clearing) };
        let expected = |transfer: &Transfer| {
            transfer.partner == partner
                && transfer.cause == Cause::Deposit(id)
                && transfer.debit == debit
                && transfer.credit == credit
                && transfer.amount.currency() == amount.currency()
                && transfer.amount.micros() == amount.micros().saturating_abs()
                && transfer.amount.is_positive()
                && transfer.kind == TransferKind::Posted
                && transfer.purpose == Purpose::Deposit
        };
        if !matches!(family.transfers.as_slice(), [only] if expected(only)) {
            self.find(format!("{id} of {partner}: its transfers do not move {amount}"));
        }
    }

    pub(super) fn prepaid(
        &mut self,
        partner: PartnerId,
        account: &Account,
        currency: Currency,
        sums: AccountDelta,
    ) {
        if *account != Account::Prepaid {
            return;
        }
        let available = Balance { partner, account: Account::Prepaid, currency, sums }.available();
        let limit = self.limits.get(&(partner, currency)).copied().unwrap_or(0);
        if available.saturating_add(limit) < 0 {
            self.find(format!(
                "the balance of {partner} in {currency:?} is {available} millionths and was never allowed below -{limit}"
            ));
        }
    }
}
