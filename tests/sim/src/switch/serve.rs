use std::time::Instant;

use bytes::BytesMut;
use openflow::session::{End, Session};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, split};
use tokio::time::sleep_until;

use super::Switch;
use super::agent::Agent;

impl Switch {
    /// Speaks with a controller until the connection ends.
    pub async fn serve(&self, stream: impl AsyncRead + AsyncWrite) {
        let (mut reader, mut writer) = split(stream);
        let mut agent = Agent::new(self.clone(), Session::new(End::Switch, now()));
        let mut input = BytesMut::with_capacity(READ);
        loop {
            while let Some(mut bytes) = agent.session.poll_transmit() {
                if writer.write_all_buf(&mut bytes).await.is_err() {
                    return;
                }
            }
            let news = agent.news.clone();
            let timeout = async {
                match agent.session.poll_timeout() {
                    Some(deadline) => sleep_until(deadline.into()).await,
                    None => std::future::pending().await,
                }
            };
            let alive = tokio::select! {
                biased;
                () = timeout => agent.session.handle_timeout(now()).is_ok(),
                () = news.notified() => {
                    agent.say();
                    true
                }
                read = reader.read_buf(&mut input) => {
                    let alive = read.is_ok_and(|count| count > 0)
                        && agent.session.handle_input(&input, now()).is_ok();
                    input.clear();
                    agent.answer();
                    alive
                }
            };
            if !alive {
                return;
            }
        }
    }
}

/// Bytes read at a time.
const READ: usize = 64 << 10;

fn now() -> Instant {
    tokio::time::Instant::now().into_std()
}
