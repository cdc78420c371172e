//! The client library for partners of a gateway that speaks the protocols of Tradewind.
//!
//! One module per protocol: [`sosopay`] for payments, [`lianhe`] for tickets. They share what does not
//! depend on the protocol: an exact [`Amount`], a [`Secret`] that cannot be printed, the [`Transport`] that
//! carries requests, the [`Answer`] that keeps what was received, and one [`Error`] that answers the
//! questions a caller has to decide on.
//!
//! ```no_run
//! use tradewind_sdk::sosopay::{Client, Config, Lookup, PayRequest, State};
//! use tradewind_sdk::{Amount, Secret};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let key = Secret::new(std::env::var("SHOP_KEY")?);
//! let client = Client::new(Config::new("0010000001", key, "https://pay.example.com"))?;
//!
//! let request = PayRequest::new()
//!     .operator("oper01")
//!     .device("dev01")
//!     .charge_code("T20160805000001")
//!     .amount("158.00".parse()?)
//!     .payer_code("284214903060794755")
//!     .subject("two coffees");
//! match client.pay(&request).await {
//!     Ok(paid) => println!("paid {} yuan", paid.amount.unwrap_or(Amount::ZERO)),
//!     // The customer may have paid. Never pay again: ask.
//!     Err(error) if error.is_unknown_outcome() => {
//!         let order = client.query(&Lookup::charge_code("T20160805000001")).await?;
//!         println!("paid after all: {}", order.state == State::Paid);
//!     }
//!     Err(error) if error.is_rejected() => println!("not paid: {error}"),
//!     Err(error) => return Err(error.into()),
//! }
//! # Ok(())
//! # }
//! ```

#![forbid(unsafe_code)]

mod amount;
mod answer;
mod clock;
mod error;
mod exchange;
pub mod lianhe;
mod settings;
pub mod sosopay;
mod transport;

pub use amount::{Amount, BadAmount};
pub use answer::Answer;
pub use clock::Clock;
pub use error::Error;
pub use tradewind_domain::{Day, Timestamp};
pub use tradewind_egress::AddressPolicy;
pub use tradewind_signing::Secret;
pub use transport::{EgressTransport, Sending, Transport, TransportError};

/// HTTP's types and the bytes of bodies, for those who bring their own [`Transport`].
pub use {bytes, http};
