//! A switch that speaks OpenFlow and carries no packets.
//!
//! It has what a controller can tell of Open vSwitch by its answers: flow tables with cookies,
//! strict and other deletes, meters, the configuration, flow statistics in parts, barriers, atomic
//! bundles (ONF extension 230), flow monitors (ONF extension 187) and errors. It is driven over any
//! stream, takes several connections at a time, and can be made to refuse flows.
//!
//! ```no_run
//! # async fn run(stream: tokio::net::TcpStream) {
//! let switch = sim::Switch::new(0x42);
//! switch.serve(stream).await;
//! # }
//! ```

mod agent;
mod serve;
mod tables;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use openflow::message::{ErrorCode, FlowMod, FlowUpdate, SwitchConfig};
use openflow::{Flow, FlowId, Meter};
use tokio::sync::Notify;

use self::tables::{Changes, Tables};

/// A switch. Clones are the same switch.
#[derive(Clone, Debug)]
pub struct Switch(Arc<Mutex<State>>);

/// What is wrong with a switch.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Faults {
    /// How many flows it takes; any number when `None`.
    pub capacity: Option<usize>,
    /// It refuses one flow in so many, always the same ones.
    pub refuses_one_in: Option<u64>,
}

/// What a controller has asked of a switch.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Asked {
    /// Flow-mods, those that were refused too.
    pub flow_mods: u64,
    /// Times that its flows were read.
    pub read_backs: u64,
    /// Conntrack zones that were to be flushed.
    pub flushes: u64,
}

#[derive(Debug)]
struct State {
    datapath_id: u64,
    tables: Tables,
    meters: BTreeMap<u32, Meter>,
    config: SwitchConfig,
    faults: Faults,
    asked: Asked,
    has_monitors: bool,
    /// By connection.
    monitors: BTreeMap<u64, Monitor>,
    /// By connection: what is said there and was not said yet.
    says: BTreeMap<u64, Says>,
    connections: u64,
}

/// A flow monitor, and what it has not told yet.
#[derive(Debug)]
struct Monitor {
    updates: Vec<FlowUpdate>,
    news: Arc<Notify>,
}

/// What goes through one connection beside answers.
#[derive(Debug)]
struct Says {
    frames: Vec<Bytes>,
    news: Arc<Notify>,
}

impl Switch {
    /// A switch without flows.
    pub fn new(datapath_id: u64) -> Self {
        Self(Arc::new(Mutex::new(State::new(datapath_id))))
    }

    /// A switch without flows, which knows of no flow monitors.
    pub fn without_monitor(datapath_id: u64) -> Self {
        let state = State { has_monitors: false, ..State::new(datapath_id) };
        Self(Arc::new(Mutex::new(state)))
    }

    /// The switch starts anew: nothing that it was told is left. Its connections have to be cut
    /// beside.
    pub fn restart(&self) {
        let mut state = self.lock();
        let State { datapath_id, faults, asked, has_monitors, connections, .. } = *state;
        let new = State::new(datapath_id);
        let says = std::mem::take(&mut state.says);
        *state = State { faults, asked, has_monitors, connections, says, ..new };
    }

