//! What `serve` prints when the gateway is ready.

use std::sync::Arc;

use serde_json::json;
use tradewind_dialect::{Credentials, Dialect, Method, RawRequest, SandboxPartner};
use tradewind_domain::{Currency, Money, Partner, PartnerId, PartnerState, Timestamp};
use tradewind_signing::Secret;

use crate::data::{Announcement, DataFolder};
use crate::print::{sandbox_partners, sandbox_partners_json};

/// What there is to tell about a gateway that is ready.
pub(super) struct Ready<'a> {
    pub(super) announcement: &'a Announcement,
    pub(super) public_url: &'a str,
    pub(super) folder: &'a DataFolder,
    pub(super) sandbox: bool,
    /// The gateway's own time, which samples are signed with.
    pub(super) now: Timestamp,
}

impl Ready<'_> {
    /// One line of JSON.
    pub(super) fn json(&self) -> String {
        let mut value = json!({
            "pid": self.announcement.pid,
            "listen": self.announcement.listen,
            "ops": self.announcement.ops,
            "public_url": self.public_url,
            "data": self.folder.path().display().to_string(),
            "sandbox": self.sandbox,
        });
        if self.sandbox {
            value["partners"] = sandbox_partners_json().into();
            value["try"] = self.samples().into();
        }
        value.to_string()
    }

    /// A few lines for people.
    pub(super) fn text(&self) -> String {
        let Announcement { listen, ops, .. } = self.announcement;
        let token = self.folder.ops_token_path();
        let mut text = format!(
            "Tradewind {} is ready{}.\n  partners   {} (listening on {listen})\n  operators  http://{ops} \
             (token in {})\n  data       {}\n",
            env!("CARGO_PKG_VERSION"),
            if self.sandbox { ": a sandbox, no money moves" } else { "" },
            self.public_url,
            token.display(),
            self.folder.path().display(),
        );
        if self.sandbox {
            text.push_str(&format!("\n{}\n", sandbox_partners()));
            for sample in self.samples() {
                text.push_str(&format!("\nTry it:\n{sample}\n"));
            }
            text.push_str("\nUsers and the values that decide what happens: tradewind sandbox show\n");
        }
        text
    }

    /// A command line for each protocol that places a first call.
    fn samples(&self) -> Vec<String> {
        let dialects = tradewind_dialects::all();
        dialects.iter().filter_map(|dialect| sample(dialect.as_ref(), self.public_url, self.now)).collect()
    }
}

/// The first call that the dialect has a sample of, as its first active published partner makes it.
fn sample(dialect: &dyn Dialect, base: &str, now: Timestamp) -> Option<String> {
    let published = dialect.sandbox_partners().into_iter().find(|partner| !partner.suspended)?;
    let credentials = credentials(dialect.name(), published, now);
    let request = |operation| dialect.sample(operation, &credentials, now);
    dialect.routes().iter().filter_map(|route| request(route.operation)).find_map(|call| curl(base, &call))
}

fn credentials(dialect: &str, published: SandboxPartner, now: Timestamp) -> Credentials {
    let switches: serde_json::Value = serde_json::from_str(published.settings).unwrap_or_default();
    let partner = Partner {
        id: PartnerId::from_i64(0),
        name: published.name.to_owned(),
        state: PartnerState::Active,
        methods: published.methods,
        fee_ppm: 0,
        credit_limit: Money::zero(Currency::CNY),
        settings: json!({ dialect: switches }).to_string(),
        created_at: now,
    };
    Credentials::new(Arc::new(partner), published.key_id.to_owned(), vec![Secret::new(published.secret)])
}

/// The request as a command for a shell; `None` when its body is not text.
fn curl(base: &str, request: &RawRequest) -> Option<String> {
    let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
    let mut command = format!("curl -sS {}", quoted(&format!("{base}{}{query}", request.path)));
    for (name, value) in &request.headers {
        command.push_str(&format!(" -H {}", quoted(&format!("{name}: {value}"))));
    }
    if request.method == Method::Post {
        let body = std::str::from_utf8(&request.body).ok()?;
        command.push_str(&format!(" --data-raw {}", quoted(body)));
    }
    Some(command)
}

/// A word for a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Method, query: &str, body: &'static [u8]) -> RawRequest {
        RawRequest {
            method,
            path: "/a/b".into(),
            params: Vec::new(),
            query: query.into(),
            headers: vec![("content-type".into(), "application/json".into())],
            body: body.into(),
        }
    }

    #[test]
    fn command_lines() {
        let check = |request: RawRequest, expected: Option<&str>| {
            assert_eq!(curl("http://127.0.0.1:8080", &request).as_deref(), expected);
        };
        check(
            request(Method::Get, "x=1&y=2", b""),
            Some("curl -sS 'http://127.0.0.1:8080/a/b?x=1&y=2' -H 'content-type: application/json'"),
        );
        check(
            request(Method::Post, "", b"{\"a\":\"it's\"}"),
            Some(
                r#"curl -sS 'http://127.0.0.1:8080/a/b' -H 'content-type: application/json' --data-raw '{"a":"it'\''s"}'"#,
            ),
        );
        check(request(Method::Post, "", b"\xff"), None);
    }
}
