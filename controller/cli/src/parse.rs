//! Option values with a syntax of their own.
//!
//! Only the syntax is checked here. What an address or a prefix may be is the
//! controller's to say, and it names the field.

use std::time::Duration;

use proto::v1::port::AddressPair;
use proto::v1::subnet::{AllocationPool, HostRoute};

/// A value of an option that replaces a list: an entry, or the word that empties
/// the list.
#[derive(Clone, Debug)]
pub(crate) enum Entry<T> {
    /// The list is to be empty.
    Nothing,
    /// An entry of the list.
    Item(T),
}

/// Parses `none`, or else by `parse`.
pub(crate) fn or_none<T>(
    parse: fn(&str) -> Result<T, String>,
) -> impl Fn(&str) -> Result<Entry<T>, String> + Clone {
    move |text| match text {
        "none" => Ok(Entry::Nothing),
        text => parse(text).map(Entry::Item),
    }
}

/// The list that the values of an option make, if the option was given at all.
pub(crate) fn list<T>(entries: Vec<Entry<T>>) -> Option<Vec<T>> {
    if entries.is_empty() {
        return None;
    }
    let items = entries.into_iter().filter_map(|entry| match entry {
        Entry::Nothing => None,
        Entry::Item(item) => Some(item),
    });
    Some(items.collect())
}

/// Any text.
pub(crate) fn text(text: &str) -> Result<String, String> {
    Ok(text.to_owned())
}

/// `KEY=VALUE`; the value may be empty.
pub(crate) fn label(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE".to_owned()),
    }
}

/// `START-END`.
pub(crate) fn pool(text: &str) -> Result<AllocationPool, String> {
    match text.split_once('-') {
        Some((start, end)) if !start.is_empty() && !end.is_empty() => {
            Ok(AllocationPool { start: start.to_owned(), end: end.to_owned() })
        }
        _ => Err("expected START-END".to_owned()),
    }
}

/// `DESTINATION,NEXTHOP`.
pub(crate) fn route(text: &str) -> Result<HostRoute, String> {
    match text.split_once(',') {
        Some((destination, nexthop)) if !destination.is_empty() && !nexthop.is_empty() => {
            Ok(HostRoute { destination: destination.to_owned(), nexthop: nexthop.to_owned() })
        }
        _ => Err("expected DESTINATION,NEXTHOP".to_owned()),
    }
}

/// `PREFIX[,MAC]`.
pub(crate) fn address_pair(text: &str) -> Result<AddressPair, String> {
    let (ip_prefix, mac_address) = text.split_once(',').unwrap_or((text, ""));
    if ip_prefix.is_empty() {
        return Err("expected PREFIX or PREFIX,MAC".to_owned());
    }
    Ok(AddressPair { ip_prefix: ip_prefix.to_owned(), mac_address: mac_address.to_owned() })
}

/// An address that a port is to have, as the command line says it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct WantedIp {
    /// Name or id of the subnet, if said.
    pub(crate) subnet: Option<String>,
    /// The address; empty for any of the subnet.
    pub(crate) ip_address: String,
}

/// `[SUBNET=]IP`.
pub(crate) fn fixed_ip(text: &str) -> Result<WantedIp, String> {
    let (subnet, ip_address) = match text.rsplit_once('=') {
        Some((subnet, ip_address)) => (Some(subnet), ip_address),
        None => (None, text),
    };
    if ip_address.is_empty() || subnet == Some("") {
        return Err("expected IP or SUBNET=IP".to_owned());
    }
    Ok(WantedIp { subnet: subnet.map(str::to_owned), ip_address: ip_address.to_owned() })
}

/// Transport ports; none of both for any.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Ports {
    /// The lowest.
    pub(crate) first: Option<u32>,
    /// The highest.
    pub(crate) last: Option<u32>,
}

/// `PORT` or `PORT-PORT`; nothing for any port.
pub(crate) fn ports(text: &str) -> Result<Ports, String> {
    if text.is_empty() {
        return Ok(Ports::default());
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.parse(), last.parse()) {
        (Ok(first), Ok(last)) => Ok(Ports { first: Some(first), last: Some(last) }),
        _ => Err("expected PORT or PORT-PORT".to_owned()),
    }
}

