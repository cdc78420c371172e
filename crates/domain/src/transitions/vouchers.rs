//! Vouchers in every standing, and what is done to them.

use super::scenes::{EXPIRES, NOW, PARTNER, Scene};
use super::{Column, column};
use crate::{
    Command, PartnerId, Share, Timestamp, View, Voucher, VoucherCode, VoucherId, VoucherStanding,
    VoucherState,
};

const VOUCHER: VoucherId = VoucherId::first_at(NOW);
const NUMBER: &str = "V";
/// Named in a share of every voucher.
const SHARING: PartnerId = PartnerId::first_at(EXPIRES);
const STRANGER: PartnerId = PartnerId::from_i64(1);
const ORDERED: u32 = 3;

/// Vouchers in every standing; first the one that is not there.
pub(super) fn scenes() -> Vec<Scene> {
    use VoucherStanding as S;
    let standings = super::scenes::chain(S::Active, |standing| match standing {
        S::Active => Some(S::UsedUp),
        S::UsedUp => Some(S::Expired),
        S::Expired => Some(S::Cancelled),
        S::Cancelled => Some(S::Refunded),
        S::Refunded => None,
    });
    std::iter::once(Scene::voucher("(none)", None)).chain(standings.into_iter().flat_map(scenes_in)).collect()
}

fn scenes_in(standing: VoucherStanding) -> Vec<Scene> {
    let scene = |name: &str, edit: fn(&mut Voucher)| {
        let mut voucher = voucher();
        edit(&mut voucher);
        Scene::voucher(name, Some(voucher))
    };
    match standing {
        VoucherStanding::Active => vec![
            scene("active, unused", |_| {}),
            scene("active, one use left", |voucher| voucher.used = ORDERED - 1),
            scene("active, quota used up", |voucher| {
                voucher.used = 1;
                voucher.shares.iter_mut().for_each(|share| share.used = 1);
            }),
        ],
        VoucherStanding::UsedUp => vec![scene("used up", |voucher| voucher.used = ORDERED)],
        VoucherStanding::Expired => vec![scene("expired", |voucher| voucher.valid_until = Some(NOW))],
        VoucherStanding::Cancelled => vec![scene("cancelled", |voucher| {
            voucher.state = VoucherState::Cancelled;
            voucher.cancelled_at = Some(NOW);
        })],
        VoucherStanding::Refunded => vec![scene("refunded", |voucher| {
            voucher.used = 1;
            voucher.refunded = ORDERED - 1;
        })],
    }
}

/// What is done to vouchers.
pub(super) fn columns() -> Vec<Column> {
    let issue = |detail: &str, fingerprint: i64| {
        column(detail, NOW, move |_| Command::IssueVoucher(Box::new(Voucher { fingerprint, ..voucher() })))
    };
    let redeem = |detail: &str, by: PartnerId, count: u32| {
        column(detail, NOW, move |_| Command::RedeemVoucher {
            partner: PARTNER,
            voucher: VOUCHER,
            by,
            device: String::new(),
            count,
            order: None,
        })
    };
    let cancel = |detail: &str, payload: u64| {
        column(detail, NOW, move |_| Command::CancelVoucher {
            partner: PARTNER,
            number: NUMBER.into(),
            code: code(payload),
        })
    };
    vec![
        issue("", 1),
        issue("with other content", 2),
        redeem("one", PARTNER, 1),
        redeem("two", PARTNER, 2),
        redeem("one by who shares", SHARING, 1),
        redeem("one by a stranger", STRANGER, 1),
        cancel("", 1),
        cancel("with another code", 2),
    ]
}

/// Where the voucher stands.
pub(super) fn state(view: &View, at: Timestamp) -> Option<&'static str> {
    view.voucher(PARTNER, VOUCHER).map(|voucher| voucher.standing(at).name())
}

fn code(payload: u64) -> VoucherCode {
    VoucherCode::of_payload(payload).unwrap_or_else(|| unreachable!("{payload} has few digits"))
}

fn voucher() -> Voucher {
    Voucher {
        id: VOUCHER,
        partner: PARTNER,
        dialect: "native".into(),
        number: NUMBER.into(),
        fingerprint: 1,
        code: code(1),
        subject: "Sample".into(),
        ordered: ORDERED,
        used: 0,
        refunded: 0,
        locked: 0,
        state: VoucherState::Active,
        order: None,
        seller: None,
        valid_from: None,
        valid_until: Some(EXPIRES),
        cancelled_at: None,
        shares: vec![Share { partners: vec![SHARING], quota: 1, used: 0 }],
        notify_url: None,
        details: None,
    }
}
