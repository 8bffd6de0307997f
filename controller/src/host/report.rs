//! What a host's database says, as the engine needs it.

use std::collections::BTreeMap;

use openflow::PortNo;
use ovsdb::replica::{Bridge, Interface, Replica};
use thiserror::Error;
use topology::intent::MAX_NAME;
use topology::model::PortId;

use super::names::{self, BRIDGE, HOSTNAME, IFACE_ID, RESTORE_WAIT, SYSTEM_ID, VXLAN_PORT, Wishes};
use super::problems::{Problems, brief};
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
    /// `external_ids:system-id` cannot be taken in.
    #[error("external_ids:system-id has control characters, or more than {MAX_NAME} bytes")]
    WrongSystemId,
}

/// The longest `ovs_version` that is taken in, in bytes.
const MAX_VERSION: usize = 64;

/// Reads a report out of the replica, with what is wrong in it but does not stand in the way.
///
/// # Errors
///
/// When the database does not say which host it is.
pub fn report(replica: &Replica) -> Result<(HostReport, Problems), Unidentified> {
    let (_, root) = replica.root().ok_or(Unidentified::NoRoot)?;
    let system_id = root.external_ids.get(SYSTEM_ID).filter(|id| !id.is_empty());
    let system_id = system_id.ok_or(Unidentified::NoSystemId)?;
    if system_id.len() > MAX_NAME || system_id.contains(char::is_control) {
        return Err(Unidentified::WrongSystemId);
    }
    let Wishes { tunnel_ip, management_ips, bridge_mappings, mut problems, .. } =
        Wishes::read(root);
    if root.other_config.get(RESTORE_WAIT).is_some_and(|wait| wait == "true") {
        problems.add(format!(
            "other_config:{RESTORE_WAIT} is true: ovs-vswitchd connects to no controller until it \
             is removed"
        ));
    }
    let hostname = root.external_ids.get(HOSTNAME).filter(|name| !name.is_empty());
    let hostname = hostname.and_then(|name| within(MAX_NAME, HOSTNAME, name, &mut problems));
    let version = root.ovs_version.as_ref();
    let version =
        version.and_then(|version| within(MAX_VERSION, "ovs_version", version, &mut problems));
    let bridge = replica.bridge_by_name(BRIDGE).map(|(_, bridge)| bridge);
    let numbers = bridge.map(|bridge| Numbers::read(replica, bridge)).unwrap_or_default();
    for number in numbers.shared() {
        problems.add(format!(
            "two interfaces say that they have OpenFlow port {number}: neither counts"
        ));
    }
    let named = bridge.map(|bridge| ports_by_name(replica, bridge, &numbers)).unwrap_or_default();
    let mut uplinks = BTreeMap::new();
    for (network, physical) in &bridge_mappings {
        match named.get(names::patch_on_int(physical).as_str()) {
            Some(&port) => drop(uplinks.insert(network.clone(), port)),
            None if replica.bridge_by_name(physical).is_none() => {
                problems.add(format!(
                    "physical network {network} needs bridge {physical}, which does not exist"
                ));
            }
            None => {}
        }
    }
    let interfaces =
        bridge.map(|bridge| plugged(replica, bridge, &numbers, &mut problems)).unwrap_or_default();
    let report = HostReport {
        system_id: system_id.clone(),
        hostname,
        ovs_version: version.unwrap_or_default(),
        tunnel_ip,
        management_ips,
        bridge_mappings,
        datapath_id: bridge.and_then(names::datapath_id),
        vxlan_port: named.get(VXLAN_PORT).copied(),
        uplinks,
        interfaces,
    };
    Ok((report, problems))
}

/// The text, unless it has more bytes than that, or what would garble a terminal.
fn within(most: usize, what: &str, text: &str, problems: &mut Problems) -> Option<String> {
    if text.len() > most {
        problems.add(format!("{what} has {} bytes, expected at most {most}", text.len()));
        return None;
    }
    if text.contains(char::is_control) {
        problems.add(format!("{what} is {text:?}: expected no control characters"));
        return None;
    }
    Some(text.to_owned())
}

/// How many interfaces of a bridge say that they have an OpenFlow port number. Of two, at least one
/// does not have it any more, and flows for both would contradict each other.
#[derive(Default)]
struct Numbers(BTreeMap<PortNo, usize>);

impl Numbers {
    fn read(replica: &Replica, bridge: &Bridge) -> Self {
        let mut numbers = Self::default();
        for (_, interface) in replica.interfaces_on(bridge) {
            if let Some(number) = names::of_port(interface) {
                *numbers.0.entry(number).or_default() += 1;
            }
        }
        numbers
    }

    fn of(&self, interface: &Interface) -> Option<PortNo> {
        names::of_port(interface).filter(|number| self.0.get(number) == Some(&1))
    }

    fn shared(&self) -> impl Iterator<Item = PortNo> {
        self.0.iter().filter(|(_, count)| **count > 1).map(|(number, _)| *number)
    }
}

