//! Ports and tables, by their numbers or by names.

use std::borrow::Cow;

use super::{Parsed, fail, integer};
use crate::PortNo;
use crate::text::{Naming, reserved_port};

/// A port's number, a reserved port's name, or the name that a port has.
pub(super) fn port<'a>(input: &'a str, naming: Naming<'_>) -> Parsed<'a, PortNo> {
    if let Some((rest, name)) = name(input) {
        if !input.starts_with('"')
            && let Some(port) = name.parse().ok().map(PortNo).or_else(|| reserved_port(&name))
        {
            return Ok((rest, port));
        }
        // In front of a bracket stands a field.
        let names = naming.0.filter(|_| !rest.starts_with('['));
        if let Some(port) = names.and_then(|names| names.port_named(&name)) {
            return Ok((rest, port));
        }
    }
    match naming.0 {
        Some(_) => fail(input, "a port's number or name"),
        None => fail(input, "a port's number or a reserved port's name"),
    }
}

/// A table's number, or the name that a table has.
pub(super) fn table<'a>(input: &'a str, naming: Naming<'_>) -> Parsed<'a, u8> {
    let Some(names) = naming.0 else { return integer(input) };
    if input.starts_with(|c: char| c.is_ascii_digit()) {
        return integer(input);
    }
    match name(input).and_then(|(rest, name)| Some((rest, names.table_named(&name)?))) {
        Some(found) => Ok(found),
        None => fail(input, "a table's number or name"),
    }
}

/// A name as it is printed: bare, or in JSON's quotes; `None` when there is none, or its quotes do
/// not close.
pub(super) fn name(input: &str) -> Option<(&str, Cow<'_, str>)> {
    let Some(quoted) = input.strip_prefix('"') else {
        let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '@');
        // An arrow that follows is no part of the name.
        let length = input.find("->").unwrap_or(input.len());
        let end = input[..length].find(|c| !part(c)).unwrap_or(length);
        return (end > 0).then(|| (&input[end..], Cow::Borrowed(&input[..end])));
    };
    let mut name = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return Some((&quoted[at + 1..], Cow::Owned(name))),
            '\\' => name.push(match characters.next()?.1 {
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'u' => {
                    let digits = quoted.get(at + 2..at + 6)?;
                    characters.nth(3)?;
                    char::from_u32(u32::from_str_radix(digits, 16).ok()?)?
                }
                other => other,
            }),
            c => name.push(c),
        }
    }
    None
}
