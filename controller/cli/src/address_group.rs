//! `weft address-group`.

use clap::{Args, Subcommand};
use proto::v1 as pb;

use crate::failure::Failure;
use crate::fields::{Changed, New, Update};
use crate::group::{Group, List, Reference, Scope};
use crate::parse::{self, Entry};
use crate::print::Names;
use crate::session::Session;

/// What to do with address groups.
#[derive(Debug, Subcommand)]
pub(crate) enum AddressGroupCommand {
    /// Make an address group
    Create(Create),

    /// List address groups
    List(List),

    /// Show everything about an address group
    Show {
        #[command(flatten)]
        group: Reference,
    },

    /// Change an address group
    Update(Change),

    /// Delete address groups
    Delete {
        /// Names or ids
        #[arg(required = true, value_name = "GROUP")]
        groups: Vec<String>,

        #[command(flatten)]
        scope: Scope,
    },
}

/// An address group to make.
#[derive(Args, Debug)]
pub(crate) struct Create {
    #[command(flatten)]
    new: New,

    /// Project that owns it: name or id
    #[arg(long, env = "WEFT_PROJECT")]
    project: String,

    /// Prefix or address; may be repeated
    #[arg(long = "prefix", value_name = "PREFIX")]
    prefixes: Vec<String>,
}

/// A change of an address group.
#[derive(Args, Debug)]
pub(crate) struct Change {
    #[command(flatten)]
    group: Reference,

    #[command(flatten)]
    changed: Changed,

    /// Prefix or address, in place of those now; may be repeated
    #[arg(
        long = "prefix",
        value_name = "PREFIX|none",
        value_parser = parse::or_none(parse::text)
    )]
    prefixes: Vec<Entry<String>>,

    /// Prefix or address to add to those now; may be repeated
    #[arg(long, value_name = "PREFIX", conflicts_with = "prefixes")]
    add_prefix: Vec<String>,

    /// Prefix or address to remove from those now; may be repeated
    #[arg(long, value_name = "PREFIX", conflicts_with = "prefixes")]
    remove_prefix: Vec<String>,
}

impl AddressGroupCommand {
    /// Does it.
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Failure> {
        match self {
            Self::Create(Create { new, project, prefixes }) => {
                let project_id = session.resolve::<pb::Project>(&project).await?.id;
                let group = pb::AddressGroup { project_id, prefixes, ..new.resource() };
                session.create(group).await
            }
            Self::List(list) => {
                let filter = list.filter::<pb::AddressGroup>(session).await?;
                session.list::<pb::AddressGroup>(filter).await
            }
            Self::Show { group } => {
                let group: pb::AddressGroup = group.resolve(session).await?;
                session.printer.one(&group)
            }
            Self::Update(change) => {
                let current = change.group.resolve(session).await?;
                session.update(change.update(&current)).await
            }
            Self::Delete { groups, scope } => {
                let filter = scope.filter::<pb::AddressGroup>(session).await?;
                session.delete_among::<pb::AddressGroup>(&groups, filter).await
            }
        }
    }
}

impl Group for pb::AddressGroup {
    fn listed(project_id: String, name: String) -> pb::ListAddressGroupsRequest {
        pb::ListAddressGroupsRequest { project_id, name, ..Default::default() }
    }
}

impl Change {
    /// What is added or removed is bound to the etag of `current`: somebody else's
    /// change in between must not be undone.
    fn update(self, current: &pb::AddressGroup) -> Update<pb::AddressGroup> {
        let mut update = self.changed.update(current);
        let mut prefixes = parse::list(self.prefixes);
        if !self.add_prefix.is_empty() || !self.remove_prefix.is_empty() {
            let kept = current.prefixes.iter().filter(|prefix| {
                !self.remove_prefix.iter().any(|removed| is_prefix(removed, prefix))
            });
            let mut all: Vec<_> = kept.cloned().collect();
            for added in self.add_prefix {
                if !all.iter().any(|prefix| is_prefix(&added, prefix)) {
                    all.push(added);
                }
            }
            prefixes = Some(all);
            update.resource.etag = current.etag.clone();
        }
        update.set("prefixes", |group| &mut group.prefixes, prefixes);
        update
    }
}

/// Whether `given`, a prefix or an address, is the prefix that the controller has answered.
fn is_prefix(given: &str, answered: &str) -> bool {
    let length = if given.contains(':') { "/128" } else { "/32" };
    given == answered || answered.strip_suffix(length) == Some(given)
}

/// Headings of [`row`].
pub(crate) const COLUMNS: &[&str] = &["ID", "NAME", "PROJECT", "PREFIXES"];

/// An address group's line in the table: how many prefixes it has.
pub(crate) fn row(group: &pb::AddressGroup, names: &Names) -> Vec<String> {
    vec![
        group.id.clone(),
        group.name.clone(),
        names.of(&group.project_id),
        group.prefixes.len().to_string(),
    ]
}
