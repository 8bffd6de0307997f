//! `weft-lab`: the lab by hand, and Weft's demo on it.
#![allow(clippy::print_stdout, reason = "a command talks to its user")]

mod demo;
mod exec;
mod interrupt;

use std::process::ExitCode;
use std::thread;

use anyhow::Result;
use clap::{Parser, Subcommand};
use lab::{Lab, Owner};

/// Real Open vSwitch hosts on this machine, in network namespaces of their own
#[derive(Debug, Parser)]
#[command(name = "weft-lab", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a lab, and remove it on Ctrl-C
    Up {
        /// How many hosts
        #[arg(long, default_value_t = 3)]
        hosts: u16,
        /// Leave it up and return; `weft-lab clean --all` removes it
        #[arg(long)]
        detach: bool,
    },
    /// List the labs on this machine and what each consists of
    Status,
    /// Run a command in a host, a VM, a station or the controller's namespace
    Exec(exec::Exec),
    /// Remove what labs left behind whose process is gone
    Clean {
        /// Also labs that were left up with --detach
        #[arg(long)]
        all: bool,
    },
    /// Show Weft at work: three hosts, three kinds of network, pings across
    Demo {
        /// Leave everything up until Ctrl-C
        #[arg(long)]
        keep: bool,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("weft-lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Up { hosts, detach } => up(hosts, detach)?,
        Command::Status => status()?,
        Command::Exec(exec) => return exec.run(),
        Command::Clean { all } => {
            for id in lab::clean(all)? {
                println!("removed lab {id}");
            }
        }
        Command::Demo { keep } => {
            interrupt::remove_labs_on_interrupt()?;
            return demo::run(keep);
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn up(hosts: u16, detach: bool) -> Result<()> {
    interrupt::remove_labs_on_interrupt()?;
    let lab = Lab::builder().hosts(hosts).start()?;
    println!("lab {} is up, its files are in {}", lab.id(), lab.run_dir().display());
    for host in lab.hosts() {
        let (name, management, tunnel) = (host.name(), host.management_ip(), host.tunnel_ip());
        println!("  {name}: management {management}, tunnels {tunnel}");
    }
    println!("  controller: {}", lab.controller_address());
    println!("try: {} exec h1 ovs-vsctl show", interrupt::own_path());
    if detach {
        lab.detach()?;
        return Ok(());
    }
    println!("Ctrl-C removes it");
    loop {
        thread::park();
    }
}

fn status() -> Result<()> {
    let labs = lab::labs()?;
    if labs.is_empty() {
        println!("no labs");
    }
    for id in labs {
        let owner = match id.owner() {
            Owner::Alive => "its process runs",
            Owner::Detached => "left up",
            Owner::Gone => "left behind: `weft-lab clean` removes it",
        };
        let mut nodes: Vec<_> = id.nodes()?.into_iter().map(|(node, _)| node).collect();
        nodes.sort_unstable();
        println!("lab {id} ({owner}) in {}: {}", id.run_dir().display(), nodes.join(" "));
    }
    Ok(())
}
