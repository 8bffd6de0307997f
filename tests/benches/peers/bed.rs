//! The lab that a peer is measured on.

use std::ops::Range;
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result};
use lab::{Lab, Vm};

use super::peer::{Peer, Port};
use crate::tenants::Size;

/// How long a reply may be waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Between echo requests while a first reply is waited for.
const QUICK: Duration = Duration::from_millis(1);

/// What both peers' tunnels leave room for.
const MTU: u16 = 1_400;

/// Three hosts with a controller of theirs, and a VM on each.
pub(crate) struct Bed<P> {
    pub(crate) peer: P,
    /// On the first and the second host, and plugged.
    pub(crate) vms: [Guest; 2],
    /// On the third host; it comes and goes.
    pub(crate) mover: Guest,
    /// The number of the next port that was not used before.
    next: usize,
    // Behind all that lives in it.
    pub(crate) lab: Lab,
}

pub(crate) struct Guest {
    pub(crate) port: Port,
    pub(crate) vm: Vm,
}

/// What there is beside what is measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Background {
    /// Each of the lab's hosts has an interface in every one but the first.
    pub(crate) networks: usize,
    /// On a host that is not one of the lab's.
    pub(crate) ports: usize,
}

impl<P: Peer> Bed<P> {
    pub(crate) fn start(Background { networks, ports }: Background) -> Result<Self> {
        let size = Size { hosts: 1, ports_per_host: ports, networks };
        let lab = Lab::builder().hosts(3).start()?;
        let mut peer = P::start(&lab, size)?;
        let mut next = size.ports();
        let mut port = |network| {
            next += 1;
            Port { number: next - 1, network }
        };
        let guests: [Port; 3] = std::array::from_fn(|_| port(0));
        peer.create(&guests)?;
        let guest = |host: u16, port: Port| {
            let vm = lab.host(host).plug(&port.id().to_string(), &port.mac())?;
            vm.configure(&[&format!("{}/8", port.address())], &[], MTU)?;
            // Nobody has to ask for addresses, and to wait a second before asking again.
            for other in guests {
                let (address, mac) = (other.address().to_string(), other.mac());
                vm.netns().ip(&[
                    "neighbour",
                    "replace",
                    &address,
                    "lladdr",
                    &mac,
                    "dev",
                    "eth0",
                    "nud",
                    "permanent",
                ])?;
            }
            anyhow::Ok(Guest { port, vm })
        };
        let [first, second, third] = guests;
        let (vms, mover) = ([guest(1, first)?, guest(2, second)?], guest(3, third)?);
        // Every host has a port of every network.
        for host in lab.hosts() {
            let anchors: Vec<_> = (1..networks).map(&mut port).collect();
            peer.create(&anchors)?;
            let mut args = Vec::new();
            for (number, anchor) in anchors.iter().enumerate() {
                let name = format!("anchor{number}");
                let plug = ["--", "add-port", "br-int", &name, "--", "set", "Interface", &name];
                args.extend(plug.map(str::to_owned));
                args.push("type=internal".to_owned());
                args.push(format!("external_ids:iface-id={}", anchor.id()));
            }
            if !args.is_empty() {
                let args: Vec<_> = args.iter().skip(1).map(String::as_str).collect();
                host.vsctl(&args)?;
            }
        }
        peer.confirm()?;
        let bed = Self { peer, vms, mover, next, lab };
        for vm in [&bed.vms[0].vm, &bed.mover.vm] {
            vm.ping_until(bed.vms[1].port.address(), PATIENCE)?;
        }
        Ok(bed)
    }

    /// Ports of the first network that were never made.
    pub(crate) fn fresh(&mut self, count: usize) -> Vec<Port> {
        let Range { start, end } = self.next..self.next + count;
        self.next = end;
        (start..end).map(|number| Port { number, network: 0 }).collect()
    }

    /// The mover's interface appears.
    pub(crate) fn plug(&self) -> Result<()> {
        let (host, interface) = (self.mover.vm.host(), self.mover.vm.interface());
        let id = format!("external_ids:iface-id={}", self.mover.port.id());
        let add =
            ["--no-wait", "add-port", "br-int", interface, "--", "set", "Interface", interface];
        host.vsctl(&[&add[..], &[&id]].concat()).map(drop)
    }

    /// It goes.
    pub(crate) fn unplug(&self) -> Result<()> {
        let (host, interface) = (self.mover.vm.host(), self.mover.vm.interface());
        host.vsctl(&["del-port", "br-int", interface]).map(drop)
    }

    /// How long after `act` began the mover had a reply for the first time, having asked all along.
    pub(crate) fn first_reply(
        &mut self,
        act: impl FnOnce(&mut Self) -> Result<()>,
    ) -> Result<Duration> {
        let asking = self.mover.vm.ask(self.vms[0].port.address(), QUICK, PATIENCE)?;
        let begun = SystemTime::now();
        act(self)?;
        let first = asking.first_reply()?;
        first.duration_since(begun).context("a reply came before it could")
    }
}
