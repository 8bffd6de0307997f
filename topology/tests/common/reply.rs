//! Packets that come back.

use openflow::Field;
use topology::simulate::Packet;

/// The answer to a packet, as conntrack understands it.
pub(crate) fn to(packet: &Packet) -> Packet {
    let mut reply = packet.clone();
    for (one, other) in [
        (Field::ETH_SRC, Field::ETH_DST),
        (Field::IPV4_SRC, Field::IPV4_DST),
        (Field::IPV6_SRC, Field::IPV6_DST),
        (Field::TCP_SRC, Field::TCP_DST),
        (Field::UDP_SRC, Field::UDP_DST),
        (Field::SCTP_SRC, Field::SCTP_DST),
    ] {
        reply.set(one, packet.field(other));
        reply.set(other, packet.field(one));
    }
    for (field, query, answer) in
        [(Field::ICMPV4_TYPE, 8, 0u8), (Field::ICMPV4_TYPE, 13, 14), (Field::ICMPV6_TYPE, 128, 129)]
    {
        if packet.field(field) == query {
            reply.set(field, answer);
        }
    }
    reply
}

/// What its receiver sends when the packet is for a port that nobody listens at, or, over IPv6,
/// too big.
pub(crate) fn error_about(packet: &Packet) -> Packet {
    let mut error = to(packet);
    for field in [
        Field::TCP_SRC,
        Field::TCP_DST,
        Field::UDP_SRC,
        Field::UDP_DST,
        Field::SCTP_SRC,
        Field::SCTP_DST,
    ] {
        error.set(field, 0u8);
    }
    let (protocol, kind, code) = if packet.field(Field::ETH_TYPE) == 0x0800 {
        (1u8, (Field::ICMPV4_TYPE, 3u8), (Field::ICMPV4_CODE, 3u8))
    } else {
        (58, (Field::ICMPV6_TYPE, 2), (Field::ICMPV6_CODE, 0))
    };
    let error = error.with(Field::IP_PROTO, protocol);
    error.with(kind.0, kind.1).with(code.0, code.1).with_about(packet)
}
