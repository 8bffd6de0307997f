//! The controller on its own: loopback, ports of the system's choice, no hosts.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use lab::{wait_for, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::api::Api;

/// How long it may take to come up, to end, or to say something.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A `weftd` with a store of its own. Dropping it kills it; when that is because a test panics,
/// its log is shown.
#[derive(Debug)]
pub struct Daemon {
    dir: TempDir,
    args: Vec<String>,
    env: Vec<(String, String)>,
    starts: u32,
    process: Option<Child>,
}

impl Daemon {
    /// Starts it with `args` beside those that keep it apart from everything else, and waits
    /// until it is ready.
    ///
    /// # Errors
    ///
    /// When it does not come up; the error has its log.
    pub fn start(args: &[&str]) -> Result<Self> {
        let mut daemon = Self::prepare(args, &[])?;
        daemon.start_again()?;
        Ok(daemon)
    }

    /// As [`start`](Self::start), but not started yet and with variables in its environment.
    ///
    /// # Errors
    ///
    /// When there is no place for its store.
    pub fn prepare(args: &[&str], env: &[(&str, &str)]) -> Result<Self> {
        let owned = |text: &&str| (*text).to_owned();
        Ok(Self {
            dir: TempDir::new()?,
            args: args.iter().map(owned).collect(),
            env: env.iter().map(|(name, value)| (owned(name), owned(value))).collect(),
            starts: 0,
            process: None,
        })
    }

    /// Starts it on the same store after [`kill`](Self::kill) or [`stop`](Self::stop).
    ///
    /// # Errors
    ///
    /// When it does not come up; the error has its log.
    pub fn start_again(&mut self) -> Result<()> {
        if self.process.is_some() {
            bail!("weftd is running already");
        }
        self.starts += 1;
        let log = File::create(self.log_file())?;
        let mut command = Command::new(lab::binary("weftd")?);
        command.arg("--data-dir").arg(self.dir.path().join("data"));
        for listener in ["openflow", "ovsdb", "metrics"] {
            command.args([&format!("--{listener}-listen"), "127.0.0.1:0"]);
        }
        command.args(["--grpc-listen", &self.server()]).args(&self.args);
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let mut process = command.spawn().context("cannot start weftd")?;
        let mut early_end = None;
        let ready = wait_until("weftd to be ready", TIMEOUT, || {
            early_end = process.try_wait().ok().flatten();
            early_end.is_some() || Api::connect(&self.server()).is_ok()
        });
        self.process = Some(process);
        if let Some(status) = early_end {
            bail!("weftd ended at once, {status}: {}", self.log());
        }
        ready.with_context(|| self.log())
    }

    /// Runs it to its end with these arguments and nothing else; how it ended and what it said.
    ///
    /// # Errors
    ///
    /// When it cannot be started.
    pub fn run(args: &[&str]) -> Result<(ExitStatus, String)> {
        let output = lab::output(Command::new(lab::binary("weftd")?).args(args))?;
        let said = [output.stdout, output.stderr].concat();
        Ok((output.status, String::from_utf8_lossy(&said).into_owned()))
    }

    /// A connection to its API.
    ///
    /// # Errors
    ///
    /// When it does not answer.
    pub fn api(&self) -> Result<Api> {
        Api::connect(&self.server())
    }

    /// What `weft --server` takes.
    pub fn server(&self) -> String {
        format!("unix:{}", self.dir.path().join("weftd.sock").display())
    }

    /// The directory that holds its store and its socket, for what a test adds.
    pub fn dir(&self) -> PathBuf {
        self.dir.path().to_owned()
    }

    /// Where it says in its log that it listens for `what`.
    ///
    /// # Errors
    ///
    /// When it says nothing of the kind.
    pub fn listener(&self, what: &str) -> Result<SocketAddr> {
        let log = self.log();
        let line = log.lines().find(|line| line.contains(&format!("listening for {what}")));
        let line = line.with_context(|| format!("no listener for {what} in {log}"))?;
        let address = line.split("address=").nth(1).and_then(|rest| rest.split(' ').next());
        address.and_then(|text| text.parse().ok()).with_context(|| format!("no address in {line}"))
    }

    /// What `/metrics` says of a counter or gauge with these labels (`name{label="value"}`); 0 when
    /// it says nothing.
    ///
    /// # Errors
    ///
    /// When metrics are not served.
    pub fn metric(&self, name: &str) -> Result<f64> {
        let mut stream = TcpStream::connect(self.listener("metrics")?)?;
        stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: weftd\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let value = answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Ok(value.map_or(Ok(0.0), str::parse)?)
    }

    /// What it has logged since its last start.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// Waits until the log has a line with all of `words`, and returns that line.
    ///
    /// # Errors
    ///
    /// When it has none in time; the error has the log.
    pub fn wait_for_log(&self, words: &[&str]) -> Result<String> {
        let line = || {
            let log = self.log();
            let mut lines = log.lines();
            lines.find(|line| words.iter().all(|word| line.contains(word))).map(str::to_owned)
        };
        wait_for(&format!("{words:?} in the log"), TIMEOUT, line).with_context(|| self.log())
    }

    /// Kills it (SIGKILL).
    ///
    /// # Errors
    ///
    /// When it is not running.
    pub fn kill(&mut self) -> Result<()> {
        let mut process = self.process.take().context("weftd is not running")?;
        process.kill()?;
        process.wait()?;
        Ok(())
    }

    /// Asks it to end (SIGTERM), and returns how it did.
    ///
    /// # Errors
    ///
    /// When it is not running, or does not end.
    pub fn stop(&mut self) -> Result<ExitStatus> {
        let mut process = self.process.take().context("weftd is not running")?;
        let pid = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.context("no process id")?, Signal::TERM)?;
        let ended = wait_for("weftd to end", TIMEOUT, || process.try_wait().ok().flatten());
        if ended.is_err() {
            process.kill()?;
            process.wait()?;
        }
        ended
    }

    /// Its process id; `None` when it is not running.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Child::id)
    }

    /// Whether it runs: false after a crash, too.
    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| matches!(process.try_wait(), Ok(None)))
    }

    fn log_file(&self) -> PathBuf {
        self.dir.path().join(format!("weftd-{}.log", self.starts))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- weftd's log\n{}---", self.log());
        }
        // It may have ended by itself, which is for the test to notice.
        let _ = self.kill();
    }
}
