//! Strategies for actions.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use openflow::{
    Action, Bundle, BundleAlgorithm, Controller, Ct, CtZone, Encap, EncapHeader, EncapProperty,
    Field, FieldSpec, HashFields, Learn, LearnSource, LearnSpec, Multipath, MultipathAlgorithm,
    Nat, PacketType, PortNo, Resubmit, Sample, SampleDirection, Subfield,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::values::{bytes, oxm, tun_metadata};

fn port() -> impl Strategy<Value = PortNo> {
    prop_oneof![
        (0..0xff00_u32).prop_map(PortNo),
        (0..25_u32).prop_map(PortNo),
        select(&[PortNo::IN_PORT, PortNo::LOCAL, PortNo::CONTROLLER, PortNo::ANY][..]),
    ]
}

/// Bits of any field.
fn subfield() -> impl Strategy<Value = Subfield> {
    prop_oneof![9 => bits_of(select(Field::all())), 1 => bits_of(option())]
}

/// An option of a tunnel.
fn option() -> impl Strategy<Value = FieldSpec> {
    (0..64_u8).prop_map(|number| *Field::tun_metadata(number).spec().unwrap())
}

/// Bits of a field whose header takes four bytes.
fn short_subfield() -> impl Strategy<Value = Subfield> {
    bits_of(
        select(Field::all())
            .prop_filter("it fits the header", |spec| spec.action_field.class != 0xffff),
    )
}

