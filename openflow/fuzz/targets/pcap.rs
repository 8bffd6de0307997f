//! A file that may be a capture.

use capture::{CaptureError, Piece};
use openflow::message::{HEADER, Header};

/// Every message that is found is whole, and no more bytes are found than there are.
pub(crate) fn pcap(bytes: &[u8]) {
    let mut found = 0;
    let _ = capture::read(bytes, |way, piece| {
        match piece {
            Piece::Frame(frame) => {
                let header = Header::read(frame).expect("a message has a header");
                assert_eq!(usize::from(header.length), frame.len(), "{way:?}");
                assert!(frame.len() >= HEADER);
                found += frame.len();
            }
            Piece::Broken(rest) => found += rest.len(),
            Piece::Missing(gap) => assert!(gap > 0),
        }
        Ok::<(), CaptureError>(())
    });
    assert!(found <= bytes.len(), "{found} bytes of messages were found in {}", bytes.len());
}
