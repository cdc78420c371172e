//! Damage to what is kept of orders that have gone.

use tradewind_domain::{Command, Forgetting, ForgottenOrders, PartnerId, Span, WriteSet};

use crate::contract::Fixture;
use crate::contract::desk::Desk;
use crate::contract::life::{check_clean, pay};
use crate::contract::past::refunded;
use crate::contract::samples;

const OWNER: PartnerId = PartnerId::from_i64(1);

/// Each kind of damage is told with the ids it concerns, and nothing else is.
pub async fn damaged_past_orders_are_found(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    desk.add_partner(1).await;
    desk.add_partner(2).await;
    let cases: [(&str, &str); 16] = [
        (
            "UPDATE past_orders SET collected = collected + 1 WHERE order_id = ID",
            "ID of par_1, which has gone: 100000000 millionths came in by its transfers, it says 100.000001",
        ),
        (
            "UPDATE past_orders SET returned = 0 WHERE order_id = ID",
            "ID of par_1, which has gone: 100000000 millionths went back by its transfers, it says 0.00",
        ),
        (
            "UPDATE past_orders SET fee = fee + 10000 WHERE order_id = ID",
            "ID of par_1, which has gone: 600000 millionths was kept as a fee by its transfers, it says 0.61",
        ),
        (
            "UPDATE past_orders SET currency = 'USD' WHERE order_id = ID",
            "ID of par_1, which has gone: it was over USD, and a transfer of it is over CNY",
        ),
        (
            "UPDATE past_orders SET gone_at = 5 WHERE order_id = ID",
            "ID of par_1, which has gone: it went before",
        ),
        ("UPDATE past_orders SET partner = 2 WHERE order_id = ID", "ID of par_"),
        (
            "UPDATE past_orders SET order_id = order_id + 77 WHERE order_id = ID",
            "ID of par_1 is referred to but",
        ),
        ("DELETE FROM past_orders WHERE order_id = ID", "ID of par_1 is referred to but not there"),
        (
            "INSERT INTO past_orders SELECT partner, 'twice', order_id, fingerprint, currency, collected, returned, \
             fee, gone_at FROM past_orders WHERE order_id = ID",
            "ID of par_1, which has gone: it went more than once",
        ),
        (
            "UPDATE past_orders SET number = 'living' WHERE order_id = ID",
            "order number \"living\" of par_1 is there more",
        ),
        (
            "UPDATE past_refunds SET number = 'R:living' WHERE order_id = ID",
            "refund number \"R:living\" of par_1 is there",
        ),
        ("DELETE FROM past_refunds WHERE order_id = ID", "is pending and 0 past refunds held it"),
        ("UPDATE past_refunds SET hold = hold + 1 WHERE order_id = ID", "\"R:12\" has no pending transfer"),
        (
            "DELETE FROM transfers WHERE order_id = ID AND kind = 2",
            "ID of par_1, which has gone: 0 millionths went back by its transfers, it says 100.00",
        ),
        (
            "UPDATE transfers SET credit = 'suspense' WHERE order_id = ID AND kind = 0 AND debit <> 'payable'",
            "ID of par_1, which has gone: 100000000 millionths of it are in suspense",
        ),
        (
            "INSERT INTO past_refunds SELECT partner, 'stray', 4711, fingerprint, hold FROM past_refunds \
             WHERE order_id = ID",
            "ord_4711 of par_1 is referred to but not there",
        ),
    ];
    let mut orders = Vec::new();
    for (number, _) in cases.iter().enumerate() {
        orders.push(refunded(&mut desk, 1, &number.to_string(), 100).await);
    }
    let good = refunded(&mut desk, 1, "good", 100).await;
    let stayed = refunded(&mut desk, 1, "stayed", 100).await;
    let back = refunded(&mut desk, 1, "back again", 100).await;
    refunded(&mut desk, 1, "living", 100).await;
    desk.now = desk.now + Span::from_days(30);
    let before = desk.now - Span::from_days(2);
    let gone = orders.iter().chain([&good, &stayed, &back]).map(|order| order.id).collect();
    let orders_forgotten = Some(ForgottenOrders { ids: gone, before });
    let forgetting = Forgetting { partner: OWNER, events: None, tasks: Vec::new(), orders: orders_forgotten };
    desk.must(Command::Forget(Box::new(forgetting))).await;
    check_clean(&desk).await;

    let mut expected: Vec<String> = Vec::new();
    for ((sql, words), order) in cases.iter().zip(&orders) {
        (fixture.sql)(sql.replace("ID", &order.id.get().to_string())).await;
        expected.push(words.replace("ID of", &format!("{} of", order.id)));
    }
    let payment = samples::payment(&stayed);
    let mut voucher = samples::voucher(1, 4712, "of what has gone");
    voucher.order = Some(stayed.id);
    let set = WriteSet { payments_new: vec![payment], vouchers_new: vec![voucher], ..WriteSet::default() };
    desk.commit(&set).await.unwrap();
    expected.push(format!("{} of par_1, which has gone: 1 of its payments have stayed", stayed.id));
    expected.push(format!("{} of par_1, which has gone: 1 of its vouchers have stayed", stayed.id));
    let mut returned = back.clone();
    returned.number = "another".into();
    desk.commit(&WriteSet { orders_new: vec![returned], ..WriteSet::default() }).await.unwrap();
    expected.push(format!("{} of par_1: it is there, and so is what is kept", back.id));
    let stray = samples::task(1, good.id.get(), 99, 0);
    pay(&mut desk, 1, "untouched").await;

    let findings = desk.store.verify().await.unwrap().findings;
    for words in &expected {
        assert!(findings.iter().any(|finding| finding.contains(words)), "{words:?} is not in {findings:#?}");
    }
    assert!(!findings.iter().any(|finding| finding.contains(&good.id.to_string())), "{findings:#?}");
    desk.commit(&WriteSet { tasks_new: vec![stray], ..WriteSet::default() }).await.unwrap();
    let findings = desk.store.verify().await.unwrap().findings;
    let words = format!("{} of par_1, which has gone: 1 of its tasks have stayed", good.id);
    assert!(findings.contains(&words), "{words:?} is not in {findings:#?}");
}
