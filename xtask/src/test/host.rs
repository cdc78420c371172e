//! What a fresh Debian machine lacks.
//!
//! Needs are tried, not looked up in a package list: a machine that has the thing from elsewhere is fine.

use std::path::Path;

use anyhow::{Result, bail};

use super::python;
use crate::process::{capture, program, run, succeeds};

/// Something the tests need from the machine.
struct Need {
    /// The Debian package that brings it.
    package: &'static str,
    present: fn() -> bool,
    /// Whether only the Python suite needs it.
    e2e_only: bool,
}

const NEEDS: &[Need] = &[
    // The C compiler builds SQLite and the TLS library.
    Need { package: "gcc", present: || command("cc"), e2e_only: false },
    Need { package: "libc6-dev", present: || Path::new("/usr/include/stdlib.h").exists(), e2e_only: false },
    // Tests start clusters of their own from its programs; the one that Debian sets up is not used.
    Need { package: "postgresql", present: postgres, e2e_only: false },
    // Tests of TLS to the database sign certificates of their own with it.
    Need { package: "openssl", present: openssl, e2e_only: false },
    Need { package: "python3-venv", present: || python::maker().is_some(), e2e_only: true },
];

/// Installs what is missing if that is possible, and says what to type if it is not.
pub(super) fn prepare(e2e: bool) -> Result<()> {
    let missing = || -> Vec<&str> {
        let needs = NEEDS.iter().filter(|need| e2e || !need.e2e_only);
        needs.filter(|need| !(need.present)()).map(|need| need.package).collect()
    };
    let packages = missing();
    if packages.is_empty() {
        return Ok(());
    }
    let line = install_line(&packages);
    if !command("apt-get") {
        bail!("this machine lacks what the Debian packages {} bring", packages.join(", "));
    }
    if !is_root() {
        bail!("this machine lacks {}; install with `{line}`", packages.join(", "));
    }
    run(program("apt-get")?.args(["update", "-q"]))?;
    run(program("apt-get")?
        .args(["install", "-y", "-q", "--no-install-recommends"])
        .args(&packages)
        .env("DEBIAN_FRONTEND", "noninteractive"))?;
    let still = missing();
    if !still.is_empty() {
        bail!("still lacking after the installation: {}", still.join(", "));
    }
    Ok(())
}

fn install_line(packages: &[&str]) -> String {
    format!("sudo apt-get update && sudo apt-get install -y --no-install-recommends {}", packages.join(" "))
}

fn postgres() -> bool {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    command("psql") && versions.into_iter().any(|version| version.path().join("bin/initdb").exists())
}

fn openssl() -> bool {
    program("openssl").is_ok_and(|mut command| succeeds(command.arg("version")))
}

fn command(name: &str) -> bool {
    program(name).is_ok_and(|mut command| succeeds(command.arg("--version")))
}

fn is_root() -> bool {
    program("id").and_then(|mut id| capture(id.arg("-u"))).is_ok_and(|id| id.trim() == "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_missing() {
        assert!(command("cargo"));
        assert!(!command("no-such-program-anywhere"));
    }

    #[test]
    fn the_line_to_type_names_every_package() {
        assert_eq!(
            install_line(&["gcc", "python3-venv"]),
            "sudo apt-get update && sudo apt-get install -y --no-install-recommends gcc python3-venv"
        );
    }
}
