use std::sync::{Arc, Mutex};

use openflow::Flow;
use openflow::message::FeaturesReply;
use openflow::session::{End, Event};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;
use crate::clock;

/// The priority of the flow that the switch refuses.
const BAD: u16 = 2;

/// `OFPFMFC_TABLE_FULL`.
const TABLE_FULL: ErrorCode = ErrorCode::standard(5, 1);
/// `OFPBFC_MSG_FAILED` of ONF extension 230.
const MESSAGE_FAILED: ErrorCode = ErrorCode { kind: 0xffff, code: 2313, experimenter: 0x4f4e_4600 };

/// A switch that notes what it does, with flows by their priorities.
struct Switch {
    session: Session,
    /// The flow-mods of the open bundle, each with its xid.
    bundle: Option<Vec<(u32, u16)>>,
    done: Arc<Mutex<Vec<String>>>,
}

impl Switch {
    async fn serve(mut self, mut stream: DuplexStream) {
        let mut input = [0; 4096];
        loop {
            while let Some(bytes) = self.session.poll_transmit() {
                stream.write_all(&bytes).await.unwrap();
            }
            let count = stream.read(&mut input).await.unwrap();
            if count == 0 {
                return;
            }
            self.session.handle_input(&input[..count], clock::now()).unwrap();
            while let Some(event) = self.session.poll_event() {
                if let Event::Message { xid, message } = event {
                    self.answer(xid, message);
                }
            }
        }
    }

    fn answer(&mut self, xid: u32, message: Message) {
        match message {
            Message::FeaturesRequest => {
                self.reply(xid, &Message::FeaturesReply(FeaturesReply::default()));
            }
            Message::BarrierRequest => {
                self.note("barrier".to_owned());
                self.reply(xid, &Message::BarrierReply);
            }
            Message::FlowMod(flow_mod) => {
                let priority = flow_mod.flow.priority;
                self.note(format!("flow {priority}"));
                if priority == BAD {
                    self.refuse(xid, TABLE_FULL);
                }
            }
            Message::BundleAdd(add) => {
                let Ok((xid, Message::FlowMod(flow_mod))) = add.decode_message() else {
                    panic!("{add:?} is no flow-mod");
                };
                self.bundle.as_mut().unwrap().push((xid, flow_mod.flow.priority));
            }
            Message::BundleControl(BundleControl { kind, .. }) => self.control(xid, kind),
            other => panic!("{other:?} was not to be expected"),
        }
    }

    fn control(&mut self, xid: u32, kind: BundleControlType) {
        if kind == BundleControlType::OpenRequest {
            assert!(self.bundle.replace(vec![]).is_none(), "a bundle is open already");
            return;
        }
        let bundle = self.bundle.take().unwrap();
        let flows: Vec<_> = bundle.iter().map(|(_, priority)| *priority).collect();
        self.note(format!("{kind:?} {flows:?}"));
        let bad = bundle.iter().find(|(_, priority)| *priority == BAD);
        if kind == BundleControlType::CommitRequest
            && let Some((of, _)) = bad
        {
            self.refuse(*of, TABLE_FULL);
            self.refuse(xid, MESSAGE_FAILED);
        }
    }

    fn note(&self, what: String) {
        self.done.lock().unwrap().push(what);
    }

    fn refuse(&mut self, xid: u32, code: ErrorCode) {
        self.reply(xid, &Message::Error(ErrorMessage { code, data: Bytes::new() }));
    }

    fn reply(&mut self, xid: u32, message: &Message) {
        self.session.reply(xid, message).unwrap();
    }
}

fn part(priorities: &[u16]) -> Vec<Step> {
    let flow = |&priority| Flow { priority, ..Flow::default() };
    let put = |flow| Step::Put(Arc::new(BlockFlow::new(flow, false)));
    priorities.iter().map(flow).map(put).collect()
}

#[tokio::test]
async fn what_is_staged_behind_a_refused_part_waits_until_that_was_tried_flow_by_flow() {
    let (ours, theirs) = duplex(1 << 16);
    let session = Session::new(End::Switch, clock::now());
    let switch = Switch { session, bundle: None, done: Arc::default() };
    let done = switch.done.clone();
    tokio::spawn(switch.serve(theirs));
    let (mut connection, _) = Connection::open(ours).await.unwrap();

    let [first, second] = [part(&[1, BAD, 3]), part(&[4, 5])];
    connection.stage(&first).unwrap();
    let refused = connection.commit(&first, &Flushes::default(), Some(&second)).await.unwrap();
    let [Refused { step: Step::Put(flow), error }] = &refused[..] else { panic!("{refused:?}") };
    assert_eq!((flow.flow.priority, *error), (BAD, TABLE_FULL));
    let refused = connection.commit(&second, &Flushes::default(), None).await.unwrap();
    assert!(refused.is_empty(), "{refused:?}");
    let expected = [
        "CommitRequest [1, 2, 3]",
        "barrier",
        "DiscardRequest [4, 5]",
        "barrier",
        "flow 1",
        "flow 2",
        "flow 3",
        "barrier",
        "CommitRequest [4, 5]",
        "barrier",
    ];
    assert_eq!(*done.lock().unwrap(), expected);
}
