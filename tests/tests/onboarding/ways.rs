//! Ways to hand a host over other than the contract's two commands.

use lab::{Host, PHYSICAL_NETWORK, wait_until};
use proto::v1::host::State;
use tests::{Kind, READY, Scene, assert_reaches};

use crate::database::Database;
use crate::plug_again;

/// Says what the contract's first command says, without a manager.
fn describe(host: &Host) {
    let encap = format!("external_ids:weft-encap-ip={}", host.tunnel_ip());
    let mappings = format!("external_ids:weft-bridge-mappings={PHYSICAL_NETWORK}:br-provider");
    host.vsctl(&["set", "Open_vSwitch", ".", &encap, &mappings]).unwrap();
}

#[test]
fn a_host_that_listens_is_added_by_name() {
    let mut scene = Scene::with_options(2, Default::default()).unwrap();
    let (listening, dialling) = (scene.host(1).clone(), scene.host(2).clone());
    dialling.set_manager(scene.lab.controller_address()).unwrap();
    scene.wait_host(2, State::Ready).unwrap();
    let hosts = |scene: &Scene| scene.api.list_hosts(Default::default()).unwrap().hosts;

    // Added before it listens: the controller keeps trying.
    describe(&listening);
    let target = format!("tcp:{}:6640", listening.management_ip());
    let added = scene.weftd.weft(&["host", "add", "rack-1", "--ovsdb", &target]).unwrap();
    assert_eq!(added["state"], "OFFLINE");
    assert_eq!(Database::read(&listening).own().len(), 0);
    let refused = || scene.weftd.log().unwrap().contains("host does not answer");
    wait_until("an attempt", READY, refused).unwrap();
    listening.vsctl(&["set-manager", "ptcp:6640"]).unwrap();
    scene.wait_host(1, State::Ready).unwrap();

    // One host, by the name that it was given, though it says another.
    let record = scene.record(1).unwrap();
    assert_eq!((&record.name[..], &record.id[..]), ("rack-1", added["id"].as_str().unwrap()));
    assert_eq!(record.ovsdb_target, target);
    assert_eq!(hosts(&scene).len(), 2);
    // It finds the controller by the address that the controller dialled from.
    let openflow = format!("tcp:{}:6633", scene.lab.controller_address());
    assert_eq!(Database::read(&listening).get("Bridge", "br-int", "controller"), openflow);
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 2]).unwrap();
    assert_reaches(&segment.guests[0], segment.guests[1].v4());
    let bound = scene.port(&segment.guests[0].port.id).unwrap();
    assert_eq!(bound.bound_host, "rack-1");

    // Dialled again after a loss on either side.
    scene.weftd.kill().unwrap();
    scene.weftd.start_again().unwrap();
    scene.reconnect().unwrap();
    scene.wait_ready().unwrap();
    listening.restart_ovsdb_server().unwrap();
    let new = scene.guest(&segment.network, 1).unwrap();
    scene.wait_active([&new]).unwrap();
    assert_reaches(&new, segment.guests[1].v6());
    assert_eq!(hosts(&scene).len(), 2);
}

