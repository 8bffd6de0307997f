//! The store: what was answered is there after a crash.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use proto::v1 as pb;
use tests::{Api, Daemon};
use uuid::Uuid;

/// How often the daemon is killed.
const ROUNDS: u32 = 6;

/// How many clients write at the same time.
const CLIENTS: usize = 3;

fn network(api: &Api) -> pb::Network {
    let project = pb::Project::default();
    let project = api.create_project(pb::CreateProjectRequest { project: Some(project) }).unwrap();
    let mut network = pb::Network { project_id: project.id, ..Default::default() };
    network.set_type(pb::network::Type::Vxlan);
    let network = api.create_network(pb::CreateNetworkRequest { network: Some(network) }).unwrap();
    for cidr in ["10.0.0.0/8", "fd00::/64"] {
        let (network_id, cidr) = (network.id.clone(), cidr.to_owned());
        let subnet = pb::Subnet { network_id, cidr, ..Default::default() };
        api.create_subnet(pb::CreateSubnetRequest { subnet: Some(subnet) }).unwrap();
    }
    network
}

/// Makes ports until the server is gone; those that it has answered.
fn create_ports(server: &str, network_id: &str) -> Vec<pb::Port> {
    let api = Api::connect(server).unwrap();
    let mut answered = Vec::new();
    loop {
        let port = pb::Port { network_id: network_id.to_owned(), ..Default::default() };
        match api.create_port(pb::CreatePortRequest { port: Some(port) }) {
            Ok(port) => answered.push(port),
            Err(_) => return answered,
        }
    }
}

fn all_ports(api: &Api) -> Vec<pb::Port> {
    let mut request = pb::ListPortsRequest { page_size: 1000, ..Default::default() };
    let mut ports = Vec::new();
    loop {
        let page = api.list_ports(request.clone()).unwrap();
        ports.extend(page.ports);
        if page.next_page_token.is_empty() {
            return ports;
        }
        request.page_token = page.next_page_token;
    }
}

#[test]
fn a_write_that_was_answered_survives_kill_9() {
    let mut daemon = Daemon::start(&[]).unwrap();
    let network = network(&daemon.api().unwrap());
    let server = daemon.server();
    let mut answered: Vec<pb::Port> = Vec::new();
    for round in 1..=ROUNDS {
        let new: Vec<pb::Port> = thread::scope(|scope| {
            let client = || scope.spawn(|| create_ports(&server, &network.id));
            let clients: Vec<_> = (0..CLIENTS).map(|_| client()).collect();
            // Somewhere within a commit, or between two.
            let [a, b, ..] = Uuid::new_v4().into_bytes();
            thread::sleep(Duration::from_micros(u64::from(u16::from_be_bytes([a, b])) * 8));
            daemon.kill().unwrap();
            clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
        });
        answered.extend(new);
        daemon.start_again().unwrap();

        let found = all_ports(&daemon.api().unwrap());
        let lost: Vec<_> = answered
            .iter()
            .filter(|port| {
                // All of it, as it was answered.
                found.binary_search_by_key(&port.key, |it| it.key).map(|at| &found[at]) != Ok(port)
            })
            .collect();
        assert!(lost.is_empty(), "round {round}, {} lost: {:?}", lost.len(), lost.first());
        // What was written without an answer may be there, but then as a whole.
        let addresses = found.iter().flat_map(|port| &port.fixed_ips);
        let addresses: BTreeSet<_> = addresses.map(|fixed| &fixed.ip_address).collect();
        assert_eq!(addresses.len(), 2 * found.len(), "every port has two addresses of its own");
    }
    assert!(answered.len() > 20, "only {} ports were made", answered.len());
}
