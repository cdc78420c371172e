//! Whole lives: the domain decides, the store commits, and everything agrees afterwards.

use tradewind_domain::{
    ChannelReport, Command, Decided, DeliveryResult, Flow, FundBill, Need, NewRefund, Order, OrderRef,
    OrderStage, OrderStanding, PartnerId, Payment, PaymentState, Refund, RefundId, RefundReport, RefundState,
    RevokeMode, Span, TaskCommand, TaskState,
};

use super::Fixture;
use super::desk::{Desk, REFUND_WINDOW};
use super::samples::yuan;

const OWNER: PartnerId = PartnerId::from_i64(1);

/// Nothing is wrong with what is stored.
pub(super) async fn check_clean(desk: &Desk) {
    let verification = desk.store.verify().await.unwrap();
    assert_eq!(verification.findings, [""; 0]);
}

/// A success over the whole amount.
pub(super) fn paid(payment: &Payment) -> ChannelReport {
    ChannelReport::Paid {
        channel_number: format!("ch-{}", payment.id.get()),
        payer: Some("payer".into()),
        bills: vec![FundBill { source: "alipay_balance".into(), amount: payment.amount }],
    }
}

pub(super) fn report_payment(payment: &Payment, report: ChannelReport, attempts: Option<u32>) -> Command {
    let (partner, order) = (payment.partner, payment.order);
    Command::ReportPayment { partner, order, payment: payment.id, report, attempts }
}

pub(super) fn report_refund(refund: &Refund, report: RefundReport, attempts: Option<u32>) -> Command {
    let (partner, order) = (refund.partner, refund.order);
    Command::ReportRefund { partner, order, refund: refund.id, report, attempts }
}

/// Places an order over 100 yuan and has it paid.
pub(super) async fn pay(desk: &mut Desk, owner: i64, number: &str) -> Order {
    let (_, payment) = desk.place(owner, number).await;
    match desk.must(report_payment(&payment, paid(&payment), None)).await {
        Decided::Order(order, _) => *order,
        other => panic!("an order was paid and led to {other:?}"),
    }
}

/// Asks for a refund of so many yuan.
pub(super) async fn refund(desk: &mut Desk, order: &Order, number: &str, amount: i64) -> Refund {
    let new = new_refund(desk, order, Some(number.to_owned()), amount);
    match desk.must(Command::RequestRefund(Box::new(new))).await {
        Decided::Refund(_, _, refund) => *refund,
        other => panic!("a refund was asked for and led to {other:?}"),
    }
}

fn new_refund(desk: &Desk, order: &Order, number: Option<String>, amount: i64) -> NewRefund {
    NewRefund {
        id: RefundId::make(&desk.ids, desk.now),
        partner: order.partner,
        order: OrderRef::Id(order.id),
        number,
        fingerprint: amount,
        amount: yuan(amount),
        subject: "too cold".into(),
        operator: "manager01".into(),
    }
}

/// The happy path: placed, paid, told, acknowledged.
pub async fn a_paid_and_notified_order(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    desk.add_partner(1).await;
    let (order, payment) = desk.place(1, "A1").await;
    check_clean(&desk).await;
    let waiting = report_payment(&payment, ChannelReport::Waiting, Some(1));
    desk.must(waiting).await;
    check_clean(&desk).await;
    desk.now = desk.now + Span::from_secs(3);
    desk.must(report_payment(&payment, paid(&payment), Some(2))).await;
    check_clean(&desk).await;
    let story = desk.store.story(OWNER, order.id).await.unwrap().unwrap();
    assert_eq!((story.order.stage, story.order.paid_at), (OrderStage::Paid, Some(desk.now)));
    assert_eq!(story.payments[0].state, PaymentState::Paid);
    let [delivery] = story.tasks.as_slice() else {
        panic!("the follow-up is still there: {:?}", story.tasks)
    };
    for (attempt, result, state) in [
        (1, DeliveryResult::Failed { reason: "HTTP 500".into(), next: Some(desk.now) }, TaskState::Pending),
        (2, DeliveryResult::Acknowledged, TaskState::Done),
    ] {
        desk.must(Command::RecordDelivery { key: delivery.key, attempt, result }).await;
        let rows = desk.read(Need::Task(delivery.key)).await;
        assert_eq!((rows.tasks[0].state, rows.tasks[0].attempts), (state, attempt));
    }
    check_clean(&desk).await;
}

