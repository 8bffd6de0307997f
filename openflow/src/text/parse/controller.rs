//! Packets to controllers.

use bytes::Bytes;
use nom::Parser;
use nom::character::complete::char;

use super::action::{list, store};
use super::{Parsed, dotted_bytes, fail, integer, word};
use crate::{Action, Controller, PortNo};

pub(super) fn controller(input: &str) -> Parsed<'_, Action> {
    if !input.starts_with('(') {
        let (rest, max_len) = match input.strip_prefix(':') {
            Some(rest) => integer(rest)?,
            None => (input, u16::MAX),
        };
        return Ok((rest, Action::Output { port: PortNo::CONTROLLER, max_len }));
    }
    let mut controller = Controller::default();
    let rest = list(input, |input| {
        let (rest, name) = word(input)?;
        if name == "pause" {
            controller.pause = true;
            return Ok(rest);
        }
        let (value, _) = char('=').parse(rest)?;
        Ok(match name {
            "reason" => {
                let (rest, reason) = reason(value)?;
                controller.reason = reason;
                rest
            }
            "max_len" => store(value, &mut controller.max_len)?,
            "id" => store(value, &mut controller.controller_id)?,
            "userdata" => {
                let (rest, bytes) = dotted_bytes(value)?;
                controller.userdata = Bytes::from(bytes);
                rest
            }
            "meter_id" => {
                let (rest, meter) = integer(value)?;
                controller.meter = Some(meter);
                rest
            }
            _ => return fail(input, "reason, max_len, id, userdata, pause or meter_id"),
        })
    })?;
    Ok((rest, Action::Controller(controller)))
}

fn reason(input: &str) -> Parsed<'_, u8> {
    for (name, reason) in [("no_match", 0), ("action", 1), ("invalid_ttl", 2)] {
        if let Some(rest) = input.strip_prefix(name) {
            return Ok((rest, reason));
        }
    }
    integer(input)
}
