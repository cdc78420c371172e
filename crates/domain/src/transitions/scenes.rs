//! Orders, payments, refunds, tasks and vouchers in every state there is, each with all that belongs to it. Written
//! down row by row, not made by decisions: what decisions make of them is what the tables show.

use super::purchases::{self, Goods};
use crate::{
    About, Currency, EndpointId, Flow, FundBill, Method, Money, Order, OrderId, OrderStage, OrderStanding,
    Partner, PartnerId, PartnerState, Payment, PaymentId, PaymentState, Refund, RefundId, RefundKind,
    RefundState, Rows, Span, Stream, Task, TaskId, TaskKey, TaskKind, TaskState, Terminal, Timestamp,
    TransferId, Voucher,
};

/// The moment of all scenes.
pub(super) const NOW: Timestamp = Timestamp::from_ms(1_763_780_000_000);
/// When open orders lapse.
pub(super) const EXPIRES: Timestamp = Timestamp::from_ms(1_763_780_080_000);
pub(super) const REFUND_WINDOW: Span = Span::from_days(365);
pub(super) const PARTNER: PartnerId = PartnerId::first_at(NOW);
pub(super) const ORDER: OrderId = OrderId::first_at(NOW);
pub(super) const PAYMENT: PaymentId = PaymentId::first_at(NOW);
/// The latest refund, where a scene has one.
pub(super) const REFUND: RefundId = RefundId::first_at(NOW);
/// The task that a scene is about: the follow-up of what is open, or a delivery.
pub(super) const TASK: TaskKey =
    TaskKey { partner: PARTNER, about: About::Order(ORDER), id: TaskId::first_at(NOW) };
/// The attempts that the task of a scene has behind it.
pub(super) const ATTEMPTS: u32 = 2;

const EARLIER_REFUND: RefundId = RefundId::first_at(Timestamp::from_ms(1_763_779_999_000));

/// What is stored before a command comes.
pub(super) struct Scene {
    pub(super) name: String,
    pub(super) order: Option<Order>,
    pub(super) payment: Payment,
    pub(super) refunds: Vec<Refund>,
    pub(super) task: Option<Task>,
    pub(super) vouchers: Vec<Voucher>,
    /// What a purchase rests on, where the scene is about one.
    pub(super) goods: Option<Goods>,
}

impl Scene {
    /// The rows as a store would load them.
    pub(super) fn rows(&self) -> Rows {
        let there = self.order.is_some();
        let mut rows = Rows {
            partners: vec![partner()],
            streams: vec![Stream { partner: PARTNER, last: 1 }],
            orders: self.order.iter().cloned().collect(),
            payments: there.then(|| self.payment.clone()).into_iter().collect(),
            refunds: self.refunds.clone(),
            tasks: self.task.iter().cloned().collect(),
            vouchers: self.vouchers.clone(),
            ..Rows::default()
        };
        if let Some(goods) = &self.goods {
            goods.add_to(&mut rows);
        }
        rows
    }

    /// What has not gone back and is not known to be on its way: the rest a partner could ask for.
    pub(super) fn rest(&self) -> Money {
        let refunded = self.order.as_ref().map_or(0, |order| order.refunded.micros());
        yuan(100 - refunded / 1_000_000)
    }

    pub(super) fn order(name: &str, edit: impl FnOnce(&mut Order)) -> Scene {
        let mut order = order();
        edit(&mut order);
        order.ended_at = matches!(order.stage, OrderStage::Revoked | OrderStage::Closed).then_some(NOW);
        let payment = payment(PaymentState::Waiting);
        let scene = Scene {
            name: name.into(),
            order: Some(order),
            payment,
            refunds: Vec::new(),
            task: None,
            vouchers: Vec::new(),
            goods: None,
        };
        scene.with_task()
    }

    /// A voucher, and nothing else.
    pub(super) fn voucher(name: &str, voucher: Option<Voucher>) -> Scene {
        Scene {
            order: None,
            task: None,
            vouchers: voucher.into_iter().collect(),
            ..Scene::order(name, |_| {})
        }
    }

