//! `weft wait`.

use std::time::Duration;

use clap::Args;
use proto::v1 as pb;
use proto::v1::change_service_client::ChangeServiceClient;
use tonic::Code;

use crate::failure::Failure;
use crate::parse;
use crate::print::text;
use crate::session::Session;

/// A revision to wait for.
#[derive(Args, Debug)]
pub(crate) struct Wait {
    /// Store revision, as a write answered it; 0 for the newest
    revision: u64,

    /// How long to wait: 500ms, 30s, 5m
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = parse::duration)]
    timeout: Duration,
}

impl Wait {
    /// Prints the last response when every host that is there has confirmed; else
    /// says who is late.
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Failure> {
        let mut client = ChangeServiceClient::new(session.channel.clone());
        let mut responses = client.wait(self.request()?).await?.into_inner();
        let mut last = pb::WaitResponse { revision: self.revision, ..Default::default() };
        loop {
            match responses.message().await {
                Ok(Some(response)) => last = response,
                Ok(None) => break,
                Err(status) if status.code() == Code::DeadlineExceeded => break,
                Err(status) => return Err(status.into()),
            }
        }
        if !last.done {
            return Err(Failure::Late(late(&last)));
        }
        if session.printer.is_json() {
            return session.printer.one(&last);
        }
        for line in confirmed(&last) {
            session.printer.line(&line)?;
        }
        Ok(())
    }

    fn request(&self) -> Result<pb::WaitRequest, Failure> {
        let timeout = prost_types::Duration::try_from(self.timeout)
            .map_err(|_| Failure::Usage("--timeout: too long".to_owned()))?;
        Ok(pb::WaitRequest { revision: self.revision, timeout: Some(timeout) })
    }
}

/// That it is done, and a line for each host that is offline or held.
fn confirmed(response: &pb::WaitResponse) -> Vec<String> {
    let revision = response.revision;
    let whom = match (response.offline_hosts.is_empty(), response.held_hosts.is_empty()) {
        (true, true) => "host",
        (false, true) => "host that is there",
        (_, false) => "host that is there and not held",
    };
    let mut lines = vec![format!("revision {revision} is confirmed by every {whom}")];
    lines.extend(response.offline_hosts.iter().map(|host| is_at(host, revision)));
    let held = response.held_hosts.iter();
    lines.extend(held.map(|host| is_at(host, revision) + ": its flows are held"));
    lines
}

fn is_at(host: &pb::wait_response::LateHost, revision: u64) -> String {
    let name = if host.name.is_empty() { &host.host_id } else { &host.name };
    text::printable(&format!(
        "host {name} is {} at revision {}, not {revision}",
        host.state().as_str_name(),
        host.realized_revision,
    ))
}

/// A line for each late host.
fn late(response: &pb::WaitResponse) -> Vec<String> {
    let revision = response.revision;
    if response.late_hosts.is_empty() {
        return vec![format!("revision {revision} is not confirmed")];
    }
    response.late_hosts.iter().map(|host| is_at(host, revision)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_hosts_are_named() {
        let mut host = pb::wait_response::LateHost {
            name: "h2".to_owned(),
            realized_revision: 7,
            ..Default::default()
        };
        host.set_state(pb::host::State::Ready);
        let mut response = pb::WaitResponse { revision: 12, ..Default::default() };
        assert_eq!(late(&response), ["revision 12 is not confirmed"]);
        response.late_hosts.push(host.clone());
        assert_eq!(late(&response), ["host h2 is READY at revision 7, not 12"]);

        host.set_state(pb::host::State::Offline);
        let response =
            pb::WaitResponse { offline_hosts: vec![host], late_hosts: vec![], ..response };
        let expected = [
            "revision 12 is confirmed by every host that is there",
            "host h2 is OFFLINE at revision 7, not 12",
        ];
        assert_eq!(confirmed(&response), expected);
    }
}
