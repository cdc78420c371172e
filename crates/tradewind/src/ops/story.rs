//! The story of an order on one screen.

use serde_json::Value;

use super::answer::{instant, list, money, text, yes_no};
use crate::output::{facts, table};
use crate::when::Zone;

/// Order, payments, refunds, transfers, events and tasks.
pub(super) fn story(story: &Value, zone: Zone) -> String {
    [
        order(&story["order"], zone),
        format!("Payments\n{}", payments(list(story, "payments"), zone)),
        format!("Refunds\n{}", refunds(list(story, "refunds"), zone)),
        purchase(story, zone),
        format!("Ledger\n{}", transfers(list(story, "transfers"), zone)),
        format!("Events\n{}", events(list(story, "events"), zone)),
        format!("Tasks\n{}", tasks(list(story, "tasks"), zone)),
    ]
    .into_iter()
    .filter(|part| !part.is_empty())
    .collect::<Vec<_>>()
    .join("\n\n")
}

/// The order alone.
pub(super) fn order(order: &Value, zone: Zone) -> String {
    facts(&[
        ("order", text(order, "id")),
        ("serial", text(order, "serial")),
        ("number", text(order, "number")),
        ("partner", text(order, "partner")),
        ("protocol", text(order, "dialect")),
        ("subject", text(order, "subject")),
        ("amount", money(order, "amount")),
        ("refunded", money(order, "refunded")),
        ("refunding", money(order, "refunding")),
        ("stage", text(order, "stage")),
        ("standing", text(order, "standing")),
        ("under review", yes_no(order, "revocation_applied")),
        ("placed", instant(order, "created_at_ms", zone)),
        ("paid", instant(order, "paid_at_ms", zone)),
        ("ended", instant(order, "ended_at_ms", zone)),
        ("expires", instant(order, "expires_at_ms", zone)),
        ("tells", text(order, "notify_url")),
    ])
}

/// What the order has bought, if it did; empty otherwise.
fn purchase(story: &Value, zone: Zone) -> String {
    let line = &story["line"];
    if line.is_null() {
        return String::new();
    }
    let head = facts(&[
        ("bought", text(line, "name")),
        ("sku", text(line, "sku")),
        ("day", text(line, "day")),
        ("units", text(line, "quantity")),
        ("used", text(line, "used")),
        ("refunded", text(line, "refunded")),
        ("locked", text(line, "locked")),
        ("sell", text(line, "sell")),
        ("cost", text(line, "cost")),
        ("valid until", instant(line, "valid_until_ms", zone)),
        ("page", text(story, "link")),
    ]);
    let vouchers = list(story, "vouchers").iter().map(|voucher| {
        [
            text(voucher, "code"),
            text(voucher, "standing"),
            text(voucher, "ordered"),
            text(voucher, "used"),
            text(voucher, "refunded"),
            text(voucher, "locked"),
        ]
    });
    let names = ["code", "standing", "uses", "used", "refunded", "locked"];
    format!("{head}\n\nVouchers\n{}", table(names, vouchers))
}

fn payments(payments: &[Value], zone: Zone) -> String {
    let rows = payments.iter().map(|payment| {
        [
            text(payment, "id"),
            text(payment, "state"),
            money(payment, "amount"),
            text(payment, "method"),
            text(payment, "flow"),
            text(payment, "channel"),
            text(payment, "channel_number"),
            instant(payment, "settled_at_ms", zone),
            text(payment, "reason"),
        ]
    });
    let head =
        ["payment", "state", "amount", "method", "flow", "channel", "channel's number", "settled", "reason"];
    table(head, rows)
}

fn refunds(refunds: &[Value], zone: Zone) -> String {
    let rows = refunds.iter().map(|refund| {
        [
            text(refund, "id"),
            text(refund, "kind"),
            text(refund, "state"),
            money(refund, "amount"),
            text(refund, "number"),
            text(refund, "channel_number"),
            instant(refund, "created_at_ms", zone),
            instant(refund, "settled_at_ms", zone),
            text(refund, "reason"),
        ]
    });
    let head =
        ["refund", "kind", "state", "amount", "number", "channel's number", "accepted", "settled", "reason"];
    table(head, rows)
}

fn transfers(transfers: &[Value], zone: Zone) -> String {
    let rows = transfers.iter().map(|transfer| {
        [
            text(transfer, "id"),
            instant(transfer, "at_ms", zone),
            text(transfer, "debit"),
            text(transfer, "credit"),
            money(transfer, "amount"),
            kind_of_transfer(transfer),
            text(transfer, "purpose"),
        ]
    });
    table(["transfer", "at", "debit", "credit", "amount", "kind", "for"], rows)
}

