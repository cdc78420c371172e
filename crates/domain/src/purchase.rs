//! Purchases: orders of catalogue goods that are paid from a prepaid balance.

use std::fmt;

use crate::{
    CodeRule, Day, Money, Order, OrderId, OrderRef, PartnerId, Payment, PaymentId, ProductId, Refund,
    RefundId, RefundTerms, SkuId, Span, StockKey, Timestamp, Voucher, VoucherCode,
};

/// What an order buys from the catalogue, with price and terms as agreed.
///
/// At every moment `quantity = usable + used + refunded + locked`, and once paid the vouchers of the order
/// sum up to the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Who sells and hands over.
    pub seller: PartnerId,
    /// What.
    pub product: ProductId,
    /// In which form.
    pub sku: SkuId,
    /// Its title when it was bought.
    pub name: String,
    /// For which day.
    pub day: Option<Day>,
    /// How many units.
    pub quantity: u32,
    /// What the partner takes from the buyer for one.
    pub sell: Money,
    /// What the partner pays for one.
    pub cost: Money,
    /// How many have been redeemed.
    pub used: u32,
    /// How many have been given back.
    pub refunded: u32,
    /// How many cannot be redeemed because their refund is under review.
    pub locked: u32,
    /// Whether each unit has a code of its own.
    pub codes: CodeRule,
    /// How long after payment they can be redeemed first.
    pub usable_after: Span,
    /// From when on they can be redeemed.
    pub valid_from: Option<Timestamp>,
    /// From this instant on they can no longer be redeemed.
    pub valid_until: Option<Timestamp>,
    /// How they can be given back.
    pub refund: RefundTerms,
    /// Who travels.
    pub travellers: Vec<Traveller>,
    /// The platform sends the codes to whom [`Line::contact`] tells.
    pub send_codes: bool,
    /// How often the codes were asked to be sent again.
    pub resent: u32,
    /// When they were asked to be sent again last.
    pub sent_at: Option<Timestamp>,
}

impl Line {
    /// How often the codes can be asked to be sent again.
    pub const RESENDS_MAX: u32 = 5;
    /// How long it takes until they can be asked for once more.
    pub const RESEND_EVERY: Span = Span::from_mins(1);

    /// Whom the codes are sent to: the first who can be reached by phone.
    pub fn contact(&self) -> Option<&Traveller> {
        self.travellers.iter().find(|traveller| !traveller.mobile.trim().is_empty())
    }

    /// The stock it draws on.
    pub fn stock(&self) -> StockKey {
        StockKey { sku: self.sku, day: self.day }
    }

    /// Units that have neither been used nor given back, locked ones included.
    pub fn left(&self) -> u32 {
        self.quantity.saturating_sub(self.used).saturating_sub(self.refunded)
    }

    /// Units that can be redeemed or given back.
    pub fn usable(&self) -> u32 {
        self.left().saturating_sub(self.locked)
    }
}

/// A person who travels.
#[derive(Clone, PartialEq, Eq)]
pub struct Traveller {
    /// Name.
    pub name: String,
    /// Phone number.
    pub mobile: String,
    /// Kind of the identity document, as the partner names it; `0` is the PRC identity card.
    pub document_kind: String,
    /// Number of the identity document; may be empty.
    pub document: String,
    /// Postal address; may be empty.
    pub address: String,
    /// Postal code; may be empty.
    pub postcode: String,
    /// E-mail address; may be empty.
    pub email: String,
}

/// People's data do not belong into logs.
impl fmt::Debug for Traveller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traveller").finish_non_exhaustive()
    }
}

/// A purchase to be made: asked by the partner, priced by the rules.
#[derive(Clone, Debug)]
pub struct NewPurchase {
    /// The order's id.
    pub order: OrderId,
    /// The id of its first payment attempt.
    pub payment: PaymentId,
    /// Who buys.
    pub partner: PartnerId,
    /// In which dialect.
    pub dialect: String,
    /// The partner's own number.
    pub number: String,
    /// Fingerprint of the content.
    pub fingerprint: i64,
    /// What.
    pub stock: StockKey,
    /// How many.
    pub quantity: u32,
    /// What the partner believes to take from the buyer for one.
    pub sell: Money,
    /// What the partner believes to pay for one, when it tells.
    pub cost: Option<Money>,
    /// Who travels.
    pub travellers: Vec<Traveller>,
    /// The platform sends the codes.
    pub send_codes: bool,
    /// Pay at once from the balance; otherwise hold the units until the order is paid or lapses.
    pub pay: Option<PayNow>,
    /// What the dialect wants to find again.
    pub details: Option<String>,
}

/// What paying at once takes along.
#[derive(Clone, Debug)]
pub struct PayNow {
    /// The partner's own number of the payment.
    pub number: Option<String>,
    /// Fresh codes, at least as many as units.
    pub codes: Vec<VoucherCode>,
}

/// A purchase to be paid.
#[derive(Clone, Debug)]
pub struct PayPurchase {
    /// Who pays.
    pub partner: PartnerId,
    /// The order.
    pub order: OrderId,
    /// The partner's own number of the order, which must be that of the order.
    pub number: String,
    /// What it draws on; must be what the order says.
    pub stock: StockKey,
    /// The same for the number of units.
    pub quantity: u32,
    /// The same for the price of one.
    pub sell: Money,
    /// The id of a new payment attempt.
    pub payment: PaymentId,
    /// Takes the place of the first traveller.
    pub traveller: Option<Traveller>,
    /// The platform sends the codes.
    pub send_codes: bool,
    /// The payment.
    pub pay: PayNow,
}

