//! Requests and replies that may take several messages: OpenFlow 1.3.5 §7.3.5.

use bytes::Bytes;

use super::{Experimenter, Port};
use crate::{Group, Meter, PortNo};

mod codec;
mod desc;
mod flow;
mod flow_monitor;
mod group;
mod meter;
mod port_stats;
mod queue;
mod table;
mod table_features;

pub use desc::Desc;
pub use flow::{AggregateStats, FlowStats, FlowStatsRequest};
pub use flow_monitor::{FlowMonitorFlags, FlowMonitorRequest, FlowUpdate};
pub use group::{BucketCounter, GroupFeatures, GroupStats};
pub use meter::{MeterBandStats, MeterFeatures, MeterStats};
pub use port_stats::PortStats;
pub use queue::{QueueStats, QueueStatsRequest};
pub use table::TableStats;
pub use table_features::{FeatureId, FlowKind, OxmId, TableFeature, TableFeatures};

const DESC: u16 = 0;
const FLOW: u16 = 1;
const AGGREGATE: u16 = 2;
const TABLE: u16 = 3;
const PORT_STATS: u16 = 4;
const QUEUE: u16 = 5;
const GROUP: u16 = 6;
const GROUP_DESC: u16 = 7;
const GROUP_FEATURES: u16 = 8;
const METER: u16 = 9;
const METER_CONFIG: u16 = 10;
const METER_FEATURES: u16 = 11;
const TABLE_FEATURES: u16 = 12;
const PORT_DESC: u16 = 13;
const EXPERIMENTER: u16 = 0xffff;

/// Asks for statistics or descriptions: `struct ofp_multipart_request`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct MultipartRequest {
    /// More messages of this request follow, with the same xid.
    pub more: bool,
    /// What is asked for.
    pub body: MultipartRequestBody,
}

/// What a [`MultipartRequest`] asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum MultipartRequestBody {
    /// Maker and version: `OFPMP_DESC`.
    Desc,
    /// Flows with their counters: `OFPMP_FLOW`.
    Flow(FlowStatsRequest),
    /// The sum of flows' counters: `OFPMP_AGGREGATE`.
    Aggregate(FlowStatsRequest),
    /// Tables: `OFPMP_TABLE`.
    Table,
    /// Counters of one port, or of all ([`PortNo::ANY`]): `OFPMP_PORT_STATS`.
    PortStats(PortNo),
    /// Counters of queues: `OFPMP_QUEUE`.
    Queue(QueueStatsRequest),
    /// Counters of one group, or of all ([`Group::ALL`]): `OFPMP_GROUP`.
    Group(u32),
    /// All groups with their buckets: `OFPMP_GROUP_DESC`.
    GroupDesc,
    /// What groups the switch can have: `OFPMP_GROUP_FEATURES`.
    GroupFeatures,
    /// Counters of one meter, or of all ([`Meter::ALL`]): `OFPMP_METER`.
    Meter(u32),
    /// One meter with its bands, or all ([`Meter::ALL`]): `OFPMP_METER_CONFIG`.
    MeterConfig(u32),
    /// What meters the switch can have: `OFPMP_METER_FEATURES`.
    MeterFeatures,
    /// What all tables can do; with tables, changes them to that: `OFPMP_TABLE_FEATURES`.
    TableFeatures(Vec<TableFeatures>),
    /// All ports: `OFPMP_PORT_DESC`.
    PortDesc,
    /// Flows, and from then on every change to them: `ONFST_FLOW_MONITOR`.
    FlowMonitor(Vec<FlowMonitorRequest>),
    /// What an experimenter asks for: `OFPMP_EXPERIMENTER`.
    Experimenter(Experimenter),
    /// Any other type, as bytes.
    Other {
        /// `OFPMP_*`.
        kind: u16,
        /// What follows.
        body: Bytes,
    },
}

/// Statistics or descriptions, or a part of them: `struct ofp_multipart_reply`.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct MultipartReply {
    /// More messages of this reply follow, with the same xid.
    pub more: bool,
    /// The part.
    pub body: MultipartReplyBody,
}

/// What a [`MultipartReply`] tells.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum MultipartReplyBody {
    /// Maker and version.
    Desc(Desc),
    /// Flows with their counters.
    Flow(Vec<FlowStats>),
    /// The sum of flows' counters.
    Aggregate(AggregateStats),
    /// Tables.
    Table(Vec<TableStats>),
    /// Counters of ports.
    PortStats(Vec<PortStats>),
    /// Counters of queues.
    Queue(Vec<QueueStats>),
    /// Counters of groups.
    Group(Vec<GroupStats>),
    /// Groups with their buckets.
    GroupDesc(Vec<Group>),
    /// What groups the switch can have.
    GroupFeatures(GroupFeatures),
    /// Counters of meters.
    Meter(Vec<MeterStats>),
    /// Meters with their bands.
    MeterConfig(Vec<Meter>),
    /// What meters the switch can have.
    MeterFeatures(MeterFeatures),
    /// What tables can do.
    TableFeatures(Vec<TableFeatures>),
    /// Ports.
    PortDesc(Vec<Port>),
    /// What became of flows, oldest first.
    FlowMonitor(Vec<FlowUpdate>),
    /// What an experimenter tells.
    Experimenter(Experimenter),
    /// Any other type, as bytes.
    Other {
        /// `OFPMP_*`.
        kind: u16,
        /// What follows.
        body: Bytes,
    },
}

impl MultipartRequestBody {
    /// `OFPMP_*`.
    pub const fn kind(&self) -> u16 {
        match self {
            Self::Desc => DESC,
            Self::Flow(_) => FLOW,
            Self::Aggregate(_) => AGGREGATE,
            Self::Table => TABLE,
            Self::PortStats(_) => PORT_STATS,
            Self::Queue(_) => QUEUE,
            Self::Group(_) => GROUP,
            Self::GroupDesc => GROUP_DESC,
            Self::GroupFeatures => GROUP_FEATURES,
            Self::Meter(_) => METER,
            Self::MeterConfig(_) => METER_CONFIG,
            Self::MeterFeatures => METER_FEATURES,
            Self::TableFeatures(_) => TABLE_FEATURES,
            Self::PortDesc => PORT_DESC,
            Self::FlowMonitor(_) | Self::Experimenter(_) => EXPERIMENTER,
            Self::Other { kind, .. } => *kind,
        }
    }
}

impl MultipartReplyBody {
    /// `OFPMP_*`.
    pub const fn kind(&self) -> u16 {
        match self {
            Self::Desc(_) => DESC,
            Self::Flow(_) => FLOW,
            Self::Aggregate(_) => AGGREGATE,
            Self::Table(_) => TABLE,
            Self::PortStats(_) => PORT_STATS,
            Self::Queue(_) => QUEUE,
            Self::Group(_) => GROUP,
            Self::GroupDesc(_) => GROUP_DESC,
            Self::GroupFeatures(_) => GROUP_FEATURES,
            Self::Meter(_) => METER,
            Self::MeterConfig(_) => METER_CONFIG,
            Self::MeterFeatures(_) => METER_FEATURES,
            Self::TableFeatures(_) => TABLE_FEATURES,
            Self::PortDesc(_) => PORT_DESC,
            Self::FlowMonitor(_) | Self::Experimenter(_) => EXPERIMENTER,
            Self::Other { kind, .. } => *kind,
        }
    }
}

impl From<MultipartRequestBody> for MultipartRequest {
    /// The only message of its request.
    fn from(body: MultipartRequestBody) -> Self {
        Self { more: false, body }
    }
}
