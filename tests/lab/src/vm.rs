//! A VM: a namespace whose `eth0` is plugged into a host's br-int.

use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;

use crate::endpoint::Endpoint;
use crate::fabric::MTU;
use crate::host::Host;
use crate::netns::{End, cable};

/// The bridge that VMs are plugged into.
const BRIDGE: &str = "br-int";

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A VM. What it can do as a machine is reached by dereference to [`Endpoint`].
///
/// It stays plugged until it is unplugged or the lab ends; dropping the value does nothing.
#[derive(Debug)]
pub struct Vm {
    endpoint: Endpoint,
    host: Arc<Host>,
    interface: String,
    port_id: String,
    mac: String,
    configuration: Mutex<Option<Configuration>>,
}

/// What to give `eth0` again when the VM has moved and has a new one.
#[derive(Clone, Debug)]
struct Configuration {
    addresses: Vec<String>,
    gateways: Vec<String>,
    mtu: u16,
}

impl Vm {
    pub(crate) fn plug(host: &Arc<Host>, port_id: &str, mac: &str) -> Result<Self> {
        let number = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
        let name = format!("vm{number}");
        let lab = host.lab();
        let endpoint = Endpoint::start(name.clone(), lab.netns_name(&name), lab.run_dir())?;
        let vm = Self {
            endpoint,
            host: Arc::clone(host),
            interface: format!("tap{number}"),
            port_id: port_id.to_owned(),
            mac: mac.to_owned(),
            configuration: Mutex::new(None),
        };
        vm.attach()?;
        Ok(vm)
    }

    /// The host it runs on.
    pub fn host(&self) -> &Arc<Host> {
        &self.host
    }

    /// Its interface's name on the host.
    pub fn interface(&self) -> &str {
        &self.interface
    }

    /// The port that it is plugged in as.
    pub fn port_id(&self) -> &str {
        &self.port_id
    }

    /// As [`Endpoint::configure`], and again after each move to another host.
    ///
    /// # Errors
    ///
    /// When `ip` does not take them.
    pub fn configure(&self, addresses: &[&str], gateways: &[&str], mtu: u16) -> Result<()> {
        let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect();
        let configuration =
            Configuration { addresses: owned(addresses), gateways: owned(gateways), mtu };
        self.endpoint.configure(addresses, gateways, mtu)?;
        *self.configuration.lock().unwrap_or_else(PoisonError::into_inner) = Some(configuration);
        Ok(())
    }

    /// Moves the VM to another host, where it has the same port, MAC address and configuration.
    ///
    /// # Errors
    ///
    /// When it cannot be unplugged here or plugged in there.
    pub fn move_to(&mut self, host: &Arc<Host>) -> Result<()> {
        self.detach()?;
        self.host = Arc::clone(host);
        self.attach()?;
        let configuration =
            self.configuration.get_mut().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(Configuration { addresses, gateways, mtu }) = configuration else { return Ok(()) };
        let addresses: Vec<_> = addresses.iter().map(String::as_str).collect();
        let gateways: Vec<_> = gateways.iter().map(String::as_str).collect();
        self.endpoint.configure(&addresses, &gateways, mtu)
    }

    /// Unplugs the VM and removes it.
    ///
    /// # Errors
    ///
    /// When the host's ovsdb-server or ovs-vswitchd does not answer.
    pub fn unplug(self) -> Result<()> {
        self.detach()?;
        self.netns().remove()
    }

    fn attach(&self) -> Result<()> {
        self.host.wait_for_bridge(BRIDGE)?;
        let tap = End::new(self.host.netns(), &self.interface);
        let eth0 = End { netns: self.netns(), interface: "eth0", mac: Some(&self.mac) };
        cable(eth0, tap, MTU)?;
        #[rustfmt::skip]
        self.host.vsctl(&[
            "add-port", BRIDGE, &self.interface, "--",
            "set", "Interface", &self.interface,
            &format!("external_ids:iface-id=\"{}\"", self.port_id),
            &format!("external_ids:attached-mac=\"{}\"", self.mac),
            "external_ids:iface-status=active",
        ])?;
        Ok(())
    }

    fn detach(&self) -> Result<()> {
        self.host.vsctl(&["--if-exists", "del-port", BRIDGE, &self.interface])?;
        self.host.netns().ip(&["link", "delete", &self.interface]).map(drop)
    }
}

impl Deref for Vm {
    type Target = Endpoint;

    fn deref(&self) -> &Endpoint {
        &self.endpoint
    }
}