#[test]
fn a_host_that_listens_is_forgotten_and_comes_back_when_it_is_added() {
    let scene = Scene::with_options(2, Default::default()).unwrap();
    let (listening, dialling) = (scene.host(1).clone(), scene.host(2).clone());
    dialling.set_manager(scene.lab.controller_address()).unwrap();
    describe(&listening);
    listening.vsctl(&["set-manager", "ptcp:6640"]).unwrap();
    let target = format!("tcp:{}:6640", listening.management_ip());
    scene.weftd.weft(&["host", "add", "rack-1", "--ovsdb", &target]).unwrap();
    scene.wait_ready().unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 2]).unwrap();
    let [there, here] = &segment.guests[..] else { panic!("two guests") };
    assert_reaches(here, there.v4());

    let delete = ["host", "delete", "rack-1"];
    let refused = scene.weftd.weft(&delete).unwrap_err().to_string();
    let in_the_way = format!("in use by port {}", there.port.id);
    assert!(refused.contains(&in_the_way), "{refused}");
    listening.vsctl(&["del-port", "br-int", there.interface()]).unwrap();
    scene.wait_port(&there.port.id, |port| port.bound_host.is_empty()).unwrap();
    scene.weftd.weft(&delete).unwrap();
    let hosts = scene.api.list_hosts(Default::default()).unwrap().hosts;
    assert_eq!(hosts.iter().map(|host| &host.name[..]).collect::<Vec<_>>(), ["h2"]);
    scene.settle().unwrap();
    let vtep = listening.tunnel_ip().to_string();
    let flows = scene.flows(2).unwrap();
    assert!(!flows.iter().any(|flow| flow.rule.contains(&vtep)), "{flows:#?}");
    let is_empty = || scene.flows(1).unwrap().is_empty();
    wait_until("the forgotten host's flows to go", READY, is_empty).unwrap();
    let is_connected = || {
        let columns = ["--bare", "--columns=is_connected", "list", "Manager"];
        listening.vsctl(&columns).unwrap().trim() == "true"
    };
    wait_until("the controller to hang up", READY, || !is_connected()).unwrap();

    scene.weftd.weft(&["host", "add", "rack-2", "--ovsdb", &target]).unwrap();
    scene.wait_ready().unwrap();
    assert_eq!(scene.record(1).unwrap().name, "rack-2");
    plug_again(&listening, there);
    scene.wait_active(&segment.guests).unwrap();
    assert_reaches(here, there.v4());
}

#[test]
fn a_host_that_dials_in_is_forgotten_without_its_manager_and_comes_back_with_it() {
    let scene = Scene::start(2).unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 2]).unwrap();
    let [there, here] = &segment.guests[..] else { panic!("two guests") };
    assert_reaches(here, there.v4());
    let host = scene.host(1).clone();
    host.vsctl(&["del-port", "br-int", there.interface()]).unwrap();
    scene.wait_port(&there.port.id, |port| port.bound_host.is_empty()).unwrap();
    let refused = scene.weftd.weft(&["host", "delete", "h1"]).unwrap_err().to_string();
    assert!(refused.contains("remove its manager first"), "{refused}");
    host.vsctl(&["del-manager"]).unwrap();
    scene.wait_host(1, State::Offline).unwrap();
    scene.weftd.weft(&["host", "delete", "h1"]).unwrap();
    // Its switch is still connected, and keeps nothing of a host that is none any more.
    let is_empty = || scene.flows(1).unwrap().is_empty();
    wait_until("the flows to go", READY, is_empty).unwrap();

    host.set_manager(scene.lab.controller_address()).unwrap();
    scene.wait_ready().unwrap();
    plug_again(&host, there);
    scene.wait_active(&segment.guests).unwrap();
    assert_reaches(here, there.v4());
    assert_reaches(there, here.v6());
}

