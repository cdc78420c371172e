//! Whoever starts a cluster may be killed at any moment; the watchman clears up after it.
//!
//! Users of a cluster hold a shared lock on a file, which ends with their process. The watchman is a
//! shell that waits for the lock to be free, lingers for those who may come next, and then stops the
//! server and removes the folder, while it keeps newcomers out by the door's lock.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::programs;

/// Held by each user, shared.
pub(super) const USERS: &str = "users";
/// Held while a cluster is being found, started or removed.
pub(super) const DOOR: &str = "door";

const SCRIPT: &str = r#"
home=$1 data=$2 linger=$3 stop=$4
while :; do
    flock "$home/users" true
    sleep "$linger"
    exec 9>"$home/door"
    flock 9
    if flock -n "$home/users" true; then
        $stop -D "$data" -m immediate -s stop
        rm -rf "$home/url" "$data" "$home/log"
        test "$linger" = 0 && rm -rf "$home"
        exit
    fi
    exec 9>&-
done
"#;

/// Opens the lock file `name` in `home`.
pub(super) fn lock_file(home: &Path, name: &str) -> File {
    let path = home.join(name);
    let opened = File::options().create(true).truncate(false).write(true).open(&path);
    opened.unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Sets a watchman over the cluster in `data`.
#[allow(
    clippy::zombie_processes,
    reason = "it outlives the tests on purpose, and the system takes it up then"
)]
pub(super) fn set(home: &Path, data: &Path, linger_s: u32) {
    let stop = programs::program("pg_ctl");
    let stop: Vec<_> = std::iter::once(stop.get_program())
        .chain(stop.get_args())
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    // A group of its own: an interrupt at the terminal ends the tests and not the clearing up.
    let watchman = Command::new("sh")
        .args(["-c", SCRIPT, "watchman"])
        .arg(home)
        .arg(data)
        .arg(linger_s.to_string())
        .arg(stop.join(" "))
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn();
    watchman.unwrap_or_else(|error| panic!("sh: {error}"));
}
