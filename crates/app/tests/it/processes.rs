//! Several processes on one database.

use std::collections::BTreeSet;
use std::sync::Arc;

use tradewind_app::{App, AppConfig, Clock, NewPartner, StartError};
use tradewind_domain::Method;
use tradewind_signing::{Secret, Vault};
use tradewind_store::Store;
use tradewind_store_postgres::{PostgresConfig, PostgresStore};
use tradewind_testkit::postgres::{Database, Postgres};

use crate::rig::{DIALECT, START, start, vault};

async fn open(database: &Database, lanes: usize) -> Arc<dyn Store> {
    let config = PostgresConfig { migrate: true, lanes, ..PostgresConfig::new(database.url()) };
    Arc::new(PostgresStore::open(config).await.unwrap())
}

/// Brings up two processes on one empty database at the same moment, tables and all.
async fn two_at_once(database: &Database, vaults: [Vault; 2]) -> [Result<Arc<App>, StartError>; 2] {
    let begin = async |vault| {
        let store = open(database, 1).await;
        start(AppConfig::default(), store, Clock::frozen_at(START), vault).await
    };
    let [one, other] = vaults;
    let (one, other) = tokio::join!(begin(one), begin(other));
    [one, other]
}

#[tokio::test]
async fn of_two_first_starts_with_different_keys_one_is_refused() {
    for _ in 0..5 {
        let database = Postgres::shared().database();
        let keys = || [Vault::from_key([1; 32]), Vault::from_key([2; 32])];
        let both = two_at_once(&database, keys()).await;
        let which = both.each_ref().map(Result::is_ok);
        assert!(which == [true, false] || which == [false, true], "{which:?} were started");
        for app in both {
            match app {
                Ok(app) => app.shut_down().await,
                Err(error) => assert!(matches!(error, StartError::WrongKey), "{error}"),
            }
        }
        // And so it stays.
        for (vault, first) in keys().into_iter().zip(which) {
            let again = start(AppConfig::default(), open(&database, 1).await, Clock::system(), vault).await;
            assert_eq!(again.is_ok(), first);
        }
    }
}

#[tokio::test]
async fn two_first_starts_with_one_key_both_go_on() {
    for _ in 0..5 {
        let database = Postgres::shared().database();
        let [one, other] = two_at_once(&database, [vault(), vault()]).await.map(Result::unwrap);
        assert_ne!(one.node(), other.node());
        one.shut_down().await;
        other.shut_down().await;
    }
}

#[tokio::test]
async fn each_lane_remembers_its_own_ids() {
    let database = Postgres::shared().database();
    let app = start(AppConfig::default(), open(&database, 3).await, Clock::frozen_at(START), vault());
    let app = app.await.unwrap();
    let node = app.node().number();
    let facts = async || -> BTreeSet<String> {
        let facts = app.store().facts("ids:".into()).await.unwrap();
        facts.into_iter().map(|fact| fact.name).collect()
    };
    let lanes: BTreeSet<String> = (0..3).map(|lane| format!("ids:{node}:{lane}")).collect();
    // Partners keep to a lane each, and are spread over all of them.
    for number in 0..100 {
        app.add_partner(NewPartner {
            dialect: DIALECT.into(),
            key_id: format!("shop-{number}"),
            secret: Secret::new("secret"),
            name: "Shop".into(),
            settings: "{}".into(),
            methods: vec![Method::ALIPAY],
            fee_ppm: 0,
            credit_limit: tradewind_domain::Money::zero(tradewind_domain::Currency::CNY),
            suspended: false,
        })
        .await
        .unwrap();
        let known = facts().await;
        assert!(known.is_subset(&lanes), "{known:?}");
        if known == lanes {
            break;
        }
    }
    assert_eq!(facts().await, lanes);
    app.shut_down().await;
}
