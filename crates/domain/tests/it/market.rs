//! Random commands of several buyers, a seller and the operator on one shop: whatever comes, nothing is
//! oversold, nothing is spent twice, and orders, stock, vouchers, balances and ledger tell the same story.

use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::sample::Index;
use tradewind_domain::{
    Command, Decided, DeliveryResult, OrderStage, PartnerPatch, ProductState, Refusal, RevokeMode, Span,
    StockKey, StockPlan, TaskCommand, Timestamp,
};

use crate::invariants;
use crate::shop::{BUYER, COST, DATED, DEBTOR, SELLER, TICKET, in_days, plan, price, product, sku};
use crate::world::{PLAIN, World, cents};

/// A command in the making; it becomes one when it is known what there is.
#[derive(Clone, Debug)]
enum Move {
    Buy { who: bool, number: u8, stock: Index, quantity: u32, pays: bool, other: bool, codes_reused: bool },
    Pay { order: Index, other: bool },
    Lapse { order: Index },
    Apply { order: Index, number: u8, quantity: u32 },
    Review { refund: Index, approve: bool },
    Use { voucher: Index, by: u8, count: u32 },
    Resend { order: Index },
    Deposit { who: bool, number: u8, tickets: i64 },
    Limit { tickets: i64 },
    Plan { stock: Index, total: u32, closed: bool, own_price: bool },
    Product { on_sale: bool },
    Sku { dated: bool, most: u32, whole_only: bool },
    Revoke { order: Index },
    Refund { order: Index },
    Task { task: Index, command: TaskCommand },
    Deliver { task: Index, result: DeliveryResult },
    Wait { by: Span },
}

fn moves() -> impl Strategy<Value = Move> {
    let index = any::<Index>;
    let commands =
        prop_oneof![Just(TaskCommand::Retry), Just(TaskCommand::Cancel), Just(TaskCommand::Settle)];
    let later = Timestamp::from_ms(1_763_790_000_000);
    let results = prop_oneof![
        Just(DeliveryResult::Acknowledged),
        Just(DeliveryResult::Failed { reason: "500".into(), next: Some(later) }),
        Just(DeliveryResult::Failed { reason: "500".into(), next: None }),
    ];
    let waits = prop_oneof![
        6 => (0_i64..90_000).prop_map(Span::from_ms),
        2 => Just(Span::from_mins(30)),
        1 => Just(Span::from_days(1)),
        1 => Just(Span::from_days(4)),
    ];
    let tickets = prop_oneof![-6_i64..7, Just(-1_000), Just(0)];
    prop_oneof![
        10 => (any::<bool>(), 0_u8..30, index(), 0_u32..8, any::<bool>(), 0_u8..10, 0_u8..10).prop_map(
            |(who, number, stock, quantity, pays, other, reused)| Move::Buy {
                who, number, stock, quantity, pays, other: other == 0, codes_reused: reused == 0,
            }
        ),
        5 => (index(), 0_u8..10).prop_map(|(order, other)| Move::Pay { order, other: other == 0 }),
        3 => index().prop_map(|order| Move::Lapse { order }),
        7 => (index(), 0_u8..20, 0_u32..5)
            .prop_map(|(order, number, quantity)| Move::Apply { order, number, quantity }),
        6 => (index(), any::<bool>()).prop_map(|(refund, approve)| Move::Review { refund, approve }),
        8 => (index(), 0_u8..8, 0_u32..4).prop_map(|(voucher, by, count)| Move::Use { voucher, by, count }),
        2 => index().prop_map(|order| Move::Resend { order }),
        4 => (any::<bool>(), 0_u8..12, tickets)
            .prop_map(|(who, number, tickets)| Move::Deposit { who, number, tickets }),
        1 => (0_i64..3).prop_map(|tickets| Move::Limit { tickets }),
        3 => (index(), 0_u32..16, 0_u8..8, 0_u8..4).prop_map(|(stock, total, closed, own)| Move::Plan {
            stock, total, closed: closed == 0, own_price: own == 0,
        }),
        1 => any::<bool>().prop_map(|on_sale| Move::Product { on_sale }),
        1 => (any::<bool>(), 1_u32..9, any::<bool>())
            .prop_map(|(dated, most, whole_only)| Move::Sku { dated, most, whole_only }),
        1 => index().prop_map(|order| Move::Revoke { order }),
        1 => index().prop_map(|order| Move::Refund { order }),
        2 => (index(), commands).prop_map(|(task, command)| Move::Task { task, command }),
        2 => (index(), results).prop_map(|(task, result)| Move::Deliver { task, result }),
        4 => waits.prop_map(|by| Move::Wait { by }),
    ]
}

