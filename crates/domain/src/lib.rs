//! The rules of the gateway: ids, money, time, partners, orders, payments, refunds, the catalogue and its
//! stocks, purchases, vouchers, the ledger, events and tasks, and the decisions made on them.
//!
//! Everything here is a pure function of its arguments. There is no clock, no randomness, no I/O,
//! no `async` and no wire format in this crate; whoever calls it passes the time and the source of
//! ids in. A decision takes a [`View`] of what is stored and a [`Command`], and returns the
//! [`Changes`] that must be committed together, or a named [`Refusal`].

mod call;
mod catalogue;
mod command;
mod day;
mod decide;
mod deposit;
mod event;
mod forgetting;
mod id;
mod identity;
mod ledger;
mod money;
mod order;
mod partner;
mod past;
mod payment;
mod poll;
mod purchase;
mod refund;
mod refusal;
mod rows;
mod schedule;
mod task;
mod time;
pub mod transitions;
mod view;
mod voucher;

pub use call::{
    ApplyCall, Call, Collect, FindOrder, Found, ListOrders, ListRedemptions, ListSkus, Login, LookUp,
    MethodChoice, OrderPage, OrderRef, OrderStanding, Outcome, PayCall, PayerAction, PurchaseCall,
    RedeemCall, RedemptionPage, RefundCall, Revoke, RevokeMode, SignedIn, SkuChoice, SkuListing, SkuPage,
    VoucherCall, WalletBridge,
};
pub use catalogue::{
    CodeRule, Contact, Price, Product, ProductState, RefundTerms, RefundUntil, Review, Sku, SkuKind, Stock,
    StockKey, StockPlan, TicketRules, TravellerRule,
};
pub use command::{
    Addition, Command, Decided, DeliveryResult, NewOrder, NewRefund, PartnerPatch, TaskCommand,
};
pub use day::{Day, ParseDayError};
pub use decide::{Rules, decide, needs};
pub use deposit::{Balance, Deposit, PastLimit};
pub use event::{Event, EventKind};
pub use forgetting::{Forgetting, ForgottenEvents, ForgottenOrders, Kept, KeptFrom, Whole};
pub use id::{
    CredentialId, DepositId, EndpointId, IdSource, NODE_MAX, NodeId, OrderId, ParseIdError, PartnerId,
    PaymentId, ProductId, RedemptionId, RefundId, SkuId, TaskId, TransferId, UserId, VoucherId,
};
pub use ledger::{Account, AccountDelta, Cause, Purpose, Transfer, TransferKind};
pub use money::{AmountError, Currency, Money};
pub use order::{Order, OrderStage, Terminal};
pub use partner::{Credential, Device, Endpoint, Partner, PartnerState, User, UserState};
pub use past::{PastOrder, PastRefund};
pub use payment::{ChannelReport, Flow, FundBill, Method, Payment, PaymentState};
pub use poll::poll_delay;
pub use purchase::{
    Line, NewPurchase, PayNow, PayPurchase, Purchase, PurchaseProblem, PurchaseRef, RefundApplication,
    RefundProblem, Traveller,
};
pub use refund::{Refund, RefundKind, RefundReport, RefundState};
pub use refusal::Refusal;
pub use rows::{Changes, Fact, Need, Rows, Stream, WriteSet};
pub use schedule::Schedule;
pub use task::{About, Task, TaskKey, TaskKind, TaskState};
pub use time::{Span, Timestamp};
pub use view::View;
pub use voucher::{ParseCodeError, Redemption, Share, Voucher, VoucherCode, VoucherStanding, VoucherState};
