//! Multipart messages to bytes and back: `struct ofp_multipart_request` and
//! `struct ofp_multipart_reply`, OpenFlow 1.3.5 §7.3.5.

use bytes::{BufMut, BytesMut};

use super::{
    AGGREGATE, AggregateStats, DESC, Desc, EXPERIMENTER, FLOW, FlowMonitorRequest, FlowStats,
    FlowStatsRequest, FlowUpdate, GROUP, GROUP_DESC, GROUP_FEATURES, GroupFeatures, GroupStats,
    METER, METER_CONFIG, METER_FEATURES, MeterFeatures, MeterStats, MultipartReply,
    MultipartReplyBody, MultipartRequest, MultipartRequestBody, PORT_DESC, PORT_STATS, Port,
    PortStats, QUEUE, QueueStats, QueueStatsRequest, TABLE, TABLE_FEATURES, TableFeatures,
    TableStats, group, meter,
};
use crate::message::experimenter::{Experimenter, ONF, put_header as put_experimenter};
use crate::wire::Reader;
use crate::{DecodeError, PortNo};

/// `ONFST_FLOW_MONITOR`.
const ONF_FLOW_MONITOR: u32 = 1870;

/// `OFPMPF_REQ_MORE`, `OFPMPF_REPLY_MORE`.
const MORE: u16 = 1;

impl MultipartRequest {
    pub(in crate::message) fn encode(&self, out: &mut BytesMut) {
        put_header(out, self.body.kind(), self.more);
        match &self.body {
            MultipartRequestBody::Flow(request) | MultipartRequestBody::Aggregate(request) => {
                request.encode(out);
            }
            MultipartRequestBody::PortStats(PortNo(number))
            | MultipartRequestBody::Group(number)
            | MultipartRequestBody::Meter(number)
            | MultipartRequestBody::MeterConfig(number) => {
                out.put_u32(*number);
                out.put_u32(0);
            }
            MultipartRequestBody::Queue(request) => request.encode(out),
            MultipartRequestBody::TableFeatures(tables) => {
                tables.iter().for_each(|it| it.encode(out));
            }
            MultipartRequestBody::FlowMonitor(monitors) => {
                put_experimenter(out, ONF, ONF_FLOW_MONITOR);
                monitors.iter().for_each(|it| it.encode(out));
            }
            MultipartRequestBody::Experimenter(it) => it.encode(out),
            MultipartRequestBody::Other { body, .. } => out.put_slice(body),
            MultipartRequestBody::Desc
            | MultipartRequestBody::Table
            | MultipartRequestBody::GroupDesc
            | MultipartRequestBody::GroupFeatures
            | MultipartRequestBody::MeterFeatures
            | MultipartRequestBody::PortDesc => {}
        }
    }

    pub(in crate::message) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (kind, more) = read_header(reader)?;
        let body = match kind {
            DESC => MultipartRequestBody::Desc,
            FLOW => MultipartRequestBody::Flow(FlowStatsRequest::decode(reader)?),
            AGGREGATE => MultipartRequestBody::Aggregate(FlowStatsRequest::decode(reader)?),
            TABLE => MultipartRequestBody::Table,
            PORT_STATS => MultipartRequestBody::PortStats(PortNo(read_padded(reader)?)),
            QUEUE => MultipartRequestBody::Queue(QueueStatsRequest::decode(reader)?),
            GROUP => MultipartRequestBody::Group(read_padded(reader)?),
            GROUP_DESC => MultipartRequestBody::GroupDesc,
            GROUP_FEATURES => MultipartRequestBody::GroupFeatures,
            METER => MultipartRequestBody::Meter(read_padded(reader)?),
            METER_CONFIG => MultipartRequestBody::MeterConfig(read_padded(reader)?),
            METER_FEATURES => MultipartRequestBody::MeterFeatures,
            TABLE_FEATURES => {
                MultipartRequestBody::TableFeatures(read_all(reader, TableFeatures::decode)?)
            }
            PORT_DESC => MultipartRequestBody::PortDesc,
            EXPERIMENTER => match Experimenter::header(reader)? {
                (ONF, ONF_FLOW_MONITOR) => {
                    let monitors = read_all(reader, FlowMonitorRequest::decode)?;
                    MultipartRequestBody::FlowMonitor(monitors)
                }
                whose => MultipartRequestBody::Experimenter(Experimenter::rest(whose, reader)),
            },
            kind => MultipartRequestBody::Other { kind, body: reader.rest_bytes() },
        };
        Ok(Self { more, body })
    }
}

