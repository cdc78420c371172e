//! `order`: the whole story of an order, and revocations that wait for review.

use std::process::ExitCode;

use serde_json::json;

use super::answer::print;
use super::client::{Ops, Path};
use super::story::story;
use crate::cli::{Order, OrderName};
use crate::when::Zone;

/// Runs an `order` command.
pub(crate) async fn order(ops: &Ops, json: bool, command: Order) -> anyhow::Result<ExitCode> {
    match command {
        Order::Show { order: OrderName { order, partner }, times } => {
            let answer = ops.get(&Path::of(&["orders", &order]).with("partner", partner)).await?;
            Ok(print(json, &answer, |answer| story(answer, times.zone())))
        }
        Order::Resend(OrderName { order, partner }) => {
            let path = Path::of(&["orders", &order, "resend"]).with("partner", partner);
            let answer = ops.post(&path, &json!({})).await?;
            Ok(print(json, &answer, |answer| super::story::order(&answer["order"], Zone::Local)))
        }
        Order::ApproveRevocation(name) => review(ops, json, name, "approve").await,
        Order::RejectRevocation(name) => review(ops, json, name, "reject").await,
    }
}

async fn review(ops: &Ops, json: bool, name: OrderName, verdict: &str) -> anyhow::Result<ExitCode> {
    let OrderName { order, partner } = name;
    let path = Path::of(&["orders", &order, "revocation", verdict]).with("partner", partner);
    let answer = ops.post(&path, &json!({})).await?;
    Ok(print(json, &answer, |answer| super::story::order(&answer["order"], Zone::Local)))
}
