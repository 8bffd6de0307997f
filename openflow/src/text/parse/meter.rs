//! Meters, as `add-meter` takes them.

use std::str::FromStr;

use nom::Parser;
use nom::bytes::complete::tag;
use nom::character::complete::char;

use super::{ParseError, Parsed, fail, hex_bytes, integer, whole, word};
use crate::text::meter::{FLAGS, NAMED};
use crate::{Meter, MeterBand, MeterFlags};

impl FromStr for Meter {
    type Err = ParseError;

    /// Reads the meter that `add-meter` takes, or a meter of `dump-meters`.
    ///
    /// As there, the flags come before the bands, a burst has a size, and a size needs a burst.
    fn from_str(text: &str) -> Result<Self, ParseError> {
        whole(text.trim_end(), meter)
    }
}

/// The text from the next word on, `None` when there is none.
fn next(input: &str) -> Option<&str> {
    let rest = input.trim_start_matches([' ', '\t', '\r', '\n', ',']);
    (!rest.is_empty()).then_some(rest)
}

fn meter(mut input: &str) -> Parsed<'_, Meter> {
    let mut meter_id = None;
    let mut flags = MeterFlags::default();
    loop {
        let Some(item) = next(input) else { return fail("", "`bands=`") };
        let (rest, name) = word(item)?;
        input = match name {
            "meter" => {
                let (rest, _) = char('=').parse(rest)?;
                let (rest, id) = number(rest)?;
                meter_id = Some(id);
                rest
            }
            "band" | "bands" => {
                let Some(meter_id) = meter_id else { return fail(item, "`meter=`") };
                let (rest, _) = char('=').parse(rest)?;
                let (rest, bands) = bands(rest, flags)?;
                return Ok((rest, Meter { meter_id, flags, bands }));
            }
            "flags" => {
                let (rest, _) = char(':').parse(rest)?;
                let (rest, bits) = integer::<u16>(rest)?;
                flags.0 |= bits;
                rest
            }
            name => match FLAGS.iter().find(|(_, flag)| *flag == name) {
                Some((flag, _)) => {
                    flags.0 |= flag.0;
                    rest
                }
                None => {
                    return fail(item, "`meter`, `kbps`, `pktps`, `burst`, `stats` or `bands`");
                }
            },
        };
    }
}

/// Reads a meter's number or name.
fn number(input: &str) -> Parsed<'_, u32> {
    if let Some((meter, name)) = NAMED.iter().find(|(_, name)| input.starts_with(name)) {
        return Ok((&input[name.len()..], *meter));
    }
    match integer(input) {
        Ok((rest, meter)) => Ok((rest, meter)),
        Err(_) => fail(input, "a meter's number, `slowpath`, `controller` or `all`"),
    }
}

/// Reads all bands that follow.
fn bands(mut input: &str, flags: MeterFlags) -> Parsed<'_, Vec<MeterBand>> {
    let mut bands = Vec::new();
    while let Some(item) = next(input) {
        let band;
        (input, band) = match item.strip_prefix("raw(") {
            Some(raw) => raw_band(raw)?,
            None => typed_band(item, flags)?,
        };
        bands.push(band);
    }
    Ok((input, bands))
}

/// Reads a band that has no name: its bytes, header included.
fn raw_band(input: &str) -> Parsed<'_, MeterBand> {
    let (rest, bytes) = hex_bytes(input)?;
    let known = |kind: [u8; 2]| matches!(u16::from_be_bytes(kind), 1 | 2) && bytes.len() == 16;
    match *bytes.as_slice() {
        [t0, t1, l0, l1, ..]
            if usize::from(u16::from_be_bytes([l0, l1])) == bytes.len()
                && bytes.len() >= 12
                && !known([t0, t1]) => {}
        _ => return fail(input, "a band's type, its length, and bytes of that length"),
    }
    let (rest, _) = char(')').parse(rest)?;
    Ok((rest, MeterBand::Unknown(bytes.into())))
}

/// Reads `type=` and what belongs to it, up to the next band.
fn typed_band(input: &str, flags: MeterFlags) -> Parsed<'_, MeterBand> {
    let (rest, _) = tag("type=")
        .parse(input)
        .or_else(|_: nom::Err<super::Failure<'_>>| fail(input, "`type=`"))?;
    let (mut rest, kind) = word(rest)?;
    let remark = match kind {
        "drop" => false,
        "dscp_remark" => true,
        _ => return fail(&input["type=".len()..], "`drop` or `dscp_remark`"),
    };
    let (mut rate, mut burst, mut prec_level) = (None, None, None);
    while let Some(item) = next(rest) {
        if item.starts_with("type=") || item.starts_with("raw(") {
            break;
        }
        let (value, name) = word(item)?;
        let Some(value) = value.strip_prefix('=') else { return fail(value, "`=`") };
        rest = match name {
            "rate" => read(value, &mut rate)?,
            "burst_size" if flags.contains(MeterFlags::BURST) => read(value, &mut burst)?,
            "burst_size" => return fail(item, "the flag `burst` where there is a `burst_size`"),
            "prec_level" if remark => read(value, &mut prec_level)?,
            _ if remark => return fail(item, "`rate`, `burst_size` or `prec_level`"),
            _ => return fail(item, "`rate` or `burst_size`"),
        };
    }
    let Some(rate) = rate else { return fail(rest, "`rate=`") };
    if burst.is_none() && flags.contains(MeterFlags::BURST) {
        return fail(rest, "`burst_size=`, since there is the flag `burst`");
    }
    let burst_size = burst.unwrap_or_default();
    match (remark, prec_level) {
        (false, _) => Ok((rest, MeterBand::Drop { rate, burst_size })),
        (true, Some(prec_level)) => {
            Ok((rest, MeterBand::DscpRemark { rate, burst_size, prec_level }))
        }
        (true, None) => fail(rest, "`prec_level=`"),
    }
}

/// Reads a number into `target`.
fn read<'a, T: TryFrom<u128>>(
    input: &'a str,
    target: &mut Option<T>,
) -> Result<&'a str, nom::Err<super::Failure<'a>>> {
    let (rest, number) = integer(input)?;
    *target = Some(number);
    Ok(rest)
}
