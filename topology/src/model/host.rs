use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Meta, resource_id};

resource_id! {
    /// A host's UUID.
    HostId
}

/// A host that runs Open vSwitch.
///
/// Stored as last reported, so that other hosts' flows towards it survive a restart of the
/// controller while it is away.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Host {
    /// The UUID.
    pub id: HostId,
    /// Name (unique among hosts), key, times.
    pub meta: Meta,
    /// `external_ids:system-id`, which identifies the host; `None` until it first connected.
    pub system_id: Option<String>,
    /// Its tunnel endpoint, `external_ids:weft-encap-ip`.
    pub tunnel_ip: Option<IpAddr>,
    /// Physical network → bridge, `external_ids:weft-bridge-mappings`.
    pub bridge_mappings: BTreeMap<String, String>,
    /// `br-int`'s datapath id.
    pub datapath_id: Option<u64>,
    /// `ovs_version` of the Open_vSwitch table.
    pub ovs_version: String,
    /// Where its OVSDB listens (`tcp:IP:PORT`); `None` when the host dials in.
    pub ovsdb_target: Option<String>,
}

impl Host {
    /// A host that nothing is known about yet.
    pub fn new(id: HostId, meta: Meta) -> Self {
        Self {
            id,
            meta,
            system_id: None,
            tunnel_ip: None,
            bridge_mappings: BTreeMap::new(),
            datapath_id: None,
            ovs_version: String::new(),
            ovsdb_target: None,
        }
    }
}
