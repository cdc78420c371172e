//! Buying and paying: what is agreed, what is declined, and what a repeated call finds.

use tradewind_domain::{
    About, CodeRule, Command, Decided, Flow, Method, Order, OrderId, OrderStage, PartnerId, PartnerPatch,
    PayPurchase, PaymentState, ProductState, PurchaseProblem, Refusal, RevokeMode, Sku, Span, StockPlan,
    TaskKind, TicketRules, Timestamp, VoucherCode,
};

use crate::invariants;
use crate::purchase_problems::{CARD, problem};
use crate::shop::{
    BUYER, COST, CREDIT, DATED, DEBTOR, PAID_IN, TICKET, TOTAL, bought, euros, in_days, plan, price, today,
    traveller,
};
use crate::world::{RULES, START, World, cents};

#[test]
fn whoever_may_not_do_business_or_pay_from_a_balance_buys_nothing() {
    let mut world = World::shop();
    let patch = PartnerPatch { methods: Some(vec![Method::ALIPAY]), ..PartnerPatch::default() };
    world.run(Command::PatchPartner { partner: BUYER, patch }).unwrap();
    assert_eq!(world.try_buy(TICKET, 1, |_| {}).unwrap_err(), Refusal::MethodNotEnabled);
    world.suspend(BUYER);
    assert_eq!(world.try_buy(TICKET, 1, |_| {}).unwrap_err(), Refusal::PartnerSuspended);
    let stranger = world.try_buy(TICKET, 1, |new| new.partner = PartnerId::from_i64(99));
    assert_eq!(stranger.unwrap_err(), Refusal::UnknownPartner);
    assert_eq!(world.counts(TICKET), (0, 0, TOTAL));
}

#[test]
fn too_many_named_and_too_large_an_amount_are_refused() {
    let mut world = World::shop();
    let crowd = vec![traveller("Sample", "138", ""); usize::try_from(Sku::ORDER_MAX).unwrap() + 1];
    let refused = world.try_buy(TICKET, 1, |new| new.travellers = crowd).unwrap_err();
    assert!(matches!(refused, Refusal::Field { .. }), "{refused}");
    let most = Order::AMOUNT_MICROS_MAX / 10_000;
    world.save_sku(TICKET.sku, |sku, _| sku.price = price(most, most, most)).unwrap();
    for quantity in [2, 6] {
        let refused = world.try_buy(TICKET, quantity, |new| new.sell = cents(most)).unwrap_err();
        assert!(matches!(refused, Refusal::Amount { .. }), "{refused}");
    }
}

/// Codes must be new and enough; who is unlucky tries again with others.
#[test]
fn codes_are_nobody_elses() {
    let mut world = World::shop();
    let order = world.buy(TICKET, 1);
    let taken = world.vouchers_of(order)[0].code;
    let fresh = |world: &World| world.code();
    let with = |world: &mut World, stock, codes: Vec<VoucherCode>| {
        world.try_buy(stock, 2, |new| new.pay.as_mut().unwrap().codes = codes)
    };
    let (one, two) = (fresh(&world), fresh(&world));
    assert_eq!(with(&mut world, TICKET, vec![taken]).unwrap_err(), Refusal::Exists { what: "voucher code" });
    for codes in [vec![one, taken], vec![one, one]] {
        assert_eq!(
            with(&mut world, in_days(0), codes).unwrap_err(),
            Refusal::Exists { what: "voucher code" }
        );
    }
    assert_eq!(with(&mut world, in_days(0), vec![one]).unwrap_err(), Refusal::Internal);
    assert_eq!(with(&mut world, in_days(0), vec![one, two]).unwrap().vouchers.len(), 2);
    let held = world.hold(TICKET, 1);
    let refused = world.pay(held, |pay| pay.pay.codes = vec![taken]).unwrap_err();
    assert_eq!(refused, Refusal::Exists { what: "voucher code" });
    world.pay(held, |_| {}).unwrap();
    invariants::check(&world);
}

