//! Weft beside OVN, on real hosts of one lab each, one after the other.
//!
//! Three hosts with three VMs: first alone, then with fifty networks that all three hosts have ports
//! of, and with so many ports of these in the background. The row without any in the background tells
//! what the hosts' own interfaces cost.
//!
//! The ports in the background are on a fourth host that does not exist: for Weft it is simulated,
//! for OVN it is a chassis on which nothing runs. So the hosts have all that is to be known of those
//! ports, and their interfaces cost nobody anything.

#[path = "peers/bed.rs"]
mod bed;
#[path = "peers/connected.rs"]
mod connected;
#[allow(dead_code, reason = "the fleet's benchmark asks for more")]
#[path = "fleet/database.rs"]
mod database;
#[allow(dead_code, reason = "the fleet's benchmark asks for more")]
#[path = "fleet/flows.rs"]
mod flows;
#[allow(dead_code, reason = "the fleet's benchmark asks for more")]
#[path = "fleet/hosts.rs"]
mod hosts;
#[path = "peers/measure.rs"]
mod measure;
#[path = "peers/ovn.rs"]
mod ovn;
#[path = "peers/peer.rs"]
mod peer;
#[allow(dead_code, reason = "the fleet's benchmark asks for more")]
#[path = "fleet/read_backs.rs"]
mod read_backs;
#[path = "common/report.rs"]
mod report;
#[allow(dead_code, reason = "the fleet's benchmark asks for more")]
#[path = "common/samples.rs"]
mod samples;
#[allow(dead_code, reason = "the fleet's benchmark asks for more")]
#[path = "fleet/switch.rs"]
mod switch;
#[allow(dead_code, reason = "the fleet's benchmark asks for more")]
#[path = "fleet/tenants.rs"]
mod tenants;
#[path = "peers/weft.rs"]
mod weft;

use anyhow::{Context as _, Result};

use bed::Background;
use measure::{Rounds, Rows, measure};
use ovn::Ovn;
use peer::Peer as _;
use report::Report;
use weft::Weft;

fn main() -> Result<()> {
    let is_wanted = Report::is_wanted();
    let alone = Background { networks: 1, ports: 0 };
    let over_fifty = |ports| Background { networks: 50, ports };
    let mut backgrounds = vec![alone];
    if is_wanted {
        backgrounds.extend([0, 1_000, 5_000, 10_000].map(over_fifty));
    }
    let mut rounds = match is_wanted {
        true => Rounds { single: 50, batches: 10, restarts: 3 },
        false => Rounds { single: 1, batches: 1, restarts: 1 },
    };
    let mut peers = vec![Weft::NAME, Ovn::NAME];
    // Less may be asked for: `-- 5000 Weft 20x`, `-- 10000 Weft restarts`.
    for word in std::env::args().skip(1) {
        if let Ok(ports) = word.parse::<usize>() {
            backgrounds.retain(|background| background.ports == ports);
            if backgrounds.is_empty() {
                backgrounds.push(over_fifty(ports));
            }
        } else if let Some(count) = word.strip_suffix('x').and_then(|count| count.parse().ok()) {
            rounds.single = count;
        } else if word == "restarts" {
            (rounds.single, rounds.batches) = (0, 0);
        } else {
            peers.retain(|peer| *peer == word || word.starts_with("--"));
        }
    }
    let mut report = Report::new("peers");
    let mut rows = Rows::default();
    for background in backgrounds {
        for &peer in &peers {
            let measure = if peer == Weft::NAME { measure::<Weft> } else { measure::<Ovn> };
            measure(background, rounds, &mut rows)
                .with_context(|| format!("{peer}, {background:?}"))?;
        }
    }
    rows.report(&mut report);
    Ok(report.write()?)
}
