//! Actions: ovs-actions(7).

use std::fmt;
use std::net::IpAddr;

use super::extension::{bundle, decap, encap, multipath};
use super::learn::learn;
use super::value::{ipv6_address, set_value, tun_metadata_name, tun_metadata_value};
use super::{Hex, HexBytes, List, Naming};
use crate::{
    Action, Controller, Ct, CtZone, Nat, PortNo, Resubmit, Sample, SampleDirection, Subfield,
};

/// The table that means none, or the current one.
const NO_TABLE: u8 = 255;

/// Writes actions with commas between, `drop` when there are none.
pub(super) fn actions(
    f: &mut fmt::Formatter<'_>,
    actions: &[Action],
    naming: Naming<'_>,
) -> fmt::Result {
    if actions.is_empty() {
        return f.write_str("drop");
    }
    let mut list = List::new(f);
    actions.iter().try_for_each(|it| action(list.next()?, it, naming))
}

pub(super) fn action(
    f: &mut fmt::Formatter<'_>,
    action: &Action,
    naming: Naming<'_>,
) -> fmt::Result {
    match action {
        Action::Output { port, max_len } => {
            if !port.is_reserved() {
                f.write_str("output:")?;
            }
            naming.port(f, *port)?;
            if *port == PortNo::CONTROLLER { write!(f, ":{max_len}") } else { Ok(()) }
        }
        Action::OutputReg { source, .. } => write!(f, "output:{source}"),
        Action::OutputTrunc { port, max_len } => {
            f.write_str("output(port=")?;
            naming.port(f, *port)?;
            write!(f, ",max_len={max_len})")
        }
        Action::Group(group) => write!(f, "group:{group}"),
        Action::SetQueue(queue) => write!(f, "set_queue:{queue}"),
        Action::PopQueue => f.write_str("pop_queue"),
        Action::PushVlan(ethertype) => write!(f, "push_vlan:{}", Hex(u128::from(*ethertype))),
        Action::PopVlan => f.write_str("pop_vlan"),
        Action::PushMpls(ethertype) => write!(f, "push_mpls:{ethertype:#06x}"),
        Action::PopMpls(ethertype) => write!(f, "pop_mpls:{ethertype:#06x}"),
        Action::SetMplsTtl(ttl) => write!(f, "set_mpls_ttl({ttl})"),
        Action::DecMplsTtl => f.write_str("dec_mpls_ttl"),
        Action::SetNwTtl(ttl) => write!(f, "mod_nw_ttl:{ttl}"),
        Action::DecNwTtl => f.write_str("dec_ttl"),
        Action::DecTtlCntIds(ids) => {
            f.write_str("dec_ttl(")?;
            let mut list = List::new(f);
            ids.iter().try_for_each(|id| write!(list.next()?, "{id}"))?;
            f.write_str(")")
        }
        Action::DecNshTtl => f.write_str("dec_nsh_ttl"),
        Action::SetField(oxm) => {
            f.write_str("set_field:")?;
            set_value(f, oxm, naming)?;
            match oxm.field.spec() {
                Some(spec) => write!(f, "->{}", spec.name),
                None => write!(f, "->{:?}", oxm.field),
            }
        }
        Action::SetTunMetadata(option) => {
            f.write_str("set_field:")?;
            tun_metadata_value(f, option)?;
            write!(f, "->{}", tun_metadata_name(option))
        }
        Action::Move { source, destination } => write!(f, "move:{source}->{destination}"),
        Action::Load { destination, value } => {
            write!(f, "load:{}->{destination}", Hex(u128::from(*value)))
        }
        Action::StackPush(source) => write!(f, "push:{source}"),
        Action::StackPop(destination) => write!(f, "pop:{destination}"),
        Action::CheckPktLarger { pkt_len, destination } => {
            write!(f, "check_pkt_larger({pkt_len})->{destination}")
        }
        Action::FinTimeout { idle_timeout, hard_timeout } => {
            f.write_str("fin_timeout(")?;
            let mut list = List::new(f);
            if *idle_timeout != 0 {
                write!(list.next()?, "idle_timeout={idle_timeout}")?;
            }
            if *hard_timeout != 0 {
                write!(list.next()?, "hard_timeout={hard_timeout}")?;
            }
            f.write_str(")")
        }
        Action::Multipath(it) => multipath(f, it),
        Action::Bundle(it) => bundle(f, it, naming),
        Action::Encap(it) => encap(f, it),
        Action::Decap(packet_type) => decap(f, *packet_type),
        Action::DeleteField(field) => match field.spec() {
            Some(spec) => write!(f, "delete_field:{}", spec.name),
            None => write!(f, "delete_field:{field:?}"),
        },
        Action::Sample(it) => sample(f, it, naming),
        Action::Learn(it) => learn(f, it, naming),
        Action::Resubmit(it) => resubmit(f, *it, naming),
        Action::Ct(it) => ct(f, it, naming),
        Action::Nat(it) => nat(f, it),
        Action::CtClear => f.write_str("ct_clear"),
        Action::Conjunction { id, clause, clauses } => {
            write!(f, "conjunction({id},{}/{clauses})", u16::from(*clause) + 1)
        }
        Action::Controller(it) => controller(f, it),
        Action::Clone(nested) => {
            f.write_str("clone(")?;
            actions(f, nested, naming)?;
            f.write_str(")")
        }
        Action::Exit => f.write_str("exit"),
        Action::Note(note) => {
            f.write_str("note:")?;
            dotted(f, note)
        }
        Action::Unknown(bytes) => write!(f, "raw({})", HexBytes(bytes)),
    }
}