#[test]
fn what_is_bought_and_paid_at_once() {
    let mut world = World::shop();
    let purchase = world.try_buy(in_days(1), 3, |new| new.details = Some("mine".into())).unwrap();
    world.assert_as_stored(&purchase);
    let (order, payment) = (&purchase.order, &purchase.payment);
    assert_eq!((order.stage, order.amount), (OrderStage::Paid, cents(3 * COST)));
    assert_eq!(
        (order.paid_at, order.details.as_deref(), order.subject.as_str()),
        (Some(START), Some("mine"), "Museum")
    );
    assert_eq!(
        (payment.state, payment.flow, &payment.method),
        (PaymentState::Paid, Flow::FromBalance, &Method::BALANCE)
    );
    assert_eq!(payment.channel_number.as_deref(), Some("bank serial"));
    let line = world.line(order.id);
    assert_eq!((line.sell, line.cost, line.quantity, line.usable()), (cents(3_000), cents(COST), 3, 3));
    assert_eq!(world.counts(in_days(1)), (0, 3, TOTAL - 3));
    assert_eq!(world.counts(in_days(2)), (0, 0, TOTAL), "another day is another stock");
    assert_eq!(world.balance(BUYER), PAID_IN - 3 * COST);
    assert_eq!(world.events(order.id), ["order.paid"]);
    // A code for each.
    assert_eq!(purchase.vouchers.iter().map(|voucher| voucher.ordered).collect::<Vec<_>>(), [1, 1, 1]);
    let numbers: Vec<_> = purchase.vouchers.iter().map(|voucher| voucher.number.clone()).collect();
    assert_eq!(numbers, [1, 2, 3].map(|place| format!("{}-{place}", order.id)));
    let tasks: Vec<_> =
        world.stored.tasks.values().filter(|task| task.key.about == About::Order(order.id)).collect();
    assert_eq!(
        tasks.iter().map(|task| (task.kind, task.due_at)).collect::<Vec<_>>(),
        [(TaskKind::SendCodes, START)]
    );
    // One code for all.
    let order = world.buy(TICKET, 3);
    assert_eq!(world.vouchers_of(order).iter().map(|voucher| voucher.ordered).collect::<Vec<_>>(), [3]);
    let silent = world.try_buy(TICKET, 1, |new| new.send_codes = false).unwrap().order.id;
    assert!(world.stored.tasks.values().all(|task| task.key.about != About::Order(silent)));
    invariants::check(&world);
}

#[test]
fn what_is_held_is_paid_later() {
    let mut world = World::shop();
    let held = world.hold(TICKET, 4);
    assert_eq!(world.counts(TICKET), (4, 0, TOTAL - 4));
    assert_eq!(world.payment(held).state, PaymentState::Waiting);
    assert_eq!(world.order(held).expires_at, START + Span::from_mins(30));
    assert!(world.events(held).is_empty());
    invariants::check(&world);
    world.advance(Span::from_ms(30 * 60_000 - 1));
    let other = traveller("Another", "139", "");
    let purchase =
        world.pay(held, |pay| (pay.traveller, pay.send_codes) = (Some(other.clone()), false)).unwrap();
    world.assert_as_stored(&purchase);
    assert_eq!(world.counts(TICKET), (0, 4, TOTAL - 4));
    assert_eq!(purchase.order.paid_at, Some(world.now));
    assert_eq!((&world.line(held).travellers, world.line(held).send_codes), (&vec![other], false));
    assert!(
        !world.stored.tasks.values().any(|task| task.kind == TaskKind::SendCodes),
        "the partner sends them"
    );
    assert!(
        !world.stored.tasks.values().any(|task| task.kind == TaskKind::LapseOrder),
        "nothing is left to lapse"
    );
    let again = world.pay(held, |_| {}).unwrap();
    assert_eq!(again.vouchers, purchase.vouchers, "paid twice is paid once");
    assert_eq!(world.balance(BUYER), PAID_IN - 4 * COST);
    assert!(world.lapse_purchase(held).is_err());
    invariants::check(&world);
}

#[test]
fn who_is_named_when_paying_has_to_show_what_the_rules_ask_for() {
    let mut world = World::shop();
    world.save_sku(TICKET.sku, |_, rules| rules.needs_document = true).unwrap();
    let held = world.try_buy(TICKET, 1, |new| {
        new.pay = None;
        new.travellers = vec![traveller("Sample", "138", CARD)];
    });
    let held = held.unwrap().order.id;
    let with = |world: &mut World, mobile: &str, document: &str| {
        let named = Some(traveller("Another", mobile, document));
        world.pay(held, |pay| pay.traveller = named).map(|_| ())
    };
    assert_eq!(problem(with(&mut world, "", CARD)), PurchaseProblem::MobileMissing);
    assert_eq!(problem(with(&mut world, "138", "")), PurchaseProblem::DocumentMissing);
    assert_eq!(problem(with(&mut world, "138", "1")), PurchaseProblem::DocumentWrong);
    with(&mut world, "138", "110105491231002").unwrap();
    invariants::check(&world);
}

