//! Forward-only migrations: numbered SQL files, each run in one transaction together with the row
//! that remembers it, so that an interruption at any moment leaves either the whole step or nothing.
//!
//! Several processes may start at once: each step holds the lock of the one row of `schema_lock` and
//! looks again, under it, whether the step is still to be done.

use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, GenericClient};

use crate::config::PostgresConfig;
use crate::error::{OpenError, describe};
use crate::session::{Connector, Purpose};

/// A step of the schema.
#[derive(Clone, Copy)]
struct Step {
    name: &'static str,
    sql: &'static str,
}

/// All steps; the number of a step is its place, from 1. What has been released is never edited.
const STEPS: &[Step] = &[
    Step { name: "initial", sql: include_str!("../migrations/0001_initial.sql") },
    Step { name: "past_orders", sql: include_str!("../migrations/0002_past_orders.sql") },
    Step { name: "counts", sql: include_str!("../migrations/0003_counts.sql") },
    Step { name: "tickets", sql: include_str!("../migrations/0004_tickets.sql") },
];

/// What the runtime's role may do; see migrations/roles.sql.
const GRANTS: &str = include_str!("../migrations/grants.sql");

/// How often the first tables are tried for, when several processes make them at the same moment.
const BEGINNINGS_MAX: u32 = 10;

const BEGIN: &str = "
CREATE TABLE IF NOT EXISTS schema_migrations (
    number      integer     PRIMARY KEY,
    name        text        NOT NULL,
    checksum    bigint      NOT NULL,
    applied_at  timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS schema_lock (held boolean PRIMARY KEY CHECK (held));
INSERT INTO schema_lock VALUES (true) ON CONFLICT DO NOTHING;
";

/// One process at a time changes anything.
const LOCK: &str = "SELECT held FROM schema_lock FOR UPDATE";

/// The steps of the schema, and what a database has of them.
pub struct Migrations {
    connector: Connector,
    steps: &'static [Step],
}

/// A step and whether it was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Its number, from 1.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// What it does. Empty for one that only a newer program knows.
    pub sql: &'static str,
    /// When it was done, in milliseconds since 1970 by the database's clock.
    pub applied_at_ms: Option<i64>,
}

impl Migrations {
    /// The migrations of the database of `config`; the role has to be the owner of the tables.
    pub fn new(config: PostgresConfig) -> Result<Migrations, OpenError> {
        Ok(Migrations { connector: Connector::new(config)?, steps: STEPS })
    }

    /// Every step, done or not, in order.
    pub async fn status(&self) -> Result<Vec<Migration>, OpenError> {
        let client = self.connect().await?;
        status(&client, self.steps).await
    }

    /// The steps that are to be done, in order. Changes nothing.
    pub async fn plan(&self) -> Result<Vec<Migration>, OpenError> {
        let mut steps = self.status().await?;
        check(&steps, self.steps)?;
        steps.retain(|step| step.applied_at_ms.is_none());
        Ok(steps)
    }

    /// Does what is to be done and returns the steps that were done here; another process may be doing
    /// them at the same time. What it did before a failure stays.
    pub async fn apply(&self) -> Result<Vec<Migration>, OpenError> {
        let mut client = self.connect().await?;
        begin(&client).await?;
        check(&status(&client, self.steps).await?, self.steps)?;
        let mut done = Vec::new();
        for (number, step) in (1..).zip(self.steps) {
            let failed = |error: Error| OpenError::Migration {
                number,
                name: step.name.to_owned(),
                reason: describe(&error),
            };
            if run(&mut client, number, step).await.map_err(failed)? {
                let known = status(&client, self.steps).await?;
                done.extend(known.into_iter().find(|known| known.number == number));
            }
        }
        grant(&mut client).await.map_err(|error| OpenError::unavailable(&error))?;
        Ok(done)
    }

    async fn connect(&self) -> Result<Client, OpenError> {
        let session = self.connector.connect(Purpose::Migrate).await;
        session.map(|session| session.client).map_err(OpenError::Unavailable)
    }
}

