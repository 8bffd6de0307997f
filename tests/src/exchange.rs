//! A TCP connection that is never idle, while something else happens.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lab::{Netns, wait_until};

use crate::probe::listen;
use crate::segment::Guest;

/// Between two words.
const PACE: Duration = Duration::from_millis(5);

/// How many words must come back for a claim that they do.
const MANY: u64 = 20;

/// How long they may take. TCP sends again at growing intervals while nothing passes, so that after
/// some seconds of silence the next attempt is as long away.
const PATIENCE: Duration = Duration::from_secs(30);

/// A TCP connection by which a client sends numbered words at a steady pace and a server sends them
/// back, whatever happens.
#[derive(Debug)]
pub struct Exchange {
    ends: [Netns; 2],
    sent_again: u64,
    words: Arc<Words>,
    stream: TcpStream,
    threads: Vec<JoinHandle<Result<()>>>,
}

#[derive(Debug, Default)]
struct Words {
    sent: AtomicU64,
    back: AtomicU64,
    stop: AtomicBool,
}

/// What came of an exchange.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct ExchangeReport {
    /// Words that were sent and came back, in order and each once.
    pub words: u64,
    /// Segments that either end had to send again because they had not arrived.
    pub lost: u64,
}

impl Exchange {
    /// Opens a connection and begins to talk.
    ///
    /// # Errors
    ///
    /// When it does not open.
    pub fn start(client: &Guest, (server, at): (&Guest, SocketAddr)) -> Result<Self> {
        let ends = [client.netns().clone(), server.netns().clone()];
        let sent_again = lost(&ends)?;
        let listener = listen(server, at)?;
        let stream = ends[0].enter(|| {
            TcpStream::connect_timeout(&at, PATIENCE)
                .with_context(|| format!("{} cannot connect to {at}", client.name()))
        })?;
        let (there, _) = listener.accept()?;
        for end in [&stream, &there] {
            end.set_nodelay(true)?;
        }
        let words = Arc::<Words>::default();
        let (writer, reader) = (stream.try_clone()?, stream.try_clone()?);
        let (to_write, to_read) = (words.clone(), words.clone());
        let threads = vec![
            thread::spawn(move || Ok(write(writer, &to_write)?)),
            thread::spawn(move || read(reader, &to_read)),
            thread::spawn(move || {
                io::copy(&mut &there, &mut &there)?;
                Ok(there.shutdown(Shutdown::Write)?)
            }),
        ];
        let exchange = Self { ends, sent_again, words, stream, threads };
        exchange.wait()?;
        Ok(exchange)
    }

    /// Claims that words still come back.
    #[track_caller]
    pub fn assert_goes_on(&self) {
        if let Err(error) = self.wait() {
            panic!("{error}");
        }
    }

    /// Ends it when every word has come back.
    ///
    /// # Errors
    ///
    /// When one does not, or another comes in its place.
    pub fn finish(mut self) -> Result<ExchangeReport> {
        self.words.stop.store(true, Ordering::Relaxed);
        let ended = || self.threads.iter().all(JoinHandle::is_finished);
        wait_until("every word to come back", PATIENCE, ended)?;
        for thread in self.threads.drain(..) {
            thread.join().map_err(|_| anyhow::anyhow!("an end of an exchange panicked"))??;
        }
        let words = &self.words;
        let (sent, back) = (words.sent.load(Ordering::Relaxed), words.back.load(Ordering::Relaxed));
        ensure!(sent == back, "{back} of {sent} words have come back");
        Ok(ExchangeReport { words: back, lost: lost(&self.ends)?.saturating_sub(self.sent_again) })
    }

    fn wait(&self) -> Result<()> {
        let back = || self.words.back.load(Ordering::Relaxed);
        let goal = self.words.sent.load(Ordering::Relaxed) + MANY;
        wait_until("words to come back", PATIENCE, || back() >= goal)
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.words.stop.store(true, Ordering::Relaxed);
        // Threads that wait for what does not come any more end with their connection.
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

fn write(mut stream: TcpStream, words: &Words) -> io::Result<()> {
    while !words.stop.load(Ordering::Relaxed) {
        let number = words.sent.load(Ordering::Relaxed);
        stream.write_all(&number.to_be_bytes())?;
        words.sent.store(number + 1, Ordering::Relaxed);
        thread::sleep(PACE);
    }
    stream.shutdown(Shutdown::Write)
}

fn read(mut stream: TcpStream, words: &Words) -> Result<()> {
    let mut word = [0; 8];
    loop {
        match stream.read_exact(&mut word) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let (expected, came) = (words.back.load(Ordering::Relaxed), u64::from_be_bytes(word));
        ensure!(came == expected, "word {came} has come in the place of {expected}");
        words.back.store(came + 1, Ordering::Relaxed);
    }
}

/// Segments that the kernels of these machines have sent again, ever, without those that arrived
/// twice by that: an acknowledgement that is late on a busy machine is no loss.
fn lost(ends: &[Netns]) -> Result<u64> {
    let mut count = 0;
    for end in ends {
        let [tcp, extended] = ["snmp", "netstat"].map(|file| {
            let path = format!("/proc/thread-self/net/{file}");
            end.enter(|| std::fs::read_to_string(&path).context("the kernel counts"))
        });
        let (tcp, extended) = (tcp?, extended?);
        let again = counter(&tcp, "Tcp:", "RetransSegs")?;
        let twice = counter(&extended, "TcpExt:", "TCPDSACKRecv")?;
        count += again.saturating_sub(twice);
    }
    Ok(count)
}

/// One counter of a file in which a line of names is followed by one of values.
fn counter(text: &str, group: &str, name: &str) -> Result<u64> {
    let mut lines = text.lines().filter(|line| line.starts_with(group));
    let (names, values) = (lines.next(), lines.next());
    let pairs = names.zip(values).map(|(names, values)| names.split(' ').zip(values.split(' ')));
    let value = pairs.and_then(|mut pairs| pairs.find(|(it, _)| *it == name)).map(|(_, it)| it);
    Ok(value.with_context(|| format!("no {name} in {text:?}"))?.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_found_by_its_name() {
        let text = "Ip: Forwarding\nIp: 1\nTcp: ActiveOpens RetransSegs\nTcp: 3 7\n";
        assert_eq!(counter(text, "Tcp:", "RetransSegs").unwrap(), 7);
        assert!(counter(text, "Tcp:", "InErrs").is_err());
    }
}
