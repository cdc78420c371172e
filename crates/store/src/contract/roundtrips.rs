//! What is written is read back as it was: every noun, every variant, every optional field.

use tradewind_domain::{
    About, Account, Currency, Day, Device, EndpointId, EventKind, Fact, Flow, Money, Need, Order, OrderId,
    OrderStage, Partner, PartnerId, PartnerState, Payment, PaymentState, ProductId, Purpose, Refund,
    RefundId, RefundKind, RefundState, Rows, SkuId, StockKey, Stream, TaskId, TaskKey, TaskKind, TaskState,
    Terminal, TransferId, TransferKind, UserState, VoucherId, WriteSet,
};

use super::Fixture;
use super::desk::Desk;
use super::samples::{self, NOW, yuan};
use crate::StoreError;

const OWNER: PartnerId = PartnerId::from_i64(1);

/// Partners, credentials, users, endpoints and streams.
pub async fn partners_and_what_belongs_to_them(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let mut partner = samples::partner(1);
    let bare =
        Partner { methods: Vec::new(), settings: String::new(), name: String::new(), ..samples::partner(2) };
    let mut credential = samples::credential(1, 1, "0010000001");
    let second = samples::credential(1, 2, "0010000001");
    let mut users: Vec<_> = [UserState::Active, UserState::Locked, UserState::Deleted]
        .into_iter()
        .zip(1..)
        .map(|(state, id)| tradewind_domain::User { state, ..samples::user(1, id, &format!("login{id}")) })
        .collect();
    let endpoints = [
        samples::endpoint(1, 1),
        tradewind_domain::Endpoint { events: EventKind::ALL.to_vec(), ..samples::endpoint(1, 2) },
    ];
    let written = WriteSet {
        partners_new: vec![partner.clone(), bare.clone()],
        credentials_new: vec![credential.clone(), second.clone()],
        users_new: users.clone(),
        endpoints_new: endpoints.to_vec(),
        streams_new: vec![Stream { partner: OWNER, last: 7 }],
        ..WriteSet::default()
    };
    desk.commit(&written).await.unwrap();
    let rows = desk.read(Need::Partner(OWNER)).await;
    assert_eq!(rows.partners, [partner.clone()]);
    assert_eq!(rows.endpoints, endpoints);
    assert_eq!(rows.streams, [Stream { partner: OWNER, last: 7 }]);
    let rows = desk.read(Need::Partner(bare.id)).await;
    assert_eq!((rows.partners, rows.endpoints.len(), rows.streams.len()), (vec![bare], 0, 0));

    partner.name = "renamed".into();
    partner.state = PartnerState::Suspended;
    partner.methods.reverse();
    partner.fee_ppm = u32::MAX;
    partner.settings = "{}".into();
    partner.credit_limit = Money::from_micros(i64::MAX, "EUR".parse().unwrap());
    credential.expires_at = Some(NOW);
    users[0].state = UserState::Deleted;
    users[0].signed_in_at = Some(NOW);
    users[0].may_refund = true;
    users[0].device = Device { serial: "imei".into(), software: "pos".into(), version: "1.2".into() };
    let changed = WriteSet {
        partners_changed: vec![partner.clone()],
        credentials_changed: vec![credential.clone()],
        users_changed: vec![users[0].clone()],
        endpoints_removed: vec![(OWNER, EndpointId::from_i64(1))],
        ..WriteSet::default()
    };
    desk.commit(&changed).await.unwrap();
    let rows = desk.load(&[Need::Partner(OWNER), Need::Credentials(OWNER)]).await;
    assert_eq!(rows.partners, [partner]);
    assert_eq!(rows.endpoints, endpoints[1..]);
    assert_eq!(rows.credentials, [credential.clone(), second.clone()]);
    let by_name = Need::KeyId { dialect: samples::DIALECT.into(), key_id: "0010000001".into() };
    assert_eq!(desk.read(by_name).await.credentials, [credential, second]);
    for user in users {
        assert_eq!(desk.read(Need::User(OWNER, user.login.clone())).await.users, [user]);
    }
}

