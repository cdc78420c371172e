//! The nouns of the domain as operators see them. Amounts are decimal text, times milliseconds since
//! 1970, ids carry their prefix.

use serde_json::{Value, json};
use tradewind_domain::{
    Event, Flow, FundBill, Money, Order, OrderStage, OrderStanding, Payment, PaymentState, Purpose, Refund,
    RefundKind, RefundState, Task, TaskKind, Transfer, TransferKind,
};

/// Where the next page begins; `None` when this one was not full.
pub(super) fn next<T>(rows: &[T], limit: u32, place: impl FnOnce(&T) -> String) -> Option<String> {
    let full = usize::try_from(limit).is_ok_and(|limit| rows.len() >= limit);
    rows.last().filter(|_| full).map(place)
}

pub(super) fn order(order: &Order, serial: Option<String>, standing: OrderStanding) -> Value {
    json!({
        "id": order.id.to_string(),
        "partner": order.partner.to_string(),
        "dialect": order.dialect,
        "number": order.number,
        "serial": serial,
        "subject": order.subject,
        "amount": decimal(order.amount),
        "currency": order.amount.currency().code(),
        "stage": match order.stage {
            OrderStage::Open => "open",
            OrderStage::Paid => "paid",
            OrderStage::Revoked => "revoked",
            OrderStage::Closed => "closed",
        },
        "standing": standing.name(),
        "revocation_applied": order.revocation_applied,
        "refunded": decimal(order.refunded),
        "refunding": decimal(order.refunding),
        "refundable": decimal(order.refundable()),
        "refund_failed": order.refund_failed,
        "fee_ppm": order.fee_ppm,
        "payment": order.payment.to_string(),
        "operator": order.terminal.operator,
        "device": order.terminal.device,
        "store": order.terminal.store,
        "notify_url": order.notify_url,
        "created_at_ms": order.created_at().ms(),
        "paid_at_ms": order.paid_at.map(|at| at.ms()),
        "ended_at_ms": order.ended_at.map(|at| at.ms()),
        "expires_at_ms": order.expires_at.ms(),
    })
}

pub(super) fn payment(payment: &Payment) -> Value {
    json!({
        "id": payment.id.to_string(),
        "channel": payment.channel,
        "method": payment.method.name(),
        "flow": match payment.flow {
            Flow::PayerCode => "payer_code",
            Flow::PayerScans => "payer_scans",
            Flow::InWallet => "in_wallet",
            Flow::InApp => "in_app",
            Flow::FromBalance => "from_balance",
        },
        "state": match payment.state {
            PaymentState::Unknown => "unknown",
            PaymentState::Waiting => "waiting",
            PaymentState::Paid => "paid",
            PaymentState::Declined => "declined",
            PaymentState::Cancelling => "cancelling",
            PaymentState::Cancelled => "cancelled",
        },
        "amount": decimal(payment.amount),
        "currency": payment.amount.currency().code(),
        "payer": payment.payer,
        "channel_number": payment.channel_number,
        "bills": bills(&payment.bills),
        "reason": payment.reason,
        "settled_at_ms": payment.settled_at.map(|at| at.ms()),
    })
}

pub(super) fn refund(refund: &Refund) -> Value {
    json!({
        "id": refund.id.to_string(),
        "number": refund.number,
        "kind": match refund.kind {
            RefundKind::Requested => "requested",
            RefundKind::Revocation => "revocation",
            RefundKind::LateSuccess => "late_success",
            RefundKind::Units => "units",
        },
        "state": match refund.state {
            RefundState::Unknown => "unknown",
            RefundState::Pending => "pending",
            RefundState::Succeeded => "succeeded",
            RefundState::Refused => "refused",
            RefundState::Cancelled => "cancelled",
        },
        "amount": decimal(refund.amount),
        "currency": refund.amount.currency().code(),
        "units": refund.units,
        "subject": refund.subject,
        "operator": refund.operator,
        "channel_number": refund.channel_number,
        "bills": bills(&refund.bills),
        "reason": refund.reason,
        "created_at_ms": refund.created_at().ms(),
        "settled_at_ms": refund.settled_at.map(|at| at.ms()),
    })
}

