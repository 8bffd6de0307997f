use std::borrow::Cow;

use crate::model::{Direction, Ethertype, Model, PortRange, Remote, Rule};

/// What a rule allows: "ingress IPv4 tcp 443 from 10.0.0.0/8".
pub fn in_words(model: &Model, rule: &Rule) -> String {
    let allows = &rule.allows;
    let (direction, preposition) = match allows.direction {
        Direction::Egress => ("egress", "to"),
        Direction::Ingress => ("ingress", "from"),
    };
    let version = match allows.ethertype {
        Ethertype::Ipv4 => "IPv4",
        Ethertype::Ipv6 => "IPv6",
    };
    let mut words: Vec<Cow<'_, str>> = vec![direction.into(), version.into()];
    words.extend(allows.protocol.map(protocol));
    words.extend(allows.ports.map(|PortRange { first, last }| {
        if first == last { first.to_string().into() } else { format!("{first}-{last}").into() }
    }));
    if let Some(icmp) = allows.icmp {
        words.push(format!("type {}", icmp.icmp_type).into());
        words.extend(icmp.code.map(|code| format!("code {code}").into()));
    }
    words.push(preposition.into());
    words.push(peer(model, allows.remote));
    words.join(" ")
}

fn protocol(number: u8) -> Cow<'static, str> {
    match number {
        1 => "icmp".into(),
        6 => "tcp".into(),
        17 => "udp".into(),
        58 => "icmpv6".into(),
        132 => "sctp".into(),
        number => format!("protocol {number}").into(),
    }
}

fn peer(model: &Model, remote: Remote) -> Cow<'static, str> {
    match remote {
        Remote::Any => "anywhere".into(),
        Remote::Prefix(prefix) => prefix.to_string().into(),
        Remote::Group(id) => match model.security_group(id) {
            Some(group) => format!("security group {:?}", group.meta.name).into(),
            None => format!("security group {id}, which does not exist").into(),
        },
        Remote::AddressGroup(id) => match model.address_group(id) {
            Some(group) => format!("address group {:?}", group.meta.name).into(),
            None => format!("address group {id}, which does not exist").into(),
        },
    }
}
