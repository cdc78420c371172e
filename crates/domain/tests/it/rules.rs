//! Single rules that no table shows: numbers, bounds, due times of follow-ups, deliveries.

use tradewind_domain::{
    About, ChannelReport, Command, Decided, DeliveryResult, Endpoint, EndpointId, EventKind, Flow, Order,
    OrderId, OrderStanding, Partner, PartnerPatch, PartnerState, PaymentState, RefundReport, Refusal,
    RevokeMode, Span, Task, TaskCommand, TaskKey, TaskKind, TaskState,
};

use crate::invariants;
use crate::world::{LIFE, PLAIN, START, WITH_FEE, Wish, World, cents, declined, paid, refused, returned};

fn wish(number: &str, cents_: i64) -> Wish {
    Wish {
        partner: PLAIN,
        number: number.into(),
        amount: cents(cents_),
        flow: Flow::PayerCode,
        notify_url: None,
    }
}

fn follow_up(world: &World, order: OrderId) -> Option<&Task> {
    let mut tasks = world.stored.tasks.values().filter(|task| task.key.about == About::Order(order));
    tasks.find(|task| !matches!(task.kind, TaskKind::Deliver { .. }))
}

fn patch(patch: PartnerPatch) -> Command {
    Command::PatchPartner { partner: PLAIN, patch }
}

#[test]
fn a_number_is_taken_for_ever_and_per_partner() {
    let mut world = World::new();
    world.place(PLAIN, "1", cents(100), Flow::PayerCode);
    let same = world.wish(wish("1", 100));
    let other = world.wish(wish("1", 101));
    assert_eq!(world.run(same).unwrap_err(), Refusal::NumberTaken { same: true });
    assert_eq!(world.run(other).unwrap_err(), Refusal::NumberTaken { same: false });
    world.place(WITH_FEE, "1", cents(100), Flow::PayerCode);
}

#[test]
fn a_refund_number_is_taken_for_ever_and_across_orders() {
    let mut world = World::new();
    let one = world.place_paid(PLAIN, "1", cents(100));
    let two = world.place_paid(PLAIN, "2", cents(100));
    let first = world.refund_command(one, Some("r"), cents(10));
    world.run(first).unwrap();
    world.report_refund(one, refused()).unwrap();
    for order in [one, two] {
        let again = world.refund_command(order, Some("r"), cents(10));
        assert_eq!(world.run(again).unwrap_err(), Refusal::NumberTaken { same: true });
    }
    let other = world.refund_command(two, Some("r"), cents(11));
    assert_eq!(world.run(other).unwrap_err(), Refusal::NumberTaken { same: false });
}

#[test]
fn numbers_that_the_gateway_gives_cannot_be_taken() {
    let mut world = World::new();
    let order = world.place_paid(PLAIN, "1", cents(100));
    world.refund(order, cents(10)).unwrap();
    let given = world.refunds(order)[0].number.clone();
    assert_eq!(given, world.refunds(order)[0].id.to_string());
    world.report_refund(order, returned()).unwrap();
    let taking = world.refund_command(order, Some("ref_17637800000000001"), cents(10));
    assert!(matches!(world.run(taking), Err(Refusal::Field { .. })));
}

#[test]
fn new_orders_need_a_partner_in_good_standing_a_method_and_a_sane_amount() {
    let amount = |refusal: &Refusal| matches!(refusal, Refusal::Amount { .. });
    let max = Order::AMOUNT_MICROS_MAX / 10_000;
    for (cents, refused) in [(0, true), (-1, true), (1, false), (max, false), (max + 1, true)] {
        let mut world = World::new();
        let command = world.wish(wish("1", cents));
        assert_eq!(world.run(command).as_ref().err().is_some_and(amount), refused, "{cents}");
    }
    let mut world = World::new();
    world.run(patch(PartnerPatch { methods: Some(Vec::new()), ..PartnerPatch::default() })).unwrap();
    let command = world.wish(wish("1", 1));
    assert_eq!(world.run(command).unwrap_err(), Refusal::MethodNotEnabled);
    world
        .run(patch(PartnerPatch { state: Some(PartnerState::Suspended), ..PartnerPatch::default() }))
        .unwrap();
    let command = world.wish(wish("1", 1));
    assert_eq!(world.run(command).unwrap_err(), Refusal::PartnerSuspended);
}

