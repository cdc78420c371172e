//! Giving units back and redeeming them: every reason to refuse, reviews, locks, and what is told.

use std::collections::BTreeSet;

use tradewind_domain::{
    About, Command, EventKind, OrderId, OrderStage, OrderStanding, PartnerId, RefundApplication,
    RefundProblem, RefundState, RefundUntil, Refusal, Review, Span, TaskKind, TicketRules, Timestamp,
    VoucherStanding,
};

use crate::invariants;
use crate::shop::{BUYER, COST, DATED, DEBTOR, PAID_IN, SELLER, TICKET, TOTAL, in_days, today};
use crate::world::{PLAIN, RULES, START, World};

fn refused(result: Result<impl std::fmt::Debug, Refusal>) -> (RefundProblem, u32) {
    match result {
        Err(Refusal::NotRefundable { why, refundable }) => (why, refundable),
        other => panic!("{other:?}"),
    }
}

/// Four units under other rules, then whatever happens, then an application for so many; `Ok` when it is
/// accepted.
fn check(
    name: &str,
    rules: fn(&mut TicketRules),
    happens: fn(&mut World, OrderId),
    quantity: u32,
    expected: Result<(), (RefundProblem, u32)>,
) -> Option<String> {
    for stock in [TICKET, in_days(1)] {
        let mut world = World::shop();
        world
            .save_sku(stock.sku, |_, of_sku| {
                of_sku.valid_until = Some(today().plus(2).start(RULES.day_offset));
                rules(of_sku);
            })
            .unwrap();
        let order = world.buy(stock, 4);
        world.advance(Span::from_days(1));
        happens(&mut world, order);
        let before = world.stored.clone();
        let result = world.apply(order, "r", quantity);
        match expected {
            Ok(()) => {
                let refund = result.unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
                assert_eq!((refund.units, refund.state), (quantity, RefundState::Pending), "{name}");
            }
            Err(expected) => {
                assert_eq!(refused(result), expected, "{name}");
                assert_eq!(world.stored, before, "{name}");
            }
        }
        invariants::check(&world);
    }
    expected.err().map(|(problem, _)| format!("{problem:?}"))
}

/// What the end of validity is in [`check`].
fn end() -> Timestamp {
    today().plus(2).start(RULES.day_offset)
}

#[test]
fn every_reason_to_refuse_is_met_and_named() {
    use RefundProblem as P;
    let as_it_is = |_: &mut TicketRules| {};
    let nothing = |_: &mut World, _: OrderId| {};
    let mut met: BTreeSet<String> = [
        check("one", as_it_is, nothing, 1, Ok(())),
        check("all", as_it_is, nothing, 4, Ok(())),
        check("none", as_it_is, nothing, 0, Err((P::Quantity, 4))),
        check("more than there are", as_it_is, nothing, 5, Err((P::Quantity, 4))),
        check("more than are left", as_it_is, use_one, 4, Err((P::Quantity, 3))),
        check("all that are left", as_it_is, use_one, 3, Ok(())),
        check(
            "one after another",
            as_it_is,
            |world, order| {
                world.give_back(order, "first", 3);
            },
            1,
            Ok(()),
        ),
        check(
            "two at a time",
            as_it_is,
            |world, order| {
                world.apply(order, "first", 1).unwrap();
            },
            1,
            Err((P::UnderReview, 3)),
        ),
        check(
            "after a rejection",
            as_it_is,
            |world, order| {
                let first = world.apply(order, "first", 1).unwrap();
                world.decide_on(first.id, false).unwrap();
            },
            4,
            Ok(()),
        ),
        check(
            "all gone back",
            as_it_is,
            |world, order| {
                world.give_back(order, "first", 4);
            },
            1,
            Err((P::AllRefunded, 0)),
        ),
        check("all used", as_it_is, use_all, 1, Err((P::AllUsed, 0))),
        check(
            "used and gone back",
            as_it_is,
            |world, order| {
                use_one(world, order);
                world.give_back(order, "first", 3);
            },
            1,
            Err((P::AllUsed, 0)),
        ),
        check(
            "not refundable",
            |rules| rules.refund.refundable = false,
            nothing,
            1,
            Err((P::NotRefundable, 4)),
        ),
        check(
            "never",
            |rules| rules.refund.until = RefundUntil::Never,
            nothing,
            1,
            Err((P::NotRefundable, 4)),
        ),
        check("a part of what goes back whole", whole, nothing, 3, Err((P::WholeOnly, 4))),
        check("the whole", whole, nothing, 4, Ok(())),
        check("the whole rest", whole, use_one, 3, Ok(())),
        check("more than the whole", whole, nothing, 5, Err((P::Quantity, 4))),
        check(
            "an hour before the end",
            hour_before,
            |world, _| world.now = end() - Span::from_mins(60),
            1,
            Err((P::TimeOver, 4)),
        ),
        check(
            "just in time",
            hour_before,
            |world, _| world.now = end() - Span::from_mins(60) - Span::from_ms(1),
            1,
            Ok(()),
        ),
        check("late", as_it_is, |world, _| world.now = end(), 1, Ok(())),
        check("five days late", as_it_is, |world, _| world.now = end() + Span::from_days(5), 1, Ok(())),
        check(
            "later",
            as_it_is,
            |world, _| world.now = end() + Span::from_days(5) + Span::from_ms(1),
            1,
            Err((P::TimeOver, 4)),
        ),
    ]
    .into_iter()
    .flatten()
    .collect();
    met.extend([other_numbers(), after_the_end()].map(|problem| format!("{problem:?}")));
    let all = [
        P::WrongState,
        P::NotRefundable,
        P::WholeOnly,
        P::Quantity,
        P::TimeOver,
        P::UnderReview,
        P::AllRefunded,
        P::AllUsed,
        P::NumberTaken,
    ];
    assert_eq!(met, all.iter().map(|problem| format!("{problem:?}")).collect());
}