    fn paid(name: &str, edit: impl FnOnce(&mut Order)) -> Scene {
        let paid = |order: &mut Order| {
            order.stage = OrderStage::Paid;
            order.paid_at = Some(NOW);
            edit(order);
        };
        Scene::order(name, paid).with_payment(PaymentState::Paid)
    }

    pub(super) fn with_payment(mut self, state: PaymentState) -> Scene {
        self.payment = Payment { flow: self.payment.flow, ..payment(state) };
        self.with_task()
    }

    fn with_flow(mut self, flow: Flow) -> Scene {
        self.payment.flow = flow;
        self
    }

    /// An earlier part that went back.
    fn with_part(mut self) -> Scene {
        self.refunds
            .push(Refund { id: EARLIER_REFUND, ..refund(RefundKind::Requested, RefundState::Succeeded, 30) });
        self
    }

    pub(super) fn with_refund(mut self, kind: RefundKind, state: RefundState, whole: i64) -> Scene {
        self.refunds.push(refund(kind, state, whole));
        self.with_task()
    }

    /// Whatever is open has its follow-up, and nothing else has one.
    pub(super) fn with_task(mut self) -> Scene {
        let refund = self.refunds.iter().find(|refund| refund.state.is_open());
        let kind = match refund {
            Some(refund) if refund.kind == RefundKind::Units => Some(TaskKind::ApproveRefund(refund.id)),
            Some(refund) => Some(TaskKind::FollowRefund(refund.id)),
            None if self.goods.is_some() => {
                let is_open = |order: &Order| order.stage == OrderStage::Open;
                self.order.as_ref().is_some_and(is_open).then_some(TaskKind::LapseOrder)
            }
            None => self.payment.state.is_open().then_some(TaskKind::FollowPayment(PAYMENT)),
        };
        if self.goods.is_some() && refund.is_none() {
            self.payment.follow_up = kind.map(|_| TASK.id);
        }
        self.task = kind.map(|kind| task(kind, TaskState::Pending));
        self
    }
}

/// A list of all values of a type, each named by the one before it: a value that is added to the type
/// does not compile until it has its place in the chain.
pub(super) fn chain<T>(first: T, after: impl FnMut(&T) -> Option<T>) -> Vec<T> {
    std::iter::successors(Some(first), after).collect()
}

/// Orders in every standing, with what may lie behind it; first the order that is not there.
pub(super) fn orders() -> Vec<Scene> {
    use OrderStanding as S;
    let standings = chain(S::Open, |standing| match standing {
        S::Open => Some(S::Paid),
        S::Paid => Some(S::Revoked),
        S::Revoked => Some(S::RevocationApplied),
        S::RevocationApplied => Some(S::PartlyRefunded),
        S::PartlyRefunded => Some(S::Refunded),
        S::Refunded => Some(S::Closed),
        S::Closed => Some(S::Refunding),
        S::Refunding => Some(S::RefundFailed),
        S::RefundFailed => None,
    });
    let absent = Scene { order: None, task: None, ..Scene::order("(none)", |_| {}) };
    std::iter::once(absent).chain(standings.into_iter().flat_map(orders_in)).collect()
}

