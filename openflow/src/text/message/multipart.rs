//! Multipart requests and replies.

use std::fmt;

use super::parts::{Duration, HexDump};
use super::{flow_monitor, group, meter, port, queue, table, table_features};

use crate::message::{
    FlowStats, FlowStatsRequest, MultipartReply, MultipartReplyBody, MultipartRequest,
    MultipartRequestBody,
};
use crate::text::{Naming, flow};
use crate::{Group, PortNo};

/// Writes a request; `title` writes everything up to the colon.
pub(super) fn request(
    f: &mut fmt::Formatter<'_>,
    request: &MultipartRequest,
    title: impl Fn(&mut fmt::Formatter<'_>, &str) -> fmt::Result,
) -> fmt::Result {
    let title = |f: &mut fmt::Formatter<'_>, name: &str| {
        title(f, &format!("{name} request"))?;
        f.write_str(if request.more { " flags=[more]" } else { "" })
    };
    match &request.body {
        MultipartRequestBody::Desc => title(f, "OFPST_DESC"),
        MultipartRequestBody::Flow(flows) => {
            title(f, "OFPST_FLOW")?;
            which_flows(f, flows)
        }
        MultipartRequestBody::Aggregate(flows) => {
            title(f, "OFPST_AGGREGATE")?;
            which_flows(f, flows)
        }
        MultipartRequestBody::Table => title(f, "OFPST_TABLE"),
        MultipartRequestBody::PortStats(port) => {
            title(f, "OFPST_PORT")?;
            write!(f, " port_no={port}")
        }
        MultipartRequestBody::Queue(request) => {
            title(f, "OFPST_QUEUE")?;
            queue::which(f, *request)
        }
        MultipartRequestBody::Group(group) => {
            title(f, "OFPST_GROUP")?;
            group::which(f, *group)
        }
        MultipartRequestBody::GroupDesc => {
            title(f, "OFPST_GROUP_DESC")?;
            group::which(f, Group::ALL)
        }
        MultipartRequestBody::GroupFeatures => title(f, "OFPST_GROUP_FEATURES"),
        MultipartRequestBody::Meter(meter) => {
            title(f, "OFPST_METER")?;
            meter::which(f, *meter)
        }
        MultipartRequestBody::MeterConfig(meter) => {
            title(f, "OFPST_METER_CONFIG")?;
            meter::which(f, *meter)
        }
        MultipartRequestBody::MeterFeatures => title(f, "OFPST_METER_FEATURES"),
        MultipartRequestBody::PortDesc => {
            title(f, "OFPST_PORT_DESC")?;
            write!(f, " port={}", PortNo::ANY)
        }
        MultipartRequestBody::FlowMonitor(monitors) => {
            title(f, "ONFST_FLOW_MONITOR")?;
            monitors.iter().try_for_each(|it| flow_monitor::request(f, it))
        }
        MultipartRequestBody::TableFeatures(tables) => {
            title(f, "OFPST_TABLE_FEATURES")?;
            table_features::all(f, tables)
        }
        MultipartRequestBody::Experimenter(it) => {
            let (whose, which) = (it.experimenter, it.exp_type);
            title(f, &format!("experimenter {whose:#010x}, multipart type {which}"))?;
            write!(f, " {} bytes\n{}", it.body.len(), HexDump(&it.body))
        }
        MultipartRequestBody::Other { kind, body } => {
            title(f, &format!("multipart type {kind}"))?;
            write!(f, " {} bytes\n{}", body.len(), HexDump(body))
        }
    }
}

