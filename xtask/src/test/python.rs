//! The Python side of the tests: an environment of its own under `target`, made once and renewed when the
//! list of requirements changes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::process::{program, root, run, succeeds, target};

/// The list of what the suite needs.
const REQUIREMENTS: &str = "tests/e2e/requirements.txt";

/// A way to make an environment. Debian ships Python without the parts that put pip into one; a Python
/// from elsewhere usually has them.
pub(super) struct Maker {
    python: &'static str,
    /// Whether the environment gets its own pip, or is filled by the pip outside.
    own_pip: bool,
}

/// The best way this machine offers, if any.
pub(super) fn maker() -> Option<Maker> {
    // The first on the path may be a bare one while the system's is complete.
    const PYTHONS: [&str; 2] = ["python3", "/usr/bin/python3"];
    let imports = |python: &str, modules: &str| {
        program(python).is_ok_and(|mut command| succeeds(command.args(["-c", &format!("import {modules}")])))
    };
    let find = |modules: &str| PYTHONS.into_iter().find(|python| imports(python, modules));
    let with_pip = find("venv, ensurepip").map(|python| Maker { python, own_pip: true });
    with_pip.or_else(|| find("venv, pip").map(|python| Maker { python, own_pip: false }))
}

/// Makes the environment fit the requirements and returns its Python.
pub(super) fn environment() -> Result<PathBuf> {
    let folder = target()?.join("e2e-venv");
    let python = folder.join("bin/python");
    let stamp = folder.join("requirements.installed");
    let wanted = fs::read_to_string(root()?.join(REQUIREMENTS))
        .with_context(|| format!("could not read `{REQUIREMENTS}`"))?;
    let works = program(&python).is_ok_and(|mut command| succeeds(command.args(["-c", "import pytest"])));
    if works && fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(python);
    }
    make(&folder, &python)?;
    // Written last: an installation that was cut off is done again.
    fs::write(&stamp, wanted).with_context(|| format!("could not write `{}`", stamp.display()))?;
    Ok(python)
}

fn make(folder: &Path, python: &Path) -> Result<()> {
    let maker = maker().context("there is no Python that can make an environment; install python3-venv")?;
    let mut venv = program(maker.python)?;
    venv.args(["-m", "venv", "--clear"]);
    if !maker.own_pip {
        venv.arg("--without-pip");
    }
    if !run(venv.arg(folder))? {
        bail!("could not make the environment `{}`", folder.display());
    }
    let mut pip = if maker.own_pip { program(python)? } else { program(maker.python)? };
    pip.args(["-m", "pip"]);
    if !maker.own_pip {
        pip.arg("--python").arg(python);
    }
    pip.args(["install", "--quiet", "--disable-pip-version-check", "--no-input", "-r", REQUIREMENTS]);
    if !run(&mut pip)? {
        bail!("could not install `{REQUIREMENTS}`");
    }
    Ok(())
}
