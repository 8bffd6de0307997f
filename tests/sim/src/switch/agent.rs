use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use openflow::message::{
    BundleAdd, BundleControl, BundleControlType, ErrorCode, ErrorMessage, FeaturesReply, FlowMod,
    FlowStats, FlowStatsRequest, Message, MeterMod, MeterModCommand, MultipartReply,
    MultipartReplyBody, MultipartRequestBody,
};
use openflow::session::{Event, Session};
use tokio::sync::Notify;

use super::{Monitor, Says, State, Switch};

/// The switch's end of one connection: what it answers, without IO.
#[derive(Debug)]
pub(super) struct Agent {
    pub(super) session: Session,
    switch: Switch,
    connection: u64,
    bundles: BTreeMap<u32, Bundle>,
    /// Rings when there is something to say.
    pub(super) news: Arc<Notify>,
}

/// A bundle that is not committed yet.
#[derive(Debug, Default)]
struct Bundle {
    messages: Vec<(u32, FlowMod)>,
    closed: bool,
}

impl Agent {
    pub(super) fn new(switch: Switch, session: Session) -> Self {
        let mut state = switch.lock();
        state.connections += 1;
        let (connection, news) = (state.connections, Arc::<Notify>::default());
        state.says.insert(connection, Says { frames: Vec::new(), news: news.clone() });
        drop(state);
        Self { session, switch, connection, bundles: BTreeMap::new(), news }
    }

    /// Says what nobody has asked for.
    pub(super) fn say(&mut self) {
        let mut state = self.switch.lock();
        let says = state.says.get_mut(&self.connection);
        let frames = says.map(|says| std::mem::take(&mut says.frames)).unwrap_or_default();
        drop(state);
        frames.into_iter().for_each(|frame| self.session.send_encoded(frame));
        self.tell_changes();
    }

    /// Answers everything that has come.
    pub(super) fn answer(&mut self) {
        while let Some(event) = self.session.poll_event() {
            if let Event::Message { xid, message } = event {
                self.handle(xid, message);
            }
        }
        self.tell_changes();
    }

    /// Tells what the monitor of this connection has not told yet.
    pub(super) fn tell_changes(&mut self) {
        let mut state = self.switch.lock();
        let Some(monitor) = state.monitors.get_mut(&self.connection) else { return };
        let updates = std::mem::take(&mut monitor.updates);
        drop(state);
        for updates in updates.chunks(UPDATES) {
            let body = MultipartReplyBody::FlowMonitor(updates.to_vec());
            let reply = Message::MultipartReply(MultipartReply { more: false, body });
            self.reply(0, &reply);
        }
    }

    fn handle(&mut self, xid: u32, message: Message) {
        match &message {
            Message::FeaturesRequest => {
                let features = self.features();
                self.reply(xid, &Message::FeaturesReply(features));
            }
            Message::GetConfigRequest => {
                let config = self.switch.lock().config;
                self.reply(xid, &Message::GetConfigReply(config));
            }
            Message::SetConfig(config) => self.switch.lock().config = *config,
            Message::BarrierRequest => {
                self.tell_changes();
                self.reply(xid, &Message::BarrierReply);
            }
            Message::MultipartRequest(request) => self.tell(xid, &message, &request.body),
            Message::MeterMod(meter_mod) => {
                let done = self.switch.lock().change_meter(meter_mod);
                self.unless_done(xid, &message, done);
            }
            Message::FlowMod(flow_mod) => {
                let flow_mods = [(xid, flow_mod.clone())];
                let done = self.switch.lock().carry_out(&flow_mods, self.connection);
                self.unless_done(xid, &message, done.map_err(|(_, error)| error));
            }
            Message::BundleControl(control) => {
                let done = self.control_bundle(control);
                match done {
                    Ok(kind) => {
                        let done = BundleControl::new(control.bundle_id, kind);
                        self.reply(xid, &Message::BundleControl(done));
                    }
                    Err(error) => self.refuse(xid, &message, error),
                }
            }
            Message::BundleAdd(add) => {
                let done = self.add_to_bundle(add);
                self.unless_done(xid, &message, done);
            }
            Message::CtFlush(_) | Message::CtFlushZone(_) => self.switch.lock().asked.flushes += 1,
            Message::EchoReply(_) | Message::PacketOut(_) | Message::Error(_) => {}
            _ => self.refuse(xid, &message, ErrorCode::BAD_TYPE),
        }
    }

