//! The database behind the gateway: which one is meant, and the commands that work on it directly.

mod copy;
mod migrate;
mod open;
mod url;

pub(crate) use copy::copy;
pub(crate) use migrate::migrate;
pub(crate) use open::{Opened, Place};
pub(crate) use url::StoreUrl;
