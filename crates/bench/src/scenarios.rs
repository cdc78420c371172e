//! What a load consists of: one kind of request, filled with a counter.

use crate::engine::Answer;
use crate::random::Random;
use crate::sosopay::{Member, Merchant, Pattern, Serial};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// One kind of load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Scenario {
    /// GET /hello of the bare server.
    Hello,
    /// The body of `order`, signed, posted to the bare server that sends it back.
    Echo,
    /// Consumer-scan precreate.
    Order,
    /// Merchant-scan payment that is paid at once.
    Pay,
    /// The same with a notification address; ends when every notification is acknowledged.
    PayNotify,
    /// Look up one of the orders made before.
    Query,
    /// Payments while the receiver keeps silent; then it answers, and the delivery alone is timed.
    Deliver,
}

impl Scenario {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hello => "hello",
            Self::Echo => "echo",
            Self::Order => "order",
            Self::Pay => "pay",
            Self::PayNotify => "pay-notify",
            Self::Query => "query",
            Self::Deliver => "deliver",
        }
    }

    pub(crate) fn notifies(self) -> bool {
        matches!(self, Self::PayNotify | Self::Deliver)
    }
}

/// Builds the requests of one phase of a load, and judges their answers.
pub(crate) struct Requests {
    scenario: Scenario,
    /// Who calls, in turn, each with a body of its own.
    callers: Vec<(Merchant, Pattern)>,
    scratch: Vec<u8>,
    /// Orders to look up: numbers of this pattern with counters in `0..pool`.
    pool: u64,
    random: Random,
    code: Member,
}

/// What an answer is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Success,
    /// Another result code, or a short text about the HTTP answer.
    Other(String),
}

