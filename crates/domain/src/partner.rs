//! Partners and what belongs to them: credentials, users, endpoints.

use crate::{CredentialId, EndpointId, EventKind, Method, Money, PartnerId, Timestamp, UserId};

/// Whether a partner may do business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartnerState {
    /// In good standing.
    Active,
    /// May not place new business; what exists can still be looked at.
    Suspended,
}

/// An organisation outside: shop, distributor, seller, reseller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partner {
    /// Its id.
    pub id: PartnerId,
    /// A name for people.
    pub name: String,
    /// Whether it may do business.
    pub state: PartnerState,
    /// The payment methods it may use.
    pub methods: Vec<Method>,
    /// What the operator keeps of each payment, in millionths of the amount.
    pub fee_ppm: u32,
    /// How far its prepaid balance may go below nothing; never negative.
    pub credit_limit: Money,
    /// Switches of the partner's dialects: one JSON object with a member for each dialect. Opaque here.
    pub settings: String,
    /// When it was added.
    pub created_at: Timestamp,
}

impl Partner {
    /// The largest share the operator can keep, in millionths: everything.
    pub const FEE_PPM_MAX: u32 = 1_000_000;
}

/// Key material of a partner for one dialect. Several may be valid at once, so that keys can be
/// rotated with overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Its id.
    pub id: CredentialId,
    /// Whose it is.
    pub partner: PartnerId,
    /// The dialect it is for.
    pub dialect: String,
    /// What the caller names itself by, unique per dialect and partner.
    pub key_id: String,
    /// The secret, encrypted at rest; only the vault can read it.
    pub sealed_secret: Vec<u8>,
    /// When it was added.
    pub created_at: Timestamp,
    /// From this instant on it no longer counts; `None` while it has no end.
    pub expires_at: Option<Timestamp>,
}

impl Credential {
    /// Whether it counts at `now`.
    pub fn is_valid(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|end| now < end)
    }
}

/// Whether a user may sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserState {
    /// May sign in.
    Active,
    /// May not sign in for now.
    Locked,
    /// Gone; kept so that its deeds keep their author.
    Deleted,
}

/// The device a user signs in from; every part may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Device {
    /// Serial number, for instance an IMEI.
    pub serial: String,
    /// Kind of terminal software, as the device reports it.
    pub software: String,
    /// Version of the terminal software.
    pub version: String,
}

impl Device {
    /// Takes up what a device tells of itself; what it leaves empty stays as it is known.
    pub fn take_up(&mut self, told: Device) {
        let parts = [
            (&mut self.serial, told.serial),
            (&mut self.software, told.software),
            (&mut self.version, told.version),
        ];
        for (known, told) in parts {
            if !told.is_empty() {
                *known = told;
            }
        }
    }
}

/// A person or device that acts for a partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its id.
    pub id: UserId,
    /// Whom it acts for.
    pub partner: PartnerId,
    /// What it signs in with, unique within the partner.
    pub login: String,
    /// Name for people.
    pub name: String,
    /// Argon2id hash of the password in PHC text form.
    pub password_hash: String,
    /// Whether it may sign in.
    pub state: UserState,
    /// Whether it may give money back.
    pub may_refund: bool,
    /// The device, as far as known.
    pub device: Device,
    /// The latest sign-in.
    pub signed_in_at: Option<Timestamp>,
    /// When it was added.
    pub created_at: Timestamp,
}

/// Where a partner wants to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// Whose it is.
    pub partner: PartnerId,
    /// The dialect in which it is told.
    pub dialect: String,
    /// The address, http or https.
    pub url: String,
    /// What it wants to hear of.
    pub events: Vec<EventKind>,
    /// When it was added.
    pub created_at: Timestamp,
}
