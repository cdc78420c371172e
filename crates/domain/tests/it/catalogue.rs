//! The catalogue, stocks and deposits: what can be written down, and who is told of it.

use tradewind_domain::{
    About, Command, Currency, EndpointId, EventKind, Money, PartnerId, Price, Product, ProductId,
    ProductState, RefundUntil, Refusal, Review, Sku, SkuId, Span, Stock, StockPlan, TaskKind, TicketRules,
};

use crate::invariants;
use crate::shop::{
    BUYER, COST, DATED, DEBTOR, PAID_IN, PRODUCT, SELLER, TICKET, TOTAL, in_days, plan, price, sku,
};
use crate::world::{PLAIN, START, World};

fn field(result: Result<impl std::fmt::Debug, Refusal>) -> String {
    match result {
        Err(Refusal::Field { field, .. }) => field,
        other => panic!("{other:?}"),
    }
}

#[test]
fn products_are_checked() {
    let check = |edit: fn(&mut Product), expected: &str| {
        let mut world = World::shop();
        let before = world.stored.clone();
        assert_eq!(field(world.save_product(edit)), expected);
        assert_eq!(world.stored, before);
    };
    check(|product| product.name = " ".into(), "name");
    check(|product| product.name = "x".repeat(Product::NAME_BYTES_MAX + 1), "name");
    check(|product| product.pictures = vec![String::new(); Product::PICTURES_MAX + 1], "pictures");
    check(|product| product.texts = "x".repeat(Product::TEXTS_BYTES_MAX + 1), "texts");
    check(|product| product.seller = BUYER, "seller");
    let mut world = World::shop();
    let nobody = world.save_product(|product| product.seller = PartnerId::from_i64(99)).unwrap_err();
    assert_eq!(nobody, Refusal::NotFound { what: "partner" });
}

#[test]
fn skus_are_checked() {
    let days = i64::from(TicketRules::DAYS_MAX);
    assert_eq!(days, 3_660);
    let check = |edit: fn(&mut Sku, &mut TicketRules), expected: &str| {
        let mut world = World::shop();
        let before = world.stored.clone();
        assert_eq!(field(world.save_sku(TICKET.sku, edit)), expected);
        assert_eq!(world.stored, before);
    };
    check(|sku, _| sku.order_min = 0, "order_min");
    check(|sku, _| sku.order_min = 7, "order_min");
    check(|sku, _| sku.order_max = Sku::ORDER_MAX + 1, "order_max");
    check(|sku, _| sku.price = price(-1, 0, 0), "price");
    check(|sku, _| sku.price.sell = euro(), "price");
    check(|sku, _| sku.price = Price { market: euro(), sell: euro(), cost: euro() }, "price");
    check(|sku, _| (sku.sale_from, sku.sale_until) = (Some(START), Some(START)), "sale_until");
    check(|_, rules| (rules.valid_from, rules.valid_until) = (Some(START), Some(START)), "valid_until");
    check(|_, rules| rules.valid_days = 0, "valid_days");
    check(|_, rules| rules.valid_days = TicketRules::DAYS_MAX + 1, "valid_days");
    check(|_, rules| rules.book_ahead_days = TicketRules::DAYS_MAX + 1, "book_ahead_days");
    check(|_, rules| rules.usable_after = Span::from_ms(-1), "usable_after");
    check(|_, rules| rules.usable_after = Span::from_days(3_661), "usable_after");
    check(|_, rules| rules.refund.until = RefundUntil::BeforeEnd(Span::from_ms(-1)), "refund until");
    check(|_, rules| rules.refund.review = Review::Automatic(Span::from_ms(-1)), "refund review");
    check(|_, rules| rules.dated = true, "dated");
    check(|sku, _| sku.seller = BUYER, "seller");
    let mut world = World::shop();
    let none = world.save_sku(SkuId::from_i64(9), |sku, _| sku.product = ProductId::from_i64(9)).unwrap_err();
    assert_eq!(none, Refusal::NotFound { what: "product" });
    world.save_product(|product| product.id = ProductId::from_i64(9)).unwrap();
    assert_eq!(field(world.save_sku(TICKET.sku, |sku, _| sku.product = ProductId::from_i64(9))), "product");
    for id in 3..=i64::try_from(Product::SKUS_MAX).unwrap() {
        world.save_sku(SkuId::from_i64(id), |_, _| {}).unwrap();
    }
    assert_eq!(field(world.save_sku(SkuId::from_i64(1_000), |_, _| {})), "skus");
    world.save_sku(TICKET.sku, |sku, _| sku.order_max = 5).unwrap();
}

