//! Secure connections: whom we believe.

use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tradewind_egress::{Egress, EgressConfig, EgressError, TlsRoots};

use crate::server::{AMPLE, Server, answer, config, post, serve};

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nSUCCESS";
const AUTHORITY: &[u8] = include_bytes!("certificates/authority.der");
const CERTIFICATE: &[u8] = include_bytes!("certificates/server.der");
const KEY: &[u8] = include_bytes!("certificates/server.key.der");

/// Starts a server for `localhost`; returns its port.
async fn start() -> u16 {
    let mut tls = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(CERTIFICATE)], PrivatePkcs8KeyDer::from(KEY).into())
        .unwrap();
    // Agreeing on a protocol fails unless the client offers HTTP/1.1.
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(tls));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream, answer(OK), |_| {}).await;
                }
            });
        }
    });
    port
}

fn trusting(tls_roots: TlsRoots) -> Egress {
    Egress::new(EgressConfig { tls_roots, ..config() })
}

#[tokio::test]
async fn only_known_authorities_and_the_right_name() {
    let port = start().await;
    let ours = trusting(TlsRoots::public().and(AUTHORITY).unwrap());
    for _ in 0..3 {
        let response = post(&ours, &format!("https://localhost:{port}/"), AMPLE).await.unwrap();
        assert_eq!(response.body, "SUCCESS");
    }

    let check = async |egress: &Egress, host: &str, reason: &str| {
        let error = post(egress, &format!("https://{host}:{port}/"), AMPLE).await.unwrap_err();
        assert!(matches!(error, EgressError::Tls(_)), "{host}: {error}");
        assert!(!error.request_may_have_arrived());
        assert!(error.to_string().contains(reason), "{host}: {error}");
    };
    check(&ours, "127.0.0.1", "not valid for").await;
    check(&trusting(TlsRoots::public()), "localhost", "UnknownIssuer").await;
}

#[tokio::test]
async fn a_server_without_tls() {
    let server = Server::start(answer(OK)).await;
    let url = format!("https://{}/", server.address);
    let error = post(&trusting(TlsRoots::public()), &url, AMPLE).await.unwrap_err();
    assert!(matches!(error, EgressError::Tls(_)), "{error}");
    assert!(!error.request_may_have_arrived());
    assert!(server.requests().is_empty());
}

#[test]
fn a_root_must_be_a_certificate() {
    assert!(TlsRoots::public().and(b"no certificate").is_err());
}
