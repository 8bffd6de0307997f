//! `weft project`.

use clap::{Args, Subcommand};
use proto::v1 as pb;

use crate::failure::Failure;
use crate::fields::{Changed, New};
use crate::print::Names;
use crate::session::Session;

/// What to do with projects.
#[derive(Debug, Subcommand)]
pub(crate) enum ProjectCommand {
    /// Make a project
    Create(New),

    /// List projects
    List(List),

    /// Show everything about a project
    Show {
        /// Name or id
        project: String,
    },

    /// Change a project
    Update {
        /// Name or id
        project: String,

        #[command(flatten)]
        changed: Changed,
    },

    /// Delete projects
    Delete {
        /// Names or ids
        #[arg(required = true, value_name = "PROJECT")]
        projects: Vec<String>,
    },
}

/// Which projects to list.
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Only those of this name
    #[arg(long)]
    name: Option<String>,
}

impl ProjectCommand {
    /// Does it.
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Failure> {
        match self {
            Self::Create(new) => session.create::<pb::Project>(new.resource()).await,
            Self::List(list) => {
                let filter = pb::ListProjectsRequest {
                    name: list.name.unwrap_or_default(),
                    ..Default::default()
                };
                session.list::<pb::Project>(filter).await
            }
            Self::Show { project } => session.show::<pb::Project>(&project).await,
            Self::Update { project, changed } => {
                let current: pb::Project = session.resolve(&project).await?;
                session.update(changed.update(&current)).await
            }
            Self::Delete { projects } => session.delete::<pb::Project>(&projects).await,
        }
    }
}

/// Headings of [`row`].
pub(crate) const COLUMNS: &[&str] = &["ID", "NAME", "DESCRIPTION"];

/// A project's line in the table.
pub(crate) fn row(project: &pb::Project, _: &Names) -> Vec<String> {
    vec![project.id.clone(), project.name.clone(), project.description.clone()]
}
