//! Orders that go: only what nothing can happen to any more, as a whole, and their numbers stay taken.

use tradewind_domain::{
    ChannelReport, Command, Decided, DeliveryResult, Flow, Kept, ListOrders, Need, NewRefund, Order, OrderId,
    OrderRef, PartnerId, RefundId, RefundReport, Refusal, RevokeMode, Rules, Span, TaskCommand, Timestamp,
};

use crate::retention::{OrdersPage, orders_page};
use crate::{OrderQuery, StoreError};

use super::Fixture;
use super::desk::{Desk, REFUND_WINDOW};
use super::life::{check_clean, do_business, paid, pay, refund, report_payment, report_refund};
use super::samples::{self, yuan};
use super::shop;

const OWNER: PartnerId = PartnerId::from_i64(1);
const AGE: Span = Span::from_days(30);

/// Has everybody told what there is to tell about an order.
pub(super) async fn deliver(desk: &mut Desk, order: &Order) {
    for task in desk.store.story(order.partner, order.id).await.unwrap().unwrap().tasks {
        let (key, attempt) = (task.key, task.attempts + 1);
        desk.must(Command::RecordDelivery { key, attempt, result: DeliveryResult::Acknowledged }).await;
    }
}

/// An order over 100 yuan, paid, and as much of it given back under the number `R:` and its own.
pub async fn refunded(desk: &mut Desk, owner: i64, number: &str, amount: i64) -> Order {
    let order = pay(desk, owner, number).await;
    let refund = refund(desk, &order, &format!("R:{number}"), amount).await;
    let succeeded = RefundReport::Succeeded { channel_number: "c".into(), bills: Vec::new() };
    desk.must(report_refund(&refund, succeeded, None)).await;
    deliver(desk, &order).await;
    order
}

