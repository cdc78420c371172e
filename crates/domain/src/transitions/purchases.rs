//! Purchases in every stand there is, and what is done to them.

use super::scenes::{EXPIRES, NOW, ORDER, PARTNER, PAYMENT, REFUND, Scene, chain, yuan};
use super::{Column, column, lapse};
use crate::order::OrderStage;
use crate::{
    Account, AccountDelta, Balance, CodeRule, Command, Currency, Line, Method, NewPurchase, Order, OrderRef,
    Partner, PartnerId, PayNow, PayPurchase, Payment, PaymentId, PaymentState, Price, Product, ProductId,
    ProductState, RefundApplication, RefundId, RefundKind, RefundState, RefundTerms, RefundUntil, Review,
    Rows, Sku, SkuId, SkuKind, Span, Stock, StockKey, TicketRules, Timestamp, Traveller, View, Voucher,
    VoucherCode, VoucherId, VoucherState,
};

const SELLER: PartnerId = PartnerId::from_i64(7);
const PRODUCT: ProductId = ProductId::first_at(NOW);
const SKU: SkuId = SkuId::first_at(NOW);
pub(super) const STOCK: StockKey = StockKey { sku: SKU, day: None };
const VOUCHER: VoucherId = VoucherId::first_at(NOW);
const UNITS: u32 = 4;
/// What a unit costs; all of them cost what the order of every scene does.
const COST: i64 = 25;

/// What a purchase rests on.
#[derive(Clone)]
pub(super) struct Goods {
    held: u32,
    sold: u32,
    free: u32,
    balance: i64,
}

impl Goods {
    /// The rows as a store would load them.
    pub(super) fn add_to(&self, rows: &mut Rows) {
        rows.partners.push(Partner { id: SELLER, name: "Seller".into(), ..super::scenes::partner() });
        rows.products.push(product());
        rows.skus.push(sku());
        rows.stocks.push(Stock {
            seller: SELLER,
            key: STOCK,
            total: self.held + self.sold + self.free,
            held: self.held,
            sold: self.sold,
            closed: false,
            price: None,
        });
        rows.balances.push(Balance {
            partner: PARTNER,
            account: Account::Prepaid,
            currency: Currency::CNY,
            sums: AccountDelta { credits_posted: yuan(self.balance).micros(), ..AccountDelta::default() },
        });
    }
}

/// Where a purchase stands, as one word.
#[derive(Clone, Copy, PartialEq)]
enum Standing {
    Open,
    Declined,
    Paid,
    PartlyUsed,
    PartlyRefunded,
    UnderReview,
    UsedUp,
    Refunded,
    Closed,
}

/// Purchases in every standing; first those that are not there.
pub(super) fn scenes() -> Vec<Scene> {
    use Standing as S;
    let all = chain(S::Open, |standing| match standing {
        S::Open => Some(S::Declined),
        S::Declined => Some(S::Paid),
        S::Paid => Some(S::PartlyUsed),
        S::PartlyUsed => Some(S::PartlyRefunded),
        S::PartlyRefunded => Some(S::UnderReview),
        S::UnderReview => Some(S::UsedUp),
        S::UsedUp => Some(S::Refunded),
        S::Refunded => Some(S::Closed),
        S::Closed => None,
    });
    let none = |name: &str, free: u32, balance: i64| {
        let goods = Some(Goods { held: 0, sold: 0, free, balance });
        Scene { order: None, goods, ..Scene::voucher(name, None) }
    };
    let absent = [
        none("(none)", UNITS, 100),
        none("(none), balance too low", UNITS, 99),
        none("(none), sold out", 3, 100),
    ];
    absent.into_iter().chain(all.into_iter().flat_map(scenes_in)).collect()
}

fn scenes_in(standing: Standing) -> Vec<Scene> {
    use {OrderStage as O, PaymentState as P, RefundState as R};
    let counts = |used: u32, refunded: u32, locked: u32| {
        move |line: &mut Line| (line.used, line.refunded, line.locked) = (used, refunded, locked)
    };
    let paid = |name: &str, used: u32, refunded: u32, locked: u32| {
        bought(name, O::Paid, P::Paid, counts(used, refunded, locked))
    };
    match standing {
        Standing::Open => vec![
            open(),
            Scene { goods: Some(Goods { held: UNITS, sold: 0, free: 0, balance: 99 }), ..open() }
                .named("open, balance too low"),
            bought("open, its time over", O::Open, P::Waiting, |_| {}).edited(|order| order.expires_at = NOW),
        ],
        Standing::Declined => vec![bought("declined", O::Open, P::Declined, |_| {})],
        Standing::Paid => vec![
            paid("paid", 0, 0, 0),
            paid("paid, rejected once", 0, 0, 0).with_units(R::Refused, 1),
            bought("paid, not refundable", O::Paid, P::Paid, |line| line.refund.refundable = false),
            bought("paid, whole only", O::Paid, P::Paid, |line| line.refund.whole_only = true),
            bought("paid, its time just over", O::Paid, P::Paid, |line| line.valid_until = Some(NOW)),
            bought("paid, its time long over", O::Paid, P::Paid, |line| {
                line.valid_until = Some(NOW - Span::from_days(6));
            }),
        ],
        Standing::PartlyUsed => vec![
            paid("partly used", 1, 0, 0),
            paid("partly used and refunded", 1, 1, 0).with_units(R::Succeeded, 1),
        ],
        Standing::PartlyRefunded => vec![paid("partly refunded", 0, 1, 0).with_units(R::Succeeded, 1)],
        Standing::UnderReview => vec![
            paid("one under review", 0, 0, 1).with_units(R::Pending, 1),
            paid("partly used, the rest under review", 1, 0, 3).with_units(R::Pending, 3),
            paid("all under review", 0, 0, 4).with_units(R::Pending, 4),
        ],
        Standing::UsedUp => {
            vec![
                paid("used up", 4, 0, 0),
                paid("used, the rest refunded", 3, 1, 0).with_units(R::Succeeded, 1),
            ]
        }
        Standing::Refunded => vec![paid("all refunded", 0, 4, 0).with_units(R::Succeeded, 4)],
        Standing::Closed => vec![
            bought("closed", O::Closed, P::Cancelled, |_| {}),
            bought("closed after a decline", O::Closed, P::Declined, |_| {}),
        ],
    }
}

