use openflow::{Action, Field, Flow, Instruction, Match};

use crate::cookie::Cookie;
use crate::key::Key;
use crate::pipeline::{self, Detail, Origin, Register, Table};

/// Ethernet types.
pub(super) const ARP: u16 = 0x0806;
pub(super) const RARP: u16 = 0x8035;
pub(super) const IPV4: u16 = 0x0800;
pub(super) const IPV6: u16 = 0x86dd;

/// IP protocols.
pub(super) const UDP: u8 = 17;
pub(super) const ICMPV6: u8 = 58;

/// Collects the flows of one fragment.
#[derive(Debug)]
pub(super) struct Emit {
    owner: Key,
    flows: Vec<Flow>,
}

impl Emit {
    /// Flows of the block that `owner` owns.
    pub(super) fn new(owner: Key) -> Self {
        Self { owner, flows: Vec::new() }
    }

    /// The packet ends here.
    pub(super) fn drop(&mut self, detail: Detail, member: Key, matching: Match) {
        self.push(detail, member, matching, Vec::new(), None);
    }

    /// The packet goes on, after `actions`.
    pub(super) fn goto(
        &mut self,
        detail: Detail,
        member: Key,
        matching: Match,
        actions: Vec<Action>,
        next: Table,
    ) {
        self.push(detail, member, matching, actions, Some(next));
    }

    /// The packet's path ends with `actions`.
    pub(super) fn end(
        &mut self,
        detail: Detail,
        member: Key,
        matching: Match,
        actions: Vec<Action>,
    ) {
        self.push(detail, member, matching, actions, None);
    }

    fn push(
        &mut self,
        detail: Detail,
        member: Key,
        matching: Match,
        actions: Vec<Action>,
        next: Option<Table>,
    ) {
        let spec = detail.spec();
        let next = next.map(|table| Instruction::GotoTable(table.number()));
        let instructions = match (actions.is_empty(), next) {
            (true, next) => Vec::from_iter(next),
            (false, None) => vec![Instruction::ApplyActions(actions)],
            (false, Some(next)) => vec![Instruction::ApplyActions(actions), next],
        };
        self.flows.push(Flow {
            table: spec.table.number(),
            priority: spec.priority,
            cookie: Cookie::new(detail, self.owner, member).0,
            matching,
            instructions,
            ..Flow::default()
        });
    }

    /// The flows.
    pub(super) fn finish(self) -> Vec<Flow> {
        for flow in &self.flows {
            debug_assert_eq!(pipeline::check(flow), Ok(()), "{flow:?}");
        }
        self.flows
    }
}

/// Packets of the network with this key.
pub(super) fn in_network(network: Key) -> Match {
    Match::new().with(Register::NETWORK.field, network.get())
}

/// Packets from the port with this key.
pub(super) fn from_port(port: Key) -> Match {
    Match::new().with(Register::SOURCE_PORT.field, port.get())
}

/// Puts a key or number into a register.
pub(super) fn set(register: Register, value: u32) -> Action {
    Action::set_field(register.field, value)
}

/// Says where the packet came from.
pub(super) fn set_origin(origin: Origin) -> Action {
    set(Register::ORIGIN, origin as u32)
}

/// Frames without a VLAN tag.
pub(super) fn untagged(matching: Match) -> Match {
    matching.with(Field::VLAN_VID, 0u16)
}

/// ICMPv6 messages of a type.
pub(super) fn icmpv6(matching: Match, kind: u8) -> Match {
    let icmpv6 = matching.with(Field::ETH_TYPE, IPV6).with(Field::IP_PROTO, ICMPV6);
    icmpv6.with(Field::ICMPV6_TYPE, kind)
}

/// ICMPv6 messages of neighbour discovery, whose fields can be matched.
pub(super) fn neighbour(matching: Match, kind: u8) -> Match {
    icmpv6(matching, kind).with(Field::ICMPV6_CODE, 0u8)
}

/// ICMPv6 types of neighbour discovery (RFC 4861 §4).
pub(super) const ROUTER_SOLICITATION: u8 = 133;
pub(super) const ROUTER_ADVERTISEMENT: u8 = 134;
pub(super) const NEIGHBOUR_SOLICITATION: u8 = 135;
pub(super) const NEIGHBOUR_ADVERTISEMENT: u8 = 136;
pub(super) const REDIRECT: u8 = 137;
