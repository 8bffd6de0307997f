//! OVN as the distribution packages it: ovn-northd and its databases beside the controller, an
//! ovn-controller on every host.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use lab::{Host, Lab, run, wait_until};
use serde_json::json;

use super::peer::{Peer, Port, Restarted};
use crate::tenants::Size;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Commands in one transaction, where they are many.
const BATCH: usize = 500;

/// The chassis that has all ports which are not on the lab's hosts. Nothing runs there.
const ELSEWHERE: &str = "elsewhere";

/// The address set of [`Peer::make_group`].
const GROUP: &str = "members";

/// northd, its databases, and the hosts' controllers.
pub(crate) struct Ovn {
    dir: PathBuf,
    /// `ovn-nbctl`'s own daemon: without it, its start would dominate.
    nbctl: String,
    // In the order in which they end.
    controllers: Vec<(String, Daemon)>,
    _northd: Daemon,
    _databases: [Daemon; 2],
}

struct Daemon(Child);

impl Ovn {
    fn nb(&self, commands: &[Vec<String>]) -> Result<()> {
        for batch in commands.chunks(BATCH) {
            let mut command = tool("ovn-nbctl", &self.dir);
            command.env("OVN_NB_DAEMON", &self.nbctl);
            run(command.args(joined(batch)))?;
        }
        Ok(())
    }

    fn sb(&self, commands: &[Vec<String>]) -> Result<()> {
        for batch in commands.chunks(BATCH) {
            let db = format!("--db=unix:{}", self.dir.join("sb.sock").display());
            run(tool("ovn-sbctl", &self.dir).arg(db).args(joined(batch)))?;
        }
        Ok(())
    }

    /// All ports that there are so far are bound to the chassis where nothing runs.
    fn bind_all_elsewhere(&self) -> Result<()> {
        let db = format!("unix:{}", self.dir.join("sb.sock").display());
        let mut sbctl = tool("ovn-sbctl", &self.dir);
        sbctl.arg(format!("--db={db}")).args(["--bare", "--columns=_uuid", "find", "Chassis"]);
        let chassis = run(sbctl.arg(format!("name={ELSEWHERE}")))?;
        let chassis = json!(["uuid", chassis.trim()]);
        let update = json!({
            "op": "update", "table": "Port_Binding", "where": [], "row": { "chassis": chassis },
        });
        let transaction = json!(["OVN_Southbound", update]).to_string();
        let mut client = tool("ovsdb-client", &self.dir);
        run(client.args(["transact", &db, &transaction])).map(drop)
    }

    fn start_controller(host: &Host) -> Result<Daemon> {
        let mut command = host.command("ovn-controller");
        command.env("OVN_RUNDIR", host.dir()).env("OVN_LOGDIR", host.dir());
        command.arg(format!("unix:{}", host.dir().join("db.sock").display()));
        Daemon::start(command, host.dir(), "ovn-controller")
    }
}

impl Peer for Ovn {
    const NAME: &'static str = "OVN";

