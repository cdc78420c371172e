//! What can be asked: builders whose mandatory fields are checked before anything is sent.
//!
//! The methods are named for what the fields mean; the wire name stands in each one's description.

use std::fmt;

use tradewind_dialect::codec::{ListShape, Writer};
use tradewind_domain::Day;

use crate::Amount;

/// Tickets to be bought (sections 5.3 to 5.5).
///
/// Mandatory: [`order_id`](Self::order_id), [`deal_id`](Self::deal_id), [`sell_price`](Self::sell_price),
/// [`quantity`](Self::quantity), and at least one [`visitor`](Self::visitor).
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct OrderRequest {
    pub(crate) order_id: String,
    deal_id: String,
    sell_price: Option<Amount>,
    buy_price: Option<Amount>,
    pub(crate) quantity: u32,
    travel_date: Option<Day>,
    pay_id: String,
    sms_from: SmsFrom,
    visitors: Vec<Visitor>,
}

/// Who sends the codes to the traveller. `smsfrom`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SmsFrom {
    /// 0: the platform.
    #[default]
    Platform,
    /// 1: the partner.
    Partner,
}

impl OrderRequest {
    /// Nothing is set yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The partner's own number of the order, never used for another. `orderId`.
    pub fn order_id(mut self, order_id: impl Into<String>) -> Self {
        self.order_id = order_id.into();
        self
    }

    /// The product. `LHDealId`.
    pub fn deal_id(mut self, deal_id: impl Into<String>) -> Self {
        self.deal_id = deal_id.into();
        self
    }

    /// What the buyer pays for one, which the platform compares with its own. `sellPrice`.
    pub fn sell_price(mut self, price: Amount) -> Self {
        self.sell_price = Some(price);
        self
    }

    /// What this partner expects to pay for one. Platforms that know the field refuse another price instead
    /// of charging it; the manual does not have it. `buyPrice`.
    pub fn buy_price(mut self, price: Amount) -> Self {
        self.buy_price = Some(price);
        self
    }

    /// How many, at least 1. `quantity`.
    pub fn quantity(mut self, quantity: u32) -> Self {
        self.quantity = quantity;
        self
    }

    /// The day of the visit, of what is sold by the day. `travelDate`.
    pub fn travel_date(mut self, day: Day) -> Self {
        self.travel_date = Some(day);
        self
    }

    /// This partner's number of the payment. `payId`.
    pub fn pay_id(mut self, pay_id: impl Into<String>) -> Self {
        self.pay_id = pay_id.into();
        self
    }

    /// Who sends the codes; the platform unless told. `smsfrom`.
    pub fn sms_from(mut self, sms_from: SmsFrom) -> Self {
        self.sms_from = sms_from;
        self
    }

    /// One more traveller. The first is the one who is called. `visitor`.
    pub fn visitor(mut self, visitor: Visitor) -> Self {
        self.visitors.push(visitor);
        self
    }

    /// The order by both of its names, once the platform has told its own.
    #[must_use]
    pub fn names(&self, lh_order_id: impl Into<String>) -> OrderNames {
        OrderNames::new(&self.order_id, lh_order_id)
    }

