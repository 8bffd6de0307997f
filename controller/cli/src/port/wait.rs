//! `weft port wait`.

use std::time::Duration;

use clap::Args;
use proto::v1 as pb;
use tokio::time::Instant;

use crate::failure::Failure;
use crate::parse;
use crate::print::{Names, text};
use crate::resource::Resource as _;
use crate::session::Session;

/// Ports to wait for.
#[derive(Args, Debug)]
pub(crate) struct Wait {
    /// Names or ids
    #[arg(required = true, value_name = "PORT")]
    ports: Vec<String>,

    /// How long to wait: 500ms, 30s, 5m
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse::duration)]
    timeout: Duration,
}

impl Wait {
    /// Asks again and again, until the last of the ports is ACTIVE; prints them.
    ///
    /// Also an ERROR may pass, when the operator maps the missing physical
    /// network for instance, so it is reported only when the time is up.
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Failure> {
        let deadline = Instant::now() + self.timeout;
        let mut ports = Vec::new();
        for reference in &self.ports {
            ports.push(session.resolve::<pb::Port>(reference).await?);
        }
        loop {
            if ports.iter().all(is_active) {
                return session.printer.table(&ports, &Names::default());
            }
            if Instant::now() >= deadline {
                let late = ports.iter().filter(|port| !is_active(port));
                return Err(Failure::Late(late.map(reason).collect()));
            }
            tokio::time::sleep_until(deadline.min(Instant::now() + POLL)).await;
            for port in ports.iter_mut().filter(|port| !is_active(port)) {
                *port = pb::Port::fetch(session.channel.clone(), &port.id).await?;
            }
        }
    }
}

fn is_active(port: &pb::Port) -> bool {
    port.status() == pb::port::Status::Active
}

/// Why the port is not ACTIVE.
fn reason(port: &pb::Port) -> String {
    let name = if port.name.is_empty() { &port.id } else { &port.name };
    let status = port.status().as_str_name();
    let line = match port.status_reason.as_str() {
        "" => format!("port {name} is {status}"),
        reason => format!("port {name} is {status}: {reason}"),
    };
    text::printable(&line)
}

/// Time between two questions.
const POLL: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_port_says_why() {
        let mut port = pb::Port { name: "web-1".to_owned(), ..Default::default() };
        port.set_status(pb::port::Status::Building);
        assert_eq!(reason(&port), "port web-1 is BUILDING");
        port.status_reason = "not confirmed by h2".to_owned();
        assert_eq!(reason(&port), "port web-1 is BUILDING: not confirmed by h2");
    }
}