/// A purchase that waits for its payment.
pub(super) fn open() -> Scene {
    bought("open", OrderStage::Open, PaymentState::Waiting, |_| {})
}

fn bought(name: &str, stage: OrderStage, state: PaymentState, edit: impl FnOnce(&mut Line)) -> Scene {
    let mut line = line();
    edit(&mut line);
    let paid = stage == OrderStage::Paid;
    let goods = Goods {
        held: if stage == OrderStage::Open { UNITS } else { 0 },
        sold: if paid { UNITS - line.refunded } else { 0 },
        free: 0,
        balance: 100,
    };
    let voucher = Voucher {
        used: line.used,
        refunded: line.refunded,
        locked: line.locked,
        valid_until: line.valid_until,
        ..voucher()
    };
    let scene = Scene::order(name, |order: &mut Order| {
        order.stage = stage;
        order.paid_at = paid.then_some(NOW);
        order.refunded = yuan(COST * i64::from(line.refunded));
        order.refunding = yuan(COST * i64::from(line.locked));
        order.line = Some(Box::new(line));
    });
    let scene = scene.with_payment(state);
    let payment = Payment {
        channel: Payment::BALANCE_CHANNEL.into(),
        method: Method::BALANCE,
        flow: crate::Flow::FromBalance,
        ..scene.payment.clone()
    };
    Scene {
        payment,
        vouchers: paid.then_some(voucher).into_iter().collect(),
        goods: Some(goods),
        task: None,
        ..scene
    }
    .with_task()
}

impl Scene {
    fn named(self, name: &str) -> Scene {
        Scene { name: name.into(), ..self }
    }

    fn edited(mut self, edit: impl FnOnce(&mut Order)) -> Scene {
        self.order.as_mut().map(edit);
        self
    }

    fn with_units(self, state: RefundState, units: u32) -> Scene {
        let mut scene = self.with_refund(RefundKind::Units, state, COST * i64::from(units));
        for refund in &mut scene.refunds {
            refund.units = units;
        }
        scene.edited(|order| order.refund_failed = state == RefundState::Refused)
    }
}

/// What is done to purchases.
pub(super) fn columns() -> Vec<Column> {
    let hold = |detail: &str, fingerprint: i64| {
        column(detail, NOW, move |_| Command::Purchase(Box::new(NewPurchase { fingerprint, ..wish() })))
    };
    let buy = column("", NOW, |_| {
        let pay = Some(PayNow { number: None, codes: codes() });
        Command::Purchase(Box::new(NewPurchase { pay, ..wish() }))
    });
    let pay = |detail: &str, quantity: u32| {
        column(detail, NOW, move |_| {
            Command::PayPurchase(Box::new(PayPurchase {
                partner: PARTNER,
                order: ORDER,
                number: "1".into(),
                stock: STOCK,
                quantity,
                sell: price().sell,
                payment: PaymentId::first_at(EXPIRES),
                traveller: None,
                send_codes: false,
                pay: PayNow { number: None, codes: codes() },
            }))
        })
    };
    let give_back = |detail: &str, number: &'static str, units: fn(&Scene) -> u32| {
        column(detail, NOW, move |scene| {
            Command::ApplyRefund(Box::new(RefundApplication {
                id: RefundId::first_at(EXPIRES),
                partner: PARTNER,
                order: ORDER,
                order_number: "1".into(),
                stock: STOCK,
                number: number.into(),
                quantity: units(scene),
            }))
        })
    };
    let review = |approve: bool| {
        column("the refund", NOW, move |_| Command::ReviewRefund {
            partner: PARTNER,
            order: ORDER,
            stock: STOCK,
            refund: REFUND,
            approve,
            reason: "reviewed".into(),
            reviewer: "operator".into(),
        })
    };
    let redeem = column("one", NOW, |_| Command::RedeemVoucher {
        partner: PARTNER,
        voucher: VOUCHER,
        by: SELLER,
        device: String::new(),
        count: 1,
        order: Some(ORDER),
    });
    let resend =
        column("", NOW, |_| Command::ResendCodes { partner: PARTNER, order: ORDER, number: "1".into() });
    let earlier = |scene: &Scene| scene.refunds.last().map_or(1, |refund| refund.units);
    vec![
        hold("", 1),
        hold("with other content", 2),
        buy,
        pay("", UNITS),
        pay("with other content", UNITS + 1),
        lapse("due", EXPIRES),
        redeem,
        give_back("one", "another", |_| 1),
        give_back("all", "another", usable),
        give_back("too much", "another", |scene| usable(scene) + 1),
        give_back("the same again", "R", earlier),
        review(true),
        review(false),
        resend,
    ]
}

