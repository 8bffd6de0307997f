//! Reading back from a switch in memory: what the controller's own work takes, without a socket
//! and without a switch.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use openflow::message::{
    FeaturesReply, FlowStats, FlowStatsRequest, Message, MultipartReply, MultipartReplyBody,
    MultipartRequestBody,
};
use openflow::session::{End, Event, Session};
use topology::block::BlockFlow;

/// Bytes that are read from a socket at a time.
const READ: usize = 64 << 10;

/// Bytes of flows in one part of a reply: the longest message less two headers.
const PART: usize = 65_535 - 16;

/// A controller's session that has asked for all flows, and the switch's answer.
pub(crate) struct Asked {
    session: Session,
    xid: u32,
    answer: Vec<u8>,
}

impl Asked {
    /// Asks a switch that has `flows`, and tells them in this order.
    pub(crate) fn of(flows: &[Arc<BlockFlow>]) -> Result<Self> {
        let now = Instant::now();
        let mut session = Session::new(End::Controller, now);
        let mut switch = Session::new(End::Switch, now);
        while !session.is_ready() {
            hand_over(&mut session, &mut switch)?;
            while let Some(event) = switch.poll_event() {
                if let Event::Message { xid, message: Message::FeaturesRequest } = event {
                    switch.reply(xid, &Message::FeaturesReply(features()))?;
                }
            }
            hand_over(&mut switch, &mut session)?;
        }
        while session.poll_event().is_some() {}

        let request = MultipartRequestBody::Flow(FlowStatsRequest::default());
        let xid = session.send(&Message::MultipartRequest(request.into()))?;
        hand_over(&mut session, &mut switch)?;
        let asked = switch.poll_event().context("the switch has heard the request")?;
        let Event::Message { xid: heard, message: Message::MultipartRequest(_) } = asked else {
            bail!("the switch has heard something else: {asked:?}");
        };
        let mut parts = parts(flows).peekable();
        while let Some(part) = parts.next() {
            let more = parts.peek().is_some();
            let body = MultipartReplyBody::Flow(part);
            switch.reply(heard, &Message::MultipartReply(MultipartReply { more, body }))?;
        }
        let answer = bytes_of(&mut switch).concat();
        Ok(Self { session, xid, answer })
    }

    /// Length of the answer in bytes.
    pub(crate) fn len(&self) -> usize {
        self.answer.len()
    }

    /// Takes the answer as it would come from a socket: the flows.
    pub(crate) fn decode(mut self) -> Result<Vec<FlowStats>> {
        let now = Instant::now();
        let mut flows = Vec::new();
        for bytes in self.answer.chunks(READ) {
            self.session.handle_input(bytes, now)?;
            while let Some(event) = self.session.poll_event() {
                if let Event::Part { xid, body: MultipartReplyBody::Flow(part), .. } = event
                    && xid == self.xid
                {
                    flows.extend(part);
                }
            }
        }
        Ok(flows)
    }
}

/// The flows' statistics, as many at a time as fit a message.
fn parts(flows: &[Arc<BlockFlow>]) -> impl Iterator<Item = Vec<FlowStats>> {
    let mut rest = flows;
    std::iter::from_fn(move || {
        // A flow's frame has longer headers than its statistics.
        let ends = rest.iter().scan(0, |bytes, flow| {
            *bytes += flow.frame().len();
            Some(*bytes)
        });
        let fit = ends.take_while(|&bytes| bytes <= PART).count();
        let (part, others) = rest.split_at(fit.max(1).min(rest.len()));
        rest = others;
        (!part.is_empty()).then(|| part.iter().map(|flow| statistics(flow)).collect())
    })
}

fn statistics(flow: &BlockFlow) -> FlowStats {
    let flow = flow.flow.clone();
    FlowStats { flow, duration_sec: 60, duration_nsec: 7, packet_count: 1_000, byte_count: 98_000 }
}

fn features() -> FeaturesReply {
    FeaturesReply { datapath_id: 1, n_tables: 254, ..Default::default() }
}

/// What `from` has to send goes to `to`.
fn hand_over(from: &mut Session, to: &mut Session) -> Result<()> {
    for bytes in bytes_of(from) {
        to.handle_input(&bytes, Instant::now())?;
    }
    Ok(())
}

fn bytes_of(session: &mut Session) -> Vec<Bytes> {
    std::iter::from_fn(|| session.poll_transmit()).collect()
}
