//! The data folder: master key, operator token, and the file by which a running gateway is found.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use serde::{Deserialize, Serialize};
use tradewind_signing::{Secret, Vault, random_token};

const FOLDER_MODE: u32 = 0o700;
const SECRET_MODE: u32 = 0o600;
const OTHERS: u32 = 0o077;
const MASTER_KEY_BYTES: usize = 32;
const OPS_TOKEN_BYTES: usize = 32;

/// The folder that belongs to one gateway.
#[derive(Clone, Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
}

/// What a running gateway tells about itself in `gateway.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Announcement {
    pub(crate) pid: u32,
    pub(crate) listen: SocketAddr,
    pub(crate) ops: SocketAddr,
    pub(crate) started_at_ms: i64,
}

impl DataFolder {
    /// The folder at `path`, whether it is there or not.
    pub(crate) fn at(path: &Path) -> DataFolder {
        DataFolder { path: path.to_owned() }
    }

    /// Makes the folder if need be, for its owner only, and checks that files can be made in it.
    ///
    /// # Errors
    /// When it cannot be made or written to.
    pub(crate) fn prepare(&self) -> anyhow::Result<()> {
        let shown = self.path.display();
        if !self.path.is_dir() {
            ensure!(!self.path.exists(), "the data folder `{shown}` is a file (option --data)");
            let made = DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(&self.path);
            made.with_context(|| format!("could not make the data folder `{shown}` (option --data)"))?;
        }
        let mode = fs::metadata(&self.path).map(|found| found.permissions().mode());
        if mode.is_ok_and(|mode| mode & OTHERS != 0) {
            // The secrets in it are files for the owner only; the books are not.
            tracing::warn!(folder = %shown, "the data folder may be entered by others; chmod 700 it");
        }
        let probe = self.path.join(format!(".write-{}", std::process::id()));
        let probed = File::create(&probe).and_then(|_| fs::remove_file(&probe));
        probed.with_context(|| format!("the data folder `{shown}` cannot be written to (option --data)"))
    }

    /// Where the database is.
    pub(crate) fn database(&self) -> PathBuf {
        self.path.join("tradewind.db")
    }

    /// Where the master key for secrets at rest is: in `elsewhere`, or here.
    pub(crate) fn master_key(&self, elsewhere: Option<&Path>) -> MasterKey {
        MasterKey { path: elsewhere.map_or_else(|| self.path.join("master.key"), Path::to_owned) }
    }

    /// The operator token; made at the first start.
    ///
    /// # Errors
    /// When the file cannot be made or read, is empty, or others may read it.
    pub(crate) fn make_ops_token(&self) -> anyhow::Result<Secret> {
        let path = self.ops_token_path();
        if !path.exists() {
            let token = Secret::new(random_token(OPS_TOKEN_BYTES) + "\n");
            create_secret(&path, &token).with_context(|| format!("could not make `{}`", path.display()))?;
        }
        read_token(&path)
    }

    /// Where the operator token is.
    pub(crate) fn ops_token_path(&self) -> PathBuf {
        self.path.join("ops-token")
    }

    /// Tells others where this gateway is, all at once or not at all.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn announce(&self, announcement: &Announcement) -> anyhow::Result<()> {
        let path = self.announcement_path();
        let draft = path.with_extension("json.new");
        let text = serde_json::to_string(announcement)?;
        fs::write(&draft, text + "\n")
            .and_then(|()| fs::rename(&draft, &path))
            .with_context(|| format!("could not write `{}`", path.display()))
    }

    /// Takes the announcement back.
    ///
    /// # Errors
    /// When the file is there and cannot be removed.
    pub(crate) fn withdraw(&self) -> anyhow::Result<()> {
        let path = self.announcement_path();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).with_context(|| format!("could not remove `{}`", path.display()))
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// What the gateway on this folder has announced; `None` when none runs.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub(crate) fn announcement(&self) -> anyhow::Result<Option<Announcement>> {
        let path = self.announcement_path();
        match fs::read(&path) {
            Ok(text) => {
                let said = serde_json::from_slice(&text);
                Ok(Some(said.with_context(|| format!("`{}` is unreadable", path.display()))?))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("could not read `{}`", path.display())),
        }
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    fn announcement_path(&self) -> PathBuf {
        self.path.join("gateway.json")
    }
}

/// The file with the master key for secrets at rest.
#[derive(Clone, Debug)]
pub(crate) struct MasterKey {
    path: PathBuf,
}

impl MasterKey {
    /// The vault that the key opens; the key is made if there is none and nothing is `sealed` yet.
    ///
    /// # Errors
    /// When the file is not as it was made, others may read it, or it is missing while there are secrets
    /// under it.
    pub(crate) fn vault(&self, sealed: bool) -> anyhow::Result<Vault> {
        let path = &self.path;
        if !path.exists() {
            ensure!(
                !sealed,
                "`{}` is missing, but the database holds secrets under it: put the key file back, or name \
                 the one of the gateway that made the database (option --master-key)",
                path.display(),
            );
            let key = Secret::new(hex::encode(Vault::generate_key()) + "\n");
            create_secret(path, &key).with_context(|| format!("could not make `{}`", path.display()))?;
        }
        let text = read_secret(path)?;
        let key = text.expose_str().ok().and_then(|text| hex::decode(text.trim()).ok());
        let key: Option<[u8; MASTER_KEY_BYTES]> = key.and_then(|key| key.try_into().ok());
        let key = key.with_context(|| {
            format!("`{}` is not a master key: {} hex digits", path.display(), 2 * MASTER_KEY_BYTES)
        })?;
        Ok(Vault::from_key(key))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Reads a token from a file that belongs to its owner alone.
///
/// # Errors
/// When it cannot be read, is empty, or others may read it.
pub(crate) fn read_token(path: &Path) -> anyhow::Result<Secret> {
    let text = read_secret(path)?;
    let token = text.expose_str().with_context(|| format!("`{}` is not text", path.display()))?.trim();
    ensure!(!token.is_empty(), "`{}` is empty", path.display());
    Ok(Secret::new(token))
}

/// The address by which a listener on all addresses is reached from this machine.
pub(crate) fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

/// Makes a file that only its owner may read, and never touches one that is there.
fn create_secret(path: &Path, contents: &Secret) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(SECRET_MODE).open(path)?;
    let written = file.write_all(contents.expose()).and_then(|()| file.sync_all());
    if written.is_err() {
        // Half a secret would be refused at every start to come.
        let _ = fs::remove_file(path);
    }
    written?;
    // What is sealed under the key must not outlive it: its name goes to the disk too.
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn read_secret(path: &Path) -> anyhow::Result<Secret> {
    let shown = path.display();
    let read =
        || -> io::Result<(u32, Vec<u8>)> { Ok((fs::metadata(path)?.permissions().mode(), fs::read(path)?)) };
    let (mode, text) = read().with_context(|| format!("could not read `{shown}`"))?;
    if mode & OTHERS != 0 {
        bail!("`{shown}` may be read by others (mode {:03o}): chmod 600 it", mode & 0o777);
    }
    Ok(Secret::new(text))
}

#[cfg(test)]
mod tests;
