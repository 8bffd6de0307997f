//! The controller alone, on loopback: what it is told, what it is sent, and how it ends.

use tests::Daemon;

#[test]
fn it_ends_well_when_asked_to() {
    let mut daemon = Daemon::start(&[]).unwrap();
    assert!(daemon.stop().unwrap().success());
}
