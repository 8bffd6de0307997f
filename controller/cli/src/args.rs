//! The grammar's top: global options and the commands by resource.

use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::address_group::AddressGroupCommand;
use crate::apply::Apply;
use crate::change::Wait;
use crate::flow::FlowCommand;
use crate::host::HostCommand;
use crate::network::NetworkCommand;
use crate::openflow::OpenflowCommand;
use crate::port::PortCommand;
use crate::project::ProjectCommand;
use crate::secgroup::SecgroupCommand;
use crate::subnet::SubnetCommand;
use crate::watch::Watch;

/// Operates the Weft controller.
///
/// Wherever a command wants an object, its name or its id will do.
///
/// Exit codes: 0 done, 1 the server refused or could not be reached, 2 the
/// command line is wrong.
#[derive(Debug, Parser)]
#[command(name = "weft", version, max_term_width = 100)]
pub(crate) struct Cli {
    /// The controller: http://HOST:PORT or unix:/PATH
    #[arg(
        long,
        global = true,
        env = "WEFT_SERVER",
        value_name = "URL",
        default_value = "http://127.0.0.1:50051"
    )]
    pub(crate) server: String,

    /// How to print
    #[arg(long, short, global = true, value_enum, value_name = "FORMAT", default_value = "table")]
    pub(crate) output: Format,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How answers and errors are printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Table,
    /// For programs: the field names of the .proto files, enum values by name, times
    /// in RFC 3339; errors too, on standard error
    Json,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Projects: the owners of networks and ports
    #[command(subcommand)]
    Project(ProjectCommand),

    /// Networks: isolated Ethernet segments that span hosts
    #[command(subcommand)]
    Network(NetworkCommand),

    /// Subnets: the address ranges of networks
    #[command(subcommand)]
    Subnet(SubnetCommand),

    /// Ports: the places where machines are plugged into networks
    #[command(subcommand)]
    Port(PortCommand),

    /// Security groups: what ports may send and receive
    #[command(subcommand)]
    Secgroup(SecgroupCommand),

    /// Address groups: prefixes that rules name together
    #[command(subcommand)]
    AddressGroup(AddressGroupCommand),

    /// Hosts: the machines whose Open vSwitch is programmed
    #[command(subcommand)]
    Host(HostCommand),

    /// Flows: what hosts should have and do have, and what each is for
    #[command(subcommand)]
    Flow(FlowCommand),

    /// Wait until every host concerned has confirmed a revision
    Wait(Wait),

    /// Make many changes, all or none, or tell what they would come to
    Apply(Apply),

    /// Tell everything there is and then what changes, or what changed since a revision
    Watch(Watch),

    /// OpenFlow 1.3: messages and flows as bytes and as text; needs no controller
    #[command(subcommand)]
    Openflow(OpenflowCommand),

    /// Print a shell's completion script
    Completions {
        /// The shell to complete for
        shell: Shell,
    },
}

/// The completion script of `shell`.
///
/// Made in memory, because the generator panics when what it writes to fails.
pub(crate) fn completions(shell: Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "weft", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn completions_know_the_commands() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let script = String::from_utf8(completions(shell)).unwrap();
            for word in ["network", "segmentation-id", "explain"] {
                assert!(script.contains(word), "{shell}: no {word}");
            }
        }
    }
}
