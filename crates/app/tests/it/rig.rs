//! An application with one partner, a frozen clock, a store that fails when told to, and a channel that
//! does what the test says.

use std::sync::Arc;

use tradewind_app::{App, AppConfig, Caller, Cashier, Clock, NewPartner, Preparation, StartError};
use tradewind_domain::{
    Call, ChannelReport, Collect, Command, Currency, FindOrder, Flow, Found, FundBill, LookUp, Method,
    MethodChoice, Money, Order, OrderRef, Outcome, Payment, RefundCall, Refusal, Span, Terminal, Timestamp,
};
use tradewind_signing::{Secret, Vault};
use tradewind_store::Store;
use tradewind_store::faulty::FaultyStore;
use tradewind_store_sqlite::{SqliteConfig, SqliteStore};
use tradewind_testkit::Folder;

pub(crate) const DIALECT: &str = "test";
pub(crate) const KEY_ID: &str = "shop-1";
pub(crate) const START: Timestamp = Timestamp::from_ms(1_763_780_000_000);

pub(crate) struct Rig {
    pub(crate) app: Arc<App>,
    pub(crate) faults: Arc<FaultyStore>,
    pub(crate) clock: Clock,
    _folder: Folder,
}

struct Counter;

impl Cashier for Counter {
    fn channel_of(&self, method: &Method) -> Option<String> {
        (*method != Method::BESTPAY).then(|| "till".to_owned())
    }

    fn prepare(&self, _order: &Order, _payment: &Payment, now: Timestamp) -> Preparation {
        Preparation { action: None, follow_up_at: now }
    }
}

impl Rig {
    pub(crate) async fn new(config: AppConfig) -> Rig {
        let folder = Folder::new();
        let store = SqliteStore::open(&folder.path().join("test.db"), SqliteConfig::default()).unwrap();
        let faults = Arc::new(FaultyStore::new(Arc::new(store)));
        let clock = Clock::frozen_at(START);
        let store = Arc::clone(&faults) as Arc<dyn Store>;
        let app = start(config, store, clock.clone(), vault()).await.unwrap();
        app.add_partner(NewPartner {
            dialect: DIALECT.into(),
            key_id: KEY_ID.into(),
            secret: Secret::new("first secret"),
            name: "Shop".into(),
            settings: "{}".into(),
            methods: vec![Method::ALIPAY, Method::BESTPAY],
            fee_ppm: 6_000,
            credit_limit: tradewind_domain::Money::zero(tradewind_domain::Currency::CNY),
            suspended: false,
        })
        .await
        .unwrap();
        Rig { app, faults, clock, _folder: folder }
    }

    pub(crate) async fn caller(&self) -> Caller {
        Caller { dialect: DIALECT, identity: Some(self.app.identity(DIALECT, KEY_ID).await.unwrap()) }
    }

    pub(crate) async fn call(&self, call: Call) -> Result<Outcome, Refusal> {
        let caller = self.caller().await;
        self.app.execute(&caller, call).await
    }

    pub(crate) async fn place(&self, number: &str) -> Result<(Order, Payment), Refusal> {
        match self.call(Call::Collect(Box::new(collect(number, Flow::PayerScans)))).await? {
            Outcome::Collected { order, payment, .. } => Ok((*order, *payment)),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn place_paid(&self, number: &str) -> Order {
        let (order, payment) = self.place(number).await.unwrap();
        self.pay(&order, &payment).await.unwrap();
        order
    }

    pub(crate) async fn pay(&self, order: &Order, payment: &Payment) -> Result<(), Refusal> {
        let bills = vec![FundBill { source: "purse".into(), amount: payment.amount }];
        let report = ChannelReport::Paid { channel_number: "T1".into(), payer: None, bills };
        let (partner, order, payment) = (order.partner, order.id, payment.id);
        let command = Command::ReportPayment { partner, order, payment, report, attempts: None };
        self.app.submit(command).await.map(drop)
    }

    pub(crate) async fn find(&self, number: &str) -> Result<Found, Refusal> {
        let by = LookUp::Order(OrderRef::Number(number.into()));
        match self.call(Call::FindOrder(FindOrder { by })).await? {
            Outcome::Found(found) => Ok(*found),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn assert_clean(&self) {
        let verification = self.app.store().verify().await.unwrap();
        assert_eq!(verification.findings, Vec::<String>::new());
    }
}

pub(crate) async fn start(
    config: AppConfig,
    store: Arc<dyn Store>,
    clock: Clock,
    vault: Vault,
) -> Result<Arc<App>, StartError> {
    App::start(config, store, clock, vault, Arc::new(Counter)).await
}

pub(crate) fn vault() -> Vault {
    Vault::from_key([7; 32])
}

pub(crate) fn yuan(cents: i64) -> Money {
    Money::from_cents(cents, Currency::CNY).unwrap()
}

pub(crate) fn collect(number: &str, flow: Flow) -> Collect {
    Collect {
        number: number.into(),
        fingerprint: 1,
        amount: yuan(10_000),
        subject: "tea".into(),
        method: MethodChoice::Named(Method::ALIPAY),
        flow,
        payer_code: (flow == Flow::PayerCode).then(|| "280000000000000001".into()),
        expires_in: Span::from_mins(120),
        terminal: Terminal { operator: "o".into(), device: "d".into(), store: None },
        notify_url: None,
        details: None,
    }
}

pub(crate) fn refund(order: &str, number: &str, cents: i64) -> Call {
    Call::Refund(Box::new(RefundCall {
        order: OrderRef::Number(order.into()),
        number: Some(number.into()),
        fingerprint: 2,
        amount: yuan(cents),
        subject: "changed mind".into(),
        operator: "o".into(),
    }))
}
