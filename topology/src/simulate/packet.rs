use std::fmt;

use openflow::{Field, IntoFieldValue, Match, Oxm, PortNo, Subfield};
use smallvec::SmallVec;

use super::conntrack::Tuple;

/// A frame on its way through a switch: its headers as Open vSwitch's match fields see them, and
/// the metadata (input port, registers, tunnel) that it carries inside the switch.
///
/// A field that the frame does not have reads as 0, as in Open vSwitch; that it may only be asked
/// for where it exists is a matter of the flow's prerequisites. `eth_type` is that behind the VLAN
/// tags.
#[derive(Clone, Eq, PartialEq)]
pub struct Packet {
    /// Values by the field's rank. Views of other fields (`xreg0`, `vlan_tci`) have no value of
    /// their own.
    values: Box<[u128]>,
    /// The tags behind the outer one, which is in the fields; the outermost comes last. Each is
    /// priority and VLAN as in `vlan_tci`.
    inner_tags: SmallVec<[u16; 2]>,
    /// Of an ICMP error, what it says of the packet that it is about.
    about: Option<Tuple>,
}

impl Packet {
    /// The bit of `vlan_vid` and `vlan_tci` that says that there is a tag: `OFPVID_PRESENT`.
    pub const TAGGED: u16 = 0x1000;

    /// A frame in which every field is 0.
    pub fn new() -> Self {
        let values = vec![0; Field::all().len()].into();
        Self { values, inner_tags: SmallVec::new(), about: None }
    }

    /// A packet that `matching` is for: what it does not ask for is 0.
    pub fn from_match(matching: &Match) -> Self {
        matching.fields().fold(Self::new(), |packet, oxm| packet.with(oxm.field, oxm.value))
    }

    /// The value of a field.
    ///
    /// # Panics
    ///
    /// When the field is none of [`Field`]'s constants.
    pub fn field(&self, field: Field) -> u128 {
        match View::of(field) {
            View::Whole(rank) => self.values[rank],
            View::Registers { first, count } => (first..first + count)
                .fold(0, |value, number| value << 32 | self.field(Field::reg(number))),
            View::VlanTci => self.field(Field::VLAN_PCP) << 13 | self.field(Field::VLAN_VID),
        }
    }

    /// Sets the whole of a field. Bits beyond the field's width are dropped.
    ///
    /// # Panics
    ///
    /// When the field is none of [`Field`]'s constants.
    pub fn set(&mut self, field: Field, value: impl IntoFieldValue) {
        let value = value.into_field_value();
        match View::of(field) {
            // The address option of a neighbour message can be rewritten, but not brought into
            // being.
            View::Whole(_)
                if field == Field::ND_OPTIONS_TYPE && self.field(Field::ND_OPTIONS_TYPE) == 0 => {}
            View::Whole(_) => self.put(field, value),
            View::Registers { first, count } => {
                for number in first..first + count {
                    let shift = 32 * u32::from(first + count - 1 - number);
                    self.put(Field::reg(number), value >> shift);
                }
            }
            View::VlanTci => {
                self.put(Field::VLAN_VID, value);
                self.put(Field::VLAN_PCP, value >> 13);
            }
        }
    }

    /// The same with a field set, for building a packet.
    ///
    /// # Panics
    ///
    /// As [`Packet::set`].
    #[must_use]
    pub fn with(mut self, field: Field, value: impl IntoFieldValue) -> Self {
        match View::of(field) {
            View::Whole(_) => self.put(field, value.into_field_value()),
            _ => self.set(field, value),
        }
        self
    }

    /// The same with one more VLAN tag around it.
    #[must_use]
    pub fn tagged(mut self, vlan: u16) -> Self {
        self.push_vlan();
        self.put(Field::VLAN_VID, u128::from(vlan & 0xfff | Self::TAGGED));
        self
    }

    /// The same as an ICMP error about a packet, which it quotes.
    #[must_use]
    pub fn with_about(mut self, packet: &Self) -> Self {
        self.about = Tuple::of(packet);
        self
    }

    /// Addresses and ports of the packet that it quotes.
    pub(super) fn about(&self) -> Option<Tuple> {
        self.about
    }

