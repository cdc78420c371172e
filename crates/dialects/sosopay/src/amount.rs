//! Amounts (section 2.5): yuan come in as decimals and leave as cents or as decimals of two digits.

use tradewind_domain::{Currency, Money, Refusal};

/// 9 999 999.99 yuan, the most an amount may be.
const YUAN_MAX: Money = Money::from_micros(9_999_999_990_000, Currency::CNY);

/// Reads an amount of yuan that is positive, exact to the cent and at most 9 999 999.99. Exponents are
/// understood, because old clients print floats.
///
/// # Errors
/// [`Refusal::Amount`].
pub fn parse_yuan(name: &str, text: &str) -> Result<Money, Refusal> {
    let refuse = |problem: &str| Refusal::Amount { problem: format!("{name}: {problem}") };
    let amount = Money::parse(text, 2, Currency::CNY).map_err(|error| refuse(&error.to_string()))?;
    if !amount.is_positive() {
        return Err(refuse("must be more than nothing"));
    }
    if amount.micros() > YUAN_MAX.micros() {
        return Err(refuse("too large"));
    }
    Ok(amount)
}

/// Whole cents. Amounts of this protocol are exact to the cent from the start.
pub fn cents(amount: Money) -> i64 {
    amount.cents().unwrap_or(amount.micros() / 10_000)
}

/// Yuan with two digits, for instance `158.00`.
pub fn yuan(amount: Money) -> String {
    let cents = cents(amount);
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}{}.{:02}", cents / 100, cents % 100)
}

/// The transaction limit as the authentication answer shows it.
pub(crate) fn limit() -> String {
    yuan(YUAN_MAX)
}