#[test]
fn what_could_no_longer_be_redeemed_is_not_paid_for() {
    let mut world = World::shop();
    world
        .save_sku(TICKET.sku, |_, rules| {
            rules.usable_after = Span::from_mins(1);
            rules.valid_until = Some(START + Span::from_mins(20));
        })
        .unwrap();
    let (one, two) = (world.hold(TICKET, 1), world.hold(TICKET, 1));
    world.advance(Span::from_ms(19 * 60_000 - 1));
    world.pay(one, |_| {}).unwrap();
    world.advance(Span::from_ms(1));
    assert_eq!(problem(world.pay(two, |_| {})), PurchaseProblem::TooLate);
    invariants::check(&world);
}

#[test]
fn what_is_not_paid_in_time_is_let_go() {
    let mut world = World::shop();
    let held = world.hold(TICKET, 4);
    world.advance(Span::from_ms(30 * 60_000 - 1));
    assert_eq!(world.lapse_purchase(held).unwrap_err().name(), "wrong_state");
    world.advance(Span::from_ms(1));
    // The task has not run yet, and the time is over all the same.
    assert_eq!(world.pay(held, |_| {}).unwrap_err().name(), "wrong_state");
    assert_eq!(world.counts(TICKET), (4, 0, TOTAL - 4));
    let purchase = world.lapse_purchase(held).unwrap();
    world.assert_as_stored(&purchase);
    assert_eq!((purchase.order.stage, purchase.payment.state), (OrderStage::Closed, PaymentState::Cancelled));
    assert_eq!(world.counts(TICKET), (0, 0, TOTAL));
    assert_eq!(world.events(held), ["order.closed"]);
    assert_eq!(world.lapse_purchase(held).unwrap_err().name(), "wrong_state");
    assert_eq!(world.pay(held, |_| {}).unwrap_err().name(), "wrong_state");
    invariants::check(&world);
}

/// The stock comes from the line, by way of whoever read the order.
#[test]
fn an_order_lapses_with_its_own_stock() {
    let mut world = World::shop();
    let held = world.hold(TICKET, 1);
    world.advance(Span::from_mins(30));
    for stock in [None, Some(in_days(0))] {
        let lapse = Command::LapseOrder { partner: BUYER, order: held, stock };
        assert_eq!(world.run(lapse).unwrap_err(), Refusal::Internal);
    }
}

#[test]
fn the_same_number_leads_to_the_same_purchase() {
    let mut world = World::shop();
    let first = world.buy(TICKET, 2);
    let number = world.order(first).number.clone();
    let again = |world: &mut World, edit: fn(&mut tradewind_domain::NewPurchase)| {
        let command = world.purchase_of(BUYER, &number, TICKET, 2, edit);
        world.run(command).map(bought)
    };
    world.save_product(|product| product.state = ProductState::OffSale).unwrap();
    world.advance(Span::from_days(1));
    let found = again(&mut world, |_| {}).unwrap();
    assert_eq!(found.order.id, first);
    world.assert_as_stored(&found);
    assert_eq!(
        again(&mut world, |new| new.fingerprint += 1).unwrap_err(),
        Refusal::NumberTaken { same: false }
    );
    assert_eq!(world.stored.orders.len(), 1);
    assert_eq!(world.balance(BUYER), PAID_IN - 2 * COST);
    // Numbers are each partner's own.
    world.save_product(|_| {}).unwrap();
    let command = world.purchase_of(DEBTOR, &number, TICKET, 2, |_| {});
    world.run(command).unwrap();
    invariants::check(&world);
}

/// A number that stands for an order without goods is taken all the same, whatever its fingerprint.
#[test]
fn a_purchase_and_an_order_share_their_numbers() {
    let mut world = World::shop();
    let patch =
        PartnerPatch { methods: Some(vec![Method::BALANCE, Method::ALIPAY]), ..PartnerPatch::default() };
    world.run(Command::PatchPartner { partner: BUYER, patch }).unwrap();
    let plain = world.place(BUYER, "1", cents(100), Flow::PayerCode);
    let fingerprint = world.order(plain).fingerprint;
    let command = world.purchase_of(BUYER, "1", TICKET, 1, |new| new.fingerprint = fingerprint);
    assert_eq!(world.run(command).unwrap_err(), Refusal::NumberTaken { same: false });
    assert_eq!(world.resend(plain).unwrap_err(), Refusal::OrderNotFound);
    let bought = world.buy(TICKET, 1);
    let revoke = world.revoke(bought, RevokeMode::Now).unwrap_err();
    assert_eq!(revoke.name(), "wrong_state");
    assert_eq!(world.refund(bought, cents(1)).unwrap_err().name(), "wrong_state");
}

