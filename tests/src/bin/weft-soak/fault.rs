//! What fails, and what somebody does who should not.

use std::fmt;
use std::time::Duration;

use anyhow::Result;
use lab::{Host, Nic, wait_until};
use proto::v1::host::State;
use tests::{Kind, Path, Scene};

use crate::dice::Dice;
use crate::phase::HOSTS;

/// How long what a fault does may take to be noticed.
const NOTICED: Duration = Duration::from_secs(40);

/// Something that goes wrong, on a host where it has one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// Nothing: the day is quiet.
    None,
    /// weftd is killed (SIGKILL).
    ControllerKilled,
    /// weftd is stopped and started.
    ControllerRestarted,
    /// weftd stands still (SIGSTOP) until switches give it up.
    ControllerFrozen,
    /// A network's link is cut.
    Cut(u16, Nic),
    /// ovs-vswitchd is killed.
    SwitchKilled(u16),
    /// ovs-vswitchd stands still until it is given up.
    SwitchFrozen(u16),
    /// ovsdb-server is killed.
    DatabaseKilled(u16),
    /// A table's flows are deleted.
    FlowsDeleted(u16, u8),
    /// A flow of somebody's is there that looks like one of ours.
    FlowAdded(u16),
    /// The tunnel port is deleted.
    TunnelDeleted(u16),
    /// br-int is told to do without a controller what it likes.
    FailModeChanged(u16),
}

/// Who may miss something.
#[derive(Clone, Debug)]
pub(crate) struct Excuse {
    pub(crate) host: u16,
    pub(crate) kinds: Vec<Kind>,
}

impl Excuse {
    /// Whether what goes that way may miss something.
    pub(crate) fn concerns(&self, path: &Path) -> bool {
        let name = format!("h{}", self.host);
        self.kinds.contains(&path.kind) && (path.from == name || path.to == name)
    }
}

impl Fault {
    pub(crate) fn roll(dice: &mut Dice) -> Self {
        let host = dice.pick(&HOSTS);
        match dice.below(14) {
            0 => Self::None,
            1 | 2 => Self::ControllerKilled,
            3 => Self::ControllerRestarted,
            4 => Self::ControllerFrozen,
            5 | 6 => Self::Cut(host, dice.pick(&[Nic::Management, Nic::Underlay, Nic::Provider])),
            7 | 8 => Self::SwitchKilled(host),
            9 => Self::SwitchFrozen(host),
            10 => Self::DatabaseKilled(host),
            11 => Self::FlowsDeleted(host, dice.pick(&[0, 10, 33, 60, 65, 90, 91, 100])),
            12 => Self::FlowAdded(host),
            _ => dice.pick(&[Self::TunnelDeleted(host), Self::FailModeChanged(host)]),
        }
    }

    /// Whom it takes what from.
    pub(crate) fn excuses(self) -> Option<Excuse> {
        let (tunnels, provider) = (vec![Kind::Vxlan], vec![Kind::Vlan(105), Kind::Flat]);
        let (host, kinds) = match self {
            Self::Cut(host, Nic::Underlay) | Self::TunnelDeleted(host) => (host, tunnels),
            Self::Cut(host, Nic::Provider) => (host, provider),
            // Open vSwitch stands still for a second when its database goes.
            Self::SwitchKilled(host)
            | Self::SwitchFrozen(host)
            | Self::DatabaseKilled(host)
            | Self::FlowsDeleted(host, _) => (host, [tunnels, provider].concat()),
            Self::None
            | Self::ControllerKilled
            | Self::ControllerRestarted
            | Self::ControllerFrozen
            | Self::Cut(_, Nic::Management)
            | Self::FlowAdded(_)
            | Self::FailModeChanged(_) => return None,
        };
        Some(Excuse { host, kinds })
    }

    /// The hosts whose Open vSwitch answers while it lasts.
    pub(crate) fn leaves(self) -> Vec<u16> {
        let away = match self {
            Self::SwitchKilled(host) | Self::SwitchFrozen(host) | Self::DatabaseKilled(host) => {
                Some(host)
            }
            _ => None,
        };
        HOSTS.into_iter().filter(|host| Some(*host) != away).collect()
    }

