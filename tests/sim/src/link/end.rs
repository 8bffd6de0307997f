use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep_until};

use super::lock;
use super::pipe::{Found, Pipe};
use crate::trace::Trace;

/// One end of a connection.
#[derive(Debug)]
pub struct End {
    reads: Arc<Mutex<Pipe>>,
    writes: Arc<Mutex<Pipe>>,
    /// Until what is on its way arrives.
    arrival: Option<Pin<Box<Sleep>>>,
    name: (u64, bool),
    trace: Trace,
}

impl End {
    pub(super) fn new(
        reads: Arc<Mutex<Pipe>>,
        writes: Arc<Mutex<Pipe>>,
        name: (u64, bool),
        trace: Trace,
    ) -> Self {
        Self { reads, writes, arrival: None, name, trace }
    }
}

impl AsyncRead for End {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let found = lock(&self.reads).read(context, buffer)?;
            match found {
                Found::Bytes | Found::End => return Poll::Ready(Ok(())),
                Found::Nothing(None) => return Poll::Pending,
                Found::Nothing(Some(arrival)) => {
                    let mut sleep = Box::pin(sleep_until(arrival));
                    if sleep.as_mut().poll(context).is_pending() {
                        self.arrival = Some(sleep);
                        return Poll::Pending;
                    }
                }
            }
        }
    }
}

impl AsyncWrite for End {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = lock(&self.writes).write(context, bytes);
        if let Poll::Ready(Ok(count)) = written {
            self.trace.add((self.name, &bytes[..count]));
        }
        written
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.writes).finish();
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        lock(&self.writes).finish();
        lock(&self.reads).abandon();
    }
}
