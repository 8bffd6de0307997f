//! What holds for whatever a packet meets with.

use proptest::prelude::*;
use topology::simulate::{DropReason, Journey, LossReason};

/// What holds for every journey: no step of it is undefined, nothing is dropped without a flow
/// that says why (but for the sender's copy of a flood), no host tries to hand on what it got from
/// another, it ends, and what is lost is lost at a host that has no tunnel port.
pub(crate) fn check_sane(journey: &Journey) -> Result<(), TestCaseError> {
    for hop in &journey.hops {
        if let Some((flow, rival)) = hop.trace.rivals().next() {
            prop_assert!(false, "either of these:\n{flow}\n{rival}\n{}", hop.trace);
        }
    }
    for (number, hop) in journey.hops.iter().enumerate() {
        for dropped in hop.trace.drops() {
            let explained = dropped.reason == DropReason::Flow
                || number == 0 && dropped.reason == DropReason::InPort;
            prop_assert!(explained, "at {}: {:?}\n{}", hop.host, dropped, hop.trace);
        }
    }
    for loss in &journey.losses {
        let silent_host = matches!(loss.reason, LossReason::NoSuchVtep(_));
        prop_assert!(silent_host, "{loss:?}\n{}", journey.hops[0].trace);
    }
    Ok(())
}
