//! Start, service and end.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use lab::wait_until;
use proto::v1 as pb;
use proto::v1::change_service_client::ChangeServiceClient;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tests::{Api, Daemon};
use tonic::transport::Channel;
use tonic::{Code, Response, Status, Streaming};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::peers::{Database, Peer, Switch, root, uuid};

/// How long an end may take, however much is open. Nobody has to be waited for.
const END: Duration = Duration::from_secs(3);

/// How long a host may have to say something until it is asked something.
const ASKED: Duration = Duration::from_secs(30);

fn project(name: &str) -> pb::CreateProjectRequest {
    let project = Some(pb::Project { name: name.to_owned(), ..Default::default() });
    pb::CreateProjectRequest { project }
}

/// Waits on a stream of the API until it ends, on a thread of its own.
fn follow<T: Send + 'static, F>(
    server: String,
    open: impl FnOnce(Channel) -> F + Send + 'static,
) -> JoinHandle<Result<(), Status>>
where
    F: Future<Output = Result<Response<Streaming<T>>, Status>>,
{
    let (sender, first) = channel();
    let thread = thread::spawn(move || {
        let api = Api::connect(&server).unwrap();
        let mut answers = api.call(open).unwrap();
        while let Some(answer) = api.block_on(answers.message())? {
            // The test waits for the first one only.
            let _ = sender.send(answer);
        }
        Ok(())
    });
    first.recv_timeout(END).unwrap();
    thread
}

#[test]
fn it_ends_at_once_when_asked_to_whatever_is_open() {
    let mut daemon = Daemon::start(&[]).unwrap();
    // A host whose switch never says what flows it has.
    let mut rows = root("host", &[]);
    let bridge = json!({"name": "br-int", "datapath_id": "0000000000000001"});
    rows["Bridge"] = json!({uuid(2): {"initial": bridge}});
    let database = Database::connect(&daemon, rows);
    daemon.wait_for_log(&[&database.peer.name(), "host connected"]).unwrap();
    let mut switch = Switch::connect(&daemon, 1);
    switch.assert_answered();
    let silent = ["OpenFlow", "OVSDB", "metrics"].map(|what| Peer::connect(&daemon, what));
    daemon.api().unwrap().create_project(project("waited for")).unwrap();
    let health = follow(daemon.server(), async |channel| {
        let request = HealthCheckRequest { service: String::new() };
        HealthClient::new(channel).watch(request).await
    });
    let progress = follow(daemon.server(), async |channel| {
        ChangeServiceClient::new(channel).wait(pb::WaitRequest::default()).await
    });

    let asked = Instant::now();
    assert!(daemon.stop().unwrap().success(), "{}", daemon.log());
    assert!(asked.elapsed() < END, "{:?}", asked.elapsed());
    silent.into_iter().for_each(|peer| drop(peer.until_closed()));
    switch.peer.until_closed();
    database.until_closed();
    assert!(health.join().unwrap().is_ok());
    assert_eq!(progress.join().unwrap().unwrap_err().code(), Code::Unavailable);
}

#[test]
fn it_ends_well_on_an_interrupt() {
    let dir = tempfile::TempDir::new().unwrap();
    let mut command = std::process::Command::new(lab::binary("weftd").unwrap());
    command.arg("--data-dir").arg(dir.path());
    for listener in ["openflow", "ovsdb", "grpc", "metrics"] {
        command.args([&format!("--{listener}-listen"), "127.0.0.1:0"]);
    }
    let mut process = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut log = String::new();
    let mut stderr = process.stderr.take().unwrap();
    while !log.contains("ready") {
        let mut bytes = [0; 4096];
        let count = stderr.read(&mut bytes).unwrap();
        assert_ne!(count, 0, "it has ended: {log}");
        log += &String::from_utf8_lossy(&bytes[..count]);
    }
    let pid = Pid::from_raw(i32::try_from(process.id()).unwrap()).unwrap();
    kill_process(pid, Signal::INT).unwrap();
    assert!(process.wait().unwrap().success());
}

