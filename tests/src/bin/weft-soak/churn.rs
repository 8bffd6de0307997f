//! What tenants do all day.

use std::collections::BTreeSet;

use anyhow::Result;
use proto::v1 as pb;
use tests::{Allow, Guest, Kind, Scene};

use crate::dice::Dice;

/// The most there is of each sort at a time.
const MANY: usize = 6;

/// What was made and not taken back.
#[derive(Debug)]
pub(crate) struct Churn {
    network: pb::Network,
    group: pb::SecurityGroup,
    rules: Vec<String>,
    ports: Vec<String>,
    networks: Vec<String>,
    guests: Vec<Guest>,
    pub(crate) changes: u64,
}

impl Churn {
    pub(crate) fn start(scene: &Scene) -> Result<Self> {
        let network = scene.network(Kind::Vxlan)?;
        scene.subnet(&network, "10.201.0.0/16")?;
        Ok(Self {
            network,
            group: scene.group("churn", [Allow::egress(), Allow::ingress().tcp(443)])?,
            rules: Vec::new(),
            ports: Vec::new(),
            networks: Vec::new(),
            guests: Vec::new(),
            changes: 0,
        })
    }

    /// A change that concerns no VM: nobody's packets.
    pub(crate) fn change(&mut self, scene: &Scene, dice: &mut Dice) -> Result<()> {
        self.changes += 1;
        match dice.below(6) {
            // Rules of the group that probes are judged by, too.
            0 | 1 if self.rules.len() < MANY => {
                let port = 1024 + u16::try_from(dice.below(60_000)).unwrap_or(0);
                let allow = Allow::ingress().udp(port).peer("192.0.2.0/24");
                let request = pb::AddRulesRequest {
                    security_group_id: scene.default_group()?.id,
                    rules: vec![allow.rule()],
                    etag: String::new(),
                };
                let known: BTreeSet<_> =
                    scene.default_group()?.rules.into_iter().map(|rule| rule.id).collect();
                let group = scene.api.add_rules(request)?;
                let new = group.rules.into_iter().map(|rule| rule.id);
                self.rules.extend(new.filter(|id| !known.contains(id)));
            }
            0 | 1 => {
                let id = self.rules.remove(dice.below(self.rules.len()));
                self.remove_rule(scene, id)?;
            }
            2 | 3 if self.ports.len() < MANY => {
                let security_group_ids = vec![self.group.id.clone()];
                let port = pb::Port { security_group_ids, ..Default::default() };
                self.ports.push(scene.create_port(&self.network, port)?.id);
            }
            2 | 3 => scene.delete_port(&self.ports.remove(dice.below(self.ports.len())))?,
            _ if self.networks.len() < MANY => {
                let network = scene.network(Kind::Vxlan)?;
                self.networks.push(network.id);
            }
            _ => {
                let id = self.networks.remove(dice.below(self.networks.len()));
                scene.api.delete_network(pb::DeleteNetworkRequest { id, etag: String::new() })?;
            }
        }
        Ok(())
    }

    /// A VM comes, moves or goes, on hosts of these; answers on which.
    pub(crate) fn plug(
        &mut self,
        scene: &Scene,
        dice: &mut Dice,
        hosts: &[u16],
    ) -> Result<Vec<u16>> {
        self.changes += 1;
        let host = dice.pick(hosts);
        let movable = self.guests.iter().position(|guest| {
            hosts.contains(&guest.host().number()) && guest.host().number() != host
        });
        match (dice.below(3), movable) {
            (0, Some(index)) => {
                let from = self.guests[index].host().number();
                self.guests[index].move_to(scene.host(host))?;
                Ok(vec![from, host])
            }
            (1, Some(index)) => {
                let guest = self.guests.remove(index);
                let (from, id) = (guest.host().number(), guest.port.id.clone());
                guest.unplug()?;
                scene.delete_port(&id)?;
                Ok(vec![from])
            }
            _ if self.guests.len() < MANY => {
                self.guests.push(scene.guest(&self.network, host)?);
                Ok(vec![host])
            }
            _ => Ok(vec![]),
        }
    }

    /// Takes everything back.
    pub(crate) fn clear(&mut self, scene: &Scene) -> Result<()> {
        for guest in self.guests.drain(..) {
            let id = guest.port.id.clone();
            guest.unplug()?;
            scene.delete_port(&id)?;
        }
        self.ports.drain(..).try_for_each(|port| scene.delete_port(&port))?;
        while let Some(rule) = self.rules.pop() {
            self.remove_rule(scene, rule)?;
        }
        let networks = self.networks.drain(..).chain([self.network.id.clone()]);
        for id in networks {
            for subnet in scene
                .api
                .list_subnets(pb::ListSubnetsRequest {
                    network_id: id.clone(),
                    ..Default::default()
                })?
                .subnets
            {
                let request = pb::DeleteSubnetRequest { id: subnet.id, etag: String::new() };
                scene.api.delete_subnet(request)?;
            }
            scene.api.delete_network(pb::DeleteNetworkRequest { id, etag: String::new() })?;
        }
        let id = self.group.id.clone();
        let request = pb::DeleteSecurityGroupRequest { id, etag: String::new() };
        scene.api.delete_security_group(request)?;
        Ok(())
    }

    fn remove_rule(&self, scene: &Scene, id: String) -> Result<()> {
        let request = pb::RemoveRulesRequest {
            security_group_id: scene.default_group()?.id,
            rule_ids: vec![id],
            etag: String::new(),
        };
        scene.api.remove_rules(request)?;
        Ok(())
    }
}
