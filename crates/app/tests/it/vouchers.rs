//! Vouchers through the application: codes, shares by key id, many at once, and a store that fails.

use std::sync::Arc;

use tradewind_app::{AppConfig, Caller, NewPartner, NewUser};
use tradewind_domain::{
    Call, Device, ListRedemptions, Login, Method, Outcome, RedeemCall, Redemption, Refusal, Span, Voucher,
    VoucherCall, VoucherCode,
};
use tradewind_signing::Secret;
use tradewind_store::faulty::{Fault, Step};

use crate::rig::{DIALECT, KEY_ID, Rig, START};

const OTHER: &str = "shop-2";

fn voucher(number: &str, ordered: u32, shares: Vec<(Vec<String>, u32)>) -> Call {
    Call::IssueVoucher(Box::new(VoucherCall {
        number: number.into(),
        fingerprint: i64::from(ordered),
        subject: "Day ticket".into(),
        ordered,
        valid_until: Some(START + Span::from_days(1)),
        shares,
        notify_url: None,
        details: None,
    }))
}

async fn issue(rig: &Rig, number: &str, ordered: u32) -> Voucher {
    match rig.call(voucher(number, ordered, vec![(vec![OTHER.into()], 4)])).await.unwrap() {
        Outcome::Voucher(voucher) => *voucher,
        other => panic!("{other:?}"),
    }
}

async fn redeem(rig: &Rig, caller: &Caller, code: VoucherCode) -> Result<Redemption, Refusal> {
    let call = RedeemCall { code, device: "gate".into(), count: 1, confirm: true };
    match rig.app.execute(caller, Call::RedeemVoucher(call)).await? {
        Outcome::Redeemed(_, redemption) => Ok(*redemption),
        other => panic!("{other:?}"),
    }
}

async fn usable(rig: &Rig, caller: &Caller, code: VoucherCode) -> Result<u32, Refusal> {
    let call = RedeemCall { code, device: "gate".into(), count: 1, confirm: false };
    match rig.app.execute(caller, Call::RedeemVoucher(call)).await? {
        Outcome::Redeemable(_, usable) => Ok(usable),
        other => panic!("{other:?}"),
    }
}

async fn with_other() -> (Rig, Caller) {
    let rig = Rig::new(AppConfig::default()).await;
    rig.app
        .add_partner(NewPartner {
            dialect: DIALECT.into(),
            key_id: OTHER.into(),
            secret: Secret::new("second shop"),
            name: "Other shop".into(),
            settings: "{}".into(),
            methods: vec![Method::ALIPAY],
            fee_ppm: 0,
            credit_limit: tradewind_domain::Money::zero(tradewind_domain::Currency::CNY),
            suspended: false,
        })
        .await
        .unwrap();
    let other = Caller { dialect: DIALECT, identity: Some(rig.app.identity(DIALECT, OTHER).await.unwrap()) };
    (rig, other)
}

#[tokio::test]
async fn a_number_has_one_code_for_ever() {
    let (rig, other) = with_other().await;
    let first = issue(&rig, "V1", 10).await;
    assert_eq!(issue(&rig, "V1", 10).await.code, first.code);
    assert_ne!(issue(&rig, "V2", 10).await.code, first.code);
    let changed = rig.call(voucher("V1", 11, Vec::new())).await;
    assert_eq!(changed.unwrap_err(), Refusal::NumberTaken { same: false });
    let unknown = rig.call(voucher("V3", 1, vec![(vec!["nobody".into()], 1)])).await.unwrap_err();
    assert!(matches!(unknown, Refusal::Field { .. }) && unknown.to_string().contains("nobody"), "{unknown}");
    let missing = rig.app.execute(&other, Call::FindVoucher { number: "V1".into() }).await;
    assert_eq!(missing.unwrap_err().name(), "not_found", "numbers are each partner's own");
    rig.assert_clean().await;
}

