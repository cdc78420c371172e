//! Verification finds nothing in good data, and each kind of damage where it was done.

mod counts;
mod past;
mod purchases;
mod vouchers;

use tradewind_domain::{
    About, Account, AccountDelta, Command, Decided, Need, Order, OrderStage, PartnerId, Payment,
    PaymentState, Purpose, Refund, RefundReport, RefundState, Span, Stream, Task, TaskKey, TaskKind,
    Transfer, TransferKind, WriteSet,
};

use super::Fixture;
use super::desk::Desk;
use super::life::{check_clean, pay, refund, report_refund};
use super::samples::{self, yuan};
use crate::FINDINGS_MAX;

pub use counts::damaged_counts_are_found;
pub use past::damaged_past_orders_are_found;
pub use purchases::{
    damaged_purchases_are_found, damaged_stocks_and_balances_are_found, damaged_units_are_found,
};
pub use vouchers::damaged_vouchers_are_found;

/// The books of one partner, with an order in each standing that matters.
struct Books {
    owner: PartnerId,
    /// Placed, its payment unknown.
    open: Order,
    /// Paid, never refunded.
    paid: Order,
    /// Paid, a refund of 30 yuan done.
    refunded: Order,
    done: Refund,
    /// Paid, a refund of 40 yuan open.
    refunding: Order,
    pending: Refund,
    /// Lapsed; its payment is being cancelled.
    lapsed: Order,
    cancelling: Payment,
}

impl Books {
    async fn keep(desk: &mut Desk, owner: i64) -> Books {
        desk.add_partner(owner).await;
        let (lapsed, _) = desk.place(owner, "lapsed").await;
        desk.now = desk.now + Span::from_secs(200);
        let lapse = Command::LapseOrder { partner: lapsed.partner, order: lapsed.id, stock: None };
        let Decided::Order(lapsed, cancelling) = desk.must(lapse).await else { panic!("an order lapsed") };
        assert_eq!(cancelling.state, PaymentState::Cancelling);
        pay(desk, owner, "paid").await;
        let refunded = pay(desk, owner, "refunded").await;
        let done = refund(desk, &refunded, "done", 30).await;
        let succeeded = RefundReport::Succeeded { channel_number: "c".into(), bills: Vec::new() };
        desk.must(report_refund(&done, succeeded, None)).await;
        let refunding = pay(desk, owner, "refunding").await;
        let pending = refund(desk, &refunding, "pending", 40).await;
        let (open, _) = desk.place(owner, "open").await;
        let partner = open.partner;
        let numbers =
            ["paid", "refunded", "refunding"].map(|number| Need::OrderNumber(partner, number.into()));
        let rows = desk.load(&numbers).await;
        let [paid, refunded, refunding] = <[Order; 3]>::try_from(rows.orders).unwrap();
        let [done, pending] =
            [done, pending].map(|refund| rows.refunds.iter().find(|r| r.id == refund.id).unwrap());
        Books {
            owner: partner,
            open,
            paid,
            refunded,
            done: done.clone(),
            refunding,
            pending: pending.clone(),
            lapsed: *lapsed,
            cancelling: *cancelling,
        }
    }
}

/// Nothing is found in books that the rules have kept, and everything in them is counted.
pub async fn good_data_verifies_clean(fixture: Fixture) {
    let empty = fixture.store.verify().await.unwrap();
    assert_eq!(empty.findings, [""; 0]);
    let mut desk = Desk::open(&fixture.store).await;
    Books::keep(&mut desk, 1).await;
    check_clean(&desk).await;
    let verification = desk.store.verify().await.unwrap();
    let mut checked = verification.checked;
    checked.sort_unstable();
    // 3 payments and 3 fees; a reservation posted, a reservation open. 3 paid, 1 refunded, 1 lapsed.
    // Deliveries of 3 payments and 1 revocation; follow-ups of 2 payments and 1 refund.
    assert_eq!(
        checked,
        [
            ("accounts", 3),
            ("events", 5),
            ("orders", 5),
            ("payments", 5),
            ("refunds", 2),
            ("streams", 1),
            ("tasks", 7),
            ("transfers", 9),
        ]
    );
}

