use proto::v1 as pb;
use proto::v1::host::conflict::Kind;

use crate::engine::Dispute;

/// A dispute as the API tells it.
pub(super) fn answer(dispute: &Dispute) -> pb::host::Conflict {
    let (kind, address, port) = match dispute {
        Dispute::SystemId { rival } => (Kind::SystemId, Some(rival), None),
        Dispute::DatapathId { rival, .. } => (Kind::DatapathId, Some(rival), None),
        Dispute::TunnelIp { ip, .. } => (Kind::TunnelIp, Some(ip), None),
        Dispute::PortRequested { port, .. } | Dispute::PortContested { port, .. } => {
            (Kind::Port, None, Some(port))
        }
    };
    pb::host::Conflict {
        kind: kind.into(),
        address: address.map(ToString::to_string).unwrap_or_default(),
        port_id: port.map(ToString::to_string).unwrap_or_default(),
        description: dispute.to_string(),
    }
}
