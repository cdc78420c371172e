//! A caller of a store: loads, lets the domain decide, commits, as the application does.

use std::sync::Arc;

use tradewind_domain::{
    Addition, Command, Decided, Flow, IdSource, Method, Money, Need, NewOrder, NodeId, Order, OrderId,
    OrderStage, PartnerId, Payment, PaymentId, PaymentState, Refusal, Rows, Rules, Span, Terminal, Timestamp,
    View, WriteSet, decide, needs,
};

use crate::{Lane, Result, Store};

use super::samples;

/// For how long paid orders may be refunded at a desk.
pub const REFUND_WINDOW: Span = Span::from_days(7);

/// Someone who works with a store.
pub struct Desk {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The time; commands are decided at it.
    pub now: Timestamp,
    /// Where new rows get their ids.
    pub ids: IdSource,
    lane: Box<dyn Lane>,
}

impl Desk {
    /// Opens a lane of `store`.
    pub async fn open(store: &Arc<dyn Store>) -> Desk {
        Desk {
            store: Arc::clone(store),
            now: samples::NOW,
            ids: IdSource::new(NodeId::new(1).unwrap(), Timestamp::from_ms(0)),
            lane: store.open_lane().await.unwrap(),
        }
    }

    /// Loads through the lane, to look and not to change: what was locked is let go of.
    pub async fn load(&mut self, needs: &[Need]) -> Rows {
        let rows = self.lane.load(needs).await.unwrap();
        self.lane.abandon().await.unwrap();
        rows
    }

    /// Reads past the lane.
    pub async fn read(&self, need: Need) -> Rows {
        self.store.read(vec![need]).await.unwrap()
    }

    /// Commits through the lane.
    pub async fn commit(&mut self, set: &WriteSet) -> Result<()> {
        self.lane.commit(set).await
    }

    /// Decides and commits one command.
    pub async fn run(&mut self, command: Command) -> std::result::Result<Decided, Refusal> {
        self.batch(vec![command]).await.remove(0)
    }

    /// Decides and commits one command that must not be refused.
    pub async fn must(&mut self, command: Command) -> Decided {
        self.run(command.clone()).await.unwrap_or_else(|refusal| panic!("{command:?} was refused: {refusal}"))
    }

    /// Decides commands one after the other and commits the sum.
    pub async fn batch(&mut self, commands: Vec<Command>) -> Vec<std::result::Result<Decided, Refusal>> {
        let (view, decided) = self.decide(commands).await;
        self.lane.commit(&view.into_write_set()).await.unwrap();
        decided
    }

    /// Decides commands one after the other and commits the sum, as a lane does that others work beside:
    /// when the store fails, nothing has happened.
    pub async fn attempt(
        &mut self,
        commands: Vec<Command>,
    ) -> Result<Vec<std::result::Result<Decided, Refusal>>> {
        let (view, decided) = match self.try_decide(commands).await {
            Ok(judged) => judged,
            Err(error) => {
                self.lane.abandon().await?;
                return Err(error);
            }
        };
        self.lane.commit(&view.into_write_set()).await?;
        Ok(decided)
    }

    /// Decides commands one after the other without committing.
    pub async fn decide(
        &mut self,
        commands: Vec<Command>,
    ) -> (View, Vec<std::result::Result<Decided, Refusal>>) {
        self.try_decide(commands).await.unwrap()
    }

    async fn try_decide(
        &mut self,
        commands: Vec<Command>,
    ) -> Result<(View, Vec<std::result::Result<Decided, Refusal>>)> {
        let mut wanted: Vec<Need> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        for need in commands.iter().flat_map(needs) {
            if seen.insert(need.clone()) {
                wanted.push(need);
            }
        }
        let rows = self.lane.load(&wanted).await?;
        let mut view = View::default();
        view.fill(wanted, rows);
        let rules = Rules::standard(REFUND_WINDOW);
        let mut answers = Vec::new();
        for command in commands {
            answers.push(decide(&view, command, self.now, &self.ids, &rules).map(|(changes, decided)| {
                view.apply(changes);
                decided
            }));
        }
        Ok((view, answers))
    }

    /// Adds a partner with one credential and one endpoint.
    pub async fn add_partner(&mut self, id: i64) {
        let credential = samples::credential(id, id, &format!("key-{id}"));
        let addition = Addition::Partner { partner: samples::partner(id), credential };
        self.must(Command::Add(Box::new(addition))).await;
        self.must(Command::Add(Box::new(Addition::Endpoint(samples::endpoint(id, id))))).await;
    }

    /// An order to be placed by a partner.
    pub fn new_order(&self, owner: i64, number: &str, amount: Money, flow: Flow) -> NewOrder {
        let partner = PartnerId::from_i64(owner);
        let id = OrderId::make(&self.ids, self.now);
        let payment_id = PaymentId::make(&self.ids, self.now);
        let nothing = Money::zero(amount.currency());
        let order = Order {
            id,
            partner,
            dialect: samples::DIALECT.into(),
            number: number.into(),
            fingerprint: 42,
            amount,
            subject: "two cups of tea".into(),
            stage: OrderStage::Open,
            revocation_applied: false,
            refunded: nothing,
            refunding: nothing,
            refund_failed: false,
            fee_ppm: 0,
            payment: payment_id,
            paid_at: None,
            ended_at: None,
            expires_at: self.now + Span::from_secs(150),
            terminal: Terminal { operator: "cashier01".into(), device: "device-7".into(), store: None },
            notify_url: None,
            details: None,
            line: None,
        };
        let payment = Payment {
            id: payment_id,
            order: id,
            partner,
            channel: "sandbox".into(),
            method: Method::ALIPAY,
            flow,
            state: if flow == Flow::PayerCode { PaymentState::Unknown } else { PaymentState::Waiting },
            amount,
            payer_code: (flow == Flow::PayerCode).then(|| "281234567890123456".into()),
            payer: None,
            channel_number: None,
            bills: Vec::new(),
            reason: None,
            settled_at: None,
            follow_up: None,
        };
        NewOrder { order, payment, follow_up_at: self.now }
    }

    /// Places an order over 100 yuan that the cashier scans.
    pub async fn place(&mut self, owner: i64, number: &str) -> (Order, Payment) {
        let new = self.new_order(owner, number, samples::yuan(100), Flow::PayerCode);
        match self.must(Command::PlaceOrder(Box::new(new))).await {
            Decided::Order(order, payment) => (*order, *payment),
            other => panic!("an order was placed and led to {other:?}"),
        }
    }
}
