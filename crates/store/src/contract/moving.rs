//! Moving a gateway: everything arrives as it was, once, however often the copy is interrupted.
//!
//! A store's test file names how a future is run and how a [`Pair`] of empty databases is made:
//!
//! ```text
//! tradewind_store::moving_contract_tests!(run, pair);
//! ```

use std::any::Any;
use std::ops::ControlFlow;
use std::sync::Arc;

use tradewind_domain::{
    About, Account, Cause, Day, Event, EventKind, Fact, Need, Order, Partner, PartnerId, Purpose, Stock,
    Stream, Transfer, Voucher, WriteSet,
};

use crate::moving::{
    Chunk, Copied, CopyError, CopyOptions, End, Movable, NotServable, Section, before_serving, complete,
    copy, differences,
};
use crate::{Store, StoreError};

use super::desk::Desk;
use super::life::do_business;
use super::samples::{self, yuan};
use super::shop;
use super::tickets::do_ticketing;

/// Two empty databases, to be used up by one check.
pub struct Pair {
    /// The one to copy.
    pub source: Arc<dyn Movable>,
    /// The one to copy it into; may be another store than the source's.
    pub target: Arc<dyn Movable>,
    /// Whatever has to live as long as the databases; dropped last.
    pub keep: Box<dyn Any + Send>,
}

/// Makes one `#[test]` for each check of moving: see [`mod@crate::contract::moving`].
#[macro_export]
macro_rules! moving_contract_tests {
    ($run:ident, $pair:ident) => {
        $crate::moving_contract_tests! {@checks $run, $pair,
            everything_arrives_as_it_was, a_copy_goes_on_after_each_chunk, a_chunk_is_taken_in_once,
            targets_that_are_not_empty_are_refused, a_gateway_on_the_source_ends_the_copy,
            a_complete_copy_is_repeated_without_doing_anything, a_complete_copy_of_an_older_source_is_refused,
            a_copy_killed_after_retiring_its_source_is_completed, half_a_copy_is_not_served, sections_are_given_out_in_chunks_of_any_size
        }
    };
    (@checks $run:ident, $pair:ident, $($check:ident),+) => {$(
        #[test]
        fn $check() {
            $run($crate::contract::moving::$check($pair()));
        }
    )+};
}

/// Every noun with every optional field, and a business of a few hundred commands.
pub async fn everything_arrives_as_it_was(pair: Pair) {
    fill(&pair.source).await;
    let order = every_field(&pair.source).await;
    let told = run(&pair, "first", 7, u64::MAX).await.unwrap();
    assert!(told > 50, "the copy had {told} chunks");
    for &section in Section::ALL {
        let (source, target) =
            (everything(&pair.source, section).await, everything(&pair.target, section).await);
        if section == Section::Facts {
            continue;
        }
        assert_eq!(source.0, target.0, "rows of {}", section.name());
        assert_eq!(source.1, target.1, "{}", section.name());
    }
    let story = |store: &Arc<dyn Movable>| {
        let store = Arc::clone(store);
        async move { format!("{:?}", store.story(PartnerId::from_i64(8), order).await.unwrap().unwrap()) }
    };
    assert_eq!(story(&pair.source).await, story(&pair.target).await);
    let remembered = pair.target.fact("ids:0".into()).await.unwrap();
    assert_eq!(remembered.map(|fact| fact.value), Some("1763780000001".into()));
    // What verifies the same has the same sums of accounts too: they are checked against the transfers.
    let (source, target) = (pair.source.verify().await.unwrap(), pair.target.verify().await.unwrap());
    assert_eq!(differences(&source, &target), [""; 0]);
    complete(&*pair.source, &*pair.target, false).await.unwrap();
    before_serving(&*pair.target).await.unwrap();
    // The copy is worked with like any other: what belongs to the source's rows is found.
    let target: Arc<dyn Store> = pair.target.clone();
    let mut desk = Desk::open(&target).await;
    desk.now = desk.now + tradewind_domain::Span::from_days(400);
    desk.place(1, "after the move").await;
}

