//! Commands: the changes that can be asked of the engine, each decided and committed as a whole.

use crate::{
    About, ChannelReport, Credential, Deposit, Device, Endpoint, EndpointId, Fact, Forgetting, Method, Money,
    NewPurchase, Order, OrderId, OrderRef, Partner, PartnerId, PartnerState, PayPurchase, Payment, PaymentId,
    Product, Purchase, Redemption, Refund, RefundApplication, RefundId, RefundReport, RevokeMode, Sku, SkuId,
    StockKey, StockPlan, Task, TaskId, TaskKey, Timestamp, User, UserState, Voucher, VoucherCode, VoucherId,
};

/// A change asked of the engine.
#[derive(Clone, Debug)]
pub enum Command {
    /// Place an order with its first payment attempt.
    PlaceOrder(Box<NewOrder>),
    /// Record what a channel says about a payment.
    ReportPayment {
        /// Whose order.
        partner: PartnerId,
        /// The order.
        order: OrderId,
        /// The payment.
        payment: PaymentId,
        /// What the channel says.
        report: ChannelReport,
        /// Attempts of the follow-up so far, when it was the follow-up that asked.
        attempts: Option<u32>,
    },
    /// End an open order whose time is over.
    LapseOrder {
        /// Whose order.
        partner: PartnerId,
        /// The order.
        order: OrderId,
        /// The stock that its line draws on, when it has one.
        stock: Option<StockKey>,
    },
    /// Give money back.
    RequestRefund(Box<NewRefund>),
    /// Record what a channel says about a refund.
    ReportRefund {
        /// Whose order.
        partner: PartnerId,
        /// The order.
        order: OrderId,
        /// The refund.
        refund: RefundId,
        /// What the channel says.
        report: RefundReport,
        /// Attempts of the follow-up so far, when it was the follow-up that asked.
        attempts: Option<u32>,
    },
    /// Take an order back, or apply for it.
    Revoke {
        /// Whose order.
        partner: PartnerId,
        /// The order.
        order: OrderRef,
        /// Now, or after review.
        mode: RevokeMode,
    },
    /// Decide on a revocation that was applied for.
    ReviewRevocation {
        /// Whose order.
        partner: PartnerId,
        /// The order.
        order: OrderId,
        /// Take the order back, or let it stand.
        approve: bool,
    },
    /// Add a product, or change the one of its id.
    SaveProduct(Box<Product>),
    /// Add a sku, or change the one of its id.
    SaveSku(Box<Sku>),
    /// Lay down stocks of a sku, at most [`StockPlan::MAX`] at once: all of them, or none.
    PlanStock {
        /// Who sells.
        seller: PartnerId,
        /// What.
        sku: SkuId,
        /// How many and for how much.
        plans: Vec<StockPlan>,
    },
    /// Buy from the catalogue. The number with the same content again leads to the order that is there.
    Purchase(Box<NewPurchase>),
    /// Pay a purchase from the balance.
    PayPurchase(Box<PayPurchase>),
    /// Apply for a refund of units; an order that was not paid ends at once. The number with the same
    /// content again leads to the application that is there.
    ApplyRefund(Box<RefundApplication>),
    /// Decide on an application.
    ReviewRefund {
        /// Whose order.
        partner: PartnerId,
        /// The order.
        order: OrderId,
        /// The stock that its line draws on.
        stock: StockKey,
        /// The refund.
        refund: RefundId,
        /// Give the units back, or let them be redeemed again.
        approve: bool,
        /// Why, in words for the partner.
        reason: String,
        /// Who decides.
        reviewer: String,
    },
    /// Have the codes of a purchase sent again.
    ResendCodes {
        /// Whose order.
        partner: PartnerId,
        /// The order.
        order: OrderId,
        /// The partner's own number of it.
        number: String,
    },
    /// Write down money paid in advance, or paid out. The number with the same content again leads to the
    /// deposit that is there.
    Deposit(Box<Deposit>),
    /// Issue a voucher: built by the application, judged by the rules. Its number with the same content
    /// again leads to the voucher that is there.
    IssueVoucher(Box<Voucher>),
    /// Redeem uses of a voucher.
    RedeemVoucher {
        /// Who issued it.
        partner: PartnerId,
        /// The voucher.
        voucher: VoucherId,
        /// Who redeems.
        by: PartnerId,
        /// At which device.
        device: String,
        /// How many uses, at least one.
        count: u32,
        /// The order that bought it, as the voucher says.
        order: Option<OrderId>,
    },
    /// Take back what has not been used of a voucher.
    CancelVoucher {
        /// Who issued it.
        partner: PartnerId,
        /// The issuer's own number.
        number: String,
        /// Its code, which has to be that of the number.
        code: VoucherCode,
    },
    /// Record what came of an attempt to deliver an event or to send codes.
    RecordDelivery {
        /// The task.
        key: TaskKey,
        /// The attempt's number, from 1; a result of an attempt that was overtaken is ignored.
        attempt: u32,
        /// What came of it.
        result: DeliveryResult,
    },
    /// Run a task again, or call it off.
    Task {
        /// The task.
        key: TaskKey,
        /// What to do.
        command: TaskCommand,
        /// Why, in words, for those who look at it later.
        reason: Option<String>,
    },
    /// Add a partner or something that belongs to one.
    Add(Box<Addition>),
    /// Change a partner.
    PatchPartner {
        /// Which.
        partner: PartnerId,
        /// What to change.
        patch: PartnerPatch,
    },
    /// Give a partner a new credential and let its others of the same dialect end.
    RotateCredential {
        /// The new one.
        credential: Box<Credential>,
        /// Until when the others count on.
        others_until: Timestamp,
    },
    /// Lock, unlock or delete a user.
    SetUserState {
        /// Whose.
        partner: PartnerId,
        /// Which.
        login: String,
        /// The new state.
        state: UserState,
    },
    /// Remember that a user signed in.
    RecordSignIn {
        /// Whose.
        partner: PartnerId,
        /// Which.
        login: String,
        /// From which device, when it told; parts that are empty leave what is known.
        device: Option<Device>,
    },
    /// Remember something about the gateway itself.
    Remember(Fact),
    /// Forget settled deliveries and old events of a partner.
    Forget(Box<Forgetting>),
    /// Stop telling an endpoint.
    RemoveEndpoint {
        /// Whose.
        partner: PartnerId,
        /// Which.
        endpoint: EndpointId,
    },
}