/// More findings than are listed are counted.
pub async fn findings_are_bounded(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    desk.add_partner(1).await;
    let orders_new: Vec<Order> = (1..=150).map(|id| samples::order(1, id, &id.to_string())).collect();
    desk.commit(&WriteSet { orders_new, ..WriteSet::default() }).await.unwrap();
    let findings = desk.store.verify().await.unwrap().findings;
    assert_eq!(findings.len(), FINDINGS_MAX + 1);
    assert_eq!(findings[FINDINGS_MAX], "and 50 more");
}

/// Each kind of damage, done to books of its own, is told in words with the ids it concerns.
pub async fn every_kind_of_damage_is_found(fixture: Fixture) {
    let mut cases =
        Cases { desk: Desk::open(&fixture.store).await, owners: 0, expected: Vec::new(), fixture };
    damage_orders(&mut cases).await;
    damage_payments(&mut cases).await;
    damage_refunds(&mut cases).await;
    damage_transfers(&mut cases).await;
    damage_sums(&mut cases).await;
    damage_events_and_tasks(&mut cases).await;
    lose_unique_numbers(&mut cases).await;
    // Books nobody touched, among those that were.
    Books::keep(&mut cases.desk, 1_000).await;
    let findings = cases.desk.store.verify().await.unwrap().findings;
    assert!(findings.len() <= FINDINGS_MAX, "the cases find too much to be listed");
    for words in &cases.expected {
        assert!(findings.iter().any(|finding| finding.contains(words)), "{words:?} is not in {findings:#?}");
    }
    assert!(!findings.iter().any(|finding| finding.contains("par_1000")), "{findings:#?}");
}

struct Cases {
    desk: Desk,
    owners: i64,
    expected: Vec<String>,
    fixture: Fixture,
}

impl Cases {
    async fn books(&mut self) -> Books {
        self.owners += 1;
        Books::keep(&mut self.desk, self.owners).await
    }

    /// Writes what a case makes of fresh books, and expects to be told so.
    async fn write(&mut self, case: impl FnOnce(Books) -> (WriteSet, String)) {
        let (set, words) = case(self.books().await);
        self.desk.commit(&set).await.unwrap();
        self.expected.push(words);
    }

    /// Runs a statement on fresh books, and expects to be told so.
    async fn sql(&mut self, case: impl FnOnce(Books) -> (String, String)) {
        let (sql, words) = case(self.books().await);
        (self.fixture.sql)(sql).await;
        self.expected.push(words);
    }
}

fn order_changed(mut order: Order, change: fn(&mut Order)) -> WriteSet {
    change(&mut order);
    WriteSet { orders_changed: vec![order], ..WriteSet::default() }
}

fn transfer_added(order: &Order, id: i64, change: impl FnOnce(&mut Transfer)) -> WriteSet {
    let mut transfer = samples::transfer(order, id);
    transfer.purpose = Purpose::Refund;
    change(&mut transfer);
    WriteSet { transfers: vec![transfer], ..WriteSet::default() }
}

fn of(order: &Order) -> String {
    format!("{} of {}", order.id, order.partner)
}

async fn damage_orders(cases: &mut Cases) {
    cases
        .write(|books| {
            let words = format!("{}: its stage and the time of its payment do not agree", of(&books.open));
            (order_changed(books.open, |order| order.paid_at = Some(samples::NOW)), words)
        })
        .await;
    cases
        .write(|books| {
            let words = format!("{}: it was paid and none of its payments was", of(&books.open));
            let paid = |order: &mut Order| {
                order.stage = OrderStage::Paid;
                order.paid_at = Some(samples::NOW);
            };
            (order_changed(books.open, paid), words)
        })
        .await;
    cases
        .write(|books| {
            let words = format!("{}: its stage and the time of its end do not agree", of(&books.lapsed));
            (order_changed(books.lapsed, |order| order.ended_at = None), words)
        })
        .await;
    cases
        .write(|books| {
            let words =
                format!("{}: its refunds sum to 30000000 millionths, it says 31.00", of(&books.refunded));
            (order_changed(books.refunded, |order| order.refunded = yuan(31)), words)
        })
        .await;
    cases
        .write(|books| {
            let words = format!("{}: its open refunds sum to 40000000 millionths", of(&books.refunding));
            (order_changed(books.refunding, |order| order.refunding = yuan(0)), words)
        })
        .await;
}

