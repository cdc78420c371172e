//! `/ops/v1/products`, `/ops/v1/skus`: what is sold, how, and how much of it.
//!
//! What is shown of a product or sku has the form in which it is added; a change is merged into that form
//! member by member, a null taking one back to its default.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use tradewind_domain::{Day, Need, Product, ProductId, Sku, SkuId, Timestamp};

use super::error::OpsError;
use super::extract::{self, Body, Params};
use super::shelf::{self, Merge, ProductForm, SkuForm, StockForm};
use super::{Answer, Ops, wire};

/// Days of stock shown in one answer: those of the longest plan.
const DAYS_SHOWN: i32 = 799;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SellerName {
    name: String,
}

pub(super) async fn add_seller(
    State(ops): State<Ops>,
    Body(new): Body<SellerName>,
) -> Answer<(StatusCode, Json<Value>)> {
    let name = extract::text("name", new.name, shelf::TITLE_CHARS_MAX)?;
    let seller = ops.app.add_seller(name).await?;
    Ok((StatusCode::CREATED, Json(json!({ "id": seller.id.to_string(), "name": seller.name }))))
}

#[derive(Deserialize)]
pub(super) struct ProductAddition {
    seller: String,
    #[serde(flatten)]
    product: serde_json::Map<String, Value>,
}

pub(super) async fn add_product(
    State(ops): State<Ops>,
    Body(new): Body<ProductAddition>,
) -> Answer<(StatusCode, Json<Value>)> {
    let seller = ops.partner_id(&new.seller).await?;
    let form: ProductForm = shelf::read(Value::Object(new.product))?;
    let product = form.product(ops.app.new_product_id(), seller)?;
    let saved = ops.app.save_product(product).await?;
    Ok((StatusCode::CREATED, Json(json!({ "product": shelf::product(&saved), "skus": [] }))))
}

pub(super) async fn show_product(State(ops): State<Ops>, Path(product): Path<String>) -> Answer<Json<Value>> {
    let (product, skus) = find_product(&ops, extract::id(&product)?).await?;
    Ok(Json(json!({ "product": shelf::product(&product), "skus": shown(&skus) })))
}

