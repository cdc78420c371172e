//! Codecs that dialects share: messages in JSON and XML, forms and queries, dates.
//!
//! Everything that is read here comes from strangers. Each reader has limits with names, refuses what
//! it does not understand exactly, never panics, and borrows from the text instead of copying it.

pub mod date;
mod form;
mod fuzz;
mod json;
mod message;
mod write;
mod xml;

pub use form::{FormError, PAIRS_MAX, Pairs};
pub use fuzz::{fuzz_date, fuzz_form, fuzz_message, fuzz_write};
pub use message::{DEPTH_MAX, Format, Message, NODES_MAX, NotScalar, Object, ReadError, Value};
pub use write::{ListShape, Writer};
pub use xml::{is_xml_char, root_content};
