//! What the client side knows: every order and refund it asked for, and how sure it is of each.
//!
//! The rule of the whole test is here: an operation counts as acknowledged only when its answer
//! was received in full and said SUCCESS. Everything else that was sent is unknown, and becomes
//! found or absent by asking after the restart.

use crate::sosopay::{COUNTER_DIGITS, push_decimal};

/// What is asked of the gateway, by the sandbox's magic values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Precreated, stays open for longer than the test runs.
    Precreate,
    /// Precreated, paid by itself three seconds later.
    PaidLater,
    /// Merchant scan, paid at once.
    Pay,
    /// Merchant scan whose channel call gets no answer; a later question finds it paid.
    PayUnanswered,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RefundKind {
    /// Ten yuan, done at once; an order takes several.
    Part,
    /// Done at the second asking: pending in between.
    PartUnanswered,
    /// The whole order at once.
    Whole,
}

/// How sure the client is that an operation happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    InFlight,
    /// Sent, and the answer never came.
    Unknown,
    /// SUCCESS was received in full: it must exist for ever.
    Acknowledged,
    /// Never acknowledged, but seen after a restart: from then on it must exist as well.
    Found,
    /// Never acknowledged and not there after a restart: it must never appear.
    Absent,
}

#[derive(Debug)]
pub(crate) struct Order {
    pub kind: Kind,
    pub standing: Standing,
    /// The gateway's own serial, once it was told.
    pub down_code: Option<String>,
    /// `STATE` when it was last looked up.
    pub state: Option<u8>,
    /// Indices of its refunds.
    pub refunds: Vec<usize>,
}

#[derive(Debug)]
pub(crate) struct Refund {
    pub order: usize,
    pub kind: RefundKind,
    pub standing: Standing,
    pub state: Option<u8>,
}

/// Everything that was asked for, and every broken promise.
#[derive(Debug)]
pub(crate) struct Plan {
    prefix: String,
    /// Who asks.
    busi_id: String,
    notify_url: String,
    pub orders: Vec<Order>,
    pub refunds: Vec<Refund>,
    pub violations: Violations,
}

/// Broken promises: all are counted, the first are kept.
#[derive(Debug, Default)]
pub(crate) struct Violations {
    pub count: usize,
    pub first: Vec<String>,
}

impl Violations {
    const KEPT: usize = 40;

    pub(crate) fn add(&mut self, text: String) {
        self.count += 1;
        if self.first.len() < Self::KEPT {
            self.first.push(text);
        }
    }
}

impl Kind {
    /// Amount in cents. Ending in 81 is the sandbox's "paid by itself".
    fn cents(self) -> u32 {
        if self == Self::PaidLater { 15_881 } else { 15_800 }
    }

    pub(crate) fn interface(self) -> &'static str {
        match self {
            Self::Precreate | Self::PaidLater => "order",
            Self::Pay | Self::PayUnanswered => "preOrder",
        }
    }
}

