//! A connection with its prepared statements, and flights: statements that travel together.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{AsyncMessage, Client, Config, Error, Row, Statement};

use crate::config::{PostgresConfig, parse};
use crate::error::{OpenError, describe};
use crate::tls::Tls;

/// How connections are made.
pub(crate) struct Connector {
    driver: Config,
    tls: Tls,
    pub(crate) config: PostgresConfig,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Loads and commits.
    Lane,
    /// Reads, and leases on tasks. A lease that a crash forgets costs a second delivery at most, so it
    /// does not wait for the disk.
    Read,
    /// Reads everything from one snapshot, for as long as it takes.
    Verify,
    /// Changes the schema.
    Migrate,
}

/// An open connection.
pub(crate) struct Session {
    pub(crate) client: Client,
    statements: HashMap<&'static str, Statement>,
    /// The server has warned since this was last looked at.
    warned: Arc<AtomicBool>,
    /// When the plans of its statements were thrown away last, and for how long they are kept.
    planned: Instant,
    plans_kept: Duration,
    /// Which process of the server serves it.
    pub(crate) backend: Backend,
}

/// A process of the server: its number, and since when, because numbers come again.
#[derive(Clone, Debug)]
pub(crate) struct Backend {
    pub(crate) pid: i32,
    pub(crate) since: String,
}

/// A plan that was made while a table was empty knows no good index from a bad one, so plans are made
/// anew: soon at first, then twice as late each time, and never later than [`PLANS_KEPT_MAX`].
const PLANS_KEPT_MIN: Duration = Duration::from_millis(50);
const PLANS_KEPT_MAX: Duration = Duration::from_secs(60);

const BACKEND: &str = "SELECT pid, backend_start::text FROM pg_stat_activity WHERE pid = pg_backend_pid()";

impl Connector {
    pub(crate) fn new(config: PostgresConfig) -> Result<Connector, OpenError> {
        let (driver, protection) = parse(&config)?;
        Ok(Connector { driver, tls: Tls::new(&protection)?, config })
    }

    /// Opens a connection within the bound for it. Fails with words for whoever runs the gateway.
    pub(crate) async fn connect(&self, purpose: Purpose) -> Result<Session, String> {
        // A server may take the connection and then say nothing.
        match timeout(self.config.connect_wait_max, self.open(purpose)).await {
            Ok(opened) => opened.map_err(|error| describe(&error)),
            Err(_) => Err("the database did not let us in in time".into()),
        }
    }

    async fn open(&self, purpose: Purpose) -> Result<Session, Error> {
        let mut driver = self.driver.clone();
        let asked = driver.get_options().unwrap_or("").to_owned();
        driver.options(format!("{} {asked}", self.options(purpose)));
        let (client, mut connection) = driver.connect(self.tls.clone()).await?;
        let warned = Arc::new(AtomicBool::new(false));
        let hears = Arc::clone(&warned);
        tokio::spawn(async move {
            while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
                match message {
                    Ok(AsyncMessage::Notice(notice)) => {
                        if *notice.code() == SqlState::WARNING {
                            hears.store(true, Ordering::Release);
                        }
                        tracing::debug!(
                            code = notice.code().code(),
                            "the database says: {}",
                            notice.message()
                        );
                    }
                    Ok(_) => {}
                    Err(_) => return,
                }
            }
        });
        let row = client.query_one(BACKEND, &[]).await?;
        let backend = Backend { pid: row.try_get(0)?, since: row.try_get(1)? };
        Ok(Session {
            client,
            statements: HashMap::new(),
            warned,
            planned: Instant::now(),
            plans_kept: PLANS_KEPT_MIN,
            backend,
        })
    }

    /// Every statement here looks rows up by their keys, or walks an index in its order: so plans are
    /// general, and the ways that read whole tables are ruled out where another exists.
    fn options(&self, purpose: Purpose) -> String {
        let ms = |wait: Duration| wait.as_millis();
        let config = &self.config;
        let common = "-c jit=off -c client_min_messages=warning -c idle_in_transaction_session_timeout=15000";
        let plans = "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off \
                     -c enable_mergejoin=off -c enable_bitmapscan=off -c enable_material=off -c enable_memoize=off \
                     -c max_parallel_workers_per_gather=0";
        let waits = format!(
            "-c statement_timeout={} -c lock_timeout={}",
            ms(config.statement_wait_max),
            ms(config.lock_wait_max)
        );
        match purpose {
            Purpose::Lane => format!("{common} {plans} {waits} -c synchronous_commit=on"),
            Purpose::Read => format!("{common} {plans} {waits} -c synchronous_commit=off"),
            Purpose::Verify => {
                format!(
                    "{common} -c enable_seqscan=off -c enable_sort=off -c enable_incremental_sort=off -c enable_hashagg=off"
                )
            }
            Purpose::Migrate => format!("{common} -c synchronous_commit=on -c lock_timeout=60000"),
        }
    }
}

