//! The protocol's operations as data (section 1.1): one path, told apart by the query parameter `method`.

use tradewind_dialect::{Method, Route};
use tradewind_domain::Refusal;

/// The one path.
pub const PATH: &str = "/openapi/index.php";

/// The query parameter that names the operation; also what a call of an operation that does not exist did
/// not find.
pub(crate) const METHOD: &str = "method";

/// An operation of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    GetTeam,
    GetPrice,
    /// The spelling without the second e is the wire's.
    CreatOrder,
    PayOrder,
    NewOrder,
    QueryOrder,
    CancelOrder,
    Send,
    GetBalance,
    /// Whatever else `method` says. Told as an answer of the protocol, once the signature holds.
    Unknown,
}

macro_rules! routes {
    ($($method:literal $operation:literal,)*) => {
        &[
            $(Route { method: Method::Post, path: PATH, query: Some((METHOD, $method)), operation: $operation },)*
            Route { method: Method::Post, path: PATH, query: None, operation: "unknown" },
        ]
    };
}

pub(crate) const ROUTES: &[Route] = routes! {
    "getTeam" "getTeam",
    "getPrice" "getPrice",
    "creatOrder" "creatOrder",
    "createOrder" "creatOrder",
    "payOrder" "payOrder",
    "newOrder" "newOrder",
    "queryOrder" "queryOrder",
    "cancelOrder" "cancelOrder",
    "send" "send",
    "getBalance" "getBalance",
};

impl Operation {
    pub(crate) const ALL: [Operation; 10] = [
        Operation::GetTeam,
        Operation::GetPrice,
        Operation::CreatOrder,
        Operation::PayOrder,
        Operation::NewOrder,
        Operation::QueryOrder,
        Operation::CancelOrder,
        Operation::Send,
        Operation::GetBalance,
        Operation::Unknown,
    ];

    /// The operation of a route's name.
    pub(crate) fn named(name: &str) -> Result<Operation, Refusal> {
        Operation::ALL.into_iter().find(|operation| operation.name() == name).ok_or(Refusal::Internal)
    }

    /// The `method`, where it is one.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Operation::GetTeam => "getTeam",
            Operation::GetPrice => "getPrice",
            Operation::CreatOrder => "creatOrder",
            Operation::PayOrder => "payOrder",
            Operation::NewOrder => "newOrder",
            Operation::QueryOrder => "queryOrder",
            Operation::CancelOrder => "cancelOrder",
            Operation::Send => "send",
            Operation::GetBalance => "getBalance",
            Operation::Unknown => "unknown",
        }
    }
}

/// The request-target of an operation, as a client sends and signs it.
pub fn target(method: &str) -> String {
    format!("{PATH}?{METHOD}={method}")
}
