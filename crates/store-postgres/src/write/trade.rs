//! Orders and what belongs to them: the hot path.

use tradewind_domain::{Account, Order, PartnerId, Payment, Refund, Task, WriteSet};
use tradewind_store::{Result, StoreError, about_number, cause_number};

use super::{all_of, column, insert, update};
use crate::codes::{Code, bills_text, task_kind_columns, transfer_kind_columns};
use crate::load::Seen;
use crate::session::Step;

/// What a lane uses in most batches.
pub(crate) const HOT: &[&str] = &[
    INSERT_ORDERS,
    UPDATE_ORDERS,
    INSERT_PAYMENTS,
    UPDATE_PAYMENTS,
    INSERT_TRANSFERS,
    ADD_TO_ACCOUNTS,
    super::counts::COUNT,
    UPDATE_STREAMS,
    INSERT_EVENTS,
    DELETE_TASKS,
    UPDATE_TASKS,
    INSERT_TASKS,
    super::REMEMBER,
];

const INSERT_ORDERS: &str = "INSERT INTO orders (partner, id, dialect, number, fingerprint, amount, currency, \
     subject, stage, revocation_applied, refunded, refunding, refund_failed, fee_ppm, payment, paid_at, ended_at, \
     expires_at, operator, device, store, notify_url, details) SELECT * FROM unnest( \
     $1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::text[], \
     $9::smallint[], $10::boolean[], $11::bigint[], $12::bigint[], $13::boolean[], $14::bigint[], $15::bigint[], \
     $16::bigint[], $17::bigint[], $18::bigint[], $19::text[], $20::text[], $21::text[], $22::text[], $23::text[])";

/// What an order is about never changes; only how far it has come.
const UPDATE_ORDERS: &str = all_of!(
    "$11",
    "UPDATE orders o SET stage = k.stage, revocation_applied = k.revocation_applied, refunded = k.refunded, \
     refunding = k.refunding, refund_failed = k.refund_failed, payment = k.payment, paid_at = k.paid_at, \
     ended_at = k.ended_at FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::boolean[], $5::bigint[], \
     $6::bigint[], $7::boolean[], $8::bigint[], $9::bigint[], $10::bigint[]) AS k (partner, id, stage, \
     revocation_applied, refunded, refunding, refund_failed, payment, paid_at, ended_at) \
     WHERE o.partner = k.partner AND o.id = k.id"
);

const INSERT_PAYMENTS: &str = "INSERT INTO payments (partner, order_id, id, channel, method, flow, state, amount, \
     currency, payer_code, payer, channel_number, bills, reason, settled_at, follow_up) SELECT * FROM unnest( \
     $1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::smallint[], $7::smallint[], \
     $8::bigint[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::bigint[], \
     $16::bigint[])";

const UPDATE_PAYMENTS: &str = all_of!(
    "$11",
    "UPDATE payments p SET state = k.state, payer = k.payer, channel_number = k.channel_number, bills = k.bills, \
     reason = k.reason, settled_at = k.settled_at, follow_up = k.follow_up \
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::smallint[], $5::text[], $6::text[], $7::text[], \
     $8::text[], $9::bigint[], $10::bigint[]) AS k (partner, order_id, id, state, payer, channel_number, bills, \
     reason, settled_at, follow_up) \
     WHERE p.partner = k.partner AND p.order_id = k.order_id AND p.id = k.id"
);

const INSERT_REFUNDS: &str = "INSERT INTO refunds (partner, order_id, id, number, fingerprint, kind, state, amount, \
     currency, subject, operator, channel_number, bills, reason, settled_at, follow_up, hold, units, \
     units_so_far) SELECT * FROM unnest( \
     $1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::smallint[], $7::smallint[], \
     $8::bigint[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::bigint[], \
     $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[])";

