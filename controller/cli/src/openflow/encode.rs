//! `weft openflow encode`.

use std::io::{BufRead, Write};

use clap::Args;
use openflow::TooLong;
use openflow::message::{BundleControl, BundleControlType, BundleFlags, Message, bundle_add_frame};

use super::{hex, lines};
use crate::failure::Failure;

mod message;

use message::{Command, Error, Subject, Wrong, parsed};

/// Which messages to make.
#[derive(Args, Debug)]
pub(crate) struct Encode {
    /// Flows, each one argument; without any they are read from standard input,
    /// one to a line
    #[arg(value_name = "FLOW")]
    texts: Vec<String>,

    /// Read groups instead, as ovs-ofctl add-group does; to delete, group_id=NUMBER or
    /// group_id=all
    #[arg(long, conflicts_with = "meter")]
    group: bool,

    /// Read meters instead, as ovs-ofctl add-meter does; to delete, meter=NUMBER or
    /// meter=all
    #[arg(long)]
    meter: bool,

    /// What to do with them
    #[arg(long, value_enum, default_value = "add")]
    command: Command,

    /// Put the messages into a bundle: opened before, committed behind them
    #[arg(long)]
    bundle: bool,

    /// The first message's xid; the others follow it
    #[arg(long, default_value = "1", value_parser = crate::openflow::encode::number)]
    xid: u32,
}

impl Encode {
    /// Prints one message to a line.
    pub(super) fn run(self, input: &mut dyn BufRead, out: &mut dyn Write) -> Result<(), Failure> {
        let subject = self.subject();
        let mut messages = Vec::new();
        if self.texts.is_empty() {
            for line in lines(input) {
                let (number, line) = line?;
                messages.push(self.message(subject, &line, &format!("line {number}"))?);
            }
        } else {
            for (number, text) in (1..).zip(&self.texts) {
                messages.push(self.message(subject, text, &format!("{subject} {number}"))?);
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

    fn subject(&self) -> Subject {
        match (self.group, self.meter) {
            (true, _) => Subject::Group,
            (_, true) => Subject::Meter,
            _ => Subject::Flow,
        }
    }

    fn message(&self, subject: Subject, text: &str, place: &str) -> Result<Message, Failure> {
        message::read(subject, self.command, text).map_err(|error| match error {
            Error::Wrong(Wrong { column, expected }) => {
                Failure::Input(format!("{place}, column {column}: expected {expected}"))
            }
            Error::NoStrict => Failure::Usage(format!("no command on a {subject} is strict")),
        })
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

/// A number of 32 bits, decimal or with `0x`.
fn number(text: &str) -> Result<u32, String> {
    parsed(text, 0, text, "a number of 32 bits")
        .map_err(|wrong| format!("expected {}", wrong.expected))
}
