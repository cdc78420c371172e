//! What is answered.
//!
//! Fields that a platform may leave out are options. Numbers that are in none of the protocol's tables are
//! kept as they were told.

use std::fmt;

use tradewind_lianhe::client::{self, OrderBody};
use tradewind_lianhe::{Code, OrderStatus, ReStatus};

use crate::error::Error;
use crate::{Amount, Answer};

/// A product: what one can order by its id (section 5.1).
pub type Product = client::Product<Amount>;
/// A day of a price calendar (section 5.2).
pub type CalendarDay = client::CalendarDay<Amount>;
/// What one ticket costs whom.
pub type Prices = client::Prices<Amount>;

/// What a number of one of the protocol's tables means. The tables had to be reconstructed, so platforms may
/// tell numbers that are in none.
///
/// It can be compared with what it may mean: `order.status == OrderStatus::Paid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Told<T> {
    /// It is in the table.
    Known(T),
    /// It is not.
    Other(i64),
}

impl<T> Told<T> {
    pub(crate) fn of(number: i64, known: impl FnOnce(i64) -> Option<T>) -> Told<T> {
        known(number).map_or(Told::Other(number), Told::Known)
    }

    /// What it means, if that is known.
    #[must_use]
    pub fn known(self) -> Option<T> {
        match self {
            Told::Known(known) => Some(known),
            Told::Other(_) => None,
        }
    }
}

impl<T: PartialEq> PartialEq<T> for Told<T> {
    fn eq(&self, other: &T) -> bool {
        matches!(self, Told::Known(known) if known == other)
    }
}

impl<T: fmt::Debug> fmt::Display for Told<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Told::Known(known) => write!(f, "{known:?}"),
            Told::Other(number) => write!(f, "{number}"),
        }
    }
}

/// How a code is meant to be shown. `voucherType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum VoucherType {
    /// 0: as text, in a message.
    Text,
    /// 1: as a QR code.
    QrCode,
}

impl VoucherType {
    fn of_number(number: i64) -> Option<VoucherType> {
        match number {
            0 => Some(VoucherType::Text),
            1 => Some(VoucherType::QrCode),
            _ => None,
        }
    }

    /// Without a number it is a text.
    fn told(body: &OrderBody) -> Told<VoucherType> {
        Told::of(body.voucher_type.unwrap_or_default(), VoucherType::of_number)
    }
}

/// A page of products.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductPage {
    /// Those of this page.
    pub products: Vec<Product>,
    /// How many there are on all pages. `totalSize`.
    pub total: Option<u64>,
}

/// An order that was created, paid, or both (sections 5.3 to 5.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The platform's number. Keep it as a text. `LHOrderId`.
    pub lh_order_id: String,
    /// How far the order has come. `orderStatus`.
    pub status: Told<OrderStatus>,
    /// `voucherType`.
    pub voucher_type: Told<VoucherType>,
    /// The codes, once it is paid. Whoever has a code can go in. `voucher`.
    pub vouchers: Vec<String>,
}

impl Placed {
    pub(crate) fn read(body: OrderBody) -> Result<Placed, String> {
        Ok(Placed {
            voucher_type: VoucherType::told(&body),
            status: status(&body)?,
            lh_order_id: required("LHOrderId", body.lh_order_id)?,
            vouchers: body.vouchers,
        })
    }
}

/// How an order stands (section 5.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderState {
    /// The partner's own number. `orderId`.
    pub order_id: Option<String>,
    /// The platform's number. `LHOrderId`.
    pub lh_order_id: String,
    /// The state of its tickets. Platforms differ about 8 and 9, so let the quantities decide whether all
    /// are used or some. `orderStatus`.
    pub status: Told<OrderStatus>,
    /// How many tickets it has, without those that were given back. `orderQuantity`.
    pub quantity: u32,
    /// How many are used. `useQuantity`.
    pub used: Option<u32>,
    /// How many were given back. `reQuantity`.
    pub refunded: u32,
    /// How the latest application for a refund stands. `reStatus`.
    pub refund: Option<Told<ReStatus>>,
    /// `voucherType`.
    pub voucher_type: Told<VoucherType>,
    /// The codes. `voucher`.
    pub vouchers: Vec<String>,
}

impl OrderState {
    pub(crate) fn read(body: OrderBody) -> Result<OrderState, String> {
        Ok(OrderState {
            voucher_type: VoucherType::told(&body),
            status: status(&body)?,
            quantity: required("orderQuantity", body.order_quantity)?,
            used: body.used_quantity,
            refunded: body.re_quantity.unwrap_or_default(),
            refund: body.re_status.map(re_status),
            order_id: body.order_id,
            lh_order_id: required("LHOrderId", body.lh_order_id)?,
            vouchers: body.vouchers,
        })
    }

    /// How many tickets were ordered.
    #[must_use]
    pub fn ordered(&self) -> u64 {
        u64::from(self.quantity) + u64::from(self.refunded)
    }
}

