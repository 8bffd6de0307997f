//! OpenFlow 1.3 with the Nicira and ONF extensions that Open vSwitch speaks.
//!
//! Three layers, none of which does IO:
//!
//! * **values** — [`Flow`], [`Match`], [`Action`], [`Instruction`]: what a flow is, compact and
//!   comparable, with [`std::fmt::Display`] in `ovs-ofctl` syntax;
//! * **messages** — [`message`]: every message as a typed value, to bytes and back;
//! * **session** — [`session`]: one end of a connection as a state machine over bytes.

mod action;
mod error;
mod field;
mod flow;
mod instruction;
mod mac;
mod matching;
pub mod message;
mod oxm;
mod port;
pub mod session;
mod text;
mod wire;

pub use action::{Action, Controller, Ct, CtZone, Nat, Resubmit, Subfield};
pub use error::{DecodeError, TooLong};
pub use field::{Field, FieldSpec, Format};
pub use flow::{Flow, FlowFlags, FlowId};
pub use instruction::Instruction;
pub use mac::{MacAddr, ParseMacError};
pub use matching::Match;
pub use oxm::{IntoFieldValue, Oxm};
pub use port::PortNo;
pub use text::{FlowDisplay, Names, ParseError};
