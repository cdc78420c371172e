//! What holds in every world at every moment.

use std::collections::BTreeMap;

use tradewind_domain::{
    About, Account, AccountDelta, Cause, EventKind, Flow, Order, OrderStage, PartnerId, PaymentState,
    Purpose, Refund, RefundKind, RefundState, Task, TaskKind, TaskState, Transfer, TransferKind,
};

use crate::world::World;

/// Breaks down where something does not hold.
pub(crate) fn check(world: &World) {
    for order in world.stored.orders.values() {
        amounts(world, order);
        stage(world, order);
        events_of(world, order);
    }
    follow_ups(world);
    event_numbers(world);
    holds(world);
    accounts(world);
    conservation(world);
    crate::conservation::check(world);
}

fn micros<'a>(refunds: impl Iterator<Item = &'a Refund>) -> i64 {
    refunds.map(|refund| refund.amount.micros()).sum()
}

/// What went back and is going back is the sum of the refunds and never more than was paid.
fn amounts(world: &World, order: &Order) {
    let refunds = world.refunds(order.id);
    let ours = || refunds.iter().copied().filter(|refund| refund.kind != RefundKind::LateSuccess);
    let done = micros(ours().filter(|refund| refund.state == RefundState::Succeeded));
    let open = micros(ours().filter(|refund| refund.state.is_open()));
    assert_eq!(order.refunded.micros(), done, "refunded of {order:?}");
    assert_eq!(order.refunding.micros(), open, "refunding of {order:?}");
    assert!(done + open <= order.amount.micros(), "more goes back than was paid: {order:?}");
    let settled = ours().rfind(|refund| !refund.state.is_open());
    assert_eq!(
        order.refund_failed,
        settled.is_some_and(|refund| refund.state == RefundState::Refused),
        "{order:?}"
    );
    assert_eq!(order.refundable().micros(), order.amount.micros() - done - open);
    assert!(
        refunds.iter().filter(|refund| refund.state.is_open()).count() <= 1,
        "two refunds at a time: {refunds:?}"
    );
}

/// Order, payment and refunds tell the same story.
fn stage(world: &World, order: &Order) {
    let payment = world.payment(order.id);
    let late: Vec<&Refund> =
        world.refunds(order.id).into_iter().filter(|refund| refund.kind == RefundKind::LateSuccess).collect();
    let revocation_done = world
        .refunds(order.id)
        .iter()
        .any(|refund| refund.kind == RefundKind::Revocation && refund.state == RefundState::Succeeded);
    // What is paid from a balance can be tried again.
    let from_balance = order.line.is_some();
    assert_eq!(from_balance, payment.flow == Flow::FromBalance, "{order:?} {payment:?}");
    match order.stage {
        OrderStage::Open => {
            assert!(
                payment.state != PaymentState::Paid && payment.state != PaymentState::Cancelling,
                "{order:?}"
            );
            let payable = payment.state.is_open() || order.revocation_applied || from_balance;
            assert!(payable, "nothing can pay {order:?}");
            assert!(late.is_empty() && order.paid_at.is_none() && order.ended_at.is_none(), "{order:?}");
        }
        OrderStage::Paid => {
            assert_eq!(payment.state, PaymentState::Paid, "{order:?}");
            assert!(late.is_empty() && order.paid_at.is_some() && order.ended_at.is_none(), "{order:?}");
        }
        OrderStage::Revoked | OrderStage::Closed => {
            assert!(order.ended_at.is_some() && !order.revocation_applied, "{order:?}");
            assert!(
                !matches!(payment.state, PaymentState::Unknown | PaymentState::Waiting),
                "{order:?} {payment:?}"
            );
            assert_eq!(revocation_done, order.paid_at.is_some(), "{order:?}");
            // Money that came too late is on its way back, or back.
            let is_late = payment.state == PaymentState::Paid && !revocation_done;
            assert_eq!(late.len(), usize::from(is_late), "{order:?}");
            let on_its_way =
                |refund: &&Refund| refund.state.is_open() || refund.state == RefundState::Succeeded;
            assert!(late.iter().all(on_its_way), "{late:?}");
            assert!(late.iter().all(|refund| refund.amount == payment.amount), "{late:?}");
        }
    }
    assert_eq!(payment.settled_at.is_none(), payment.state.is_open(), "{payment:?}");
}

