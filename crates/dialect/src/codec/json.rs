//! Reading JSON into the tree.
//!
//! Each value is first taken as the text it was written as, which `serde_json` checks and delimits, and
//! then looked into. So numbers stay texts, plain strings are borrowed, and depth is bounded by us. A
//! nested value is scanned once per level around it, which the depth limit keeps small.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer as _, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Deserializer;
use serde_json::value::RawValue;

use super::message::{Budget, Format, Message, Object, ReadError, Value};

pub(super) fn read(text: &str, budget: Budget) -> Result<Message<'_>, ReadError> {
    let mut reader = Reader { budget, error: None };
    let members = reader.object(text, 1)?;
    Ok(Message { format: Format::Json, root: None, members })
}

struct Reader {
    budget: Budget,
    /// Our own reason, when it was us who stopped `serde_json`.
    error: Option<ReadError>,
}

impl Reader {
    fn value<'a>(&mut self, raw: &'a str, depth: usize) -> Result<Value<'a>, ReadError> {
        match raw.as_bytes().first() {
            Some(b'{') => self.object(raw, depth).map(Value::Object),
            Some(b'[') => self.list(raw, depth).map(Value::List),
            Some(b'"') => {
                self.budget.spend(depth)?;
                string(raw).map(Value::Text)
            }
            first => {
                self.budget.spend(depth)?;
                Ok(match first {
                    Some(b'n') => Value::Null,
                    Some(b't') => Value::Bool(true),
                    Some(b'f') => Value::Bool(false),
                    _ => Value::Number(raw),
                })
            }
        }
    }

    fn object<'a>(&mut self, text: &'a str, depth: usize) -> Result<Object<'a>, ReadError> {
        self.budget.spend(depth)?;
        let mut json = Deserializer::from_str(text);
        let visited = json.deserialize_map(Members { reader: self, depth });
        let complete = visited.and_then(|members| json.end().map(|()| members));
        complete.map(Object).map_err(|_| self.error.take().unwrap_or(ReadError::Json))
    }

    fn list<'a>(&mut self, text: &'a str, depth: usize) -> Result<Vec<Value<'a>>, ReadError> {
        self.budget.spend(depth)?;
        let mut json = Deserializer::from_str(text);
        let visited = json.deserialize_seq(Entries { reader: self, depth });
        let complete = visited.and_then(|entries| json.end().map(|()| entries));
        complete.map_err(|_| self.error.take().unwrap_or(ReadError::Json))
    }

    /// What a visitor makes of a nested value: remembers our reason, since a foreign error cannot hold it.
    fn nested<'a, E: serde::de::Error>(&mut self, raw: &'a RawValue, depth: usize) -> Result<Value<'a>, E> {
        self.value(raw.get(), depth).map_err(|error| {
            self.error = Some(error);
            E::custom("")
        })
    }
}

/// The contents of a string that `serde_json` has already found well-formed.
fn string(raw: &str) -> Result<Cow<'_, str>, ReadError> {
    if raw.as_bytes().contains(&b'\\') {
        let text = serde_json::from_str::<String>(raw).map_err(|_| ReadError::Json)?;
        return if text.contains('\0') { Err(ReadError::Zero) } else { Ok(Cow::Owned(text)) };
    }
    raw.get(1..raw.len() - 1).map(Cow::Borrowed).ok_or(ReadError::Json)
}

struct Members<'r> {
    reader: &'r mut Reader,
    depth: usize,
}

impl<'a> Visitor<'a> for Members<'_> {
    type Value = Vec<(Cow<'a, str>, Value<'a>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::with_capacity(12);
        while let Some(Name(name)) = map.next_key()? {
            if name.contains('\0') {
                self.reader.error = Some(ReadError::Zero);
                return Err(A::Error::custom(""));
            }
            let value = self.reader.nested(map.next_value::<&RawValue>()?, self.depth + 1)?;
            members.push((name, value));
        }
        Ok(members)
    }
}

struct Entries<'r> {
    reader: &'r mut Reader,
    depth: usize,
}

impl<'a> Visitor<'a> for Entries<'_> {
    type Value = Vec<Value<'a>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(raw) = seq.next_element::<&RawValue>()? {
            entries.push(self.reader.nested(raw, self.depth + 1)?);
        }
        Ok(entries)
    }
}

/// The name of a member, borrowed where it has no escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Name(Cow::Borrowed(name)))
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Name(Cow::Owned(name.to_owned())))
    }
}