fn pick<T: Clone>(index: &Index, from: impl Iterator<Item = T>) -> Option<T> {
    let all: Vec<T> = from.collect();
    (!all.is_empty()).then(|| index.get(&all).clone())
}

/// The command that a move stands for, if there is something to move.
fn command(world: &mut World, wanted: Move) -> Option<Command> {
    let stock = |index: &Index| -> StockKey {
        // Twice as likely the one that all fight for.
        *index.get(&[TICKET, TICKET, in_days(0), in_days(1), in_days(4), in_days(9)])
    };
    let buyer = |who: bool| if who { BUYER } else { DEBTOR };
    let orders: Vec<_> = world.stored.orders.keys().copied().collect();
    let order = |index: &Index| pick(index, orders.iter().copied());
    Some(match wanted {
        Move::Wait { by } => {
            world.advance(by);
            return None;
        }
        Move::Buy { who, number, stock: at, quantity, pays, other, codes_reused } => {
            let reused = world.stored.vouchers.values().next().map(|voucher| voucher.code);
            world.purchase_of(buyer(who), &number.to_string(), stock(&at), quantity, |new| {
                new.fingerprint += i64::from(other);
                new.pay = new.pay.take().filter(|_| pays);
                if let (true, Some(code), Some(pay)) = (codes_reused, reused, &mut new.pay)
                    && let Some(first) = pay.codes.first_mut()
                {
                    *first = code;
                }
            })
        }
        Move::Pay { order: at, other } => {
            world.pay_command(order(&at)?, |pay| pay.quantity += u32::from(other))
        }
        Move::Lapse { order: at } => {
            let id = order(&at)?;
            let (partner, stock) = (world.order(id).partner, Some(world.line(id).stock()));
            Command::LapseOrder { partner, order: id, stock }
        }
        Move::Apply { order: at, number, quantity } => {
            world.apply_command(order(&at)?, &format!("refund {number}"), quantity)
        }
        Move::Review { refund, approve } => {
            world.review_command(pick(&refund, world.stored.refunds.keys().copied())?, approve)
        }
        Move::Use { voucher, by, count } => {
            let by = match by {
                0 => PLAIN,
                1 => BUYER,
                _ => SELLER,
            };
            world.use_command(pick(&voucher, world.stored.vouchers.keys().copied())?, by, count)
        }
        Move::Resend { order: at } => {
            let order = world.order(order(&at)?);
            Command::ResendCodes { partner: order.partner, order: order.id, number: order.number.clone() }
        }
        Move::Deposit { who, number, tickets } => {
            world.deposit_command(buyer(who), &number.to_string(), tickets * COST)
        }
        Move::Limit { tickets } => {
            // It is only ever raised: what is owed already stays owed when a limit is lowered.
            let limit = world.stored.partners[&DEBTOR].credit_limit.cents().unwrap() + tickets * COST;
            let patch = PartnerPatch { credit_limit: Some(cents(limit)), ..PartnerPatch::default() };
            Command::PatchPartner { partner: DEBTOR, patch }
        }
        Move::Plan { stock: at, total, closed, own_price } => {
            let key = stock(&at);
            let own = own_price.then(|| price(4_000, 3_000, COST + 100));
            let plans = vec![StockPlan { closed, price: own, ..plan(key.day, total) }];
            Command::PlanStock { seller: SELLER, sku: key.sku, plans }
        }
        Move::Product { on_sale } => {
            let state = if on_sale { ProductState::OnSale } else { ProductState::OffSale };
            Command::SaveProduct(Box::new(product(|product| product.state = state)))
        }
        Move::Sku { dated, most, whole_only } => {
            let id = if dated { DATED } else { TICKET.sku };
            Command::SaveSku(Box::new(sku(id, |sku, rules| {
                sku.order_max = most;
                rules.refund.whole_only = whole_only;
            })))
        }
        Move::Revoke { order: at } => {
            let order = world.order(order(&at)?);
            let by = tradewind_domain::OrderRef::Id(order.id);
            Command::Revoke { partner: order.partner, order: by, mode: RevokeMode::Now }
        }
        Move::Refund { order: at } => world.refund_command(order(&at)?, None, cents(1)),
        Move::Task { task, command } => {
            let key = pick(&task, world.stored.tasks.keys().copied())?;
            Command::Task { key, command, reason: None }
        }
        Move::Deliver { task, result } => {
            let key = pick(&task, world.stored.tasks.keys().copied())?;
            let attempt = world.stored.tasks[&key].attempts + 1;
            Command::RecordDelivery { key, attempt, result }
        }
    })
}

