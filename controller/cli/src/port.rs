//! `weft port`.

use clap::{Args, Subcommand};
use proto::v1 as pb;
use proto::v1::port::{AddressPair, FixedIp};

use crate::failure::Failure;
use crate::fields::{Changed, New, PortSecurity, Update, choice};
use crate::parse::{self, Entry, WantedIp};
use crate::print::Names;
use crate::secgroup;
use crate::session::Session;

mod counters;
mod wait;

/// What to do with ports.
#[derive(Debug, Subcommand)]
pub(crate) enum PortCommand {
    /// Make a port
    Create(Create),

    /// List ports
    List(List),

    /// Show everything about a port, and what its host has dropped of its packets
    Show {
        /// Name or id
        port: String,
    },

    /// Show what a port's host has counted of its packets, every reason for a drop
    Counters {
        /// Name or id
        port: String,
    },

    /// Change a port
    Update(Change),

    /// Delete ports
    Delete {
        /// Names or ids
        #[arg(required = true, value_name = "PORT")]
        ports: Vec<String>,
    },

    /// Wait until ports are ACTIVE
    Wait(wait::Wait),
}

/// A port to make.
#[derive(Args, Debug)]
pub(crate) struct Create {
    #[command(flatten)]
    new: New,

    /// Network: name or id
    #[arg(long)]
    network: String,

    /// Project that owns it: name or id; the network's when not given
    #[arg(long, env = "WEFT_PROJECT")]
    project: Option<String>,

    /// MAC address; chosen by the controller when not given
    #[arg(long)]
    mac: Option<String>,

    #[command(flatten)]
    addresses: Addresses,

    /// Security group of its project: name or id; may be repeated; the project's
    /// `default` when not given
    #[arg(long = "security-group", value_name = "GROUP")]
    security_groups: Vec<String>,

    /// Put it in no security group, not in `default` either: then it sends and
    /// receives nothing
    #[arg(long, conflicts_with = "security_groups")]
    no_security_group: bool,

    /// Addresses it may use beside its own; may be repeated
    #[arg(
        long = "allowed-address",
        value_name = "PREFIX[,MAC]",
        value_parser = parse::address_pair
    )]
    allowed_addresses: Vec<AddressPair>,

    #[command(flatten)]
    port_security: PortSecurity,

    #[command(flatten)]
    admin_state: AdminState,

    /// The only host that may claim it: name or id
    #[arg(long)]
    host: Option<String>,
}

/// Which ports to list.
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Only those of this project: name or id
    #[arg(long, env = "WEFT_PROJECT")]
    project: Option<String>,

    /// Only those of this network: name or id
    #[arg(long)]
    network: Option<String>,

    /// Only those on this host: name or id
    #[arg(long)]
    host: Option<String>,

    /// Only those that have this security group: name or id
    #[arg(long, value_name = "GROUP")]
    security_group: Option<String>,

    /// Only those of this name
    #[arg(long)]
    name: Option<String>,
}

/// A change of a port.
#[derive(Args, Debug)]
pub(crate) struct Change {
    /// Name or id
    port: String,

    #[command(flatten)]
    changed: Changed,

    /// New MAC address
    #[arg(long)]
    mac: Option<String>,

    #[command(flatten)]
    addresses: Addresses,

    /// Security group, in place of those now: name or id; may be repeated
    #[arg(long = "security-group", value_name = "GROUP")]
    security_groups: Vec<String>,

    /// Take it out of every security group: then it sends and receives nothing
    #[arg(long, conflicts_with = "security_groups")]
    no_security_group: bool,

    /// Addresses it may use beside its own, in place of those now; may be repeated
    #[arg(
        long = "allowed-address",
        value_name = "PREFIX[,MAC]|none",
        value_parser = parse::or_none(parse::address_pair)
    )]
    allowed_addresses: Vec<Entry<AddressPair>>,

    #[command(flatten)]
    port_security: PortSecurity,

    #[command(flatten)]
    admin_state: AdminState,

    /// The only host that may claim it: name or id, or `none` for any
    #[arg(long, value_name = "HOST|none")]
    host: Option<String>,
}

/// The addresses that a port is to have.
#[derive(Args, Debug)]
pub(crate) struct Addresses {
    /// Address, of the subnet that contains it or of the one named; may be
    /// repeated
    #[arg(long = "fixed-ip", value_name = "[SUBNET=]IP", value_parser = parse::fixed_ip)]
    fixed_ips: Vec<WantedIp>,

    /// Subnet to choose an address from: name or id; may be repeated
    #[arg(long = "subnet", value_name = "SUBNET")]
    subnets: Vec<String>,
}

/// Whether packets may pass.
#[derive(Args, Debug)]
pub(crate) struct AdminState {
    /// Let packets pass
    #[arg(long, overrides_with = "admin_down")]
    admin_up: bool,

    /// Let no packet pass
    #[arg(long, overrides_with = "admin_up")]
    admin_down: bool,
}

