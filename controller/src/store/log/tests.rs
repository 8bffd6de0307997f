use proptest::prelude::*;
use redb::backends::InMemoryBackend;
use topology::key::Key;
use topology::model::{Project, ProjectId};

use super::super::Store;
use super::*;
use crate::fixture;

/// A store in memory with all projects that it ever had.
struct Scene {
    store: Store,
    revision: u64,
    now: Timestamp,
}

impl Scene {
    fn new(changes: u64, age: u64) -> Self {
        let database = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        let retention = Retention { changes, age: Duration::from_secs(age) };
        let store = Store::with_database(database, retention).unwrap();
        Self { store, revision: 0, now: Timestamp(0) }
    }

    /// Commits these revisions together.
    fn commit(&mut self, revisions: &[&[Change]]) {
        let mut batch = Vec::new();
        for changes in revisions {
            self.revision += 1;
            batch.extend(changes.iter().map(|change| (self.revision, change.clone())));
        }
        self.store.commit(self.revision, self.now, &batch).unwrap();
    }

    /// Everything after a revision, chunk by chunk: revision, changes, whether it is complete.
    fn read(&self, from: u64, kinds: &[Kind]) -> Result<Vec<Revision>, ReadError> {
        let kinds = kinds.iter().copied().collect();
        let (log, mut position) = (self.store.change_log(), Position::after(from));
        let mut all = Vec::new();
        loop {
            let chunk = log.read(position, &kinds)?;
            if chunk.next == position {
                assert_eq!(position, Position::after(self.revision));
                return Ok(all);
            }
            position = chunk.next;
            all.extend(chunk.revisions);
        }
    }

    /// The revisions after `from` and what each has.
    #[track_caller]
    fn check(&self, from: u64, expected: &[(u64, &[Change])]) {
        let found = self.read(from, &[Kind::Project]).unwrap();
        let found: Vec<_> =
            found.iter().map(|found| (found.revision, found.changes.as_slice())).collect();
        assert_eq!(found, expected);
    }

    #[track_caller]
    fn check_compacted(&self, from: u64, expected: u64) {
        match self.read(from, &[Kind::Project]) {
            Err(ReadError::Compacted { oldest }) => assert_eq!(oldest, expected),
            other => panic!("{other:?}"),
        }
    }
}

fn put(number: u128, name: &str) -> Change {
    Change::Put(Resource::Project(Arc::new(Project {
        id: ProjectId(Uuid::from_u128(number)),
        meta: fixture::meta(1, name),
    })))
}

fn delete(number: u128) -> Change {
    Change::Delete(ResourceId::Project(ProjectId(Uuid::from_u128(number))))
}

#[test]
fn revisions_are_told_from_the_one_that_is_asked_for() {
    let mut scene = Scene::new(100, 100);
    scene.check(0, &[]);
    scene.commit(&[&[put(1, "a")], &[put(2, "b"), put(3, "c")]]);
    scene.commit(&[&[delete(1), Change::NextKey(Kind::Project, Key::new(9).unwrap())]]);
    scene.check(0, &[(1, &[put(1, "a")]), (2, &[put(2, "b"), put(3, "c")]), (3, &[delete(1)])]);
    scene.check(2, &[(3, &[delete(1)])]);
    scene.check(3, &[]);
    let future = scene.read(4, &[]).unwrap_err();
    assert!(matches!(future, ReadError::NotReached { newest: 3 }), "{future}");
    assert!(scene.read(u64::MAX, &[]).is_err());
}

#[test]
fn a_resource_is_told_once_a_revision_as_it_is_at_its_end() {
    let mut scene = Scene::new(100, 100);
    scene.commit(&[&[put(1, "a"), put(2, "b"), put(1, "c")], &[put(1, "d")]]);
    scene.check(0, &[(1, &[put(2, "b"), put(1, "c")]), (2, &[put(1, "d")])]);
}

#[test]
fn kinds_that_are_not_asked_for_leave_empty_revisions() {
    let mut scene = Scene::new(100, 100);
    scene.commit(&[&[put(1, "a")]]);
    let revision = Revision { revision: 1, changes: vec![], complete: true };
    assert_eq!(scene.read(0, &[Kind::Port]).unwrap(), [revision]);
}

#[test]
fn the_oldest_revisions_go_when_there_are_too_many_changes() {
    let mut scene = Scene::new(3, 100);
    scene.commit(&[&[put(1, "a"), put(2, "b")], &[put(3, "c")]]);
    scene.check(0, &[(1, &[put(1, "a"), put(2, "b")]), (2, &[put(3, "c")])]);
    scene.commit(&[&[put(4, "d")]]);
    scene.check_compacted(0, 1);
    scene.check(1, &[(2, &[put(3, "c")]), (3, &[put(4, "d")])]);
    let many: Vec<_> = (0..9).map(|number| put(number, "e")).collect();
    scene.commit(&[&many]);
    scene.check_compacted(2, 3);
    scene.check(3, &[(4, &many)]);
}

