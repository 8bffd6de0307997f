use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use openflow::Flow;
use topology::block::BlockId;
use topology::cookie::BlockKind;

use crate::engine::Update;

/// How long a host keeps the flows of policy that it has no use for any more.
///
/// A packet on its way through conntrack carries the key of the policy profile that it is judged
/// by. For as long as the switch takes to revalidate its datapath after a bundle, the first half
/// of its way may still load the profile that the port had before, and the second half finds that
/// profile's flows gone: it would be dropped although both profiles allow it. Revalidation takes
/// milliseconds, and up to a second with hundreds of thousands of datapath flows.
const LINGER: Duration = Duration::from_secs(2);

/// Blocks of policy whose flows a switch still has and is to lose soon.
#[derive(Debug, Default)]
pub(super) struct Lingering(BTreeMap<BlockId, Instant>);

impl Lingering {
    /// Holds back from `update` what may stay for a moment. A block that comes back meanwhile is
    /// cleared before it is filled again: it may have changed since it was left.
    pub(super) fn hold_back(&mut self, update: &mut Update, now: Instant) {
        let gained = update.gained.iter().copied();
        update.cleared.extend(gained.filter(|block| self.0.remove(block).is_some()));
        update.left.retain(|&block| {
            let lingers = lingers(block);
            if lingers {
                self.0.insert(block, now + LINGER);
            }
            !lingers
        });
    }

    /// A switch should have these blocks: whatever lingers of them is a part of what it has.
    pub(super) fn want(&mut self, blocks: &[BlockId]) {
        for block in blocks {
            self.0.remove(block);
        }
    }

    /// True when this is a flow of one of them.
    pub(super) fn has(&self, flow: &Flow) -> bool {
        self.0.keys().any(|block| {
            let (cookie, mask) = block.cookie_and_mask();
            flow.cookie & mask == cookie
        })
    }

    /// When the next of them is to go.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.0.values().copied().min()
    }

    /// Those whose time has come.
    pub(super) fn take_due(&mut self, now: Instant) -> Vec<BlockId> {
        self.0.extract_if(.., |_, deadline| *deadline <= now).map(|(block, _)| block).collect()
    }
}

fn lingers(block: BlockId) -> bool {
    matches!(block.kind(), BlockKind::Profile | BlockKind::GroupMembers | BlockKind::AddressGroup)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use topology::key::Key;

    use super::*;
    use crate::engine::{Lane, SessionId, Ticket};

    const PROFILE: BlockId = BlockId::Profile(key(1));
    const NETWORK: BlockId = BlockId::Network(key(1));

    const fn key(number: u32) -> Key {
        Key::new(number).expect("a small number is a key")
    }

    fn update(gained: &[BlockId], left: &[BlockId]) -> Update {
        Update {
            put: vec![],
            removed: vec![],
            cleared: vec![],
            gained: gained.to_vec(),
            left: left.to_vec(),
            changed: gained.iter().chain(left).copied().collect(),
            presupposed: BTreeSet::new(),
            ticket: Ticket { session: SessionId(1), lane: Lane::Live, revision: 1 },
        }
    }

    #[test]
    fn policy_stays_for_a_moment_and_nothing_else_does() {
        let (mut lingering, now) = (Lingering::default(), Instant::now());
        let mut update = update(&[], &[NETWORK, PROFILE]);
        lingering.hold_back(&mut update, now);
        assert_eq!(update.left, [NETWORK]);
        let flow =
            |block: BlockId| Flow { cookie: block.cookie_and_mask().0 | 7, ..Flow::default() };
        assert!(lingering.has(&flow(PROFILE)));
        assert!(!lingering.has(&flow(BlockId::Profile(key(2)))));
        assert_eq!(lingering.deadline(), Some(now + LINGER));
        assert_eq!(lingering.take_due(now), []);
        assert_eq!(lingering.take_due(now + LINGER), [PROFILE]);
        assert_eq!(lingering.deadline(), None);
    }

    #[test]
    fn what_comes_back_meanwhile_is_made_anew() {
        let (mut lingering, now) = (Lingering::default(), Instant::now());
        lingering.hold_back(&mut update(&[], &[PROFILE]), now);
        let mut other = update(&[BlockId::Profile(key(2))], &[]);
        lingering.hold_back(&mut other, now);
        assert_eq!(other.cleared, []);
        // Also when no flow is left of it.
        let mut back = update(&[PROFILE], &[]);
        lingering.hold_back(&mut back, now);
        assert_eq!(back.cleared, [PROFILE]);
        assert_eq!(lingering.take_due(now + LINGER), []);
    }
}