/// An ICMP type and code; none of both for any.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Icmp {
    /// The type.
    pub(crate) icmp_type: Option<u32>,
    /// The code.
    pub(crate) code: Option<u32>,
}

/// `TYPE` or `TYPE/CODE`; nothing for any type.
pub(crate) fn icmp(text: &str) -> Result<Icmp, String> {
    if text.is_empty() {
        return Ok(Icmp::default());
    }
    let (icmp_type, code) = match text.split_once('/') {
        Some((icmp_type, code)) => (icmp_type.parse(), code.parse().map(Some)),
        None => (text.parse(), Ok(None)),
    };
    match (icmp_type, code) {
        (Ok(icmp_type), Ok(code)) => Ok(Icmp { icmp_type: Some(icmp_type), code }),
        _ => Err("expected TYPE or TYPE/CODE".to_owned()),
    }
}

/// A number with a unit, `ms`, `s`, `m` or `h`; without one, of seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let milliseconds: u64 = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err("expected a time such as 500ms, 30s, 5m or 1h".to_owned()),
    };
    let number: u64 =
        number.parse().map_err(|_| "expected a time such as 500ms, 30s, 5m or 1h".to_owned())?;
    let milliseconds = number.checked_mul(milliseconds).ok_or("too long")?;
    Ok(Duration::from_millis(milliseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("30"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        assert_eq!(duration("1h"), Ok(Duration::from_secs(3600)));
        for wrong in ["", "s", "-1s", "1.5s", "1d", "99999999999999999999s", "9999999999999999999h"]
        {
            assert!(duration(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn labels_have_a_key() {
        assert_eq!(label("a=b=c"), Ok(("a".to_owned(), "b=c".to_owned())));
        assert_eq!(label("a="), Ok(("a".to_owned(), String::new())));
        assert!(label("a").is_err());
        assert!(label("=b").is_err());
    }

    #[test]
    fn addresses_may_name_their_subnet() {
        let wanted = fixed_ip("v6=2001:db8::7").unwrap();
        assert_eq!(wanted.subnet.as_deref(), Some("v6"));
        assert_eq!(wanted.ip_address, "2001:db8::7");
        assert_eq!(fixed_ip("10.0.0.7").unwrap().subnet, None);
        for wrong in ["", "v6=", "=10.0.0.7"] {
            assert!(fixed_ip(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn pairs_need_both_halves() {
        assert!(pool("10.0.0.5-10.0.0.9").is_ok());
        assert!(route("10.9.0.0/16,10.0.0.1").is_ok());
        assert!(address_pair("10.0.0.0/24").is_ok());
        assert!(address_pair("::/0,fa:16:3e:00:00:09").is_ok());
        for wrong in ["", "10.0.0.5", "10.0.0.5-", "-10.0.0.9"] {
            assert!(pool(wrong).is_err(), "{wrong:?}");
        }
        for wrong in ["", "10.9.0.0/16", ",10.0.0.1", "10.9.0.0/16,"] {
            assert!(route(wrong).is_err(), "{wrong:?}");
        }
        assert!(address_pair(",fa:16:3e:00:00:09").is_err());
    }

    #[test]
    fn ports_are_one_or_a_range() {
        let range = |first, last| Ok(Ports { first: Some(first), last: Some(last) });
        assert_eq!(ports(""), Ok(Ports::default()));
        assert_eq!(ports("443"), range(443, 443));
        assert_eq!(ports("80-443"), range(80, 443));
        for wrong in ["-", "80-", "-443", "http", "80:443", "-1"] {
            assert!(ports(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn icmp_has_a_type_before_a_code() {
        assert_eq!(icmp(""), Ok(Icmp::default()));
        assert_eq!(icmp("8"), Ok(Icmp { icmp_type: Some(8), code: None }));
        assert_eq!(icmp("3/4"), Ok(Icmp { icmp_type: Some(3), code: Some(4) }));
        for wrong in ["/", "8/", "/0", "echo", "8-0"] {
            assert!(icmp(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn none_empties_a_list() {
        let parse = or_none(pool);
        assert!(list::<AllocationPool>(Vec::new()).is_none());
        assert_eq!(list(vec![parse("none").unwrap()]), Some(Vec::new()));
        assert_eq!(list(vec![parse("10.0.0.5-10.0.0.9").unwrap()]).unwrap().len(), 1);
    }
}
