use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use openflow::PortNo;
use thiserror::Error;
use topology::facts::HostFacts;
use topology::intent::{Context, Plan};
use topology::key::Kind;
use topology::model::{Change, Host, HostId, Meta, Model, PortId, Resource};
use uuid::Uuid;

use super::dispute::Dispute;

/// Why a host is not taken.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum NotTaken {
    /// There are as many hosts as there may be.
    #[error("{known} hosts are known already, and no more are taken (--max-hosts)")]
    TooMany {
        /// How many there are.
        known: usize,
    },
    /// Every key has been used.
    #[error("no key is left for a new host")]
    NoKey,
}

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
    /// `external_ids:weft-management-ips`.
    pub management_ips: BTreeSet<IpAddr>,
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
            management_ips,
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
            && *management_ips == before.management_ips
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
    ///
    /// # Errors
    ///
    /// When it is a new host, and none is taken.
    pub(crate) fn plan(
        &self,
        context: &Context<'_>,
        target: Option<&str>,
    ) -> Result<Plan<HostId>, NotTaken> {
        let model = context.model;
        let known = self.host(model, target);
        let mut changes = Vec::new();
        let mut host = match &known {
            Some(host) => Host::clone(host),
            None => {
                let known = model.hosts().len();
                if known >= context.settings.max_hosts {
                    return Err(NotTaken::TooMany { known });
                }
                let key = model.free_key(Kind::Host).ok_or(NotTaken::NoKey)?;
                changes.push(Change::NextKey(Kind::Host, key.next()));
                self.new_host(context, key)
            }
        };
        host.system_id = Some(self.system_id.clone());
        host.tunnel_ip = self.tunnel_ip.filter(|_| self.tunnel_ip_of_another(model).is_none());
        host.bridge_mappings = self.bridge_mappings.clone();
        host.datapath_id = self.datapath_id;
        host.ovs_version.clone_from(&self.ovs_version);
        let id = host.id;
        if known.as_deref() != Some(&host) {
            host.meta.revision = context.revision;
            changes.push(Change::Put(Resource::Host(Arc::new(host))));
        }
        Ok(Plan { changes, answer: id })
    }

    fn new_host(&self, context: &Context<'_>, key: topology::key::Key) -> Host {
        let id = host_id(context.model, &self.system_id);
        let meta = Meta {
            created: context.now,
            updated: context.now,
            revision: context.revision,
            ..Meta::new(key, self.free_name(context.model, id))
        };
        Host::new(id, meta)
    }

    /// The host's own name, when no other host has it; else something else that it says of itself.
    fn free_name(&self, model: &Model, id: HostId) -> String {
        let said = self.hostname.iter().chain([&self.system_id]).cloned();
        // Others may be named like an id, by a host that wants confusion; some number is free.
        let numbered = (0..).map(|number| match number {
            0 => id.to_string(),
            _ => format!("{id}-{number}"),
        });
        let mut names = said.chain(numbered);
        names.find(|name| model.host_by_name(name).is_none()).expect("numbers do not end")
    }

    /// Which other host has this tunnel address: two cannot have one.
    pub(crate) fn tunnel_ip_of_another(&self, model: &Model) -> Option<Dispute> {
        let ip = self.tunnel_ip?;
        let mut hosts = model.hosts().values();
        let holder = hosts.find(|host| {
            host.tunnel_ip == Some(ip) && host.system_id.as_ref() != Some(&self.system_id)
        })?;
        Some(Dispute::TunnelIp { ip, holder: holder.meta.name.clone() })
    }
}

/// A new host's id: its system id where that is a UUID that no other host has, else derived from
/// it, so that a host which is forgotten and comes back is the same host.
fn host_id(model: &Model, system_id: &str) -> HostId {
    let namespace = Uuid::from_u128(0x0f1e_77a5_4c0b_4a86_9a3e_5d7b_3c21_e6f4);
    let own = Uuid::parse_str(system_id).ok();
    let derived = Uuid::new_v5(&namespace, system_id.as_bytes());
    // Another may have chosen what is derived from this one's as its own.
    let others = (1..).map(|number: u32| Uuid::new_v5(&derived, &number.to_be_bytes()));
    let mut ids = own.into_iter().chain([derived]).chain(others).map(HostId);
    ids.find(|id| model.host(*id).is_none()).expect("there are more ids than hosts")
}
