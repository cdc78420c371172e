//! Damage to purchases, stocks and balances.

use tradewind_domain::{
    About, CodeRule, Command, Deposit, DepositId, Event, EventKind, Need, Order, PartnerId, PartnerPatch,
    Redemption, Refund, RefundTerms, Review, SkuId, Span, StockKey, Stream, Task, TaskKey, TaskKind,
    TicketRules, Voucher, WriteSet,
};

use crate::FINDINGS_MAX;
use crate::contract::Fixture;
use crate::contract::desk::Desk;
use crate::contract::life::check_clean;
use crate::contract::samples;
use crate::contract::shop::{self, SELLER, applied, purchased};

const BUYER: PartnerId = PartnerId::from_i64(1);

/// Everything that one sku can have behind it.
struct Books {
    /// Six tickets at ten yuan: two used, one given back, one under review.
    used: Order,
    /// What was bought, the one that was used first.
    vouchers: Vec<Voucher>,
    redemption: Redemption,
    done: Refund,
    pending: Refund,
    /// Three that are held.
    held: Order,
    stock: StockKey,
    /// What paid for it.
    deposit: DepositId,
}

impl Books {
    async fn keep(desk: &mut Desk, id: i64) -> Books {
        let automatic = RefundTerms { review: Review::Automatic(Span::from_mins(5)), ..shop::rules().refund };
        let codes = if id % 2 == 0 { CodeRule::PerOrder } else { CodeRule::PerTicket };
        let rules = TicketRules { codes, refund: automatic, ..shop::rules() };
        let (sku, stock) = shop::sell(desk, id, 20, rules).await;
        let deposit = DepositId::make(&desk.ids, desk.now);
        let paid_in = Deposit { id: deposit, ..shop::deposit(1, 0, &format!("D{id}"), 60) };
        desk.must(Command::Deposit(Box::new(paid_in))).await;
        let wish = shop::purchase(desk, 1, &format!("used {id}"), (&sku, stock), 6, true);
        let bought = purchased(desk.run(wish).await);
        let order = bought.order;
        // The last ones go back first, so these are the first ones.
        for voucher in bought.vouchers.iter().cycle().take(2) {
            desk.must(shop::redemption(voucher, SELLER, 1)).await;
        }
        let done = applied(desk.run(shop::application(desk, &order, &format!("done {id}"), 1)).await);
        desk.must(shop::review(&order, &done, true)).await;
        let pending = applied(desk.run(shop::application(desk, &order, &format!("open {id}"), 1)).await);
        let wish = shop::purchase(desk, 1, &format!("held {id}"), (&sku, stock), 3, false);
        let held = purchased(desk.run(wish).await).order;
        let redemption = desk.store.redemptions_of(BUYER, bought.vouchers[0].id, 1).await.unwrap().remove(0);
        Books { used: order, vouchers: bought.vouchers, redemption, done, pending, held, stock, deposit }
    }

    /// Puts the names of things in the place of words in braces: in SQL their numbers, in findings their ids.
    fn fill(&self, text: &str, in_sql: bool) -> String {
        let name = |id: &dyn std::fmt::Display, number: i64| {
            if in_sql { number.to_string() } else { id.to_string() }
        };
        let voucher = self.vouchers[0].id;
        let pairs = [
            ("{used}", name(&self.used.id, self.used.id.get())),
            ("{held}", name(&self.held.id, self.held.id.get())),
            ("{payment}", name(&self.used.payment, self.used.payment.get())),
            ("{waiting}", name(&self.held.payment, self.held.payment.get())),
            ("{voucher}", name(&voucher, voucher.get())),
            ("{redemption}", name(&self.redemption.id, self.redemption.id.get())),
            ("{done}", name(&self.done.id, self.done.id.get())),
            ("{pending}", name(&self.pending.id, self.pending.id.get())),
            ("{sku}", name(&self.stock.sku, self.stock.sku.get())),
            ("{deposit}", name(&self.deposit, self.deposit.get())),
        ];
        pairs.into_iter().fold(text.to_owned(), |text, (word, name)| text.replace(word, &name))
    }
}

