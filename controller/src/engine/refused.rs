use topology::cookie::{BlockKind, Cookie};
use topology::key::Key;
use topology::model::{Model, Network, Port};

/// A flow that a switch does not take.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct RefusedFlow {
    /// Says what the flow is for.
    pub cookie: Cookie,
    /// The table that it was to be in.
    pub table: u8,
    /// The switch's error.
    pub reason: String,
}

/// The flows that a host should have and that its switch does not take.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RefusedFlows {
    /// The first [`RefusedFlows::LISTED`] of them, by table and cookie.
    pub listed: Vec<RefusedFlow>,
    /// How many there are.
    pub count: u64,
}

impl RefusedFlows {
    /// As many are kept for each host.
    pub const LISTED: usize = 256;

    /// A flow that `port` does not work as it should without. `own` says that the port is on the
    /// host that lacks these flows; on others it lacks only what leads to the port.
    pub(super) fn concerning(&self, port: &Port, own: bool, model: &Model) -> Option<&RefusedFlow> {
        self.listed.iter().find(|flow| concerns(flow.cookie, port, own, model))
    }

    /// A flow that all of a network's ports on this host lack.
    pub(super) fn of_network(&self, network: &Network) -> Option<&RefusedFlow> {
        self.listed.iter().find(|flow| is_of_network(flow.cookie, network.meta.key))
    }
}

fn is_of_network(cookie: Cookie, network: Key) -> bool {
    cookie.owner() == network
        && match cookie.kind() {
            Some(BlockKind::Network) => cookie.member() == Key::NONE,
            Some(BlockKind::HostNetwork) => true,
            _ => false,
        }
}

fn concerns(cookie: Cookie, port: &Port, own: bool, model: &Model) -> bool {
    let key = port.meta.key;
    let of_network =
        || model.network(port.network).is_some_and(|network| network.meta.key == cookie.owner());
    match cookie.kind() {
        Some(BlockKind::HostPort) => own && cookie.owner() == key,
        // What is there for the whole network, or for this port.
        Some(BlockKind::Network) => {
            let whole = cookie.member() == Key::NONE;
            (cookie.member() == key || own && whole) && of_network()
        }
        Some(BlockKind::HostNetwork) => own && of_network(),
        Some(BlockKind::HostBase | BlockKind::Vteps) => own,
        Some(BlockKind::Profile) => {
            let profile = model.profile_by_key(cookie.owner());
            own && port.port_security
                && profile.is_some_and(|profile| profile.groups == port.security_groups)
        }
        // Which profiles look these up is for the compiler to know: any of them may.
        Some(BlockKind::GroupMembers | BlockKind::AddressGroup) => {
            own && port.port_security && !port.security_groups.is_empty()
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use topology::model::{Change, Network, Resource, Segment};
    use topology::pipeline::Detail;

    use super::*;
    use crate::fixture;

    fn key(number: u32) -> Key {
        Key::new(number).unwrap()
    }

    #[test]
    fn a_refused_flow_is_a_ports_own_its_networks_or_none_of_its() {
        let port = fixture::port(7, "web-1");
        let mut model = Model::new();
        let network = Network {
            id: port.network,
            meta: fixture::meta(5, "web"),
            project: port.project,
            segment: Segment::Flat { physical_network: "external".into() },
            mtu: 1500,
            shared: false,
            port_security: true,
        };
        model.apply(&Change::Put(Resource::Network(network.into())));
        let cookie = Cookie::new;
        let is = |cookie: Cookie, [here, elsewhere]: [bool; 2]| {
            assert_eq!(concerns(cookie, &port, true, &model), here, "{cookie}");
            assert_eq!(concerns(cookie, &port, false, &model), elsewhere, "{cookie}");
        };
        is(cookie(Detail::Spoofed, key(7), Key::NONE), [true, false]);
        is(cookie(Detail::Spoofed, key(8), Key::NONE), [false, false]);
        is(cookie(Detail::Address, key(5), key(7)), [true, true]);
        is(cookie(Detail::Address, key(5), key(8)), [false, false]);
        is(cookie(Detail::Address, key(6), key(7)), [false, false]);
        is(cookie(Detail::Address, key(5), Key::NONE), [true, false]);
        is(cookie(Detail::KnownVtep, Key::NONE, key(1)), [true, false]);
        is(Cookie(0), [false, false]);

        let is = |cookie: Cookie, expected| {
            assert_eq!(is_of_network(cookie, key(5)), expected, "{cookie}");
        };
        is(cookie(Detail::Address, key(5), Key::NONE), true);
        is(cookie(Detail::Address, key(5), key(7)), false);
        is(cookie(Detail::Address, key(6), Key::NONE), false);
        is(cookie(Detail::PortCopies, key(5), key(2)), true);
        is(cookie(Detail::Spoofed, key(5), Key::NONE), false);
    }
}
