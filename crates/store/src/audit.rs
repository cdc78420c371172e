//! Whether what is stored agrees with itself.
//!
//! The judgement is the same for every store, so it stands here, free of SQL: a store streams what it
//! holds through an [`Audit`] in this order: facts and the limits of partners; one order's [`Family`] at a
//! time, one voucher's [`VoucherFamily`], one deposit's [`DepositFamily`]; then one sku's [`SkuFamily`],
//! the accounts and the event streams. Memory is bounded by the number of accounts and stocks, not of
//! orders.

mod catalogue;
mod counts;
mod deposits;
mod past;
mod purchases;
mod streams;
mod vouchers;

use std::collections::{BTreeMap, HashMap};

use tradewind_domain::{
    Account, AccountDelta, Currency, Event, EventKind, Flow, KeptFrom, Money, Order, OrderId, OrderStage,
    PartnerId, PastOrder, PastRefund, Payment, PaymentState, Purpose, Redemption, Refund, RefundKind,
    RefundState, StockKey, Task, TaskId, TaskKind, TaskState, Transfer, TransferId, TransferKind, Voucher,
};

use crate::counts::Grain;
use crate::{FINDINGS_MAX, Verification};

pub use catalogue::SkuFamily;
pub use deposits::DepositFamily;
pub use streams::StreamFacts;
pub use vouchers::VoucherFamily;

/// An order and all that belongs to it, each list in the order of its ids.
#[derive(Clone, Debug, Default)]
pub struct Family {
    /// The order; `None` when there are only rows that refer to it.
    pub order: Option<Order>,
    /// Its payments.
    pub payments: Vec<Payment>,
    /// Its refunds.
    pub refunds: Vec<Refund>,
    /// What is kept of it, when it has gone: one.
    pub past_orders: Vec<PastOrder>,
    /// What is kept of its refunds, when it has gone.
    pub past_refunds: Vec<PastRefund>,
    /// Its transfers.
    pub transfers: Vec<Transfer>,
    /// Its events.
    pub events: Vec<Event>,
    /// Its tasks.
    pub tasks: Vec<Task>,
    /// What it has bought.
    pub vouchers: Vec<Voucher>,
    /// What was redeemed of that; in any order.
    pub redemptions: Vec<Redemption>,
}

impl Family {
    /// Empties the lists and keeps their memory for the next family.
    pub fn clear(&mut self) {
        self.order = None;
        self.payments.clear();
        self.refunds.clear();
        self.past_orders.clear();
        self.past_refunds.clear();
        self.transfers.clear();
        self.events.clear();
        self.tasks.clear();
        self.vouchers.clear();
        self.redemptions.clear();
    }

    /// In whose books its rows stand.
    fn partners(&self) -> impl Iterator<Item = PartnerId> {
        let payments = self.payments.iter().map(|payment| payment.partner);
        let refunds = self.refunds.iter().map(|refund| refund.partner);
        let past_orders = self.past_orders.iter().map(|past| past.partner);
        let past_refunds = self.past_refunds.iter().map(|past| past.partner);
        let transfers = self.transfers.iter().map(|transfer| transfer.partner);
        let events = self.events.iter().map(|event| event.partner);
        let tasks = self.tasks.iter().map(|task| task.key.partner);
        let vouchers = self.vouchers.iter().map(|voucher| voucher.partner);
        let redemptions = self.redemptions.iter().map(|redemption| redemption.partner);
        payments
            .chain(refunds)
            .chain(past_orders)
            .chain(past_refunds)
            .chain(transfers)
            .chain(events)
            .chain(tasks)
            .chain(vouchers)
            .chain(redemptions)
    }
}

/// A verification under way.
#[derive(Debug, Default)]
pub struct Audit {
    counts: BTreeMap<&'static str, u64>,
    findings: Vec<String>,
    findings_more: u64,
    sums: HashMap<(PartnerId, Account, Currency), AccountDelta>,
    /// Posted and pending debits less credits.
    balance: BTreeMap<(PartnerId, Currency), (i128, i128)>,
    /// What lists count by, less what there is.
    tallies: BTreeMap<(PartnerId, Grain), counts::Tally>,
    /// Where streams begin that were cut off.
    kept_from: HashMap<PartnerId, KeptFrom>,
    /// How far a prepaid balance may be, or ever was allowed to be, below nothing.
    limits: HashMap<(PartnerId, Currency), i64>,
    /// What the lines of orders draw on each stock: held, sold.
    drawn: HashMap<StockKey, (u64, u64)>,
}

