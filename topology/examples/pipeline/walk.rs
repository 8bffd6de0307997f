//! Packets followed through the tables of two hosts: the flows are compiled, the paths simulated.

use std::fmt::{self, Write};
use std::net::Ipv4Addr;
use std::sync::Arc;

use openflow::PortNo;
use topology::compile::Compiler;
use topology::cookie::Cookie;
use topology::explain::explain;
use topology::model::HostId;
use topology::pipeline::TableNames;
use topology::simulate::{Event, Packet, Switch, Trace, Transport};

use crate::sample::{DB, TUNNEL, WEB, compiler};

const INTRODUCTION: &str = "\
## Some packets' ways

Network \"blue\" (key 1, VNI 5001) has port \"web\" (key 1, 10.0.0.11) on host alpha (192.0.2.11)
as OpenFlow port 11, and port \"db\" (key 2, 10.0.0.12) on host beta (192.0.2.12) as OpenFlow port
12; the tunnel port is 1 on both. `ovs-appctl ofproto/trace br-int FLOW` shows the same of a real
host. Below every flow stands what its cookie says.
";

pub(crate) fn markdown() -> String {
    let mut out = String::from(INTRODUCTION);
    write_all(&mut out).expect("writing to a string does not fail");
    out
}

fn write_all(out: &mut String) -> fmt::Result {
    let compiler = compiler();
    let mut walk = |title: &str, host: HostId, port: PortNo, packet: Packet| {
        let flows = compiler.desired(host).map(|flow| Arc::new(flow.flow.clone()));
        let switch = Switch::with_flows(flows).expect("the simulator knows what Weft uses");
        let trace = switch.process(port, packet);
        write!(out, "\n### {title}\n\n```\n")?;
        steps(out, &compiler, &trace)?;
        writeln!(out, "```")?;
        Ok(trace)
    };
    let request = Packet::arp_request(WEB.address(), DB.ip);
    walk("web asks for db's address", WEB.host(), WEB.number_on_host, request)?;
    let echo = Transport::Icmp { kind: 8, code: 0 };
    let ping = Packet::ipv4(WEB.address(), DB.address(), echo);
    let sent = walk("web pings db: on alpha", WEB.host(), WEB.number_on_host, ping)?;
    let (_, tunnelled) = sent.outputs().next().expect("the ping leaves by the tunnel");
    let tunnelled = arriving(tunnelled);
    walk("web pings db: on beta", DB.host(), TUNNEL, tunnelled)?;
    let somebody = (WEB.mac(), Ipv4Addr::new(10, 0, 0, 99));
    let spoofed = Packet::ipv4(somebody, DB.address(), echo);
    walk("web pretends to be somebody else", WEB.host(), WEB.number_on_host, spoofed)?;
    Ok(())
}

/// The packet as the other host's tunnel port delivers it: nothing but the frame, the VNI and the
/// endpoints' addresses gets across.
fn arriving(sent: &Packet) -> Packet {
    use openflow::Field;
    let mut packet = sent.clone();
    for register in topology::pipeline::Register::ALL {
        packet.set(register.field, 0u32);
    }
    packet.set(Field::TUN_SRC, Ipv4Addr::new(192, 0, 2, WEB.ip.octets()[3]));
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
            Event::Output { port, .. } => writeln!(out, "    → out of port {port}")?,
            Event::Drop(_) => writeln!(out, "    → dropped")?,
            Event::Lookup { flow: None, .. } | Event::Action { .. } => {}
        }
    }
    Ok(())
}
