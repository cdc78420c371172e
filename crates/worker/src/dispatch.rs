//! The dispatcher: looks for due tasks and sets them going.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::{mpsc, oneshot, watch};
use tradewind_domain::{About, Need, OrderRef, Task, TaskKind, Timestamp, View};
use tradewind_store::{LeaseRequest, StoreError};

use crate::Worker;

/// Somebody wants to know how things stand after a fresh look.
pub(crate) struct LookRequest {
    pub(crate) reply: oneshot::Sender<Look>,
}

/// How things stood after a look.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    /// This look has set tasks going.
    pub(crate) leased: bool,
    /// Due tasks were left because of a limit.
    pub(crate) more: bool,
    /// When the next pending task is due that is not due yet.
    pub(crate) next_due: Option<Timestamp>,
}

/// After a store failed or a result could not be written down, in real time.
const REST_AFTER_FAILURE: Duration = Duration::from_millis(500);
/// A look at least this often, in real time, in case a nudge was lost or another process did the work.
const LOOK_AT_LEAST_EVERY: Duration = Duration::from_secs(10);

/// Runs until told to stop. Should looking break down, it begins again: orders would be taken and nobody
/// would follow them.
pub(crate) async fn run(
    worker: Arc<Worker>,
    mut looks: mpsc::Receiver<LookRequest>,
    mut stopping: watch::Receiver<bool>,
) {
    while AssertUnwindSafe(look_on(&worker, &mut looks, &mut stopping)).catch_unwind().await.is_err() {
        tracing::error!("looking for due tasks broke down; it begins again");
        rest(&mut stopping).await;
    }
}

async fn look_on(
    worker: &Arc<Worker>,
    looks: &mut mpsc::Receiver<LookRequest>,
    stopping: &mut watch::Receiver<bool>,
) {
    let nudges = Arc::clone(worker.app.nudges());
    let mut asked: Vec<LookRequest> = Vec::new();
    while !*stopping.borrow() {
        let look = match look(worker).await {
            Ok(look) => look,
            Err(error) => {
                tracing::error!(%error, "could not look for due tasks");
                rest(stopping).await;
                continue;
            }
        };
        for request in asked.drain(..) {
            let _ = request.reply.send(look);
        }
        if look.leased && look.more {
            tokio::task::yield_now().await;
            continue;
        }
        tokio::select! {
            () = nudges.notified() => {}
            () = worker.freed.notified(), if look.more => {}
            () = worker.app.clock().wait_until(look.next_due) => {}
            () = tokio::time::sleep(LOOK_AT_LEAST_EVERY) => {}
            request = looks.recv() => asked.extend(request),
            () = stopped(stopping) => {}
        }
    }
}

async fn rest(stopping: &mut watch::Receiver<bool>) {
    let _ = tokio::time::timeout(REST_AFTER_FAILURE, stopped(stopping)).await;
}

async fn stopped(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}

/// Leases what is due and sets it going.
async fn look(worker: &Arc<Worker>) -> Result<Look, StoreError> {
    worker.counters.count_lease();
    let room = worker.room();
    let per_partner = (room / 4).max(4).min(worker.config.in_flight_per_partner_max.max(1));
    let request = LeaseRequest {
        now: worker.app.clock().now(),
        limit: room,
        limit_per_partner: per_partner,
        lease_for: worker.config.lease_for,
    };
    let leased = worker.app.store().lease_tasks(request).await?;
    let look = Look { leased: !leased.tasks.is_empty(), more: leased.more, next_due: leased.next_due };
    if leased.tasks.is_empty() {
        return Ok(look);
    }
    worker.begun().extend(leased.retaken);
    let needs: Vec<Need> = leased.tasks.iter().flat_map(needs_of).collect();
    let rows = match worker.app.store().read(needs.clone()).await {
        Ok(rows) => rows,
        Err(StoreError::Corrupt(reason)) => {
            tracing::error!(%reason, "some of what is due cannot be read; the tasks are taken one by one");
            one_by_one(worker, leased.tasks).await?;
            return Ok(look);
        }
        Err(error) => {
            let keys = leased.tasks.iter().map(|task| task.key).collect();
            worker.app.store().release_tasks(keys).await?;
            return Err(error);
        }
    };
    let mut view = View::default();
    view.fill(needs, rows);
    let view = Arc::new(view);
    for task in leased.tasks {
        set_going(worker, task, Arc::clone(&view));
    }
    Ok(look)
}

