//! The way to write: load a batch's rows with their locks, commit its sum, each in one flight.
//!
//! The transaction begins with the load and ends with the commit, so that what was loaded and locked
//! is still true when it is written. A connection that is lost in between has changed nothing. One
//! that is lost once COMMIT has been sent leaves the outcome open; before anything else is read
//! through this lane, the process of the server that may still be committing is ended (see `link`),
//! so that whoever looks finds out and does not guess.

use std::sync::Arc;

use tokio::time::timeout;
use tokio_postgres::{Error, Row};
use tradewind_domain::{Need, Rows, WriteSet};
use tradewind_store::{BoxFuture, Lane, Result, StoreError};

use crate::Shared;
use crate::error::{commit_error, is_lost, store_error};
use crate::link::Link;
use crate::load::{self, Questions, Seen};
use crate::nodes;
use crate::session::{Connector, Purpose, Step};
use crate::write::{self, write};

/// A lane of a [`crate::PostgresStore`].
pub(crate) struct PostgresLane {
    link: Link,
    shared: Arc<Shared>,
    standing: Standing,
    seen: Seen,
}

/// Where the lane's transaction stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// There is none.
    Idle,
    /// A load has begun it.
    Open,
    /// A flight is in the air, or its future was dropped in mid-air.
    Flying,
}

const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";

impl PostgresLane {
    pub(crate) async fn open(shared: &Arc<Shared>) -> Result<PostgresLane> {
        let mut lane = PostgresLane {
            link: Link::new(&shared.connector, Purpose::Lane),
            shared: Arc::clone(shared),
            standing: Standing::Idle,
            seen: Seen::default(),
        };
        lane.begin_with().await?;
        Ok(lane)
    }

    /// The connection, with a transaction or without, and what is needed most prepared.
    async fn begin_with(&mut self) -> Result<()> {
        let lost = self.link.open().is_none();
        if self.standing == Standing::Flying {
            self.link.drop_doubtful();
        } else if lost && self.standing == Standing::Open {
            self.forget();
            self.link.drop_session();
            return Err(StoreError::Unavailable("the connection was lost after the batch was loaded".into()));
        }
        if lost || self.standing == Standing::Flying {
            self.forget();
            let session = self.link.session().await?;
            let hot = load::HOT.iter().chain(write::HOT.into_iter().flatten()).copied();
            session.prepare(hot).await.map_err(|error| store_error(&error))?;
        }
        Ok(())
    }

    fn forget(&mut self) {
        self.standing = Standing::Idle;
        self.seen = Seen::default();
    }

    fn connector(&self) -> &Connector {
        &self.shared.connector
    }

    async fn load_now(&mut self, needs: &[Need]) -> Result<Rows> {
        let begun = self.standing == Standing::Open;
        match self.try_load(needs).await {
            // Nothing was locked yet, so nothing is lost by asking again on a new connection.
            Err((_, true)) if !begun => self.try_load(needs).await.map_err(|(error, _)| error),
            other => other.map_err(|(error, _)| error),
        }
    }

    /// Fails with whether the connection was lost.
    async fn try_load(&mut self, needs: &[Need]) -> std::result::Result<Rows, (StoreError, bool)> {
        self.begin_with().await.map_err(|error| (error, false))?;
        let questions = Questions::locking(needs);
        let mut steps = Vec::new();
        let begins = self.standing == Standing::Idle;
        if begins {
            steps.push(Step::Plain(BEGIN));
        }
        steps.extend(questions.steps());
        let answers = self.fly(steps).await.map_err(|error| (error, false))?;
        let answers: std::result::Result<Vec<Vec<Row>>, Error> = answers.into_iter().collect();
        match answers {
            Ok(answers) => {
                self.standing = Standing::Open;
                let rows = questions.read(&answers[usize::from(begins)..], &mut self.seen);
                if rows.is_err() {
                    self.give_up();
                }
                rows.map_err(|error| (error, false))
            }
            Err(error) => {
                self.give_up();
                Err((store_error(&error), is_lost(&error)))
            }
        }
    }

