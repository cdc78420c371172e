//! From an identity, which the application knows, to credentials, which dialects know.

use std::sync::Arc;

use tradewind_app::Identity;
use tradewind_dialect::Credentials;

/// The credentials of an identity, made once and kept with it, and with them whatever the dialect
/// derives from the keys. `None` cannot happen as long as nobody else uses the identity's extension.
pub fn credentials(identity: &Identity) -> Option<Arc<Credentials>> {
    let kept = identity.extension.get_or_init(|| {
        let secrets = identity.secrets.clone();
        Arc::new(Credentials::new(Arc::clone(&identity.partner), identity.key_id.clone(), secrets))
    });
    Arc::clone(kept).downcast().ok()
}
