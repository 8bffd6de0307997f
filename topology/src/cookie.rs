//! Cookies: what a flow says of who caused it.
//!
//! ```text
//!  63        56 55                    32 31                     8 7        0
//! +------------+------------------------+------------------------+----------+
//! | block kind | owner key              | member key             | detail   |
//! +------------+------------------------+------------------------+----------+
//! ```
//!
//! Arithmetic on keys of the store: nothing to look up that could be lost, and the same on every
//! controller.

use std::fmt;

use crate::key::Key;
use crate::pipeline::Detail;

/// A flow's cookie.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Cookie(pub u64);

/// Which sort of block a flow belongs to: the top eight bits of its cookie.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[repr(u8)]
pub enum BlockKind {
    /// A host's own flows that no network or port gives rise to. Owner: the host.
    HostBase = 0x10,
    /// The tunnel endpoints of all hosts, the same on every host. No owner; member: the host.
    Vteps = 0x11,
    /// A network, the same on every host. Owner: the network; member: the port, or none.
    Network = 0x12,
    /// A network on one host. Owner: the network; member: the part of the flood list, or none.
    HostNetwork = 0x13,
    /// A port on its host. Owner: the port; member: the number of the address, from 1, or none.
    HostPort = 0x14,
    /// A set of security groups that ports have, the same on every host. Owner: the profile;
    /// member: a rule, or none.
    Profile = 0x15,
    /// The members of a security group that rules name as remote, the same on every host. Owner:
    /// the group; member: the profile of ports that are in it.
    GroupMembers = 0x16,
    /// The prefixes of an address group, the same on every host. Owner: the address group; no
    /// member.
    AddressGroup = 0x17,
}

impl BlockKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::HostBase,
        Self::Vteps,
        Self::Network,
        Self::HostNetwork,
        Self::HostPort,
        Self::Profile,
        Self::GroupMembers,
        Self::AddressGroup,
    ];

    /// The name in documents and explanations.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HostBase => "host base",
            Self::Vteps => "tunnel endpoints",
            Self::Network => "network",
            Self::HostNetwork => "network on host",
            Self::HostPort => "port on host",
            Self::Profile => "profile",
            Self::GroupMembers => "group members",
            Self::AddressGroup => "address group",
        }
    }

    /// What the owner and the member of a cookie of this kind are.
    pub const fn fields(self) -> [&'static str; 2] {
        match self {
            Self::HostBase => ["host", "0"],
            Self::Vteps => ["0", "host"],
            Self::Network => ["network", "port, or 0"],
            Self::HostNetwork => ["network", "part of the flood list, or 0"],
            Self::HostPort => ["port", "number of the address, or 0"],
            Self::Profile => ["profile", "rule, the first of those that it stands for, or 0"],
            Self::GroupMembers => ["security group", "profile"],
            Self::AddressGroup => ["address group", "0"],
        }
    }

    /// True when its blocks are the same bytes on every host.
    pub const fn is_shared(self) -> bool {
        match self {
            Self::Vteps
            | Self::Network
            | Self::Profile
            | Self::GroupMembers
            | Self::AddressGroup => true,
            Self::HostBase | Self::HostNetwork | Self::HostPort => false,
        }
    }
}

impl Cookie {
    /// The bits that hold kind and owner.
    pub const OWNER_MASK: u64 = 0xffff_ffff_0000_0000;
    /// The bits that hold the kind.
    pub const KIND_MASK: u64 = 0xff00_0000_0000_0000;

    /// The cookie of a flow of `detail` that `owner` and `member` give rise to.
    pub const fn new(detail: Detail, owner: Key, member: Key) -> Self {
        let kind = (detail.spec().kind as u64) << 56;
        Self(kind | (owner.get() as u64) << 32 | (member.get() as u64) << 8 | detail as u64)
    }

    /// The sort of block, `None` for a cookie that is not Weft's.
    pub fn kind(self) -> Option<BlockKind> {
        let number = (self.0 >> 56) as u8;
        BlockKind::ALL.into_iter().find(|&kind| kind as u8 == number)
    }

    /// The block's object.
    pub const fn owner(self) -> Key {
        Key::truncated((self.0 >> 32) as u32)
    }

    /// The object within the block.
    pub const fn member(self) -> Key {
        Key::truncated((self.0 >> 8) as u32)
    }

    /// What the flow is for; `None` when the detail is unknown or not one of the kind's.
    pub fn detail(self) -> Option<Detail> {
        let detail = Detail::from_number(self.0 as u8)?;
        (Some(detail.spec().kind) == self.kind()).then_some(detail)
    }

    /// The bits that tell which resource the flow is for: kind and owner, and the member, where
    /// that is a resource of its own: a port of a network, a profile in a group.
    pub fn subject(self) -> u64 {
        let member = u64::from(Key::MAX.get()) << 8;
        match self.kind() {
            Some(BlockKind::Network | BlockKind::GroupMembers) => {
                self.0 & (Self::OWNER_MASK | member)
            }
            _ => self.0 & Self::OWNER_MASK,
        }
    }

    /// True when Weft may have written the flow: when the kind is one of ours.
    pub fn is_ours(self) -> bool {
        self.kind().is_some()
    }
}

impl fmt::Display for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

impl fmt::Debug for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_taken_apart_again() {
        let [owner, member] = [Key::new(0xab_cdef).unwrap(), Key::new(0x12_3456).unwrap()];
        for detail in Detail::all() {
            let cookie = Cookie::new(detail, owner, member);
            assert_eq!(cookie.kind(), Some(detail.spec().kind));
            assert_eq!(cookie.owner(), owner);
            assert_eq!(cookie.member(), member);
            assert_eq!(cookie.detail(), Some(detail));
        }
        assert_eq!(Cookie::new(Detail::Address, owner, member).to_string(), "0x12abcdef1234565a");
    }

    #[test]
    fn a_ports_flows_in_the_blocks_of_others_are_a_subject_of_their_own() {
        let [owner, port, other] = [5, 6, 7].map(|number| Key::new(number).unwrap());
        let subject = |detail, member| Cookie::new(detail, owner, member).subject();
        let address = subject(Detail::Address, port);
        assert_eq!(address, subject(Detail::ForwardRemote, port));
        assert_ne!(address, subject(Detail::Address, other));
        assert_ne!(address, subject(Detail::Vni, Key::NONE));
        assert_eq!(subject(Detail::Spoofed, port), subject(Detail::Egress, other));
    }

    #[test]
    fn foreign_cookies_are_told() {
        assert!(!Cookie(0).is_ours());
        assert!(!Cookie(0xffff_ffff_ffff_ffff).is_ours());
        let known_vtep = Cookie::new(Detail::KnownVtep, Key::NONE, Key::NONE);
        let other_kind = Cookie((BlockKind::Network as u64) << 56 | known_vtep.0 & 0xff);
        assert!(other_kind.is_ours());
        assert_eq!(other_kind.detail(), None);
    }
}
