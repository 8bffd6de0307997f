//! A host: stock Open vSwitch in a namespace, with three network interfaces.

use std::net::{IpAddr, Ipv4Addr};
use std::ops::Deref;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use uuid::Uuid;

use crate::capture::Capture;
use crate::command::run;
use crate::fabric::{self, Fabric, Nic, PREFIX_LEN, UNDERLAY_MTU};
use crate::leftovers::LabId;
use crate::netns::Netns;
use crate::ovs::Ovs;
use crate::vm::Vm;
use crate::wait::wait_until;

/// The physical network that every host of the lab maps to its `br-provider`.
pub const PHYSICAL_NETWORK: &str = "external";

/// How long a bridge that somebody else makes may take to appear.
const BRIDGE: Duration = Duration::from_secs(20);

/// A host of the lab. Its [`Ovs`], with all that can be done to it, is reached by dereference.
///
/// It has `br-phy` with its tunnel address and `br-provider`; `br-int` is the controller's to
/// make.
#[derive(Debug)]
pub struct Host {
    lab: LabId,
    number: u16,
    name: String,
    system_id: Uuid,
    fabric: Fabric,
    ovs: Ovs,
}

impl Host {
    pub(crate) fn start(lab: &LabId, number: u16, fabric: &Fabric) -> Result<Self> {
        let name = format!("h{number}");
        let netns = Netns::add(lab.netns_name(&name))?;
        // The host has no business on the tenants' networks, so it stays silent there.
        // The kernel sees what Open vSwitch takes from eth1, and would tell eth1's MAC address
        // to who asks for the tunnel address, which is br-phy's: tunnel packets would go astray.
        netns.sysctl(&[
            ("ipv6/conf/default/disable_ipv6", "1"),
            ("ipv4/conf/all/arp_ignore", "1"),
        ])?;
        fabric.connect_host(number, &netns)?;
        let management = format!("{}/{PREFIX_LEN}", fabric::management_address(number));
        netns.ip(&["address", "add", &management, "dev", Nic::Management.interface()])?;

        let system_id = Uuid::new_v4();
        let settings = [
            format!("external_ids:system-id={system_id}"),
            format!("external_ids:hostname={name}"),
            "external_ids:weft-datapath-type=netdev".to_owned(),
        ];
        let ovs = Ovs::start(netns, lab.run_dir().join(&name), &settings)?;
        let fabric = fabric.clone();
        let host = Self { lab: lab.clone(), number, name, system_id, fabric, ovs };
        host.make_bridges()?;
        Ok(host)
    }

    /// br-phy and br-provider, as an operator has them before the controller comes.
    ///
    /// In the userspace datapath a tunnel leaves by a bridge that holds both the interface and
    /// the tunnel address.
    fn make_bridges(&self) -> Result<()> {
        let mtu = format!("mtu_request={UNDERLAY_MTU}");
        #[rustfmt::skip]
        self.vsctl(&[
            "add-br", "br-phy", "--",
            "set", "Bridge", "br-phy", "datapath_type=netdev", "fail_mode=standalone", "--",
            "add-port", "br-phy", Nic::Underlay.interface(), "--",
            "set", "Interface", "br-phy", &mtu, "--",
            "add-br", "br-provider", "--",
            "set", "Bridge", "br-provider", "datapath_type=netdev", "fail_mode=standalone", "--",
            "add-port", "br-provider", Nic::Provider.interface(),
        ])?;
        let netns = self.netns();
        let address = format!("{}/{PREFIX_LEN}", self.tunnel_ip());
        netns.ip(&["address", "replace", &address, "dev", "br-phy"])?;
        netns.ip(&["link", "set", "br-phy", "up"]).map(drop)
    }

    /// Replaces the database by a new one under the same system-id, as an operator does who has lost
    /// it: br-phy and br-provider are there again, and nothing else.
    ///
    /// # Errors
    ///
    /// When a daemon does not do its part.
    pub fn replace_database(&self) -> Result<()> {
        self.ovs.replace_database()?;
        self.make_bridges()
    }

    /// Makes everything anew under the same system-id, as after an installation from scratch: no
    /// flow, no database and no bridge is left of what was there.
    ///
    /// # Errors
    ///
    /// When a daemon does not do its part.
    pub fn reimage(&self) -> Result<()> {
        let mac = self.vsctl(&["get", "Interface", "br-phy", "mac_in_use"])?;
        self.ovs.kill_vswitchd()?;
        for bridge in ["br-int", "br-phy", "br-provider"] {
            // Local ports live on when ovs-vswitchd is killed.
            let delete = ["link", "delete", bridge];
            self.netns().ip(&delete).with_context(|| format!("{bridge} of {}", self.name))?;
        }
        self.ovs.replace_database()?;
        self.ovs.start_vswitchd()?;
        self.make_bridges()?;
        // The network card is the same. Others' Open vSwitch would remember its address on the
        // underlay for a quarter of an hour.
        let mac = format!("other_config:hwaddr={}", mac.trim());
        self.vsctl(&["set", "Bridge", "br-phy", &mac]).map(drop)
    }