async fn damage_payments(cases: &mut Cases) {
    cases
        .write(|books| {
            let orphan = samples::order(books.owner.get(), 77, "without payment");
            let words = format!("{}: its payment pay_77 is not there", of(&orphan));
            (WriteSet { orders_new: vec![orphan], ..WriteSet::default() }, words)
        })
        .await;
    cases
        .write(|books| {
            let stray = samples::payment(&samples::order(books.owner.get(), 78, "never written"));
            let words = format!("ord_78 of {} is referred to but not there", books.owner);
            (WriteSet { payments_new: vec![stray], ..WriteSet::default() }, words)
        })
        .await;
    cases
        .write(|books| {
            let words =
                format!("{}: {} is open and nothing follows it up", of(&books.lapsed), books.cancelling.id);
            let lost = Payment { follow_up: None, ..books.cancelling };
            (WriteSet { payments_changed: vec![lost], ..WriteSet::default() }, words)
        })
        .await;
    cases
        .write(|books| {
            let id = books.cancelling.follow_up.unwrap();
            let words =
                format!("{}: {} is settled and names follow-up {id}", of(&books.lapsed), books.cancelling.id);
            let settled = Payment {
                state: PaymentState::Cancelled,
                settled_at: Some(samples::NOW),
                ..books.cancelling
            };
            (WriteSet { payments_changed: vec![settled], ..WriteSet::default() }, words)
        })
        .await;
    cases
        .sql(|books| {
            let words = format!("{}: {} is over 100.000001 CNY", of(&books.paid), books.paid.payment);
            (
                format!("UPDATE payments SET amount = amount + 1 WHERE order_id = {}", books.paid.id.get()),
                words,
            )
        })
        .await;
    cases
        .sql(|books| {
            let words = format!("{}: its payment {} is not there", of(&books.paid), books.paid.payment);
            (format!("DELETE FROM payments WHERE order_id = {}", books.paid.id.get()), words)
        })
        .await;
}

async fn damage_refunds(cases: &mut Cases) {
    cases
        .write(|books| {
            let id = books.done.id;
            let words = format!("{id} is Refused, and its pending transfer was posted 1 and voided 0 times");
            let refused = Refund { state: RefundState::Refused, ..books.done };
            (WriteSet { refunds_changed: vec![refused], ..WriteSet::default() }, words)
        })
        .await;
    cases
        .write(|books| {
            let words = format!("{} is open and nothing follows it up", books.pending.id);
            let lost = Refund { follow_up: None, ..books.pending };
            (WriteSet { refunds_changed: vec![lost], ..WriteSet::default() }, words)
        })
        .await;
    cases
        .write(|books| {
            let id = books.pending.follow_up.unwrap();
            let words = format!("{} is open and its follow-up {id} is not pending", books.pending.id);
            let key = TaskKey { partner: books.owner, about: About::Order(books.refunding.id), id };
            (WriteSet { tasks_removed: vec![key], ..WriteSet::default() }, words)
        })
        .await;
    cases
        .sql(|books| {
            let words = format!("{} has no pending transfer over 40", books.pending.id);
            (
                format!("DELETE FROM transfers WHERE kind = 1 AND order_id = {}", books.refunding.id.get()),
                words,
            )
        })
        .await;
}

async fn damage_transfers(cases: &mut Cases) {
    cases
        .write(|books| {
            let hold = books.pending.hold;
            let words = format!("trf_901 settles {hold}, which is no pending transfer like it");
            let voids = |transfer: &mut Transfer| {
                transfer.kind = TransferKind::Voids(hold);
                transfer.amount = yuan(39);
            };
            (transfer_added(&books.refunding, 901, voids), words)
        })
        .await;
    cases
        .write(|books| {
            let words = "trf_902 is over -1.00".to_owned();
            (transfer_added(&books.paid, 902, |transfer| transfer.amount = yuan(-1)), words)
        })
        .await;
    cases
        .write(|books| {
            let words = "trf_903 is pending and no refund holds it".to_owned();
            (transfer_added(&books.paid, 903, |transfer| transfer.kind = TransferKind::Pending), words)
        })
        .await;
    cases
        .write(|books| {
            let words = format!("{} is Unknown, and its pending transfer was posted 2 and", books.pending.id);
            let mut set = WriteSet::default();
            for id in [904, 905] {
                let posts = |transfer: &mut Transfer| transfer.kind = TransferKind::Posts(books.pending.hold);
                set.transfers.extend(transfer_added(&books.refunding, id, posts).transfers);
            }
            (set, words)
        })
        .await;
    for (purpose, id) in [(Purpose::Payment, 906), (Purpose::Fee, 907), (Purpose::FeeReturn, 908)] {
        cases
            .write(|books| {
                let words = format!("{}: its {purpose:?} transfers do not agree", of(&books.paid));
                (transfer_added(&books.paid, id, |transfer| transfer.purpose = purpose), words)
            })
            .await;
    }
}

