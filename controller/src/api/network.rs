//! `NetworkService`.

use std::sync::Arc;

use proto::v1 as pb;
use proto::v1::network::Type;
use proto::v1::network_service_server::NetworkService;
use tonic::{Request, Response, Status};
use topology::intent::{
    CreateNetwork, Etag as _, NetworkType, SegmentRequest, UpdateNetwork, create_network,
    delete_network, update_network,
};
use topology::key::{Key, Kind};
use topology::model::{Model, Network, NetworkId, ProjectId, Segment};
use uuid::Uuid;

use super::Api;
use super::fields::Fields;
use super::mask::Mask;
use super::naming::{expected_etag, naming, naming_update, timestamp};
use super::resource::{Filter, HostName, OfProject, Resource};
use crate::engine::{NetworkStatus, View};

/// What an update can name.
const CHANGEABLE: [&str; 6] =
    ["name", "description", "labels", "mtu", "shared", "port_security_enabled"];
/// What must be what it is when an update names it.
const FIXED: [&str; 5] = ["id", "project_id", "type", "physical_network", "segmentation_id"];

#[tonic::async_trait]
impl NetworkService for Api {
    async fn create_network(
        &self,
        request: Request<pb::CreateNetworkRequest>,
    ) -> Result<Response<pb::Network>, Status> {
        let request = create(request.into_inner())?;
        self.write(Network::FIELD, move |context| create_network(context, request)).await
    }

    async fn get_network(
        &self,
        request: Request<pb::GetNetworkRequest>,
    ) -> Result<Response<pb::Network>, Status> {
        self.get::<Network>(&request.get_ref().id).await
    }

