//! The keys of a partner for one dialect, ready for use.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use tradewind_domain::Partner;
use tradewind_signing::Secret;

/// The keys of a partner for one dialect.
pub struct Credentials {
    /// Whose they are.
    pub partner: Arc<Partner>,
    /// What the partner calls itself by.
    pub key_id: String,
    /// The secrets valid now, newest first; never empty. Several while a key is being rotated.
    pub secrets: Vec<Secret>,
    prepared: OnceLock<Arc<dyn Any + Send + Sync>>,
}

impl Credentials {
    /// Keys of `partner`.
    pub fn new(partner: Arc<Partner>, key_id: String, secrets: Vec<Secret>) -> Credentials {
        Credentials { partner, key_id, secrets, prepared: OnceLock::new() }
    }

    /// What the dialect makes of the keys and the partner's settings (key schedules, parsed switches),
    /// made once and kept. A dialect always asks for the same type; were it another, it is made anew.
    pub fn prepared<T: Send + Sync + 'static>(&self, make: impl FnOnce(&Credentials) -> T) -> Arc<T> {
        if let Some(Ok(ready)) = self.prepared.get().map(|any| Arc::clone(any).downcast::<T>()) {
            return ready;
        }
        let made = Arc::new(make(self));
        let kept = Arc::clone(&made) as Arc<dyn Any + Send + Sync>;
        // Losing the race is harmless: both made the same from the same.
        let _ = self.prepared.set(kept);
        made
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}