/// Orders in every stage, bare and with everything filled.
pub async fn orders(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let mut number = 0;
    for stage in OrderStage::ALL {
        for filled in [false, true] {
            number += 1;
            let order = Order { stage, ..samples::order(1, number, &format!("号 {number}'\"")) };
            let order = if filled { fill_order(order) } else { order };
            let payment = samples::payment(&order);
            let written = WriteSet {
                orders_new: vec![order.clone()],
                payments_new: vec![payment.clone()],
                ..WriteSet::default()
            };
            desk.commit(&written).await.unwrap();
            let by_id = Need::Order(OWNER, order.id);
            let by_number = Need::OrderNumber(OWNER, order.number.clone());
            for rows in [desk.read(by_id.clone()).await, desk.load(&[by_number]).await] {
                assert_eq!((&rows.orders, &rows.payments), (&vec![order.clone()], &vec![payment.clone()]));
            }
            for next in OrderStage::ALL {
                let mut changed = order.clone();
                changed.stage = next;
                changed.revocation_applied = !order.revocation_applied;
                changed.refunded = yuan(11);
                changed.refunding = yuan(12);
                changed.refund_failed = !order.refund_failed;
                changed.paid_at = if filled { None } else { Some(NOW) };
                changed.ended_at = if filled { None } else { Some(NOW) };
                let update = WriteSet { orders_changed: vec![changed.clone()], ..WriteSet::default() };
                desk.commit(&update).await.unwrap();
                assert_eq!(desk.load(std::slice::from_ref(&by_id)).await.orders, [changed]);
            }
        }
    }
}

fn fill_order(order: Order) -> Order {
    Order {
        amount: Money::from_micros(i64::MAX, Currency::CNY),
        refunded: Money::from_micros(1, Currency::CNY),
        refunding: Money::from_micros(2, Currency::CNY),
        revocation_applied: true,
        refund_failed: true,
        paid_at: Some(NOW),
        ended_at: Some(NOW),
        terminal: Terminal {
            operator: String::new(), device: "设备".into(), store: Some("store 1".into())
        },
        notify_url: Some("http://127.0.0.1/told?a=b".into()),
        details: Some("{\"ATTACH\":\"x\"}".into()),
        ..order
    }
}

/// Payments in every flow and state, bare and with everything filled.
pub async fn payments(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let mut number = 0;
    for flow in [Flow::PayerCode, Flow::PayerScans, Flow::InWallet, Flow::InApp, Flow::FromBalance] {
        for state in PaymentState::ALL {
            number += 1;
            let order = samples::order(1, number, &number.to_string());
            let bare = Payment { flow, state, ..samples::payment(&order) };
            let filled = Payment {
                payer_code: Some("28".into()),
                payer: Some("payer".into()),
                channel_number: Some("channel's".into()),
                bills: samples::bills(),
                reason: Some("余额不足".into()),
                settled_at: Some(NOW),
                follow_up: Some(TaskId::from_i64(number)),
                ..bare.clone()
            };
            let (first, changed) = if number % 2 == 0 {
                (bare, Payment { payer_code: None, ..filled })
            } else {
                let changed = Payment { payer_code: filled.payer_code.clone(), ..bare };
                (filled, changed)
            };
            let written = WriteSet {
                orders_new: vec![order.clone()],
                payments_new: vec![first.clone()],
                ..WriteSet::default()
            };
            desk.commit(&written).await.unwrap();
            let need = Need::Order(OWNER, order.id);
            assert_eq!(desk.read(need.clone()).await.payments, [first]);
            let update = WriteSet { payments_changed: vec![changed.clone()], ..WriteSet::default() };
            desk.commit(&update).await.unwrap();
            assert_eq!(desk.load(&[need]).await.payments, [changed]);
        }
    }
}

