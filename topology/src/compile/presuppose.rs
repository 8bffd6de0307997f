use std::collections::BTreeSet;

use super::{Compiler, Inputs};
use crate::block::BlockId;

impl Compiler {
    /// The blocks without which `block` is a way that leads nowhere, itself among them: a packet
    /// that its flows let in goes on through theirs.
    ///
    /// Only a port on its host lets packets in. What other blocks have is on the way of ports that
    /// are there already, and a flow more or less of it makes or ends a part of that way.
    pub fn presupposed(&self, block: BlockId) -> BTreeSet<BlockId> {
        self.inputs.presupposed(block).unwrap_or_default()
    }
}

impl Inputs {
    fn presupposed(&self, block: BlockId) -> Option<BTreeSet<BlockId>> {
        let BlockId::HostPort { host, port: key } = block else { return None };
        let port = self.model.port_by_key(key)?;
        let network = self.model.network(port.network)?.meta.key;
        let mut blocks = BTreeSet::from([
            block,
            BlockId::HostBase(host),
            BlockId::Vteps,
            BlockId::Network(network),
            BlockId::HostNetwork { host, network },
        ]);
        if let Some(profile) = self.model.profile_of(port) {
            blocks.insert(BlockId::Profile(profile.meta.key));
            let remotes = self.index.policy.remotes_of(profile.id);
            blocks.extend(remotes.filter_map(|(_, _, remote)| self.remote_block(remote)));
        }
        Some(blocks)
    }
}
