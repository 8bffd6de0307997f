//! `weft openflow decode`.

use std::fs::File;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use capture::{CaptureError, Piece, Way};
use clap::Args;
use openflow::DecodeError;
use openflow::message::{HEADER, Header, Message};
use serde::Serialize;

use super::{hex, json, lines};
use crate::args::Format;
use crate::failure::Failure;

/// How to print what is decoded.
#[derive(Args, Debug)]
pub(crate) struct Decode {
    /// Print the messages encoded again, as hexadecimal lines, instead of as text
    #[arg(long)]
    reencode: bool,

    /// Read connections of controllers from a pcap or pcapng file, and print what was
    /// said, by whom and when
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
}

/// A message for programs.
#[derive(Serialize)]
struct Document<'a> {
    version: u8,
    r#type: u8,
    length: u16,
    xid: u32,
    /// From where to where, and when, in a capture.
    #[serde(skip_serializing_if = "Option::is_none")]
    captured: Option<Captured>,
    /// What the message means, unless its bytes make no sense.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a Message>,
    /// The message, or what is wrong with it, for people.
    text: String,
}

#[derive(Serialize)]
struct Captured {
    /// Seconds since 1970, with nine decimals.
    time: String,
    from: String,
    to: String,
}

impl Decode {
    /// Whether standard input is not read.
    pub(super) fn reads_file(&self) -> bool {
        self.pcap.is_some()
    }

    /// Prints every message, line by line; a line is one message or several.
    pub(super) fn run(
        self,
        input: &mut dyn BufRead,
        format: Format,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        if let Some(path) = self.pcap.as_deref() {
            return self.conversation(path, format, out);
        }
        for line in lines(input) {
            let (number, line) = line?;
            let at = |Wrong { column, what }: Wrong| {
                Failure::Input(format!("line {number}, column {column}: {what}"))
            };
            let line = Line::read(&line).map_err(at)?;
            let mut start = 0;
            while start < line.bytes.len() {
                let frame = line.frame(start).map_err(at)?;
                let (xid, message) =
                    Message::decode(frame).map_err(|error| at(line.wrong(start, &error)))?;
                self.print(frame, xid, &message, None, format, out)?;
                start += frame.len();
            }
        }
        Ok(())
    }

    /// Prints what the connections of a capture said.
    fn conversation(
        &self,
        path: &Path,
        format: Format,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let wrong = |what: String| Failure::Input(format!("{}: {what}", path.display()));
        let file = File::open(path).map_err(|error| wrong(error.to_string()))?;
        let mut start = None;
        let read = capture::read(file, |way, piece| {
            let since = way.time.saturating_sub(*start.get_or_insert(way.time));
            self.piece(way, since, piece, format, out).map_err(Stopped::Printing)
        });
        read.map_err(|stopped| match stopped {
            Stopped::Capture(error) => wrong(error.to_string()),
            Stopped::Printing(failure) => failure,
        })
    }

    /// Prints what a connection said, `since` the first that was said.
    fn piece(
        &self,
        way: Way,
        since: Duration,
        piece: Piece<'_>,
        format: Format,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        let bare = self.reencode || format == Format::Json;
        let title = format!("{:.6} {} > {}", since.as_secs_f64(), way.from, way.to);
        let frame = match piece {
            Piece::Frame(frame) => frame,
            // Not said by anyone: no line for programs.
            _ if bare => return Ok(()),
            Piece::Missing(bytes) => {
                return Ok(writeln!(out, "{title}\n{bytes} bytes were not captured")?);
            }
            Piece::Broken(bytes) => {
                let begin = hex(&bytes[..bytes.len().min(HEADER)]);
                return Ok(writeln!(out, "{title}\nno OpenFlow from here on: {begin}")?);
            }
        };
        if !bare {
            writeln!(out, "{title}")?;
        }
        match Message::decode(frame) {
            Ok((xid, message)) => self.print(frame, xid, &message, Some(way), format, out),
            Err(_) if self.reencode => Ok(writeln!(out, "{}", hex(frame))?),
            Err(error) => {
                let text = format!("{error}: {}", hex(frame));
                print_text(frame, None, text, Some(way), format, out)
            }
        }
    }

