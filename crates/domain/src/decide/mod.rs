//! Decisions: a view, a command and the time in; changes or a refusal out.

mod delivery;
mod ledger;
mod order;
mod partner;
mod payment;
mod refund;

use crate::{
    Addition, Changes, Command, Decided, Event, EventKind, IdSource, Need, Order, OrderRef, PartnerId,
    Refund, Refusal, Span, Task, TaskId, TaskKey, TaskKind, TaskState, Timestamp, View,
};

/// What the operator has laid down for all partners.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// For how long after payment an order may be refunded.
    pub refund_window: Span,
}

/// What `command` needs to see before it can be decided.
pub fn needs(command: &Command) -> Vec<Need> {
    match command {
        Command::PlaceOrder(new) => {
            let order = &new.order;
            vec![Need::Partner(order.partner), Need::OrderNumber(order.partner, order.number.clone())]
        }
        Command::ReportPayment { partner, order, .. }
        | Command::LapseOrder { partner, order }
        | Command::ReportRefund { partner, order, .. }
        | Command::ReviewRevocation { partner, order, .. } => {
            vec![Need::Partner(*partner), Need::Order(*partner, *order)]
        }
        Command::RequestRefund(new) => {
            let mut needs = vec![Need::Partner(new.partner), Need::order(new.partner, &new.order)];
            needs.extend(new.number.iter().map(|number| Need::RefundNumber(new.partner, number.clone())));
            needs
        }
        Command::Revoke { partner, order, .. } => vec![Need::Partner(*partner), Need::order(*partner, order)],
        Command::RecordDelivery { key, .. } | Command::Task { key, .. } => vec![Need::Task(*key)],
        Command::Add(addition) => match addition.as_ref() {
            Addition::Partner { credential, .. } => {
                vec![Need::KeyId { dialect: credential.dialect.clone(), key_id: credential.key_id.clone() }]
            }
            Addition::Credential(credential) => vec![
                Need::Partner(credential.partner),
                Need::KeyId { dialect: credential.dialect.clone(), key_id: credential.key_id.clone() },
            ],
            Addition::User(user) => {
                vec![Need::Partner(user.partner), Need::User(user.partner, user.login.clone())]
            }
            Addition::Endpoint(endpoint) => vec![Need::Partner(endpoint.partner)],
        },
        Command::PatchPartner { partner, .. } | Command::RemoveEndpoint { partner, .. } => {
            vec![Need::Partner(*partner)]
        }
        Command::ExpireCredential { partner, .. } => vec![Need::Credentials(*partner)],
        Command::SetUserState { partner, login, .. } | Command::RecordSignIn { partner, login } => {
            vec![Need::User(*partner, login.clone())]
        }
        Command::Remember(_) => Vec::new(),
    }
}

/// Decides one command. On success the changes are to be committed together; on refusal there is
/// nothing to commit.
pub fn decide(
    view: &View,
    command: Command,
    now: Timestamp,
    ids: &IdSource,
    rules: &Rules,
) -> Result<(Changes, Decided), Refusal> {
    let mut desk = Desk { view, now, ids, rules, changes: Changes::default() };
    let decided = desk.dispatch(command)?;
    Ok((desk.changes, decided))
}

/// Where one decision is made: what it may look at, and what it has changed so far.
struct Desk<'a> {
    view: &'a View,
    now: Timestamp,
    ids: &'a IdSource,
    rules: &'a Rules,
    changes: Changes,
}

