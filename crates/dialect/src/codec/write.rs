//! Writing a message in either format, member by member, without a tree in between.
//!
//! Members keep the order in which they are written. JSON is compact and leaves `/` alone; XML has a
//! declaration, no indentation, no attributes. Names are the dialects' own and are written as they are.

use std::fmt::Write as _;

use tradewind_domain::Money;

use super::message::Format;
use super::xml::is_xml_char;

/// Enough for an ordinary answer, so that it is allocated once.
const CAPACITY: usize = 1024;
const DECLARATION: &str = r#"<?xml version="1.0" encoding="UTF-8"?>"#;

/// How JSON writes a list. XML always writes an element that holds one element per entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListShape {
    /// `"name":[..]`.
    Array,
    /// `"name":{"entry":[..]}`.
    Held,
    /// `"name":{..}` when there is exactly one entry, an array otherwise.
    OneBare,
}

/// A message being written.
#[derive(Debug)]
pub struct Writer {
    format: Format,
    root: Option<&'static str>,
    out: String,
    /// Nothing has been written yet into the innermost JSON object.
    fresh: bool,
}

impl Writer {
    /// A message in one outermost member or element.
    pub fn wrapped(format: Format, root: &'static str) -> Writer {
        let mut writer =
            Writer { format, root: Some(root), out: String::with_capacity(CAPACITY), fresh: true };
        match format {
            Format::Json => {
                writer.out.push('{');
                writer.json_name(root);
                writer.open_json();
            }
            Format::Xml => {
                writer.out.push_str(DECLARATION);
                writer.tag("<", root);
            }
        }
        writer
    }

    /// A JSON object without a name.
    pub fn bare_json() -> Writer {
        let mut writer =
            Writer { format: Format::Json, root: None, out: String::with_capacity(CAPACITY), fresh: true };
        writer.open_json();
        writer
    }

    /// The whole text.
    pub fn finish(mut self) -> String {
        match (self.format, self.root) {
            (Format::Json, None) => self.out.push('}'),
            (Format::Json, Some(_)) => self.out.push_str("}}"),
            (Format::Xml, root) => self.tag("</", root.unwrap_or_default()),
        }
        self.out
    }

    /// A text; it may be empty.
    pub fn text(&mut self, name: &str, value: &str) {
        match self.format {
            Format::Json => {
                self.json_name(name);
                self.json_string(value);
            }
            Format::Xml => {
                self.tag("<", name);
                self.xml_text(value);
                self.tag("</", name);
            }
        }
    }

    /// A text, when there is one.
    pub fn text_if(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// A whole number.
    pub fn int(&mut self, name: &str, value: i64) {
        self.verbatim(name, format_args!("{value}"));
    }

    /// An amount in main units as a number: exact, with no more digits after the point than it takes.
    pub fn money(&mut self, name: &str, amount: Money) {
        let exact = amount.to_decimal(6).unwrap_or_default();
        self.verbatim(name, format_args!("{}", exact.trim_end_matches('0').trim_end_matches('.')));
    }

    /// A truth value.
    pub fn bool(&mut self, name: &str, value: bool) {
        self.verbatim(name, format_args!("{value}"));
    }

    /// An object with members of its own.
    pub fn object(&mut self, name: &str, members: impl FnOnce(&mut Writer)) {
        match self.format {
            Format::Json => {
                self.json_name(name);
                self.json_object(|writer| members(writer));
            }
            Format::Xml => {
                self.tag("<", name);
                members(self);
                self.tag("</", name);
            }
        }
    }

    /// A list of objects. `entry` is what XML, and [`ListShape::Held`] in JSON, call an entry.
    pub fn list<T>(
        &mut self,
        name: &str,
        entry: &str,
        shape: ListShape,
        entries: impl ExactSizeIterator<Item = T>,
        mut members: impl FnMut(&mut Writer, T),
    ) {
        match self.format {
            Format::Xml => {
                self.tag("<", name);
                for item in entries {
                    self.object(entry, |writer| members(writer, item));
                }
                self.tag("</", name);
            }
            Format::Json => {
                self.json_name(name);
                match shape {
                    ListShape::Array => self.json_array(entries, members),
                    ListShape::Held => self.json_object(|writer| {
                        writer.json_name(entry);
                        writer.json_array(entries, members);
                    }),
                    ListShape::OneBare if entries.len() == 1 => {
                        for item in entries {
                            self.json_object(|writer| members(writer, item));
                        }
                    }
                    ListShape::OneBare => self.json_array(entries, members),
                }
            }
        }
    }

    /// A list of texts. `entry` is what XML calls an entry.
    pub fn texts<'t>(&mut self, name: &str, entry: &str, values: impl Iterator<Item = &'t str>) {
        match self.format {
            Format::Xml => {
                self.tag("<", name);
                values.for_each(|value| self.text(entry, value));
                self.tag("</", name);
            }
            Format::Json => {
                self.json_name(name);
                self.out.push('[');
                for (index, value) in values.enumerate() {
                    if index > 0 {
                        self.out.push(',');
                    }
                    self.json_string(value);
                }
                self.out.push(']');
            }
        }
    }

