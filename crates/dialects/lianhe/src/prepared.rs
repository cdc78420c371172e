//! What is made of a partner's keys and switches once, so that no request has to.

use std::sync::Arc;

use serde::Deserialize;
use tradewind_dialect::Credentials;
use tradewind_signing::{Secret, random_bytes};

use crate::Lianhe;
use crate::identify::{Account, partner_id_of};

/// Keys and switches of one partner, ready for use.
pub(crate) struct Prepared {
    /// `partnerId`.
    pub(crate) partner_id: i64,
    key_id: String,
    /// The secrets that count now, newest first.
    pub(crate) secrets: Vec<Secret>,
    pub(crate) settings: Settings,
}

impl Prepared {
    pub(crate) fn of(credentials: &Credentials) -> Arc<Prepared> {
        credentials.prepared(|credentials| Prepared {
            partner_id: partner_id_of(&credentials.key_id).unwrap_or_default(),
            key_id: credentials.key_id.clone(),
            secrets: credentials.secrets.clone(),
            settings: Settings::of_partner(&credentials.partner.settings),
        })
    }

    /// Whose signature opens a request.
    pub(crate) fn account(&self) -> Account<'_> {
        Account { partner_id: self.partner_id, api_name: self.api_name(), secrets: &self.secrets }
    }

    /// `apiName`, the signing account.
    pub(crate) fn api_name(&self) -> &str {
        self.settings.api_name.as_deref().unwrap_or(&self.key_id)
    }
}

/// The switches of a partner for this dialect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Settings {
    /// The signing account; otherwise it is called as the partner.
    pub(crate) api_name: Option<String>,
    /// `getBalance` is there (section 9 no. 19).
    pub(crate) get_balance: bool,
    /// Changes of products are told (section 9 no. 18).
    pub(crate) team_notify: bool,
}

impl Settings {
    /// Our member of the partner's settings. They were checked when they were set, so what cannot be
    /// read is answered with the defaults rather than with an error to the partner.
    fn of_partner(settings: &str) -> Settings {
        let dialects: Option<serde_json::Map<String, serde_json::Value>> =
            serde_json::from_str(settings).ok();
        let own = dialects.and_then(|mut dialects| dialects.remove(Lianhe::NAME));
        own.and_then(|own| serde_json::from_value(own).ok()).unwrap_or_default()
    }
}

const SECRET_CHARS: std::ops::RangeInclusive<usize> = 8..=64;
const API_NAME_CHARS: std::ops::RangeInclusive<usize> = 1..=64;
const NEW_SECRET_BYTES: usize = 16;

/// Checks what an operator sets: a partner id, a secret, and the switches as our own JSON object.
pub(crate) fn check_partner(key_id: &str, secret: &str, settings: &str) -> Result<(), String> {
    if partner_id_of(key_id).is_none_or(|id| id.to_string() != key_id) {
        return Err(
            "a partner id (partnerId) is a number of at most 18 digits without leading zeros".to_owned()
        );
    }
    if !SECRET_CHARS.contains(&secret.len()) || !secret.bytes().all(|byte| byte.is_ascii_graphic()) {
        let (min, max) = SECRET_CHARS.into_inner();
        return Err(format!(
            "a secret (clientSecret) has {min} to {max} printable ASCII characters without spaces"
        ));
    }
    // The derived reader would also take an array for the members in their order.
    if !settings.trim_start().starts_with('{') {
        return Err("settings: not a JSON object".to_owned());
    }
    let settings: Settings = serde_json::from_str(settings).map_err(|error| format!("settings: {error}"))?;
    match settings.api_name {
        Some(name) if !is_api_name(&name) => {
            let (min, max) = API_NAME_CHARS.into_inner();
            Err(format!(
                "settings: api_name has {min} to {max} printable ASCII characters without spaces and colons"
            ))
        }
        Some(_) | None => Ok(()),
    }
}

fn is_api_name(name: &str) -> bool {
    API_NAME_CHARS.contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':')
}

/// A fresh secret of 32 lower-case hexadecimal digits, as seen with all partners.
pub(crate) fn new_secret() -> String {
    random_bytes::<NEW_SECRET_BYTES>().iter().map(|byte| format!("{byte:02x}")).collect()
}
