//! Panics end where they happen: with an answer, not with a dropped connection.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::FutureExt as _;

/// What the future comes to; `None` when it panics. What it was working on is not used again, or only
/// read: nothing half-changed is seen.
pub(crate) async fn caught<F: Future>(future: F) -> Option<F::Output> {
    AssertUnwindSafe(future).catch_unwind().await.ok()
}

/// The same for what does not wait.
pub(crate) fn caught_now<T>(work: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(work)).ok()
}
