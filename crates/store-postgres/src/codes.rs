//! The small integers that stand for variants in the database, and texts for short lists.
//!
//! The numbers are on disk in every installation: a variant may be added, none may be renumbered.

use tradewind_domain::{
    Account, CodeRule, Currency, EventKind, Flow, FundBill, Method, Money, OrderStage, OrderStanding,
    PartnerId, PartnerState, PaymentId, PaymentState, ProductState, Purpose, RefundId, RefundKind,
    RefundState, Share, TaskKind, TaskState, TransferId, TransferKind, UserState, VoucherCode, VoucherState,
};
use tradewind_store::NotReadable;

/// A variant and its number on disk.
pub(crate) trait Code: Sized {
    fn code(self) -> i16;
    fn from_code(code: i16) -> Option<Self>;
}

macro_rules! codes {
    ($($name:ident { $($variant:ident = $code:literal),* $(,)? })*) => {$(
        impl Code for $name {
            fn code(self) -> i16 {
                match self { $($name::$variant => $code),* }
            }

            fn from_code(code: i16) -> Option<Self> {
                match code { $($code => Some($name::$variant),)* _ => None }
            }
        }
    )*};
}

codes! {
    PartnerState { Active = 0, Suspended = 1 }
    UserState { Active = 0, Locked = 1, Deleted = 2 }
    OrderStage { Open = 0, Paid = 1, Revoked = 2, Closed = 3 }
    Flow { PayerCode = 0, PayerScans = 1, InWallet = 2, InApp = 3, FromBalance = 4 }
    PaymentState { Unknown = 0, Waiting = 1, Paid = 2, Declined = 3, Cancelling = 4, Cancelled = 5 }
    RefundKind { Requested = 0, Revocation = 1, LateSuccess = 2, Units = 3 }
    RefundState { Unknown = 0, Pending = 1, Succeeded = 2, Refused = 3, Cancelled = 4 }
    Purpose { Payment = 0, Fee = 1, FeeReturn = 2, Refund = 3, Deposit = 4 }
    EventKind {
        OrderPaid = 0, OrderRevoked = 1, OrderClosed = 2, RefundSucceeded = 3, RefundFailed = 4,
        VoucherRedeemed = 5, ProductChanged = 6, ProductListed = 7, ProductDelisted = 8,
    }
    ProductState { OnSale = 0, OffSale = 1 }
    CodeRule { PerOrder = 0, PerTicket = 1 }
    VoucherState { Active = 0, Cancelled = 1 }
    TaskState { Pending = 0, Done = 1, Failed = 2, Cancelled = 3 }
    OrderStanding {
        Open = 0, Paid = 1, Revoked = 2, RevocationApplied = 3, PartlyRefunded = 4, Refunded = 5, Closed = 6,
        Refunding = 7, RefundFailed = 8,
    }
}

/// The standing of a row of `orders` as the number of an [`OrderStanding`], as of `$now` and with the
/// refund window `$window`, both in milliseconds. It says the same as `Order::standing`; the contract suite compares the two over
/// all combinations of facts.
macro_rules! standing {
    ($now:literal, $window:literal) => {
        concat!(
            "CASE \
           WHEN o.stage = 2 THEN 2 \
           WHEN o.stage = 3 THEN 6 \
           WHEN o.revocation_applied THEN 3 \
           WHEN o.stage = 0 THEN 0 \
           WHEN o.refunding > 0 THEN 7 \
           WHEN o.refunded = o.amount THEN 5 \
           WHEN o.refunded > 0 THEN 4 \
           WHEN o.refund_failed THEN 8 \
           WHEN o.refunded = 0 AND o.refunding = 0 AND ",
            $now,
            " - o.paid_at > ",
            $window,
            " THEN 6 \
           ELSE 1 \
         END"
        )
    };
}
pub(crate) use standing;

/// The kind of a task: its number, what it is about, and the endpoint of a delivery.
pub(crate) fn task_kind_columns(kind: TaskKind) -> (i16, i64, Option<i64>) {
    match kind {
        TaskKind::Deliver { event, endpoint } => (0, event, endpoint.map(|id| id.get())),
        TaskKind::FollowPayment(payment) => (1, payment.get(), None),
        TaskKind::FollowRefund(refund) => (2, refund.get(), None),
        TaskKind::LapseOrder => (3, 0, None),
        TaskKind::ApproveRefund(refund) => (4, refund.get(), None),
        TaskKind::SendCodes => (5, 0, None),
    }
}

/// The inverse of [`task_kind_columns`].
pub(crate) fn task_kind(code: i16, subject: i64, endpoint: Option<i64>) -> Option<TaskKind> {
    match code {
        0 => Some(TaskKind::Deliver {
            event: subject,
            endpoint: endpoint.map(tradewind_domain::EndpointId::from_i64),
        }),
        1 => Some(TaskKind::FollowPayment(PaymentId::from_i64(subject))),
        2 => Some(TaskKind::FollowRefund(RefundId::from_i64(subject))),
        3 => Some(TaskKind::LapseOrder),
        4 => Some(TaskKind::ApproveRefund(RefundId::from_i64(subject))),
        5 => Some(TaskKind::SendCodes),
        _ => None,
    }
}

/// The kind of a transfer: its number and the transfer it settles.
pub(crate) fn transfer_kind_columns(kind: TransferKind) -> (i16, Option<i64>) {
    match kind {
        TransferKind::Posted => (0, None),
        TransferKind::Pending => (1, None),
        TransferKind::Posts(pending) => (2, Some(pending.get())),
        TransferKind::Voids(pending) => (3, Some(pending.get())),
    }
}

