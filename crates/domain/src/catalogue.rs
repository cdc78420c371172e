//! The catalogue: products, the skus by which they are sold, and the rules of each sku.

use crate::{Currency, Day, Money, Order, PartnerId, ProductId, SkuId, Span, Timestamp};

/// Whether a product can be bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProductState {
    /// It can, within the sale window of its skus.
    OnSale,
    /// It cannot; what has been sold keeps its rights.
    OffSale,
}

/// What is sold, as people read about it. How it is sold is told by its skus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// Who sells it and hands it over.
    pub seller: PartnerId,
    /// The title.
    pub name: String,
    /// Whether it can be bought.
    pub state: ProductState,
    /// The upstream system it comes from; `None` for the platform's own.
    pub system: Option<String>,
    /// Addresses of pictures.
    pub pictures: Vec<String>,
    /// Whom a buyer can call, and when.
    pub contacts: Vec<Contact>,
    /// Texts for buyers by name: one JSON object with text members. Opaque here.
    pub texts: String,
    /// When it was changed last.
    pub changed_at: Timestamp,
}

impl Product {
    /// The longest title.
    pub const NAME_BYTES_MAX: usize = 500;
    /// The most pictures.
    pub const PICTURES_MAX: usize = 50;
    /// The most numbers to call.
    pub const CONTACTS_MAX: usize = 20;
    /// The longest texts, all together.
    pub const TEXTS_BYTES_MAX: usize = 256 * 1024;
    /// The most skus of a product.
    pub const SKUS_MAX: usize = 100;
}

/// Whom a buyer can call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// The number.
    pub phone: String,
    /// The hours in which somebody answers, in words.
    pub hours: String,
}

/// What one unit costs whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// The list price.
    pub market: Money,
    /// What the partner takes from the buyer.
    pub sell: Money,
    /// What the partner pays.
    pub cost: Money,
}

impl Price {
    /// Whether a price can be written down, be it to be corrected later: amounts of `currency`, nothing
    /// negative, nothing too large.
    pub fn is_well_formed(&self, currency: Currency) -> bool {
        let fits = |amount: Money| {
            amount.currency() == currency && (0..=Order::AMOUNT_MICROS_MAX).contains(&amount.micros())
        };
        fits(self.market) && fits(self.sell) && fits(self.cost)
    }

    /// Whether a price can be charged: one currency, nothing negative, something to pay, and no more to pay
    /// than the buyer pays.
    pub fn is_sound(&self) -> bool {
        let currency = self.cost.currency();
        self.market.currency() == currency
            && self.sell.currency() == currency
            && self.market.micros() >= 0
            && self.cost.is_positive()
            && self.sell.micros() >= self.cost.micros()
    }
}

/// A way in which a product is sold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sku {
    /// Its id.
    pub id: SkuId,
    /// Who sells it.
    pub seller: PartnerId,
    /// Of which product it is.
    pub product: ProductId,
    /// What a unit costs, where its day has no price of its own.
    pub price: Price,
    /// From when on it can be bought.
    pub sale_from: Option<Timestamp>,
    /// From this instant on it can no longer be bought.
    pub sale_until: Option<Timestamp>,
    /// The fewest units of an order.
    pub order_min: u32,
    /// The most units of an order.
    pub order_max: u32,
    /// What a unit is, and its rules.
    pub kind: SkuKind,
    /// When it was changed last.
    pub changed_at: Timestamp,
}

impl Sku {
    /// The most units that one order can have, whatever the sku says.
    pub const ORDER_MAX: u32 = 100;

    /// Whether `now` lies in the time in which it is sold.
    pub fn in_sale_window(&self, now: Timestamp) -> bool {
        self.sale_from.is_none_or(|from| now >= from) && self.sale_until.is_none_or(|until| now < until)
    }
}

/// What a unit of a sku is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkuKind {
    /// A ticket.
    Ticket(TicketRules),
}

