//! Rust source seen coarsely: what is code, what is in string literals, and what is test code.
//!
//! A search for a call must not find it in a comment, and a search for SQL must look at literals only.
//! This reader knows just enough of the language for that.

/// The text taken apart. Lines are where they were.
pub(super) struct Source {
    /// The text with comments and the insides of literals blanked.
    pub(super) code: String,
    pub(super) literals: Vec<Literal>,
    /// For each line, whether it belongs to an item under `#[cfg(test)]`.
    tests: Vec<bool>,
}

/// One string literal, as written between its quotes.
pub(super) struct Literal {
    pub(super) line: usize,
    pub(super) text: String,
}

impl Source {
    pub(super) fn read(text: &str) -> Self {
        let bytes = text.as_bytes();
        let mut code = bytes.to_vec();
        let mut literals = Vec::new();
        let (mut at, mut line) = (0, 1);
        while at < bytes.len() {
            let rest = &bytes[at..];
            let in_word = at > 0 && is_word(bytes[at - 1]);
            let (length, inside) = if let Some(length) = comment(rest) {
                (length, 0..length)
            } else if let Some((length, inside)) = string(rest).filter(|_| !in_word) {
                let text = String::from_utf8_lossy(&rest[inside.clone()]).into_owned();
                literals.push(Literal { line, text });
                (length, inside)
            } else if let Some(length) = character(rest) {
                (length, 1..length - 1)
            } else {
                (1, 0..0)
            };
            for byte in &mut code[at + inside.start..at + inside.end] {
                if *byte != b'\n' {
                    *byte = b' ';
                }
            }
            line += rest[..length].iter().filter(|byte| **byte == b'\n').count();
            at += length;
        }
        let code = String::from_utf8_lossy(&code).into_owned();
        let tests = tests(&code);
        Self { code, literals, tests }
    }

    /// Whether the line, counted from one, is shipped rather than test code.
    pub(super) fn ships(&self, line: usize) -> bool {
        !self.tests.get(line - 1).copied().unwrap_or(false)
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// The length of the comment that starts here.
fn comment(rest: &[u8]) -> Option<usize> {
    if rest.starts_with(b"//") {
        return Some(rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()));
    }
    if !rest.starts_with(b"/*") {
        return None;
    }
    let (mut depth, mut at) = (0_u32, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest[at..].starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += 1;
        }
    }
    Some(rest.len())
}

/// The length of the string literal that starts here, and where its inside is.
fn string(rest: &[u8]) -> Option<(usize, std::ops::Range<usize>)> {
    let mut at = usize::from(matches!(rest.first(), Some(b'b' | b'c')));
    let raw = rest.get(at) == Some(&b'r');
    at += usize::from(raw);
    let hashes = if raw { rest[at..].iter().take_while(|byte| **byte == b'#').count() } else { 0 };
    at += hashes;
    if rest.get(at) != Some(&b'"') {
        return None;
    }
    let start = at + 1;
    let mut end = start;
    while end < rest.len() {
        let closes = || rest[end + 1..].iter().take(hashes).filter(|byte| **byte == b'#').count() == hashes;
        match rest[end] {
            b'"' if closes() => return Some((end + 1 + hashes, start..end)),
            b'\\' if !raw => end += 2,
            _ => end += 1,
        }
    }
    Some((rest.len(), start..rest.len()))
}

/// The length of the character literal that starts here. A lifetime is none.
fn character(rest: &[u8]) -> Option<usize> {
    if rest.first() != Some(&b'\'') {
        return None;
    }
    if rest.get(1) == Some(&b'\\') {
        let close = rest.iter().skip(3).position(|byte| *byte == b'\'')?;
        return Some(close + 4);
    }
    let width = match rest.get(1)? {
        0x00..0x80 => 1,
        0x80..0xE0 => 2,
        0xE0..0xF0 => 3,
        _ => 4,
    };
    (rest.get(1 + width) == Some(&b'\'')).then_some(width + 2)
}

/// Marks the lines of every item under `#[cfg(test)]`: up to its closing brace, or its semicolon.
fn tests(code: &str) -> Vec<bool> {
    let mut marks = vec![false; code.lines().count()];
    let mut from = 0;
    while let Some(found) = code[from..].find("#[cfg(test)]") {
        let start = from + found;
        let mut depth = 0_usize;
        let mut end = code.len();
        for (at, byte) in code.bytes().enumerate().skip(start + "#[cfg(test)]".len()) {
            match byte {
                b'{' => depth += 1,
                b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 && matches!(byte, b'}' | b';') {
                end = at + 1;
                break;
            }
        }
        let first = code[..start].matches('\n').count();
        let last = code[..end].matches('\n').count();
        marks.iter_mut().take(last + 1).skip(first).for_each(|mark| *mark = true);
        from = end;
    }
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_taken_out_of_the_code() {
        let text = concat!(
            "let a = \"one \\\" two\"; // three \"four\"\n",
            "let b = r#\"five \" six\"#; /* seven /* eight */ \"nine\" */ let c = 'x';\n",
            "let d: &'a str = b\"ten\"; let e = '\"'; let f = '\\''; let g = 'é'; let r#type = br\"el\\\";\n",
        );
        let source = Source::read(text);
        let literals: Vec<&str> = source.literals.iter().map(|literal| literal.text.as_str()).collect();
        assert_eq!(literals, ["one \\\" two", "five \" six", "ten", "el\\"]);
        assert_eq!(source.code.lines().count(), 3);
        for word in ["one", "three", "four", "five", "seven", "eight", "nine", "ten", "x'", "é"] {
            assert!(!source.code.contains(word), "{word} in {}", source.code);
        }
        for word in ["let c", "&'a str", "let e", "let f", "let g", "r#type"] {
            assert!(source.code.contains(word), "{word} not in {}", source.code);
        }
    }

    #[test]
    fn a_literal_knows_its_line() {
        let source = Source::read("\n/* a\nb */ f(\"x\ny\");\ng(\"z\");\n");
        let lines: Vec<usize> = source.literals.iter().map(|literal| literal.line).collect();
        assert_eq!(lines, [3, 5]);
    }

    #[test]
    fn test_items_do_not_ship() {
        let source = Source::read(
            "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { \"}\" }\n}\nfn c() {}\n#[cfg(test)]\nmod d;\nfn e() {}\n",
        );
        let ships: Vec<bool> = (1..=9).map(|line| source.ships(line)).collect();
        assert_eq!(ships, [true, false, false, false, false, true, false, false, true]);
    }
}
