//! The small integers that stand for variants in the database, and texts for short lists.
//!
//! The numbers are on disk in every installation: a variant may be added, none may be renumbered.

use rusqlite::Row;
use rusqlite::types::Type;
use tradewind_domain::{
    Account, CodeRule, Currency, EventKind, Flow, FundBill, Method, Money, OrderStage, OrderStanding,
    PartnerId, PartnerState, PaymentId, PaymentState, ProductState, Purpose, RefundId, RefundKind,
    RefundState, Share, TaskKind, TaskState, TransferId, TransferKind, UserState, VoucherCode, VoucherState,
};

/// A variant and its number on disk.
pub(crate) trait Code: Sized {
    fn code(self) -> i64;
    fn from_code(code: i64) -> Option<Self>;
}

macro_rules! codes {
    ($($name:ident { $($variant:ident = $code:literal),* $(,)? })*) => {$(
        impl Code for $name {
            fn code(self) -> i64 {
                match self { $($name::$variant => $code),* }
            }

            fn from_code(code: i64) -> Option<Self> {
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
    VoucherState { Active = 0, Cancelled = 1 }
    ProductState { OnSale = 0, OffSale = 1 }
    CodeRule { PerOrder = 0, PerTicket = 1 }
    TaskState { Pending = 0, Done = 1, Failed = 2, Cancelled = 3 }
    OrderStanding {
        Open = 0, Paid = 1, Revoked = 2, RevocationApplied = 3, PartlyRefunded = 4, Refunded = 5, Closed = 6,
        Refunding = 7, RefundFailed = 8,
    }
}

/// The standing of a row of `orders` as the number of an [`OrderStanding`], with `:now` and `:window`
/// in milliseconds. It says the same as `Order::standing`; the contract suite compares the two over
/// all combinations of facts.
macro_rules! standing {
    () => {
        "CASE \
           WHEN o.stage = 2 THEN 2 \
           WHEN o.stage = 3 THEN 6 \
           WHEN o.revocation_applied THEN 3 \
           WHEN o.stage = 0 THEN 0 \
           WHEN o.refunding > 0 THEN 7 \
           WHEN o.refunded = o.amount THEN 5 \
           WHEN o.refunded > 0 THEN 4 \
           WHEN o.refund_failed THEN 8 \
           WHEN o.refunded = 0 AND o.refunding = 0 AND :now - o.paid_at > :window THEN 6 \
           ELSE 1 \
         END"
    };
}
pub(crate) use standing;

/// The kind of a task: its number, what it is about, and the endpoint of a delivery.
pub(crate) fn task_kind_columns(kind: TaskKind) -> (i64, i64, Option<i64>) {
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
pub(crate) fn task_kind(code: i64, subject: i64, endpoint: Option<i64>) -> Option<TaskKind> {
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
pub(crate) fn transfer_kind_columns(kind: TransferKind) -> (i64, Option<i64>) {
    match kind {
        TransferKind::Posted => (0, None),
        TransferKind::Pending => (1, None),
        TransferKind::Posts(pending) => (2, Some(pending.get())),
        TransferKind::Voids(pending) => (3, Some(pending.get())),
    }
}

/// The inverse of [`transfer_kind_columns`].
pub(crate) fn transfer_kind(code: i64, settles: Option<i64>) -> Option<TransferKind> {
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

/// The variant in a column.
pub(crate) fn code<T: Code>(row: &Row<'_>, column: usize) -> rusqlite::Result<T> {
    let number = row.get(column)?;
    T::from_code(number).ok_or(rusqlite::Error::IntegralValueOutOfRange(column, number))
}

/// The currency in a column.
pub(crate) fn currency(row: &Row<'_>, column: usize) -> rusqlite::Result<Currency> {
    row.get_ref(column)?.as_str()?.parse().map_err(|error| unreadable(column, error))
}

/// The account in a column.
pub(crate) fn account(row: &Row<'_>, column: usize) -> rusqlite::Result<Account> {
    let name = row.get_ref(column)?.as_str()?;
    Account::from_code(name).ok_or_else(|| unreadable(column, NotOne::of("account", name)))
}

/// The payment method in a column.
pub(crate) fn method(row: &Row<'_>, column: usize) -> rusqlite::Result<Method> {
    known_method(row.get_ref(column)?.as_str()?).map_err(|error| unreadable(column, error))
}

/// The payment methods in a column.
pub(crate) fn methods(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<Method>> {
    let names = names(row, column)?;
    names
        .iter()
        .map(|name| known_method(name))
        .collect::<Result<_, _>>()
        .map_err(|error| unreadable(column, error))
}

/// The event kinds in a column.
pub(crate) fn event_kinds(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<EventKind>> {
    let names = names(row, column)?;
    let kind = |name: &String| EventKind::from_name(name).ok_or_else(|| NotOne::of("event kind", name));
    names.iter().map(kind).collect::<Result<_, _>>().map_err(|error| unreadable(column, error))
}

/// The fund bills in a column.
pub(crate) fn bills(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<FundBill>> {
    let Some(text) = row.get_ref(column)?.as_str_or_null()? else { return Ok(Vec::new()) };
    let parts: Vec<(String, i64, String)> =
        serde_json::from_str(text).map_err(|error| unreadable(column, error))?;
    let bill = |(source, micros, currency): (String, i64, String)| {
        let amount = Money::from_micros(micros, currency.parse()?);
        Ok::<_, tradewind_domain::AmountError>(FundBill { source, amount })
    };
    parts.into_iter().map(bill).collect::<Result<_, _>>().map_err(|error| unreadable(column, error))
}

/// The shares of a voucher in a column.
pub(crate) fn shares(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<Share>> {
    let Some(text) = row.get_ref(column)?.as_str_or_null()? else { return Ok(Vec::new()) };
    let parts: Vec<(Vec<i64>, u32, u32)> =
        serde_json::from_str(text).map_err(|error| unreadable(column, error))?;
    let share = |(partners, quota, used): (Vec<i64>, u32, u32)| {
        let partners = partners.into_iter().map(PartnerId::from_i64).collect();
        Share { partners, quota, used }
    };
    Ok(parts.into_iter().map(share).collect())
}

/// The code of a voucher in a column.
pub(crate) fn voucher_code(row: &Row<'_>, column: usize) -> rusqlite::Result<VoucherCode> {
    let number = row.get(column)?;
    VoucherCode::from_i64(number).ok_or(rusqlite::Error::IntegralValueOutOfRange(column, number))
}

/// A column that holds something that this program never writes there.
pub(crate) fn unreadable(
    column: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}

/// A text that names nothing known.
#[derive(Debug, thiserror::Error)]
#[error("{text:?} is not a known {what}")]
pub(crate) struct NotOne {
    what: &'static str,
    text: String,
}

impl NotOne {
    pub(crate) fn of(what: &'static str, text: &str) -> NotOne {
        NotOne { what, text: text.to_owned() }
    }
}

/// The usual methods need no memory of their own.
fn known_method(name: &str) -> Result<Method, NotOne> {
    for known in
        [Method::ALIPAY, Method::WECHAT, Method::BALANCE, Method::QQ, Method::UNIONPAY, Method::BESTPAY]
    {
        if known.name() == name {
            return Ok(known);
        }
    }
    Method::new(name).ok_or_else(|| NotOne::of("payment method", name))
}

fn names(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<String>> {
    serde_json::from_str(row.get_ref(column)?.as_str()?).map_err(|error| unreadable(column, error))
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
