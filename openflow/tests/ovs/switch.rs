//! An Open vSwitch of the test's own: dummy datapath, everything in one temporary directory.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use openflow::message::{
    FlowStats, FlowStatsRequest, HEADER, Header, Hello, Message, MultipartReplyBody,
    MultipartRequestBody,
};
use tempfile::TempDir;

const SCHEMA: &str = "/usr/share/openvswitch/vswitch.ovsschema";

/// A running switch with one bridge, `br0`.
pub(crate) struct Switch {
    // Killed in this order, before the directory goes.
    vswitchd: Child,
    database: Child,
    directory: TempDir,
}

impl Switch {
    /// Starts a switch.
    pub(crate) fn start() -> Self {
        let directory = tempfile::Builder::new().prefix("ofsw").tempdir().unwrap();
        let dir = directory.path();
        run(dir, "ovsdb-tool", &["create", &at(dir, "conf.db"), SCHEMA]);
        let database = spawn(
            dir,
            "ovsdb-server",
            &[&at(dir, "conf.db"), &format!("--remote=punix:{}", at(dir, "db.sock"))],
        );
        wait_for(&dir.join("db.sock"));
        let db = format!("unix:{}", at(dir, "db.sock"));
        run(dir, "ovs-vsctl", &[&format!("--db={db}"), "--no-wait", "init"]);
        let vswitchd = spawn(
            dir,
            "ovs-vswitchd",
            &[&db, "--enable-dummy=override", "--disable-system", "--disable-system-route"],
        );
        let switch = Self { vswitchd, database, directory };
        switch.vsctl(&[
            "--",
            "add-br",
            "br0",
            "--",
            "set",
            "bridge",
            "br0",
            "fail-mode=secure",
            "datapath-type=dummy",
            "protocols=OpenFlow13",
            "--",
            "add-port",
            "br0",
            "p1",
            "--",
            "set",
            "interface",
            "p1",
            "type=dummy",
            "ofport_request=1",
            "--",
            "add-port",
            "br0",
            "tap-2",
            "--",
            "set",
            "interface",
            "tap-2",
            "type=dummy",
            "ofport_request=2",
        ]);
        wait_for(&switch.directory.path().join("br0.mgmt"));
        switch
    }

    pub(crate) fn vsctl(&self, arguments: &[&str]) -> String {
        let db = format!("--db=unix:{}", at(self.directory.path(), "db.sock"));
        run(self.directory.path(), "ovs-vsctl", &[&[db.as_str()], arguments].concat())
    }

    /// Runs `ovs-ofctl -O OpenFlow13 COMMAND br0 …`.
    pub(crate) fn ofctl(&self, command: &[&str], arguments: &[&str]) -> String {
        let socket = at(self.directory.path(), "br0.mgmt");
        let fixed: &[&str] = &["-O", "OpenFlow13"];
        run(self.directory.path(), "ovs-ofctl", &[fixed, command, &[&socket], arguments].concat())
    }

    /// Runs `ovs-appctl -t ovs-vswitchd …`.
    pub(crate) fn appctl(&self, arguments: &[&str]) -> String {
        let socket = at(self.directory.path(), "ovs-vswitchd.ctl");
        run(self.directory.path(), "ovs-appctl", &[&["-t", &socket], arguments].concat())
    }

    /// The flows as `ovs-ofctl` prints them, one per line.
    pub(crate) fn dump(&self, options: &[&str]) -> Vec<String> {
        let command = [&["--no-stats"], options, &["dump-flows"]].concat();
        let lines = self.ofctl(&command, &[]);
        lines.lines().map(|line| line.trim().to_owned()).filter(|it| !it.is_empty()).collect()
    }

    /// A connection to the bridge, with nothing said yet.
    pub(crate) fn stream(&self) -> UnixStream {
        let stream = UnixStream::connect(self.directory.path().join("br0.mgmt")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }

    pub(crate) fn connect(&self) -> Connection {
        let mut connection = Connection { stream: self.stream(), xid: 1 };
        connection.send(&Message::Hello(Hello::only_1_3()));
        assert!(matches!(connection.receive().1, Message::Hello(hello) if hello.speaks_1_3()));
        connection
    }
}

impl Drop for Switch {
    fn drop(&mut self) {
        for child in [&mut self.vswitchd, &mut self.database] {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A plain OpenFlow connection.
pub(crate) struct Connection {
    stream: UnixStream,
    xid: u32,
}

impl Connection {
    pub(crate) fn send(&mut self, message: &Message) -> u32 {
        self.xid += 1;
        let mut out = BytesMut::new();
        message.encode(self.xid, &mut out).unwrap();
        self.stream.write_all(&out).unwrap();
        self.xid
    }

    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// The next message's bytes.
    pub(crate) fn receive_bytes(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; HEADER];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes.resize(usize::from(Header::read(&bytes).unwrap().length), 0);
        self.stream.read_exact(&mut bytes[HEADER..]).unwrap();
        bytes
    }

    pub(crate) fn receive(&mut self) -> (u32, Message) {
        let bytes = self.receive_bytes();
        Message::decode(&bytes).unwrap_or_else(|error| panic!("{error}: {bytes:02x?}"))
    }

    /// Waits until the switch has done everything so far; gives the messages that came meanwhile.
    pub(crate) fn barrier(&mut self) -> Vec<Message> {
        let barrier = self.send(&Message::BarrierRequest);
        let mut messages = Vec::new();
        loop {
            match self.receive() {
                (xid, Message::BarrierReply) if xid == barrier => return messages,
                (_, message) => messages.push(message),
            }
        }
    }

    /// All flows of the switch.
    pub(crate) fn flows(&mut self) -> Vec<FlowStats> {
        let body = MultipartRequestBody::Flow(FlowStatsRequest::default());
        self.send(&Message::MultipartRequest(body.into()));
        let mut flows = Vec::new();
        loop {
            let (_, Message::MultipartReply(reply)) = self.receive() else { panic!("no reply") };
            let MultipartReplyBody::Flow(part) = reply.body else { panic!("no flows") };
            flows.extend(part);
            if !reply.more {
                return flows;
            }
        }
    }
}

fn at(directory: &Path, name: &str) -> String {
    directory.join(name).to_str().unwrap().to_owned()
}

fn command(directory: &Path, program: &str) -> Command {
    let mut command = Command::new(program);
    let path = std::env::var("PATH").unwrap_or_default();
    command
        .env("PATH", format!("{path}:/usr/local/sbin:/usr/sbin:/sbin"))
        .env("OVS_RUNDIR", directory)
        .env("OVS_DBDIR", directory)
        .env("OVS_LOGDIR", directory)
        .env("OVS_SYSCONFDIR", directory)
        .current_dir(directory)
        .stdin(Stdio::null());
    command
}

fn spawn(directory: &Path, program: &str, arguments: &[&str]) -> Child {
    command(directory, program)
        .args(arguments)
        .arg("--no-chdir")
        .arg(format!("--pidfile={}", at(directory, &format!("{program}.pid"))))
        .arg(format!("--unixctl={}", at(directory, &format!("{program}.ctl"))))
        .arg(format!("--log-file={}", at(directory, &format!("{program}.log"))))
        .arg("-vconsole:off")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn run(directory: &Path, program: &str, arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } =
        command(directory, program).args(arguments).output().unwrap();
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{program} {arguments:?}: {stderr}");
    String::from_utf8(stdout).unwrap()
}

fn wait_for(socket: &Path) {
    let start = Instant::now();
    while UnixStream::connect(socket).is_err() {
        assert!(start.elapsed() < Duration::from_secs(30), "{} never came", socket.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}
