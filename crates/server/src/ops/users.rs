//! `/ops/v1/partners/{partner}/users`: the people and devices that act for a partner.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use tradewind_app::NewUser;
use tradewind_domain::{Device, User, UserState};

use super::error::OpsError;
use super::extract::{self, Body, Nothing, Params};
use super::{Answer, Ops, wire};

const LOGIN_CHARS_MAX: usize = 64;
const NAME_CHARS_MAX: usize = 200;
/// Hashing is slow on purpose, and slower still for a password that is a book.
const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 8..=256;
const DEVICE_CHARS_MAX: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParams {
    after: Option<String>,
    limit: Option<u32>,
}

pub(super) async fn list(
    State(ops): State<Ops>,
    Path(partner): Path<String>,
    Params(params): Params<ListParams>,
) -> Answer<Json<Value>> {
    let limit = extract::limit(params.limit)?;
    let partner = ops.partner_id(&partner).await?;
    let users = ops.app.store().list_users(partner, params.after, limit).await?;
    let next = wire::next(&users, limit, |user| user.login.clone());
    Ok(Json(json!({ "users": users.iter().map(shown).collect::<Vec<_>>(), "next": next })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Addition {
    login: String,
    password: String,
    name: String,
    may_refund: bool,
    /// The serial number of the device it signs in from.
    #[serde(default)]
    device: String,
}

pub(super) async fn add(
    State(ops): State<Ops>,
    Path(partner): Path<String>,
    Body(new): Body<Addition>,
) -> Answer<(StatusCode, Json<Value>)> {
    let partner = ops.partner_id(&partner).await?;
    if !PASSWORD_CHARS.contains(&new.password.chars().count()) {
        let (least, most) = (PASSWORD_CHARS.start(), PASSWORD_CHARS.end());
        return Err(OpsError::invalid(format!("password: {least} to {most} characters")));
    }
    let user = NewUser {
        login: extract::text("login", new.login, LOGIN_CHARS_MAX)?,
        password: new.password,
        name: extract::text("name", new.name, NAME_CHARS_MAX)?,
        may_refund: new.may_refund,
        // What runs on the device, it tells by itself.
        device: Device { serial: device_serial(new.device)?, ..Device::default() },
        locked: false,
    };
    let added = ops.app.add_user(partner, user).await?;
    Ok((StatusCode::CREATED, Json(shown(&added))))
}

pub(super) async fn disable(
    State(ops): State<Ops>,
    Path((partner, login)): Path<(String, String)>,
    Body(Nothing {}): Body<Nothing>,
) -> Answer<Json<Value>> {
    let partner = ops.partner_id(&partner).await?;
    ops.app.set_user_state(partner, &login, UserState::Locked).await?;
    Ok(Json(json!({ "login": login, "state": state_name(UserState::Locked) })))
}

/// A user need not have a device.
fn device_serial(serial: String) -> Answer<String> {
    if serial.is_empty() { Ok(serial) } else { extract::text("device", serial, DEVICE_CHARS_MAX) }
}

/// Everything but the password's hash, which helps nobody but a thief.
fn shown(user: &User) -> Value {
    json!({
        "id": user.id.to_string(),
        "login": user.login,
        "name": user.name,
        "state": state_name(user.state),
        "may_refund": user.may_refund,
        "device": {
            "serial": user.device.serial,
            "software": user.device.software,
            "version": user.device.version,
        },
        "signed_in_at_ms": user.signed_in_at.map(|at| at.ms()),
        "created_at_ms": user.created_at.ms(),
    })
}

fn state_name(state: UserState) -> &'static str {
    match state {
        UserState::Active => "active",
        UserState::Locked => "locked",
        UserState::Deleted => "deleted",
    }
}
