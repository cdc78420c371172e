//! A whole gateway with something to sell, and distributors who buy from it.

use std::sync::Arc;

use tradewind_app::{App, Verdict};
use tradewind_domain::{
    Contact, Currency, Day, EventKind, Money, OrderId, PartnerId, Price, Product, ProductState, RedeemCall,
    Sku, SkuId, SkuKind, StockPlan, TicketRules, Timestamp,
};
use tradewind_sdk::lianhe::{Client, Config, OrderRequest, Placed, Visitor};
use tradewind_sdk::{Clock, Secret};
use tradewind_testkit::{Options, Random, TestGateway};

use crate::lianhe::support::config;
use crate::support::loopback;

/// The second of the sandbox's distributors, with all switches as they come.
const PLAIN: (i64, &str) = (1986, "8c1f5e2b7d904a36b1e8f0c2d5a79346");

pub(crate) struct Shop {
    pub(crate) gateway: TestGateway,
    /// The first of the sandbox's distributors.
    pub(crate) client: Client,
    pub(crate) partner: PartnerId,
    pub(crate) seller: PartnerId,
    pub(crate) random: Random,
}

impl Shop {
    pub(crate) async fn open() -> Shop {
        Shop::open_with(Options::default()).await
    }

    pub(crate) async fn open_with(options: Options) -> Shop {
        let gateway = TestGateway::start(options).await;
        let client = client(&gateway, config(&gateway.url()));
        let partner = partner(&gateway, client.config().partner_id).await;
        let seller = gateway.app().add_seller("Harbour Park".into()).await.unwrap().id;
        Shop { gateway, client, partner, seller, random: Random::new() }
    }

    pub(crate) fn app(&self) -> &Arc<App> {
        self.gateway.app()
    }

    /// Another client of the same gateway.
    pub(crate) fn other(&self, config: Config) -> Client {
        client(&self.gateway, config)
    }

    /// A distributor with the switches that every new one has, and so much money.
    pub(crate) async fn plain(&self, left: &str) -> (Client, PartnerId) {
        let (partner_id, secret) = PLAIN;
        let client = self.other(Config::new(partner_id, Secret::new(secret), self.gateway.url()));
        let partner = partner(&self.gateway, partner_id).await;
        let text = partner.to_string();
        let balance = self.gateway.ops().get(&format!("/partners/{text}/balance")).await.unwrap();
        let has = money(balance["available"].as_str().unwrap());
        let change = money(left).minus(has).unwrap();
        if change.micros() != 0 {
            self.deposit(partner, "all but this", change).await;
        }
        (client, partner)
    }

    pub(crate) async fn deposit(&self, partner: PartnerId, number: &str, amount: Money) {
        let none = String::new();
        self.app().deposit(partner, number.into(), amount, none.clone(), none).await.unwrap();
    }

    /// Puts a ticket on sale at 100 for 90, as many as `plans` say.
    pub(crate) async fn sell(&self, name: &str, rules: TicketRules, plans: Vec<StockPlan>) -> Ware {
        self.sell_changed(name, rules, plans, |sku| sku).await
    }

    /// The same, with other things changed too.
    pub(crate) async fn sell_changed(
        &self,
        name: &str,
        rules: TicketRules,
        plans: Vec<StockPlan>,
        change: impl FnOnce(Sku) -> Sku,
    ) -> Ware {
        let not_yet = Timestamp::from_ms(0);
        let product = Product {
            id: self.app().new_product_id(),
            seller: self.seller,
            name: name.into(),
            state: ProductState::OnSale,
            system: None,
            pictures: vec!["http://img.example/1.jpg".into()],
            contacts: vec![Contact { phone: "400-000-0000".into(), hours: "09:00-18:00".into() }],
            texts: r#"{"usage":"Show the code at the gate."}"#.into(),
            changed_at: not_yet,
        };
        let product = self.app().save_product(product).await.unwrap();
        let sku = Sku {
            id: self.app().new_sku_id(),
            seller: self.seller,
            product: product.id,
            price: price("120", "100", "90"),
            sale_from: None,
            sale_until: None,
            order_min: 1,
            order_max: 20,
            kind: SkuKind::Ticket(rules),
            changed_at: not_yet,
        };
        let sku = self.app().save_sku(change(sku)).await.unwrap();
        self.app().plan_stock(self.seller, sku.id, plans).await.unwrap();
        Ware { product, sku: sku.id }
    }

