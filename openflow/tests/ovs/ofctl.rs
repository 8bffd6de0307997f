//! What `ovs-ofctl` puts on the wire, recorded by a switch of the test's own.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use openflow::message::{Header, Message};
use openflow::session::{End, Event, Session};

/// The flow-mods that `ovs-ofctl -O OpenFlow13 add-flows` sends for these flows, as bytes.
pub(crate) fn frames_of_add_flows(flows: &[&str]) -> Vec<Vec<u8>> {
    let text = flows.iter().map(|flow| format!("{flow}\n")).collect::<String>();
    let flow_mod = |message: &Message| matches!(message, Message::FlowMod(_));
    frames_of("add-flows", "-", &text, flow_mod)
}

/// The messages that `ovs-ofctl -O OpenFlow13 COMMAND SWITCH ARGUMENT` sends, as bytes: those that
/// are `wanted`. It finds `input` on its standard input.
pub(crate) fn frames_of(
    command: &str,
    argument: &str,
    input: &str,
    wanted: impl Fn(&Message) -> bool,
) -> Vec<Vec<u8>> {
    record(command, &[argument], input, wanted, usize::MAX)
}

/// The only message of its kind that a command with these arguments sends, with its xid.
#[track_caller]
pub(crate) fn message_of(
    command: &str,
    arguments: &[&str],
    wanted: impl Fn(&Message) -> bool,
) -> (u32, Message, Vec<u8>) {
    let mut frames = record(command, arguments, "", wanted, usize::MAX);
    let (Some(frame), []) = (frames.pop(), &frames[..]) else { panic!("{command}: {frames:?}") };
    let (xid, message) = Message::decode(&frame).unwrap();
    (xid, message, frame)
}

/// The first `wanted` message that a command sends which does not end by itself.
pub(crate) fn first_frame_of(
    command: &str,
    argument: &str,
    wanted: impl Fn(&Message) -> bool,
) -> Vec<u8> {
    record(command, &[argument], "", wanted, 1).remove(0)
}

/// Records until the command ends, or `enough` messages that are wanted have come.
fn record(
    command: &str,
    arguments: &[&str],
    input: &str,
    wanted: impl Fn(&Message) -> bool,
    enough: usize,
) -> Vec<Vec<u8>> {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("switch");
    let listener = UnixListener::bind(&socket).unwrap();
    let mut child = Command::new("ovs-ofctl")
        .args(["-O", "OpenFlow13", "--no-names", command, &format!("unix:{}", socket.display())])
        .args(arguments)
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();

    // It connects, unless it does not understand what it is told.
    listener.set_nonblocking(true).unwrap();
    let mut stream = loop {
        match listener.accept() {
            Ok((stream, _)) => break stream,
            Err(_) => assert_eq!(child.try_wait().unwrap(), None, "{command} {arguments:?}"),
        }
        std::thread::sleep(Duration::from_millis(1));
    };
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut session = Session::new(End::Switch, Instant::now());
    let (mut recorded, mut frames) = (Vec::new(), Vec::new());
    let mut buffer = vec![0; 65536];
    loop {
        while let Some(bytes) = session.poll_transmit() {
            stream.write_all(&bytes).unwrap();
        }
        let length = stream.read(&mut buffer).unwrap();
        if length == 0 {
            break;
        }
        recorded.extend_from_slice(&buffer[..length]);
        session.handle_input(&buffer[..length], Instant::now()).unwrap();
        while let Some(event) = session.poll_event() {
            if let Event::Message { xid, message: Message::BarrierRequest } = event {
                session.reply(xid, &Message::BarrierReply).unwrap();
            }
        }
        while let Some(length) = Header::read(&recorded).map(|it| usize::from(it.length)) {
            if length > recorded.len() {
                break;
            }
            let frame: Vec<u8> = recorded.drain(..length).collect();
            if Message::decode(&frame).is_ok_and(|(_, message)| wanted(&message)) {
                frames.push(frame);
            }
        }
        if frames.len() >= enough {
            child.kill().unwrap();
            child.wait().unwrap();
            return frames;
        }
    }
    assert!(child.wait().unwrap().success());
    frames
}
