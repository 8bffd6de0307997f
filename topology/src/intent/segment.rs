use std::fmt;
use std::ops::RangeInclusive;

use super::{Context, Rejection, Violations};
use crate::key::Key;
use crate::model::{NetworkId, ResourceId, Segment, VlanId, Vni};

/// The ways to carry a network between hosts.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum NetworkType {
    /// Untagged on a physical network.
    Flat,
    /// By VLAN on a physical network.
    Vlan,
    /// By VXLAN between the hosts' tunnel addresses.
    Vxlan,
}

/// Which segment a new network asks for.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct SegmentRequest {
    /// Required.
    pub network_type: Option<NetworkType>,
    /// Required for FLAT and VLAN, must be empty for VXLAN.
    pub physical_network: String,
    /// VLAN or VNI, chosen from the configured range when 0; must be 0 for FLAT.
    pub segmentation_id: u32,
}

impl NetworkType {
    /// The type of networks with this segment.
    pub fn of(segment: &Segment) -> Self {
        match segment {
            Segment::Flat { .. } => Self::Flat,
            Segment::Vlan { .. } => Self::Vlan,
            Segment::Vxlan { .. } => Self::Vxlan,
        }
    }
}

impl fmt::Display for NetworkType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Flat => "FLAT",
            Self::Vlan => "VLAN",
            Self::Vxlan => "VXLAN",
        })
    }
}

impl SegmentRequest {
    pub(super) fn check(&self, violations: &mut Violations) {
        let Some(network_type) = self.network_type else {
            violations.add("type", "is required: FLAT, VLAN or VXLAN");
            return;
        };
        match (network_type, self.physical_network.as_str()) {
            (NetworkType::Vxlan, "") => {}
            (NetworkType::Vxlan, name) => violations.add(
                "physical_network",
                format_args!("{name:?}: a VXLAN network has no physical network"),
            ),
            (_, "") => violations
                .add("physical_network", format_args!("is required for {network_type} networks")),
            (_, name) => check_physical_network(name, violations),
        }
        let id = self.segmentation_id;
        let wrong = match network_type {
            _ if id == 0 => None,
            NetworkType::Flat => Some(format!("{id}: a FLAT network has no segmentation id")),
            NetworkType::Vlan => VlanId::try_from(id).err().map(|error| error.to_string()),
            NetworkType::Vxlan => Vni::try_from(id).err().map(|error| error.to_string()),
        };
        if let Some(wrong) = wrong {
            violations.add("segmentation_id", wrong);
        }
    }

    /// Whether `segment` is what was asked for.
    pub(super) fn is(&self, segment: &Segment) -> bool {
        let id = segmentation_id(segment);
        self.network_type == Some(NetworkType::of(segment))
            && self.physical_network == segment.physical_network().unwrap_or_default()
            && (self.segmentation_id == 0 || self.segmentation_id == id)
    }

    /// The segment for a new network whose key will be `key`. The request has been checked.
    pub(super) fn allocate(self, context: &Context<'_>, key: Key) -> Result<Segment, Rejection> {
        let Self { network_type, physical_network, segmentation_id } = self;
        match network_type {
            Some(NetworkType::Flat) => {
                is_mapped(context, &physical_network)?;
                let what = || format!("the FLAT network of {physical_network}");
                let holder = context.model.network_by_physical(&physical_network, None);
                is_free("physical_network", holder, what)?;
                Ok(Segment::Flat { physical_network })
            }
            Some(NetworkType::Vlan) => {
                is_mapped(context, &physical_network)?;
                let vlan = match VlanId::try_from(segmentation_id) {
                    Ok(vlan) => {
                        let what = || format!("VLAN {vlan} of {physical_network}");
                        let holder =
                            context.model.network_by_physical(&physical_network, Some(vlan));
                        is_free("segmentation_id", holder, what)?;
                        vlan
                    }
                    Err(_) => free_vlan(context, &physical_network)?,
                };
                Ok(Segment::Vlan { physical_network, vlan })
            }
            Some(NetworkType::Vxlan) | None => {
                let vni = match Vni::try_from(segmentation_id) {
                    Ok(vni) => {
                        let holder = context.model.network_by_vni(vni);
                        is_free("segmentation_id", holder, || format!("VNI {vni}"))?;
                        vni
                    }
                    Err(_) => free_vni(context, key)?,
                };
                Ok(Segment::Vxlan { vni })
            }
        }
    }
}

