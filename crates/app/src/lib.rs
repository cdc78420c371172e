//! The application: authorise, load, decide, commit, answer.
//!
//! Every change goes through a *lane*, which takes all commands that wait, loads what they need in
//! bulk, lets the rules decide one after the other, and commits the sum in one durable transaction.
//! Reads go past the lane. Time and ids come from here; dialects and channels are not known here.

mod cashier;
mod clock;
mod config;
mod counters;
mod execute;
mod identity;
mod lane;
mod limit;
mod operate;
mod sign_in;
mod vouchers;
mod waiters;
mod waiting;

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, mpsc, oneshot};
use tradewind_domain::{Command, Decided, IdSource, NodeId, Refusal, Timestamp, View};
use tradewind_signing::Vault;
use tradewind_store::{Store, StoreError};

pub use cashier::{Cashier, Preparation};
pub use clock::{CLOCK_FACT, Clock, ClockState};
pub use config::{AppConfig, Rate};
pub use counters::Counters;
pub use execute::Caller;
pub use identity::Identity;
pub use operate::{NewPartner, NewUser, PartnerWithKeys};

use identity::Identities;
use lane::{Job, LaneContext};
use limit::Limiter;
use sign_in::SignIns;
use waiters::Waiters;
use waiting::WaitingCalls;

/// The application. Shared as `Arc<App>`.
pub struct App {
    config: AppConfig,
    store: Arc<dyn Store>,
    clock: Clock,
    vault: Vault,
    cashier: Arc<dyn Cashier>,
    node: NodeId,
    ids_floor: Timestamp,
    ids: Arc<IdSource>,
    identities: Identities,
    waiters: Arc<Waiters>,
    counters: Arc<Counters>,
    nudge: Arc<Notify>,
    partner_limit: Limiter,
    sign_ins: SignIns,
    waiting_calls: WaitingCalls,
    lanes: Vec<mpsc::Sender<Job>>,
    running: Mutex<Vec<lane::Running>>,
}

