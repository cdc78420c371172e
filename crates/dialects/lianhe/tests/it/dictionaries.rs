//! Every row of section 6, typed from the specification.

use tradewind_dialect::Dialect;
use tradewind_domain::{OrderId, PurchaseProblem, RefundId, RefundProblem, Refusal};
use tradewind_lianhe::{Code, Failure, Hint, OrderStatus, ReStatus};

use crate::support::{dialect, order};

#[test]
fn return_codes() {
    let rows = [
        (10_000, Code::Success),
        (20_000, Code::Failure),
        (10_001, Code::BalanceTooLow),
        (10_002, Code::PriceAbnormal),
        (10_003, Code::ConditionsNotMet),
        (10_004, Code::DateRequired),
        (10_005, Code::DateRestricted),
        (10_006, Code::SellPriceDiffers),
        (10_007, Code::BuyPriceDiffers),
        (10_008, Code::TooLate),
        (10_009, Code::OutOfStock),
        (10_010, Code::MobileMissing),
        (10_011, Code::TooMany),
        (10_012, Code::TooFew),
        (10_013, Code::TravellersMissing),
        (10_016, Code::DocumentMissing),
        (10_017, Code::MachinesOnly),
    ];
    assert_eq!(rows.map(|(_, code)| code), Code::ALL);
    for (number, code) in rows {
        assert_eq!((code.number(), Code::of_number(number)), (number, Some(code)));
        assert!(!code.describe().is_empty());
    }
    assert_eq!(Code::of_number(200), Some(Code::Success), "before 2.0");
    assert_eq!(Code::of_number(300), Some(Code::Failure), "before 2.0");
    for number in [0, 1, -1, 10_014, 10_015, 10_018, 9_999, 20_001, i64::MAX] {
        assert_eq!(Code::of_number(number), None, "{number}");
    }
}

#[test]
fn order_status() {
    use OrderStatus::{
        Created, Creating, CreationFailed, Paid, PartlyUsed, PaymentFailed, RefundFailed, Refunded, Unknown,
        Used,
    };
    let rows = [
        Unknown,
        Creating,
        Created,
        CreationFailed,
        Paid,
        PaymentFailed,
        Refunded,
        RefundFailed,
        Used,
        PartlyUsed,
    ];
    assert_eq!(rows, OrderStatus::ALL);
    for (number, status) in (0..).zip(rows) {
        assert_eq!((status.number(), OrderStatus::of_number(number)), (number, Some(status)));
    }
    assert_eq!((OrderStatus::of_number(10), OrderStatus::of_number(-1)), (None, None));
    assert_eq!((OrderStatus::after_use(0), OrderStatus::after_use(1)), (Used, PartlyUsed));
}

#[test]
fn re_status() {
    use ReStatus::{None as No, Refunded, Refused, Rejected, UnderReview};
    let rows = [No, UnderReview, Refused, Refunded, Rejected];
    assert_eq!(rows, ReStatus::ALL);
    for (number, status) in (0..).zip(rows) {
        assert_eq!((status.number(), ReStatus::of_number(number)), (number, Some(status)));
    }
    assert_eq!(ReStatus::of_number(5), None);
}

