//! A gateway process under test: start, readiness, operator calls, graceful stop, SIGKILL.

use crate::clock::wait_until;
use crate::http::Call;
use crate::sosopay::Partner;
use anyhow::{Context, bail, ensure};
use rustix::process::Signal;
use serde::Deserialize;
use serde_json::{Value, json};
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A start that takes longer is a failure, even after a crash on a large database.
const START_LIMIT: Duration = Duration::from_secs(120);
/// A graceful stop that takes longer is a failure.
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// Fine enough to time a start of a few dozen milliseconds.
const LOOK_PAUSE: Duration = Duration::from_millis(1);
/// Verifying a large database reads all of it.
const OPERATOR_LIMIT: Duration = Duration::from_secs(900);

/// The master key's file in a data folder.
const MASTER_KEY: &str = "master.key";

/// A running gateway. Dropping it kills the process.
pub(crate) struct Gateway {
    child: Child,
    data: PathBuf,
    pub listen: SocketAddr,
    pub operator: Operator,
    /// From the start of the process until `gateway.json` named it and `/readyz` answered 200.
    pub started_in: Duration,
}

/// The part of `gateway.json` that is needed here.
#[derive(Deserialize)]
struct Announcement {
    pid: u32,
    listen: SocketAddr,
    ops: SocketAddr,
}

/// How a gateway is started.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub binary: PathBuf,
    pub data: PathBuf,
    /// Where it listens for partners and for operators; port 0 takes a free one.
    pub listen: SocketAddr,
    pub ops_listen: SocketAddr,
    /// Keys of the configuration, as variables of the environment.
    pub environment: Vec<(String, String)>,
}

impl Setup {
    /// The embedded store in `data`, on free ports.
    pub(crate) fn new(binary: &Path, data: &Path) -> Self {
        let free = SocketAddr::from(([127, 0, 0, 1], 0));
        Self {
            binary: binary.to_owned(),
            data: data.to_owned(),
            listen: free,
            ops_listen: free,
            environment: Vec::new(),
        }
    }

    /// Gives the data folder the master key of another, as gateways on one database must have it.
    pub(crate) fn with_key_of(self, other: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(&self.data)?;
        std::fs::copy(other.join(MASTER_KEY), self.data.join(MASTER_KEY))
            .with_context(|| format!("could not take the master key of {}", other.display()))?;
        Ok(self)
    }

    /// Sets a key of the configuration, for instance `store.url`.
    pub(crate) fn set(mut self, key: &str, value: &str) -> Self {
        let variable = format!("TRADEWIND__{}", key.replace('.', "__").to_uppercase());
        self.environment.push((variable, value.to_owned()));
        self
    }
}

impl Gateway {
    /// Starts `binary` with the sandbox on a data folder and waits until it is ready.
    pub(crate) fn start(binary: &Path, data: &Path) -> anyhow::Result<Self> {
        Self::start_with(&Setup::new(binary, data))
    }

