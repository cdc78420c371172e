//! The number that tells this process's ids from those of the others.
//!
//! A number is leased by the clock of the database and renewed three times within a lease. A process
//! that was paused for longer wakes up with ids that another may be making too, so the last statement
//! before every COMMIT asks whether the lease still stands; if not, the transaction ends there. From
//! that look to the end of the transaction a number has [`GRACE`] before anybody else may take it,
//! which is longer than the database lets a transaction stand idle.
//!
//! Who finds out that the lease does not stand says so, and the process is not ready from then on.
//! What proves that it stands again may have been asked before that and be heard after it, so losses
//! are counted, and only what was asked after the latest one takes it back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tradewind_domain::NodeId;
use tradewind_store::{Result, StoreError};

use crate::Shared;
use crate::error::{store_error, unreadable};
use crate::link::{Link, random_u64};
use crate::rows::get;
use crate::session::{Purpose, Step, Value};

/// How long after the end of its lease a number is still nobody's. Longer than
/// idle_in_transaction_session_timeout (see `session`).
const GRACE: Duration = Duration::from_secs(20);

const CLAIM: &str = "UPDATE nodes SET lease = $1, \
     lease_until = clock_timestamp() + $2::bigint * interval '1 millisecond' \
     WHERE number = (SELECT number FROM nodes \
       WHERE lease_until < clock_timestamp() - $3::bigint * interval '1 millisecond' \
       ORDER BY number LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED) RETURNING number";
/// A lease that has run out is taken up again if nobody else has the number.
const RENEW: &str = "UPDATE nodes SET lease = $1, \
     lease_until = clock_timestamp() + $2::bigint * interval '1 millisecond' \
     WHERE number = $4 AND (lease = $1 OR lease_until < clock_timestamp() - $3::bigint * interval '1 millisecond') \
     RETURNING number";
const RELEASE: &str =
    "UPDATE nodes SET lease = NULL, lease_until = '-infinity' WHERE number = $1 AND lease = $2";
const FENCE: &str = "SELECT 1 / count(*)::int, set_config('statement_timeout', '0', true) FROM nodes \
     WHERE number = $1 AND lease = $2 AND lease_until > clock_timestamp()";

/// A number and the token of the lease on it.
#[derive(Clone, Copy)]
pub(crate) struct Claim {
    number: i16,
    lease: i64,
}

/// The number of this process.
#[derive(Default)]
pub(crate) struct Node(Mutex<State>);

#[derive(Default)]
struct State {
    claim: Option<Claim>,
    lost: bool,
    losses: Losses,
}

/// How many losses had been noticed when a question about the lease was asked.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Losses(u64);

/// The statement that fails when the lease does not stand; to be the last before COMMIT.
pub(crate) fn fence<'a>(claim: &Claim) -> Step<'a> {
    Step::query(FENCE, vec![Box::new(claim.number), Box::new(claim.lease)])
}

impl Node {
    /// What commits have to be fenced with.
    pub(crate) fn fence(&self) -> Option<Claim> {
        self.lock().claim
    }

    /// To be taken before asking whether the lease stands.
    pub(crate) fn losses(&self) -> Losses {
        self.lock().losses
    }

    /// Somebody has found out that the lease does not stand.
    pub(crate) fn lost(&self) {
        let mut state = self.lock();
        state.lost = true;
        state.losses.0 = state.losses.0.wrapping_add(1);
    }

    /// The lease stood for a question that was asked after these losses; a later one is not undone by it.
    pub(crate) fn stands(&self, asked: Losses) {
        let mut state = self.lock();
        if state.losses == asked {
            state.lost = false;
        }
    }

    /// Fails while the lease is lost.
    pub(crate) fn check(&self) -> Result<()> {
        match self.lock().lost {
            false => Ok(()),
            true => Err(StoreError::Unavailable("the lease on our node number has run out".into())),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Claims the lowest free number and keeps it for as long as the store lives.
pub(crate) async fn claim(shared: &Arc<Shared>) -> Result<NodeId> {
    let mut link = Link::new(&shared.connector, Purpose::Lane);
    if let Some(known) = shared.node.fence() {
        return node_id(known.number);
    }
    let lease = (random_u64() >> 1).cast_signed();
    let values: Vec<Value<'_>> =
        vec![Box::new(lease), Box::new(ms(shared.connector.config.node_lease)), Box::new(ms(GRACE))];
    let rows = link.session().await?.query(CLAIM, values).await.map_err(|error| store_error(&error))?;
    let Some(row) = rows.first() else {
        return Err(StoreError::Unavailable("all node numbers are in use".into()));
    };
    let claim = Claim { number: get(row, 0).map_err(unreadable)?, lease };
    shared.node.lock().claim = Some(claim);
    tokio::spawn(renew(Arc::downgrade(shared), link, claim));
    node_id(claim.number)
}

fn node_id(number: i16) -> Result<NodeId> {
    let known = u8::try_from(number).ok().and_then(NodeId::new);
    known.ok_or_else(|| StoreError::Corrupt(format!("{number} is no number of a node")))
}

async fn renew(shared: Weak<Shared>, mut link: Link, claim: Claim) {
    loop {
        let Some(lease) = shared.upgrade().map(|shared| shared.connector.config.node_lease) else { return };
        tokio::time::sleep(lease / 3).await;
        let Some(asked) = shared.upgrade().map(|shared| shared.node.losses()) else { return };
        let renewed = renew_once(&mut link, claim, lease).await;
        let Some(shared) = shared.upgrade() else { return };
        match renewed {
            Ok(true) => shared.node.stands(asked),
            Ok(false) => {
                shared.node.lost();
                tracing::error!(
                    node = claim.number,
                    "another process has our node number; commits are refused"
                );
            }
            // Nothing is known; the fence of each commit finds out.
            Err(error) => {
                tracing::warn!(node = claim.number, %error, "could not renew the lease on our node number")
            }
        }
    }
}

async fn renew_once(link: &mut Link, claim: Claim, lease: Duration) -> Result<bool> {
    let values: Vec<Value<'_>> =
        vec![Box::new(claim.lease), Box::new(ms(lease)), Box::new(ms(GRACE)), Box::new(claim.number)];
    let rows = link.session().await?.query(RENEW, values).await;
    match rows {
        Ok(rows) => Ok(!rows.is_empty()),
        Err(error) => {
            link.drop_session();
            Err(store_error(&error))
        }
    }
}

/// Lets go of the number, so that it need not run out.
pub(crate) async fn release(shared: &Shared) -> Result<()> {
    let Some(claim) = shared.node.lock().claim.take() else { return Ok(()) };
    let steps =
        || vec![Step::query(RELEASE, vec![Box::new(claim.number) as Value<'_>, Box::new(claim.lease)])];
    shared.readers.fly(steps).await.map(drop)
}

fn ms(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_takes_back_the_losses_before_it_and_none_after_it() {
        let node = Node::default();
        let before = node.losses();
        node.lost();
        node.stands(before);
        assert!(node.check().is_err(), "asked before the loss was noticed");
        let after = node.losses();
        node.lost();
        node.stands(after);
        assert!(node.check().is_err(), "asked before the second loss");
        node.stands(node.losses());
        node.check().unwrap();
    }
}
