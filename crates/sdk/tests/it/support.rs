//! Clients for tests, and requests with all that is mandatory.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tradewind_sdk::bytes::Bytes;
use tradewind_sdk::http::{Request, Response};
use tradewind_sdk::sosopay::{
    Client, Config, Device, Encryption, Format, OfficialAccountRequest, PayRequest, PrecreateRequest,
    RefundRequest, VerifyResultsRequest, VoucherRequest,
};
use tradewind_sdk::{
    AddressPolicy, Amount, Clock, EgressTransport, Error, Secret, Sending, Timestamp, Transport,
    TransportError,
};
use tradewind_testkit::{SHOP, TestGateway};

/// The time of the specification's vectors.
pub(crate) const VECTORS_AT: Timestamp = Timestamp::from_ms(1_470_360_000_123);

/// Every form a client can speak in.
pub(crate) const FORMS: [(Format, Encryption); 4] = [
    (Format::Json, Encryption::None),
    (Format::Xml, Encryption::None),
    (Format::Json, Encryption::TripleDes),
    (Format::Xml, Encryption::TripleDes),
];

pub(crate) fn config(url: &str) -> Config {
    Config::new(SHOP.key_id, Secret::new(SHOP.key), url)
}

/// The sandbox's first shop at a gateway under test, by the gateway's clock.
pub(crate) fn shop(gateway: &TestGateway, (format, encryption): (Format, Encryption)) -> Client {
    client(gateway, Config { format, encryption, signed_answers_only: true, ..config(&gateway.url()) })
}

/// Any client of a gateway under test.
pub(crate) fn client(gateway: &TestGateway, config: Config) -> Client {
    Client::over(config, loopback()).unwrap().with_clock(Clock::from_fn(gateway.clock()))
}

/// A client at the time of the vectors.
pub(crate) fn client_at_vectors(config: Config, transport: impl Transport) -> Client {
    Client::over(config, transport).unwrap().with_clock(Clock::from_fn(|| VECTORS_AT))
}

pub(crate) fn cents(cents: i64) -> Amount {
    Amount::from_cents(cents)
}

pub(crate) fn pay(charge_code: &str, payer_code: &str) -> PayRequest {
    let request = PayRequest::new().operator("oper01").device("dev01").amount(cents(15_800));
    request.payer_code(payer_code).charge_code(charge_code).subject("two coffees")
}

pub(crate) fn precreate(charge_code: &str) -> PrecreateRequest {
    let request = PrecreateRequest::new().operator("oper01").device("dev01").amount(cents(15_800));
    request.channel_type(1).charge_code(charge_code).subject("two coffees")
}

pub(crate) fn official(charge_code: &str) -> OfficialAccountRequest {
    let request = OfficialAccountRequest::new().operator("oper01").device("dev01").amount(cents(15_800));
    request.channel_type(2).charge_code(charge_code).subject("two coffees")
}

pub(crate) fn refund(charge_code: &str, refund_no: &str, amount: Amount) -> RefundRequest {
    let request = RefundRequest::new().operator("oper01").device("dev01").amount(amount).reason("sent back");
    request.charge_code(charge_code).refund_no(refund_no)
}

/// A voucher's code as it is written, of a voucher that is not there.
pub(crate) const CODE: &str = "0000000000005724";

pub(crate) fn voucher(trade_code: &str) -> VoucherRequest {
    let request = VoucherRequest::new().trade_code(trade_code).goods_name("Day ticket").goods_code("2010");
    request.goods_count(1).uses(3)
}

/// What one device has redeemed in the month of the vectors.
pub(crate) fn results(device: &str) -> VerifyResultsRequest {
    VerifyResultsRequest::new().device(device).begin_date("2016-08-01").end_date("2016-08-31")
}

/// What a caller decides on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Retryable,
    Unknown,
    Rejected,
    Neither,
}

/// The verdict of an error, which is at most one.
pub(crate) fn verdict(error: &Error) -> Verdict {
    match (error.is_retryable(), error.is_unknown_outcome(), error.is_rejected()) {
        (true, false, false) => Verdict::Retryable,
        (false, true, false) => Verdict::Unknown,
        (false, false, true) => Verdict::Rejected,
        (false, false, false) => Verdict::Neither,
        _ => panic!("{error:?} has several verdicts"),
    }
}

type Deliver = dyn Fn(Request<Bytes>, Duration) -> Result<Response<Bytes>, TransportError> + Send + Sync;

/// A transport that never leaves the process: records requests and answers as it is told.
pub(crate) struct Told {
    deliver: Box<Deliver>,
}

