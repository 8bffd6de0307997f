use openflow::{Action, Ct, CtZone, Field, Flow, Instruction, PortNo, Subfield};

use super::{Detail, Register, Table, TableSpec, Verdict};
use crate::cookie::Cookie;

/// A flow that the pipeline's definition does not allow.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Violation {
    /// The table is not one of the pipeline's.
    #[error("there is no table {0}")]
    Table(u8),
    /// The cookie has an unknown kind or detail.
    #[error("{0} is no cookie of Weft's")]
    Cookie(Cookie),
    /// The cookie's detail belongs elsewhere.
    #[error(
        "{detail:?} is for table {wanted}, priority {wanted_priority}; the flow has table {table}, priority {priority}"
    )]
    Place {
        /// The detail.
        detail: Detail,
        /// The detail's table.
        wanted: &'static str,
        /// The detail's priority.
        wanted_priority: u16,
        /// The flow's table.
        table: &'static str,
        /// The flow's priority.
        priority: u16,
    },
    /// The table does not match this field.
    #[error("table {table} does not match {field:?}")]
    Match {
        /// The table.
        table: &'static str,
        /// The field.
        field: Field,
    },
    /// The table does not set this field.
    #[error("table {table} does not set {field:?}")]
    Rewrite {
        /// The table.
        table: &'static str,
        /// The field.
        field: Field,
    },
    /// The table does not copy this field.
    #[error("table {table} does not copy {field:?}")]
    Copy {
        /// The table.
        table: &'static str,
        /// The field.
        field: Field,
    },
    /// The table does not go on to that one.
    #[error("table {table} does not go on to table {next}")]
    Next {
        /// The table.
        table: &'static str,
        /// Where the flow goes.
        next: u8,
    },
    /// The table sends nothing out of a port, or not out of this one.
    #[error("table {table} does not output to {port}")]
    Output {
        /// The table.
        table: &'static str,
        /// Where the flow outputs.
        port: PortNo,
    },
    /// An action or instruction that the pipeline does not use.
    #[error("table {table} does not use {what}")]
    Unused {
        /// The table.
        table: &'static str,
        /// The action or instruction.
        what: String,
    },
    /// The detail says that packets are dropped and the flow does something, or the reverse.
    #[error("{detail:?} should {verdict:?}")]
    Verdict {
        /// The detail.
        detail: Detail,
        /// What should become of packets.
        verdict: Verdict,
    },
}

/// Checks that the definition allows `flow`.
///
/// # Errors
///
/// The first thing found that it does not allow.
pub fn check(flow: &Flow) -> Result<(), Violation> {
    let table = Table::from_number(flow.table).ok_or(Violation::Table(flow.table))?;
    let spec = table.spec();
    let cookie = Cookie(flow.cookie);
    let detail = cookie.detail().ok_or(Violation::Cookie(cookie))?;
    let wanted = detail.spec();
    if wanted.table != table || wanted.priority != flow.priority {
        return Err(Violation::Place {
            detail,
            wanted: wanted.table.name(),
            wanted_priority: wanted.priority,
            table: spec.name,
            priority: flow.priority,
        });
    }
    if let Some(oxm) = flow.matching.fields().find(|oxm| !spec.matches.contains(&oxm.field)) {
        return Err(Violation::Match { table: spec.name, field: oxm.field });
    }
    if (wanted.verdict == Verdict::Drop) != flow.instructions.is_empty() {
        return Err(Violation::Verdict { detail, verdict: wanted.verdict });
    }
    for instruction in &flow.instructions {
        match instruction {
            Instruction::GotoTable(next) => check_next(table, *next)?,
            Instruction::ApplyActions(actions) => {
                actions.iter().try_for_each(|action| check_action(table, action))?;
            }
            other => {
                return Err(Violation::Unused { table: spec.name, what: format!("{other:?}") });
            }
        }
    }
    Ok(())
}

fn check_next(table: Table, next: u8) -> Result<(), Violation> {
    let allowed = Table::from_number(next).is_some_and(|next| table.spec().next.contains(&next));
    let forward = next > table.number();
    if allowed && forward { Ok(()) } else { Err(Violation::Next { table: table.name(), next }) }
}

