//! Orders that go: only what nothing can happen to any more, and its numbers stay taken.

use tradewind_domain::{
    Command, DeliveryResult, Flow, Forgetting, ForgottenOrders, Kept, Money, OrderId, PastOrder, Refusal,
    RevokeMode, Span, TaskCommand, TaskKey, Timestamp, TransferKind, View,
};

use crate::shop::{BUYER, TICKET};
use crate::world::{PLAIN, RULES, WITH_FEE, Wish, World, cents, declined, paid, refused, returned};

const YEAR: Span = Span::from_days(366);
const AGE: Span = Span::from_days(30);

fn forget(world: &World, orders: &[OrderId], before: Timestamp) -> Command {
    let partner = orders.first().map_or(PLAIN, |order| world.order(*order).partner);
    let orders = Some(ForgottenOrders { ids: orders.to_vec(), before });
    Command::Forget(Box::new(Forgetting { partner, events: None, tasks: Vec::new(), orders }))
}

fn kept_by(world: &World, id: OrderId) -> Option<Kept> {
    let needs = tradewind_domain::needs(&forget(world, &[id], world.now));
    let mut view = View::default();
    let rows = world.stored.load(&needs);
    view.fill(needs, rows);
    view.whole(world.order(id)).kept_by(world.now, RULES.refund_window, world.now - AGE)
}

/// Gets everybody told what there was to tell.
fn deliver(world: &mut World) {
    let open: Vec<TaskKey> = world.stored.tasks.keys().copied().collect();
    for key in open {
        let deliver = Command::RecordDelivery { key, attempt: 1, result: DeliveryResult::Acknowledged };
        world.run(deliver).unwrap();
    }
}

#[test]
fn what_keeps_an_order() {
    let check = |live: &dyn Fn(&mut World) -> OrderId, expected: Option<Kept>| {
        let mut world = World::new();
        let order = live(&mut world);
        assert_eq!(kept_by(&world, order), expected, "{:?}", world.order(order));
        let before = world.now - AGE;
        let gone = world.run(forget(&world, &[order], before));
        match expected {
            None => assert!(gone.is_ok(), "{gone:?}"),
            Some(_) => {
                assert_eq!(gone.unwrap_err(), Refusal::WrongState { problem: "an order is not at rest" })
            }
        }
    };
    let settle = |world: &mut World, age: Span| {
        deliver(world);
        world.advance(age);
    };
    check(
        &|world| {
            let order = world.place(PLAIN, "1", cents(100), Flow::PayerCode);
            world.advance(YEAR);
            order
        },
        Some(Kept::Open),
    );
    check(
        &|world| {
            let order = world.place_paid(PLAIN, "1", cents(100));
            world.revoke(order, RevokeMode::Application).unwrap();
            settle(world, YEAR);
            order
        },
        Some(Kept::Review),
    );
    check(
        &|world| {
            let order = world.place(PLAIN, "1", cents(100), Flow::PayerCode);
            world.advance(Span::from_days(1));
            world.lapse(order).unwrap();
            world.advance(YEAR);
            order
        },
        Some(Kept::Payment),
    );
    let refunding = |world: &mut World| {
        let order = world.place_paid(PLAIN, "1", cents(100));
        world.refund(order, cents(100)).unwrap();
        order
    };
    check(
        &|world| {
            let order = refunding(world);
            world.advance(YEAR);
            order
        },
        Some(Kept::Refund),
    );
    check(
        &|world| {
            let order = refunding(world);
            world.report_refund(order, refused()).unwrap();
            settle(world, YEAR);
            order
        },
        Some(Kept::Refundable),
    );
    check(
        &|world| {
            let order = world.place_paid(PLAIN, "1", cents(100));
            world.refund(order, cents(40)).unwrap();
            world.report_refund(order, returned()).unwrap();
            settle(world, YEAR);
            order
        },
        Some(Kept::Refundable),
    );
    check(
        &|world| {
            let order = world.place_paid(PLAIN, "1", cents(100));
            settle(world, Span::from_days(31));
            order
        },
        Some(Kept::Refundable),
    );
    check(
        &|world| {
            let order = world.place_paid(PLAIN, "1", cents(100));
            world.advance(YEAR);
            order
        },
        Some(Kept::Task),
    );
    for (age, expected) in [(AGE, Some(Kept::Recent)), (Span::from_ms(AGE.ms() + 1), None)] {
        check(
            &|world| {
                let order = refunding(world);
                world.report_refund(order, returned()).unwrap();
                settle(world, age);
                order
            },
            expected,
        );
    }
    check(
        &|world| {
            let order = world.place_paid(PLAIN, "1", cents(100));
            settle(world, YEAR);
            order
        },
        None,
    );
    check(
        &|world| {
            let order = world.place_paid(PLAIN, "1", cents(100));
            settle(world, YEAR);
            let key = *world.stored.tasks.keys().next().unwrap();
            world.run(Command::Task { key, command: TaskCommand::Retry, reason: None }).unwrap();
            world.run(Command::Task { key, command: TaskCommand::Cancel, reason: None }).unwrap();
            order
        },
        Some(Kept::Recent),
    );
    check(
        &|world| {
            let order = world.place(WITH_FEE, "1", cents(100), Flow::PayerCode);
            world.report(order, declined()).unwrap();
            world.advance(YEAR);
            order
        },
        None,
    );
}

