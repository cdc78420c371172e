//! The exact transfers and balances of every way that money takes.

use tradewind_domain::{
    Account, Cause, ChannelReport, Flow, OrderId, OrderStanding, PartnerId, RefundReport, RefundState,
    RevokeMode, Span, TransferKind,
};

use crate::invariants;
use crate::world::{PLAIN, START, WITH_FEE, World, cents, declined, paid, refused, returned};

/// Runs a path on a new world and compares the transfers it makes, the balances it leaves (those that
/// are not zero; pending ones in brackets) and the events it tells.
fn check(
    partner: PartnerId,
    path: impl FnOnce(&mut World) -> OrderId,
    transfers: &[&str],
    balances: &[&str],
    events: &[&str],
) {
    let mut world = World::new();
    let order = path(&mut world);
    assert_eq!(transfers_of(&world, order), transfers, "transfers");
    assert_eq!(balances_of(&world, partner), balances, "balances");
    assert_eq!(world.events(order), events, "events");
    invariants::check(&world);
}

fn transfers_of(world: &World, order: OrderId) -> Vec<String> {
    let transfers = world.stored.transfers.values().filter(|transfer| transfer.cause == Cause::Order(order));
    transfers
        .map(|transfer| {
            let kind = match transfer.kind {
                TransferKind::Posted => "posted",
                TransferKind::Pending => "pending",
                TransferKind::Posts(_) => "posts",
                TransferKind::Voids(_) => "voids",
            };
            let amount = transfer.amount.to_decimal(2).unwrap();
            let purpose = format!("{:?}", transfer.purpose);
            format!("{purpose} {kind} {} > {} {amount}", transfer.debit.code(), transfer.credit.code())
        })
        .collect()
}

/// What the clearing account is owed, and what the others owe.
fn balances_of(world: &World, partner: PartnerId) -> Vec<String> {
    let accounts = world.stored.accounts.iter().filter(|((whose, ..), _)| *whose == partner);
    let mut lines = Vec::new();
    for ((_, account, _), sums) in accounts {
        let sign = if matches!(account, Account::Clearing(_)) { 1 } else { -1 };
        let posted = sign * (sums.debits_posted - sums.credits_posted);
        let pending = sign * (sums.debits_pending - sums.credits_pending);
        if posted != 0 || pending != 0 {
            let text = |micros: i64| cents(micros / 10_000).to_decimal(2).unwrap();
            lines.push(format!("{} {} ({})", account.code(), text(posted), text(pending)));
        }
    }
    lines
}

const PAYMENT: &str = "Payment posted clearing:sandbox > payable 158.00";

#[test]
fn a_payment() {
    check(
        PLAIN,
        |world| world.place_paid(PLAIN, "1", cents(15_800)),
        &[PAYMENT],
        &["clearing:sandbox 158.00 (0.00)", "payable 158.00 (0.00)"],
        &["order.paid"],
    );
}

#[test]
fn a_payment_with_a_fee_rounded_half_up() {
    // 0.6 % of 158.00 is 0.948.
    check(
        WITH_FEE,
        |world| world.place_paid(WITH_FEE, "1", cents(15_800)),
        &[PAYMENT, "Fee posted payable > fees 0.95"],
        &["clearing:sandbox 158.00 (0.00)", "fees 0.95 (0.00)", "payable 157.05 (0.00)"],
        &["order.paid"],
    );
}

#[test]
fn a_fee_below_half_a_cent_makes_no_transfer() {
    check(
        WITH_FEE,
        |world| world.place_paid(WITH_FEE, "1", cents(83)),
        &["Payment posted clearing:sandbox > payable 0.83"],
        &["clearing:sandbox 0.83 (0.00)", "payable 0.83 (0.00)"],
        &["order.paid"],
    );
}

#[test]
fn an_order_that_is_never_paid_moves_nothing() {
    check(
        PLAIN,
        |world| {
            let order = world.place(PLAIN, "1", cents(15_800), Flow::PayerScans);
            world.report(order, declined()).unwrap();
            order
        },
        &[],
        &[],
        &["order.closed"],
    );
}

#[test]
fn a_refund_is_reserved_while_the_channel_is_asked() {
    check(
        PLAIN,
        |world| {
            let order = world.place_paid(PLAIN, "1", cents(15_800));
            world.refund(order, cents(5_800)).unwrap();
            world.report_refund(order, RefundReport::Pending).unwrap();
            assert_eq!(world.standing(order), OrderStanding::Refunding);
            order
        },
        &[PAYMENT, "Refund pending payable > clearing:sandbox 58.00"],
        &["clearing:sandbox 158.00 (-58.00)", "payable 158.00 (-58.00)"],
        &["order.paid"],
    );
}

