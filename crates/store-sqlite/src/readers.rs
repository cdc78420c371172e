//! Threads that answer reads, each with a connection of its own.
//!
//! A reader takes its share of the jobs that wait and answers them from one snapshot, begun after the
//! last of them arrived: whoever asks after a commit sees it.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::oneshot;
use tradewind_store::{Result, StoreError};

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// A group of reader threads. Dropping it ends them after what waits has been answered.
pub(crate) struct Readers {
    queue: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

struct Queue {
    state: Mutex<QueueState>,
    arrived: Condvar,
    limits: Limits,
    readers: usize,
}

/// The bounds of a group of readers.
#[derive(Clone, Copy)]
pub(crate) struct Limits {
    /// How many jobs may wait.
    pub(crate) waiting_max: usize,
    /// How many jobs share a snapshot; a slow one among them delays only these.
    pub(crate) per_snapshot_max: usize,
}

#[derive(Default)]
struct QueueState {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Readers {
    /// Starts a thread for each connection.
    pub(crate) fn start(
        name: &str,
        connections: Vec<Connection>,
        limits: Limits,
    ) -> std::io::Result<Readers> {
        let queue = Arc::new(Queue {
            state: Mutex::default(),
            arrived: Condvar::new(),
            limits,
            readers: connections.len().max(1),
        });
        let mut readers = Readers { queue: Arc::clone(&queue), threads: Vec::new() };
        for connection in connections {
            let queue = Arc::clone(&queue);
            let thread = std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || serve(&queue, &connection))?;
            readers.threads.push(thread);
        }
        Ok(readers)
    }

    /// Has a reader do `work`; refused at once when too much waits already.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> impl Future<Output = Result<T>> + Send + 'static {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            // Whoever asked may have stopped waiting.
            let _ = reply.send(work(connection));
        });
        let queued = self.queue.push(job);
        async move {
            queued?;
            answer.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the reader gave up".into())))
        }
    }
}

/// Does `work` on a thread of its own, for what takes minutes. It goes on when nobody waits any longer.
pub(crate) fn run_apart<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> impl Future<Output = Result<T>> + Send + 'static {
    let (reply, answer) = oneshot::channel();
    let started = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        let _ = reply.send(work());
    });
    async move {
        started.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        answer.await.unwrap_or_else(|_| Err(StoreError::Unavailable("the reader gave up".into())))
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.queue.lock().closed = true;
        self.queue.arrived.notify_all();
        for thread in self.threads.drain(..) {
            // A reader that panicked outside of a job has nothing left to say.
            let _ = thread.join();
        }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, job: Job) -> Result<()> {
        let mut state = self.lock();
        if state.jobs.len() >= self.limits.waiting_max {
            return Err(StoreError::Busy(format!("{} reads wait already", state.jobs.len())));
        }
        state.jobs.push_back(job);
        drop(state);
        self.arrived.notify_one();
        Ok(())
    }

    /// Waits for jobs and takes a fair share of them; `None` when there will be no more.
    fn take(&self) -> Option<Vec<Job>> {
        let mut state = self.lock();
        while state.jobs.is_empty() {
            if state.closed {
                return None;
            }
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let share = state.jobs.len().div_ceil(self.readers).min(self.limits.per_snapshot_max);
        Some(state.jobs.drain(..share).collect())
    }
}

fn serve(queue: &Queue, connection: &Connection) {
    while let Some(jobs) = queue.take() {
        // The snapshot begins with the first query in it. Should it fail to begin, each query reads
        // for itself or tells what is wrong.
        let snapshot = connection.unchecked_transaction();
        for job in jobs {
            // A panic ends the one read, not the reader: the asker sees its reply dropped.
            let _ = catch_unwind(AssertUnwindSafe(|| job(connection)));
        }
        drop(snapshot);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    fn readers(count: usize, waiting_max: usize) -> Readers {
        let connections = (0..count).map(|_| Connection::open_in_memory().unwrap()).collect();
        let limits = Limits { waiting_max, per_snapshot_max: 4 };
        Readers::start("reader", connections, limits).unwrap()
    }

    fn wait<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn a_panic_ends_the_read_and_not_the_reader() {
        let readers = readers(1, 8);
        let lost: Result<i64> = wait(readers.run(|_| panic!("a defect")));
        assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");
        assert_eq!(wait(readers.run(|_| Ok(7))).unwrap(), 7);
    }

    #[test]
    fn what_does_not_fit_the_queue_is_refused_at_once() {
        let readers = readers(1, 2);
        let (release, released) = mpsc::channel::<()>();
        let (began, begun) = mpsc::channel();
        let busy = readers.run(move |_| {
            began.send(()).unwrap();
            released.recv().unwrap();
            Ok(0)
        });
        begun.recv().unwrap();
        let waiting: Vec<_> = (1..=2).map(|n| readers.run(move |_| Ok(n))).collect();
        let refused = wait(readers.run(|_| Ok(3)));
        assert!(matches!(refused, Err(StoreError::Busy(_))), "{refused:?}");
        release.send(()).unwrap();
        assert_eq!(wait(busy).unwrap(), 0);
        for (answer, expected) in waiting.into_iter().zip(1..) {
            assert_eq!(wait(answer).unwrap(), expected);
        }
    }

    #[test]
    fn what_waits_is_answered_before_the_end() {
        let readers = readers(2, 100);
        let answers: Vec<_> = (0..50).map(|n| readers.run(move |_| Ok(n))).collect();
        drop(readers);
        for (expected, answer) in answers.into_iter().enumerate() {
            assert_eq!(wait(answer).unwrap(), expected);
        }
    }
}
