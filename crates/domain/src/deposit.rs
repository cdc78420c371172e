//! Prepaid balances: what a partner has paid in advance, and what moves it.
//!
//! The balance is the account *prepaid* of the partner's books. A purchase is decided on the same view
//! as the balance, so that no two of them can spend the same money.

use crate::{Account, AccountDelta, Currency, DepositId, Fact, Money, PartnerId, Timestamp};

/// Money that a partner has paid in advance, or got back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deposit {
    /// Its id.
    pub id: DepositId,
    /// Whose.
    pub partner: PartnerId,
    /// The operator's own number of it, for instance a bank's serial; unique per partner for ever.
    pub number: String,
    /// How much: positive when it was paid in, negative when it was paid out.
    pub amount: Money,
    /// What for, in words.
    pub note: String,
    /// Who wrote it down.
    pub operator: String,
}

impl Deposit {
    /// The name of what deposits come through, as that of a channel.
    pub const CHANNEL: &'static str = "deposits";

    /// When it was written down.
    pub fn at(&self) -> Timestamp {
        self.id.made_at()
    }
}

/// The sums of one account of a partner's books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Balance {
    /// Whose books.
    pub partner: PartnerId,
    /// Which account.
    pub account: Account,
    /// In which currency.
    pub currency: Currency,
    /// The sums.
    pub sums: AccountDelta,
}

impl Balance {
    /// What is on an account that grows by credits, in millionths: pending debits count as gone, pending
    /// credits do not count yet.
    pub fn available(&self) -> i64 {
        let AccountDelta { debits_posted, credits_posted, debits_pending, .. } = self.sums;
        credits_posted.saturating_sub(debits_posted).saturating_sub(debits_pending)
    }
}

/// A credit limit that was lowered. What was booked under it may still be as far below nothing as it allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastLimit {
    /// Whose balance it was for.
    pub partner: PartnerId,
    /// The limit before.
    pub limit: Money,
}

impl PastLimit {
    /// Facts of this kind are called this, the partner's number, and the limit: one for each that there was.
    pub const FACT_PREFIX: &'static str = "credit_limit_was:";

    /// As a fact that was so until `now`.
    pub fn fact(self, now: Timestamp) -> Fact {
        let PastLimit { partner, limit } = self;
        let (prefix, currency) = (PastLimit::FACT_PREFIX, limit.currency());
        let name = format!("{prefix}{}:{}:{}", partner.get(), limit.micros(), currency.code());
        Fact { name, value: now.ms().to_string() }
    }

    /// The inverse of [`PastLimit::fact`]; `None` for other facts.
    pub fn of(fact: &Fact) -> Option<PastLimit> {
        let mut parts = fact.name.strip_prefix(PastLimit::FACT_PREFIX)?.split(':');
        let (partner, micros, currency) = (parts.next()?, parts.next()?, parts.next()?);
        let limit = Money::from_micros(micros.parse().ok()?, currency.parse().ok()?);
        parts
            .next()
            .is_none()
            .then_some(PastLimit { partner: PartnerId::from_i64(partner.parse().ok()?), limit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_limits_are_read_as_they_were_written() {
        let limit = Money::from_micros(5_000_000, Currency::CNY);
        let past = PastLimit { partner: PartnerId::from_i64(17), limit };
        let fact = past.fact(Timestamp::from_ms(9));
        assert_eq!(PastLimit::of(&fact), Some(past));
        for name in [
            "clock",
            "credit_limit_was:",
            "credit_limit_was:1:2",
            "credit_limit_was:1:2:yuan",
            "credit_limit_was:1:2:CNY:3",
        ] {
            assert_eq!(PastLimit::of(&Fact { name: name.into(), value: String::new() }), None, "{name}");
        }
    }
}