#[test]
fn refunds_in_parts_leave_the_fee() {
    check(
        WITH_FEE,
        |world| {
            let order = world.place_paid(WITH_FEE, "1", cents(15_800));
            world.refund(order, cents(5_800)).unwrap();
            world.report_refund(order, returned()).unwrap();
            assert_eq!(world.standing(order), OrderStanding::PartlyRefunded);
            world.refund(order, cents(10_000)).unwrap();
            world.report_refund(order, returned()).unwrap();
            assert_eq!(world.standing(order), OrderStanding::Refunded);
            order
        },
        &[
            PAYMENT,
            "Fee posted payable > fees 0.95",
            "Refund pending payable > clearing:sandbox 58.00",
            "Refund posts payable > clearing:sandbox 58.00",
            "Refund pending payable > clearing:sandbox 100.00",
            "Refund posts payable > clearing:sandbox 100.00",
        ],
        &["fees 0.95 (0.00)", "payable -0.95 (0.00)"],
        &["order.paid", "refund.succeeded", "refund.succeeded"],
    );
}

#[test]
fn a_refused_refund_lets_go_of_the_money() {
    check(
        PLAIN,
        |world| {
            let order = world.place_paid(PLAIN, "1", cents(15_800));
            world.refund(order, cents(15_800)).unwrap();
            world.report_refund(order, refused()).unwrap();
            assert_eq!(world.standing(order), OrderStanding::RefundFailed);
            order
        },
        &[
            PAYMENT,
            "Refund pending payable > clearing:sandbox 158.00",
            "Refund voids payable > clearing:sandbox 158.00",
        ],
        &["clearing:sandbox 158.00 (0.00)", "payable 158.00 (0.00)"],
        &["order.paid", "refund.failed"],
    );
}

#[test]
fn a_refused_refund_can_be_tried_again() {
    check(
        PLAIN,
        |world| {
            let order = world.place_paid(PLAIN, "1", cents(15_800));
            world.refund(order, cents(15_800)).unwrap();
            world.report_refund(order, refused()).unwrap();
            // A refund that was tried in time can still be finished when the time is over.
            world.advance(Span::from_days(400));
            world.refund(order, cents(15_800)).unwrap();
            world.report_refund(order, returned()).unwrap();
            assert_eq!(world.standing(order), OrderStanding::Refunded);
            order
        },
        &[
            PAYMENT,
            "Refund pending payable > clearing:sandbox 158.00",
            "Refund voids payable > clearing:sandbox 158.00",
            "Refund pending payable > clearing:sandbox 158.00",
            "Refund posts payable > clearing:sandbox 158.00",
        ],
        &[],
        &["order.paid", "refund.failed", "refund.succeeded"],
    );
}

#[test]
fn a_revocation_returns_all_and_the_fee_with_it() {
    let transfers = [
        PAYMENT,
        "Fee posted payable > fees 0.95",
        "Refund pending payable > clearing:sandbox 158.00",
        "Refund posts payable > clearing:sandbox 158.00",
        "FeeReturn posted fees > payable 0.95",
    ];
    let at_once = |world: &mut World| {
        let order = world.place_paid(WITH_FEE, "1", cents(15_800));
        world.revoke(order, RevokeMode::Now).unwrap();
        world.report_refund(order, returned()).unwrap();
        assert_eq!(world.standing(order), OrderStanding::Revoked);
        order
    };
    let after_review = |world: &mut World| {
        let order = world.place_paid(WITH_FEE, "1", cents(15_800));
        world.revoke(order, RevokeMode::Application).unwrap();
        assert_eq!(world.standing(order), OrderStanding::RevocationApplied);
        world.review(order, true).unwrap();
        world.report_refund(order, returned()).unwrap();
        assert_eq!(world.standing(order), OrderStanding::Revoked);
        order
    };
    check(WITH_FEE, at_once, &transfers, &[], &["order.paid", "order.revoked"]);
    check(WITH_FEE, after_review, &transfers, &[], &["order.paid", "order.revoked"]);
}

#[test]
fn a_revocation_that_the_channel_refuses_leaves_all_as_it_was() {
    check(
        WITH_FEE,
        |world| {
            let order = world.place_paid(WITH_FEE, "1", cents(15_800));
            world.revoke(order, RevokeMode::Now).unwrap();
            world.report_refund(order, refused()).unwrap();
            assert_eq!(world.standing(order), OrderStanding::RefundFailed);
            order
        },
        &[
            PAYMENT,
            "Fee posted payable > fees 0.95",
            "Refund pending payable > clearing:sandbox 158.00",
            "Refund voids payable > clearing:sandbox 158.00",
        ],
        &["clearing:sandbox 158.00 (0.00)", "fees 0.95 (0.00)", "payable 157.05 (0.00)"],
        &["order.paid", "refund.failed"],
    );
}

