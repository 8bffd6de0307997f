use std::collections::BTreeMap;

use topology::model::{Model, Port, Resource, ResourceId};

/// What a tenant was told of its resources: the store has to have it, whatever happens.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: BTreeMap<ResourceId, Entry>,
    /// The newest revision that an answer has told.
    revision: u64,
}

/// What is known of one resource.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    /// A write was answered that left it so.
    Present(Resource),
    /// Its deletion was answered.
    Absent,
    /// A write was asked for, and may be answered.
    Asked,
    /// A write will never be answered: it may have happened or not.
    Unknown,
}

impl Ledger {
    /// A write about a resource is asked for; answers what was known before.
    pub(crate) fn ask(&mut self, id: ResourceId) -> Option<Entry> {
        self.entries.insert(id, Entry::Asked)
    }

    /// It was answered.
    pub(crate) fn answered(&mut self, id: ResourceId, left: Option<Resource>, revision: u64) {
        self.entries.insert(id, left.map_or(Entry::Absent, Entry::Present));
        self.revision = self.revision.max(revision);
    }

    /// It will not be answered any more.
    pub(crate) fn lost(&mut self, id: ResourceId) {
        self.entries.insert(id, Entry::Unknown);
    }

    /// It was refused, so that everything is as before.
    pub(crate) fn refused(&mut self, id: ResourceId, before: Option<Entry>) {
        match before {
            Some(before) => self.entries.insert(id, before),
            None => self.entries.remove(&id),
        };
    }

    /// Whether a resource has to be there.
    pub(crate) fn has(&self, id: ResourceId) -> bool {
        matches!(self.entries.get(&id), Some(Entry::Present(_)))
    }

    /// Compares with what the store has, and finds out what was not known.
    pub(crate) fn compare(&mut self, model: &Model, revision: u64) -> Result<(), String> {
        if revision < self.revision {
            return Err(format!(
                "revision {} was answered, the store has {revision}",
                self.revision
            ));
        }
        for (&id, entry) in &mut self.entries {
            let found = model.resource(id);
            match (&*entry, found) {
                (Entry::Asked, _) => {}
                (Entry::Unknown, found) => *entry = found.map_or(Entry::Absent, Entry::Present),
                (Entry::Absent, None) => {}
                (Entry::Absent, Some(found)) => {
                    return Err(format!("{id:?} was deleted and is there: {found:?}"));
                }
                (Entry::Present(told), None) => {
                    return Err(format!("a write was answered and is lost: {told:?}"));
                }
                (Entry::Present(told), Some(found)) => {
                    if owners_part(told) != owners_part(&found) {
                        return Err(format!(
                            "a write was answered with {told:?}; there is {found:?}"
                        ));
                    }
                }
            }
        }
        Ok(())
    }
}

/// A resource without what changes without its owner: where a port is bound.
fn owners_part(resource: &Resource) -> Resource {
    let Resource::Port(port) = resource else { return resource.clone() };
    let mut port = Port::clone(port);
    port.bound_host = None;
    port.meta.revision = 0;
    Resource::Port(port.into())
}
