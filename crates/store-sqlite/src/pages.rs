//! Pages with numbers and totals: orders and redemptions, newest first.
//!
//! How many there are, and where a page begins, is told by the counts of stretches of time; rows are
//! counted or skipped only within a short stretch (see `tradewind_store::counts`). A filter that the
//! counts know nothing of looks at each row, at a bounded number of them.

use rusqlite::{Connection, Row, ToSql, named_params};
use tradewind_domain::{Order, OrderId, OrderPage, PartnerId, Payment, RedemptionPage, VoucherCode};
use tradewind_store::counts::{Grain, IDS, LOOKED_AT_MAX, ORDERS, Part, REDEMPTIONS, parts};
use tradewind_store::{OrderQuery, RedemptionQuery};

use crate::codes::{Code, standing};
use crate::list::all;
use crate::load::add_lines;
use crate::rows::{self, HAS_LINE, ORDER_COLUMNS, REDEMPTION_COLUMNS};

/// Parameters with their names.
type Named<'a> = [(&'a str, &'a dyn ToSql)];

/// Index orders_partner, whose entries end with the id, alone.
pub(crate) const COUNT_ORDERS: &str =
    "SELECT count(*) FROM orders o WHERE o.partner = :partner AND o.id >= :from AND o.id < :until";

macro_rules! order_page {
    ($from:expr) => {
        concat!(
            "SELECT ",
            crate::rows::order_columns!(),
            ", ",
            crate::rows::payment_columns!(),
            " FROM (SELECT o.id AS page_id ",
            $from,
            " ORDER BY o.id DESC LIMIT :limit OFFSET :skipped)",
            " JOIN orders o ON o.id = page_id",
            " JOIN payments p ON p.order_id = o.id AND p.id = o.payment AND p.partner = o.partner",
            " ORDER BY o.id DESC",
        )
    };
}

/// Index orders_partner, from the newest. What is skipped is passed in the index alone, within a short
/// stretch.
pub(crate) const PAGE_ORDERS: &str =
    order_page!("FROM orders o WHERE o.partner = :partner AND o.id >= :from AND o.id < :until");

macro_rules! passes {
    () => {
        concat!(
            "(:standings = 0 OR (:standings >> (",
            standing!(),
            ")) & 1)",
            " AND (:operator IS NULL OR o.operator = :operator)",
            " AND (:method IS NULL OR EXISTS (SELECT 1 FROM payments p WHERE p.order_id = o.id",
            " AND p.id = o.payment AND p.method = :method))",
        )
    };
}

/// Index orders_partner from the newest, and a look at each order, up to a bound.
pub(crate) const LOOK_AT_ORDERS: &str = concat!(
    "SELECT o.id, ",
    passes!(),
    " FROM orders o WHERE o.partner = :partner AND o.id >= :from AND o.id < :until",
    " ORDER BY o.id DESC LIMIT :looked"
);
/// Primary keys of orders and payments.
pub(crate) const ORDER_OF_PAGE: &str = concat!(
    "SELECT ",
    crate::rows::order_columns!(),
    ", ",
    crate::rows::payment_columns!(),
    " FROM orders o JOIN payments p ON p.order_id = o.id AND p.id = o.payment AND p.partner = o.partner",
    " WHERE o.id = ?1"
);
/// Index orders_number: one order at most.
pub(crate) const PAGE_NUMBERED: &str = concat!(
    "SELECT ",
    crate::rows::order_columns!(),
    ", ",
    crate::rows::payment_columns!(),
    " FROM orders o JOIN payments p ON p.order_id = o.id AND p.id = o.payment AND p.partner = o.partner",
    " WHERE o.partner = :partner AND o.number = :number AND o.id >= :from AND o.id < :until AND ",
    passes!()
);

