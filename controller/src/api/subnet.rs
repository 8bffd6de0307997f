//! `SubnetService`.

use std::sync::Arc;

use proto::v1 as pb;
use proto::v1::subnet_service_server::SubnetService;
use tonic::{Request, Response, Status};
use topology::intent::{
    CreateSubnet, Etag as _, Gateway, UpdateSubnet, create_subnet, delete_subnet, update_subnet,
};
use topology::key::{Key, Kind};
use topology::model::{AddressRange, HostRoute, Model, NetworkId, ProjectId, Subnet, SubnetId};
use uuid::Uuid;

use super::Api;
use super::fields::Fields;
use super::mask::Mask;
use super::naming::{expected_etag, naming, naming_update, timestamp};
use super::resource::{Filter, HostName, OfProject, Resource};

/// What an update can name.
const CHANGEABLE: [&str; 9] = [
    "name",
    "description",
    "labels",
    "gateway_ip",
    "no_gateway",
    "allocation_pools",
    "dns_nameservers",
    "host_routes",
    "dhcp_enabled",
];
/// What must be what it is when an update names it.
const FIXED: [&str; 4] = ["id", "project_id", "network_id", "cidr"];

#[tonic::async_trait]
impl SubnetService for Api {
    async fn create_subnet(
        &self,
        request: Request<pb::CreateSubnetRequest>,
    ) -> Result<Response<pb::Subnet>, Status> {
        let request = create(request.into_inner())?;
        self.write(Subnet::FIELD, move |context| create_subnet(context, request)).await
    }

    async fn get_subnet(
        &self,
        request: Request<pb::GetSubnetRequest>,
    ) -> Result<Response<pb::Subnet>, Status> {
        self.get::<Subnet>(&request.get_ref().id).await
    }

    async fn list_subnets(
        &self,
        request: Request<pb::ListSubnetsRequest>,
    ) -> Result<Response<pb::ListSubnetsResponse>, Status> {
        let request = request.into_inner();
        let mut fields = Fields::of("");
        let filter = Wanted {
            of: OfProject::new(&request.project_id, request.name, &mut fields),
            network: fields.optional_uuid("network_id", &request.network_id).map(NetworkId),
        };
        let page = (request.page_size, request.page_token);
        let list = self.list(page, filter, fields).await;
        list.map(|(subnets, next_page_token)| {
            Response::new(pb::ListSubnetsResponse { subnets, next_page_token })
        })
    }

    async fn update_subnet(
        &self,
        request: Request<pb::UpdateSubnetRequest>,
    ) -> Result<Response<pb::Subnet>, Status> {
        let request = update(request.into_inner())?;
        self.write(Subnet::FIELD, move |context| update_subnet(context, request)).await
    }

    async fn delete_subnet(
        &self,
        request: Request<pb::DeleteSubnetRequest>,
    ) -> Result<Response<pb::DeleteSubnetResponse>, Status> {
        let pb::DeleteSubnetRequest { id, etag } = request.into_inner();
        let delete =
            self.delete(&id, etag, |context, id, etag| delete_subnet(context, SubnetId(id), etag));
        Ok(Response::new(pb::DeleteSubnetResponse { revision: delete.await? }))
    }
}

#[derive(Hash)]
struct Wanted {
    of: OfProject,
    network: Option<NetworkId>,
}

impl Filter<Subnet> for Wanted {
    fn matches(&self, subnet: &Subnet) -> bool {
        self.of.has(subnet.project, &subnet.meta)
            && self.network.is_none_or(|network| network == subnet.network)
    }
}

pub(super) fn create(request: pb::CreateSubnetRequest) -> Result<CreateSubnet, Status> {
    let mut fields = Fields::of(Subnet::FIELD);
    let subnet = fields.required(request.subnet);
    let request = CreateSubnet {
        id: SubnetId(fields.new_id(&subnet.id)),
        project: fields.optional_uuid("project_id", &subnet.project_id).map(ProjectId),
        network: NetworkId(fields.uuid("network_id", &subnet.network_id)),
        cidr: fields.prefix("cidr", &subnet.cidr),
        gateway: gateway(&subnet, &mut fields),
        allocation_pools: pools(&subnet.allocation_pools, &mut fields),
        dns_nameservers: nameservers(&subnet, &mut fields),
        host_routes: routes(&subnet.host_routes, &mut fields),
        dhcp: subnet.dhcp_enabled,
        naming: naming(subnet.name, subnet.description, subnet.labels),
    };
    fields.finish()?;
    Ok(request)
}