#[test]
fn what_is_kept_of_an_order() {
    let sums = |past: &PastOrder| (past.collected, past.returned, past.fee);
    let check = |live: &dyn Fn(&mut World) -> OrderId, expected: (Money, Money, Money)| {
        let mut world = World::new();
        let order = live(&mut world);
        world.advance(YEAR);
        let (was, holds) = (world.order(order).clone(), world.refunds(order).len());
        let (transfers, accounts) = (world.stored.transfers.clone(), world.stored.accounts.clone());
        let before = world.now - AGE;
        world.run(forget(&world, &[order], before)).unwrap();
        assert!(world.stored.orders.is_empty() && world.stored.payments.is_empty());
        assert!(world.stored.refunds.is_empty() && world.stored.tasks.is_empty());
        assert_eq!((transfers, accounts), (world.stored.transfers.clone(), world.stored.accounts.clone()));
        let past = &world.stored.past_orders[&(WITH_FEE, "1".to_owned())];
        assert_eq!((past.order, past.fingerprint, past.gone_at), (order, was.fingerprint, world.now));
        assert_eq!(sums(past), expected);
        let mut kept: Vec<_> = world.stored.past_refunds.values().map(|refund| refund.hold).collect();
        let pending = world.stored.transfers.values().filter(|row| row.kind == TransferKind::Pending);
        kept.sort_unstable();
        assert_eq!(kept, pending.map(|row| row.id).collect::<Vec<_>>());
        assert_eq!(kept.len(), holds);
    };
    let paid_order = |world: &mut World| world.place_paid(WITH_FEE, "1", cents(10_000));
    check(&paid_order, (cents(10_000), cents(0), cents(60)));
    check(
        &|world| {
            let order = paid_order(world);
            world.refund(order, cents(10_000)).unwrap();
            world.report_refund(order, refused()).unwrap();
            world.refund(order, cents(4_000)).unwrap();
            world.report_refund(order, returned()).unwrap();
            world.refund(order, cents(6_000)).unwrap();
            world.report_refund(order, returned()).unwrap();
            order
        },
        (cents(10_000), cents(10_000), cents(60)),
    );
    check(
        &|world| {
            let order = paid_order(world);
            world.revoke(order, RevokeMode::Now).unwrap();
            world.report_refund(order, returned()).unwrap();
            order
        },
        (cents(10_000), cents(10_000), cents(0)),
    );
    check(
        &|world| {
            let order = world.place(WITH_FEE, "1", cents(10_000), Flow::PayerCode);
            world.advance(Span::from_days(1));
            world.lapse(order).unwrap();
            world.report(order, paid(cents(10_000))).unwrap();
            world.report_refund(order, returned()).unwrap();
            order
        },
        (cents(10_000), cents(10_000), cents(0)),
    );
    check(
        &|world| {
            let order = world.place(WITH_FEE, "1", cents(10_000), Flow::PayerCode);
            world.report(order, declined()).unwrap();
            order
        },
        (cents(0), cents(0), cents(0)),
    );
}