/// Does each kind of damage to books of its own; each is told, and the books in between stay good.
async fn damage(fixture: &Fixture, cases: &[(&str, &str)]) -> Desk {
    let mut desk = Desk::open(&fixture.store).await;
    shop::add_buyer(&mut desk, 1, 0).await;
    desk.add_partner(2).await;
    let mut expected = Vec::new();
    // Every second case is about many codes, so whatever depends on it is tried with both.
    for (case, id) in cases.iter().zip(1_001..) {
        expected.push((case, Books::keep(&mut desk, id).await));
    }
    let good = Books::keep(&mut desk, 2_000).await;
    check_clean(&desk).await;
    for ((sql, _), books) in &expected {
        (fixture.sql)(books.fill(sql, true)).await;
    }
    let findings = desk.store.verify().await.unwrap().findings;
    assert!(findings.len() <= FINDINGS_MAX, "the cases find too much to be listed: {findings:#?}");
    for ((_, words), books) in expected {
        let words = books.fill(words, false);
        assert!(findings.iter().any(|found| found.contains(&words)), "{words:?} is not in {findings:#?}");
    }
    for name in ["{used}", "{held}", "{voucher}", "{sku}", "{deposit}"] {
        let name = good.fill(name, false);
        assert!(!findings.iter().any(|found| found.contains(&name)), "{name} is good: {findings:#?}");
    }
    desk
}

/// Lines, vouchers and redemptions that do not agree.
pub async fn damaged_purchases_are_found(fixture: Fixture) {
    damage(
        &fixture,
        &[
            (
                "UPDATE order_lines SET used = 3 WHERE order_id = {used}",
                "{used} of par_1: its vouchers sum to [6, 2, 1, 1] uses ordered, used, given back and locked, \
                 its line says [6, 3, 1, 1]",
            ),
            ("UPDATE order_lines SET used = 1 WHERE order_id = {used}", "{used} of par_1: its redemptions sum to 2 units, it says 1"),
            ("UPDATE order_lines SET quantity = 3 WHERE order_id = {used}", "{used} of par_1: 2 of its 3 units were used, 1 given back, 1 are locked"),
            ("UPDATE order_lines SET refunded = 2 WHERE order_id = {used}", "{used} of par_1: its refunds sum to 1 units, it says 2"),
            ("UPDATE order_lines SET locked = 0 WHERE order_id = {used}", "{used} of par_1: its open refunds sum to 1 units, it says 0"),
            ("UPDATE order_lines SET cost = cost + 1 WHERE order_id = {held}", "{held} of par_1: 3 units at 10.000001 CNY are not 30.00"),
            ("UPDATE order_lines SET used = 1 WHERE order_id = {held}", "{held} of par_1: something became of its units before it was paid"),
            ("UPDATE order_lines SET seller = 2 WHERE order_id = {used}", "is not handed over by par_2"),
            ("DELETE FROM order_lines WHERE order_id = {used}", "{used} of par_1: it has vouchers and buys nothing"),
            ("DELETE FROM order_lines WHERE order_id = {held}", "{held} of par_1: it is paid from the balance and buys nothing"),
            ("UPDATE order_lines SET partner = 2 WHERE order_id = {held}", "{held} of par_2 is referred to by a line but not there"),
            ("DELETE FROM orders WHERE id = {held}", "{held} of par_1 is referred to"),
            ("UPDATE vouchers SET ordered = ordered + 1 WHERE id = {voucher}", "{used} of par_1: its vouchers sum to [7, 2, 1, 1]"),
            ("UPDATE vouchers SET locked = locked + 1 WHERE id = {voucher}", "{used} of par_1: its vouchers sum to [6, 2, 1, 2]"),
            ("UPDATE vouchers SET used = used + 1 WHERE id = {voucher}", "{voucher} of par_1: its redemptions sum to"),
            ("UPDATE vouchers SET order_id = 77 WHERE order_id = {used}", "ord_77 of par_1 is referred to but not there"),
            ("UPDATE vouchers SET order_id = {held} WHERE order_id = {used}", "{held} of par_1: its vouchers sum to [6, 2, 1, 1]"),
        ],
    )
    .await;
}

