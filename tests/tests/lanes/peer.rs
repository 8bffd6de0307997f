//! The switch's end of a session, in memory: takes every flow, and answers barriers when the test
//! says so.

use std::time::Instant;

use anyhow::{Result, ensure};
use openflow::message::{
    BundleControlType, FeaturesReply, Message, MultipartReply, MultipartReplyBody,
    MultipartRequestBody, SwitchConfig,
};
use openflow::session::{End, Event, Session};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};

/// A switch that has no flow at first.
pub(crate) struct Peer {
    stream: DuplexStream,
    session: Session,
    /// Cookies of the flows of the bundle that is open.
    pub(crate) staged: Vec<u64>,
    /// Cookies of the flows that were put, in order.
    pub(crate) put: Vec<u64>,
    /// So many of them were put before the last barrier that was answered.
    pub(crate) confirmed: usize,
    /// Barriers that wait for an answer.
    pub(crate) barriers: Vec<u32>,
}

impl Peer {
    pub(crate) fn new(stream: DuplexStream) -> Self {
        let session = Session::new(End::Switch, Instant::now());
        Self { stream, session, staged: vec![], put: vec![], confirmed: 0, barriers: vec![] }
    }

    /// Reads and answers until it has been sent a flow and waits for a barrier.
    pub(crate) async fn until_barrier(&mut self) -> Result<()> {
        loop {
            while let Some(bytes) = self.session.poll_transmit() {
                self.stream.write_all(&bytes).await?;
            }
            if !self.barriers.is_empty() && !self.put.is_empty() {
                return Ok(());
            }
            // What comes before the first flow is not what is looked at.
            self.answer_barriers()?;
            if self.session.queued_bytes() > 0 {
                continue;
            }
            self.read().await?;
        }
    }

    /// Reads, and answers no barrier, until so many flows are in the open bundle.
    pub(crate) async fn until_staged(&mut self, flows: usize) -> Result<()> {
        while self.staged.len() < flows {
            self.read().await?;
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<()> {
        let mut input = [0; 4096];
        let length = self.stream.read(&mut input).await?;
        ensure!(length > 0, "the controller has hung up");
        self.session.handle_input(&input[..length], Instant::now())?;
        while let Some(event) = self.session.poll_event() {
            if let Event::Message { xid, message } = event {
                self.take(xid, message)?;
            }
        }
        Ok(())
    }

    /// Answers the barriers that wait.
    pub(crate) fn answer_barriers(&mut self) -> Result<()> {
        self.confirmed = self.put.len();
        for xid in std::mem::take(&mut self.barriers) {
            self.session.reply(xid, &Message::BarrierReply)?;
        }
        Ok(())
    }

    fn take(&mut self, xid: u32, message: Message) -> Result<()> {
        let reply = match message {
            Message::FeaturesRequest => Message::FeaturesReply(FeaturesReply {
                datapath_id: 1,
                n_tables: 254,
                ..Default::default()
            }),
            Message::GetConfigRequest => {
                Message::GetConfigReply(SwitchConfig { flags: 0, miss_send_len: 0 })
            }
            Message::MultipartRequest(request) => {
                let body = match request.body {
                    MultipartRequestBody::MeterConfig(_) => MultipartReplyBody::MeterConfig(vec![]),
                    MultipartRequestBody::FlowMonitor(_) => MultipartReplyBody::FlowMonitor(vec![]),
                    MultipartRequestBody::PortDesc => MultipartReplyBody::PortDesc(vec![]),
                    _ => MultipartReplyBody::Flow(vec![]),
                };
                Message::MultipartReply(MultipartReply { more: false, body })
            }
            Message::BarrierRequest => {
                self.barriers.push(xid);
                return Ok(());
            }
            Message::BundleAdd(add) => {
                if let (_, Message::FlowMod(flow_mod)) = add.decode_message()? {
                    self.staged.push(flow_mod.flow.cookie);
                }
                return Ok(());
            }
            Message::BundleControl(control) => {
                if control.kind == BundleControlType::CommitRequest {
                    self.put.append(&mut self.staged);
                }
                return Ok(());
            }
            _ => return Ok(()),
        };
        Ok(self.session.reply(xid, &reply)?)
    }
}