/// A transfer that settles an earlier one names it.
fn kind_of_transfer(transfer: &Value) -> String {
    format!("{} {}", text(transfer, "kind"), text(transfer, "of")).trim_end().to_owned()
}

fn events(events: &[Value], zone: Zone) -> String {
    let rows = events.iter().map(|event| {
        [text(event, "number"), text(event, "kind"), instant(event, "at_ms", zone), text(event, "refund")]
    });
    table(["event", "kind", "at", "refund"], rows)
}

fn tasks(tasks: &[Value], zone: Zone) -> String {
    let rows = tasks.iter().map(|task| {
        [
            text(task, "id"),
            text(task, "kind"),
            text(task, "state"),
            text(task, "attempts"),
            instant(task, "due_at_ms", zone),
            text(task, "last_result"),
        ]
    });
    table(["task", "kind", "state", "attempts", "due", "last result"], rows)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_whole_story() {
        let at = 1_763_780_400_000_i64;
        let told = json!({
            "order": {
                "id": "ord_2", "serial": "25112211000000000002", "number": "A-1", "partner": "par_1",
                "dialect": "morse", "subject": "tea", "amount": "10.00", "currency": "CNY", "refunded": "1.00",
                "refunding": "0.00", "stage": "paid", "standing": "partly_refunded", "revocation_applied": false,
                "created_at_ms": at, "paid_at_ms": at + 250, "ended_at_ms": null, "expires_at_ms": at + 7_200_000,
                "notify_url": "http://127.0.0.1:9/n",
            },
            "payments": [{
                "id": "pay_3", "state": "paid", "amount": "10.00", "currency": "CNY", "method": "alipay",
                "flow": "payer_code", "channel": "sandbox", "channel_number": "S3", "settled_at_ms": at + 250,
                "reason": null,
            }],
            "refunds": [],
            "transfers": [
                {
                    "id": "trf_4", "at_ms": at + 250, "debit": "clearing:sandbox", "credit": "payable",
                    "amount": "10.00", "currency": "CNY", "kind": "posted", "of": null, "purpose": "payment",
                },
                {
                    "id": "trf_6", "at_ms": at + 500, "debit": "payable", "credit": "clearing:sandbox",
                    "amount": "1.00", "currency": "CNY", "kind": "posts", "of": "trf_5", "purpose": "refund",
                },
            ],
            "events": [{ "number": 1, "kind": "order.paid", "at_ms": at + 250, "refund": null }],
            "tasks": [{
                "id": "tsk_7", "kind": "deliver", "state": "pending", "attempts": 2, "due_at_ms": at + 5250,
                "last_result": "no connection\nrefused",
            }],
        });
        assert_eq!(
            story(&told, Zone::Utc),
            "\
order         ord_2
serial        25112211000000000002
number        A-1
partner       par_1
protocol      morse
subject       tea
amount        10.00 CNY
refunded      1.00 CNY
refunding     0.00 CNY
stage         paid
standing      partly_refunded
under review  no
placed        2025-11-22 03:00:00.000 +00:00
paid          2025-11-22 03:00:00.250 +00:00
expires       2025-11-22 05:00:00.000 +00:00
tells         http://127.0.0.1:9/n

Payments
 payment   state   amount      method   flow         channel   channel's number   settled                          reason
──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
 pay_3     paid    10.00 CNY   alipay   payer_code   sandbox   S3                 2025-11-22 03:00:00.250 +00:00

Refunds
(none)

Ledger
 transfer   at                               debit              credit             amount      kind          for
─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
 trf_4      2025-11-22 03:00:00.250 +00:00   clearing:sandbox   payable            10.00 CNY   posted        payment
 trf_6      2025-11-22 03:00:00.500 +00:00   payable            clearing:sandbox   1.00 CNY    posts trf_5   refund

Events
 event   kind         at                               refund
──────────────────────────────────────────────────────────────
 1       order.paid   2025-11-22 03:00:00.250 +00:00

Tasks
 task    kind      state     attempts   due                              last result
───────────────────────────────────────────────────────────────────────────────────────────────
 tsk_7   deliver   pending   2          2025-11-22 03:00:05.250 +00:00   no connection\u{FFFD}refused"
        );
    }

    #[test]
    fn what_is_not_there_is_left_out() {
        assert_eq!(
            story(&json!({ "order": { "id": "ord_2" } }), Zone::Local),
            "order  ord_2\n\nPayments\n(none)\n\nRefunds\n(none)\n\nLedger\n(none)\n\nEvents\n(none)\n\nTasks\n(none)"
        );
    }
}
