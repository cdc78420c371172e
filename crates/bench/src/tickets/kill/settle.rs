//! The end of the test: everything comes to rest, what is left is sold, and the books are compared.

use super::super::office::{self, COST_CENTS, Stock};
use super::fleet::{Fleet, advance, serve};
use super::market::{HOLD_MS, Market, Order, Stage};
use super::{POOR, RICH, Shared, Shop, Size};
use crate::chaos::Findings;
use crate::clock::wait_until;
use crate::gateway::{Operator, items};
use anyhow::ensure;
use std::collections::HashSet;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

const LOOK_PAUSE: Duration = Duration::from_millis(100);
/// Beyond the time of every hold.
const AFTER_ALL: Duration = Duration::from_millis(HOLD_MS + 60_000);

/// Lets everything come to rest, at most for `limit`, and compares everything with everything.
pub(crate) fn settle(
    fleet: &Fleet,
    shop: &Shop,
    market: &Shared,
    size: &Size,
    limit: Duration,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    let begun_at = Instant::now();
    let operator = fleet.operator()?;
    market.open().closing = true;
    drain(fleet, market, size)?;
    // Holds run out, and refunds are approved.
    advance(operator, market, AFTER_ALL)?;
    let at_rest = wait_until(limit, LOOK_PAUSE, || {
        let stock = office::stock(operator, &shop.item)?;
        let expected = expected_sold(&market.open().orders);
        Ok((stock.held == 0 && stock.sold == expected).then_some(()))
    })?;
    look_at_all(fleet, market, size)?;
    let stock = office::stock(operator, &shop.item)?;
    findings.check("at rest", compare_stock(&market.open(), stock, at_rest.is_some()));
    findings.check("balances at rest", compare_balances(&market.open(), operator, &shop.partners)?);

    // Nothing comes back any more, so that whoever is refused last was refused rightly.
    market.open().sell_out(size.buyers);
    drain(fleet, market, size)?;
    let stock = office::stock(operator, &shop.item)?;
    let mut texts = compare_stock(&market.open(), stock, true);
    if stock.free > 0 {
        texts.push(format!("everybody was refused a single ticket, and there are some: {stock:?}"));
    }
    findings.check("sold out", texts);
    look_at_all(fleet, market, size)?;
    findings.check("balances", compare_balances(&market.open(), operator, &shop.partners)?);
    findings.check("codes", compare_codes(&market.open()));

    let failed = operator.get("/ops/v1/tasks?state=failed&limit=10")?;
    let failed = items(&failed, "tasks")?.iter().map(|task| format!("a task has failed for good: {task}"));
    findings.check("tasks", failed.collect());
    let verified = operator.verify().err();
    findings.check("verify", verified.map(|error| format!("{error:#}")).into_iter().collect());
    println!(
        "sold out: {} of {} sold, {} free; at rest and compared in {:.1} s",
        stock.sold,
        stock.total,
        stock.free,
        begun_at.elapsed().as_secs_f64()
    );
    Ok(())
}

/// Serves until nobody has anything to do.
fn drain(fleet: &Fleet, market: &Shared, size: &Size) -> anyhow::Result<()> {
    serve(&fleet.addresses, 0, size.buyers, market, &AtomicBool::new(true));
    ensure!(!market.open().has_open(), "some calls were never answered");
    Ok(())
}

fn look_at_all(fleet: &Fleet, market: &Shared, size: &Size) -> anyhow::Result<()> {
    market.open().look_at_all();
    drain(fleet, market, size)
}

/// Tickets that are sold when all refunds have been approved.
fn expected_sold(orders: &[Order]) -> u64 {
    let paid = orders.iter().filter(|order| order.stage == Stage::Paid);
    paid.map(|order| u64::from(order.quantity - order.back)).sum()
}

fn compare_stock(market: &Market, stock: Stock, at_rest: bool) -> Vec<String> {
    let mut texts: Vec<String> = stock.fault(market.total).into_iter().collect();
    let expected = expected_sold(&market.orders);
    if !at_rest || (stock.sold, stock.held) != (expected, 0) {
        texts.push(format!("{expected} tickets are out, the stock says {stock:?}"));
    }
    let states = market.orders.iter().enumerate();
    let open = states.filter(|(_, order)| {
        matches!(order.stage, Stage::Sent | Stage::Held) || (order.back > 0 && !order.back_seen)
    });
    texts.extend(
        open.map(|(index, order)| format!("{}: never came to rest: {order:?}", market.number(index))),
    );
    texts
}

fn compare_balances(
    market: &Market,
    operator: &Operator,
    partners: &[String],
) -> anyhow::Result<Vec<String>> {
    let mut texts = Vec::new();
    for (index, partner) in partners.iter().enumerate() {
        let own: Vec<Order> = market.orders.iter().filter(|order| order.through == index).cloned().collect();
        let deposit = if Market::is_poor(index) { POOR.1 } else { RICH.1 };
        let expected = deposit - COST_CENTS * i64::try_from(expected_sold(&own))?;
        let available = office::available_cents(operator, partner)?;
        if available != expected {
            texts.push(format!("{partner} has {available} cents, expected {expected}"));
        }
    }
    Ok(texts)
}

/// No code is in two hands.
fn compare_codes(market: &Market) -> Vec<String> {
    let mut seen = HashSet::new();
    let paid = market.orders.iter().filter(|order| order.stage == Stage::Paid);
    let codes = paid.filter_map(|order| order.codes.as_deref()).flat_map(|codes| codes.split(','));
    codes.filter(|code| !seen.insert(*code)).map(|code| format!("code {code} was issued twice")).collect()
}
