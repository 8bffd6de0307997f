//! Names in a host's database that operators, other programs and Weft agree on.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ovsdb::replica::{Bridge, Interface, OpenVSwitch};
use topology::intent::MAX_PHYSICAL_NETWORK;

use super::problems::{Problems, brief};

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
/// `external_ids` of the root: further addresses that the host's connections come from, separated
/// by commas.
const MANAGEMENT_IPS: &str = "weft-management-ips";
/// The most of those.
pub(super) const MAX_MANAGEMENT_IPS: usize = 16;
/// The most physical networks that a host may map.
pub(super) const MAX_BRIDGE_MAPPINGS: usize = 64;
/// The longest name of a bridge, in bytes; the kernel takes less of an interface's.
pub(super) const MAX_BRIDGE_NAME: usize = 64;
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
    pub(super) tunnel_ip: Option<IpAddr>,
    pub(super) management_ips: BTreeSet<IpAddr>,
    pub(super) bridge_mappings: BTreeMap<String, String>,
    pub(super) datapath_type: Option<String>,
    pub(super) problems: Problems,
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
                Err(_) => {
                    let text = brief(text);
                    wishes.problem(format!("{ENCAP_IP} is {text:?}: expected an IP address"));
                }
            }
        }
        let said = root.external_ids.get(MANAGEMENT_IPS).map_or("", String::as_str);
        for text in parts(said) {
            wishes.management_ip(text);
        }
        let mappings = root.external_ids.get(BRIDGE_MAPPINGS).map_or("", String::as_str);
        for mapping in parts(mappings) {
            wishes.mapping(mapping);
        }
        wishes
    }

    fn management_ip(&mut self, text: &str) {
        match text.parse::<IpAddr>() {
            Ok(_) if self.management_ips.len() == MAX_MANAGEMENT_IPS => self.problem(format!(
                "{MANAGEMENT_IPS} has more than {MAX_MANAGEMENT_IPS} addresses: the rest is ignored"
            )),
            Ok(ip) => drop(self.management_ips.insert(ip.to_canonical())),
            Err(_) => {
                let text = brief(text);
                self.problem(format!("{MANAGEMENT_IPS} has {text:?}: expected an IP address"));
            }
        }
    }

    fn mapping(&mut self, mapping: &str) {
        let Some((network, bridge)) = mapping.split_once(':') else {
            let mapping = brief(mapping);
            return self.problem(format!(
                "{BRIDGE_MAPPINGS} has {mapping:?}: expected physical-network:bridge"
            ));
        };
        if network.is_empty() || bridge.is_empty() || bridge == BRIDGE {
            return self.problem(format!(
                "{BRIDGE_MAPPINGS} has {mapping:?}: expected a physical network and a bridge other than {BRIDGE}"
            ));
        }
        if network.len() > MAX_PHYSICAL_NETWORK || bridge.len() > MAX_BRIDGE_NAME {
            let mapping = brief(mapping);
            return self.problem(format!("{BRIDGE_MAPPINGS} has {mapping:?}: a name is too long"));
        }
        if self.bridge_mappings.len() == MAX_BRIDGE_MAPPINGS {
            return self.problem(format!(
                "{BRIDGE_MAPPINGS} has more than {MAX_BRIDGE_MAPPINGS}: the rest is ignored"
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
        self.problems.add(problem);
    }
}

/// What is between commas, without what is empty.
fn parts(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|part| !part.is_empty())
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
