//! Strategies for flow monitors.

use openflow::message::{FlowMonitorFlags, FlowMonitorRequest, FlowUpdate};
use openflow::{Flow, FlowFlags, PortNo};
use proptest::prelude::*;

use crate::values::{flow, matching};

pub(crate) fn request() -> impl Strategy<Value = FlowMonitorRequest> {
    (any::<(u32, u16, u32, u8)>(), matching()).prop_map(|((id, flags, port, table), matching)| {
        let (flags, out_port) = (FlowMonitorFlags(flags), PortNo(port));
        FlowMonitorRequest { id, flags, out_port, table, matching }
    })
}

pub(crate) fn update() -> impl Strategy<Value = FlowUpdate> {
    // Monitors do not tell a flow's flags.
    let flow = flow().prop_map(|flow| Flow { flags: FlowFlags::default(), ..flow }).boxed();
    prop_oneof![
        flow.clone().prop_map(FlowUpdate::Added),
        flow.clone().prop_map(FlowUpdate::Modified),
        (flow, any::<u16>()).prop_map(|(flow, reason)| FlowUpdate::Deleted { flow, reason }),
        any::<u32>().prop_map(|xid| FlowUpdate::Abbreviated { xid }),
    ]
}