/// What has become of an order whose outcome was unknown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolved {
    /// It was bought and is paid; some of it may have been used or given back since.
    Bought(Answer<OrderState>),
    /// It is there and not paid. Pay it, or let it lapse.
    Unpaid(Answer<OrderState>),
    /// It is there and over: lapsed, given back, or never came about. Buy again with another number.
    Ended(Answer<OrderState>),
    /// What is there cannot be understood, or is not what was asked for. Somebody must look.
    Unclear(Answer<OrderState>),
    /// The platform knows no such order. The same request can be sent again: should the first one still
    /// arrive, its number keeps it from being bought twice.
    NotThere,
}

impl Resolved {
    /// What a found order means to somebody who has asked for `quantity` tickets.
    pub(crate) fn of(found: Answer<OrderState>, quantity: u32) -> Resolved {
        let is_ours = found.ordered() == u64::from(quantity);
        match found.status.known().filter(|_| is_ours) {
            Some(
                OrderStatus::Paid | OrderStatus::RefundFailed | OrderStatus::Used | OrderStatus::PartlyUsed,
            ) => Resolved::Bought(found),
            Some(OrderStatus::Created | OrderStatus::PaymentFailed) => Resolved::Unpaid(found),
            Some(OrderStatus::Refunded | OrderStatus::CreationFailed) => Resolved::Ended(found),
            Some(OrderStatus::Unknown | OrderStatus::Creating) | None => Resolved::Unclear(found),
        }
    }
}

/// An application for a refund that was accepted (section 5.7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The platform's number of the order. `LHOrderId`.
    pub lh_order_id: String,
    /// 6 says that it was accepted, not that it was refunded. `orderStatus`.
    pub status: Told<OrderStatus>,
    /// How many tickets it is about. `reQuantity`.
    pub quantity: Option<u32>,
    /// Where it stands: under review, as a rule. An unpaid order just ends, and there is nothing to review.
    /// `reStatus`.
    pub refund: Option<Told<ReStatus>>,
}

impl Applied {
    pub(crate) fn read(body: OrderBody) -> Result<Applied, String> {
        Ok(Applied {
            status: status(&body)?,
            quantity: body.re_quantity,
            refund: body.re_status.map(re_status),
            lh_order_id: required("LHOrderId", body.lh_order_id)?,
        })
    }
}

/// Codes that are being sent again (section 5.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resent {
    /// `voucherType`.
    pub voucher_type: Told<VoucherType>,
    /// The codes. `voucher`.
    pub vouchers: Vec<String>,
}

impl Resent {
    pub(crate) fn read(body: OrderBody) -> Resent {
        Resent { voucher_type: VoucherType::told(&body), vouchers: body.vouchers }
    }
}

/// What a platform said when it refused, read from the [`Error`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `code`. Those of before 2.0 mean the same as today's.
    pub code: Told<Code>,
    /// Why, for people. `describe`.
    pub describe: String,
    /// The partner's own number of the order. `orderId`.
    pub order_id: Option<String>,
    /// The platform's number of the order, if there is one: a [`Code::BalanceTooLow`] leaves an order behind
    /// that can be paid. `LHOrderId`.
    pub lh_order_id: Option<String>,
    /// How the order stands after that. `orderStatus`.
    pub status: Option<Told<OrderStatus>>,
    /// How many tickets could be given back, when an application for a refund was refused. `reQuantity`.
    pub refundable: Option<u32>,
    /// `reStatus`.
    pub refund: Option<Told<ReStatus>>,
}

impl Refusal {
    /// What the platform said; `None` for an error that is no refusal of this protocol.
    #[must_use]
    pub fn of(error: &Error) -> Option<Refusal> {
        error.info()?;
        let answer = client::Answer::read(error.raw()?).ok()?;
        Some(Refusal::read(&answer))
    }

    fn read(answer: &client::Answer<'_>) -> Refusal {
        // The code alone decides; what cannot be read of the rest is as if it were not there.
        let body = answer.order().unwrap_or_default();
        Refusal {
            code: answer.code.map_or(Told::Other(answer.number), Told::Known),
            describe: answer.describe.clone(),
            status: body.order_status.map(order_status),
            refundable: body.re_quantity,
            refund: body.re_status.map(re_status),
            order_id: body.order_id,
            lh_order_id: body.lh_order_id,
        }
    }
}

fn order_status(number: i64) -> Told<OrderStatus> {
    Told::of(number, OrderStatus::of_number)
}

pub(crate) fn re_status(number: i64) -> Told<ReStatus> {
    Told::of(number, ReStatus::of_number)
}

pub(crate) fn status(body: &OrderBody) -> Result<Told<OrderStatus>, String> {
    required("orderStatus", body.order_status).map(order_status)
}

/// A field that the message makes no sense without.
pub(crate) fn required<T>(name: &str, value: Option<T>) -> Result<T, String> {
    value.ok_or_else(|| format!("{name} is missing"))
}
