//! What tenants have asked for: networks, each of a project of its own, and their ports.

use std::net::Ipv4Addr;

use anyhow::{Context as _, Result};
use openflow::MacAddr;
use proto::v1 as pb;
use proto::v1::apply_request::Change;
use proto::v1::apply_request::change::Change as Request;
use proto::v1::change_service_client::ChangeServiceClient;
use tests::Api;
use topology::model::PortId;
use uuid::Uuid;

use super::hosts::Plugged;

/// How many of what.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) hosts: usize,
    pub(crate) ports_per_host: usize,
    pub(crate) networks: usize,
}

/// Ports made by one request.
const BATCH: usize = 500;

/// OpenFlow port numbers of a host's ports begin here.
const FIRST_PORT: u32 = 10;

impl Size {
    pub(crate) fn ports(self) -> usize {
        self.hosts * self.ports_per_host
    }

    /// Networks take turns, host by host: with as many ports per host as there are networks, or
    /// more, every host has all of them.
    pub(crate) fn network_of(self, port: usize) -> usize {
        port % self.networks
    }

    /// How many hosts have a network.
    pub(crate) fn hosts_of(self, network: usize) -> usize {
        let of_host = |host: usize| {
            let first = host * self.ports_per_host;
            (first..first + self.ports_per_host).any(|port| self.network_of(port) == network)
        };
        (0..self.hosts).filter(|host| of_host(*host)).count()
    }

    /// How many blocks all hosts have together: each its own, that of all tunnel endpoints, four
    /// for each network (shared, local, the profile and the members of its default group), and one
    /// for each port.
    pub(crate) fn host_blocks(self) -> usize {
        let networks = self.networks.min(self.ports_per_host);
        self.hosts * (2 + 4 * networks + self.ports_per_host)
    }

    /// What is plugged into each host.
    pub(crate) fn plugged(self) -> Vec<Plugged> {
        let of_host = |host| {
            let first = host * self.ports_per_host;
            let ports = (first..first + self.ports_per_host).zip(FIRST_PORT..);
            ports.map(|(port, number)| (port_id(port), number)).collect()
        };
        (0..self.hosts).map(of_host).collect()
    }

    /// A number that no port of the host has.
    pub(crate) fn spare_number(self) -> u32 {
        FIRST_PORT + self.ports_per_host as u32
    }
}

/// Makes everything. Ports are numbered from 0.
pub(crate) fn create(api: &Api, size: Size) -> Result<()> {
    let requests = (0..size.networks).flat_map(network).collect::<Vec<_>>();
    let ports =
        (0..size.ports()).map(|number| Request::CreatePort(port(number, size.network_of(number))));
    let requests: Vec<_> = requests.into_iter().chain(ports).collect();
    for batch in requests.chunks(BATCH) {
        let changes = batch.iter().cloned().map(|change| Change { change: Some(change) });
        let request = pb::ApplyRequest { changes: changes.collect(), ..Default::default() };
        api.call(async |channel| ChangeServiceClient::new(channel).apply(request).await)
            .context("cannot make the model")?;
    }
    Ok(())
}

/// A project, and its network with one subnet.
fn network(number: usize) -> [Request; 3] {
    let [project, network] = [project_id(number), network_id(number)].map(|id| id.to_string());
    let name = format!("tenant-{number}");
    let of_project = pb::Project { id: project.clone(), name, ..Default::default() };
    let of_network = pb::Network {
        id: network.clone(),
        name: format!("network-{number}"),
        project_id: project,
        r#type: pb::network::Type::Vxlan.into(),
        ..Default::default()
    };
    let of_subnet =
        pb::Subnet { network_id: network, cidr: "10.0.0.0/8".into(), ..Default::default() };
    [
        Request::CreateProject(pb::CreateProjectRequest { project: Some(of_project) }),
        Request::CreateNetwork(pb::CreateNetworkRequest { network: Some(of_network) }),
        Request::CreateSubnet(pb::CreateSubnetRequest { subnet: Some(of_subnet) }),
    ]
}

/// A port of its project's default group, with port security and one address.
pub(crate) fn port(number: usize, network: usize) -> pb::CreatePortRequest {
    let port = pb::Port {
        id: port_id(number).0.to_string(),
        name: format!("port-{number}"),
        project_id: project_id(network).to_string(),
        network_id: network_id(network).to_string(),
        mac_address: mac_of(number).to_string(),
        fixed_ips: vec![tests::fixed(&address_of(number).to_string())],
        ..Default::default()
    };
    pb::CreatePortRequest { port: Some(port), ..Default::default() }
}

/// A port's id. As random ones would, they spread over the range.
pub(crate) fn port_id(number: usize) -> PortId {
    let spread = (1 + number as u128).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    PortId(Uuid::from_u128(spread))
}

/// A port's Ethernet address.
pub(crate) fn mac_of(number: usize) -> MacAddr {
    let [_, b, c, d] = (2 + number as u32).to_be_bytes();
    MacAddr::new([0xfa, 0x16, 0x3e, b, c, d])
}

/// A port's address, whatever its network.
pub(crate) fn address_of(number: usize) -> Ipv4Addr {
    let [_, b, c, d] = (2 + number as u32).to_be_bytes();
    Ipv4Addr::new(10, b, c, d)
}

/// The project of a network.
pub(crate) fn project_id(number: usize) -> Uuid {
    Uuid::from_u128(1 << 64 | number as u128)
}

fn network_id(number: usize) -> Uuid {
    Uuid::from_u128(2 << 64 | number as u128)
}
