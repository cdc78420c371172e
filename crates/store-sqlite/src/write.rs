//! From the sum of a batch to rows. Each statement is prepared once and then fed row by row: with
//! SQLite the call is cheap and the sync is what is shared.

mod catalogue;
mod counts;
mod past;
mod purchases;
mod vouchers;

use rusqlite::{Connection, params};
use tradewind_domain::{
    Credential, Endpoint, Event, Order, Partner, Payment, Refund, Stream, Task, TaskKey, Transfer, User,
    WriteSet,
};
use tradewind_store::{about_number, cause_number};

use crate::codes::{Code, bills_text, names_text, task_kind_columns, transfer_kind_columns};

type Write = rusqlite::Result<()>;

/// Writes `set` inside the transaction that the caller has begun. An update that finds no row is an
/// error ([`rusqlite::Error::StatementChangedRows`]), except for tasks, which may have gone meanwhile.
pub(crate) fn write(connection: &Connection, set: &WriteSet) -> Write {
    // Partners come first, because what belongs to them refers to them.
    each(connection, INSERT_PARTNER, &set.partners_new, insert_partner)?;
    each(connection, UPDATE_PARTNER, &set.partners_changed, update_partner)?;
    each(connection, CLAIM_KEY_ID, &set.credentials_new, claim_key_id)?;
    each(connection, INSERT_CREDENTIAL, &set.credentials_new, insert_credential)?;
    each(connection, UPDATE_CREDENTIAL, &set.credentials_changed, update_credential)?;
    each(connection, INSERT_USER, &set.users_new, insert_user)?;
    each(connection, UPDATE_USER, &set.users_changed, update_user)?;
    each(connection, INSERT_ENDPOINT, &set.endpoints_new, insert_endpoint)?;
    each(connection, DELETE_ENDPOINT, &set.endpoints_removed, |statement, (partner, id)| {
        statement.execute((partner.get(), id.get())).map(drop)
    })?;
    catalogue::write(connection, set)?;
    each(connection, INSERT_ORDER, &set.orders_new, insert_order)?;
    each(connection, UPDATE_ORDER, &set.orders_changed, update_order)?;
    purchases::write(connection, set)?;
    each(connection, INSERT_PAYMENT, &set.payments_new, insert_payment)?;
    each(connection, UPDATE_PAYMENT, &set.payments_changed, update_payment)?;
    each(connection, INSERT_REFUND, &set.refunds_new, insert_refund)?;
    each(connection, MARK_REFUNDS, &set.refunds_new, mark_refunds)?;
    each(connection, UPDATE_REFUND, &set.refunds_changed, update_refund)?;
    past::write(connection, set)?;
    each(connection, INSERT_TRANSFER, &set.transfers, insert_transfer)?;
    write_accounts(connection, set)?;
    each(connection, INSERT_STREAM, &set.streams_new, insert_stream)?;
    each(connection, UPDATE_STREAM, &set.streams_changed, update_stream)?;
    each(connection, INSERT_EVENT, &set.events, insert_event)?;
    vouchers::write(connection, set)?;
    counts::write(connection, set)?;
    each(connection, DELETE_EVENT, &set.events_removed, |statement, (partner, number)| {
        statement.execute((partner.get(), number)).map(drop)
    })?;
    each(connection, DELETE_TASK, &set.tasks_removed, |statement, key| {
        statement.execute(task_key(key)).map(drop)
    })?;
    each(connection, INSERT_TASK, &set.tasks_new, insert_task)?;
    each(connection, UPDATE_TASK, &set.tasks_changed, update_task)?;
    each(connection, SETTLE, &set.facts_new, |statement, fact| {
        statement.execute((&fact.name, &fact.value)).map(drop)
    })?;
    each(connection, REMEMBER, &set.facts, |statement, fact| {
        statement.execute((&fact.name, &fact.value)).map(drop)
    })
}

