//! Vouchers: issuing with a code of its own, looking, redeeming, cancelling, and what was redeemed.

use tradewind_domain::{
    Command, Decided, ListRedemptions, Need, Outcome, PartnerId, RedeemCall, Refusal, Share, Voucher,
    VoucherCall, VoucherCode, VoucherId, VoucherState,
};
use tradewind_signing::random_bytes;
use tradewind_store::RedemptionQuery;

use crate::App;
use crate::execute::whole;

/// A code that is taken is drawn again. Even with thousands of millions of codes in use, so many in a
/// row are not met by chance.
pub(crate) const CODES_TRIED_MAX: u32 = 8;

impl App {
    pub(crate) async fn issue_voucher(
        &self,
        partner: PartnerId,
        dialect: &'static str,
        call: VoucherCall,
    ) -> Result<Outcome, Refusal> {
        let shares = self.shares(dialect, call.shares).await?;
        let mut voucher = Voucher {
            id: VoucherId::make(&self.ids, self.now()),
            partner,
            dialect: dialect.to_owned(),
            number: call.number,
            fingerprint: call.fingerprint,
            code: random_code()?,
            subject: call.subject,
            ordered: call.ordered,
            used: 0,
            refunded: 0,
            locked: 0,
            state: VoucherState::Active,
            order: None,
            seller: None,
            valid_from: None,
            valid_until: call.valid_until,
            cancelled_at: None,
            shares,
            notify_url: call.notify_url,
            details: call.details,
        };
        for _ in 1..CODES_TRIED_MAX {
            match self.submit(Command::IssueVoucher(Box::new(voucher.clone()))).await {
                Ok(decided) => return voucher_of(decided),
                Err(Refusal::Exists { .. }) => voucher.code = random_code()?,
                Err(refusal) => return Err(refusal),
            }
        }
        voucher_of(self.submit(Command::IssueVoucher(Box::new(voucher))).await?)
    }

    /// Who may redeem, by the key ids that the issuer knows them by.
    async fn shares(
        &self,
        dialect: &'static str,
        named: Vec<(Vec<String>, u32)>,
    ) -> Result<Vec<Share>, Refusal> {
        let mut shares = Vec::with_capacity(named.len());
        for (key_ids, quota) in named {
            let mut partners = Vec::with_capacity(key_ids.len());
            for key_id in key_ids {
                let identity = self.identity(dialect, &key_id).await.map_err(|refusal| match refusal {
                    Refusal::UnknownPartner => {
                        let problem = "is not known".to_owned();
                        Refusal::Field { field: format!("redeemer {key_id}"), problem }
                    }
                    other => other,
                })?;
                partners.push(identity.partner.id);
            }
            shares.push(Share { partners, quota, used: 0 });
        }
        Ok(shares)
    }

    pub(crate) async fn find_voucher(&self, partner: PartnerId, number: String) -> Result<Outcome, Refusal> {
        let view = self.view(vec![Need::VoucherNumber(partner, number.clone())]).await?;
        let voucher = view.voucher_by_number(partner, &number).cloned();
        voucher.map(|voucher| Outcome::Voucher(Box::new(voucher))).ok_or(no_such_voucher())
    }

    pub(crate) async fn redeem_voucher(&self, by: PartnerId, call: RedeemCall) -> Result<Outcome, Refusal> {
        let RedeemCall { code, device, count, confirm } = call;
        let view = self.view(vec![Need::VoucherCode(code)]).await?;
        // A stranger is not told that there is such a voucher.
        let voucher = view.voucher_by_code(code).filter(|voucher| voucher.concerns(by));
        let voucher = voucher.ok_or(no_such_voucher())?;
        if !confirm {
            let usable = voucher.usable_by(by, self.now());
            return Ok(Outcome::Redeemable(Box::new(voucher.clone()), usable));
        }
        let (partner, voucher, order) = (voucher.partner, voucher.id, voucher.order);
        match self.submit(Command::RedeemVoucher { partner, voucher, by, device, count, order }).await? {
            Decided::Redeemed(voucher, redemption) => Ok(Outcome::Redeemed(voucher, redemption)),
            _ => Err(Refusal::Internal),
        }
    }

    pub(crate) async fn cancel_voucher(
        &self,
        partner: PartnerId,
        number: String,
        code: VoucherCode,
    ) -> Result<Outcome, Refusal> {
        voucher_of(self.submit(Command::CancelVoucher { partner, number, code }).await?)
    }

    pub(crate) async fn list_redemptions(
        &self,
        by: PartnerId,
        list: ListRedemptions,
    ) -> Result<Outcome, Refusal> {
        let page_size = list.page_size;
        let page = self.store.list_redemptions(RedemptionQuery { by, list }).await;
        let page = page.map_err(|error| self.storage(&error))?;
        whole(page.total, page.entries.len(), page_size)?;
        Ok(Outcome::Redemptions(page))
    }
}

fn voucher_of(decided: Decided) -> Result<Outcome, Refusal> {
    match decided {
        Decided::Voucher(voucher) => Ok(Outcome::Voucher(voucher)),
        _ => Err(Refusal::Internal),
    }
}

fn no_such_voucher() -> Refusal {
    Refusal::NotFound { what: "voucher" }
}

/// Sixty-four bits by chance, reduced to the codes there are: none is favoured by more than one part in
/// eighteen thousand.
pub(crate) fn random_code() -> Result<VoucherCode, Refusal> {
    let payload = u64::from_le_bytes(random_bytes()) % VoucherCode::PAYLOADS;
    VoucherCode::of_payload(payload).ok_or(Refusal::Internal)
}
