//! Verification: streams everything that is stored through the [`Audit`] that all stores share.
//!
//! Orders and what belongs to them are read side by side in the order of the orders' ids, so that
//! one order's family is in memory at a time, however many there are; vouchers, deposits and skus
//! likewise. All of it comes from one snapshot.

pub(crate) mod catalogue;

use std::cmp::min;

use rusqlite::{CachedStatement, Connection, Row};
use tradewind_domain::{
    About, Event, Fact, Line, Order, OrderId, PartnerId, PastOrder, PastRefund, Payment, Redemption, Refund,
    Task, Transfer, Voucher, VoucherId,
};
use tradewind_store::audit::{Audit, Family, StreamFacts, VoucherFamily};
use tradewind_store::counts::{Grain, Key};
use tradewind_store::{FINDINGS_MAX, Result, Verification, about_number, cause_number};

use crate::error::{is_unreadable_row, store_error};
use crate::rows::{self, HAS_LINE, HAS_REFUNDS, LINE_COLUMNS, REDEMPTION_COLUMNS};

macro_rules! in_order {
    ($columns:ident, $rest:literal) => {
        concat!("SELECT ", crate::rows::$columns!(), " FROM ", $rest)
    };
}
use in_order;

/// Primary key of orders.
pub(crate) const ORDERS: &str = in_order!(order_columns, "orders o ORDER BY o.id");
/// Primary key of order_lines.
pub(crate) const LINES: &str = concat!(
    "SELECT ",
    crate::rows::line_columns!(),
    ", l.order_id, l.partner FROM order_lines l ORDER BY l.order_id"
);
/// Primary key of payments.
pub(crate) const PAYMENTS: &str = in_order!(payment_columns, "payments p ORDER BY p.order_id, p.id");
/// Primary key of refunds.
pub(crate) const REFUNDS: &str = in_order!(refund_columns, "refunds ORDER BY order_id, id");
/// Sorted.
pub(crate) const PAST_ORDERS: &str = in_order!(past_order_columns, "past_orders d ORDER BY d.order_id");
/// Sorted.
pub(crate) const PAST_REFUNDS: &str =
    in_order!(past_refund_columns, "past_refunds d ORDER BY d.order_id, d.hold");
/// Primary key of transfers.
pub(crate) const TRANSFERS: &str =
    in_order!(transfer_columns, "transfers WHERE order_id >= 0 ORDER BY order_id, id");
/// Index events_order, which ends with partner and number.
pub(crate) const EVENTS: &str = in_order!(
    event_columns,
    "events WHERE order_id >= 0 AND order_id < 4611686018427387904 ORDER BY order_id, partner, number"
);
/// Primary key of tasks.
pub(crate) const TASKS: &str = in_order!(
    task_columns,
    "tasks WHERE order_id >= 0 AND order_id < 4611686018427387904 ORDER BY order_id, id"
);
/// Index vouchers_order, which ends with the id. It is named, so that nothing is sorted.
pub(crate) const BOUGHT: &str = in_order!(
    voucher_columns,
    "vouchers v INDEXED BY vouchers_order WHERE v.order_id IS NOT NULL ORDER BY v.order_id, v.id"
);
/// The same, and the primary key of redemptions.
pub(crate) const BOUGHT_REDEMPTIONS: &str = concat!(
    "SELECT ",
    crate::rows::redemption_columns!(),
    ", v.order_id FROM vouchers v INDEXED BY vouchers_order CROSS JOIN redemptions r ON r.voucher = v.id \
     WHERE v.order_id IS NOT NULL ORDER BY v.order_id, v.id, r.id"
);
/// Primary key of vouchers, the newest first: their events and tasks have their ids below zero.
pub(crate) const VOUCHERS: &str = in_order!(voucher_columns, "vouchers v ORDER BY v.id DESC");
/// Primary key of redemptions, those of the newest vouchers first.
pub(crate) const REDEMPTIONS: &str =
    in_order!(redemption_columns, "redemptions r ORDER BY r.voucher DESC, r.id DESC");
