//! Verification: streams everything that is stored through the [`Audit`] that all stores share.
//!
//! Orders and what belongs to them are read side by side in the order of their keys, so that one
//! order's family is in memory at a time, however many there are. All of it comes from one snapshot,
//! on a connection of its own.

pub(crate) mod catalogue;

use std::cmp::min;
use std::collections::VecDeque;

use tokio_postgres::{IsolationLevel, Portal, Row, Transaction};
use tradewind_domain::{
    About, AccountDelta, CredentialId, Event, Fact, Line, Order, OrderId, PartnerId, PastOrder, PastRefund,
    Payment, Redemption, Refund, Task, Transfer, Voucher, VoucherId,
};
use tradewind_store::audit::{Audit, Family, StreamFacts, VoucherFamily};
use tradewind_store::counts::{self, Grain};
use tradewind_store::{Result, StoreError, Verification, about_number, cause_number};

use crate::codes::{Unreadable, account, currency};
use crate::error::{store_error, unreadable};
use crate::load::select;
use crate::rows::{self, LINE_COLUMNS, REDEMPTION_COLUMNS, get};
use crate::session::{Connector, Purpose};

/// Primary key of orders.
pub(crate) const ORDERS: &str = select!(order_columns, "FROM orders o ORDER BY o.partner, o.id");
/// Primary key of order_lines.
pub(crate) const LINES: &str =
    select!(line_columns, ", l.partner, l.order_id FROM order_lines l ORDER BY l.partner, l.order_id");
/// Primary key of payments.
pub(crate) const PAYMENTS: &str =
    select!(payment_columns, "FROM payments p ORDER BY p.partner, p.order_id, p.id");
/// Primary key of refunds.
pub(crate) const REFUNDS: &str =
    select!(refund_columns, "FROM refunds r ORDER BY r.partner, r.order_id, r.id");
/// Sorted.
pub(crate) const PAST_ORDERS: &str =
    select!(past_order_columns, "FROM past_orders d ORDER BY d.partner, d.order_id");
/// Sorted.
pub(crate) const PAST_REFUNDS: &str =
    select!(past_refund_columns, "FROM past_refunds d ORDER BY d.partner, d.order_id, d.hold");
/// Primary key of transfers.
pub(crate) const TRANSFERS: &str =
    select!(transfer_columns, "FROM transfers t WHERE t.order_id >= 0 ORDER BY t.partner, t.order_id, t.id");
/// Index events_order.
pub(crate) const EVENTS: &str = select!(
    event_columns,
    "FROM events e WHERE e.order_id >= 0 AND e.order_id < 1::bigint << 62 \
     ORDER BY e.partner, e.order_id, e.number"
);
/// Primary key of tasks.
pub(crate) const TASKS: &str = select!(
    task_columns,
    "FROM tasks t WHERE t.order_id >= 0 AND t.order_id < 1::bigint << 62 ORDER BY t.partner, t.order_id, t.id"
);
/// Index vouchers_order.
pub(crate) const BOUGHT: &str = select!(
    voucher_columns,
    "FROM vouchers v WHERE v.order_id IS NOT NULL ORDER BY v.partner, v.order_id, v.id"
);
/// Index vouchers_order, and the primary key of redemptions for each.
pub(crate) const REDEEMED: &str = select!(
    redemption_columns,
    ", v.partner, v.order_id FROM vouchers v \
     JOIN redemptions r ON r.partner = v.partner AND r.voucher = v.id \
     WHERE v.order_id IS NOT NULL ORDER BY v.partner, v.order_id"
);
// A voucher's family is told by the voucher alone, so that what stands in the books of another partner
// is seen as such. That takes sorting; there are far fewer of them.
/// Sorted, the newest first: their events and tasks have their ids below zero.
pub(crate) const VOUCHERS: &str = select!(voucher_columns, "FROM vouchers v ORDER BY v.id DESC");
/// Sorted.
pub(crate) const REDEMPTIONS: &str =
    select!(redemption_columns, "FROM redemptions r ORDER BY r.voucher DESC, r.id DESC");
/// Sorted.
pub(crate) const VOUCHER_EVENTS: &str =
    select!(event_columns, "FROM events e WHERE e.order_id < 0 ORDER BY e.order_id, e.partner, e.number");
/// Sorted.
pub(crate) const VOUCHER_TASKS: &str =
    select!(task_columns, "FROM tasks t WHERE t.order_id < 0 ORDER BY t.order_id, t.id");
