//! The recorded messages.

use openflow::message::Message;

const OVS_3_1: &str = include_str!("ovs-3.1.hex");

/// Names and bytes of all recorded messages.
pub(crate) fn frames() -> Vec<(String, Vec<u8>)> {
    OVS_3_1
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (name, digits) = line.split_once(' ').unwrap();
            let pairs = digits.as_bytes().chunks(2);
            let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
            (name.to_owned(), pairs.map(byte).collect())
        })
        .collect()
}

/// What a message is called in the recording: its variant, and that of a multipart body.
pub(crate) fn name(message: &Message) -> String {
    let debug = match message {
        Message::MultipartRequest(request) => format!("MultipartRequest.{:?}", request.body),
        Message::MultipartReply(reply) => format!("MultipartReply.{:?}", reply.body),
        message => format!("{message:?}"),
    };
    let end = debug.find(|c: char| !c.is_ascii_alphanumeric() && c != '.');
    debug[..end.unwrap_or(debug.len())].to_owned()
}
