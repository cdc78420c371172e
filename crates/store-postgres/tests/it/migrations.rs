//! The schema comes about once, however many begin at the same time, and nothing else is served.

use tradewind_store_postgres::{Migrations, OpenError, PostgresConfig, PostgresStore};

use crate::support::{config, database, database_with_roles, run};

async fn refused(config: PostgresConfig) -> OpenError {
    match PostgresStore::open(config).await {
        Ok(_) => panic!("the database was opened"),
        Err(error) => error,
    }
}

#[test]
fn many_at_once_do_each_step_once() {
    run(async {
        let database = database();
        let url = database.url();
        let planned = Migrations::new(PostgresConfig::new(&url)).unwrap().plan().await.unwrap();
        assert_eq!((planned[0].number, planned[0].name.as_str()), (1, "initial"));
        assert!(planned[0].sql.contains("CREATE TABLE orders"));
        let begun = (0..8).map(|_| {
            let url = url.clone();
            tokio::spawn(
                async move { Migrations::new(PostgresConfig::new(url)).unwrap().apply().await.unwrap() },
            )
        });
        let begun: Vec<_> = begun.collect();
        let mut done = Vec::new();
        for one in begun {
            done.extend(one.await.unwrap());
        }
        done.sort_by_key(|step| step.number);
        let numbers = |steps: &[tradewind_store_postgres::Migration]| -> Vec<u32> {
            steps.iter().map(|step| step.number).collect()
        };
        assert_eq!(numbers(&done), numbers(&planned), "each once");
        let migrations = Migrations::new(PostgresConfig::new(&url)).unwrap();
        assert_eq!(migrations.plan().await.unwrap(), []);
        assert_eq!(migrations.apply().await.unwrap(), []);
        assert!(migrations.status().await.unwrap().iter().all(|step| step.applied_at_ms.is_some()));
        PostgresStore::open(PostgresConfig::new(&url)).await.unwrap();
    });
}

#[test]
fn only_the_schema_of_this_program_is_served() {
    run(async {
        let database = database();
        let plain = || PostgresConfig::new(database.url());
        assert!(matches!(refused(plain()).await, OpenError::OlderSchema { found: 0, .. }));
        PostgresStore::open(config(database.url())).await.unwrap();
        database.sql("INSERT INTO schema_migrations (number, name, checksum) VALUES (99, 'later', 1)");
        assert!(matches!(refused(plain()).await, OpenError::NewerSchema { found: 99, .. }));
        assert!(matches!(refused(config(database.url())).await, OpenError::NewerSchema { .. }));
        database.sql(
            "DELETE FROM schema_migrations WHERE number = 99; UPDATE schema_migrations SET checksum = 1",
        );
        assert!(matches!(refused(plain()).await, OpenError::MigrationChanged { number: 1, .. }));
        let nowhere = PostgresConfig::new("postgres://nobody@127.0.0.1:1/nothing");
        assert!(matches!(refused(nowhere).await, OpenError::Unavailable(_)));
    });
}

/// That it can do all else is shown by the contract suite, which runs in this role.
#[test]
fn the_runtime_role_changes_neither_the_schema_nor_the_ledger() {
    run(async {
        let database = database_with_roles().await;
        let runtime = crate::support::connect(&database.url_as("tradewind_runtime")).await;
        for sql in [
            "CREATE TABLE mine (x int)",
            "ALTER TABLE orders ADD COLUMN mine int",
            "DROP TABLE orders",
            "CREATE INDEX mine ON orders (amount)",
            "TRUNCATE tasks",
            "DELETE FROM past_orders",
            "UPDATE past_orders SET number = ''",
            "DELETE FROM past_refunds",
            "UPDATE past_refunds SET number = ''",
            "UPDATE transfers SET amount = 0",
            "DELETE FROM transfers",
            "UPDATE events SET at = 0",
            "DELETE FROM vouchers",
            "DELETE FROM redemptions",
            "UPDATE voucher_codes SET partner = 1",
            "DELETE FROM products",
            "DELETE FROM skus",
            "DELETE FROM stocks",
            "DELETE FROM order_lines",
            "UPDATE deposits SET amount = 0",
            "DELETE FROM deposits",
            "DELETE FROM accounts",
            "INSERT INTO nodes (number) VALUES (1)",
            "DELETE FROM schema_migrations",
            "ALTER ROLE tradewind_runtime SUPERUSER",
            "SET ROLE tradewind_migrator",
        ] {
            let error = runtime.batch_execute(sql).await.unwrap_err();
            let code = error.code().map(|code| code.code().to_owned());
            assert_eq!(code.as_deref(), Some("42501"), "{sql}: {error:?}");
        }
    });
}

/// Redemptions tell how much had been used with them; those that are there learn it from one another.
#[test]
fn what_was_redeemed_before_purchases_counts_on() {
    let database = database();
    for before in [
        include_str!("../../migrations/0001_initial.sql"),
        include_str!("../../migrations/0002_past_orders.sql"),
        include_str!("../../migrations/0003_counts.sql"),
    ] {
        database.sql(before);
    }
    database.sql(
        "INSERT INTO vouchers (partner, id, dialect, number, fingerprint, code, subject, ordered, used, state) \
         VALUES (1, 10, '', 'a', 0, 1, '', 7, 6, 0), (1, 11, '', 'b', 0, 2, '', 2, 2, 0); \
         INSERT INTO redemptions (partner, voucher, id, by_partner, device, count) \
         VALUES (1, 10, 100, 1, '', 1), (1, 11, 101, 1, '', 2), (1, 10, 102, 1, '', 2), (1, 10, 103, 1, '', 3)",
    );
    database.sql(include_str!("../../migrations/0004_tickets.sql"));
    let found =
        database.sql("SELECT voucher, id, used_so_far, left_over FROM redemptions ORDER BY voucher, id");
    assert_eq!(found.trim(), "10|100|1|6\n10|102|3|4\n10|103|6|1\n11|101|2|0");
    let vouchers = database.sql("SELECT refunded, locked, order_id IS NULL FROM vouchers WHERE ordered = 7");
    assert_eq!(vouchers.trim(), "0|0|t");
}
