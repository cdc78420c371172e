//! Certificate and key of the main listener.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls_pki_types::pem::{self, PemObject as _};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::{StartError, TlsConfig};

const CERTIFICATE: &str = "certificate";
const KEY: &str = "key";

/// Reads certificate and key, checks that they belong together, and makes the side of TLS that accepts.
///
/// # Errors
/// [`StartError::TlsFile`] and [`StartError::TlsContent`].
pub(crate) fn acceptor(config: &TlsConfig) -> Result<TlsAcceptor, StartError> {
    let certificates = read(CERTIFICATE, &config.cert_pem, |bytes| {
        let certificates: Vec<_> =
            CertificateDer::pem_slice_iter(bytes).collect::<Result<_, pem::Error>>()?;
        if certificates.is_empty() { Err(pem::Error::NoItemsFound) } else { Ok(certificates) }
    })?;
    let key = read(KEY, &config.key_pem, PrivateKeyDer::from_pem_slice)?;
    let unusable = |problem: rustls::Error| StartError::TlsContent {
        what: KEY,
        path: config.key_pem.clone(),
        problem: problem.to_string(),
    };
    let mut server = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(certificates, key)
        .map_err(unusable)?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(server)))
}

fn read<T>(
    what: &'static str,
    path: &Path,
    parse: impl FnOnce(&[u8]) -> Result<T, pem::Error>,
) -> Result<T, StartError> {
    let bytes: Vec<u8> = std::fs::read(path).map_err(|source: io::Error| StartError::TlsFile {
        what,
        path: path.to_owned(),
        source,
    })?;
    parse(&bytes).map_err(|error| StartError::TlsContent {
        what,
        path: path.to_owned(),
        problem: match error {
            pem::Error::NoItemsFound => format!("there is no {what} in PEM form in it"),
            other => other.to_string(),
        },
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::acceptor;
    use crate::{StartError, TlsConfig};

    /// A file that is certainly there and holds no PEM.
    fn no_pem() -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")
    }

    #[test]
    fn files_that_cannot_be_used_are_named() {
        let check = |cert_pem: PathBuf, key_pem: PathBuf, expected: &str| {
            let Err(error) = acceptor(&TlsConfig { cert_pem, key_pem }) else {
                panic!("{expected}: accepted")
            };
            assert!(error.to_string().contains(expected), "{error}");
            assert!(matches!(error, StartError::TlsFile { .. } | StartError::TlsContent { .. }));
        };
        check("absent.pem".into(), no_pem(), "the TLS certificate absent.pem cannot be read");
        check(no_pem(), "absent.pem".into(), "there is no certificate in PEM form in it");
    }
}
