//! The services of resources.

use proto::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Controller, id, page};

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
