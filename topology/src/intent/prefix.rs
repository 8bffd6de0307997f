use std::net::Ipv6Addr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::Violations;

/// Adds a violation for a prefix that no subnet can have.
pub(super) fn check_cidr(cidr: IpNet, violations: &mut Violations) {
    if let Some(wrong) = check_prefix(cidr) {
        violations.add("cidr", wrong);
    }
    let shortest = match cidr {
        IpNet::V4(_) => SHORTEST_IPV4,
        IpNet::V6(_) => SHORTEST_IPV6,
    };
    if cidr.prefix_len() < shortest {
        let longest = cidr.max_prefix_len();
        violations.add("cidr", format_args!("{cidr}: expected /{shortest} to /{longest}"));
        return;
    }
    for (reserved, what) in reserved() {
        if reserved.contains(&cidr.trunc()) || cidr.contains(&reserved) {
            violations.add("cidr", format_args!("{cidr} overlaps {reserved}: {what}"));
        }
    }
}

/// What is wrong with a prefix that has host bits.
pub(super) fn check_prefix(prefix: IpNet) -> Option<String> {
    let expected = prefix.trunc();
    (prefix != expected).then(|| format!("{prefix} has host bits: expected {expected}"))
}

/// What no station can have (RFC 6890).
fn reserved() -> [(IpNet, &'static str); 10] {
    let v4 = |a, b, length| IpNet::V4(Ipv4Net::new_assert([a, b, 0, 0].into(), length));
    let v6 = |first: u16, last: u16, length| {
        IpNet::V6(Ipv6Net::new_assert([first, 0, 0, 0, 0, 0, 0, last].into(), length))
    };
    [
        (v4(0, 0, 8), "unspecified"),
        (v4(127, 0, 8), "loopback"),
        (v4(169, 254, 16), "link-local"),
        (v4(224, 0, 4), "multicast"),
        (v4(240, 0, 4), "reserved"),
        (v6(0, 0, 128), "unspecified"),
        (v6(0, 1, 128), "loopback"),
        (IpNet::V6(Ipv6Net::new_assert(MAPPED, 96)), "IPv4-mapped"),
        (v6(0xfe80, 0, 10), "link-local"),
        (v6(0xff00, 0, 8), "multicast"),
    ]
}

/// `::ffff:0.0.0.0`, RFC 4291 §2.5.5.2.
const MAPPED: Ipv6Addr = Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0);
/// The shortest prefix of an IPv4 subnet.
const SHORTEST_IPV4: u8 = 8;
/// The shortest prefix of an IPv6 subnet.
const SHORTEST_IPV6: u8 = 32;
