//! `PortService`.

mod counters;

use std::sync::Arc;

use proto::v1 as pb;
use proto::v1::port_service_server::PortService;
use tonic::{Request, Response, Status};
use topology::intent::{
    CreatePort, Etag as _, FixedIpRequest, UpdatePort, create_port, delete_port, update_port,
};
use topology::key::Kind;
use topology::model::{
    AllowedAddressPair, HostId, Model, NetworkId, Port, PortId, ProjectId, ResourceId, SubnetId,
};

use super::fields::Fields;
use super::mask::Mask;
use super::naming::{expected_etag, naming, naming_update, timestamp};
use super::page::{Page, RESOURCES};
use super::{Api, status};
use crate::engine::{PortStatus, View};

const RESOURCE: &str = "port";
/// What an update can name.
const CHANGEABLE: [&str; 9] = [
    "name",
    "description",
    "labels",
    "mac_address",
    "fixed_ips",
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
        let committed = self.engine.write(move |context| create_port(context, request)).await;
        self.as_it_is(committed.map_err(status::refused(RESOURCE))?.answer).await
    }

    async fn get_port(
        &self,
        request: Request<pb::GetPortRequest>,
    ) -> Result<Response<pb::Port>, Status> {
        let mut fields = Fields::of("");
        let id = PortId(fields.uuid("id", &request.get_ref().id));
        fields.finish()?;
        let found =
            self.engine.read(move |view| view.model.port(id).map(|port| answer(view, port))).await;
        let port =
            found.map_err(status::stopped)?.ok_or_else(|| status::unknown(ResourceId::Port(id)))?;
        Ok(Response::new(port))
    }

    async fn list_ports(
        &self,
        request: Request<pb::ListPortsRequest>,
    ) -> Result<Response<pb::ListPortsResponse>, Status> {
        let request = request.into_inner();
        let mut fields = Fields::of("");
        let filter = Filter {
            project: fields.optional_uuid("project_id", &request.project_id).map(ProjectId),
            name: request.name,
            network: fields.optional_uuid("network_id", &request.network_id).map(NetworkId),
            host: request.host,
        };
        let hashed = (RESOURCE, &filter);
        let page =
            Page::new(RESOURCES, request.page_size, &request.page_token, hashed, &mut fields);
        fields.finish()?;
        let list = self.engine.read(move |view| {
            let ports = filter.ports(view.model, &page);
            page.cut(ports.map(|port| (port.meta.key.get().into(), answer(view, port))))
        });
        let (ports, next_page_token) = list.await.map_err(status::stopped)?;
        Ok(Response::new(pb::ListPortsResponse { ports, next_page_token }))
    }

    async fn update_port(
        &self,
        request: Request<pb::UpdatePortRequest>,
    ) -> Result<Response<pb::Port>, Status> {
        let request = update(request.into_inner())?;
        let committed = self.engine.write(move |context| update_port(context, request)).await;
        self.as_it_is(committed.map_err(status::refused(RESOURCE))?.answer).await
    }

    async fn delete_port(
        &self,
        request: Request<pb::DeletePortRequest>,
    ) -> Result<Response<pb::DeletePortResponse>, Status> {
        let pb::DeletePortRequest { id, etag } = request.into_inner();
        let mut fields = Fields::of("");
        let id = PortId(fields.uuid("id", &id));
        fields.finish()?;
        let etag = expected_etag(etag);
        let delete = self.engine.write(move |context| delete_port(context, id, etag.as_deref()));
        let committed = delete.await.map_err(status::refused(""))?;
        Ok(Response::new(pb::DeletePortResponse { revision: committed.revision }))
    }

    async fn get_port_counters(
        &self,
        request: Request<pb::GetPortCountersRequest>,
    ) -> Result<Response<pb::PortCounters>, Status> {
        let mut fields = Fields::of("");
        let id = PortId(fields.uuid("id", &request.get_ref().id));
        fields.finish()?;
        self.port_counters(id).await.map(Response::new)
    }
}

impl Api {
    /// A port that was just written: the write may have bound it, too.
    async fn as_it_is(&self, port: Arc<Port>) -> Result<Response<pb::Port>, Status> {
        let read = self.engine.read(move |view| {
            let now = view.model.port(port.id).unwrap_or(&port);
            answer(view, now)
        });
        Ok(Response::new(read.await.map_err(status::stopped)?))
    }
}

#[derive(Hash)]
struct Filter {
    project: Option<ProjectId>,
    name: String,
    network: Option<NetworkId>,
    /// Name or UUID.
    host: String,
}