fn whole(rules: &mut TicketRules) {
    rules.refund.whole_only = true;
}

fn hour_before(rules: &mut TicketRules) {
    rules.refund.until = RefundUntil::BeforeEnd(Span::from_mins(60));
}

fn use_one(world: &mut World, order: OrderId) {
    world.use_up(order, 0, 1).unwrap();
}

fn use_all(world: &mut World, order: OrderId) {
    let vouchers: Vec<(usize, u32)> =
        world.vouchers_of(order).iter().map(|voucher| voucher.ordered).enumerate().collect();
    for (place, uses) in vouchers {
        world.use_up(order, place, uses).unwrap();
    }
}

/// A number stands for one application of one order, for ever.
fn other_numbers() -> RefundProblem {
    let mut world = World::shop();
    let (one, two) = (world.buy(TICKET, 3), world.buy(TICKET, 3));
    let first = world.apply(one, "r", 2).unwrap();
    let before = world.stored.clone();
    assert_eq!(world.apply(one, "r", 2).unwrap(), first);
    let refusals = [refused(world.apply(one, "r", 1)), refused(world.apply(two, "r", 2))];
    assert_eq!(refusals, [(RefundProblem::NumberTaken, 1), (RefundProblem::NumberTaken, 3)]);
    assert_eq!(world.stored, before);
    // Also after it has been decided on: the answer is the one that became of it.
    let decided = world.decide_on(first.id, false).unwrap();
    assert_eq!(world.apply(one, "r", 2).unwrap(), decided);
    assert!(matches!(world.apply(two, "ref_1", 1), Err(Refusal::Field { .. })), "the gateway's own numbers");
    invariants::check(&world);
    refusals[0].0
}

fn after_the_end() -> RefundProblem {
    let mut world = World::shop();
    let held = world.hold(TICKET, 2);
    world.advance(RULES.hold_for);
    world.lapse_purchase(held).unwrap();
    let (problem, refundable) = refused(world.apply(held, "r", 1));
    assert_eq!(refundable, 0);
    problem
}

#[test]
fn what_was_not_paid_ends_at_once() {
    for quantity in [1, 2, 9] {
        let mut world = World::shop();
        let held = world.hold(TICKET, 2);
        let command = world.apply_command(held, "r", quantity);
        let purchase = crate::shop::bought(world.run(command).unwrap());
        world.assert_as_stored(&purchase);
        assert_eq!(purchase.order.stage, OrderStage::Closed);
        assert_eq!(world.counts(TICKET), (0, 0, TOTAL));
        assert_eq!(world.stored.refunds.len(), 0);
        assert!(world.stored.tasks.values().all(|task| task.kind != TaskKind::LapseOrder));
        assert_eq!(world.pay(held, |_| {}).unwrap_err().name(), "wrong_state");
        invariants::check(&world);
    }
}