fn ports_by_name<'a>(
    replica: &'a Replica,
    bridge: &'a Bridge,
    numbers: &Numbers,
) -> BTreeMap<&'a str, PortNo> {
    let interfaces = replica.interfaces_on(bridge);
    interfaces
        .filter_map(|(_, interface)| Some((interface.name.as_str(), numbers.of(interface)?)))
        .collect()
}

/// Interfaces with an `iface-id`. Where two have the same, the one with an OpenFlow port counts.
fn plugged(
    replica: &Replica,
    bridge: &Bridge,
    numbers: &Numbers,
    problems: &mut Problems,
) -> BTreeMap<PortId, Option<PortNo>> {
    let mut plugged = BTreeMap::new();
    for (_, interface) in replica.interfaces_on(bridge) {
        let Some(text) = interface.external_ids.get(IFACE_ID) else { continue };
        let Ok(id) = text.parse().map(PortId) else {
            let (name, text) = (brief(&interface.name), brief(text));
            problems
                .add(format!("interface {name} has {IFACE_ID} {text:?}: expected a port's UUID"));
            continue;
        };
        let number = numbers.of(interface);
        let before = plugged.insert(id, number);
        if let Some(before) = before {
            problems.add(format!("two interfaces have {IFACE_ID} {id}"));
            plugged.insert(id, before.or(number));
        }
    }
    plugged
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use ovsdb::replica::{OpenVSwitch, Port};
    use uuid::Uuid;

    use super::*;

    const PORT: &str = "6f1c2c6e-3d9d-4a3e-9a51-6a1d6a0c0001";

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|&(key, value)| (key.into(), value.into())).collect()
    }

    /// A host with br-int that has these interfaces: (name, ofport, iface-id).
    fn host(external_ids: &[(&str, &str)], interfaces: &[(&str, i64, &str)]) -> Replica {
        let mut replica = Replica::default();
        let mut bridge = Bridge {
            name: BRIDGE.into(),
            datapath_id: Some("0000a1b2c3d4e5f6".into()),
            ..Bridge::default()
        };
        for (number, &(name, ofport, iface_id)) in interfaces.iter().enumerate() {
            let uuid = Uuid::from_u128(number as u128 + 1);
            let external_ids =
                if iface_id.is_empty() { map(&[]) } else { map(&[(IFACE_ID, iface_id)]) };
            let interface = Interface {
                name: name.into(),
                ofport: Some(ofport),
                external_ids,
                ..Interface::default()
            };
            replica.interfaces.insert(uuid, interface);
            let interfaces = BTreeSet::from([uuid]);
            replica.ports.insert(uuid, Port { interfaces, ..Port::default() });
            bridge.ports.insert(uuid);
        }
        replica.bridges.insert(Uuid::from_u128(100), bridge);
        let root = OpenVSwitch { external_ids: map(external_ids), ..OpenVSwitch::default() };
        replica.open_vswitch.insert(Uuid::from_u128(101), root);
        replica
    }

    #[track_caller]
    fn problem(external_ids: &[(&str, &str)], interfaces: &[(&str, i64, &str)], wanted: &str) {
        let ids = [&[(SYSTEM_ID, "host-a")], external_ids].concat();
        let (_, problems) = report(&host(&ids, interfaces)).unwrap();
        assert_eq!(problems.told().collect::<Vec<_>>(), [wanted]);
    }

    #[test]
    fn what_the_contract_says_is_read() {
        let ids = [
            (SYSTEM_ID, "host-a"),
            (HOSTNAME, "a.example"),
            ("weft-encap-ip", "192.0.2.11"),
            ("weft-management-ips", "198.51.100.1, 2001:db8::1"),
            ("weft-bridge-mappings", "external:br-ex, other:br-other"),
        ];
        let interfaces = [
            ("weft-vxlan", 3, ""),
            ("int-br-ex", 4, ""),
            ("tap0", 5, PORT),
            ("tap1", -1, "6f1c2c6e-3d9d-4a3e-9a51-6a1d6a0c0002"),
        ];
        let (report, problems) = report(&host(&ids, &interfaces)).unwrap();
        assert_eq!(report.system_id, "host-a");
        assert_eq!(report.hostname.as_deref(), Some("a.example"));
        assert_eq!(report.tunnel_ip, Some([192, 0, 2, 11].into()));
        let management: Vec<_> = report.management_ips.iter().map(ToString::to_string).collect();
        assert_eq!(management, ["198.51.100.1", "2001:db8::1"]);
        assert_eq!(report.datapath_id, Some(0xa1b2_c3d4_e5f6));
        assert_eq!(report.vxlan_port, Some(PortNo(3)));
        assert_eq!(report.uplinks, BTreeMap::from([("external".into(), PortNo(4))]));
        let ports: Vec<_> = report.interfaces.values().copied().collect();
        assert_eq!(ports, [Some(PortNo(5)), None]);
        assert_eq!(
            problems.told().collect::<Vec<_>>(),
            ["physical network other needs bridge br-other, which does not exist"]
        );
    }

    #[test]
    fn a_host_that_does_not_say_which_it_is_is_refused() {
        assert_eq!(report(&Replica::default()), Err(Unidentified::NoRoot));
        assert_eq!(report(&host(&[(SYSTEM_ID, "")], &[])), Err(Unidentified::NoSystemId));
    }

    #[test]
    fn what_cannot_be_understood_is_named() {
        problem(
            &[("weft-encap-ip", "here")],
            &[],
            "weft-encap-ip is \"here\": expected an IP address",
        );
        problem(
            &[("weft-bridge-mappings", "external")],
            &[],
            "weft-bridge-mappings has \"external\": expected physical-network:bridge",
        );
        problem(
            &[("weft-bridge-mappings", "external:br-int")],
            &[],
            "weft-bridge-mappings has \"external:br-int\": expected a physical network and a \
             bridge other than br-int",
        );
        problem(
            &[],
            &[("tap0", 1, "web-1")],
            "interface tap0 has iface-id \"web-1\": expected a port's UUID",
        );
        problem(
            &[],
            &[("tap0", -1, PORT), ("tap1", 2, PORT)],
            &format!("two interfaces have iface-id {PORT}"),
        );
    }

    #[test]
    fn a_number_that_two_interfaces_claim_is_neithers() {
        let other = "6f1c2c6e-3d9d-4a3e-9a51-6a1d6a0c0002";
        let interfaces = [("weft-vxlan", 3, ""), ("tap0", 3, PORT), ("tap1", 4, other)];
        let (report, problems) = report(&host(&[(SYSTEM_ID, "h")], &interfaces)).unwrap();
        assert_eq!(report.vxlan_port, None);
        let numbers: Vec<_> = report.interfaces.values().copied().collect();
        assert_eq!(numbers, [None, Some(PortNo(4))]);
        let told: Vec<_> = problems.told().collect();
        assert_eq!(told, ["two interfaces say that they have OpenFlow port 3: neither counts"]);
    }

    #[test]
    fn what_is_too_long_or_too_much_is_not_taken_in() {
        let long = "x".repeat(256);
        for system_id in [&long, "a\x1b[2J"] {
            let refused = report(&host(&[(SYSTEM_ID, system_id)], &[]));
            assert_eq!(refused, Err(Unidentified::WrongSystemId));
        }
        let told = "hostname is \"a\\nb\": expected no control characters";
        problem(&[(HOSTNAME, "a\nb")], &[], told);
        problem(&[(HOSTNAME, &long)], &[], "hostname has 256 bytes, expected at most 255");
        let mappings: Vec<_> = (0..100).map(|number| format!("net{number}:br{number}")).collect();
        let addresses: Vec<_> = (0..100).map(|number| format!("192.0.2.{number}")).collect();
        let (mappings, addresses) = (mappings.join(","), addresses.join(","));
        let ids = [
            (SYSTEM_ID, "host-a"),
            ("weft-bridge-mappings", &mappings),
            ("weft-management-ips", &addresses),
        ];
        let (report, problems) = report(&host(&ids, &[])).unwrap();
        assert_eq!(report.bridge_mappings.len(), 64);
        assert_eq!(report.management_ips.len(), 16);
        assert!(problems.told().count() <= 17);
        let name = format!("{}:br-ex", "n".repeat(65));
        let told = format!("weft-bridge-mappings has {name:?}: a name is too long");
        problem(&[("weft-bridge-mappings", &name)], &[], &told);
    }

    #[test]
    fn an_openflow_port_that_is_none_is_not_taken_for_one() {
        for number in [-1, 0, 65_280, i64::from(u32::MAX), i64::MAX] {
            let (report, _) = report(&host(&[(SYSTEM_ID, "h")], &[("tap", number, PORT)])).unwrap();
            assert_eq!(report.interfaces.values().copied().collect::<Vec<_>>(), [None]);
        }
    }

    #[test]
    fn of_two_interfaces_for_a_port_the_working_one_counts() {
        for interfaces in [[("a", -1, PORT), ("b", 2, PORT)], [("a", 2, PORT), ("b", -1, PORT)]] {
            let (report, _) = report(&host(&[(SYSTEM_ID, "h")], &interfaces)).unwrap();
            assert_eq!(report.interfaces.values().copied().collect::<Vec<_>>(), [Some(PortNo(2))]);
        }
    }

    #[test]
    fn the_limits_are_documented() {
        use crate::limits::documented::{check, number};
        let limits = [
            ("length of a system-id", number(MAX_NAME)),
            ("length of a hostname", number(MAX_NAME)),
            ("length of `ovs_version`", number(MAX_VERSION)),
            ("bridge mappings", number(names::MAX_BRIDGE_MAPPINGS)),
            ("length of a physical network's name", number(topology::intent::MAX_PHYSICAL_NETWORK)),
            ("length of a bridge's name", number(names::MAX_BRIDGE_NAME)),
        ];
        check("OVSDB", &limits);
        let limit = "addresses that a switch may come from, beside its OVSDB connection's";
        check("Who is which host", &[(limit, number(names::MAX_MANAGEMENT_IPS))]);
    }
}
