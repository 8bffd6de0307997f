//! What `ovs-ofctl ofp-print` makes of a message.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use openflow::message::{Message, MultipartReply, MultipartReplyBody};

/// What `ovs-ofctl` prints of a message.
pub(crate) fn ofp_print(frame: &[u8]) -> String {
    let mut child = Command::new("ovs-ofctl")
        .args(["ofp-print", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut hex = String::new();
    frame.iter().for_each(|byte| write!(hex, "{byte:02x}").unwrap());
    child.stdin.take().unwrap().write_all(hex.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{hex}");
    trimmed(&String::from_utf8(output.stdout).unwrap())
}

/// Without spaces and line ends at the end of lines and of all.
pub(crate) fn trimmed(text: &str) -> String {
    text.trim_end().lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// Compares what is printed of a message.
#[track_caller]
pub(crate) fn check(message: &Message) {
    let frame = message.to_bytes(0x2a).unwrap();
    assert_eq!(trimmed(&message.display(0x2a).to_string()), ofp_print(&frame));
}

/// A reply of one part.
pub(crate) fn reply(body: MultipartReplyBody) -> Message {
    Message::MultipartReply(MultipartReply { more: false, body })
}