/// A refund that the channel refuses, one that is done later, and the money they move.
pub async fn a_refused_and_a_done_refund(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    desk.add_partner(1).await;
    let order = pay(&mut desk, 1, "A1").await;
    let refused = refund(&mut desk, &order, "R1", 60).await;
    check_clean(&desk).await;
    desk.must(report_refund(&refused, RefundReport::Refused { reason: "no".into() }, Some(0))).await;
    check_clean(&desk).await;
    let done = refund(&mut desk, &order, "R2", 100).await;
    desk.must(report_refund(&done, RefundReport::Pending, Some(0))).await;
    check_clean(&desk).await;
    let succeeded = RefundReport::Succeeded { channel_number: "c".into(), bills: Vec::new() };
    desk.must(report_refund(&done, succeeded, Some(1))).await;
    check_clean(&desk).await;
    let rows = desk.read(Need::RefundNumber(OWNER, "R2".into())).await;
    assert_eq!(rows.orders[0].standing(desk.now, REFUND_WINDOW), OrderStanding::Refunded);
    assert_eq!(
        rows.refunds.iter().map(|refund| refund.state).collect::<Vec<_>>(),
        [RefundState::Refused, RefundState::Succeeded]
    );
    let again = new_refund(&desk, &order, Some("R1".into()), 60);
    assert!(desk.run(Command::RequestRefund(Box::new(again))).await.is_err(), "a number is used once");
}

/// A success after the order had ended: the money goes back through suspense, the order stays ended.
pub async fn a_late_success(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    desk.add_partner(1).await;
    let (order, payment) = desk.place(1, "A1").await;
    desk.now = order.expires_at;
    desk.must(Command::LapseOrder { partner: OWNER, order: order.id, stock: None }).await;
    check_clean(&desk).await;
    desk.must(report_payment(&payment, paid(&payment), Some(0))).await;
    check_clean(&desk).await;
    let rows = desk.load(&[Need::Order(OWNER, order.id)]).await;
    assert_eq!((rows.orders[0].stage, rows.orders[0].paid_at), (OrderStage::Revoked, None));
    let [late] = rows.refunds.as_slice() else { panic!("the money stays: {:?}", rows.refunds) };
    let succeeded = RefundReport::Succeeded { channel_number: "c".into(), bills: Vec::new() };
    desk.must(report_refund(late, succeeded, Some(0))).await;
    check_clean(&desk).await;
}

/// Many commands of many partners in one commit, some on what others of the batch have just made.
pub async fn a_batch_of_many(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    for id in 1..=5 {
        desk.add_partner(id).await;
    }
    let mut commands = Vec::new();
    for n in 0..300 {
        let new = desk.new_order(n % 5 + 1, &n.to_string(), yuan(n + 1), Flow::PayerCode);
        let payment = new.payment.clone();
        commands.push(Command::PlaceOrder(Box::new(new)));
        if n % 2 == 0 {
            commands.push(report_payment(&payment, paid(&payment), None));
        }
        if n % 10 == 0 {
            let order = OrderRef::Number(n.to_string());
            commands.push(Command::Revoke { partner: payment.partner, order, mode: RevokeMode::Now });
        }
    }
    // The second step of an order needs rows that only the batch knows, so it is loaded as absent.
    let decided = desk.batch(commands).await;
    assert!(decided.iter().all(Result::is_ok), "{:?}", decided.iter().find(|decided| decided.is_err()));
    check_clean(&desk).await;
    let verification = desk.store.verify().await.unwrap();
    let checked = |what| verification.checked.iter().find(|(name, _)| *name == what).map(|(_, count)| *count);
    assert_eq!(checked("orders"), Some(300));
    assert_eq!(checked("events"), Some(150));
    assert_eq!(checked("refunds"), Some(30));
}

