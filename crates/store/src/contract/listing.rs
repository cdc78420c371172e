//! Lists for partners and people, and stories.

use tradewind_domain::{
    About, ListOrders, Method, Order, OrderId, OrderPage, OrderStage, OrderStanding, PartnerId, Payment,
    SkuId, Span, Task, TaskId, TaskState, Timestamp, VoucherId, WriteSet,
};

use super::Fixture;
use super::desk::{Desk, REFUND_WINDOW};
use super::samples::{self, NOW, yuan};
use super::shop;
use crate::{OrderQuery, TaskFilter, TaskPlace};

const OWNER: PartnerId = PartnerId::from_i64(1);

fn everything() -> ListOrders {
    ListOrders {
        from: Timestamp::from_ms(0),
        until: Timestamp::from_ms(i64::MAX / 100_000),
        standings: Vec::new(),
        method: None,
        operator: None,
        number: None,
        page: 1,
        page_size: 100,
    }
}

async fn list(desk: &Desk, list: ListOrders) -> OrderPage {
    let query = OrderQuery { partner: OWNER, list, now: NOW, refund_window: REFUND_WINDOW };
    desk.store.list_orders(query).await.unwrap()
}

fn numbers(page: &OrderPage) -> Vec<&str> {
    page.entries.iter().map(|(order, _)| order.number.as_str()).collect()
}

async fn write(desk: &mut Desk, orders: Vec<(Order, Payment)>) {
    let (orders_new, payments_new) = orders.into_iter().unzip();
    desk.commit(&WriteSet { orders_new, payments_new, ..WriteSet::default() }).await.unwrap();
}

/// Newest first, page by page, within a range of time, with the exact total.
pub async fn orders_by_page(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let mut orders = Vec::new();
    for second in 0..25 {
        for owner in [1, 2] {
            let id = OrderId::first_at(NOW + Span::from_secs(second)).get() + owner;
            let order = samples::order(owner, id, &format!("{owner}-{second:02}"));
            let payment = samples::payment(&order);
            orders.push((order, payment));
        }
    }
    let expected: Vec<_> = orders.iter().filter(|(order, _)| order.partner == OWNER).rev().cloned().collect();
    write(&mut desk, orders).await;
    let all = list(&desk, everything()).await;
    assert_eq!((all.entries.len(), all.total), (25, Some(25)));
    assert_eq!(all.entries, expected);
    for (page, range) in [(1, 0..10), (2, 10..20), (3, 20..25), (4, 25..25), (u32::MAX, 25..25), (0, 0..10)] {
        let found = list(&desk, ListOrders { page, page_size: 10, ..everything() }).await;
        assert_eq!(found.total, Some(25), "page {page}");
        assert_eq!(found.entries, expected[range], "page {page}");
    }
    let from = NOW + Span::from_secs(3);
    let until = NOW + Span::from_secs(5);
    let some = list(&desk, ListOrders { from, until, ..everything() }).await;
    assert_eq!((numbers(&some), some.total), (vec!["1-04", "1-03"], Some(2)));
    let none = list(&desk, ListOrders { from: until, until: from, ..everything() }).await;
    assert_eq!((none.entries.len(), none.total), (0, Some(0)));
    let count = list(&desk, ListOrders { page_size: 0, ..everything() }).await;
    assert_eq!((count.entries.len(), count.total), (0, Some(25)));
}