/// Index events_order, which ends with partner and number.
pub(crate) const VOUCHER_EVENTS: &str =
    in_order!(event_columns, "events WHERE order_id < 0 ORDER BY order_id, partner, number");
/// Primary key of tasks.
pub(crate) const VOUCHER_TASKS: &str =
    in_order!(task_columns, "tasks WHERE order_id < 0 ORDER BY order_id, id");
/// Primary key of accounts.
const ACCOUNTS: &str = in_order!(balance_columns, "accounts");
/// Primary keys of events and streams.
const STREAMS: &str = "SELECT partner, (SELECT last FROM streams s WHERE s.partner = e.partner), count(*), \
     min(number), max(number) FROM events e GROUP BY partner \
     UNION ALL SELECT partner, last, 0, NULL, NULL FROM streams s \
     WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.partner = s.partner)";
/// Index refunds_number.
pub(crate) const REFUND_NUMBERS_TWICE: &str =
    "SELECT partner, number FROM refunds GROUP BY partner, number HAVING count(*) > 1";
/// Index orders_number.
pub(crate) const ORDER_NUMBERS_TWICE: &str =
    "SELECT partner, number FROM orders GROUP BY partner, number HAVING count(*) > 1";
/// Index orders_number, for all that have gone.
pub(crate) const ORDER_NUMBERS_AGAIN: &str = "SELECT d.partner, d.number FROM past_orders d \
     CROSS JOIN orders o ON o.partner = d.partner AND o.number = d.number";
/// Index refunds_number, for all that have gone.
pub(crate) const REFUND_NUMBERS_AGAIN: &str = "SELECT d.partner, d.number FROM past_refunds d \
     CROSS JOIN refunds r ON r.partner = d.partner AND r.number = d.number";
/// Primary key of counts.
pub(crate) const COUNTS: &str = "SELECT grain, stretch, partner, place, n FROM counts";

/// Index vouchers_number.
pub(crate) const VOUCHER_NUMBERS_TWICE: &str =
    "SELECT partner, number FROM vouchers GROUP BY partner, number HAVING count(*) > 1";
/// Index vouchers_code.
pub(crate) const VOUCHER_CODES_TWICE: &str =
    "SELECT code, count(*) FROM vouchers GROUP BY code HAVING count(*) > 1";

/// Checks what is stored against itself, from one snapshot.
pub(crate) fn verify(connection: &Connection) -> Result<Verification> {
    let mut audit = Audit::default();
    let snapshot = connection.unchecked_transaction().map_err(store_error)?;
    check_file(&snapshot, &mut audit).map_err(store_error)?;
    show_facts(&snapshot, &mut audit).map_err(store_error)?;
    catalogue::show_limits(&snapshot, &mut audit).map_err(store_error)?;
    check_families(&snapshot, &mut audit).map_err(store_error)?;
    check_vouchers(&snapshot, &mut audit).map_err(store_error)?;
    catalogue::check_deposits(&snapshot, &mut audit).map_err(store_error)?;
    catalogue::check_skus(&snapshot, &mut audit).map_err(store_error)?;
    check_accounts(&snapshot, &mut audit).map_err(store_error)?;
    check_streams(&snapshot, &mut audit).map_err(store_error)?;
    check_counts(&snapshot, &mut audit).map_err(store_error)?;
    check_numbers(&snapshot, ORDER_NUMBERS_TWICE, "order", &mut audit).map_err(store_error)?;
    check_numbers(&snapshot, REFUND_NUMBERS_TWICE, "refund", &mut audit).map_err(store_error)?;
    check_numbers(&snapshot, ORDER_NUMBERS_AGAIN, "order", &mut audit).map_err(store_error)?;
    check_numbers(&snapshot, REFUND_NUMBERS_AGAIN, "refund", &mut audit).map_err(store_error)?;
    check_numbers(&snapshot, VOUCHER_NUMBERS_TWICE, "voucher", &mut audit).map_err(store_error)?;
    check_numbers(&snapshot, catalogue::DEPOSIT_NUMBERS_TWICE, "deposit", &mut audit).map_err(store_error)?;
    check_codes(&snapshot, &mut audit).map_err(store_error)?;
    Ok(audit.finish())
}