/// Stopped after each chunk and started again, it ends as one that was never stopped.
pub async fn a_copy_goes_on_after_each_chunk(pair: Pair) {
    fill(&pair.source).await;
    let mut runs = 0_u64;
    loop {
        match run(&pair, &format!("run {runs}"), 15, 1).await {
            Ok(_) => break,
            Err(CopyError::Stopped) => runs += 1,
            Err(error) => panic!("run {runs}: {error}"),
        }
    }
    assert!(runs > 20, "the copy had {runs} chunks");
    let (source, target) = (pair.source.verify().await.unwrap(), pair.target.verify().await.unwrap());
    assert_eq!(differences(&source, &target), [""; 0]);
    // Everything is there and not declared complete: it only says so again.
    assert_eq!(run(&pair, "again", 15, u64::MAX).await.unwrap(), 0);
    complete(&*pair.source, &*pair.target, false).await.unwrap();
}

/// A copy that is complete is found to be so as often as one likes, and can still have its source
/// retired. One of another source, or of this one before it was worked with, is refused.
pub async fn a_complete_copy_is_repeated_without_doing_anything(pair: Pair) {
    fill(&pair.source).await;
    assert_eq!(outcome(&pair, "first").await.unwrap(), Copied::Now);
    complete(&*pair.source, &*pair.target, false).await.unwrap();
    let before = everything(&pair.target, Section::Facts).await;
    for _ in 0..2 {
        assert_eq!(outcome(&pair, "again").await.unwrap(), Copied::Before);
        complete(&*pair.source, &*pair.target, false).await.unwrap();
        before_serving(&*pair.target).await.unwrap();
    }
    assert_eq!(everything(&pair.target, Section::Facts).await, before);
    complete(&*pair.source, &*pair.target, true).await.unwrap();
    assert_eq!(outcome(&pair, "retired").await.unwrap(), Copied::Before);
    let refused = before_serving(&*pair.source).await;
    assert!(matches!(refused, Err(NotServable::Retired)), "{refused:?}");
}

/// As above.
pub async fn a_complete_copy_of_an_older_source_is_refused(pair: Pair) {
    fill(&pair.source).await;
    outcome(&pair, "first").await.unwrap();
    complete(&*pair.source, &*pair.target, false).await.unwrap();
    before_serving(&*pair.source).await.unwrap();
    let refused = outcome(&pair, "second").await;
    assert!(matches!(refused, Err(CopyError::Complete)), "{refused:?}");
}

/// Killed between retiring the source and completing the copy, the same copy is completed: otherwise
/// no gateway could be started on either.
pub async fn a_copy_killed_after_retiring_its_source_is_completed(pair: Pair) {
    fill(&pair.source).await;
    outcome(&pair, "first").await.unwrap();
    let copied = pair.target.fact("copy".into()).await.unwrap().unwrap();
    complete(&*pair.source, &*pair.target, true).await.unwrap();
    // As if the last step had never been taken.
    let facts = vec![copied];
    pair.target.open_lane().await.unwrap().commit(&WriteSet { facts, ..WriteSet::default() }).await.unwrap();
    assert!(before_serving(&*pair.target).await.is_err());
    assert_eq!(outcome(&pair, "second").await.unwrap(), Copied::Now);
    complete(&*pair.source, &*pair.target, true).await.unwrap();
    before_serving(&*pair.target).await.unwrap();
}

/// Rows that are there conflict, and nothing of their chunk is left behind: no sum grows twice.
pub async fn a_chunk_is_taken_in_once(pair: Pair) {
    fill(&pair.source).await;
    run(&pair, "first", 1000, u64::MAX).await.unwrap();
    let before = pair.target.verify().await.unwrap();
    let mut lane = pair.target.open_lane().await.unwrap();
    for &section in Section::ALL {
        let chunk = pair.source.export(section, None, 3).await.unwrap();
        if section == Section::Facts || chunk.count == 0 {
            continue;
        }
        let again = lane.commit(&chunk.rows).await;
        assert!(matches!(again, Err(StoreError::Conflict(_))), "{}: {again:?}", section.name());
    }
    let after = pair.target.verify().await.unwrap();
    assert_eq!((before.checked, before.findings), (after.checked, after.findings));
}