#[test]
fn numbers_stay_taken() {
    let mut world = World::new();
    let order = world.place_paid(WITH_FEE, "1", cents(100));
    let refund = world.refund_command(order, Some("R"), cents(100));
    world.run(refund.clone()).unwrap();
    world.report_refund(order, returned()).unwrap();
    world.advance(YEAR);
    let again = |world: &World, amount: i64| {
        let (number, amount) = ("1".into(), cents(amount));
        world.wish(Wish { partner: WITH_FEE, number, amount, flow: Flow::PayerCode, notify_url: None })
    };
    let forget = forget(&world, &[order], world.now - AGE);
    let (same, other) = (again(&world, 100), again(&world, 101));
    // In the batch that makes it go, and in every later one.
    let at = world.now;
    let batch = [forget, same.clone(), refund.clone()].map(|command| (command, at));
    let [gone, placed, refunded] = <[_; 3]>::try_from(world.batch(batch.into())).unwrap();
    assert!(gone.is_ok(), "{gone:?}");
    let taken = |same| Refusal::NumberTaken { same };
    assert_eq!((placed.unwrap_err(), refunded.unwrap_err()), (taken(true), taken(true)));
    assert_eq!(world.run(same).unwrap_err(), taken(true));
    assert_eq!(world.run(other).unwrap_err(), taken(false));
    assert_eq!(world.run(refund).unwrap_err(), taken(true));
    // For a living order too.
    let living = world.place_paid(WITH_FEE, "2", cents(100));
    let borrowed = world.refund_command(living, Some("R"), cents(50));
    assert_eq!(world.run(borrowed).unwrap_err(), taken(false));
    // Of another partner they are as free as ever.
    world.place_paid(PLAIN, "1", cents(100));
    // Whatever else is asked of it: it is not there.
    let lapse = Command::LapseOrder { partner: WITH_FEE, order, stock: None };
    assert_eq!(world.run(lapse).unwrap_err(), Refusal::OrderNotFound);
}

#[test]
fn one_that_may_not_go_keeps_the_others() {
    let mut world = World::new();
    let old = world.place_paid(WITH_FEE, "1", cents(100));
    world.advance(YEAR);
    let new = world.place_paid(WITH_FEE, "2", cents(100));
    let stored = world.stored.clone();
    for (orders, before) in [
        (vec![old, new], world.now - AGE),
        (vec![old, old], world.now - AGE),
        (vec![old], world.now - Span::from_days(1) + Span::from_ms(1)),
        (vec![old; Forgetting::ORDERS_MAX + 1], world.now - AGE),
    ] {
        let refused = world.run(forget(&world, &orders, before));
        assert!(matches!(refused, Err(Refusal::WrongState { .. })), "{refused:?}");
        assert_eq!(world.stored, stored);
    }
    let of_another = forget(&world, &[old], world.now - AGE);
    let Command::Forget(forgetting) = of_another else { unreachable!() };
    let of_another = Forgetting { partner: PLAIN, ..*forgetting };
    assert_eq!(world.run(Command::Forget(Box::new(of_another))).unwrap_err(), Refusal::OrderNotFound);
    let before = world.now - Span::from_days(1);
    world.run(forget(&world, &[old], before)).unwrap();
}

#[test]
fn purchases_stay_and_respect_the_numbers_of_what_has_gone() {
    let mut world = World::shop();
    let order = world.buy(TICKET, 1);
    deliver(&mut world);
    let refund = world.apply(order, "all", 1).unwrap();
    world.decide_on(refund.id, true).unwrap();
    deliver(&mut world);
    world.advance(YEAR);
    assert_eq!(kept_by(&world, order), Some(Kept::Purchase));
    let before = world.now - AGE;
    assert!(world.run(forget(&world, &[order], before)).is_err());

    let nothing = cents(0);
    let gone = PastOrder {
        partner: BUYER,
        order: OrderId::from_i64(1),
        number: "gone".into(),
        fingerprint: 7,
        collected: nothing,
        returned: nothing,
        fee: nothing,
        gone_at: world.now,
    };
    world.stored.past_orders.insert((BUYER, "gone".into()), gone);
    let again = world.purchase_of(BUYER, "gone", TICKET, 1, |new| new.fingerprint = 7);
    assert_eq!(world.run(again).unwrap_err(), Refusal::NumberTaken { same: false });
}
