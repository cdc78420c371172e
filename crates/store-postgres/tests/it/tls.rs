//! TLS to the database, and who may enter: real handshakes with a server that shows a certificate.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use tradewind_store::{Store, StoreError};
use tradewind_store_postgres::{OpenError, PostgresStore};
use tradewind_testkit::postgres::{Authority, Cluster};
use tradewind_testkit::{AMPLE, Folder};

use crate::support::{config, connect, database, open, run};

const PASSWORD: &str = "correct horse";

/// An address of the cluster's database, for somebody, with parameters.
fn url(cluster: &Cluster, user: &str, host: &str, parameters: &str) -> String {
    format!("postgres://{user}@{host}:{}/postgres?{parameters}", cluster.port())
}

fn verified_by(file: &Path) -> String {
    format!("sslmode=verify-full&sslrootcert={}", file.display())
}

/// Why a database cannot be opened.
async fn refusal(url: String) -> String {
    match PostgresStore::open(config(url)).await {
        Ok(_) => "it was opened".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// The sessions of the store, and those of them that are encrypted.
const SESSIONS: &str = "SELECT count(*) || ' ' || count(*) FILTER (WHERE ssl) FROM pg_stat_activity \
     JOIN pg_stat_ssl USING (pid) WHERE application_name = 'tradewind'";

#[test]
fn only_the_right_name_under_a_known_authority_is_believed() {
    run(async {
        let (ours, other) = (Authority::new(), Authority::new());
        let cluster = Cluster::start();
        cluster.encrypt(&ours.certify("localhost"));
        let at = |host: &str, parameters: &str| url(&cluster, "postgres", host, parameters);
        let known = verified_by(&ours.pem());

        let store = open(at("localhost", &known)).await;
        let mut lane = store.open_lane().await.unwrap();
        lane.load(&[]).await.unwrap();
        store.ping().await.unwrap();
        let sessions = cluster.sql(SESSIONS);
        let (all, encrypted) = sessions.trim().split_once(' ').unwrap();
        assert_eq!(all, encrypted, "every connection is encrypted");
        assert_ne!(all, "0");

        // Whoever it is will do where nothing but encryption was asked for.
        open(at("127.0.0.1", "sslmode=require")).await.ping().await.unwrap();
        // Nobody asked for it, and the server is on this machine.
        open(at("127.0.0.1", "")).await.ping().await.unwrap();

        let name = refusal(at("127.0.0.1", &known)).await;
        assert!(name.contains("certificate not valid for name \"127.0.0.1\""), "{name}");
        for parameters in [verified_by(&other.pem()), "sslmode=verify-full".to_owned()] {
            let authority = refusal(at("localhost", &parameters)).await;
            assert!(authority.contains("UnknownIssuer"), "{parameters}: {authority}");
        }
    });
}

#[test]
fn a_server_without_tls_is_refused_where_it_is_demanded() {
    run(async {
        let database = database();
        for demand in ["sslmode=require", "sslmode=verify-full"] {
            let refused = refusal(format!("{}?{demand}", database.url())).await;
            assert!(refused.contains("server does not support TLS"), "{demand}: {refused}");
        }
    });
}

#[test]
fn a_file_of_authorities_that_cannot_be_used_is_named() {
    run(async {
        let folder = Folder::new();
        let file = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let cases = [
            (folder.path().join("absent.pem"), "No such file"),
            (folder.path().to_owned(), "directory"),
            (file("text.pem", "no certificate\n"), "there is no certificate in it"),
            (file("empty.pem", ""), "there is no certificate in it"),
            (file("cut.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n"), "missing"),
            (file("broken.pem", broken), "BadEncoding"),
        ];
        for (path, problem) in cases {
            // Nothing is connected to, so nobody need be there.
            let url = format!("postgres://u@db.invalid/d?{}", verified_by(&path));
            let error = PostgresStore::open(config(url)).await.err().unwrap();
            let words = error.to_string();
            assert!(matches!(error, OpenError::Tls(_)), "{words}");
            assert!(words.contains(&path.display().to_string()), "{words}");
            assert!(words.contains(problem), "{problem}: {words}");
        }
    });
}

#[test]
fn a_server_that_admits_only_encrypted_connections_with_a_password() {
    run(async {
        let authority = Authority::new();
        let cluster = Cluster::start();
        cluster.encrypt(&authority.certify("localhost"));
        cluster.sql(&format!(
            "SET password_encryption = 'scram-sha-256'; CREATE ROLE shop SUPERUSER LOGIN PASSWORD '{PASSWORD}'"
        ));
        cluster.admit_only(
            "local all postgres trust\nhostssl all postgres all trust\nhostssl all shop all scram-sha-256\n",
        );
        let known = verified_by(&authority.pem());
        let at = |user: &str, parameters: &str| url(&cluster, user, "localhost", parameters);

        let store = open(at("shop:correct%20horse", &known)).await;
        store.ping().await.unwrap();

        let clear = refusal(at("shop:correct%20horse", "sslmode=disable")).await;
        assert!(clear.contains("no pg_hba.conf entry") && clear.contains("no encryption"), "{clear}");
        for (given, problem) in [
            ("shop:wrong%20horse", "password authentication failed for user \"shop\""),
            ("nobody:wrong%20horse", "no pg_hba.conf entry"),
            ("shop", "password missing"),
        ] {
            let refused = refusal(at(given, &known)).await;
            assert!(refused.contains(problem), "{given}: {refused}");
            assert!(!refused.contains("horse"), "a password is in {refused:?}");
        }
    });
}

#[test]
fn a_password_that_is_changed_while_the_store_runs_is_tried_until_it_is_right_again() {
    run(async {
        let cluster = Cluster::start();
        cluster.sql(&format!("CREATE ROLE shop SUPERUSER LOGIN PASSWORD '{PASSWORD}'"));
        cluster.admit_only("host all postgres all trust\nhost all shop all scram-sha-256\n");
        let store: Arc<dyn Store> = open(url(&cluster, "shop:correct%20horse", "127.0.0.1", "")).await;
        let mut lane = store.open_lane().await.unwrap();
        store.ping().await.unwrap();

        let keeper = connect(&cluster.url()).await;
        let change = async |password: &str| {
            let sql = format!("ALTER ROLE shop PASSWORD '{password}'");
            keeper.batch_execute(&sql).await.unwrap();
            keeper
                .batch_execute(
                    "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE usename = 'shop'",
                )
                .await
                .unwrap();
        };
        change("another").await;
        // A connection that has just been cut off may be what the first one finds out.
        let begin = Instant::now();
        loop {
            let Err(StoreError::Unavailable(words)) = store.ping().await else {
                panic!("somebody was let in with the old password");
            };
            assert!(!words.contains("horse"), "a password is in {words:?}");
            if words.contains("password authentication failed for user \"shop\"") {
                break;
            }
            assert!(begin.elapsed() < AMPLE, "the reason is never told: {words}");
        }
        assert!(lane.load(&[]).await.is_err());

        change(PASSWORD).await;
        let begin = Instant::now();
        while store.ping().await.is_err() || lane.load(&[]).await.is_err() {
            assert!(begin.elapsed() < AMPLE, "the store does not come back");
        }
    });
}
