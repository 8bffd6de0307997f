//! Strategies for flows and what they are made of.

use bytes::Bytes;
use openflow::{Action, Field, Flow, FlowFlags, Instruction, Match, Oxm, TunMetadata};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::actions::{action, strange_action};

pub(crate) fn bytes(max: usize) -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..max).prop_map(Bytes::from)
}

/// A field's value that is written as it is read: bits under the mask only.
pub(crate) fn oxm() -> impl Strategy<Value = Oxm> {
    (select(Field::all()), any::<u128>(), any::<u128>(), any::<bool>()).prop_map(
        |(spec, value, mask, exact)| {
            let mask = if exact || !spec.maskable { u128::MAX } else { mask };
            Oxm::masked(spec.field, value & spec.value_mask(), mask)
        },
    )
}

/// A tunnel's option with its value, which has no zeros in front where text must tell it.
pub(crate) fn tun_metadata() -> impl Strategy<Value = TunMetadata> {
    let bytes = vec(any::<(u8, u8)>(), 0..20);
    (0..64_u8, bytes, 0..4).prop_map(|(number, bytes, kind)| {
        let (mut value, mut mask): (Vec<u8>, Vec<u8>) = bytes.into_iter().unzip();
        match kind {
            0 => TunMetadata::present(number),
            1 => {
                if let Some(first) = mask.first_mut() {
                    *first |= 0x10;
                }
                TunMetadata::masked(number, &value, mask)
            }
            _ => {
                if let Some(first) = value.first_mut() {
                    *first |= 0x10;
                }
                TunMetadata::exact(number, value)
            }
        }
    })
}

pub(crate) fn matching() -> impl Strategy<Value = Match> {
    let known = vec(oxm(), 0..10).prop_map(|all| all.into_iter().fold(Match::new(), Match::and));
    let known = (known, vec(tun_metadata(), 0..3))
        .prop_map(|(known, options)| options.iter().fold(known, Match::with_tun_metadata));
    (known, option::of(vec(any::<u8>(), 0..20))).prop_map(|(known, unknown)| {
        let Some(payload) = unknown else { return known };
        let tlv = [&[0x12, 0x34, 0x02, payload.len() as u8], payload.as_slice()].concat();
        Match::from_oxm_bytes(&[known.as_oxm_bytes(), &tlv].concat()).unwrap()
    })
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
    let unknown = option::of(Just(Instruction::Unknown([0, 9, 0, 8, 1, 2, 3, 4].into())));
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
    Field::TUN_ERSPAN_IDX,
    Field::TUN_ERSPAN_VER,
    Field::TUN_ERSPAN_DIR,
    Field::TUN_ERSPAN_HWID,
    Field::TUN_GTPU_FLAGS,
    Field::TUN_GTPU_MSGTYPE,
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
    Field::NSH_FLAGS,
    Field::NSH_SPI,
    Field::NSH_C2,
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
    let matching =
        (base, vec(field, 0..6), vec(tun_metadata(), 0..2)).prop_map(|(base, fields, options)| {
            let base = options.iter().fold(base, Match::with_tun_metadata);
            fields.into_iter().fold(base, |matching, (spec, value, mask, exact)| {
                let mask = if exact || !spec.maskable { u128::MAX } else { mask };
                let value = if spec.field == Field::IN_PORT { value & 0xff } else { value };
                matching.and(Oxm::masked(spec.field, value & spec.value_mask(), mask))
            })
        });
    flow_of(matching, instructions(action().boxed()))
}
