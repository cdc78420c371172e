//! A shop in a world: a seller with tickets to sell, buyers with balances, and short ways to say what they do.

use tradewind_domain::{
    CodeRule, Command, Currency, Day, Decided, Deposit, DepositId, EndpointId, EventKind, Method, Money,
    NewPurchase, Order, OrderId, Partner, PartnerId, PartnerPatch, PartnerState, PayNow, PayPurchase,
    PaymentId, Price, Product, ProductId, ProductState, Purchase, Refund, RefundApplication, RefundId,
    Refusal, Review, Sku, SkuId, SkuKind, Span, Stock, StockKey, StockPlan, TicketRules, Traveller, Voucher,
    VoucherCode, VoucherId,
};

use crate::world::{RULES, START, World, cents};

/// Sells.
pub(crate) const SELLER: PartnerId = PartnerId::from_i64(3);
/// Buys with what it has paid in.
pub(crate) const BUYER: PartnerId = PartnerId::from_i64(4);
/// Buys, and may owe [`CREDIT`].
pub(crate) const DEBTOR: PartnerId = PartnerId::from_i64(5);
/// In cents.
pub(crate) const CREDIT: i64 = 10_000;
pub(crate) const PRODUCT: ProductId = ProductId::from_i64(1);
/// Sold for any day, one code for an order.
pub(crate) const TICKET: StockKey = StockKey { sku: SkuId::from_i64(1), day: None };
/// Sold by the day, a code for each.
pub(crate) const DATED: SkuId = SkuId::from_i64(2);
/// What each buyer has paid in, in cents.
pub(crate) const PAID_IN: i64 = 100_000;
/// What a ticket costs a buyer, in cents.
pub(crate) const COST: i64 = 2_500;
/// How many there are in each stock.
pub(crate) const TOTAL: u32 = 10;
/// For how many days the dated ticket is on sale, from today.
pub(crate) const DAYS: i32 = 5;

/// The first day of the shop.
pub(crate) fn today() -> Day {
    Day::of(START, RULES.day_offset)
}

/// The dated ticket's stock so many days from the first one.
pub(crate) fn in_days(days: i32) -> StockKey {
    StockKey { sku: DATED, day: Some(today().plus(days)) }
}

/// A price in cents.
pub(crate) fn price(market: i64, sell: i64, cost: i64) -> Price {
    Price { market: cents(market), sell: cents(sell), cost: cents(cost) }
}

/// What a ticket is sold for, in another currency.
pub(crate) fn euros() -> Money {
    Money::from_cents(3_000, "EUR".parse::<Currency>().unwrap()).unwrap()
}

pub(crate) fn traveller(name: &str, mobile: &str, document: &str) -> Traveller {
    Traveller {
        name: name.into(),
        mobile: mobile.into(),
        document_kind: "0".into(),
        document: document.into(),
        address: String::new(),
        postcode: String::new(),
        email: String::new(),
    }
}

pub(crate) fn product(edit: impl FnOnce(&mut Product)) -> Product {
    let mut product = Product {
        id: PRODUCT,
        seller: SELLER,
        name: "Museum".into(),
        state: ProductState::OnSale,
        system: None,
        pictures: Vec::new(),
        contacts: Vec::new(),
        texts: "{}".into(),
        changed_at: START,
    };
    edit(&mut product);
    product
}

/// One of the two skus as the shop has it, or with an edit.
pub(crate) fn sku(id: SkuId, edit: impl FnOnce(&mut Sku, &mut TicketRules)) -> Sku {
    let dated = id == DATED;
    let mut rules = TicketRules { dated, ..TicketRules::SIMPLE };
    if dated {
        rules.refund.review = Review::Automatic(Span::from_secs(30));
    } else {
        rules.codes = CodeRule::PerOrder;
    }
    let mut sku = Sku {
        id,
        seller: SELLER,
        product: PRODUCT,
        price: price(4_000, 3_000, COST),
        sale_from: None,
        sale_until: None,
        order_min: 1,
        order_max: 6,
        kind: SkuKind::Ticket(rules.clone()),
        changed_at: START,
    };
    edit(&mut sku, &mut rules);
    Sku { kind: SkuKind::Ticket(rules), ..sku }
}