const UPDATE_REFUNDS: &str = all_of!(
    "$12",
    "UPDATE refunds r SET state = k.state, channel_number = k.channel_number, bills = k.bills, \
     reason = k.reason, settled_at = k.settled_at, follow_up = k.follow_up, units_so_far = k.units_so_far, \
     operator = k.operator \
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::smallint[], $5::text[], $6::text[], $7::text[], \
     $8::bigint[], $9::bigint[], $10::bigint[], $11::text[]) AS k (partner, order_id, id, state, channel_number, \
     bills, reason, settled_at, follow_up, units_so_far, operator) WHERE r.partner = k.partner AND r.order_id = k.order_id AND r.id = k.id"
);

const INSERT_TRANSFERS: &str = "INSERT INTO transfers (partner, order_id, id, debit, credit, amount, currency, kind, \
     settles, purpose, at) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], \
     $6::bigint[], $7::text[], $8::smallint[], $9::bigint[], $10::smallint[], $11::bigint[])";

macro_rules! insert_accounts {
    ($conflict:literal) => {
        concat!(
            "INSERT INTO accounts (partner, account, currency, debits_posted, credits_posted, debits_pending, \
             credits_pending) SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], \
             $5::bigint[], $6::bigint[], $7::bigint[])",
            $conflict
        )
    };
}

const INSERT_ACCOUNTS: &str = insert_accounts!("");

const ADD_TO_ACCOUNTS: &str = insert_accounts!(
    " ON CONFLICT (partner, account, currency) DO UPDATE SET \
     debits_posted = accounts.debits_posted + excluded.debits_posted, \
     credits_posted = accounts.credits_posted + excluded.credits_posted, \
     debits_pending = accounts.debits_pending + excluded.debits_pending, \
     credits_pending = accounts.credits_pending + excluded.credits_pending"
);

const INSERT_STREAMS: &str =
    "INSERT INTO streams (partner, last) SELECT * FROM unnest($1::bigint[], $2::bigint[])";

/// From where it stood when it was loaded, and from nowhere else.
const UPDATE_STREAMS: &str = all_of!(
    "$4",
    "UPDATE streams s SET last = k.last FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) \
     AS k (partner, last, seen) WHERE s.partner = k.partner AND (k.seen IS NULL OR s.last = k.seen)"
);

const INSERT_EVENTS: &str = "INSERT INTO events (partner, number, kind, order_id, refund, redemption, at) \
     SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::smallint[], $4::bigint[], $5::bigint[], $6::bigint[], \
     $7::bigint[])";

const DELETE_TASKS: &str = "DELETE FROM tasks t USING unnest($1::bigint[], $2::bigint[], $3::bigint[]) \
     AS k (partner, order_id, id) WHERE t.partner = k.partner AND t.order_id = k.order_id AND t.id = k.id";

/// One that has gone meanwhile stays gone. Whoever changes a task ends the lease on it.
const UPDATE_TASKS: &str = "UPDATE tasks t SET state = k.state, started_at = k.started_at, due_at = k.due_at, \
     attempts = k.attempts, last_result = k.last_result, lease = NULL, lease_until = NULL \
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::smallint[], $5::bigint[], $6::bigint[], $7::bigint[], \
     $8::text[]) AS k (partner, order_id, id, state, started_at, due_at, attempts, last_result) \
     WHERE t.partner = k.partner AND t.order_id = k.order_id AND t.id = k.id";

const INSERT_TASKS: &str = "INSERT INTO tasks (partner, order_id, id, kind, subject, endpoint, state, started_at, \
     due_at, attempts, last_result) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::smallint[], \
     $5::bigint[], $6::bigint[], $7::smallint[], $8::bigint[], $9::bigint[], $10::bigint[], $11::text[])";

/// The amounts of an order share one column for their currency.
pub(super) fn check_currencies(set: &WriteSet) -> Result<()> {
    let mixed = |order: &&Order| {
        let currency = order.amount.currency();
        order.refunded.currency() != currency || order.refunding.currency() != currency
    };
    match set.orders_new.iter().chain(&set.orders_changed).find(mixed) {
        None => Ok(()),
        Some(order) => Err(StoreError::Corrupt(format!("the amounts of {} differ in currency", order.id))),
    }
}

