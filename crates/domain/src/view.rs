//! What a decision sees: what is stored, overlaid with what earlier decisions of the batch have changed.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use crate::{
    Account, AccountDelta, Balance, Changes, Credential, CredentialId, Currency, Deposit, Endpoint, Event,
    EventKind, Need, Order, OrderId, OrderRef, Partner, PartnerId, PastOrder, PastRefund, Payment, PaymentId,
    Product, ProductId, Redemption, RedemptionId, Refund, RefundId, Rows, Sku, SkuId, Stock, StockKey,
    Stream, Task, TaskKey, Transfer, User, Voucher, VoucherCode, VoucherId, Whole, WriteSet,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    Stored,
    Changed,
    New,
}

#[derive(Clone, Debug)]
struct Slot<T> {
    row: T,
    origin: Origin,
}

/// Rows by key, remembering which were stored before and which a batch has made or changed.
#[derive(Clone, Debug)]
struct Table<K, T>(HashMap<K, Slot<T>>);

impl<K, T> Default for Table<K, T> {
    fn default() -> Self {
        Table(HashMap::new())
    }
}

impl<K: Eq + Hash, T: Clone> Table<K, T> {
    fn get(&self, key: &K) -> Option<&T> {
        self.0.get(key).map(|slot| &slot.row)
    }

    /// A row read from the store never overwrites what the batch already holds.
    fn stored(&mut self, key: K, row: T) {
        self.0.entry(key).or_insert(Slot { row, origin: Origin::Stored });
    }

    fn put(&mut self, key: K, row: T) {
        match self.0.get_mut(&key) {
            Some(slot) => {
                slot.row = row;
                if slot.origin == Origin::Stored {
                    slot.origin = Origin::Changed;
                }
            }
            None => {
                self.0.insert(key, Slot { row, origin: Origin::New });
            }
        }
    }

    fn remove(&mut self, key: &K) {
        self.0.remove(key);
    }

    fn drain(self, new: &mut Vec<T>, changed: &mut Vec<T>) {
        for slot in self.0.into_values() {
            match slot.origin {
                Origin::New => new.push(slot.row),
                Origin::Changed => changed.push(slot.row),
                Origin::Stored => {}
            }
        }
    }
}

/// What decisions see: rows loaded for a batch, overlaid with what earlier decisions of the batch
/// have changed.
#[derive(Clone, Debug, Default)]
pub struct View {
    answered: HashSet<Need>,
    partners: Table<PartnerId, Partner>,
    endpoints: HashMap<PartnerId, Vec<Endpoint>>,
    streams: Table<PartnerId, Stream>,
    orders: Table<OrderId, Order>,
    order_numbers: HashMap<(PartnerId, String), OrderId>,
    payments: Table<PaymentId, Payment>,
    payments_of: HashMap<OrderId, Vec<PaymentId>>,
    refunds: Table<RefundId, Refund>,
    refunds_of: HashMap<OrderId, Vec<RefundId>>,
    refund_numbers: HashMap<(PartnerId, String), RefundId>,
    past_orders: HashMap<(PartnerId, String), PastOrder>,
    past_refunds: HashMap<(PartnerId, String), PastRefund>,
    /// `None` for a task that has gone in this batch, so that it stays gone.
    tasks: HashMap<TaskKey, Option<Task>>,
    credentials: Table<CredentialId, Credential>,
    users: Table<(PartnerId, String), User>,
    events: HashMap<(PartnerId, i64), Event>,
    vouchers: Table<VoucherId, Voucher>,
    voucher_numbers: HashMap<(PartnerId, String), VoucherId>,
    voucher_codes: HashMap<VoucherCode, VoucherId>,
    vouchers_of: HashMap<OrderId, Vec<VoucherId>>,
    redemptions: HashMap<RedemptionId, Redemption>,
    products: Table<ProductId, Product>,
    skus: Table<SkuId, Sku>,
    stocks: Table<StockKey, Stock>,
    /// As stored; what the batch moves is among what it writes.
    balances: HashMap<(PartnerId, Account, Currency), AccountDelta>,
    deposits: HashMap<(PartnerId, String), Deposit>,
    written: WriteSet,
}

