//! `sample`: `struct nx_action_sample` and `nx_action_sample2` of Open vSwitch.

use bytes::{BufMut, BytesMut};

use super::nicira::{Nicira, put_nicira};
use crate::PortNo;
use crate::wire::{Reader, port_from_16, port_to_16};

/// Samples packets for an IPFIX collector: `nx_action_sample` as `NXAST_SAMPLE`, as `NXAST_SAMPLE3`
/// where there is a direction, else as `NXAST_SAMPLE2` where there is a port.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Sample {
    /// How many of 65,535 packets are sampled, at least 1.
    pub probability: u16,
    /// Which set of collectors gets the samples.
    pub collector_set_id: u32,
    /// The observation domain told to the collectors.
    pub obs_domain_id: u32,
    /// The observation point told to the collectors.
    pub obs_point_id: u32,
    /// The port at which the packet is seen, `None` for no particular one.
    pub sampling_port: Option<PortNo>,
    /// Which way the packet goes there.
    pub direction: SampleDirection,
}

/// Which way a sampled packet goes: `enum nx_action_sample_direction`.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum SampleDirection {
    /// As Open vSwitch finds: out of the sampling port if the actions sent it there.
    #[default]
    Default,
    /// Into the switch.
    Ingress,
    /// Out of it.
    Egress,
}

impl Sample {
    /// `OFPP_NONE` in 16 bits.
    const NO_PORT: u16 = 0xffff;

    pub(super) fn encode(&self, out: &mut BytesMut) {
        let directed = self.direction != SampleDirection::Default;
        put_nicira(
            out,
            match self.sampling_port {
                _ if directed => Nicira::SAMPLE3,
                Some(_) => Nicira::SAMPLE2,
                None => Nicira::SAMPLE,
            },
        );
        out.put_u16(self.probability);
        out.put_u32(self.collector_set_id);
        out.put_u32(self.obs_domain_id);
        out.put_u32(self.obs_point_id);
        if directed || self.sampling_port.is_some() {
            out.put_u16(self.sampling_port.map_or(Self::NO_PORT, port_to_16));
            out.put_u8(self.direction as u8);
            out.put_bytes(0, 5);
        }
    }

    /// Reads what follows the subtype.
    pub(super) fn decode(subtype: Nicira, body: &mut Reader<'_>) -> Option<Self> {
        let mut sample = Self {
            probability: body.u16().ok()?,
            collector_set_id: body.u32().ok()?,
            obs_domain_id: body.u32().ok()?,
            obs_point_id: body.u32().ok()?,
            sampling_port: None,
            direction: SampleDirection::Default,
        };
        if subtype != Nicira::SAMPLE {
            let port = body.u16().ok()?;
            sample.sampling_port = (port != Self::NO_PORT).then_some(port_from_16(port));
            sample.direction = match body.u8().ok()? {
                0 => SampleDirection::Default,
                1 => SampleDirection::Ingress,
                2 => SampleDirection::Egress,
                _ => return None,
            };
        }
        Some(sample)
    }
}