    fn start(lab: &Lab, size: Size) -> Result<Self> {
        let dir = lab.run_dir().join("ovn");
        fs::create_dir_all(&dir)?;
        let listen = |port| format!("--remote=ptcp:{port}:{}", lab.controller_address());
        let database = |name: &str, schema: &str, remotes: &[String]| {
            let file = dir.join(format!("{name}.db"));
            let schema = format!("/usr/share/ovn/{schema}.ovsschema");
            run(Command::new("ovsdb-tool").arg("create").arg(&file).arg(schema))?;
            let mut server = lab.controller().command("ovsdb-server");
            server.arg(&file).args(remotes).env("OVS_RUNDIR", &dir);
            server.arg(format!("--remote=punix:{}", dir.join(format!("{name}.sock")).display()));
            let daemon = Daemon::start(server, &dir, name)?;
            wait_until(name, PATIENCE, || dir.join(format!("{name}.sock")).exists())?;
            anyhow::Ok(daemon)
        };
        let databases =
            [database("nb", "ovn-nb", &[])?, database("sb", "ovn-sb", &[listen(6642)])?];
        let [nb, sb] =
            ["nb", "sb"].map(|name| format!("unix:{}", dir.join(format!("{name}.sock")).display()));
        let mut northd = tool("ovn-northd", &dir);
        northd.args([format!("--ovnnb-db={nb}"), format!("--ovnsb-db={sb}")]);
        let northd = Daemon::start(northd, &dir, "ovn-northd")?;
        // It goes with the namespace, and says where it listens.
        let mut nbctl = lab.controller().command("ovn-nbctl");
        nbctl.env("OVN_RUNDIR", &dir).arg(format!("--db={nb}"));
        let nbctl = run(nbctl.args(["--detach", "--pidfile"]))?.trim().to_owned();
        let mut controllers = Vec::new();
        for host in lab.hosts() {
            let remote = format!("external_ids:ovn-remote=tcp:{}:6642", lab.controller_address());
            let address = format!("external_ids:ovn-encap-ip={}", host.tunnel_ip());
            host.vsctl(&[
                "set",
                "Open_vSwitch",
                ".",
                &remote,
                &address,
                "external_ids:ovn-encap-type=geneve",
                "external_ids:ovn-bridge-datapath-type=netdev",
            ])?;
            controllers.push((host.name().to_owned(), Self::start_controller(host)?));
        }
        let mut ovn = Self { dir, nbctl, controllers, _northd: northd, _databases: databases };
        ovn.sb(&[words(&["chassis-add", ELSEWHERE, "geneve", "198.18.255.1"])])?;
        let networks: Vec<_> = (0..size.networks).flat_map(network).collect();
        ovn.nb(&networks)?;
        let ports: Vec<_> = (0..size.ports())
            .map(|number| Port { number, network: size.network_of(number) })
            .collect();
        ovn.create(&ports)?;
        // northd has made their rows in the southbound database when it has caught up.
        ovn.nb(&[words(&["--wait=sb", "sync"])])?;
        ovn.bind_all_elsewhere()?;
        lab.hosts().iter().try_for_each(|host| host.wait_for_bridge("br-int"))?;
        ovn.confirm()?;
        Ok(ovn)
    }

    fn create(&mut self, ports: &[Port]) -> Result<()> {
        let commands: Vec<_> = ports.iter().map(|port| logical_port(*port)).collect();
        self.nb(&commands)
    }

    fn delete(&mut self, ports: &[Port]) -> Result<()> {
        let delete = |port: &Port| words(&["lsp-del", &port.id().to_string()]);
        self.nb(&ports.iter().map(delete).collect::<Vec<_>>())
    }

    /// Ports that are bound nowhere have hosts know nearly as much of them.
    fn prepare_elsewhere(&mut self, _ports: &[Port]) -> Result<()> {
        Ok(())
    }

    fn confirm(&mut self) -> Result<()> {
        self.nb(&[words(&["--timeout=120", "--wait=hv", "sync"])])
    }

    fn make_group(&mut self, members: &[Port], _users: &[Port]) -> Result<()> {
        let addresses: Vec<_> = members.iter().map(|port| port.address().to_string()).collect();
        let addresses = format!("addresses={}", addresses.join(","));
        let rule = |protocol: &str| {
            let matching = format!("outport == @{} && ip4.src == ${GROUP} && {protocol}", group(0));
            words(&["acl-add", &group(0), "to-lport", "1003", &matching, "allow-related"])
        };
        self.nb(&[
            words(&["create", "Address_Set", &format!("name={GROUP}"), &addresses]),
            rule("tcp.dst == 80"),
            rule("tcp.dst == 443"),
        ])?;
        self.confirm()
    }

