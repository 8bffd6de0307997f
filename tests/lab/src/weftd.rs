//! The controller under test, as a process.

use std::ffi::OsString;
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use serde_json::Value;

use crate::command::{output, run};
use crate::netns::Netns;
use crate::process::Process;
use crate::wait::wait_until;

/// How long weftd may take until it answers, and to end.
const TIMEOUT: Duration = Duration::from_secs(20);

/// How much of the log a failing test shows.
const TAIL: usize = 60;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// How to start weftd, where it differs from what the lab does on its own.
#[derive(Clone, Debug, Default)]
pub struct WeftdOptions {
    /// Where it keeps its store; a fresh directory when unset.
    pub data_dir: Option<PathBuf>,
    /// Further arguments.
    pub args: Vec<OsString>,
    /// Variables to set in its environment.
    pub env: Vec<(OsString, OsString)>,
}

/// A weftd in the controller's namespace. Dropping it kills it; when that is because a test
/// panics, the end of its log is shown.
#[derive(Debug)]
pub struct Weftd {
    netns: Netns,
    socket: PathBuf,
    log: PathBuf,
    data_dir: PathBuf,
    options: WeftdOptions,
    process: Option<Process>,
}

impl Weftd {
    pub(crate) fn start(netns: Netns, run_dir: &Path, options: WeftdOptions) -> Result<Self> {
        let name = format!("weftd-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let mut weftd = Self {
            netns,
            socket: run_dir.join(format!("{name}.sock")),
            log: run_dir.join(format!("{name}.log")),
            data_dir: options.data_dir.clone().unwrap_or_else(|| run_dir.join(&name)),
            options,
            process: None,
        };
        weftd.start_again()?;
        Ok(weftd)
    }

    /// Starts it on the same store after [`kill`](Self::kill) or [`stop`](Self::stop), and waits
    /// until it answers.
    ///
    /// # Errors
    ///
    /// When it runs already, or does not answer within 20 seconds; the error holds its log.
    pub fn start_again(&mut self) -> Result<()> {
        if self.process.is_some() {
            bail!("weftd is running already");
        }
        let mut command = self.netns.command(binary("weftd")?);
        command.arg("--data-dir").arg(&self.data_dir);
        command.args(["--openflow-listen", "0.0.0.0:6633"]);
        command.args(["--openflow-listen", "0.0.0.0:6653"]);
        command.args(["--ovsdb-listen", "0.0.0.0:6640"]);
        command.args(["--grpc-listen", &self.server()]);
        command.args(&self.options.args);
        command.envs(self.options.env.iter().map(|(name, value)| (name, value)));
        let mut process = Process::start(&mut command, &self.log)?;

        let mut early_end = None;
        let answered = wait_until("weftd to answer", TIMEOUT, || {
            early_end = process.ended().ok().flatten();
            early_end.is_some() || UnixStream::connect(&self.socket).is_ok()
        });
        if let Some(status) = early_end {
            bail!("weftd ended at once, {status}; its log ends:\n{}", self.log_tail());
        }
        answered.with_context(|| format!("weftd's log ends:\n{}", self.log_tail()))?;
        self.process = Some(process);
        Ok(())
    }

    /// Kills it (SIGKILL).
    ///
    /// # Errors
    ///
    /// When it is not running.
    pub fn kill(&mut self) -> Result<()> {
        self.process.take().context("weftd is not running")?.kill()
    }

    /// Asks it to end (SIGTERM) and checks that it exits with 0.
    ///
    /// # Errors
    ///
    /// When it is not running, has ended with an error, or does not end within 20 seconds.
    pub fn stop(&mut self) -> Result<()> {
        let mut process = self.process.take().context("weftd is not running")?;
        let status = process.terminate(TIMEOUT)?;
        if !status.success() {
            bail!("weftd ended with {status}; its log ends:\n{}", self.log_tail());
        }
        Ok(())
    }

    /// Freezes it (SIGSTOP): its connections stay open and go silent.
    ///
    /// # Errors
    ///
    /// When it is not running.
    pub fn pause(&mut self) -> Result<()> {
        self.process.as_mut().context("weftd is not running")?.signal(Signal::STOP)
    }

    /// Lets it go on when it is frozen (SIGCONT).
    ///
    /// # Errors
    ///
    /// When it is not running.
    pub fn resume(&mut self) -> Result<()> {
        self.process.as_mut().context("weftd is not running")?.signal(Signal::CONT)
    }

    /// Whether it runs: false after a crash, too.
    pub fn is_running(&mut self) -> bool {
        self.process.as_mut().is_some_and(|process| matches!(process.ended(), Ok(None)))
    }

    /// Its process id, while it has not been stopped.
    pub fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::pid)
    }

    /// The socket that serves gRPC.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// What `weft --server` takes.
    pub fn server(&self) -> String {
        format!("unix:{}", self.socket.display())
    }

    /// Where it keeps its store.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Everything it has logged, over all its runs.
    ///
    /// # Errors
    ///
    /// When the log cannot be read.
    pub fn log(&self) -> Result<String> {
        fs::read_to_string(&self.log).with_context(|| format!("cannot read {}", self.log.display()))
    }

    /// Runs `weft` and returns what it answered, from `--output json`; null where it answered
    /// nothing.
    ///
    /// # Errors
    ///
    /// When `weft` fails (the error holds what it said) or does not answer JSON.
    pub fn weft(&self, args: &[&str]) -> Result<Value> {
        let text = run(self.command()?.args(["--output", "json"]).args(args))?;
        if text.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).with_context(|| format!("weft {args:?} answered {text:?}"))
    }

    /// Runs `weft` and returns what a person would see.
    ///
    /// # Errors
    ///
    /// When `weft` fails; the error holds what it said.
    pub fn weft_text(&self, args: &[&str]) -> Result<String> {
        run(self.command()?.args(args))
    }

    /// Runs `weft`, whatever comes of it.
    ///
    /// # Errors
    ///
    /// When `weft` cannot be started.
    pub fn weft_output(&self, args: &[&str]) -> Result<Output> {
        output(self.command()?.args(args))
    }

    fn command(&self) -> Result<Command> {
        let mut command = Command::new(binary("weft")?);
        command.arg("--server").arg(self.server());
        Ok(command)
    }

    fn log_tail(&self) -> String {
        let log = self.log().unwrap_or_else(|error| error.to_string());
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(TAIL)..].join("\n")
    }
}

impl Drop for Weftd {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("--- end of {}\n{}\n---", self.log.display(), self.log_tail());
        }
    }
}

/// A binary of the workspace: in `WEFT_BIN_DIR` where that is set, else beside this executable
/// (tests are one directory further down).
pub fn binary(name: &str) -> Result<PathBuf> {
    let dir = match std::env::var_os("WEFT_BIN_DIR") {
        Some(dir) => PathBuf::from(dir),
        None => {
            let own = std::env::current_exe().context("this executable has no path")?;
            let dir = own.parent().context("this executable is in no directory")?;
            if dir.ends_with("deps") { dir.join("..") } else { dir.to_owned() }
        }
    };
    let path = dir.join(name);
    if !path.is_file() {
        bail!("no {}: `cargo build --workspace` makes it", path.display());
    }
    Ok(path)
}
