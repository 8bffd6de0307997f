//! Whether a machine can open a connection to another.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use anyhow::{Context, Result};
use lab::{Endpoint, wait_until};

use crate::segment::Guest;

/// How long something that must come about may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long something that must not come about is waited for: the round trip takes less than a
/// thousandth of it, and the first packet is sent again within it.
const LONG: Duration = Duration::from_millis(1300);

/// How long a single datagram is waited for before another is sent.
const SHORT: Duration = Duration::from_millis(250);

/// How a socket says that nothing has come in time. A thread that is told to wait may also be
/// interrupted.
const NOTHING: [ErrorKind; 3] =
    [ErrorKind::WouldBlock, ErrorKind::TimedOut, ErrorKind::Interrupted];

/// A connection that one machine may open to another, or may not.
#[derive(Clone, Copy, Debug)]
pub struct Probe<'a> {
    from: &'a Guest,
    to: &'a Guest,
    address: IpAddr,
    port: u16,
    /// Bytes of a datagram; `None` for TCP.
    datagram: Option<usize>,
}

/// A TCP connection over IPv4.
pub fn tcp<'a>(from: &'a Guest, to: &'a Guest, port: u16) -> Probe<'a> {
    Probe { from, to, address: to.v4().into(), port, datagram: None }
}

/// A datagram over IPv4 and its answer, from the same port and to it.
pub fn udp<'a>(from: &'a Guest, to: &'a Guest, port: u16) -> Probe<'a> {
    Probe { datagram: Some(1), ..tcp(from, to, port) }
}

impl Probe<'_> {
    /// The same over IPv6.
    #[must_use]
    pub fn v6(self) -> Self {
        self.at(self.to.v6())
    }

    /// The same to another address of the machine.
    #[must_use]
    pub fn at(self, address: impl Into<IpAddr>) -> Self {
        Self { address: address.into(), ..self }
    }

    /// With datagrams of so many bytes, which go in fragments when they are large.
    #[must_use]
    pub fn sized(self, bytes: usize) -> Self {
        Self { datagram: Some(bytes), ..self }
    }

    /// Claims that it comes about.
    #[track_caller]
    pub fn opens(self) {
        let opens = || self.attempt(Duration::from_secs(1)).expect("sockets can be made");
        if let Err(error) = wait_until("the connection", PATIENCE, opens) {
            panic!("{}: {error}", self.named());
        }
    }

    /// Claims that nothing comes of it. Something else in the test must show that it could.
    #[track_caller]
    pub fn is_blocked(self) {
        let open = self.attempt(LONG).expect("sockets can be made");
        assert!(!open, "{} opens", self.named());
    }

    fn named(&self) -> String {
        let protocol = if self.datagram.is_some() { "UDP" } else { "TCP" };
        let to = SocketAddr::new(self.address, self.port);
        format!("{protocol} from {} to {} at {to}", self.from.name(), self.to.name())
    }

    /// Tries for a while. Also a refusal counts as an answer: somebody got the question.
    fn attempt(&self, timeout: Duration) -> Result<bool> {
        let to = SocketAddr::new(self.address, self.port);
        match self.datagram {
            None => {
                let _listener = listen(self.to, to)?;
                match self.from.netns().enter(|| Ok(TcpStream::connect_timeout(&to, timeout)))? {
                    Ok(_) => Ok(true),
                    Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(true),
                    Err(_) => Ok(false),
                }
            }
            Some(bytes) => {
                let server = bind(self.to, to)?;
                let client = bind(self.from, SocketAddr::new(unspecified(to), 0))?;
                exchange(&client, &server, to, &vec![b'?'; bytes], timeout)
            }
        }
    }
}

/// Sends `message` until it has arrived and its answer is back, or the time is up.
fn exchange(
    client: &UdpSocket,
    server: &UdpSocket,
    to: SocketAddr,
    message: &[u8],
    timeout: Duration,
) -> Result<bool> {
    for socket in [client, server] {
        socket.set_read_timeout(Some(SHORT))?;
    }
    let mut buffer = vec![0; 65_535];
    for _ in 0..timeout.as_millis().div_ceil(SHORT.as_millis()) {
        client.send_to(message, to).with_context(|| format!("cannot send to {to}"))?;
        let Some((length, from)) = received(server.recv_from(&mut buffer))? else { continue };
        server.send_to(&buffer[..length], from)?;
        if let Some((length, _)) = received(client.recv_from(&mut buffer))? {
            return Ok(buffer[..length] == *message);
        }
    }
    Ok(false)
}

/// What has come, `None` when nothing has in time.
fn received<T>(received: io::Result<T>) -> Result<Option<T>> {
    match received {
        Ok(datagram) => Ok(Some(datagram)),
        Err(error) if NOTHING.contains(&error.kind()) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A TCP listener on a machine of the lab.
pub(crate) fn listen(on: &Endpoint, at: SocketAddr) -> Result<TcpListener> {
    let listen = || TcpListener::bind(at).with_context(|| format!("cannot listen on {at}"));
    on.netns().enter(listen)
}

/// A UDP socket of a machine of the lab.
pub(crate) fn bind(on: &Endpoint, at: SocketAddr) -> Result<UdpSocket> {
    on.netns().enter(|| UdpSocket::bind(at).with_context(|| format!("cannot bind to {at}")))
}

/// Any address of the same IP version.
fn unspecified(like: SocketAddr) -> IpAddr {
    match like {
        SocketAddr::V4(_) => std::net::Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => std::net::Ipv6Addr::UNSPECIFIED.into(),
    }
}