    /// The VLAN of the outer tag, 0 for a priority tag; `None` when there is no tag.
    pub fn vlan(&self) -> Option<u16> {
        let vid = self.field(Field::VLAN_VID) as u16;
        (vid & Self::TAGGED != 0).then_some(vid & 0xfff)
    }

    /// What a flow asks for that is for this packet: every field that is not 0. Of several tags
    /// only the outer one can be asked for.
    pub fn to_match(&self) -> Match {
        let set = self.values.iter().zip(Field::all()).filter(|(value, _)| **value != 0);
        set.fold(Match::new(), |matching, (&value, spec)| matching.with(spec.field, value))
    }

    /// Pushes a tag that is a copy of the outer one, or priority 0 and VLAN 0.
    pub(super) fn push_vlan(&mut self) {
        if self.vlan().is_some() {
            self.inner_tags.push(self.field(Field::NXM_VLAN_TCI) as u16);
        } else {
            self.put(Field::VLAN_VID, u128::from(Self::TAGGED));
        }
    }

    /// Pops the outer tag; nothing happens when there is none.
    pub(super) fn pop_vlan(&mut self) {
        let tci = self.inner_tags.pop().unwrap_or(0);
        self.set(Field::NXM_VLAN_TCI, tci);
    }

    /// Some bits of a field, right-aligned.
    pub(super) fn subfield(&self, subfield: Subfield) -> u128 {
        self.field(subfield.field) >> subfield.offset & ones(subfield.bits)
    }

    /// Sets some bits of a field.
    pub(super) fn set_subfield(&mut self, subfield: Subfield, value: u128) {
        let mask = ones(subfield.bits) << subfield.offset;
        self.set_masked(subfield.field, value << subfield.offset, mask);
    }

    /// Sets the bits of a mask in a field.
    pub(super) fn set_masked(&mut self, field: Field, value: u128, mask: u128) {
        self.set(field, self.field(field) & !mask | value & mask);
    }

    /// The frame as it leaves a switch: without metadata, and with no more in a neighbour
    /// message's option than its type has.
    pub(super) fn into_frame(mut self) -> Self {
        for (value, spec) in self.values.iter_mut().zip(Field::all()) {
            if is_metadata(spec.field) {
                *value = 0;
            }
        }
        let option = self.field(Field::ND_OPTIONS_TYPE);
        if option != SOURCE_LINK_LAYER_ADDRESS {
            self.put(Field::ND_SLL, 0);
        }
        if option != TARGET_LINK_LAYER_ADDRESS {
            self.put(Field::ND_TLL, 0);
        }
        self
    }

    /// The port it came in by.
    pub(super) fn in_port(&self) -> PortNo {
        PortNo(self.field(Field::IN_PORT) as u32)
    }

    fn put(&mut self, field: Field, value: u128) {
        let View::Whole(rank) = View::of(field) else { unreachable!("{field:?} is a view") };
        self.values[rank] = value & Oxm::exact(field, 0u8).mask;
    }
}

impl Default for Packet {
    fn default() -> Self {
        Self::new()
    }
}

/// As a match of `ovs-ofctl`, which `ofproto/trace` takes too.
impl fmt::Display for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_match().fmt(f)?;
        self.inner_tags.iter().rev().try_for_each(|tci| write!(f, ",inner_vlan={}", tci & 0xfff))
    }
}

impl fmt::Debug for Packet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where a field's value stands.
enum View {
    Whole(usize),
    Registers { first: u8, count: u8 },
    VlanTci,
}

impl View {
    fn of(field: Field) -> Self {
        match (field.class, field.number) {
            (0x8001, number) => Self::Registers { first: 2 * number, count: 2 },
            (0x0001, number @ 111..=114) => Self::Registers { first: 4 * (number - 111), count: 4 },
            _ if field == Field::NXM_VLAN_TCI => Self::VlanTci,
            _ if field == Field::NXM_IN_PORT => Self::of(Field::IN_PORT),
            _ => Self::Whole(field.rank().expect("a packet has the fields that this crate knows")),
        }
    }
}

