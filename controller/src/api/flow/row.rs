use std::cmp::Ordering;
use std::sync::Arc;

use openflow::Flow;
use openflow::message::FlowStats;
use proto::v1 as pb;
use topology::block::BlockFlow;
use topology::pipeline::Table;

/// One flow of a listing.
#[derive(Debug)]
pub(super) enum Row {
    /// That the host should have.
    Desired(Arc<BlockFlow>),
    /// That its switch has.
    Installed(FlowStats),
}

impl Row {
    pub(super) fn flow(&self) -> &Flow {
        match self {
            Self::Desired(flow) => &flow.flow,
            Self::Installed(stats) => &stats.flow,
        }
    }

    /// By table, then descending priority, then match.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let (one, two) = (self.flow(), other.flow());
        let tables = one.table.cmp(&two.table);
        let matches = || one.matching.as_oxm_bytes().cmp(two.matching.as_oxm_bytes());
        tables.then(two.priority.cmp(&one.priority)).then_with(matches)
    }

    pub(super) fn answer(&self, owners: Vec<pb::ObjectReference>, explanation: String) -> pb::Flow {
        let flow = self.flow();
        let (packet_count, byte_count) = match self {
            Self::Desired(_) => (None, None),
            Self::Installed(stats) => (Some(stats.packet_count), Some(stats.byte_count)),
        };
        pb::Flow {
            text: flow.to_string(),
            cookie: flow.cookie,
            table_id: flow.table.into(),
            table_name: Table::from_number(flow.table)
                .map(|table| table.name().to_owned())
                .unwrap_or_default(),
            owners,
            explanation,
            packet_count,
            byte_count,
        }
    }
}
