//! What changes counts from the next packet on, also for what is open already.

use proto::v1 as pb;
use tests::{Allow, Conversation, Guest, Kind, Scene, Stream, tcp};

use super::{all_egress, all_ingress, at};

/// A client on one host, and a server beside it or on another, which allows nothing yet.
struct Pair {
    scene: Scene,
    client: Guest,
    server: Guest,
    servers: pb::SecurityGroup,
}

impl Pair {
    fn new(hosts: [u16; 2]) -> Self {
        let scene = Scene::start(*hosts.iter().max().unwrap()).unwrap();
        let segment = scene.segment(Kind::Vxlan, 1, &hosts).unwrap();
        let [client, server] = <[Guest; 2]>::try_from(segment.guests).unwrap();
        scene.put_in(&client, &[&scene.group("clients", all_egress()).unwrap()]).unwrap();
        let servers = scene.group("servers", []).unwrap();
        scene.put_in(&server, &[&servers]).unwrap();
        Self { scene, client, server, servers }
    }

    fn stream(&self) -> Stream {
        let [from, to] = [at(self.client.v4(), 6000), at(self.server.v4(), 5000)];
        Stream::start((&self.client, from), (&self.server, to)).unwrap()
    }

    fn stream_v6(&self) -> Stream {
        let [from, to] = [at(self.client.v6(), 6000), at(self.server.v6(), 5000)];
        Stream::start((&self.client, from), (&self.server, to)).unwrap()
    }

    fn conversation(&self) -> Conversation {
        Conversation::open(&self.client, (&self.server, at(self.server.v4(), 5000))).unwrap()
    }
}

/// A rule that goes stops what it allowed both ways, and one that comes lets it go on.
fn rules_come_and_go(hosts: [u16; 2]) {
    let pair = Pair::new(hosts);
    let scene = &pair.scene;
    let port = |allow: Allow, protocol| allow.ports(protocol, 5000..=5009);
    let udp = || scene.allow(&pair.servers, port(Allow::ingress(), "udp")).unwrap();
    let tcp = || scene.allow(&pair.servers, port(Allow::ingress(), "tcp")).unwrap();
    let (udp_rule, tcp_rule) = (udp(), tcp());
    let v6 = scene.allow(&pair.servers, port(Allow::ingress().v6(), "udp")).unwrap();
    let (stream, stream_v6, mut conversation) =
        (pair.stream(), pair.stream_v6(), pair.conversation());
    stream.assert_runs();
    stream_v6.assert_runs();
    conversation.goes_on();

    scene.revoke(&pair.servers, &udp_rule).unwrap();
    stream.assert_stopped();
    stream_v6.assert_runs();
    conversation.goes_on();
    scene.revoke(&pair.servers, &tcp_rule).unwrap();
    conversation.is_stopped();
    scene.revoke(&pair.servers, &v6).unwrap();
    stream_v6.assert_stopped();

    // Other rules that allow the same will do.
    let udp_rule = udp();
    stream.assert_runs();
    tcp();
    conversation.goes_on();
    scene.allow(&pair.servers, Allow::ingress().v6()).unwrap();
    stream_v6.assert_runs();

    // What only the server sends stops too, although no packet in the connection's own direction
    // tells that it is not allowed any more.
    stream.mute_client();
    stream.assert_runs();
    scene.revoke(&pair.servers, &udp_rule).unwrap();
    stream.assert_stopped();
    udp();
    stream.assert_runs();
}

#[test]
fn rules_that_come_and_go_count_at_once_on_one_host() {
    rules_come_and_go([1, 1]);
}

#[test]
fn rules_that_come_and_go_count_at_once_across_hosts() {
    rules_come_and_go([1, 2]);
}

#[test]
fn what_was_open_before_a_group_came_is_judged() {
    let pair = Pair::new([1, 2]);
    let scene = &pair.scene;
    let open = scene.group("open", all_ingress().into_iter().chain(all_egress())).unwrap();
    scene.put_in(&pair.server, &[&open]).unwrap();
    let (stream, mut conversation) = (pair.stream(), pair.conversation());
    // One that the server has begun.
    let mut own =
        Conversation::open(&pair.server, (&pair.client, at(pair.client.v4(), 7000))).err();
    assert!(own.take().is_some(), "the clients' group lets nobody in");
    stream.assert_runs();
    conversation.goes_on();

    let strict = scene.group("strict", [Allow::ingress().tcp(443)]).unwrap();
    scene.put_in(&pair.server, &[&strict]).unwrap();
    stream.assert_stopped();
    conversation.is_stopped();
    tcp(&pair.client, &pair.server, 443).opens();
    // A group more, and it goes on; no group at all, and it stops.
    let more = [Allow::ingress().ports("udp", 5000..=5000), Allow::ingress().tcp(5000)];
    let more = scene.group("more", more).unwrap();
    scene.put_in(&pair.server, &[&strict, &more]).unwrap();
    stream.assert_runs();
    conversation.goes_on();
    scene.put_in(&pair.server, &[]).unwrap();
    stream.assert_stopped();
    conversation.is_stopped();
}

#[test]
fn who_leaves_a_remote_group_has_no_access_any_more() {
    let pair = Pair::new([1, 2]);
    let scene = &pair.scene;
    let friends = scene.group("friends", all_egress()).unwrap();
    let guests = scene.group("guests", all_egress()).unwrap();
    scene.put_in(&pair.client, &[&friends]).unwrap();
    let allow = [Allow::ingress(), Allow::ingress().v6()].map(|allow| allow.group(&friends));
    for allow in allow {
        scene.allow(&pair.servers, allow).unwrap();
    }
    let (stream, stream_v6, mut conversation) =
        (pair.stream(), pair.stream_v6(), pair.conversation());
    stream.assert_runs();
    stream_v6.assert_runs();
    conversation.goes_on();
    scene.put_in(&pair.client, &[&guests]).unwrap();
    stream.assert_stopped();
    stream_v6.assert_stopped();
    conversation.is_stopped();
    tcp(&pair.client, &pair.server, 443).is_blocked();
    scene.put_in(&pair.client, &[&guests, &friends]).unwrap();
    stream.assert_runs();
    stream_v6.assert_runs();
    conversation.goes_on();
    tcp(&pair.client, &pair.server, 443).opens();
}

#[test]
fn an_address_that_leaves_an_address_group_has_no_access_any_more() {
    let pair = Pair::new([1, 2]);
    let scene = &pair.scene;
    let (v4, v6) = (pair.client.v4().to_string(), pair.client.v6().to_string());
    let office = scene.address_group("office", &["198.51.100.0/24"]).unwrap();
    for allow in all_ingress() {
        scene.allow(&pair.servers, allow.address_group(&office)).unwrap();
    }
    tcp(&pair.client, &pair.server, 443).is_blocked();
    scene.set_prefixes(&office, &["198.51.100.0/24", &v4, "fd00:1::/64"]).unwrap();
    let (stream, stream_v6) = (pair.stream(), pair.stream_v6());
    stream.assert_runs();
    stream_v6.assert_runs();
    scene.set_prefixes(&office, &["198.51.100.0/24", &v6]).unwrap();
    stream.assert_stopped();
    stream_v6.assert_runs();
    scene.set_prefixes(&office, &["10.1.0.0/16"]).unwrap();
    stream.assert_runs();
    stream_v6.assert_stopped();
}
