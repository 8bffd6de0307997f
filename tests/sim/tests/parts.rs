//! What is simulated behaves as what it stands for does.

use controller::switch::Connection;
use openflow::message::{FlowMod, FlowModCommand};
use openflow::{Flow, Match};
use redb::StorageBackend as _;
use sim::{Disk, Faults, Random, Switch};
use tokio::io::duplex;

fn flow(text: &str) -> Flow {
    text.parse().expect("a flow")
}

#[test]
fn what_was_synced_survives_a_crash_and_what_was_not_may_not() {
    let disk = Disk::default();
    let mut lost = 0;
    for seed in 0..20 {
        let file = disk.open();
        file.set_len(4).unwrap();
        file.write(0, b"sync").unwrap();
        file.sync_data().unwrap();
        file.write(0, b"late").unwrap();
        disk.crash(&mut Random::new(seed));
        assert!(file.write(0, b"dead").is_err() && file.sync_data().is_err());
        let mut found = [0; 4];
        disk.open().read(0, &mut found).unwrap();
        assert!(&found == b"sync" || &found == b"late", "{found:?}");
        lost += u32::from(&found == b"sync");
    }
    assert!((1..20).contains(&lost), "{lost} of 20");
}

#[test]
fn a_disk_that_fails_fails_until_it_is_opened_anew() {
    let disk = Disk::default();
    let file = disk.open();
    file.set_len(4).unwrap();
    disk.fail_in(2);
    file.write(0, b"once").unwrap();
    assert!(file.write(0, b"more").is_err() && file.sync_data().is_err());
    assert!(disk.open().write(0, b"anew").is_ok());
}

#[test]
fn a_delete_takes_the_flows_that_its_cookie_and_match_cover() {
    let switch = Switch::new(1);
    let flows = [
        "cookie=0x11,table=1,priority=5,ip actions=drop",
        "cookie=0x12,table=1,priority=5,ip,nw_src=10.0.0.0/8 actions=drop",
        "cookie=0x21,table=2,priority=5,ip,nw_src=10.1.0.0/16 actions=drop",
    ];
    let add = || switch.change_by_hand(&flows.map(|text| FlowMod::add(flow(text))));
    let left_by = |delete: FlowMod| {
        add();
        switch.change_by_hand(&[delete]);
        let mut left: Vec<_> = switch.flows().iter().map(|flow| flow.cookie).collect();
        left.sort_unstable();
        left
    };
    assert_eq!(left_by(FlowMod::delete_by_cookie(255, 0x10, 0xf0)), [0x21]);
    assert_eq!(left_by(FlowMod::delete_by_cookie(2, 0x10, 0xf0)), [0x11, 0x12, 0x21]);
    let within = Flow { table: 255, ..flow("table=1,ip,nw_src=10.0.0.0/8 actions=drop") };
    assert_eq!(left_by(FlowMod::new(FlowModCommand::Delete, within)), [0x11]);
    let strict = FlowMod::delete_strict(flow(flows[1]).id());
    assert_eq!(left_by(strict.clone()), [0x11, 0x21]);
    let foreign = FlowMod { cookie_mask: 0xf0, ..strict };
    assert_eq!(left_by(foreign), [0x11, 0x12, 0x21]);
}

#[tokio::test]
async fn a_controller_reads_back_what_others_have_put() {
    let switch = Switch::new(0x42);
    let put: Vec<_> = (0..3000u32)
        .map(|number| Flow {
            table: 1,
            matching: Match::new().with(openflow::Field::IN_PORT, number),
            ..Flow::default()
        })
        .collect();
    switch.change_by_hand(&put.iter().cloned().map(FlowMod::add).collect::<Vec<_>>());
    // Full already: nothing that is told depends on it.
    switch.set_faults(Faults { capacity: Some(3000), ..Faults::default() });
    let (near, far) = duplex(1 << 16);
    let served = tokio::spawn({
        let switch = switch.clone();
        async move { switch.serve(far).await }
    });
    let (mut connection, features) = Connection::open(near).await.unwrap();
    assert_eq!(features.datapath_id, 0x42);
    let told = connection.read_back(controller::engine::Which::All).await.unwrap();
    let mut told: Vec<_> = told.into_iter().map(|stats| stats.flow.to_string()).collect();
    let mut expected: Vec<_> = put.iter().map(ToString::to_string).collect();
    told.sort();
    expected.sort();
    assert_eq!(told, expected);
    drop(connection);
    served.await.unwrap();
}