impl View {
    /// Whether `need` has been asked of the store.
    pub fn has(&self, need: &Need) -> bool {
        self.answered.contains(need)
    }

    /// Takes in what the store found for `needs`; what it did not find is known to be absent.
    pub fn fill(&mut self, needs: impl IntoIterator<Item = Need>, rows: Rows) {
        self.answered.extend(needs);
        for partner in rows.partners {
            self.partners.stored(partner.id, partner);
        }
        for endpoint in rows.endpoints {
            if self.written.endpoints_removed.contains(&(endpoint.partner, endpoint.id)) {
                continue;
            }
            let known = self.endpoints.entry(endpoint.partner).or_default();
            if !known.iter().any(|e| e.id == endpoint.id) {
                known.push(endpoint);
            }
        }
        for stream in rows.streams {
            self.streams.stored(stream.partner, stream);
        }
        for order in rows.orders {
            self.order_numbers.insert((order.partner, order.number.clone()), order.id);
            self.orders.stored(order.id, order);
        }
        for payment in rows.payments {
            link(&mut self.payments_of, payment.order, payment.id);
            self.payments.stored(payment.id, payment);
        }
        for refund in rows.refunds {
            self.refund_numbers.insert((refund.partner, refund.number.clone()), refund.id);
            link(&mut self.refunds_of, refund.order, refund.id);
            self.refunds.stored(refund.id, refund);
        }
        for past in rows.past_orders {
            self.past_orders.insert((past.partner, past.number.clone()), past);
        }
        for past in rows.past_refunds {
            self.past_refunds.insert((past.partner, past.number.clone()), past);
        }
        for task in rows.tasks {
            self.tasks.entry(task.key).or_insert(Some(task));
        }
        for credential in rows.credentials {
            self.credentials.stored(credential.id, credential);
        }
        for user in rows.users {
            self.users.stored((user.partner, user.login.clone()), user);
        }
        for event in rows.events {
            self.events.insert((event.partner, event.number), event);
        }
        for voucher in rows.vouchers {
            self.name_voucher(&voucher);
            self.vouchers.stored(voucher.id, voucher);
        }
        for redemption in rows.redemptions {
            self.redemptions.insert(redemption.id, redemption);
        }
        for product in rows.products {
            self.products.stored(product.id, product);
        }
        for sku in rows.skus {
            self.skus.stored(sku.id, sku);
        }
        for stock in rows.stocks {
            self.stocks.stored(stock.key, stock);
        }
        for Balance { partner, account, currency, sums } in rows.balances {
            self.balances.insert((partner, account, currency), sums);
        }
        for deposit in rows.deposits {
            self.deposits.entry((deposit.partner, deposit.number.clone())).or_insert(deposit);
        }
    }

    /// A partner.
    pub fn partner(&self, id: PartnerId) -> Option<&Partner> {
        self.partners.get(&id)
    }

    /// The endpoints of a partner.
    pub fn endpoints(&self, partner: PartnerId) -> &[Endpoint] {
        self.endpoints.get(&partner).map_or(&[], Vec::as_slice)
    }

    /// The number of a partner's latest event.
    pub fn last_event(&self, partner: PartnerId) -> i64 {
        self.streams.get(&partner).map_or(0, |stream| stream.last)
    }

    /// An order of a partner, by one of its names.
    pub fn order(&self, partner: PartnerId, by: &OrderRef) -> Option<&Order> {
        let id = match by {
            OrderRef::Id(id) => *id,
            OrderRef::Number(number) => *self.order_numbers.get(&(partner, number.clone()))?,
        };
        self.orders.get(&id).filter(|order| order.partner == partner)
    }

    /// A payment.
    pub fn payment(&self, id: PaymentId) -> Option<&Payment> {
        self.payments.get(&id)
    }

    /// The payments of an order, oldest first.
    pub fn payments(&self, order: OrderId) -> impl Iterator<Item = &Payment> {
        self.payments_of.get(&order).into_iter().flatten().filter_map(|id| self.payments.get(id))
    }

    /// A refund.
    pub fn refund(&self, id: RefundId) -> Option<&Refund> {
        self.refunds.get(&id)
    }

