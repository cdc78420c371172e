//! `partner`, `user` and `endpoint`: organisations outside and what belongs to them.

use std::io::Read as _;
use std::path::Path as FilePath;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Map, Value, json};
use tradewind_signing::Secret;

use super::answer::{instant, list, more, plain, print, text, yes_no};
use super::client::{Ops, Path};
use crate::cli::{Endpoint, Partner, PartnerAdd, Terms, User, WhichDialect};
use crate::failure::Usage;
use crate::output::{facts, table};
use crate::when::Zone;

/// Characters of a password that is made here: more than a hundred bits.
const PASSWORD_CHARACTERS: usize = 20;
/// A secret or password of a file is no longer than this.
const SECRET_BYTES_MAX: u64 = 4096;

/// Runs a `partner` command.
pub(crate) async fn partner(ops: &Ops, json: bool, command: Partner) -> anyhow::Result<ExitCode> {
    let nothing = json!({});
    let partners = |rest: &[&str]| Path::of(&[&["partners"], rest].concat());
    match command {
        Partner::Add(PartnerAdd { dialect, key_id, name, secret_file, terms }) => {
            let mut body = with_terms(terms);
            body.insert("dialect".into(), dialect.map_or_else(only_dialect, Ok)?.into());
            body.insert("key_id".into(), key_id.into());
            body.insert("name".into(), name.into());
            if let Some(file) = secret_file {
                body.insert("secret".into(), read_secret(&file)?);
            }
            let answer = ops.post(&partners(&[]), &body.into()).await?;
            Ok(print(json, &answer, |answer| show_partner(answer, false)))
        }
        Partner::List { secrets, page } => {
            let path = partners(&[]).with("secrets", secrets.show_secrets.then_some("true")).page(&page);
            let answer = ops.get(&path).await?;
            Ok(print(json, &answer, |answer| show_partners(answer, secrets.show_secrets)))
        }
        Partner::Show { partner, secrets } => {
            let path = partners(&[&partner]).with("secrets", secrets.show_secrets.then_some("true"));
            let answer = ops.get(&path).await?;
            Ok(print(json, &answer, |answer| show_partner(answer, secrets.show_secrets)))
        }
        Partner::Rotate { partner, secret_file, overlap, dialect } => {
            let mut body = with_dialect(dialect);
            if let Some(file) = secret_file {
                body.insert("secret".into(), read_secret(&file)?);
            }
            if let Some(overlap) = overlap {
                body.insert("overlap_s".into(), (overlap.ms() / 1000).into());
            }
            let answer = ops.post(&partners(&[&partner, "rotate"]), &body.into()).await?;
            Ok(print(json, &answer, show_key))
        }
        Partner::Balance { partner } => {
            let answer = ops.get(&partners(&[&partner, "balance"])).await?;
            Ok(print(json, &answer, show_balance))
        }
        Partner::Enable { partner } => {
            let answer = ops.post(&partners(&[&partner, "enable"]), &nothing).await?;
            Ok(print(json, &answer, |answer| show_partner(answer, false)))
        }
        Partner::Disable { partner } => {
            let answer = ops.post(&partners(&[&partner, "disable"]), &nothing).await?;
            Ok(print(json, &answer, |answer| show_partner(answer, false)))
        }
        Partner::Set { partner, terms, name, dialect } => {
            let mut body = with_terms(terms);
            if let Some(name) = name {
                body.insert("name".into(), name.into());
            }
            if body.is_empty() {
                let message = "give at least one of --name, --settings, --methods, --fee-ppm, --credit-limit";
                return Err(Usage(message.to_owned()).into());
            }
            body.append(&mut with_dialect(dialect));
            let answer = ops.patch(&partners(&[&partner]), &body.into()).await?;
            Ok(print(json, &answer, |answer| show_partner(answer, false)))
        }
    }
}

