//! Which database is meant, as one text: in the configuration, and as the ends of a copy.

use std::fmt;
use std::path::PathBuf;

use serde::{Deserialize, Deserializer};
use tradewind_signing::Secret;

/// A database by its URL. What is shown of it holds no password.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum StoreUrl {
    /// `sqlite`: the file in the data folder.
    Folder,
    /// `sqlite:PATH`: a file.
    Sqlite(PathBuf),
    /// `postgres://...`: may hold a password.
    Postgres(Secret),
}

const KNOWN: &str = "\"sqlite\", \"sqlite:PATH\" and \"postgres://...\" are known";

impl StoreUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// A sentence about what is wrong with it, which repeats no more of it than its scheme.
    pub(crate) fn parse(text: &str) -> Result<StoreUrl, String> {
        let (scheme, rest) = match text.split_once(':') {
            Some((scheme, rest)) => (scheme, Some(rest)),
            None => (text, None),
        };
        match (scheme, rest) {
            ("sqlite", None) => Ok(StoreUrl::Folder),
            ("sqlite", Some("")) => Err("a path is missing after `sqlite:`".to_owned()),
            ("sqlite", Some(path)) => Ok(StoreUrl::Sqlite(PathBuf::from(path))),
            ("postgres" | "postgresql", Some(rest)) if rest.starts_with("//") => {
                Ok(StoreUrl::Postgres(Secret::new(text)))
            }
            ("postgres" | "postgresql", _) => Err("must begin with `postgres://`".to_owned()),
            // Whatever it is, it may hold a password.
            (scheme, _) if scheme.len() <= 20 && scheme.chars().all(|c| c.is_ascii_alphanumeric()) => {
                Err(format!("{scheme:?}: {KNOWN}"))
            }
            _ => Err(format!("not the URL of a database: {KNOWN}")),
        }
    }
}

/// Without user, password and parameters.
impl fmt::Display for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoreUrl::Folder => f.write_str("sqlite"),
            StoreUrl::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            StoreUrl::Postgres(url) => {
                let url = url.expose_str().unwrap_or_default();
                let place = url.split_once("//").map_or("", |(_, place)| place);
                let place = place.split(['?', '#']).next().unwrap_or_default();
                // A password with an unescaped `@` or `/` must not be shown by half.
                let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
                write!(f, "postgres://{place}")
            }
        }
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StoreUrl({self})")
    }
}

impl<'de> Deserialize<'de> for StoreUrl {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<StoreUrl, D::Error> {
        StoreUrl::parse(&String::deserialize(from)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_shown_without_secrets() {
        let check = |url: &str, shown: &str| {
            let parsed = StoreUrl::parse(url).unwrap();
            assert_eq!(parsed.to_string(), shown, "{url}");
            assert!(!format!("{parsed:?}").contains("hush"), "{parsed:?}");
        };
        check("sqlite", "sqlite");
        check("sqlite:/var/lib/a b.db", "sqlite:/var/lib/a b.db");
        check(
            "postgres://shop:hush@db.example:5432/books?sslmode=require",
            "postgres://db.example:5432/books",
        );
        check("postgresql://shop:hu@sh/hush@db/books", "postgres://db/books");
        check("postgres://db/books?password=hush", "postgres://db/books");
        check("postgres:///books?host=/run/postgresql&password=hush", "postgres:///books");
    }

    #[test]
    fn what_is_no_database_is_told_without_secrets() {
        let check = |url: &str, expected: &str| {
            let told = StoreUrl::parse(url).unwrap_err();
            assert!(told.contains(expected) && !told.contains("hush"), "{url}: {told}");
        };
        check("", "are known");
        check("mysql://root:hush@db/x", "\"mysql\": \"sqlite\"");
        check("sqlite:", "a path is missing");
        check("postgres:user:hush@db", "must begin with `postgres://`");
        check("user=a password=hush host=b", "not the URL of a database");
    }
}
