//! Exact money: an integer number of millionths of the currency's main unit, with its currency.

use std::fmt;
use std::str::FromStr;

const MICROS: i64 = 1_000_000;

/// A currency by its three-letter ISO 4217 code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Chinese yuan.
    pub const CNY: Currency = Currency(*b"CNY");

    /// The code, for instance `CNY`.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }
}

impl FromStr for Currency {
    type Err = AmountError;

    fn from_str(code: &str) -> Result<Currency, AmountError> {
        match code.as_bytes() {
            [a, b, c] if [a, b, c].iter().all(|l| l.is_ascii_uppercase()) => Ok(Currency([*a, *b, *c])),
            _ => Err(AmountError::Malformed),
        }
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Why a text is not an amount, or two amounts cannot be put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not a decimal number.
    #[error("not a decimal number")]
    Malformed,
    /// More fractional digits than the unit has.
    #[error("finer than the smallest unit")]
    Inexact,
    /// Does not fit.
    #[error("too large")]
    TooLarge,
    /// Two amounts of different currencies.
    #[error("currencies differ")]
    CurrencyMismatch,
}

/// An amount in millionths of the main unit. May be negative as a difference; the rules check signs
/// where one is required.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    micros: i64,
    currency: Currency,
}

impl Money {
    /// From millionths of the main unit.
    pub const fn from_micros(micros: i64, currency: Currency) -> Money {
        Money { micros, currency }
    }

    /// From hundredths of the main unit (cents).
    pub fn from_cents(cents: i64, currency: Currency) -> Result<Money, AmountError> {
        let micros = cents.checked_mul(MICROS / 100).ok_or(AmountError::TooLarge)?;
        Ok(Money { micros, currency })
    }

    /// Nothing of this currency.
    pub const fn zero(currency: Currency) -> Money {
        Money { micros: 0, currency }
    }

