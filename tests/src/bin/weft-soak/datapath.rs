//! What Open vSwitch says of packets that it lost.

use std::collections::BTreeMap;

use anyhow::Result;
use lab::{Nic, Overflows, Ovs};
use tests::{Kind, Scene};

use crate::fault::Excuse;
use crate::phase::HOSTS;

/// What every Open vSwitch has counted so far.
#[derive(Debug)]
pub(crate) struct Datapaths(Vec<Datapath>);

#[derive(Debug)]
struct Datapath {
    /// `None` is the physical switch.
    host: Option<u16>,
    /// What the kernel has thrown away because it was not read in time: no flow concerns it. It
    /// happens when the machine is too busy to give the datapath's thread a turn for some tenths
    /// of a second.
    overflows: Overflows,
    /// What it has dropped itself, by reason; nothing while it is down.
    dropped: BTreeMap<String, u64>,
}

/// What came to be lost between two looks.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    /// Packets that were not read in time.
    pub(crate) overflowed: u64,
    /// Who may miss some of them.
    pub(crate) excuses: Vec<Excuse>,
    /// What Open vSwitch has dropped itself, and why, for whoever looks into it.
    pub(crate) dropped: Vec<String>,
}

impl Datapaths {
    pub(crate) fn look(scene: &Scene) -> Result<Self> {
        let look = |(host, ovs): (Option<u16>, &Ovs)| {
            let mut dropped = ovs.coverage().unwrap_or_default();
            dropped.retain(|reason, _| reason.contains("drop"));
            Ok(Datapath { host, overflows: ovs.overflows()?, dropped })
        };
        let hosts = HOSTS.iter().map(|&host| (Some(host), &***scene.host(host)));
        hosts.chain([(None, scene.lab.switch())]).map(look).collect::<Result<_>>().map(Self)
    }

    /// What was lost since an earlier look.
    pub(crate) fn since(&self, earlier: &Self) -> Losses {
        let mut losses = Losses::default();
        for (now, before) in self.0.iter().zip(&earlier.0) {
            let hosts = now.host.map_or(HOSTS.to_vec(), |host| vec![host]);
            for (interface, packets) in more(&now.overflows, &before.overflows) {
                losses.overflowed += packets;
                let kinds = kinds(now.host, interface);
                let excuse = |&host: &u16| Excuse { host, kinds: kinds.clone() };
                losses.excuses.extend(hosts.iter().map(excuse));
            }
            let name = now.host.map_or("physical switch".to_owned(), |host| format!("h{host}"));
            for (reason, packets) in more(&now.dropped, &before.dropped) {
                losses.dropped.push(format!("{name} dropped {packets}: {reason}"));
            }
        }
        losses
    }
}

/// By how much each count has grown. One that began anew counts from 0 again.
fn more<'a>(
    now: &'a BTreeMap<String, u64>,
    before: &'a BTreeMap<String, u64>,
) -> impl Iterator<Item = (&'a str, u64)> + 'a {
    now.iter().filter_map(|(name, &count)| {
        let earlier = before.get(name).copied().filter(|earlier| *earlier <= count);
        let grown = count - earlier.unwrap_or(0);
        (grown > 0).then_some((name.as_str(), grown))
    })
}

/// The kinds of network that an interface carries: a VM's may be in any, and the physical switch
/// has none but provider networks.
fn kinds(host: Option<u16>, interface: &str) -> Vec<Kind> {
    let provider = [Kind::Vlan(105), Kind::Flat];
    match interface {
        _ if host.is_none() || interface == Nic::Provider.interface() => provider.to_vec(),
        _ if interface == Nic::Underlay.interface() => vec![Kind::Vxlan],
        _ => [Kind::Vxlan].into_iter().chain(provider).collect(),
    }
}
