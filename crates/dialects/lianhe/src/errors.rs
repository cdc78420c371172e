//! Return codes (section 6.1), and which refusal becomes which. The specification had to reconstruct the
//! table, so the numbers and texts stand here and nowhere else.

use tradewind_domain::{PurchaseProblem, RefundProblem, Refusal};

use crate::identify::DATE_OUT_OF_RANGE;
use crate::operation::METHOD;

/// A return code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// Done, or accepted.
    Success,
    /// Not done; the text tells why.
    Failure,
    /// The balance is too low.
    BalanceTooLow,
    /// The price of that day is not in order.
    PriceAbnormal,
    /// A document cannot be right.
    ConditionsNotMet,
    /// The travel date is missing.
    DateRequired,
    /// Not sold for that travel date.
    DateRestricted,
    /// The distribution sale price differs.
    SellPriceDiffers,
    /// The settlement price differs.
    BuyPriceDiffers,
    /// Must be bought in advance.
    TooLate,
    /// Not enough are left.
    OutOfStock,
    /// No mobile number.
    MobileMissing,
    /// More than an order may have.
    TooMany,
    /// Fewer than an order must have.
    TooFew,
    /// One traveller is needed for each ticket.
    TravellersMissing,
    /// A traveller's document is missing.
    DocumentMissing,
    /// Sold at self-service machines only.
    MachinesOnly,
}

impl Code {
    /// All codes, in the order of section 6.1. 10014 and 10015 are not assigned.
    pub const ALL: [Code; 17] = [
        Code::Success,
        Code::Failure,
        Code::BalanceTooLow,
        Code::PriceAbnormal,
        Code::ConditionsNotMet,
        Code::DateRequired,
        Code::DateRestricted,
        Code::SellPriceDiffers,
        Code::BuyPriceDiffers,
        Code::TooLate,
        Code::OutOfStock,
        Code::MobileMissing,
        Code::TooMany,
        Code::TooFew,
        Code::TravellersMissing,
        Code::DocumentMissing,
        Code::MachinesOnly,
    ];

    /// The number on the wire.
    pub fn number(self) -> i64 {
        match self {
            Code::Success => 10_000,
            Code::Failure => 20_000,
            Code::BalanceTooLow => 10_001,
            Code::PriceAbnormal => 10_002,
            Code::ConditionsNotMet => 10_003,
            Code::DateRequired => 10_004,
            Code::DateRestricted => 10_005,
            Code::SellPriceDiffers => 10_006,
            Code::BuyPriceDiffers => 10_007,
            Code::TooLate => 10_008,
            Code::OutOfStock => 10_009,
            Code::MobileMissing => 10_010,
            Code::TooMany => 10_011,
            Code::TooFew => 10_012,
            Code::TravellersMissing => 10_013,
            Code::DocumentMissing => 10_016,
            Code::MachinesOnly => 10_017,
        }
    }

    /// The code of a number, for clients: those of before 2.0 are understood and never sent.
    pub fn of_number(number: i64) -> Option<Code> {
        match number {
            200 => Some(Code::Success),
            300 => Some(Code::Failure),
            number => Code::ALL.into_iter().find(|code| code.number() == number),
        }
    }

    /// What it means, as `describe` tells it. Failures have texts of their own.
    pub fn describe(self) -> &'static str {
        match self {
            Code::Success => "执行成功",
            Code::Failure => "执行失败",
            Code::BalanceTooLow => "balance too low, top up",
            Code::PriceAbnormal => "price of that day abnormal, check the price calendar",
            Code::ConditionsNotMet => "data does not meet the purchase conditions",
            Code::DateRequired => "travel date required",
            Code::DateRestricted => "purchase restricted for that travel date",
            Code::SellPriceDiffers => "distribution sale price differs",
            Code::BuyPriceDiffers => "settlement price differs",
            Code::TooLate => "must be bought in advance",
            Code::OutOfStock => "out of stock",
            Code::MobileMissing => "mobile number empty",
            Code::TooMany => "more than the maximum per order",
            Code::TooFew => "fewer than the minimum per order",
            Code::TravellersMissing => "all travellers required, one ticket per person",
            Code::DocumentMissing => "traveller's document missing",
            Code::MachinesOnly => "ticket sold at self-service machines only",
        }
    }
}

/// The texts of [`Code::Failure`].
pub(crate) const AUTHENTICATION: &str = "authentication failed";
pub(crate) const UNKNOWN_METHOD: &str = "unknown method";
pub(crate) const MALFORMED: &str = "malformed request";
pub(crate) const NO_PRODUCT: &str = "product not found or not on sale";
pub(crate) const NO_ORDER: &str = "order not found";
pub(crate) const DUPLICATE: &str = "duplicate order with different content";
pub(crate) const WRONG_STATE: &str = "order state does not allow this";
pub(crate) const QUANTITY: &str = "refund quantity too large";
pub(crate) const PERIOD_OVER: &str = "refund period over";
pub(crate) const APPLIED_FOR: &str = "refund already applied for";
pub(crate) const INTERNAL: &str = "internal error";

/// How a refusal is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// `code`.
    pub code: Code,
    /// `describe`: one of the fixed texts, for some of them with what exactly is wrong behind a colon.
    pub describe: String,
    /// Whether the request was looked at, so that the answer can say what it did not lead to. Who could
    /// not be heard is told nothing: the order may be there from an earlier attempt.
    pub judged: bool,
    /// What to do about it, for programs, which must not read texts.
    pub hint: Option<Hint>,
}

