//! Proofs, and what credentials keep ready.

use std::sync::Arc;

use tradewind_dialect::{Credentials, Proof, Verified};
use tradewind_domain::{Currency, Money, Partner, PartnerId, PartnerState, Timestamp};
use tradewind_signing::Secret;

#[test]
fn only_equal_tags_prove() {
    for (computed, received, proven) in [
        ("abc", "abc", true),
        ("abc", "abd", false),
        ("abc", "ab", false),
        ("abc", "", false),
        ("", "", true),
    ] {
        let proof = Proof::of_tag(computed.as_bytes(), received.as_bytes());
        assert_eq!(proof.is_some(), proven, "{computed} {received}");
        if let Some(proof) = proof {
            assert_eq!(Verified::new(proof, 7).into_inner(), 7);
        }
    }
}

#[test]
fn what_is_made_of_keys_is_made_once_and_not_printed() {
    let partner = Partner {
        id: PartnerId::from_i64(1),
        name: "shop".to_owned(),
        state: PartnerState::Active,
        methods: Vec::new(),
        fee_ppm: 0,
        credit_limit: Money::zero(Currency::CNY),
        settings: "{}".to_owned(),
        created_at: Timestamp::from_ms(0),
    };
    let credentials = Credentials::new(Arc::new(partner), "id".to_owned(), vec![Secret::new("hidden-key")]);
    let mut made = 0;
    for _ in 0..3 {
        let length = credentials.prepared(|credentials| {
            made += 1;
            credentials.secrets[0].expose().len()
        });
        assert_eq!(*length, 10);
    }
    assert_eq!(made, 1);
    assert!(!format!("{credentials:?}").contains("hidden"));
}
