//! What should happen, said once more and quite otherwise than the compiler says it: by looking
//! at the model, not at flows. Here: who hears whom.

use topology::model::Port;

use super::connected::connected;
use super::place::serving;
use super::world::World;

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
