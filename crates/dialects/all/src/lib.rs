//! The registry of dialects: the only place that lists them. Adding one is its folder, its line here and
//! its line in the manifest.

#![forbid(unsafe_code)]

use std::sync::Arc;

use tradewind_dialect::Dialect;
pub use tradewind_dialect::DialectOptions;

/// All dialects with the usual options.
pub fn all() -> Arc<[Arc<dyn Dialect>]> {
    with_options(DialectOptions::default())
}

/// All dialects with what the operator has laid down.
pub fn with_options(options: DialectOptions) -> Arc<[Arc<dyn Dialect>]> {
    let all: [Arc<dyn Dialect>; 2] = [
        Arc::new(tradewind_sosopay::Sosopay::new(options)),
        Arc::new(tradewind_lianhe::Lianhe::new(options)),
    ];
    Arc::new(all)
}

/// The dialect of a name.
pub fn named<'a>(dialects: &'a [Arc<dyn Dialect>], name: &str) -> Option<&'a Arc<dyn Dialect>> {
    dialects.iter().find(|dialect| dialect.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths_are_unique() {
        let dialects = all();
        let mut names: Vec<_> = dialects.iter().map(|dialect| dialect.name()).collect();
        names.dedup();
        assert_eq!(names.len(), dialects.len());
        let routes: Vec<_> = dialects.iter().flat_map(|dialect| dialect.routes()).collect();
        for (index, route) in routes.iter().enumerate() {
            let twins = routes[index + 1..].iter().filter(|other| {
                (other.method, other.path, other.query) == (route.method, route.path, route.query)
            });
            assert_eq!(twins.count(), 0, "{} is listed twice", route.path);
            assert!(route.path.starts_with('/'), "{}", route.path);
        }
        for dialect in dialects.iter() {
            assert_eq!(named(&dialects, dialect.name()).map(|found| found.name()), Some(dialect.name()));
        }
        assert!(named(&dialects, "nobody").is_none());
    }

    #[test]
    fn interfaces_are_named_after_their_dialect() {
        for dialect in all().iter() {
            let prefix = format!("{}.", dialect.name());
            for interface in dialect.interfaces() {
                assert!(interface.id.starts_with(&prefix), "{}", interface.id);
            }
        }
    }

    #[test]
    fn sandbox_partners_pass_their_own_check() {
        for dialect in all().iter() {
            for partner in dialect.sandbox_partners() {
                assert_eq!(
                    dialect.check_partner(partner.key_id, partner.secret, partner.settings),
                    Ok(()),
                    "{}",
                    partner.name
                );
            }
        }
    }
}
