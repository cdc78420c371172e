//! Vouchers: written and read back, unique by number and code, listed by who redeemed, used up.

use tradewind_domain::{
    About, Command, Decided, DeliveryResult, EventKind, ListRedemptions, Need, PartnerId, Redemption,
    RedemptionId, RedemptionPage, Share, Span, Task, TaskKey, Timestamp, Voucher, VoucherState, WriteSet,
};

use super::Fixture;
use super::desk::Desk;
use super::life::check_clean;
use super::samples::{self, NOW};
use crate::{LeaseRequest, RedemptionQuery, StoreError};

const OWNER: PartnerId = PartnerId::from_i64(1);
const OTHER: PartnerId = PartnerId::from_i64(2);

/// Vouchers in both states, bare and with everything filled, found by every name; their redemptions,
/// events and tasks.
pub async fn vouchers_and_what_belongs_to_them(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let bare = samples::voucher(1, 1, "号 1'\"");
    let filled = Voucher {
        ordered: u32::MAX,
        used: u32::MAX,
        state: VoucherState::Cancelled,
        valid_until: Some(NOW),
        cancelled_at: Some(NOW),
        shares: vec![
            Share { partners: vec![OTHER, PartnerId::from_i64(i64::MAX)], quota: u32::MAX, used: 1 },
            Share { partners: vec![OWNER], quota: 1, used: 0 },
        ],
        notify_url: Some("http://127.0.0.1/told?a=b".into()),
        details: Some("{\"c\":\"x\"}".into()),
        ..samples::voucher(1, 2, "2")
    };
    let written = WriteSet { vouchers_new: vec![bare.clone(), filled.clone()], ..WriteSet::default() };
    desk.commit(&written).await.unwrap();
    for voucher in [&bare, &filled] {
        let names = [
            Need::Voucher(OWNER, voucher.id),
            Need::VoucherNumber(OWNER, voucher.number.clone()),
            Need::VoucherCode(voucher.code),
        ];
        for need in names {
            assert_eq!(desk.read(need.clone()).await.vouchers, std::slice::from_ref(voucher), "{need:?}");
            assert_eq!(desk.load(&[need]).await.vouchers, std::slice::from_ref(voucher));
        }
        for stranger in [Need::Voucher(OTHER, voucher.id), Need::VoucherNumber(OTHER, voucher.number.clone())]
        {
            assert!(desk.read(stranger).await.vouchers.is_empty());
        }
    }
    let mut changed = [bare, filled];
    for voucher in &mut changed {
        voucher.used = 7;
        voucher.state = if voucher.state == VoucherState::Active {
            VoucherState::Cancelled
        } else {
            VoucherState::Active
        };
        voucher.cancelled_at = voucher.cancelled_at.is_none().then_some(NOW);
        voucher.shares = if voucher.shares.is_empty() {
            vec![Share { partners: vec![OTHER], quota: 3, used: 2 }]
        } else {
            Vec::new()
        };
    }
    let update = WriteSet { vouchers_changed: changed.to_vec(), ..WriteSet::default() };
    desk.commit(&update).await.unwrap();
    for voucher in changed {
        assert_eq!(desk.load(&[Need::VoucherCode(voucher.code)]).await.vouchers, [voucher]);
    }
}

/// An event about a voucher comes with the redemption that it tells; its task is leased like any other.
pub async fn events_and_tasks_of_vouchers(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    desk.add_partner(1).await;
    let voucher = issue(&mut desk, samples::voucher(1, 1, "1")).await;
    let (_, first) = redeem(&mut desk, &voucher, OWNER, 2).await;
    let (_, second) = redeem(&mut desk, &voucher, OWNER, 1).await;
    for (number, redemption) in [(1, first), (2, second)] {
        for rows in
            [desk.read(Need::Event(OWNER, number)).await, desk.load(&[Need::Event(OWNER, number)]).await]
        {
            let [event] = rows.events.as_slice() else { panic!("{rows:?}") };
            assert_eq!((event.kind, event.about), (EventKind::VoucherRedeemed, About::Voucher(voucher.id)));
            assert_eq!(event.redemption, Some(redemption.id));
            assert_eq!(rows.redemptions, std::slice::from_ref(&redemption));
        }
    }
    let listed = desk.store.list_events(OWNER, 0, 9).await.unwrap();
    assert!(listed.iter().all(|event| event.about == About::Voucher(voucher.id)) && listed.len() == 2);
    let request = LeaseRequest {
        now: desk.now,
        limit: 10,
        limit_per_partner: 10,
        lease_for: std::time::Duration::from_secs(60),
    };
    // The sample endpoint does not listen to vouchers, so the task is put beside the event by hand.
    let key = TaskKey { about: About::Voucher(voucher.id), ..samples::task(1, 1, 9, 0).key };
    let task = Task { key, ..samples::task(1, 1, 9, 0) };
    desk.commit(&WriteSet { tasks_new: vec![task.clone()], ..WriteSet::default() }).await.unwrap();
    assert_eq!(desk.read(Need::Task(key)).await.tasks, [task]);
    let leased = desk.store.lease_tasks(request.clone()).await.unwrap();
    assert_eq!(leased.tasks.iter().map(|task| task.key).collect::<Vec<_>>(), [key]);
    desk.must(Command::RecordDelivery { key, attempt: 1, result: DeliveryResult::Acknowledged }).await;
    assert!(desk.store.lease_tasks(request).await.unwrap().tasks.is_empty());
    check_clean(&desk).await;
    desk.commit(&WriteSet { tasks_removed: vec![key], ..WriteSet::default() }).await.unwrap();
    assert!(desk.read(Need::Task(key)).await.tasks.is_empty());
}

