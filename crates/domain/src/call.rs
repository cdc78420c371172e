//! What callers ask for, and what they get, in the gateway's own words. Dialects translate between
//! these and their wire.

use crate::order::OrderStage;
use crate::{
    Day, Device, Flow, Method, Money, Order, OrderId, Partner, Payment, Product, Purchase, PurchaseRef,
    Redemption, RedemptionId, Refund, Sku, SkuId, Span, Stock, StockKey, Terminal, Timestamp, Traveller,
    User, Voucher, VoucherCode,
};

/// A verified call of a partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// Place an order and collect for it.
    Collect(Box<Collect>),
    /// Give money back.
    Refund(Box<RefundCall>),
    /// Take a whole order back.
    Revoke(Revoke),
    /// Look at one order or refund.
    FindOrder(FindOrder),
    /// Look at a page of orders.
    ListOrders(ListOrders),
    /// Which payment methods the partner may use.
    ListMethods,
    /// Check a user's login and password.
    SignIn(Login),
    /// Look at what is on sale.
    ListSkus(ListSkus),
    /// Look at the prices and stocks of a sku's days.
    ShowCalendar {
        /// Which sku.
        sku: SkuId,
        /// The first day.
        from: Day,
        /// The last day.
        until: Day,
    },
    /// Buy from the catalogue.
    Purchase(Box<PurchaseCall>),
    /// Pay a purchase.
    PayPurchase(Box<PayCall>),
    /// Look at a purchase.
    FindPurchase(PurchaseRef),
    /// Apply for a refund of units.
    ApplyRefund(ApplyCall),
    /// Have the codes of a purchase sent again.
    ResendCodes(PurchaseRef),
    /// How much is left of the prepaid balance.
    ShowBalance,
    /// Issue a voucher.
    IssueVoucher(Box<VoucherCall>),
    /// Look at a voucher of one's own.
    FindVoucher {
        /// The partner's own number.
        number: String,
    },
    /// Redeem uses of a voucher, or look whether one could.
    RedeemVoucher(RedeemCall),
    /// Take back what has not been used of a voucher.
    CancelVoucher {
        /// The partner's own number.
        number: String,
        /// Its code.
        code: VoucherCode,
    },
    /// Look at a page of what one has redeemed.
    ListRedemptions(ListRedemptions),
}

/// Look at skus that are on sale, by id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListSkus {
    /// Which.
    pub choice: SkuChoice,
    /// Products of this upstream system; `None` for the platform's own. Does not matter to [`SkuChoice::Ids`].
    pub system: Option<String>,
}

/// Which skus to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkuChoice {
    /// A page of them.
    Page {
        /// Which page, from 0.
        page: u32,
        /// How many on a page.
        page_size: u32,
    },
    /// These; what is not known is left out. Bounded by the dialect.
    Ids(Vec<SkuId>),
}

/// A sku with its product and, where it is not sold by the day, its stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SkuListing {
    /// The sku.
    pub sku: Sku,
    /// Its product.
    pub product: Product,
    /// Its stock, where it is not sold by the day.
    pub stock: Option<Stock>,
}

/// A page of skus.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SkuPage {
    /// The entries.
    pub entries: Vec<SkuListing>,
    /// How many there are on all pages.
    pub total: u64,
}

/// Buy from the catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurchaseCall {
    /// The partner's own number.
    pub number: String,
    /// Fingerprint of the content that the number is bound to.
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
    /// Pay at once; the partner's own number of the payment within, when it tells one.
    pub pay: Option<Option<String>>,
    /// What the dialect wants to find again.
    pub details: Option<String>,
}

/// Pay a purchase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayCall {
    /// Which; both names are needed.
    pub order: PurchaseRef,
    /// What it draws on.
    pub stock: StockKey,
    /// How many units.
    pub quantity: u32,
    /// What the partner takes from the buyer for one.
    pub sell: Money,
    /// The partner's own number of the payment.
    pub payment: Option<String>,
    /// Takes the place of the first traveller.
    pub traveller: Option<Traveller>,
    /// The platform sends the codes.
    pub send_codes: bool,
}

/// Apply for a refund of units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplyCall {
    /// Which purchase; both names are needed.
    pub order: PurchaseRef,
    /// The partner's number of the refund, unique per partner.
    pub number: String,
    /// How many units.
    pub quantity: u32,
}

/// Issue a voucher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoucherCall {
    /// The partner's own number.
    pub number: String,
    /// Fingerprint of the content.
    pub fingerprint: i64,
    /// What it is for.
    pub subject: String,
    /// How many uses it has.
    pub ordered: u32,
    /// From this instant on it cannot be redeemed.
    pub valid_until: Option<Timestamp>,
    /// Who else may redeem: key ids in the caller's dialect that draw on one quota, and the quota.
    pub shares: Vec<(Vec<String>, u32)>,
    /// Where its news go.
    pub notify_url: Option<String>,
    /// What the dialect wants to find again.
    pub details: Option<String>,
}