fn check_action(table: Table, action: &Action) -> Result<(), Violation> {
    let spec = table.spec();
    match action {
        Action::SetField(oxm) => check_rewrite(spec, oxm.field),
        Action::Move { source, destination } => {
            let read = spec.reads.iter().any(|register| register.field == source.field);
            if !read && !spec.copies.contains(&source.field) {
                return Err(Violation::Copy { table: spec.name, field: source.field });
            }
            check_rewrite(spec, destination.field)
        }
        Action::Resubmit(resubmit) => check_next(table, resubmit.table),
        Action::Ct(ct) if spec.tracks && is_plain(ct) => check_next(table, ct.recirc_table),
        // Without a meter, whoever sends the packets decides how many the controller gets.
        Action::Controller(controller) if spec.logs && controller.meter.is_some() => Ok(()),
        Action::PushVlan(_) if spec.rewrites.contains(&Field::VLAN_VID) => Ok(()),
        Action::PopVlan if spec.matches.contains(&Field::VLAN_VID) => Ok(()),
        Action::Output { port, .. } => {
            let known = port.0 < PortNo::IN_PORT.0 || *port == PortNo::IN_PORT;
            if spec.outputs && known {
                Ok(())
            } else {
                Err(Violation::Output { table: spec.name, port: *port })
            }
        }
        other => Err(Violation::Unused { table: spec.name, what: format!("{other:?}") }),
    }
}

/// Conntrack in the zone of the port that the packet is judged for, and nothing else. Always with a
/// table to go on to: without, what conntrack lets go of beside the packet itself goes unseen.
fn is_plain(ct: &Ct) -> bool {
    let zone = Subfield { field: Register::ZONE.field, offset: 0, bits: 16 };
    ct.zone == CtZone::Field(zone)
        && ct.flags & !Ct::COMMIT == 0
        && ct.alg == 0
        && ct.actions.is_empty()
}

fn check_rewrite(spec: &TableSpec, field: Field) -> Result<(), Violation> {
    let register = spec.writes.iter().any(|register| register.field == field);
    if register || spec.rewrites.contains(&field) {
        Ok(())
    } else {
        Err(Violation::Rewrite { table: spec.name, field })
    }
}

#[cfg(test)]
mod tests {
    use openflow::{Controller, Match};

    use super::*;
    use crate::key::Key;

    /// A flow that is in order: what comes in by port 7 goes to the guard.
    fn classify(actions: Vec<Action>, next: Table) -> Flow {
        Flow {
            table: 0,
            priority: 100,
            cookie: Cookie::new(Detail::ClassifyPort, Key::NONE, Key::NONE).0,
            matching: Match::new().with(Field::IN_PORT, PortNo(7)),
            instructions: vec![
                Instruction::ApplyActions(actions),
                Instruction::GotoTable(next.number()),
            ],
            ..Flow::default()
        }
    }

    fn in_order() -> Flow {
        classify(vec![Action::set_field(Field::REG1, 7u32)], Table::Guard)
    }

    #[test]
    fn what_is_defined_is_allowed() {
        assert_eq!(check(&in_order()), Ok(()));
    }

    #[test]
    fn what_is_not_is_refused() {
        let refused = |flow: Flow| check(&flow).unwrap_err().to_string();
        let cases = [
            (Flow { table: 3, ..in_order() }, "there is no table 3"),
            (Flow { cookie: 0, ..in_order() }, "0x0 is no cookie of Weft's"),
            (
                Flow { priority: 1, ..in_order() },
                "ClassifyPort is for table classify, priority 100; the flow has table classify, priority 1",
            ),
            (
                Flow { matching: Match::new().with(Field::REG0, 1u32), ..in_order() },
                "table classify does not match NXM_NX_REG0",
            ),
            (Flow { instructions: vec![], ..in_order() }, "ClassifyPort should Pass"),
            (
                Flow { instructions: vec![Instruction::ClearActions], ..in_order() },
                "table classify does not use ClearActions",
            ),
            (classify(vec![], Table::Output), "table classify does not go on to table 90"),
            (
                classify(vec![Action::resubmit(0)], Table::Guard),
                "table classify does not go on to table 0",
            ),
            (
                classify(vec![Action::set_field(Field::REG2, 7u32)], Table::Guard),
                "table classify does not set NXM_NX_REG2",
            ),
            (
                classify(vec![Action::output(PortNo(1))], Table::Guard),
                "table classify does not output to 1",
            ),
            (classify(vec![Action::CtClear], Table::Guard), "table classify does not use CtClear"),
        ];
        for (flow, reason) in cases {
            assert_eq!(refused(flow), reason);
        }
    }