/// A number is unique in its partner's books, a code in the whole gateway; an update needs its row.
pub async fn unique_names_conflict(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let voucher = samples::voucher(1, 1, "taken");
    let made = samples::redemption(&voucher, 1);
    let first = WriteSet {
        vouchers_new: vec![voucher.clone()],
        redemptions: vec![made.clone()],
        ..WriteSet::default()
    };
    desk.commit(&first).await.unwrap();
    let new = |voucher| WriteSet { vouchers_new: vec![voucher], ..WriteSet::default() };
    let same_code = Voucher { code: voucher.code, ..samples::voucher(2, 11, "theirs") };
    let absent = Voucher { partner: OTHER, ..voucher.clone() };
    let conflicts = [
        ("number", new(samples::voucher(1, 10, "taken"))),
        ("code", new(same_code)),
        ("id", new(Voucher { code: samples::voucher_code(9), ..samples::voucher(1, 1, "free") })),
        ("redemption", WriteSet { redemptions: vec![made], ..WriteSet::default() }),
        (
            "no such row",
            WriteSet { vouchers_changed: vec![samples::voucher(1, 5, "5")], ..WriteSet::default() },
        ),
        ("another's row", WriteSet { vouchers_changed: vec![absent], ..WriteSet::default() }),
    ];
    for (what, set) in conflicts {
        let result = desk.commit(&set).await;
        assert!(matches!(result, Err(StoreError::Conflict(_))), "{what}: {result:?}");
    }
    desk.commit(&new(samples::voucher(2, 12, "taken"))).await.unwrap();
    assert_eq!(desk.read(Need::VoucherCode(voucher.code)).await.vouchers, [voucher]);
    assert!(desk.read(Need::VoucherCode(samples::voucher_code(10))).await.vouchers.is_empty());
}

/// What one partner has redeemed at one device, newest first, whoever issued the vouchers.
pub async fn redemptions_by_page_and_filter(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    let vouchers = [samples::voucher(1, 1, "1"), samples::voucher(2, 2, "2")];
    let second = |n: i64| NOW + Span::from_secs(n);
    let redemptions: Vec<Redemption> = (0..12)
        .map(|n| {
            let voucher = &vouchers[usize::from(n % 2 == 1)];
            Redemption {
                id: RedemptionId::first_at(second(n)),
                by: if n % 4 == 3 { OWNER } else { OTHER },
                device: if n < 10 { "gate 1".into() } else { "gate 2".into() },
                count: u32::try_from(n).unwrap() + 1,
                ..samples::redemption(voucher, n)
            }
        })
        .collect();
    let written = WriteSet {
        vouchers_new: vouchers.to_vec(),
        redemptions: redemptions.iter().rev().cloned().collect(),
        ..WriteSet::default()
    };
    desk.commit(&written).await.unwrap();
    let all = ListRedemptions {
        device: "gate 1".into(),
        from: NOW,
        until: second(100),
        id: None,
        code: None,
        page: 1,
        page_size: 100,
    };
    let check = async |by: PartnerId, list: ListRedemptions, expected: &[i64]| {
        let RedemptionPage { entries, total } = list_of(&desk, by, list.clone()).await;
        let expected: Vec<&Redemption> =
            expected.iter().map(|n| &redemptions[usize::try_from(*n).unwrap()]).collect();
        assert_eq!(entries.iter().map(|(made, _)| made).collect::<Vec<_>>(), expected, "{list:?}");
        assert_eq!(total, Some(entries.len() as u64), "{list:?}");
        for (made, voucher) in &entries {
            assert_eq!(vouchers.iter().find(|known| known.id == made.voucher), Some(voucher));
        }
        let sized = |page| ListRedemptions { page, page_size: 2, ..list.clone() };
        let mut paged = Vec::new();
        for page in 1.. {
            let found = list_of(&desk, by, sized(page)).await;
            assert_eq!(found.total, total, "{list:?}");
            if found.entries.is_empty() {
                break;
            }
            paged.extend(found.entries);
        }
        assert_eq!(paged, entries, "{list:?}");
    };
    check(OTHER, all.clone(), &[9, 8, 6, 5, 4, 2, 1, 0]).await;
    check(OWNER, all.clone(), &[7, 3]).await;
    check(PartnerId::from_i64(3), all.clone(), &[]).await;
    check(OTHER, ListRedemptions { device: "gate 2".into(), ..all.clone() }, &[10]).await;
    check(OTHER, ListRedemptions { device: "gate".into(), ..all.clone() }, &[]).await;
    check(OTHER, ListRedemptions { from: second(2), until: second(6), ..all.clone() }, &[5, 4, 2]).await;
    check(OTHER, ListRedemptions { from: Timestamp::from_ms(0), until: NOW, ..all.clone() }, &[]).await;
    check(OTHER, ListRedemptions { id: Some(redemptions[5].id), ..all.clone() }, &[5]).await;
    check(OTHER, ListRedemptions { id: Some(redemptions[7].id), ..all.clone() }, &[]).await;
    check(OTHER, ListRedemptions { code: Some(vouchers[1].code), ..all.clone() }, &[9, 5, 1]).await;
    check(OTHER, ListRedemptions { code: Some(samples::voucher_code(77)), ..all.clone() }, &[]).await;
    let both = ListRedemptions { id: Some(redemptions[4].id), code: Some(vouchers[1].code), ..all };
    check(OTHER, both, &[]).await;
}

