//! Names in a host's database that operators, other programs and Weft agree on.

use std::collections::BTreeMap;

use ovsdb::replica::{Bridge, Interface, OpenVSwitch};

/// The bridge that holds everything.
pub(super) const BRIDGE: &str = "br-int";
/// The flow-based VXLAN port.
pub(super) const VXLAN_PORT: &str = "weft-vxlan";
/// `external_ids` of the root: identifies the host.
pub(super) const SYSTEM_ID: &str = "system-id";
/// `external_ids` of the root: the host's name.
pub(super) const HOSTNAME: &str = "hostname";
/// `external_ids` of the root: the tunnel address.
const ENCAP_IP: &str = "weft-encap-ip";
/// `external_ids` of the root: `physical-network:bridge`, separated by commas.
const BRIDGE_MAPPINGS: &str = "weft-bridge-mappings";
/// `external_ids` of the root: `datapath_type` of br-int.
const DATAPATH_TYPE: &str = "weft-datapath-type";
/// `other_config` of the root: ovs-vswitchd waits for a program to restore its flows, and connects
/// to no controller.
pub(super) const RESTORE_WAIT: &str = "flow-restore-wait";
/// `external_ids` of an interface: the port it is plugged for.
pub(super) const IFACE_ID: &str = "iface-id";
/// `external_ids` of every row that Weft made.
const OWNER: (&str, &str) = ("owner", "weft");

/// The patch port on br-int that leads to `bridge`.
pub(super) fn patch_on_int(bridge: &str) -> String {
    format!("int-{bridge}")
}

/// The patch port on `bridge` that leads to br-int.
pub(super) fn patch_on_physical(bridge: &str) -> String {
    format!("phy-{bridge}")
}

/// `external_ids` that mark a row as Weft's.
pub(super) fn owner() -> BTreeMap<String, String> {
    BTreeMap::from([(OWNER.0.to_owned(), OWNER.1.to_owned())])
}

/// True for a row that Weft made.
pub(super) fn is_own(external_ids: &BTreeMap<String, String>) -> bool {
    external_ids.get(OWNER.0).is_some_and(|owner| owner == OWNER.1)
}

/// What an operator says in the root's `external_ids`, and what is wrong with it.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Wishes {
    pub(super) tunnel_ip: Option<std::net::IpAddr>,
    pub(super) bridge_mappings: BTreeMap<String, String>,
    pub(super) datapath_type: Option<String>,
    pub(super) problems: Vec<String>,
}

impl Wishes {
    pub(super) fn read(root: &OpenVSwitch) -> Self {
        let mut wishes = Self {
            datapath_type: root.external_ids.get(DATAPATH_TYPE).cloned(),
            ..Self::default()
        };
        if let Some(text) = root.external_ids.get(ENCAP_IP) {
            match text.trim().parse() {
                Ok(ip) => wishes.tunnel_ip = Some(ip),
                Err(_) => wishes.problem(format!("{ENCAP_IP} is {text:?}: expected an IP address")),
            }
        }
        let mappings = root.external_ids.get(BRIDGE_MAPPINGS).map_or("", String::as_str);
        for mapping in mappings.split(',').map(str::trim).filter(|mapping| !mapping.is_empty()) {
            wishes.mapping(mapping);
        }
        wishes
    }

    fn mapping(&mut self, mapping: &str) {
        let Some((network, bridge)) = mapping.split_once(':') else {
            return self.problem(format!(
                "{BRIDGE_MAPPINGS} has {mapping:?}: expected physical-network:bridge"
            ));
        };
        if network.is_empty() || bridge.is_empty() || bridge == BRIDGE {
            return self.problem(format!(
                "{BRIDGE_MAPPINGS} has {mapping:?}: expected a physical network and a bridge other than {BRIDGE}"
            ));
        }
        if self.bridge_mappings.values().any(|other| other == bridge) {
            return self
                .problem(format!("{BRIDGE_MAPPINGS} maps {bridge} twice: {network} is ignored"));
        }
        if self.bridge_mappings.contains_key(network) {
            return self
                .problem(format!("{BRIDGE_MAPPINGS} maps {network} twice: {bridge} is ignored"));
        }
        self.bridge_mappings.insert(network.to_owned(), bridge.to_owned());
    }

    fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }
}

/// The bridge's datapath id as a number.
pub(super) fn datapath_id(bridge: &Bridge) -> Option<u64> {
    u64::from_str_radix(bridge.datapath_id.as_deref()?, 16).ok()
}

/// The interface's OpenFlow port, once it has one.
pub(super) fn of_port(interface: &Interface) -> Option<openflow::PortNo> {
    let number = u32::try_from(interface.ofport?).ok()?;
    (1..=65279).contains(&number).then_some(openflow::PortNo(number))
}
