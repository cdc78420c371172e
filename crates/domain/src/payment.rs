//! Payments: one attempt to collect for an order, and what channels report of it.

use std::borrow::Cow;
use std::fmt;

use crate::{Money, OrderId, PartnerId, PaymentId, TaskId, Timestamp};

/// How the payer is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Flow {
    /// The cashier scans a code that the payer shows.
    PayerCode,
    /// The payer scans a code that the merchant shows.
    PayerScans,
    /// Inside the wallet, through its official account.
    InWallet,
    /// From the merchant's own app.
    InApp,
    /// Nobody is asked: it is taken from the partner's prepaid balance.
    FromBalance,
}

/// A payment method: the wallet, card scheme or bank the payer uses, by a lower-case name such as
/// `alipay` or `wechat`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Method(Cow<'static, str>);

impl Method {
    /// Alipay.
    pub const ALIPAY: Method = Method::named("alipay");
    /// WeChat Pay.
    pub const WECHAT: Method = Method::named("wechat");
    /// QQ Wallet.
    pub const QQ: Method = Method::named("qq");
    /// UnionPay QuickPass.
    pub const UNIONPAY: Method = Method::named("unionpay");
    /// China Telecom BestPay.
    pub const BESTPAY: Method = Method::named("bestpay");

    /// The partner's prepaid balance.
    pub const BALANCE: Method = Method::named("balance");

    /// A method known at compile time.
    pub const fn named(name: &'static str) -> Method {
        Method(Cow::Borrowed(name))
    }

    /// A method by its name; `None` unless it has 1 to 32 lower-case letters, digits or `_`.
    pub fn new(name: &str) -> Option<Method> {
        let fits = (1..=32).contains(&name.len());
        let clean = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        (fits && clean).then(|| Method(Cow::Owned(name.to_owned())))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The wallet that issued a payer's code, judged from the code's prefix as the wallets document it:
    /// Alipay 25 to 30, WeChat Pay 10 to 15, QQ Wallet 91, UnionPay 62 (EMV "consumer presented" codes
    /// in figures), BestPay 51. Lengths differ between generations of codes and are left to the channel.
    pub fn of_payer_code(code: &str) -> Option<Method> {
        if !code.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        match code.get(..2)? {
            "25" | "26" | "27" | "28" | "29" | "30" => Some(Method::ALIPAY),
            "10" | "11" | "12" | "13" | "14" | "15" => Some(Method::WECHAT),
            "91" => Some(Method::QQ),
            "62" => Some(Method::UNIONPAY),
            "51" => Some(Method::BESTPAY),
            _ => None,
        }
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A part of a payment by the source of the money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FundBill {
    /// Where the money came from, for instance `alipay_balance`.
    pub source: String,
    /// How much.
    pub amount: Money,
}

/// What is known of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PaymentState {
    /// The intent is on disk; whether the channel has heard of it is not known.
    Unknown,
    /// The channel (or, for a code shown by us, the gateway) waits for the payer.
    Waiting,
    /// Paid.
    Paid,
    /// The channel refused.
    Declined,
    /// The order has ended; the channel is being told, and may still report a success.
    Cancelling,
    /// Ended at the channel without money.
    Cancelled,
}

impl PaymentState {
    /// All states.
    pub const ALL: [PaymentState; 6] = [
        PaymentState::Unknown,
        PaymentState::Waiting,
        PaymentState::Paid,
        PaymentState::Declined,
        PaymentState::Cancelling,
        PaymentState::Cancelled,
    ];
}

impl PaymentState {
    /// Its name, for instance `waiting`.
    pub fn name(self) -> &'static str {
        match self {
            PaymentState::Unknown => "unknown",
            PaymentState::Waiting => "waiting",
            PaymentState::Paid => "paid",
            PaymentState::Declined => "declined",
            PaymentState::Cancelling => "cancelling",
            PaymentState::Cancelled => "cancelled",
        }
    }

    /// Whether the outcome at the channel is still open.
    pub fn is_open(self) -> bool {
        match self {
            PaymentState::Unknown | PaymentState::Waiting | PaymentState::Cancelling => true,
            PaymentState::Paid | PaymentState::Declined | PaymentState::Cancelled => false,
        }
    }
}

/// One attempt to collect for an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Its id.
    pub id: PaymentId,
    /// The order it collects for.
    pub order: OrderId,
    /// Whose order it is.
    pub partner: PartnerId,
    /// The channel it goes through.
    pub channel: String,
    /// What the payer uses.
    pub method: Method,
    /// How the payer is reached.
    pub flow: Flow,
    /// What is known.
    pub state: PaymentState,
    /// What is to be collected.
    pub amount: Money,
    /// The code the payer showed.
    pub payer_code: Option<String>,
    /// The payer's id at the channel.
    pub payer: Option<String>,
    /// The channel's own number; for a payment from the balance, the partner's.
    pub channel_number: Option<String>,
    /// Where the money came from; empty until paid.
    pub bills: Vec<FundBill>,
    /// Why the channel declined, in words.
    pub reason: Option<String>,
    /// When it reached a state it does not leave.
    pub settled_at: Option<Timestamp>,
    /// The task that looks after it while it is open; for the payment of a purchase, the one that ends
    /// the order, as long as the order can be paid.
    pub follow_up: Option<TaskId>,
}

impl Payment {
    /// What stands for the channel where a payment is taken from the partner's prepaid balance.
    pub const BALANCE_CHANNEL: &'static str = "balance";
}

/// What a channel says about a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelReport {
    /// Collected.
    Paid {
        /// The channel's own number.
        channel_number: String,
        /// The payer's id at the channel.
        payer: Option<String>,
        /// Where the money came from; sums to the amount.
        bills: Vec<FundBill>,
    },
    /// Refused for good.
    Declined {
        /// Why, in words.
        reason: String,
    },
    /// The channel waits for the payer.
    Waiting,
    /// The payment is ended at the channel and no money moved.
    Cancelled,
    /// The channel does not know of it: the call never arrived.
    NotFound,
    /// No answer, or one that says nothing: still unknown.
    NoAnswer {
        /// What went wrong, in words.
        reason: String,
    },
}
