use std::collections::BTreeMap;
use std::sync::Arc;

use openflow::{Action, Field, Flow, FlowId, Instruction, Oxm, PortNo, Resubmit};

use super::table::Table;
use super::{DropReason, Dropped, Event, Packet, Refusal, Trace};

/// One bridge: its flow tables, and what they do with a packet.
#[derive(Clone, Debug, Default)]
pub struct Switch {
    tables: BTreeMap<u8, Table>,
}

impl Switch {
    /// A switch without flows: it drops everything.
    pub fn new() -> Self {
        Self::default()
    }

    /// A switch with these flows.
    ///
    /// # Errors
    ///
    /// As [`Switch::add`].
    pub fn with_flows(flows: impl IntoIterator<Item = Arc<Flow>>) -> Result<Self, Refusal> {
        let mut switch = Self::new();
        for flow in flows {
            switch.add(flow)?;
        }
        Ok(switch)
    }

    /// Adds a flow, in place of the one with the same table, priority and match, which is
    /// returned.
    ///
    /// # Errors
    ///
    /// When Open vSwitch would refuse it, or it uses what is not simulated.
    pub fn add(&mut self, flow: Arc<Flow>) -> Result<Option<Arc<Flow>>, Refusal> {
        Refusal::check(&flow)?;
        Ok(self.tables.entry(flow.table).or_default().add(flow))
    }

    /// Removes the flow with this table, priority and match.
    pub fn remove(&mut self, id: &FlowId) -> Option<Arc<Flow>> {
        self.tables.get_mut(&id.table)?.remove(id)
    }

    /// All flows, table by table.
    pub fn flows(&self) -> impl Iterator<Item = &Arc<Flow>> {
        self.tables.values().flat_map(Table::flows)
    }

    /// What happens to a packet that comes in by a port. Registers and tunnel metadata that it
    /// brings are left as they are.
    pub fn process(&self, in_port: PortNo, mut packet: Packet) -> Trace {
        packet.set(Field::IN_PORT, in_port);
        let mut run = Run {
            switch: self,
            packet,
            trace: Trace::default(),
            action_set: ActionSet::default(),
            at: At { depth: 0, table: 0, cookie: None },
            nested: 0,
            lookups: 0,
            halted: false,
        };
        run.table(0);
        run.action_set();
        run.trace
    }
}

/// Nested resubmits to the same table or an earlier one: `MAX_DEPTH` of Open vSwitch's
/// `ofproto-dpif-xlate.c`.
const MAX_NESTED: u8 = 64;
/// Look-ups of one packet after the first, by resubmit and `goto_table` together:
/// `MAX_RESUBMITS`.
const MAX_LOOKUPS: u16 = 4096;

/// One packet on its way through the tables.
struct Run<'a> {
    switch: &'a Switch,
    packet: Packet,
    trace: Trace,
    action_set: ActionSet,
    at: At,
    nested: u8,
    lookups: u16,
    /// Nothing more happens to this packet.
    halted: bool,
}

/// Whose actions are being run.
#[derive(Clone, Copy)]
struct At {
    depth: u8,
    table: u8,
    cookie: Option<u64>,
}

