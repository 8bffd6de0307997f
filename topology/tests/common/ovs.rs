//! An Open vSwitch of the test's own: dummy datapath, everything in one temporary directory.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use openflow::PortNo;
use tempfile::TempDir;
use topology::simulate::{Event, Packet, Switch, Trace};

const SCHEMA: &str = "/usr/share/openvswitch/vswitch.ovsschema";

/// A running switch with one bridge, `br0`, and ports from 1 on.
pub(crate) struct OpenVSwitch {
    // Killed in this order, before the directory goes.
    vswitchd: Child,
    database: Child,
    directory: TempDir,
}

/// What a switch did with a packet, as far as both tell.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Course {
    /// Table, priority and cookie of every flow, in order.
    flows: Vec<(u8, u16, u64)>,
    /// Where copies left.
    outputs: Vec<PortNo>,
}

impl OpenVSwitch {
    /// Starts a switch with ports 1 to `ports`.
    pub(crate) fn start(ports: u32) -> Self {
        let directory = tempfile::Builder::new().prefix("trace").tempdir().unwrap();
        let dir = directory.path();
        let file = |name: &str| dir.join(name).to_str().unwrap().to_owned();
        let socket = format!("unix:{}", file("db.sock"));
        run(dir, "ovsdb-tool", &["create", &file("conf.db"), SCHEMA]);
        let remote = format!("--remote=p{socket}");
        let database = spawn(dir, "ovsdb-server", &[&file("conf.db"), &remote]);
        wait_for(&dir.join("db.sock"));
        let db = format!("--db={socket}");
        run(dir, "ovs-vsctl", &[&db, "--no-wait", "init"]);
        let options = ["--enable-dummy=override", "--disable-system", "--disable-system-route"];
        let control = format!("--unixctl={}", file("vswitchd.ctl"));
        let arguments = [&[socket.as_str(), &control], &options[..]].concat();
        let vswitchd = spawn(dir, "ovs-vswitchd", &arguments);
        let switch = Self { vswitchd, database, directory };
        let bridge = "add-br br0 -- set bridge br0 fail-mode=secure datapath-type=dummy \
                      protocols=OpenFlow13";
        let ports = (1..=ports).map(|number| {
            format!(
                " -- add-port br0 p{number} \
                  -- set interface p{number} type=dummy ofport_request={number}"
            )
        });
        let commands = bridge.to_owned() + &ports.collect::<String>();
        let commands: Vec<_> = commands.split_whitespace().collect();
        run(switch.directory.path(), "ovs-vsctl", &[&[db.as_str()], &commands[..]].concat());
        wait_for(&switch.directory.path().join("br0.mgmt"));
        switch
    }

    /// Gives it the flows of a simulated switch, and no others.
    pub(crate) fn set_flows(&self, flows: &Switch) {
        let dir = self.directory.path();
        let text = flows.flows().map(|flow| format!("{flow}\n")).collect::<String>();
        std::fs::write(dir.join("flows"), text).unwrap();
        let [flows, bridge] = ["flows", "br0.mgmt"].map(|name| dir.join(name));
        let [flows, bridge] = [&flows, &bridge].map(|path| path.to_str().unwrap());
        run(dir, "ovs-ofctl", &["--protocols=OpenFlow13", "replace-flows", bridge, flows]);
    }

    /// What it does with a packet, of which conntrack says the same as it says in `like`, every
    /// time that it is asked.
    pub(crate) fn trace(&self, in_port: PortNo, packet: &Packet, like: &Trace) -> (Course, String) {
        let control = self.directory.path().join("vswitchd.ctl");
        let packet = exact_flow(in_port, packet);
        let states = like.events.iter().filter_map(|event| match event {
            Event::Resume { state, .. } => Some(state_names(*state)),
            _ => None,
        });
        let states: Vec<String> = states.collect();
        let mut arguments = vec!["--target", control.to_str().unwrap(), "ofproto/trace"];
        arguments.extend(["br0", &packet]);
        arguments.extend(states.iter().flat_map(|state| ["--ct-next", state]));
        let text = run(self.directory.path(), "ovs-appctl", &arguments);
        (Course::parse(in_port, &text), text)
    }
}

