//! Pages with numbers and totals: orders and redemptions, newest first.
//!
//! How many there are, and where a page begins, is told by the counts of stretches of time; rows are
//! counted or skipped only within a short stretch (see `tradewind_store::counts`). A filter that the
//! counts know nothing of looks at each row, at a bounded number of them. Each page is one statement, and
//! so one snapshot.

use tokio_postgres::Row;
use tradewind_domain::{OrderId, OrderPage, RedemptionPage, VoucherCode};
use tradewind_store::counts::{Grain, IDS, LOOKED_AT_MAX, ORDERS, REDEMPTIONS, parts};
use tradewind_store::{OrderQuery, RedemptionQuery, Result};

use crate::codes::{Code, Unreadable, standing};
use crate::error::unreadable;
use crate::pool::Readers;
use crate::rows::{self, ORDER_COLUMNS, PAYMENT_COLUMNS, REDEMPTION_COLUMNS, get};
use crate::session::{Step, Value};

/// A page by the counts: `$1` and `$2` are the partner and the place, `$3` where the span begins, `$4` to
/// `$7` its parts in stretches (their grains, how many ids a stretch has, and the numbers of the stretches),
/// `$8` and `$9` its parts in rows, `$10` how many rows are skipped and `$11` how many shown.
macro_rules! counted {
    ($short:literal, $middle:literal, [$($columns:ident),+], $rows:literal, $id:literal, $order:literal, $joined:literal) => {
        concat!(
            "WITH parts AS (",
            "SELECT c.stretch * k.ids AS low, (c.stretch + 1) * k.ids AS high, k.ids, c.n",
            " FROM unnest($4::smallint[], $5::bigint[], $6::bigint[], $7::bigint[]) AS k (grain, ids, low, high)",
            " JOIN counts c ON c.partner = $1 AND c.grain = k.grain AND c.place = $2",
            " AND c.stretch >= k.low AND c.stretch < k.high",
            " UNION ALL SELECT k.low, k.high, 0, r.n FROM unnest($8::bigint[], $9::bigint[]) AS k (low, high)",
            " CROSS JOIN LATERAL (SELECT count(*) AS n FROM ", $rows,
            " AND ", $id, " >= k.low AND ", $id, " < k.high) AS r),",
            // The part that the page begins in; in a longer stretch, the shorter one, twice.
            " part AS (SELECT * FROM (SELECT low, high, ids, n,",
            " (sum(n) OVER (ORDER BY low DESC ROWS UNBOUNDED PRECEDING))::bigint - n AS before FROM parts) AS s",
            " WHERE before + n > $10 ORDER BY low DESC LIMIT 1),",
            counted!(@shorter "middle", "part", "144000000000", "1200000000", $middle),
            counted!(@shorter "short", "middle", "1200000000", "10000000", $short),
            " start AS (SELECT high, $10 - before AS skipped FROM short)",
            " SELECT ", $(crate::rows::$columns!(), ", ",)+ "whole.total FROM",
            " (SELECT coalesce(sum(n), 0)::bigint AS total FROM parts) AS whole LEFT JOIN (",
            "(SELECT * FROM ", $rows, " AND ", $id, " >= $3 AND ", $id, " < (SELECT high FROM start)",
            " ORDER BY ", $order, " LIMIT $11 OFFSET (SELECT skipped FROM start))",
            $joined, ") ON true ORDER BY ", $id, " DESC"
        )
    };
    (@shorter $name:literal, $of:literal, $longer:literal, $ids:literal, $grain:literal) => {
        concat!(
            " ", $name, " AS (SELECT low, high, ids, n, before FROM (",
            "SELECT c.stretch * ", $ids, " AS low, (c.stretch + 1) * ", $ids, " AS high, ", $ids, " AS ids, c.n,",
            " p.before + (sum(c.n) OVER (ORDER BY c.stretch DESC ROWS UNBOUNDED PRECEDING))::bigint - c.n AS before",
            " FROM ", $of, " p JOIN counts c ON c.partner = $1 AND c.grain = ", $grain, " AND c.place = $2",
            " AND c.stretch >= p.low / ", $ids, " AND c.stretch < p.high / ", $ids,
            " WHERE p.ids = ", $longer, ") AS s WHERE before + n > $10",
            " UNION ALL SELECT low, high, ids, n, before FROM ", $of, " WHERE ids <> ", $longer,
            " ORDER BY low DESC LIMIT 1),"
        )
    };
}

/// Primary key of counts; primary key of orders from the newest, where what is skipped lies within a short
/// stretch; primary keys of payments and order_lines.
pub(crate) const PAGE_ORDERS: &str = counted!(
    "0",
    "1",
    [order_columns, payment_columns, line_columns],
    "orders o WHERE o.partner = $1",
    "o.id",
    "o.partner DESC, o.id DESC",
    " AS o JOIN payments p ON p.partner = o.partner AND p.order_id = o.id AND p.id = o.payment \
      LEFT JOIN order_lines l ON l.partner = o.partner AND l.order_id = o.id"
);

