//! Decisions: a view, a command and the time in; changes or a refusal out.

mod delivery;
mod forget;
mod ledger;
mod order;
mod partner;
mod payment;
mod refund;
mod voucher;

use crate::{
    About, Addition, Changes, Command, Decided, Event, EventKind, IdSource, Need, Order, OrderRef, PartnerId,
    Redemption, Refund, Refusal, Span, Task, TaskId, TaskKey, TaskKind, TaskState, Timestamp, View, Voucher,
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
        Command::IssueVoucher(voucher) => vec![
            Need::Partner(voucher.partner),
            Need::VoucherNumber(voucher.partner, voucher.number.clone()),
            Need::VoucherCode(voucher.code),
        ],
        Command::RedeemVoucher { partner, voucher, .. } => {
            vec![Need::Partner(*partner), Need::Voucher(*partner, *voucher)]
        }
        Command::CancelVoucher { partner, number, .. } => vec![Need::VoucherNumber(*partner, number.clone())],
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
        Command::RotateCredential { credential, .. } => vec![
            Need::Partner(credential.partner),
            Need::KeyId { dialect: credential.dialect.clone(), key_id: credential.key_id.clone() },
            Need::Credentials(credential.partner),
        ],
        Command::SetUserState { partner, login, .. } | Command::RecordSignIn { partner, login, .. } => {
            vec![Need::User(*partner, login.clone())]
        }
        Command::Forget(forgetting) => forget::needs(forgetting),
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
            Command::IssueVoucher(voucher) => self.issue_voucher(*voucher),
            Command::RedeemVoucher { partner, voucher, by, device, count } => {
                self.redeem_voucher(partner, voucher, by, device, count)
            }
            Command::CancelVoucher { partner, number, code } => self.cancel_voucher(partner, &number, code),
            Command::RecordDelivery { key, attempt, result } => self.record_delivery(key, attempt, result),
            Command::Task { key, command } => self.command_task(key, command),
            Command::Add(addition) => self.add(*addition),
            Command::PatchPartner { partner, patch } => self.patch_partner(partner, patch),
            Command::RotateCredential { credential, others_until } => {
                self.rotate_credential(*credential, others_until)
            }
            Command::SetUserState { partner, login, state } => self.set_user_state(partner, &login, state),
            Command::RecordSignIn { partner, login, device } => self.record_sign_in(partner, &login, device),
            Command::Remember(fact) => {
                self.changes.facts.push(fact);
                Ok(Decided::Done)
            }
            Command::Forget(forgetting) => self.forget(*forgetting),
            Command::RemoveEndpoint { partner, endpoint } => self.remove_endpoint(partner, endpoint),
        }
    }

    fn find_order(&self, partner: PartnerId, by: &OrderRef) -> Result<Order, Refusal> {
        self.view.order(partner, by).cloned().ok_or(Refusal::OrderNotFound)
    }

    /// Records that something happened to `order`.
    fn raise(&mut self, kind: EventKind, order: &Order, refund: Option<&Refund>) {
        let event = Event {
            partner: order.partner,
            number: self.next_event(order.partner),
            kind,
            about: About::Order(order.id),
            refund: refund.map(|refund| refund.id),
            redemption: None,
            at: self.now,
        };
        self.tell(event, &order.dialect, order.notify_url.is_some());
    }

    /// Records that uses of `voucher` were redeemed.
    fn raise_redeemed(&mut self, voucher: &Voucher, redemption: &Redemption) {
        let event = Event {
            partner: voucher.partner,
            number: self.next_event(voucher.partner),
            kind: EventKind::VoucherRedeemed,
            about: About::Voucher(voucher.id),
            refund: None,
            redemption: Some(redemption.id),
            at: self.now,
        };
        self.tell(event, &voucher.dialect, voucher.notify_url.is_some());
    }

    fn next_event(&self, partner: PartnerId) -> i64 {
        let raised = self.changes.events.iter().filter(|event| event.partner == partner).count();
        self.view.last_event(partner) + 1 + i64::try_from(raised).unwrap_or(i64::MAX)
    }

    /// Keeps an event, and the tasks that tell it to whoever wants to know. The address named in the
    /// order or voucher itself goes before the partner's endpoints.
    fn tell(&mut self, event: Event, dialect: &str, names_address: bool) {
        let Event { partner, number, kind, about, .. } = event;
        if names_address && kind.is_told_to_own_url() {
            self.new_task_of(partner, about, TaskKind::Deliver { event: number, endpoint: None }, self.now);
        } else {
            for endpoint in self.view.endpoints(partner) {
                if endpoint.dialect == dialect && endpoint.events.contains(&kind) {
                    let told = TaskKind::Deliver { event: number, endpoint: Some(endpoint.id) };
                    self.new_task_of(partner, about, told, self.now);
                }
            }
        }
        self.changes.events.push(event);
    }

    fn new_task(&mut self, order: &Order, kind: TaskKind, due_at: Timestamp) -> TaskId {
        self.new_task_of(order.partner, About::Order(order.id), kind, due_at)
    }

    fn new_task_of(&mut self, partner: PartnerId, about: About, kind: TaskKind, due_at: Timestamp) -> TaskId {
        let id = TaskId::make(self.ids, self.now);
        let next = Next { due_at, attempts: 0, result: None };
        self.changes.tasks_new.push(task_of(TaskKey { partner, about, id }, kind, next));
        id
    }

    /// Sets a follow-up that nobody else writes to its next due time, without having read it.
    fn reschedule(&mut self, order: &Order, id: TaskId, kind: TaskKind, next: Next) {
        let key = TaskKey { partner: order.partner, about: About::Order(order.id), id };
        self.changes.tasks_changed.push(task_of(key, kind, next));
    }

    fn end_task(&mut self, order: &Order, id: Option<TaskId>) {
        let key = id.map(|id| TaskKey { partner: order.partner, about: About::Order(order.id), id });
        self.changes.tasks_removed.extend(key);
    }
}

fn task_of(key: TaskKey, kind: TaskKind, next: Next) -> Task {
    Task {
        key,
        kind,
        state: TaskState::Pending,
        started_at: key.id.made_at(),
        due_at: next.due_at,
        attempts: next.attempts,
        last_result: next.result,
    }
}

/// The next look at a follow-up.
struct Next {
    due_at: Timestamp,
    attempts: u32,
    result: Option<String>,
}
