//! A machine on the provider network that the controller knows nothing of.

use std::ops::Deref;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Result;

use crate::endpoint::Endpoint;
use crate::fabric::Fabric;
use crate::leftovers::LabId;

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A machine at an access port of the physical switch: bare metal or a router. What it can do
/// is reached by dereference to [`Endpoint`].
#[derive(Debug)]
pub struct Station {
    endpoint: Endpoint,
}

impl Station {
    pub(crate) fn start(id: &LabId, fabric: &Fabric, vlan: Option<u16>) -> Result<Self> {
        let name = format!("st{}", COUNT.fetch_add(1, Ordering::Relaxed) + 1);
        let endpoint = Endpoint::start(name.clone(), id.netns_name(&name), id.run_dir())?;
        fabric.connect_station(&name, endpoint.netns(), vlan.unwrap_or(0))?;
        Ok(Self { endpoint })
    }
}

impl Deref for Station {
    type Target = Endpoint;

    fn deref(&self) -> &Endpoint {
        &self.endpoint
    }
}
