//! `weft watch`.

use expect_test::expect;
use proto::v1 as pb;
use proto::v1::watch_response::change::Change;

use crate::controller::{Controller, Run, id};

fn run(command: &str) -> Run {
    let project = pb::Project { id: id(1), name: "acme".to_owned(), ..Default::default() };
    let project = pb::resource::Resource::Project(project);
    let put = Change::Put(pb::Resource { resource: Some(project) });
    let changes = vec![pb::watch_response::Change { change: Some(put) }];
    let first = pb::WatchResponse { revision: 7, changes, complete: true, snapshot: true };
    let last = pb::WatchResponse { revision: 9, complete: true, ..Default::default() };
    let controller = Controller { changes: vec![first, last], ..Controller::new() };
    let arguments: Vec<_> = command.split_whitespace().collect();
    tokio::runtime::Runtime::new().unwrap().block_on(controller.run(&arguments))
}

#[test]
fn changes_are_printed_until_the_stream_ends() {
    let run = run("watch --from 6 --kind port --kind project");
    assert_eq!(run.asked, ["WatchRequest from_revision:6,kinds:[PORT,PROJECT]"]);
    expect![[r#"
        7        put      project acme (00000000-0000-4000-8000-000000000001)
        7        that is all; from here on, what changes
    "#]]
    .assert_eq(&run.stdout);
    expect![[r#"
        weft: out of range: revision 7 is not kept any more
    "#]]
    .assert_eq(&run.stderr);
    assert_eq!(run.code, Some(1));
}

#[test]
fn in_json_each_response_is_a_line() {
    let run = run("watch -o json");
    assert_eq!(run.asked, ["WatchRequest"]);
    let lines: Vec<serde_json::Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [first, last] = lines.as_slice() else { panic!("{lines:?}") };
    assert_eq!(first["changes"][0]["put"]["project"]["name"], "acme");
    assert_eq!((&first["snapshot"], &last["revision"]), (&true.into(), &9.into()));
}
