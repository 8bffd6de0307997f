//! What a host's database says, as the engine needs it.

use std::collections::BTreeMap;

use openflow::PortNo;
use ovsdb::replica::{Bridge, Replica};
use thiserror::Error;
use topology::model::PortId;

use super::names::{self, BRIDGE, HOSTNAME, IFACE_ID, SYSTEM_ID, VXLAN_PORT, Wishes};
use crate::engine::HostReport;

/// The database does not say which host it is.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Unidentified {
    /// There is no row in Open_vSwitch.
    #[error("the table Open_vSwitch is empty: run ovs-vsctl init")]
    NoRoot,
    /// `external_ids:system-id` is not set.
    #[error("external_ids:system-id is not set in Open_vSwitch")]
    NoSystemId,
}

/// Reads a report out of the replica, with what is wrong in it but does not stand in the way.
///
/// # Errors
///
/// When the database does not say which host it is.
pub fn report(replica: &Replica) -> Result<(HostReport, Vec<String>), Unidentified> {
    let (_, root) = replica.root().ok_or(Unidentified::NoRoot)?;
    let system_id = root.external_ids.get(SYSTEM_ID).filter(|id| !id.is_empty());
    let system_id = system_id.ok_or(Unidentified::NoSystemId)?;
    let Wishes { tunnel_ip, bridge_mappings, mut problems, .. } = Wishes::read(root);
    let bridge = replica.bridge_by_name(BRIDGE).map(|(_, bridge)| bridge);
    let named = bridge.map(|bridge| ports_by_name(replica, bridge)).unwrap_or_default();
    let mut uplinks = BTreeMap::new();
    for (network, physical) in &bridge_mappings {
        match named.get(names::patch_on_int(physical).as_str()) {
            Some(&port) => drop(uplinks.insert(network.clone(), port)),
            None if replica.bridge_by_name(physical).is_none() => {
                problems.push(format!(
                    "physical network {network} needs bridge {physical}, which does not exist"
                ));
            }
            None => {}
        }
    }
    let interfaces =
        bridge.map(|bridge| plugged(replica, bridge, &mut problems)).unwrap_or_default();
    let report = HostReport {
        system_id: system_id.clone(),
        hostname: root.external_ids.get(HOSTNAME).cloned(),
        ovs_version: root.ovs_version.clone().unwrap_or_default(),
        tunnel_ip,
        bridge_mappings,
        datapath_id: bridge.and_then(names::datapath_id),
        vxlan_port: named.get(VXLAN_PORT).copied(),
        uplinks,
        interfaces,
    };
    Ok((report, problems))
}

fn ports_by_name<'a>(replica: &'a Replica, bridge: &'a Bridge) -> BTreeMap<&'a str, PortNo> {
    let interfaces = replica.interfaces_on(bridge);
    interfaces
        .filter_map(|(_, interface)| Some((interface.name.as_str(), names::of_port(interface)?)))
        .collect()
}

/// Interfaces with an `iface-id`. Where two have the same, the one with an OpenFlow port counts.
fn plugged(
    replica: &Replica,
    bridge: &Bridge,
    problems: &mut Vec<String>,
) -> BTreeMap<PortId, Option<PortNo>> {
    let mut plugged = BTreeMap::new();
    for (_, interface) in replica.interfaces_on(bridge) {
        let Some(text) = interface.external_ids.get(IFACE_ID) else { continue };
        let Ok(id) = text.parse().map(PortId) else {
            problems.push(format!(
                "interface {} has {IFACE_ID} {text:?}: expected a port's UUID",
                interface.name
            ));
            continue;
        };
        let number = names::of_port(interface);
        let before = plugged.insert(id, number);
        if let Some(before) = before {
            problems.push(format!("two interfaces have {IFACE_ID} {id}"));
            plugged.insert(id, before.or(number));
        }
    }
    plugged
}