/// Each filter alone, all together, and pages of what passes.
pub async fn orders_by_filter(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let mut orders = Vec::new();
    for (id, (stage, operator, method)) in (1..).zip([
        (OrderStage::Open, "anna", Method::ALIPAY),
        (OrderStage::Open, "bert", Method::WECHAT),
        (OrderStage::Revoked, "anna", Method::ALIPAY),
        (OrderStage::Revoked, "bert", Method::ALIPAY),
        (OrderStage::Closed, "anna", Method::WECHAT),
        (OrderStage::Revoked, "anna", Method::WECHAT),
    ]) {
        let mut order = samples::order(1, id, &id.to_string());
        order.stage = stage;
        order.terminal.operator = operator.into();
        let payment = Payment { method, ..samples::payment(&order) };
        orders.push((order, payment));
    }
    write(&mut desk, orders).await;
    let check = async |filter: ListOrders, expected: &[&str]| {
        let total = Some(u64::try_from(expected.len()).unwrap());
        let page = list(&desk, filter.clone()).await;
        assert_eq!((numbers(&page), page.total), (expected.to_vec(), total), "{filter:?}");
        if let [_, second, ..] = expected {
            let page = list(&desk, ListOrders { page: 2, page_size: 1, ..filter.clone() }).await;
            assert_eq!((numbers(&page), page.total), (vec![*second], total), "{filter:?}");
        }
    };
    let standings =
        |standings: &[OrderStanding]| ListOrders { standings: standings.to_vec(), ..everything() };
    check(standings(&[OrderStanding::Revoked]), &["6", "4", "3"]).await;
    check(standings(&[OrderStanding::Open, OrderStanding::Closed]), &["5", "2", "1"]).await;
    check(standings(&OrderStanding::ALL), &["6", "5", "4", "3", "2", "1"]).await;
    check(standings(&[OrderStanding::Refunding]), &[]).await;
    check(ListOrders { operator: Some("anna".into()), ..everything() }, &["6", "5", "3", "1"]).await;
    check(ListOrders { operator: Some(String::new()), ..everything() }, &[]).await;
    check(ListOrders { method: Some(Method::WECHAT), ..everything() }, &["6", "5", "2"]).await;
    check(ListOrders { method: Some(Method::QQ), ..everything() }, &[]).await;
    check(ListOrders { number: Some("4".into()), ..everything() }, &["4"]).await;
    check(ListOrders { number: Some("no".into()), ..everything() }, &[]).await;
    check(ListOrders { number: Some("4".into()), operator: Some("anna".into()), ..everything() }, &[]).await;
    let together = ListOrders {
        operator: Some("anna".into()),
        method: Some(Method::WECHAT),
        ..standings(&[OrderStanding::Revoked, OrderStanding::Closed])
    };
    check(together.clone(), &["6", "5"]).await;
    check(ListOrders { number: Some("5".into()), ..together }, &["5"]).await;
}

/// The standing that a list filters by is the domain's, over all combinations of facts.
pub async fn standing_agrees_with_the_domain(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let mut orders = Vec::new();
    let amounts = [yuan(0), yuan(40), yuan(100)];
    let edge = NOW - REFUND_WINDOW;
    let paid = [None, Some(NOW), Some(edge), Some(edge - Span::from_ms(1)), Some(edge + Span::from_ms(1))];
    for stage in OrderStage::ALL {
        for flags in 0..4 {
            for refunded in amounts {
                for refunding in amounts {
                    for paid_at in paid {
                        let id = i64::try_from(orders.len()).unwrap() + 1;
                        let order = Order {
                            stage,
                            revocation_applied: flags & 1 != 0,
                            refund_failed: flags & 2 != 0,
                            refunded,
                            refunding,
                            paid_at,
                            ..samples::order(1, id, &id.to_string())
                        };
                        let payment = samples::payment(&order);
                        orders.push((order, payment));
                    }
                }
            }
        }
    }
    let all: Vec<Order> = orders.iter().map(|(order, _)| order.clone()).collect();
    write(&mut desk, orders).await;
    let mut seen = 0;
    for standing in OrderStanding::ALL {
        let filter = ListOrders { standings: vec![standing], page_size: 10_000, ..everything() };
        let found = list(&desk, filter).await;
        let expected: Vec<&Order> =
            all.iter().rev().filter(|order| order.standing(NOW, REFUND_WINDOW) == standing).collect();
        assert!(!expected.is_empty(), "no combination is {}", standing.name());
        assert_eq!(found.total, Some(expected.len() as u64), "{}", standing.name());
        for ((order, _), expected) in found.entries.iter().zip(expected) {
            assert_eq!(order, expected, "{}", standing.name());
        }
        seen += found.entries.len();
    }
    assert_eq!(seen, all.len(), "every order has one standing");
}

