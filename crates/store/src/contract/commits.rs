//! A set is written whole or not at all, and what is written adds up.

use tradewind_domain::{
    Account, AccountDelta, EndpointId, Need, OrderStage, PartnerId, Stream, TaskState, UserState, WriteSet,
};

use super::Fixture;
use super::desk::Desk;
use super::samples;
use super::shop;
use crate::StoreError;

const OWNER: PartnerId = PartnerId::from_i64(1);

/// A number is unique in its partner's books, a key id in its dialect.
pub async fn unique_numbers_conflict(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let order = samples::order(1, 1, "taken");
    let theirs = samples::order(2, 2, "theirs");
    let first = WriteSet {
        partners_new: vec![samples::partner(1), samples::partner(2)],
        credentials_new: vec![samples::credential(1, 1, "key")],
        users_new: vec![samples::user(1, 1, "login")],
        orders_new: vec![order.clone(), theirs.clone()],
        payments_new: vec![samples::payment(&order), samples::payment(&theirs)],
        refunds_new: vec![samples::refund(&order, 1, "taken too")],
        streams_new: vec![Stream { partner: OWNER, last: 1 }],
        events: vec![samples::event(&order, 1)],
        ..WriteSet::default()
    };
    desk.commit(&first).await.unwrap();
    let none = WriteSet::default;
    let conflicts = [
        ("order number", WriteSet { orders_new: vec![samples::order(1, 10, "taken")], ..none() }),
        ("order id", WriteSet { orders_new: vec![samples::order(1, 1, "free")], ..none() }),
        ("refund number", WriteSet { refunds_new: vec![samples::refund(&order, 10, "taken too")], ..none() }),
        ("payment id", WriteSet { payments_new: vec![samples::payment(&order)], ..none() }),
        ("key id", WriteSet { credentials_new: vec![samples::credential(2, 10, "key")], ..none() }),
        ("login", WriteSet { users_new: vec![samples::user(1, 10, "login")], ..none() }),
        ("event number", WriteSet { events: vec![samples::event(&order, 1)], ..none() }),
        ("stream", WriteSet { streams_new: vec![Stream { partner: OWNER, last: 1 }], ..none() }),
        ("partner", WriteSet { partners_new: vec![samples::partner(1)], ..none() }),
        ("partner of a user", WriteSet { users_new: vec![samples::user(3, 10, "login")], ..none() }),
    ];
    for (what, set) in conflicts {
        let result = desk.commit(&set).await;
        assert!(matches!(result, Err(StoreError::Conflict(_))), "{what}: {result:?}");
    }
    let fine = WriteSet {
        credentials_new: vec![samples::credential(1, 2, "key"), samples::credential(2, 3, "other key")],
        users_new: vec![samples::user(2, 2, "login")],
        orders_new: vec![samples::order(2, 11, "taken")],
        refunds_new: vec![samples::refund(&theirs, 11, "taken too")],
        ..WriteSet::default()
    };
    desk.commit(&fine).await.unwrap();
    let key = Need::KeyId { dialect: samples::DIALECT.into(), key_id: "key".into() };
    assert_eq!(desk.read(key).await.credentials.len(), 2);
}

