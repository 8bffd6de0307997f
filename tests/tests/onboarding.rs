//! What becomes of a host that an operator points at the controller.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "onboarding/contract.rs"]
mod contract;
#[path = "onboarding/database.rs"]
mod database;
#[path = "onboarding/drift.rs"]
mod drift;
#[path = "onboarding/ways.rs"]
mod ways;
#[path = "onboarding/wishes.rs"]
mod wishes;
#[path = "onboarding/zone_limits.rs"]
mod zone_limits;

use lab::Host;
use tests::Guest;

/// Plugs a guest in again, as whoever runs the VM does when its port is gone.
fn plug_again(host: &Host, guest: &Guest) {
    let iface_id = format!("external_ids:iface-id={}", guest.port_id());
    let interface = guest.interface();
    host.vsctl(&["add-port", "br-int", interface, "--", "set", "Interface", interface, &iface_id])
        .unwrap();
}
