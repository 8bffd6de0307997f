//! Our flows on a real Open vSwitch: it accepts them, prints what we print, and gives back what we
//! sent, to the byte.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "ovs/switch.rs"]
mod switch;

use openflow::message::{FlowMod, FlowModCommand, Message, flow_frame};
use openflow::*;
use switch::Switch;

fn mac(last: u8) -> MacAddr {
    MacAddr::new([0xfa, 0x16, 0x3e, 0, 0, last])
}

fn apply(actions: Vec<Action>) -> Vec<Instruction> {
    vec![Instruction::ApplyActions(actions)]
}

fn flows() -> Vec<Flow> {
    let output = || apply(vec![Action::output(PortNo(1))]);
    let ip = || Match::new().with(Field::ETH_TYPE, 0x0800u16);
    let ip6 = || Match::new().with(Field::ETH_TYPE, 0x86ddu16);
    let arp = || Match::new().with(Field::ETH_TYPE, 0x0806u16);
    let v4: std::net::Ipv4Addr = "192.0.2.1".parse().unwrap();
    let v6: std::net::Ipv6Addr = "2001:db8::1".parse().unwrap();
    let mut flows = Vec::new();
    for matching in [
        Match::new(),
        Match::new().with(Field::IN_PORT, 1u32),
        Match::new().with(Field::IN_PORT, PortNo::LOCAL),
        Match::new()
            .with(Field::REG0, 1u32)
            .with(Field::ETH_DST, mac(1))
            .with(Field::ETH_SRC, mac(2)),
        Match::new().with_masked(Field::ETH_DST, MacAddr::GROUP_BIT, MacAddr::GROUP_BIT),
        Match::new().with_masked(Field::REG15, 0u32, 1u32).with(Field::METADATA, 0u64),
        Match::new().with(Field::TUN_ID, 100u64).with(Field::TUN_SRC, v4).with(Field::TUN_DST, v4),
        Match::new().with(Field::TUN_IPV6_SRC, v6).with_masked(Field::TUN_FLAGS, 1u32, 1u32),
        Match::new().with(Field::VLAN_VID, 0x1005u16),
        Match::new().with(Field::VLAN_VID, 0x1005u16).with(Field::VLAN_PCP, 3u8),
        Match::new().with(Field::VLAN_VID, 0u16),
        Match::new().with_masked(Field::VLAN_VID, 0x1000u16, 0x1000u16),
        Match::new().with_masked(Field::VLAN_VID, 0x1000u16, 0x1000u16).with(Field::VLAN_PCP, 3u8),
        Match::new().with_masked(Field::VLAN_VID, 0x1004u16, 0x1004u16),
        Match::new().with(Field::CONJ_ID, 7u32),
        Match::new().with(Field::PKT_MARK, 7u32).with(Field::ETH_TYPE, 0x88ccu16),
        Match::new().with(Field::ETH_TYPE, 0x8035u16),
        ip(),
        ip().with(Field::IPV4_SRC, v4).with_masked(Field::IPV4_DST, v4, 0xffff_ff00u32),
        ip().with_masked(Field::IPV4_SRC, 1u32, 0x0000_00ffu32),
        ip().with(Field::IP_PROTO, 1u8).with(Field::ICMPV4_TYPE, 8u8).with(Field::ICMPV4_CODE, 0u8),
        ip().with(Field::IP_PROTO, 6u8).with(Field::TCP_DST, 80u16).with(Field::TCP_SRC, 5u16),
        ip().with(Field::IP_PROTO, 6u8).with_masked(Field::TCP_DST, 80u16, 0xfff0u16),
        ip().with(Field::IP_PROTO, 6u8).with_masked(Field::TCP_FLAGS, 0x002u16, 0x012u16),
        ip().with(Field::IP_PROTO, 6u8).with(Field::TCP_FLAGS, 0x012u16),
        ip().with(Field::IP_PROTO, 17u8).with(Field::UDP_SRC, 68u16).with(Field::UDP_DST, 67u16),
        ip().with(Field::IP_PROTO, 132u8).with(Field::SCTP_DST, 67u16),
        ip().with(Field::IP_PROTO, 2u8),
        ip().with(Field::IP_DSCP, 46u8).with(Field::IP_ECN, 1u8).with(Field::IP_TTL, 255u8),
        ip().with_masked(Field::IP_FRAG, 1u8, 1u8),
        ip().with(Field::IP_FRAG, 3u8),
        ip().with_masked(Field::IP_FRAG, 0u8, 2u8),
        ip6(),
        ip6().with(Field::IPV6_SRC, v6).with_masked(Field::IPV6_DST, v6, u128::MAX << 64),
        ip6().with_masked(Field::IPV6_SRC, 1u32, 0xffffu32),
        ip6().with(Field::IPV6_FLABEL, 0x12u32),
        ip6().with_masked(Field::IPV6_FLABEL, 0x12u32, 0xffu32),
        ip6()
            .with(Field::IP_PROTO, 58u8)
            .with(Field::ICMPV6_TYPE, 135u8)
            .with(Field::ICMPV6_CODE, 0u8)
            .with(Field::ND_TARGET, v6)
            .with(Field::ND_SLL, mac(1)),
        ip6()
            .with(Field::IP_PROTO, 58u8)
            .with(Field::ICMPV6_TYPE, 136u8)
            .with(Field::ICMPV6_CODE, 0u8)
            .with(Field::ND_TARGET, v6)
            .with(Field::ND_TLL, mac(1)),
        ip6()
            .with(Field::IP_PROTO, 58u8)
            .with(Field::ICMPV6_TYPE, 136u8)
            .with(Field::ICMPV6_CODE, 0u8)
            .with(Field::ND_RESERVED, 0xe000_0000u32)
            .with(Field::ND_OPTIONS_TYPE, 2u8),
        ip6().with(Field::IP_PROTO, 17u8).with(Field::UDP_SRC, 546u16),
        ip6().with(Field::IP_PROTO, 6u8),
        ip6().with(Field::IP_PROTO, 132u8),
        ip6().with(Field::IP_PROTO, 59u8),
        arp()
            .with(Field::ARP_OP, 1u16)
            .with(Field::ARP_SPA, v4)
            .with_masked(Field::ARP_TPA, v4, 0xffff_0000u32)
            .with(Field::ARP_SHA, mac(1))
            .with(Field::ARP_THA, mac(2)),
        ip().with_masked(Field::CT_STATE, 0x22u32, 0x23u32)
            .with(Field::CT_ZONE, 5u16)
            .with(Field::CT_MARK, 1u32)
            .with_masked(Field::CT_LABEL, 1u32, 0xffu32),
        ip().with_masked(Field::CT_MARK, 0u32, 1u32)
            .with(Field::CT_LABEL, 0x1234_5678_9abc_def0_u64),
        ip().with_masked(Field::CT_STATE, 0x22u32, 0x22u32)
            .with(Field::CT_NW_SRC, v4)
            .with(Field::CT_NW_DST, v4)
            .with(Field::CT_NW_PROTO, 6u8)
            .with(Field::CT_TP_SRC, 1u16)
            .with(Field::CT_TP_DST, 2u16),
        ip6()
            .with_masked(Field::CT_STATE, 0x22u32, 0x22u32)
            .with(Field::CT_IPV6_SRC, v6)
            .with(Field::CT_IPV6_DST, v6),
        Match::new()
            .with(Field::ETH_TYPE, 0x8847u16)
            .with(Field::MPLS_LABEL, 16u32)
            .with(Field::MPLS_TC, 1u8)
            .with(Field::MPLS_BOS, 1u8)
            .with(Field::MPLS_TTL, 9u8),
        Match::new().with(Field::TUN_GBP_ID, 9u16).with(Field::TUN_GBP_FLAGS, 8u8),
        Match::new().with(Field::RECIRC_ID, 0u32),
        Match::new().with(Field::ACTSET_OUTPUT, 1u32),
    ] {
        flows.push(Flow { table: 1, matching, instructions: output(), ..Flow::default() });
    }
    let sub = |field, offset, bits| Subfield { field, offset, bits };
    let ct = |flags, zone, recirc_table, actions| {
        Action::Ct(Ct { flags, zone, recirc_table, alg: 0, actions })
    };
    for actions in [
        vec![Action::output(PortNo::IN_PORT)],
        vec![Action::Output { port: PortNo::CONTROLLER, max_len: 65535 }],
        vec![
            Action::output(PortNo::LOCAL),
            Action::output(PortNo::NORMAL),
            Action::output(PortNo::FLOOD),
            Action::output(PortNo::ALL),
        ],
        vec![Action::output(PortNo(7))],
        vec![Action::OutputReg { source: Subfield::whole(Field::REG1), max_len: 0 }],
        vec![Action::OutputReg { source: sub(Field::REG1, 0, 16), max_len: 65535 }],
        vec![Action::SetQueue(3), Action::output(PortNo(1))],
        vec![
            Action::PushVlan(0x8100),
            Action::set_field(Field::VLAN_VID, 0x1064u16),
            Action::output(PortNo(1)),
        ],
        vec![Action::set_field(Field::ETH_SRC, mac(3)), Action::set_field(Field::ETH_DST, mac(3))],
        vec![Action::SetField(Oxm::masked(Field::ETH_DST, mac(3), 0xffu32))],
        vec![
            Action::set_field(Field::TUN_ID, 0x64u64),
            Action::set_field(Field::TUN_DST, v4),
            Action::output(PortNo(1)),
        ],
        vec![Action::set_field(Field::REG0, 0u32), Action::set_field(Field::REG1, 17u32)],
        vec![
            Action::SetField(Oxm::masked(Field::REG0, 1u32, 1u32)),
            Action::SetField(Oxm::masked(Field::METADATA, 5u32, 7u32)),
        ],
        vec![
            Action::set_field(Field::XREG0, 1u64),
            Action::set_field(Field::XXREG3, 1u64),
            Action::set_field(Field::PKT_MARK, 1u32),
        ],
        vec![Action::SetField(Oxm::masked(Field::XXREG0, 1u128 << 96, u128::MAX << 96))],
        vec![
            Action::move_field(Field::ETH_SRC, Field::ETH_DST),
            Action::move_field(Field::REG0, Field::REG1),
        ],
        vec![Action::Move {
            source: sub(Field::ETH_SRC, 0, 32),
            destination: sub(Field::REG2, 0, 32),
        }],
        vec![Action::Move {
            source: sub(Field::METADATA, 0, 16),
            destination: sub(Field::REG2, 8, 16),
        }],
        vec![
            Action::Load { destination: Subfield::whole(Field::REG0), value: 1 },
            Action::Load { destination: sub(Field::REG0, 31, 1), value: 0 },
        ],
        vec![Action::Load { destination: sub(Field::REG0, 0, 16), value: 7 }],
        vec![Action::Load { destination: Subfield::whole(Field::NXM_IN_PORT), value: 0 }],
        vec![
            Action::resubmit(20),
            Action::Resubmit(Resubmit { in_port: PortNo(1), table: 255, ct: false }),
        ],
        vec![Action::Resubmit(Resubmit { in_port: PortNo(1), table: 9, ct: false })],
        vec![ct(0, CtZone::Immediate(5), 30, vec![])],
        vec![ct(0, CtZone::Field(sub(Field::REG0, 0, 16)), 30, vec![Action::Nat(Nat::default())])],
        vec![ct(
            Ct::COMMIT,
            CtZone::Immediate(0),
            255,
            vec![Action::set_field(Field::CT_MARK, 1u32), Action::set_field(Field::CT_LABEL, 1u32)],
        )],
        vec![ct(
            Ct::COMMIT | Ct::FORCE,
            CtZone::Immediate(7),
            255,
            vec![
                Action::Nat(Nat {
                    flags: Nat::SRC,
                    address_min: Some(v4.into()),
                    port_min: Some(10),
                    port_max: Some(20),
                    ..Nat::default()
                }),
                Action::SetField(Oxm::masked(Field::CT_LABEL, 1u32, 0xffu32)),
            ],
        )],
        vec![ct(
            Ct::COMMIT,
            CtZone::Immediate(7),
            255,
            vec![Action::Nat(Nat {
                flags: Nat::DST | Nat::PROTO_RANDOM,
                address_min: Some(v4.into()),
                address_max: Some(std::net::Ipv4Addr::new(192, 0, 2, 9).into()),
                ..Nat::default()
            })],
        )],
        vec![Action::CtClear, Action::output(PortNo(1))],
        vec![
            Action::Conjunction { id: 9, clause: 0, clauses: 2 },
            Action::Conjunction { id: 10, clause: 1, clauses: 3 },
        ],
        vec![Action::Controller(Controller::default())],
        vec![Action::Controller(Controller {
            max_len: 128,
            controller_id: 3,
            reason: 0,
            ..Controller::default()
        })],
        vec![Action::Controller(Controller {
            userdata: bytes::Bytes::from_static(&[1, 2, 3]),
            pause: true,
            max_len: 99,
            ..Controller::default()
        })],
        vec![
            Action::Clone(vec![Action::set_field(Field::REG1, 17u32), Action::output(PortNo(2))]),
            Action::Exit,
        ],
        vec![Action::Clone(vec![])],
    ] {
        flows.push(Flow {
            table: 2,
            matching: ip(),
            priority: 100 + flows.len() as u16,
            instructions: apply(actions),
            ..Flow::default()
        });
    }
    let both = ip().with_masked(Field::CT_STATE, 0x22u32, 0x22u32);
    for instructions in [
        vec![],
        vec![Instruction::GotoTable(60)],
        vec![Instruction::ApplyActions(vec![Action::DecNwTtl]), Instruction::GotoTable(60)],
        vec![
            Instruction::ApplyActions(vec![Action::DecNwTtl]),
            Instruction::ClearActions,
            Instruction::WriteActions(vec![Action::output(PortNo(1))]),
            Instruction::WriteMetadata { value: 1, mask: 0xff },
            Instruction::GotoTable(60),
        ],
        vec![Instruction::WriteMetadata { value: 1, mask: u64::MAX }],
    ] {
        flows.push(Flow {
            table: 3,
            matching: both.clone(),
            cookie: 0x0123_4567_89ab_cdef,
            priority: flows.len() as u16,
            idle_timeout: 600,
            hard_timeout: 3600,
            flags: FlowFlags::SEND_FLOW_REM
                | FlowFlags::NO_PACKET_COUNTS
                | FlowFlags::NO_BYTE_COUNTS,
            instructions,
        });
    }
    flows.push(Flow { priority: 0, ..Flow::default() });
    flows
}