/// Primary key of accounts.
const ACCOUNTS: &str = "SELECT partner, account, currency, debits_posted, credits_posted, debits_pending, \
     credits_pending FROM accounts ORDER BY partner, account, currency";
/// Primary keys of events and streams.
const STREAMS: &str = "SELECT e.partner, s.last, e.events, e.lowest, e.highest FROM \
     (SELECT partner, count(*) AS events, min(number) AS lowest, max(number) AS highest FROM events \
      GROUP BY partner) AS e LEFT JOIN streams s ON s.partner = e.partner \
     UNION ALL SELECT s.partner, s.last, 0, NULL, NULL FROM streams s \
     WHERE NOT EXISTS (SELECT FROM events e WHERE e.partner = s.partner)";
/// Index refunds_number.
pub(crate) const REFUND_NUMBERS_TWICE: &str =
    "SELECT partner, number FROM refunds GROUP BY partner, number HAVING count(*) > 1";
/// Index orders_number.
pub(crate) const ORDER_NUMBERS_TWICE: &str =
    "SELECT partner, number FROM orders GROUP BY partner, number HAVING count(*) > 1";
/// Index orders_number, for all that have gone.
pub(crate) const ORDER_NUMBERS_AGAIN: &str = "SELECT d.partner, d.number FROM past_orders d \
     JOIN orders o ON o.partner = d.partner AND o.number = d.number";
/// Index refunds_number, for all that have gone.
pub(crate) const REFUND_NUMBERS_AGAIN: &str = "SELECT d.partner, d.number FROM past_refunds d \
     JOIN refunds r ON r.partner = d.partner AND r.number = d.number";
/// Primary key of counts.
pub(crate) const COUNTS: &str =
    "SELECT partner, grain, place, stretch, n FROM counts ORDER BY partner, grain, place, stretch";

/// Index vouchers_number.
pub(crate) const VOUCHER_NUMBERS_TWICE: &str =
    "SELECT partner, number FROM vouchers GROUP BY partner, number HAVING count(*) > 1";
/// Index deposits_number.
pub(crate) const DEPOSIT_NUMBERS_TWICE: &str =
    "SELECT partner, number FROM deposits GROUP BY partner, number HAVING count(*) > 1";
/// All vouchers.
const VOUCHER_CODES_TWICE: &str = "SELECT count(*) FROM vouchers GROUP BY code HAVING count(*) > 1";
/// Index vouchers_code, for all vouchers.
const VOUCHER_CODES_ASTRAY: &str = "SELECT v.partner, v.id FROM vouchers v \
     LEFT JOIN voucher_codes c ON c.code = v.code AND c.partner = v.partner AND c.voucher = v.id \
     WHERE c.code IS NULL";
/// Primary key of key_ids, for all credentials.
const KEY_IDS_ASTRAY: &str = "SELECT c.partner, c.id FROM credentials c \
     LEFT JOIN key_ids k ON k.dialect = c.dialect AND k.key_id = c.key_id AND k.partner = c.partner \
     WHERE k.partner IS NULL";

/// Rows that travel together.
const ROWS_PER_FETCH: i32 = 500;

/// Checks what is stored against itself, from one snapshot.
pub(crate) async fn verify(connector: &Connector) -> Result<Verification> {
    let mut session = connector.connect(Purpose::Verify).await.map_err(StoreError::Unavailable)?;
    let snapshot = session
        .client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .await
        .map_err(|error| store_error(&error))?;
    let mut audit = Audit::default();
    show_facts(&snapshot, &mut audit).await?;
    catalogue::show_limits(&snapshot, &mut audit).await?;
    check_families(&snapshot, &mut audit).await?;
    check_vouchers(&snapshot, &mut audit).await?;
    catalogue::check_deposits(&snapshot, &mut audit).await?;
    catalogue::check_skus(&snapshot, &mut audit).await?;
    check_accounts(&snapshot, &mut audit).await?;
    check_streams(&snapshot, &mut audit).await?;
    check_counts(&snapshot, &mut audit).await?;
    check_numbers(&snapshot, ORDER_NUMBERS_TWICE, "order", &mut audit).await?;
    check_numbers(&snapshot, REFUND_NUMBERS_TWICE, "refund", &mut audit).await?;
    check_numbers(&snapshot, ORDER_NUMBERS_AGAIN, "order", &mut audit).await?;
    check_numbers(&snapshot, REFUND_NUMBERS_AGAIN, "refund", &mut audit).await?;
    check_numbers(&snapshot, VOUCHER_NUMBERS_TWICE, "voucher", &mut audit).await?;
    check_numbers(&snapshot, DEPOSIT_NUMBERS_TWICE, "deposit", &mut audit).await?;
    check_directories(&snapshot, &mut audit).await?;
    Ok(audit.finish())
}