    /// Millionths of the main unit.
    pub const fn micros(self) -> i64 {
        self.micros
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Hundredths of the main unit; refused when the amount is finer than that.
    pub fn cents(self) -> Result<i64, AmountError> {
        if self.micros % (MICROS / 100) != 0 {
            return Err(AmountError::Inexact);
        }
        Ok(self.micros / (MICROS / 100))
    }

    /// More than nothing.
    pub const fn is_positive(self) -> bool {
        self.micros > 0
    }

    /// Exactly nothing.
    pub const fn is_zero(self) -> bool {
        self.micros == 0
    }

    /// The sum; refused on overflow and for different currencies.
    pub fn plus(self, other: Money) -> Result<Money, AmountError> {
        self.combine(other, i64::checked_add)
    }

    /// The difference; refused on overflow and for different currencies.
    pub fn minus(self, other: Money) -> Result<Money, AmountError> {
        self.combine(other, i64::checked_sub)
    }

    /// `ppm` millionths of this amount, rounded half up to whole cents. The one place that rounds.
    pub fn share_ppm_half_up_to_cents(self, ppm: u32) -> Result<Money, AmountError> {
        let cent = i128::from(MICROS / 100);
        let exact = i128::from(self.micros) * i128::from(ppm);
        let divisor = cent * 1_000_000;
        let cents = (exact + divisor / 2).div_euclid(divisor);
        let micros = i64::try_from(cents * cent).map_err(|_| AmountError::TooLarge)?;
        Ok(Money { micros, currency: self.currency })
    }

    /// Reads a plain or exponent decimal (`158`, `158.00`, `.5`, `1.23E7`) that is exact to
    /// `10^-fraction_digits` of the main unit. At most 40 characters; no sign but `+` in the exponent
    /// or `-` anywhere a number may have one, so that a negative amount is seen as one.
    pub fn parse(text: &str, fraction_digits: u32, currency: Currency) -> Result<Money, AmountError> {
        let micros = parse_micros(text)?;
        let unit = 10_i64.checked_pow(6_u32.saturating_sub(fraction_digits)).ok_or(AmountError::TooLarge)?;
        if micros % unit != 0 {
            return Err(AmountError::Inexact);
        }
        Ok(Money { micros, currency })
    }

    /// The amount with exactly `fraction_digits` (0 to 6) digits after the point, for instance
    /// `158.00`. Refused when it is finer than that.
    pub fn to_decimal(self, fraction_digits: u32) -> Result<String, AmountError> {
        let digits = fraction_digits.min(6);
        let unit = 10_u64.pow(6 - digits);
        let magnitude = self.micros.unsigned_abs();
        if !magnitude.is_multiple_of(unit) {
            return Err(AmountError::Inexact);
        }
        let scale = 10_u64.pow(digits);
        let units = magnitude / unit;
        let sign = if self.micros < 0 { "-" } else { "" };
        if digits == 0 {
            return Ok(format!("{sign}{units}"));
        }
        Ok(format!("{sign}{}.{:0width$}", units / scale, units % scale, width = digits as usize))
    }

    fn combine(self, other: Money, op: fn(i64, i64) -> Option<i64>) -> Result<Money, AmountError> {
        if self.currency != other.currency {
            return Err(AmountError::CurrencyMismatch);
        }
        let micros = op(self.micros, other.micros).ok_or(AmountError::TooLarge)?;
        Ok(Money { micros, currency: self.currency })
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = if self.micros % (MICROS / 100) == 0 { 2 } else { 6 };
        let number = self.to_decimal(digits).map_err(|_| fmt::Error)?;
        write!(f, "{number} {}", self.currency.code())
    }
}

/// Longer texts cannot be amounts; the bound keeps the arithmetic below trivially safe.
const DECIMAL_CHARS_MAX: usize = 40;

fn parse_micros(text: &str) -> Result<i64, AmountError> {
    if text.len() > DECIMAL_CHARS_MAX {
        return Err(AmountError::Malformed);
    }
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = || whole.bytes().chain(fraction.bytes());
    if digits().next().is_none() || !digits().all(|b| b.is_ascii_digit()) {
        return Err(AmountError::Malformed);
    }
    let mut value: i128 = 0;
    for digit in digits() {
        // Forty digits at most would still overflow an i128, so the running value is capped.
        value = (value * 10 + i128::from(digit - b'0')).min(i128::MAX / 100);
        if value > i128::from(i64::MAX) * 1_000_000_000_000 {
            return Err(AmountError::TooLarge);
        }
    }
    let fraction_digits = i32::try_from(fraction.len()).map_err(|_| AmountError::Malformed)?;
    let shift = exponent - fraction_digits + 6;
    let micros = if value == 0 {
        0
    } else if shift >= 0 {
        if shift > 30 {
            return Err(AmountError::TooLarge);
        }
        value.checked_mul(10_i128.pow(shift.unsigned_abs())).ok_or(AmountError::TooLarge)?
    } else {
        if shift < -38 {
            return Err(AmountError::Inexact);
        }
        let divisor = 10_i128.pow(shift.unsigned_abs());
        if value % divisor != 0 {
            return Err(AmountError::Inexact);
        }
        value / divisor
    };
    let micros = i64::try_from(micros).map_err(|_| AmountError::TooLarge)?;
    Ok(if negative { -micros } else { micros })
}

fn parse_exponent(text: &str) -> Result<i32, AmountError> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || digits.len() > 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(AmountError::Malformed);
    }
    let value: i32 = digits.parse().map_err(|_| AmountError::Malformed)?;
    Ok(if text.starts_with('-') { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::{any, prop_assert_eq, proptest};

    #[test]
    fn decimals_are_read_exactly_or_refused() {
        use AmountError::{Inexact, Malformed, TooLarge};
        let cases: &[(&str, Result<i64, AmountError>)] = &[
            ("158.00", Ok(15_800)),
            ("158", Ok(15_800)),
            ("158.", Ok(15_800)),
            (".5", Ok(50)),
            ("0.01", Ok(1)),
            ("158.0", Ok(15_800)),
            ("1.50000", Ok(150)),
            ("1.23456789E7", Ok(1_234_567_890)),
            ("1e2", Ok(10_000)),
            ("100E-2", Ok(100)),
            ("0", Ok(0)),
            ("-3.50", Ok(-350)),
            ("0E999", Ok(0)),
            ("0.001", Err(Inexact)),
            ("1E-3", Err(Inexact)),
            ("1E-99", Err(Inexact)),
            ("1E99", Err(TooLarge)),
            ("99999999999999999999", Err(TooLarge)),
            ("9999999999999999999999999999999999999999", Err(TooLarge)),
            ("", Err(Malformed)),
            (".", Err(Malformed)),
            ("NaN", Err(Malformed)),
            ("Infinity", Err(Malformed)),
            ("1,5", Err(Malformed)),
            ("+1", Err(Malformed)),
            ("1 ", Err(Malformed)),
            ("1E", Err(Malformed)),
            ("1E1.5", Err(Malformed)),
            ("0x10", Err(Malformed)),
            ("１", Err(Malformed)),
            ("1.2.3", Err(Malformed)),
            ("99999999999999999999999999999999999999999", Err(Malformed)),
        ];
        for (text, expected) in cases {
            let got = Money::parse(text, 2, Currency::CNY).map(|m| m.cents().unwrap());
            assert_eq!(got, *expected, "{text:?}");
        }
    }

    #[test]
    fn shares_round_half_up_to_cents() {
        for (cents, ppm, expected) in
            [(10_000, 6_000, 60), (125, 4_000, 1), (124, 4_000, 0), (1, 500_000, 1), (0, 9, 0)]
        {
            let money = Money::from_cents(cents, Currency::CNY).unwrap();
            assert_eq!(
                money.share_ppm_half_up_to_cents(ppm).unwrap().cents(),
                Ok(expected),
                "{cents} at {ppm}"
            );
        }
    }

    #[test]
    fn currencies_do_not_mix() {
        let yuan = Money::zero(Currency::CNY);
        let euro = Money::zero("EUR".parse().unwrap());
        assert_eq!(yuan.plus(euro), Err(AmountError::CurrencyMismatch));
        assert_eq!(
            Money::from_micros(i64::MAX, Currency::CNY).plus(Money::from_micros(1, Currency::CNY)),
            Err(AmountError::TooLarge)
        );
    }

    proptest! {
        #[test]
        fn printing_and_reading_agree(micros in any::<i64>()) {
            let micros = micros.max(-i64::MAX);
            let money = Money::from_micros(micros, Currency::CNY);
            let text = money.to_decimal(6).unwrap();
            prop_assert_eq!(Money::parse(&text, 6, Currency::CNY), Ok(money));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,60}") {
            let _ = Money::parse(&text, 2, Currency::CNY);
        }
    }
}
