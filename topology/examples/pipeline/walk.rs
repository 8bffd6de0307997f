//! Packets followed through the tables of two hosts: the flows are compiled, the paths simulated.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::net::Ipv4Addr;
use std::sync::Arc;

use openflow::{Field, Match, PortNo};
use topology::compile::Compiler;
use topology::cookie::Cookie;
use topology::explain::explain;
use topology::model::HostId;
use topology::pipeline::{Register, TableNames};
use topology::simulate::{Conntrack, Event, Packet, Switch, Trace, Transport};

use crate::sample::{DB, POSTGRES, Station, TUNNEL, WEB, compiler};

const INTRODUCTION: &str = "\
## Some packets' ways

Network \"blue\" (key 1, VNI 5001) has port \"web\" (key 1, 10.0.0.11) on host alpha (192.0.2.11)
as OpenFlow port 11, and port \"db\" (key 2, 10.0.0.12) on host beta (192.0.2.12) as OpenFlow port
12; the tunnel port is 1 on both. Each port is in a security group of its own name: \"web\" allows
any connection over IPv4 to the outside, \"db\" allows members of \"web\" in on TCP port 5432.
`ovs-appctl ofproto/trace br-int FLOW --ct-next STATE` shows the same of a real host, but for
replies: it does not know what the connection began with. Below every flow stands what its cookie
says.
";

pub(crate) fn markdown() -> String {
    let mut out = String::from(INTRODUCTION);
    write_all(&mut out).expect("writing to a string does not fail");
    out
}

fn write_all(out: &mut String) -> fmt::Result {
    let mut walks = Walks { out, compiler: compiler(), connections: BTreeMap::new() };
    let request = Packet::arp_request(WEB.address(), DB.ip);
    walks.by_port("web asks for db's address", WEB, request)?;

    let opens = Transport::Tcp { source: 40_000, destination: POSTGRES };
    let opens = Packet::ipv4(WEB.address(), DB.address(), opens);
    walks.across(
        ["web connects to db: on alpha", "web connects to db: on beta"],
        WEB,
        DB,
        opens,
    )?;
    let answers = Transport::Tcp { source: POSTGRES, destination: 40_000 };
    let answers = Packet::ipv4(DB.address(), WEB.address(), answers);
    walks.across(["db answers: on beta", "db answers: on alpha"], DB, WEB, answers)?;

    let ssh = Transport::Tcp { source: 40_001, destination: 22 };
    let ssh = Packet::ipv4(WEB.address(), DB.address(), ssh);
    let sent = walks.unwritten(WEB, ssh);
    walks.by_tunnel("web connects to db on a port that is not allowed: on beta", WEB, DB, sent)?;

    let somebody = (WEB.mac(), Ipv4Addr::new(10, 0, 0, 99));
    let echo = Transport::Icmp { kind: 8, code: 0 };
    let spoofed = Packet::ipv4(somebody, DB.address(), echo);
    walks.by_port("web pretends to be somebody else", WEB, spoofed)?;
    Ok(())
}

/// Packets that follow each other.
struct Walks<'a> {
    out: &'a mut String,
    compiler: Compiler,
    connections: BTreeMap<HostId, Conntrack>,
}

impl Walks<'_> {
    /// A packet of a connection to the other host, on both.
    fn across(
        &mut self,
        titles: [&str; 2],
        sender: Station,
        receiver: Station,
        packet: Packet,
    ) -> fmt::Result {
        let [first, second] = titles;
        let sent = self.by_port(first, sender, packet)?;
        self.by_tunnel(second, sender, receiver, sent)
    }

    fn by_port(
        &mut self,
        title: &str,
        sender: Station,
        packet: Packet,
    ) -> Result<Trace, fmt::Error> {
        let trace = self.process(sender.host(), sender.number_on_host, packet);
        self.write(title, &trace)?;
        Ok(trace)
    }

    /// What is sent where it is not of interest.
    fn unwritten(&mut self, sender: Station, packet: Packet) -> Trace {
        self.process(sender.host(), sender.number_on_host, packet)
    }

    fn by_tunnel(
        &mut self,
        title: &str,
        sender: Station,
        receiver: Station,
        sent: Trace,
    ) -> fmt::Result {
        let (_, packet) = sent.outputs().next().expect("it leaves by the tunnel");
        let trace = self.process(receiver.host(), TUNNEL, arriving(sender, packet));
        self.write(title, &trace)
    }

    fn process(&mut self, host: HostId, port: PortNo, packet: Packet) -> Trace {
        let flows = self.compiler.desired(host).map(|flow| Arc::new(flow.flow.clone()));
        let switch = Switch::with_flows(flows).expect("the simulator knows what Weft uses");
        switch.process_with(self.connections.entry(host).or_default(), port, packet)
    }

    fn write(&mut self, title: &str, trace: &Trace) -> fmt::Result {
        write!(self.out, "\n### {title}\n\n```\n")?;
        steps(self.out, &self.compiler, trace)?;
        writeln!(self.out, "```")
    }
}

/// The packet as the other host's tunnel port delivers it: nothing but the frame, the VNI and the
/// endpoints' addresses gets across.
fn arriving(sender: Station, sent: &Packet) -> Packet {
    let mut packet = sent.clone();
    for register in Register::ALL {
        packet.set(register.field, 0u32);
    }
    packet.set(Field::TUN_SRC, Ipv4Addr::new(192, 0, 2, sender.ip.octets()[3]));
    packet
}

fn steps(out: &mut String, compiler: &Compiler, trace: &Trace) -> fmt::Result {
    for event in &trace.events {
        match event {
            Event::Lookup { flow: Some(flow), .. } => {
                writeln!(out, "{}", flow.display().with_names(&TableNames))?;
                let matching = Some(&flow.matching);
                match explain(Cookie(flow.cookie), matching, compiler.model()) {
                    Ok(explanation) => writeln!(out, "    # {}", explanation.sentence)?,
                    Err(error) => writeln!(out, "    # {error}")?,
                }
            }
            Event::Resume { state, .. } => {
                let state = Match::new().with_masked(Field::CT_STATE, *state, *state);
                writeln!(out, "    → through conntrack, which says {state}")?;
            }
            Event::Output { port, .. } => writeln!(out, "    → out of port {port}")?,
            Event::Drop(_) => writeln!(out, "    → dropped")?,
            Event::Lookup { flow: None, .. } | Event::Action { .. } => {}
        }
    }
    Ok(())
}