impl Drop for OpenVSwitch {
    fn drop(&mut self) {
        for child in [&mut self.vswitchd, &mut self.database] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Course {
    /// What the simulator says.
    pub(crate) fn of(trace: &Trace) -> Self {
        let mut course = Self { flows: Vec::new(), outputs: Vec::new() };
        for event in &trace.events {
            match event {
                Event::Lookup { table, flow: Some(flow), .. } => {
                    course.flows.push((*table, flow.priority, flow.cookie));
                }
                Event::Output { port, .. } => course.outputs.push(*port),
                _ => {}
            }
        }
        course
    }

    /// What `ofproto/trace` says.
    fn parse(in_port: PortNo, text: &str) -> Self {
        let mut course = Self { flows: Vec::new(), outputs: Vec::new() };
        for line in text.lines().map(str::trim) {
            if let Some((table, rest)) = line.split_once(". ")
                && let Ok(table) = table.parse()
            {
                let number = |name: &str| {
                    let (_, value) = rest.rsplit_once(name)?;
                    value.split(',').next()
                };
                let priority = number("priority ").unwrap().parse().unwrap();
                let cookie = number("cookie 0x").unwrap();
                let cookie = u64::from_str_radix(cookie, 16).unwrap();
                course.flows.push((table, priority, cookie));
            } else if let Some(port) = line.strip_prefix("output:") {
                course.outputs.push(PortNo(port.parse().unwrap()));
            } else if line == "IN_PORT" {
                course.outputs.push(in_port);
            } else if line == ">> skipping output to input port" {
                course.outputs.pop();
            }
        }
        course
    }
}

/// `ct_state` as `--ct-next` wants it.
fn state_names(state: u32) -> String {
    let names = ["new", "est", "rel", "rpl", "inv", "trk"];
    let names = (0..).zip(names).filter(|(bit, _)| state & 1 << bit != 0).map(|(_, name)| name);
    names.collect::<Vec<_>>().join(",")
}

/// The packet in the syntax of `ofproto/trace`, which wants fields by their full names.
fn exact_flow(in_port: PortNo, packet: &Packet) -> String {
    let text = packet.to_string();
    let prefixes: &[(&str, &str)] = match text.split(',').next() {
        Some("udp" | "udp6") => &[("tp_", "udp_")],
        Some("tcp" | "tcp6") => &[("tp_", "tcp_")],
        Some("sctp" | "sctp6") => &[("tp_", "sctp_")],
        Some("icmp6") => &[("icmp_", "icmpv6_")],
        _ => &[],
    };
    let fields = text.split(',').map(|field| {
        let renamed = prefixes
            .iter()
            .find_map(|(from, to)| field.strip_prefix(from).map(|rest| format!(",{to}{rest}")));
        renamed.unwrap_or_else(|| format!(",{field}"))
    });
    format!("in_port={in_port}{}", fields.collect::<String>())
}

fn spawn(dir: &Path, program: &str, arguments: &[&str]) -> Child {
    let mut command = Command::new(program);
    environment(&mut command, dir).args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap_or_else(|error| panic!("{program}: {error}"))
}

fn run(dir: &Path, program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    let output = environment(&mut command, dir).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{program} {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn environment<'a>(command: &'a mut Command, dir: &Path) -> &'a mut Command {
    for variable in ["OVS_RUNDIR", "OVS_DBDIR", "OVS_LOGDIR", "OVS_SYSCONFDIR"] {
        command.env(variable, dir);
    }
    command
}

fn wait_for(path: &Path) {
    let start = Instant::now();
    while !path.exists() {
        assert!(start.elapsed() < Duration::from_secs(15), "{} does not appear", path.display());
        std::thread::sleep(Duration::from_millis(10));
    }
}
