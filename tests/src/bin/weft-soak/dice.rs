//! Chance that can be had again.

/// Numbers that follow from a seed: SplitMix64 (Steele, Lea and Flood, 2014).
#[derive(Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let limit = limit as u64;
        usize::try_from(self.next() % limit).expect("it is below a usize")
    }

    /// One of several.
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_and_all_of_them() {
        let mut rolls = [Dice::new(7), Dice::new(7)]
            .map(|mut dice| (0..200).map(|_| dice.below(6)).collect::<Vec<_>>());
        assert_eq!(rolls[0], rolls[1]);
        rolls[0].sort_unstable();
        rolls[0].dedup();
        assert_eq!(rolls[0], [0, 1, 2, 3, 4, 5]);
        // The first number of the reference implementation for seed 0.
        assert_eq!(Dice::new(0).next(), 0xe220_a839_7b1d_cdaf);
    }
}
