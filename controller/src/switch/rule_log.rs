use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use openflow::message::PacketIn;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use topology::cookie::{BlockKind, Cookie};
use topology::key::Key;
use topology::model::{HostId, Model};
use topology::pipeline::Register;
use tracing::{Instrument, info, warn};

use super::headers::Headers;
use crate::engine::Engine;

/// Reports that may wait to be logged; what comes while as many wait is counted and forgotten.
const WAITING: usize = 256;

/// Reports that are logged at a time: names are looked up once for all of them.
const BATCH: usize = 32;

/// Writes connections that match logged rules of security groups into the log, by the names that
/// tenants gave: what one switch reports.
///
/// The switch's meter keeps it to the configured rate. This end keeps to it, too, whatever the
/// switch does.
#[derive(Debug)]
pub(super) struct RuleLog {
    reports: mpsc::Sender<PacketIn>,
    lost: Arc<AtomicU64>,
    writer: AbortHandle,
}

impl RuleLog {
    /// The log of `host`'s switch, at most `rate` lines a second.
    pub(super) fn start(engine: Engine, host: HostId, rate: NonZeroU32) -> Self {
        let (reports, queue) = mpsc::channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let writer = write(engine, host, rate, queue, lost.clone()).in_current_span();
        Self { reports, lost, writer: tokio::spawn(writer).abort_handle() }
    }

    /// Takes what the switch reports. Never waits.
    pub(super) fn take(&self, report: PacketIn) {
        let is_rule = Cookie(report.cookie).kind() == Some(BlockKind::Profile);
        if is_rule && self.reports.try_send(report).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for RuleLog {
    fn drop(&mut self) {
        self.writer.abort();
    }
}

async fn write(
    engine: Engine,
    host: HostId,
    rate: NonZeroU32,
    mut queue: mpsc::Receiver<PacketIn>,
    lost: Arc<AtomicU64>,
) {
    let mut reports = Vec::with_capacity(BATCH);
    while queue.recv_many(&mut reports, BATCH).await > 0 {
        let count = reports.len();
        let batch = std::mem::take(&mut reports);
        let named = engine.read(move |view| {
            let host = view.model.host(host).map(|host| host.meta.name.clone());
            let named = batch.iter().filter_map(|report| Connection::named(view.model, report));
            (host.unwrap_or_default(), named.collect::<Vec<_>>())
        });
        let Ok((host, connections)) = named.await else { return };
        for connection in connections {
            connection.log(&host);
        }
        let lost = lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            warn!(host, lost, "more connections matched logged rules than are logged");
        }
        tokio::time::sleep(Duration::from_secs(count as u64) / rate.get()).await;
    }
}

/// A connection that a rule allowed, in tenants' words.
#[derive(Debug, Eq, PartialEq)]
struct Connection {
    project: String,
    port: String,
    port_id: String,
    group: String,
    rule: String,
    direction: &'static str,
    /// What the packet was that began it.
    packet: String,
}

impl Connection {
    /// Looks up what a switch reports; `None` when the rule or the port is gone, or the report
    /// makes no sense.
    fn named(model: &Model, report: &PacketIn) -> Option<Self> {
        let register = |register: Register| {
            let oxm = report.matching.field(register.field)?;
            u32::try_from(oxm.value).ok()
        };
        let (direction, port) = match register(Register::JUDGED)? {
            1 => ("egress", Register::SOURCE_PORT),
            2 => ("ingress", Register::DESTINATION_PORT),
            _ => return None,
        };
        let port = model.port_by_key(Key::new(register(port)?)?)?;
        let (group, rule) = model.rule_by_key(Cookie(report.cookie).member())?;
        let project = model.project(port.project)?;
        Some(Self {
            project: project.meta.name.clone(),
            port: port.meta.name.clone(),
            port_id: port.id.to_string(),
            group: group.meta.name.clone(),
            rule: rule.id.to_string(),
            direction,
            packet: Headers::of(&report.packet)?.to_string(),
        })
    }

