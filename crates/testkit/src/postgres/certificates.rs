//! Authorities and certificates of one test's own, made by the program that PostgreSQL's package needs.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::programs::run;
use crate::Folder;

/// What the parts of certificates are; the system's own settings stay out of it.
const SETTINGS: &str = "\
[req]
distinguished_name = name
prompt = no
[name]
CN = $ENV::NAME
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[server]
basicConstraints = critical, CA:FALSE
subjectKeyIdentifier = hash
subjectAltName = DNS:$ENV::NAME
";

/// Somebody who signs certificates. Its files go with this value.
#[derive(Debug)]
pub struct Authority(Folder);

/// A server's certificate with its key, as PEM files.
#[derive(Clone, Debug)]
pub struct Certificate {
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
}

impl Authority {
    /// Makes one that nobody knows yet.
    pub fn new() -> Authority {
        let authority = Authority(Folder::new());
        // Each has a name of its own, by which a certificate says who has signed it.
        let name = authority.0.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        authority.make("authority", "authority", &name, &[]);
        authority
    }

    /// The file by which it is known.
    pub fn pem(&self) -> PathBuf {
        self.file("authority.pem")
    }

    /// Makes a key and signs that it belongs to the server of this name.
    pub fn certify(&self, name: &str) -> Certificate {
        let (by, with) = (self.pem(), self.file("authority.key"));
        self.make("server", name, name, &["-CA".as_ref(), &by, "-CAkey".as_ref(), &with]);
        Certificate { certificate: self.file(&format!("{name}.pem")), key: self.file(&format!("{name}.key")) }
    }

    fn make(&self, kind: &str, file: &str, name: &str, signed: &[&Path]) {
        let settings = self.file("settings");
        std::fs::write(&settings, SETTINGS).unwrap_or_else(|error| panic!("{}: {error}", settings.display()));
        let mut openssl = Command::new("openssl");
        openssl.env("NAME", name);
        openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]);
        openssl.args(["-days", "2", "-extensions", kind, "-config"]).arg(&settings);
        openssl.arg("-keyout").arg(self.file(&format!("{file}.key")));
        openssl.arg("-out").arg(self.file(&format!("{file}.pem")));
        run(openssl.args(signed));
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

impl Default for Authority {
    fn default() -> Authority {
        Authority::new()
    }
}
