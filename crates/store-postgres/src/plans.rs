//! The plans of the queries that matter, in a database with few rows, where every plan looks cheap: each
//! uses the indexes that its comment names, and none reads a whole table.
//!
//! The sessions are those of the store, with their settings, so that what is planned here is what is
//! planned there, whatever the statistics say.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests are tests")]

use std::collections::BTreeSet;

use tokio_postgres::SimpleQueryMessage;
use tradewind_testkit::postgres::Postgres;

use crate::session::{Connector, Purpose, Session};
use crate::write::catalogue as write;
use crate::{Migrations, PostgresConfig, export, leases, list, load, pages, retention, verify};

/// The scans of a plan, in the words of EXPLAIN.
async fn scans(session: &Session, sql: &str) -> BTreeSet<String> {
    let values = session.client.prepare(sql).await.unwrap().params().len();
    let values = match values {
        0 => String::new(),
        _ => format!("({})", vec!["NULL"; values].join(", ")),
    };
    session.client.batch_execute(&format!("DEALLOCATE ALL; PREPARE plan AS {sql}")).await.unwrap();
    let plan =
        session.client.simple_query(&format!("EXPLAIN (COSTS OFF) EXECUTE plan{values}")).await.unwrap();
    let lines = plan.iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    let scan = |line: &str| {
        let line = line.trim_start().trim_start_matches("->").trim();
        let table = line.contains("Scan") && (line.contains(" using ") || line.starts_with("Seq Scan"));
        table.then(|| line.replace(" Backward", ""))
    };
    lines.filter_map(scan).collect()
}

/// `TABLE.INDEX` of an index scan, `TABLE: all` of one that reads the table.
fn words(scan: &str) -> String {
    let mut parts = scan.split_whitespace().skip_while(|word| *word != "using" && *word != "on");
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("using"), Some(index), Some("on"), Some(table)) => format!("{table}.{index}"),
        (Some("on"), Some(table), ..) => format!("{table}: all"),
        _ => scan.to_owned(),
    }
}

