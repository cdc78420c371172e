//! The lane: the one way to change anything. It takes all commands that wait, loads what they need,
//! decides them in turn, commits the sum with one sync, and answers everyone.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::{Notify, mpsc, oneshot, watch};
use tradewind_domain::{
    Addition, Command, Decided, Fact, IdSource, Need, PartnerId, Refusal, Rules, View, WriteSet, decide,
    needs,
};
use tradewind_store::{Lane, Store, StoreError};

use crate::counters::Counters;
use crate::waiters::Waiters;
use crate::{Clock, StartError};

/// A command and who waits for its answer.
pub(crate) struct Job {
    pub(crate) command: Command,
    pub(crate) reply: oneshot::Sender<Result<Decided, Refusal>>,
}

/// What a lane works with.
pub(crate) struct LaneContext {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Clock,
    pub(crate) ids: Arc<IdSource>,
    pub(crate) ids_fact: String,
    pub(crate) rules: Rules,
    pub(crate) batch_max: usize,
    pub(crate) waiters: Arc<Waiters>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) nudge: Arc<Notify>,
}

/// A lane at work.
pub(crate) struct Running {
    stop: watch::Sender<bool>,
    ended: oneshot::Receiver<()>,
}

impl Running {
    /// Lets the lane finish what waits, then ends it.
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(true);
        let _ = self.ended.await;
    }
}

/// Opens a lane and sets it to work, on a thread of its own where the store's futures block.
pub(crate) async fn start(
    number: usize,
    context: LaneContext,
    jobs: mpsc::Receiver<Job>,
) -> Result<Running, StartError> {
    let lane = context.store.open_lane().await?;
    let blocks = context.store.lanes_block();
    let (stop, stopping) = watch::channel(false);
    let (end, ended) = oneshot::channel();
    let work = async move {
        Worker { lane, context }.run(jobs, stopping).await;
        let _ = end.send(());
    };
    if blocks {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        std::thread::Builder::new().name(format!("lane-{number}")).spawn(move || runtime.block_on(work))?;
    } else {
        tokio::spawn(work);
    }
    Ok(Running { stop, ended })
}

/// Whose business a command is; those of one partner keep their order.
pub(crate) fn partner_of(command: &Command) -> Option<PartnerId> {
    match command {
        Command::PlaceOrder(new) => Some(new.order.partner),
        Command::RequestRefund(new) => Some(new.partner),
        // What changes belongs to the issuer, whoever redeems.
        Command::IssueVoucher(voucher) => Some(voucher.partner),
        Command::SaveProduct(product) => Some(product.seller),
        Command::SaveSku(sku) => Some(sku.seller),
        Command::PlanStock { seller, .. } => Some(*seller),
        Command::Purchase(new) => Some(new.partner),
        Command::PayPurchase(pay) => Some(pay.partner),
        Command::ApplyRefund(application) => Some(application.partner),
        Command::Deposit(deposit) => Some(deposit.partner),
        Command::ReportPayment { partner, .. }
        | Command::LapseOrder { partner, .. }
        | Command::ReportRefund { partner, .. }
        | Command::Revoke { partner, .. }
        | Command::ReviewRevocation { partner, .. }
        | Command::ReviewRefund { partner, .. }
        | Command::ResendCodes { partner, .. }
        | Command::RedeemVoucher { partner, .. }
        | Command::CancelVoucher { partner, .. }
        | Command::PatchPartner { partner, .. }
        | Command::SetUserState { partner, .. }
        | Command::RecordSignIn { partner, .. }
        | Command::RemoveEndpoint { partner, .. } => Some(*partner),
        Command::RecordDelivery { key, .. } | Command::Task { key, .. } => Some(key.partner),
        Command::RotateCredential { credential, .. } => Some(credential.partner),
        Command::Add(addition) => Some(match addition.as_ref() {
            Addition::Partner { partner, .. } => partner.id,
            Addition::Seller(partner) => partner.id,
            Addition::Credential(credential) => credential.partner,
            Addition::User(user) => user.partner,
            Addition::Endpoint(endpoint) => endpoint.partner,
        }),
        Command::Forget(forgetting) => Some(forgetting.partner),
        Command::Remember(_) => None,
    }
}

/// A conflict makes a batch go round again, and then in halves; a command alone gets this many tries.
const TRIES_ALONE: u32 = 3;

struct Worker {
    lane: Box<dyn Lane>,
    context: LaneContext,
}

impl Worker {
    async fn run(mut self, mut jobs: mpsc::Receiver<Job>, mut stopping: watch::Receiver<bool>) {
        let mut batch = Vec::with_capacity(self.context.batch_max);
        loop {
            let taken = tokio::select! {
                biased;
                taken = jobs.recv_many(&mut batch, self.context.batch_max) => taken,
                () = stopped(&mut stopping) => {
                    // No new commands; those that wait are still done.
                    jobs.close();
                    jobs.recv_many(&mut batch, self.context.batch_max).await
                }
            };
            if taken == 0 {
                return;
            }
            self.work(std::mem::take(&mut batch)).await;
        }
    }

