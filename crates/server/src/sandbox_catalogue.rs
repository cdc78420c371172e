//! What a sandbox has to sell: a seller with tickets of each kind, and money to buy them with.

use tradewind_app::App;
use tradewind_domain::{
    Contact, Currency, Day, Method, Money, PartnerId, Price, Product, ProductState, RefundTerms, Refusal,
    Review, Sku, SkuKind, Span, StockPlan, TicketRules, Timestamp, TravellerRule,
};

use crate::StartError;

/// The seller's name; where it stands already, the catalogue is there.
const SELLER: &str = "Sandbox Park";
/// Partners looked through for the seller: a sandbox that is being filled has few.
const PARTNERS_MAX: u32 = 1000;
/// Days for which dated tickets are laid down.
const DAYS: i32 = 180;
const PER_DAY: u32 = 500;
const UNDATED: u32 = 100_000;
const YUAN: i64 = 1_000_000;
/// What every partner that pays from a balance starts with.
const DEPOSIT_YUAN: i64 = 100_000;
const DEPOSIT_NUMBER: &str = "sandbox";

/// Fills the catalogue, and the balances of `partners` that pay from one.
pub(crate) async fn fill(app: &App, partners: &[(PartnerId, Vec<Method>)]) -> Result<(), StartError> {
    for (partner, methods) in partners {
        if methods.contains(&Method::BALANCE) {
            let note = "published".to_owned();
            let deposit =
                app.deposit(*partner, DEPOSIT_NUMBER.into(), yuan(DEPOSIT_YUAN), note, SELLER.into());
            deposit.await.map_err(refused("a balance of the sandbox"))?;
        }
    }
    let known = app.store().list_partners(None, PARTNERS_MAX).await?.partners;
    let seller = match known.into_iter().find(|partner| partner.name == SELLER) {
        Some(seller) => seller,
        None => app.add_seller(SELLER.into()).await.map_err(refused("the seller of the sandbox"))?,
    };
    let have = app.store().list_products(Some(seller.id), None, PARTNERS_MAX).await?.products;
    for ware in wares(Review::Automatic(Span::from_secs(60))) {
        if !have.iter().any(|product| product.name == ware.name) {
            lay_out(app, seller.id, ware).await.map_err(refused("the catalogue of the sandbox"))?;
        }
    }
    Ok(())
}

/// A product with its one sku.
struct Ware {
    name: &'static str,
    about: &'static str,
    price: [i64; 3],
    rules: TicketRules,
}

fn wares(review: Review) -> [Ware; 3] {
    let mut rules = TicketRules::SIMPLE;
    rules.refund.review = review;
    [
        Ware {
            name: "Park ticket, any day",
            about: "Entry on any day. Refunds are approved by themselves after a minute.",
            price: [120, 100, 90],
            rules: rules.clone(),
        },
        Ware {
            name: "Park ticket for a day",
            about: "Entry on the day it was bought for.",
            price: [100, 80, 70],
            rules: TicketRules { dated: true, ..rules.clone() },
        },
        Ware {
            name: "Night tour, real names",
            about: "One person for each ticket, with an identity document, booked a day ahead. Refunds are \
                    reviewed by a person, and only for all tickets of an order together.",
            price: [260, 220, 200],
            rules: TicketRules {
                dated: true,
                book_ahead_days: 1,
                travellers: TravellerRule::Each,
                needs_document: true,
                refund: RefundTerms { whole_only: true, review: Review::Manual, ..rules.refund },
                ..rules
            },
        },
    ]
}

async fn lay_out(app: &App, seller: PartnerId, ware: Ware) -> Result<(), Refusal> {
    let [market, sell, cost] = ware.price.map(yuan);
    let not_yet = Timestamp::from_ms(0);
    let product = Product {
        id: app.new_product_id(),
        seller,
        name: ware.name.into(),
        // Nobody buys what is not laid out yet.
        state: ProductState::OffSale,
        system: None,
        pictures: Vec::new(),
        contacts: vec![Contact { phone: "400-000-0000".into(), hours: "09:00-18:00".into() }],
        texts: serde_json::json!({ "notice": ware.about }).to_string(),
        changed_at: not_yet,
    };
    let product = app.save_product(product).await?;
    let dated = ware.rules.dated;
    let sku = Sku {
        id: app.new_sku_id(),
        seller,
        product: product.id,
        price: Price { market, sell, cost },
        sale_from: None,
        sale_until: None,
        order_min: 1,
        order_max: 20,
        kind: SkuKind::Ticket(ware.rules),
        changed_at: not_yet,
    };
    let sku = app.save_sku(sku).await?;
    let today = Day::of(app.clock().now(), app.config().day_offset);
    let plan = |day, total| StockPlan { day, total, closed: false, price: None };
    let plans = if dated {
        (0..DAYS).map(|days| plan(Some(today.plus(days)), PER_DAY)).collect()
    } else {
        vec![plan(None, UNDATED)]
    };
    app.plan_stock(seller, sku.id, plans).await?;
    app.save_product(Product { state: ProductState::OnSale, ..product }).await.map(drop)
}

fn yuan(yuan: i64) -> Money {
    Money::from_micros(yuan * YUAN, Currency::CNY)
}

fn refused(what: &'static str) -> impl Fn(Refusal) -> StartError {
    move |refusal| StartError::Refused { what, refusal }
}
