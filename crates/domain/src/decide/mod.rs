//! Decisions: a view, a command and the time in; changes or a refusal out.

mod catalogue;
mod delivery;
mod deposit;
mod forget;
mod ledger;
mod order;
mod partner;
mod pay;
mod payment;
mod purchase;
mod refund;
mod units;
mod voucher;

use crate::schedule::next_look;
use crate::{
    About, Addition, Changes, Command, Decided, Event, EventKind, IdSource, Need, Order, OrderRef, PartnerId,
    Redemption, Refund, Refusal, Span, Task, TaskId, TaskKey, TaskKind, TaskState, Timestamp, View, Voucher,
};
use units::UnitsReview;
use voucher::Use;

/// What the operator has laid down for all partners.
#[derive(Clone, Debug)]
pub struct Rules {
    /// For how long after payment an order may be refunded.
    pub refund_window: Span,
    /// For how long a purchase that is not paid holds its units.
    pub hold_for: Span,
    /// How far the clocks of the operator's calendar are ahead of UTC.
    pub day_offset: Span,
    /// For how long after the end of their validity units may still be given back.
    pub late_refund: Span,
    /// Dialects whose deliveries leave on a grid of looks, and its distance.
    pub polls: Vec<(String, Span)>,
}

impl Rules {
    /// What is usual, with the time in which orders may be refunded.
    pub const fn standard(refund_window: Span) -> Rules {
        Rules {
            refund_window,
            hold_for: Span::from_mins(30),
            day_offset: Span::from_mins(8 * 60),
            late_refund: Span::from_days(5),
            polls: Vec::new(),
        }
    }

    /// When what is to leave in `dialect` leaves first: now, or at the next look.
    fn first_look(&self, dialect: &str, now: Timestamp) -> Timestamp {
        let poll = self.polls.iter().find(|(polled, _)| polled == dialect);
        poll.map_or(now, |(_, every)| next_look(now, *every))
    }
}

/// What `command` needs to see before it can be decided.
pub fn needs(command: &Command) -> Vec<Need> {
    match command {
        Command::PlaceOrder(new) => {
            let order = &new.order;
            vec![Need::Partner(order.partner), Need::OrderNumber(order.partner, order.number.clone())]
        }
        Command::LapseOrder { partner, order, stock } => {
            let mut needs = vec![Need::Partner(*partner), Need::Order(*partner, *order)];
            needs.extend(stock.map(Need::Stock));
            needs
        }
        Command::ReportPayment { partner, order, .. }
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
        Command::RedeemVoucher { partner, voucher, order, .. } => {
            let of_order = order.map(|order| Need::VouchersOf(*partner, order));
            vec![Need::Partner(*partner), of_order.unwrap_or(Need::Voucher(*partner, *voucher))]
        }
        Command::CancelVoucher { partner, number, .. } => vec![Need::VoucherNumber(*partner, number.clone())],
        Command::SaveProduct(product) => catalogue::product_needs(product),
        Command::SaveSku(sku) => catalogue::sku_needs(sku),
        Command::PlanStock { sku, plans, .. } => catalogue::stock_needs(*sku, plans),
        Command::Purchase(new) => purchase::needs(new),
        Command::PayPurchase(pay) => pay::needs(pay),
        Command::ApplyRefund(application) => vec![
            Need::Partner(application.partner),
            Need::VouchersOf(application.partner, application.order),
            Need::RefundNumber(application.partner, application.number.clone()),
            Need::Stock(application.stock),
        ],
        Command::ReviewRefund { partner, order, stock, .. } => {
            vec![Need::Partner(*partner), Need::VouchersOf(*partner, *order), Need::Stock(*stock)]
        }
        Command::ResendCodes { partner, order, .. } => {
            vec![Need::Partner(*partner), Need::VouchersOf(*partner, *order)]
        }
        Command::Deposit(deposit) => vec![
            Need::Partner(deposit.partner),
            Need::Deposit(deposit.partner, deposit.number.clone()),
            Need::Balance(deposit.partner),
        ],
        Command::RecordDelivery { key, .. } => vec![Need::Task(*key)],
        Command::Task { key, command, .. } => delivery::task_needs(*key, *command),
        Command::Add(addition) => match addition.as_ref() {
            Addition::Partner { credential, .. } => {
                vec![Need::KeyId { dialect: credential.dialect.clone(), key_id: credential.key_id.clone() }]
            }
            Addition::Seller(_) => Vec::new(),
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
            Command::LapseOrder { partner, order, stock } => self.lapse_order(partner, order, stock),
            Command::RequestRefund(new) => self.request_refund(*new),
            Command::ReportRefund { partner, order, refund, report, attempts } => {
                self.report_refund(partner, order, refund, report, attempts)
            }
            Command::Revoke { partner, order, mode } => self.revoke(partner, &order, mode),
            Command::ReviewRevocation { partner, order, approve } => {
                self.review_revocation(partner, order, approve)
            }
            Command::SaveProduct(product) => self.save_product(*product),
            Command::SaveSku(sku) => self.save_sku(*sku),
            Command::PlanStock { seller, sku, plans } => self.plan_stock(seller, sku, plans),
            Command::Purchase(new) => self.purchase(*new),
            Command::PayPurchase(pay) => self.pay_purchase(*pay),
            Command::ApplyRefund(application) => self.apply_refund(*application),
            Command::ReviewRefund { partner, order, stock, refund, approve, reason, reviewer } => {
                self.review_refund(partner, order, stock, refund, UnitsReview { approve, reason, reviewer })
            }
            Command::ResendCodes { partner, order, number } => self.resend_codes(partner, order, &number),
            Command::Deposit(deposit) => self.deposit(*deposit),
            Command::IssueVoucher(voucher) => self.issue_voucher(*voucher),
            Command::RedeemVoucher { partner, voucher, by, device, count, order } => {
                self.redeem_voucher(partner, voucher, order, Use { by, device, count })
            }
            Command::CancelVoucher { partner, number, code } => self.cancel_voucher(partner, &number, code),
            Command::RecordDelivery { key, attempt, result } => self.record_delivery(key, attempt, result),
            Command::Task { key, command, reason } => self.command_task(key, command, reason),
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

    /// Records that uses of a voucher were redeemed that `order` has bought.
    fn raise_redeemed_of(&mut self, order: &Order, redemption: &Redemption) {
        let event = Event {
            partner: order.partner,
            number: self.next_event(order.partner),
            kind: EventKind::VoucherRedeemed,
            about: About::Order(order.id),
            refund: None,
            redemption: Some(redemption.id),
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
        let raised = self.changes.events.iter().rev().find(|event| event.partner == partner);
        raised.map_or_else(|| self.view.last_event(partner), |event| event.number).saturating_add(1)
    }

    /// Keeps an event, and the tasks that tell it to whoever wants to know. The address named in the
    /// order or voucher itself goes before the partner's endpoints.
    fn tell(&mut self, event: Event, dialect: &str, names_address: bool) {
        let Event { partner, number, kind, about, .. } = event;
        if names_address && kind.is_told_to_own_url() {
            let due_at = self.rules.first_look(dialect, self.now);
            self.new_task_of(partner, about, TaskKind::Deliver { event: number, endpoint: None }, due_at);
        } else {
            for endpoint in self.view.endpoints(partner) {
                if endpoint.dialect == dialect && endpoint.events.contains(&kind) {
                    let told = TaskKind::Deliver { event: number, endpoint: Some(endpoint.id) };
                    let due_at = self.rules.first_look(dialect, self.now);
                    self.new_task_of(partner, about, told, due_at);
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
