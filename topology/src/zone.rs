//! Conntrack zones: each port has one on its host, derived from its OpenFlow port number, so that
//! there is nothing to allocate and nothing to leak.

use openflow::PortNo;

/// Which conntrack zones are Weft's: those from a floor on. The ones below it stay the operator's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Zones {
    floor: u16,
}

impl Zones {
    /// Zones from `floor` on. A floor of 0 leaves the operator none, not even the zone 0 that
    /// everybody uses who names none.
    pub const fn from(floor: u16) -> Self {
        Self { floor }
    }

    /// The lowest zone that can be Weft's.
    pub const fn floor(self) -> u16 {
        self.floor
    }

    /// The zone of the port with this OpenFlow port number: as many above the floor. `None` when
    /// that is above 65,535, the highest zone there is.
    pub fn of(self, port: PortNo) -> Option<u16> {
        u16::try_from(port.0).ok()?.checked_add(self.floor)
    }
}

impl Default for Zones {
    /// The first 4,096 zones are the operator's.
    fn default() -> Self {
        Self::from(4096)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_that_does_not_fit_has_no_zone() {
        let zones = Zones::default();
        assert_eq!(zones.of(PortNo(1)), Some(4097));
        assert_eq!(zones.of(PortNo(61_439)), Some(u16::MAX));
        assert_eq!(zones.of(PortNo(61_440)), None);
        assert_eq!(zones.of(PortNo(0x1_0001)), None);
        assert_eq!(Zones::from(0).of(PortNo(65_279)), Some(65_279));
    }
}
