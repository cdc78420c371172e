//! Keys, rotation, signing in, limits.

use tradewind_app::{AppConfig, NewUser, Rate};
use tradewind_domain::{Call, Device, Login, Outcome, PartnerPatch, PartnerState, Refusal, Span, UserState};
use tradewind_signing::Secret;

use crate::rig::{DIALECT, KEY_ID, Rig};

fn login(name: &str, password: &str, key_id: Option<&str>) -> Call {
    Call::SignIn(Login {
        key_id: key_id.map(str::to_owned),
        login: name.into(),
        password: password.into(),
        device: None,
    })
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
    let rig = Rig::new(AppConfig::default()).await;
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
}

#[tokio::test]
async fn a_login_of_a_merchant_has_its_rate() {
    let rate_sign_in = Rate { count: 2, per: Span::from_mins(1), burst: 2 };
    let rig = Rig::new(AppConfig { rate_sign_in, ..AppConfig::default() }).await;
    let partner = rig.caller().await.identity.unwrap().partner.id;
    rig.app.add_user(partner, user("ann")).await.unwrap();
    // Somebody guesses at a namesake.
    for expected in [Refusal::SignIn, Refusal::SignIn, Refusal::RateLimited] {
        let guess = rig.call(login("ann", "guess", Some("other"))).await;
        assert_eq!(guess.unwrap_err(), expected);
    }
    let own = async || rig.call(login("ann", "correct horse", Some(KEY_ID))).await;
    assert!(own().await.is_ok() && own().await.is_ok());
    assert_eq!(own().await.unwrap_err(), Refusal::RateLimited);
    rig.clock.advance_to(rig.clock.now() + Span::from_mins(1));
    assert!(own().await.is_ok());
}

#[tokio::test]
async fn strangers_have_one_limit_for_all_failures_and_regulars_come_past_it() {
    let rate_sign_in_failures = Rate { count: 1, per: Span::from_days(1), burst: 2 };
    let rig = Rig::new(AppConfig { rate_sign_in_failures, ..AppConfig::default() }).await;
    let partner = rig.caller().await.identity.unwrap().partner.id;
    rig.app.add_user(partner, user("ann")).await.unwrap();
    rig.app.add_user(partner, user("new")).await.unwrap();
    let call = async |name: &str, password| rig.call(login(name, password, Some(KEY_ID))).await;
    assert!(call("ann", "correct horse").await.is_ok(), "what succeeds is not counted");
    for (name, expected) in [("eve", Refusal::SignIn), ("mallory", Refusal::SignIn)] {
        assert_eq!(call(name, "guess").await.unwrap_err(), expected, "{name}");
    }
    assert_eq!(call("trudy", "guess").await.unwrap_err(), Refusal::RateLimited);
    assert_eq!(call("new", "correct horse").await.unwrap_err(), Refusal::RateLimited);
    // The clock of a sandbox does not open the door.
    rig.clock.advance_to(rig.clock.now() + Span::from_days(2));
    assert_eq!(call("trudy", "guess").await.unwrap_err(), Refusal::RateLimited);
    assert!(call("ann", "correct horse").await.is_ok());
}

#[tokio::test]
async fn few_wait_for_a_password_check() {
    let config = AppConfig { sign_in_permits: 1, sign_in_waiting_max: 1, ..AppConfig::default() };
    let rig = Rig::new(config).await;
    let caller = rig.caller().await;
    let call = async |name| rig.app.execute(&caller, login(name, "guess", None)).await.unwrap_err();
    let answers = tokio::join!(call("a"), call("b"), call("c"), call("d"));
    let expected = (Refusal::SignIn, Refusal::SignIn, Refusal::RateLimited, Refusal::RateLimited);
    assert_eq!(answers, expected);
    assert_eq!(call("e").await, Refusal::SignIn, "places are given back");
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