async fn damage_sums(cases: &mut Cases) {
    let by = AccountDelta { debits_posted: 1, ..AccountDelta::default() };
    for words in
        ["account fees of PARTNER in CNY holds", "the books of PARTNER in CNY do not balance: 1 and 0"]
    {
        cases
            .write(|books| {
                let accounts = [((books.owner, Account::Fees, "CNY".to_owned()), by)].into();
                let words = words.replace("PARTNER", &books.owner.to_string());
                (WriteSet { accounts, ..WriteSet::default() }, words)
            })
            .await;
    }
    cases
        .sql(|books| {
            let words = format!("account payable of {} in CNY is not there", books.owner);
            let sql = "DELETE FROM accounts WHERE account = 'payable' AND partner =";
            (format!("{sql} {}", books.owner.get()), words)
        })
        .await;
}

async fn damage_events_and_tasks(cases: &mut Cases) {
    cases
        .write(|books| {
            let words = format!("{}: order.paid was told 2 times instead of 1", of(&books.paid));
            let events = vec![samples::event(&books.paid, 6)];
            let streams_changed = vec![Stream { partner: books.owner, last: 6 }];
            (WriteSet { events, streams_changed, ..WriteSet::default() }, words)
        })
        .await;
    cases
        .sql(|books| {
            let words = format!("the events of {} have gaps: 4 of them end at 5", books.owner);
            (format!("DELETE FROM events WHERE number = 2 AND partner = {}", books.owner.get()), words)
        })
        .await;
    cases
        .write(|books| {
            let words = format!("the event stream of {} stands at 4, its events end at 5", books.owner);
            let streams_changed = vec![Stream { partner: books.owner, last: 4 }];
            (WriteSet { streams_changed, ..WriteSet::default() }, words)
        })
        .await;
    cases
        .sql(|books| {
            let words = format!("the event stream of {} stands at nothing", books.owner);
            (format!("DELETE FROM streams WHERE partner = {}", books.owner.get()), words)
        })
        .await;
    cases
        .write(|books| {
            let words = "tsk_910 (deliver) is about nothing that is there or open".to_owned();
            let about_nothing = TaskKind::Deliver { event: 55, endpoint: None };
            let order = books.paid.id.get();
            let task = Task { kind: about_nothing, ..samples::task(books.owner.get(), order, 910, 0) };
            (WriteSet { tasks_new: vec![task], ..WriteSet::default() }, words)
        })
        .await;
    cases
        .write(|books| {
            let words = "tsk_911 (follow_refund) is about nothing that is there or open".to_owned();
            let order = books.refunded.id.get();
            let kind = TaskKind::FollowRefund(books.done.id);
            let task = Task { kind, ..samples::task(books.owner.get(), order, 911, 0) };
            (WriteSet { tasks_new: vec![task], ..WriteSet::default() }, words)
        })
        .await;
}

/// Should an index ever be lost, with it goes what it forbade.
async fn lose_unique_numbers(cases: &mut Cases) {
    for (table, what, numbers) in
        [("refunds", "refund", "'done', 'pending'"), ("orders", "order", "'open', 'paid'")]
    {
        cases
            .sql(|books| {
                let words = format!("{what} number \"same\" of {} is there more than once", books.owner);
                let owner = books.owner.get();
                let update = format!(
                    "UPDATE {table} SET number = 'same' WHERE number IN ({numbers}) AND partner = {owner}"
                );
                (format!("DROP INDEX {table}_number; {update}"), words)
            })
            .await;
    }
}