fn each<T>(
    connection: &Connection,
    sql: &str,
    rows: &[T],
    write: impl Fn(&mut rusqlite::Statement<'_>, &T) -> Write,
) -> Write {
    if rows.is_empty() {
        return Ok(());
    }
    let mut statement = connection.prepare_cached(sql)?;
    rows.iter().try_for_each(|row| write(&mut statement, row))
}

/// A task's key in the order of the statements' parameters.
pub(crate) fn task_key(key: &TaskKey) -> (i64, i64, i64) {
    (key.partner.get(), about_number(key.about), key.id.get())
}

/// What was to be changed has to be there.
fn one(changed: usize) -> Write {
    if changed == 1 { Ok(()) } else { Err(rusqlite::Error::StatementChangedRows(changed)) }
}

const INSERT_PARTNER: &str = "INSERT INTO partners (id, name, state, methods, fee_ppm, settings, \
     created_at, credit_limit, credit_currency) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

fn insert_partner(statement: &mut rusqlite::Statement<'_>, partner: &Partner) -> Write {
    statement
        .execute(params![
            partner.id.get(),
            partner.name,
            partner.state.code(),
            names_text(partner.methods.iter().map(|method| method.name())),
            partner.fee_ppm,
            partner.settings,
            partner.created_at.ms(),
            partner.credit_limit.micros(),
            partner.credit_limit.currency().code(),
        ])
        .map(drop)
}

const UPDATE_PARTNER: &str = "UPDATE partners SET name = ?2, state = ?3, methods = ?4, fee_ppm = ?5, settings = ?6, credit_limit = ?7, \
     credit_currency = ?8 WHERE id = ?1";

fn update_partner(statement: &mut rusqlite::Statement<'_>, partner: &Partner) -> Write {
    one(statement.execute(params![
        partner.id.get(),
        partner.name,
        partner.state.code(),
        names_text(partner.methods.iter().map(|method| method.name())),
        partner.fee_ppm,
        partner.settings,
        partner.credit_limit.micros(),
        partner.credit_limit.currency().code(),
    ])?)
}

/// Changes no row when the key id belongs to another partner.
const CLAIM_KEY_ID: &str = "INSERT INTO key_ids (dialect, key_id, partner) VALUES (?1, ?2, ?3) \
     ON CONFLICT (dialect, key_id) DO UPDATE SET partner = excluded.partner WHERE partner = excluded.partner";

fn claim_key_id(statement: &mut rusqlite::Statement<'_>, credential: &Credential) -> Write {
    one(statement.execute(params![credential.dialect, credential.key_id, credential.partner.get()])?)
}

const INSERT_CREDENTIAL: &str = "INSERT INTO credentials (partner, id, dialect, key_id, sealed_secret, created_at, expires_at) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

fn insert_credential(statement: &mut rusqlite::Statement<'_>, credential: &Credential) -> Write {
    statement
        .execute(params![
            credential.partner.get(),
            credential.id.get(),
            credential.dialect,
            credential.key_id,
            credential.sealed_secret,
            credential.created_at.ms(),
            credential.expires_at.map(|at| at.ms()),
        ])
        .map(drop)
}

const UPDATE_CREDENTIAL: &str =
    "UPDATE credentials SET sealed_secret = ?3, expires_at = ?4 WHERE partner = ?1 AND id = ?2";

fn update_credential(statement: &mut rusqlite::Statement<'_>, credential: &Credential) -> Write {
    one(statement.execute(params![
        credential.partner.get(),
        credential.id.get(),
        credential.sealed_secret,
        credential.expires_at.map(|at| at.ms()),
    ])?)
}

const INSERT_USER: &str = "INSERT INTO users (partner, login, id, name, password_hash, state, may_refund, \
     device_serial, device_software, device_version, signed_in_at, created_at) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

fn insert_user(statement: &mut rusqlite::Statement<'_>, user: &User) -> Write {
    statement
        .execute(params![
            user.partner.get(),
            user.login,
            user.id.get(),
            user.name,
            user.password_hash,
            user.state.code(),
            user.may_refund,
            user.device.serial,
            user.device.software,
            user.device.version,
            user.signed_in_at.map(|at| at.ms()),
            user.created_at.ms(),
        ])
        .map(drop)
}

const UPDATE_USER: &str = "UPDATE users SET name = ?3, password_hash = ?4, state = ?5, may_refund = ?6, \
     device_serial = ?7, device_software = ?8, device_version = ?9, signed_in_at = ?10 \
     WHERE partner = ?1 AND login = ?2";

fn update_user(statement: &mut rusqlite::Statement<'_>, user: &User) -> Write {
    one(statement.execute(params![
        user.partner.get(),
        user.login,
        user.name,
        user.password_hash,
        user.state.code(),
        user.may_refund,
        user.device.serial,
        user.device.software,
        user.device.version,
        user.signed_in_at.map(|at| at.ms()),
    ])?)
}

const INSERT_ENDPOINT: &str =
    "INSERT INTO endpoints (partner, id, dialect, url, events, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

fn insert_endpoint(statement: &mut rusqlite::Statement<'_>, endpoint: &Endpoint) -> Write {
    statement
        .execute(params![
            endpoint.partner.get(),
            endpoint.id.get(),
            endpoint.dialect,
            endpoint.url,
            names_text(endpoint.events.iter().map(|kind| kind.name())),
            endpoint.created_at.ms(),
        ])
        .map(drop)
}

const DELETE_ENDPOINT: &str = "DELETE FROM endpoints WHERE partner = ?1 AND id = ?2";

const INSERT_ORDER: &str = "INSERT INTO orders (id, partner, dialect, number, fingerprint, amount, currency, \
     subject, stage, revocation_applied, refunded, refunding, refund_failed, fee_ppm, payment, paid_at, ended_at, \
     expires_at, operator, device, store, notify_url, details, has_line) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, \
     ?24)";

fn insert_order(statement: &mut rusqlite::Statement<'_>, order: &Order) -> Write {
    check_currencies(order)?;
    statement
        .execute(params![
            order.id.get(),
            order.partner.get(),
            order.dialect,
            order.number,
            order.fingerprint,
            order.amount.micros(),
            order.amount.currency().code(),
            order.subject,
            order.stage.code(),
            order.revocation_applied,
            order.refunded.micros(),
            order.refunding.micros(),
            order.refund_failed,
            order.fee_ppm,
            order.payment.get(),
            order.paid_at.map(|at| at.ms()),
            order.ended_at.map(|at| at.ms()),
            order.expires_at.ms(),
            order.terminal.operator,
            order.terminal.device,
            order.terminal.store,
            order.notify_url,
            order.details,
            order.line.is_some(),
        ])
        .map(drop)
}

/// What an order is about never changes; only how far it has come.
const UPDATE_ORDER: &str = "UPDATE orders SET stage = ?3, revocation_applied = ?4, refunded = ?5, refunding = ?6, \
     refund_failed = ?7, payment = ?8, paid_at = ?9, ended_at = ?10 WHERE id = ?1 AND partner = ?2";

fn update_order(statement: &mut rusqlite::Statement<'_>, order: &Order) -> Write {
    check_currencies(order)?;
    one(statement.execute(params![
        order.id.get(),
        order.partner.get(),
        order.stage.code(),
        order.revocation_applied,
        order.refunded.micros(),
        order.refunding.micros(),
        order.refund_failed,
        order.payment.get(),
        order.paid_at.map(|at| at.ms()),
        order.ended_at.map(|at| at.ms()),
    ])?)
}

/// The amounts of an order share one column for their currency.
fn check_currencies(order: &Order) -> Write {
    let currency = order.amount.currency();
    if order.refunded.currency() == currency && order.refunding.currency() == currency {
        return Ok(());
    }
    Err(rusqlite::Error::ToSqlConversionFailure(Box::new(tradewind_domain::AmountError::CurrencyMismatch)))
}

const INSERT_PAYMENT: &str = "INSERT INTO payments (partner, order_id, id, channel, method, flow, state, amount, \
     currency, payer_code, payer, channel_number, bills, reason, settled_at, follow_up) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)";

fn insert_payment(statement: &mut rusqlite::Statement<'_>, payment: &Payment) -> Write {
    statement
        .execute(params![
            payment.partner.get(),
            payment.order.get(),
            payment.id.get(),
            payment.channel,
            payment.method.name(),
            payment.flow.code(),
            payment.state.code(),
            payment.amount.micros(),
            payment.amount.currency().code(),
            payment.payer_code,
            payment.payer,
            payment.channel_number,
            bills_text(&payment.bills),
            payment.reason,
            payment.settled_at.map(|at| at.ms()),
            payment.follow_up.map(|id| id.get()),
        ])
        .map(drop)
}

const UPDATE_PAYMENT: &str = "UPDATE payments SET state = ?4, payer = ?5, channel_number = ?6, bills = ?7, \
     reason = ?8, settled_at = ?9, follow_up = ?10 WHERE order_id = ?2 AND id = ?3 AND partner = ?1";

fn update_payment(statement: &mut rusqlite::Statement<'_>, payment: &Payment) -> Write {
    one(statement.execute(params![
        payment.partner.get(),
        payment.order.get(),
        payment.id.get(),
        payment.state.code(),
        payment.payer,
        payment.channel_number,
        bills_text(&payment.bills),
        payment.reason,
        payment.settled_at.map(|at| at.ms()),
        payment.follow_up.map(|id| id.get()),
    ])?)
}

const INSERT_REFUND: &str = "INSERT INTO refunds (partner, order_id, id, number, fingerprint, kind, state, amount, \
     currency, subject, operator, channel_number, bills, reason, settled_at, follow_up, hold, units, units_so_far) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)";

fn insert_refund(statement: &mut rusqlite::Statement<'_>, refund: &Refund) -> Write {
    statement
        .execute(params![
            refund.partner.get(),
            refund.order.get(),
            refund.id.get(),
            refund.number,
            refund.fingerprint,
            refund.kind.code(),
            refund.state.code(),
            refund.amount.micros(),
            refund.amount.currency().code(),
            refund.subject,
            refund.operator,
            refund.channel_number,
            bills_text(&refund.bills),
            refund.reason,
            refund.settled_at.map(|at| at.ms()),
            refund.follow_up.map(|id| id.get()),
            refund.hold.get(),
            refund.units,
            refund.units_so_far,
        ])
        .map(drop)
}

const MARK_REFUNDS: &str = "UPDATE orders SET has_refunds = 1 WHERE id = ?1 AND partner = ?2";

fn mark_refunds(statement: &mut rusqlite::Statement<'_>, refund: &Refund) -> Write {
    one(statement.execute((refund.order.get(), refund.partner.get()))?)
}

const UPDATE_REFUND: &str = "UPDATE refunds SET state = ?4, channel_number = ?5, bills = ?6, reason = ?7, \
     settled_at = ?8, follow_up = ?9, units_so_far = ?10, operator = ?11 WHERE order_id = ?2 AND id = ?3 AND partner = ?1";

fn update_refund(statement: &mut rusqlite::Statement<'_>, refund: &Refund) -> Write {
    one(statement.execute(params![
        refund.partner.get(),
        refund.order.get(),
        refund.id.get(),
        refund.state.code(),
        refund.channel_number,
        bills_text(&refund.bills),
        refund.reason,
        refund.settled_at.map(|at| at.ms()),
        refund.follow_up.map(|id| id.get()),
        refund.units_so_far,
        refund.operator,
    ])?)
}

const INSERT_TRANSFER: &str = "INSERT INTO transfers (partner, order_id, id, debit, credit, amount, currency, kind, \
     settles, purpose, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

fn insert_transfer(statement: &mut rusqlite::Statement<'_>, transfer: &Transfer) -> Write {
    let (kind, settles) = transfer_kind_columns(transfer.kind);
    statement
        .execute(params![
            transfer.partner.get(),
            cause_number(transfer.cause),
            transfer.id.get(),
            transfer.debit.code(),
            transfer.credit.code(),
            transfer.amount.micros(),
            transfer.amount.currency().code(),
            kind,
            settles,
            transfer.purpose.code(),
            transfer.at.ms(),
        ])
        .map(drop)
}

const ADD_TO_ACCOUNT: &str = "INSERT INTO accounts (partner, account, currency, debits_posted, credits_posted, \
     debits_pending, credits_pending) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
     ON CONFLICT (partner, account, currency) DO UPDATE SET \
     debits_posted = debits_posted + excluded.debits_posted, \
     credits_posted = credits_posted + excluded.credits_posted, \
     debits_pending = debits_pending + excluded.debits_pending, \
     credits_pending = credits_pending + excluded.credits_pending";

fn write_accounts(connection: &Connection, set: &WriteSet) -> Write {
    if set.accounts.is_empty() {
        return Ok(());
    }
    let mut statement = connection.prepare_cached(ADD_TO_ACCOUNT)?;
    for ((partner, account, currency), delta) in &set.accounts {
        statement.execute(params![
            partner.get(),
            account.code(),
            currency,
            delta.debits_posted,
            delta.credits_posted,
            delta.debits_pending,
            delta.credits_pending,
        ])?;
    }
    Ok(())
}

const INSERT_STREAM: &str = "INSERT INTO streams (partner, last) VALUES (?1, ?2)";

fn insert_stream(statement: &mut rusqlite::Statement<'_>, stream: &Stream) -> Write {
    statement.execute((stream.partner.get(), stream.last)).map(drop)
}

const UPDATE_STREAM: &str = "UPDATE streams SET last = ?2 WHERE partner = ?1";

fn update_stream(statement: &mut rusqlite::Statement<'_>, stream: &Stream) -> Write {
    one(statement.execute((stream.partner.get(), stream.last))?)
}

const INSERT_EVENT: &str = "INSERT INTO events (partner, number, kind, order_id, refund, redemption, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

fn insert_event(statement: &mut rusqlite::Statement<'_>, event: &Event) -> Write {
    statement
        .execute(params![
            event.partner.get(),
            event.number,
            event.kind.code(),
            about_number(event.about),
            event.refund.map(|id| id.get()),
            event.redemption.map(|id| id.get()),
            event.at.ms(),
        ])
        .map(drop)
}

const DELETE_EVENT: &str = "DELETE FROM events WHERE partner = ?1 AND number = ?2";

const INSERT_TASK: &str = "INSERT INTO tasks (partner, order_id, id, kind, subject, endpoint, state, started_at, \
     due_at, attempts, last_result) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

fn insert_task(statement: &mut rusqlite::Statement<'_>, task: &Task) -> Write {
    let (kind, subject, endpoint) = task_kind_columns(task.kind);
    statement
        .execute(params![
            task.key.partner.get(),
            about_number(task.key.about),
            task.key.id.get(),
            kind,
            subject,
            endpoint,
            task.state.code(),
            task.started_at.ms(),
            task.due_at.ms(),
            task.attempts,
            task.last_result,
        ])
        .map(drop)
}

/// One that has gone meanwhile stays gone.
const UPDATE_TASK: &str = "UPDATE tasks SET state = ?4, started_at = ?5, due_at = ?6, attempts = ?7, \
     last_result = ?8 WHERE order_id = ?2 AND id = ?3 AND partner = ?1";

fn update_task(statement: &mut rusqlite::Statement<'_>, task: &Task) -> Write {
    statement
        .execute(params![
            task.key.partner.get(),
            about_number(task.key.about),
            task.key.id.get(),
            task.state.code(),
            task.started_at.ms(),
            task.due_at.ms(),
            task.attempts,
            task.last_result,
        ])
        .map(drop)
}

const DELETE_TASK: &str = "DELETE FROM tasks WHERE order_id = ?2 AND id = ?3 AND partner = ?1";

const SETTLE: &str = "INSERT INTO facts (name, value) VALUES (?1, ?2)";

const REMEMBER: &str =
    "INSERT INTO facts (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