/// Redeem uses of a voucher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedeemCall {
    /// What its holder shows.
    pub code: VoucherCode,
    /// At which device.
    pub device: String,
    /// How many uses.
    pub count: u32,
    /// Redeem; otherwise only look.
    pub confirm: bool,
}

/// Look at a page of redemptions, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRedemptions {
    /// Made at this device.
    pub device: String,
    /// Made at or after.
    pub from: Timestamp,
    /// Made before.
    pub until: Timestamp,
    /// Only this one.
    pub id: Option<RedemptionId>,
    /// Only of the voucher with this code.
    pub code: Option<VoucherCode>,
    /// Which page, from 1.
    pub page: u32,
    /// How many on a page.
    pub page_size: u32,
}

/// A page of redemptions, each with its voucher as it is now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RedemptionPage {
    /// The entries, newest first.
    pub entries: Vec<(Redemption, Voucher)>,
    /// How many there are on all pages. `None`: more would have to be looked at than may be; the page is
    /// whole unless it is short.
    pub total: Option<u64>,
}

/// Place an order and collect for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collect {
    /// The partner's own number.
    pub number: String,
    /// Fingerprint of the content.
    pub fingerprint: i64,
    /// What is to be paid.
    pub amount: Money,
    /// What it is for.
    pub subject: String,
    /// What the payer uses.
    pub method: MethodChoice,
    /// How the payer is reached. With [`Flow::PayerCode`] the call waits for the outcome.
    pub flow: Flow,
    /// The code the payer showed; required with [`Flow::PayerCode`].
    pub payer_code: Option<String>,
    /// How long the order waits for payment.
    pub expires_in: Span,
    /// Where it was taken.
    pub terminal: Terminal,
    /// Where this order's news go.
    pub notify_url: Option<String>,
    /// What the dialect wants to find again.
    pub details: Option<String>,
}

/// What the payer uses, or how to find out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MethodChoice {
    /// This one.
    Named(Method),
    /// The wallet that issued the payer's code.
    ByPayerCode,
}

/// Give money back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundCall {
    /// Which order.
    pub order: OrderRef,
    /// The partner's own refund number; one is made when absent.
    pub number: Option<String>,
    /// Fingerprint of the content.
    pub fingerprint: i64,
    /// How much.
    pub amount: Money,
    /// Why, in the partner's words.
    pub subject: String,
    /// Who asks, where.
    pub operator: String,
}

/// Take a whole order back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoke {
    /// Which order.
    pub order: OrderRef,
    /// Now, or after review.
    pub mode: RevokeMode,
}

/// Whether a revocation is done at once or applied for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokeMode {
    /// At once.
    Now,
    /// After a person has approved it.
    Application,
}

/// An order by one of its names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OrderRef {
    /// By id.
    Id(OrderId),
    /// By the partner's own number.
    Number(String),
}

/// Look at one order or refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FindOrder {
    /// By which name.
    pub by: LookUp,
}

/// How to look up an order or refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookUp {
    /// An order.
    Order(OrderRef),
    /// A refund by the partner's refund number.
    Refund(String),
    /// An order by the partner's number, and when there is none, a refund by that number.
    OrderElseRefund(String),
}

/// Look at a page of orders, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListOrders {
    /// Accepted at or after.
    pub from: Timestamp,
    /// Accepted before.
    pub until: Timestamp,
    /// Only these standings; empty for all.
    pub standings: Vec<OrderStanding>,
    /// Only this method.
    pub method: Option<Method>,
    /// Only this operator at the counter.
    pub operator: Option<String>,
    /// Only this number.
    pub number: Option<String>,
    /// Which page, from 1.
    pub page: u32,
    /// How many on a page.
    pub page_size: u32,
}

/// A page of orders, each with its current payment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderPage {
    /// The entries, newest first.
    pub entries: Vec<(Order, Payment)>,
    /// How many there are on all pages. `None`: more would have to be looked at than may be; the page is
    /// whole unless it is short.
    pub total: Option<u64>,
}

/// A user's login.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The key id of the partner, when the caller knows it.
    pub key_id: Option<String>,
    /// The login.
    pub login: String,
    /// The password in clear text.
    pub password: String,
    /// The device that it is made from, when it tells; parts of it may be empty.
    pub device: Option<Device>,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login")
            .field("key_id", &self.key_id)
            .field("login", &self.login)
            .field("device", &self.device)
            .finish_non_exhaustive()
    }
}

