use std::num::NonZeroU32;

use openflow::message::{
    ErrorMessage, Message, MeterMod, MeterModCommand, MultipartReplyBody, MultipartRequestBody,
    Port, PortMod, SwitchConfig,
};
use openflow::session::Event;
use openflow::{Meter, MeterBand, MeterFlags, PortNo};
use topology::meter::LOG_METER;
use tracing::warn;

use super::connection::{Connection, ConnectionError};
use super::patience::Patience;

/// What became of the settings of a switch that were not as they should be.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Prepared {
    /// Those that were put right.
    pub(super) set: u64,
    /// Those that the switch refused.
    pub(super) refused: u64,
}

impl Connection {
    /// Sets what flows presuppose and no flow can say: how fragments are matched, that ports take
    /// and give what flows say, and the meter that lets at most `log_rate` packets a second of
    /// logged rules through to the controller.
    ///
    /// What is as it should be is left alone. A switch without meters works all the same: what it
    /// reports too much is not logged.
    ///
    /// # Errors
    ///
    /// When the connection ends.
    pub(super) async fn prepare(
        &mut self,
        log_rate: NonZeroU32,
    ) -> Result<Prepared, ConnectionError> {
        let wrong = self.wrong_settings(log_rate).await?;
        if wrong.is_empty() {
            return Ok(Prepared::default());
        }
        let mut sent = Vec::with_capacity(wrong.len());
        for message in &wrong {
            sent.push(self.send(message)?);
        }
        let mut refused = 0;
        let errors = self.barrier().await?.into_iter();
        for (_, ErrorMessage { code, .. }) in errors.filter(|(xid, _)| sent.contains(xid)) {
            warn!(error = %code, "the switch refused how it is to treat fragments, ports or meters");
            refused += 1;
        }
        Ok(Prepared { set: (wrong.len() as u64).saturating_sub(refused), refused })
    }

    /// What is to be sent for the switch's settings to be as they should.
    ///
    /// # Errors
    ///
    /// When the connection ends.
    pub(super) async fn wrong_settings(
        &mut self,
        log_rate: NonZeroU32,
    ) -> Result<Vec<Message>, ConnectionError> {
        let mut wrong = Vec::new();
        if self.fragments().await? != Some(MATCH_FIRST_FRAGMENTS.flags) {
            wrong.push(Message::SetConfig(MATCH_FIRST_FRAGMENTS));
        }
        wrong.extend(self.ports().await?.iter().filter_map(unmuzzle).map(Message::PortMod));
        let meter = log_meter(log_rate);
        let command = match self.meter(LOG_METER).await? {
            Some(found) if found == meter => return Ok(wrong),
            Some(_) => MeterModCommand::Modify,
            None => MeterModCommand::Add,
        };
        wrong.push(Message::MeterMod(MeterMod { command, meter }));
        Ok(wrong)
    }

    /// How the switch treats fragments, `None` when it does not tell.
    async fn fragments(&mut self) -> Result<Option<u16>, ConnectionError> {
        let sent = self.send(&Message::GetConfigRequest)?;
        let patience = Patience::new("its configuration");
        loop {
            match self.next_of(&patience).await? {
                Event::Reply { xid, message: Message::GetConfigReply(config) } if xid == sent => {
                    return Ok(Some(config.flags));
                }
                Event::Error { xid, .. } if xid == sent => return Ok(None),
                _ => {}
            }
        }
    }

    /// The ports that the switch has.
    async fn ports(&mut self) -> Result<Vec<Port>, ConnectionError> {
        let sent = self.send(&Message::MultipartRequest(MultipartRequestBody::PortDesc.into()))?;
        let mut patience = Patience::new("its ports");
        let mut ports = Vec::new();
        loop {
            match self.next_of(&patience).await? {
                Event::Part { xid, body, last } if xid == sent => {
                    patience.part_came();
                    if let MultipartReplyBody::PortDesc(part) = body {
                        ports.extend(part);
                    }
                    if last {
                        return Ok(ports);
                    }
                }
                Event::Error { xid, .. } if xid == sent => return Ok(ports),
                _ => {}
            }
        }
    }

    /// The meter of this number, `None` when there is none.
    async fn meter(&mut self, number: u32) -> Result<Option<Meter>, ConnectionError> {
        let body = MultipartRequestBody::MeterConfig(number);
        let sent = self.send(&Message::MultipartRequest(body.into()))?;
        let mut patience = Patience::new("a meter");
        let mut found = None;
        loop {
            match self.next_of(&patience).await? {
                Event::Part { xid, body, last } if xid == sent => {
                    patience.part_came();
                    if let MultipartReplyBody::MeterConfig(meters) = body {
                        found = found.or(meters.into_iter().find(|it| it.meter_id == number));
                    }
                    if last {
                        return Ok(found);
                    }
                }
                // There is no such meter, or the switch has none at all.
                Event::Error { xid, .. } if xid == sent => return Ok(None),
                _ => {}
            }
        }
    }
}

/// `OFPC_FRAG_NX_MATCH`: the first fragment of a packet has its transport header, as far as
/// matches go. In the switch's own mode it has port numbers 0, and would be judged, and pass the
/// guard against DHCP servers, as something that it is not. Table misses are not sent at all.
const MATCH_FIRST_FRAGMENTS: SwitchConfig = SwitchConfig { flags: 3, miss_send_len: 0 };

/// What lets a port take and give again what flows say, if somebody has told the switch that it must
/// not. Whether a port is up is its host's business.
fn unmuzzle(port: &Port) -> Option<PortMod> {
    const MUZZLES: u32 = Port::NO_RECV | Port::NO_FWD | Port::NO_PACKET_IN;
    let muzzled = port.port_no != PortNo::LOCAL && port.config & MUZZLES != 0;
    let Port { port_no, hw_addr, .. } = *port;
    muzzled.then_some(PortMod { port_no, hw_addr, config: 0, mask: MUZZLES, advertise: 0 })
}

/// A burst may be as large as what a second lets through.
fn log_meter(rate: NonZeroU32) -> Meter {
    let rate = rate.get();
    Meter {
        meter_id: LOG_METER,
        flags: MeterFlags(MeterFlags::PKTPS.0 | MeterFlags::BURST.0 | MeterFlags::STATS.0),
        bands: vec![MeterBand::Drop { rate, burst_size: rate }],
    }
}