    /// Its name, `h1` for host 1; the hostname that Open vSwitch reports.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its number in the lab, from 1.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// What Open vSwitch knows this installation by.
    pub fn system_id(&self) -> Uuid {
        self.system_id
    }

    /// Its address on the underlay.
    pub fn tunnel_ip(&self) -> Ipv4Addr {
        fabric::tunnel_address(self.number)
    }

    /// Its address on the management network.
    pub fn management_ip(&self) -> Ipv4Addr {
        fabric::management_address(self.number)
    }

    /// Runs a program on the host to its end and returns what it wrote to standard output.
    ///
    /// # Errors
    ///
    /// When it does not exit with 0.
    pub fn exec(&self, program: &str, args: &[&str]) -> Result<String> {
        run(self.command(program).args(args))
    }

    /// Hands the host over to the controller at `address`, by the commands of Weft's host
    /// contract and nothing else.
    ///
    /// # Errors
    ///
    /// When ovsdb-server does not take them.
    pub fn set_manager(&self, address: IpAddr) -> Result<()> {
        self.vsctl(&[
            "set",
            "Open_vSwitch",
            ".",
            &format!("external_ids:weft-encap-ip={}", self.tunnel_ip()),
            &format!("external_ids:weft-bridge-mappings={PHYSICAL_NETWORK}:br-provider"),
        ])?;
        self.vsctl(&["set-manager", &format!("tcp:{address}:6640")]).map(drop)
    }

    /// Waits until `bridge` exists.
    ///
    /// # Errors
    ///
    /// When it does not within 20 seconds.
    pub fn wait_for_bridge(&self, bridge: &str) -> Result<()> {
        let what = format!("{bridge} on {}", self.name);
        wait_until(&what, BRIDGE, || self.vsctl(&["br-exists", bridge]).is_ok())
    }

    /// Starts a VM and plugs it into br-int as the port `port_id`, the way Nova and libvirt do.
    ///
    /// # Errors
    ///
    /// When there is no br-int within 20 seconds, or something of the VM cannot be made.
    pub fn plug(self: &Arc<Self>, port_id: &str, mac: &str) -> Result<Vm> {
        Vm::plug(self, port_id, mac)
    }

    /// Cuts one of the host's networks off.
    ///
    /// # Errors
    ///
    /// When the switch does not block the port.
    pub fn cut(&self, nic: Nic) -> Result<()> {
        self.fabric.block(self.number, nic, true)
    }

    /// Joins one of the host's networks again.
    ///
    /// # Errors
    ///
    /// When the switch does not let the port go on.
    pub fn restore(&self, nic: Nic) -> Result<()> {
        self.fabric.block(self.number, nic, false)
    }

    /// Records the frames on one of the host's interfaces that match `filter` (tcpdump's
    /// language; all of them when empty), from the moment this returns.
    ///
    /// # Errors
    ///
    /// When tcpdump does not start.
    pub fn capture(&self, nic: Nic, filter: &str) -> Result<Capture> {
        Capture::start(self.netns(), nic.interface(), &self.lab.run_dir(), filter)
    }

    /// How many frames have come in and gone out by one of the host's interfaces.
    ///
    /// # Errors
    ///
    /// When `ip` does not tell.
    pub fn counters(&self, nic: Nic) -> Result<Counters> {
        let text = run(Command::new("ip")
            .args(["-n", self.netns().name(), "-json", "-stats", "link", "show"])
            .arg(nic.interface()))?;
        let link: Value = serde_json::from_str(&text)?;
        let packets = |direction| {
            link[0]["stats64"][direction]["packets"]
                .as_u64()
                .with_context(|| format!("no {direction} counter in {text}"))
        };
        Ok(Counters { received: packets("rx")?, sent: packets("tx")? })
    }

    pub(crate) fn lab(&self) -> &LabId {
        &self.lab
    }
}

impl Deref for Host {
    type Target = Ovs;

    fn deref(&self) -> &Ovs {
        &self.ovs
    }
}

/// Frames counted at an interface.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Counters {
    /// Frames that came in.
    pub received: u64,
    /// Frames that went out.
    pub sent: u64,
}
