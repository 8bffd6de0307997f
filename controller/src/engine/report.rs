use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use openflow::PortNo;
use topology::facts::HostFacts;
use topology::intent::{Context, Plan};
use topology::key::Kind;
use topology::model::{Change, Host, HostId, Meta, Model, PortId, Resource};
use tracing::warn;
use uuid::Uuid;

/// What a host's OVSDB says, as far as the engine needs it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HostReport {
    /// `external_ids:system-id`.
    pub system_id: String,
    /// `external_ids:hostname`.
    pub hostname: Option<String>,
    /// `ovs_version`.
    pub ovs_version: String,
    /// `external_ids:weft-encap-ip`.
    pub tunnel_ip: Option<IpAddr>,
    /// `external_ids:weft-bridge-mappings`.
    pub bridge_mappings: BTreeMap<String, String>,
    /// The datapath id of `br-int`, once there is one.
    pub datapath_id: Option<u64>,
    /// The OpenFlow port of the VXLAN interface.
    pub vxlan_port: Option<PortNo>,
    /// Physical network → OpenFlow port of the patch to its bridge.
    pub uplinks: BTreeMap<String, PortNo>,
    /// Interfaces on `br-int` with an `iface-id`; `None` while they have no OpenFlow port.
    pub interfaces: BTreeMap<PortId, Option<PortNo>>,
}

/// The interface of one port on a host's `br-int`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Interface {
    /// There is none any more.
    Gone,
    /// There is one, with this OpenFlow port once it has one.
    Here(Option<PortNo>),
}

/// A report that a host's later ones can be told as differences from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Reported {
    /// The host.
    pub host: HostId,
    /// The report: of a host there are never two with one number.
    pub number: u64,
}

impl HostReport {
    /// What has become of interfaces since `before`, if nothing else has changed.
    pub fn interfaces_since(&self, before: &Self) -> Option<Vec<(PortId, Interface)>> {
        let Self {
            system_id,
            hostname,
            ovs_version,
            tunnel_ip,
            bridge_mappings,
            datapath_id,
            vxlan_port,
            uplinks,
            interfaces,
        } = self;
        let rest_is_same = *system_id == before.system_id
            && *hostname == before.hostname
            && *ovs_version == before.ovs_version
            && *tunnel_ip == before.tunnel_ip
            && *bridge_mappings == before.bridge_mappings
            && *datapath_id == before.datapath_id
            && *vxlan_port == before.vxlan_port
            && *uplinks == before.uplinks;
        if !rest_is_same {
            return None;
        }
        let gone = before.interfaces.keys().filter(|port| !interfaces.contains_key(port));
        let gone = gone.map(|port| (*port, Interface::Gone));
        let here = interfaces.iter().filter(|(port, no)| before.interfaces.get(port) != Some(no));
        let here = here.map(|(port, number)| (*port, Interface::Here(*number)));
        Some(gone.chain(here).collect())
    }

    /// What only the host's own flows depend on.
    pub(crate) fn facts(&self) -> HostFacts {
        HostFacts {
            vxlan_port: self.vxlan_port,
            uplinks: self.uplinks.clone(),
            ports: self.interfaces.iter().filter_map(|(&id, &no)| Some((id, no?))).collect(),
        }
    }

    /// The host that reports: the one with its system id, else the one that was added with the
    /// address `target` where it listens.
    pub(crate) fn host(&self, model: &Model, target: Option<&str>) -> Option<Arc<Host>> {
        let added = || {
            let mut hosts = model.hosts().values();
            hosts.find(|host| host.system_id.is_none() && host.ovsdb_target.as_deref() == target)
        };
        model
            .host_by_system_id(&self.system_id)
            .or_else(|| added().filter(|_| target.is_some()))
            .cloned()
    }

    /// The change by which the model says what the host reports, if it does not yet.
    pub(crate) fn plan(&self, context: &Context<'_>, target: Option<&str>) -> Option<Plan<HostId>> {
        let model = context.model;
        let known = self.host(model, target);
        let mut changes = Vec::new();
        let mut host = match &known {
            Some(host) => Host::clone(host),
            None => {
                let key = model.free_key(Kind::Host)?;
                changes.push(Change::NextKey(Kind::Host, key.next()));
                self.new_host(context, key)
            }
        };
        host.system_id = Some(self.system_id.clone());
        host.tunnel_ip = self.tunnel_ip.filter(|ip| self.is_own_address(model, *ip));
        host.bridge_mappings = self.bridge_mappings.clone();
        host.datapath_id = self.datapath_id;
        host.ovs_version.clone_from(&self.ovs_version);
        let id = host.id;
        if known.as_deref() != Some(&host) {
            host.meta.revision = context.revision;
            changes.push(Change::Put(Resource::Host(Arc::new(host))));
        }
        Some(Plan { changes, answer: id })
    }

    fn new_host(&self, context: &Context<'_>, key: topology::key::Key) -> Host {
        let wanted = self.hostname.as_ref().unwrap_or(&self.system_id);
        let taken = context.model.host_by_name(wanted).is_some();
        Host {
            id: host_id(context.model, &self.system_id),
            meta: Meta {
                key,
                name: if taken { self.system_id.clone() } else { wanted.clone() },
                description: String::new(),
                labels: BTreeMap::new(),
                created: context.now,
                updated: context.now,
                revision: context.revision,
            },
            system_id: None,
            tunnel_ip: None,
            bridge_mappings: BTreeMap::new(),
            datapath_id: None,
            ovs_version: String::new(),
            ovsdb_target: None,
        }
    }

    /// False when another host has this tunnel address: two cannot have one.
    fn is_own_address(&self, model: &Model, ip: IpAddr) -> bool {
        let mut hosts = model.hosts().values();
        let other = hosts.find(|host| {
            host.tunnel_ip == Some(ip) && host.system_id.as_ref() != Some(&self.system_id)
        });
        if let Some(other) = other {
            warn!(system_id = self.system_id, %ip, other = other.meta.name, "tunnel address is another host's");
        }
        other.is_none()
    }
}

/// A new host's id: its system id where that is a UUID that no other host has, else derived from
/// it, so that a host which is forgotten and comes back is the same host.
fn host_id(model: &Model, system_id: &str) -> HostId {
    let namespace = Uuid::from_u128(0x0f1e_77a5_4c0b_4a86_9a3e_5d7b_3c21_e6f4);
    let own = Uuid::parse_str(system_id).ok().map(HostId);
    own.filter(|id| model.host(*id).is_none())
        .unwrap_or_else(|| HostId(Uuid::new_v5(&namespace, system_id.as_bytes())))
}
