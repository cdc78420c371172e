//! Purchases from the catalogue: buying, paying, looking, giving back, and the codes that buyers get.

use tradewind_domain::{
    ApplyCall, Command, Currency, Day, Decided, ListSkus, Need, NewPurchase, Order, OrderId, OrderRef,
    Outcome, PartnerId, PayCall, PayNow, PayPurchase, PaymentId, Purchase, PurchaseCall, PurchaseProblem,
    PurchaseRef, Refund, RefundApplication, RefundId, Refusal, Sku, SkuId, StockKey, View, VoucherCode,
};
use tradewind_store::SkuQuery;

use crate::App;
use crate::vouchers::{CODES_TRIED_MAX, random_code};

impl App {
    pub(crate) async fn list_skus(&self, list: ListSkus) -> Result<Outcome, Refusal> {
        let page = self.store.list_skus(SkuQuery { list, now: self.now() }).await;
        Ok(Outcome::Skus(page.map_err(|error| self.storage(&error))?))
    }

    pub(crate) async fn show_calendar(&self, sku: SkuId, from: Day, until: Day) -> Result<Outcome, Refusal> {
        let view = self.view(vec![Need::Sku(sku)]).await?;
        let found = view.sku(sku).cloned().ok_or(Refusal::Purchase(PurchaseProblem::NotOnSale))?;
        let days = self.store.list_stocks(sku, from, until).await.map_err(|error| self.storage(&error))?;
        Ok(Outcome::Calendar(Box::new(found), days))
    }

    pub(crate) async fn purchase(
        &self,
        partner: PartnerId,
        dialect: &'static str,
        call: PurchaseCall,
    ) -> Result<Outcome, Refusal> {
        let now = self.now();
        let mut new = NewPurchase {
            order: OrderId::make(&self.ids, now),
            payment: PaymentId::make(&self.ids, now),
            partner,
            dialect: dialect.to_owned(),
            number: call.number,
            fingerprint: call.fingerprint,
            stock: call.stock,
            quantity: call.quantity,
            sell: call.sell,
            cost: call.cost,
            travellers: call.travellers,
            send_codes: call.send_codes,
            pay: call.pay.map(|number| PayNow { number, codes: Vec::new() }),
            details: call.details,
        };
        for _ in 0..CODES_TRIED_MAX {
            if let Some(pay) = &mut new.pay {
                pay.codes = random_codes(new.quantity)?;
            }
            match self.submit(Command::Purchase(Box::new(new.clone()))).await {
                Err(Refusal::Exists { .. }) => {}
                decided => return purchase_of(decided?),
            }
        }
        Err(Refusal::Internal)
    }

    pub(crate) async fn pay_purchase(&self, partner: PartnerId, call: PayCall) -> Result<Outcome, Refusal> {
        let order = call.order.order.ok_or(Refusal::OrderNotFound)?;
        let mut pay = PayPurchase {
            partner,
            order,
            number: call.order.number,
            stock: call.stock,
            quantity: call.quantity,
            sell: call.sell,
            payment: PaymentId::make(&self.ids, self.now()),
            traveller: call.traveller,
            send_codes: call.send_codes,
            pay: PayNow { number: call.payment, codes: Vec::new() },
        };
        for _ in 0..CODES_TRIED_MAX {
            pay.pay.codes = random_codes(pay.quantity)?;
            match self.submit(Command::PayPurchase(Box::new(pay.clone()))).await {
                Err(Refusal::Exists { .. }) => {}
                decided => return purchase_of(decided?),
            }
        }
        Err(Refusal::Internal)
    }

    pub(crate) async fn find_purchase(
        &self,
        partner: PartnerId,
        by: PurchaseRef,
    ) -> Result<Outcome, Refusal> {
        let view = self.view(vec![Need::VouchersOfNumber(partner, by.number.clone())]).await?;
        let order = view.order(partner, &by.order_ref()).filter(|order| by.names(order));
        let purchase = order.and_then(|order| purchase_in(&view, order)).ok_or(Refusal::OrderNotFound)?;
        Ok(Outcome::Purchase(Box::new(purchase)))
    }

