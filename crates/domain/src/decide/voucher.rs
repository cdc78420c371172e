//! Decisions on vouchers: issuing, redeeming, cancelling.

use super::Desk;
use crate::{
    Decided, OrderId, OrderRef, PartnerId, PartnerState, Redemption, RedemptionId, Refusal, Voucher,
    VoucherCode, VoucherId, VoucherStanding, VoucherState,
};

/// Who redeems, where, and how much.
pub(super) struct Use {
    pub(super) by: PartnerId,
    pub(super) device: String,
    pub(super) count: u32,
}

impl Desk<'_> {
    /// The same content under the same number is the same voucher: whoever lost the answer asks again,
    /// because its code is told nowhere else.
    pub(super) fn issue_voucher(&mut self, voucher: Voucher) -> Result<Decided, Refusal> {
        let partner = self.view.partner(voucher.partner).ok_or(Refusal::UnknownPartner)?;
        if partner.state == PartnerState::Suspended {
            return Err(Refusal::PartnerSuspended);
        }
        if let Some(known) = self.view.voucher_by_number(voucher.partner, &voucher.number) {
            return if known.fingerprint == voucher.fingerprint {
                Ok(Decided::Voucher(Box::new(known.clone())))
            } else {
                Err(Refusal::NumberTaken { same: false })
            };
        }
        if Voucher::is_reserved(&voucher.number) {
            let problem = "numbers of this form are given by the gateway".into();
            return Err(Refusal::Field { field: "number".into(), problem });
        }
        if self.view.voucher_by_code(voucher.code).is_some() {
            return Err(Refusal::Exists { what: "voucher code" });
        }
        if !(1..=Voucher::ORDERED_MAX).contains(&voucher.ordered) {
            let problem = format!("a voucher has 1 to {} uses", Voucher::ORDERED_MAX);
            return Err(Refusal::Field { field: "ordered".into(), problem });
        }
        check_shares(&voucher)?;
        let is_new = voucher.used == 0 && voucher.refunded == 0 && voucher.locked == 0;
        // Vouchers of orders are made by paying for them.
        let stands_alone = voucher.order.is_none();
        if !is_new || !stands_alone || voucher.state != VoucherState::Active || voucher.cancelled_at.is_some()
        {
            return Err(Refusal::Internal);
        }
        self.changes.vouchers.push(voucher.clone());
        Ok(Decided::Voucher(Box::new(voucher)))
    }

    /// What is used of a voucher that an order has bought is used of the order's line too.
    pub(super) fn redeem_voucher(
        &mut self,
        partner: PartnerId,
        voucher: VoucherId,
        order: Option<OrderId>,
        made: Use,
    ) -> Result<Decided, Refusal> {
        let Use { by, device, count } = made;
        let voucher = self.view.voucher(partner, voucher).cloned();
        // A stranger is not told that there is such a voucher.
        let mut voucher = voucher.filter(|voucher| voucher.concerns(by)).ok_or_else(no_such_voucher)?;
        if voucher.order != order {
            return Err(Refusal::Internal);
        }
        self.check_redeemable(&voucher, by, count)?;
        voucher.used = voucher.used.checked_add(count).ok_or(Refusal::Internal)?;
        if let Some(share) = voucher.shares.iter_mut().find(|share| share.partners.contains(&by)) {
            share.used = share.used.checked_add(count).ok_or(Refusal::Internal)?;
        }
        let id = RedemptionId::make(self.ids, self.now);
        let (used_so_far, left) = (voucher.used, voucher.unused());
        let mut redemption =
            Redemption { id, voucher: voucher.id, partner, by, device, count, used_so_far, left };
        match order {
            None => self.raise_redeemed(&voucher, &redemption),
            Some(order) => self.redeem_of_order(partner, order, &mut redemption)?,
        }
        self.changes.vouchers.push(voucher.clone());
        self.changes.redemptions.push(redemption.clone());
        Ok(Decided::Redeemed(Box::new(voucher), Box::new(redemption)))
    }

    fn check_redeemable(&self, voucher: &Voucher, by: PartnerId, count: u32) -> Result<(), Refusal> {
        match voucher.standing(self.now) {
            VoucherStanding::Active => {}
            VoucherStanding::UsedUp => return Err(wrong_state("all of the voucher has been used")),
            VoucherStanding::Expired => return Err(wrong_state("the voucher's time is over")),
            VoucherStanding::Refunded => return Err(wrong_state("the voucher has been given back")),
            VoucherStanding::Cancelled => return Err(Refusal::AlreadyRevoked),
        }
        if voucher.valid_from.is_some_and(|from| self.now < from) {
            return Err(wrong_state("the voucher's time has not come"));
        }
        if count == 0 {
            return Err(Refusal::Field { field: "count".into(), problem: "must be positive".into() });
        }
        if count > voucher.unused() {
            return Err(wrong_state("not as much is left of the voucher"));
        }
        if count > voucher.usable(self.now) {
            return Err(wrong_state("a refund of the voucher is under review"));
        }
        if count > voucher.usable_by(by, self.now) {
            return Err(wrong_state("the quota of those who may redeem it is used up"));
        }
        Ok(())
    }

    fn redeem_of_order(
        &mut self,
        partner: PartnerId,
        order: OrderId,
        redemption: &mut Redemption,
    ) -> Result<(), Refusal> {
        let mut order = self.view.order(partner, &OrderRef::Id(order)).cloned().ok_or(Refusal::Internal)?;
        let line = order.line.as_mut().ok_or(Refusal::Internal)?;
        if redemption.count > line.usable() {
            return Err(Refusal::Internal);
        }
        line.used = line.used.checked_add(redemption.count).ok_or(Refusal::Internal)?;
        (redemption.used_so_far, redemption.left) = (line.used, line.left());
        self.raise_redeemed_of(&order, redemption);
        self.changes.orders.push(order);
        Ok(())
    }

    /// Ends what has not been used, also when its time is over. What has been used stays used.
    pub(super) fn cancel_voucher(
        &mut self,
        partner: PartnerId,
        number: &str,
        code: VoucherCode,
    ) -> Result<Decided, Refusal> {
        let voucher = self.view.voucher_by_number(partner, number).cloned();
        let mut voucher = voucher.filter(|voucher| voucher.code == code).ok_or_else(no_such_voucher)?;
        if voucher.order.is_some() {
            return Err(wrong_state("the voucher goes back with its order"));
        }
        match voucher.standing(self.now) {
            VoucherStanding::Active | VoucherStanding::Expired => {}
            VoucherStanding::Refunded => return Err(wrong_state("the voucher has been given back")),
            VoucherStanding::UsedUp => return Err(wrong_state("all of the voucher has been used")),
            VoucherStanding::Cancelled => return Err(Refusal::AlreadyRevoked),
        }
        voucher.state = VoucherState::Cancelled;
        voucher.cancelled_at = Some(self.now);
        self.changes.vouchers.push(voucher.clone());
        Ok(Decided::Voucher(Box::new(voucher)))
    }
}

/// Who stands in two shares would have two quotas.
fn check_shares(voucher: &Voucher) -> Result<(), Refusal> {
    let mut named: Vec<PartnerId> =
        voucher.shares.iter().flat_map(|share| share.partners.iter().copied()).collect();
    let all = named.len();
    named.sort_unstable();
    named.dedup();
    if named.len() < all {
        let problem = "a partner is named twice".into();
        return Err(Refusal::Field { field: "shares".into(), problem });
    }
    if voucher.shares.iter().any(|share| share.used != 0) {
        return Err(Refusal::Internal);
    }
    Ok(())
}

fn no_such_voucher() -> Refusal {
    Refusal::NotFound { what: "voucher" }
}

fn wrong_state(problem: &'static str) -> Refusal {
    Refusal::WrongState { problem }
}
