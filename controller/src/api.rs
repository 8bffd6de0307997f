//! The northbound API: gRPC package `weft.v1`.
//!
//! Handlers are thin: they parse a request (every field at fault is named, not only the first),
//! let [`topology::intent`] plan it within the engine, and answer what is then in the model.
//! Rejections become status codes with `google.rpc` details in one place, `status`.

mod address_group;
mod change;
mod fields;
mod flow;
mod host;
mod incoming;
mod listen;
mod mask;
mod naming;
mod network;
mod page;
mod port;
mod project;
mod resource;
mod rule;
mod security_group;
mod serve;
mod status;
mod subnet;

pub use listen::{ListenError, Listener, listen};
pub use serve::{ServeError, serve};

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::engine::Engine;

/// The implementation of every service.
#[derive(Clone, Debug)]
struct Api {
    engine: Engine,
    /// Cancelled when the server is to end: streams must not keep it up.
    stopping: CancellationToken,
    /// Of the watches that there may be, those that are free.
    watches: Arc<Semaphore>,
}
