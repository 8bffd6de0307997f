//! OpenFlow 1.3 with the Nicira and ONF extensions that Open vSwitch speaks.
//!
//! Three layers, none of which does IO:
//!
//! * **values** — [`Flow`], [`Match`], [`Action`], [`Instruction`]: what a flow is, and [`Group`],
//!   compact and comparable, printed and read in `ovs-ofctl` syntax;
//! * **messages** — [`message`]: every message as a typed value, to bytes and back;
//! * **session** — [`session`]: one end of a connection as a state machine over bytes.
//!
//! A flow as a value, as text, and as bytes:
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
//! A controller's conversation with a switch, which listens for example after `ovs-vsctl
//! set-controller br0 ptcp:6653:127.0.0.1`; `examples/read_back.rs` is the same at more length:
//!
//! ```no_run
//! use std::io::{Read, Write};
//! use std::net::TcpStream;
//! use std::time::Instant;
//!
//! use openflow::Flow;
//! use openflow::message::{
//!     FlowMod, FlowStatsRequest, Message, MultipartReplyBody, MultipartRequestBody,
//! };
//! use openflow::session::{End, Event, Session};
//!
//! let flow: Flow = "cookie=0x7e57, table=7, arp actions=IN_PORT".parse()?;
//! let mut stream = TcpStream::connect("127.0.0.1:6653")?;
//! let mut session = Session::new(End::Controller, Instant::now());
//! let mut buffer = [0; 16_384];
//! loop {
//!     while let Some(bytes) = session.poll_transmit() {
//!         stream.write_all(&bytes)?;
//!     }
//!     match session.poll_event() {
//!         Some(Event::Ready(_)) => {
//!             session.send(&Message::FlowMod(FlowMod::add(flow.clone())))?;
//!             session.send(&Message::BarrierRequest)?;
//!         }
//!         // Whatever was sent before the barrier is done.
//!         Some(Event::Reply { message: Message::BarrierReply, .. }) => {
//!             let request = FlowStatsRequest::by_cookie(flow.cookie, u64::MAX);
//!             session.send(&Message::MultipartRequest(MultipartRequestBody::Flow(request).into()))?;
//!         }
//!         Some(Event::Part { body: MultipartReplyBody::Flow(flows), last, .. }) => {
//!             flows.iter().for_each(|stats| println!("{}", stats.flow));
//!             if last {
//!                 break;
//!             }
//!         }
//!         Some(Event::Error { error, .. }) => return Err(error.code.to_string().into()),
//!         Some(_) => {}
//!         None => {
//!             let length = stream.read(&mut buffer)?;
//!             session.handle_input(&buffer[..length], Instant::now())?;
//!         }
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is typed
//!
//! | of | typed | how others survive |
//! |---|---|---|
//! | messages | every one of OpenFlow 1.3.5; ONF's bundles and flow monitors; Nicira's packet-in formats, controller identifiers, flushing of conntrack | [`Message::Unknown`](message::Message::Unknown), [`Message::Experimenter`](message::Message::Experimenter) |
//! | multipart bodies | all of 1.3.5, and ONF's flow monitor | the variants `Other` and `Experimenter` |
//! | fields | every one that Open vSwitch 3.1 has: [`Field::all`] | [`Match::unknown`], within the match |
//! | actions | the standard's and Nicira's: see [`Action`] | [`Action::Unknown`] |
//! | instructions | all of 1.3.5 | [`Instruction::Unknown`] |
//! | errors, reasons, roles, flags | by name where there is one | numbers |
//!
//! A message whose bytes say something in an unusual way (padding that is not zero, properties in
//! another order) is a [`Message::Unknown`](message::Message::Unknown) to
//! [`Message::decode`](message::Message::decode), so that it encodes to the same bytes;
//! [`Message::interpret`](message::Message::interpret) tells what it means.
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
//! The syntax is that of `ovs-ofctl`, with a few differences. `set_field` with a mask is read as what
//! it is printed from, one action; `ovs-ofctl` takes it apart into a `load` for each run of bits.
//! The output that an `enqueue` stands for tells no length, which only counts for controllers. Some
//! fields of ERSPAN and GTP-U are matched as they are told; `ovs-ofctl` masks them by their own value.
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

/// The code of the crate's README works.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
