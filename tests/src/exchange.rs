//! A TCP connection that is never idle, while something else happens.

use std::io::{self, ErrorKind, Read as _, Write as _};
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

/// Where the threads that say and hear words are among an exchange's.
const WRITER: usize = 0;
const READER: usize = 1;

/// A TCP connection by which a client sends numbered words at a steady pace and a server sends them
/// back, whatever happens.
#[derive(Debug)]
pub struct Exchange {
    ends: [Netns; 2],
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
        let exchange = Self { ends, words, stream, threads };
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
        let count = || [&self.words.sent, &self.words.back].map(|it| it.load(Ordering::Relaxed));
        let [said, failed] = [WRITER, READER].map(|it| {
            let thread = &self.threads[it];
            move || thread.is_finished()
        });
        let home = wait_until("every word to come back", PATIENCE, || {
            let [sent, back] = count();
            failed() || (said() && sent == back)
        });
        // Neither end is closed yet: of a connection that is, nobody knows any more.
        let lost = self.lost();
        let closed = self.stream.shutdown(Shutdown::Both);
        let ended = || self.threads.iter().all(JoinHandle::is_finished);
        let end = wait_until("both ends to close", PATIENCE, ended);
        let [sent, back] = count();
        home.with_context(|| format!("{back} of {sent} words have come back"))?;
        end?;
        for thread in self.threads.drain(..) {
            thread.join().map_err(|_| anyhow::anyhow!("an end of an exchange panicked"))??;
        }
        closed?;
        Ok(ExchangeReport { words: back, lost: lost? })
    }

    /// Segments that either end has sent again, without those that arrived twice by that: an
    /// acknowledgement that is late on a busy machine is no loss.
    fn lost(&self) -> Result<u64> {
        let port = self.stream.local_addr()?.port();
        let mut lost = 0;
        for (end, side) in self.ends.iter().zip(["sport", "dport"]) {
            let mut ss = end.command("ss");
            let output = ss.args(["-tinH", side, "=", &format!(":{port}")]).output()?;
            let text = String::from_utf8_lossy(&output.stdout);
            ensure!(text.contains("cwnd:"), "no connection {side} {port} in {text:?}");
            lost += retransmitted(&text).saturating_sub(number_after(&text, "dsack_dups:"));
        }
        Ok(lost)
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
    Ok(())
}

fn read(mut stream: TcpStream, words: &Words) -> Result<()> {
    let mut word = [0; 8];
    loop {
        match stream.read_exact(&mut word) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let (expected, came) = (words.back.load(Ordering::Relaxed), u64::from_be_bytes(word));
        ensure!(came == expected, "word {came} has come in the place of {expected}");
        words.back.store(came + 1, Ordering::Relaxed);
    }
}

/// What `ss` says of a connection's segments that were sent again: `retrans:NOW/EVER`, where any
/// were.
fn retransmitted(text: &str) -> u64 {
    let now = text.split_once(" retrans:").and_then(|(_, rest)| rest.split_once('/'));
    now.map_or(0, |(_, ever)| leading_number(ever))
}

/// The number behind a name, 0 where the name is not.
fn number_after(text: &str, name: &str) -> u64 {
    text.split_once(name).map_or(0, |(_, rest)| leading_number(rest))
}

fn leading_number(text: &str) -> u64 {
    let end = text.find(|it: char| !it.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_again_is_read_from_what_ss_says() {
        let text = "ESTAB 0 0 10.0.0.1:40000 10.0.0.2:5000\n\t cubic rto:204 cwnd:10 \
                    bytes_sent:80 bytes_retrans:16 segs_out:12 retrans:0/2 dsack_dups:1 minrtt:0.1\n";
        assert_eq!(retransmitted(text), 2);
        assert_eq!(number_after(text, "dsack_dups:"), 1);
        assert_eq!(retransmitted("ESTAB 0 0 cubic rto:204 bytes_retrans:16 cwnd:10"), 0);
    }
}
