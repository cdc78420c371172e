//! The load under which the gateway is killed: orders, payments, refunds, questions, repetitions.

use super::plan::{Kind, Plan, RefundKind, Standing};
use super::reply::{Replies, Reply};
use crate::clock::wall_ms;
use crate::engine::{AfterLoss, Answer, Workload};
use crate::random::Random;
use crate::sosopay::{Merchant, Serial};
use std::time::{Duration, Instant};

/// Payments whose channel keeps silent occupy a connection for seconds; most must stay free.
const UNANSWERED_MAX: usize = 3;
/// Refunds of one order.
const REFUNDS_MAX: usize = 3;

/// Answers that leave the outcome open while the database comes and goes.
const TROUBLED: [&str; 3] = ["SERVICE_UNAVAILABLE", "DATABASE_ERROR", "EXCEPTION"];

/// What is carried from round to round.
#[derive(Default)]
pub(crate) struct Stock {
    /// Acknowledged orders, for questions and repetitions.
    known: Vec<usize>,
    /// Acknowledged paid orders without a refund in flight or pending.
    refundable: Vec<usize>,
}

/// What one round's load brought.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Sums {
    pub orders: usize,
    pub refunds: usize,
    pub questions: usize,
    pub repetitions: usize,
    /// Requests whose answer never came.
    pub unknown: usize,
    /// Answers that refuse for overload or trouble.
    pub busy: usize,
    /// Orders sent to two processes at the same moment.
    pub duels: usize,
}

impl std::ops::AddAssign for Sums {
    fn add_assign(&mut self, other: Self) {
        self.orders += other.orders;
        self.refunds += other.refunds;
        self.questions += other.questions;
        self.repetitions += other.repetitions;
        self.unknown += other.unknown;
        self.busy += other.busy;
        self.duels += other.duels;
    }
}

pub(crate) struct Mixed<'a> {
    plan: &'a mut Plan,
    stock: &'a mut Stock,
    random: &'a mut Random,
    merchant: Merchant,
    replies: Replies,
    doing: Vec<Option<Doing>>,
    /// The database may be away, so that answers may say that something went wrong.
    troubled: bool,
    pub sums: Sums,
}

#[derive(Debug, Clone, Copy)]
enum Doing {
    Order(usize),
    Refund(usize),
    Ask(usize),
    /// Sends an acknowledged number again.
    Repeat(usize),
}

impl<'a> Mixed<'a> {
    pub(crate) fn new(
        plan: &'a mut Plan,
        stock: &'a mut Stock,
        random: &'a mut Random,
        merchant: Merchant,
        connections: usize,
    ) -> Self {
        Self {
            plan,
            stock,
            random,
            merchant,
            replies: Replies::new(),
            doing: vec![None; connections],
            troubled: false,
            sums: Sums::default(),
        }
    }

    /// The same load while the database comes and goes.
    pub(crate) fn troubled(self) -> Self {
        Self { troubled: true, ..self }
    }

    /// Writes a new order that is to be sent twice at the same moment, and returns its index.
    pub(crate) fn duel(&mut self, out: &mut Vec<u8>) -> usize {
        let kind = if self.random.below(2) == 0 { Kind::Precreate } else { Kind::Pay };
        let order = self.plan.add_order(kind);
        let body = self.plan.order_body(order);
        self.merchant.post(out, kind.interface(), body.as_bytes(), wall_ms());
        order
    }

