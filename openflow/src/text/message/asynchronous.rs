//! Which messages come unasked.

use std::fmt;

use super::flow::REMOVED;
use super::packet::SENT;
use super::parts::Reason;
use super::session::ROLE_CHANGED;
use crate::message::{AsyncConfig, AsyncKind, AsyncProperty};
use crate::text::HexBytes;

/// For each kind of message, the reasons for a primary controller and for a secondary one.
type Masks = [[u32; 2]; 6];

/// Writes what OpenFlow 1.3 can say, and nothing for the messages of later versions.
pub(super) fn config(f: &mut fmt::Formatter<'_>, config: &AsyncConfig) -> fmt::Result {
    let AsyncConfig { packet_in, port_status, flow_removed } = *config;
    masks(f, [packet_in, port_status, flow_removed, [0; 2], [0; 2], [0; 2]])
}

/// Writes what the properties say, and nothing for the messages that they do not mention.
pub(super) fn config2(f: &mut fmt::Formatter<'_>, properties: &[AsyncProperty]) -> fmt::Result {
    let mut all = Masks::default();
    for property in properties {
        if let AsyncProperty::Reasons { secondary, kind, mask } = property {
            all[*kind as usize][usize::from(*secondary)] = *mask;
        }
    }
    masks(f, all)?;
    properties.iter().try_for_each(|property| match property {
        AsyncProperty::Reasons { .. } => Ok(()),
        AsyncProperty::Unknown(kind, value) => {
            write!(f, "\n property {kind}={}", HexBytes(value))
        }
    })
}

fn masks(f: &mut fmt::Formatter<'_>, masks: Masks) -> fmt::Result {
    for (role, title) in ["primary", "secondary"].into_iter().enumerate() {
        write!(f, "{}\n {title}:", if role == 0 { "" } else { "\n" })?;
        for kind in AsyncKind::ALL {
            let bits = masks[kind as usize][role];
            let (name, reasons) = names(kind);
            write!(f, "\n{name:>16}:")?;
            for bit in (0_u8..32).filter(|bit| bits & 1 << bit != 0) {
                write!(f, " {}", Reason(bit, reasons))?;
            }
            f.write_str(if bits == 0 { " (off)" } else { "" })?;
        }
    }
    Ok(())
}

/// The name of a kind of message, and those of its reasons.
const fn names(kind: AsyncKind) -> (&'static str, &'static [&'static str]) {
    match kind {
        AsyncKind::PacketIn => ("PACKET_IN", SENT),
        AsyncKind::PortStatus => ("PORT_STATUS", &["add", "delete", "modify"]),
        AsyncKind::FlowRemoved => ("FLOW_REMOVED", REMOVED),
        AsyncKind::RoleStatus => ("ROLE_STATUS", ROLE_CHANGED),
        AsyncKind::TableStatus => ("TABLE_STATUS", &["0", "1", "2", "vacancy_down", "vacancy_up"]),
        AsyncKind::Requestforward => {
            ("REQUESTFORWARD", &["group_mod_request", "meter_mod_request"])
        }
    }
}
