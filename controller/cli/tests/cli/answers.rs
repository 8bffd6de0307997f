//! What is printed and how `weft` exits.

use expect_test::{Expect, expect};
use proto::v1 as pb;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, FieldViolation, StatusExt as _};

use crate::controller::{Controller, Run, id, weft};

fn run(controller: Controller, command: &str) -> Run {
    let arguments: Vec<_> = command.split_whitespace().collect();
    tokio::runtime::Runtime::new().unwrap().block_on(controller.run(&arguments))
}

#[track_caller]
fn check(controller: Controller, command: &str, code: i32, stdout: Expect, stderr: Expect) {
    let run = run(controller, command);
    stdout.assert_eq(&run.stdout);
    stderr.assert_eq(&run.stderr);
    assert_eq!(run.code, Some(code));
}

fn refusing(refusal: Status) -> Controller {
    Controller { refusal: Some(refusal), ..Controller::new() }
}

#[test]
fn create_prints_the_resource() {
    check(
        Controller::new(),
        "network create db --project acme --type vxlan --mtu 1400",
        0,
        expect![[r#"
            id                     00000000-0000-4000-8000-000000000100
            key                    0
            name                   db
            description            -
            labels                 -
            create_time            -
            update_time            -
            etag                   -
            revision               7
            project_id             00000000-0000-4000-8000-000000000001
            type                   VXLAN
            physical_network       -
            segmentation_id        0
            mtu                    1400
            shared                 false
            port_security_enabled  -
            status                 STATUS_UNSPECIFIED
            status_reason          -
        "#]],
        expect![[""]],
    );
}

#[test]
fn list_prints_every_page() {
    check(
        Controller::new(),
        "network list",
        0,
        expect![[r#"
            ID                                    NAME  PROJECT  TYPE              SEGMENT  MTU  STATUS
            00000000-0000-4000-8000-000000000002  web   acme     TYPE_UNSPECIFIED  -        0    STATUS_UNSPECIFIED
            00000000-0000-4000-8000-000000000003  twin  acme     TYPE_UNSPECIFIED  -        0    STATUS_UNSPECIFIED
            00000000-0000-4000-8000-000000000004  twin  acme     TYPE_UNSPECIFIED  -        0    STATUS_UNSPECIFIED
        "#]],
        expect![[""]],
    );
    let json = run(Controller::new(), "-o json network list").stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let ids: Vec<_> = json.as_array().unwrap().iter().map(|network| &network["id"]).collect();
    assert_eq!(ids, [&*id(2), &*id(3), &*id(4)]);
}

#[test]
fn invalid_fields_are_named() {
    let violation = FieldViolation::new("network.segmentation_id", "at most 4094, got 5000");
    let details = ErrorDetails::with_bad_request(vec![violation]);
    let refusal = Status::with_error_details(Code::InvalidArgument, "1 field", details);
    let create = "network create db --project acme --type vlan --segmentation-id 5000";
    check(
        refusing(refusal.clone()),
        create,
        1,
        expect![[""]],
        expect![[r#"
        weft: invalid argument: network.segmentation_id: at most 4094, got 5000
    "#]],
    );
    check(
        refusing(refusal),
        &format!("{create} -o json"),
        1,
        expect![[""]],
        expect![[r#"
            {"error":{"code":"INVALID_ARGUMENT","message":"1 field","violations":[{"subject":"network.segmentation_id","description":"at most 4094, got 5000"}]}}
        "#]],
    );
}

#[test]
fn a_name_that_is_not_there() {
    check(
        Controller::new(),
        "network show nope",
        1,
        expect![[""]],
        expect![[r#"
        weft: not found: no network named "nope"
    "#]],
    );
    let unknown_id = format!("port show {}", id(77));
    check(
        Controller::new(),
        &unknown_id,
        1,
        expect![[""]],
        expect![[r#"
        weft: not found: no port named "00000000-0000-4000-8000-000000000077"
    "#]],
    );
    let json = "network show nope --output json";
    check(
        Controller::new(),
        json,
        1,
        expect![[""]],
        expect![[r#"
        {"error":{"code":"NOT_FOUND","message":"no network named \"nope\""}}
    "#]],
    );
}

#[test]
fn an_ambiguous_name_changes_nothing() {
    let run = run(Controller::new(), "network delete web twin");
    assert_eq!((run.code, run.asked), (Some(1), Vec::new()));
    expect![[r#"
        weft: ambiguous: 2 networks are named "twin": say which by id: 00000000-0000-4000-8000-000000000003, 00000000-0000-4000-8000-000000000004
    "#]].assert_eq(&run.stderr);
}

#[test]
fn what_was_deleted_before_a_refusal_is_said() {
    let refusal = Status::failed_precondition("the port is in use");
    let controller = Controller { granted: 1, ..refusing(refusal) };
    check(
        controller,
        "port delete web-1 web-2",
        1,
        expect![[r#"
        port web-1 (00000000-0000-4000-8000-000000000008) deleted, revision 8
    "#]],
        expect![[r#"
        weft: failed precondition: the port is in use
    "#]],
    );
}

#[test]
fn flows_of_every_page_are_printed() {
    let flow = |n| pb::Flow {
        text: format!("table={n}, priority=1 actions=drop"),
        table_id: n,
        ..Default::default()
    };
    let controller = Controller { flows: (0..5).map(flow).collect(), ..Controller::new() };
    check(
        controller.clone(),
        "flow list h1",
        0,
        expect![[r#"
        table=0, priority=1 actions=drop
        table=1, priority=1 actions=drop
        table=2, priority=1 actions=drop
        table=3, priority=1 actions=drop
        table=4, priority=1 actions=drop
    "#]],
        expect![[""]],
    );
    let json = run(controller, "flow list h1 -o json").stdout;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json.as_array().unwrap().len(), 5);
}

#[test]
fn explain_prints_the_explanation() {
    check(
        Controller::new(),
        "flow explain 0x0",
        0,
        expect![[r#"
            Drops what no port owns.
            cookie 0x0, host
        "#]],
        expect![[""]],
    );
}

#[test]
fn waiting_for_ports() {
    check(
        Controller::new(),
        "port wait web-1",
        0,
        expect![[r#"
        ID                                    NAME   NETWORK                               MAC ADDRESS  IP ADDRESSES  HOST  STATUS
        00000000-0000-4000-8000-000000000008  web-1  00000000-0000-4000-8000-000000000002  -            -             -     ACTIVE
    "#]],
        expect![[""]],
    );
    check(
        Controller::new(),
        "port wait web-1 web-2 --timeout 300ms",
        1,
        expect![[""]],
        expect![[r#"
            weft: deadline exceeded: port web-2 is BUILDING
        "#]],
    );
}

#[test]
fn waiting_for_a_revision() {
    let mut late = pb::wait_response::LateHost { name: "h2".to_owned(), ..Default::default() };
    late.set_state(pb::host::State::Syncing);
    let behind = pb::WaitResponse { revision: 12, late_hosts: vec![late], ..Default::default() };
    let done = pb::WaitResponse { revision: 12, done: true, ..Default::default() };
    let in_time = Controller { progress: vec![behind.clone(), done], ..Controller::new() };
    let too_late = Controller { progress: vec![behind], ..Controller::new() };
    check(
        in_time.clone(),
        "wait 12",
        0,
        expect![[r#"
        revision 12 is confirmed by every host
    "#]],
        expect![[""]],
    );
    check(
        in_time,
        "wait 12 -o json",
        0,
        expect![[r#"
        {
          "revision": 12,
          "done": true,
          "late_hosts": [],
          "offline_hosts": [],
          "held_hosts": []
        }
    "#]],
        expect![[""]],
    );
    check(
        too_late,
        "wait 12 --timeout 1s",
        1,
        expect![[""]],
        expect![[r#"
        weft: deadline exceeded: host h2 is SYNCING at revision 0, not 12
    "#]],
    );
    let run = run(Controller::new(), "wait 12 --timeout 1500ms");
    assert_eq!(run.asked, ["WaitRequest revision:12,timeout{seconds:1,nanos:500000000}"]);
}

#[test]
fn a_wrong_command_line_exits_with_two() {
    for wrong in [
        "network create db --project acme",
        "network create db --project acme --type token-ring",
        "network update web",
        "port wait web-1 --timeout soon",
        "flow list h1 --owner router:r1",
        "subnet create v4 --network web --cidr 10.0.0.0/24 --pool 10.0.0.5",
    ] {
        let run = run(Controller::new(), wrong);
        assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""), "{wrong}");
        assert!(!run.stderr.is_empty(), "{wrong}");
        assert_eq!(run.asked, Vec::<String>::new(), "{wrong}");
    }
}

#[tokio::test]
async fn no_controller_is_said_with_its_address() {
    let directory = tempfile::tempdir().unwrap();
    let server = format!("unix:{}", directory.path().join("none").display());
    let output = weft().args(["--server", &server, "host", "list"]).output().await.unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    let wanted = format!("weft: unavailable: cannot reach {server}: No such file or directory");
    assert!(stderr.starts_with(&wanted), "{stderr}");
}

#[tokio::test]
async fn a_closed_pipe_is_no_error() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let child = weft()
        .args(["completions", "bash"])
        .stdout(writer)
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let output = child.wait_with_output().await.unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[test]
fn show_tells_what_a_ports_host_has_dropped() {
    let shown = run(Controller::new(), "port show web-1");
    let (port, dropped) = shown.stdout.split_once("\n\n").expect("two parts");
    assert!(port.starts_with("id "), "{port}");
    expect![[r#"
        connections: 12 opened, 7 accepted
        packets dropped on h1
        PACKETS  BYTES  TABLE  REASON   EXPLANATION
        3        180    guard  Spoofed  source address that is not the port's
    "#]]
    .assert_eq(dropped);
    assert_eq!(
        run(Controller::new(), "--output json port show web-1").stdout.matches("Spoofed").count(),
        0
    );
    check(
        Controller::new(),
        "port counters web-1",
        0,
        expect![[r#"
            connections: 12 opened, 7 accepted
            PACKETS  BYTES  TABLE  REASON      EXPLANATION
            0        0      guard  DhcpServer  source address that is not the port's
            3        180    guard  Spoofed     source address that is not the port's
        "#]],
        expect![[""]],
    );
}
