//! Every row of section 6, typed from the specification.

use tradewind_dialect::Dialect;
use tradewind_domain::{
    Method, OrderStage, OrderStanding, RefundId, RefundKind, RefundState, Refusal, Span, Timestamp,
};
use tradewind_sosopay::{
    CHANNELS, Code, FUND_CHANNELS, cents, channel_of, fund_channel, method_of, parse_yuan, refund_state,
    standings_of_filter, state, yuan,
};

use crate::support::{NOW, cny, dialect, order, refund};

#[test]
fn channel_types() {
    let rows: &[(u32, &str, bool)] = &[
        (1, "alipay", true),
        (2, "wechat", true),
        (3, "cmb", true),
        (4, "icbc", false),
        (5, "ccb", true),
        (6, "bocom", false),
        (7, "ceb", false),
        (8, "hxb", false),
        (9, "abc", true),
        (10, "spdb", true),
        (11, "cmbc", false),
        (12, "cib", false),
        (13, "boc", false),
        (14, "citic", false),
        (15, "cgb", false),
        (16, "pab", false),
        (18, "sdb", false),
        (19, "hsbc", false),
        (20, "bea", false),
        (21, "hangseng", false),
        (22, "citi", false),
        (23, "scb", false),
        (24, "baidu", true),
        (25, "hebao", false),
        (26, "unicom", false),
        (27, "bestpay", true),
        (28, "mi", false),
        (29, "apple", false),
        (30, "samsung", false),
        (31, "qq", true),
        (32, "unionpay", false),
        (34, "alipay_wap", false),
    ];
    assert_eq!(CHANNELS.len(), rows.len());
    let enabled = dialect().default_methods();
    for (code, slug, by_default) in rows {
        let method = Method::new(slug).unwrap();
        assert_eq!(method_of(*code), Some(method.clone()), "{code}");
        assert_eq!(channel_of(&method).map(|channel| channel.code), Some(*code), "{slug}");
        assert_eq!(enabled.contains(&method), *by_default, "{slug}");
    }
    for code in [0, 17, 33, 35, 99, u32::MAX] {
        assert_eq!(method_of(code), None, "{code}");
    }
    assert_eq!(enabled.len(), 9);
}

#[test]
fn fund_channels() {
    let codes = [
        "00", "10", "60", "30", "70", "40", "80", "90", "11", "41", "12", "42", "100", "101", "102", "103",
        "104", "9001", "9002", "9003", "9004",
    ];
    assert_eq!(FUND_CHANNELS.iter().map(|row| row.code).collect::<Vec<_>>(), codes);
    for row in FUND_CHANNELS {
        assert_eq!(fund_channel(row.source), row.code);
    }
    for (source, code) in [
        ("alipay_balance", "10"),
        ("alipay_bonus", "00"),
        ("alipay_coupon", "00"),
        ("wechat", "11"),
        ("qq", "12"),
        ("bank_card", "9001"),
        ("something new", "9001"),
    ] {
        assert_eq!(fund_channel(source), code, "{source}");
    }
}

#[test]
fn states_of_orders() {
    let rows = [
        (OrderStanding::Open, 0),
        (OrderStanding::Paid, 1),
        (OrderStanding::Revoked, 2),
        (OrderStanding::RevocationApplied, 3),
        (OrderStanding::PartlyRefunded, 4),
        (OrderStanding::Refunded, 5),
        (OrderStanding::Closed, 6),
        (OrderStanding::Refunding, 8),
        (OrderStanding::RefundFailed, 9),
    ];
    for (standing, code) in rows {
        assert_eq!(state(standing), code);
        assert_eq!(standings_of_filter(code), Some(vec![standing]), "{code}");
    }
    assert_eq!(standings_of_filter(7), Some(vec![OrderStanding::Revoked, OrderStanding::Refunded]));
    for code in [10, 11, 12, 13, 14, 15, u32::MAX] {
        assert_eq!(standings_of_filter(code), None, "{code}");
    }
}

#[test]
fn states_of_refunds() {
    use RefundKind::{LateSuccess, Requested, Revocation};
    use RefundState::{Cancelled, Pending, Refused, Succeeded, Unknown};
    for (state, kind, code) in [
        (Unknown, Requested, 10),
        (Pending, Requested, 10),
        (Pending, Revocation, 10),
        (Succeeded, Requested, 11),
        (Succeeded, LateSuccess, 11),
        (Cancelled, Requested, 12),
        (Refused, Requested, 13),
        (Refused, Revocation, 13),
        (Succeeded, Revocation, 14),
    ] {
        let mut refund = refund();
        (refund.state, refund.kind) = (state, kind);
        assert_eq!(refund_state(&refund), code, "{state:?} {kind:?}");
    }
}

