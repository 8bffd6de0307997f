//! `weft`: the operator's command line for the Weft controller.
//!
//! One file per resource holds its grammar, how it becomes a request, and the
//! columns of its table. What all resources share is written once: `resource`
//! (the standard methods), `session` (names to objects, list, show, delete),
//! `print` (tables and JSON), `failure` (errors and exit codes).

use std::io::{ErrorKind, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

use crate::args::{Cli, Command};
use crate::failure::Failure;
use crate::print::Printer;
use crate::session::Session;

mod address_group;
mod apply;
mod args;
mod change;
mod failure;
mod fields;
mod flow;
mod group;
mod host;
mod network;
mod openflow;
mod parse;
mod port;
mod print;
mod project;
mod resource;
mod secgroup;
mod session;
mod subnet;
mod watch;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let output = cli.output;
    let Err(failure) = run(cli) else { return ExitCode::SUCCESS };
    if matches!(&failure, Failure::Output(error) if error.kind() == ErrorKind::BrokenPipe) {
        // The reader has what it wanted: `weft port list | head`.
        return ExitCode::SUCCESS;
    }
    // If even standard error is closed, the exit code is all that is left to say.
    let _ = writeln!(std::io::stderr(), "{}", failure.report().text(output));
    ExitCode::from(failure.exit_code())
}

fn run(cli: Cli) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    if let Command::Completions { shell } = cli.command {
        out.write_all(&args::completions(shell))?;
        return Ok(());
    }
    if let Command::Openflow(command) = cli.command {
        return command.run(cli.output, &mut out);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let printer = Printer::new(cli.output, &mut out);
        let mut session = Session::connect(&cli.server, printer).await?;
        match cli.command {
            Command::Project(command) => command.run(&mut session).await,
            Command::Network(command) => command.run(&mut session).await,
            Command::Subnet(command) => command.run(&mut session).await,
            Command::Port(command) => command.run(&mut session).await,
            Command::Secgroup(command) => command.run(&mut session).await,
            Command::AddressGroup(command) => command.run(&mut session).await,
            Command::Host(command) => command.run(&mut session).await,
            Command::Flow(command) => command.run(&mut session).await,
            Command::Wait(wait) => wait.run(&mut session).await,
            Command::Apply(apply) => apply.run(&mut session).await,
            Command::Watch(watch) => watch.run(&mut session).await,
            Command::Openflow(_) | Command::Completions { .. } => Ok(()),
        }
    })
}
