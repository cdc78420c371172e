//! What holds of purchases at every moment: stock, vouchers, balances and the ledger tell the same story.

use std::collections::{BTreeMap, BTreeSet};

use tradewind_domain::{
    About, Account, Cause, CodeRule, Deposit, EventKind, Line, Order, OrderStage, Payment, PaymentState,
    Purpose, Redemption, Refund, RefundKind, RefundState, StockKey, TaskKind, TransferKind, Voucher,
};

use crate::world::World;

pub(crate) fn check(world: &World) {
    for (order, line) in purchases(world) {
        line_of(world, order, line);
        vouchers(world, order, line);
        payments(world, order, line);
        transfers(world, order);
        reviews(world, order, line);
    }
    stocks(world);
    balances(world);
    deposits(world);
}

fn purchases(world: &World) -> impl Iterator<Item = (&Order, &Line)> {
    world.stored.orders.values().filter_map(|order| Some((order, order.line.as_deref()?)))
}

/// Nothing is used, given back or locked that was not sold.
fn line_of(world: &World, order: &Order, line: &Line) {
    assert_eq!(line.quantity, line.usable() + line.used + line.refunded + line.locked, "{order:?}");
    assert_eq!(order.amount.micros(), line.cost.micros() * i64::from(line.quantity));
    assert_eq!(order.refunded.micros(), line.cost.micros() * i64::from(line.refunded));
    assert_eq!(order.refunding.micros(), line.cost.micros() * i64::from(line.locked));
    if order.stage != OrderStage::Paid {
        assert_eq!((line.used, line.refunded, line.locked), (0, 0, 0), "{order:?}");
    }
    assert!(line.resent <= Line::RESENDS_MAX && line.sent_at.is_some() == (line.resent > 0));
    let redeemed: Vec<&Redemption> = redemptions(world, order).collect();
    assert_eq!(redeemed.iter().map(|made| made.count).sum::<u32>(), line.used, "{order:?}");
    // Each tells how far the order had come with it.
    let mut so_far = 0;
    for made in redeemed {
        so_far += made.count;
        assert_eq!(made.used_so_far, so_far, "{made:?}");
        assert!(made.used_so_far + made.left <= line.quantity, "{made:?}");
    }
}

fn redemptions<'a>(world: &'a World, order: &Order) -> impl Iterator<Item = &'a Redemption> + use<'a> {
    let vouchers = world.vouchers_of(order.id);
    let ids: BTreeSet<_> = vouchers.into_iter().map(|voucher| voucher.id).collect();
    world.stored.redemptions.values().filter(move |made| ids.contains(&made.voucher))
}

/// Vouchers are issued by the payment, and sum up to the line.
fn vouchers(world: &World, order: &Order, line: &Line) {
    let vouchers = world.vouchers_of(order.id);
    if order.stage != OrderStage::Paid {
        assert!(vouchers.is_empty(), "{order:?} {vouchers:?}");
        return;
    }
    let sum = |of: fn(&Voucher) -> u32| vouchers.iter().map(|voucher| of(voucher)).sum::<u32>();
    let sums = (sum(|v| v.ordered), sum(|v| v.used), sum(|v| v.refunded), sum(|v| v.locked));
    assert_eq!(sums, (line.quantity, line.used, line.refunded, line.locked), "{order:?}");
    let count = match line.codes {
        CodeRule::PerOrder => 1,
        CodeRule::PerTicket => line.quantity,
    };
    assert_eq!(u32::try_from(vouchers.len()), Ok(count));
    for (place, voucher) in (1..).zip(vouchers) {
        assert!(voucher.used + voucher.refunded + voucher.locked <= voucher.ordered, "{voucher:?}");
        assert_eq!(voucher.number, format!("{}-{place}", order.id));
        assert_eq!((voucher.partner, voucher.seller), (order.partner, Some(line.seller)));
        assert_eq!(voucher.valid_until, line.valid_until);
        assert!(voucher.valid_from >= line.valid_from, "{voucher:?}");
    }
}

/// One attempt is the current one; those before it were declined. What waits for payment has the task
/// that ends it, and nothing else has.
fn payments(world: &World, order: &Order, line: &Line) {
    let all: Vec<&Payment> =
        world.stored.payments.values().filter(|payment| payment.order == order.id).collect();
    let current = world.payment(order.id);
    for payment in &all {
        assert_eq!((payment.partner, payment.amount), (order.partner, order.amount));
        if payment.id != current.id {
            assert_eq!((payment.state, payment.follow_up), (PaymentState::Declined, None), "{payment:?}");
        }
    }
    assert!(all.len() <= 2, "attempts that fail again are not kept: {all:?}");
    let fits = match order.stage {
        OrderStage::Open => matches!(current.state, PaymentState::Waiting | PaymentState::Declined),
        OrderStage::Paid => current.state == PaymentState::Paid,
        OrderStage::Closed => matches!(current.state, PaymentState::Cancelled | PaymentState::Declined),
        OrderStage::Revoked => false,
    };
    assert!(fits, "{order:?} {current:?}");
    assert_eq!(current.follow_up.is_some(), order.stage == OrderStage::Open, "{current:?}");
    let tasks = || world.stored.tasks.values().filter(|task| task.key.about == About::Order(order.id));
    let lapses: Vec<_> = tasks().filter(|task| task.kind == TaskKind::LapseOrder).collect();
    assert_eq!(
        lapses.iter().map(|task| Some(task.key.id)).collect::<Vec<_>>(),
        Vec::from_iter(current.follow_up.map(Some))
    );
    assert!(lapses.iter().all(|task| task.due_at == order.expires_at), "{lapses:?}");
    let sent = u32::try_from(tasks().filter(|task| task.kind == TaskKind::SendCodes).count()).unwrap();
    let first = u32::from(order.stage == OrderStage::Paid && line.send_codes);
    assert_eq!(sent, first + line.resent, "{order:?}");
}

