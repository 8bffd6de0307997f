//! What the kernel throws away because Open vSwitch does not come to read it.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};

use crate::command::run;
use crate::netns::Netns;

/// Packets thrown away, by the interface that they came in by.
pub type Overflows = BTreeMap<String, u64>;

/// The packets that came in by this namespace's interfaces and were thrown away, since Open vSwitch
/// opened them.
///
/// The userspace datapath reads an interface from a packet socket, which holds some 270 packets
/// (`net.core.rmem_default`, which no namespace has for itself). When its thread has no turn for
/// long enough, as on a machine that builds something, what comes beyond that is lost, whatever
/// the flows.
pub(crate) fn overflows(netns: &Netns) -> Result<Overflows> {
    let text = run(netns.command("ss").args(["--packet", "-mnHO"]))?;
    let mut overflows = Overflows::new();
    for line in text.lines() {
        let (interface, count) =
            read(line).with_context(|| format!("not the line of a packet socket: {line:?}"))?;
        *overflows.entry(interface.to_owned()).or_default() += count;
    }
    Ok(overflows)
}

/// The interface of a packet socket, and the number behind the `d` of its `skmem:(…)`.
fn read(line: &str) -> Option<(&str, u64)> {
    let mut words = line.split_whitespace();
    let (_, interface) = words.nth(3)?.split_once(':')?;
    let (_, memory) = line.split_once("skmem:(")?;
    let (memory, _) = memory.split_once(')')?;
    let thrown_away = memory.split(',').find_map(|it| it.strip_prefix('d'))?;
    Some((interface, thrown_away.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_ss_tells_interface_and_drops() {
        let line = "p_raw 0 0 *:eth2 * skmem:(r0,rb212992,t0,tb212992,f0,w0,o136,bl0,d12)";
        assert_eq!(read(line), Some(("eth2", 12)));
        assert_eq!(read("p_raw 0 0 *:eth2 *"), None);
    }
}