/// Runs a `user` command.
pub(crate) async fn user(ops: &Ops, json: bool, command: User) -> anyhow::Result<ExitCode> {
    match command {
        User::Add { partner, login, name, password_file, may_refund, device } => {
            let (password, made) = match password_file {
                Some(file) => (read_secret(&file)?, false),
                None => (secret_value(&Secret::generate_text(PASSWORD_CHARACTERS))?, true),
            };
            let name = name.unwrap_or_else(|| login.clone());
            let mut body =
                json!({ "login": login, "password": password, "name": name, "may_refund": may_refund });
            if let Some(device) = device {
                body["device"] = json!({ "serial": device });
            }
            let mut answer = ops.post(&Path::of(&["partners", &partner, "users"]), &body).await?;
            if let Some(answer) = answer.as_object_mut().filter(|_| made) {
                answer.insert("password".into(), password);
            }
            Ok(print(json, &answer, show_user))
        }
        User::List { partner, page } => {
            let answer = ops.get(&Path::of(&["partners", &partner, "users"]).page(&page)).await?;
            Ok(print(json, &answer, show_users))
        }
        User::Disable { partner, login } => {
            let path = Path::of(&["partners", &partner, "users", &login, "disable"]);
            let answer = ops.post(&path, &json!({})).await?;
            Ok(print(json, &answer, |_| format!("{login} cannot sign in any more")))
        }
    }
}

/// Runs an `endpoint` command.
pub(crate) async fn endpoint(ops: &Ops, json: bool, command: Endpoint) -> anyhow::Result<ExitCode> {
    match command {
        Endpoint::Add { partner, url, events, dialect } => {
            let mut body = with_dialect(dialect);
            body.insert("url".into(), url.into());
            body.insert("events".into(), events.into());
            let answer = ops.post(&Path::of(&["partners", &partner, "endpoints"]), &body.into()).await?;
            Ok(print(json, &answer, |answer| {
                format!(
                    "{} is told {} at {}",
                    text(answer, "id"),
                    text(answer, "events"),
                    text(answer, "url")
                )
            }))
        }
        Endpoint::List { partner, page } => {
            let answer = ops.get(&Path::of(&["partners", &partner, "endpoints"]).page(&page)).await?;
            Ok(print(json, &answer, show_endpoints))
        }
        Endpoint::Remove { partner, endpoint } => {
            let path = Path::of(&["partners", &partner, "endpoints", &endpoint]);
            let answer = ops.delete(&path).await?;
            Ok(print(json, &answer, |_| format!("{endpoint} is told nothing more")))
        }
    }
}

/// The protocol of a new partner, when the operator names none.
fn only_dialect() -> Result<String, Usage> {
    match &*tradewind_dialects::all() {
        [only] => Ok(only.name().to_owned()),
        several => {
            let names: Vec<&str> = several.iter().map(|dialect| dialect.name()).collect();
            Err(Usage(format!("give the protocol: --dialect with one of {}", names.join(", "))))
        }
    }
}

fn with_dialect(which: WhichDialect) -> Map<String, Value> {
    which.dialect.into_iter().map(|name| ("dialect".to_owned(), name.into())).collect()
}

fn with_terms(terms: Terms) -> Map<String, Value> {
    let mut body = Map::new();
    if let Some(settings) = terms.settings {
        body.insert("settings".into(), settings);
    }
    if let Some(methods) = terms.methods {
        body.insert("methods".into(), methods.into());
    }
    if let Some(fee_ppm) = terms.fee_ppm {
        body.insert("fee_ppm".into(), fee_ppm.into());
    }
    if let Some(credit_limit) = terms.credit_limit {
        body.insert("credit_limit".into(), credit_limit.into());
    }
    body
}

/// The first line of a file, or of standard input for `-`. Secrets do not stand on the command line,
/// where every user of the machine could read them.
fn read_secret(file: &FilePath) -> anyhow::Result<Value> {
    let mut text = String::new();
    let read = if file == FilePath::new("-") {
        std::io::stdin().lock().take(SECRET_BYTES_MAX).read_to_string(&mut text)
    } else {
        std::fs::File::open(file).and_then(|open| open.take(SECRET_BYTES_MAX).read_to_string(&mut text))
    };
    read.with_context(|| format!("could not read the secret from `{}`", file.display()))?;
    let line = text.lines().next().unwrap_or_default();
    anyhow::ensure!(!line.is_empty(), "the first line of `{}` is empty", file.display());
    Ok(line.into())
}

