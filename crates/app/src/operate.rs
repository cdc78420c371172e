//! What operators ask: partners, keys, users, endpoints, reviews, tasks.

use futures_util::future::join_all;
use tradewind_domain::{
    Addition, Command, Credential, CredentialId, Currency, Decided, Device, Endpoint, EndpointId, EventKind,
    Method, Money, Need, Order, OrderId, OrderRef, Outcome, Partner, PartnerId, PartnerPatch, PartnerState,
    Refusal, Span, Task, TaskCommand, TaskKey, User, UserId, UserState,
};
use tradewind_signing::{Secret, hash_password};
use tradewind_store::{Story, TaskFilter, finding};

use crate::App;

/// A partner to be added.
#[derive(Clone, Debug)]
pub struct NewPartner {
    /// The dialect of its first key.
    pub dialect: String,
    /// What it calls itself by.
    pub key_id: String,
    /// Its secret.
    pub secret: Secret,
    /// Name for people.
    pub name: String,
    /// Switches of its dialects.
    pub settings: String,
    /// The payment methods it may use.
    pub methods: Vec<Method>,
    /// What the operator keeps of each payment, in millionths.
    pub fee_ppm: u32,
    /// How far its prepaid balance may go below nothing.
    pub credit_limit: Money,
    /// Whether it starts suspended.
    pub suspended: bool,
}

/// A user to be added.
#[derive(Clone)]
pub struct NewUser {
    /// Login, unique within the partner.
    pub login: String,
    /// Password in clear text; only its hash is stored.
    pub password: String,
    /// Name for people.
    pub name: String,
    /// Whether it may give money back.
    pub may_refund: bool,
    /// Its device.
    pub device: Device,
    /// Whether it starts locked.
    pub locked: bool,
}

/// A partner with its credentials.
#[derive(Clone, Debug)]
pub struct PartnerWithKeys {
    /// The partner.
    pub partner: Partner,
    /// Its credentials of all dialects, newest first.
    pub credentials: Vec<Credential>,
}

/// Tasks taken in one go when many are run again; no more places than these are taken in the lanes.
const RETRY_BATCH: u32 = 200;
/// Partners read in one go when all are looked through.
const PARTNER_PAGE: u32 = 500;

impl App {
    /// Adds a partner with its first key.
    pub async fn add_partner(&self, new: NewPartner) -> Result<Partner, Refusal> {
        let now = self.now();
        let partner = Partner {
            id: PartnerId::make(&self.ids, now),
            name: new.name,
            state: if new.suspended { PartnerState::Suspended } else { PartnerState::Active },
            methods: new.methods,
            fee_ppm: new.fee_ppm,
            credit_limit: new.credit_limit,
            settings: new.settings,
            created_at: now,
        };
        let credential = self.credential(partner.id, new.dialect, new.key_id, &new.secret);
        self.change_partner(Command::Add(Box::new(Addition::Partner { partner, credential }))).await
    }

    /// Adds a partner that sells and hands over, and does not call.
    pub async fn add_seller(&self, name: String) -> Result<Partner, Refusal> {
        let now = self.now();
        let partner = Partner {
            id: PartnerId::make(&self.ids, now),
            name,
            state: PartnerState::Active,
            methods: Vec::new(),
            fee_ppm: 0,
            credit_limit: Money::zero(Currency::CNY),
            settings: "{}".to_owned(),
            created_at: now,
        };
        self.change_partner(Command::Add(Box::new(Addition::Seller(partner)))).await
    }

    /// Gives a partner a new secret under its present key id. The old ones count on for `overlap`.
    pub async fn rotate(
        &self,
        partner: PartnerId,
        dialect: &str,
        secret: Secret,
        overlap: Span,
    ) -> Result<Credential, Refusal> {
        let now = self.now();
        let view = self.view(vec![Need::Credentials(partner)]).await?;
        let mut old: Vec<&Credential> =
            view.credentials().filter(|c| c.dialect == dialect && c.is_valid(now)).collect();
        old.sort_by_key(|credential| credential.id);
        let key_id = old.last().ok_or(Refusal::NotFound { what: "credential" })?.key_id.clone();
        let new = self.credential(partner, dialect.to_owned(), key_id, &secret);
        let credential = Box::new(new.clone());
        self.change_partner(Command::RotateCredential { credential, others_until: now + overlap }).await?;
        Ok(new)
    }