#[test]
fn an_order_and_its_payment_must_be_one_business() {
    let edits: [fn(&mut tradewind_domain::NewOrder); 5] = [
        |new| new.payment.amount = cents(99),
        |new| new.payment.partner = WITH_FEE,
        |new| new.payment.order = OrderId::from_i64(1),
        |new| new.payment.state = PaymentState::Paid,
        |new| new.order.refunded = cents(1),
    ];
    for edit in edits {
        let mut world = World::new();
        let Command::PlaceOrder(mut new) = world.wish(wish("1", 100)) else { panic!("not an order") };
        edit(&mut new);
        assert_eq!(world.run(Command::PlaceOrder(new)).unwrap_err(), Refusal::Internal);
    }
}

#[test]
fn the_fee_is_agreed_when_the_order_is_placed_and_is_never_more_than_all() {
    let mut world = World::new();
    let order = world.place(PLAIN, "1", cents(10_000), Flow::PayerCode);
    let fee = |ppm: u32| patch(PartnerPatch { fee_ppm: Some(ppm), ..PartnerPatch::default() });
    world.run(fee(Partner::FEE_PPM_MAX)).unwrap();
    assert!(matches!(world.run(fee(Partner::FEE_PPM_MAX + 1)), Err(Refusal::Field { .. })));
    world.report(order, paid(cents(10_000))).unwrap();
    assert_eq!(world.order(order).fee_ppm, 0);
    world.place_paid(PLAIN, "2", cents(10_000));
    invariants::check(&world);
}

#[test]
fn a_follow_up_asks_soon_at_first_then_seldom_and_never_after_the_order_lapses() {
    let mut world = World::new();
    let order = world.place(PLAIN, "1", cents(100), Flow::PayerCode);
    for (age, wait) in [(0, 1), (10, 3), (60, 3), (78, 2)] {
        world.now = START + Span::from_secs(age);
        world.report(order, ChannelReport::NoAnswer { reason: "silence".into() }).unwrap();
        let task = follow_up(&world, order).unwrap();
        assert_eq!(task.due_at, world.now + Span::from_secs(wait), "at {age} s");
        assert_eq!(task.attempts, 1, "the attempts before, and this one");
        assert_eq!(task.last_result.as_deref(), Some("silence"));
    }
    // The moment of lapsing is no bound for an order that waits for a review.
    world.revoke(order, RevokeMode::Application).unwrap();
    world.report(order, ChannelReport::Waiting).unwrap();
    assert_eq!(follow_up(&world, order).unwrap().due_at, world.now + Span::from_secs(3));
}

#[test]
fn a_follow_up_that_nobody_asked_keeps_its_time() {
    let mut world = World::new();
    let order = world.place(PLAIN, "1", cents(100), Flow::PayerCode);
    let before = follow_up(&world, order).cloned();
    world.advance(Span::from_secs(5));
    let told = world.report_command(order, ChannelReport::Waiting, None);
    world.run(told).unwrap();
    assert_eq!(world.payment(order).state, PaymentState::Waiting);
    assert_eq!(follow_up(&world, order).cloned(), before);
}

#[test]
fn a_payment_that_never_arrived_is_submitted_anew() {
    let mut world = World::new();
    let order = world.place(PLAIN, "1", cents(100), Flow::PayerCode);
    let report = world.report_command(order, ChannelReport::NotFound, Some(7));
    world.run(report).unwrap();
    assert_eq!(world.payment(order).state, PaymentState::Unknown);
    assert_eq!(follow_up(&world, order).unwrap().attempts, 0);
}

#[test]
fn an_ended_order_has_its_payment_cancelled_at_once() {
    let mut world = World::new();
    let order = world.place(PLAIN, "1", cents(100), Flow::PayerScans);
    let before = follow_up(&world, order).unwrap().key;
    world.now = START + LIFE;
    world.lapse(order).unwrap();
    let task = follow_up(&world, order).unwrap();
    assert_eq!(world.payment(order).state, PaymentState::Cancelling);
    assert_ne!(task.key, before);
    assert_eq!((task.due_at, task.attempts), (world.now, 0));
    assert_eq!(world.order(order).ended_at, Some(world.now));
}