#[test]
fn applications_name_the_order_by_both_its_names_and_its_stock() {
    let mut world = World::shop();
    let order = world.buy(TICKET, 2);
    type Edit = fn(&mut RefundApplication);
    let edits: [(Edit, Refusal); 4] = [
        (|apply| apply.order_number = "another".into(), Refusal::OrderNotFound),
        (|apply| apply.order = OrderId::from_i64(1), Refusal::OrderNotFound),
        (|apply| apply.partner = DEBTOR, Refusal::OrderNotFound),
        (|apply| apply.stock = in_days(1), Refusal::Internal),
    ];
    for (edit, expected) in edits {
        let Command::ApplyRefund(mut apply) = world.apply_command(order, "r", 1) else { panic!() };
        edit(&mut apply);
        assert_eq!(world.run(Command::ApplyRefund(apply)).unwrap_err(), expected);
    }
    let refund = world.apply(order, "r", 1).unwrap();
    let Command::ReviewRefund { partner, order, refund, reason, reviewer, .. } =
        world.review_command(refund.id, true)
    else {
        panic!()
    };
    let review = |stock, refund| Command::ReviewRefund {
        partner,
        order,
        stock,
        refund,
        approve: true,
        reason: reason.clone(),
        reviewer: reviewer.clone(),
    };
    assert_eq!(world.run(review(in_days(1), refund)).unwrap_err(), Refusal::Internal);
    let unknown = tradewind_domain::RefundId::from_i64(1);
    assert_eq!(world.run(review(TICKET, unknown)).unwrap_err(), Refusal::NotFound { what: "refund" });
}

/// Until nothing is left, one part after the other.
#[test]
fn parts_go_back_until_nothing_is_left() {
    for stock in [TICKET, in_days(1)] {
        let mut world = World::shop();
        let order = world.buy(stock, 4);
        for so_far in 1..=4 {
            let refund = world.apply(order, &format!("r{so_far}"), 1).unwrap();
            assert_eq!((world.line(order).locked, world.line(order).usable()), (1, 4 - so_far));
            assert_eq!(world.balance(BUYER), PAID_IN - i64::from(5 - so_far) * COST, "not before the review");
            assert_eq!(world.counts(stock), (0, 5 - so_far, TOTAL + so_far - 5));
            let refund = world.decide_on(refund.id, true).unwrap();
            assert_eq!(
                (refund.state, refund.units, refund.units_so_far),
                (RefundState::Succeeded, 1, so_far)
            );
            assert_eq!(refund.operator, "reviewer");
            assert_eq!(world.balance(BUYER), PAID_IN - i64::from(4 - so_far) * COST);
            assert_eq!(world.counts(stock), (0, 4 - so_far, TOTAL + so_far - 4));
            invariants::check(&world);
        }
        assert_eq!(world.standing(order), OrderStanding::Refunded);
        assert_eq!(world.balance(BUYER), PAID_IN);
        assert!(world.vouchers_of(order).iter().all(|v| v.standing(world.now) == VoucherStanding::Refunded));
        let events =
            ["order.paid", "refund.succeeded", "refund.succeeded", "refund.succeeded", "refund.succeeded"];
        assert_eq!(world.events(order), events);
        // What has gone back can be sold again.
        world.buy(stock, 6);
        world.buy(stock, 4);
        invariants::check(&world);
    }
}

#[test]
fn what_is_rejected_can_be_used_again() {
    let mut world = World::shop();
    let order = world.buy(TICKET, 3);
    let refund = world.apply(order, "r", 3).unwrap();
    assert_eq!(world.use_up(order, 0, 1).unwrap_err().name(), "wrong_state");
    let refund = world.decide_on(refund.id, false).unwrap();
    assert_eq!(
        (refund.state, refund.reason.as_deref(), refund.units_so_far),
        (RefundState::Refused, Some("used at the gate"), 0)
    );
    for approve in [true, false] {
        assert_eq!(world.decide_on(refund.id, approve).unwrap_err().name(), "wrong_state", "twice");
    }
    assert_eq!(world.events(order), ["order.paid", "refund.failed"]);
    world.use_up(order, 0, 3).unwrap();
    assert_eq!(world.balance(BUYER), PAID_IN - 3 * COST);
    invariants::check(&world);
}