/// Orders in one standing.
pub(super) fn orders_in(standing: OrderStanding) -> Vec<Scene> {
    let revoked = |order: &mut Order| order.stage = OrderStage::Revoked;
    let closed = |order: &mut Order| order.stage = OrderStage::Closed;
    let applied = |order: &mut Order| order.revocation_applied = true;
    match standing {
        OrderStanding::Open => flows().into_iter().map(open).collect(),
        OrderStanding::Paid => vec![Scene::paid("paid", |_| {})],
        OrderStanding::Revoked => vec![
            Scene::order("revoked unpaid, being cancelled", revoked).with_payment(PaymentState::Cancelling),
            Scene::order("revoked unpaid, cancelled", revoked).with_payment(PaymentState::Cancelled),
            Scene::paid("revoked, money returned", |order| {
                order.stage = OrderStage::Revoked;
                order.refunded = order.amount;
            })
            .with_refund(RefundKind::Revocation, RefundState::Succeeded, 100),
        ],
        OrderStanding::RevocationApplied => vec![
            Scene::order("revocation applied, unpaid", applied),
            Scene::order("revocation applied, declined meanwhile", applied)
                .with_payment(PaymentState::Declined),
            Scene::paid("revocation applied, paid", applied),
        ],
        OrderStanding::PartlyRefunded => {
            vec![Scene::paid("partly refunded", |order| order.refunded = yuan(30)).with_part()]
        }
        OrderStanding::Refunded => {
            vec![Scene::paid("refunded", |order| order.refunded = order.amount).with_refund(
                RefundKind::Requested,
                RefundState::Succeeded,
                100,
            )]
        }
        OrderStanding::Closed => vec![
            Scene::order("closed by time, being cancelled", closed).with_payment(PaymentState::Cancelling),
            Scene::order("closed by time, cancelled", closed).with_payment(PaymentState::Cancelled),
            Scene::order("closed by a decline", closed).with_payment(PaymentState::Declined),
            Scene::paid("closed, time for refunds over", |order| {
                order.paid_at = Some(NOW - Span::from_days(366))
            }),
        ],
        OrderStanding::Refunding => vec![
            refunding("refunding a part, just sent", RefundKind::Requested, RefundState::Unknown, 30),
            refunding("refunding a part, pending", RefundKind::Requested, RefundState::Pending, 30),
            refunding("refunding all", RefundKind::Requested, RefundState::Unknown, 100),
            second_refund("refunding a second part", 30),
            second_refund("refunding the rest", 70),
            refunding("refunding to revoke", RefundKind::Revocation, RefundState::Unknown, 100),
        ],
        OrderStanding::RefundFailed => {
            vec![Scene::paid("refund failed", |order| order.refund_failed = true).with_refund(
                RefundKind::Requested,
                RefundState::Refused,
                30,
            )]
        }
    }
}

/// Payments in every state.
pub(super) fn payments() -> Vec<Scene> {
    use PaymentState as S;
    let states = chain(S::Unknown, |state| match state {
        S::Unknown => Some(S::Waiting),
        S::Waiting => Some(S::Paid),
        S::Paid => Some(S::Declined),
        S::Declined => Some(S::Cancelling),
        S::Cancelling => Some(S::Cancelled),
        S::Cancelled => None,
    });
    states.into_iter().flat_map(payments_in).collect()
}

fn payments_in(state: PaymentState) -> Vec<Scene> {
    let name = state.name();
    let ended = |order: &mut Order| order.stage = OrderStage::Closed;
    match state {
        PaymentState::Unknown | PaymentState::Waiting => vec![Scene::order(name, |_| {}).with_payment(state)],
        PaymentState::Paid => vec![
            Scene::paid(name, |_| {}),
            Scene::order("paid late, going back", ended).with_payment(state).with_refund(
                RefundKind::LateSuccess,
                RefundState::Unknown,
                100,
            ),
        ],
        PaymentState::Declined => vec![
            Scene::order(name, ended).with_payment(state),
            Scene::order("declined under review", |order| order.revocation_applied = true)
                .with_payment(state),
        ],
        PaymentState::Cancelling => {
            let mut longer = Scene::order("cancelling for a minute", ended).with_payment(state);
            let earlier = TaskId::first_at(NOW - Span::from_mins(1));
            longer.payment.follow_up = Some(earlier);
            longer.task = longer.task.map(|task| Task { key: TaskKey { id: earlier, ..task.key }, ..task });
            vec![Scene::order(name, ended).with_payment(state), longer]
        }
        PaymentState::Cancelled => vec![Scene::order(name, ended).with_payment(state)],
    }
}