pub(super) fn update(request: pb::UpdateSubnetRequest) -> Result<UpdateSubnet, Status> {
    let mut fields = Fields::of(Subnet::FIELD);
    let subnet = fields.required(request.subnet);
    let mask = Mask::new(request.update_mask, &CHANGEABLE, &FIXED, &mut fields);
    // One thing said by two fields.
    let replaces_gateway = mask.replaces("gateway_ip", !subnet.gateway_ip.is_empty())
        || mask.replaces("no_gateway", subnet.no_gateway);
    let request = UpdateSubnet {
        id: SubnetId(fields.uuid("id", &subnet.id)),
        gateway: replaces_gateway.then(|| gateway(&subnet, &mut fields)),
        allocation_pools: mask
            .replaces("allocation_pools", !subnet.allocation_pools.is_empty())
            .then(|| pools(&subnet.allocation_pools, &mut fields)),
        dns_nameservers: mask
            .replaces("dns_nameservers", !subnet.dns_nameservers.is_empty())
            .then(|| nameservers(&subnet, &mut fields)),
        host_routes: mask
            .replaces("host_routes", !subnet.host_routes.is_empty())
            .then(|| routes(&subnet.host_routes, &mut fields)),
        dhcp: mask
            .replaces("dhcp_enabled", subnet.dhcp_enabled.is_some())
            .then_some(subnet.dhcp_enabled),
        project: mask
            .compares("project_id", !subnet.project_id.is_empty())
            .then(|| ProjectId(fields.uuid("project_id", &subnet.project_id))),
        network: mask
            .compares("network_id", !subnet.network_id.is_empty())
            .then(|| NetworkId(fields.uuid("network_id", &subnet.network_id))),
        cidr: mask
            .compares("cidr", !subnet.cidr.is_empty())
            .then(|| fields.prefix("cidr", &subnet.cidr)),
        etag: expected_etag(subnet.etag),
        naming: naming_update(&mask, subnet.name, subnet.description, subnet.labels),
    };
    fields.finish()?;
    Ok(request)
}

fn gateway(subnet: &pb::Subnet, fields: &mut Fields) -> Gateway {
    match (subnet.gateway_ip.as_str(), subnet.no_gateway) {
        ("", false) => Gateway::First,
        ("", true) => Gateway::Absent,
        (ip, false) => Gateway::At(fields.ip("gateway_ip", ip)),
        (ip, true) => {
            fields.wrong("no_gateway", format_args!("contradicts gateway_ip {ip:?}"));
            Gateway::Absent
        }
    }
}

fn pools(pools: &[pb::subnet::AllocationPool], fields: &mut Fields) -> Vec<AddressRange> {
    let pool = |(index, pool): (usize, &pb::subnet::AllocationPool)| AddressRange {
        start: fields.ip(format_args!("allocation_pools[{index}].start"), &pool.start),
        end: fields.ip(format_args!("allocation_pools[{index}].end"), &pool.end),
    };
    pools.iter().enumerate().map(pool).collect()
}

fn nameservers(subnet: &pb::Subnet, fields: &mut Fields) -> Vec<std::net::IpAddr> {
    let servers = subnet.dns_nameservers.iter().enumerate();
    servers
        .map(|(index, server)| fields.ip(format_args!("dns_nameservers[{index}]"), server))
        .collect()
}

fn routes(routes: &[pb::subnet::HostRoute], fields: &mut Fields) -> Vec<HostRoute> {
    let route = |(index, route): (usize, &pb::subnet::HostRoute)| HostRoute {
        destination: fields
            .prefix(format_args!("host_routes[{index}].destination"), &route.destination),
        nexthop: fields.ip(format_args!("host_routes[{index}].nexthop"), &route.nexthop),
    };
    routes.iter().enumerate().map(route).collect()
}

impl Resource for Subnet {
    const KIND: Kind = Kind::Subnet;
    type Answer = pb::Subnet;

    fn find(model: &Model, id: Uuid) -> Option<&Arc<Self>> {
        model.subnet(SubnetId(id))
    }

    fn key(&self) -> Key {
        self.meta.key
    }

    fn stored(&self, _: HostName<'_>) -> pb::Subnet {
        let meta = &self.meta;
        let pools = self.allocation_pools.iter().map(|pool| pb::subnet::AllocationPool {
            start: pool.start.to_string(),
            end: pool.end.to_string(),
        });
        let routes = self.host_routes.iter().map(|route| pb::subnet::HostRoute {
            destination: route.destination.to_string(),
            nexthop: route.nexthop.to_string(),
        });
        pb::Subnet {
            id: self.id.to_string(),
            key: meta.key.get(),
            name: meta.name.clone(),
            description: meta.description.clone(),
            labels: meta.labels.clone(),
            create_time: Some(timestamp(meta.created)),
            update_time: Some(timestamp(meta.updated)),
            etag: self.etag(),
            revision: meta.revision,
            project_id: self.project.to_string(),
            network_id: self.network.to_string(),
            cidr: self.cidr.to_string(),
            gateway_ip: self.gateway.map(|gateway| gateway.to_string()).unwrap_or_default(),
            no_gateway: self.gateway.is_none(),
            allocation_pools: pools.collect(),
            dns_nameservers: self.dns_nameservers.iter().map(ToString::to_string).collect(),
            host_routes: routes.collect(),
            dhcp_enabled: Some(self.dhcp),
        }
    }
}
