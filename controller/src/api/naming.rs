use std::collections::BTreeMap;

use prost_types::Timestamp;
use topology::intent::{Naming, NamingUpdate};

use super::mask::Mask;

/// What every update of a resource can name.
pub(super) const NAMING: [&str; 3] = ["name", "description", "labels"];

/// What a new resource is called.
pub(super) fn naming(
    name: String,
    description: String,
    labels: BTreeMap<String, String>,
) -> Naming {
    Naming { name, description, labels }
}

/// What an update changes of it.
pub(super) fn naming_update(
    mask: &Mask,
    name: String,
    description: String,
    labels: BTreeMap<String, String>,
) -> NamingUpdate {
    let [name_path, description_path, labels_path] = NAMING;
    NamingUpdate {
        name: mask.replaces(name_path, !name.is_empty()).then_some(name),
        description: mask
            .replaces(description_path, !description.is_empty())
            .then_some(description),
        labels: mask.replaces(labels_path, !labels.is_empty()).then_some(labels),
    }
}

/// A time as protocol buffers have it.
pub(super) fn timestamp(time: topology::model::Timestamp) -> Timestamp {
    let seconds = i64::try_from(time.0 / 1_000_000).unwrap_or(i64::MAX);
    // Below 10⁹, so it fits.
    let nanos = (time.0 % 1_000_000) as i32 * 1000;
    Timestamp { seconds, nanos }
}

/// The etag that a request expects; any when empty.
pub(super) fn expected_etag(etag: String) -> Option<String> {
    Some(etag).filter(|etag| !etag.is_empty())
}
