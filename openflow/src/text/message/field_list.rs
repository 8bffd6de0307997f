//! Lists of fields, shortened as `ovs-ofctl` shortens them: `reg0...reg15`, `eth_{src,dst,type}`.

use std::fmt;

use crate::Field;

/// Fields by their names, in Open vSwitch's order, with a space before each group; fields that have
/// no name come last.
pub(super) struct FieldList<'a>(pub(super) &'a [Field]);

impl fmt::Display for FieldList<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = self.0.iter().filter_map(|field| field.spec());
        let mut names: Vec<&str> = named.map(|spec| spec.name).collect();
        names.sort_by_key(|name| order(name));
        if !names.is_empty() {
            f.write_str(" ")?;
            groups(f, &names, 0)?;
        }
        let unnamed = self.0.iter().filter(|field| field.spec().is_none());
        unnamed.into_iter().try_for_each(|field| write!(f, " {field:?}"))
    }
}

/// Writes names without their first `prefix` bytes, which are all the same.
fn groups(f: &mut fmt::Formatter<'_>, mut names: &[&str], prefix: usize) -> fmt::Result {
    let separator = if prefix == 0 { " " } else { "," };
    for number in 0.. {
        let [first, ..] = names else { break };
        f.write_str(if number == 0 { "" } else { separator })?;
        let (like, more) = alike(names, prefix);
        let next = consecutive(names);
        let group = next.max(like);
        if next >= like {
            f.write_str(&first[prefix..])?;
            if group > 1 {
                write!(f, "...{}", &names[group - 1][prefix..])?;
            }
        } else {
            write!(f, "{}{{", &first[prefix..prefix + more])?;
            groups(f, &names[..group], prefix + more)?;
            f.write_str("}")?;
        }
        names = &names[group..];
    }
    Ok(())
}

/// How many names from the first on have numbers that follow upon each other; one instead of two.
fn consecutive(names: &[&str]) -> usize {
    let follows = |a: &&str, b: &&str| match (numbered(a), numbered(b)) {
        ((base, Some(a)), (other, Some(b))) => base == other && a.checked_add(1) == Some(b),
        _ => false,
    };
    match names.chunk_by(follows).next() {
        None | Some([_, _]) => 1,
        Some(run) => run.len(),
    }
}

/// How many names from the first on begin alike up to an underscore, behind `prefix`, and how many
/// bytes the first two have in common.
fn alike(names: &[&str], prefix: usize) -> (usize, usize) {
    let common = |other: &str| -> usize {
        let (a, b) = (&names[0].as_bytes()[prefix..], &other.as_bytes()[prefix..]);
        let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
        a[..same].iter().rposition(|&byte| byte == b'_').map_or(0, |at| at + 1)
    };
    let Some(more) = names.get(1).map(|other| common(other)).filter(|more| *more > 0) else {
        return (1, 0);
    };
    (1 + names[1..].iter().take_while(|other| common(other) > 0).count(), more)
}

/// A name without the number at its end, and that number.
fn numbered(name: &str) -> (&str, Option<u32>) {
    let base = name.trim_end_matches(|c: char| c.is_ascii_digit());
    (base, name[base.len()..].parse().ok())
}

/// What names are sorted by.
fn order(name: &str) -> (usize, Option<u32>) {
    match ORDER.iter().position(|known| *known == name) {
        Some(place) => (place, None),
        None => {
            let (base, number) = numbered(name);
            let place = ORDER.iter().position(|known| *known == base);
            (place.unwrap_or(ORDER.len()), number)
        }
    }
}

/// The names of fields, without the numbers that some end with, in the order of `enum mf_field_id`
/// of Open vSwitch's `meta-flow.h`.
const ORDER: &[&str] = &[
    "dp_hash",
    "recirc_id",
    "packet_type",
    "conj_id",
    "tun_id",
    "tun_src",
    "tun_dst",
    "tun_ipv6_src",
    "tun_ipv6_dst",
    "tun_flags",
    "tun_ttl",
    "tun_tos",
    "tun_gbp_id",
    "tun_gbp_flags",
    "tun_erspan_idx",
    "tun_erspan_ver",
    "tun_erspan_dir",
    "tun_erspan_hwid",
    "tun_gtpu_flags",
    "tun_gtpu_msgtype",
    "tun_metadata",
    "metadata",
    "in_port",
    "in_port_oxm",
    "actset_output",
    "skb_priority",
    "pkt_mark",
    "ct_state",
    "ct_zone",
    "ct_mark",
    "ct_label",
    "ct_nw_proto",
    "ct_nw_src",
    "ct_nw_dst",
    "ct_ipv6_src",
    "ct_ipv6_dst",
    "ct_tp_src",
    "ct_tp_dst",
    "reg",
    "xreg",
    "xxreg",
    "eth_src",
    "eth_dst",
    "eth_type",
    "vlan_tci",
    "vlan_vid",
    "vlan_pcp",
    "mpls_label",
    "mpls_tc",
    "mpls_bos",
    "mpls_ttl",
    "ip_src",
    "ip_dst",
    "ipv6_src",
    "ipv6_dst",
    "ipv6_label",
    "nw_proto",
    "nw_tos",
    "ip_dscp",
    "nw_ecn",
    "nw_ttl",
    "ip_frag",
    "arp_op",
    "arp_spa",
    "arp_tpa",
    "arp_sha",
    "arp_tha",
    "tcp_src",
    "tcp_dst",
    "tcp_flags",
    "udp_src",
    "udp_dst",
    "sctp_src",
    "sctp_dst",
    "icmp_type",
    "icmp_code",
    "icmpv6_type",
    "icmpv6_code",
    "nd_target",
    "nd_sll",
    "nd_tll",
    "nd_reserved",
    "nd_options_type",
    "nsh_flags",
    "nsh_mdtype",
    "nsh_np",
    "nsh_spi",
    "nsh_si",
    "nsh_c",
    "nsh_ttl",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_its_place() {
        for spec in Field::all() {
            assert!(order(spec.name).0 < ORDER.len(), "{}", spec.name);
        }
    }

    #[test]
    fn names_are_shortened() {
        let list = |fields: &[Field]| FieldList(fields).to_string();
        assert_eq!(list(&[]), "");
        assert_eq!(list(&[Field::REG1, Field::REG0]), " reg0 reg1");
        assert_eq!(list(&[Field::REG2, Field::REG1, Field::REG0]), " reg0...reg2");
        let ethernet = [Field::ETH_TYPE, Field::ETH_SRC, Field::IN_PORT, Field::ETH_DST];
        assert_eq!(list(&ethernet), " in_port_oxm eth_{src,dst,type}");
        let unknown = Field { class: 7, number: 9, experimenter: 0 };
        assert_eq!(list(&[unknown, Field::ARP_OP]), " arp_op oxm(0x0007,9,0x0)");
    }
}
