//! Whose an address is: asked by who answers for it, and by the rules of its peer.

use openflow::Field;

use super::TableSpec;
use crate::pipeline::Register;

pub(super) const ADDRESSES: TableSpec = TableSpec {
    name: "addresses",
    purpose: "Tells of an IPv4 address which port of the network has it: its Ethernet address, and \
              the profile that its security groups are. Asked by resubmit, gives the packet back.",
    matches: &[Field::REG0, Field::REG8],
    reads: &[Register::NETWORK, Register::ADDRESS_IPV4],
    writes: OWNER,
    ..TableSpec::EMPTY
};

pub(super) const ADDRESSES_IPV6: TableSpec = TableSpec {
    name: "addresses_ipv6",
    purpose: "As addresses, of an IPv6 address.",
    matches: &[Field::REG0, Field::REG8, Field::REG9, Field::REG10, Field::REG11],
    reads: &[Register::NETWORK, Register::ADDRESS_IPV6],
    writes: OWNER,
    ..TableSpec::EMPTY
};

const OWNER: &[Register] = &[Register::OWNER_MAC, Register::OWNER_PROFILE];
