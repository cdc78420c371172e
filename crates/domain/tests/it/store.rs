//! A store in memory that takes write sets literally: it breaks down where a database would refuse.

use std::collections::BTreeMap;
use std::fmt::Debug;

use tradewind_domain::{
    Account, AccountDelta, Endpoint, EndpointId, Event, Need, Order, OrderId, Partner, PartnerId, PastOrder,
    PastRefund, Payment, PaymentId, Redemption, RedemptionId, Refund, RefundId, Rows, Stream, Task, TaskKey,
    Transfer, TransferId, Voucher, VoucherId, WriteSet,
};

/// All rows by key.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Stored {
    pub(crate) partners: BTreeMap<PartnerId, Partner>,
    pub(crate) endpoints: BTreeMap<EndpointId, Endpoint>,
    pub(crate) streams: BTreeMap<PartnerId, Stream>,
    pub(crate) orders: BTreeMap<OrderId, Order>,
    pub(crate) payments: BTreeMap<PaymentId, Payment>,
    pub(crate) refunds: BTreeMap<RefundId, Refund>,
    pub(crate) past_orders: BTreeMap<(PartnerId, String), PastOrder>,
    pub(crate) past_refunds: BTreeMap<(PartnerId, String), PastRefund>,
    pub(crate) transfers: BTreeMap<TransferId, Transfer>,
    pub(crate) accounts: BTreeMap<(PartnerId, Account, String), AccountDelta>,
    pub(crate) events: BTreeMap<(PartnerId, i64), Event>,
    pub(crate) tasks: BTreeMap<TaskKey, Task>,
    pub(crate) vouchers: BTreeMap<VoucherId, Voucher>,
    pub(crate) redemptions: BTreeMap<RedemptionId, Redemption>,
}

impl Stored {
    pub(crate) fn load(&self, needs: &[Need]) -> Rows {
        let mut rows = Rows::default();
        for need in needs {
            self.answer(need, &mut rows);
        }
        rows
    }

    fn answer(&self, need: &Need, rows: &mut Rows) {
        match need {
            Need::Partner(id) => {
                rows.partners.extend(self.partners.get(id).cloned());
                rows.endpoints.extend(self.endpoints.values().filter(|e| e.partner == *id).cloned());
                rows.streams.extend(self.streams.get(id).copied());
            }
            Need::Order(partner, id) => {
                self.load_order(|order| order.id == *id && order.partner == *partner, rows);
            }
            Need::OrderNumber(partner, number) => {
                self.load_order(|order| order.number == *number && order.partner == *partner, rows);
                rows.past_orders.extend(self.past_orders.get(&(*partner, number.clone())).cloned());
            }
            Need::RefundNumber(partner, number) => {
                let found = self.refunds.values().find(|r| r.number == *number && r.partner == *partner);
                if let Some(refund) = found {
                    self.load_order(|order| order.id == refund.order, rows);
                }
                rows.past_refunds.extend(self.past_refunds.get(&(*partner, number.clone())).cloned());
            }
            Need::Task(key) => rows.tasks.extend(self.tasks.get(key).cloned()),
            Need::TasksOf(partner, order) => {
                let about =
                    |task: &&Task| task.key.partner == *partner && task.key.about.order() == Some(*order);
                rows.tasks.extend(self.tasks.values().filter(about).cloned());
            }
            Need::Event(partner, number) => {
                rows.events.extend(self.events.get(&(*partner, *number)).cloned())
            }
            Need::Voucher(partner, id) => {
                self.load_voucher(|voucher| voucher.id == *id && voucher.partner == *partner, rows);
            }
            Need::VoucherNumber(partner, number) => {
                self.load_voucher(|voucher| voucher.number == *number && voucher.partner == *partner, rows);
            }
            Need::VoucherCode(code) => self.load_voucher(|voucher| voucher.code == *code, rows),
            Need::KeyId { .. } | Need::Credentials(_) | Need::User(..) => {}
        }
    }

    fn load_order(&self, wanted: impl Fn(&Order) -> bool, rows: &mut Rows) {
        for order in self.orders.values().filter(|order| wanted(order)) {
            rows.orders.push(order.clone());
            rows.payments.extend(self.payments.values().filter(|p| p.order == order.id).cloned());
            rows.refunds.extend(self.refunds.values().filter(|r| r.order == order.id).cloned());
        }
    }