    /// The refunds of an order, oldest first.
    pub fn refunds(&self, order: OrderId) -> impl Iterator<Item = &Refund> {
        self.refunds_of.get(&order).into_iter().flatten().filter_map(|id| self.refunds.get(id))
    }

    /// A refund by the partner's refund number.
    pub fn refund_by_number(&self, partner: PartnerId, number: &str) -> Option<&Refund> {
        self.refunds.get(self.refund_numbers.get(&(partner, number.to_owned()))?)
    }

    /// An order that has gone, by the partner's own number.
    pub fn past_order(&self, partner: PartnerId, number: &str) -> Option<&PastOrder> {
        // Mostly there is none at all, and then the key need not be made.
        let known = Some(&self.past_orders).filter(|known| !known.is_empty())?;
        known.get(&(partner, number.to_owned()))
    }

    /// A refund that has gone, by the partner's refund number.
    pub fn past_refund(&self, partner: PartnerId, number: &str) -> Option<&PastRefund> {
        let known = Some(&self.past_refunds).filter(|known| !known.is_empty())?;
        known.get(&(partner, number.to_owned()))
    }

    /// An order with what stands and falls with it, as far as it was loaded.
    pub fn whole<'a>(&'a self, order: &'a Order) -> Whole<'a> {
        let about =
            |task: &&Task| task.key.partner == order.partner && task.key.about.order() == Some(order.id);
        let mut tasks: Vec<&Task> = self.tasks.values().flatten().filter(about).collect();
        tasks.sort_unstable_by_key(|task| task.key.id);
        Whole {
            order,
            payments: self.payments(order.id).collect(),
            refunds: self.refunds(order.id).collect(),
            tasks,
        }
    }

    /// A task.
    pub fn task(&self, key: TaskKey) -> Option<&Task> {
        self.tasks.get(&key)?.as_ref()
    }

    /// Credentials among those loaded.
    pub fn credentials(&self) -> impl Iterator<Item = &Credential> {
        self.credentials.0.values().map(|slot| &slot.row)
    }

    /// An event among those loaded.
    pub fn event(&self, partner: PartnerId, number: i64) -> Option<&Event> {
        self.events.get(&(partner, number))
    }

    /// A voucher of a partner.
    pub fn voucher(&self, partner: PartnerId, id: VoucherId) -> Option<&Voucher> {
        self.vouchers.get(&id).filter(|voucher| voucher.partner == partner)
    }

    /// A voucher by the partner's own number.
    pub fn voucher_by_number(&self, partner: PartnerId, number: &str) -> Option<&Voucher> {
        self.vouchers.get(self.voucher_numbers.get(&(partner, number.to_owned()))?)
    }

    /// A voucher by its code, whoever's it is.
    pub fn voucher_by_code(&self, code: VoucherCode) -> Option<&Voucher> {
        self.vouchers.get(self.voucher_codes.get(&code)?)
    }

    /// A redemption among those loaded.
    pub fn redemption(&self, id: RedemptionId) -> Option<&Redemption> {
        self.redemptions.get(&id)
    }

    /// The vouchers that an order has bought, by id.
    pub fn vouchers_of(&self, order: OrderId) -> impl DoubleEndedIterator<Item = &Voucher> {
        self.vouchers_of.get(&order).into_iter().flatten().filter_map(|id| self.vouchers.get(id))
    }

    /// A product.
    pub fn product(&self, id: ProductId) -> Option<&Product> {
        self.products.get(&id)
    }

    /// A sku.
    pub fn sku(&self, id: SkuId) -> Option<&Sku> {
        self.skus.get(&id)
    }

    /// The skus of a product among those loaded, by id.
    pub fn skus_of(&self, product: ProductId) -> Vec<&Sku> {
        let mut skus: Vec<&Sku> =
            self.skus.0.values().map(|slot| &slot.row).filter(|sku| sku.product == product).collect();
        skus.sort_unstable_by_key(|sku| sku.id);
        skus
    }

    /// A stock.
    pub fn stock(&self, key: StockKey) -> Option<&Stock> {
        self.stocks.get(&key)
    }

