//! `weft network`.

use clap::{Args, Subcommand, ValueEnum};
use proto::v1 as pb;

use crate::failure::Failure;
use crate::fields::{Changed, New, PortSecurity, Update, choice};
use crate::print::Names;
use crate::session::Session;

/// What to do with networks.
#[derive(Debug, Subcommand)]
pub(crate) enum NetworkCommand {
    /// Make a network
    Create(Create),

    /// List networks
    List(List),

    /// Show everything about a network
    Show {
        /// Name or id
        network: String,
    },

    /// Change a network
    Update(Change),

    /// Delete networks, with their subnets
    Delete {
        /// Names or ids
        #[arg(required = true, value_name = "NETWORK")]
        networks: Vec<String>,
    },
}

/// A network to make.
#[derive(Args, Debug)]
pub(crate) struct Create {
    #[command(flatten)]
    new: New,

    /// Project that owns it: name or id
    #[arg(long, env = "WEFT_PROJECT")]
    project: String,

    /// How its frames travel between hosts
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    kind: Kind,

    /// Physical network, as in the hosts' weft-bridge-mappings; for vlan and flat
    #[arg(long, value_name = "NAME")]
    physical_network: Option<String>,

    /// VLAN id or VNI; chosen by the controller when not given
    #[arg(long, value_name = "N")]
    segmentation_id: Option<u32>,

    /// Largest IP packet in bytes; the most that is possible when not given
    #[arg(long, value_name = "BYTES")]
    mtu: Option<u32>,

    /// Let other projects make ports in it
    #[arg(long)]
    shared: bool,

    #[command(flatten)]
    port_security: PortSecurity,
}

/// How frames travel between hosts.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Kind {
    /// Encapsulated in VXLAN
    Vxlan,
    /// Tagged on a physical network
    Vlan,
    /// Untagged on a physical network
    Flat,
}

/// Which networks to list.
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Only those of this project: name or id
    #[arg(long, env = "WEFT_PROJECT")]
    project: Option<String>,

    /// Only those of this name
    #[arg(long)]
    name: Option<String>,

    /// Only those of this type
    #[arg(long = "type", value_enum, value_name = "TYPE")]
    kind: Option<Kind>,

    /// Only those on this physical network
    #[arg(long, value_name = "NAME")]
    physical_network: Option<String>,
}

/// A change of a network.
#[derive(Args, Debug)]
pub(crate) struct Change {
    /// Name or id
    network: String,

    #[command(flatten)]
    changed: Changed,

    /// Largest IP packet in bytes; 0 for the most that is possible
    #[arg(long, value_name = "BYTES")]
    mtu: Option<u32>,

    /// Let other projects make ports in it
    #[arg(long, overrides_with = "no_shared")]
    shared: bool,

    /// Let only its own project make ports in it
    #[arg(long, overrides_with = "shared")]
    no_shared: bool,

    #[command(flatten)]
    port_security: PortSecurity,
}

impl NetworkCommand {
    /// Does it.
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Failure> {
        match self {
            Self::Create(create) => {
                let project = session.resolve::<pb::Project>(&create.project).await?;
                session.create(create.network(project.id)).await
            }
            Self::List(list) => {
                let project_id = session.id_of::<pb::Project>(list.project.as_deref()).await?;
                session.list::<pb::Network>(list.filter(project_id)).await
            }
            Self::Show { network } => session.show::<pb::Network>(&network).await,
            Self::Update(change) => {
                let current = session.resolve(&change.network).await?;
                session.update(change.update(&current)).await
            }
            Self::Delete { networks } => session.delete::<pb::Network>(&networks).await,
        }
    }
}

impl Create {
    fn network(self, project_id: String) -> pb::Network {
        pb::Network {
            project_id,
            r#type: self.kind.value().into(),
            physical_network: self.physical_network.unwrap_or_default(),
            segmentation_id: self.segmentation_id.unwrap_or_default(),
            mtu: self.mtu.unwrap_or_default(),
            shared: self.shared,
            port_security_enabled: self.port_security.choice(),
            ..self.new.resource()
        }
    }
}

impl List {
    fn filter(self, project_id: String) -> pb::ListNetworksRequest {
        pb::ListNetworksRequest {
            project_id,
            name: self.name.unwrap_or_default(),
            r#type: self.kind.map(Kind::value).unwrap_or_default().into(),
            physical_network: self.physical_network.unwrap_or_default(),
            ..Default::default()
        }
    }
}

impl Change {
    fn update(self, current: &pb::Network) -> Update<pb::Network> {
        let shared = choice(self.shared, self.no_shared);
        let mut update = self.changed.update(current);
        update.set("mtu", |network| &mut network.mtu, self.mtu);
        update.set("shared", |network| &mut network.shared, shared);
        update.set(
            "port_security_enabled",
            |network| &mut network.port_security_enabled,
            self.port_security.choice().map(Some),
        );
        update
    }
}

impl Kind {
    fn value(self) -> pb::network::Type {
        match self {
            Self::Vxlan => pb::network::Type::Vxlan,
            Self::Vlan => pb::network::Type::Vlan,
            Self::Flat => pb::network::Type::Flat,
        }
    }
}

/// Headings of [`row`].
pub(crate) const COLUMNS: &[&str] = &["ID", "NAME", "PROJECT", "TYPE", "SEGMENT", "MTU", "STATUS"];

/// A network's line in the table. The segment reads as `physnet:VLAN`, as the
/// physical network alone, or as the VNI.
pub(crate) fn row(network: &pb::Network, names: &Names) -> Vec<String> {
    let segment = match (network.physical_network.as_str(), network.segmentation_id) {
        (physical, 0) => physical.to_owned(),
        ("", id) => id.to_string(),
        (physical, id) => format!("{physical}:{id}"),
    };
    vec![
        network.id.clone(),
        network.name.clone(),
        names.of(&network.project_id),
        network.r#type().as_str_name().to_owned(),
        segment,
        network.mtu.to_string(),
        network.status().as_str_name().to_owned(),
    ]
}
