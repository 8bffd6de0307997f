use std::fmt;
use std::sync::Arc;

use openflow::{Action, Flow, PortNo};

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
        /// Another flow of the same priority that matches too. Which of them a switch takes is
        /// not defined: the flows are wrong.
        rival: Option<Arc<Flow>>,
    },
    /// An action was run.
    Action {
        /// How many resubmits deep.
        depth: u8,
        /// The action.
        action: Action,
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
    /// More than 64 nested resubmits that do not go forward.
    TooDeep,
    /// More than 4096 look-ups.
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
                    write!(f, "{:level$}{table:2}. ", "")?;
                    match flow {
                        Some(flow) => writeln!(
                            f,
                            "priority {}, cookie {:#018x}: {:?}",
                            flow.priority, flow.cookie, flow.matching
                        )?,
                        None => writeln!(f, "no match")?,
                    }
                    if let Some(rival) = rival {
                        writeln!(
                            f,
                            "{:level$}    or, undefined which: cookie {:#018x}: {:?}",
                            "", rival.cookie, rival.matching
                        )?;
                    }
                }
                Event::Action { depth, action } => {
                    level = usize::from(*depth) * 4;
                    writeln!(f, "{:level$}    {action:?}", "")?;
                }
                Event::Output { port, packet } => {
                    writeln!(f, "{:level$}     -> port {port}: {packet:?}", "")?;
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
