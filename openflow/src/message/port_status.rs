//! Ports, OpenFlow 1.3.5 §7.2.1, and what becomes of them, §7.4.3.

use bytes::{BufMut, BytesMut};

use crate::wire::Reader;
use crate::{DecodeError, FixedString, MacAddr, PortNo};

/// A port came, went or changed: `struct ofp_port_status`, OpenFlow 1.3.5 §7.4.3.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct PortStatus {
    /// What happened.
    pub reason: PortReason,
    /// The port, as it is now, or was when it went.
    pub port: Port,
}

/// `enum ofp_port_reason`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[repr(u8)]
pub enum PortReason {
    /// The port was added.
    Add = 0,
    /// The port was removed.
    Delete = 1,
    /// Something about the port changed.
    Modify = 2,
}

/// A port of a switch: `struct ofp_port`, OpenFlow 1.3.5 §7.2.1.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Port {
    /// Its number.
    pub port_no: PortNo,
    /// Its Ethernet address.
    pub hw_addr: MacAddr,
    /// Its name, at most 15 bytes.
    pub name: FixedString,
    /// `OFPPC_*` bits: what the administrator wants.
    pub config: u32,
    /// `OFPPS_*` bits: [`Port::LINK_DOWN`] and others.
    pub state: u32,
    /// `OFPPF_*` bits: features in use.
    pub curr: u32,
    /// `OFPPF_*` bits: features that the port offers to its peer.
    pub advertised: u32,
    /// `OFPPF_*` bits: features that the port has.
    pub supported: u32,
    /// `OFPPF_*` bits: features that the peer offers.
    pub peer: u32,
    /// Bit rate in kbit/s.
    pub curr_speed: u32,
    /// Highest bit rate in kbit/s.
    pub max_speed: u32,
}

impl Port {
    /// `OFPPC_PORT_DOWN` of `config`: the administrator has taken the port down.
    pub const PORT_DOWN: u32 = 1;
    /// `OFPPC_NO_RECV` of `config`: what comes in by the port is dropped.
    pub const NO_RECV: u32 = 1 << 2;
    /// `OFPPC_NO_FWD` of `config`: what is sent out of the port is dropped.
    pub const NO_FWD: u32 = 1 << 5;
    /// `OFPPC_NO_PACKET_IN` of `config`: nothing that comes in by the port is told to controllers.
    pub const NO_PACKET_IN: u32 = 1 << 6;
    /// `OFPPS_LINK_DOWN` of `state`: there is no link.
    pub const LINK_DOWN: u32 = 1;

    const NAME_LEN: usize = 16;

    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u32(self.port_no.0);
        out.put_u32(0);
        out.put_slice(&self.hw_addr.octets());
        out.put_u16(0);
        self.name.encode(out, Self::NAME_LEN);
        for word in [
            self.config,
            self.state,
            self.curr,
            self.advertised,
            self.supported,
            self.peer,
            self.curr_speed,
            self.max_speed,
        ] {
            out.put_u32(word);
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut port = reader.nested("ofp_port", 64)?;
        let port_no = port.port()?;
        port.skip(4)?;
        let hw_addr = MacAddr::new(port.array()?);
        port.skip(2)?;
        Ok(Self {
            port_no,
            hw_addr,
            name: FixedString::decode(port.take(Self::NAME_LEN)?),
            config: port.u32()?,
            state: port.u32()?,
            curr: port.u32()?,
            advertised: port.u32()?,
            supported: port.u32()?,
            peer: port.u32()?,
            curr_speed: port.u32()?,
            max_speed: port.u32()?,
        })
    }
}

impl PortStatus {
    pub(super) fn encode(&self, out: &mut BytesMut) {
        out.put_u8(self.reason as u8);
        out.put_bytes(0, 7);
        self.port.encode(out);
    }

    pub(super) fn decode(body: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let reason = match body.u8()? {
            0 => PortReason::Add,
            1 => PortReason::Delete,
            2 => PortReason::Modify,
            other => return Err(body.bad("reason", 1, other, "0 to 2")),
        };
        body.skip(7)?;
        Ok(Self { reason, port: Port::decode(body)? })
    }
}
