//! Delivering events: render through the dialect, send, record.

use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use tradewind_dialect::{Ack, Dialect, Notice, NoticeAbout, Notification, RawResponse};
use tradewind_domain::{
    About, Command, DeliveryResult, EndpointId, Event, Order, OrderRef, PartnerId, Refusal, Sku, Span, Task,
    TaskKey, View, Voucher,
};
use tradewind_egress::Request;

use crate::in_order::Turn;
use crate::{Worker, credentials};

/// How long a delivery waits, in real time, for one of the places of its address. A fast receiver frees one
/// in a moment. A slow one must not fill the partner's share of work with deliveries that wait, because
/// the partner's payments come out of the same share.
const PLACE_WAIT: Duration = Duration::from_millis(250);
/// For how long a delivery that found no place makes room for others.
const POSTPONED_FOR: Span = Span::from_secs(1);

impl Worker {
    /// Makes one attempt. `false` when its result could not be written down.
    pub(crate) async fn deliver(
        &self,
        task: &Task,
        event: i64,
        endpoint: Option<EndpointId>,
        view: &View,
    ) -> bool {
        let attempt = task.attempts + 1;
        let partner = task.key.partner;
        let Some(source) = Source::of(task.key, view) else {
            let about = task.key.about;
            tracing::error!(task = %task.key.id, %about, "a task looks after something that is not there");
            return false;
        };
        let Some(spoken) = source.dialect(partner, endpoint, view) else {
            return self.give_up(task, "the endpoint has been removed".into()).await;
        };
        let Some(dialect) = self.dialect(spoken) else {
            return self.give_up(task, format!("no dialect {spoken:?} in this gateway")).await;
        };
        match self.turn(dialect.as_ref(), task, event, endpoint, view).await {
            Turn::Now => {}
            Turn::Later(result) => return self.record(task, attempt, result).await,
            Turn::NotKnown => return false,
        }
        let notification = match self.render(dialect.as_ref(), task, source, event, endpoint, view).await {
            Ok(notification) => notification,
            Err(RenderError::Refused(refusal)) => {
                tracing::error!(task = %task.key.id, %refusal, "could not prepare a notification");
                return false;
            }
            Err(RenderError::Never(reason)) => return self.give_up(task, reason).await,
        };
        let place = self.endpoints.place(partner, &notification.url);
        let Ok(place) = tokio::time::timeout(PLACE_WAIT, place).await else {
            let until = self.app.clock().now() + POSTPONED_FOR;
            return self.record(task, attempt, DeliveryResult::Postponed { until }).await;
        };
        let outcome = self.send(dialect.as_ref(), notification).await;
        drop(place);
        self.counters.count_delivery(outcome.is_ok());
        let result = match outcome {
            Ok(()) => DeliveryResult::Acknowledged,
            Err(reason) => {
                let kind = view.event(partner, event).map(|event| event.kind);
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
        task: &Task,
        source: Source<'_>,
        event: i64,
        endpoint: Option<EndpointId>,
        view: &View,
    ) -> Result<Notification, RenderError> {
        let (partner, attempt) = (task.key.partner, task.attempts + 1);
        let event = view.event(partner, event).ok_or_else(|| never("the event is not there"))?;
        let endpoint = match endpoint {
            None => None,
            Some(id) => {
                let known = view.endpoints(partner).iter().find(|known| known.id == id);
                Some(known.ok_or_else(|| never("the endpoint has been removed"))?)
            }
        };
        let redeemer = self.redeemer(dialect.name(), event, view).await?;
        let about = source.about(event, view, redeemer.as_deref())?;
        let identity = match self.app.identity_of(dialect.name(), partner).await {
            Ok(identity) => identity,
            Err(Refusal::UnknownPartner) => return Err(never("the partner has no valid key")),
            Err(refusal) => return Err(RenderError::Refused(refusal)),
        };
        let credentials = credentials(&identity).ok_or(RenderError::Refused(Refusal::Internal))?;
        let partner = &identity.partner;
        let notice = Notice { event, about, partner, credentials: &credentials, attempt, endpoint };
        let told = dialect.notify(&notice, self.app.clock().now());
        told.ok_or_else(|| never("the dialect has no words for this event"))
    }

    /// What the one who redeemed calls itself by in the voucher's dialect; it may speak another.
    async fn redeemer(
        &self,
        dialect: &str,
        event: &Event,
        view: &View,
    ) -> Result<Option<String>, RenderError> {
        let Some(redemption) = event.redemption.and_then(|id| view.redemption(id)) else { return Ok(None) };
        match self.app.identity_of(dialect, redemption.by).await {
            Ok(identity) => Ok(Some(identity.key_id.clone())),
            Err(Refusal::UnknownPartner) => Ok(None),
            Err(refusal) => Err(RenderError::Refused(refusal)),
        }
    }

    /// How long the answer to a notification may take.
    pub(crate) fn patience(&self, dialect: &dyn Dialect) -> Duration {
        let asked = dialect.patience().map(|span| Duration::from_millis(span.ms().unsigned_abs()));
        self.config.delivery_timeout.max(asked.unwrap_or_default())
    }

    async fn send(&self, dialect: &dyn Dialect, notification: Notification) -> Result<(), String> {
        let Notification { url, content_type, headers, body } = notification;
        let mut request = Request::new(http::Method::POST, &url, body).map_err(|error| error.to_string())?;
        request.headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        for (name, value) in headers {
            let value = HeaderValue::from_str(&value).map_err(|error| format!("header {name}: {error}"))?;
            request.headers.insert(HeaderName::from_static(name), value);
        }
        let response =
            self.egress.send(request, self.patience(dialect)).await.map_err(|error| error.to_string())?;
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

    pub(crate) async fn record(&self, task: &Task, attempt: u32, result: DeliveryResult) -> bool {
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

/// Where the news come from.
#[derive(Clone, Copy)]
enum Source<'v> {
    Order(&'v Order),
    Voucher(&'v Voucher),
    Sku(&'v Sku),
}

impl<'v> Source<'v> {
    fn of(key: TaskKey, view: &'v View) -> Option<Source<'v>> {
        match key.about {
            About::Order(id) => view.order(key.partner, &OrderRef::Id(id)).map(Source::Order),
            About::Voucher(id) => view.voucher(key.partner, id).map(Source::Voucher),
            About::Sku(id) => view.sku(id).map(Source::Sku),
        }
    }

    /// What belongs to a partner was made in a dialect; what does not is told in that of the endpoint, which
    /// is `None` when the endpoint has gone.
    fn dialect(self, partner: PartnerId, endpoint: Option<EndpointId>, view: &'v View) -> Option<&'v str> {
        match self {
            Source::Order(order) => Some(&order.dialect),
            Source::Voucher(voucher) => Some(&voucher.dialect),
            Source::Sku(_) => {
                let mut known = view.endpoints(partner).iter();
                known.find(|known| Some(known.id) == endpoint).map(|known| known.dialect.as_str())
            }
        }
    }

    fn about<'a>(
        self,
        event: &Event,
        view: &'a View,
        redeemer: Option<&'a str>,
    ) -> Result<NoticeAbout<'a>, RenderError>
    where
        'v: 'a,
    {
        match self {
            Source::Order(order) => {
                let payment = view.payment(order.payment).ok_or_else(|| never("the payment is not there"))?;
                let refund = event.refund.and_then(|refund| view.refund(refund));
                let redemption = event.redemption.and_then(|id| view.redemption(id));
                let redemption =
                    redemption.and_then(|made| Some((view.voucher(made.partner, made.voucher)?, made)));
                Ok(NoticeAbout::Order { order, payment, refund, redemption })
            }
            Source::Voucher(voucher) => {
                let redemption = event.redemption.and_then(|id| view.redemption(id));
                let redemption = redemption.ok_or_else(|| never("the redemption is not there"))?;
                Ok(NoticeAbout::Voucher { voucher, redemption, redeemer })
            }
            Source::Sku(sku) => {
                let product = view.product(sku.product).ok_or_else(|| never("the product is not there"))?;
                Ok(NoticeAbout::Sku { sku, product })
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