/// Commands by chance over a few orders, in batches by chance; everything agrees all the time.
pub async fn random_sequences_verify_clean(fixture: Fixture) {
    let seed = std::env::var("TRADEWIND_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_122);
    println!("TRADEWIND_SEED={seed}");
    let mut desk = Desk::open(&fixture.store).await;
    let (accepted, refused, orders) = do_business(&mut desk, seed, 250).await;
    println!("{accepted} accepted, {refused} refused, {orders} orders");
    assert!(accepted > 300 && orders > 50, "the commands lead nowhere");
    check_clean(&desk).await;
}

/// Two partners and batches of commands by chance; how many commands were accepted and refused, and
/// how many orders there are.
pub async fn do_business(desk: &mut Desk, seed: u64, rounds: usize) -> (usize, usize, usize) {
    let mut chance = Chance(seed);
    desk.add_partner(1).await;
    desk.add_partner(2).await;
    let mut orders: Vec<Order> = Vec::new();
    let (mut accepted, mut refused) = (0, 0);
    for round in 0..rounds {
        desk.now = desk.now + Span::from_ms(chance.below(40_000));
        let mut batch = Vec::new();
        for _ in 0..=chance.below(6) {
            let command = random_command(&mut chance, desk, &orders, round).await;
            batch.extend(command);
        }
        for decided in desk.batch(batch).await {
            match decided {
                Ok(Decided::Order(order, _)) => {
                    accepted += 1;
                    if !orders.iter().any(|known| known.id == order.id) {
                        orders.push(*order);
                    }
                }
                Ok(_) => accepted += 1,
                Err(_) => refused += 1,
            }
        }
        if round % 10 == 9 {
            check_clean(desk).await;
        }
    }
    (accepted, refused, orders.len())
}

async fn random_command(
    chance: &mut Chance,
    desk: &mut Desk,
    orders: &[Order],
    round: usize,
) -> Option<Command> {
    if orders.is_empty() || chance.below(5) == 0 {
        let flow = if chance.below(3) == 0 { Flow::PayerScans } else { Flow::PayerCode };
        let (owner, number) = (chance.below(2) + 1, format!("{round}-{}", chance.below(4)));
        let mut new = desk.new_order(owner, &number, yuan(chance.below(200) + 1), flow);
        new.order.notify_url = (chance.below(4) == 0).then(|| "http://127.0.0.1/told".into());
        return Some(Command::PlaceOrder(Box::new(new)));
    }
    // Mostly the latest orders: older ones have ended.
    let recent = chance.below(i64::try_from(orders.len()).unwrap().min(12));
    let order = &orders[orders.len() - 1 - usize::try_from(recent).unwrap()];
    let (partner, id) = (order.partner, order.id);
    let rows = desk.load(&[Need::Order(partner, id)]).await;
    let payment = rows.payments.first()?;
    let attempts = (chance.below(2) == 0).then_some(1);
    let reason = || "by chance".to_owned();
    Some(match chance.below(12) {
        0..4 => {
            let report = match chance.below(8) {
                0 => ChannelReport::Declined { reason: reason() },
                1 => ChannelReport::Waiting,
                2 => ChannelReport::Cancelled,
                3 => ChannelReport::NotFound,
                4 => ChannelReport::NoAnswer { reason: reason() },
                _ => paid(payment),
            };
            report_payment(payment, report, attempts)
        }
        4 => Command::LapseOrder { partner, order: id, stock: None },
        5 | 6 => {
            let number = (chance.below(2) == 0).then(|| format!("R{round}-{}", chance.below(3)));
            let most = rows.orders[0].amount.micros() / 1_000_000;
            let amount = chance.below(most + 2);
            Command::RequestRefund(Box::new(new_refund(desk, order, number, amount)))
        }
        7 | 8 => {
            let refund = rows.refunds.last()?;
            let report = match chance.below(6) {
                0 => RefundReport::Refused { reason: reason() },
                1 => RefundReport::Pending,
                2 => RefundReport::NotFound,
                3 => RefundReport::NoAnswer { reason: reason() },
                _ => RefundReport::Succeeded { channel_number: "c".into(), bills: Vec::new() },
            };
            report_refund(refund, report, attempts)
        }
        9 => {
            let mode = if chance.below(2) == 0 { RevokeMode::Now } else { RevokeMode::Application };
            Command::Revoke { partner, order: OrderRef::Id(id), mode }
        }
        10 => Command::ReviewRevocation { partner, order: id, approve: chance.below(2) == 0 },
        _ => {
            let story = desk.store.story(partner, id).await.unwrap()?;
            let task = story.tasks.last()?;
            match chance.below(4) {
                0 => Command::Task { key: task.key, command: TaskCommand::Cancel, reason: None },
                1 => Command::Task { key: task.key, command: TaskCommand::Retry, reason: Some(reason()) },
                // Only deliveries are recorded as such; follow-ups report what they follow.
                _ if !matches!(task.kind, tradewind_domain::TaskKind::Deliver { .. }) => return None,
                2 => Command::RecordDelivery {
                    key: task.key,
                    attempt: task.attempts + 1,
                    result: DeliveryResult::Acknowledged,
                },
                _ => Command::RecordDelivery {
                    key: task.key,
                    attempt: task.attempts + 1,
                    result: DeliveryResult::Failed {
                        reason: reason(),
                        next: (chance.below(2) == 0).then_some(desk.now),
                    },
                },
            }
        }
    })
}

/// Numbers by chance from a seed (SplitMix64).
pub(super) struct Chance(pub(super) u64);

impl Chance {
    /// A number from 0 up to, not including, `bound`.
    pub(super) fn below(&mut self, bound: i64) -> i64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        i64::try_from(z % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }
}
