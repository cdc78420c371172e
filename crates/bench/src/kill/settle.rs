//! The end of the test: everything comes to rest, and the books are compared.
//!
//! Four records must tell one story: what the client was told, what queries say, what the
//! receiver got, and the gateway's event stream.

use super::check::{Resolved, look_up};
use super::plan::{Plan, Standing};
use crate::clock::wait_until;
use crate::engine::Engine;
use crate::gateway::{Gateway, Operator, items};
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

impl std::ops::AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        self.orders += other.orders;
        self.refunds += other.refunds;
        self.paid += other.paid;
        self.told += other.told;
        self.told_again += other.told_again;
        self.events += other.events;
        self.settled_in = self.settled_in.max(other.settled_in);
    }
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
    come_to_rest(plan, &mut engine, &merchant, limit)?;
    let left = limit.saturating_sub(begun_at.elapsed());
    let mut sums = compare(plan, &gateway.operator, book, left)?;
    sums.settled_in = begun_at.elapsed();
    for text in compare_receiver(std::slice::from_ref(plan), book) {
        plan.violations.add(text);
    }

    let failed = gateway.operator.get("/ops/v1/tasks?state=failed&limit=10")?;
    for task in items(&failed, "tasks")? {
        plan.violations.add(format!("a task has failed for good: {task}"));
    }
    if let Err(error) = gateway.operator.verify() {
        plan.violations.add(format!("at the end, {error:#}"));
    }
    sums.told_again = open_book(book).totals().duplicates;
    Ok(sums)
}

/// Asks, at most for `limit`, until nothing of the plan is open, and then about everything once more.
pub(crate) fn come_to_rest(
    plan: &mut Plan,
    engine: &mut Engine,
    merchant: &Merchant,
    limit: Duration,
) -> anyhow::Result<Resolved> {
    let mut resolved = Resolved::default();
    wait_until(limit, LOOK_PAUSE, || {
        let orders: Vec<usize> = (0..plan.orders.len()).filter(|order| plan.order_is_open(*order)).collect();
        let refunds: Vec<usize> =
            (0..plan.refunds.len()).filter(|refund| plan.refund_is_open(*refund)).collect();
        if orders.is_empty() && refunds.is_empty() {
            return Ok(Some(()));
        }
        resolved += look_up(plan, engine, merchant, orders, refunds, false)?;
        Ok(None)
    })?;
    // Whatever is still open now shows a state that is not allowed finally, and is named there.
    resolved += look_up(plan, engine, merchant, 0..plan.orders.len(), 0..plan.refunds.len(), true)?;
    Ok(resolved)
}

/// Compares a plan that has come to rest with what the receiver got, waiting for it at most for
/// `limit`, and with the partner's event stream.
pub(crate) fn compare(
    plan: &mut Plan,
    operator: &Operator,
    book: &SharedBook,
    limit: Duration,
) -> anyhow::Result<Sums> {
    let paid: Vec<usize> = (0..plan.orders.len()).filter(|order| plan.is_paid(*order)).collect();
    wait_until(limit, LOOK_PAUSE, || {
        let distinct = open_book(book).run(plan.prefix()).distinct;
        Ok((distinct >= paid.len() as u64).then_some(()))
    })?;
    let mut sums = Sums::default();
    compare_notifications(plan, book, &paid, &mut sums);
    compare_events(plan, operator, paid.len(), &mut sums)?;
    let exists = |standing: Standing| matches!(standing, Standing::Acknowledged | Standing::Found);
    sums.orders = plan.orders.iter().filter(|order| exists(order.standing)).count();
    sums.refunds = plan.refunds.iter().filter(|refund| exists(refund.standing)).count();
    sums.paid = paid.len();
    Ok(sums)
}

/// What the receiver got that is nobody's, as texts.
pub(crate) fn compare_receiver(plans: &[Plan], book: &SharedBook) -> Vec<String> {
    let book = open_book(book);
    let strangers = book.identities().keys().filter(|code| !plans.iter().any(|plan| plan.numbers(code)));
    let mut texts: Vec<String> =
        strangers.map(|code| format!("{code}: notified, and nobody's number")).collect();
    let totals = book.totals();
    for (count, what) in
        [(totals.bad, "were no notifications of ours"), (totals.bad_signatures, "had a bad signature")]
    {
        if count > 0 {
            texts.push(format!("{count} requests to the receiver {what}"));
        }
    }
    texts
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
        sums.told += 1;
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
        if plan.numbers(code) && !plan.order_of(code).is_some_and(|order| paid.contains(&order)) {
            plan.violations.add(format!("{code}: notified, and not paid"));
        }
    }
}

/// The stream has no gap, and tells of each paid order and each done refund once.
fn compare_events(plan: &mut Plan, operator: &Operator, paid: usize, sums: &mut Sums) -> anyhow::Result<()> {
    let mut last = 0;
    let mut told = HashSet::new();
    let mut refunded = 0;
    loop {
        let page = operator.events(plan.busi_id(), last, EVENTS_PER_PAGE)?;
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
            refunded += usize::from(event.kind == "refund.succeeded");
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
    let done = plan.refunds.iter().filter(|refund| refund.state == Some(11)).count();
    if refunded != done {
        plan.violations.add(format!("{done} refunds are done, the event stream tells of {refunded}"));
    }
    Ok(())
}