/// Writes a reply; `title` writes everything up to the colon.
pub(super) fn reply(
    f: &mut fmt::Formatter<'_>,
    reply: &MultipartReply,
    title: impl Fn(&mut fmt::Formatter<'_>, &str) -> fmt::Result,
) -> fmt::Result {
    let title = |f: &mut fmt::Formatter<'_>, name: &str| {
        title(f, &format!("{name} reply"))?;
        f.write_str(if reply.more { " flags=[more]" } else { "" })
    };
    match &reply.body {
        MultipartReplyBody::Desc(desc) => {
            title(f, "OFPST_DESC")?;
            write!(f, "\nManufacturer: {}", desc.mfr_desc.text().escape_debug())?;
            write!(f, "\nHardware: {}", desc.hw_desc.text().escape_debug())?;
            write!(f, "\nSoftware: {}", desc.sw_desc.text().escape_debug())?;
            write!(f, "\nSerial Num: {}", desc.serial_num.text().escape_debug())?;
            write!(f, "\nDP Description: {}", desc.dp_desc.text().escape_debug())
        }
        MultipartReplyBody::Flow(flows) => {
            title(f, "OFPST_FLOW")?;
            flows.iter().try_for_each(|stats| flow_stats(f, stats))
        }
        MultipartReplyBody::Aggregate(sum) => {
            title(f, "OFPST_AGGREGATE")?;
            write!(f, " packet_count={} byte_count={}", sum.packet_count, sum.byte_count)?;
            write!(f, " flow_count={}", sum.flow_count)
        }
        MultipartReplyBody::Table(tables) => {
            title(f, "OFPST_TABLE")?;
            table::stats(f, tables)
        }
        MultipartReplyBody::PortStats(ports) => {
            title(f, "OFPST_PORT")?;
            write!(f, " {} ports", ports.len())?;
            ports.iter().try_for_each(|stats| {
                f.write_str("\n")?;
                port::stats(f, stats)
            })
        }
        MultipartReplyBody::Queue(queues) => {
            title(f, "OFPST_QUEUE")?;
            write!(f, " {} queues", queues.len())?;
            queues.iter().try_for_each(|it| queue::stats(f, it))
        }
        MultipartReplyBody::Group(groups) => {
            title(f, "OFPST_GROUP")?;
            group::stats(f, groups)
        }
        MultipartReplyBody::GroupDesc(groups) => {
            title(f, "OFPST_GROUP_DESC")?;
            group::descriptions(f, groups)
        }
        MultipartReplyBody::GroupFeatures(features) => {
            title(f, "OFPST_GROUP_FEATURES")?;
            group::features(f, features)
        }
        MultipartReplyBody::Meter(meters) => {
            title(f, "OFPST_METER")?;
            meter::stats(f, meters)
        }
        MultipartReplyBody::MeterConfig(meters) => {
            title(f, "OFPST_METER_CONFIG")?;
            meter::configs(f, meters)
        }
        MultipartReplyBody::MeterFeatures(features) => {
            title(f, "OFPST_METER_FEATURES")?;
            meter::features(f, features)
        }
        MultipartReplyBody::PortDesc(ports) => {
            title(f, "OFPST_PORT_DESC")?;
            let mut ports: Vec<_> = ports.iter().collect();
            ports.sort_by_key(|port| port.port_no.0);
            ports.into_iter().try_for_each(|it| {
                f.write_str("\n")?;
                port::description(f, it)
            })
        }
        MultipartReplyBody::FlowMonitor(updates) => {
            title(f, "ONFST_FLOW_MONITOR")?;
            updates.iter().try_for_each(|it| flow_monitor::update(f, it))
        }
        MultipartReplyBody::TableFeatures(tables) => {
            title(f, "OFPST_TABLE_FEATURES")?;
            table_features::all(f, tables)
        }
        MultipartReplyBody::Experimenter(it) => {
            let (whose, which) = (it.experimenter, it.exp_type);
            title(f, &format!("experimenter {whose:#010x}, multipart type {which}"))?;
            write!(f, " {} bytes\n{}", it.body.len(), HexDump(&it.body))
        }
        MultipartReplyBody::Other { kind, body } => {
            title(f, &format!("multipart type {kind}"))?;
            write!(f, " {} bytes\n{}", body.len(), HexDump(body))
        }
    }
}

fn which_flows(f: &mut fmt::Formatter<'_>, request: &FlowStatsRequest) -> fmt::Result {
    if request.table != 255 {
        write!(f, " table={}", request.table)?;
    }
    if request.out_port != PortNo::ANY {
        write!(f, " out_port={}", request.out_port)?;
    }
    if request.out_group != u32::MAX {
        write!(f, " out_group={}", request.out_group)?;
    }
    if request.cookie_mask != 0 {
        write!(f, " cookie={:#x}/{:#x}", request.cookie, request.cookie_mask)?;
    }
    let fields = request.matching.to_string();
    if fields.is_empty() { Ok(()) } else { write!(f, " {fields}") }
}

/// Writes a line of `dump-flows`, after a line end.
fn flow_stats(f: &mut fmt::Formatter<'_>, stats: &FlowStats) -> fmt::Result {
    let flow = &stats.flow;
    write!(f, "\n cookie={:#x}", flow.cookie)?;
    write!(f, ", duration={}", Duration(stats.duration_sec, stats.duration_nsec))?;
    write!(f, ", table={}, n_packets={}", flow.table, stats.packet_count)?;
    write!(f, ", n_bytes={}, ", stats.byte_count)?;
    flow::behind_table(f, flow, Naming(None))
}
