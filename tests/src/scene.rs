//! A lab whose hosts a controller is in charge of.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lab::{Host, Lab, Weftd, WeftdOptions, wait_for, wait_until};
use proto::v1 as pb;
use proto::v1::host::State;
use proto::v1::port::Status;
use topology::cookie::{BlockKind, Cookie};
use topology::pipeline::Detail;

use crate::api::Api;
use crate::installed::{Installed, installed};
use crate::segment::{Guest, Kind, Segment};

/// How long the controller may take to bring a host, a port or a change to where it should be.
pub const READY: Duration = Duration::from_secs(30);

/// A lab with a controller, and a project in which a test makes its networks.
#[derive(Debug)]
pub struct Scene {
    /// The API.
    pub api: Api,
    /// The controller.
    pub weftd: Weftd,
    /// The hosts. Last, because it must outlive the controller.
    pub lab: Lab,
    project: String,
}

impl Scene {
    /// Starts a lab of `hosts` hosts and hands all of them over to a controller; they are ready.
    ///
    /// # Errors
    ///
    /// When a part does not start or a host is not ready in time.
    pub fn start(hosts: u16) -> Result<Self> {
        let scene = Self::with_options(hosts, WeftdOptions::default())?;
        scene.lab.set_managers()?;
        scene.wait_ready()?;
        Ok(scene)
    }

    /// Starts a lab and a controller with `options`, but hands no host over.
    ///
    /// # Errors
    ///
    /// When a part does not start.
    pub fn with_options(hosts: u16, options: WeftdOptions) -> Result<Self> {
        let lab = Lab::builder().hosts(hosts).start()?;
        let weftd = lab.start_weftd(options)?;
        let api = Api::connect(&weftd.server())?;
        let project = pb::Project { name: "tests".to_owned(), ..Default::default() };
        let project = api.create_project(pb::CreateProjectRequest { project: Some(project) })?.id;
        Ok(Self { api, weftd, lab, project })
    }

    /// The project that the test's networks are in.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// A host of the lab, counted from 1.
    #[track_caller]
    pub fn host(&self, number: u16) -> &Arc<Host> {
        self.lab.host(number)
    }

    /// The controller's record of a host.
    ///
    /// # Errors
    ///
    /// When it has none.
    pub fn record(&self, number: u16) -> Result<pb::Host> {
        let system_id = self.host(number).system_id().to_string();
        let request = pb::ListHostsRequest { system_id, ..Default::default() };
        let mut hosts = self.api.list_hosts(request)?.hosts;
        ensure!(hosts.len() == 1, "records of host {number}: {hosts:?}");
        Ok(hosts.remove(0))
    }

    /// Waits until every host is ready.
    ///
    /// # Errors
    ///
    /// When one is not in time.
    pub fn wait_ready(&self) -> Result<()> {
        self.lab.hosts().iter().try_for_each(|host| self.wait_host(host.number(), State::Ready))
    }

    /// Waits until a host is in `state`.
    ///
    /// # Errors
    ///
    /// When it is not in time; the error has the controller's record of it.
    pub fn wait_host(&self, number: u16, state: State) -> Result<()> {
        let what = format!("host {number} to be {}", state.as_str_name());
        let reached = || self.record(number).is_ok_and(|host| host.state() == state);
        wait_until(&what, READY, reached).with_context(|| format!("{:?}", self.record(number)))
    }

    /// Waits until every connected host has confirmed everything that was written so far.
    ///
    /// # Errors
    ///
    /// When one has not in time.
    pub fn settle(&self) -> Result<()> {
        Ok(self.api.wait(0, READY)?)
    }

    /// Connects to the controller anew, after its restart.
    ///
    /// # Errors
    ///
    /// When it does not answer.
    pub fn reconnect(&mut self) -> Result<()> {
        self.api = Api::connect(&self.weftd.server())?;
        Ok(())
    }

    /// Makes a network, without subnets.
    ///
    /// # Errors
    ///
    /// When the controller refuses it.
    pub fn network(&self, kind: Kind) -> Result<pb::Network> {
        let network = kind.request(&self.project);
        Ok(self.api.create_network(pb::CreateNetworkRequest { network: Some(network) })?)
    }

    /// Makes a subnet of a network.
    ///
    /// # Errors
    ///
    /// When the controller refuses it.
    pub fn subnet(&self, network: &pb::Network, cidr: &str) -> Result<pb::Subnet> {
        let (network_id, cidr) = (network.id.clone(), cidr.to_owned());
        let subnet = pb::Subnet { network_id, cidr, ..Default::default() };
        Ok(self.api.create_subnet(pb::CreateSubnetRequest { subnet: Some(subnet) })?)
    }

    /// Makes a network of `kind` with the subnets 10.`number`.0.0/24 and fd00:`number`::/64, and
    /// on each of `hosts`, counted from 1, a VM that is plugged in, configured and ACTIVE.
    ///
    /// # Errors
    ///
    /// When a part of it fails, or a port is not active in time.
    pub fn segment(&self, kind: Kind, number: u8, hosts: &[u16]) -> Result<Segment> {
        let network = self.network(kind)?;
        self.subnet(&network, &format!("10.{number}.0.0/24"))?;
        self.subnet(&network, &format!("fd00:{number}::/64"))?;
        let guests = hosts.iter().map(|&host| self.guest(&network, host));
        let segment = Segment { guests: guests.collect::<Result<_>>()?, network };
        self.wait_active(&segment.guests)?;
        Ok(segment)
    }

