use crate::compile::emit::set;
use crate::model::Direction;
use crate::pipeline::{Detail, Register, Table};
use openflow::Action;

/// The two sides of a port: what it sends, and what it gets.
///
/// The tables of one side are those of the other under other names.
#[derive(Debug)]
pub(super) struct Side {
    /// The direction of connections that begin on this side.
    pub(super) direction: Direction,
    /// The register with the port's key.
    pub(super) port: Register,
    pub(super) track: Table,
    pub(super) state: Table,
    pub(super) verdict: Table,
    pub(super) commit: Table,
    pub(super) committed: Table,
    /// Where a packet goes that may pass.
    pub(super) next: Table,
    pub(super) details: SideDetails,
}

/// The details of one side's flows, by what they are on both.
#[derive(Debug)]
pub(super) struct SideDetails {
    pub(super) miss: Detail,
    pub(super) neighbour: Detail,
    pub(super) dhcp: Detail,
    pub(super) stateless: Detail,
    pub(super) track: Detail,
    pub(super) other: Detail,
    pub(super) invalid: Detail,
    pub(super) fragment: Detail,
    pub(super) reply: Detail,
    pub(super) related: Detail,
    pub(super) forward: Detail,
    pub(super) untracked: Detail,
    pub(super) first_fragment: Detail,
    pub(super) allowed: Detail,
    pub(super) verdict_miss: Detail,
    pub(super) commit: Detail,
    pub(super) commit_miss: Detail,
    pub(super) uncommitted: Detail,
    pub(super) committed: Detail,
    pub(super) port: Detail,
    pub(super) port_off: Detail,
    pub(super) port_new: Detail,
    pub(super) port_denied: Detail,
}

impl Side {
    /// Both.
    pub(super) const ALL: [Self; 2] = [EGRESS, INGRESS];
}

pub(super) const EGRESS: Side = Side {
    direction: Direction::Egress,
    port: Register::SOURCE_PORT,
    track: Table::EgressTrack,
    state: Table::EgressState,
    verdict: Table::EgressVerdict,
    commit: Table::EgressCommit,
    committed: Table::EgressCommitted,
    next: Table::ForwardLocal,
    details: SideDetails {
        miss: Detail::EgressMiss,
        neighbour: Detail::EgressNeighbour,
        dhcp: Detail::EgressDhcp,
        stateless: Detail::EgressStateless,
        track: Detail::EgressTrack,
        other: Detail::EgressOther,
        invalid: Detail::EgressInvalid,
        fragment: Detail::EgressFragment,
        reply: Detail::EgressReply,
        related: Detail::EgressRelated,
        forward: Detail::EgressForward,
        untracked: Detail::EgressUntracked,
        first_fragment: Detail::EgressFirstFragment,
        allowed: Detail::EgressAllowed,
        verdict_miss: Detail::EgressVerdictMiss,
        commit: Detail::EgressCommit,
        commit_miss: Detail::EgressCommitMiss,
        uncommitted: Detail::EgressUncommitted,
        committed: Detail::EgressCommitted,
        port: Detail::Egress,
        port_off: Detail::EgressOff,
        port_new: Detail::EgressNew,
        port_denied: Detail::EgressDenied,
    },
};

pub(super) const INGRESS: Side = Side {
    direction: Direction::Ingress,
    port: Register::DESTINATION_PORT,
    track: Table::IngressTrack,
    state: Table::IngressState,
    verdict: Table::IngressVerdict,
    commit: Table::IngressCommit,
    committed: Table::IngressCommitted,
    next: Table::Output,
    details: SideDetails {
        miss: Detail::IngressMiss,
        neighbour: Detail::IngressNeighbour,
        dhcp: Detail::IngressDhcp,
        stateless: Detail::IngressStateless,
        track: Detail::IngressTrack,
        other: Detail::IngressOther,
        invalid: Detail::IngressInvalid,
        fragment: Detail::IngressFragment,
        reply: Detail::IngressReply,
        related: Detail::IngressRelated,
        forward: Detail::IngressForward,
        untracked: Detail::IngressUntracked,
        first_fragment: Detail::IngressFirstFragment,
        allowed: Detail::IngressAllowed,
        verdict_miss: Detail::IngressVerdictMiss,
        commit: Detail::IngressCommit,
        commit_miss: Detail::IngressCommitMiss,
        uncommitted: Detail::IngressUncommitted,
        committed: Detail::IngressCommitted,
        port: Detail::Ingress,
        port_off: Detail::IngressOff,
        port_new: Detail::IngressNew,
        port_denied: Detail::IngressDenied,
    },
};

/// What a packet is judged by: [`Register::JUDGED`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Judged {
    /// Which rules: those about connections that began in this direction.
    pub(super) direction: Direction,
    /// By what of the packet.
    pub(super) by: By,
}

/// What of a packet rules are compared with.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum By {
    /// Its own headers.
    Headers,
    /// The addresses and ports that its connection began with.
    Connection,
}

impl Judged {
    /// The register's value.
    pub(super) const fn number(self) -> u32 {
        match (self.by, self.direction) {
            (By::Headers, Direction::Egress) => 1,
            (By::Headers, Direction::Ingress) => 2,
            (By::Connection, Direction::Egress) => 3,
            (By::Connection, Direction::Ingress) => 4,
        }
    }

    /// Has the packet judged for the port whose key is in `port`, and comes back with the verdict
    /// in [`Register::ALLOWED`]. Nothing else is left of the question: what a packet carries through
    /// conntrack must not depend on by which rules it was judged.
    pub(super) fn ask(self, port: Register) -> Vec<Action> {
        vec![
            set(Register::JUDGED, self.number()),
            Action::move_field(port.field, Register::JUDGED_PORT.field),
            set(Register::ALLOWED, 0),
            Action::resubmit(Table::Profile.number()),
            set(Register::JUDGED, 0),
            set(Register::JUDGED_PORT, 0),
            set(Register::PROFILE, 0),
        ]
    }
}
