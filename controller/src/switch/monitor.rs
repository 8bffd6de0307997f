use openflow::message::{
    FlowMonitorFlags, FlowMonitorRequest, FlowUpdate, Message, MultipartReplyBody,
    MultipartRequestBody,
};
use openflow::session::Event;
use tracing::info;

use super::connection::{Connection, ConnectionError};
use super::patience::Patience;

/// There is one monitor on a connection.
const MONITOR: u32 = 1;

/// Changes of all flows, without those that are there already and without what they do: that
/// something has changed is enough to read back what is there.
const CHANGES: FlowMonitorFlags = FlowMonitorFlags(
    FlowMonitorFlags::ADD.0 | FlowMonitorFlags::DELETE.0 | FlowMonitorFlags::MODIFY.0,
);

impl Connection {
    /// Asks the switch to tell when others change flows; false when it cannot.
    ///
    /// # Errors
    ///
    /// When the connection ends.
    pub(super) async fn monitor(&mut self) -> Result<bool, ConnectionError> {
        let request = FlowMonitorRequest::new(MONITOR, CHANGES);
        let body = MultipartRequestBody::FlowMonitor(vec![request]);
        let sent = self.send(&Message::MultipartRequest(body.into()))?;
        let patience = Patience::new("a flow monitor");
        loop {
            match self.next_of(&patience).await? {
                Event::Part { xid, last: true, .. } if xid == sent => return Ok(true),
                Event::Error { xid, error } if xid == sent => {
                    info!(error = %error.code, "the switch does not tell of changes to its flows");
                    return Ok(false);
                }
                _ => {}
            }
        }
    }
}

/// Changes that an event tells of and that this connection has not made. What happens while a
/// monitor pauses is not told, so a pause counts as one.
pub(super) fn changes_of_others(event: &Event) -> u64 {
    let Event::Message { message, .. } = event else { return 0 };
    match message {
        Message::MultipartReply(reply) => match &reply.body {
            MultipartReplyBody::FlowMonitor(updates) => {
                let others = |update: &&FlowUpdate| update.flow().is_some();
                updates.iter().filter(others).count() as u64
            }
            _ => 0,
        },
        Message::FlowMonitorPaused | Message::FlowMonitorResumed => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use openflow::Flow;
    use openflow::message::MultipartReply;

    use super::*;

    #[test]
    fn ones_own_changes_do_not_count() {
        let own = FlowUpdate::Abbreviated { xid: 7 };
        let others = [
            FlowUpdate::Added(Flow::default()),
            FlowUpdate::Modified(Flow::default()),
            FlowUpdate::Deleted { flow: Flow::default(), reason: 2 },
        ];
        let told = |updates: Vec<FlowUpdate>| {
            let body = MultipartReplyBody::FlowMonitor(updates);
            let message = Message::MultipartReply(MultipartReply { more: false, body });
            changes_of_others(&Event::Message { xid: 0, message })
        };
        assert_eq!(told(vec![own.clone()]), 0);
        assert_eq!(told(others.into_iter().chain([own]).collect()), 3);
        let paused = Event::Message { xid: 0, message: Message::FlowMonitorPaused };
        assert_eq!(changes_of_others(&paused), 1);
        let barrier = Event::Reply { xid: 0, message: Message::BarrierReply };
        assert_eq!(changes_of_others(&barrier), 0);
    }
}
