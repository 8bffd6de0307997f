use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tracing::warn;

use super::{Bucket, SWEEP, holder};
use crate::clock;

/// Breaches of one kind from one address that are logged at once.
const LOG_BURST: f64 = 32.0;
/// Seconds between those that are logged after that.
const LOG_INTERVAL: f64 = 10.0;
/// Pairs of kind and address that are remembered for the log; breaches of more are only counted.
const MAX_LOGGED: usize = 4096;

/// What a peer speaks.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Protocol {
    /// OpenFlow: a switch.
    OpenFlow,
    /// OVSDB: a host's database.
    Ovsdb,
    /// gRPC: a client of the API.
    Grpc,
    /// HTTP: whoever fetches metrics.
    Metrics,
}

/// A limit that was met or a rule that was broken.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Breach {
    /// More connections than are served.
    Connections,
    /// More connections from one address than are served.
    AddressConnections,
    /// More new connections from one address than are looked at.
    ConnectionRate,
    /// A handshake that was not done in time, a replica that was not complete in time.
    Handshake,
    /// Silence, and no answer to a probe.
    Silent,
    /// Bytes that are not the protocol's.
    Malformed,
    /// A message that is too long or nested too deeply.
    MessageSize,
    /// A message that was begun and not finished in time.
    MessageTime,
    /// Answers, or requests of ours, that the peer leaves unread.
    Unread,
    /// A request of ours that was not answered in time.
    Unanswered,
    /// An answer to nothing that was asked.
    UnaskedReply,
    /// More flows, or more bytes of them, than are read back.
    ReadBack,
    /// More errors about one exchange than are kept.
    Errors,
    /// More messages that nobody asked for than are read; the connection was slowed down.
    UnaskedRate,
    /// A database with too many rows or bytes.
    Replica,
    /// A system-id that another connection, from another address, holds.
    SystemId,
    /// A switch that claims the datapath id of a host at another address.
    DatapathId,
    /// A host that may not register, or not so soon.
    Registration,
    /// What a host says of itself makes no sense, or is too long or too much to be taken in.
    Report,
    /// A tunnel address that is another host's.
    TunnelIp,
    /// An interface for a port that is requested on another host, or was moved too often.
    PortClaim,
}

/// Counts breaches, and logs them at a bounded rate. Clones share the account.
#[derive(Clone, Debug, Default)]
pub struct Breaches(Arc<Mutex<Account>>);

#[derive(Debug, Default)]
struct Account {
    counts: BTreeMap<(Protocol, Breach), u64>,
    logged: HashMap<(Breach, IpAddr), Logged>,
    /// When those were last looked through for some to be forgotten.
    swept: Option<Instant>,
}

#[derive(Debug)]
struct Logged {
    budget: Bucket,
    suppressed: u64,
}

impl Breaches {
    /// Counts a breach, and logs it with `reason` unless its peer has filled the log with such of
    /// late.
    pub fn record(
        &self,
        protocol: Protocol,
        breach: Breach,
        peer: IpAddr,
        what: &str,
        reason: &dyn fmt::Display,
    ) {
        let suppressed = {
            let mut account = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            account.record(protocol, breach, peer, clock::now())
        };
        match suppressed {
            None => {}
            Some(0) => warn!(breach = breach.name(), reason = %reason, "{what}"),
            Some(suppressed) => {
                warn!(breach = breach.name(), suppressed, reason = %reason, "{what}");
            }
        }
    }

    /// How often each happened that has happened.
    pub fn counts(&self) -> BTreeMap<(Protocol, Breach), u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).counts.clone()
    }
}