    /// A ticket for any day, of which there are 100.
    pub(crate) async fn sell_undated(&self) -> Ware {
        self.sell("Day ticket", rules(), vec![plan(None, 100)]).await
    }

    /// An order of so many tickets, with a number nobody has used.
    pub(crate) fn order(&mut self, ware: &Ware, quantity: u32) -> OrderRequest {
        let request = OrderRequest::new().order_id(self.random.number("D")).deal_id(ware.deal_id());
        let request = request.sell_price("100".parse().unwrap()).quantity(quantity);
        request.visitor(Visitor::new("Li Lei", "13800000001"))
    }

    /// Redeems a code at the gate.
    pub(crate) async fn redeem(&self, code: &str) {
        let (code, device) = (code.parse().unwrap(), "gate 1".to_owned());
        self.app().redeem(self.seller, RedeemCall { code, device, count: 1, confirm: true }).await.unwrap();
    }

    /// Decides about the latest application for a refund of an order.
    pub(crate) async fn review(&self, order: &Placed, approve: bool, reason: &str) {
        let order = OrderId::from_i64(order.lh_order_id.parse().unwrap());
        let purchase = self.app().purchase_of_order(self.partner, order).await.unwrap().unwrap();
        let refund = purchase.refunds.last().unwrap().id;
        let verdict = Verdict { approve, reason: reason.into(), reviewer: "clerk".into() };
        self.app().review_refund(self.partner, order, refund, verdict).await.unwrap();
    }

    /// Has the distributor told of everything at this address.
    pub(crate) async fn listen(&self, url: String) {
        let events = vec![
            EventKind::VoucherRedeemed,
            EventKind::RefundSucceeded,
            EventKind::RefundFailed,
            EventKind::ProductChanged,
            EventKind::ProductListed,
            EventKind::ProductDelisted,
        ];
        self.app().add_endpoint(self.partner, "lianhe", url, events).await.unwrap();
    }

    /// Today where the park is.
    pub(crate) fn today(&self) -> Day {
        Day::of(self.gateway.now(), self.app().config().day_offset)
    }
}

/// Something on sale.
pub(crate) struct Ware {
    pub(crate) product: Product,
    pub(crate) sku: SkuId,
}

impl Ware {
    pub(crate) fn deal_id(&self) -> String {
        self.sku.get().to_string()
    }
}

fn client(gateway: &TestGateway, config: Config) -> Client {
    Client::over(config, loopback()).unwrap().with_clock(Clock::from_fn(gateway.clock()))
}

async fn partner(gateway: &TestGateway, partner_id: i64) -> PartnerId {
    let found = gateway.app().resolve_partner(&partner_id.to_string(), &["lianhe"]).await;
    found.unwrap().partner.id
}

pub(crate) fn money(yuan: &str) -> Money {
    Money::parse(yuan, 2, Currency::CNY).unwrap()
}

pub(crate) fn price(market: &str, sell: &str, cost: &str) -> Price {
    Price { market: money(market), sell: money(sell), cost: money(cost) }
}

pub(crate) fn plan(day: Option<Day>, total: u32) -> StockPlan {
    StockPlan { day, total, closed: false, price: None }
}

/// A ticket for any day, for whoever has it, which a person decides to take back.
pub(crate) fn rules() -> TicketRules {
    TicketRules::SIMPLE
}

/// The same for a day.
pub(crate) fn dated() -> TicketRules {
    TicketRules { dated: true, ..rules() }
}
