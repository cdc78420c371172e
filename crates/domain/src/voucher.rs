//! Vouchers: what a buyer holds and can redeem in parts, and the record of each redemption.

use std::fmt;
use std::str::FromStr;

use crate::{OrderId, PartnerId, RedemptionId, Timestamp, VoucherId};

/// Whether a voucher is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VoucherState {
    /// In force; how much is left is told by the numbers.
    Active,
    /// Taken back; what had been used stays used.
    Cancelled,
}

impl VoucherState {
    /// All states.
    pub const ALL: [VoucherState; 2] = [VoucherState::Active, VoucherState::Cancelled];
}

/// Where a voucher stands, as one word derived from its facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VoucherStanding {
    /// Something of it can be redeemed.
    Active,
    /// All of it has been used.
    UsedUp,
    /// Its time was over before all of it was used.
    Expired,
    /// Taken back.
    Cancelled,
    /// Nothing is left, and some of it was given back.
    Refunded,
}

impl VoucherStanding {
    /// Its name, for instance `used_up`.
    pub fn name(self) -> &'static str {
        match self {
            VoucherStanding::Active => "active",
            VoucherStanding::UsedUp => "used_up",
            VoucherStanding::Expired => "expired",
            VoucherStanding::Cancelled => "cancelled",
            VoucherStanding::Refunded => "refunded",
        }
    }
}

/// What a buyer holds: a number of uses, redeemed one or several at a time by whoever has its code.
///
/// At every moment `ordered = usable + used + refunded + locked`; what is usable can be redeemed while the
/// voucher is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Voucher {
    /// Its id; also the moment it was issued.
    pub id: VoucherId,
    /// Who issued it.
    pub partner: PartnerId,
    /// The dialect it was issued in.
    pub dialect: String,
    /// The issuer's own number, unique per partner for ever.
    pub number: String,
    /// Fingerprint of the content that the number is bound to.
    pub fingerprint: i64,
    /// What its holder shows, unique in the gateway.
    pub code: VoucherCode,
    /// What it is for, in the issuer's words.
    pub subject: String,
    /// How many uses it was issued with.
    pub ordered: u32,
    /// How many of them have been redeemed.
    pub used: u32,
    /// How many have been given back.
    pub refunded: u32,
    /// How many cannot be redeemed because their refund is under review.
    pub locked: u32,
    /// Whether it is in force.
    pub state: VoucherState,
    /// The order that bought it, whose line counts the same uses; `None` when it was issued by itself.
    pub order: Option<OrderId>,
    /// Who hands over what it is for, and may redeem all of it, besides the issuer.
    pub seller: Option<PartnerId>,
    /// From this instant on it can be redeemed; `None` for at once.
    pub valid_from: Option<Timestamp>,
    /// From this instant on it cannot be redeemed; `None` while it has no end.
    pub valid_until: Option<Timestamp>,
    /// When it was cancelled.
    pub cancelled_at: Option<Timestamp>,
    /// Who may redeem how much of it, besides the issuer. No partner stands in two of them.
    pub shares: Vec<Share>,
    /// Where its news go; issuers may name an address per voucher.
    pub notify_url: Option<String>,
    /// What the dialect wants to find again, in its own form. Opaque here.
    pub details: Option<String>,
}

/// Partners that may redeem a voucher and draw on one quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// Who they are.
    pub partners: Vec<PartnerId>,
    /// How many uses they may redeem together.
    pub quota: u32,
    /// How many they have redeemed.
    pub used: u32,
}

impl Voucher {
    /// The most uses that one voucher can have.
    pub const ORDERED_MAX: u32 = 1_000_000;

    /// The number of the `place`th voucher (from 1) that an order has bought.
    pub fn number_of(order: OrderId, place: u32) -> String {
        format!("{order}-{place}")
    }

    /// Whether a number could become that of a voucher that an order buys. A partner that took it first
    /// would stand in the way of its own order.
    pub fn is_reserved(number: &str) -> bool {
        number.split_once('-').is_some_and(|(order, _)| order.parse::<OrderId>().is_ok())
    }

    /// The moment it was issued.
    pub fn issued_at(&self) -> Timestamp {
        self.id.made_at()
    }

    /// Uses that have been neither redeemed nor given back, locked ones included.
    pub fn unused(&self) -> u32 {
        self.ordered.saturating_sub(self.used).saturating_sub(self.refunded)
    }

