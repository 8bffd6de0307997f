//! What the tenant of the demo asks for, and the machines that use it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use anyhow::{Context, Result};
use lab::{Endpoint, Host, Lab, Station, Vm, Weftd};
use serde_json::Value;

use super::weft;

/// The tenant.
pub(crate) const PROJECT: &str = "demo";

/// A network to be created, with an IPv4 and an IPv6 subnet.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    v4: Ipv4Addr,
    v6: Ipv6Addr,
}

/// How a network's frames travel between hosts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Vxlan,
    Vlan(u16),
    Flat,
}

/// One network of each kind.
pub(crate) const NETWORKS: [Network; 3] = [
    Network {
        name: "overlay",
        kind: Kind::Vxlan,
        v4: Ipv4Addr::new(10, 1, 0, 0),
        v6: Ipv6Addr::new(0xfd00, 1, 0, 0, 0, 0, 0, 0),
    },
    Network {
        name: "office",
        kind: Kind::Vlan(105),
        v4: Ipv4Addr::new(10, 2, 0, 0),
        v6: Ipv6Addr::new(0xfd00, 2, 0, 0, 0, 0, 0, 0),
    },
    Network {
        name: "plain",
        kind: Kind::Flat,
        v4: Ipv4Addr::new(10, 3, 0, 0),
        v6: Ipv6Addr::new(0xfd00, 3, 0, 0, 0, 0, 0, 0),
    },
];

/// Prefix lengths of the subnets.
const PREFIX_LENS: (u8, u8) = (24, 64);

impl Network {
    /// MTU of its machines, in bytes: VXLAN over the lab's underlay leaves room for 1,550, of
    /// which VMs customarily use 1,450.
    fn mtu(&self) -> u16 {
        if self.kind == Kind::Vxlan { 1450 } else { 1500 }
    }

    /// The first address of each subnet, which the gateway has on a network that has one.
    fn gateways(&self) -> [IpAddr; 2] {
        [
            Ipv4Addr::from_bits(self.v4.to_bits() + 1).into(),
            Ipv6Addr::from_bits(self.v6.to_bits() + 1).into(),
        ]
    }

    fn create(&self, weftd: &Weftd) -> Result<()> {
        let mut args = vec!["network", "create", self.name, "--project", PROJECT, "--type"];
        let segmentation_id;
        match self.kind {
            Kind::Vxlan => args.push("vxlan"),
            Kind::Vlan(id) => {
                segmentation_id = id.to_string();
                args.extend(["vlan", "--physical-network", lab::PHYSICAL_NETWORK]);
                args.extend(["--segmentation-id", &segmentation_id]);
            }
            Kind::Flat => args.extend(["flat", "--physical-network", lab::PHYSICAL_NETWORK]),
        }
        weft(weftd, &args)?;
        let cidrs =
            [format!("{}/{}", self.v4, PREFIX_LENS.0), format!("{}/{}", self.v6, PREFIX_LENS.1)];
        for (cidr, version) in cidrs.iter().zip(["v4", "v6"]) {
            let name = format!("{}-{version}", self.name);
            let mut args = vec!["subnet", "create", &name, "--network", self.name, "--cidr", cidr];
            if self.kind == Kind::Vxlan {
                // Nothing routes between this network and others.
                args.extend(["--gateway", "none"]);
            }
            weft(weftd, &args)?;
        }
        Ok(())
    }
}

/// A network with its machines: a VM on every host and, where frames leave by the physical
/// switch, the router at its gateway's address.
#[derive(Debug)]
pub(crate) struct Segment {
    pub(crate) network: &'static Network,
    vms: Vec<Machine<Vm>>,
    router: Option<Machine<Station>>,
}

/// A machine and its addresses, without prefix lengths.
#[derive(Debug)]
struct Machine<T> {
    label: String,
    machine: T,
    addresses: Vec<IpAddr>,
}

