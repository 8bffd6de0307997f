use openflow::Field;
use rustc_hash::FxHashMap;

use super::Packet;

/// The connections that a switch knows, zone by zone.
///
/// What is known of them is what they began with, and whether they were answered: enough for
/// `ct_state` and the original tuple. Not simulated are TCP's states (a connection ends only with
/// [`Conntrack::flush`]), time, limits, and fragments, each of which is taken for a whole packet.
#[derive(Clone, Debug, Default)]
pub struct Conntrack {
    /// Whether they were answered, by what they began with.
    connections: FxHashMap<(u16, Tuple), bool>,
}

/// Addresses and ports of a packet.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Tuple {
    eth_type: u128,
    protocol: u128,
    source: u128,
    destination: u128,
    /// Of ICMP the type.
    source_port: u128,
    /// Of ICMP the code.
    destination_port: u128,
}

/// What conntrack says of a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Tracked {
    /// Bits of `ct_state`.
    state: u32,
    /// What its connection began with; `None` when it is invalid.
    original: Option<Tuple>,
}

/// Bits of `ct_state`.
const NEW: u32 = 0x01;
const ESTABLISHED: u32 = 0x02;
const RELATED: u32 = 0x04;
const REPLY: u32 = 0x08;
const INVALID: u32 = 0x10;
const TRACKED: u32 = 0x20;

impl Conntrack {
    /// No connections.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many connections a zone has.
    pub fn len(&self, zone: u16) -> usize {
        self.connections.keys().filter(|(other, _)| *other == zone).count()
    }

    /// True when a zone has no connections.
    pub fn is_empty(&self, zone: u16) -> bool {
        self.len(zone) == 0
    }

    /// Forgets the connections of a zone.
    pub fn flush(&mut self, zone: u16) {
        self.connections.retain(|(other, _), _| *other != zone);
    }

    /// Every connection has been answered, as if a reply had come by.
    pub fn answer_all(&mut self) {
        self.connections.values_mut().for_each(|answered| *answered = true);
    }

    /// What a packet is to the connections of a zone.
    pub(super) fn track(&mut self, zone: u16, packet: &Packet) -> Tracked {
        let invalid = Tracked { state: INVALID | TRACKED, original: None };
        let Some(tuple) = Tuple::of(packet) else { return invalid };
        if tuple.is_error() {
            let Some(about) = packet.about() else { return invalid };
            return self.error(zone, about).unwrap_or(invalid);
        }
        if let Some(answered) = self.connections.get(&(zone, tuple)) {
            let state = if *answered { ESTABLISHED } else { NEW };
            return Tracked { state: state | TRACKED, original: Some(tuple) };
        }
        let reversed = tuple.reversed();
        let known = reversed.and_then(|tuple| self.connections.get_mut(&(zone, tuple)));
        if let Some(answered) = known {
            *answered = true;
            return Tracked { state: ESTABLISHED | REPLY | TRACKED, original: reversed };
        }
        if tuple.begins() {
            Tracked { state: NEW | TRACKED, original: Some(tuple) }
        } else {
            invalid
        }
    }

    /// Takes a new connection in.
    pub(super) fn commit(&mut self, zone: u16, tracked: Tracked) {
        if let Some(original) = tracked.original.filter(|_| tracked.state & NEW != 0) {
            self.connections.entry((zone, original)).or_insert(false);
        }
    }

    /// What an ICMP error about a packet is.
    fn error(&self, zone: u16, about: Tuple) -> Option<Tracked> {
        let knows = |tuple: &Tuple| self.connections.contains_key(&(zone, *tuple));
        if knows(&about) {
            return Some(Tracked { state: RELATED | REPLY | TRACKED, original: Some(about) });
        }
        let original = about.reversed().filter(knows)?;
        Some(Tracked { state: RELATED | TRACKED, original: Some(original) })
    }
}

