//! Filling an empty switch: what the controller's session takes, beside the same flows streamed on a
//! connection of their own with one barrier, as bare flow-mods and as the bytes that the session
//! sends.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use bytes::Bytes;
use controller::switch::Policy;
use openflow::message::{BundleControl, BundleControlType, FlowModCommand, Message, flow_frame};
use serde_json::json;
use topology::block::BlockFlow;

use super::fleet::Size;
use super::report::Row;
use super::samples::{Samples, ms};
use super::served::Served;

/// The host whose switch is filled.
const HOST: u32 = 1;

/// A way to fill a switch.
#[derive(Clone, Copy)]
enum Way {
    FlowMods,
    Bundles,
    Session,
}

impl Way {
    const ALL: [Self; 3] = [Self::FlowMods, Self::Bundles, Self::Session];

    fn text(self) -> &'static str {
        match self {
            Self::FlowMods => "bare flow-mods streamed, one barrier",
            Self::Bundles => "weftd's bytes streamed, one barrier",
            Self::Session => "weftd's session, until the host is ready",
        }
    }
}

/// What one way took.
#[derive(Default)]
struct Taken {
    wall: Samples,
    switch: Samples,
}

/// Fills the switch in all ways, one after the other, so many times. A session's time begins when it
/// has been given its place: it reads back, compares, and sends what is missing.
pub(crate) async fn measure(
    size: Size,
    mut flows: Vec<Arc<BlockFlow>>,
    rounds: u32,
) -> Result<Vec<Row>> {
    // As sessions send them.
    flows.sort_by_key(|flow| Reverse((flow.flow.table, flow.flow.priority)));
    let bare = flows.iter().map(|flow| flow_frame(FlowModCommand::Add, &flow.flow, 1));
    let bare = bare.collect::<Result<Vec<_>, _>>()?.concat();
    let parts = flows.chunks(Policy::default().part.get());
    let bundles = parts.map(bundle).collect::<Result<Vec<_>>>()?.concat();
    let served = Served::start(size, &[HOST]).await?;
    let switch = served.switch(HOST);
    let mut taken = Way::ALL.map(|way| (way, Taken::default()));
    for _ in 0..rounds {
        for (way, taken) in &mut taken {
            switch.ofctl(&["del-flows"], &[])?;
            let connected = match way {
                Way::Session => Some(served.connect(HOST).await?),
                Way::FlowMods | Way::Bundles => None,
            };
            let (before, start) = (switch.cpu()?, Instant::now());
            match way {
                Way::FlowMods => switch.stream(&bare)?,
                Way::Bundles => switch.stream(&bundles)?,
                Way::Session => served.wait_ready(HOST).await?,
            }
            taken.wall.push(start.elapsed());
            taken.switch.push(switch.cpu()?.saturating_sub(before));
            if let Some(connected) = connected {
                served.disconnect(HOST, connected).await?;
            }
        }
    }
    let bare = taken[0].1.wall.median();
    let row = |(way, taken): &(Way, Taken)| {
        let ratio = taken.wall.median().as_secs_f64() / bare.as_secs_f64();
        vec![
            ("what", json!(way.text())),
            ("median ms", json!(ms(taken.wall.median()))),
            ("least ms", json!(ms(taken.wall.quantile(0.0)))),
            ("times the bare flow-mods", json!(ratio)),
            ("CPU of ovs-vswitchd, median ms", json!(ms(taken.switch.median()))),
        ]
    };
    Ok(taken.iter().map(row).collect())
}

/// A bundle of these flows.
fn bundle(flows: &[Arc<BlockFlow>]) -> Result<Vec<u8>> {
    let control = |kind| -> Result<Bytes> {
        let control = BundleControl::new(BlockFlow::BUNDLE_ID, kind);
        Ok(Message::BundleControl(control).to_bytes(0)?)
    };
    let mut messages = vec![control(BundleControlType::OpenRequest)?];
    messages.extend(flows.iter().map(|flow| flow.frame()));
    messages.push(control(BundleControlType::CommitRequest)?);
    Ok(messages.concat())
}
