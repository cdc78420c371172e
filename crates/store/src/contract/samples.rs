//! Rows to write: plain ones, and ones with every optional field filled.

use tradewind_domain::{
    About, Account, Cause, Credential, CredentialId, Currency, Device, Endpoint, EndpointId, Event,
    EventKind, Flow, FundBill, Method, Money, Order, OrderId, OrderStage, Partner, PartnerId, PartnerState,
    PastOrder, PastRefund, Payment, PaymentId, PaymentState, Purpose, Redemption, RedemptionId, Refund,
    RefundId, RefundKind, RefundState, Task, TaskId, TaskKey, TaskKind, TaskState, Terminal, Timestamp,
    Transfer, TransferId, TransferKind, User, UserId, UserState, Voucher, VoucherCode, VoucherId,
    VoucherState,
};

/// The instant at which samples begin.
pub const NOW: Timestamp = Timestamp::from_ms(1_763_780_000_000);

/// The dialect that sample partners speak.
pub const DIALECT: &str = "plain";

/// Yuan.
pub fn yuan(amount: i64) -> Money {
    Money::from_micros(amount * 1_000_000, Currency::CNY)
}

/// A partner with this bare id.
pub fn partner(id: i64) -> Partner {
    Partner {
        id: PartnerId::from_i64(id),
        name: format!("Partner {id}"),
        state: PartnerState::Active,
        methods: vec![Method::WECHAT, Method::ALIPAY, Method::BALANCE, Method::named("house_card")],
        fee_ppm: 6_000,
        credit_limit: yuan(0),
        settings: r#"{"plain":{"quoted":"\"'é"}}"#.into(),
        created_at: NOW,
    }
}

/// A credential of `owner`.
pub fn credential(owner: i64, id: i64, key_id: &str) -> Credential {
    Credential {
        id: CredentialId::from_i64(id),
        partner: PartnerId::from_i64(owner),
        dialect: DIALECT.into(),
        key_id: key_id.into(),
        sealed_secret: vec![0, 1, 255, 0, 39],
        created_at: NOW,
        expires_at: None,
    }
}

/// A user of `owner`.
pub fn user(owner: i64, id: i64, login: &str) -> User {
    User {
        id: UserId::from_i64(id),
        partner: PartnerId::from_i64(owner),
        login: login.into(),
        name: "收银员".into(),
        password_hash: "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".into(),
        state: UserState::Active,
        may_refund: false,
        device: Device::default(),
        signed_in_at: None,
        created_at: NOW,
    }
}

/// An endpoint of `owner` that wants to hear of payments and revocations.
pub fn endpoint(owner: i64, id: i64) -> Endpoint {
    Endpoint {
        id: EndpointId::from_i64(id),
        partner: PartnerId::from_i64(owner),
        dialect: DIALECT.into(),
        url: format!("http://127.0.0.1:8080/notify/{id}"),
        events: vec![EventKind::OrderRevoked, EventKind::OrderPaid],
        created_at: NOW,
    }
}

/// An open order of `owner`, without anything optional. Its payment has the same bare number.
pub fn order(owner: i64, id: i64, number: &str) -> Order {
    Order {
        id: OrderId::from_i64(id),
        partner: PartnerId::from_i64(owner),
        dialect: DIALECT.into(),
        number: number.into(),
        fingerprint: i64::MIN + id,
        amount: yuan(100),
        subject: "茶 and cake".into(),
        stage: OrderStage::Open,
        revocation_applied: false,
        refunded: yuan(0),
        refunding: yuan(0),
        refund_failed: false,
        fee_ppm: 6_000,
        payment: PaymentId::from_i64(id),
        paid_at: None,
        ended_at: None,
        expires_at: Timestamp::from_ms(NOW.ms() + 150_000),
        terminal: Terminal { operator: "op1".into(), device: String::new(), store: None },
        notify_url: None,
        details: None,
        line: None,
    }
}

/// The open payment of `order`.
pub fn payment(order: &Order) -> Payment {
    Payment {
        id: order.payment,
        order: order.id,
        partner: order.partner,
        channel: "sandbox".into(),
        method: Method::ALIPAY,
        flow: Flow::PayerCode,
        state: PaymentState::Unknown,
        amount: order.amount,
        payer_code: None,
        payer: None,
        channel_number: None,
        bills: Vec::new(),
        reason: None,
        settled_at: None,
        follow_up: None,
    }
}

