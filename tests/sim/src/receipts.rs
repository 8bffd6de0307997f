use std::collections::BTreeMap;

use controller::engine::{HostState, PortStatus, View};
use topology::model::{HostId, Port};

use crate::controller::Controller;
use crate::host::{Host, Hosts};
use crate::trace::Trace;

/// Looks, whenever somebody has got further, whether the switch has what its receipt says: until
/// the controller ends.
pub(crate) async fn watch_receipts(controller: Controller, hosts: Hosts, trace: Trace) {
    let engine = &controller.engine;
    let mut progress = engine.progress();
    let mut seen = BTreeMap::new();
    while progress.changed().await.is_ok() {
        let (hosts, trace) = (hosts.clone(), trace.clone());
        let looked = engine.read(move |view| {
            let mut seen: BTreeMap<HostId, u64> = seen;
            for host in hosts.iter() {
                look(view, host, &mut seen, &trace);
            }
            seen
        });
        match looked.await {
            Ok(looked) => seen = looked,
            Err(_) => return,
        }
    }
}

/// A host that has confirmed everything has everything: the engine stands still meanwhile, so this
/// is so at the moment of every receipt, or it is not.
fn look(view: &View<'_>, host: &Host, seen: &mut BTreeMap<HostId, u64>, trace: &Trace) {
    let Some(id) = view.model.host_by_system_id(&host.system_id()).map(|host| host.id) else {
        return;
    };
    if seen.get(&id) == Some(&view.revision) || host.is_disturbed() {
        return;
    }
    let status = view.host_status(id);
    if status.state != HostState::Ready || status.realized_revision != view.revision {
        return;
    }
    // What changes by port numbers alone has no revision: a port tells that its flows are on their
    // way, those on other hosts apart.
    let is_on_its_way = |port: &Port| match view.port_status(port) {
        (PortStatus::Building, reason) => !reason.starts_with("not confirmed by"),
        _ => false,
    };
    if view.model.ports_on(id).any(|port| is_on_its_way(port)) {
        return;
    }
    seen.insert(id, view.revision);
    trace.add((id, view.revision));
    for wanted in view.compiler.desired(id) {
        let id = wanted.flow.id();
        if host.switch.look(&id, |found| found != Some(&wanted.flow)) {
            let found = host.switch.look(&id, |found| found.map(ToString::to_string));
            let (number, revision, flow) = (host.number, view.revision, &wanted.flow);
            trace.wrong(format_args!(
                "host {number} has confirmed revision {revision}, and its switch has not: {flow}; \
                 in its place: {found:?}"
            ));
            return;
        }
    }
}
