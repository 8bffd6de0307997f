//! The lab on its own, with a br-int and flows made by hand.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use anyhow::Result;
use lab::{Frame, Host, Lab, Mac, Nic, Ping, vxlan};

const VNI: u32 = 4711;
const VLAN: u16 = 105;
const A: (&str, Ipv4Addr) = ("fa:16:3e:00:00:01", Ipv4Addr::new(10, 0, 0, 1));
const B: (&str, Ipv4Addr) = ("fa:16:3e:00:00:02", Ipv4Addr::new(10, 0, 0, 2));

/// A br-int as an operator could make it: a tunnel port and a patch to the provider bridge.
fn make_br_int(host: &Host) -> Result<()> {
    #[rustfmt::skip]
    host.vsctl(&[
        "add-br", "br-int", "--",
        "set", "Bridge", "br-int", "datapath_type=netdev", "fail_mode=secure", "--",
        "add-port", "br-int", "vxlan", "--",
        "set", "Interface", "vxlan", "type=vxlan", "options:remote_ip=flow", "options:key=flow", "--",
        "add-port", "br-int", "int-provider", "--",
        "set", "Interface", "int-provider", "type=patch", "options:peer=phy-provider", "--",
        "add-port", "br-provider", "phy-provider", "--",
        "set", "Interface", "phy-provider", "type=patch", "options:peer=int-provider",
    ])?;
    Ok(())
}

/// What comes from `vm` goes to the other host, and back.
fn connect(host: &Host, vm: &str, peer: &Host) -> Result<()> {
    let (vm, tunnel) = (host.ofport(vm)?, host.ofport("vxlan")?);
    let out = format!(
        "in_port={vm},actions=set_field:{VNI}->tun_id,set_field:{}->tun_dst,output:{tunnel}",
        peer.tunnel_ip()
    );
    host.ofctl(&["add-flow", "br-int", &out])?;
    let back = format!("in_port={tunnel},tun_id={VNI},actions=output:{vm}");
    host.ofctl(&["add-flow", "br-int", &back])?;
    Ok(())
}

#[test]
fn two_vms_reach_each_other_by_vxlan() {
    let lab = Lab::builder().hosts(2).start().unwrap();
    let (h1, h2) = (lab.host(1), lab.host(2));
    make_br_int(h1).unwrap();
    make_br_int(h2).unwrap();
    let a = h1.plug("port-a", A.0).unwrap();
    let mut b = h2.plug("port-b", B.0).unwrap();
    a.configure(&["10.0.0.1/24", "fd00::1/64"], &[], 1450).unwrap();
    b.configure(&["10.0.0.2/24", "fd00::2/64"], &[], 1450).unwrap();
    assert_eq!(a.ping(B.1).unwrap().received, 0, "no flows, no packets");

    connect(h1, a.interface(), h2).unwrap();
    connect(h2, b.interface(), h1).unwrap();
    let v6: IpAddr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2).into();
    a.ping_until(B.1, Duration::from_secs(10)).unwrap();
    assert!(a.ping_with(&Ping::to(B.1).payload(1422)).unwrap().is_complete());
    assert_eq!(a.ping_with(&Ping::to(B.1).payload(1423)).unwrap().received, 0);
    assert!(a.ping(v6).unwrap().is_complete());
    assert_eq!(a.resolve(B.1).unwrap().as_deref(), Some(B.0));
    assert_eq!(a.resolve(v6).unwrap().as_deref(), Some(B.0));
    assert_eq!(a.resolve(Ipv4Addr::new(10, 0, 0, 77)).unwrap(), None);

    let _server = b.serve_echo(7).unwrap();
    a.tcp_echo(B.1, 7, 3_000_000).unwrap();
    a.tcp_echo(v6, 7, 100_000).unwrap();

    let flows = h1.dump_flows("br-int").unwrap();
    assert_eq!(flows.len(), 2);
    assert!(flows.iter().all(|flow| !flow.contains("n_packets=0,")), "{flows:#?}");

    // A VM that has moved is the same VM.
    b.move_to(h1).unwrap();
    assert_eq!(b.ping(A.1).unwrap().received, 0);
    let (from, to) = (h1.ofport(a.interface()).unwrap(), h1.ofport(b.interface()).unwrap());
    h1.ofctl(&["del-flows", "br-int"]).unwrap();
    h1.ofctl(&["add-flow", "br-int", &format!("in_port={from},actions={to}")]).unwrap();
    h1.ofctl(&["add-flow", "br-int", &format!("in_port={to},actions={from}")]).unwrap();
    a.ping_until(B.1, Duration::from_secs(10)).unwrap();
    b.unplug().unwrap();
    assert_eq!(a.ping(B.1).unwrap().received, 0);
}

