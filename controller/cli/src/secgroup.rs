//! `weft secgroup`.

use clap::{Args, Subcommand};
use proto::v1 as pb;

use crate::failure::Failure;
use crate::fields::{Changed, New, Update, choice};
use crate::group::{Group, List, Reference, Scope};
use crate::print::Names;
use crate::resource::Resource as _;
use crate::session::Session;

mod rule;
mod show;

/// What to do with security groups.
#[derive(Debug, Subcommand)]
pub(crate) enum SecgroupCommand {
    /// Make a security group, which allows nothing until it has rules
    Create(Create),

    /// List security groups
    List(List),

    /// Show everything about a security group
    Show {
        #[command(flatten)]
        group: Reference,
    },

    /// Change a security group
    Update(Change),

    /// Delete security groups
    Delete {
        /// Names or ids
        #[arg(required = true, value_name = "GROUP")]
        groups: Vec<String>,

        #[command(flatten)]
        scope: Scope,
    },

    /// Rules: what a group allows
    #[command(subcommand)]
    Rule(rule::RuleCommand),
}

/// A security group to make.
#[derive(Args, Debug)]
pub(crate) struct Create {
    #[command(flatten)]
    new: New,

    /// Project that owns it: name or id
    #[arg(long, env = "WEFT_PROJECT")]
    project: String,

    #[command(flatten)]
    state: State,
}

/// A change of a security group.
#[derive(Args, Debug)]
pub(crate) struct Change {
    #[command(flatten)]
    group: Reference,

    #[command(flatten)]
    changed: Changed,

    #[command(flatten)]
    state: State,
}

/// Whether rules are about connections.
#[derive(Args, Debug)]
pub(crate) struct State {
    /// Let replies and related errors through with what the rules allow
    #[arg(long, overrides_with = "stateless")]
    stateful: bool,

    /// Judge every packet by itself
    #[arg(long, overrides_with = "stateful")]
    stateless: bool,
}

impl SecgroupCommand {
    /// Does it.
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Failure> {
        match self {
            Self::Create(create) => {
                let project_id = session.resolve::<pb::Project>(&create.project).await?.id;
                let stateful = create.state.choice();
                let group = pb::SecurityGroup { project_id, stateful, ..create.new.resource() };
                let made =
                    pb::SecurityGroup::create(session.channel.clone(), group.creation()).await?;
                show::print(session, &made).await
            }
            Self::List(list) => {
                let filter = list.filter::<pb::SecurityGroup>(session).await?;
                session.list::<pb::SecurityGroup>(filter).await
            }
            Self::Show { group } => {
                let group = group.resolve(session).await?;
                show::print(session, &group).await
            }
            Self::Update(change) => {
                let current = change.group.resolve(session).await?;
                let changed = session.change(change.update(&current)).await?;
                show::print(session, &changed).await
            }
            Self::Delete { groups, scope } => {
                let filter = scope.filter::<pb::SecurityGroup>(session).await?;
                session.delete_among::<pb::SecurityGroup>(&groups, filter).await
            }
            Self::Rule(command) => command.run(session).await,
        }
    }
}

impl Group for pb::SecurityGroup {
    fn listed(project_id: String, name: String) -> pb::ListSecurityGroupsRequest {
        pb::ListSecurityGroupsRequest { project_id, name, ..Default::default() }
    }
}

impl Change {
    fn update(self, current: &pb::SecurityGroup) -> Update<pb::SecurityGroup> {
        let mut update = self.changed.update(current);
        update.set("stateful", |group| &mut group.stateful, self.state.choice().map(Some));
        update
    }
}

impl State {
    fn choice(&self) -> Option<bool> {
        choice(self.stateful, self.stateless)
    }
}

/// The ids of the groups that `references`, names or ids, stand for; names are those of a
/// project, of any when `project_id` is empty.
pub(crate) async fn ids_of(
    session: &Session<'_>,
    references: &[String],
    project_id: &str,
) -> Result<Vec<String>, Failure> {
    let mut ids = Vec::new();
    for reference in references {
        let project_id = project_id.to_owned();
        let filter = pb::SecurityGroup::listed(project_id, String::new());
        ids.push(session.resolve_among::<pb::SecurityGroup>(reference, filter).await?.id);
    }
    Ok(ids)
}

/// Headings of [`row`].
pub(crate) const COLUMNS: &[&str] = &["ID", "NAME", "PROJECT", "STATEFUL", "RULES"];

/// A security group's line in the table: how many rules it has.
pub(crate) fn row(group: &pb::SecurityGroup, names: &Names) -> Vec<String> {
    vec![
        group.id.clone(),
        group.name.clone(),
        names.of(&group.project_id),
        group.stateful().to_string(),
        group.rules.len().to_string(),
    ]
}
