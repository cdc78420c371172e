//! The only crate that opens outgoing connections.
//!
//! Partners tell the gateway where to send notifications, so every URL is hostile. What
//! is true here by absence: no redirect is followed, no address is dialled that was not
//! checked, no host name is looked up a second time after the check, no answer is read
//! past its limit, no request is sent twice, and no cookie, proxy or environment
//! variable has a say.
//!
//! [`Egress::send`] makes one HTTP/1.1 exchange over a pool of kept-alive connections.
//! When it fails, [`EgressError::request_may_have_arrived`] tells whether the other side
//! can have seen the request; money hangs on that answer, so it is never a guess.

#![forbid(unsafe_code)]

mod address;
mod body;
mod client;
mod connector;
mod error;
mod idle;
mod stream;
mod tls;
mod url;

pub use address::AddressPolicy;
pub use client::{Egress, EgressConfig, Request, Response};
pub use error::{EgressError, UrlProblem};
pub use tls::{BadRoot, TlsRoots};
pub use url::parse_url;