impl Requests {
    /// `prefix` starts every number of this phase; a query looks up numbers with the prefix
    /// `pool.0` and counters below `pool.1`. A number belongs to the merchant whose turn its counter is.
    pub(crate) fn new(
        scenario: Scenario,
        merchants: &[Merchant],
        prefix: &str,
        notify_url: Option<&str>,
        pool: (&str, u64),
    ) -> Self {
        let notify = notify_url.map_or_else(String::new, |url| format!(r#","NODIFY_URL":"{url}""#));
        let body = |merchant: &Merchant| Self::body(scenario, &merchant.busi_id, prefix, &notify, pool.0);
        let callers = merchants.iter().map(|merchant| (merchant.clone(), Pattern::new(&body(merchant))));
        Self {
            scenario,
            callers: callers.collect(),
            scratch: Vec::with_capacity(1024),
            pool: pool.1,
            random: Random::new(1),
            code: Member::new("CODE"),
        }
    }

    fn body(scenario: Scenario, busi_id: &str, prefix: &str, notify: &str, pool: &str) -> String {
        let common = format!(r#""BUSI_ID":"{busi_id}","OPER_ID":"oper01","DEV_ID":"dev01","AMT":"158.00""#);
        match scenario {
            Scenario::Hello => String::new(),
            Scenario::Query => format!("{pool}{{n}}"),
            Scenario::Echo | Scenario::Order => format!(
                r#"{{{common},"CHANNEL_TYPE":"1","CHARGE_CODE":"{prefix}{{n}}","PAY_SUBJECT":"measured-order"{notify}}}"#
            ),
            // Eighteen digits: 28 is an Alipay code, and 001234 at the end means "paid at once".
            Scenario::Pay | Scenario::PayNotify | Scenario::Deliver => format!(
                r#"{{{common},"CHANNEL_TYPE":"0","DYNAMIC_ID":"28{{n}}001234","CHARGE_CODE":"{prefix}{{n}}","PAY_SUBJECT":"measured-order"{notify}}}"#
            ),
        }
    }

    /// Appends the request with number `counter`, signed at `now_ms`.
    pub(crate) fn write(&mut self, out: &mut Vec<u8>, counter: u64, now_ms: u64) {
        let counter = if self.scenario == Scenario::Query { self.random.below(self.pool) } else { counter };
        let turn = usize::try_from(counter).unwrap_or(usize::MAX).checked_rem(self.callers.len());
        let Some((merchant, body)) = turn.map(|turn| &self.callers[turn]) else { return };
        self.scratch.clear();
        body.fill(&mut self.scratch, counter);
        match self.scenario {
            Scenario::Hello => out.extend_from_slice(b"GET /hello HTTP/1.1\r\nhost: bench\r\n\r\n"),
            Scenario::Echo => merchant.post_to(out, &["/echo"], &self.scratch, now_ms),
            Scenario::Order => merchant.post(out, "order", &self.scratch, now_ms),
            Scenario::Pay | Scenario::PayNotify | Scenario::Deliver => {
                merchant.post(out, "preOrder", &self.scratch, now_ms);
            }
            Scenario::Query => merchant.query(out, &self.scratch, Serial::Merchant, now_ms),
        }
    }

    pub(crate) fn judge(&self, answer: Answer<'_>) -> Verdict {
        if answer.status != 200 {
            return Verdict::Other(format!("HTTP {}", answer.status));
        }
        match self.scenario {
            Scenario::Hello if !answer.body.is_empty() => Verdict::Success,
            // All bodies of a phase have one length, because counters have a fixed width.
            Scenario::Echo if answer.body.len() == self.scratch.len() => Verdict::Success,
            Scenario::Hello | Scenario::Echo => {
                Verdict::Other(format!("{} bytes came back", answer.body.len()))
            }
            _ => match self.code.find(answer.body) {
                Some(b"SUCCESS") => Verdict::Success,
                Some(code) => Verdict::Other(String::from_utf8_lossy(code).into_owned()),
                None => Verdict::Other("no RESULT.CODE".to_owned()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requests(scenario: Scenario) -> Requests {
        let merchant = Merchant::sandbox("127.0.0.1:80".parse().unwrap());
        Requests::new(scenario, &[merchant], "P", Some("http://127.0.0.1:9/n?_type=json"), ("Q", 1))
    }

    fn body_of(scenario: Scenario, counter: u64) -> serde_json::Value {
        let mut out = Vec::new();
        requests(scenario).write(&mut out, counter, 1_470_360_000_123);
        let text = String::from_utf8(out).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("content-length: {}", body.len())), "{head}");
        serde_json::from_str(body).unwrap()
    }

    #[test]
    fn bodies_carry_every_mandatory_field() {
        let check = |scenario, mandatory: &[&str]| {
            let body = body_of(scenario, 42);
            for name in mandatory {
                assert!(
                    body[name].as_str().is_some_and(|text| !text.is_empty()),
                    "{scenario:?} lacks {name}"
                );
            }
            assert_eq!(body["CHARGE_CODE"], "P0000000042");
        };
        let order = ["BUSI_ID", "OPER_ID", "DEV_ID", "AMT", "CHANNEL_TYPE", "CHARGE_CODE", "PAY_SUBJECT"];
        let pay =
            ["BUSI_ID", "OPER_ID", "DEV_ID", "AMT", "DYNAMIC_ID", "CHARGE_CODE", "PAY_SUBJECT", "NODIFY_URL"];
        check(Scenario::Echo, &order);
        check(Scenario::Order, &order);
        check(Scenario::Pay, &pay);
        check(Scenario::PayNotify, &pay);
        let dynamic_id = body_of(Scenario::Pay, u64::from(u32::MAX))["DYNAMIC_ID"].clone();
        assert_eq!(dynamic_id, "284294967295001234");
    }

    #[test]
    fn a_query_asks_for_an_order_of_the_pool() {
        let mut out = Vec::new();
        requests(Scenario::Query).write(&mut out, 7, 1_470_360_000_123);
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.starts_with("GET /openGateway/openService/query/Q0000000000/0010000001?sign="),
            "{text}"
        );
    }

    #[test]
    fn verdicts() {
        let check = |scenario, status, body: &str, expected: Result<(), &str>| {
            let verdict = requests(scenario).judge(Answer { status, body: body.as_bytes() });
            let expected =
                expected.map_or_else(|other| Verdict::Other(other.to_owned()), |()| Verdict::Success);
            assert_eq!(verdict, expected, "{body}");
        };
        let answer = |code: &str| format!(r#"{{"ORDER_RESP":{{"RESULT":{{"CODE":"{code}","INFO":"x"}}}}}}"#);
        check(Scenario::Order, 200, &answer("SUCCESS"), Ok(()));
        check(Scenario::Pay, 200, &answer("FAIL"), Err("FAIL"));
        check(Scenario::Pay, 200, &answer("SUCCESSFUL"), Err("SUCCESSFUL"));
        check(Scenario::Query, 503, &answer("SUCCESS"), Err("HTTP 503"));
        check(Scenario::Query, 200, r#"{"CHARGE_CODE":"SUCCESS"}"#, Err("no RESULT.CODE"));
        check(Scenario::Hello, 200, "hello", Ok(()));
        check(Scenario::Echo, 200, "short", Err("5 bytes came back"));
    }
}
