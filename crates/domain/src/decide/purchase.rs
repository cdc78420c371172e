//! Decisions on purchases: whether they fit the catalogue, and on which terms.

use super::Desk;
use crate::identity::{IDENTITY_CARD, is_identity_card};
use crate::order::OrderStage;
use crate::{
    Day, Decided, Flow, Line, Method, Money, Need, NewPurchase, Order, OrderRef, Partner, PartnerId,
    PartnerState, Payment, PaymentState, Price, Product, ProductState, PurchaseProblem, Refusal, Sku,
    SkuKind, Stock, Terminal, TicketRules, Timestamp, Traveller, TravellerRule,
};

/// The partner's number leads to the order that is there, with its vouchers, when the call is repeated.
pub(super) fn needs(new: &NewPurchase) -> Vec<Need> {
    let mut needs = vec![
        Need::Partner(new.partner),
        Need::VouchersOfNumber(new.partner, new.number.clone()),
        Need::Sku(new.stock.sku),
        Need::Stock(new.stock),
        Need::Balance(new.partner),
    ];
    needs.extend(new.pay.iter().flat_map(|pay| pay.codes.iter().copied()).map(Need::VoucherCode));
    needs
}

/// What the catalogue says about one thing to buy.
struct Offer<'a> {
    product: &'a Product,
    sku: &'a Sku,
    rules: &'a TicketRules,
    stock: Option<&'a Stock>,
    /// From when on it can be redeemed, the wait after payment left aside, and until when.
    valid: (Option<Timestamp>, Option<Timestamp>),
}

impl<'a> Desk<'a> {
    /// Whoever lost the answer asks again: the same content under the same number is the order that is
    /// there, whatever has become of it and of the catalogue since.
    pub(super) fn purchase(&mut self, new: NewPurchase) -> Result<Decided, Refusal> {
        let partner = self.buyer(new.partner)?;
        // Whatever its content was: what it led to cannot be told any more.
        if self.view.past_order(new.partner, &new.number).is_some() {
            return Err(Refusal::NumberTaken { same: false });
        }
        if let Some(known) = self.view.order(new.partner, &OrderRef::Number(new.number.clone())) {
            return if known.line.is_some() && known.fingerprint == new.fingerprint {
                self.purchase_as_it_is(known.clone())
            } else {
                Err(Refusal::NumberTaken { same: false })
            };
        }
        check_may_pay(partner)?;
        let offer = self.offer(&new)?;
        let price = self.judge(&offer, &new)?;
        let stock = self.stock_to_sell(&offer, new.quantity)?;
        let (valid_from, valid_until) = offer.valid;
        let line = Line {
            seller: offer.sku.seller,
            product: offer.product.id,
            sku: offer.sku.id,
            name: offer.product.name.clone(),
            day: new.stock.day,
            quantity: new.quantity,
            sell: price.sell,
            cost: price.cost,
            used: 0,
            refunded: 0,
            locked: 0,
            codes: offer.rules.codes,
            usable_after: offer.rules.usable_after,
            valid_from,
            valid_until,
            refund: offer.rules.refund,
            travellers: new.travellers,
            send_codes: new.send_codes,
            resent: 0,
            sent_at: None,
        };
        let amount = cost_of(&line, new.quantity)?;
        let payment = Payment {
            id: new.payment,
            order: new.order,
            partner: new.partner,
            channel: Payment::BALANCE_CHANNEL.into(),
            method: Method::BALANCE,
            flow: Flow::FromBalance,
            state: PaymentState::Waiting,
            amount,
            payer_code: None,
            payer: None,
            channel_number: None,
            bills: Vec::new(),
            reason: None,
            settled_at: None,
            follow_up: None,
        };
        let order = Order {
            id: new.order,
            partner: new.partner,
            dialect: new.dialect,
            number: new.number,
            fingerprint: new.fingerprint,
            amount,
            subject: line.name.clone(),
            stage: OrderStage::Open,
            revocation_applied: false,
            refunded: Money::zero(amount.currency()),
            refunding: Money::zero(amount.currency()),
            refund_failed: false,
            // The operator's share is within the price.
            fee_ppm: 0,
            payment: new.payment,
            paid_at: None,
            ended_at: None,
            expires_at: self.now + self.rules.hold_for,
            terminal: Terminal::default(),
            notify_url: None,
            details: new.details,
            line: Some(Box::new(line)),
        };
        match new.pay {
            Some(pay) if self.suffices(partner, amount) => self.sell(order, payment, stock, pay),
            Some(_) => self.hold(order, payment, stock, true),
            None => self.hold(order, payment, stock, false),
        }
    }

