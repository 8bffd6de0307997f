//! Ports.

use std::fmt;

use super::parts::{Bits, Counter, Duration};
use crate::message::{Port, PortMod, PortReason, PortStats, PortStatus};

pub(super) fn status(f: &mut fmt::Formatter<'_>, status: &PortStatus) -> fmt::Result {
    f.write_str(match status.reason {
        PortReason::Add => " ADD:",
        PortReason::Delete => " DEL:",
        PortReason::Modify => " MOD:",
    })?;
    description(f, &status.port)
}

/// Writes a port, with a space before it and no line end behind it.
pub(super) fn description(f: &mut fmt::Formatter<'_>, port: &Port) -> fmt::Result {
    write!(f, " {}({}): addr:{}", port.port_no, port.name.text().escape_debug(), port.hw_addr)?;
    write!(f, "\n     config:     {}", Bits(port.config, CONFIG))?;
    write!(f, "\n     state:      {}", Bits(port.state, STATE))?;
    for (name, features) in [
        ("current:    ", port.curr),
        ("advertised: ", port.advertised),
        ("supported:  ", port.supported),
        ("peer:       ", port.peer),
    ] {
        if features != 0 {
            write!(f, "\n     {name}{}", Bits(features, FEATURES))?;
        }
    }
    let (now, max) = (port.curr_speed / 1000, port.max_speed / 1000);
    write!(f, "\n     speed: {now} Mbps now, {max} Mbps max")
}

pub(super) fn port_mod(f: &mut fmt::Formatter<'_>, port_mod: &PortMod) -> fmt::Result {
    write!(f, " port: {}: addr:{}", port_mod.port_no, port_mod.hw_addr)?;
    write!(f, "\n     config: {}", Bits(port_mod.config, CONFIG))?;
    write!(f, "\n     mask:   {}", Bits(port_mod.mask, CONFIG))?;
    f.write_str("\n     advertise: ")?;
    match port_mod.advertise {
        0 => f.write_str("UNCHANGED"),
        features => write!(f, "{}", Bits(features, FEATURES)),
    }
}

pub(super) fn stats(f: &mut fmt::Formatter<'_>, stats: &PortStats) -> fmt::Result {
    let space = if stats.port_no.0 < 10 { " " } else { "" };
    write!(f, "  port {space}{}: rx pkts={}", stats.port_no, Counter(stats.rx_packets))?;
    write!(f, ", bytes={}, drop={}", Counter(stats.rx_bytes), Counter(stats.rx_dropped))?;
    write!(f, ", errs={}, frame={}", Counter(stats.rx_errors), Counter(stats.rx_frame_err))?;
    write!(f, ", over={}, crc={}", Counter(stats.rx_over_err), Counter(stats.rx_crc_err))?;
    write!(f, "\n           tx pkts={}", Counter(stats.tx_packets))?;
    write!(f, ", bytes={}, drop={}", Counter(stats.tx_bytes), Counter(stats.tx_dropped))?;
    write!(f, ", errs={}, coll={}", Counter(stats.tx_errors), Counter(stats.collisions))?;
    if stats.duration_sec == u32::MAX {
        return Ok(());
    }
    write!(f, "\n           duration={}", Duration(stats.duration_sec, stats.duration_nsec))
}

/// `OFPPC_*`.
const CONFIG: &[(u32, &str)] =
    &[(1, "PORT_DOWN"), (1 << 2, "NO_RECV"), (1 << 5, "NO_FWD"), (1 << 6, "NO_PACKET_IN")];

/// `OFPPS_*`.
const STATE: &[(u32, &str)] = &[(1, "LINK_DOWN"), (1 << 1, "BLOCKED"), (1 << 2, "LIVE")];

/// `OFPPF_*`.
const FEATURES: &[(u32, &str)] = &[
    (1, "10MB-HD"),
    (1 << 1, "10MB-FD"),
    (1 << 2, "100MB-HD"),
    (1 << 3, "100MB-FD"),
    (1 << 4, "1GB-HD"),
    (1 << 5, "1GB-FD"),
    (1 << 6, "10GB-FD"),
    (1 << 7, "40GB-FD"),
    (1 << 8, "100GB-FD"),
    (1 << 9, "1TB-FD"),
    (1 << 10, "OTHER"),
    (1 << 11, "COPPER"),
    (1 << 12, "FIBER"),
    (1 << 13, "AUTO_NEG"),
    (1 << 14, "AUTO_PAUSE"),
    (1 << 15, "AUTO_PAUSE_ASYM"),
];