impl Filter {
    /// The ports of the page and after it that match, by the shortest way to them.
    fn ports<'a>(
        &'a self,
        model: &'a Model,
        page: &Page,
    ) -> Box<dyn Iterator<Item = &'a Arc<Port>> + 'a> {
        let first = page.first_key();
        let sorted = |ports: Vec<&'a Arc<Port>>| {
            let mut ports = ports;
            ports.retain(|port| port.meta.key >= first);
            ports.sort_unstable_by_key(|port| port.meta.key);
            ports.into_iter()
        };
        let host = super::host::find(model, &self.host);
        let matching = move |port: &&Arc<Port>| self.matches(port, host);
        match (host, self.network) {
            (None, _) if !self.host.is_empty() => Box::new(std::iter::empty()),
            (Some(host), _) => Box::new(sorted(model.ports_on(host).collect()).filter(matching)),
            (None, Some(network)) => {
                Box::new(sorted(model.ports_of(network).collect()).filter(matching))
            }
            (None, None) => {
                let ids = model.from_key(Kind::Port, first);
                Box::new(ids.filter_map(|id| model.port(PortId(id.uuid()))).filter(matching))
            }
        }
    }

    fn matches(&self, port: &Port, host: Option<HostId>) -> bool {
        self.project.is_none_or(|project| project == port.project)
            && (self.name.is_empty() || self.name == port.meta.name)
            && self.network.is_none_or(|network| network == port.network)
            && host.is_none_or(|host| port.bound_host == Some(host))
    }
}

fn create(request: pb::CreatePortRequest) -> Result<CreatePort, Status> {
    let mut fields = Fields::of(RESOURCE);
    let port = fields.required(request.port);
    let request = CreatePort {
        id: PortId(fields.new_id(&port.id)),
        project: fields.optional_uuid("project_id", &port.project_id).map(ProjectId),
        network: NetworkId(fields.uuid("network_id", &port.network_id)),
        mac: fields.optional_mac("mac_address", &port.mac_address),
        fixed_ips: fixed_ips(&port.fixed_ips, &mut fields),
        allowed_address_pairs: pairs(&port.allowed_address_pairs, &mut fields),
        port_security: port.port_security_enabled,
        security_groups: vec![],
        admin_up: port.admin_state_up,
        requested_host: port.requested_host,
        naming: naming(port.name, port.description, port.labels),
    };
    fields.finish()?;
    Ok(request)
}

fn update(request: pb::UpdatePortRequest) -> Result<UpdatePort, Status> {
    let mut fields = Fields::of(RESOURCE);
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
        security_groups: None,
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

fn answer(view: &View<'_>, port: &Port) -> pb::Port {
    let meta = &port.meta;
    let (status, status_reason) = view.port_status(port);
    let status = match status {
        PortStatus::Down => pb::port::Status::Down,
        PortStatus::Building => pb::port::Status::Building,
        PortStatus::Active => pb::port::Status::Active,
        PortStatus::Error => pb::port::Status::Error,
    };
    let fixed_ips = port.fixed_ips.iter().map(|fixed| pb::port::FixedIp {
        subnet_id: fixed.subnet.to_string(),
        ip_address: fixed.ip.to_string(),
    });
    let pairs = port.allowed_address_pairs.iter().map(|pair| pb::port::AddressPair {
        ip_prefix: pair.prefix.to_string(),
        mac_address: pair.mac.map(|mac| mac.to_string()).unwrap_or_default(),
    });
    let host = port.bound_host.and_then(|host| view.model.host(host));
    pb::Port {
        id: port.id.to_string(),
        key: meta.key.get(),
        name: meta.name.clone(),
        description: meta.description.clone(),
        labels: meta.labels.clone(),
        create_time: Some(timestamp(meta.created)),
        update_time: Some(timestamp(meta.updated)),
        etag: port.etag(),
        revision: meta.revision,
        project_id: port.project.to_string(),
        network_id: port.network.to_string(),
        mac_address: port.mac.to_string(),
        fixed_ips: fixed_ips.collect(),
        allowed_address_pairs: pairs.collect(),
        port_security_enabled: Some(port.port_security),
        admin_state_up: Some(port.admin_up),
        requested_host: port.requested_host.clone().unwrap_or_default(),
        bound_host: host.map(|host| host.meta.name.clone()).unwrap_or_default(),
        status: status.into(),
        status_reason,
    }
}