    /// Works on a batch until everyone in it has an answer.
    async fn work(&mut self, batch: Vec<Job>) {
        let mut stack = vec![(batch, 1)];
        while let Some((mut jobs, tries)) = stack.pop() {
            let (results, failure) = self.attempt(&jobs).await;
            match failure {
                None => self.answer(jobs, results),
                // One row that cannot be written or read must not take its neighbours along.
                Some(StoreError::Conflict(_) | StoreError::Corrupt(_)) if jobs.len() > 1 => {
                    let rest = jobs.split_off(jobs.len() / 2);
                    stack.push((rest, 1));
                    stack.push((jobs, 1));
                }
                Some(StoreError::Conflict(_)) if tries < TRIES_ALONE => stack.push((jobs, tries + 1)),
                Some(error) => {
                    self.context.counters.commit_failed();
                    tracing::error!(error = %error, commands = jobs.len(), "could not commit a batch");
                    // Refusals go the same way: one may rest on a neighbour's change that did not happen.
                    let results = results.into_iter().map(|_| Err(Refusal::Storage)).collect();
                    self.answer(jobs, results);
                }
            }
        }
    }

    /// One go: the answers to give if there is no failure.
    async fn attempt(&mut self, jobs: &[Job]) -> (Vec<Result<Decided, Refusal>>, Option<StoreError>) {
        let mut view = View::default();
        let needs: HashSet<Need> = jobs.iter().flat_map(|job| needs(&job.command)).collect();
        let needs: Vec<Need> = needs.into_iter().collect();
        match self.lane.load(&needs).await {
            Ok(rows) => view.fill(needs, rows),
            Err(error) => return (jobs.iter().map(|_| Err(Refusal::Storage)).collect(), Some(error)),
        }
        let mut results = Vec::with_capacity(jobs.len());
        for job in jobs {
            results.push(self.decide(&mut view, &job.command));
        }
        let mut set = view.into_write_set();
        if set.is_empty() {
            let failure = self.lane.abandon().await.err();
            return (results, failure);
        }
        let latest = self.context.ids.latest().ms().to_string();
        set.facts.push(Fact { name: self.context.ids_fact.clone(), value: latest });
        let began = Instant::now();
        let outcome = match self.lane.commit(&set).await {
            Err(StoreError::Unknown(reason)) => self.find_out(&set, reason).await,
            known => known,
        };
        match outcome {
            Ok(()) => {
                self.context.counters.committed(began.elapsed());
                if !set.tasks_new.is_empty() || !set.tasks_changed.is_empty() {
                    self.context.nudge.notify_one();
                }
                (results, None)
            }
            Err(error) => (results, Some(error)),
        }
    }

    /// A broken rule ends the one command that met it, loudly, and not the lane.
    fn decide(&self, view: &mut View, command: &Command) -> Result<Decided, Refusal> {
        let context = &self.context;
        let now = context.clock.now();
        let judged = catch_unwind(AssertUnwindSafe(|| {
            decide(view, command.clone(), now, &context.ids, &context.rules)
        }));
        match judged {
            Ok(Ok((changes, decided))) => {
                view.apply(changes);
                Ok(decided)
            }
            Ok(Err(refusal)) => Err(refusal),
            Err(_) => {
                tracing::error!(?command, "a rule broke down");
                Err(Refusal::Internal)
            }
        }
    }

    /// The connection broke while committing. A batch is there as a whole or not at all, so one row of
    /// it tells.
    async fn find_out(&mut self, set: &WriteSet, reason: String) -> Result<(), StoreError> {
        let Some(witness) = Witness::of(set) else { return Err(StoreError::Unknown(reason)) };
        let loaded = self.lane.load(&[witness.need()]).await;
        self.lane.abandon().await?;
        match loaded {
            Ok(rows) => {
                let mut view = View::default();
                view.fill([witness.need()], rows);
                match witness.is_there(&view) {
                    true => Ok(()),
                    false => Err(StoreError::Conflict(reason)),
                }
            }
            Err(_) => Err(StoreError::Unknown(reason)),
        }
    }

    fn answer(&self, jobs: Vec<Job>, results: Vec<Result<Decided, Refusal>>) {
        for (job, result) in jobs.into_iter().zip(results) {
            if let Ok(decided) = &result {
                self.context.waiters.tell(&job.command, decided);
            }
            self.context.counters.answered(result.is_err());
            // Nobody may be left to hear it; the fact is on disk all the same.
            let _ = job.reply.send(result);
        }
    }
}

