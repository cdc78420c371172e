//! What verified calls lead to.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tradewind_domain::{
    Call, Collect, Command, Decided, FindOrder, Flow, Found, LookUp, Method, MethodChoice, Money, Need,
    NewOrder, NewRefund, Order, OrderId, OrderRef, OrderStage, Outcome, Partner, PartnerId, Payment,
    PaymentId, PaymentState, Refund, RefundCall, RefundId, RefundState, Refusal, Revoke, Span, View,
};
use tradewind_store::OrderQuery;
use tradewind_store::counts::LOOKED_AT_MAX;

use crate::waiters::{News, Waiting, is_settled};
use crate::{App, Identity};

/// Who calls, in which dialect.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The dialect that verified the call.
    pub dialect: &'static str,
    /// Who calls; `None` for calls that carry their own proof.
    pub identity: Option<Arc<Identity>>,
}

/// News normally arrive by themselves; this often, in real time, a caller that waits looks for itself,
/// because another process may have been the one that heard them.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How much longer than its deadline a call waits for the engine to end its order.
const SETTLE_GRACE: Duration = Duration::from_secs(10);

/// A page that is short because no more rows were looked at would be taken for the last one.
pub(crate) fn whole(total: Option<u64>, entries: usize, page_size: u32) -> Result<(), Refusal> {
    if total.is_none() && entries < page_size as usize {
        let problem = format!(
            "asks for more than the newest {LOOKED_AT_MAX} in the span: choose a shorter one or fewer filters"
        );
        return Err(Refusal::Field { field: "filter".into(), problem });
    }
    Ok(())
}

fn real(span: Span) -> Duration {
    Duration::from_millis(span.ms().max(0).unsigned_abs())
}

impl App {
    /// Does what a verified call asks.
    pub async fn execute(&self, caller: &Caller, call: Call) -> Result<Outcome, Refusal> {
        if let Call::SignIn(login) = call {
            return self.sign_in(caller.dialect, login).await;
        }
        let identity = caller.identity.as_ref().ok_or(Refusal::UnknownPartner)?;
        if !self.partner_limit.allows(&identity.key_id, self.now()) {
            return Err(Refusal::RateLimited);
        }
        let partner = identity.partner.id;
        match call {
            Call::Collect(collect) => self.collect(partner, caller.dialect, *collect).await,
            Call::Refund(refund) => self.refund(partner, *refund).await,
            Call::Revoke(revoke) => self.revoke(partner, revoke).await,
            Call::FindOrder(find) => self.find_order(partner, find).await,
            Call::ListOrders(list) => {
                let now = self.now();
                let query = OrderQuery { partner, list, now, refund_window: self.config.refund_window };
                let page_size = query.list.page_size;
                let page = self.store.list_orders(query).await.map_err(|error| self.storage(&error))?;
                whole(page.total, page.entries.len(), page_size)?;
                Ok(Outcome::Listed(page))
            }
            Call::ListMethods => Ok(Outcome::Methods(self.methods_of(&identity.partner))),
            Call::ListSkus(list) => self.list_skus(list).await,
            Call::ShowCalendar { sku, from, until } => self.show_calendar(sku, from, until).await,
            Call::Purchase(purchase) => self.purchase(partner, caller.dialect, *purchase).await,
            Call::PayPurchase(pay) => self.pay_purchase(partner, *pay).await,
            Call::FindPurchase(by) => self.find_purchase(partner, by).await,
            Call::ApplyRefund(apply) => self.apply_refund(partner, apply).await,
            Call::ResendCodes(by) => self.resend_codes(partner, by).await,
            Call::ShowBalance => self.show_balance(partner).await,
            Call::IssueVoucher(voucher) => self.issue_voucher(partner, caller.dialect, *voucher).await,
            Call::FindVoucher { number } => self.find_voucher(partner, number).await,
            Call::RedeemVoucher(redeem) => self.redeem_voucher(partner, redeem).await,
            Call::CancelVoucher { number, code } => self.cancel_voucher(partner, number, code).await,
            Call::ListRedemptions(list) => self.list_redemptions(partner, list).await,
            Call::SignIn(_) => Err(Refusal::Internal),
        }
    }

    /// The payment methods that `partner` may use and somebody serves.
    pub(crate) fn methods_of(&self, partner: &Partner) -> Vec<Method> {
        let methods = partner.methods.iter();
        methods.filter(|method| self.cashier.channel_of(method).is_some()).cloned().collect()
    }

    async fn collect(
        &self,
        partner: PartnerId,
        dialect: &'static str,
        collect: Collect,
    ) -> Result<Outcome, Refusal> {
        let (order, payment) = self.build_order(partner, dialect, collect)?;
        let _place = self.waiting_calls.enter(partner, payment.flow)?;
        let preparation = self.cashier.prepare(&order, &payment, self.now());
        let waiting = (payment.flow == Flow::PayerCode).then(|| self.waiters.for_order(order.id));
        let new = NewOrder { order, payment, follow_up_at: preparation.follow_up_at };
        let Decided::Order(order, payment) = self.submit(Command::PlaceOrder(Box::new(new))).await? else {
            return Err(Refusal::Internal);
        };
        let (order, payment) = match waiting {
            None => (order, payment),
            Some(waiting) => self.until_settled(waiting, order, payment).await?,
        };
        Ok(Outcome::Collected { order, payment, action: preparation.action })
    }