fn secret_value(secret: &Secret) -> anyhow::Result<Value> {
    Ok(secret.expose_str()?.into())
}

fn show_partners(answer: &Value, secrets: bool) -> String {
    let rows = list(answer, "partners").iter().map(|partner| {
        let keys = list(partner, "credentials");
        let each = |name: &str| keys.iter().map(|key| text(key, name)).collect::<Vec<_>>().join(", ");
        [
            text(partner, "id"),
            text(partner, "name"),
            text(partner, "state"),
            each("key_id"),
            each(secret_column(secrets)),
            text(partner, "methods"),
            text(partner, "fee_ppm"),
        ]
    });
    let head = ["partner", "name", "state", "key id", secret_column(secrets), "methods", "fee ppm"];
    table(head, rows) + &more(answer)
}

fn show_partner(partner: &Value, secrets: bool) -> String {
    let head = facts(&[
        ("partner", text(partner, "id")),
        ("name", text(partner, "name")),
        ("state", text(partner, "state")),
        ("methods", text(partner, "methods")),
        ("fee ppm", text(partner, "fee_ppm")),
        ("credit limit", text(partner, "credit_limit")),
        ("settings", plain(&partner["settings"])),
        ("added", instant(partner, "created_at_ms", Zone::Local)),
        // There once, when the secret is new and somebody has to learn it.
        ("secret", text(partner, "secret")),
    ]);
    let keys = list(partner, "credentials").iter().map(|key| {
        [
            text(key, "dialect"),
            text(key, "key_id"),
            text(key, secret_column(secrets)),
            instant(key, "created_at_ms", Zone::Local),
            instant(key, "expires_at_ms", Zone::Local),
        ]
    });
    format!("{head}\n\n{}", table(["protocol", "key id", secret_column(secrets), "added", "ends"], keys))
}

fn show_balance(answer: &Value) -> String {
    let head =
        facts(&[("available", text(answer, "available")), ("credit limit", text(answer, "credit_limit"))]);
    let accounts = list(answer, "accounts").iter().map(|account| {
        [
            text(account, "account"),
            text(account, "currency"),
            text(account, "debits_posted"),
            text(account, "credits_posted"),
            text(account, "debits_pending"),
            text(account, "credits_pending"),
        ]
    });
    let names = ["account", "currency", "debits", "credits", "debits pending", "credits pending"];
    format!("{head}\n\n{}", table(names, accounts))
}

/// A new key, with the secret that somebody has to learn now.
fn show_key(key: &Value) -> String {
    facts(&[
        ("protocol", text(key, "dialect")),
        ("key id", text(key, "key_id")),
        ("secret", text(key, "secret")),
        ("added", instant(key, "created_at_ms", Zone::Local)),
    ])
}

/// Two secrets can be told apart by their fingerprints, which give nothing away.
fn secret_column(secrets: bool) -> &'static str {
    if secrets { "secret" } else { "fingerprint" }
}

fn show_user(user: &Value) -> String {
    facts(&[
        ("user", text(user, "id")),
        ("login", text(user, "login")),
        ("password", text(user, "password")),
        ("name", text(user, "name")),
        ("may refund", yes_no(user, "may_refund")),
        ("state", text(user, "state")),
    ])
}

fn show_users(answer: &Value) -> String {
    let users = list(answer, "users").iter().map(|user| {
        [
            text(user, "id"),
            text(user, "login"),
            text(user, "name"),
            text(user, "state"),
            yes_no(user, "may_refund"),
            instant(user, "signed_in_at_ms", Zone::Local),
        ]
    });
    table(["user", "login", "name", "state", "may refund", "signed in"], users) + &more(answer)
}

fn show_endpoints(answer: &Value) -> String {
    let endpoints = list(answer, "endpoints")
        .iter()
        .map(|endpoint| [text(endpoint, "id"), text(endpoint, "url"), text(endpoint, "events")]);
    table(["endpoint", "url", "events"], endpoints) + &more(answer)
}