/// The partner and the number of what rows belong to; of vouchers the latter alone.
type Key = (i64, i64);

/// Where event streams begin is among the facts.
async fn show_facts(snapshot: &Transaction<'_>, audit: &mut Audit) -> Result<()> {
    let found = snapshot.query("SELECT name, value FROM facts", &[]).await;
    for row in found.map_err(|error| store_error(&error))? {
        let fact = Fact { name: get(&row, 0).map_err(unreadable)?, value: get(&row, 1).map_err(unreadable)? };
        audit.remembered(&fact);
    }
    Ok(())
}

async fn check_families(snapshot: &Transaction<'_>, audit: &mut Audit) -> Result<()> {
    let mut orders =
        Cursor::<Order>::open(snapshot, "orders", ORDERS, rows::order, |o| (o.partner.get(), o.id.get()))
            .await?;
    let of_order = |row: &Row| {
        let key = (get(row, LINE_COLUMNS)?, get(row, LINE_COLUMNS + 1)?);
        Ok((key, rows::line_from(row, 0)?))
    };
    let mut lines =
        Cursor::<(Key, Option<Box<Line>>)>::open(snapshot, "order_lines", LINES, of_order, |found| found.0)
            .await?;
    let mut payments = Cursor::<Payment>::open(snapshot, "payments", PAYMENTS, rows::payment, |p| {
        (p.partner.get(), p.order.get())
    })
    .await?;
    let mut refunds = Cursor::<Refund>::open(snapshot, "refunds", REFUNDS, rows::refund, |r| {
        (r.partner.get(), r.order.get())
    })
    .await?;
    let mut past_orders =
        Cursor::<PastOrder>::open(snapshot, "past_orders", PAST_ORDERS, rows::past_order, |d| {
            (d.partner.get(), d.order.get())
        })
        .await?;
    let mut past_refunds =
        Cursor::<PastRefund>::open(snapshot, "past_refunds", PAST_REFUNDS, rows::past_refund, |d| {
            (d.partner.get(), d.order.get())
        })
        .await?;
    let mut transfers = Cursor::<Transfer>::open(snapshot, "transfers", TRANSFERS, rows::transfer, |t| {
        (t.partner.get(), cause_number(t.cause))
    })
    .await?;
    let mut events = Cursor::<Event>::open(snapshot, "events", EVENTS, rows::event, |e| {
        (e.partner.get(), about_number(e.about))
    })
    .await?;
    let mut tasks = Cursor::<Task>::open(snapshot, "tasks", TASKS, rows::task, |t| {
        (t.key.partner.get(), about_number(t.key.about))
    })
    .await?;
    let mut vouchers = Cursor::<Voucher>::open(snapshot, "vouchers", BOUGHT, rows::voucher, |v| {
        (v.partner.get(), v.order.map_or(0, OrderId::get))
    })
    .await?;
    let of_order = |row: &Row| {
        let key = (get(row, REDEMPTION_COLUMNS)?, get(row, REDEMPTION_COLUMNS + 1)?);
        Ok((key, rows::redemption(row)?))
    };
    let mut redemptions =
        Cursor::<(Key, Redemption)>::open(snapshot, "redemptions", REDEEMED, of_order, |found| found.0)
            .await?;
    let mut family = Family::default();
    let mut found = Vec::new();
    let mut bought = Vec::new();
    let mut redeemed = Vec::new();
    loop {
        let heads = [
            lines.head(audit).await?,
            vouchers.head(audit).await?,
            redemptions.head(audit).await?,
            payments.head(audit).await?,
            refunds.head(audit).await?,
            past_orders.head(audit).await?,
            past_refunds.head(audit).await?,
            transfers.head(audit).await?,
            events.head(audit).await?,
            tasks.head(audit).await?,
        ];
        let Some(key) = heads.into_iter().fold(orders.head(audit).await?, earlier) else { return Ok(()) };
        orders.take(key, &mut found, audit).await?;
        payments.take(key, &mut family.payments, audit).await?;
        refunds.take(key, &mut family.refunds, audit).await?;
        past_orders.take(key, &mut family.past_orders, audit).await?;
        past_refunds.take(key, &mut family.past_refunds, audit).await?;
        transfers.take(key, &mut family.transfers, audit).await?;
        events.take(key, &mut family.events, audit).await?;
        tasks.take(key, &mut family.tasks, audit).await?;
        vouchers.take(key, &mut family.vouchers, audit).await?;
        redemptions.take(key, &mut redeemed, audit).await?;
        family.redemptions.extend(redeemed.drain(..).map(|(_, redemption)| redemption));
        lines.take(key, &mut bought, audit).await?;
        let line = bought.pop().and_then(|(_, line)| line);
        family.order = match (found.pop(), line) {
            (Some(order), line) => Some(Order { line, ..order }),
            (None, Some(_)) => {
                audit.stray_line(OrderId::from_i64(key.1), PartnerId::from_i64(key.0));
                None
            }
            (None, None) => None,
        };
        audit.family(OrderId::from_i64(key.1), &family);
        family.clear();
    }
}

