//! `/ops/v1/partners/{partner}/deposits` and `.../balance`: what partners have paid in advance.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use tradewind_domain::{Account, AccountDelta, Balance, Currency, Deposit, DepositId, Money};

use super::extract::{self, Body, Params};
use super::wire::decimal;
use super::{Answer, Ops, shelf, wire};

const NUMBER_CHARS_MAX: usize = 64;
const NOTE_CHARS_MAX: usize = 200;
/// Who writes a deposit down: whoever holds the operators' token.
const OPERATOR: &str = "operator";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Addition {
    number: String,
    amount: String,
    #[serde(default)]
    note: String,
}

pub(super) async fn add(
    State(ops): State<Ops>,
    Path(partner): Path<String>,
    Body(new): Body<Addition>,
) -> Answer<(StatusCode, Json<Value>)> {
    let partner = ops.partner_id(&partner).await?;
    let number = extract::text("number", new.number, NUMBER_CHARS_MAX)?;
    let note = if new.note.is_empty() { new.note } else { extract::text("note", new.note, NOTE_CHARS_MAX)? };
    let amount = shelf::money("amount", &new.amount)?;
    let deposit = ops.app.deposit(partner, number, amount, note, OPERATOR.into()).await?;
    Ok((StatusCode::CREATED, Json(json!({ "deposit": shown(&deposit) }))))
}

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
    let partner = ops.partner_id(&partner).await?;
    let limit = extract::limit(params.limit)?;
    let after = params.after.as_deref().map(extract::id::<DepositId>).transpose()?;
    let deposits = ops.app.store().list_deposits(partner, after, limit).await?;
    let next = wire::next(&deposits, limit, |deposit| deposit.id.to_string());
    Ok(Json(json!({ "deposits": deposits.iter().map(shown).collect::<Vec<_>>(), "next": next })))
}

pub(super) async fn balance(State(ops): State<Ops>, Path(partner): Path<String>) -> Answer<Json<Value>> {
    let found = ops.partner(&partner).await?.partner;
    let balances = ops.app.store().balances(found.id).await?;
    let prepaid = |balance: &&Balance| {
        balance.account == Account::Prepaid && balance.currency == found.credit_limit.currency()
    };
    let available = balances.iter().find(prepaid).map_or(0, Balance::available);
    Ok(Json(json!({
        "accounts": balances.iter().map(account).collect::<Vec<_>>(),
        "available": decimal(Money::from_micros(available, found.credit_limit.currency())),
        "credit_limit": decimal(found.credit_limit),
    })))
}

fn account(balance: &Balance) -> Value {
    let Balance { account, currency, sums, .. } = balance;
    let AccountDelta { debits_posted, credits_posted, debits_pending, credits_pending } = *sums;
    let shown = |micros: i64, currency: Currency| decimal(Money::from_micros(micros, currency));
    json!({
        "account": account.code(),
        "currency": currency.code(),
        "debits_posted": shown(debits_posted, *currency),
        "credits_posted": shown(credits_posted, *currency),
        "debits_pending": shown(debits_pending, *currency),
        "credits_pending": shown(credits_pending, *currency),
    })
}

fn shown(deposit: &Deposit) -> Value {
    json!({
        "id": deposit.id.to_string(),
        "partner": deposit.partner.to_string(),
        "number": deposit.number,
        "amount": decimal(deposit.amount),
        "currency": deposit.amount.currency().code(),
        "note": deposit.note,
        "operator": deposit.operator,
        "at_ms": deposit.at().ms(),
    })
}