/// Neither a business nor a part of another copy is overwritten.
pub async fn targets_that_are_not_empty_are_refused(pair: Pair) {
    fill(&pair.source).await;
    let backwards = Pair { source: pair.target.clone(), target: pair.source.clone(), keep: Box::new(()) };
    let refused = run(&backwards, "backwards", 10, u64::MAX).await;
    assert!(matches!(refused, Err(CopyError::NotEmpty)), "{refused:?}");
    let stopped = run(&pair, "first", 10, 3).await;
    assert!(matches!(stopped, Err(CopyError::Stopped)), "{stopped:?}");
    // Half a copy is neither a source nor a target of another.
    let refused = run(&backwards, "backwards", 10, u64::MAX).await;
    assert!(matches!(refused, Err(CopyError::SourceIncomplete)), "{refused:?}");
    run(&pair, "first", 10, u64::MAX).await.unwrap();
    complete(&*pair.source, &*pair.target, true).await.unwrap();
    // What a retired source was given up for is another's business by then.
    let facts = vec![Fact { name: "retired".into(), value: "elsewhere".into() }];
    pair.source.open_lane().await.unwrap().commit(&WriteSet { facts, ..WriteSet::default() }).await.unwrap();
    let refused = run(&pair, "second", 10, u64::MAX).await;
    assert!(matches!(refused, Err(CopyError::SourceRetired)), "{refused:?}");
    let refused = before_serving(&*pair.source).await;
    assert!(matches!(refused, Err(NotServable::Retired)), "{refused:?}");
}

/// A copy does not go on when its source may have changed.
pub async fn a_gateway_on_the_source_ends_the_copy(pair: Pair) {
    fill(&pair.source).await;
    let stopped = run(&pair, "first", 10, 3).await;
    assert!(matches!(stopped, Err(CopyError::Stopped)), "{stopped:?}");
    before_serving(&*pair.source).await.unwrap();
    let refused = run(&pair, "second", 10, u64::MAX).await;
    assert!(matches!(refused, Err(CopyError::OtherCopy)), "{refused:?}");
}

/// From the first chunk until it is declared complete, no gateway starts on a copy.
pub async fn half_a_copy_is_not_served(pair: Pair) {
    fill(&pair.source).await;
    before_serving(&*pair.target).await.unwrap();
    let stopped = run(&pair, "first", 10, 1).await;
    assert!(matches!(stopped, Err(CopyError::Stopped)), "{stopped:?}");
    let early = complete(&*pair.source, &*pair.target, false).await;
    assert!(early.is_err());
    let refused = before_serving(&*pair.target).await;
    assert!(matches!(refused, Err(NotServable::Incomplete)), "{refused:?}");
    run(&pair, "first", 10, u64::MAX).await.unwrap();
    let refused = before_serving(&*pair.target).await;
    assert!(matches!(refused, Err(NotServable::Incomplete)), "{refused:?}");
    complete(&*pair.source, &*pair.target, false).await.unwrap();
    before_serving(&*pair.target).await.unwrap();
    before_serving(&*pair.source).await.unwrap();
}

/// The same rows in the same order, one by one and all at once; a place that is none is refused.
pub async fn sections_are_given_out_in_chunks_of_any_size(pair: Pair) {
    fill(&pair.source).await;
    for &section in Section::ALL {
        let all = pair.source.export(section, None, u32::MAX).await.unwrap();
        assert_eq!(all.next, None, "{}", section.name());
        for limit in [1, 3] {
            let mut after = None;
            let mut count = 0;
            loop {
                let chunk = pair.source.export(section, after, limit).await.unwrap();
                assert!(chunk.count <= u64::from(limit), "{}", section.name());
                count += chunk.count;
                match chunk.next {
                    Some(next) => after = Some(next),
                    None => break,
                }
            }
            assert_eq!(count, all.count, "{} by {limit}", section.name());
        }
        if section != Section::Facts {
            let nowhere = pair.source.export(section, Some("nowhere".into()), 1).await;
            assert!(matches!(nowhere, Err(StoreError::Corrupt(_))), "{}: {nowhere:?}", section.name());
        }
    }
}

