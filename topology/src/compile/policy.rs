//! Tables egress…, ingress…, rules, peers and peer_rules: what security groups allow.
//!
//! A packet is judged by the rules of the direction in which its connection began: in that
//! direction by its own headers, in the other by the connection's original tuple, which conntrack
//! tells. Nothing is remembered of earlier verdicts.

mod base;
mod port;
mod ports;
mod profile;
mod remote;
mod side;

pub(super) use base::base;
pub(super) use port::{PortPolicy, port};
pub(crate) use ports::PortPrefix;
pub(super) use profile::{ClassRule, Judge, class, remotes};
pub(crate) use remote::member_pairs;
pub(super) use remote::{address_group, member_pair, members};

use openflow::{Field, Match};

/// Bits of `ct_state`.
const NEW: u32 = 0x01;
const RELATED: u32 = 0x04;
const REPLY: u32 = 0x08;
const INVALID: u32 = 0x10;
const TRACKED: u32 = 0x20;

/// Packets with all of the `set` bits of `ct_state` and none of the `clear` ones.
fn ct_state(matching: Match, set: u32, clear: u32) -> Match {
    matching.with_masked(Field::CT_STATE, set, set | clear)
}

/// The first packet of a connection, or further ones that conntrack has seen no answer to.
fn new_connection(matching: Match) -> Match {
    ct_state(matching, NEW | TRACKED, 0)
}
