use std::collections::BTreeMap;

use super::{Context, Rejection, Violations};
use crate::key::Kind;
use crate::model::Meta;

/// Longest name, in bytes.
pub const MAX_NAME: usize = 255;
/// Longest description, in bytes.
pub const MAX_DESCRIPTION: usize = 4096;
/// Most labels of a resource.
pub const MAX_LABELS: usize = 64;
/// Longest name of a label, in bytes.
const MAX_LABEL_NAME: usize = 63;
/// Longest value of a label, in bytes.
const MAX_LABEL_VALUE: usize = 255;

/// What a request says of a new resource for people.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Naming {
    /// At most [`MAX_NAME`] bytes without control characters.
    pub name: String,
    /// At most [`MAX_DESCRIPTION`] bytes without control characters but tabs and line ends.
    pub description: String,
    /// At most [`MAX_LABELS`]; names of 1 to 63 bytes, values of at most 255, without control
    /// characters.
    pub labels: BTreeMap<String, String>,
}

/// What a request changes of it; `None` leaves a field as it is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct NamingUpdate {
    /// As [`Naming::name`].
    pub name: Option<String>,
    /// As [`Naming::description`].
    pub description: Option<String>,
    /// As [`Naming::labels`]; replaces all of them.
    pub labels: Option<BTreeMap<String, String>>,
}

impl Naming {
    pub(super) fn check(&self, violations: &mut Violations) {
        check_name(&self.name, violations);
        check_description(&self.description, violations);
        check_labels(&self.labels, violations);
    }

    pub(super) fn is_of(&self, meta: &Meta) -> bool {
        self.name == meta.name && self.description == meta.description && self.labels == meta.labels
    }
}

impl NamingUpdate {
    pub(super) fn check(&self, violations: &mut Violations) {
        if let Some(name) = &self.name {
            check_name(name, violations);
        }
        if let Some(description) = &self.description {
            check_description(description, violations);
        }
        if let Some(labels) = &self.labels {
            check_labels(labels, violations);
        }
    }

    pub(super) fn apply(self, meta: &mut Meta) {
        let Self { name, description, labels } = self;
        if let Some(name) = name {
            meta.name = name;
        }
        if let Some(description) = description {
            meta.description = description;
        }
        if let Some(labels) = labels {
            meta.labels = labels;
        }
    }
}

impl Context<'_> {
    /// The metadata of a new resource, with the next free key of its kind.
    pub(super) fn new_meta(&self, kind: Kind, naming: Naming) -> Result<Meta, Rejection> {
        let key = self.model.free_key(kind).ok_or_else(|| Rejection::ResourceExhausted {
            subject: format!("keys/{}", kind.name()),
            description: format!("every {kind} key is in use"),
        })?;
        let Naming { name, description, labels } = naming;
        let (created, updated, revision) = (self.now, self.now, self.revision);
        Ok(Meta { key, name, description, labels, created, updated, revision })
    }
}

/// Adds a violation for text that is too long or has control characters.
pub(super) fn check_text(
    field: impl Into<String>,
    text: &str,
    max: usize,
    violations: &mut Violations,
) {
    if text.len() > max {
        violations.add(field, format_args!("{} bytes: expected at most {max}", text.len()));
    } else if text.contains(char::is_control) {
        violations.add(field, format_args!("{text:?} has control characters"));
    }
}

fn check_name(name: &str, violations: &mut Violations) {
    check_text("name", name, MAX_NAME, violations);
}

pub(super) fn check_description(description: &str, violations: &mut Violations) {
    let printable = description.replace(['\n', '\r', '\t'], " ");
    check_text("description", &printable, MAX_DESCRIPTION, violations);
}

fn check_labels(labels: &BTreeMap<String, String>, violations: &mut Violations) {
    if labels.len() > MAX_LABELS {
        let count = labels.len();
        violations.add("labels", format_args!("{count} labels: expected at most {MAX_LABELS}"));
        return;
    }
    for (name, value) in labels {
        if name.is_empty() {
            violations.add("labels", "a label has an empty name");
        }
        check_text("labels", name, MAX_LABEL_NAME, violations);
        check_text(format!("labels[{name:?}]"), value, MAX_LABEL_VALUE, violations);
    }
}
