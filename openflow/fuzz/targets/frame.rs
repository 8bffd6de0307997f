//! The bytes of one message, as they may come from anyone.

use openflow::message::Message;

/// What decodes can be printed and encodes to the same bytes; what it is understood as, in whatever
/// way it is written, is firm.
pub(crate) fn frame(bytes: &[u8]) {
    let mut bytes = bytes.to_vec();
    // A wrong length is refused at once, and there is nothing more to be found behind it.
    let Ok(length) = u16::try_from(bytes.len()) else { return };
    if let Some(place) = bytes.get_mut(2..4) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    let Ok((xid, message)) = Message::decode(&bytes) else { return };
    assert!(!message.display(xid).to_string().is_empty());
    assert_eq!(message.to_bytes(xid).as_deref(), Ok(&bytes[..]), "{message:?}");
    let (_, meaning) = Message::interpret(&bytes).expect("what decodes can be interpreted");
    // Zeros that fill a structure up may take a message beyond what its length can tell.
    let Ok(plain) = meaning.to_bytes(xid) else { return };
    assert_eq!(Message::decode(&plain), Ok((xid, meaning)), "encoded as {plain:02x?}");
}