    pub(crate) async fn apply_refund(&self, partner: PartnerId, call: ApplyCall) -> Result<Outcome, Refusal> {
        let (order, stock) = self.stock_of(partner, &call.order).await?;
        let application = RefundApplication {
            id: RefundId::make(&self.ids, self.now()),
            partner,
            order,
            order_number: call.order.number,
            stock,
            number: call.number,
            quantity: call.quantity,
        };
        match self.submit(Command::ApplyRefund(Box::new(application))).await? {
            Decided::Applied(purchase, refund) => Ok(Outcome::Applied(purchase, Some(refund))),
            Decided::Purchase(purchase) => Ok(Outcome::Applied(purchase, None)),
            _ => Err(Refusal::Internal),
        }
    }

    pub(crate) async fn resend_codes(&self, partner: PartnerId, by: PurchaseRef) -> Result<Outcome, Refusal> {
        let (order, _) = self.stock_of(partner, &by).await?;
        purchase_of(self.submit(Command::ResendCodes { partner, order, number: by.number }).await?)
    }

    /// Has the codes of a purchase sent again, for a person who asks.
    ///
    /// # Errors
    /// As the rules refuse it.
    pub async fn resend(&self, order: &Order) -> Result<Order, Refusal> {
        let (partner, number) = (order.partner, order.number.clone());
        match self.submit(Command::ResendCodes { partner, order: order.id, number }).await? {
            Decided::Purchase(purchase) => Ok(purchase.order),
            _ => Err(Refusal::Internal),
        }
    }

    pub(crate) async fn show_balance(&self, partner: PartnerId) -> Result<Outcome, Refusal> {
        let view = self.view(vec![Need::Balance(partner)]).await?;
        let currency = Currency::CNY;
        let left = view.balance(partner, currency);
        Ok(Outcome::Balance(tradewind_domain::Money::from_micros(left, currency)))
    }

    /// Decides on an application for a refund.
    ///
    /// # Errors
    /// As the rules refuse it.
    pub async fn review_refund(
        &self,
        partner: PartnerId,
        order: OrderId,
        refund: RefundId,
        review: Verdict,
    ) -> Result<(Box<Purchase>, Box<Refund>), Refusal> {
        let view = self.view(vec![Need::Order(partner, order)]).await?;
        let line = view.order(partner, &OrderRef::Id(order)).and_then(|order| order.line.as_deref());
        let stock = line.map(tradewind_domain::Line::stock).ok_or(Refusal::OrderNotFound)?;
        let Verdict { approve, reason, reviewer } = review;
        let command = Command::ReviewRefund { partner, order, stock, refund, approve, reason, reviewer };
        match self.submit(command).await? {
            Decided::Applied(purchase, refund) => Ok((purchase, refund)),
            _ => Err(Refusal::Internal),
        }
    }

    /// An order by its names, and what it draws on; neither ever changes.
    async fn stock_of(&self, partner: PartnerId, by: &PurchaseRef) -> Result<(OrderId, StockKey), Refusal> {
        let view = self.view(vec![Need::OrderNumber(partner, by.number.clone())]).await?;
        let order = view.order(partner, &by.order_ref()).filter(|order| by.names(order));
        let order = order.ok_or(Refusal::OrderNotFound)?;
        let line = order.line.as_deref().ok_or(Refusal::OrderNotFound)?;
        Ok((order.id, line.stock()))
    }
}

/// What a person decides about an application.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Give the units back, or let them be redeemed again.
    pub approve: bool,
    /// Why, in words for the partner.
    pub reason: String,
    /// Who decides.
    pub reviewer: String,
}

/// What `view` has of a purchase; `None` when the order is none.
pub(crate) fn purchase_in(view: &View, order: &Order) -> Option<Purchase> {
    order.line.as_ref()?;
    Some(Purchase {
        order: order.clone(),
        payment: view.payment(order.payment)?.clone(),
        refunds: view.refunds(order.id).cloned().collect(),
        vouchers: view.vouchers_of(order.id).cloned().collect(),
    })
}

fn purchase_of(decided: Decided) -> Result<Outcome, Refusal> {
    match decided {
        Decided::Purchase(purchase) => Ok(Outcome::Purchase(purchase)),
        _ => Err(Refusal::Internal),
    }
}

/// Codes for as many units as an order can have; more are refused by the rules.
fn random_codes(units: u32) -> Result<Vec<VoucherCode>, Refusal> {
    (0..units.min(Sku::ORDER_MAX)).map(|_| random_code()).collect()
}
