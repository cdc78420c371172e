//! What belongs to a purchase: written and read back, found by every name, unique where it has to be.

use tradewind_domain::{
    About, Account, AccountDelta, Balance, Cause, Currency, Deposit, Event, EventKind, ListOrders, Need,
    Order, OrderId, PartnerId, Payment, Purpose, Redemption, Refund, RefundKind, RefundState, Stream,
    Timestamp, Transfer, TransferKind, Voucher, VoucherId, WriteSet,
};

use super::Fixture;
use super::desk::{Desk, REFUND_WINDOW};
use super::samples::{self, NOW, yuan};
use super::shop::{self, SELLER};
use crate::{OrderQuery, StoreError};

const OWNER: PartnerId = PartnerId::from_i64(1);

/// Orders that buy something, bare and with everything filled, among such that only collect money.
pub async fn orders_with_lines(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let sku = shop::sku(&shop::product(SELLER, 5), 6);
    let plain = samples::order(1, 1, "plain");
    let (bare, bare_payment) = shop::order(1, 2, "bare", shop::line(&sku, 3));
    let (filled, filled_payment) = shop::order(1, 3, "filled", shop::filled_line(shop::line(&sku, 9)));
    let mut orders = vec![plain.clone(), bare, filled];
    let payments = vec![samples::payment(&plain), bare_payment, filled_payment];
    let written = WriteSet {
        partners_new: vec![samples::partner(1)],
        orders_new: orders.clone(),
        payments_new: payments.clone(),
        ..WriteSet::default()
    };
    desk.commit(&written).await.unwrap();
    check_orders(&mut desk, &orders, &payments).await;
    for order in &mut orders {
        let Some(line) = order.line.as_deref_mut() else { continue };
        let filled = line.sent_at.is_some();
        (line.used, line.refunded, line.locked) = (line.used + 1, 7 - line.refunded, 5 - line.locked);
        line.travellers = if filled { Vec::new() } else { vec![shop::traveller("3"), shop::traveller("4")] };
        line.send_codes = !filled;
        line.resent = if filled { 0 } else { 5 };
        line.sent_at = (!filled).then_some(NOW);
    }
    let update = WriteSet { orders_changed: orders.clone(), ..WriteSet::default() };
    desk.commit(&update).await.unwrap();
    check_orders(&mut desk, &orders, &payments).await;
    // What was agreed is written once.
    let mut changed = orders[1].clone();
    let line = changed.line.as_deref_mut().unwrap();
    (line.quantity, line.cost, line.name) = (99, yuan(99), "other".into());
    desk.commit(&WriteSet { orders_changed: vec![changed], ..WriteSet::default() }).await.unwrap();
    check_orders(&mut desk, &orders, &payments).await;
}

async fn check_orders(desk: &mut Desk, orders: &[Order], payments: &[Payment]) {
    for (order, payment) in orders.iter().zip(payments) {
        let number = order.number.clone();
        for need in [
            Need::Order(OWNER, order.id),
            Need::OrderNumber(OWNER, number.clone()),
            Need::VouchersOf(OWNER, order.id),
            Need::VouchersOfNumber(OWNER, number),
        ] {
            for rows in [desk.read(need.clone()).await, desk.load(std::slice::from_ref(&need)).await] {
                assert_eq!(rows.orders, std::slice::from_ref(order), "{need:?}");
                assert_eq!(rows.payments, std::slice::from_ref(payment), "{need:?}");
            }
        }
        let story = desk.store.story(OWNER, order.id).await.unwrap().unwrap();
        assert_eq!(story.order, *order);
    }
    let list = ListOrders {
        from: Timestamp::from_ms(0),
        until: NOW,
        standings: Vec::new(),
        method: None,
        operator: None,
        number: None,
        page: 1,
        page_size: 10,
    };
    let by_operator = ListOrders { operator: Some("op1".into()), ..list.clone() };
    for list in [list, by_operator] {
        let query = OrderQuery { partner: OWNER, list, now: NOW, refund_window: REFUND_WINDOW };
        let page = desk.store.list_orders(query).await.unwrap();
        let newest_first: Vec<(Order, Payment)> =
            orders.iter().cloned().zip(payments.iter().cloned()).rev().collect();
        assert_eq!(page.entries, newest_first);
    }
}

