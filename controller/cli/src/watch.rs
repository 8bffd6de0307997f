//! `weft watch`.

use clap::Args;
use proto::v1 as pb;
use proto::v1::change_service_client::ChangeServiceClient;
use proto::v1::resource::Kind;
use proto::v1::resource::Resource as Any;
use proto::v1::watch_response::change::Change;

use crate::failure::Failure;
use crate::print::text;
use crate::session::Session;

/// What to follow.
#[derive(Args, Debug)]
pub(crate) struct Watch {
    /// Resume after this revision; by default everything there is comes first
    #[arg(long, value_name = "REVISION", default_value_t = 0)]
    from: u64,

    /// Only resources of this kind; may be given several times
    #[arg(long = "kind", value_name = "KIND", value_parser = kind)]
    kinds: Vec<Kind>,
}

impl Watch {
    /// Prints what comes, one line for each change or in JSON for each response, until the
    /// server ends the stream.
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Failure> {
        let mut client = ChangeServiceClient::new(session.channel.clone());
        let kinds = self.kinds.into_iter().map(i32::from).collect();
        let request = pb::WatchRequest { from_revision: self.from, kinds };
        let mut responses = client.watch(request).await?.into_inner();
        while let Some(response) = responses.message().await? {
            if session.printer.is_json() {
                session.printer.json_line(&response)?;
                continue;
            }
            for line in lines(&response) {
                session.printer.line(&line)?;
            }
        }
        Ok(())
    }
}

fn kind(name: &str) -> Result<Kind, String> {
    let known = Kind::from_str_name(&name.to_uppercase().replace('-', "_"));
    known.filter(|kind| *kind != Kind::Unspecified).ok_or_else(|| {
        let all = (1..).map_while(|number| Kind::try_from(number).ok()).map(name_of);
        format!("expected one of {}", all.collect::<Vec<_>>().join(", "))
    })
}

fn name_of(kind: Kind) -> String {
    kind.as_str_name().to_lowercase().replace('_', "-")
}

/// A line for each change, and one for the end of the snapshot.
fn lines(response: &pb::WatchResponse) -> Vec<String> {
    let revision = response.revision;
    let mut lines: Vec<_> = response
        .changes
        .iter()
        .map(|change| {
            let (what, subject) = match &change.change {
                Some(Change::Put(resource)) => ("put", subject(resource)),
                Some(Change::Deleted(deleted)) => {
                    ("deleted", format!("{} ({})", name_of(deleted.kind()), deleted.id))
                }
                None => ("changed", "something that this version does not know".to_owned()),
            };
            text::printable(&format!("{revision:<8} {what:<8} {subject}"))
        })
        .collect();
    if response.snapshot && response.complete {
        lines.push(format!("{revision:<8} that is all; from here on, what changes"));
    }
    lines
}

/// What a resource is, and its name.
pub(crate) fn subject(resource: &pb::Resource) -> String {
    let (kind, id, name) = match &resource.resource {
        Some(Any::Project(project)) => ("project", &project.id, &project.name),
        Some(Any::Network(network)) => ("network", &network.id, &network.name),
        Some(Any::Subnet(subnet)) => ("subnet", &subnet.id, &subnet.name),
        Some(Any::Port(port)) => ("port", &port.id, &port.name),
        Some(Any::Host(host)) => ("host", &host.id, &host.name),
        Some(Any::SecurityGroup(group)) => ("security-group", &group.id, &group.name),
        Some(Any::AddressGroup(group)) => ("address-group", &group.id, &group.name),
        None => return "something that this version does not know".to_owned(),
    };
    match name.as_str() {
        "" => format!("{kind} ({id})"),
        name => format!("{kind} {name} ({id})"),
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use proto::v1::watch_response::change::Deleted;

    use super::*;

    #[test]
    fn kinds_have_the_names_of_commands() {
        assert_eq!(kind("port"), Ok(Kind::Port));
        assert_eq!(kind("security-group"), Ok(Kind::SecurityGroup));
        for wrong in ["ports", "", "kind_unspecified"] {
            let error = kind(wrong).unwrap_err();
            assert!(error.starts_with("expected one of project, network, "), "{error}");
        }
    }

    #[test]
    fn each_change_is_a_line() {
        let port = pb::Port { id: "p-1".to_owned(), name: "web".to_owned(), ..Default::default() };
        let host = pb::Host { id: "h-1".to_owned(), ..Default::default() };
        let put = |any| Change::Put(pb::Resource { resource: Some(any) });
        let mut deleted = Deleted { id: "n-1".to_owned(), ..Default::default() };
        deleted.set_kind(Kind::Network);
        let changes = [put(Any::Port(port)), put(Any::Host(host)), Change::Deleted(deleted)];
        let changes = changes.map(|change| pb::watch_response::Change { change: Some(change) });
        let (complete, snapshot) = (true, true);
        let response =
            pb::WatchResponse { revision: 12, changes: changes.into(), complete, snapshot };
        expect![[r#"
            12       put      port web (p-1)
            12       put      host (h-1)
            12       deleted  network (n-1)
            12       that is all; from here on, what changes"#]]
        .assert_eq(&lines(&response).join("\n"));
    }
}
