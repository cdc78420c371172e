//! Whole lives of purchases: the domain decides, the store commits, and everything agrees afterwards.

use tradewind_domain::{
    CodeRule, Command, Decided, Deposit, DepositId, EventKind, Need, Order, OrderStage, PartnerId,
    PartnerPatch, PaymentState, Purchase, RefundState, Review, Sku, Span, StockKey, StockPlan, TaskKind,
    TicketRules,
};

use super::Fixture;
use super::desk::Desk;
use super::life::{Chance, check_clean};
use super::samples::yuan;
use super::shop::{self, SELLER, applied, purchased};

const BUYER: PartnerId = PartnerId::from_i64(1);

/// Bought and paid in one, redeemed in parts, given back in parts, until nothing is left.
pub async fn a_ticket_is_bought_and_used(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let (sku, key) = shop::sell(&mut desk, 7, 10, shop::rules()).await;
    shop::add_buyer(&mut desk, 1, 100).await;
    check_clean(&desk).await;
    let wish = shop::purchase(&desk, 1, "A1", (&sku, key), 6, true);
    let bought = purchased(desk.run(wish.clone()).await);
    assert_eq!(bought.payment.state, PaymentState::Paid);
    check_clean(&desk).await;
    let again = purchased(desk.run(wish).await);
    assert_eq!((again.order, again.vouchers), (bought.order.clone(), bought.vouchers.clone()));
    check_counts(&desk, key, (0, 6), 40).await;
    let [voucher] = bought.vouchers.as_slice() else { panic!("one code for the order") };

    desk.now = desk.now + Span::from_mins(1);
    desk.must(shop::redemption(voucher, SELLER, 2)).await;
    check_clean(&desk).await;
    let pending = applied(desk.run(shop::application(&desk, &bought.order, "R1", 3)).await);
    check_clean(&desk).await;
    assert!(desk.run(shop::redemption(voucher, SELLER, 2)).await.is_err(), "three are locked");
    desk.must(shop::redemption(voucher, SELLER, 1)).await;
    let waiting = desk.store.list_refunds_under_review(None, 9).await.unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!(waiting[0].0, pending);
    assert_eq!(waiting[0].1.line.as_ref().unwrap().locked, 3);
    desk.must(shop::review(&bought.order, &pending, false)).await;
    check_clean(&desk).await;
    let pending = applied(desk.run(shop::application(&desk, &bought.order, "R2", 2)).await);
    desk.must(shop::review(&bought.order, &pending, true)).await;
    check_clean(&desk).await;
    check_counts(&desk, key, (0, 4), 60).await;
    let pending = applied(desk.run(shop::application(&desk, &bought.order, "R3", 1)).await);
    desk.must(shop::review(&bought.order, &pending, true)).await;
    check_clean(&desk).await;
    check_counts(&desk, key, (0, 3), 70).await;

    let story = desk.store.story(BUYER, bought.order.id).await.unwrap().unwrap();
    assert_eq!(
        story.refunds.iter().map(|refund| (refund.state, refund.units_so_far)).collect::<Vec<_>>(),
        [(RefundState::Refused, 0), (RefundState::Succeeded, 2), (RefundState::Succeeded, 3)]
    );
    assert_eq!(
        story.redemptions.iter().map(|made| (made.count, made.used_so_far, made.left)).collect::<Vec<_>>(),
        [(2, 2, 4), (1, 3, 3)]
    );
    assert_eq!(story.vouchers.len(), 1);
    let line = story.order.line.unwrap();
    assert_eq!((line.used, line.refunded, line.locked, line.left()), (3, 3, 0, 0));
    let kinds: Vec<EventKind> = story.events.iter().map(|event| event.kind).collect();
    use EventKind::{OrderPaid, RefundFailed, RefundSucceeded, VoucherRedeemed};
    assert_eq!(
        kinds,
        [OrderPaid, VoucherRedeemed, VoucherRedeemed, RefundFailed, RefundSucceeded, RefundSucceeded]
    );
}

