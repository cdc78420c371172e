//! A merchant that sends, and orders as the engine would hand them over.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use tradewind_dialect::{Claim, Credentials, Dialect, Method as Http, RawRequest, RawResponse};
use tradewind_domain::{
    Call, Currency, Flow, FundBill, Method, Money, Order, OrderId, OrderStage, Outcome, Partner, PartnerId,
    PartnerState, Payment, PaymentId, PaymentState, Refund, RefundId, RefundKind, RefundState, Refusal,
    Terminal, Timestamp, TransferId,
};
use tradewind_signing::{Secret, TripleDesKey};
use tradewind_sosopay::{Code, PREFIX, Sosopay, decrypt, encrypt, sign};

/// The instant of the specification's vectors: 2016-08-05 09:20:00.123 in GMT+8.
pub(crate) const NOW: Timestamp = Timestamp::from_ms(1_470_360_000_123);
pub(crate) const BUSI_ID: &str = "0010000001";
pub(crate) const KEY: &str = "K7Q2M9X4T1V8B3N6L5R0Z2C7D4F9H1J8";
pub(crate) const CODE: &str = "T20160805000001";

pub(crate) fn golden(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn dialect() -> Sosopay {
    Sosopay::default()
}

pub(crate) fn cny(cents: i64) -> Money {
    Money::from_cents(cents, Currency::CNY).unwrap()
}

pub(crate) fn partner() -> Partner {
    Partner {
        id: PartnerId::from_i64(1),
        name: "Sandbox Shop".to_owned(),
        state: PartnerState::Active,
        methods: dialect().default_methods(),
        fee_ppm: 6_000,
        credit_limit: cny(0),
        settings: "{}".to_owned(),
        created_at: NOW,
    }
}

/// A merchant with its keys, newest first; it signs with the last, as one does that has not yet changed.
pub(crate) struct Shop {
    pub(crate) credentials: Credentials,
    pub(crate) key: Secret,
}

impl Shop {
    pub(crate) fn new() -> Shop {
        Shop::with(partner(), &[KEY])
    }

    pub(crate) fn with(partner: Partner, keys: &[&str]) -> Shop {
        let secrets: Vec<Secret> = keys.iter().map(|key| Secret::new(*key)).collect();
        let key = secrets.last().unwrap().clone();
        Shop { credentials: Credentials::new(Arc::new(partner), BUSI_ID.to_owned(), secrets), key }
    }

    pub(crate) fn cipher(&self) -> TripleDesKey {
        TripleDesKey::from_text(self.key.expose_str().unwrap())
    }

    pub(crate) fn sign(&self, plain: &str) -> String {
        sign(&self.key, &[plain.as_bytes()], NOW)
    }

    /// A correctly signed message in clear, answered in JSON.
    pub(crate) fn post(&self, operation: &str, body: &str) -> RawRequest {
        post(operation, &format!("sign={}&_type=json", self.sign(body)), body)
    }

    /// The same in cipher.
    pub(crate) fn post_encrypted(&self, operation: &str, body: &str) -> RawRequest {
        let query = format!("sign={}&_type=json&encrypt=3DES&busiCode={BUSI_ID}", self.sign(body));
        post(operation, &query, &encrypt(&self.cipher(), body))
    }

    /// A correctly signed call without a message, answered in JSON.
    pub(crate) fn get(&self, operation: &str, code: &str, parameters: &str) -> RawRequest {
        let plain = match operation {
            "query" => code.to_owned(),
            "cancelTrade" => format!("chargeCode={code}&busiCode={BUSI_ID}"),
            "payChannel" => format!("busiCode={BUSI_ID}"),
            _ => String::new(),
        };
        let busi_code = if operation == "queryTrades" { "&busiCode=0010000001" } else { "" };
        let query =
            format!("sign={}&_type=json{busi_code}{parameters}", self.sign(&plain).replace(':', "%3A"));
        let mut params = vec![("busiId".to_owned(), BUSI_ID.to_owned())];
        match operation {
            "query" | "cancelTrade" => params.push(("chargeCode".to_owned(), code.to_owned())),
            "payChannel" => {}
            _ => params.clear(),
        }
        RawRequest { method: Http::Get, params, query, ..post(operation, "", "") }
    }

    /// Runs a request as the server does: identify, credentials, open.
    pub(crate) fn open(&self, operation: &'static str, request: &RawRequest) -> Result<Call, Refusal> {
        self.open_at(operation, request, NOW)
    }

    pub(crate) fn open_at(
        &self,
        operation: &'static str,
        request: &RawRequest,
        now: Timestamp,
    ) -> Result<Call, Refusal> {
        let credentials = match dialect().identify(operation, request)? {
            Claim::Anonymous => None,
            Claim::Key(key_id) if key_id == BUSI_ID => Some(&self.credentials),
            Claim::Key(_) => return Err(Refusal::UnknownPartner),
        };
        dialect().open(operation, request, credentials, now).map(|opened| opened.call.into_inner())
    }

    /// Runs a request to its answer, with what the engine makes of the call.
    pub(crate) fn answer(
        &self,
        operation: &'static str,
        request: &RawRequest,
        outcome: Result<&Outcome, &Refusal>,
    ) -> RawResponse {
        let refuse = |credentials, refusal| dialect().refuse(operation, request, credentials, refusal, NOW);
        let credentials = match dialect().identify(operation, request) {
            Err(refusal) => return refuse(None, &refusal),
            Ok(Claim::Anonymous) => None,
            Ok(Claim::Key(key_id)) if key_id == BUSI_ID => Some(&self.credentials),
            Ok(Claim::Key(_)) => return refuse(None, &Refusal::UnknownPartner),
        };
        match dialect().open(operation, request, credentials, NOW) {
            Ok(opened) => opened.sealer.seal(outcome, NOW),
            Err(refusal) => refuse(credentials, &refusal),
        }
    }

    /// The return code of a request that the engine would refuse with `Storage`, were it to get there.
    pub(crate) fn code(&self, operation: &'static str, request: &RawRequest) -> String {
        code_of(&self.clear(&self.answer(operation, request, Err(&Refusal::Storage))))
    }

    /// An answer's text in clear.
    pub(crate) fn clear(&self, response: &RawResponse) -> String {
        match response.content_type {
            "text/plain;charset=UTF-8" => decrypt(&self.cipher(), &response.body).unwrap(),
            _ => String::from_utf8(response.body.to_vec()).unwrap(),
        }
    }
}

pub(crate) fn post(operation: &str, query: &str, body: &str) -> RawRequest {
    RawRequest {
        method: Http::Post,
        path: format!("{PREFIX}{operation}"),
        params: Vec::new(),
        query: query.to_owned(),
        headers: Vec::new(),
        body: Bytes::from(body.to_owned()),
    }
}

/// The return code in an answer of either format.
pub(crate) fn code_of(clear: &str) -> String {
    let codes = Code::ALL.iter().map(|code| code.name());
    let found = codes.chain(["SUCESS"]).find(|name| {
        clear.contains(&format!("\"CODE\":\"{name}\"")) || clear.contains(&format!("<CODE>{name}</CODE>"))
    });
    found.unwrap_or_else(|| panic!("no return code in {clear}")).to_owned()
}

/// The paid order of the golden messages.
pub(crate) fn order() -> Order {
    Order {
        id: OrderId::from_i64(14_703_600_001_230_000),
        partner: PartnerId::from_i64(1),
        dialect: "sosopay".to_owned(),
        number: CODE.to_owned(),
        fingerprint: 0,
        amount: cny(15_800),
        subject: "QR code to pay".to_owned(),
        stage: OrderStage::Paid,
        revocation_applied: false,
        refunded: cny(0),
        refunding: cny(0),
        refund_failed: false,
        fee_ppm: 6_000,
        payment: PaymentId::from_i64(5),
        paid_at: Some(Timestamp::from_ms(1_470_360_005_000)),
        ended_at: None,
        expires_at: Timestamp::from_ms(1_470_360_080_123),
        terminal: Terminal {
            operator: "oper01".to_owned(),
            device: "dev01".to_owned(),
            store: Some("02016".to_owned()),
        },
        notify_url: None,
        details: details(),
        line: None,
    }
}

/// What the dialect itself keeps of the golden request.
fn details() -> Option<String> {
    let shop = Shop::new();
    let request = shop.post("preOrder", &golden("preOrder.full.request.json"));
    match shop.open("preOrder", &request).unwrap() {
        Call::Collect(collect) => collect.details,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn payment() -> Payment {
    Payment {
        id: PaymentId::from_i64(5),
        order: order().id,
        partner: PartnerId::from_i64(1),
        channel: "sandbox".to_owned(),
        method: Method::ALIPAY,
        flow: Flow::PayerCode,
        state: PaymentState::Paid,
        amount: cny(15_800),
        payer_code: Some("284214903060794755".to_owned()),
        payer: Some("2088102122458832".to_owned()),
        channel_number: Some("2088110245121545154".to_owned()),
        bills: vec![bill("alipay_balance", 15_000), bill("alipay_bonus", 800)],
        reason: None,
        settled_at: Some(Timestamp::from_ms(1_470_360_005_000)),
        follow_up: None,
    }
}

pub(crate) fn bill(source: &str, cents: i64) -> FundBill {
    FundBill { source: source.to_owned(), amount: cny(cents) }
}

/// A refund of 58.00, made ten minutes after the order.
pub(crate) fn refund() -> Refund {
    Refund {
        id: RefundId::from_i64(14_703_606_000_000_000),
        order: order().id,
        partner: PartnerId::from_i64(1),
        number: "R20160805000001".to_owned(),
        fingerprint: 0,
        kind: RefundKind::Requested,
        state: RefundState::Succeeded,
        amount: cny(5_800),
        units: 0,
        units_so_far: 0,
        subject: "Merchant refunds".to_owned(),
        operator: "oper01".to_owned(),
        channel_number: Some("2016080521001004".to_owned()),
        bills: vec![bill("alipay_balance", 5_800)],
        reason: None,
        settled_at: Some(Timestamp::from_ms(1_470_360_601_000)),
        follow_up: None,
        hold: TransferId::from_i64(1),
    }
}