/// A set whose last row conflicts leaves nothing of any table behind, and the lane goes on.
pub async fn a_set_with_a_conflict_leaves_nothing(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    desk.add_partner(1).await;
    let (placed, _) = desk.place(1, "first").await;
    let product = shop::product(OWNER, 7);
    let sku = shop::sku(&product, 7);
    let (order, _) = shop::order(1, 50, "second", shop::line(&sku, 7));
    let mut changed = placed.clone();
    changed.stage = OrderStage::Closed;
    let set = WriteSet {
        partners_new: vec![samples::partner(7)],
        credentials_new: vec![samples::credential(7, 7, "seven")],
        users_new: vec![samples::user(1, 7, "seven")],
        endpoints_new: vec![samples::endpoint(7, 7)],
        endpoints_removed: vec![(OWNER, EndpointId::from_i64(1))],
        streams_new: vec![Stream { partner: PartnerId::from_i64(7), last: 1 }],
        orders_new: vec![order.clone()],
        orders_changed: vec![changed],
        payments_new: vec![samples::payment(&order)],
        refunds_new: vec![samples::refund(&order, 7, "seven")],
        transfers: vec![samples::transfer(&order, 7)],
        accounts: [(
            (OWNER, Account::Fees, "CNY".into()),
            AccountDelta { debits_posted: 1, ..AccountDelta::default() },
        )]
        .into(),
        events: vec![samples::event(&order, 7)],
        products_new: vec![product.clone()],
        skus_new: vec![sku.clone()],
        stocks_new: vec![shop::stock(&sku, None, 7)],
        deposits: vec![shop::deposit(1, 7, "seven", 7)],
        tasks_new: vec![samples::task(1, 50, 7, 0)],
        facts: vec![tradewind_domain::Fact { name: "left".into(), value: "behind".into() }],
        ..WriteSet::default()
    };
    // The task of this set is there already.
    let blocker = WriteSet { tasks_new: vec![samples::task(1, 50, 7, 9)], ..WriteSet::default() };
    desk.commit(&blocker).await.unwrap();
    let result = desk.commit(&set).await;
    assert!(matches!(result, Err(StoreError::Conflict(_))), "{result:?}");
    let gone = [
        Need::Partner(PartnerId::from_i64(7)),
        Need::Credentials(PartnerId::from_i64(7)),
        Need::User(OWNER, "seven".into()),
        Need::Order(OWNER, order.id),
        Need::RefundNumber(OWNER, "seven".into()),
        Need::Event(OWNER, 7),
        Need::Product(product.id),
        Need::Sku(sku.id),
        Need::Stock(shop::stock(&sku, None, 7).key),
        Need::Deposit(OWNER, "seven".into()),
    ];
    for need in gone {
        let rows = desk.read(need.clone()).await;
        let empty = format!("{:?}", tradewind_domain::Rows::default());
        assert_eq!(format!("{rows:?}"), empty, "{need:?} was left behind");
    }
    assert_eq!(desk.read(Need::Order(OWNER, placed.id)).await.orders, [placed]);
    assert_eq!(desk.read(Need::Partner(OWNER)).await.endpoints.len(), 1);
    assert_eq!(desk.store.fact("left".into()).await.unwrap(), None);
    desk.commit(&WriteSet { tasks_removed: vec![samples::task(1, 50, 7, 9).key], ..WriteSet::default() })
        .await
        .unwrap();
    assert_eq!(
        desk.store.verify().await.unwrap().findings,
        [""; 0],
        "no transfer, no sum, no stream was left"
    );
    desk.place(1, "second").await;
}

/// An update of a row that is not there is a conflict; a task may have gone.
pub async fn updates_need_their_row(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let order = samples::order(1, 1, "1");
    let none = WriteSet::default;
    let sets = [
        WriteSet { orders_changed: vec![order.clone()], ..none() },
        WriteSet { payments_changed: vec![samples::payment(&order)], ..none() },
        WriteSet { refunds_changed: vec![samples::refund(&order, 1, "1")], ..none() },
        WriteSet { partners_changed: vec![samples::partner(1)], ..none() },
        WriteSet { credentials_changed: vec![samples::credential(1, 1, "1")], ..none() },
        WriteSet {
            users_changed: vec![tradewind_domain::User {
                state: UserState::Locked,
                ..samples::user(1, 1, "1")
            }],
            ..none()
        },
        WriteSet { streams_changed: vec![Stream { partner: OWNER, last: 2 }], ..none() },
    ];
    for set in sets {
        let result = desk.commit(&set).await;
        assert!(matches!(result, Err(StoreError::Conflict(_))), "{set:?}: {result:?}");
    }
    let gone = WriteSet {
        tasks_changed: vec![samples::task(1, 1, 1, 0)],
        tasks_removed: vec![samples::task(1, 1, 2, 0).key],
        endpoints_removed: vec![(OWNER, EndpointId::from_i64(1))],
        ..none()
    };
    desk.commit(&gone).await.unwrap();
    assert!(desk.read(Need::Task(samples::task(1, 1, 1, 0).key)).await.tasks.is_empty());
}

