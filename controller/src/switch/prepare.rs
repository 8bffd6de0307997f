use std::num::NonZeroU32;

use openflow::message::{
    ErrorMessage, Message, MeterMod, MeterModCommand, MultipartReplyBody, MultipartRequestBody,
    SwitchConfig,
};
use openflow::session::Event;
use openflow::{Meter, MeterBand, MeterFlags};
use topology::meter::LOG_METER;
use tracing::warn;

use super::connection::{Connection, ConnectionError};
use super::patience::Patience;

impl Connection {
    /// Sets what flows presuppose and no flow can say: how fragments are matched, and the meter
    /// that lets at most `log_rate` packets a second of logged rules through to the controller.
    ///
    /// A meter that is as it should be is left alone. A switch without meters works all the same:
    /// what it reports too much is not logged.
    ///
    /// # Errors
    ///
    /// When the connection ends.
    pub(super) async fn prepare(&mut self, log_rate: NonZeroU32) -> Result<(), ConnectionError> {
        self.send(&Message::SetConfig(MATCH_FIRST_FRAGMENTS))?;
        let wanted = log_meter(log_rate);
        let command = match self.meter(LOG_METER).await? {
            Some(meter) if meter == wanted => None,
            Some(_) => Some(MeterModCommand::Modify),
            None => Some(MeterModCommand::Add),
        };
        if let Some(command) = command {
            self.send(&Message::MeterMod(MeterMod { command, meter: wanted }))?;
        }
        for (_, ErrorMessage { code, .. }) in self.barrier().await? {
            warn!(error = %code, "the switch refused how it is to treat fragments or logged rules");
        }
        Ok(())
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

/// A burst may be as large as what a second lets through.
fn log_meter(rate: NonZeroU32) -> Meter {
    let rate = rate.get();
    Meter {
        meter_id: LOG_METER,
        flags: MeterFlags(MeterFlags::PKTPS.0 | MeterFlags::BURST.0 | MeterFlags::STATS.0),
        bands: vec![MeterBand::Drop { rate, burst_size: rate }],
    }
}
