//! Strategies for values of every type.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use openflow::message::*;
use openflow::{
    Action, Controller, Ct, CtZone, Field, Flow, FlowFlags, Instruction, MacAddr, Match, Nat, Oxm,
    PortNo, Resubmit, Subfield,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

pub(crate) fn bytes(max: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..max).prop_map(Bytes::from)
}

/// A field's value that is written as it is read: bits under the mask only.
fn oxm() -> impl Strategy<Value = Oxm> {
    (select(Field::all()), any::<u128>(), any::<u128>(), any::<bool>()).prop_map(
        |(spec, value, mask, exact)| {
            let mask = if exact || !spec.maskable { u128::MAX } else { mask };
            Oxm::masked(spec.field, value & spec.value_mask(), mask)
        },
    )
}

pub(crate) fn matching() -> impl Strategy<Value = Match> {
    let known = vec(oxm(), 0..10).prop_map(|all| all.into_iter().fold(Match::new(), Match::and));
    (known, option::of(vec(any::<u8>(), 0..20))).prop_map(|(known, unknown)| {
        let Some(payload) = unknown else { return known };
        let tlv = [&[0x12, 0x34, 0x02, payload.len() as u8], payload.as_slice()].concat();
        Match::from_oxm_bytes(&[known.as_oxm_bytes(), &tlv].concat()).unwrap()
    })
}

fn port() -> impl Strategy<Value = PortNo> {
    prop_oneof![
        (0..0xff00_u32).prop_map(PortNo),
        select(&[PortNo::IN_PORT, PortNo::LOCAL, PortNo::CONTROLLER, PortNo::ANY][..]),
    ]
}

fn subfield() -> impl Strategy<Value = Subfield> {
    let whole = select(Field::all())
        .prop_filter("it fits the header", |spec| spec.action_field.class != 0xffff);
    (whole, any::<u16>(), any::<u16>()).prop_map(|(spec, offset, bits)| {
        let offset = offset % spec.bits;
        let bits = 1 + bits % (spec.bits - offset).min(64);
        Subfield { field: spec.field, offset, bits }
    })
}

fn nat() -> impl Strategy<Value = Nat> {
    let address = prop_oneof![
        any::<[u32; 2]>().prop_map(|ends| ends.map(|end| IpAddr::from(Ipv4Addr::from_bits(end)))),
        any::<[u128; 2]>().prop_map(|ends| ends.map(|end| IpAddr::from(Ipv6Addr::from_bits(end)))),
    ];
    let range = option::of((address, any::<bool>(), option::of((any::<u16>(), any::<bool>()))));
    (select(&[0, Nat::SRC, Nat::DST][..]), select(&[0, 4, 8, 16][..]), range).prop_map(
        |(kind, flags, range)| {
            let Some(([min, max], ranged, ports)) = range.filter(|_| kind != 0) else {
                return Nat { flags: kind, ..Nat::default() };
            };
            Nat {
                flags: kind | flags,
                address_min: Some(min),
                address_max: Some(max).filter(|&max| ranged && max != min),
                port_min: ports.map(|(port, _)| port.clamp(1, u16::MAX - 1)),
                port_max: ports.and_then(|(port, ranged)| (ranged && port > 1).then_some(u16::MAX)),
            }
        },
    )
}

fn controller() -> impl Strategy<Value = Controller> {
    let meter = option::of(any::<u32>());
    (any::<u16>(), 1..u16::MAX, 0..3_u8, bytes(20), any::<bool>(), meter).prop_map(
        |(max_len, controller_id, reason, userdata, pause, meter)| Controller {
            max_len,
            controller_id,
            reason,
            userdata,
            pause,
            meter,
        },
    )
}

