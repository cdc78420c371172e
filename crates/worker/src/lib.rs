//! Due work: telling partners what happened, and following payments and refunds at their channels.
//!
//! One dispatcher leases what is due, reads in bulk what the tasks are about, and lets each task run
//! on its own with bounded concurrency. Results go back through the application's lanes, where those
//! that arrive together share a commit. The dispatcher is woken by nudges that carry no data, by the
//! clock, and by places that become free, and each time looks for itself at what is due: there is one
//! path for the ordinary day and for the morning after a crash.

mod advance;
mod channel;
mod config;
mod counters;
mod credentials;
mod deliver;
mod desk;
mod dispatch;
mod endpoints;
mod in_order;
mod purchases;

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tradewind_app::App;
use tradewind_channels::Channels;
use tradewind_dialect::Dialect;
use tradewind_domain::TaskKey;
use tradewind_egress::Egress;

pub use config::WorkerConfig;
pub use counters::WorkerCounters;
pub use credentials::credentials;
pub use desk::ChannelDesk;
pub use purchases::Messages;

use endpoints::Endpoints;

/// The worker. Shared as `Arc<Worker>`.
pub struct Worker {
    app: Arc<App>,
    dialects: Arc<[Arc<dyn Dialect>]>,
    channels: Arc<Channels>,
    egress: Egress,
    egress_channels: Egress,
    messages: Messages,
    config: WorkerConfig,
    counters: WorkerCounters,
    endpoints: Endpoints,
    /// Tasks leased and not finished.
    in_flight: AtomicUsize,
    /// Tasks that were ever set going.
    set_going: AtomicU64,
    /// Calls that may have left, by this process or by another one, without a result on disk.
    begun: Mutex<HashSet<TaskKey>>,
    /// Calls of which the channel has told this process that it knows nothing of them.
    cleared: Mutex<HashSet<TaskKey>>,
    /// A task has finished.
    progress: Notify,
    /// Wakes a dispatcher that has left due tasks for want of a place.
    freed: Notify,
    looks: mpsc::Sender<dispatch::LookRequest>,
    stop: watch::Sender<bool>,
    dispatcher: Mutex<Option<JoinHandle<()>>>,
}

impl Worker {
    /// Starts the worker. Must be called within a tokio runtime. Partners are called through `egress`,
    /// channels through `egress_channels`.
    pub fn start(
        app: Arc<App>,
        dialects: Arc<[Arc<dyn Dialect>]>,
        channels: Arc<Channels>,
        egress: Egress,
        egress_channels: Egress,
        messages: Messages,
        config: WorkerConfig,
    ) -> Arc<Worker> {
        let (looks, look_requests) = mpsc::channel(16);
        let (stop, stopping) = watch::channel(false);
        let worker = Arc::new(Worker {
            endpoints: Endpoints::new(config.per_endpoint_max),
            app,
            dialects,
            channels,
            egress,
            egress_channels,
            messages,
            config,
            counters: WorkerCounters::default(),
            in_flight: AtomicUsize::new(0),
            set_going: AtomicU64::new(0),
            begun: Mutex::default(),
            cleared: Mutex::default(),
            progress: Notify::new(),
            freed: Notify::new(),
            looks,
            stop,
            dispatcher: Mutex::new(None),
        });
        let dispatcher = tokio::spawn(dispatch::run(Arc::clone(&worker), look_requests, stopping));
        *worker.dispatcher.lock().unwrap_or_else(PoisonError::into_inner) = Some(dispatcher);
        worker
    }

    /// Has the dispatcher look for due work.
    pub fn nudge(&self) {
        self.app.nudges().notify_one();
    }

    /// Tasks leased and not finished.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Acquire)
    }

    /// What has been counted since the start.
    pub fn counters(&self) -> &WorkerCounters {
        &self.counters
    }

    /// Takes no more work, and waits for what is in flight for as long as an attempt may take.
    pub async fn shut_down(&self) {
        let _ = self.stop.send(true);
        let dispatcher = self.dispatcher.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(dispatcher) = dispatcher {
            let _ = dispatcher.await;
        }
        let drained = async {
            loop {
                let progress = self.progress.notified();
                if self.in_flight() == 0 {
                    return;
                }
                progress.await;
            }
        };
        // What does not finish in time is leased again after the next start; nothing is lost.
        let _ = tokio::time::timeout(self.config.delivery_timeout, drained).await;
    }

    fn begun(&self) -> MutexGuard<'_, HashSet<TaskKey>> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cleared(&self) -> MutexGuard<'_, HashSet<TaskKey>> {
        self.cleared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn dialect(&self, name: &str) -> Option<&Arc<dyn Dialect>> {
        self.dialects.iter().find(|dialect| dialect.name() == name)
    }
}
