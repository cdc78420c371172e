//! Due work on purchases: letting go of what was not paid, approving what nobody has reviewed, and
//! bringing codes to those who travel.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::io::AsyncWriteExt as _;
use tradewind_channels::{LinkKey, Message, MessageChannel, MessageStep};
use tradewind_domain::{
    Command, DeliveryResult, Line, Order, RefundId, RefundState, Schedule, Span, Task, View, Voucher,
};

use crate::Worker;

/// A message that was not taken is tried again ten times within an hour.
const MESSAGES: Schedule = Schedule::Every { every: Span::from_mins(6), attempts: 10 };
/// What is said of an application that nobody has reviewed in time.
const BY_ITSELF: &str = "approved automatically";
const REVIEWER: &str = "automatic";

/// How messages to people leave.
#[derive(Clone)]
pub struct Messages {
    /// Who brings them.
    pub channel: Arc<dyn MessageChannel>,
    /// The file that channels write to which bring nothing themselves.
    pub outbox: Option<PathBuf>,
    /// Makes the links to the page of a purchase's vouchers.
    pub links: LinkKey,
    /// The address under which browsers reach the gateway, without a trailing slash.
    pub public_url: Arc<str>,
}

impl Worker {
    /// Ends a purchase whose time to be paid is over.
    pub(crate) async fn lapse(&self, task: &Task, order: &Order) -> bool {
        let stock = order.line.as_deref().map(Line::stock);
        let lapse = Command::LapseOrder { partner: order.partner, order: order.id, stock };
        self.record_follow_up(task, lapse).await
    }

    /// Approves an application that nobody has reviewed in time.
    pub(crate) async fn approve_refund(
        &self,
        task: &Task,
        order: &Order,
        refund: RefundId,
        view: &View,
    ) -> bool {
        let pending = view.refund(refund).is_some_and(|refund| refund.state == RefundState::Pending);
        let Some(line) = order.line.as_deref().filter(|_| pending) else {
            tracing::error!(task = %task.key.id, %refund, "a task approves a refund that is not under review");
            return false;
        };
        let review = Command::ReviewRefund {
            partner: order.partner,
            order: order.id,
            stock: line.stock(),
            refund,
            approve: true,
            reason: BY_ITSELF.into(),
            reviewer: REVIEWER.into(),
        };
        self.record_follow_up(task, review).await
    }

    /// Has the codes of a purchase brought to its first traveller.
    pub(crate) async fn send_codes(&self, task: &Task, order: &Order, view: &View) -> bool {
        let attempt = task.attempts + 1;
        let now = self.app.clock().now();
        let vouchers: Vec<&Voucher> = view.vouchers_of(order.id).collect();
        let outcome = match self.message(order, &vouchers) {
            None => Err("there is nobody to send the codes to".to_owned()),
            Some(message) => self.bring(&message).await,
        };
        let result = match outcome {
            Ok(()) => DeliveryResult::Acknowledged,
            Err(reason) => {
                tracing::warn!(task = %task.key.id, order = %order.id, %reason, "codes could not be sent");
                DeliveryResult::Failed { reason, next: MESSAGES.next(task.started_at, attempt, now) }
            }
        };
        self.record(task, attempt, result).await
    }

    fn message(&self, order: &Order, vouchers: &[&Voucher]) -> Option<Message> {
        let line = order.line.as_deref()?;
        let to = line.contact()?.mobile.clone();
        if vouchers.is_empty() {
            return None;
        }
        let codes: Vec<String> = vouchers.iter().map(|voucher| voucher.code.to_string()).collect();
        let day = line.day.map(|day| format!(" {day}")).unwrap_or_default();
        let token = self.messages.links.token(order.partner, order.id);
        let text = format!(
            "{}{day} x {}: {} {}/ticket/{token}",
            line.name,
            line.left(),
            codes.join(", "),
            self.messages.public_url
        );
        Some(Message { to, text, order: order.id })
    }

    async fn bring(&self, message: &Message) -> Result<(), String> {
        let channel = &self.messages.channel;
        match channel.submit(message, self.app.clock().now()) {
            MessageStep::Send { url, request } => {
                let response = self.call(&url, request).await.map_err(|error| error.to_string())?;
                channel.read(&response)
            }
            MessageStep::Write(line) => {
                let outbox = self.messages.outbox.as_deref().ok_or("no outbox is configured")?;
                append(outbox, &line).await.map_err(|error| format!("the outbox: {error}"))
            }
        }
    }
}

/// Adds a line to a file that only its owner can read, and returns when it is on disk.
async fn append(path: &Path, line: &str) -> io::Result<()> {
    let mut options = tokio::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    options.mode(0o600);
    let mut file = options.open(path).await?;
    // One write: lines of tasks that run beside each other do not mix.
    file.write_all(format!("{line}\n").as_bytes()).await?;
    file.sync_data().await
}
