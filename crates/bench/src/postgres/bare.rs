//! The bare database: four small rows per request, written as arrays over one connection.
//!
//! This is the ceiling of the batch path on PostgreSQL. There is no protocol, no signature, no
//! decision and no reading before the writing; one transaction per batch, one statement per table.

use super::sql::open;
use anyhow::Context;
use std::time::{Duration, Instant};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};

/// Rows written for each request, one in each table.
pub(crate) const ROWS_PER_REQUEST: u64 = 4;

const TABLES: &str = "
    CREATE TABLE bare_orders (partner int8, id int8, number text NOT NULL, amount int8 NOT NULL,
        stage int2 NOT NULL, PRIMARY KEY (partner, id));
    CREATE UNIQUE INDEX bare_orders_number ON bare_orders (partner, number);
    CREATE TABLE bare_payments (partner int8, order_id int8, id int8, state int2 NOT NULL,
        amount int8 NOT NULL, PRIMARY KEY (partner, order_id, id));
    CREATE TABLE bare_events (partner int8, number int8, order_id int8 NOT NULL, at int8 NOT NULL,
        PRIMARY KEY (partner, number));
    CREATE TABLE bare_tasks (partner int8, order_id int8, id int8, due_at int8 NOT NULL,
        PRIMARY KEY (partner, order_id, id));";

const ORDERS: &str = "INSERT INTO bare_orders SELECT * FROM
    UNNEST($1::int8[], $2::int8[], $3::text[], $4::int8[], $5::int2[])";
const PAYMENTS: &str = "INSERT INTO bare_payments SELECT * FROM
    UNNEST($1::int8[], $2::int8[], $3::int8[], $4::int2[], $5::int8[])";
const EVENTS: &str = "INSERT INTO bare_events SELECT * FROM
    UNNEST($1::int8[], $2::int8[], $3::int8[], $4::int8[])";
const TASKS: &str = "INSERT INTO bare_tasks SELECT * FROM
    UNNEST($1::int8[], $2::int8[], $3::int8[], $4::int8[])";

/// Makes the tables.
pub(crate) fn prepare(url: &str) -> anyhow::Result<()> {
    super::sql::Sql::connect(url)?.run(TABLES)
}

/// Requests per second with `batch` requests in each transaction. `first` is beyond every number used
/// before in these tables; the first number not used is returned beside the rate.
pub(crate) fn measure(url: &str, batch: usize, seconds: f64, first: i64) -> anyhow::Result<(f64, i64)> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("could not start a runtime")?;
    runtime.block_on(async {
        let client = open(url).await?;
        let writer = Writer::prepare(&client).await?;
        let limit = Duration::try_from_secs_f64(seconds).context("no number of seconds")?;
        let begun_at = Instant::now();
        let mut next = first;
        while begun_at.elapsed() < limit {
            next = writer.batch(next, batch).await.context("the array inserts failed")?;
        }
        let rate = (next - first) as f64 / begun_at.elapsed().as_secs_f64();
        Ok((rate, next))
    })
}

struct Writer<'a> {
    client: &'a Client,
    orders: Statement,
    payments: Statement,
    events: Statement,
    tasks: Statement,
}

impl<'a> Writer<'a> {
    async fn prepare(client: &'a Client) -> Result<Self, tokio_postgres::Error> {
        Ok(Self {
            client,
            orders: client.prepare(ORDERS).await?,
            payments: client.prepare(PAYMENTS).await?,
            events: client.prepare(EVENTS).await?,
            tasks: client.prepare(TASKS).await?,
        })
    }

    /// Writes one transaction and returns the next free number.
    async fn batch(&self, first: i64, count: usize) -> Result<i64, tokio_postgres::Error> {
        let next = first + i64::try_from(count).unwrap_or(i64::MAX);
        let ids: Vec<i64> = (first..next).collect();
        // Thirty-two partners, as in the measurement of the gateway.
        let partners: Vec<i64> = ids.iter().map(|id| id % 32).collect();
        let numbers: Vec<String> = ids.iter().map(|id| format!("B{id:020}")).collect();
        let amounts = vec![158_000_000_i64; count];
        let states = vec![0_i16; count];
        type Values<'a> = &'a [&'a (dyn ToSql + Sync)];
        let orders: Values<'_> = &[&partners, &ids, &numbers, &amounts, &states];
        let payments: Values<'_> = &[&partners, &ids, &ids, &states, &amounts];
        let others: Values<'_> = &[&partners, &ids, &ids, &ids];
        // Polled together, so that all of it leaves in one write and the answers come in one read.
        tokio::try_join!(
            self.client.batch_execute("BEGIN"),
            self.client.execute(&self.orders, orders),
            self.client.execute(&self.payments, payments),
            self.client.execute(&self.events, others),
            self.client.execute(&self.tasks, others),
            self.client.batch_execute("COMMIT"),
        )?;
        Ok(next)
    }
}