pub(crate) fn plan(day: Option<Day>, total: u32) -> StockPlan {
    StockPlan { day, total, closed: false, price: None }
}

fn partner(id: PartnerId, limit: i64) -> Partner {
    Partner {
        id,
        name: format!("Partner {}", id.get()),
        state: PartnerState::Active,
        methods: vec![Method::BALANCE],
        fee_ppm: 6_000,
        credit_limit: cents(limit),
        settings: "{}".into(),
        created_at: START,
    }
}

impl World {
    /// A shop with both tickets in stock, and two buyers that have paid in.
    pub(crate) fn shop() -> World {
        let mut world = World::new();
        for (id, limit) in [(SELLER, 0), (BUYER, 0), (DEBTOR, CREDIT)] {
            world.stored.partners.insert(id, partner(id, limit));
        }
        world.listen(
            EndpointId::from_i64(10),
            BUYER,
            &[EventKind::VoucherRedeemed, EventKind::RefundSucceeded],
        );
        world.save_product(|_| {}).unwrap();
        world.save_sku(TICKET.sku, |_, _| {}).unwrap();
        world.save_sku(DATED, |_, _| {}).unwrap();
        world.plan(TICKET.sku, vec![plan(None, TOTAL)]).unwrap();
        world.plan(DATED, (0..DAYS).map(|day| plan(in_days(day).day, TOTAL)).collect()).unwrap();
        for buyer in [BUYER, DEBTOR] {
            world.deposit(buyer, "first", PAID_IN).unwrap();
        }
        world
    }

    pub(crate) fn suspend(&mut self, partner: PartnerId) {
        let patch = PartnerPatch { state: Some(PartnerState::Suspended), ..PartnerPatch::default() };
        self.run(Command::PatchPartner { partner, patch }).unwrap();
    }

    pub(crate) fn listen(&mut self, id: EndpointId, partner: PartnerId, events: &[EventKind]) {
        let known = self.stored.endpoints.values().next().expect("an endpoint").clone();
        let url = format!("https://partner.example/{}", id.get());
        let endpoint = tradewind_domain::Endpoint { id, partner, url, events: events.to_vec(), ..known };
        self.stored.endpoints.insert(id, endpoint);
    }

    pub(crate) fn save_product(&mut self, edit: impl FnOnce(&mut Product)) -> Result<Decided, Refusal> {
        self.run(Command::SaveProduct(Box::new(product(edit))))
    }

    pub(crate) fn save_sku(
        &mut self,
        id: SkuId,
        edit: impl FnOnce(&mut Sku, &mut TicketRules),
    ) -> Result<Decided, Refusal> {
        self.run(Command::SaveSku(Box::new(sku(id, edit))))
    }

    pub(crate) fn plan(&mut self, sku: SkuId, plans: Vec<StockPlan>) -> Result<Decided, Refusal> {
        self.run(Command::PlanStock { seller: SELLER, sku, plans })
    }

    pub(crate) fn deposit_command(&self, partner: PartnerId, number: &str, amount: i64) -> Command {
        Command::Deposit(Box::new(Deposit {
            id: DepositId::make(&self.callers, self.now),
            partner,
            number: number.into(),
            amount: cents(amount),
            note: "Sample".into(),
            operator: "operator".into(),
        }))
    }

    pub(crate) fn deposit(
        &mut self,
        partner: PartnerId,
        number: &str,
        amount: i64,
    ) -> Result<Deposit, Refusal> {
        let command = self.deposit_command(partner, number, amount);
        match self.run(command)? {
            Decided::Deposit(deposit) => Ok(*deposit),
            other => panic!("{other:?}"),
        }
    }

