//! A stream that is listened in on, and that can change what the client says.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;

/// Wraps `S`.
pub(crate) struct Tap<S> {
    stream: S,
    /// Replaced in what is written, by a text of the same length.
    garble: Vec<&'static str>,
    written: Arc<Mutex<String>>,
    read: watch::Sender<String>,
}

/// What went over a [`Tap`].
pub(crate) struct Record {
    written: Arc<Mutex<String>>,
    read: watch::Receiver<String>,
}

impl<S> Tap<S> {
    /// Taps `stream`. The server will not know the methods `garble`.
    pub(crate) fn new(stream: S, garble: &[&'static str]) -> (Self, Record) {
        let written = Arc::new(Mutex::new(String::new()));
        let (read, receiver) = watch::channel(String::new());
        let record = Record { written: written.clone(), read: receiver };
        (Self { stream, garble: garble.to_vec(), written, read }, record)
    }
}

impl Record {
    /// How often the client has sent `text`.
    pub(crate) fn sent(&self, text: &str) -> usize {
        self.written.lock().unwrap().matches(text).count()
    }

    /// Waits until the server has sent `text` so many `times`.
    pub(crate) async fn received(&mut self, text: &str, times: usize) {
        let wait = self.read.wait_for(|read| read.matches(text).count() >= times);
        let result = tokio::time::timeout(crate::PATIENCE, wait).await;
        result.expect("the server never sent it").expect("connection ended");
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, buffer))?;
        let text = String::from_utf8_lossy(&buffer.filled()[before..]).into_owned();
        self.read.send_modify(|read| read.push_str(&text));
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut text = std::str::from_utf8(buffer).expect("whole characters").to_owned();
        for method in &self.garble {
            text = text
                .replace(&format!("\"{method}\""), &format!("\"{}\"", "x".repeat(method.len())));
        }
        let count = ready!(Pin::new(&mut self.stream).poll_write(context, text.as_bytes()))?;
        self.written.lock().unwrap().push_str(&text[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
