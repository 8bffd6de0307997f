//! What joins the hosts: the management network, the underlay and the physical switch.

use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;

use anyhow::Result;

use crate::leftovers::LabId;
use crate::netns::{End, Netns, cable};
use crate::ovs::Ovs;

/// MTU of the management network and the provider network, in bytes.
pub(crate) const MTU: u16 = 1500;

/// MTU of the underlay, in bytes: room for a VXLAN header around a full-sized frame.
pub(crate) const UNDERLAY_MTU: u16 = 1600;

/// The prefix length of the management network and of the underlay.
pub(crate) const PREFIX_LEN: u8 = 16;

/// The bridge that is the physical switch.
const SWITCH: &str = "provider";

/// One of a host's network interfaces, by the network it is on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Nic {
    /// `eth0`: OpenFlow and OVSDB.
    Management,
    /// `eth1`: tunnels, by way of br-phy.
    Underlay,
    /// `eth2`: provider networks, by way of br-provider.
    Provider,
}

impl Nic {
    /// The interface's name on the host.
    pub fn interface(self) -> &'static str {
        match self {
            Self::Management => "eth0",
            Self::Underlay => "eth1",
            Self::Provider => "eth2",
        }
    }

    /// The name of the cable's other end.
    fn far_end(self, host: u16) -> String {
        match self {
            Self::Management => format!("m{host}"),
            Self::Underlay => format!("u{host}"),
            Self::Provider => format!("p{host}"),
        }
    }
}

/// The three networks, in a namespace of their own: two plain bridges of the kernel's and,
/// because a provider network needs VLANs and the kernel may lack them, an Open vSwitch. A clone is
/// another handle.
#[derive(Clone, Debug)]
pub(crate) struct Fabric {
    netns: Netns,
    switch: Arc<Ovs>,
}

impl Fabric {
    pub(crate) fn start(id: &LabId, dir: &Path) -> Result<Self> {
        let netns = Netns::add(id.netns_name("fabric"))?;
        netns.sysctl(&[("ipv6/conf/default/disable_ipv6", "1")])?;
        for bridge in [MANAGEMENT, UNDERLAY] {
            netns.ip(&["link", "add", bridge, "type", "bridge", "forward_delay", "0"])?;
            netns.ip(&["link", "set", bridge, "up"])?;
        }
        let switch = Ovs::start(netns.clone(), dir.join("fabric"), &[])?;
        #[rustfmt::skip]
        switch.vsctl(&[
            "add-br", SWITCH, "--",
            "set", "Bridge", SWITCH, "datapath_type=netdev", "fail_mode=standalone",
        ])?;
        Ok(Self { netns, switch: switch.into() })
    }

    /// Joins the controller's interface to the management network.
    pub(crate) fn connect_controller(&self, controller: &Netns) -> Result<()> {
        let interface = Nic::Management.interface();
        cable(End::new(controller, interface), End::new(&self.netns, CONTROLLER), MTU)?;
        join(&self.netns, CONTROLLER, MANAGEMENT)?;
        let address = format!("{}/{PREFIX_LEN}", controller_address());
        controller.ip(&["address", "add", &address, "dev", interface]).map(drop)
    }

    /// Joins a host's three interfaces to their networks.
    ///
    /// Physical ports carry every VLAN, as a switch's ports towards hypervisors do.
    pub(crate) fn connect_host(&self, number: u16, host: &Netns) -> Result<()> {
        for nic in [Nic::Management, Nic::Underlay, Nic::Provider] {
            let far = nic.far_end(number);
            let mtu = if nic == Nic::Underlay { UNDERLAY_MTU } else { MTU };
            cable(End::new(host, nic.interface()), End::new(&self.netns, &far), mtu)?;
            match nic {
                Nic::Management => join(&self.netns, &far, MANAGEMENT)?,
                Nic::Underlay => join(&self.netns, &far, UNDERLAY)?,
                Nic::Provider => drop(self.switch.vsctl(&["add-port", SWITCH, &far])?),
            }
        }
        Ok(())
    }

    /// Joins `eth0` of a station to the physical switch by an access port of `vlan`; untagged
    /// frames are those of VLAN 0.
    pub(crate) fn connect_station(&self, port: &str, station: &Netns, vlan: u16) -> Result<()> {
        cable(End::new(station, "eth0"), End::new(&self.netns, port), MTU)?;
        self.switch.vsctl(&["add-port", SWITCH, port, &format!("tag={vlan}")]).map(drop)
    }

    /// The physical switch.
    pub(crate) fn switch(&self) -> &Ovs {
        &self.switch
    }

    /// Lets nothing through between a host and one of its networks, or everything again.
    ///
    /// The link stays up: it is the switch that has no such port any more, or ignores it. When a link's state changes, Open vSwitch
    /// on that host empties its table of routes and reads the kernel's anew, and what it sends out
    /// of a tunnel meanwhile is lost, whichever link it was.
    pub(crate) fn block(&self, host: u16, nic: Nic, blocked: bool) -> Result<()> {
        let port = nic.far_end(host);
        match nic {
            Nic::Management | Nic::Underlay if blocked => {
                self.netns.ip(&["link", "set", &port, "nomaster"])?;
            }
            Nic::Management => join(&self.netns, &port, MANAGEMENT)?,
            Nic::Underlay => join(&self.netns, &port, UNDERLAY)?,
            Nic::Provider => {
                let modes =
                    if blocked { ["no-receive", "no-forward"] } else { ["receive", "forward"] };
                for mode in modes {
                    self.switch.ofctl(&["mod-port", SWITCH, &port, mode])?;
                }
            }
        }
        Ok(())
    }
}

/// Makes an interface a port of one of the kernel's bridges.
fn join(netns: &Netns, port: &str, bridge: &str) -> Result<()> {
    netns.ip(&["link", "set", port, "master", bridge]).map(drop)
}

/// The controller's address on the management network.
pub(crate) fn controller_address() -> Ipv4Addr {
    Ipv4Addr::new(10, 20, 0, 1)
}

/// A host's address on the management network.
pub(crate) fn management_address(host: u16) -> Ipv4Addr {
    let [high, low] = (host + HOST_ADDRESSES).to_be_bytes();
    Ipv4Addr::new(10, 20, high, low)
}

/// A host's address on the underlay: its VTEP.
pub(crate) fn tunnel_address(host: u16) -> Ipv4Addr {
    let [high, low] = (host + HOST_ADDRESSES).to_be_bytes();
    Ipv4Addr::new(198, 18, high, low)
}

const MANAGEMENT: &str = "management";
const UNDERLAY: &str = "underlay";
const CONTROLLER: &str = "controller";

/// Host 1 is .11, host 2 is .12, and so on.
const HOST_ADDRESSES: u16 = 10;
