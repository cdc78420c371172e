//! Leases: each due task to one worker at a time, fairly over the partners.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use tradewind_domain::{Span, Task, TaskState, Timestamp, WriteSet};

use super::Fixture;
use super::desk::Desk;
use super::samples::{self, NOW};
use crate::{LeaseRequest, Leased, Store};

fn request(at_ms: i64, limit: usize, limit_per_partner: usize) -> LeaseRequest {
    let now = NOW + Span::from_ms(at_ms);
    LeaseRequest { now, limit, limit_per_partner, lease_for: Duration::from_secs(60) }
}

fn ids(leased: &Leased) -> Vec<i64> {
    leased.tasks.iter().map(|task| task.key.id.get()).collect()
}

async fn lease(store: &dyn Store, at_ms: i64, limit: usize, limit_per_partner: usize) -> Leased {
    store.lease_tasks(request(at_ms, limit, limit_per_partner)).await.unwrap()
}

async fn desk_with(fixture: &Fixture, tasks: Vec<Task>) -> Desk {
    let mut desk = Desk::open(&fixture.store).await;
    desk.commit(&WriteSet { tasks_new: tasks, ..WriteSet::default() }).await.unwrap();
    desk
}

/// A leased task is not given out again; the rest is, earliest first.
pub async fn not_leased_twice(fixture: Fixture) {
    let tasks = vec![samples::task(1, 5, 1, 30), samples::task(1, 4, 2, 10), samples::task(1, 6, 3, 20)];
    let desk = desk_with(&fixture, tasks.clone()).await;
    let first = lease(&*desk.store, 100, 2, 10).await;
    assert_eq!(first.tasks, [tasks[1].clone(), tasks[2].clone()]);
    assert_eq!((first.more, first.next_due), (true, None));
    let second = lease(&*desk.store, 100, 2, 10).await;
    assert_eq!((ids(&second), second.more), (vec![1], false));
    let third = lease(&*desk.store, 100, 2, 10).await;
    assert_eq!((ids(&third), third.more, third.next_due), (vec![], false, None));
}

/// What is not pending or not due is left, and the next due time is told exactly.
pub async fn only_what_is_due(fixture: Fixture) {
    let mut tasks = vec![samples::task(1, 5, 1, 50), samples::task(2, 5, 2, 40), samples::task(3, 5, 3, 51)];
    for (state, id) in TaskState::ALL.into_iter().filter(|state| *state != TaskState::Pending).zip(10..) {
        tasks.push(Task { state, ..samples::task(1, 5, id, 0) });
    }
    let desk = desk_with(&fixture, tasks).await;
    let at = |ms| Some(Timestamp::from_ms(NOW.ms() + ms));
    for (now_ms, expected, next_due) in [
        (39, vec![], at(40)),
        (40, vec![2], at(50)),
        (41, vec![], at(50)),
        (50, vec![1], at(51)),
        (51, vec![3], None),
        (99, vec![], None),
    ] {
        let leased = lease(&*desk.store, now_ms, 10, 10).await;
        assert_eq!((ids(&leased), leased.next_due, leased.more), (expected, next_due, false), "at {now_ms}");
    }
}

/// The limit per partner counts what is leased already; `more` tells that something due was left.
pub async fn limits_and_more(fixture: Fixture) {
    let mut tasks: Vec<Task> = (1..=5).map(|id| samples::task(1, id, id, 0)).collect();
    tasks.push(samples::task(2, 1, 100, 0));
    let desk = desk_with(&fixture, tasks.clone()).await;
    let first = lease(&*desk.store, 0, 10, 2).await;
    assert_eq!((ids(&first), first.more), (vec![1, 2, 100], true));
    let second = lease(&*desk.store, 0, 10, 2).await;
    assert_eq!((ids(&second), second.more), (vec![], true));
    desk.store.release_tasks(vec![tasks[0].key]).await.unwrap();
    let third = lease(&*desk.store, 0, 10, 2).await;
    assert_eq!((ids(&third), third.more), (vec![1], true));
    let fourth = lease(&*desk.store, 0, 10, 5).await;
    assert_eq!((ids(&fourth), fourth.more), (vec![3, 4, 5], false));
    let none = lease(&*desk.store, 0, 0, 10).await;
    assert_eq!((ids(&none), none.more), (vec![], false));
}

/// When the limit is short, partners are served in turn, however much one has to do.
pub async fn partners_take_turns(fixture: Fixture) {
    let mut tasks = Vec::new();
    for owner in 1..=3 {
        tasks.extend((1..=6).map(|id| samples::task(owner, id, owner * 100 + id, 0)));
    }
    let desk = desk_with(&fixture, tasks).await;
    let mut served = Vec::new();
    for _ in 0..6 {
        let leased = lease(&*desk.store, 0, 2, 10).await;
        assert_eq!(leased.tasks.len(), 2);
        served.extend(leased.tasks.iter().map(|task| task.key.partner.get()));
    }
    for owner in 1..=3 {
        assert_eq!(served.iter().filter(|partner| **partner == owner).count(), 4, "{served:?}");
    }
}