/// Why nothing at all was done for a request. The protocol has no numbers for it, so a header of HTTP says
/// it beside the answer; clients that do not know of it lose nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Who calls was not proven, or may not call: the keys, the account or the clock have to be mended.
    Authenticate,
    /// There is too much to do: the same request may be sent again in a while.
    Later,
}

impl Hint {
    /// Both of them.
    pub const ALL: [Hint; 2] = [Hint::Authenticate, Hint::Later];

    /// The header, by its lower-case name, and its value.
    pub fn header(self) -> (&'static str, &'static str) {
        match self {
            Hint::Authenticate => ("www-authenticate", "LH"),
            Hint::Later => ("retry-after", "1"),
        }
    }
}

impl Failure {
    fn judged(text: &str) -> Failure {
        Failure { code: Code::Failure, describe: text.to_owned(), judged: true, hint: None }
    }

    fn unheard(text: &str) -> Failure {
        Failure { judged: false, ..Failure::judged(text) }
    }

    fn hinted(self, hint: Hint) -> Failure {
        Failure { hint: Some(hint), ..self }
    }

    pub(crate) fn coded(code: Code) -> Failure {
        Failure { code, ..Failure::judged(code.describe()) }
    }

    pub(crate) fn wrong_state() -> Failure {
        Failure::judged(WRONG_STATE)
    }

    fn detailed(self, detail: &str) -> Failure {
        Failure { describe: format!("{}: {detail}", self.describe), ..self }
    }

    /// How a refusal is told. No wildcard: a new refusal must be thought about here.
    pub fn of(refusal: &Refusal) -> Failure {
        let reason = || refusal.to_string();
        match refusal {
            Refusal::Signature { problem } if problem == DATE_OUT_OF_RANGE => {
                Failure::unheard(DATE_OUT_OF_RANGE).hinted(Hint::Authenticate)
            }
            Refusal::Signature { problem } => {
                Failure::unheard(AUTHENTICATION).detailed(problem).hinted(Hint::Authenticate)
            }
            Refusal::UnknownPartner | Refusal::PartnerSuspended | Refusal::SignIn => {
                Failure::unheard(AUTHENTICATION).detailed(&reason()).hinted(Hint::Authenticate)
            }
            Refusal::NotFound { what } if *what == METHOD => Failure::unheard(UNKNOWN_METHOD),
            Refusal::Field { .. }
            | Refusal::Unreadable { .. }
            | Refusal::Amount { .. }
            | Refusal::MethodUnrecognised => Failure::judged(MALFORMED).detailed(&reason()),
            Refusal::NotFound { .. } => Failure::judged(NO_PRODUCT),
            Refusal::OrderNotFound => Failure::judged(NO_ORDER),
            Refusal::NumberTaken { .. } => Failure::judged(DUPLICATE),
            Refusal::WrongState { .. }
            | Refusal::AlreadyRevoked
            | Refusal::MethodNotEnabled
            | Refusal::Exists { .. }
            | Refusal::ChannelDeclined { .. } => Failure::wrong_state().detailed(&reason()),
            Refusal::RefundInFlight { .. } => Failure::judged(APPLIED_FOR),
            Refusal::Purchase(problem) => Failure::of_purchase(*problem),
            Refusal::NotRefundable { why, .. } => Failure::of_refund(*why),
            Refusal::BalanceTooLow => Failure::coded(Code::BalanceTooLow),
            // The specification has no words for these two; they say that another attempt may do.
            Refusal::RateLimited | Refusal::Busy => Failure::unheard(&reason()).hinted(Hint::Later),
            Refusal::Storage | Refusal::Internal => Failure::unheard(INTERNAL),
        }
    }

    fn of_purchase(problem: PurchaseProblem) -> Failure {
        Failure::coded(match problem {
            PurchaseProblem::NotOnSale => return Failure::judged(NO_PRODUCT),
            PurchaseProblem::DayMissing => Code::DateRequired,
            PurchaseProblem::DayNotOnSale => Code::DateRestricted,
            PurchaseProblem::PriceUnsound => Code::PriceAbnormal,
            PurchaseProblem::SellDiffers => Code::SellPriceDiffers,
            PurchaseProblem::CostDiffers => Code::BuyPriceDiffers,
            PurchaseProblem::TooLate => Code::TooLate,
            PurchaseProblem::SoldOut => Code::OutOfStock,
            PurchaseProblem::MobileMissing => Code::MobileMissing,
            PurchaseProblem::TooMany => Code::TooMany,
            PurchaseProblem::TooFew => Code::TooFew,
            PurchaseProblem::TravellersMissing => Code::TravellersMissing,
            PurchaseProblem::DocumentMissing => Code::DocumentMissing,
            PurchaseProblem::DocumentWrong => Code::ConditionsNotMet,
            PurchaseProblem::CounterOnly => Code::MachinesOnly,
        })
    }

    fn of_refund(why: RefundProblem) -> Failure {
        let told = |text| Failure::judged(text);
        match why {
            RefundProblem::Quantity => told(QUANTITY),
            RefundProblem::TimeOver => told(PERIOD_OVER),
            RefundProblem::UnderReview => told(APPLIED_FOR),
            RefundProblem::NumberTaken => told(APPLIED_FOR).detailed(&why.to_string()),
            RefundProblem::WrongState => Failure::wrong_state(),
            RefundProblem::NotRefundable
            | RefundProblem::WholeOnly
            | RefundProblem::AllRefunded
            | RefundProblem::AllUsed => Failure::wrong_state().detailed(&why.to_string()),
        }
    }
}