fn euro() -> Money {
    Money::from_cents(100, "EUR".parse().unwrap()).unwrap()
}

#[test]
fn stocks_are_checked_and_laid_down_all_or_none() {
    let check = |sku: SkuId, bad: StockPlan, expected: &str| {
        let mut world = World::shop();
        world.hold(in_days(0), 2);
        world.buy(in_days(0), 1);
        world.buy(TICKET, 2);
        let before = world.stored.clone();
        let good = if sku == DATED { vec![plan(in_days(9).day, 5), bad] } else { vec![bad] };
        assert_eq!(field(world.plan(sku, good)), expected);
        assert_eq!(world.stored, before);
    };
    check(DATED, plan(None, 1), "day");
    check(TICKET.sku, plan(in_days(0).day, 1), "day of 2025-11-22");
    check(DATED, plan(in_days(9).day, 6), "day of 2025-12-01");
    check(DATED, plan(in_days(0).day, 2), "total of 2025-11-22");
    check(TICKET.sku, plan(None, 1), "total");
    check(DATED, plan(in_days(1).day, Stock::TOTAL_MAX + 1), "total of 2025-11-23");
    check(
        DATED,
        StockPlan { price: Some(price(1, -1, 0)), ..plan(in_days(1).day, 1) },
        "price of 2025-11-23",
    );
    let foreign = Price { market: euro(), sell: euro(), cost: euro() };
    check(DATED, StockPlan { price: Some(foreign), ..plan(in_days(1).day, 1) }, "price of 2025-11-23");
    let mut world = World::shop();
    assert_eq!(field(world.plan(DATED, Vec::new())), "plans");
    let days = i32::try_from(StockPlan::MAX).unwrap();
    let many = |count: i32| (0..count).map(|day| plan(in_days(day).day, 1)).collect::<Vec<_>>();
    assert_eq!(field(world.plan(DATED, many(days + 1))), "plans");
    world.plan(DATED, many(days)).unwrap();
    assert_eq!(world.plan(SkuId::from_i64(99), many(1)).unwrap_err(), Refusal::NotFound { what: "sku" });
    let foreign = Command::PlanStock { seller: BUYER, sku: DATED, plans: many(1) };
    assert_eq!(world.run(foreign).unwrap_err(), Refusal::NotFound { what: "sku" });
}

#[test]
fn a_stock_is_changed_down_to_what_is_taken() {
    let mut world = World::shop();
    world.hold(in_days(0), 2);
    world.buy(in_days(0), 1);
    world.plan(DATED, vec![plan(in_days(0).day, 3)]).unwrap();
    assert_eq!(world.counts(in_days(0)), (2, 1, 0));
    world.plan(DATED, vec![plan(in_days(0).day, 7)]).unwrap();
    assert_eq!(world.counts(in_days(0)), (2, 1, 4));
    invariants::check(&world);
}

