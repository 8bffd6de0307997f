//! `weft apply`.

use std::io::Read as _;
use std::path::PathBuf;

use clap::Args;
use proto::v1 as pb;
use proto::v1::apply_request::Change;
use proto::v1::change_service_client::ChangeServiceClient;

use crate::failure::Failure;
use crate::print::{json, text};
use crate::session::Session;
use crate::watch::subject;

/// Many changes, all or none.
#[derive(Args, Debug)]
pub(crate) struct Apply {
    /// The changes: on each line a request of the API in JSON, as in
    /// {"create_network":{"network":{"name":"blue","type":"VXLAN","project_id":"…"}}};
    /// what an earlier one makes is named by the id chosen there. - is standard input
    #[arg(long, short, value_name = "FILE")]
    file: PathBuf,

    /// Change nothing; say how many flows would change on which host
    #[arg(long)]
    dry_run: bool,

    /// Only if nothing has changed since this revision
    #[arg(long, value_name = "REVISION", default_value_t = 0)]
    base: u64,
}

impl Apply {
    /// Prints what the resources are then, or how many flows would change.
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Failure> {
        let request = pb::ApplyRequest {
            changes: self.changes()?,
            validate_only: self.dry_run,
            base_revision: self.base,
        };
        let client = ChangeServiceClient::new(session.channel.clone());
        let mut client = client.max_decoding_message_size(MAX_ANSWER);
        let answer = client.apply(request).await?;
        let answer = answer.into_inner();
        if session.printer.is_json() {
            return session.printer.one(&answer);
        }
        if self.dry_run {
            session.printer.line(&plan(&answer.plan))?;
            let revision = answer.revision;
            return session.printer.line(&format!("nothing is changed; as of revision {revision}"));
        }
        for resource in answer.resources.iter().filter(|resource| resource.resource.is_some()) {
            session.printer.line(&text::printable(&subject(resource)))?;
        }
        session.printer.line(&format!("revision {}", answer.revision))
    }

    fn changes(&self) -> Result<Vec<Change>, Failure> {
        let name = self.file.display();
        let failure = |error: std::io::Error| Failure::Input(format!("{name}: {error}"));
        let mut lines = String::new();
        if self.file.as_os_str() == "-" {
            std::io::stdin().read_to_string(&mut lines).map_err(failure)?;
        } else {
            lines = std::fs::read_to_string(&self.file).map_err(failure)?;
        }
        parse(&lines).map_err(|(line, error)| Failure::Input(format!("{name}:{line}: {error}")))
    }
}

/// The change on each line that is not empty; the number of a line that has none, and why.
fn parse(lines: &str) -> Result<Vec<Change>, (usize, serde_json::Error)> {
    let lines = (1..).zip(lines.lines()).filter(|(_, line)| !line.trim().is_empty());
    lines.map(|(number, line)| json::parse(line).map_err(|error| (number, error))).collect()
}

fn plan(hosts: &[pb::apply_response::HostPlan]) -> String {
    let rows = hosts.iter().map(|host| {
        let name = if host.name.is_empty() { &host.host_id } else { &host.name };
        let counts = [host.flows_added, host.flows_changed, host.flows_removed];
        [vec![text::printable(name)], counts.map(|count| count.to_string()).to_vec()].concat()
    });
    text::table(&["HOST", "FLOWS ADDED", "CHANGED", "REMOVED"], rows)
}

/// Largest answer, in bytes: several times the largest request.
const MAX_ANSWER: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use proto::v1::apply_request::change::Change as Any;

    use super::*;

    #[test]
    fn each_line_is_a_request() {
        let lines = r#"
            {"create_network": {"network": {"name": "blue", "type": "VXLAN", "mtu": 1400}}}

            {"deletePort": {"id": "p-1", "etag": "x"}}
            {"update_project": {"project": {"id": "q", "labels": {"a": "b"}}, "update_mask": "labels"}}
        "#;
        let changes: Vec<_> = parse(lines).unwrap().into_iter().map(|it| it.change).collect();
        let mut network = pb::Network { name: "blue".to_owned(), mtu: 1400, ..Default::default() };
        network.set_type(pb::network::Type::Vxlan);
        let delete = pb::DeletePortRequest { id: "p-1".to_owned(), etag: "x".to_owned() };
        let labels = [("a".to_owned(), "b".to_owned())].into();
        let project = pb::Project { id: "q".to_owned(), labels, ..Default::default() };
        let update_mask = prost_types::FieldMask { paths: vec!["labels".to_owned()] };
        let expected = [
            Any::CreateNetwork(pb::CreateNetworkRequest { network: Some(network) }),
            Any::DeletePort(delete),
            Any::UpdateProject(pb::UpdateProjectRequest {
                project: Some(project),
                update_mask: Some(update_mask),
            }),
        ];
        assert_eq!(changes, expected.map(Some));
    }

    #[test]
    fn a_line_that_is_no_request_is_named() {
        for (lines, wrong) in [
            ("{}\n{\"create_nothing\": {}}", "unrecognized field name 'create_nothing'"),
            ("\n{\"create_port\": {\"port\": {\"mac\": \"\"}}}", "unrecognized field name 'mac'"),
            ("\nnonsense", "expected ident"),
            ("\n{} {}", "trailing characters"),
        ] {
            let (line, error) = parse(lines).unwrap_err();
            assert_eq!(line, 2);
            assert!(error.to_string().contains(wrong), "{error}");
        }
    }

    #[test]
    fn the_plan_is_a_table() {
        let host = |name: &str, added| pb::apply_response::HostPlan {
            host_id: "h-1".to_owned(),
            name: name.to_owned(),
            flows_added: added,
            ..Default::default()
        };
        expect![[r#"
            HOST    FLOWS ADDED  CHANGED  REMOVED
            rack-1  12           0        0
            h-1     0            0        0"#]]
        .assert_eq(&plan(&[host("rack-1", 12), host("", 0)]));
    }
}
