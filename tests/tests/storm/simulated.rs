//! Many hosts, on loopback: `benches/fleet.rs` says what they are.

use std::collections::BTreeMap;
use std::time::Duration;

use lab::wait_until;
use proto::v1 as pb;
use proto::v1::host::State;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tests::{Api, Daemon};

use super::hosts::{Controller, Hosts};
use super::process::peak;
use super::read_backs::ReadBacks;
use super::tenants::{Size, create};

/// Some 800 flows on each of 150 hosts.
const SIZE: Size = Size { hosts: 150, ports_per_host: 4, networks: 20 };

/// How many hosts may be read back at a time.
const AT_ONCE: usize = 5;

/// How long a switch takes to tell its flows: long enough for all others to be asked meanwhile, if
/// they were.
const TELLING: Duration = Duration::from_millis(50);

/// How long the whole fleet may take.
const ALL: Duration = Duration::from_secs(120);

/// How much more a storm may take than those before it.
const BOUND: u64 = 16 << 20;

struct Fleet {
    daemon: Daemon,
    api: Api,
    hosts: Hosts,
}

/// What the hosts have seen of a storm.
struct Seen {
    /// How often each was read back.
    read_backs: BTreeMap<usize, usize>,
    flow_mods: usize,
    /// The most that were read back at a time.
    at_once: usize,
}

impl Fleet {
    /// A model, and hosts that have not connected.
    fn prepare() -> Self {
        // Both ends of all connections but one are this process's and its child's.
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
        let daemon = Daemon::start(&["--parallel-read-backs", &AT_ONCE.to_string()]).unwrap();
        let api = daemon.api().unwrap();
        create(&api, SIZE).unwrap();
        let hosts = Hosts::start(SIZE.plugged(), ReadBacks::taking(TELLING)).unwrap();
        Self { daemon, api, hosts }
    }

    /// All hosts connect at once, and are ready.
    fn connect(&mut self) -> Seen {
        let [openflow, ovsdb] = ["OpenFlow", "OVSDB"].map(|it| self.daemon.listener(it).unwrap());
        for host in 0..SIZE.hosts {
            self.hosts.connect(host, Controller { openflow, ovsdb }).unwrap();
        }
        self.wait("all hosts to be ready", |state| state == State::Ready);
        // Each has done all that was asked of it before.
        self.hosts.flows().unwrap();
        let mut seen = Seen {
            read_backs: BTreeMap::new(),
            flow_mods: 0,
            at_once: self.hosts.read_backs.take_most(),
        };
        while let Ok(receipt) = self.hosts.receipts.try_recv() {
            *seen.read_backs.entry(receipt.host).or_default() += usize::from(receipt.read_back);
            seen.flow_mods += receipt.flow_mods;
        }
        seen
    }

    fn disconnect(&self) {
        for host in 0..SIZE.hosts {
            self.hosts.disconnect(host).unwrap();
        }
    }

    fn wait(&self, what: &str, wanted: impl Fn(State) -> bool) {
        let request = pb::ListHostsRequest { page_size: 1_000, ..Default::default() };
        let reached = || {
            let hosts = self.api.list_hosts(request.clone()).unwrap().hosts;
            hosts.len() == SIZE.hosts && hosts.iter().all(|host| wanted(host.state()))
        };
        wait_until(what, ALL, reached).unwrap();
    }

    /// The most memory that the controller had so far.
    fn peak(&self) -> u64 {
        peak(self.daemon.pid().unwrap()).unwrap()
    }
}

impl Seen {
    #[track_caller]
    fn assert_paced(&self) {
        assert_eq!(self.at_once, AT_ONCE, "so many were read back at a time");
        let once: BTreeMap<_, _> = (0..SIZE.hosts).map(|host| (host, 1)).collect();
        assert_eq!(self.read_backs, once, "each is read back once");
    }
}

#[test]
fn a_fleet_that_is_back_at_once_is_read_back_by_turns_and_sent_nothing() {
    let mut fleet = Fleet::prepare();
    let first = fleet.connect();
    first.assert_paced();
    let flows: usize = fleet.hosts.flows().unwrap().into_iter().sum();
    assert!(flows > 500 * SIZE.hosts, "{flows} flows");
    assert!(first.flow_mods >= flows, "{} flow-mods for {flows} flows", first.flow_mods);

    let mut most = Vec::new();
    for _ in 0..4 {
        fleet.disconnect();
        fleet.wait("all hosts to be away", |state| state == State::Offline);
        let again = fleet.connect();
        again.assert_paced();
        assert_eq!(again.flow_mods, 0, "nothing has changed");
        most.push(fleet.peak());
    }
    // The first storm is as large as any.
    assert!(most[3] < most[0] + BOUND, "each storm takes more memory: {most:?}");

    // The controller was away, and has not seen them go.
    fleet.daemon.kill().unwrap();
    fleet.disconnect();
    fleet.daemon.start_again().unwrap();
    fleet.daemon.wait_for_log(&["weftd: ready"]).unwrap();
    fleet.api = fleet.daemon.api().unwrap();
    let restarted = fleet.connect();
    restarted.assert_paced();
    assert_eq!(restarted.flow_mods, 0, "nothing has changed");
    assert!(fleet.peak() < most[0] + BOUND, "{} bytes after {most:?}", fleet.peak());
    assert_eq!(fleet.hosts.flows().unwrap().into_iter().sum::<usize>(), flows);
}
