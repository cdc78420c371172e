//! What the operator can set about the worker.

use std::time::Duration;

/// Settings of the worker. `Default` gives those for production.
#[derive(Clone, Copy, Debug)]
pub struct WorkerConfig {
    /// Tasks in flight in all.
    pub in_flight_max: usize,
    /// Tasks in flight of one partner. While there is little room left in all, a partner gets less, so
    /// that slow ones cannot fill the place up.
    pub in_flight_per_partner_max: usize,
    /// Deliveries at a time to one address.
    pub per_endpoint_max: usize,
    /// How long one delivery, or one call to a channel, may take.
    pub delivery_timeout: Duration,
    /// For how long work that a process has taken up is its own, in real time. It has to outlast the
    /// slowest attempt; after it, another process takes up what one has left behind.
    pub lease_for: Duration,
}

impl Default for WorkerConfig {
    fn default() -> WorkerConfig {
        WorkerConfig {
            in_flight_max: 2048,
            in_flight_per_partner_max: 512,
            per_endpoint_max: 64,
            delivery_timeout: Duration::from_secs(5),
            lease_for: Duration::from_secs(60),
        }
    }
}
