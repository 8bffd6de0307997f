//! What commands of security groups and of address groups have in common.

use clap::Args;
use proto::v1 as pb;

use crate::failure::Failure;
use crate::resource::Resource;
use crate::session::Session;

/// A group that a project owns. Others may have one of the same name: every project has a security
/// group named `default`.
pub(crate) trait Group: Resource {
    /// Asks for those of a project and of a name; of any, where that is empty.
    fn listed(project_id: String, name: String) -> Self::List;
}

/// One group.
#[derive(Args, Debug)]
pub(crate) struct Reference {
    /// Name or id
    group: String,

    #[command(flatten)]
    scope: Scope,
}

impl Reference {
    /// The group that this stands for.
    pub(crate) async fn resolve<G: Group>(&self, session: &Session<'_>) -> Result<G, Failure> {
        let filter = self.scope.filter::<G>(session).await?;
        session.resolve_among(&self.group, filter).await
    }
}

/// Where names are looked for.
#[derive(Args, Debug)]
pub(crate) struct Scope {
    /// Project in which to look for the name: name or id; all when not given
    #[arg(long, env = "WEFT_PROJECT")]
    project: Option<String>,
}

impl Scope {
    /// Asks for the groups among which names are looked for.
    pub(crate) async fn filter<G: Group>(&self, session: &Session<'_>) -> Result<G::List, Failure> {
        let project_id = session.id_of::<pb::Project>(self.project.as_deref()).await?;
        Ok(G::listed(project_id, String::new()))
    }
}

/// Which groups to list.
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Only those of this project: name or id
    #[arg(long, env = "WEFT_PROJECT")]
    project: Option<String>,

    /// Only those of this name
    #[arg(long)]
    name: Option<String>,
}

impl List {
    /// Asks for them.
    pub(crate) async fn filter<G: Group>(self, session: &Session<'_>) -> Result<G::List, Failure> {
        let project_id = session.id_of::<pb::Project>(self.project.as_deref()).await?;
        Ok(G::listed(project_id, self.name.unwrap_or_default()))
    }
}
