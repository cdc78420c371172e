//! Vouchers: what was ordered is what was used and what was not, whoever redeems in whatever order.

use proptest::prelude::{prop, proptest};
use tradewind_domain::{
    About, Command, Decided, EventKind, PartnerId, PartnerPatch, PartnerState, Redemption, Refusal, Share,
    Span, TaskKind, Timestamp, Voucher, VoucherCode, VoucherId, VoucherStanding, VoucherState,
};

use crate::world::{PLAIN, START, WITH_FEE, World};

const STRANGER: PartnerId = PartnerId::from_i64(3);
const ONE: VoucherId = VoucherId::from_i64(1);

fn voucher(number: i64, edit: impl FnOnce(&mut Voucher)) -> Voucher {
    let mut voucher = Voucher {
        id: VoucherId::from_i64(number),
        partner: PLAIN,
        dialect: "native".into(),
        number: number.to_string(),
        fingerprint: number,
        code: VoucherCode::of_payload(number.unsigned_abs()).unwrap(),
        subject: "Sample".into(),
        ordered: 10,
        used: 0,
        refunded: 0,
        locked: 0,
        state: VoucherState::Active,
        order: None,
        seller: None,
        valid_from: None,
        valid_until: None,
        cancelled_at: None,
        shares: Vec::new(),
        notify_url: None,
        details: None,
    };
    edit(&mut voucher);
    voucher
}

fn issue(world: &mut World, voucher: Voucher) -> Result<Voucher, Refusal> {
    match world.run(Command::IssueVoucher(Box::new(voucher)))? {
        Decided::Voucher(voucher) => Ok(*voucher),
        other => panic!("{other:?}"),
    }
}

fn redeem(by: PartnerId, count: u32) -> Command {
    Command::RedeemVoucher { partner: PLAIN, voucher: ONE, by, device: "gate".into(), count, order: None }
}

fn cancel() -> Command {
    let code = VoucherCode::of_payload(1).unwrap();
    Command::CancelVoucher { partner: PLAIN, number: "1".into(), code }
}

fn share(partners: &[PartnerId], quota: u32) -> Share {
    Share { partners: partners.to_vec(), quota, used: 0 }
}

#[test]
fn what_cannot_be_issued() {
    let check = |edit: fn(&mut Voucher), expected: &str| {
        let mut world = World::new();
        issue(&mut world, voucher(1, |_| {})).unwrap();
        let refused = issue(&mut world, voucher(2, edit)).unwrap_err();
        assert_eq!(refused.name(), expected, "{refused}");
        assert_eq!(world.stored.vouchers.len(), 1);
    };
    check(|voucher| voucher.partner = STRANGER, "unknown_partner");
    check(|voucher| voucher.number = "1".into(), "number_taken");
    check(|voucher| voucher.code = VoucherCode::of_payload(1).unwrap(), "exists");
    check(|voucher| voucher.ordered = 0, "field");
    check(|voucher| voucher.ordered = Voucher::ORDERED_MAX + 1, "field");
    check(|voucher| voucher.shares = vec![share(&[WITH_FEE, WITH_FEE], 1)], "field");
    check(|voucher| voucher.shares = vec![share(&[WITH_FEE], 1), share(&[STRANGER, WITH_FEE], 1)], "field");
    check(|voucher| voucher.used = 1, "internal");
    check(|voucher| voucher.state = VoucherState::Cancelled, "internal");
    let mut world = World::new();
    let patch = PartnerPatch { state: Some(PartnerState::Suspended), ..PartnerPatch::default() };
    world.run(Command::PatchPartner { partner: PLAIN, patch }).unwrap();
    assert_eq!(issue(&mut world, voucher(1, |_| {})), Err(Refusal::PartnerSuspended));
}

#[test]
fn the_same_content_is_the_same_voucher() {
    let mut world = World::new();
    let first = issue(&mut world, voucher(1, |_| {})).unwrap();
    world.run(redeem(PLAIN, 1)).unwrap();
    let again = voucher(2, |voucher| (voucher.number, voucher.fingerprint) = ("1".into(), 1));
    let found = issue(&mut world, again).unwrap();
    assert_eq!((found.id, found.code, found.used), (first.id, first.code, 1));
    assert_eq!(world.stored.vouchers.len(), 1);
    // Numbers are the partner's own; a code is nobody else's.
    issue(&mut world, voucher(3, |voucher| (voucher.partner, voucher.number) = (WITH_FEE, "1".into())))
        .unwrap();
}

/// A hundred at the same moment, in one batch: ten get what there is.
#[test]
fn never_more_than_was_ordered() {
    let mut world = World::new();
    issue(&mut world, voucher(1, |_| {})).unwrap();
    let at = world.now;
    let results = world.batch((0..100).map(|_| (redeem(PLAIN, 1), at)).collect());
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 10);
    let voucher = &world.stored.vouchers[&ONE];
    assert_eq!((voucher.used, voucher.unused(), voucher.usable(at)), (10, 0, 0));
    assert_eq!(voucher.standing(at), VoucherStanding::UsedUp);
    assert_eq!(world.stored.redemptions.len(), 10);
    assert_eq!(world.stored.events.len(), 10);
}

