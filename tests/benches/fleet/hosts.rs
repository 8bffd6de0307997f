//! Simulated hosts, all on one thread of this process.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::value::RawValue;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, LocalSet, spawn_local};
use tokio::time::sleep;
use topology::model::PortId;

use super::database::{Database, schema};
use super::flows::Catalogue;
use super::read_backs::ReadBacks;
use super::switch::{Receipt, Switch, connect};

/// Between attempts to connect.
const BACKOFF: Duration = Duration::from_secs(1);

/// Where the controller listens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Controller {
    pub(crate) openflow: SocketAddr,
    pub(crate) ovsdb: SocketAddr,
}

/// Hosts, numbered from 0.
pub(crate) struct Hosts {
    commands: mpsc::UnboundedSender<Command>,
    /// What switches have answered barriers to.
    pub(crate) receipts: mpsc::UnboundedReceiver<Receipt>,
    /// How many switches tell their flows.
    pub(crate) read_backs: Arc<ReadBacks>,
    faults: Faults,
}

/// What went wrong in ways that only a mistake explains.
type Faults = Arc<Mutex<Vec<String>>>;

/// What one host has, by the ports that are plugged into it.
pub(crate) type Plugged = BTreeMap<PortId, u32>;

enum Command {
    /// Both connections of a host.
    Connect(usize, Controller),
    Disconnect(usize),
    /// The switch has restarted: it has no flows.
    Empty(usize),
    Plug(usize, PortId, u32),
    Unplug(usize, PortId),
    /// How many flows the switches have, when all that was asked for before is done.
    Flows(oneshot::Sender<Vec<usize>>),
}

impl Hosts {
    /// Hosts with these interfaces, connected to nobody.
    pub(crate) fn start(plugged: Vec<Plugged>, read_backs: ReadBacks) -> Result<Self> {
        let (commands, received) = mpsc::unbounded_channel();
        let (sender, receipts) = mpsc::unbounded_channel();
        let faults = Faults::default();
        let (told, schema, read_backs) = (faults.clone(), schema()?, Arc::new(read_backs));
        let far_read_backs = read_backs.clone();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name("hosts".into()).spawn(move || {
            let hosts = Far::new(plugged, (schema, far_read_backs), &sender, told);
            runtime.block_on(LocalSet::new().run_until(hosts.serve(received)));
        })?;
        Ok(Self { commands, receipts, read_backs, faults })
    }

    /// The host connects as it does when it starts, at its own pace.
    pub(crate) fn connect(&self, host: usize, controller: Controller) -> Result<()> {
        self.order(Command::Connect(host, controller))
    }

    pub(crate) fn disconnect(&self, host: usize) -> Result<()> {
        self.order(Command::Disconnect(host))
    }

    pub(crate) fn empty(&self, host: usize) -> Result<()> {
        self.order(Command::Empty(host))
    }

    pub(crate) fn plug(&self, host: usize, port: PortId, number: u32) -> Result<()> {
        self.order(Command::Plug(host, port, number))
    }

    pub(crate) fn unplug(&self, host: usize, port: PortId) -> Result<()> {
        self.order(Command::Unplug(host, port))
    }

    /// How many flows each switch has. Fails when anything has gone wrong.
    pub(crate) fn flows(&self) -> Result<Vec<usize>> {
        let (reply, flows) = oneshot::channel();
        self.order(Command::Flows(reply))?;
        let flows = flows.blocking_recv()?;
        let faults = self.faults.lock().unwrap_or_else(PoisonError::into_inner);
        ensure!(faults.is_empty(), "{}", faults.join("; "));
        Ok(flows)
    }

    fn order(&self, command: Command) -> Result<()> {
        self.commands.send(command).ok().context("the hosts' thread has ended")
    }
}

/// The far side of the controller's connections.
struct Far {
    schema: Rc<RawValue>,
    read_backs: Arc<ReadBacks>,
    faults: Faults,
    hosts: Vec<Host>,
}

struct Host {
    switch: Rc<RefCell<Switch>>,
    database: Rc<RefCell<Database>>,
    connections: Vec<JoinHandle<()>>,
}

impl Far {
    fn new(
        plugged: Vec<Plugged>,
        (schema, read_backs): (Box<RawValue>, Arc<ReadBacks>),
        receipts: &mpsc::UnboundedSender<Receipt>,
        faults: Faults,
    ) -> Self {
        let catalogue = Rc::new(RefCell::new(Catalogue::default()));
        let host = |(number, plugged): (usize, Plugged)| {
            let datapath_id = 1 + number as u64;
            let switch = Switch::new(number, datapath_id, catalogue.clone(), receipts.clone());
            let database = Database::new(number, datapath_id, plugged);
            Host {
                switch: Rc::new(RefCell::new(switch)),
                database: Rc::new(RefCell::new(database)),
                connections: Vec::new(),
            }
        };
        let hosts = plugged.into_iter().enumerate().map(host).collect();
        Self { schema: schema.into(), read_backs, faults, hosts }
    }

    async fn serve(mut self, mut commands: mpsc::UnboundedReceiver<Command>) {
        while let Some(command) = commands.recv().await {
            match command {
                Command::Connect(host, controller) => self.connect(host, controller),
                Command::Disconnect(host) => {
                    self.hosts[host].connections.drain(..).for_each(|task| task.abort());
                }
                Command::Empty(host) => self.hosts[host].switch.borrow_mut().empty(),
                Command::Plug(host, port, number) => {
                    self.hosts[host].database.borrow_mut().plug(port, number);
                }
                Command::Unplug(host, port) => {
                    self.hosts[host].database.borrow_mut().unplug(port);
                }
                Command::Flows(reply) => {
                    let flows = self.hosts.iter().map(|host| host.switch.borrow().flows());
                    // Who asked waits.
                    let _ = reply.send(flows.collect());
                }
            }
        }
    }

    fn connect(&mut self, number: usize, controller: Controller) {
        let Controller { openflow, ovsdb } = controller;
        let host = &mut self.hosts[number];
        let (switch, database) = (host.switch.clone(), host.database.clone());
        let (schema, read_backs) = (self.schema.clone(), self.read_backs.clone());
        let by_openflow = async move || {
            let stream = connect(address(number), openflow).await?;
            Switch::serve(&switch, stream, &read_backs).await
        };
        let by_ovsdb = async move || {
            let stream = connect(address(number), ovsdb).await?;
            Database::serve(&database, stream, &schema, openflow).await
        };
        let (faults, other) = (self.faults.clone(), self.faults.clone());
        host.connections.push(spawn_local(persist(faults, by_openflow)));
        host.connections.push(spawn_local(persist(other, by_ovsdb)));
    }
}

/// Connects again whenever the connection has ended, as Open vSwitch's daemons do.
async fn persist(faults: Faults, serve: impl AsyncFn() -> Result<()>) {
    loop {
        note(&faults, serve().await);
        sleep(BACKOFF).await;
    }
}

/// That the controller ends, and its connections with it, is no fault.
fn note(faults: &Faults, end: Result<()>) {
    if let Err(error) = end
        && error.downcast_ref::<io::Error>().is_none()
    {
        faults.lock().unwrap_or_else(PoisonError::into_inner).push(format!("{error:#}"));
    }
}

/// Each host has an address of its own, as far as the controller's limits are concerned.
fn address(host: usize) -> SocketAddr {
    let [.., high, low] = (host as u32).to_be_bytes();
    (Ipv4Addr::new(127, 16, high, low), 0).into()
}
