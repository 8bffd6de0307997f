//! The pings, as a table.

use std::io::{IsTerminal, stdout};

use anyhow::Result;
use lab::PingReport;

use super::tenant::{Kind, Segment};

/// Sends every ping and prints one line for each; how many failed.
pub(crate) fn across(segments: &[Segment]) -> Result<usize> {
    let mut failed = 0;
    print_row("FROM", "TO", "NETWORK", "ADDRESS", "RESULT");
    for segment in segments {
        let network = format!("{} ({})", segment.network.name, kind(segment.network.kind));
        for pair in segment.pairs() {
            let report = pair.endpoint.ping(pair.address)?;
            failed += usize::from(!report.is_complete());
            let address = pair.address.to_string();
            print_row(pair.source, pair.target, &network, &address, &result(report));
        }
    }
    Ok(failed)
}

fn kind(kind: Kind) -> String {
    match kind {
        Kind::Vxlan => "VXLAN".to_owned(),
        Kind::Vlan(id) => format!("VLAN {id}"),
        Kind::Flat => "flat".to_owned(),
    }
}

fn print_row(from: &str, to: &str, network: &str, address: &str, result: &str) {
    println!("{from:<12} {to:<12} {network:<18} {address:<16} {result}");
}

/// `OK` and the average round trip, or how many of the replies came.
fn result(report: PingReport) -> String {
    const GREEN: u8 = 32;
    const RED: u8 = 31;
    if report.is_complete() {
        let round_trip = report.round_trip.unwrap_or_default().as_secs_f64() * 1000.0;
        format!("{}  {round_trip:.2} ms", coloured("OK", GREEN))
    } else {
        let (received, sent) = (report.received, report.sent);
        format!("{}  {received} of {sent} came back", coloured("FAIL", RED))
    }
}

/// The text in one of ANSI's colours, where somebody looks.
fn coloured(text: &str, colour: u8) -> String {
    if stdout().is_terminal() { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
}
