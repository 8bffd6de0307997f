use std::net::IpAddr;

use thiserror::Error;
use topology::model::PortId;

use crate::limits::Breach;

/// Something that a host has, or says that it has, and that somebody else claims.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
pub enum Dispute {
    /// Another OVSDB server says that it is this host.
    #[error("an OVSDB server at {rival} says that it is this host, too")]
    SystemId {
        /// Where that one is.
        rival: IpAddr,
    },
    /// A switch has the host's datapath id and comes from an address that is not the host's.
    #[error("a switch at {rival} has the datapath id of host {host}, which is at {addresses}")]
    DatapathId {
        /// Where that one is.
        rival: IpAddr,
        /// The host's name.
        host: String,
        /// Where the host is.
        addresses: String,
    },
    /// The host's tunnel address is another host's.
    #[error("tunnel address {ip} is host {holder}'s")]
    TunnelIp {
        /// The address.
        ip: IpAddr,
        /// The name of the host that has it.
        holder: String,
    },
    /// The host has an interface for a port that is requested on another.
    #[error("port {port} is requested on host {requested}")]
    PortRequested {
        /// The port.
        port: PortId,
        /// The other's name.
        requested: String,
    },
    /// The host has plugged a port that has been plugged here and there too often.
    #[error("port {port} has been moved too often and stays on host {holder}")]
    PortContested {
        /// The port.
        port: PortId,
        /// The name of the host that has it.
        holder: String,
    },
}

impl Dispute {
    /// As what it is counted.
    pub(crate) fn breach(&self) -> Breach {
        match self {
            Self::SystemId { .. } => Breach::SystemId,
            Self::DatapathId { .. } => Breach::DatapathId,
            Self::TunnelIp { .. } => Breach::TunnelIp,
            Self::PortRequested { .. } | Self::PortContested { .. } => Breach::PortClaim,
        }
    }
}