/// Redemptions, refunds and payments that do not agree with what they are about.
pub async fn damaged_units_are_found(fixture: Fixture) {
    damage(
        &fixture,
        &[
            (
                "UPDATE redemptions SET used_so_far = 5 WHERE id = {redemption}",
                "{used} of par_1: {redemption} is the use of 1 and says 5 so far",
            ),
            (
                "UPDATE redemptions SET left_over = 0 WHERE id = {redemption}",
                "{used} of par_1: {redemption} says that 0 were left when",
            ),
            (
                "UPDATE redemptions SET id = 5 WHERE id = {redemption}",
                "{used} of par_1: rdm_5 was told 0 times instead of 1",
            ),
            ("DELETE FROM redemptions WHERE voucher = {voucher}", "tells a redemption that is not there"),
            (
                "UPDATE refunds SET units = 2 WHERE id = {done}",
                "{used} of par_1: {done}: 2 units at 10.00 CNY are not 10.00",
            ),
            (
                "UPDATE refunds SET units_so_far = 2 WHERE id = {done}",
                "{used} of par_1: {done} gives 1 units back and says 2 so far",
            ),
            (
                "UPDATE refunds SET kind = 0 WHERE id = {done}",
                "{used} of par_1: {done} has no pending transfer over 10.00",
            ),
            (
                "DELETE FROM tasks WHERE order_id = {used} AND kind = 4",
                "{used} of par_1: {pending} is open and its follow-up",
            ),
            (
                "UPDATE refunds SET state = 3, follow_up = NULL, settled_at = 5 WHERE id = {pending}",
                "{used} of par_1: its open refunds sum to 0 units, it says 1",
            ),
            (
                "UPDATE transfers SET debit = 'payable' WHERE order_id = {used} AND kind = 1",
                "{used} of par_1: {pending} has no pending transfer over 10.00",
            ),
            (
                "UPDATE transfers SET credit = 'payable' WHERE order_id = {used} AND purpose = 0",
                "{used} of par_1: its Payment transfers do not agree",
            ),
            (
                "UPDATE payments SET flow = 0 WHERE id = {payment} AND order_id = {used}",
                "{used} of par_1: it buys something and is not paid from the balance",
            ),
            (
                "UPDATE payments SET follow_up = 5 WHERE id = {payment} AND order_id = {used}",
                "{used} of par_1: {payment} is settled and names follow-up tsk_5",
            ),
            (
                "UPDATE payments SET follow_up = NULL WHERE id = {waiting} AND order_id = {held}",
                "{held} of par_1: {waiting} is open and nothing follows it up",
            ),
            (
                "DELETE FROM tasks WHERE order_id = {held} AND kind = 3",
                "{held} of par_1: {waiting} is open and its follow-up",
            ),
            (
                "UPDATE orders SET stage = 2, ended_at = 5 WHERE id = {held}",
                "{held} of par_1: it buys something and was revoked",
            ),
        ],
    )
    .await;
}