#[tokio::test]
async fn a_hundred_at_once_use_what_there_is() {
    let (rig, other) = with_other().await;
    let rig = Arc::new(rig);
    let code = issue(&rig, "V1", 10).await.code;
    let own = rig.caller().await;
    assert_eq!((usable(&rig, &own, code).await, usable(&rig, &other, code).await), (Ok(10), Ok(4)));
    let mut wishes = tokio::task::JoinSet::new();
    for n in 0..100 {
        let (rig, caller) = (Arc::clone(&rig), if n % 2 == 0 { own.clone() } else { other.clone() });
        wishes.spawn(async move { redeem(&rig, &caller, code).await });
    }
    let done: Vec<Redemption> = wishes.join_all().await.into_iter().filter_map(Result::ok).collect();
    let theirs = done.iter().filter(|made| made.by != made.partner).count();
    assert!(done.len() == 10 && theirs <= 4, "{} made, {theirs} of them by the other", done.len());
    assert_eq!(usable(&rig, &own, code).await, Ok(0));
    let list = ListRedemptions {
        device: "gate".into(),
        from: START,
        until: START + Span::from_days(1),
        id: None,
        code: Some(code),
        page: 1,
        page_size: 100,
    };
    match rig.app.execute(&other, Call::ListRedemptions(list)).await.unwrap() {
        Outcome::Redemptions(page) => assert_eq!(page.total, Some(theirs as u64)),
        other => panic!("{other:?}"),
    }
    rig.assert_clean().await;
}

#[tokio::test]
async fn a_lost_answer_of_the_store_is_found_out() {
    let (rig, _) = with_other().await;
    let own = rig.caller().await;
    let code = issue(&rig, "V1", 3).await.code;
    for (fault, used) in [(Fault::UnknownDone, 1), (Fault::UnknownUndone, 2)] {
        rig.faults.fail_next(Step::Commit, fault);
        redeem(&rig, &own, code).await.unwrap();
        assert_eq!(usable(&rig, &own, code).await, Ok(3 - used), "{fault:?}: once and not twice");
    }
    rig.faults.fail_next(Step::Commit, Fault::UnknownDone);
    let first = issue(&rig, "V2", 1).await;
    assert_eq!(issue(&rig, "V2", 1).await.id, first.id);
    rig.faults.fail_next(Step::Commit, Fault::UnknownDone);
    let cancel = Call::CancelVoucher { number: "V2".into(), code: first.code };
    assert!(matches!(rig.call(cancel.clone()).await, Ok(Outcome::Voucher(_))));
    assert_eq!(rig.call(cancel).await.unwrap_err(), Refusal::AlreadyRevoked);
    rig.assert_clean().await;
}

#[tokio::test]
async fn a_login_remembers_its_device_and_tells_what_is_served() {
    let rig = Rig::new(AppConfig::default()).await;
    let partner = rig.caller().await.identity.unwrap().partner.id;
    let user = NewUser {
        login: "ann".into(),
        password: "correct horse".into(),
        name: "Ann".into(),
        may_refund: false,
        device: Device { serial: "old".into(), software: "1".into(), version: "1.0".into() },
        locked: false,
    };
    rig.app.add_user(partner, user).await.unwrap();
    let login = async |password: &str, device: Option<Device>| {
        let (key_id, login, password) = (Some(KEY_ID.to_owned()), "ann".to_owned(), password.to_owned());
        match rig.call(Call::SignIn(Login { key_id, login, password, device })).await? {
            Outcome::SignedIn(signed_in) => Ok::<_, Refusal>(*signed_in),
            other => panic!("{other:?}"),
        }
    };
    let told = Device { serial: "new".into(), software: String::new(), version: "2.0".into() };
    assert_eq!(login("wrong", Some(told.clone())).await.unwrap_err(), Refusal::SignIn);
    assert_eq!(login("correct horse", None).await.unwrap().user.device.serial, "old");
    let signed_in = login("correct horse", Some(told)).await.unwrap();
    let expected = Device { serial: "new".into(), software: "1".into(), version: "2.0".into() };
    assert_eq!(signed_in.user.device, expected);
    // One of the partner's two methods has no channel.
    assert_eq!(signed_in.methods, [Method::ALIPAY]);
    assert_eq!(login("correct horse", None).await.unwrap().user.device, expected, "it is on disk");
}