/// Refunds of every kind in every state.
pub(super) fn refunds() -> Vec<Scene> {
    use {RefundKind as K, RefundState as S};
    let kinds = chain(K::Requested, |kind| match kind {
        K::Requested => Some(K::Revocation),
        K::Revocation => Some(K::LateSuccess),
        K::LateSuccess => Some(K::Units),
        K::Units => None,
    });
    let states = chain(S::Unknown, |state| match state {
        S::Unknown => Some(S::Pending),
        S::Pending => Some(S::Succeeded),
        S::Succeeded => Some(S::Refused),
        S::Refused => Some(S::Cancelled),
        S::Cancelled => None,
    });
    let all = kinds.into_iter().flat_map(|kind| states.iter().map(move |state| (kind, *state)));
    all.map(|(kind, state)| refund_in(kind, state)).collect()
}

fn refund_in(kind: RefundKind, state: RefundState) -> Scene {
    let (name, whole) = match kind {
        RefundKind::Requested => ("requested", 30),
        RefundKind::Revocation => ("revocation", 100),
        RefundKind::LateSuccess => ("late success", 100),
        RefundKind::Units => ("units", 30),
    };
    let name = format!("{name}, {}", state.name());
    let of_ended = kind == RefundKind::LateSuccess;
    let order = |order: &mut Order| {
        if of_ended {
            order.stage = OrderStage::Closed;
            return;
        }
        order.stage = OrderStage::Paid;
        order.paid_at = Some(NOW);
        if kind == RefundKind::Units {
            order.line.clone_from(&purchases::open().order.and_then(|order| order.line));
        }
        match state {
            RefundState::Unknown | RefundState::Pending => order.refunding = yuan(whole),
            RefundState::Succeeded => {
                order.refunded = yuan(whole);
                if kind == RefundKind::Revocation {
                    order.stage = OrderStage::Revoked;
                }
            }
            RefundState::Refused => order.refund_failed = true,
            RefundState::Cancelled => {}
        }
    };
    Scene::order(&name, order).with_payment(PaymentState::Paid).with_refund(kind, state, whole)
}

/// Tasks: deliveries in every state, and the follow-ups, which are pending or not there.
pub(super) fn tasks() -> Vec<Scene> {
    use {TaskKind as K, TaskState as S};
    let kinds =
        chain(K::Deliver { event: 1, endpoint: Some(EndpointId::first_at(NOW)) }, |kind| match kind {
            K::Deliver { .. } => Some(K::FollowPayment(PAYMENT)),
            K::FollowPayment(_) => Some(K::FollowRefund(REFUND)),
            K::FollowRefund(_) => Some(K::LapseOrder),
            K::LapseOrder => Some(K::ApproveRefund(REFUND)),
            K::ApproveRefund(_) => Some(K::SendCodes),
            K::SendCodes => None,
        });
    let states = chain(S::Pending, |state| match state {
        S::Pending => Some(S::Done),
        S::Done => Some(S::Failed),
        S::Failed => Some(S::Cancelled),
        S::Cancelled => None,
    });
    let named = |scene: Scene, kind: TaskKind, state: TaskState| Scene {
        name: format!("{}, {}", kind.name().replace('_', " "), state.name()),
        task: Some(task(kind, state)),
        ..scene
    };
    let of_kind = |kind: TaskKind| match kind {
        K::Deliver { .. } | K::SendCodes => {
            states.iter().map(|state| named(Scene::paid("", |_| {}), kind, *state)).collect()
        }
        K::FollowPayment(_) => vec![named(open(Flow::PayerCode), kind, S::Pending)],
        K::LapseOrder | K::ApproveRefund(_) => {
            let due = named(Scene::paid("", |_| {}), kind, S::Pending);
            let mut waits = named(Scene::paid("", |_| {}), kind, S::Pending);
            waits.name += ", its time to come";
            waits.task = Some(Task { due_at: EXPIRES, ..task(kind, S::Pending) });
            vec![due, waits]
        }
        K::FollowRefund(_) => {
            vec![named(refund_in(RefundKind::Requested, RefundState::Unknown), kind, S::Pending)]
        }
    };
    kinds.into_iter().flat_map(of_kind).collect()
}

