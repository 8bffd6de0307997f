use bytes::Bytes;
use openflow::message::{ErrorCode, ErrorMessage, Message, MultipartReply, MultipartReplyBody};

use crate::random::Random;

/// Something that no switch should say: noise, a message of noise, or an answer to nothing.
pub(crate) fn rotten(random: &mut Random) -> Bytes {
    // A controller's own xids have the highest bit.
    let xid = random.below(1 << 31) as u32;
    let message = match random.below(7) {
        0 => return noise(random),
        1 => {
            let mut frame = noise(random).to_vec();
            let length = frame.len() as u16;
            frame[..2].copy_from_slice(&[4, random.below(40) as u8]);
            frame[2..4].copy_from_slice(&length.to_be_bytes());
            frame[4..8].copy_from_slice(&xid.to_be_bytes());
            return frame.into();
        }
        2 => Message::BarrierReply,
        3 => {
            let body = MultipartReplyBody::Flow(Vec::new());
            Message::MultipartReply(MultipartReply { more: random.percent(50), body })
        }
        4 => Message::Error(ErrorMessage {
            code: ErrorCode::standard(random.below(14) as u16, random.below(16) as u16),
            data: noise(random),
        }),
        5 => Message::FlowMonitorPaused,
        _ => Message::FlowMonitorResumed,
    };
    message.to_bytes(xid).expect("it is short")
}

/// At least a header's length.
fn noise(random: &mut Random) -> Bytes {
    (0..random.within(8..=64)).map(|_| random.below(256) as u8).collect()
}
