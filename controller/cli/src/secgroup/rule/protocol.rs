use clap::{Arg, ArgGroup, ArgMatches, Args, Command, Error, FromArgMatches};

use crate::parse::{self, Icmp, Ports};

/// The protocol of a rule, and what of it: by one option at the most, named after the protocol.
#[derive(Debug, Default)]
pub(super) struct Protocol {
    /// Empty for any.
    pub(super) name: String,
    pub(super) ports: Ports,
    pub(super) icmp: Icmp,
}

/// Options for protocols with ports.
const WITH_PORTS: [(&str, &str); 3] = [
    ("tcp", "TCP, to these ports or to any"),
    ("udp", "UDP, to these ports or to any"),
    ("sctp", "SCTP, to these ports or to any"),
];
/// Options for protocols with types and codes.
const WITH_TYPES: [(&str, &str); 2] =
    [("icmp", "ICMP of this type, or of any"), ("icmpv6", "ICMPv6 of this type, or of any")];
/// The option for any other.
const OTHER: &str = "protocol";
/// All of them.
const GROUP: &str = "protocols";

impl Args for Protocol {
    fn augment_args(command: Command) -> Command {
        let option = |(name, help)| Arg::new(name).long(name).help(help).group(GROUP);
        let may_be_empty = |option| Arg::num_args(option, 0..=1).default_missing_value("");
        let with_ports = WITH_PORTS.map(|it| {
            may_be_empty(option(it)).value_name("PORT[-PORT]").value_parser(parse::ports)
        });
        let with_types = WITH_TYPES
            .map(|it| may_be_empty(option(it)).value_name("TYPE[/CODE]").value_parser(parse::icmp));
        let other = option((OTHER, "Another IP protocol")).value_name("NUMBER");
        command.group(ArgGroup::new(GROUP)).args(with_ports).args(with_types).arg(other)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Protocol {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        for (name, _) in WITH_PORTS {
            if let Some(&ports) = matches.get_one(name) {
                return Ok(Self { name: name.to_owned(), ports, ..Self::default() });
            }
        }
        for (name, _) in WITH_TYPES {
            if let Some(&icmp) = matches.get_one(name) {
                return Ok(Self { name: name.to_owned(), icmp, ..Self::default() });
            }
        }
        let name = matches.get_one(OTHER).cloned().unwrap_or_default();
        Ok(Self { name, ..Self::default() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
