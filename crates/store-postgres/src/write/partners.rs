//! Partners and what belongs to them. Seldom written; versioned, because nobody locks them.

use std::collections::BTreeSet;

use tradewind_domain::WriteSet;

use super::{all_of, column, count, insert, update};
use crate::codes::{Code, names_text};
use crate::load::Seen;
use crate::session::Step;

const INSERT_PARTNERS: &str = "INSERT INTO partners (id, name, state, methods, fee_ppm, settings, created_at, \
     credit_limit, credit_currency) SELECT * FROM unnest($1::bigint[], $2::text[], $3::smallint[], $4::text[], \
     $5::bigint[], $6::text[], $7::bigint[], $8::bigint[], $9::text[])";

const UPDATE_PARTNERS: &str = all_of!(
    "$10",
    "UPDATE partners p SET name = k.name, state = k.state, methods = k.methods, fee_ppm = k.fee_ppm, \
     settings = k.settings, credit_limit = k.credit_limit, credit_currency = k.credit_currency, \
     version = p.version + 1 \
     FROM unnest($1::bigint[], $2::text[], $3::smallint[], $4::text[], $5::bigint[], $6::text[], $7::bigint[], \
     $8::text[], $9::bigint[]) \
     AS k (id, name, state, methods, fee_ppm, settings, credit_limit, credit_currency, version) \
     WHERE p.id = k.id AND (k.version IS NULL OR p.version = k.version)"
);

/// Changes no row when the key id belongs to another partner.
const CLAIM_KEY_IDS: &str = all_of!(
    "$4",
    "INSERT INTO key_ids (dialect, key_id, partner) SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[]) \
     ON CONFLICT (dialect, key_id) DO UPDATE SET partner = excluded.partner \
     WHERE key_ids.partner = excluded.partner"
);

const INSERT_CREDENTIALS: &str = "INSERT INTO credentials \
     (partner, id, dialect, key_id, sealed_secret, created_at, expires_at) SELECT * FROM unnest( \
     $1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bytea[], $6::bigint[], $7::bigint[])";

const UPDATE_CREDENTIALS: &str = all_of!(
    "$6",
    "UPDATE credentials c SET sealed_secret = k.sealed_secret, expires_at = k.expires_at, \
     version = c.version + 1 \
     FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bigint[], $5::bigint[]) \
     AS k (partner, id, sealed_secret, expires_at, version) \
     WHERE c.partner = k.partner AND c.id = k.id AND (k.version IS NULL OR c.version = k.version)"
);

const INSERT_USERS: &str = "INSERT INTO users (partner, login, id, name, password_hash, state, may_refund, \
     device_serial, device_software, device_version, signed_in_at, created_at) SELECT * FROM unnest( \
     $1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::smallint[], $7::boolean[], \
     $8::text[], $9::text[], $10::text[], $11::bigint[], $12::bigint[])";

const UPDATE_USERS: &str = all_of!(
    "$12",
    "UPDATE users u SET name = k.name, password_hash = k.password_hash, state = k.state, \
     may_refund = k.may_refund, device_serial = k.device_serial, device_software = k.device_software, \
     device_version = k.device_version, signed_in_at = k.signed_in_at, version = u.version + 1 \
     FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::smallint[], $6::boolean[], \
     $7::text[], $8::text[], $9::text[], $10::bigint[], $11::bigint[]) AS k (partner, login, name, \
     password_hash, state, may_refund, device_serial, device_software, device_version, signed_in_at, version) \
     WHERE u.partner = k.partner AND u.login = k.login AND (k.version IS NULL OR u.version = k.version)"
);

const INSERT_ENDPOINTS: &str = "INSERT INTO endpoints (partner, id, dialect, url, events, created_at) \
     SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::bigint[])";

const DELETE_ENDPOINTS: &str = "DELETE FROM endpoints e USING unnest($1::bigint[], $2::bigint[]) \
     AS k (partner, id) WHERE e.partner = k.partner AND e.id = k.id";

