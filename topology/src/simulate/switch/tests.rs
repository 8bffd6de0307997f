use openflow::{MacAddr, Match, Subfield};

use super::*;

const IN: PortNo = PortNo(1);
const OUT: PortNo = PortNo(2);

fn flow(table: u8, matching: Match, instructions: Vec<Instruction>) -> Arc<Flow> {
    let cookie = u64::from(table) << 8;
    Arc::new(Flow { table, priority: 1, cookie, matching, instructions, ..Flow::default() })
}

fn apply(table: u8, actions: Vec<Action>) -> Arc<Flow> {
    flow(table, Match::new(), vec![Instruction::ApplyActions(actions)])
}

#[track_caller]
fn run(flows: impl IntoIterator<Item = Arc<Flow>>) -> Trace {
    let mac = MacAddr::new([2, 0, 0, 0, 0, 1]);
    let packet = Packet::ethernet(mac, MacAddr::BROADCAST, 0x88b5);
    Switch::with_flows(flows).unwrap().process(IN, packet)
}

fn ports(trace: &Trace) -> Vec<u32> {
    trace.outputs().map(|(port, _)| port.0).collect()
}

#[test]
fn an_empty_switch_drops() {
    let dropped = Dropped { table: 0, cookie: None, reason: DropReason::NoMatch };
    assert_eq!(run([]).drops().collect::<Vec<_>>(), [dropped]);
}

#[test]
fn only_in_port_sends_back() {
    let trace = run([apply(
        0,
        vec![Action::output(IN), Action::output(OUT), Action::output(PortNo::IN_PORT)],
    )]);
    assert_eq!(ports(&trace), [2, 1]);
    let dropped = Dropped { table: 0, cookie: Some(0), reason: DropReason::InPort };
    assert_eq!(trace.drops().collect::<Vec<_>>(), [dropped]);
}

#[test]
fn a_flow_that_sends_nowhere_drops_by_its_cookie() {
    let set = Action::set_field(Field::REG0, 1u32);
    let goto = Instruction::GotoTable(5);
    let trace = run([
        flow(0, Match::new(), vec![Instruction::ApplyActions(vec![set.clone()]), goto]),
        apply(5, vec![set]),
    ]);
    let dropped = Dropped { table: 5, cookie: Some(0x500), reason: DropReason::Flow };
    assert_eq!(trace.drops().collect::<Vec<_>>(), [dropped]);
    assert_eq!(trace.lookups().map(|(table, _)| table).collect::<Vec<_>>(), [0, 5]);
}

#[test]
fn what_a_resubmit_changes_stays_changed_and_the_input_port_returns() {
    let as_if = Resubmit { in_port: PortNo(9), table: 10, ct: false };
    let trace = run([
        apply(0, vec![Action::Resubmit(as_if), Action::output(IN), Action::resubmit(20)]),
        apply(10, vec![Action::set_field(Field::REG2, 7u32), Action::output(IN)]),
        flow(
            20,
            Match::new().with(Field::REG2, 7u32).with(Field::IN_PORT, IN),
            vec![Instruction::ApplyActions(vec![Action::output(OUT)])],
        ),
    ]);
    assert_eq!(ports(&trace), [1, 2]);
}

#[test]
fn a_goto_inside_a_resubmit_comes_back() {
    let trace = run([
        apply(0, vec![Action::resubmit(10), Action::output(PortNo(3))]),
        flow(10, Match::new(), vec![Instruction::GotoTable(20)]),
        apply(20, vec![Action::output(OUT)]),
    ]);
    assert_eq!(ports(&trace), [2, 3]);
}

#[test]
fn endless_resubmits_end_and_nothing_leaves() {
    let nested = run([apply(0, vec![Action::output(OUT), Action::resubmit(255)])]);
    assert_eq!(nested.drops().last().unwrap().reason, DropReason::TooDeep);
    assert_eq!(nested.lookups().count(), 65);
    assert_eq!(nested.outputs().count(), 0);

    let copies = |count| {
        run([apply(0, vec![Action::resubmit(1); count]), apply(1, vec![Action::output(OUT)])])
    };
    assert_eq!(ports(&copies(4096)).len(), 4096);
    let too_many = copies(4097);
    assert_eq!(too_many.drops().last().unwrap().reason, DropReason::TooManyLookups);
    assert_eq!(too_many.outputs().count(), 0);
}

#[test]
fn the_action_set_runs_last_and_in_its_own_order() {
    let write = Instruction::WriteActions(vec![
        Action::output(OUT),
        Action::set_field(Field::ETH_DST, MacAddr::ZERO),
    ]);
    let overwrite = Instruction::WriteActions(vec![Action::output(PortNo(3))]);
    let trace = run([
        flow(0, Match::new(), vec![write, Instruction::GotoTable(1)]),
        flow(1, Match::new(), vec![overwrite]),
    ]);
    let outputs: Vec<_> = trace.outputs().collect();
    assert_eq!(outputs.len(), 1);
    assert_eq!(outputs[0].0, PortNo(3));
    assert_eq!(outputs[0].1.field(Field::ETH_DST), 0);
    assert_eq!(trace.drops().count(), 0);
}

#[test]
fn bits_are_moved_loaded_and_set_under_a_mask() {
    let low = |field| Subfield { field, offset: 0, bits: 16 };
    let high = Subfield { field: Field::REG1, offset: 16, bits: 16 };
    let trace = run([apply(
        0,
        vec![
            Action::Load { destination: low(Field::REG0), value: 0xabcd },
            Action::Move { source: low(Field::REG0), destination: high },
            Action::SetField(Oxm::masked(Field::REG1, 0x0fu32, 0xffu32)),
            Action::OutputReg { source: Subfield::whole(Field::REG1), max_len: 0 },
        ],
    )]);
    assert_eq!(ports(&trace), [0xabcd_000f]);
}

#[test]
fn a_used_up_ttl_ends_everything() {
    let ip = Match::new().with(Field::ETH_TYPE, 0x0800u16);
    let actions = vec![Action::DecNwTtl, Action::output(OUT)];
    let flow = flow(0, ip, vec![Instruction::ApplyActions(actions)]);
    let switch = Switch::with_flows([flow]).unwrap();
    let packet = Packet::new().with(Field::ETH_TYPE, 0x0800u16);
    let live = switch.process(IN, packet.clone().with(Field::IP_TTL, 2u8));
    assert_eq!(live.outputs().next().unwrap().1.field(Field::IP_TTL), 1);
    let dead = switch.process(IN, packet.with(Field::IP_TTL, 1u8));
    assert_eq!(ports(&dead), [0u32; 0]);
    assert_eq!(dead.drops().next().unwrap().reason, DropReason::Ttl);
}