    fn build_order(
        &self,
        partner: PartnerId,
        dialect: &'static str,
        collect: Collect,
    ) -> Result<(Order, Payment), Refusal> {
        let now = self.now();
        let method = match collect.method {
            MethodChoice::Named(method) => method,
            MethodChoice::ByPayerCode => {
                let code = collect.payer_code.as_deref().unwrap_or("");
                tradewind_domain::Method::of_payer_code(code).ok_or(Refusal::MethodUnrecognised)?
            }
        };
        let channel = self.cashier.channel_of(&method).ok_or(Refusal::MethodNotEnabled)?;
        let id = OrderId::make(&self.ids, now);
        let payment_id = PaymentId::make(&self.ids, now);
        let nothing = Money::zero(collect.amount.currency());
        let (life, state) = match collect.flow {
            Flow::PayerCode => (self.config.payer_code_deadline, PaymentState::Unknown),
            Flow::PayerScans | Flow::InWallet | Flow::InApp | Flow::FromBalance => {
                (collect.expires_in, PaymentState::Waiting)
            }
        };
        let order = Order {
            id,
            partner,
            dialect: dialect.to_owned(),
            number: collect.number,
            fingerprint: collect.fingerprint,
            amount: collect.amount,
            subject: collect.subject,
            stage: OrderStage::Open,
            revocation_applied: false,
            refunded: nothing,
            refunding: nothing,
            refund_failed: false,
            fee_ppm: 0,
            payment: payment_id,
            paid_at: None,
            ended_at: None,
            expires_at: now + life,
            terminal: collect.terminal,
            notify_url: collect.notify_url,
            details: collect.details,
            line: None,
        };
        let payment = Payment {
            id: payment_id,
            order: id,
            partner,
            channel,
            method,
            flow: collect.flow,
            state,
            amount: collect.amount,
            payer_code: collect.payer_code,
            payer: None,
            channel_number: None,
            bills: Vec::new(),
            reason: None,
            settled_at: None,
            follow_up: None,
        };
        Ok((order, payment))
    }

    /// Waits until the payment is decided or the order has ended. The engine ends every order at its
    /// deadline by its own clock, unless a review holds it up; in real time nobody waits much longer than
    /// that, and then sees the payment as it is, which may be "not known yet".
    async fn until_settled(
        &self,
        mut waiting: Waiting,
        mut order: Box<Order>,
        mut payment: Box<Payment>,
    ) -> Result<(Box<Order>, Box<Payment>), Refusal> {
        let until = Instant::now() + real(self.config.payer_code_deadline) + SETTLE_GRACE;
        while !is_settled(&order, &payment) && Instant::now() < until {
            match tokio::time::timeout(LOOK_EVERY, &mut waiting.news).await {
                Ok(Ok(News::Order(news, of))) => return Ok((news, of)),
                Ok(Ok(News::Refund(..)) | Err(_)) => waiting = self.waiters.for_order(order.id),
                Err(_) => {}
            }
            // The order is on disk; a read that fails changes nothing about that.
            if let Ok(view) = self.view(vec![Need::Order(order.partner, order.id)]).await {
                *order =
                    view.order(order.partner, &OrderRef::Id(order.id)).cloned().ok_or(Refusal::Internal)?;
                *payment = view.payment(order.payment).cloned().ok_or(Refusal::Internal)?;
            }
        }
        Ok((order, payment))
    }

    async fn refund(&self, partner: PartnerId, call: RefundCall) -> Result<Outcome, Refusal> {
        let until = Instant::now() + self.config.refund_wait;
        let id = RefundId::make(&self.ids, self.now());
        let waiting = self.waiters.for_refund(id);
        let new = NewRefund {
            id,
            partner,
            order: call.order,
            number: call.number,
            fingerprint: call.fingerprint,
            amount: call.amount,
            subject: call.subject,
            operator: call.operator,
        };
        loop {
            match self.submit(Command::RequestRefund(Box::new(new.clone()))).await {
                Ok(Decided::Refund(order, payment, refund)) => {
                    let (order, payment, refund) =
                        self.first_report(waiting, order, payment, refund, until).await;
                    return Ok(Outcome::Refunded { order, payment, refund });
                }
                Ok(_) => return Err(Refusal::Internal),
                // The other refund's answer is a moment away, and then there may be room for this one.
                Err(Refusal::RefundInFlight { refund, pending: false }) if Instant::now() < until => {
                    self.another_refund(partner, &new.order, refund, until).await?;
                }
                Err(refusal) => return Err(refusal),
            }
        }
    }

