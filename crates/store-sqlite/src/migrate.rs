//! Forward-only migrations: numbered SQL files, each run in one transaction together with the row
//! that remembers it, so that an interruption at any moment leaves either the whole step or nothing.

use rusqlite::{Connection, TransactionBehavior};

use crate::error::OpenError;

/// A step of the schema.
pub(crate) struct Migration {
    pub(crate) name: &'static str,
    pub(crate) sql: &'static str,
}

/// All steps; the number of a step is its place, from 1. What has been released is never edited.
pub(crate) const MIGRATIONS: &[Migration] = &[
    Migration { name: "initial", sql: include_str!("../migrations/0001_initial.sql") },
    Migration { name: "vouchers", sql: include_str!("../migrations/0002_vouchers.sql") },
    Migration { name: "past_orders", sql: include_str!("../migrations/0003_past_orders.sql") },
    Migration { name: "counts", sql: include_str!("../migrations/0004_counts.sql") },
    Migration { name: "tickets", sql: include_str!("../migrations/0005_tickets.sql") },
];

/// `TWND`: tells this program's databases from others.
pub(crate) const APPLICATION_ID: i32 = 0x5457_4e44;

const CREATE: &str = "CREATE TABLE IF NOT EXISTS migrations (
    number      INTEGER PRIMARY KEY,
    name        TEXT    NOT NULL,
    checksum    INTEGER NOT NULL
) STRICT";

/// A step of the schema, and whether a database has run it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemaStep {
    /// Its place, from 1.
    pub number: u32,
    /// What it is called.
    pub name: &'static str,
    /// What it runs, in one transaction.
    pub sql: &'static str,
    /// It has been run.
    pub done: bool,
}

/// Brings the schema up to date.
pub(crate) fn migrate(connection: &mut Connection, migrations: &[Migration]) -> Result<(), OpenError> {
    for step in steps(connection, migrations)?.into_iter().filter(|step| !step.done) {
        run(connection, step).map_err(|source| failed(step.number, step.name, source))?;
    }
    Ok(())
}

/// All steps, after a look at what the database says it has run.
pub(crate) fn steps(connection: &Connection, migrations: &[Migration]) -> Result<Vec<SchemaStep>, OpenError> {
    let known = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
    let found = version(connection).map_err(|source| failed(0, "version", source))?;
    if found > known {
        return Err(OpenError::NewerSchema { found, known });
    }
    let mut steps = Vec::new();
    for (number, migration) in (1..).zip(migrations) {
        if number <= found {
            check_unchanged(connection, number, migration)?;
        }
        let Migration { name, sql } = *migration;
        steps.push(SchemaStep { number, name, sql, done: number <= found });
    }
    Ok(steps)
}

fn version(connection: &Connection) -> rusqlite::Result<u32> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn check_unchanged(connection: &Connection, number: u32, migration: &Migration) -> Result<(), OpenError> {
    let recorded = connection
        .query_row("SELECT checksum FROM migrations WHERE number = ?1", [number], |row| row.get::<_, i64>(0))
        .map_err(|source| failed(number, migration.name, source))?;
    if recorded == checksum(migration.sql) {
        return Ok(());
    }
    Err(OpenError::MigrationChanged { number, name: migration.name.to_owned() })
}

fn run(connection: &mut Connection, step: SchemaStep) -> rusqlite::Result<()> {
    let SchemaStep { number, name, sql, .. } = step;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(CREATE)?;
    transaction.execute_batch(sql)?;
    transaction.execute(
        "INSERT INTO migrations (number, name, checksum) VALUES (?1, ?2, ?3)",
        (number, name, checksum(sql)),
    )?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", number)?;
    transaction.commit()
}

fn failed(number: u32, name: &str, source: rusqlite::Error) -> OpenError {
    OpenError::Migration { number, name: name.to_owned(), source }
}