/// Tasks that go or change; their locks come right after those of the load.
pub(super) fn tasks_gone_and_changed<'a>(set: &'a WriteSet, steps: &mut Vec<Step<'a>>) {
    let mut removed = set.tasks_removed.clone();
    removed.sort_unstable();
    insert(steps, DELETE_TASKS, &removed, |rows| {
        vec![
            column(rows, |key| key.partner.get()),
            column(rows, |key| about_number(key.about)),
            column(rows, |key| key.id.get()),
        ]
    });
    let mut changed: Vec<&Task> = set.tasks_changed.iter().collect();
    changed.sort_unstable_by_key(|task| task.key);
    insert(steps, UPDATE_TASKS, &changed, |rows| {
        vec![
            column(rows, |task| task.key.partner.get()),
            column(rows, |task| about_number(task.key.about)),
            column(rows, |task| task.key.id.get()),
            column(rows, |task| task.state.code()),
            column(rows, |task| task.started_at.ms()),
            column(rows, |task| task.due_at.ms()),
            column(rows, |task| i64::from(task.attempts)),
            column(rows, |task| task.last_result.as_deref()),
        ]
    });
}

pub(super) fn write<'a>(set: &'a WriteSet, seen: &Seen, steps: &mut Vec<Step<'a>>) {
    // The stream is the first lock of a load; here it is held already, or decides by its position.
    streams(set, seen, steps);
    orders(set, steps);
    payments(set, steps);
    refunds(set, steps);
    insert(steps, INSERT_TRANSFERS, &set.transfers, |rows| {
        vec![
            column(rows, |transfer| transfer.partner.get()),
            column(rows, |transfer| cause_number(transfer.cause)),
            column(rows, |transfer| transfer.id.get()),
            column(rows, |transfer| transfer.debit.code()),
            column(rows, |transfer| transfer.credit.code()),
            column(rows, |transfer| transfer.amount.micros()),
            column(rows, |transfer| transfer.amount.currency().code().to_owned()),
            column(rows, |transfer| transfer_kind_columns(transfer.kind).0),
            column(rows, |transfer| transfer_kind_columns(transfer.kind).1),
            column(rows, |transfer| transfer.purpose.code()),
            column(rows, |transfer| transfer.at.ms()),
        ]
    });
    insert(steps, INSERT_EVENTS, &set.events, |rows| {
        vec![
            column(rows, |event| event.partner.get()),
            column(rows, |event| event.number),
            column(rows, |event| event.kind.code()),
            column(rows, |event| about_number(event.about)),
            column(rows, |event| event.refund.map(|id| id.get())),
            column(rows, |event| event.redemption.map(|id| id.get())),
            column(rows, |event| event.at.ms()),
        ]
    });
    insert(steps, INSERT_TASKS, &set.tasks_new, |rows| {
        vec![
            column(rows, |task| task.key.partner.get()),
            column(rows, |task| about_number(task.key.about)),
            column(rows, |task| task.key.id.get()),
            column(rows, |task| task_kind_columns(task.kind).0),
            column(rows, |task| task_kind_columns(task.kind).1),
            column(rows, |task| task_kind_columns(task.kind).2),
            column(rows, |task| task.state.code()),
            column(rows, |task| task.started_at.ms()),
            column(rows, |task| task.due_at.ms()),
            column(rows, |task| i64::from(task.attempts)),
            column(&set.tasks_new, |task| task.last_result.clone()),
        ]
    });
}

/// The sums, which all batches of a partner share. Where a decision rests on there being no balance yet,
/// it must not be there: a plain insert finds out.
pub(super) fn accounts<'a>(set: &'a WriteSet, seen: &Seen, steps: &mut Vec<Step<'a>>) {
    let is_first = |(partner, account, currency): &(PartnerId, Account, String)| {
        let there = seen.balances.get(&partner.get());
        *account == Account::Prepaid && there.is_some_and(|there| !there.contains(currency))
    };
    let (first, more): (Vec<_>, Vec<_>) = set.accounts.iter().partition(|(key, _)| is_first(key));
    for (sql, rows) in [(INSERT_ACCOUNTS, first), (ADD_TO_ACCOUNTS, more)] {
        insert(steps, sql, &rows, |rows| {
            vec![
                column(rows, |((partner, _, _), _)| partner.get()),
                column(rows, |((_, account, _), _)| account.code()),
                column(rows, |((_, _, currency), _)| currency.as_str()),
                column(rows, |(_, delta)| delta.debits_posted),
                column(rows, |(_, delta)| delta.credits_posted),
                column(rows, |(_, delta)| delta.debits_pending),
                column(rows, |(_, delta)| delta.credits_pending),
            ]
        });
    }
}

