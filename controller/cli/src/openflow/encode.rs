//! `weft openflow encode`.

use std::io::{BufRead, Write};

use clap::{Args, ValueEnum};
use openflow::message::{
    BundleControl, BundleControlType, BundleFlags, FlowMod, FlowModCommand, Message,
    bundle_add_frame,
};
use openflow::{Flow, PortNo, TooLong};

use super::{hex, lines};
use crate::failure::Failure;

/// Which flow-mods to make.
#[derive(Args, Debug)]
pub(crate) struct Encode {
    /// Flows, each one argument; without any they are read from standard input,
    /// one to a line
    #[arg(value_name = "FLOW")]
    flows: Vec<String>,

    /// What to do with the flows
    #[arg(long, value_enum, default_value = "add")]
    command: Command,

    /// Put the flow-mods into a bundle: opened before, committed behind them
    #[arg(long)]
    bundle: bool,

    /// The first message's xid; the others follow it
    #[arg(long, default_value = "1", value_parser = crate::openflow::encode::number)]
    xid: u32,
}

/// A flow-mod's command, as it is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Command {
    /// Add a flow, or replace it
    Add,
    /// Change the actions of the flows that the match covers
    Modify,
    /// Change the actions of the flow with this match and priority
    ModifyStrict,
    /// Delete the flows that the match covers; needs no actions
    Delete,
    /// Delete the flow with this match and priority; needs no actions
    DeleteStrict,
}

impl Encode {
    /// Prints one message to a line.
    pub(super) fn run(self, input: &mut dyn BufRead, out: &mut dyn Write) -> Result<(), Failure> {
        let mut messages = Vec::new();
        if self.flows.is_empty() {
            for line in lines(input) {
                let (number, line) = line?;
                messages.push(self.message(&line, &format!("line {number}"))?);
            }
        } else {
            for (number, flow) in (1..).zip(&self.flows) {
                messages.push(self.message(flow, &format!("flow {number}"))?);
            }
        }
        let too_long = |TooLong { length }| {
            Failure::Input(format!("a message takes {length} bytes, at most 65535 fit"))
        };
        for frame in self.frames(&messages).map_err(too_long)? {
            writeln!(out, "{frame}")?;
        }
        Ok(())
    }

    fn message(&self, text: &str, place: &str) -> Result<Message, Failure> {
        let at = |column, expected: &str| {
            Failure::Input(format!("{place}, column {column}: expected {expected}"))
        };
        flow_mod(text, self.command)
            .map(Message::FlowMod)
            .map_err(|Wrong { column, expected }| at(column, &expected))
    }

    fn frames(&self, messages: &[Message]) -> Result<Vec<String>, TooLong> {
        const BUNDLE: u32 = 1;
        let control = |kind| Message::BundleControl(BundleControl::new(BUNDLE, kind));
        let xids = |at: usize| self.xid.wrapping_add(u32::try_from(at).unwrap_or(u32::MAX));
        let mut frames = Vec::new();
        if self.bundle {
            frames.push(hex(&control(BundleControlType::OpenRequest).to_bytes(self.xid)?));
        }
        for message in messages {
            let xid = xids(frames.len());
            let mut frame = message.to_bytes(xid)?;
            if self.bundle {
                frame = bundle_add_frame(&frame, BUNDLE, BundleFlags::ATOMIC_ORDERED, xid)?;
            }
            frames.push(hex(&frame));
        }
        if self.bundle {
            let commit = control(BundleControlType::CommitRequest);
            frames.push(hex(&commit.to_bytes(xids(frames.len()))?));
        }
        Ok(frames)
    }
}

/// Where a flow's text is wrong: the character's place, from 1, and what should be there.
#[derive(Debug, Eq, PartialEq)]
struct Wrong {
    column: usize,
    expected: String,
}