/// Orders of a partner go in pages of any size, and what is left verifies.
pub async fn settled_orders_go(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    desk.add_partner(1).await;
    desk.add_partner(2).await;
    let mut going = Vec::new();
    going.push(refunded(&mut desk, 1, "all back", 100).await);
    let partly = refunded(&mut desk, 1, "partly back", 40).await;
    let told_not = pay(&mut desk, 1, "told not").await;
    let quiet = pay(&mut desk, 1, "quiet").await;
    deliver(&mut desk, &quiet).await;
    going.push(quiet);
    let (declined, payment) = desk.place(1, "declined").await;
    desk.must(report_payment(&payment, ChannelReport::Declined { reason: "no".into() }, None)).await;
    deliver(&mut desk, &declined).await;
    going.push(declined);
    let (lapsed, payment) = desk.place(1, "late success").await;
    desk.now = lapsed.expires_at;
    desk.must(Command::LapseOrder { partner: OWNER, order: lapsed.id, stock: None }).await;
    desk.must(report_payment(&payment, paid(&payment), Some(0))).await;
    let late = desk.load(&[Need::Order(OWNER, lapsed.id)]).await.refunds.remove(0);
    let succeeded = RefundReport::Succeeded { channel_number: "c".into(), bills: Vec::new() };
    desk.must(report_refund(&late, succeeded, None)).await;
    deliver(&mut desk, &lapsed).await;
    going.push(lapsed);
    let revoked = pay(&mut desk, 1, "revoked").await;
    let revoke = Command::Revoke { partner: OWNER, order: OrderRef::Id(revoked.id), mode: RevokeMode::Now };
    let Decided::Refund(_, _, back) = desk.must(revoke).await else { panic!("it was not revoked") };
    let succeeded = RefundReport::Succeeded { channel_number: "c".into(), bills: Vec::new() };
    desk.must(report_refund(&back, succeeded, None)).await;
    deliver(&mut desk, &revoked).await;
    going.push(revoked);
    let (open, _) = desk.place(1, "open").await;
    let of_another = refunded(&mut desk, 2, "all back", 100).await;
    desk.now = desk.now + AGE + Span::from_secs(1);
    let young = refunded(&mut desk, 1, "young", 100).await;

    let kept = [(partly.id, Kept::Refundable), (told_not.id, Kept::Task), (open.id, Kept::Open)];
    let ids: Vec<OrderId> = going.iter().map(|order| order.id).chain([of_another.id]).collect();
    for limit in [1, 2, 200] {
        let found = everything(&desk, limit).await;
        assert_eq!(found.going.iter().map(|going| going.order.id).collect::<Vec<_>>(), ids, "by {limit}");
        assert_eq!(found.kept, kept, "by {limit}");
    }
    assert_eq!(listed(&desk).await, 9);
    // Each page is one commit, and whoever stops after any of them has clean books.
    let mut place = None;
    loop {
        let page = look(&desk, desk.now - AGE, place, 2).await;
        if let Some(forgetting) = &page.forgetting {
            desk.must(Command::Forget(Box::new(forgetting.clone()))).await;
            check_clean(&desk).await;
        }
        place = page.next;
        if place.is_none() {
            break;
        }
    }
    assert!(everything(&desk, 200).await.going.is_empty(), "a second run finds nothing more");
    for order in &going {
        let [by_id, by_number] =
            [Need::Order(OWNER, order.id), Need::OrderNumber(OWNER, order.number.clone())];
        for need in [by_id, by_number] {
            let rows = desk.read(need).await;
            assert!(rows.orders.is_empty() && rows.payments.is_empty() && rows.refunds.is_empty());
        }
        assert!(desk.store.story(OWNER, order.id).await.unwrap().is_none());
    }
    assert_eq!(listed(&desk).await, 4);
    let past = desk.read(Need::OrderNumber(OWNER, "all back".into())).await.past_orders.remove(0);
    assert_eq!((past.order, past.collected, past.returned), (going[0].id, yuan(100), yuan(100)));
    assert_eq!((past.fee, past.gone_at), (samples::past_order(1, 1, "").fee, desk.now));
    let verification = desk.store.verify().await.unwrap();
    let checked = |what| verification.checked.iter().find(|(name, _)| *name == what).map(|(_, count)| *count);
    assert_eq!((checked("past_orders"), checked("past_refunds")), (Some(6), Some(4)));
    // What stayed lives on.
    refund(&mut desk, &partly, "the rest", 60).await;
    deliver(&mut desk, &told_not).await;
    assert_eq!(young.partner, OWNER);
    check_clean(&desk).await;
}

/// Neither the order's number nor a refund's can be used again, by the same content or another.
pub async fn numbers_stay_taken(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    desk.add_partner(1).await;
    let order = refunded(&mut desk, 1, "N", 100).await;
    desk.now = desk.now + AGE + Span::from_secs(1);
    // In the batch that makes it go, and ever after.
    let found = everything(&desk, 200).await;
    let forget = Command::Forget(Box::new(found.forgetting.unwrap()));
    let place = |desk: &Desk, amount| {
        Command::PlaceOrder(Box::new(desk.new_order(1, "N", yuan(amount), Flow::PayerCode)))
    };
    let again = place(&desk, 100);
    let mut batch = desk.batch(vec![forget, again.clone()]).await;
    assert_eq!(batch.remove(1).unwrap_err(), Refusal::NumberTaken { same: true });
    assert!(batch.remove(0).is_ok());
    for command in [again, place(&desk, 7)] {
        let refused = desk.run(command).await;
        assert!(matches!(refused, Err(Refusal::NumberTaken { .. })), "{refused:?}");
    }
    for (amount, same) in [(100, true), (1, false)] {
        let repeat = NewRefund {
            id: RefundId::make(&desk.ids, desk.now),
            partner: OWNER,
            order: OrderRef::Number("N".into()),
            number: Some("R:N".into()),
            fingerprint: amount,
            amount: yuan(amount),
            subject: "too cold".into(),
            operator: "manager01".into(),
        };
        let refused = desk.run(Command::RequestRefund(Box::new(repeat))).await;
        assert_eq!(refused.unwrap_err(), Refusal::NumberTaken { same });
    }
    // Another partner's numbers are their own.
    desk.add_partner(2).await;
    let namesake = refunded(&mut desk, 2, "N", 100).await;
    assert_ne!(namesake.id, order.id);
    check_clean(&desk).await;
}