fn check_file(connection: &Connection, audit: &mut Audit) -> rusqlite::Result<()> {
    let mut quick = connection.prepare(&format!("PRAGMA quick_check({FINDINGS_MAX})"))?;
    let mut rows = quick.query([])?;
    while let Some(row) = rows.next()? {
        let line: String = row.get(0)?;
        if line != "ok" {
            audit.find(format!("the database file: {line}"));
        }
    }
    let mut keys = connection.prepare("PRAGMA foreign_key_check")?;
    let mut rows = keys.query([])?;
    while let Some(row) = rows.next()? {
        let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
        audit.find(format!("a row of {table} refers to one of {parent} that is not there"));
    }
    Ok(())
}

/// Where event streams begin is among the facts.
fn show_facts(connection: &Connection, audit: &mut Audit) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached("SELECT name, value FROM facts")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        audit.remembered(&Fact { name: row.get(0)?, value: row.get(1)? });
    }
    Ok(())
}

fn check_families(connection: &Connection, audit: &mut Audit) -> rusqlite::Result<()> {
    let mut statements = [
        ORDERS,
        LINES,
        PAYMENTS,
        REFUNDS,
        PAST_ORDERS,
        PAST_REFUNDS,
        TRANSFERS,
        EVENTS,
        TASKS,
        BOUGHT,
        BOUGHT_REDEMPTIONS,
    ]
    .into_iter()
    .map(|sql| connection.prepare_cached(sql))
    .collect::<rusqlite::Result<Vec<CachedStatement<'_>>>>()?;
    let [
        orders,
        lines,
        payments,
        refunds,
        past_orders,
        past_refunds,
        transfers,
        events,
        tasks,
        bought,
        redemptions,
    ] = statements.as_mut_slice()
    else {
        return Ok(());
    };
    let mut orders = Cursor::open("orders", orders, marked_order, |found| found.order.id.get(), audit)?;
    let mut lines = Cursor::open("order_lines", lines, owned_line, |found| found.order.get(), audit)?;
    let mut payments =
        Cursor::<Payment>::open("payments", payments, rows::payment, |p| p.order.get(), audit)?;
    let mut refunds = Cursor::<Refund>::open("refunds", refunds, rows::refund, |r| r.order.get(), audit)?;
    let past_order = |past: &PastOrder| past.order.get();
    let mut past_orders = Cursor::open("past_orders", past_orders, rows::past_order, past_order, audit)?;
    let past_refund = |past: &PastRefund| past.order.get();
    let mut past_refunds = Cursor::open("past_refunds", past_refunds, rows::past_refund, past_refund, audit)?;
    let mut transfers =
        Cursor::<Transfer>::open("transfers", transfers, rows::transfer, |t| cause_number(t.cause), audit)?;
    let mut events = Cursor::<Event>::open("events", events, rows::event, |e| about_number(e.about), audit)?;
    let mut tasks = Cursor::<Task>::open("tasks", tasks, rows::task, |t| about_number(t.key.about), audit)?;
    // What an order has bought is judged by itself in `check_vouchers`, and as a whole here.
    let of_order = |voucher: &Voucher| voucher.order.map_or(0, OrderId::get);
    let mut bought = Cursor::<Voucher>::open("vouchers", bought, rows::voucher, of_order, audit)?;
    let mut redemptions =
        Cursor::open("redemptions", redemptions, bought_redemption, |(order, _)| *order, audit)?;
    let mut family = Family::default();
    let (mut found_orders, mut found_lines, mut found_redemptions) = (Vec::new(), Vec::new(), Vec::new());
    loop {
        let heads = [
            lines.head(),
            payments.head(),
            refunds.head(),
            past_orders.head(),
            past_refunds.head(),
            transfers.head(),
            events.head(),
            tasks.head(),
            bought.head(),
            redemptions.head(),
        ];
        let Some(key) = heads.into_iter().fold(orders.head(), earlier) else { return Ok(()) };
        orders.take(key, &mut found_orders, audit)?;
        lines.take(key, &mut found_lines, audit)?;
        payments.take(key, &mut family.payments, audit)?;
        refunds.take(key, &mut family.refunds, audit)?;
        past_orders.take(key, &mut family.past_orders, audit)?;
        past_refunds.take(key, &mut family.past_refunds, audit)?;
        transfers.take(key, &mut family.transfers, audit)?;
        events.take(key, &mut family.events, audit)?;
        tasks.take(key, &mut family.tasks, audit)?;
        bought.take(key, &mut family.vouchers, audit)?;
        redemptions.take(key, &mut found_redemptions, audit)?;
        family.redemptions.extend(found_redemptions.drain(..).map(|(_, redemption)| redemption));
        family.order = found_orders.pop().map(|found| {
            if found.has_refunds == family.refunds.is_empty() {
                audit.find(format!("{} is marked wrongly as to whether it has refunds", found.order.id));
            }
            found.with_line(found_lines.pop(), audit)
        });
        // What is left belongs to nothing.
        found_lines.drain(..).for_each(|line| audit.stray_line(line.order, line.partner));
        audit.family(OrderId::from_i64(key), &family);
        family.clear();
    }
}

