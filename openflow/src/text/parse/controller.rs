//! Packets to controllers.

use bytes::Bytes;
use nom::Parser;
use nom::character::complete::char;

use super::action::{list, store};
use super::{Parsed, dotted_bytes, fail, integer, word};
use crate::text::action::REASONS;
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
    // What the standard's action can tell is told by that.
    let plain = Controller { max_len: controller.max_len, ..Controller::default() };
    if controller == plain {
        return Ok((
            rest,
            Action::Output { port: PortNo::CONTROLLER, max_len: controller.max_len },
        ));
    }
    Ok((rest, Action::Controller(controller)))
}

fn reason(input: &str) -> Parsed<'_, u8> {
    let end = input.find([',', ')']).unwrap_or(input.len());
    match REASONS.iter().find(|(name, _)| *name == &input[..end]) {
        Some((_, reason)) => Ok((&input[end..], *reason)),
        None => integer(input),
    }
}
