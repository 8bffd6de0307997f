//! Options that commands of several resources share.

use std::collections::BTreeMap;

use clap::Args;
use prost_types::FieldMask;

use crate::parse;
use crate::resource::Resource;

/// What every resource may be given when it is made.
#[derive(Args, Debug)]
pub(crate) struct New {
    /// Name
    name: String,

    /// UUID to make it under; makes repeating the command harmless
    #[arg(long, value_name = "UUID")]
    id: Option<String>,

    /// Free text
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// Label; may be repeated
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = parse::label)]
    labels: Vec<(String, String)>,
}

impl New {
    /// A resource with the common fields set.
    pub(crate) fn resource<R: Resource>(self) -> R {
        let mut resource = R::default();
        let common = resource.common_mut();
        *common.id = self.id.unwrap_or_default();
        *common.name = self.name;
        *common.description = self.description.unwrap_or_default();
        *common.labels = self.labels.into_iter().collect();
        resource
    }
}

/// What may be changed of every resource.
#[derive(Args, Debug)]
pub(crate) struct Changed {
    /// New name
    #[arg(long)]
    name: Option<String>,

    /// New description
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,

    /// Label to add or change; may be repeated
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = parse::label)]
    labels: Vec<(String, String)>,

    /// Label to remove; may be repeated
    #[arg(long = "remove-label", value_name = "KEY")]
    removed_labels: Vec<String>,
}

impl Changed {
    /// An update of `current` that has the common fields in it.
    ///
    /// Labels are merged with those of `current`, so then the update is bound to
    /// its etag: somebody else's change in between must not be undone.
    pub(crate) fn update<R: Resource>(self, current: &R) -> Update<R> {
        let mut update = Update { resource: R::default(), mask: FieldMask::default() };
        let current = current.common();
        let common = update.resource.common_mut();
        *common.id = current.id.clone();
        let mut paths = Vec::new();
        replace(common.name, self.name, "name", &mut paths);
        replace(common.description, self.description, "description", &mut paths);
        if !self.labels.is_empty() || !self.removed_labels.is_empty() {
            let mut labels: BTreeMap<_, _> = current.labels.clone();
            labels.retain(|key, _| !self.removed_labels.contains(key));
            labels.extend(self.labels);
            replace(common.labels, Some(labels), "labels", &mut paths);
            *common.etag = current.etag.clone();
        }
        update.mask.paths = paths;
        update
    }
}

/// A resource with the fields to be replaced, and the mask that names them.
#[derive(Debug)]
pub(crate) struct Update<R> {
    pub(crate) resource: R,
    pub(crate) mask: FieldMask,
}

impl<R> Update<R> {
    /// Replaces the field `path`, which `field` leads to, if there is a `value`.
    pub(crate) fn set<T>(
        &mut self,
        path: &str,
        field: impl FnOnce(&mut R) -> &mut T,
        value: Option<T>,
    ) {
        replace(field(&mut self.resource), value, path, &mut self.mask.paths);
    }
}

fn replace<T>(field: &mut T, value: Option<T>, path: &str, paths: &mut Vec<String>) {
    if let Some(value) = value {
        *field = value;
        paths.push(path.to_owned());
    }
}

/// Whether packets from ports must bear the ports' addresses.
#[derive(Args, Debug)]
pub(crate) struct PortSecurity {
    /// Drop packets that do not bear the port's addresses
    #[arg(long, overrides_with = "no_port_security")]
    port_security: bool,

    /// Let packets with any source address pass
    #[arg(long, overrides_with = "port_security")]
    no_port_security: bool,
}

impl PortSecurity {
    /// What was asked for, if anything.
    pub(crate) fn choice(&self) -> Option<bool> {
        choice(self.port_security, self.no_port_security)
    }
}

/// What a pair of opposite flags asks for, if anything.
pub(crate) fn choice(yes: bool, no: bool) -> Option<bool> {
    (yes || no).then_some(yes)
}

#[cfg(test)]
mod tests {
    use proto::v1::Network;

    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn current() -> Network {
        Network {
            id: "an id".to_owned(),
            name: "web".to_owned(),
            etag: "an etag".to_owned(),
            labels: labels(&[("owner", "ops"), ("stale", "yes"), ("tier", "front")]),
            ..Default::default()
        }
    }

    fn changed() -> Changed {
        Changed { name: None, description: None, labels: Vec::new(), removed_labels: Vec::new() }
    }

    #[test]
    fn labels_are_merged_and_bound_to_the_etag() {
        let changed = Changed {
            labels: vec![
                ("tier".to_owned(), "back".to_owned()),
                ("zone".to_owned(), "a".to_owned()),
            ],
            removed_labels: vec!["stale".to_owned(), "never-there".to_owned()],
            ..changed()
        };
        let update = changed.update(&current());
        assert_eq!(update.mask.paths, ["labels"]);
        assert_eq!(update.resource.etag, "an etag");
        let merged = labels(&[("owner", "ops"), ("tier", "back"), ("zone", "a")]);
        assert_eq!(update.resource.labels, merged);
    }

    #[test]
    fn without_labels_the_last_writer_wins() {
        let changed = Changed { name: Some(String::new()), ..changed() };
        let update = changed.update(&current());
        assert_eq!(update.mask.paths, ["name"]);
        assert_eq!(update.resource, Network { id: "an id".to_owned(), ..Default::default() });
    }

    #[test]
    fn opposite_flags_choose() {
        assert_eq!(choice(false, false), None);
        assert_eq!(choice(true, false), Some(true));
        assert_eq!(choice(false, true), Some(false));
    }
}