fn streams<'a>(set: &'a WriteSet, seen: &Seen, steps: &mut Vec<Step<'a>>) {
    let mut changed = set.streams_changed.clone();
    changed.sort_unstable_by_key(|stream| stream.partner);
    update(steps, UPDATE_STREAMS, &changed, |rows| {
        vec![
            column(rows, |stream| stream.partner.get()),
            column(rows, |stream| stream.last),
            column(rows, |stream| seen.streams.get(&stream.partner.get()).copied()),
        ]
    });
    let mut new = set.streams_new.clone();
    new.sort_unstable_by_key(|stream| stream.partner);
    insert(steps, INSERT_STREAMS, &new, |rows| {
        vec![column(rows, |stream| stream.partner.get()), column(rows, |stream| stream.last)]
    });
}

fn orders<'a>(set: &'a WriteSet, steps: &mut Vec<Step<'a>>) {
    // Two processes that insert the same numbers meet in the same order.
    let mut new: Vec<&Order> = set.orders_new.iter().collect();
    new.sort_unstable_by(|one, other| (one.partner, &one.number).cmp(&(other.partner, &other.number)));
    insert(steps, INSERT_ORDERS, &new, |rows| {
        vec![
            column(rows, |order| order.partner.get()),
            column(rows, |order| order.id.get()),
            column(rows, |order| order.dialect.as_str()),
            column(rows, |order| order.number.as_str()),
            column(rows, |order| order.fingerprint),
            column(rows, |order| order.amount.micros()),
            column(rows, |order| order.amount.currency().code().to_owned()),
            column(rows, |order| order.subject.as_str()),
            column(rows, |order| order.stage.code()),
            column(rows, |order| order.revocation_applied),
            column(rows, |order| order.refunded.micros()),
            column(rows, |order| order.refunding.micros()),
            column(rows, |order| order.refund_failed),
            column(rows, |order| i64::from(order.fee_ppm)),
            column(rows, |order| order.payment.get()),
            column(rows, |order| order.paid_at.map(|at| at.ms())),
            column(rows, |order| order.ended_at.map(|at| at.ms())),
            column(rows, |order| order.expires_at.ms()),
            column(rows, |order| order.terminal.operator.as_str()),
            column(rows, |order| order.terminal.device.as_str()),
            column(rows, |order| order.terminal.store.as_deref()),
            column(rows, |order| order.notify_url.as_deref()),
            column(rows, |order| order.details.as_deref()),
        ]
    });
    let mut changed: Vec<&Order> = set.orders_changed.iter().collect();
    changed.sort_unstable_by_key(|order| (order.partner, order.id));
    update(steps, UPDATE_ORDERS, &changed, |rows| {
        vec![
            column(rows, |order| order.partner.get()),
            column(rows, |order| order.id.get()),
            column(rows, |order| order.stage.code()),
            column(rows, |order| order.revocation_applied),
            column(rows, |order| order.refunded.micros()),
            column(rows, |order| order.refunding.micros()),
            column(rows, |order| order.refund_failed),
            column(rows, |order| order.payment.get()),
            column(rows, |order| order.paid_at.map(|at| at.ms())),
            column(rows, |order| order.ended_at.map(|at| at.ms())),
        ]
    });
}

