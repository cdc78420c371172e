//! What callers hear and what is stored when the store fails at each step.

use std::sync::Arc;

use tradewind_app::{AppConfig, Clock, StartError};
use tradewind_domain::{Fact, Method, MethodChoice, OrderStage, Refusal, Timestamp, WriteSet};
use tradewind_signing::Vault;
use tradewind_store::Store;
use tradewind_store::faulty::{Fault, Step};

use crate::rig::{Rig, START, collect, start, vault};

#[tokio::test]
async fn each_fault_of_a_commit_is_told_truly() {
    let rig = Rig::new(AppConfig::default()).await;
    // (fault, is the caller told that it is done, is it there afterwards)
    let cases = [
        (Step::Load, Fault::Unavailable, false, false),
        (Step::Load, Fault::Conflict, true, true),
        (Step::Commit, Fault::Unavailable, false, false),
        (Step::Commit, Fault::Conflict, true, true),
        (Step::Commit, Fault::UnknownUndone, true, true),
        (Step::Commit, Fault::UnknownDone, true, true),
    ];
    for (index, (step, fault, told, there)) in cases.into_iter().enumerate() {
        let number = format!("N{index}");
        rig.faults.fail_next(step, fault);
        let answer = rig.place(&number).await;
        assert_eq!(answer.is_ok(), told, "{step:?} {fault:?}: {answer:?}");
        if let Err(refusal) = answer {
            assert_eq!(refusal, Refusal::Storage, "{step:?} {fault:?}");
        }
        assert_eq!(rig.find(&number).await.is_ok(), there, "{step:?} {fault:?}");
        if !told {
            rig.place(&number).await.unwrap();
        }
    }
    rig.assert_clean().await;
}

#[tokio::test]
async fn a_lasting_conflict_ends_after_bounded_tries() {
    let rig = Rig::new(AppConfig::default()).await;
    rig.faults.fail_all(Step::Commit, Fault::Conflict);
    let before = rig.faults.taken(Step::Commit);
    assert_eq!(rig.place("N").await.unwrap_err(), Refusal::Storage);
    assert_eq!(rig.faults.taken(Step::Commit) - before, 3);
    rig.faults.heal();
    rig.place("N").await.unwrap();
    rig.assert_clean().await;
}

#[tokio::test]
async fn a_conflict_in_a_batch_leaves_nobody_without_a_true_answer() {
    let rig = Rig::new(AppConfig::default()).await;
    rig.caller().await;
    let first = rig.faults.taken(Step::Commit);
    // Never three in a row: a command that happens to be alone gives up then.
    for nth in [1, 2, 4, 6] {
        rig.faults.fail_nth(Step::Commit, first + nth, Fault::Conflict);
    }
    let numbers: Vec<String> = (0..40).map(|n| format!("B{n}")).collect();
    let answers = futures_util::future::join_all(numbers.iter().map(|number| rig.place(number))).await;
    for (number, answer) in numbers.iter().zip(answers) {
        let (order, _) = answer.unwrap();
        assert_eq!(rig.find(number).await.unwrap().order.id, order.id);
    }
    rig.assert_clean().await;
}

#[tokio::test]
async fn one_number_at_the_same_moment_is_one_order() {
    let rig = Rig::new(AppConfig::default()).await;
    let answers = futures_util::future::join_all((0..50).map(|_| rig.place("SAME"))).await;
    let placed: Vec<_> = answers.iter().filter(|answer| answer.is_ok()).collect();
    let taken = answers.iter().filter(|a| matches!(a, Err(Refusal::NumberTaken { same: true }))).count();
    assert_eq!((placed.len(), taken), (1, 49));
    rig.assert_clean().await;
}

