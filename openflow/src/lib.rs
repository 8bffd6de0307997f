//! OpenFlow 1.3 with the Nicira and ONF extensions that Open vSwitch speaks.
//!
//! Three layers, none of which does IO:
//!
//! * **values** — [`Flow`], [`Match`], [`Action`], [`Instruction`]: what a flow is, and [`Group`],
//!   compact and comparable, printed and read in `ovs-ofctl` syntax;
//! * **messages** — [`message`]: every message as a typed value, to bytes and back;
//! * **session** — [`session`]: one end of a connection as a state machine over bytes.
//!
//! ```
//! use std::time::Instant;
//!
//! use openflow::message::{FlowModCommand, flow_frame};
//! use openflow::session::{End, Session};
//! use openflow::{Action, Field, Flow, Instruction, Match, PortNo};
//!
//! let flow = Flow {
//!     priority: 100,
//!     matching: Match::new().with(Field::ETH_TYPE, 0x0806u16).with(Field::ARP_OP, 1u16),
//!     instructions: vec![Instruction::ApplyActions(vec![
//!         Action::set_field(Field::REG0, 7u32),
//!         Action::output(PortNo::IN_PORT),
//!     ])],
//!     ..Flow::default()
//! };
//! assert_eq!(flow.to_string(), "priority=100,arp,arp_op=1 actions=set_field:0x7->reg0,IN_PORT");
//! assert_eq!(flow.to_string().parse(), Ok(flow.clone()));
//!
//! // Encoded once, sent to any number of switches.
//! let frame = flow_frame(FlowModCommand::Add, &flow, 1)?;
//! let mut session = Session::new(End::Controller, Instant::now());
//! session.send_encoded(frame.clone());
//! let hello = session.poll_transmit().expect("a session begins with its hello");
//! assert_eq!(hello[0], 4, "OpenFlow 1.3");
//! assert_eq!(session.poll_transmit(), Some(frame));
//! # Ok::<(), openflow::TooLong>(())
//! ```
//!
//! # What Open vSwitch gives back
//!
//! A controller that compares the flows of a switch with those that it wants must want flows that
//! the switch gives back as they were. With Open vSwitch (3.1), flows of this crate are such fixed
//! points, to the byte, if they keep to a few rules; `tests/ovs_oracle.rs` proves both that and each
//! of the exceptions.
//!
//! Taken care of by this crate, so that values compare equal whichever way a switch spells them:
//!
//! * a match's fields are in the order of `nx_put_raw`, which is that of [`Field::all`];
//! * a mask that covers the whole field is left out, one that covers nothing takes the field along;
//!   but `ct_state` and `tun_flags` always have theirs, since they are narrower than their place;
//! * value bits outside of the mask are zero;
//! * Nicira's actions (move, load, masked `set_field`, output to a register, zone of `ct`) name
//!   fields by their classic NXM numbers, matches and whole `set_field`s by the standard's: see
//!   [`FieldSpec::action_field`];
//! * a whole field is set by `OFPAT_SET_FIELD`, some bits by `NXAST_REG_LOAD2`; a switch keeps
//!   `set_field` and `load` apart, and so do [`Action::SetField`] and [`Action::Load`].
//!
//! Left to whoever makes flows:
//!
//! * instructions come in the order of execution: meter, apply, clear, write, metadata, goto; each
//!   at most once, and none with an empty list of actions (it would be dropped);
//! * a match has the fields that its others need (`ETH_TYPE` for addresses, `IP_PROTO` for ports,
//!   [`Field::VLAN_VID`] for a priority, `ct_state=+trk` and another state for the original tuple),
//!   else the switch refuses it;
//! * a match uses 32-bit registers: `XREG*` and `XXREG*` come back as those they are made of (in
//!   actions they stay);
//! * a match uses [`Field::VLAN_VID`] and [`Field::VLAN_PCP`], never [`Field::NXM_VLAN_TCI`], and
//!   [`Field::IN_PORT`], never [`Field::NXM_IN_PORT`] (which is for `load`).
//!
//! Kept as they are: flags (also `CHECK_OVERLAP` and `RESET_COUNTS`), time-outs, `max_len` of
//! outputs, the order of actions, actions in a `write_actions`, unnecessary loads.
//!
//! # Text
//!
//! The syntax is that of `ovs-ofctl`, with two differences. `set_field` with a mask is read as what
//! it is printed from, one action; `ovs-ofctl` takes it apart into a `load` for each run of bits.
//! What nobody knows is printed in a form of this crate's own, which it also reads: fields as
//! `oxm(CLASS,NUMBER,EXPERIMENTER)=0x…`, actions as `raw(…)`, instructions as
//! `raw_instruction(…)`.

mod action;
mod error;
mod field;
mod fixed_string;
mod flow;
mod group;
mod instruction;
mod mac;
mod matching;
pub mod message;
mod meter;
mod oxm;
mod port;
pub mod session;
mod text;
mod tun_metadata;
mod wire;

pub use action::{
    Action, Bundle, BundleAlgorithm, Controller, Ct, CtZone, Encap, EncapHeader, EncapProperty,
    HashFields, Learn, LearnSource, LearnSpec, Multipath, MultipathAlgorithm, Nat, PacketType,
    Resubmit, Sample, SampleDirection, Subfield,
};
pub use error::{DecodeError, TooLong};
pub use field::{Field, FieldSpec, Format};
pub use fixed_string::FixedString;
pub use flow::{Flow, FlowFlags, FlowId};
pub use group::{Bucket, Group, GroupType};
pub use instruction::Instruction;
pub use mac::{MacAddr, ParseMacError};
pub use matching::Match;
pub use meter::{Meter, MeterBand, MeterFlags};
pub use oxm::{IntoFieldValue, Oxm};
pub use port::PortNo;
pub use text::{FlowDisplay, MessageDisplay, Names, ParseError};
pub use tun_metadata::TunMetadata;
