//! Pages with numbers and totals, against a list that is kept in memory: wherever the rows lie among the
//! stretches that are counted, and while rows come and go.

use tradewind_domain::{
    About, ListOrders, ListRedemptions, Method, Order, OrderId, OrderStage, OrderStanding, PartnerId,
    Payment, Redemption, Timestamp, Voucher, VoucherId, WriteSet,
};

use super::Fixture;
use super::desk::{Desk, REFUND_WINDOW};
use super::leasing::calls_in_flight;
use super::life::Chance;
use super::samples::{self, NOW};
use crate::counts::{IDS, LOOKED_AT_MAX};
use crate::{OrderQuery, RedemptionQuery, TaskFilter, TaskPlace};

const ID_MS: i64 = OrderId::first_at(Timestamp::from_ms(1)).get();
const SHORT_MS: i64 = IDS[0] / ID_MS;
const MIDDLE_MS: i64 = IDS[1] / ID_MS;
const LONG_MS: i64 = IDS[2] / ID_MS;
/// Where a long stretch begins.
const BEGIN_MS: i64 = NOW.ms() / LONG_MS * LONG_MS;

fn chance() -> Chance {
    let seed = std::env::var("TRADEWIND_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_122);
    println!("TRADEWIND_SEED={seed}");
    Chance(seed)
}

/// Moments at the borders of stretches and within them, some of them crowded.
fn moments(chance: &mut Chance) -> Vec<i64> {
    let mut moments = Vec::new();
    for border in [0, SHORT_MS, 7 * SHORT_MS, MIDDLE_MS, LONG_MS, LONG_MS + MIDDLE_MS, 40 * LONG_MS] {
        moments.extend([-1, 0, 1].map(|by| BEGIN_MS + border + by));
    }
    for _ in 0..60 {
        moments.push(BEGIN_MS + chance.below(5 * LONG_MS));
    }
    let crowded = BEGIN_MS + 2 * LONG_MS + 50 * MIDDLE_MS;
    moments.extend((0..40).map(|_| crowded + chance.below(2 * SHORT_MS)));
    moments
}

/// Spans that begin and end at borders, beside them, and anywhere.
fn spans(chance: &mut Chance) -> Vec<(Timestamp, Timestamp)> {
    let mut edges = vec![0, BEGIN_MS - LONG_MS, BEGIN_MS + 100 * LONG_MS];
    for border in [0, SHORT_MS, MIDDLE_MS, LONG_MS, LONG_MS + MIDDLE_MS, 3 * LONG_MS] {
        edges.extend([-1, 0, 1].map(|by| BEGIN_MS + border + by));
    }
    edges.extend((0..6).map(|_| BEGIN_MS + chance.below(6 * LONG_MS)));
    let pick = |chance: &mut Chance| edges[usize::try_from(chance.below(edges.len() as i64)).unwrap()];
    let mut spans = vec![(edges[0], edges[2])];
    for _ in 0..40 {
        let (one, other) = (pick(chance), pick(chance));
        spans.push((one.min(other), one.max(other)));
    }
    spans.push((edges[2], edges[1]));
    spans.into_iter().map(|(from, until)| (Timestamp::from_ms(from), Timestamp::from_ms(until))).collect()
}

fn orders_at(moments: &[i64], chance: &mut Chance) -> Vec<(Order, Payment)> {
    let mut orders = Vec::new();
    for (n, moment) in (1..).zip(moments) {
        let owner = 1 + i64::from(chance.below(4) == 0);
        // The last digits tell ids of one moment apart.
        let id = OrderId::first_at(Timestamp::from_ms(*moment)).get() + n;
        let mut order = samples::order(owner, id, &n.to_string());
        order.terminal.operator = if chance.below(3) == 0 { "anna" } else { "bert" }.into();
        order.stage = OrderStage::ALL[usize::try_from(chance.below(OrderStage::ALL.len() as i64)).unwrap()];
        let method = if chance.below(2) == 0 { Method::ALIPAY } else { Method::WECHAT };
        let payment = Payment { method, ..samples::payment(&order) };
        orders.push((order, payment));
    }
    orders
}

fn set_of(orders: &[(Order, Payment)]) -> WriteSet {
    let (orders_new, payments_new) = orders.iter().cloned().unzip();
    WriteSet { orders_new, payments_new, ..WriteSet::default() }
}

/// The same list, made of all there is.
fn model(orders: &[(Order, Payment)], query: &OrderQuery) -> Vec<(Order, Payment)> {
    let list = &query.list;
    let mut passing: Vec<_> = orders
        .iter()
        .filter(|(order, payment)| {
            order.partner == query.partner
                && (OrderId::first_at(list.from)..OrderId::first_at(list.until)).contains(&order.id)
                && (list.standings.is_empty()
                    || list.standings.contains(&order.standing(query.now, query.refund_window)))
                && list.operator.as_ref().is_none_or(|operator| order.terminal.operator == *operator)
                && list.method.as_ref().is_none_or(|method| payment.method == *method)
                && list.number.as_ref().is_none_or(|number| order.number == *number)
        })
        .cloned()
        .collect();
    passing.sort_by_key(|(order, _)| std::cmp::Reverse(order.id));
    passing
}

/// Every page of a list, the one after the last and one far beyond, with the same total.
async fn check_orders(desk: &Desk, orders: &[(Order, Payment)], partner: i64, list: ListOrders) {
    let query = |page, page_size| OrderQuery {
        partner: PartnerId::from_i64(partner),
        list: ListOrders { page, page_size, ..list.clone() },
        now: NOW,
        refund_window: REFUND_WINDOW,
    };
    let expected = model(orders, &query(1, 1));
    let size = list.page_size;
    let pages = u32::try_from(expected.len()).unwrap().div_ceil(size);
    for page in (1..=pages + 1).chain([100_000]) {
        let found = desk.store.list_orders(query(page, size)).await.unwrap();
        assert_eq!(found.total, Some(expected.len() as u64), "page {page} of {list:?}");
        let first = (page - 1) as usize * size as usize;
        let shown: Vec<_> = expected.iter().skip(first).take(size as usize).cloned().collect();
        assert_eq!(found.entries, shown, "page {page} of {list:?}");
    }
}

fn everything() -> ListOrders {
    ListOrders {
        from: Timestamp::from_ms(0),
        until: Timestamp::from_ms(BEGIN_MS + 1_000 * LONG_MS),
        standings: Vec::new(),
        method: None,
        operator: None,
        number: None,
        page: 1,
        page_size: 7,
    }
}

/// Orders anywhere, spans from anywhere to anywhere, filters alone and together.
pub async fn orders_like_a_model(fixture: Fixture) {
    let mut chance = chance();
    let mut desk = Desk::open(&fixture.store).await;
    check_orders(&desk, &[], 1, everything()).await;
    let orders = orders_at(&moments(&mut chance), &mut chance);
    for batch in orders.chunks(17) {
        desk.commit(&set_of(batch)).await.unwrap();
    }
    for (from, until) in spans(&mut chance) {
        let page_size = u32::try_from(1 + chance.below(30)).unwrap();
        let list = ListOrders { from, until, page_size, ..everything() };
        let partner = 1 + i64::from(chance.below(4) == 0);
        check_orders(&desk, &orders, partner, list.clone()).await;
        let filters = [
            ListOrders { standings: vec![OrderStanding::Revoked], ..list.clone() },
            ListOrders { operator: Some("anna".into()), ..list.clone() },
            ListOrders { method: Some(Method::WECHAT), ..list.clone() },
            ListOrders { number: Some("30".into()), ..list.clone() },
            ListOrders {
                standings: vec![OrderStanding::Open, OrderStanding::Closed],
                operator: Some("bert".into()),
                method: Some(Method::ALIPAY),
                ..list
            },
        ];
        let one = usize::try_from(chance.below(filters.len() as i64)).unwrap();
        check_orders(&desk, &orders, partner, filters[one].clone()).await;
    }
}

/// What is removed is counted no longer, and its stretch is forgotten with the last of it.
pub async fn removed_orders_are_not_counted(fixture: Fixture) {
    let mut chance = chance();
    let mut desk = Desk::open(&fixture.store).await;
    let orders = orders_at(&moments(&mut chance), &mut chance);
    desk.commit(&set_of(&orders)).await.unwrap();
    let (mut kept, mut gone) = (Vec::new(), Vec::new());
    for entry in orders {
        if chance.below(2) == 0 { kept.push(entry) } else { gone.push(entry) }
    }
    for batch in gone.chunks(9) {
        let orders_removed = batch.iter().map(|(order, _)| order.clone()).collect();
        desk.commit(&WriteSet { orders_removed, ..WriteSet::default() }).await.unwrap();
        check_counts(&desk).await;
    }
    for partner in [1, 2] {
        check_orders(&desk, &kept, partner, everything()).await;
    }
    let orders_removed = kept.into_iter().map(|(order, _)| order).collect();
    desk.commit(&WriteSet { orders_removed, ..WriteSet::default() }).await.unwrap();
    check_orders(&desk, &[], 1, everything()).await;
    check_counts(&desk).await;
}

/// The rest of what is stored here is made up.
async fn check_counts(desk: &Desk) {
    let findings = desk.store.verify().await.unwrap().findings;
    let wrong: Vec<_> = findings.iter().filter(|finding| finding.contains("counted")).collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

/// A list that begins after an order was acknowledged counts and shows it, whatever is written meanwhile;
/// and what it counts is what it shows.
pub async fn what_is_acknowledged_is_counted(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let query = || OrderQuery {
        partner: PartnerId::from_i64(1),
        list: ListOrders { page_size: 1_000, ..everything() },
        now: NOW,
        refund_window: REFUND_WINDOW,
    };
    let mut acknowledged = 0;
    for round in 0..30 {
        let store = std::sync::Arc::clone(&fixture.store);
        let calls = (0..4).map(|_| store.list_orders(query())).collect();
        let calls = calls_in_flight(calls).await;
        let moments: Vec<i64> = (0..5).map(|n| BEGIN_MS + (round * 5 + n) * SHORT_MS / 2).collect();
        let orders_new: Vec<Order> = (0..)
            .zip(&moments)
            .map(|(n, moment)| {
                let id = OrderId::first_at(Timestamp::from_ms(*moment)).get();
                samples::order(1, id, &format!("{round}-{n}"))
            })
            .collect();
        let payments_new = orders_new.iter().map(samples::payment).collect();
        desk.commit(&WriteSet { orders_new, payments_new, ..WriteSet::default() }).await.unwrap();
        for call in calls {
            let found = call.await.unwrap();
            let total = usize::try_from(found.total.unwrap()).unwrap();
            assert_eq!(found.entries.len(), total, "round {round}");
            assert!(total >= acknowledged, "{total} of {acknowledged} in round {round}");
        }
        acknowledged += moments.len();
    }
    let found = fixture.store.list_orders(query()).await.unwrap();
    assert_eq!(found.total, Some(acknowledged as u64));
}

/// Behind more orders than are looked at, a filter finds what it can and tells no total.
pub async fn filters_look_at_no_more_than_they_may(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let all = u64::try_from(LOOKED_AT_MAX).unwrap() + 10;
    let mut orders = Vec::new();
    for n in 1..=i64::try_from(all).unwrap() {
        let mut order = samples::order(1, OrderId::first_at(NOW).get() + n * 10_000, &n.to_string());
        // The oldest ones, and one among those that are looked at.
        order.terminal.operator = if n <= 5 || n == 5_000 { "rare" } else { "often" }.into();
        let payment = samples::payment(&order);
        orders.push((order, payment));
    }
    for batch in orders.chunks(5_000) {
        desk.commit(&set_of(batch)).await.unwrap();
    }
    let list = async |operator: Option<&str>, page, standings: &[OrderStanding]| {
        let list = ListOrders {
            operator: operator.map(str::to_owned),
            standings: standings.to_vec(),
            page,
            page_size: 10,
            ..everything()
        };
        let partner = PartnerId::from_i64(1);
        let query = OrderQuery { partner, list, now: NOW, refund_window: REFUND_WINDOW };
        let found = desk.store.list_orders(query).await.unwrap();
        let numbers: Vec<String> = found.entries.into_iter().map(|(order, _)| order.number).collect();
        (numbers, found.total)
    };
    let (numbers, total) = list(Some("rare"), 1, &[]).await;
    assert_eq!((numbers, total), (vec!["5000".to_owned()], None));
    let (numbers, total) = list(Some("often"), 1_000, &[OrderStanding::Open]).await;
    assert_eq!((numbers.len(), total), (10, None), "a whole page is told");
    let (numbers, total) = list(None, u32::try_from(all / 10).unwrap(), &[]).await;
    assert_eq!((numbers.len(), total), (10, Some(all)), "without filters nothing is looked at");
    assert_eq!(numbers.last().map(String::as_str), Some("1"));
}

/// Redemptions anywhere, of several partners' vouchers, by several partners and devices.
pub async fn redemptions_like_a_model(fixture: Fixture) {
    let mut chance = chance();
    let mut desk = Desk::open(&fixture.store).await;
    let vouchers: Vec<Voucher> =
        (1..=3).map(|id| samples::voucher(1 + id % 2, id, &id.to_string())).collect();
    let mut redemptions = Vec::new();
    for (n, moment) in (1..).zip(moments(&mut chance)) {
        let voucher = &vouchers[usize::try_from(chance.below(3)).unwrap()];
        let mut made = samples::redemption(voucher, OrderId::first_at(Timestamp::from_ms(moment)).get() + n);
        made.by = PartnerId::from_i64(1 + i64::from(chance.below(3) == 0));
        made.device = if chance.below(3) == 0 { "gate 2" } else { "gate 1" }.into();
        redemptions.push(made);
    }
    desk.commit(&WriteSet { vouchers_new: vouchers.clone(), ..WriteSet::default() }).await.unwrap();
    for batch in redemptions.chunks(13) {
        desk.commit(&WriteSet { redemptions: batch.to_vec(), ..WriteSet::default() }).await.unwrap();
    }
    for (from, until) in spans(&mut chance) {
        let by = PartnerId::from_i64(1 + chance.below(2));
        let device = format!("gate {}", 1 + chance.below(3));
        let code = (chance.below(3) == 0).then(|| vouchers[0].code);
        let page_size = u32::try_from(1 + chance.below(20)).unwrap();
        let list = ListRedemptions { device, from, until, id: None, code, page: 1, page_size };
        let mut expected: Vec<(Redemption, Voucher)> = redemptions
            .iter()
            .filter(|made| {
                made.by == by
                    && made.device == list.device
                    && (OrderId::first_at(from).get()..OrderId::first_at(until).get())
                        .contains(&made.id.get())
            })
            .map(|made| {
                let voucher = vouchers.iter().find(|voucher| voucher.id == made.voucher).unwrap();
                (made.clone(), voucher.clone())
            })
            .filter(|(_, voucher)| code.is_none_or(|code| voucher.code == code))
            .collect();
        expected.sort_by_key(|(made, _)| std::cmp::Reverse(made.id));
        let pages = u32::try_from(expected.len()).unwrap().div_ceil(page_size);
        for page in 1..=pages + 1 {
            let list = ListRedemptions { page, ..list.clone() };
            let found =
                desk.store.list_redemptions(RedemptionQuery { by, list: list.clone() }).await.unwrap();
            assert_eq!(found.total, Some(expected.len() as u64), "{list:?}");
            let first = (page - 1) as usize * page_size as usize;
            let shown: Vec<_> = expected.iter().skip(first).take(page_size as usize).cloned().collect();
            assert_eq!(found.entries, shown, "{list:?}");
        }
    }
}

/// Tasks of a partner that has many orders and vouchers without any: all are found, page by page, by the
/// places as they travel, however many pages are empty.
pub async fn tasks_behind_much_that_has_none(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let mut set = WriteSet::default();
    for n in 1..=2_300 {
        let order = samples::order(1, n, &n.to_string());
        set.payments_new.push(samples::payment(&order));
        set.orders_new.push(order);
        set.vouchers_new.push(samples::voucher(1, n, &n.to_string()));
    }
    for (id, about) in [(1, 2_290), (2, 1_200), (3, 10)] {
        set.tasks_new.push(samples::task(1, about, id, 0));
        let mut of_voucher = samples::task(1, about, id + 10, 0);
        of_voucher.key.about = About::Voucher(VoucherId::from_i64(about));
        set.tasks_new.push(of_voucher);
    }
    desk.commit(&set).await.unwrap();
    let (mut found, mut after): (Vec<i64>, Option<TaskPlace>) = (Vec::new(), None);
    for _ in 0..100 {
        let partner = Some(PartnerId::from_i64(1));
        let filter = TaskFilter { partner, after, limit: 2, ..TaskFilter::default() };
        let page = desk.store.list_tasks(filter).await.unwrap();
        assert!(page.tasks.len() <= 2);
        found.extend(page.tasks.iter().map(|task| task.key.id.get()));
        after = page.next.map(|next| next.to_string().parse().unwrap());
        if after.is_none() {
            break;
        }
    }
    assert_eq!(after, None, "there is an end");
    found.sort_unstable();
    assert_eq!(found, [1, 2, 3, 11, 12, 13]);
}
