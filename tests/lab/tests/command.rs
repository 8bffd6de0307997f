//! The `weft-lab` command.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use lab::{LabId, Owner, run};

/// `weft-lab up` in the background, and the lab it made.
fn up() -> (Child, LabId) {
    let mut command = weft_lab(&["up", "--hosts", "1"]);
    let mut child = command.stdout(Stdio::piped()).spawn().expect("weft-lab starts");
    let mut lines = BufReader::new(child.stdout.take().expect("its output is piped")).lines();
    let first = lines.next().expect("it says something").expect("in UTF-8");
    let name = first.strip_prefix("lab ").and_then(|rest| rest.split(' ').next());
    let id = LabId::find(name.expect("it says which lab is up")).expect("the lab exists");
    // Reading on keeps the pipe open for what it says later.
    std::thread::spawn(move || lines.count());
    (child, id)
}

fn weft_lab(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weft-lab"));
    command.args(args);
    command
}

fn signal(child: &Child, name: &str) {
    run(Command::new("kill").args(["-s", name, &child.id().to_string()])).expect("it is running");
}

#[test]
fn an_interrupted_lab_is_removed() {
    let (mut child, id) = up();
    let name = id.to_string();
    let shown =
        run(&mut weft_lab(&["exec", "--lab", &name, "h1", "ovs-vsctl", "list-br"])).unwrap();
    assert_eq!(shown, "br-phy\nbr-provider\n");
    let failed = weft_lab(&["exec", "--lab", &name, "h1", "sh", "-c", "exit 7"]).status().unwrap();
    assert_eq!(failed.code(), Some(7), "the command's exit code is passed on");
    assert!(run(&mut weft_lab(&["exec", "--lab", &name, "h9", "true"])).is_err());

    signal(&child, "INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!id.run_dir().exists() && id.nodes().unwrap().is_empty());
}

#[test]
fn what_a_killed_lab_left_behind_is_cleaned() {
    let (mut child, id) = up();
    child.kill().unwrap();
    child.wait().unwrap();
    // Another lab that starts at this moment may have cleaned up already.
    assert!(matches!(id.owner(), Owner::Gone));
    run(&mut weft_lab(&["clean"])).unwrap();
    assert!(!id.run_dir().exists() && id.nodes().unwrap().is_empty());
}

#[test]
fn a_detached_lab_stays_until_it_is_asked_to_go() {
    let said = run(&mut weft_lab(&["up", "--hosts", "1", "--detach"])).unwrap();
    let name = said.strip_prefix("lab ").and_then(|rest| rest.split(' ').next()).unwrap();
    let id = LabId::find(name).unwrap();
    assert_eq!(id.owner(), Owner::Detached);
    run(&mut weft_lab(&["clean"])).unwrap();
    let daemons = run(&mut weft_lab(&["exec", "--lab", name, "h1", "ovs-vsctl", "show"])).unwrap();
    assert!(daemons.contains("br-phy"), "{daemons}");
    id.remove().unwrap();
    assert!(!id.run_dir().exists() && id.nodes().unwrap().is_empty());
}
