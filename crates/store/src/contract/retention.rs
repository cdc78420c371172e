//! Forgetting: only what is old and settled goes, in order, and everything still agrees.

use tradewind_domain::{
    Command, DeliveryResult, Event, Forgetting, Order, PartnerId, Refusal, Span, Task, TaskCommand, WriteSet,
};

use crate::retention::{Page, Place, Windows, page};

use super::Fixture;
use super::desk::Desk;
use super::life::{check_clean, pay};

const OWNER: PartnerId = PartnerId::from_i64(1);

/// Events go from the oldest on, with their deliveries, up to the first that is not settled.
pub async fn settled_events_go_in_order(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let orders = five_paid_orders(&mut desk).await;
    for (index, order) in orders.iter().enumerate().filter(|(index, _)| *index != 2) {
        let result = if index == 3 { failed() } else { DeliveryResult::Acknowledged };
        deliver(&mut desk, order, result).await;
    }
    let windows = Windows { events_before: Some(desk.now + Span::from_secs(1)), tasks_before: None };
    let found = everything(&desk, windows, 100).await;
    assert_eq!(numbers(&found.events), [1, 2]);
    assert_eq!(found.tasks.len(), 2);
    assert_eq!(found.held_by.as_ref().map(|task| task.key.about.order()), Some(Some(orders[2].id)));
    apply(&mut desk, &found).await;
    check_clean(&desk).await;
    assert_eq!(numbers(&desk.store.list_events(OWNER, 0, 10).await.unwrap()), [3, 4, 5]);
    assert!(task_of(&desk, &orders[0]).await.is_none());
    // Nothing more goes until the delivery in the way is settled; then all but the failed one.
    assert_eq!(numbers(&everything(&desk, windows, 100).await.events), [0; 0]);
    deliver(&mut desk, &orders[2], DeliveryResult::Acknowledged).await;
    let found = everything(&desk, windows, 100).await;
    assert_eq!(numbers(&found.events), [3]);
    apply(&mut desk, &found).await;
    check_clean(&desk).await;
    let failed = task_of(&desk, &orders[3]).await.unwrap();
    desk.must(Command::Task { key: failed.key, command: TaskCommand::Cancel, reason: None }).await;
    let found = everything(&desk, windows, 100).await;
    apply(&mut desk, &found).await;
    // None is left; the stream goes on where it stood.
    assert_eq!(numbers(&desk.store.list_events(OWNER, 0, 10).await.unwrap()), [0; 0]);
    check_clean(&desk).await;
    pay(&mut desk, 1, "later").await;
    assert_eq!(numbers(&desk.store.list_events(OWNER, 0, 10).await.unwrap()), [6]);
    check_clean(&desk).await;
    // The books are as they were: the number of an order whose event went is taken as before.
    let again = desk.new_order(1, &orders[0].number, orders[0].amount, tradewind_domain::Flow::PayerScans);
    let again = desk.run(Command::PlaceOrder(Box::new(again))).await;
    assert!(matches!(again, Err(Refusal::NumberTaken { .. })), "{again:?}");
}

/// Deliveries alone, whatever becomes of their events; those that wait or failed stay.
pub async fn settled_tasks_go_alone(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let orders = five_paid_orders(&mut desk).await;
    deliver(&mut desk, &orders[0], failed()).await;
    deliver(&mut desk, &orders[1], DeliveryResult::Acknowledged).await;
    deliver(&mut desk, &orders[3], DeliveryResult::Acknowledged).await;
    let before = orders[3].paid_at.unwrap();
    let windows = Windows { tasks_before: Some(before), events_before: None };
    let found = everything(&desk, windows, 100).await;
    assert_eq!((found.tasks.len(), found.events.len()), (1, 0), "the other is not old enough");
    apply(&mut desk, &found).await;
    for (order, there) in orders.iter().zip([true, false, true, true, true]) {
        assert_eq!(task_of(&desk, order).await.is_some(), there, "{}", order.number);
    }
    check_clean(&desk).await;
}

