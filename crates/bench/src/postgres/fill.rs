//! Millions of orders, written straight into the tables: through the gateway they would take a night.
//!
//! The rows are those that the gateway itself would have written for orders of the last weeks, with
//! all that belongs to them, so that `verify` finds nothing to say: four of five are paid, with their
//! transfer, event and delivery, the others were closed unpaid.

use super::sql::Sql;
use anyhow::ensure;
use std::time::{Duration, Instant};

/// Orders of one transaction.
const CHUNK: u64 = 100_000;
/// The orders are spread evenly over this time before now: a list without dates shows a month.
const SPAN_MS: u64 = 25 * 24 * 3600 * 1000;
/// Node 99 is the last to be given out, so no id collides with a gateway's.
const NODE_AND_SEQUENCE: i64 = 9900;
/// Users, and uses of the voucher: a few more than a list has on a thousand pages.
const MORE_ROWS: u64 = 10_050;
/// Any code with its check digit.
const VOUCHER_CODE: u64 = 0;
/// Each number begins with it.
pub(crate) const PREFIX: &str = "F";

/// The orders of a chunk, as a table `made`: `k` counts the orders of a partner from 0.
const MADE: &str = "
    CREATE TEMP TABLE made ON COMMIT DROP AS
    SELECT p.partner, i, i / $partners AS k, $base + i * $step AS at,
           ($base + i * $step) * 10000 + $node AS id, (i / $partners) % 10 < 8 AS paid
    FROM generate_series($first::bigint, $last::bigint) i JOIN fill_partners p ON p.n = i % $partners;";

const ROWS: &str = "
    INSERT INTO orders (partner, id, dialect, number, fingerprint, amount, currency, subject, stage,
        revocation_applied, refunded, refunding, refund_failed, fee_ppm, payment, paid_at, ended_at, expires_at,
        operator, device, notify_url)
    SELECT partner, id, 'sosopay', '$prefix' || lpad(i::text, 20, '0'), hashint8extended(i, 7), 158000000, 'CNY',
        'measured-order', CASE WHEN paid THEN 1 ELSE 3 END, false, 0, 0, false, 0, id,
        CASE WHEN paid THEN at + 1000 END, CASE WHEN NOT paid THEN at + 7200000 END, at + 7200000,
        'oper01', 'dev01', 'http://127.0.0.1:9/n?_type=json'
    FROM made ORDER BY i;

    INSERT INTO payments (partner, order_id, id, channel, method, flow, state, amount, currency, payer_code, payer,
        channel_number, bills, settled_at)
    SELECT partner, id, id, 'sandbox', 'alipay', CASE WHEN paid THEN 0 ELSE 1 END, CASE WHEN paid THEN 2 ELSE 5 END,
        158000000, 'CNY', CASE WHEN paid THEN '28' || lpad(i::text, 12, '0') || '1234' END,
        CASE WHEN paid THEN 'payer-280000' END, CASE WHEN paid THEN 'SB' || id END,
        CASE WHEN paid THEN '[[\"alipay_balance\",158000000,\"CNY\"]]' END,
        at + CASE WHEN paid THEN 1000 ELSE 7200000 END
    FROM made ORDER BY i;

    INSERT INTO transfers (partner, order_id, id, debit, credit, amount, currency, kind, purpose, at)
    SELECT partner, id, id, 'clearing:sandbox', 'payable', 158000000, 'CNY', 0, 0, at + 1000
    FROM made WHERE paid ORDER BY i;

    INSERT INTO events (partner, number, kind, order_id, at)
    SELECT partner, k + 1, CASE WHEN paid THEN 0 ELSE 2 END, id, at + CASE WHEN paid THEN 1000 ELSE 7200000 END
    FROM made ORDER BY i;

    -- Of a hundred deliveries two have failed for good, and one waits for tomorrow.
    INSERT INTO tasks (partner, order_id, id, kind, subject, state, started_at, due_at, attempts, last_result)
    SELECT partner, id, id, 0, k + 1, CASE k % 100 WHEN 11 THEN 2 WHEN 51 THEN 2 WHEN 31 THEN 0 ELSE 1 END,
        at + 1000, CASE k % 100 WHEN 31 THEN $tomorrow ELSE at + 1000 END,
        CASE k % 100 WHEN 11 THEN 30 WHEN 51 THEN 30 ELSE 1 END,
        CASE k % 100 WHEN 11 THEN 'no answer' WHEN 51 THEN 'no answer' ELSE 'acknowledged' END
    FROM made WHERE paid ORDER BY i;";