#[test]
fn quotas_bind_whoever_is_named() {
    let check = |shares: Vec<Share>, wishes: &[(PartnerId, u32, bool)]| {
        let mut world = World::new();
        issue(&mut world, voucher(1, |voucher| voucher.shares = shares.clone())).unwrap();
        for (by, count, expected) in wishes {
            let usable = world.stored.vouchers[&ONE].usable_by(*by, world.now);
            assert_eq!(usable >= *count, *expected, "{shares:?}: {by} can redeem {usable}");
            assert_eq!(world.run(redeem(*by, *count)).is_ok(), *expected, "{shares:?}: {by} {count}");
        }
    };
    check(vec![], &[(WITH_FEE, 1, false), (PLAIN, 11, false), (PLAIN, 10, true), (PLAIN, 1, false)]);
    check(vec![share(&[WITH_FEE], 2)], &[(WITH_FEE, 3, false), (WITH_FEE, 2, true), (WITH_FEE, 1, false)]);
    check(
        vec![share(&[WITH_FEE, STRANGER], 2)],
        &[(WITH_FEE, 1, true), (STRANGER, 1, true), (STRANGER, 1, false), (PLAIN, 8, true)],
    );
    check(vec![share(&[WITH_FEE], 2)], &[(PLAIN, 9, true), (WITH_FEE, 2, false), (WITH_FEE, 1, true)]);
    check(vec![share(&[PLAIN], 1)], &[(PLAIN, 2, false), (PLAIN, 1, true), (PLAIN, 1, false)]);
    check(vec![share(&[WITH_FEE], 99)], &[(WITH_FEE, 10, true), (PLAIN, 1, false)]);
}

#[test]
fn a_voucher_ends_at_its_instant() {
    let end = START + Span::from_secs(60);
    let mut world = World::new();
    issue(&mut world, voucher(1, |voucher| voucher.valid_until = Some(end))).unwrap();
    world.advance(Span::from_ms(59_999));
    world.run(redeem(PLAIN, 1)).unwrap();
    world.advance(Span::from_ms(1));
    assert_eq!(world.run(redeem(PLAIN, 1)).unwrap_err().name(), "wrong_state");
    world.run(cancel()).unwrap();
    assert_eq!(world.stored.vouchers[&ONE].cancelled_at, Some(world.now));
}

/// An address of its own goes before the partner's endpoints; who redeemed is not told, the issuer is.
#[test]
fn redemptions_are_told_to_the_issuer() {
    for url in [None, Some("https://partner.example/own".to_owned())] {
        let mut world = World::new();
        issue(
            &mut world,
            voucher(1, |voucher| {
                voucher.notify_url = url.clone();
                voucher.shares = vec![share(&[WITH_FEE], 2)];
            }),
        )
        .unwrap();
        let Ok(Decided::Redeemed(_, redemption)) = world.run(redeem(WITH_FEE, 2)) else {
            panic!("not redeemed")
        };
        let [event] = world.stored.events.values().collect::<Vec<_>>()[..] else { panic!("one event") };
        assert_eq!((event.partner, event.number, event.kind), (PLAIN, 1, EventKind::VoucherRedeemed));
        assert_eq!((event.about, event.redemption), (About::Voucher(ONE), Some(redemption.id)));
        let [task] = world.stored.tasks.values().collect::<Vec<_>>()[..] else { panic!("one task") };
        assert_eq!((task.key.partner, task.key.about), (PLAIN, About::Voucher(ONE)));
        let TaskKind::Deliver { event: 1, endpoint } = task.kind else { panic!("{:?}", task.kind) };
        assert_eq!(endpoint.is_none(), url.is_some());
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Redeem(PartnerId, u32),
    Cancel,
    Wait,
}

fn conserved(voucher: &Voucher, redemptions: &[&Redemption], now: Timestamp) {
    assert_eq!(voucher.unused() + voucher.used, voucher.ordered);
    assert!(voucher.usable(now) <= voucher.unused());
    let sum = |of: &[PartnerId]| -> u32 {
        redemptions.iter().filter(|made| of.contains(&made.by)).map(|made| made.count).sum()
    };
    assert_eq!(sum(&[PLAIN, WITH_FEE, STRANGER]), voucher.used);
    for share in &voucher.shares {
        assert_eq!(sum(&share.partners), share.used);
        assert!(share.used <= share.quota);
    }
}

proptest! {
    /// Whatever comes in whatever order, in batches of any size.
    #[test]
    fn uses_are_conserved(
        ordered in 1_u32..12,
        quota in 1_u32..6,
        chosen in prop::collection::vec((0_u8..9, 0_u32..4), 1..30),
        batch in 1_usize..6,
    ) {
        let mut world = World::new();
        let end = START + Span::from_secs(5);
        issue(&mut world, voucher(1, |voucher| {
            voucher.ordered = ordered;
            voucher.shares = vec![share(&[WITH_FEE], quota)];
            voucher.valid_until = Some(end);
        })).unwrap();
        let steps: Vec<Step> = chosen.into_iter().map(|(choice, count)| match choice {
            0..4 => Step::Redeem(PLAIN, count),
            4..7 => Step::Redeem(WITH_FEE, count),
            7 => Step::Wait,
            _ => if count == 3 { Step::Cancel } else { Step::Redeem(STRANGER, count) },
        }).collect();
        for steps in steps.chunks(batch) {
            let mut commands = Vec::new();
            for step in steps {
                match step {
                    Step::Redeem(by, count) => commands.push((redeem(*by, *count), world.now)),
                    Step::Cancel => commands.push((cancel(), world.now)),
                    Step::Wait => world.advance(Span::from_secs(1)),
                }
            }
            for result in world.batch(commands) {
                assert_ne!(result.err(), Some(Refusal::Internal));
            }
            let redemptions: Vec<&Redemption> = world.stored.redemptions.values().collect();
            conserved(&world.stored.vouchers[&ONE], &redemptions, world.now);
            assert_eq!(world.stored.events.len(), redemptions.len(), "each is told once");
            assert!(redemptions.iter().all(|made| made.by != STRANGER && made.count > 0 && made.at() < end));
        }
    }
}
