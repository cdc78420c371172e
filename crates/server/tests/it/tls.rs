//! TLS on the main listener.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::Method;
use tradewind_egress::{Request, TlsRoots};
use tradewind_server::{ServerConfig, StartError, TlsConfig};

use crate::client::{LIMIT, egress};
use crate::gateway::{Folder, Gateway, MASTER_KEY, config, try_start};

const AUTHORITY: &[u8] = include_bytes!("../../../egress/tests/it/certificates/authority.der");
const CERTIFICATE: &[u8] = include_bytes!("../../../egress/tests/it/certificates/server.der");
const KEY: &[u8] = include_bytes!("../../../egress/tests/it/certificates/server.key.der");

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

/// Writes the files; the texts stand for certificate and key.
fn files(folder: &Folder, certificate: &str, key: &str) -> TlsConfig {
    let config =
        TlsConfig { cert_pem: folder.path().join("cert.pem"), key_pem: folder.path().join("key.pem") };
    std::fs::write(&config.cert_pem, certificate).unwrap();
    std::fs::write(&config.key_pem, key).unwrap();
    config
}

#[tokio::test]
async fn partners_are_served_over_tls() {
    let folder = Folder::new();
    let tls = files(&folder, &pem("CERTIFICATE", CERTIFICATE), &pem("PRIVATE KEY", KEY));
    let gateway = Gateway::on(folder, ServerConfig { tls: Some(tls), ..config() }).await;
    assert!(gateway.running.public_url.starts_with("https://127.0.0.1:"), "{}", gateway.running.public_url);
    let url = format!("https://localhost:{}/healthz", gateway.running.listen.port());
    let request = Request::new(Method::GET, &url, "").unwrap();
    let response = egress(TlsRoots::public().and(AUTHORITY).unwrap()).send(request, LIMIT).await.unwrap();
    assert_eq!(response.status, 200);
    gateway.stop().await;
}

#[tokio::test]
async fn files_that_do_not_fit_are_named() {
    let (certificate, key) = (pem("CERTIFICATE", CERTIFICATE), pem("PRIVATE KEY", KEY));
    let check = async |certificate: &str, key: &str, file: &str, problem: &str| {
        let folder = Folder::new();
        let config = ServerConfig { tls: Some(files(&folder, certificate, key)), ..config() };
        let Err(error) = try_start(config, folder.store(), MASTER_KEY).await else {
            panic!("{problem}: starts")
        };
        assert!(matches!(error, StartError::TlsContent { .. }), "{error}");
        assert!(error.to_string().contains(file) && error.to_string().contains(problem), "{error}");
    };
    check("", &key, "cert.pem", "there is no certificate in PEM form").await;
    check(&certificate, "", "key.pem", "there is no key in PEM form").await;
    check(&key, &key, "cert.pem", "there is no certificate in PEM form").await;
    check(&certificate, &pem("PRIVATE KEY", b"nonsense"), "key.pem", "cannot be used").await;
}
