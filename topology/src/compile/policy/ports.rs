//! Ranges of port numbers as matches: united, then divided into prefixes.

use std::ops::RangeInclusive;

/// Port numbers that agree in the bits of a mask.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct PortPrefix {
    /// The bits that are asked for.
    pub(crate) value: u16,
    /// Which bits those are, leading ones; none for all ports.
    pub(crate) mask: u16,
}

impl PortPrefix {
    /// True when some port of `range` is one of these.
    pub(crate) fn intersects(self, range: (u16, u16)) -> bool {
        self.value <= range.1 && range.0 <= self.value | !self.mask
    }
}

/// The fewest prefixes that together have exactly the ports of `ranges`, ascending. They do not
/// overlap, however much the ranges do.
pub(super) fn prefixes(ranges: impl IntoIterator<Item = (u16, u16)>) -> Vec<PortPrefix> {
    union(ranges).into_iter().flat_map(divide).collect()
}

/// The ranges without overlap and without neighbours, ascending.
fn union(ranges: impl IntoIterator<Item = (u16, u16)>) -> Vec<RangeInclusive<u32>> {
    let mut ranges: Vec<(u16, u16)> = ranges.into_iter().collect();
    ranges.sort_unstable();
    let mut union: Vec<RangeInclusive<u32>> = Vec::new();
    for (first, last) in ranges {
        let (first, last) = (u32::from(first), u32::from(last));
        match union.last_mut() {
            Some(before) if first <= before.end() + 1 => {
                *before = *before.start()..=last.max(*before.end());
            }
            _ => union.push(first..=last),
        }
    }
    union
}

/// From the first port on always the largest prefix that begins there and does not go too far.
fn divide(range: RangeInclusive<u32>) -> Vec<PortPrefix> {
    let (mut first, end) = (*range.start(), *range.end() + 1);
    let mut prefixes = Vec::new();
    while first < end {
        let aligned = first.trailing_zeros().min(u16::BITS);
        let bits = aligned.min((end - first).ilog2());
        let mask = u32::from(u16::MAX) << bits;
        prefixes.push(PortPrefix { value: first as u16, mask: mask as u16 });
        first += 1 << bits;
    }
    prefixes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(ranges: &[(u16, u16)]) -> String {
        let prefixes = prefixes(ranges.iter().copied());
        let prefixes = prefixes.iter().map(|prefix| match prefix.mask {
            u16::MAX => prefix.value.to_string(),
            mask => format!("{}/{mask:#x}", prefix.value),
        });
        prefixes.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn ranges_become_prefixes() {
        assert_eq!(text(&[(443, 443)]), "443");
        assert_eq!(text(&[(0, u16::MAX)]), "0/0x0");
        assert_eq!(text(&[(80, 81), (82, 82), (80, 90)]), "80/0xfff8 88/0xfffe 90");
        assert_eq!(text(&[(0, 32_767), (32_768, u16::MAX)]), "0/0x0");
        assert_eq!(
            text(&[(1024, u16::MAX)]),
            "1024/0xfc00 2048/0xf800 4096/0xf000 8192/0xe000 16384/0xc000 32768/0x8000"
        );
        assert_eq!(text(&[]), "");
        assert_eq!(prefixes([(1, u16::MAX - 1)]).len(), 30);
    }

    /// The fewest prefixes for a set of ports below `1 << bits`: one, or those of its halves.
    fn fewest(ports: &[bool]) -> usize {
        if ports.iter().all(|&port| port) {
            return 1;
        }
        if !ports.iter().any(|&port| port) {
            return 0;
        }
        let (low, high) = ports.split_at(ports.len() / 2);
        fewest(low) + fewest(high)
    }

    proptest! {
        #[test]
        fn exactly_the_ports_of_the_ranges_and_no_prefix_too_many(
            ranges in proptest::collection::vec((any::<u16>(), 0..5000u16), 0..6),
        ) {
            let ranges = ranges.iter().map(|&(first, length)| (first, first.saturating_add(length)));
            let ranges: Vec<_> = ranges.collect();
            let prefixes = prefixes(ranges.iter().copied());
            let mut wanted = vec![false; 1 << u16::BITS];
            for &(first, last) in &ranges {
                wanted[usize::from(first)..=usize::from(last)].fill(true);
            }
            for port in 0..=u16::MAX {
                let matching = prefixes.iter().filter(|p| port & p.mask == p.value).count();
                prop_assert_eq!(matching, usize::from(wanted[usize::from(port)]), "port {}", port);
            }
            prop_assert_eq!(prefixes.len(), fewest(&wanted));
            for prefix in prefixes {
                for &(first, last) in &ranges {
                    let shared = (first..=last).any(|port| port & prefix.mask == prefix.value);
                    prop_assert_eq!(prefix.intersects((first, last)), shared);
                }
            }
        }
    }
}
