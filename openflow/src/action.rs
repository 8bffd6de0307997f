//! Actions: OpenFlow 1.3.5 §7.2.5, and those of Open vSwitch's `ofp-actions.h`.

use bytes::Bytes;

mod bundle;
mod codec;
mod controller;
mod ct;
mod encap;
mod learn;
mod multipath;
mod nat;
mod nicira;
mod sample;
mod set_field;
mod subfield;

pub use bundle::{Bundle, BundleAlgorithm};
pub(crate) use codec::{decode_actions, encode_actions};
pub use controller::Controller;
pub use encap::{Encap, EncapHeader, EncapProperty, PacketType};
pub use learn::{Learn, LearnSource, LearnSpec};
pub use multipath::{HashFields, Multipath, MultipathAlgorithm};
pub use nat::Nat;
pub use sample::{Sample, SampleDirection};

use crate::oxm::IntoFieldValue;
use crate::{Field, Oxm, PortNo, TunMetadata};

/// One action: `struct ofp_action_header` and what follows it, OpenFlow 1.3.5 §7.2.5, and the
/// Nicira extensions of Open vSwitch (`ofp-actions.c`, ovs-actions(7)).
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Action {
    /// Sends the packet out of a port: `ofp_action_output`.
    Output {
        /// Where the packet goes.
        port: PortNo,
        /// Bytes to send when `port` is [`PortNo::CONTROLLER`], otherwise 0.
        max_len: u16,
    },
    /// Sends the packet out of the port that a field names: `nx_action_output_reg`, and
    /// `nx_action_output_reg2` for an experimenter's field.
    OutputReg {
        /// Where the port number stands.
        source: Subfield,
        /// Bytes to send when the port is the controller.
        max_len: u16,
    },
    /// Sends no more than the first bytes of the packet out of a port: `nx_action_output_trunc`.
    OutputTrunc {
        /// Where the packet goes.
        port: PortNo,
        /// Bytes to send, at least 14.
        max_len: u32,
    },
    /// Processes the packet by a group: `ofp_action_group`.
    Group(u32),
    /// Chooses the queue of later outputs: `OFPAT_SET_QUEUE`.
    SetQueue(u32),
    /// Later outputs go to the queue that was there before [`Action::SetQueue`]: `NXAST_POP_QUEUE`.
    PopQueue,
    /// Pushes a VLAN tag with this EtherType: `OFPAT_PUSH_VLAN`.
    PushVlan(u16),
    /// Pops the outer VLAN tag: `OFPAT_POP_VLAN`.
    PopVlan,
    /// Pushes an MPLS label with this EtherType, 0x8847 or 0x8848: `OFPAT_PUSH_MPLS`.
    PushMpls(u16),
    /// Pops the outer MPLS label; the packet then has this EtherType: `OFPAT_POP_MPLS`.
    PopMpls(u16),
    /// Sets the outer label's TTL: `OFPAT_SET_MPLS_TTL`.
    SetMplsTtl(u8),
    /// Takes one from the outer label's TTL: `OFPAT_DEC_MPLS_TTL`.
    DecMplsTtl,
    /// Sets the TTL or hop limit: `OFPAT_SET_NW_TTL`.
    SetNwTtl(u8),
    /// Takes one from the TTL or hop limit: `OFPAT_DEC_NW_TTL`.
    DecNwTtl,
    /// As [`Action::DecNwTtl`]; packets whose TTL ends go to the controllers with these
    /// identifiers, of which there is at least one: `nx_action_cnt_ids`.
    DecTtlCntIds(Vec<u16>),
    /// Takes one from the TTL of a network service header: `NXAST_DEC_NSH_TTL`.
    DecNshTtl,
    /// Sets a field, or the masked bits of it: `ofp_action_set_field`, with a mask `NXAST_REG_LOAD2`.
    SetField(Oxm),
    /// Sets an option of the tunnel's header, or the masked bits of it: as [`Action::SetField`].
    SetTunMetadata(Box<TunMetadata>),
    /// Copies bits between fields: `nx_action_reg_move`.
    Move {
        /// From where; as wide as `destination`.
        source: Subfield,
        /// To where.
        destination: Subfield,
    },
    /// Sets bits of a field: `nx_action_reg_load`. For an experimenter's field or a tunnel's option,
    /// which have no place in that, `NXAST_REG_LOAD2`; some of their bits then come back as a masked
    /// [`Action::SetField`] or [`Action::SetTunMetadata`].
    Load {
        /// Where to.
        destination: Subfield,
        /// The bits, right-aligned.
        value: u64,
    },
    /// Puts bits of a field on the stack: `nx_action_stack`, `NXAST_STACK_PUSH`.
    StackPush(Subfield),
    /// Takes bits of a field from the stack: `nx_action_stack`, `NXAST_STACK_POP`.
    StackPop(Subfield),
    /// Whether the packet is longer than so many bytes becomes a bit of a field:
    /// `nx_action_check_pkt_larger`.
    CheckPktLarger {
        /// The length in bytes, Ethernet header included.
        pkt_len: u16,
        /// Where the bit goes; only the field and the offset count, `bits` is 1.
        destination: Subfield,
    },
    /// Shortens the time-outs of the flow when a packet ends its TCP connection:
    /// `nx_action_fin_timeout`.
    FinTimeout {
        /// New idle time-out in seconds, 0 to leave it.
        idle_timeout: u16,
        /// New hard time-out in seconds, 0 to leave it.
        hard_timeout: u16,
    },
    /// Chooses one of several links by a hash of the packet: `nx_action_multipath`.
    Multipath(Multipath),
    /// Chooses one of several ports by a hash of the packet: `nx_action_bundle`.
    Bundle(Bundle),
    /// Puts a header in front of the packet: `nx_action_encap`.
    Encap(Encap),
    /// Takes the outermost header away; what is left is a packet of this type:
    /// `nx_action_decap`.
    Decap(PacketType),
    /// Takes an option out of a tunnel's header, one of `tun_metadata0` to `tun_metadata63`:
    /// `nx_action_delete_field`.
    DeleteField(Field),
    /// Samples packets for IPFIX: `nx_action_sample`.
    Sample(Sample),
    /// Adds, changes or removes another flow, made of the packet: `nx_action_learn`.
    Learn(Box<Learn>),
    /// Looks the packet up in another table, then goes on: `nx_action_resubmit`.
    Resubmit(Resubmit),
    /// Sends the packet through conntrack: `nx_action_conntrack`.
    Ct(Ct),
    /// Translates addresses and ports, as one of the actions of a [`Ct`]: `nx_action_nat`.
    Nat(Nat),
    /// Forgets the packet's conntrack state: `NXAST_CT_CLEAR`.
    CtClear,
    /// An action of a conjunctive match: `nx_action_conjunction`.
    Conjunction {
        /// `conj_id` that the whole match sets.
        id: u32,
        /// Which clause, from 0.
        clause: u8,
        /// Of how many.
        clauses: u8,
    },
    /// Sends the packet to a controller, with more to say than [`Action::Output`].
    Controller(Controller),
    /// Runs these actions on a copy of the packet: `NXAST_CLONE`.
    Clone(Vec<Action>),
    /// Stops looking up tables: `NXAST_EXIT`.
    Exit,
    /// Bytes that nothing looks at: `nx_action_note`. There are 6, 14, 22 and so on; fewer are
    /// filled up with zeros on the wire.
    Note(Bytes),
    /// An action that this crate does not know, or that is written in another way than the one
    /// this crate writes; header included, a multiple of 8 bytes.
    Unknown(Bytes),
}

