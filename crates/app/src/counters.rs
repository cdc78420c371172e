//! What is counted since the start, for metrics and for knowing when all is quiet.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::lane::Job;

/// Counters of the lanes.
#[derive(Debug, Default)]
pub struct Counters {
    open: AtomicU64,
    commands: AtomicU64,
    refusals: AtomicU64,
    batches: AtomicU64,
    commit_failures: AtomicU64,
    commit_nanos: AtomicU64,
}

impl Counters {
    /// Commands answered.
    pub fn commands(&self) -> u64 {
        self.commands.load(Ordering::Relaxed)
    }

    /// Commands refused, among those answered.
    pub fn refusals(&self) -> u64 {
        self.refusals.load(Ordering::Relaxed)
    }

    /// Batches committed.
    pub fn batches(&self) -> u64 {
        self.batches.load(Ordering::Relaxed)
    }

    /// Commits that failed.
    pub fn commit_failures(&self) -> u64 {
        self.commit_failures.load(Ordering::Relaxed)
    }

    /// Time spent in commits.
    pub fn commit_time(&self) -> Duration {
        Duration::from_nanos(self.commit_nanos.load(Ordering::Relaxed))
    }

    /// Commands that wait or are being worked on.
    pub fn commands_open(&self) -> u64 {
        self.open.load(Ordering::Acquire)
    }

    pub(crate) fn opened(&self) {
        self.open.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn forget(&self, _job: Job) {
        self.open.fetch_sub(1, Ordering::AcqRel);
    }

    pub(crate) fn answered(&self, refused: bool) {
        self.commands.fetch_add(1, Ordering::Relaxed);
        if refused {
            self.refusals.fetch_add(1, Ordering::Relaxed);
        }
        self.open.fetch_sub(1, Ordering::AcqRel);
    }

    pub(crate) fn committed(&self, took: Duration) {
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.commit_nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    pub(crate) fn commit_failed(&self) {
        self.commit_failures.fetch_add(1, Ordering::Relaxed);
    }
}