    fn json_array<T>(
        &mut self,
        entries: impl ExactSizeIterator<Item = T>,
        mut members: impl FnMut(&mut Writer, T),
    ) {
        self.out.push('[');
        for (index, item) in entries.enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.json_object(|writer| members(writer, item));
        }
        self.out.push(']');
    }

    fn json_object(&mut self, members: impl FnOnce(&mut Writer)) {
        self.open_json();
        members(self);
        self.out.push('}');
        self.fresh = false;
    }

    fn open_json(&mut self) {
        self.out.push('{');
        self.fresh = true;
    }

    /// Numbers and truth values look the same in both formats and need no escapes.
    fn verbatim(&mut self, name: &str, value: std::fmt::Arguments<'_>) {
        match self.format {
            Format::Json => self.json_name(name),
            Format::Xml => self.tag("<", name),
        }
        // Writing into a string cannot fail.
        let _ = self.out.write_fmt(value);
        if self.format == Format::Xml {
            self.tag("</", name);
        }
    }

    fn json_name(&mut self, name: &str) {
        if !self.fresh {
            self.out.push(',');
        }
        self.fresh = false;
        self.out.push('"');
        self.out.push_str(name);
        self.out.push_str("\":");
    }

    fn json_string(&mut self, value: &str) {
        self.out.push('"');
        self.escaped(
            value,
            |byte| byte < b' ' || byte == b'"' || byte == b'\\',
            |out, character| match character {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                other => {
                    const HEX: &[u8; 16] = b"0123456789abcdef";
                    let code = u32::from(other) as usize;
                    out.push_str("\\u00");
                    out.push(char::from(HEX[code >> 4 & 15]));
                    out.push(char::from(HEX[code & 15]));
                }
            },
        );
        self.out.push('"');
    }

    fn xml_text(&mut self, value: &str) {
        // 0xef begins the two characters above ASCII that no document may hold; most texts have none.
        let special = |byte| {
            matches!(byte, b'&' | b'<' | b'>' | 0xef) || (byte < b' ' && byte != b'\t' && byte != b'\n')
        };
        self.escaped(value, special, |out, character| match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A bare carriage return would be read back as a line feed.
            '\r' => out.push_str("&#13;"),
            other if is_xml_char(other) => out.push(other),
            _ => out.push(char::REPLACEMENT_CHARACTER),
        });
    }

    /// Copies runs of ordinary bytes at once. `special` may only be true of bytes that begin a character.
    fn escaped(&mut self, value: &str, special: impl Fn(u8) -> bool, escape: impl Fn(&mut String, char)) {
        let mut rest = value;
        while let Some(at) = rest.bytes().position(&special) {
            let (plain, tail) = rest.split_at(at);
            self.out.push_str(plain);
            let mut characters = tail.chars();
            if let Some(character) = characters.next() {
                escape(&mut self.out, character);
            }
            rest = characters.as_str();
        }
        self.out.push_str(rest);
    }

    fn tag(&mut self, opening: &str, name: &str) {
        self.out.push_str(opening);
        self.out.push_str(name);
        self.out.push('>');
    }
}