/// True for what exists only inside a switch.
fn is_metadata(field: Field) -> bool {
    let headers = Field::ETH_SRC.rank()..=Field::ARP_THA.rank();
    !headers.contains(&field.rank())
}

/// `bits` ones, right-aligned.
fn ones(bits: u16) -> u128 {
    if bits >= 128 { u128::MAX } else { (1 << bits) - 1 }
}

/// RFC 4861 §4.6.1.
pub(super) const SOURCE_LINK_LAYER_ADDRESS: u128 = 1;
/// RFC 4861 §4.6.1.
pub(super) const TARGET_LINK_LAYER_ADDRESS: u128 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_registers_are_views_of_the_narrow_ones() {
        let mut packet = Packet::new().with(Field::XREG1, 0x0000_0001_0000_0002_u64);
        assert_eq!(packet.field(Field::REG2), 1);
        assert_eq!(packet.field(Field::REG3), 2);
        packet.set(Field::REG0, 7u32);
        assert_eq!(packet.field(Field::XXREG0), 7 << 96 | 1 << 32 | 2);
        packet.set_subfield(Subfield { field: Field::REG0, offset: 8, bits: 4 }, 0xff);
        assert_eq!(packet.field(Field::REG0), 0xf07);
    }

    #[test]
    fn tags_nest() {
        let mut packet = Packet::new().tagged(200).with(Field::VLAN_PCP, 5u8).tagged(100);
        assert_eq!(packet.vlan(), Some(100));
        assert_eq!(packet.field(Field::NXM_VLAN_TCI), 0xb000 | 100);
        packet.pop_vlan();
        assert_eq!(packet.field(Field::NXM_VLAN_TCI), 0xb000 | 200);
        packet.pop_vlan();
        assert_eq!(packet, Packet::new());
        packet.pop_vlan();
        assert_eq!(packet, Packet::new());
    }

    #[test]
    fn a_packet_is_written_and_read_as_a_match() {
        let text = "arp,in_port=3,dl_vlan=100,dl_src=fa:16:3e:00:00:01,arp_tpa=10.0.0.9,arp_op=1";
        let flow: openflow::Flow = format!("{text} actions=drop").parse().unwrap();
        let packet = Packet::from_match(&flow.matching);
        assert_eq!(packet.vlan(), Some(100));
        assert_eq!(packet.field(Field::ARP_OP), 1);
        assert_eq!(packet.to_string(), text);
        assert_eq!(packet.to_match(), flow.matching);
    }

    #[test]
    fn a_frame_has_no_metadata() {
        for spec in Field::all() {
            let name = spec.name;
            let metadata = is_metadata(spec.field);
            let inside = ["reg", "xreg", "xxreg", "tun_", "ct_", "in_port", "metadata", "pkt_mark"];
            if inside.iter().any(|prefix| name.starts_with(prefix)) {
                assert!(metadata, "{name}");
            }
            let outside = ["eth_", "vlan_vid", "vlan_pcp", "arp_", "nd_", "ip", "tcp_", "udp_"];
            if outside.iter().any(|prefix| name.starts_with(prefix)) {
                assert!(!metadata, "{name}");
            }
        }
        let frame = Packet::new().with(Field::ETH_TYPE, 0x0800u16);
        let inside = frame.clone().with(Field::REG3, 1u32).with(Field::TUN_ID, 5u64);
        assert_eq!(inside.into_frame(), frame);
    }

    #[test]
    fn an_option_that_is_not_there_cannot_be_rewritten() {
        let mut bare = Packet::new();
        bare.set(Field::ND_OPTIONS_TYPE, 2u8);
        bare.set(Field::ND_TLL, 7u64);
        assert_eq!(bare.into_frame(), Packet::new());

        let mut with_option = Packet::new().with(Field::ND_OPTIONS_TYPE, 1u8);
        with_option.set(Field::ND_SLL, 6u64);
        with_option.set(Field::ND_OPTIONS_TYPE, 2u8);
        with_option.set(Field::ND_TLL, 7u64);
        let frame = with_option.into_frame();
        assert_eq!(frame.field(Field::ND_TLL), 7);
        assert_eq!(frame.field(Field::ND_SLL), 0);
    }
}
