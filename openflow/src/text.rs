//! The `ovs-ofctl` syntax of flows, matches, actions, groups and meters: ovs-ofctl(8),
//! ovs-fields(7), ovs-actions(7).
//!
//! [`Flow`], [`Match`], [`Action`] and [`Instruction`] print by [`fmt::Display`] what
//! `ovs-ofctl -O OpenFlow13 --no-stats dump-flows` prints of them; [`Flow::display`] adds names, as
//! `--names` does. [`Group`](crate::Group) prints as a line of `dump-groups`,
//! [`Meter`](crate::Meter) as `add-meter` takes it, and messages as `ofp-print` prints them.

use std::fmt;

use crate::{Action, Flow, Instruction, Match, PortNo};

mod action;
mod extension;
mod flow;
mod group;
mod learn;
mod matching;
mod message;
mod meter;
mod parse;
#[cfg(feature = "serde")]
mod serialize;
mod value;

pub use message::MessageDisplay;
pub use parse::ParseError;

/// Names of tables and ports, for printing and reading.
pub trait Names {
    /// The table's name, `None` to print its number.
    fn table(&self, table: u8) -> Option<&str>;
    /// The port's name, `None` to print its number.
    fn port(&self, port: PortNo) -> Option<&str>;

    /// The table of this name. Unless told otherwise, asks for the name of each.
    fn table_named(&self, name: &str) -> Option<u8> {
        (0..=254).find(|&table| self.table(table) == Some(name))
    }

    /// The port of this name. Unless told otherwise, asks for the name of each of the 65,280 that
    /// there can be.
    fn port_named(&self, name: &str) -> Option<PortNo> {
        (0..0xff00).map(PortNo).find(|&port| self.port(port) == Some(name))
    }
}

/// A flow to be printed, perhaps with names.
#[derive(Clone, Copy)]
pub struct FlowDisplay<'a> {
    flow: &'a Flow,
    naming: Naming<'a>,
}

impl<'a> FlowDisplay<'a> {
    /// Prints tables and ports by these names.
    #[must_use]
    pub fn with_names(mut self, names: &'a dyn Names) -> Self {
        self.naming = Naming(Some(names));
        self
    }
}

impl Flow {
    /// The flow for printing; [`FlowDisplay::with_names`] prints names.
    pub const fn display(&self) -> FlowDisplay<'_> {
        FlowDisplay { flow: self, naming: Naming(None) }
    }
}

impl fmt::Display for FlowDisplay<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        flow::flow(f, self.flow, self.naming)
    }
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        flow::flow(f, self, Naming(None))
    }
}

impl fmt::Display for Match {
    /// The fields, comma-separated; nothing when every packet matches.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = List::new(f);
        matching::fields(&mut list, self, Naming(None))
    }
}

impl fmt::Display for Instruction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        flow::instructions(f, std::slice::from_ref(self), Naming(None))
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        action::action(f, self, Naming(None))
    }
}

/// How tables and ports are written.
#[derive(Clone, Copy, Default)]
struct Naming<'a>(Option<&'a dyn Names>);

impl Naming<'_> {
    fn table(self, f: &mut fmt::Formatter<'_>, table: u8) -> fmt::Result {
        match self.0.and_then(|names| names.table(table)) {
            Some(name) => quoted(f, name),
            None => write!(f, "{table}"),
        }
    }

    fn port(self, f: &mut fmt::Formatter<'_>, port: PortNo) -> fmt::Result {
        match self.0.and_then(|names| names.port(port)) {
            // A name that reads as another port is none.
            Some(name) if !port.is_reserved() && reserved_port(name).is_none() => quoted(f, name),
            _ => write!(f, "{port}"),
        }
    }
}

/// The reserved port of this name, in capitals or not.
fn reserved_port(name: &str) -> Option<PortNo> {
    const NAMES: &[(&str, PortNo)] = &[
        ("IN_PORT", PortNo::IN_PORT),
        ("TABLE", PortNo::TABLE),
        ("NORMAL", PortNo::NORMAL),
        ("FLOOD", PortNo::FLOOD),
        ("ALL", PortNo::ALL),
        ("CONTROLLER", PortNo::CONTROLLER),
        ("LOCAL", PortNo::LOCAL),
        ("ANY", PortNo::ANY),
        ("NONE", PortNo::ANY),
        ("UNSET", PortNo::UNSET),
    ];
    NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|&(_, port)| port)
}

/// Writes a name: bare when it is letters and digits and begins with a letter, else in JSON's quotes.
fn quoted(f: &mut fmt::Formatter<'_>, name: &str) -> fmt::Result {
    let letter = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if letter && name.chars().all(|c| c.is_ascii_alphanumeric()) {
        return f.write_str(name);
    }
    f.write_str("\"")?;
    for c in name.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\u{8}' => f.write_str("\\b")?,
            '\u{c}' => f.write_str("\\f")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            c if (c as u32) < 0x20 => write!(f, "\\u{:04x}", c as u32)?,
            c => fmt::Write::write_char(f, c)?,
        }
    }
    f.write_str("\"")
}

/// A list whose items are separated by commas.
struct List<'a, 'b> {
    f: &'a mut fmt::Formatter<'b>,
    empty: bool,
}

impl<'a, 'b> List<'a, 'b> {
    fn new(f: &'a mut fmt::Formatter<'b>) -> Self {
        Self { f, empty: true }
    }

    /// The formatter, at the beginning of the next item.
    fn next(&mut self) -> Result<&mut fmt::Formatter<'b>, fmt::Error> {
        if !self.empty {
            self.f.write_str(",")?;
        }
        self.empty = false;
        Ok(self.f)
    }

    fn item(&mut self, text: &str) -> fmt::Result {
        self.next()?.write_str(text)
    }
}

/// A number as C's `%#x` writes it: zero has no prefix.
struct Hex(u128);

impl fmt::Display for Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 { f.write_str("0") } else { write!(f, "{:#x}", self.0) }
    }
}

/// Bytes as hexadecimal digits.
struct HexBytes<'a>(&'a [u8]);

impl fmt::Display for HexBytes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
