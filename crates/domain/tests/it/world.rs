//! A world to decide in: a store, a clock, ids, two partners, and short ways to say commands.

use std::cell::Cell;

use tradewind_domain::{
    About, ChannelReport, Command, Currency, Decided, Endpoint, EndpointId, EventKind, Flow, FundBill,
    IdSource, Method, Money, Need, NewOrder, NewRefund, NodeId, Order, OrderId, OrderRef, OrderStage,
    OrderStanding, Partner, PartnerId, PartnerState, Payment, PaymentId, PaymentState, Refund, RefundId,
    RefundReport, Refusal, RevokeMode, Rules, Span, Terminal, Timestamp, View, decide, needs,
};

use crate::store::Stored;

pub(crate) const START: Timestamp = Timestamp::from_ms(1_763_780_000_000);
pub(crate) const RULES: Rules = Rules::standard(Span::from_days(365));
/// Keeps nothing, hears of everything at an endpoint of its own.
pub(crate) const PLAIN: PartnerId = PartnerId::from_i64(1);
/// Pays 0.6 percent and has no endpoint.
pub(crate) const WITH_FEE: PartnerId = PartnerId::from_i64(2);
/// How long an order waits for payment.
pub(crate) const LIFE: Span = Span::from_secs(80);

/// Everything there is.
pub(crate) struct World {
    pub(crate) stored: Stored,
    pub(crate) now: Timestamp,
    /// What decisions make ids from.
    ids: IdSource,
    /// What callers make ids from.
    pub(crate) callers: IdSource,
    pub(crate) rules: Rules,
    /// The last voucher code that was made.
    pub(crate) codes: Cell<u64>,
}

/// What to place.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) partner: PartnerId,
    pub(crate) number: String,
    pub(crate) amount: Money,
    pub(crate) flow: Flow,
    pub(crate) notify_url: Option<String>,
}

pub(crate) fn cents(cents: i64) -> Money {
    Money::from_cents(cents, Currency::CNY).unwrap()
}

impl World {
    pub(crate) fn new() -> World {
        let partner = |id: PartnerId, fee_ppm: u32| Partner {
            id,
            name: format!("Partner {}", id.get()),
            state: PartnerState::Active,
            methods: vec![Method::ALIPAY],
            fee_ppm,
            credit_limit: cents(0),
            settings: "{}".into(),
            created_at: START,
        };
        let endpoint = Endpoint {
            id: EndpointId::from_i64(1),
            partner: PLAIN,
            dialect: "native".into(),
            url: "https://partner.example/events".into(),
            events: EventKind::ALL.to_vec(),
            created_at: START,
        };
        let mut stored = Stored::default();
        stored.partners.extend([(PLAIN, partner(PLAIN, 0)), (WITH_FEE, partner(WITH_FEE, 6_000))]);
        stored.endpoints.insert(endpoint.id, endpoint);
        World { stored, now: START, ids: source(1), callers: source(2), rules: RULES, codes: Cell::new(0) }
    }

    pub(crate) fn advance(&mut self, by: Span) {
        self.now = self.now + by;
    }

    /// Decides one command on what is stored, and stores what it changes.
    pub(crate) fn run(&mut self, command: Command) -> Result<Decided, Refusal> {
        let at = self.now;
        self.batch(vec![(command, at)]).remove(0)
    }

    /// Decides commands in one batch: loads once, stores once.
    pub(crate) fn batch(&mut self, commands: Vec<(Command, Timestamp)>) -> Vec<Result<Decided, Refusal>> {
        let all: Vec<Need> = commands.iter().flat_map(|(command, _)| needs(command)).collect();
        let mut view = View::default();
        let rows = self.stored.load(&all);
        view.fill(all.clone(), rows);
        let mut results = Vec::new();
        for (command, at) in commands {
            results.push(decide(&view, command, at, &self.ids, &self.rules).map(|(changes, decided)| {
                view.apply(changes);
                decided
            }));
        }
        let seen = view.clone();
        self.stored.write(view.into_write_set());
        self.stored.assert_replays(&seen, &all);
        results
    }

    /// What is stored of a partner and its balance.
    pub(crate) fn view_of(&self, partner: PartnerId) -> View {
        let needs = vec![Need::Partner(partner), Need::Balance(partner)];
        let mut view = View::default();
        view.fill(needs.clone(), self.stored.load(&needs));
        view
    }

    /// The same world, with other ids to come.
    pub(crate) fn twin(&self) -> World {
        World {
            stored: self.stored.clone(),
            now: self.now,
            ids: source(3),
            callers: source(4),
            rules: self.rules.clone(),
            codes: self.codes.clone(),
        }
    }

    /// Places an order and tells its id.
    pub(crate) fn place(&mut self, partner: PartnerId, number: &str, amount: Money, flow: Flow) -> OrderId {
        let wish = Wish { partner, number: number.into(), amount, flow, notify_url: None };
        let command = self.wish(wish);
        match self.run(command) {
            Ok(Decided::Order(order, _)) => order.id,
            other => panic!("not placed: {other:?}"),
        }
    }

    /// Places an order and has it paid.
    pub(crate) fn place_paid(&mut self, partner: PartnerId, number: &str, amount: Money) -> OrderId {
        let order = self.place(partner, number, amount, Flow::PayerCode);
        self.report(order, paid(amount)).unwrap();
        order
    }