    /// Starts a gateway with the sandbox and waits until it is ready.
    pub(crate) fn start_with(setup: &Setup) -> anyhow::Result<Self> {
        let Setup { binary, data, listen, ops_listen, environment } = setup;
        std::fs::create_dir_all(data).with_context(|| format!("could not make {}", data.display()))?;
        let log_path = log_path(data);
        let log = File::options().create(true).append(true).open(&log_path);
        let log = log.with_context(|| format!("could not open {}", log_path.display()))?;
        let begun_at = Instant::now();
        let child = Command::new(binary)
            .args(["serve", "--sandbox", "--listen", &listen.to_string()])
            .args(["--ops-listen", &ops_listen.to_string(), "--data"])
            .arg(data)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| {
                format!("could not start {} (build it with --release first)", binary.display())
            })?;
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        // Owned from here on, so that it is ended when it does not become ready.
        let mut gateway = Self {
            child,
            data: data.to_owned(),
            listen: nowhere,
            operator: Operator { address: nowhere, token: String::new() },
            started_in: Duration::ZERO,
        };
        gateway.await_ready()?;
        gateway.started_in = begun_at.elapsed();
        gateway.operator.token = read_token(&data.join("ops-token"))?;
        Ok(gateway)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills the process at once, as a crash would, and collects it.
    pub(crate) fn kill(mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("the gateway had ended by itself before it was killed: {}", self.obituary(status));
        }
        self.child.kill().context("could not kill the gateway")?;
        self.child.wait()?;
        Ok(())
    }

    /// Stops the process where it stands, without its noticing, until [`Gateway::resume`].
    pub(crate) fn pause(&self) -> anyhow::Result<()> {
        self.signal(Signal::STOP)
    }

    /// Lets a paused process go on.
    pub(crate) fn resume(&self) -> anyhow::Result<()> {
        self.signal(Signal::CONT)
    }

    /// The last words of the process, when it has ended by itself.
    pub(crate) fn ended(&mut self) -> anyhow::Result<Option<String>> {
        Ok(self.child.try_wait()?.map(|status| self.obituary(status)))
    }

    fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        let pid = i32::try_from(self.pid()).ok().and_then(rustix::process::Pid::from_raw);
        let pid = pid.context("the gateway has an impossible process id")?;
        rustix::process::kill_process(pid, signal).with_context(|| format!("could not send {signal:?}"))
    }

    /// Asks the process to stop, and checks that it says goodbye: status 0 and no `gateway.json`.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        self.signal(Signal::TERM)?;
        let ended = wait_until(STOP_LIMIT, LOOK_PAUSE, || Ok(self.child.try_wait()?))?;
        let status = ended.with_context(|| format!("the gateway did not stop within {STOP_LIMIT:?}"))?;
        ensure!(status.success(), "a graceful stop ended badly: {}", self.obituary(status));
        ensure!(
            !self.data.join("gateway.json").exists(),
            "gateway.json is still there after a graceful stop"
        );
        Ok(())
    }

    fn await_ready(&mut self) -> anyhow::Result<()> {
        let path = self.data.join("gateway.json");
        let mut last = "it has not said where it listens".to_owned();
        let ready = wait_until(START_LIMIT, LOOK_PAUSE, || {
            if let Some(status) = self.child.try_wait()? {
                bail!("the gateway ended while it started: {}", self.obituary(status));
            }
            // A file left by a killed predecessor names another process.
            let Some(said) = read_announcement(&path)?.filter(|said| said.pid == self.child.id()) else {
                return Ok(None);
            };
            match Call::get("/readyz").send(said.listen) {
                Ok((200, _)) => return Ok(Some(said)),
                Ok((status, _)) => last = format!("/readyz answered {status}"),
                Err(error) => last = format!("{error:#}"),
            }
            Ok(None)
        })?;
        let said = ready.with_context(|| {
            let log = tail(&log_path(&self.data));
            format!("the gateway was not ready within {START_LIMIT:?}; {last}:\n{log}")
        })?;
        self.listen = said.listen;
        self.operator.address = said.ops;
        Ok(())
    }

    fn obituary(&self, status: ExitStatus) -> String {
        format!("{status}\n{}", tail(&log_path(&self.data)))
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Failing means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The operator listener of a gateway.
#[derive(Debug, Clone)]
pub(crate) struct Operator {
    pub address: SocketAddr,
    token: String,
}

impl Operator {
    pub(crate) fn from_token_file(address: SocketAddr, file: &Path) -> anyhow::Result<Self> {
        Ok(Self { address, token: read_token(file)? })
    }

    pub(crate) fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.call("GET", path, None)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.call("POST", path, Some(&body.to_string()))
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.call("PUT", path, Some(&body.to_string()))
    }

    /// Moves a sandbox's clock forward and lets everything that becomes due settle.
    pub(crate) fn advance_clock(&self, by: Duration) -> anyhow::Result<()> {
        self.post("/ops/v1/clock/advance", &json!({ "by_ms": by.as_millis() as u64 })).map(drop)
    }

    /// The engine's time, in Unix milliseconds.
    pub(crate) fn now_ms(&self) -> anyhow::Result<u64> {
        self.get("/ops/v1/clock")?["now_ms"].as_u64().context("the clock shows no `now_ms`")
    }

    /// Adds a partner of the payment protocol.
    pub(crate) fn add_partner(&self, partner: &Partner) -> anyhow::Result<()> {
        let new = json!({
            "dialect": "sosopay", "key_id": partner.busi_id, "name": "Load", "secret": partner.key,
        });
        self.post("/ops/v1/partners", &new).map(drop)
    }

    /// Runs `POST /ops/v1/verify`; the findings of an unclean database are the error.
    pub(crate) fn verify(&self) -> anyhow::Result<()> {
        self.checked().map(drop)
    }

    /// The same; returns how many rows of what were checked.
    pub(crate) fn checked(&self) -> anyhow::Result<Value> {
        let said = self.call("POST", "/ops/v1/verify", None)?;
        ensure!(
            said["clean"] == Value::Bool(true),
            "verify found: {}",
            shortened(&said["findings"].to_string())
        );
        Ok(said["checked"].clone())
    }

    /// One page of a partner's event stream after a number.
    pub(crate) fn events(&self, partner: &str, after: u64, limit: u64) -> anyhow::Result<Vec<Event>> {
        let page = self.get(&format!("/ops/v1/partners/{partner}/events?after={after}&limit={limit}"))?;
        let events = items(&page, "events")?.iter().map(Event::deserialize);
        events.collect::<Result<_, _>>().context("an event is unreadable")
    }

    fn call(&self, method: &str, path: &str, body: Option<&str>) -> anyhow::Result<Value> {
        let call = Call { method, path, bearer: Some(&self.token), body, limit: OPERATOR_LIMIT };
        let (status, body) = call.send(self.address)?;
        ensure!(
            matches!(status, 200 | 201),
            "{method} {path} answered {status}: {}",
            shortened(&String::from_utf8_lossy(&body))
        );
        serde_json::from_slice(&body).with_context(|| format!("{method} {path} did not answer JSON"))
    }
}

