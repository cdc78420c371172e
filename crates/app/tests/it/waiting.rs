//! Callers that wait: for a scanned payment, for a refund's channel, for another refund.

use std::time::Duration;

use tradewind_app::AppConfig;
use tradewind_domain::{
    Call, ChannelReport, Command, Flow, FundBill, OrderRef, OrderStage, Outcome, PaymentState, RefundReport,
    RefundState, Refusal, Revoke, RevokeMode, Span,
};

use crate::rig::{Rig, collect, refund, yuan};

/// Waits for a condition with a limit.
async fn until<T>(mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let search = async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), search).await.unwrap()
}

#[tokio::test]
async fn a_scanned_payment_answers_when_it_is_decided() {
    let rig = Rig::new(AppConfig::default()).await;
    let call = rig.call(Call::Collect(Box::new(collect("N", Flow::PayerCode))));
    let channel = async {
        let found = until(async || rig.find("N").await.ok()).await;
        assert_eq!(found.payment.state, PaymentState::Unknown, "the intent is on disk before the call");
        rig.pay(&found.order, &found.payment).await.unwrap();
    };
    let (answer, ()) = tokio::join!(call, channel);
    let Ok(Outcome::Collected { order, payment, .. }) = answer else { panic!("{answer:?}") };
    assert_eq!((order.stage, payment.state), (OrderStage::Paid, PaymentState::Paid));
    rig.assert_clean().await;
}

#[tokio::test]
async fn a_scanned_payment_ends_at_its_deadline_and_late_money_goes_back() {
    let rig = Rig::new(AppConfig::default()).await;
    let call = rig.call(Call::Collect(Box::new(collect("N", Flow::PayerCode))));
    let engine = async {
        let order = until(async || rig.find("N").await.ok()).await.order;
        let lapse = || Command::LapseOrder { partner: order.partner, order: order.id, stock: None };
        let early = rig.app.submit(lapse()).await;
        assert!(matches!(early, Err(Refusal::WrongState { .. })), "{early:?}");
        rig.clock.advance_to(rig.clock.now() + Span::from_secs(80));
        rig.app.submit(lapse()).await.unwrap();
    };
    let (answer, ()) = tokio::join!(call, engine);
    let Ok(Outcome::Collected { order, payment, .. }) = answer else { panic!("{answer:?}") };
    assert_eq!((order.stage, payment.state), (OrderStage::Revoked, PaymentState::Cancelling));
    rig.pay(&order, &payment).await.unwrap();
    let story = rig.app.store().story(order.partner, order.id).await.unwrap().unwrap();
    assert_eq!(story.order.stage, OrderStage::Revoked);
    assert_eq!(story.refunds.len(), 1);
    assert_eq!((story.refunds[0].amount, story.refunds[0].state), (yuan(10_000), RefundState::Unknown));
    rig.assert_clean().await;
}

#[tokio::test]
async fn calls_that_wait_have_places_of_their_own() {
    let rig = Rig::new(AppConfig { waiting_calls_max: 1, ..AppConfig::default() }).await;
    let scan = async |number| rig.call(Call::Collect(Box::new(collect(number, Flow::PayerCode)))).await;
    let first = scan("N1");
    let meanwhile = async {
        let found = until(async || rig.find("N1").await.ok()).await;
        assert_eq!(rig.app.waiting_calls(), 1);
        assert_eq!(scan("N2").await.unwrap_err(), Refusal::Busy);
        assert_eq!(rig.find("N2").await.unwrap_err(), Refusal::OrderNotFound, "nothing was done for it");
        assert!(rig.place("N3").await.is_ok(), "what does not wait is served");
        rig.pay(&found.order, &found.payment).await.unwrap();
    };
    assert!(tokio::join!(first, meanwhile).0.is_ok());
    // A caller that goes gives its place back, too.
    let gone = async { until(async || rig.find("N4").await.ok()).await };
    tokio::select! {
        answer = scan("N4") => panic!("{answer:?}"),
        _ = gone => {}
    }
    assert_eq!(rig.app.waiting_calls(), 0);
}