    /// Changes a partner.
    pub async fn patch_partner(&self, partner: PartnerId, patch: PartnerPatch) -> Result<Partner, Refusal> {
        self.change_partner(Command::PatchPartner { partner, patch }).await
    }

    /// Adds a user.
    pub async fn add_user(&self, partner: PartnerId, new: NewUser) -> Result<User, Refusal> {
        let password = new.password;
        let hashed = tokio::task::spawn_blocking(move || hash_password(&password)).await;
        let user = User {
            id: UserId::make(&self.ids, self.now()),
            partner,
            login: new.login,
            name: new.name,
            password_hash: hashed.map_err(|_| Refusal::Internal)?.map_err(|_| Refusal::Internal)?,
            state: if new.locked { UserState::Locked } else { UserState::Active },
            may_refund: new.may_refund,
            device: new.device,
            signed_in_at: None,
            created_at: self.now(),
        };
        self.submit(Command::Add(Box::new(Addition::User(user.clone())))).await?;
        Ok(user)
    }

    /// Locks, unlocks or deletes a user.
    pub async fn set_user_state(
        &self,
        partner: PartnerId,
        login: &str,
        state: UserState,
    ) -> Result<(), Refusal> {
        self.submit(Command::SetUserState { partner, login: login.to_owned(), state }).await.map(drop)
    }

    /// Adds an endpoint.
    pub async fn add_endpoint(
        &self,
        partner: PartnerId,
        dialect: &str,
        url: String,
        events: Vec<EventKind>,
    ) -> Result<Endpoint, Refusal> {
        let now = self.now();
        let id = EndpointId::make(&self.ids, now);
        let endpoint = Endpoint { id, partner, dialect: dialect.to_owned(), url, events, created_at: now };
        self.submit(Command::Add(Box::new(Addition::Endpoint(endpoint.clone())))).await?;
        Ok(endpoint)
    }

    /// Stops telling an endpoint.
    pub async fn remove_endpoint(&self, partner: PartnerId, endpoint: EndpointId) -> Result<(), Refusal> {
        self.submit(Command::RemoveEndpoint { partner, endpoint }).await.map(drop)
    }

    /// Decides on a revocation that was applied for.
    pub async fn review_revocation(
        &self,
        partner: PartnerId,
        order: OrderId,
        approve: bool,
    ) -> Result<Order, Refusal> {
        let decided = self.submit(Command::ReviewRevocation { partner, order, approve }).await?;
        match self.revoked(decided).await? {
            Outcome::Revoked { order } => Ok(*order),
            _ => Err(Refusal::Internal),
        }
    }

    /// Runs a task again, calls it off or counts it as done, and remembers why.
    pub async fn task(
        &self,
        key: TaskKey,
        command: TaskCommand,
        reason: Option<String>,
    ) -> Result<Task, Refusal> {
        match self.submit(Command::Task { key, command, reason }).await? {
            Decided::Task(task) => Ok(*task),
            _ => Err(Refusal::Internal),
        }
    }

    /// Runs all tasks of a filter again; returns how many. They go into the lanes some at a time, where
    /// they share commits.
    pub async fn retry_tasks(&self, filter: TaskFilter) -> Result<u64, Refusal> {
        let mut retried = 0;
        let mut filter = TaskFilter { limit: RETRY_BATCH, ..filter };
        loop {
            let page = self.store.list_tasks(filter.clone()).await.map_err(|error| self.storage(&error))?;
            let retries = page.tasks.iter().map(|task| {
                let (key, command) = (task.key, TaskCommand::Retry);
                self.submit_patiently(Command::Task { key, command, reason: None })
            });
            for answer in join_all(retries).await {
                answer?;
                retried += 1;
            }
            filter.after = page.next;
            if filter.after.is_none() {
                return Ok(retried);
            }
        }
    }

