//! What should happen, said once more and quite otherwise than the compiler says it: by looking
//! at the model, not at flows. Here: where ports are.

use topology::model::{HostId, Port};

use super::world::World;

/// The host on which a port takes part in its network: bound there, up, and plugged.
pub(crate) fn serving(world: &World, port: &Port) -> Option<HostId> {
    let host = port.serving_host()?;
    world.facts.get(&host)?.ports.contains_key(&port.id).then_some(host)
}
