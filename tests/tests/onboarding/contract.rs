//! The two commands of the contract, and that nothing of an operator's is touched.

use lab::wait_until;
use tests::{READY, Scene};
use topology::pipeline::Table;

use crate::database::Database;

/// Starts the controller that was stopped, and waits until it has done all it has to do.
fn start_again(scene: &mut Scene) {
    scene.weftd.start_again().unwrap();
    scene.reconnect().unwrap();
    scene.wait_ready().unwrap();
    scene.settle().unwrap();
}

/// The transactions that the database has stored, with what they changed.
fn transactions(host: &lab::Host) -> String {
    host.exec("ovsdb-tool", &["-mm", "show-log", host.dir().join("conf.db").to_str().unwrap()])
        .unwrap()
}

#[test]
fn two_commands_are_all_and_what_others_made_is_left_alone() {
    let mut scene = Scene::with_options(1, Default::default()).unwrap();
    // While nobody listens: what is there before is the operator's, the commands' included.
    scene.weftd.stop().unwrap();
    let host = scene.host(1).clone();
    #[rustfmt::skip]
    host.vsctl(&[
        "set", "Open_vSwitch", ".", "other_config:vlan-limit=2", "external_ids:rack=7", "--",
        "add-br", "br-op", "--",
        "set", "Bridge", "br-op", "datapath_type=netdev", "fail_mode=standalone",
        "other_config:mac-aging-time=60", "external_ids:owner=operator", "--",
        "add-port", "br-op", "op0", "tag=5", "--",
        "set", "Interface", "op0", "type=internal", "external_ids:iface-id=not-a-port", "--",
        "set-controller", "br-op", "tcp:192.0.2.99:6633", "--",
        "--id=@op0", "get", "Port", "op0", "--",
        "--id=@m", "create", "Mirror", "name=tap", "select-all=true", "output-port=@op0", "--",
        "set", "Bridge", "br-op", "mirrors=@m",
    ])
    .unwrap();
    let controller = scene.lab.controller_address();
    #[rustfmt::skip]
    host.vsctl(&[
        "set", "Open_vSwitch", ".", "external_ids:weft-encap-ip=198.18.0.11",
        "external_ids:weft-bridge-mappings=external:br-provider",
    ])
    .unwrap();
    // The second manager is the operator's own business.
    let manager = format!("tcp:{controller}:6640");
    host.vsctl(&["set-manager", &manager, "ptcp:6641:127.0.0.1"]).unwrap();
    let before = Database::read(&host);
    assert_eq!(before.own().len(), 0);

    start_again(&mut scene);
    let after = Database::read(&host);
    let patched =
        "Bridge br-provider: ports: [br-provider, eth2] -> [br-provider, eth2, phy-br-provider]";
    let bridges = "[br-op, br-phy, br-provider]";
    let more = "[br-int, br-op, br-phy, br-provider]";
    assert_eq!(
        before.changes(&after),
        [patched.to_owned(), format!("Open_vSwitch .: bridges: {bridges} -> {more}")]
    );
    let own = after.own();
    assert_eq!(before.added(&after), own.keys().cloned().collect(), "every row says whose it is");

    let row = |table: &str, name: &str, columns: &[&str]| {
        let column = |column: &&str| format!("{column}={}", after.get(table, name, column));
        columns.iter().map(column).collect::<Vec<_>>().join(" ")
    };
    #[rustfmt::skip]
    assert_eq!(
        row("Bridge", "br-int", &["fail_mode", "protocols", "datapath_type", "other_config", "ports"]),
        "fail_mode=secure protocols=OpenFlow13 datapath_type=netdev \
         other_config={disable-in-band=true} ports=[br-int, int-br-provider, weft-vxlan]"
    );
    let target = format!("tcp:{controller}:6633");
    assert_eq!(after.get("Bridge", "br-int", "controller"), target);
    assert_eq!(
        row("Controller", &target, &["connection_mode", "inactivity_probe", "max_backoff"]),
        "connection_mode=out-of-band inactivity_probe=5000 max_backoff=1000"
    );
    let interface = |name: &str| row("Interface", name, &["type", "options"]);
    assert_eq!(
        interface("weft-vxlan"),
        "type=vxlan options={key=flow, local_ip=198.18.0.11, remote_ip=flow}"
    );
    assert_eq!(interface("int-br-provider"), "type=patch options={peer=phy-br-provider}");
    assert_eq!(interface("phy-br-provider"), "type=patch options={peer=int-br-provider}");

    // What is said to ovs-vswitchd it has taken over.
    let names = host.ofctl(&["--names", "--no-stats", "dump-flows", "br-int"]).unwrap();
    let names = names.replace('"', "");
    for table in Table::ALL {
        assert!(names.contains(&format!("table={},", table.name())), "{} in {names}", table.name());
    }
    assert!(host.ofctl(&["--protocols=OpenFlow10", "show", "br-int"]).is_err());
    let record = scene.record(1).unwrap();
    assert_eq!(record.name, "h1");
    assert_eq!(record.tunnel_ip, "198.18.0.11");
    assert_eq!(
        record.bridge_mappings.into_iter().collect::<Vec<_>>(),
        [("external".to_owned(), "br-provider".to_owned())]
    );
    let datapath = host.vsctl(&["get", "Bridge", "br-int", "datapath_id"]).unwrap();
    assert_eq!(datapath.trim().trim_matches('"'), record.datapath_id);
}

#[test]
fn a_controller_that_comes_back_writes_nothing() {
    let mut scene = Scene::start(1).unwrap();
    scene.settle().unwrap();
    let host = scene.host(1).clone();
    // The last change of the first run may be under way.
    let mut before = transactions(&host);
    wait_until("the database to rest", READY, || {
        let now = transactions(&host);
        std::mem::replace(&mut before, now) == before
    })
    .unwrap();
    scene.weftd.kill().unwrap();
    start_again(&mut scene);
    scene.weftd.stop().unwrap();
    start_again(&mut scene);
    assert_eq!(transactions(&host), before);
    host.vsctl(&["set", "Open_vSwitch", ".", "external_ids:rack=7"]).unwrap();
    assert_ne!(transactions(&host), before, "a change is seen");
}