impl Tracked {
    /// Writes what conntrack says into the packet.
    pub(super) fn write(self, zone: u16, packet: &mut Packet) {
        clear(packet);
        packet.set(Field::CT_STATE, self.state);
        packet.set(Field::CT_ZONE, zone);
        let Some(original) = self.original else { return };
        packet.set(Field::CT_NW_PROTO, original.protocol);
        packet.set(Field::CT_TP_SRC, original.source_port);
        packet.set(Field::CT_TP_DST, original.destination_port);
        let [source, destination] = if original.eth_type == IPV4 {
            [Field::CT_NW_SRC, Field::CT_NW_DST]
        } else {
            [Field::CT_IPV6_SRC, Field::CT_IPV6_DST]
        };
        packet.set(source, original.source);
        packet.set(destination, original.destination);
    }
}

/// Makes the packet one that was not tracked.
pub(super) fn clear(packet: &mut Packet) {
    for field in [
        Field::CT_STATE,
        Field::CT_ZONE,
        Field::CT_MARK,
        Field::CT_LABEL,
        Field::CT_NW_PROTO,
        Field::CT_NW_SRC,
        Field::CT_NW_DST,
        Field::CT_IPV6_SRC,
        Field::CT_IPV6_DST,
        Field::CT_TP_SRC,
        Field::CT_TP_DST,
    ] {
        packet.set(field, 0u8);
    }
}

impl Tuple {
    /// `None` for what is not IP.
    pub(super) fn of(packet: &Packet) -> Option<Self> {
        let field = |field| packet.field(field);
        let eth_type = field(Field::ETH_TYPE);
        let [source, destination] = match eth_type {
            IPV4 => [Field::IPV4_SRC, Field::IPV4_DST],
            IPV6 => [Field::IPV6_SRC, Field::IPV6_DST],
            _ => return None,
        };
        let protocol = field(Field::IP_PROTO);
        let ports = match (protocol, eth_type) {
            (6, _) => Some([Field::TCP_SRC, Field::TCP_DST]),
            (17, _) => Some([Field::UDP_SRC, Field::UDP_DST]),
            (132, _) => Some([Field::SCTP_SRC, Field::SCTP_DST]),
            (1, IPV4) => Some([Field::ICMPV4_TYPE, Field::ICMPV4_CODE]),
            (58, IPV6) => Some([Field::ICMPV6_TYPE, Field::ICMPV6_CODE]),
            _ => None,
        };
        let [source_port, destination_port] = ports.map_or([0, 0], |ports| ports.map(field));
        let [source, destination] = [source, destination].map(field);
        Some(Self { eth_type, protocol, source, destination, source_port, destination_port })
    }

    /// What an answer has. `None` for a message that has none.
    fn reversed(self) -> Option<Self> {
        let (source_port, destination_port) = if self.is_icmp() {
            let pairs = if self.eth_type == IPV4 { QUERIES } else { QUERIES_V6 };
            let answer = pairs.iter().find_map(|&(query, answer)| match self.source_port {
                kind if kind == query => Some(answer),
                kind if kind == answer => Some(query),
                _ => None,
            });
            (answer?, self.destination_port)
        } else {
            (self.destination_port, self.source_port)
        };
        let (source, destination) = (self.destination, self.source);
        Some(Self { source, destination, source_port, destination_port, ..self })
    }

    fn is_icmp(self) -> bool {
        matches!((self.protocol, self.eth_type), (1, IPV4) | (58, IPV6))
    }

    /// True for an ICMP message about another packet.
    fn is_error(self) -> bool {
        let errors: &[u128] =
            if self.eth_type == IPV4 { &[3, 4, 5, 11, 12] } else { &[1, 2, 3, 4] };
        self.is_icmp() && errors.contains(&self.source_port)
    }

    /// True for a packet that a connection can begin with.
    fn begins(self) -> bool {
        let queries = if self.eth_type == IPV4 { QUERIES } else { QUERIES_V6 };
        !self.is_icmp() || queries.iter().any(|&(query, _)| query == self.source_port)
    }
}

const IPV4: u128 = 0x0800;
const IPV6: u128 = 0x86dd;

