//! What becomes of traffic, and of the flows, when a host's Open vSwitch or its networks fail.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "outage/partition.rs"]
mod partition;
#[path = "outage/renumbered.rs"]
mod renumbered;
#[path = "outage/replaced.rs"]
mod replaced;
#[path = "outage/secure.rs"]
mod secure;

use lab::{Host, wait_until};
use tests::{Guest, READY, Scene};

/// Plugs guests in again, as whoever runs the VMs does when their ports are gone.
fn plug_again<'a>(host: &Host, guests: impl IntoIterator<Item = &'a Guest>) {
    for guest in guests {
        let (interface, iface_id) = (guest.interface(), guest.port_id());
        let iface_id = format!("external_ids:iface-id={iface_id}");
        let add = ["add-port", "br-int", interface, "--", "set", "Interface", interface, &iface_id];
        host.vsctl(&add).unwrap();
    }
}

/// Waits until a host has as many flows as it should, and no other.
fn wait_exact(scene: &Scene, number: u16) {
    let exact = || {
        let desired = scene.record(number).unwrap().flows;
        scene.flows(number).is_ok_and(|flows| flows.len() as u64 == desired)
    };
    wait_until("the host to have the flows it should", READY, exact).unwrap_or_else(|error| {
        let desired = scene.record(number).unwrap().flows;
        panic!("{error}: {desired} of {:#?}", scene.flows(number).unwrap())
    });
}
