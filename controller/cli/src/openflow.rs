//! `weft openflow`: the protocol's bytes and texts, without a controller.

use std::io::{BufRead, IsTerminal as _, Write};

use clap::Subcommand;

use crate::args::Format;
use crate::failure::Failure;

mod decode;
mod encode;
mod field;
mod json;

/// What to do with OpenFlow 1.3.
#[derive(Debug, Subcommand)]
pub(crate) enum OpenflowCommand {
    /// Print messages as hexadecimal lines, made of flows, groups or meters in the syntax
    /// of ovs-ofctl
    Encode(encode::Encode),

    /// Print messages, read as hexadecimal lines from standard input, as ovs-ofctl
    /// ofp-print does
    Decode(decode::Decode),

    /// Say what a match field is
    ExplainField {
        /// The field: a name of ovs-fields(7), or the one that move and load use
        name: String,
    },
}

impl OpenflowCommand {
    /// Does it.
    pub(crate) fn run(self, format: Format, out: &mut dyn Write) -> Result<(), Failure> {
        match self {
            Self::Encode(encode) => encode.run(&mut std::io::stdin().lock(), out),
            Self::Decode(decode) => {
                let stdin = std::io::stdin();
                if !decode.reads_file() && stdin.is_terminal() {
                    let wanted = "decode reads hexadecimal lines from standard input, or --pcap";
                    return Err(Failure::Usage(wanted.to_owned()));
                }
                decode.run(&mut stdin.lock(), format, out)
            }
            Self::ExplainField { name } => field::explain(&name, format, out),
        }
    }
}

/// Lines that say something: not empty, and not a comment. Each with its number, from 1.
fn lines(input: &mut dyn BufRead) -> impl Iterator<Item = Result<(usize, String), Failure>> {
    (1..).zip(input.lines()).filter_map(|(number, line)| match line {
        Ok(line) if line.trim().is_empty() || line.trim_start().starts_with('#') => None,
        Ok(line) => Some(Ok((number, line))),
        Err(error) => Some(Err(Failure::Input(format!("line {number}: {error}")))),
    })
}

/// Bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
