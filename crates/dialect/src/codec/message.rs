//! A message as a tree, whichever of the two formats it was written in.

use std::borrow::Cow;

use super::{json, xml};

/// How deep a message may be nested; the outermost object or element is the first level.
pub const DEPTH_MAX: usize = 16;

/// How many values a message may hold in all, counting objects, lists and scalars.
pub const NODES_MAX: usize = 4096;

/// The format a message is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// JSON.
    Json,
    /// XML.
    Xml,
}

/// A message that was read. Borrows from its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// The format it was written in.
    pub format: Format,
    /// The name of the outermost element; JSON has none.
    pub root: Option<Cow<'a, str>>,
    /// What it holds.
    pub members: Object<'a>,
}

impl<'a> Message<'a> {
    /// Reads a message. The format is told by the first character that is no ASCII white space:
    /// `{` for JSON, `<` for XML.
    ///
    /// No name and no text in it has a zero byte, however it was written: not every store can keep one,
    /// and no protocol has a use for it.
    ///
    /// # Errors
    /// [`ReadError`] for whatever is not exactly one message within the limits.
    pub fn read(text: &'a str) -> Result<Message<'a>, ReadError> {
        Message::read_up_to(text, NODES_MAX)
    }

    /// The same with another bound than [`NODES_MAX`], for clients, which are answered with longer lists
    /// than anybody may send.
    ///
    /// # Errors
    /// As [`Message::read`].
    pub fn read_up_to(text: &'a str, nodes_max: usize) -> Result<Message<'a>, ReadError> {
        if text.contains('\0') {
            return Err(ReadError::Zero);
        }
        let budget = Budget { nodes: nodes_max };
        match text.bytes().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => json::read(text, budget),
            Some(b'<') => xml::read(text, budget),
            Some(_) => Err(ReadError::UnknownFormat),
            None => Err(ReadError::Empty),
        }
    }
}

/// A value of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A JSON number as it was written, so that no amount passes through a float.
    Number(&'a str),
    /// A JSON string, or an XML element without children.
    Text(Cow<'a, str>),
    /// A JSON array.
    List(Vec<Value<'a>>),
    /// A JSON object, or an XML element with children.
    Object(Object<'a>),
}

impl Value<'_> {
    /// The text of a scalar, whether it was written as string, number or truth value. `null` and the
    /// empty text are `None`: both say that there is nothing.
    ///
    /// # Errors
    /// [`NotScalar`] for a list or an object.
    pub fn scalar(&self) -> Result<Option<&str>, NotScalar> {
        let text = match self {
            Value::Null => "",
            Value::Bool(true) => "true",
            Value::Bool(false) => "false",
            Value::Number(text) => text,
            Value::Text(text) => text,
            Value::List(_) | Value::Object(_) => return Err(NotScalar),
        };
        Ok((!text.is_empty()).then_some(text))
    }
}

/// A list or an object stands where a scalar is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a single value")]
pub struct NotScalar;

/// Named values in the order in which they were written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object<'a>(pub(super) Vec<(Cow<'a, str>, Value<'a>)>);

impl<'a> Object<'a> {
    /// The value of this name; of several, the last.
    pub fn get(&self, name: &str) -> Option<&Value<'a>> {
        self.0.iter().rev().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    /// All values of this name, in order: how XML writes a list without an element around it.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &Value<'a>> {
        self.0.iter().filter(move |(own, _)| own == name).map(|(_, value)| value)
    }

    /// All members, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value<'a>)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }

    /// The value of the only member, when there is exactly one and it has this name. The object it
    /// came from is given back otherwise.
    ///
    /// # Errors
    /// The object itself, when it does not wrap another one in this name.
    pub fn unwrap_only(mut self, name: &str) -> Result<Object<'a>, Object<'a>> {
        match self.0.pop() {
            Some((own, Value::Object(inner))) if self.0.is_empty() && own == name => Ok(inner),
            Some(last) => {
                self.0.push(last);
                Err(self)
            }
            None => Err(self),
        }
    }
}

/// Why a text is not a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// There is nothing.
    #[error("it is empty")]
    Empty,
    /// Neither `{` nor `<` comes first.
    #[error("it is neither JSON nor XML")]
    UnknownFormat,
    /// A zero byte, as it is or escaped.
    #[error("it has a zero byte")]
    Zero,
    /// Not well-formed JSON.
    #[error("it is not well-formed JSON")]
    Json,
    /// Not well-formed XML.
    #[error("it is not well-formed XML")]
    Xml,
    /// A document type declaration or an instruction, which no message has.
    #[error("document types and processing instructions are not allowed")]
    Doctype,
    /// An entity that would have to be declared.
    #[error("entities other than the predefined ones are not allowed")]
    Entity,
    /// Text beside elements.
    #[error("text and elements are mixed")]
    Mixed,
    /// Deeper than [`DEPTH_MAX`].
    #[error("it is nested too deeply")]
    TooDeep,
    /// More values than the bound, usually [`NODES_MAX`].
    #[error("it has too many values")]
    TooLarge,
}

/// How much more a message may hold.
pub(super) struct Budget {
    nodes: usize,
}

impl Budget {
    /// Pays for one value at `depth`, counted from 1.
    pub(super) fn spend(&mut self, depth: usize) -> Result<(), ReadError> {
        if depth > DEPTH_MAX {
            return Err(ReadError::TooDeep);
        }
        self.nodes = self.nodes.checked_sub(1).ok_or(ReadError::TooLarge)?;
        Ok(())
    }
}