/// Deltas of several commits add up, in both directions.
pub async fn account_sums_accumulate(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    desk.add_partner(1).await;
    let account = |account| (OWNER, account, "CNY".to_owned());
    let by = |debits_posted, credits_posted, debits_pending, credits_pending| AccountDelta {
        debits_posted,
        credits_posted,
        debits_pending,
        credits_pending,
    };
    for (one, other) in [(by(5, 0, 7, 0), by(0, 5, 0, 7)), (by(-2, 0, -7, 0), by(0, -2, 0, -7))] {
        let accounts = [(account(Account::Fees), one), (account(Account::Payable), other)].into();
        desk.commit(&WriteSet { accounts, ..WriteSet::default() }).await.unwrap();
    }
    let findings = desk.store.verify().await.unwrap().findings;
    assert_eq!(findings.len(), 2, "two sums without transfers: {findings:?}");
    for finding in findings {
        assert!(finding.contains("_posted: 3") && finding.contains("_pending: 0"), "{finding}");
        assert!(!finding.contains('7') && !finding.contains("_posted: 5"), "{finding}");
    }
}

/// A stream begins once and then moves on.
pub async fn streams_go_on(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let partners_new = vec![samples::partner(1)];
    let begin = WriteSet {
        partners_new,
        streams_new: vec![Stream { partner: OWNER, last: 1 }],
        ..WriteSet::default()
    };
    desk.commit(&begin).await.unwrap();
    for last in [2, 90, i64::MAX] {
        let on = WriteSet { streams_changed: vec![Stream { partner: OWNER, last }], ..WriteSet::default() };
        desk.commit(&on).await.unwrap();
        assert_eq!(desk.load(&[Need::Partner(OWNER)]).await.streams, [Stream { partner: OWNER, last }]);
    }
}

/// Tasks are inserted, changed and removed; one that has gone is not brought back by a change.
pub async fn tasks_change_while_they_are_there(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let task = samples::task(1, 5, 1, 0);
    let need = [Need::Task(task.key)];
    desk.commit(&WriteSet { tasks_new: vec![task.clone()], ..WriteSet::default() }).await.unwrap();
    let mut done = task.clone();
    done.state = TaskState::Done;
    done.attempts = 3;
    desk.commit(&WriteSet { tasks_changed: vec![done.clone()], ..WriteSet::default() }).await.unwrap();
    assert_eq!(desk.load(&need).await.tasks, [done.clone()]);
    desk.commit(&WriteSet { tasks_removed: vec![task.key], ..WriteSet::default() }).await.unwrap();
    assert_eq!(desk.load(&need).await.tasks, []);
    desk.commit(&WriteSet { tasks_changed: vec![done], ..WriteSet::default() }).await.unwrap();
    assert_eq!(desk.load(&need).await.tasks, []);
}

/// Whoever reads after a commit was answered sees it, by every way to read.
pub async fn a_commit_is_seen_by_the_next_read(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    desk.add_partner(1).await;
    for number in 0..20 {
        let (order, payment) = desk.place(1, &number.to_string()).await;
        let rows = desk.read(Need::Order(OWNER, order.id)).await;
        assert_eq!((rows.orders, rows.payments), (vec![order.clone()], vec![payment]));
        let story = desk.store.story(OWNER, order.id).await.unwrap().unwrap();
        assert_eq!(story.tasks.len(), 1);
    }
    desk.store.ping().await.unwrap();
}

/// Two lanes that both saw a number free do not both take it. A store with one lane cannot be asked.
pub async fn lanes_do_not_both_take_a_number(fixture: Fixture) {
    if fixture.store.lanes() < 2 {
        return;
    }
    let mut one = Desk::open(&fixture.store).await;
    one.add_partner(1).await;
    let mut other = Desk::open(&fixture.store).await;
    let mut sets = Vec::new();
    for desk in [&mut one, &mut other] {
        desk.now = desk.now + tradewind_domain::Span::from_secs(i64::try_from(sets.len()).unwrap());
        let new = desk.new_order(1, "wanted twice", samples::yuan(1), tradewind_domain::Flow::PayerCode);
        let place = tradewind_domain::Command::PlaceOrder(Box::new(new));
        let (view, decided) = desk.decide(vec![place]).await;
        assert!(decided[0].is_ok(), "the number is free");
        sets.push(view.into_write_set());
    }
    one.commit(&sets[0]).await.unwrap();
    let late = other.commit(&sets[1]).await;
    assert!(matches!(late, Err(StoreError::Conflict(_))), "{late:?}");
    let kept = sets[0].orders_new.clone();
    assert_eq!(one.read(Need::OrderNumber(OWNER, "wanted twice".into())).await.orders, kept);
}

/// Writing nothing is no error.
pub async fn an_empty_set_is_fine(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    desk.commit(&WriteSet::default()).await.unwrap();
    assert!(desk.store.claim_node().await.is_ok());
}
