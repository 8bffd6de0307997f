use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};
use tonic::transport::server::Connected;

use super::Place;

/// How long a client may take to begin.
const FIRST_WORDS: Duration = Duration::from_secs(10);
/// What is a beginning: as many bytes as the preface of HTTP/2 has (RFC 9113 §3.4).
const PREFACE: usize = 24;

/// A stream that holds its place, and fails when the client does not begin to speak.
#[derive(Debug)]
pub(crate) struct Guarded<S> {
    stream: S,
    _place: Place,
    /// Bytes that are still to come, and until when.
    beginning: Option<(usize, Pin<Box<Sleep>>)>,
}

impl<S> Guarded<S> {
    /// Guards a stream that was just accepted.
    pub(crate) fn new(stream: S, place: Place) -> Self {
        let beginning = Some((PREFACE, Box::pin(sleep(FIRST_WORDS))));
        Self { stream, _place: place, beginning }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        let Some((missing, deadline)) = &mut self.beginning else { return read };
        *missing = missing.saturating_sub(buffer.filled().len() - before);
        if *missing == 0 {
            self.beginning = None;
        } else if deadline.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S: Connected> Connected for Guarded<S> {
    type ConnectInfo = S::ConnectInfo;

    fn connect_info(&self) -> S::ConnectInfo {
        self.stream.connect_info()
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;
    use crate::limits::{Breaches, Gate, GateLimits, Protocol};

    fn place() -> (Gate, Place) {
        let limits = GateLimits { total: 1, per_address: 1 };
        let gate = Gate::new(Protocol::Grpc, limits, Breaches::default());
        let place = gate.admit(IpAddr::from([192, 0, 2, 1])).unwrap();
        (gate, place)
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_begin_is_given_up() {
        let (gate, place) = place();
        let (mut client, server) = duplex(100);
        let mut server = Guarded::new(server, place);
        client.write_all(b"PRI * HTTP/2").await.unwrap();
        let mut all = Vec::new();
        let error = server.read_to_end(&mut all).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(all, b"PRI * HTTP/2");
        drop(server);
        assert_eq!(gate.taken(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_has_begun_may_be_silent() {
        let (_gate, place) = place();
        let (mut client, server) = duplex(100);
        let mut server = Guarded::new(server, place);
        client.write_all(&[b'x'; PREFACE]).await.unwrap();
        let mut beginning = [0; PREFACE];
        server.read_exact(&mut beginning).await.unwrap();
        tokio::time::sleep(10 * FIRST_WORDS).await;
        client.write_all(b"y").await.unwrap();
        assert_eq!(server.read_u8().await.unwrap(), b'y');
    }

    #[test]
    fn the_limits_are_documented() {
        use crate::limits::documented::{check, seconds};
        let limit = "time until a gRPC or metrics client begins to speak";
        check("Connections", &[(limit, seconds(FIRST_WORDS))]);
    }
}