#[test]
fn what_crosses_the_underlay_is_counted() {
    let lab = Lab::builder().hosts(2).start().unwrap();
    let (h1, h2) = (lab.host(1), lab.host(2));
    make_br_int(h1).unwrap();
    make_br_int(h2).unwrap();
    let a = h1.plug("port-a", A.0).unwrap();
    let b = h2.plug("port-b", B.0).unwrap();
    connect(h1, a.interface(), h2).unwrap();
    connect(h2, b.interface(), h1).unwrap();
    a.configure(&["10.0.0.1/24"], &[], 1450).unwrap();
    b.configure(&["10.0.0.2/24"], &[], 1450).unwrap();
    a.ping_until(B.1, Duration::from_secs(10)).unwrap();

    let before = h1.counters(Nic::Underlay).unwrap();
    let arp = h1.capture(Nic::Underlay, vxlan::ARP).unwrap();
    let solicitations = h1.capture(Nic::Underlay, vxlan::NEIGHBOUR_SOLICITATION).unwrap();
    let at_b = b.capture("arp").unwrap();
    let mac: Mac = A.0.parse().unwrap();
    let spoofed: Mac = "fa:16:3e:00:00:66".parse().unwrap();
    let lie = Frame::arp_request(mac, spoofed, Ipv4Addr::new(10, 0, 0, 66), B.1);
    a.send_frames(std::slice::from_ref(&lie)).unwrap();
    lab::wait_until("the frame", Duration::from_secs(5), || at_b.count().unwrap() > 0).unwrap();
    let seen = at_b.stop().unwrap();
    assert!(seen.contains(&lie.as_bytes().to_vec()), "{seen:02x?}");
    // B's reply comes back by the tunnel, too.
    lab::wait_until("the reply", Duration::from_secs(5), || arp.count().unwrap() >= 2).unwrap();
    arp.stop().unwrap();
    assert_eq!(solicitations.stop().unwrap().len(), 0);
    let after = h1.counters(Nic::Underlay).unwrap();
    assert!(after.sent > before.sent && after.received > before.received);

    let solicitations = h1.capture(Nic::Underlay, vxlan::NEIGHBOUR_SOLICITATION).unwrap();
    assert_eq!(a.resolve("fd00::2".parse::<Ipv6Addr>().unwrap()).unwrap(), None, "no route");
    a.add_address("fd00::1/64").unwrap();
    a.ping("fd00::2".parse::<Ipv6Addr>().unwrap()).unwrap();
    assert!(!solicitations.stop().unwrap().is_empty());
}

#[test]
fn a_station_on_the_physical_switch_is_reached_by_vlan_and_untagged() {
    let lab = Lab::builder().hosts(2).start().unwrap();
    let (h1, h2) = (lab.host(1), lab.host(2));
    let vms: Vec<_> = [(h1, A), (h2, B)]
        .into_iter()
        .map(|(host, (mac, address))| {
            make_br_int(host).unwrap();
            let vm = host.plug(mac, mac).unwrap();
            vm.configure(&[&format!("{address}/24")], &[], 1500).unwrap();
            vm
        })
        .collect();
    let station_address = Ipv4Addr::new(10, 0, 0, 9);
    let [tagged, untagged, other] = [Some(VLAN), None, Some(VLAN + 1)].map(|vlan| {
        let station = lab.station(vlan).unwrap();
        station.configure(&["10.0.0.9/24"], &[], 1500).unwrap();
        station
    });

    for (tag, out, at_station) in [
        ("dl_vlan", format!("push_vlan:0x8100,set_field:{}->vlan_vid,", VLAN | 0x1000), &tagged),
        ("untagged", String::new(), &untagged),
    ] {
        for vm in &vms {
            let host = vm.host();
            let (vm, patch) =
                (host.ofport(vm.interface()).unwrap(), host.ofport("int-provider").unwrap());
            host.ofctl(&["del-flows", "br-int"]).unwrap();
            let out = format!("in_port={vm},actions={out}output:{patch}");
            host.ofctl(&["add-flow", "br-int", &out]).unwrap();
            let back = match tag {
                "dl_vlan" => format!("in_port={patch},dl_vlan={VLAN},actions=pop_vlan,output:{vm}"),
                _ => format!("in_port={patch},vlan_tci=0,actions=output:{vm}"),
            };
            host.ofctl(&["add-flow", "br-int", &back]).unwrap();
        }
        let misled = other.capture("icmp").unwrap();
        for vm in &vms {
            vm.resolve(station_address).unwrap();
            vm.ping_until(station_address, Duration::from_secs(10)).unwrap();
        }
        vms[0].ping_until(B.1, Duration::from_secs(10)).unwrap();
        let mac = at_station.mac().unwrap();
        assert_eq!(vms[1].resolve(station_address).unwrap(), Some(mac), "{tag}");
        assert_eq!(misled.stop().unwrap().len(), 0, "VLANs stay apart");
    }
}