fn payments<'a>(set: &'a WriteSet, steps: &mut Vec<Step<'a>>) {
    let new: Vec<&Payment> = set.payments_new.iter().collect();
    insert(steps, INSERT_PAYMENTS, &new, |rows| {
        vec![
            column(rows, |payment| payment.partner.get()),
            column(rows, |payment| payment.order.get()),
            column(rows, |payment| payment.id.get()),
            column(rows, |payment| payment.channel.as_str()),
            column(rows, |payment| payment.method.name()),
            column(rows, |payment| payment.flow.code()),
            column(rows, |payment| payment.state.code()),
            column(rows, |payment| payment.amount.micros()),
            column(rows, |payment| payment.amount.currency().code().to_owned()),
            column(rows, |payment| payment.payer_code.as_deref()),
            column(rows, |payment| payment.payer.as_deref()),
            column(rows, |payment| payment.channel_number.as_deref()),
            column(rows, |payment| bills_text(&payment.bills)),
            column(rows, |payment| payment.reason.as_deref()),
            column(rows, |payment| payment.settled_at.map(|at| at.ms())),
            column(rows, |payment| payment.follow_up.map(|id| id.get())),
        ]
    });
    let mut changed: Vec<&Payment> = set.payments_changed.iter().collect();
    changed.sort_unstable_by_key(|payment| (payment.partner, payment.order, payment.id));
    update(steps, UPDATE_PAYMENTS, &changed, |rows| {
        vec![
            column(rows, |payment| payment.partner.get()),
            column(rows, |payment| payment.order.get()),
            column(rows, |payment| payment.id.get()),
            column(rows, |payment| payment.state.code()),
            column(rows, |payment| payment.payer.as_deref()),
            column(rows, |payment| payment.channel_number.as_deref()),
            column(rows, |payment| bills_text(&payment.bills)),
            column(rows, |payment| payment.reason.as_deref()),
            column(rows, |payment| payment.settled_at.map(|at| at.ms())),
            column(rows, |payment| payment.follow_up.map(|id| id.get())),
        ]
    });
}

fn refunds<'a>(set: &'a WriteSet, steps: &mut Vec<Step<'a>>) {
    let mut new: Vec<&Refund> = set.refunds_new.iter().collect();
    new.sort_unstable_by(|one, other| (one.partner, &one.number).cmp(&(other.partner, &other.number)));
    insert(steps, INSERT_REFUNDS, &new, |rows| {
        vec![
            column(rows, |refund| refund.partner.get()),
            column(rows, |refund| refund.order.get()),
            column(rows, |refund| refund.id.get()),
            column(rows, |refund| refund.number.as_str()),
            column(rows, |refund| refund.fingerprint),
            column(rows, |refund| refund.kind.code()),
            column(rows, |refund| refund.state.code()),
            column(rows, |refund| refund.amount.micros()),
            column(rows, |refund| refund.amount.currency().code().to_owned()),
            column(rows, |refund| refund.subject.as_str()),
            column(rows, |refund| refund.operator.as_str()),
            column(rows, |refund| refund.channel_number.as_deref()),
            column(rows, |refund| bills_text(&refund.bills)),
            column(rows, |refund| refund.reason.as_deref()),
            column(rows, |refund| refund.settled_at.map(|at| at.ms())),
            column(rows, |refund| refund.follow_up.map(|id| id.get())),
            column(rows, |refund| refund.hold.get()),
            column(rows, |refund| i64::from(refund.units)),
            column(rows, |refund| i64::from(refund.units_so_far)),
        ]
    });
    let mut changed: Vec<&Refund> = set.refunds_changed.iter().collect();
    changed.sort_unstable_by_key(|refund| (refund.partner, refund.order, refund.id));
    update(steps, UPDATE_REFUNDS, &changed, |rows| {
        vec![
            column(rows, |refund| refund.partner.get()),
            column(rows, |refund| refund.order.get()),
            column(rows, |refund| refund.id.get()),
            column(rows, |refund| refund.state.code()),
            column(rows, |refund| refund.channel_number.as_deref()),
            column(rows, |refund| bills_text(&refund.bills)),
            column(rows, |refund| refund.reason.as_deref()),
            column(rows, |refund| refund.settled_at.map(|at| at.ms())),
            column(rows, |refund| refund.follow_up.map(|id| id.get())),
            column(rows, |refund| i64::from(refund.units_so_far)),
            column(rows, |refund| refund.operator.as_str()),
        ]
    });
}
