//! Signing in: a user's login and password.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::Semaphore;
use tradewind_domain::{
    Command, Login, Need, Outcome, Partner, PartnerState, Refusal, SignedIn, Timestamp, User, UserState,
};
use tradewind_signing::{verify_password, verify_password_dummy};

use crate::limit::Limiter;
use crate::{App, AppConfig};

/// Bounds on signing in. Checking a password is expensive on purpose, and anybody may ask for it.
pub(crate) struct SignIns {
    per_login: Limiter,
    failures: Limiter,
    /// Checks at a time.
    checks: Arc<Semaphore>,
    /// Checks at a time, and those that wait for one.
    places: Arc<Semaphore>,
    /// Failures are counted by the real time: a frozen clock stops no stranger.
    started: Instant,
}

/// Failures have one limit for all.
const ALL: &str = "";

impl SignIns {
    pub(crate) fn new(config: &AppConfig) -> SignIns {
        let checks = config.sign_in_permits.clamp(1, Semaphore::MAX_PERMITS / 2);
        let places = checks + config.sign_in_waiting_max.min(Semaphore::MAX_PERMITS / 2);
        SignIns {
            per_login: Limiter::new(Some(config.rate_sign_in)),
            failures: Limiter::new(Some(config.rate_sign_in_failures)),
            checks: Arc::new(Semaphore::new(checks)),
            places: Arc::new(Semaphore::new(places)),
            started: Instant::now(),
        }
    }

    fn may_fail(&self) -> bool {
        self.failures.has_room(ALL, self.real_now())
    }

    fn failed(&self) {
        self.failures.allows(ALL, self.real_now());
    }

    fn real_now(&self) -> Timestamp {
        Timestamp::from_ms(i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX))
    }
}

/// What one login is limited by: names are only unique within a merchant, and whoever guesses at one must
/// not lock out its namesakes.
fn limit_key(login: &Login) -> String {
    // A line feed is in no key id: the two parts cannot be mixed up.
    format!("{}\n{}", login.key_id.as_deref().unwrap_or_default(), login.login)
}

impl App {
    /// Every failure is the same refusal and takes the same time, so that nothing is told about which
    /// logins exist; except while strangers use up what may fail, when those who have signed in before are
    /// let through and all others are not looked at.
    pub(crate) async fn sign_in(&self, dialect: &str, login: Login) -> Result<Outcome, Refusal> {
        let limits = &self.sign_ins;
        let place = Arc::clone(&limits.places).try_acquire_owned().map_err(|_| Refusal::RateLimited)?;
        if !limits.per_login.allows(&limit_key(&login), self.now()) {
            return Err(Refusal::RateLimited);
        }
        let found = self.find_user(dialect, &login).await?;
        let is_regular = found.as_ref().is_some_and(|(user, ..)| user.signed_in_at.is_some());
        if !is_regular && !limits.may_fail() {
            return Err(Refusal::RateLimited);
        }
        let check = Arc::clone(&limits.checks).acquire_owned().await.map_err(|_| Refusal::Internal)?;
        let hash = found.as_ref().map(|(user, ..)| user.password_hash.clone());
        let password = login.password;
        let matches = tokio::task::spawn_blocking(move || {
            // Held until the check has ended, also when the caller has gone meanwhile.
            let _places = (place, check);
            match hash {
                Some(hash) => verify_password(&hash, &password),
                None => {
                    verify_password_dummy(&password);
                    false
                }
            }
        })
        .await
        .map_err(|_| Refusal::Internal)?;
        if !matches {
            limits.failed();
        }
        let (mut user, partner, key_id) = found.filter(|_| matches).ok_or(Refusal::SignIn)?;
        if user.state != UserState::Active || partner.state != PartnerState::Active {
            return Err(Refusal::SignIn);
        }
        let device = login.device;
        if let Some(told) = device.clone() {
            user.device.take_up(told);
        }
        let command = Command::RecordSignIn { partner: partner.id, login: user.login.clone(), device };
        self.submit(command).await?;
        user.signed_in_at = Some(self.now());
        let methods = self.methods_of(&partner);
        Ok(Outcome::SignedIn(Box::new(SignedIn { user, partner, key_id, methods })))
    }

    async fn find_user(
        &self,
        dialect: &str,
        login: &Login,
    ) -> Result<Option<(User, Partner, String)>, Refusal> {
        let user = match &login.key_id {
            Some(key_id) => {
                let identity = match self.identity(dialect, key_id).await {
                    Ok(identity) => identity,
                    Err(Refusal::UnknownPartner) => return Ok(None),
                    Err(other) => return Err(other),
                };
                let view = self.view(vec![Need::User(identity.partner.id, login.login.clone())]).await?;
                view.user(identity.partner.id, &login.login).cloned()
            }
            None => {
                let found = self.store.find_users(login.login.clone(), 2).await;
                let mut users = found.map_err(|error| self.storage(&error))?;
                // A login that several partners know does not say who is meant.
                if users.len() == 1 { users.pop() } else { None }
            }
        };
        let Some(user) = user else { return Ok(None) };
        match self.identity_of(dialect, user.partner).await {
            Ok(identity) => Ok(Some((user, identity.partner.as_ref().clone(), identity.key_id.clone()))),
            Err(Refusal::UnknownPartner) => Ok(None),
            Err(other) => Err(other),
        }
    }
}