/// One event for each fact, and deliveries for each event that somebody wants to hear.
fn events_of(world: &World, order: &Order) {
    let events: Vec<_> =
        world.stored.events.values().filter(|event| event.about == About::Order(order.id)).collect();
    let count = |kind: EventKind| events.iter().filter(|event| event.kind == kind).count();
    let refunds = world.refunds(order.id);
    let refunds_in = |kind: RefundKind, state: RefundState| {
        refunds.iter().filter(|refund| refund.kind == kind && refund.state == state).count()
    };
    let refused = refunds_in(RefundKind::Requested, RefundState::Refused)
        + refunds_in(RefundKind::Revocation, RefundState::Refused)
        + refunds_in(RefundKind::Units, RefundState::Refused);
    let succeeded = refunds_in(RefundKind::Requested, RefundState::Succeeded)
        + refunds_in(RefundKind::Units, RefundState::Succeeded);
    assert_eq!(count(EventKind::OrderPaid), usize::from(order.paid_at.is_some()), "{order:?}");
    assert_eq!(count(EventKind::OrderRevoked), usize::from(order.stage == OrderStage::Revoked), "{order:?}");
    assert_eq!(count(EventKind::OrderClosed), usize::from(order.stage == OrderStage::Closed), "{order:?}");
    assert_eq!(count(EventKind::RefundSucceeded), succeeded);
    assert_eq!(count(EventKind::RefundFailed), refused);
    for event in events {
        let deliveries: Vec<&Task> = world
            .stored
            .tasks
            .values()
            .filter(|task| task.key.about == About::Order(order.id))
            .filter(
                |task| matches!(task.kind, TaskKind::Deliver { event: number, .. } if number == event.number),
            )
            .collect();
        let own_address = order.notify_url.is_some() && event.kind == EventKind::OrderPaid;
        let endpoints =
            world.stored.endpoints.values().filter(|endpoint| {
                endpoint.partner == order.partner && endpoint.events.contains(&event.kind)
            });
        let expected = if own_address { 1 } else { endpoints.count() };
        assert_eq!(deliveries.len(), expected, "{event:?} {deliveries:?}");
    }
}

/// Whatever is open has exactly one pending follow-up; whatever is settled has none.
fn follow_ups(world: &World) {
    let mut expected = BTreeMap::new();
    for payment in world.stored.payments.values() {
        if payment.flow == Flow::FromBalance {
            expected.extend(payment.follow_up.map(|id| (id, TaskKind::LapseOrder)));
            continue;
        }
        assert_eq!(payment.follow_up.is_some(), payment.state.is_open(), "{payment:?}");
        expected.extend(payment.follow_up.map(|id| (id, TaskKind::FollowPayment(payment.id))));
    }
    for refund in world.stored.refunds.values() {
        if refund.kind == RefundKind::Units {
            assert!(refund.follow_up.is_none() || refund.state.is_open(), "{refund:?}");
            expected.extend(refund.follow_up.map(|id| (id, TaskKind::ApproveRefund(refund.id))));
            continue;
        }
        assert_eq!(refund.follow_up.is_some(), refund.state.is_open(), "{refund:?}");
        expected.extend(refund.follow_up.map(|id| (id, TaskKind::FollowRefund(refund.id))));
    }
    let mut found = BTreeMap::new();
    for task in world.stored.tasks.values() {
        if !matches!(task.kind, TaskKind::Deliver { .. } | TaskKind::SendCodes) {
            assert_eq!(task.state, TaskState::Pending, "{task:?}");
            found.insert(task.key.id, task.kind);
        }
    }
    assert_eq!(found, expected, "follow-ups");
}

fn event_numbers(world: &World) {
    let mut last: BTreeMap<PartnerId, i64> = BTreeMap::new();
    for event in world.stored.events.values() {
        let number = last.entry(event.partner).or_default();
        assert_eq!(event.number, *number + 1, "a gap before {event:?}");
        *number = event.number;
    }
    let streams: BTreeMap<PartnerId, i64> =
        world.stored.streams.values().map(|stream| (stream.partner, stream.last)).collect();
    assert_eq!(streams, last);
}

/// Every refund reserves its money once, and settles the reservation once when it is settled.
fn holds(world: &World) {
    let transfers = &world.stored.transfers;
    let settling = |hold: &Transfer| -> Vec<&Transfer> {
        let settles = |transfer: &&Transfer| matches!(transfer.kind, TransferKind::Posts(id) | TransferKind::Voids(id) if id == hold.id);
        transfers.values().filter(settles).collect()
    };
    let pending = transfers.values().filter(|transfer| transfer.kind == TransferKind::Pending).count();
    assert_eq!(pending, world.stored.refunds.len(), "a reservation for each refund");
    for refund in world.stored.refunds.values() {
        let hold = &transfers[&refund.hold];
        assert_eq!((hold.amount, hold.kind), (refund.amount, TransferKind::Pending), "{refund:?}");
        let settled = settling(hold);
        let expected = match refund.state {
            RefundState::Unknown | RefundState::Pending => None,
            RefundState::Succeeded => Some(TransferKind::Posts(hold.id)),
            RefundState::Refused | RefundState::Cancelled => Some(TransferKind::Voids(hold.id)),
        };
        assert_eq!(
            settled.iter().map(|transfer| transfer.kind).collect::<Vec<_>>(),
            Vec::from_iter(expected)
        );
        for transfer in settled {
            assert_eq!((&transfer.debit, &transfer.credit), (&hold.debit, &hold.credit));
            assert_eq!(transfer.amount, hold.amount);
        }
    }
}

