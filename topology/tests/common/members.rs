//! What should happen, said once more and quite otherwise than the compiler says it: by looking
//! at the model, not at flows. Here: where a network's frames are.

use topology::model::{Network, Segment};
use topology::simulate::Place;

/// Where frames of a network are on a physical network, `None` for an overlay.
pub(crate) fn outside(network: &Network) -> Option<Place> {
    let (physical_network, vlan) = match &network.segment {
        Segment::Vxlan { .. } => return None,
        Segment::Flat { physical_network } => (physical_network, None),
        Segment::Vlan { physical_network, vlan } => (physical_network, Some(vlan.get())),
    };
    Some(Place::Outside { physical_network: physical_network.clone(), vlan })
}