impl Session {
    /// Whether the connection has ended.
    pub(crate) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// Whether the server has warned since the last time.
    pub(crate) fn take_warning(&self) -> bool {
        self.warned.swap(false, Ordering::AcqRel)
    }

    /// Prepares what is not prepared yet, in one flight.
    pub(crate) async fn prepare(&mut self, wanted: impl Iterator<Item = &'static str>) -> Result<(), Error> {
        let mut missing: Vec<&'static str> =
            wanted.filter(|sql| !self.statements.contains_key(sql)).collect();
        missing.dedup();
        if missing.is_empty() {
            return Ok(());
        }
        let client = &self.client;
        let preparing = missing.iter().map(|sql| client.prepare(sql)).collect();
        for (sql, prepared) in missing.iter().zip(in_flight(preparing).await) {
            self.statements.insert(sql, prepared?);
        }
        Ok(())
    }

    /// Runs one statement.
    pub(crate) async fn query(
        &mut self,
        sql: &'static str,
        values: Vec<Value<'_>>,
    ) -> Result<Vec<Row>, Error> {
        let mut answers = self.fly(vec![Step::query(sql, values)]).await?;
        answers.pop().unwrap_or_else(|| Ok(Vec::new()))
    }

    /// Sends all steps at once and returns their answers in order. Fails as a whole only while
    /// preparing, when nothing was sent.
    pub(crate) async fn fly(&mut self, steps: Vec<Step<'_>>) -> Result<Vec<Result<Vec<Row>, Error>>, Error> {
        self.prepare(steps.iter().filter_map(Step::prepared)).await?;
        const FORGET: Step<'static> = Step::Plain("DISCARD PLANS");
        let ripe = self.planned.elapsed() > self.plans_kept;
        if ripe {
            self.planned = Instant::now();
            self.plans_kept = self.plans_kept.saturating_mul(2).min(PLANS_KEPT_MAX);
        }
        let client = &self.client;
        let statements = &self.statements;
        let forget = ripe.then_some(&FORGET);
        let running = forget.into_iter().chain(&steps).map(|step| step.run(client, statements)).collect();
        let mut answers = in_flight(running).await;
        // What that step answers matters to nobody; should it fail, so do those behind it.
        answers.drain(..usize::from(ripe));
        Ok(answers)
    }
}

/// A value for a statement.
pub(crate) type Value<'a> = Box<dyn ToSql + Sync + Send + 'a>;

/// One statement of a flight.
pub(crate) enum Step<'a> {
    /// SQL without values, such as BEGIN.
    Plain(&'static str),
    /// A prepared statement with its values.
    Query(&'static str, Vec<Value<'a>>),
}

impl<'a> Step<'a> {
    pub(crate) fn query(sql: &'static str, values: Vec<Value<'a>>) -> Step<'a> {
        Step::Query(sql, values)
    }

    fn prepared(&self) -> Option<&'static str> {
        match self {
            Step::Plain(_) => None,
            Step::Query(sql, _) => Some(sql),
        }
    }

    async fn run(
        &self,
        client: &Client,
        statements: &HashMap<&'static str, Statement>,
    ) -> Result<Vec<Row>, Error> {
        match self {
            Step::Plain(sql) => client.batch_execute(sql).await.map(|()| Vec::new()),
            Step::Query(sql, values) => {
                let values: Vec<&(dyn ToSql + Sync)> =
                    values.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect();
                match statements.get(sql) {
                    Some(statement) => client.query(statement, &values).await,
                    None => client.query(*sql, &values).await,
                }
            }
        }
    }
}

/// Runs futures of one connection. Each sends its request when it is first polled, so all are polled
/// once in their order, and then awaited in it, which is the order of the answers.
async fn in_flight<T>(futures: Vec<impl Future<Output = T>>) -> Vec<T> {
    let mut flying: Vec<_> = futures.into_iter().map(|future| (Box::pin(future), None)).collect();
    poll_fn(|context| {
        for (future, answer) in &mut flying {
            if let Poll::Ready(ready) = Pin::as_mut(future).poll(context) {
                *answer = Some(ready);
            }
        }
        Poll::Ready(())
    })
    .await;
    let mut answers = Vec::with_capacity(flying.len());
    for (future, answer) in flying {
        answers.push(match answer {
            Some(ready) => ready,
            None => future.await,
        });
    }
    answers
}
