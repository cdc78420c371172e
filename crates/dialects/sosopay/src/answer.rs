//! Answers: result first, then fields, in the format and cipher that the caller wants, signed.

use std::sync::Arc;

use bytes::Bytes;
use tradewind_dialect::codec::{Format, ListShape, Writer};
use tradewind_dialect::{Credentials, RawRequest, RawResponse, Sealer};
use tradewind_domain::{FundBill, Outcome, Refusal, Span, Timestamp};

use crate::amount::yuan;
use crate::dictionaries::fund_channel;
use crate::errors::Code;
use crate::identify::Parameters;
use crate::open::{OTHER_BUSI_ID, UNDECRYPTABLE, retrace};
use crate::operation::Operation;
use crate::prepared::Prepared;
use crate::sign::{SIGN_HEADER, sign};
use crate::{auth, channels, cipher, collect, list, query, refund, revoke, write_off};

pub(crate) const JSON: &str = "application/json;charset=UTF-8";
pub(crate) const XML: &str = "text/xml;charset=UTF-8";
pub(crate) const CIPHER_TEXT: &str = "text/plain;charset=UTF-8";

/// How an answer is packed.
pub(crate) struct Envelope {
    pub(crate) operation: Operation,
    pub(crate) format: Format,
    pub(crate) encrypted: bool,
    /// The caller's keys and the place of the one it uses, as far as known.
    pub(crate) key: Option<(Arc<Prepared>, usize)>,
}

impl Envelope {
    /// The answer with this result and these fields. Operations whose answer has no result are told as
    /// a sign-in that failed: there are no others.
    pub(crate) fn answer(
        &self,
        code: Code,
        info: &str,
        now: Timestamp,
        fields: impl FnOnce(&mut Writer),
    ) -> RawResponse {
        let Some(root) = self.operation.response_root() else {
            return self.pack(auth::refusal(info), now);
        };
        let mut writer = Writer::wrapped(self.format, root);
        writer.object("RESULT", |result| {
            result.text("CODE", self.name(code));
            result.text("INFO", info);
        });
        fields(&mut writer);
        self.pack(writer.finish(), now)
    }

    /// `BUSI_ID`.
    pub(crate) fn busi_id(&self) -> &str {
        self.key.as_ref().map_or("", |(prepared, _)| &prepared.busi_id)
    }

    /// How the list of a batch query is shaped.
    pub(crate) fn batch_shape(&self) -> ListShape {
        match &self.key {
            Some((prepared, _)) if prepared.settings.batch_single_as_object => ListShape::OneBare,
            _ => ListShape::Array,
        }
    }

    fn name(&self, code: Code) -> &'static str {
        match (code, &self.key) {
            (Code::Success, Some((prepared, _))) => prepared.settings.success_literal.text(),
            _ => code.name(),
        }
    }

    /// Signs the clear text, then encrypts it if the caller wants that.
    pub(crate) fn pack(&self, clear: String, now: Timestamp) -> RawResponse {
        let clear_type = match self.format {
            Format::Json => JSON,
            Format::Xml => XML,
        };
        let key = self.key.as_ref().and_then(|(prepared, place)| prepared.keys.get(*place));
        let headers =
            key.map(|key| (SIGN_HEADER, sign(&key.secret, &[clear.as_bytes()], now))).into_iter().collect();
        let (content_type, body) = match key {
            Some(key) if self.encrypted => (CIPHER_TEXT, cipher::encrypt(&key.cipher, &clear)),
            _ => (clear_type, clear),
        };
        RawResponse { status: 200, content_type, headers, body: Bytes::from(body) }
    }
}

/// Answers one opened request.
pub(crate) struct Reply {
    pub(crate) envelope: Envelope,
    /// What a failure echoes, when the request named an order.
    pub(crate) charge_code: Option<String>,
    pub(crate) refund_window: Span,
}

impl Reply {
    /// For `auth` and `login`, which know neither formats nor keys.
    pub(crate) fn bare(operation: Operation, refund_window: Span) -> Reply {
        let envelope = Envelope { operation, format: Format::Json, encrypted: false, key: None };
        Reply { envelope, charge_code: None, refund_window }
    }

    /// A failure: the result, and which order it was about.
    pub(crate) fn fail(&self, code: Code, info: &str, now: Timestamp) -> RawResponse {
        self.envelope
            .answer(code, info, now, |writer| writer.text_if("CHARGE_CODE", self.charge_code.as_deref()))
    }

