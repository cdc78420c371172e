//! What the kernel says about a process, and child processes that announce their address.

use anyhow::{Context, bail};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

/// The kernel's unit for processor time in /proc, the same on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor seconds, user and system, that the process has used with all its threads.
pub(crate) fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let path = format!("/proc/{pid}/stat");
    let text = std::fs::read_to_string(&path).with_context(|| format!("could not read {path}"))?;
    let ticks = cpu_ticks(&text).with_context(|| format!("{path} is unreadable"))?;
    Ok(ticks as f64 / TICKS_PER_SECOND)
}

/// Memory of a process in KiB.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Resident now (VmRSS).
    pub rss_kib: u64,
    /// Resident at most since its start (VmHWM).
    pub peak_kib: u64,
    /// The part of VmRSS that is not backed by a file (RssAnon).
    pub anon_kib: u64,
}

/// Memory of the process from /proc/PID/status.
pub(crate) fn memory(pid: u32) -> anyhow::Result<Memory> {
    let path = format!("/proc/{pid}/status");
    let text = std::fs::read_to_string(&path).with_context(|| format!("could not read {path}"))?;
    memory_of(&text).with_context(|| format!("{path} is unreadable"))
}

fn cpu_ticks(stat: &str) -> Option<u64> {
    // The program's name is in parentheses and may hold spaces; fields count from after it.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

fn memory_of(status: &str) -> Option<Memory> {
    let kib = |name: &str| -> Option<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().strip_suffix("kB")?.trim().parse().ok()
    };
    Some(Memory { rss_kib: kib("VmRSS")?, peak_kib: kib("VmHWM")?, anon_kib: kib("RssAnon")? })
}

/// Another process of this program (`echo`, `receiver`), killed when dropped.
pub(crate) struct Helper {
    child: Child,
    pub address: SocketAddr,
}

impl Helper {
    /// Starts this program with `arguments` and reads the address that it prints first.
    pub(crate) fn start(arguments: &[&str]) -> anyhow::Result<Self> {
        let name = arguments.join(" ");
        let child = Command::new(std::env::current_exe()?)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("could not start `{name}`"))?;
        // Owned from here on, so that it is ended if its announcement is not understood.
        let mut helper = Self { child, address: SocketAddr::from(([0, 0, 0, 0], 0)) };
        let Some(output) = helper.child.stdout.take() else { bail!("`{name}` has no output") };
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let said: serde_json::Value =
            serde_json::from_str(&line).with_context(|| format!("`{name}` did not say where it listens"))?;
        let address = said["listen"].as_str().unwrap_or_default();
        helper.address = address.parse().with_context(|| format!("`{name}` listens on `{address}`"))?;
        Ok(helper)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // Failing means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_found_behind_an_awkward_name() {
        let stat = "7 (a b) c) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 9 0 1";
        assert_eq!(cpu_ticks(stat), Some(300));
        assert_eq!(cpu_ticks("7 (x) S 1"), None);
    }

    #[test]
    fn memory_lines() {
        let status = "Name:\tx\nVmHWM:\t  300 kB\nVmRSS:\t  200 kB\nRssAnon:\t  100 kB\n";
        assert_eq!(memory_of(status), Some(Memory { rss_kib: 200, peak_kib: 300, anon_kib: 100 }));
        assert_eq!(memory_of("Name:\tx\n"), None);
    }

    #[test]
    fn this_process_has_both() {
        let pid = std::process::id();
        assert!(cpu_seconds(pid).unwrap() >= 0.0);
        let memory = memory(pid).unwrap();
        assert!(memory.rss_kib > 0 && memory.peak_kib >= memory.rss_kib);
    }
}
