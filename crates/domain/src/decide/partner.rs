//! Decisions on partners and what belongs to them.

use super::Desk;
use crate::{
    Addition, Credential, Decided, Device, Endpoint, EndpointId, Order, Partner, PartnerId, PartnerPatch,
    PastLimit, Refusal, Timestamp, User, UserState,
};

impl Desk<'_> {
    pub(super) fn add(&mut self, addition: Addition) -> Result<Decided, Refusal> {
        match addition {
            Addition::Partner { partner, credential } => {
                if self.view.credentials().any(|other| same_name(other, &credential)) {
                    return Err(Refusal::Exists { what: "key id" });
                }
                check_terms(&partner)?;
                self.changes.credentials.push(credential);
                self.changes.partners.push(partner.clone());
                Ok(Decided::Partner(Box::new(partner)))
            }
            Addition::Seller(partner) => {
                check_terms(&partner)?;
                self.changes.partners.push(partner.clone());
                Ok(Decided::Partner(Box::new(partner)))
            }
            Addition::Credential(credential) => {
                let partner = self.find_partner(credential.partner)?;
                if self
                    .view
                    .credentials()
                    .any(|other| same_name(other, &credential) && other.partner != partner.id)
                {
                    return Err(Refusal::Exists { what: "key id" });
                }
                self.changes.credentials.push(credential);
                Ok(Decided::Partner(Box::new(partner)))
            }
            Addition::User(user) => self.add_user(user),
            Addition::Endpoint(endpoint) => self.add_endpoint(endpoint),
        }
    }

    fn add_user(&mut self, user: User) -> Result<Decided, Refusal> {
        let partner = self.find_partner(user.partner)?;
        if self.view.user(user.partner, &user.login).is_some() {
            return Err(Refusal::Exists { what: "login" });
        }
        self.changes.users.push(user);
        Ok(Decided::Partner(Box::new(partner)))
    }

    fn add_endpoint(&mut self, endpoint: Endpoint) -> Result<Decided, Refusal> {
        let partner = self.find_partner(endpoint.partner)?;
        if self.view.endpoints(partner.id).iter().any(|other| other.url == endpoint.url) {
            return Err(Refusal::Exists { what: "endpoint" });
        }
        self.changes.endpoints.push(endpoint);
        Ok(Decided::Partner(Box::new(partner)))
    }

    pub(super) fn patch_partner(
        &mut self,
        partner: PartnerId,
        patch: PartnerPatch,
    ) -> Result<Decided, Refusal> {
        let mut partner = self.find_partner(partner)?;
        let PartnerPatch { name, state, methods, fee_ppm, credit_limit, settings } = patch;
        partner.name = name.unwrap_or(partner.name);
        partner.state = state.unwrap_or(partner.state);
        partner.methods = methods.unwrap_or(partner.methods);
        partner.fee_ppm = fee_ppm.unwrap_or(partner.fee_ppm);
        let limit = partner.credit_limit;
        partner.credit_limit = credit_limit.unwrap_or(limit);
        let same_currency = limit.currency() == partner.credit_limit.currency();
        let raised = same_currency && limit.micros() <= partner.credit_limit.micros();
        if !raised && limit.is_positive() {
            // Whoever proves the books needs to know how far the balance was allowed to sink.
            let past = PastLimit { partner: partner.id, limit };
            self.changes.facts.push(past.fact(self.now));
        }
        partner.settings = settings.unwrap_or(partner.settings);
        check_terms(&partner)?;
        self.changes.partners.push(partner.clone());
        Ok(Decided::Partner(Box::new(partner)))
    }

    /// The new credential counts from now on, the others of its dialect no longer than until `end`.
    pub(super) fn rotate_credential(
        &mut self,
        credential: Credential,
        end: Timestamp,
    ) -> Result<Decided, Refusal> {
        let partner = self.find_partner(credential.partner)?;
        if self.view.credentials().any(|other| same_name(other, &credential) && other.partner != partner.id) {
            return Err(Refusal::Exists { what: "key id" });
        }
        let of_dialect =
            |other: &&Credential| other.partner == partner.id && other.dialect == credential.dialect;
        for other in self.view.credentials().filter(of_dialect) {
            let expires_at = Some(other.expires_at.map_or(end, |already| already.min(end)));
            if other.expires_at != expires_at {
                self.changes.credentials.push(Credential { expires_at, ..other.clone() });
            }
        }
        self.changes.credentials.push(credential);
        Ok(Decided::Partner(Box::new(partner)))
    }

    pub(super) fn set_user_state(
        &mut self,
        partner: PartnerId,
        login: &str,
        state: UserState,
    ) -> Result<Decided, Refusal> {
        let mut user = self.find_user(partner, login)?;
        user.state = state;
        self.changes.users.push(user);
        Ok(Decided::Done)
    }

    pub(super) fn record_sign_in(
        &mut self,
        partner: PartnerId,
        login: &str,
        device: Option<Device>,
    ) -> Result<Decided, Refusal> {
        let mut user = self.find_user(partner, login)?;
        user.signed_in_at = Some(self.now);
        if let Some(told) = device {
            user.device.take_up(told);
        }
        self.changes.users.push(user);
        Ok(Decided::Done)
    }

    pub(super) fn remove_endpoint(
        &mut self,
        partner: PartnerId,
        endpoint: EndpointId,
    ) -> Result<Decided, Refusal> {
        if !self.view.endpoints(partner).iter().any(|other| other.id == endpoint) {
            return Err(Refusal::NotFound { what: "endpoint" });
        }
        self.changes.endpoints_removed.push((partner, endpoint));
        Ok(Decided::Done)
    }

    fn find_partner(&self, partner: PartnerId) -> Result<Partner, Refusal> {
        self.view.partner(partner).cloned().ok_or(Refusal::NotFound { what: "partner" })
    }

    fn find_user(&self, partner: PartnerId, login: &str) -> Result<User, Refusal> {
        self.view.user(partner, login).cloned().ok_or(Refusal::NotFound { what: "user" })
    }
}

fn check_terms(partner: &Partner) -> Result<(), Refusal> {
    if partner.fee_ppm > Partner::FEE_PPM_MAX {
        let problem = format!("at most {} millionths can be kept", Partner::FEE_PPM_MAX);
        return Err(Refusal::Field { field: "fee_ppm".into(), problem });
    }
    let limit = partner.credit_limit.micros();
    if !(0..=Order::AMOUNT_MICROS_MAX).contains(&limit) {
        let problem = "must not be negative, nor larger than an order can be".into();
        return Err(Refusal::Field { field: "credit_limit".into(), problem });
    }
    Ok(())
}

fn same_name(one: &Credential, other: &Credential) -> bool {
    one.dialect == other.dialect && one.key_id == other.key_id
}
