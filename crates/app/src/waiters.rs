//! Callers that wait for news of an order or a refund.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;
use tradewind_domain::{
    Command, Decided, Order, OrderId, OrderStage, Payment, PaymentState, Refund, RefundId,
};

/// What waiting callers get to see.
#[derive(Clone, Debug)]
pub(crate) enum News {
    /// The order has been paid or has ended.
    Order(Box<Order>, Box<Payment>),
    /// The channel has said something about the refund, be it only that it says nothing yet.
    Refund(Box<Order>, Box<Payment>, Box<Refund>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Topic {
    Order(OrderId),
    Refund(RefundId),
}

/// Those who wait, by what they wait for.
#[derive(Debug, Default)]
pub(crate) struct Waiters(Mutex<HashMap<Topic, Vec<oneshot::Sender<News>>>>);

/// A place among those who wait. Dropping it gives the place up.
#[derive(Debug)]
pub(crate) struct Waiting {
    waiters: Arc<Waiters>,
    topic: Topic,
    pub(crate) news: oneshot::Receiver<News>,
}

impl Waiters {
    pub(crate) fn for_order(self: &Arc<Self>, id: OrderId) -> Waiting {
        self.register(Topic::Order(id))
    }

    pub(crate) fn for_refund(self: &Arc<Self>, id: RefundId) -> Waiting {
        self.register(Topic::Refund(id))
    }

    fn register(self: &Arc<Self>, topic: Topic) -> Waiting {
        let (sender, news) = oneshot::channel();
        self.lock().entry(topic).or_default().push(sender);
        Waiting { waiters: Arc::clone(self), topic, news }
    }

    /// Tells those who wait what a committed command has led to. That a refund was asked for is no news
    /// of it; what its channel says is.
    pub(crate) fn tell(&self, command: &Command, decided: &Decided) {
        match decided {
            Decided::Order(order, payment) if is_settled(order, payment) => {
                self.send(Topic::Order(order.id), || News::Order(order.clone(), payment.clone()));
            }
            Decided::Refund(order, payment, refund) if matches!(command, Command::ReportRefund { .. }) => {
                self.send(Topic::Refund(refund.id), || {
                    News::Refund(order.clone(), payment.clone(), refund.clone())
                });
            }
            Decided::Order(..)
            | Decided::Refund(..)
            | Decided::Voucher(_)
            | Decided::Redeemed(..)
            | Decided::Purchase(_)
            | Decided::Applied(..)
            | Decided::Deposit(_)
            | Decided::Task(_)
            | Decided::Partner(_)
            | Decided::Done => {}
        }
    }

    fn send(&self, topic: Topic, news: impl Fn() -> News) {
        let waiting = self.lock().remove(&topic);
        for sender in waiting.into_iter().flatten() {
            // Whoever has gone meanwhile asks again by `query`.
            let _ = sender.send(news());
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Topic, Vec<oneshot::Sender<News>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.news.close();
        let mut waiting = self.waiters.lock();
        if let Some(senders) = waiting.get_mut(&self.topic) {
            senders.retain(|sender| !sender.is_closed());
            if senders.is_empty() {
                waiting.remove(&self.topic);
            }
        }
    }
}

/// Whether a caller that waits for the payment has its answer.
pub(crate) fn is_settled(order: &Order, payment: &Payment) -> bool {
    let open_payment = matches!(payment.state, PaymentState::Unknown | PaymentState::Waiting);
    !open_payment || order.stage != OrderStage::Open
}
