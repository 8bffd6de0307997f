//! Nicira's actions that choose among links and change a packet's headers: ovs-actions(7).

use std::fmt;

use super::{Hex, HexBytes, List, Naming};
use crate::{Bundle, Encap, EncapProperty, HashFields, Multipath, MultipathAlgorithm, PacketType};

pub(super) fn multipath(f: &mut fmt::Formatter<'_>, multipath: &Multipath) -> fmt::Result {
    let Multipath { fields, basis, algorithm, max_link, arg, destination } = multipath;
    write!(
        f,
        "multipath({},{basis},{},{},{arg},{destination})",
        name_of(fields, &HashFields::ALL),
        name_of(algorithm, &MultipathAlgorithm::ALL),
        u32::from(*max_link) + 1
    )
}

pub(super) fn bundle(
    f: &mut fmt::Formatter<'_>,
    bundle: &Bundle,
    naming: Naming<'_>,
) -> fmt::Result {
    let Bundle { fields, basis, algorithm, members, destination } = bundle;
    f.write_str(if destination.is_some() { "bundle_load(" } else { "bundle(" })?;
    let fields = name_of(fields, &HashFields::ALL);
    let algorithm = name_of(algorithm, &crate::BundleAlgorithm::ALL);
    write!(f, "{fields},{basis},{algorithm},ofport,")?;
    if let Some(destination) = destination {
        write!(f, "{destination},")?;
    }
    f.write_str("members:")?;
    let mut list = List::new(f);
    members.iter().try_for_each(|&member| naming.port(list.next()?, member))?;
    f.write_str(")")
}

pub(super) fn encap(f: &mut fmt::Formatter<'_>, encap: &Encap) -> fmt::Result {
    write!(f, "encap({}", name_of(&encap.header, &crate::EncapHeader::ALL))?;
    if !encap.properties.is_empty() {
        f.write_str("(")?;
        let mut list = List::new(f);
        for property in &encap.properties {
            let f = list.next()?;
            match property {
                EncapProperty::NshMdType(md_type) => write!(f, "md_type={md_type}")?,
                EncapProperty::NshTlv { class, kind, value } => {
                    write!(f, "tlv({class:#06x},{kind},0x{})", HexBytes(value))?;
                }
            }
        }
        f.write_str(")")?;
    }
    f.write_str(")")
}

pub(super) fn decap(f: &mut fmt::Formatter<'_>, packet_type: PacketType) -> fmt::Result {
    if packet_type == PacketType::NEXT_PROTOCOL {
        return f.write_str("decap()");
    }
    let kind = Hex(u128::from(packet_type.kind()));
    write!(f, "decap(packet_type(ns={},type={kind}))", packet_type.namespace())
}

/// The name of a value that has one, as all of a closed set do.
fn name_of<T: Copy + PartialEq>(value: &T, names: &[(T, &'static str)]) -> &'static str {
    names.iter().find(|(known, _)| known == value).map_or("", |(_, name)| name)
}