/// A task that was given back, or changed by a commit, is leased again when it is due; one that was
/// finished or removed is not.
pub async fn released_or_changed_tasks_come_again(fixture: Fixture) {
    let tasks: Vec<Task> = (1..=5).map(|id| samples::task(1, id, id, 0)).collect();
    let mut desk = desk_with(&fixture, tasks.clone()).await;
    assert_eq!(ids(&lease(&*desk.store, 0, 10, 10).await), [1, 2, 3, 4, 5]);
    let [released, retried, later, done, removed] = <[Task; 5]>::try_from(tasks).unwrap();
    desk.store.release_tasks(vec![released.key]).await.unwrap();
    desk.store.release_tasks(vec![released.key, samples::task(9, 9, 9, 0).key]).await.unwrap();
    let changes = WriteSet {
        tasks_changed: vec![
            Task { attempts: 1, ..retried.clone() },
            Task { due_at: NOW + Span::from_ms(7), ..later },
            Task { state: TaskState::Done, ..done },
        ],
        tasks_removed: vec![removed.key],
        ..WriteSet::default()
    };
    desk.commit(&changes).await.unwrap();
    let again = lease(&*desk.store, 0, 10, 10).await;
    assert_eq!(ids(&again), [1, 2]);
    assert_eq!(again.tasks[1].attempts, 1);
    assert_eq!(again.next_due, Some(NOW + Span::from_ms(7)));
    assert_eq!(ids(&lease(&*desk.store, 7, 10, 10).await), [3]);
    // A commit that failed has changed nothing, leases included.
    let refused = WriteSet {
        tasks_changed: vec![Task { attempts: 2, ..retried }],
        partners_changed: vec![samples::partner(77)],
        ..WriteSet::default()
    };
    assert!(desk.commit(&refused).await.is_err());
    assert_eq!(ids(&lease(&*desk.store, 7, 10, 10).await), [0_i64; 0]);
}

/// Callers at the same time get disjoint tasks, and together all of them.
pub async fn concurrent_leases_are_disjoint(fixture: Fixture) {
    let mut tasks = Vec::new();
    for owner in 1..=4 {
        tasks.extend((1..=25).map(|id| samples::task(owner, id, owner * 100 + id, 0)));
    }
    let desk = desk_with(&fixture, tasks).await;
    let calls = (0..16).map(|_| desk.store.lease_tasks(request(0, 7, 100))).collect();
    let mut seen = BTreeSet::new();
    for leased in all(calls).await {
        for id in ids(&leased.unwrap()) {
            assert!(seen.insert(id), "task {id} was leased twice");
        }
    }
    assert_eq!(seen.len(), 100, "112 were asked for");
}

/// Tasks leased for a caller that has gone away are there for the next.
pub async fn leases_nobody_waits_for_are_given_back(fixture: Fixture) {
    let desk = desk_with(&fixture, vec![samples::task(1, 1, 1, 0)]).await;
    for _ in 0..20 {
        drop(desk.store.lease_tasks(request(0, 10, 10)));
    }
    // A store may still be about to notice; then it says that there is more.
    for _ in 0..1_000 {
        let leased = lease(&*desk.store, 0, 10, 10).await;
        if ids(&leased) == [1] {
            return;
        }
    }
    panic!("the task stays leased by nobody");
}

/// Workers lease while others finish tasks: none is done twice, and all get done.
pub async fn workers_and_commits_at_once(fixture: Fixture) {
    const TASKS: i64 = 300;
    let tasks = (1..=TASKS).map(|id| samples::task(id % 3 + 1, id, id, 0)).collect();
    let mut desk = desk_with(&fixture, tasks).await;
    let store = &fixture.store;
    let mut done = BTreeSet::new();
    let mut idle = 0;
    while idle < 3 {
        let calls = (0..3).map(|_| store.lease_tasks(request(0, 8, 100))).collect();
        let mut calls: Vec<_> = calls_in_flight(calls).await;
        let mut finished = Vec::new();
        // The first answer is worked on while the other calls may still be reading.
        while let Some(call) = calls.pop() {
            for task in call.await.unwrap().tasks {
                assert!(done.insert(task.key.id), "{} was leased after it was done", task.key.id);
                finished.push(Task { state: TaskState::Done, ..task });
            }
            let set = WriteSet { tasks_changed: std::mem::take(&mut finished), ..WriteSet::default() };
            idle = if set.tasks_changed.is_empty() { idle + 1 } else { 0 };
            desk.commit(&set).await.unwrap();
        }
    }
    assert_eq!(done.len(), usize::try_from(TASKS).unwrap());
}

type Call<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Polls each call once, so that all are under way.
pub(super) async fn calls_in_flight<'a, T: Unpin + Send + 'a>(calls: Vec<Call<'a, T>>) -> Vec<Call<'a, T>> {
    let mut begun: Vec<Call<'a, T>> = Vec::new();
    for mut call in calls {
        let first = std::future::poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await;
        begun.push(match first {
            Poll::Ready(answer) => Box::pin(std::future::ready(answer)),
            Poll::Pending => call,
        });
    }
    begun
}

/// Awaits all calls at once.
async fn all<T: Unpin + Send>(calls: Vec<Call<'_, T>>) -> Vec<T> {
    let mut answers = Vec::new();
    for call in calls_in_flight(calls).await {
        answers.push(call.await);
    }
    answers
}
