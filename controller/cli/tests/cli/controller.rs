//! A controller that notes what it is asked and answers from fixed resources.

use std::sync::{Arc, Mutex, MutexGuard};

use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DynamicMessage};
use proto::v1 as pb;
use tokio::net::UnixListener;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::transport::Server;
use tonic::{Request, Response, Status};

/// What the controller has, and what it was asked.
#[derive(Clone)]
pub(crate) struct Controller {
    pub(crate) projects: Vec<pb::Project>,
    pub(crate) networks: Vec<pb::Network>,
    pub(crate) subnets: Vec<pb::Subnet>,
    pub(crate) ports: Vec<pb::Port>,
    pub(crate) security_groups: Vec<pb::SecurityGroup>,
    pub(crate) address_groups: Vec<pb::AddressGroup>,
    pub(crate) hosts: Vec<pb::Host>,
    pub(crate) flows: Vec<pb::Flow>,
    /// Responses of `ChangeService.Wait`, before the stream ends.
    pub(crate) progress: Vec<pb::WaitResponse>,
    /// Responses of `ChangeService.Watch`, before the stream ends.
    pub(crate) changes: Vec<pb::WatchResponse>,
    /// What every write is refused with.
    pub(crate) refusal: Option<Status>,
    /// Writes that succeed before they are refused.
    pub(crate) granted: usize,
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

/// How a run of `weft` ended.
pub(crate) struct Run {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: Option<i32>,
    /// The requests, as `Method fields`, one to a line; only reads by name or id
    /// that resolve references are left out.
    pub(crate) asked: Vec<String>,
}

/// The UUID of object `n` of a fixture.
pub(crate) fn id(n: u32) -> String {
    format!("00000000-0000-4000-8000-{n:012}")
}

/// What the group `web` allows.
fn web_rules() -> Vec<pb::Rule> {
    use pb::rule::{Direction, Ethertype, Remote};

    let rule = |n, direction: Direction, protocol: &str| pb::Rule {
        id: id(n),
        direction: direction.into(),
        ethertype: Ethertype::Ipv4.into(),
        protocol: protocol.to_owned(),
        ..Default::default()
    };
    let ports =
        |rule, first, last| pb::Rule { port_min: Some(first), port_max: Some(last), ..rule };
    let with = |rule, remote| pb::Rule { remote: Some(remote), ..rule };
    let web = ports(rule(20, Direction::Ingress, "tcp"), 80, 443);
    let db = ports(rule(21, Direction::Egress, "tcp"), 5432, 5432);
    let ping = pb::Rule { icmp_type: Some(128), ..rule(22, Direction::Ingress, "icmpv6") };
    let ping = pb::Rule { ethertype: Ethertype::Ipv6.into(), icmp_code: Some(0), ..ping };
    vec![
        with(web, Remote::RemoteIpPrefix("0.0.0.0/0".to_owned())),
        with(db, Remote::RemoteGroupId(id(11))),
        pb::Rule { log: true, description: "pings".to_owned(), ..ping },
        with(rule(23, Direction::Egress, "47"), Remote::RemoteAddressGroupId(id(14))),
        rule(24, Direction::Egress, ""),
    ]
}

impl Controller {
    /// A project, networks of which two share a name, subnets, ports, security groups, an
    /// address group and a host.
    pub(crate) fn new() -> Self {
        let network = |n, name: &str| pb::Network {
            id: id(n),
            name: name.to_owned(),
            project_id: id(1),
            etag: format!("etag-{n}"),
            labels: [("tier".to_owned(), "front".to_owned())].into(),
            ..Default::default()
        };
        let subnet = |n, network, name: &str| pb::Subnet {
            id: id(n),
            name: name.to_owned(),
            network_id: id(network),
            ..Default::default()
        };
        let port = |n, name: &str, status: pb::port::Status| pb::Port {
            id: id(n),
            name: name.to_owned(),
            network_id: id(2),
            project_id: id(1),
            status: status.into(),
            ..Default::default()
        };
        let group = |n, project, name: &str, rules| pb::SecurityGroup {
            id: id(n),
            name: name.to_owned(),
            project_id: id(project),
            stateful: Some(true),
            rules,
            ..Default::default()
        };
        Self {
            projects: vec![pb::Project {
                id: id(1),
                name: "acme".to_owned(),
                ..Default::default()
            }],
            networks: vec![network(2, "web"), network(3, "twin"), network(4, "twin")],
            subnets: vec![subnet(5, 2, "v4"), subnet(6, 3, "v4"), subnet(7, 2, "v6")],
            ports: vec![
                port(8, "web-1", pb::port::Status::Active),
                port(9, "web-2", pb::port::Status::Building),
            ],
            security_groups: vec![
                group(11, 1, "default", vec![]),
                group(12, 90, "default", vec![]),
                group(13, 1, "web", web_rules()),
            ],
            address_groups: vec![pb::AddressGroup {
                id: id(14),
                name: "offices".to_owned(),
                project_id: id(1),
                etag: "etag-14".to_owned(),
                prefixes: vec!["10.0.0.0/8".to_owned(), "192.0.2.1/32".to_owned()],
                ..Default::default()
            }],
            // A host that dialed in is named after its system id.
            hosts: vec![pb::Host { id: id(10), name: id(99), ..Default::default() }],
            flows: Vec::new(),
            progress: Vec::new(),
            changes: Vec::new(),
            refusal: None,
            granted: 0,
            asked: Arc::default(),
        }
    }

