//! Two lanes at the same stock and the same balance. A store with one lane cannot be asked.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

use tradewind_domain::{
    CodeRule, Command, Decided, IdSource, Need, NodeId, PartnerId, PartnerPatch, PaymentState, Purchase, Sku,
    StockKey, StockPlan, TicketRules, Timestamp,
};

use super::Fixture;
use super::desk::Desk;
use super::life::{Chance, check_clean};
use super::samples::yuan;
use super::shop::{self, SELLER};
use crate::StoreError;

/// A lane that has lost this often in a row is not making its way.
const ATTEMPTS_MAX: usize = 200;

/// Two desks that give ids of their own, as two lanes of one process do.
async fn two_desks(fixture: &Fixture) -> Option<(Desk, Desk)> {
    if fixture.store.lanes() < 2 {
        return None;
    }
    let one = Desk::open(&fixture.store).await;
    let mut other = Desk::open(&fixture.store).await;
    other.ids = IdSource::new(NodeId::new(2).unwrap(), Timestamp::from_ms(0));
    Some((one, other))
}

/// Commits a batch however often another lane is in the way; what each command led to.
async fn insist(desk: &mut Desk, commands: Vec<Command>) -> Vec<Option<Decided>> {
    for _ in 0..ATTEMPTS_MAX {
        match desk.attempt(commands.clone()).await {
            Ok(decided) => return decided.into_iter().map(Result::ok).collect(),
            // Nothing has happened, and the next attempt sees what the other lane has done.
            Err(StoreError::Conflict(_)) => {}
            Err(error) => panic!("two lanes at once: {error:?}"),
        }
    }
    panic!("a lane does not make its way");
}

fn purchases(decided: Vec<Option<Decided>>) -> impl Iterator<Item = Purchase> {
    decided.into_iter().flatten().filter_map(|decided| match decided {
        Decided::Purchase(purchase) => Some(*purchase),
        _ => None,
    })
}

fn paid(bought: &[Purchase]) -> u32 {
    let paid = bought.iter().filter(|purchase| purchase.payment.state == PaymentState::Paid);
    paid.map(|purchase| purchase.order.line.as_ref().unwrap().quantity).sum()
}

/// One stock, two lanes, more wishes than units: as many are sold as there are, and not one more.
pub async fn the_last_units_of_a_stock(fixture: Fixture) {
    let Some((mut one, mut other)) = two_desks(&fixture).await else { return };
    let (sku, key) = shop::sell(&mut one, 7, 60, shop::rules()).await;
    shop::add_buyer(&mut one, 1, 10_000).await;
    shop::add_buyer(&mut one, 2, 10_000).await;
    let buy = async |desk: &mut Desk, owner: i64| {
        let mut bought = Vec::new();
        for round in 0..12 {
            let wish =
                |n: u32| shop::purchase(desk, owner, &format!("{round}-{n}"), (&sku, key), n % 3 + 1, n != 4);
            let wishes = (0..6).map(wish).collect();
            bought.extend(purchases(insist(desk, wishes).await));
        }
        bought
    };
    let (first, second) = both(buy(&mut one, 1), buy(&mut other, 2)).await;
    let stock = one.read(Need::Stock(key)).await.stocks.remove(0);
    let sold = paid(&first) + paid(&second);
    assert_eq!((stock.held + stock.sold, stock.sold), (60, sold), "{stock:?}");
    check_clean(&one).await;
}

/// One balance, two lanes: as much is spent as there is, with what it may go below nothing.
pub async fn the_last_of_a_balance(fixture: Fixture) {
    let Some((mut one, mut other)) = two_desks(&fixture).await else { return };
    // Two skus, so that no stock makes the lanes wait for each other.
    let (here, here_key) = shop::sell(&mut one, 7, 1_000, shop::rules()).await;
    let (there, there_key) = shop::sell(&mut one, 8, 1_000, shop::rules()).await;
    // One that has paid in advance, one that never has and may buy all the same, one with both.
    for (owner, prepaid, limit) in [(1, 200, 0), (2, 0, 130), (3, 50, 70)] {
        shop::add_buyer(&mut one, owner, prepaid).await;
        let patch = PartnerPatch { credit_limit: Some(yuan(limit)), ..PartnerPatch::default() };
        one.must(Command::PatchPartner { partner: PartnerId::from_i64(owner), patch }).await;
        let buy = async |desk: &mut Desk, lane: &str, offer: (&Sku, StockKey)| {
            let mut bought = Vec::new();
            for round in 0..15 {
                let wish =
                    |n: u32| shop::purchase(desk, owner, &format!("{lane}{round}-{n}"), offer, n, true);
                let wishes = (1..3).map(wish).collect();
                bought.extend(purchases(insist(desk, wishes).await));
            }
            bought
        };
        let (first, second) =
            both(buy(&mut one, "a", (&here, here_key)), buy(&mut other, "b", (&there, there_key))).await;
        let spent = i64::from(paid(&first) + paid(&second)) * 10;
        assert_eq!(spent, prepaid + limit, "all of it, and not more");
        assert_eq!(shop::available(&one, owner).await, -limit);
        check_clean(&one).await;
    }
}