fn check_vouchers(connection: &Connection, audit: &mut Audit) -> rusqlite::Result<()> {
    let mut statements = [VOUCHERS, REDEMPTIONS, VOUCHER_EVENTS, VOUCHER_TASKS]
        .into_iter()
        .map(|sql| connection.prepare_cached(sql))
        .collect::<rusqlite::Result<Vec<CachedStatement<'_>>>>()?;
    let [vouchers, redemptions, events, tasks] = statements.as_mut_slice() else { return Ok(()) };
    let mut vouchers =
        Cursor::<Voucher>::open("vouchers", vouchers, rows::voucher, |v| voucher_number(v.id), audit)?;
    let mut redemptions = Cursor::<Redemption>::open(
        "redemptions",
        redemptions,
        rows::redemption,
        |r| voucher_number(r.voucher),
        audit,
    )?;
    let mut events = Cursor::<Event>::open("events", events, rows::event, |e| about_number(e.about), audit)?;
    let mut tasks = Cursor::<Task>::open("tasks", tasks, rows::task, |t| about_number(t.key.about), audit)?;
    let mut family = VoucherFamily::default();
    let mut found = Vec::new();
    loop {
        let heads = [redemptions.head(), events.head(), tasks.head()];
        let Some(key) = heads.into_iter().fold(vouchers.head(), earlier) else { return Ok(()) };
        vouchers.take(key, &mut found, audit)?;
        redemptions.take(key, &mut family.redemptions, audit)?;
        events.take(key, &mut family.events, audit)?;
        tasks.take(key, &mut family.tasks, audit)?;
        family.voucher = found.pop();
        audit.voucher_family(VoucherId::from_i64(key.wrapping_neg()), &family);
        family.clear();
    }
}

fn voucher_number(id: VoucherId) -> i64 {
    about_number(About::Voucher(id))
}

/// An order, and what it says of rows elsewhere.
struct Marked {
    order: Order,
    has_refunds: bool,
    has_line: bool,
}

/// A line, and whose it says to be.
struct OwnedLine {
    order: OrderId,
    partner: PartnerId,
    line: Line,
}

impl Marked {
    fn with_line(self, line: Option<OwnedLine>, audit: &mut Audit) -> Order {
        let mut order = self.order;
        if self.has_line != line.is_some() {
            audit.find(format!("{} is marked wrongly as to whether it buys something", order.id));
        }
        if let Some(line) = line {
            if line.partner != order.partner {
                audit.stray_line(line.order, line.partner);
            }
            order.line = Some(Box::new(line.line));
        }
        order
    }
}

fn marked_order(row: &Row<'_>) -> rusqlite::Result<Marked> {
    let (has_refunds, has_line) = (row.get(HAS_REFUNDS)?, row.get(HAS_LINE)?);
    Ok(Marked { order: rows::order(row)?, has_refunds, has_line })
}