    /// A partner that may do new business.
    pub(super) fn buyer(&self, partner: PartnerId) -> Result<&'a Partner, Refusal> {
        let partner = self.view.partner(partner).ok_or(Refusal::UnknownPartner)?;
        match partner.state {
            PartnerState::Active => Ok(partner),
            PartnerState::Suspended => Err(Refusal::PartnerSuspended),
        }
    }

    /// What is on sale now.
    fn offer(&self, new: &NewPurchase) -> Result<Offer<'a>, Refusal> {
        let sku = self.view.sku(new.stock.sku);
        let product = sku.and_then(|sku| self.view.product(sku.product));
        let seller = sku.and_then(|sku| self.view.partner(sku.seller));
        match (sku, product, seller) {
            (Some(sku), Some(product), Some(seller))
                if product.state == ProductState::OnSale
                    && seller.state == PartnerState::Active
                    && sku.in_sale_window(self.now) =>
            {
                let SkuKind::Ticket(rules) = &sku.kind;
                let stock = self.view.stock(new.stock);
                let valid = validity(rules, new.stock.day, self.rules.day_offset);
                Ok(Offer { product, sku, rules, stock, valid })
            }
            _ => Err(Refusal::Purchase(PurchaseProblem::NotOnSale)),
        }
    }

    /// Whether the wish fits the rules, and for which price.
    fn judge(&self, offer: &Offer<'_>, new: &NewPurchase) -> Result<Price, Refusal> {
        use PurchaseProblem as P;
        let refuse = |problem| Err(Refusal::Purchase(problem));
        if offer.rules.counter_only {
            return refuse(P::CounterOnly);
        }
        if new.quantity > offer.sku.order_max.min(Sku::ORDER_MAX) {
            return refuse(P::TooMany);
        }
        if new.quantity < offer.sku.order_min.max(1) {
            return refuse(P::TooFew);
        }
        check_travellers(offer.rules, new.quantity, &new.travellers)?;
        self.check_day(offer, new.stock.day)?;
        self.check_will_be_usable(offer)?;
        let price = offer.stock.and_then(|stock| stock.price).unwrap_or(offer.sku.price);
        if !price.is_sound() {
            return refuse(P::PriceUnsound);
        }
        if new.sell != price.sell {
            return refuse(P::SellDiffers);
        }
        if new.cost.is_some_and(|cost| cost != price.cost) {
            return refuse(P::CostDiffers);
        }
        Ok(price)
    }

    fn check_day(&self, offer: &Offer<'_>, day: Option<Day>) -> Result<(), Refusal> {
        use PurchaseProblem as P;
        let problem = match (offer.rules.dated, day) {
            (false, None) => return Ok(()),
            (false, Some(_)) => P::DayNotOnSale,
            (true, None) => P::DayMissing,
            (true, Some(day)) => {
                let ahead = day.since(Day::of(self.now, self.rules.day_offset));
                if ahead < 0 || offer.stock.is_none_or(|stock| stock.closed) {
                    P::DayNotOnSale
                } else if ahead < i64::from(offer.rules.book_ahead_days) {
                    P::TooLate
                } else {
                    return Ok(());
                }
            }
        };
        Err(Refusal::Purchase(problem))
    }

    fn stock_to_sell(&self, offer: &Offer<'_>, quantity: u32) -> Result<Stock, Refusal> {
        let stock = offer.stock.filter(|stock| stock.free() >= quantity);
        stock.cloned().ok_or(Refusal::Purchase(PurchaseProblem::SoldOut))
    }

    /// What can never be redeemed is not sold.
    fn check_will_be_usable(&self, offer: &Offer<'_>) -> Result<(), Refusal> {
        let Offer { rules, valid: (from, until), .. } = offer;
        let over = |at: Timestamp| until.is_some_and(|end| at >= end);
        let never = over(self.now) || from.is_some_and(over);
        let problem = match (never, rules.dated) {
            (true, true) => PurchaseProblem::DayNotOnSale,
            (true, false) => PurchaseProblem::NotOnSale,
            (false, _) if over(self.now + rules.usable_after) => PurchaseProblem::TooLate,
            (false, _) => return Ok(()),
        };
        Err(Refusal::Purchase(problem))
    }
}