async fn check_vouchers(snapshot: &Transaction<'_>, audit: &mut Audit) -> Result<()> {
    let mut vouchers =
        Cursor::<Voucher>::open(snapshot, "vouchers", VOUCHERS, rows::voucher, |v| below_zero(v.id)).await?;
    let mut redemptions =
        Cursor::<Redemption>::open(snapshot, "redemptions", REDEMPTIONS, rows::redemption, |r| {
            below_zero(r.voucher)
        })
        .await?;
    let mut events = Cursor::<Event>::open(snapshot, "events", VOUCHER_EVENTS, rows::event, |e| {
        (0, about_number(e.about))
    })
    .await?;
    let mut tasks = Cursor::<Task>::open(snapshot, "tasks", VOUCHER_TASKS, rows::task, |t| {
        (0, about_number(t.key.about))
    })
    .await?;
    let mut family = VoucherFamily::default();
    let mut found = Vec::new();
    loop {
        let heads = [redemptions.head(audit).await?, events.head(audit).await?, tasks.head(audit).await?];
        let Some(key) = heads.into_iter().fold(vouchers.head(audit).await?, earlier) else { return Ok(()) };
        vouchers.take(key, &mut found, audit).await?;
        redemptions.take(key, &mut family.redemptions, audit).await?;
        events.take(key, &mut family.events, audit).await?;
        tasks.take(key, &mut family.tasks, audit).await?;
        family.voucher = found.pop();
        audit.voucher_family(VoucherId::from_i64(key.1.wrapping_neg()), &family);
        family.clear();
    }
}

fn below_zero(voucher: VoucherId) -> Key {
    (0, about_number(About::Voucher(voucher)))
}

fn earlier(one: Option<Key>, other: Option<Key>) -> Option<Key> {
    match (one, other) {
        (Some(one), Some(other)) => Some(min(one, other)),
        (one, other) => one.or(other),
    }
}

/// A table read in the order of its key, a few hundred rows at a time.
struct Cursor<'s, T> {
    snapshot: &'s Transaction<'s>,
    portal: Portal,
    table: &'static str,
    fetched: VecDeque<Row>,
    at_end: bool,
    read: fn(&Row) -> std::result::Result<T, Unreadable>,
    key: fn(&T) -> Key,
    next: Option<T>,
}

impl<'s, T> Cursor<'s, T> {
    async fn open(
        snapshot: &'s Transaction<'s>,
        table: &'static str,
        sql: &str,
        read: fn(&Row) -> std::result::Result<T, Unreadable>,
        key: fn(&T) -> Key,
    ) -> Result<Cursor<'s, T>> {
        let portal = snapshot.bind(sql, &[]).await.map_err(|error| store_error(&error))?;
        Ok(Cursor { snapshot, portal, table, fetched: VecDeque::new(), at_end: false, read, key, next: None })
    }

    /// The key of the next row. A row that cannot be read is a finding, not the end.
    async fn head(&mut self, audit: &mut Audit) -> Result<Option<Key>> {
        while self.next.is_none() {
            if self.fetched.is_empty() && !self.at_end {
                let rows = self.snapshot.query_portal(&self.portal, ROWS_PER_FETCH).await;
                self.fetched.extend(rows.map_err(|error| store_error(&error))?);
                self.at_end = self.fetched.is_empty();
            }
            let Some(row) = self.fetched.pop_front() else { return Ok(None) };
            match (self.read)(&row) {
                Ok(value) => self.next = Some(value),
                Err(error) => {
                    audit.find(format!("a row of {} cannot be understood: {error}", self.table));
                }
            }
        }
        Ok(self.next.as_ref().map(self.key))
    }

    /// The next row, whatever its key.
    async fn next(&mut self, audit: &mut Audit) -> Result<Option<T>> {
        self.head(audit).await?;
        Ok(self.next.take())
    }

    /// Moves the rows of `key` into `into`.
    async fn take(&mut self, key: Key, into: &mut Vec<T>, audit: &mut Audit) -> Result<()> {
        while self.head(audit).await? == Some(key) {
            into.extend(self.next.take());
        }
        Ok(())
    }
}

