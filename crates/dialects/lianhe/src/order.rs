//! `creatOrder`, `payOrder` and `newOrder`, which does both at once (sections 5.3 to 5.5).

use tradewind_dialect::codec::Writer;
use tradewind_domain::{
    Call, Money, OrderId, OrderStage, PayCall, PaymentState, Purchase, PurchaseCall, PurchaseProblem,
    PurchaseRef, Refusal, StockKey,
};

use crate::errors::{Code, Failure};
use crate::fields::{Fields, missing, own_id};
use crate::price::deal_id;
use crate::status::OrderStatus;
use crate::visitor::travellers;

/// Maps `creatOrder`. Whether the codes are sent is told when it is paid.
pub(crate) fn create(fields: &Fields<'_>) -> Result<Call, Refusal> {
    purchase(fields, None, true)
}

/// Maps `newOrder`.
pub(crate) fn create_and_pay(fields: &Fields<'_>) -> Result<Call, Refusal> {
    let payment = fields.id("payId")?.map(str::to_owned);
    purchase(fields, Some(payment), send_codes(fields)?)
}

fn purchase(fields: &Fields<'_>, pay: Option<Option<String>>, send_codes: bool) -> Result<Call, Refusal> {
    let number = fields.id_required("orderId")?.to_owned();
    let Wanted { stock, quantity, sell } = Wanted::read(fields)?;
    let cost = fields.yuan("buyPrice")?;
    let travellers = travellers(fields)?;
    Ok(Call::Purchase(Box::new(PurchaseCall {
        number,
        fingerprint: fingerprint(stock, quantity, sell),
        stock,
        quantity,
        sell,
        cost,
        travellers,
        send_codes,
        pay,
        details: None,
    })))
}

/// Maps `payOrder`.
pub(crate) fn pay(fields: &Fields<'_>) -> Result<Call, Refusal> {
    let order = order_ref(fields)?;
    let Wanted { stock, quantity, sell } = Wanted::read(fields)?;
    let payment = fields.id("payId")?.map(str::to_owned);
    let send_codes = send_codes(fields)?;
    let traveller = travellers(fields)?.into_iter().next();
    // It takes the place of one whose number was checked.
    if traveller.as_ref().is_none_or(|traveller| traveller.mobile.trim().is_empty()) {
        return Err(Refusal::Purchase(PurchaseProblem::MobileMissing));
    }
    Ok(Call::PayPurchase(Box::new(PayCall { order, stock, quantity, sell, payment, traveller, send_codes })))
}

/// What an order is about.
struct Wanted {
    stock: StockKey,
    quantity: u32,
    sell: Money,
}

impl Wanted {
    fn read(fields: &Fields<'_>) -> Result<Wanted, Refusal> {
        let deal = fields.id_required("LHDealId")?;
        let sell = fields.yuan_required("sellPrice")?;
        let quantity = fields.quantity()?;
        let day = fields.day("travelDate")?;
        Ok(Wanted { stock: StockKey { sku: deal_id(deal)?, day }, quantity, sell })
    }
}

/// Binds the partner's number to the deal, quantity, price and date (section 4), whichever of the
/// operations used it.
fn fingerprint(stock: StockKey, quantity: u32, sell: Money) -> i64 {
    tradewind_signing::content_fingerprint(&[
        stock.sku.get().to_string().as_bytes(),
        quantity.to_string().as_bytes(),
        sell.micros().to_string().as_bytes(),
        stock.day.map(|day| day.to_string()).unwrap_or_default().as_bytes(),
    ])
}

/// `smsfrom`: 0 leaves it to the platform, 1 to the partner.
fn send_codes(fields: &Fields<'_>) -> Result<bool, Refusal> {
    fields.flag("smsfrom").map(|by_partner| !by_partner)
}

/// An order by both of its names.
pub(crate) fn order_ref(fields: &Fields<'_>) -> Result<PurchaseRef, Refusal> {
    let (number, order) = both_names(fields)?;
    Ok(PurchaseRef { number: number.to_owned(), order: Some(order) })
}

/// `orderId` and `LHOrderId`.
pub(crate) fn both_names<'m>(fields: &Fields<'m>) -> Result<(&'m str, OrderId), Refusal> {
    let number = fields.id_required("orderId")?;
    Ok((number, order_id(fields.id_required("LHOrderId")?)?))
}

/// What cannot be an id of ours names no order.
pub(crate) fn order_id(text: &str) -> Result<OrderId, Refusal> {
    own_id(text).map(OrderId::from_i64).ok_or(Refusal::OrderNotFound)
}

/// What keeps a purchase from being a success of an operation that pays: nothing else than money that was
/// taken counts.
pub(crate) fn unpaid(purchase: &Purchase) -> Option<(Failure, OrderStatus)> {
    match (purchase.order.stage, purchase.payment.state) {
        (OrderStage::Paid, _) => None,
        (OrderStage::Open, PaymentState::Declined) => {
            Some((Failure::coded(Code::BalanceTooLow), OrderStatus::PaymentFailed))
        }
        (OrderStage::Open | OrderStage::Revoked | OrderStage::Closed, _) => {
            Some((Failure::wrong_state(), OrderStatus::of_stage(&purchase.order)))
        }
    }
}

/// Writes the answer of the three operations.
pub(crate) fn write(writer: &mut Writer, lh_order_id: &str, status: OrderStatus, voucher: &str) {
    writer.text("LHOrderId", lh_order_id);
    writer.int("orderStatus", status.number());
    write_voucher(writer, voucher);
}

/// The codes and how they are shown. We name them, and a QR code of one shows the same.
pub(crate) fn write_voucher(writer: &mut Writer, voucher: &str) {
    const SMS_CODE: i64 = 0;
    writer.int("voucherType", SMS_CODE);
    writer.text("voucher", voucher);
}

/// The codes of a purchase; there are none before it is paid.
pub(crate) fn voucher(purchase: &Purchase) -> String {
    let codes: Vec<String> = purchase.vouchers.iter().map(|voucher| voucher.code.to_string()).collect();
    codes.join(",")
}

/// A field that must be there, though it may be empty.
pub(crate) fn may_be_empty<'m>(fields: &Fields<'m>, name: &str) -> Result<Option<&'m str>, Refusal> {
    fields.get(name).ok_or_else(|| missing(name))?;
    fields.id(name)
}