/// Actions that text can tell: [`strange_action`] has the others.
fn action() -> impl Strategy<Value = Action> {
    let output = (port(), any::<u16>()).prop_map(|(port, max_len)| Action::Output {
        port,
        max_len: if port == PortNo::CONTROLLER { max_len } else { 0 },
    });
    let resubmit = (port(), any::<u8>(), any::<bool>()).prop_map(|(in_port, table, ct)| {
        // A re-submission to a port alone has no place to say `ct`.
        let ct = ct && (in_port == PortNo::IN_PORT || table != 255);
        Action::Resubmit(Resubmit { in_port, table, ct })
    });
    let load = (subfield(), any::<u64>()).prop_map(|(destination, value)| Action::Load {
        destination,
        value: value & (u64::MAX >> (64 - destination.bits)),
    });
    let movement = (subfield(), subfield()).prop_map(|(source, destination)| {
        let bits = source.bits.min(destination.bits);
        let cut = |end| Subfield { bits, ..end };
        Action::Move { source: cut(source), destination: cut(destination) }
    });
    let conjunction = (any::<u32>(), 0..64_u8, 0..64_u8).prop_map(|(id, one, other)| {
        Action::Conjunction { id, clause: one.min(other), clauses: one.max(other) + 1 }
    });
    let set_field = oxm().prop_filter("it sets something that text can tell", |oxm| {
        let flags = [Field::CT_STATE, Field::TUN_FLAGS, Field::TCP_FLAGS, Field::IP_FRAG];
        oxm.mask != 0 && !flags.contains(&oxm.field) && oxm.field != Field::PACKET_TYPE
    });
    let leaf = prop_oneof![
        output,
        subfield().prop_map(|source| Action::OutputReg { source, max_len: u16::MAX }),
        any::<u32>().prop_map(Action::Group),
        any::<u32>().prop_map(Action::SetQueue),
        any::<u16>().prop_map(Action::PushVlan),
        Just(Action::PopVlan),
        Just(Action::DecNwTtl),
        set_field.prop_map(Action::SetField),
        movement,
        load,
        resubmit,
        Just(Action::CtClear),
        conjunction,
        controller().prop_map(Action::Controller),
        Just(Action::Exit),
        Just(Action::Unknown(Bytes::from_static(&[
            0x77, 0x77, 0, 16, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2
        ]))),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let zone = prop_oneof![
            any::<u16>().prop_map(CtZone::Immediate),
            (0..16_u16).prop_map(|offset| {
                CtZone::Field(Subfield { field: Field::REG3, offset, bits: 16 })
            }),
        ];
        let alg = select(&[0, 21, 69, 5][..]);
        let nested = (option::of(nat()), vec(inner.clone(), 0..4)).prop_map(|(nat, actions)| {
            nat.map(Action::Nat).into_iter().chain(actions).collect::<Vec<_>>()
        });
        let ct = (0..4_u16, zone, any::<u8>(), alg, nested).prop_map(
            |(flags, zone, recirc_table, alg, actions)| {
                Action::Ct(Ct { flags, zone, recirc_table, alg, actions })
            },
        );
        prop_oneof![ct, vec(inner, 0..4).prop_map(Action::Clone)]
    })
}

/// Actions that only bytes can tell.
fn strange_action() -> impl Strategy<Value = Action> {
    prop_oneof![
        (any::<u32>(), any::<u16>())
            .prop_map(|(port, max_len)| Action::Output { port: PortNo(port), max_len }),
        (subfield(), any::<u16>())
            .prop_map(|(source, max_len)| Action::OutputReg { source, max_len }),
        oxm().prop_map(Action::SetField),
        any::<u16>().prop_map(|max_len| {
            Action::Controller(Controller { max_len, ..Controller::default() })
        }),
    ]
}

/// Instructions in the order in which text has them, each at most once.
fn instructions(
    action: impl Strategy<Value = Action> + Clone + 'static,
) -> impl Strategy<Value = Vec<Instruction>> {
    let meter = option::of(any::<u32>().prop_map(Instruction::Meter));
    let apply = option::of(vec(action.clone(), 1..6).prop_map(Instruction::ApplyActions));
    let clear = option::of(Just(Instruction::ClearActions));
    let write = option::of(vec(action, 0..3).prop_map(Instruction::WriteActions));
    let metadata = option::of(
        (any::<u64>(), any::<u64>())
            .prop_map(|(value, mask)| Instruction::WriteMetadata { value, mask }),
    );
    let goto = option::of(any::<u8>().prop_map(Instruction::GotoTable));
    let unknown =
        option::of(Just(Instruction::Unknown(Bytes::from_static(&[0, 9, 0, 8, 1, 2, 3, 4]))));
    (meter, apply, clear, write, metadata, goto, unknown)
        .prop_map(|(a, b, c, d, e, f, g)| [a, b, c, d, e, f, g].into_iter().flatten().collect())
}

fn flow_of(
    matching: impl Strategy<Value = Match>,
    instructions: impl Strategy<Value = Vec<Instruction>>,
) -> impl Strategy<Value = Flow> {
    let numbers = any::<(u8, u16, u64, u16, u16)>();
    (numbers, 0..32_u16, matching, instructions).prop_map(
        |((table, priority, cookie, idle_timeout, hard_timeout), flags, matching, instructions)| {
            let flags = FlowFlags(flags);
            Flow {
                table,
                priority,
                cookie,
                idle_timeout,
                hard_timeout,
                flags,
                matching,
                instructions,
            }
        },
    )
}