    fn set_member(&mut self, spare: Port, present: bool) -> Result<()> {
        let act = if present { "add" } else { "remove" };
        let address = format!("\"{}\"", spare.address());
        self.nb(&[words(&["--wait=hv", act, "Address_Set", GROUP, "addresses", &address])])
    }

    fn restart(&mut self, host: &Host) -> Result<Restarted> {
        let begun = Instant::now();
        for (name, daemon) in &mut self.controllers {
            if name == host.name() {
                daemon.end();
                *daemon = Self::start_controller(host)?;
            }
        }
        self.confirm()?;
        let in_sync = Some(begun.elapsed().as_secs_f64());
        Ok(Restarted { in_sync, ..Restarted::default() })
    }

    /// Geneve's options are known by number once somebody has given them one.
    fn prepare_switch(&self, host: &Host) -> Result<()> {
        let map = "{class=0x102,type=0x80,len=4}->tun_metadata0";
        host.ofctl(&["add-tlv-map", "br-int", map]).map(drop)
    }

    fn stop(&mut self) -> Result<()> {
        self.controllers.clear();
        Ok(())
    }
}

fn switch(network: usize) -> String {
    format!("network{network}")
}

/// The group of all ports of a network.
fn group(network: usize) -> String {
    format!("group{network}")
}

/// A network whose ports may send anything and be reached by each other.
fn network(number: usize) -> Vec<Vec<String>> {
    let group = group(number);
    let mut commands = vec![words(&["ls-add", &switch(number)]), words(&["pg-add", &group])];
    for family in ["ip4", "ip6"] {
        let out = format!("inport == @{group} && {family}");
        let own = format!("outport == @{group} && {family} && {family}.src == ${group}_{family}");
        commands.push(words(&["acl-add", &group, "from-lport", "1002", &out, "allow-related"]));
        commands.push(words(&["acl-add", &group, "to-lport", "1002", &own, "allow-related"]));
    }
    for (direction, side) in [("from-lport", "inport"), ("to-lport", "outport")] {
        let rest = format!("{side} == @{group} && ip");
        commands.push(words(&["acl-add", &group, direction, "1001", &rest, "drop"]));
    }
    commands
}

/// A port in its network's group.
fn logical_port(port: Port) -> Vec<String> {
    let (id, network) = (port.id().to_string(), switch(port.network));
    let addresses = format!("{} {}", port.mac(), port.address());
    words(&[
        "lsp-add",
        &network,
        &id,
        "--",
        "lsp-set-addresses",
        &id,
        &addresses,
        "--",
        "lsp-set-port-security",
        &id,
        &addresses,
        "--",
        &format!("--id=@{id}"),
        "get",
        "Logical_Switch_Port",
        &id,
        "--",
        "add",
        "Port_Group",
        &group(port.network),
        "ports",
        &format!("@{id}"),
    ])
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|&word| word.to_owned()).collect()
}

/// One transaction of several commands.
fn joined(commands: &[Vec<String>]) -> Vec<String> {
    commands.join(&"--".to_owned())
}

fn tool(program: &str, dir: &Path) -> Command {
    let mut command = Command::new(program);
    for variable in ["OVN_RUNDIR", "OVN_LOGDIR", "OVN_DBDIR", "OVS_RUNDIR"] {
        command.env(variable, dir);
    }
    command
}

impl Daemon {
    fn start(mut command: Command, dir: &Path, name: &str) -> Result<Self> {
        let log = fs::File::create(dir.join(format!("{name}.out")))?;
        let [pidfile, log_file] = ["pid", "log"].map(|kind| dir.join(format!("{name}.{kind}")));
        command.arg(format!("--pidfile={}", pidfile.display()));
        command.arg(format!("--log-file={}", log_file.display()));
        command.arg("-vconsole:emer").stdin(Stdio::null());
        command.stdout(log.try_clone()?).stderr(log);
        Ok(Self(command.spawn().with_context(|| format!("cannot start {name}"))?))
    }

    fn end(&mut self) {
        // It has nothing to lose.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.end();
    }
}
