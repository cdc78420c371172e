//! What a lost answer means: unknown for calls that change something, never failed; and how what was unknown
//! becomes known.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tradewind_sdk::bytes::Bytes;
use tradewind_sdk::http::Response;
use tradewind_sdk::lianhe::{Client, Config, OrderStatus, Resolved, Told as Number};
use tradewind_sdk::{AddressPolicy, EgressTransport, TransportError};
use tradewind_testkit::{Behaviour, Receiver, nowhere};

use crate::lianhe::support::{asking, at_vectors, changing, config, golden, order};
use crate::support::{Impatient, Told, Verdict, check_calls, loopback, verdict};

/// Calls everything, and compares the verdicts of all calls that change and all that ask.
async fn check(client: &Client, expected: (Verdict, Verdict), is_timeout: bool) {
    check_calls(changing(client), expected.0, is_timeout).await;
    check_calls(asking(client), expected.1, is_timeout).await;
}

#[tokio::test]
async fn cut_connections() {
    for behaviour in [Behaviour::Cut, Behaviour::CutInAnswer] {
        let receiver = Receiver::start(behaviour).await;
        let client = Client::over(config(&receiver.url("")), loopback()).unwrap();
        check(&client, (Verdict::Unknown, Verdict::Retryable), false).await;
        // Nothing was sent twice.
        assert_eq!(receiver.received().len(), changing(&client).len() + asking(&client).len());
    }
}

#[tokio::test]
async fn time_outs() {
    let receiver = Receiver::start(Behaviour::Hang).await;
    let asked = Arc::new(Mutex::new(Vec::new()));
    let patience = Duration::from_millis(500);
    let transport = Impatient { transport: loopback(), patience, asked: Arc::clone(&asked) };
    let time_limit = Duration::from_secs(7);
    let client = Client::over(Config { time_limit, ..config(&receiver.url("")) }, transport).unwrap();
    check(&client, (Verdict::Unknown, Verdict::Retryable), true).await;
    assert!(asked.lock().unwrap().iter().all(|limit| *limit == time_limit));
}

#[tokio::test]
async fn nobody_there() {
    let client = Client::over(config(&format!("http://{}", nowhere().await)), loopback()).unwrap();
    check(&client, (Verdict::Retryable, Verdict::Retryable), false).await;
    let forbidden = EgressTransport::with_policy(AddressPolicy::PublicOnly);
    let client = Client::over(config("http://127.0.0.1:1"), forbidden).unwrap();
    check(&client, (Verdict::Neither, Verdict::Neither), false).await;
}

#[tokio::test]
async fn redirects_and_floods() {
    let elsewhere = Receiver::start(Behaviour::accept()).await;
    let receiver = Receiver::start(Behaviour::Redirect(elsewhere.url("/"))).await;
    let client = Client::over(config(&receiver.url("")), loopback()).unwrap();
    check(&client, (Verdict::Rejected, Verdict::Rejected), false).await;
    assert!(elsewhere.received().is_empty());

    receiver.usually(Behaviour::Big(8 << 20));
    check(&client, (Verdict::Unknown, Verdict::Neither), false).await;
}

#[tokio::test]
async fn a_busy_platform_names_a_time() {
    let receiver = Receiver::start(Behaviour::status(503).with_header("Retry-After", "1")).await;
    let client = Client::over(config(&receiver.url("")), loopback()).unwrap();
    check(&client, (Verdict::Retryable, Verdict::Retryable), false).await;
    // A proxy's word for having lost the platform half-way.
    receiver.usually(Behaviour::status(502));
    check(&client, (Verdict::Unknown, Verdict::Retryable), false).await;
}

/// A client whose transport answers with these texts, one after the other; `None` loses the answer.
fn told<const N: usize>(answers: [Option<String>; N]) -> Client {
    let answers = Mutex::new(VecDeque::from(answers));
    at_vectors(Told::by(move |_, _| match answers.lock().unwrap().pop_front().unwrap() {
        Some(text) => Ok(Response::new(Bytes::from(text))),
        None => Err(TransportError::may_have_arrived("the answer was lost").timed_out()),
    }))
}