impl Told {
    pub(crate) fn by(
        deliver: impl Fn(Request<Bytes>, Duration) -> Result<Response<Bytes>, TransportError>
        + Send
        + Sync
        + 'static,
    ) -> Told {
        Told { deliver: Box::new(deliver) }
    }

    /// Answers everything with this body.
    pub(crate) fn body(body: &str) -> Told {
        let body = Bytes::copy_from_slice(body.as_bytes());
        Told::by(move |_, _| Ok(Response::new(body.clone())))
    }
}

impl Transport for Told {
    fn send(&self, request: Request<Bytes>, time_limit: Duration) -> Sending<'_> {
        let answer = (self.deliver)(request, time_limit);
        Box::pin(std::future::ready(answer))
    }
}

/// Sends for real, and loses the answer.
pub(crate) struct LosesAnswers(pub(crate) EgressTransport);

impl Transport for LosesAnswers {
    fn send(&self, request: Request<Bytes>, time_limit: Duration) -> Sending<'_> {
        Box::pin(async move {
            self.0.send(request, time_limit).await?;
            Err(TransportError::may_have_arrived("the answer was lost"))
        })
    }
}

/// Sends for real, but waits less long than it is asked to, and remembers what was asked.
pub(crate) struct Impatient {
    pub(crate) transport: EgressTransport,
    pub(crate) patience: Duration,
    pub(crate) asked: Arc<Mutex<Vec<Duration>>>,
}

impl Transport for Impatient {
    fn send(&self, request: Request<Bytes>, time_limit: Duration) -> Sending<'_> {
        self.asked.lock().unwrap().push(time_limit);
        self.transport.send(request, self.patience)
    }
}

/// A call, whatever it gives.
pub(crate) type Call<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>>;

/// Makes calls, all of which must end in the same way.
pub(crate) async fn check_calls(calls: Vec<(&'static str, Call<'_>)>, expected: Verdict, is_timeout: bool) {
    for (name, call) in calls {
        let error = call.await.unwrap_err();
        assert_eq!(verdict(&error), expected, "{name}: {error:?}");
        assert_eq!(error.is_timeout(), is_timeout, "{name}: {error:?}");
    }
}

/// The default transport as tests need it.
pub(crate) fn loopback() -> EgressTransport {
    EgressTransport::with_policy(AddressPolicy::AllowLoopback)
}

/// Every call that changes something at the platform.
pub(crate) fn changing(client: &Client) -> Vec<(&'static str, Call<'_>)> {
    use tradewind_sdk::sosopay::Revocation;
    vec![
        ("pay", Box::pin(async { client.pay(&pay("T1", "284214903060790000")).await.map(drop) })),
        ("precreate", Box::pin(async { client.precreate(&precreate("T1")).await.map(drop) })),
        ("official_account", Box::pin(async { client.official_account(&official("T1")).await.map(drop) })),
        ("refund", Box::pin(async { client.refund(&refund("T1", "R1", cents(100))).await.map(drop) })),
        ("cancel", Box::pin(async { client.cancel("T1", Revocation::RealTime).await.map(drop) })),
        ("verify_get", Box::pin(async { client.verify_get(&voucher("V1")).await.map(drop) })),
        ("verify_check", Box::pin(async { client.verify_check(CODE, "gate1").await.map(drop) })),
        ("verify_cancel", Box::pin(async { client.verify_cancel("V1", CODE).await.map(drop) })),
    ]
}

/// Every call that only asks.
pub(crate) fn asking(client: &Client) -> Vec<(&'static str, Call<'_>)> {
    use tradewind_sdk::sosopay::{BatchQueryRequest, Lookup};
    vec![
        ("query", Box::pin(async { client.query(&Lookup::charge_code("T1")).await.map(drop) })),
        ("batch_query", Box::pin(async { client.batch_query(&BatchQueryRequest::new()).await.map(drop) })),
        ("channels", Box::pin(async { client.channels().await.map(drop) })),
        ("auth", Box::pin(async { client.auth("cashier01", &Secret::new("wrong")).await.map(drop) })),
        (
            "login",
            Box::pin(async {
                client.login("cashier01", &Secret::new("wrong"), &Device::default()).await.map(drop)
            }),
        ),
        ("verify_query", Box::pin(async { client.verify_query("V1").await.map(drop) })),
        ("verify_look", Box::pin(async { client.verify_look(CODE, "gate1").await.map(drop) })),
        ("verify_results", Box::pin(async { client.verify_results(&results("gate1")).await.map(drop) })),
    ]
}