async fn list_of(desk: &Desk, by: PartnerId, list: ListRedemptions) -> RedemptionPage {
    desk.store.list_redemptions(RedemptionQuery { by, list }).await.unwrap()
}

/// Issued, redeemed by many in one batch and one after the other, cancelled; everything agrees.
pub async fn a_voucher_is_used_up(fixture: Fixture) {
    let mut desk = Desk::open(&fixture.store).await;
    desk.add_partner(1).await;
    desk.add_partner(2).await;
    let shares = vec![Share { partners: vec![OTHER], quota: 3, used: 0 }];
    let voucher = issue(&mut desk, Voucher { shares, ..samples::voucher(1, 1, "A1") }).await;
    check_clean(&desk).await;
    let wishes = (0..40).map(|n| command(&voucher, if n % 2 == 0 { OTHER } else { OWNER }, 1)).collect();
    let made = desk.batch(wishes).await.into_iter().filter(Result::is_ok).count();
    assert_eq!(made, 10, "as many as it has");
    check_clean(&desk).await;
    let rows = desk.load(&[Need::VoucherCode(voucher.code)]).await;
    assert_eq!((rows.vouchers[0].used, rows.vouchers[0].shares[0].used), (10, 3));
    assert!(desk.run(command(&voucher, OWNER, 1)).await.is_err());
    let other = issue(&mut desk, samples::voucher(1, 2, "A2")).await;
    redeem(&mut desk, &other, OWNER, 4).await;
    let (partner, number, code) = (other.partner, other.number.clone(), other.code);
    desk.must(Command::CancelVoucher { partner, number, code }).await;
    check_clean(&desk).await;
    let checked = desk.store.verify().await.unwrap().checked;
    for (what, count) in [("vouchers", 2), ("redemptions", 11), ("events", 11)] {
        assert!(checked.contains(&(what, count)), "{what}: {checked:?}");
    }
}

/// A voucher of which the issuer has redeemed two uses and another partner one.
pub(super) async fn used(desk: &mut Desk, id: i64) -> Voucher {
    let shares = vec![Share { partners: vec![OTHER], quota: 5, used: 0 }];
    let voucher = issue(desk, Voucher { shares, ..samples::voucher(1, id, &id.to_string()) }).await;
    redeem(desk, &voucher, OWNER, 2).await;
    redeem(desk, &voucher, OTHER, 1).await.0
}

fn command(voucher: &Voucher, by: PartnerId, count: u32) -> Command {
    Command::RedeemVoucher {
        partner: voucher.partner,
        voucher: voucher.id,
        by,
        device: "gate 1".into(),
        count,
        order: voucher.order,
    }
}

async fn issue(desk: &mut Desk, voucher: Voucher) -> Voucher {
    match desk.must(Command::IssueVoucher(Box::new(voucher))).await {
        Decided::Voucher(voucher) => *voucher,
        other => panic!("a voucher was issued and led to {other:?}"),
    }
}

async fn redeem(desk: &mut Desk, voucher: &Voucher, by: PartnerId, count: u32) -> (Voucher, Redemption) {
    match desk.must(command(voucher, by, count)).await {
        Decided::Redeemed(voucher, redemption) => (*voucher, *redemption),
        other => panic!("a voucher was redeemed and led to {other:?}"),
    }
}
