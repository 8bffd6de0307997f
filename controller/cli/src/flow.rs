//! `weft flow`.

use clap::{Args, Subcommand};
use proto::v1 as pb;
use proto::v1::explain_flow_request::Query;
use proto::v1::flow_service_client::FlowServiceClient;
use proto::v1::list_flows_request::Source;

use crate::failure::Failure;
use crate::print::text;
use crate::resource::Resource as _;
use crate::session::Session;

/// What to do with flows.
#[derive(Debug, Subcommand)]
pub(crate) enum FlowCommand {
    /// List a host's flows, in the syntax of ovs-ofctl
    List(List),

    /// Say what a flow is for
    Explain {
        /// A cookie (0x…), or a line of `ovs-ofctl dump-flows`
        #[arg(required = true, value_name = "COOKIE|FLOW", allow_hyphen_values = true)]
        flow: Vec<String>,
    },
}

/// Which flows to list.
#[derive(Args, Debug)]
pub(crate) struct List {
    /// Host: name or id
    host: String,

    /// Only those of this table: name or number
    #[arg(long)]
    table: Option<String>,

    /// Only those that exist for this object: its id, or KIND:NAME such as
    /// port:web-1
    #[arg(long, value_name = "ID|KIND:NAME")]
    owner: Option<String>,

    /// What the switch says it has, with counters, not what it should have
    #[arg(long)]
    installed: bool,

    /// What the switch says it has and Weft did not put there
    #[arg(long, conflicts_with_all = ["installed", "owner"])]
    foreign: bool,

    /// Say above each flow what it is for
    #[arg(long)]
    explain: bool,
}

impl FlowCommand {
    /// Does it.
    pub(crate) async fn run(self, session: &mut Session<'_>) -> Result<(), Failure> {
        match self {
            Self::List(list) => list.run(session).await,
            Self::Explain { flow } => {
                let query = Some(query(&flow.join(" ")));
                let mut client = FlowServiceClient::new(session.channel.clone());
                let answer = client.explain(pb::ExplainFlowRequest { query }).await?.into_inner();
                if session.printer.is_json() {
                    return session.printer.one(&answer);
                }
                session.printer.line(&explanation(&answer))
            }
        }
    }
}

impl List {
    /// Prints page by page: a host may have very many flows.
    async fn run(self, session: &mut Session<'_>) -> Result<(), Failure> {
        let mut request = self.request(owner(session, self.owner.as_deref()).await?);
        let mut client = FlowServiceClient::new(session.channel.clone());
        let mut lines = Lines { explain: self.explain, table: None };
        let mut all = Vec::new();
        loop {
            let page = client.list(request.clone()).await?.into_inner();
            if session.printer.is_json() {
                all.extend(page.flows);
            } else {
                for flow in &page.flows {
                    lines.of(flow).iter().try_for_each(|line| session.printer.line(line))?;
                }
            }
            if page.next_page_token.is_empty() {
                break;
            }
            request.page_token = page.next_page_token;
        }
        if session.printer.is_json() { session.printer.array(&all) } else { Ok(()) }
    }

    fn request(&self, owner: String) -> pb::ListFlowsRequest {
        let source = match (self.installed, self.foreign) {
            (_, true) => Source::Foreign,
            (true, false) => Source::Installed,
            (false, false) => Source::Desired,
        };
        pb::ListFlowsRequest {
            host: self.host.clone(),
            table: self.table.clone().unwrap_or_default(),
            owner,
            source: source.into(),
            ..Default::default()
        }
    }
}

/// The id of an owner given as id or as `KIND:NAME`; empty when none is given.
async fn owner(session: &Session<'_>, reference: Option<&str>) -> Result<String, Failure> {
    let Some(reference) = reference else { return Ok(String::new()) };
    let Some((kind, name)) = reference.split_once(':') else { return Ok(reference.to_owned()) };
    let name = Some(name);
    match kind {
        pb::Project::KIND => session.id_of::<pb::Project>(name).await,
        pb::Network::KIND => session.id_of::<pb::Network>(name).await,
        pb::Subnet::KIND => session.id_of::<pb::Subnet>(name).await,
        pb::Port::KIND => session.id_of::<pb::Port>(name).await,
        pb::Host::KIND => session.id_of::<pb::Host>(name).await,
        pb::SecurityGroup::KIND => session.id_of::<pb::SecurityGroup>(name).await,
        pb::AddressGroup::KIND => session.id_of::<pb::AddressGroup>(name).await,
        _ => Err(Failure::Usage(format!(
            "--owner {reference}: expected an id, or project:, network:, subnet:, port:, host:, \
             security_group: or address_group: and a name"
        ))),
    }
}

/// A cookie if it reads like a number, else the text of a flow.
fn query(text: &str) -> Query {
    let text = text.trim();
    let cookie = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    cookie.map_or_else(|_| Query::Flow(text.to_owned()), Query::Cookie)
}

/// Flows as lines that `ovs-ofctl add-flows` would read back.
struct Lines {
    explain: bool,
    /// The table of the last flow.
    table: Option<u32>,
}

impl Lines {
    /// The lines of the next flow.
    fn of(&mut self, flow: &pb::Flow) -> Vec<String> {
        let mut lines = Vec::new();
        if self.explain {
            if self.table != Some(flow.table_id) {
                if self.table.is_some() {
                    lines.push(String::new());
                }
                lines.push(match flow.table_name.as_str() {
                    "" => format!("# table {}", flow.table_id),
                    name => format!("# table {}: {name}", flow.table_id),
                });
                self.table = Some(flow.table_id);
            }
            lines.push(format!("# {}", text::printable(&comment(flow))));
        }
        let counters = match (flow.packet_count, flow.byte_count) {
            (Some(packets), Some(bytes)) => format!("n_packets={packets}, n_bytes={bytes}, "),
            _ => String::new(),
        };
        lines.push(format!("{counters}{}", text::printable(&flow.text)));
        lines
    }
}

/// What the flow is for, and for whom.
fn comment(flow: &pb::Flow) -> String {
    let owners: Vec<_> = flow.owners.iter().map(owner_text).collect();
    match (flow.explanation.as_str(), owners.is_empty()) {
        ("", true) => "not a flow of ours".to_owned(),
        ("", false) => owners.join(", "),
        // It names the owners itself.
        (explanation, _) => explanation.to_owned(),
    }
}

fn owner_text(owner: &pb::ObjectReference) -> String {
    let name = if owner.name.is_empty() { &owner.id } else { &owner.name };
    format!("{} {name}", owner.kind)
}

/// An explanation for people.
fn explanation(answer: &pb::ExplainFlowResponse) -> String {
    let mut lines =
        vec![answer.explanation.clone(), format!("cookie {:#x}, {}", answer.cookie, answer.kind)];
    lines.extend(answer.owners.iter().map(|owner| {
        let name = if owner.name.is_empty() { "-" } else { &owner.name };
        format!("{} {name} {}", owner.kind, owner.id)
    }));
    let lines: Vec<_> = lines.iter().map(|line| text::printable(line)).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests;