/// Reads a flow as `ovs-ofctl` does for this command.
///
/// What restricts commands other than add (`cookie=VALUE/MASK`, `out_port`, `out_group`) is no part
/// of a flow: it is read here and blanked, so that columns stay what they are.
fn flow_mod(text: &str, command: Command) -> Result<FlowMod, Wrong> {
    let deletes = matches!(command, Command::Delete | Command::DeleteStrict);
    let head = text.find("actions=").unwrap_or(text.len());
    let mut flow_mod = FlowMod::new(command.into(), Flow::default());
    let mut text_of_flow = text.to_owned();
    let mut names_table = false;
    let mut start = 0;
    for item in text[..head].split_inclusive([',', ' ', '\t']) {
        let here = start;
        start += item.len();
        let item = item.trim_end_matches([',', ' ', '\t']);
        let Some((name, value)) = item.split_once('=') else { continue };
        let value_at = here + name.len() + 1;
        let blank = match name {
            "table" => {
                names_table = true;
                continue;
            }
            "cookie" if command != Command::Add => {
                let Some((cookie, mask)) = value.split_once('/') else { continue };
                let mask_at = value_at + cookie.len() + 1;
                flow_mod.cookie_mask =
                    if mask == "-1" { u64::MAX } else { parsed(text, mask_at, mask, "a mask")? };
                mask_at - 1..mask_at + mask.len()
            }
            "out_port" if command != Command::Add => {
                flow_mod.out_port = PortNo(match value {
                    "LOCAL" => PortNo::LOCAL.0,
                    value => parsed(text, value_at, value, "a port's number or LOCAL")?,
                });
                here..here + item.len()
            }
            "out_group" if command != Command::Add => {
                flow_mod.out_group = parsed(text, value_at, value, "a group's number")?;
                here..here + item.len()
            }
            _ => continue,
        };
        text_of_flow.replace_range(blank.clone(), &" ".repeat(blank.len()));
    }
    if deletes && head == text.len() {
        text_of_flow.push_str(" actions=drop");
    }
    flow_mod.flow = text_of_flow.parse().map_err(|error: openflow::ParseError| Wrong {
        column: error.column,
        expected: error.expected,
    })?;
    if deletes && !names_table {
        flow_mod.flow.table = FlowMod::ALL_TABLES;
    }
    Ok(flow_mod)
}

/// A number at a byte of the text.
fn parsed<T: TryFrom<u64>>(text: &str, at: usize, value: &str, wanted: &str) -> Result<T, Wrong> {
    let number = match value.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => value.parse(),
    };
    number.ok().and_then(|number| T::try_from(number).ok()).ok_or_else(|| Wrong {
        column: text[..at].chars().count() + 1,
        expected: wanted.to_owned(),
    })
}

/// A number of 32 bits, decimal or with `0x`.
fn number(text: &str) -> Result<u32, String> {
    parsed(text, 0, text, "a number of 32 bits")
        .map_err(|wrong| format!("expected {}", wrong.expected))
}

impl From<Command> for FlowModCommand {
    fn from(command: Command) -> Self {
        match command {
            Command::Add => Self::Add,
            Command::Modify => Self::Modify,
            Command::ModifyStrict => Self::ModifyStrict,
            Command::Delete => Self::Delete,
            Command::DeleteStrict => Self::DeleteStrict,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, command: Command, printed: &str) {
        let message = Message::FlowMod(flow_mod(text, command).unwrap());
        assert_eq!(
            message.display(1).to_string(),
            format!("OFPT_FLOW_MOD (OF1.3) (xid=0x1): {printed}")
        );
    }

    #[test]
    fn a_delete_needs_no_actions_and_means_all_tables() {
        check("ip", Command::Delete, "DEL table:255 ip actions=drop");
        check("table=3,ip", Command::DeleteStrict, "DEL_STRICT table:3 ip actions=drop");
    }

    #[test]
    fn what_restricts_is_read_wherever_it_stands() {
        check(
            "cookie=0x10/0xf0, table=1, out_port=7,out_group=0x8 ip",
            Command::Delete,
            "DEL table:1 ip cookie:0x10/0xf0 out_port:7 out_group:8 actions=drop",
        );
        check(
            "cookie=1/-1,actions=drop",
            Command::Modify,
            "MOD cookie:0x1/0xffffffffffffffff actions=drop",
        );
    }

    #[test]
    fn wrong_text_is_pointed_at() {
        let wrong = |text, command| flow_mod(text, command).unwrap_err();
        assert_eq!(wrong("cookie=1/x,ip", Command::Delete).column, 10);
        assert_eq!(wrong("out_port=1,nw_tos=x", Command::Delete).column, 19);
        assert_eq!(wrong("ip,out_port=1 actions=drop", Command::Add).column, 4);
        assert_eq!(wrong("ip", Command::Add).expected, "`actions=`");
    }
}
