//! What `ovs-ofctl` puts on the wire, recorded by a switch of the test's own.

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use openflow::message::{Header, Message};
use openflow::session::{End, Event, Session};

/// The flow-mods that `ovs-ofctl -O OpenFlow13 add-flows` sends for these flows, as bytes.
pub(crate) fn frames_of_add_flows(flows: &[&str]) -> Vec<Vec<u8>> {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("switch");
    let listener = UnixListener::bind(&socket).unwrap();
    let mut child = Command::new("ovs-ofctl")
        .args([
            "-O",
            "OpenFlow13",
            "--no-names",
            "add-flows",
            &format!("unix:{}", socket.display()),
            "-",
        ])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let text = flows.iter().map(|flow| format!("{flow}\n")).collect::<String>();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();

    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut session = Session::new(End::Switch, Instant::now());
    let mut recorded = Vec::new();
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
    }
    assert!(child.wait().unwrap().success());

    let mut frames = Vec::new();
    let mut rest = &recorded[..];
    while let Some(header) = Header::read(rest) {
        let (frame, tail) = rest.split_at(usize::from(header.length));
        if matches!(Message::decode(frame), Ok((_, Message::FlowMod(_)))) {
            frames.push(frame.to_vec());
        }
        rest = tail;
    }
    frames
}