impl fmt::Display for Subfield {
    /// `NXM_NX_REG0[]`, `NXM_NX_REG0[0..15]`, `NXM_NX_REG0[3]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let spec = self.field.spec();
        match spec {
            Some(spec) => f.write_str(spec.wire_name)?,
            None => write!(f, "{:?}", self.field)?,
        }
        if self.offset == 0 && spec.is_some_and(|spec| spec.bits == self.bits) {
            f.write_str("[]")
        } else if self.bits == 1 {
            write!(f, "[{}]", self.offset)
        } else {
            let end = u32::from(self.offset) + u32::from(self.bits);
            write!(f, "[{}..{}]", self.offset, end.saturating_sub(1))
        }
    }
}

fn resubmit(f: &mut fmt::Formatter<'_>, resubmit: Resubmit, naming: Naming<'_>) -> fmt::Result {
    let Resubmit { in_port, table, ct } = resubmit;
    if in_port != PortNo::IN_PORT && table == NO_TABLE {
        f.write_str("resubmit:")?;
        return naming.port(f, in_port);
    }
    f.write_str("resubmit(")?;
    if in_port != PortNo::IN_PORT {
        naming.port(f, in_port)?;
    }
    f.write_str(",")?;
    if table != NO_TABLE {
        naming.table(f, table)?;
    }
    f.write_str(if ct { ",ct)" } else { ")" })
}

fn ct(f: &mut fmt::Formatter<'_>, ct: &Ct, naming: Naming<'_>) -> fmt::Result {
    f.write_str("ct(")?;
    let mut list = List::new(f);
    if ct.flags & Ct::COMMIT != 0 {
        list.item("commit")?;
    }
    if ct.flags & Ct::FORCE != 0 {
        list.item("force")?;
    }
    if ct.recirc_table != NO_TABLE {
        let f = list.next()?;
        f.write_str("table=")?;
        naming.table(f, ct.recirc_table)?;
    }
    match ct.zone {
        CtZone::Immediate(0) => {}
        CtZone::Immediate(zone) => write!(list.next()?, "zone={zone}")?,
        CtZone::Field(source) => write!(list.next()?, "zone={source}")?,
    }
    // Translation that comes first stands outside of `exec`.
    let mut nested = ct.actions.as_slice();
    if let [Action::Nat(it), rest @ ..] = nested {
        nat(list.next()?, it)?;
        nested = rest;
    }
    if !nested.is_empty() {
        let f = list.next()?;
        f.write_str("exec(")?;
        actions(f, nested, naming)?;
        f.write_str(")")?;
    }
    match ct.alg {
        0 => {}
        21 => list.item("alg=ftp")?,
        69 => list.item("alg=tftp")?,
        alg => write!(list.next()?, "alg={alg}")?,
    }
    f.write_str(")")
}

