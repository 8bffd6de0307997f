//! What is seen of policy: why packets are dropped, how many connections there were, and what
//! logged rules allow.

use std::net::UdpSocket;
use std::time::Instant;

use lab::{WeftdOptions, wait_until};
use proto::v1 as pb;
use tests::{Allow, Guest, Kind, Scene, tcp, udp};

use super::{ARRIVAL, all_egress};

/// What a port's host has counted.
fn counters(scene: &Scene, guest: &Guest) -> pb::PortCounters {
    guest.host().appctl(&["revalidator/wait"]).unwrap();
    let request = pb::GetPortCountersRequest { id: guest.port.id.clone() };
    scene.api.get_port_counters(request).unwrap()
}

fn dropped(scene: &Scene, guest: &Guest, reason: &str) -> u64 {
    let counters = counters(scene, guest);
    let drop = counters.drops.iter().find(|drop| drop.reason == reason);
    drop.unwrap_or_else(|| panic!("{reason} is not among {counters:?}")).packets
}

#[test]
fn drops_are_counted_by_reason_and_port() {
    let scene = Scene::start(2).unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 2]).unwrap();
    let [client, server] = &segment.guests[..] else { panic!("two guests") };
    let clients = scene.group("clients", [Allow::egress().tcp(443), Allow::egress().tcp(80)]);
    scene.put_in(client, &[&clients.unwrap()]).unwrap();
    let web = scene.group("web", [Allow::ingress().tcp(443)]).unwrap();
    scene.put_in(server, &[&web]).unwrap();
    let reasons = |guest| ["EgressDenied", "IngressDenied"].map(|it| dropped(&scene, guest, it));
    let [client_before, server_before] = [reasons(client), reasons(server)];
    let opened = counters(&scene, client).opened;
    let accepted = counters(&scene, server).accepted;

    tcp(client, server, 443).opens();
    let seen = || counters(&scene, client).opened > opened;
    wait_until("the connection to be counted", ARRIVAL, seen).unwrap();
    assert!(counters(&scene, server).accepted > accepted);
    assert_eq!([reasons(client), reasons(server)], [client_before, server_before]);
    // What the receiver does not allow counts there, what the sender does not allow here.
    tcp(client, server, 80).is_blocked();
    let [denied_here, denied_there] = [reasons(client), reasons(server)];
    assert_eq!(denied_here, client_before);
    assert!(denied_there[1] > server_before[1], "{denied_there:?}, before {server_before:?}");
    udp(client, server, 53).is_blocked();
    assert!(dropped(&scene, client, "EgressDenied") > client_before[0]);
    assert_eq!(reasons(server), denied_there);

    let shown = scene.weftd.weft_text(&["port", "show", &server.port.id]).unwrap();
    let line = shown.lines().find(|line| line.contains("IngressDenied"));
    let line = line.unwrap_or_else(|| panic!("no such drop in {shown}"));
    assert!(line.contains("no rule of the port's security groups allows it"), "{line}");
}

/// Lines of the controller's log about connections that logged rules allowed.
fn logged(scene: &Scene) -> Vec<String> {
    let log = scene.weftd.log().unwrap();
    let lines = log.lines().filter(|line| line.contains("connection allowed by a logged rule"));
    lines.map(str::to_owned).collect()
}

#[test]
fn logged_rules_tell_who_connects_by_the_names_of_tenants() {
    let scene = Scene::start(2).unwrap();
    let network = scene.network(Kind::Vxlan).unwrap();
    scene.subnet(&network, "10.1.0.0/24").unwrap();
    scene.subnet(&network, "fd00:1::/64").unwrap();
    let named = |name: &str| pb::Port { name: name.to_owned(), ..Default::default() };
    let client = scene.guest_with(&network, 1, named("laptop")).unwrap();
    let server = scene.guest_with(&network, 2, named("front")).unwrap();
    scene.wait_active([&client, &server]).unwrap();
    scene.put_in(&client, &[&scene.group("clients", all_egress()).unwrap()]).unwrap();
    let rules = [
        Allow::ingress().tcp(443).logged(),
        Allow::ingress().v6().udp(53).logged(),
        Allow::ingress().tcp(80),
    ];
    let web = scene.group("web", rules).unwrap();
    scene.put_in(&server, &[&web]).unwrap();

    tcp(&client, &server, 80).opens();
    tcp(&client, &server, 443).opens();
    udp(&client, &server, 53).v6().opens();
    wait_until("both to be logged", ARRIVAL, || logged(&scene).len() >= 2).unwrap();
    let lines = logged(&scene);
    let (v4, v6) = (client.v4().to_string(), format!("[{}]", client.v6()));
    for (rule, peer, to) in [
        (&web.rules[0], v4, format!("{}:443", server.v4())),
        (&web.rules[1], v6, format!("[{}]:53", server.v6())),
    ] {
        let line = lines.iter().find(|line| line.contains(&rule.id));
        let line = line.unwrap_or_else(|| panic!("nothing of {rule:?}: {lines:?}"));
        for part in [
            "project=\"tests\"",
            "port=\"front\"",
            "security_group=\"web\"",
            "direction=\"ingress\"",
            "host=\"h2\"",
            &peer,
            &to,
        ] {
            assert!(line.contains(part), "{part} in {line}");
        }
    }
    assert!(lines.iter().all(|line| !line.contains(":80")), "{lines:?}");
}

#[test]
fn what_is_logged_has_a_rate() {
    const RATE: usize = 5;
    const CONNECTIONS: u16 = 120;
    let args = vec!["--rule-log-rate".into(), RATE.to_string().into()];
    let scene = Scene::with_options(1, WeftdOptions { args, ..Default::default() }).unwrap();
    scene.lab.set_managers().unwrap();
    scene.wait_ready().unwrap();
    let segment = scene.segment(Kind::Vxlan, 1, &[1, 1]).unwrap();
    let [client, server] = &segment.guests[..] else { panic!("two guests") };
    let rules = [Allow::ingress().udp(1000).logged()];
    scene.put_in(server, &[&scene.group("noisy", rules).unwrap()]).unwrap();
    let socket = |guest: &Guest, port| {
        let bind = || Ok(UdpSocket::bind((guest.v4(), port))?);
        guest.netns().enter(bind).unwrap()
    };
    let began = Instant::now();
    let door = socket(server, 1000);
    door.set_read_timeout(Some(ARRIVAL)).unwrap();
    for number in 0..CONNECTIONS {
        // Each from a port of its own, and none is kept from arriving: it is the report that is
        // limited.
        socket(client, 0).send_to(&number.to_be_bytes(), door.local_addr().unwrap()).unwrap();
        let mut knock = [0; 2];
        door.recv(&mut knock).unwrap();
        assert_eq!(u16::from_be_bytes(knock), number);
    }
    wait_until("some to be logged", ARRIVAL, || logged(&scene).len() >= RATE).unwrap();
    let lines = logged(&scene).len();
    // A burst of as many as a second has, at the switch and here.
    let most = RATE * (2 + 1 + began.elapsed().as_secs() as usize);
    assert!(lines <= most, "{lines} lines, {most} expected at most");
    // The switch has what it was told: the meter, and to match first fragments.
    let meters = scene.host(1).ofctl(&["dump-meters", "br-int"]).unwrap();
    assert!(meters.contains(&format!("rate={RATE} burst_size={RATE}")), "{meters}");
    assert!(scene.host(1).ofctl(&["get-frags", "br-int"]).unwrap().contains("nx-match"));
}