/// An application for a refund of units.
#[derive(Clone, Debug)]
pub struct RefundApplication {
    /// The refund's id.
    pub id: RefundId,
    /// Whose order.
    pub partner: PartnerId,
    /// Which order.
    pub order: OrderId,
    /// The partner's own number of the order, which must be that of the order.
    pub order_number: String,
    /// The stock it draws on, as the order says.
    pub stock: StockKey,
    /// The partner's number of the refund, unique per partner.
    pub number: String,
    /// How many units.
    pub quantity: u32,
}

/// A purchase with all that belongs to it.
#[derive(Clone, Debug)]
pub struct Purchase {
    /// The order; it has a line.
    pub order: Order,
    /// Its current payment.
    pub payment: Payment,
    /// Its refunds, oldest first.
    pub refunds: Vec<Refund>,
    /// What the buyer holds, by id.
    pub vouchers: Vec<Voucher>,
}

/// A purchase by its names: ids are global, and the partner's own number must fit where both are given.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PurchaseRef {
    /// The partner's own number.
    pub number: String,
    /// The order's id, when the partner knows it.
    pub order: Option<OrderId>,
}

impl PurchaseRef {
    /// The one name to look it up by.
    pub fn order_ref(&self) -> OrderRef {
        OrderRef::Number(self.number.clone())
    }

    /// Whether `order` goes by these names.
    pub fn names(&self, order: &Order) -> bool {
        order.number == self.number && self.order.is_none_or(|id| id == order.id)
    }
}

/// Why a purchase is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PurchaseProblem {
    /// There is no such product, or it is not on sale.
    NotOnSale,
    /// It is sold by the day, and no day was given.
    DayMissing,
    /// It is not sold for that day.
    DayNotOnSale,
    /// That day's price cannot be charged.
    PriceUnsound,
    /// The buyer's price differs.
    SellDiffers,
    /// The partner's price differs.
    CostDiffers,
    /// It must be bought earlier.
    TooLate,
    /// Not enough are left.
    SoldOut,
    /// No mobile number.
    MobileMissing,
    /// More than an order may have.
    TooMany,
    /// Fewer than an order must have.
    TooFew,
    /// One traveller is needed for each unit.
    TravellersMissing,
    /// A traveller's document is missing.
    DocumentMissing,
    /// A traveller's document cannot be right.
    DocumentWrong,
    /// Sold at the counter only.
    CounterOnly,
}

/// Why units are not given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefundProblem {
    /// The order is not one of units that were paid.
    WrongState,
    /// The terms do not allow it.
    NotRefundable,
    /// Only all that is left can be given back.
    WholeOnly,
    /// More than can be given back, or none at all.
    Quantity,
    /// The time for it is over.
    TimeOver,
    /// Another application is under review.
    UnderReview,
    /// All has been given back.
    AllRefunded,
    /// All has been used.
    AllUsed,
    /// The number of the refund stands for another quantity.
    NumberTaken,
}

impl PurchaseProblem {
    /// All of them.
    pub const ALL: [PurchaseProblem; 15] = [
        PurchaseProblem::NotOnSale,
        PurchaseProblem::DayMissing,
        PurchaseProblem::DayNotOnSale,
        PurchaseProblem::PriceUnsound,
        PurchaseProblem::SellDiffers,
        PurchaseProblem::CostDiffers,
        PurchaseProblem::TooLate,
        PurchaseProblem::SoldOut,
        PurchaseProblem::MobileMissing,
        PurchaseProblem::TooMany,
        PurchaseProblem::TooFew,
        PurchaseProblem::TravellersMissing,
        PurchaseProblem::DocumentMissing,
        PurchaseProblem::DocumentWrong,
        PurchaseProblem::CounterOnly,
    ];
}

impl fmt::Display for PurchaseProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PurchaseProblem::NotOnSale => "there is no such product, or it is not on sale",
            PurchaseProblem::DayMissing => "a day is needed",
            PurchaseProblem::DayNotOnSale => "it is not sold for that day",
            PurchaseProblem::PriceUnsound => "the price of that day is not in order",
            PurchaseProblem::SellDiffers => "the sale price differs",
            PurchaseProblem::CostDiffers => "the settlement price differs",
            PurchaseProblem::TooLate => "it must be bought in advance",
            PurchaseProblem::SoldOut => "not enough are left",
            PurchaseProblem::MobileMissing => "a mobile number is needed",
            PurchaseProblem::TooMany => "more than one order may have",
            PurchaseProblem::TooFew => "fewer than one order must have",
            PurchaseProblem::TravellersMissing => "one traveller is needed for each ticket",
            PurchaseProblem::DocumentMissing => "a traveller's identity document is missing",
            PurchaseProblem::DocumentWrong => "a traveller's identity document is not valid",
            PurchaseProblem::CounterOnly => "it is sold at self-service machines only",
        })
    }
}

impl fmt::Display for RefundProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            RefundProblem::WrongState => "the order's state does not allow this",
            RefundProblem::NotRefundable => "it cannot be given back",
            RefundProblem::WholeOnly => "only all that is left can be given back",
            RefundProblem::Quantity => "the refund quantity is too large",
            RefundProblem::TimeOver => "the refund period is over",
            RefundProblem::UnderReview => "a refund has been applied for already",
            RefundProblem::AllRefunded => "all has been refunded",
            RefundProblem::AllUsed => "all has been used",
            RefundProblem::NumberTaken => "the refund number stands for another application",
        })
    }
}
