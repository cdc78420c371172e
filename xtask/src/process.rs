//! Starting other programs: the root of the repository, cargo without the traces of this run, and the
//! three ways of looking at what a program does.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The root of the repository.
///
/// Cargo tells where the manifest is that it runs; without cargo the current folder has to do.
pub(crate) fn root() -> Result<PathBuf> {
    match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(manifest) => {
            let parent =
                Path::new(&manifest).parent().context("the manifest of xtask has no parent folder")?;
            Ok(parent.to_path_buf())
        }
        None => std::env::current_dir().context("could not read the current folder"),
    }
}

/// A program that runs in the root of the repository and reads nothing from the terminal.
pub(crate) fn program(name: impl AsRef<OsStr>) -> Result<Command> {
    let mut command = Command::new(name);
    command.current_dir(root()?).stdin(Stdio::null());
    Ok(command)
}

/// Cargo, as if called by a person.
///
/// What `cargo run` tells this program about its own package would be taken by build scripts as a change
/// of their surroundings, and cause builds that nobody asked for.
pub(crate) fn cargo<const N: usize>(arguments: [&str; N]) -> Result<Command> {
    let mut command = program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))?;
    for (key, _) in std::env::vars_os() {
        let key_text = key.to_string_lossy();
        if key_text.starts_with("CARGO_PKG_") || key_text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&key);
        }
    }
    command.args(arguments);
    Ok(command)
}

/// Runs and answers whether the program was content. Its output goes where ours goes.
pub(crate) fn run(command: &mut Command) -> Result<bool> {
    announce(command);
    let status = command.status().with_context(|| format!("could not start `{}`", line(command)))?;
    Ok(status.success())
}

/// Runs and returns what the program wrote to its standard output; a failure is an error.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    command.stderr(Stdio::inherit());
    let output = command.output().with_context(|| format!("could not start `{}`", line(command)))?;
    if !output.status.success() {
        bail!("`{}` failed ({})", line(command), output.status);
    }
    String::from_utf8(output.stdout)
        .with_context(|| format!("`{}` wrote text that is not UTF-8", line(command)))
}

/// Runs, shows the standard output while it comes, and returns it with whether the program was content.
pub(crate) fn tee(command: &mut Command) -> Result<(bool, String)> {
    announce(command);
    command.stdout(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("could not start `{}`", line(command)))?;
    let mut seen = String::new();
    if let Some(stdout) = child.stdout.take() {
        let mut reader = BufReader::new(stdout);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes)? > 0 {
            let text = String::from_utf8_lossy(&bytes);
            print!("{text}");
            std::io::stdout().flush()?;
            seen.push_str(&text);
            bytes.clear();
        }
    }
    let status = child.wait().with_context(|| format!("could not wait for `{}`", line(command)))?;
    Ok((status.success(), seen))
}

/// Whether the program can be started and ends well. It is asked silently.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> Result<PathBuf> {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => Ok(root()?.join(folder)),
        None => Ok(root()?.join("target")),
    }
}

fn announce(command: &Command) {
    eprintln!("$ {}", line(command));
}

fn line(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_ways_tell_success_from_failure() {
        assert!(run(&mut program("true").unwrap()).unwrap());
        assert!(!run(&mut program("false").unwrap()).unwrap());
        assert!(run(&mut program("no-such-program-anywhere").unwrap()).is_err());

        assert_eq!(capture(program("printf").unwrap().arg("a\nb")).unwrap(), "a\nb");
        assert!(capture(&mut program("false").unwrap()).is_err());

        let (content, text) = tee(program("sh").unwrap().args(["-c", "echo one; echo two; exit 3"])).unwrap();
        assert!(!content);
        assert_eq!(text, "one\ntwo\n");
    }

    #[test]
    fn cargo_is_called_without_the_traces_of_this_package() {
        let command = cargo(["metadata"]).unwrap();
        let removed: Vec<_> =
            command.get_envs().filter(|(_, value)| value.is_none()).map(|(key, _)| key).collect();
        assert!(removed.iter().any(|key| *key == "CARGO_PKG_NAME"));
        assert!(!removed.iter().any(|key| *key == "CARGO_HOME"));
    }
}