/// How many units of a scene could be given back.
fn usable(scene: &Scene) -> u32 {
    scene.order.as_ref().and_then(|order| order.line.as_ref()).map_or(1, |line| line.usable())
}

/// Where the purchase stands.
pub(super) fn state(view: &View, _: Timestamp) -> Option<&'static str> {
    let order = view.order(PARTNER, &OrderRef::Id(ORDER))?;
    let line = order.line.as_ref()?;
    let declined = view.payment(order.payment)?.state == PaymentState::Declined;
    Some(match order.stage {
        OrderStage::Open if declined => "declined",
        OrderStage::Open => "open",
        OrderStage::Closed | OrderStage::Revoked => "closed",
        OrderStage::Paid if line.locked > 0 => "under review",
        OrderStage::Paid if line.left() == 0 && line.used > 0 => "used up",
        OrderStage::Paid if line.left() == 0 => "refunded",
        OrderStage::Paid if line.used > 0 => "partly used",
        OrderStage::Paid if line.refunded > 0 => "partly refunded",
        OrderStage::Paid => "paid",
    })
}

fn price() -> Price {
    Price { market: yuan(40), sell: yuan(30), cost: yuan(COST) }
}

fn terms() -> RefundTerms {
    RefundTerms {
        refundable: true,
        whole_only: false,
        until: RefundUntil::AnyTime,
        review: Review::Automatic(Span::from_mins(1)),
    }
}

fn product() -> Product {
    Product {
        id: PRODUCT,
        seller: SELLER,
        name: "Sample".into(),
        state: ProductState::OnSale,
        system: None,
        pictures: Vec::new(),
        contacts: Vec::new(),
        texts: "{}".into(),
        changed_at: NOW,
    }
}

fn sku() -> Sku {
    let rules = TicketRules { codes: CodeRule::PerOrder, refund: terms(), ..TicketRules::SIMPLE };
    Sku {
        id: SKU,
        seller: SELLER,
        product: PRODUCT,
        price: price(),
        sale_from: None,
        sale_until: None,
        order_min: 1,
        order_max: 10,
        kind: SkuKind::Ticket(rules),
        changed_at: NOW,
    }
}

fn traveller() -> Traveller {
    Traveller {
        name: "Sample".into(),
        mobile: "13800000000".into(),
        document_kind: "0".into(),
        document: String::new(),
        address: String::new(),
        postcode: String::new(),
        email: String::new(),
    }
}

fn line() -> Line {
    Line {
        seller: SELLER,
        product: PRODUCT,
        sku: SKU,
        name: "Sample".into(),
        day: None,
        quantity: UNITS,
        sell: price().sell,
        cost: price().cost,
        used: 0,
        refunded: 0,
        locked: 0,
        codes: CodeRule::PerOrder,
        usable_after: Span::from_ms(0),
        valid_from: None,
        valid_until: None,
        refund: terms(),
        travellers: vec![traveller()],
        send_codes: false,
        resent: 0,
        sent_at: None,
    }
}

fn wish() -> NewPurchase {
    NewPurchase {
        order: ORDER,
        payment: PAYMENT,
        partner: PARTNER,
        dialect: "native".into(),
        number: "1".into(),
        fingerprint: 1,
        stock: STOCK,
        quantity: UNITS,
        sell: price().sell,
        cost: None,
        travellers: vec![traveller()],
        send_codes: false,
        pay: None,
        details: None,
    }
}

fn codes() -> Vec<VoucherCode> {
    (11..).filter_map(VoucherCode::of_payload).take(usize::try_from(UNITS).unwrap_or(0)).collect()
}

fn voucher() -> Voucher {
    Voucher {
        id: VOUCHER,
        partner: PARTNER,
        dialect: "native".into(),
        number: Voucher::number_of(ORDER, 1),
        fingerprint: 1,
        code: VoucherCode::of_payload(1).unwrap_or_else(|| unreachable!("1 has few digits")),
        subject: "Sample".into(),
        ordered: UNITS,
        used: 0,
        refunded: 0,
        locked: 0,
        state: VoucherState::Active,
        order: Some(ORDER),
        seller: Some(SELLER),
        valid_from: None,
        valid_until: None,
        cancelled_at: None,
        shares: Vec::new(),
        notify_url: None,
        details: None,
    }
}