/// The payer's success meets an order that has ended by time, by revocation, by cancelling, by a decline.
#[test]
fn a_late_success_goes_back_whatever_ended_the_order() {
    let by_time = |world: &mut World, order: OrderId| {
        world.now = world.order(order).expires_at;
        world.lapse(order).unwrap();
    };
    let by_revocation = |world: &mut World, order: OrderId| {
        world.revoke(order, RevokeMode::Now).unwrap();
    };
    let cancelled = |world: &mut World, order: OrderId| {
        world.revoke(order, RevokeMode::Now).unwrap();
        world.report(order, ChannelReport::Cancelled).unwrap();
    };
    let by_decline = |world: &mut World, order: OrderId| {
        world.report(order, declined()).unwrap();
    };
    type End<'a> = &'a dyn Fn(&mut World, OrderId);
    let ends: [(End<'_>, Flow, OrderStanding, &str); 5] = [
        (&by_time, Flow::PayerCode, OrderStanding::Revoked, "order.revoked"),
        (&by_time, Flow::PayerScans, OrderStanding::Closed, "order.closed"),
        (&by_revocation, Flow::PayerScans, OrderStanding::Revoked, "order.revoked"),
        (&cancelled, Flow::PayerCode, OrderStanding::Revoked, "order.revoked"),
        (&by_decline, Flow::PayerCode, OrderStanding::Closed, "order.closed"),
    ];
    for (end, flow, standing, event) in ends {
        check(
            WITH_FEE,
            |world| {
                let order = world.place(WITH_FEE, "1", cents(15_800), flow);
                end(world, order);
                world.report(order, paid(cents(15_800))).unwrap();
                assert_eq!(world.standing(order), standing, "a late success changes no order");
                // Silence and refusals do not end it.
                world.report_refund(order, RefundReport::NoAnswer { reason: "silence".into() }).unwrap();
                world.report_refund(order, refused()).unwrap();
                let refund = world.refunds(order)[0];
                assert_eq!(refund.state, RefundState::Unknown);
                assert_eq!(refund.reason.as_deref(), Some("no funds"));
                invariants::check(world);
                world.report_refund(order, returned()).unwrap();
                assert_eq!(world.standing(order), standing);
                order
            },
            &[
                "Payment posted clearing:sandbox > suspense 158.00",
                "Refund pending suspense > clearing:sandbox 158.00",
                "Refund posts suspense > clearing:sandbox 158.00",
            ],
            &[],
            &[event],
        );
    }
}

#[test]
fn money_that_waits_to_go_back_stands_in_suspense() {
    check(
        PLAIN,
        |world| {
            let order = world.place(PLAIN, "1", cents(15_800), Flow::PayerCode);
            world.revoke(order, RevokeMode::Now).unwrap();
            world.report(order, paid(cents(15_800))).unwrap();
            order
        },
        &[
            "Payment posted clearing:sandbox > suspense 158.00",
            "Refund pending suspense > clearing:sandbox 158.00",
        ],
        &["clearing:sandbox 158.00 (-158.00)", "suspense 158.00 (-158.00)"],
        &["order.revoked"],
    );
}

/// While a revocation is under review, a payment is an ordinary one, also after the channel had declined.
#[test]
fn a_payment_during_review_is_kept_until_the_review() {
    for declined_first in [false, true] {
        check(
            PLAIN,
            |world| {
                let order = world.place(PLAIN, "1", cents(15_800), Flow::PayerScans);
                world.revoke(order, RevokeMode::Application).unwrap();
                if declined_first {
                    world.report(order, declined()).unwrap();
                }
                world.advance(Span::from_secs(100));
                world.report(order, paid(cents(15_800))).unwrap();
                assert_eq!(world.standing(order), OrderStanding::RevocationApplied);
                world.review(order, false).unwrap();
                assert_eq!(world.standing(order), OrderStanding::Paid);
                order
            },
            &[PAYMENT],
            &["clearing:sandbox 158.00 (0.00)", "payable 158.00 (0.00)"],
            &["order.paid"],
        );
    }
}

#[test]
fn two_orders_share_the_accounts_of_their_partner() {
    let mut world = World::new();
    let one = world.place_paid(PLAIN, "1", cents(10_000));
    world.advance(Span::from_secs(1));
    let other = world.place_paid(PLAIN, "2", cents(1_000));
    world.place_paid(WITH_FEE, "1", cents(77_700));
    world.refund(one, cents(2_500)).unwrap();
    world.report_refund(one, returned()).unwrap();
    world.revoke(other, RevokeMode::Now).unwrap();
    let expected = ["clearing:sandbox 85.00 (-10.00)", "payable 85.00 (-10.00)"];
    assert_eq!(balances_of(&world, PLAIN), expected);
    assert!(world.stored.transfers.values().all(|transfer| transfer.at >= START));
    invariants::check(&world);
}
