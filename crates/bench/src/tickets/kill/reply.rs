//! The fields of an answer that the buyers look at.

use crate::engine::Answer;
use serde_json::Value;

/// An answer, looked at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reply {
    pub code: i64,
    /// `orderStatus`; absent where the request was not even looked at.
    pub status: Option<i64>,
    pub lh_order: String,
    pub voucher: String,
    pub order_quantity: Option<u32>,
    pub re_quantity: Option<u32>,
    pub re_status: Option<i64>,
    pub describe: String,
}

impl Reply {
    /// `None` when it is not an envelope with status 200.
    pub(crate) fn read(answer: Answer<'_>) -> Option<Self> {
        let envelope: Value = serde_json::from_slice(answer.body).ok().filter(|_| answer.status == 200)?;
        let body = &envelope["body"];
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let units = |name: &str| body[name].as_u64().and_then(|units| u32::try_from(units).ok());
        Some(Self {
            code: envelope["code"].as_i64()?,
            status: body["orderStatus"].as_i64(),
            lh_order: text(&body["LHOrderId"]),
            voucher: text(&body["voucher"]),
            order_quantity: units("orderQuantity"),
            re_quantity: units("reQuantity"),
            re_status: body["reStatus"].as_i64(),
            describe: text(&envelope["describe"]),
        })
    }

    /// Code and status at once.
    pub(crate) fn is(&self, code: i64, status: i64) -> bool {
        (self.code, self.status) == (code, Some(status))
    }

    /// There is too much to do; nothing was done.
    pub(crate) fn is_busy(&self) -> bool {
        self.code == 20_000 && self.status.is_none() && self.describe.contains("busy")
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { code, status, describe, re_quantity, re_status, order_quantity, .. } = self;
        write!(f, "{code} {describe:?}, orderStatus {status:?}, orderQuantity {order_quantity:?}, ")?;
        write!(f, "reQuantity {re_quantity:?}, reStatus {re_status:?}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn envelopes_are_read() {
        let body = r#"{"code":10000,"describe":"x","partnerId":7,"body":{"LHOrderId":"9","orderStatus":4,"voucherType":0,"voucher":"1,2"}}"#;
        let read = |status, body: &str| Reply::read(Answer { status, body: body.as_bytes() });
        let reply = read(200, body).unwrap();
        assert!(reply.is(10_000, 4) && !reply.is_busy());
        assert_eq!((reply.lh_order.as_str(), reply.voucher.as_str()), ("9", "1,2"));
        assert!(read(500, body).is_none());
        assert!(read(200, "{").is_none());
        let busy = r#"{"code":20000,"describe":"too busy","partnerId":7,"body":{}}"#;
        assert!(read(200, busy).unwrap().is_busy());
    }
}
