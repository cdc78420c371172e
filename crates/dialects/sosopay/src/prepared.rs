//! What is made of a partner's keys and switches once, so that no request has to.

use std::sync::Arc;

use serde::Deserialize;
use tradewind_dialect::Credentials;
use tradewind_signing::{Secret, TripleDesKey};

use crate::Sosopay;

/// Keys and switches of one partner, ready for use.
pub(crate) struct Prepared {
    /// `BUSI_ID`.
    pub(crate) busi_id: String,
    /// The keys that count now, newest first.
    pub(crate) keys: Vec<Key>,
    pub(crate) settings: Settings,
}

/// One key, for both of its uses.
pub(crate) struct Key {
    pub(crate) secret: Secret,
    pub(crate) cipher: TripleDesKey,
}

impl Prepared {
    pub(crate) fn of(credentials: &Credentials) -> Arc<Prepared> {
        credentials.prepared(|credentials| Prepared {
            busi_id: credentials.key_id.clone(),
            keys: credentials.secrets.iter().map(Key::new).collect(),
            settings: Settings::of_partner(&credentials.partner.settings),
        })
    }
}

impl Key {
    fn new(secret: &Secret) -> Key {
        let cipher = TripleDesKey::from_text(secret.expose_str().unwrap_or_default());
        Key { secret: secret.clone(), cipher }
    }
}

/// The switches of a partner for this dialect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    pub(crate) success_literal: SuccessLiteral,
    /// A batch answer with one row holds it as an object instead of an array (section 9 no. 26).
    pub(crate) batch_single_as_object: bool,
}

/// How success is spelled (section 9 no. 1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) enum SuccessLiteral {
    /// As all known clients expect it.
    #[default]
    #[serde(rename = "SUCCESS")]
    Usual,
    /// As the protocol's first document prints it.
    #[serde(rename = "SUCESS")]
    AsPrinted,
}

impl SuccessLiteral {
    pub(crate) fn text(self) -> &'static str {
        match self {
            SuccessLiteral::Usual => "SUCCESS",
            SuccessLiteral::AsPrinted => "SUCESS",
        }
    }
}

impl Settings {
    /// Our member of the partner's settings. They were checked when they were set, so what cannot be
    /// read is answered with the defaults rather than with an error to the partner.
    fn of_partner(settings: &str) -> Settings {
        let dialects: Option<serde_json::Map<String, serde_json::Value>> =
            serde_json::from_str(settings).ok();
        let own = dialects.and_then(|mut dialects| dialects.remove(Sosopay::NAME));
        own.and_then(|own| serde_json::from_value(own).ok()).unwrap_or_default()
    }
}

const BUSI_ID_DIGITS_MAX: usize = 32;
const SECRET_CHARS: std::ops::RangeInclusive<usize> = 8..=64;
const NEW_SECRET_CHARS: usize = 32;

/// Checks what an operator sets: a merchant id, a key, and the switches as our own JSON object.
pub(crate) fn check_partner(key_id: &str, secret: &str, settings: &str) -> Result<(), String> {
    let is_id =
        (1..=BUSI_ID_DIGITS_MAX).contains(&key_id.len()) && key_id.bytes().all(|byte| byte.is_ascii_digit());
    if !is_id {
        return Err(format!("a merchant id (BUSI_ID) has 1 to {BUSI_ID_DIGITS_MAX} digits"));
    }
    if !SECRET_CHARS.contains(&secret.len()) || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        let (min, max) = SECRET_CHARS.into_inner();
        return Err(format!("a merchant key has {min} to {max} printable ASCII characters without spaces"));
    }
    // The derived reader would also take an array for the members in their order.
    if !settings.trim_start().starts_with('{') {
        return Err("settings: not a JSON object".to_owned());
    }
    serde_json::from_str::<Settings>(settings).map(|_| ()).map_err(|error| format!("settings: {error}"))
}

/// A fresh key of 32 capital letters and digits, as issued with most merchant ids.
pub(crate) fn new_secret() -> String {
    let secret = Secret::generate_text(NEW_SECRET_CHARS);
    secret.expose_str().unwrap_or_default().to_owned()
}
