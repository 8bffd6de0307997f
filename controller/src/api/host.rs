//! `HostService`.

mod conflict;
mod drift;

use std::sync::Arc;

use proto::v1 as pb;
use proto::v1::host::State;
use proto::v1::host_service_server::HostService;
use tonic::{Request, Response, Status};
use topology::intent::{
    CreateHost, Etag as _, Rejection, UpdateHost, create_host, delete_host, parse_ovsdb_target,
    update_host,
};
use topology::key::{Key, Kind};
use topology::model::{Host, HostId, Model};
use uuid::Uuid;

use super::fields::Fields;
use super::mask::Mask;
use super::naming::{expected_etag, naming, naming_update, timestamp};
use super::resource::{Filter, HostName, Resource, parse_id};
use super::{Api, status};
use crate::engine::{HostState, View};

/// What an update can name.
const CHANGEABLE: [&str; 4] = ["name", "description", "labels", "ovsdb_target"];

#[tonic::async_trait]
impl HostService for Api {
    async fn create_host(
        &self,
        request: Request<pb::CreateHostRequest>,
    ) -> Result<Response<pb::Host>, Status> {
        let request = create(request.into_inner())?;
        self.write(Host::FIELD, move |context| create_host(context, request)).await
    }

    async fn get_host(
        &self,
        request: Request<pb::GetHostRequest>,
    ) -> Result<Response<pb::Host>, Status> {
        self.get::<Host>(&request.get_ref().id).await
    }

    async fn list_hosts(
        &self,
        request: Request<pb::ListHostsRequest>,
    ) -> Result<Response<pb::ListHostsResponse>, Status> {
        let pb::ListHostsRequest { page_size, page_token, name, system_id } = request.into_inner();
        let page = (page_size, page_token);
        let list = self.list(page, Wanted { name, system_id }, Fields::of("")).await;
        list.map(|(hosts, next_page_token)| {
            Response::new(pb::ListHostsResponse { hosts, next_page_token })
        })
    }

    async fn update_host(
        &self,
        request: Request<pb::UpdateHostRequest>,
    ) -> Result<Response<pb::Host>, Status> {
        let request = update(request.into_inner())?;
        self.write(Host::FIELD, move |context| update_host(context, request)).await
    }

    async fn delete_host(
        &self,
        request: Request<pb::DeleteHostRequest>,
    ) -> Result<Response<pb::DeleteHostResponse>, Status> {
        let pb::DeleteHostRequest { id, etag } = request.into_inner();
        may_be_deleted(self, HostId(parse_id(&id)?)).await?;
        let delete =
            self.delete(&id, etag, |context, id, etag| delete_host(context, HostId(id), etag));
        Ok(Response::new(pb::DeleteHostResponse { revision: delete.await? }))
    }

    async fn release(
        &self,
        request: Request<pb::ReleaseHostRequest>,
    ) -> Result<Response<pb::Host>, Status> {
        let id = &request.get_ref().id;
        let host = self.get::<Host>(id).await?.into_inner();
        if !self.engine.release(HostId(parse_id(id)?)).await.map_err(status::stopped)? {
            return Err(status::rejected("", nothing_held(&host)));
        }
        self.get::<Host>(id).await
    }
}

pub(super) fn create(request: pb::CreateHostRequest) -> Result<CreateHost, Status> {
    let mut fields = Fields::of(Host::FIELD);
    let host = fields.required(request.host);
    let request = CreateHost {
        id: HostId(fields.new_id(&host.id)),
        ovsdb_target: target(&host.ovsdb_target, &mut fields),
        naming: naming(host.name, host.description, host.labels),
    };
    fields.finish()?;
    Ok(request)
}

pub(super) fn update(request: pb::UpdateHostRequest) -> Result<UpdateHost, Status> {
    let pb::UpdateHostRequest { host, update_mask } = request;
    let mut fields = Fields::of(Host::FIELD);
    let host = fields.required(host);
    let mask = Mask::new(update_mask, &CHANGEABLE, &["id"], &mut fields);
    let request = UpdateHost {
        id: HostId(fields.uuid("id", &host.id)),
        etag: expected_etag(host.etag),
        ovsdb_target: mask
            .replaces("ovsdb_target", !host.ovsdb_target.is_empty())
            .then(|| target(&host.ovsdb_target, &mut fields)),
        naming: naming_update(&mask, host.name, host.description, host.labels),
    };
    fields.finish()?;
    Ok(request)
}

