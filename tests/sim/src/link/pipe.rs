use std::collections::VecDeque;
use std::io;
use std::task::{Context, Poll, Waker};

use bytes::{Buf as _, Bytes};
use tokio::io::ReadBuf;
use tokio::time::Instant;

use super::Weather;
use crate::random::Random;

/// One direction of a connection.
#[derive(Debug)]
pub(super) struct Pipe {
    weather: Weather,
    random: Random,
    /// What is on its way, with when it arrives.
    pieces: VecDeque<(Instant, Bytes)>,
    bytes: usize,
    /// Nothing that is sent arrives before.
    not_before: Instant,
    state: State,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum State {
    Open,
    /// The writer is gone; what it wrote arrives still.
    Finished,
    /// The reader is gone.
    Unread,
    /// Broken, and both ends know.
    Reset,
    /// Broken, and the writer does not know; the reader does.
    Swallowed,
    /// Broken, and the reader does not know.
    Silent,
}

/// What a reader finds.
pub(super) enum Found {
    Bytes,
    End,
    /// Nothing yet; perhaps then.
    Nothing(Option<Instant>),
}

impl Pipe {
    pub(super) fn new(weather: Weather, random: Random) -> Self {
        Self {
            weather,
            random,
            pieces: VecDeque::new(),
            bytes: 0,
            not_before: Instant::now(),
            state: State::Open,
            reader: None,
            writer: None,
        }
    }

    pub(super) fn write(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.state {
            State::Open | State::Swallowed => {}
            State::Finished | State::Unread | State::Reset | State::Silent => {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
        }
        let room = self.weather.window.saturating_sub(self.bytes);
        if room == 0 {
            self.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        let taken = bytes.len().min(room);
        self.bytes += taken;
        if self.state == State::Open {
            for piece in bytes[..taken].chunks(self.weather.piece) {
                let delay = self.random.below(self.weather.delay.as_micros() as u64 + 1);
                let arrival = Instant::now() + std::time::Duration::from_micros(delay);
                self.not_before = self.not_before.max(arrival);
                self.pieces.push_back((self.not_before, Bytes::copy_from_slice(piece)));
            }
            wake(&mut self.reader);
        }
        Poll::Ready(Ok(taken))
    }

    pub(super) fn read(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> io::Result<Found> {
        let now = Instant::now();
        let arrived = self.pieces.front_mut().filter(|(arrival, _)| *arrival <= now);
        if let Some((_, piece)) = arrived {
            let taken = piece.len().min(buffer.remaining());
            buffer.put_slice(&piece[..taken]);
            piece.advance(taken);
            if piece.is_empty() {
                self.pieces.pop_front();
            }
            self.bytes -= taken;
            wake(&mut self.writer);
            return Ok(Found::Bytes);
        }
        self.reader = Some(context.waker().clone());
        match (self.state, self.pieces.front()) {
            (State::Reset | State::Swallowed, _) => Err(io::ErrorKind::ConnectionReset.into()),
            (_, Some((arrival, _))) => Ok(Found::Nothing(Some(*arrival))),
            (State::Finished, None) => Ok(Found::End),
            (_, None) => Ok(Found::Nothing(None)),
        }
    }

    /// The writer is done.
    pub(super) fn finish(&mut self) {
        if self.state == State::Open {
            self.state = State::Finished;
        }
        wake(&mut self.reader);
    }

    /// The reader is gone.
    pub(super) fn abandon(&mut self) {
        if matches!(self.state, State::Open | State::Finished) {
            self.state = State::Unread;
        }
        wake(&mut self.writer);
    }

    pub(super) fn reset(&mut self) {
        self.break_off(State::Reset);
    }

    pub(super) fn swallow(&mut self) {
        self.break_off(State::Swallowed);
    }

    pub(super) fn fall_silent(&mut self) {
        self.break_off(State::Silent);
    }

    pub(super) fn stall(&mut self, until: Instant) {
        self.not_before = self.not_before.max(until);
        for (arrival, _) in &mut self.pieces {
            *arrival = (*arrival).max(until);
        }
    }

    pub(super) fn resume(&mut self) {
        let now = Instant::now();
        self.not_before = now;
        for (arrival, _) in &mut self.pieces {
            *arrival = (*arrival).min(now);
        }
        wake(&mut self.reader);
    }

    pub(super) fn change(&mut self, weather: Weather) {
        self.weather = weather;
        wake(&mut self.writer);
    }

    /// What has not arrived never does.
    fn break_off(&mut self, state: State) {
        let now = Instant::now();
        self.pieces.retain(|(arrival, _)| *arrival <= now);
        if state != State::Swallowed {
            self.bytes = self.pieces.iter().map(|(_, piece)| piece.len()).sum();
        }
        self.state = state;
        wake(&mut self.reader);
        wake(&mut self.writer);
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}