    fn features(&self) -> FeaturesReply {
        FeaturesReply {
            datapath_id: self.switch.lock().datapath_id,
            n_tables: 254,
            capabilities: 0x4f,
            ..Default::default()
        }
    }

    /// Answers a request for statistics or descriptions.
    fn tell(&mut self, xid: u32, message: &Message, body: &MultipartRequestBody) {
        match body {
            MultipartRequestBody::Flow(request) => self.tell_flows(xid, request),
            MultipartRequestBody::MeterConfig(number) => {
                let found = self.switch.lock().meters.get(number).cloned();
                match found {
                    Some(meter) => {
                        let body = MultipartReplyBody::MeterConfig(vec![meter]);
                        self.reply(xid, &part(body, true));
                    }
                    None => self.refuse(xid, message, UNKNOWN_METER),
                }
            }
            MultipartRequestBody::FlowMonitor(_) if self.switch.lock().has_monitors => {
                let monitor = Monitor { updates: Vec::new(), news: self.news.clone() };
                self.switch.lock().monitors.insert(self.connection, monitor);
                self.reply(xid, &part(MultipartReplyBody::FlowMonitor(Vec::new()), true));
            }
            _ => self.refuse(xid, message, BAD_MULTIPART),
        }
    }

    fn tell_flows(&mut self, xid: u32, request: &FlowStatsRequest) {
        let mut state = self.switch.lock();
        state.asked.read_backs += 1;
        let stats = state.tables.asked(request).map(|flow| FlowStats {
            flow: flow.clone(),
            duration_sec: 1,
            duration_nsec: 0,
            packet_count: 0,
            byte_count: 0,
        });
        let flows: Vec<_> = stats.collect();
        drop(state);
        self.tell_parts(xid, flows, true);
    }

    /// Tells flows in as many messages as they need.
    fn tell_parts(&mut self, xid: u32, mut flows: Vec<FlowStats>, last: bool) {
        let rest = (flows.len() > FLOWS).then(|| flows.split_off(FLOWS));
        let is_last = last && rest.is_none();
        let fits = self.session.reply(xid, &part(MultipartReplyBody::Flow(flows.clone()), is_last));
        if fits.is_err() {
            let second = flows.split_off(flows.len() / 2);
            self.tell_parts(xid, flows, false);
            self.tell_parts(xid, second, is_last);
        }
        if let Some(rest) = rest {
            self.tell_parts(xid, rest, last);
        }
    }

    /// Opens, closes, commits or forgets a bundle; answers what was done.
    fn control_bundle(&mut self, control: &BundleControl) -> Result<BundleControlType, ErrorCode> {
        let id = control.bundle_id;
        match control.kind {
            BundleControlType::OpenRequest => {
                if self.bundles.insert(id, Bundle::default()).is_some() {
                    self.bundles.remove(&id);
                    return Err(of_bundle(BUNDLE_EXIST));
                }
                Ok(BundleControlType::OpenReply)
            }
            BundleControlType::CloseRequest => {
                let bundle = self.bundles.get_mut(&id).ok_or(of_bundle(BAD_ID))?;
                bundle.closed = true;
                Ok(BundleControlType::CloseReply)
            }
            BundleControlType::CommitRequest => {
                let bundle = self.bundles.remove(&id).ok_or(of_bundle(BAD_ID))?;
                let done = self.switch.lock().carry_out(&bundle.messages, self.connection);
                if let Err((place, error)) = done {
                    // The message first, then that the bundle has failed for it.
                    let (xid, flow_mod) = &bundle.messages[place];
                    self.refuse(*xid, &Message::FlowMod(flow_mod.clone()), error);
                    return Err(of_bundle(MESSAGE_FAILED));
                }
                Ok(BundleControlType::CommitReply)
            }
            BundleControlType::DiscardRequest => {
                self.bundles.remove(&id).ok_or(of_bundle(BAD_ID))?;
                Ok(BundleControlType::DiscardReply)
            }
            _ => Err(of_bundle(BAD_BUNDLE_TYPE)),
        }
    }

