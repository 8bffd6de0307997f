use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// Where a server listens: `tcp:HOST:PORT` or `unix:PATH`, as in `ovsdb(7)`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Endpoint {
    /// A TCP port. Written with the host in brackets if it is an IPv6 address, and with port 6640
    /// if none is given.
    Tcp {
        /// Address or name.
        host: String,
        /// Port, not 0.
        port: u16,
    },
    /// A Unix domain socket.
    Unix(PathBuf),
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let error = |reason| EndpointError { text: text.to_owned(), reason };
        match text.split_once(':') {
            Some(("tcp", address)) => parse_tcp(address).map_err(error),
            Some(("unix", "")) => Err(error("the path is missing")),
            Some(("unix", path)) => Ok(Self::Unix(path.into())),
            _ => Err(error("expected `tcp:HOST:PORT` or `unix:PATH`")),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "tcp:[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "tcp:{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// A text that names no endpoint.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{text:?} is no OVSDB endpoint: {reason}")]
pub struct EndpointError {
    text: String,
    reason: &'static str,
}

fn parse_tcp(address: &str) -> Result<Endpoint, &'static str> {
    let (host, port) = match address.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or("`]` is missing")?;
            if host.parse::<std::net::Ipv6Addr>().is_err() {
                return Err("expected an IPv6 address in brackets");
            }
            match port.strip_prefix(':') {
                None if !port.is_empty() => return Err("expected `:PORT` after the brackets"),
                port => (host, port),
            }
        }
        None => match address.split_once(':') {
            Some((_, port)) if port.contains(':') => return Err("an IPv6 address needs brackets"),
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        },
    };
    if host.is_empty() {
        return Err("the host is missing");
    }
    let port = match port.map(str::parse) {
        None => DEFAULT_PORT,
        Some(Ok(port)) if port != 0 => port,
        Some(_) => return Err("the port is not a number from 1 to 65535"),
    };
    Ok(Endpoint::Tcp { host: host.to_owned(), port })
}

/// The port that IANA assigned to OVSDB.
const DEFAULT_PORT: u16 = 6640;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_as_people_write_them() {
        let cases = [
            ("tcp:192.0.2.1:6641", "tcp:192.0.2.1:6641"),
            ("tcp:host.example", "tcp:host.example:6640"),
            ("tcp:[2001:db8::1]:6641", "tcp:[2001:db8::1]:6641"),
            ("tcp:[::1]", "tcp:[::1]:6640"),
            ("unix:/run/openvswitch/db.sock", "unix:/run/openvswitch/db.sock"),
        ];
        for (text, shown) in cases {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!(endpoint.to_string(), shown);
            assert_eq!(shown.parse(), Ok(endpoint));
        }
    }

    #[test]
    fn what_is_no_endpoint() {
        let cases = [
            ("", "expected `tcp:HOST:PORT` or `unix:PATH`"),
            ("192.0.2.1:6640", "expected `tcp:HOST:PORT` or `unix:PATH`"),
            ("ssl:192.0.2.1:6640", "expected `tcp:HOST:PORT` or `unix:PATH`"),
            ("tcp:", "the host is missing"),
            ("tcp::6640", "the host is missing"),
            ("tcp:a:0", "the port is not a number from 1 to 65535"),
            ("tcp:a:65536", "the port is not a number from 1 to 65535"),
            ("tcp:::1", "an IPv6 address needs brackets"),
            ("tcp:[::1", "`]` is missing"),
            ("tcp:[::1]6640", "expected `:PORT` after the brackets"),
            ("tcp:[a]:1", "expected an IPv6 address in brackets"),
            ("unix:", "the path is missing"),
        ];
        for (text, reason) in cases {
            let error = text.parse::<Endpoint>().unwrap_err().to_string();
            assert_eq!(error, format!("{text:?} is no OVSDB endpoint: {reason}"));
        }
    }
}
