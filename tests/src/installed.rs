//! The flows that a switch has, as `ovs-ofctl dump-flows` prints them.

use std::collections::BTreeMap;
use std::fmt;

use anyhow::{Context, Result};
use lab::Ovs;

/// One flow of a dump.
#[derive(Clone, Debug, PartialEq)]
pub struct Installed {
    /// Its cookie.
    pub cookie: u64,
    /// Its table's number.
    pub table: u8,
    /// Packets that it matched.
    pub packets: u64,
    /// Seconds since it was added.
    pub duration: f64,
    /// What it matches and does, without what changes while it stands.
    pub rule: String,
}

impl Installed {
    /// Reads a line such as
    /// `cookie=0x1, duration=2.5s, table=0, n_packets=0, n_bytes=0, priority=5,ip actions=drop`.
    fn parse(line: &str) -> Result<Self> {
        let field = |name: &str| {
            let rest = &line[line.find(name)? + name.len()..];
            rest.split([',', ' ']).next()
        };
        let number = |name: &str| -> Result<u64> {
            let text = field(name).with_context(|| format!("no {name} in {line:?}"))?;
            text.parse().with_context(|| format!("bad {name} in {line:?}"))
        };
        let cookie = field("cookie=0x").with_context(|| format!("no cookie in {line:?}"))?;
        let duration = field("duration=").and_then(|text| text.strip_suffix('s'));
        // The table's name when a dump has names; these have numbers.
        let table = number("table=")?;
        let (_, rule) = line.split_once("n_bytes=").context("no n_bytes")?;
        let (_, rule) = rule.split_once(' ').context("nothing after n_bytes")?;
        // idle_age and the like are told where they are not zero.
        let ages = ["idle_age=", "hard_age="];
        let words = rule.split(' ').filter(|word| !ages.iter().any(|age| word.starts_with(age)));
        Ok(Self {
            cookie: u64::from_str_radix(cookie, 16)?,
            table: u8::try_from(table)?,
            packets: number("n_packets=")?,
            duration: duration.context("no duration")?.parse()?,
            rule: words.collect::<Vec<_>>().join(" "),
        })
    }

    /// What does not change while the flow stands: table, cookie, match and actions.
    pub fn identity(&self) -> String {
        format!("table={} cookie={:#x} {}", self.table, self.cookie, self.rule)
    }
}

impl fmt::Display for Installed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} n_packets={}", self.identity(), self.packets)
    }
}

/// What flows do, by what OpenFlow knows a flow by: its table and what it matches, priority
/// included.
pub type Rules = BTreeMap<(u8, String), (u64, String)>;

/// What flows do, without counters and ages.
pub fn rules(flows: impl IntoIterator<Item = Installed>) -> Rules {
    let parts = flows.into_iter().map(|flow| {
        let (matching, actions) = flow.rule.split_once("actions=").unwrap_or((&flow.rule, ""));
        ((flow.table, matching.to_owned()), (flow.cookie, actions.to_owned()))
    });
    parts.collect()
}

/// How many flow-mods lead from one state to another: one for each flow that comes, goes or does
/// something else.
pub fn distance(before: &Rules, after: &Rules) -> u64 {
    let put = after.iter().filter(|(id, rule)| before.get(id) != Some(rule)).count();
    let removed = before.keys().filter(|id| !after.contains_key(id)).count();
    (put + removed) as u64
}

/// The flows of br-int, with counters that are up to date.
///
/// # Errors
///
/// When ovs-vswitchd is down or the bridge is not there.
pub fn installed(ovs: &Ovs) -> Result<Vec<Installed>> {
    ovs.dump_flows("br-int")?.iter().map(|line| Installed::parse(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_taken_apart() {
        let line = "cookie=0x1400000100000080, duration=12.345s, table=10, n_packets=7, \
                    n_bytes=686, idle_age=3, priority=100,reg1=0x1 actions=goto_table:20";
        let flow = Installed::parse(line).unwrap();
        assert_eq!((flow.cookie, flow.table, flow.packets), (0x1400_0001_0000_0080, 10, 7));
        assert!((flow.duration - 12.345).abs() < 1e-9);
        assert_eq!(flow.rule, "priority=100,reg1=0x1 actions=goto_table:20");
        assert!(Installed::parse("NXST_FLOW reply").is_err());
    }
}
