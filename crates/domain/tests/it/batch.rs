//! What a batch writes: the sum of its commands, each row once.

use tradewind_domain::{
    Addition, Changes, ChannelReport, Command, Endpoint, EndpointId, Flow, IdSource, Need, NodeId, OrderId,
    OrderRef, PaymentState, RevokeMode, Span, TaskCommand, TaskKind, View, WriteSet, decide, needs,
};

use crate::world::{PLAIN, RULES, START, Wish, World, cents, paid};

/// Decides commands over one view of what is stored and returns what is to be written.
fn written(world: &World, commands: &[Command]) -> WriteSet {
    let ids = IdSource::new(NodeId::FIRST, world.now);
    let all: Vec<Need> = commands.iter().flat_map(needs).collect();
    let mut view = View::default();
    let rows = world.stored.load(&all);
    view.fill(all, rows);
    for command in commands {
        let (changes, _) = decide(&view, command.clone(), world.now, &ids, &RULES).expect("accepted");
        view.apply(changes);
    }
    view.into_write_set()
}

fn wish(number: &str) -> Wish {
    Wish {
        partner: PLAIN,
        number: number.into(),
        amount: cents(100),
        flow: Flow::PayerCode,
        notify_url: None,
    }
}

fn report(place: &Command, report: ChannelReport) -> Command {
    let Command::PlaceOrder(new) = place else { panic!("not an order") };
    let (partner, order, payment) = (new.order.partner, new.order.id, new.payment.id);
    Command::ReportPayment { partner, order, payment, report, attempts: Some(0) }
}

fn order_of(place: &Command) -> OrderId {
    let Command::PlaceOrder(new) = place else { panic!("not an order") };
    new.order.id
}

fn endpoint() -> Endpoint {
    let world = World::new();
    let known = world.stored.endpoints.values().next().expect("an endpoint").clone();
    Endpoint { id: EndpointId::from_i64(9), url: "https://partner.example/other".into(), ..known }
}

#[test]
fn a_row_made_and_changed_is_inserted_once_as_it_ended() {
    let world = World::new();
    let place = world.wish(wish("1"));
    let set = written(&world, &[place.clone(), report(&place, paid(cents(100)))]);
    assert_eq!((set.orders_new.len(), set.orders_changed.len()), (1, 0));
    assert_eq!((set.payments_new.len(), set.payments_changed.len()), (1, 0));
    assert_eq!(set.payments_new[0].state, PaymentState::Paid);
    assert_eq!(set.orders_new[0].paid_at, Some(START));
    assert_eq!((set.streams_new.len(), set.streams_changed.len()), (1, 0));
    // The follow-up came and went; what is left is the delivery.
    assert!(
        set.tasks_new.iter().all(|task| matches!(task.kind, TaskKind::Deliver { .. })),
        "{:?}",
        set.tasks_new
    );
    assert_eq!((set.tasks_new.len(), set.tasks_changed.len(), set.tasks_removed.len()), (1, 0, 0));
}

#[test]
fn a_stored_row_changed_twice_is_updated_once() {
    let mut world = World::new();
    let order = world.place(PLAIN, "1", cents(100), Flow::PayerScans);
    let silence = ChannelReport::NoAnswer { reason: "silence".into() };
    let reports = [
        world.report_command(order, ChannelReport::Waiting, Some(0)),
        world.report_command(order, silence, Some(1)),
    ];
    let set = written(&world, &reports);
    assert_eq!((set.orders_changed.len(), set.payments_changed.len()), (0, 1));
    assert_eq!((set.tasks_new.len(), set.tasks_changed.len(), set.tasks_removed.len()), (0, 1, 0));
    assert_eq!(
        (set.tasks_changed[0].attempts, set.tasks_changed[0].last_result.as_deref()),
        (2, Some("silence"))
    );
}

#[test]
fn a_task_changed_and_removed_is_only_removed() {
    let mut world = World::new();
    let order = world.place(PLAIN, "1", cents(100), Flow::PayerScans);
    let set = written(
        &world,
        &[
            world.report_command(order, ChannelReport::Waiting, Some(0)),
            world.report_command(order, paid(cents(100)), None),
        ],
    );
    assert_eq!((set.tasks_changed.len(), set.tasks_removed.len()), (0, 1));
}

#[test]
fn a_task_made_and_replaced_is_written_once() {
    let world = World::new();
    let place = world.wish(wish("1"));
    let revoke =
        Command::Revoke { partner: PLAIN, order: OrderRef::Id(order_of(&place)), mode: RevokeMode::Now };
    let set = written(&world, &[place, revoke]);
    let follow_ups: Vec<_> =
        set.tasks_new.iter().filter(|task| matches!(task.kind, TaskKind::FollowPayment(_))).collect();
    assert_eq!(follow_ups.len(), 1);
    assert_eq!(Some(follow_ups[0].key.id), set.payments_new[0].follow_up);
    assert!(set.tasks_removed.is_empty());
}