/// To redeem again is to redeem more; everything else names what it does.
fn is_named(command: &Command) -> bool {
    !matches!(command, Command::RedeemVoucher { .. })
}

/// What a decision shows is what was written, so that nobody is told what is not so.
fn check_answer(world: &World, answer: &Decided) {
    match answer {
        Decided::Purchase(purchase) => world.assert_as_stored(purchase),
        Decided::Applied(purchase, refund) => {
            world.assert_as_stored(purchase);
            assert_eq!(**refund, world.stored.refunds[&refund.id]);
        }
        Decided::Redeemed(voucher, redemption) => {
            assert_eq!(**voucher, world.stored.vouchers[&voucher.id]);
            assert_eq!(**redemption, world.stored.redemptions[&redemption.id]);
        }
        Decided::Deposit(deposit) => assert_eq!(**deposit, world.stored.deposits[&deposit.id]),
        _ => {}
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
            Err(refusal) => {
                assert_eq!(world.stored, before, "a refused command changes nothing: {command:?}");
                assert_ne!(refusal, Refusal::Internal, "{command:?}");
            }
            Ok(answer) => {
                check_answer(world, &answer);
                if is_named(&command) {
                    let mut again = world.twin();
                    let _ = again.run(command.clone());
                    assert_eq!(again.stored, world.stored, "the same again changes nothing: {command:?}");
                }
            }
        }
        invariants::check(world);
    }
    played
}

/// Everything comes to an end: what waits for payment lapses, what is under review is decided on, and the
/// rest goes back or has been used.
fn settle(world: &mut World) {
    world.advance(Span::from_mins(30));
    for id in world.stored.orders.keys().copied().collect::<Vec<_>>() {
        if world.order(id).stage == OrderStage::Open {
            world.lapse_purchase(id).unwrap();
        }
    }
    for refund in world.stored.refunds.keys().copied().collect::<Vec<_>>() {
        if world.stored.refunds[&refund].state.is_open() {
            world.decide_on(refund, refund.get() % 2 == 0).unwrap();
        }
    }
    for id in world.stored.orders.keys().copied().collect::<Vec<_>>() {
        let usable = world.order(id).line.as_deref().map_or(0, tradewind_domain::Line::usable);
        // Too late for some by now.
        if world.order(id).stage == OrderStage::Paid
            && usable > 0
            && let Ok(refund) = world.apply(id, &format!("last of {id}"), usable)
        {
            world.decide_on(refund.id, true).unwrap();
            assert_eq!(world.line(id).left(), 0);
        }
        invariants::check(world);
    }
    assert!(world.stored.stocks.values().all(|stock| stock.held == 0));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_books_are_right_whatever_comes(moves in proptest::collection::vec(moves(), 1..70)) {
        let mut world = World::shop();
        play(&mut world, moves);
        settle(&mut world);
    }

    #[test]
    fn a_batch_sells_what_its_commands_sell_one_by_one(
        moves in proptest::collection::vec(moves(), 1..70),
        sizes in proptest::collection::vec(1_usize..12, 1..70),
    ) {
        let mut one_by_one = World::shop();
        let played = play(&mut one_by_one, moves);
        let mut alone = World::shop();
        let answers: Vec<String> = played
            .iter()
            .map(|(command, at)| {
                alone.now = *at;
                format!("{:?}", alone.run(command.clone()))
            })
            .collect();
        assert_eq!(alone.stored, one_by_one.stored, "the same commands make the same world");

        let mut batched = World::shop();
        let mut batched_answers = Vec::new();
        let mut rest = played.as_slice();
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (batch, others) = rest.split_at((*size).min(rest.len()));
            batched_answers.extend(batched.batch(batch.to_vec()).iter().map(|answer| format!("{answer:?}")));
            invariants::check(&batched);
            rest = others;
        }
        assert_eq!(batched.stored, alone.stored);
        assert_eq!(batched_answers, answers);
    }
}
