//! Flags, environment and configuration file.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use lab::wait_until;
use proto::v1 as pb;
use proto::v1::network::Type;
use tempfile::TempDir;
use tests::{Daemon, Kind};

/// The flags of the contract and the others, each with what `--help` says when it is not given.
const DEFAULTS: [(&str, &str); 26] = [
    ("data-dir", "/var/lib/weft"),
    ("openflow-listen", "0.0.0.0:6633 and 0.0.0.0:6653"),
    ("ovsdb-listen", "0.0.0.0:6640"),
    ("grpc-listen", "127.0.0.1:50051"),
    ("metrics-listen", "127.0.0.1:9464"),
    ("advertise", "the one they reached it by"),
    ("underlay-mtu", "1500"),
    ("underlay-ipv6", "false"),
    ("vlan-range", "2-4094"),
    ("vni-range", "1-16777215"),
    ("conntrack-zone-floor", "4096"),
    ("connections-per-port", "50000"),
    ("rule-log-rate", "100"),
    ("connections-per-address", "64"),
    ("max-hosts", "4096"),
    ("registrations-per-address", "64"),
    ("change-log-size", "100000"),
    ("change-log-age", "7d"),
    ("drift", "heal"),
    ("foreign-flows", "keep"),
    ("read-back-interval", "3"),
    ("parallel-read-backs", "8"),
    ("removal-limit", "50"),
    ("removal-floor", "500"),
    ("log", "info"),
    ("log-format", "text"),
];

/// Sockets of the system's choice, for a start that is to be refused for another reason.
const LOOPBACK: [&str; 8] = [
    "--openflow-listen",
    "127.0.0.1:0",
    "--ovsdb-listen",
    "127.0.0.1:0",
    "--grpc-listen",
    "127.0.0.1:0",
    "--metrics-listen",
    "127.0.0.1:0",
];

/// A configuration file in a directory that goes with the test.
fn file(text: &str) -> (TempDir, PathBuf) {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("weftd.toml");
    fs::write(&path, text).unwrap();
    (dir, path)
}

#[test]
fn help_names_every_flag_with_its_default_and_its_variable() {
    let (status, said) = Daemon::run(&["--help"]).unwrap();
    assert!(status.success());
    let options = said.split("Options:").nth(1).unwrap();
    let paragraphs = options.split("\n      --").map(str::trim_start).skip(1);
    let mut named = Vec::new();
    for paragraph in paragraphs {
        let name = paragraph.split([' ', '\n']).next().unwrap();
        let variable = format!("[env: WEFT_{}=", name.to_uppercase().replace('-', "_"));
        assert!(paragraph.contains(&variable), "{variable} in {paragraph}");
        if name == "config" {
            continue;
        }
        let default = DEFAULTS.iter().find(|(flag, _)| *flag == name);
        let (_, default) = default.unwrap_or_else(|| panic!("--{name} is not in this test"));
        // Long lines are broken somewhere.
        let text = paragraph.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(&format!("[default: {default}]")), "{paragraph}");
        named.push(name);
    }
    assert_eq!(named, DEFAULTS.map(|(flag, _)| flag));
}

#[test]
fn without_flags_it_listens_where_help_says() {
    // A network of its own, because the ports are the real ones.
    let dir = TempDir::new().unwrap();
    let log = dir.path().join("log");
    let output = File::create(&log).unwrap();
    let weftd = lab::binary("weftd").unwrap();
    let mut command = Command::new("unshare");
    command.args(["--net", "sh", "-c", "ip link set lo up && exec \"$@\"", "sh"]).arg(weftd);
    command.arg("--data-dir").arg(dir.path().join("data"));
    command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
    let mut process = command.spawn().unwrap();
    let said = || fs::read_to_string(&log).unwrap();
    let ready =
        wait_until("weftd to be ready", Duration::from_secs(10), || said().contains("ready"));
    process.kill().unwrap();
    process.wait().unwrap();
    let said = said();
    ready.unwrap_or_else(|error| panic!("{error}: {said}"));
    let listeners: Vec<_> =
        said.lines().filter_map(|line| line.split("listening for ").nth(1)).collect();
    assert_eq!(
        listeners,
        [
            "OpenFlow address=0.0.0.0:6633",
            "OpenFlow address=0.0.0.0:6653",
            "OVSDB address=0.0.0.0:6640",
            "gRPC address=127.0.0.1:50051",
            "metrics address=127.0.0.1:9464",
        ]
    );
    // On its first lines.
    assert!(said.lines().take(listeners.len()).all(|line| line.contains("listening")), "{said}");
}