impl MultipartReply {
    pub(in crate::message) fn encode(&self, out: &mut BytesMut) {
        put_header(out, self.body.kind(), self.more);
        match &self.body {
            MultipartReplyBody::Desc(desc) => desc.encode(out),
            MultipartReplyBody::Flow(flows) => flows.iter().for_each(|flow| flow.encode(out)),
            MultipartReplyBody::Aggregate(sum) => sum.encode(out),
            MultipartReplyBody::Table(tables) => tables.iter().for_each(|it| it.encode(out)),
            MultipartReplyBody::PortStats(ports) => ports.iter().for_each(|it| it.encode(out)),
            MultipartReplyBody::Queue(queues) => queues.iter().for_each(|it| it.encode(out)),
            MultipartReplyBody::Group(groups) => groups.iter().for_each(|it| it.encode(out)),
            MultipartReplyBody::GroupDesc(groups) => {
                groups.iter().for_each(|it| group::encode_desc(it, out));
            }
            MultipartReplyBody::GroupFeatures(features) => features.encode(out),
            MultipartReplyBody::Meter(meters) => meters.iter().for_each(|it| it.encode(out)),
            MultipartReplyBody::MeterConfig(meters) => {
                meters.iter().for_each(|it| meter::encode_config(it, out));
            }
            MultipartReplyBody::MeterFeatures(features) => features.encode(out),
            MultipartReplyBody::PortDesc(ports) => ports.iter().for_each(|it| it.encode(out)),
            MultipartReplyBody::TableFeatures(tables) => {
                tables.iter().for_each(|it| it.encode(out));
            }
            MultipartReplyBody::FlowMonitor(updates) => {
                put_experimenter(out, ONF, ONF_FLOW_MONITOR);
                updates.iter().for_each(|it| it.encode(out));
            }
            MultipartReplyBody::Experimenter(it) => it.encode(out),
            MultipartReplyBody::Other { body, .. } => out.put_slice(body),
        }
    }

    pub(in crate::message) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (kind, more) = read_header(reader)?;
        let body = match kind {
            DESC => MultipartReplyBody::Desc(Desc::decode(reader)?),
            FLOW => MultipartReplyBody::Flow(read_all(reader, FlowStats::decode)?),
            AGGREGATE => MultipartReplyBody::Aggregate(AggregateStats::decode(reader)?),
            TABLE => MultipartReplyBody::Table(read_all(reader, TableStats::decode)?),
            PORT_STATS => MultipartReplyBody::PortStats(read_all(reader, PortStats::decode)?),
            QUEUE => MultipartReplyBody::Queue(read_all(reader, QueueStats::decode)?),
            GROUP => MultipartReplyBody::Group(read_all(reader, GroupStats::decode)?),
            GROUP_DESC => MultipartReplyBody::GroupDesc(read_all(reader, group::decode_desc)?),
            GROUP_FEATURES => MultipartReplyBody::GroupFeatures(GroupFeatures::decode(reader)?),
            METER => MultipartReplyBody::Meter(read_all(reader, MeterStats::decode)?),
            METER_CONFIG => {
                MultipartReplyBody::MeterConfig(read_all(reader, meter::decode_config)?)
            }
            METER_FEATURES => MultipartReplyBody::MeterFeatures(MeterFeatures::decode(reader)?),
            TABLE_FEATURES => {
                MultipartReplyBody::TableFeatures(read_all(reader, TableFeatures::decode)?)
            }
            PORT_DESC => MultipartReplyBody::PortDesc(read_all(reader, Port::decode)?),
            EXPERIMENTER => match Experimenter::header(reader)? {
                (ONF, ONF_FLOW_MONITOR) => {
                    MultipartReplyBody::FlowMonitor(read_all(reader, FlowUpdate::decode)?)
                }
                whose => MultipartReplyBody::Experimenter(Experimenter::rest(whose, reader)),
            },
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

pub(super) fn read_all<T>(
    reader: &mut Reader<'_>,
    read: impl Fn(&mut Reader<'_>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let mut all = Vec::new();
    while !reader.is_empty() {
        all.push(read(reader)?);
    }
    Ok(all)
}