/// Everybody who listens is told, each with its own numbers, of each sku.
#[test]
fn listeners_hear_of_changes_of_products() {
    use EventKind as K;
    let mut world = World::shop();
    let all = [K::ProductChanged, K::ProductListed, K::ProductDelisted];
    world.listen(EndpointId::from_i64(20), DEBTOR, &all);
    world.listen(EndpointId::from_i64(21), DEBTOR, &all);
    world.listen(EndpointId::from_i64(22), BUYER, &[K::ProductDelisted]);
    let news = |world: &World| -> Vec<(PartnerId, EventKind, About, usize)> {
        numbers_have_no_gaps(world);
        let new =
            world.stored.events.values().filter(|event| event.at == world.now && all.contains(&event.kind));
        let told = new.map(|event| {
            let tasks = world.stored.tasks.values().filter(|task| {
                let TaskKind::Deliver { event: number, endpoint: Some(_) } = task.kind else { return false };
                (task.key.partner, task.key.about, number) == (event.partner, event.about, event.number)
            });
            (event.partner, event.kind, event.about, tasks.count())
        });
        told.collect()
    };
    let (one, two) = (About::Sku(TICKET.sku), About::Sku(DATED));
    let step = |world: &mut World, what: &dyn Fn(&mut World)| {
        world.advance(Span::from_secs(1));
        what(world);
        news(world)
    };
    // PLAIN hears of everything at its own endpoint, the debtor at two.
    let told = step(&mut world, &|world| {
        world.save_product(|product| product.name = "Gallery".into()).unwrap();
    });
    let changed = |about, told: &[(PartnerId, EventKind, About, usize)]| {
        told.iter().filter(|news| news.2 == about).map(|news| (news.0, news.3)).collect::<Vec<_>>()
    };
    for about in [one, two] {
        assert_eq!(changed(about, &told), [(PLAIN, 1), (DEBTOR, 2)]);
    }
    assert!(told.iter().all(|news| news.1 == K::ProductChanged) && told.len() == 4, "{told:?}");
    let told = step(&mut world, &|world| {
        world.save_product(|product| product.name = "Gallery".into()).unwrap();
    });
    assert_eq!(told, [], "what has not changed is no news");
    let told = step(&mut world, &|world| {
        let off =
            |product: &mut Product| (product.name, product.state) = ("Gallery".into(), ProductState::OffSale);
        world.save_product(off).unwrap();
    });
    assert_eq!(changed(one, &told), [(PLAIN, 1), (BUYER, 1), (DEBTOR, 2)]);
    assert!(told.iter().all(|news| news.1 == K::ProductDelisted), "{told:?}");
    let told = step(&mut world, &|world| {
        world.save_sku(SkuId::from_i64(3), |_, _| {}).unwrap();
    });
    assert_eq!(told, [], "nobody could buy it");
    let told = step(&mut world, &|world| {
        world.save_product(|product| product.name = "Gallery".into()).unwrap();
    });
    assert_eq!(told.len(), 2 * 3, "{told:?}");
    assert!(told.iter().all(|news| news.1 == K::ProductListed), "{told:?}");
    let told = step(&mut world, &|world| {
        world.save_sku(DATED, |sku, _| sku.order_max = 5).unwrap();
    });
    assert_eq!(told, [(PLAIN, K::ProductChanged, two, 1), (DEBTOR, K::ProductChanged, two, 2)]);
    let told = step(&mut world, &|world| {
        world.save_sku(DATED, |sku, _| sku.order_max = 5).unwrap();
    });
    assert_eq!(told, []);
    let told = step(&mut world, &|world| {
        world.save_sku(SkuId::from_i64(4), |_, _| {}).unwrap();
    });
    assert_eq!(
        told.iter().map(|news| (news.0, news.1)).collect::<Vec<_>>(),
        [(PLAIN, K::ProductListed), (DEBTOR, K::ProductListed)]
    );
    invariants::check(&world);
}

fn numbers_have_no_gaps(world: &World) {
    for partner in world.stored.partners.keys() {
        let numbers = world.stored.events.values().filter(|event| event.partner == *partner);
        let numbers: Vec<i64> = numbers.map(|event| event.number).collect();
        assert_eq!(numbers, (1..=i64::try_from(numbers.len()).unwrap()).collect::<Vec<_>>());
    }
}