/// FNV-1a over 64 bits: it only has to notice an edit.
fn checksum(sql: &str) -> i64 {
    let hash = sql.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash.cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Migration = Migration { name: "one", sql: "CREATE TABLE one (x INTEGER) STRICT;" };
    const TWO: Migration = Migration { name: "two", sql: "CREATE TABLE two (x INTEGER) STRICT;" };
    const BROKEN: Migration =
        Migration { name: "two", sql: "CREATE TABLE two (x INTEGER) STRICT; no such thing;" };

    fn tables(connection: &Connection) -> Vec<String> {
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name";
        let mut names = connection.prepare(sql).unwrap();
        names.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
    }

    fn schema(connection: &Connection) -> Vec<String> {
        let mut sql = connection.prepare("SELECT sql FROM sqlite_schema ORDER BY name").unwrap();
        sql.query_map([], |row| row.get::<_, Option<String>>(0))
            .unwrap()
            .map(|text| text.unwrap().unwrap_or_default())
            .collect()
    }

    #[test]
    fn a_step_that_fails_leaves_the_steps_before_it_and_can_be_run_again() {
        let mut connection = Connection::open_in_memory().unwrap();
        let error = migrate(&mut connection, &[ONE, BROKEN]).unwrap_err();
        assert!(matches!(error, OpenError::Migration { number: 2, .. }), "{error}");
        assert_eq!(tables(&connection), ["migrations", "one"]);
        assert_eq!(version(&connection).unwrap(), 1);
        migrate(&mut connection, &[ONE, TWO]).unwrap();
        migrate(&mut connection, &[ONE, TWO]).unwrap();
        assert_eq!(tables(&connection), ["migrations", "one", "two"]);
    }

    #[test]
    fn step_by_step_ends_in_the_same_schema_as_all_at_once() {
        let mut at_once = Connection::open_in_memory().unwrap();
        migrate(&mut at_once, MIGRATIONS).unwrap();
        let mut stepwise = Connection::open_in_memory().unwrap();
        for steps in 1..=MIGRATIONS.len() {
            migrate(&mut stepwise, &MIGRATIONS[..steps]).unwrap();
        }
        assert_eq!(schema(&at_once), schema(&stepwise));
    }

    /// The second step moves the events to a table with room for more kinds.
    #[test]
    fn events_survive_their_move() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &MIGRATIONS[..1]).unwrap();
        let row = "INSERT INTO events (partner, number, kind, order_id, refund, at)";
        connection
            .execute_batch(&format!("{row} VALUES (1, 1, 4, 7, 8, 9), (1, 2, 0, 7, NULL, 10)"))
            .unwrap();
        assert!(connection.execute(&format!("{row} VALUES (1, 3, 5, -1, NULL, 11)"), []).is_err());
        migrate(&mut connection, MIGRATIONS).unwrap();
        let sql = "SELECT number, kind, order_id, ifnull(refund, -1), redemption IS NULL, at FROM events ORDER BY number";
        let mut kept = connection.prepare(sql).unwrap();
        let kept = kept.query_map([], |row| (0..6).map(|column| row.get(column)).collect()).unwrap();
        let kept: Vec<Vec<i64>> = kept.collect::<Result<_, _>>().unwrap();
        assert_eq!(kept, [[1, 4, 7, 8, 1, 9], [2, 0, 7, -1, 1, 10]]);
        connection.execute(&format!("{row} VALUES (1, 3, 5, -1, NULL, 11)"), []).unwrap();
    }

    /// The step with the tickets moves every table whose numbers have more variants from then on, and counts what
    /// redemptions did not take down before.
    #[test]
    fn rows_survive_the_move_to_wider_tables() {
        let mut connection = Connection::open_in_memory().unwrap();
        let before = MIGRATIONS.iter().position(|step| step.name == "tickets").unwrap();
        migrate(&mut connection, &MIGRATIONS[..before]).unwrap();
        connection
            .execute_batch(
                "INSERT INTO partners VALUES (1, 'n', 0, '[]', 2, '{}', 3);
                 INSERT INTO payments VALUES (7, 8, 1, 'c', 'alipay', 3, 5, 10, 'CNY', 'a', 'b', 'd', '[]', 'e', 11, 12);
                 INSERT INTO refunds VALUES (7, 9, 1, 'R', 13, 2, 4, 14, 'CNY', 's', 'o', 'c', '[]', 'r', 15, 16, 17);
                 INSERT INTO transfers VALUES (7, 18, 1, 'fees', 'payable', 19, 'CNY', 3, 20, 3, 21);
                 INSERT INTO events VALUES (1, 22, 5, -23, 24, 25, 26);
                 INSERT INTO tasks VALUES (7, 27, 1, 2, 28, 29, 3, 30, 31, 32, 'l');
                 INSERT INTO vouchers VALUES (23, 1, 'd', 'V', 33, 34, 's', 10, 6, 0, 35, 36, '[]', 'u', 'x');
                 INSERT INTO redemptions VALUES (23, 25, 1, 2, 'gate', 4), (23, 26, 1, 3, 'gate', 2), (99, 25, 1, 2, '', 5);
                 INSERT INTO past_orders VALUES (1, 'P', 37, 38, 'CNY', 39, 40, 41, 42);
                 INSERT INTO past_refunds VALUES (1, 'Q', 37, 43, 44);
                 INSERT INTO counts VALUES (3, 0, 2, 'gate', 1), (3, 0, 3, 'gate', 1);",
            )
            .unwrap();
        let refused = [
            "UPDATE payments SET flow = 4",
            "UPDATE refunds SET kind = 3",
            "UPDATE transfers SET purpose = 4",
            "UPDATE events SET kind = 8",
            "UPDATE tasks SET kind = 5",
        ];
        for update in refused {
            assert!(connection.execute(update, []).is_err(), "{update}");
        }
        migrate(&mut connection, MIGRATIONS).unwrap();
        let check = |table: &str, expected: &[&str]| {
            let mut rows = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
            let columns = rows.column_count();
            let text = |row: &rusqlite::Row<'_>| {
                let values = (0..columns).map(|column| row.get::<_, rusqlite::types::Value>(column));
                let words = values.map(|value| match value.unwrap() {
                    rusqlite::types::Value::Null => "-".to_owned(),
                    rusqlite::types::Value::Integer(number) => number.to_string(),
                    rusqlite::types::Value::Text(text) => text,
                    other => panic!("{other:?} in {table}"),
                });
                Ok(words.collect::<Vec<_>>().join(" "))
            };
            let found: Vec<String> = rows.query_map([], text).unwrap().map(Result::unwrap).collect();
            assert_eq!(found, expected, "{table}");
        };
        check("partners", &["1 n 0 [] 2 {} 3 0 CNY"]);
        check("payments", &["7 8 1 c alipay 3 5 10 CNY a b d [] e 11 12"]);
        check("refunds", &["7 9 1 R 13 2 4 14 CNY s o c [] r 15 16 17 0 0"]);
        check("transfers", &["7 18 1 fees payable 19 CNY 3 20 3 21"]);
        check("events", &["1 22 5 -23 24 25 26"]);
        check("tasks", &["7 27 1 2 28 29 3 30 31 32 l"]);
        check("vouchers", &["23 1 d V 33 34 s 10 6 0 35 36 [] u x 0 0 - - -"]);
        check("past_orders", &["1 P 37 38 CNY 39 40 41 42"]);
        check("past_refunds", &["1 Q 37 43 44"]);
        check("counts", &["3 0 2 gate 1", "3 0 3 gate 1"]);
        check("redemptions", &["23 25 1 2 gate 4 4 6", "23 26 1 3 gate 2 6 4", "99 25 1 2  5 5 0"]);
        for update in refused {
            connection.execute(update, []).unwrap();
        }
    }

    #[test]
    fn a_changed_step_and_a_newer_schema_are_refused() {
        let mut connection = Connection::open_in_memory().unwrap();
        migrate(&mut connection, &[ONE, TWO]).unwrap();
        let edited = Migration { name: "one", sql: "CREATE TABLE one (x INTEGER, y INTEGER) STRICT;" };
        let error = migrate(&mut connection, &[edited, TWO]).unwrap_err();
        assert!(matches!(error, OpenError::MigrationChanged { number: 1, .. }), "{error}");
        let error = migrate(&mut connection, &[ONE]).unwrap_err();
        assert!(matches!(error, OpenError::NewerSchema { found: 2, known: 1 }), "{error}");
    }
}