/// An entry of a partner's event stream.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Event {
    pub number: u64,
    pub kind: String,
    pub order: Option<String>,
}

/// The list in an operator answer: the member `name`.
pub(crate) fn items<'a>(answer: &'a Value, name: &str) -> anyhow::Result<&'a Vec<Value>> {
    answer[name]
        .as_array()
        .with_context(|| format!("the answer has no list `{name}`: {}", shortened(&answer.to_string())))
}

fn read_announcement(path: &Path) -> anyhow::Result<Option<Announcement>> {
    match std::fs::read(path) {
        Ok(text) => {
            let said = serde_json::from_slice(&text);
            Ok(Some(said.with_context(|| format!("{} is unreadable", path.display()))?))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("could not read {}", path.display())),
    }
}

fn read_token(path: &Path) -> anyhow::Result<String> {
    let token =
        std::fs::read_to_string(path).with_context(|| format!("could not read {}", path.display()))?;
    Ok(token.trim().to_owned())
}

/// Beside the data folder, which belongs to the gateway alone.
fn log_path(data: &Path) -> PathBuf {
    data.with_extension("log")
}

/// The last lines of a log, for an error message.
fn tail(path: &Path) -> String {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text[text.len().saturating_sub(4000)..]).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(15)..].join("\n")
}

fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(600).collect();
    if short.len() < text.len() {
        short.push_str(" ...");
    }
    short
}

/// A fresh folder for one run, removed when dropped unless it is kept.
pub(crate) struct Workspace {
    path: PathBuf,
    keep: bool,
}

impl Workspace {
    /// Makes `root/NAME-PID-TIME`.
    pub(crate) fn fresh(root: &Path, name: &str, keep: bool) -> anyhow::Result<Self> {
        let path = root.join(format!("{name}-{}-{:x}", std::process::id(), crate::clock::wall_ms()));
        std::fs::create_dir_all(&path).with_context(|| format!("could not make {}", path.display()))?;
        Ok(Self { path, keep })
    }

    pub(crate) fn folder(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Leaves the folder for a person to look at, and says where it is.
    pub(crate) fn keep(&mut self) -> &Path {
        self.keep = true;
        &self.path
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        if !self.keep {
            // What cannot be removed lies in the build folder and harms nobody.
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_operator_answers() {
        assert_eq!(items(&json!({"tasks": [1, 2]}), "tasks").unwrap().len(), 2);
        assert!(items(&json!({"error": {"code": "not_found"}}), "tasks").is_err());
    }

    #[test]
    fn announcements() {
        let mut folder = Workspace::fresh(&std::env::temp_dir(), "announcement", false).unwrap();
        let path = folder.folder("gateway.json");
        assert!(read_announcement(&path).unwrap().is_none());
        let text = r#"{"pid":7,"listen":"127.0.0.1:80","ops":"127.0.0.1:81","started_at_ms":1}"#;
        std::fs::write(&path, text).unwrap();
        let said = read_announcement(&path).unwrap().unwrap();
        assert_eq!((said.pid, said.listen.port(), said.ops.port()), (7, 80, 81));
        std::fs::write(&path, "{").unwrap();
        assert!(
            read_announcement(&path).is_err(),
            "the file is written atomically, so half of it is a fault"
        );
        folder.keep = false;
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(shortened("short"), "short");
        assert_eq!(shortened(&"ä".repeat(700)).chars().count(), 604);
    }
}