impl Account {
    /// How many were not logged before this one; `None` when this one is not to be either.
    fn record(
        &mut self,
        protocol: Protocol,
        breach: Breach,
        peer: IpAddr,
        now: Instant,
    ) -> Option<u64> {
        *self.counts.entry((protocol, breach)).or_default() += 1;
        let key = (breach, holder(peer));
        if self.logged.len() >= MAX_LOGGED && !self.logged.contains_key(&key) {
            if self.swept.is_none_or(|swept| now >= swept + SWEEP) {
                self.swept = Some(now);
                self.logged.retain(|_, logged| !logged.budget.is_full(now));
            }
            if self.logged.len() >= MAX_LOGGED {
                return None;
            }
        }
        let logged = self.logged.entry(key).or_insert_with(|| Logged {
            budget: Bucket::new(LOG_BURST, LOG_INTERVAL.recip(), now),
            suppressed: 0,
        });
        if logged.budget.take(now) {
            return Some(std::mem::take(&mut logged.suppressed));
        }
        logged.suppressed += 1;
        None
    }
}

impl Protocol {
    /// Its name in the log and in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenFlow => "openflow",
            Self::Ovsdb => "ovsdb",
            Self::Grpc => "grpc",
            Self::Metrics => "metrics",
        }
    }
}

impl Breach {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::Connections,
        Self::AddressConnections,
        Self::ConnectionRate,
        Self::Handshake,
        Self::Silent,
        Self::Malformed,
        Self::MessageSize,
        Self::MessageTime,
        Self::Unread,
        Self::Unanswered,
        Self::UnaskedReply,
        Self::ReadBack,
        Self::Errors,
        Self::UnaskedRate,
        Self::Replica,
        Self::SystemId,
        Self::DatapathId,
        Self::Registration,
        Self::Report,
        Self::TunnelIp,
        Self::PortClaim,
    ];

    /// Its name in the log and in metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::AddressConnections => "address_connections",
            Self::ConnectionRate => "connection_rate",
            Self::Handshake => "handshake",
            Self::Silent => "silent",
            Self::Malformed => "malformed",
            Self::MessageSize => "message_size",
            Self::MessageTime => "message_time",
            Self::Unread => "unread",
            Self::Unanswered => "unanswered",
            Self::UnaskedReply => "unasked_reply",
            Self::ReadBack => "read_back",
            Self::Errors => "errors",
            Self::UnaskedRate => "unasked_rate",
            Self::Replica => "replica",
            Self::SystemId => "system_id",
            Self::DatapathId => "datapath_id",
            Self::Registration => "registration",
            Self::Report => "report",
            Self::TunnelIp => "tunnel_ip",
            Self::PortClaim => "port_claim",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_flood_is_counted_whole_and_logged_in_part() {
        let mut account = Account::default();
        let peer = IpAddr::from([192, 0, 2, 1]);
        let now = Instant::now();
        let logged = |account: &mut Account, peer| {
            account.record(Protocol::Ovsdb, Breach::Malformed, peer, now)
        };
        let lines = (0..1000).filter(|_| logged(&mut account, peer) == Some(0)).count();
        assert_eq!(lines, 32);
        let other = IpAddr::from([192, 0, 2, 2]);
        assert_eq!(logged(&mut account, other), Some(0), "others have a budget of their own");
        let later = now + Duration::from_secs(10);
        let later = account.record(Protocol::Ovsdb, Breach::Malformed, peer, later);
        assert_eq!(later, Some(968));
        assert_eq!(account.counts[&(Protocol::Ovsdb, Breach::Malformed)], 1002);
    }

    #[test]
    fn addresses_do_not_fill_the_memory() {
        let mut account = Account::default();
        let now = Instant::now();
        for number in 0..100_000u32 {
            account.record(
                Protocol::OpenFlow,
                Breach::Silent,
                IpAddr::from(number.to_be_bytes()),
                now,
            );
        }
        assert_eq!(account.logged.len(), MAX_LOGGED);
        let later = now + Duration::from_secs(60);
        let peer = IpAddr::from([255, 0, 0, 1]);
        assert_eq!(account.record(Protocol::OpenFlow, Breach::Silent, peer, later), Some(0));
        assert_eq!(account.logged.len(), 1);
    }

    #[test]
    fn names_are_unique_and_complete() {
        let names: std::collections::BTreeSet<_> =
            Breach::ALL.iter().map(|breach| breach.name()).collect();
        assert_eq!(names.len(), Breach::ALL.len());
    }
}
