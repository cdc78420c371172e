//! Tasks: due work that survives a restart.

use crate::{EndpointId, OrderId, PartnerId, PaymentId, RefundId, SkuId, TaskId, Timestamp, VoucherId};

/// What an event or a task belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum About {
    /// An order.
    Order(OrderId),
    /// A voucher.
    Voucher(VoucherId),
    /// A sku, and the product it sells.
    Sku(SkuId),
}

impl About {
    /// The order, when it is one.
    pub fn order(self) -> Option<OrderId> {
        match self {
            About::Order(order) => Some(order),
            About::Voucher(_) | About::Sku(_) => None,
        }
    }

    /// The voucher, when it is one.
    pub fn voucher(self) -> Option<VoucherId> {
        match self {
            About::Order(_) | About::Sku(_) => None,
            About::Voucher(voucher) => Some(voucher),
        }
    }
}

impl std::fmt::Display for About {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            About::Order(order) => order.fmt(f),
            About::Voucher(voucher) => voucher.fmt(f),
            About::Sku(sku) => sku.fmt(f),
        }
    }
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskKind {
    /// Tell an event to an endpoint, or to the address named in the order or voucher when there is none.
    Deliver {
        /// The event's number.
        event: i64,
        /// Whom to tell.
        endpoint: Option<EndpointId>,
    },
    /// Submit, ask after, or end a payment at its channel, whichever its state calls for.
    FollowPayment(PaymentId),
    /// Submit or ask after a refund at its channel.
    FollowRefund(RefundId),
    /// End an order that was not paid in time, and let go of what it holds.
    LapseOrder,
    /// Approve a refund of units that nobody has reviewed in time.
    ApproveRefund(RefundId),
    /// Send the codes of an order to the one of its travellers who can be reached.
    SendCodes,
}

impl TaskKind {
    /// Its name, for instance `deliver`.
    pub fn name(self) -> &'static str {
        match self {
            TaskKind::Deliver { .. } => "deliver",
            TaskKind::FollowPayment(_) => "follow_payment",
            TaskKind::FollowRefund(_) => "follow_refund",
            TaskKind::LapseOrder => "lapse_order",
            TaskKind::ApproveRefund(_) => "approve_refund",
            TaskKind::SendCodes => "send_codes",
        }
    }
}

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskState {
    /// To be done when due.
    Pending,
    /// Done.
    Done,
    /// Given up after the last attempt of its schedule; a person may run it again.
    Failed,
    /// Called off by a person.
    Cancelled,
}

impl TaskState {
    /// All states.
    pub const ALL: [TaskState; 4] =
        [TaskState::Pending, TaskState::Done, TaskState::Failed, TaskState::Cancelled];

    /// Its name, for instance `pending`.
    pub fn name(self) -> &'static str {
        match self {
            TaskState::Pending => "pending",
            TaskState::Done => "done",
            TaskState::Failed => "failed",
            TaskState::Cancelled => "cancelled",
        }
    }

    /// The state of a name.
    pub fn from_name(name: &str) -> Option<TaskState> {
        TaskState::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// What identifies a task: tasks live beside what they look after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskKey {
    /// Whose business it is.
    pub partner: PartnerId,
    /// What it belongs to.
    pub about: About,
    /// Its id.
    pub id: TaskId,
}

/// Due work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// What identifies it.
    pub key: TaskKey,
    /// What is to be done.
    pub kind: TaskKind,
    /// Where it stands.
    pub state: TaskState,
    /// The start of its schedule; a re-run starts it anew.
    pub started_at: Timestamp,
    /// When it is due next, while pending.
    pub due_at: Timestamp,
    /// Attempts made since the start of the schedule.
    pub attempts: u32,
    /// What came of the latest attempt, in words.
    pub last_result: Option<String>,
}
