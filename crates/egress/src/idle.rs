//! Which connections are idle, and closing one of them when another host needs its place.
//!
//! The pool keeps connections per host and knows nothing of the bound on all of them: without this, a
//! thousand hosts called once keep everybody else waiting until their connections have been idle for
//! long enough.
//!
//! A connection counts as idle from the end of an answer until the next byte is written on it. Both
//! sides settle on one lock whether it is written on or closed.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

/// All open connections of a client.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    open: Mutex<HashMap<u64, Arc<Mutex<Use>>>>,
    /// Gives numbers to connections, and an order to the instants at which they become idle.
    count: AtomicU64,
    /// Those who wait for a place.
    waiting: AtomicUsize,
}

/// What is known of the use of one connection.
#[derive(Debug, Default)]
struct Use {
    state: State,
    /// How often something was written.
    writes: u64,
    /// The task that serves the connection.
    task: Option<Waker>,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Busy,
    /// With its place in the order.
    Idle(u64),
    Closed,
}

/// The connection's own side.
#[derive(Debug)]
pub(crate) struct Entry {
    connections: Arc<Connections>,
    number: u64,
    of: Arc<Mutex<Use>>,
}

/// The side of an exchange: it knows when the answer has ended.
#[derive(Clone, Debug)]
pub(crate) struct Borrowed {
    connections: Arc<Connections>,
    of: Arc<Mutex<Use>>,
}

/// Somebody waits for a place, until this is dropped.
pub(crate) struct Wanted<'a>(&'a Connections);

impl Connections {
    /// A connection was opened.
    pub(crate) fn opened(self: &Arc<Self>) -> Entry {
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let of = Arc::new(Mutex::new(Use::default()));
        lock(&self.open).insert(number, Arc::clone(&of));
        Entry { connections: Arc::clone(self), number, of }
    }

    /// Closes the connection that has been idle for longest, if there is one; if not, the next that
    /// becomes idle.
    pub(crate) fn want(&self) -> Wanted<'_> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        self.close_one();
        Wanted(self)
    }

    fn close_one(&self) {
        let open = lock(&self.open);
        loop {
            let idle = open.values().filter_map(|of| match lock(of).state {
                State::Idle(since) => Some((since, of)),
                State::Busy | State::Closed => None,
            });
            let Some((since, of)) = idle.min_by_key(|(since, _)| *since) else { return };
            let mut of = lock(of);
            // It may have been written on meanwhile; then another one is looked for.
            if of.state == State::Idle(since) {
                of.state = State::Closed;
                if let Some(task) = of.task.take() {
                    task.wake();
                }
                return;
            }
        }
    }
}

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Entry {
    /// The side for exchanges.
    pub(crate) fn borrowed(&self) -> Borrowed {
        Borrowed { connections: Arc::clone(&self.connections), of: Arc::clone(&self.of) }
    }

    /// Before something is read: whether the connection was closed here.
    pub(crate) fn is_closed(&self, cx: &Context<'_>) -> bool {
        let mut of = lock(&self.of);
        match &mut of.task {
            Some(task) => task.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        of.state == State::Closed
    }

    /// Before something is written: whether it may be.
    pub(crate) fn begin_write(&self) -> bool {
        let mut of = lock(&self.of);
        if of.state == State::Closed {
            return false;
        }
        of.state = State::Busy;
        of.writes += 1;
        true
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        lock(&self.connections.open).remove(&self.number);
    }
}

impl Borrowed {
    /// How often something was written so far. Asked when the answer begins.
    pub(crate) fn writes(&self) -> u64 {
        lock(&self.of).writes
    }

    /// The answer has ended. When something was written since it began, the connection belongs to another
    /// exchange by now.
    pub(crate) fn ended(&self, writes: u64) {
        let mut of = lock(&self.of);
        if of.writes != writes || of.state == State::Closed {
            return;
        }
        of.state = State::Idle(self.connections.count.fetch_add(1, Ordering::Relaxed));
        drop(of);
        if self.connections.waiting.load(Ordering::SeqCst) > 0 {
            self.connections.close_one();
        }
    }
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::task::{Context, Waker};

    use super::{Connections, Entry};

    fn is_closed(entry: &Entry) -> bool {
        entry.is_closed(&Context::from_waker(Waker::noop()))
    }

    /// One exchange, from the first byte of the request to the last of the answer.
    fn exchange(entry: &Entry) {
        assert!(entry.begin_write());
        let borrowed = entry.borrowed();
        let writes = borrowed.writes();
        borrowed.ended(writes);
    }

    #[test]
    fn the_one_that_was_idle_for_longest_is_closed() {
        let connections = Arc::new(Connections::default());
        let all: Vec<Entry> = (0..4).map(|_| connections.opened()).collect();
        exchange(&all[2]);
        exchange(&all[1]);
        exchange(&all[3]);
        let closed = || all.iter().map(is_closed).collect::<Vec<bool>>();
        drop(connections.want());
        assert_eq!(closed(), [false, false, true, false]);
        assert!(!all[2].begin_write(), "nothing is written on it any more");
        assert!(all[1].begin_write(), "this one is in use again");
        drop(connections.want());
        assert_eq!(closed(), [false, false, true, true]);
        drop(connections.want());
        assert_eq!(closed(), [false, false, true, true], "connections in use are left alone");
    }

    #[test]
    fn while_somebody_waits_the_next_idle_one_is_closed() {
        let connections = Arc::new(Connections::default());
        let (one, two) = (connections.opened(), connections.opened());
        let wanted = connections.want();
        exchange(&one);
        drop(wanted);
        exchange(&two);
        assert_eq!((is_closed(&one), is_closed(&two)), (true, false));
    }

    #[test]
    fn a_connection_that_another_exchange_has_taken_is_not_idle() {
        let connections = Arc::new(Connections::default());
        let entry = connections.opened();
        assert!(entry.begin_write());
        let borrowed = entry.borrowed();
        let writes = borrowed.writes();
        assert!(entry.begin_write(), "the next request");
        borrowed.ended(writes);
        drop(connections.want());
        assert!(!is_closed(&entry));
    }

    #[test]
    fn connections_that_have_ended_are_forgotten() {
        let connections = Arc::new(Connections::default());
        drop(connections.opened());
        assert!(super::lock(&connections.open).is_empty());
    }
}
