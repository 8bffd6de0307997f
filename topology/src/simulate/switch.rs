use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use openflow::{Action, Ct, CtZone, Field, Flow, FlowId, Instruction, Oxm, PortNo, Resubmit};

use super::table::Table;
use super::{Conntrack, DropReason, Dropped, Event, Packet, Refusal, Trace, conntrack};

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

    /// What happens to a packet that comes in by a port, of a switch that knows no connections.
    /// Registers and tunnel metadata that it brings are left as they are.
    pub fn process(&self, in_port: PortNo, packet: Packet) -> Trace {
        self.process_with(&mut Conntrack::new(), in_port, packet)
    }

    /// The same of a switch that knows these connections, and then perhaps one more.
    pub fn process_with(
        &self,
        conntrack: &mut Conntrack,
        in_port: PortNo,
        mut packet: Packet,
    ) -> Trace {
        packet.set(Field::IN_PORT, in_port);
        let mut run = Run {
            switch: self,
            conntrack,
            packet,
            trace: Trace::default(),
            action_set: ActionSet::default(),
            at: At { depth: 0, table: 0, cookie: None },
            nested: 0,
            lookups: 0,
            halted: false,
            resumes: VecDeque::new(),
            began: Began::default(),
        };
        run.pass(0);
        while let Some(resume) = run.resumes.pop_front() {
            run.resume(resume);
        }
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
    conntrack: &'a mut Conntrack,
    packet: Packet,
    trace: Trace,
    action_set: ActionSet,
    at: At,
    nested: u8,
    lookups: u16,
    /// Nothing more happens to this packet.
    halted: bool,
    /// Copies that conntrack has looked at, and that go on after this pass through the tables.
    resumes: VecDeque<Resume>,
    began: Began,
}

/// A packet that goes on after conntrack.
struct Resume {
    table: u8,
    packet: Packet,
    action_set: ActionSet,
}

/// What there was when a pass through the tables began.
#[derive(Default)]
struct Began {
    events: usize,
    resumes: usize,
}

/// Whose actions are being run.
#[derive(Clone, Copy)]
struct At {
    depth: u8,
    table: u8,
    cookie: Option<u64>,
}

impl Run<'_> {
    /// One pass through the tables: until the packet is out, dropped or in conntrack.
    fn pass(&mut self, table: u8) {
        self.began = Began { events: self.trace.events.len(), resumes: self.resumes.len() };
        self.table(table);
        self.action_set();
    }

    /// Goes on with a packet that conntrack has looked at.
    fn resume(&mut self, resume: Resume) {
        let Resume { table, packet, action_set } = resume;
        let state = packet.field(Field::CT_STATE) as u32;
        self.trace.events.push(Event::Resume { table, state });
        self.packet = packet;
        self.action_set = action_set;
        self.at = At { depth: 0, table, cookie: None };
        (self.nested, self.lookups, self.halted) = (0, 0, false);
        self.pass(table);
    }

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
        let (mut acts, mut leaves) = (false, false);
        for instruction in &flow.instructions {
            match instruction {
                Instruction::ApplyActions(actions) => {
                    acts |= !actions.is_empty();
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
        // A flow found by resubmit may only be asked for what it sets: the packet goes back.
        let answers = self.at.depth > 0 && acts;
        let goes_on = next.is_some() || leaves || answers || self.action_set.sends();
        if !goes_on && !self.halted {
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
            Action::Ct(ct) => self.ct(ct),
            // What the controller is told changes nothing here; that it is shows in the trace.
            Action::Controller(_) => {}
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

    /// Sends the packet through conntrack. A copy goes on from there when this pass is done; for
    /// what is left of this pass, the packet is one that was not tracked.
    fn ct(&mut self, ct: &Ct) {
        let zone = match ct.zone {
            CtZone::Immediate(zone) => zone,
            CtZone::Field(source) => self.packet.subfield(source) as u16,
        };
        let tracked = self.conntrack.track(zone, &self.packet);
        if ct.flags & Ct::COMMIT != 0 {
            self.conntrack.commit(zone, tracked);
        }
        if ct.recirc_table != u8::MAX {
            let mut packet = self.packet.clone();
            tracked.write(zone, &mut packet);
            let action_set = self.action_set.clone();
            self.resumes.push_back(Resume { table: ct.recirc_table, packet, action_set });
        }
        conntrack::clear(&mut self.packet);
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

    /// Gives the packet up: no copy of this pass leaves, not even those that were sent before.
    fn fail(&mut self, reason: DropReason) {
        self.halted = true;
        let events = self.trace.events.split_off(self.began.events);
        let events = events.into_iter().filter(|event| !matches!(event, Event::Output { .. }));
        self.trace.events.extend(events);
        self.resumes.truncate(self.began.resumes);
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
    match action {
        Action::Output { .. } | Action::OutputReg { .. } | Action::Resubmit(_) => true,
        Action::Ct(ct) => ct.recirc_table != u8::MAX,
        _ => false,
    }
}

/// The action set: at most one action of each kind, run in the specification's order, not in that
/// of writing (OpenFlow 1.3.5 §5.10), with the flow that wrote it.
#[derive(Clone, Default)]
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