/// Stocks that say something else than the orders, skus that belong to nothing, deposits that moved
/// something else.
pub async fn damaged_stocks_and_balances_are_found(fixture: Fixture) {
    // Should an index ever be lost, with it goes what it forbade. Nobody holds it yet.
    (fixture.sql)("DROP INDEX deposits_number".into()).await;
    let mut desk = damage(
        &fixture,
        &[
            (
                "UPDATE stocks SET sold = sold + 1 WHERE sku = {sku}",
                "the stock of {sku} says 3 held and 6 sold, its orders sum to 3 and 5",
            ),
            (
                "UPDATE stocks SET held = 0 WHERE sku = {sku}",
                "the stock of {sku} says 0 held and 5 sold, its orders sum to 3 and 5",
            ),
            (
                "UPDATE stocks SET total = 7 WHERE sku = {sku}",
                "the stock of {sku} is oversold: 3 held and 5 sold of 7",
            ),
            (
                "DELETE FROM stocks WHERE sku = {sku}",
                "the stock of {sku} is not there, its orders sum to 3 and 5",
            ),
            (
                "UPDATE order_lines SET day = 20414 WHERE order_id = {held}",
                "the stock of {sku} for 2025-11-22 is not there, its orders sum to 3 and 0",
            ),
            (
                "UPDATE stocks SET partner = 2 WHERE sku = {sku}",
                "{sku} of par_50: one of its stocks is of par_2",
            ),
            ("DELETE FROM skus WHERE id = {sku}", "{sku} is referred to but not there"),
            ("DELETE FROM products WHERE id = {sku}", "which is not there"),
            ("UPDATE products SET partner = 2 WHERE id = {sku}", "which is of par_2"),
            (
                "UPDATE deposits SET amount = amount + 1 WHERE id = {deposit}",
                "{deposit} of par_1: its transfers do not move 60.000001",
            ),
            (
                "UPDATE deposits SET partner = 2 WHERE id = {deposit}",
                "{deposit} of par_2: its transfers do not move 60.00",
            ),
            ("DELETE FROM deposits WHERE id = {deposit}", "{deposit} of par_1 is referred to but not there"),
            (
                "DELETE FROM transfers WHERE order_id = -{deposit}",
                "{deposit} of par_1: its transfers do not move 60.00",
            ),
        ],
    )
    .await;
    let sku = SkuId::from_i64(2_000);
    let about = About::Sku(sku);
    let order = samples::order(2, 1, "1");
    let event = Event { about, kind: EventKind::OrderPaid, ..samples::event(&order, 1) };
    let key = TaskKey { about, ..samples::task(2, 1, 9, 0).key };
    let task =
        Task { key, kind: TaskKind::Deliver { event: 7, endpoint: None }, ..samples::task(2, 1, 9, 0) };
    let set = WriteSet {
        events: vec![event],
        streams_new: vec![Stream { partner: order.partner, last: 1 }],
        tasks_new: vec![task],
        ..WriteSet::default()
    };
    assert!(desk.read(Need::Partner(order.partner)).await.streams.is_empty());
    desk.commit(&set).await.unwrap();
    // Without the fact that a limit was lowered, a balance that was booked under it is too low.
    let patch = |limit: i64| {
        let patch = PartnerPatch { credit_limit: Some(samples::yuan(limit)), ..PartnerPatch::default() };
        Command::PatchPartner { partner: PartnerId::from_i64(3), patch }
    };
    let (sku, stock) = shop::sell(&mut desk, 3_000, 9, shop::rules()).await;
    shop::add_buyer(&mut desk, 3, 0).await;
    desk.must(patch(50)).await;
    let wish = shop::purchase(&desk, 3, "on credit", (&sku, stock), 5, true);
    purchased(desk.run(wish).await);
    desk.must(patch(40)).await;
    let findings = desk.store.verify().await.unwrap().findings;
    assert!(!findings.iter().any(|finding| finding.contains("never allowed")), "{findings:#?}");
    (fixture.sql)("DELETE FROM facts WHERE name = 'credit_limit_was:3:50000000:CNY'".into()).await;
    (fixture.sql)("UPDATE deposits SET number = 'same' WHERE partner = 1".into()).await;
    let findings = desk.store.verify().await.unwrap().findings;
    for words in [
        "event 1 of par_2 tells order.paid of sku_2000",
        "sku_2000: tsk_9 (deliver) of par_2 is about nothing that is there or open",
        "deposit number \"same\" of par_1 is there more than once",
        "the balance of par_3 in CNY is -50000000 millionths and was never allowed below -40000000",
    ] {
        assert!(findings.iter().any(|finding| finding.contains(words)), "{words:?} is not in {findings:#?}");
    }
}
