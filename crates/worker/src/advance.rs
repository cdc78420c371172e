//! Moving a virtual clock forward so that everything moves with it.

use std::sync::atomic::Ordering;
use tokio::sync::oneshot;

use tradewind_domain::{Refusal, Span, Timestamp};

use crate::Worker;
use crate::dispatch::{Look, LookRequest};

impl Worker {
    /// Moves a virtual clock by `by`, from due instant to due instant, and lets all work that is due at
    /// each settle before it goes on. Returns the time it then shows.
    pub async fn advance_clock(&self, by: Span) -> Result<Timestamp, Refusal> {
        let clock = self.app.clock();
        if !clock.is_virtual() {
            return Err(Refusal::WrongState { problem: "the clock is not virtual" });
        }
        let target = clock.now() + by;
        loop {
            let next = self.settle().await?.next_due;
            match next.filter(|next| *next <= target) {
                Some(next) => clock.advance_to(next),
                None => break,
            }
        }
        clock.advance_to(target);
        self.settle().await?;
        self.app.remember_clock().await?;
        Ok(clock.now())
    }

    /// Waits until nothing is due and nothing is under way.
    pub async fn settled(&self) -> Result<(), Refusal> {
        self.settle().await.map(drop)
    }

    async fn settle(&self) -> Result<Look, Refusal> {
        loop {
            let progress = self.progress.notified();
            let mut progress = std::pin::pin!(progress);
            progress.as_mut().enable();
            let (quiet_before, before) = (self.is_quiet(), self.work_done());
            let look = self.look().await?;
            // Work that began and ended during the look has changed what is due next.
            let unchanged = quiet_before && before == self.work_done();
            if unchanged && !look.leased && !look.more && self.is_quiet() {
                return Ok(look);
            }
            if self.in_flight() > 0 {
                progress.await;
            } else {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Tasks set going and commands answered so far.
    fn work_done(&self) -> (u64, u64) {
        (self.set_going.load(Ordering::Acquire), self.app.counters().commands())
    }

    fn is_quiet(&self) -> bool {
        self.in_flight() == 0 && self.app.is_quiet()
    }

    /// A fresh look by the dispatcher.
    async fn look(&self) -> Result<Look, Refusal> {
        let (reply, look) = oneshot::channel();
        self.looks.send(LookRequest { reply }).await.map_err(|_| Refusal::Internal)?;
        look.await.map_err(|_| Refusal::Internal)
    }
}
