//! How a client is set up.

use std::time::Duration;

use tradewind_lianhe::PATH;
use tradewind_lianhe::client::Account;
use tradewind_signing::Secret;

use crate::error::Error;
use crate::settings::{check_key, check_url, refused};

/// How a client is set up. [`Config::new`] gives the defaults.
#[derive(Clone, Debug)]
pub struct Config {
    /// `partnerId`.
    pub partner_id: i64,
    /// The signing account `apiName`; the partner id in digits unless the platform has given another.
    pub api_name: String,
    /// `clientSecret`.
    pub secret: Secret,
    /// Further secrets that notifications may be signed with, while the secret is being changed.
    pub secrets_accepted: Vec<Secret>,
    /// The platform: `https://host[:port]`, with or without the one path `/openapi/index.php`. The bodies of
    /// requests and notifications are not covered by their signatures, and answers are not signed at all:
    /// outside of a laboratory it must be https.
    pub base_url: String,
    /// How old the date of a notification may be; zero switches the check off. 15 minutes. It may lie five
    /// minutes ahead.
    pub signature_age_max: Duration,
    /// How long an exchange may take; 15 seconds.
    pub time_limit: Duration,
}

impl Config {
    /// With the usual limits.
    pub fn new(partner_id: i64, secret: Secret, base_url: impl Into<String>) -> Config {
        Config {
            partner_id,
            api_name: partner_id.to_string(),
            secret,
            secrets_accepted: Vec::new(),
            base_url: base_url.into(),
            signature_age_max: Duration::from_secs(15 * 60),
            time_limit: Duration::from_secs(15),
        }
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.partner_id <= 0 {
            return Err(refused("partner_id", "it must be positive"));
        }
        let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
        if self.api_name.is_empty() || !is_name(&self.api_name) {
            return Err(refused("api_name", "it must be printable ASCII without spaces and colons"));
        }
        check_key("secret", &self.secret)?;
        self.secrets_accepted.iter().try_for_each(|secret| check_key("secrets_accepted", secret))?;
        check_url("base_url", &self.base_url)?;
        // The path is signed, so one that a proxy in between takes off could not be proven.
        let host = host_of(&self.base_url);
        if host.split_once("://").is_none_or(|(_, host)| host.contains('/')) {
            return Err(refused("base_url", format!("it must end with the host or with {PATH}")));
        }
        Ok(())
    }

    pub(crate) fn account(&self) -> Account {
        let secrets = std::iter::once(&self.secret).chain(&self.secrets_accepted).cloned().collect();
        Account { partner_id: self.partner_id, api_name: self.api_name.clone(), secrets }
    }
}

/// The address that request-targets are appended to.
pub(crate) fn host_of(base_url: &str) -> &str {
    let base = base_url.trim_end_matches('/');
    base.strip_suffix(PATH).unwrap_or(base)
}

#[cfg(test)]
mod tests {
    use super::{Config, host_of};
    use crate::Secret;

    #[test]
    fn base_urls() {
        for base in ["", "/", "/openapi/index.php", "/openapi/index.php/"] {
            assert_eq!(host_of(&format!("http://ticket.example:9000{base}")), "http://ticket.example:9000");
        }
    }

    #[test]
    fn settings_are_checked() {
        let check = |spoil: fn(&mut Config), setting: Option<&str>| {
            let mut config = Config::new(1985, Secret::new("0123456789abcdef"), "http://ticket.example");
            spoil(&mut config);
            let said = config.check().err().map(|error| error.to_string());
            assert_eq!(said.as_deref().and_then(|said| said.split(' ').nth(2)), setting, "{said:?}");
        };
        check(|_| {}, None);
        check(|config| config.base_url.push_str("/openapi/index.php"), None);
        check(|config| config.partner_id = 0, Some("partner_id"));
        check(|config| config.api_name.clear(), Some("api_name"));
        check(|config| config.api_name = "a b".into(), Some("api_name"));
        check(|config| config.api_name = "a:b".into(), Some("api_name"));
        check(|config| config.secret = Secret::new(""), Some("secret"));
        check(|config| config.secrets_accepted.push(Secret::new([0xff])), Some("secrets_accepted"));
        check(|config| config.base_url = "ftp://ticket.example".into(), Some("base_url"));
        check(|config| config.base_url.push_str("/openapi"), Some("base_url"));
        check(|config| config.base_url.push_str("/?method=send"), Some("base_url"));
    }
}