/// An order that somebody got hold of first does not go, and neither do those on the same page.
pub async fn a_second_look_decides(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    desk.add_partner(1).await;
    let one = refunded(&mut desk, 1, "one", 100).await;
    refunded(&mut desk, 1, "two", 100).await;
    desk.now = desk.now + AGE + Span::from_secs(1);
    let found = everything(&desk, 200).await;
    let mark = found.mark();
    let forget = Command::Forget(Box::new(found.forgetting.unwrap()));
    let story = desk.store.story(OWNER, one.id).await.unwrap().unwrap();
    let task = story.tasks.last().unwrap().key;
    desk.must(Command::Task { key: task, command: TaskCommand::Retry, reason: None }).await;
    let refused = desk.run(forget.clone()).await;
    assert!(matches!(refused, Err(Refusal::WrongState { .. })), "{refused:?}");
    let changed = everything(&desk, 200).await;
    assert_eq!(changed.kept, [(one.id, Kept::Task)]);
    assert_ne!(changed.mark(), mark);
    desk.must(Command::Forget(Box::new(changed.forgetting.unwrap()))).await;
    // The page that was looked at first is outdated for good.
    assert_eq!(
        desk.run(forget).await.unwrap_err(),
        Refusal::WrongState { problem: "an order is not at rest" }
    );
    desk.must(Command::Task { key: task, command: TaskCommand::Cancel, reason: None }).await;
    assert_eq!(everything(&desk, 200).await.kept, [(one.id, Kept::Recent)]);
    check_clean(&desk).await;
}

/// What is to go has to be there, and what is kept of it is kept once.
pub async fn an_order_goes_once(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    desk.add_partner(1).await;
    let order = refunded(&mut desk, 1, "N", 100).await;
    desk.now = desk.now + AGE + Span::from_secs(1);
    let found = everything(&desk, 200).await;
    let forget = Command::Forget(Box::new(found.forgetting.unwrap()));
    let (view, decided) = desk.decide(vec![forget.clone()]).await;
    assert!(decided[0].is_ok());
    let set = view.into_write_set();
    assert_eq!((set.orders_removed.len(), set.past_orders.len(), set.past_refunds.len()), (1, 1, 1));
    // Any part of it that cannot be written takes all of it along.
    let mut broken = set.clone();
    broken.past_refunds.push(broken.past_refunds[0].clone());
    let conflict = desk.commit(&broken).await;
    assert!(matches!(conflict, Err(StoreError::Conflict(_))), "{conflict:?}");
    assert_eq!(desk.read(Need::Order(OWNER, order.id)).await.refunds.len(), 1);
    assert!(desk.read(Need::OrderNumber(OWNER, "N".into())).await.past_orders.is_empty());
    check_clean(&desk).await;
    desk.must(forget.clone()).await;
    assert_eq!(desk.run(forget).await.unwrap_err(), Refusal::OrderNotFound);
    for part in [
        tradewind_domain::WriteSet { orders_removed: vec![order], ..Default::default() },
        tradewind_domain::WriteSet { past_orders: set.past_orders.clone(), ..Default::default() },
        tradewind_domain::WriteSet { past_refunds: set.past_refunds.clone(), ..Default::default() },
    ] {
        let conflict = desk.commit(&part).await;
        assert!(matches!(conflict, Err(StoreError::Conflict(_))), "{conflict:?}");
    }
    check_clean(&desk).await;
}