    /// What is left of a partner's prepaid balance, in millionths: what is stored, with what earlier
    /// decisions of the batch have moved.
    pub fn balance(&self, partner: PartnerId, currency: Currency) -> i64 {
        let account = Account::Prepaid;
        let stored = self.balances.get(&(partner, account.clone(), currency)).copied();
        let key = (partner, account.clone(), currency.code().to_owned());
        let moved = self.written.accounts.get(&key).copied().unwrap_or_default();
        let sums = stored.unwrap_or_default().plus(moved);
        Balance { partner, account, currency, sums }.available()
    }

    /// A deposit by the operator's own number.
    pub fn deposit_by_number(&self, partner: PartnerId, number: &str) -> Option<&Deposit> {
        self.deposits.get(&(partner, number.to_owned()))
    }

    /// The endpoints among those loaded that want to hear of this, by partner and id.
    pub fn listeners(&self, kind: EventKind) -> Vec<&Endpoint> {
        let all = self.endpoints.values().flatten();
        let mut listeners: Vec<&Endpoint> = all.filter(|endpoint| endpoint.events.contains(&kind)).collect();
        listeners.sort_unstable_by_key(|endpoint| (endpoint.partner, endpoint.id));
        listeners
    }

    /// A user by login.
    pub fn user(&self, partner: PartnerId, login: &str) -> Option<&User> {
        self.users.get(&(partner, login.to_owned()))
    }

    /// Lays the changes of one decision over the view, for the decisions after it and for
    /// [`View::into_write_set`].
    pub fn apply(&mut self, changes: Changes) {
        for partner in changes.partners {
            self.partners.put(partner.id, partner);
        }
        for credential in changes.credentials {
            self.credentials.put(credential.id, credential);
        }
        for user in changes.users {
            self.users.put((user.partner, user.login.clone()), user);
        }
        for endpoint in changes.endpoints {
            self.endpoints.entry(endpoint.partner).or_default().push(endpoint.clone());
            self.written.endpoints_new.push(endpoint);
        }
        for (partner, id) in changes.endpoints_removed {
            self.endpoints.entry(partner).or_default().retain(|endpoint| endpoint.id != id);
            let before = self.written.endpoints_new.len();
            self.written.endpoints_new.retain(|endpoint| endpoint.id != id);
            if self.written.endpoints_new.len() == before {
                self.written.endpoints_removed.push((partner, id));
            }
        }
        for order in changes.orders {
            self.order_numbers.insert((order.partner, order.number.clone()), order.id);
            self.orders.put(order.id, order);
        }
        for payment in changes.payments {
            link(&mut self.payments_of, payment.order, payment.id);
            self.payments.put(payment.id, payment);
        }
        for refund in changes.refunds {
            self.refund_numbers.insert((refund.partner, refund.number.clone()), refund.id);
            link(&mut self.refunds_of, refund.order, refund.id);
            self.refunds.put(refund.id, refund);
        }
        for order in changes.orders_removed {
            self.remove_order(order);
        }
        for past in changes.past_orders {
            self.past_orders.insert((past.partner, past.number.clone()), past.clone());
            self.written.past_orders.push(past);
        }
        for past in changes.past_refunds {
            self.past_refunds.insert((past.partner, past.number.clone()), past.clone());
            self.written.past_refunds.push(past);
        }
        self.apply_transfers(changes.transfers);
        for event in changes.events {
            self.streams.put(event.partner, Stream { partner: event.partner, last: event.number });
            self.written.events.push(event);
        }
        for task in changes.tasks_new {
            self.tasks.insert(task.key, Some(task.clone()));
            self.written.tasks_new.push(task);
        }
        for task in changes.tasks_changed {
            self.change_task(task);
        }
        self.written.events_removed.extend(changes.events_removed);
        for key in changes.tasks_removed {
            self.remove_task(key);
        }
        for voucher in changes.vouchers {
            self.name_voucher(&voucher);
            self.vouchers.put(voucher.id, voucher);
        }
        self.written.redemptions.extend(changes.redemptions);
        for product in changes.products {
            self.products.put(product.id, product);
        }
        for sku in changes.skus {
            self.skus.put(sku.id, sku);
        }
        for stock in changes.stocks {
            self.stocks.put(stock.key, stock);
        }
        for deposit in changes.deposits {
            self.deposits.insert((deposit.partner, deposit.number.clone()), deposit.clone());
            self.written.deposits.push(deposit);
        }
        self.written.facts.extend(changes.facts);
    }

