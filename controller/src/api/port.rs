//! `PortService`.

mod counters;

use std::sync::Arc;

use proto::v1 as pb;
use proto::v1::port_service_server::PortService;
use tonic::{Request, Response, Status};
use topology::intent::{
    CreatePort, Etag as _, FixedIpRequest, UpdatePort, create_port, delete_port, update_port,
};
use topology::key::{Key, Kind};
use topology::model::{
    AllowedAddressPair, HostId, Model, NetworkId, Port, PortId, ProjectId, SecurityGroupId,
    SubnetId,
};
use uuid::Uuid;

use super::Api;
use super::fields::Fields;
use super::mask::Mask;
use super::naming::{expected_etag, naming, naming_update, timestamp};
use super::resource::{Filter, HostName, OfProject, Resource, parse_id};
use crate::engine::{PortStatus, View};

/// What an update can name.
const CHANGEABLE: [&str; 10] = [
    "name",
    "description",
    "labels",
    "mac_address",
    "fixed_ips",
    "security_group_ids",
    "allowed_address_pairs",
    "port_security_enabled",
    "admin_state_up",
    "requested_host",
];
/// What must be what it is when an update names it.
const FIXED: [&str; 3] = ["id", "project_id", "network_id"];

#[tonic::async_trait]
impl PortService for Api {
    async fn create_port(
        &self,
        request: Request<pb::CreatePortRequest>,
    ) -> Result<Response<pb::Port>, Status> {
        let request = create(request.into_inner())?;
        self.write(Port::FIELD, move |context| create_port(context, request)).await
    }

    async fn get_port(
        &self,
        request: Request<pb::GetPortRequest>,
    ) -> Result<Response<pb::Port>, Status> {
        self.get::<Port>(&request.get_ref().id).await
    }

    async fn list_ports(
        &self,
        request: Request<pb::ListPortsRequest>,
    ) -> Result<Response<pb::ListPortsResponse>, Status> {
        let request = request.into_inner();
        let mut fields = Fields::of("");
        let filter = Wanted {
            of: OfProject::new(&request.project_id, request.name, &mut fields),
            network: fields.optional_uuid("network_id", &request.network_id).map(NetworkId),
            host: request.host,
            group: fields
                .optional_uuid("security_group_id", &request.security_group_id)
                .map(SecurityGroupId),
        };
        let page = (request.page_size, request.page_token);
        let list = self.list(page, filter, fields).await;
        list.map(|(ports, next_page_token)| {
            Response::new(pb::ListPortsResponse { ports, next_page_token })
        })
    }

    async fn update_port(
        &self,
        request: Request<pb::UpdatePortRequest>,
    ) -> Result<Response<pb::Port>, Status> {
        let request = update(request.into_inner())?;
        self.write(Port::FIELD, move |context| update_port(context, request)).await
    }

    async fn delete_port(
        &self,
        request: Request<pb::DeletePortRequest>,
    ) -> Result<Response<pb::DeletePortResponse>, Status> {
        let pb::DeletePortRequest { id, etag } = request.into_inner();
        let delete =
            self.delete(&id, etag, |context, id, etag| delete_port(context, PortId(id), etag));
        Ok(Response::new(pb::DeletePortResponse { revision: delete.await? }))
    }

    async fn get_port_counters(
        &self,
        request: Request<pb::GetPortCountersRequest>,
    ) -> Result<Response<pb::PortCounters>, Status> {
        let id = PortId(parse_id(&request.get_ref().id)?);
        self.port_counters(id).await.map(Response::new)
    }
}

#[derive(Hash)]
struct Wanted {
    of: OfProject,
    network: Option<NetworkId>,
    /// Name or UUID.
    host: String,
    group: Option<SecurityGroupId>,
}

impl Filter<Port> for Wanted {
    fn matches(&self, port: &Port) -> bool {
        self.of.has(port.project, &port.meta)
            && self.network.is_none_or(|network| network == port.network)
            && self.group.is_none_or(|group| port.security_groups.contains(&group))
    }

