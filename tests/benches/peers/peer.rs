//! What is asked of a controller that is measured, whichever it is.

use std::net::Ipv4Addr;

use anyhow::Result;
use lab::Lab;
use serde_json::json;
use topology::model::PortId;

use crate::report::Row;
use crate::tenants::{Size, address_of, mac_of, port_id};

/// A port, by its number: no two have the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Port {
    pub(crate) number: usize,
    pub(crate) network: usize,
}

impl Port {
    pub(crate) fn id(self) -> PortId {
        port_id(self.number)
    }

    pub(crate) fn mac(self) -> String {
        mac_of(self.number).to_string()
    }

    pub(crate) fn address(self) -> Ipv4Addr {
        address_of(self.number)
    }
}

/// A controller in charge of the lab's hosts, with networks and ports of a [`Size`] that are bound
/// to a host that is not one of the lab's.
///
/// Every network's ports are in a group of its own: they may send anything, and be reached by each
/// other.
pub(crate) trait Peer {
    /// What tables call it.
    const NAME: &'static str;

    /// A controller of all hosts of the lab, which have no br-int yet.
    fn start(lab: &Lab, size: Size) -> Result<Self>
    where
        Self: Sized;

    /// Makes ports, by one request.
    fn create(&mut self, ports: &[Port]) -> Result<()>;

    /// Deletes ports, by one request.
    fn delete(&mut self, ports: &[Port]) -> Result<()>;

    /// Whatever it takes for these ports, once they are made, to be ports of no host of the lab.
    fn prepare_elsewhere(&mut self, ports: &[Port]) -> Result<()>;

    /// Waits until all hosts have confirmed whatever was asked for.
    fn confirm(&mut self) -> Result<()>;

    /// Makes a group of as many members as there are of `members`, whom `users`, ports of the
    /// first network, let in.
    fn make_group(&mut self, members: &[Port], users: &[Port]) -> Result<()>;

    /// `spare` is a member of that group from now on, or is not any more; confirmed by all hosts.
    fn set_member(&mut self, spare: Port, present: bool) -> Result<()>;

    /// Restarts what tells `host` its flows; answers what is to be said about it.
    fn restart(&mut self, host: &lab::Host) -> Result<Restarted>;

    /// Makes `host`'s switch, which was started anew, able to take flows as they are dumped.
    fn prepare_switch(&self, host: &lab::Host) -> Result<()>;

    /// Ends, so that nobody touches flows any more; they stay.
    fn stop(&mut self) -> Result<()>;
}

/// What is known about a restart beside what pings tell. Seconds are since the end of what restarts.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Restarted {
    /// Until the last host has connected again, by all that it connects by. Before that it is a host's
    /// own patience that is measured.
    pub(crate) connected: Option<f64>,
    /// Until the lab's hosts are as they should be.
    pub(crate) in_sync: Option<f64>,
    /// Flow-mods sent to the host, where that is known.
    pub(crate) flow_mods: Option<u64>,
}

impl Restarted {
    /// The columns of a table of restarts.
    pub(crate) fn columns(self) -> Row {
        let Self { connected, in_sync, flow_mods } = self;
        let since = in_sync.zip(connected).map(|(in_sync, connected)| in_sync - connected);
        let cell = |value: Option<f64>| value.map_or(json!("–"), |value| json!(value));
        vec![
            ("last host connected after s", cell(connected)),
            ("in sync since then s", cell(since)),
            ("in sync after s", cell(in_sync)),
            ("flow-mods", flow_mods.map_or(json!("–"), |count| json!(count))),
        ]
    }
}
