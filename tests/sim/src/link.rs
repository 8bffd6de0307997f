//! Connections in memory, with a network's faults: bytes that come late and in pieces, a peer that
//! does not read, a connection that breaks in the middle of a message, at one end or at both.
//!
//! Within one direction of one connection bytes keep their order, as TCP has it; between
//! connections, and between the two directions, there is none but that of the delays.

mod end;
mod pipe;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

pub use self::end::End;
use self::pipe::Pipe;
use crate::random::Random;
use crate::trace::Trace;

/// How a connection treats what goes through it.
#[derive(Clone, Copy, Debug)]
pub struct Weather {
    /// The longest time that a piece takes.
    pub delay: Duration,
    /// The longest piece, in bytes.
    pub piece: usize,
    /// Bytes that may be on their way; who sends more, waits.
    pub window: usize,
}

impl Weather {
    /// Nothing out of the ordinary.
    pub const CALM: Self =
        Self { delay: Duration::from_millis(2), piece: 1 << 16, window: 1 << 18 };
}

/// What a connection runs through, to be broken.
#[derive(Clone, Debug)]
pub struct Cable {
    pipes: [Arc<Mutex<Pipe>>; 2],
}

/// Joins two ends; the first is the controller's, the second the switch's.
pub(crate) fn link(weather: Weather, random: &mut Random, trace: &Trace) -> (End, End, Cable) {
    let number = random.number();
    let pipe = |random: &mut Random| Arc::new(Mutex::new(Pipe::new(weather, random.fork())));
    let (down, up) = (pipe(random), pipe(random));
    let near = End::new(up.clone(), down.clone(), (number, true), trace.clone());
    let far = End::new(down.clone(), up.clone(), (number, false), trace.clone());
    (near, far, Cable { pipes: [down, up] })
}

impl Cable {
    /// Breaks the connection at both ends: what has arrived can still be read, perhaps half a
    /// message.
    pub(crate) fn cut(&self) {
        for pipe in &self.pipes {
            lock(pipe).reset();
        }
    }

    /// The switch's end breaks, and the controller's hears nothing of it, nor anything else.
    pub(crate) fn vanish(&self) {
        let [down, up] = &self.pipes;
        lock(down).swallow();
        lock(up).fall_silent();
    }

    /// Nothing arrives until then, in either direction.
    pub(crate) fn stall(&self, until: Instant) {
        for pipe in &self.pipes {
            lock(pipe).stall(until);
        }
    }

    /// What stands still arrives.
    pub(crate) fn resume(&self) {
        for pipe in &self.pipes {
            lock(pipe).resume();
        }
    }

    /// What is sent from now on is treated as `weather` says.
    pub(crate) fn change(&self, weather: Weather) {
        for pipe in &self.pipes {
            lock(pipe).change(weather);
        }
    }
}

fn lock(pipe: &Mutex<Pipe>) -> std::sync::MutexGuard<'_, Pipe> {
    pipe.lock().unwrap_or_else(PoisonError::into_inner)
}