/// How tickets are sold, used and given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TicketRules {
    /// Sold for a day of the calendar; otherwise for any day within its validity.
    pub dated: bool,
    /// From when on it can be redeemed.
    pub valid_from: Option<Timestamp>,
    /// From this instant on it can no longer be redeemed.
    pub valid_until: Option<Timestamp>,
    /// How many whole days before the visit it must be bought; 0 for the same day.
    pub book_ahead_days: u32,
    /// How long after payment it can be redeemed first.
    pub usable_after: Span,
    /// For how many days a dated ticket can be redeemed, counted from its day; at least one.
    pub valid_days: u32,
    /// Which people have to be named.
    pub travellers: TravellerRule,
    /// Each of them must show an identity document.
    pub needs_document: bool,
    /// Whether each ticket has a code of its own.
    pub codes: CodeRule,
    /// Sold at the counter's machines only.
    pub counter_only: bool,
    /// How it can be given back.
    pub refund: RefundTerms,
}

impl TicketRules {
    /// The longest span of a rule, in days.
    pub const DAYS_MAX: u32 = 3_660;
}

impl TicketRules {
    /// A ticket as simple as can be: for any day and for whoever has it, with a code of its own, to be given
    /// back at any time when a person agrees.
    pub const SIMPLE: TicketRules = TicketRules {
        dated: false,
        valid_from: None,
        valid_until: None,
        book_ahead_days: 0,
        usable_after: Span::from_ms(0),
        valid_days: 1,
        travellers: TravellerRule::Contact,
        needs_document: false,
        codes: CodeRule::PerTicket,
        counter_only: false,
        refund: RefundTerms {
            refundable: true,
            whole_only: false,
            until: RefundUntil::AnyTime,
            review: Review::Manual,
        },
    };
}

/// Which people have to be named in an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TravellerRule {
    /// Somebody who can be called.
    Contact,
    /// Every one: one person for each ticket.
    Each,
}

/// Whether the tickets of an order share a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CodeRule {
    /// One code for the whole order, redeemed in parts.
    PerOrder,
    /// A code for each ticket.
    PerTicket,
}

/// How units can be given back, as agreed when they were bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefundTerms {
    /// They can be given back at all.
    pub refundable: bool,
    /// Only all that is left of an order together.
    pub whole_only: bool,
    /// Until when.
    pub until: RefundUntil,
    /// Who decides.
    pub review: Review,
}

/// Until when units can be given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefundUntil {
    /// At any time, and for some days after the end of validity.
    AnyTime,
    /// Until so long before the end of validity.
    BeforeEnd(Span),
    /// Never.
    Never,
}

/// Who decides about an application for a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Review {
    /// A person.
    Manual,
    /// It is approved by itself after this time unless a person was quicker.
    Automatic(Span),
}

/// What is sold of a sku: all of it, or one day's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StockKey {
    /// Which sku.
    pub sku: SkuId,
    /// Which day; `None` for skus that are not sold by the day.
    pub day: Option<Day>,
}

/// How many units of a sku (per day) may be sold, and what a unit costs on that day.
///
/// At every moment `held + sold <= total`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stock {
    /// Who sells.
    pub seller: PartnerId,
    /// What.
    pub key: StockKey,
    /// How many there are in all.
    pub total: u32,
    /// How many are held for orders that wait for payment.
    pub held: u32,
    /// How many have been sold and not been given back.
    pub sold: u32,
    /// Nothing is sold for now.
    pub closed: bool,
    /// The day's own price; otherwise the sku's counts.
    pub price: Option<Price>,
}

impl Stock {
    /// The most units of one stock.
    pub const TOTAL_MAX: u32 = 100_000_000;

    /// How many can still be sold.
    pub fn free(&self) -> u32 {
        if self.closed { 0 } else { self.total.saturating_sub(self.held).saturating_sub(self.sold) }
    }
}

/// What a seller lays down for one stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockPlan {
    /// Which day; `None` for skus that are not sold by the day.
    pub day: Option<Day>,
    /// How many there are in all. Cannot go below what is held and sold.
    pub total: u32,
    /// Nothing is sold for now.
    pub closed: bool,
    /// The day's own price.
    pub price: Option<Price>,
}

impl StockPlan {
    /// The most plans of one command: a bit over two years of days.
    pub const MAX: usize = 800;
}
