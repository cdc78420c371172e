//! How a row of each table becomes a value of the domain. The column lists and the functions that
//! read them stand side by side, because they count on the same order.

use tokio_postgres::Row;
use tokio_postgres::types::FromSql;
use tradewind_domain::{
    Credential, CredentialId, Device, Endpoint, EndpointId, Event, Money, Order, OrderId, Partner, PartnerId,
    PastOrder, PastRefund, Payment, PaymentId, Redemption, RedemptionId, Refund, RefundId, Stream, Task,
    TaskId, TaskKey, Terminal, Timestamp, Transfer, TransferId, User, UserId, Voucher, VoucherId,
};

use tradewind_store::{about_of_number, cause_of_number};

use crate::codes::{
    Code, Unreadable, account, bills, currency, event_kinds, method, methods, shares, task_kind,
    transfer_kind, voucher_code,
};

type Read<T> = Result<T, Unreadable>;

macro_rules! columns {
    ($($(#[$doc:meta])* $name:ident = $columns:literal;)*) => {
        $($(#[$doc])* macro_rules! $name { () => { $columns }; } pub(crate) use $name;)*
    };
}

columns! {
    partner_columns = "p.id, p.name, p.state, p.methods, p.fee_ppm, p.settings, p.created_at, \
                       p.credit_limit, p.credit_currency";
    credential_columns = "c.id, c.partner, c.dialect, c.key_id, c.sealed_secret, c.created_at, c.expires_at";
    user_columns = "u.id, u.partner, u.login, u.name, u.password_hash, u.state, u.may_refund, \
                     u.device_serial, u.device_software, u.device_version, u.signed_in_at, u.created_at";
    endpoint_columns = "e.id, e.partner, e.dialect, e.url, e.events, e.created_at";
    order_columns = "o.id, o.partner, o.dialect, o.number, o.fingerprint, o.amount, o.currency, o.subject, o.stage, \
                     o.revocation_applied, o.refunded, o.refunding, o.refund_failed, o.fee_ppm, o.payment, \
                     o.paid_at, o.ended_at, o.expires_at, o.operator, o.device, o.store, o.notify_url, o.details";
    payment_columns = "p.id, p.order_id, p.partner, p.channel, p.method, p.flow, p.state, p.amount, p.currency, \
                       p.payer_code, p.payer, p.channel_number, p.bills, p.reason, p.settled_at, p.follow_up";
    refund_columns = "r.id, r.order_id, r.partner, r.number, r.fingerprint, r.kind, r.state, r.amount, \
                     r.currency, r.subject, r.operator, r.channel_number, r.bills, r.reason, r.settled_at, \
                     r.follow_up, r.hold, r.units, r.units_so_far";
    past_order_columns = "d.partner, d.number, d.order_id, d.fingerprint, d.currency, d.collected, d.returned, \
                     d.fee, d.gone_at";
    past_refund_columns = "d.partner, d.number, d.order_id, d.fingerprint, d.hold";
    transfer_columns = "t.id, t.partner, t.order_id, t.debit, t.credit, t.amount, t.currency, t.kind, \
                     t.settles, t.purpose, t.at";
    event_columns = "e.partner, e.number, e.kind, e.order_id, e.refund, e.redemption, e.at";
    task_columns = "t.partner, t.order_id, t.id, t.kind, t.subject, t.endpoint, t.state, t.started_at, \
                     t.due_at, t.attempts, t.last_result";
    voucher_columns = "v.id, v.partner, v.dialect, v.number, v.fingerprint, v.code, v.subject, v.ordered, v.used, \
                       v.state, v.valid_until, v.cancelled_at, v.shares, v.notify_url, v.details, \
                       v.refunded, v.locked, v.order_id, v.seller, v.valid_from";
    redemption_columns = "r.id, r.voucher, r.partner, r.by_partner, r.device, r.count, r.used_so_far, r.left_over";
}

mod catalogue;

pub(crate) use catalogue::*;

/// How many columns a redemption has, for queries that read a voucher after it.
pub(crate) const REDEMPTION_COLUMNS: usize = 8;

/// How many columns an order has, for queries that read a payment or its line after it.
pub(crate) const ORDER_COLUMNS: usize = 23;

/// How many columns a refund has, for queries that read a line after it.
pub(crate) const REFUND_COLUMNS: usize = 19;

/// How many columns a payment has, for queries that read its order's line after it.
pub(crate) const PAYMENT_COLUMNS: usize = 16;

pub(crate) fn partner(row: &Row) -> Read<Partner> {
    Ok(Partner {
        id: PartnerId::from_i64(get(row, 0)?),
        name: get(row, 1)?,
        state: code(row, 2)?,
        methods: methods(get(row, 3)?)?,
        fee_ppm: number(row, 4)?,
        settings: get(row, 5)?,
        created_at: time(row, 6)?,
        credit_limit: Money::from_micros(get(row, 7)?, currency(get(row, 8)?)?),
    })
}

pub(crate) fn credential(row: &Row) -> Read<Credential> {
    Ok(Credential {
        id: CredentialId::from_i64(get(row, 0)?),
        partner: PartnerId::from_i64(get(row, 1)?),
        dialect: get(row, 2)?,
        key_id: get(row, 3)?,
        sealed_secret: get(row, 4)?,
        created_at: time(row, 5)?,
        expires_at: optional_time(row, 6)?,
    })
}

pub(crate) fn user(row: &Row) -> Read<User> {
    Ok(User {
        id: UserId::from_i64(get(row, 0)?),
        partner: PartnerId::from_i64(get(row, 1)?),
        login: get(row, 2)?,
        name: get(row, 3)?,
        password_hash: get(row, 4)?,
        state: code(row, 5)?,
        may_refund: get(row, 6)?,
        device: Device { serial: get(row, 7)?, software: get(row, 8)?, version: get(row, 9)? },
        signed_in_at: optional_time(row, 10)?,
        created_at: time(row, 11)?,
    })
}

pub(crate) fn endpoint(row: &Row) -> Read<Endpoint> {
    Ok(Endpoint {
        id: EndpointId::from_i64(get(row, 0)?),
        partner: PartnerId::from_i64(get(row, 1)?),
        dialect: get(row, 2)?,
        url: get(row, 3)?,
        events: event_kinds(get(row, 4)?)?,
        created_at: time(row, 5)?,
    })
}

pub(crate) fn stream(row: &Row) -> Read<Stream> {
    Ok(Stream { partner: PartnerId::from_i64(get(row, 0)?), last: get(row, 1)? })
}

/// An order without its line, which is read by [`line_from`] where it stands in the same row.
pub(crate) fn order(row: &Row) -> Read<Order> {
    let currency = currency(get(row, 6)?)?;
    let money = |column| Ok::<_, Unreadable>(Money::from_micros(get(row, column)?, currency));
    Ok(Order {
        id: OrderId::from_i64(get(row, 0)?),
        partner: PartnerId::from_i64(get(row, 1)?),
        dialect: get(row, 2)?,
        number: get(row, 3)?,
        fingerprint: get(row, 4)?,
        amount: money(5)?,
        subject: get(row, 7)?,
        stage: code(row, 8)?,
        revocation_applied: get(row, 9)?,
        refunded: money(10)?,
        refunding: money(11)?,
        refund_failed: get(row, 12)?,
        fee_ppm: number(row, 13)?,
        payment: PaymentId::from_i64(get(row, 14)?),
        paid_at: optional_time(row, 15)?,
        ended_at: optional_time(row, 16)?,
        expires_at: time(row, 17)?,
        terminal: Terminal { operator: get(row, 18)?, device: get(row, 19)?, store: get(row, 20)? },
        notify_url: get(row, 21)?,
        details: get(row, 22)?,
        line: None,
    })
}

/// An order with its line, whose columns begin at `line`.
pub(crate) fn order_with_line(row: &Row, line: usize) -> Read<Order> {
    Ok(Order { line: line_from(row, line)?, ..order(row)? })
}

pub(crate) fn payment(row: &Row) -> Read<Payment> {
    payment_from(row, 0)
}

/// A payment whose columns begin at `first`.
pub(crate) fn payment_from(row: &Row, first: usize) -> Read<Payment> {
    Ok(Payment {
        id: PaymentId::from_i64(get(row, first)?),
        order: OrderId::from_i64(get(row, first + 1)?),
        partner: PartnerId::from_i64(get(row, first + 2)?),
        channel: get(row, first + 3)?,
        method: method(get(row, first + 4)?)?,
        flow: code(row, first + 5)?,
        state: code(row, first + 6)?,
        amount: Money::from_micros(get(row, first + 7)?, currency(get(row, first + 8)?)?),
        payer_code: get(row, first + 9)?,
        payer: get(row, first + 10)?,
        channel_number: get(row, first + 11)?,
        bills: bills(get(row, first + 12)?)?,
        reason: get(row, first + 13)?,
        settled_at: optional_time(row, first + 14)?,
        follow_up: get::<Option<i64>>(row, first + 15)?.map(TaskId::from_i64),
    })
}

pub(crate) fn refund(row: &Row) -> Read<Refund> {
    refund_from(row, 0)
}

/// A refund whose columns begin at `first`.
pub(crate) fn refund_from(row: &Row, first: usize) -> Read<Refund> {
    Ok(Refund {
        id: RefundId::from_i64(get(row, first)?),
        order: OrderId::from_i64(get(row, first + 1)?),
        partner: PartnerId::from_i64(get(row, first + 2)?),
        number: get(row, first + 3)?,
        fingerprint: get(row, first + 4)?,
        kind: code(row, first + 5)?,
        state: code(row, first + 6)?,
        amount: Money::from_micros(get(row, first + 7)?, currency(get(row, first + 8)?)?),
        subject: get(row, first + 9)?,
        operator: get(row, first + 10)?,
        channel_number: get(row, first + 11)?,
        bills: bills(get(row, first + 12)?)?,
        reason: get(row, first + 13)?,
        settled_at: optional_time(row, first + 14)?,
        follow_up: get::<Option<i64>>(row, first + 15)?.map(TaskId::from_i64),
        hold: TransferId::from_i64(get(row, first + 16)?),
        units: number(row, first + 17)?,
        units_so_far: number(row, first + 18)?,
    })
}

pub(crate) fn transfer(row: &Row) -> Read<Transfer> {
    let kind: i16 = get(row, 7)?;
    Ok(Transfer {
        id: TransferId::from_i64(get(row, 0)?),
        partner: PartnerId::from_i64(get(row, 1)?),
        cause: cause_of_number(get(row, 2)?),
        debit: account(get(row, 3)?)?,
        credit: account(get(row, 4)?)?,
        amount: Money::from_micros(get(row, 5)?, currency(get(row, 6)?)?),
        kind: transfer_kind(kind, get(row, 8)?).ok_or_else(|| Unreadable::not_one("transfer kind", kind))?,
        purpose: code(row, 9)?,
        at: time(row, 10)?,
    })
}

pub(crate) fn event(row: &Row) -> Read<Event> {
    Ok(Event {
        partner: PartnerId::from_i64(get(row, 0)?),
        number: get(row, 1)?,
        kind: code(row, 2)?,
        about: about_of_number(get(row, 3)?),
        refund: get::<Option<i64>>(row, 4)?.map(RefundId::from_i64),
        redemption: get::<Option<i64>>(row, 5)?.map(RedemptionId::from_i64),
        at: time(row, 6)?,
    })
}

pub(crate) fn past_order(row: &Row) -> Read<PastOrder> {
    let currency = currency(get(row, 4)?)?;
    let money = |column| Ok::<_, Unreadable>(Money::from_micros(get(row, column)?, currency));
    Ok(PastOrder {
        partner: PartnerId::from_i64(get(row, 0)?),
        number: get(row, 1)?,
        order: OrderId::from_i64(get(row, 2)?),
        fingerprint: get(row, 3)?,
        collected: money(5)?,
        returned: money(6)?,
        fee: money(7)?,
        gone_at: time(row, 8)?,
    })
}

pub(crate) fn past_refund(row: &Row) -> Read<PastRefund> {
    Ok(PastRefund {
        partner: PartnerId::from_i64(get(row, 0)?),
        number: get(row, 1)?,
        order: OrderId::from_i64(get(row, 2)?),
        fingerprint: get(row, 3)?,
        hold: TransferId::from_i64(get(row, 4)?),
    })
}

pub(crate) fn task(row: &Row) -> Read<Task> {
    let kind: i16 = get(row, 3)?;
    Ok(Task {
        key: task_key(row)?,
        kind: task_kind(kind, get(row, 4)?, get(row, 5)?)
            .ok_or_else(|| Unreadable::not_one("task kind", kind))?,
        state: code(row, 6)?,
        started_at: time(row, 7)?,
        due_at: time(row, 8)?,
        attempts: number(row, 9)?,
        last_result: get(row, 10)?,
    })
}

/// The key of a task; its columns come first.
pub(crate) fn task_key(row: &Row) -> Read<TaskKey> {
    Ok(TaskKey {
        partner: PartnerId::from_i64(get(row, 0)?),
        about: about_of_number(get(row, 1)?),
        id: TaskId::from_i64(get(row, 2)?),
    })
}

pub(crate) fn voucher(row: &Row) -> Read<Voucher> {
    voucher_from(row, 0)
}

/// A voucher whose columns begin at `first`.
pub(crate) fn voucher_from(row: &Row, first: usize) -> Read<Voucher> {
    Ok(Voucher {
        id: VoucherId::from_i64(get(row, first)?),
        partner: PartnerId::from_i64(get(row, first + 1)?),
        dialect: get(row, first + 2)?,
        number: get(row, first + 3)?,
        fingerprint: get(row, first + 4)?,
        code: voucher_code(get(row, first + 5)?)?,
        subject: get(row, first + 6)?,
        ordered: number(row, first + 7)?,
        used: number(row, first + 8)?,
        state: code(row, first + 9)?,
        valid_until: optional_time(row, first + 10)?,
        cancelled_at: optional_time(row, first + 11)?,
        shares: shares(get(row, first + 12)?)?,
        notify_url: get(row, first + 13)?,
        details: get(row, first + 14)?,
        refunded: number(row, first + 15)?,
        locked: number(row, first + 16)?,
        order: get::<Option<i64>>(row, first + 17)?.map(OrderId::from_i64),
        seller: get::<Option<i64>>(row, first + 18)?.map(PartnerId::from_i64),
        valid_from: optional_time(row, first + 19)?,
    })
}

pub(crate) fn redemption(row: &Row) -> Read<Redemption> {
    Ok(Redemption {
        id: RedemptionId::from_i64(get(row, 0)?),
        voucher: VoucherId::from_i64(get(row, 1)?),
        partner: PartnerId::from_i64(get(row, 2)?),
        by: PartnerId::from_i64(get(row, 3)?),
        device: get(row, 4)?,
        count: number(row, 5)?,
        used_so_far: number(row, 6)?,
        left: number(row, 7)?,
    })
}

fn time(row: &Row, column: usize) -> Read<Timestamp> {
    get(row, column).map(Timestamp::from_ms)
}

fn optional_time(row: &Row, column: usize) -> Read<Option<Timestamp>> {
    Ok(get::<Option<i64>>(row, column)?.map(Timestamp::from_ms))
}

fn number(row: &Row, column: usize) -> Read<u32> {
    Ok(u32::try_from(get::<i64>(row, column)?)?)
}

fn code<T: Code>(row: &Row, column: usize) -> Read<T> {
    let number = get(row, column)?;
    T::from_code(number).ok_or_else(|| Unreadable::not_one(std::any::type_name::<T>(), number))
}

pub(crate) fn get<'a, T: FromSql<'a>>(row: &'a Row, column: usize) -> Read<T> {
    Ok(row.try_get(column)?)
}
