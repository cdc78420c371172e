//! How a row of each table becomes a value of the domain. The column lists and the functions that
//! read them stand side by side, because they count on the same order.

macro_rules! columns {
    ($($(#[$doc:meta])* $name:ident = $columns:literal;)*) => {
        $($(#[$doc])* macro_rules! $name { () => { $columns }; } pub(crate) use $name;)*
    };
}

mod catalogue;

use rusqlite::Row;
use tradewind_domain::{
    AccountDelta, Balance, Credential, CredentialId, Device, Endpoint, EndpointId, Event, Money, Order,
    OrderId, Partner, PartnerId, PastOrder, PastRefund, Payment, PaymentId, Redemption, RedemptionId, Refund,
    RefundId, Stream, Task, TaskId, TaskKey, Terminal, Timestamp, Transfer, TransferId, User, UserId,
    Voucher, VoucherId,
};
use tradewind_store::{about_of_number, cause_of_number};

use crate::codes::{
    NotOne, account, bills, code, currency, event_kinds, method, methods, shares, task_kind, transfer_kind,
    unreadable, voucher_code,
};

type Read<T> = rusqlite::Result<T>;

pub(crate) use catalogue::{
    LINE_COLUMNS, SKU_COLUMNS, deposit, deposit_columns, line, line_columns, product, product_columns,
    product_from, sku, sku_columns, stock, stock_columns,
};

columns! {
    partner_columns = "id, name, state, methods, fee_ppm, settings, created_at, credit_limit, credit_currency";
    credential_columns = "id, partner, dialect, key_id, sealed_secret, created_at, expires_at";
    user_columns = "id, partner, login, name, password_hash, state, may_refund, device_serial, device_software, \
                    device_version, signed_in_at, created_at";
    endpoint_columns = "id, partner, dialect, url, events, created_at";
    order_columns = "o.id, o.partner, o.dialect, o.number, o.fingerprint, o.amount, o.currency, o.subject, o.stage, \
                     o.revocation_applied, o.refunded, o.refunding, o.refund_failed, o.fee_ppm, o.payment, \
                     o.paid_at, o.ended_at, o.expires_at, o.operator, o.device, o.store, o.notify_url, o.details, \
                     o.has_refunds, o.has_line";
    payment_columns = "p.id, p.order_id, p.partner, p.channel, p.method, p.flow, p.state, p.amount, p.currency, \
                       p.payer_code, p.payer, p.channel_number, p.bills, p.reason, p.settled_at, p.follow_up";
    refund_columns = "id, order_id, partner, number, fingerprint, kind, state, amount, currency, subject, operator, \
                      channel_number, bills, reason, settled_at, follow_up, hold, units, units_so_far";
    past_order_columns = "d.partner, d.number, d.order_id, d.fingerprint, d.currency, d.collected, d.returned, d.fee, \
                          d.gone_at";
    past_refund_columns = "d.partner, d.number, d.order_id, d.fingerprint, d.hold";
    transfer_columns = "id, partner, order_id, debit, credit, amount, currency, kind, settles, purpose, at";
    event_columns = "partner, number, kind, order_id, refund, redemption, at";
    task_columns = "partner, order_id, id, kind, subject, endpoint, state, started_at, due_at, attempts, last_result";
    voucher_columns = "v.id, v.partner, v.dialect, v.number, v.fingerprint, v.code, v.subject, v.ordered, v.used, \
                       v.state, v.valid_until, v.cancelled_at, v.shares, v.notify_url, v.details, v.refunded, \
                       v.locked, v.order_id, v.seller, v.valid_from";
    redemption_columns = "r.id, r.voucher, r.partner, r.by_partner, r.device, r.count, r.used_so_far, r.left_over";
    balance_columns = "partner, account, currency, debits_posted, credits_posted, debits_pending, credits_pending";
}

/// How many columns a redemption has, for queries that read a voucher after it.
pub(crate) const REDEMPTION_COLUMNS: usize = 8;

/// How many columns an order has, for queries that read a payment after it.
pub(crate) const ORDER_COLUMNS: usize = 25;

/// The column of an order that tells whether it ever had a refund.
pub(crate) const HAS_REFUNDS: usize = 23;

/// The column of an order that tells whether it buys something, which stands in a table of its own.
pub(crate) const HAS_LINE: usize = 24;

pub(crate) fn partner(row: &Row<'_>) -> Read<Partner> {
    Ok(Partner {
        id: PartnerId::from_i64(row.get(0)?),
        name: row.get(1)?,
        state: code(row, 2)?,
        methods: methods(row, 3)?,
        fee_ppm: row.get(4)?,
        settings: row.get(5)?,
        created_at: time(row, 6)?,
        credit_limit: Money::from_micros(row.get(7)?, currency(row, 8)?),
    })
}

pub(crate) fn credential(row: &Row<'_>) -> Read<Credential> {
    Ok(Credential {
        id: CredentialId::from_i64(row.get(0)?),
        partner: PartnerId::from_i64(row.get(1)?),
        dialect: row.get(2)?,
        key_id: row.get(3)?,
        sealed_secret: row.get(4)?,
        created_at: time(row, 5)?,
        expires_at: optional_time(row, 6)?,
    })
}

pub(crate) fn user(row: &Row<'_>) -> Read<User> {
    Ok(User {
        id: UserId::from_i64(row.get(0)?),
        partner: PartnerId::from_i64(row.get(1)?),
        login: row.get(2)?,
        name: row.get(3)?,
        password_hash: row.get(4)?,
        state: code(row, 5)?,
        may_refund: row.get(6)?,
        device: Device { serial: row.get(7)?, software: row.get(8)?, version: row.get(9)? },
        signed_in_at: optional_time(row, 10)?,
        created_at: time(row, 11)?,
    })
}

pub(crate) fn endpoint(row: &Row<'_>) -> Read<Endpoint> {
    Ok(Endpoint {
        id: EndpointId::from_i64(row.get(0)?),
        partner: PartnerId::from_i64(row.get(1)?),
        dialect: row.get(2)?,
        url: row.get(3)?,
        events: event_kinds(row, 4)?,
        created_at: time(row, 5)?,
    })
}

pub(crate) fn stream(row: &Row<'_>) -> Read<Stream> {
    Ok(Stream { partner: PartnerId::from_i64(row.get(0)?), last: row.get(1)? })
}

/// An order without its line.
pub(crate) fn order(row: &Row<'_>) -> Read<Order> {
    let currency = currency(row, 6)?;
    let money = |column| row.get(column).map(|micros| Money::from_micros(micros, currency));
    Ok(Order {
        id: OrderId::from_i64(row.get(0)?),
        partner: PartnerId::from_i64(row.get(1)?),
        dialect: row.get(2)?,
        number: row.get(3)?,
        fingerprint: row.get(4)?,
        amount: money(5)?,
        subject: row.get(7)?,
        stage: code(row, 8)?,
        revocation_applied: row.get(9)?,
        refunded: money(10)?,
        refunding: money(11)?,
        refund_failed: row.get(12)?,
        fee_ppm: row.get(13)?,
        payment: PaymentId::from_i64(row.get(14)?),
        paid_at: optional_time(row, 15)?,
        ended_at: optional_time(row, 16)?,
        expires_at: time(row, 17)?,
        terminal: Terminal { operator: row.get(18)?, device: row.get(19)?, store: row.get(20)? },
        notify_url: row.get(21)?,
        details: row.get(22)?,
        line: None,
    })
}

pub(crate) fn payment(row: &Row<'_>) -> Read<Payment> {
    payment_from(row, 0)
}

/// A payment whose columns begin at `first`.
pub(crate) fn payment_from(row: &Row<'_>, first: usize) -> Read<Payment> {
    Ok(Payment {
        id: PaymentId::from_i64(row.get(first)?),
        order: OrderId::from_i64(row.get(first + 1)?),
        partner: PartnerId::from_i64(row.get(first + 2)?),
        channel: row.get(first + 3)?,
        method: method(row, first + 4)?,
        flow: code(row, first + 5)?,
        state: code(row, first + 6)?,
        amount: Money::from_micros(row.get(first + 7)?, currency(row, first + 8)?),
        payer_code: row.get(first + 9)?,
        payer: row.get(first + 10)?,
        channel_number: row.get(first + 11)?,
        bills: bills(row, first + 12)?,
        reason: row.get(first + 13)?,
        settled_at: optional_time(row, first + 14)?,
        follow_up: row.get::<_, Option<i64>>(first + 15)?.map(TaskId::from_i64),
    })
}

pub(crate) fn refund(row: &Row<'_>) -> Read<Refund> {
    Ok(Refund {
        id: RefundId::from_i64(row.get(0)?),
        order: OrderId::from_i64(row.get(1)?),
        partner: PartnerId::from_i64(row.get(2)?),
        number: row.get(3)?,
        fingerprint: row.get(4)?,
        kind: code(row, 5)?,
        state: code(row, 6)?,
        amount: Money::from_micros(row.get(7)?, currency(row, 8)?),
        subject: row.get(9)?,
        operator: row.get(10)?,
        channel_number: row.get(11)?,
        bills: bills(row, 12)?,
        reason: row.get(13)?,
        settled_at: optional_time(row, 14)?,
        follow_up: row.get::<_, Option<i64>>(15)?.map(TaskId::from_i64),
        hold: TransferId::from_i64(row.get(16)?),
        units: row.get(17)?,
        units_so_far: row.get(18)?,
    })
}

pub(crate) fn transfer(row: &Row<'_>) -> Read<Transfer> {
    let kind: i64 = row.get(7)?;
    Ok(Transfer {
        id: TransferId::from_i64(row.get(0)?),
        partner: PartnerId::from_i64(row.get(1)?),
        cause: cause_of_number(row.get(2)?),
        debit: account(row, 3)?,
        credit: account(row, 4)?,
        amount: Money::from_micros(row.get(5)?, currency(row, 6)?),
        kind: transfer_kind(kind, row.get(8)?)
            .ok_or_else(|| unreadable(7, NotOne::of("transfer kind", &kind.to_string())))?,
        purpose: code(row, 9)?,
        at: time(row, 10)?,
    })
}

pub(crate) fn event(row: &Row<'_>) -> Read<Event> {
    Ok(Event {
        partner: PartnerId::from_i64(row.get(0)?),
        number: row.get(1)?,
        kind: code(row, 2)?,
        about: about_of_number(row.get(3)?),
        refund: row.get::<_, Option<i64>>(4)?.map(RefundId::from_i64),
        redemption: row.get::<_, Option<i64>>(5)?.map(RedemptionId::from_i64),
        at: time(row, 6)?,
    })
}

pub(crate) fn past_order(row: &Row<'_>) -> Read<PastOrder> {
    let currency = currency(row, 4)?;
    let money = |column| row.get(column).map(|micros| Money::from_micros(micros, currency));
    Ok(PastOrder {
        partner: PartnerId::from_i64(row.get(0)?),
        number: row.get(1)?,
        order: OrderId::from_i64(row.get(2)?),
        fingerprint: row.get(3)?,
        collected: money(5)?,
        returned: money(6)?,
        fee: money(7)?,
        gone_at: time(row, 8)?,
    })
}

pub(crate) fn past_refund(row: &Row<'_>) -> Read<PastRefund> {
    Ok(PastRefund {
        partner: PartnerId::from_i64(row.get(0)?),
        number: row.get(1)?,
        order: OrderId::from_i64(row.get(2)?),
        fingerprint: row.get(3)?,
        hold: TransferId::from_i64(row.get(4)?),
    })
}

pub(crate) fn task(row: &Row<'_>) -> Read<Task> {
    let kind: i64 = row.get(3)?;
    Ok(Task {
        key: task_key(row)?,
        kind: task_kind(kind, row.get(4)?, row.get(5)?)
            .ok_or_else(|| unreadable(3, NotOne::of("task kind", &kind.to_string())))?,
        state: code(row, 6)?,
        started_at: time(row, 7)?,
        due_at: time(row, 8)?,
        attempts: row.get(9)?,
        last_result: row.get(10)?,
    })
}

/// The key of a task; its columns come first.
pub(crate) fn task_key(row: &Row<'_>) -> Read<TaskKey> {
    Ok(TaskKey {
        partner: PartnerId::from_i64(row.get(0)?),
        about: about_of_number(row.get(1)?),
        id: TaskId::from_i64(row.get(2)?),
    })
}

pub(crate) fn voucher(row: &Row<'_>) -> Read<Voucher> {
    voucher_from(row, 0)
}

/// A voucher whose columns begin at `first`.
pub(crate) fn voucher_from(row: &Row<'_>, first: usize) -> Read<Voucher> {
    Ok(Voucher {
        id: VoucherId::from_i64(row.get(first)?),
        partner: PartnerId::from_i64(row.get(first + 1)?),
        dialect: row.get(first + 2)?,
        number: row.get(first + 3)?,
        fingerprint: row.get(first + 4)?,
        code: voucher_code(row, first + 5)?,
        subject: row.get(first + 6)?,
        ordered: row.get(first + 7)?,
        used: row.get(first + 8)?,
        state: code(row, first + 9)?,
        valid_until: optional_time(row, first + 10)?,
        cancelled_at: optional_time(row, first + 11)?,
        shares: shares(row, first + 12)?,
        notify_url: row.get(first + 13)?,
        details: row.get(first + 14)?,
        refunded: row.get(first + 15)?,
        locked: row.get(first + 16)?,
        order: row.get::<_, Option<i64>>(first + 17)?.map(OrderId::from_i64),
        seller: row.get::<_, Option<i64>>(first + 18)?.map(PartnerId::from_i64),
        valid_from: optional_time(row, first + 19)?,
    })
}

pub(crate) fn redemption(row: &Row<'_>) -> Read<Redemption> {
    Ok(Redemption {
        id: RedemptionId::from_i64(row.get(0)?),
        voucher: VoucherId::from_i64(row.get(1)?),
        partner: PartnerId::from_i64(row.get(2)?),
        by: PartnerId::from_i64(row.get(3)?),
        device: row.get(4)?,
        count: row.get(5)?,
        used_so_far: row.get(6)?,
        left: row.get(7)?,
    })
}

pub(crate) fn balance(row: &Row<'_>) -> Read<Balance> {
    Ok(Balance {
        partner: PartnerId::from_i64(row.get(0)?),
        account: account(row, 1)?,
        currency: currency(row, 2)?,
        sums: AccountDelta {
            debits_posted: row.get(3)?,
            credits_posted: row.get(4)?,
            debits_pending: row.get(5)?,
            credits_pending: row.get(6)?,
        },
    })
}

fn time(row: &Row<'_>, column: usize) -> Read<Timestamp> {
    row.get(column).map(Timestamp::from_ms)
}

fn optional_time(row: &Row<'_>, column: usize) -> Read<Option<Timestamp>> {
    row.get::<_, Option<i64>>(column).map(|ms| ms.map(Timestamp::from_ms))
}
