//! The reference file against the types and the crates; what is wrong is told by key and place.

use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use toml::{Table, Value};
use tradewind_app::AppConfig;
use tradewind_dialect::DialectOptions;
use tradewind_server::ServerConfig;
use tradewind_store_postgres::PostgresConfig;
use tradewind_store_sqlite::SqliteConfig;
use tradewind_worker::WorkerConfig;

use super::{Config, LogFormat, Options, Problems, REFERENCE, Sources, load};

fn reference() -> Table {
    REFERENCE.parse().unwrap()
}

/// Loads a file with `text` and some variables; the problems are told as a person reads them.
fn loaded(text: &str, variables: &[(&str, &str)], options: Options) -> Result<Config, Vec<String>> {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("tradewind-config-{}-{count}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let file = folder.join("t.toml");
    fs::write(&file, text).unwrap();
    let environment = variables.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let sources = Sources { file: Some(file.clone()), environment: environment.collect(), options };
    let loaded = load(&sources);
    fs::remove_dir_all(&folder).unwrap();
    let place = file.display().to_string();
    loaded.map_err(|Problems(problems)| {
        problems.iter().map(|problem| problem.to_string().replace(&place, "t.toml")).collect()
    })
}

#[test]
fn the_reference_file_holds_the_defaults_of_the_crates() {
    let config = loaded("", &[], Options::default()).unwrap();
    let (app, worker) = (AppConfig::default(), WorkerConfig::default());
    assert_eq!(config.limits.queue_commands_max, app.queue_commands_max);
    assert_eq!(config.limits.batch_commands_max, app.batch_commands_max);
    assert_eq!(config.limits.sign_in_parallel_max, app.sign_in_permits);
    assert_eq!(config.limits.sign_in_waiting_max, app.sign_in_waiting_max);
    assert_eq!(config.rate_sign_in(), app.rate_sign_in);
    assert_eq!(config.rate_sign_in_failures(), app.rate_sign_in_failures);
    assert_eq!(config.limits.waiting_calls_max, app.waiting_calls_max);
    assert_eq!(config.limits.waiting_calls_per_partner_max, app.waiting_calls_per_partner_max);
    assert_eq!(config.rate_per_partner(), app.rate_per_partner);
    assert_eq!(i64::from(config.payments.payer_code_deadline_s) * 1000, app.payer_code_deadline.ms());
    assert_eq!(i64::from(config.payments.refund_window_days) * 86_400_000, app.refund_window.ms());
    assert_eq!(i64::from(config.catalogue.hold_minutes) * 60_000, app.hold_for.ms());
    assert_eq!(i64::from(config.catalogue.utc_offset_minutes) * 60_000, app.day_offset.ms());
    assert_eq!(i64::from(config.catalogue.late_refund_days) * 86_400_000, app.late_refund.ms());
    assert_eq!(config.delivery.in_flight_max, worker.in_flight_max);
    assert_eq!(config.delivery.per_partner_max, worker.in_flight_per_partner_max);
    assert_eq!(config.delivery.per_endpoint_max, worker.per_endpoint_max);
    assert_eq!(u128::from(config.delivery.timeout_ms), worker.delivery_timeout.as_millis());
    assert_eq!(u64::from(config.delivery.lease_s), worker.lease_for.as_secs());
    let dialects = DialectOptions::default();
    assert_eq!(i64::from(config.dialects.signature_age_max_s) * 1000, dialects.signature_age_max.ms());
    let store = SqliteConfig::default();
    assert_eq!(config.store.cache_writer_mib, store.cache_mb_writer);
    assert_eq!(config.store.cache_reader_mib, store.cache_mb_reader);
    assert_eq!(config.store.readers, store.readers);
    assert_eq!(config.store.list_readers, store.list_readers);
    assert_eq!(config.store.lists_waiting_max, store.lists_waiting_max);
    assert_eq!(config.store.migrate_at_start, store.migrate);
    let (said, server) = (config.postgres(""), PostgresConfig::new(""));
    assert_eq!(
        (said.lanes, said.readers, said.connect_wait_max, said.statement_wait_max, said.lock_wait_max),
        (
            server.lanes,
            server.readers,
            server.connect_wait_max,
            server.statement_wait_max,
            server.lock_wait_max
        ),
    );
    assert_eq!((said.list_readers, said.lists_waiting_max), (server.list_readers, server.lists_waiting_max));
    assert_eq!((said.commit_wait_max, said.node_lease), (server.commit_wait_max, server.node_lease));
    let server = ServerConfig::default();
    assert_eq!((config.listen, config.ops.listen), (server.listen, server.ops_listen));
    assert_eq!(config.public_url, server.public_url);
    assert_eq!(config.server().metrics, server.metrics);
    assert_eq!(config.limits.bodies_bytes_max, server.bodies_bytes_max);
    assert_eq!(u128::from(config.limits.write_timeout_ms), server.write_timeout.as_millis());
    assert_eq!(config.limits.body_bytes_max, server.body_bytes_max);
    assert_eq!(config.limits.requests_in_flight_max, server.requests_in_flight_max);
    assert_eq!(config.limits.connections_max, server.connections_max);
    assert_eq!(u128::from(config.limits.header_timeout_ms), server.header_timeout.as_millis());
    assert_eq!(u128::from(config.limits.body_timeout_ms), server.body_timeout.as_millis());
    assert_eq!(u128::from(config.limits.stop_timeout_ms), server.shut_down_timeout.as_millis());
    assert_eq!(config.delivery.allow_private_addresses, server.allow_private_addresses);
    assert_eq!(config.log.format, LogFormat::Text);
    assert!(!config.sandbox.enabled && config.sandbox.clock.is_none() && config.public_url.is_none());
}

/// Unknown keys are refused by the type, so this is the other direction: the type has no key with a
/// silent default that the file does not show.
#[test]
fn every_key_of_the_type_is_in_the_reference_file() {
    let keys = |table: &Table| table.keys().cloned().collect::<Vec<_>>();
    let parses = |table: Table| table.try_into::<Config>().is_ok();
    assert!(parses(reference()));
    for key in keys(&reference()) {
        let mut without = reference();
        let Some(Value::Table(section)) = without.remove(&key) else {
            assert!(!parses(without), "{key} has a default that the reference file does not show");
            continue;
        };
        assert!(!parses(without), "[{key}] has defaults that the reference file does not show");
        for below in keys(&section) {
            let mut section = section.clone();
            section.remove(&below);
            let mut without = reference();
            without.insert(key.clone(), Value::Table(section));
            assert!(!parses(without), "{key}.{below} has a default that the reference file does not show");
        }
    }
}

#[test]
fn every_paragraph_of_the_reference_file_is_explained() {
    for paragraph in REFERENCE.split("\n\n") {
        let lines: Vec<&str> = paragraph.lines().filter(|line| !line.starts_with('[')).collect();
        assert!(lines.first().is_some_and(|line| line.starts_with("# ")), "no comment above:\n{paragraph}");
    }
}

#[test]
fn the_command_line_wins_over_the_environment_over_the_file() {
    let check = |text: &str, variables: &[(&str, &str)], listen: Option<&str>, expected: &str| {
        let options = Options { listen: listen.map(|listen| listen.parse().unwrap()), ..Options::default() };
        assert_eq!(loaded(text, variables, options).unwrap().listen.to_string(), expected);
    };
    let file = "listen = \"127.0.0.1:1001\"\n";
    let variable = [("TRADEWIND__LISTEN", "127.0.0.1:1002"), ("TRADEWIND_BIN", "x"), ("PATH", "x")];
    check("", &[], None, "127.0.0.1:8080");
    check(file, &[], None, "127.0.0.1:1001");
    check(file, &variable, None, "127.0.0.1:1002");
    check(file, &variable, Some("127.0.0.1:1003"), "127.0.0.1:1003");
}

#[test]
fn variables_are_typed_by_their_key() {
    let variables = [
        ("TRADEWIND__LIMITS__BODY_BYTES_MAX", "65536"),
        ("TRADEWIND__SANDBOX__ENABLED", "true"),
        ("TRADEWIND__SANDBOX__CLOCK", "2025-11-22T11:00:00+08:00"),
        ("TRADEWIND__DATA", "17"),
        ("TRADEWIND__LOG__FORMAT", "json"),
        ("TRADEWIND__LOG__LEVEL", "info,tradewind_worker=debug"),
    ];
    let config = loaded("", &variables, Options::default()).unwrap();
    assert_eq!(config.limits.body_bytes_max, 65_536);
    assert!(config.sandbox.enabled);
    assert_eq!(config.sandbox.clock.map(|at| at.ms()), Some(1_763_780_400_000));
    assert_eq!(config.data, PathBuf::from("17"));
    assert_eq!(config.log.format, LogFormat::Json);
}

#[test]
fn problems_of_the_file_name_the_key_and_the_line() {
    let check = |text: &str, expected: &[&str]| {
        assert_eq!(loaded(text, &[], Options::default()).unwrap_err(), expected, "{text}");
    };
    check(
        "\n[limits]\nbody_bytes_max = \"big\"\n",
        &["limits.body_bytes_max (t.toml, line 3): invalid type: string \"big\", expected a whole number"],
    );
    check("[ops]\nlisten = \"localhost\"\n", &["ops.listen (t.toml, line 2): invalid socket address syntax"]);
    check(
        "[limits]\nbody_bytes_max = -1\n",
        &["limits.body_bytes_max (t.toml, line 2): invalid value: integer `-1`, expected a whole number"],
    );
    check("metrics = true\n", &["metrics (t.toml, line 1): invalid type: boolean `true`, expected a string"]);
    check(
        "metrics = \"public\"\n",
        &["metrics (t.toml, line 1): \"public\": \"ops\", \"main\" and \"off\" are known"],
    );
    check(
        "[log]\nformat = \"xml\"\n",
        &["log.format (t.toml, line 2): unknown variant `xml`, expected `text` or `json`"],
    );
    check("[ops]\nlistn = 1\n", &["ops.listn (t.toml, line 2): unknown key `listn`, expected `listen`"]);
    check(
        "[opps]\nlisten = \"127.0.0.1:1\"\n[ops]\n",
        &[
            "opps (t.toml, line 1): unknown key `opps`, expected one of `listen`, `public_url`, `data`, `master_key`, `threads`, `metrics`, \
         `ops`, `tls`, `store`, `limits`, `delivery`, `payments`, `catalogue`, `dialects`, `sandbox`, `log`",
        ],
    );
    check("ops = 7\n", &["ops (t.toml, line 1): is a section, not a key"]);
    check("data = \"\"\n", &["data (t.toml, line 1): must not be empty"]);
    check(
        "[sandbox]\nenabled = true\nclock = \"noon\"\n",
        &[
            "sandbox.clock (t.toml, line 3): \"noon\" is not an instant of the form 2025-11-22T11:00:00+08:00 or \
         2025-11-22T03:00:00Z",
        ],
    );
    check("[ops\n", &["t.toml, line 1: unclosed table, expected `]`"]);
    // One run tells everything.
    check(
        "threads = 0\nlisten = 5\n[tls]\ncert = \"c.pem\"\n[limits]\nx = 1\n",
        &[
            "limits.x (t.toml, line 6): unknown key `x`, expected one of `body_bytes_max`, `bodies_bytes_max`, \
         `requests_in_flight_max`, `waiting_calls_max`, `waiting_calls_per_partner_max`, \
         `connections_max`, `header_timeout_ms`, `body_timeout_ms`, `write_timeout_ms`, `stop_timeout_ms`, `queue_commands_max`, `batch_commands_max`, `rate_per_partner_per_second`, \
         `rate_per_partner_burst`, `sign_in_per_minute`, `sign_in_burst`, `sign_in_failures_per_minute`, `sign_in_failures_burst`, \
         `sign_in_parallel_max`, `sign_in_waiting_max`",
            "listen (t.toml, line 2): invalid type: integer `5`, expected socket address",
            "threads (t.toml, line 1): 0 is not between 1 and 256",
            "tls.key: `tls.cert` and `tls.key` are needed together",
        ],
    );
}

#[test]
fn problems_of_the_environment_name_the_variable() {
    let check = |name: &str, value: &str, expected: &str| {
        assert_eq!(loaded("", &[(name, value)], Options::default()).unwrap_err(), [expected], "{name}");
    };
    check(
        "TRADEWIND__OPS__LISTN",
        "127.0.0.1:1",
        "ops.listn (variable TRADEWIND__OPS__LISTN): unknown key `listn`, expected `listen`",
    );
    check(
        "TRADEWIND__LIMITS__BODY_BYTES_MAX",
        "1 MiB",
        "limits.body_bytes_max (variable TRADEWIND__LIMITS__BODY_BYTES_MAX): invalid type: string \"1 MiB\", \
         expected a whole number",
    );
    check("TRADEWIND__OPS", "x", "ops (variable TRADEWIND__OPS): is a section, not a key");
    check(
        "TRADEWIND__LISTEN__PORT",
        "1",
        "listen.port (variable TRADEWIND__LISTEN__PORT): `listen` is a key, not a section",
    );
    check(
        "TRADEWIND__THREADS",
        "1000",
        "threads (variable TRADEWIND__THREADS): 1000 is not between 1 and 256",
    );
}

#[test]
fn keys_that_do_not_fit_each_other() {
    let check = |text: &str, expected: &str| {
        assert_eq!(loaded(text, &[], Options::default()).unwrap_err(), [expected], "{text}");
    };
    check(
        "[limits]\nqueue_commands_max = 10\nbatch_commands_max = 11\n",
        "limits.batch_commands_max (t.toml, line 3): 11 is more than `limits.queue_commands_max`, which is 10",
    );
    check(
        "[limits]\nbodies_bytes_max = 1000000\n",
        "limits.body_bytes_max: 1048576 is more than `limits.bodies_bytes_max`, which is 1000000",
    );
    check(
        "[limits]\nrequests_in_flight_max = 1000\n",
        "limits.waiting_calls_max: 1536 is more than `limits.requests_in_flight_max`, which is 1000",
    );
    check(
        "[limits]\nwaiting_calls_max = 100\n",
        "limits.waiting_calls_per_partner_max: 512 is more than `limits.waiting_calls_max`, which is 100",
    );
    check(
        "[delivery]\nin_flight_max = 200\n",
        "delivery.per_partner_max: 512 is more than `delivery.in_flight_max`, which is 200",
    );
    check(
        "[delivery]\nlease_s = 5\n",
        "delivery.lease_s (t.toml, line 2): 5 s are not longer than `delivery.timeout_ms`, which is 5000",
    );
    check(
        "[delivery]\nper_endpoint_max = 513\n",
        "delivery.per_endpoint_max (t.toml, line 2): 513 is more than `delivery.per_partner_max`, which is 512",
    );
    check("[tls]\nkey = \"k.pem\"\n", "tls.cert: `tls.cert` and `tls.key` are needed together");
    check("listen = \"127.0.0.1:8081\"\n", "ops.listen: 127.0.0.1:8081 is taken by `listen`");
    check(
        "[sandbox]\nclock = \"2025-11-22T03:00:00Z\"\n",
        "sandbox.clock (t.toml, line 2): only a sandbox has a clock that can be set (`sandbox.enabled`, `--sandbox`)",
    );
    check(
        "[store]\nurl = \"mysql\"\n",
        "store.url (t.toml, line 2): \"mysql\": \"sqlite\", \"sqlite:PATH\" and \"postgres://...\" are known",
    );
    check(
        "public_url = \"https://pay.example.com/\"\n",
        "public_url (t.toml, line 1): \"https://pay.example.com/\": must have no `/` at its end, no query and no `#`",
    );
    check(
        "public_url = \"pay.example.com\"\n",
        "public_url (t.toml, line 1): \"pay.example.com\": the URL cannot be called: its scheme is neither http nor \
         https",
    );
}

#[test]
fn levels_of_the_log() {
    let check = |level: &str, fits: bool| {
        let problems = loaded(&format!("[log]\nlevel = {level:?}\n"), &[], Options::default());
        assert_eq!(problems.is_ok(), fits, "{level}: {problems:?}");
    };
    check("warn", true);
    check("info,tradewind_worker=debug", true);
    check("loud=very=much", false);
}
