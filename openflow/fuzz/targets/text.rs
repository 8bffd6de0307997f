//! Text that may be a flow, a match, an action, a group or a meter.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use openflow::{Action, Flow, Group, MacAddr, Match, Meter, ParseError};

/// What is read can be printed, and is the same when that is read; an error points into the text.
pub(crate) fn text(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    survives::<Flow>(text);
    survives::<Match>(text);
    survives::<Action>(text);
    survives::<Group>(text);
    survives::<Meter>(text);
    if let Ok(address) = text.parse::<MacAddr>() {
        assert_eq!(address.to_string().parse(), Ok(address));
    }
}

fn survives<T>(text: &str)
where
    T: Debug + Display + FromStr<Err = ParseError> + PartialEq,
{
    match text.parse::<T>() {
        Ok(value) => {
            let printed = value.to_string();
            let again = printed.parse::<T>();
            let is_same = again.as_ref() == Ok(&value)
                || may_lose_bytes(text) && again.as_ref().is_ok_and(|it| it.to_string() == printed);
            assert!(is_same, "{text:?} is {value:?}, printed {printed:?}, read {again:?}");
        }
        Err(error) => {
            let columns = 1..=text.chars().count() + 1;
            assert!(columns.contains(&error.column), "{text:?}: {error}");
            assert!(!error.expected.is_empty(), "{text:?}");
        }
    }
}

/// What `ovs-ofctl` prints does not tell everything that it sends, and so it is here: the end of a
/// translation's range of one address or one port, and zeros in front of an option of a tunnel.
fn may_lose_bytes(text: &str) -> bool {
    text.contains("nat(") || text.contains("tun_metadata")
}