    /// Runs `weft` with these arguments, to the end.
    pub(crate) async fn run(self, arguments: &[&str]) -> Run {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("weft.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let asked = self.asked.clone();
        let server = Server::builder()
            .add_service(pb::project_service_server::ProjectServiceServer::new(self.clone()))
            .add_service(pb::network_service_server::NetworkServiceServer::new(self.clone()))
            .add_service(pb::subnet_service_server::SubnetServiceServer::new(self.clone()))
            .add_service(pb::port_service_server::PortServiceServer::new(self.clone()))
            .add_service(pb::security_group_service_server::SecurityGroupServiceServer::new(
                self.clone(),
            ))
            .add_service(pb::address_group_service_server::AddressGroupServiceServer::new(
                self.clone(),
            ))
            .add_service(pb::host_service_server::HostServiceServer::new(self.clone()))
            .add_service(pb::flow_service_server::FlowServiceServer::new(self.clone()))
            .add_service(pb::change_service_server::ChangeServiceServer::new(self))
            .serve_with_incoming(UnixListenerStream::new(listener));
        let server = tokio::spawn(server);
        let output = weft()
            .args(["--server", &format!("unix:{}", socket.display())])
            .args(arguments)
            .output()
            .await
            .unwrap();
        server.abort();
        Run {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code(),
            asked: std::mem::take(&mut *asked.lock().unwrap()),
        }
    }

    fn log(&self) -> MutexGuard<'_, Vec<String>> {
        self.asked.lock().unwrap()
    }

    /// Notes a request; a write may be refused.
    fn note<M: Message + Name>(&self, method: &str, request: &M) {
        let text = text(request);
        self.log().push(if text.is_empty() {
            method.to_owned()
        } else {
            format!("{method} {text}")
        });
    }

