//! Requests and replies that may take several messages: OpenFlow 1.3.5 §7.3.5.

use bytes::{BufMut, Bytes, BytesMut};

use super::Port;
use crate::wire::Reader;
use crate::{DecodeError, Group, PortNo};

mod desc;
mod flow;
mod group;
mod port_stats;
mod table;

pub use desc::Desc;
pub use flow::{AggregateStats, FlowStats, FlowStatsRequest};
pub use group::{BucketCounter, GroupFeatures, GroupStats};
pub use port_stats::PortStats;
pub use table::TableStats;

const DESC: u16 = 0;
const FLOW: u16 = 1;
const AGGREGATE: u16 = 2;
const TABLE: u16 = 3;
const PORT_STATS: u16 = 4;
const GROUP: u16 = 6;
const GROUP_DESC: u16 = 7;
const GROUP_FEATURES: u16 = 8;
const PORT_DESC: u16 = 13;

/// `OFPMPF_REQ_MORE`, `OFPMPF_REPLY_MORE`.
const MORE: u16 = 1;

/// Asks for statistics or descriptions: `struct ofp_multipart_request`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct MultipartRequest {
    /// More messages of this request follow, with the same xid.
    pub more: bool,
    /// What is asked for.
    pub body: MultipartRequestBody,
}

/// What a [`MultipartRequest`] asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
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
    /// Counters of one group, or of all ([`Group::ALL`]): `OFPMP_GROUP`.
    Group(u32),
    /// All groups with their buckets: `OFPMP_GROUP_DESC`.
    GroupDesc,
    /// What groups the switch can have: `OFPMP_GROUP_FEATURES`.
    GroupFeatures,
    /// All ports: `OFPMP_PORT_DESC`.
    PortDesc,
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
pub struct MultipartReply {
    /// More messages of this reply follow, with the same xid.
    pub more: bool,
    /// The part.
    pub body: MultipartReplyBody,
}

/// What a [`MultipartReply`] tells.
#[derive(Clone, Debug, Eq, PartialEq)]
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
    /// Counters of groups.
    Group(Vec<GroupStats>),
    /// Groups with their buckets.
    GroupDesc(Vec<Group>),
    /// What groups the switch can have.
    GroupFeatures(GroupFeatures),
    /// Ports.
    PortDesc(Vec<Port>),
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
            Self::Group(_) => GROUP,
            Self::GroupDesc => GROUP_DESC,
            Self::GroupFeatures => GROUP_FEATURES,
            Self::PortDesc => PORT_DESC,
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
            Self::Group(_) => GROUP,
            Self::GroupDesc(_) => GROUP_DESC,
            Self::GroupFeatures(_) => GROUP_FEATURES,
            Self::PortDesc(_) => PORT_DESC,
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

impl MultipartRequest {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        put_header(out, self.body.kind(), self.more);
        match &self.body {
            MultipartRequestBody::Flow(request) | MultipartRequestBody::Aggregate(request) => {
                request.encode(out);
            }
            MultipartRequestBody::PortStats(PortNo(number))
            | MultipartRequestBody::Group(number) => {
                out.put_u32(*number);
                out.put_u32(0);
            }
            MultipartRequestBody::Other { body, .. } => out.put_slice(body),
            MultipartRequestBody::Desc
            | MultipartRequestBody::Table
            | MultipartRequestBody::GroupDesc
            | MultipartRequestBody::GroupFeatures
            | MultipartRequestBody::PortDesc => {}
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (kind, more) = read_header(reader)?;
        let body = match kind {
            DESC => MultipartRequestBody::Desc,
            FLOW => MultipartRequestBody::Flow(FlowStatsRequest::decode(reader)?),
            AGGREGATE => MultipartRequestBody::Aggregate(FlowStatsRequest::decode(reader)?),
            TABLE => MultipartRequestBody::Table,
            PORT_STATS => MultipartRequestBody::PortStats(PortNo(read_padded(reader)?)),
            GROUP => MultipartRequestBody::Group(read_padded(reader)?),
            GROUP_DESC => MultipartRequestBody::GroupDesc,
            GROUP_FEATURES => MultipartRequestBody::GroupFeatures,
            PORT_DESC => MultipartRequestBody::PortDesc,
            kind => MultipartRequestBody::Other { kind, body: reader.rest_bytes() },
        };
        Ok(Self { more, body })
    }
}

impl MultipartReply {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        put_header(out, self.body.kind(), self.more);
        match &self.body {
            MultipartReplyBody::Desc(desc) => desc.encode(out),
            MultipartReplyBody::Flow(flows) => flows.iter().for_each(|flow| flow.encode(out)),
            MultipartReplyBody::Aggregate(sum) => sum.encode(out),
            MultipartReplyBody::Table(tables) => tables.iter().for_each(|it| it.encode(out)),
            MultipartReplyBody::PortStats(ports) => ports.iter().for_each(|it| it.encode(out)),
            MultipartReplyBody::Group(groups) => groups.iter().for_each(|it| it.encode(out)),
            MultipartReplyBody::GroupDesc(groups) => {
                groups.iter().for_each(|it| group::encode_desc(it, out));
            }
            MultipartReplyBody::GroupFeatures(features) => features.encode(out),
            MultipartReplyBody::PortDesc(ports) => ports.iter().for_each(|it| it.encode(out)),
            MultipartReplyBody::Other { body, .. } => out.put_slice(body),
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (kind, more) = read_header(reader)?;
        let body = match kind {
            DESC => MultipartReplyBody::Desc(Desc::decode(reader)?),
            FLOW => MultipartReplyBody::Flow(read_all(reader, FlowStats::decode)?),
            AGGREGATE => MultipartReplyBody::Aggregate(AggregateStats::decode(reader)?),
            TABLE => MultipartReplyBody::Table(read_all(reader, TableStats::decode)?),
            PORT_STATS => MultipartReplyBody::PortStats(read_all(reader, PortStats::decode)?),
            GROUP => MultipartReplyBody::Group(read_all(reader, GroupStats::decode)?),
            GROUP_DESC => MultipartReplyBody::GroupDesc(read_all(reader, group::decode_desc)?),
            GROUP_FEATURES => MultipartReplyBody::GroupFeatures(GroupFeatures::decode(reader)?),
            PORT_DESC => MultipartReplyBody::PortDesc(read_all(reader, Port::decode)?),
            kind => MultipartReplyBody::Other { kind, body: reader.rest_bytes() },
        };
        Ok(Self { more, body })
    }
}

fn put_header(out: &mut BytesMut, kind: u16, more: bool) {
    out.put_u16(kind);
    out.put_u16(if more { MORE } else { 0 });
    out.put_u32(0);
}

fn read_header(reader: &mut Reader<'_>) -> Result<(u16, bool), DecodeError> {
    let kind = reader.u16()?;
    let flags = reader.u16()?;
    reader.skip(4)?;
    Ok((kind, flags & MORE != 0))
}

/// Reads a number and the four bytes of padding behind it.
fn read_padded(reader: &mut Reader<'_>) -> Result<u32, DecodeError> {
    let number = reader.u32()?;
    reader.skip(4)?;
    Ok(number)
}

fn read_all<T>(
    reader: &mut Reader<'_>,
    read: impl Fn(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let mut all = Vec::new();
    while !reader.is_empty() {
        all.push(read(reader)?);
    }
    Ok(all)
}