    /// Uses that can be redeemed at `now` by all who may, together.
    pub fn usable(&self, now: Timestamp) -> u32 {
        match self.standing(now) {
            VoucherStanding::Active if self.valid_from.is_some_and(|from| now < from) => 0,
            VoucherStanding::Active => self.unused().saturating_sub(self.locked),
            VoucherStanding::UsedUp
            | VoucherStanding::Expired
            | VoucherStanding::Cancelled
            | VoucherStanding::Refunded => 0,
        }
    }

    /// Uses that `partner` can redeem at `now`. Whoever stands in a share is held to its quota, the
    /// issuer too; an issuer that stands in none may redeem all.
    pub fn usable_by(&self, partner: PartnerId, now: Timestamp) -> u32 {
        let quota = match self.share_of(partner) {
            Some(share) => share.quota.saturating_sub(share.used),
            None if partner == self.partner || self.seller == Some(partner) => self.ordered,
            None => 0,
        };
        self.usable(now).min(quota)
    }

    /// Whether `partner` has anything to do with it: as its issuer, or as one who may redeem.
    pub fn concerns(&self, partner: PartnerId) -> bool {
        partner == self.partner || self.seller == Some(partner) || self.share_of(partner).is_some()
    }

    /// Where it stands at `now`.
    pub fn standing(&self, now: Timestamp) -> VoucherStanding {
        match self.state {
            VoucherState::Cancelled => VoucherStanding::Cancelled,
            VoucherState::Active if self.unused() == 0 && self.refunded > 0 => VoucherStanding::Refunded,
            VoucherState::Active if self.unused() == 0 => VoucherStanding::UsedUp,
            VoucherState::Active if self.valid_until.is_some_and(|end| now >= end) => {
                VoucherStanding::Expired
            }
            VoucherState::Active => VoucherStanding::Active,
        }
    }

    /// The share in which `partner` stands.
    pub fn share_of(&self, partner: PartnerId) -> Option<&Share> {
        self.shares.iter().find(|share| share.partners.contains(&partner))
    }
}

/// Uses that were redeemed at one moment. Never changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redemption {
    /// Its id; also the moment it was made.
    pub id: RedemptionId,
    /// Of which voucher.
    pub voucher: VoucherId,
    /// Who issued the voucher.
    pub partner: PartnerId,
    /// Who redeemed.
    pub by: PartnerId,
    /// At which device, as its owner calls it.
    pub device: String,
    /// How many uses.
    pub count: u32,
    /// How many had been redeemed with it: of the order, where the voucher belongs to one, else of the
    /// voucher.
    pub used_so_far: u32,
    /// How many were left then, in the same sense, locked ones included.
    pub left: u32,
}

impl Redemption {
    /// When it was made.
    pub fn at(&self) -> Timestamp {
        self.id.made_at()
    }
}

/// What the holder of a voucher shows: sixteen digits, the last of which is a check digit.
///
/// Fifteen digits by chance cannot be guessed while far fewer vouchers are in force. The check digit
/// (Damm's) finds every single wrong digit and every two neighbours that changed places.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VoucherCode(i64);

impl VoucherCode {
    /// Digits of a code.
    pub const DIGITS: usize = 16;
    /// How many codes there are: payloads are below this.
    pub const PAYLOADS: u64 = 1_000_000_000_000_000;

    /// The code whose fifteen first digits are `payload`; `None` when it has more.
    pub fn of_payload(payload: u64) -> Option<VoucherCode> {
        let payload = i64::try_from(payload).ok().filter(|_| payload < Self::PAYLOADS)?;
        Some(VoucherCode(payload * 10 + check_digit(&format!("{payload:015}"))))
    }

    /// The code that is written with these digits, leading zeros left out; `None` when it is none.
    pub fn from_i64(number: i64) -> Option<VoucherCode> {
        let payload = u64::try_from(number / 10).ok()?;
        VoucherCode::of_payload(payload).filter(|code| code.0 == number)
    }

    /// The digits as a number.
    pub fn get(self) -> i64 {
        self.0
    }
}

impl fmt::Display for VoucherCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016}", self.0)
    }
}

/// Whoever has a code can redeem: logs see no more than its end.
impl fmt::Debug for VoucherCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VoucherCode(..{:04})", self.0 % 10_000)
    }
}

