//! Changes, each as the controller makes it: model and facts first, then compiled.

use std::net::Ipv6Addr;
use std::sync::Arc;

use openflow::PortNo;
use topology::compile::{Compiler, Work};
use topology::model::{Change, HostId, Port, PortId, Resource, ResourceId};

use super::fleet::{Size, fixed_ip, port_id, port_number};

impl Size {
    /// The four that are measured, or two small ones.
    pub(crate) fn all(wanted: bool) -> Vec<Self> {
        let ports: &[u32] = if wanted { &[1_000, 10_000] } else { &[60] };
        let of = |&ports| [1, 50].map(|networks| Self::of_three(ports, networks));
        ports.iter().flat_map(of).collect()
    }

    /// What tables call it.
    pub(crate) fn networks_text(self) -> String {
        match self.networks {
            1 => "1 VXLAN".to_owned(),
            many => format!("{many} VXLAN"),
        }
    }
}

/// A sort of change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// A client creates a port; a host reports its interface; it is bound.
    Create,
    /// A client deletes a port whose interface is plugged.
    Delete,
    /// A port gets a second address.
    AddAddress,
    /// A port's interface appears on another host and is gone from the first; it is bound there.
    Move,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Create, Self::Delete, Self::AddAddress, Self::Move];

    /// What tables call it.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Create => "port created and bound",
            Self::Delete => "port deleted",
            Self::AddAddress => "address added",
            Self::Move => "port moved to another host",
        }
    }
}

/// What is done in a change.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Part {
    /// Taking over what a host reports.
    Facts,
    /// Changing the model, and compiling.
    Compile,
}

/// Measures what the compiler does, and nothing of what is done to have it done.
pub(crate) trait Meter {
    /// Does it.
    fn measure<T>(&mut self, part: Part, act: impl FnOnce() -> T) -> T;
}

/// Measures nothing.
struct Unmeasured;

impl Meter for Unmeasured {
    fn measure<T>(&mut self, _: Part, act: impl FnOnce() -> T) -> T {
        act()
    }
}

/// A compiled fleet that changes.
pub(crate) struct Churn {
    compiler: Compiler,
    size: Size,
}

impl Churn {
    pub(crate) fn new(size: Size) -> Self {
        Self { compiler: size.compiler(), size }
    }

    /// Makes a change of this sort, round after round with another port, and takes it back
    /// unmeasured.
    pub(crate) fn change(&mut self, kind: Kind, round: u32, meter: &mut impl Meter) -> Work {
        let fresh = self.size.ports + 1;
        // A stride that shares no factor with the number of ports visits all of them.
        let some = 1 + round.wrapping_mul(7_919) % self.size.ports;
        match kind {
            Kind::Create => {
                let work = self.create(fresh, meter);
                self.delete(fresh, &mut Unmeasured);
                self.unplug(fresh);
                work
            }
            Kind::Delete => {
                self.create(fresh, &mut Unmeasured);
                let work = self.delete(fresh, meter);
                self.unplug(fresh);
                work
            }
            Kind::AddAddress => {
                let port = self.present(some);
                let work = self.put(with_ipv6(&port), meter);
                self.put(port, &mut Unmeasured);
                work
            }
            Kind::Move => {
                let port = self.present(some);
                let (home, next) = (self.size.host_of(some), self.size.host_of(some + 1));
                let work = self.migrate(&port, home, next, meter);
                self.migrate(&port, next, home, &mut Unmeasured);
                work
            }
        }
    }

    fn present(&self, key: u32) -> Port {
        let port = self.compiler.model().port(port_id(key));
        Port::clone(port.expect("ports of the fleet stay"))
    }

    fn create(&mut self, key: u32, meter: &mut impl Meter) -> Work {
        let host = self.size.host_of(key);
        let created = self.put(self.size.port(key, None), meter);
        self.report(host, port_id(key), Some(port_number(key)), meter);
        let bound = self.put(self.size.port(key, Some(host)), meter);
        sum(created, bound)
    }

    fn delete(&mut self, key: u32, meter: &mut impl Meter) -> Work {
        self.apply(&Change::Delete(ResourceId::Port(port_id(key))), meter)
    }

    /// The interface of a port that was deleted goes as well.
    fn unplug(&mut self, key: u32) {
        self.report(self.size.host_of(key), port_id(key), None, &mut Unmeasured);
        self.compiler.flush();
    }

    fn migrate(&mut self, port: &Port, from: HostId, to: HostId, meter: &mut impl Meter) -> Work {
        self.report(from, port.id, None, meter);
        self.report(to, port.id, Some(port_number(port.meta.key.get())), meter);
        self.put(Port { bound_host: Some(to), ..port.clone() }, meter)
    }

    fn put(&mut self, port: Port, meter: &mut impl Meter) -> Work {
        self.apply(&put_port(port), meter)
    }

    fn apply(&mut self, change: &Change, meter: &mut impl Meter) -> Work {
        meter.measure(Part::Compile, || {
            self.compiler.apply(change);
            self.compiler.flush().work
        })
    }

    /// A host reports a port's interface, or that it is gone.
    fn report(
        &mut self,
        host: HostId,
        port: PortId,
        number: Option<PortNo>,
        meter: &mut impl Meter,
    ) {
        meter.measure(Part::Facts, || self.compiler.set_port(host, port, number));
    }
}

fn sum(one: Work, other: Work) -> Work {
    Work {
        fragments: one.fragments + other.fragments,
        flows: one.flows + other.flows,
        reported: one.reported + other.reported,
    }
}

/// The same port with an IPv6 address in addition.
fn with_ipv6(port: &Port) -> Port {
    let key = port.meta.key.get();
    let ip = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, (key >> 16) as u16, key as u16);
    let mut port = port.clone();
    port.fixed_ips.push(fixed_ip(port.network, ip.into()));
    port
}

/// A change that puts a port.
fn put_port(port: Port) -> Change {
    Change::Put(Resource::Port(Arc::new(port)))
}
