//! `/ops/v1/partners/{partner}/endpoints`: where a partner wants to be told.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use tradewind_dialect::Dialect;
use tradewind_domain::{Endpoint, EndpointId, EventKind, Need};
use tradewind_egress::Egress;

use super::error::OpsError;
use super::extract::{self, Body, Params};
use super::{Answer, Ops, partners, wire};

const URL_BYTES_MAX: usize = 2048;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParams {
    after: Option<String>,
    limit: Option<u32>,
}

/// A partner's endpoints are few: whatever is decided about the partner has all of them at hand.
pub(super) async fn list(
    State(ops): State<Ops>,
    Path(partner): Path<String>,
    Params(params): Params<ListParams>,
) -> Answer<Json<Value>> {
    let limit = extract::limit(params.limit)?;
    let after = params.after.as_deref().map(extract::id::<EndpointId>).transpose()?;
    let partner = ops.partner_id(&partner).await?;
    let view = ops.app.view(vec![Need::Partner(partner)]).await?;
    let mut endpoints: Vec<&Endpoint> = view.endpoints(partner).iter().collect();
    endpoints.sort_by_key(|endpoint| endpoint.id);
    endpoints.retain(|endpoint| after.is_none_or(|after| endpoint.id > after));
    endpoints.truncate(limit as usize);
    let next = wire::next(&endpoints, limit, |endpoint| endpoint.id.to_string());
    Ok(Json(json!({ "endpoints": endpoints.into_iter().map(shown).collect::<Vec<_>>(), "next": next })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Addition {
    url: String,
    events: Vec<String>,
    /// Needed only by a partner with keys of several dialects.
    dialect: Option<String>,
}

pub(super) async fn add(
    State(ops): State<Ops>,
    Path(partner): Path<String>,
    Body(new): Body<Addition>,
) -> Answer<(StatusCode, Json<Value>)> {
    let found = ops.partner(&partner).await?;
    let name = partners::dialect_of(&found, new.dialect.as_deref())?;
    let dialect = ops.dialects.get(&name).ok_or_else(OpsError::internal)?;
    check_url(&ops.egress, &new.url)?;
    let events = events(&new.events, dialect.as_ref())?;
    let added = ops.app.add_endpoint(found.partner.id, &name, new.url, events).await?;
    Ok((StatusCode::CREATED, Json(shown(&added))))
}

pub(super) async fn remove(
    State(ops): State<Ops>,
    Path((partner, endpoint)): Path<(String, String)>,
) -> Answer<Json<Value>> {
    let partner = ops.partner_id(&partner).await?;
    let endpoint: EndpointId = extract::id(&endpoint)?;
    ops.app.remove_endpoint(partner, endpoint).await?;
    Ok(Json(json!({ "id": endpoint.to_string(), "removed": true })))
}

/// What can be said of an address without looking its name up; the rest is checked at every delivery,
/// for names may move.
fn check_url(egress: &Egress, url: &str) -> Answer<()> {
    if url.len() > URL_BYTES_MAX {
        return Err(OpsError::invalid(format!("url: at most {URL_BYTES_MAX} bytes")));
    }
    egress.check_url(url).map(drop).map_err(|error| OpsError::invalid(format!("url: {error}")))
}

fn events(names: &[String], dialect: &dyn Dialect) -> Answer<Vec<EventKind>> {
    let known = dialect.notifies();
    let mut events = Vec::with_capacity(names.len());
    for name in names {
        let kind = EventKind::from_name(name).filter(|kind| known.contains(kind));
        let kind = kind.ok_or_else(|| {
            let known: Vec<&str> = known.iter().map(|kind| kind.name()).collect();
            OpsError::invalid(format!("events: {name:?} is not one of {}", known.join(", ")))
        })?;
        if !events.contains(&kind) {
            events.push(kind);
        }
    }
    if events.is_empty() {
        return Err(OpsError::invalid("events: at least one"));
    }
    Ok(events)
}

fn shown(endpoint: &Endpoint) -> Value {
    json!({
        "id": endpoint.id.to_string(),
        "dialect": endpoint.dialect,
        "url": endpoint.url,
        "events": endpoint.events.iter().map(|kind| kind.name()).collect::<Vec<_>>(),
        "created_at_ms": endpoint.created_at.ms(),
    })
}

#[cfg(test)]
mod tests {
    use tradewind_egress::{AddressPolicy, Egress, EgressConfig};

    use super::check_url;

    #[test]
    fn addresses_that_could_never_be_called_are_refused() {
        let check = |url: &str, policy: AddressPolicy, good: bool| {
            let egress = Egress::new(EgressConfig { policy, ..EgressConfig::default() });
            assert_eq!(check_url(&egress, url).is_ok(), good, "{url} {policy:?}");
        };
        check("https://shop.example/notify", AddressPolicy::PublicOnly, true);
        check("http://127.0.0.1:9000/n", AddressPolicy::PublicOnly, false);
        check("http://127.0.0.1:9000/n", AddressPolicy::AllowLoopback, true);
        check("http://10.0.0.1/n", AddressPolicy::AllowLoopback, false);
        check("http://10.0.0.1/n", AddressPolicy::AllowPrivate, true);
        check("ftp://shop.example/", AddressPolicy::PublicOnly, false);
        check(&format!("http://shop.example/{}", "x".repeat(2048)), AddressPolicy::PublicOnly, false);
    }
}