fn flows() -> Vec<Flow> {
    chain(Flow::PayerCode, |flow| match flow {
        Flow::PayerCode => Some(Flow::PayerScans),
        Flow::PayerScans => Some(Flow::InWallet),
        Flow::InWallet => Some(Flow::InApp),
        Flow::InApp => Some(Flow::FromBalance),
        Flow::FromBalance => None,
    })
}

fn open(flow: Flow) -> Scene {
    if flow == Flow::FromBalance {
        return Scene { name: "open, from the balance".into(), ..purchases::open() };
    }
    let name = match flow {
        Flow::PayerCode => "open, payer's code scanned",
        Flow::PayerScans => "open, payer scans",
        Flow::InWallet => "open, in the wallet",
        Flow::InApp => "open, in an app",
        Flow::FromBalance => "",
    };
    Scene::order(name, |_| {}).with_flow(flow)
}

fn refunding(name: &str, kind: RefundKind, state: RefundState, whole: i64) -> Scene {
    Scene::paid(name, |order| order.refunding = yuan(whole)).with_refund(kind, state, whole)
}

fn second_refund(name: &str, whole: i64) -> Scene {
    let both = |order: &mut Order| {
        order.refunded = yuan(30);
        order.refunding = yuan(whole);
    };
    Scene::paid(name, both).with_part().with_refund(RefundKind::Requested, RefundState::Unknown, whole)
}

pub(super) const fn yuan(whole: i64) -> Money {
    Money::from_micros(whole * 1_000_000, Currency::CNY)
}

pub(super) fn bills(amount: Money) -> Vec<FundBill> {
    vec![FundBill { source: "alipay_balance".into(), amount }]
}

pub(super) fn partner() -> Partner {
    Partner {
        id: PARTNER,
        name: "Partner".into(),
        state: PartnerState::Active,
        methods: vec![Method::ALIPAY, Method::BALANCE],
        fee_ppm: 0,
        credit_limit: yuan(0),
        settings: "{}".into(),
        created_at: NOW,
    }
}

/// A new order.
pub(super) fn order() -> Order {
    Order {
        id: ORDER,
        partner: PARTNER,
        dialect: "native".into(),
        number: "1".into(),
        fingerprint: 1,
        amount: yuan(100),
        subject: "Sample".into(),
        stage: OrderStage::Open,
        revocation_applied: false,
        refunded: yuan(0),
        refunding: yuan(0),
        refund_failed: false,
        fee_ppm: 0,
        payment: PAYMENT,
        paid_at: None,
        ended_at: None,
        expires_at: EXPIRES,
        terminal: Terminal::default(),
        notify_url: None,
        details: None,
        line: None,
    }
}

/// A payment in one state.
pub(super) fn payment(state: PaymentState) -> Payment {
    Payment {
        id: PAYMENT,
        order: ORDER,
        partner: PARTNER,
        channel: "sandbox".into(),
        method: Method::ALIPAY,
        flow: Flow::PayerCode,
        state,
        amount: yuan(100),
        payer_code: None,
        payer: None,
        channel_number: None,
        bills: Vec::new(),
        reason: None,
        settled_at: (!state.is_open()).then_some(NOW),
        follow_up: state.is_open().then_some(TASK.id),
    }
}

fn refund(kind: RefundKind, state: RefundState, whole: i64) -> Refund {
    Refund {
        id: REFUND,
        order: ORDER,
        partner: PARTNER,
        number: "R".into(),
        fingerprint: 1,
        kind,
        state,
        amount: yuan(whole),
        units: 0,
        units_so_far: 0,
        subject: "Sample".into(),
        operator: String::new(),
        channel_number: None,
        bills: Vec::new(),
        reason: None,
        settled_at: (!state.is_open()).then_some(NOW),
        follow_up: state.is_open().then_some(TASK.id),
        hold: TransferId::first_at(NOW),
    }
}

fn task(kind: TaskKind, state: TaskState) -> Task {
    Task { key: TASK, kind, state, started_at: NOW, due_at: NOW, attempts: ATTEMPTS, last_result: None }
}
