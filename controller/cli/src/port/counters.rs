//! `weft port show` and `weft port counters`.

use proto::v1 as pb;
use proto::v1::port_counters::Drop;
use proto::v1::port_service_client::PortServiceClient;
use tonic::{Code, Status};

use crate::failure::Failure;
use crate::print::text;
use crate::session::Session;

/// Prints a port; for people also the reasons for which its host has dropped packets, as far as
/// the host can be asked.
pub(super) async fn show(session: &mut Session<'_>, reference: &str) -> Result<(), Failure> {
    let port: pb::Port = session.resolve(reference).await?;
    session.printer.one(&port)?;
    if session.printer.is_json() {
        return Ok(());
    }
    match fetch(session, port.id).await {
        Ok(counters) => {
            let dropped: Vec<_> = counters.drops.iter().filter(|drop| drop.packets > 0).collect();
            let heading = if dropped.is_empty() { "no packet dropped" } else { "packets dropped" };
            session.printer.line("")?;
            connections(session, &counters)?;
            session.printer.line(&text::printable(&format!("{heading} on {}", counters.host)))?;
            if dropped.is_empty() { Ok(()) } else { table(session, dropped) }
        }
        Err(status) if status.code() == Code::Unavailable => Ok(()),
        Err(status) => Err(status.into()),
    }
}

/// Prints what a port's host has counted.
pub(super) async fn print(session: &mut Session<'_>, reference: &str) -> Result<(), Failure> {
    let port: pb::Port = session.resolve(reference).await?;
    let counters = fetch(session, port.id).await?;
    if session.printer.is_json() {
        return session.printer.one(&counters);
    }
    connections(session, &counters)?;
    table(session, counters.drops.iter().collect())
}

/// How many connections there were.
fn connections(session: &mut Session<'_>, counters: &pb::PortCounters) -> Result<(), Failure> {
    let pb::PortCounters { opened, accepted, .. } = counters;
    session.printer.line(&format!("connections: {opened} opened, {accepted} accepted"))
}

async fn fetch(session: &Session<'_>, id: String) -> Result<pb::PortCounters, Status> {
    let mut client = PortServiceClient::new(session.channel.clone());
    Ok(client.get_port_counters(pb::GetPortCountersRequest { id }).await?.into_inner())
}

fn table(session: &mut Session<'_>, drops: Vec<&Drop>) -> Result<(), Failure> {
    let rows = drops.into_iter().map(|drop| {
        let Drop { reason, table, explanation, packets, bytes } = drop.clone();
        vec![packets.to_string(), bytes.to_string(), table, reason, explanation]
    });
    session.printer.line(&text::table(COLUMNS, rows))
}

const COLUMNS: &[&str] = &["PACKETS", "BYTES", "TABLE", "REASON", "EXPLANATION"];
