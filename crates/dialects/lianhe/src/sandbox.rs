//! Partners that a sandbox starts with.

use tradewind_dialect::SandboxPartner;

use crate::default_methods;

/// The first has the account of the specification's vectors and everything switched on, the second signs by
/// its number and has what every new partner has, the third is suspended.
pub(crate) fn partners() -> Vec<SandboxPartner> {
    vec![
        SandboxPartner {
            name: "Sandbox Distributor",
            key_id: "1985",
            secret: "0123456789abcdef0123456789abcdef",
            settings: r#"{"api_name":"demo","get_balance":true,"team_notify":true}"#,
            methods: default_methods(),
            suspended: false,
            users: &[],
        },
        SandboxPartner {
            name: "Sandbox Distributor with a small balance",
            key_id: "1986",
            secret: "8c1f5e2b7d904a36b1e8f0c2d5a79346",
            settings: "{}",
            methods: default_methods(),
            suspended: false,
            users: &[],
        },
        SandboxPartner {
            name: "Suspended Sandbox Distributor",
            key_id: "1999",
            secret: "f3a9d0c47b6e82159c04e7d1a8b25f60",
            settings: "{}",
            methods: default_methods(),
            suspended: true,
            users: &[],
        },
    ]
}
