//! A simulated switch: real OpenFlow on a real socket, a flow table, and no packets.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use bytes::{Buf, Bytes, BytesMut};
use openflow::Meter;
use openflow::message::{
    BundleControl, BundleControlType, ErrorCode, ErrorMessage, FeaturesReply, Header, Hello,
    Message, MeterMod, MultipartReply, MultipartReplyBody, MultipartRequestBody, SwitchConfig,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;

use super::flows::{Catalogue, Step, Table};
use super::read_backs::ReadBacks;

/// A switch has answered a barrier, or has told all of its flows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Receipt {
    pub(crate) host: usize,
    pub(crate) at: Instant,
    /// Those that came between the last barrier and this one.
    pub(crate) flow_mods: usize,
    /// It has told its flows.
    pub(crate) read_back: bool,
}

/// What stays when the connection goes.
pub(crate) struct Switch {
    host: usize,
    datapath_id: u64,
    catalogue: Rc<RefCell<Catalogue>>,
    receipts: mpsc::UnboundedSender<Receipt>,
    table: Table,
    config: SwitchConfig,
    meter: Option<Meter>,
    bundle: Vec<Step>,
    /// Since the last barrier.
    flow_mods: usize,
    /// It has been asked for its flows since its last answers.
    tells: bool,
}

impl Switch {
    pub(crate) fn new(
        host: usize,
        datapath_id: u64,
        catalogue: Rc<RefCell<Catalogue>>,
        receipts: mpsc::UnboundedSender<Receipt>,
    ) -> Self {
        Self {
            host,
            datapath_id,
            catalogue,
            receipts,
            table: Table::default(),
            config: SwitchConfig { flags: 0, miss_send_len: 128 },
            meter: None,
            bundle: Vec::new(),
            flow_mods: 0,
            tells: false,
        }
    }

    /// It has restarted.
    pub(crate) fn empty(&mut self) {
        (self.table, self.meter) = (Table::default(), None);
    }

    /// How many flows it has.
    pub(crate) fn flows(&self) -> usize {
        self.table.len()
    }

    /// Speaks to the controller until the connection ends.
    pub(crate) async fn serve(
        switch: &RefCell<Self>,
        mut stream: TcpStream,
        read_backs: &ReadBacks,
    ) -> Result<()> {
        // What an earlier connection has left open is gone with it.
        {
            let mut switch = switch.borrow_mut();
            (switch.tells, switch.bundle) = (false, Vec::new());
        }
        let hello = Message::Hello(Hello::only_1_3()).to_bytes(1)?;
        stream.write_all(&hello).await?;
        let mut input = BytesMut::with_capacity(READ);
        let mut answers = Vec::new();
        while stream.read_buf(&mut input).await? > 0 {
            while let Some(Header { length, .. }) = Header::read(&input) {
                let length = usize::from(length);
                if input.len() < length {
                    break;
                }
                switch.borrow_mut().handle(&input[..length], &mut answers)?;
                input.advance(length);
            }
            let tells = std::mem::take(&mut switch.borrow_mut().tells);
            let under_way = if tells { Some(read_backs.begin().await) } else { None };
            // Answers leave together: most are a few bytes.
            let answer = answers.concat();
            answers.clear();
            stream.write_all(&answer).await?;
            drop(under_way);
            input.reserve(READ);
        }
        Ok(())
    }

    fn handle(&mut self, frame: &[u8], answers: &mut Vec<Bytes>) -> Result<()> {
        if is_bundle_add(frame) {
            self.bundle.push(self.catalogue.borrow_mut().step(frame)?);
            return Ok(());
        }
        let (xid, message) = Message::interpret(frame)?;
        let answer = match message {
            Message::Hello(_) | Message::EchoReply(_) | Message::CtFlushZone(_) => return Ok(()),
            Message::EchoRequest(data) => Message::EchoReply(data),
            Message::FeaturesRequest => Message::FeaturesReply(FeaturesReply {
                datapath_id: self.datapath_id,
                n_tables: 254,
                capabilities: 0x4f,
                ..Default::default()
            }),
            Message::GetConfigRequest => Message::GetConfigReply(self.config),
            Message::SetConfig(config) => {
                self.config = config;
                return Ok(());
            }
            Message::MeterMod(MeterMod { meter, .. }) => {
                self.meter = Some(meter);
                return Ok(());
            }
            Message::BundleControl(control) => self.control(control)?,
            Message::BarrierRequest => {
                let flow_mods = std::mem::take(&mut self.flow_mods);
                self.sign(flow_mods, false);
                Message::BarrierReply
            }
            Message::MultipartRequest(request) => match request.body {
                MultipartRequestBody::Flow(_) => {
                    self.tells = true;
                    self.sign(0, true);
                    return self.table.tell(&self.catalogue.borrow(), xid, answers);
                }
                MultipartRequestBody::MeterConfig(_) => match self.meter.clone() {
                    Some(meter) => part(MultipartReplyBody::MeterConfig(vec![meter])),
                    None => unknown_meter(),
                },
                // Nobody has told any port to do otherwise than ports do.
                MultipartRequestBody::PortDesc => part(MultipartReplyBody::PortDesc(Vec::new())),
                MultipartRequestBody::FlowMonitor(_) => {
                    part(MultipartReplyBody::FlowMonitor(Vec::new()))
                }
                other => bail!("no answer to a request for {other:?}"),
            },
            other => bail!("no answer to {other:?}"),
        };
        answers.push(answer.to_bytes(xid)?);
        Ok(())
    }

    fn sign(&self, flow_mods: usize, read_back: bool) {
        let receipt = Receipt { host: self.host, at: Instant::now(), flow_mods, read_back };
        // Nobody looks any more when the fleet goes down.
        let _ = self.receipts.send(receipt);
    }

    fn control(&mut self, control: BundleControl) -> Result<Message> {
        let done = match control.kind {
            BundleControlType::OpenRequest => {
                ensure!(self.bundle.is_empty(), "a bundle is open already");
                BundleControlType::OpenReply
            }
            BundleControlType::CommitRequest => {
                let steps = std::mem::take(&mut self.bundle);
                self.flow_mods += steps.len();
                self.table.execute(&self.catalogue.borrow(), &steps);
                BundleControlType::CommitReply
            }
            other => bail!("weftd does not ask for {other:?}"),
        };
        Ok(Message::BundleControl(BundleControl { kind: done, ..control }))
    }
}

fn part(body: MultipartReplyBody) -> Message {
    Message::MultipartReply(MultipartReply { more: false, body })
}

fn unknown_meter() -> Message {
    Message::Error(ErrorMessage { code: ErrorCode::standard(12, 3), data: Bytes::new() })
}

/// `ONF_ET_BUNDLE_ADD_MESSAGE`, ONF extension 230: nearly everything that comes.
fn is_bundle_add(frame: &[u8]) -> bool {
    const EXPERIMENTER: u8 = 4;
    const ONF_AND_TYPE: [u8; 8] = [0x4f, 0x4e, 0x46, 0x00, 0, 0, 0x08, 0xfd];
    frame.get(1) == Some(&EXPERIMENTER) && frame.get(8..16) == Some(&ONF_AND_TYPE)
}

/// Bytes read at a time.
const READ: usize = 64 << 10;

/// A connection from an address of the host's own.
pub(crate) async fn connect(from: SocketAddr, to: SocketAddr) -> Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(from)?;
    let stream = socket.connect(to).await.with_context(|| format!("cannot connect to {to}"))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