/// ICMP messages that are answered, with their answers (RFC 792, RFC 950).
const QUERIES: &[(u128, u128)] = &[(8, 0), (13, 14), (15, 16), (17, 18)];
/// The same of ICMPv6 (RFC 4443 §4).
const QUERIES_V6: &[(u128, u128)] = &[(128, 129)];

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use openflow::MacAddr;

    use super::super::Transport;
    use super::*;

    const ZONE: u16 = 7;

    fn packet(from: u8, to: u8, transport: Transport) -> Packet {
        let station = |number| (MacAddr::ZERO, Ipv4Addr::new(10, 0, 0, number));
        Packet::ipv4(station(from), station(to), transport)
    }

    fn request() -> Packet {
        packet(1, 2, Transport::Tcp { source: 40_000, destination: 80 })
    }

    fn answer() -> Packet {
        packet(2, 1, Transport::Tcp { source: 80, destination: 40_000 })
    }

    /// `ct_state` and the original source address.
    fn state(conntrack: &mut Conntrack, mut packet: Packet) -> (u32, u128) {
        conntrack.track(ZONE, &packet).write(ZONE, &mut packet);
        (packet.field(Field::CT_STATE) as u32, packet.field(Field::CT_NW_SRC))
    }

    fn with_request() -> Conntrack {
        let mut conntrack = Conntrack::new();
        let tracked = conntrack.track(ZONE, &request());
        conntrack.commit(ZONE, tracked);
        conntrack
    }

    const ONE: u128 = 0x0a00_0001;
    const TWO: u128 = 0x0a00_0002;

    #[test]
    fn a_connection_is_new_until_answered_and_known_by_what_it_began_with() {
        let mut conntrack = Conntrack::new();
        assert_eq!(state(&mut conntrack, answer()), (NEW | TRACKED, TWO));
        let mut conntrack = with_request();
        assert_eq!(state(&mut conntrack, request()), (NEW | TRACKED, ONE));
        assert_eq!(state(&mut conntrack, answer()), (ESTABLISHED | REPLY | TRACKED, ONE));
        assert_eq!(state(&mut conntrack, request()), (ESTABLISHED | TRACKED, ONE));
        conntrack.flush(ZONE);
        assert_eq!(state(&mut conntrack, answer()), (NEW | TRACKED, TWO));
    }

    #[test]
    fn zones_know_nothing_of_each_other() {
        let mut conntrack = with_request();
        assert_eq!((conntrack.len(ZONE), conntrack.is_empty(ZONE + 1)), (1, true));
        assert_eq!(conntrack.track(ZONE + 1, &answer()).state, NEW | TRACKED);
    }

    #[test]
    fn an_error_belongs_to_the_connection_that_it_is_about() {
        let unreachable = |about: &Packet, from, to| {
            packet(from, to, Transport::Icmp { kind: 3, code: 3 }).with_about(about)
        };
        let mut conntrack = with_request();
        let back = unreachable(&request(), 9, 1);
        assert_eq!(state(&mut conntrack, back.clone()), (RELATED | REPLY | TRACKED, ONE));
        let forth = unreachable(&answer(), 1, 2);
        assert_eq!(state(&mut conntrack, forth), (RELATED | TRACKED, ONE));
        assert_eq!(state(&mut Conntrack::new(), back), (INVALID | TRACKED, 0));
    }

    #[test]
    fn only_queries_begin_a_connection_of_icmp() {
        let icmp = |from, to, kind| packet(from, to, Transport::Icmp { kind, code: 0 });
        let mut conntrack = Conntrack::new();
        assert_eq!(state(&mut conntrack, icmp(2, 1, 0)), (INVALID | TRACKED, 0));
        let tracked = conntrack.track(ZONE, &icmp(1, 2, 8));
        conntrack.commit(ZONE, tracked);
        assert_eq!(state(&mut conntrack, icmp(2, 1, 0)), (ESTABLISHED | REPLY | TRACKED, ONE));
        assert_eq!(state(&mut conntrack, icmp(2, 1, 14)), (INVALID | TRACKED, 0));
    }
}
