//! What should happen, said once more and quite otherwise than the compiler says it: by looking
//! at the model, not at flows. Here: where a network's ports and frames are.

use topology::model::{HostId, Network, Port, Segment};
use topology::simulate::Place;

use super::world::World;

/// The host on which a port takes part in its network: bound there, up, and plugged.
pub(crate) fn serving(world: &World, port: &Port) -> Option<HostId> {
    let host = port.serving_host()?;
    world.facts.get(&host)?.ports.contains_key(&port.id).then_some(host)
}

/// Where frames of a network are on a physical network, `None` for an overlay.
pub(crate) fn outside(network: &Network) -> Option<Place> {
    let (physical_network, vlan) = match &network.segment {
        Segment::Vxlan { .. } => return None,
        Segment::Flat { physical_network } => (physical_network, None),
        Segment::Vlan { physical_network, vlan } => (physical_network, Some(vlan.get())),
    };
    Some(Place::Outside { physical_network: physical_network.clone(), vlan })
}