    fn refused(&self, refusal: &Refusal, now: Timestamp) -> RawResponse {
        if self.envelope.operation.is_sign_in() {
            return self.envelope.pack(auth::refused(refusal), now);
        }
        self.fail(Code::of(refusal), &refusal.to_string(), now)
    }
}

impl Sealer for Reply {
    fn seal(self: Box<Self>, outcome: Result<&Outcome, &Refusal>, now: Timestamp) -> RawResponse {
        match (outcome, self.envelope.operation) {
            (Err(refusal), _) => self.refused(refusal, now),
            (Ok(Outcome::Collected { order, payment, action }), Operation::PreOrder | Operation::Order) => {
                collect::answer(&self, order, payment, action.as_ref(), now)
            }
            (Ok(Outcome::Refunded { order, payment, refund }), Operation::Refund) => {
                refund::answer(&self, order, payment, refund, now)
            }
            (Ok(Outcome::Found(found)), Operation::Query) => query::answer(&self, found, now),
            (Ok(Outcome::Revoked { order }), Operation::CancelTrade) => revoke::answer(&self, order, now),
            (Ok(Outcome::Listed(page)), Operation::QueryTrades) => list::answer(&self, page, now),
            (Ok(Outcome::Methods(methods)), Operation::PayChannel) => channels::answer(&self, methods, now),
            (Ok(Outcome::SignedIn(signed_in)), Operation::Auth) => {
                self.envelope.pack(auth::answer(signed_in, now), now)
            }
            (Ok(Outcome::SignedIn(signed_in)), Operation::Login) => {
                self.envelope.pack(auth::login_answer(signed_in), now)
            }
            (Ok(outcome), operation) if operation.is_write_off() => {
                let told = write_off::answer(&self, outcome, now);
                told.unwrap_or_else(|| self.refused(&Refusal::Internal, now))
            }
            // An outcome of another call than the one that was opened.
            (Ok(_), _) => self.refused(&Refusal::Internal, now),
        }
    }
}

/// Answers a request that could not be opened.
pub(crate) fn refuse(
    operation: Option<Operation>,
    request: &RawRequest,
    credentials: Option<&Credentials>,
    refusal: &Refusal,
    now: Timestamp,
) -> RawResponse {
    let Some(operation) = operation else {
        return RawResponse { status: 404, content_type: "", headers: Vec::new(), body: Bytes::new() };
    };
    if operation.is_sign_in() {
        return Reply::bare(operation, Span::default()).refused(refusal, now);
    }
    let parameters = Parameters::read(operation, request).ok();
    let format = match &parameters {
        None => operation.default_format(),
        // Whoever asks for a format that does not exist is answered in JSON (section 1.4).
        Some(parameters) => parameters.format(operation).unwrap_or(Format::Json),
    };
    let wants_cipher = parameters.as_ref().is_some_and(|parameters| parameters.encrypted() == Ok(true));
    // Section 4.2: what could not be decrypted is answered in clear.
    let encrypted =
        wants_cipher && !matches!(refusal, Refusal::Unreadable { problem } if problem == UNDECRYPTABLE);
    // Whoever names two merchants cannot be told by either one's key.
    let names_two = matches!(refusal, Refusal::Field { problem, .. } if problem == OTHER_BUSI_ID);
    let encrypted = encrypted && !names_two;
    let prepared = credentials.filter(|_| !names_two).map(Prepared::of);
    let traced = match (&prepared, &parameters) {
        (Some(prepared), Some(parameters)) if came_after_signature(refusal) => {
            retrace(operation, request, parameters, prepared)
        }
        _ => None,
    };
    let (place, charge_code) = traced.unwrap_or((0, None));
    let envelope = Envelope { operation, format, encrypted, key: prepared.map(|prepared| (prepared, place)) };
    Reply { envelope, charge_code, refund_window: Span::default() }.refused(refusal, now)
}

/// Whether the caller had proven itself when it was refused. Only then is the request looked into once
/// more: a stranger shall not cost more than one look.
fn came_after_signature(refusal: &Refusal) -> bool {
    !matches!(
        refusal,
        Refusal::UnknownPartner
            | Refusal::Unreadable { .. }
            | Refusal::Signature { .. }
            | Refusal::RateLimited
            | Refusal::Busy
    )
}

/// `FUND_BILL_LIST`; it is there even when it is empty.
pub(crate) fn write_bills(writer: &mut Writer, bills: &[FundBill]) {
    writer.list("FUND_BILL_LIST", "TRADEFUNDBILL", ListShape::Held, bills.iter(), |writer, bill| {
        writer.text("AMOUNT", &yuan(bill.amount));
        writer.text("FUND_CHANNEL", fund_channel(&bill.source));
    });
}
