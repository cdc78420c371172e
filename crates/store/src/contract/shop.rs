//! A seller, what it sells, and partners that buy: rows to write, and commands as an application makes them.

use tradewind_domain::{
    Account, Balance, CodeRule, Command, Contact, Currency, Day, Decided, Deposit, DepositId, Line, Money,
    NewPurchase, Order, OrderId, PartnerId, PayNow, PayPurchase, Payment, PaymentId, Price, Product,
    ProductId, ProductState, Purchase, Refund, RefundApplication, RefundId, RefundTerms, RefundUntil,
    Refusal, Review, Sku, SkuId, SkuKind, Span, Stock, StockKey, StockPlan, TicketRules, Timestamp,
    Traveller, TravellerRule, Voucher, VoucherCode,
};

use super::desk::Desk;
use super::samples::{self, NOW, yuan};

/// Who sells in these checks.
pub const SELLER: PartnerId = PartnerId::from_i64(50);

/// A product of `seller` that is on sale, with nothing optional.
pub fn product(seller: PartnerId, id: i64) -> Product {
    Product {
        id: ProductId::from_i64(id),
        seller,
        name: "古城 'tower'".into(),
        state: ProductState::OnSale,
        system: None,
        pictures: Vec::new(),
        contacts: Vec::new(),
        texts: "{}".into(),
        changed_at: NOW,
    }
}

/// The product with everything filled.
pub fn filled_product(product: Product) -> Product {
    Product {
        name: String::new(),
        state: ProductState::OffSale,
        system: Some("上游".into()),
        pictures: vec!["http://127.0.0.1/a.png".into(), "\"'".into()],
        contacts: vec![
            Contact { phone: "400-1".into(), hours: "9:00–18:00".into() },
            Contact { phone: String::new(), hours: String::new() },
        ],
        texts: r#"{"usage":"\"'é"}"#.into(),
        changed_at: Timestamp::from_ms(NOW.ms() + 1),
        ..product
    }
}

/// Prices that can be charged; the partner pays `cost` yuan.
pub fn price(cost: i64) -> Price {
    Price { market: yuan(cost + 20), sell: yuan(cost + 5), cost: yuan(cost) }
}

/// Tickets without a day, with one code for an order; all can be given back, a person decides.
pub fn rules() -> TicketRules {
    TicketRules { codes: CodeRule::PerOrder, ..TicketRules::SIMPLE }
}

/// A sku of `product` at 10 yuan by [`rules`].
pub fn sku(product: &Product, id: i64) -> Sku {
    Sku {
        id: SkuId::from_i64(id),
        seller: product.seller,
        product: product.id,
        price: price(10),
        sale_from: None,
        sale_until: None,
        order_min: 1,
        order_max: Sku::ORDER_MAX,
        kind: SkuKind::Ticket(rules()),
        changed_at: NOW,
    }
}

/// The sku with everything filled, and other variants wherever there are some.
pub fn filled_sku(sku: Sku) -> Sku {
    let price = Price {
        market: Money::from_micros(0, Currency::CNY),
        sell: Money::from_micros(i64::MAX, Currency::CNY),
        cost: Money::from_micros(-1, Currency::CNY),
    };
    Sku {
        price,
        sale_from: Some(Timestamp::from_ms(1)),
        sale_until: Some(Timestamp::from_ms(i64::MAX)),
        order_min: 7,
        order_max: u32::MAX,
        kind: SkuKind::Ticket(TicketRules {
            dated: true,
            valid_from: Some(NOW),
            valid_until: Some(Timestamp::from_ms(NOW.ms() + 5)),
            book_ahead_days: u32::MAX,
            usable_after: Span::from_mins(7),
            valid_days: 3,
            travellers: TravellerRule::Each,
            needs_document: true,
            codes: CodeRule::PerTicket,
            counter_only: true,
            refund: other_terms(),
        }),
        changed_at: Timestamp::from_ms(NOW.ms() + 1),
        ..sku
    }
}

fn other_terms() -> RefundTerms {
    RefundTerms {
        refundable: false,
        whole_only: true,
        until: RefundUntil::BeforeEnd(Span::from_mins(90)),
        review: Review::Automatic(Span::from_secs(30)),
    }
}