#[test]
fn paying_names_the_order_by_all_it_agreed() {
    let mut world = World::shop();
    let held = world.hold(in_days(1), 2);
    type Edit = fn(&mut PayPurchase);
    let edits: [(Edit, Refusal); 6] = [
        (|pay| pay.number = "another".into(), Refusal::OrderNotFound),
        (|pay| pay.order = OrderId::from_i64(1), Refusal::OrderNotFound),
        (|pay| pay.stock = in_days(2), Refusal::NumberTaken { same: false }),
        (|pay| pay.stock = TICKET, Refusal::NumberTaken { same: false }),
        (|pay| pay.quantity = 1, Refusal::NumberTaken { same: false }),
        (|pay| pay.sell = cents(2_999), Refusal::NumberTaken { same: false }),
    ];
    for paid in [false, true] {
        if paid {
            world.pay(held, |_| {}).unwrap();
        }
        for (edit, expected) in &edits {
            assert_eq!(world.pay(held, edit).unwrap_err(), *expected);
        }
        let foreign = world.pay(held, |pay| pay.partner = DEBTOR).unwrap_err();
        assert_eq!(foreign, Refusal::OrderNotFound, "orders are each partner's own");
    }
    let held = world.hold(TICKET, 1);
    world.suspend(BUYER);
    assert_eq!(world.pay(held, |_| {}).unwrap_err(), Refusal::PartnerSuspended);
}

#[test]
fn too_low_a_balance_declines_and_can_be_mended() {
    let mut world = World::shop();
    world.deposit(BUYER, "out", -(PAID_IN - 2 * COST)).unwrap();
    // One cent less than three cost.
    world.deposit(BUYER, "in", COST - 1).unwrap();
    let purchase = world.try_buy(TICKET, 3, |_| {}).unwrap();
    world.assert_as_stored(&purchase);
    let order = purchase.order.id;
    assert_eq!((purchase.order.stage, purchase.payment.state), (OrderStage::Open, PaymentState::Declined));
    assert_eq!(purchase.payment.reason.as_deref(), Some("the balance is too low"));
    assert_eq!(world.counts(TICKET), (3, 0, TOTAL - 3), "it is held until it lapses");
    invariants::check(&world);
    // Tried again without more money, nothing changes, however often.
    let before = world.stored.clone();
    for _ in 0..3 {
        let again = world.pay(order, |_| {}).unwrap();
        assert_eq!(again.payment.state, PaymentState::Declined);
        assert_eq!(world.stored, before);
    }
    // Held first and declined when it is paid.
    let held = world.hold(in_days(0), 3);
    let declined = world.pay(held, |pay| pay.traveller = Some(traveller("Another", "139", ""))).unwrap();
    world.assert_as_stored(&declined);
    assert_eq!(declined.payment.state, PaymentState::Declined);
    assert_eq!(world.line(held).travellers[0].name, "Sample", "nothing else has changed");
    invariants::check(&world);
    world.deposit(BUYER, "cent", 1).unwrap();
    let paid = world.pay(order, |_| {}).unwrap();
    world.assert_as_stored(&paid);
    assert_eq!(
        (paid.order.stage, paid.payment.state, world.balance(BUYER)),
        (OrderStage::Paid, PaymentState::Paid, 0)
    );
    assert_ne!(paid.payment.id, purchase.payment.id, "another attempt");
    invariants::check(&world);
    world.advance(Span::from_mins(30));
    let lapsed = world.lapse_purchase(held).unwrap();
    assert_eq!(lapsed.payment.state, PaymentState::Declined);
    assert_eq!(world.counts(in_days(0)), (0, 0, TOTAL));
    invariants::check(&world);
}

