//! `weft-lab exec`: a command inside the lab.

use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;
use lab::LabId;

/// Where to run what.
#[derive(Args, Debug)]
pub(crate) struct Exec {
    /// Which lab, as `weft-lab status` names it; needed where there are several
    #[arg(long)]
    lab: Option<String>,
    /// The node: h1, vm1, st1, controller or fabric, as `weft-lab status` lists them
    node: String,
    /// The command; on h1, Open vSwitch's tools find that host's daemons
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
}

impl Exec {
    /// Runs the command and ends as it ends.
    pub(crate) fn run(self) -> Result<ExitCode> {
        let lab = self.lab()?;
        let mut command = self.command_in(&lab)?;
        let dir = lab.run_dir().join(&self.node);
        if dir.join("conf.db").exists() {
            for variable in ["OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR", "OVS_SYSCONFDIR"] {
                command.env(variable, &dir);
            }
        }
        let status = command.status().with_context(|| format!("cannot run {:?}", self.command))?;
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
    }

    fn lab(&self) -> Result<LabId> {
        if let Some(name) = &self.lab {
            return LabId::find(name);
        }
        let mut labs = lab::labs()?;
        match (labs.pop(), labs.is_empty()) {
            (None, _) => bail!("no lab is up: `weft-lab up` or `weft-lab demo --keep` starts one"),
            (Some(lab), true) => Ok(lab),
            (Some(_), false) => bail!("several labs are up: say which with --lab"),
        }
    }

    fn command_in(&self, lab: &LabId) -> Result<Command> {
        let nodes = lab.nodes()?;
        let Some((_, netns)) = nodes.iter().find(|(node, _)| *node == self.node) else {
            let mut names: Vec<_> = nodes.into_iter().map(|(node, _)| node).collect();
            names.sort_unstable();
            bail!("lab {lab} has no node {}; it has {}", self.node, names.join(", "));
        };
        let (program, args) = self.command.split_first().context("no command given")?;
        let mut command = netns.command(program);
        command.args(args);
        Ok(command)
    }
}
