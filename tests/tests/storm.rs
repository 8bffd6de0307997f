//! All hosts connect again at once: as many are read back at a time as is said, nobody is sent what
//! it has, and the controller holds no more for the crowd.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../benches/fleet/database.rs"]
mod database;
#[path = "../benches/fleet/flows.rs"]
mod flows;
#[path = "../benches/fleet/hosts.rs"]
#[expect(dead_code, reason = "nothing is plugged, and no switch loses its flows")]
mod hosts;
#[path = "../benches/fleet/process.rs"]
#[expect(dead_code, reason = "time is not measured")]
mod process;
#[path = "../benches/fleet/read_backs.rs"]
mod read_backs;
#[path = "storm/real.rs"]
mod real;
#[path = "storm/simulated.rs"]
mod simulated;
#[path = "../benches/fleet/switch.rs"]
#[expect(dead_code, reason = "when a switch has answered is not looked at")]
mod switch;
#[path = "../benches/fleet/tenants.rs"]
#[expect(dead_code, reason = "what is made stays as it is")]
mod tenants;
