use std::collections::BTreeMap;

use openflow::message::FlowStats;
use proto::v1 as pb;
use proto::v1::port_counters::Drop;
use tonic::Status;
use topology::block::BlockId;
use topology::cookie::{BlockKind, Cookie};
use topology::model::{PortId, ResourceId};
use topology::pipeline::{Detail, Verdict};

use crate::api::{Api, status};
use crate::engine::Which;

impl Api {
    /// What the host of a port has counted of its packets.
    pub(super) async fn port_counters(&self, id: PortId) -> Result<pb::PortCounters, Status> {
        let found = self.engine.read(move |view| {
            let port = view.model.port(id).ok_or_else(|| status::unknown(ResourceId::Port(id)))?;
            let host = port.bound_host.and_then(|host| view.model.host(host));
            let host = host.ok_or_else(|| Status::unavailable("the port is on no host"))?;
            let block = BlockId::HostPort { host: host.meta.key, port: port.meta.key };
            Ok::<_, Status>((host.id, host.meta.name.clone(), block))
        });
        let (host, name, block) = found.await.map_err(status::stopped)??;
        let flows = self.engine.installed_flows(host, Which::Block(block)).await;
        let flows = flows.map_err(status::stopped)?.ok_or_else(|| {
            let gone = format!("host {name:?} is not connected, or went while it was asked");
            Status::unavailable(gone)
        })?;
        Ok(pb::PortCounters {
            port_id: id.0.to_string(),
            host: name,
            drops: drops(&flows),
            opened: packets(&flows, Detail::EgressNew),
            accepted: packets(&flows, Detail::IngressNew),
        })
    }
}

/// Every reason for which flows of a port drop packets, with what `flows` have counted.
fn drops(flows: &[FlowStats]) -> Vec<Drop> {
    let drops = Detail::all().filter(|detail| {
        detail.spec().kind == BlockKind::HostPort && detail.spec().verdict == Verdict::Drop
    });
    let mut drops: BTreeMap<Detail, Drop> = drops.map(|detail| (detail, none(detail))).collect();
    for flow in flows {
        let detail = Cookie(flow.flow.cookie).detail();
        if let Some(drop) = detail.and_then(|detail| drops.get_mut(&detail)) {
            drop.packets = drop.packets.saturating_add(flow.packet_count);
            drop.bytes = drop.bytes.saturating_add(flow.byte_count);
        }
    }
    drops.into_values().collect()
}

/// What the flows of one detail have counted.
fn packets(flows: &[FlowStats], detail: Detail) -> u64 {
    let flows = flows.iter().filter(|flow| Cookie(flow.flow.cookie).detail() == Some(detail));
    flows.fold(0, |sum, flow| sum.saturating_add(flow.packet_count))
}

fn none(detail: Detail) -> Drop {
    let spec = detail.spec();
    Drop {
        reason: detail.name().to_owned(),
        table: spec.table.name().to_owned(),
        explanation: spec.sentence.to_owned(),
        packets: 0,
        bytes: 0,
    }
}