/// Refuses a schema that this program was not made for.
pub(crate) async fn check_current(client: &Client) -> Result<(), OpenError> {
    let steps = status(client, STEPS).await?;
    check(&steps, STEPS)?;
    match steps.iter().find(|step| step.applied_at_ms.is_none()) {
        None => Ok(()),
        Some(step) => Err(OpenError::OlderSchema {
            found: step.number - 1,
            needed: u32::try_from(STEPS.len()).unwrap_or(u32::MAX),
        }),
    }
}

/// Two processes that create a table at the same moment may meet in the catalogue; the one that comes
/// second finds the table when it tries again.
async fn begin(client: &Client) -> Result<(), OpenError> {
    let mut tries = 0;
    loop {
        match client.batch_execute(BEGIN).await {
            Ok(()) => return Ok(()),
            Err(error) => {
                tries += 1;
                let met = error.code().is_some_and(|code| {
                    *code == SqlState::UNIQUE_VIOLATION
                        || *code == SqlState::DUPLICATE_TABLE
                        || *code == SqlState::DUPLICATE_OBJECT
                });
                if !met || tries == BEGINNINGS_MAX {
                    return Err(OpenError::unavailable(&error));
                }
            }
        }
    }
}

async fn run(client: &mut Client, number: u32, step: &Step) -> Result<bool, Error> {
    let transaction = client.transaction().await?;
    transaction.query_one(LOCK, &[]).await?;
    let number = i64::from(number);
    let known =
        transaction.query("SELECT 1 FROM schema_migrations WHERE number = $1::bigint", &[&number]).await?;
    if !known.is_empty() {
        return Ok(false);
    }
    transaction.batch_execute(step.sql).await?;
    let remember = "INSERT INTO schema_migrations (number, name, checksum) VALUES ($1::bigint, $2, $3)";
    transaction.execute(remember, &[&number, &step.name, &checksum(step.sql)]).await?;
    transaction.commit().await?;
    Ok(true)
}

/// Gives the runtime's role its rights, where there is such a role.
async fn grant(client: &mut Client) -> Result<(), Error> {
    let transaction = client.transaction().await?;
    transaction.query_one(LOCK, &[]).await?;
    let role = transaction.query("SELECT FROM pg_roles WHERE rolname = 'tradewind_runtime'", &[]).await?;
    if role.is_empty() {
        return Ok(());
    }
    transaction.batch_execute(GRANTS).await?;
    transaction.commit().await
}

async fn status(client: &impl GenericClient, steps: &[Step]) -> Result<Vec<Migration>, OpenError> {
    let failed = |error: Error| OpenError::unavailable(&error);
    let there = client
        .query_one("SELECT to_regclass('schema_migrations') IS NOT NULL", &[])
        .await
        .and_then(|row| row.try_get::<_, bool>(0))
        .map_err(failed)?;
    let known = |(number, step): (u32, &Step)| Migration {
        number,
        name: step.name.to_owned(),
        sql: step.sql,
        applied_at_ms: None,
    };
    let mut all: Vec<Migration> = (1..).zip(steps).map(known).collect();
    if !there {
        return Ok(all);
    }
    let applied = "SELECT number::bigint, name, checksum, \
         (extract(epoch FROM applied_at) * 1000)::bigint FROM schema_migrations ORDER BY number";
    for row in client.query(applied, &[]).await.map_err(failed)? {
        let number: i64 = row.try_get(0).map_err(failed)?;
        let name: String = row.try_get(1).map_err(failed)?;
        let recorded: i64 = row.try_get(2).map_err(failed)?;
        let applied_at_ms = Some(row.try_get(3).map_err(failed)?);
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        match all.iter_mut().find(|step| step.number == number) {
            Some(step) if checksum(step.sql) == recorded => step.applied_at_ms = applied_at_ms,
            Some(_) => return Err(OpenError::MigrationChanged { number, name }),
            None => all.push(Migration { number, name, sql: "", applied_at_ms }),
        }
    }
    Ok(all)
}

fn check(found: &[Migration], steps: &[Step]) -> Result<(), OpenError> {
    let known = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    match found.iter().map(|step| step.number).max() {
        Some(newest) if newest > known => Err(OpenError::NewerSchema { found: newest, known }),
        _ => Ok(()),
    }
}

/// FNV-1a over 64 bits: it only has to notice an edit.
fn checksum(sql: &str) -> i64 {
    let hash = sql.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash.cast_signed()
}