impl Run<'_> {
    /// Looks the packet up in a table and does what is found, and on through `goto_table`.
    fn table(&mut self, mut table: u8) {
        loop {
            self.at = At { table, cookie: None, ..self.at };
            if self.lookups > MAX_LOOKUPS {
                return self.fail(DropReason::TooManyLookups);
            }
            self.lookups += 1;
            let found = self.switch.tables.get(&table).and_then(|table| table.find(&self.packet));
            let (flow, rival) = match found {
                Some(found) => (Some(found.flow), found.rival),
                None => (None, None),
            };
            let depth = self.at.depth;
            self.trace.events.push(Event::Lookup { depth, table, flow: flow.clone(), rival });
            let Some(flow) = flow else { return self.drop(DropReason::NoMatch) };
            self.at.cookie = Some(flow.cookie);
            match self.instructions(&flow) {
                Some(next) if !self.halted => table = next,
                _ => return,
            }
        }
    }

    /// Runs a flow's instructions; which table comes next.
    fn instructions(&mut self, flow: &Flow) -> Option<u8> {
        let mut next = None;
        let mut leaves = false;
        for instruction in &flow.instructions {
            match instruction {
                Instruction::ApplyActions(actions) => {
                    leaves |= actions.iter().any(sends);
                    self.actions(actions);
                }
                Instruction::ClearActions => self.action_set = ActionSet::default(),
                Instruction::WriteActions(actions) => {
                    actions.iter().for_each(|action| self.action_set.write(action, self.at));
                }
                Instruction::WriteMetadata { value, mask } => {
                    self.packet.set_masked(Field::METADATA, (*value).into(), (*mask).into());
                }
                Instruction::GotoTable(table) => next = Some(*table),
                other => unreachable!("{other:?} was refused when the flow was added"),
            }
        }
        if next.is_none() && !leaves && !self.action_set.sends() && !self.halted {
            self.drop(DropReason::Flow);
        }
        next
    }

    fn actions(&mut self, actions: &[Action]) {
        for action in actions {
            if self.halted {
                return;
            }
            self.trace.events.push(Event::Action { depth: self.at.depth, action: action.clone() });
            self.action(action);
        }
    }

    fn action(&mut self, action: &Action) {
        match action {
            Action::Output { port, .. } => self.output(*port),
            Action::OutputReg { source, .. } => {
                let port = PortNo(self.packet.subfield(*source) as u32);
                self.output(port);
            }
            Action::PushVlan(_) => self.packet.push_vlan(),
            Action::PopVlan => self.packet.pop_vlan(),
            Action::DecNwTtl => match self.packet.field(Field::IP_TTL) {
                0 | 1 => {
                    self.halted = true;
                    self.drop(DropReason::Ttl);
                }
                ttl => self.packet.set(Field::IP_TTL, ttl - 1),
            },
            Action::SetField(Oxm { field, value, mask }) => {
                self.packet.set_masked(*field, *value, *mask);
            }
            Action::Load { destination, value } => {
                self.packet.set_subfield(*destination, (*value).into());
            }
            Action::Move { source, destination } => {
                let value = self.packet.subfield(*source);
                self.packet.set_subfield(*destination, value);
            }
            Action::Resubmit(resubmit) => self.resubmit(*resubmit),
            other => unreachable!("{other:?} was refused when the flow was added"),
        }
    }

    /// Looks the packet up once more. What is done to it there stays done; the input port, which
    /// may be another for the look-up, is put back.
    fn resubmit(&mut self, resubmit: Resubmit) {
        let before = self.at;
        let table = if resubmit.table == u8::MAX { before.table } else { resubmit.table };
        let nests = u8::from(table <= before.table);
        if self.nested + nests > MAX_NESTED {
            return self.fail(DropReason::TooDeep);
        }
        let in_port = self.packet.in_port();
        if resubmit.in_port != PortNo::IN_PORT {
            self.packet.set(Field::IN_PORT, resubmit.in_port);
        }
        self.nested += nests;
        self.at.depth = before.depth.saturating_add(1);
        self.table(table);
        self.at = before;
        self.nested -= nests;
        self.packet.set(Field::IN_PORT, in_port);
    }

    fn output(&mut self, port: PortNo) {
        let in_port = self.packet.in_port();
        let port = match port {
            PortNo::IN_PORT => in_port,
            port if port == in_port => return self.drop(DropReason::InPort),
            port => port,
        };
        self.trace.events.push(Event::Output { port, packet: self.packet.clone() });
    }

    fn drop(&mut self, reason: DropReason) {
        let At { table, cookie, .. } = self.at;
        self.trace.events.push(Event::Drop(Dropped { table, cookie, reason }));
    }

    /// Gives the packet up: no copy leaves, not even those that were sent before.
    fn fail(&mut self, reason: DropReason) {
        self.halted = true;
        self.trace.events.retain(|event| !matches!(event, Event::Output { .. }));
        self.drop(reason);
    }

    /// Runs the action set, once the tables are done.
    fn action_set(&mut self) {
        let set = std::mem::take(&mut self.action_set);
        for (action, at) in set.in_order() {
            self.at = At { depth: 0, ..at };
            self.actions(std::slice::from_ref(&action));
        }
    }
}

/// True for an action by which the packet may leave, or go on.
fn sends(action: &Action) -> bool {
    matches!(action, Action::Output { .. } | Action::OutputReg { .. } | Action::Resubmit(_))
}

/// The action set: at most one action of each kind, run in the specification's order, not in that
/// of writing (OpenFlow 1.3.5 §5.10), with the flow that wrote it.
#[derive(Default)]
struct ActionSet(Vec<(Action, At)>);

impl ActionSet {
    fn write(&mut self, action: &Action, at: At) {
        let kind = kind(action);
        self.0.retain(|(other, _)| self::kind(other) != kind);
        self.0.push((action.clone(), at));
    }

    fn sends(&self) -> bool {
        self.0.iter().any(|(action, _)| sends(action))
    }

    fn in_order(mut self) -> Vec<(Action, At)> {
        self.0.sort_by_key(|(action, _)| kind(action).0);
        // A resubmit counts as weaker than an output: with both, only the output is run.
        if self.0.iter().any(|(action, _)| matches!(action, Action::Output { .. })) {
            self.0.retain(|(action, _)| !matches!(action, Action::Resubmit(_)));
        }
        self.0
    }
}

/// The place of an action in the action set, and which field it sets.
fn kind(action: &Action) -> (u8, Option<Field>) {
    match action {
        Action::PopVlan => (0, None),
        Action::PushVlan(_) => (1, None),
        Action::DecNwTtl => (2, None),
        Action::SetField(oxm) => (3, Some(oxm.field)),
        Action::Load { destination, .. } | Action::Move { destination, .. } => {
            (3, Some(destination.field))
        }
        Action::Resubmit(_) => (4, None),
        _ => (5, None),
    }
}

#[cfg(test)]
mod tests;