    /// Whether the controller answers while it lasts.
    pub(crate) fn leaves_controller(self) -> bool {
        !matches!(self, Self::ControllerKilled | Self::ControllerRestarted | Self::ControllerFrozen)
    }

    /// Lets it happen, until it has been noticed where somebody notices.
    pub(crate) fn strike(self, scene: &mut Scene) -> Result<()> {
        match self {
            Self::None => Ok(()),
            Self::ControllerKilled => scene.weftd.kill(),
            Self::ControllerRestarted => scene.weftd.stop(),
            Self::ControllerFrozen => {
                scene.weftd.pause()?;
                let hosts = scene.lab.hosts();
                let given_up = || hosts.iter().all(|host| !is_connected(host));
                wait_until("the controller to be given up", NOTICED, given_up)
            }
            Self::Cut(host, nic) => scene.host(host).cut(nic),
            Self::SwitchKilled(host) => scene.host(host).kill_vswitchd(),
            Self::SwitchFrozen(host) => {
                scene.host(host).pause_vswitchd()?;
                scene.wait_host(host, State::Offline)
            }
            Self::DatabaseKilled(host) => scene.host(host).kill_ovsdb_server(),
            Self::FlowsDeleted(host, table) => {
                let table = format!("table={table}");
                scene.host(host).ofctl(&["del-flows", "br-int", &table]).map(drop)
            }
            Self::FlowAdded(host) => {
                let cookie = scene.flows(host)?.first().map_or(0, |flow| flow.cookie);
                let flow =
                    format!("cookie={cookie:#x},table=0,priority=99,in_port=999,actions=drop");
                scene.host(host).ofctl(&["add-flow", "br-int", &flow]).map(drop)
            }
            Self::TunnelDeleted(host) => {
                scene.host(host).vsctl(&["del-port", "br-int", "weft-vxlan"]).map(drop)
            }
            Self::FailModeChanged(host) => {
                scene.host(host).vsctl(&["set-fail-mode", "br-int", "standalone"]).map(drop)
            }
        }
    }

    /// Ends what does not end by itself.
    pub(crate) fn mend(self, scene: &mut Scene) -> Result<()> {
        match self {
            Self::ControllerKilled | Self::ControllerRestarted => {
                scene.weftd.start_again()?;
                scene.reconnect()
            }
            Self::ControllerFrozen => scene.weftd.resume(),
            Self::Cut(host, nic) => scene.host(host).restore(nic),
            Self::SwitchKilled(host) => scene.host(host).start_vswitchd(),
            Self::SwitchFrozen(host) => scene.host(host).resume_vswitchd(),
            Self::DatabaseKilled(host) => scene.host(host).start_ovsdb_server(),
            Self::None
            | Self::FlowsDeleted(..)
            | Self::FlowAdded(_)
            | Self::TunnelDeleted(_)
            | Self::FailModeChanged(_) => Ok(()),
        }
    }
}

/// Whether a host's br-int has its controller.
fn is_connected(host: &Host) -> bool {
    let columns = ["--bare", "--columns=is_connected", "find", "Controller"];
    host.vsctl(&columns).is_ok_and(|text| text.trim() == "true")
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("no fault"),
            Self::ControllerKilled => f.write_str("controller killed"),
            Self::ControllerRestarted => f.write_str("controller restarted"),
            Self::ControllerFrozen => f.write_str("controller frozen"),
            Self::Cut(host, nic) => write!(f, "{nic:?} of h{host} cut"),
            Self::SwitchKilled(host) => write!(f, "ovs-vswitchd of h{host} killed"),
            Self::SwitchFrozen(host) => write!(f, "ovs-vswitchd of h{host} frozen"),
            Self::DatabaseKilled(host) => write!(f, "ovsdb-server of h{host} killed"),
            Self::FlowsDeleted(host, table) => write!(f, "table {table} of h{host} emptied"),
            Self::FlowAdded(host) => write!(f, "a flow added on h{host}"),
            Self::TunnelDeleted(host) => write!(f, "tunnel port of h{host} deleted"),
            Self::FailModeChanged(host) => write!(f, "fail_mode of h{host} changed"),
        }
    }
}