/// Refunds of every kind and state, found with their order and by their number.
pub async fn refunds(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let order = samples::order(1, 1, "1");
    let payment = samples::payment(&order);
    let without = WriteSet {
        orders_new: vec![order.clone()],
        payments_new: vec![payment.clone()],
        ..WriteSet::default()
    };
    desk.commit(&without).await.unwrap();
    assert_eq!(desk.read(Need::Order(OWNER, order.id)).await.refunds, []);
    let mut written = Vec::new();
    for kind in [RefundKind::Requested, RefundKind::Revocation, RefundKind::LateSuccess, RefundKind::Units] {
        for state in RefundState::ALL {
            let id = i64::try_from(written.len()).unwrap() + 1;
            let units = u32::try_from(id % 3).unwrap() * (u32::MAX / 2);
            let bare = Refund { kind, state, units, ..samples::refund(&order, id, &format!("R{id}")) };
            let filled = Refund {
                units_so_far: u32::MAX,
                operator: "评审".into(),
                channel_number: Some("c".into()),
                bills: samples::bills(),
                reason: Some("refused".into()),
                settled_at: Some(NOW),
                follow_up: Some(TaskId::from_i64(id)),
                ..bare.clone()
            };
            let (first, changed) = if id % 2 == 0 { (bare, filled) } else { (filled, bare) };
            let set = WriteSet { refunds_new: vec![first.clone()], ..WriteSet::default() };
            desk.commit(&set).await.unwrap();
            let rows = desk.read(Need::RefundNumber(OWNER, first.number.clone())).await;
            assert_eq!(rows.orders, std::slice::from_ref(&order), "a refund comes with its order");
            assert_eq!(rows.payments, std::slice::from_ref(&payment), "and the order's payments");
            assert!(rows.refunds.contains(&first));
            let set = WriteSet { refunds_changed: vec![changed.clone()], ..WriteSet::default() };
            desk.commit(&set).await.unwrap();
            written.push(changed);
            assert_eq!(desk.load(&[Need::Order(OWNER, order.id)]).await.refunds, written);
        }
    }
    let both = [Need::RefundNumber(OWNER, "R1".into()), Need::OrderNumber(OWNER, "1".into())];
    let rows = desk.load(&both).await;
    assert_eq!((rows.orders.len(), rows.refunds.len()), (1, written.len()), "no order is loaded twice");
}

/// Tasks of every kind and state.
pub async fn tasks(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let kinds = [
        TaskKind::Deliver { event: i64::MAX, endpoint: None },
        TaskKind::Deliver { event: 1, endpoint: Some(EndpointId::from_i64(9)) },
        TaskKind::FollowPayment(tradewind_domain::PaymentId::from_i64(8)),
        TaskKind::FollowRefund(RefundId::from_i64(7)),
        TaskKind::LapseOrder,
        TaskKind::ApproveRefund(RefundId::from_i64(i64::MAX)),
        TaskKind::SendCodes,
    ];
    let mut id = 0;
    for kind in kinds {
        for state in TaskState::ALL {
            id += 1;
            let mut task = samples::task(1, 5, id, 10);
            task.key.about = match id % 3 {
                0 => About::Order(OrderId::from_i64(5)),
                1 => About::Voucher(VoucherId::from_i64(5)),
                _ => About::Sku(SkuId::from_i64(5)),
            };
            task.kind = kind;
            task.state = state;
            desk.commit(&WriteSet { tasks_new: vec![task.clone()], ..WriteSet::default() }).await.unwrap();
            assert_eq!(desk.read(Need::Task(task.key)).await.tasks, [task.clone()]);
            for next in TaskState::ALL {
                task.state = next;
                task.attempts += u32::MAX / 8;
                task.started_at = task.due_at;
                task.due_at = NOW;
                task.last_result = task.last_result.is_none().then(|| "HTTP 500".into());
                desk.commit(&WriteSet { tasks_changed: vec![task.clone()], ..WriteSet::default() })
                    .await
                    .unwrap();
                assert_eq!(desk.load(&[Need::Task(task.key)]).await.tasks, [task.clone()]);
            }
        }
    }
}