/// Two sources of money that sum to 100 yuan.
pub fn bills() -> Vec<FundBill> {
    vec![
        FundBill { source: "alipay_balance".into(), amount: yuan(99) },
        FundBill { source: "coupon \"10%\", 老".into(), amount: yuan(1) },
    ]
}

/// An open refund of `order`.
pub fn refund(order: &Order, id: i64, number: &str) -> Refund {
    Refund {
        id: RefundId::from_i64(id),
        order: order.id,
        partner: order.partner,
        number: number.into(),
        fingerprint: -7,
        kind: RefundKind::Requested,
        state: RefundState::Unknown,
        amount: yuan(30),
        units: 0,
        units_so_far: 0,
        subject: "cold".into(),
        operator: "op2".into(),
        channel_number: None,
        bills: Vec::new(),
        reason: None,
        settled_at: None,
        follow_up: None,
        hold: TransferId::from_i64(id),
    }
}

/// What is kept of an order of `owner` over 100 yuan that has gone, 30 of them given back.
pub fn past_order(owner: i64, order: i64, number: &str) -> PastOrder {
    PastOrder {
        partner: PartnerId::from_i64(owner),
        order: OrderId::from_i64(order),
        number: number.into(),
        fingerprint: i64::MIN + order,
        collected: yuan(100),
        returned: yuan(30),
        fee: Money::from_micros(600_000, Currency::CNY),
        gone_at: NOW,
    }
}

/// What is kept of a refund of an order that has gone; `hold` is the number of its pending transfer.
pub fn past_refund(owner: i64, order: i64, hold: i64, number: &str) -> PastRefund {
    PastRefund {
        partner: PartnerId::from_i64(owner),
        order: OrderId::from_i64(order),
        number: number.into(),
        fingerprint: -7,
        hold: TransferId::from_i64(hold),
    }
}

/// A posted transfer for `order`.
pub fn transfer(order: &Order, id: i64) -> Transfer {
    Transfer {
        id: TransferId::from_i64(id),
        partner: order.partner,
        cause: Cause::Order(order.id),
        debit: Account::Clearing("sandbox".into()),
        credit: Account::Payable,
        amount: yuan(100),
        kind: TransferKind::Posted,
        purpose: Purpose::Payment,
        at: NOW,
    }
}

/// An event about `order`.
pub fn event(order: &Order, number: i64) -> Event {
    Event {
        partner: order.partner,
        number,
        kind: EventKind::OrderPaid,
        about: About::Order(order.id),
        refund: None,
        redemption: None,
        at: NOW,
    }
}

/// A pending delivery of `owner`'s first event, due at `due_ms` after [`NOW`].
pub fn task(owner: i64, order: i64, id: i64, due_ms: i64) -> Task {
    Task {
        key: TaskKey {
            partner: PartnerId::from_i64(owner),
            about: About::Order(OrderId::from_i64(order)),
            id: TaskId::from_i64(id),
        },
        kind: TaskKind::Deliver { event: 1, endpoint: None },
        state: TaskState::Pending,
        started_at: NOW,
        due_at: Timestamp::from_ms(NOW.ms() + due_ms),
        attempts: 0,
        last_result: None,
    }
}

/// The code with this payload.
pub fn voucher_code(payload: u64) -> VoucherCode {
    VoucherCode::of_payload(payload).unwrap()
}

/// An active voucher of `owner` with ten uses, without anything optional. Its code has its bare number
/// as payload.
pub fn voucher(owner: i64, id: i64, number: &str) -> Voucher {
    Voucher {
        id: VoucherId::from_i64(id),
        partner: PartnerId::from_i64(owner),
        dialect: DIALECT.into(),
        number: number.into(),
        fingerprint: i64::MAX - id,
        code: voucher_code(id.unsigned_abs()),
        subject: "一日 ticket".into(),
        ordered: 10,
        used: 0,
        refunded: 0,
        locked: 0,
        state: VoucherState::Active,
        order: None,
        seller: None,
        valid_from: None,
        valid_until: None,
        cancelled_at: None,
        shares: Vec::new(),
        notify_url: None,
        details: None,
    }
}

/// One use of `voucher`, redeemed by its issuer.
pub fn redemption(voucher: &Voucher, id: i64) -> Redemption {
    Redemption {
        id: RedemptionId::from_i64(id),
        voucher: voucher.id,
        partner: voucher.partner,
        by: voucher.partner,
        device: "gate 1".into(),
        count: 1,
        used_so_far: 1,
        left: 9,
    }
}