/// Primary key of counts; index redemptions_by from the newest.
pub(crate) const PAGE_REDEMPTIONS: &str = counted!(
    "3",
    "4",
    [redemption_columns, voucher_columns],
    "redemptions r WHERE r.by_partner = $1 AND r.device = $2",
    "r.id",
    "r.by_partner DESC, r.device DESC, r.id DESC",
    " AS r JOIN vouchers v ON v.partner = r.partner AND v.id = r.voucher"
);

macro_rules! passes {
    () => {
        concat!(
            "($6::bigint = 0 OR ($6::bigint >> (",
            standing!("$7::bigint", "$8::bigint"),
            ")) & 1 = 1)",
            " AND ($9::text IS NULL OR o.operator = $9)",
            " AND ($10::text IS NULL OR EXISTS (SELECT FROM payments p WHERE p.partner = o.partner",
            " AND p.order_id = o.id AND p.id = o.payment AND p.method = $10))",
        )
    };
}

/// A page of those among the rows looked at that pass: `$1` is how many are skipped, `$2` how many shown,
/// `$3` how many may be looked at, and there is one more.
macro_rules! looked {
    ($looked:expr, [$($columns:ident),+], $id:literal, $joined:literal) => {
        concat!(
            "WITH looked AS MATERIALIZED (",
            $looked,
            ")",
            " SELECT ",
            $(crate::rows::$columns!(), ", ",)+
            "whole.total FROM (SELECT CASE WHEN count(*) <= $3::bigint THEN count(*) FILTER (WHERE passes) END",
            " AS total FROM looked) AS whole LEFT JOIN (",
            "(SELECT * FROM looked WHERE passes ORDER BY id DESC LIMIT $2 OFFSET $1) AS page ",
            $joined,
            ") ON true ORDER BY ",
            $id,
            " DESC"
        )
    };
}

/// Primary key of orders from the newest, and a look at each order, up to a bound.
pub(crate) const LOOK_AT_ORDERS: &str = looked!(
    concat!(
        "SELECT o.partner, o.id, (",
        passes!(),
        ") AS passes FROM orders o",
        " WHERE o.partner = $4 AND o.id >= $5 AND o.id < $11 ORDER BY o.partner DESC, o.id DESC LIMIT $3::bigint + 1"
    ),
    [order_columns, payment_columns, line_columns],
    "o.id",
    "JOIN orders o ON o.partner = page.partner AND o.id = page.id \
     JOIN payments p ON p.partner = o.partner AND p.order_id = o.id AND p.id = o.payment \
     LEFT JOIN order_lines l ON l.partner = o.partner AND l.order_id = o.id"
);

/// Index orders_number: one order at most, found before anything else is asked of it.
pub(crate) const LOOK_AT_NUMBER: &str = looked!(
    concat!(
        "SELECT o.partner, o.id, (",
        passes!(),
        ") AS passes FROM",
        " (SELECT * FROM orders n WHERE n.partner = $4 AND n.number = $12 OFFSET 0) AS o",
        " WHERE o.id >= $5 AND o.id < $11"
    ),
    [order_columns, payment_columns, line_columns],
    "o.id",
    "JOIN orders o ON o.partner = page.partner AND o.id = page.id \
     JOIN payments p ON p.partner = o.partner AND p.order_id = o.id AND p.id = o.payment \
     LEFT JOIN order_lines l ON l.partner = o.partner AND l.order_id = o.id"
);

/// Index vouchers_code; primary key of redemptions from the newest, and a look at each of the voucher, up
/// to a bound.
pub(crate) const LOOK_AT_REDEMPTIONS: &str = looked!(
    "SELECT r.partner, r.voucher, r.id, (r.by_partner = $4 AND r.device = $5) AS passes FROM redemptions r \
     WHERE r.partner = (SELECT c.partner FROM voucher_codes c WHERE c.code = $6) \
     AND r.voucher = (SELECT c.voucher FROM voucher_codes c WHERE c.code = $6) \
     AND r.id >= $7 AND r.id < $8 ORDER BY r.partner DESC, r.voucher DESC, r.id DESC LIMIT $3::bigint + 1",
    [redemption_columns, voucher_columns],
    "r.id",
    "JOIN redemptions r ON r.partner = page.partner AND r.voucher = page.voucher AND r.id = page.id \
     JOIN vouchers v ON v.partner = r.partner AND v.id = r.voucher"
);

