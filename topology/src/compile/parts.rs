use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use crate::key::Key;

/// A set of keys, divided into parts so that a change touches one part, however many keys there
/// are, and the division depends on nothing but the set.
///
/// Parts are nodes of a binary tree: the root has all keys, its children those whose lowest bit
/// is 0 or 1, theirs go by the next bit, and so on. A node with too many keys is divided into its
/// children. Keys count up, so their low bits divide them evenly.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// The keys, their bits in reverse, so that a node's keys are a range.
    reversed: BTreeSet<u32>,
}

/// One part of a set: the node's number, 1 for the root, and 2n and 2n + 1 for the children of n.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Part(u32);

/// What a change of the set touches.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Touched {
    /// The parts that have other keys than before.
    pub(super) parts: Vec<Part>,
    /// Whether there are other parts than before.
    pub(super) list: bool,
}

impl Part {
    const ROOT: Self = Self(1);

    /// The part with this number; `None` when there can be none.
    pub(super) fn new(number: Key) -> Option<Self> {
        (number != Key::NONE).then_some(Self(number.get()))
    }

    /// The number, from 1.
    pub(super) fn number(self) -> Key {
        Key::new(self.0).expect("no two keys share more than 24 bits, so nodes end there")
    }

    /// The reversed keys that are this part's.
    fn range(self) -> RangeInclusive<u32> {
        let depth = self.0.ilog2();
        let prefix = self.0 - (1 << depth);
        let free = Key::BITS.saturating_sub(depth);
        let first = prefix << free;
        first..=first + ((1 << free) - 1)
    }

    fn children(self) -> [Self; 2] {
        [Self(2 * self.0), Self(2 * self.0 + 1)]
    }

    fn parent(self) -> Option<Self> {
        (self != Self::ROOT).then_some(Self(self.0 / 2))
    }
}

impl Parts {
    /// Keys in one part at most.
    pub(super) const LIMIT: usize = 256;

    /// Adds or removes a key.
    pub(super) fn set(&mut self, key: Key, present: bool) -> Touched {
        let bits = reverse(key);
        if self.reversed.contains(&bits) == present {
            return Touched::default();
        }
        // Where the key belongs when it is not there, and what becomes of that with it.
        self.reversed.remove(&bits);
        let without = self.part_of(bits);
        let was_empty = self.count(without) == 0;
        self.reversed.insert(bits);
        let mut with = Vec::new();
        self.collect(without, &mut with);
        if !present {
            self.reversed.remove(&bits);
        }
        if with == [without] {
            return Touched { parts: with, list: was_empty };
        }
        with.push(without);
        Touched { parts: with, list: true }
    }

    /// True when there is no key.
    pub(super) fn is_empty(&self) -> bool {
        self.reversed.is_empty()
    }

    /// The parts that have keys, in order.
    pub(super) fn parts(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        self.collect(Part::ROOT, &mut parts);
        parts.sort_unstable();
        parts
    }

    /// The keys of a part, in order; none when it is not one of [`Parts::parts`].
    pub(super) fn keys(&self, part: Part) -> Vec<Key> {
        let divided = |part| self.count(part) > Self::LIMIT;
        if divided(part) || part.parent().is_some_and(|parent| !divided(parent)) {
            return Vec::new();
        }
        let mut keys: Vec<Key> =
            self.reversed.range(part.range()).map(|&bits| restore(bits)).collect();
        keys.sort_unstable();
        keys
    }

    /// How many keys a node has; where they are too many, one more than are allowed.
    fn count(&self, part: Part) -> usize {
        self.reversed.range(part.range()).take(Self::LIMIT + 1).count()
    }

    fn part_of(&self, bits: u32) -> Part {
        let mut part = Part::ROOT;
        while self.count(part) > Self::LIMIT {
            let [low, high] = part.children();
            part = if low.range().contains(&bits) { low } else { high };
        }
        part
    }

    fn collect(&self, part: Part, parts: &mut Vec<Part>) {
        match self.count(part) {
            0 => {}
            count if count <= Self::LIMIT => parts.push(part),
            _ => part.children().into_iter().for_each(|child| self.collect(child, parts)),
        }
    }
}

fn reverse(key: Key) -> u32 {
    key.get().reverse_bits() >> (u32::BITS - Key::BITS)
}

fn restore(bits: u32) -> Key {
    Key::truncated(bits.reverse_bits() >> (u32::BITS - Key::BITS))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    fn contents(parts: &Parts) -> BTreeMap<Part, Vec<Key>> {
        parts.parts().into_iter().map(|part| (part, parts.keys(part))).collect()
    }

    #[test]
    fn keys_that_share_their_low_bits_are_divided_too() {
        let mut parts = Parts::default();
        for number in 0..300 {
            parts.set(Key::new(number << 15 | 0x7fff).unwrap(), true);
        }
        let contents = contents(&parts);
        assert_eq!(contents.len(), 2);
        assert_eq!(contents.values().map(Vec::len).sum::<usize>(), 300);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn a_change_says_what_it_touches(
            steps in proptest::collection::vec((0..40u32, 0..40u32, any::<bool>()), 1..12)
        ) {
            let mut parts = Parts::default();
            let mut keys = BTreeSet::new();
            for (start, length, present) in steps {
                for number in (0..length * 8).map(|step| start * 16 + step * 3) {
                    let key = Key::new(number).unwrap();
                    if present { keys.insert(key) } else { keys.remove(&key) };
                    let before = contents(&parts);
                    let touched = parts.set(key, present);
                    let after = contents(&parts);
                    let same_parts = before.keys().eq(after.keys());
                    prop_assert_eq!(touched.list, !same_parts);
                    for part in before.keys().chain(after.keys()) {
                        let same = before.get(part) == after.get(part);
                        prop_assert!(same || touched.parts.contains(part), "{:?}", part);
                    }
                    prop_assert!(touched.parts.len() <= 3);
                }
                let after = contents(&parts);
                prop_assert!(after.values().all(|part| part.len() <= Parts::LIMIT));
                let all: BTreeSet<Key> = after.into_values().flatten().collect();
                prop_assert_eq!(&all, &keys);
                let mut fresh = Parts::default();
                keys.iter().for_each(|&key| drop(fresh.set(key, true)));
                prop_assert_eq!(fresh.parts(), parts.parts());
            }
        }
    }
}
