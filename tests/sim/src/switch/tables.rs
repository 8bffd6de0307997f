use openflow::message::{FlowMod, FlowModCommand, FlowStatsRequest, FlowUpdate};
use openflow::{Flow, FlowId, Match};
use rustc_hash::FxHashMap;

/// The flows of a switch, as OpenFlow keeps them: by table, priority and match.
#[derive(Clone, Debug, Default)]
pub(super) struct Tables(FxHashMap<FlowId, Flow>);

/// What a flow-mod has done, newest last: the flow before, and after.
#[derive(Debug, Default)]
pub(super) struct Changes(Vec<(Option<Flow>, Option<Flow>)>);

impl Tables {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Flow> {
        self.0.values()
    }

    pub(super) fn get(&self, id: &FlowId) -> Option<&Flow> {
        self.0.get(id)
    }

    /// The flows that a request for statistics asks for.
    pub(super) fn asked(&self, request: &FlowStatsRequest) -> impl Iterator<Item = &Flow> {
        let FlowStatsRequest { table, cookie, cookie_mask, matching, .. } = request;
        self.0.values().filter(move |flow| {
            concerns(*table, *cookie, *cookie_mask, flow) && covers(matching, &flow.matching)
        })
    }

    /// Whether a flow-mod adds a flow that is not there yet.
    pub(super) fn adds(&self, flow_mod: &FlowMod) -> bool {
        flow_mod.command == FlowModCommand::Add && !self.0.contains_key(&flow_mod.flow.id())
    }

    /// Does what a flow-mod says (OpenFlow 1.3.5 §6.4).
    pub(super) fn apply(&mut self, flow_mod: &FlowMod, changes: &mut Changes) {
        let FlowMod { command, flow, cookie_mask, .. } = flow_mod;
        let concerned = |it: &Flow| concerns(flow.table, flow.cookie, *cookie_mask, it);
        match command {
            FlowModCommand::Add => changes.note(self.0.insert(flow.id(), flow.clone()), Some(flow)),
            FlowModCommand::ModifyStrict => {
                if let Some(it) = self.0.get_mut(&flow.id()).filter(|it| concerned(it)) {
                    let after = Flow { instructions: flow.instructions.clone(), ..it.clone() };
                    let before = std::mem::replace(it, after.clone());
                    changes.note(Some(before), Some(&after));
                }
            }
            FlowModCommand::Modify => {
                for it in self.0.values_mut() {
                    if concerned(it) && covers(&flow.matching, &it.matching) {
                        let after = Flow { instructions: flow.instructions.clone(), ..it.clone() };
                        let before = std::mem::replace(it, after.clone());
                        changes.note(Some(before), Some(&after));
                    }
                }
            }
            FlowModCommand::DeleteStrict => {
                if self.0.get(&flow.id()).is_some_and(concerned) {
                    changes.note(self.0.remove(&flow.id()), None);
                }
            }
            FlowModCommand::Delete => {
                self.0.retain(|_, it| {
                    let goes = concerned(it) && covers(&flow.matching, &it.matching);
                    if goes {
                        changes.note(Some(it.clone()), None);
                    }
                    !goes
                });
            }
        }
    }

    /// Takes back what was done last.
    pub(super) fn take_back(&mut self, changes: Changes) {
        for (before, after) in changes.0.into_iter().rev() {
            if let Some(after) = after {
                self.0.remove(&after.id());
            }
            if let Some(before) = before {
                self.0.insert(before.id(), before);
            }
        }
    }
}

impl Changes {
    fn note(&mut self, before: Option<Flow>, after: Option<&Flow>) {
        self.0.push((before, after.cloned()));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What a flow monitor tells of them.
    pub(super) fn updates(&self) -> Vec<FlowUpdate> {
        let brief = |flow: &Flow| Flow { instructions: Vec::new(), ..flow.clone() };
        let update = |(before, after): &(Option<Flow>, Option<Flow>)| match (before, after) {
            (None, Some(flow)) => Some(FlowUpdate::Added(brief(flow))),
            (Some(_), Some(flow)) => Some(FlowUpdate::Modified(brief(flow))),
            (Some(flow), None) => Some(FlowUpdate::Deleted { flow: brief(flow), reason: DELETED }),
            (None, None) => None,
        };
        self.0.iter().filter_map(update).collect()
    }
}

/// `OFPRR_DELETE`.
const DELETED: u16 = 2;

/// Whether a flow is of a table, 255 for any, and has a cookie with these bits.
fn concerns(table: u8, cookie: u64, mask: u64, flow: &Flow) -> bool {
    (table == FlowMod::ALL_TABLES || table == flow.table) && (flow.cookie ^ cookie) & mask == 0
}

/// Whether every packet of `inner` is one of `outer`.
fn covers(outer: &Match, inner: &Match) -> bool {
    outer.fields().all(|asked| {
        inner.field(asked.field).is_some_and(|it| {
            it.mask & asked.mask == asked.mask && (it.value ^ asked.value) & asked.mask == 0
        })
    })
}
