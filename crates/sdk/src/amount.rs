//! Exact amounts of yuan.

use std::fmt;
use std::str::FromStr;

use tradewind_domain::{Currency, Money};
use tradewind_sosopay::yuan;

/// An amount of Chinese yuan, a whole number of cents. It may be negative as a difference; a platform
/// accepts only positive ones.
///
/// ```
/// use tradewind_sdk::Amount;
///
/// let amount: Amount = "158.5".parse()?;
/// assert_eq!(amount.cents(), 15_850);
/// assert_eq!(amount.to_string(), "158.50");
/// assert!("0.001".parse::<Amount>().is_err());
/// # Ok::<(), tradewind_sdk::BadAmount>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount {
    cents: i64,
}

/// A text that is no amount: not a decimal number, finer than a cent, or too large.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadAmount(String);

impl Amount {
    /// Nothing.
    pub const ZERO: Amount = Amount::from_cents(0);

    /// From cents (hundredths of a yuan).
    #[must_use]
    pub const fn from_cents(cents: i64) -> Amount {
        Amount { cents }
    }

    /// Cents (hundredths of a yuan).
    #[must_use]
    pub const fn cents(self) -> i64 {
        self.cents
    }

    /// The same as money, unless it does not fit.
    pub(crate) fn money(self) -> Option<Money> {
        Money::from_cents(self.cents, Currency::CNY).ok()
    }

    /// The sum, unless it does not fit.
    #[must_use]
    pub fn plus(self, other: Amount) -> Option<Amount> {
        self.cents.checked_add(other.cents).map(Amount::from_cents)
    }

    /// The difference, unless it does not fit.
    #[must_use]
    pub fn minus(self, other: Amount) -> Option<Amount> {
        self.cents.checked_sub(other.cents).map(Amount::from_cents)
    }
}

impl FromStr for Amount {
    type Err = BadAmount;

    /// Reads yuan: plain decimals, and the exponents that some programs print for large numbers.
    fn from_str(text: &str) -> Result<Amount, BadAmount> {
        let amount = Money::parse(text, 2, Currency::CNY).and_then(Money::cents);
        amount
            .map(Amount::from_cents)
            .map_err(|problem| BadAmount(format!("`{text}` is no amount: {problem}")))
    }
}

impl fmt::Display for Amount {
    /// Yuan with two digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.money() {
            Some(money) => f.write_str(&yuan(money)),
            None => write!(f, "{}E-2", self.cents),
        }
    }
}

impl fmt::Display for BadAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadAmount {}