    /// Puts a message into its bundle. Whatever is wrong with it, the bundle is gone.
    fn add_to_bundle(&mut self, add: &BundleAdd) -> Result<(), ErrorCode> {
        let mut bundle = self.bundles.remove(&add.bundle_id).ok_or(of_bundle(BAD_ID))?;
        if bundle.closed {
            return Err(of_bundle(BUNDLE_CLOSED));
        }
        match add.decode_message() {
            Ok((xid, Message::FlowMod(flow_mod))) => bundle.messages.push((xid, flow_mod)),
            Ok(_) => return Err(of_bundle(UNSUPPORTED_IN_BUNDLE)),
            Err(_) => return Err(of_bundle(BAD_LENGTH_IN_BUNDLE)),
        }
        self.bundles.insert(add.bundle_id, bundle);
        Ok(())
    }

    fn unless_done(&mut self, xid: u32, message: &Message, done: Result<(), ErrorCode>) {
        if let Err(error) = done {
            self.refuse(xid, message, error);
        }
    }

    fn refuse(&mut self, xid: u32, message: &Message, code: ErrorCode) {
        let bytes = message.to_bytes(xid).unwrap_or_default();
        let data = Bytes::copy_from_slice(&bytes[..bytes.len().min(QUOTED)]);
        self.reply(xid, &Message::Error(ErrorMessage { code, data }));
    }

    fn reply(&mut self, xid: u32, message: &Message) {
        self.session.reply(xid, message).expect("what is told in parts is told in small ones");
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let mut state = self.switch.lock();
        state.monitors.remove(&self.connection);
        state.says.remove(&self.connection);
    }
}

impl State {
    fn change_meter(&mut self, MeterMod { command, meter }: &MeterMod) -> Result<(), ErrorCode> {
        let known = self.meters.contains_key(&meter.meter_id);
        match command {
            MeterModCommand::Add if known => return Err(METER_EXISTS),
            MeterModCommand::Modify if !known => return Err(UNKNOWN_METER),
            MeterModCommand::Add | MeterModCommand::Modify => {
                self.meters.insert(meter.meter_id, meter.clone());
            }
            MeterModCommand::Delete => drop(self.meters.remove(&meter.meter_id)),
        }
        Ok(())
    }
}

fn part(body: MultipartReplyBody, last: bool) -> Message {
    Message::MultipartReply(MultipartReply { more: !last, body })
}

/// Flows that are told in one message, if they fit.
const FLOWS: usize = 200;
/// Changes that a monitor tells in one message: each with the longest match fits.
const UPDATES: usize = 64;
/// Bytes of a refused message that an error quotes.
const QUOTED: usize = 64;

/// `OFPBRC_BAD_MULTIPART`.
const BAD_MULTIPART: ErrorCode = ErrorCode::standard(1, 2);
/// `OFPMMFC_METER_EXISTS`.
const METER_EXISTS: ErrorCode = ErrorCode::standard(12, 1);
/// `OFPMMFC_UNKNOWN_METER`.
const UNKNOWN_METER: ErrorCode = ErrorCode::standard(12, 3);

/// `OFPBFC_*` of ONF extension 230.
const BAD_ID: u16 = 2302;
const BUNDLE_EXIST: u16 = 2303;
const BUNDLE_CLOSED: u16 = 2304;
const BAD_BUNDLE_TYPE: u16 = 2306;
const BAD_LENGTH_IN_BUNDLE: u16 = 2308;
const UNSUPPORTED_IN_BUNDLE: u16 = 2310;
const MESSAGE_FAILED: u16 = 2313;

const fn of_bundle(code: u16) -> ErrorCode {
    ErrorCode { kind: 0xffff, code, experimenter: 0x4f4e_4600 }
}
