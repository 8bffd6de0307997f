//! Compact identities: what registers and cookies carry.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A 24-bit number that identifies an object of its [`Kind`] in registers and cookies.
///
/// Allocated by the store, counting up from 1, and not used again until 16 million others were.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Key(u32);

impl Key {
    /// No object: the owner or member of what belongs to none.
    pub const NONE: Self = Self(0);
    /// Bits of a key.
    pub const BITS: u32 = 24;
    /// The highest key.
    pub const MAX: Self = Self((1 << Self::BITS) - 1);

    /// The key with this number; `None` above 24 bits.
    pub const fn new(number: u32) -> Option<Self> {
        if number <= Self::MAX.0 { Some(Self(number)) } else { None }
    }

    /// The key in the low 24 bits of `number`.
    pub(crate) const fn truncated(number: u32) -> Self {
        Self(number & Self::MAX.0)
    }

    /// The number, at most 24 bits.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The key after this one; after the last comes the first.
    #[must_use]
    pub const fn next(self) -> Self {
        if self.0 == Self::MAX.0 { Self(1) } else { Self(self.0 + 1) }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl From<Key> for u32 {
    fn from(key: Key) -> Self {
        key.0
    }
}

/// The number does not fit in 24 bits.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0} is no key: expected at most {max}", max = Key::MAX)]
pub struct KeyTooLarge(pub u32);

impl TryFrom<u32> for Key {
    type Error = KeyTooLarge;

    fn try_from(number: u32) -> Result<Self, KeyTooLarge> {
        Self::new(number).ok_or(KeyTooLarge(number))
    }
}

/// The kinds of object that have keys.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A project.
    Project,
    /// A network.
    Network,
    /// A subnet.
    Subnet,
    /// A port.
    Port,
    /// A host.
    Host,
    /// A security group.
    SecurityGroup,
    /// An address group.
    AddressGroup,
    /// A policy profile.
    Profile,
    /// A rule of a security group.
    Rule,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 9] = [
        Self::Project,
        Self::Network,
        Self::Subnet,
        Self::Port,
        Self::Host,
        Self::SecurityGroup,
        Self::AddressGroup,
        Self::Profile,
        Self::Rule,
    ];

    /// The name in identifiers, such as `security_group`; [`Display`](fmt::Display) writes it for
    /// sentences, without the underscore.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Project => "project",
            Self::Network => "network",
            Self::Subnet => "subnet",
            Self::Port => "port",
            Self::Host => "host",
            Self::SecurityGroup => "security_group",
            Self::AddressGroup => "address_group",
            Self::Profile => "profile",
            Self::Rule => "rule",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SecurityGroup => "security group",
            Self::AddressGroup => "address group",
            other => other.name(),
        })
    }
}
