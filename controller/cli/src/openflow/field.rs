//! `weft openflow explain-field`.

use std::io::Write;

use openflow::{Field, FieldSpec, Format as Value};
use serde::Serialize;

use crate::args::Format;
use crate::failure::Failure;

/// A field, for people and programs.
#[derive(Debug, Serialize)]
struct Explanation {
    name: &'static str,
    match_name: &'static str,
    wire_name: &'static str,
    class: String,
    number: u8,
    experimenter: String,
    bits: u16,
    maskable: bool,
    prerequisites: &'static str,
    format: &'static str,
}

/// Prints what is known about a field.
pub(super) fn explain(name: &str, format: Format, out: &mut dyn Write) -> Result<(), Failure> {
    let Some(spec) = find(name) else { return Err(Failure::Input(unknown(name))) };
    let explanation = Explanation {
        name: spec.name,
        match_name: spec.match_name,
        wire_name: spec.wire_name,
        class: format!("{:#06x}", spec.field.class),
        number: spec.field.number,
        experimenter: format!("{:#010x}", spec.field.experimenter),
        bits: spec.bits,
        maskable: spec.maskable,
        prerequisites: prerequisites(spec),
        format: value(spec.format),
    };
    if format == Format::Json {
        return Ok(writeln!(out, "{}", serde_json::to_string_pretty(&explanation)?)?);
    }
    let Explanation { class, number, experimenter, .. } = &explanation;
    let whose = if spec.field.class == 0xffff {
        format!(", experimenter {experimenter}")
    } else {
        String::new()
    };
    for (label, text) in [
        ("name", spec.name.to_owned()),
        ("in a match", spec.match_name.to_owned()),
        ("in move and load", spec.wire_name.to_owned()),
        ("on the wire", format!("class {class}, field {number}{whose}")),
        ("width", format!("{} bits", spec.bits)),
        ("mask", if spec.maskable { "yes" } else { "no" }.to_owned()),
        ("prerequisites", explanation.prerequisites.to_owned()),
        ("format", explanation.format.to_owned()),
    ] {
        writeln!(out, "{label:<18}{text}")?;
    }
    Ok(())
}

/// The names by which a field is found.
fn names(spec: &FieldSpec) -> [&'static str; 3] {
    [spec.name, spec.match_name, spec.wire_name]
}

/// Names that ovs-fields(7) has beside those that are printed.
const ALIASES: [(&str, &str); 9] = [
    ("tunnel_id", "tun_id"),
    ("ip_proto", "nw_proto"),
    ("ip_ecn", "nw_ecn"),
    ("nsp", "nsh_spi"),
    ("nsi", "nsh_si"),
    ("nshc1", "nsh_c1"),
    ("nshc2", "nsh_c2"),
    ("nshc3", "nsh_c3"),
    ("nshc4", "nsh_c4"),
];

/// Every field: those with a place in a canonical match, and the options of tunnels.
fn all() -> impl Iterator<Item = &'static FieldSpec> {
    Field::all().iter().chain((0..64).filter_map(|number| Field::tun_metadata(number).spec()))
}

/// The field whose own name this is, else the first one with it.
fn find(name: &str) -> Option<&'static FieldSpec> {
    let alias = ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(name));
    let name = alias.map_or(name, |(_, name)| name);
    (0..3).find_map(|at| all().find(|spec| names(spec)[at].eq_ignore_ascii_case(name)))
}

/// Says that a field is unknown, and which might be meant.
fn unknown(name: &str) -> String {
    let name = name.to_ascii_lowercase();
    let aliases = ALIASES.iter().map(|(alias, _)| *alias);
    let mut near: Vec<_> = all()
        .flat_map(names)
        .chain(aliases)
        .map(|known| (distance(&name, &known.to_ascii_lowercase()), known))
        .filter(|(distance, known)| *distance <= (known.len() / 3).max(1))
        .collect();
    near.sort_unstable();
    near.dedup();
    let near: Vec<_> = near.into_iter().take(4).map(|(_, known)| known).collect();
    match &near[..] {
        [] => format!("no field is named {name:?}"),
        near => format!("no field is named {name:?}: did you mean {}?", near.join(", ")),
    }
}

/// Letters to change, add or leave out, to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.bytes().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, right) in b.bytes().enumerate() {
            let changed = corner + usize::from(left != right);
            corner = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(corner + 1);
        }
    }
    row[b.len()]
}

/// What else a match with the field needs: ovs-fields(7).
fn prerequisites(spec: &FieldSpec) -> &'static str {
    match spec.name {
        "vlan_pcp" => "a VLAN tag",
        name if name.starts_with("mpls_") => "mpls or mplsm",
        "ip_src" | "ip_dst" => "ip",
        "ipv6_src" | "ipv6_dst" | "ipv6_label" => "ipv6",
        "ip_frag" | "nw_tos" | "ip_dscp" | "nw_ecn" | "nw_ttl" | "nw_proto" => "ip or ipv6",
        name if name.starts_with("tcp_") => "tcp or tcp6",
        name if name.starts_with("udp_") => "udp or udp6",
        name if name.starts_with("sctp_") => "sctp or sctp6",
        "icmp_type" | "icmp_code" => "icmp",
        "icmpv6_type" | "icmpv6_code" => "icmp6",
        "nd_target" | "nd_reserved" | "nd_options_type" => "icmp6, icmp_type=135 or 136",
        "nd_sll" => "icmp6, icmp_type=135",
        "nd_tll" => "icmp6, icmp_type=136",
        name if name.starts_with("nsh_") => "dl_type=0x894f",
        name if name.starts_with("arp_") => "arp or rarp",
        "ct_nw_src" | "ct_nw_dst" => "a ct_state with +trk, ip",
        "ct_ipv6_src" | "ct_ipv6_dst" => "a ct_state with +trk, ipv6",
        "ct_nw_proto" => "a ct_state with +trk, ip or ipv6",
        "ct_tp_src" | "ct_tp_dst" => "a ct_state with +trk, ct_nw_proto of TCP, UDP or SCTP",
        _ => "none",
    }
}

/// How a value is written.
fn value(format: Value) -> &'static str {
    match format {
        Value::Decimal => "decimal number",
        Value::Hexadecimal => "hexadecimal number",
        Value::Mac => "Ethernet address",
        Value::Ipv4 => "IPv4 address",
        Value::Ipv6 => "IPv6 address",
        Value::Port => "OpenFlow port: number or name",
        Value::CtState => "conntrack states: +new-est…",
        Value::TcpFlags => "TCP flags: +syn-ack…",
        Value::Frag => "no, yes, first, later or not_later",
        Value::TunFlags => "tunnel flags: oam",
        Value::PacketType => "(NAMESPACE,TYPE)",
        #[allow(unreachable_patterns, reason = "formats may be added")]
        _ => "as ovs-fields(7) says",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_each_of_its_names() {
        for spec in all() {
            assert_eq!(find(spec.name), Some(spec));
            assert!(names(spec).into_iter().all(|name| find(name).is_some()));
        }
        for (alias, name) in ALIASES {
            assert_eq!(find(alias).map(|spec| spec.name), Some(name));
        }
        assert_eq!(find("NXM_of_eth_dst").map(|spec| spec.name), Some("eth_dst"));
    }

    #[test]
    fn what_is_near_is_suggested() {
        assert!(unknown("ct_stat").contains("ct_state"));
        assert_eq!(unknown("whatever"), "no field is named \"whatever\"");
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
