//! Weft, as the peers are measured.

use std::net::{Ipv4Addr, SocketAddr};
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use anyhow::Result;
use lab::{Host, Lab, Weftd, WeftdOptions, wait_until};
use proto::v1 as pb;
use proto::v1::apply_request::Change;
use proto::v1::apply_request::change::Change as Request;
use proto::v1::change_service_client::ChangeServiceClient;
use proto::v1::host::State;
use tests::Api;

use super::connected::Logs;
use super::peer::{Peer, Port, Restarted};
use super::read_backs::ReadBacks;
use crate::database::name_of;
use crate::hosts::{Controller, Hosts};
use crate::tenants::{self, Size, project_id};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long it may take until what a simulated host says has been heard.
const HEARD: Duration = Duration::from_millis(100);

/// Requests made as one, where they are many.
const BATCH: usize = 500;

/// weftd, and a simulated host that has all ports that are not on the lab's.
pub(crate) struct Weft {
    api: Api,
    weftd: Weftd,
    elsewhere: Hosts,
    /// Of the lab's hosts.
    logs: Logs,
    hosts: usize,
    /// The OpenFlow port that the next interface elsewhere has.
    next_number: u32,
    /// The group of [`Peer::make_group`].
    group: String,
}

impl Peer for Weft {
    const NAME: &'static str = "Weft";

    fn start(lab: &Lab, size: Size) -> Result<Self> {
        let weftd = lab.start_weftd(WeftdOptions::default())?;
        let api = Api::connect(&weftd.server())?;
        lab.set_managers()?;
        tenants::create(&api, size)?;
        // The threads of a job in a namespace stay in it.
        let elsewhere =
            lab.controller().enter(|| Hosts::start(size.plugged(), ReadBacks::default()))?;
        let (hosts, next_number) = (lab.hosts().len() + 1, size.spare_number());
        let (logs, group) = (Logs::of(lab.hosts()), String::new());
        let weft = Self { api, weftd, elsewhere, logs, hosts, next_number, group };
        weft.connect_elsewhere()?;
        weft.wait_ready()?;
        Ok(weft)
    }

    fn create(&mut self, ports: &[Port]) -> Result<()> {
        let request = |port: &Port| Request::CreatePort(tenants::port(port.number, port.network));
        self.apply(ports.iter().map(request).collect())
    }

    fn delete(&mut self, ports: &[Port]) -> Result<()> {
        let request = |port: &Port| {
            let id = port.id().to_string();
            Request::DeletePort(pb::DeletePortRequest { id, ..Default::default() })
        };
        self.apply(ports.iter().map(request).collect())
    }

    fn prepare_elsewhere(&mut self, ports: &[Port]) -> Result<()> {
        for port in ports {
            self.elsewhere.plug(0, port.id(), self.next_number)?;
            self.next_number += 1;
        }
        // What is plugged binds no port that is not made, so nobody says when it has been heard.
        sleep(HEARD);
        Ok(())
    }

    fn confirm(&mut self) -> Result<()> {
        Ok(self.api.wait(0, PATIENCE)?)
    }

    fn make_group(&mut self, members: &[Port], users: &[Port]) -> Result<()> {
        let project_id = project_id(0).to_string();
        let group = |name: &str, rules| {
            let security_group = pb::SecurityGroup {
                name: name.to_owned(),
                project_id: project_id.clone(),
                rules,
                ..Default::default()
            };
            let request = pb::CreateSecurityGroupRequest { security_group: Some(security_group) };
            Ok::<_, anyhow::Error>(self.api.create_security_group(request)?.id)
        };
        let of_members = group("members", Vec::new())?;
        let rule = |port: u32| pb::Rule {
            direction: pb::rule::Direction::Ingress.into(),
            ethertype: pb::rule::Ethertype::Ipv4.into(),
            protocol: "tcp".to_owned(),
            port_min: Some(port),
            port_max: Some(port),
            remote: Some(pb::rule::Remote::RemoteGroupId(of_members.clone())),
            ..Default::default()
        };
        let of_users = group("users", vec![rule(80), rule(443)])?;
        self.prepare_elsewhere(members)?;
        let member = |port: &Port| {
            let mut request = tenants::port(port.number, port.network);
            request.port.get_or_insert_default().security_group_ids = vec![of_members.clone()];
            Request::CreatePort(request)
        };
        self.apply(members.iter().map(member).collect())?;
        for user in users {
            self.set_groups(*user, |groups| groups.push(of_users.clone()))?;
        }
        self.group = of_members;
        self.confirm()
    }