/// The vouchers of an order are found with it, and what was redeemed of them with the event that tells it.
pub async fn vouchers_and_redemptions_of_orders(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let sku = shop::sku(&shop::product(SELLER, 5), 6);
    let (order, payment) = shop::order(1, 1, "ord", shop::line(&sku, 3));
    let (other, other_payment) = shop::order(2, 2, "ord", shop::line(&sku, 1));
    let of = |order: &Order, id: i64| Voucher {
        order: Some(order.id),
        seller: Some(SELLER),
        valid_from: Some(NOW),
        ..samples::voucher(order.partner.get(), id, &Voucher::number_of(order.id, u32::try_from(id).unwrap()))
    };
    let mut vouchers = [of(&order, 11), of(&order, 12), of(&order, 13)];
    let alone = samples::voucher(1, 14, "alone");
    let theirs = of(&other, 15);
    let redemption = |voucher: &Voucher, id: i64| Redemption {
        by: SELLER,
        used_so_far: u32::MAX,
        left: u32::MAX - 1,
        ..samples::redemption(voucher, id)
    };
    // One id may be used by two partners' processes; it is looked for among one's own.
    let made = [redemption(&vouchers[1], 21), redemption(&vouchers[0], 22), redemption(&alone, 24)];
    let not_ours = redemption(&theirs, 21);
    let event = |redemption: &Redemption, number: i64| Event {
        kind: EventKind::VoucherRedeemed,
        redemption: Some(redemption.id),
        ..samples::event(&order, number)
    };
    let of_alone = Event { about: About::Voucher(alone.id), ..event(&made[2], 3) };
    let events = vec![event(&made[0], 1), event(&made[1], 2), of_alone];
    let mut all: Vec<Voucher> = vouchers.to_vec();
    all.extend([alone.clone(), theirs.clone()]);
    all.reverse();
    let mut redemptions = made.to_vec();
    redemptions.push(not_ours);
    let written = WriteSet {
        partners_new: vec![samples::partner(1), samples::partner(2)],
        streams_new: vec![Stream { partner: OWNER, last: 3 }],
        orders_new: vec![order.clone(), other],
        payments_new: vec![payment.clone(), other_payment],
        vouchers_new: all,
        redemptions,
        events: events.clone(),
        ..WriteSet::default()
    };
    desk.commit(&written).await.unwrap();
    let both = [Need::VouchersOf(OWNER, order.id), Need::VouchersOfNumber(OWNER, "ord".into())];
    for need in both.clone() {
        let rows = desk.read(need).await;
        assert_eq!(rows.vouchers, vouchers, "its own, by id");
        assert_eq!((rows.orders, rows.payments), (vec![order.clone()], vec![payment.clone()]));
    }
    let rows = desk.load(&both).await;
    assert_eq!((rows.vouchers.len(), rows.orders.len()), (3, 1), "nothing comes twice");
    let stranger = desk.load(&[Need::VouchersOf(PartnerId::from_i64(2), order.id)]).await;
    assert_eq!((stranger.vouchers.len(), stranger.orders.len()), (0, 0));
    for (event, (redemption, voucher)) in
        events.iter().zip(made.iter().zip([&vouchers[1], &vouchers[0], &alone]))
    {
        let need = Need::Event(OWNER, event.number);
        for rows in [desk.read(need.clone()).await, desk.load(&[need]).await] {
            assert_eq!(rows.events, std::slice::from_ref(event));
            assert_eq!(rows.redemptions, std::slice::from_ref(redemption));
            assert_eq!(rows.vouchers, std::slice::from_ref(voucher));
        }
    }
    let story = desk.store.story(OWNER, order.id).await.unwrap().unwrap();
    assert_eq!(story.vouchers, vouchers);
    assert_eq!(story.redemptions, made[..2]);
    assert_eq!(story.events, events[..2]);

    for voucher in &mut vouchers {
        (voucher.used, voucher.refunded, voucher.locked) = (1, 2, 3);
    }
    let update = WriteSet { vouchers_changed: vouchers.to_vec(), ..WriteSet::default() };
    desk.commit(&update).await.unwrap();
    assert_eq!(desk.load(&[Need::VouchersOf(OWNER, order.id)]).await.vouchers, vouchers);
}

/// What one voucher was used for, newest first, as much as is asked for.
pub async fn redemptions_of_a_voucher(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let vouchers = [samples::voucher(1, 1, "1"), samples::voucher(1, 2, "2"), samples::voucher(2, 3, "3")];
    let redemptions: Vec<Redemption> =
        (0..9).map(|id| samples::redemption(&vouchers[usize::try_from(id % 3).unwrap()], id)).collect();
    let written =
        WriteSet { vouchers_new: vouchers.to_vec(), redemptions: redemptions.clone(), ..WriteSet::default() };
    desk.commit(&written).await.unwrap();
    for (partner, id, limit) in [(1, 1, 9), (1, 2, 2), (1, 2, 0), (2, 3, 3), (2, 1, 9), (1, 4, 9)] {
        let (partner, voucher) = (PartnerId::from_i64(partner), VoucherId::from_i64(id));
        let mut expected = redemptions.clone();
        expected.retain(|made| made.voucher == voucher && made.partner == partner);
        expected.reverse();
        expected.truncate(usize::try_from(limit).unwrap());
        assert_eq!(desk.store.redemptions_of(partner, voucher, limit).await.unwrap(), expected, "{id}");
    }
}

