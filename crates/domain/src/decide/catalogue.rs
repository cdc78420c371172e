//! Decisions on the catalogue: products, skus and stocks, and the news of them.

use std::collections::BTreeSet;

use super::Desk;
use crate::{
    About, Decided, EndpointId, Event, EventKind, Need, PartnerId, Product, ProductState, RefundUntil,
    Refusal, Review, Sku, SkuId, SkuKind, Span, Stock, StockKey, StockPlan, TaskKind, TicketRules, Timestamp,
};

/// The product as it is with its skus, who sells it, and whoever wants to hear of it.
pub(super) fn product_needs(product: &Product) -> Vec<Need> {
    let mut needs = vec![Need::Partner(product.seller), Need::Product(product.id)];
    needs.extend(listeners());
    needs
}

/// The sku as it is, its product, and whoever wants to hear of it.
pub(super) fn sku_needs(sku: &Sku) -> Vec<Need> {
    let mut needs = vec![Need::Sku(sku.id), Need::Product(sku.product)];
    needs.extend(listeners());
    needs
}

/// The sku and every stock that is laid down.
pub(super) fn stock_needs(sku: SkuId, plans: &[StockPlan]) -> Vec<Need> {
    let bounded = plans.iter().filter(|_| plans.len() <= StockPlan::MAX);
    let stocks = bounded.map(|plan| Need::Stock(StockKey { sku, day: plan.day }));
    std::iter::once(Need::Sku(sku)).chain(stocks).collect()
}

fn listeners() -> [Need; 3] {
    [EventKind::ProductChanged, EventKind::ProductListed, EventKind::ProductDelisted].map(Need::Listeners)
}

impl Desk<'_> {
    pub(super) fn save_product(&mut self, mut product: Product) -> Result<Decided, Refusal> {
        if self.view.partner(product.seller).is_none() {
            return Err(Refusal::NotFound { what: "partner" });
        }
        check_product(&product)?;
        product.changed_at = self.now;
        if let Some(known) = self.view.product(product.id) {
            if known.seller != product.seller {
                return Err(field("seller", "cannot be changed"));
            }
            if *known == (Product { changed_at: known.changed_at, ..product.clone() }) {
                return Ok(Decided::Done);
            }
            let news = match (known.state, product.state) {
                (ProductState::OffSale, ProductState::OnSale) => EventKind::ProductListed,
                (ProductState::OnSale, ProductState::OffSale) => EventKind::ProductDelisted,
                (ProductState::OnSale, ProductState::OnSale)
                | (ProductState::OffSale, ProductState::OffSale) => EventKind::ProductChanged,
            };
            let skus: Vec<SkuId> = self.view.skus_of(product.id).iter().map(|sku| sku.id).collect();
            self.raise_news(news, &skus);
        }
        self.changes.products.push(product);
        Ok(Decided::Done)
    }

    pub(super) fn save_sku(&mut self, mut sku: Sku) -> Result<Decided, Refusal> {
        let product = self.view.product(sku.product).ok_or(Refusal::NotFound { what: "product" })?;
        if product.seller != sku.seller {
            return Err(field("seller", "is not the one of the product"));
        }
        check_sku(&sku)?;
        sku.changed_at = self.now;
        match self.view.sku(sku.id) {
            Some(known) => {
                check_stays_itself(known, &sku)?;
                if *known == (Sku { changed_at: known.changed_at, ..sku.clone() }) {
                    return Ok(Decided::Done);
                }
                self.raise_news(EventKind::ProductChanged, &[sku.id]);
            }
            None => {
                if self.view.skus_of(product.id).len() >= Product::SKUS_MAX {
                    let problem = format!("a product has at most {}", Product::SKUS_MAX);
                    return Err(Refusal::Field { field: "skus".into(), problem });
                }
                match product.state {
                    ProductState::OnSale => self.raise_news(EventKind::ProductListed, &[sku.id]),
                    ProductState::OffSale => {}
                }
            }
        }
        self.changes.skus.push(sku);
        Ok(Decided::Done)
    }

    /// All of the plans, or none.
    pub(super) fn plan_stock(
        &mut self,
        seller: PartnerId,
        sku: SkuId,
        plans: Vec<StockPlan>,
    ) -> Result<Decided, Refusal> {
        let sku = self.view.sku(sku).filter(|sku| sku.seller == seller);
        let sku = sku.ok_or(Refusal::NotFound { what: "sku" })?;
        let SkuKind::Ticket(rules) = &sku.kind;
        if !(1..=StockPlan::MAX).contains(&plans.len()) {
            let problem = format!("1 to {} stocks can be laid down at once", StockPlan::MAX);
            return Err(Refusal::Field { field: "plans".into(), problem });
        }
        let mut seen = BTreeSet::new();
        for plan in plans {
            let key = StockKey { sku: sku.id, day: plan.day };
            if !seen.insert(key) {
                return Err(of_plan(&plan, "day", "is there twice"));
            }
            match (rules.dated, plan.day) {
                (true, Some(_)) | (false, None) => {}
                (true, None) => return Err(of_plan(&plan, "day", "is needed: the sku is sold by the day")),
                (false, Some(_)) => return Err(of_plan(&plan, "day", "the sku is not sold by the day")),
            }
            if plan.total > Stock::TOTAL_MAX {
                return Err(of_plan(&plan, "total", &format!("is at most {}", Stock::TOTAL_MAX)));
            }
            if plan.price.is_some_and(|price| !price.is_well_formed(sku.price.cost.currency())) {
                return Err(of_plan(
                    &plan,
                    "price",
                    "needs amounts of the sku's currency, none below nothing",
                ));
            }
            let known = self.view.stock(key);
            let (held, sold) = known.map_or((0, 0), |stock| (stock.held, stock.sold));
            let taken = held.checked_add(sold).ok_or(Refusal::Internal)?;
            if plan.total < taken {
                return Err(of_plan(&plan, "total", &format!("{taken} are held or sold already")));
            }
            let StockPlan { total, closed, price, .. } = plan;
            let stock = Stock { seller, key, total, held, sold, closed, price };
            if known != Some(&stock) {
                self.changes.stocks.push(stock);
            }
        }
        Ok(Decided::Done)
    }

    /// Tells everybody who listens about each of `skus`. Every partner has its own numbers, so that it
    /// has its own events.
    fn raise_news(&mut self, kind: EventKind, skus: &[SkuId]) {
        let listeners: Vec<(PartnerId, EndpointId, Timestamp)> = self
            .view
            .listeners(kind)
            .into_iter()
            .map(|endpoint| {
                (endpoint.partner, endpoint.id, self.rules.first_look(&endpoint.dialect, self.now))
            })
            .collect();
        for of_partner in listeners.chunk_by(|one, other| one.0 == other.0) {
            let Some((partner, ..)) = of_partner.first().copied() else { continue };
            for sku in skus {
                let (number, about) = (self.next_event(partner), About::Sku(*sku));
                for (_, endpoint, due_at) in of_partner.iter().copied() {
                    let told = TaskKind::Deliver { event: number, endpoint: Some(endpoint) };
                    self.new_task_of(partner, about, told, due_at);
                }
                let at = self.now;
                self.changes.events.push(Event {
                    partner,
                    number,
                    kind,
                    about,
                    refund: None,
                    redemption: None,
                    at,
                });
            }
        }
    }
}

