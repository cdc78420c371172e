//! The programs of the package, and who may run them.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The account that the package makes; PostgreSQL refuses to run as root.
const ACCOUNT: &str = "postgres";

/// Where Debian keeps the programs of each version.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The folder with the programs of the newest version installed.
pub(super) fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let versions = std::fs::read_dir(VERSIONS).into_iter().flatten().flatten();
        let newest = versions
            .filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())))
            .map(|(version, path)| (version, path.join("bin")))
            .filter(|(_, programs)| programs.join("initdb").exists())
            .max();
        let Some((_, programs)) = newest else {
            panic!("there is no PostgreSQL under {VERSIONS}: install the Debian package `postgresql`");
        };
        programs
    })
}

/// A program of the package, to be run as somebody who may.
pub(super) fn program(name: &str) -> Command {
    let path = folder().join(name);
    let mut command = match is_root() {
        true => {
            let mut command = Command::new("runuser");
            command.args(["-u", ACCOUNT, "--"]).arg(path);
            command
        }
        false => Command::new(path),
    };
    // A folder that the account cannot enter would be complained about.
    command.current_dir("/").stdin(Stdio::null());
    command
}

/// Runs a program to its end and returns what it wrote; failing is the end of the test.
pub(super) fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{said}{complaint}", output.status);
    said
}

/// An empty folder that belongs to the account.
pub(super) fn make_folder(path: &Path) {
    std::fs::create_dir_all(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    give(path);
}

/// A file that belongs to the account, and that nobody else can read.
pub(super) fn make_file(path: &Path, content: &[u8]) {
    let failed = |error: std::io::Error| -> ! { panic!("{}: {error}", path.display()) };
    std::fs::write(path, content).unwrap_or_else(|error| failed(error));
    let only_mine = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(path, only_mine).unwrap_or_else(|error| failed(error));
    give(path);
}

fn give(path: &Path) {
    if is_root() {
        let number = |what| {
            let said = run(Command::new("id").args([what, ACCOUNT]));
            said.trim().parse::<u32>().unwrap_or_else(|error| panic!("{said:?}: {error}"))
        };
        let (user, group) = (number("-u"), number("-g"));
        std::os::unix::fs::chown(path, Some(user), Some(group))
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

fn is_root() -> bool {
    static ROOT: OnceLock<bool> = OnceLock::new();
    *ROOT.get_or_init(|| run(Command::new("id").arg("-u")).trim() == "0")
}