#[test]
fn queries_use_their_indexes() {
    let database = Postgres::shared().database();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        Migrations::new(PostgresConfig::new(database.url())).unwrap().apply().await.unwrap();
        // The migrations made rows to show them to the planner, and removed them; here such rows stay.
        let initial = include_str!("../migrations/0001_initial.sql");
        let tickets = include_str!("../migrations/0004_tickets.sql");
        for (migration, first) in [(initial, "INSERT INTO orders"), (tickets, "INSERT INTO partners")] {
            let (_, rows) = migration.split_once(first).unwrap();
            let (rows, _) = rows.split_once("ANALYZE").unwrap();
            database.sql(&format!("{first}{}", rows.replace("1000)", "200)")));
        }
        let connector = Connector::new(PostgresConfig::new(database.url())).unwrap();
        let mut wrong = Vec::new();
        for (purpose, cases) in [(Purpose::Lane, LANE), (Purpose::Read, READ), (Purpose::Verify, VERIFY)] {
            let session = connector.connect(purpose).await.unwrap();
            for (name, sql, expected) in cases {
                let found: BTreeSet<String> =
                    scans(&session, sql).await.iter().map(|scan| words(scan)).collect();
                let expected: BTreeSet<String> = expected.iter().map(|scan| (*scan).to_owned()).collect();
                if found != expected {
                    wrong.push(format!("{name}: {found:?}"));
                }
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

type Case = (&'static str, &'static str, &'static [&'static str]);

const LANE: &[Case] = &[
    (
        "load::LOCK_STREAMS",
        load::LOCK_STREAMS,
        &["orders.orders_number", "refunds.refunds_number", "streams.streams_pkey"],
    ),
    (
        "load::ORDERS_LOCKED",
        load::ORDERS_LOCKED,
        &["orders.orders_number", "orders.orders_pkey", "refunds.refunds_number"],
    ),
    (
        "load::PAYMENTS",
        load::PAYMENTS,
        &[
            "order_lines.order_lines_pkey",
            "orders.orders_number",
            "payments.payments_pkey",
            "refunds.refunds_number",
        ],
    ),
    (
        "load::REFUNDS",
        load::REFUNDS,
        &["orders.orders_number", "refunds.refunds_number", "refunds.refunds_pkey"],
    ),
    (
        "load::VOUCHERS_LOCKED",
        load::VOUCHERS_LOCKED,
        &[
            "orders.orders_number",
            "voucher_codes.vouchers_code",
            "vouchers.vouchers_number",
            "vouchers.vouchers_order",
            "vouchers.vouchers_pkey",
        ],
    ),
    (
        "load::REDEMPTIONS",
        load::REDEMPTIONS,
        &[
            "events.events_pkey",
            "redemptions.redemptions_pkey",
            "vouchers.vouchers_order",
            "vouchers.vouchers_pkey",
        ],
    ),
    ("load::PAST_ORDERS", load::PAST_ORDERS, &["past_orders.past_orders_pkey"]),
    ("load::PAST_REFUNDS", load::PAST_REFUNDS, &["past_refunds.past_refunds_pkey"]),
    ("load::TASKS_OF_LOCKED", load::TASKS_OF_LOCKED, &["tasks.tasks_pkey"]),
    ("load::TASKS_LOCKED", load::TASKS_LOCKED, &["tasks.tasks_pkey"]),
    ("load::PARTNERS", load::PARTNERS, &["partners.partners_pkey"]),
    ("load::ENDPOINTS", load::ENDPOINTS, &["endpoints.endpoints_pkey"]),
    ("load::STREAMS", load::STREAMS, &["streams.streams_pkey"]),
    ("load::EVENTS", load::EVENTS, &["events.events_pkey"]),
    ("load::KEY_IDS", load::KEY_IDS, &["credentials.credentials_pkey", "key_ids.key_ids_pkey"]),
    ("load::CREDENTIALS", load::CREDENTIALS, &["credentials.credentials_pkey"]),
    ("load::USERS", load::USERS, &["users.users_login"]),
    (
        "load::LOCK_STREAMS_OF_LISTENERS",
        load::LOCK_STREAMS_OF_LISTENERS,
        &["endpoints: all", "orders.orders_number", "refunds.refunds_number", "streams.streams_pkey"],
    ),
    ("load::LISTENING_ENDPOINTS", load::LISTENING_ENDPOINTS, &["endpoints.endpoints_pkey"]),
    (
        "load::LISTENING_PARTNERS",
        load::LISTENING_PARTNERS,
        &["endpoints.endpoints_pkey", "partners.partners_pkey"],
    ),
    (
        "load::LISTENING_STREAMS",
        load::LISTENING_STREAMS,
        &["endpoints.endpoints_pkey", "streams.streams_pkey"],
    ),
    ("write::UPDATE_PRODUCTS", write::UPDATE_PRODUCTS, &["products.products_id"]),
    ("write::UPDATE_SKUS", write::UPDATE_SKUS, &["skus.skus_product"]),
    ("write::UPDATE_STOCKS", write::UPDATE_STOCKS, &["stocks.stocks_sku"]),
    ("write::UPDATE_LINES", write::UPDATE_LINES, &["order_lines.order_lines_pkey"]),
    ("load::PRODUCTS", load::PRODUCTS, &["products.products_id", "skus.skus_id"]),
    ("load::SKUS", load::SKUS, &["products.products_id", "skus.skus_id", "skus.skus_product"]),
    ("load::SELLERS", load::SELLERS, &["partners.partners_pkey", "skus.skus_id"]),
    ("load::DEPOSITS", load::DEPOSITS, &["deposits.deposits_number"]),
    ("load::BALANCES_LOCKED", load::BALANCES_LOCKED, &["accounts.accounts_pkey"]),
    ("load::STOCKS_LOCKED", load::STOCKS_LOCKED, &["stocks.stocks_sku"]),
];

const READ: &[Case] = &[
    ("load::ORDERS", load::ORDERS, &["orders.orders_number", "orders.orders_pkey", "refunds.refunds_number"]),
    (
        "load::VOUCHERS",
        load::VOUCHERS,
        &[
            "orders.orders_number",
            "voucher_codes.vouchers_code",
            "vouchers.vouchers_number",
            "vouchers.vouchers_order",
            "vouchers.vouchers_pkey",
        ],
    ),
    ("load::TASKS", load::TASKS, &["tasks.tasks_pkey"]),
    ("leases::PENDING", leases::PENDING, &["tasks.tasks_due"]),
    ("leases::CANDIDATES", leases::CANDIDATES, &["tasks.tasks_due"]),
    ("leases::CLAIM", leases::CLAIM, &["tasks.tasks_pkey"]),
    ("leases::RELEASE", leases::RELEASE, &["tasks.tasks_pkey"]),
    (
        "pages::PAGE_ORDERS",
        pages::PAGE_ORDERS,
        &[
            "counts.counts_pkey",
            "order_lines.order_lines_pkey",
            "orders.orders_pkey",
            "payments.payments_pkey",
        ],
    ),
    (
        "pages::LOOK_AT_ORDERS",
        pages::LOOK_AT_ORDERS,
        &["order_lines.order_lines_pkey", "orders.orders_pkey", "payments.payments_pkey"],
    ),
    (
        "pages::LOOK_AT_NUMBER",
        pages::LOOK_AT_NUMBER,
        &[
            "order_lines.order_lines_pkey",
            "orders.orders_number",
            "orders.orders_pkey",
            "payments.payments_pkey",
        ],
    ),
    (
        "pages::PAGE_REDEMPTIONS",
        pages::PAGE_REDEMPTIONS,
        &["counts.counts_pkey", "redemptions.redemptions_by", "vouchers.vouchers_pkey"],
    ),
    (
        "pages::LOOK_AT_REDEMPTIONS",
        pages::LOOK_AT_REDEMPTIONS,
        &["redemptions.redemptions_pkey", "voucher_codes.vouchers_code", "vouchers.vouchers_pkey"],
    ),
    ("list::TRANSFERS", list::TRANSFERS, &["transfers.transfers_pkey"]),
    ("list::EVENTS_OF_ORDER", list::EVENTS_OF_ORDER, &["events.events_order"]),
    ("list::TASKS_OF_ORDER", list::TASKS_OF_ORDER, &["tasks.tasks_pkey"]),
    ("list::PARTNERS", list::PARTNERS, &["partners.partners_pkey"]),
    ("list::USERS", list::USERS, &["users.users_pkey"]),
    ("list::USERS_BY_LOGIN", list::USERS_BY_LOGIN, &["users.users_login"]),
    ("list::EVENTS_AFTER", list::EVENTS_AFTER, &["events.events_pkey"]),
    ("list::TASKS_PENDING", list::TASKS_PENDING, &["tasks.tasks_due"]),
    ("list::TASKS_ENDED", list::TASKS_ENDED, &["tasks.tasks_ended"]),
    ("list::FIND_TASK", list::FIND_TASK, &["tasks.tasks_due", "tasks.tasks_ended"]),
    ("list::TASKS", list::TASKS, &["tasks.tasks_pkey"]),
    ("list::FACT", list::FACT, &["facts.facts_pkey"]),
    ("list::FACTS", list::FACTS, &["facts.facts_pkey"]),
    ("load::TASKS_OF", load::TASKS_OF, &["tasks.tasks_pkey"]),
    ("retention::ORDERS_BETWEEN", retention::ORDERS_BETWEEN, &["orders.orders_pkey"]),
    ("export::PAST_ORDERS", export::PAST_ORDERS, &["past_orders.past_orders_pkey"]),
    ("export::PAST_REFUNDS", export::PAST_REFUNDS, &["past_refunds.past_refunds_pkey"]),
    ("load::BALANCES", load::BALANCES, &["accounts.accounts_pkey"]),
    ("load::STOCKS", load::STOCKS, &["stocks.stocks_sku"]),
    ("list::COUNT_SKUS", list::catalogue::COUNT_SKUS, &["products.products_id", "skus.skus_product"]),
    (
        "list::PAGE_SKUS",
        list::catalogue::PAGE_SKUS,
        &["products.products_id", "skus.skus_id", "skus.skus_product", "stocks.stocks_sku"],
    ),
    (
        "list::SKUS_ON_SALE",
        list::catalogue::SKUS_ON_SALE,
        &["products.products_id", "skus.skus_id", "stocks.stocks_sku"],
    ),
    ("list::STOCKS", list::catalogue::STOCKS, &["stocks.stocks_sku"]),
    ("list::PRODUCTS", list::catalogue::PRODUCTS, &["products.products_id"]),
    ("list::PRODUCTS_OF", list::catalogue::PRODUCTS_OF, &["products.products_pkey"]),
    ("list::SKUS_OF", list::catalogue::SKUS_OF, &["skus.skus_product"]),
    ("list::REDEMPTIONS_OF", list::purchases::REDEMPTIONS_OF, &["redemptions.redemptions_pkey"]),
    (
        "list::REDEMPTIONS_OF_ORDER",
        list::purchases::REDEMPTIONS_OF_ORDER,
        &["redemptions.redemptions_pkey", "vouchers.vouchers_order"],
    ),
    (
        "list::REFUNDS_UNDER_REVIEW",
        list::purchases::REFUNDS_UNDER_REVIEW,
        &["order_lines.order_lines_pkey", "orders.orders_pkey", "refunds.refunds_review"],
    ),
    ("list::DEPOSITS", list::purchases::DEPOSITS, &["deposits.deposits_pkey"]),
    ("list::BALANCES", list::purchases::BALANCES, &["accounts.accounts_pkey"]),
    ("retention::TASKS_ABOUT", retention::TASKS_ABOUT, &["tasks.tasks_pkey"]),
    ("export::ORDERS", export::ORDERS, &["order_lines.order_lines_pkey", "orders.orders_pkey"]),
    ("export::TASKS", export::TASKS, &["tasks.tasks_pkey"]),
    ("export::PRODUCTS", export::PRODUCTS, &["products.products_pkey"]),
    ("export::SKUS", export::SKUS, &["skus.skus_pkey"]),
    ("export::STOCKS", export::STOCKS, &["stocks.stocks_pkey"]),
    ("export::DEPOSITS", export::DEPOSITS, &["deposits.deposits_pkey"]),
];

const VERIFY: &[Case] = &[
    ("verify::ORDERS", verify::ORDERS, &["orders.orders_pkey"]),
    ("verify::PAYMENTS", verify::PAYMENTS, &["payments.payments_pkey"]),
    ("verify::REFUNDS", verify::REFUNDS, &["refunds.refunds_pkey"]),
    ("verify::TRANSFERS", verify::TRANSFERS, &["transfers.transfers_pkey"]),
    ("verify::EVENTS", verify::EVENTS, &["events.events_order"]),
    ("verify::TASKS", verify::TASKS, &["tasks.tasks_pkey"]),
    ("verify::COUNTS", verify::COUNTS, &["counts.counts_pkey"]),
    ("verify::ORDER_NUMBERS_TWICE", verify::ORDER_NUMBERS_TWICE, &["orders.orders_number"]),
    ("verify::REFUND_NUMBERS_TWICE", verify::REFUND_NUMBERS_TWICE, &["refunds.refunds_number"]),
    ("verify::VOUCHER_NUMBERS_TWICE", verify::VOUCHER_NUMBERS_TWICE, &["vouchers.vouchers_number"]),
    ("verify::DEPOSIT_NUMBERS_TWICE", verify::DEPOSIT_NUMBERS_TWICE, &["deposits.deposits_number"]),
    ("verify::LINES", verify::LINES, &["order_lines.order_lines_pkey"]),
    ("verify::BOUGHT", verify::BOUGHT, &["vouchers.vouchers_order"]),
    ("verify::REDEEMED", verify::REDEEMED, &["redemptions.redemptions_pkey", "vouchers.vouchers_order"]),
    ("verify::STOCKS", verify::catalogue::STOCKS, &["stocks.stocks_sku"]),
    ("verify::PRODUCTS", verify::catalogue::PRODUCTS, &["products.products_pkey"]),
    ("verify::SKUS", verify::catalogue::SKUS, &["products.products_id", "skus.skus_id"]),
];
