//! Reading XML into the tree.
//!
//! Messages are elements and texts. Attributes, comments and the declaration are passed over; document
//! types, processing instructions and entities that would have to be declared are refused, so there is
//! nothing to expand and nothing to fetch. Line ends stay as they were written, because some partners
//! want a value back byte for byte.

use std::borrow::Cow;
use std::ops::Range;

use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

use super::message::{Budget, Format, Message, Object, ReadError, Value};

pub(super) fn read(text: &str, mut budget: Budget) -> Result<Message<'_>, ReadError> {
    let mut scan = Scan::new(text);
    let mut open: Vec<Element<'_>> = Vec::new();
    let mut root = None;
    loop {
        let (piece, _) = scan.next()?;
        let closed = match piece {
            Piece::Open(name) => {
                budget.spend(open.len() + 1)?;
                if root.is_some() {
                    return Err(ReadError::Xml);
                }
                open.push(Element { name, text: Cow::Borrowed(""), children: Vec::new() });
                continue;
            }
            Piece::Leaf(name) => {
                budget.spend(open.len() + 1)?;
                Element { name, text: Cow::Borrowed(""), children: Vec::new() }
            }
            Piece::Text(text) => {
                match open.last_mut() {
                    Some(element) if element.text.is_empty() => element.text = text,
                    Some(element) => element.text.to_mut().push_str(&text),
                    None if is_blank(&text) => {}
                    None => return Err(ReadError::Xml),
                }
                continue;
            }
            Piece::Close => open.pop().ok_or(ReadError::Xml)?,
            Piece::Other => continue,
            Piece::End => break,
        };
        match open.last_mut() {
            Some(parent) => {
                let (name, value) = closed.finish()?;
                parent.children.push((name, value));
            }
            None if root.is_none() => root = Some(closed.finish()?),
            None => return Err(ReadError::Xml),
        }
    }
    let (name, value) = root.filter(|_| open.is_empty()).ok_or(ReadError::Xml)?;
    let members = match value {
        Value::Object(members) => members,
        Value::Text(text) if is_blank(&text) => Object::default(),
        _ => return Err(ReadError::Mixed),
    };
    Ok(Message { format: Format::Xml, root: Some(name), members })
}

/// Where the content of the outermost element stands in `text`: behind its start tag, before its end
/// tag. For protocols that encrypt only what is inside. An element inside it is not looked for.
///
/// # Errors
/// As for reading a message; also when the outermost element holds other elements or is written `<a/>`.
pub fn root_content(text: &str) -> Result<Range<usize>, ReadError> {
    let mut scan = Scan::new(text);
    let mut start = None;
    loop {
        let (piece, at) = scan.next()?;
        match (piece, start) {
            (Piece::Open(_), None) => start = Some(at.end),
            (Piece::Close, Some(start)) => return Ok(start..at.start),
            (Piece::Text(text), None) if is_blank(&text) => {}
            (Piece::Text(_), Some(_)) | (Piece::Other, _) => {}
            _ => return Err(ReadError::Xml),
        }
    }
}

/// Whether a character may stand in an XML 1.0 document at all, escaped or not.
pub fn is_xml_char(character: char) -> bool {
    !matches!(character, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

fn is_blank(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
}

/// An element that is being read.
struct Element<'a> {
    name: Cow<'a, str>,
    text: Cow<'a, str>,
    children: Vec<(Cow<'a, str>, Value<'a>)>,
}

impl<'a> Element<'a> {
    fn finish(self) -> Result<(Cow<'a, str>, Value<'a>), ReadError> {
        let value = match self.children.is_empty() {
            true => Value::Text(self.text),
            false if is_blank(&self.text) => Value::Object(Object(self.children)),
            false => return Err(ReadError::Mixed),
        };
        Ok((self.name, value))
    }
}

enum Piece<'a> {
    Open(Cow<'a, str>),
    /// `<a/>`.
    Leaf(Cow<'a, str>),
    Close,
    Text(Cow<'a, str>),
    /// A comment, or the declaration.
    Other,
    End,
}

/// The pieces of a document, each with its place.
struct Scan<'a> {
    text: &'a str,
    reader: Reader<&'a [u8]>,
    started: bool,
}

impl<'a> Scan<'a> {
    fn new(text: &'a str) -> Scan<'a> {
        Scan { text, reader: Reader::from_str(text), started: false }
    }

    fn next(&mut self) -> Result<(Piece<'a>, Range<usize>), ReadError> {
        let start = self.position();
        let event = self.reader.read_event().map_err(|_| ReadError::Xml)?;
        let piece = match event {
            Event::Start(tag) => Piece::Open(self.name(&tag, start)?),
            Event::Empty(tag) => Piece::Leaf(self.name(&tag, start)?),
            Event::End(_) => Piece::Close,
            Event::Text(text) => Piece::Text(text.into_inner()),
            Event::CData(text) => Piece::Text(text.into_inner()),
            Event::GeneralRef(entity) => Piece::Text(resolve(&entity)?),
            Event::Comment(_) => Piece::Other,
            // A declaration further down would be an instruction with a reserved name.
            Event::Decl(_) if !self.started => Piece::Other,
            Event::Decl(_) | Event::DocType(_) | Event::PI(_) => return Err(ReadError::Doctype),
            Event::Eof => Piece::End,
        };
        self.started = true;
        Ok((piece, start..self.position()))
    }

    fn position(&self) -> usize {
        usize::try_from(self.reader.buffer_position()).unwrap_or(usize::MAX)
    }

    /// The name of a tag that begins at `start`, borrowed from the document rather than from the event.
    fn name(&self, tag: &BytesStart<'_>, start: usize) -> Result<Cow<'a, str>, ReadError> {
        let name = tag.name();
        let name: &str = name.as_ref();
        if name.is_empty() {
            return Err(ReadError::Xml);
        }
        let begin = start.saturating_add(1);
        let written =
            self.text.get(begin..begin.saturating_add(name.len())).filter(|written| *written == name);
        Ok(written.map_or_else(|| Cow::Owned(name.to_owned()), Cow::Borrowed))
    }
}

fn resolve(entity: &BytesRef<'_>) -> Result<Cow<'static, str>, ReadError> {
    if entity.is_char_ref() {
        let character = entity.resolve_char_ref().ok().flatten().filter(|c| is_xml_char(*c));
        return character.map(|c| Cow::Owned(c.to_string())).ok_or(ReadError::Entity);
    }
    match entity.xml10_content().as_ref() {
        "amp" => Ok(Cow::Borrowed("&")),
        "lt" => Ok(Cow::Borrowed("<")),
        "gt" => Ok(Cow::Borrowed(">")),
        "apos" => Ok(Cow::Borrowed("'")),
        "quot" => Ok(Cow::Borrowed("\"")),
        _ => Err(ReadError::Entity),
    }
}