/// The stored sums are the sums of the transfers, and what is debited is credited.
fn accounts(world: &World) {
    let mut sums: BTreeMap<(PartnerId, Account, String), AccountDelta> = BTreeMap::new();
    for transfer in world.stored.transfers.values() {
        assert!(transfer.amount.is_positive(), "{transfer:?}");
        let whose = match transfer.cause {
            Cause::Order(order) => world.order(order).partner,
            Cause::Deposit(deposit) => world.stored.deposits[&deposit].partner,
        };
        assert_eq!(transfer.partner, whose, "{transfer:?}");
        let currency = transfer.amount.currency().code().to_owned();
        let key = |account: &Account| (transfer.partner, account.clone(), currency.clone());
        sums.entry(key(&transfer.debit)).or_default().debit(transfer);
        sums.entry(key(&transfer.credit)).or_default().credit(transfer);
    }
    assert_eq!(sums, world.stored.accounts);
    for partner in world.stored.partners.keys() {
        let of = |field: fn(&AccountDelta) -> i64| -> i64 {
            sums.iter().filter(|((whose, ..), _)| whose == partner).map(|(_, sum)| field(sum)).sum()
        };
        assert_eq!(of(|sum| sum.debits_posted), of(|sum| sum.credits_posted));
        assert_eq!(of(|sum| sum.debits_pending), of(|sum| sum.credits_pending));
    }
}

/// No money is lost and none is made: what channels hold is what payers paid less what went back, and it
/// is all owed to somebody: the partner, the operator, or a payer who came too late.
fn conservation(world: &World) {
    for partner in world.stored.partners.keys() {
        let balance = |wanted: fn(&Account) -> bool| -> i64 {
            let accounts = world.stored.accounts.iter();
            accounts
                .filter(|((whose, account, _), _)| whose == partner && wanted(account))
                .map(|(_, sum)| sum.debits_posted - sum.credits_posted)
                .sum()
        };
        let clearing = balance(|account| matches!(account, Account::Clearing(_)));
        let payable = -balance(|account| *account == Account::Payable);
        let fees = -balance(|account| *account == Account::Fees);
        let suspense = -balance(|account| *account == Account::Suspense);
        let deposited = balance(|account| *account == Account::Clearing("deposits".into()));
        let prepaid = -balance(|account| *account == Account::Prepaid);
        let sales = -balance(|account| *account == Account::Sales);
        assert_eq!(clearing, payable + fees + suspense + prepaid + sales, "clearing of {partner}");
        assert_eq!(deposited, prepaid + sales, "what {partner} has paid in");

        let payments = world.stored.payments.values().filter(|payment| payment.partner == *partner);
        let collected: i64 = payments
            .filter(|payment| payment.state == PaymentState::Paid && payment.flow != Flow::FromBalance)
            .map(|payment| payment.amount.micros())
            .sum();
        let of_partner = || {
            let refunds = world.stored.refunds.values();
            refunds.filter(|refund| refund.partner == *partner && refund.kind != RefundKind::Units)
        };
        let returned = micros(of_partner().filter(|refund| refund.state == RefundState::Succeeded));
        assert_eq!(clearing - deposited, collected - returned, "what the channels hold for {partner}");
        let waiting = micros(of_partner().filter(|r| r.kind == RefundKind::LateSuccess && r.state.is_open()));
        assert_eq!(suspense, waiting, "money that came too late");
        assert_eq!(fees, fees_kept(world, *partner), "what the operator keeps");
    }
}

fn fees_kept(world: &World, partner: PartnerId) -> i64 {
    let transfers = world.stored.transfers.values().filter(|transfer| transfer.partner == partner);
    let kept = |transfer: &Transfer| match transfer.purpose {
        Purpose::Fee => transfer.amount.micros(),
        Purpose::FeeReturn => -transfer.amount.micros(),
        Purpose::Payment | Purpose::Refund | Purpose::Deposit => 0,
    };
    let total = transfers.map(kept).sum();
    let orders = world.stored.orders.values().filter(|order| order.partner == partner);
    let kept = orders.filter(|order| order.paid_at.is_some() && order.stage == OrderStage::Paid);
    let agreed: i64 =
        kept.map(|order| order.amount.share_ppm_half_up_to_cents(order.fee_ppm).unwrap().micros()).sum();
    assert_eq!(total, agreed, "fees of {partner}");
    total
}
