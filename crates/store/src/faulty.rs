//! A store whose steps fail on purpose.
//!
//! [`FaultyStore`] wraps another store and follows a script: the n-th load, commit, read or lease
//! fails in the way asked for; everything else goes through. Steps are counted from 1 over all lanes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tradewind_domain::{
    About, Balance, Day, Deposit, DepositId, Event, Fact, Need, NodeId, Order, OrderId, OrderPage, PartnerId,
    ProductId, Redemption, RedemptionPage, Refund, RefundId, Rows, SkuId, SkuPage, Stock, Task, TaskId,
    TaskKey, User, VoucherId, WriteSet,
};

use crate::{
    BoxFuture, Lane, LeaseRequest, Leased, OrderQuery, RedemptionQuery, Result, SkuQuery, Store, StoreError,
    Story, TaskFilter, TaskPage, Verification,
};

/// A step that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// [`Lane::load`].
    Load,
    /// [`Lane::commit`].
    Commit,
    /// [`Store::read`].
    Read,
    /// [`Store::lease_tasks`].
    Lease,
}

/// How a step fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// [`StoreError::Unavailable`]; nothing is done.
    Unavailable,
    /// [`StoreError::Conflict`]; nothing is done.
    Conflict,
    /// [`StoreError::Unknown`]; nothing is done.
    UnknownUndone,
    /// [`StoreError::Unknown`], after the step was done.
    UnknownDone,
}

/// A store that fails by script.
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    script: Arc<Script>,
}

#[derive(Default)]
struct Script(Mutex<Lines>);

#[derive(Default)]
struct Lines {
    taken: HashMap<Step, u64>,
    faults: HashMap<(Step, u64), Fault>,
    lasting: HashMap<Step, Fault>,
}

impl FaultyStore {
    /// Wraps `inner`; nothing fails until asked to.
    pub fn new(inner: Arc<dyn Store>) -> FaultyStore {
        FaultyStore { inner, script: Arc::default() }
    }

    /// Lets the `nth` step of this kind fail, counted from 1 since the store was wrapped.
    pub fn fail_nth(&self, step: Step, nth: u64, fault: Fault) {
        self.script.lock().faults.insert((step, nth), fault);
    }

    /// Lets the next step of this kind fail.
    pub fn fail_next(&self, step: Step, fault: Fault) {
        let nth = self.taken(step) + 1;
        self.fail_nth(step, nth, fault);
    }

    /// Lets every step of this kind fail until [`FaultyStore::heal`].
    pub fn fail_all(&self, step: Step, fault: Fault) {
        self.script.lock().lasting.insert(step, fault);
    }

    /// Forgets all faults; the counts go on.
    pub fn heal(&self) {
        let mut lines = self.script.lock();
        lines.faults.clear();
        lines.lasting.clear();
    }

    /// How many steps of this kind were taken, those that failed included.
    pub fn taken(&self, step: Step) -> u64 {
        self.script.lock().taken.get(&step).copied().unwrap_or(0)
    }
}

impl Script {
    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self, step: Step) -> Option<Fault> {
        let mut lines = self.lock();
        let taken = lines.taken.entry(step).or_default();
        *taken += 1;
        let nth = *taken;
        lines.faults.remove(&(step, nth)).or_else(|| lines.lasting.get(&step).copied())
    }

    /// Takes a step: does it, unless the script has it fail before, and fails it afterwards when the
    /// script says so.
    async fn step<T>(&self, step: Step, doing: BoxFuture<'_, Result<T>>) -> Result<T> {
        let told = || format!("{step:?} fails by script");
        match self.next(step) {
            None => doing.await,
            Some(Fault::Unavailable) => Err(StoreError::Unavailable(told())),
            Some(Fault::Conflict) => Err(StoreError::Conflict(told())),
            Some(Fault::UnknownUndone) => Err(StoreError::Unknown(told())),
            Some(Fault::UnknownDone) => {
                doing.await?;
                Err(StoreError::Unknown(told()))
            }
        }
    }
}

