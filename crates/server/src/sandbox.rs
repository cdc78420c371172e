//! What a sandbox starts with: the published partners of every dialect, with their users, and a catalogue.

use tradewind_app::{App, NewPartner, NewUser};
use tradewind_dialect::{Dialect, SandboxPartner, SandboxUser};
use tradewind_domain::{Command, Currency, Device, Fact, Money, PartnerId, Refusal};
use tradewind_signing::Secret;

use crate::dialects::{self, Dialects};
use crate::{StartError, sandbox_catalogue};

/// Remembers how far the filling has come.
const FACT: &str = "sandbox";
const BEGUN: &str = "begun";
const DONE: &str = "done";

/// Fills an empty database. One that is in use stays as it is; one whose filling was interrupted is
/// filled up.
pub(crate) async fn fill(app: &App, dialects: &Dialects) -> Result<(), StartError> {
    let fact = app.store().fact(FACT.into()).await?;
    let is_due = match fact.as_ref().map(|fact| fact.value.as_str()) {
        Some(state) => state != DONE,
        None => app.store().list_partners(None, 1).await?.partners.is_empty(),
    };
    if !is_due {
        return Ok(());
    }
    remember(app, BEGUN).await?;
    let mut added = Vec::new();
    for dialect in dialects.iter() {
        for (index, published) in dialect.sandbox_partners().into_iter().enumerate() {
            let (users, methods) = (published.users, published.methods.clone());
            let partner = add_partner(app, dialect.as_ref(), published).await?;
            for user in users {
                add_user(app, partner, user).await?;
            }
            // The first is for the first minute; the others show what it is like to start with nothing.
            added.extend((index == 0).then_some((partner, methods)));
        }
    }
    sandbox_catalogue::fill(app, &added).await?;
    remember(app, DONE).await
}

async fn remember(app: &App, state: &str) -> Result<(), StartError> {
    let command = Command::Remember(Fact { name: FACT.into(), value: state.into() });
    app.submit(command).await.map(drop).map_err(refused("the state of the sandbox"))
}

async fn add_partner(
    app: &App,
    dialect: &dyn Dialect,
    published: SandboxPartner,
) -> Result<PartnerId, StartError> {
    let switches = serde_json::from_str(published.settings).unwrap_or_default();
    let new = NewPartner {
        dialect: dialect.name().into(),
        key_id: published.key_id.into(),
        secret: Secret::new(published.secret),
        name: published.name.into(),
        settings: dialects::with_switches("", dialect.name(), switches),
        methods: published.methods,
        fee_ppm: 0,
        credit_limit: Money::zero(Currency::CNY),
        suspended: published.suspended,
    };
    match app.add_partner(new).await {
        Ok(partner) => Ok(partner.id),
        Err(Refusal::Exists { .. }) => {
            let found = app.resolve_partner(published.key_id, &[dialect.name()]).await;
            Ok(found.map_err(refused("a partner of the sandbox"))?.partner.id)
        }
        Err(refusal) => Err(refused("a partner of the sandbox")(refusal)),
    }
}

async fn add_user(app: &App, partner: PartnerId, published: &SandboxUser) -> Result<(), StartError> {
    let new = NewUser {
        login: published.login.into(),
        password: published.password.into(),
        name: published.name.into(),
        may_refund: published.may_refund,
        device: Device::default(),
        locked: published.locked,
    };
    match app.add_user(partner, new).await {
        Ok(_) | Err(Refusal::Exists { .. }) => Ok(()),
        Err(refusal) => Err(refused("a user of the sandbox")(refusal)),
    }
}

fn refused(what: &'static str) -> impl Fn(Refusal) -> StartError {
    move |refusal| StartError::Refused { what, refusal }
}