/// A page of a partner's orders, newest first, and how many there are.
pub(crate) fn list_orders(connection: &Connection, query: &OrderQuery) -> rusqlite::Result<OrderPage> {
    let list = &query.list;
    let partner = query.partner.get();
    let (from, until) = (OrderId::first_at(list.from).get(), OrderId::first_at(list.until).get());
    let place = Place::of(list.page, list.page_size);
    let filtered = !list.standings.is_empty() || list.method.is_some() || list.operator.is_some();
    if !filtered && list.number.is_none() {
        let counted = Counted { partner: query.partner, place: "", grains: ORDERS };
        let range: &Named<'_> = &[(":partner", &partner)];
        let found = counted.find(connection, (COUNT_ORDERS, range), (from, until), place.skipped)?;
        let entries = page(connection, (PAGE_ORDERS, range), from, found.begins, place, marked_entry)?;
        return Ok(OrderPage { entries: with_lines(connection, entries)?, total: Some(found.total) });
    }
    let standings = list.standings.iter().fold(0_i64, |set, standing| set | 1 << standing.code());
    let method = list.method.as_ref().map(|method| method.name());
    let (now, window) = (query.now.ms(), query.refund_window.ms());
    let filter: &Named<'_> = named_params! {
        ":partner": partner, ":from": from, ":until": until, ":standings": standings, ":now": now,
        ":window": window, ":operator": list.operator, ":method": method,
    };
    if let Some(number) = &list.number {
        let by_number = [filter, named_params! { ":number": number }].concat();
        let one = all(connection, PAGE_NUMBERED, &by_number[..], marked_entry)?;
        let total = Some(one.len() as u64);
        let entries = if place.skipped == 0 && place.limit > 0 { one } else { Vec::new() };
        return Ok(OrderPage { entries: with_lines(connection, entries)?, total });
    }
    let (ids, total) = look(connection, (LOOK_AT_ORDERS, filter), place)?;
    let mut entries = Vec::with_capacity(ids.len());
    for id in ids {
        entries.extend(all(connection, ORDER_OF_PAGE, [id], marked_entry)?);
    }
    Ok(OrderPage { entries: with_lines(connection, entries)?, total })
}

/// An entry of a page of orders, and whether the order buys something.
fn marked_entry(row: &Row<'_>) -> rusqlite::Result<((Order, Payment), bool)> {
    Ok(((rows::order(row)?, rows::payment_from(row, ORDER_COLUMNS)?), row.get(HAS_LINE)?))
}

fn with_lines(
    connection: &Connection,
    mut found: Vec<((Order, Payment), bool)>,
) -> rusqlite::Result<Vec<(Order, Payment)>> {
    add_lines(connection, found.iter_mut().map(|((order, _), has_line)| (order, *has_line)))?;
    Ok(found.into_iter().map(|(entry, _)| entry).collect())
}

/// Index redemptions_by alone.
pub(crate) const COUNT_REDEMPTIONS: &str = "SELECT count(*) FROM redemptions r WHERE r.by_partner = :by \
     AND r.device = :device AND r.id >= :from AND r.id < :until";
/// Index redemptions_by, from the newest. What is skipped is passed in the index alone, within a short
/// stretch.
pub(crate) const PAGE_REDEMPTIONS: &str = concat!(
    "SELECT ",
    crate::rows::redemption_columns!(),
    ", ",
    crate::rows::voucher_columns!(),
    " FROM (SELECT r.voucher AS page_voucher, r.id AS page_id FROM redemptions r WHERE r.by_partner = :by",
    " AND r.device = :device AND r.id >= :from AND r.id < :until",
    " ORDER BY r.id DESC LIMIT :limit OFFSET :skipped)",
    " JOIN redemptions r ON r.voucher = page_voucher AND r.id = page_id",
    " JOIN vouchers v ON v.id = page_voucher",
    " ORDER BY r.id DESC",
);
/// Primary key of redemptions from the newest, and a look at each of the voucher, up to a bound.
pub(crate) const LOOK_AT_REDEMPTIONS: &str = "SELECT r.id, r.by_partner = :by AND r.device = :device \
     FROM redemptions r WHERE r.voucher = (SELECT v.id FROM vouchers v WHERE v.code = :code) \
     AND r.id >= :from AND r.id < :until ORDER BY r.id DESC LIMIT :looked";