fn owned_line(row: &Row<'_>) -> rusqlite::Result<OwnedLine> {
    Ok(OwnedLine {
        line: rows::line(row)?,
        order: OrderId::from_i64(row.get(LINE_COLUMNS)?),
        partner: PartnerId::from_i64(row.get(LINE_COLUMNS + 1)?),
    })
}

fn bought_redemption(row: &Row<'_>) -> rusqlite::Result<(i64, Redemption)> {
    Ok((row.get(REDEMPTION_COLUMNS)?, rows::redemption(row)?))
}

fn earlier(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    match (one, other) {
        (Some(one), Some(other)) => Some(min(one, other)),
        (one, other) => one.or(other),
    }
}

/// A table read row by row in the order of the number of what its rows belong to.
struct Cursor<'s, T> {
    table: &'static str,
    rows: rusqlite::Rows<'s>,
    read: fn(&Row<'_>) -> rusqlite::Result<T>,
    key: fn(&T) -> i64,
    next: Option<T>,
}

impl<'s, T> Cursor<'s, T> {
    fn open(
        table: &'static str,
        statement: &'s mut CachedStatement<'_>,
        read: fn(&Row<'_>) -> rusqlite::Result<T>,
        key: fn(&T) -> i64,
        audit: &mut Audit,
    ) -> rusqlite::Result<Cursor<'s, T>> {
        let mut cursor = Cursor { table, rows: statement.query([])?, read, key, next: None };
        cursor.advance(audit)?;
        Ok(cursor)
    }

    fn head(&self) -> Option<i64> {
        self.next.as_ref().map(self.key)
    }

    /// Moves the rows of `key` into `into`.
    fn take(&mut self, key: i64, into: &mut Vec<T>, audit: &mut Audit) -> rusqlite::Result<()> {
        while self.head() == Some(key) {
            into.extend(self.next.take());
            self.advance(audit)?;
        }
        Ok(())
    }

    /// A row that cannot be read is a finding, not the end.
    fn advance(&mut self, audit: &mut Audit) -> rusqlite::Result<()> {
        while let Some(row) = self.rows.next()? {
            match (self.read)(row) {
                Ok(value) => {
                    self.next = Some(value);
                    return Ok(());
                }
                Err(error) if is_unreadable_row(&error) => {
                    audit.find(format!("a row of {} cannot be understood: {error}", self.table));
                }
                Err(error) => return Err(error),
            }
        }
        self.next = None;
        Ok(())
    }
}

fn check_accounts(connection: &Connection, audit: &mut Audit) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(ACCOUNTS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        match rows::balance(row) {
            Ok(found) => audit.account(found.partner, found.account, found.currency, found.sums),
            Err(error) if is_unreadable_row(&error) => {
                audit.find(format!("a row of accounts cannot be understood: {error}"));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn check_streams(connection: &Connection, audit: &mut Audit) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(STREAMS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        audit.stream(StreamFacts {
            partner: PartnerId::from_i64(row.get(0)?),
            last: row.get(1)?,
            events: row.get(2)?,
            lowest: row.get(3)?,
            highest: row.get(4)?,
        });
    }
    Ok(())
}

fn check_counts(connection: &Connection, audit: &mut Audit) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(COUNTS)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (code, stretch, partner): (i16, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let (place, n): (String, i64) = (row.get(3)?, row.get(4)?);
        let partner = PartnerId::from_i64(partner);
        match Grain::from_code(code) {
            Some(grain) => audit.counted(Key { partner, grain, place: &place, stretch }, n),
            None => audit.find(format!("a row of counts cannot be understood: grain {code}")),
        }
    }
    Ok(())
}

fn check_numbers(connection: &Connection, sql: &str, what: &str, audit: &mut Audit) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let number: String = row.get(1)?;
        let partner = PartnerId::from_i64(row.get(0)?);
        audit.find(format!("{what} number {number:?} of {partner} is there more than once"));
    }
    Ok(())
}

/// The codes themselves are not told: whoever reads them could redeem.
fn check_codes(connection: &Connection, audit: &mut Audit) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(VOUCHER_CODES_TWICE)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let vouchers: i64 = row.get(1)?;
        audit.find(format!("{vouchers} vouchers have the same code"));
    }
    Ok(())
}