/// What a store loads late must not bring back what the batch has removed.
#[test]
fn a_task_that_has_gone_stays_gone() {
    let mut world = World::new();
    let order = world.place(PLAIN, "1", cents(100), Flow::PayerScans);
    let key = *world.stored.tasks.keys().next().expect("a follow-up");
    let pay = world.report_command(order, paid(cents(100)), None);
    let retry = Command::Task { key, command: TaskCommand::Retry, reason: None };
    let ids = IdSource::new(NodeId::FIRST, START);
    let mut view = View::default();
    view.fill(needs(&pay), world.stored.load(&needs(&pay)));
    let (changes, _) = decide(&view, pay, START, &ids, &RULES).expect("accepted");
    view.apply(changes);
    view.fill(needs(&retry), world.stored.load(&needs(&retry)));
    assert_eq!(view.task(key), None);
    assert_eq!(decide(&view, retry, START, &ids, &RULES).expect_err("gone").name(), "not_found");
    let again = Changes { tasks_changed: vec![world.stored.tasks[&key].clone()], ..Changes::default() };
    view.apply(again);
    assert_eq!(view.task(key), None);
    let set = view.into_write_set();
    assert_eq!((set.tasks_changed.len(), set.tasks_removed), (0, vec![key]));
}

#[test]
fn what_a_store_loads_late_does_not_undo_what_the_batch_has_changed() {
    let mut world = World::new();
    let order = world.place(PLAIN, "1", cents(100), Flow::PayerScans);
    let pay = world.report_command(order, paid(cents(100)), None);
    let ids = IdSource::new(NodeId::FIRST, START);
    let mut view = View::default();
    view.fill(needs(&pay), world.stored.load(&needs(&pay)));
    let (changes, _) = decide(&view, pay, START, &ids, &RULES).expect("accepted");
    view.apply(changes);
    let by_number = Need::OrderNumber(PLAIN, "1".into());
    view.fill([by_number.clone()], world.stored.load(std::slice::from_ref(&by_number)));
    assert!(view.has(&by_number));
    assert_eq!(view.payments(order).map(|payment| payment.state).collect::<Vec<_>>(), [PaymentState::Paid]);
    assert_eq!(view.last_event(PLAIN), 1);
}

#[test]
fn an_endpoint_added_and_removed_is_not_written() {
    let world = World::new();
    let add = Command::Add(Box::new(Addition::Endpoint(endpoint())));
    let remove = |id| Command::RemoveEndpoint { partner: PLAIN, endpoint: id };
    let set = written(&world, &[add, remove(endpoint().id)]);
    assert_eq!((set.endpoints_new.len(), set.endpoints_removed.len()), (0, 0));
    let stored = EndpointId::from_i64(1);
    assert_eq!(written(&world, &[remove(stored)]).endpoints_removed, [(PLAIN, stored)]);
}

#[test]
fn commands_that_change_nothing_write_nothing() {
    let mut world = World::new();
    let order = world.place_paid(PLAIN, "1", cents(100));
    let set = written(&world, &[world.report_command(order, paid(cents(100)), Some(0))]);
    assert!(set.is_empty(), "{set:?}");
}

#[test]
fn events_of_a_batch_are_numbered_through_and_the_stream_moves_once() {
    let mut world = World::new();
    world.place_paid(PLAIN, "0", cents(100));
    world.advance(Span::from_secs(1));
    let places: Vec<Command> = ["1", "2", "3"].map(|number| world.wish(wish(number))).into();
    let pays: Vec<Command> = places.iter().map(|place| report(place, paid(cents(100)))).collect();
    let set = written(&world, &[places, pays].concat());
    assert_eq!(set.events.iter().map(|event| event.number).collect::<Vec<_>>(), [2, 3, 4]);
    assert_eq!((set.streams_new.len(), set.streams_changed.len()), (0, 1));
    assert_eq!(set.streams_changed[0].last, 4);
    // One row for each account, however many transfers.
    assert_eq!((set.transfers.len(), set.accounts.len()), (3, 2));
}

/// What purchases rest on is not loaded for anything else.
#[test]
fn an_order_without_goods_needs_no_goods() {
    let mut world = World::new();
    let place = world.wish(wish("1"));
    let order = world.place(PLAIN, "1", cents(100), Flow::PayerScans);
    let voucher = tradewind_domain::VoucherId::from_i64(1);
    let lapse = Command::LapseOrder { partner: PLAIN, order, stock: None };
    let redeem = Command::RedeemVoucher {
        partner: PLAIN,
        voucher,
        by: PLAIN,
        device: "1".into(),
        count: 1,
        order: None,
    };
    let of_order = || vec![Need::Partner(PLAIN), Need::Order(PLAIN, order)];
    let cases = [
        (place, vec![Need::Partner(PLAIN), Need::OrderNumber(PLAIN, "1".into())]),
        (world.report_command(order, paid(cents(100)), None), of_order()),
        (lapse, of_order()),
        (world.refund_command(order, None, cents(1)), of_order()),
        (redeem, vec![Need::Partner(PLAIN), Need::Voucher(PLAIN, voucher)]),
    ];
    for (command, expected) in cases {
        assert_eq!(needs(&command), expected, "{command:?}");
    }
}
