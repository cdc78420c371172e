//! A distributor that sends, and purchases as the engine would hand them over.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use tradewind_dialect::{Claim, Credentials, Dialect, Method as Http, RawRequest, RawResponse};
use tradewind_domain::{
    Call, CodeRule, Contact, Currency, Flow, Line, Method, Money, Order, OrderId, OrderStage, Outcome,
    Partner, PartnerId, PartnerState, Payment, PaymentId, PaymentState, Price, Product, ProductId,
    ProductState, Purchase, Redemption, RedemptionId, Refund, RefundId, RefundKind, RefundState, RefundTerms,
    RefundUntil, Refusal, Review, Sku, SkuId, SkuKind, SkuListing, Span, Stock, StockKey, Terminal,
    TicketRules, Timestamp, TransferId, TravellerRule, Voucher, VoucherCode, VoucherId, VoucherState,
};
use tradewind_lianhe::{Lianhe, PATH, authorization, target};
use tradewind_signing::Secret;

/// The instant of the specification's vectors: 2016-08-05 09:20:00 in GMT+8, and a bit.
pub(crate) const NOW: Timestamp = Timestamp::from_ms(1_470_360_000_123);
pub(crate) const DATE: &str = "Fri, 05 Aug 2016 01:20:00 GMT";
pub(crate) const PARTNER_ID: &str = "1985";
pub(crate) const API_NAME: &str = "demo";
pub(crate) const SECRET: &str = "0123456789abcdef0123456789abcdef";
pub(crate) const NUMBER: &str = "D20160805000001";
pub(crate) const LH_ORDER: i64 = 14_703_600_001_230_000;
pub(crate) const DEAL: i64 = 20_160_001;

/// The operations, by what they are called on the wire.
pub(crate) const OPERATIONS: [&str; 9] = [
    "getTeam",
    "getPrice",
    "creatOrder",
    "payOrder",
    "newOrder",
    "queryOrder",
    "cancelOrder",
    "send",
    "getBalance",
];

pub(crate) fn golden(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn request_of(operation: &str) -> String {
    golden(&format!("{operation}.request.json"))
}

pub(crate) fn dialect() -> Lianhe {
    Lianhe::default()
}

pub(crate) fn yuan(text: &str) -> Money {
    Money::parse(text, 2, Currency::CNY).unwrap()
}

pub(crate) fn partner() -> Partner {
    Partner {
        id: PartnerId::from_i64(1),
        name: "Sandbox Distributor".to_owned(),
        state: PartnerState::Active,
        methods: dialect().default_methods(),
        fee_ppm: 0,
        credit_limit: yuan("0"),
        settings: r#"{"lianhe":{"api_name":"demo","get_balance":true,"team_notify":true}}"#.to_owned(),
        created_at: NOW,
    }
}

/// A distributor with its secrets, newest first; it signs with the last, as one does that has not changed
/// yet.
pub(crate) struct Distributor {
    pub(crate) credentials: Credentials,
    pub(crate) secret: Secret,
}

impl Distributor {
    pub(crate) fn new() -> Distributor {
        Distributor::with(partner(), &[SECRET])
    }

    pub(crate) fn with(partner: Partner, secrets: &[&str]) -> Distributor {
        let secrets: Vec<Secret> = secrets.iter().map(|secret| Secret::new(*secret)).collect();
        let secret = secrets.last().unwrap().clone();
        let credentials = Credentials::new(Arc::new(partner), PARTNER_ID.to_owned(), secrets);
        Distributor { credentials, secret }
    }

    /// A correctly signed call.
    pub(crate) fn post(&self, method: &str, body: &str) -> RawRequest {
        post(method, DATE, &authorization(API_NAME, &self.secret, &target(method), DATE), body)
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
            Claim::Key(key_id) if key_id == PARTNER_ID => Some(&self.credentials),
            Claim::Key(_) | Claim::Anonymous => return Err(Refusal::UnknownPartner),
        };
        dialect().open(operation, request, credentials, now).map(|opened| opened.call.into_inner())
    }

    /// The call of a body.
    pub(crate) fn call(&self, operation: &'static str, body: &str) -> Result<Call, Refusal> {
        self.open(operation, &self.post(operation, body))
    }

    /// The text of the answer to a request, with what the engine makes of the call.
    pub(crate) fn answer(
        &self,
        operation: &'static str,
        request: &RawRequest,
        outcome: Result<&Outcome, &Refusal>,
    ) -> String {
        let answer = self.response(operation, request, outcome);
        String::from_utf8(answer.body.to_vec()).unwrap()
    }

    /// The whole answer.
    pub(crate) fn response(
        &self,
        operation: &'static str,
        request: &RawRequest,
        outcome: Result<&Outcome, &Refusal>,
    ) -> RawResponse {
        let refuse = |credentials, refusal| dialect().refuse(operation, request, credentials, refusal, NOW);
        let answer = match dialect().identify(operation, request) {
            Err(refusal) => refuse(None, &refusal),
            Ok(Claim::Key(key_id)) if key_id == PARTNER_ID => {
                match dialect().open(operation, request, Some(&self.credentials), NOW) {
                    Ok(opened) => opened.sealer.seal(outcome, NOW),
                    Err(refusal) => refuse(Some(&self.credentials), &refusal),
                }
            }
            Ok(Claim::Key(_) | Claim::Anonymous) => refuse(None, &Refusal::UnknownPartner),
        };
        assert_eq!((answer.status, answer.content_type), (200, "application/json; charset=utf-8"));
        answer
    }

    /// The answer to the golden request of an operation.
    pub(crate) fn answer_golden(
        &self,
        operation: &'static str,
        outcome: Result<&Outcome, &Refusal>,
    ) -> String {
        self.answer(operation, &self.post(operation, &request_of(operation)), outcome)
    }
}

