//! The sandbox channel: a complete channel inside the process.
//!
//! What it answers is a pure function of the payer's code or the amount, the time since the payment
//! was made, and nothing else, so it has no books of its own that a kill could lose. [`MAGIC`] lists
//! the values that decide; anything else succeeds at once. A code shown by the merchant leads to the
//! gateway's own cashier page, where a person pays or refuses.

use tradewind_dialect::RawResponse;
use tradewind_domain::{
    ChannelReport, Flow, FundBill, Method, Order, PayerAction, Payment, Refund, RefundReport, Span,
    Timestamp, WalletBridge,
};
use tradewind_signing::md5_hex_parts;

use crate::{Channel, LinkKey, Preparation, Step};

/// How the sandbox presents itself.
#[derive(Clone, Debug)]
pub struct SandboxConfig {
    /// The address under which browsers reach the gateway, without a trailing slash.
    pub public_url: String,
    /// What makes links to the cashier page unguessable.
    pub link_key: LinkKey,
}

/// One documented magic value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MagicValue {
    /// What is looked at.
    pub what: &'static str,
    /// The value.
    pub value: &'static str,
    /// What it leads to.
    pub meaning: &'static str,
}

const CODE: &str = "last four digits of the payer's code";
const AMOUNT: &str = "last two digits of the order amount in cents, when the payer scans";
const REFUND: &str = "last two digits of the refund amount in cents";

/// The values that decide what the sandbox does.
pub const MAGIC: &[MagicValue] = &[
    MagicValue {
        what: CODE,
        value: "4001-4099",
        meaning: "the customer must confirm; paid after 1 to 99 seconds",
    },
    MagicValue { what: CODE, value: "5101", meaning: "declined: insufficient balance" },
    MagicValue { what: CODE, value: "5102", meaning: "declined: the code has expired" },
    MagicValue { what: CODE, value: "5901", meaning: "waits for ever; can be cancelled" },
    MagicValue {
        what: CODE,
        value: "5902",
        meaning: "waits for ever; the success arrives while it is cancelled",
    },
    MagicValue { what: CODE, value: "5903", meaning: "the call gets no answer; asked again, it is paid" },
    MagicValue { what: CODE, value: "5904", meaning: "the call gets no answer; asked again, it is declined" },
    MagicValue { what: CODE, value: "others", meaning: "paid at once" },
    MagicValue { what: AMOUNT, value: "81", meaning: "paid by itself after 3 seconds" },
    MagicValue { what: AMOUNT, value: "others", meaning: "waits for the cashier page" },
    MagicValue { what: REFUND, value: "91", meaning: "pending; done after 30 seconds" },
    MagicValue { what: REFUND, value: "92", meaning: "refused" },
    MagicValue { what: REFUND, value: "93", meaning: "the call gets no answer; asked again, it is done" },
    MagicValue { what: REFUND, value: "others", meaning: "done at once" },
];

const SELF_PAYING_AFTER: Span = Span::from_secs(3);
const REFUND_PENDING_FOR: Span = Span::from_secs(30);

/// What the payer's code makes the sandbox do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Script {
    PaidAtOnce,
    PaidAfter(Span),
    Declined(&'static str),
    Waits,
    PaidWhenCancelled,
    SilentThenPaid,
    SilentThenDeclined,
}

/// What the refund's amount makes the sandbox do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RefundScript {
    DoneAtOnce,
    PendingThenDone,
    Refused,
    SilentThenDone,
}

/// The sandbox channel.
#[derive(Clone, Debug)]
pub struct Sandbox {
    config: SandboxConfig,
}

impl Sandbox {
    /// The name stored with its payments.
    pub const NAME: &'static str = "sandbox";

    /// A sandbox that presents itself so.
    pub fn new(config: SandboxConfig) -> Sandbox {
        Sandbox { config }
    }

    /// The link to the cashier page of an order.
    pub fn cashier_link(&self, order: &Order) -> String {
        format!("{}/pay/{}", self.config.public_url, self.config.link_key.token(order.partner, order.id))
    }

    /// The order that a cashier token names, if it is genuine.
    pub fn open_token(
        &self,
        token: &str,
    ) -> Option<(tradewind_domain::PartnerId, tradewind_domain::OrderId)> {
        self.config.link_key.open(token)
    }

