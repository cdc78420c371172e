//! Deliveries on a grid of looks, and what people do to them.

use tradewind_domain::{
    Command, DeliveryResult, Rules, Schedule, Span, Task, TaskCommand, TaskKey, TaskKind, TaskState,
    Timestamp,
};

use crate::shop::{BUYER, TICKET};
use crate::world::{RULES, START, World};

const POLL: Span = Span::from_mins(5);
const SCHEDULE: Schedule = Schedule::Polled { poll: POLL, first_wait: Span::from_mins(3), attempts: 11 };

fn polled() -> World {
    let mut world = World::shop();
    world.rules =
        Rules { polls: vec![("native".into(), POLL), ("other".into(), Span::from_mins(7))], ..RULES };
    world
}

fn task(world: &World, wanted: fn(&TaskKind) -> bool) -> Task {
    let mut tasks =
        world.stored.tasks.values().filter(|task| task.key.partner == BUYER && wanted(&task.kind));
    tasks.next_back().expect("a task").clone()
}

fn delivery(world: &World) -> Task {
    task(world, |kind| matches!(kind, TaskKind::Deliver { .. }))
}

fn next_look(at: Timestamp) -> Timestamp {
    let every = POLL.ms();
    Timestamp::from_ms((at.ms() + every - 1) / every * every)
}

fn record(world: &mut World, key: TaskKey, attempt: u32, result: DeliveryResult) -> Task {
    world.run(Command::RecordDelivery { key, attempt, result }).unwrap();
    world.stored.tasks[&key].clone()
}

/// The specification's table: eleven sends; after the k-th failure at least three minutes times two to the
/// power of k - 1, and then at the next look.
#[test]
fn eleven_sends_on_the_grid() {
    let mut world = polled();
    let order = world.buy(TICKET, 1);
    world.use_up(order, 0, 1).unwrap();
    let key = delivery(&world).key;
    let first = delivery(&world).due_at;
    assert_eq!(first, next_look(START));
    let mut sent = vec![first];
    for attempt in 1..=11 {
        // Sent a moment after the look, and timed out ten seconds later.
        world.now = world.stored.tasks[&key].due_at + Span::from_ms(250);
        let next = SCHEDULE.next(world.stored.tasks[&key].started_at, attempt, world.now);
        let failed = DeliveryResult::Failed { reason: "time-out".into(), next };
        let after = record(&mut world, key, attempt, failed);
        assert_eq!(after.attempts, attempt);
        match next {
            Some(due) => sent.push(due),
            None => assert_eq!((after.state, attempt), (TaskState::Failed, 11)),
        }
    }
    let waits: Vec<i64> = sent.windows(2).map(|pair| (pair[1] - pair[0]).ms() / 60_000).collect();
    // 3, 6, 12, ... minutes, counted from a quarter of a second after a look, rounded up to five.
    assert_eq!(waits, [5, 10, 15, 25, 50, 100, 195, 385, 770, 1_540]);
    assert!(sent.iter().all(|at| at.ms() % POLL.ms() == 0), "{sent:?}");
    let hours = (sent[10] - sent[0]).ms() / 3_600_000;
    assert_eq!(hours, 51);
}

/// Exactly at a look counts as that look.
#[test]
fn waits_are_rounded_up_to_a_look() {
    let look = next_look(START);
    let start = look;
    let due = |done: u32, after: Span| {
        SCHEDULE.next(start, done, look + after).map(|due| (due - look).ms() / 60_000)
    };
    let zero = Span::from_ms(0);
    assert_eq!(due(0, zero), Some(0));
    assert_eq!(due(0, Span::from_ms(1)), Some(5));
    assert_eq!(due(1, zero), Some(5));
    assert_eq!(due(1, Span::from_mins(2)), Some(5));
    assert_eq!(due(1, Span::from_ms(120_001)), Some(10));
    for (done, minutes) in (1..=10).zip([5, 10, 15, 25, 50, 100, 195, 385, 770, 1_540]) {
        assert_eq!(due(done, zero), Some(minutes), "after {done}");
    }
    for done in [11, 12, 64, 65, u32::MAX] {
        assert_eq!(due(done, zero), None, "after {done}");
    }
    let endless = Schedule::Polled { poll: POLL, first_wait: Span::from_mins(3), attempts: u32::MAX };
    for done in [40, 63, 64, 65, 1_000] {
        assert!(endless.next(start, done, look).unwrap() > look, "after {done}");
    }
}

/// What is told in a dialect without a grid goes at once; so do codes.
#[test]
fn each_dialect_has_its_grid() {
    let mut world = polled();
    let order = world.buy(TICKET, 2);
    assert_eq!(task(&world, |kind| *kind == TaskKind::SendCodes).due_at, START);
    let endpoint = world.stored.endpoints.get_mut(&tradewind_domain::EndpointId::from_i64(10)).unwrap();
    endpoint.dialect = "third".into();
    let other = tradewind_domain::Endpoint { dialect: "third".into(), ..endpoint.clone() };
    world.stored.endpoints.insert(other.id, other);
    world.use_up(order, 0, 1).unwrap();
    let told = world
        .stored
        .tasks
        .values()
        .any(|task| task.key.partner == BUYER && matches!(task.kind, TaskKind::Deliver { .. }));
    assert!(!told, "told in the order's dialect alone");
    world.stored.orders.get_mut(&order).unwrap().dialect = "third".into();
    world.use_up(order, 0, 1).unwrap();
    assert_eq!(delivery(&world).due_at, START);
}

