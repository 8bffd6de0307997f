//! Who is there and who may do what: hello, error, features, configuration, roles.

use std::fmt;

use super::group::group_mod;
use super::meter::meter_mod;
use super::parts::{Bits, HexDump, Reason};
use crate::message::{
    ControllerRole, ErrorMessage, FeaturesReply, Hello, Message, Requestforward, Role, RoleStatus,
    SwitchConfig,
};

pub(super) fn hello(f: &mut fmt::Formatter<'_>, hello: &Hello) -> fmt::Result {
    let versions = (0_usize..).zip(&hello.bitmap).flat_map(|(word, bits)| {
        (0..32).filter(move |bit| bits & 1 << bit != 0).map(move |bit| word * 32 + bit)
    });
    for (at, version) in versions.enumerate() {
        f.write_str(if at == 0 { "\n version bitmap: " } else { ", " })?;
        write!(f, "{version:#04x}")?;
    }
    Ok(())
}

pub(super) fn error(f: &mut fmt::Formatter<'_>, error: &ErrorMessage) -> fmt::Result {
    write!(f, " {}", error.code)?;
    if error.code.kind == 0 && !error.text().is_empty() {
        return write!(f, "\n{}", error.text());
    }
    match (error.offending_message(), error.offending_header()) {
        (Some(message), Some(header)) => write!(f, "\n{}", message.display(header.xid)),
        _ if error.data.is_empty() => Ok(()),
        _ => write!(f, "\n{}", HexDump(&error.data)),
    }
}

pub(super) fn features(f: &mut fmt::Formatter<'_>, features: &FeaturesReply) -> fmt::Result {
    write!(f, " dpid:{:016x}", features.datapath_id)?;
    write!(f, "\nn_tables:{}, n_buffers:{}", features.n_tables, features.n_buffers)?;
    if features.auxiliary_id != 0 {
        write!(f, ", auxiliary_id:{}", features.auxiliary_id)?;
    }
    write!(f, "\ncapabilities: {}", Bits(features.capabilities, CAPABILITIES))
}

const CAPABILITIES: &[(u32, &str)] = &[
    (1, "FLOW_STATS"),
    (1 << 1, "TABLE_STATS"),
    (1 << 2, "PORT_STATS"),
    (1 << 3, "GROUP_STATS"),
    (1 << 5, "IP_REASM"),
    (1 << 6, "QUEUE_STATS"),
    (1 << 8, "PORT_BLOCKED"),
];

pub(super) fn config(f: &mut fmt::Formatter<'_>, config: SwitchConfig) -> fmt::Result {
    match config.flags & 3 {
        0 => f.write_str(" frags=normal")?,
        1 => f.write_str(" frags=drop")?,
        2 => f.write_str(" frags=reassemble")?,
        _ => f.write_str(" frags=nx-match")?,
    }
    write!(f, " miss_send_len={}", config.miss_send_len)
}

pub(super) fn role(f: &mut fmt::Formatter<'_>, role: Role, with_generation: bool) -> fmt::Result {
    f.write_str(match role.role {
        ControllerRole::NoChange => " role=nochange",
        ControllerRole::Equal => " role=equal",
        ControllerRole::Primary => " role=primary",
        ControllerRole::Secondary => " role=secondary",
    })?;
    if with_generation { write!(f, " generation_id={}", role.generation_id) } else { Ok(()) }
}

pub(super) fn role_status(f: &mut fmt::Formatter<'_>, status: &RoleStatus) -> fmt::Result {
    let RoleStatus { role: it, generation_id, .. } = *status;
    role(f, Role { role: it, generation_id }, generation_id != u64::MAX)?;
    write!(f, " reason={}", Reason(status.reason, ROLE_CHANGED))?;
    match &status.properties[..] {
        [] => Ok(()),
        properties => write!(f, "\n{}", HexDump(properties)),
    }
}

/// `OFPCRR_*`.
pub(super) const ROLE_CHANGED: &[&str] =
    &["primary_request", "configuration_changed", "experimenter_data_changed"];

pub(super) fn requestforward(f: &mut fmt::Formatter<'_>, forward: &Requestforward) -> fmt::Result {
    match forward.decode_request() {
        Ok((_, Message::GroupMod(it))) => {
            f.write_str(" reason=group_mod")?;
            group_mod(f, &it)
        }
        Ok((_, Message::MeterMod(it))) => {
            f.write_str(" reason=meter_mod")?;
            meter_mod(f, &it)
        }
        Ok((xid, other)) => write!(f, "\n{}", other.display(xid)),
        Err(error) => write!(f, "\n{error}\n{}", HexDump(&forward.request)),
    }
}