/// Which hosts are listed.
#[derive(Hash)]
struct Wanted {
    name: String,
    system_id: String,
}

impl Filter<Host> for Wanted {
    fn matches(&self, host: &Host) -> bool {
        (self.name.is_empty() || self.name == host.meta.name)
            && (self.system_id.is_empty() || host.system_id.as_ref() == Some(&self.system_id))
    }
}

/// The host with this name or UUID.
pub(super) fn find(model: &Model, name_or_id: &str) -> Option<HostId> {
    let by_id = || model.host(HostId(name_or_id.parse().ok()?));
    model.host_by_name(name_or_id).or_else(by_id).map(|host| host.id)
}

/// The name of a state in the API.
pub(super) fn state(state: HostState) -> State {
    match state {
        HostState::Offline => State::Offline,
        HostState::Syncing => State::Syncing,
        HostState::Ready => State::Ready,
    }
}

/// Refuses to delete a host that would come back.
pub(super) async fn may_be_deleted(api: &Api, id: HostId) -> Result<(), Status> {
    let returns = api.engine.read(move |view| would_return(view, id));
    match returns.await.map_err(status::stopped)? {
        Some(obstacle) => Err(status::rejected("", obstacle)),
        None => Ok(()),
    }
}

/// Why it is no use to delete a host that dials in itself and is there: it would come back at
/// once.
fn would_return(view: &View<'_>, id: HostId) -> Option<Rejection> {
    let host = view.model.host(id)?;
    let is_there = view.host_status(id).state != HostState::Offline;
    (is_there && host.ovsdb_target.is_none()).then(|| Rejection::FailedPrecondition {
        obstacles: vec![topology::intent::Obstacle {
            kind: "CONNECTED",
            subject: format!("host/{id}"),
            description: format!(
                "host {} is connected and would come back at once: remove its manager first \
                 (ovs-vsctl del-manager)",
                host.meta.name
            ),
        }],
    })
}

fn nothing_held(host: &pb::Host) -> Rejection {
    Rejection::FailedPrecondition {
        obstacles: vec![topology::intent::Obstacle {
            kind: "NOT_HELD",
            subject: format!("host/{}", host.id),
            description: format!("no flows are held on host {}", host.name),
        }],
    }
}

fn target(text: &str, fields: &mut Fields) -> Option<std::net::SocketAddr> {
    if text.is_empty() {
        return None;
    }
    match parse_ovsdb_target(text) {
        Ok(address) => Some(address),
        Err(error) => {
            fields.wrong("ovsdb_target", error);
            None
        }
    }
}

impl Resource for Host {
    const KIND: Kind = Kind::Host;
    type Answer = pb::Host;

    fn find(model: &Model, id: Uuid) -> Option<&Arc<Self>> {
        model.host(HostId(id))
    }

    fn key(&self) -> Key {
        self.meta.key
    }

    fn stored(&self, _: HostName<'_>) -> pb::Host {
        let meta = &self.meta;
        pb::Host {
            id: self.id.to_string(),
            key: meta.key.get(),
            name: meta.name.clone(),
            description: meta.description.clone(),
            labels: meta.labels.clone(),
            create_time: Some(timestamp(meta.created)),
            update_time: Some(timestamp(meta.updated)),
            etag: self.etag(),
            revision: meta.revision,
            system_id: self.system_id.clone().unwrap_or_default(),
            tunnel_ip: self.tunnel_ip.map(|ip| ip.to_string()).unwrap_or_default(),
            bridge_mappings: self.bridge_mappings.clone(),
            datapath_id: self.datapath_id.map(|id| format!("{id:016x}")).unwrap_or_default(),
            ovs_version: self.ovs_version.clone(),
            ovsdb_target: self.ovsdb_target.clone().unwrap_or_default(),
            ..Default::default()
        }
    }

    fn answer(&self, view: &View<'_>) -> pb::Host {
        let status = view.host_status(self.id);
        pb::Host {
            state: state(status.state).into(),
            desired_revision: status.desired_revision,
            realized_revision: status.realized_revision,
            last_seen_time: status.last_seen.map(timestamp),
            drift: Some(drift::answer(&status)),
            flow_mods_sent: status.flow_mods_sent,
            flows: status.flows,
            refused_flows: drift::refused(&status.refused),
            refused_flow_count: status.refused.count,
            hold: status.hold.map(drift::hold),
            conflicts: view.disputes(self).iter().map(conflict::answer).collect(),
            connected_time: status.connected.map(timestamp),
            ..self.stored(&|_| None)
        }
    }
}