    pub(crate) fn wish(&self, wish: Wish) -> Command {
        let (order, payment) =
            (OrderId::make(&self.callers, self.now), PaymentId::make(&self.callers, self.now));
        let zero = Money::zero(wish.amount.currency());
        Command::PlaceOrder(Box::new(NewOrder {
            order: Order {
                id: order,
                partner: wish.partner,
                dialect: "native".into(),
                number: wish.number,
                fingerprint: wish.amount.micros(),
                amount: wish.amount,
                subject: "Sample".into(),
                stage: OrderStage::Open,
                revocation_applied: false,
                refunded: zero,
                refunding: zero,
                refund_failed: false,
                fee_ppm: 0,
                payment,
                paid_at: None,
                ended_at: None,
                expires_at: self.now + LIFE,
                terminal: Terminal::default(),
                notify_url: wish.notify_url,
                details: None,
                line: None,
            },
            payment: Payment {
                id: payment,
                order,
                partner: wish.partner,
                channel: "sandbox".into(),
                method: Method::ALIPAY,
                flow: wish.flow,
                state: PaymentState::Unknown,
                amount: wish.amount,
                payer_code: None,
                payer: None,
                channel_number: None,
                bills: Vec::new(),
                reason: None,
                settled_at: None,
                follow_up: None,
            },
            follow_up_at: self.now + Span::from_secs(1),
        }))
    }

    pub(crate) fn refund_command(&self, order: OrderId, number: Option<&str>, amount: Money) -> Command {
        Command::RequestRefund(Box::new(NewRefund {
            id: RefundId::make(&self.callers, self.now),
            partner: self.order(order).partner,
            order: OrderRef::Id(order),
            number: number.map(str::to_owned),
            fingerprint: amount.micros(),
            amount,
            subject: "Sample".into(),
            operator: "operator".into(),
        }))
    }

    pub(crate) fn report_command(
        &self,
        order: OrderId,
        report: ChannelReport,
        attempts: Option<u32>,
    ) -> Command {
        let order = self.order(order);
        Command::ReportPayment {
            partner: order.partner,
            order: order.id,
            payment: order.payment,
            report,
            attempts,
        }
    }

    pub(crate) fn report(&mut self, order: OrderId, report: ChannelReport) -> Result<Decided, Refusal> {
        let command = self.report_command(order, report, Some(0));
        self.run(command)
    }

    pub(crate) fn lapse(&mut self, order: OrderId) -> Result<Decided, Refusal> {
        let partner = self.order(order).partner;
        self.run(Command::LapseOrder { partner, order, stock: None })
    }

    pub(crate) fn refund(&mut self, order: OrderId, amount: Money) -> Result<Decided, Refusal> {
        let command = self.refund_command(order, None, amount);
        self.run(command)
    }

    /// Reports on the latest refund of an order.
    pub(crate) fn report_refund(&mut self, order: OrderId, report: RefundReport) -> Result<Decided, Refusal> {
        let refund = self.refunds(order).last().expect("a refund").id;
        let partner = self.order(order).partner;
        self.run(Command::ReportRefund { partner, order, refund, report, attempts: Some(0) })
    }

    pub(crate) fn revoke(&mut self, order: OrderId, mode: RevokeMode) -> Result<Decided, Refusal> {
        let partner = self.order(order).partner;
        self.run(Command::Revoke { partner, order: OrderRef::Id(order), mode })
    }

    pub(crate) fn review(&mut self, order: OrderId, approve: bool) -> Result<Decided, Refusal> {
        let partner = self.order(order).partner;
        self.run(Command::ReviewRevocation { partner, order, approve })
    }

    pub(crate) fn order(&self, id: OrderId) -> &Order {
        &self.stored.orders[&id]
    }

    pub(crate) fn payment(&self, order: OrderId) -> &Payment {
        &self.stored.payments[&self.order(order).payment]
    }

    /// The refunds of an order, oldest first.
    pub(crate) fn refunds(&self, order: OrderId) -> Vec<&Refund> {
        let mut refunds: Vec<&Refund> =
            self.stored.refunds.values().filter(|refund| refund.order == order).collect();
        refunds.sort_by_key(|refund| refund.hold);
        refunds
    }

    pub(crate) fn standing(&self, order: OrderId) -> OrderStanding {
        self.order(order).standing(self.now, RULES.refund_window)
    }

    /// The names of an order's events, in their order.
    pub(crate) fn events(&self, order: OrderId) -> Vec<&'static str> {
        self.stored
            .events
            .values()
            .filter(|event| event.about == About::Order(order))
            .map(|event| event.kind.name())
            .collect()
    }
}

pub(crate) fn paid(amount: Money) -> ChannelReport {
    let bills = vec![FundBill { source: "alipay_balance".into(), amount }];
    ChannelReport::Paid { channel_number: "C1".into(), payer: Some("payer".into()), bills }
}

pub(crate) fn declined() -> ChannelReport {
    ChannelReport::Declined { reason: "insufficient balance".into() }
}

pub(crate) fn returned() -> RefundReport {
    RefundReport::Succeeded { channel_number: "R1".into(), bills: Vec::new() }
}

pub(crate) fn refused() -> RefundReport {
    RefundReport::Refused { reason: "no funds".into() }
}

fn source(node: u8) -> IdSource {
    IdSource::new(NodeId::new(node).unwrap(), START)
}