    fn write<M: Message + Name>(&self, method: &str, request: &M) -> Result<(), Status> {
        self.note(method, request);
        let writes = self.log().iter().filter(|line| !line.starts_with("List")).count();
        match &self.refusal {
            Some(refusal) if writes > self.granted => Err(refusal.clone()),
            _ => Ok(()),
        }
    }
}

/// The program, with nothing of the caller's settings.
pub(crate) fn weft() -> tokio::process::Command {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_weft"));
    command.env_remove("WEFT_SERVER").env_remove("WEFT_PROJECT");
    command
}

/// The fields that are set, in protobuf's text format. Entries of maps come in any
/// order: no request here has two.
fn text<M: Message + Name>(message: &M) -> String {
    let pool = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    let mut dynamic = DynamicMessage::new(pool.get_message_by_name(&M::full_name()).unwrap());
    dynamic.transcode_from(message).unwrap();
    dynamic.to_string()
}

/// Two at a time, so that every listing of three or more has pages.
fn page<T: Clone>(matching: Vec<&T>, token: &str) -> (Vec<T>, String) {
    let start: usize = token.parse().unwrap_or(0);
    let page = matching.iter().skip(start).take(2).map(|&resource| resource.clone()).collect();
    let next = if start + 2 < matching.len() { (start + 2).to_string() } else { String::new() };
    (page, next)
}

macro_rules! service {
    (
        $module:ident::$service:ident, $resource:ident as $field:ident in $fields:ident;
        $create:ident $create_request:ident,
        $get:ident $get_request:ident,
        $list:ident $list_request:ident $list_response:ident where $matches:expr,
        $update:ident $update_request:ident,
        $delete:ident $delete_request:ident $delete_response:ident
        $(; $($more:item)+)?
    ) => {
        #[tonic::async_trait]
        impl pb::$module::$service for Controller {
            async fn $create(
                &self,
                request: Request<pb::$create_request>,
            ) -> Result<Response<pb::$resource>, Status> {
                let request = request.into_inner();
                self.write(stringify!($create_request), &request)?;
                let made = request.$field.unwrap();
                Ok(Response::new(pb::$resource { id: id(100), revision: 7, ..made }))
            }

            async fn $get(
                &self,
                request: Request<pb::$get_request>,
            ) -> Result<Response<pb::$resource>, Status> {
                let id = request.into_inner().id;
                let found = self.$fields.iter().find(|resource| resource.id == id);
                let missing = || Status::not_found(format!("no {} {id}", stringify!($field)));
                Ok(Response::new(found.ok_or_else(missing)?.clone()))
            }

            async fn $list(
                &self,
                request: Request<pb::$list_request>,
            ) -> Result<Response<pb::$list_response>, Status> {
                let request = request.into_inner();
                if request.name.is_empty() {
                    self.note(stringify!($list_request), &request);
                }
                let matches: fn(&pb::$resource, &pb::$list_request) -> bool = $matches;
                let matching = self
                    .$fields
                    .iter()
                    .filter(|resource| request.name.is_empty() || resource.name == request.name)
                    .filter(|resource| matches(resource, &request))
                    .collect();
                let ($fields, next_page_token) = page(matching, &request.page_token);
                Ok(Response::new(pb::$list_response { $fields, next_page_token }))
            }

            async fn $update(
                &self,
                request: Request<pb::$update_request>,
            ) -> Result<Response<pb::$resource>, Status> {
                let request = request.into_inner();
                self.write(stringify!($update_request), &request)?;
                Ok(Response::new(request.$field.unwrap()))
            }

            async fn $delete(
                &self,
                request: Request<pb::$delete_request>,
            ) -> Result<Response<pb::$delete_response>, Status> {
                self.write(stringify!($delete_request), &request.into_inner())?;
                Ok(Response::new(pb::$delete_response { revision: 8 }))
            }

            $($($more)+)?
        }
    };
}

service! {
    project_service_server::ProjectService, Project as project in projects;
    create_project CreateProjectRequest,
    get_project GetProjectRequest,
    list_projects ListProjectsRequest ListProjectsResponse where |_, _| true,
    update_project UpdateProjectRequest,
    delete_project DeleteProjectRequest DeleteProjectResponse
}

service! {
    network_service_server::NetworkService, Network as network in networks;
    create_network CreateNetworkRequest,
    get_network GetNetworkRequest,
    list_networks ListNetworksRequest ListNetworksResponse where |_, _| true,
    update_network UpdateNetworkRequest,
    delete_network DeleteNetworkRequest DeleteNetworkResponse
}

service! {
    subnet_service_server::SubnetService, Subnet as subnet in subnets;
    create_subnet CreateSubnetRequest,
    get_subnet GetSubnetRequest,
    list_subnets ListSubnetsRequest ListSubnetsResponse where |subnet, request| {
        request.network_id.is_empty() || subnet.network_id == request.network_id
    },
    update_subnet UpdateSubnetRequest,
    delete_subnet DeleteSubnetRequest DeleteSubnetResponse
}

service! {
    port_service_server::PortService, Port as port in ports;
    create_port CreatePortRequest,
    get_port GetPortRequest,
    list_ports ListPortsRequest ListPortsResponse where |_, _| true,
    update_port UpdatePortRequest,
    delete_port DeletePortRequest DeletePortResponse;
    async fn get_port_counters(
        &self,
        request: Request<pb::GetPortCountersRequest>,
    ) -> Result<Response<pb::PortCounters>, Status> {
        let port_id = request.into_inner().id;
        let drop = |reason: &str, packets| pb::port_counters::Drop {
            reason: reason.to_owned(),
            table: "guard".to_owned(),
            explanation: "source address that is not the port's".to_owned(),
            packets,
            bytes: packets * 60,
        };
        let drops = vec![drop("DhcpServer", 0), drop("Spoofed", 3)];
        Ok(Response::new(pb::PortCounters { port_id, host: "h1".to_owned(), drops, opened: 12, accepted: 7 }))
    }
}

service! {
    security_group_service_server::SecurityGroupService,
    SecurityGroup as security_group in security_groups;
    create_security_group CreateSecurityGroupRequest,
    get_security_group GetSecurityGroupRequest,
    list_security_groups ListSecurityGroupsRequest ListSecurityGroupsResponse
        where |group, request| {
            request.project_id.is_empty() || group.project_id == request.project_id
        },
    update_security_group UpdateSecurityGroupRequest,
    delete_security_group DeleteSecurityGroupRequest DeleteSecurityGroupResponse;
    async fn add_rules(
        &self,
        request: Request<pb::AddRulesRequest>,
    ) -> Result<Response<pb::SecurityGroup>, Status> {
        let pb::AddRulesRequest { security_group_id, rules, .. } = request.get_ref().clone();
        self.write("AddRulesRequest", request.get_ref())?;
        Ok(Response::new(pb::SecurityGroup { id: security_group_id, rules, ..Default::default() }))
    }
    async fn remove_rules(
        &self,
        request: Request<pb::RemoveRulesRequest>,
    ) -> Result<Response<pb::SecurityGroup>, Status> {
        let request = request.into_inner();
        self.write("RemoveRulesRequest", &request)?;
        let id = request.security_group_id;
        Ok(Response::new(pb::SecurityGroup { id, ..Default::default() }))
    }
}

service! {
    address_group_service_server::AddressGroupService, AddressGroup as address_group in address_groups;
    create_address_group CreateAddressGroupRequest,
    get_address_group GetAddressGroupRequest,
    list_address_groups ListAddressGroupsRequest ListAddressGroupsResponse where |_, _| true,
    update_address_group UpdateAddressGroupRequest,
    delete_address_group DeleteAddressGroupRequest DeleteAddressGroupResponse
}

service! {
    host_service_server::HostService, Host as host in hosts;
    create_host CreateHostRequest,
    get_host GetHostRequest,
    list_hosts ListHostsRequest ListHostsResponse where |_, _| true,
    update_host UpdateHostRequest,
    delete_host DeleteHostRequest DeleteHostResponse;
    async fn release(
        &self,
        request: Request<pb::ReleaseHostRequest>,
    ) -> Result<Response<pb::Host>, Status> {
        let request = request.into_inner();
        self.write("ReleaseHostRequest", &request)?;
        Ok(Response::new(pb::Host { id: request.id, ..Default::default() }))
    }
}

#[tonic::async_trait]
impl pb::flow_service_server::FlowService for Controller {
    async fn list(
        &self,
        request: Request<pb::ListFlowsRequest>,
    ) -> Result<Response<pb::ListFlowsResponse>, Status> {
        let request = request.into_inner();
        self.note("ListFlowsRequest", &request);
        let (flows, next_page_token) = page(self.flows.iter().collect(), &request.page_token);
        Ok(Response::new(pb::ListFlowsResponse { flows, next_page_token, revision: 7 }))
    }