async fn all(snapshot: &Transaction<'_>, sql: &str) -> Result<Vec<Row>> {
    snapshot.query(sql, &[]).await.map_err(|error| store_error(&error))
}

/// What is found by what somebody shows leads where it should, and there only.
async fn check_directories(snapshot: &Transaction<'_>, audit: &mut Audit) -> Result<()> {
    for row in all(snapshot, VOUCHER_CODES_TWICE).await? {
        let vouchers: i64 = get(&row, 0).map_err(unreadable)?;
        audit.find(format!("{vouchers} vouchers have the same code"));
    }
    for (sql, prefix, what) in [
        (VOUCHER_CODES_ASTRAY, VoucherId::PREFIX, "its code"),
        (KEY_IDS_ASTRAY, CredentialId::PREFIX, "its key id"),
    ] {
        for row in all(snapshot, sql).await? {
            let partner = PartnerId::from_i64(get(&row, 0).map_err(unreadable)?);
            let id: i64 = get(&row, 1).map_err(unreadable)?;
            audit.find(format!("{prefix}_{id} of {partner}: {what} does not lead to it"));
        }
    }
    Ok(())
}

async fn check_accounts(snapshot: &Transaction<'_>, audit: &mut Audit) -> Result<()> {
    for row in all(snapshot, ACCOUNTS).await? {
        let read = || {
            let sums = AccountDelta {
                debits_posted: get(&row, 3)?,
                credits_posted: get(&row, 4)?,
                debits_pending: get(&row, 5)?,
                credits_pending: get(&row, 6)?,
            };
            let partner = PartnerId::from_i64(get(&row, 0)?);
            Ok::<_, Unreadable>((partner, account(get(&row, 1)?)?, currency(get(&row, 2)?)?, sums))
        };
        match read() {
            Ok((partner, account, currency, sums)) => audit.account(partner, account, currency, sums),
            Err(error) => audit.find(format!("a row of accounts cannot be understood: {error}")),
        }
    }
    Ok(())
}

async fn check_streams(snapshot: &Transaction<'_>, audit: &mut Audit) -> Result<()> {
    for row in all(snapshot, STREAMS).await? {
        let read = || {
            Ok::<_, Unreadable>(StreamFacts {
                partner: PartnerId::from_i64(get(&row, 0)?),
                last: get(&row, 1)?,
                events: get(&row, 2)?,
                lowest: get(&row, 3)?,
                highest: get(&row, 4)?,
            })
        };
        audit.stream(read().map_err(unreadable)?);
    }
    Ok(())
}

/// There may be about as many as orders, so they are fetched some at a time too.
async fn check_counts(snapshot: &Transaction<'_>, audit: &mut Audit) -> Result<()> {
    let portal = snapshot.bind(COUNTS, &[]).await.map_err(|error| store_error(&error))?;
    loop {
        let rows = snapshot.query_portal(&portal, ROWS_PER_FETCH).await;
        let rows = rows.map_err(|error| store_error(&error))?;
        if rows.is_empty() {
            return Ok(());
        }
        for row in rows {
            let partner = PartnerId::from_i64(get(&row, 0).map_err(unreadable)?);
            let code: i16 = get(&row, 1).map_err(unreadable)?;
            let place: &str = get(&row, 2).map_err(unreadable)?;
            let stretch: i64 = get(&row, 3).map_err(unreadable)?;
            match Grain::from_code(code) {
                Some(grain) => {
                    let key = counts::Key { partner, grain, place, stretch };
                    audit.counted(key, get(&row, 4).map_err(unreadable)?);
                }
                None => audit.find(format!("a row of counts cannot be understood: grain {code}")),
            }
        }
    }
}

async fn check_numbers(snapshot: &Transaction<'_>, sql: &str, what: &str, audit: &mut Audit) -> Result<()> {
    for row in all(snapshot, sql).await? {
        let partner = PartnerId::from_i64(get(&row, 0).map_err(unreadable)?);
        let number: String = get(&row, 1).map_err(unreadable)?;
        audit.find(format!("{what} number {number:?} of {partner} is there more than once"));
    }
    Ok(())
}