pub(super) fn write<'a>(set: &'a WriteSet, seen: &Seen, steps: &mut Vec<Step<'a>>) {
    // Partners come first, because what belongs to them refers to them.
    insert(steps, INSERT_PARTNERS, &set.partners_new, |rows| {
        vec![
            column(rows, |partner| partner.id.get()),
            column(rows, |partner| partner.name.clone()),
            column(rows, |partner| partner.state.code()),
            column(rows, |partner| names_text(partner.methods.iter().map(|method| method.name()))),
            column(rows, |partner| i64::from(partner.fee_ppm)),
            column(rows, |partner| partner.settings.clone()),
            column(rows, |partner| partner.created_at.ms()),
            column(rows, |partner| partner.credit_limit.micros()),
            column(rows, |partner| partner.credit_limit.currency().code().to_owned()),
        ]
    });
    update(steps, UPDATE_PARTNERS, &set.partners_changed, |rows| {
        vec![
            column(rows, |partner| partner.id.get()),
            column(rows, |partner| partner.name.clone()),
            column(rows, |partner| partner.state.code()),
            column(rows, |partner| names_text(partner.methods.iter().map(|method| method.name()))),
            column(rows, |partner| i64::from(partner.fee_ppm)),
            column(rows, |partner| partner.settings.clone()),
            column(rows, |partner| partner.credit_limit.micros()),
            column(rows, |partner| partner.credit_limit.currency().code().to_owned()),
            column(rows, |partner| seen.partners.get(&partner.id.get()).copied()),
        ]
    });
    credentials(set, seen, steps);
    users(set, seen, steps);
    insert(steps, INSERT_ENDPOINTS, &set.endpoints_new, |rows| {
        vec![
            column(rows, |endpoint| endpoint.partner.get()),
            column(rows, |endpoint| endpoint.id.get()),
            column(rows, |endpoint| endpoint.dialect.clone()),
            column(rows, |endpoint| endpoint.url.clone()),
            column(rows, |endpoint| names_text(endpoint.events.iter().map(|kind| kind.name()))),
            column(rows, |endpoint| endpoint.created_at.ms()),
        ]
    });
    insert(steps, DELETE_ENDPOINTS, &set.endpoints_removed, |rows| {
        vec![column(rows, |(partner, _)| partner.get()), column(rows, |(_, id)| id.get())]
    });
}

fn credentials<'a>(set: &'a WriteSet, seen: &Seen, steps: &mut Vec<Step<'a>>) {
    // Several credentials of one key id claim it once.
    let claims: BTreeSet<(&str, &str, i64)> = set
        .credentials_new
        .iter()
        .map(|credential| (credential.dialect.as_str(), credential.key_id.as_str(), credential.partner.get()))
        .collect();
    let claims: Vec<_> = claims.into_iter().collect();
    if !claims.is_empty() {
        let values = vec![
            column(&claims, |claim| claim.0.to_owned()),
            column(&claims, |claim| claim.1.to_owned()),
            column(&claims, |claim| claim.2),
            count(claims.len()),
        ];
        steps.push(Step::query(CLAIM_KEY_IDS, values));
    }
    insert(steps, INSERT_CREDENTIALS, &set.credentials_new, |rows| {
        vec![
            column(rows, |credential| credential.partner.get()),
            column(rows, |credential| credential.id.get()),
            column(rows, |credential| credential.dialect.clone()),
            column(rows, |credential| credential.key_id.clone()),
            column(rows, |credential| credential.sealed_secret.clone()),
            column(rows, |credential| credential.created_at.ms()),
            column(rows, |credential| credential.expires_at.map(|at| at.ms())),
        ]
    });
    update(steps, UPDATE_CREDENTIALS, &set.credentials_changed, |rows| {
        vec![
            column(rows, |credential| credential.partner.get()),
            column(rows, |credential| credential.id.get()),
            column(rows, |credential| credential.sealed_secret.clone()),
            column(rows, |credential| credential.expires_at.map(|at| at.ms())),
            column(rows, |credential| {
                seen.credentials.get(&(credential.partner.get(), credential.id.get())).copied()
            }),
        ]
    });
}

fn users<'a>(set: &'a WriteSet, seen: &Seen, steps: &mut Vec<Step<'a>>) {
    insert(steps, INSERT_USERS, &set.users_new, |rows| {
        vec![
            column(rows, |user| user.partner.get()),
            column(rows, |user| user.login.clone()),
            column(rows, |user| user.id.get()),
            column(rows, |user| user.name.clone()),
            column(rows, |user| user.password_hash.clone()),
            column(rows, |user| user.state.code()),
            column(rows, |user| user.may_refund),
            column(rows, |user| user.device.serial.clone()),
            column(rows, |user| user.device.software.clone()),
            column(rows, |user| user.device.version.clone()),
            column(rows, |user| user.signed_in_at.map(|at| at.ms())),
            column(rows, |user| user.created_at.ms()),
        ]
    });
    update(steps, UPDATE_USERS, &set.users_changed, |rows| {
        vec![
            column(rows, |user| user.partner.get()),
            column(rows, |user| user.login.clone()),
            column(rows, |user| user.name.clone()),
            column(rows, |user| user.password_hash.clone()),
            column(rows, |user| user.state.code()),
            column(rows, |user| user.may_refund),
            column(rows, |user| user.device.serial.clone()),
            column(rows, |user| user.device.software.clone()),
            column(rows, |user| user.device.version.clone()),
            column(rows, |user| user.signed_in_at.map(|at| at.ms())),
            column(rows, |user| seen.users.get(&(user.partner.get(), user.login.clone())).copied()),
        ]
    });
}
