//! Networks with machines on them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use anyhow::{Context, Result};
use lab::{Host, Mac, PHYSICAL_NETWORK, Vm};
use proto::v1 as pb;
use proto::v1::network::Type;

use crate::port::address;

/// How a network's frames travel between hosts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// In VXLAN, with a VNI of the controller's choice.
    Vxlan,
    /// On the lab's physical network, with this VLAN id.
    Vlan(u16),
    /// On the lab's physical network, untagged.
    Flat,
}

impl Kind {
    /// A request for a network of this kind.
    pub fn request(self, project: &str) -> pb::Network {
        let (kind, physical_network, segmentation_id) = match self {
            Self::Vxlan => (Type::Vxlan, "", 0),
            Self::Vlan(id) => (Type::Vlan, PHYSICAL_NETWORK, id),
            Self::Flat => (Type::Flat, PHYSICAL_NETWORK, 0),
        };
        pb::Network {
            name: format!("{self:?}"),
            project_id: project.to_owned(),
            r#type: kind.into(),
            physical_network: physical_network.to_owned(),
            segmentation_id: segmentation_id.into(),
            ..Default::default()
        }
    }
}

/// A network and the VMs that the test began with.
#[derive(Debug)]
pub struct Segment {
    /// The network.
    pub network: pb::Network,
    /// Its VMs, in the order in which the test named their hosts.
    pub guests: Vec<Guest>,
}

impl Segment {
    /// Every ordered pair of different VMs.
    pub fn pairs(&self) -> impl Iterator<Item = (&Guest, &Guest)> {
        let others =
            |from: usize| self.guests.iter().enumerate().filter(move |(to, _)| *to != from);
        let guests = self.guests.iter().enumerate();
        guests.flat_map(move |(from, guest)| others(from).map(move |(_, other)| (guest, other)))
    }
}

/// A VM and the port that it is plugged in as. What it can do is reached by dereference to [`Vm`].
#[derive(Debug)]
pub struct Guest {
    /// The port, as the controller answered when it was made.
    pub port: pb::Port,
    vm: Vm,
}

impl Guest {
    /// Plugs a VM in as `port`, with the port's addresses.
    ///
    /// # Errors
    ///
    /// When there is no br-int, or the VM cannot be made.
    pub fn plug(host: &Arc<Host>, port: pb::Port, network: &pb::Network) -> Result<Self> {
        let vm = host.plug(&port.id, &port.mac_address)?;
        let addresses = port.fixed_ips.iter().map(|fixed| {
            let ip: IpAddr = fixed.ip_address.parse().context("the controller chose it")?;
            Ok(format!("{ip}/{}", if ip.is_ipv4() { 24 } else { 64 }))
        });
        let addresses: Vec<String> = addresses.collect::<Result<_>>()?;
        let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
        vm.configure(&addresses, &[], u16::try_from(network.mtu)?)?;
        Ok(Self { port, vm })
    }

    /// Its IPv4 address.
    ///
    /// # Panics
    ///
    /// When it has none.
    pub fn v4(&self) -> Ipv4Addr {
        match address(&self.port, true) {
            Ok(IpAddr::V4(address)) => address,
            other => panic!("no IPv4 address: {other:?}"),
        }
    }

    /// Its IPv6 address.
    ///
    /// # Panics
    ///
    /// When it has none.
    pub fn v6(&self) -> Ipv6Addr {
        match address(&self.port, false) {
            Ok(IpAddr::V6(address)) => address,
            other => panic!("no IPv6 address: {other:?}"),
        }
    }

    /// Its MAC address.
    ///
    /// # Panics
    ///
    /// When the controller answered something else.
    pub fn mac(&self) -> Mac {
        self.port.mac_address.parse().expect("the controller answers MAC addresses")
    }

    /// Unplugs it and removes the VM.
    ///
    /// # Errors
    ///
    /// When Open vSwitch does not answer.
    pub fn unplug(self) -> Result<()> {
        self.vm.unplug()
    }
}

impl Deref for Guest {
    type Target = Vm;

    fn deref(&self) -> &Vm {
        &self.vm
    }
}

impl DerefMut for Guest {
    fn deref_mut(&mut self) -> &mut Vm {
        &mut self.vm
    }
}
