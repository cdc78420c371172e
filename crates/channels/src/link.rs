//! Links to the cashier page: they name a payment and cannot be guessed.

use tradewind_domain::{OrderId, PartnerId};
use tradewind_signing::{constant_time_eq, hmac_sha256};

/// The key that authenticates cashier links.
#[derive(Clone)]
pub struct LinkKey([u8; 32]);

/// Twelve bytes are far beyond guessing over HTTP and keep the QR code small.
const TAG_BYTES: usize = 12;

impl LinkKey {
    /// From 32 secret bytes.
    pub fn new(key: [u8; 32]) -> LinkKey {
        LinkKey(key)
    }

    /// `<partner>-<order>-<tag>`, decimal and hexadecimal, fit for a path segment.
    pub fn token(&self, partner: PartnerId, order: OrderId) -> String {
        let name = format!("{}-{}", partner.get(), order.get());
        let tag = self.tag(&name);
        format!("{name}-{}", hex::encode(tag))
    }

    /// The partner and order that a genuine token names.
    pub fn open(&self, token: &str) -> Option<(PartnerId, OrderId)> {
        let (name, tag) = token.rsplit_once('-')?;
        let mut received = [0; TAG_BYTES];
        hex::decode_to_slice(tag, &mut received).ok()?;
        if !constant_time_eq(&self.tag(name), &received) {
            return None;
        }
        let (partner, order) = name.split_once('-')?;
        Some((PartnerId::from_i64(partner.parse().ok()?), OrderId::from_i64(order.parse().ok()?)))
    }

    fn tag(&self, name: &str) -> [u8; TAG_BYTES] {
        let mac = hmac_sha256(&self.0, &[b"cashier link ", name.as_bytes()]);
        let mut tag = [0; TAG_BYTES];
        tag.copy_from_slice(&mac[..TAG_BYTES]);
        tag
    }
}

impl std::fmt::Debug for LinkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkKey")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_genuine_tokens_open() {
        let key = LinkKey::new([7; 32]);
        let (partner, order) = (PartnerId::from_i64(12), OrderId::from_i64(34));
        let token = key.token(partner, order);
        assert_eq!(key.open(&token), Some((partner, order)));
        for position in 0..token.len() {
            let mut forged = token.clone().into_bytes();
            forged[position] ^= 1;
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(key.open(&forged), None, "{forged}");
        }
        assert_eq!(LinkKey::new([8; 32]).open(&token), None);
        for bad in ["", "-", "--", "1-2", "1-2-", "1-2-zz"] {
            assert_eq!(key.open(bad), None, "{bad}");
        }
    }
}