impl Audit {
    /// Adds a finding, in words with ids.
    pub fn find(&mut self, finding: String) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        } else {
            self.findings_more += 1;
        }
    }

    /// Judges the family of the order of this id; each id is to be shown once.
    pub fn family(&mut self, id: OrderId, family: &Family) {
        self.count("payments", family.payments.len());
        self.count("refunds", family.refunds.len());
        self.count("transfers", family.transfers.len());
        self.count("events", family.events.len());
        self.count("tasks", family.tasks.len());
        for transfer in &family.transfers {
            self.add(transfer);
        }
        if !family.past_refunds.is_empty() {
            self.count("past_refunds", family.past_refunds.len());
        }
        let Some(order) = &family.order else {
            if let Some(past) = family.past_orders.first() {
                self.past_order(id, past, family);
                return;
            }
            let partner = family.partners().next().map_or("nobody".to_owned(), |partner| partner.to_string());
            self.find(format!("{id} of {partner} is referred to but not there"));
            return;
        };
        self.count("orders", 1);
        self.tally_order(order);
        let judge = Judge { audit: self, order, family };
        judge.all();
    }

    /// Judges a stored sum against the transfers; to be called after all families of orders and deposits.
    pub fn account(
        &mut self,
        partner: PartnerId,
        account: Account,
        currency: Currency,
        stored: AccountDelta,
    ) {
        self.count("accounts", 1);
        let (posted, pending) = self.balance.entry((partner, currency)).or_default();
        *posted += i128::from(stored.debits_posted) - i128::from(stored.credits_posted);
        *pending += i128::from(stored.debits_pending) - i128::from(stored.credits_pending);
        let name = account.code();
        let summed = self.sums.remove(&(partner, account.clone(), currency)).unwrap_or_default();
        if summed != stored {
            self.find(format!(
                "account {name} of {partner} in {currency:?} holds {stored:?}, its transfers sum to {summed:?}"
            ));
        }
        self.prepaid(partner, &account, currency, stored);
    }

    /// The verdict; to be called when everything has been shown.
    pub fn finish(mut self) -> Verification {
        self.judge_tallies();
        let mut missing: Vec<_> = std::mem::take(&mut self.sums).into_iter().collect();
        missing.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        for ((partner, account, currency), summed) in missing {
            let name = account.code();
            self.find(format!(
                "account {name} of {partner} in {currency:?} is not there, its transfers sum to {summed:?}"
            ));
        }
        for ((partner, currency), (posted, pending)) in std::mem::take(&mut self.balance) {
            if (posted, pending) != (0, 0) {
                self.find(format!(
                    "the books of {partner} in {currency:?} do not balance: {posted} and {pending}"
                ));
            }
        }
        self.stocks_missing();
        if self.findings_more > 0 {
            self.findings.push(format!("and {} more", self.findings_more));
        }
        Verification { checked: self.counts.into_iter().collect(), findings: self.findings }
    }

    fn count(&mut self, what: &'static str, rows: usize) {
        *self.counts.entry(what).or_default() += u64::try_from(rows).unwrap_or(u64::MAX);
    }

    fn add(&mut self, transfer: &Transfer) {
        let currency = transfer.amount.currency();
        let key = |account: &Account| (transfer.partner, account.clone(), currency);
        self.sums.entry(key(&transfer.debit)).or_default().debit(transfer);
        self.sums.entry(key(&transfer.credit)).or_default().credit(transfer);
    }
}

/// Whether `hold` is a pending transfer that `transfer` can post or void.
fn settles(transfer: &Transfer, hold: TransferId, transfers: &[Transfer]) -> bool {
    transfers.iter().find(|other| other.id == hold).is_some_and(|pending| {
        pending.kind == TransferKind::Pending
            && pending.amount == transfer.amount
            && pending.debit == transfer.debit
            && pending.credit == transfer.credit
    })
}

