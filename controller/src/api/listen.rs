use std::fmt;
use std::io;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use thiserror::Error;
use tokio::net::{TcpListener, UnixListener};

use crate::config::GrpcAddress;

/// A socket that clients can connect to already.
#[derive(Debug)]
pub enum Listener {
    /// A TCP socket.
    Tcp(TcpListener),
    /// A Unix socket, whose file goes with it.
    Unix(UnixListener, SocketFile),
}

/// The file of a Unix socket; removed when dropped.
#[derive(Debug)]
pub struct SocketFile(PathBuf);

/// An address cannot be listened on.
#[derive(Debug, Error)]
#[error("cannot listen for gRPC on {address}: {error}")]
pub struct ListenError {
    /// Where.
    pub address: String,
    /// Why.
    pub error: io::Error,
}

/// Listens on an address.
///
/// A Unix socket can be connected to by its owner only. Its file replaces one that nobody listens
/// on any more.
///
/// # Errors
///
/// When the address is in use or not allowed.
pub async fn listen(address: &GrpcAddress) -> Result<Listener, ListenError> {
    match address {
        GrpcAddress::Tcp(address) => TcpListener::bind(address)
            .await
            .map(Listener::Tcp)
            .map_err(|error| ListenError { address: address.to_string(), error }),
        GrpcAddress::Unix(path) => listen_unix(path)
            .map(|listener| Listener::Unix(listener, SocketFile(path.clone())))
            .map_err(|error| ListenError { address: format!("unix:{}", path.display()), error }),
    }
}

/// Makes the socket beside its place and moves it there with its permissions set, so that it is
/// never open to others, and never missing while an old one is replaced.
fn listen_unix(path: &Path) -> io::Result<UnixListener> {
    match std::fs::symlink_metadata(path) {
        Ok(found) if !found.file_type().is_socket() => {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "is no socket"));
        }
        Ok(_) if UnixStream::connect(path).is_ok() => {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}", std::process::id()));
    let beside = SocketFile(beside.into());
    let listener = UnixListener::bind(&beside.0)?;
    std::fs::set_permissions(&beside.0, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&beside.0, path)?;
    Ok(listener)
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Gone already, or renamed: either way it is not there.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(listener) => match listener.local_addr() {
                Ok(address) => fmt::Display::fmt(&address, f),
                Err(_) => f.write_str("tcp"),
            },
            Self::Unix(_, file) => write!(f, "unix:{}", file.0.display()),
        }
    }
}
