//! Several hundred flows: the bytes that `ovs-ofctl` puts on the wire for a text are those that this
//! crate makes of it, and what is decoded of them is the flow again.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use openflow::Flow;
use openflow::message::{FlowMod, FlowModCommand, Message, flow_frame};

#[allow(dead_code, reason = "each test uses a part of it")]
#[path = "ovs/ofctl.rs"]
mod ofctl;

/// Texts of which `ovs-ofctl` makes other bytes: it takes a `set_field` with a mask apart into a
/// `load` for each run of bits; here it stays the one action that it is printed from. And of the
/// actions that an `enqueue` stands for, its output has a length that is only for controllers.
/// Some fields of ERSPAN and GTP-U it masks by their own value, so that `tun_erspan_ver=1` matches 3,
/// too; here they match what they say.
const DIFFERENCES: &[&str] = &[
    "actions=set_field:0x1/0x1->reg0",
    "actions=set_field:0x5/0x7->metadata",
    "actions=set_field:00:00:00:00:00:03/00:00:00:00:00:ff->eth_dst",
    "tun_erspan_ver=1 actions=drop",
    "tun_gtpu_flags=0x30 actions=drop",
    "actions=enqueue(1,2)",
    "actions=enqueue:1:2",
];

/// Files of the folder that hold something else, read by tests of their own.
const NOT_FLOWS: &[&str] = &["meters.txt"];

/// Flows of a file: its lines, without comments.
fn flows(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(str::to_owned).collect()
}

#[test]
fn bytes_are_those_of_ovs_ofctl() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut compared = 0;
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().is_some_and(|name| NOT_FLOWS.iter().any(|other| name == *other)) {
            continue;
        }
        let texts = flows(&path);
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let frames = ofctl::frames_of_add_flows(&texts);
        assert_eq!(frames.len(), texts.len(), "{}", path.display());
        for (text, theirs) in texts.iter().zip(&frames) {
            compared += 1;
            let (xid, message) = Message::decode(theirs).unwrap();
            let flow: Flow = match text.parse() {
                Ok(flow) => flow,
                Err(error) => {
                    wrong.push(format!("{text}: {error}"));
                    continue;
                }
            };
            let ours = flow_frame(FlowModCommand::Add, &flow, xid).unwrap();
            let differs = DIFFERENCES.contains(text);
            if (ours == *theirs) == differs {
                wrong.push(format!("{text}\nofctl {theirs:02x?}\nours  {:02x?}", &ours[..]));
            }
            if !differs && message != Message::FlowMod(FlowMod::add(flow.clone())) {
                wrong.push(format!("{text}: decoded {message:?}"));
            }
            // What is printed is read as the same flow.
            if flow.to_string().parse() != Ok(flow.clone()) {
                wrong.push(format!("{text}: printed {flow}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(compared > 500, "only {compared} flows were compared");
}
