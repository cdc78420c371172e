//! Channels for short messages to people, sans-IO like those for money: a channel says what to do with a
//! message and what an answer means, and somebody else does it.

use tradewind_dialect::{RawRequest, RawResponse};
use tradewind_domain::{OrderId, Timestamp};

/// A message to a person.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// The phone number, as the partner gave it.
    pub to: String,
    /// What it says.
    pub text: String,
    /// The order that it is about.
    pub order: OrderId,
}

/// Whoever reads a message about a voucher can use it up: logs see neither the text nor the number.
impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message").field("order", &self.order).finish_non_exhaustive()
    }
}

/// An outside party that brings messages to people.
pub trait MessageChannel: Send + Sync + 'static {
    /// Its name.
    fn name(&self) -> &'static str;

    /// What to do to have a message brought.
    fn submit(&self, message: &Message, now: Timestamp) -> MessageStep;

    /// What an answer to [`MessageStep::Send`] means: taken, or not, and why.
    ///
    /// # Errors
    /// Why the message was not taken, in words.
    fn read(&self, response: &RawResponse) -> Result<(), String>;
}

/// What having a message brought takes.
#[derive(Clone, Debug)]
pub enum MessageStep {
    /// This request has to be sent to this absolute address; the answer goes to [`MessageChannel::read`].
    Send {
        /// Where to, http or https.
        url: String,
        /// What.
        request: RawRequest,
    },
    /// This line has to be added to the outbox, a file that people or another program look at.
    Write(String),
}

/// Writes messages to the outbox: one JSON object a line with `at`, `to`, `order` and `text`. For sandboxes,
/// and for gateways whose messages another program picks up.
#[derive(Clone, Copy, Debug, Default)]
pub struct OutboxChannel;

impl MessageChannel for OutboxChannel {
    fn name(&self) -> &'static str {
        "outbox"
    }

    fn submit(&self, message: &Message, now: Timestamp) -> MessageStep {
        let line = serde_json::json!({
            "at": now.ms(),
            "to": message.to,
            "order": message.order.to_string(),
            "text": message.text,
        });
        MessageStep::Write(line.to_string())
    }

    fn read(&self, _response: &RawResponse) -> Result<(), String> {
        Err("the outbox sends nothing".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outbox_gets_one_line_whatever_the_text_holds() {
        let message = Message { to: "138".into(), text: "a\n\"b\"".into(), order: OrderId::from_i64(5) };
        let MessageStep::Write(line) = OutboxChannel.submit(&message, Timestamp::from_ms(7)) else {
            panic!("something is sent");
        };
        assert_eq!(line.lines().count(), 1);
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read, serde_json::json!({"at": 7, "to": "138", "order": "ord_5", "text": "a\n\"b\""}));
        assert!(!format!("{message:?}").contains("138"));
    }
}
