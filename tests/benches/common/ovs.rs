//! A real Open vSwitch of the benchmark's own: dummy datapath, everything in one directory that
//! goes with it, nothing that needs root.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use openflow::message::Message;
use openflow::session::{End, Event, Session};
use tempfile::TempDir;

const SCHEMA: &str = "/usr/share/openvswitch/vswitch.ovsschema";
/// How long a daemon may take to answer.
const START: Duration = Duration::from_secs(30);

/// A running switch with one bridge, `br0`, without ports.
pub(crate) struct Ovs {
    // They end in this order, before the directory goes.
    vswitchd: Daemon,
    _database: Daemon,
    directory: TempDir,
}

struct Daemon(Child);

impl Ovs {
    /// Starts a switch with this datapath id, whose controller listens at `controller`
    /// (`tcp:IP:PORT`).
    pub(crate) fn start(datapath_id: u64, controller: &str) -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("weft-bench").tempdir()?;
        let dir = directory.path();
        let (conf, db) = (dir.join("conf.db"), dir.join("db.sock"));
        run(command(dir, "ovsdb-tool").arg("create").arg(&conf).arg(SCHEMA))?;
        let remote = format!("--remote=punix:{}", db.display());
        let database = Daemon::start(command(dir, "ovsdb-server").arg(&conf).arg(remote))?;
        wait_for(&db)?;
        let db = format!("unix:{}", db.display());
        run(command(dir, "ovs-vsctl").args([&format!("--db={db}"), "--no-wait", "init"]))?;
        let mut vswitchd = command(dir, "ovs-vswitchd");
        vswitchd.args([&db, "--enable-dummy=override", "--disable-system"]);
        let vswitchd = Daemon::start(vswitchd.arg("--disable-system-route"))?;
        let bridge = "add-br br0 -- set bridge br0 datapath-type=dummy fail-mode=secure \
                      protocols=OpenFlow13 other-config:disable-in-band=true";
        let controller = format!(
            "-- set bridge br0 other-config:datapath-id={datapath_id:016x} -- set-controller br0 {controller} -- set controller br0 inactivity-probe=0 \
             max-backoff=1000"
        );
        let words = bridge.split_whitespace().chain(controller.split_whitespace());
        run(command(dir, "ovs-vsctl").arg(format!("--db={db}")).args(words))?;
        wait_for(&dir.join("br0.mgmt"))?;
        Ok(Self { vswitchd, _database: database, directory })
    }

    /// Runs `ovs-ofctl … br0 …` and forgets what it prints.
    pub(crate) fn ofctl(&self, command: &[&str], arguments: &[&Path]) -> Result<()> {
        let mut ofctl = self::command(self.directory.path(), "ovs-ofctl");
        ofctl.args(["-O", "OpenFlow13"]).args(command).arg(self.socket()).args(arguments);
        run(ofctl.stdout(Stdio::null()))
    }

    /// Sends encoded messages without a pause, and waits for a barrier behind them.
    pub(crate) fn stream(&self, messages: &[u8]) -> Result<()> {
        let mut stream = UnixStream::connect(self.socket())?;
        let mut session = Session::new(End::Controller, Instant::now());
        let mut input = vec![0; 64 << 10];
        let mut barrier = None;
        loop {
            while let Some(bytes) = session.poll_transmit() {
                stream.write_all(&bytes)?;
            }
            let length = stream.read(&mut input)?;
            ensure!(length > 0, "the switch has closed the connection");
            session.handle_input(&input[..length], Instant::now())?;
            while let Some(event) = session.poll_event() {
                match event {
                    Event::Ready(_) => {
                        barrier = Some(session.send(&Message::BarrierRequest)?);
                        let rest =
                            [messages, &*session.poll_transmit().unwrap_or_default()].concat();
                        // What it answers is read meanwhile: it takes nothing while much is unread.
                        let mut stream = stream.try_clone()?;
                        std::thread::spawn(move || stream.write_all(&rest));
                    }
                    Event::Reply { xid, .. } if Some(xid) == barrier => return Ok(()),
                    Event::Error { error, .. } => bail!("refused: {}", error.code),
                    _ => {}
                }
            }
        }
    }

    /// Writes a file beside the switch's own.
    pub(crate) fn file(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.directory.path().join(name);
        File::create(&path)?.write_all(text.as_bytes())?;
        Ok(path)
    }

    /// Processor time that ovs-vswitchd's main thread, which speaks OpenFlow, has used.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        cpu(&self.vswitchd.0.id().to_string())
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("br0.mgmt")
    }
}

/// Processor time that the main thread of a process has used: `/proc/PID/schedstat`.
pub(crate) fn cpu(process: &str) -> Result<Duration> {
    let path = format!("/proc/{process}/schedstat");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let first = text.split_whitespace().next().and_then(|number| number.parse().ok());
    Ok(Duration::from_nanos(first.with_context(|| format!("{path}: {text:?}"))?))
}

impl Daemon {
    fn start(command: &mut Command) -> Result<Self> {
        command.args(["--no-chdir", "--pidfile", "--log-file", "-vconsole:off", "-vfile:warn"]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        Ok(Self(child.with_context(|| format!("cannot start {:?}", command.get_program()))?))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It has nothing to lose: its directory goes next.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn command(directory: &Path, program: &str) -> Command {
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new(program);
    for variable in ["OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR", "OVS_SYSCONFDIR"] {
        command.env(variable, directory);
    }
    command.env("PATH", format!("{path}:/usr/sbin:/sbin")).stdin(Stdio::null());
    command
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?}: {}", said.trim());
    Ok(())
}

fn wait_for(socket: &Path) -> Result<()> {
    let start = Instant::now();
    while UnixStream::connect(socket).is_err() {
        ensure!(start.elapsed() < START, "nobody answers at {}", socket.display());
        sleep(Duration::from_millis(20));
    }
    Ok(())
}
