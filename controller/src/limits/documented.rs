//! Tests hold `docs/limits.md` to the constants, each beside where it is.

use std::fmt::Display;
use std::time::Duration;

use super::{Breach, REGISTRATIONS_PER_HOUR};
use crate::config::Arguments;

const LIMITS: &str = include_str!("../../../docs/limits.md");

/// Claims that the section of this name says so of each limit.
#[track_caller]
pub(crate) fn check(section: &str, limits: &[(&str, String)]) {
    let (_, section) = LIMITS.split_once(&format!("\n## {section}\n")).expect("a section");
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows: Vec<Vec<_>> =
        section.lines().map(|line| line.split('|').map(str::trim).collect()).collect();
    for (limit, value) in limits {
        let mut found = rows.iter().filter(|row| row.get(1) == Some(limit));
        let row = found.next().unwrap_or_else(|| panic!("{limit:?} is not in docs/limits.md"));
        assert_eq!(row[2], value, "docs/limits.md: {limit}");
    }
}

/// The value of the row that follows the one of `limit`, which says how it goes on.
#[track_caller]
pub(crate) fn check_next(limit: &str, next: &str, value: String) {
    let mut lines = LIMITS.lines().skip_while(|line| !line.starts_with(&format!("| {limit} |")));
    let row: Vec<_> = lines.nth(1).unwrap_or_default().split('|').map(str::trim).collect();
    assert_eq!(row.get(1..3), Some(&[next, &value][..]), "docs/limits.md: after {limit}");
}

/// As `50,000`.
pub(crate) fn number(number: impl Display) -> String {
    let digits = number.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

/// As `64 MiB`.
pub(crate) fn bytes(bytes: usize) -> String {
    let shift =
        [(20, "MiB"), (10, "KiB")].into_iter().find(|(bits, _)| bytes.is_multiple_of(1 << bits));
    shift.map_or_else(|| number(bytes), |(bits, unit)| format!("{} {unit}", bytes >> bits))
}

/// As `30 s`.
pub(crate) fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs())
}

#[test]
fn every_kind_of_breach_is_named_and_none_that_there_is_not() {
    let kinds = |line: &str| -> Vec<String> {
        let cell = line.trim_end_matches('|').rsplit('|').next().unwrap_or_default().trim();
        cell.strip_prefix('`')
            .and_then(|it| it.strip_suffix('`'))
            .map(str::to_owned)
            .into_iter()
            .collect()
    };
    let rows = LIMITS.lines().filter(|line| line.starts_with('|'));
    let mut named: Vec<_> = rows.flat_map(kinds).collect();
    named.sort_unstable();
    named.dedup();
    let mut all: Vec<_> = Breach::ALL.iter().map(|breach| breach.name().to_owned()).collect();
    // Whatever is no message at all meets no limit; the text says what it is counted as.
    all.retain(|name| name != "malformed");
    assert!(LIMITS.contains("`malformed`"));
    all.sort_unstable();
    assert_eq!(named, all);
}

#[test]
fn what_flags_can_change_is_documented_as_the_default() {
    use clap::Parser as _;
    let config = Arguments::try_parse_from(["weftd"]).unwrap().into_config().unwrap();
    let per_address = number(config.connections_per_address);
    check("Connections", &[("OpenFlow, or OVSDB, connections of one address", per_address)]);
    let at_once = "unknown hosts from one address, at once";
    let hosts = [
        ("hosts", number(config.settings.max_hosts)),
        (at_once, number(config.registrations_per_address)),
    ];
    check("Who is which host", &hosts);
    check_next(at_once, "and an hour, after that", number(REGISTRATIONS_PER_HOUR));
}

#[test]
fn every_flag_that_is_named_exists() {
    use clap::CommandFactory as _;
    let command = Arguments::command();
    let known: Vec<_> = command.get_arguments().filter_map(|it| it.get_long()).collect();
    let flags = LIMITS.split("`--").skip(1).filter_map(|rest| rest.split('`').next());
    for flag in flags {
        assert!(known.contains(&flag), "--{flag}");
    }
}