impl Segment {
    /// Creates the network and its ports, and plugs a VM into each.
    pub(crate) fn create(network: &'static Network, lab: &Lab, weftd: &Weftd) -> Result<Self> {
        network.create(weftd)?;
        let vms = lab.hosts().iter().map(|host| plug(network, host, weftd));
        let vms = vms.collect::<Result<_>>()?;
        let vlan = match network.kind {
            Kind::Vxlan => return Ok(Self { network, vms, router: None }),
            Kind::Vlan(vlan) => Some(vlan),
            Kind::Flat => None,
        };
        let machine = lab.station(vlan)?;
        let addresses = network.gateways().to_vec();
        let with_lengths: Vec<_> = addresses.iter().map(with_length).collect();
        let with_lengths: Vec<_> = with_lengths.iter().map(String::as_str).collect();
        machine.configure(&with_lengths, &[], network.mtu())?;
        let label = format!("router {}", machine.name());
        println!("{label} is on the physical switch");
        Ok(Self { network, vms, router: Some(Machine { label, machine, addresses }) })
    }

    pub(crate) fn port_ids(&self) -> impl Iterator<Item = &str> {
        self.vms.iter().map(|vm| vm.machine.port_id())
    }

    /// Who pings whom: every VM the next one, and the router, too.
    pub(crate) fn pairs(&self) -> Vec<Pair<'_>> {
        let mut pairs = Vec::new();
        for (from, to) in self.vms.iter().zip(self.vms.iter().cycle().skip(1)) {
            let targets = [(&to.label, &to.addresses)];
            let router = self.router.iter().map(|router| (&router.label, &router.addresses));
            for (label, addresses) in targets.into_iter().chain(router) {
                for &address in addresses {
                    let (source, endpoint) = (from.label.as_str(), &*from.machine);
                    pairs.push(Pair { source, endpoint, target: label.as_str(), address });
                }
            }
        }
        pairs
    }

    /// For each VM, the name of its namespace and an address to ping from it.
    pub(crate) fn machines(&self) -> impl Iterator<Item = (&str, IpAddr)> {
        let next = self.vms.iter().cycle().skip(1);
        let targets = next.filter_map(|vm| vm.addresses.first().copied());
        self.vms.iter().map(|vm| vm.machine.name()).zip(targets)
    }
}

/// A ping to be sent.
#[derive(Debug)]
pub(crate) struct Pair<'a> {
    pub(crate) source: &'a str,
    pub(crate) endpoint: &'a Endpoint,
    pub(crate) target: &'a str,
    pub(crate) address: IpAddr,
}

/// Creates a port and plugs a VM with its addresses in on `host`.
fn plug(network: &Network, host: &Arc<Host>, weftd: &Weftd) -> Result<Machine<Vm>> {
    let name = format!("{}-{}", network.name, host.name());
    let port = weft(weftd, &["port", "create", &name, "--network", network.name])?;
    let text = |field: &str| {
        port[field].as_str().with_context(|| format!("the new port has no {field}: {port}"))
    };
    let machine = host.plug(text("id")?, text("mac_address")?)?;
    let fixed_ips = port["fixed_ips"].as_array().into_iter().flatten();
    let addresses: Vec<IpAddr> = fixed_ips
        .map(|fixed_ip| address(fixed_ip).with_context(|| format!("odd fixed IP in {port}")))
        .collect::<Result<_>>()?;
    let with_lengths: Vec<_> = addresses.iter().map(with_length).collect();
    let with_lengths: Vec<_> = with_lengths.iter().map(String::as_str).collect();
    let gateways = network.gateways().map(|gateway| gateway.to_string());
    let gateways: Vec<_> = match network.kind {
        Kind::Vxlan => Vec::new(),
        Kind::Vlan(_) | Kind::Flat => gateways.iter().map(String::as_str).collect(),
    };
    machine.configure(&with_lengths, &gateways, network.mtu())?;
    println!(
        "{} on {} is plugged in as {name}: {}",
        machine.name(),
        host.name(),
        with_lengths.join(", ")
    );
    Ok(Machine { label: format!("{} on {}", machine.name(), host.name()), machine, addresses })
}

fn address(fixed_ip: &Value) -> Option<IpAddr> {
    fixed_ip["ip_address"].as_str()?.parse().ok()
}

fn with_length(address: &IpAddr) -> String {
    let length = if address.is_ipv4() { PREFIX_LENS.0 } else { PREFIX_LENS.1 };
    format!("{address}/{length}")
}