/// One order before the audit.
struct Judge<'a> {
    audit: &'a mut Audit,
    order: &'a Order,
    family: &'a Family,
}

impl Judge<'_> {
    fn all(mut self) {
        if !self.family.past_orders.is_empty() || !self.family.past_refunds.is_empty() {
            self.find("it is there, and so is what is kept of orders that have gone");
        }
        self.stage();
        self.payments();
        self.purchase();
        self.collected();
        self.refunds();
        self.holds();
        self.events();
        self.tasks();
    }

    fn find(&mut self, finding: &str) {
        let order = self.order;
        self.audit.find(format!("{} of {}: {finding}", order.id, order.partner));
    }

    fn stage(&mut self) {
        let order = self.order;
        if let Some(stranger) = self.family.partners().find(|partner| *partner != order.partner) {
            self.find(&format!("something that belongs to it stands in the books of {stranger}"));
        }
        let ended = matches!(order.stage, OrderStage::Revoked | OrderStage::Closed);
        if ended != order.ended_at.is_some() {
            self.find("its stage and the time of its end do not agree");
        }
        let paid_fits = match order.stage {
            OrderStage::Paid => order.paid_at.is_some(),
            OrderStage::Open | OrderStage::Closed => order.paid_at.is_none(),
            OrderStage::Revoked => order.paid_at.is_none() || order.refunded == order.amount,
        };
        if !paid_fits {
            self.find("its stage and the time of its payment do not agree");
        }
    }

    fn payments(&mut self) {
        let order = self.order;
        if !self.family.payments.iter().any(|payment| payment.id == order.payment) {
            self.find(&format!("its payment {} is not there", order.payment));
        }
        for payment in &self.family.payments {
            if payment.amount != order.amount {
                self.find(&format!(
                    "{} is over {}, the order over {}",
                    payment.id, payment.amount, order.amount
                ));
            }
            let open = match payment.state {
                PaymentState::Unknown | PaymentState::Waiting | PaymentState::Cancelling => true,
                PaymentState::Paid | PaymentState::Declined | PaymentState::Cancelled => false,
            };
            if open == payment.settled_at.is_some() {
                self.find(&format!("{}: its state and the time of its end do not agree", payment.id));
            }
            match payment.flow {
                // Nobody is asked, so there is nobody to ask again; what waits is the order.
                Flow::FromBalance => {}
                Flow::PayerCode | Flow::PayerScans | Flow::InWallet | Flow::InApp => {
                    let task = payment.follow_up.map(|id| (id, TaskKind::FollowPayment(payment.id)));
                    self.follow_up(&payment.id.to_string(), open, task);
                }
            }
        }
    }

    /// What is open is looked after by a pending task of its own; what is settled by none.
    fn follow_up(&mut self, what: &str, open: bool, task: Option<(TaskId, TaskKind)>) {
        match (open, task) {
            (true, None) => self.find(&format!("{what} is open and nothing follows it up")),
            (false, Some((id, _))) => self.find(&format!("{what} is settled and names follow-up {id}")),
            (false, None) => {}
            (true, Some((id, kind))) => {
                let found = self.family.tasks.iter().find(|task| task.key.id == id);
                if !found.is_some_and(|task| task.kind == kind && task.state == TaskState::Pending) {
                    self.find(&format!("{what} is open and its follow-up {id} is not pending"));
                }
            }
        }
    }

    /// The money that came in, and the operator's share of it.
    fn collected(&mut self) {
        let (order, family) = (self.order, self.family);
        let paid = family.payments.iter().filter(|payment| payment.state == PaymentState::Paid);
        let mut expected = Vec::new();
        for payment in paid {
            let (debit, credit) = match payment.flow {
                Flow::FromBalance => (Account::Prepaid, Account::Sales),
                Flow::PayerCode | Flow::PayerScans | Flow::InWallet | Flow::InApp => {
                    // Money for an order that had ended is in suspense.
                    let credit = if order.paid_at.is_some() { Account::Payable } else { Account::Suspense };
                    (Account::Clearing(payment.channel.clone()), credit)
                }
            };
            expected.push((debit, credit, payment.amount));
        }
        if order.paid_at.is_some() && expected.is_empty() {
            self.find("it was paid and none of its payments was");
        }
        self.posted(Purpose::Payment, expected);
        // Of what is paid from a balance, the operator keeps nothing.
        let share = order.amount.share_ppm_half_up_to_cents(order.fee_ppm).ok();
        let share = share.filter(|share| share.is_positive() && order.line.is_none());
        let fee = share.filter(|_| order.paid_at.is_some());
        self.posted(
            Purpose::Fee,
            fee.map(|fee| (Account::Payable, Account::Fees, fee)).into_iter().collect(),
        );
        let undone = family
            .refunds
            .iter()
            .any(|refund| refund.kind == RefundKind::Revocation && refund.state == RefundState::Succeeded);
        let back = share.filter(|_| undone);
        self.posted(
            Purpose::FeeReturn,
            back.map(|fee| (Account::Fees, Account::Payable, fee)).into_iter().collect(),
        );
    }

    /// The transfers of `purpose` are exactly these, and they count.
    fn posted(&mut self, purpose: Purpose, expected: Vec<(Account, Account, Money)>) {
        let found = self.family.transfers.iter().filter(|transfer| transfer.purpose == purpose);
        let fits = found.clone().count() == expected.len()
            && found.zip(&expected).all(|(transfer, (debit, credit, amount))| {
                transfer.kind == TransferKind::Posted
                    && transfer.debit == *debit
                    && transfer.credit == *credit
                    && transfer.amount == *amount
            });
        if !fits {
            self.find(&format!(
                "its {purpose:?} transfers do not agree with what was collected: {expected:?} expected"
            ));
        }
    }

    fn refunds(&mut self) {
        let (order, family) = (self.order, self.family);
        let (mut refunded, mut refunding) = (0_i64, 0_i64);
        for refund in &family.refunds {
            let of_order = match refund.kind {
                RefundKind::Requested | RefundKind::Revocation | RefundKind::Units => true,
                RefundKind::LateSuccess => false,
            };
            if of_order && refund.state == RefundState::Succeeded {
                refunded = refunded.saturating_add(refund.amount.micros());
            }
            if of_order && refund.state.is_open() {
                refunding = refunding.saturating_add(refund.amount.micros());
            }
            if refund.amount.currency() != order.amount.currency() || !refund.amount.is_positive() {
                self.find(&format!("{} is over {}", refund.id, refund.amount));
            }
            if refund.state.is_open() == refund.settled_at.is_some() {
                self.find(&format!("{}: its state and the time of its end do not agree", refund.id));
            }
            let kind = match refund.kind {
                RefundKind::Requested | RefundKind::Revocation | RefundKind::LateSuccess => {
                    TaskKind::FollowRefund(refund.id)
                }
                // Without a task, it waits for a person.
                RefundKind::Units if refund.follow_up.is_none() => continue,
                RefundKind::Units => TaskKind::ApproveRefund(refund.id),
            };
            let task = refund.follow_up.map(|id| (id, kind));
            self.follow_up(&refund.id.to_string(), refund.state.is_open(), task);
        }
        if refunded != order.refunded.micros() {
            self.find(&format!("its refunds sum to {refunded} millionths, it says {}", order.refunded));
        }
        if refunding != order.refunding.micros() {
            self.find(&format!(
                "its open refunds sum to {refunding} millionths, it says {}",
                order.refunding
            ));
        }
        if refunded.saturating_add(refunding) > order.amount.micros() {
            self.find("more goes back than came in");
        }
    }

    /// Each refund has reserved its money, and the reservation is settled as the refund is.
    fn holds(&mut self) {
        let family = self.family;
        for transfer in &family.transfers {
            if !transfer.amount.is_positive() {
                self.find(&format!("{} is over {}", transfer.id, transfer.amount));
            }
            match transfer.kind {
                TransferKind::Posted => {}
                TransferKind::Pending => {
                    if !family.refunds.iter().any(|refund| refund.hold == transfer.id) {
                        self.find(&format!("{} is pending and no refund holds it", transfer.id));
                    }
                }
                TransferKind::Posts(hold) | TransferKind::Voids(hold) => {
                    if !settles(transfer, hold, &family.transfers) {
                        self.find(&format!(
                            "{} settles {hold}, which is no pending transfer like it",
                            transfer.id
                        ));
                    }
                }
            }
        }
        for refund in &family.refunds {
            self.hold(refund);
        }
    }

    fn hold(&mut self, refund: &Refund) {
        let transfers = &self.family.transfers;
        let reserved_from = match refund.kind {
            RefundKind::Requested | RefundKind::Revocation => Account::Payable,
            RefundKind::LateSuccess => Account::Suspense,
            RefundKind::Units => Account::Sales,
        };
        let held = transfers.iter().find(|transfer| transfer.id == refund.hold);
        let fits = held.is_some_and(|held| {
            held.kind == TransferKind::Pending && held.amount == refund.amount && held.debit == reserved_from
        });
        if !fits {
            self.find(&format!("{} has no pending transfer over {}", refund.id, refund.amount));
        }
        let posts =
            transfers.iter().filter(|transfer| transfer.kind == TransferKind::Posts(refund.hold)).count();
        let voids =
            transfers.iter().filter(|transfer| transfer.kind == TransferKind::Voids(refund.hold)).count();
        let expected = match refund.state {
            RefundState::Unknown | RefundState::Pending => (0, 0),
            RefundState::Succeeded => (1, 0),
            RefundState::Refused | RefundState::Cancelled => (0, 1),
        };
        if (posts, voids) != expected {
            self.find(&format!(
                "{} is {:?}, and its pending transfer was posted {posts} and voided {voids} times",
                refund.id, refund.state
            ));
        }
    }

    fn events(&mut self) {
        let (order, family) = (self.order, self.family);
        let told = |kind| family.events.iter().filter(|event| event.kind == kind).count();
        let expected = [
            (EventKind::OrderPaid, usize::from(order.paid_at.is_some()), order.paid_at),
            (EventKind::OrderRevoked, usize::from(order.stage == OrderStage::Revoked), order.ended_at),
            (EventKind::OrderClosed, usize::from(order.stage == OrderStage::Closed), order.ended_at),
        ];
        for (kind, times, at) in expected {
            let forgotten = told(kind) == 0 && self.audit.may_be_forgotten(order.partner, at);
            if told(kind) != times && !forgotten {
                self.find(&format!("{} was told {} times instead of {times}", kind.name(), told(kind)));
            }
        }
        for refund in &family.refunds {
            let told =
                |kind| family.events.iter().filter(|e| e.kind == kind && e.refund == Some(refund.id)).count();
            let of_its_own = matches!(refund.kind, RefundKind::Requested | RefundKind::Units);
            let succeeded = refund.state == RefundState::Succeeded && of_its_own;
            let expected = [
                (EventKind::RefundSucceeded, usize::from(succeeded)),
                (EventKind::RefundFailed, usize::from(refund.state == RefundState::Refused)),
            ];
            let forgotten = self.audit.may_be_forgotten(order.partner, refund.settled_at);
            for (kind, times) in expected {
                if told(kind) != times && !(forgotten && told(kind) == 0) {
                    let kind_name = kind.name();
                    self.find(&format!(
                        "{kind_name} of {} was told {} times instead of {times}",
                        refund.id,
                        told(kind)
                    ));
                }
            }
        }
    }

    /// Each task is about something that is there.
    fn tasks(&mut self) {
        let (order, family) = (self.order, self.family);
        for task in &family.tasks {
            let id = task.key.id;
            let wanted = match task.kind {
                TaskKind::Deliver { event, .. } => family.events.iter().any(|told| told.number == event),
                TaskKind::FollowPayment(payment) => {
                    family.payments.iter().any(|other| other.id == payment && other.follow_up == Some(id))
                }
                TaskKind::FollowRefund(refund) | TaskKind::ApproveRefund(refund) => {
                    family.refunds.iter().any(|other| other.id == refund && other.follow_up == Some(id))
                }
                TaskKind::LapseOrder => {
                    order.line.is_some() && family.payments.iter().any(|other| other.follow_up == Some(id))
                }
                TaskKind::SendCodes => order.paid_at.is_some() && order.line.is_some(),
            };
            if !wanted {
                self.find(&format!("{id} ({}) is about nothing that is there or open", task.kind.name()));
            }
        }
    }
}
