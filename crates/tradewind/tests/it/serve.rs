//! A real gateway from start to stop, and every way in which it refuses to start.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, ChildStderr, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::run::{Done, Folder, run, tradewind};

const ANY_PORTS: [&str; 4] = ["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"];

/// A gateway that has said it is ready. Dropping it kills it.
struct Gateway {
    child: Child,
    ready: Value,
    log: BufReader<ChildStderr>,
}

impl Gateway {
    fn start(folder: &Folder, more: &[&str]) -> Gateway {
        let mut child = serve(folder, &[&["--sandbox", "--json"], more].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut log = BufReader::new(child.stderr.take().unwrap());
        out.read_line(&mut line).unwrap();
        let Ok(ready) = serde_json::from_str(&line) else {
            let mut told = String::new();
            log.read_to_string(&mut told).unwrap();
            panic!("the gateway did not start: {line}{told}");
        };
        Gateway { child, ready, log }
    }

    fn said(&self, name: &str) -> &str {
        self.ready[name].as_str().unwrap()
    }

    fn signal(&self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
    }

    fn stop(mut self) {
        self.signal();
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // Failing means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(folder: &Folder, more: &[&str]) -> Command {
    let data = folder.text("data");
    tradewind(&[&["serve", "--data", &data], &ANY_PORTS[..], more].concat())
}

/// A start that must not succeed.
fn refused(mut command: Command) -> Done {
    let done: Done = command.output().unwrap().into();
    assert_eq!(done.out, "", "nothing is announced");
    done
}

#[test]
fn from_start_to_stop() {
    let folder = Folder::new("life");
    let gateway = Gateway::start(&folder, &["--clock", "2025-11-22T11:00:00+08:00"]);
    let data = folder.path().join("data");

    let announced: Value =
        serde_json::from_slice(&std::fs::read(data.join("gateway.json")).unwrap()).unwrap();
    assert_eq!(announced["pid"], gateway.child.id());
    assert_eq!(announced["listen"], gateway.ready["listen"]);
    assert_eq!(announced["ops"], gateway.ready["ops"]);
    assert!(announced["started_at_ms"].as_i64().unwrap() > 1_763_780_400_000, "{announced}");
    for secret in ["master.key", "ops-token"] {
        let mode = std::fs::metadata(data.join(secret)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{secret}");
    }

    let ask = |line: &str| {
        let path = folder.text("data");
        let done = run(&[&["--data", &path], line.split(' ').collect::<Vec<_>>().as_slice()].concat());
        assert_eq!(done.code, Some(0), "{line}: {}", done.err);
        done.out
    };
    assert_eq!(ask("clock show"), "2025-11-22 11:00:00.000 +08:00 (virtual, stopped)\n");
    assert_eq!(ask("clock advance 90s --utc"), "2025-11-22 03:01:30.000 +00:00 (virtual, stopped)\n");
    assert!(ask("verify").ends_with("clean: the books agree\n"));
    let partners = ask("partner list");
    assert!(partners.contains("Sandbox Shop") && !partners.contains("K7Q2M9X4"), "{partners}");
    assert!(ask("partner list --show-secrets").contains("K7Q2M9X4T1V8B3N6L5R0Z2C7D4F9H1J8"));
    assert!(ask("partner show 0010000001").contains("0010000001"));
    assert!(ask("user list 0010000001").contains("cashier01"));
    let added = ask("partner add --dialect sosopay --key-id 0010000042 --name Added --methods alipay");
    assert!(added.contains("0010000042") && added.contains("secret"), "{added}");
    assert!(ask("partner set 0010000042 --name Renamed").contains("Renamed"));
    assert!(ask("partner rotate 0010000042 --overlap 1h").contains("0010000042"));
    assert!(ask("partner disable 0010000042").contains("suspended"));
    assert!(ask("user add 0010000042 till").contains("password"));
    assert!(ask("user disable 0010000042 till").contains("cannot sign in"));
    let told = ask("endpoint add 0010000042 http://127.0.0.1:9/n --event order.paid");
    assert!(told.contains("order.paid"), "{told}");
    let endpoint = told.split(' ').next().unwrap();
    assert!(ask("endpoint list 0010000042").contains(endpoint));
    ask(&format!("endpoint remove 0010000042 {endpoint}"));
    assert_eq!(ask("task list"), "(none)\n");
    assert_eq!(ask("task retry --failed"), "0 tasks start anew\n");

    gateway.stop();
    assert!(!data.join("gateway.json").exists());
    // The same data again; the clock goes on where it stood.
    let gateway = Gateway::start(&folder, &[]);
    assert_eq!(ask("clock show --utc"), "2025-11-22 03:01:30.000 +00:00 (virtual, stopped)\n");
    gateway.stop();
}

/// The sample that `serve` prints is sent as a shell would: an order, and then its story.
#[test]
fn the_printed_sample_places_an_order() {
    let folder = Folder::new("sample");
    let gateway = Gateway::start(&folder, &[]);
    let sample =
        gateway.ready["try"][0].as_str().unwrap().replacen("curl ", "curl --noproxy '*' --max-time 20 ", 1);
    // The shell of the system splits and unquotes; only curl itself may be missing.
    let output = Command::new("sh").arg("-c").arg(&sample).output().unwrap();
    if output.status.code() != Some(127) {
        let answer = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && answer.contains("SUCCESS"), "{sample}\n{answer}");
    }
    gateway.stop();
}

#[test]
fn the_summary_for_people() {
    let folder = Folder::new("summary");
    let mut child =
        serve(&folder, &["--sandbox"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut text = String::new();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    while !text.contains("tradewind sandbox show") {
        assert_ne!(out.read_line(&mut text).unwrap(), 0, "it ended early:\n{text}");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    for word in [
        "is ready: a sandbox, no money moves.",
        "0010000001",
        "K7Q2M9X4",
        "Try it:\ncurl -sS 'http://127.0.0.1:",
    ] {
        assert!(text.contains(word), "{word} is not in:\n{text}");
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let folder = Folder::new("signals");
    let mut gateway = Gateway::start(&folder, &[]);
    // A request whose body never comes keeps the graceful stop waiting.
    let mut open = TcpStream::connect(gateway.said("listen")).unwrap();
    let path = gateway.ready["try"][0].as_str().unwrap();
    let path = path.split_once("://").unwrap().1.split_once('/').unwrap().1.split('\'').next().unwrap();
    write!(open, "POST /{path} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 10\r\n\r\n")
        .unwrap();
    // Its head has been read when it is told to go on.
    let mut go_on = String::new();
    BufReader::new(open.try_clone().unwrap()).read_line(&mut go_on).unwrap();
    assert!(go_on.contains("100"), "{go_on}");

    gateway.signal();
    let mut line = String::new();
    while !line.contains("stopping") {
        line.clear();
        assert_ne!(gateway.log.read_line(&mut line).unwrap(), 0, "it ended at the first signal");
    }
    gateway.signal();
    assert_eq!(gateway.child.wait().unwrap().code(), Some(130));
    assert!(!folder.path().join("data/gateway.json").exists());
}

#[test]
fn one_folder_has_one_gateway() {
    let folder = Folder::new("locked");
    let gateway = Gateway::start(&folder, &[]);
    let done = refused(serve(&folder, &["--sandbox"]));
    assert_eq!(done.code, Some(1));
    assert!(done.err.contains("tradewind.db is in use by another gateway"), "{}", done.err);
    let announced = std::fs::read_to_string(folder.path().join("data/gateway.json")).unwrap();
    assert!(announced.contains(&gateway.child.id().to_string()), "the announcement of the first stays");
    gateway.stop();
}

#[test]
fn busy_addresses_are_named_with_their_option() {
    let check = |option: &str, other: &str| {
        let folder = Folder::new(&format!("busy{option}"));
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let data = folder.text("data");
        let done = refused(tradewind(&["serve", "--data", &data, option, &address, other, "127.0.0.1:0"]));
        assert_eq!(done.code, Some(1));
        assert!(done.err.contains(&address) && done.err.contains(option), "{}", done.err);
        assert!(!folder.path().join("data/gateway.json").exists());
    };
    check("--listen", "--ops-listen");
    check("--ops-listen", "--listen");
}

#[test]
fn a_wrong_key_file_is_told_before_anything_is_opened() {
    let folder = Folder::new("key");
    Gateway::start(&folder, &[]).stop();
    let key = folder.path().join("data/master.key");
    std::fs::write(&key, "0123456789abcdef".repeat(4)).unwrap();
    let done = refused(serve(&folder, &["--sandbox"]));
    assert_eq!(done.code, Some(1));
    assert!(done.err.contains("master.key` does not fit") && done.err.lines().count() >= 1, "{}", done.err);
    assert!(!done.err.contains("0123456789abcdef"), "{}", done.err);

    std::fs::remove_file(&key).unwrap();
    let done = refused(serve(&folder, &["--sandbox"]));
    assert!(done.err.contains("put the key file back"), "{}", done.err);
}

#[test]
fn a_folder_that_cannot_be_made() {
    let folder = Folder::new("folder");
    let file = folder.file("file", "");
    let check = |data: &str, expected: &str| {
        let done = refused(tradewind(&["serve", "--data", data]));
        assert_eq!(done.code, Some(1));
        assert!(done.err.starts_with("error: ") && done.err.contains(expected), "{}", done.err);
        assert_eq!(done.err.lines().count(), 1, "{}", done.err);
    };
    check(&file, "is a file (option --data)");
    check(&format!("{file}/below"), "could not make the data folder");
}

#[test]
fn only_a_sandbox_has_a_clock_to_set() {
    let folder = Folder::new("clock");
    let done = refused(serve(&folder, &["--clock", "2025-11-22T11:00:00+08:00"]));
    assert_eq!(done.code, Some(2));
    assert!(done.err.contains("sandbox.clock (option --clock): only a sandbox"), "{}", done.err);
    assert!(!folder.path().join("data").exists(), "nothing was made");
}