fn check_product(product: &Product) -> Result<(), Refusal> {
    let most = |field: &str, length: usize, most: usize| {
        let problem = format!("{length} are more than {most}");
        if length <= most { Ok(()) } else { Err(Refusal::Field { field: field.into(), problem }) }
    };
    if product.name.trim().is_empty() {
        return Err(field("name", "must not be empty"));
    }
    most("name", product.name.len(), Product::NAME_BYTES_MAX)?;
    most("pictures", product.pictures.len(), Product::PICTURES_MAX)?;
    most("contacts", product.contacts.len(), Product::CONTACTS_MAX)?;
    most("texts", product.texts.len(), Product::TEXTS_BYTES_MAX)
}

fn check_sku(sku: &Sku) -> Result<(), Refusal> {
    let SkuKind::Ticket(rules) = &sku.kind;
    if sku.order_min == 0 || sku.order_min > sku.order_max {
        return Err(field("order_min", "must be positive and no more than order_max"));
    }
    if sku.order_max > Sku::ORDER_MAX {
        let problem = format!("at most {}", Sku::ORDER_MAX);
        return Err(Refusal::Field { field: "order_max".into(), problem });
    }
    if !sku.price.is_well_formed(sku.price.cost.currency()) {
        return Err(field("price", "needs amounts of one currency, none below nothing"));
    }
    check_order("sale_until", sku.sale_from, sku.sale_until)?;
    check_rules(rules)
}

fn check_rules(rules: &TicketRules) -> Result<(), Refusal> {
    check_order("valid_until", rules.valid_from, rules.valid_until)?;
    if !(1..=TicketRules::DAYS_MAX).contains(&rules.valid_days) {
        let problem = format!("1 to {}", TicketRules::DAYS_MAX);
        return Err(Refusal::Field { field: "valid_days".into(), problem });
    }
    if rules.book_ahead_days > TicketRules::DAYS_MAX {
        let problem = format!("at most {}", TicketRules::DAYS_MAX);
        return Err(Refusal::Field { field: "book_ahead_days".into(), problem });
    }
    check_span("usable_after", rules.usable_after)?;
    match rules.refund.until {
        RefundUntil::BeforeEnd(before) => check_span("refund until", before)?,
        RefundUntil::AnyTime | RefundUntil::Never => {}
    }
    match rules.refund.review {
        Review::Automatic(after) => check_span("refund review", after),
        Review::Manual => Ok(()),
    }
}

fn check_order(name: &str, from: Option<Timestamp>, until: Option<Timestamp>) -> Result<(), Refusal> {
    match (from, until) {
        (Some(from), Some(until)) if from >= until => Err(field(name, "must be after the beginning")),
        _ => Ok(()),
    }
}

fn check_span(name: &str, span: Span) -> Result<(), Refusal> {
    let longest = Span::from_days(i64::from(TicketRules::DAYS_MAX));
    if (Span::from_ms(0)..=longest).contains(&span) {
        return Ok(());
    }
    let problem = format!("0 to {} days", TicketRules::DAYS_MAX);
    Err(Refusal::Field { field: name.into(), problem })
}

/// What has been sold rests on these.
fn check_stays_itself(known: &Sku, sku: &Sku) -> Result<(), Refusal> {
    let (SkuKind::Ticket(before), SkuKind::Ticket(after)) = (&known.kind, &sku.kind);
    if known.product != sku.product || known.seller != sku.seller {
        return Err(field("product", "cannot be changed"));
    }
    if before.dated != after.dated {
        return Err(field("dated", "cannot be changed"));
    }
    if known.price.cost.currency() != sku.price.cost.currency() {
        return Err(field("price", "the currency cannot be changed"));
    }
    Ok(())
}

fn field(name: &str, problem: &str) -> Refusal {
    Refusal::Field { field: name.into(), problem: problem.into() }
}

/// Names the day, for there may be hundreds.
fn of_plan(plan: &StockPlan, name: &str, problem: &str) -> Refusal {
    let of_day = plan.day.map(|day| format!(" of {day}")).unwrap_or_default();
    Refusal::Field { field: format!("{name}{of_day}"), problem: problem.into() }
}