/// Refunds that wait for a decision, each with its order, page by page; no others.
pub async fn refunds_under_review(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let sku = shop::sku(&shop::product(SELLER, 5), 6);
    let (mut orders, mut payments, mut refunds) = (Vec::new(), Vec::new(), Vec::new());
    for n in 1..=30_i64 {
        let (order, payment) = shop::order(n % 2 + 1, 100 - n, &n.to_string(), shop::line(&sku, 3));
        let kind = if n % 5 == 0 { RefundKind::Requested } else { RefundKind::Units };
        let state = RefundState::ALL[usize::try_from(n % 3).unwrap()];
        refunds.push(Refund {
            kind,
            state,
            units: 2,
            units_so_far: 1,
            ..samples::refund(&order, n, &n.to_string())
        });
        orders.push(order);
        payments.push(payment);
    }
    let written = WriteSet {
        orders_new: orders.clone(),
        payments_new: payments,
        refunds_new: refunds.clone(),
        ..WriteSet::default()
    };
    desk.commit(&written).await.unwrap();
    let mut expected: Vec<(Refund, Order)> = refunds.iter().cloned().zip(orders).collect();
    expected.retain(|(refund, _)| refund.kind == RefundKind::Units && refund.state == RefundState::Pending);
    expected.sort_by_key(|(refund, _)| (refund.partner, refund.id));
    assert!(expected.len() > 4);
    for limit in [1, 3, 100] {
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = desk.store.list_refunds_under_review(after, limit).await.unwrap();
            assert!(page.len() <= usize::try_from(limit).unwrap());
            let Some((last, _)) = page.last() else { break };
            after = Some((last.partner, last.id));
            found.extend(page);
        }
        assert_eq!(found, expected, "by {limit}");
    }
    let (mut decided, order) = expected.remove(0);
    decided.state = RefundState::Refused;
    (decided.units_so_far, decided.operator) = (3, "reviewer".into());
    let set = WriteSet { refunds_changed: vec![decided.clone()], ..WriteSet::default() };
    desk.commit(&set).await.unwrap();
    assert_eq!(desk.store.list_refunds_under_review(None, 100).await.unwrap(), expected);
    assert_eq!(desk.read(Need::Order(order.partner, order.id)).await.refunds, [decided]);
}

/// Deposits and what they have moved, found by number, listed by page; sums by account.
pub async fn deposits_and_balances(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let euro: Currency = "EUR".parse().unwrap();
    let mut deposits: Vec<Deposit> =
        (1..=6).map(|id| shop::deposit(1, 10 - id, &format!("号 {id}'"), id - 3)).collect();
    deposits[1].amount = tradewind_domain::Money::from_micros(i64::MIN, euro);
    deposits[2].note = String::new();
    let theirs = shop::deposit(2, 20, "号 1'", 5);
    let transfer = |deposit: &Deposit| Transfer {
        cause: Cause::Deposit(deposit.id),
        debit: Account::Clearing(Deposit::CHANNEL.into()),
        credit: Account::Prepaid,
        kind: TransferKind::Posted,
        purpose: Purpose::Deposit,
        ..samples::transfer(&samples::order(1, 1, ""), deposit.id.get())
    };
    let sums = |n: i64| AccountDelta {
        debits_posted: n,
        credits_posted: 2 * n,
        debits_pending: 3,
        credits_pending: -4,
    };
    let accounts = [
        ((OWNER, Account::Prepaid, "CNY".to_owned()), sums(1)),
        ((OWNER, Account::Prepaid, "EUR".to_owned()), sums(5)),
        ((OWNER, Account::Sales, "CNY".to_owned()), sums(7)),
        ((PartnerId::from_i64(2), Account::Prepaid, "CNY".to_owned()), sums(11)),
    ];
    let written = WriteSet {
        partners_new: vec![samples::partner(1), samples::partner(2)],
        deposits: deposits.iter().chain([&theirs]).cloned().collect(),
        transfers: deposits.iter().map(transfer).collect(),
        accounts: accounts.clone().into(),
        ..WriteSet::default()
    };
    desk.commit(&written).await.unwrap();
    for deposit in &deposits {
        let need = Need::Deposit(OWNER, deposit.number.clone());
        assert_eq!(desk.read(need.clone()).await.deposits, std::slice::from_ref(deposit));
        assert_eq!(desk.load(&[need]).await.deposits, std::slice::from_ref(deposit));
    }
    assert!(desk.load(&[Need::Deposit(PartnerId::from_i64(2), "号 2'".into())]).await.deposits.is_empty());
    deposits.sort_by_key(|deposit| deposit.id);
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = desk.store.list_deposits(OWNER, after, 4).await.unwrap();
        assert!(page.len() <= 4);
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        found.extend(page);
    }
    assert_eq!(found, deposits);

    let balances: Vec<Balance> = accounts
        .iter()
        .map(|((partner, account, currency), sums)| Balance {
            partner: *partner,
            account: account.clone(),
            currency: currency.parse().unwrap(),
            sums: *sums,
        })
        .collect();
    assert_eq!(desk.store.balances(OWNER).await.unwrap(), balances[..3]);
    assert_eq!(desk.store.balances(PartnerId::from_i64(3)).await.unwrap(), []);
    for rows in [desk.read(Need::Balance(OWNER)).await, desk.load(&[Need::Balance(OWNER)]).await] {
        assert_eq!(rows.balances, balances[..2], "the prepaid ones alone");
    }
    assert!(desk.load(&[Need::Balance(PartnerId::from_i64(3))]).await.balances.is_empty());
    // The transfers of a deposit belong to no order, whatever its number.
    for deposit in &deposits {
        let order = samples::order(1, deposit.id.get(), &deposit.number);
        let payments_new = vec![samples::payment(&order)];
        desk.commit(&WriteSet { orders_new: vec![order.clone()], payments_new, ..WriteSet::default() })
            .await
            .unwrap();
        assert_eq!(desk.store.story(OWNER, order.id).await.unwrap().unwrap().transfers, []);
    }
}

