//! One instance of Open vSwitch: an ovsdb-server, an ovs-vswitchd and a run directory.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;

use crate::backlog::{self, Overflows};
use crate::command::run;
use crate::netns::Netns;
use crate::process::Process;
use crate::wait::wait_until;

/// Where the distribution's packages put the schema.
const SCHEMA: &str = "/usr/share/openvswitch/vswitch.ovsschema";

/// How long a daemon may take to answer after its start.
const START: Duration = Duration::from_secs(15);

/// How long a daemon may take to end.
const END: Duration = Duration::from_secs(15);

/// Open vSwitch as one host runs it, apart from every other instance on the machine.
#[derive(Debug)]
pub struct Ovs {
    netns: Netns,
    dir: PathBuf,
    /// What the database has from the beginning.
    settings: Vec<String>,
    daemons: Mutex<Daemons>,
}

/// Either is `None` while it is down.
#[derive(Debug, Default)]
struct Daemons {
    ovsdb_server: Option<Process>,
    vswitchd: Option<Process>,
}

impl Ovs {
    /// Makes an empty database in `dir` and starts both daemons in `netns`.
    ///
    /// `settings` are further arguments of `ovs-vsctl set Open_vSwitch .`, in place before
    /// ovs-vswitchd reads its configuration for the first time.
    pub(crate) fn start(netns: Netns, dir: PathBuf, settings: &[String]) -> Result<Self> {
        fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
        let ovs = Self { netns, dir, settings: settings.to_vec(), daemons: Mutex::default() };
        ovs.make_database()?;
        ovs.start_vswitchd()?;
        Ok(ovs)
    }

    /// Makes an empty database and starts ovsdb-server on it.
    fn make_database(&self) -> Result<()> {
        run(Command::new("ovsdb-tool").arg("create").arg(self.file("conf.db")).arg(SCHEMA))?;
        self.start_ovsdb_server()?;
        let mut init = self.command("ovs-vsctl");
        init.args(["--no-wait", "init", "--", "set", "Open_vSwitch", "."]);
        init.args(["other_config:n-handler-threads=1", "other_config:n-revalidator-threads=1"]);
        init.arg(format!("ovs_version={}", version()?));
        run(init.args(&self.settings)).map(drop)
    }

