//! What is measured of each peer.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Result, ensure};
use lab::{StreamReport, wait_until};
use serde_json::json;

use super::bed::{Background, Bed};
use super::peer::{Peer, Restarted};
use crate::report::{Report, Row};
use crate::samples::{Samples, ms};

/// How often each thing is done.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rounds {
    pub(crate) single: usize,
    pub(crate) batches: usize,
    pub(crate) restarts: usize,
}

/// Ports in a batch.
const BATCH: usize = 50;

/// Members of the large group.
const MEMBERS: usize = 1_000;

/// Between echo requests while something restarts.
const PACE: Duration = Duration::from_millis(10);

/// How long everything is left alone before something restarts, and after it has.
const REST: Duration = Duration::from_secs(3);

/// How long an outage may last.
const OUTAGE: Duration = Duration::from_secs(60);

/// What all peers came to, by table.
#[derive(Default)]
pub(crate) struct Rows {
    plugs: Vec<Row>,
    groups: Vec<Row>,
    restarts: Vec<Row>,
}

impl Rows {
    /// Prints the tables.
    pub(crate) fn report(self, report: &mut Report) {
        report.table("One VM plugged: until its first echo reply", self.plugs);
        report.table("Confirmed by all hosts", self.groups);
        report.table("Restarts: a ping between two hosts, every 10 ms", self.restarts);
    }
}

/// Measures one peer.
pub(crate) fn measure<P: Peer>(
    background: Background,
    rounds: Rounds,
    rows: &mut Rows,
) -> Result<()> {
    let mut bed = Bed::<P>::start(background)?;
    let Background { networks, ports } = background;
    let named = |row: Row| -> Row {
        let scene =
            [("peer", json!(P::NAME)), ("networks", json!(networks)), ("ports", json!(ports))];
        scene.into_iter().chain(row).collect()
    };
    let flows = bed.lab.host(1).dump_flows("br-int")?.len();
    if rounds.single > 0 {
        rows.plugs.extend(plugs(&mut bed, rounds.single)?.into_iter().map(named));
        rows.groups.push(named(groups(&mut bed, rounds, flows)?));
    }
    rows.restarts.extend(restarts(&mut bed, rounds.restarts)?.into_iter().map(named));
    Ok(())
}

fn plugs<P: Peer>(bed: &mut Bed<P>, rounds: usize) -> Result<Vec<Row>> {
    let [mut at_once, mut confirmed] = [(); 2].map(|()| Samples::default());
    let port = bed.mover.port;
    for _ in 0..rounds {
        for (samples, first) in [(&mut at_once, false), (&mut confirmed, true)] {
            bed.unplug()?;
            bed.peer.delete(&[port])?;
            bed.peer.confirm()?;
            if first {
                bed.peer.create(&[port])?;
                bed.peer.confirm()?;
            }
            samples.push(bed.first_reply(|bed| {
                if !first {
                    bed.peer.create(&[port])?;
                }
                bed.plug()
            })?);
        }
    }
    let row = |what: &str, samples: &Samples| {
        vec![
            ("what", json!(what)),
            ("median ms", json!(ms(samples.median()))),
            ("p99 ms", json!(ms(samples.quantile(0.99)))),
            ("least ms", json!(ms(samples.quantile(0.0)))),
        ]
    };
    Ok(vec![
        row("port made and plugged at once", &at_once),
        row("port made before and confirmed, then plugged", &confirmed),
    ])
}