#[test]
fn a_second_one_on_the_same_store_is_refused() {
    let mut daemon = Daemon::start(&[]).unwrap();
    let api = daemon.api().unwrap();
    api.create_project(project("kept")).unwrap();
    let store = daemon.dir().join("data");
    let mut args = vec!["--data-dir", store.to_str().unwrap()];
    for listener in ["--openflow-listen", "--ovsdb-listen", "--grpc-listen", "--metrics-listen"] {
        args.extend([listener, "127.0.0.1:0"]);
    }
    let (status, said) = Daemon::run(&args).unwrap();
    assert_eq!(status.code(), Some(1), "{said}");
    let last = said.lines().last().unwrap();
    let wanted = format!("weftd: cannot open the store in {}: ", store.display());
    assert!(last.starts_with(&wanted) && last.contains("already open"), "{said}");

    // The first goes on, also in the store.
    api.create_project(project("kept, too")).unwrap();
    daemon.kill().unwrap();
    daemon.start_again().unwrap();
    let projects = daemon.api().unwrap().list_projects(Default::default()).unwrap().projects;
    assert_eq!(projects.len(), 2);
}

#[test]
fn metrics_are_served_in_the_format_of_prometheus() {
    let daemon = Daemon::start(&[]).unwrap();
    let api = daemon.api().unwrap();
    let address = daemon.listener("metrics").unwrap();
    let fetch = |path: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: weftd\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let before = fetch("/metrics");
    assert!(before.starts_with("HTTP/1.1 200 OK\r\n"), "{before}");
    assert!(before.contains("content-type: text/plain; version=0.0.4\r\n"), "{before}");
    assert!(before.contains("\nweft_resources{kind=\"project\"} 0\n"), "{before}");

    let revision = api.create_project(project("counted")).unwrap().revision;
    let database = Database::connect(&daemon, root("host", &[("hostname", "a\"b\\")]));
    daemon.wait_for_log(&["host connected"]).unwrap();
    let after = fetch("/metrics");
    for line in [
        "# TYPE weft_resources gauge",
        "weft_resources{kind=\"project\"} 1",
        "weft_resources{kind=\"host\"} 1",
        // Connected, but without a switch; the name as the format wants it.
        "weft_host_state{host=\"a\\\"b\\\\\"} 0",
    ] {
        assert!(after.lines().any(|other| other == line), "{line} in {after}");
    }
    let stored = after.lines().find_map(|line| line.strip_prefix("weft_store_revision "));
    assert!(stored.unwrap().parse::<u64>().unwrap() >= revision, "{after}");
    drop(database);

    assert!(fetch("/").starts_with("HTTP/1.1 404 "));
    let mut nonsense = Peer::connect(&daemon, "metrics");
    nonsense.send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n");
    nonsense.until_closed();
    assert!(fetch("/metrics").starts_with("HTTP/1.1 200 OK\r\n"));
}

#[test]
fn grpc_is_served_on_every_address_that_it_is_told() {
    let daemon = Daemon::start(&["--grpc-listen", "127.0.0.1:0"]).unwrap();
    let log = daemon.log();
    let lines = log.lines().filter_map(|line| line.split("listening for gRPC address=").nth(1));
    let tcp: Vec<_> = lines.filter(|address| !address.starts_with("unix:")).collect();
    assert_eq!(tcp.len(), 1, "{log}");
    let api = Api::connect(&format!("http://{}", tcp[0])).unwrap();
    let made = api.create_project(project("by TCP")).unwrap();
    let request = pb::GetProjectRequest { id: made.id.clone() };
    assert_eq!(daemon.api().unwrap().get_project(request).unwrap(), made);
}

/// But for that its ovsdb-server would wait the longer for the next controller, the sooner that comes.
#[test]
fn a_host_that_dials_in_is_probed_though_it_is_not_silent() {
    let daemon = Daemon::start(&[]).unwrap();
    let (sender, probes) = channel();
    let mut scripted = Database::scripted(root("talkative", &[]));
    let mut database = Database::answering(&daemon, move |method, params| {
        if method == "echo" {
            sender.send(()).unwrap();
        }
        scripted(method, params)
    });
    wait_until("a probe", ASKED, || {
        database.assert_answered();
        probes.try_recv().is_ok()
    })
    .unwrap();
}