/// Why the application did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The store could not be used.
    #[error("the store cannot be used")]
    Store(#[from] StoreError),
    /// A fact that the gateway wrote about itself cannot be read.
    #[error("the stored fact {0:?} cannot be read")]
    Fact(&'static str),
    /// The master key is not the one that the stored secrets were sealed with.
    #[error("the master key is not the one that this database was made with")]
    WrongKey,
    /// A lane's thread could not be started.
    #[error("a thread could not be started")]
    Thread(#[from] std::io::Error),
}

/// The fact that tells which master key a database was made with.
pub const VAULT_FACT: &str = "vault_check";
const IDS_FACT: &str = "ids";

impl App {
    /// Starts the application on a store: checks the key, takes up the clock and the ids where they
    /// stood, and opens the lanes.
    pub async fn start(
        config: AppConfig,
        store: Arc<dyn Store>,
        clock: Clock,
        vault: Vault,
        cashier: Arc<dyn Cashier>,
    ) -> Result<Arc<App>, StartError> {
        clock.restore(store.fact(CLOCK_FACT.into()).await?).ok_or(StartError::Fact(CLOCK_FACT))?;
        let new_vault = check_vault(&vault, store.fact(VAULT_FACT.into()).await?)?;
        let node = store.claim_node().await?;
        let ids_fact = format!("{IDS_FACT}:{}", node.number());
        let floor = match store.fact(ids_fact.clone()).await? {
            None => Timestamp::from_ms(0),
            Some(fact) => {
                Timestamp::from_ms(fact.value.parse::<i64>().map_err(|_| StartError::Fact(IDS_FACT))? + 1)
            }
        };
        let ids = Arc::new(IdSource::new(node, floor));
        let waiters = Arc::new(Waiters::default());
        let counters = Arc::new(Counters::default());
        let nudge = Arc::new(Notify::new());
        let mut lanes = Vec::new();
        let mut running = Vec::new();
        for number in 0..store.lanes().max(1) {
            let context = LaneContext {
                store: Arc::clone(&store),
                clock: clock.clone(),
                ids: Arc::clone(&ids),
                ids_fact: ids_fact.clone(),
                rules: config.rules(),
                batch_max: config.batch_commands_max,
                waiters: Arc::clone(&waiters),
                counters: Arc::clone(&counters),
                nudge: Arc::clone(&nudge),
            };
            let (sender, receiver) = mpsc::channel(config.queue_commands_max);
            running.push(lane::start(number, context, receiver).await?);
            lanes.push(sender);
        }
        let app = App {
            partner_limit: Limiter::new(config.rate_per_partner),
            sign_ins: SignIns::new(&config),
            waiting_calls: WaitingCalls::new(config.waiting_calls_max, config.waiting_calls_per_partner_max),
            identities: Identities::default(),
            running: Mutex::new(running),
            config,
            store,
            clock,
            vault,
            cashier,
            node,
            ids_floor: floor,
            ids,
            waiters,
            counters,
            nudge,
            lanes,
        };
        if let Some(fact) = new_vault {
            // A database that cannot take this one fact is found out here and not at the first order.
            app.submit(Command::Remember(fact))
                .await
                .map_err(|refusal| StoreError::Unavailable(refusal.to_string()))?;
        }
        Ok(Arc::new(app))
    }

    /// The engine's clock.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The store, for reads.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// The configuration.
    pub fn config(&self) -> &AppConfig {
        &self.config
    }

    /// The node whose number is in the ids made here.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// Every id that this process makes carries this moment or a later one, and every id that an earlier
    /// process of the same node has written carries an earlier one, whatever the clock did meanwhile.
    pub fn ids_floor(&self) -> Timestamp {
        self.ids_floor
    }

    /// Whether all lanes are at work.
    pub fn lanes_alive(&self) -> bool {
        self.lanes.iter().all(|lane| !lane.is_closed())
    }

    /// What has been counted since the start.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Signals that there may be due work. Carries no data; a missed one costs time, never work.
    pub fn nudges(&self) -> &Arc<Notify> {
        &self.nudge
    }

    /// Commands that wait in the lanes.
    pub fn queue_depth(&self) -> usize {
        self.lanes.iter().map(|lane| lane.max_capacity() - lane.capacity()).sum()
    }

    /// Calls that wait for a payer to confirm.
    pub fn waiting_calls(&self) -> usize {
        self.waiting_calls.taken()
    }

    /// Whether no command waits or is being committed.
    pub fn is_quiet(&self) -> bool {
        self.counters.commands_open() == 0
    }

    /// Has a command decided and committed. When it returns `Ok`, it is on disk. A full queue answers
    /// [`Refusal::Busy`] at once.
    pub async fn submit(&self, command: Command) -> Result<Decided, Refusal> {
        let (job, answer) = self.job(command);
        match self.lane(&job.command).try_send(job) {
            Ok(()) => {}
            Err(mpsc::error::TrySendError::Full(job)) => {
                self.counters.forget(job);
                return Err(Refusal::Busy);
            }
            Err(mpsc::error::TrySendError::Closed(job)) => {
                self.counters.forget(job);
                return Err(Refusal::Storage);
            }
        }
        self.answer(answer).await
    }

    /// The same for the gateway's own work, which waits for a place in the queue: it has already
    /// happened outside and must be written down.
    pub async fn submit_patiently(&self, command: Command) -> Result<Decided, Refusal> {
        let (job, answer) = self.job(command);
        if let Err(mpsc::error::SendError(job)) = self.lane(&job.command).send(job).await {
            self.counters.forget(job);
            return Err(Refusal::Storage);
        }
        self.answer(answer).await
    }

    /// Reads what `needs` name, as last committed.
    pub async fn view(&self, needs: Vec<tradewind_domain::Need>) -> Result<View, Refusal> {
        let rows = self.store.read(needs.clone()).await.map_err(|error| self.storage(&error))?;
        let mut view = View::default();
        view.fill(needs, rows);
        Ok(view)
    }

    /// Finishes what waits in the lanes and stops them. Commands that come later are refused.
    pub async fn shut_down(&self) {
        let running = std::mem::take(&mut *self.running.lock().unwrap_or_else(PoisonError::into_inner));
        for lane in running {
            lane.stop().await;
        }
    }

    fn job(&self, command: Command) -> (Job, oneshot::Receiver<Result<Decided, Refusal>>) {
        let (reply, answer) = oneshot::channel();
        self.counters.opened();
        (Job { command, reply }, answer)
    }

    async fn answer(&self, answer: oneshot::Receiver<Result<Decided, Refusal>>) -> Result<Decided, Refusal> {
        // A lane that went away without an answer may or may not have committed.
        answer.await.unwrap_or(Err(Refusal::Storage))
    }

    /// Commands of one partner keep to one lane, so that neighbours do not fight for rows.
    fn lane(&self, command: &Command) -> &mpsc::Sender<Job> {
        let partner = lane::partner_of(command).map_or(0, |partner| partner.get().unsigned_abs());
        let lanes = self.lanes.len() as u64;
        // Partner ids made in one burst differ in their last digits only.
        let index = usize::try_from(partner.wrapping_mul(0x9E37_79B9_7F4A_7C15) % lanes).unwrap_or(0);
        &self.lanes[index]
    }

    fn storage(&self, error: &StoreError) -> Refusal {
        tracing::error!(error = %error, "could not read from the store");
        Refusal::Storage
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// Compares the master key with the one the database was made with. Returns the fact to remember for
/// a new database.
fn check_vault(
    vault: &Vault,
    known: Option<tradewind_domain::Fact>,
) -> Result<Option<tradewind_domain::Fact>, StartError> {
    let value: String = vault.check_value().iter().map(|byte| format!("{byte:02x}")).collect();
    match known {
        None => Ok(Some(tradewind_domain::Fact { name: VAULT_FACT.into(), value })),
        Some(fact) if fact.value == value => Ok(None),
        Some(_) => Err(StartError::WrongKey),
    }
}
