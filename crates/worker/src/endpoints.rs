//! Bounded concurrency per address: one slow receiver slows nobody else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tradewind_domain::PartnerId;

/// Addresses remembered before those at rest are forgotten.
const KEPT_MAX: usize = 4096;

/// The addresses that deliveries are on their way to.
#[derive(Debug)]
pub(crate) struct Endpoints {
    per_endpoint_max: usize,
    places: Mutex<HashMap<(PartnerId, String), Weak<Semaphore>>>,
}

impl Endpoints {
    pub(crate) fn new(per_endpoint_max: usize) -> Endpoints {
        Endpoints { per_endpoint_max: per_endpoint_max.max(1), places: Mutex::new(HashMap::new()) }
    }

    /// A place for one delivery to the authority (host and port) of `url`, in the partner's name: two
    /// partners on one host do not share.
    pub(crate) async fn place(&self, partner: PartnerId, url: &str) -> Option<OwnedSemaphorePermit> {
        let semaphore = self.semaphore(partner, authority(url));
        semaphore.acquire_owned().await.ok()
    }

    fn semaphore(&self, partner: PartnerId, authority: &str) -> Arc<Semaphore> {
        let mut places = self.places.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (partner, authority.to_owned());
        if let Some(semaphore) = places.get(&key).and_then(Weak::upgrade) {
            return semaphore;
        }
        if places.len() >= KEPT_MAX {
            places.retain(|_, semaphore| semaphore.strong_count() > 0);
        }
        let semaphore = Arc::new(Semaphore::new(self.per_endpoint_max));
        places.insert(key, Arc::downgrade(&semaphore));
        semaphore
    }
}

fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_host_and_port() {
        let cases = [
            ("http://shop.test/n?x=http://a/b", "shop.test"),
            ("https://shop.test:8443", "shop.test:8443"),
            ("http://[::1]:80?q", "[::1]:80"),
            ("odd", "odd"),
        ];
        for (url, expected) in cases {
            assert_eq!(authority(url), expected, "{url}");
        }
    }
}
