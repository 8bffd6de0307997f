//! Meters that flows name. A switch's session installs them before any flow.

/// The meter that limits how many packets the flows of logged rules send to the controller.
pub const LOG_METER: u32 = 1;