    /// Waits for what the channel says first about a refund, within bounds; after that the refund is
    /// shown as it is, which may be "not known yet".
    async fn first_report(
        &self,
        mut waiting: Waiting,
        order: Box<Order>,
        payment: Box<Payment>,
        refund: Box<Refund>,
        until: Instant,
    ) -> (Box<Order>, Box<Payment>, Box<Refund>) {
        match tokio::time::timeout_at(until.into(), &mut waiting.news).await {
            Ok(Ok(News::Refund(order, payment, refund))) => (order, payment, refund),
            Ok(Ok(News::Order(..)) | Err(_)) | Err(_) => (order, payment, refund),
        }
    }

    async fn another_refund(
        &self,
        partner: PartnerId,
        order: &OrderRef,
        other: RefundId,
        until: Instant,
    ) -> Result<(), Refusal> {
        let mut waiting = self.waiters.for_refund(other);
        // It may have been answered before there was anybody to wait.
        let view = self.view(vec![Need::order(partner, order)]).await?;
        if view.refund(other).is_none_or(|refund| refund.state == RefundState::Unknown) {
            let look = until.min(Instant::now() + LOOK_EVERY);
            let _ = tokio::time::timeout_at(look.into(), &mut waiting.news).await;
        }
        Ok(())
    }

    async fn revoke(&self, partner: PartnerId, call: Revoke) -> Result<Outcome, Refusal> {
        let decided = self.submit(Command::Revoke { partner, order: call.order, mode: call.mode }).await?;
        self.revoked(decided).await
    }

    /// The outcome of a revocation, once the channel has said something about money that goes back.
    pub(crate) async fn revoked(&self, decided: Decided) -> Result<Outcome, Refusal> {
        match decided {
            Decided::Order(order, _) => Ok(Outcome::Revoked { order }),
            Decided::Refund(order, payment, refund) => {
                let until = Instant::now() + self.config.refund_wait;
                let waiting = self.waiters.for_refund(refund.id);
                // Whether it can be looked up or not, the revocation is on disk.
                let view = self.view(vec![Need::Order(order.partner, order.id)]).await.unwrap_or_default();
                let answered =
                    view.refund(refund.id).is_some_and(|refund| refund.state != RefundState::Unknown);
                if let (true, Some(order)) = (answered, view.order(order.partner, &OrderRef::Id(order.id))) {
                    return Ok(Outcome::Revoked { order: Box::new(order.clone()) });
                }
                let (order, ..) = self.first_report(waiting, order, payment, refund, until).await;
                Ok(Outcome::Revoked { order })
            }
            Decided::Voucher(_)
            | Decided::Redeemed(..)
            | Decided::Purchase(_)
            | Decided::Applied(..)
            | Decided::Deposit(_)
            | Decided::Task(_)
            | Decided::Partner(_)
            | Decided::Done => Err(Refusal::Internal),
        }
    }

    async fn find_order(&self, partner: PartnerId, find: FindOrder) -> Result<Outcome, Refusal> {
        let found = match find.by {
            LookUp::Order(by) => self.found_order(partner, &by).await?,
            LookUp::Refund(number) => self.found_refund(partner, number).await?,
            LookUp::OrderElseRefund(number) => {
                match self.found_order(partner, &OrderRef::Number(number.clone())).await? {
                    Some(found) => Some(found),
                    None => self.found_refund(partner, number).await?,
                }
            }
        };
        found.map(|found| Outcome::Found(Box::new(found))).ok_or(Refusal::OrderNotFound)
    }

    async fn found_order(&self, partner: PartnerId, by: &OrderRef) -> Result<Option<Found>, Refusal> {
        let view = self.view(vec![Need::order(partner, by)]).await?;
        Ok(view.order(partner, by).and_then(|order| found(&view, order, None)))
    }

    async fn found_refund(&self, partner: PartnerId, number: String) -> Result<Option<Found>, Refusal> {
        let view = self.view(vec![Need::RefundNumber(partner, number.clone())]).await?;
        let refund = view.refund_by_number(partner, &number);
        Ok(refund.and_then(|refund| {
            let order = view.order(partner, &OrderRef::Id(refund.order))?;
            found(&view, order, Some(refund))
        }))
    }
}

fn found(view: &View, order: &Order, refund: Option<&Refund>) -> Option<Found> {
    let payment = view.payment(order.payment)?.clone();
    Some(Found { order: order.clone(), payment, refund: refund.cloned() })
}

#[cfg(test)]
mod tests {
    use tradewind_domain::Refusal;

    use super::whole;

    #[test]
    fn a_page_that_may_lack_rows_is_refused() {
        let check = |total, entries, good: bool| {
            let told = whole(total, entries, 10);
            assert_eq!(told.is_ok(), good, "{total:?} {entries}");
            assert!(good || matches!(told, Err(Refusal::Field { .. })));
        };
        check(Some(3), 3, true);
        check(Some(30), 0, true);
        check(None, 10, true);
        check(None, 9, false);
        check(None, 0, false);
    }
}