    pub(crate) fn missing(&self) -> Option<&'static str> {
        // An amount that cannot be written is none.
        let no_amount = |price: Option<Amount>| price.and_then(Amount::money).is_none();
        first_absent([
            ("orderId", self.order_id.is_empty()),
            ("LHDealId", self.deal_id.is_empty()),
            ("sellPrice", no_amount(self.sell_price)),
            ("buyPrice", self.buy_price.is_some() && no_amount(self.buy_price)),
            ("quantity", self.quantity == 0),
            ("visitor", self.visitors.is_empty()),
            ("visitor.name", self.visitors.iter().any(|visitor| visitor.name.is_empty())),
        ])
    }

    /// The body of `creatOrder`.
    pub(crate) fn write_created(&self, writer: &mut Writer) {
        writer.text("orderId", &self.order_id);
        self.write_wanted(writer);
        self.write_visitors(writer);
    }

    /// The body of `newOrder`.
    pub(crate) fn write_new(&self, writer: &mut Writer) {
        writer.text("orderId", &self.order_id);
        self.write_wanted(writer);
        writer.text_if("payId", filled(&self.pay_id));
        self.write_sms_from(writer);
        self.write_visitors(writer);
    }

    /// The body of `payOrder`, in which the visitor stands alone.
    pub(crate) fn write_paid(&self, lh_order_id: &str, writer: &mut Writer) {
        writer.text("orderId", &self.order_id);
        writer.text("LHOrderId", lh_order_id);
        writer.text_if("payId", filled(&self.pay_id));
        self.write_wanted(writer);
        self.write_sms_from(writer);
        if let Some(visitor) = self.visitors.first() {
            writer.object("visitor", |writer| visitor.write(writer));
        }
    }

    fn write_wanted(&self, writer: &mut Writer) {
        writer.text("LHDealId", &self.deal_id);
        for (name, price) in [("sellPrice", self.sell_price), ("buyPrice", self.buy_price)] {
            if let Some(price) = price.and_then(Amount::money) {
                writer.money(name, price);
            }
        }
        writer.int("quantity", i64::from(self.quantity));
        if let Some(day) = self.travel_date {
            writer.text("travelDate", &day.to_string());
        }
    }

    fn write_sms_from(&self, writer: &mut Writer) {
        let sms_from = match self.sms_from {
            SmsFrom::Platform => 0,
            SmsFrom::Partner => 1,
        };
        writer.int("smsfrom", sms_from);
    }

    fn write_visitors(&self, writer: &mut Writer) {
        let visitors = self.visitors.iter();
        writer.list("visitor", "visitor", ListShape::Array, visitors, |writer, visitor| {
            visitor.write(writer);
        });
    }
}

/// A traveller (section 4.1). What is empty is not told.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Visitor {
    /// `name`.
    pub name: String,
    /// `mobile`.
    pub mobile: String,
    /// `address`.
    pub address: String,
    /// `zipcode`.
    pub postcode: String,
    /// `credentials`: the number of the identity document.
    pub document: String,
    /// `credentialstype`: its kind, if it is not a PRC identity card, which is `0`.
    pub document_kind: String,
    /// `email`.
    pub email: String,
}

impl Visitor {
    /// Somebody who can be called.
    pub fn new(name: impl Into<String>, mobile: impl Into<String>) -> Visitor {
        Visitor { name: name.into(), mobile: mobile.into(), ..Visitor::default() }
    }

    /// The same with a PRC identity card of this number.
    #[must_use]
    pub fn identity_card(self, number: impl Into<String>) -> Visitor {
        Visitor { document: number.into(), ..self }
    }

    fn write(&self, writer: &mut Writer) {
        writer.text("name", &self.name);
        writer.text("mobile", &self.mobile);
        for (name, value) in [
            ("address", &self.address),
            ("zipcode", &self.postcode),
            ("credentials", &self.document),
            ("credentialstype", &self.document_kind),
            ("email", &self.email),
        ] {
            writer.text_if(name, filled(value));
        }
    }
}

/// People's data do not belong into logs.
impl fmt::Debug for Visitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Visitor").finish_non_exhaustive()
    }
}

/// An order by both of its names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OrderNames {
    /// The partner's own number. `orderId`.
    pub order_id: String,
    /// The platform's number, which is no number to count with. `LHOrderId`.
    pub lh_order_id: String,
}

impl OrderNames {
    /// Both names.
    pub fn new(order_id: impl Into<String>, lh_order_id: impl Into<String>) -> OrderNames {
        OrderNames { order_id: order_id.into(), lh_order_id: lh_order_id.into() }
    }

