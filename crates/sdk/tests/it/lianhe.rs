//! The client of the ticket protocol.

mod answers;
mod gateway;
mod news;
mod notifications;
mod outcomes;
mod purchases;
mod requests;
mod shop;
mod support;
