//! The fields of an answer that the kill test looks at.

use crate::engine::Answer;
use crate::sosopay::Member;
use std::sync::Arc;

/// Finds the fields; cheap to clone.
#[derive(Clone)]
pub(crate) struct Replies(Arc<Members>);

struct Members {
    code: Member,
    down_code: Member,
    state: Member,
    amount: Member,
}

/// An answer, looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reply<'a> {
    status: u16,
    /// `RESULT.CODE`.
    pub code: Option<&'a str>,
    pub down_code: Option<&'a str>,
    pub state: Option<u8>,
    /// `AMT` in cents.
    pub cents: Option<u32>,
}

impl Replies {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Members {
            code: Member::new("CODE"),
            down_code: Member::new("CHARGE_DOWN_CODE"),
            state: Member::new("STATE"),
            amount: Member::new("AMT"),
        }))
    }

    pub(crate) fn read<'a>(&self, answer: Answer<'a>) -> Reply<'a> {
        let text =
            |member: &Member| member.find(answer.body).and_then(|bytes| std::str::from_utf8(bytes).ok());
        Reply {
            status: answer.status,
            code: text(&self.0.code),
            down_code: text(&self.0.down_code),
            state: text(&self.0.state).and_then(|digits| digits.parse().ok()),
            cents: text(&self.0.amount).and_then(|digits| digits.parse().ok()),
        }
    }
}

impl Reply<'_> {
    pub(crate) fn is(&self, code: &str) -> bool {
        self.status == 200 && self.code == Some(code)
    }
}

impl std::fmt::Display for Reply<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.code {
            Some(code) => write!(
                f,
                "{code} (HTTP {}, down code {:?}, state {:?})",
                self.status, self.down_code, self.state
            ),
            None => write!(f, "HTTP {} without a result code", self.status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_to_a_query() {
        let body = br#"{"QUERY_RESP":{"RESULT":{"CODE":"SUCCESS","INFO":"ok"},"AMT":15800,"CHARGE_CODE":"K1","CHARGE_DOWN_CODE":"20261122000000000001","STATE":4,"FUND_BILL_LIST":{"TRADEFUNDBILL":[{"AMOUNT":"158.00"}]}}}"#;
        let replies = Replies::new();
        let reply = replies.read(Answer { status: 200, body });
        assert!(reply.is("SUCCESS"));
        assert_eq!(
            (reply.state, reply.cents, reply.down_code),
            (Some(4), Some(15_800), Some("20261122000000000001"))
        );
        assert!(!replies.read(Answer { status: 500, body }).is("SUCCESS"));
        assert_eq!(
            replies.read(Answer { status: 500, body: b"" }).to_string(),
            "HTTP 500 without a result code"
        );
    }
}
