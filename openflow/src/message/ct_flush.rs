//! Forgetting connections: `NXT_CT_FLUSH`, `nicira-ext.h` of Open vSwitch.

use std::net::{IpAddr, Ipv6Addr};

use bytes::{BufMut, Bytes, BytesMut};

use super::property;
use crate::DecodeError;
use crate::wire::Reader;

/// Forgets connections: `NXT_CT_FLUSH`, `struct nx_ct_flush` of `nicira-ext.h`.
///
/// Those that agree with all that is said here. What is said of a connection that comes from
/// somewhere is in `orig`, of its answers in `reply`.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CtFlush {
    /// The IP protocol; 0 for any.
    pub ip_proto: u8,
    /// Packets in the direction in which the connection was made.
    pub orig: CtTuple,
    /// Packets in the other direction.
    pub reply: CtTuple,
    /// The conntrack zone.
    pub zone: Option<u16>,
    /// What this crate does not know: type and value.
    pub other: Vec<(u16, Bytes)>,
}

/// Addresses and ports of packets: `enum nx_ct_flush_tuple_tlv_type`.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct CtTuple {
    /// Where they come from.
    pub src: Option<IpAddr>,
    /// Where they go.
    pub dst: Option<IpAddr>,
    /// The port that they come from.
    pub src_port: Option<u16>,
    /// The port that they go to.
    pub dst_port: Option<u16>,
    /// Their ICMP identifier.
    pub icmp_id: Option<u16>,
    /// Their ICMP type.
    pub icmp_type: Option<u8>,
    /// Their ICMP code.
    pub icmp_code: Option<u8>,
    /// What this crate does not know: type and value.
    pub other: Vec<(u16, Bytes)>,
}

impl CtFlush {
    const ORIG_TUPLE: u16 = 0;
    const REPLY_TUPLE: u16 = 1;
    const ZONE_ID: u16 = 2;

    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u8(self.ip_proto);
        out.put_bytes(0, 7);
        for (kind, tuple) in [(Self::ORIG_TUPLE, &self.orig), (Self::REPLY_TUPLE, &self.reply)] {
            if *tuple != CtTuple::default() {
                property::put(out, kind, |out| {
                    // What is nested is aligned, too.
                    out.put_u32(0);
                    tuple.encode(out);
                });
            }
        }
        if let Some(zone) = self.zone {
            property::put_u16(out, Self::ZONE_ID, zone);
        }
        for (kind, value) in &self.other {
            property::put(out, *kind, |out| out.put_slice(value));
        }
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut flush = Self { ip_proto: body.u8()?, ..Self::default() };
        body.skip(7)?;
        while !body.is_empty() {
            let (kind, mut value) = property::read(body, "nx_ct_flush property")?;
            match kind {
                Self::ORIG_TUPLE => flush.orig = CtTuple::decode(&mut value)?,
                Self::REPLY_TUPLE => flush.reply = CtTuple::decode(&mut value)?,
                Self::ZONE_ID => flush.zone = Some(value.u16()?),
                other => flush.other.push((other, value.rest_bytes())),
            }
        }
        Ok(flush)
    }
}

impl CtTuple {
    const SRC: u16 = 0;
    const DST: u16 = 1;
    const SRC_PORT: u16 = 2;
    const DST_PORT: u16 = 3;
    const ICMP_ID: u16 = 4;
    const ICMP_TYPE: u16 = 5;
    const ICMP_CODE: u16 = 6;

    fn encode(&self, out: &mut BytesMut) {
        for (kind, address) in [(Self::SRC, self.src), (Self::DST, self.dst)] {
            if let Some(address) = address {
                property::put(out, kind, |out| out.put_slice(&mapped(address).octets()));
            }
        }
        for (kind, value) in [
            (Self::SRC_PORT, self.src_port),
            (Self::DST_PORT, self.dst_port),
            (Self::ICMP_ID, self.icmp_id),
        ] {
            if let Some(value) = value {
                property::put_u16(out, kind, value);
            }
        }
        for (kind, value) in [(Self::ICMP_TYPE, self.icmp_type), (Self::ICMP_CODE, self.icmp_code)]
        {
            if let Some(value) = value {
                property::put(out, kind, |out| out.put_u8(value));
            }
        }
        for (kind, value) in &self.other {
            property::put(out, *kind, |out| out.put_slice(value));
        }
    }

    fn decode(tuple: &mut Reader<'_>) -> Result<Self, DecodeError> {
        tuple.skip(4)?;
        let mut read = Self::default();
        while !tuple.is_empty() {
            let (kind, mut value) = property::read(tuple, "nx_ct_flush tuple property")?;
            match kind {
                Self::SRC => read.src = Some(address(&mut value)?),
                Self::DST => read.dst = Some(address(&mut value)?),
                Self::SRC_PORT => read.src_port = Some(value.u16()?),
                Self::DST_PORT => read.dst_port = Some(value.u16()?),
                Self::ICMP_ID => read.icmp_id = Some(value.u16()?),
                Self::ICMP_TYPE => read.icmp_type = Some(value.u8()?),
                Self::ICMP_CODE => read.icmp_code = Some(value.u8()?),
                other => read.other.push((other, value.rest_bytes())),
            }
        }
        Ok(read)
    }
}

/// The address as one of IPv6, which one of IPv4 is by being mapped.
fn mapped(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

/// Reads what [`mapped`] makes.
fn address(value: &mut Reader<'_>) -> Result<IpAddr, DecodeError> {
    Ok(Ipv6Addr::from(value.array::<16>()?).to_canonical())
}