/// A stock of `sku` of which nothing is gone.
pub fn stock(sku: &Sku, day: Option<Day>, total: u32) -> Stock {
    let key = StockKey { sku: sku.id, day };
    Stock { seller: sku.seller, key, total, held: 0, sold: 0, closed: false, price: None }
}

/// Somebody to name in an order.
pub fn traveller(mobile: &str) -> Traveller {
    Traveller {
        name: "张 'three'".into(),
        mobile: mobile.into(),
        document_kind: "0".into(),
        document: String::new(),
        address: String::new(),
        postcode: String::new(),
        email: String::new(),
    }
}

/// What an order of so many units of `sku` buys, of which nothing has become yet.
pub fn line(sku: &Sku, quantity: u32) -> Line {
    Line {
        seller: sku.seller,
        product: sku.product,
        sku: sku.id,
        name: "古城 'tower'".into(),
        day: None,
        quantity,
        sell: sku.price.sell,
        cost: sku.price.cost,
        used: 0,
        refunded: 0,
        locked: 0,
        codes: CodeRule::PerOrder,
        usable_after: Span::from_ms(0),
        valid_from: None,
        valid_until: None,
        refund: rules().refund,
        travellers: Vec::new(),
        send_codes: false,
        resent: 0,
        sent_at: None,
    }
}

/// The line with everything filled, and other variants wherever there are some.
pub fn filled_line(line: Line) -> Line {
    Line {
        name: String::new(),
        day: Some(Day::from_number(20_779)),
        used: 1,
        refunded: 2,
        locked: 3,
        codes: CodeRule::PerTicket,
        usable_after: Span::from_mins(30),
        valid_from: Some(NOW),
        valid_until: Some(Timestamp::from_ms(NOW.ms() + 9)),
        refund: other_terms(),
        travellers: vec![traveller("1"), Traveller { email: "\"@例".into(), ..traveller("") }],
        send_codes: true,
        resent: u32::MAX,
        sent_at: Some(NOW),
        ..line
    }
}

/// An open order of `owner` that buys this, and its payment.
pub fn order(owner: i64, id: i64, number: &str, line: Line) -> (Order, Payment) {
    let amount = Money::from_micros(line.cost.micros() * i64::from(line.quantity), line.cost.currency());
    let order = Order { amount, fee_ppm: 0, line: Some(Box::new(line)), ..samples::order(owner, id, number) };
    let payment = Payment {
        channel: Payment::BALANCE_CHANNEL.into(),
        method: tradewind_domain::Method::BALANCE,
        flow: tradewind_domain::Flow::FromBalance,
        ..samples::payment(&order)
    };
    (order, payment)
}

/// A deposit of so many yuan.
pub fn deposit(owner: i64, id: i64, number: &str, amount: i64) -> Deposit {
    Deposit {
        id: DepositId::from_i64(id),
        partner: PartnerId::from_i64(owner),
        number: number.into(),
        amount: yuan(amount),
        note: "bank 转账".into(),
        operator: "desk".into(),
    }
}

/// A fresh sku is on sale: `total` tickets by these rules, for today when they are sold by the day.
pub async fn sell(desk: &mut Desk, id: i64, total: u32, rules: TicketRules) -> (Sku, StockKey) {
    if desk.read(tradewind_domain::Need::Partner(SELLER)).await.partners.is_empty() {
        desk.add_partner(SELLER.get()).await;
    }
    let product = product(SELLER, id);
    let sku = Sku { kind: SkuKind::Ticket(rules.clone()), ..sku(&product, id) };
    desk.must(Command::SaveProduct(Box::new(product))).await;
    desk.must(Command::SaveSku(Box::new(sku.clone()))).await;
    let day = rules.dated.then(|| Day::of(desk.now, Span::from_mins(8 * 60)));
    let plans = vec![StockPlan { day, total, closed: false, price: None }];
    desk.must(Command::PlanStock { seller: SELLER, sku: sku.id, plans }).await;
    let key = StockKey { sku: sku.id, day };
    (sku, key)
}