/// Copies until the end; what there was to do.
async fn outcome(pair: &Pair, token: &str) -> Result<Copied, CopyError> {
    let options = CopyOptions { token: token.into(), chunk_rows: 50 };
    copy(&*pair.source, &*pair.target, &options, &mut |_| ControlFlow::Continue(())).await
}

/// Copies until the end or for so many chunks; how many there were.
async fn run(pair: &Pair, token: &str, chunk_rows: u32, chunks_max: u64) -> Result<u64, CopyError> {
    let mut chunks = 0;
    let options = CopyOptions { token: token.into(), chunk_rows };
    let mut tell = |_| {
        chunks += 1;
        if chunks < chunks_max { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    copy(&*pair.source, &*pair.target, &options, &mut tell).await.map(|_| chunks).inspect_err(|error| {
        let end = matches!(error, CopyError::Store(End::Source | End::Target, _));
        assert!(!end, "{error:?}");
    })
}

/// A business with some history.
async fn fill(source: &Arc<dyn Movable>) {
    let store: Arc<dyn Store> = source.clone();
    let mut desk = Desk::open(&store).await;
    do_business(&mut desk, 20_261_123, 150).await;
    do_ticketing(&mut desk, 20_261_126, 60).await;
    let ids = Fact { name: "ids:0".into(), value: "1763780000001".into() };
    desk.commit(&WriteSet { facts: vec![ids], ..WriteSet::default() }).await.unwrap();
}

/// Rows that no command makes, with everything that can be there and bare ones, of partner 8.
async fn every_field(source: &Arc<dyn Movable>) -> tradewind_domain::OrderId {
    let store: Arc<dyn Store> = source.clone();
    let mut desk = Desk::open(&store).await;
    let bare = Partner { methods: Vec::new(), settings: String::new(), ..samples::partner(7) };
    let order = Order {
        notify_url: Some("http://127.0.0.1/told".into()),
        details: Some("{\"a\":\"'\"}".into()),
        ended_at: Some(samples::NOW),
        refund_failed: true,
        ..samples::order(8, 80, "号 'full'")
    };
    let mut payment = samples::payment(&order);
    payment.bills = samples::bills();
    payment.payer = Some("payer".into());
    payment.reason = Some("why".into());
    let mut refund = samples::refund(&order, 81, "R 号");
    refund.bills = samples::bills();
    let mut event = Event { kind: EventKind::RefundFailed, ..samples::event(&order, 1) };
    event.refund = Some(refund.id);
    let mut transfer = samples::transfer(&order, 82);
    transfer.debit = Account::Suspense;
    let voucher = samples::voucher(8, 84, "V1");
    let product = shop::filled_product(shop::product(order.partner, 87));
    let sku = shop::filled_sku(shop::sku(&product, 88));
    let (bought, bought_payment) = shop::order(8, 89, "filled", shop::filled_line(shop::line(&sku, 6)));
    let (also, also_payment) = shop::order(8, 90, "bare", shop::line(&sku, 1));
    let of_order = Voucher {
        refunded: 1,
        locked: 2,
        order: Some(bought.id),
        seller: Some(order.partner),
        valid_from: Some(samples::NOW),
        ..samples::voucher(8, 86, "V3")
    };
    let of_sku =
        Event { about: About::Sku(sku.id), kind: EventKind::ProductChanged, ..samples::event(&order, 2) };
    let deposit = shop::deposit(8, 91, "号 'D'", -7);
    let moved = Transfer {
        cause: Cause::Deposit(deposit.id),
        purpose: Purpose::Deposit,
        ..samples::transfer(&order, 92)
    };
    let dated = Stock {
        price: Some(shop::price(7)),
        closed: true,
        ..shop::stock(&sku, Some(Day::from_number(-1)), 5)
    };
    let credential = tradewind_domain::Credential {
        expires_at: Some(samples::NOW),
        ..samples::credential(8, 80, "two keys")
    };
    let set = WriteSet {
        partners_new: vec![bare, samples::partner(8)],
        credentials_new: vec![credential, samples::credential(8, 81, "two keys")],
        users_new: vec![samples::user(8, 80, "login: with a colon"), samples::user(8, 81, "b")],
        endpoints_new: vec![samples::endpoint(8, 80)],
        streams_new: vec![Stream { partner: PartnerId::from_i64(8), last: 2 }],
        orders_new: vec![order.clone(), bought, also],
        payments_new: vec![payment, bought_payment, also_payment],
        refunds_new: vec![refund],
        past_orders: vec![samples::past_order(8, 87, "号 'past'"), samples::past_order(8, 88, "past: 2")],
        past_refunds: vec![samples::past_refund(8, 87, 89, "R: 号")],
        transfers: vec![transfer, moved],
        events: vec![event, of_sku],
        products_new: vec![product.clone(), shop::product(order.partner, 93)],
        skus_new: vec![sku.clone(), shop::sku(&product, 94)],
        stocks_new: vec![shop::stock(&sku, None, 9), dated],
        deposits: vec![deposit, shop::deposit(8, 95, "D2", 7)],
        vouchers_new: vec![voucher.clone(), samples::voucher(8, 85, "V2"), of_order],
        redemptions: vec![samples::redemption(&voucher, 86)],
        tasks_new: vec![samples::task(8, 80, 83, 5)],
        ..WriteSet::default()
    };
    // The sums go with the transfers, as they would from a decision.
    let mut summed = set.clone();
    for transfer in &set.transfers {
        let key =
            |account: &Account| (transfer.partner, account.clone(), yuan(0).currency().code().to_owned());
        summed.accounts.entry(key(&transfer.debit)).or_default().debit(transfer);
        summed.accounts.entry(key(&transfer.credit)).or_default().credit(transfer);
    }
    desk.commit(&summed).await.unwrap();
    assert_eq!(desk.read(Need::Order(order.partner, order.id)).await.orders.len(), 1);
    order.id
}

/// All rows of a section in words, in the order of their words: stores may have orders of their own.
async fn everything(store: &Arc<dyn Movable>, section: Section) -> (u64, Vec<String>) {
    let Chunk { rows, count, next } = store.export(section, None, u32::MAX).await.unwrap();
    assert_eq!(next, None);
    let WriteSet {
        partners_new,
        credentials_new,
        users_new,
        endpoints_new,
        streams_new,
        orders_new,
        payments_new,
        refunds_new,
        past_orders,
        past_refunds,
        transfers,
        events,
        tasks_new,
        vouchers_new,
        redemptions,
        products_new,
        skus_new,
        stocks_new,
        deposits,
        facts,
        // A chunk has nothing of these. A list that is new belongs to a section: see `Section`.
        partners_changed: _,
        credentials_changed: _,
        users_changed: _,
        endpoints_removed: _,
        streams_changed: _,
        orders_changed: _,
        payments_changed: _,
        refunds_changed: _,
        orders_removed: _,
        accounts: _,
        tasks_changed: _,
        tasks_removed: _,
        events_removed: _,
        vouchers_changed: _,
        products_changed: _,
        skus_changed: _,
        stocks_changed: _,
        facts_new: _,
    } = rows;
    fn words<T: std::fmt::Debug>(rows: Vec<T>, into: &mut Vec<String>) {
        into.extend(rows.iter().map(|row| format!("{row:?}")));
    }
    let mut said = Vec::new();
    words(partners_new, &mut said);
    words(credentials_new, &mut said);
    words(users_new, &mut said);
    words(endpoints_new, &mut said);
    words(streams_new, &mut said);
    words(orders_new, &mut said);
    words(payments_new, &mut said);
    words(refunds_new, &mut said);
    words(past_orders, &mut said);
    words(past_refunds, &mut said);
    words(transfers, &mut said);
    words(events, &mut said);
    words(tasks_new, &mut said);
    words(vouchers_new, &mut said);
    words(redemptions, &mut said);
    words(products_new, &mut said);
    words(skus_new, &mut said);
    words(stocks_new, &mut said);
    words(deposits, &mut said);
    words(facts, &mut said);
    said.sort_unstable();
    (count, said)
}
