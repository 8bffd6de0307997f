//! Changes of ports: OpenFlow 1.3.5 §7.3.4.3.

use bytes::{BufMut, BytesMut};

use crate::wire::Reader;
use crate::{DecodeError, MacAddr, PortNo};

/// Changes how a port behaves: `struct ofp_port_mod`, OpenFlow 1.3.5 §7.3.4.3.
///
/// ```text
///  0               2               4               6              8
/// +---------------+---------------+---------------+---------------+
/// | port_no                       | pad                           |
/// +-------------------------------+---------------+---------------+
/// | hw_addr                                       | pad           |
/// +-------------------------------+---------------+---------------+
/// | config                        | mask                          |
/// +-------------------------------+-------------------------------+
/// | advertise                     | pad                           |
/// +-------------------------------+-------------------------------+
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PortMod {
    /// The port.
    pub port_no: PortNo,
    /// Its Ethernet address, which must be right: the number may have gone to another port.
    pub hw_addr: MacAddr,
    /// `OFPPC_*` bits, see [`Port::config`](super::Port::config).
    pub config: u32,
    /// Those of the bits that change.
    pub mask: u32,
    /// `OFPPF_*` bits of the features to offer to the peer; 0 for no change.
    pub advertise: u32,
}

impl PortMod {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u32(self.port_no.0);
        out.put_u32(0);
        out.put_slice(&self.hw_addr.octets());
        out.put_u16(0);
        out.put_u32(self.config);
        out.put_u32(self.mask);
        out.put_u32(self.advertise);
        out.put_u32(0);
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let port_no = body.port()?;
        body.skip(4)?;
        let hw_addr = MacAddr::new(body.array()?);
        body.skip(2)?;
        let (config, mask, advertise) = (body.u32()?, body.u32()?, body.u32()?);
        body.skip(4)?;
        Ok(Self { port_no, hw_addr, config, mask, advertise })
    }
}