/// The channel may not know of a payment because the call to collect is still on its way. If that were
/// taken for the end, a success after it would be money that nobody asks for.
#[test]
fn not_found_ends_a_cancelled_payment_only_after_calls_have_arrived() {
    let mut world = World::new();
    let order = world.place(PLAIN, "1", cents(100), Flow::PayerCode);
    world.advance(Span::from_secs(30));
    world.revoke(order, RevokeMode::Now).unwrap();
    for (after_s, ended) in [(0, false), (59, false), (60, true)] {
        world.now = START + Span::from_secs(30 + after_s);
        world.report(order, ChannelReport::NotFound).unwrap();
        assert_eq!(world.payment(order).state == PaymentState::Cancelled, ended, "after {after_s} s");
        assert_eq!(follow_up(&world, order).is_none(), ended);
    }
}

#[test]
fn the_return_of_a_late_success_is_sent_again_after_a_refusal() {
    let mut world = World::new();
    let order = world.place(PLAIN, "1", cents(100), Flow::PayerCode);
    world.report(order, declined()).unwrap();
    world.report(order, paid(cents(100))).unwrap();
    assert_eq!(follow_up(&world, order).unwrap().due_at, world.now);
    world.report_refund(order, RefundReport::Pending).unwrap();
    world.report_refund(order, refused()).unwrap();
    let task = follow_up(&world, order).unwrap();
    assert_eq!((task.due_at, task.attempts), (world.now + Span::from_mins(15), 0));
    assert_eq!(task.last_result.as_deref(), Some("no funds"));
    assert!(!world.events(order).contains(&"refund.failed"), "nothing has failed yet");
}

#[test]
fn an_order_lapses_at_its_moment_and_not_under_review() {
    let mut world = World::new();
    let order = world.place(PLAIN, "1", cents(100), Flow::PayerCode);
    world.now = START + LIFE - Span::from_ms(1);
    assert!(matches!(world.lapse(order), Err(Refusal::WrongState { .. })));
    world.revoke(order, RevokeMode::Application).unwrap();
    world.now = START + LIFE;
    assert!(matches!(world.lapse(order), Err(Refusal::WrongState { .. })));
    world.review(order, false).unwrap();
    assert_eq!(world.standing(order), OrderStanding::Open);
    world.lapse(order).unwrap();
    assert_eq!(world.standing(order), OrderStanding::Revoked);
}

#[test]
fn the_time_for_refunds_ends_after_its_last_moment() {
    let mut world = World::new();
    let order = world.place_paid(PLAIN, "1", cents(100));
    world.now = START + Span::from_days(365);
    assert_eq!(world.standing(order), OrderStanding::Paid);
    world.advance(Span::from_ms(1));
    assert_eq!(world.standing(order), OrderStanding::Closed);
    assert!(matches!(world.refund(order, cents(1)), Err(Refusal::WrongState { .. })));
    assert!(matches!(world.revoke(order, RevokeMode::Now), Err(Refusal::WrongState { .. })));
}

#[test]
fn an_order_that_was_refunded_in_part_never_closes_by_time() {
    let mut world = World::new();
    let order = world.place_paid(PLAIN, "1", cents(100));
    world.refund(order, cents(1)).unwrap();
    world.report_refund(order, returned()).unwrap();
    world.advance(Span::from_days(1_000));
    assert_eq!(world.standing(order), OrderStanding::PartlyRefunded);
    world.refund(order, cents(99)).unwrap();
}

#[test]
fn the_address_in_an_order_goes_before_the_endpoints() {
    let mut world = World::new();
    let address = Some("https://partner.example/one".to_owned());
    let command = world.wish(Wish { notify_url: address, ..wish("1", 100) });
    let Ok(Decided::Order(order, _)) = world.run(command) else { panic!("not placed") };
    world.report(order.id, paid(cents(100))).unwrap();
    world.revoke(order.id, RevokeMode::Now).unwrap();
    world.report_refund(order.id, returned()).unwrap();
    let told: Vec<(i64, bool)> = world
        .stored
        .tasks
        .values()
        .filter_map(|task| match task.kind {
            TaskKind::Deliver { event, endpoint } => Some((event, endpoint.is_some())),
            _ => None,
        })
        .collect();
    // The address hears of the payment; all else is told to the endpoint.
    assert_eq!(told, [(1, false), (2, true)]);
}