/// Held first: paid with too little, topped up and paid again; others lapse and are cancelled.
pub async fn a_hold_is_paid_lapses_or_is_cancelled(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let rules = TicketRules { dated: true, codes: CodeRule::PerTicket, ..shop::rules() };
    let (sku, key) = shop::sell(&mut desk, 7, 10, rules).await;
    shop::add_buyer(&mut desk, 1, 15).await;
    let held = purchased(desk.run(shop::purchase(&desk, 1, "A1", (&sku, key), 3, false)).await);
    check_clean(&desk).await;
    check_counts(&desk, key, (3, 0), 15).await;
    let declined = purchased(desk.run(shop::payment_of(&desk, &held.order)).await);
    assert_eq!((declined.payment.state, declined.order.stage), (PaymentState::Declined, OrderStage::Open));
    check_clean(&desk).await;
    let more = Deposit { id: DepositId::make(&desk.ids, desk.now), ..shop::deposit(1, 0, "more", 15) };
    desk.must(Command::Deposit(Box::new(more))).await;
    let paid = purchased(desk.run(shop::payment_of(&desk, &held.order)).await);
    assert_eq!((paid.payment.state, paid.vouchers.len()), (PaymentState::Paid, 3));
    check_clean(&desk).await;
    check_counts(&desk, key, (0, 3), 0).await;
    let rows = desk.read(Need::VouchersOfNumber(BUYER, "A1".into())).await;
    assert_eq!((rows.payments.len(), rows.vouchers.len()), (2, 3));
    assert_eq!(rows.orders[0].line.as_ref().unwrap().travellers, [shop::traveller("13900000000")]);

    // Paid at once with too little: the order waits as if it had only been placed.
    let short = purchased(desk.run(shop::purchase(&desk, 1, "A2", (&sku, key), 2, true)).await);
    assert_eq!((short.order.stage, short.payment.state), (OrderStage::Open, PaymentState::Declined));
    let cancelled = purchased(desk.run(shop::purchase(&desk, 1, "A3", (&sku, key), 4, false)).await);
    check_clean(&desk).await;
    check_counts(&desk, key, (6, 3), 0).await;
    purchased(desk.run(shop::application(&desk, &cancelled.order, "R", 4)).await);
    check_clean(&desk).await;
    check_counts(&desk, key, (2, 3), 0).await;
    desk.now = short.order.expires_at;
    let task = desk.store.story(BUYER, short.order.id).await.unwrap().unwrap().tasks.pop().unwrap();
    assert_eq!((task.kind, task.due_at), (TaskKind::LapseOrder, desk.now));
    desk.must(Command::LapseOrder { partner: BUYER, order: short.order.id, stock: Some(key) }).await;
    check_clean(&desk).await;
    check_counts(&desk, key, (0, 3), 0).await;
}

/// Many orders of many buyers in one commit, until the stock and then the balances are used up.
pub async fn a_batch_of_purchases(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let (sku, key) = shop::sell(&mut desk, 7, 150, shop::rules()).await;
    for id in 1..=4 {
        shop::add_buyer(&mut desk, id, 500).await;
    }
    let wishes =
        (0..200).map(|n: i64| shop::purchase(&desk, n % 4 + 1, &n.to_string(), (&sku, key), 1, true));
    let decided = desk.batch(wishes.collect()).await;
    assert_eq!(decided.iter().filter(|decided| decided.is_ok()).count(), 150);
    check_clean(&desk).await;
    let paid = decided.into_iter().filter_map(Result::ok).filter(|decided| match decided {
        Decided::Purchase(purchase) => purchase.payment.state == PaymentState::Paid,
        _ => false,
    });
    assert_eq!(paid.count(), 150);
    let stock = desk.read(Need::Stock(key)).await.stocks.remove(0);
    assert_eq!((stock.held, stock.sold), (0, 150));
    assert_eq!(shop::available(&desk, 1).await + shop::available(&desk, 2).await, 1_000 - 76 * 10);
    let checked = desk.store.verify().await.unwrap().checked;
    for (what, count) in
        [("orders", 150), ("vouchers", 150), ("stocks", 1), ("skus", 1), ("products", 1), ("deposits", 4)]
    {
        assert!(checked.contains(&(what, count)), "{what}: {checked:?}");
    }
}