    /// Makes a port of a network as the controller chooses it, and a VM on a host with it.
    ///
    /// # Errors
    ///
    /// When the controller refuses the port, or the VM cannot be made.
    pub fn guest(&self, network: &pb::Network, host: u16) -> Result<Guest> {
        self.guest_with(network, host, pb::Port::default())
    }

    /// Makes a port of a network, as far as `port` says, and a VM on a host with it.
    ///
    /// # Errors
    ///
    /// When the controller refuses the port, or the VM cannot be made.
    pub fn guest_with(&self, network: &pb::Network, host: u16, port: pb::Port) -> Result<Guest> {
        let port = self.create_port(network, port)?;
        Guest::plug(self.host(host), port, network)
    }

    /// Makes a port of a network, as far as `port` says.
    ///
    /// # Errors
    ///
    /// When the controller refuses it.
    pub fn create_port(&self, network: &pb::Network, port: pb::Port) -> Result<pb::Port> {
        let port = pb::Port { network_id: network.id.clone(), ..port };
        Ok(self
            .api
            .create_port(pb::CreatePortRequest { port: Some(port), ..Default::default() })?)
    }

    /// The port as it is now.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub fn port(&self, id: &str) -> Result<pb::Port> {
        Ok(self.api.get_port(pb::GetPortRequest { id: id.to_owned() })?)
    }

    /// Changes the fields of a port that `mask` names.
    ///
    /// # Errors
    ///
    /// When the controller refuses it.
    pub fn update_port(&self, id: &str, mask: &[&str], port: pb::Port) -> Result<pb::Port> {
        let port = Some(pb::Port { id: id.to_owned(), ..port });
        let paths = mask.iter().map(|&path| path.to_owned()).collect();
        let update_mask = Some(prost_types::FieldMask { paths });
        Ok(self.api.update_port(pb::UpdatePortRequest { port, update_mask })?)
    }

    /// Deletes a port.
    ///
    /// # Errors
    ///
    /// When the controller refuses it.
    pub fn delete_port(&self, id: &str) -> Result<()> {
        let request = pb::DeletePortRequest { id: id.to_owned(), etag: String::new() };
        Ok(self.api.delete_port(request).map(drop)?)
    }

    /// Waits until the ports of all these guests are ACTIVE.
    ///
    /// # Errors
    ///
    /// When one is not in time; the error says why.
    pub fn wait_active<'a>(&self, guests: impl IntoIterator<Item = &'a Guest>) -> Result<()> {
        let mut guests = guests.into_iter();
        guests.try_for_each(|guest| self.wait_status(&guest.port.id, Status::Active).map(drop))
    }

    /// Waits until a port has `status`, and returns it.
    ///
    /// # Errors
    ///
    /// When it has not in time; the error says what it has.
    pub fn wait_status(&self, id: &str, status: Status) -> Result<pb::Port> {
        self.wait_port(id, |port| port.status() == status)
            .with_context(|| format!("to be {}", status.as_str_name()))
    }

    /// Waits until a port is as `wanted` says, and returns it.
    ///
    /// # Errors
    ///
    /// When it is not in time; the error says how it is.
    pub fn wait_port(&self, id: &str, wanted: impl Fn(&pb::Port) -> bool) -> Result<pb::Port> {
        let port = || self.port(id).ok().filter(|port| wanted(port));
        wait_for("the port", READY, port).with_context(|| match self.port(id) {
            Ok(port) => format!(
                "port {id} is {} on {:?}: {}",
                port.status().as_str_name(),
                port.bound_host,
                port.status_reason
            ),
            Err(error) => format!("port {id}: {error}"),
        })
    }

    /// The flows of a host's br-int.
    ///
    /// # Errors
    ///
    /// When ovs-vswitchd does not answer.
    pub fn flows(&self, number: u16) -> Result<Vec<Installed>> {
        installed(self.host(number))
    }

    /// Packets that a host has dropped for a reason of its own.
    ///
    /// # Panics
    ///
    /// When ovs-vswitchd does not answer, or no flow drops anything for that reason.
    #[track_caller]
    pub fn dropped(&self, number: u16, reason: Detail) -> u64 {
        let flows = self.flows(number).expect("ovs-vswitchd answers");
        let is = |cookie: Cookie| {
            cookie.kind() == Some(BlockKind::HostBase) && cookie.detail() == Some(reason)
        };
        let flows: Vec<_> = flows.iter().filter(|flow| is(Cookie(flow.cookie))).collect();
        assert!(!flows.is_empty(), "host {number} has no flow of {reason:?}");
        assert!(flows.iter().all(|flow| flow.rule.ends_with("actions=drop")), "{flows:?}");
        flows.iter().map(|flow| flow.packets).sum()
    }

    /// The flows of every host that `wanted` picks, for a test that says there must be none.
    ///
    /// # Errors
    ///
    /// When an ovs-vswitchd does not answer.
    pub fn flows_anywhere(&self, wanted: impl Fn(&Installed) -> bool) -> Result<Vec<String>> {
        let mut found = Vec::new();
        for host in self.lab.hosts() {
            let flows = installed(host)?.into_iter().filter(&wanted);
            found.extend(flows.map(|flow| format!("{}: {flow}", host.name())));
        }
        Ok(found)
    }

    /// Flow-mods sent to each host since the controller started.
    ///
    /// # Errors
    ///
    /// When a host has no record.
    pub fn flow_mods_sent(&self) -> Result<BTreeMap<u16, u64>> {
        let hosts = self.lab.hosts().iter().map(|host| host.number());
        hosts.map(|number| Ok((number, self.record(number)?.flow_mods_sent))).collect()
    }
}
