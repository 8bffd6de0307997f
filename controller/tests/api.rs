//! The gRPC API over a real connection, to an engine with a store in a temporary directory.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "api/apply.rs"]
mod apply;
#[path = "api/earlier.rs"]
mod earlier;
#[path = "api/errors.rs"]
mod errors;
#[path = "api/flows.rs"]
mod flows;
#[path = "api/hold.rs"]
mod hold;
#[path = "api/hosts.rs"]
mod hosts;
#[path = "api/resources.rs"]
mod resources;
#[path = "api/security_groups.rs"]
mod security_groups;
#[path = "api/server.rs"]
mod server;
#[path = "api/watch.rs"]
mod watch;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;

use controller::api::{ServeError, listen, serve};
use controller::config::GrpcAddress;
use controller::engine::{
    Attachment, ConnectionId, Engine, HandOver, HostReport, RemovalLimit, SwitchRequest,
};
use controller::limits::{Breaches, Gate, GateLimits, Protocol};
use controller::store::{Retention, StoreError};
use openflow::PortNo;
use proto::v1 as pb;
use proto::v1::address_group_service_client::AddressGroupServiceClient;
use proto::v1::change_service_client::ChangeServiceClient;
use proto::v1::host_service_client::HostServiceClient;
use proto::v1::network_service_client::NetworkServiceClient;
use proto::v1::port_service_client::PortServiceClient;
use proto::v1::project_service_client::ProjectServiceClient;
use proto::v1::security_group_service_client::SecurityGroupServiceClient;
use proto::v1::subnet_service_client::SubnetServiceClient;
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tonic::Status;
use tonic::transport::{Channel, Endpoint};
use topology::intent::Settings;
use topology::model::HostId;
use topology::zone::Zones;

/// A served engine and a client of it.
struct Api {
    engine: Engine,
    ended: oneshot::Receiver<Result<(), StoreError>>,
    channel: Channel,
    stopping: CancellationToken,
    serving: JoinHandle<Result<(), ServeError>>,
    directory: TempDir,
}

impl Api {
    async fn start() -> Self {
        Self::start_keeping(TempDir::new().unwrap(), Retention::default()).await
    }

    /// With the store that is in `directory`, if there is one.
    async fn start_in(directory: TempDir) -> Self {
        Self::start_keeping(directory, Retention::default()).await
    }

    /// With as much of the past as `retention` says.
    async fn start_keeping(directory: TempDir, retention: Retention) -> Self {
        Self::start_with(directory, retention, RemovalLimit::default()).await
    }

    /// With this limit of what may go at once.
    async fn start_with(directory: TempDir, retention: Retention, limit: RemovalLimit) -> Self {
        let (settings, zones) = (Settings::default(), Zones::default());
        let (engine, ended) =
            Engine::start(directory.path(), settings, zones, retention, limit).unwrap();
        let socket = GrpcAddress::Unix(directory.path().join("grpc"));
        let listener = listen(&socket).await.unwrap();
        let stopping = CancellationToken::new();
        let serving = serve(engine.clone(), vec![listener], gate(), stopping.clone());
        let serving = tokio::spawn(serving);
        let uri = format!("unix:{}", directory.path().join("grpc").display());
        let channel = Endpoint::from_shared(uri).unwrap().connect().await.unwrap();
        Self { engine, ended, channel, stopping, serving, directory }
    }

    /// Ends it and starts another with the same store.
    async fn restart(self) -> Self {
        self.stopping.cancel();
        drop(self.channel);
        self.serving.await.unwrap().unwrap();
        drop(self.engine);
        self.ended.await.unwrap().unwrap();
        Self::start_in(self.directory).await
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("grpc")
    }

    fn projects(&self) -> ProjectServiceClient<Channel> {
        ProjectServiceClient::new(self.channel.clone())
    }

    fn networks(&self) -> NetworkServiceClient<Channel> {
        NetworkServiceClient::new(self.channel.clone())
    }

    fn subnets(&self) -> SubnetServiceClient<Channel> {
        SubnetServiceClient::new(self.channel.clone())
    }

    fn ports(&self) -> PortServiceClient<Channel> {
        PortServiceClient::new(self.channel.clone())
    }

    fn security_groups(&self) -> SecurityGroupServiceClient<Channel> {
        SecurityGroupServiceClient::new(self.channel.clone())
    }

    fn address_groups(&self) -> AddressGroupServiceClient<Channel> {
        AddressGroupServiceClient::new(self.channel.clone())
    }

    fn hosts(&self) -> HostServiceClient<Channel> {
        HostServiceClient::new(self.channel.clone())
    }

    fn changes(&self) -> ChangeServiceClient<Channel> {
        ChangeServiceClient::new(self.channel.clone())
    }

