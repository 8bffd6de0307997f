use std::collections::BTreeSet;

use controller::engine::{Engine, Stopped};
use controller::store::{Position, ReadError};
use topology::key::Kind;
use topology::model::{Change, Model, ResourceId};

/// A client that follows the change log: it has the model as of some revision, and goes on from
/// there, across restarts of the controller.
#[derive(Debug, Default)]
pub(crate) struct Follower {
    model: Model,
    position: Option<Position>,
}

impl Follower {
    /// Reads what is new; when that is not kept any more, begins anew with everything.
    pub(crate) async fn catch_up(&mut self, engine: &Engine) -> Result<(), String> {
        let kinds: BTreeSet<Kind> = Kind::ALL.into_iter().collect();
        loop {
            let Some(position) = self.position else {
                if self.begin(engine).await.is_err() {
                    return Ok(());
                }
                continue;
            };
            let chunk = match engine.change_log().read(position, &kinds) {
                Ok(chunk) => chunk,
                Err(ReadError::Compacted { .. }) => {
                    self.position = None;
                    continue;
                }
                Err(error) => return Err(format!("a follower at {position:?} is told: {error}")),
            };
            for revision in &chunk.revisions {
                if revision.revision <= position.passed() {
                    return Err(format!("a follower at {position:?} is told {revision:?}"));
                }
                for change in &revision.changes {
                    self.model.apply(change);
                }
            }
            if chunk.next == position {
                return Ok(());
            }
            self.position = Some(chunk.next);
        }
    }

    /// Whether it has what the store has.
    pub(crate) fn compare(&self, model: &Model) -> Result<(), String> {
        let differs = |id: &ResourceId| self.model.resource(*id) != model.resource(*id);
        let mut ids = model.resources().chain(self.model.resources()).map(|it| it.id());
        match ids.find(differs) {
            None => Ok(()),
            Some(id) => Err(format!(
                "the change log leads to {:?}, the store has {:?}",
                self.model.resource(id),
                model.resource(id)
            )),
        }
    }

    async fn begin(&mut self, engine: &Engine) -> Result<(), Stopped> {
        let all = engine.read(|view| (view.revision, view.model.resources().collect::<Vec<_>>()));
        let (revision, resources) = all.await?;
        self.model = Model::new();
        for resource in resources {
            self.model.apply(&Change::Put(resource));
        }
        self.position = Some(Position::after(revision));
        Ok(())
    }
}
