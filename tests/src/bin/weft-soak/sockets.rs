//! Packets that Open vSwitch never saw.

use anyhow::Result;
use lab::{Nic, Overflows};
use tests::{Kind, Scene};

use crate::fault::Excuse;
use crate::phase::HOSTS;

/// What the kernel has thrown away so far because Open vSwitch did not read it in time: no flow
/// concerns it. It happens when the machine is too busy to give its thread a turn for some tenths
/// of a second.
#[derive(Debug)]
pub(crate) struct Sockets {
    /// Of each host.
    hosts: Vec<(u16, Overflows)>,
    /// Of the physical switch.
    switch: Overflows,
}

/// What came to be lost that way.
#[derive(Debug)]
pub(crate) struct Overflowed {
    /// Packets.
    pub(crate) packets: u64,
    /// Who may miss some.
    pub(crate) excuses: Vec<Excuse>,
}

impl Sockets {
    pub(crate) fn look(scene: &Scene) -> Result<Self> {
        let host = |&number: &u16| Ok((number, scene.host(number).overflows()?));
        let hosts = HOSTS.iter().map(host).collect::<Result<_>>()?;
        Ok(Self { hosts, switch: scene.lab.switch_overflows()? })
    }

    /// What was lost since an earlier look.
    pub(crate) fn since(&self, earlier: &Self) -> Overflowed {
        let mut overflowed = Overflowed { packets: 0, excuses: Vec::new() };
        for ((host, now), (_, before)) in self.hosts.iter().zip(&earlier.hosts) {
            for (interface, packets) in more(now, before) {
                overflowed.add(packets, *host, kinds(interface));
            }
        }
        for (_, packets) in more(&self.switch, &earlier.switch) {
            overflowed.add(packets, HOSTS[0], kinds(Nic::Provider.interface()));
            let others = HOSTS[1..].iter();
            others.for_each(|host| overflowed.add(0, *host, kinds(Nic::Provider.interface())));
        }
        overflowed
    }
}

impl Overflowed {
    fn add(&mut self, packets: u64, host: u16, kinds: Vec<Kind>) {
        self.packets += packets;
        self.excuses.push(Excuse { host, kinds });
    }
}

/// By how much each interface's count has grown. One that was opened anew counts from 0 again.
fn more<'a>(
    now: &'a Overflows,
    before: &'a Overflows,
) -> impl Iterator<Item = (&'a str, u64)> + 'a {
    now.iter().filter_map(|(interface, &count)| {
        let earlier = before.get(interface).copied().filter(|earlier| *earlier <= count);
        let grown = count - earlier.unwrap_or(0);
        (grown > 0).then_some((interface.as_str(), grown))
    })
}

/// The kinds of network that an interface carries: a VM's may be in any.
fn kinds(interface: &str) -> Vec<Kind> {
    let provider = [Kind::Vlan(105), Kind::Flat];
    match interface {
        _ if interface == Nic::Underlay.interface() => vec![Kind::Vxlan],
        _ if interface == Nic::Provider.interface() => provider.to_vec(),
        _ => [Kind::Vxlan].into_iter().chain(provider).collect(),
    }
}
