//! Entry points for fuzzing. The ordinary tests call them with random bytes too.

use std::sync::Arc;

use bytes::Bytes;
use tradewind_dialect::{Credentials, Dialect as _, Method, RawRequest};
use tradewind_domain::{Currency, Money, Partner, PartnerId, PartnerState, Span, Timestamp};
use tradewind_signing::{Secret, TripleDesKey};

use crate::operation::{BUSI_ID, CHARGE_CODE, Operation};
use crate::{NotifyUrl, Sosopay, cipher, dictionaries, sandbox, sign};

const NOW: Timestamp = Timestamp::from_ms(1_470_360_000_123);

/// Drives a hostile request through the whole dialect: identified, opened and answered, or refused and
/// answered. The first byte chooses the operation and how the rest is sent; half of the requests are
/// signed correctly, since otherwise nothing behind the signature would be reached.
///
/// # Panics
/// When an answer is not one.
pub fn fuzz_open(bytes: &[u8]) {
    let Some((choice, rest)) = bytes.split_first() else { return };
    let operation = Operation::ALL[usize::from(choice >> 3) % Operation::ALL.len()];
    let (signed, encrypted, posted) = (choice & 1 == 0, choice & 2 != 0, choice & 4 == 0);
    let Some(credentials) = credentials() else { return };
    let Some(secret) = credentials.secrets.first() else { return };
    let text = String::from_utf8_lossy(rest);
    let busi_id = credentials.key_id.as_str();
    let (query, body) = if operation.request_root().is_some() {
        let sign = if signed { sign(secret, &[rest], NOW) } else { text.chars().take(60).collect() };
        let cipher = if encrypted { "&encrypt=3DES" } else { "" };
        let body = match encrypted {
            true => cipher::encrypt(&TripleDesKey::from_text(&secret_text(secret)), &text).into_bytes(),
            false => rest.to_vec(),
        };
        (format!("busiCode={busi_id}&sign={sign}{cipher}"), body)
    } else {
        let plain = match operation {
            Operation::Query => text.to_string(),
            Operation::CancelTrade => format!("chargeCode={text}&busiCode={busi_id}"),
            Operation::PayChannel => format!("busiCode={busi_id}"),
            _ => String::new(),
        };
        let sign = sign(secret, &[plain.as_bytes()], NOW);
        match posted {
            true => (format!("busiCode={busi_id}&sign={sign}"), rest.to_vec()),
            false => (format!("{text}&busiCode={busi_id}&sign={sign}"), Vec::new()),
        }
    };
    let request = RawRequest {
        method: if posted || operation.request_root().is_some() { Method::Post } else { Method::Get },
        path: String::new(),
        params: vec![(CHARGE_CODE.to_owned(), text.to_string()), (BUSI_ID.to_owned(), busi_id.to_owned())],
        query,
        headers: Vec::new(),
        body: Bytes::from(body),
    };
    let dialect = Sosopay::default();
    let refused = match dialect.identify(operation.name(), &request) {
        Err(refusal) => dialect.refuse(operation.name(), &request, None, &refusal, NOW),
        Ok(_) => match dialect.open(operation.name(), &request, Some(&credentials), NOW) {
            Ok(opened) => opened.sealer.seal(Err(&tradewind_domain::Refusal::Busy), NOW),
            Err(refusal) => dialect.refuse(operation.name(), &request, Some(&credentials), &refusal, NOW),
        },
    };
    assert!(refused.status == 200 && !refused.body.is_empty(), "an answer without a body");
}

/// Takes a hostile signature apart.
///
/// # Panics
/// When it opens something.
pub fn fuzz_sign(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let key = Secret::new("a key that nobody has");
    assert!(
        crate::verify(&key, Some(&text), &[bytes], NOW, Span::default()).is_err(),
        "a signature was guessed"
    );
}

/// Decrypts hostile bodies, whole and inside an element.
pub fn fuzz_cipher(bytes: &[u8]) {
    let key = TripleDesKey::from_text("SHORTKEY0123456");
    let _ = cipher::decrypt(&key, bytes);
    let _ = cipher::decrypt_inner(&key, bytes);
}

/// Takes a hostile address apart and signs it.
///
/// # Panics
/// When the signature is lost, or the result is no address any more.
pub fn fuzz_notify_url(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(url) = NotifyUrl::parse(&text) {
        let signed = url.signed("0123:456");
        assert!(signed.contains("0123:456"), "{signed}");
        assert!(signed.len() > 512 || NotifyUrl::parse(&signed).is_ok(), "{signed}");
    }
}

fn credentials() -> Option<Credentials> {
    let sandbox = sandbox::partners().into_iter().next()?;
    let partner = Partner {
        id: PartnerId::from_i64(1),
        name: sandbox.name.to_owned(),
        state: PartnerState::Active,
        methods: dictionaries::default_methods(),
        fee_ppm: 0,
        credit_limit: Money::zero(Currency::CNY),
        settings: "{}".to_owned(),
        created_at: NOW,
    };
    Some(Credentials::new(Arc::new(partner), sandbox.key_id.to_owned(), vec![Secret::new(sandbox.secret)]))
}

fn secret_text(secret: &Secret) -> String {
    secret.expose_str().unwrap_or_default().to_owned()
}
