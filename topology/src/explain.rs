//! Explanations: from any flow of Weft's back to the tenant objects that it is there for.

mod policy;
mod rule;

use std::fmt;
use std::sync::Arc;

use openflow::{Field, MacAddr, Match};

use crate::compile::{allowed_source, is_floating};
use crate::cookie::{BlockKind, Cookie};
use crate::key::{Key, Kind};
use crate::model::{Model, Port, ResourceId};
use crate::pipeline::{Detail, DetailSpec, Verdict};
pub use rule::in_words;

/// Why a flow is there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Explanation {
    /// The flow's cookie.
    pub cookie: Cookie,
    /// What the flow is for.
    pub detail: Detail,
    /// The objects that it is there for, the block's owner first. Without those that do not exist
    /// any more.
    pub owners: Vec<ResourceId>,
    /// The same in words.
    pub sentence: String,
}

impl Explanation {
    /// The table, the priority and the sort of block that flows of this detail have.
    pub fn spec(&self) -> &'static DetailSpec {
        self.detail.spec()
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.spec().table.name(), self.sentence)
    }
}

/// A cookie that explains nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Unexplained {
    /// The flow is somebody else's.
    #[error("cookie {0} is not one of Weft's: its top byte is no sort of block")]
    Foreign(Cookie),
    /// The flow looks like Weft's, but was not made by this version of it.
    #[error("cookie {cookie} is of a {} block, which has no flows of detail {:#04x}",
        .kind.name(), .cookie.0 as u8)]
    UnknownDetail {
        /// The cookie.
        cookie: Cookie,
        /// The sort of block that it names.
        kind: BlockKind,
    },
}

/// Says why the flow with this cookie is there.
///
/// The cookie is enough for every flow but those that several ports or several rules give rise to:
/// with the flow's match, all of them are named, and only them.
///
/// # Errors
///
/// When the cookie is not one that this version of Weft gives.
pub fn explain(
    cookie: Cookie,
    matching: Option<&Match>,
    model: &Model,
) -> Result<Explanation, Unexplained> {
    let kind = cookie.kind().ok_or(Unexplained::Foreign(cookie))?;
    let detail = cookie.detail().ok_or(Unexplained::UnknownDetail { cookie, kind })?;
    let mut story = Story { model, owners: Vec::new(), words: Vec::new() };
    let [owner, member] = [cookie.owner(), cookie.member()];
    match kind {
        BlockKind::HostBase => story.add(Kind::Host, owner),
        BlockKind::Vteps => story.add(Kind::Host, member),
        BlockKind::Network => {
            story.add(Kind::Network, owner);
            if detail == Detail::ForwardFloating {
                story.add_naming(owner, member, matching);
            } else if detail == Detail::MemberPair {
                story.add_member_pair(member, matching);
            } else if member != Key::NONE {
                story.add(Kind::Port, member);
            }
        }
        BlockKind::HostNetwork => {
            story.add(Kind::Network, owner);
            if member != Key::NONE {
                story.words.push(format!("part {member}"));
            }
        }
        BlockKind::HostPort => {
            story.add(Kind::Port, owner);
            story.add_source(owner, member);
            if policy::is_judging(detail) {
                story.add_groups_of(owner);
            }
        }
        BlockKind::Profile => story.add_profile(owner, member, detail, matching),
        BlockKind::GroupMembers => {
            story.add(Kind::SecurityGroup, owner);
            story.add_peers(member);
        }
        BlockKind::AddressGroup => story.add(Kind::AddressGroup, owner),
    }
    let verdict = if detail.spec().verdict == Verdict::Drop { "dropped: " } else { "" };
    let sentence = format!("{verdict}{} ({})", detail.spec().sentence, story.words.join(", "));
    Ok(Explanation { cookie, detail, owners: story.owners, sentence })
}

/// Gathers an explanation.
struct Story<'a> {
    model: &'a Model,
    owners: Vec<ResourceId>,
    words: Vec<String>,
}

impl Story<'_> {
    /// The object of a kind with a key, if it still exists.
    fn add(&mut self, kind: Kind, key: Key) {
        let found = self.model.by_key(kind, key);
        let resource = found.and_then(|id| self.model.resource(id));
        self.words.push(match resource {
            Some(resource) => {
                format!("{kind} {:?} {}", resource.meta().name, resource.id().uuid())
            }
            None => format!("{kind} with key {key}, which does not exist"),
        });
        self.owners.extend(found);
    }

    /// The ports that name the same Ethernet address as the port `first` does: the one in the
    /// match, or without a match any.
    fn add_naming(&mut self, network: Key, first: Key, matching: Option<&Match>) {
        let named = matching.and_then(|matching| matching.field(Field::ETH_DST));
        let named = named.map(|oxm| MacAddr::from(oxm.value as u64));
        let objects = (self.model.network_by_key(network), self.model.port_by_key(first));
        let (Some(network), Some(port)) = objects else { return self.add(Kind::Port, first) };
        let macs: Vec<MacAddr> = match named {
            Some(mac) => vec![mac],
            None => {
                pair_macs(port).filter(|&mac| is_floating(self.model, network.id, mac)).collect()
            }
        };
        let naming = |port: &&Arc<Port>| {
            port.serving_host().is_some() && pair_macs(port).any(|mac| macs.contains(&mac))
        };
        let mut keys: Vec<Key> =
            self.model.ports_of(network.id).filter(naming).map(|port| port.meta.key).collect();
        keys.sort_unstable();
        for key in keys {
            self.add(Kind::Port, key);
        }
    }

    /// The address that flows of this member are about.
    fn add_source(&mut self, port: Key, number: Key) {
        if number == Key::NONE {
            return;
        }
        let source = self.model.port_by_key(port).and_then(|port| allowed_source(port, number));
        self.words.push(match source {
            Some((mac, prefix)) => format!("{prefix} with {mac}"),
            None => format!("address number {number}, which does not exist"),
        });
    }
}

fn pair_macs(port: &Port) -> impl Iterator<Item = MacAddr> + '_ {
    port.allowed_address_pairs.iter().filter_map(|pair| pair.mac)
}

#[cfg(test)]
mod tests;
