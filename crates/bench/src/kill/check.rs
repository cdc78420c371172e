//! The questions after a restart: is everything acknowledged there, once, and in the right state?

use super::plan::{Plan, RefundKind, Standing};
use super::reply::{Replies, Reply};
use crate::clock::wall_ms;
use crate::engine::{AfterLoss, Answer, Ended, Engine, Workload};
use crate::sosopay::{Merchant, Serial};
use anyhow::ensure;
use std::collections::VecDeque;
use std::time::{Duration, Instant};

const CHECK_LIMIT: Duration = Duration::from_secs(600);

/// What the unknown ones turned out to be.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Resolved {
    pub found: usize,
    pub absent: usize,
    /// Numbers sent again to see SERIAL_REPEAT, or SUCCESS where nothing was there.
    pub resent: usize,
}

impl std::ops::AddAssign for Resolved {
    fn add_assign(&mut self, other: Self) {
        self.found += other.found;
        self.absent += other.absent;
        self.resent += other.resent;
    }
}

/// Looks up refunds first, because what an order may show depends on them, and then orders.
pub(crate) fn look_up(
    plan: &mut Plan,
    engine: &mut Engine,
    merchant: &Merchant,
    orders: impl IntoIterator<Item = usize>,
    refunds: impl IntoIterator<Item = usize>,
    finally: bool,
) -> anyhow::Result<Resolved> {
    let mut resolved = Resolved::default();
    let refunds: VecDeque<Job> = refunds.into_iter().map(Job::Refund).collect();
    let orders: VecDeque<Job> = orders.into_iter().map(Job::Order).collect();
    for jobs in [refunds, orders] {
        let mut check = Check {
            plan,
            merchant,
            replies: Replies::new(),
            jobs,
            doing: Vec::new(),
            finally,
            lost: 0,
            resolved: &mut resolved,
        };
        let ended = engine.run(&mut check, CHECK_LIMIT)?;
        ensure!(
            ended == Ended::Idle && check.lost == 0,
            "the restarted gateway dropped questions ({ended:?})"
        );
    }
    Ok(resolved)
}

struct Check<'a> {
    plan: &'a mut Plan,
    merchant: &'a Merchant,
    replies: Replies,
    jobs: VecDeque<Job>,
    doing: Vec<Option<Job>>,
    finally: bool,
    lost: usize,
    resolved: &'a mut Resolved,
}

#[derive(Debug, Clone, Copy)]
enum Job {
    Order(usize),
    Refund(usize),
    /// Send the number of an existing order or refund again.
    RepeatOrder(usize),
    RepeatRefund(usize),
    /// Send an order again that is not there.
    Create(usize),
}