/// A number, a code and an id are taken once, and nothing of what conflicts is left behind.
pub async fn purchase_conflicts(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let sku = shop::sku(&shop::product(SELLER, 5), 6);
    let (order, payment) = shop::order(1, 1, "taken", shop::line(&sku, 3));
    let voucher = Voucher { order: Some(order.id), ..samples::voucher(1, 1, "1-1") };
    let deposit = shop::deposit(1, 1, "taken", 5);
    let first = WriteSet {
        partners_new: vec![samples::partner(1), samples::partner(2)],
        orders_new: vec![order.clone()],
        payments_new: vec![payment],
        vouchers_new: vec![voucher.clone()],
        deposits: vec![deposit.clone()],
        ..WriteSet::default()
    };
    desk.commit(&first).await.unwrap();
    // Each set has a purchase that is fine beside what conflicts.
    let mut id = 100;
    let mut beside = |set: WriteSet| {
        id += 1;
        let (order, payment) = shop::order(1, id, &id.to_string(), shop::line(&sku, 1));
        let voucher = Voucher { order: Some(order.id), ..samples::voucher(1, id, &format!("{id}-1")) };
        let WriteSet { mut orders_new, mut vouchers_new, .. } = set;
        orders_new.insert(0, order);
        vouchers_new.insert(0, voucher);
        WriteSet { orders_new, vouchers_new, payments_new: vec![payment], ..set }
    };
    let none = WriteSet::default;
    let other_number = shop::order(1, 9, "taken", shop::line(&sku, 3)).0;
    let changed = shop::order(1, 8, "absent", shop::line(&sku, 3)).0;
    let same_code = Voucher { code: voucher.code, ..samples::voucher(2, 9, "9-1") };
    let conflicts = [
        ("order number", WriteSet { orders_new: vec![other_number], ..none() }),
        ("no such order", WriteSet { orders_changed: vec![changed], ..none() }),
        ("voucher code", WriteSet { vouchers_new: vec![same_code], ..none() }),
        ("voucher number", WriteSet { vouchers_new: vec![samples::voucher(1, 9, "1-1")], ..none() }),
        ("deposit number", WriteSet { deposits: vec![shop::deposit(1, 9, "taken", 1)], ..none() }),
        ("deposit id", WriteSet { deposits: vec![shop::deposit(1, 1, "free", 1)], ..none() }),
        ("partner of a deposit", WriteSet { deposits: vec![shop::deposit(3, 9, "free", 1)], ..none() }),
    ];
    for (what, set) in conflicts {
        let set = beside(set);
        let result = desk.commit(&set).await;
        assert!(matches!(result, Err(StoreError::Conflict(_))), "{what}: {result:?}");
        let gone = Need::VouchersOf(OWNER, set.orders_new[0].id);
        let rows = desk.read(gone).await;
        assert!(rows.orders.is_empty() && rows.vouchers.is_empty() && rows.payments.is_empty(), "{what}");
    }
    desk.commit(&beside(WriteSet { deposits: vec![shop::deposit(2, 2, "taken", 1)], ..none() }))
        .await
        .unwrap();
    let rows = desk.load(&[Need::VouchersOf(OWNER, order.id)]).await;
    assert_eq!((rows.orders, rows.vouchers), (vec![order], vec![voucher]));
    assert_eq!(desk.read(Need::VouchersOf(OWNER, OrderId::from_i64(77))).await.orders, []);
}