    /// The task of an id.
    pub async fn find_task(
        &self,
        partner: PartnerId,
        id: tradewind_domain::TaskId,
    ) -> Result<TaskKey, Refusal> {
        let found = finding::task(&*self.store, partner, id).await.map_err(|error| self.storage(&error))?;
        found.map(|task| task.key).ok_or(Refusal::NotFound { what: "task" })
    }

    /// The partner that an operator means: by id, or by a key id of any dialect.
    pub async fn resolve_partner(&self, text: &str, dialects: &[&str]) -> Result<PartnerWithKeys, Refusal> {
        let id = match text.parse::<PartnerId>() {
            Ok(id) => id,
            Err(_) => {
                let key =
                    |dialect: &&str| Need::KeyId { dialect: (*dialect).to_owned(), key_id: text.to_owned() };
                let view = self.view(dialects.iter().map(key).collect()).await?;
                let mut holders = view.credentials().map(|credential| credential.partner);
                holders.next().ok_or(Refusal::NotFound { what: "partner" })?
            }
        };
        let view = self.view(vec![Need::Partner(id), Need::Credentials(id)]).await?;
        let partner = view.partner(id).cloned().ok_or(Refusal::NotFound { what: "partner" })?;
        let mut credentials: Vec<Credential> = view.credentials().cloned().collect();
        credentials.sort_by_key(|credential| std::cmp::Reverse(credential.id));
        Ok(PartnerWithKeys { partner, credentials })
    }

    /// The order that an operator means: by id, by the serial that a dialect gives it, or by the
    /// partner's own number; among all partners unless one is named.
    pub async fn resolve_order(
        &self,
        text: &str,
        partner: Option<PartnerId>,
        order_of_serial: &(dyn Fn(&str) -> Option<OrderId> + Sync),
    ) -> Result<Story, Refusal> {
        let by_id = text.parse::<OrderId>().ok();
        let by_serial = order_of_serial(text);
        let refs: Vec<OrderRef> = [by_id, by_serial]
            .into_iter()
            .flatten()
            .map(OrderRef::Id)
            .chain([OrderRef::Number(text.to_owned())])
            .collect();
        let mut after = None;
        loop {
            let partners = match partner {
                Some(partner) => vec![partner],
                None => self.partners_after(after).await?,
            };
            let Some(last) = partners.last() else { return Err(Refusal::OrderNotFound) };
            after = Some(*last);
            let needs = partners.iter().flat_map(|p| refs.iter().map(|by| Need::order(*p, by))).collect();
            let view = self.view(needs).await?;
            let pairs = partners.iter().flat_map(|partner| refs.iter().map(move |by| (*partner, by)));
            let found = pairs.filter_map(|(partner, by)| view.order(partner, by)).next();
            if let Some(order) = found {
                let story = self.store.story(order.partner, order.id).await;
                return story.map_err(|error| self.storage(&error))?.ok_or(Refusal::OrderNotFound);
            }
            if partner.is_some() {
                return Err(Refusal::OrderNotFound);
            }
        }
    }

    /// Remembers how the virtual clock stands, so that a restart takes it up.
    pub async fn remember_clock(&self) -> Result<(), Refusal> {
        self.submit_patiently(Command::Remember(self.clock.fact())).await.map(drop)
    }

    async fn partners_after(&self, after: Option<PartnerId>) -> Result<Vec<PartnerId>, Refusal> {
        let rows =
            self.store.list_partners(after, PARTNER_PAGE).await.map_err(|error| self.storage(&error))?;
        Ok(rows.partners.iter().map(|partner| partner.id).collect())
    }

    async fn change_partner(&self, command: Command) -> Result<Partner, Refusal> {
        let decided = self.submit(command).await?;
        self.identities.clear();
        match decided {
            Decided::Partner(partner) => Ok(*partner),
            _ => Err(Refusal::Internal),
        }
    }

    fn credential(&self, partner: PartnerId, dialect: String, key_id: String, secret: &Secret) -> Credential {
        let now = self.now();
        let id = CredentialId::make(&self.ids, now);
        let sealed_secret = self.seal(id, secret);
        Credential { id, partner, dialect, key_id, sealed_secret, created_at: now, expires_at: None }
    }
}
