//! Which path belongs to which operation of which dialect.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::HeaderValue;
use tradewind_dialect::{Dialect, Method, Route};

use crate::StartError;
use crate::dialects::Dialects;
use crate::metrics::{OperationStats, Traffic};

/// The first segments of the gateway's own paths.
const OWN: &[&str] = &["pay", "ticket", "assets", "healthz", "readyz", "metrics", "ops"];

/// One operation of a dialect where it is mounted.
pub(crate) struct Mounted {
    pub(crate) dialect: Arc<dyn Dialect>,
    pub(crate) route: Route,
    pub(crate) stats: Arc<OperationStats>,
}

/// The paths of all dialects.
pub(crate) struct Routes(matchit::Router<Slot>);

/// The operations of one path.
#[derive(Default)]
struct Slot {
    get: Operations,
    post: Operations,
}

/// The operations of one path and method. Those that a query parameter tells come first, the fallback last.
#[derive(Default)]
struct Operations(Vec<Mounted>);

/// What a path and method lead to.
pub(crate) enum Found<'routes, 'path> {
    /// An operation, with the variable segments of the path as they were sent.
    Operation(&'routes Mounted, matchit::Params<'routes, 'path>),
    /// The path is known, the method is not; with those that are.
    WrongMethod(HeaderValue),
    /// No dialect has this path.
    Unknown,
}

impl Routes {
    /// Mounts every route of every dialect.
    ///
    /// # Errors
    /// [`StartError::Route`] when a path is ill-formed, taken, or the gateway's own.
    pub(crate) fn new(dialects: &Dialects, traffic: &mut Traffic) -> Result<Routes, StartError> {
        let mut slots: BTreeMap<&'static str, Slot> = BTreeMap::new();
        for dialect in dialects.iter() {
            for route in dialect.routes() {
                let slot = slots.entry(route.path).or_default();
                let place = match route.method {
                    Method::Get => &mut slot.get,
                    Method::Post => &mut slot.post,
                };
                let stats = traffic.operation(dialect.name(), route.operation);
                let mounted = Mounted { dialect: Arc::clone(dialect), route: *route, stats };
                if let Some(other) = place.add(mounted) {
                    return Err(bad(dialect, route, format!("{} has it already", other)));
                }
                if OWN.contains(&first_segment(route.path)) {
                    return Err(bad(dialect, route, "it is one of the gateway's own".into()));
                }
            }
        }
        let mut router = matchit::Router::new();
        for (path, slot) in slots {
            let Some(one) = slot.get.0.first().or(slot.post.0.first()) else { continue };
            let (dialect, route) = (Arc::clone(&one.dialect), one.route);
            router.insert(path, slot).map_err(|error| bad(&dialect, &route, error.to_string()))?;
        }
        Ok(Routes(router))
    }

    /// What a request leads to, by its method, path and query as they were sent.
    pub(crate) fn find<'path>(
        &self,
        method: &http::Method,
        path: &'path str,
        query: &str,
    ) -> Found<'_, 'path> {
        let Ok(found) = self.0.at(path) else { return Found::Unknown };
        let operations = match *method {
            http::Method::GET => &found.value.get,
            http::Method::POST => &found.value.post,
            _ => return Found::WrongMethod(found.value.allowed()),
        };
        match operations.0.iter().find(|mounted| mounted.route.takes(query)) {
            Some(mounted) => Found::Operation(mounted, found.params),
            None if operations.0.is_empty() => Found::WrongMethod(found.value.allowed()),
            None => Found::Unknown,
        }
    }
}

impl Slot {
    fn allowed(&self) -> HeaderValue {
        HeaderValue::from_static(match (self.get.0.is_empty(), self.post.0.is_empty()) {
            (false, false) => "GET, POST",
            (false, true) => "GET",
            (true, _) => "POST",
        })
    }
}

impl Operations {
    /// Adds an operation; the dialect that has this very route already stands in its way.
    fn add(&mut self, mounted: Mounted) -> Option<&'static str> {
        if let Some(other) = self.0.iter().find(|other| other.route.query == mounted.route.query) {
            return Some(other.dialect.name());
        }
        self.0.push(mounted);
        self.0.sort_by_key(|mounted| mounted.route.query.is_none());
        None
    }
}

fn bad(dialect: &Arc<dyn Dialect>, route: &Route, problem: String) -> StartError {
    StartError::Route { dialect: dialect.name(), path: route.path, problem }
}

fn first_segment(path: &str) -> &str {
    path.trim_start_matches('/').split('/').next().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::{Found, Routes, first_segment};
    use crate::dialects::Dialects;
    use crate::metrics::Traffic;

    fn routes() -> (Dialects, Routes) {
        let dialects = Dialects::new(tradewind_dialects::all());
        let routes = Routes::new(&dialects, &mut Traffic::default()).unwrap();
        (dialects, routes)
    }

    /// A path of the template: each variable segment holds its own name, with a character that is
    /// written in percent form.
    fn example(template: &str) -> String {
        template.replace('{', "").replace('}', "%20")
    }

    #[test]
    fn every_route_of_every_dialect_is_found() {
        let (dialects, routes) = routes();
        for route in dialects.iter().flat_map(|dialect| dialect.routes()) {
            let method = match route.method {
                tradewind_dialect::Method::Get => Method::GET,
                tradewind_dialect::Method::Post => Method::POST,
            };
            let path = example(route.path);
            let query = route.query.map(|(name, value)| format!("{name}={value}")).unwrap_or_default();
            let Found::Operation(mounted, params) = routes.find(&method, &path, &query) else {
                panic!("{path}")
            };
            assert_eq!(mounted.route, *route);
            for (name, value) in crate::gateway::params(&params).unwrap() {
                assert_eq!(value, format!("{name} "), "{path}");
            }
        }
    }

    #[test]
    fn other_methods_are_known_to_be_wrong() {
        let (dialects, routes) = routes();
        for route in dialects.iter().flat_map(|dialect| dialect.routes()) {
            let path = example(route.path);
            for method in [Method::PUT, Method::DELETE, Method::HEAD, Method::OPTIONS] {
                assert!(matches!(routes.find(&method, &path, ""), Found::WrongMethod(_)), "{method} {path}");
            }
        }
    }

    #[test]
    fn other_paths_are_unknown() {
        let (dialects, routes) = routes();
        let check =
            |path: &str| assert!(matches!(routes.find(&Method::GET, path, ""), Found::Unknown), "{path}");
        check("/");
        check("/healthz");
        check("/pay/abc");
        check("/ticket/abc");
        for route in dialects.iter().flat_map(|dialect| dialect.routes()) {
            check(&format!("{}/more", example(route.path)));
            check(&format!("{}/", example(route.path)));
            check(&format!("/{}", example(route.path)));
        }
    }

    #[test]
    fn first_segments() {
        let check = |path: &str, expected: &str| assert_eq!(first_segment(path), expected, "{path}");
        check("/pay/{token}", "pay");
        check("/healthz", "healthz");
        check("/", "");
    }
}