/// Primary keys of redemptions and vouchers.
pub(crate) const REDEMPTION_OF_PAGE: &str = concat!(
    "SELECT ",
    crate::rows::redemption_columns!(),
    ", ",
    crate::rows::voucher_columns!(),
    " FROM vouchers v JOIN redemptions r ON r.voucher = v.id WHERE v.code = ?1 AND r.id = ?2"
);

/// A page of what a partner has redeemed, newest first, and how much there is.
pub(crate) fn list_redemptions(
    connection: &Connection,
    query: &RedemptionQuery,
) -> rusqlite::Result<RedemptionPage> {
    let list = &query.list;
    let by = query.by.get();
    let (from, until) = query.ids();
    let place = Place::of(list.page, list.page_size);
    let entry = |row: &Row<'_>| Ok((rows::redemption(row)?, rows::voucher_from(row, REDEMPTION_COLUMNS)?));
    let Some(code) = list.code.map(VoucherCode::get) else {
        let counted = Counted { partner: query.by, place: &list.device, grains: REDEMPTIONS };
        let range: &Named<'_> = &[(":by", &by), (":device", &list.device)];
        let found = counted.find(connection, (COUNT_REDEMPTIONS, range), (from, until), place.skipped)?;
        let entries = page(connection, (PAGE_REDEMPTIONS, range), from, found.begins, place, entry)?;
        return Ok(RedemptionPage { entries, total: Some(found.total) });
    };
    let filter: &Named<'_> = named_params! {
        ":by": by, ":device": list.device, ":from": from, ":until": until, ":code": code,
    };
    let (ids, total) = look(connection, (LOOK_AT_REDEMPTIONS, filter), place)?;
    let mut entries = Vec::with_capacity(ids.len());
    for id in ids {
        entries.extend(all(connection, REDEMPTION_OF_PAGE, [code, id], entry)?);
    }
    Ok(RedemptionPage { entries, total })
}

/// Which rows of a list a page shows.
#[derive(Clone, Copy)]
struct Place {
    skipped: i64,
    limit: i64,
}

impl Place {
    fn of(page: u32, page_size: u32) -> Place {
        let limit = i64::from(page_size);
        Place { skipped: i64::from(page.saturating_sub(1)) * limit, limit }
    }
}

/// Where a page begins: so many rows after the newest one before this id.
#[derive(Clone, Copy)]
struct Begins {
    before: i64,
    skipped: i64,
}

