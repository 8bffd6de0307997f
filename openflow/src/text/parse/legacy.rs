//! Actions of OpenFlow 1.0 that `ovs-ofctl` still takes: each stands for one or more of today's.

use super::action::separated;
use super::field::set_whole;
use super::names::port;
use super::scope::Scope;
use super::{Parsed, complete, fail, integer, number};
use crate::{Action, Field, Oxm, PortNo};

const TCP: u8 = 6;
const UDP: u8 = 17;
const SCTP: u8 = 132;

/// Reads the argument of the action `name` and adds the actions that it stands for; `None` when
/// there is no such action.
pub(super) fn legacy<'a>(
    name: &str,
    input: &'a str,
    scope: &Scope<'_>,
    actions: &mut Vec<Action>,
) -> Option<Parsed<'a, ()>> {
    let field = match (name, scope.protocol()) {
        ("mod_dl_src", _) => Field::ETH_SRC,
        ("mod_dl_dst", _) => Field::ETH_DST,
        ("mod_nw_src", _) => Field::IPV4_SRC,
        ("mod_nw_dst", _) => Field::IPV4_DST,
        ("mod_nw_ecn", _) => Field::IP_ECN,
        ("mod_tp_src", Some(TCP)) => Field::TCP_SRC,
        ("mod_tp_dst", Some(TCP)) => Field::TCP_DST,
        ("mod_tp_src", Some(UDP)) => Field::UDP_SRC,
        ("mod_tp_dst", Some(UDP)) => Field::UDP_DST,
        ("mod_tp_src", Some(SCTP)) => Field::SCTP_SRC,
        ("mod_tp_dst", Some(SCTP)) => Field::SCTP_DST,
        ("mod_tp_src" | "mod_tp_dst", _) => {
            return Some(fail(input, "the action in a flow whose protocol has ports"));
        }
        ("set_tunnel" | "set_tunnel64", _) => Field::TUN_ID,
        ("set_mpls_label", _) => Field::MPLS_LABEL,
        ("set_mpls_tc", _) => Field::MPLS_TC,
        ("mod_nw_tos", _) => return Some(type_of_service(input, actions)),
        ("mod_vlan_vid" | "set_vlan_vid", _) => {
            return Some(tag(name, Field::VLAN_VID, 0xfff, input, scope, actions));
        }
        ("mod_vlan_pcp" | "set_vlan_pcp", _) => {
            return Some(tag(name, Field::VLAN_PCP, 7, input, scope, actions));
        }
        ("enqueue", _) => return Some(enqueue(input, scope, actions)),
        _ => return None,
    };
    Some(separated(input, |value| set_whole(field, value)).map(|(rest, action)| {
        actions.push(action);
        (rest, ())
    }))
}

/// The six bits of a type of service that are its class, in their place among eight.
fn type_of_service<'a>(input: &'a str, actions: &mut Vec<Action>) -> Parsed<'a, ()> {
    separated(input, |value| {
        let tos = complete(value, |text| number(text, 0xff))?;
        if tos & 3 != 0 {
            return fail(value, "a multiple of 4");
        }
        actions.push(Action::set_field(Field::IP_DSCP, tos >> 2));
        Ok(())
    })
}

/// A part of the VLAN tag. `mod_…` pushes a tag where there is none for sure; `set_…`, which says
/// that there must be one, is refused there, as a switch would.
fn tag<'a>(
    name: &str,
    field: Field,
    max: u128,
    input: &'a str,
    scope: &Scope<'_>,
    actions: &mut Vec<Action>,
) -> Parsed<'a, ()> {
    const PRESENT: u128 = 0x1000;
    separated(input, |value| {
        let number = complete(value, |text| number(text, max))?;
        if !scope.is_tagged() {
            if name.starts_with("set_") {
                return fail(input, "the action on a packet with a VLAN tag");
            }
            actions.push(Action::PushVlan(0x8100));
        }
        scope.set_tagged(true);
        let present = if field == Field::VLAN_VID { PRESENT } else { 0 };
        actions.push(Action::SetField(Oxm::exact(field, present | number)));
        Ok(())
    })
}

/// `enqueue(PORT,QUEUE)` or `enqueue:PORT:QUEUE`: an output between two changes of the queue.
fn enqueue<'a>(input: &'a str, scope: &Scope<'_>, actions: &mut Vec<Action>) -> Parsed<'a, ()> {
    let end = |rest: &'a str| match input.strip_prefix('(') {
        Some(_) => match rest.strip_prefix(')') {
            Some(rest) => Ok(rest),
            None => fail(rest, "`)`"),
        },
        None => Ok(rest),
    };
    let Some(at) = input.strip_prefix(['(', ':']) else { return fail(input, "`(` or `:`") };
    let (rest, port): (_, PortNo) = port(at, scope.naming())?;
    let Some(at) = rest.strip_prefix([',', ':']) else { return fail(rest, "`,` or `:`") };
    let (rest, queue) = integer(at)?;
    actions.extend([Action::SetQueue(queue), Action::output(port), Action::PopQueue]);
    Ok((end(rest)?, ()))
}
