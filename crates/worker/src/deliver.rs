//! Delivering events: render through the dialect, send, record.

use http::HeaderValue;
use http::header::CONTENT_TYPE;
use tradewind_dialect::{Ack, Dialect, Notice, Notification, RawResponse};
use tradewind_domain::{Command, DeliveryResult, EndpointId, Order, PartnerId, Refusal, Task, View};
use tradewind_egress::Request;

use crate::{Worker, credentials};

impl Worker {
    /// Makes one attempt. `false` when its result could not be written down.
    pub(crate) async fn deliver(
        &self,
        task: &Task,
        order: &Order,
        event: i64,
        endpoint: Option<EndpointId>,
        view: &View,
    ) -> bool {
        let attempt = task.attempts + 1;
        let Some(dialect) = self.dialect(&order.dialect) else {
            return self.give_up(task, format!("no dialect {:?} in this gateway", order.dialect)).await;
        };
        let notification = match self.render(dialect.as_ref(), order, event, endpoint, view).await {
            Ok(notification) => notification,
            Err(RenderError::Refused(refusal)) => {
                tracing::error!(task = %task.key.id, %refusal, "could not prepare a notification");
                return false;
            }
            Err(RenderError::Never(reason)) => return self.give_up(task, reason).await,
        };
        let outcome = self.send(dialect.as_ref(), order.partner, notification).await;
        self.counters.count_delivery(outcome.is_ok());
        let result = match outcome {
            Ok(()) => DeliveryResult::Acknowledged,
            Err(reason) => {
                let kind = view.event(order.partner, event).map(|event| event.kind);
                let now = self.app.clock().now();
                let next = kind.and_then(|kind| dialect.schedule(kind).next(task.started_at, attempt, now));
                tracing::debug!(task = %task.key.id, attempt, %reason, "a notification was not acknowledged");
                DeliveryResult::Failed { reason, next }
            }
        };
        self.record(task, attempt, result).await
    }

    async fn render(
        &self,
        dialect: &dyn Dialect,
        order: &Order,
        event: i64,
        endpoint: Option<EndpointId>,
        view: &View,
    ) -> Result<Notification, RenderError> {
        let event = view.event(order.partner, event).ok_or_else(|| never("the event is not there"))?;
        let payment = view.payment(order.payment).ok_or_else(|| never("the payment is not there"))?;
        let refund = event.refund.and_then(|refund| view.refund(refund));
        let endpoint = match endpoint {
            None => None,
            Some(id) => {
                let known = view.endpoints(order.partner).iter().find(|known| known.id == id);
                Some(known.ok_or_else(|| never("the endpoint has been removed"))?)
            }
        };
        let identity = match self.app.identity_of(&order.dialect, order.partner).await {
            Ok(identity) => identity,
            Err(Refusal::UnknownPartner) => return Err(never("the partner has no valid key")),
            Err(refusal) => return Err(RenderError::Refused(refusal)),
        };
        let credentials = credentials(&identity).ok_or(RenderError::Refused(Refusal::Internal))?;
        let partner = &identity.partner;
        let notice = Notice { event, order, payment, refund, partner, credentials: &credentials, endpoint };
        let told = dialect.notify(&notice, self.app.clock().now());
        told.ok_or_else(|| never("the dialect has no words for this event"))
    }

    async fn send(
        &self,
        dialect: &dyn Dialect,
        partner: PartnerId,
        notification: Notification,
    ) -> Result<(), String> {
        let Notification { url, content_type, body } = notification;
        let mut request = Request::new(http::Method::POST, &url, body).map_err(|error| error.to_string())?;
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        let _place = self.endpoints.place(partner, &url).await;
        let response = self
            .egress
            .send(request, self.config.delivery_timeout)
            .await
            .map_err(|error| error.to_string())?;
        let raw = RawResponse {
            status: response.status,
            content_type: "",
            headers: Vec::new(),
            body: response.body,
        };
        match dialect.acknowledged(&raw) {
            Ack::Received => Ok(()),
            Ack::TryAgain(reason) => Err(reason),
        }
    }

    /// For a notification that no attempt can ever deliver as things are.
    async fn give_up(&self, task: &Task, reason: String) -> bool {
        tracing::warn!(task = %task.key.id, %reason, "a notification cannot be delivered");
        self.record(task, task.attempts + 1, DeliveryResult::Failed { reason, next: None }).await
    }

    async fn record(&self, task: &Task, attempt: u32, result: DeliveryResult) -> bool {
        let command = Command::RecordDelivery { key: task.key, attempt, result };
        match self.app.submit_patiently(command).await {
            Ok(_) => true,
            Err(refusal) => {
                tracing::error!(task = %task.key.id, %refusal, "could not record a delivery");
                false
            }
        }
    }
}

enum RenderError {
    /// Not now.
    Refused(Refusal),
    /// Not as things are.
    Never(String),
}

fn never(reason: &str) -> RenderError {
    RenderError::Never(reason.to_owned())
}
