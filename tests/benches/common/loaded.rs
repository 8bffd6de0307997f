//! An engine that has a fleet's model and has been told what the hosts report.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::num::NonZeroU32;
use std::path::Path;

use anyhow::Result;
use controller::engine::{Engine, HostReport, RemovalLimit};
use controller::limits::{Breaches, Gate, GateLimits, Protocol};
use controller::store::Retention;
use controller::switch::{Policy, Switches};
use openflow::PortNo;
use topology::intent::{Plan, Settings};
use topology::model::{Change, Port, Resource};
use topology::zone::Zones;

use super::fleet::{Size, host_id, port_id, port_number};

/// Ports of each host that it has interfaces for, and that are not made yet.
const TO_COME: u32 = 1_000;

/// An engine that has the model.
pub(crate) async fn engine(directory: &Path, size: Size) -> Result<Engine> {
    let (settings, zones) = (Settings::default(), Zones::default());
    let (engine, _) =
        Engine::start(directory, settings, zones, Retention::default(), RemovalLimit::default())?;
    let changes: Vec<_> = size.model().resources().map(Change::Put).collect();
    engine.write(move |_| Ok(Plan { changes, answer: () })).await?;
    Ok(engine)
}

/// Sessions with switches, as `weftd` has them unless it is told otherwise.
pub(crate) fn switches(engine: &Engine) -> Switches {
    let limits = GateLimits { total: 16, per_address: 16 };
    let gate = Gate::new(Protocol::OpenFlow, limits, Breaches::default());
    Switches::new(engine.clone(), NonZeroU32::MIN, Policy::default(), gate)
}

/// A host on loopback connects, and reports its ports and those that are to come. Its key is its datapath id.
pub(crate) async fn report(engine: &Engine, size: Size, host: u32) -> Result<()> {
    let own = (1..=size.ports).filter(|port| size.host_of(*port) == host_id(host));
    let to_come = (0..TO_COME).map(|number| new_port(size, host, number));
    let report = HostReport {
        system_id: host_id(host).to_string(),
        hostname: None,
        ovs_version: "3.1.0".to_owned(),
        tunnel_ip: Some([192, 0, 2, host as u8].into()),
        management_ips: BTreeSet::new(),
        bridge_mappings: BTreeMap::new(),
        datapath_id: Some(host.into()),
        vxlan_port: Some(PortNo(1)),
        uplinks: BTreeMap::new(),
        interfaces: own.chain(to_come).map(|key| (port_id(key), Some(port_number(key)))).collect(),
    };
    let at = Ipv4Addr::LOCALHOST.into();
    let identity = engine.identify(report.system_id.clone(), at).await?;
    engine.report(identity.connection, None, report).await?;
    Ok(())
}

/// The key of a port of `host` that is to come.
pub(crate) fn new_port(size: Size, host: u32, number: u32) -> u32 {
    size.ports + 1 + (host - 1) * TO_COME + number
}

/// Makes or changes a port.
pub(crate) async fn put(engine: &Engine, mut port: Port) -> Result<()> {
    let plan = move |revision| {
        port.meta.revision = revision;
        Plan { changes: vec![Change::Put(Resource::Port(port.into()))], answer: () }
    };
    engine.write(move |context| Ok(plan(context.revision))).await?;
    Ok(())
}
