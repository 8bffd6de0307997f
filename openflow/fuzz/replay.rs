//! Running a fuzz target without a fuzzer: on seeds, on findings, and on seeds that are spoilt.

use std::panic::AssertUnwindSafe;
use std::path::Path;

/// What the fuzzer found: lines of a target's name, what it was, and the bytes.
const FINDINGS: &str = include_str!("findings.txt");

/// How often each seed is spoilt.
const ROUNDS: usize = 100;

/// Runs a target.
///
/// With `WEFT_CORPUS` set, the seeds are written below that directory first, as the fuzzer reads
/// them.
pub(crate) fn replay(
    name: &str,
    seeds: &[Vec<u8>],
    alphabet: &[u8],
    mut target: impl FnMut(&[u8]),
) {
    assert!(seeds.len() > 1, "{name} has no seeds");
    if let Some(corpus) = std::env::var_os("WEFT_CORPUS") {
        write(&Path::new(&corpus).join(name), seeds);
    }
    for (what, bytes) in findings(name) {
        let harmless = std::panic::catch_unwind(AssertUnwindSafe(|| target(&bytes)));
        assert!(harmless.is_ok(), "{name} does not stand {what}");
    }
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for seed in seeds {
        target(seed);
        for _ in 0..ROUNDS {
            let mut bytes = seed.clone();
            random.spoil(&mut bytes, alphabet);
            target(&bytes);
        }
    }
}

fn findings(target: &str) -> Vec<(&'static str, Vec<u8>)> {
    let lines = FINDINGS.lines().filter(|line| !line.starts_with('#'));
    let mut found = Vec::new();
    for line in lines {
        let mut words = line.split(' ');
        let (Some(name), Some(what), Some(digits)) = (words.next(), words.next(), words.next())
        else {
            panic!("a finding is three words: {line}");
        };
        let pairs = digits.as_bytes().chunks(2);
        let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        if name == target {
            found.push((what, pairs.map(byte).collect()));
        }
    }
    found
}

fn write(directory: &Path, seeds: &[Vec<u8>]) {
    std::fs::create_dir_all(directory).unwrap();
    for (number, seed) in seeds.iter().enumerate() {
        std::fs::write(directory.join(format!("seed-{number}")), seed).unwrap();
    }
}

/// Numbers that look random and are the same in each run: xorshift64*.
pub(crate) struct Random(u64);

impl Random {
    /// Every byte there is.
    pub(crate) const BYTES: [u8; 256] = {
        let mut all = [0; 256];
        let mut byte = 0;
        while byte < all.len() {
            all[byte] = byte as u8;
            byte += 1;
        }
        all
    };

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32;
        usize::try_from(number).unwrap() % limit.max(1)
    }

    /// Changes, doubles or cuts off some of the bytes.
    fn spoil(&mut self, bytes: &mut Vec<u8>, alphabet: &[u8]) {
        for _ in 0..=self.below(3) {
            if bytes.is_empty() {
                return;
            }
            let at = self.below(bytes.len());
            match self.below(5) {
                0 => bytes[at] ^= 1 << self.below(7),
                1 | 2 => bytes[at] = alphabet[self.below(alphabet.len())],
                3 => bytes.truncate(at),
                _ => {
                    let end = (at + 1 + self.below(16)).min(bytes.len());
                    let part = bytes[at..end].to_vec();
                    bytes.splice(at..at, part);
                }
            }
        }
    }
}