    /// A code that nothing else has.
    pub(crate) fn code(&self) -> VoucherCode {
        self.codes.set(self.codes.get() + 1);
        VoucherCode::of_payload(self.codes.get()).unwrap()
    }

    pub(crate) fn pay_now(&self, units: u32) -> PayNow {
        PayNow { number: Some("bank serial".into()), codes: (0..units).map(|_| self.code()).collect() }
    }

    /// So many of a stock under a number, paid at once unless the edit says otherwise.
    pub(crate) fn purchase_of(
        &self,
        partner: PartnerId,
        number: &str,
        stock: StockKey,
        quantity: u32,
        edit: impl FnOnce(&mut NewPurchase),
    ) -> Command {
        let mut new = NewPurchase {
            order: OrderId::make(&self.callers, self.now),
            payment: PaymentId::make(&self.callers, self.now),
            partner,
            dialect: "native".into(),
            number: number.into(),
            fingerprint: i64::from(quantity) + 100 * stock.sku.get(),
            stock,
            quantity,
            sell: cents(3_000),
            cost: None,
            travellers: vec![traveller("Sample", "13800000000", "")],
            send_codes: true,
            pay: Some(self.pay_now(quantity)),
            details: None,
        };
        edit(&mut new);
        Command::Purchase(Box::new(new))
    }

    pub(crate) fn try_buy(
        &mut self,
        stock: StockKey,
        quantity: u32,
        edit: impl FnOnce(&mut NewPurchase),
    ) -> Result<Purchase, Refusal> {
        let number = format!("order {}", self.stored.orders.len());
        let command = self.purchase_of(BUYER, &number, stock, quantity, edit);
        self.run(command).map(bought)
    }

    /// Buys and pays at once.
    pub(crate) fn buy(&mut self, stock: StockKey, quantity: u32) -> OrderId {
        self.try_buy(stock, quantity, |_| {}).expect("sold").order.id
    }

    /// Buys without paying.
    pub(crate) fn hold(&mut self, stock: StockKey, quantity: u32) -> OrderId {
        self.try_buy(stock, quantity, |new| new.pay = None).expect("held").order.id
    }

    pub(crate) fn pay_command(&self, order: OrderId, edit: impl FnOnce(&mut PayPurchase)) -> Command {
        let (order, line) = (self.order(order), self.line(order));
        let mut pay = PayPurchase {
            partner: order.partner,
            order: order.id,
            number: order.number.clone(),
            stock: line.stock(),
            quantity: line.quantity,
            sell: line.sell,
            payment: PaymentId::make(&self.callers, self.now),
            traveller: None,
            send_codes: true,
            pay: self.pay_now(line.quantity),
        };
        edit(&mut pay);
        Command::PayPurchase(Box::new(pay))
    }

    pub(crate) fn pay(
        &mut self,
        order: OrderId,
        edit: impl FnOnce(&mut PayPurchase),
    ) -> Result<Purchase, Refusal> {
        let command = self.pay_command(order, edit);
        self.run(command).map(bought)
    }

    pub(crate) fn apply_command(&self, order: OrderId, number: &str, quantity: u32) -> Command {
        let order = self.order(order);
        Command::ApplyRefund(Box::new(RefundApplication {
            id: RefundId::make(&self.callers, self.now),
            partner: order.partner,
            order: order.id,
            order_number: order.number.clone(),
            stock: self.line(order.id).stock(),
            number: number.into(),
            quantity,
        }))
    }