#[test]
fn a_limit_may_be_owed_and_not_a_cent_more() {
    let mut world = World::shop();
    world.deposit(DEBTOR, "out", -PAID_IN).unwrap();
    let buy = |world: &mut World, number: &str, quantity: u32| {
        let command = world.purchase_of(DEBTOR, number, TICKET, quantity, |_| {});
        world.run(command).map(bought).unwrap().payment.state
    };
    assert_eq!(CREDIT, 4 * COST);
    assert_eq!(buy(&mut world, "1", 5), PaymentState::Declined);
    assert_eq!(buy(&mut world, "2", 3), PaymentState::Paid);
    assert_eq!(buy(&mut world, "3", 2), PaymentState::Declined);
    assert_eq!(world.balance(DEBTOR), -3 * COST);
    assert_eq!(world.deposit(DEBTOR, "more", -1).unwrap_err(), Refusal::BalanceTooLow);
    invariants::check(&world);
}

/// A limit in another currency is no limit.
#[test]
fn a_limit_holds_in_its_currency() {
    let mut world = World::shop();
    world.deposit(DEBTOR, "out", -PAID_IN).unwrap();
    let patch = PartnerPatch { credit_limit: Some(euros()), ..PartnerPatch::default() };
    world.run(Command::PatchPartner { partner: DEBTOR, patch }).unwrap();
    let command = world.purchase_of(DEBTOR, "1", TICKET, 1, |_| {});
    assert_eq!(bought(world.run(command).unwrap()).payment.state, PaymentState::Declined);
    for limit in [cents(-1), cents(i64::MAX / 10_000)] {
        let patch = PartnerPatch { credit_limit: Some(limit), ..PartnerPatch::default() };
        let refused = world.run(Command::PatchPartner { partner: DEBTOR, patch }).unwrap_err();
        assert!(matches!(refused, Refusal::Field { .. }), "{refused}");
    }
}

/// Many at the same moment, in one batch: neither stock nor money is spent twice.
#[test]
fn a_batch_sells_what_there_is_once() {
    let mut world = World::shop();
    let commands: Vec<_> =
        (0..40).map(|n| (world.purchase_of(BUYER, &format!("b{n}"), TICKET, 1, |_| {}), world.now)).collect();
    let results = world.batch(commands);
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), usize::try_from(TOTAL).unwrap());
    assert!(
        results
            .into_iter()
            .filter_map(Result::err)
            .all(|refusal| refusal == Refusal::Purchase(PurchaseProblem::SoldOut))
    );
    assert_eq!(world.counts(TICKET), (0, TOTAL, 0));
    invariants::check(&world);

    // Money for three, and ten in stock.
    let mut world = World::shop();
    world.deposit(BUYER, "out", -(PAID_IN - 3 * COST)).unwrap();
    let mut commands: Vec<_> =
        (0..8).map(|n| (world.purchase_of(BUYER, &format!("b{n}"), TICKET, 1, |_| {}), world.now)).collect();
    // Money that comes in the middle of the batch counts at once.
    commands.insert(6, (world.deposit_command(BUYER, "in", COST), world.now));
    let results = world.batch(commands);
    let paid: Vec<bool> = results
        .into_iter()
        .map(|result| match result.unwrap() {
            Decided::Purchase(purchase) => purchase.payment.state == PaymentState::Paid,
            _ => true,
        })
        .collect();
    assert_eq!(paid, [true, true, true, false, false, false, true, true, false]);
    assert_eq!((world.balance(BUYER), world.counts(TICKET)), (0, (4, 4, 2)));
    invariants::check(&world);
}

/// Held, paid and asked for again within one batch.
#[test]
fn a_batch_sees_what_it_has_just_bought() {
    let mut world = World::shop();
    let held = world.hold(TICKET, 2);
    let number = world.order(held).number.clone();
    let at = world.now;
    let commands = vec![
        (world.pay_command(held, |_| {}), at),
        (world.pay_command(held, |_| {}), at),
        (world.purchase_of(BUYER, &number, TICKET, 2, |_| {}), at),
        (world.apply_command(held, "r", 1), at),
        (Command::ResendCodes { partner: BUYER, order: held, number: number.clone() }, at),
    ];
    let results = world.batch(commands);
    let vouchers = |result: &Result<Decided, Refusal>| match result {
        Ok(Decided::Purchase(purchase)) => purchase.vouchers.clone(),
        other => panic!("{other:?}"),
    };
    assert_eq!(vouchers(&results[0]), vouchers(&results[1]));
    assert_eq!(vouchers(&results[0]), vouchers(&results[2]));
    assert_eq!(vouchers(&results[4])[0].locked, 1, "{results:?}");
    assert_eq!(world.counts(TICKET), (0, 2, TOTAL - 2));
    invariants::check(&world);
}

