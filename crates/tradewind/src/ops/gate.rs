//! `ticket`, `refund` and `deposit`: what happens at the gate and at the desk.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::answer::{instant, list, more, print, text};
use super::client::{Ops, Path};
use crate::cli::{Deposit, Refund, RefundName, Ticket};
use crate::output::{facts, table};
use crate::when::Zone;

/// Runs a `ticket` command.
pub(crate) async fn ticket(ops: &Ops, json: bool, command: Ticket) -> anyhow::Result<ExitCode> {
    match command {
        Ticket::Show { code } => {
            let answer = ops.get(&Path::of(&["tickets", &code])).await?;
            Ok(print(json, &answer, show_ticket))
        }
        Ticket::Redeem { code, count, by, device } => {
            let mut body = json!({ "count": count });
            if let Some(by) = by {
                body["by"] = by.into();
            }
            if let Some(device) = device {
                body["device"] = device.into();
            }
            let answer = ops.post(&Path::of(&["tickets", &code, "redeem"]), &body).await?;
            Ok(print(json, &answer, show_redeemed))
        }
    }
}

/// Runs a `refund` command.
pub(crate) async fn refund(ops: &Ops, json: bool, command: Refund) -> anyhow::Result<ExitCode> {
    match command {
        Refund::List { page } => {
            let answer = ops.get(&Path::of(&["refunds", "review"]).page(&page)).await?;
            Ok(print(json, &answer, show_refunds))
        }
        Refund::Approve(name) => review(ops, json, name, "approve").await,
        Refund::Reject(name) => review(ops, json, name, "reject").await,
    }
}

async fn review(ops: &Ops, json: bool, name: RefundName, verdict: &str) -> anyhow::Result<ExitCode> {
    let RefundName { refund, partner, order, reason } = name;
    let path =
        Path::of(&["refunds", &refund, verdict]).with("partner", Some(partner)).with("order", Some(order));
    let body = reason.map_or_else(|| json!({}), |reason| json!({ "reason": reason }));
    let answer = ops.post(&path, &body).await?;
    Ok(print(json, &answer, |answer| format!("{refund} is {}", text(&answer["refund"], "state"))))
}

/// Runs a `deposit` command.
pub(crate) async fn deposit(ops: &Ops, json: bool, command: Deposit) -> anyhow::Result<ExitCode> {
    match command {
        Deposit::Add { partner, number, amount, note } => {
            let body = json!({ "number": number, "amount": amount, "note": note.unwrap_or_default() });
            let answer = ops.post(&Path::of(&["partners", &partner, "deposits"]), &body).await?;
            Ok(print(json, &answer, |answer| show_deposits(&json!({ "deposits": [answer["deposit"]] }))))
        }
        Deposit::List { partner, page } => {
            let answer = ops.get(&Path::of(&["partners", &partner, "deposits"]).page(&page)).await?;
            Ok(print(json, &answer, show_deposits))
        }
    }
}

fn show_ticket(answer: &Value) -> String {
    let voucher = &answer["voucher"];
    let head = facts(&[
        ("code", text(voucher, "code")),
        ("for", text(voucher, "subject")),
        ("standing", text(voucher, "standing")),
        ("usable", format!("{} of {}", text(voucher, "usable"), text(voucher, "ordered"))),
        ("used", text(voucher, "used")),
        ("refunded", text(voucher, "refunded")),
        ("locked", text(voucher, "locked")),
        ("valid from", instant(voucher, "valid_from_ms", Zone::Local)),
        ("valid until", instant(voucher, "valid_until_ms", Zone::Local)),
        ("order", text(voucher, "order")),
        ("partner", text(voucher, "partner")),
        ("page", text(answer, "link")),
    ]);
    let redemptions = list(answer, "redemptions");
    if redemptions.is_empty() { head } else { format!("{head}\n\n{}", uses(redemptions)) }
}

fn show_redeemed(answer: &Value) -> String {
    let voucher = &answer["voucher"];
    format!(
        "{} redeemed; {} of {} left\n\n{}",
        text(&answer["redemption"], "count"),
        text(voucher, "usable"),
        text(voucher, "ordered"),
        uses(std::slice::from_ref(&answer["redemption"]))
    )
}

fn uses(redemptions: &[Value]) -> String {
    let rows = redemptions.iter().map(|made| {
        [
            instant(made, "at_ms", Zone::Local),
            text(made, "count"),
            text(made, "by_name"),
            text(made, "device"),
            text(made, "id"),
        ]
    });
    table(["when", "uses", "who", "device", "redemption"], rows)
}

fn show_refunds(answer: &Value) -> String {
    let rows = list(answer, "refunds").iter().map(|entry| {
        let (refund, order) = (&entry["refund"], &entry["order"]);
        [
            text(refund, "id"),
            text(refund, "units"),
            text(refund, "amount"),
            text(order, "subject"),
            text(order, "partner"),
            text(order, "id"),
            instant(refund, "created_at_ms", Zone::Local),
        ]
    });
    table(["refund", "units", "amount", "for", "partner", "order", "applied"], rows) + &more(answer)
}

fn show_deposits(answer: &Value) -> String {
    let rows = list(answer, "deposits").iter().map(|deposit| {
        [
            text(deposit, "id"),
            text(deposit, "number"),
            super::answer::money(deposit, "amount"),
            text(deposit, "note"),
            instant(deposit, "at_ms", Zone::Local),
        ]
    });
    table(["deposit", "number", "amount", "note", "when"], rows) + &more(answer)
}
