//! `cargo xtask transitions`: the tables of the state machines in `docs/states.md`, printed from the code.
//!
//! The document may say what it likes around the marked block; the block itself is never written by hand.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::process::{capture, cargo, root};

const DOCUMENT: &str = "docs/states.md";
const BEGIN: &str = "<!-- transitions:begin -->";
const END: &str = "<!-- transitions:end -->";

/// Rewrites the block, or with `--check` only tells whether it is what the code says.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    let check = match arguments {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => bail!("transitions takes only `--check`"),
    };
    let path = root()?.join(DOCUMENT);
    let printed = capture(&mut cargo(["run", "--quiet", "-p", "tradewind", "--", "docs", "transitions"])?)?;
    let before = fs::read_to_string(&path).with_context(|| format!("could not read `{DOCUMENT}`"))?;
    let after = replaced(&before, &printed)?;
    if before == after {
        println!("transitions: `{DOCUMENT}` is what the code says");
        return Ok(true);
    }
    if check {
        println!("transitions: `{DOCUMENT}` is not what the code says; run `cargo xtask transitions`");
        return Ok(false);
    }
    fs::write(&path, after).with_context(|| format!("could not write `{DOCUMENT}`"))?;
    println!("transitions: `{DOCUMENT}` rewritten");
    Ok(true)
}

fn replaced(document: &str, printed: &str) -> Result<String> {
    let Some((head, rest)) = document.split_once(BEGIN) else {
        bail!("`{DOCUMENT}` has no line `{BEGIN}`");
    };
    let Some((_, tail)) = rest.split_once(END) else {
        bail!("`{DOCUMENT}` has no line `{END}` after `{BEGIN}`");
    };
    Ok(format!("{head}{BEGIN}\n\n{}\n\n{END}{tail}", printed.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_block_changes_and_the_second_time_nothing_does() {
        let document = format!("# States\n\n{BEGIN}\nold\n{END}\n\nWords after.\n");
        let once = replaced(&document, "| a | b |\n").unwrap();
        assert_eq!(once, format!("# States\n\n{BEGIN}\n\n| a | b |\n\n{END}\n\nWords after.\n"));
        assert_eq!(replaced(&once, "| a | b |\n").unwrap(), once);
        assert_ne!(replaced(&once, "| a | c |\n").unwrap(), once);
    }

    #[test]
    fn a_document_without_its_marks_is_an_error() {
        assert!(replaced("# States\n", "x").is_err());
        assert!(replaced(&format!("{END}\n{BEGIN}\n"), "x").is_err());
    }
}
