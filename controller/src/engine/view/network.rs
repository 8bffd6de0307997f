use topology::block::BlockId;
use topology::model::Network;

use super::{HostState, View, reason_of};
use crate::engine::fleet::Record;

/// Whether hosts have what a network needs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NetworkStatus {
    /// Not every connected host with a port of it has confirmed its flows.
    Building,
    /// Every connected host with a port of it has.
    Active,
    /// A host's switch does not take a flow that all ports of it there need.
    Error,
}

impl View<'_> {
    /// A network's status, derived from what hosts have confirmed, and the reason in words.
    ///
    /// It is about what the network's ports have in common; a flow that only one of them lacks is
    /// that port's.
    pub fn network_status(&self, network: &Network) -> (NetworkStatus, String) {
        let shared = BlockId::Network(network.meta.key);
        let (mut late, mut offline) = (vec![], vec![]);
        for id in self.compiler.subscribers(shared) {
            let Some(host) = self.model.host(id) else { continue };
            let name = host.meta.name.as_str();
            let record = self.fleet.get(id);
            let refused = record.and_then(|record| record.refused.of_network(network));
            if let Some(refused) = refused {
                return (NetworkStatus::Error, reason_of(name, refused));
            }
            let local = BlockId::HostNetwork { host: host.meta.key, network: network.meta.key };
            let has_confirmed = |record: &Record| {
                let feed = &record.feed;
                feed.realized(self.revision) >= network.meta.revision
                    || feed.has_confirmed(shared) && feed.has_confirmed(local)
            };
            match record.map(|record| (record.state(), has_confirmed(record))) {
                Some((_, true)) => {}
                None | Some((HostState::Offline, false)) => offline.push(name),
                Some((_, false)) => late.push(name),
            }
        }
        match (late.is_empty(), offline.is_empty()) {
            (false, _) => {
                (NetworkStatus::Building, format!("not confirmed by: {}", late.join(", ")))
            }
            (true, false) => {
                let reason = format!("not confirmed by offline hosts: {}", offline.join(", "));
                (NetworkStatus::Active, reason)
            }
            (true, true) => (NetworkStatus::Active, String::new()),
        }
    }
}