impl Check<'_> {
    fn order(&mut self, order: usize, reply: &Reply<'_>) {
        let code = self.plan.order_code(order);
        let standing = self.plan.orders[order].standing;
        if reply.is("CHARGE_NONEXISTENT") {
            match standing {
                Standing::Acknowledged => self.violated(format!("{code}: acknowledged and lost")),
                Standing::Found => self.violated(format!("{code}: was there after a restart and is gone")),
                Standing::Absent => {}
                Standing::Unknown | Standing::InFlight => {
                    self.plan.orders[order].standing = Standing::Absent;
                    self.resolved.absent += 1;
                    // Every other one is sent again; the rest must stay absent to the end.
                    if order.is_multiple_of(2) {
                        self.jobs.push_back(Job::Create(order));
                    }
                }
            }
            return;
        }
        if !reply.is("SUCCESS") {
            return self.violated(format!("{code}: looking it up answered {reply}"));
        }
        match standing {
            Standing::Absent => return self.violated(format!("{code}: was not there and appeared later")),
            Standing::Unknown | Standing::InFlight => {
                self.plan.orders[order].standing = Standing::Found;
                self.resolved.found += 1;
                self.jobs.push_back(Job::RepeatOrder(order));
            }
            Standing::Acknowledged | Standing::Found => {}
        }
        let allowed = self.plan.order_states(order, self.finally);
        if !reply.state.is_some_and(|state| allowed.contains(&state)) {
            self.violated(format!("{code}: {standing:?} shows state {:?}, allowed {allowed:?}", reply.state));
        }
        let cents = self.plan.order_cents(order);
        if reply.cents != Some(cents) {
            self.violated(format!("{code}: AMT is {:?}, ordered {cents}", reply.cents));
        }
        let known = &mut self.plan.orders[order];
        known.state = reply.state;
        match &known.down_code {
            Some(down_code) if reply.down_code == Some(down_code) => {}
            Some(down_code) => {
                let text = format!("{code}: down code {down_code} became {:?}", reply.down_code);
                self.violated(text);
            }
            None => known.down_code = reply.down_code.map(str::to_owned),
        }
    }

    fn refund(&mut self, refund: usize, reply: &Reply<'_>) {
        let code = self.plan.refund_code(refund);
        let standing = self.plan.refunds[refund].standing;
        if reply.is("CHARGE_NONEXISTENT") {
            match standing {
                Standing::Acknowledged => self.violated(format!("{code}: refund acknowledged and lost")),
                Standing::Found => {
                    self.violated(format!("{code}: refund was there after a restart and is gone"))
                }
                Standing::Absent => {}
                Standing::Unknown | Standing::InFlight => {
                    self.plan.refunds[refund].standing = Standing::Absent;
                    self.resolved.absent += 1;
                }
            }
            return;
        }
        if !reply.is("SUCCESS") {
            return self.violated(format!("{code}: looking the refund up answered {reply}"));
        }
        match standing {
            Standing::Absent => {
                return self.violated(format!("{code}: refund was not there and appeared later"));
            }
            Standing::Unknown | Standing::InFlight => {
                self.plan.refunds[refund].standing = Standing::Found;
                self.resolved.found += 1;
                // Only where nothing but the number stands against it: a whole refund, or one beside
                // a pending one, may be refused for the amount or the state first.
                let beside = &self.plan.orders[self.plan.refunds[refund].order].refunds;
                let plain = beside.iter().all(|&other| self.plan.refunds[other].kind == RefundKind::Part);
                if plain && reply.state == Some(11) {
                    self.jobs.push_back(Job::RepeatRefund(refund));
                }
            }
            Standing::Acknowledged | Standing::Found => {}
        }
        let allowed = self.plan.refund_states(refund, self.finally);
        if !reply.state.is_some_and(|state| allowed.contains(&state)) {
            self.violated(format!(
                "{code}: {standing:?} refund shows state {:?}, allowed {allowed:?}",
                reply.state
            ));
        }
        let cents = self.plan.refund_cents(refund);
        if reply.cents != Some(cents) {
            self.violated(format!("{code}: AMT of the refund is {:?}, asked for {cents}", reply.cents));
        }
        self.plan.refunds[refund].state = reply.state;
    }

    fn repeated(&mut self, code: &str, reply: &Reply<'_>) {
        self.resolved.resent += 1;
        if !reply.is("SERIAL_REPEAT") {
            self.violated(format!("{code}: it is there, and sent again it answered {reply}"));
        }
    }

    fn created(&mut self, order: usize, reply: &Reply<'_>) {
        self.resolved.resent += 1;
        if reply.is("SUCCESS") {
            let known = &mut self.plan.orders[order];
            known.standing = Standing::Acknowledged;
            known.down_code = reply.down_code.map(str::to_owned);
        } else {
            let code = self.plan.order_code(order);
            self.violated(format!("{code}: it was not there, and sent again it answered {reply}"));
        }
    }

    fn violated(&mut self, text: String) {
        self.plan.violations.add(text);
    }
}

impl Workload for Check<'_> {
    fn next(&mut self, slot: usize, _: Instant, out: &mut Vec<u8>) -> bool {
        let Some(job) = self.jobs.pop_front() else { return false };
        let now_ms = wall_ms();
        let plan = &self.plan;
        match job {
            Job::Order(order) => {
                self.merchant.query(out, plan.order_code(order).as_bytes(), Serial::Merchant, now_ms);
            }
            Job::Refund(refund) => {
                self.merchant.query(out, plan.refund_code(refund).as_bytes(), Serial::Refund, now_ms);
            }
            Job::RepeatOrder(order) | Job::Create(order) => {
                let interface = plan.orders[order].kind.interface();
                self.merchant.post(out, interface, plan.order_body(order).as_bytes(), now_ms);
            }
            Job::RepeatRefund(refund) => {
                self.merchant.post(out, "refund", plan.refund_body(refund).as_bytes(), now_ms);
            }
        }
        if slot >= self.doing.len() {
            self.doing.resize(slot + 1, None);
        }
        self.doing[slot] = Some(job);
        true
    }

    fn answered(&mut self, slot: usize, answer: Answer<'_>, _: Duration) {
        let replies = self.replies.clone();
        let reply = replies.read(answer);
        match self.doing.get_mut(slot).and_then(Option::take) {
            Some(Job::Order(order)) => self.order(order, &reply),
            Some(Job::Refund(refund)) => self.refund(refund, &reply),
            Some(Job::RepeatOrder(order)) => self.repeated(&self.plan.order_code(order), &reply),
            Some(Job::RepeatRefund(refund)) => self.repeated(&self.plan.refund_code(refund), &reply),
            Some(Job::Create(order)) => self.created(order, &reply),
            None => {}
        }
    }

    fn lost(&mut self, _: usize) -> AfterLoss {
        self.lost += 1;
        AfterLoss::GiveUp
    }
}