#[tokio::test]
async fn a_full_queue_answers_busy_at_once() {
    let config = AppConfig { queue_commands_max: 2, batch_commands_max: 2, ..AppConfig::default() };
    let rig = Rig::new(config).await;
    rig.caller().await;
    let answers = futures_util::future::join_all((0..200).map(|n| {
        let rig = &rig;
        async move { rig.place(&format!("Q{n}")).await }
    }))
    .await;
    let busy = answers.iter().filter(|answer| matches!(answer, Err(Refusal::Busy))).count();
    let placed = answers.iter().filter(|answer| answer.is_ok()).count();
    assert!(busy > 0 && placed > 0, "{busy} busy, {placed} placed");
    assert_eq!(busy + placed, 200, "nothing but done or busy");
    assert!(rig.app.is_quiet(), "no command is left over");
    rig.assert_clean().await;
}

#[tokio::test]
async fn a_refusal_writes_nothing() {
    let rig = Rig::new(AppConfig::default()).await;
    let before = rig.faults.taken(Step::Commit);
    let mut unserved = collect("N", tradewind_domain::Flow::PayerScans);
    unserved.method = MethodChoice::Named(Method::BESTPAY);
    let call = tradewind_domain::Call::Collect(Box::new(unserved));
    assert_eq!(rig.call(call).await.unwrap_err(), Refusal::MethodNotEnabled);
    assert_eq!(rig.call(crate::rig::refund("NONE", "R", 1)).await.unwrap_err(), Refusal::OrderNotFound);
    assert_eq!(rig.faults.taken(Step::Commit), before);
}

#[tokio::test]
async fn reading_faults_are_refusals_too() {
    let rig = Rig::new(AppConfig::default()).await;
    let order = rig.place_paid("N").await;
    rig.faults.fail_all(Step::Read, Fault::Unavailable);
    let view = rig.app.view(vec![tradewind_domain::Need::Order(order.partner, order.id)]).await;
    assert_eq!(view.err(), Some(Refusal::Storage));
    rig.faults.heal();
    assert_eq!(rig.find("N").await.unwrap().order.stage, OrderStage::Paid);
}

#[tokio::test]
async fn another_master_key_is_refused_at_the_start() {
    let rig = Rig::new(AppConfig::default()).await;
    let other = Vault::from_key([8; 32]);
    let store = Arc::clone(rig.app.store());
    let started = start(AppConfig::default(), store, Clock::frozen_at(START), other).await;
    assert!(matches!(started.err(), Some(StartError::WrongKey)));
}

#[tokio::test]
async fn ids_go_on_after_a_restart_even_if_the_clock_went_back() {
    let rig = Rig::new(AppConfig::default()).await;
    let (order, _) = rig.place("N").await.unwrap();
    let fact = rig.faults.fact("ids:0:0".into()).await.unwrap().unwrap();
    assert!(fact.value.parse::<i64>().unwrap() >= order.id.made_at().ms());
    rig.app.shut_down().await;
    assert_eq!(rig.place("late").await.unwrap_err(), Refusal::Storage);

    // An earlier version wrote one fact for the node; a process with more lanes than this one wrote one
    // for each; and another node's are no concern of this one.
    let mut floor = Timestamp::from_ms(fact.value.parse::<i64>().unwrap() + 1);
    let facts = [("ids:0:0", 1), ("ids:0", 20), ("ids:0:63", 300), ("ids:0:2", 4), ("ids:00:1", 9_000)];
    for (name, ahead) in facts {
        let latest = START.ms() + ahead;
        let fact = Fact { name: name.into(), value: latest.to_string() };
        let set = WriteSet { facts: vec![fact], ..WriteSet::default() };
        rig.faults.open_lane().await.unwrap().commit(&set).await.unwrap();
        let an_hour_back = Clock::frozen_at(Timestamp::from_ms(START.ms() - 3_600_000));
        let store = Arc::clone(rig.app.store());
        let app = start(AppConfig::default(), store, an_hour_back, vault()).await.unwrap();
        if name != "ids:00:1" {
            floor = floor.max(Timestamp::from_ms(latest + 1));
        }
        assert_eq!(app.ids_floor(), floor, "{name}");
        app.shut_down().await;
    }
}
