//! Ethernet addresses: IEEE 802, EUI-48.

use std::fmt;
use std::str::FromStr;

/// An Ethernet (EUI-48) address.
#[derive(Clone, Copy, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MacAddr([u8; 6]);

impl MacAddr {
    /// `ff:ff:ff:ff:ff:ff`.
    pub const BROADCAST: Self = Self([0xff; 6]);
    /// The group bit alone: as a mask, it tells multicast and broadcast from unicast.
    pub const GROUP_BIT: Self = Self([1, 0, 0, 0, 0, 0]);
    /// `00:00:00:00:00:00`.
    pub const ZERO: Self = Self([0; 6]);

    /// The address with these octets, in transmission order.
    pub const fn new(octets: [u8; 6]) -> Self {
        Self(octets)
    }

    /// The octets, in transmission order.
    pub const fn octets(self) -> [u8; 6] {
        self.0
    }

    /// True for multicast and broadcast addresses (the group bit of the first octet).
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 == 1
    }

    /// The modified EUI-64 interface identifier's link-local address, RFC 4291 appendix A.
    pub const fn link_local(self) -> std::net::Ipv6Addr {
        let [a, b, c, d, e, f] = self.0;
        std::net::Ipv6Addr::from_octets([
            0xfe,
            0x80,
            0,
            0,
            0,
            0,
            0,
            0,
            a ^ 2,
            b,
            c,
            0xff,
            0xfe,
            d,
            e,
            f,
        ])
    }
}

impl From<MacAddr> for u128 {
    fn from(mac: MacAddr) -> Self {
        mac.0.iter().fold(0, |value, &octet| value << 8 | Self::from(octet))
    }
}

impl From<u64> for MacAddr {
    /// The low 48 bits, most significant first.
    fn from(value: u64) -> Self {
        let [_, _, octets @ ..] = value.to_be_bytes();
        Self(octets)
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl fmt::Debug for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is no Ethernet address.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0:?} is not an Ethernet address: expected six pairs of hexadecimal digits joined by ':'")]
pub struct ParseMacError(String);

impl FromStr for MacAddr {
    type Err = ParseMacError;

    fn from_str(text: &str) -> Result<Self, ParseMacError> {
        let error = || ParseMacError(text.chars().take(64).collect());
        let mut octets = [0; 6];
        let mut parts = text.split(':');
        for octet in &mut octets {
            let part = parts.next().ok_or_else(error)?;
            if part.len() != 2 || !part.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(error());
            }
            *octet = u8::from_str_radix(part, 16).map_err(|_| error())?;
        }
        if parts.next().is_some() {
            return Err(error());
        }
        Ok(Self(octets))
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for MacAddr {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "serde")]
impl<'de> serde::Deserialize<'de> for MacAddr {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <String as serde::Deserialize>::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_both_ways() {
        let mac: MacAddr = "fa:16:3E:00:0a:01".parse().unwrap();
        assert_eq!(mac, MacAddr::new([0xfa, 0x16, 0x3e, 0, 0x0a, 1]));
        assert_eq!(mac.to_string(), "fa:16:3e:00:0a:01");
        assert_eq!(MacAddr::from(u64::try_from(u128::from(mac)).unwrap()), mac);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in [
            "",
            "fa",
            "fa:16:3e:00:00",
            "fa:16:3e:00:00:01:02",
            "fa:16:3e:0:0:1",
            "+1:16:3e:00:00:01",
        ] {
            assert!(text.parse::<MacAddr>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_link_local_address_flips_the_universal_bit() {
        let mac: MacAddr = "fa:16:3e:00:00:01".parse().unwrap();
        assert_eq!(mac.link_local().to_string(), "fe80::f816:3eff:fe00:1");
    }
}
