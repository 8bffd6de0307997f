//! TCP between machines of the lab.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::endpoint::Endpoint;

/// How long a connection may be silent before it counts as broken.
const SILENCE: Duration = Duration::from_secs(10);

/// How often the server looks whether it is to end.
const LOOK: Duration = Duration::from_millis(10);

impl Endpoint {
    /// Serves TCP echo (RFC 862) at `port` of every address, IPv4 and IPv6.
    ///
    /// # Errors
    ///
    /// When the port is taken.
    pub fn serve_echo(&self, port: u16) -> Result<EchoServer> {
        let listener = self.netns().enter(|| {
            TcpListener::bind((Ipv6Addr::UNSPECIFIED, port))
                .with_context(|| format!("cannot listen on TCP port {port} of {}", self.name()))
        })?;
        EchoServer::start(listener)
    }

    /// Opens a connection.
    ///
    /// # Errors
    ///
    /// When it is refused, or is not open after `timeout`.
    pub fn connect(
        &self,
        to: impl Into<IpAddr>,
        port: u16,
        timeout: Duration,
    ) -> Result<TcpStream> {
        let to = SocketAddr::new(to.into(), port);
        self.netns().enter(|| {
            TcpStream::connect_timeout(&to, timeout)
                .with_context(|| format!("{} cannot connect to {to}", self.name()))
        })
    }

    /// Sends `bytes` bytes to an echo server and checks that the same come back.
    ///
    /// # Errors
    ///
    /// When there is no connection, it breaks, or other bytes come back.
    pub fn tcp_echo(&self, to: impl Into<IpAddr>, port: u16, bytes: usize) -> Result<()> {
        let stream = self.connect(to, port, Duration::from_secs(5))?;
        stream.set_read_timeout(Some(SILENCE))?;
        stream.set_write_timeout(Some(SILENCE))?;
        // A period of 251 bytes, a prime: a segment that is lost, doubled or moved shows.
        let sent: Vec<u8> = (0..=250).cycle().take(bytes).collect();
        let mut received = Vec::with_capacity(bytes);
        thread::scope(|scope| {
            let writer = scope.spawn(|| {
                (&stream).write_all(&sent)?;
                stream.shutdown(Shutdown::Write)
            });
            (&stream)
                .read_to_end(&mut received)
                .with_context(|| format!("the connection of {} stalled or broke", self.name()))?;
            match writer.join() {
                Ok(written) => written.context("cannot send"),
                Err(_) => bail!("the writing thread panicked"),
            }
        })?;
        if received != sent {
            let same = sent.iter().zip(&received).take_while(|(a, b)| a == b).count();
            bail!("sent {bytes} bytes, got {} back, {same} of them right", received.len());
        }
        Ok(())
    }
}

/// A TCP echo server. Dropping it ends it; connections that are open live on.
#[derive(Debug)]
pub struct EchoServer {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl EchoServer {
    fn start(listener: TcpListener) -> Result<Self> {
        listener.set_nonblocking(true)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                match listener.accept() {
                    Ok((stream, _)) => drop(thread::spawn(move || echo(&stream))),
                    Err(_) => thread::sleep(LOOK),
                }
            }
        });
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for EchoServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It only loops; a panic in it has been reported on its own.
            let _ = thread.join();
        }
    }
}

/// Sends back what comes until the other side has ended; the client reports what goes wrong.
fn echo(stream: &TcpStream) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(SILENCE))?;
    stream.set_write_timeout(Some(SILENCE))?;
    io::copy(&mut &*stream, &mut &*stream)?;
    stream.shutdown(Shutdown::Write)
}