/// Bits of a field: `NXM_NX_REG0[0..15]`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Subfield {
    /// The field.
    pub field: Field,
    /// First bit, 0 is the least significant.
    pub offset: u16,
    /// Number of bits, at least 1.
    pub bits: u16,
}

impl Subfield {
    /// All bits of a field.
    ///
    /// # Panics
    ///
    /// When the field is none of [`Field`]'s constants.
    pub fn whole(field: Field) -> Self {
        let spec = field.spec().expect("whole() is called with one of Field's constants");
        Self { field, offset: 0, bits: spec.bits }
    }
}

/// A second look-up: which table, as if from which port.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Resubmit {
    /// The port to look up with, [`PortNo::IN_PORT`] for the packet's own.
    pub in_port: PortNo,
    /// The table, 255 for the current one.
    pub table: u8,
    /// With the conntrack 5-tuple swapped in: `NXAST_CT_RESUBMIT`.
    pub ct: bool,
}

/// `nx_action_conntrack`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Ct {
    /// `NX_CT_F_*`: [`Ct::COMMIT`], [`Ct::FORCE`].
    pub flags: u16,
    /// The conntrack zone.
    pub zone: CtZone,
    /// Table in which the packet goes on once tracked, 255 for none.
    pub recirc_table: u8,
    /// Application-layer gateway: 21 for FTP, 69 for TFTP, otherwise 0.
    pub alg: u16,
    /// Actions on the connection: setting `ct_mark` and `ct_label`, NAT.
    pub actions: Vec<Action>,
}

impl Ct {
    /// Commits the connection.
    pub const COMMIT: u16 = 1;
    /// Commits in this direction even where the connection exists in the other.
    pub const FORCE: u16 = 2;
}

/// Where a `ct` action takes its zone from.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
pub enum CtZone {
    /// This number.
    Immediate(u16),
    /// A field's 16 bits.
    Field(Subfield),
}

impl Action {
    /// Outputs to a port.
    pub const fn output(port: PortNo) -> Self {
        Self::Output { port, max_len: 0 }
    }

    /// Sets the whole of a field.
    ///
    /// # Panics
    ///
    /// As [`Oxm::exact`].
    pub fn set_field(field: Field, value: impl IntoFieldValue) -> Self {
        Self::SetField(Oxm::exact(field, value))
    }

    /// Copies the whole of a field to another of the same width.
    ///
    /// # Panics
    ///
    /// When a field is none of [`Field`]'s constants, or their widths differ.
    pub fn move_field(source: Field, destination: Field) -> Self {
        let (source, destination) = (Subfield::whole(source), Subfield::whole(destination));
        assert_eq!(source.bits, destination.bits, "fields of a move are equally wide");
        Self::Move { source, destination }
    }

    /// Looks the packet up in `table` and goes on.
    pub const fn resubmit(table: u8) -> Self {
        Self::Resubmit(Resubmit { in_port: PortNo::IN_PORT, table, ct: false })
    }
}