    /// What the sandbox reports when a person pays on the cashier page.
    pub fn paid(&self, payment: &Payment) -> ChannelReport {
        ChannelReport::Paid {
            channel_number: channel_number(payment),
            payer: Some(payer_of(payment)),
            bills: vec![FundBill { source: fund_source(&payment.method).into(), amount: payment.amount }],
        }
    }

    /// What the sandbox reports when a person refuses on the cashier page.
    pub fn refused(&self) -> ChannelReport {
        ChannelReport::Declined { reason: "the payer refused".into() }
    }

    fn declined(reason: &str) -> ChannelReport {
        ChannelReport::Declined { reason: reason.into() }
    }

    fn no_answer() -> ChannelReport {
        ChannelReport::NoAnswer { reason: "the sandbox did not answer".into() }
    }

    fn refund_done(&self, payment: &Payment, refund: &Refund) -> RefundReport {
        RefundReport::Succeeded {
            channel_number: format!("RF{}", refund.id.get()),
            bills: vec![FundBill { source: fund_source(&payment.method).into(), amount: refund.amount }],
        }
    }

    /// A wallet bridge as WeChat's, signed the way its clients check it: MD5 over the sorted fields
    /// and the app's key.
    fn bridge(&self, payment: &Payment, now: Timestamp) -> WalletBridge {
        let app_id = "wx0000000000sandbox".to_owned();
        let timestamp = (now.ms() / 1000).to_string();
        let nonce = format!("{:032x}", payment.id.get());
        let package = format!("prepay_id=wx{}", payment.id.get());
        let signed = format!(
            "appId={app_id}&nonceStr={nonce}&package={package}&signType=MD5&timeStamp={timestamp}&key=sandbox"
        );
        let sign = String::from_utf8_lossy(&md5_hex_parts(&[signed.as_bytes()])).to_uppercase();
        WalletBridge {
            app_id,
            timestamp,
            nonce,
            package,
            sign_type: "MD5".into(),
            sign,
            channel_number: None,
        }
    }
}