/// Any flow.
pub(crate) fn flow() -> impl Strategy<Value = Flow> {
    let action = prop_oneof![action(), strange_action()].boxed();
    flow_of(matching(), instructions(action))
}

/// Fields whose name says everything, so that text needs no protocol to understand them.
const PLAIN: &[Field] = &[
    Field::PKT_MARK,
    Field::CONJ_ID,
    Field::RECIRC_ID,
    Field::DP_HASH,
    Field::ACTSET_OUTPUT,
    Field::CT_ZONE,
    Field::CT_MARK,
    Field::CT_LABEL,
    Field::CT_NW_SRC,
    Field::CT_IPV6_DST,
    Field::CT_NW_PROTO,
    Field::CT_TP_SRC,
    Field::PACKET_TYPE,
    Field::REG0,
    Field::REG9,
    Field::TUN_ID,
    Field::TUN_SRC,
    Field::TUN_IPV6_DST,
    Field::TUN_GBP_ID,
    Field::TUN_GBP_FLAGS,
    Field::METADATA,
    Field::IN_PORT,
    Field::ETH_SRC,
    Field::ETH_DST,
    Field::IPV6_SRC,
    Field::IPV6_FLABEL,
    Field::ARP_SPA,
    Field::ARP_THA,
    Field::IP_DSCP,
    Field::IP_ECN,
    Field::IP_TTL,
    Field::MPLS_LABEL,
    Field::MPLS_BOS,
    Field::ND_TARGET,
    Field::ND_SLL,
    Field::ND_RESERVED,
    Field::CT_STATE,
    Field::TCP_FLAGS,
    Field::TUN_FLAGS,
];

/// A flow that text can tell.
pub(crate) fn tellable_flow() -> impl Strategy<Value = Flow> {
    let bases = [
        "",
        "ip",
        "ipv6",
        "arp",
        "arp,arp_op=2",
        "rarp",
        "dl_type=0x88cc",
        "mpls",
        "tcp,tp_dst=80",
        "tcp6,tp_src=0x50/0xfff0",
        "udp,tp_src=67,tp_dst=68",
        "sctp6,tp_src=9",
        "ip,nw_proto=2",
        "ip,nw_src=192.0.2.1,nw_dst=192.0.2.0/24",
        "icmp,icmp_type=8,icmp_code=0",
        "icmp6,icmp_type=135,icmp_code=0",
        "nw_frag=later",
        "nw_frag=not_later",
        "dl_vlan=7",
        "dl_vlan=7,dl_vlan_pcp=3",
        "dl_vlan_pcp=3",
        "vlan_tci=0x0000/0x1fff",
        "vlan_tci=0x1004/0x1004",
        "vlan_tci=0x1000/0x1000",
    ];
    let base = select(bases.map(|text| text.parse::<Match>().unwrap()).to_vec());
    let plain: Vec<_> = PLAIN.iter().map(|field| field.spec().unwrap()).collect();
    let field = (select(plain), any::<u128>(), any::<u128>(), any::<bool>());
    let matching = (base, vec(field, 0..6)).prop_map(|(base, fields)| {
        fields.into_iter().fold(base, |matching, (spec, value, mask, exact)| {
            let mask = if exact || !spec.maskable { u128::MAX } else { mask };
            let value = if spec.field == Field::IN_PORT { value & 0xff } else { value };
            matching.and(Oxm::masked(spec.field, value & spec.value_mask(), mask))
        })
    });
    flow_of(matching, instructions(action().boxed()))
}

fn name() -> impl Strategy<Value = String> {
    "[a-z0-9-]{0,15}"
}

fn port_desc() -> impl Strategy<Value = Port> {
    (any::<u32>(), any::<u64>(), name(), any::<[u32; 8]>()).prop_map(|(port, mac, name, words)| {
        let [config, state, curr, advertised, supported, peer, curr_speed, max_speed] = words;
        Port {
            port_no: PortNo(port),
            hw_addr: MacAddr::from(mac),
            name,
            config,
            state,
            curr,
            advertised,
            supported,
            peer,
            curr_speed,
            max_speed,
        }
    })
}

fn flow_mod() -> impl Strategy<Value = FlowMod> {
    use FlowModCommand::{Add, Delete, DeleteStrict, Modify, ModifyStrict};
    let command = select(&[Add, Modify, ModifyStrict, Delete, DeleteStrict][..]);
    (command, flow(), any::<(u64, u32, u32, u32)>()).prop_map(
        |(command, flow, (cookie_mask, buffer_id, out_port, out_group))| {
            let out_port = PortNo(out_port);
            FlowMod { command, flow, cookie_mask, buffer_id, out_port, out_group }
        },
    )
}

