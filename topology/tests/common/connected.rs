//! What should happen, said once more and quite otherwise than the compiler says it: by looking
//! at the model, not at flows. Here: which hosts hear each other.

use topology::model::{HostId, Network, Segment};

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