    fn log(&self, host: &str) {
        let Self { project, port, port_id, group, rule, direction, packet } = self;
        info!(
            project, port, %port_id, security_group = group, %rule, direction, packet, host,
            "connection allowed by a logged rule"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use bytes::Bytes;
    use openflow::Match;
    use topology::model::{
        Change, Direction, Ethertype, Port, Project, ProjectId, Resource, Rule, RuleId,
        SecurityGroup, SecurityGroupId, Traffic,
    };
    use topology::pipeline::Detail;
    use uuid::Uuid;

    use super::*;
    use crate::fixture;

    /// Project acme has port web-1 (key 7) in group web, whose rule (key 5) is logged.
    fn model() -> Model {
        let (project, group) = (ProjectId(Uuid::from_u128(1)), SecurityGroupId(Uuid::from_u128(2)));
        let rule = Rule {
            id: RuleId(Uuid::from_u128(5)),
            key: Key::new(5).unwrap(),
            description: String::new(),
            allows: Traffic::any(Direction::Ingress, Ethertype::Ipv4),
            log: true,
        };
        let port =
            Port { project, security_groups: BTreeSet::from([group]), ..fixture::port(7, "web-1") };
        let group = SecurityGroup {
            id: group,
            meta: fixture::meta(2, "web"),
            project,
            stateful: true,
            default: false,
            rules: vec![rule],
        };
        let mut model = Model::new();
        for resource in [
            Resource::Project(Project { id: project, meta: fixture::meta(1, "acme") }.into()),
            Resource::SecurityGroup(group.into()),
            Resource::Port(port.into()),
        ] {
            model.apply(&Change::Put(resource));
        }
        model
    }

    fn report(judged: u32, rule: u32) -> PacketIn {
        let key = |number| Key::new(number).unwrap();
        let mut packet = vec![0; 12];
        packet.extend([8, 0, 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 5, 10, 0, 0, 6]);
        packet.extend([0x9c, 0x40, 1, 0xbb]);
        PacketIn {
            buffer_id: u32::MAX,
            total_len: 54,
            reason: 1,
            table: 100,
            cookie: Cookie::new(Detail::RuleLogged, key(4), key(rule)).0,
            matching: Match::new()
                .with(Register::JUDGED.field, judged)
                .with(Register::SOURCE_PORT.field, 9u32)
                .with(Register::DESTINATION_PORT.field, 7u32),
            packet: Bytes::from(packet),
        }
    }

    #[test]
    fn a_connection_is_told_in_tenants_words() {
        let model = model();
        let told = Connection::named(&model, &report(2, 5)).unwrap();
        assert_eq!([&*told.project, &*told.port, &*told.group], ["acme", "web-1", "web"]);
        assert_eq!(told.direction, "ingress");
        assert_eq!(told.packet, "tcp 10.0.0.5:40000 > 10.0.0.6:443");
        assert_eq!(told.rule, RuleId(Uuid::from_u128(5)).to_string());
        // The sender's port is one that is gone, as is the rule; nothing is judged as 3.
        for (judged, rule) in [(1, 5), (2, 6), (3, 5)] {
            assert_eq!(Connection::named(&model, &report(judged, rule)), None);
        }
    }

    #[tokio::test]
    async fn a_flood_of_reports_is_counted_and_not_kept() {
        let (reports, mut queue) = mpsc::channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let writer = tokio::spawn(std::future::pending::<()>()).abort_handle();
        let log = RuleLog { reports, lost: lost.clone(), writer };
        for _ in 0..10_000 {
            log.take(report(2, 5));
        }
        log.take(PacketIn { cookie: 7, ..report(2, 5) });
        assert_eq!(lost.load(Ordering::Relaxed), 10_000 - WAITING as u64);
        let mut waiting = Vec::new();
        assert_eq!(queue.recv_many(&mut waiting, 10_000).await, WAITING);
    }
}