    /// Judges the two answers to an order sent twice; `None` is one that did not come.
    pub(crate) fn dueled(&mut self, order: usize, answers: [Option<Answer<'_>>; 2]) {
        self.sums.duels += 1;
        let replies = self.replies.clone();
        let read = answers.map(|answer| answer.map(|answer| replies.read(answer)));
        let code = self.plan.order_code(order);
        let count = |code: &str| read.iter().flatten().filter(|reply| reply.is(code)).count();
        match (count("SUCCESS"), count("SERIAL_REPEAT")) {
            (2, _) => self.plan.violations.add(format!("{code}: sent twice at once, both were taken")),
            (0, 2) => self.plan.violations.add(format!("{code}: sent twice at once, none was taken")),
            _ => {}
        }
        match read.iter().flatten().find(|reply| reply.is("SUCCESS")) {
            Some(reply) => self.ordered(order, reply),
            None => self.plan.orders[order].standing = Standing::Unknown,
        }
        for reply in read.iter().flatten() {
            if !(reply.is("SUCCESS") || reply.is("SERIAL_REPEAT") || self.is_trouble(reply)) {
                self.plan.violations.add(format!("{code}: sent twice at once, it answered {reply}"));
            }
        }
    }

    fn is_trouble(&self, reply: &Reply<'_>) -> bool {
        self.troubled && reply.code.is_some_and(|code| TROUBLED.contains(&code))
    }

    fn choose(&mut self) -> Doing {
        let dice = self.random.below(100);
        let chosen = match dice {
            0..20 => self.refund(),
            20..32 => self.pick_known().map(Doing::Ask),
            32..35 => self.pick_known().map(Doing::Repeat),
            _ => None,
        };
        chosen.unwrap_or_else(|| {
            let unanswered = self.doing.iter().flatten().filter(|doing| match doing {
                Doing::Order(order) => self.plan.orders[*order].kind == Kind::PayUnanswered,
                _ => false,
            });
            let kind = match self.random.below(100) {
                0..25 => Kind::Precreate,
                25..30 => Kind::PaidLater,
                30..33 if unanswered.count() < UNANSWERED_MAX => Kind::PayUnanswered,
                _ => Kind::Pay,
            };
            Doing::Order(self.plan.add_order(kind))
        })
    }

    fn refund(&mut self) -> Option<Doing> {
        let place = self.random.index(self.stock.refundable.len())?;
        let order = self.stock.refundable.swap_remove(place);
        let first = self.plan.orders[order].refunds.is_empty();
        let kind = match self.random.below(100) {
            0..15 if first => RefundKind::Whole,
            15..25 => RefundKind::PartUnanswered,
            _ => RefundKind::Part,
        };
        Some(Doing::Refund(self.plan.add_refund(order, kind)))
    }

    fn pick_known(&mut self) -> Option<usize> {
        self.random.index(self.stock.known.len()).map(|place| self.stock.known[place])
    }

    fn ordered(&mut self, order: usize, reply: &Reply<'_>) {
        let code = self.plan.order_code(order);
        if !reply.is("SUCCESS") {
            self.plan.violations.add(format!("{code}: creating it answered {reply}"));
            self.plan.orders[order].standing = Standing::Unknown;
            return;
        }
        if reply.down_code.is_none() {
            self.plan.violations.add(format!("{code}: SUCCESS without CHARGE_DOWN_CODE"));
        }
        let known = &mut self.plan.orders[order];
        known.standing = Standing::Acknowledged;
        known.down_code = reply.down_code.map(str::to_owned);
        self.sums.orders += 1;
        self.stock.known.push(order);
        if matches!(known.kind, Kind::Pay | Kind::PayUnanswered) {
            self.stock.refundable.push(order);
        }
    }

    fn refunded(&mut self, refund: usize, reply: &Reply<'_>) {
        if !reply.is("SUCCESS") {
            let code = self.plan.refund_code(refund);
            self.plan.violations.add(format!("{code}: refunding answered {reply}"));
            self.plan.refunds[refund].standing = Standing::Unknown;
            return;
        }
        let known = &mut self.plan.refunds[refund];
        known.standing = Standing::Acknowledged;
        self.sums.refunds += 1;
        let order = known.order;
        if known.kind == RefundKind::Part && self.plan.orders[order].refunds.len() < REFUNDS_MAX {
            self.stock.refundable.push(order);
        }
    }

    fn asked(&mut self, order: usize, reply: &Reply<'_>) {
        self.sums.questions += 1;
        if !reply.is("SUCCESS") || reply.down_code != self.plan.orders[order].down_code.as_deref() {
            let code = self.plan.order_code(order);
            self.plan
                .violations
                .add(format!("{code}: acknowledged, but a query under load answered {reply}"));
        }
    }

    fn repeated(&mut self, order: usize, reply: &Reply<'_>) {
        self.sums.repetitions += 1;
        if !reply.is("SERIAL_REPEAT") {
            let code = self.plan.order_code(order);
            self.plan.violations.add(format!("{code}: sent again, it answered {reply}"));
        }
    }

    fn unknown(&mut self, doing: Option<Doing>) {
        self.sums.unknown += 1;
        match doing {
            Some(Doing::Order(order)) => self.plan.orders[order].standing = Standing::Unknown,
            Some(Doing::Refund(refund)) => self.plan.refunds[refund].standing = Standing::Unknown,
            Some(Doing::Ask(_) | Doing::Repeat(_)) | None => {}
        }
    }
}

impl Workload for Mixed<'_> {
    fn next(&mut self, slot: usize, _: Instant, out: &mut Vec<u8>) -> bool {
        let doing = self.choose();
        let now_ms = wall_ms();
        match doing {
            Doing::Order(order) | Doing::Repeat(order) => {
                let interface = self.plan.orders[order].kind.interface();
                self.merchant.post(out, interface, self.plan.order_body(order).as_bytes(), now_ms);
            }
            Doing::Refund(refund) => {
                self.merchant.post(out, "refund", self.plan.refund_body(refund).as_bytes(), now_ms);
            }
            Doing::Ask(order) => {
                let code = self.plan.order_code(order);
                self.merchant.query(out, code.as_bytes(), Serial::Merchant, now_ms);
            }
        }
        self.doing[slot] = Some(doing);
        true
    }

    fn answered(&mut self, slot: usize, answer: Answer<'_>, _: Duration) {
        let doing = self.doing[slot].take();
        if answer.status == 503 {
            self.sums.busy += 1;
            return self.unknown(doing);
        }
        let replies = self.replies.clone();
        let reply = replies.read(answer);
        if self.is_trouble(&reply) {
            self.sums.busy += 1;
            return self.unknown(doing);
        }
        match doing {
            Some(Doing::Order(order)) => self.ordered(order, &reply),
            Some(Doing::Refund(refund)) => self.refunded(refund, &reply),
            Some(Doing::Ask(order)) => self.asked(order, &reply),
            Some(Doing::Repeat(order)) => self.repeated(order, &reply),
            None => {}
        }
    }

    fn lost(&mut self, slot: usize) -> AfterLoss {
        let doing = self.doing[slot].take();
        self.unknown(doing);
        AfterLoss::GiveUp
    }
}