/// Tasks of one or all partners, by state and kind, page by page.
pub async fn tasks_by_filter(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let mut tasks = Vec::new();
    for id in 1..=24 {
        let state = TaskState::ALL[usize::try_from(id % 4).unwrap()];
        // Orders run against the ids, because a page goes by id.
        let mut task = samples::task(id % 2 + 1, 100 - id, id, id);
        task.state = state;
        if id % 3 == 0 {
            task.kind = tradewind_domain::TaskKind::FollowPayment(tradewind_domain::PaymentId::from_i64(id));
        }
        if id % 5 == 0 {
            task.key.about = About::Voucher(VoucherId::from_i64(id / 5));
        } else if id % 7 == 0 {
            task.key.about = About::Sku(SkuId::from_i64(id));
        }
        tasks.push(task);
    }
    desk.add_partner(shop::SELLER.get()).await;
    let product = shop::product(shop::SELLER, 7);
    let products_new = vec![product.clone()];
    let mut set = WriteSet { tasks_new: tasks.clone(), products_new, ..WriteSet::default() };
    // A store may find a partner's tasks by what they are about.
    for task in &tasks {
        let (owner, n) = (task.key.partner.get(), task.key.id.get());
        match task.key.about {
            About::Order(id) => set.orders_new.push(samples::order(owner, id.get(), &n.to_string())),
            About::Voucher(id) => set.vouchers_new.push(samples::voucher(owner, id.get(), &n.to_string())),
            // Told to whoever listens, whoever sells it.
            About::Sku(id) => set.skus_new.push(shop::sku(&product, id.get())),
        }
    }
    desk.commit(&set).await.unwrap();
    tasks.sort_by_key(|task| (task.key.partner, task.key.id));
    let mut states: Vec<Option<TaskState>> = TaskState::ALL.into_iter().map(Some).collect();
    states.push(None);
    for state in states {
        for partner in [None, Some(OWNER), Some(PartnerId::from_i64(2)), Some(PartnerId::from_i64(9))] {
            for kind in
                [None, Some("deliver"), Some("follow_payment"), Some("follow_refund"), Some("no such kind")]
            {
                let passes = |task: &&Task| {
                    state.is_none_or(|state| task.state == state)
                        && partner.is_none_or(|partner| task.key.partner == partner)
                        && kind.is_none_or(|kind| task.kind.name() == kind)
                };
                let expected: Vec<Task> = tasks.iter().filter(passes).cloned().collect();
                let mut found = Vec::new();
                let mut after: Option<TaskPlace> = None;
                loop {
                    let filter =
                        TaskFilter { partner, state, kind: kind.map(str::to_owned), after, limit: 2 };
                    let page = desk.store.list_tasks(filter).await.unwrap();
                    assert!(page.tasks.len() <= 2);
                    found.extend(page.tasks);
                    // As it travels.
                    after = page.next.map(|next| next.to_string().parse().unwrap());
                    if after.is_none() {
                        break;
                    }
                }
                // In which order is the store's business; none is missed, and none comes twice.
                found.sort_by_key(|task| (task.key.partner, task.key.id));
                assert_eq!(found, expected, "{state:?} {partner:?} {kind:?}");
            }
        }
    }
}

