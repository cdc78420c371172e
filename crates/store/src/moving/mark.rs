//! How far a copy has come, as the text of a fact in the target.

use std::fmt;

use super::Section;

/// The form of the text; another one is not gone on with.
const FORM: &str = "1";

/// Which copy, and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) token: String,
    pub(super) place: Place,
}

/// How far a copy has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In this section, which has so many rows in the target, the last of them at `after`.
    In { section: Section, rows: u64, after: Option<String> },
    /// Everything is there and has yet to be verified.
    Copied,
    /// Everything is there and was verified.
    Complete,
}

const COPIED: &str = "copied";
const COMPLETE: &str = "complete";

impl Mark {
    /// Whether all rows are there.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.place, Place::Copied | Place::Complete)
    }

    /// The inverse of `Display`; `None` for what it has not written.
    pub(super) fn parse(text: &str) -> Option<Mark> {
        let mut lines = text.splitn(5, '\n');
        let mut next = || lines.next();
        if next()? != FORM {
            return None;
        }
        let token = next()?.to_owned();
        let place = match next()? {
            COPIED => Place::Copied,
            COMPLETE => Place::Complete,
            name => Place::In {
                section: Section::from_name(name)?,
                rows: next()?.parse().ok()?,
                after: next().map(str::to_owned),
            },
        };
        Some(Mark { token, place })
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let token = &self.token;
        match &self.place {
            Place::Copied => write!(f, "{FORM}\n{token}\n{COPIED}"),
            Place::Complete => write!(f, "{FORM}\n{token}\n{COMPLETE}"),
            Place::In { section, rows, after } => {
                write!(f, "{FORM}\n{token}\n{}\n{rows}", section.name())?;
                after.as_ref().map_or(Ok(()), |after| write!(f, "\n{after}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_as_they_were_written() {
        let check = |place: Place| {
            let mark = Mark { token: "a-b".into(), place };
            assert_eq!(Mark::parse(&mark.to_string()), Some(mark.clone()), "{mark}");
        };
        check(Place::Copied);
        check(Place::Complete);
        for &section in Section::ALL {
            check(Place::In { section, rows: 0, after: None });
            check(Place::In { section, rows: 7, after: Some("with\ntwo lines".into()) });
        }
    }

    #[test]
    fn other_texts_are_no_marks() {
        for text in ["", "1", "1\nt", "2\nt\ncopied", "1\nt\nnothing\n1", "1\nt\norders", "1\nt\norders\nx"] {
            assert_eq!(Mark::parse(text), None, "{text:?}");
        }
    }
}
