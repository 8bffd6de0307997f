//! The tenant model: what clients asked for, and where their ports are.

mod address_group;
mod change;
mod host;
mod index;
mod meta;
mod network;
mod policy;
mod port;
mod profile;
mod project;
mod rule;
mod runs;
mod security_group;
mod subnet;

pub use address_group::{AddressGroup, AddressGroupId};
pub use change::{Change, Resource, ResourceId};
pub use host::{Host, HostId};
pub use index::Model;
pub use meta::{Meta, Timestamp};
pub use network::{Network, NetworkId, OutOfRange, Segment, VlanId, Vni};
pub use port::{AllowedAddressPair, FixedIp, Port, PortId};
pub use profile::{Profile, ProfileId};
pub use project::{Project, ProjectId};
pub use rule::{Direction, Ethertype, Icmp, PortRange, Remote, Rule, RuleId, Traffic};
pub(crate) use runs::{predecessor, successor};
pub use security_group::{SecurityGroup, SecurityGroupId};
pub use subnet::{AddressRange, HostRoute, Subnet, SubnetId};

/// Declares the newtype of a resource's UUID.
macro_rules! resource_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, serde::Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd,
            serde::Serialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub uuid::Uuid);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(&self.0, f)
            }
        }
    };
}
use resource_id;
