//! What should happen, said once more and quite otherwise than the compiler says it: by looking
//! at the model, not at flows. Here: who hears whom.

use topology::model::{HostId, Network, Port, Segment};

use super::members::serving;
use super::world::World;

/// Whether frames of a network get from one host to another.
pub(crate) fn connected(world: &World, network: &Network, from: HostId, to: HostId) -> bool {
    if from == to {
        return true;
    }
    let [a, b] = [from, to].map(|host| (world.model.host(host), world.facts.get(&host)));
    let ((Some(from), Some(from_facts)), (Some(to), Some(to_facts))) = (a, b) else {
        return false;
    };
    match &network.segment {
        Segment::Vxlan { .. } => {
            let families = (from.tunnel_ip, to.tunnel_ip);
            matches!(families, (Some(a), Some(b)) if a.is_ipv4() == b.is_ipv4())
                && from_facts.vxlan_port.is_some()
                && to_facts.vxlan_port.is_some()
        }
        Segment::Flat { physical_network } | Segment::Vlan { physical_network, .. } => {
            from_facts.uplinks.contains_key(physical_network)
                && to_facts.uplinks.contains_key(physical_network)
        }
    }
}

/// The other ports that hear what a port says to all.
pub(crate) fn listeners<'a>(world: &'a World, speaker: &Port) -> Vec<&'a Port> {
    let network = world.model.network(speaker.network).unwrap();
    let Some(here) = serving(world, speaker) else { return Vec::new() };
    let others = world.model.ports_of(network.id).filter(|port| port.id != speaker.id);
    let reached = others.filter(|port| {
        serving(world, port).is_some_and(|there| connected(world, network, here, there))
    });
    reached.map(|port| &**port).collect()
}