    async fn commit_now(&mut self, set: &WriteSet) -> Result<()> {
        self.begin_with().await?;
        let mut steps = Vec::with_capacity(16);
        if self.standing == Standing::Idle {
            steps.push(Step::Plain(BEGIN));
        }
        let begun = steps.len();
        write(set, &self.seen, &mut steps)?;
        if steps.len() == begun {
            return self.abandon_now().await;
        }
        let losses = self.shared.node.losses();
        let fence = self.shared.node.fence();
        let fenced_at = fence.as_ref().map(|_| steps.len());
        // A time-out of the statement would cut short the wait for a synchronous standby and call it a
        // success; how long COMMIT may take is judged here instead.
        match fence {
            Some(claim) => steps.push(nodes::fence(&claim)),
            None => steps.push(Step::Plain("SET LOCAL statement_timeout = 0")),
        }
        steps.push(Step::Plain("COMMIT"));
        if let Some(session) = self.link.open() {
            session.take_warning();
        }
        let mut answers = self.fly(steps).await?;
        let committed = answers.pop();
        for (place, answer) in answers.into_iter().enumerate() {
            let Err(error) = answer else { continue };
            if error.code().is_none() {
                // Lost in the middle of a flight that ends with COMMIT.
                self.forget();
                self.link.drop_doubtful();
                return Err(StoreError::Unknown(crate::error::describe(&error)));
            }
            // An answer that says no: the COMMIT behind it has only undone what was before.
            if is_lost(&error) {
                self.give_up()
            } else {
                self.forget()
            }
            if Some(place) == fenced_at {
                self.shared.node.lost();
                return Err(StoreError::Unavailable("the lease on our node number has run out".into()));
            }
            return Err(store_error(&error));
        }
        self.forget();
        if fenced_at.is_some() {
            self.shared.node.stands(losses);
        }
        match committed {
            Some(Ok(_)) if self.link.open().is_some_and(|session| session.take_warning()) => {
                // The wait for the standby was cut short; the commit is here and perhaps not there.
                self.link.drop_doubtful();
                Err(StoreError::Unknown("the database did not wait for its standby".into()))
            }
            Some(Ok(_)) => {
                self.shared.leases.settle(set);
                Ok(())
            }
            Some(Err(error)) => {
                self.link.drop_doubtful();
                Err(commit_error(&error))
            }
            None => Err(StoreError::Unknown("there was no COMMIT".into())),
        }
    }

    async fn abandon_now(&mut self) -> Result<()> {
        match self.standing {
            Standing::Idle => Ok(()),
            Standing::Flying => {
                self.give_up();
                Ok(())
            }
            Standing::Open => {
                let ended = self.fly(vec![Step::Plain("ROLLBACK")]).await;
                match ended {
                    Ok(answers) if answers.iter().all(std::result::Result::is_ok) => self.forget(),
                    // Gone is gone: the database undoes it by itself.
                    _ => self.give_up(),
                }
                Ok(())
            }
        }
    }

    /// Sends steps. Fails as a whole when the answers do not come in time, which is told as unknown
    /// where a COMMIT was among them.
    async fn fly(&mut self, steps: Vec<Step<'_>>) -> Result<Vec<std::result::Result<Vec<Row>, Error>>> {
        let commits = matches!(steps.last(), Some(Step::Plain("COMMIT")));
        let config = &self.connector().config;
        let wait_max = match commits {
            true => config.commit_wait_max,
            false => config.statement_wait_max.saturating_mul(2),
        };
        let Some(session) = self.link.open() else {
            self.forget();
            return Err(StoreError::Unavailable("the connection was lost".into()));
        };
        self.standing = Standing::Flying;
        match timeout(wait_max, session.fly(steps)).await {
            Ok(Ok(answers)) => Ok(answers),
            // Only preparing fails so; nothing was sent.
            Ok(Err(error)) => {
                self.give_up();
                Err(store_error(&error))
            }
            Err(_) => {
                self.forget();
                self.link.drop_doubtful();
                let words = "the database did not answer in time".to_owned();
                Err(if commits { StoreError::Unknown(words) } else { StoreError::Unavailable(words) })
            }
        }
    }

    /// Lets go of the connection; the database undoes what was open on it.
    fn give_up(&mut self) {
        self.forget();
        self.link.drop_session();
    }
}

impl Lane for PostgresLane {
    fn load<'a>(&'a mut self, needs: &'a [Need]) -> BoxFuture<'a, Result<Rows>> {
        Box::pin(self.load_now(needs))
    }

    fn commit<'a>(&'a mut self, set: &'a WriteSet) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.commit_now(set))
    }

    fn abandon(&mut self) -> BoxFuture<'_, Result<()>> {
        Box::pin(self.abandon_now())
    }
}
