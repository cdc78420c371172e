//! Clients for tests, and requests with all that is mandatory.

use std::path::Path;

use tradewind_sdk::lianhe::{
    Client, Config, OrderNames, OrderRequest, ProductQuery, RefundRequest, SmsFrom, Visitor,
};
use tradewind_sdk::{Amount, Clock, Day, Error, Secret, Transport};
use tradewind_testkit::DISTRIBUTOR;

use crate::support::{Call, VECTORS_AT};

/// The numbers of the golden messages.
pub(crate) const NUMBER: &str = "D20160805000001";
pub(crate) const LH_ORDER: &str = "14703600001230000";
pub(crate) const DEAL: &str = "20160001";
/// The codes of the golden messages.
pub(crate) const CODES: [&str; 3] = ["8045172399061127", "8045172399061134", "8045172399061142"];

/// A golden message of the protocol.
pub(crate) fn golden(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../dialects/lianhe/golden").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The sandbox's first distributor.
pub(crate) fn config(url: &str) -> Config {
    let partner_id = DISTRIBUTOR.key_id.parse().unwrap();
    let api_name = DISTRIBUTOR.api_name.to_owned();
    Config { api_name, ..Config::new(partner_id, Secret::new(DISTRIBUTOR.secret), url) }
}

/// The same at the time of the vectors.
pub(crate) fn at_vectors(transport: impl Transport) -> Client {
    let client = Client::over(config("http://ticket.example"), transport).unwrap();
    client.with_clock(Clock::from_fn(|| VECTORS_AT))
}

pub(crate) fn yuan(text: &str) -> Amount {
    text.parse().unwrap()
}

pub(crate) fn day(text: &str) -> Day {
    text.parse().unwrap()
}

/// The order of the golden messages.
pub(crate) fn golden_order() -> OrderRequest {
    let first = Visitor {
        address: "北京市东城区1号".into(),
        postcode: "100010".into(),
        document_kind: "0".into(),
        email: "zhang@example.test".into(),
        ..Visitor::new("张三", "13800000001").identity_card("11010519491231002X")
    };
    let second = Visitor {
        document_kind: "0".into(),
        ..Visitor::new("李四", "13800000002").identity_card("440524188001010014")
    };
    let third = Visitor {
        document: "G12345678".into(),
        document_kind: "1".into(),
        ..Visitor::new("Wang Wu", "13800000003")
    };
    let request = OrderRequest::new().order_id(NUMBER).deal_id(DEAL).sell_price(yuan("158.50")).quantity(3);
    let request = request.travel_date(day("2016-08-06")).pay_id("P20160805000001");
    request.sms_from(SmsFrom::Partner).visitor(first).visitor(second).visitor(third)
}

/// One ticket for somebody.
pub(crate) fn order(number: &str, deal_id: &str) -> OrderRequest {
    let request = OrderRequest::new().order_id(number).deal_id(deal_id).sell_price(yuan("100")).quantity(1);
    request.visitor(Visitor::new("Li Lei", "13800000001"))
}

/// The order of the golden messages by its names.
pub(crate) fn names() -> OrderNames {
    OrderNames::new(NUMBER, LH_ORDER)
}

/// Every call that changes something at the platform.
pub(crate) fn changing(client: &Client) -> Vec<(&'static str, Call<'_>)> {
    vec![
        ("create_order", call(async { client.create_order(&order("D1", "1")).await })),
        ("pay_order", call(async { client.pay_order("2", &order("D1", "1")).await })),
        ("new_order", call(async { client.new_order(&order("D1", "1")).await })),
        ("cancel_order", call(async { client.cancel_order(&RefundRequest::new(names(), 1)).await })),
        ("send", call(async { client.send(&names()).await })),
    ]
}

/// Every call that only asks.
pub(crate) fn asking(client: &Client) -> Vec<(&'static str, Call<'_>)> {
    let (from, until) = (day("2016-08-05"), day("2016-08-06"));
    vec![
        ("products", call(async { client.products(&ProductQuery::page(0, 20)).await })),
        ("prices", call(async move { client.prices(DEAL, from, until).await })),
        ("query_order", call(async { client.query_order(&names()).await })),
        ("find_order", call(async { client.find_order(NUMBER).await })),
        ("resolve_new_order", call(async { client.resolve_new_order(&order("D1", "1")).await })),
        ("balance", call(async { client.balance().await })),
    ]
}

/// A call, whatever it gives.
pub(crate) fn call<'a, T>(call: impl Future<Output = Result<T, Error>> + 'a) -> Call<'a> {
    Box::pin(async { call.await.map(drop) })
}