/// Approved twice, by a person and by time, in one batch: it counts once.
#[test]
fn a_review_counts_once() {
    let mut world = World::shop();
    let order = world.buy(in_days(1), 3);
    let refund = world.apply(order, "r", 2).unwrap();
    let at = world.now;
    let commands = vec![
        (world.review_command(refund.id, true), at),
        (world.review_command(refund.id, true), at),
        (world.review_command(refund.id, false), at),
    ];
    let results: Vec<bool> = world.batch(commands).iter().map(Result::is_ok).collect();
    assert_eq!(results, [true, false, false]);
    assert_eq!(world.balance(BUYER), PAID_IN - COST);
    invariants::check(&world);
}

#[test]
fn time_approves_where_the_terms_say_so_and_it_is_not_late() {
    let approvals = |world: &World| -> Vec<Timestamp> {
        let tasks = world.stored.tasks.values();
        tasks.filter(|task| matches!(task.kind, TaskKind::ApproveRefund(_))).map(|task| task.due_at).collect()
    };
    let check = |review: Review, late: bool, expected: Option<Span>| {
        let mut world = World::shop();
        world.save_sku(DATED, |_, rules| rules.refund.review = review).unwrap();
        let order = world.buy(in_days(0), 2);
        if late {
            world.now = today().plus(1).start(RULES.day_offset);
        }
        let refund = world.apply(order, "r", 2).unwrap();
        assert_eq!(approvals(&world), Vec::from_iter(expected.map(|after| world.now + after)));
        assert_eq!(refund.follow_up.is_some(), expected.is_some());
        invariants::check(&world);
        world.advance(Span::from_secs(30));
        world.decide_on(refund.id, true).unwrap();
        assert_eq!(approvals(&world), []);
        invariants::check(&world);
    };
    check(Review::Manual, false, None);
    check(Review::Automatic(Span::from_ms(0)), false, Some(Span::from_ms(0)));
    check(Review::Automatic(Span::from_secs(30)), false, Some(Span::from_secs(30)));
    check(Review::Automatic(Span::from_secs(30)), true, None);
}

/// The last ones go back, and who has begun to use theirs goes on.
#[test]
fn codes_that_are_unused_go_back_from_the_last() {
    let mut world = World::shop();
    let order = world.buy(in_days(0), 4);
    world.use_up(order, 3, 1).unwrap();
    let refund = world.apply(order, "r", 2).unwrap();
    let locked = |world: &World| {
        world.vouchers_of(order).iter().map(|v| (v.used, v.locked, v.refunded)).collect::<Vec<_>>()
    };
    assert_eq!(locked(&world), [(0, 0, 0), (0, 1, 0), (0, 1, 0), (1, 0, 0)]);
    assert_eq!(world.use_up(order, 1, 1).unwrap_err().name(), "wrong_state");
    world.use_up(order, 0, 1).unwrap();
    world.decide_on(refund.id, true).unwrap();
    assert_eq!(locked(&world), [(1, 0, 0), (0, 0, 1), (0, 0, 1), (1, 0, 0)]);
    invariants::check(&world);
}

#[test]
fn what_is_redeemed_is_counted_for_the_order_and_told_of_it() {
    let mut world = World::shop();
    let order = world.buy(in_days(0), 3);
    let mut told = Vec::new();
    for place in [1, 0, 2] {
        let made = world.use_up(order, place, 1).unwrap();
        told.push((made.count, made.used_so_far, made.left));
        let event = world.stored.events.values().find(|event| event.redemption == Some(made.id)).unwrap();
        assert_eq!(
            (event.partner, event.kind, event.about),
            (BUYER, EventKind::VoucherRedeemed, About::Order(order))
        );
        let deliveries = world.stored.tasks.values().filter(|task| matches!(task.kind, TaskKind::Deliver { event: number, .. } if number == event.number && task.key.partner == BUYER));
        assert_eq!(deliveries.map(|task| task.key.about).collect::<Vec<_>>(), [About::Order(order)]);
        invariants::check(&world);
    }
    assert_eq!(told, [(1, 1, 2), (1, 2, 1), (1, 3, 0)]);
    // One code for all: the same numbers.
    let order = world.buy(TICKET, 5);
    let made = world.use_up(order, 0, 2).unwrap();
    assert_eq!((made.count, made.used_so_far, made.left), (2, 2, 3));
    world.apply(order, "r", 2).unwrap();
    let made = world.use_up(order, 0, 1).unwrap();
    assert_eq!((made.used_so_far, made.left), (3, 2), "locked ones are left");
    invariants::check(&world);
}