pub(super) fn transfer(transfer: &Transfer) -> Value {
    let (kind, of) = match transfer.kind {
        TransferKind::Posted => ("posted", None),
        TransferKind::Pending => ("pending", None),
        TransferKind::Posts(pending) => ("posts", Some(pending.to_string())),
        TransferKind::Voids(pending) => ("voids", Some(pending.to_string())),
    };
    json!({
        "id": transfer.id.to_string(),
        "debit": transfer.debit.code(),
        "credit": transfer.credit.code(),
        "amount": decimal(transfer.amount),
        "currency": transfer.amount.currency().code(),
        "kind": kind,
        "of": of,
        "purpose": match transfer.purpose {
            Purpose::Payment => "payment",
            Purpose::Fee => "fee",
            Purpose::FeeReturn => "fee_return",
            Purpose::Refund => "refund",
            Purpose::Deposit => "deposit",
        },
        "at_ms": transfer.id.made_at().ms(),
    })
}

pub(super) fn event(event: &Event) -> Value {
    json!({
        "number": event.number,
        "kind": event.kind.name(),
        "order": event.about.order().map(|order| order.to_string()),
        "voucher": event.about.voucher().map(|voucher| voucher.to_string()),
        "refund": event.refund.map(|refund| refund.to_string()),
        "redemption": event.redemption.map(|redemption| redemption.to_string()),
        "at_ms": event.at.ms(),
    })
}

pub(super) fn task(task: &Task) -> Value {
    let subject = match task.kind {
        TaskKind::Deliver { event, endpoint } => {
            json!({ "event": event, "endpoint": endpoint.map(|endpoint| endpoint.to_string()) })
        }
        TaskKind::FollowPayment(payment) => json!({ "payment": payment.to_string() }),
        TaskKind::FollowRefund(refund) | TaskKind::ApproveRefund(refund) => {
            json!({ "refund": refund.to_string() })
        }
        TaskKind::LapseOrder | TaskKind::SendCodes => json!({}),
    };
    json!({
        "id": task.key.id.to_string(),
        "partner": task.key.partner.to_string(),
        "order": task.key.about.order().map(|order| order.to_string()),
        "voucher": task.key.about.voucher().map(|voucher| voucher.to_string()),
        "kind": task.kind.name(),
        "subject": subject,
        "state": task.state.name(),
        "attempts": task.attempts,
        "started_at_ms": task.started_at.ms(),
        "due_at_ms": task.due_at.ms(),
        "last_result": task.last_result,
    })
}

fn bills(bills: &[FundBill]) -> Value {
    bills.iter().map(|bill| json!({ "source": bill.source, "amount": decimal(bill.amount) })).collect()
}

/// Two digits after the point, or as many as it takes to be exact.
pub(super) fn decimal(money: Money) -> String {
    let whole_cents = money.to_decimal(2);
    whole_cents.or_else(|_| money.to_decimal(6)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use tradewind_domain::{Currency, Money};

    use super::{decimal, next};

    #[test]
    fn amounts_are_exact() {
        let check = |micros: i64, expected: &str| {
            assert_eq!(decimal(Money::from_micros(micros, Currency::CNY)), expected);
        };
        check(158_000_000, "158.00");
        check(10_000, "0.01");
        check(12_345, "0.012345");
        check(0, "0.00");
        check(-1_500_000, "-1.50");
    }

    #[test]
    fn a_page_that_is_not_full_is_the_last() {
        let check = |rows: &[u8], expected: Option<&str>| {
            assert_eq!(next(rows, 2, |row| row.to_string()).as_deref(), expected, "{rows:?}");
        };
        check(&[], None);
        check(&[1], None);
        check(&[1, 2], Some("2"));
    }
}
