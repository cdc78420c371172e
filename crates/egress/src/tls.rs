//! TLS for outgoing connections.

use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use tokio_rustls::TlsConnector;

/// The certification authorities whose certificates are believed.
#[derive(Debug, Clone)]
pub struct TlsRoots(RootCertStore);

/// A certificate that cannot serve as a root.
#[derive(Debug, Clone, thiserror::Error)]
#[error("not usable as a root certificate: {0}")]
pub struct BadRoot(#[source] rustls::Error);

impl TlsRoots {
    /// The authorities that browsers believe, as compiled in.
    #[must_use]
    pub fn public() -> TlsRoots {
        TlsRoots(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
    }

    /// Believes one more authority, for instance a company's own: its certificate in DER.
    ///
    /// # Errors
    /// When the bytes are no such certificate.
    pub fn and(mut self, root_der: &[u8]) -> Result<TlsRoots, BadRoot> {
        self.0.add(CertificateDer::from(root_der)).map_err(BadRoot)?;
        Ok(self)
    }
}

impl Default for TlsRoots {
    fn default() -> TlsRoots {
        TlsRoots::public()
    }
}

/// A connector that speaks TLS 1.2 and 1.3, and HTTP/1.1 inside.
pub(crate) fn connector(roots: TlsRoots) -> TlsConnector {
    #[expect(clippy::expect_used, reason = "the provider is fixed, and it supports the default versions")]
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider supports TLS 1.2 and 1.3");
    let mut config = builder.with_root_certificates(roots.0).with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    TlsConnector::from(Arc::new(config))
}