/// Whatever a business has come to: what may go goes, and the books agree before and after.
pub async fn random_businesses_go_clean(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    do_business(&mut desk, 20_271_124, 150).await;
    desk.now = desk.now + Span::from_days(400);
    let before = everything(&desk, 7).await;
    assert!(!before.going.is_empty() || !before.kept.is_empty());
    let mut place = None;
    loop {
        let page = look(&desk, desk.now - AGE, place, 7).await;
        if let Some(forgetting) = page.forgetting {
            desk.must(Command::Forget(Box::new(forgetting))).await;
        }
        place = page.next;
        if place.is_none() {
            break;
        }
    }
    check_clean(&desk).await;
    assert_eq!(everything(&desk, 200).await.kept, before.kept);
}

/// An order that bought something stays, however old, and its vouchers with it; the number of one that has
/// gone is not free for a purchase.
pub async fn purchases_stay(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let (sku, stock) = shop::sell(&mut desk, 7, 9, shop::rules()).await;
    shop::add_buyer(&mut desk, 1, 90).await;
    let gone = refunded(&mut desk, 1, "gone", 100).await;
    let wish = shop::purchase(&desk, 1, "bought", (&sku, stock), 2, true);
    let bought = shop::purchased(desk.run(wish).await).order;
    deliver(&mut desk, &bought).await;
    let not_paid = shop::purchase(&desk, 1, "not paid", (&sku, stock), 1, false);
    let closed = shop::purchased(desk.run(not_paid).await).order;
    desk.now = closed.expires_at;
    desk.must(Command::LapseOrder { partner: OWNER, order: closed.id, stock: Some(stock) }).await;
    desk.now = desk.now + REFUND_WINDOW + AGE + AGE;

    let found = everything(&desk, 200).await;
    let going: Vec<OrderId> = found.going.iter().map(|going| going.order.id).collect();
    assert_eq!(going, [gone.id]);
    assert_eq!(found.kept, [(bought.id, Kept::Purchase), (closed.id, Kept::Purchase)]);
    desk.must(Command::Forget(Box::new(found.forgetting.unwrap()))).await;
    check_clean(&desk).await;
    let wish = shop::purchase(&desk, 1, "gone", (&sku, stock), 1, true);
    let refused = desk.run(wish).await;
    assert!(matches!(refused, Err(Refusal::NumberTaken { .. })), "{refused:?}");
    let left = desk.load(&[Need::VouchersOf(OWNER, bought.id)]).await;
    assert_eq!(left.orders, [bought]);
    assert!(!left.vouchers.is_empty());
}

async fn listed(desk: &Desk) -> usize {
    let list = ListOrders {
        page: 1,
        page_size: 100,
        from: samples::NOW - Span::from_days(1),
        until: desk.now + Span::from_days(1),
        standings: Vec::new(),
        method: None,
        operator: None,
        number: None,
    };
    let query = OrderQuery { partner: OWNER, list, now: desk.now, refund_window: REFUND_WINDOW };
    desk.store.list_orders(query).await.unwrap().entries.len()
}

async fn look(
    desk: &Desk,
    before: Timestamp,
    place: Option<crate::retention::Place>,
    limit: u32,
) -> OrdersPage {
    let rules = Rules::standard(REFUND_WINDOW);
    orders_page(&*desk.store, before, (desk.now, &rules), place, limit).await.unwrap()
}

/// All pages of this size as one; what is to be forgotten is the first partner's.
async fn everything(desk: &Desk, limit: u32) -> OrdersPage {
    let mut all = OrdersPage::default();
    let mut place = None;
    loop {
        let found = look(desk, desk.now - AGE, place, limit).await;
        all.forgetting = all.forgetting.or(found.forgetting);
        all.going.extend(found.going);
        all.kept.extend(found.kept);
        place = found.next;
        if place.is_none() {
            return all;
        }
    }
}
