//! Conntrack zones: each port has one on its host, derived from its OpenFlow port number, so that
//! there is nothing to allocate and nothing to leak.

use openflow::{Action, Flow, Instruction, PortNo};

use crate::pipeline::{Register, Table};

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

/// The zone that a port's flow in table egress puts the port's connections into; `None` for any
/// other flow, and for that of a port whose connections are not followed.
///
/// The flow comes and goes with the port's OpenFlow port number. So when it is added or removed, or
/// has another zone than before, what is left in the zone is somebody else's.
pub fn zone_of(flow: &Flow) -> Option<u16> {
    let instructions = flow.instructions.iter().filter(|_| flow.table == Table::Egress.number());
    let actions = instructions.flat_map(|instruction| match instruction {
        Instruction::ApplyActions(actions) => &actions[..],
        _ => &[],
    });
    let mut zones = actions.filter_map(|action| match action {
        Action::SetField(oxm) if oxm.field == Register::ZONE.field => oxm.value.try_into().ok(),
        _ => None,
    });
    zones.next().filter(|&zone| zone != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flow_of_a_port_tells_its_zone() {
        let zone = |flow: &str| zone_of(&flow.parse().unwrap());
        let egress = "table=30,reg1=7 actions=set_field:4107->reg12,goto_table:31";
        assert_eq!(zone(egress), Some(4107));
        assert_eq!(zone(&egress.replace("4107", "0")), None);
        assert_eq!(zone(&egress.replace("table=30", "table=80")), None);
        assert_eq!(zone("table=30,reg1=7 actions=goto_table:60"), None);
    }

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