/// The inverse of [`transfer_kind_columns`].
pub(crate) fn transfer_kind(code: i16, settles: Option<i64>) -> Option<TransferKind> {
    match (code, settles) {
        (0, None) => Some(TransferKind::Posted),
        (1, None) => Some(TransferKind::Pending),
        (2, Some(pending)) => Some(TransferKind::Posts(TransferId::from_i64(pending))),
        (3, Some(pending)) => Some(TransferKind::Voids(TransferId::from_i64(pending))),
        _ => None,
    }
}

/// Fund bills as a JSON array of `[source, amount, currency]`; `None` when there are none.
pub(crate) fn bills_text(bills: &[FundBill]) -> Option<String> {
    if bills.is_empty() {
        return None;
    }
    let parts = bills.iter().map(|bill| {
        let currency = bill.amount.currency();
        serde_json::json!([bill.source, bill.amount.micros(), currency.code()])
    });
    Some(serde_json::Value::Array(parts.collect()).to_string())
}

/// Shares of a voucher as a JSON array of `[[partners], quota, used]`; `None` when there are none.
pub(crate) fn shares_text(shares: &[Share]) -> Option<String> {
    if shares.is_empty() {
        return None;
    }
    let parts = shares.iter().map(|share| {
        let partners: Vec<i64> = share.partners.iter().map(|partner| partner.get()).collect();
        serde_json::json!([partners, share.quota, share.used])
    });
    Some(serde_json::Value::Array(parts.collect()).to_string())
}

/// Names as a JSON array.
pub(crate) fn names_text<'a>(names: impl Iterator<Item = &'a str>) -> String {
    serde_json::Value::Array(names.map(serde_json::Value::from).collect()).to_string()
}

/// A currency by its code.
pub(crate) fn currency(code: &str) -> Result<Currency, Unreadable> {
    code.parse().map_err(|_| Unreadable::not_one("currency", code))
}

/// An account by its stored name.
pub(crate) fn account(name: &str) -> Result<Account, Unreadable> {
    Account::from_code(name).ok_or_else(|| Unreadable::not_one("account", name))
}

/// Payment methods from their JSON array.
pub(crate) fn methods(text: &str) -> Result<Vec<Method>, Unreadable> {
    names(text)?.iter().map(|name| method(name)).collect()
}

/// Event kinds from their JSON array.
pub(crate) fn event_kinds(text: &str) -> Result<Vec<EventKind>, Unreadable> {
    let kind =
        |name: &String| EventKind::from_name(name).ok_or_else(|| Unreadable::not_one("event kind", name));
    names(text)?.iter().map(kind).collect()
}

/// The inverse of [`bills_text`].
pub(crate) fn bills(text: Option<&str>) -> Result<Vec<FundBill>, Unreadable> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let parts: Vec<(String, i64, String)> = serde_json::from_str(text)?;
    let bill = |(source, micros, code): (String, i64, String)| {
        Ok(FundBill { source, amount: Money::from_micros(micros, currency(&code)?) })
    };
    parts.into_iter().map(bill).collect()
}

/// The inverse of [`shares_text`].
pub(crate) fn shares(text: Option<&str>) -> Result<Vec<Share>, Unreadable> {
    let Some(text) = text else { return Ok(Vec::new()) };
    let parts: Vec<(Vec<i64>, u32, u32)> = serde_json::from_str(text)?;
    let share = |(partners, quota, used): (Vec<i64>, u32, u32)| {
        let partners = partners.into_iter().map(PartnerId::from_i64).collect();
        Share { partners, quota, used }
    };
    Ok(parts.into_iter().map(share).collect())
}

/// A voucher's code by its number.
pub(crate) fn voucher_code(number: i64) -> Result<VoucherCode, Unreadable> {
    VoucherCode::from_i64(number).ok_or_else(|| Unreadable::not_one("voucher's code", number))
}

/// A value that this program never writes where it was found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("{text:?} is not a known {what}")]
    NotOne { what: &'static str, text: String },
    #[error("a list that is none: {0}")]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Column(#[from] tokio_postgres::Error),
    #[error("a number that does not fit: {0}")]
    Number(#[from] std::num::TryFromIntError),
    #[error(transparent)]
    Text(#[from] NotReadable),
}

impl Unreadable {
    pub(crate) fn not_one(what: &'static str, text: impl ToString) -> Unreadable {
        Unreadable::NotOne { what, text: text.to_string() }
    }
}

/// The usual methods need no memory of their own.
pub(crate) fn method(name: &str) -> Result<Method, Unreadable> {
    let known =
        [Method::ALIPAY, Method::WECHAT, Method::QQ, Method::UNIONPAY, Method::BESTPAY, Method::BALANCE];
    for known in known {
        if known.name() == name {
            return Ok(known);
        }
    }
    Method::new(name).ok_or_else(|| Unreadable::not_one("payment method", name))
}

fn names(text: &str) -> Result<Vec<String>, Unreadable> {
    Ok(serde_json::from_str(text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_standing_has_the_number_that_the_sql_gives_it() {
        for (number, standing) in (0..).zip([
            OrderStanding::Open,
            OrderStanding::Paid,
            OrderStanding::Revoked,
            OrderStanding::RevocationApplied,
            OrderStanding::PartlyRefunded,
            OrderStanding::Refunded,
            OrderStanding::Closed,
            OrderStanding::Refunding,
            OrderStanding::RefundFailed,
        ]) {
            assert_eq!(standing.code(), number);
            assert_eq!(OrderStanding::from_code(number), Some(standing));
        }
        assert_eq!(OrderStanding::from_code(9), None);
    }

    #[test]
    fn kinds_without_their_subject_are_not_read() {
        assert_eq!(transfer_kind(2, None), None);
        assert_eq!(transfer_kind(0, Some(1)), None);
        assert_eq!(task_kind(6, 1, None), None);
    }
}