fn nat(f: &mut fmt::Formatter<'_>, nat: &Nat) -> fmt::Result {
    f.write_str("nat")?;
    if nat.flags & (Nat::SRC | Nat::DST) == 0 {
        return Ok(());
    }
    f.write_str(if nat.flags & Nat::SRC != 0 { "(src" } else { "(dst" })?;
    if let Some(first) = nat.address_min {
        f.write_str("=")?;
        let bracket = nat.port_min.is_some();
        nat_address(f, first, bracket)?;
        if let Some(last) = nat.address_max.filter(|&last| last != first) {
            f.write_str("-")?;
            nat_address(f, last, bracket)?;
        }
        if let Some(first) = nat.port_min {
            write!(f, ":{first}")?;
            if let Some(last) = nat.port_max.filter(|&last| last != first) {
                write!(f, "-{last}")?;
            }
        }
    }
    for (flag, name) in
        [(Nat::PERSISTENT, "persistent"), (Nat::PROTO_HASH, "hash"), (Nat::PROTO_RANDOM, "random")]
    {
        if nat.address_min.is_some() && nat.flags & flag != 0 {
            write!(f, ",{name}")?;
        }
    }
    f.write_str(")")
}

fn nat_address(f: &mut fmt::Formatter<'_>, address: IpAddr, bracket: bool) -> fmt::Result {
    match address {
        IpAddr::V4(address) => write!(f, "{address}"),
        IpAddr::V6(address) if bracket => {
            f.write_str("[")?;
            ipv6_address(f, address)?;
            f.write_str("]")
        }
        IpAddr::V6(address) => ipv6_address(f, address),
    }
}

/// Why a packet comes to the controller, `OFPR_*`: OpenFlow 1.4 added the last three.
pub(super) const REASONS: &[(&str, u8)] = &[
    ("no_match", 0),
    ("action", 1),
    ("invalid_ttl", 2),
    ("action_set", 3),
    ("group", 4),
    ("packet_out", 5),
];

fn controller(f: &mut fmt::Formatter<'_>, controller: &Controller) -> fmt::Result {
    let Controller { max_len, controller_id, reason, userdata, pause, meter } = controller;
    let plain = Controller { max_len: *max_len, ..Controller::default() };
    if *controller == plain {
        return write!(f, "CONTROLLER:{max_len}");
    }
    f.write_str("controller(")?;
    let mut list = List::new(f);
    match *reason {
        Controller::REASON_ACTION => {}
        other => match REASONS.iter().find(|(_, reason)| *reason == other) {
            Some((name, _)) => write!(list.next()?, "reason={name}")?,
            None => write!(list.next()?, "reason={other}")?,
        },
    }
    if *max_len != u16::MAX {
        write!(list.next()?, "max_len={max_len}")?;
    }
    if *controller_id != 0 {
        write!(list.next()?, "id={controller_id}")?;
    }
    if !userdata.is_empty() {
        let f = list.next()?;
        f.write_str("userdata=")?;
        dotted(f, userdata)?;
    }
    if *pause {
        list.item("pause")?;
    }
    if let Some(meter) = meter {
        write!(list.next()?, "meter_id={meter}")?;
    }
    f.write_str(")")
}

/// Bytes with dots between: `01.02.03`.
fn dotted(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    let mut separator = "";
    for byte in bytes {
        write!(f, "{separator}{byte:02x}")?;
        separator = ".";
    }
    Ok(())
}

fn sample(f: &mut fmt::Formatter<'_>, sample: &Sample, naming: Naming<'_>) -> fmt::Result {
    write!(
        f,
        "sample(probability={},collector_set_id={},obs_domain_id={},obs_point_id={}",
        sample.probability, sample.collector_set_id, sample.obs_domain_id, sample.obs_point_id
    )?;
    if let Some(port) = sample.sampling_port {
        f.write_str(",sampling_port=")?;
        naming.port(f, port)?;
    }
    f.write_str(match sample.direction {
        SampleDirection::Default => ")",
        SampleDirection::Ingress => ",ingress)",
        SampleDirection::Egress => ",egress)",
    })
}
