//! Weft's gRPC API as a blocking client has it.

use std::time::Duration;

use anyhow::Result;
use proto::v1 as pb;
use proto::v1::address_group_service_client::AddressGroupServiceClient;
use proto::v1::change_service_client::ChangeServiceClient;
use proto::v1::flow_service_client::FlowServiceClient;
use proto::v1::host_service_client::HostServiceClient;
use proto::v1::network_service_client::NetworkServiceClient;
use proto::v1::port_service_client::PortServiceClient;
use proto::v1::project_service_client::ProjectServiceClient;
use proto::v1::security_group_service_client::SecurityGroupServiceClient;
use proto::v1::subnet_service_client::SubnetServiceClient;
use tokio::runtime::{Builder, Runtime};
use tonic::transport::{Channel, Endpoint};
use tonic::{Response, Status};

/// How long a call may take; far more than any should.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A connection to `weftd`.
#[derive(Debug)]
pub struct Api {
    runtime: Runtime,
    channel: Channel,
}

impl Api {
    /// Connects to `server`: `http://HOST:PORT` or `unix:/PATH`.
    ///
    /// # Errors
    ///
    /// When nobody listens there.
    pub fn connect(server: &str) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let endpoint = Endpoint::from_shared(server.to_owned())?.timeout(TIMEOUT);
        let channel = runtime.block_on(endpoint.connect())?;
        Ok(Self { runtime, channel })
    }

    /// Makes one call of any service.
    ///
    /// # Errors
    ///
    /// The status that the server answers, or why there is no answer.
    pub fn call<T, F>(&self, call: impl FnOnce(Channel) -> F) -> Result<T, Status>
    where
        F: Future<Output = Result<Response<T>, Status>>,
    {
        self.runtime.block_on(call(self.channel.clone())).map(Response::into_inner)
    }

    /// Waits for what a call of [`call`](Self::call) has begun: the messages of a stream.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// Waits until every host concerned has confirmed `revision`; the newest one when 0.
    ///
    /// # Errors
    ///
    /// `DEADLINE_EXCEEDED` when one has not after `timeout`; the message has the last answer,
    /// which names the late hosts.
    pub fn wait(&self, revision: u64, timeout: Duration) -> Result<(), Status> {
        let timeout = prost_types::Duration::try_from(timeout).ok();
        let request = pb::WaitRequest { revision, timeout };
        self.runtime.block_on(async {
            let mut client = ChangeServiceClient::new(self.channel.clone());
            let mut progress = client.wait(request).await?.into_inner();
            let mut last = None;
            loop {
                match progress.message().await {
                    Ok(Some(answer)) => last = Some(answer),
                    Ok(None) => return Ok(()),
                    Err(status) => {
                        let text = format!("{}: {last:?}", status.message());
                        return Err(Status::new(status.code(), text));
                    }
                }
            }
        })
    }
}

/// One blocking method for each method of a service.
macro_rules! methods {
    ($($client:ident { $($name:ident = $method:ident: $request:ident => $answer:ident;)+ })+) => {
        impl Api {
            $($(
                #[doc = concat!("`", stringify!($client), "::", stringify!($method), "`.")]
                ///
                /// # Errors
                ///
                /// The status that the server answers.
                pub fn $name(&self, request: pb::$request) -> Result<pb::$answer, Status> {
                    self.call(async |channel| $client::new(channel).$method(request).await)
                }
            )+)+
        }
    };
}

methods! {
    ProjectServiceClient {
        create_project = create_project: CreateProjectRequest => Project;
        get_project = get_project: GetProjectRequest => Project;
        list_projects = list_projects: ListProjectsRequest => ListProjectsResponse;
        update_project = update_project: UpdateProjectRequest => Project;
        delete_project = delete_project: DeleteProjectRequest => DeleteProjectResponse;
    }
    NetworkServiceClient {
        create_network = create_network: CreateNetworkRequest => Network;
        get_network = get_network: GetNetworkRequest => Network;
        list_networks = list_networks: ListNetworksRequest => ListNetworksResponse;
        update_network = update_network: UpdateNetworkRequest => Network;
        delete_network = delete_network: DeleteNetworkRequest => DeleteNetworkResponse;
    }
    SubnetServiceClient {
        create_subnet = create_subnet: CreateSubnetRequest => Subnet;
        get_subnet = get_subnet: GetSubnetRequest => Subnet;
        list_subnets = list_subnets: ListSubnetsRequest => ListSubnetsResponse;
        update_subnet = update_subnet: UpdateSubnetRequest => Subnet;
        delete_subnet = delete_subnet: DeleteSubnetRequest => DeleteSubnetResponse;
    }
    PortServiceClient {
        create_port = create_port: CreatePortRequest => Port;
        get_port = get_port: GetPortRequest => Port;
        list_ports = list_ports: ListPortsRequest => ListPortsResponse;
        update_port = update_port: UpdatePortRequest => Port;
        delete_port = delete_port: DeletePortRequest => DeletePortResponse;
        get_port_counters = get_port_counters: GetPortCountersRequest => PortCounters;
    }
    SecurityGroupServiceClient {
        create_security_group = create_security_group:
            CreateSecurityGroupRequest => SecurityGroup;
        get_security_group = get_security_group: GetSecurityGroupRequest => SecurityGroup;
        list_security_groups = list_security_groups:
            ListSecurityGroupsRequest => ListSecurityGroupsResponse;
        update_security_group = update_security_group:
            UpdateSecurityGroupRequest => SecurityGroup;
        delete_security_group = delete_security_group:
            DeleteSecurityGroupRequest => DeleteSecurityGroupResponse;
        add_rules = add_rules: AddRulesRequest => SecurityGroup;
        remove_rules = remove_rules: RemoveRulesRequest => SecurityGroup;
    }
    AddressGroupServiceClient {
        create_address_group = create_address_group: CreateAddressGroupRequest => AddressGroup;
        get_address_group = get_address_group: GetAddressGroupRequest => AddressGroup;
        list_address_groups = list_address_groups:
            ListAddressGroupsRequest => ListAddressGroupsResponse;
        update_address_group = update_address_group: UpdateAddressGroupRequest => AddressGroup;
        delete_address_group = delete_address_group:
            DeleteAddressGroupRequest => DeleteAddressGroupResponse;
    }
    HostServiceClient {
        create_host = create_host: CreateHostRequest => Host;
        get_host = get_host: GetHostRequest => Host;
        list_hosts = list_hosts: ListHostsRequest => ListHostsResponse;
        update_host = update_host: UpdateHostRequest => Host;
        delete_host = delete_host: DeleteHostRequest => DeleteHostResponse;
        release_host = release: ReleaseHostRequest => Host;
    }
    FlowServiceClient {
        list_flows = list: ListFlowsRequest => ListFlowsResponse;
        explain_flow = explain: ExplainFlowRequest => ExplainFlowResponse;
    }
}
