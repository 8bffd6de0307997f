use std::fmt;

use uuid::Uuid;

use crate::key::Kind;
use crate::model::ResourceId;

/// Why a request is refused; it has changed nothing. One variant per gRPC status code.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Rejection {
    /// The request is wrong whatever the state of the system: all that is wrong with it.
    #[error("invalid argument: {}", list(violations))]
    InvalidArgument {
        /// What is wrong, at least one.
        violations: Vec<FieldViolation>,
    },
    /// A resource that the request names does not exist.
    #[error("{kind} {id} not found")]
    NotFound {
        /// The kind of resource.
        kind: Kind,
        /// The UUID that none has.
        id: Uuid,
        /// The field that refers to it; `None` when it is what the request is about.
        field: Option<String>,
    },
    /// The id, or something else that must be unique, is taken.
    #[error("{description}")]
    AlreadyExists {
        /// Who has it.
        holder: ResourceId,
        /// The field of the request whose value is taken.
        field: String,
        /// What is taken, and by whom.
        description: String,
    },
    /// The state of the system does not allow it.
    #[error("failed precondition: {}", list(obstacles))]
    FailedPrecondition {
        /// What is in the way, at least one.
        obstacles: Vec<Obstacle>,
    },
    /// Something that is allocated has run out.
    #[error("{description}")]
    ResourceExhausted {
        /// What ran out: `keys`, `subnet/<id>`, `vnis`, `vlans/<physical network>`, …
        subject: String,
        /// The same in a sentence.
        description: String,
    },
    /// Somebody else was faster.
    #[error("{resource:?}: etag is {found:?}, the request expects {expected:?}")]
    Aborted {
        /// What changed meanwhile.
        resource: ResourceId,
        /// The etag in the request.
        expected: String,
        /// The etag that the resource has.
        found: String,
    },
}

/// What is wrong with one field of a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FieldViolation {
    /// The path within the resource, such as `fixed_ips[1].ip_address`.
    pub field: String,
    /// What it is and what was expected.
    pub description: String,
}

/// What has to change before a request can succeed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Obstacle {
    /// Which sort of condition does not hold: `IN_USE`, `NOT_SHARED`, …
    pub kind: &'static str,
    /// What it does not hold for, such as `network/<id>`.
    pub subject: String,
    /// The same in a sentence.
    pub description: String,
}

impl Rejection {
    /// A resource that the request is about does not exist.
    pub(super) fn unknown(id: ResourceId) -> Self {
        Self::NotFound { kind: id.kind(), id: id.uuid(), field: None }
    }

    /// A resource that a field refers to does not exist.
    pub(super) fn unknown_in(field: impl Into<String>, id: ResourceId) -> Self {
        Self::NotFound { kind: id.kind(), id: id.uuid(), field: Some(field.into()) }
    }

    /// The id of a new resource is taken, and not by what the request asks for.
    pub(super) fn different(id: ResourceId) -> Self {
        let description =
            format!("{} {} exists and differs from what is asked", id.kind(), id.uuid());
        Self::AlreadyExists { holder: id, field: "id".to_owned(), description }
    }

    /// One thing is in the way.
    pub(super) fn obstacle(
        kind: &'static str,
        subject: impl Into<String>,
        description: impl Into<String>,
    ) -> Self {
        let (subject, description) = (subject.into(), description.into());
        Self::FailedPrecondition { obstacles: vec![Obstacle { kind, subject, description }] }
    }

    /// Resources that still need what is to be deleted are in the way.
    pub(super) fn in_use(subject: ResourceId, by: &[ResourceId]) -> Self {
        let shown = by.iter().take(SHOWN).map(|id| format!("{} {}", id.kind(), id.uuid()));
        let mut users = shown.collect::<Vec<_>>().join(", ");
        if by.len() > SHOWN {
            users += &format!(" and {} more", by.len() - SHOWN);
        }
        let description = format!("{} {} is in use by {users}", subject.kind(), subject.uuid());
        Self::obstacle(
            "IN_USE",
            format!("{}/{}", subject.kind().name(), subject.uuid()),
            description,
        )
    }
}

/// How many of the resources in the way are named.
const SHOWN: usize = 5;

/// What is wrong with a request so far.
#[derive(Clone, Debug, Default)]
pub struct Violations(Vec<FieldViolation>);

impl Violations {
    /// Nothing is.
    pub fn new() -> Self {
        Self::default()
    }

    /// Something more is.
    pub fn add(&mut self, field: impl Into<String>, description: impl fmt::Display) {
        let description = description.to_string();
        self.0.push(FieldViolation { field: field.into(), description });
    }

    /// What is wrong with a part of the request, whose path is `prefix`.
    pub(super) fn add_within(&mut self, prefix: &str, part: Self) {
        self.0.extend(part.0.into_iter().map(|FieldViolation { field, description }| {
            FieldViolation { field: format!("{prefix}.{field}"), description }
        }));
    }

    /// True when nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Refuses the request if anything is wrong with it.
    ///
    /// # Errors
    ///
    /// [`Rejection::InvalidArgument`] with everything that was added.
    pub fn finish(self) -> Result<(), Rejection> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(Rejection::InvalidArgument { violations: self.0 })
    }
}

impl fmt::Display for FieldViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.description)
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.description)
    }
}

fn list<T: fmt::Display>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join("; ")
}