#[tokio::test]
async fn a_refund_answers_with_what_the_channel_says_first() {
    let rig = Rig::new(AppConfig::default()).await;
    let bills = || vec![FundBill { source: "purse".into(), amount: yuan(100) }];
    let reports = [
        (RefundReport::Succeeded { channel_number: "C".into(), bills: bills() }, RefundState::Succeeded),
        (RefundReport::Refused { reason: "no".into() }, RefundState::Refused),
        (RefundReport::Pending, RefundState::Pending),
        (RefundReport::NoAnswer { reason: "cut".into() }, RefundState::Unknown),
    ];
    for (index, (report, expected)) in reports.into_iter().enumerate() {
        let number = format!("N{index}");
        let order = rig.place_paid(&number).await;
        let call = rig.call(refund(&number, &format!("R{index}"), 100));
        let channel = async {
            let refund = until(async || {
                let story = rig.app.store().story(order.partner, order.id).await.unwrap().unwrap();
                story.refunds.first().map(|refund| refund.id)
            })
            .await;
            let (partner, order) = (order.partner, order.id);
            let command = Command::ReportRefund { partner, order, refund, report, attempts: None };
            rig.app.submit(command).await.unwrap();
        };
        let (answer, ()) = tokio::join!(call, channel);
        let Ok(Outcome::Refunded { refund, .. }) = answer else { panic!("{answer:?}") };
        assert_eq!(refund.state, expected);
    }
    rig.assert_clean().await;
}

#[tokio::test]
async fn a_second_refund_waits_for_the_first_within_bounds() {
    let config = AppConfig { refund_wait: Duration::from_millis(200), ..AppConfig::default() };
    let rig = Rig::new(config).await;
    rig.place_paid("N").await;
    // Nobody plays the channel: the first is shown as unknown, the second hears that one is under way.
    let first = rig.call(refund("N", "R1", 100)).await;
    assert!(matches!(first, Ok(Outcome::Refunded { refund, .. }) if refund.state == RefundState::Unknown));
    let second = rig.call(refund("N", "R2", 100)).await;
    assert!(matches!(second, Err(Refusal::RefundInFlight { pending: false, .. })), "{second:?}");
    rig.assert_clean().await;
}

#[tokio::test]
async fn a_paid_order_is_revoked_when_its_money_is_back() {
    let rig = Rig::new(AppConfig::default()).await;
    let order = rig.place_paid("N").await;
    let mode = RevokeMode::Now;
    let call = rig.call(Call::Revoke(Revoke { order: OrderRef::Number("N".into()), mode }));
    let channel = async {
        let refund = until(async || {
            let story = rig.app.store().story(order.partner, order.id).await.unwrap().unwrap();
            story.refunds.first().cloned()
        })
        .await;
        assert_eq!(
            rig.find("N").await.unwrap().order.stage,
            OrderStage::Paid,
            "not before the money is back"
        );
        let bills = vec![FundBill { source: "purse".into(), amount: refund.amount }];
        let report = RefundReport::Succeeded { channel_number: "C".into(), bills };
        let (partner, order, refund) = (order.partner, order.id, refund.id);
        rig.app
            .submit(Command::ReportRefund { partner, order, refund, report, attempts: None })
            .await
            .unwrap();
    };
    let (answer, ()) = tokio::join!(call, channel);
    let Ok(Outcome::Revoked { order }) = answer else { panic!("{answer:?}") };
    assert_eq!(order.stage, OrderStage::Revoked);
    rig.assert_clean().await;
}

#[tokio::test]
async fn reports_of_other_payments_wake_nobody() {
    let rig = Rig::new(AppConfig::default()).await;
    let (other, payment) = rig.place("OTHER").await.unwrap();
    let call = rig.call(Call::Collect(Box::new(collect("N", Flow::PayerCode))));
    let channel = async {
        let found = until(async || rig.find("N").await.ok()).await;
        rig.pay(&other, &payment).await.unwrap();
        let report = ChannelReport::Declined { reason: "no money".into() };
        let (partner, order, payment) = (found.order.partner, found.order.id, found.payment.id);
        rig.app
            .submit(Command::ReportPayment { partner, order, payment, report, attempts: None })
            .await
            .unwrap();
    };
    let (answer, ()) = tokio::join!(call, channel);
    let Ok(Outcome::Collected { order, payment, .. }) = answer else { panic!("{answer:?}") };
    assert_eq!((order.number.as_str(), payment.reason.as_deref()), ("N", Some("no money")));
}