    /// Applies for a refund of units.
    pub(crate) fn apply(&mut self, order: OrderId, number: &str, quantity: u32) -> Result<Refund, Refusal> {
        let command = self.apply_command(order, number, quantity);
        match self.run(command)? {
            Decided::Applied(purchase, refund) => {
                self.assert_as_stored(&purchase);
                Ok(*refund)
            }
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn review_command(&self, refund: RefundId, approve: bool) -> Command {
        let refund = &self.stored.refunds[&refund];
        Command::ReviewRefund {
            partner: refund.partner,
            order: refund.order,
            stock: self.line(refund.order).stock(),
            refund: refund.id,
            approve,
            reason: if approve { String::new() } else { "used at the gate".into() },
            reviewer: "reviewer".into(),
        }
    }

    pub(crate) fn decide_on(&mut self, refund: RefundId, approve: bool) -> Result<Refund, Refusal> {
        let command = self.review_command(refund, approve);
        match self.run(command)? {
            Decided::Applied(purchase, refund) => {
                self.assert_as_stored(&purchase);
                Ok(*refund)
            }
            other => panic!("{other:?}"),
        }
    }

    /// Applies and has it approved.
    pub(crate) fn give_back(&mut self, order: OrderId, number: &str, quantity: u32) -> Refund {
        let refund = self.apply(order, number, quantity).expect("applied");
        self.decide_on(refund.id, true).expect("approved")
    }

    pub(crate) fn use_command(&self, voucher: VoucherId, by: PartnerId, count: u32) -> Command {
        let voucher = &self.stored.vouchers[&voucher];
        Command::RedeemVoucher {
            partner: voucher.partner,
            voucher: voucher.id,
            by,
            device: "gate".into(),
            count,
            order: voucher.order,
        }
    }

    /// Redeems uses of the `place`th voucher of an order at the seller's gate.
    pub(crate) fn use_up(
        &mut self,
        order: OrderId,
        place: usize,
        count: u32,
    ) -> Result<tradewind_domain::Redemption, Refusal> {
        let voucher = self.vouchers_of(order)[place].id;
        let command = self.use_command(voucher, SELLER, count);
        match self.run(command)? {
            Decided::Redeemed(_, redemption) => Ok(*redemption),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn resend(&mut self, order: OrderId) -> Result<Purchase, Refusal> {
        let Order { partner, number, .. } = self.order(order).clone();
        let purchase = self.run(Command::ResendCodes { partner, order, number }).map(bought)?;
        self.assert_as_stored(&purchase);
        Ok(purchase)
    }

    /// Ends a purchase whose time is over.
    pub(crate) fn lapse_purchase(&mut self, order: OrderId) -> Result<Purchase, Refusal> {
        let (partner, stock) = (self.order(order).partner, self.line(order).stock());
        self.run(Command::LapseOrder { partner, order, stock: Some(stock) }).map(bought)
    }

    pub(crate) fn line(&self, order: OrderId) -> &tradewind_domain::Line {
        self.order(order).line.as_deref().expect("a line")
    }

    pub(crate) fn vouchers_of(&self, order: OrderId) -> Vec<&Voucher> {
        self.stored.vouchers.values().filter(|voucher| voucher.order == Some(order)).collect()
    }

    pub(crate) fn stock(&self, key: StockKey) -> &Stock {
        &self.stored.stocks[&key]
    }

    /// Held, sold and free.
    pub(crate) fn counts(&self, key: StockKey) -> (u32, u32, u32) {
        let stock = self.stock(key);
        (stock.held, stock.sold, stock.free())
    }

    /// What is left of a balance, in cents.
    pub(crate) fn balance(&self, partner: PartnerId) -> i64 {
        self.view_of(partner).balance(partner, Currency::CNY) / 10_000
    }

    /// What a decision shows is what was written.
    pub(crate) fn assert_as_stored(&self, purchase: &Purchase) {
        let order = purchase.order.id;
        assert_eq!(&purchase.order, self.order(order));
        assert_eq!(&purchase.payment, self.payment(order));
        assert_eq!(purchase.refunds.iter().collect::<Vec<_>>(), self.refunds(order));
        assert_eq!(purchase.vouchers.iter().collect::<Vec<_>>(), self.vouchers_of(order));
    }
}

pub(crate) fn bought(decided: Decided) -> Purchase {
    match decided {
        Decided::Purchase(purchase) => *purchase,
        other => panic!("{other:?}"),
    }
}