    async fn project(&self, name: &str) -> pb::Project {
        let project = Some(pb::Project { name: name.into(), ..Default::default() });
        self.projects()
            .create_project(pb::CreateProjectRequest { project })
            .await
            .unwrap()
            .into_inner()
    }

    async fn create_network(&self, network: pb::Network) -> Result<pb::Network, Status> {
        let network = Some(network);
        let answer = self.networks().create_network(pb::CreateNetworkRequest { network }).await;
        answer.map(tonic::Response::into_inner)
    }

    async fn create_subnet(&self, subnet: pb::Subnet) -> Result<pb::Subnet, Status> {
        let subnet = Some(subnet);
        let answer = self.subnets().create_subnet(pb::CreateSubnetRequest { subnet }).await;
        answer.map(tonic::Response::into_inner)
    }

    async fn create_port(&self, port: pb::Port) -> Result<pb::Port, Status> {
        let port = Some(port);
        let answer =
            self.ports().create_port(pb::CreatePortRequest { port, ..Default::default() }).await;
        answer.map(tonic::Response::into_inner)
    }

    async fn create_security_group(
        &self,
        group: pb::SecurityGroup,
    ) -> Result<pb::SecurityGroup, Status> {
        let request = pb::CreateSecurityGroupRequest { security_group: Some(group) };
        let answer = self.security_groups().create_security_group(request).await;
        answer.map(tonic::Response::into_inner)
    }

    async fn create_address_group(
        &self,
        group: pb::AddressGroup,
    ) -> Result<pb::AddressGroup, Status> {
        let request = pb::CreateAddressGroupRequest { address_group: Some(group) };
        let answer = self.address_groups().create_address_group(request).await;
        answer.map(tonic::Response::into_inner)
    }

    /// A VXLAN network of a new project with a subnet.
    async fn network(&self, cidr: &str) -> (pb::Network, pb::Subnet) {
        let project = self.project("project").await;
        let network = self.create_network(vxlan(&project)).await.unwrap();
        let subnet = self.create_subnet(subnet(&network, cidr)).await.unwrap();
        (network, subnet)
    }

    /// The newest revision.
    async fn revision(&self) -> u64 {
        self.engine.read(|view| view.revision).await.unwrap()
    }

    /// A host that dials in and maps the physical network `external`.
    async fn host(&self, number: u8, interfaces: BTreeMap<uuid::Uuid, u32>) -> HostId {
        self.connect_host(number, interfaces).await.0
    }

    /// As [`host`](Self::host), with the number of its OVSDB connection.
    async fn connect_host(
        &self,
        number: u8,
        interfaces: BTreeMap<uuid::Uuid, u32>,
    ) -> (HostId, ConnectionId) {
        let report = HostReport {
            system_id: format!("system-{number}"),
            hostname: Some(format!("host-{number}")),
            ovs_version: "3.1.0".into(),
            tunnel_ip: Some([192, 0, 2, number].into()),
            management_ips: BTreeSet::new(),
            bridge_mappings: BTreeMap::from([("external".into(), "br-ex".into())]),
            datapath_id: Some(number.into()),
            vxlan_port: Some(PortNo(1)),
            uplinks: BTreeMap::from([("external".into(), PortNo(2))]),
            interfaces: interfaces
                .into_iter()
                .map(|(id, number)| (topology::model::PortId(id), Some(PortNo(number))))
                .collect(),
        };
        let identity = self.engine.identify(report.system_id.clone(), address(number)).await;
        let connection = identity.unwrap().connection;
        let taken = self.engine.report(connection, None, report).await.unwrap();
        (taken.unwrap().unwrap().reported.host, connection)
    }

    /// The place of that host's switch.
    async fn switch(&self, number: u8, requests: mpsc::Sender<SwitchRequest>) -> Attachment {
        let attaching = self.engine.attach(number.into(), address(number), requests).await;
        attaching.unwrap().place.await.unwrap()
    }
}

/// Where a host is.
fn address(number: u8) -> IpAddr {
    [192, 0, 2, number].into()
}

/// Lets everybody in that a test needs.
fn gate() -> Gate {
    let limits = GateLimits { total: 16, per_address: 16 };
    Gate::new(Protocol::Grpc, limits, Breaches::default())
}

fn vxlan(project: &pb::Project) -> pb::Network {
    pb::Network {
        name: "network".into(),
        project_id: project.id.clone(),
        r#type: pb::network::Type::Vxlan.into(),
        ..Default::default()
    }
}

fn subnet(network: &pb::Network, cidr: &str) -> pb::Subnet {
    pb::Subnet { network_id: network.id.clone(), cidr: cidr.into(), ..Default::default() }
}

fn port(network: &pb::Network, name: &str) -> pb::Port {
    pb::Port { network_id: network.id.clone(), name: name.into(), ..Default::default() }
}

fn mask(paths: &[&str]) -> Option<prost_types::FieldMask> {
    Some(prost_types::FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() })
}
