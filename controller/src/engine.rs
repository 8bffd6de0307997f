//! The engine: the one owner of store, model and compiler.
//!
//! A thread of its own takes commands from a bounded queue, one after the other, so that every
//! check sees the state that its changes are applied to. Writes that wait together are committed
//! together, by one `fsync`; nothing is answered or sent before it is durable.
//!
//! ```text
//!  API ── write, read ──►┐
//!  host sessions ─ report ►│ engine ──► store
//!  switch sessions ─ attach, next, confirm ►┘   └──► compiler ──► feeds ──► switch sessions
//! ```

mod binding;
mod core;
mod dispute;
mod drift;
mod feed;
mod fleet;
mod guard;
mod handle;
mod identity;
mod refused;
mod report;
mod view;
mod work;

pub use core::apply::{ApplyError, HostPlan, Step, StepPlan};
pub use dispute::Dispute;
pub use drift::{Comparison, Drift, DriftByTable, RowsByTable, TableDrift};
pub use feed::{HandOver, Lane, Receipt, SessionId, Snapshot, Ticket, Update};
pub use guard::{Hold, Removal, RemovalLimit, Stay, Surplus};
pub use handle::{
    Attaching, Attachment, Committed, Engine, StartError, Stopped, SwitchRequest, Taken, Which,
    WriteError,
};
pub use identity::{ConnectionId, Identification, Standing};
pub use refused::{RefusedFlow, RefusedFlows};
pub use report::{HostReport, Interface, NotTaken, Reported};
pub use view::{HostState, HostStatus, NetworkStatus, PortStatus, View};
pub use work::Work;
