//! Keys, rotation, signing in, limits.

use tradewind_app::{AppConfig, NewUser, Rate};
use tradewind_domain::{Call, Device, Login, Outcome, PartnerPatch, PartnerState, Refusal, Span, UserState};
use tradewind_signing::Secret;

use crate::rig::{DIALECT, KEY_ID, Rig};

fn login(name: &str, password: &str, key_id: Option<&str>) -> Call {
    Call::SignIn(Login { key_id: key_id.map(str::to_owned), login: name.into(), password: password.into() })
}

fn user(name: &str) -> NewUser {
    NewUser {
        login: name.into(),
        password: "correct horse".into(),
        name: "A user".into(),
        may_refund: true,
        device: Device::default(),
        locked: false,
    }
}

#[tokio::test]
async fn an_old_key_counts_until_its_overlap_ends() {
    let rig = Rig::new(AppConfig::default()).await;
    let partner = rig.caller().await.identity.unwrap().partner.id;
    rig.app.rotate(partner, DIALECT, Secret::new("second secret"), Span::from_mins(10)).await.unwrap();
    let secrets = async || {
        let identity = rig.app.identity(DIALECT, KEY_ID).await.unwrap();
        identity.secrets.iter().map(|s| s.expose_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(secrets().await, ["second secret", "first secret"]);
    rig.clock.advance_to(rig.clock.now() + Span::from_mins(10));
    assert_eq!(secrets().await, ["second secret"]);
}

#[tokio::test]
async fn a_suspended_partner_places_no_orders() {
    let rig = Rig::new(AppConfig::default()).await;
    let caller = rig.caller().await;
    let partner = caller.identity.unwrap().partner.id;
    let patch = PartnerPatch { state: Some(PartnerState::Suspended), ..PartnerPatch::default() };
    rig.app.patch_partner(partner, patch).await.unwrap();
    assert_eq!(rig.place("N").await.unwrap_err(), Refusal::PartnerSuspended);
    assert_eq!(rig.app.identity("other", KEY_ID).await.unwrap_err(), Refusal::UnknownPartner);
}

#[tokio::test]
async fn signing_in_tells_nothing_but_yes_or_no() {
    let config = AppConfig {
        rate_sign_in: Rate { count: 5, per: Span::from_mins(1), burst: 5 },
        ..AppConfig::default()
    };
    let rig = Rig::new(config).await;
    let partner = rig.caller().await.identity.unwrap().partner.id;
    rig.app.add_user(partner, user("ann")).await.unwrap();
    rig.app.add_user(partner, user("bob")).await.unwrap();
    assert!(matches!(rig.app.add_user(partner, user("ann")).await, Err(Refusal::Exists { what: "login" })));
    rig.app.set_user_state(partner, "bob", UserState::Locked).await.unwrap();
    let cases = [
        ("ann", "correct horse", Some(KEY_ID), true),
        ("ann", "correct horse", None, true),
        ("ann", "wrong", Some(KEY_ID), false),
        ("ann", "correct horse", Some("nobody"), false),
        ("bob", "correct horse", None, false),
        ("eve", "correct horse", None, false),
    ];
    for (name, password, key_id, expected) in cases {
        let answer = rig.call(login(name, password, key_id)).await;
        match answer {
            Ok(Outcome::SignedIn(signed_in)) => {
                assert!(expected, "{name}");
                assert_eq!(signed_in.key_id, KEY_ID);
            }
            Err(refusal) => assert_eq!((refusal, expected), (Refusal::SignIn, false), "{name} {password}"),
            Ok(other) => panic!("{other:?}"),
        }
    }
    assert!(rig.call(login("ann", "correct horse", None)).await.is_ok(), "the fifth within a minute");
    assert_eq!(rig.call(login("ann", "correct horse", None)).await.unwrap_err(), Refusal::RateLimited);
    rig.clock.advance_to(rig.clock.now() + Span::from_mins(1));
    assert!(rig.call(login("ann", "correct horse", None)).await.is_ok());
}

#[tokio::test]
async fn a_partner_has_its_rate() {
    let rate = Rate { count: 1, per: Span::from_secs(1), burst: 2 };
    let rig = Rig::new(AppConfig { rate_per_partner: Some(rate), ..AppConfig::default() }).await;
    assert!(rig.place("N1").await.is_ok() && rig.place("N2").await.is_ok());
    assert_eq!(rig.place("N3").await.unwrap_err(), Refusal::RateLimited);
    rig.clock.advance_to(rig.clock.now() + Span::from_secs(1));
    assert!(rig.place("N3").await.is_ok());
}