pub(crate) fn post(method: &str, date: &str, authorization: &str, body: &str) -> RawRequest {
    let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    RawRequest {
        method: Http::Post,
        path: PATH.to_owned(),
        params: Vec::new(),
        query: format!("method={method}"),
        headers: vec![
            header("partnerid", PARTNER_ID),
            header("date", date),
            header("authorization", authorization),
        ],
        body: Bytes::from(body.to_owned()),
    }
}

/// A request without one of its headers, or with another value of it.
pub(crate) fn with_header(mut request: RawRequest, name: &str, value: Option<&str>) -> RawRequest {
    request.headers.retain(|(own, _)| own != name);
    request.headers.extend(value.map(|value| (name.to_owned(), value.to_owned())));
    request
}

/// `code`, `describe` and the text of `body` of an answer.
pub(crate) fn parts(answer: &str) -> (i64, String, String) {
    let value: serde_json::Value = serde_json::from_str(answer).unwrap_or_else(|e| panic!("{e}: {answer}"));
    let members: Vec<&String> = value.as_object().unwrap().keys().collect();
    assert!(members.len() >= 4, "{answer}");
    (
        value["code"].as_i64().unwrap(),
        value["describe"].as_str().unwrap().to_owned(),
        answer.split_once("\"body\":").unwrap().1.strip_suffix('}').unwrap().to_owned(),
    )
}

pub(crate) fn price() -> Price {
    Price { market: yuan("200"), sell: yuan("158.5"), cost: yuan("120.05") }
}

pub(crate) fn codes() -> [VoucherCode; 3] {
    [804_517_239_906_112, 804_517_239_906_113, 804_517_239_906_114]
        .map(|payload| VoucherCode::of_payload(payload).unwrap())
}

/// The paid purchase of the golden messages: three tickets, of which nothing has been used.
pub(crate) fn purchase() -> Purchase {
    Purchase { order: order(), payment: payment(), refunds: Vec::new(), vouchers: vouchers() }
}

/// The same before it was paid.
pub(crate) fn unpaid() -> Purchase {
    let mut purchase = purchase();
    purchase.order.stage = OrderStage::Open;
    purchase.order.paid_at = None;
    purchase.payment.state = PaymentState::Waiting;
    purchase.payment.settled_at = None;
    purchase.vouchers.clear();
    purchase
}

