//! Random sequences of commands: the invariants hold after every one, a repeated command changes
//! nothing, and a batch does what its commands do one by one.

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::sample::Index;
use tradewind_domain::{
    ChannelReport, Command, DeliveryResult, Flow, OrderId, OrderRef, PartnerId, RefundId, RefundReport,
    RevokeMode, Span, TaskCommand, TaskKey, TaskKind, Timestamp,
};

use crate::invariants;
use crate::world::{PLAIN, WITH_FEE, Wish, World, cents, declined, paid, refused, returned};

/// A command in the making; it becomes one when it is known what there is.
#[derive(Clone, Debug)]
enum Move {
    Place { with_fee: bool, number: u8, cents: i64, flow: Flow, address: bool },
    Payment { order: Index, report: ChannelReport, attempts: Option<u32> },
    Lapse { order: Index },
    Refund { order: Index, share: Share, number: Option<u8> },
    ReportRefund { refund: Index, report: RefundReport, attempts: Option<u32> },
    Revoke { order: Index, mode: RevokeMode },
    Review { order: Index, approve: bool },
    Deliver { task: Index, overtaken: bool, result: DeliveryResult },
    Task { task: Index, command: TaskCommand },
    Wait { by: Span },
}

#[derive(Clone, Copy, Debug)]
enum Share {
    Cent,
    Half,
    All,
    TooMuch,
}

fn moves() -> impl Strategy<Value = Move> {
    let flows =
        prop_oneof![Just(Flow::PayerCode), Just(Flow::PayerScans), Just(Flow::InWallet), Just(Flow::InApp)];
    let attempts = || prop_oneof![Just(None), (0_u32..5).prop_map(Some)];
    let reports = prop_oneof![
        4 => Just(paid(cents(1))),
        1 => Just(declined()),
        1 => Just(ChannelReport::Waiting),
        1 => Just(ChannelReport::Cancelled),
        1 => Just(ChannelReport::NotFound),
        1 => Just(ChannelReport::NoAnswer { reason: "silence".into() }),
    ];
    let refund_reports = prop_oneof![
        3 => Just(returned()),
        2 => Just(refused()),
        1 => Just(RefundReport::Pending),
        1 => Just(RefundReport::NotFound),
        1 => Just(RefundReport::NoAnswer { reason: "silence".into() }),
    ];
    let shares = prop_oneof![
        2 => Just(Share::Cent),
        2 => Just(Share::Half),
        2 => Just(Share::All),
        1 => Just(Share::TooMuch)
    ];
    let modes = prop_oneof![Just(RevokeMode::Now), Just(RevokeMode::Application)];
    let later = Timestamp::from_ms(1_763_790_000_000);
    let results = prop_oneof![
        Just(DeliveryResult::Acknowledged),
        Just(DeliveryResult::Failed { reason: "500".into(), next: Some(later) }),
        Just(DeliveryResult::Failed { reason: "500".into(), next: None }),
    ];
    let commands = prop_oneof![Just(TaskCommand::Retry), Just(TaskCommand::Cancel)];
    let waits = prop_oneof![
        6 => (0_i64..3_000).prop_map(Span::from_ms),
        3 => Just(Span::from_secs(80)),
        1 => Just(Span::from_days(366)),
    ];
    let index = any::<Index>;
    prop_oneof![
        3 => (any::<bool>(), 0_u8..12, 1_i64..500_000, flows, any::<bool>())
            .prop_map(|(with_fee, number, cents, flow, address)| Move::Place { with_fee, number, cents, flow, address }),
        6 => (index(), reports, attempts())
            .prop_map(|(order, report, attempts)| Move::Payment { order, report, attempts }),
        2 => index().prop_map(|order| Move::Lapse { order }),
        4 => (index(), shares, proptest::option::of(0_u8..12))
            .prop_map(|(order, share, number)| Move::Refund { order, share, number }),
        6 => (index(), refund_reports, attempts())
            .prop_map(|(refund, report, attempts)| Move::ReportRefund { refund, report, attempts }),
        2 => (index(), modes).prop_map(|(order, mode)| Move::Revoke { order, mode }),
        2 => (index(), any::<bool>()).prop_map(|(order, approve)| Move::Review { order, approve }),
        2 => (index(), any::<bool>(), results)
            .prop_map(|(task, overtaken, result)| Move::Deliver { task, overtaken, result }),
        2 => (index(), commands).prop_map(|(task, command)| Move::Task { task, command }),
        3 => waits.prop_map(|by| Move::Wait { by }),
    ]
}

fn pick<T: Clone>(index: &Index, from: impl Iterator<Item = T>) -> Option<T> {
    let all: Vec<T> = from.collect();
    (!all.is_empty()).then(|| index.get(&all).clone())
}

