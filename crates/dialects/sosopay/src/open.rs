//! From bytes to a verified call, in the order of section 6.5: decrypt and parse, signature, contract,
//! fields, amounts.

use std::borrow::Cow;
use std::sync::Arc;

use tradewind_dialect::codec::Message;
use tradewind_dialect::{Credentials, DialectOptions, Opened, Proof, RawRequest, Verified};
use tradewind_domain::{Call, Method, Partner, PartnerState, Refusal, Span, Timestamp};

use crate::answer::{Envelope, Reply};
use crate::fields::{Fields, wrong};
use crate::identify::{Parameters, read_message, unreadable};
use crate::operation::{BUSI_ID, CHARGE_CODE, Operation};
use crate::prepared::Prepared;
use crate::sign::{self, Claimed};
use crate::{auth, channels, cipher, collect, list, query, refund, revoke, write_off};

/// The one problem after which nothing can be said in cipher: the caller's key is not the one we have.
pub(crate) const UNDECRYPTABLE: &str = "it cannot be decrypted";

pub(crate) fn open(
    options: &DialectOptions,
    operation: Operation,
    request: &RawRequest,
    credentials: Option<&Credentials>,
    now: Timestamp,
) -> Result<Opened, Refusal> {
    if operation.is_sign_in() {
        let call = Call::SignIn(auth::login(operation, request)?);
        let sealer = Box::new(Reply::bare(operation, options.refund_window));
        return Ok(Opened { call: Verified::new(Proof::carried_by_call(), call), sealer });
    }
    let credentials = credentials.ok_or(Refusal::UnknownPartner)?;
    let prepared = Prepared::of(credentials);
    let parameters = Parameters::read(operation, request)?;
    let format = parameters.format(operation)?;
    let encrypted = parameters.encrypted()?;
    let claimed = Claimed::read(parameters.sign(), now, options.signature_age_max);
    let caller = Caller { partner: &credentials.partner };

    let (call, proof, key, charge_code) = match operation.request_root() {
        Some(root) => {
            let clear = Clear::read(&request.body, encrypted, &prepared, &claimed)?;
            let message = read_message(&clear.text, root)?;
            let fields = Fields(&message.members);
            let field = operation.busi_id_field();
            check_busi_id(field, fields.raw(field)?, &prepared)?;
            let (key, proof) = clear.proof?;
            caller.check_standing()?;
            let posted = Posted { operation, caller: &caller, text: &clear.text, message: &message, fields };
            let call = match operation {
                Operation::Refund => refund::call(&posted)?,
                _ if operation.is_write_off() => write_off::call(&posted, now)?,
                _ => collect::call(&posted)?,
            };
            (call, proof, key, posted_charge_code(operation, &fields))
        }
        None => {
            check_busi_id("BUSI_ID", request.param(BUSI_ID), &prepared)?;
            let plain = plain_of_get(operation, request)?;
            let (key, proof) = prove(&prepared, &claimed, &plain)?;
            caller.check_standing()?;
            let call = match operation {
                Operation::Query => query::call(request, &parameters)?,
                Operation::CancelTrade => revoke::call(request, &parameters)?,
                Operation::QueryTrades => list::call(&parameters, now)?,
                _ => channels::call(),
            };
            (call, proof, key, query::charge_code_of(operation, request, &parameters).map(str::to_owned))
        }
    };
    let envelope = Envelope { operation, format, encrypted, key: Some((prepared, key)) };
    let sealer = Box::new(Reply { envelope, charge_code, refund_window: options.refund_window });
    Ok(Opened { call: Verified::new(proof, call), sealer })
}

/// Who calls, once that is known.
pub(crate) struct Caller<'a> {
    pub(crate) partner: &'a Arc<Partner>,
}

impl Caller<'_> {
    /// The contract as a whole: it covers reading too, because section 6.5 makes no exception.
    fn check_standing(&self) -> Result<(), Refusal> {
        match self.partner.state {
            PartnerState::Active => Ok(()),
            PartnerState::Suspended => Err(Refusal::PartnerSuspended),
        }
    }

    /// The contract for one payment method.
    pub(crate) fn check_method(&self, method: &Method) -> Result<(), Refusal> {
        if self.partner.methods.contains(method) { Ok(()) } else { Err(Refusal::MethodNotEnabled) }
    }
}

/// A posted message that was proven.
pub(crate) struct Posted<'a> {
    pub(crate) operation: Operation,
    pub(crate) caller: &'a Caller<'a>,
    /// The clear text.
    pub(crate) text: &'a str,
    pub(crate) message: &'a Message<'a>,
    pub(crate) fields: Fields<'a>,
}

impl Posted<'_> {
    /// Binds the caller's number to what it was used for.
    pub(crate) fn fingerprint(&self) -> i64 {
        tradewind_signing::content_fingerprint(&[self.operation.name().as_bytes(), self.text.as_bytes()])
    }
}