/// The same when the balance did not suffice.
pub(crate) fn declined() -> Purchase {
    let mut purchase = unpaid();
    purchase.payment.state = PaymentState::Declined;
    purchase.payment.reason = Some("the balance is too low".to_owned());
    purchase
}

pub(crate) fn order() -> Order {
    Order {
        id: OrderId::from_i64(LH_ORDER),
        partner: PartnerId::from_i64(1),
        dialect: "lianhe".to_owned(),
        number: NUMBER.to_owned(),
        fingerprint: 0,
        amount: yuan("360.15"),
        subject: "大观园成人票".to_owned(),
        stage: OrderStage::Paid,
        revocation_applied: false,
        refunded: yuan("0"),
        refunding: yuan("0"),
        refund_failed: false,
        fee_ppm: 0,
        payment: PaymentId::from_i64(5),
        paid_at: Some(NOW),
        ended_at: None,
        expires_at: NOW + Span::from_mins(30),
        terminal: Terminal::default(),
        notify_url: None,
        details: None,
        line: Some(Box::new(line())),
    }
}

pub(crate) fn line() -> Line {
    Line {
        seller: PartnerId::from_i64(77),
        product: ProductId::from_i64(9),
        sku: SkuId::from_i64(DEAL),
        name: "大观园成人票".to_owned(),
        day: Some("2016-08-06".parse().unwrap()),
        quantity: 3,
        sell: price().sell,
        cost: price().cost,
        used: 0,
        refunded: 0,
        locked: 0,
        codes: CodeRule::PerTicket,
        usable_after: Span::from_ms(0),
        valid_from: None,
        valid_until: None,
        refund: rules().refund,
        travellers: Vec::new(),
        send_codes: true,
        resent: 0,
        sent_at: None,
    }
}

fn payment() -> Payment {
    Payment {
        id: PaymentId::from_i64(5),
        order: OrderId::from_i64(LH_ORDER),
        partner: PartnerId::from_i64(1),
        channel: "balance".to_owned(),
        method: Method::BALANCE,
        flow: Flow::FromBalance,
        state: PaymentState::Paid,
        amount: yuan("360.15"),
        payer_code: None,
        payer: None,
        channel_number: None,
        bills: Vec::new(),
        reason: None,
        settled_at: Some(NOW),
        follow_up: None,
    }
}

pub(crate) fn vouchers() -> Vec<Voucher> {
    codes().into_iter().zip(1..).map(|(code, number)| voucher(code, number)).collect()
}

fn voucher(code: VoucherCode, number: i64) -> Voucher {
    Voucher {
        id: VoucherId::from_i64(LH_ORDER + number),
        partner: PartnerId::from_i64(1),
        dialect: "lianhe".to_owned(),
        number: format!("{LH_ORDER}-{number}"),
        fingerprint: 0,
        code,
        subject: "大观园成人票".to_owned(),
        ordered: 1,
        used: 0,
        refunded: 0,
        locked: 0,
        state: VoucherState::Active,
        order: Some(OrderId::from_i64(LH_ORDER)),
        seller: Some(PartnerId::from_i64(77)),
        valid_from: None,
        valid_until: None,
        cancelled_at: None,
        shares: Vec::new(),
        notify_url: None,
        details: None,
    }
}

pub(crate) fn redemption() -> Redemption {
    Redemption {
        id: RedemptionId::from_i64(LH_ORDER + 100),
        voucher: VoucherId::from_i64(LH_ORDER + 1),
        partner: PartnerId::from_i64(1),
        by: PartnerId::from_i64(77),
        device: "gate1".to_owned(),
        count: 1,
        used_so_far: 1,
        left: 2,
    }
}

