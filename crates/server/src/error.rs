//! Why the gateway did not start, in words that name what to change.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use tradewind_domain::Refusal;
use tradewind_store::StoreError;

/// Why the gateway did not start. Nothing is left running.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another process listens there.
    #[error("{addr} is in use by another process; stop it, or choose another address with {option}")]
    PortBusy {
        /// The address.
        addr: SocketAddr,
        /// The option that sets it, for instance `--listen`.
        option: &'static str,
    },
    /// The address cannot be listened on for another reason.
    #[error("cannot listen on {addr} (set by {option})")]
    Listen {
        /// The address.
        addr: SocketAddr,
        /// The option that sets it.
        option: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// A TLS file cannot be read.
    #[error("the TLS {what} {path} cannot be read")]
    TlsFile {
        /// `certificate` or `key`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A TLS file holds something else, or certificate and key do not belong together.
    #[error("the TLS {what} {path} cannot be used: {problem}")]
    TlsContent {
        /// `certificate` or `key`.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Two dialects, or a dialect and the gateway itself, claim the same path.
    #[error("the path {path} of the dialect {dialect} cannot be served: {problem}")]
    Route {
        /// The dialect.
        dialect: &'static str,
        /// The path.
        path: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// A setting has a value that cannot be used.
    #[error("{option}: {problem}")]
    Setting {
        /// The setting.
        option: &'static str,
        /// What is wrong with its value.
        problem: String,
    },
    /// The store cannot be used.
    #[error("the database cannot be used")]
    Store(#[from] StoreError),
    /// The master key is not the one that the database was made with.
    #[error("the master key is not the one that this database was made with; put the right key file back")]
    WrongKey,
    /// Something that the gateway remembers about itself cannot be understood.
    #[error("the stored fact {0:?} cannot be understood")]
    Fact(&'static str),
    /// A thread could not be started.
    #[error("a thread could not be started")]
    Thread(#[source] io::Error),
    /// The sandbox's partners or the gateway's own facts could not be written.
    #[error("{what} could not be stored: {refusal}")]
    Refused {
        /// What was to be stored.
        what: &'static str,
        /// Why not.
        refusal: Refusal,
    },
}

impl From<tradewind_app::StartError> for StartError {
    fn from(error: tradewind_app::StartError) -> StartError {
        match error {
            tradewind_app::StartError::Store(error) => StartError::Store(error),
            tradewind_app::StartError::Fact(name) => StartError::Fact(name),
            tradewind_app::StartError::WrongKey => StartError::WrongKey,
            tradewind_app::StartError::Thread(error) => StartError::Thread(error),
        }
    }
}
