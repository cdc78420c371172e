//! How a client is set up.

use std::time::Duration;

pub use tradewind_dialect::codec::Format;
use tradewind_domain::{Span, Timestamp};
use tradewind_signing::{Secret, TripleDesKey};
use tradewind_sosopay::{PREFIX, Undecryptable, decrypt, verify};

use crate::error::Error;
use crate::settings::{check_key, check_url, refused};

/// Whether bodies are encrypted (section 4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encryption {
    /// Clear text; the choice wherever there is TLS.
    #[default]
    None,
    /// `encrypt=3DES`.
    TripleDes,
}

/// The merchant-scan call may be held by the platform for 80 seconds, so less than this is refused.
pub const PAY_TIME_LIMIT_MIN: Duration = Duration::from_secs(90);

/// How a client is set up. [`Config::new`] gives the defaults.
#[derive(Clone, Debug)]
pub struct Config {
    /// The merchant id `BUSI_ID`; leading zeros count.
    pub busi_id: String,
    /// The merchant key.
    pub key: Secret,
    /// Further keys that answers and notifications may be signed with, while the key is being changed.
    pub keys_accepted: Vec<Secret>,
    /// The platform: `https://host[:port]`, with or without the path `/openGateway/openService`.
    pub base_url: String,
    /// Where permission authentication is served; as `base_url` when absent.
    pub auth_base_url: Option<String>,
    /// Whether requests are encrypted and answers are asked to be.
    pub encryption: Encryption,
    /// The format of requests, and the one that answers are asked in.
    pub format: Format,
    /// Refuse answers without the header `X-Sosopay-Sign`. Off by default because the protocol's first
    /// platform does not sign its answers; a signature that is there is checked in any case.
    pub signed_answers_only: bool,
    /// How far the time in a notification's signature may lie from now, in either direction; zero
    /// switches the check off. 15 minutes.
    pub signature_age_max: Duration,
    /// How long an exchange may take; 15 seconds.
    pub time_limit: Duration,
    /// How long a merchant-scan payment may take; 95 seconds, at least [`PAY_TIME_LIMIT_MIN`].
    pub pay_time_limit: Duration,
}

impl Config {
    /// JSON in clear, with the usual limits.
    pub fn new(busi_id: impl Into<String>, key: Secret, base_url: impl Into<String>) -> Config {
        Config {
            busi_id: busi_id.into(),
            key,
            keys_accepted: Vec::new(),
            base_url: base_url.into(),
            auth_base_url: None,
            encryption: Encryption::None,
            format: Format::Json,
            signed_answers_only: false,
            signature_age_max: Duration::from_secs(15 * 60),
            time_limit: Duration::from_secs(15),
            pay_time_limit: Duration::from_secs(95),
        }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.busi_id.is_empty() || !self.busi_id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(refused("busi_id", "a merchant id has digits only"));
        }
        check_key("key", &self.key)?;
        self.keys_accepted.iter().try_for_each(|key| check_key("keys_accepted", key))?;
        check_url("base_url", &self.base_url)?;
        self.auth_base_url.iter().try_for_each(|url| check_url("auth_base_url", url))?;
        if self.pay_time_limit < PAY_TIME_LIMIT_MIN {
            let problem = format!("the platform may take that long; at least {PAY_TIME_LIMIT_MIN:?}");
            return Err(refused("pay_time_limit", problem));
        }
        Ok(())
    }
}

/// The address that paths of interfaces are appended to.
pub(crate) fn service_url(base_url: &str) -> String {
    let base = base_url.trim_end_matches('/');
    let base = base.strip_suffix(PREFIX.trim_end_matches('/')).unwrap_or(base);
    format!("{base}{PREFIX}")
}

/// The merchant's keys, ready for use; the first is the one to sign with.
pub(crate) struct Keys(Vec<Key>);

struct Key {
    secret: Secret,
    cipher: TripleDesKey,
}

impl Keys {
    pub(crate) fn of(config: &Config) -> Keys {
        let all = std::iter::once(&config.key).chain(&config.keys_accepted);
        let ready = |secret: &Secret| Key {
            secret: secret.clone(),
            cipher: TripleDesKey::from_text(secret.expose_str().unwrap_or_default()),
        };
        Keys(all.map(ready).collect())
    }

    pub(crate) fn sign(&self, parts: &[&[u8]], now: Timestamp) -> String {
        self.0.first().map(|key| tradewind_sosopay::sign(&key.secret, parts, now)).unwrap_or_default()
    }

    pub(crate) fn encrypt(&self, clear: &str) -> String {
        self.0.first().map(|key| tradewind_sosopay::encrypt(&key.cipher, clear)).unwrap_or_default()
    }

    /// The clear text of a received body, proven when there is a signature. A body that begins with `{`
    /// or `<` is clear text even where an encrypted one was asked for (section 4.2). The error says why
    /// nobody who has the merchant's key can have sent it.
    pub(crate) fn open(
        &self,
        body: &[u8],
        encrypted: bool,
        sign: Option<&str>,
        now: Timestamp,
        age_max: Span,
    ) -> Result<String, String> {
        let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
        let encrypted = encrypted && !matches!(first, Some(b'{' | b'<'));
        let mut problem = "it cannot be decrypted with the merchant key".to_owned();
        for key in &self.0 {
            let text = match encrypted {
                true => match decrypt(&key.cipher, body) {
                    Ok(text) => text,
                    Err(Undecryptable) => continue,
                },
                false => std::str::from_utf8(body).map_err(|_| "it is not UTF-8")?.to_owned(),
            };
            let Some(sign) = sign else { return Ok(text) };
            match verify(&key.secret, Some(sign), &[text.as_bytes()], now, age_max) {
                Ok(_) => return Ok(text),
                Err(refusal) => problem = refusal.to_string(),
            }
        }
        Err(problem)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Config, service_url};
    use crate::Secret;

    #[test]
    fn base_urls() {
        let check = |base: &str| {
            assert_eq!(service_url(base), "http://pay.example:9000/openGateway/openService/", "{base}");
        };
        check("http://pay.example:9000");
        check("http://pay.example:9000/");
        check("http://pay.example:9000/openGateway/openService");
        check("http://pay.example:9000/openGateway/openService/");
        assert_eq!(service_url("https://a/b"), "https://a/b/openGateway/openService/");
    }

    #[test]
    fn settings_are_checked() {
        let check = |spoil: fn(&mut Config), setting: Option<&str>| {
            let mut config = Config::new("0010000001", Secret::new("SHORTKEY0123456"), "http://pay.example");
            spoil(&mut config);
            let said = config.check().err().map(|error| error.to_string());
            assert_eq!(said.as_deref().and_then(|said| said.split(' ').nth(2)), setting, "{said:?}");
        };
        check(|_| {}, None);
        check(|config| config.busi_id.clear(), Some("busi_id"));
        check(|config| config.busi_id.push('x'), Some("busi_id"));
        check(|config| config.key = Secret::new(""), Some("key"));
        check(|config| config.keys_accepted.push(Secret::new([0xff])), Some("keys_accepted"));
        check(|config| config.base_url = "ftp://pay.example".into(), Some("base_url"));
        check(|config| config.base_url.push_str("/?a=b"), Some("base_url"));
        check(|config| config.auth_base_url = Some("pay.example".into()), Some("auth_base_url"));
        check(|config| config.pay_time_limit = Duration::from_secs(89), Some("pay_time_limit"));
    }
}
