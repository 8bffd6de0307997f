use openflow::{Flow, Match};
use proto::v1::explain_flow_request::Query;
use tonic::Status;
use topology::cookie::{BlockKind, Cookie};
use topology::explain::explain;
use topology::key::{Key, Kind};
use topology::model::{HostId, Model, ResourceId};
use topology::pipeline::{Detail, Table};
use uuid::Uuid;

use super::super::{host, status};

/// Which flows are listed.
#[derive(Clone, Debug)]
pub(super) struct Filter {
    /// Of this host.
    pub(super) host: HostId,
    /// Only of this table.
    table: Option<u8>,
    /// Only those that are there for this object.
    owner: Option<(ResourceId, Key)>,
}

impl Filter {
    /// Finds what the request names: a host by name or UUID, a table by name or number, an owner
    /// by UUID.
    pub(super) fn find(
        model: &Model,
        host: &str,
        table: &str,
        owner: Option<Uuid>,
    ) -> Result<Self, Status> {
        let unknown = |kind: &str, name: &str| {
            status::not_found(kind, name, Some(kind), format_args!("{kind} {name:?} not found"))
        };
        let number = Table::ALL.into_iter().find(|known| known.name() == table);
        let number = number.map(Table::number).or_else(|| table.parse().ok());
        let owner = owner.map(|id| {
            find_owner(model, id).ok_or_else(|| {
                let id = id.to_string();
                status::not_found(
                    "object",
                    &id,
                    Some("owner"),
                    format_args!("nothing has the id {id}"),
                )
            })
        });
        Ok(Self {
            host: host::find(model, host).ok_or_else(|| unknown("host", host))?,
            table: match (table, number) {
                ("", _) => None,
                // 255 stands for all tables, and is none.
                (_, Some(number)) if number < 255 => Some(number),
                _ => return Err(unknown("table", table)),
            },
            owner: owner.transpose()?,
        })
    }

    pub(super) fn matches(&self, model: &Model, flow: &Flow) -> bool {
        self.table.is_none_or(|table| table == flow.table)
            && self.owner.is_none_or(|(id, key)| concerns(model, flow, id, key))
    }
}

/// The object with this UUID, and its key.
fn find_owner(model: &Model, id: Uuid) -> Option<(ResourceId, Key)> {
    let mut all = Kind::ALL.into_iter().map(|kind| ResourceId::new(kind, id));
    all.find_map(|id| match id {
        ResourceId::Rule(rule) => model.rule(rule).map(|(_, rule)| (id, rule.key)),
        id => model.resource(id).map(|resource| (id, resource.meta().key)),
    })
}

/// Whether a flow is there for an object, among others.
fn concerns(model: &Model, flow: &Flow, id: ResourceId, key: Key) -> bool {
    let cookie = Cookie(flow.cookie);
    let (owner, member) = (cookie.owner() == key, cookie.member() == key);
    match (cookie.kind(), id.kind()) {
        (Some(BlockKind::HostBase), Kind::Host) => owner,
        (Some(BlockKind::Vteps), Kind::Host) => member,
        (Some(BlockKind::Network | BlockKind::HostNetwork), Kind::Network) => owner,
        (Some(BlockKind::HostPort), Kind::Port) => owner,
        (Some(BlockKind::Profile), Kind::Profile)
        | (Some(BlockKind::GroupMembers), Kind::SecurityGroup)
        | (Some(BlockKind::AddressGroup), Kind::AddressGroup) => owner,
        // The sorts of flow that are there for more objects than their cookies name.
        (Some(BlockKind::Network), Kind::Port | Kind::SecurityGroup)
            if matches!(cookie.detail(), Some(Detail::ForwardFloating | Detail::MemberPair)) =>
        {
            is_among_causes(model, flow, id)
        }
        (Some(BlockKind::Profile), Kind::SecurityGroup | Kind::Rule) => {
            is_among_causes(model, flow, id)
        }
        (Some(BlockKind::GroupMembers), Kind::Profile) => member,
        (Some(BlockKind::Network), Kind::Port) => member,
        _ => false,
    }
}

fn is_among_causes(model: &Model, flow: &Flow, id: ResourceId) -> bool {
    explain(Cookie(flow.cookie), Some(&flow.matching), model)
        .is_ok_and(|explanation| explanation.owners.contains(&id))
}

/// Which flow is to be explained.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) cookie: Cookie,
    /// Known when the whole flow was given.
    pub(super) matching: Option<Match>,
}

impl Question {
    /// A cookie, or the text of a flow that has one.
    pub(super) fn parse(query: Option<Query>) -> Result<Self, Status> {
        match query {
            Some(Query::Cookie(cookie)) => Ok(Self { cookie: Cookie(cookie), matching: None }),
            Some(Query::Flow(text)) => Self::of_text(text.trim()),
            None => Err(status::invalid("query", "is required: a cookie or a flow")),
        }
    }

    fn of_text(text: &str) -> Result<Self, Status> {
        if let Some(cookie) = hexadecimal(text) {
            return Ok(Self { cookie, matching: None });
        }
        // What else there is of the line may be written in names of ports and tables that are
        // not known here: then its cookie has to do.
        let flow = text.parse::<Flow>();
        let cookie = text
            .split([',', ' '])
            .find_map(|item| item.strip_prefix("cookie="))
            .and_then(hexadecimal);
        match (cookie, flow) {
            (Some(cookie), flow) => {
                Ok(Self { cookie, matching: flow.ok().map(|flow| flow.matching) })
            }
            (None, Ok(_)) => Err(status::invalid("flow", "has no cookie: expected cookie=0x…")),
            (None, Err(error)) => Err(status::invalid("flow", format_args!("is no flow: {error}"))),
        }
    }
}

fn hexadecimal(text: &str) -> Option<Cookie> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok().map(Cookie)
}