#[test]
fn return_codes() {
    let text = |problem: &str| problem.to_owned();
    let rows: Vec<(Refusal, &str)> = vec![
        (Refusal::UnknownPartner, "UNREGISTERED_BUSI"),
        (Refusal::PartnerSuspended, "INVALID_CONTRACT"),
        (Refusal::MethodNotEnabled, "INVALID_CONTRACT"),
        (Refusal::MethodUnrecognised, "ILLEGAL_PARAMETER"),
        (Refusal::Field { field: text("A"), problem: text("b") }, "ILLEGAL_PARAMETER"),
        (Refusal::Unreadable { problem: text("b") }, "ILLEGAL_PARAMETER"),
        (Refusal::Signature { problem: text("b") }, "INVALID_SIGN"),
        (Refusal::Amount { problem: text("b") }, "AMT_ERROR"),
        (Refusal::NumberTaken { same: true }, "SERIAL_REPEAT"),
        (Refusal::NumberTaken { same: false }, "SERIAL_REPEAT"),
        (Refusal::OrderNotFound, "CHARGE_NONEXISTENT"),
        (Refusal::NotFound { what: "refund" }, "CHARGE_NONEXISTENT"),
        (Refusal::AlreadyRevoked, "AREADY_REVOKED"),
        (Refusal::WrongState { problem: "b" }, "FAIL"),
        (Refusal::RefundInFlight { refund: RefundId::from_i64(1), pending: true }, "FAIL"),
        (Refusal::ChannelDeclined { reason: text("b") }, "FAIL"),
        (Refusal::Exists { what: "order" }, "FAIL"),
        (Refusal::SignIn, "FAIL"),
        (Refusal::RateLimited, "SERVICE_UNAVAILABLE"),
        (Refusal::Busy, "SERVICE_UNAVAILABLE"),
        (Refusal::Storage, "DATABASE_ERROR"),
        (Refusal::Internal, "EXCEPTION"),
    ];
    for (refusal, code) in rows {
        assert_eq!(Code::of(&refusal).name(), code, "{refusal:?}");
    }
    let names = [
        "SUCCESS",
        "FAIL",
        "ILLEGAL_PARAMETER",
        "INVALID_SIGN",
        "AMT_ERROR",
        "DATABASE_ERROR",
        "INVALID_CONTRACT",
        "UNREGISTERED_BUSI",
        "EXCEPTION",
        "CHARGE_NONEXISTENT",
        "SERVICE_UNAVAILABLE",
        "HTTP_EXCEPTION",
        "IO_EXCEPTION",
        "CREATE_SECURITY_CONNECTION_ERROR",
        "AREADY_REVOKED",
        "SERIAL_REPEAT",
    ];
    assert_eq!(Code::ALL.map(Code::name), names);
}

/// Section 2.5.
#[test]
fn amounts_in_yuan() {
    for (text, expected) in [
        ("158.00", 15_800),
        ("158", 15_800),
        ("158.0", 15_800),
        (".5", 50),
        ("0.01", 1),
        ("1.5000", 150),
        ("9.99999999E6", 999_999_999),
        ("9999999.99", 999_999_999),
        ("9999999.990", 999_999_999),
        ("1E2", 10_000),
    ] {
        assert_eq!(parse_yuan("AMT", text).map(cents), Ok(expected), "{text}");
    }
    for text in [
        "0",
        "0.00",
        "-1",
        "-0.01",
        "0.001",
        "1.005",
        "NaN",
        "Infinity",
        "",
        ".",
        "abc",
        "1,5",
        "10000000",
        "9999999.991",
        "9999999.995",
        "1.23456789E7",
        "1e9",
        "1E-3",
        " 1",
        "1 ",
        "+1",
        "１",
    ] {
        assert!(matches!(parse_yuan("AMT", text), Err(Refusal::Amount { .. })), "{text:?}");
    }
    for (amount, text) in [(15_800, "158.00"), (1, "0.01"), (0, "0.00"), (999_999_999, "9999999.99")] {
        assert_eq!(yuan(cny(amount)), text);
        assert_eq!(cents(cny(amount)), amount);
    }
}

#[test]
fn serials_and_orders_name_each_other() {
    let mut order = order();
    let at = |ms: i64, rest: i64| tradewind_domain::OrderId::from_i64(ms * 10_000 + rest);
    for (id, serial) in [
        (order.id, "20160805336001230000"),
        // The first and the last id of a day in GMT+8, and the first of the next.
        (at(1_470_326_400_000, 0), "20160805000000000000"),
        (at(1_470_412_799_999, 9_999), "20160805863999999999"),
        (at(1_470_412_800_000, 0), "20160806000000000000"),
        // A leap day.
        (at(1_456_675_200_000, 1), "20160229000000000001"),
    ] {
        order.id = id;
        assert_eq!(dialect().serial(&order), serial);
        assert_eq!(dialect().order_of_serial(serial), Some(id));
    }
    for text in [
        "",
        "2016080533600123000",
        "201608053360012300000",
        "20160805864000000000",
        "20160805999999999999",
        "20161305000000000001",
        "20160230000000000001",
        "2016-805000000000001",
        "2016080533600123000x",
        " 20160805336001230000",
        "２０160805336001230000",
        "00000000000000000000",
        "19600101000000000000",
    ] {
        assert_eq!(dialect().order_of_serial(text), None, "{text:?}");
    }
}

#[test]
fn a_paid_order_closes_when_its_refund_window_is_over() {
    let order = order();
    let paid = order.paid_at.unwrap();
    let window = Span::from_days(365);
    assert_eq!(order.standing(paid + window, window), OrderStanding::Paid);
    assert_eq!(state(order.standing(Timestamp::from_ms((paid + window).ms() + 1), window)), 6);
    assert_eq!(order.stage, OrderStage::Paid);
    assert!(paid > NOW);
}