/// Adds a partner that has paid so many yuan in advance.
pub async fn add_buyer(desk: &mut Desk, id: i64, prepaid: i64) {
    desk.add_partner(id).await;
    if prepaid > 0 {
        let deposit = Deposit {
            id: DepositId::make(&desk.ids, desk.now),
            ..deposit(id, 0, &format!("first of {id}"), prepaid)
        };
        desk.must(Command::Deposit(Box::new(deposit))).await;
    }
}

/// What is available of the prepaid balance, in whole yuan.
pub async fn available(desk: &Desk, owner: i64) -> i64 {
    let balances = desk.store.balances(PartnerId::from_i64(owner)).await.unwrap();
    let prepaid = balances.iter().find(|balance| balance.account == Account::Prepaid);
    prepaid.map_or(0, Balance::available) / 1_000_000
}

/// Codes that no other order has, as many as an order can need.
fn codes(order: OrderId, count: u32) -> Vec<VoucherCode> {
    let order = order.get().unsigned_abs() % 10_000_000_000_000;
    (0..u64::from(count)).map(|n| samples::voucher_code(order * 100 + n)).collect()
}

/// The wish of `owner` to buy, and to pay at once.
pub fn purchase(
    desk: &Desk,
    owner: i64,
    number: &str,
    from: (&Sku, StockKey),
    quantity: u32,
    pay: bool,
) -> Command {
    let (sku, stock) = from;
    let order = OrderId::make(&desk.ids, desk.now);
    Command::Purchase(Box::new(NewPurchase {
        order,
        payment: PaymentId::make(&desk.ids, desk.now),
        partner: PartnerId::from_i64(owner),
        dialect: samples::DIALECT.into(),
        number: number.into(),
        fingerprint: i64::from(quantity),
        stock,
        quantity,
        sell: sku.price.sell,
        cost: None,
        travellers: vec![traveller("13800000000")],
        send_codes: quantity.is_multiple_of(2),
        pay: pay.then(|| PayNow { number: Some(format!("bank {number}")), codes: codes(order, quantity) }),
        details: Some("{}".into()),
    }))
}

/// The wish to pay an order that was placed.
pub fn payment_of(desk: &Desk, order: &Order) -> Command {
    let line = order.line.as_ref().unwrap();
    Command::PayPurchase(Box::new(PayPurchase {
        partner: order.partner,
        order: order.id,
        number: order.number.clone(),
        stock: line.stock(),
        quantity: line.quantity,
        sell: line.sell,
        payment: PaymentId::make(&desk.ids, desk.now),
        traveller: Some(traveller("13900000000")),
        send_codes: false,
        pay: PayNow { number: None, codes: codes(order.id, line.quantity) },
    }))
}

/// An application to give units back.
pub fn application(desk: &Desk, order: &Order, number: &str, quantity: u32) -> Command {
    Command::ApplyRefund(Box::new(RefundApplication {
        id: RefundId::make(&desk.ids, desk.now),
        partner: order.partner,
        order: order.id,
        order_number: order.number.clone(),
        stock: order.line.as_ref().unwrap().stock(),
        number: number.into(),
        quantity,
    }))
}

/// The decision on an application.
pub fn review(order: &Order, refund: &Refund, approve: bool) -> Command {
    Command::ReviewRefund {
        partner: order.partner,
        order: order.id,
        stock: order.line.as_ref().unwrap().stock(),
        refund: refund.id,
        approve,
        reason: "seen".into(),
        reviewer: "reviewer".into(),
    }
}

/// The wish of `by` to redeem.
pub fn redemption(voucher: &Voucher, by: PartnerId, count: u32) -> Command {
    Command::RedeemVoucher {
        partner: voucher.partner,
        voucher: voucher.id,
        by,
        device: "gate 1".into(),
        count,
        order: voucher.order,
    }
}

/// The purchase that a command led to.
pub fn purchased(decided: Result<Decided, Refusal>) -> Purchase {
    match decided {
        Ok(Decided::Purchase(purchase) | Decided::Applied(purchase, _)) => *purchase,
        other => panic!("this is no purchase: {other:?}"),
    }
}

/// The application that a command led to.
pub fn applied(decided: Result<Decided, Refusal>) -> Refund {
    match decided {
        Ok(Decided::Applied(_, refund)) => *refund,
        other => panic!("this is no application: {other:?}"),
    }
}
