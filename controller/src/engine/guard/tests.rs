use uuid::Uuid;

use super::*;

const NOW: Timestamp = Timestamp(7);
const LATER: Timestamp = Timestamp(9);
const NONE: Removal = Removal { flows: 0, of: 0 };

fn removal(flows: u64, of: u64) -> Removal {
    Removal { flows, of }
}

/// What stays of so many orphaned flows.
fn judge(guard: &mut Guard, it: Removal, others: Removal) -> Stay {
    let surplus = Surplus { orphaned: it.flows, extra: 10, of: it.of };
    guard.judge(surplus, others, RemovalLimit::default(), NOW)
}

/// The hosts on which a change is held that takes `flows` of `of` from each, where all have
/// `of_all`.
fn held(limit: RemovalLimit, hosts: &[(usize, usize)], of_all: usize) -> Vec<usize> {
    let loss = |(host, &(flows, of)): (usize, &(usize, usize))| {
        (HostId(Uuid::from_u128(host as u128)), Loss { flows, of })
    };
    let losses = Losses { hosts: hosts.iter().enumerate().map(loss).collect(), of: of_all };
    limit.held(losses).keys().map(|host| host.0.as_u128() as usize).collect()
}

#[test]
fn most_of_a_hosts_flows_do_not_go_at_first_sight() {
    let mut guard = Guard::default();
    assert_eq!(judge(&mut guard, removal(900, 1000), NONE), Stay::Orphaned);
    assert_eq!(guard.hold(), Some(Hold { removal: removal(900, 1000), since: NOW }));
    // Nor when it connects again, whatever else has gone meanwhile.
    assert_eq!(judge(&mut guard, removal(400, 1000), NONE), Stay::Orphaned);
    assert_eq!(guard.hold(), Some(Hold { removal: removal(400, 1000), since: NOW }));
    assert!(guard.release());
    assert!(!guard.release());
    assert_eq!(judge(&mut guard, removal(900, 1000), NONE), Stay::Nothing);
    assert_eq!(guard.hold(), None);
}

#[test]
fn a_small_share_or_a_small_number_goes_and_so_does_what_was_deleted_here() {
    for it in [removal(500, 1000), removal(500, 500), removal(0, 9000)] {
        let mut guard = Guard::default();
        assert_eq!(judge(&mut guard, it, NONE), Stay::Nothing, "{it:?}");
        // The host was as it should be: what goes now was deleted meanwhile.
        assert_eq!(judge(&mut guard, removal(9000, 9000), NONE), Stay::Nothing);
    }
    let all = RemovalLimit { percent: 100, floor: 0 };
    let surplus = Surplus { orphaned: 900, extra: 0, of: 900 };
    assert_eq!(Guard::default().judge(surplus, NONE, all, NOW), Stay::Nothing);
}

#[test]
fn what_is_little_on_each_host_and_much_on_all_is_held() {
    let (mut others, mut held) = (NONE, 0);
    for _ in 0..100 {
        let mut guard = Guard::default();
        held += usize::from(judge(&mut guard, removal(100, 110), others) == Stay::Orphaned);
        others = others + guard.first();
    }
    assert_eq!(held, 95);
    // A host of which nothing is to go is not concerned.
    assert_eq!(judge(&mut Guard::default(), removal(0, 110), others), Stay::Nothing);
}

#[test]
fn a_change_that_takes_too_much_from_a_host_is_held_there_and_goes_elsewhere() {
    let limit = RemovalLimit::default();
    let hosts = [(501, 1000), (500, 1000), (5000, 10_000), (500, 500), (5001, 10_000)];
    assert_eq!(held(limit, &hosts, 100_000), [0, 4]);
    assert_eq!(held(RemovalLimit { percent: 100, floor: 0 }, &hosts, 100_000), [0; 0]);
    assert_eq!(held(RemovalLimit { percent: 0, floor: 0 }, &hosts[..1], 100_000), [0]);
}

#[test]
fn a_change_that_takes_too_much_from_all_hosts_is_held_wherever_it_takes_anything() {
    let hosts = vec![(50, 100); 20];
    assert_eq!(held(RemovalLimit::default(), &hosts, 2000), [0; 0]);
    let hosts = vec![(51, 100); 20];
    assert_eq!(held(RemovalLimit::default(), &hosts, 2000), (0..20).collect::<Vec<_>>());
    // Of hosts that lose nothing are flows, too.
    assert_eq!(held(RemovalLimit::default(), &hosts, 2500), [0; 0]);
    // So many may go, in all.
    assert_eq!(held(RemovalLimit::default(), &hosts[..9], 900), [0; 0]);
}

#[test]
fn what_a_change_leaves_is_held_until_it_is_released_or_there_is_none() {
    let mut guard = Guard::default();
    assert_eq!(judge(&mut guard, removal(3, 1000), NONE), Stay::Nothing);
    guard.hold_change(removal(600, 1000), NOW);
    guard.hold_change(removal(100, 150), LATER);
    assert_eq!(guard.hold(), Some(Hold { removal: removal(700, 750), since: NOW }));
    // Few as they may be, all that the switch has too much stays.
    assert_eq!(judge(&mut guard, removal(3, 800), NONE), Stay::Everything);
    assert_eq!(guard.hold(), Some(Hold { removal: removal(13, 800), since: NOW }));
    guard.found(5);
    assert_eq!(guard.hold(), Some(Hold { removal: removal(5, 800), since: NOW }));
    assert!(guard.release());
    assert_eq!(judge(&mut guard, removal(3, 800), NONE), Stay::Nothing);

    guard.hold_change(removal(600, 1000), NOW);
    guard.found(0);
    assert_eq!((guard.hold(), guard.release()), (None, false));
    assert_eq!(judge(&mut guard, removal(900, 1000), NONE), Stay::Nothing);

    // What was held at first sight is held on, with what a change leaves.
    let mut guard = Guard::default();
    assert_eq!(judge(&mut guard, removal(900, 1000), NONE), Stay::Orphaned);
    guard.hold_change(removal(80, 100), LATER);
    assert_eq!(guard.hold(), Some(Hold { removal: removal(980, 1000), since: NOW }));
    assert_eq!(judge(&mut guard, removal(980, 1000), NONE), Stay::Everything);
}

#[test]
fn the_limit_is_documented() {
    use crate::limits::documented::{check, number};
    let RemovalLimit { percent, floor } = RemovalLimit::default();
    let limits = [
        ("of a host's flows, by one change or when it is first seen, in percent", number(percent)),
        ("of all hosts' flows together, likewise", number(percent)),
        ("flows that may go whatever their share is, of a host or of all", number(floor)),
    ];
    check("What may go at once", &limits);
}