    /// Those on the host that is asked for, or else in the group, or else on the network.
    fn candidates<'a>(
        &self,
        model: &'a Model,
        first: Key,
    ) -> Box<dyn Iterator<Item = &'a Arc<Port>> + 'a> {
        let mut ports: Vec<_> = if !self.host.is_empty() {
            let host = super::host::find(model, &self.host);
            host.into_iter().flat_map(|host| model.ports_on(host)).collect()
        } else if let Some(group) = self.group {
            model.members_of(group).collect()
        } else if let Some(network) = self.network {
            model.ports_of(network).collect()
        } else {
            let all = model.from_key(Kind::Port, first);
            return Box::new(all.filter_map(|id| model.port(PortId(id.uuid()))));
        };
        ports.retain(|port| port.meta.key >= first);
        ports.sort_unstable_by_key(|port| port.meta.key);
        Box::new(ports.into_iter())
    }
}

pub(super) fn create(request: pb::CreatePortRequest) -> Result<CreatePort, Status> {
    let mut fields = Fields::of(Port::FIELD);
    let port = fields.required(request.port);
    let none = request.no_security_groups;
    if none && !port.security_group_ids.is_empty() {
        fields.wrong("security_group_ids", "with `no_security_groups`: expected none");
    }
    let request = CreatePort {
        id: PortId(fields.new_id(&port.id)),
        project: fields.optional_uuid("project_id", &port.project_id).map(ProjectId),
        network: NetworkId(fields.uuid("network_id", &port.network_id)),
        mac: fields.optional_mac("mac_address", &port.mac_address),
        fixed_ips: fixed_ips(&port.fixed_ips, &mut fields),
        allowed_address_pairs: pairs(&port.allowed_address_pairs, &mut fields),
        port_security: port.port_security_enabled,
        security_groups: (none || !port.security_group_ids.is_empty())
            .then(|| groups(&port.security_group_ids, &mut fields)),
        admin_up: port.admin_state_up,
        requested_host: port.requested_host,
        naming: naming(port.name, port.description, port.labels),
    };
    fields.finish()?;
    Ok(request)
}

pub(super) fn update(request: pb::UpdatePortRequest) -> Result<UpdatePort, Status> {
    let mut fields = Fields::of(Port::FIELD);
    let port = fields.required(request.port);
    let mask = Mask::new(request.update_mask, &CHANGEABLE, &FIXED, &mut fields);
    let request = UpdatePort {
        id: PortId(fields.uuid("id", &port.id)),
        mac: mask
            .replaces("mac_address", !port.mac_address.is_empty())
            .then(|| fields.optional_mac("mac_address", &port.mac_address)),
        fixed_ips: mask
            .replaces("fixed_ips", !port.fixed_ips.is_empty())
            .then(|| fixed_ips(&port.fixed_ips, &mut fields)),
        allowed_address_pairs: mask
            .replaces("allowed_address_pairs", !port.allowed_address_pairs.is_empty())
            .then(|| pairs(&port.allowed_address_pairs, &mut fields)),
        port_security: mask
            .replaces("port_security_enabled", port.port_security_enabled.is_some())
            .then_some(port.port_security_enabled),
        security_groups: mask
            .replaces("security_group_ids", !port.security_group_ids.is_empty())
            .then(|| groups(&port.security_group_ids, &mut fields)),
        admin_up: mask
            .replaces("admin_state_up", port.admin_state_up.is_some())
            .then_some(port.admin_state_up),
        requested_host: mask
            .replaces("requested_host", !port.requested_host.is_empty())
            .then_some(port.requested_host),
        project: mask
            .compares("project_id", !port.project_id.is_empty())
            .then(|| ProjectId(fields.uuid("project_id", &port.project_id))),
        network: mask
            .compares("network_id", !port.network_id.is_empty())
            .then(|| NetworkId(fields.uuid("network_id", &port.network_id))),
        etag: expected_etag(port.etag),
        naming: naming_update(&mask, port.name, port.description, port.labels),
    };
    fields.finish()?;
    Ok(request)
}

