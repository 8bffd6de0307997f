use openflow::message::{
    ErrorMessage, FlowStats, FlowStatsRequest, Message, MultipartReplyBody, MultipartRequestBody,
};
use openflow::session::Event;

use super::connection::{Connection, ConnectionError};
use super::patience::Patience;
use crate::engine::Which;

/// Flows that a switch may have: several times what the largest host needs, and a few hundred
/// megabytes while they are compared.
pub(super) const MAX_FLOWS: usize = 1 << 20;

/// Bytes in which a switch may tell its flows, whatever else comes meanwhile counted in.
pub(super) const MAX_READ_BACK_BYTES: u64 = 256 << 20;

/// Bytes of errors that are kept while an exchange lasts.
pub(super) const MAX_ERROR_BYTES: usize = 4 << 20;

impl Connection {
    /// The flows that the switch has, with their counters.
    ///
    /// # Errors
    ///
    /// See [`Connection::tell_flows`].
    pub async fn read_back(&mut self, which: Which) -> Result<Vec<FlowStats>, ConnectionError> {
        let mut flows = Vec::new();
        self.tell_flows(which, |stats| flows.push(stats)).await?;
        Ok(flows)
    }

    /// Has `take` look at the flows that the switch has, with their counters, as they come.
    ///
    /// # Errors
    ///
    /// When the connection ends, the switch refuses to tell, has more than a million flows, or
    /// takes too long.
    pub async fn tell_flows(
        &mut self,
        which: Which,
        mut take: impl FnMut(FlowStats),
    ) -> Result<(), ConnectionError> {
        let (cookie, cookie_mask) = match which {
            Which::All => (0, 0),
            Which::Block(block) => block.cookie_and_mask(),
        };
        let request = FlowStatsRequest { cookie, cookie_mask, ..FlowStatsRequest::default() };
        let body = MultipartRequestBody::Flow(request);
        let sent = self.send(&Message::MultipartRequest(body.into()))?;
        let limit = self.received() + MAX_READ_BACK_BYTES;
        let mut patience = Patience::new("flow statistics");
        let mut told = 0;
        loop {
            if self.received() > limit {
                return Err(ConnectionError::TooManyBytes);
            }
            match self.next_of(&patience).await? {
                Event::Part { xid, body, last } if xid == sent => {
                    patience.part_came();
                    if let MultipartReplyBody::Flow(part) = body {
                        told += part.len();
                        part.into_iter().for_each(&mut take);
                    }
                    if told > MAX_FLOWS {
                        return Err(ConnectionError::TooManyFlows);
                    }
                    if last {
                        return Ok(());
                    }
                }
                Event::Error { xid, error } if xid == sent => {
                    return Err(ConnectionError::Refused { what: "flow statistics", error });
                }
                _ => {}
            }
        }
    }

    /// Waits until the switch has dealt with everything; answers the errors meanwhile.
    pub(super) async fn barrier(&mut self) -> Result<Vec<(u32, ErrorMessage)>, ConnectionError> {
        let sent = self.send(&Message::BarrierRequest)?;
        self.passed(sent).await
    }

    /// Waits until the switch has dealt with everything before a barrier that was sent; answers the
    /// errors meanwhile.
    pub(super) async fn passed(
        &mut self,
        barrier: u32,
    ) -> Result<Vec<(u32, ErrorMessage)>, ConnectionError> {
        let patience = Patience::whole("a barrier");
        let (mut errors, mut bytes) = (Vec::new(), 0);
        loop {
            match self.next_of(&patience).await? {
                Event::Reply { xid, .. } if xid == barrier => return Ok(errors),
                Event::Error { xid, error } => {
                    bytes += size_of_val(&error) + error.data.len();
                    if bytes > MAX_ERROR_BYTES {
                        return Err(ConnectionError::TooManyErrors);
                    }
                    errors.push((xid, error));
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::documented::{bytes, check, number};

    #[test]
    fn the_limits_are_documented() {
        let limits = [
            ("flows in a read-back", number(MAX_FLOWS)),
            ("bytes of a read-back", bytes(MAX_READ_BACK_BYTES as usize)),
            ("bytes of errors in one exchange", bytes(MAX_ERROR_BYTES)),
        ];
        check("OpenFlow", &limits);
    }
}