    fn name_voucher(&mut self, voucher: &Voucher) {
        self.voucher_numbers.insert((voucher.partner, voucher.number.clone()), voucher.id);
        self.voucher_codes.insert(voucher.code, voucher.id);
        if let Some(order) = voucher.order {
            let ids = self.vouchers_of.entry(order).or_default();
            if let Err(place) = ids.binary_search(&voucher.id) {
                ids.insert(place, voucher.id);
            }
        }
    }

    /// What the batch has to write.
    pub fn into_write_set(self) -> WriteSet {
        let mut set = self.written;
        self.partners.drain(&mut set.partners_new, &mut set.partners_changed);
        self.credentials.drain(&mut set.credentials_new, &mut set.credentials_changed);
        self.users.drain(&mut set.users_new, &mut set.users_changed);
        self.streams.drain(&mut set.streams_new, &mut set.streams_changed);
        self.orders.drain(&mut set.orders_new, &mut set.orders_changed);
        self.payments.drain(&mut set.payments_new, &mut set.payments_changed);
        self.refunds.drain(&mut set.refunds_new, &mut set.refunds_changed);
        self.vouchers.drain(&mut set.vouchers_new, &mut set.vouchers_changed);
        self.products.drain(&mut set.products_new, &mut set.products_changed);
        self.skus.drain(&mut set.skus_new, &mut set.skus_changed);
        self.stocks.drain(&mut set.stocks_new, &mut set.stocks_changed);
        // Neighbouring keys in order touch neighbouring pages.
        set.orders_new.sort_unstable_by_key(|order| order.id);
        set.payments_new.sort_unstable_by_key(|payment| payment.id);
        set
    }

    fn apply_transfers(&mut self, transfers: Vec<Transfer>) {
        for transfer in transfers {
            let currency = transfer.amount.currency();
            let key = |account: &Account| (transfer.partner, account.clone(), currency.code().to_owned());
            self.written.accounts.entry(key(&transfer.debit)).or_default().debit(&transfer);
            self.written.accounts.entry(key(&transfer.credit)).or_default().credit(&transfer);
            self.written.transfers.push(transfer);
        }
    }

    /// A task made in this batch is changed before it is ever written; one changed twice is written
    /// once; one that has gone stays gone.
    fn change_task(&mut self, task: Task) {
        if self.tasks.get(&task.key).is_some_and(Option::is_none) {
            return;
        }
        self.tasks.insert(task.key, Some(task.clone()));
        let written = &mut self.written;
        let pending =
            written.tasks_new.iter_mut().chain(&mut written.tasks_changed).find(|t| t.key == task.key);
        match pending {
            Some(slot) => *slot = task,
            None => written.tasks_changed.push(task),
        }
    }

    /// What an earlier decision of the batch has changed about it is not written any more.
    fn remove_order(&mut self, order: Order) {
        self.orders.remove(&order.id);
        for payment in self.payments_of.remove(&order.id).unwrap_or_default() {
            self.payments.remove(&payment);
        }
        for refund in self.refunds_of.remove(&order.id).unwrap_or_default() {
            self.refunds.remove(&refund);
        }
        self.written.orders_removed.push(order);
    }

    fn remove_task(&mut self, key: TaskKey) {
        self.tasks.insert(key, None);
        let before = self.written.tasks_new.len();
        self.written.tasks_new.retain(|task| task.key != key);
        self.written.tasks_changed.retain(|task| task.key != key);
        if self.written.tasks_new.len() == before {
            self.written.tasks_removed.push(key);
        }
    }
}

fn link<Id: PartialEq + Copy>(index: &mut HashMap<OrderId, Vec<Id>>, order: OrderId, id: Id) {
    let ids = index.entry(order).or_default();
    if !ids.contains(&id) {
        ids.push(id);
    }
}
