use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;

use openflow::{Field, PortNo};

use super::{Conntrack, Dropped, Packet, Switch, Trace};
use crate::facts::HostFacts;
use crate::model::{HostId, PortId};

/// Many hosts' switches, joined by the underlay and by physical networks.
///
/// A physical network is a wire that carries every frame to everybody on it: all uplinks but the
/// sender's, and the outside, where the stations are that Weft knows nothing of.
#[derive(Clone, Debug, Default)]
pub struct Fabric {
    hosts: BTreeMap<HostId, Node>,
}

#[derive(Clone, Debug)]
struct Node {
    vtep: Option<IpAddr>,
    facts: HostFacts,
    switch: Switch,
}

/// The connections that the hosts' switches know.
#[derive(Clone, Debug, Default)]
pub struct Connections {
    hosts: BTreeMap<HostId, Conntrack>,
}

impl Connections {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those of one host's switch.
    pub fn of(&mut self, host: HostId) -> &mut Conntrack {
        self.hosts.entry(host).or_default()
    }
}

/// A packet's whole way through a [`Fabric`].
#[derive(Clone, Debug, Default)]
pub struct Journey {
    /// Every frame that reached somebody.
    pub deliveries: Vec<Delivery>,
    /// Every switch that it came by, in order.
    pub hops: Vec<Hop>,
    /// What left a switch and reached nobody.
    pub losses: Vec<Loss>,
}

/// A frame that reached somebody.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Delivery {
    /// Where.
    pub place: Place,
    /// The frame; outside it is still tagged as on the wire.
    pub frame: Packet,
}

/// Where a frame can end.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Place {
    /// The interface of a port.
    Port {
        /// On this host.
        host: HostId,
        /// The port.
        port: PortId,
    },
    /// The stations of a physical network that are behind no host.
    Outside {
        /// The physical network.
        physical_network: String,
        /// The VLAN, `None` untagged.
        vlan: Option<u16>,
    },
}

/// One switch's part in a journey.
#[derive(Clone, Debug)]
pub struct Hop {
    /// The host.
    pub host: HostId,
    /// The port it came in by.
    pub in_port: PortNo,
    /// What the switch did.
    pub trace: Trace,
}

/// A packet that left a switch and reached nobody.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Loss {
    /// The host that it left, `None` when it never got to one.
    pub host: Option<HostId>,
    /// Why it got no further.
    pub reason: LossReason,
}

/// Why a packet that left a switch got no further.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LossReason {
    /// The switch has no port with this number.
    NoSuchPort(PortNo),
    /// The tunnel port was not told where to.
    NoTunnelDestination,
    /// It left by the tunnel port of a host that has no tunnel address.
    NoOwnVtep,
    /// No host has this tunnel address, or the one that has it has no tunnel port.
    NoSuchVtep(IpAddr),
    /// It had gone through more switches than any path has: it loops.
    Loop,
}

/// More switches than a packet ever goes through: two, and one for each answer.
const MAX_HOPS: usize = 8;

/// A packet about to come into a switch.
struct Arrival {
    host: HostId,
    in_port: PortNo,
    packet: Packet,
    hops: usize,
}

impl Fabric {
    /// A fabric without hosts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a host, in place of what it was. Its uplinks and its tunnel port are where its facts
    /// say.
    pub fn add(&mut self, host: HostId, vtep: Option<IpAddr>, facts: HostFacts, switch: Switch) {
        self.hosts.insert(host, Node { vtep, facts, switch });
    }

    /// A host's switch.
    pub fn switch(&self, host: HostId) -> Option<&Switch> {
        self.hosts.get(&host).map(|node| &node.switch)
    }

    /// Sends a frame from a port, as the VM or container behind it does, where no switch knows any
    /// connection.
    ///
    /// `None` when the host has no interface for the port.
    pub fn send_from_port(&self, host: HostId, port: PortId, frame: Packet) -> Option<Journey> {
        self.send_from_port_with(&mut Connections::new(), host, port, frame)
    }

    /// The same where the switches know these connections, and then perhaps more.
    pub fn send_from_port_with(
        &self,
        connections: &mut Connections,
        host: HostId,
        port: PortId,
        frame: Packet,
    ) -> Option<Journey> {
        let in_port = *self.hosts.get(&host)?.facts.ports.get(&port)?;
        let packet = frame.into_frame();
        Some(self.follow(connections, vec![Arrival { host, in_port, packet, hops: 0 }]))
    }

    /// Sends a frame from a station on a physical network that is behind no host, where no switch
    /// knows any connection.
    pub fn send_from_outside(&self, physical_network: &str, frame: Packet) -> Journey {
        self.send_from_outside_with(&mut Connections::new(), physical_network, frame)
    }

    /// The same where the switches know these connections, and then perhaps more.
    pub fn send_from_outside_with(
        &self,
        connections: &mut Connections,
        physical_network: &str,
        frame: Packet,
    ) -> Journey {
        let frame = frame.into_frame();
        self.follow(connections, self.wire(physical_network, None, &frame, 0).collect())
    }

    /// Sends a packet to a host's tunnel port, as anything on the underlay can: with any source
    /// address and VNI.
    ///
    /// `None` when the host has no tunnel port.
    pub fn send_by_tunnel(
        &self,
        source: IpAddr,
        host: HostId,
        vni: u32,
        frame: Packet,
    ) -> Option<Journey> {
        let packet = frame.into_frame().with(Field::TUN_ID, vni);
        let arrival = self.tunnelled(source, host, packet, 0)?;
        Some(self.follow(&mut Connections::new(), vec![arrival]))
    }