/// One row that cannot be read must not stop everybody's work. Its task stays leased and is tried again
/// when the lease runs out, or after a restart.
async fn one_by_one(worker: &Arc<Worker>, tasks: Vec<Task>) -> Result<(), StoreError> {
    for task in tasks {
        let needs = needs_of(&task);
        match worker.app.store().read(needs.clone()).await {
            Ok(rows) => {
                let mut view = View::default();
                view.fill(needs, rows);
                set_going(worker, task, Arc::new(view));
            }
            Err(StoreError::Corrupt(reason)) => {
                tracing::error!(task = %task.key.id, about = %task.key.about, %reason, "a task cannot be read");
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn needs_of(task: &Task) -> Vec<Need> {
    let mut needs = vec![match task.key.about {
        About::Order(order) if task.kind == TaskKind::SendCodes => Need::VouchersOf(task.key.partner, order),
        About::Order(order) => Need::Order(task.key.partner, order),
        About::Voucher(voucher) => Need::Voucher(task.key.partner, voucher),
        About::Sku(sku) => Need::Sku(sku),
    }];
    if let TaskKind::Deliver { event, endpoint } = task.kind {
        needs.push(Need::Event(task.key.partner, event));
        if endpoint.is_some() {
            needs.push(Need::Partner(task.key.partner));
        }
    }
    needs
}

fn set_going(worker: &Arc<Worker>, task: Task, view: Arc<View>) {
    let worker = Arc::clone(worker);
    worker.in_flight.fetch_add(1, Ordering::AcqRel);
    worker.set_going.fetch_add(1, Ordering::AcqRel);
    tokio::spawn(async move {
        // Counts down even when the work panics or is dropped.
        let _place = Place(Arc::clone(&worker));
        let key = task.key;
        let done = AssertUnwindSafe(do_task(&worker, task, &view)).catch_unwind().await;
        if done.is_err() {
            tracing::error!(task = %key.id, "a task broke down");
        }
        if done.unwrap_or(false) {
            worker.begun().remove(&key);
        } else {
            // It is still due, so it would come back at once; a rest keeps a lasting fault from spinning.
            tokio::time::sleep(REST_AFTER_FAILURE).await;
            if let Err(error) = worker.app.store().release_tasks(vec![key]).await {
                tracing::error!(%error, task = %key.id, "could not release a task");
            }
        }
    });
}

/// Does one task. `false` when its result could not be written down, so that it has to be done again.
async fn do_task(worker: &Worker, task: Task, view: &View) -> bool {
    let about = task.key.about;
    let order = about.order().and_then(|id| view.order(task.key.partner, &OrderRef::Id(id)));
    match (task.kind, order) {
        (TaskKind::Deliver { event, endpoint }, _) => worker.deliver(&task, event, endpoint, view).await,
        (TaskKind::FollowPayment(payment), Some(order)) => {
            worker.follow_payment(&task, order, payment, view).await
        }
        (TaskKind::FollowRefund(refund), Some(order)) => {
            worker.follow_refund(&task, order, refund, view).await
        }
        (TaskKind::LapseOrder, Some(order)) => worker.lapse(&task, order).await,
        (TaskKind::ApproveRefund(refund), Some(order)) => {
            worker.approve_refund(&task, order, refund, view).await
        }
        (TaskKind::SendCodes, Some(order)) => worker.send_codes(&task, order, view).await,
        (
            TaskKind::FollowPayment(_)
            | TaskKind::FollowRefund(_)
            | TaskKind::LapseOrder
            | TaskKind::ApproveRefund(_)
            | TaskKind::SendCodes,
            None,
        ) => {
            tracing::error!(task = %task.key.id, %about, "a task looks after an order that is not there");
            false
        }
    }
}

struct Place(Arc<Worker>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
        self.0.freed.notify_one();
        self.0.progress.notify_waiters();
    }
}

impl Worker {
    /// Places that are free.
    pub(crate) fn room(&self) -> usize {
        self.config.in_flight_max.saturating_sub(self.in_flight())
    }
}
