//! `weft host`.

use clap::{Args, Subcommand};
use proto::v1 as pb;
use proto::v1::host_service_client::HostServiceClient;

use crate::failure::Failure;
use crate::fields::{Changed, New, Update};
use crate::print::{Names, text};
use crate::session::Session;

/// What to do with hosts.
#[derive(Debug, Subcommand)]
pub(crate) enum HostCommand {
    /// Add a host that the controller is to connect to
    ///
    /// A host with a manager that names the controller needs no adding.
    #[command(visible_alias = "create")]
    Add(Add),

    /// List hosts
    List(List),

    /// Show everything about a host
    Show {
        /// Name or id
        host: String,
    },

    /// Change a host
    Update(Change),

    /// Let go the flows that are held on hosts
    ///
    /// A host whose flows belong to nothing in the store, when the controller
    /// first sees it, keeps them until this is said.
    Release {
        /// Names or ids
        #[arg(required = true, value_name = "HOST")]
        hosts: Vec<String>,
    },

    /// Forget hosts
    Delete {
        /// Names or ids
        #[arg(required = true, value_name = "HOST")]
        hosts: Vec<String>,
    },
}

/// A host to add.
#[derive(Args, Debug)]
pub(crate) struct Add {
    #[command(flatten)]
    new: New,

    /// Where its OVSDB server listens
    #[arg(long = "ovsdb", value_name = "tcp:IP:PORT")]
    ovsdb_target: String,
}

/// Which hosts to list.
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Only the one of this name
    #[arg(long)]
    name: Option<String>,

    /// Only the one with this external_ids:system-id
    #[arg(long)]
    system_id: Option<String>,
}

/// A change of a host.
#[derive(Args, Debug)]
pub(crate) struct Change {
    /// Name or id
    host: String,

    #[command(flatten)]
    changed: Changed,

    /// Where its OVSDB server listens
    #[arg(long = "ovsdb", value_name = "tcp:IP:PORT")]
    ovsdb_target: Option<String>,
}

impl HostCommand {
    /// Does it.
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Failure> {
        match self {
            Self::Add(add) => session.create(add.host()).await,
            Self::List(list) => {
                let filter = pb::ListHostsRequest {
                    name: list.name.unwrap_or_default(),
                    system_id: list.system_id.unwrap_or_default(),
                    ..Default::default()
                };
                session.list::<pb::Host>(filter).await
            }
            Self::Show { host } => session.show::<pb::Host>(&host).await,
            Self::Update(change) => {
                let current = session.resolve(&change.host).await?;
                session.update(change.update(&current)).await
            }
            Self::Release { hosts } => release(session, &hosts).await,
            Self::Delete { hosts } => session.delete::<pb::Host>(&hosts).await,
        }
    }
}

impl Add {
    fn host(self) -> pb::Host {
        pb::Host { ovsdb_target: self.ovsdb_target, ..self.new.resource() }
    }
}

impl Change {
    fn update(self, current: &pb::Host) -> Update<pb::Host> {
        let mut update = self.changed.update(current);
        update.set("ovsdb_target", |host| &mut host.ovsdb_target, self.ovsdb_target);
        update
    }
}

async fn release(session: &mut Session<'_>, hosts: &[String]) -> Result<(), Failure> {
    let mut client = HostServiceClient::new(session.channel.clone());
    for host in hosts {
        let id = session.id_of::<pb::Host>(Some(host)).await?;
        let host = client.release(pb::ReleaseHostRequest { id }).await?.into_inner();
        session.printer.one(&host)?;
    }
    Ok(())
}

/// Headings of [`row`].
pub(crate) const COLUMNS: &[&str] =
    &["ID", "NAME", "STATE", "TUNNEL IP", "BRIDGES", "OVS", "FLOWS", "REVISION", "LAST SEEN"];

/// A host's line in the table. The revision is the one confirmed, with the one
/// desired where that is newer.
pub(crate) fn row(host: &pb::Host, _: &Names) -> Vec<String> {
    let mappings = host.bridge_mappings.iter();
    let mappings = mappings.map(|(physical, bridge)| format!("{physical}:{bridge}"));
    let revision = if host.realized_revision < host.desired_revision {
        format!("{} of {}", host.realized_revision, host.desired_revision)
    } else {
        host.realized_revision.to_string()
    };
    vec![
        host.id.clone(),
        host.name.clone(),
        state(host),
        host.tunnel_ip.clone(),
        mappings.collect::<Vec<_>>().join(", "),
        host.ovs_version.clone(),
        host.flows.to_string(),
        revision,
        text::seconds(host.last_seen_time),
    ]
}

/// How a host is, and what somebody should look at.
fn state(host: &pb::Host) -> String {
    let mut state = host.state().as_str_name().to_owned();
    if let Some(hold) = host.hold {
        state += &format!(", {} of {} flows held", hold.flows, hold.of_flows);
    }
    match host.conflicts.len() {
        0 => state,
        1 => state + ", 1 conflict",
        number => state + &format!(", {number} conflicts"),
    }
}