impl Plan {
    /// `prefix` starts every number of the partner `busi_id`; `notify_url` goes into every order.
    pub(crate) fn new(busi_id: &str, prefix: &str, notify_url: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
            busi_id: busi_id.to_owned(),
            notify_url: notify_url.to_owned(),
            orders: Vec::new(),
            refunds: Vec::new(),
            violations: Violations::default(),
        }
    }

    pub(crate) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(crate) fn busi_id(&self) -> &str {
        &self.busi_id
    }

    pub(crate) fn add_order(&mut self, kind: Kind) -> usize {
        self.orders.push(Order {
            kind,
            standing: Standing::InFlight,
            down_code: None,
            state: None,
            refunds: Vec::new(),
        });
        self.orders.len() - 1
    }

    pub(crate) fn add_refund(&mut self, order: usize, kind: RefundKind) -> usize {
        let refund = self.refunds.len();
        self.refunds.push(Refund { order, kind, standing: Standing::InFlight, state: None });
        self.orders[order].refunds.push(refund);
        refund
    }

    /// `CHARGE_CODE` of an order.
    pub(crate) fn order_code(&self, order: usize) -> String {
        number(&self.prefix, order)
    }

    /// `OUT_REFUND_NO` of a refund.
    pub(crate) fn refund_code(&self, refund: usize) -> String {
        number(&format!("{}R", self.prefix), refund)
    }

    /// The order that a `CHARGE_CODE` names, if it is one of ours.
    pub(crate) fn order_of(&self, code: &str) -> Option<usize> {
        let digits = code.strip_prefix(&self.prefix).filter(|digits| digits.len() == COUNTER_DIGITS)?;
        digits.parse().ok().filter(|order| *order < self.orders.len())
    }

    /// Whether a `CHARGE_CODE` is of this plan's numbers, given out or not.
    pub(crate) fn numbers(&self, code: &str) -> bool {
        code.strip_prefix(&self.prefix).is_some_and(|digits| digits.len() == COUNTER_DIGITS)
    }

    pub(crate) fn order_cents(&self, order: usize) -> u32 {
        self.orders[order].kind.cents()
    }

    pub(crate) fn refund_cents(&self, refund: usize) -> u32 {
        let Refund { order, kind, .. } = &self.refunds[refund];
        match kind {
            RefundKind::Part => 1_000,
            // Ending in 93 is the sandbox's "no answer at first".
            RefundKind::PartUnanswered => 1_093,
            RefundKind::Whole => self.order_cents(*order),
        }
    }

    /// What the partner is owed when everything has come to rest: paid, less given back.
    pub(crate) fn balance_cents(&self) -> i64 {
        let paid = (0..self.orders.len()).filter(|order| self.is_paid(*order));
        let paid: i64 = paid.map(|order| i64::from(self.order_cents(order))).sum();
        let refunds = (0..self.refunds.len()).filter(|refund| self.refunds[*refund].state == Some(11));
        paid - refunds.map(|refund| i64::from(self.refund_cents(refund))).sum::<i64>()
    }

    /// The request body that creates an order; the same bytes each time it is sent.
    pub(crate) fn order_body(&self, order: usize) -> String {
        let kind = self.orders[order].kind;
        let code = self.order_code(order);
        let amount = yuan(kind.cents());
        let notify = &self.notify_url;
        let busi_id = &self.busi_id;
        let way = match kind {
            Kind::Precreate | Kind::PaidLater => r#""CHANNEL_TYPE":"1""#.to_owned(),
            // An Alipay code of eighteen digits; the last four decide what the sandbox does.
            Kind::Pay => format!(r#""DYNAMIC_ID":"28{order:012}1234""#),
            Kind::PayUnanswered => format!(r#""DYNAMIC_ID":"28{order:012}5903""#),
        };
        format!(
            r#"{{"BUSI_ID":"{busi_id}","OPER_ID":"oper01","DEV_ID":"dev01","AMT":"{amount}",{way},"CHARGE_CODE":"{code}","PAY_SUBJECT":"torment","NODIFY_URL":"{notify}"}}"#
        )
    }

    pub(crate) fn refund_body(&self, refund: usize) -> String {
        let order = self.order_code(self.refunds[refund].order);
        let code = self.refund_code(refund);
        let amount = yuan(self.refund_cents(refund));
        let busi_id = &self.busi_id;
        format!(
            r#"{{"BUSI_ID":"{busi_id}","OPER_ID":"oper01","DEV_ID":"dev01","CHARGE_REFUND_FEE":"{amount}","REFUND_SUBJECT":"torment","CHARGE_CODE":"{order}","OUT_REFUND_NO":"{code}"}}"#
        )
    }

    /// Whether the order is known to have been paid: acknowledged as such, or seen so.
    pub(crate) fn is_paid(&self, order: usize) -> bool {
        let Order { kind, standing, state, .. } = &self.orders[order];
        let told = *standing == Standing::Acknowledged && matches!(kind, Kind::Pay | Kind::PayUnanswered);
        told || matches!(state, Some(1 | 4 | 5 | 8 | 9))
    }

    /// The values of `STATE` (section 6.3) that an existing order may show now; `finally` when all
    /// work on it must be over.
    pub(crate) fn order_states(&self, order: usize, finally: bool) -> Vec<u8> {
        let mut states = Vec::new();
        let Order { kind, state, .. } = &self.orders[order];
        match kind {
            Kind::Precreate => return vec![0],
            _ if self.is_paid(order) => return self.paid_states(order, finally),
            Kind::PaidLater => {}
            // Never acknowledged. The payment may have been undone before the channel was asked,
            // and what was undone once stays so.
            Kind::Pay | Kind::PayUnanswered => match state {
                Some(closed @ (2 | 6)) => return vec![*closed],
                _ => states.extend([2, 6]),
            },
        }
        states.extend(self.paid_states(order, finally));
        if !finally {
            states.push(0);
        }
        states
    }

    fn paid_states(&self, order: usize, finally: bool) -> Vec<u8> {
        let mut done = 0;
        let mut pending = false;
        for &refund in &self.orders[order].refunds {
            let Refund { standing, state, .. } = &self.refunds[refund];
            match (standing, state) {
                (Standing::Absent, _) | (_, Some(12 | 13)) => {}
                (_, Some(11)) => done += self.refund_cents(refund),
                _ => pending = true,
            }
        }
        if pending && !finally {
            return vec![8, 4, 5];
        }
        match done {
            0 => vec![1],
            all if all == self.order_cents(order) => vec![5],
            _ => vec![4],
        }
    }

    /// The values of `STATE` that an existing refund may show.
    pub(crate) fn refund_states(&self, refund: usize, finally: bool) -> &'static [u8] {
        let Refund { kind, standing, state, .. } = &self.refunds[refund];
        match (standing, kind) {
            _ if *state == Some(11) => &[11],
            // The answer said that the money went back.
            (Standing::Acknowledged, RefundKind::Part | RefundKind::Whole) => &[11],
            (Standing::Acknowledged, RefundKind::PartUnanswered) if finally => &[11],
            (Standing::Acknowledged, RefundKind::PartUnanswered) => &[10, 11],
            // Never acknowledged: it may have been given up before it was sent to the channel.
            _ if finally => &[11, 12],
            _ => &[10, 11, 12],
        }
    }

    /// Whether an order exists for us and has not come to rest yet.
    pub(crate) fn order_is_open(&self, order: usize) -> bool {
        let Order { kind, standing, state, .. } = &self.orders[order];
        let exists = matches!(standing, Standing::Acknowledged | Standing::Found);
        exists && *kind != Kind::Precreate && matches!(state, None | Some(0 | 8))
    }

    pub(crate) fn refund_is_open(&self, refund: usize) -> bool {
        let Refund { standing, state, .. } = &self.refunds[refund];
        matches!(standing, Standing::Acknowledged | Standing::Found) && matches!(state, None | Some(10))
    }
}