#[test]
fn revisions_go_when_they_are_too_old() {
    let mut scene = Scene::new(100, 10);
    scene.commit(&[&[put(1, "a")]]);
    scene.now = Timestamp(8_000_000);
    scene.commit(&[&[put(1, "b")]]);
    scene.check(0, &[(1, &[put(1, "a")]), (2, &[put(1, "b")])]);
    scene.now = Timestamp(12_000_000);
    scene.commit(&[&[put(1, "c")]]);
    scene.check_compacted(0, 1);
    scene.check(1, &[(2, &[put(1, "b")]), (3, &[put(1, "c")])]);
}

#[test]
fn a_long_revision_is_told_in_parts() {
    let mut scene = Scene::new(10_000, 100);
    let many: Vec<_> = (0..2 * CHUNK as u128 + 1).map(|number| put(number, "a")).collect();
    scene.commit(&[&[put(1, "b")], &many, &[put(1, "c")]]);
    let found = scene.read(0, &[Kind::Project]).unwrap();
    let parts: Vec<_> = found.iter().map(|part| (part.revision, part.complete)).collect();
    assert_eq!(parts, [(1, true), (2, false), (2, false), (2, true), (3, true)]);
    let second: Vec<_> = found[1..4].iter().flat_map(|part| part.changes.clone()).collect();
    assert_eq!(second, many);

    let large = "x".repeat(CHUNK_BYTES);
    scene.commit(&[&[put(1, &large), put(2, &large), put(3, &large)]]);
    let parts = scene.read(3, &[Kind::Project]).unwrap();
    let parts: Vec<_> = parts.iter().map(|part| (part.changes.len(), part.complete)).collect();
    assert_eq!(parts, [(1, false), (1, false), (1, true)]);
}

#[test]
fn what_another_version_committed_makes_the_log_begin_anew() {
    let mut scene = Scene::new(100, 100);
    scene.commit(&[&[put(1, "a")], &[put(1, "b")]]);
    let transaction = scene.store.database.begin_write().unwrap();
    transaction.open_table(HEADER).unwrap().insert("revision", 7).unwrap();
    transaction.commit().unwrap();
    scene.revision = 7;
    scene.commit(&[&[put(1, "c")]]);
    scene.check_compacted(6, 7);
    scene.check(7, &[(8, &[put(1, "c")])]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whoever follows from any revision that is kept, and resumes wherever it likes, comes to
    /// what the store has.
    #[test]
    fn following_leads_to_what_is_stored(
        commits in prop::collection::vec(
            prop::collection::vec(prop::collection::vec((0..6_u128, 0..4_u8), 1..4), 1..4),
            1..12,
        ),
        kept in 1..20_u64,
        stops in prop::collection::vec(any::<bool>(), 40),
    ) {
        let mut scene = Scene::new(kept, 100);
        let mut states = vec![BTreeMap::new()];
        for commit in commits {
            let mut revisions = Vec::new();
            for changes in commit {
                let mut state = states.last().unwrap().clone();
                let changes: Vec<_> = changes.into_iter().map(|(number, name)| match name {
                    0 => {
                        state.remove(&delete(number).key());
                        delete(number)
                    }
                    _ => {
                        let put = put(number, &name.to_string());
                        state.insert(put.key(), put.clone());
                        put
                    }
                }).collect();
                states.push(state);
                revisions.push(changes);
            }
            scene.commit(&revisions.iter().map(Vec::as_slice).collect::<Vec<_>>());
        }
        let oldest = match scene.read(0, &[Kind::Project]) {
            Ok(_) => 0,
            Err(ReadError::Compacted { oldest }) => oldest,
            Err(other) => panic!("{other}"),
        };
        for from in oldest..=scene.revision {
            let mut state = states[from as usize].clone();
            let mut at = from;
            let mut stops = stops.iter();
            'resumed: while at < scene.revision {
                for revision in scene.read(at, &[Kind::Project]).unwrap() {
                    prop_assert_eq!(revision.revision, at + 1);
                    for change in &revision.changes {
                        match change {
                            Change::Put(_) => drop(state.insert(change.key(), change.clone())),
                            _ => drop(state.remove(&change.key())),
                        }
                    }
                    at = revision.revision;
                    prop_assert_eq!(&state, &states[at as usize]);
                    if *stops.next().unwrap_or(&false) {
                        continue 'resumed;
                    }
                }
            }
        }
    }
}

trait Keyed {
    fn key(&self) -> Uuid;
}

impl Keyed for Change {
    fn key(&self) -> Uuid {
        match self {
            Self::Put(resource) => resource.id().uuid(),
            Self::Delete(id) => id.uuid(),
            Self::NextKey(..) => unreachable!("the log has none"),
        }
    }
}