#[test]
fn a_bridge_that_an_operator_made_is_used_as_it_is() {
    let scene = Scene::with_options(2, Default::default()).unwrap();
    let controller = scene.lab.controller_address();
    // One with a controller by hand, on the other port; one without, as a script may leave it.
    let by_hand = format!("tcp:{controller}:6653");
    let [first, second] = [1, 2].map(|number| scene.host(number).clone());
    for host in [&first, &second] {
        host.vsctl(&["remove", "Open_vSwitch", ".", "external_ids", "weft-datapath-type"]).unwrap();
        host.vsctl(&["add-br", "br-int", "--", "set", "Bridge", "br-int", "datapath_type=netdev"])
            .unwrap();
    }
    #[rustfmt::skip]
    first.vsctl(&[
        "set-fail-mode", "br-int", "secure", "--",
        "set", "Bridge", "br-int", "protocols=OpenFlow13,OpenFlow14", "external_ids:by=hand", "--",
        "set-controller", "br-int", &by_hand,
    ])
    .unwrap();
    let before = [&first, &second].map(|host| Database::read(host));
    scene.lab.set_managers().unwrap();
    scene.wait_ready().unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 2]).unwrap();
    assert_reaches(&segment.guests[0], segment.guests[1].v4());
    let vlan = scene.segment(Kind::Vlan(105), 2, &[1, 2]).unwrap();
    assert_reaches(&vlan.guests[0], vlan.guests[1].v4());

    let ours = format!("tcp:{controller}:6633");
    let wanted = [None, Some(format!("Bridge br-int: controller: [] -> {ours}"))];
    for ((host, before), wanted) in [&first, &second].into_iter().zip(before).zip(wanted) {
        let after = Database::read(host);
        // The root is what the operator says; VMs and Weft's ports come into `ports`.
        let changes = before.changes(&after);
        let settings = changes
            .into_iter()
            .filter(|change| !change.starts_with("Open_vSwitch") && !change.contains(": ports: "));
        assert_eq!(settings.collect::<Vec<_>>(), wanted.into_iter().collect::<Vec<_>>());
        let own: Vec<_> = after.own().into_keys().filter(|row| row.starts_with("Port ")).collect();
        let ports = ["Port int-br-provider", "Port phy-br-provider", "Port weft-vxlan"];
        assert_eq!(own, ports);
    }
}

#[test]
fn a_datapath_type_is_set_only_where_one_is_asked_for() {
    let scene = Scene::with_options(1, Default::default()).unwrap();
    let host = scene.host(1).clone();
    host.vsctl(&["remove", "Open_vSwitch", ".", "external_ids", "weft-datapath-type"]).unwrap();
    // Where the kernel has no openvswitch module this waits for ever for ovs-vswitchd to take it
    // over, hence without the lab's help.
    let manager = format!("tcp:{}:6640", scene.lab.controller_address());
    host.vsctl(&["set-manager", &manager]).unwrap();
    let bridge = || Database::read(&host).get("Bridge", "br-int", "fail_mode") == "secure";
    wait_until("br-int", READY, bridge).unwrap();
    assert_eq!(Database::read(&host).get("Bridge", "br-int", "datapath_type"), "");

    host.vsctl(&[
        "--no-wait",
        "set",
        "Open_vSwitch",
        ".",
        "external_ids:weft-datapath-type=netdev",
    ])
    .unwrap();
    scene.wait_ready().unwrap();
    assert_eq!(Database::read(&host).get("Bridge", "br-int", "datapath_type"), "netdev");
    // Nobody asks for one any more: it stays.
    host.vsctl(&["remove", "Open_vSwitch", ".", "external_ids", "weft-datapath-type"]).unwrap();
    describe(&host);
    let port = || Database::read(&host).get("Port", "weft-vxlan", "interfaces") == "weft-vxlan";
    wait_until("the tunnel port", READY, port).unwrap();
    assert_eq!(Database::read(&host).get("Bridge", "br-int", "datapath_type"), "netdev");
    scene.wait_ready().unwrap();
}

#[test]
fn a_host_that_does_not_say_which_it_is_is_not_touched() {
    let scene = Scene::with_options(1, Default::default()).unwrap();
    let host = scene.host(1).clone();
    host.vsctl(&["remove", "Open_vSwitch", ".", "external_ids", "system-id"]).unwrap();
    host.set_manager(scene.lab.controller_address()).unwrap();
    let before = Database::read(&host);
    let told = || scene.weftd.log().unwrap().contains("external_ids:system-id is not set");
    wait_until("a word about it", READY, told).unwrap();
    assert_eq!(scene.api.list_hosts(Default::default()).unwrap().hosts, []);

    let system_id = format!("external_ids:system-id={}", host.system_id());
    assert_eq!(before.added(&Database::read(&host)), Default::default());
    host.vsctl(&["set", "Open_vSwitch", ".", &system_id]).unwrap();
    scene.wait_ready().unwrap();
}
