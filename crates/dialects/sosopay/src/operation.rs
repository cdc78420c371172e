//! The protocol's calls as data: paths, names of messages, default formats (sections 1.3, 1.4, 2.1).

use tradewind_dialect::codec::Format;
use tradewind_dialect::{Method, Route};
use tradewind_domain::Refusal;

/// All paths begin with this.
pub const PREFIX: &str = "/openGateway/openService/";

/// A call of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// Merchant-scan payment. The protocol's own names are the wrong way round: this one collects at
    /// once, [`Operation::Order`] creates something to be paid later.
    PreOrder,
    Order,
    Refund,
    Query,
    CancelTrade,
    QueryTrades,
    PayChannel,
    Auth,
    Login,
    VerifyGet,
    VerifyQuery,
    VerifyCheck,
    VerifyCancel,
    VerifyResults,
}

macro_rules! routes {
    ($($method:ident $path:literal $operation:literal,)*) => {
        &[$(Route {
            method: Method::$method,
            path: concat!("/openGateway/openService/", $path),
            query: None,
            operation: $operation,
        }),*]
    };
}

/// The variable segments of paths.
pub(crate) const CHARGE_CODE: &str = "chargeCode";
pub(crate) const BUSI_ID: &str = "busiId";

/// GET interfaces also accept POST with a form of the same parameters (section 1.3). Appendix A names no
/// paths for the write-off; ours lie below `verify/`.
pub(crate) const ROUTES: &[Route] = routes! {
    Post "preOrder" "preOrder",
    Post "order" "order",
    Post "refund" "refund",
    Get "query/{chargeCode}/{busiId}" "query",
    Post "query/{chargeCode}/{busiId}" "query",
    Get "cancelTrade/{chargeCode}/{busiId}" "cancelTrade",
    Post "cancelTrade/{chargeCode}/{busiId}" "cancelTrade",
    Get "queryTrades" "queryTrades",
    Post "queryTrades" "queryTrades",
    Get "payChannel/{busiId}" "payChannel",
    Post "payChannel/{busiId}" "payChannel",
    Get "auth" "auth",
    Post "auth" "auth",
    Get "login" "login",
    Post "login" "login",
    Post "verify/get" "verifyGet",
    Post "verify/query" "verifyQuery",
    Post "verify/check" "verifyCheck",
    Post "verify/cancel" "verifyCancel",
    Post "verify/queryResults" "verifyResults",
};

/// The name around the fields of a write-off request.
const WRITE_OFF_REQUEST: &str = "VERIFY_REQ";

impl Operation {
    pub(crate) const ALL: [Operation; 14] = [
        Operation::PreOrder,
        Operation::Order,
        Operation::Refund,
        Operation::Query,
        Operation::CancelTrade,
        Operation::QueryTrades,
        Operation::PayChannel,
        Operation::Auth,
        Operation::Login,
        Operation::VerifyGet,
        Operation::VerifyQuery,
        Operation::VerifyCheck,
        Operation::VerifyCancel,
        Operation::VerifyResults,
    ];

    /// The operation of a route's name.
    pub(crate) fn named(name: &str) -> Result<Operation, Refusal> {
        Operation::ALL.into_iter().find(|operation| operation.name() == name).ok_or(Refusal::Internal)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Operation::PreOrder => "preOrder",
            Operation::Order => "order",
            Operation::Refund => "refund",
            Operation::Query => "query",
            Operation::CancelTrade => "cancelTrade",
            Operation::QueryTrades => "queryTrades",
            Operation::PayChannel => "payChannel",
            Operation::Auth => "auth",
            Operation::Login => "login",
            Operation::VerifyGet => "verifyGet",
            Operation::VerifyQuery => "verifyQuery",
            Operation::VerifyCheck => "verifyCheck",
            Operation::VerifyCancel => "verifyCancel",
            Operation::VerifyResults => "verifyResults",
        }
    }

    /// Whether it carries a login instead of a signature.
    pub(crate) fn is_sign_in(self) -> bool {
        matches!(self, Operation::Auth | Operation::Login)
    }

    /// Whether it is of the write-off family.
    pub(crate) fn is_write_off(self) -> bool {
        self.request_root() == Some(WRITE_OFF_REQUEST)
    }

    /// What the merchant id is called in the request's message.
    pub(crate) fn busi_id_field(self) -> &'static str {
        if self.is_write_off() { "busiCode" } else { "BUSI_ID" }
    }

    /// The name around the request's fields, for operations whose request is a message in the body.
    pub(crate) fn request_root(self) -> Option<&'static str> {
        match self {
            Operation::PreOrder | Operation::Order => Some("ORDER_REQ"),
            Operation::Refund => Some("REFUND_REQ"),
            Operation::VerifyGet
            | Operation::VerifyQuery
            | Operation::VerifyCheck
            | Operation::VerifyCancel
            | Operation::VerifyResults => Some(WRITE_OFF_REQUEST),
            Operation::Query
            | Operation::CancelTrade
            | Operation::QueryTrades
            | Operation::PayChannel
            | Operation::Auth
            | Operation::Login => None,
        }
    }

    /// The name around the answer's fields; the answers to `auth` and `login` are bare objects.
    pub(crate) fn response_root(self) -> Option<&'static str> {
        match self {
            Operation::PreOrder | Operation::Order => Some("ORDER_RESP"),
            Operation::Refund => Some("REFUND_RESP"),
            Operation::Query => Some("QUERY_RESP"),
            Operation::CancelTrade => Some("CANCELTRADE_RESP"),
            Operation::QueryTrades => Some("ServiceResult"),
            Operation::PayChannel => Some("PAY_CHANNEL_RESP"),
            Operation::VerifyGet
            | Operation::VerifyQuery
            | Operation::VerifyCheck
            | Operation::VerifyCancel
            | Operation::VerifyResults => Some("VERIFY_RESP"),
            Operation::Auth | Operation::Login => None,
        }
    }

    /// The format of the answer when the caller names none (section 1.4). The write-off is published
    /// with JSON alone.
    pub(crate) fn default_format(self) -> Format {
        match self {
            Operation::QueryTrades
            | Operation::Auth
            | Operation::Login
            | Operation::VerifyGet
            | Operation::VerifyQuery
            | Operation::VerifyCheck
            | Operation::VerifyCancel
            | Operation::VerifyResults => Format::Json,
            Operation::PreOrder
            | Operation::Order
            | Operation::Refund
            | Operation::Query
            | Operation::CancelTrade
            | Operation::PayChannel => Format::Xml,
        }
    }
}

/// The name around the fields of the answer to an operation, `None` for one that does not exist and for
/// `auth` and `login`, whose answers are bare.
pub fn root_of_answer(operation: &str) -> Option<&'static str> {
    Operation::named(operation).ok()?.response_root()
}