/// The VNI that the controller chooses for a network, and the network's MTU.
fn chosen(daemon: &Daemon) -> (u32, u32) {
    let api = daemon.api().unwrap();
    let project = pb::Project { name: "project".to_owned(), ..Default::default() };
    let project = api.create_project(pb::CreateProjectRequest { project: Some(project) }).unwrap();
    let network = Some(Kind::Vxlan.request(&project.id));
    let network = api.create_network(pb::CreateNetworkRequest { network }).unwrap();
    assert_eq!(network.r#type(), Type::Vxlan);
    (network.segmentation_id, network.mtu)
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let (_dir, path) = file("vni-range = '300-399'\nunderlay-mtu = 9000\nlog-format = 'json'\n");
    let config = path.to_str().unwrap();
    let start = |args: &[&str], env: &[(&str, &str)]| {
        let mut daemon = Daemon::prepare(args, env).unwrap();
        daemon.start_again().unwrap();
        (chosen(&daemon), daemon.log().starts_with('{'))
    };
    let file = ["--config", config];
    let more = ["--config", config, "--vni-range", "100-199", "--log-format", "text"];
    let env = [("WEFT_VNI_RANGE", "200-299")];
    assert_eq!(start(&[], &[]), ((1, 1450), false));
    assert_eq!(start(&file, &[]), ((300, 8950), true));
    assert_eq!(start(&[], &[("WEFT_CONFIG", config)]), ((300, 8950), true));
    assert_eq!(start(&file, &env), ((200, 8950), true));
    assert_eq!(start(&more, &env), ((100, 8950), false));
    assert_eq!(start(&["--underlay-ipv6"], &env), ((200, 1430), false));
}

#[test]
fn every_line_of_a_json_log_is_an_object() {
    let mut daemon = Daemon::start(&["--log-format", "json", "--log", "debug"]).unwrap();
    chosen(&daemon);
    assert!(daemon.stop().unwrap().success());
    let log = daemon.log();
    assert!(log.lines().count() > 5, "{log}");
    for line in log.lines() {
        let object: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(object["level"].is_string() && object["timestamp"].is_string(), "{line}");
    }
}

#[track_caller]
fn refuses(args: &[&str], words: &[&str]) {
    let (status, said) = Daemon::run(args).unwrap();
    assert!(matches!(status.code(), Some(1 | 2)), "{status}: {said}");
    for word in words {
        assert!(said.contains(word), "{word:?} in {said}");
    }
    assert!(!said.contains("panicked") && !said.contains("ready"), "{said}");
}

#[test]
fn what_it_does_not_know_is_refused() {
    refuses(&["--openflow-port", "6633"], &["unexpected argument '--openflow-port'"]);
    refuses(&["weftd"], &["unexpected argument 'weftd'"]);
    refuses(&["--ovsdb-listen", "6640"], &["'6640'", "--ovsdb-listen"]);
    refuses(&["--log-format", "xml"], &["'xml'", "json"]);
    let in_file = |text: &str, words: &[&str]| {
        let (_dir, path) = file(text);
        let path = path.to_str().unwrap();
        refuses(&["--config", path], &[&[path], words].concat());
    };
    in_file("openflow-port = 6633\n", &["unknown field `openflow-port`", "line 1"]);
    in_file("log = 'info'\ndata_dir = '/x'\n", &["unknown field `data_dir`", "line 2"]);
    in_file("[openflow]\nlisten = '0.0.0.0:6633'\n", &["unknown field `openflow`"]);
    in_file("vni-range = '5'\n", &["expected FIRST-LAST"]);
    in_file("underlay-mtu = 'large'\n", &["underlay-mtu"]);
    in_file("log = \n", &["line 1"]);
    refuses(&["--config", "/nonexistent/weftd.toml"], &["/nonexistent/weftd.toml"]);
}

#[test]
fn values_that_cannot_work_are_refused() {
    let dir = TempDir::new().unwrap();
    let data = dir.path().join("data");
    let with = |more: &[&str], words: &[&str]| {
        let args = [&["--data-dir", data.to_str().unwrap()], &LOOPBACK[..], more].concat();
        refuses(&args, words);
    };
    with(&["--vlan-range", "1-4095"], &["VLAN 4095 is out of range"]);
    with(&["--vni-range", "0-5"], &["VNI 0 is out of range"]);
    with(&["--underlay-mtu", "576"], &["underlay-mtu 576 is too small: expected at least 1330"]);
    with(&["--log", "weft=loud"], &["\"weft=loud\" is no log filter"]);
    assert!(!data.exists(), "nothing was begun");

    fs::write(&data, "a file").unwrap();
    with(&[], &["cannot open the store in", data.to_str().unwrap()]);
    fs::remove_file(&data).unwrap();
    fs::create_dir(&data).unwrap();
    fs::write(data.join("weft.redb"), "no database").unwrap();
    with(&[], &["cannot open the store in", data.to_str().unwrap()]);
    assert_eq!(fs::read_to_string(data.join("weft.redb")).unwrap(), "no database");
}

#[test]
fn a_port_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let dir = TempDir::new().unwrap();
    let names = ["OpenFlow", "OVSDB", "gRPC", "metrics"];
    for (at, name) in names.into_iter().enumerate() {
        let mut args = vec!["--data-dir", dir.path().to_str().unwrap()];
        args.extend(LOOPBACK);
        args[2 + 2 * at + 1] = &taken;
        let (status, said) = Daemon::run(&args).unwrap();
        assert_eq!(status.code(), Some(1), "{said}");
        let wanted = format!("weftd: cannot listen for {name} on {taken}: Address already in use");
        assert!(said.lines().last().unwrap().starts_with(&wanted), "{wanted} in {said}");
    }
}