/// An answer about three tickets of order D1.
fn state(status: i64, quantity: u32, refunded: u32) -> String {
    format!(
        r#"{{"code":10000,"describe":"","partnerId":1985,"body":{{"orderId":"D1","LHOrderId":"9","orderStatus":{status},"orderQuantity":{quantity},"reQuantity":{refunded}}}}}"#
    )
}

#[tokio::test]
async fn an_unknown_order_is_resolved_by_a_query() {
    let request = order("D1", "1").quantity(3);
    let check = async |answer: String| {
        let client = told([None, Some(answer)]);
        let error = client.new_order(&request).await.unwrap_err();
        assert!(error.is_unknown_outcome() && error.is_timeout(), "{error}");
        client.resolve_new_order(&request).await
    };
    let not_found = golden("queryOrder.refused.response.json");
    assert_eq!(check(not_found.clone()).await.unwrap(), Resolved::NotThere);
    assert_eq!(check(not_found.replace("20000", "300")).await.unwrap(), Resolved::NotThere);

    for status in [4, 7, 8, 9] {
        let found = check(state(status, 3, 0)).await.unwrap();
        assert!(matches!(&found, Resolved::Bought(order) if order.lh_order_id == "9"), "{status}: {found:?}");
    }
    assert!(
        matches!(check(state(9, 1, 2)).await.unwrap(), Resolved::Bought(_)),
        "some were given back since"
    );
    for status in [2, 5] {
        assert!(matches!(check(state(status, 3, 0)).await.unwrap(), Resolved::Unpaid(_)), "{status}");
    }
    for (status, quantity, refunded) in [(3, 3, 0), (6, 3, 0), (6, 0, 3)] {
        let found = check(state(status, quantity, refunded)).await.unwrap();
        assert!(matches!(found, Resolved::Ended(_)), "{status}: {found:?}");
    }
    for (status, quantity, refunded) in [(0, 3, 0), (1, 3, 0), (10, 3, 0), (4, 2, 0), (4, 3, 1), (6, 0, 0)] {
        let found = check(state(status, quantity, refunded)).await.unwrap();
        assert!(matches!(found, Resolved::Unclear(_)), "{status} {quantity} {refunded}: {found:?}");
    }
    let Resolved::Unclear(odd) = check(state(10, 3, 0)).await.unwrap() else { panic!("it is in no table") };
    assert_eq!((odd.status, odd.status.known()), (Number::Other(10), None));
    assert_ne!(odd.status, OrderStatus::Unknown);
}

/// An answer that does not tell leaves it unknown, and says whether to ask again.
#[tokio::test]
async fn what_stays_unknown() {
    let request = order("D1", "1").quantity(3);
    let check = async |answer: Option<String>, expected: Verdict| {
        let error = told([answer.clone()]).resolve_new_order(&request).await.unwrap_err();
        assert_eq!(verdict(&error), expected, "{answer:?}: {error:?}");
    };
    check(None, Verdict::Retryable).await;
    // The platform had trouble before it looked.
    let internal = r#"{"code":20000,"describe":"internal error","partnerId":1985,"body":{}}"#;
    check(Some(internal.to_owned()), Verdict::Retryable).await;
    // It did not like the number.
    let malformed = r#"{"code":20000,"describe":"malformed request","body":{"LHOrderId":""}}"#;
    check(Some(malformed.to_owned()), Verdict::Rejected).await;
    check(Some(state(4, 3, 0).replace("D1", "D2")), Verdict::Neither).await;
    check(Some(state(4, 3, 0).replace("1985", "1986")), Verdict::Neither).await;
    check(Some(state(4, 3, 0).replace(":3,", ":\"three\",")), Verdict::Neither).await;
    check(Some("<html>".to_owned()), Verdict::Neither).await;
}
