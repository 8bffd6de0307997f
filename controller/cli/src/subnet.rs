//! `weft subnet`.

use clap::{Args, Subcommand};
use proto::v1 as pb;
use proto::v1::subnet::{AllocationPool, HostRoute};

use crate::failure::Failure;
use crate::fields::{Changed, New, Update, choice};
use crate::parse::{self, Entry};
use crate::print::Names;
use crate::session::Session;

/// What to do with subnets.
#[derive(Debug, Subcommand)]
pub(crate) enum SubnetCommand {
    /// Make a subnet
    Create(Create),

    /// List subnets
    List(List),

    /// Show everything about a subnet
    Show {
        /// Name or id
        subnet: String,
    },

    /// Change a subnet
    Update(Change),

    /// Delete subnets
    Delete {
        /// Names or ids
        #[arg(required = true, value_name = "SUBNET")]
        subnets: Vec<String>,
    },
}

/// A subnet to make.
#[derive(Args, Debug)]
pub(crate) struct Create {
    #[command(flatten)]
    new: New,

    /// Network: name or id
    #[arg(long)]
    network: String,

    /// Prefix, such as 192.0.2.0/24
    #[arg(long, value_name = "PREFIX")]
    cidr: String,

    /// Address of the router, or `none`; the first address when not given
    #[arg(long, value_name = "IP|none")]
    gateway: Option<String>,

    /// Addresses to choose from; may be repeated; all when not given
    #[arg(long = "pool", value_name = "START-END", value_parser = parse::pool)]
    pools: Vec<AllocationPool>,

    /// Name server; may be repeated
    #[arg(long, value_name = "IP")]
    dns: Vec<String>,

    /// Route for the ports; may be repeated
    #[arg(long = "route", value_name = "DESTINATION,NEXTHOP", value_parser = parse::route)]
    routes: Vec<HostRoute>,

    #[command(flatten)]
    dhcp: Dhcp,
}

/// Which subnets to list.
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Only those of this project: name or id
    #[arg(long, env = "WEFT_PROJECT")]
    project: Option<String>,

    /// Only those of this network: name or id
    #[arg(long)]
    network: Option<String>,

    /// Only those of this name
    #[arg(long)]
    name: Option<String>,
}

/// A change of a subnet.
#[derive(Args, Debug)]
pub(crate) struct Change {
    /// Name or id
    subnet: String,

    #[command(flatten)]
    changed: Changed,

    /// Address of the router, `none`, or `default` for the first address
    #[arg(long, value_name = "IP|none|default")]
    gateway: Option<String>,

    /// Addresses to choose from, in place of those now; may be repeated; `none`
    /// for all of the subnet
    #[arg(long = "pool", value_name = "START-END|none", value_parser = parse::or_none(parse::pool))]
    pools: Vec<Entry<AllocationPool>>,

    /// Name server, in place of those now; may be repeated
    #[arg(long, value_name = "IP|none", value_parser = parse::or_none(parse::text))]
    dns: Vec<Entry<String>>,

    /// Route, in place of those now; may be repeated
    #[arg(
        long = "route",
        value_name = "DESTINATION,NEXTHOP|none",
        value_parser = parse::or_none(parse::route)
    )]
    routes: Vec<Entry<HostRoute>>,

    #[command(flatten)]
    dhcp: Dhcp,
}

/// Whether ports are to be configured by DHCP.
#[derive(Args, Debug)]
pub(crate) struct Dhcp {
    /// Configure the ports by DHCP
    #[arg(long, overrides_with = "no_dhcp")]
    dhcp: bool,

    /// Do not configure the ports by DHCP
    #[arg(long, overrides_with = "dhcp")]
    no_dhcp: bool,
}

impl SubnetCommand {
    /// Does it.
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Failure> {
        match self {
            Self::Create(create) => {
                let network = session.resolve::<pb::Network>(&create.network).await?;
                session.create(create.subnet(network.id)).await
            }
            Self::List(list) => {
                let filter = pb::ListSubnetsRequest {
                    project_id: session.id_of::<pb::Project>(list.project.as_deref()).await?,
                    network_id: session.id_of::<pb::Network>(list.network.as_deref()).await?,
                    name: list.name.unwrap_or_default(),
                    ..Default::default()
                };
                session.list::<pb::Subnet>(filter).await
            }
            Self::Show { subnet } => session.show::<pb::Subnet>(&subnet).await,
            Self::Update(change) => {
                let current = session.resolve(&change.subnet).await?;
                session.update(change.update(&current)).await
            }
            Self::Delete { subnets } => session.delete::<pb::Subnet>(&subnets).await,
        }
    }
}

impl Create {
    fn subnet(self, network_id: String) -> pb::Subnet {
        let (gateway_ip, no_gateway) = gateway(self.gateway.unwrap_or_default());
        pb::Subnet {
            network_id,
            cidr: self.cidr,
            gateway_ip,
            no_gateway,
            allocation_pools: self.pools,
            dns_nameservers: self.dns,
            host_routes: self.routes,
            dhcp_enabled: choice(self.dhcp.dhcp, self.dhcp.no_dhcp),
            ..self.new.resource()
        }
    }
}

impl Change {
    fn update(self, current: &pb::Subnet) -> Update<pb::Subnet> {
        let mut update = self.changed.update(current);
        let (gateway_ip, no_gateway) = self.gateway.map(gateway).unzip();
        update.set("gateway_ip", |subnet| &mut subnet.gateway_ip, gateway_ip);
        update.set("no_gateway", |subnet| &mut subnet.no_gateway, no_gateway);
        update.set(
            "allocation_pools",
            |subnet| &mut subnet.allocation_pools,
            parse::list(self.pools),
        );
        update.set("dns_nameservers", |subnet| &mut subnet.dns_nameservers, parse::list(self.dns));
        update.set("host_routes", |subnet| &mut subnet.host_routes, parse::list(self.routes));
        update.set(
            "dhcp_enabled",
            |subnet| &mut subnet.dhcp_enabled,
            choice(self.dhcp.dhcp, self.dhcp.no_dhcp).map(Some),
        );
        update
    }
}

/// `gateway_ip` and `no_gateway` for an address, `none`, or the default.
fn gateway(text: String) -> (String, bool) {
    match text.as_str() {
        "none" => (String::new(), true),
        "default" => (String::new(), false),
        _ => (text, false),
    }
}

/// Headings of [`row`].
pub(crate) const COLUMNS: &[&str] = &["ID", "NAME", "NETWORK", "CIDR", "GATEWAY", "POOLS"];

/// A subnet's line in the table.
pub(crate) fn row(subnet: &pb::Subnet, names: &Names) -> Vec<String> {
    let pools = subnet.allocation_pools.iter().map(|pool| format!("{}-{}", pool.start, pool.end));
    vec![
        subnet.id.clone(),
        subnet.name.clone(),
        names.of(&subnet.network_id),
        subnet.cidr.clone(),
        subnet.gateway_ip.clone(),
        pools.collect::<Vec<_>>().join(", "),
    ]
}
