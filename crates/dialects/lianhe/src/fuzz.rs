//! Entry points for fuzzing. The ordinary tests call them with random bytes too.

use std::sync::Arc;

use bytes::Bytes;
use tradewind_dialect::codec::date::http_date;
use tradewind_dialect::{Credentials, Dialect as _, RawRequest};
use tradewind_domain::{Currency, Money, Partner, PartnerId, PartnerState, Refusal, Timestamp};
use tradewind_signing::Secret;

use crate::client::{Account, Answer, News};
use crate::operation::{Operation, target};
use crate::sign::Authorization;
use crate::{Lianhe, default_methods, sample, sandbox};

const NOW: Timestamp = Timestamp::from_ms(1_470_360_000_123);

/// Drives a hostile request through the whole dialect: identified, opened and answered, or refused and
/// answered. The first byte chooses the operation and where the rest goes; most of the requests are signed
/// correctly, since otherwise nothing behind the signature would be reached.
///
/// # Panics
/// When an answer is not one that a client can read.
pub fn fuzz_open(bytes: &[u8]) {
    let Some((choice, rest)) = bytes.split_first() else { return };
    let Some(operation) = Operation::ALL.get(usize::from(choice >> 4) % Operation::ALL.len()) else { return };
    let Some((credentials, account)) = account() else { return };
    let text = String::from_utf8_lossy(rest);
    let odd = usize::from(choice & 7);
    let query = if odd == 1 { format!("method={text}") } else { format!("method={}", operation.name()) };
    // The whole message, or the body in an envelope that fits.
    let body = match choice & 8 {
        0 => rest.to_vec(),
        _ => [br#"{"partnerId":1985,"body":"#, rest, b"}"].concat(),
    };
    let Some(signed) = account.sign(target(operation.name()), Bytes::from(body), NOW) else { return };
    let mut request = RawRequest { query, ..sample::raw(signed) };
    if let Some(header) = request.headers.get_mut(odd.wrapping_sub(2)) {
        header.1 = text.to_string();
    }
    answered(&request, operation.name(), &credentials);
}

/// Runs a request as the server does, with an engine that refuses everything.
fn answered(request: &RawRequest, operation: &'static str, credentials: &Credentials) {
    let dialect = Lianhe::default();
    let answer = match dialect.identify(operation, request) {
        Err(refusal) => dialect.refuse(operation, request, None, &refusal, NOW),
        Ok(_) => match dialect.open(operation, request, Some(credentials), NOW) {
            Ok(opened) => opened.sealer.seal(Err(&Refusal::OrderNotFound), NOW),
            Err(refusal) => dialect.refuse(operation, request, Some(credentials), &refusal, NOW),
        },
    };
    let text = std::str::from_utf8(&answer.body).unwrap_or_default();
    let read = Answer::read(text);
    assert!(
        answer.status == 200 && read.is_ok_and(|answer| answer.code.is_some() && !answer.is_success()),
        "not the answer of a failure: {text}"
    );
}

/// Takes a hostile `Authorization` apart.
///
/// # Panics
/// When it opens something.
pub fn fuzz_authorization(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let key = Secret::new("a key that nobody has");
    if let Some(read) = Authorization::read(&text) {
        assert!(read.matches(&key, &[&text], &http_date(NOW)).is_none(), "a signature was guessed");
    }
}

/// Reads hostile bytes as an answer and as a notification.
pub fn fuzz_client(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(answer) = Answer::read(text) {
        let _ = answer.order();
        let _ = (answer.products::<String>(), answer.calendar::<String>(), answer.balance::<String>());
    }
    if let Ok(news) = News::read(text) {
        let _ = news.key();
    }
}

fn account() -> Option<(Credentials, Account)> {
    let sandbox = sandbox::partners().into_iter().next()?;
    let partner = Partner {
        id: PartnerId::from_i64(1),
        name: sandbox.name.to_owned(),
        state: PartnerState::Active,
        methods: default_methods(),
        fee_ppm: 0,
        credit_limit: Money::zero(Currency::CNY),
        settings: format!("{{\"{}\":{}}}", Lianhe::NAME, sandbox.settings),
        created_at: NOW,
    };
    let secrets = vec![Secret::new(sandbox.secret)];
    let account = Account { partner_id: 1985, api_name: "demo".to_owned(), secrets: secrets.clone() };
    Some((Credentials::new(Arc::new(partner), sandbox.key_id.to_owned(), secrets), account))
}