/// Commands by chance over a few purchases, in batches by chance; everything agrees all the time.
pub async fn random_purchases_verify_clean(fixture: Fixture) {
    let seed = std::env::var("TRADEWIND_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_124);
    println!("TRADEWIND_SEED={seed}");
    let mut desk = Desk::open(&fixture.store).await;
    let (accepted, refused, orders) = do_ticketing(&mut desk, seed, 250).await;
    println!("{accepted} accepted, {refused} refused, {orders} orders");
    assert!(accepted > 300 && orders > 50, "the commands lead nowhere: {accepted}, {refused}, {orders}");
    check_clean(&desk).await;
    let checked = desk.store.verify().await.unwrap().checked;
    for what in ["redemptions", "refunds", "vouchers", "deposits"] {
        let count = checked.iter().find(|(name, _)| *name == what).map_or(0, |(_, count)| *count);
        assert!(count >= 10, "{count} {what}");
    }
}

/// Three skus, two buyers and batches of commands by chance; how many commands were accepted and
/// refused, and how many orders there are.
pub async fn do_ticketing(desk: &mut Desk, seed: u64, rounds: usize) -> (usize, usize, usize) {
    let mut chance = Chance(seed);
    let automatic = tradewind_domain::RefundTerms {
        review: Review::Automatic(Span::from_mins(5)),
        ..shop::rules().refund
    };
    let mut offers = Vec::new();
    for (id, codes, refund) in [
        (7, CodeRule::PerOrder, shop::rules().refund),
        (8, CodeRule::PerTicket, automatic),
        (9, CodeRule::PerTicket, shop::rules().refund),
    ] {
        offers.push(
            shop::sell(desk, id, 40, TicketRules { codes, refund, dated: id == 9, ..shop::rules() }).await,
        );
    }
    for id in [3, 4] {
        shop::add_buyer(desk, id, 300).await;
    }
    let mut orders: Vec<Order> = Vec::new();
    let (mut accepted, mut refused) = (0, 0);
    for round in 0..rounds {
        desk.now = desk.now + Span::from_ms(chance.below(300_000));
        let mut batch = Vec::new();
        for _ in 0..=chance.below(5) {
            batch.extend(random_command(&mut chance, desk, &offers, &orders, round).await);
        }
        for decided in desk.batch(batch).await {
            match decided {
                Ok(Decided::Purchase(purchase) | Decided::Applied(purchase, _)) => {
                    accepted += 1;
                    let Purchase { order, .. } = *purchase;
                    match orders.iter_mut().find(|known| known.id == order.id) {
                        Some(known) => *known = order,
                        None => orders.push(order),
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
    offers: &[(Sku, StockKey)],
    orders: &[Order],
    round: usize,
) -> Option<Command> {
    let owner = chance.below(2) + 3;
    let (sku, key) = &offers[usize::try_from(chance.below(3)).unwrap()];
    if orders.is_empty() || chance.below(3) == 0 {
        let number = format!("{round}-{}", chance.below(4));
        let quantity = u32::try_from(chance.below(5) + 1).unwrap();
        return Some(shop::purchase(desk, owner, &number, (sku, *key), quantity, chance.below(3) > 0));
    }
    let recent = chance.below(i64::try_from(orders.len()).unwrap().min(12));
    let order = &orders[orders.len() - 1 - usize::try_from(recent).unwrap()];
    let (partner, id) = (order.partner, order.id);
    let stock = order.line.as_ref().unwrap().stock();
    let rows = desk.load(&[Need::VouchersOf(partner, id)]).await;
    let some_units = |chance: &mut Chance| u32::try_from(chance.below(3) + 1).unwrap();
    Some(match chance.below(14) {
        0 | 1 => shop::payment_of(desk, order),
        2 => Command::LapseOrder { partner, order: id, stock: Some(stock) },
        3 | 4 => {
            let number = format!("R{round}-{}", chance.below(3));
            let units = some_units(chance);
            shop::application(desk, order, &number, units)
        }
        5 | 6 => shop::review(order, rows.refunds.last()?, chance.below(3) > 0),
        7..10 => {
            let place = chance.below(i64::try_from(rows.vouchers.len()).unwrap());
            let voucher = rows.vouchers.get(usize::try_from(place).unwrap())?;
            let by = if chance.below(2) == 0 { SELLER } else { partner };
            shop::redemption(voucher, by, some_units(chance))
        }
        10 => {
            let number = order.number.clone();
            Command::ResendCodes { partner, order: id, number }
        }
        11 => {
            let amount = chance.below(120) - 20;
            let number = format!("D{round}-{}", chance.below(2));
            let deposit = Deposit {
                id: DepositId::make(&desk.ids, desk.now),
                ..shop::deposit(owner, 0, &number, amount)
            };
            Command::Deposit(Box::new(deposit))
        }
        12 => {
            let patch =
                PartnerPatch { credit_limit: Some(yuan(chance.below(4) * 40)), ..PartnerPatch::default() };
            Command::PatchPartner { partner: PartnerId::from_i64(owner), patch }
        }
        _ => {
            let total = u32::try_from(chance.below(120)).unwrap();
            let plan = StockPlan { day: key.day, total, closed: chance.below(8) == 0, price: None };
            Command::PlanStock { seller: SELLER, sku: sku.id, plans: vec![plan] }
        }
    })
}

async fn check_counts(desk: &Desk, key: StockKey, (held, sold): (u32, u32), available: i64) {
    let stock = desk.read(Need::Stock(key)).await.stocks.remove(0);
    assert_eq!((stock.held, stock.sold), (held, sold));
    assert_eq!(shop::available(desk, 1).await, available);
}

/// A limit that was lowered later is no finding, however far the balance is below it.
pub async fn a_limit_is_lowered_later(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let (sku, key) = shop::sell(&mut desk, 7, 100, shop::rules()).await;
    shop::add_buyer(&mut desk, 1, 0).await;
    let limit = |amount: i64| {
        let patch = PartnerPatch { credit_limit: Some(yuan(amount)), ..PartnerPatch::default() };
        Command::PatchPartner { partner: BUYER, patch }
    };
    desk.must(limit(50)).await;
    assert_eq!(desk.read(Need::Partner(BUYER)).await.partners[0].credit_limit, yuan(50));
    let paid = purchased(desk.run(shop::purchase(&desk, 1, "A1", (&sku, key), 5, true)).await);
    assert_eq!(paid.payment.state, PaymentState::Paid);
    check_clean(&desk).await;
    for amount in [30, 20, 40, 0] {
        desk.must(limit(amount)).await;
        check_clean(&desk).await;
    }
    assert_eq!(shop::available(&desk, 1).await, -50);
}