#[test]
fn an_endpoint_is_told_what_it_wants_of_orders_of_its_dialect() {
    let mut world = World::new();
    let known = world.stored.endpoints.values().next().unwrap().clone();
    let foreign = Endpoint { id: EndpointId::from_i64(2), dialect: "other".into(), ..known.clone() };
    let choosy =
        Endpoint { id: EndpointId::from_i64(3), events: vec![EventKind::OrderClosed], ..known.clone() };
    world.stored.endpoints.extend([(foreign.id, foreign), (choosy.id, choosy)]);
    let told = |world: &World, order: OrderId| -> Vec<i64> {
        let tasks = world.stored.tasks.values().filter(|task| task.key.about == About::Order(order));
        let endpoints = tasks.filter_map(|task| match task.kind {
            TaskKind::Deliver { endpoint, .. } => endpoint.map(EndpointId::get),
            _ => None,
        });
        endpoints.collect()
    };
    let paid = world.place_paid(PLAIN, "1", cents(100));
    let closed = world.place(PLAIN, "2", cents(100), Flow::PayerCode);
    world.report(closed, declined()).unwrap();
    assert_eq!((told(&world, paid), told(&world, closed)), (vec![1], vec![1, 3]));
}

#[test]
fn a_delivery_runs_through_its_schedule_and_can_be_run_again() {
    let mut world = World::new();
    let order = world.place_paid(PLAIN, "1", cents(100));
    let key = *world.stored.tasks.keys().find(|key| key.about == About::Order(order)).unwrap();
    let task = |world: &World| world.stored.tasks[&key].clone();
    let failed = |next| DeliveryResult::Failed { reason: "500".into(), next };
    let later = START + Span::from_secs(5);
    let record = |world: &mut World, attempt: u32, result: DeliveryResult| {
        world.run(Command::RecordDelivery { key, attempt, result }).unwrap();
    };
    record(&mut world, 1, failed(Some(later)));
    assert_eq!(
        (task(&world).state, task(&world).due_at, task(&world).attempts),
        (TaskState::Pending, later, 1)
    );
    record(&mut world, 1, DeliveryResult::Acknowledged);
    assert_eq!(task(&world).attempts, 1, "a result counts once");
    record(&mut world, 2, failed(None));
    assert_eq!((task(&world).state, task(&world).attempts), (TaskState::Failed, 2));
    world.advance(Span::from_days(3));
    world.run(Command::Task { key, command: TaskCommand::Retry, reason: None }).unwrap();
    let again = task(&world);
    let expected = (TaskState::Pending, world.now, world.now, 0);
    assert_eq!((again.state, again.due_at, again.started_at, again.attempts), expected);
    let until = world.now + Span::from_secs(1);
    record(&mut world, 1, DeliveryResult::Postponed { until });
    assert_eq!((task(&world).due_at, task(&world).attempts), (until, 0), "waiting is no attempt");
    record(&mut world, 1, DeliveryResult::Acknowledged);
    assert_eq!((task(&world).state, task(&world).last_result), (TaskState::Done, None));
}

/// To forget the attempts would be to forget that the payment was submitted.
#[test]
fn to_run_a_follow_up_again_is_to_ask_now() {
    let mut world = World::new();
    let order = world.place(PLAIN, "1", cents(100), Flow::PayerCode);
    let report = world.report_command(order, ChannelReport::NoAnswer { reason: "silence".into() }, Some(3));
    world.run(report).unwrap();
    let key: TaskKey = follow_up(&world, order).unwrap().key;
    world.run(Command::Task { key, command: TaskCommand::Retry, reason: None }).unwrap();
    let task = follow_up(&world, order).unwrap();
    assert_eq!((task.due_at, task.attempts), (world.now, 4));
}