#[test]
fn who_redeems_what_and_when() {
    let mut world = World::shop();
    world
        .save_sku(TICKET.sku, |_, rules| {
            rules.valid_from = Some(START + Span::from_mins(1));
            rules.valid_until = Some(START + Span::from_mins(2));
        })
        .unwrap();
    let order = world.buy(TICKET, 4);
    let voucher = world.vouchers_of(order)[0].id;
    let redeem = |world: &mut World, by: PartnerId, count: u32| {
        let usable = world.stored.vouchers[&voucher].usable_by(by, world.now);
        let command = world.use_command(voucher, by, count);
        let result = world.run(command).map(|_| ()).map_err(|refusal| refusal.name());
        assert_eq!(result.is_ok(), count > 0 && count <= usable, "{result:?} of {usable}");
        result
    };
    assert_eq!(redeem(&mut world, SELLER, 1), Err("wrong_state"), "its time has not come");
    world.now = START + Span::from_mins(1);
    assert_eq!(redeem(&mut world, SELLER, 1), Ok(()));
    assert_eq!(redeem(&mut world, BUYER, 1), Ok(()), "the issuer may too");
    assert_eq!(redeem(&mut world, DEBTOR, 1), Err("not_found"));
    assert_eq!(redeem(&mut world, SELLER, 0), Err("field"));
    assert_eq!(redeem(&mut world, SELLER, 3), Err("wrong_state"));
    world.now = START + Span::from_mins(2);
    assert_eq!(redeem(&mut world, SELLER, 1), Err("wrong_state"), "its time is over");
    invariants::check(&world);
    // The order is the voucher's own, or the caller has read another voucher.
    world.now = START + Span::from_mins(1);
    for order in [None, Some(OrderId::from_i64(1))] {
        let Command::RedeemVoucher { partner, voucher, by, device, count, .. } =
            world.use_command(voucher, SELLER, 1)
        else {
            panic!()
        };
        let wrong = Command::RedeemVoucher { partner, voucher, by, device, count, order };
        let name = world.run(wrong).unwrap_err().name();
        assert!(["internal", "not_found"].contains(&name), "{name}");
    }
}

#[test]
fn a_voucher_of_an_order_cannot_be_cancelled_nor_its_number_taken() {
    let mut world = World::shop();
    let order = world.buy(TICKET, 1);
    let voucher = world.vouchers_of(order)[0].clone();
    let cancel =
        Command::CancelVoucher { partner: BUYER, number: voucher.number.clone(), code: voucher.code };
    assert_eq!(world.run(cancel).unwrap_err().name(), "wrong_state");
    let other = tradewind_domain::Voucher {
        id: tradewind_domain::VoucherId::from_i64(1),
        partner: PLAIN,
        code: world.code(),
        order: None,
        seller: None,
        ..voucher.clone()
    };
    let issue = |voucher| Command::IssueVoucher(Box::new(voucher));
    assert!(matches!(world.run(issue(other.clone())), Err(Refusal::Field { .. })));
    let of_an_order = tradewind_domain::Voucher { number: "1".into(), order: Some(order), ..other.clone() };
    assert_eq!(world.run(issue(of_an_order)).unwrap_err(), Refusal::Internal);
    world.run(issue(tradewind_domain::Voucher { number: "1".into(), ..other })).unwrap();
    assert_eq!(world.stored.vouchers.len(), 2);
}

/// Many at a gate and at the desk at the same moment: what is used does not go back.
#[test]
fn a_batch_uses_or_gives_back_each_unit_once() {
    let mut world = World::shop();
    let order = world.buy(TICKET, 4);
    let voucher = world.vouchers_of(order)[0].id;
    let at = world.now;
    let commands = vec![
        (world.use_command(voucher, SELLER, 2), at),
        (world.apply_command(order, "r", 3), at),
        (world.apply_command(order, "s", 2), at),
        (world.use_command(voucher, SELLER, 1), at),
        (world.apply_command(order, "t", 1), at),
    ];
    let results: Vec<Option<&str>> =
        world.batch(commands).into_iter().map(|result| result.err().map(|refusal| refusal.name())).collect();
    assert_eq!(results, [None, Some("not_refundable"), None, Some("wrong_state"), Some("not_refundable")]);
    invariants::check(&world);
}
