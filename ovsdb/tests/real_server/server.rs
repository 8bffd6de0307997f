//! An ovsdb-server with a database, sockets and files of its own.

use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::PATIENCE;

pub(crate) const SCHEMA: &str = "/usr/share/openvswitch/vswitch.ovsschema";

/// A running server; killed and its files removed when dropped.
pub(crate) struct Server {
    directory: TempDir,
    process: Option<Child>,
    port: u16,
}

impl Server {
    /// Starts a server whose database has only the root row.
    pub(crate) fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Self { directory, process: None, port };
        run(Command::new("ovsdb-tool").arg("create").arg(server.database()).arg(SCHEMA));
        server.resume();
        server.vsctl(&["init"]);
        server
    }

    /// Starts the server again after [`Server::stop`].
    pub(crate) fn resume(&mut self) {
        let path = |name: &str| self.directory.path().join(name).display().to_string();
        let process = Command::new("ovsdb-server")
            .env("OVS_RUNDIR", self.directory.path())
            .args(["--verbose=console:off", "--verbose=syslog:off"])
            .arg(self.database())
            .arg(format!("--remote=punix:{}", self.socket().display()))
            .arg(format!("--remote=ptcp:{}:127.0.0.1", self.port))
            .arg("--remote=db:Open_vSwitch,Open_vSwitch,manager_options")
            .arg(format!("--unixctl={}", path("ctl")))
            .arg(format!("--log-file={}", path("log")))
            .stdin(Stdio::null())
            .spawn()
            .expect("ovsdb-server (package openvswitch-switch) must be installed");
        self.process = Some(process);
        let start = Instant::now();
        while let Err(error) = UnixStream::connect(self.socket()) {
            let expected =
                matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused);
            assert!(expected && start.elapsed() < PATIENCE, "server does not come up: {error}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Kills the server, by signal 9.
    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Sends `signal` to the server.
    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.process.as_ref().expect("the server runs").id();
        run(Command::new("kill").arg(signal).arg(pid.to_string()));
    }

    /// What the log says next, once it does, for each of so many connections made by the server that
    /// have ended.
    pub(crate) fn said_after_connections(&self, count: usize) -> Vec<String> {
        let start = Instant::now();
        loop {
            let said = self.said_so_far();
            if said.len() >= count {
                return said;
            }
            assert!(start.elapsed() < PATIENCE, "of {count} connections: {said:#?}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn said_so_far(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.directory.path().join("log")).unwrap();
        let lines: Vec<_> = log.lines().filter(|line| line.contains("|reconnect|")).collect();
        let has_ended = |line: &str| {
            line.contains("|tcp:")
                && (line.contains(": connection closed") || line.contains(": connection dropped"))
        };
        let pairs = lines.windows(2).filter(|pair| has_ended(pair[0]));
        pairs.map(|pair| pair[1].to_owned()).collect()
    }

    /// Runs ovs-vsctl, which has to succeed; returns its output.
    pub(crate) fn vsctl(&self, arguments: &[&str]) -> String {
        let socket = format!("--db=unix:{}", self.socket().display());
        run(Command::new("ovs-vsctl").arg(socket).arg("--no-wait").args(arguments))
    }

    /// Changes the database while no server runs.
    pub(crate) fn transact_offline(&self, transaction: &str) -> String {
        assert!(self.process.is_none(), "the server runs");
        run(Command::new("ovsdb-tool").arg("transact").arg(self.database()).arg(transaction))
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.directory.path().join("socket")
    }

    /// The TCP port on 127.0.0.1.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    fn database(&self) -> PathBuf {
        Path::new(self.directory.path()).join("conf.db")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

#[track_caller]
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}: {errors}", output.status);
    String::from_utf8(output.stdout).unwrap()
}
