//! Old orders, page by page: which may go, and what keeps the others.

use tradewind_domain::{
    Forgetting, ForgottenOrders, Kept, Need, Order, OrderId, OrderRef, PartnerId, Payment, Refund, Rules,
    Task, Timestamp, View,
};

use super::{Place, mark, partner_after};
use crate::{Result, Store};

/// What of a stretch of a partner's old orders is to go.
#[derive(Clone, Debug, Default)]
pub struct OrdersPage {
    /// Whose orders were looked at; `None` when there are no partners.
    pub partner: Option<PartnerId>,
    /// What removes those that go; `None` when none does.
    pub forgetting: Option<Forgetting>,
    /// The orders that go, with all that goes with them.
    pub going: Vec<Going>,
    /// The orders that are old and stay, and why.
    pub kept: Vec<(OrderId, Kept)>,
    /// Where the next page begins; `None` when everything has been looked at.
    pub next: Option<Place>,
}

/// An order that goes, and all that goes with it.
#[derive(Clone, Debug)]
pub struct Going {
    /// The order.
    pub order: Order,
    /// Its payments, oldest first.
    pub payments: Vec<Payment>,
    /// Its refunds, oldest first.
    pub refunds: Vec<Refund>,
    /// The tasks about it, oldest first.
    pub tasks: Vec<Task>,
}

/// The page of orders from before an instant that begins at `place`, whose number is an order's, or the
/// first one. Looks at no more than `limit` orders, as the rules see them at `now`.
pub async fn orders_page(
    store: &dyn Store,
    before: Timestamp,
    (now, rules): (Timestamp, &Rules),
    place: Option<Place>,
    limit: u32,
) -> Result<OrdersPage> {
    let place = match place {
        Some(place) => place,
        None => match partner_after(store, None).await? {
            Some(first) => first,
            None => return Ok(OrdersPage::default()),
        },
    };
    let partner = place.partner;
    let limit = limit.clamp(1, u32::try_from(Forgetting::ORDERS_MAX).unwrap_or(1));
    let after = OrderId::from_i64(place.after);
    let old = store.orders_between(partner, after, OrderId::first_at(before), limit).await?;
    let next = match old.last() {
        Some(last) if old.len() >= limit as usize => {
            Some(Place { partner, after: last.get(), unbroken: false })
        }
        _ => partner_after(store, Some(partner)).await?,
    };
    let mut page = OrdersPage { partner: Some(partner), next, ..OrdersPage::default() };
    let needs: Vec<Need> =
        old.iter().flat_map(|id| [Need::Order(partner, *id), Need::TasksOf(partner, *id)]).collect();
    let mut view = View::default();
    let rows = store.read(needs.clone()).await?;
    view.fill(needs, rows);
    // One that has gone meanwhile is not there.
    for order in old.iter().filter_map(|id| view.order(partner, &OrderRef::Id(*id))) {
        let whole = view.whole(order);
        match whole.kept_by(now, rules.refund_window, before) {
            Some(reason) => page.kept.push((order.id, reason)),
            None => page.going.push(Going {
                payments: whole.payments.into_iter().cloned().collect(),
                refunds: whole.refunds.into_iter().cloned().collect(),
                tasks: whole.tasks.into_iter().cloned().collect(),
                order: order.clone(),
            }),
        }
    }
    let ids: Vec<OrderId> = page.going.iter().map(|going| going.order.id).collect();
    if !ids.is_empty() {
        let orders = Some(ForgottenOrders { ids, before });
        page.forgetting = Some(Forgetting { partner, events: None, tasks: Vec::new(), orders });
    }
    Ok(page)
}

impl OrdersPage {
    /// Differs when anything else is to go. Not a secret.
    pub fn mark(&self) -> String {
        let numbers = self.going.iter().flat_map(|going| {
            let tasks = going.tasks.iter().flat_map(|task| [task.key.id.get(), i64::from(task.attempts)]);
            let payments = going.payments.iter().map(|payment| payment.id.get());
            let refunds = going.refunds.iter().map(|refund| refund.id.get());
            [going.order.id.get()].into_iter().chain(payments).chain(refunds).chain(tasks)
        });
        mark(numbers)
    }
}
