//! Every reason to refuse a purchase: rules, wishes and moments on both sides of each bound.

use std::collections::BTreeSet;

use tradewind_domain::{
    NewPurchase, ProductState, PurchaseProblem, Refusal, Sku, SkuId, Span, StockPlan, TicketRules,
    TravellerRule,
};

use crate::invariants;
use crate::shop::{COST, DATED, DAYS, SELLER, TICKET, TOTAL, euros, in_days, plan, price, today, traveller};
use crate::world::{RULES, START, World, cents};

/// The example of the standard.
pub(crate) const CARD: &str = "11010519491231002X";

pub(crate) fn problem(result: Result<impl std::fmt::Debug, Refusal>) -> PurchaseProblem {
    match result {
        Err(Refusal::Purchase(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

/// Changes what is sold, buys, and compares. `None` is sold.
struct Case {
    name: &'static str,
    sku: fn(&mut Sku, &mut TicketRules),
    prepare: fn(&mut World),
    wish: fn(&mut NewPurchase),
    expected: Option<PurchaseProblem>,
}

impl Case {
    /// A wish that the rules as they are refuse, or not.
    const fn wish(name: &'static str, wish: fn(&mut NewPurchase), expected: Option<PurchaseProblem>) -> Case {
        Case { name, sku: |_, _| {}, prepare: |_| {}, wish, expected }
    }

    /// The usual wish under other rules.
    const fn rules(
        name: &'static str,
        sku: fn(&mut Sku, &mut TicketRules),
        expected: Option<PurchaseProblem>,
    ) -> Case {
        Case { name, sku, prepare: |_| {}, wish: |_| {}, expected }
    }

    const fn and(self, wish: fn(&mut NewPurchase)) -> Case {
        Case { wish, ..self }
    }

    const fn after(self, prepare: fn(&mut World)) -> Case {
        Case { prepare, ..self }
    }

    /// Buys three of the undated ticket and three of a day's, with and without paying.
    fn check(&self, dated: bool) -> Option<PurchaseProblem> {
        for pays in [false, true] {
            let mut world = World::shop();
            let stock = if dated { in_days(2) } else { TICKET };
            world.save_sku(stock.sku, self.sku).unwrap();
            (self.prepare)(&mut world);
            let before = world.stored.clone();
            let result = world.try_buy(stock, 3, |new| {
                new.pay = new.pay.take().filter(|_| pays);
                (self.wish)(new);
            });
            let what = format!("{} dated: {dated} pays: {pays}", self.name);
            match self.expected {
                None => {
                    let purchase = result.unwrap_or_else(|refusal| panic!("{what}: {refusal}"));
                    world.assert_as_stored(&purchase);
                }
                Some(expected) => {
                    assert_eq!(problem(result), expected, "{what}");
                    assert_eq!(world.stored, before, "{what}");
                }
            }
            invariants::check(&world);
        }
        self.expected
    }
}

fn each_named(new: &mut NewPurchase, documents: [&str; 3]) {
    new.travellers = documents.map(|document| traveller("Sample", "13800000000", document)).into();
}

/// What holds for all tickets.
fn cases() -> Vec<Case> {
    use PurchaseProblem as P;
    fn each(_: &mut Sku, rules: &mut TicketRules) {
        rules.travellers = TravellerRule::Each;
    }
    fn shown(_: &mut Sku, rules: &mut TicketRules) {
        rules.needs_document = true;
    }
    fn each_shown(sku: &mut Sku, rules: &mut TicketRules) {
        each(sku, rules);
        shown(sku, rules);
    }
    vec![
        Case::wish("as it should be", |_| {}, None),
        // On sale.
        Case::wish("unknown sku", |new| new.stock.sku = SkuId::from_i64(99), Some(P::NotOnSale)),
        Case::wish("off sale", |_| {}, Some(P::NotOnSale)).after(|world| {
            world.save_product(|product| product.state = ProductState::OffSale).unwrap();
        }),
        Case::rules("not yet", |sku, _| sku.sale_from = Some(START + Span::from_ms(1)), Some(P::NotOnSale)),
        Case::rules("from now on", |sku, _| sku.sale_from = Some(START), None),
        Case::rules("no longer", |sku, _| sku.sale_until = Some(START), Some(P::NotOnSale)),
        Case::rules("to the last", |sku, _| sku.sale_until = Some(START + Span::from_ms(1)), None),
        Case::wish("seller suspended", |_| {}, Some(P::NotOnSale)).after(|world| world.suspend(SELLER)),
        Case::rules("at the counter", |_, rules| rules.counter_only = true, Some(P::CounterOnly)),
        // How many.
        Case::rules("the most", |sku, _| sku.order_max = 3, None),
        Case::rules("one too many", |sku, _| sku.order_max = 2, Some(P::TooMany)),
        Case::rules("the fewest", |sku, _| sku.order_min = 3, None),
        Case::rules("one too few", |sku, _| sku.order_min = 4, Some(P::TooFew)),
        Case::wish("none", |new| new.quantity = 0, Some(P::TooFew)),
        Case::wish("more than any order", |new| new.quantity = Sku::ORDER_MAX + 1, Some(P::TooMany)),
        // Who.
        Case::wish("nobody", |new| new.travellers.clear(), Some(P::MobileMissing)),
        Case::wish(
            "no mobile",
            |new| new.travellers = vec![traveller("Sample", " ", "")],
            Some(P::MobileMissing),
        ),
        Case::wish(
            "the second has one",
            |new| new.travellers = vec![traveller("Child", "", ""), traveller("Parent", "139", "")],
            None,
        ),
        Case::rules("one for three", each, Some(P::TravellersMissing)),
        Case::rules("three for three", each, None).and(|new| each_named(new, ["", "", ""])),
        Case::rules("four for three", each, Some(P::TravellersMissing)).and(|new| {
            each_named(new, ["", "", ""]);
            new.travellers.push(traveller("Fourth", "", ""));
        }),
        // Documents.
        Case::rules("no document", shown, Some(P::DocumentMissing)),
        Case::rules("the first shows one", shown, None).and(|new| each_named(new, [CARD, "", ""])),
        Case::rules("the second does not count", shown, Some(P::DocumentMissing))
            .and(|new| each_named(new, [" ", CARD, CARD])),
        Case::rules("a wrong check character", shown, Some(P::DocumentWrong))
            .and(|new| each_named(new, ["110105194912310021", "", ""])),
        Case::rules("no such date", shown, Some(P::DocumentWrong))
            .and(|new| each_named(new, ["110105194902300020", "", ""])),
        Case::rules("the old form", shown, None).and(|new| each_named(new, ["110105491231002", "", ""])),
        Case::rules("a passport is not checked", shown, None).and(|new| {
            each_named(new, ["E12345678", "", ""]);
            new.travellers[0].document_kind = "1".into();
        }),
        Case::rules("all show one", each_shown, None)
            .and(|new| each_named(new, [CARD, CARD, "110105491231002"])),
        Case::rules("one does not", each_shown, Some(P::DocumentMissing))
            .and(|new| each_named(new, [CARD, CARD, ""])),
        Case::rules("one is wrong", each_shown, Some(P::DocumentWrong))
            .and(|new| each_named(new, [CARD, "110105194912310021", CARD])),
        Case::wish("a wrong one that nobody asks for", |new| each_named(new, ["1", "", ""]), None),
        // For how much.
        Case::wish("another sale price", |new| new.sell = cents(2_999), Some(P::SellDiffers)),
        Case::wish("another currency", |new| new.sell = euros(), Some(P::SellDiffers)),
        Case::wish("the right cost", |new| new.cost = Some(cents(COST)), None),
        Case::wish("another cost", |new| new.cost = Some(cents(COST + 1)), Some(P::CostDiffers)),
        Case::rules("a price of nothing", |sku, _| sku.price = price(0, 0, 0), Some(P::PriceUnsound)),
        Case::rules(
            "sold below cost",
            |sku, _| sku.price = price(4_000, 3_000, 3_001),
            Some(P::PriceUnsound),
        ),
        // When.
        Case::rules(
            "never to be redeemed",
            |_, rules| rules.usable_after = Span::from_mins(1),
            Some(P::TooLate),
        )
        .after(|world| {
            for sku in [TICKET.sku, DATED] {
                world
                    .save_sku(sku, |_, rules| {
                        rules.usable_after = Span::from_mins(1);
                        rules.valid_until =
                            Some(in_days(2).day.unwrap().start(RULES.day_offset) + Span::from_mins(2));
                    })
                    .unwrap();
            }
            let last = in_days(2).day.unwrap().start(RULES.day_offset) + Span::from_mins(1);
            world.now = last;
        }),
        Case::wish("the last moment to be redeemed", |_| {}, None).after(|world| {
            for sku in [TICKET.sku, DATED] {
                world
                    .save_sku(sku, |_, rules| {
                        rules.usable_after = Span::from_mins(1);
                        rules.valid_until =
                            Some(in_days(2).day.unwrap().start(RULES.day_offset) + Span::from_mins(2));
                    })
                    .unwrap();
            }
            world.now = in_days(2).day.unwrap().start(RULES.day_offset) + Span::from_ms(59_999);
        }),
        // How many there are.
        Case::wish("all that are left", |_| {}, None).after(|world| leave(world, 3)),
        Case::wish("one too many for what is left", |_| {}, Some(P::SoldOut)).after(|world| leave(world, 2)),
    ]
}

/// What holds for tickets of a day.
fn dated_cases() -> Vec<Case> {
    use PurchaseProblem as P;
    vec![
        Case::wish("no day", |new| new.stock.day = None, Some(P::DayMissing)),
        Case::wish("no stock for that day", |new| new.stock = in_days(DAYS), Some(P::DayNotOnSale)),
        Case::wish("yesterday", |new| new.stock = in_days(-1), Some(P::DayNotOnSale)),
        Case::wish("gone by", |_| {}, Some(P::DayNotOnSale)).after(|world| world.advance(Span::from_days(3))),
        Case::wish("closed", |_| {}, Some(P::DayNotOnSale)).after(|world| {
            world.plan(DATED, vec![StockPlan { closed: true, ..plan(in_days(2).day, TOTAL) }]).unwrap();
        }),
        Case::wish("today", |new| new.stock = in_days(0), None),
        Case::rules("two days ahead", |_, rules| rules.book_ahead_days = 2, None),
        Case::rules("three days ahead", |_, rules| rules.book_ahead_days = 3, Some(P::TooLate)),
        Case::rules("until midnight of the second day before", |_, rules| rules.book_ahead_days = 2, None)
            .after(|world| world.now = today().plus(1).start(RULES.day_offset) - Span::from_ms(1)),
        Case::rules("after that midnight", |_, rules| rules.book_ahead_days = 2, Some(P::TooLate))
            .after(|world| world.now = today().plus(1).start(RULES.day_offset)),
        Case::wish("an unsound price of the day", |_| {}, Some(P::PriceUnsound)).after(|world| {
            let unsound = Some(price(4_000, 3_000, 0));
            world.plan(DATED, vec![StockPlan { price: unsound, ..plan(in_days(2).day, TOTAL) }]).unwrap();
        }),
        Case::wish("the day's own price", |new| new.sell = cents(3_500), None).after(day_price),
        Case::wish("the sku's price on a day with its own", |_| {}, Some(P::SellDiffers)).after(day_price),
        Case::rules(
            "validity ends before the day",
            |_, rules| rules.valid_until = Some(today().plus(2).start(RULES.day_offset)),
            Some(P::DayNotOnSale),
        ),
        Case::rules(
            "validity begins after the day",
            |_, rules| rules.valid_from = Some(today().plus(3).start(RULES.day_offset)),
            Some(P::DayNotOnSale),
        ),
    ]
}

/// What holds for tickets of any day.
fn undated_cases() -> Vec<Case> {
    use PurchaseProblem as P;
    vec![
        Case::wish("a day for an undated ticket", |new| new.stock.day = Some(today()), Some(P::DayNotOnSale)),
        Case::rules("validity over", |_, rules| rules.valid_until = Some(START), Some(P::NotOnSale)),
        Case::wish("closed", |_| {}, Some(P::SoldOut)).after(|world| {
            world.plan(TICKET.sku, vec![StockPlan { closed: true, ..plan(None, TOTAL) }]).unwrap();
        }),
    ]
}

fn day_price(world: &mut World) {
    let own = Some(price(4_000, 3_500, 2_600));
    world.plan(DATED, vec![StockPlan { price: own, ..plan(in_days(2).day, TOTAL) }]).unwrap();
}

/// Leaves so many of each stock, the rest half held and half sold.
fn leave(world: &mut World, left: u32) {
    for stock in [TICKET, in_days(2)] {
        world.hold(stock, (TOTAL - left) / 2);
        world.buy(stock, TOTAL - left - (TOTAL - left) / 2);
    }
}

#[test]
fn every_reason_to_refuse_is_met_and_named() {
    let mut met = BTreeSet::new();
    for case in cases() {
        met.extend([case.check(false), case.check(true)].into_iter().flatten().map(|p| format!("{p:?}")));
    }
    for case in dated_cases() {
        met.extend(case.check(true).map(|problem| format!("{problem:?}")));
    }
    for case in undated_cases() {
        met.extend(case.check(false).map(|problem| format!("{problem:?}")));
    }
    let all: BTreeSet<String> = PurchaseProblem::ALL.iter().map(|problem| format!("{problem:?}")).collect();
    assert_eq!(met, all);
}