/// Partners with their credentials, users, and events, page by page.
pub async fn partners_users_and_events(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    for id in [3, 1, 2] {
        desk.add_partner(id).await;
    }
    let users = [
        samples::user(1, 1, "b"),
        samples::user(1, 2, "a"),
        samples::user(2, 3, "a"),
        samples::user(3, 4, "a"),
    ];
    desk.commit(&WriteSet { users_new: users.to_vec(), ..WriteSet::default() }).await.unwrap();
    let [b, a, a2, a3] = users;
    let users_of = async |after: Option<&str>, limit| {
        desk.store.list_users(OWNER, after.map(str::to_owned), limit).await.unwrap()
    };
    assert_eq!(users_of(None, 9).await, [a.clone(), b.clone()]);
    assert_eq!(users_of(None, 1).await, std::slice::from_ref(&a));
    assert_eq!(users_of(Some("a"), 9).await, [b]);
    assert_eq!(users_of(Some("b"), 9).await, []);
    assert_eq!(desk.store.find_users("a".into(), 2).await.unwrap(), [a.clone(), a2.clone()]);
    assert_eq!(desk.store.find_users("a".into(), 9).await.unwrap(), [a, a2, a3]);
    assert_eq!(desk.store.find_users("A".into(), 9).await.unwrap(), []);

    let partners = desk.store.list_partners(None, 2).await.unwrap();
    assert_eq!(partners.partners, [samples::partner(1), samples::partner(2)]);
    assert_eq!(
        partners.credentials,
        [samples::credential(1, 1, "key-1"), samples::credential(2, 2, "key-2")]
    );
    let rest = desk.store.list_partners(Some(PartnerId::from_i64(2)), 2).await.unwrap();
    assert_eq!(rest.partners, [samples::partner(3)]);

    let order = samples::order(1, 1, "1");
    let events: Vec<_> = (1..=5).map(|number| samples::event(&order, number)).collect();
    let theirs = samples::event(&samples::order(2, 2, "2"), 1);
    let mut written = events.clone();
    written.push(theirs);
    written.reverse();
    desk.commit(&WriteSet { events: written, ..WriteSet::default() }).await.unwrap();
    assert_eq!(desk.store.list_events(OWNER, 0, 9).await.unwrap(), events);
    assert_eq!(desk.store.list_events(OWNER, 2, 2).await.unwrap(), events[2..4]);
    assert_eq!(desk.store.list_events(OWNER, 5, 2).await.unwrap(), []);
}

/// A task is found by its id, whatever its state and however many others there are; nobody finds those of
/// another.
pub async fn tasks_by_id(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let mut set = WriteSet::default();
    for n in 1..=400 {
        // A minute apart, so that only some of the events are near a task; a few come at once.
        let at = NOW + Span::from_secs(if n % 7 == 0 { n * 60 } else { n / 7 * 420 });
        let order = samples::order(1, n, &n.to_string());
        set.events.push(tradewind_domain::Event { at, ..samples::event(&order, n) });
        let mut task = samples::task(1, n, TaskId::first_at(at).get() + n, n);
        task.kind = tradewind_domain::TaskKind::Deliver { event: n, endpoint: None };
        task.state = TaskState::ALL[usize::try_from(n % 4).unwrap()];
        set.tasks_new.push(task);
        set.orders_new.push(order);
    }
    let tasks = set.tasks_new.clone();
    desk.commit(&set).await.unwrap();
    let find = async |partner: PartnerId, id| crate::finding::task(&*desk.store, partner, id).await.unwrap();
    for task in tasks {
        assert_eq!(find(OWNER, task.key.id).await, Some(task.clone()), "{:?}", task.state);
        let other = TaskId::from_i64(task.key.id.get() + 5_000);
        assert_eq!(find(OWNER, other).await, None);
        assert_eq!(find(PartnerId::from_i64(2), task.key.id).await, None);
    }
}

/// A story tells everything about one order and nothing about others.
pub async fn stories(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    desk.add_partner(1).await;
    desk.add_partner(2).await;
    let (other, _) = desk.place(1, "other").await;
    let order = super::life::pay(&mut desk, 1, "told").await;
    let refund = super::life::refund(&mut desk, &order, "back", 30).await;
    let story = desk.store.story(OWNER, order.id).await.unwrap().unwrap();
    assert_eq!(story.order.number, "told");
    assert_eq!(story.order.refunding, yuan(30));
    assert_eq!(story.partner, samples::partner(1));
    assert_eq!(story.endpoints, [samples::endpoint(1, 1)]);
    assert_eq!(story.payments.iter().map(|payment| payment.id).collect::<Vec<_>>(), [order.payment]);
    assert_eq!(story.refunds.iter().map(|refund| refund.id).collect::<Vec<_>>(), [refund.id]);
    assert_eq!(story.transfers.len(), 3, "payment, fee, reservation");
    assert!(story.transfers.is_sorted_by_key(|transfer| transfer.id));
    assert_eq!(story.events.len(), 1);
    assert_eq!(story.tasks.len(), 2, "a delivery and the refund's follow-up");
    let story = desk.store.story(OWNER, other.id).await.unwrap().unwrap();
    assert_eq!(
        (story.refunds.len(), story.transfers.len(), story.events.len(), story.tasks.len()),
        (0, 0, 0, 1)
    );
}
