//! What a list of needs wants, as columns of keys.

use tradewind_domain::Need;
use tradewind_store::{about_number, day_number};

/// Columns of keys. What holds a zero byte is nowhere in this database, so it is not asked for.
#[derive(Default)]
pub(super) struct Wanted {
    pub(super) partners: Vec<i64>,
    pub(super) orders: (Vec<i64>, Vec<i64>),
    pub(super) order_numbers: (Vec<i64>, Vec<String>),
    pub(super) refund_numbers: (Vec<i64>, Vec<String>),
    pub(super) tasks: (Vec<i64>, Vec<i64>, Vec<i64>),
    pub(super) tasks_of: (Vec<i64>, Vec<i64>),
    pub(super) events: (Vec<i64>, Vec<i64>),
    pub(super) vouchers: (Vec<i64>, Vec<i64>),
    pub(super) voucher_numbers: (Vec<i64>, Vec<String>),
    pub(super) voucher_codes: Vec<i64>,
    pub(super) key_ids: (Vec<String>, Vec<String>),
    pub(super) vouchers_of: (Vec<i64>, Vec<i64>),
    pub(super) vouchers_of_number: (Vec<i64>, Vec<String>),
    pub(super) products: Vec<i64>,
    pub(super) skus: Vec<i64>,
    pub(super) stocks: (Vec<i64>, Vec<i64>),
    pub(super) balances: Vec<i64>,
    pub(super) deposits: (Vec<i64>, Vec<String>),
    pub(super) listeners: Vec<String>,
    pub(super) credentials: Vec<i64>,
    pub(super) users: (Vec<i64>, Vec<String>),
}

/// A need in an order of its own, so that the keys of a batch are sorted and none comes twice.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key<'a> {
    Partner(i64),
    Order(i64, i64),
    OrderNumber(i64, &'a str),
    RefundNumber(i64, &'a str),
    Task(i64, i64, i64),
    TasksOf(i64, i64),
    Event(i64, i64),
    Voucher(i64, i64),
    VoucherNumber(i64, &'a str),
    VoucherCode(i64),
    /// A dialect and a key id.
    Named(&'a str, &'a str),
    Credentials(i64),
    User(i64, &'a str),
    VouchersOf(i64, i64),
    VouchersOfNumber(i64, &'a str),
    Product(i64),
    Sku(i64),
    Stock(i64, i64),
    Balance(i64),
    Deposit(i64, &'a str),
    Listeners(&'static str),
}

impl Key<'_> {
    pub(super) fn of(need: &Need) -> Key<'_> {
        match need {
            Need::Partner(id) => Key::Partner(id.get()),
            Need::Order(partner, id) => Key::Order(partner.get(), id.get()),
            Need::OrderNumber(partner, number) => Key::OrderNumber(partner.get(), number),
            Need::RefundNumber(partner, number) => Key::RefundNumber(partner.get(), number),
            Need::Task(key) => Key::Task(key.partner.get(), about_number(key.about), key.id.get()),
            Need::TasksOf(partner, order) => Key::TasksOf(partner.get(), order.get()),
            Need::Event(partner, number) => Key::Event(partner.get(), *number),
            Need::Voucher(partner, id) => Key::Voucher(partner.get(), id.get()),
            Need::VoucherNumber(partner, number) => Key::VoucherNumber(partner.get(), number),
            Need::VoucherCode(code) => Key::VoucherCode(code.get()),
            Need::KeyId { dialect, key_id } => Key::Named(dialect, key_id),
            Need::Credentials(partner) => Key::Credentials(partner.get()),
            Need::User(partner, login) => Key::User(partner.get(), login),
            Need::VouchersOf(partner, order) => Key::VouchersOf(partner.get(), order.get()),
            Need::VouchersOfNumber(partner, number) => Key::VouchersOfNumber(partner.get(), number),
            Need::Product(product) => Key::Product(product.get()),
            Need::Sku(sku) => Key::Sku(sku.get()),
            Need::Stock(key) => Key::Stock(key.sku.get(), day_number(key.day)),
            Need::Balance(partner) => Key::Balance(partner.get()),
            Need::Deposit(partner, number) => Key::Deposit(partner.get(), number),
            Need::Listeners(kind) => Key::Listeners(kind.name()),
        }
    }
}

impl Wanted {
    pub(super) fn add(&mut self, key: Key<'_>) {
        let storable = |text: &str| !text.contains('\0');
        match key {
            Key::Partner(id) => self.partners.push(id),
            Key::Order(partner, id) => {
                self.orders.0.push(partner);
                self.orders.1.push(id);
            }
            Key::OrderNumber(partner, number) if storable(number) => {
                self.order_numbers.0.push(partner);
                self.order_numbers.1.push(number.to_owned());
            }
            Key::RefundNumber(partner, number) if storable(number) => {
                self.refund_numbers.0.push(partner);
                self.refund_numbers.1.push(number.to_owned());
            }
            Key::Task(partner, order, id) => {
                self.tasks.0.push(partner);
                self.tasks.1.push(order);
                self.tasks.2.push(id);
            }
            Key::TasksOf(partner, order) => {
                self.tasks_of.0.push(partner);
                self.tasks_of.1.push(order);
            }
            Key::Event(partner, number) => {
                self.events.0.push(partner);
                self.events.1.push(number);
            }
            Key::Voucher(partner, id) => {
                self.vouchers.0.push(partner);
                self.vouchers.1.push(id);
            }
            Key::VoucherNumber(partner, number) if storable(number) => {
                self.voucher_numbers.0.push(partner);
                self.voucher_numbers.1.push(number.to_owned());
            }
            Key::VoucherCode(code) => self.voucher_codes.push(code),
            Key::Named(dialect, key_id) if storable(dialect) && storable(key_id) => {
                self.key_ids.0.push(dialect.to_owned());
                self.key_ids.1.push(key_id.to_owned());
            }
            Key::Credentials(partner) => self.credentials.push(partner),
            Key::User(partner, login) if storable(login) => {
                self.users.0.push(partner);
                self.users.1.push(login.to_owned());
            }
            // The order comes along, as if it were wanted for itself.
            Key::VouchersOf(partner, order) => {
                self.vouchers_of.0.push(partner);
                self.vouchers_of.1.push(order);
                self.add(Key::Order(partner, order));
            }
            Key::VouchersOfNumber(partner, number) if storable(number) => {
                self.vouchers_of_number.0.push(partner);
                self.vouchers_of_number.1.push(number.to_owned());
                self.add(Key::OrderNumber(partner, number));
            }
            Key::Product(product) => self.products.push(product),
            Key::Sku(sku) => self.skus.push(sku),
            Key::Stock(sku, day) => {
                self.stocks.0.push(sku);
                self.stocks.1.push(day);
            }
            Key::Balance(partner) => self.balances.push(partner),
            Key::Deposit(partner, number) if storable(number) => {
                self.deposits.0.push(partner);
                self.deposits.1.push(number.to_owned());
            }
            Key::Listeners(kind) => self.listeners.push(kind.to_owned()),
            Key::OrderNumber(..)
            | Key::RefundNumber(..)
            | Key::VoucherNumber(..)
            | Key::Named(..)
            | Key::User(..)
            | Key::VouchersOfNumber(..)
            | Key::Deposit(..) => {}
        }
    }

    /// The partners whose streams are locked, besides those of the orders.
    pub(super) fn streams(&self) -> Vec<i64> {
        let mut partners = self.vouchers.0.clone();
        partners.extend(&self.balances);
        if !(self.balances.is_empty() && self.stocks.0.is_empty()) {
            partners.extend(&self.tasks.0);
        }
        partners
    }
}