impl Desk<'_> {
    fn dispatch(&mut self, command: Command) -> Result<Decided, Refusal> {
        match command {
            Command::PlaceOrder(new) => self.place_order(*new),
            Command::ReportPayment { partner, order, payment, report, attempts } => {
                self.report_payment(partner, order, payment, report, attempts)
            }
            Command::LapseOrder { partner, order } => self.lapse_order(partner, order),
            Command::RequestRefund(new) => self.request_refund(*new),
            Command::ReportRefund { partner, order, refund, report, attempts } => {
                self.report_refund(partner, order, refund, report, attempts)
            }
            Command::Revoke { partner, order, mode } => self.revoke(partner, &order, mode),
            Command::ReviewRevocation { partner, order, approve } => {
                self.review_revocation(partner, order, approve)
            }
            Command::RecordDelivery { key, attempt, result } => self.record_delivery(key, attempt, result),
            Command::Task { key, command } => self.command_task(key, command),
            Command::Add(addition) => self.add(*addition),
            Command::PatchPartner { partner, patch } => self.patch_partner(partner, patch),
            Command::ExpireCredential { partner, credential, at } => {
                self.expire_credential(partner, credential, at)
            }
            Command::SetUserState { partner, login, state } => self.set_user_state(partner, &login, state),
            Command::RecordSignIn { partner, login } => self.record_sign_in(partner, &login),
            Command::Remember(fact) => {
                self.changes.facts.push(fact);
                Ok(Decided::Done)
            }
            Command::RemoveEndpoint { partner, endpoint } => self.remove_endpoint(partner, endpoint),
        }
    }

    fn find_order(&self, partner: PartnerId, by: &OrderRef) -> Result<Order, Refusal> {
        self.view.order(partner, by).cloned().ok_or(Refusal::OrderNotFound)
    }

    /// Records that something happened to `order`, and the tasks that tell it to whoever wants to know.
    /// The address named in the order itself goes before the partner's endpoints.
    fn raise(&mut self, kind: EventKind, order: &Order, refund: Option<&Refund>) {
        let raised = self.changes.events.iter().filter(|event| event.partner == order.partner).count();
        let number = self.view.last_event(order.partner) + 1 + i64::try_from(raised).unwrap_or(i64::MAX);
        let event = Event {
            partner: order.partner,
            number,
            kind,
            order: order.id,
            refund: refund.map(|refund| refund.id),
            at: self.now,
        };
        if order.notify_url.is_some() && kind.is_told_to_order_url() {
            self.new_task(order, TaskKind::Deliver { event: number, endpoint: None }, self.now);
        } else {
            for endpoint in self.view.endpoints(order.partner) {
                if endpoint.dialect == order.dialect && endpoint.events.contains(&kind) {
                    let told = TaskKind::Deliver { event: number, endpoint: Some(endpoint.id) };
                    self.new_task(order, told, self.now);
                }
            }
        }
        self.changes.events.push(event);
    }

    fn new_task(&mut self, order: &Order, kind: TaskKind, due_at: Timestamp) -> TaskId {
        let id = TaskId::make(self.ids, self.now);
        let task = self.task_of(order, id, kind, due_at, 0, None);
        self.changes.tasks_new.push(task);
        id
    }

    /// Sets a follow-up that nobody else writes to its next due time, without having read it.
    fn reschedule(&mut self, order: &Order, id: TaskId, kind: TaskKind, next: Next) {
        let task = self.task_of(order, id, kind, next.due_at, next.attempts, next.result);
        self.changes.tasks_changed.push(task);
    }

    fn end_task(&mut self, order: &Order, id: Option<TaskId>) {
        let key = id.map(|id| TaskKey { partner: order.partner, order: order.id, id });
        self.changes.tasks_removed.extend(key);
    }

    fn task_of(
        &self,
        order: &Order,
        id: TaskId,
        kind: TaskKind,
        due_at: Timestamp,
        attempts: u32,
        last_result: Option<String>,
    ) -> Task {
        Task {
            key: TaskKey { partner: order.partner, order: order.id, id },
            kind,
            state: TaskState::Pending,
            started_at: id.made_at(),
            due_at,
            attempts,
            last_result,
        }
    }
}

/// The next look at a follow-up.
struct Next {
    due_at: Timestamp,
    attempts: u32,
    result: Option<String>,
}