/// Everything that moves units of a few stocks, in any order, in two lanes: they hold each other up and
/// never for good, and nothing gets lost.
pub async fn lanes_that_want_the_same_stocks(fixture: Fixture) {
    let seed = std::env::var("TRADEWIND_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(20_261_125);
    println!("TRADEWIND_SEED={seed}");
    let Some((mut one, mut other)) = two_desks(&fixture).await else { return };
    let rules = TicketRules { codes: CodeRule::PerTicket, ..shop::rules() };
    let mut offers = Vec::new();
    for id in 7..11 {
        offers.push(shop::sell(&mut one, id, 30, rules.clone()).await);
    }
    for owner in 1..4 {
        shop::add_buyer(&mut one, owner, 600).await;
    }
    let (first, second) =
        both(trade(&mut one, &offers, "a", seed), trade(&mut other, &offers, "b", seed + 1)).await;
    assert!(first + second > 60, "the commands lead nowhere: {first} and {second}");
    check_clean(&one).await;
    for (_, key) in &offers {
        let stock = one.read(Need::Stock(*key)).await.stocks.remove(0);
        assert!(stock.held + stock.sold <= stock.total, "{stock:?}");
    }
}

async fn trade(desk: &mut Desk, offers: &[(Sku, StockKey)], lane: &str, seed: u64) -> usize {
    let mut chance = Chance(seed);
    let mut mine: Vec<Purchase> = Vec::new();
    let mut accepted = 0;
    for round in 0..40 {
        let mut batch = Vec::new();
        for n in 0..=chance.below(4) {
            let (sku, key) = &offers[usize::try_from(chance.below(4)).unwrap()];
            let known = mine.len();
            let recent = (known > 0).then(|| {
                &mine
                    [known - 1 - usize::try_from(chance.below(i64::try_from(known.min(6)).unwrap())).unwrap()]
            });
            batch.push(match (chance.below(6), recent) {
                (0, Some(purchase)) => shop::payment_of(desk, &purchase.order),
                (1, Some(purchase)) => {
                    shop::application(desk, &purchase.order, &format!("{lane}R{round}-{n}"), 1)
                }
                (2, Some(purchase)) if !purchase.refunds.is_empty() => {
                    shop::review(&purchase.order, purchase.refunds.last().unwrap(), true)
                }
                (3, Some(purchase)) if !purchase.vouchers.is_empty() => {
                    shop::redemption(&purchase.vouchers[0], SELLER, 1)
                }
                (4, _) => {
                    let total = u32::try_from(chance.below(60)).unwrap();
                    let plans = vec![StockPlan { day: key.day, total, closed: false, price: None }];
                    Command::PlanStock { seller: SELLER, sku: sku.id, plans }
                }
                _ => {
                    let (owner, number) = (chance.below(3) + 1, format!("{lane}{round}-{n}"));
                    let quantity = u32::try_from(chance.below(3) + 1).unwrap();
                    shop::purchase(desk, owner, &number, (sku, *key), quantity, chance.below(3) > 0)
                }
            });
        }
        for decided in insist(desk, batch).await.into_iter().flatten() {
            accepted += 1;
            if let Decided::Purchase(purchase) | Decided::Applied(purchase, _) = decided {
                match mine.iter_mut().find(|known| known.order.id == purchase.order.id) {
                    Some(known) => *known = *purchase,
                    None => mine.push(*purchase),
                }
            }
        }
    }
    accepted
}

/// Drives both at once on one thread.
async fn both<A, B>(one: impl Future<Output = A>, other: impl Future<Output = B>) -> (A, B) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    let (mut first, mut second) = (None, None);
    std::future::poll_fn(move |context| {
        if first.is_none()
            && let Poll::Ready(done) = one.as_mut().poll(context)
        {
            first = Some(done);
        }
        if second.is_none()
            && let Poll::Ready(done) = other.as_mut().poll(context)
        {
            second = Some(done);
        }
        match (first.take(), second.take()) {
            (Some(first), Some(second)) => Poll::Ready((first, second)),
            (unfinished, also) => {
                (first, second) = (unfinished, also);
                Poll::Pending
            }
        }
    })
    .await
}