    fn follow(&self, connections: &mut Connections, arrivals: Vec<Arrival>) -> Journey {
        let mut journey = Journey::default();
        let mut arrivals = VecDeque::from(arrivals);
        while let Some(arrival) = arrivals.pop_front() {
            let Arrival { host, in_port, packet, hops } = arrival;
            let Some(node) = self.hosts.get(&host) else { continue };
            let trace = node.switch.process_with(connections.of(host), in_port, packet);
            let lose = |reason| Loss { host: Some(host), reason };
            for (port, packet) in trace.outputs() {
                let next = match self.leave(host, node, port, packet, hops + 1) {
                    Ok(Left::Delivered(delivery)) => {
                        journey.deliveries.push(delivery);
                        continue;
                    }
                    Ok(Left::Wire { next, outside }) => {
                        journey.deliveries.push(outside);
                        next
                    }
                    Ok(Left::Tunnel(next)) => vec![next],
                    Err(reason) => {
                        journey.losses.push(lose(reason));
                        continue;
                    }
                };
                if hops + 1 < MAX_HOPS {
                    arrivals.extend(next);
                } else if !next.is_empty() {
                    journey.losses.push(lose(LossReason::Loop));
                }
            }
            journey.hops.push(Hop { host, in_port, trace });
        }
        journey
    }

    /// Where a packet goes that leaves a host by a port.
    fn leave(
        &self,
        host: HostId,
        node: &Node,
        port: PortNo,
        packet: &Packet,
        hops: usize,
    ) -> Result<Left, LossReason> {
        let facts = &node.facts;
        if let Some((&port, _)) = facts.ports.iter().find(|(_, number)| **number == port) {
            let place = Place::Port { host, port };
            let frame = packet.clone().into_frame();
            return Ok(Left::Delivered(Delivery { place, frame }));
        }
        if let Some((name, _)) = facts.uplinks.iter().find(|(_, number)| **number == port) {
            let frame = packet.clone().into_frame();
            let next = self.wire(name, Some(host), &frame, hops).collect();
            let place = Place::Outside { physical_network: name.clone(), vlan: frame.vlan() };
            return Ok(Left::Wire { next, outside: Delivery { place, frame } });
        }
        if facts.vxlan_port != Some(port) {
            return Err(LossReason::NoSuchPort(port));
        }
        let destination = tunnel_destination(packet).ok_or(LossReason::NoTunnelDestination)?;
        // The address that the kernel would choose: the sender's own VTEP.
        let source = node.vtep.ok_or(LossReason::NoOwnVtep)?;
        let vni = packet.field(Field::TUN_ID) as u64 & 0x00ff_ffff;
        let inner = packet.clone().into_frame().with(Field::TUN_ID, vni);
        let receiver = self.hosts.iter().find(|(_, node)| node.vtep == Some(destination));
        receiver
            .and_then(|(&host, _)| self.tunnelled(source, host, inner, hops))
            .map(Left::Tunnel)
            .ok_or(LossReason::NoSuchVtep(destination))
    }

    fn tunnelled(
        &self,
        source: IpAddr,
        host: HostId,
        packet: Packet,
        hops: usize,
    ) -> Option<Arrival> {
        let node = self.hosts.get(&host)?;
        let in_port = node.facts.vxlan_port?;
        let packet = match (source, node.vtep?) {
            (IpAddr::V4(source), IpAddr::V4(own)) => {
                packet.with(Field::TUN_SRC, source).with(Field::TUN_DST, own)
            }
            (IpAddr::V6(source), IpAddr::V6(own)) => {
                packet.with(Field::TUN_IPV6_SRC, source).with(Field::TUN_IPV6_DST, own)
            }
            _ => return None,
        };
        Some(Arrival { host, in_port, packet, hops })
    }

    /// The uplinks that a frame on a physical network comes to.
    fn wire<'a>(
        &'a self,
        physical_network: &'a str,
        sender: Option<HostId>,
        frame: &'a Packet,
        hops: usize,
    ) -> impl Iterator<Item = Arrival> + 'a {
        let others = self.hosts.iter().filter(move |(host, _)| Some(**host) != sender);
        others.filter_map(move |(&host, node)| {
            let in_port = *node.facts.uplinks.get(physical_network)?;
            Some(Arrival { host, in_port, packet: frame.clone(), hops })
        })
    }
}

enum Left {
    Delivered(Delivery),
    Wire { next: Vec<Arrival>, outside: Delivery },
    Tunnel(Arrival),
}

impl Journey {
    /// The ports that it reached, once for every copy.
    pub fn ports(&self) -> impl Iterator<Item = PortId> + '_ {
        self.deliveries.iter().filter_map(|delivery| match delivery.place {
            Place::Port { port, .. } => Some(port),
            Place::Outside { .. } => None,
        })
    }

    /// Where copies of it were dropped.
    pub fn drops(&self) -> impl Iterator<Item = (HostId, Dropped)> + '_ {
        self.hops.iter().flat_map(|hop| hop.trace.drops().map(|dropped| (hop.host, dropped)))
    }

    /// True when it went in circles.
    pub fn looped(&self) -> bool {
        self.losses.iter().any(|loss| loss.reason == LossReason::Loop)
    }
}

fn tunnel_destination(packet: &Packet) -> Option<IpAddr> {
    let v4 = packet.field(Field::TUN_DST) as u32;
    let v6 = packet.field(Field::TUN_IPV6_DST);
    match (v4, v6) {
        (0, 0) => None,
        (0, v6) => Some(IpAddr::V6(v6.into())),
        (v4, _) => Some(IpAddr::V4(v4.into())),
    }
}

#[cfg(test)]
mod tests;
