//! A dialect for tests: it asks which payment methods there are, or collects from a payer who never
//! confirms, and panics where its path says.

use bytes::Bytes;
use tradewind_dialect::{
    Ack, Claim, Credentials, Dialect, Interface, Method, Notice, NoticeAbout, Notification, Opened, Proof,
    RawRequest, RawResponse, Route, SandboxPartner, Sealer, Verified,
};
use tradewind_domain::{
    Call, Collect, Currency, EventKind, Flow, MethodChoice, Money, Order, OrderId, Outcome, Refusal,
    Schedule, Span, Terminal, Timestamp,
};

/// The partner that a sandbox has of it.
pub(crate) const KEY_ID: &str = "polly";

/// How often the parrot repeats itself, a minute apart.
pub(crate) const ATTEMPTS: u32 = 3;

/// A dialect for tests.
pub(crate) struct Parrot;

const ROUTES: &[Route] = &[
    Route { method: Method::Post, path: "/parrot/methods/{word}", query: None, operation: "methods" },
    Route { method: Method::Post, path: "/parrot/collect/{word}", query: None, operation: "collect" },
    Route { method: Method::Get, path: "/parrot/identify", query: None, operation: "identify" },
    Route { method: Method::Get, path: "/parrot/open", query: None, operation: "open" },
    Route { method: Method::Get, path: "/parrot/seal", query: None, operation: "seal" },
    Route { method: Method::Get, path: "/parrot/refuse", query: None, operation: "refuse" },
];

impl Dialect for Parrot {
    fn name(&self) -> &'static str {
        "parrot"
    }

    fn routes(&self) -> &'static [Route] {
        ROUTES
    }

    fn headers(&self) -> &'static [&'static str] {
        &["x-key"]
    }

    fn interfaces(&self) -> &'static [Interface] {
        &[]
    }

    fn identify(&self, operation: &'static str, request: &RawRequest) -> Result<Claim, Refusal> {
        assert!(operation != "identify", "the parrot is told to fail in identify");
        if operation == "refuse" {
            return Err(Refusal::UnknownPartner);
        }
        Ok(Claim::Key(request.header("x-key").unwrap_or(KEY_ID).to_owned()))
    }

    fn open(
        &self,
        operation: &'static str,
        request: &RawRequest,
        credentials: Option<&Credentials>,
        _now: Timestamp,
    ) -> Result<Opened, Refusal> {
        assert!(operation != "open", "the parrot is told to fail in open");
        let key_id = credentials.map(|credentials| credentials.key_id.clone());
        let asked = match operation {
            "collect" => collect(request.param("word").unwrap_or("-")),
            _ => Call::ListMethods,
        };
        let call = Verified::new(Proof::carried_by_call(), asked);
        let words =
            [request.param("word").unwrap_or("-"), &request.query, &String::from_utf8_lossy(&request.body)];
        let echo = format!("{} {}", key_id.unwrap_or_default(), words.join(" "));
        Ok(Opened { call, sealer: Box::new(Echo { echo, fails: operation == "seal" }) })
    }

    fn refuse(
        &self,
        operation: &'static str,
        _request: &RawRequest,
        credentials: Option<&Credentials>,
        refusal: &Refusal,
        _now: Timestamp,
    ) -> RawResponse {
        assert!(operation != "refuse", "the parrot is told to fail in refuse");
        let key_id = credentials.map_or("nobody", |credentials| credentials.key_id.as_str());
        answer(200, format!("refused {key_id} {}", refusal.name()))
    }

    fn notify(&self, notice: &Notice<'_>, _now: Timestamp) -> Option<Notification> {
        let url = notice.endpoint?.url.clone();
        let number = match notice.about {
            NoticeAbout::Order { order, .. } => &order.number,
            NoticeAbout::Voucher { voucher, .. } => &voucher.number,
            NoticeAbout::Sku { product, .. } => &product.name,
        };
        let body = Bytes::from(format!("{} {number}", notice.event.kind.name()));
        Some(Notification { url, content_type: "text/plain", headers: Vec::new(), body })
    }

    fn notifies(&self) -> &'static [EventKind] {
        &[EventKind::OrderPaid]
    }

    fn acknowledged(&self, response: &RawResponse) -> Ack {
        if response.status == 200 { Ack::Received } else { Ack::TryAgain("not interested".into()) }
    }

    fn schedule(&self, _kind: EventKind) -> Schedule {
        Schedule::Every { every: Span::from_secs(60), attempts: ATTEMPTS }
    }

    fn patience(&self) -> Option<Span> {
        None
    }

    fn ordered_by(&self, _kind: EventKind) -> Option<&'static str> {
        None
    }

    fn check_partner(&self, _key_id: &str, _secret: &str, _settings: &str) -> Result<(), String> {
        Ok(())
    }

    fn new_secret(&self) -> String {
        "cracker".into()
    }

    fn default_methods(&self) -> Vec<tradewind_domain::Method> {
        vec![tradewind_domain::Method::ALIPAY]
    }

    fn serial(&self, order: &Order) -> String {
        order.id.get().to_string()
    }

    fn order_of_serial(&self, _serial: &str) -> Option<OrderId> {
        None
    }

    fn sandbox_partners(&self) -> Vec<SandboxPartner> {
        vec![SandboxPartner {
            name: "Polly's Tea House",
            key_id: KEY_ID,
            secret: "cracker",
            settings: "{}",
            methods: self.default_methods(),
            suspended: false,
            users: &[],
        }]
    }

    fn sample(
        &self,
        _operation: &'static str,
        _credentials: &Credentials,
        _now: Timestamp,
    ) -> Option<RawRequest> {
        None
    }
}

/// Collects by a code that the sandbox's channel lets wait for ever.
fn collect(number: &str) -> Call {
    Call::Collect(Box::new(Collect {
        number: number.to_owned(),
        fingerprint: 1,
        amount: Money::from_cents(100, Currency::CNY).unwrap(),
        subject: "nuts".into(),
        method: MethodChoice::Named(tradewind_domain::Method::ALIPAY),
        flow: Flow::PayerCode,
        payer_code: Some("280000000000005901".into()),
        expires_in: Span::from_mins(15),
        terminal: Terminal::default(),
        notify_url: None,
        details: None,
    }))
}

struct Echo {
    echo: String,
    fails: bool,
}

impl Sealer for Echo {
    fn seal(self: Box<Self>, outcome: Result<&Outcome, &Refusal>, _now: Timestamp) -> RawResponse {
        assert!(!self.fails, "the parrot is told to fail in seal");
        match outcome {
            Ok(Outcome::Methods(methods)) => answer(200, format!("{} {methods:?}", self.echo)),
            Ok(_) => answer(500, "something else".into()),
            Err(refusal) => answer(200, format!("{} {}", self.echo, refusal.name())),
        }
    }
}

fn answer(status: u16, body: String) -> RawResponse {
    let headers = vec![("x-parrot", "squawk".to_owned())];
    RawResponse { status, content_type: "text/plain", headers, body: Bytes::from(body) }
}