    async fn explain(
        &self,
        request: Request<pb::ExplainFlowRequest>,
    ) -> Result<Response<pb::ExplainFlowResponse>, Status> {
        self.note("ExplainFlowRequest", &request.into_inner());
        Ok(Response::new(pb::ExplainFlowResponse {
            kind: "host".to_owned(),
            explanation: "Drops what no port owns.".to_owned(),
            ..Default::default()
        }))
    }
}

type Responses<T> = tokio_stream::Iter<std::vec::IntoIter<Result<T, Status>>>;

#[tonic::async_trait]
impl pb::change_service_server::ChangeService for Controller {
    type WaitStream = Responses<pb::WaitResponse>;
    type WatchStream = Responses<pb::WatchResponse>;

    async fn apply(
        &self,
        request: Request<pb::ApplyRequest>,
    ) -> Result<Response<pb::ApplyResponse>, Status> {
        let request = request.into_inner();
        self.write("ApplyRequest", &request)?;
        let made = pb::Network { id: id(100), name: "blue".to_owned(), ..Default::default() };
        let made = pb::resource::Resource::Network(made);
        let plan = pb::apply_response::HostPlan {
            name: "rack-1".to_owned(),
            flows_added: 12,
            ..Default::default()
        };
        Ok(Response::new(pb::ApplyResponse {
            revision: 7,
            resources: vec![pb::Resource { resource: Some(made) }, pb::Resource::default()],
            plan: if request.validate_only { vec![plan] } else { vec![] },
        }))
    }

    async fn watch(
        &self,
        request: Request<pb::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        self.note("WatchRequest", &request.into_inner());
        let mut changes: Vec<_> = self.changes.iter().cloned().map(Ok).collect();
        changes.push(Err(Status::out_of_range("revision 7 is not kept any more")));
        Ok(Response::new(tokio_stream::iter(changes)))
    }

    async fn wait(
        &self,
        request: Request<pb::WaitRequest>,
    ) -> Result<Response<Self::WaitStream>, Status> {
        self.note("WaitRequest", &request.into_inner());
        let mut progress: Vec<_> = self.progress.iter().cloned().map(Ok).collect();
        if !self.progress.last().is_some_and(|last| last.done) {
            progress.push(Err(Status::deadline_exceeded("not all hosts have confirmed")));
        }
        Ok(Response::new(tokio_stream::iter(progress)))
    }
}
