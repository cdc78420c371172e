//! Connections for reads: a few, handed out one by one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;
use tokio_postgres::{Error, Row};
use tradewind_store::{Result, StoreError};

use crate::error::{is_lost, store_error};
use crate::link::Link;
use crate::session::{Connector, Purpose, Step};

/// The connections for reads.
pub(crate) struct Readers {
    idle: Mutex<Vec<Link>>,
    permits: Semaphore,
    waiting: AtomicUsize,
    waiting_max: usize,
    wait_max: Duration,
    answer_max: Duration,
}

impl Readers {
    /// Those for reads by key and lists that go on after a place.
    pub(crate) fn new(connector: &Arc<Connector>) -> Readers {
        let config = &connector.config;
        Readers::some(connector, config.readers, config.reads_waiting_max)
    }

    /// Those for lists that count and look at many rows, apart: however many are asked for, reads by key
    /// go on.
    pub(crate) fn for_lists(connector: &Arc<Connector>) -> Readers {
        let config = &connector.config;
        Readers::some(connector, config.list_readers, config.lists_waiting_max)
    }

    fn some(connector: &Arc<Connector>, count: usize, waiting_max: usize) -> Readers {
        let config = &connector.config;
        let count = count.max(1);
        Readers {
            idle: Mutex::new((0..count).map(|_| Link::new(connector, Purpose::Read)).collect()),
            permits: Semaphore::new(count),
            waiting: AtomicUsize::new(0),
            waiting_max,
            wait_max: config.reads_wait_max,
            // The database gives up on a statement first, unless it does not answer at all.
            answer_max: config.statement_wait_max.saturating_mul(2),
        }
    }

    /// Runs statements together on one connection and returns their answers. Reads are repeated once
    /// when the connection turns out to be lost; nothing that runs here minds being repeated.
    pub(crate) async fn fly(&self, steps: impl Fn() -> Vec<Step<'static>>) -> Result<Vec<Vec<Row>>> {
        let mut reader = self.reader().await?;
        match reader.fly(steps(), self.answer_max).await {
            Err(Failure::Lost(_)) => reader.fly(steps(), self.answer_max).await.map_err(Failure::meaning),
            other => other.map_err(Failure::meaning),
        }
    }

    async fn reader(&self) -> Result<Reader<'_>> {
        let busy = || StoreError::Busy("too many reads wait already".into());
        if self.waiting.fetch_add(1, Ordering::AcqRel) >= self.waiting_max + self.permits.available_permits()
        {
            self.waiting.fetch_sub(1, Ordering::AcqRel);
            return Err(busy());
        }
        let _waits = Waits(&self.waiting);
        let permit = timeout(self.wait_max, self.permits.acquire()).await;
        let permit = permit.map_err(|_| busy())?.map_err(|_| busy())?;
        let link = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let link = link.ok_or_else(busy)?;
        Ok(Reader { readers: self, link: Some(link), clean: true, _permit: permit })
    }
}

/// Counts one as waiting, however it stops.
struct Waits<'a>(&'a AtomicUsize);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// A connection in use; it goes back when dropped.
struct Reader<'a> {
    readers: &'a Readers,
    link: Option<Link>,
    /// Nothing is under way on it.
    clean: bool,
    _permit: SemaphorePermit<'a>,
}

enum Failure {
    Lost(StoreError),
    Other(StoreError),
}

impl Failure {
    fn of(error: &Error) -> Failure {
        if is_lost(error) { Failure::Lost(store_error(error)) } else { Failure::Other(store_error(error)) }
    }

    fn meaning(self) -> StoreError {
        match self {
            Failure::Lost(error) | Failure::Other(error) => error,
        }
    }
}

impl Reader<'_> {
    async fn fly(
        &mut self,
        steps: Vec<Step<'static>>,
        answer_max: Duration,
    ) -> std::result::Result<Vec<Vec<Row>>, Failure> {
        let Some(link) = self.link.as_mut() else {
            return Err(Failure::Other(StoreError::Unavailable("there is no connection".into())));
        };
        let session = link.session().await.map_err(Failure::Other)?;
        self.clean = false;
        let answers = timeout(answer_max, session.fly(steps)).await;
        let result = match answers {
            Err(_) => {
                Err(Failure::Other(StoreError::Unavailable("the database did not answer in time".into())))
            }
            Ok(Err(error)) => Err(Failure::of(&error)),
            Ok(Ok(answers)) => answers
                .into_iter()
                .collect::<std::result::Result<_, _>>()
                .map_err(|error| Failure::of(&error)),
        };
        // Whatever went wrong, a transaction may be left open.
        match &result {
            Ok(_) => self.clean = true,
            Err(_) => link.drop_session(),
        }
        result
    }
}

impl Drop for Reader<'_> {
    fn drop(&mut self) {
        if let Some(mut link) = self.link.take() {
            if !self.clean {
                link.drop_session();
            }
            self.readers.idle.lock().unwrap_or_else(PoisonError::into_inner).push(link);
        }
    }
}
