//! Connections to be forgotten.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use crate::message::{CtFlush, CtTuple};
use crate::text::HexBytes;

const ICMP: u8 = 1;
const ICMP6: u8 = 58;

/// Writes the connections; what is not said of them as if it were zero.
pub(super) fn ct_flush(f: &mut fmt::Formatter<'_>, flush: &CtFlush) -> fmt::Result {
    let (orig, reply) = (&flush.orig, &flush.reply);
    let addresses = [orig.src, orig.dst, reply.src, reply.dst];
    let prefix = match addresses.into_iter().flatten().last() {
        Some(IpAddr::V4(_)) => "ct_nw",
        _ => "ct_ipv6",
    };
    write!(f, " zone={} '", flush.zone.unwrap_or_default())?;
    tuple(f, orig, prefix, flush.ip_proto)?;
    write!(f, ",ct_nw_proto={}' '", flush.ip_proto)?;
    tuple(f, reply, prefix, flush.ip_proto)?;
    f.write_str("'")?;
    let unknown = [&flush.other, &orig.other, &reply.other].into_iter().flatten();
    for (kind, value) in unknown {
        write!(f, " property {kind}={}", HexBytes(value))?;
    }
    Ok(())
}

fn tuple(f: &mut fmt::Formatter<'_>, tuple: &CtTuple, prefix: &str, ip_proto: u8) -> fmt::Result {
    let shown = |address: Option<IpAddr>| address.unwrap_or(Ipv6Addr::UNSPECIFIED.into());
    write!(f, "{prefix}_src={},{prefix}_dst={}", shown(tuple.src), shown(tuple.dst))?;
    if matches!(ip_proto, ICMP | ICMP6) {
        write!(f, ",icmp_id={}", tuple.icmp_id.unwrap_or_default())?;
        write!(f, ",icmp_type={}", tuple.icmp_type.unwrap_or_default())?;
        write!(f, ",icmp_code={}", tuple.icmp_code.unwrap_or_default())
    } else {
        write!(f, ",ct_tp_src={}", tuple.src_port.unwrap_or_default())?;
        write!(f, ",ct_tp_dst={}", tuple.dst_port.unwrap_or_default())
    }
}
