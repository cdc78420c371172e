//! Signing in: a user's login and password.

use tradewind_domain::{
    Command, Login, Need, Outcome, Partner, PartnerState, Refusal, SignedIn, User, UserState,
};
use tradewind_signing::{verify_password, verify_password_dummy};

use crate::App;

impl App {
    /// Every failure is the same refusal and takes the same time, so that nothing is told about which
    /// logins exist.
    pub(crate) async fn sign_in(&self, dialect: &str, login: Login) -> Result<Outcome, Refusal> {
        if !self.sign_in_limit.allows(&login.login, self.now()) {
            return Err(Refusal::RateLimited);
        }
        let found = self.find_user(dialect, &login).await?;
        // A queue for the processor, bounded by the connections that wait in it.
        let _permit = self.sign_in_permits.acquire().await.map_err(|_| Refusal::Internal)?;
        let hash = found.as_ref().map(|(user, ..)| user.password_hash.clone());
        let password = login.password;
        let matches = tokio::task::spawn_blocking(move || match hash {
            Some(hash) => verify_password(&hash, &password),
            None => {
                verify_password_dummy(&password);
                false
            }
        })
        .await
        .map_err(|_| Refusal::Internal)?;
        let (mut user, partner, key_id) = found.filter(|_| matches).ok_or(Refusal::SignIn)?;
        if user.state != UserState::Active || partner.state != PartnerState::Active {
            return Err(Refusal::SignIn);
        }
        self.submit(Command::RecordSignIn { partner: partner.id, login: user.login.clone() }).await?;
        user.signed_in_at = Some(self.now());
        Ok(Outcome::SignedIn(Box::new(SignedIn { user, partner, key_id })))
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
