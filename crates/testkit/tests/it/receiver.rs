//! What a receiver was told to do is what a client sees.

use std::time::Duration;

use http::Method;
use tradewind_egress::{AddressPolicy, Egress, EgressConfig, EgressError, Request};
use tradewind_testkit::{AMPLE, Behaviour, Receiver, nowhere};

async fn post(url: &str, limit: Duration) -> Result<(u16, Vec<u8>), EgressError> {
    let egress =
        Egress::new(EgressConfig { policy: AddressPolicy::AllowLoopback, ..EgressConfig::default() });
    let answer = egress.send(Request::new(Method::POST, url, "{\"STATE\":1}")?, limit).await?;
    Ok((answer.status, answer.body.to_vec()))
}

#[tokio::test]
async fn behaves_as_told_and_remembers() {
    let receiver = Receiver::start(Behaviour::accept()).await;
    receiver.next([Behaviour::refuse(), Behaviour::status(500), Behaviour::Redirect(receiver.url("/b"))]);
    let url = receiver.url("/n?a=b");
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(post(&url, AMPLE).await.unwrap());
    }
    let text = |status, body: &str| (status, body.as_bytes().to_vec());
    assert_eq!(seen, [text(200, "fail"), text(500, ""), text(302, ""), text(200, "SUCCESS")]);

    let received = receiver.wait_for(4).await;
    assert_eq!(received.len(), 4);
    let first = &received[0];
    assert_eq!((first.method.as_str(), first.path.as_str(), first.query.as_str()), ("POST", "/n", "a=b"));
    assert_eq!(first.text(), "{\"STATE\":1}");
}

#[tokio::test]
async fn lies() {
    let check = async |behaviour: Behaviour, expected: fn(&EgressError) -> bool| {
        let receiver = Receiver::start(behaviour.clone()).await;
        // What hangs must run out of time, but not before the request has left a busy machine.
        let limit = if matches!(behaviour, Behaviour::Hang) { Duration::from_secs(2) } else { AMPLE };
        let error = post(&receiver.url("/"), limit).await.unwrap_err();
        assert!(expected(&error), "{behaviour:?}: {error:?}");
        assert_eq!(receiver.received().len(), 1);
    };
    check(Behaviour::Hang, |error| matches!(error, EgressError::Timeout { after_sent: true })).await;
    check(Behaviour::Cut, |error| matches!(error, EgressError::Broken(_))).await;
    check(Behaviour::CutInAnswer, |error| matches!(error, EgressError::Broken(_))).await;
    check(Behaviour::Big(1 << 20), |error| matches!(error, EgressError::TooLarge { .. })).await;

    let nobody = post(&format!("http://{}/", nowhere().await), AMPLE).await.unwrap_err();
    assert!(!nobody.request_may_have_arrived(), "{nobody:?}");
}
