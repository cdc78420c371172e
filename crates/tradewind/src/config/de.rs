//! Values as the file writes them: an empty text stands for "not set".

use std::path::PathBuf;

use serde::de::Error as _;
use serde::{Deserialize as _, Deserializer};
use tradewind_domain::Timestamp;

use crate::when::parse_instant;

pub(super) fn optional_text<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    String::deserialize(from).map(|text| Some(text).filter(|text| !text.is_empty()))
}

pub(super) fn optional_path<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PathBuf>, D::Error> {
    Ok(optional_text(from)?.map(PathBuf::from))
}

pub(super) fn path<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
    optional_path(from)?.ok_or_else(|| D::Error::custom("must not be empty"))
}

pub(super) fn optional_instant<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Timestamp>, D::Error> {
    optional_text(from)?.map(|text| parse_instant(&text)).transpose().map_err(D::Error::custom)
}
