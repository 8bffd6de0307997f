//! What an operator says of a host later, says otherwise, and takes back.

use lab::{Host, wait_until};
use proto::v1::port::Status;
use tests::{Kind, READY, Scene, assert_reaches, assert_silent};

use crate::database::Database;

/// Waits until br-int and the bridges beside it have these ports of the controller's.
#[track_caller]
fn wait_for_ports(host: &Host, wanted: &[&str]) {
    let own = || {
        let rows = Database::read(host).own().into_keys();
        rows.filter_map(|row| row.strip_prefix("Port ").map(str::to_owned)).collect::<Vec<_>>()
    };
    if wait_until("the ports", READY, || own() == wanted).is_err() {
        assert_eq!(own(), wanted);
    }
}

/// Sets `external_ids:weft-NAME`, or takes it away.
fn say(host: &Host, name: &str, value: Option<&str>) {
    let name = format!("weft-{name}");
    match value {
        Some(value) => {
            host.vsctl(&["set", "Open_vSwitch", ".", &format!("external_ids:{name}=\"{value}\"")])
        }
        None => host.vsctl(&["remove", "Open_vSwitch", ".", "external_ids", &name]),
    }
    .unwrap();
}

#[test]
fn tunnel_address_and_mappings_come_and_go() {
    let scene = Scene::with_options(2, Default::default()).unwrap();
    let (first, second) = (scene.host(1).clone(), scene.host(2).clone());
    first.set_manager(scene.lab.controller_address()).unwrap();
    // The second command alone: a bridge and its controller, and nothing that was not asked for.
    let manager = format!("tcp:{}:6640", scene.lab.controller_address());
    second.vsctl(&["set-manager", &manager]).unwrap();
    scene.wait_ready().unwrap();
    wait_for_ports(&second, &["br-int"]);

    let vxlan = scene.segment(Kind::Vxlan, 1, &[1]).unwrap();
    let vlan = scene.segment(Kind::Vlan(105), 2, &[1]).unwrap();
    let [on_vxlan, on_vlan] =
        [&vxlan, &vlan].map(|segment| scene.guest(&segment.network, 2).unwrap());
    for (guest, missing) in [(&on_vxlan, "weft-encap-ip"), (&on_vlan, "external")] {
        let port = scene.wait_status(&guest.port.id, Status::Error).unwrap();
        assert!(port.status_reason.contains(missing), "{}", port.status_reason);
    }

    let tunnel_ip = second.tunnel_ip().to_string();
    say(&second, "encap-ip", Some(&tunnel_ip));
    wait_for_ports(&second, &["br-int", "weft-vxlan"]);
    scene.wait_active([&on_vxlan]).unwrap();
    assert_reaches(&vxlan.guests[0], on_vxlan.v4());

    // A bridge that is not there yet, then the bridge.
    say(&second, "bridge-mappings", Some("external:br-later"));
    let problem = "physical network external needs bridge br-later, which does not exist";
    let told = || scene.weftd.log().unwrap().contains(problem);
    wait_until("a word about it", READY, told).unwrap();
    second
        .vsctl(&["add-br", "br-later", "--", "set", "Bridge", "br-later", "datapath_type=netdev"])
        .unwrap();
    wait_for_ports(&second, &["br-int", "int-br-later", "phy-br-later", "weft-vxlan"]);
    // It leads nowhere; the other one does.
    assert_silent(&vlan.guests[0], on_vlan.v4());
    say(&second, "bridge-mappings", Some("external:br-provider"));
    wait_for_ports(&second, &["br-int", "int-br-provider", "phy-br-provider", "weft-vxlan"]);
    scene.wait_active([&on_vlan]).unwrap();
    assert_reaches(&vlan.guests[0], on_vlan.v4());
    let two = "external:br-provider, more:br-later";
    say(&second, "bridge-mappings", Some(two));
    #[rustfmt::skip]
    wait_for_ports(&second, &[
        "br-int", "int-br-later", "int-br-provider", "phy-br-later", "phy-br-provider", "weft-vxlan",
    ]);

    // What is not understood changes nothing that works.
    say(&second, "bridge-mappings", None);
    wait_for_ports(&second, &["br-int", "weft-vxlan"]);
    scene.wait_status(&on_vlan.port.id, Status::Error).unwrap();
    assert_silent(&vlan.guests[0], on_vlan.v4());
    assert_reaches(&vxlan.guests[0], on_vxlan.v4());
    say(&second, "encap-ip", None);
    wait_for_ports(&second, &["br-int"]);
    scene.wait_status(&on_vxlan.port.id, Status::Error).unwrap();
    assert_silent(&vxlan.guests[0], on_vxlan.v4());
    scene.settle().unwrap();
    assert_eq!(scene.flows_anywhere(|flow| flow.rule.contains(&tunnel_ip)).unwrap(), [""; 0]);
}

#[test]
fn a_tunnel_address_follows_what_the_host_says() {
    let scene = Scene::start(1).unwrap();
    let host = scene.host(1).clone();
    let options = || Database::read(&host).get("Interface", "weft-vxlan", "options").to_owned();
    for (said, wanted) in [
        ("198.18.0.99", "{key=flow, local_ip=198.18.0.99, remote_ip=flow}"),
        ("2001:db8::99", "{key=flow, local_ip=2001:db8::99, remote_ip=flow}"),
    ] {
        say(&host, "encap-ip", Some(said));
        wait_until("the tunnel port", READY, || options() == wanted).unwrap();
        wait_until("the record", READY, || scene.record(1).unwrap().tunnel_ip == said).unwrap();
    }
    say(&host, "encap-ip", Some("nonsense"));
    let problem = "weft-encap-ip is \"nonsense\": expected an IP address";
    wait_until("a word about it", READY, || scene.weftd.log().unwrap().contains(problem)).unwrap();
    wait_for_ports(&host, &["br-int", "int-br-provider", "phy-br-provider"]);
}