#[test]
fn open_vswitch_gives_back_what_it_got() {
    let Some(switch) = Switch::start() else { return };
    let mut connection = switch.connect();
    let mut bad = 0;
    for (n, flow) in flows().into_iter().enumerate() {
        connection.send(&Message::FlowMod(FlowMod::delete_by_cookie(FlowMod::ALL_TABLES, 0, 0)));
        let frame = flow_frame(FlowModCommand::Add, &flow, 1000).unwrap();
        assert_eq!(
            Message::decode(&frame).unwrap(),
            (1000, Message::FlowMod(FlowMod::add(flow.clone())))
        );
        connection.send_bytes(&frame);
        let errors = connection.barrier();
        if !errors.is_empty() {
            for e in &errors {
                if let Message::Error(e) = e {
                    println!("{n} {flow}: {}", e.code);
                    bad += 1;
                }
            }
            continue;
        }
        let back: Vec<_> = connection.flows().into_iter().map(|it| it.flow).collect();
        if back != [flow.clone()] {
            bad += 1;
            println!("SENT {flow:?}\nBACK {back:?}");
        }
        let dump = switch.dump(&[]);
        if dump != [flow.to_string()] {
            bad += 1;
            println!("OVS  {dump:?}\nOURS {flow}");
        }
    }
    assert_eq!(bad, 0);
}