impl Channel for Sandbox {
    fn name(&self) -> &'static str {
        Sandbox::NAME
    }

    /// All of them but the prepaid balance, for which nobody outside is asked.
    fn serves(&self, method: &Method) -> bool {
        *method != Method::BALANCE
    }

    fn prepare(&self, order: &Order, payment: &Payment, now: Timestamp) -> Preparation {
        let pays_itself = payment.amount.cents().is_ok_and(|cents| cents % 100 == 81);
        let unpaid_look = if pays_itself { now + SELF_PAYING_AFTER } else { order.expires_at };
        match payment.flow {
            Flow::PayerCode | Flow::FromBalance => Preparation { action: None, follow_up_at: now },
            Flow::PayerScans => Preparation {
                action: Some(PayerAction::Link(self.cashier_link(order))),
                follow_up_at: unpaid_look.min(order.expires_at),
            },
            Flow::InWallet | Flow::InApp => Preparation {
                action: Some(PayerAction::Bridge(self.bridge(payment, now))),
                follow_up_at: unpaid_look.min(order.expires_at),
            },
        }
    }

    fn submit(&self, _order: &Order, payment: &Payment, _now: Timestamp) -> Step<ChannelReport> {
        Step::Known(match script(payment) {
            Script::PaidAtOnce => self.paid(payment),
            Script::Declined(reason) => Sandbox::declined(reason),
            Script::PaidAfter(_) | Script::Waits | Script::PaidWhenCancelled => ChannelReport::Waiting,
            Script::SilentThenPaid | Script::SilentThenDeclined => Sandbox::no_answer(),
        })
    }

    fn query(&self, _order: &Order, payment: &Payment, now: Timestamp) -> Step<ChannelReport> {
        Step::Known(match script(payment) {
            Script::PaidAtOnce | Script::SilentThenPaid => self.paid(payment),
            Script::PaidAfter(delay) if now - payment.id.made_at() >= delay => self.paid(payment),
            Script::PaidAfter(_) | Script::Waits | Script::PaidWhenCancelled => ChannelReport::Waiting,
            Script::Declined(reason) => Sandbox::declined(reason),
            Script::SilentThenDeclined => Sandbox::declined("refused by the bank"),
        })
    }

    fn cancel(&self, _order: &Order, payment: &Payment, now: Timestamp) -> Step<ChannelReport> {
        Step::Known(match script(payment) {
            Script::PaidAtOnce | Script::PaidWhenCancelled | Script::SilentThenPaid => self.paid(payment),
            Script::PaidAfter(delay) if now - payment.id.made_at() >= delay => self.paid(payment),
            Script::PaidAfter(_) | Script::Waits => ChannelReport::Cancelled,
            Script::Declined(_) | Script::SilentThenDeclined => ChannelReport::Cancelled,
        })
    }

    fn refund(
        &self,
        _order: &Order,
        payment: &Payment,
        refund: &Refund,
        _now: Timestamp,
    ) -> Step<RefundReport> {
        Step::Known(match refund_script(refund) {
            RefundScript::DoneAtOnce => self.refund_done(payment, refund),
            RefundScript::PendingThenDone => RefundReport::Pending,
            RefundScript::Refused => {
                RefundReport::Refused { reason: "the sandbox refuses this amount".into() }
            }
            RefundScript::SilentThenDone => {
                RefundReport::NoAnswer { reason: "the sandbox did not answer".into() }
            }
        })
    }

    fn refund_query(
        &self,
        order: &Order,
        payment: &Payment,
        refund: &Refund,
        now: Timestamp,
    ) -> Step<RefundReport> {
        match refund_script(refund) {
            RefundScript::SilentThenDone => Step::Known(self.refund_done(payment, refund)),
            RefundScript::PendingThenDone if now - refund.created_at() >= REFUND_PENDING_FOR => {
                Step::Known(self.refund_done(payment, refund))
            }
            RefundScript::DoneAtOnce | RefundScript::PendingThenDone | RefundScript::Refused => {
                self.refund(order, payment, refund, now)
            }
        }
    }

    fn read_payment(&self, _payment: &Payment, _response: &RawResponse) -> ChannelReport {
        ChannelReport::NoAnswer { reason: "the sandbox sends no requests".into() }
    }

    fn read_refund(&self, _refund: &Refund, _response: &RawResponse) -> RefundReport {
        RefundReport::NoAnswer { reason: "the sandbox sends no requests".into() }
    }
}

fn script(payment: &Payment) -> Script {
    let Some(code) = &payment.payer_code else {
        let pays_itself = payment.amount.cents().is_ok_and(|cents| cents % 100 == 81);
        return if pays_itself { Script::PaidAfter(SELF_PAYING_AFTER) } else { Script::Waits };
    };
    let last_four = code.len().checked_sub(4).and_then(|at| code.get(at..)).unwrap_or("");
    match last_four {
        "5101" => Script::Declined("insufficient balance"),
        "5102" => Script::Declined("the code has expired"),
        "5901" => Script::Waits,
        "5902" => Script::PaidWhenCancelled,
        "5903" => Script::SilentThenPaid,
        "5904" => Script::SilentThenDeclined,
        other => match other.strip_prefix("40").and_then(|seconds| seconds.parse::<i64>().ok()) {
            Some(seconds @ 1..) => Script::PaidAfter(Span::from_secs(seconds)),
            Some(_) | None => Script::PaidAtOnce,
        },
    }
}

fn refund_script(refund: &Refund) -> RefundScript {
    match refund.amount.cents().map(|cents| cents % 100) {
        Ok(91) => RefundScript::PendingThenDone,
        Ok(92) => RefundScript::Refused,
        Ok(93) => RefundScript::SilentThenDone,
        Ok(_) | Err(_) => RefundScript::DoneAtOnce,
    }
}

fn channel_number(payment: &Payment) -> String {
    format!("SB{}", payment.id.get())
}

fn payer_of(payment: &Payment) -> String {
    match &payment.payer_code {
        Some(code) => format!("payer-{}", code.get(..6).unwrap_or(code)),
        None => "payer-cashier".into(),
    }
}

fn fund_source(method: &Method) -> &'static str {
    match method.name() {
        "alipay" => "alipay_balance",
        "wechat" => "wechat",
        "qq" => "qq",
        _ => "bank_card",
    }
}
