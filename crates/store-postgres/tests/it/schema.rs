//! What makes the tables fit to be spread over several servers.

use crate::support::{config, database, run};
use tradewind_store_postgres::PostgresStore;

/// Small, seldom written, and kept whole on every server of a distributed database.
const REFERENCE_TABLES: &[&str] = &["facts", "nodes", "schema_lock", "schema_migrations"];

/// Found by what somebody shows before it is known whose it is, and spread by that.
const DIRECTORIES: &[&str] = &["key_ids", "voucher_codes"];

#[test]
fn every_key_leads_with_the_partner_and_there_are_no_sequences() {
    let database = database();
    run(async { PostgresStore::open(config(database.url())).await.map(drop).unwrap() });
    let tables = database
        .sql("SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace");
    let keys = database.sql(
        "SELECT t.relname, i.relname, a.attname FROM pg_index x \
         JOIN pg_class t ON t.oid = x.indrelid JOIN pg_class i ON i.oid = x.indexrelid \
         JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = x.indkey[0] \
         WHERE x.indisunique AND t.relnamespace = 'public'::regnamespace ORDER BY 1, 2",
    );
    let mut with_key = std::collections::BTreeSet::new();
    for line in keys.lines() {
        let [table, index, first] = <[&str; 3]>::try_from(line.split('|').collect::<Vec<_>>()).unwrap();
        with_key.insert(table);
        if REFERENCE_TABLES.contains(&table) || DIRECTORIES.contains(&table) {
            continue;
        }
        let partner = if table == "partners" { "id" } else { "partner" };
        assert_eq!(first, partner, "index {index} of {table} leads with {first}");
    }
    assert_eq!(with_key, tables.lines().collect(), "every table has a key");
    for table in REFERENCE_TABLES.iter().chain(DIRECTORIES) {
        assert!(with_key.contains(table), "{table} is gone");
    }
    let sequences = database.sql("SELECT relname FROM pg_class WHERE relkind = 'S'");
    assert_eq!(sequences, "", "a sequence is a bottleneck of a distributed database");
    let references = database.sql(
        "SELECT conrelid::regclass || ' ' || confrelid::regclass FROM pg_constraint WHERE contype = 'f' \
         AND confrelid <> 'partners'::regclass",
    );
    assert_eq!(references, "", "only a row of the same partner may be referred to");
}