    /// What is wrong with it from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.lock().faults = faults;
    }

    /// What it was asked since it was made.
    pub fn asked(&self) -> Asked {
        self.lock().asked
    }

    /// How many flows it has.
    pub fn len(&self) -> usize {
        self.lock().tables.len()
    }

    /// True when it has no flows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Its flows, in no particular order.
    pub fn flows(&self) -> Vec<Flow> {
        self.lock().tables.iter().cloned().collect()
    }

    /// Looks at a flow, `None` when there is none of this identity.
    pub fn look<T>(&self, id: &FlowId, look: impl FnOnce(Option<&Flow>) -> T) -> T {
        look(self.lock().tables.get(id))
    }

    /// Its meters.
    pub fn meters(&self) -> Vec<Meter> {
        self.lock().meters.values().cloned().collect()
    }

    /// Its configuration.
    pub fn config(&self) -> SwitchConfig {
        self.lock().config
    }

    /// Somebody else, on a connection of his own, changes flows.
    pub fn change_by_hand(&self, flow_mods: &[FlowMod]) {
        let mut state = self.lock();
        let mut changes = Changes::default();
        for flow_mod in flow_mods {
            state.tables.apply(flow_mod, &mut changes);
        }
        state.tell(None, &changes);
    }

    /// On every connection it says this, between two messages, whatever it is.
    pub fn say(&self, frame: &Bytes) {
        for says in self.lock().says.values_mut() {
            says.frames.push(frame.clone());
            says.news.notify_one();
        }
    }

    /// Somebody else deletes a meter.
    pub fn delete_meter_by_hand(&self, number: u32) {
        self.lock().meters.remove(&number);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn new(datapath_id: u64) -> Self {
        Self {
            datapath_id,
            tables: Tables::default(),
            meters: BTreeMap::new(),
            config: SwitchConfig { flags: 0, miss_send_len: 128 },
            faults: Faults::default(),
            asked: Asked::default(),
            has_monitors: true,
            monitors: BTreeMap::new(),
            says: BTreeMap::new(),
            connections: 0,
        }
    }

    /// Carries out flow-mods, all of them or none; the error is about the one at its place.
    fn carry_out(
        &mut self,
        flow_mods: &[(u32, FlowMod)],
        by: u64,
    ) -> Result<(), (usize, ErrorCode)> {
        self.asked.flow_mods += flow_mods.len() as u64;
        let mut changes = Changes::default();
        for (place, (_, flow_mod)) in flow_mods.iter().enumerate() {
            if let Some(error) = self.refusal(flow_mod) {
                self.tables.take_back(changes);
                return Err((place, error));
            }
            self.tables.apply(flow_mod, &mut changes);
        }
        self.tell(Some((by, flow_mods)), &changes);
        Ok(())
    }

    fn refusal(&self, flow_mod: &FlowMod) -> Option<ErrorCode> {
        let Faults { capacity, refuses_one_in } = self.faults;
        let is_refused = |one_in: u64| self.tables.adds(flow_mod) && chance(&flow_mod.flow, one_in);
        if capacity.is_some_and(|most| self.tables.len() >= most && self.tables.adds(flow_mod)) {
            Some(TABLE_FULL)
        } else if refuses_one_in.is_some_and(is_refused) {
            Some(BAD_ACTION_ARGUMENT)
        } else {
            None
        }
    }

    /// Lets monitors know of changes: those of one's own connection by the xids of its requests.
    fn tell(&mut self, by: Option<(u64, &[(u32, FlowMod)])>, changes: &Changes) {
        if changes.is_empty() {
            return;
        }
        for (connection, monitor) in &mut self.monitors {
            match by {
                Some((by, flow_mods)) if by == *connection => {
                    let own = flow_mods.iter().map(|&(xid, _)| FlowUpdate::Abbreviated { xid });
                    monitor.updates.extend(own);
                }
                _ => monitor.updates.extend(changes.updates()),
            }
            monitor.news.notify_one();
        }
    }
}

/// Whether a flow is one of those of which there is one in so many.
fn chance(flow: &Flow, one_in: u64) -> bool {
    use std::hash::{Hash as _, Hasher as _};

    let mut hasher = rustc_hash::FxHasher::default();
    flow.identity().hash(&mut hasher);
    hasher.finish().is_multiple_of(one_in)
}

/// `OFPFMFC_TABLE_FULL`.
const TABLE_FULL: ErrorCode = ErrorCode::standard(5, 1);
/// `OFPBAC_BAD_ARGUMENT`.
const BAD_ACTION_ARGUMENT: ErrorCode = ErrorCode::standard(2, 5);
