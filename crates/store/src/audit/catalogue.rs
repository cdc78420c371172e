//! The catalogue before the audit: a stock holds and has sold what the lines of orders draw on it, and
//! never more than there is.

use tradewind_domain::{Event, EventKind, PartnerId, Sku, SkuId, Stock, StockKey, Task, TaskKind};

use super::Audit;
use super::vouchers::sum;

/// A sku and all that belongs to it.
#[derive(Clone, Debug, Default)]
pub struct SkuFamily {
    /// The sku; `None` when there are only rows that refer to it.
    pub sku: Option<Sku>,
    /// Who sells its product; `None` when there is no such product.
    pub product_of: Option<PartnerId>,
    /// Its stocks.
    pub stocks: Vec<Stock>,
    /// Events about it, whoever was told.
    pub events: Vec<Event>,
    /// Tasks about it.
    pub tasks: Vec<Task>,
}

impl SkuFamily {
    /// Empties the lists and keeps their memory for the next family.
    pub fn clear(&mut self) {
        self.sku = None;
        self.product_of = None;
        self.stocks.clear();
        self.events.clear();
        self.tasks.clear();
    }
}

impl Audit {
    /// Judges the family of the sku of this id; to be called after all families of orders, each id once.
    pub fn sku_family(&mut self, id: SkuId, family: &SkuFamily) {
        self.count("stocks", family.stocks.len());
        self.count("events", family.events.len());
        self.count("tasks", family.tasks.len());
        match &family.sku {
            None => self.find(format!("{id} is referred to but not there")),
            Some(sku) => {
                self.count("skus", 1);
                self.belongings(sku, family);
            }
        }
        family.stocks.iter().for_each(|stock| self.stock(stock));
        self.told(id, family);
    }

    /// Adds products that were read to what was checked.
    pub fn products(&mut self, products: usize) {
        self.count("products", products);
    }

    fn belongings(&mut self, sku: &Sku, family: &SkuFamily) {
        let (id, seller) = (sku.id, sku.seller);
        match family.product_of {
            None => self.find(format!("{id} of {seller} sells {}, which is not there", sku.product)),
            Some(other) if other != seller => {
                self.find(format!("{id} of {seller} sells {}, which is of {other}", sku.product));
            }
            Some(_) => {}
        }
        if let Some(stranger) = family.stocks.iter().find(|stock| stock.seller != seller) {
            self.find(format!("{id} of {seller}: one of its stocks is of {}", stranger.seller));
        }
    }

    fn stock(&mut self, stock: &Stock) {
        let (held, sold) = self.drawn.remove(&stock.key).unwrap_or_default();
        let name = name(stock.key);
        if (held, sold) != (u64::from(stock.held), u64::from(stock.sold)) {
            let Stock { held: held_said, sold: sold_said, .. } = *stock;
            self.find(format!(
                "{name} says {held_said} held and {sold_said} sold, its orders sum to {held} and {sold}"
            ));
        }
        if sum([stock.held, stock.sold]) > u64::from(stock.total) {
            let Stock { held, sold, total, .. } = *stock;
            self.find(format!("{name} is oversold: {held} held and {sold} sold of {total}"));
        }
    }

    /// What orders draw on has to be there.
    pub(super) fn stocks_missing(&mut self) {
        let mut missing: Vec<_> = std::mem::take(&mut self.drawn).into_iter().collect();
        missing.sort_unstable();
        for (key, (held, sold)) in missing {
            self.find(format!("{} is not there, its orders sum to {held} and {sold}", name(key)));
        }
    }

    /// Events about a sku tell of its product, and its tasks tell an event that is there.
    fn told(&mut self, id: SkuId, family: &SkuFamily) {
        for event in &family.events {
            let of_product = match event.kind {
                EventKind::ProductChanged | EventKind::ProductListed | EventKind::ProductDelisted => true,
                EventKind::OrderPaid
                | EventKind::OrderRevoked
                | EventKind::OrderClosed
                | EventKind::RefundSucceeded
                | EventKind::RefundFailed
                | EventKind::VoucherRedeemed => false,
            };
            if !of_product {
                let (kind, number, partner) = (event.kind.name(), event.number, event.partner);
                self.find(format!("event {number} of {partner} tells {kind} of {id}"));
            }
        }
        for task in &family.tasks {
            let (task_id, partner) = (task.key.id, task.key.partner);
            let tells = match task.kind {
                TaskKind::Deliver { event, .. } => {
                    family.events.iter().any(|told| told.number == event && told.partner == partner)
                }
                TaskKind::FollowPayment(_)
                | TaskKind::FollowRefund(_)
                | TaskKind::LapseOrder
                | TaskKind::ApproveRefund(_)
                | TaskKind::SendCodes => false,
            };
            if !tells {
                let kind = task.kind.name();
                self.find(format!(
                    "{id}: {task_id} ({kind}) of {partner} is about nothing that is there or open"
                ));
            }
        }
    }
}

fn name(key: StockKey) -> String {
    let StockKey { sku, day } = key;
    day.map_or_else(|| format!("the stock of {sku}"), |day| format!("the stock of {sku} for {day}"))
}
