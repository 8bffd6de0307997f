//! The lab as a whole.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result, anyhow, bail};

use crate::fabric::{self, Fabric};
use crate::host::Host;
use crate::leftovers::{self, LabId};
use crate::netns::Netns;
use crate::ovs::Ovs;
use crate::requirements;
use crate::station::Station;
use crate::weftd::{Weftd, WeftdOptions};

/// The most hosts of a lab: each has a port on three bridges, and a kernel bridge has 1,023.
const MAX_HOSTS: u16 = 1000;

/// How many hosts are started at a time.
const AT_ONCE: usize = 8;

/// Hosts, the networks between them and a place for a controller. Dropping it removes all of
/// it, also while a test panics.
#[derive(Debug)]
pub struct Lab {
    // Dropped in this order: daemons end before their namespaces are removed.
    hosts: Vec<Arc<Host>>,
    fabric: Fabric,
    controller: Netns,
    remains: Remains,
}

/// How to make a lab.
#[derive(Clone, Debug)]
pub struct LabBuilder {
    hosts: u16,
}

impl LabBuilder {
    /// How many hosts: `h1`, `h2` and so on.
    pub fn hosts(self, hosts: u16) -> Self {
        Self { hosts }
    }

    /// Makes the lab and starts everything but the controller.
    ///
    /// What labs left behind whose owners were killed is removed first.
    ///
    /// # Errors
    ///
    /// When the machine lacks something, this process is not root's, or a part does not start;
    /// nothing is left behind then.
    pub fn start(self) -> Result<Lab> {
        requirements::check()?;
        if self.hosts > MAX_HOSTS {
            bail!("{} hosts are more than {MAX_HOSTS}", self.hosts);
        }
        leftovers::clean(false)?;
        let id = LabId::claim()?;
        let remains = Remains { id: id.clone(), keep: false };
        let controller = Netns::add(id.netns_name("controller"))?;
        let fabric = Fabric::start(&id, &id.run_dir())?;
        fabric.connect_controller(&controller)?;
        let hosts = start_hosts(&id, &fabric, self.hosts)?;
        Ok(Lab { hosts, fabric, controller, remains })
    }
}

impl Lab {
    /// A lab of one host, unless told otherwise.
    pub fn builder() -> LabBuilder {
        LabBuilder { hosts: 1 }
    }

    /// Its name on this machine.
    pub fn id(&self) -> &LabId {
        &self.remains.id
    }

    /// Where it keeps its files; removed with it.
    pub fn run_dir(&self) -> PathBuf {
        self.id().run_dir()
    }

    /// Its hosts, in the order of their numbers.
    pub fn hosts(&self) -> &[Arc<Host>] {
        &self.hosts
    }

    /// The host with that number: 1 is `h1`.
    ///
    /// # Panics
    ///
    /// When there is no host of that number.
    #[track_caller]
    pub fn host(&self, number: u16) -> &Arc<Host> {
        let host = self.hosts.iter().find(|host| host.number() == number);
        host.unwrap_or_else(|| panic!("the lab has hosts 1 to {}, not {number}", self.hosts.len()))
    }

    /// The controller's namespace.
    pub fn controller(&self) -> &Netns {
        &self.controller
    }

    /// The controller's address on the management network.
    pub fn controller_address(&self) -> IpAddr {
        fabric::controller_address().into()
    }

    /// The physical switch that joins the hosts' provider networks.
    pub fn switch(&self) -> &Ovs {
        self.fabric.switch()
    }

    /// Puts a machine on an access port of the physical switch; without a VLAN, the switch
    /// carries its frames untagged.
    ///
    /// # Errors
    ///
    /// When a part of it cannot be made.
    pub fn station(&self, vlan: Option<u16>) -> Result<Station> {
        Station::start(self.id(), &self.fabric, vlan)
    }

    /// Starts weftd in the controller's namespace and waits until it answers.
    ///
    /// # Errors
    ///
    /// When the binary is missing or does not come up; the error holds its log.
    pub fn start_weftd(&self, options: WeftdOptions) -> Result<Weftd> {
        Weftd::start(self.controller.clone(), &self.run_dir(), options)
    }

    /// Hands every host over to the controller.
    ///
    /// # Errors
    ///
    /// When a host does not take it.
    pub fn set_managers(&self) -> Result<()> {
        self.hosts.iter().try_for_each(|host| host.set_manager(self.controller_address()))
    }

    /// Leaves the lab up when this process ends; `weft-lab clean --all` removes it.
    ///
    /// # Errors
    ///
    /// When the run directory cannot be written to; the lab is removed then.
    pub fn detach(mut self) -> Result<LabId> {
        let id = self.id().clone();
        id.detach()?;
        self.remains.keep = true;
        // The daemons live on, and with them the namespaces: nothing here may be dropped.
        std::mem::forget(self);
        Ok(id)
    }
}

/// Starts the hosts, some at a time: most of a start is waiting.
fn start_hosts(id: &LabId, fabric: &Fabric, count: u16) -> Result<Vec<Arc<Host>>> {
    let numbers: Vec<u16> = (1..=count).collect();
    let mut hosts = Vec::with_capacity(numbers.len());
    for numbers in numbers.chunks(AT_ONCE) {
        let started: Vec<Result<Host>> = thread::scope(|scope| {
            let start = |&number| scope.spawn(move || Host::start(id, number, fabric));
            let threads: Vec<_> = numbers.iter().map(start).collect();
            let join = |thread: thread::ScopedJoinHandle<'_, _>| {
                thread.join().unwrap_or_else(|_| Err(anyhow!("starting it panicked")))
            };
            threads.into_iter().map(join).collect()
        });
        for (host, number) in started.into_iter().zip(numbers) {
            hosts.push(Arc::new(host.with_context(|| format!("host h{number}"))?));
        }
    }
    Ok(hosts)
}

/// What is left of a lab when its daemons have ended: namespaces and files.
#[derive(Debug)]
struct Remains {
    id: LabId,
    keep: bool,
}

impl Drop for Remains {
    fn drop(&mut self) {
        if self.keep {
            return;
        }
        if let Err(error) = self.id.remove() {
            eprintln!("lab {} is not quite removed: {error:#}", self.id);
        }
    }
}