#[test]
fn a_batch_of_catalogue_work_sees_itself() {
    let mut world = World::shop();
    let id = SkuId::from_i64(7);
    let at = world.now;
    let product = crate::shop::product(|product| product.id = ProductId::from_i64(7));
    let new = sku(id, |sku, _| sku.product = ProductId::from_i64(7));
    let stock = tradewind_domain::StockKey { sku: id, day: None };
    let commands = vec![
        (Command::SaveProduct(Box::new(product)), at),
        (Command::SaveSku(Box::new(new)), at),
        (Command::PlanStock { seller: SELLER, sku: id, plans: vec![plan(None, 2)] }, at),
        (world.purchase_of(BUYER, "1", stock, 2, |_| {}), at),
        (world.purchase_of(BUYER, "2", stock, 1, |_| {}), at),
    ];
    let results: Vec<bool> = world.batch(commands).iter().map(Result::is_ok).collect();
    assert_eq!(results, [true, true, true, true, false]);
    assert_eq!(world.counts(stock), (0, 2, 0));
    assert_eq!(world.stored.products.keys().copied().collect::<Vec<_>>(), [PRODUCT, ProductId::from_i64(7)]);
    invariants::check(&world);
}

#[test]
fn deposits_are_written_down_once() {
    let mut world = World::shop();
    let first = world.deposit(BUYER, "slip 1", 500).unwrap();
    assert_eq!(world.deposit(BUYER, "slip 1", 500).unwrap(), first);
    assert_eq!(world.deposit(BUYER, "slip 1", 501).unwrap_err(), Refusal::NumberTaken { same: false });
    world.deposit(DEBTOR, "slip 1", 501).unwrap();
    assert_eq!(world.balance(BUYER), PAID_IN + 500);
    for amount in [0, i64::MAX / 10_000, -(i64::MAX / 10_000)] {
        assert!(matches!(world.deposit(BUYER, "slip 2", amount), Err(Refusal::Amount { .. })), "{amount}");
    }
    assert!(matches!(world.deposit(BUYER, "", 1), Err(Refusal::Field { .. })));
    let nobody = world.deposit(PartnerId::from_i64(99), "slip 1", 1).unwrap_err();
    assert_eq!(nobody, Refusal::NotFound { what: "partner" });
    invariants::check(&world);
}

/// Money that is held for nothing yet does not count, and neither does what may be owed.
#[test]
fn only_what_is_there_is_paid_out() {
    let mut world = World::shop();
    let order = world.buy(TICKET, 4);
    let refund = world.apply(order, "r", 4).unwrap();
    let left = PAID_IN - 4 * COST;
    let Command::Deposit(mut more) = world.deposit_command(BUYER, "out", 0) else { panic!() };
    more.amount = Money::from_micros(-(left * 10_000 + 1), Currency::CNY);
    assert_eq!(world.run(Command::Deposit(more)).unwrap_err(), Refusal::BalanceTooLow);
    world.deposit(BUYER, "out", -left).unwrap();
    assert_eq!(world.balance(BUYER), 0);
    world.decide_on(refund.id, true).unwrap();
    assert_eq!(world.balance(BUYER), 4 * COST);
    assert_eq!(world.deposit(DEBTOR, "out", -(PAID_IN + 1)).unwrap_err(), Refusal::BalanceTooLow);
    // In one batch each sees what the others have taken.
    let at = world.now;
    let commands = (0..3).map(|n| (world.deposit_command(BUYER, &format!("b{n}"), -2 * COST), at)).collect();
    let results: Vec<bool> = world.batch(commands).iter().map(Result::is_ok).collect();
    assert_eq!(results, [true, true, false]);
    assert_eq!(world.balance(BUYER), 0);
    assert_eq!(world.counts(TICKET), (0, 0, TOTAL));
    invariants::check(&world);
}
