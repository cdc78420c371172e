//! The protocol's numbers (sections 6.1 to 6.3) and our words for them.

use tradewind_domain::{Method, Order, OrderStanding, Refund, RefundKind, RefundState, Span, Timestamp};

/// A row of `CHANNEL_TYPE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel {
    /// The number on the wire.
    pub code: u32,
    /// Our name of the payment method.
    pub method: &'static str,
    /// The name that `payChannel` shows.
    pub name: &'static str,
    /// Whether a new partner may use it unless the operator says otherwise.
    pub by_default: bool,
}

const fn on(code: u32, method: &'static str, name: &'static str) -> Channel {
    Channel { code, method, name, by_default: true }
}

const fn off(code: u32, method: &'static str, name: &'static str) -> Channel {
    Channel { code, method, name, by_default: false }
}

/// `CHANNEL_TYPE` (section 6.1). 0 stands for "by the payer's code" and 17 is reserved; neither is a
/// channel.
pub const CHANNELS: &[Channel] = &[
    on(1, "alipay", "Alipay"),
    on(2, "wechat", "WeChat Pay"),
    on(3, "cmb", "China Merchants Bank"),
    off(4, "icbc", "ICBC"),
    on(5, "ccb", "CCB"),
    off(6, "bocom", "Bank of Communications"),
    off(7, "ceb", "China Everbright Bank"),
    off(8, "hxb", "Huaxia Bank"),
    on(9, "abc", "Agricultural Bank of China"),
    on(10, "spdb", "Shanghai Pudong Development Bank"),
    off(11, "cmbc", "China Minsheng Bank"),
    off(12, "cib", "Industrial Bank"),
    off(13, "boc", "Bank of China"),
    off(14, "citic", "CITIC Bank"),
    off(15, "cgb", "China Guangfa Bank"),
    off(16, "pab", "Ping An Bank"),
    off(18, "sdb", "Shenzhen Development Bank"),
    off(19, "hsbc", "HSBC"),
    off(20, "bea", "Bank of East Asia"),
    off(21, "hangseng", "Hang Seng Bank"),
    off(22, "citi", "Citibank"),
    off(23, "scb", "Standard Chartered"),
    on(24, "baidu", "Baidu Wallet"),
    off(25, "hebao", "China Mobile HeBao"),
    off(26, "unicom", "Unicom pay"),
    on(27, "bestpay", "China Telecom YiPay (BestPay)"),
    off(28, "mi", "Mi Wallet"),
    off(29, "apple", "Apple Pay"),
    off(30, "samsung", "Samsung Pay"),
    on(31, "qq", "QQ Wallet"),
    off(32, "unionpay", "UnionPay card"),
    off(34, "alipay_wap", "Alipay mobile web"),
];

/// The method of a `CHANNEL_TYPE`; `None` for 0, 17 and numbers that do not exist.
pub fn method_of(code: u32) -> Option<Method> {
    CHANNELS.iter().find(|channel| channel.code == code).map(|channel| Method::named(channel.method))
}

/// The row of a method; `None` for methods that this protocol has no number for.
pub fn channel_of(method: &Method) -> Option<&'static Channel> {
    CHANNELS.iter().find(|channel| channel.method == method.name())
}

/// The `CHANNEL_TYPE` of a method, 0 when it has none.
pub(crate) fn channel_type(method: &Method) -> i64 {
    channel_of(method).map_or(0, |channel| i64::from(channel.code))
}

pub(crate) fn default_methods() -> Vec<Method> {
    CHANNELS
        .iter()
        .filter(|channel| channel.by_default)
        .map(|channel| Method::named(channel.method))
        .collect()
}

/// A row of `FUND_CHANNEL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FundChannel {
    /// The code on the wire, always a string.
    pub code: &'static str,
    /// Our name of the source of the money.
    pub source: &'static str,
}

const fn fund(code: &'static str, source: &'static str) -> FundChannel {
    FundChannel { code, source }
}

/// `FUND_CHANNEL` (section 6.2).
pub const FUND_CHANNELS: &[FundChannel] = &[
    fund("00", "alipay_bonus"),
    fund("10", "alipay_balance"),
    fund("60", "alipay_prepaid_card"),
    fund("30", "alipay_points"),
    fund("70", "alipay_credit"),
    fund("40", "discount_voucher"),
    fund("80", "prepaid_card"),
    fund("90", "consumer_loan"),
    fund("11", "wechat"),
    fund("41", "wechat_coupon"),
    fund("12", "qq"),
    fund("42", "qq_coupon"),
    fund("100", "alipay_financial_account"),
    fund("101", "merchant_store_card"),
    fund("102", "merchant_coupon"),
    fund("103", "alipay_bank_card"),
    fund("104", "merchant_bonus"),
    fund("9001", "bank_card"),
    fund("9002", "random_discount"),
    fund("9003", "free_order"),
    fund("9004", "merchant_threshold_discount"),
];

/// What else sources are called by channels: Alipay itself calls its bonus a coupon.
const FUND_ALIASES: &[FundChannel] = &[fund("00", "alipay_coupon")];

/// A source that the dictionary does not know is told as a bank card through the bank, the least
/// specific of the codes; a bill must have one.
const FUND_UNKNOWN: &str = "9001";

/// The `FUND_CHANNEL` of a source of money.
pub fn fund_channel(source: &str) -> &'static str {
    let mut rows = FUND_CHANNELS.iter().chain(FUND_ALIASES);
    rows.find(|row| row.source == source).map_or(FUND_UNKNOWN, |row| row.code)
}

/// The source that a payment by this method has when the channel has not told any.
pub(crate) fn usual_source(method: &Method) -> &'static str {
    match method.name() {
        "alipay" | "alipay_wap" => "alipay_balance",
        "wechat" => "wechat",
        "qq" => "qq",
        _ => "bank_card",
    }
}

/// `STATE` of an order (section 6.3).
pub fn state(standing: OrderStanding) -> u32 {
    match standing {
        OrderStanding::Open => 0,
        OrderStanding::Paid => 1,
        OrderStanding::Revoked => 2,
        OrderStanding::RevocationApplied => 3,
        OrderStanding::PartlyRefunded => 4,
        OrderStanding::Refunded => 5,
        OrderStanding::Closed => 6,
        OrderStanding::Refunding => 8,
        OrderStanding::RefundFailed => 9,
    }
}

/// `STATE` of an order at `now`.
pub(crate) fn state_of_order(order: &Order, now: Timestamp, refund_window: Span) -> i64 {
    i64::from(state(order.standing(now, refund_window)))
}

/// The standings that a `state` filter asks for: 7 is "revoked and refunded together". `None` for
/// numbers that no order can have, among them those of refund lookups.
pub fn standings_of_filter(filter: u32) -> Option<Vec<OrderStanding>> {
    if filter == 7 {
        return Some(vec![OrderStanding::Revoked, OrderStanding::Refunded]);
    }
    OrderStanding::ALL.into_iter().find(|standing| state(*standing) == filter).map(|standing| vec![standing])
}

/// `STATE` of a refund lookup (sections 6.3 and 7.2).
pub fn refund_state(refund: &Refund) -> u32 {
    match (refund.state, refund.kind) {
        (RefundState::Unknown | RefundState::Pending, _) => 10,
        (RefundState::Succeeded, RefundKind::Revocation) => 14,
        (RefundState::Succeeded, RefundKind::Requested | RefundKind::LateSuccess | RefundKind::Units) => 11,
        (RefundState::Cancelled, _) => 12,
        (RefundState::Refused, _) => 13,
    }
}