    async fn list_networks(
        &self,
        request: Request<pb::ListNetworksRequest>,
    ) -> Result<Response<pb::ListNetworksResponse>, Status> {
        let request = request.into_inner();
        let mut fields = Fields::of("");
        let filter = Wanted {
            of: OfProject::new(&request.project_id, request.name, &mut fields),
            network_type: network_type(request.r#type, &mut fields),
            physical_network: request.physical_network,
        };
        let page = (request.page_size, request.page_token);
        let list = self.list(page, filter, fields).await;
        list.map(|(networks, next_page_token)| {
            Response::new(pb::ListNetworksResponse { networks, next_page_token })
        })
    }

    async fn update_network(
        &self,
        request: Request<pb::UpdateNetworkRequest>,
    ) -> Result<Response<pb::Network>, Status> {
        let request = update(request.into_inner())?;
        self.write(Network::FIELD, move |context| update_network(context, request)).await
    }

    async fn delete_network(
        &self,
        request: Request<pb::DeleteNetworkRequest>,
    ) -> Result<Response<pb::DeleteNetworkResponse>, Status> {
        let pb::DeleteNetworkRequest { id, etag } = request.into_inner();
        let delete = self
            .delete(&id, etag, |context, id, etag| delete_network(context, NetworkId(id), etag));
        Ok(Response::new(pb::DeleteNetworkResponse { revision: delete.await? }))
    }
}

#[derive(Hash)]
struct Wanted {
    of: OfProject,
    network_type: Option<NetworkType>,
    physical_network: String,
}

impl Filter<Network> for Wanted {
    fn matches(&self, network: &Network) -> bool {
        let physical_network = network.segment.physical_network().unwrap_or_default();
        self.of.has(network.project, &network.meta)
            && self.network_type.is_none_or(|kind| kind == NetworkType::of(&network.segment))
            && (self.physical_network.is_empty() || self.physical_network == physical_network)
    }
}

pub(super) fn create(request: pb::CreateNetworkRequest) -> Result<CreateNetwork, Status> {
    let mut fields = Fields::of(Network::FIELD);
    let network = fields.required(request.network);
    let request = CreateNetwork {
        id: NetworkId(fields.new_id(&network.id)),
        project: ProjectId(fields.uuid("project_id", &network.project_id)),
        segment: SegmentRequest {
            network_type: network_type(network.r#type, &mut fields),
            physical_network: network.physical_network,
            segmentation_id: network.segmentation_id,
        },
        naming: naming(network.name, network.description, network.labels),
        mtu: Some(network.mtu).filter(|mtu| *mtu != 0),
        shared: network.shared,
        port_security: network.port_security_enabled,
    };
    fields.finish()?;
    Ok(request)
}

pub(super) fn update(request: pb::UpdateNetworkRequest) -> Result<UpdateNetwork, Status> {
    let mut fields = Fields::of(Network::FIELD);
    let network = fields.required(request.network);
    let mask = Mask::new(request.update_mask, &CHANGEABLE, &FIXED, &mut fields);
    let mtu = Some(network.mtu).filter(|mtu| *mtu != 0);
    let port_security = network.port_security_enabled;
    let physical_network = network.physical_network;
    let compares = |field, populated| mask.compares(field, populated);
    let request = UpdateNetwork {
        id: NetworkId(fields.uuid("id", &network.id)),
        etag: expected_etag(network.etag),
        naming: naming_update(&mask, network.name, network.description, network.labels),
        mtu: mask.replaces("mtu", mtu.is_some()).then_some(mtu),
        shared: mask.replaces("shared", network.shared).then_some(network.shared),
        port_security: mask
            .replaces("port_security_enabled", port_security.is_some())
            .then_some(port_security),
        project: compares("project_id", !network.project_id.is_empty())
            .then(|| ProjectId(fields.uuid("project_id", &network.project_id))),
        network_type: compares("type", network.r#type != 0)
            .then(|| network_type(network.r#type, &mut fields)),
        physical_network: compares("physical_network", !physical_network.is_empty())
            .then_some(physical_network),
        segmentation_id: compares("segmentation_id", network.segmentation_id != 0)
            .then_some(network.segmentation_id),
    };
    fields.finish()?;
    Ok(request)
}

fn network_type(number: i32, fields: &mut Fields) -> Option<NetworkType> {
    match Type::try_from(number) {
        Ok(Type::Unspecified) => None,
        Ok(Type::Flat) => Some(NetworkType::Flat),
        Ok(Type::Vlan) => Some(NetworkType::Vlan),
        Ok(Type::Vxlan) => Some(NetworkType::Vxlan),
        Err(_) => {
            fields.wrong("type", format_args!("{number} is no network type"));
            None
        }
    }
}

impl Resource for Network {
    const KIND: Kind = Kind::Network;
    type Answer = pb::Network;

    fn find(model: &Model, id: Uuid) -> Option<&Arc<Self>> {
        model.network(NetworkId(id))
    }

    fn key(&self) -> Key {
        self.meta.key
    }

    fn stored(&self, _: HostName<'_>) -> pb::Network {
        let meta = &self.meta;
        let (kind, segmentation_id) = match &self.segment {
            Segment::Flat { .. } => (Type::Flat, 0),
            Segment::Vlan { vlan, .. } => (Type::Vlan, (*vlan).into()),
            Segment::Vxlan { vni } => (Type::Vxlan, (*vni).into()),
        };
        pb::Network {
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
            r#type: kind.into(),
            physical_network: self.segment.physical_network().unwrap_or_default().to_owned(),
            segmentation_id,
            mtu: self.mtu.into(),
            shared: self.shared,
            port_security_enabled: Some(self.port_security),
            ..Default::default()
        }
    }

    fn answer(&self, view: &View<'_>) -> pb::Network {
        let (status, status_reason) = view.network_status(self);
        let status = match status {
            NetworkStatus::Building => pb::network::Status::Building,
            NetworkStatus::Active => pb::network::Status::Active,
            NetworkStatus::Error => pb::network::Status::Error,
        };
        pb::Network { status: status.into(), status_reason, ..self.stored(&|_| None) }
    }
}
