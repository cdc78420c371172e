//! Partners and users that a sandbox starts with.

use tradewind_dialect::{SandboxPartner, SandboxUser};
use tradewind_domain::Method;

use crate::dictionaries::default_methods;

/// Users of the first partner: one without and one with the right to refund, one that is locked.
const USERS: &[SandboxUser] = &[
    SandboxUser {
        login: "cashier01",
        password: "sandbox-cashier",
        name: "Cashier",
        may_refund: false,
        locked: false,
    },
    SandboxUser {
        login: "manager01",
        password: "sandbox-manager",
        name: "Manager",
        may_refund: true,
        locked: false,
    },
    SandboxUser {
        login: "locked01",
        password: "sandbox-locked",
        name: "Locked",
        may_refund: false,
        locked: true,
    },
];

/// The first has the key of the specification's vectors, the second a short key and all switches of old
/// clients, the third is suspended.
pub(crate) fn partners() -> Vec<SandboxPartner> {
    vec![
        SandboxPartner {
            name: "Sandbox Shop",
            key_id: "0010000001",
            secret: "K7Q2M9X4T1V8B3N6L5R0Z2C7D4F9H1J8",
            settings: "{}",
            methods: default_methods(),
            suspended: false,
            users: USERS,
        },
        SandboxPartner {
            name: "Sandbox Shop with an old client",
            key_id: "0010000002",
            secret: "SHORTKEY0123456",
            settings: r#"{"success_literal":"SUCESS","batch_single_as_object":true}"#,
            methods: vec![Method::ALIPAY, Method::WECHAT],
            suspended: false,
            users: &[],
        },
        SandboxPartner {
            name: "Suspended Sandbox Shop",
            key_id: "0010000009",
            secret: "Q9W8E7R6T5Y4U3I2O1P0A9S8D7F6G5H4",
            settings: "{}",
            methods: default_methods(),
            suspended: true,
            users: &[],
        },
    ]
}