/// An application for one ticket, under review.
pub(crate) fn refund() -> Refund {
    Refund {
        id: RefundId::from_i64(LH_ORDER + 200),
        order: OrderId::from_i64(LH_ORDER),
        partner: PartnerId::from_i64(1),
        number: format!("{LH_ORDER}/R20160805000001"),
        fingerprint: 0,
        kind: RefundKind::Units,
        state: RefundState::Pending,
        amount: yuan("120.05"),
        units: 1,
        units_so_far: 0,
        subject: String::new(),
        operator: String::new(),
        channel_number: None,
        bills: Vec::new(),
        reason: None,
        settled_at: None,
        follow_up: None,
        hold: TransferId::from_i64(1),
    }
}

/// 2016-01-01 00:00:00 and 2016-12-31 23:59:59 and a second later in GMT+8.
const YEAR_BEGIN: Timestamp = Timestamp::from_ms(1_451_577_600_000);
const YEAR_LAST: Timestamp = Timestamp::from_ms(1_483_199_999_000);
const YEAR_END: Timestamp = Timestamp::from_ms(1_483_200_000_000);

pub(crate) fn rules() -> TicketRules {
    TicketRules {
        dated: true,
        valid_from: Some(YEAR_BEGIN),
        valid_until: Some(YEAR_END),
        book_ahead_days: 1,
        usable_after: Span::from_mins(30),
        valid_days: 1,
        travellers: TravellerRule::Each,
        needs_document: true,
        codes: CodeRule::PerTicket,
        counter_only: false,
        refund: RefundTerms {
            refundable: true,
            whole_only: false,
            until: RefundUntil::BeforeEnd(Span::from_days(1)),
            review: Review::Manual,
        },
    }
}

pub(crate) fn sku() -> Sku {
    Sku {
        id: SkuId::from_i64(DEAL),
        seller: PartnerId::from_i64(77),
        product: ProductId::from_i64(9),
        price: price(),
        sale_from: Some(YEAR_BEGIN),
        sale_until: Some(YEAR_LAST),
        order_min: 1,
        order_max: 5,
        kind: SkuKind::Ticket(rules()),
        changed_at: NOW,
    }
}

/// The stock of a day: sixty tickets, of which one is held and one is sold.
pub(crate) fn stock(day: Option<&str>) -> Stock {
    Stock {
        seller: PartnerId::from_i64(77),
        key: StockKey { sku: SkuId::from_i64(DEAL), day: day.map(|day| day.parse().unwrap()) },
        total: 60,
        held: 1,
        sold: 1,
        closed: false,
        price: None,
    }
}

pub(crate) fn product() -> Product {
    Product {
        id: ProductId::from_i64(9),
        seller: PartnerId::from_i64(77),
        name: "大观园成人票".to_owned(),
        state: ProductState::OnSale,
        system: None,
        pictures: ["1", "2"].map(|name| format!("http://img.example.test/{name}.jpg")).to_vec(),
        contacts: vec![Contact { phone: "010-12345678".to_owned(), hours: "09:00-18:00".to_owned() }],
        texts: r#"{"fee_includes":"成人票一张","usage":"凭短信验证码入园","refund":"未使用可退","notice":"当日有效","detail":"\"大观园\" & <红楼梦>\n","more":"x"}"#.to_owned(),
        changed_at: NOW,
    }
}

/// The two products of the golden messages: one sold by the day, and one with no rules but a minimum.
pub(crate) fn listings() -> Vec<SkuListing> {
    let undated = TicketRules {
        dated: false,
        valid_from: None,
        valid_until: None,
        book_ahead_days: 0,
        usable_after: Span::from_ms(0),
        travellers: TravellerRule::Contact,
        needs_document: false,
        refund: RefundTerms {
            refundable: true,
            whole_only: true,
            until: RefundUntil::Never,
            review: Review::Manual,
        },
        ..rules()
    };
    let second = Sku {
        id: SkuId::from_i64(DEAL + 1),
        sale_from: None,
        sale_until: None,
        order_min: 2,
        order_max: 1_000,
        kind: SkuKind::Ticket(undated),
        ..sku()
    };
    vec![
        SkuListing { sku: sku(), product: product(), stock: None },
        SkuListing { sku: second, product: product(), stock: Some(stock(None)) },
    ]
}