/// Transfers and events of every kind, found through the story of their order.
pub async fn transfers_and_events(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let order = samples::order(1, 1, "1");
    let accounts = [
        Account::Clearing("sandbox".into()),
        Account::Fees,
        Account::Payable,
        Account::Prepaid,
        Account::Sales,
        Account::Suspense,
    ];
    let hold = TransferId::from_i64(1);
    let kinds =
        [TransferKind::Posted, TransferKind::Pending, TransferKind::Posts(hold), TransferKind::Voids(hold)];
    let purposes = [Purpose::Payment, Purpose::Fee, Purpose::FeeReturn, Purpose::Refund, Purpose::Deposit];
    let mut transfers = Vec::new();
    for (debit, credit) in accounts.iter().zip(accounts.iter().rev()) {
        for (kind, purpose) in kinds.into_iter().cycle().zip(purposes) {
            let id = i64::try_from(transfers.len()).unwrap() + 1;
            let (debit, credit) = (debit.clone(), credit.clone());
            transfers.push(tradewind_domain::Transfer {
                debit,
                credit,
                kind,
                purpose,
                ..samples::transfer(&order, id)
            });
        }
    }
    let mut events = Vec::new();
    for (kind, number) in EventKind::ALL.into_iter().zip(1..) {
        let refund = (number % 2 == 0).then(|| RefundId::from_i64(number));
        events.push(tradewind_domain::Event { kind, refund, ..samples::event(&order, number) });
    }
    let written = WriteSet {
        partners_new: vec![samples::partner(1)],
        orders_new: vec![order.clone()],
        payments_new: vec![samples::payment(&order)],
        transfers: transfers.clone(),
        events: events.clone(),
        ..WriteSet::default()
    };
    desk.commit(&written).await.unwrap();
    let story = desk.store.story(OWNER, order.id).await.unwrap().unwrap();
    assert_eq!(story.transfers, transfers);
    assert_eq!(story.events, events);
    let number = i64::try_from(events.len()).unwrap() + 1;
    let of_sku = tradewind_domain::Event {
        about: About::Sku(SkuId::from_i64(order.id.get())),
        ..samples::event(&order, number)
    };
    desk.commit(&WriteSet { events: vec![of_sku.clone()], ..WriteSet::default() }).await.unwrap();
    assert_eq!(desk.store.story(OWNER, order.id).await.unwrap().unwrap().events, events, "a sku is no order");
    for event in events.into_iter().chain([of_sku]) {
        assert_eq!(desk.read(Need::Event(OWNER, event.number)).await.events, [event]);
    }
}

/// What is not there is left out.
pub async fn absent_rows_are_left_out(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let order = OrderId::from_i64(5);
    let needs = [
        Need::Partner(OWNER),
        Need::Order(OWNER, order),
        Need::OrderNumber(OWNER, String::new()),
        Need::RefundNumber(OWNER, "x".into()),
        Need::Task(TaskKey { partner: OWNER, about: About::Order(order), id: TaskId::from_i64(1) }),
        Need::Event(OWNER, 1),
        Need::KeyId { dialect: samples::DIALECT.into(), key_id: "x".into() },
        Need::Credentials(OWNER),
        Need::User(OWNER, "x".into()),
        Need::Voucher(OWNER, VoucherId::from_i64(1)),
        Need::VoucherNumber(OWNER, "x".into()),
        Need::VoucherCode(samples::voucher_code(1)),
        Need::VouchersOf(OWNER, order),
        Need::VouchersOfNumber(OWNER, "x".into()),
        Need::Product(ProductId::from_i64(1)),
        Need::Sku(SkuId::from_i64(1)),
        Need::Stock(StockKey { sku: SkuId::from_i64(1), day: None }),
        Need::Stock(StockKey { sku: SkuId::from_i64(1), day: Some(Day::from_number(1)) }),
        Need::Balance(OWNER),
        Need::Deposit(OWNER, "x".into()),
        Need::Listeners(EventKind::ProductChanged),
    ];
    for rows in [desk.load(&needs).await, desk.store.read(needs.to_vec()).await.unwrap()] {
        assert_eq!(format!("{rows:?}"), format!("{:?}", Rows::default()));
    }
    assert!(desk.store.story(OWNER, order).await.unwrap().is_none());
    assert!(desk.load(&[]).await.orders.is_empty());
}

