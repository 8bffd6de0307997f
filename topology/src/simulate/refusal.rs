use openflow::{Action, CtZone, Field, Flow, Instruction};

/// Why a switch would not take a flow.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// There is no such table.
    #[error("there is no table {0}: expected 0 to 254")]
    Table(u8),
    /// `goto_table` that does not go forward.
    #[error("goto_table:{to} in table {from} does not go forward")]
    Backward {
        /// The flow's table.
        from: u8,
        /// Where it would go.
        to: u8,
    },
    /// A field that may only be asked for, or written, once the match says that it exists
    /// (OpenFlow 1.3.5 §7.2.3.6, `OFPBMC_BAD_PREREQ`, `OFPBAC_MATCH_INCONSISTENT`).
    #[error("{field:?} is used where the match does not say that there is one")]
    Prerequisite {
        /// The field.
        field: Field,
    },
    /// A field that no action may write.
    #[error("{field:?} cannot be written")]
    ReadOnly {
        /// The field.
        field: Field,
    },
    /// A field that this crate does not know.
    #[error("the match has a field that is not known here")]
    UnknownField,
    /// An action or instruction that is not simulated.
    #[error("{0} is not simulated")]
    NotSimulated(String),
}

impl Refusal {
    /// Checks a flow as Open vSwitch does when it is added.
    pub(super) fn check(flow: &Flow) -> Result<(), Self> {
        if flow.table == u8::MAX {
            return Err(Self::Table(flow.table));
        }
        if flow.matching.unknown().next().is_some() {
            return Err(Self::UnknownField);
        }
        let mut known = Known::of(flow);
        for oxm in flow.matching.fields() {
            known.require(oxm.field)?;
        }
        for instruction in &flow.instructions {
            match instruction {
                Instruction::ApplyActions(actions) => {
                    actions.iter().try_for_each(|action| known.action(action))?;
                }
                // The set is run when the tables are done, whatever order it was written in.
                Instruction::WriteActions(actions) => {
                    let mut known = known;
                    actions.iter().try_for_each(|action| known.action(action))?;
                }
                Instruction::ClearActions | Instruction::WriteMetadata { .. } => {}
                Instruction::GotoTable(to) if *to > flow.table && *to < u8::MAX => {}
                Instruction::GotoTable(to) => {
                    return Err(Self::Backward { from: flow.table, to: *to });
                }
                other => return Err(Self::NotSimulated(format!("{other:?}"))),
            }
        }
        Ok(())
    }
}

/// What a match says of which headers there are.
#[derive(Clone, Copy)]
struct Known {
    eth_type: Option<u128>,
    ip_proto: Option<u128>,
    icmpv6_type: Option<u128>,
    tagged: bool,
    tracked: bool,
}

impl Known {
    fn of(flow: &Flow) -> Self {
        let exact =
            |field| flow.matching.field(field).filter(openflow::Oxm::is_exact).map(|oxm| oxm.value);
        // Bits that only a packet with a connection has: new, established, related, reply, or
        // tracked and not invalid.
        let tracked = flow.matching.field(Field::CT_STATE).is_some_and(|oxm| {
            oxm.value & 0x0f != 0 || (oxm.value & 0x30 == 0x20 && oxm.mask & 0x10 != 0)
        });
        let present = |field| flow.matching.field(field).is_some_and(|oxm| oxm.value & 0x1000 != 0);
        Self {
            eth_type: exact(Field::ETH_TYPE),
            ip_proto: exact(Field::IP_PROTO),
            icmpv6_type: exact(Field::ICMPV6_TYPE),
            tagged: present(Field::VLAN_VID) || present(Field::NXM_VLAN_TCI),
            tracked,
        }
    }

    fn require(&self, field: Field) -> Result<(), Refusal> {
        let ipv4 = self.eth_type == Some(0x0800);
        let ipv6 = self.eth_type == Some(0x86dd);
        let protocol = |number| (ipv4 || ipv6) && self.ip_proto == Some(number);
        let icmpv6 = ipv6 && self.ip_proto == Some(58);
        let solicitation = icmpv6 && self.icmpv6_type == Some(135);
        let advertisement = icmpv6 && self.icmpv6_type == Some(136);
        let there = match field {
            Field::VLAN_PCP => self.tagged,
            Field::ARP_OP | Field::ARP_SPA | Field::ARP_TPA | Field::ARP_SHA | Field::ARP_THA => {
                self.eth_type == Some(0x0806)
            }
            Field::IPV4_SRC | Field::IPV4_DST => ipv4,
            Field::IPV6_SRC | Field::IPV6_DST | Field::IPV6_FLABEL => ipv6,
            Field::IP_PROTO | Field::IP_DSCP | Field::IP_ECN | Field::IP_TTL | Field::IP_FRAG => {
                ipv4 || ipv6
            }
            Field::TCP_SRC | Field::TCP_DST | Field::TCP_FLAGS => protocol(6),
            Field::UDP_SRC | Field::UDP_DST => protocol(17),
            Field::SCTP_SRC | Field::SCTP_DST => protocol(132),
            Field::ICMPV4_TYPE | Field::ICMPV4_CODE => ipv4 && self.ip_proto == Some(1),
            Field::ICMPV6_TYPE | Field::ICMPV6_CODE => icmpv6,
            Field::ND_TARGET | Field::ND_RESERVED | Field::ND_OPTIONS_TYPE => {
                solicitation || advertisement
            }
            Field::CT_NW_PROTO => self.tracked,
            Field::CT_NW_SRC | Field::CT_NW_DST => self.tracked && ipv4,
            Field::CT_IPV6_SRC | Field::CT_IPV6_DST => self.tracked && ipv6,
            Field::ND_SLL => solicitation,
            Field::ND_TLL => advertisement,
            _ => true,
        };
        if there { Ok(()) } else { Err(Refusal::Prerequisite { field }) }
    }

