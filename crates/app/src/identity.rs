//! Who calls: a partner's keys for one dialect, cached.

use std::any::Any;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tradewind_domain::{Credential, Need, Partner, PartnerId, Refusal, Timestamp, View};
use tradewind_signing::{Secret, Vault};

use crate::App;

/// A partner's keys for one dialect.
pub struct Identity {
    /// The partner.
    pub partner: Arc<Partner>,
    /// What it calls itself by.
    pub key_id: String,
    /// The secrets valid now, newest first; never empty.
    pub secrets: Vec<Secret>,
    /// A place for what others derive from the keys, kept as long as the identity is.
    pub extension: OnceLock<Arc<dyn Any + Send + Sync>>,
    valid_until: Option<Timestamp>,
    loaded: Instant,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("key_id", &self.key_id).finish_non_exhaustive()
    }
}

/// Changes made by another process are seen after this long at the latest.
const KEPT_FOR: Duration = Duration::from_secs(5);
/// Identities kept at most.
const KEPT_MAX: usize = 20_000;

/// The cache. Every change of partners or keys through this process empties it.
#[derive(Debug, Default)]
pub(crate) struct Identities {
    /// Counts the emptyings, so that a load that began before one is not kept after it.
    emptied: AtomicU64,
    by_key: RwLock<HashMap<(String, String), Arc<Identity>>>,
    by_partner: RwLock<HashMap<(String, PartnerId), Arc<Identity>>>,
}

impl Identities {
    pub(crate) fn clear(&self) {
        self.emptied.fetch_add(1, Ordering::SeqCst);
        self.by_key.write().unwrap_or_else(PoisonError::into_inner).clear();
        self.by_partner.write().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn emptied(&self) -> u64 {
        self.emptied.load(Ordering::SeqCst)
    }

    /// Keeps what was loaded since the cache was `emptied` so many times, unless it was emptied again.
    fn keep<K: Eq + std::hash::Hash>(&self, kept: &Kept<K>, key: K, identity: &Arc<Identity>, emptied: u64) {
        let mut kept = kept.write().unwrap_or_else(PoisonError::into_inner);
        if self.emptied() != emptied {
            return;
        }
        if kept.len() >= KEPT_MAX {
            kept.clear();
        }
        kept.insert(key, Arc::clone(identity));
    }
}

impl App {
    /// The identity that goes by `key_id` in `dialect`. Suspended partners are found too.
    pub async fn identity(&self, dialect: &str, key_id: &str) -> Result<Arc<Identity>, Refusal> {
        let key = (dialect.to_owned(), key_id.to_owned());
        if let Some(found) = fresh(&self.identities.by_key, &key, self.now()) {
            return Ok(found);
        }
        let emptied = self.identities.emptied();
        let need = Need::KeyId { dialect: key.0.clone(), key_id: key.1.clone() };
        let view = self.view(vec![need]).await?;
        let holder = view.credentials().find(|credential| credential.is_valid(self.now())).map(|c| c.partner);
        let partner = holder.ok_or(Refusal::UnknownPartner)?;
        self.load_identity(partner, view, &key.0, Some(&key.1), emptied).await
    }

    /// The identity of a partner in `dialect`.
    pub async fn identity_of(&self, dialect: &str, partner: PartnerId) -> Result<Arc<Identity>, Refusal> {
        let key = (dialect.to_owned(), partner);
        if let Some(found) = fresh(&self.identities.by_partner, &key, self.now()) {
            return Ok(found);
        }
        let emptied = self.identities.emptied();
        let view = self.view(vec![Need::Credentials(partner)]).await?;
        self.load_identity(partner, view, dialect, None, emptied).await
    }

    async fn load_identity(
        &self,
        partner: PartnerId,
        credentials: View,
        dialect: &str,
        key_id: Option<&str>,
        emptied: u64,
    ) -> Result<Arc<Identity>, Refusal> {
        let now = self.now();
        let mut valid: Vec<&Credential> = credentials
            .credentials()
            .filter(|c| c.partner == partner && c.dialect == dialect && c.is_valid(now))
            .filter(|c| key_id.is_none_or(|key_id| c.key_id == key_id))
            .collect();
        valid.sort_by_key(|credential| std::cmp::Reverse(credential.id));
        let newest = valid.first().ok_or(Refusal::UnknownPartner)?;
        let key_id = newest.key_id.clone();
        valid.retain(|credential| credential.key_id == key_id);
        let view = self.view(vec![Need::Partner(partner)]).await?;
        let identity = Arc::new(Identity {
            partner: Arc::new(view.partner(partner).cloned().ok_or(Refusal::UnknownPartner)?),
            secrets: valid.iter().map(|c| open(&self.vault, c)).collect::<Result<_, _>>()?,
            valid_until: valid.iter().filter_map(|credential| credential.expires_at).min(),
            key_id: key_id.clone(),
            extension: OnceLock::new(),
            loaded: Instant::now(),
        });
        self.identities.keep(&self.identities.by_key, (dialect.to_owned(), key_id), &identity, emptied);
        self.identities.keep(&self.identities.by_partner, (dialect.to_owned(), partner), &identity, emptied);
        Ok(identity)
    }

    /// The secret of a credential, in clear.
    pub fn reveal(&self, credential: &Credential) -> Result<Secret, Refusal> {
        open(&self.vault, credential)
    }

    pub(crate) fn seal(&self, id: tradewind_domain::CredentialId, secret: &Secret) -> Vec<u8> {
        self.vault.seal(id.to_string().as_bytes(), secret)
    }
}

/// A secret is sealed with the id of its credential, so that rows cannot be swapped.
fn open(vault: &Vault, credential: &Credential) -> Result<Secret, Refusal> {
    vault.open(credential.id.to_string().as_bytes(), &credential.sealed_secret).map_err(|error| {
        tracing::error!(credential = %credential.id, %error, "could not open a stored secret");
        Refusal::Internal
    })
}

type Kept<K> = RwLock<HashMap<K, Arc<Identity>>>;

fn fresh<K: Eq + std::hash::Hash>(kept: &Kept<K>, key: &K, now: Timestamp) -> Option<Arc<Identity>> {
    let kept = kept.read().unwrap_or_else(PoisonError::into_inner);
    kept.get(key)
        .filter(|i| i.valid_until.is_none_or(|end| now < end) && i.loaded.elapsed() < KEPT_FOR)
        .cloned()
}