/// What a call led to.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The order was placed; for a call that waits, the payment is settled.
    Collected {
        /// The order.
        order: Box<Order>,
        /// The payment.
        payment: Box<Payment>,
        /// What the payer has to do next, where there is something.
        action: Option<PayerAction>,
    },
    /// The refund was accepted; its state tells whether it is done.
    Refunded {
        /// The order.
        order: Box<Order>,
        /// The payment that is given back.
        payment: Box<Payment>,
        /// The refund.
        refund: Box<Refund>,
    },
    /// The revocation was done, accepted or applied for; the order tells.
    Revoked {
        /// The order.
        order: Box<Order>,
    },
    /// The order or refund looked for.
    Found(Box<Found>),
    /// A page of orders.
    Listed(OrderPage),
    /// The payment methods that the partner may use.
    Methods(Vec<Method>),
    /// The user is who it says.
    SignedIn(Box<SignedIn>),
    /// The voucher that was issued, looked for or cancelled.
    Voucher(Box<Voucher>),
    /// The voucher that the caller may redeem, and how many uses it could.
    Redeemable(Box<Voucher>, u32),
    /// Uses of the voucher were redeemed.
    Redeemed(Box<Voucher>, Box<Redemption>),
    /// A page of redemptions.
    Redemptions(RedemptionPage),
    /// A page of skus.
    Skus(SkuPage),
    /// A sku with those of the days asked for that have a stock, in order. Days without one are not sold.
    Calendar(Box<Sku>, Vec<Stock>),
    /// The purchase. Where its payment was declined, the balance did not suffice.
    Purchase(Box<Purchase>),
    /// The purchase, and the application; `None` when the order had not been paid and ended at once.
    Applied(Box<Purchase>, Option<Box<Refund>>),
    /// What is left of the prepaid balance, limits left aside.
    Balance(Money),
}

/// An order with its payment, and the refund when one was looked for.
#[derive(Clone, Debug)]
pub struct Found {
    /// The order.
    pub order: Order,
    /// Its current payment.
    pub payment: Payment,
    /// The refund looked for.
    pub refund: Option<Refund>,
}

/// A user that signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The user.
    pub user: User,
    /// Whom it acts for.
    pub partner: Partner,
    /// The partner's key id in the dialect.
    pub key_id: String,
    /// The payment methods that the partner may use.
    pub methods: Vec<Method>,
}

/// What the payer has to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayerAction {
    /// Scan or open this link.
    Link(String),
    /// Let the wallet's own bridge pay.
    Bridge(WalletBridge),
}

/// What a wallet's bridge in a page or app needs to ask the payer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletBridge {
    /// The app the payment belongs to.
    pub app_id: String,
    /// Seconds since 1970 as text.
    pub timestamp: String,
    /// A random text.
    pub nonce: String,
    /// What is to be paid, for instance `prepay_id=...`.
    pub package: String,
    /// How `sign` was made.
    pub sign_type: String,
    /// The signature the wallet checks.
    pub sign: String,
    /// The channel's own number, as far as assigned.
    pub channel_number: Option<String>,
}

/// Where an order stands, as one word derived from its facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OrderStanding {
    /// Waiting for payment.
    Open,
    /// Paid.
    Paid,
    /// Taken back.
    Revoked,
    /// A revocation waits for review.
    RevocationApplied,
    /// A part has gone back.
    PartlyRefunded,
    /// All has gone back.
    Refunded,
    /// Ended without payment, or paid so long ago that it can no longer be refunded.
    Closed,
    /// A refund is under way.
    Refunding,
    /// The last refund was refused and nothing has gone back.
    RefundFailed,
}

impl OrderStanding {
    /// All standings.
    pub const ALL: [OrderStanding; 9] = [
        OrderStanding::Open,
        OrderStanding::Paid,
        OrderStanding::Revoked,
        OrderStanding::RevocationApplied,
        OrderStanding::PartlyRefunded,
        OrderStanding::Refunded,
        OrderStanding::Closed,
        OrderStanding::Refunding,
        OrderStanding::RefundFailed,
    ];

    /// Its name, for instance `partly_refunded`.
    pub fn name(self) -> &'static str {
        match self {
            OrderStanding::Open => "open",
            OrderStanding::Paid => "paid",
            OrderStanding::Revoked => "revoked",
            OrderStanding::RevocationApplied => "revocation_applied",
            OrderStanding::PartlyRefunded => "partly_refunded",
            OrderStanding::Refunded => "refunded",
            OrderStanding::Closed => "closed",
            OrderStanding::Refunding => "refunding",
            OrderStanding::RefundFailed => "refund_failed",
        }
    }
}

impl Order {
    /// Where the order stands at `now`, when paid orders may be refunded for `refund_window`.
    pub fn standing(&self, now: Timestamp, refund_window: Span) -> OrderStanding {
        match self.stage {
            OrderStage::Revoked => OrderStanding::Revoked,
            OrderStage::Closed => OrderStanding::Closed,
            OrderStage::Open | OrderStage::Paid if self.revocation_applied => {
                OrderStanding::RevocationApplied
            }
            OrderStage::Open => OrderStanding::Open,
            OrderStage::Paid if self.refunding.is_positive() => OrderStanding::Refunding,
            OrderStage::Paid if self.refunded == self.amount => OrderStanding::Refunded,
            OrderStage::Paid if self.refunded.is_positive() => OrderStanding::PartlyRefunded,
            OrderStage::Paid if self.refund_failed => OrderStanding::RefundFailed,
            OrderStage::Paid if self.refund_window_over(now, refund_window) => OrderStanding::Closed,
            OrderStage::Paid => OrderStanding::Paid,
        }
    }
}
