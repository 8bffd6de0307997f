//! Long-running processes: started, signalled, waited for, never left behind.

use std::fs::OpenOptions;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use crate::command::line;
use crate::wait::wait_for;

/// A process of the lab. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
}

impl Process {
    /// Starts `command`, its output appended to `log`.
    ///
    /// It gets a process group of its own: Ctrl-C at the terminal reaches the lab, which then
    /// ends its processes in order.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let name = line(command);
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("cannot write {}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start `{name}`"))?;
        Ok(Self { name, child })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal, unless the process has ended already.
    pub(crate) fn signal(&mut self, signal: Signal) -> Result<()> {
        if self.child.try_wait()?.is_some() {
            return Ok(());
        }
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.with_context(|| format!("`{}` has no process id", self.name))?;
        kill_process(pid, signal).with_context(|| format!("cannot signal `{}`", self.name))
    }

    /// Its exit status, once it has ended.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Kills it (SIGKILL) and waits until it is gone.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.signal(Signal::KILL)?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to end (SIGTERM) and returns how it did.
    ///
    /// # Errors
    ///
    /// When it has not ended after `timeout`; it goes on running then.
    pub(crate) fn terminate(&mut self, timeout: Duration) -> Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        let what = format!("`{}` to end", self.name);
        wait_for(&what, timeout, || self.child.try_wait().ok().flatten())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nobody is left to tell; a process that is gone already is what was wanted.
        let _ = self.kill();
    }
}