fn multipart_request() -> impl Strategy<Value = Message> {
    let flows = (any::<(u8, u32, u32, u64, u64)>(), matching())
        .prop_map(|((table, out_port, out_group, cookie, cookie_mask), matching)| {
            FlowStatsRequest {
                table,
                out_port: PortNo(out_port),
                out_group,
                cookie,
                cookie_mask,
                matching,
            }
        })
        .boxed();
    let body = prop_oneof![
        Just(MultipartRequestBody::Desc),
        flows.clone().prop_map(MultipartRequestBody::Flow),
        flows.prop_map(MultipartRequestBody::Aggregate),
        Just(MultipartRequestBody::Table),
        any::<u32>().prop_map(|port| MultipartRequestBody::PortStats(PortNo(port))),
        Just(MultipartRequestBody::PortDesc),
        (5..13_u16, bytes(40)).prop_map(|(kind, body)| MultipartRequestBody::Other { kind, body }),
    ];
    (any::<bool>(), body)
        .prop_map(|(more, body)| Message::MultipartRequest(MultipartRequest { more, body }))
}

fn multipart_reply() -> impl Strategy<Value = Message> {
    let flow = (flow(), any::<(u32, u32, u64, u64)>()).prop_map(
        |(flow, (duration_sec, duration_nsec, packet_count, byte_count))| FlowStats {
            flow,
            duration_sec,
            duration_nsec,
            packet_count,
            byte_count,
        },
    );
    let aggregate = any::<(u64, u64, u32)>().prop_map(|(packet_count, byte_count, flow_count)| {
        AggregateStats { packet_count, byte_count, flow_count }
    });
    let table = any::<(u8, u32, u64, u64)>().prop_map(
        |(table, active_count, lookup_count, matched_count)| TableStats {
            table,
            active_count,
            lookup_count,
            matched_count,
        },
    );
    let port =
        any::<(u32, u64, u64, u32)>().prop_map(|(port, rx_packets, collisions, sec)| PortStats {
            port_no: PortNo(port),
            rx_packets,
            collisions,
            duration_sec: sec,
            ..PortStats::default()
        });
    let desc = [name().boxed(), name().boxed(), name().boxed(), name().boxed(), name().boxed()]
        .prop_map(|[mfr_desc, hw_desc, sw_desc, serial_num, dp_desc]| Desc {
            mfr_desc,
            hw_desc,
            sw_desc,
            serial_num,
            dp_desc,
        });
    let body = prop_oneof![
        desc.prop_map(MultipartReplyBody::Desc),
        vec(flow, 0..3).prop_map(MultipartReplyBody::Flow),
        aggregate.prop_map(MultipartReplyBody::Aggregate),
        vec(table, 0..3).prop_map(MultipartReplyBody::Table),
        vec(port, 0..3).prop_map(MultipartReplyBody::PortStats),
        vec(port_desc(), 0..3).prop_map(MultipartReplyBody::PortDesc),
        (5..13_u16, bytes(40)).prop_map(|(kind, body)| MultipartReplyBody::Other { kind, body }),
    ];
    (any::<bool>(), body)
        .prop_map(|(more, body)| Message::MultipartReply(MultipartReply { more, body }))
}

fn packets() -> impl Strategy<Value = Message> {
    let packet_in = (any::<(u32, u16, u8, u8, u64)>(), matching(), bytes(60)).prop_map(
        |((buffer_id, total_len, reason, table, cookie), matching, packet)| {
            let packet_in =
                PacketIn { buffer_id, total_len, reason, table, cookie, matching, packet };
            Message::PacketIn(packet_in)
        },
    );
    let numbers = any::<(Option<u32>, Option<u32>, Option<u8>, Option<u64>, Option<u8>)>();
    let other = vec((9..99_u16, bytes(10)), 0..2);
    let packet_in2 =
        (numbers, matching(), [bytes(60).boxed(), bytes(9).boxed(), bytes(9).boxed()], other)
            .prop_map(|(numbers, metadata, [packet, userdata, continuation], other)| {
                let (full_len, buffer_id, table, cookie, reason) = numbers;
                Message::PacketIn2(PacketIn2 {
                    packet,
                    full_len,
                    buffer_id,
                    table,
                    cookie,
                    reason,
                    metadata,
                    userdata,
                    continuation,
                    other,
                })
            });
    let packet_out = (any::<(u32, u32)>(), vec(action(), 0..3), bytes(60)).prop_map(
        |((buffer_id, in_port), actions, packet)| {
            let in_port = PortNo(in_port);
            Message::PacketOut(PacketOut { buffer_id, in_port, actions, packet })
        },
    );
    prop_oneof![packet_in, packet_in2, packet_out]
}