/// Pages of any size find the same, and one that is outdated removes nothing.
pub async fn pages_and_second_looks(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let orders = five_paid_orders(&mut desk).await;
    desk.add_partner(2).await;
    for order in &orders {
        deliver(&mut desk, order, DeliveryResult::Acknowledged).await;
    }
    let windows = Windows { events_before: Some(desk.now + Span::from_secs(1)), tasks_before: None };
    for limit in [1, 2, 5, 6] {
        let found = everything(&desk, windows, limit).await;
        assert_eq!(numbers(&found.events), [1, 2, 3, 4, 5], "by {limit}");
    }
    let found = everything(&desk, windows, 100).await;
    let task = task_of(&desk, &orders[4]).await.unwrap();
    desk.must(Command::Task { key: task.key, command: TaskCommand::Retry, reason: None }).await;
    let refused = desk.run(Command::Forget(Box::new(found.forgetting.clone().unwrap()))).await;
    assert!(matches!(refused, Err(Refusal::WrongState { .. })), "{refused:?}");
    deliver(&mut desk, &orders[4], DeliveryResult::Acknowledged).await;
    apply(&mut desk, &found).await;
    let refused = desk.run(Command::Forget(Box::new(found.forgetting.unwrap()))).await;
    assert!(matches!(refused, Err(Refusal::NotFound { .. })), "{refused:?}");
    check_clean(&desk).await;
}

/// A number that is missing after the cut is found, however old it is.
pub async fn a_cut_hides_no_gap(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let orders = five_paid_orders(&mut desk).await;
    for order in &orders[..2] {
        deliver(&mut desk, order, DeliveryResult::Acknowledged).await;
    }
    let windows = Windows { events_before: Some(desk.now + Span::from_secs(1)), tasks_before: None };
    let found = everything(&desk, windows, 100).await;
    apply(&mut desk, &found).await;
    check_clean(&desk).await;
    desk.commit(&WriteSet { events_removed: vec![(OWNER, 4)], ..WriteSet::default() }).await.unwrap();
    let verification = desk.store.verify().await.unwrap();
    let gap = verification.findings.iter().any(|finding| finding.contains("have gaps"));
    assert!(gap, "{:?}", verification.findings);
}

/// Places are read as they were written.
pub async fn places_as_text(_: Fixture) {
    for unbroken in [false, true] {
        for after in [0, 7, i64::MAX] {
            let place = Place { partner: OWNER, after, unbroken };
            assert_eq!(place.to_string().parse(), Ok(place));
        }
    }
    for text in ["", "1", "1:", "x:1", "1:x"] {
        assert!(text.parse::<Place>().is_err(), "{text}");
    }
}

/// Orders paid a minute apart, each told by one delivery that is due.
async fn five_paid_orders(desk: &mut Desk) -> Vec<Order> {
    desk.add_partner(1).await;
    let mut orders = Vec::new();
    for n in 1..=5 {
        desk.now = desk.now + Span::from_mins(1);
        orders.push(pay(desk, 1, &format!("N{n}")).await);
    }
    orders
}

async fn task_of(desk: &Desk, order: &Order) -> Option<Task> {
    desk.store.story(order.partner, order.id).await.unwrap().unwrap().tasks.pop()
}

async fn deliver(desk: &mut Desk, order: &Order, result: DeliveryResult) {
    let task = task_of(desk, order).await.unwrap();
    desk.must(Command::RecordDelivery { key: task.key, attempt: task.attempts + 1, result }).await;
}

fn failed() -> DeliveryResult {
    DeliveryResult::Failed { reason: "HTTP 500".into(), next: None }
}

fn numbers(events: &[Event]) -> Vec<i64> {
    events.iter().map(|event| event.number).collect()
}

async fn apply(desk: &mut Desk, page: &Page) {
    desk.must(Command::Forget(Box::new(page.forgetting.clone().unwrap()))).await;
}

/// All pages of this size as one. The first partner alone has anything.
async fn everything(desk: &Desk, windows: Windows, limit: u32) -> Page {
    let mut all = Page::default();
    let mut place = None;
    loop {
        let found = page(&*desk.store, windows, place, limit).await.unwrap();
        if let Some(more) = found.forgetting {
            let known =
                all.forgetting.get_or_insert_with(|| Forgetting { tasks: Vec::new(), ..more.clone() });
            if let (Some(known), Some(more)) = (&mut known.events, more.events) {
                known.last = more.last;
            }
            known.tasks.extend(more.tasks);
        }
        all.events.extend(found.events);
        all.tasks.extend(found.tasks);
        all.held_by = all.held_by.or(found.held_by);
        match found.next {
            Some(next) => place = Some(next),
            None => return all,
        }
    }
}