    pub(crate) fn missing(&self) -> Option<&'static str> {
        first_absent([("orderId", self.order_id.is_empty()), ("LHOrderId", self.lh_order_id.is_empty())])
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.text("orderId", &self.order_id);
        writer.text("LHOrderId", &self.lh_order_id);
    }
}

/// Tickets to be given back (section 5.7).
#[derive(Clone, Debug)]
#[must_use]
pub struct RefundRequest {
    pub(crate) order: OrderNames,
    quantity: u32,
    refund_id: String,
}

impl RefundRequest {
    /// So many tickets of an order, at least 1.
    pub fn new(order: OrderNames, quantity: u32) -> RefundRequest {
        RefundRequest { order, quantity, refund_id: String::new() }
    }

    /// This partner's number of the application, unique in its order. Without one there can be a single
    /// application for an order. `refundId`.
    pub fn refund_id(mut self, refund_id: impl Into<String>) -> RefundRequest {
        self.refund_id = refund_id.into();
        self
    }

    pub(crate) fn missing(&self) -> Option<&'static str> {
        self.order.missing().or_else(|| first_absent([("quantity", self.quantity == 0)]))
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        self.order.write(writer);
        writer.int("quantity", i64::from(self.quantity));
        writer.text_if("refundId", filled(&self.refund_id));
    }
}

/// Which products to list (section 5.1).
#[derive(Clone, Debug)]
#[must_use]
pub struct ProductQuery {
    choice: Choice,
    simple: bool,
    system: String,
}

#[derive(Clone, Debug)]
enum Choice {
    Page { page: u32, page_size: u32 },
    Ids(Vec<String>),
}

impl ProductQuery {
    /// A page of all products; the first is page 0. Platforms take a size of up to 100.
    pub fn page(page: u32, page_size: u32) -> ProductQuery {
        ProductQuery::of(Choice::Page { page, page_size })
    }

    /// Products by their ids. Those that are not there are left out of the answer.
    pub fn ids<I: Into<String>>(ids: impl IntoIterator<Item = I>) -> ProductQuery {
        ProductQuery::of(Choice::Ids(ids.into_iter().map(Into::into).collect()))
    }

    fn of(choice: Choice) -> ProductQuery {
        ProductQuery { choice, simple: false, system: String::new() }
    }

    /// Without the texts of `purchaseNote`. `simples`.
    pub fn without_notes(mut self) -> ProductQuery {
        self.simple = true;
        self
    }

    /// Those of an upstream system instead of the platform's own. `system`.
    pub fn system(mut self, system: impl Into<String>) -> ProductQuery {
        self.system = system.into();
        self
    }

    pub(crate) fn missing(&self) -> Option<&'static str> {
        match &self.choice {
            Choice::Page { page_size, .. } => first_absent([("pageSize", *page_size == 0)]),
            Choice::Ids(ids) => first_absent([("LHDealIds", ids.is_empty())]),
        }
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        match &self.choice {
            Choice::Page { page, page_size } => {
                writer.text("method", "page");
                writer.int("currentPage", i64::from(*page));
                writer.int("pageSize", i64::from(*page_size));
            }
            Choice::Ids(ids) => {
                writer.text("method", "multi");
                writer.texts("LHDealIds", "LHDealId", ids.iter().map(String::as_str));
            }
        }
        writer.int("simples", i64::from(self.simple));
        match (filled(&self.system), &self.choice) {
            (Some(system), _) => writer.text("system", system),
            (None, Choice::Page { .. }) => writer.bool("system", false),
            // An id names its product wherever it comes from.
            (None, Choice::Ids(_)) => {}
        }
    }
}

/// The first field that is absent.
fn first_absent<const N: usize>(fields: [(&'static str, bool); N]) -> Option<&'static str> {
    fields.into_iter().find(|(_, absent)| *absent).map(|(name, _)| name)
}

fn filled(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}
