//! What a platform answered.

use std::ops::Deref;

/// An answer of the platform, and the text it was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer<T> {
    value: T,
    raw: String,
}

impl<T> Answer<T> {
    pub(crate) fn new(value: T, raw: String) -> Answer<T> {
        Answer { value, raw }
    }

    /// The clear text of the body, as it was received and checked.
    #[must_use]
    pub fn raw(&self) -> &str {
        &self.raw
    }

    /// The value alone.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T> Deref for Answer<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}