    fn print(
        &self,
        frame: &[u8],
        xid: u32,
        message: &Message,
        way: Option<Way>,
        format: Format,
        out: &mut dyn Write,
    ) -> Result<(), Failure> {
        if self.reencode {
            let bytes = message.to_bytes(xid).map_err(|error| Failure::Input(error.to_string()))?;
            return Ok(writeln!(out, "{}", hex(&bytes))?);
        }
        let text = message.display(xid).to_string();
        // Bytes that say it in an unusual way mean something all the same.
        let meaning = Message::interpret(frame).ok();
        let message = meaning.as_ref().map_or(message, |(_, meaning)| meaning);
        print_text(frame, Some(message), text, way, format, out)
    }
}

fn print_text(
    frame: &[u8],
    message: Option<&Message>,
    text: String,
    way: Option<Way>,
    format: Format,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let Some(header) = Header::read(frame).filter(|_| format == Format::Json) else {
        return Ok(writeln!(out, "{text}")?);
    };
    let Header { version, kind, length, xid } = header;
    let captured = way.map(|Way { time, from, to }| Captured {
        time: format!("{}.{:09}", time.as_secs(), time.subsec_nanos()),
        from: from.to_string(),
        to: to.to_string(),
    });
    json::line(&Document { version, r#type: kind, length, xid, captured, message, text }, out)
}

/// Why no more of a capture is read.
enum Stopped {
    Capture(CaptureError),
    Printing(Failure),
}

impl From<CaptureError> for Stopped {
    fn from(error: CaptureError) -> Self {
        Self::Capture(error)
    }
}

/// Where a line is wrong: the character's place, from 1.
#[derive(Debug, Eq, PartialEq)]
struct Wrong {
    column: usize,
    what: String,
}

/// Bytes, and where each of them stands.
struct Line {
    bytes: Vec<u8>,
    columns: Vec<usize>,
    end: usize,
}

impl Line {
    /// Reads pairs of hexadecimal digits, with any spaces.
    fn read(text: &str) -> Result<Self, Wrong> {
        let mut line =
            Self { bytes: Vec::new(), columns: Vec::new(), end: text.chars().count() + 1 };
        let mut high = None;
        for (column, character) in (1..).zip(text.chars()).filter(|(_, it)| !it.is_whitespace()) {
            let Some(digit) = character.to_digit(16).and_then(|digit| u8::try_from(digit).ok())
            else {
                let what = format!("expected a hexadecimal digit, got {character:?}");
                return Err(Wrong { column, what });
            };
            match high.take() {
                None => high = Some((column, digit)),
                Some((at, high)) => {
                    line.bytes.push(high << 4 | digit);
                    line.columns.push(at);
                }
            }
        }
        match high {
            None => Ok(line),
            Some(_) => Err(Wrong { column: line.end, what: "expected another digit".to_owned() }),
        }
    }

    /// The message that begins at a byte.
    fn frame(&self, start: usize) -> Result<&[u8], Wrong> {
        let rest = &self.bytes[start..];
        let Some(Header { length, .. }) = Header::read(rest) else {
            let what = format!("{} bytes are left, a header has {HEADER}", rest.len());
            return Err(Wrong { column: self.end, what });
        };
        if usize::from(length) < HEADER {
            let what = format!("the length is {length}, wanted at least {HEADER}");
            return Err(Wrong { column: self.column(start + 2), what });
        }
        rest.get(..usize::from(length)).ok_or_else(|| {
            let what = format!("{} bytes are left, the header says {length}", rest.len());
            Wrong { column: self.end, what }
        })
    }

    fn wrong(&self, start: usize, error: &DecodeError) -> Wrong {
        let (DecodeError::Truncated { offset, .. }
        | DecodeError::BadValue { offset, .. }
        | DecodeError::BadMatch { offset, .. }) = *error;
        Wrong { column: self.column(start + offset), what: error.to_string() }
    }

    fn column(&self, byte: usize) -> usize {
        self.columns.get(byte).copied().unwrap_or(self.end)
    }
}