#[test]
fn validity_is_that_of_the_sku_and_the_day() {
    let offset = RULES.day_offset;
    let midnight = |days: i32| today().plus(days).start(offset);
    let check = |edit: fn(&mut Sku, &mut TicketRules), dated: bool, expected: (Option<i64>, Option<i64>)| {
        let mut world = World::shop();
        let stock = if dated { in_days(1) } else { TICKET };
        world.save_sku(stock.sku, edit).unwrap();
        let order = world.buy(stock, 1);
        let voucher = world.vouchers_of(order)[0].clone();
        let hours = |at: Timestamp| (at - midnight(0)).ms() / 3_600_000;
        assert_eq!((voucher.valid_from.map(hours), voucher.valid_until.map(hours)), expected);
        invariants::check(&world);
    };
    // The shop is open at 10:53 of the first day.
    check(|_, _| {}, false, (None, None));
    check(|_, rules| rules.usable_after = Span::from_mins(120), false, (Some(12), None));
    check(
        |_, rules| {
            rules.valid_from = Some(today().plus(2).start(RULES.day_offset));
            rules.valid_until = Some(today().plus(9).start(RULES.day_offset));
            rules.usable_after = Span::from_mins(120);
        },
        false,
        (Some(48), Some(216)),
    );
    check(|_, rules| rules.valid_from = Some(START - Span::from_days(1)), false, (Some(10), None));
    check(|_, _| {}, true, (Some(24), Some(48)));
    check(|_, rules| rules.valid_days = 3, true, (Some(24), Some(96)));
    check(|_, rules| rules.usable_after = Span::from_mins(20 * 60), true, (Some(30), Some(48)));
    check(
        |_, rules| {
            rules.valid_days = 3;
            rules.valid_from = Some(today().plus(1).start(RULES.day_offset) + Span::from_mins(9 * 60));
            rules.valid_until = Some(today().plus(2).start(RULES.day_offset));
        },
        true,
        (Some(33), Some(48)),
    );
}

/// The price and the terms are those of the moment of the order, also when it is paid later.
#[test]
fn what_was_agreed_stays() {
    let mut world = World::shop();
    let held = world.hold(in_days(1), 2);
    world
        .save_sku(DATED, |sku, rules| {
            sku.price = price(9_000, 8_000, 7_000);
            rules.codes = CodeRule::PerOrder;
            rules.refund.refundable = false;
        })
        .unwrap();
    world.plan(DATED, vec![StockPlan { closed: true, ..plan(in_days(1).day, TOTAL) }]).unwrap();
    world.save_product(|product| product.state = ProductState::OffSale).unwrap();
    let paid = world.pay(held, |_| {}).unwrap();
    assert_eq!((paid.order.amount, paid.vouchers.len()), (cents(2 * COST), 2));
    world.give_back(held, "r", 1);
    assert_eq!(world.balance(BUYER), PAID_IN - COST);
    invariants::check(&world);
}

#[test]
fn codes_are_sent_again_within_bounds() {
    let mut world = World::shop();
    let order = world.try_buy(TICKET, 2, |new| new.send_codes = false).unwrap().order.id;
    let sent =
        |world: &World| world.stored.tasks.values().filter(|task| task.kind == TaskKind::SendCodes).count();
    for times in 1..=5 {
        world.resend(order).unwrap();
        assert_eq!(sent(&world), times);
        world.advance(Span::from_ms(59_999));
        assert_eq!(world.resend(order).unwrap_err().name(), "wrong_state", "one each minute");
        world.advance(Span::from_ms(1));
        invariants::check(&world);
    }
    assert_eq!(world.resend(order).unwrap_err().name(), "wrong_state", "five in all");
    let held = world.hold(TICKET, 1);
    assert_eq!(world.resend(held).unwrap_err().name(), "wrong_state");
    let used = world.buy(TICKET, 1);
    world.use_up(used, 0, 1).unwrap();
    assert_eq!(world.resend(used).unwrap_err().name(), "wrong_state");
    let wrong = Command::ResendCodes { partner: BUYER, order, number: "another".into() };
    assert_eq!(world.run(wrong).unwrap_err(), Refusal::OrderNotFound);
}

#[test]
fn codes_go_to_whoever_can_be_reached() {
    let mut world = World::shop();
    let travellers = vec![traveller("Child", "", ""), traveller("Parent", "139", "")];
    let order = world.try_buy(TICKET, 1, |new| new.travellers = travellers).unwrap().order.id;
    assert_eq!(world.line(order).contact().map(|contact| contact.name.as_str()), Some("Parent"));
}
