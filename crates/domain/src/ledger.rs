//! The ledger: accounts, transfers, and which transfers each business fact makes.
//!
//! A transfer moves an amount from a debit to a credit account, so the books balance by
//! construction. Transfers are never updated: a refund under way is a *pending* transfer, and a
//! second transfer posts or voids it. Every partner has its own set of accounts, so that a partner's
//! books can live on one shard.
//!
//! | fact | transfers |
//! |---|---|
//! | payment succeeds | clearing:CHANNEL → payable; with a fee: payable → fees |
//! | payment succeeds after the order ended | clearing:CHANNEL → suspense |
//! | refund accepted | pending payable → clearing:CHANNEL |
//! | refund of a late success accepted | pending suspense → clearing:CHANNEL |
//! | refund done | post of the pending transfer; for a revocation the fee goes back: fees → payable |
//! | refund refused or withdrawn | void of the pending transfer |
//! | deposit | clearing:deposits → prepaid; when paid out, the other way round |
//! | purchase paid from the balance | prepaid → sales |
//! | refund of units applied for | pending sales → prepaid; posted when approved, voided when rejected |

use crate::{DepositId, Money, OrderId, PartnerId, Timestamp, TransferId};

/// An account of a partner's books, by its name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// What a channel has collected and owes: grows by debits.
    Clearing(String),
    /// What the operator keeps: grows by credits.
    Fees,
    /// What the operator owes the partner: grows by credits.
    Payable,
    /// What the partner has paid in advance: grows by credits.
    Prepaid,
    /// What the partner has bought from its balance: grows by credits.
    Sales,
    /// Money that came in for an order that had ended, until it has gone back.
    Suspense,
}

impl Account {
    /// The stored name, for instance `clearing:sandbox`.
    pub fn code(&self) -> String {
        match self {
            Account::Clearing(channel) => format!("clearing:{channel}"),
            Account::Fees => "fees".into(),
            Account::Payable => "payable".into(),
            Account::Prepaid => "prepaid".into(),
            Account::Sales => "sales".into(),
            Account::Suspense => "suspense".into(),
        }
    }

    /// The account of a stored name.
    pub fn from_code(code: &str) -> Option<Account> {
        match code {
            "fees" => Some(Account::Fees),
            "payable" => Some(Account::Payable),
            "prepaid" => Some(Account::Prepaid),
            "sales" => Some(Account::Sales),
            "suspense" => Some(Account::Suspense),
            _ => code.strip_prefix("clearing:").map(|channel| Account::Clearing(channel.to_owned())),
        }
    }
}

/// Whether a transfer counts now, later, or settles an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransferKind {
    /// Counts now.
    Posted,
    /// Reserved; waits to be posted or voided.
    Pending,
    /// Makes the pending transfer count.
    Posts(TransferId),
    /// Lets go of the pending transfer.
    Voids(TransferId),
}

/// The business fact behind a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A payment.
    Payment,
    /// The operator's share of a payment.
    Fee,
    /// The operator's share going back with a revocation.
    FeeReturn,
    /// A refund.
    Refund,
    /// Money paid in advance, or paid back.
    Deposit,
}

/// What caused a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// An order.
    Order(OrderId),
    /// A deposit.
    Deposit(DepositId),
}

/// A movement in the ledger. Never changed, never removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Its id.
    pub id: TransferId,
    /// Whose books.
    pub partner: PartnerId,
    /// What caused it.
    pub cause: Cause,
    /// The account debited.
    pub debit: Account,
    /// The account credited.
    pub credit: Account,
    /// How much; always positive.
    pub amount: Money,
    /// Whether it counts.
    pub kind: TransferKind,
    /// What for.
    pub purpose: Purpose,
    /// When.
    pub at: Timestamp,
}

/// What a batch of transfers changes on one account, in millionths. Balances are sums of transfers;
/// the stored sums are written together with them and `verify` compares the two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AccountDelta {
    /// Change of the posted debits.
    pub debits_posted: i64,
    /// Change of the posted credits.
    pub credits_posted: i64,
    /// Change of the pending debits.
    pub debits_pending: i64,
    /// Change of the pending credits.
    pub credits_pending: i64,
}

impl AccountDelta {
    /// Adds what `transfer` changes on its debit side.
    pub fn debit(&mut self, transfer: &Transfer) {
        Self::add(&mut self.debits_posted, &mut self.debits_pending, transfer);
    }

    /// Adds what `transfer` changes on its credit side.
    pub fn credit(&mut self, transfer: &Transfer) {
        Self::add(&mut self.credits_posted, &mut self.credits_pending, transfer);
    }

    /// Both together.
    #[must_use]
    pub fn plus(self, other: AccountDelta) -> AccountDelta {
        AccountDelta {
            debits_posted: self.debits_posted.saturating_add(other.debits_posted),
            credits_posted: self.credits_posted.saturating_add(other.credits_posted),
            debits_pending: self.debits_pending.saturating_add(other.debits_pending),
            credits_pending: self.credits_pending.saturating_add(other.credits_pending),
        }
    }

    fn add(posted: &mut i64, pending: &mut i64, transfer: &Transfer) {
        let amount = transfer.amount.micros();
        let (posted_change, pending_change) = match transfer.kind {
            TransferKind::Posted => (amount, 0),
            TransferKind::Pending => (0, amount),
            TransferKind::Posts(_) => (amount, -amount),
            TransferKind::Voids(_) => (0, -amount),
        };
        *posted = posted.saturating_add(posted_change);
        *pending = pending.saturating_add(pending_change);
    }
}