/// A page of a partner's orders, newest first, and how many there are.
pub(crate) async fn list_orders(listers: &Readers, query: OrderQuery) -> Result<OrderPage> {
    let list = &query.list;
    let unstorable = |text: &Option<String>| text.as_ref().is_some_and(|text| text.contains('\0'));
    if unstorable(&list.number) || unstorable(&list.operator) {
        return Ok(OrderPage { entries: Vec::new(), total: Some(0) });
    }
    let partner = query.partner.get();
    let (from, until) = (OrderId::first_at(list.from).get(), OrderId::first_at(list.until).get());
    let (skipped, limit) = slice(list.page, list.page_size);
    let filtered = !list.standings.is_empty() || list.method.is_some() || list.operator.is_some();
    let entry = |row: &Row| {
        let order = rows::order_with_line(row, ORDER_COLUMNS + PAYMENT_COLUMNS)?;
        Ok((order, rows::payment_from(row, ORDER_COLUMNS)?))
    };
    if !filtered && list.number.is_none() {
        let values = || by_counts((partner, ""), ORDERS, (from, until), (skipped, limit));
        let (entries, total) = page(listers, PAGE_ORDERS, values, entry).await?;
        return Ok(OrderPage { entries, total });
    }
    let sql = if list.number.is_some() { LOOK_AT_NUMBER } else { LOOK_AT_ORDERS };
    let values = || {
        let standings = list.standings.iter().fold(0_i64, |set, standing| set | 1 << standing.code());
        let mut values: Vec<Value<'static>> = vec![
            Box::new(skipped),
            Box::new(limit),
            Box::new(LOOKED_AT_MAX),
            Box::new(partner),
            Box::new(from),
            Box::new(standings),
            Box::new(query.now.ms()),
            Box::new(query.refund_window.ms()),
            Box::new(list.operator.clone()),
            Box::new(list.method.as_ref().map(|method| method.name().to_owned())),
            Box::new(until),
        ];
        if let Some(number) = &list.number {
            values.push(Box::new(number.clone()));
        }
        values
    };
    let (entries, total) = page(listers, sql, values, entry).await?;
    Ok(OrderPage { entries, total })
}

/// A page of what a partner has redeemed, newest first, and how much there is.
pub(crate) async fn list_redemptions(listers: &Readers, query: RedemptionQuery) -> Result<RedemptionPage> {
    let list = &query.list;
    if list.device.contains('\0') {
        return Ok(RedemptionPage { entries: Vec::new(), total: Some(0) });
    }
    let by = query.by.get();
    let (from, until) = query.ids();
    let (skipped, limit) = slice(list.page, list.page_size);
    let entry = |row: &Row| Ok((rows::redemption(row)?, rows::voucher_from(row, REDEMPTION_COLUMNS)?));
    let (entries, total) = match list.code.map(VoucherCode::get) {
        None => {
            let place = (by, list.device.as_str());
            let values = || by_counts(place, REDEMPTIONS, (from, until), (skipped, limit));
            page(listers, PAGE_REDEMPTIONS, values, entry).await?
        }
        Some(code) => {
            let values = || -> Vec<Value<'static>> {
                vec![
                    Box::new(skipped),
                    Box::new(limit),
                    Box::new(LOOKED_AT_MAX),
                    Box::new(by),
                    Box::new(list.device.clone()),
                    Box::new(code),
                    Box::new(from),
                    Box::new(until),
                ]
            };
            page(listers, LOOK_AT_REDEMPTIONS, values, entry).await?
        }
    };
    Ok(RedemptionPage { entries, total })
}

/// How many rows a page skips and shows.
fn slice(page: u32, page_size: u32) -> (i64, i64) {
    let limit = i64::from(page_size);
    (i64::from(page.saturating_sub(1)) * limit, limit)
}

fn by_counts(
    (partner, place): (i64, &str),
    grains: [Grain; 3],
    (from, until): (i64, i64),
    (skipped, limit): (i64, i64),
) -> Vec<Value<'static>> {
    let (mut codes, mut ids, mut firsts, mut ends) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let (mut rows_from, mut rows_until) = (Vec::new(), Vec::new());
    for part in parts(from, until) {
        let counted = part.length.and_then(|length| Some((grains.get(length)?, *IDS.get(length)?)));
        match counted {
            Some((grain, length)) => {
                codes.push(grain.code());
                ids.push(length);
                firsts.push(part.from / length);
                ends.push(part.until / length);
            }
            None => {
                rows_from.push(part.from);
                rows_until.push(part.until);
            }
        }
    }
    vec![
        Box::new(partner),
        Box::new(place.to_owned()),
        Box::new(from),
        Box::new(codes),
        Box::new(ids),
        Box::new(firsts),
        Box::new(ends),
        Box::new(rows_from),
        Box::new(rows_until),
        Box::new(skipped),
        Box::new(limit),
    ]
}

/// Runs a statement whose rows end with the total, and of which the first is empty when the page is.
async fn page<T>(
    listers: &Readers,
    sql: &'static str,
    values: impl Fn() -> Vec<Value<'static>>,
    entry: impl Fn(&Row) -> std::result::Result<T, Unreadable>,
) -> Result<(Vec<T>, Option<u64>)> {
    let answers = listers.fly(|| vec![Step::query(sql, values())]).await?;
    let rows = answers.first().map_or(&[][..], Vec::as_slice);
    let read = || -> std::result::Result<(Vec<T>, Option<u64>), Unreadable> {
        let Some(first) = rows.first() else { return Ok((Vec::new(), None)) };
        let total: Option<i64> = get(first, first.len().saturating_sub(1))?;
        let is_empty = get::<Option<i64>>(first, 0)?.is_none();
        let entries = if is_empty { Ok(Vec::new()) } else { rows.iter().map(entry).collect() };
        Ok((entries?, total.map(i64::unsigned_abs)))
    };
    read().map_err(unreadable)
}