    /// A flow of table egress_track with this action.
    fn track(action: Action) -> Flow {
        Flow {
            table: Table::EgressTrack.number(),
            priority: 100,
            cookie: Cookie::new(Detail::EgressTrack, Key::NONE, Key::NONE).0,
            matching: Match::new().with(Field::ETH_TYPE, 0x0800u16),
            instructions: vec![Instruction::ApplyActions(vec![action])],
            ..Flow::default()
        }
    }

    #[test]
    fn conntrack_is_of_the_ports_zone_and_always_looked_at_again() {
        let zone = Subfield { field: Field::REG12, offset: 0, bits: 16 };
        let ct = Ct {
            flags: 0,
            zone: CtZone::Field(zone),
            recirc_table: Table::EgressState.number(),
            alg: 0,
            actions: Vec::new(),
        };
        let checked = |ct: Ct| check(&track(Action::Ct(ct)));
        assert_eq!(checked(ct.clone()), Ok(()));
        let unused =
            |result: Result<(), Violation>| matches!(result, Err(Violation::Unused { .. }));
        assert!(unused(checked(Ct { zone: CtZone::Immediate(0), ..ct.clone() })));
        assert!(unused(checked(Ct { flags: Ct::FORCE, ..ct.clone() })));
        assert!(unused(checked(Ct { actions: vec![Action::CtClear], ..ct.clone() })));
        let next = checked(Ct { recirc_table: u8::MAX, ..ct.clone() });
        assert_eq!(next, Err(Violation::Next { table: "egress_track", next: u8::MAX }));
        let elsewhere = Flow {
            instructions: vec![Instruction::ApplyActions(vec![Action::Ct(ct)])],
            ..in_order()
        };
        assert!(unused(check(&elsewhere)));
    }

    #[test]
    fn the_controller_is_told_only_of_what_rules_match_and_not_without_a_meter() {
        let rule = |meter| Flow {
            table: Table::Rules.number(),
            priority: 110,
            cookie: Cookie::new(Detail::RuleLogged, Key::NONE, Key::NONE).0,
            matching: Match::new().with(Field::REG4, 1u32),
            instructions: vec![Instruction::ApplyActions(vec![Action::Controller(Controller {
                meter,
                ..Controller::default()
            })])],
            ..Flow::default()
        };
        assert_eq!(check(&rule(Some(1))), Ok(()));
        assert!(matches!(check(&rule(None)), Err(Violation::Unused { .. })));
        let tell = Controller { meter: Some(1), ..Controller::default() };
        let elsewhere = check(&track(Action::Controller(tell)));
        assert!(matches!(elsewhere, Err(Violation::Unused { .. })));
    }

    #[test]
    fn what_is_copied_is_what_the_table_may_copy() {
        let copy = Action::move_field(Field::REG7, Field::REG12);
        let refused = check(&track(copy));
        let wanted = Violation::Copy { table: "egress_track", field: Field::REG7 };
        assert_eq!(refused, Err(wanted));
    }

    #[test]
    fn every_table_goes_forward_and_has_a_miss() {
        for table in Table::ALL {
            assert!(table.spec().next.iter().all(|next| *next > table), "{}", table.name());
            let mut details = Detail::all().map(Detail::spec);
            assert!(details.any(|spec| spec.table == table && spec.priority == 0));
        }
        assert!(Table::ALL.is_sorted());
    }
}