/// Whether the partner's contract lets it pay from its balance.
pub(super) fn check_may_pay(partner: &Partner) -> Result<(), Refusal> {
    if partner.methods.contains(&Method::BALANCE) { Ok(()) } else { Err(Refusal::MethodNotEnabled) }
}

/// What `units` of a line cost the partner.
pub(super) fn cost_of(line: &Line, units: u32) -> Result<Money, Refusal> {
    let micros = line.cost.micros().checked_mul(i64::from(units));
    let micros = micros.filter(|micros| *micros <= Order::AMOUNT_MICROS_MAX);
    let too_large = || Refusal::Amount { problem: "the amount is too large".into() };
    Ok(Money::from_micros(micros.ok_or_else(too_large)?, line.cost.currency()))
}

/// Whether those are named who have to be.
pub(super) fn check_travellers(
    rules: &TicketRules,
    quantity: u32,
    travellers: &[Traveller],
) -> Result<(), Refusal> {
    use PurchaseProblem as P;
    let refuse = |problem| Err(Refusal::Purchase(problem));
    if travellers.len() > usize::try_from(Sku::ORDER_MAX).unwrap_or(usize::MAX) {
        let problem = format!("at most {} can be named", Sku::ORDER_MAX);
        return Err(Refusal::Field { field: "travellers".into(), problem });
    }
    if travellers.iter().all(|traveller| traveller.mobile.trim().is_empty()) {
        return refuse(P::MobileMissing);
    }
    let must_show = match rules.travellers {
        TravellerRule::Contact => travellers.get(..1).unwrap_or(travellers),
        TravellerRule::Each if u32::try_from(travellers.len()).is_ok_and(|named| named == quantity) => {
            travellers
        }
        TravellerRule::Each => return refuse(P::TravellersMissing),
    };
    if rules.needs_document {
        if must_show.iter().any(|traveller| traveller.document.trim().is_empty()) {
            return refuse(P::DocumentMissing);
        }
        if must_show.iter().any(has_wrong_document) {
            return refuse(P::DocumentWrong);
        }
    }
    Ok(())
}

/// Only the kind whose numbers can be checked is.
fn has_wrong_document(traveller: &Traveller) -> bool {
    traveller.document_kind == IDENTITY_CARD && !is_identity_card(traveller.document.trim())
}

/// When a ticket can be redeemed, the wait after payment left aside.
fn validity(
    rules: &TicketRules,
    day: Option<Day>,
    offset: crate::Span,
) -> (Option<Timestamp>, Option<Timestamp>) {
    let Some(day) = day else { return (rules.valid_from, rules.valid_until) };
    let days = i32::try_from(rules.valid_days.max(1)).unwrap_or(i32::MAX);
    let (from, until) = (day.start(offset), day.plus(days).start(offset));
    let from = rules.valid_from.map_or(from, |earliest| earliest.max(from));
    let until = rules.valid_until.map_or(until, |end| end.min(until));
    (Some(from), Some(until))
}