/// Any message.
pub(crate) fn message() -> impl Strategy<Value = Message> {
    let hello = (any::<u8>(), vec(any::<u32>(), 0..4)).prop_map(|(version, bitmap)| {
        Message::Hello(Hello { version, bitmap, other: Bytes::new() })
    });
    let error = (any::<(u16, u16, u32)>(), bytes(64)).prop_map(|((kind, code, vendor), data)| {
        let experimenter = if kind == 0xffff { vendor } else { 0 };
        Message::Error(ErrorMessage { code: ErrorCode { kind, code, experimenter }, data })
    });
    let features = any::<(u64, u32, u8, u8, u32, u32)>().prop_map(
        |(datapath_id, n_buffers, n_tables, auxiliary_id, capabilities, reserved)| {
            Message::FeaturesReply(FeaturesReply {
                datapath_id,
                n_buffers,
                n_tables,
                auxiliary_id,
                capabilities,
                reserved,
            })
        },
    );
    let config = any::<(u16, u16)>()
        .prop_map(|(flags, miss_send_len)| SwitchConfig { flags, miss_send_len });
    let removed =
        (any::<(u64, u16, u8, u8, u32, u32, u16)>(), any::<(u16, u64, u64)>(), matching())
            .prop_map(|(first, (hard_timeout, packet_count, byte_count), matching)| {
                let (cookie, priority, reason, table, duration_sec, duration_nsec, idle_timeout) =
                    first;
                Message::FlowRemoved(FlowRemoved {
                    cookie,
                    priority,
                    reason,
                    table,
                    duration_sec,
                    duration_nsec,
                    idle_timeout,
                    hard_timeout,
                    packet_count,
                    byte_count,
                    matching,
                })
            });
    let reason = select(&[PortReason::Add, PortReason::Delete, PortReason::Modify][..]);
    let status = (reason, port_desc())
        .prop_map(|(reason, port)| Message::PortStatus(PortStatus { reason, port }));
    let roles = [ControllerRole::NoChange, ControllerRole::Primary, ControllerRole::Secondary];
    let role = (select(roles.to_vec()), any::<u64>())
        .prop_map(|(role, generation_id)| Role { role, generation_id });
    let masks = any::<[[u32; 2]; 3]>().prop_map(|[packet_in, port_status, flow_removed]| {
        AsyncConfig { packet_in, port_status, flow_removed }
    });
    let kinds = [BundleControlType::OpenRequest, BundleControlType::CommitReply];
    let control = (any::<u32>(), select(kinds.to_vec()), any::<u16>(), bytes(9)).prop_map(
        |(bundle_id, kind, flags, properties)| {
            let flags = BundleFlags(flags);
            Message::BundleControl(BundleControl { bundle_id, kind, flags, properties })
        },
    );
    let add = (any::<u32>(), any::<u16>(), bytes(60)).prop_map(|(bundle_id, flags, message)| {
        Message::BundleAdd(BundleAdd { bundle_id, flags: BundleFlags(flags), message })
    });
    let experimenter = (3_u32..99, any::<u32>(), bytes(40)).prop_map(|(who, exp_type, body)| {
        Message::Experimenter(Experimenter { experimenter: who, exp_type, body })
    });
    let unknown = (40..200_u8, bytes(40)).prop_map(|(kind, body)| Message::Unknown { kind, body });
    let empty = select(vec![
        Message::FeaturesRequest,
        Message::GetConfigRequest,
        Message::BarrierRequest,
        Message::BarrierReply,
        Message::GetAsyncRequest,
    ]);
    prop_oneof![
        hello,
        error,
        bytes(40).prop_map(Message::EchoRequest),
        bytes(40).prop_map(Message::EchoReply),
        features,
        config.clone().prop_map(Message::GetConfigReply),
        config.prop_map(Message::SetConfig),
        packets(),
        removed,
        status,
        flow_mod().prop_map(Message::FlowMod),
        multipart_request(),
        multipart_reply(),
        role.clone().prop_map(Message::RoleRequest),
        role.prop_map(Message::RoleReply),
        masks.clone().prop_map(Message::GetAsyncReply),
        masks.prop_map(Message::SetAsync),
        control,
        add,
        any::<u32>().prop_map(|format| Message::SetPacketInFormat(PacketInFormat(format))),
        any::<u16>().prop_map(Message::SetControllerId),
        any::<u16>().prop_map(|zone| Message::CtFlushZone(CtFlushZone { zone })),
        experimenter,
        unknown,
        empty,
    ]
}
