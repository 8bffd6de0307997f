use std::fmt::Debug;

use tokio::io::{AsyncRead, AsyncWrite};

/// What a switch can be spoken to over: a TCP connection, or whatever else carries bytes both ways.
pub trait Stream: AsyncRead + AsyncWrite + Debug + Send + Sync + Unpin + 'static {}

impl<S: AsyncRead + AsyncWrite + Debug + Send + Sync + Unpin + 'static> Stream for S {}

pub(super) type BoxedStream = Box<dyn Stream>;