/// The problem of a request that names two merchants.
pub(crate) const OTHER_BUSI_ID: &str = "is not the busiCode of the address";

/// Wherever a merchant id is readable it must be the one whose key is checked (section 1.4). An absent
/// one is a matter of the fields.
fn check_busi_id(field: &str, found: Option<&str>, prepared: &Prepared) -> Result<(), Refusal> {
    match found {
        Some(busi_id) if busi_id != prepared.busi_id => Err(wrong(field, OTHER_BUSI_ID)),
        Some(_) | None => Ok(()),
    }
}

/// The clear text of a body, and whether one of the keys has signed it.
struct Clear<'a> {
    text: Cow<'a, str>,
    /// The key that signed, by its place. Kept aside, because a message that cannot be parsed is told
    /// before a wrong signature.
    proof: Result<(usize, Proof), Refusal>,
}

impl<'a> Clear<'a> {
    fn read(
        body: &'a [u8],
        encrypted: bool,
        prepared: &Prepared,
        claimed: &Result<Claimed<'_>, Refusal>,
    ) -> Result<Clear<'a>, Refusal> {
        if !encrypted {
            let text = std::str::from_utf8(body).map_err(|_| unreadable("it is not UTF-8"))?;
            return Ok(Clear {
                text: Cow::Borrowed(text),
                proof: prove(prepared, claimed, &[text.as_bytes()]),
            });
        }
        // While keys are being rotated, the wrong one may decrypt to something by chance, so the
        // signature decides; what the newest makes of it is judged when none has signed.
        let mut first = None;
        for (place, key) in prepared.keys.iter().enumerate() {
            let Ok(text) = cipher::decrypt(&key.cipher, body) else { continue };
            let proof = match claimed {
                Ok(claimed) => claimed.matches(&key.secret, &[text.as_bytes()]).ok_or(sign::wrong()),
                Err(refusal) => Err(refusal.clone()),
            };
            let clear = Clear { text: Cow::Owned(text), proof: proof.map(|proof| (place, proof)) };
            if clear.proof.is_ok() {
                return Ok(clear);
            }
            first = first.or(Some(clear));
        }
        first.ok_or_else(|| unreadable(UNDECRYPTABLE))
    }
}

/// The key that signed the concatenated parts.
fn prove(
    prepared: &Prepared,
    claimed: &Result<Claimed<'_>, Refusal>,
    parts: &[&[u8]],
) -> Result<(usize, Proof), Refusal> {
    let claimed = claimed.as_ref().map_err(Clone::clone)?;
    let mut keys = prepared.keys.iter().enumerate();
    keys.find_map(|(place, key)| Some((place, claimed.matches(&key.secret, parts)?))).ok_or(sign::wrong())
}

/// What a call without a message signs (section 3.2).
fn plain_of_get(operation: Operation, request: &RawRequest) -> Result<[&[u8]; 4], Refusal> {
    let segment = |name| request.param(name).map(str::as_bytes).ok_or(Refusal::Internal);
    Ok(match operation {
        Operation::Query => [segment(CHARGE_CODE)?, b"", b"", b""],
        Operation::CancelTrade => [b"chargeCode=", segment(CHARGE_CODE)?, b"&busiCode=", segment(BUSI_ID)?],
        Operation::PayChannel => [b"busiCode=", segment(BUSI_ID)?, b"", b""],
        _ => [b"", b"", b"", b""],
    })
}

/// What a refused request can still tell for its answer: which key it was signed with, and which order it
/// was about. Proves nothing beyond that; the time of the signature does not matter here.
pub(crate) fn retrace(
    operation: Operation,
    request: &RawRequest,
    parameters: &Parameters<'_>,
    prepared: &Prepared,
) -> Option<(usize, Option<String>)> {
    let claimed = Claimed::read(parameters.sign(), Timestamp::default(), Span::default());
    let Some(root) = operation.request_root() else {
        let (key, _) = prove(prepared, &claimed, &plain_of_get(operation, request).ok()?).ok()?;
        return Some((key, query::charge_code_of(operation, request, parameters).map(str::to_owned)));
    };
    let clear = Clear::read(&request.body, parameters.encrypted().ok()?, prepared, &claimed).ok()?;
    let (key, _) = clear.proof.ok()?;
    let message = read_message(&clear.text, root).ok()?;
    Some((key, posted_charge_code(operation, &Fields(&message.members))))
}

/// The order that a posted message names, for echoing it. A refund that names it by the platform's serial
/// may carry any other text beside that.
fn posted_charge_code(operation: Operation, fields: &Fields<'_>) -> Option<String> {
    if operation.is_write_off() {
        return None;
    }
    match fields.raw("CHARGE_DOWN_CODE") {
        Ok(None) => fields.id("CHARGE_CODE").ok().flatten().map(str::to_owned),
        Ok(Some(_)) | Err(_) => None,
    }
}