    fn set_member(&mut self, spare: Port, present: bool) -> Result<()> {
        let group = self.group.clone();
        self.set_groups(spare, |groups| {
            groups.retain(|other| *other != group);
            groups.extend(present.then_some(group));
        })?;
        self.confirm()
    }

    fn restart(&mut self, host: &Host) -> Result<Restarted> {
        let (begun, killed) = (Instant::now(), SystemTime::now());
        self.weftd.kill()?;
        self.weftd.start_again()?;
        self.api = Api::connect(&self.weftd.server())?;
        // At once, and not counted: its one host has as many ports as all others of a fleet.
        self.connect_elsewhere()?;
        let is_real = |host: &pb::Host| host.name != name_of(0);
        self.wait_until_ready(self.hosts - 1, is_real)?;
        let in_sync = begun.elapsed().as_secs_f64();
        let connected = self.logs.last()?.duration_since(killed)?.as_secs_f64();
        self.wait_ready()?;
        let name = host.name().to_owned();
        let request = pb::ListHostsRequest { name, ..Default::default() };
        let sent = self.api.list_hosts(request)?.hosts.iter().map(|it| it.flow_mods_sent).sum();
        Ok(Restarted { connected: Some(connected), in_sync: Some(in_sync), flow_mods: Some(sent) })
    }

    fn prepare_switch(&self, _host: &Host) -> Result<()> {
        Ok(())
    }

    fn stop(&mut self) -> Result<()> {
        self.weftd.stop()
    }
}

impl Weft {
    fn apply(&self, requests: Vec<Request>) -> Result<()> {
        for batch in requests.chunks(BATCH) {
            let changes = batch.iter().cloned().map(|change| Change { change: Some(change) });
            let request = pb::ApplyRequest { changes: changes.collect(), ..Default::default() };
            self.api
                .call(async |channel| ChangeServiceClient::new(channel).apply(request).await)?;
        }
        Ok(())
    }

    /// Changes the groups that a port is in.
    fn set_groups(&self, port: Port, change: impl FnOnce(&mut Vec<String>)) -> Result<()> {
        let id = port.id().to_string();
        let mut port = self.api.get_port(pb::GetPortRequest { id })?;
        change(&mut port.security_group_ids);
        let paths = vec!["security_group_ids".to_owned()];
        let update_mask = Some(prost_types::FieldMask { paths });
        self.api.update_port(pb::UpdatePortRequest { port: Some(port), update_mask })?;
        Ok(())
    }

    fn connect_elsewhere(&self) -> Result<()> {
        let at = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        self.elsewhere.disconnect(0)?;
        self.elsewhere.connect(0, Controller { openflow: at(6633), ovsdb: at(6640) })
    }

    fn wait_ready(&self) -> Result<()> {
        self.wait_until_ready(self.hosts, |_| true)?;
        self.elsewhere.flows().map(drop)
    }

    /// Waits until so many of the hosts that `which` picks are ready.
    fn wait_until_ready(&self, count: usize, which: impl Fn(&pb::Host) -> bool) -> Result<()> {
        let request = pb::ListHostsRequest::default();
        let is_ready = |host: &&pb::Host| which(host) && host.state() == State::Ready;
        wait_until("hosts to be ready", PATIENCE, || {
            let hosts = self.api.list_hosts(request.clone()).map(|answer| answer.hosts);
            hosts.is_ok_and(|hosts| hosts.iter().filter(is_ready).count() == count)
        })
    }
}
