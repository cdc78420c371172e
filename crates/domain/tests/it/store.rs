//! A store in memory that takes write sets literally: it breaks down where a database would refuse.

use std::collections::BTreeMap;
use std::fmt::Debug;

use tradewind_domain::{
    Account, AccountDelta, Balance, Currency, Deposit, DepositId, Endpoint, EndpointId, Event, Need, Order,
    OrderId, OrderRef, Partner, PartnerId, PastOrder, PastRefund, Payment, PaymentId, Product, ProductId,
    Redemption, RedemptionId, Refund, RefundId, Rows, Sku, SkuId, Stock, StockKey, Stream, Task, TaskKey,
    Transfer, TransferId, View, Voucher, VoucherId, WriteSet,
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
    pub(crate) products: BTreeMap<ProductId, Product>,
    pub(crate) skus: BTreeMap<SkuId, Sku>,
    pub(crate) stocks: BTreeMap<StockKey, Stock>,
    pub(crate) deposits: BTreeMap<DepositId, Deposit>,
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
            Need::VouchersOf(partner, id) => {
                self.load_family(|order| order.id == *id && order.partner == *partner, rows);
            }
            Need::VouchersOfNumber(partner, number) => {
                self.load_family(|order| order.number == *number && order.partner == *partner, rows);
                rows.past_orders.extend(self.past_orders.get(&(*partner, number.clone())).cloned());
            }
            Need::Product(id) => {
                rows.products.extend(self.products.get(id).cloned());
                rows.skus.extend(self.skus.values().filter(|sku| sku.product == *id).cloned());
            }
            Need::Sku(id) => {
                if let Some(sku) = self.skus.get(id) {
                    rows.products.extend(self.products.get(&sku.product).cloned());
                    rows.partners.extend(self.partners.get(&sku.seller).cloned());
                    rows.skus.push(sku.clone());
                }
            }
            Need::Stock(key) => rows.stocks.extend(self.stocks.get(key).cloned()),
            Need::Balance(partner) => {
                let of_partner = self
                    .accounts
                    .iter()
                    .filter(|((whose, account, _), _)| whose == partner && *account == Account::Prepaid);
                rows.balances.extend(of_partner.map(|((partner, account, currency), sums)| Balance {
                    partner: *partner,
                    account: account.clone(),
                    currency: currency.parse().unwrap(),
                    sums: *sums,
                }));
            }
            Need::Deposit(partner, number) => {
                let found = self.deposits.values().filter(|d| d.number == *number && d.partner == *partner);
                rows.deposits.extend(found.cloned());
            }
            Need::Listeners(kind) => {
                for endpoint in self.endpoints.values().filter(|endpoint| endpoint.events.contains(kind)) {
                    rows.endpoints.push(endpoint.clone());
                    rows.partners.extend(self.partners.get(&endpoint.partner).cloned());
                    rows.streams.extend(self.streams.get(&endpoint.partner).copied());
                }
            }
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

    fn load_family(&self, wanted: impl Fn(&Order) -> bool, rows: &mut Rows) {
        self.load_order(&wanted, rows);
        for order in self.orders.values().filter(|order| wanted(order)) {
            self.load_voucher(|voucher| voucher.order == Some(order.id), rows);
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
        insert(&mut self.products, set.products_new, |row| row.id);
        update(&mut self.products, set.products_changed, |row| row.id);
        insert(&mut self.skus, set.skus_new, |row| row.id);
        update(&mut self.skus, set.skus_changed, |row| row.id);
        insert(&mut self.stocks, set.stocks_new, |row| row.key);
        update(&mut self.stocks, set.stocks_changed, |row| row.key);
        insert(&mut self.deposits, set.deposits, |row| row.id);
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
        assert_unique(self.deposits.values().map(|deposit| (deposit.partner, deposit.number.clone())));
        let past_refunds = self.past_refunds.keys().cloned();
        let refunds = self.refunds.values().map(|refund| (refund.partner, refund.number.clone()));
        assert_unique(refunds.chain(past_refunds));
    }
}

impl Stored {
    /// What is loaded after a batch is what its decisions saw in the end.
    pub(crate) fn assert_replays(&self, seen: &View, needs: &[Need]) {
        let mut fresh = View::default();
        fresh.fill(needs.to_vec(), self.load(needs));
        for need in needs {
            match need {
                Need::Partner(id) => {
                    assert_eq!(seen.partner(*id), fresh.partner(*id));
                    assert_eq!(seen.last_event(*id), fresh.last_event(*id));
                }
                Need::Order(partner, id) => assert_same_family(seen, &fresh, *partner, &OrderRef::Id(*id)),
                Need::OrderNumber(partner, number) => {
                    assert_same_family(seen, &fresh, *partner, &OrderRef::Number(number.clone()));
                }
                Need::VouchersOf(partner, id) => {
                    assert_same_vouchers(seen, &fresh, *partner, &OrderRef::Id(*id));
                }
                Need::VouchersOfNumber(partner, number) => {
                    assert_same_vouchers(seen, &fresh, *partner, &OrderRef::Number(number.clone()));
                }
                Need::RefundNumber(partner, number) => {
                    assert_eq!(
                        seen.refund_by_number(*partner, number),
                        fresh.refund_by_number(*partner, number)
                    );
                }
                Need::Task(key) => assert_eq!(seen.task(*key), fresh.task(*key)),
                Need::Voucher(partner, id) => {
                    assert_eq!(seen.voucher(*partner, *id), fresh.voucher(*partner, *id))
                }
                Need::VoucherNumber(partner, number) => {
                    assert_eq!(
                        seen.voucher_by_number(*partner, number),
                        fresh.voucher_by_number(*partner, number)
                    );
                }
                Need::VoucherCode(code) => {
                    assert_eq!(seen.voucher_by_code(*code), fresh.voucher_by_code(*code))
                }
                Need::Product(id) => {
                    assert_eq!(seen.product(*id), fresh.product(*id));
                    assert_eq!(seen.skus_of(*id), fresh.skus_of(*id));
                }
                Need::Sku(id) => assert_eq!(seen.sku(*id), fresh.sku(*id)),
                Need::Stock(key) => assert_eq!(seen.stock(*key), fresh.stock(*key)),
                Need::Balance(partner) => {
                    let balance = |view: &View| view.balance(*partner, Currency::CNY);
                    assert_eq!(balance(seen), balance(&fresh), "balance of {partner}");
                }
                Need::Deposit(partner, number) => {
                    assert_eq!(
                        seen.deposit_by_number(*partner, number),
                        fresh.deposit_by_number(*partner, number)
                    );
                }
                Need::Listeners(kind) => assert_eq!(seen.listeners(*kind), fresh.listeners(*kind)),
                Need::TasksOf(..)
                | Need::Event(..)
                | Need::KeyId { .. }
                | Need::Credentials(_)
                | Need::User(..) => {}
            }
        }
    }
}

fn assert_same_family(seen: &View, fresh: &View, partner: PartnerId, by: &OrderRef) {
    let (before, after) = (seen.order(partner, by), fresh.order(partner, by));
    assert_eq!(before, after);
    let Some(id) = after.map(|order| order.id) else { return };
    let payments = |view: &View| BTreeMap::from_iter(view.payments(id).map(|row| (row.id, row.clone())));
    let refunds = |view: &View| BTreeMap::from_iter(view.refunds(id).map(|row| (row.id, row.clone())));
    assert_eq!(payments(seen), payments(fresh));
    assert_eq!(refunds(seen), refunds(fresh));
}

fn assert_same_vouchers(seen: &View, fresh: &View, partner: PartnerId, by: &OrderRef) {
    assert_same_family(seen, fresh, partner, by);
    let Some(id) = fresh.order(partner, by).map(|order| order.id) else { return };
    assert_eq!(seen.vouchers_of(id).collect::<Vec<_>>(), fresh.vouchers_of(id).collect::<Vec<_>>());
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
