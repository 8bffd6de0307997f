//! Pieces that several messages are printed with.

use std::fmt;

/// Names of the bits that are set, then what has no name; `0` for none.
pub(super) struct Bits(pub(super) u32, pub(super) &'static [(u32, &'static str)]);

impl fmt::Display for Bits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", BitList { bits: self.0, names: self.1, separator: " " })
    }
}

/// As [`Bits`], with something else than spaces between.
pub(super) struct BitList {
    pub(super) bits: u32,
    pub(super) names: &'static [(u32, &'static str)],
    pub(super) separator: &'static str,
}

impl fmt::Display for BitList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (mut rest, mut separator) = (self.bits, "");
        for (bit, name) in self.names.iter().filter(|(bit, _)| self.bits & bit != 0) {
            write!(f, "{separator}{name}")?;
            (rest, separator) = (rest & !bit, self.separator);
        }
        match rest {
            0 if self.bits == 0 => f.write_str("0"),
            0 => Ok(()),
            rest => write!(f, "{separator}{rest:#x}"),
        }
    }
}

/// A reason by its name, or its number when it has none.
pub(super) struct Reason(pub(super) u8, pub(super) &'static [&'static str]);

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1.get(usize::from(self.0)) {
            Some(name) => f.write_str(name),
            None => write!(f, "{}", self.0),
        }
    }
}

/// Seconds and nanoseconds, with as many decimals as are needed: none, three, or up to nine.
pub(super) struct Duration(pub(super) u32, pub(super) u32);

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self(seconds, 0) => write!(f, "{seconds}s"),
            Self(seconds, nanoseconds) if nanoseconds % 1_000_000 == 0 => {
                write!(f, "{seconds}.{:03}s", nanoseconds / 1_000_000)
            }
            Self(seconds, nanoseconds) => {
                let decimals = format!("{nanoseconds:09}");
                write!(f, "{seconds}.{}s", decimals.trim_end_matches('0'))
            }
        }
    }
}

/// Bytes as lines of sixteen, with their offset and as characters.
pub(super) struct HexDump<'a>(pub(super) &'a [u8]);

impl fmt::Display for HexDump<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (row, bytes) in self.0.chunks(16).enumerate() {
            if row > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{:08x} ", row * 16)?;
            for at in 0..16 {
                let separator = if at == 8 && bytes.len() > 8 { '-' } else { ' ' };
                match bytes.get(at) {
                    Some(byte) => write!(f, "{separator}{byte:02x}")?,
                    None => f.write_str("   ")?,
                }
            }
            f.write_str(" |")?;
            for at in 0..16 {
                let byte = bytes.get(at).copied().unwrap_or(b' ');
                let shown = if matches!(byte, b' '..=b'~') { char::from(byte) } else { '.' };
                write!(f, "{shown}")?;
            }
            f.write_str("|")?;
        }
        Ok(())
    }
}

/// A counter, `?` for one that the switch does not have.
pub(super) struct Counter(pub(super) u64);

impl fmt::Display for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == u64::MAX { f.write_str("?") } else { write!(f, "{}", self.0) }
    }
}