/// Waits until the lane is told to stop, or nobody is left who could.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// A row that a batch makes, by which one can tell whether the batch was committed.
enum Witness {
    Order(PartnerId, tradewind_domain::OrderId),
    Event(PartnerId, i64),
    Task(tradewind_domain::TaskKey),
    ChangedTask(Box<tradewind_domain::Task>),
    RemovedTask(tradewind_domain::TaskKey),
    RemovedOrder(PartnerId, tradewind_domain::OrderId),
    ChangedOrder(Box<tradewind_domain::Order>),
    Voucher(PartnerId, tradewind_domain::VoucherId),
    ChangedVoucher(Box<tradewind_domain::Voucher>),
    Deposit(PartnerId, String),
    /// What was laid down is laid down again without harm, so that it may have been changed since.
    Product(Box<tradewind_domain::Product>),
    Sku(Box<tradewind_domain::Sku>),
    Stock(Box<tradewind_domain::Stock>),
}

impl Witness {
    fn of(set: &WriteSet) -> Option<Witness> {
        let order = set.orders_new.first().map(|order| Witness::Order(order.partner, order.id));
        let event = || set.events.first().map(|event| Witness::Event(event.partner, event.number));
        let task = || set.tasks_new.first().map(|task| Witness::Task(task.key));
        let changed_order =
            || set.orders_changed.first().map(|order| Witness::ChangedOrder(Box::new(order.clone())));
        let changed_task =
            || set.tasks_changed.first().map(|task| Witness::ChangedTask(Box::new(task.clone())));
        let removed_task = || set.tasks_removed.first().map(|key| Witness::RemovedTask(*key));
        let voucher =
            || set.vouchers_new.first().map(|voucher| Witness::Voucher(voucher.partner, voucher.id));
        let changed_voucher =
            || set.vouchers_changed.first().map(|voucher| Witness::ChangedVoucher(Box::new(voucher.clone())));
        let removed_order =
            || set.orders_removed.first().map(|order| Witness::RemovedOrder(order.partner, order.id));
        let made = order.or_else(event).or_else(task).or_else(voucher);
        let deposit = || set.deposits.first().map(|made| Witness::Deposit(made.partner, made.number.clone()));
        let product = || {
            let product = set.products_new.first().or(set.products_changed.first());
            product.map(|product| Witness::Product(Box::new(product.clone())))
        };
        let sku = || {
            let sku = set.skus_new.first().or(set.skus_changed.first());
            sku.map(|sku| Witness::Sku(Box::new(sku.clone())))
        };
        let stock = || {
            let stock = set.stocks_new.first().or(set.stocks_changed.first());
            stock.map(|stock| Witness::Stock(Box::new(stock.clone())))
        };
        let made = made.or_else(deposit).or_else(changed_order).or_else(changed_voucher);
        let made = made.or_else(changed_task).or_else(removed_task).or_else(removed_order);
        made.or_else(product).or_else(sku).or_else(stock)
    }

    fn need(&self) -> Need {
        match self {
            Witness::Order(partner, order) | Witness::RemovedOrder(partner, order) => {
                Need::Order(*partner, *order)
            }
            Witness::Event(partner, number) => Need::Event(*partner, *number),
            Witness::Task(key) | Witness::RemovedTask(key) => Need::Task(*key),
            Witness::ChangedTask(task) => Need::Task(task.key),
            Witness::ChangedOrder(order) => Need::Order(order.partner, order.id),
            Witness::Voucher(partner, voucher) => Need::Voucher(*partner, *voucher),
            Witness::ChangedVoucher(voucher) => Need::Voucher(voucher.partner, voucher.id),
            Witness::Deposit(partner, number) => Need::Deposit(*partner, number.clone()),
            Witness::Product(product) => Need::Product(product.id),
            Witness::Sku(sku) => Need::Sku(sku.id),
            Witness::Stock(stock) => Need::Stock(stock.key),
        }
    }

    fn is_there(&self, view: &View) -> bool {
        match self {
            Witness::Order(partner, order) => {
                view.order(*partner, &tradewind_domain::OrderRef::Id(*order)).is_some()
            }
            Witness::RemovedOrder(partner, order) => {
                view.order(*partner, &tradewind_domain::OrderRef::Id(*order)).is_none()
            }
            Witness::Event(partner, number) => view.event(*partner, *number).is_some(),
            Witness::Task(key) => view.task(*key).is_some(),
            Witness::RemovedTask(key) => view.task(*key).is_none(),
            Witness::ChangedTask(task) => view.task(task.key) == Some(task),
            Witness::ChangedOrder(order) => {
                let by = tradewind_domain::OrderRef::Id(order.id);
                view.order(order.partner, &by) == Some(order)
            }
            Witness::Voucher(partner, voucher) => view.voucher(*partner, *voucher).is_some(),
            Witness::ChangedVoucher(voucher) => {
                view.voucher(voucher.partner, voucher.id) == Some(voucher.as_ref())
            }
            Witness::Deposit(partner, number) => view.deposit_by_number(*partner, number).is_some(),
            Witness::Product(product) => view.product(product.id) == Some(product.as_ref()),
            Witness::Sku(sku) => view.sku(sku.id) == Some(sku.as_ref()),
            Witness::Stock(stock) => view.stock(stock.key) == Some(stock.as_ref()),
        }
    }
}