pub(super) async fn change_product(
    State(ops): State<Ops>,
    Path(product): Path<String>,
    Body(change): Body<Merge>,
) -> Answer<Json<Value>> {
    // Products are read, changed and written back; two changes at once would lose one.
    let _alone = ops.partner_changes.lock().await;
    let (product, skus) = find_product(&ops, extract::id(&product)?).await?;
    let form: ProductForm = shelf::merged(&ProductForm::of(&product), change)?;
    let saved = ops.app.save_product(form.product(product.id, product.seller)?).await?;
    Ok(Json(json!({ "product": shelf::product(&saved), "skus": shown(&skus) })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListParams {
    seller: Option<String>,
    after: Option<String>,
    limit: Option<u32>,
}

pub(super) async fn list_products(
    State(ops): State<Ops>,
    Params(params): Params<ListParams>,
) -> Answer<Json<Value>> {
    let limit = extract::limit(params.limit)?;
    let seller = match &params.seller {
        None => None,
        Some(seller) => Some(ops.partner_id(seller).await?),
    };
    let after = params.after.as_deref().map(extract::id::<ProductId>).transpose()?;
    let rows = ops.app.store().list_products(seller, after, limit).await?;
    let next = wire::next(&rows.products, limit, |product| product.id.to_string());
    let entry = |product: &Product| {
        let skus: Vec<Sku> = rows.skus.iter().filter(|sku| sku.product == product.id).cloned().collect();
        json!({ "product": shelf::product(product), "skus": shown(&skus) })
    };
    let products: Vec<Value> = rows.products.iter().map(entry).collect();
    Ok(Json(json!({ "products": products, "next": next })))
}

pub(super) async fn add_sku(
    State(ops): State<Ops>,
    Path(product): Path<String>,
    Body(form): Body<SkuForm>,
) -> Answer<(StatusCode, Json<Value>)> {
    let (product, _) = find_product(&ops, extract::id(&product)?).await?;
    let sku = form.sku(ops.app.new_sku_id(), product.seller, product.id)?;
    let saved = ops.app.save_sku(sku).await?;
    Ok((StatusCode::CREATED, Json(json!({ "sku": shelf::sku(&saved) }))))
}

pub(super) async fn show_sku(State(ops): State<Ops>, Path(sku): Path<String>) -> Answer<Json<Value>> {
    let (sku, product) = find_sku(&ops, &sku).await?;
    Ok(Json(json!({ "sku": shelf::sku(&sku), "product": shelf::product(&product) })))
}

pub(super) async fn change_sku(
    State(ops): State<Ops>,
    Path(sku): Path<String>,
    Body(change): Body<Merge>,
) -> Answer<Json<Value>> {
    let _alone = ops.partner_changes.lock().await;
    let (sku, _) = find_sku(&ops, &sku).await?;
    let form: SkuForm = shelf::merged(&SkuForm::of(&sku), change)?;
    let saved = ops.app.save_sku(form.sku(sku.id, sku.seller, sku.product)?).await?;
    Ok(Json(json!({ "sku": shelf::sku(&saved) })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DaysParams {
    from: Option<String>,
    until: Option<String>,
}

pub(super) async fn list_stock(
    State(ops): State<Ops>,
    Path(sku): Path<String>,
    Params(params): Params<DaysParams>,
) -> Answer<Json<Value>> {
    let (sku, _) = find_sku(&ops, &sku).await?;
    let today = Day::of(ops.app.clock().now(), ops.app.config().day_offset);
    let from = params.from.as_deref().map(shelf::day).transpose()?.unwrap_or(today);
    let until = params.until.as_deref().map(shelf::day).transpose()?.unwrap_or(from.plus(DAYS_SHOWN));
    Ok(Json(json!({ "stocks": stocks(&ops, sku.id, from, until).await? })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Plans {
    plans: Vec<StockForm>,
}

pub(super) async fn plan_stock(
    State(ops): State<Ops>,
    Path(sku): Path<String>,
    Body(plans): Body<Plans>,
) -> Answer<Json<Value>> {
    let (sku, _) = find_sku(&ops, &sku).await?;
    let plans = plans.plans.into_iter().map(StockForm::plan).collect::<Answer<Vec<_>>>()?;
    let days = || plans.iter().filter_map(|plan| plan.day);
    let (first, last) = (days().min(), days().max());
    ops.app.plan_stock(sku.seller, sku.id, plans).await?;
    let first = first.unwrap_or(Day::from_number(0));
    let last = last.unwrap_or(first);
    Ok(Json(json!({ "stocks": stocks(&ops, sku.id, first, last).await? })))
}

/// The stock of the sku itself, where it has one, and those of its days.
async fn stocks(ops: &Ops, sku: SkuId, from: Day, until: Day) -> Answer<Vec<Value>> {
    let undated = tradewind_domain::StockKey { sku, day: None };
    let view = ops.app.view(vec![Need::Stock(undated)]).await?;
    let days = ops.app.store().list_stocks(sku, from, until).await?;
    Ok(view.stock(undated).into_iter().chain(&days).map(shelf::stock).collect())
}

async fn find_product(ops: &Ops, id: ProductId) -> Answer<(Product, Vec<Sku>)> {
    let view = ops.app.view(vec![Need::Product(id)]).await?;
    let product = view.product(id).cloned().ok_or_else(|| OpsError::not_found("there is no such product"))?;
    Ok((product, view.skus_of(id).into_iter().cloned().collect()))
}

pub(super) async fn find_sku(ops: &Ops, text: &str) -> Answer<(Sku, Product)> {
    let id = shelf::sku_id(text)?;
    let view = ops.app.view(vec![Need::Sku(id)]).await?;
    let sku = view.sku(id).cloned().ok_or_else(|| OpsError::not_found("there is no such sku"))?;
    let product = view.product(sku.product).cloned().ok_or_else(OpsError::internal)?;
    Ok((sku, product))
}

fn shown(skus: &[Sku]) -> Vec<Value> {
    skus.iter().map(shelf::sku).collect()
}

/// When a thing that is about to be saved was changed is known only then.
pub(super) const NOT_YET: Timestamp = Timestamp::from_ms(0);
