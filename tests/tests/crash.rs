//! What was answered survives a kill -9 at any moment.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::Duration;

use proto::v1 as pb;
use tests::{Api, Daemon, Kind};

/// Clients that write at the same time, each by a connection of its own.
const CLIENTS: usize = 4;

/// Milliseconds that the clients have until the controller is killed, round by round. What it is
/// at just then is chance.
const ROUNDS: [u64; 7] = [30, 80, 120, 170, 220, 310, 400];

/// What the controller has answered.
#[derive(Default)]
struct Answered {
    /// Ports made and not deleted.
    ports: BTreeMap<String, pb::Port>,
    /// Ports whose deletion was asked for; without an answer they may be there or not.
    deleting: BTreeMap<String, pb::Port>,
    /// Ports whose deletion was answered.
    deleted: BTreeMap<String, pb::Port>,
    /// The newest revision.
    revision: u64,
}

impl Answered {
    fn add(&mut self, other: Self) {
        self.ports.extend(other.ports);
        self.deleting.extend(other.deleting);
        self.deleted.extend(other.deleted);
        self.revision = self.revision.max(other.revision);
    }
}

/// Makes ports, and deletes every third, until there is no answer.
fn write(server: &str, network: &str) -> Answered {
    let mut answered = Answered::default();
    let Ok(api) = Api::connect(server) else { return answered };
    for number in 1.. {
        let port = pb::Port { network_id: network.to_owned(), ..Default::default() };
        let request = pb::CreatePortRequest { port: Some(port), ..Default::default() };
        let Ok(port) = api.create_port(request) else { break };
        answered.revision = answered.revision.max(port.revision);
        if number % 3 != 0 {
            answered.ports.insert(port.id.clone(), port);
            continue;
        }
        let id = port.id.clone();
        answered.deleting.insert(id.clone(), port.clone());
        let request = pb::DeletePortRequest { id: id.clone(), etag: String::new() };
        let Ok(gone) = api.delete_port(request) else { break };
        answered.revision = answered.revision.max(gone.revision);
        answered.deleting.remove(&id);
        answered.deleted.insert(id, port);
    }
    answered
}

fn all_ports(api: &Api) -> BTreeMap<String, pb::Port> {
    let mut ports = BTreeMap::new();
    let mut request = pb::ListPortsRequest { page_size: 1000, ..Default::default() };
    loop {
        let page = api.list_ports(request.clone()).unwrap();
        ports.extend(page.ports.into_iter().map(|port| (port.id.clone(), port)));
        if page.next_page_token.is_empty() {
            return ports;
        }
        request.page_token = page.next_page_token;
    }
}

/// What no two ports of the network may have in common.
fn assert_unique<'a>(ports: impl Iterator<Item = &'a pb::Port> + Clone, keys_only: bool) {
    let mut keys = BTreeSet::new();
    let mut macs = BTreeSet::new();
    let mut addresses = BTreeSet::new();
    for port in ports {
        assert!(keys.insert(port.key), "two ports have the key {}", port.key);
        if keys_only {
            continue;
        }
        assert!(macs.insert(&port.mac_address), "two ports have {}", port.mac_address);
        for fixed in &port.fixed_ips {
            assert!(addresses.insert(&fixed.ip_address), "two ports have {}", fixed.ip_address);
        }
    }
}

#[test]
fn what_was_answered_survives_kill_9() {
    let mut daemon = Daemon::start(&[]).unwrap();
    let api = daemon.api().unwrap();
    let project = pb::Project { name: "tests".to_owned(), ..Default::default() };
    let project = api.create_project(pb::CreateProjectRequest { project: Some(project) }).unwrap();
    let network = Some(Kind::Vxlan.request(&project.id));
    let network = api.create_network(pb::CreateNetworkRequest { network }).unwrap();
    for cidr in ["10.0.0.0/16", "fd00::/64"] {
        let (network_id, cidr) = (network.id.clone(), cidr.to_owned());
        let subnet = Some(pb::Subnet { network_id, cidr, ..Default::default() });
        api.create_subnet(pb::CreateSubnetRequest { subnet }).unwrap();
    }

    let mut answered = Answered::default();
    for millis in ROUNDS {
        let server = daemon.server();
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let (server, network) = (server.clone(), network.id.clone());
                thread::spawn(move || write(&server, &network))
            })
            .collect();
        thread::sleep(Duration::from_millis(millis));
        daemon.kill().unwrap();
        clients.into_iter().for_each(|client| answered.add(client.join().unwrap()));
        daemon.start_again().unwrap();

        let api = daemon.api().unwrap();
        let stored = all_ports(&api);
        for (id, port) in &answered.ports {
            assert_eq!(stored.get(id), Some(port), "after {millis} ms");
        }
        for id in answered.deleted.keys() {
            assert_eq!(stored.get(id), None, "after {millis} ms");
        }
        // Beside these, at most what each client waited for an answer to.
        let known =
            |id: &String| answered.ports.contains_key(id) || answered.deleting.contains_key(id);
        let unanswered: Vec<_> = stored.iter().filter(|(id, _)| !known(id)).collect();
        assert!(unanswered.len() <= CLIENTS, "{unanswered:?}");
        assert_unique(stored.values(), false);
        // A port that is gone leaves its key to nobody.
        assert_unique(stored.values().chain(answered.deleted.values()), true);

        // What is stored without an answer counts as answered from here on: it has been seen.
        let seen: Vec<_> = unanswered.into_iter().map(|(_, port)| port.clone()).collect();
        for port in seen {
            answered.ports.insert(port.id.clone(), port);
        }
        for (id, port) in std::mem::take(&mut answered.deleting) {
            let half =
                if stored.contains_key(&id) { &mut answered.ports } else { &mut answered.deleted };
            half.insert(id, port);
        }
        let port = pb::Port { network_id: network.id.clone(), ..Default::default() };
        let next = api
            .create_port(pb::CreatePortRequest { port: Some(port), ..Default::default() })
            .unwrap();
        assert!(next.revision > answered.revision, "{} after {}", next.revision, answered.revision);
        answered.revision = next.revision;
        answered.ports.insert(next.id.clone(), next);
    }
    let count = answered.ports.len() + answered.deleted.len();
    assert!(count > ROUNDS.len() * CLIENTS, "only {count} writes were answered");
}