/// The VLAN or VNI; 0 for a flat network.
pub(super) fn segmentation_id(segment: &Segment) -> u32 {
    match segment {
        Segment::Flat { .. } => 0,
        Segment::Vlan { vlan, .. } => (*vlan).into(),
        Segment::Vxlan { vni } => (*vni).into(),
    }
}

/// The names that `external_ids:weft-bridge-mappings` can have.
fn check_physical_network(name: &str, violations: &mut Violations) {
    if name.len() > MAX_PHYSICAL_NETWORK {
        let length = name.len();
        violations.add(
            "physical_network",
            format_args!("{length} bytes: expected at most {MAX_PHYSICAL_NETWORK}"),
        );
    } else if name.contains(|c: char| c == ',' || c == ':' || c.is_whitespace() || c.is_control()) {
        violations.add(
            "physical_network",
            format_args!("{name:?}: commas, colons and white space are not allowed"),
        );
    }
}

/// Refuses a physical network that no host maps: its ports could never work.
fn is_mapped(context: &Context<'_>, physical_network: &str) -> Result<(), Rejection> {
    let hosts = context.model.hosts().values();
    if hosts.clone().any(|host| host.bridge_mappings.contains_key(physical_network)) {
        return Ok(());
    }
    let mut known: Vec<&str> =
        hosts.flat_map(|host| host.bridge_mappings.keys().map(String::as_str)).collect();
    known.sort_unstable();
    known.dedup();
    let known = match known.as_slice() {
        [] => "no host maps any".to_owned(),
        known => format!("hosts map {}", known.join(", ")),
    };
    Err(Rejection::obstacle(
        "PHYSICAL_NETWORK_NOT_MAPPED",
        format!("physical_network/{physical_network}"),
        format!("no host maps physical network {physical_network}; {known}"),
    ))
}

fn is_free(
    field: &str,
    holder: Option<NetworkId>,
    what: impl FnOnce() -> String,
) -> Result<(), Rejection> {
    let Some(holder) = holder else { return Ok(()) };
    let description = format!("{} is taken by network {holder}", what());
    let holder = ResourceId::Network(holder);
    Err(Rejection::AlreadyExists { holder, field: field.to_owned(), description })
}

/// The lowest free VLAN of the configured range.
fn free_vlan(context: &Context<'_>, physical_network: &str) -> Result<VlanId, Rejection> {
    let range = &context.settings.vlans;
    let is_free =
        |vlan: &VlanId| context.model.network_by_physical(physical_network, Some(*vlan)).is_none();
    let mut vlans = numbers(range).filter_map(|id| VlanId::try_from(id).ok());
    vlans.find(is_free).ok_or_else(|| Rejection::ResourceExhausted {
        subject: format!("vlans/{physical_network}"),
        description: format!(
            "VLANs {} to {} of {physical_network} are all in use",
            range.start(),
            range.end()
        ),
    })
}

/// A free VNI of the configured range: the search starts where the network's key leads, as keys
/// are consecutive, too; a network is not likely to get the VNI of one that was just deleted.
fn free_vni(context: &Context<'_>, key: Key) -> Result<Vni, Rejection> {
    let range = &context.settings.vnis;
    let all = numbers(range);
    let count = (all.end() + 1).saturating_sub(*all.start());
    let skip = key.get().saturating_sub(1).checked_rem(count).unwrap_or(0);
    let start = all.start() + skip;
    let vnis = (start..=*all.end()).chain(*all.start()..start);
    vnis.filter_map(|id| Vni::try_from(id).ok())
        .find(|vni| context.model.network_by_vni(*vni).is_none())
        .ok_or_else(|| Rejection::ResourceExhausted {
            subject: "vnis".to_owned(),
            description: format!("VNIs {} to {} are all in use", range.start(), range.end()),
        })
}

fn numbers<T: Copy + Into<u32>>(range: &RangeInclusive<T>) -> RangeInclusive<u32> {
    (*range.start()).into()..=(*range.end()).into()
}

/// Longest name of a physical network, in bytes.
pub const MAX_PHYSICAL_NETWORK: usize = 64;
