//! A connection that comes back: when it is lost, the next who needs it opens it anew.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};
use tradewind_store::{Result, StoreError};

use crate::error::describe;
use crate::session::{Backend, Connector, Purpose, Session};

/// The wait after the first failed attempt; it doubles with each.
const WAIT_MIN: Duration = Duration::from_millis(50);
/// Nobody waits longer than this before the next attempt.
const WAIT_MAX: Duration = Duration::from_secs(1);
/// How long the end of a process of the server is waited for.
const FAREWELL_MS: i64 = 5_000;

/// A connection for one purpose, open or not.
pub(crate) struct Link {
    connector: Arc<Connector>,
    purpose: Purpose,
    session: Option<Session>,
    failures: u32,
    next_attempt: Option<Instant>,
    /// The process of the server that may still be about to commit, since its answer was lost.
    doubtful: Option<Backend>,
}

impl Link {
    pub(crate) fn new(connector: &Arc<Connector>, purpose: Purpose) -> Link {
        Link {
            connector: Arc::clone(connector),
            purpose,
            session: None,
            failures: 0,
            next_attempt: None,
            doubtful: None,
        }
    }

    /// The open connection, if it is.
    pub(crate) fn open(&mut self) -> Option<&mut Session> {
        self.session.as_mut().filter(|session| !session.is_closed())
    }

    /// The connection, opened if need be. After a failure the next attempt waits: longer each time, at
    /// most [`WAIT_MAX`], and never for the same time as its neighbours'.
    pub(crate) async fn session(&mut self) -> Result<&mut Session> {
        if self.open().is_none() {
            self.session = None;
            if let Some(at) = self.next_attempt {
                sleep_until(at).await;
            }
            match self.connect().await {
                Ok(session) => {
                    self.failures = 0;
                    self.next_attempt = None;
                    self.session = Some(session);
                }
                Err(reason) => {
                    self.failures = self.failures.saturating_add(1);
                    self.next_attempt = Some(Instant::now() + wait(self.failures));
                    return Err(StoreError::Unavailable(reason));
                }
            }
        }
        self.session.as_mut().ok_or_else(|| StoreError::Unavailable("there is no connection".into()))
    }

    async fn connect(&mut self) -> std::result::Result<Session, String> {
        let session = self.connector.connect(self.purpose).await?;
        if let Some(doubtful) = &self.doubtful {
            lay_to_rest(&session, doubtful).await?;
            self.doubtful = None;
        }
        Ok(session)
    }

    /// Lets go of the connection, whatever goes on in it.
    pub(crate) fn drop_session(&mut self) {
        self.session = None;
    }

    /// Lets go of the connection, on which a commit may still be under way. Nothing is read through
    /// this link before that is over.
    pub(crate) fn drop_doubtful(&mut self) {
        if let Some(session) = self.session.take() {
            self.doubtful = Some(session.backend.clone());
        }
    }
}

/// Ends the process that may still be committing, so that what is read from now on stays true, and
/// waits until what it did commit has reached the synchronous standby, if there is one: its own wait
/// for it was cut short. After a fail-over there is no such process, and nothing to wait for.
async fn lay_to_rest(session: &Session, doubtful: &Backend) -> std::result::Result<(), String> {
    const END: &str = "SELECT pg_terminate_backend(pid, $3) FROM pg_stat_activity \
         WHERE pid = $1 AND backend_start::text = $2";
    let failed = |error: tokio_postgres::Error| describe(&error);
    let ended =
        session.client.query(END, &[&doubtful.pid, &doubtful.since, &FAREWELL_MS]).await.map_err(failed)?;
    for row in ended {
        if !row.try_get::<_, bool>(0).map_err(failed)? {
            return Err("a commit is still under way on a connection that was given up".into());
        }
    }
    const BARRIER: &str = "SELECT pg_logical_emit_message(true, 'tradewind', 'barrier')";
    session.take_warning();
    session.client.query(BARRIER, &[]).await.map_err(failed)?;
    // A time-out ends this wait too, with a warning and not with an error.
    match session.take_warning() {
        false => Ok(()),
        true => Err("the standby has not confirmed what was committed".into()),
    }
}

/// Between half and the whole of the wait after so many failures.
fn wait(failures: u32) -> Duration {
    let whole = WAIT_MIN.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(WAIT_MAX);
    let half = u64::try_from(whole.as_nanos() / 2).unwrap_or(u64::MAX).max(1);
    whole / 2 + Duration::from_nanos(random_u64() % half)
}

/// A number that no other call gets, in this process or another.
pub(crate) fn random_u64() -> u64 {
    // Every state is keyed anew from the system's randomness; what it makes of nothing is as good as a
    // random number for telling leases apart and spreading waits. No secret rests on it.
    RandomState::new().hash_one(())
}