/// An order to be placed: built by the application, judged by the rules.
#[derive(Clone, Debug)]
pub struct NewOrder {
    /// The order, open.
    pub order: Order,
    /// Its first payment attempt.
    pub payment: Payment,
    /// When the payment wants to be looked after for the first time.
    pub follow_up_at: Timestamp,
}

/// A refund to be made.
#[derive(Clone, Debug)]
pub struct NewRefund {
    /// Its id.
    pub id: RefundId,
    /// Whose order.
    pub partner: PartnerId,
    /// Which order.
    pub order: OrderRef,
    /// The partner's own refund number; one is made when absent.
    pub number: Option<String>,
    /// Fingerprint of the content.
    pub fingerprint: i64,
    /// How much.
    pub amount: Money,
    /// Why.
    pub subject: String,
    /// Who asks.
    pub operator: String,
}

/// What came of an attempt to deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryResult {
    /// The receiver has it.
    Acknowledged,
    /// Nothing was sent, because too many deliveries to the same address were under way. Not an attempt.
    Postponed {
        /// When to try.
        until: Timestamp,
    },
    /// Not acknowledged.
    Failed {
        /// Why, in words.
        reason: String,
        /// When to try again; `None` when the schedule is used up.
        next: Option<Timestamp>,
    },
}

/// What a person asks of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskCommand {
    /// Start its schedule anew.
    Retry,
    /// Call it off.
    Cancel,
    /// Count it as done, because the receiver has the news by other means.
    Settle,
}

/// Something to be added.
#[derive(Clone, Debug)]
pub enum Addition {
    /// A partner with its first credential.
    Partner {
        /// The partner.
        partner: Partner,
        /// Its first credential.
        credential: Credential,
    },
    /// A partner that sells and hands over, and does not call.
    Seller(Partner),
    /// Another credential.
    Credential(Credential),
    /// A user.
    User(User),
    /// An endpoint.
    Endpoint(Endpoint),
}

/// What to change about a partner; `None` leaves a thing as it is.
#[derive(Clone, Debug, Default)]
pub struct PartnerPatch {
    /// Name for people.
    pub name: Option<String>,
    /// Whether it may do business.
    pub state: Option<PartnerState>,
    /// The payment methods it may use.
    pub methods: Option<Vec<Method>>,
    /// What the operator keeps.
    pub fee_ppm: Option<u32>,
    /// How far its prepaid balance may go below nothing.
    pub credit_limit: Option<Money>,
    /// The switches of its dialects.
    pub settings: Option<String>,
}

/// What a command led to.
#[derive(Clone, Debug)]
pub enum Decided {
    /// The order and its current payment.
    Order(Box<Order>, Box<Payment>),
    /// The order, its payment and the refund.
    Refund(Box<Order>, Box<Payment>, Box<Refund>),
    /// The voucher.
    Voucher(Box<Voucher>),
    /// The voucher and what was redeemed of it.
    Redeemed(Box<Voucher>, Box<Redemption>),
    /// The purchase.
    Purchase(Box<Purchase>),
    /// The purchase and the application.
    Applied(Box<Purchase>, Box<Refund>),
    /// The deposit.
    Deposit(Box<Deposit>),
    /// The task.
    Task(Box<Task>),
    /// The partner.
    Partner(Box<Partner>),
    /// Done; there is nothing to show.
    Done,
}

impl NewOrder {
    /// The key of the task that looks after the payment.
    pub fn follow_up_key(&self, id: TaskId) -> TaskKey {
        TaskKey { partner: self.order.partner, about: About::Order(self.order.id), id }
    }
}
