use super::Violations;
use super::meta::check_description;
use super::prefix::check_prefix;
use crate::model::{Direction, Ethertype, Icmp, PortRange, Remote, Rule, RuleId, Traffic};

/// A rule that a request asks for.
#[derive(Clone, Debug)]
pub struct RuleRequest {
    /// Which one.
    pub id: RuleIdRequest,
    /// At most [`MAX_DESCRIPTION`](super::MAX_DESCRIPTION) bytes without control characters but tabs and line ends.
    pub description: String,
    /// Which side begins the connections; required.
    pub direction: Option<Direction>,
    /// The IP version; when `None`, that of the prefix, of ICMP or of ICMPv6, and else IPv4.
    pub ethertype: Option<Ethertype>,
    /// The IP protocol, any when `None`.
    pub protocol: Option<u8>,
    /// The lowest port, 0 to 65535; only of TCP, UDP and SCTP.
    pub port_min: Option<u32>,
    /// The highest port; `port_min` when `None`.
    pub port_max: Option<u32>,
    /// The message's type, 0 to 255; only of ICMP and ICMPv6.
    pub icmp_type: Option<u32>,
    /// The code within the type, 0 to 255; any when `None`.
    pub icmp_code: Option<u32>,
    /// Who the peer may be; a group must be of the same project.
    pub remote: Remote,
    /// Whether connections that it allows are reported.
    pub log: bool,
}

/// How a request says which rule it means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RuleIdRequest {
    /// By a UUID that the client chose.
    Chosen(RuleId),
    /// By what it allows; a new rule gets this UUID.
    Fresh(RuleId),
}

impl RuleRequest {
    /// What the rule allows, or what is wrong with it.
    pub(super) fn traffic(&self) -> Result<Traffic, Violations> {
        let mut violations = Violations::new();
        if self.direction.is_none() {
            violations.add("direction", "is required");
        }
        check_description(&self.description, &mut violations);
        let ethertype = self.ethertype(&mut violations);
        let ports = self.ports(&mut violations);
        let icmp = self.icmp(&mut violations);
        match self.direction {
            Some(direction) if violations.is_empty() => {
                let (protocol, remote) = (self.protocol, self.remote);
                Ok(Traffic { direction, ethertype, protocol, ports, icmp, remote })
            }
            _ => Err(violations),
        }
    }

    /// Whether `rule`, which allows what this asks for, is it in all else.
    pub(super) fn is(&self, rule: &Rule) -> bool {
        let is_named = match self.id {
            RuleIdRequest::Chosen(id) => id == rule.id,
            RuleIdRequest::Fresh(_) => true,
        };
        is_named && self.description == rule.description && self.log == rule.log
    }

    fn ethertype(&self, violations: &mut Violations) -> Ethertype {
        let of_remote = match self.remote {
            Remote::Prefix(prefix) => Some(Ethertype::of(prefix)),
            Remote::Any | Remote::Group(_) | Remote::AddressGroup(_) => None,
        };
        let of_protocol = match self.protocol {
            Some(ICMP) => Some(Ethertype::Ipv4),
            Some(ICMPV6) => Some(Ethertype::Ipv6),
            _ => None,
        };
        let ethertype = self.ethertype.or(of_protocol).or(of_remote).unwrap_or(Ethertype::Ipv4);
        if of_protocol.is_some_and(|needed| needed != ethertype) {
            violations.add(
                "protocol",
                match ethertype {
                    Ethertype::Ipv4 => "ICMPv6 is of IPv6: expected ICMP with IPv4",
                    Ethertype::Ipv6 => "ICMP is of IPv4: expected ICMPv6 with IPv6",
                },
            );
        }
        if let Remote::Prefix(prefix) = self.remote {
            let field = "remote_ip_prefix";
            if Ethertype::of(prefix) != ethertype {
                let expected = match ethertype {
                    Ethertype::Ipv4 => "IPv4",
                    Ethertype::Ipv6 => "IPv6",
                };
                violations.add(field, format_args!("{prefix}: expected a prefix of {expected}"));
            } else if let Some(wrong) = check_prefix(prefix) {
                violations.add(field, wrong);
            }
        }
        ethertype
    }

    fn ports(&self, violations: &mut Violations) -> Option<PortRange> {
        let fields = [("port_min", self.port_min), ("port_max", self.port_max)];
        let has_ports = matches!(self.protocol, Some(TCP | UDP | SCTP));
        let [first, last] = fields.map(|(field, port)| {
            let port = port?;
            if !has_ports {
                violations.add(field, "only TCP, UDP and SCTP have ports: expected none");
                return None;
            }
            let number = u16::try_from(port).ok();
            if number.is_none() {
                violations.add(field, format_args!("{port}: expected 0 to {}", u16::MAX));
            }
            number
        });
        match (first, last) {
            (Some(first), None) => Some(PortRange { first, last: first }),
            (Some(first), Some(last)) if first <= last => Some(PortRange { first, last }),
            (Some(first), Some(last)) => {
                violations
                    .add("port_max", format_args!("{last}: expected {first} (port_min) or more"));
                None
            }
            (None, Some(_)) if self.port_min.is_none() => {
                violations.add("port_min", "is required with port_max");
                None
            }
            (None, _) => None,
        }
    }

    fn icmp(&self, violations: &mut Violations) -> Option<Icmp> {
        let fields = [("icmp_type", self.icmp_type), ("icmp_code", self.icmp_code)];
        let has_types = matches!(self.protocol, Some(ICMP | ICMPV6));
        let [icmp_type, code] = fields.map(|(field, number)| {
            let number = number?;
            if !has_types {
                violations.add(field, "only ICMP and ICMPv6 have types and codes: expected none");
                return None;
            }
            let byte = u8::try_from(number).ok();
            if byte.is_none() {
                violations.add(field, format_args!("{number}: expected 0 to {}", u8::MAX));
            }
            byte
        });
        if code.is_some() && self.icmp_type.is_none() {
            violations.add("icmp_type", "is required with icmp_code");
        }
        Some(Icmp { icmp_type: icmp_type?, code })
    }
}

/// IP protocol numbers (IANA, Assigned Internet Protocol Numbers).
const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;
const SCTP: u8 = 132;
