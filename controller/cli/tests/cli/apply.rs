//! `weft apply`.

use expect_test::expect;
use tonic::Status;

use crate::controller::{Controller, Run};

const CHANGES: &str = r#"
{"create_network":{"network":{"name":"blue"}}}
{"delete_port":{"id":"p-1"}}
"#;

/// Runs `weft apply` on a file with these lines.
fn run(controller: Controller, lines: &str, arguments: &[&str]) -> Run {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("changes");
    std::fs::write(&file, lines).unwrap();
    let arguments = [&["apply", "-f", file.to_str().unwrap()], arguments].concat();
    let mut run = tokio::runtime::Runtime::new().unwrap().block_on(controller.run(&arguments));
    run.stderr = run.stderr.replace(file.to_str().unwrap(), "FILE");
    run
}

#[test]
fn changes_are_made_in_one_request() {
    let run = run(Controller::new(), CHANGES, &["--base", "6"]);
    expect![[r#"ApplyRequest changes:[{create_network{network{name:"blue"}}},{delete_port{id:"p-1"}}],base_revision:6"#]].assert_eq(&run.asked.join("\n"));
    expect![[r#"
        network blue (00000000-0000-4000-8000-000000000100)
        revision 7
    "#]]
    .assert_eq(&run.stdout);
    assert_eq!((run.stderr.as_str(), run.code), ("", Some(0)));
}

#[test]
fn a_dry_run_prints_what_would_change_on_the_hosts() {
    let run = run(Controller::new(), CHANGES, &["--dry-run"]);
    assert!(run.asked[0].contains("validate_only:true"), "{:?}", run.asked);
    expect![[r#"
        HOST    FLOWS ADDED  CHANGED  REMOVED
        rack-1  12           0        0
        nothing is changed; as of revision 7
    "#]]
    .assert_eq(&run.stdout);
    assert_eq!((run.stderr.as_str(), run.code), ("", Some(0)));
}

#[test]
fn what_is_refused_is_said() {
    let refusal = Some(Status::aborted("the store is at revision 8, the request expects 6"));
    let run = run(Controller { refusal, ..Controller::new() }, CHANGES, &["--base", "6"]);
    expect![[r#"
        weft: aborted: the store is at revision 8, the request expects 6
    "#]]
    .assert_eq(&run.stderr);
    assert_eq!(run.code, Some(1));
}

#[test]
fn a_file_that_is_no_list_of_changes_is_not_sent() {
    let wrong = run(Controller::new(), "{\"delete_port\":{\"name\":\"web\"}}", &[]);
    expect![[r#"
        weft: invalid input: FILE:1: unrecognized field name 'name' at line 1 column 22
    "#]]
    .assert_eq(&wrong.stderr);
    assert_eq!((wrong.code, wrong.asked.len()), (Some(1), 0));
}
