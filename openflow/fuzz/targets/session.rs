//! A stream of bytes to a session, which comes in pieces of any size.

use std::time::{Duration, Instant};

use openflow::message::Hello;
use openflow::message::{FlowStatsRequest, Message, MultipartRequestBody};
use openflow::session::{End, Event, Limits, ProtocolError, Session};

/// The first byte says which end listens and how large the pieces are; the others are the stream.
///
/// However the stream is divided, the session tells the same and answers the same; it holds no more
/// than was sent to it, and after an error it tells nothing further.
pub(crate) fn session(bytes: &[u8]) {
    let Some((&how, stream)) = bytes.split_first() else { return };
    let end = if how & 1 == 0 { End::Controller } else { End::Switch };
    let piece = usize::from(how >> 1) % 64 + 1;
    let start = Instant::now();
    let whole = listen(end, stream, stream.len().max(1), start);
    assert_eq!(listen(end, stream, piece, start), whole, "in pieces of {piece}");
}

/// What a session tells and answers to a stream in pieces of `size`, and why it ends.
fn listen(
    end: End,
    stream: &[u8],
    size: usize,
    start: Instant,
) -> (Vec<Event>, Vec<u8>, Result<(), ProtocolError>) {
    let limits = Limits { message: 4096, ..Limits::default() };
    let mut session = Session::with_limits(end, limits, start);
    let hello = Message::Hello(Hello::only_1_3()).to_bytes(1).expect("a hello fits a message");
    let mut result = session.handle_input(&hello, start);
    let body = MultipartRequestBody::Flow(FlowStatsRequest::default());
    for request in [Message::BarrierRequest, Message::MultipartRequest(body.into())] {
        session.send(&request).expect("the request fits a message");
    }
    let (mut events, mut sent) = (Vec::new(), Vec::new());
    for piece in stream.chunks(size) {
        if result.is_err() {
            break;
        }
        result = session.handle_input(piece, start);
        events.extend(std::iter::from_fn(|| session.poll_event()));
        sent.extend(std::iter::from_fn(|| session.poll_transmit()).flatten());
    }
    sent.extend(std::iter::from_fn(|| session.poll_transmit()).flatten());
    assert_eq!(session.queued_bytes(), 0);
    let patience = Duration::from_secs(60);
    assert!(session.poll_timeout().is_some_and(|timeout| timeout <= start + patience));
    (events, sent, result)
}