fn bits_of(field: impl Strategy<Value = FieldSpec>) -> impl Strategy<Value = Subfield> {
    (field, any::<u16>(), any::<u16>()).prop_map(|(spec, offset, bits)| {
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

fn sample() -> impl Strategy<Value = Sample> {
    let direction =
        select(&[SampleDirection::Default, SampleDirection::Ingress, SampleDirection::Egress][..]);
    let sampling_port = option::of((0..0xff00_u32).prop_map(PortNo));
    (1..=u16::MAX, any::<[u32; 3]>(), sampling_port, direction).prop_map(
        |(probability, ids, sampling_port, direction)| {
            let [collector_set_id, obs_domain_id, obs_point_id] = ids;
            Sample {
                probability,
                collector_set_id,
                obs_domain_id,
                obs_point_id,
                sampling_port,
                direction,
            }
        },
    )
}

fn learn() -> impl Strategy<Value = Learn> {
    let spec = (subfield(), subfield(), any::<u128>(), 0..6).prop_map(
        |(source, destination, value, kind)| {
            let bits = source.bits.min(destination.bits);
            let from = LearnSource::Field(Subfield { bits, ..source });
            let to = Subfield { bits, ..destination };
            let whole = Subfield::whole(destination.field);
            let destination = if kind == 2 { whole } else { destination };
            // A field is written whole by its name, but not every pair of fragment bits has one.
            let destination = match destination {
                Subfield { field: Field::IP_FRAG, .. } => Subfield { bits: 1, ..destination },
                _ => destination,
            };
            let value =
                LearnSource::Immediate(value & u128::MAX >> (128 - destination.bits.min(128)));
            match kind {
                0 => LearnSpec::Match { destination: to, source: from },
                1 => LearnSpec::Load { destination: to, source: from },
                2 | 3 => LearnSpec::Match { destination, source: value },
                4 => LearnSpec::Load { destination, source: value },
                _ => LearnSpec::Output(source),
            }
        },
    );
    let times = any::<[u16; 4]>();
    let result = option::of(subfield().prop_map(|bits| Subfield { bits: 1, ..bits }));
    (any::<(u16, u64, u8)>(), times, 0..4_u16, any::<u32>(), result, vec(spec, 0..6)).prop_map(
        |((priority, cookie, table), times, flags, limit, result, specs)| {
            let [idle_timeout, hard_timeout, fin_idle_timeout, fin_hard_timeout] = times;
            Learn {
                idle_timeout,
                hard_timeout,
                priority,
                cookie,
                flags,
                table,
                fin_idle_timeout,
                fin_hard_timeout,
                limit,
                result,
                specs,
            }
        },
    )
}

fn hash_fields() -> impl Strategy<Value = HashFields> {
    select(
        &[
            HashFields::EthSrc,
            HashFields::SymmetricL4,
            HashFields::SymmetricL3L4,
            HashFields::SymmetricL3L4Udp,
            HashFields::NwSrc,
            HashFields::NwDst,
            HashFields::SymmetricL3,
        ][..],
    )
}

/// Choices among links: bits that are wide enough for their numbers.
fn multipath() -> impl Strategy<Value = Multipath> {
    let algorithm = select(
        &[
            MultipathAlgorithm::ModuloN,
            MultipathAlgorithm::HashThreshold,
            MultipathAlgorithm::Hrw,
            MultipathAlgorithm::IterHash,
        ][..],
    );
    (hash_fields(), any::<u16>(), algorithm, any::<u16>(), any::<u32>(), short_subfield()).prop_map(
        |(fields, basis, algorithm, link, arg, destination)| {
            let max_link = link & u16::MAX >> 16_u16.saturating_sub(destination.bits);
            Multipath { fields, basis, algorithm, max_link, arg, destination }
        },
    )
}

fn bundle() -> impl Strategy<Value = Bundle> {
    let algorithm = select(&[BundleAlgorithm::ActiveBackup, BundleAlgorithm::Hrw][..]);
    let wide = short_subfield().prop_filter("a port has 16 bits", |it| it.bits >= 16);
    let member = prop_oneof![(0..0xff00_u32).prop_map(PortNo), Just(PortNo::LOCAL)];
    (hash_fields(), any::<u16>(), algorithm, vec(member, 0..7), option::of(wide)).prop_map(
        |(fields, basis, algorithm, members, destination)| Bundle {
            fields,
            basis,
            algorithm,
            members,
            destination,
        },
    )
}

fn encap() -> impl Strategy<Value = Encap> {
    let property = prop_oneof![
        (1..=2_u8).prop_map(EncapProperty::NshMdType),
        (any::<u16>(), any::<u8>(), vec(any::<u8>(), 0..=240)).prop_map(|(class, kind, value)| {
            EncapProperty::NshTlv { class, kind, value: Bytes::from(value) }
        }),
    ];
    let plain = select(&[EncapHeader::Ethernet, EncapHeader::Mpls, EncapHeader::MplsMulticast][..]);
    prop_oneof![
        plain.prop_map(|header| Encap { header, properties: Vec::new() }),
        vec(property, 0..3).prop_map(|properties| Encap { header: EncapHeader::Nsh, properties }),
    ]
}

/// Nicira's and MPLS's actions that nothing nests in.
fn extension() -> impl Strategy<Value = Action> {
    // What a note is filled up to.
    let note = (0..4_usize).prop_flat_map(|words| vec(any::<u8>(), 6 + 8 * words));
    prop_oneof![
        ((0..0xff00_u32).prop_map(PortNo), any::<u32>())
            .prop_map(|(port, max_len)| Action::OutputTrunc { port, max_len }),
        any::<u16>().prop_map(Action::PushMpls),
        any::<u16>().prop_map(Action::PopMpls),
        any::<u8>().prop_map(Action::SetMplsTtl),
        Just(Action::DecMplsTtl),
        any::<u8>().prop_map(Action::SetNwTtl),
        vec(any::<u16>(), 1..9).prop_map(Action::DecTtlCntIds),
        Just(Action::DecNshTtl),
        subfield().prop_map(Action::StackPush),
        subfield().prop_map(Action::StackPop),
        (any::<u16>(), subfield()).prop_map(|(pkt_len, bits)| Action::CheckPktLarger {
            pkt_len,
            destination: Subfield { bits: 1, ..bits },
        }),
        any::<(u16, u16)>().prop_map(|(idle_timeout, hard_timeout)| Action::FinTimeout {
            idle_timeout,
            hard_timeout,
        }),
        Just(Action::PopQueue),
        multipath().prop_map(Action::Multipath),
        bundle().prop_map(Action::Bundle),
        encap().prop_map(Action::Encap),
        any::<u32>().prop_map(|packet_type| Action::Decap(PacketType(packet_type))),
        option().prop_map(|spec| Action::DeleteField(spec.field)),
        sample().prop_map(Action::Sample),
        learn().prop_map(|it| Action::Learn(it.into())),
        note.prop_map(|note| Action::Note(Bytes::from(note))),
    ]
}

/// Actions that text can tell: [`strange_action`] has the others.
pub(crate) fn action() -> impl Strategy<Value = Action> {
    let output = (port(), any::<u16>()).prop_map(|(port, max_len)| Action::Output {
        port,
        max_len: if port == PortNo::CONTROLLER { max_len } else { 0 },
    });
    let resubmit = (port(), any::<u8>(), any::<bool>()).prop_map(|(in_port, table, ct)| {
        // A re-submission to a port alone has no place to say `ct`.
        let ct = ct && (in_port == PortNo::IN_PORT || table != 255);
        Action::Resubmit(Resubmit { in_port, table, ct })
    });
    // Of an experimenter's field or a tunnel's option, only all bits together are loaded.
    let whole = |bits: Subfield| match bits.field.spec() {
        Some(spec) if spec.action_field.class == 0xffff || spec.bits > 128 => {
            Subfield::whole(spec.field)
        }
        _ => bits,
    };
    let load = (subfield().prop_map(whole), any::<u64>()).prop_map(|(destination, value)| {
        Action::Load { destination, value: value & (u64::MAX >> (64 - destination.bits.min(64))) }
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
        extension(),
        set_field.prop_map(Action::SetField),
        tun_metadata().prop_map(|it| Action::SetTunMetadata(it.into())),
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
pub(crate) fn strange_action() -> impl Strategy<Value = Action> {
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
