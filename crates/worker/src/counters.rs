//! What is counted since the start, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counters of the worker.
#[derive(Debug, Default)]
pub struct WorkerCounters {
    delivered: AtomicU64,
    not_delivered: AtomicU64,
    channel_calls: AtomicU64,
    leases: AtomicU64,
}

impl WorkerCounters {
    /// Deliveries that were acknowledged.
    pub fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    /// Delivery attempts that were not acknowledged.
    pub fn not_delivered(&self) -> u64 {
        self.not_delivered.load(Ordering::Relaxed)
    }

    /// Calls to channels.
    pub fn channel_calls(&self) -> u64 {
        self.channel_calls.load(Ordering::Relaxed)
    }

    /// Looks for due work.
    pub fn leases(&self) -> u64 {
        self.leases.load(Ordering::Relaxed)
    }

    pub(crate) fn count_delivery(&self, acknowledged: bool) {
        let counter = if acknowledged { &self.delivered } else { &self.not_delivered };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_channel_call(&self) {
        self.channel_calls.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count_lease(&self) {
        self.leases.fetch_add(1, Ordering::Relaxed);
    }
}
