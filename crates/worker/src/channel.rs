//! Following payments and refunds at their channels.
//!
//! The intent is on disk before a call leaves. Whether an intent that outlived a restart was ever sent
//! is not known, so it is asked for before it is sent again.

use tradewind_channels::{Channel, Step};
use tradewind_dialect::{RawRequest, RawResponse};
use tradewind_domain::{
    ChannelReport, Command, Order, Payment, PaymentId, PaymentState, Refund, RefundId, RefundKind,
    RefundReport, RefundState, Refusal, Task, View,
};
use tradewind_egress::{EgressError, Request};

use crate::Worker;

impl Worker {
    pub(crate) async fn follow_payment(
        &self,
        task: &Task,
        order: &Order,
        id: PaymentId,
        view: &View,
    ) -> bool {
        let Some(payment) = view.payment(id) else {
            tracing::error!(task = %task.key.id, payment = %id, "a task follows a payment that is not there");
            return false;
        };
        let now = self.app.clock().now();
        let waits_for_review = order.revocation_applied;
        let is_open = matches!(payment.state, PaymentState::Unknown | PaymentState::Waiting);
        if is_open
            && order.stage == tradewind_domain::OrderStage::Open
            && now >= order.expires_at
            && !waits_for_review
        {
            return self.lapse(task, order).await;
        }
        let report = match self.channels.get(&payment.channel) {
            None => ChannelReport::NoAnswer {
                reason: format!("no channel {:?} in this gateway", payment.channel),
            },
            Some(channel) => self.ask_payment(channel.as_ref(), task, order, payment).await,
        };
        let not_known = report == ChannelReport::NotFound;
        let command = Command::ReportPayment {
            partner: order.partner,
            order: order.id,
            payment: id,
            report,
            attempts: Some(task.attempts),
        };
        let recorded = self.record_follow_up(task, command).await;
        if recorded && not_known {
            self.clear(task);
        }
        recorded
    }

    async fn ask_payment(
        &self,
        channel: &dyn Channel,
        task: &Task,
        order: &Order,
        payment: &Payment,
    ) -> ChannelReport {
        self.counters.count_channel_call();
        let now = self.app.clock().now();
        let step = match payment.state {
            PaymentState::Unknown if self.may_call(task) => channel.submit(order, payment, now),
            PaymentState::Unknown | PaymentState::Waiting => channel.query(order, payment, now),
            PaymentState::Cancelling => channel.cancel(order, payment, now),
            PaymentState::Paid | PaymentState::Declined | PaymentState::Cancelled => {
                Step::Known(ChannelReport::NoAnswer { reason: "the payment is settled".into() })
            }
        };
        match step {
            Step::Known(report) => report,
            Step::Send { url, request } => match self.call(&url, request).await {
                Ok(response) => channel.read_payment(payment, &response),
                Err(error) => ChannelReport::NoAnswer { reason: error.to_string() },
            },
        }
    }

    pub(crate) async fn follow_refund(&self, task: &Task, order: &Order, id: RefundId, view: &View) -> bool {
        let Some((refund, payment)) = view.refund(id).zip(view.payment(order.payment)) else {
            tracing::error!(task = %task.key.id, refund = %id, "a task follows a refund that is not there");
            return false;
        };
        let report = match self.channels.get(&payment.channel) {
            None => {
                RefundReport::NoAnswer { reason: format!("no channel {:?} in this gateway", payment.channel) }
            }
            Some(channel) => self.ask_refund(channel.as_ref(), task, order, payment, refund).await,
        };
        // What the channel does not know is made again, and so is a refused return of money that nobody
        // has a right to keep.
        let made_again = match report {
            RefundReport::NotFound => true,
            RefundReport::Refused { .. } => refund.kind == RefundKind::LateSuccess,
            RefundReport::Succeeded { .. } | RefundReport::Pending | RefundReport::NoAnswer { .. } => false,
        };
        let command = Command::ReportRefund {
            partner: order.partner,
            order: order.id,
            refund: id,
            report,
            attempts: Some(task.attempts),
        };
        let recorded = self.record_follow_up(task, command).await;
        if recorded && made_again {
            self.clear(task);
        }
        recorded
    }

    async fn ask_refund(
        &self,
        channel: &dyn Channel,
        task: &Task,
        order: &Order,
        payment: &Payment,
        refund: &Refund,
    ) -> RefundReport {
        self.counters.count_channel_call();
        let now = self.app.clock().now();
        let step = match refund.state {
            RefundState::Unknown if self.may_call(task) => channel.refund(order, payment, refund, now),
            RefundState::Unknown | RefundState::Pending => channel.refund_query(order, payment, refund, now),
            RefundState::Succeeded | RefundState::Refused | RefundState::Cancelled => {
                Step::Known(RefundReport::NoAnswer { reason: "the refund is settled".into() })
            }
        };
        match step {
            Step::Known(report) => report,
            Step::Send { url, request } => match self.call(&url, request).await {
                Ok(response) => channel.read_refund(refund, &response),
                Err(error) => RefundReport::NoAnswer { reason: error.to_string() },
            },
        }
    }

    /// Whether the call may be made: it has certainly not left yet, because this process wrote the task and
    /// nobody has begun it, or because the channel has said that it knows of nothing. Notes that it leaves
    /// now, so that whoever comes to the same task before the result is on disk asks instead.
    fn may_call(&self, task: &Task) -> bool {
        if task.attempts > 0 || self.begun().contains(&task.key) {
            return false;
        }
        let id = task.key.id;
        let own = id.node() == self.app.node().number() && id.made_at() >= self.app.ids_floor();
        let cleared = self.cleared().remove(&task.key);
        (own || cleared) && self.begun().insert(task.key)
    }

    /// Notes that the channel knows nothing of the call: it may be made again.
    fn clear(&self, task: &Task) {
        self.begun().remove(&task.key);
        self.cleared().insert(task.key);
    }

    pub(crate) async fn call(&self, url: &str, request: RawRequest) -> Result<RawResponse, EgressError> {
        let method = match request.method {
            tradewind_dialect::Method::Get => http::Method::GET,
            tradewind_dialect::Method::Post => http::Method::POST,
        };
        let mut outgoing = Request::new(method, url, request.body)?;
        for (name, value) in &request.headers {
            if let (Ok(name), Ok(value)) =
                (name.parse::<http::HeaderName>(), value.parse::<http::HeaderValue>())
            {
                outgoing.headers.append(name, value);
            }
        }
        let response = self.egress_channels.send(outgoing, self.config.delivery_timeout).await?;
        Ok(RawResponse {
            status: response.status,
            content_type: "",
            headers: Vec::new(),
            body: response.body,
        })
    }

    /// A refusal means that the world has moved on since the task was read; the next look shows how.
    pub(crate) async fn record_follow_up(&self, task: &Task, command: Command) -> bool {
        match self.app.submit_patiently(command).await {
            Ok(_) => true,
            Err(Refusal::WrongState { problem }) => {
                tracing::debug!(task = %task.key.id, problem, "a follow-up was overtaken");
                false
            }
            Err(refusal) => {
                tracing::error!(task = %task.key.id, %refusal, "could not record a follow-up");
                false
            }
        }
    }
}