/// Every refusal has its code and text, and tells whether the answer may speak of the order.
#[test]
fn refusals() {
    let text = |problem: &str| problem.to_owned();
    let not_refundable = |why| Refusal::NotRefundable { why, refundable: 1 };
    let hint = |refusal: &Refusal| match refusal {
        Refusal::UnknownPartner | Refusal::PartnerSuspended | Refusal::SignIn | Refusal::Signature { .. } => {
            Some(Hint::Authenticate)
        }
        Refusal::RateLimited | Refusal::Busy => Some(Hint::Later),
        _ => None,
    };
    let rows: Vec<(Refusal, i64, &str, bool)> = vec![
        (Refusal::UnknownPartner, 20_000, "authentication failed: the caller is not known", false),
        (Refusal::PartnerSuspended, 20_000, "authentication failed: the partner is suspended", false),
        (Refusal::SignIn, 20_000, "authentication failed: account or password is wrong", false),
        (Refusal::Signature { problem: text("b") }, 20_000, "authentication failed: b", false),
        (Refusal::Signature { problem: text("date out of range") }, 20_000, "date out of range", false),
        (Refusal::NotFound { what: "method" }, 20_000, "unknown method", false),
        (Refusal::NotFound { what: "sku" }, 20_000, "product not found or not on sale", true),
        (Refusal::Field { field: text("A"), problem: text("b") }, 20_000, "malformed request: A: b", true),
        (
            Refusal::Unreadable { problem: text("b") },
            20_000,
            "malformed request: the message cannot be read: b",
            true,
        ),
        (Refusal::Amount { problem: text("b") }, 20_000, "malformed request: b", true),
        (
            Refusal::MethodUnrecognised,
            20_000,
            "malformed request: the payment method cannot be recognised",
            true,
        ),
        (
            Refusal::MethodNotEnabled,
            20_000,
            "order state does not allow this: the payment method is not enabled",
            true,
        ),
        (Refusal::OrderNotFound, 20_000, "order not found", true),
        (Refusal::NumberTaken { same: false }, 20_000, "duplicate order with different content", true),
        (Refusal::NumberTaken { same: true }, 20_000, "duplicate order with different content", true),
        (Refusal::WrongState { problem: "b" }, 20_000, "order state does not allow this: b", true),
        (Refusal::AlreadyRevoked, 20_000, "order state does not allow this: it has been revoked", true),
        (
            Refusal::Exists { what: "b" },
            20_000,
            "order state does not allow this: this b exists already",
            true,
        ),
        (
            Refusal::ChannelDeclined { reason: text("b") },
            20_000,
            "order state does not allow this: the channel refused: b",
            true,
        ),
        (
            Refusal::RefundInFlight { refund: RefundId::from_i64(1), pending: true },
            20_000,
            "refund already applied for",
            true,
        ),
        (not_refundable(RefundProblem::Quantity), 20_000, "refund quantity too large", true),
        (not_refundable(RefundProblem::TimeOver), 20_000, "refund period over", true),
        (not_refundable(RefundProblem::UnderReview), 20_000, "refund already applied for", true),
        (not_refundable(RefundProblem::WrongState), 20_000, "order state does not allow this", true),
        (Refusal::BalanceTooLow, 10_001, "balance too low, top up", true),
        (Refusal::RateLimited, 20_000, "too many calls", false),
        (Refusal::Busy, 20_000, "busy, try again", false),
        (Refusal::Storage, 20_000, "internal error", false),
        (Refusal::Internal, 20_000, "internal error", false),
    ];
    for (refusal, code, describe, judged) in rows {
        let failure = Failure::of(&refusal);
        assert_eq!(
            (failure.code.number(), failure.describe.as_str(), failure.judged),
            (code, describe, judged),
            "{refusal:?}"
        );
        assert_eq!(failure.hint, hint(&refusal), "{refusal:?}");
    }
}

/// Section 6.1, the operators' table.
#[test]
fn problems_of_purchases() {
    use PurchaseProblem::{
        CostDiffers, CounterOnly, DayMissing, DayNotOnSale, DocumentMissing, DocumentWrong, MobileMissing,
        NotOnSale, PriceUnsound, SellDiffers, SoldOut, TooFew, TooLate, TooMany, TravellersMissing,
    };
    let rows = [
        (NotOnSale, 20_000),
        (DayMissing, 10_004),
        (DayNotOnSale, 10_005),
        (PriceUnsound, 10_002),
        (SellDiffers, 10_006),
        (CostDiffers, 10_007),
        (TooLate, 10_008),
        (SoldOut, 10_009),
        (MobileMissing, 10_010),
        (TooMany, 10_011),
        (TooFew, 10_012),
        (TravellersMissing, 10_013),
        (DocumentMissing, 10_016),
        (DocumentWrong, 10_003),
        (CounterOnly, 10_017),
    ];
    assert_eq!(rows.map(|(problem, _)| problem), PurchaseProblem::ALL);
    for (problem, code) in rows {
        let failure = Failure::of(&Refusal::Purchase(problem));
        assert_eq!((failure.code.number(), failure.judged), (code, true), "{problem:?}");
    }
}

#[test]
fn orders_go_by_their_ids() {
    let order = order();
    assert_eq!(dialect().serial(&order), "14703600001230000");
    assert_eq!(
        dialect().order_of_serial("14703600001230000"),
        Some(OrderId::from_i64(14_703_600_001_230_000))
    );
    for text in ["", "0", "-1", "+1", "01", " 1", "1 ", "x", "１", "9223372036854775808"] {
        assert_eq!(dialect().order_of_serial(text), None, "{text:?}");
    }
}
