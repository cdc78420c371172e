//! The application: authorise, load, decide, commit, answer.
//!
//! Every change goes through a *lane*, which takes all commands that wait, loads what they need in
//! bulk, lets the rules decide one after the other, and commits the sum in one durable transaction.
//! Reads go past the lane. Time and ids come from here; dialects and channels are not known here.

mod cashier;
mod clock;
mod config;
mod counter;
mod counters;
mod execute;
mod identity;
mod lane;
mod limit;
mod operate;
mod purchases;
mod sign_in;
mod vouchers;
mod waiters;
mod waiting;

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{Notify, mpsc, oneshot};
use tradewind_domain::{Command, Decided, Fact, IdSource, NodeId, Refusal, Timestamp, View, WriteSet};
use tradewind_signing::Vault;
use tradewind_store::{Store, StoreError};

pub use cashier::{Cashier, Preparation};
pub use clock::{CLOCK_FACT, Clock, ClockState};
pub use config::{AppConfig, Rate};
pub use counter::Ticket;
pub use counters::Counters;
pub use execute::Caller;
pub use identity::Identity;
pub use operate::{NewPartner, NewUser, PartnerWithKeys};
pub use purchases::Verdict;

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
/// Begins the names of the facts that tell how far the ids of a node have come: one for each of its
/// lanes, so that lanes never wait for each other's, and one without a lane that earlier versions wrote.
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
        check_key(store.as_ref(), &vault).await?;
        let node = store.claim_node().await?;
        let ids_fact = format!("{IDS_FACT}:{}", node.number());
        let floor = ids_floor(store.as_ref(), &ids_fact).await?;
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
                ids_fact: format!("{ids_fact}:{number}"),
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
        if let StoreError::Busy(_) = error {
            return Refusal::Busy;
        }
        tracing::error!(error = %error, "could not read from the store");
        Refusal::Storage
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

/// The moment after all that an earlier process of a node has written, whichever of its lanes did.
async fn ids_floor(store: &dyn Store, ids_fact: &str) -> Result<Timestamp, StartError> {
    let mut known = store.facts(format!("{ids_fact}:")).await?;
    known.extend(store.fact(ids_fact.into()).await?);
    let mut floor = Timestamp::from_ms(0);
    for fact in known {
        let latest: i64 = fact.value.parse().map_err(|_| StartError::Fact(IDS_FACT))?;
        floor = floor.max(Timestamp::from_ms(latest.saturating_add(1)));
    }
    Ok(floor)
}

/// Compares the master key with the one the database was made with, which is ours for a new database.
///
/// [`App::start`] does this itself; it is here for whoever writes anything down before that.
pub async fn check_key(store: &dyn Store, vault: &Vault) -> Result<(), StartError> {
    let value: String = vault.check_value().iter().map(|byte| format!("{byte:02x}")).collect();
    match settle(store, Fact { name: VAULT_FACT.into(), value: value.clone() }).await? {
        fact if fact.value == value => Ok(()),
        _ => Err(StartError::WrongKey),
    }
}

/// Remembers a fact unless there is one of its name; returns the one that holds from now on. Of several
/// processes that begin at the same moment on one new database, one is heard, and the others hear it.
///
/// To be used while no lane is open.
pub async fn settle(store: &dyn Store, fact: Fact) -> Result<Fact, StoreError> {
    if let Some(known) = store.fact(fact.name.clone()).await? {
        return Ok(known);
    }
    let set = WriteSet { facts_new: vec![fact.clone()], ..WriteSet::default() };
    match store.open_lane().await?.commit(&set).await {
        Ok(()) => Ok(fact),
        Err(conflict @ StoreError::Conflict(_)) => store.fact(fact.name).await?.ok_or(conflict),
        Err(error) => Err(error),
    }
}
