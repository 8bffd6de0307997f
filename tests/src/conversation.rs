//! A TCP connection that is open while something else happens.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lab::Host;

use crate::probe::listen;
use crate::segment::Guest;

/// How long a word may take: TCP sends it again at growing intervals while nothing passes, so
/// that after a few seconds of silence the next attempt is as long away.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a word that must not arrive is waited for.
const SILENCE: Duration = Duration::from_millis(600);

/// An open TCP connection. Each end says a word at a time, and what it said is remembered until
/// the other has heard it.
#[derive(Debug)]
pub struct Conversation {
    ends: [End; 2],
}

#[derive(Debug)]
struct End {
    name: &'static str,
    host: Arc<Host>,
    stream: TcpStream,
    /// Words that this end has said and the other has not heard.
    unheard: usize,
}

impl Conversation {
    /// Opens one.
    ///
    /// # Errors
    ///
    /// When it does not open.
    pub fn open(client: &Guest, (server, at): (&Guest, SocketAddr)) -> Result<Self> {
        let listener = listen(server, at)?;
        let there = client.netns().enter(|| {
            TcpStream::connect_timeout(&at, PATIENCE)
                .with_context(|| format!("{} cannot connect to {at}", client.name()))
        })?;
        let (here, _) = listener.accept()?;
        let end = |name, guest: &Guest, stream: TcpStream| -> Result<End> {
            stream.set_nodelay(true)?;
            Ok(End { name, host: guest.host().clone(), stream, unheard: 0 })
        };
        Ok(Self { ends: [end("client", client, there)?, end("server", server, here)?] })
    }

    /// Claims that what each end says, and has said so far, is heard by the other.
    #[track_caller]
    pub fn goes_on(&mut self) {
        for speaker in [0, 1] {
            self.say(speaker);
            let heard = self.hear(1 - speaker, PATIENCE);
            if let Err(error) = heard {
                panic!("the {} is not heard: {error:#}", self.ends[speaker].name);
            }
        }
    }

    /// Claims that what each end says is not heard by the other, once the datapaths have followed
    /// what the switches have confirmed: how soon that is, a [`Stream`](crate::Stream) tells.
    #[track_caller]
    pub fn is_stopped(&mut self) {
        for end in &self.ends {
            // The first answer may be to a round that had begun before.
            for _ in 0..2 {
                end.host.appctl(&["revalidator/wait"]).expect("ovs-vswitchd answers");
            }
        }
        for speaker in [0, 1] {
            self.say(speaker);
        }
        for speaker in [0, 1] {
            let mut byte = [0];
            let listener = &mut self.ends[1 - speaker].stream;
            listener.set_read_timeout(Some(SILENCE)).expect("it is not zero");
            match listener.read_exact(&mut byte) {
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                heard => panic!("the {} is heard: {heard:?}", self.ends[speaker].name),
            }
        }
    }

    #[track_caller]
    fn say(&mut self, speaker: usize) {
        let end = &mut self.ends[speaker];
        end.stream.write_all(b".").unwrap_or_else(|error| panic!("{}: {error}", end.name));
        end.unheard += 1;
    }

    /// Reads everything that the other end has said.
    fn hear(&mut self, listener: usize, timeout: Duration) -> Result<()> {
        let said = std::mem::take(&mut self.ends[1 - listener].unheard);
        let mut words = vec![0; said];
        let stream = &mut self.ends[listener].stream;
        stream.set_read_timeout(Some(timeout))?;
        stream.read_exact(&mut words)?;
        ensure!(words.iter().all(|&word| word == b'.'), "heard {words:?}");
        Ok(())
    }
}