/// Rows are found only in the books of the partner that is asked for.
pub async fn nobody_sees_the_rows_of_another(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    desk.add_partner(1).await;
    desk.add_partner(2).await;
    let (order, _) = desk.place(1, "same number").await;
    let (other, _) = desk.place(2, "same number").await;
    let stranger = PartnerId::from_i64(2);
    let needs = [Need::Order(stranger, order.id), Need::OrderNumber(stranger, "same number".into())];
    let rows = desk.load(&needs).await;
    assert_eq!(rows.orders.iter().map(|order| order.id).collect::<Vec<_>>(), [other.id]);
    assert!(desk.store.story(stranger, order.id).await.unwrap().is_none());
}

/// Facts are found by the beginning of their name, to the letter.
pub async fn facts_by_prefix(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let names = ["ids:1", "ids:1:0", "ids:1:63", "ids:10", "ids:10:0", "IDS:1:0", "ids%1:0"];
    let facts: Vec<Fact> =
        names.iter().map(|name| Fact { name: (*name).into(), value: format!("of {name}") }).collect();
    desk.commit(&WriteSet { facts, ..WriteSet::default() }).await.unwrap();
    let check = async |prefix: &str, expected: &[&str]| {
        let found = desk.store.facts(prefix.into()).await.unwrap();
        let found: Vec<_> = found.iter().map(|fact| (fact.name.as_str(), fact.value.clone())).collect();
        let expected: Vec<_> = expected.iter().map(|name| (*name, format!("of {name}"))).collect();
        assert_eq!(found, expected, "{prefix:?}");
    };
    check("ids:1:", &["ids:1:0", "ids:1:63"]).await;
    check("ids:10", &["ids:10", "ids:10:0"]).await;
    check("ids_", &[]).await;
    check("ids:2", &[]).await;
}

/// A fact that must be new conflicts with one of its name, and leaves nothing of its set behind.
pub async fn facts_are_settled_once(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let fact = |name: &str, value: &str| Fact { name: name.into(), value: value.into() };
    let set = |value: &str, beside: &str| WriteSet {
        facts_new: vec![fact("purpose", value)],
        facts: vec![fact(beside, "there")],
        ..WriteSet::default()
    };
    desk.commit(&set("business", "first")).await.unwrap();
    for value in ["sandbox", "business"] {
        let late = desk.commit(&set(value, "second")).await;
        assert!(matches!(late, Err(StoreError::Conflict(_))), "{late:?}");
    }
    assert_eq!(desk.store.fact("purpose".into()).await.unwrap(), Some(fact("purpose", "business")));
    assert_eq!(desk.store.fact("first".into()).await.unwrap(), Some(fact("first", "there")));
    assert_eq!(desk.store.fact("second".into()).await.unwrap(), None);
}

/// Facts are kept by name, the latest value counts.
pub async fn facts_are_remembered(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    assert_eq!(desk.store.fact("clock".into()).await.unwrap(), None);
    for value in ["1", "", "{\"at\":2}"] {
        let fact = Fact { name: "clock".into(), value: value.into() };
        desk.commit(&WriteSet { facts: vec![fact.clone()], ..WriteSet::default() }).await.unwrap();
        assert_eq!(desk.store.fact("clock".into()).await.unwrap(), Some(fact));
    }
    assert_eq!(desk.store.fact("cloc".into()).await.unwrap(), None);
}