    fn load_voucher(&self, wanted: impl Fn(&Voucher) -> bool, rows: &mut Rows) {
        rows.vouchers.extend(self.vouchers.values().filter(|voucher| wanted(voucher)).cloned());
    }

    pub(crate) fn write(&mut self, set: WriteSet) {
        insert(&mut self.partners, set.partners_new, |row| row.id);
        update(&mut self.partners, set.partners_changed, |row| row.id);
        insert(&mut self.endpoints, set.endpoints_new, |row| row.id);
        for (_, id) in set.endpoints_removed {
            assert!(self.endpoints.remove(&id).is_some(), "{id} to delete is not there");
        }
        insert(&mut self.streams, set.streams_new, |row| row.partner);
        update(&mut self.streams, set.streams_changed, |row| row.partner);
        insert(&mut self.orders, set.orders_new, |row| row.id);
        update(&mut self.orders, set.orders_changed, |row| row.id);
        insert(&mut self.payments, set.payments_new, |row| row.id);
        update(&mut self.payments, set.payments_changed, |row| row.id);
        insert(&mut self.refunds, set.refunds_new, |row| row.id);
        update(&mut self.refunds, set.refunds_changed, |row| row.id);
        for order in set.orders_removed {
            let stored = self.orders.remove(&order.id);
            assert_eq!(stored.as_ref(), Some(&order), "an order goes as it was");
            self.payments.retain(|_, payment| payment.order != order.id);
            self.refunds.retain(|_, refund| refund.order != order.id);
        }
        insert(&mut self.past_orders, set.past_orders, |row| (row.partner, row.number.clone()));
        insert(&mut self.past_refunds, set.past_refunds, |row| (row.partner, row.number.clone()));
        insert(&mut self.transfers, set.transfers, |row| row.id);
        for (key, change) in set.accounts {
            let sum = self.accounts.entry(key).or_default();
            sum.debits_posted += change.debits_posted;
            sum.credits_posted += change.credits_posted;
            sum.debits_pending += change.debits_pending;
            sum.credits_pending += change.credits_pending;
        }
        insert(&mut self.events, set.events, |row| (row.partner, row.number));
        insert(&mut self.vouchers, set.vouchers_new, |row| row.id);
        update(&mut self.vouchers, set.vouchers_changed, |row| row.id);
        insert(&mut self.redemptions, set.redemptions, |row| row.id);
        insert(&mut self.tasks, set.tasks_new, |row| row.key);
        update(&mut self.tasks, set.tasks_changed, |row| row.key);
        for key in set.tasks_removed {
            assert!(self.tasks.remove(&key).is_some(), "{key:?} to delete is not there");
        }
        let past_orders = self.past_orders.keys().cloned();
        let orders = self.orders.values().map(|order| (order.partner, order.number.clone()));
        assert_unique(orders.chain(past_orders));
        assert_unique(self.vouchers.values().map(|voucher| (voucher.partner, voucher.number.clone())));
        assert_unique(self.vouchers.values().map(|voucher| voucher.code));
        let past_refunds = self.past_refunds.keys().cloned();
        let refunds = self.refunds.values().map(|refund| (refund.partner, refund.number.clone()));
        assert_unique(refunds.chain(past_refunds));
    }
}

fn insert<K: Ord + Debug, T>(table: &mut BTreeMap<K, T>, rows: Vec<T>, key: impl Fn(&T) -> K) {
    for row in rows {
        let key = key(&row);
        let text = format!("{key:?}");
        assert!(table.insert(key, row).is_none(), "{text} to insert is there already");
    }
}

fn update<K: Ord + Debug, T>(table: &mut BTreeMap<K, T>, rows: Vec<T>, key: impl Fn(&T) -> K) {
    for row in rows {
        let key = key(&row);
        let text = format!("{key:?}");
        assert!(table.insert(key, row).is_some(), "{text} to update is not there");
    }
}

fn assert_unique<K: Ord + Debug>(keys: impl Iterator<Item = K>) {
    let mut keys: Vec<K> = keys.collect();
    keys.sort();
    assert!(keys.windows(2).all(|pair| pair[0] != pair[1]), "a number is there twice: {keys:?}");
}
