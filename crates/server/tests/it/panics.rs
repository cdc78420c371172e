//! A fault in a dialect is answered, counted, and hurts nobody else.

use crate::client::{get, text};
use crate::gateway::Gateway;

#[tokio::test]
async fn a_panic_becomes_the_dialects_internal_error() {
    let gateway = Gateway::start().await;
    let check = async |path: &str, status: u16, body: &str| {
        let response = get(&gateway.url(path)).await;
        assert_eq!((response.status, text(&response).as_str()), (status, body), "{path}");
    };
    check("/parrot/identify", 200, "refused nobody internal").await;
    check("/parrot/open", 200, "refused polly internal").await;
    check("/parrot/seal", 200, "refused polly internal").await;
    check("/parrot/refuse", 500, "").await;

    let metrics = gateway.metrics().await;
    for operation in ["identify", "open", "seal", "refuse"] {
        let line = format!(
            "tradewind_requests_total{{dialect=\"parrot\",operation=\"{operation}\",result=\"panic\"}} 1"
        );
        assert!(metrics.contains(&line), "{line}: {metrics}");
    }
    assert!(metrics.contains("tradewind_panics_total 4"), "{metrics}");
    assert!(metrics.contains("tradewind_requests_in_flight 0"), "{metrics}");
    gateway.stop().await;
}