fn fixed_ips(fixed_ips: &[pb::port::FixedIp], fields: &mut Fields) -> Vec<FixedIpRequest> {
    let fixed_ip = |(index, fixed): (usize, &pb::port::FixedIp)| FixedIpRequest {
        subnet: fields
            .optional_uuid(format_args!("fixed_ips[{index}].subnet_id"), &fixed.subnet_id)
            .map(SubnetId),
        ip: (!fixed.ip_address.is_empty())
            .then(|| fields.ip(format_args!("fixed_ips[{index}].ip_address"), &fixed.ip_address)),
    };
    fixed_ips.iter().enumerate().map(fixed_ip).collect()
}

fn groups(ids: &[String], fields: &mut Fields) -> Vec<SecurityGroupId> {
    let group = |(index, id): (usize, &String)| {
        SecurityGroupId(fields.uuid(format_args!("security_group_ids[{index}]"), id))
    };
    ids.iter().enumerate().map(group).collect()
}

fn pairs(pairs: &[pb::port::AddressPair], fields: &mut Fields) -> Vec<AllowedAddressPair> {
    let pair = |(index, pair): (usize, &pb::port::AddressPair)| {
        let field = format!("allowed_address_pairs[{index}]");
        AllowedAddressPair {
            prefix: fields.prefix_or_address(format_args!("{field}.ip_prefix"), &pair.ip_prefix),
            mac: fields.optional_mac(format_args!("{field}.mac_address"), &pair.mac_address),
        }
    };
    pairs.iter().enumerate().map(pair).collect()
}

impl Resource for Port {
    const KIND: Kind = Kind::Port;
    type Answer = pb::Port;

    fn find(model: &Model, id: Uuid) -> Option<&Arc<Self>> {
        model.port(PortId(id))
    }

    fn key(&self) -> Key {
        self.meta.key
    }

    /// The write may have bound it, too.
    fn written(&self, view: &View<'_>) -> pb::Port {
        view.model.port(self.id).map_or(self, |now| &**now).answer(view)
    }

    fn stored(&self, host_name: HostName<'_>) -> pb::Port {
        let meta = &self.meta;
        let fixed_ips = self.fixed_ips.iter().map(|fixed| pb::port::FixedIp {
            subnet_id: fixed.subnet.to_string(),
            ip_address: fixed.ip.to_string(),
        });
        let pairs = self.allowed_address_pairs.iter().map(|pair| pb::port::AddressPair {
            ip_prefix: pair.prefix.to_string(),
            mac_address: pair.mac.map(|mac| mac.to_string()).unwrap_or_default(),
        });
        // Its host may have been forgotten since what is told here.
        let name = |host: HostId| host_name(host).unwrap_or_else(|| host.to_string());
        pb::Port {
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
            mac_address: self.mac.to_string(),
            fixed_ips: fixed_ips.collect(),
            security_group_ids: self.security_groups.iter().map(ToString::to_string).collect(),
            allowed_address_pairs: pairs.collect(),
            port_security_enabled: Some(self.port_security),
            admin_state_up: Some(self.admin_up),
            requested_host: self.requested_host.clone().unwrap_or_default(),
            bound_host: self.bound_host.map(name).unwrap_or_default(),
            ..Default::default()
        }
    }

    fn answer(&self, view: &View<'_>) -> pb::Port {
        let (status, status_reason) = view.port_status(self);
        let status = match status {
            PortStatus::Down => pb::port::Status::Down,
            PortStatus::Building => pb::port::Status::Building,
            PortStatus::Active => pb::port::Status::Active,
            PortStatus::Error => pb::port::Status::Error,
        };
        let stored = self.stored(&|id| view.model.host(id).map(|host| host.meta.name.clone()));
        pb::Port { status: status.into(), status_reason, ..stored }
    }
}