fn groups<P: Peer>(bed: &mut Bed<P>, rounds: Rounds, flows: usize) -> Result<Row> {
    let mut batches = Samples::default();
    for _ in 0..rounds.batches {
        let ports = bed.fresh(BATCH);
        bed.peer.prepare_elsewhere(&ports)?;
        batches.time(|| bed.peer.create(&ports).and_then(|()| bed.peer.confirm()))?;
    }
    let members = bed.fresh(MEMBERS);
    let spare = bed.fresh(1);
    bed.peer.prepare_elsewhere(&spare)?;
    bed.peer.create(&spare)?;
    let users = [bed.vms[0].port, bed.vms[1].port, bed.mover.port];
    bed.peer.make_group(&members, &users)?;
    let mut joins = Samples::default();
    for _ in 0..rounds.single {
        joins.time(|| bed.peer.set_member(spare[0], true))?;
        bed.peer.set_member(spare[0], false)?;
    }
    Ok(vec![
        ("flows on a host", json!(flows)),
        ("ports made a second, in batches of 50", json!(BATCH as f64 / seconds(batches.median()))),
        ("one member more of 1,000, median ms", json!(ms(joins.median()))),
        ("p99 ms", json!(ms(joins.quantile(0.99)))),
    ])
}

fn restarts<P: Peer>(bed: &mut Bed<P>, rounds: usize) -> Result<Vec<Row>> {
    let host = bed.lab.host(2).clone();
    let mut rows = Vec::new();
    // What is not used any more may go a little later.
    sleep(REST);
    let flows = host.dump_flows("br-int")?.len();
    for _ in 0..rounds {
        let mut restarted = None;
        let report = outage(bed, |bed| {
            restarted = Some(bed.peer.restart(&host)?);
            Ok(())
        })?;
        let mut row = row("controller killed and started", flows, report);
        if let Some(restarted) = restarted {
            row.extend(restarted.columns());
        }
        rows.push(row);
    }
    let mut vswitchd = |bed: &mut Bed<P>, what: &str, refill: &dyn Fn(&P) -> Result<()>| {
        for _ in 0..rounds {
            let report = outage(bed, |bed| {
                host.kill_vswitchd()?;
                host.start_vswitchd()?;
                refill(&bed.peer)
            })?;
            let mut row = row(what, flows, report);
            row.extend(Restarted::default().columns());
            rows.push(row);
        }
        anyhow::Ok(())
    };
    vswitchd(bed, "ovs-vswitchd killed and started", &|_| Ok(()))?;
    // The same without a controller: what the switch itself takes.
    let dump = host.ofctl(&["--no-stats", "--no-names", "dump-flows", "br-int"])?;
    let file = bed.lab.run_dir().join("flows");
    fs::write(
        &file,
        dump.lines().filter(|line| line.contains("actions=")).collect::<Vec<_>>().join("\n"),
    )?;
    bed.peer.stop()?;
    let file = file.display().to_string();
    vswitchd(bed, "the same flows by ovs-ofctl --bundle add-flows", &|peer| {
        wait_until("br-int", OUTAGE, || host.ofctl(&["show", "br-int"]).is_ok())?;
        peer.prepare_switch(&host)?;
        host.ofctl(&["--bundle", "add-flows", "br-int", &file]).map(drop)
    })?;
    Ok(rows)
}

/// What a ping from one host to another says of an outage.
fn outage<P: Peer>(
    bed: &mut Bed<P>,
    act: impl FnOnce(&mut Bed<P>) -> Result<()>,
) -> Result<StreamReport> {
    let [first, second] = &bed.vms;
    first.vm.ping_until(second.port.address(), OUTAGE)?;
    let pings = first.vm.start_ping(second.port.address(), PACE)?;
    pings.wait_for_replies(20, OUTAGE)?;
    act(bed)?;
    pings.wait_for_replies(100, OUTAGE)?;
    // What comes late in a restart is to be seen, too.
    sleep(REST);
    let report = pings.stop()?;
    ensure!(report.sent > 0, "nothing was sent");
    Ok(report)
}

fn row(what: &str, flows: usize, report: StreamReport) -> Row {
    vec![
        ("what", json!(what)),
        ("flows on the host", json!(flows)),
        ("pings lost", json!(report.lost())),
        ("longest gap s", json!(seconds(report.longest_gap))),
    ]
}

fn seconds(time: Duration) -> f64 {
    time.as_secs_f64().max(f64::MIN_POSITIVE)
}
