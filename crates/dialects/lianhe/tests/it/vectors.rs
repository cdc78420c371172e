//! The specification's vectors (section 3.5), alone and as requests.

use tradewind_domain::Refusal;
use tradewind_lianhe::{Authorization, authorization, sign};
use tradewind_signing::Secret;

use crate::support::{API_NAME, Distributor, SECRET, golden, post, request_of};

/// The rows of a file of vectors: request-target, date, signature.
fn vectors(name: &str) -> Vec<(String, String, String)> {
    let rows = golden(&format!("vectors/{name}.tsv"));
    let row = |line: &str| {
        let [target, date, signature] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        (target.to_owned(), date.to_owned(), signature.to_owned())
    };
    rows.lines().map(row).collect()
}

#[test]
fn signatures() {
    let secret = Secret::new(SECRET);
    let rows = vectors("accepted");
    assert_eq!(rows.len(), 9);
    for (target, date, expected) in rows {
        assert_eq!(sign(&secret, &[&target], &date), expected, "{target}");
        let (path, query) = target.split_once('?').unwrap();
        assert_eq!(sign(&secret, &[path, "?", query], &date), expected, "{target} in parts");
        let header = authorization(API_NAME, &secret, &target, &date);
        assert_eq!(header, format!("LH demo:{expected}"));
        let read = Authorization::read(&header).unwrap();
        assert!(read.matches(&secret, &[&target], &date).is_some(), "{target}");
        assert!(read.matches(&secret, &[&target, "x"], &date).is_none(), "{target} and more");
        assert!(
            read.matches(&secret, &[&target], "Fri, 05 Aug 2016 01:20:01 GMT").is_none(),
            "{target} later"
        );
        assert!(read.matches(&Secret::new("another secret"), &[&target], &date).is_none(), "{target}");
    }
}

/// Every vector opens a request of its operation; the notification's target is no operation.
#[test]
fn vectors_open_as_requests() {
    let distributor = Distributor::new();
    for (target, date, signature) in vectors("accepted") {
        let method = target.rsplit('=').next().unwrap();
        let operation = crate::support::OPERATIONS.into_iter().find(|name| *name == method);
        let body = operation.map(request_of).unwrap_or_default();
        let request = post(method, &date, &format!("LH demo:{signature}"), &body);
        match operation {
            Some(operation) => {
                let opened = distributor.open(operation, &request);
                assert!(opened.is_ok(), "{target}: {opened:?}");
            }
            None => {
                let opened = distributor.open("unknown", &request);
                assert_eq!(opened, Err(Refusal::NotFound { what: "method" }), "{target}");
            }
        }
    }
}

#[test]
fn what_must_be_refused() {
    let (secret, distributor) = (Secret::new(SECRET), Distributor::new());
    let rows = vectors("refused");
    assert_eq!(rows.len(), 2);
    for (target, date, signature) in rows {
        let header = format!("LH demo:{signature}");
        let read = Authorization::read(&header).unwrap();
        assert!(read.matches(&secret, &[&target], &date).is_none(), "{signature}");
        let request = post("notify", &date, &header, "");
        let opened = distributor.open("unknown", &request);
        assert!(matches!(opened, Err(Refusal::Signature { .. })), "{signature}: {opened:?}");
    }
}
