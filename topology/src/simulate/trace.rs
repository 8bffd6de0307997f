use std::fmt;
use std::sync::Arc;

use openflow::{Action, Field, Flow, Match, PortNo};

use super::Packet;

/// What one switch did with one packet, step by step.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// The steps, in order.
    pub events: Vec<Event>,
}

/// One step.
#[derive(Clone, Debug)]
pub enum Event {
    /// A flow table was looked up.
    Lookup {
        /// How many resubmits deep.
        depth: u8,
        /// The table.
        table: u8,
        /// The flow that matched, `None` when none did.
        flow: Option<Arc<Flow>>,
        /// Another flow of the same priority that matches too and does otherwise. Which of them a
        /// switch takes is not defined: the flows are wrong.
        rival: Option<Arc<Flow>>,
    },
    /// An action was run.
    Action {
        /// How many resubmits deep.
        depth: u8,
        /// The action.
        action: Action,
    },
    /// A copy of the packet goes on, conntrack having looked at it.
    Resume {
        /// The table.
        table: u8,
        /// `ct_state`.
        state: u32,
    },
    /// The packet left, as it was then.
    Output {
        /// The port: never [`PortNo::IN_PORT`], but the number it stands for.
        port: PortNo,
        /// The packet, still with its metadata: a tunnel port takes from it where to go.
        packet: Packet,
    },
    /// A copy of the packet ended here.
    Drop(Dropped),
}

/// Where a copy of a packet ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Dropped {
    /// The table.
    pub table: u8,
    /// The cookie of the flow that dropped it, `None` when there was none.
    pub cookie: Option<u64>,
    /// Why.
    pub reason: DropReason,
}

/// Why a copy of a packet ended without leaving.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DropReason {
    /// The flow has no action that would send it anywhere.
    Flow,
    /// No flow matches.
    NoMatch,
    /// It would leave by the port it came in by.
    InPort,
    /// Its TTL is used up.
    Ttl,
    /// More than 64 nested resubmits that do not go forward. No copy leaves, also of those that
    /// were sent before.
    TooDeep,
    /// More than 4096 look-ups after the first. No copy leaves either.
    TooManyLookups,
}

impl Trace {
    /// The packets that left, and by which ports.
    pub fn outputs(&self) -> impl Iterator<Item = (PortNo, &Packet)> {
        self.events.iter().filter_map(|event| match event {
            Event::Output { port, packet } => Some((*port, packet)),
            _ => None,
        })
    }

    /// Where copies of the packet ended.
    pub fn drops(&self) -> impl Iterator<Item = Dropped> + '_ {
        self.events.iter().filter_map(|event| match event {
            Event::Drop(dropped) => Some(*dropped),
            _ => None,
        })
    }

    /// The tables that were looked up, and the flows found in them.
    pub fn lookups(&self) -> impl Iterator<Item = (u8, Option<&Arc<Flow>>)> {
        self.events.iter().filter_map(|event| match event {
            Event::Lookup { table, flow, .. } => Some((*table, flow.as_ref())),
            _ => None,
        })
    }

    /// Pairs of flows between which the switch's choice was not defined.
    pub fn rivals(&self) -> impl Iterator<Item = (&Arc<Flow>, &Arc<Flow>)> {
        self.events.iter().filter_map(|event| match event {
            Event::Lookup { flow: Some(flow), rival: Some(rival), .. } => Some((flow, rival)),
            _ => None,
        })
    }
}

/// One line per step, indented by depth, as people read it.
impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut level = 0;
        for event in &self.events {
            match event {
                Event::Lookup { depth, table, flow, rival } => {
                    level = usize::from(*depth) * 4;
                    write!(f, "{:level$}{table}. ", "")?;
                    match flow {
                        Some(flow) => writeln!(
                            f,
                            "{}, priority {}, cookie {:#x}",
                            Matching(flow),
                            flow.priority,
                            flow.cookie
                        )?,
                        None => writeln!(f, "no match")?,
                    }
                    if let Some(rival) = rival {
                        writeln!(
                            f,
                            "{:level$}    or, it is undefined which: {}, cookie {:#x}",
                            "",
                            Matching(rival),
                            rival.cookie
                        )?;
                    }
                }
                Event::Action { depth, action } => {
                    level = usize::from(*depth) * 4;
                    writeln!(f, "{:level$}    {action}", "")?;
                }
                Event::Resume { table, state } => {
                    level = 0;
                    let state = Match::new().with_masked(Field::CT_STATE, *state, *state);
                    writeln!(f, "from conntrack to table {table}, {state}")?;
                }
                Event::Output { port, packet } => {
                    writeln!(f, "{:level$}     -> port {port}: {packet}", "")?;
                }
                Event::Drop(dropped) => writeln!(f, "{:level$}     >> {}", "", dropped.reason)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for DropReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flow => "dropped by the flow",
            Self::NoMatch => "dropped: no flow matches",
            Self::InPort => "not sent back out of the port it came in by",
            Self::Ttl => "dropped: TTL used up",
            Self::TooDeep => "dropped: resubmits nested too deep",
            Self::TooManyLookups => "dropped: too many look-ups",
        })
    }
}

/// What a flow asks for, said also when it is nothing.
struct Matching<'a>(&'a Flow);

impl fmt::Display for Matching<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.matching.is_empty() { f.write_str("any packet") } else { self.0.matching.fmt(f) }
    }
}

#[cfg(test)]
mod tests {
    use openflow::{Instruction, MacAddr};

    use super::super::Switch;
    use super::*;

    #[test]
    fn a_trace_reads_from_top_to_bottom() {
        let flow = |table: u8, matching: Match, actions: Vec<Action>| {
            let instructions = vec![Instruction::ApplyActions(actions)];
            let cookie = 0x10 + u64::from(table);
            Arc::new(Flow {
                table,
                priority: 100,
                cookie,
                matching,
                instructions,
                ..Flow::default()
            })
        };
        let load = |key: u32| Action::set_field(Field::REG2, key);
        let to = |key: u32| Match::new().with(Field::REG2, key);
        let switch = Switch::with_flows([
            flow(
                0,
                Match::new(),
                vec![load(1), Action::resubmit(90), load(2), Action::resubmit(90)],
            ),
            flow(90, to(1), vec![Action::output(PortNo(7))]),
            flow(90, to(2), vec![]),
        ]);
        let mac = MacAddr::new([0xfa, 0x16, 0x3e, 0, 0, 1]);
        let packet = Packet::ethernet(mac, MacAddr::BROADCAST, 0x88b5);
        let trace = switch.unwrap().process(PortNo(1), packet);
        expect_test::expect![[r#"
            0. any packet, priority 100, cookie 0x10
                set_field:0x1->reg2
                resubmit(,90)
                90. reg2=0x1, priority 100, cookie 0x6a
                    output:7
                     -> port 7: reg2=0x1,in_port=1,dl_src=fa:16:3e:00:00:01,dl_dst=ff:ff:ff:ff:ff:ff,dl_type=0x88b5
                set_field:0x2->reg2
                resubmit(,90)
                90. reg2=0x2, priority 100, cookie 0x6a
                     >> dropped by the flow
        "#]].assert_eq(&trace.to_string());
    }
}