#[test]
fn a_delivery_that_is_run_again_leaves_at_the_next_look() {
    let mut world = polled();
    let order = world.buy(TICKET, 1);
    world.use_up(order, 0, 1).unwrap();
    let key = delivery(&world).key;
    record(&mut world, key, 1, DeliveryResult::Failed { reason: "500".into(), next: None });
    world.advance(Span::from_mins(61));
    let reason = Some("the partner has mended its server".to_owned());
    world.run(Command::Task { key, command: TaskCommand::Retry, reason: reason.clone() }).unwrap();
    let task = world.stored.tasks[&key].clone();
    assert_eq!((task.state, task.attempts, task.started_at), (TaskState::Pending, 0, world.now));
    assert_eq!((task.due_at, task.last_result), (next_look(world.now), reason));
    // The other grid of an order that names its own address.
    let order = world.buy(TICKET, 1);
    let stored = world.stored.orders.get_mut(&order).unwrap();
    (stored.notify_url, stored.dialect) = (Some("https://partner.example/own".into()), "other".into());
    world.use_up(order, 0, 1).unwrap();
    let task = delivery(&world);
    let seven = |at: Timestamp| Timestamp::from_ms((at.ms() + 419_999) / 420_000 * 420_000);
    assert_eq!((task.kind, task.due_at), (TaskKind::Deliver { event: 4, endpoint: None }, seven(world.now)));
    world.advance(Span::from_mins(20));
    world.run(Command::Task { key: task.key, command: TaskCommand::Retry, reason: None }).unwrap();
    assert_eq!(world.stored.tasks[&task.key].due_at, seven(world.now));
}

#[test]
fn a_person_settles_a_delivery_and_says_why() {
    let mut world = polled();
    let order = world.buy(TICKET, 1);
    world.use_up(order, 0, 1).unwrap();
    let key = delivery(&world).key;
    record(&mut world, key, 1, DeliveryResult::Failed { reason: "500".into(), next: None });
    let run = |world: &mut World, command: TaskCommand, reason: Option<&str>| {
        let reason = reason.map(str::to_owned);
        world.run(Command::Task { key, command, reason }).map(|_| ()).map_err(|refusal| refusal.name())
    };
    assert_eq!(run(&mut world, TaskCommand::Settle, Some("told by phone")), Ok(()));
    let task = |world: &World| world.stored.tasks[&key].clone();
    assert_eq!(
        (task(&world).state, task(&world).last_result.as_deref()),
        (TaskState::Done, Some("told by phone"))
    );
    assert_eq!(run(&mut world, TaskCommand::Cancel, None), Err("wrong_state"));
    // The result of an attempt that was under way comes too late.
    record(&mut world, key, 2, DeliveryResult::Acknowledged);
    assert_eq!((task(&world).state, task(&world).attempts), (TaskState::Done, 1));
    assert_eq!(run(&mut world, TaskCommand::Retry, None), Ok(()));
    assert_eq!(run(&mut world, TaskCommand::Cancel, Some("wrong address")), Ok(()));
    assert_eq!(
        (task(&world).state, task(&world).last_result.as_deref()),
        (TaskState::Cancelled, Some("wrong address"))
    );
    assert_eq!(run(&mut world, TaskCommand::Settle, None), Ok(()));
    assert_eq!(task(&world).last_result.as_deref(), Some("wrong address"));
}

/// Codes are sent like a delivery: attempts, a schedule, and people.
#[test]
fn the_sending_of_codes_is_a_delivery() {
    let mut world = polled();
    world.buy(TICKET, 1);
    let key = task(&world, |kind| *kind == TaskKind::SendCodes).key;
    let later = START + Span::from_secs(30);
    let failed = DeliveryResult::Failed { reason: "no route".into(), next: Some(later) };
    let after = record(&mut world, key, 1, failed);
    assert_eq!((after.due_at, after.attempts, after.state), (later, 1, TaskState::Pending));
    let after = record(&mut world, key, 2, DeliveryResult::Acknowledged);
    assert_eq!((after.attempts, after.state), (2, TaskState::Done));
    world.advance(Span::from_mins(1));
    world.run(Command::Task { key, command: TaskCommand::Retry, reason: None }).unwrap();
    assert_eq!(world.stored.tasks[&key].due_at, world.now, "no grid");
}

/// What waits for its time is neither hurried nor stopped; once due, asking for it changes nothing.
#[test]
fn what_waits_for_its_time_waits() {
    let mut world = polled();
    world.hold(TICKET, 1);
    let key = task(&world, |kind| *kind == TaskKind::LapseOrder).key;
    for command in [TaskCommand::Retry, TaskCommand::Cancel, TaskCommand::Settle] {
        let refused = world.run(Command::Task { key, command, reason: None }).unwrap_err();
        assert_eq!(refused.name(), "wrong_state", "{command:?}");
    }
    world.advance(RULES.hold_for);
    world.run(Command::Task { key, command: TaskCommand::Retry, reason: None }).unwrap();
    assert_eq!(world.stored.tasks[&key].due_at, world.now);
}