    /// Replaces the database by one in which there is nothing but what the instance began with.
    /// ovs-vswitchd, if it runs, removes every bridge.
    pub(crate) fn replace_database(&self) -> Result<()> {
        let server = self.daemons().ovsdb_server.take();
        server.context("ovsdb-server is not running")?.terminate(END)?;
        let file = self.file("conf.db");
        fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))?;
        self.make_database()
    }

    /// The namespace its daemons run in.
    pub fn netns(&self) -> &Netns {
        &self.netns
    }

    /// Its run directory: database, sockets, logs.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A command that runs `program` beside this instance: in its namespace, with the variables
    /// by which Open vSwitch's tools find it.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.netns.command(program);
        for variable in ["OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR", "OVS_SYSCONFDIR"] {
            command.env(variable, &self.dir);
        }
        command
    }

    /// Runs `ovs-vsctl`; it waits until ovs-vswitchd has taken the change over.
    ///
    /// # Errors
    ///
    /// When it fails, or ovs-vswitchd has not answered within 15 seconds.
    pub fn vsctl(&self, args: &[&str]) -> Result<String> {
        run(self.command("ovs-vsctl").arg("--timeout=15").args(args))
    }

    /// Runs `ovs-ofctl`, speaking OpenFlow 1.3.
    ///
    /// # Errors
    ///
    /// When it fails.
    pub fn ofctl(&self, args: &[&str]) -> Result<String> {
        run(self.command("ovs-ofctl").args(["--protocols=OpenFlow13", "--timeout=60"]).args(args))
    }

    /// Runs `ovs-appctl` on ovs-vswitchd.
    ///
    /// # Errors
    ///
    /// When it fails.
    pub fn appctl(&self, args: &[&str]) -> Result<String> {
        run(self.command("ovs-appctl").arg("--timeout=15").args(args))
    }

    /// The bridge's flows, one a line, with counters that are up to date.
    ///
    /// # Errors
    ///
    /// When the bridge does not exist or ovs-vswitchd is down.
    pub fn dump_flows(&self, bridge: &str) -> Result<Vec<String>> {
        // Counters are gathered from the datapath by the revalidators, up to a second late.
        self.appctl(&["revalidator/wait"])?;
        let dump = self.ofctl(&["dump-flows", bridge])?;
        let flows = dump.lines().map(str::trim).filter(|line| line.starts_with("cookie="));
        Ok(flows.map(str::to_owned).collect())
    }

    /// Packets that the kernel has thrown away at each interface, since Open vSwitch opened it,
    /// because they were not read in time.
    ///
    /// # Errors
    ///
    /// When `ss` fails.
    pub fn overflows(&self) -> Result<Overflows> {
        backlog::overflows(&self.netns)
    }

    /// What ovs-vswitchd has counted since its start, by name: `datapath_drop_upcall_error`.
    /// What has not happened is left out.
    ///
    /// # Errors
    ///
    /// When it does not answer.
    pub fn coverage(&self) -> Result<BTreeMap<String, u64>> {
        let text = self.appctl(&["coverage/show"])?;
        let counter = |line: &str| {
            let (left, total) = line.split_once("total:")?;
            Some((left.split_whitespace().next()?.to_owned(), total.trim().parse().ok()?))
        };
        Ok(text.lines().filter_map(counter).collect())
    }

    /// The OpenFlow number of an interface, once ovs-vswitchd has given it one.
    ///
    /// # Errors
    ///
    /// When there is no such interface, or it could not be opened.
    pub fn ofport(&self, interface: &str) -> Result<u32> {
        let text = self.vsctl(&["get", "Interface", interface, "ofport"])?;
        let number: i64 = text.trim().parse().with_context(|| {
            format!("interface {interface} has no OpenFlow port number yet: {text:?}")
        })?;
        u32::try_from(number).with_context(|| format!("interface {interface} could not be opened"))
    }

    /// Kills ovs-vswitchd (SIGKILL): its flows are gone, its bridges' local ports remain.
    ///
    /// # Errors
    ///
    /// When it is not running.
    pub fn kill_vswitchd(&self) -> Result<()> {
        self.daemons().vswitchd.take().context("ovs-vswitchd is not running")?.kill()
    }

    /// Starts ovs-vswitchd and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it runs already, or does not come up.
    pub fn start_vswitchd(&self) -> Result<()> {
        let mut daemons = self.daemons();
        if daemons.vswitchd.is_some() {
            bail!("ovs-vswitchd is running already");
        }
        let mut command = self.command("ovs-vswitchd");
        command.arg(format!("unix:{}", self.file("db.sock").display()));
        daemons.vswitchd = Some(self.daemon(command, "ovs-vswitchd")?);
        Ok(())
    }

    /// Stops ovs-vswitchd with a signal it can act on (SIGTERM).
    ///
    /// # Errors
    ///
    /// When it is not running, or does not end.
    pub fn stop_vswitchd(&self) -> Result<()> {
        let vswitchd = self.daemons().vswitchd.take();
        vswitchd.context("ovs-vswitchd is not running")?.terminate(END).map(drop)
    }

    /// Freezes ovs-vswitchd (SIGSTOP): its connections stay open and go silent.
    ///
    /// # Errors
    ///
    /// When it is not running.
    pub fn pause_vswitchd(&self) -> Result<()> {
        self.signal_vswitchd(Signal::STOP)
    }

    /// Lets a frozen ovs-vswitchd go on (SIGCONT).
    ///
    /// # Errors
    ///
    /// When it is not running.
    pub fn resume_vswitchd(&self) -> Result<()> {
        self.signal_vswitchd(Signal::CONT)
    }

    /// Kills ovsdb-server (SIGKILL); the database file remains.
    ///
    /// # Errors
    ///
    /// When it is not running.
    pub fn kill_ovsdb_server(&self) -> Result<()> {
        self.daemons().ovsdb_server.take().context("ovsdb-server is not running")?.kill()
    }

    /// Starts ovsdb-server on the database as it is, and waits until it answers.
    ///
    /// # Errors
    ///
    /// When it runs already, or does not come up.
    pub fn start_ovsdb_server(&self) -> Result<()> {
        let mut daemons = self.daemons();
        if daemons.ovsdb_server.is_some() {
            bail!("ovsdb-server is running already");
        }
        let mut command = self.command("ovsdb-server");
        command.arg(self.file("conf.db"));
        command.arg(format!("--remote=punix:{}", self.file("db.sock").display()));
        command.arg("--remote=db:Open_vSwitch,Open_vSwitch,manager_options");
        daemons.ovsdb_server = Some(self.daemon(command, "ovsdb-server")?);
        Ok(())
    }

    /// Stops ovsdb-server (SIGTERM) and starts it again.
    ///
    /// # Errors
    ///
    /// When it is not running, does not end, or does not come up again.
    pub fn restart_ovsdb_server(&self) -> Result<()> {
        let server = self.daemons().ovsdb_server.take();
        server.context("ovsdb-server is not running")?.terminate(END)?;
        self.start_ovsdb_server()
    }

    fn signal_vswitchd(&self, signal: Signal) -> Result<()> {
        let mut daemons = self.daemons();
        daemons.vswitchd.as_mut().context("ovs-vswitchd is not running")?.signal(signal)
    }

    /// Starts a daemon and waits until it answers on its control socket.
    ///
    /// The pid file is what `ovs-appctl` finds the control socket by. A daemon of the same name
    /// that was killed leaves both behind; `Process::kill` has waited for its end, so nobody
    /// holds the file's lock.
    fn daemon(&self, mut command: Command, name: &str) -> Result<Process> {
        command.args(["--pidfile", "-vconsole:emer"]);
        command.arg(format!("--log-file={}", self.file(&format!("{name}.log")).display()));
        let mut process = Process::start(&mut command, &self.file(&format!("{name}.out")))?;
        let control = self.file(&format!("{name}.{}.ctl", process.pid()));
        let mut early_end = None;
        wait_until(&format!("{name} to answer"), START, || {
            early_end = process.ended().ok().flatten();
            early_end.is_some() || UnixStream::connect(&control).is_ok()
        })?;
        if let Some(status) = early_end {
            let said = fs::read_to_string(self.file(&format!("{name}.out"))).unwrap_or_default();
            bail!("{name} ended at once, {status}: {}", said.trim());
        }
        Ok(process)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn daemons(&self) -> MutexGuard<'_, Daemons> {
        // A test that panicked while it held the lock leaves plain process handles behind.
        self.daemons.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The version of Open vSwitch, which the distribution's start script writes into the database.
fn version() -> Result<String> {
    // "ovs-vswitchd (Open vSwitch) 3.1.0", then other libraries' versions.
    let text = run(Command::new("ovs-vswitchd").arg("--version"))?;
    let word = text.lines().next().and_then(|line| line.split_whitespace().next_back());
    word.map(str::to_owned).with_context(|| format!("no version in {text:?}"))
}

impl Drop for Ovs {
    fn drop(&mut self) {
        let daemons = self.daemons.get_mut().unwrap_or_else(PoisonError::into_inner);
        // ovs-vswitchd first: it would log the loss of its database.
        daemons.vswitchd = None;
        daemons.ovsdb_server = None;
    }
}
