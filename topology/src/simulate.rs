//! A packet simulator: what Open vSwitch would do with a packet, given its flows.
//!
//! [`Switch`] is one bridge: flow tables, looked up and executed as OpenFlow 1.3 and
//! ovs-actions(7) say. [`Fabric`] joins the bridges of many hosts by tunnels and provider
//! networks, and follows a packet to every place that it reaches. Both are pure and exact about
//! what the compiler emits; a flow that Open vSwitch would refuse, or that uses what is not
//! simulated, is refused here too ([`Refusal`]), never half obeyed.

mod compose;
mod conntrack;
mod fabric;
mod packet;
mod refusal;
mod switch;
mod table;
mod trace;

pub use compose::Transport;
pub use conntrack::Conntrack;
pub use fabric::{Connections, Delivery, Fabric, Hop, Journey, Loss, LossReason, Place};
pub use packet::Packet;
pub use refusal::Refusal;
pub use switch::Switch;
pub use trace::{DropReason, Dropped, Event, Trace};
