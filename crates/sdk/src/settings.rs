//! Checking the settings that clients of all protocols have.

use tradewind_egress::parse_url;
use tradewind_signing::Secret;

use crate::error::{Effect, Error, Kind};

/// The error of a setting that cannot be used.
pub(crate) fn refused(setting: &'static str, problem: impl Into<String>) -> Error {
    Error::new("configuration", Effect::Local, Kind::Setting { setting, problem: problem.into() })
}

/// A platform's address: a host, and perhaps a path.
pub(crate) fn check_url(setting: &'static str, url: &str) -> Result<(), Error> {
    if let Err(error) = parse_url(url) {
        return Err(refused(setting, error.to_string()));
    }
    if url.contains(['?', '#']) {
        return Err(refused(setting, "it must end with the host or a path"));
    }
    Ok(())
}

/// What messages are signed with.
pub(crate) fn check_key(setting: &'static str, key: &Secret) -> Result<(), Error> {
    if key.expose().is_empty() || key.expose_str().is_err() {
        return Err(refused(setting, "it must be a text that is not empty"));
    }
    Ok(())
}
