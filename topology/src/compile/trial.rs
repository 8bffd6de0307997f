use super::Compiler;
use crate::facts::DistinctFacts;
use crate::key::Key;
use crate::model::{Change, HostId, ResourceId};

/// What takes one step of the model back: see [`Compiler::try_apply`].
#[derive(Debug)]
#[must_use = "a step that is tried is kept or taken back"]
pub struct Undo {
    inverse: Change,
    /// What was reported by a host that was deleted.
    facts: Option<(HostId, DistinctFacts)>,
}

impl Compiler {
    /// As [`Compiler::apply`], but such that the step can be taken back.
    pub fn try_apply(&mut self, change: &Change) -> Undo {
        let facts = match change {
            Change::Delete(ResourceId::Host(host)) => {
                self.inputs.facts.get(host).map(|facts| (*host, facts.clone()))
            }
            _ => None,
        };
        let inverse = match change {
            Change::Put(new) => match self.model().resource(new.id()) {
                Some(old) => Change::Put(old),
                None => Change::Delete(new.id()),
            },
            Change::Delete(id) => self.model().resource(*id).map_or(change.clone(), Change::Put),
            Change::NextKey(kind, _) => {
                let next = self.model().next_keys().find(|(other, _)| other == kind);
                Change::NextKey(*kind, next.map_or(Key::NONE.next(), |(_, key)| key))
            }
        };
        self.apply(change);
        Undo { inverse, facts }
    }

    /// Takes back the last step that has not been taken back. When all that were tried since a
    /// [`Compiler::flush`] are, the next one changes nothing.
    pub fn take_back(&mut self, undo: Undo) {
        self.apply(&undo.inverse);
        if let Some((host, facts)) = undo.facts {
            self.track_facts(host, Some(facts));
        }
    }
}