impl Store for FaultyStore {
    fn open_lane(&self) -> BoxFuture<'_, Result<Box<dyn Lane>>> {
        Box::pin(async move {
            let inner = self.inner.open_lane().await?;
            let lane: Box<dyn Lane> = Box::new(FaultyLane { inner, script: Arc::clone(&self.script) });
            Ok(lane)
        })
    }

    fn lanes(&self) -> usize {
        self.inner.lanes()
    }

    fn lanes_block(&self) -> bool {
        self.inner.lanes_block()
    }

    fn read(&self, needs: Vec<Need>) -> BoxFuture<'_, Result<Rows>> {
        // The inner read is made only when it is awaited, so that a fault really keeps it away.
        let doing = Box::pin(async move { self.inner.read(needs).await });
        Box::pin(self.script.step(Step::Read, doing))
    }

    fn lease_tasks(&self, request: LeaseRequest) -> BoxFuture<'_, Result<Leased>> {
        let doing = Box::pin(async move { self.inner.lease_tasks(request).await });
        Box::pin(self.script.step(Step::Lease, doing))
    }

    fn release_tasks(&self, keys: Vec<TaskKey>) -> BoxFuture<'_, Result<()>> {
        self.inner.release_tasks(keys)
    }

    fn list_orders(&self, query: OrderQuery) -> BoxFuture<'_, Result<OrderPage>> {
        self.inner.list_orders(query)
    }

    fn list_redemptions(&self, query: RedemptionQuery) -> BoxFuture<'_, Result<RedemptionPage>> {
        self.inner.list_redemptions(query)
    }

    fn redemptions_of(
        &self,
        partner: PartnerId,
        voucher: VoucherId,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Redemption>>> {
        self.inner.redemptions_of(partner, voucher, limit)
    }

    fn list_skus(&self, query: SkuQuery) -> BoxFuture<'_, Result<SkuPage>> {
        self.inner.list_skus(query)
    }

    fn list_stocks(&self, sku: SkuId, from: Day, until: Day) -> BoxFuture<'_, Result<Vec<Stock>>> {
        self.inner.list_stocks(sku, from, until)
    }

    fn list_products(
        &self,
        seller: Option<PartnerId>,
        after: Option<ProductId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Rows>> {
        self.inner.list_products(seller, after, limit)
    }

    fn list_refunds_under_review(
        &self,
        after: Option<(PartnerId, RefundId)>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<(Refund, Order)>>> {
        self.inner.list_refunds_under_review(after, limit)
    }

    fn list_deposits(
        &self,
        partner: PartnerId,
        after: Option<DepositId>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<Deposit>>> {
        self.inner.list_deposits(partner, after, limit)
    }

    fn balances(&self, partner: PartnerId) -> BoxFuture<'_, Result<Vec<Balance>>> {
        self.inner.balances(partner)
    }

    fn story(&self, partner: PartnerId, order: OrderId) -> BoxFuture<'_, Result<Option<Story>>> {
        self.inner.story(partner, order)
    }

    fn list_partners(&self, after: Option<PartnerId>, limit: u32) -> BoxFuture<'_, Result<Rows>> {
        self.inner.list_partners(after, limit)
    }

    fn list_users(
        &self,
        partner: PartnerId,
        after: Option<String>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<User>>> {
        self.inner.list_users(partner, after, limit)
    }

    fn find_users(&self, login: String, limit: u32) -> BoxFuture<'_, Result<Vec<User>>> {
        self.inner.find_users(login, limit)
    }

    fn list_events(&self, partner: PartnerId, after: i64, limit: u32) -> BoxFuture<'_, Result<Vec<Event>>> {
        self.inner.list_events(partner, after, limit)
    }

    fn list_tasks(&self, filter: TaskFilter) -> BoxFuture<'_, Result<TaskPage>> {
        self.inner.list_tasks(filter)
    }

    fn find_task(&self, partner: PartnerId, id: TaskId) -> BoxFuture<'_, Result<Option<Task>>> {
        self.inner.find_task(partner, id)
    }

    fn tasks_about(&self, partner: PartnerId, about: Vec<About>) -> BoxFuture<'_, Result<Vec<Task>>> {
        self.inner.tasks_about(partner, about)
    }

    fn orders_between(
        &self,
        partner: PartnerId,
        after: OrderId,
        before: OrderId,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<OrderId>>> {
        self.inner.orders_between(partner, after, before, limit)
    }

    fn fact(&self, name: String) -> BoxFuture<'_, Result<Option<Fact>>> {
        self.inner.fact(name)
    }

    fn facts(&self, prefix: String) -> BoxFuture<'_, Result<Vec<Fact>>> {
        self.inner.facts(prefix)
    }

    fn claim_node(&self) -> BoxFuture<'_, Result<NodeId>> {
        self.inner.claim_node()
    }

    fn verify(&self) -> BoxFuture<'_, Result<Verification>> {
        self.inner.verify()
    }

    fn ping(&self) -> BoxFuture<'_, Result<()>> {
        self.inner.ping()
    }
}

struct FaultyLane {
    inner: Box<dyn Lane>,
    script: Arc<Script>,
}

impl Lane for FaultyLane {
    fn load<'a>(&'a mut self, needs: &'a [Need]) -> BoxFuture<'a, Result<Rows>> {
        let doing = self.inner.load(needs);
        Box::pin(self.script.step(Step::Load, doing))
    }

    fn commit<'a>(&'a mut self, set: &'a WriteSet) -> BoxFuture<'a, Result<()>> {
        let doing = self.inner.commit(set);
        Box::pin(self.script.step(Step::Commit, doing))
    }

    fn abandon(&mut self) -> BoxFuture<'_, Result<()>> {
        self.inner.abandon()
    }
}