/// What the first partner has besides: users, and a voucher that was used many times, one use a minute.
const MORE: &str = "
    INSERT INTO users (partner, login, id, name, password_hash, state, may_refund, device_serial, device_software,
        device_version, created_at)
    SELECT partner, 'user-' || lpad(i::text, 6, '0'), $base * 10000 + $node + i * 10000, 'measured', '', 1, false, '', '',
        '', $base FROM fill_partners CROSS JOIN generate_series(1, $more) i WHERE n = 0;

    INSERT INTO vouchers (partner, id, dialect, number, fingerprint, code, subject, ordered, used, state)
    SELECT partner, $base * 10000 + $node, 'sosopay', 'measured-voucher', 7, $code, 'measured', $more, $more, 0
    FROM fill_partners WHERE n = 0;

    INSERT INTO voucher_codes (code, partner, voucher) SELECT code, partner, id FROM vouchers;

    INSERT INTO redemptions (partner, voucher, id, by_partner, device, count, used_so_far, left_over)
    SELECT partner, id, ($base + i * 60000) * 10000 + $node, partner, 'gate-1', 1, i, ordered - i
    FROM vouchers CROSS JOIN generate_series(1, $more) i;

    INSERT INTO events (partner, number, kind, order_id, redemption, at)
    SELECT r.partner, e.last + row_number() OVER (ORDER BY r.id), 5, -r.voucher, r.id, r.id / 10000
    FROM redemptions r JOIN (SELECT partner, max(number) AS last FROM events GROUP BY partner) e USING (partner);";

/// What is kept in sums beside the rows.
const SUMS: &str = "
    INSERT INTO counts (partner, grain, place, stretch, n)
    SELECT partner, 0, '', id / 10000000, count(*) FROM orders GROUP BY 1, 4
    UNION ALL SELECT by_partner, 3, device, id / 10000000, count(*) FROM redemptions GROUP BY 1, 3, 4;
    INSERT INTO counts (partner, grain, place, stretch, n)
    SELECT partner, grain + 1, place, stretch / 120, sum(n) FROM counts WHERE grain IN (0, 3) GROUP BY 1, 2, 3, 4;
    INSERT INTO counts (partner, grain, place, stretch, n)
    SELECT partner, grain + 1, place, stretch / 120, sum(n) FROM counts WHERE grain IN (1, 4) GROUP BY 1, 2, 3, 4;

    INSERT INTO accounts (partner, account, currency, debits_posted, credits_posted, debits_pending, credits_pending)
    SELECT t.partner, a.account, 'CNY', CASE a.account WHEN 'payable' THEN 0 ELSE t.total END,
        CASE a.account WHEN 'payable' THEN t.total ELSE 0 END, 0, 0
    FROM (SELECT partner, sum(amount)::bigint AS total FROM transfers WHERE order_id > 0 GROUP BY partner) t,
        (VALUES ('payable'), ('clearing:sandbox')) a (account);

    INSERT INTO streams (partner, last) SELECT partner, max(number) FROM events GROUP BY partner
    ON CONFLICT (partner) DO UPDATE SET last = excluded.last;";

/// Fills the books of the partners that the load calls as. The gateway's tables must be there and hold
/// the partners, and no order yet.
pub(crate) fn fill(url: &str, partners: usize, orders: u64, now_ms: u64) -> anyhow::Result<Duration> {
    let begun_at = Instant::now();
    let mut sql = Sql::connect(url)?;
    ensure!(
        sql.number("SELECT count(*) FROM (SELECT 1 FROM orders LIMIT 1) o")? == 0,
        "there are orders already"
    );
    sql.run(
        "CREATE TEMP TABLE fill_partners AS
         SELECT row_number() OVER (ORDER BY key_id) - 1 AS n, partner FROM key_ids WHERE key_id LIKE '002%'",
    )?;
    let found = sql.number("SELECT count(*) FROM fill_partners")?;
    ensure!(usize::try_from(found) == Ok(partners), "{found} of {partners} partners are there");
    let step = (SPAN_MS / orders.max(1)).max(1);
    let base = now_ms.saturating_sub(orders * step);
    let mut first = 0;
    while first < orders {
        let last = (first + CHUNK).min(orders) - 1;
        let chunk = [MADE, ROWS]
            .concat()
            .replace("$partners", &partners.to_string())
            .replace("$base", &base.to_string())
            .replace("$step", &step.to_string())
            .replace("$node", &NODE_AND_SEQUENCE.to_string())
            .replace("$prefix", PREFIX)
            .replace("$tomorrow", &(now_ms + 24 * 3600 * 1000).to_string())
            .replace("$first", &first.to_string())
            .replace("$last", &last.to_string());
        sql.run(&format!("BEGIN; {chunk} COMMIT"))?;
        first = last + 1;
        if first % (10 * CHUNK) == 0 || first == orders {
            eprintln!("filled {first} of {orders} orders after {:.0} s", begun_at.elapsed().as_secs_f64());
        }
    }
    let more = MORE
        .replace("$base", &base.to_string())
        .replace("$node", &NODE_AND_SEQUENCE.to_string())
        .replace("$code", &VOUCHER_CODE.to_string())
        .replace("$more", &MORE_ROWS.to_string());
    sql.run(&more)?;
    sql.run(SUMS)?;
    // As autovacuum would have done in the weeks that these orders stand for.
    sql.run("VACUUM ANALYZE")?;
    sql.run("CHECKPOINT")?;
    Ok(begun_at.elapsed())
}