impl PortCommand {
    /// Does it.
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Failure> {
        match self {
            Self::Create(create) => {
                let network = session.resolve::<pb::Network>(&create.network).await?;
                let project_id = session.id_of::<pb::Project>(create.project.as_deref()).await?;
                let fixed_ips = create.addresses.resolve(session, &network.id).await?;
                let owner = if project_id.is_empty() { &network.project_id } else { &project_id };
                let groups = secgroup::ids_of(session, &create.security_groups, owner).await?;
                let no_security_groups = create.no_security_group;
                let port = create.port(project_id, network.id, fixed_ips);
                let port = Some(pb::Port { security_group_ids: groups, ..port });
                let request = pb::CreatePortRequest { port, no_security_groups };
                session.create_by::<pb::Port>(request).await
            }
            Self::List(list) => {
                let project_id = session.id_of::<pb::Project>(list.project.as_deref()).await?;
                let group: Vec<_> = list.security_group.into_iter().collect();
                let mut group = secgroup::ids_of(session, &group, &project_id).await?;
                let filter = pb::ListPortsRequest {
                    security_group_id: group.pop().unwrap_or_default(),
                    project_id,
                    network_id: session.id_of::<pb::Network>(list.network.as_deref()).await?,
                    host: list.host.unwrap_or_default(),
                    name: list.name.unwrap_or_default(),
                    ..Default::default()
                };
                session.list::<pb::Port>(filter).await
            }
            Self::Show { port } => counters::show(session, &port).await,
            Self::Counters { port } => counters::print(session, &port).await,
            Self::Update(change) => {
                let current: pb::Port = session.resolve(&change.port).await?;
                let fixed_ips = change.addresses.resolve(session, &current.network_id).await?;
                let owner = &current.project_id;
                let groups = secgroup::ids_of(session, &change.security_groups, owner).await?;
                let replaces = change.no_security_group || !groups.is_empty();
                let mut update = change.update(&current, fixed_ips);
                update.set(
                    "security_group_ids",
                    |port| &mut port.security_group_ids,
                    replaces.then_some(groups),
                );
                session.update(update).await
            }
            Self::Delete { ports } => session.delete::<pb::Port>(&ports).await,
            Self::Wait(wait) => wait.run(session).await,
        }
    }
}

impl Addresses {
    /// The addresses, with the ids of the subnets that are named.
    async fn resolve(
        &self,
        session: &Session<'_>,
        network_id: &str,
    ) -> Result<Vec<FixedIp>, Failure> {
        let any = self.subnets.iter().map(|subnet| (Some(subnet), ""));
        let given =
            self.fixed_ips.iter().map(|wanted| (wanted.subnet.as_ref(), &*wanted.ip_address));
        let mut fixed_ips = Vec::new();
        for (subnet, ip_address) in given.chain(any) {
            let subnet_id = match subnet {
                Some(subnet) => {
                    let siblings = pb::ListSubnetsRequest {
                        network_id: network_id.to_owned(),
                        ..Default::default()
                    };
                    session.resolve_among::<pb::Subnet>(subnet, siblings).await?.id
                }
                None => String::new(),
            };
            fixed_ips.push(FixedIp { subnet_id, ip_address: ip_address.to_owned() });
        }
        Ok(fixed_ips)
    }
}

impl Create {
    fn port(self, project_id: String, network_id: String, fixed_ips: Vec<FixedIp>) -> pb::Port {
        pb::Port {
            project_id,
            network_id,
            mac_address: self.mac.unwrap_or_default(),
            fixed_ips,
            allowed_address_pairs: self.allowed_addresses,
            port_security_enabled: self.port_security.choice(),
            admin_state_up: self.admin_state.choice(),
            requested_host: self.host.unwrap_or_default(),
            ..self.new.resource()
        }
    }
}

impl Change {
    fn update(self, current: &pb::Port, fixed_ips: Vec<FixedIp>) -> Update<pb::Port> {
        let mut update = self.changed.update(current);
        let fixed_ips = (!fixed_ips.is_empty()).then_some(fixed_ips);
        let host = self.host.map(|host| if host == "none" { String::new() } else { host });
        update.set("mac_address", |port| &mut port.mac_address, self.mac);
        update.set("fixed_ips", |port| &mut port.fixed_ips, fixed_ips);
        update.set(
            "allowed_address_pairs",
            |port| &mut port.allowed_address_pairs,
            parse::list(self.allowed_addresses),
        );
        update.set(
            "port_security_enabled",
            |port| &mut port.port_security_enabled,
            self.port_security.choice().map(Some),
        );
        update.set(
            "admin_state_up",
            |port| &mut port.admin_state_up,
            self.admin_state.choice().map(Some),
        );
        update.set("requested_host", |port| &mut port.requested_host, host);
        update
    }
}

impl AdminState {
    fn choice(&self) -> Option<bool> {
        choice(self.admin_up, self.admin_down)
    }
}

/// Headings of [`row`].
pub(crate) const COLUMNS: &[&str] =
    &["ID", "NAME", "NETWORK", "MAC ADDRESS", "IP ADDRESSES", "HOST", "STATUS"];

/// A port's line in the table.
pub(crate) fn row(port: &pb::Port, names: &Names) -> Vec<String> {
    let addresses = port.fixed_ips.iter().map(|fixed_ip| fixed_ip.ip_address.as_str());
    vec![
        port.id.clone(),
        port.name.clone(),
        names.of(&port.network_id),
        port.mac_address.clone(),
        addresses.collect::<Vec<_>>().join(", "),
        port.bound_host.clone(),
        port.status().as_str_name().to_owned(),
    ]
}
