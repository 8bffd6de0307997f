//! Texts that become messages.

use std::fmt;

use clap::ValueEnum;
use openflow::message::{
    FlowMod, FlowModCommand, GroupMod, GroupModCommand, Message, MeterMod, MeterModCommand,
};
use openflow::{Flow, Group, Meter, ParseError, PortNo};

/// What texts are about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Subject {
    Flow,
    Group,
    Meter,
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flow => "flow",
            Self::Group => "group",
            Self::Meter => "meter",
        })
    }
}

/// What to do, as it is written.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(super) enum Command {
    /// Add, or replace a flow
    Add,
    /// Change a group, a meter or the actions of the flows that the match covers
    Modify,
    /// Change the actions of the flow with this match and priority
    ModifyStrict,
    /// Delete groups, meters or the flows that the match covers; needs no actions
    Delete,
    /// Delete the flow with this match and priority; needs no actions
    DeleteStrict,
}

/// Why a text becomes no message.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Error {
    Wrong(Wrong),
    /// Only flows know strict commands.
    NoStrict,
}

impl From<Wrong> for Error {
    fn from(wrong: Wrong) -> Self {
        Self::Wrong(wrong)
    }
}

/// Reads what `ovs-ofctl` takes for this command.
pub(super) fn read(subject: Subject, command: Command, text: &str) -> Result<Message, Error> {
    use Command::{Add, Delete, DeleteStrict, Modify, ModifyStrict};
    Ok(match (subject, command) {
        (Subject::Flow, command) => Message::FlowMod(flow_mod(text, command)?),
        (_, ModifyStrict | DeleteStrict) => return Err(Error::NoStrict),
        (Subject::Group, Delete) => {
            Message::GroupMod(GroupMod::delete(number_or_all(text, "group_id=", Group::ALL)?))
        }
        (Subject::Group, Add | Modify) => {
            let group = text.parse().map_err(Wrong::from)?;
            let command =
                if command == Add { GroupModCommand::Add } else { GroupModCommand::Modify };
            Message::GroupMod(GroupMod { command, group })
        }
        (Subject::Meter, Delete) => {
            Message::MeterMod(MeterMod::delete(number_or_all(text, "meter=", Meter::ALL)?))
        }
        (Subject::Meter, Add | Modify) => {
            let meter = text.parse().map_err(Wrong::from)?;
            let command =
                if command == Add { MeterModCommand::Add } else { MeterModCommand::Modify };
            Message::MeterMod(MeterMod { command, meter })
        }
    })
}

/// What is to be deleted: `NAME=` and a number, or `all`.
fn number_or_all(text: &str, name: &str, all: u32) -> Result<u32, Wrong> {
    let start = text.len() - text.trim_start().len();
    let Some(value) = text.trim().strip_prefix(name) else {
        let column = text[..start].chars().count() + 1;
        return Err(Wrong { column, expected: format!("`{name}`") });
    };
    if value == "all" {
        return Ok(all);
    }
    parsed(text, start + name.len(), value, "a number of 32 bits or `all`")
}

/// Where a text is wrong: the character's place, from 1, and what should be there.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Wrong {
    pub(super) column: usize,
    pub(super) expected: String,
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
    flow_mod.flow = text_of_flow.parse()?;
    if deletes && !names_table {
        flow_mod.flow.table = FlowMod::ALL_TABLES;
    }
    Ok(flow_mod)
}

/// A number at a byte of the text.
pub(super) fn parsed<T: TryFrom<u64>>(
    text: &str,
    at: usize,
    value: &str,
    wanted: &str,
) -> Result<T, Wrong> {
    let number = match value.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => value.parse(),
    };
    number.ok().and_then(|number| T::try_from(number).ok()).ok_or_else(|| Wrong {
        column: text[..at].chars().count() + 1,
        expected: wanted.to_owned(),
    })
}

impl From<ParseError> for Wrong {
    fn from(ParseError { column, expected }: ParseError) -> Self {
        Self { column, expected }
    }
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

    #[test]
    fn groups_and_meters_are_deleted_by_number() {
        let read = |subject, text| read(subject, Command::Delete, text);
        let group = |number| Ok(Message::GroupMod(GroupMod::delete(number)));
        assert_eq!(read(Subject::Group, "group_id=7"), group(7));
        assert_eq!(read(Subject::Group, " group_id=all"), group(Group::ALL));
        assert_eq!(read(Subject::Meter, "meter=0x10"), Ok(Message::MeterMod(MeterMod::delete(16))));
        let Err(Error::Wrong(wrong)) = read(Subject::Meter, " meter=x") else { panic!() };
        assert_eq!(wrong.column, 8);
        let Err(Error::Wrong(wrong)) = read(Subject::Group, " meter=1") else { panic!() };
        assert_eq!((wrong.column, wrong.expected.as_str()), (2, "`group_id=`"));
    }
}