/// Reads a page from where it begins; `None` is beyond the end.
fn page<T>(
    connection: &Connection,
    (sql, range): (&str, &Named<'_>),
    from: i64,
    begins: Option<Begins>,
    place: Place,
    entry: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let Some(Begins { before, skipped }) = begins else { return Ok(Vec::new()) };
    let slice: &Named<'_> =
        named_params! { ":from": from, ":until": before, ":skipped": skipped, ":limit": place.limit };
    all(connection, sql, &[range, slice].concat()[..], entry)
}

/// Goes through rows from the newest, no more than [`LOOKED_AT_MAX`] and one of them. Returns the ids of those that
/// pass and belong on the page, and how many pass, unless there are more to look at.
fn look(
    connection: &Connection,
    (sql, filter): (&str, &Named<'_>),
    place: Place,
) -> rusqlite::Result<(Vec<i64>, Option<u64>)> {
    let mut statement = connection.prepare_cached(sql)?;
    let looked = LOOKED_AT_MAX + 1;
    let mut found = statement.query(&[filter, named_params! { ":looked": looked }].concat()[..])?;
    let (mut ids, mut looked_at, mut passed) = (Vec::new(), 0_i64, 0_i64);
    while let Some(row) = found.next()? {
        looked_at += 1;
        if row.get(1)? {
            if (place.skipped..place.skipped.saturating_add(place.limit)).contains(&passed) {
                ids.push(row.get(0)?);
            }
            passed += 1;
        }
    }
    let whole = looked_at <= LOOKED_AT_MAX;
    Ok((ids, whole.then_some(passed.unsigned_abs())))
}

/// Primary key of counts: each stretch that anything was counted in, from the newest, and in it the
/// partner's row.
pub(crate) const STRETCHES: &str = "WITH RECURSIVE seen (stretch) AS (\
     SELECT max(c.stretch) FROM counts c WHERE c.grain = :grain AND c.stretch >= :from AND c.stretch < :until \
     UNION ALL SELECT (SELECT max(c.stretch) FROM counts c WHERE c.grain = :grain AND c.stretch >= :from \
     AND c.stretch < seen.stretch) FROM seen WHERE seen.stretch IS NOT NULL) \
     SELECT c.stretch, c.n FROM seen CROSS JOIN counts c WHERE c.grain = :grain AND c.stretch = seen.stretch \
     AND c.partner = :partner AND c.place = :place";

/// A list with counts.
struct Counted<'a> {
    partner: PartnerId,
    place: &'a str,
    /// In stretches of each length.
    grains: [Grain; 3],
}

/// What the counts tell.
struct Found {
    total: u64,
    begins: Option<Begins>,
}

/// Stretches and single rows, walked from the newest.
struct Walk {
    skipped: i64,
    passed: i64,
    /// The part that the page begins in, and how many of its rows are skipped.
    hit: Option<(Part, i64)>,
}

impl Walk {
    fn new(skipped: i64) -> Walk {
        Walk { skipped, passed: 0, hit: None }
    }

    fn pass(&mut self, part: Part, n: i64) {
        if self.hit.is_none() && self.passed.saturating_add(n) > self.skipped {
            self.hit = Some((part, self.skipped - self.passed));
        }
        self.passed = self.passed.saturating_add(n);
    }
}

impl Counted<'_> {
    /// Counts the ids of a span and finds the row after the `skipped` newest ones. `count` counts rows
    /// between `:from` and `:until` one by one.
    fn find(
        &self,
        connection: &Connection,
        (count, rows): (&str, &Named<'_>),
        (from, until): (i64, i64),
        skipped: i64,
    ) -> rusqlite::Result<Found> {
        let mut walk = Walk::new(skipped);
        for part in parts(from, until) {
            if let Some(length) = part.length {
                self.stretches(connection, length, part, &mut walk)?;
                continue;
            }
            let range: &Named<'_> = named_params! { ":from": part.from, ":until": part.until };
            let mut statement = connection.prepare_cached(count)?;
            walk.pass(part, statement.query_row(&[rows, range].concat()[..], |row| row.get(0))?);
        }
        let mut hit = walk.hit;
        // In a longer stretch, the shorter one.
        while let Some((part, skipped)) = hit
            && let Some(length) = part.length.and_then(|length| length.checked_sub(1))
        {
            let mut within = Walk::new(skipped);
            self.stretches(connection, length, part, &mut within)?;
            hit = within.hit;
        }
        let begins = hit.map(|(part, skipped)| Begins { before: part.until, skipped });
        Ok(Found { total: walk.passed.max(0).unsigned_abs(), begins })
    }

    /// Passes the stretches of one length in a part.
    fn stretches(
        &self,
        connection: &Connection,
        length: usize,
        part: Part,
        walk: &mut Walk,
    ) -> rusqlite::Result<()> {
        let (Some(grain), Some(ids)) = (self.grains.get(length), IDS.get(length)) else { return Ok(()) };
        let parameters: &Named<'_> = named_params! {
            ":grain": grain.code(), ":from": part.from / ids, ":until": part.until / ids,
            ":partner": self.partner.get(), ":place": self.place,
        };
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let mut found: Vec<(i64, i64)> = all(connection, STRETCHES, parameters, read)?;
        // They come in this order; nothing here leans on it.
        found.sort_unstable_by_key(|(stretch, _)| std::cmp::Reverse(*stretch));
        for (stretch, n) in found {
            let (from, until) = (stretch.saturating_mul(*ids), (stretch + 1).saturating_mul(*ids));
            walk.pass(Part { from, until, length: Some(length) }, n);
        }
        Ok(())
    }
}