/// A text that is not a voucher's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseCodeError {
    /// It does not have sixteen digits.
    #[error("does not have 16 digits")]
    Shape,
    /// The check digit says that a digit is wrong or that two have changed places.
    #[error("has a wrong digit")]
    Check,
}

impl FromStr for VoucherCode {
    type Err = ParseCodeError;

    /// Reads a code as people type it: spaces and hyphens between digits do not matter.
    fn from_str(text: &str) -> Result<VoucherCode, ParseCodeError> {
        let digits: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        if digits.len() != Self::DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ParseCodeError::Shape);
        }
        let number = digits.parse().map_err(|_| ParseCodeError::Shape)?;
        VoucherCode::from_i64(number).ok_or(ParseCodeError::Check)
    }
}

/// Damm's quasigroup of order ten: no element is left alone by itself, so that any one slip shows.
const DAMM: [[i64; 10]; 10] = [
    [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
    [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
    [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
    [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
    [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
    [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
    [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
    [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
    [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
    [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
];

/// The check digit behind `digits`.
fn check_digit(digits: &str) -> i64 {
    digits.bytes().fold(0, |so_far, digit| {
        let (row, column) = (usize::try_from(so_far).unwrap_or(0), usize::from(digit.wrapping_sub(b'0')));
        DAMM.get(row).and_then(|row| row.get(column)).copied().unwrap_or(0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_digit_is_the_published_one() {
        // The example of Damm's algorithm: 572 is followed by 4.
        assert_eq!(check_digit("572"), 4);
        assert_eq!(VoucherCode::of_payload(572).unwrap().to_string(), "0000000000005724");
    }

    #[test]
    fn codes_round_trip_and_are_bounded() {
        for payload in [0, 1, 9, 10, 123_456_789_012_345, VoucherCode::PAYLOADS - 1] {
            let code = VoucherCode::of_payload(payload).unwrap();
            let text = code.to_string();
            assert_eq!(text.len(), VoucherCode::DIGITS);
            assert_eq!(text.parse(), Ok(code));
            assert_eq!(VoucherCode::from_i64(code.get()), Some(code));
            assert!(text.starts_with(&format!("{payload:015}")), "{text}");
        }
        assert_eq!(VoucherCode::of_payload(VoucherCode::PAYLOADS), None);
        assert_eq!(VoucherCode::of_payload(u64::MAX), None);
        for number in [-1, -4, i64::MIN, i64::MAX, 10_000_000_000_000_000, 1] {
            assert_eq!(VoucherCode::from_i64(number), None, "{number}");
        }
    }

    #[test]
    fn every_slip_of_a_finger_is_found() {
        let code = VoucherCode::of_payload(804_517_239_906_112).unwrap();
        let digits = code.to_string().into_bytes();
        for place in 0..digits.len() {
            for digit in b'0'..=b'9' {
                let mut typed = digits.clone();
                typed[place] = digit;
                let typed = String::from_utf8(typed).unwrap();
                let expected = if digit == digits[place] { Ok(code) } else { Err(ParseCodeError::Check) };
                assert_eq!(typed.parse(), expected, "{typed}");
            }
        }
        for place in 1..digits.len() {
            let mut typed = digits.clone();
            typed.swap(place - 1, place);
            let expected = if typed == digits { Ok(code) } else { Err(ParseCodeError::Check) };
            assert_eq!(String::from_utf8(typed).unwrap().parse(), expected);
        }
    }

    #[test]
    fn codes_are_read_as_people_type_them_and_not_shown_in_logs() {
        let code = VoucherCode::of_payload(123_456_789_012_345).unwrap();
        let text = code.to_string();
        let typed = format!(" {} {}-{} {}", &text[..4], &text[4..8], &text[8..12], &text[12..]);
        assert_eq!(typed.parse(), Ok(code));
        for bad in ["", "1", "12345678901234567", "123456789012345x", "１２３４５６７８", "+123456789012345"]
        {
            assert_eq!(bad.parse::<VoucherCode>(), Err(ParseCodeError::Shape), "{bad:?}");
        }
        let shown = format!("{code:?}");
        assert!(!shown.contains("12345678") && shown.ends_with(&format!("{})", &text[12..])), "{shown}");
    }
}