    fn writes(&self, field: Field) -> Result<(), Refusal> {
        self.require(field)?;
        match field {
            Field::ETH_TYPE
            | Field::IP_PROTO
            | Field::IP_FRAG
            | Field::TCP_FLAGS
            | Field::CT_STATE
            | Field::CT_ZONE
            | Field::CT_NW_PROTO
            | Field::CT_NW_SRC
            | Field::CT_NW_DST
            | Field::CT_IPV6_SRC
            | Field::CT_IPV6_DST
            | Field::CT_TP_SRC
            | Field::CT_TP_DST
            | Field::CONJ_ID
            | Field::RECIRC_ID
            | Field::DP_HASH
            | Field::PACKET_TYPE
            | Field::ACTSET_OUTPUT => Err(Refusal::ReadOnly { field }),
            Field::VLAN_VID if !self.tagged => Err(Refusal::Prerequisite { field }),
            _ => Ok(()),
        }
    }

    fn action(&mut self, action: &Action) -> Result<(), Refusal> {
        match action {
            Action::Output { .. } | Action::Resubmit(openflow::Resubmit { ct: false, .. }) => {}
            Action::Controller(_) => {}
            Action::Ct(ct) if ct.alg == 0 && ct.actions.is_empty() => {
                // Conntrack is for IP (`OFPBAC_MATCH_INCONSISTENT`).
                self.require(Field::IP_PROTO)?;
                if let CtZone::Field(source) = ct.zone {
                    self.require(source.field)?;
                }
            }
            Action::OutputReg { source, .. } => self.require(source.field)?,
            Action::PushVlan(_) => self.tagged = true,
            Action::PopVlan if self.tagged => self.tagged = false,
            Action::PopVlan => return Err(Refusal::Prerequisite { field: Field::VLAN_VID }),
            Action::DecNwTtl => self.require(Field::IP_TTL)?,
            Action::SetField(oxm) => self.writes(oxm.field)?,
            Action::Load { destination, .. } => self.writes(destination.field)?,
            Action::Move { source, destination } => {
                self.require(source.field)?;
                self.writes(destination.field)?;
            }
            other => return Err(Refusal::NotSimulated(format!("{other:?}"))),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use openflow::{MacAddr, Match};

    use super::*;

    fn check(matching: Match, actions: Vec<Action>) -> Result<(), Refusal> {
        let instructions = vec![Instruction::ApplyActions(actions)];
        Refusal::check(&Flow { matching, instructions, ..Flow::default() })
    }

    #[test]
    fn a_field_needs_its_prerequisites() {
        let arp = Match::new().with(Field::ETH_TYPE, 0x0806u16);
        assert_eq!(check(arp.clone().with(Field::ARP_OP, 1u16), vec![]), Ok(()));
        assert_eq!(
            check(Match::new().with(Field::ARP_OP, 1u16), vec![]),
            Err(Refusal::Prerequisite { field: Field::ARP_OP })
        );
        let set = vec![Action::set_field(Field::ARP_SHA, MacAddr::BROADCAST)];
        assert_eq!(check(arp, set.clone()), Ok(()));
        assert_eq!(check(Match::new(), set), Err(Refusal::Prerequisite { field: Field::ARP_SHA }));
    }

    #[test]
    fn what_a_connection_began_with_is_there_once_conntrack_has_found_one() {
        let asked = |state: u32, mask: u32| {
            let ip = Match::new().with(Field::ETH_TYPE, 0x0800u16);
            let state = ip.with_masked(Field::CT_STATE, state, mask);
            check(state.with(Field::CT_NW_SRC, 1u32), vec![])
        };
        let missing = Err(Refusal::Prerequisite { field: Field::CT_NW_SRC });
        assert_eq!(asked(0x20, 0x20), missing);
        assert_eq!(asked(0x20, 0x30), Ok(()));
        assert_eq!(asked(0x28, 0x28), Ok(()));
        assert_eq!(asked(0x30, 0x30), missing);
    }

    #[test]
    fn a_solicitation_does_not_become_an_advertisement_in_one_flow() {
        let solicitation = Match::new()
            .with(Field::ETH_TYPE, 0x86ddu16)
            .with(Field::IP_PROTO, 58u8)
            .with(Field::ICMPV6_TYPE, 135u8);
        let actions = vec![
            Action::set_field(Field::ICMPV6_TYPE, 136u8),
            Action::move_field(Field::ETH_SRC, Field::ND_TLL),
        ];
        assert_eq!(
            check(solicitation, actions),
            Err(Refusal::Prerequisite { field: Field::ND_TLL })
        );
    }

    #[test]
    fn a_tag_must_be_there_to_be_popped_or_set() {
        let set = Action::set_field(Field::VLAN_VID, 0x1064u16);
        let missing = Err(Refusal::Prerequisite { field: Field::VLAN_VID });
        assert_eq!(check(Match::new(), vec![Action::PopVlan]), missing);
        assert_eq!(check(Match::new(), vec![set.clone()]), missing);
        assert_eq!(check(Match::new(), vec![Action::PushVlan(0x8100), set]), Ok(()));
        let tagged = Match::new().with(Field::VLAN_VID, 0x1064u16);
        assert_eq!(check(tagged, vec![Action::PopVlan]), Ok(()));
    }

    #[test]
    fn tables_go_forward() {
        let flow = |to| Flow {
            table: 10,
            instructions: vec![Instruction::GotoTable(to)],
            ..Flow::default()
        };
        assert_eq!(Refusal::check(&flow(11)), Ok(()));
        assert_eq!(Refusal::check(&flow(10)), Err(Refusal::Backward { from: 10, to: 10 }));
    }
}