/// The command that a move stands for, if there is something to move.
fn command(world: &mut World, wanted: Move) -> Option<Command> {
    let partner_of = |world: &World, order: OrderId| -> PartnerId { world.order(order).partner };
    let orders: Vec<OrderId> = world.stored.orders.keys().copied().collect();
    let order = |index: &Index| pick(index, orders.iter().copied());
    Some(match wanted {
        Move::Wait { by } => {
            world.advance(by);
            return None;
        }
        Move::Place { with_fee, number, cents: amount, flow, address } => world.wish(Wish {
            partner: if with_fee { WITH_FEE } else { PLAIN },
            number: number.to_string(),
            amount: cents(amount),
            flow,
            notify_url: address.then(|| "https://partner.example/one".into()),
        }),
        Move::Payment { order: index, report, attempts } => {
            world.report_command(order(&index)?, report, attempts)
        }
        Move::Lapse { order: index } => {
            let order = order(&index)?;
            Command::LapseOrder { partner: partner_of(world, order), order, stock: None }
        }
        Move::Refund { order: index, share, number } => {
            let order = order(&index)?;
            let whole = world.order(order).amount.cents().unwrap();
            let amount = match share {
                Share::Cent => 1,
                Share::Half => whole / 2,
                Share::All => whole,
                Share::TooMuch => whole + 1,
            };
            let number = number.map(|number| format!("refund {number}"));
            world.refund_command(order, number.as_deref(), cents(amount))
        }
        Move::ReportRefund { refund, report, attempts } => {
            let keys = world.stored.refunds.values().map(|refund| (refund.partner, refund.order, refund.id));
            let (partner, order, refund): (PartnerId, OrderId, RefundId) = pick(&refund, keys)?;
            Command::ReportRefund { partner, order, refund, report, attempts }
        }
        Move::Revoke { order: index, mode } => {
            let order = order(&index)?;
            let by = OrderRef::Number(world.order(order).number.clone());
            Command::Revoke { partner: partner_of(world, order), order: by, mode }
        }
        Move::Review { order: index, approve } => {
            let order = order(&index)?;
            Command::ReviewRevocation { partner: partner_of(world, order), order, approve }
        }
        Move::Deliver { task, overtaken, result } => {
            let key: TaskKey = pick(&task, world.stored.tasks.keys().copied())?;
            let attempt = world.stored.tasks[&key].attempts + u32::from(!overtaken);
            Command::RecordDelivery { key, attempt, result }
        }
        Move::Task { task, command } => {
            Command::Task { key: pick(&task, world.stored.tasks.keys().copied())?, command, reason: None }
        }
    })
}

/// A refund without a number of the partner's is a new one each time; everything else names what it does.
fn is_named(command: &Command) -> bool {
    match command {
        Command::RequestRefund(new) => new.number.is_some(),
        _ => true,
    }
}

/// Plays the moves one by one and returns the commands they became.
fn play(world: &mut World, moves: Vec<Move>) -> Vec<(Command, Timestamp)> {
    let mut played = Vec::new();
    for wanted in moves {
        let Some(command) = command(world, wanted) else { continue };
        played.push((command.clone(), world.now));
        let before = world.stored.clone();
        match world.run(command.clone()) {
            Err(_) => assert_eq!(world.stored, before, "a refused command changes nothing"),
            Ok(_) if is_named(&command) => {
                let mut again = world.twin();
                let _ = again.run(command.clone());
                assert_eq!(again.stored, world.stored, "the same again changes nothing: {command:?}");
            }
            Ok(_) => {}
        }
        invariants::check(world);
    }
    played
}

/// What has been open long enough comes to an end: asks every channel again and has it answer.
fn settle(world: &mut World) {
    world.advance(Span::from_days(1));
    for _ in 0..4 {
        let orders: Vec<OrderId> = world.stored.orders.keys().copied().collect();
        for order in orders {
            let _ = world.lapse(order);
            if world.payment(order).state.is_open() {
                world.report(order, ChannelReport::Cancelled).unwrap();
            }
            if world.refunds(order).last().is_some_and(|refund| refund.state.is_open()) {
                world.report_refund(order, returned()).unwrap();
            }
            let _ = world.review(order, true);
            invariants::check(world);
        }
    }
    let rest = world.stored.tasks.values().find(|task| !matches!(task.kind, TaskKind::Deliver { .. }));
    assert_eq!(rest, None, "a follow-up outlives what it follows");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn invariants_hold_whatever_comes(moves in proptest::collection::vec(moves(), 1..60)) {
        let mut world = World::new();
        play(&mut world, moves);
        settle(&mut world);
    }

    #[test]
    fn a_batch_does_what_its_commands_do_one_by_one(
        moves in proptest::collection::vec(moves(), 1..60),
        sizes in proptest::collection::vec(1_usize..12, 1..60),
    ) {
        let mut one_by_one = World::new();
        let played = play(&mut one_by_one, moves);
        let mut alone = World::new();
        let answers: Vec<String> = played
            .iter()
            .map(|(command, at)| {
                alone.now = *at;
                format!("{:?}", alone.run(command.clone()))
            })
            .collect();
        assert_eq!(alone.stored, one_by_one.stored, "the same commands make the same world");

        let mut batched = World::new();
        let mut batched_answers = Vec::new();
        let mut rest = played.as_slice();
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (batch, others) = rest.split_at((*size).min(rest.len()));
            batched_answers.extend(batched.batch(batch.to_vec()).iter().map(|answer| format!("{answer:?}")));
            rest = others;
        }
        assert_eq!(batched.stored, alone.stored);
        assert_eq!(batched_answers, answers);
    }
}
