//! The end of the test: everything comes to rest, and the books are compared.
//!
//! Four records must tell one story: what the client was told, what queries say, what the
//! receiver got, and the gateway's event stream.

use super::check::look_up;
use super::plan::{Plan, Standing};
use crate::clock::wait_until;
use crate::engine::Engine;
use crate::gateway::{Gateway, items};
use crate::receiver::{SharedBook, open_book};
use crate::sosopay::Merchant;
use std::collections::HashSet;
use std::time::{Duration, Instant};

const LOOK_PAUSE: Duration = Duration::from_millis(200);
const EVENTS_PER_PAGE: u64 = 100;

/// What the last comparison counted.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Sums {
    pub orders: usize,
    pub refunds: usize,
    pub paid: usize,
    pub told: usize,
    pub told_again: u64,
    pub events: u64,
    pub settled_in: Duration,
}

/// Waits, at most for `limit`, until nothing is open, and compares everything with everything.
pub(crate) fn settle(
    plan: &mut Plan,
    gateway: &Gateway,
    book: &SharedBook,
    connections: usize,
    limit: Duration,
) -> anyhow::Result<Sums> {
    let begun_at = Instant::now();
    let merchant = Merchant::sandbox(gateway.listen);
    let mut engine = Engine::connect(gateway.listen, connections)?;
    let mut sums = Sums::default();

    wait_until(limit, LOOK_PAUSE, || {
        let orders: Vec<usize> = (0..plan.orders.len()).filter(|order| plan.order_is_open(*order)).collect();
        let refunds: Vec<usize> =
            (0..plan.refunds.len()).filter(|refund| plan.refund_is_open(*refund)).collect();
        if orders.is_empty() && refunds.is_empty() {
            return Ok(Some(()));
        }
        look_up(plan, &mut engine, &merchant, orders, refunds, false)?;
        Ok(None)
    })?;
    // Whatever is still open now shows a state that is not allowed finally, and is named there.
    look_up(plan, &mut engine, &merchant, 0..plan.orders.len(), 0..plan.refunds.len(), true)?;

    let paid: Vec<usize> = (0..plan.orders.len()).filter(|order| plan.is_paid(*order)).collect();
    wait_until(limit.saturating_sub(begun_at.elapsed()), LOOK_PAUSE, || {
        let distinct = open_book(book).run(plan.prefix()).distinct;
        Ok((distinct >= paid.len() as u64).then_some(()))
    })?;
    sums.settled_in = begun_at.elapsed();
    compare_notifications(plan, book, &paid, &mut sums);
    compare_events(plan, gateway, paid.len(), &mut sums)?;

    let failed = gateway.operator.get("/ops/v1/tasks?state=failed&limit=10")?;
    for task in items(&failed, "tasks")? {
        plan.violations.add(format!("a task has failed for good: {task}"));
    }
    if let Err(error) = gateway.operator.verify() {
        plan.violations.add(format!("at the end, {error:#}"));
    }
    let exists = |standing: Standing| matches!(standing, Standing::Acknowledged | Standing::Found);
    sums.orders = plan.orders.iter().filter(|order| exists(order.standing)).count();
    sums.refunds = plan.refunds.iter().filter(|refund| exists(refund.standing)).count();
    sums.paid = paid.len();
    Ok(sums)
}

/// Every paid order was notified, no other was, and each delivery had the same identity.
fn compare_notifications(plan: &mut Plan, book: &SharedBook, paid: &[usize], sums: &mut Sums) {
    let book = open_book(book);
    for &order in paid {
        let code = plan.order_code(order);
        let Some(told) = book.identities().get(&code) else {
            plan.violations.add(format!("{code}: paid, and never notified"));
            continue;
        };
        if told.changed {
            plan.violations.add(format!("{code}: its notifications differ in CHARGE_DOWN_CODE or STATE"));
        }
        if plan.orders[order].down_code.as_deref() != Some(told.down_code.as_str()) || told.state != "1" {
            let known = &plan.orders[order].down_code;
            plan.violations.add(format!("{code}: notified as {told:?}, known as {known:?}"));
        }
    }
    let paid: HashSet<usize> = paid.iter().copied().collect();
    for code in book.identities().keys() {
        if !plan.order_of(code).is_some_and(|order| paid.contains(&order)) {
            plan.violations.add(format!("{code}: notified, and not paid"));
        }
    }
    let totals = book.totals();
    for (count, what) in
        [(totals.bad, "were no notifications of ours"), (totals.bad_signatures, "had a bad signature")]
    {
        if count > 0 {
            plan.violations.add(format!("{count} requests to the receiver {what}"));
        }
    }
    sums.told = book.identities().len();
    sums.told_again = totals.duplicates;
}

/// The stream has no gap, and tells of each paid order once.
fn compare_events(plan: &mut Plan, gateway: &Gateway, paid: usize, sums: &mut Sums) -> anyhow::Result<()> {
    let mut last = 0;
    let mut told = HashSet::new();
    loop {
        let page = gateway.operator.events(last, EVENTS_PER_PAGE)?;
        if page.is_empty() {
            break;
        }
        for event in page {
            if event.number != last + 1 {
                plan.violations.add(format!("event {} follows event {last}", event.number));
            }
            // A stream that goes backwards would be read for ever.
            anyhow::ensure!(
                event.number > last,
                "the event stream went back from {last} to {}",
                event.number
            );
            last = event.number;
            if event.kind == "order.paid" {
                match event.order {
                    None => plan.violations.add(format!("event {last} is order.paid of no order")),
                    Some(order) if told.contains(&order) => {
                        plan.violations.add(format!("event {last} tells again that {order} is paid"));
                    }
                    Some(order) => {
                        told.insert(order);
                    }
                }
            }
        }
    }
    sums.events = last;
    if told.len() != paid {
        plan.violations.add(format!("{} orders are paid, the event stream tells of {}", paid, told.len()));
    }
    Ok(())
}