/// A paid order has moved its money once; what goes back is held, and then posted or voided.
fn transfers(world: &World, order: &Order) {
    let transfers = || world.stored.transfers.values().filter(|t| t.cause == Cause::Order(order.id));
    let sold: Vec<_> = transfers().filter(|transfer| transfer.purpose == Purpose::Payment).collect();
    assert_eq!(sold.len(), usize::from(order.stage == OrderStage::Paid), "{order:?}");
    for transfer in sold {
        assert_eq!((&transfer.debit, &transfer.credit), (&Account::Prepaid, &Account::Sales));
        assert_eq!((transfer.amount, transfer.kind), (order.amount, TransferKind::Posted));
    }
    for transfer in transfers().filter(|transfer| transfer.purpose == Purpose::Refund) {
        assert_eq!((&transfer.debit, &transfer.credit), (&Account::Sales, &Account::Prepaid));
    }
    assert!(
        transfers().all(|t| matches!(t.purpose, Purpose::Payment | Purpose::Refund)),
        "no fee of {order:?}"
    );
}

/// At most one application is open, and the units it wants are the ones that are locked.
fn reviews(world: &World, order: &Order, line: &Line) {
    let refunds = world.refunds(order.id);
    let units = |wanted: fn(&Refund) -> bool| -> u32 {
        refunds.iter().filter(|refund| wanted(refund)).map(|refund| refund.units).sum()
    };
    assert!(refunds.iter().all(|refund| refund.kind == RefundKind::Units && refund.units > 0), "{refunds:?}");
    assert_eq!(units(|refund| refund.state == RefundState::Pending), line.locked, "{order:?}");
    assert_eq!(units(|refund| refund.state == RefundState::Succeeded), line.refunded, "{order:?}");
    let mut so_far = 0;
    for refund in &refunds {
        match refund.state {
            RefundState::Succeeded => {
                so_far += refund.units;
                assert_eq!(refund.units_so_far, so_far, "{refund:?}");
            }
            RefundState::Pending | RefundState::Refused => assert_eq!(refund.units_so_far, 0),
            RefundState::Unknown | RefundState::Cancelled => panic!("{refund:?}"),
        }
        assert_eq!(refund.amount.micros(), line.cost.micros() * i64::from(refund.units));
        let told = world.stored.events.values().filter(|event| event.refund == Some(refund.id));
        let told: Vec<EventKind> = told.map(|event| event.kind).collect();
        let expected = match refund.state {
            RefundState::Succeeded => vec![EventKind::RefundSucceeded],
            RefundState::Refused => vec![EventKind::RefundFailed],
            _ => Vec::new(),
        };
        assert_eq!(told, expected, "{refund:?}");
    }
}

/// What is held and sold is what orders hold and have bought, and never more than there is.
fn stocks(world: &World) {
    let mut expected: BTreeMap<StockKey, (u32, u32)> = BTreeMap::new();
    for (order, line) in purchases(world) {
        let (held, sold) = expected.entry(line.stock()).or_default();
        match order.stage {
            OrderStage::Open => *held += line.quantity,
            OrderStage::Paid => *sold += line.quantity - line.refunded,
            OrderStage::Closed | OrderStage::Revoked => {}
        }
    }
    for (key, stock) in &world.stored.stocks {
        let (held, sold) = expected.remove(key).unwrap_or_default();
        assert_eq!((stock.held, stock.sold), (held, sold), "{stock:?}");
        assert!(held + sold <= stock.total, "oversold: {stock:?}");
    }
    assert!(expected.is_empty(), "orders of stocks that are not there: {expected:?}");
}

/// A balance is what was paid in less what was bought, and is never below its limit.
fn balances(world: &World) {
    for partner in world.stored.partners.values() {
        let deposited: i64 = of(world.stored.deposits.values().filter(|d| d.partner == partner.id));
        let orders = || purchases(world).filter(|(order, _)| order.partner == partner.id);
        let paid: i64 = orders()
            .filter(|(order, _)| order.stage == OrderStage::Paid)
            .map(|(order, _)| order.amount.micros())
            .sum();
        let returned: i64 = orders().map(|(order, _)| order.refunded.micros()).sum();
        let balance = world.balance(partner.id) * 10_000;
        assert_eq!(balance, deposited - paid + returned, "balance of {}", partner.id);
        assert!(balance + partner.credit_limit.micros() >= 0, "{} owes {balance}", partner.id);
    }
}

fn of<'a>(deposits: impl Iterator<Item = &'a Deposit>) -> i64 {
    deposits.map(|deposit| deposit.amount.micros()).sum()
}

/// Each deposit has moved its money once.
fn deposits(world: &World) {
    let moved = world.stored.transfers.values().filter(|transfer| transfer.purpose == Purpose::Deposit);
    assert_eq!(moved.count(), world.stored.deposits.len());
    for deposit in world.stored.deposits.values() {
        let caused =
            world.stored.transfers.values().filter(|transfer| transfer.cause == Cause::Deposit(deposit.id));
        let caused: Vec<_> = caused.collect();
        let clearing = Account::Clearing("deposits".into());
        let (debit, credit) = if deposit.amount.is_positive() {
            (clearing, Account::Prepaid)
        } else {
            (Account::Prepaid, clearing)
        };
        assert_eq!(caused.len(), 1, "{deposit:?}");
        assert_eq!((&caused[0].debit, &caused[0].credit), (&debit, &credit));
        assert_eq!(caused[0].amount.micros(), deposit.amount.micros().abs());
    }
}
