//! Commands that print what the binary itself knows; no gateway is needed.

use std::process::ExitCode;
use std::sync::Arc;

use clap::CommandFactory as _;
use clap_complete::Shell;
use serde_json::{Value, json};
use tradewind_channels::sandbox::MAGIC;
use tradewind_dialect::{Dialect, SandboxPartner};

use crate::cli::{Cli, Config, Global};
use crate::config::{self, Origin, Problem, REFERENCE};
use crate::failure::EXIT_USAGE;
use crate::output::{self, table};
use crate::sources;

/// Runs a `config` command.
pub(crate) fn config(global: &Global, command: &Config) -> anyhow::Result<ExitCode> {
    match command {
        Config::Print if global.json => {
            let reference: toml::Table = REFERENCE.parse()?;
            output::json(&serde_json::to_value(reference)?);
            Ok(ExitCode::SUCCESS)
        }
        Config::Print => {
            output::text(REFERENCE);
            Ok(ExitCode::SUCCESS)
        }
        Config::Check { file } => {
            let mut sources = sources(global);
            if let Some(file) = file {
                sources.file = Some(file.clone());
            }
            let problems = config::load(&sources).err().map(|problems| problems.0).unwrap_or_default();
            if global.json {
                let problems: Vec<Value> = problems.iter().map(problem_json).collect();
                output::json(&json!({ "problems": problems }));
            } else if problems.is_empty() {
                output::line("the configuration is fine");
            } else {
                problems.iter().for_each(|problem| output::line(&problem.to_string()));
            }
            Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(EXIT_USAGE) })
        }
    }
}

fn problem_json(problem: &Problem) -> Value {
    let mut value = json!({ "key": problem.key, "message": problem.message });
    match &problem.origin {
        Origin::Default => {}
        Origin::Variable(name) => value["variable"] = name.as_str().into(),
        Origin::Option(name) => value["option"] = (*name).into(),
        Origin::File { path, line } => {
            value["file"] = path.display().to_string().into();
            value["line"] = (*line).into();
        }
    }
    value
}

/// Runs `sandbox show`.
pub(crate) fn sandbox(global: &Global) -> anyhow::Result<ExitCode> {
    if global.json {
        let magic: Vec<Value> = MAGIC
            .iter()
            .map(|magic| json!({ "what": magic.what, "value": magic.value, "meaning": magic.meaning }))
            .collect();
        output::json(&json!({ "partners": sandbox_partners_json(), "magic": magic }));
    } else {
        let magic = MAGIC.iter().map(|magic| [magic.what, magic.value, magic.meaning].map(str::to_owned));
        output::line(&format!(
            "Partners\n{}\n\nUsers\n{}\n\nValues that decide what happens\n{}",
            sandbox_partners(),
            sandbox_users(),
            table(["in", "value", "what happens"], magic)
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// The published partners with the name of their protocol.
fn published() -> Vec<(&'static str, SandboxPartner)> {
    let of = |dialect: &Arc<dyn Dialect>| {
        let name = dialect.name();
        dialect.sandbox_partners().into_iter().map(move |partner| (name, partner))
    };
    tradewind_dialects::all().iter().flat_map(of).collect()
}

/// The published partners and their secrets as a table.
pub(crate) fn sandbox_partners() -> String {
    let rows = published().into_iter().map(|(dialect, partner)| {
        [
            dialect.to_owned(),
            partner.key_id.to_owned(),
            partner.secret.to_owned(),
            partner.name.to_owned(),
            if partner.suspended { "suspended" } else { "active" }.to_owned(),
        ]
    });
    table(["protocol", "key id", "secret", "name", "state"], rows)
}

fn sandbox_users() -> String {
    let rows = published().into_iter().flat_map(|(_, partner)| {
        partner.users.iter().map(move |user| {
            let rights = match (user.locked, user.may_refund) {
                (true, _) => "locked",
                (false, true) => "may refund",
                (false, false) => "",
            };
            [partner.key_id, user.login, user.password, user.name, rights].map(str::to_owned)
        })
    });
    table(["key id", "login", "password", "name", "rights"], rows)
}

/// The published partners and their users for programs.
pub(crate) fn sandbox_partners_json() -> Vec<Value> {
    let each = |(dialect, partner): (&str, SandboxPartner)| {
        let users: Vec<Value> = partner
            .users
            .iter()
            .map(|user| {
                json!({
                    "login": user.login, "password": user.password, "name": user.name,
                    "may_refund": user.may_refund, "locked": user.locked,
                })
            })
            .collect();
        let methods: Vec<&str> = partner.methods.iter().map(|method| method.name()).collect();
        json!({
            "dialect": dialect, "key_id": partner.key_id, "secret": partner.secret, "name": partner.name,
            "suspended": partner.suspended, "methods": methods, "users": users,
        })
    };
    published().into_iter().map(each).collect()
}

/// Runs `dialect interfaces`.
pub(crate) fn interfaces(global: &Global) -> anyhow::Result<ExitCode> {
    let dialects = tradewind_dialects::all();
    let interfaces = dialects.iter().flat_map(|dialect| dialect.interfaces());
    if global.json {
        let list = interfaces.map(
            |interface| json!({ "id": interface.id, "title": interface.title, "section": interface.section }),
        );
        output::json(&list.collect());
    } else {
        let rows =
            interfaces.map(|interface| [interface.id, interface.title, interface.section].map(str::to_owned));
        output::line(&table(["id", "title", "section"], rows));
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs `docs transitions`.
pub(crate) fn transitions() -> anyhow::Result<ExitCode> {
    output::text(&tradewind_domain::transitions::markdown());
    Ok(ExitCode::SUCCESS)
}

/// Runs `completions`.
pub(crate) fn completions(shell: Shell) -> anyhow::Result<ExitCode> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tradewind", &mut script);
    output::text(&String::from_utf8(script)?);
    Ok(ExitCode::SUCCESS)
}
