//! `/ops/v1/partners`: adding, looking at and changing partners and their keys.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tradewind_app::{NewPartner, PartnerWithKeys};
use tradewind_dialect::Dialect;
use tradewind_domain::{Credential, Method, Money, Partner, PartnerId, PartnerPatch, PartnerState, Span};
use tradewind_signing::Secret;

use super::error::OpsError;
use super::extract::{self, Body, Nothing, Params};
use super::{Answer, Ops, shelf, wire};
use crate::dialects;

const NAME_CHARS_MAX: usize = 200;
/// How long the old secret counts on after a rotation, unless asked otherwise: a day, in which the
/// partner can bring the new one to all its machines.
const OVERLAP_DEFAULT_S: u32 = 24 * 3600;
const OVERLAP_MAX_S: u32 = 366 * 24 * 3600;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParams {
    #[serde(default)]
    secrets: bool,
    after: Option<String>,
    limit: Option<u32>,
}

pub(super) async fn list(State(ops): State<Ops>, Params(params): Params<ListParams>) -> Answer<Json<Value>> {
    let limit = extract::limit(params.limit)?;
    let after = params.after.as_deref().map(extract::id::<PartnerId>).transpose()?;
    let rows = ops.app.store().list_partners(after, limit).await?;
    let next = wire::next(&rows.partners, limit, |partner| partner.id.to_string());
    let mut partners = Vec::with_capacity(rows.partners.len());
    for partner in rows.partners {
        let of_partner = rows.credentials.iter().filter(|credential| credential.partner == partner.id);
        let mut credentials: Vec<Credential> = of_partner.cloned().collect();
        credentials.sort_by_key(|credential| std::cmp::Reverse(credential.id));
        partners.push(shown(&ops, &PartnerWithKeys { partner, credentials }, params.secrets)?);
    }
    Ok(Json(json!({ "partners": partners, "next": next })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShowParams {
    #[serde(default)]
    secrets: bool,
}

pub(super) async fn show(
    State(ops): State<Ops>,
    Path(partner): Path<String>,
    Params(params): Params<ShowParams>,
) -> Answer<Json<Value>> {
    let found = ops.partner(&partner).await?;
    Ok(Json(shown(&ops, &found, params.secrets)?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Addition {
    dialect: String,
    key_id: String,
    name: String,
    secret: Option<String>,
    settings: Option<Map<String, Value>>,
    methods: Option<Vec<String>>,
    fee_ppm: Option<u32>,
    credit_limit: Option<String>,
}

pub(super) async fn add(
    State(ops): State<Ops>,
    Body(new): Body<Addition>,
) -> Answer<(StatusCode, Json<Value>)> {
    let dialect = dialect(&ops, &new.dialect)?;
    let secret = new.secret.unwrap_or_else(|| dialect.new_secret());
    let switches = new.settings.unwrap_or_default();
    check(dialect, &new.key_id, &secret, &switches)?;
    let partner = NewPartner {
        dialect: new.dialect.clone(),
        key_id: new.key_id,
        secret: Secret::new(secret.clone()),
        name: extract::text("name", new.name, NAME_CHARS_MAX)?,
        settings: dialects::with_switches("", &new.dialect, switches),
        methods: match new.methods {
            Some(names) => methods(&names)?,
            None => dialect.default_methods(),
        },
        fee_ppm: fee(new.fee_ppm.unwrap_or(0))?,
        credit_limit: credit_limit(new.credit_limit.as_deref().unwrap_or("0"))?,
        suspended: false,
    };
    let added = ops.app.add_partner(partner).await?;
    let mut answer = shown(&ops, &ops.partner(&added.id.to_string()).await?, false)?;
    answer["secret"] = secret.into();
    Ok((StatusCode::CREATED, Json(answer)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    name: Option<String>,
    /// The dialect whose switches `settings` are; needed only by a partner with several.
    dialect: Option<String>,
    settings: Option<Map<String, Value>>,
    methods: Option<Vec<String>>,
    fee_ppm: Option<u32>,
    credit_limit: Option<String>,
}

pub(super) async fn change(
    State(ops): State<Ops>,
    Path(partner): Path<String>,
    Body(change): Body<Change>,
) -> Answer<Json<Value>> {
    // Settings are read, changed and written back; two changes at once would lose one.
    let _alone = ops.partner_changes.lock().await;
    let found = ops.partner(&partner).await?;
    let settings = match change.settings {
        None => None,
        Some(changes) => Some(changed_settings(&ops, &found, change.dialect.as_deref(), changes)?),
    };
    let patch = PartnerPatch {
        name: change.name.map(|name| extract::text("name", name, NAME_CHARS_MAX)).transpose()?,
        state: None,
        methods: change.methods.map(|names| methods(&names)).transpose()?,
        fee_ppm: change.fee_ppm.map(fee).transpose()?,
        credit_limit: change.credit_limit.as_deref().map(credit_limit).transpose()?,
        settings,
    };
    patched(&ops, found, patch).await
}

pub(super) async fn enable(
    State(ops): State<Ops>,
    Path(partner): Path<String>,
    Body(Nothing {}): Body<Nothing>,
) -> Answer<Json<Value>> {
    set_state(&ops, &partner, PartnerState::Active).await
}

pub(super) async fn disable(
    State(ops): State<Ops>,
    Path(partner): Path<String>,
    Body(Nothing {}): Body<Nothing>,
) -> Answer<Json<Value>> {
    set_state(&ops, &partner, PartnerState::Suspended).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotation {
    /// Needed only by a partner with keys of several dialects.
    dialect: Option<String>,
    secret: Option<String>,
    overlap_s: Option<u32>,
}

pub(super) async fn rotate(
    State(ops): State<Ops>,
    Path(partner): Path<String>,
    Body(rotation): Body<Rotation>,
) -> Answer<Json<Value>> {
    let found = ops.partner(&partner).await?;
    let name = dialect_of(&found, rotation.dialect.as_deref())?;
    let dialect = dialect(&ops, &name)?;
    let secret = rotation.secret.unwrap_or_else(|| dialect.new_secret());
    let overlap_s = rotation.overlap_s.unwrap_or(OVERLAP_DEFAULT_S);
    if overlap_s > OVERLAP_MAX_S {
        return Err(OpsError::invalid(format!("overlap_s: at most {OVERLAP_MAX_S}")));
    }
    let key_id = key_id_of(&found, &name)?;
    check(dialect, key_id, &secret, &dialects::switches(&found.partner.settings, &name))?;
    let overlap = Span::from_secs(i64::from(overlap_s));
    let credential = ops.app.rotate(found.partner.id, &name, Secret::new(secret), overlap).await?;
    Ok(Json(shown_key(&ops, &credential, true)?))
}

async fn set_state(ops: &Ops, partner: &str, state: PartnerState) -> Answer<Json<Value>> {
    let found = ops.partner(partner).await?;
    patched(ops, found, PartnerPatch { state: Some(state), ..PartnerPatch::default() }).await
}

async fn patched(ops: &Ops, found: PartnerWithKeys, patch: PartnerPatch) -> Answer<Json<Value>> {
    let partner = ops.app.patch_partner(found.partner.id, patch).await?;
    Ok(Json(shown(ops, &PartnerWithKeys { partner, ..found }, false)?))
}

fn shown(ops: &Ops, found: &PartnerWithKeys, secrets: bool) -> Answer<Value> {
    let credentials: Vec<Value> =
        found.credentials.iter().map(|key| shown_key(ops, key, secrets)).collect::<Answer<_>>()?;
    let Partner { id, name, state, methods, fee_ppm, credit_limit, settings, created_at } = &found.partner;
    Ok(json!({
        "id": id.to_string(),
        "name": name,
        "state": match state {
            PartnerState::Active => "active",
            PartnerState::Suspended => "suspended",
        },
        "methods": methods.iter().map(Method::name).collect::<Vec<_>>(),
        "fee_ppm": fee_ppm,
        "credit_limit": wire::decimal(*credit_limit),
        "settings": serde_json::from_str::<Value>(settings).unwrap_or_default(),
        "created_at_ms": created_at.ms(),
        "credentials": credentials,
    }))
}

fn shown_key(ops: &Ops, credential: &Credential, with_secret: bool) -> Answer<Value> {
    let secret = ops.app.reveal(credential)?;
    let mut shown = json!({
        "id": credential.id.to_string(),
        "dialect": credential.dialect,
        "key_id": credential.key_id,
        "fingerprint": secret.fingerprint(),
        "created_at_ms": credential.created_at.ms(),
        "expires_at_ms": credential.expires_at.map(|at| at.ms()),
    });
    if with_secret {
        shown["secret"] = String::from_utf8_lossy(secret.expose()).into();
    }
    Ok(shown)
}

fn changed_settings(
    ops: &Ops,
    found: &PartnerWithKeys,
    asked: Option<&str>,
    changes: Map<String, Value>,
) -> Answer<String> {
    let name = dialect_of(found, asked)?;
    let switches = dialects::merge(dialects::switches(&found.partner.settings, &name), changes);
    let key_id = key_id_of(found, &name)?;
    let newest = found.credentials.iter().find(|credential| credential.dialect == name);
    let secret = ops.app.reveal(newest.ok_or_else(OpsError::internal)?)?;
    check(dialect(ops, &name)?, key_id, secret.expose_str().unwrap_or_default(), &switches)?;
    Ok(dialects::with_switches(&found.partner.settings, &name, switches))
}

fn dialect<'a>(ops: &'a Ops, name: &str) -> Answer<&'a Arc<dyn Dialect>> {
    let known = || ops.dialects.names().join(", ");
    ops.dialects.get(name).ok_or_else(|| OpsError::invalid(format!("dialect: one of {}", known())))
}

/// The dialect that is meant: the one that was named, or the only one the partner has keys for.
pub(super) fn dialect_of(found: &PartnerWithKeys, asked: Option<&str>) -> Answer<String> {
    let names: HashSet<&str> =
        found.credentials.iter().map(|credential| credential.dialect.as_str()).collect();
    match (asked, names.iter().next()) {
        (Some(asked), _) if names.contains(asked) => Ok(asked.to_owned()),
        (Some(asked), _) => Err(OpsError::invalid(format!("dialect: the partner has no keys for {asked}"))),
        (None, Some(only)) if names.len() == 1 => Ok((*only).to_owned()),
        (None, _) => Err(OpsError::invalid("dialect: the partner has keys for several, say which is meant")),
    }
}

fn key_id_of<'a>(found: &'a PartnerWithKeys, dialect: &str) -> Answer<&'a str> {
    let newest = found.credentials.iter().find(|credential| credential.dialect == dialect);
    newest.map(|credential| credential.key_id.as_str()).ok_or_else(OpsError::internal)
}

fn check(
    dialect: &Arc<dyn Dialect>,
    key_id: &str,
    secret: &str,
    switches: &Map<String, Value>,
) -> Answer<()> {
    let switches = Value::Object(switches.clone()).to_string();
    dialect.check_partner(key_id, secret, &switches).map_err(OpsError::invalid)
}

fn methods(names: &[String]) -> Answer<Vec<Method>> {
    let mut methods: Vec<Method> = Vec::with_capacity(names.len());
    for name in names {
        let method =
            Method::new(name).ok_or_else(|| OpsError::invalid(format!("methods: {name:?} is no name")))?;
        if methods.contains(&method) {
            return Err(OpsError::invalid(format!("methods: {name} is named twice")));
        }
        methods.push(method);
    }
    Ok(methods)
}

fn credit_limit(text: &str) -> Answer<Money> {
    let limit = shelf::money("credit_limit", text)?;
    if limit.micros() < 0 {
        return Err(OpsError::invalid("credit_limit: not below zero"));
    }
    Ok(limit)
}

fn fee(ppm: u32) -> Answer<u32> {
    if ppm > Partner::FEE_PPM_MAX {
        return Err(OpsError::invalid(format!("fee_ppm: at most {}", Partner::FEE_PPM_MAX)));
    }
    Ok(ppm)
}

#[cfg(test)]
mod tests {
    use tradewind_domain::Method;

    use super::methods;

    #[test]
    fn methods_are_names_and_differ() {
        let check = |names: &[&str], expected: Option<&[Method]>| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(methods(&names).ok().as_deref(), expected, "{names:?}");
        };
        check(&[], Some(&[]));
        check(&["alipay", "wechat"], Some(&[Method::ALIPAY, Method::WECHAT]));
        check(&["alipay", "alipay"], None);
        check(&["Ali Pay"], None);
        check(&[""], None);
    }
}