fn number(prefix: &str, index: usize) -> String {
    let mut code = prefix.as_bytes().to_vec();
    push_decimal(&mut code, index as u64, COUNTER_DIGITS);
    String::from_utf8_lossy(&code).into_owned()
}

fn yuan(cents: u32) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan_with(kind: Kind, standing: Standing, state: Option<u8>) -> Plan {
        let mut plan = Plan::new("0010000001", "K", "http://127.0.0.1:9/n");
        let order = plan.add_order(kind);
        plan.orders[order].standing = standing;
        plan.orders[order].state = state;
        plan
    }

    #[test]
    fn states_that_an_order_may_show() {
        let check = |kind, standing, state, during: &[u8], finally: &[u8]| {
            let plan = plan_with(kind, standing, state);
            assert_eq!(plan.order_states(0, false), during, "{kind:?} {standing:?} {state:?}");
            assert_eq!(plan.order_states(0, true), finally, "{kind:?} {standing:?} {state:?} finally");
        };
        check(Kind::Precreate, Standing::Acknowledged, None, &[0], &[0]);
        check(Kind::PaidLater, Standing::Acknowledged, Some(0), &[1, 0], &[1]);
        check(Kind::PaidLater, Standing::Found, Some(1), &[1], &[1]);
        check(Kind::Pay, Standing::Acknowledged, None, &[1], &[1]);
        check(Kind::Pay, Standing::Unknown, None, &[2, 6, 1, 0], &[2, 6, 1]);
        check(Kind::Pay, Standing::Found, Some(1), &[1], &[1]);
        check(Kind::PayUnanswered, Standing::Found, Some(2), &[2], &[2]);
    }

    #[test]
    fn refunds_decide_the_state_of_a_paid_order() {
        let check = |refunds: &[(RefundKind, Standing, Option<u8>)], during: &[u8], finally: &[u8]| {
            let mut plan = plan_with(Kind::Pay, Standing::Acknowledged, Some(1));
            for &(kind, standing, state) in refunds {
                let refund = plan.add_refund(0, kind);
                plan.refunds[refund].standing = standing;
                plan.refunds[refund].state = state;
            }
            assert_eq!(plan.order_states(0, false), during, "{refunds:?}");
            assert_eq!(plan.order_states(0, true), finally, "{refunds:?}");
        };
        let done = (RefundKind::Part, Standing::Acknowledged, Some(11));
        check(&[done], &[4], &[4]);
        check(&[done, (RefundKind::PartUnanswered, Standing::Acknowledged, Some(10))], &[8, 4, 5], &[4]);
        check(&[(RefundKind::Whole, Standing::Found, Some(11))], &[5], &[5]);
        check(&[(RefundKind::Whole, Standing::Absent, None)], &[1], &[1]);
        check(&[(RefundKind::Part, Standing::Found, Some(12))], &[1], &[1]);
    }

    #[test]
    fn numbers_are_ours_and_come_back() {
        let plan = plan_with(Kind::Pay, Standing::InFlight, None);
        assert_eq!(plan.order_code(0), "K0000000000");
        assert_eq!(plan.refund_code(3), "KR0000000003");
        assert_eq!(plan.order_of("K0000000000"), Some(0));
        for foreign in ["K0000000001", "KR0000000000", "K0", "X0000000000"] {
            assert_eq!(plan.order_of(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn bodies_are_json_without_white_space() {
        let mut plan = plan_with(Kind::PayUnanswered, Standing::InFlight, None);
        plan.add_refund(0, RefundKind::PartUnanswered);
        for body in [plan.order_body(0), plan.refund_body(0)] {
            assert!(serde_json::from_str::<serde_json::Value>(&body).is_ok(), "{body}");
            assert!(!body.contains(char::is_whitespace), "{body}");
        }
        assert!(plan.order_body(0).contains(r#""DYNAMIC_ID":"280000000000005903""#));
        assert!(plan.refund_body(0).contains(r#""CHARGE_REFUND_FEE":"10.93""#));
    }
}
