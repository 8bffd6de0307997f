use bytes::Bytes;
use openflow::message::{
    BundleControl, BundleControlType, BundleFlags, ErrorMessage, FlowModCommand, FlowStats,
    FlowStatsRequest, Message, MultipartReplyBody, MultipartRequestBody, bundle_add_frame,
    bundled_flow_frame,
};
use openflow::session::Event;
use tracing::warn;

use super::connection::{Connection, ConnectionError};
use super::script::{Script, Step};

/// The bundle's number: one is open at a time on a connection.
const BUNDLE_ID: u32 = 1;
/// The xid of all flow-mods inside bundles: the same for every switch, so that their bytes are; none
/// of [`openflow::session::Session::OWN_XIDS`].
const SHARED_XID: u32 = 1;

impl Connection {
    /// Every flow that the switch has.
    ///
    /// # Errors
    ///
    /// When the connection ends, or the switch refuses to tell.
    pub async fn read_back(&mut self) -> Result<Vec<FlowStats>, ConnectionError> {
        let body = MultipartRequestBody::Flow(FlowStatsRequest::default());
        let sent = self.send(&Message::MultipartRequest(body.into()))?;
        let mut flows = Vec::new();
        loop {
            match self.next().await? {
                Event::Part { xid, body, last } if xid == sent => {
                    if let MultipartReplyBody::Flow(part) = body {
                        flows.extend(part);
                    }
                    if last {
                        return Ok(flows);
                    }
                }
                Event::Error { xid, error } if xid == sent => {
                    return Err(ConnectionError::Refused { what: "flow statistics", error });
                }
                _ => {}
            }
        }
    }

    /// Sends a script, bundle by bundle, and waits until the switch has carried it out; answers
    /// how many flow-mods it refused.
    ///
    /// # Errors
    ///
    /// When the connection ends, or a flow-mod does not fit a message.
    pub async fn carry_out(&mut self, script: &Script) -> Result<usize, ConnectionError> {
        let mut refused = 0;
        for bundle in script.bundles() {
            if let Some(error) = self.send_bundle(bundle).await? {
                // One bad message drops the whole bundle: the good ones go one by one.
                warn!(error = %error.code, flow_mods = bundle.len(), "the switch refused a bundle");
                refused += self.send_singly(bundle).await?;
            }
        }
        Ok(refused)
    }

    /// Sends the steps as one atomic bundle, and waits for the barrier behind it.
    async fn send_bundle(
        &mut self,
        steps: &[Step],
    ) -> Result<Option<ErrorMessage>, ConnectionError> {
        let control = |kind| Message::BundleControl(BundleControl::new(BUNDLE_ID, kind));
        self.send(&control(BundleControlType::OpenRequest))?;
        for step in steps {
            self.send_encoded(frame(step)?);
        }
        self.send(&control(BundleControlType::CommitRequest))?;
        // The first error says what was wrong, those behind it only that the bundle is gone.
        let errors = self.barrier().await?;
        Ok(errors.into_iter().next().map(|(_, error)| error))
    }

    /// Sends the steps each on its own; answers how many the switch refused.
    async fn send_singly(&mut self, steps: &[Step]) -> Result<usize, ConnectionError> {
        let mut sent = Vec::with_capacity(steps.len());
        for step in steps {
            sent.push(self.send(&step.message())?);
        }
        let errors = self.barrier().await?;
        for (xid, error) in &errors {
            let step = sent.iter().position(|other| other == xid).map(|at| &steps[at]);
            let step = step.map_or_else(|| "(unknown)".to_owned(), Step::to_string);
            warn!(error = %error.code, step, "the switch refused a flow");
        }
        Ok(errors.len())
    }

    /// Waits until the switch has dealt with everything; answers the errors meanwhile.
    async fn barrier(&mut self) -> Result<Vec<(u32, ErrorMessage)>, ConnectionError> {
        let sent = self.send(&Message::BarrierRequest)?;
        let mut errors = Vec::new();
        loop {
            match self.next().await? {
                Event::Reply { xid, .. } if xid == sent => return Ok(errors),
                Event::Error { xid, error } => errors.push((xid, error)),
                _ => {}
            }
        }
    }
}

/// The message by which a step becomes part of the open bundle.
fn frame(step: &Step) -> Result<Bytes, ConnectionError> {
    let xid = SHARED_XID;
    let flags = BundleFlags::ATOMIC_ORDERED;
    Ok(match step {
        Step::Put(flow) => {
            bundled_flow_frame(FlowModCommand::Add, &flow.flow, BUNDLE_ID, flags, xid)?
        }
        step => bundle_add_frame(&step.message().to_bytes(xid)?, BUNDLE_ID, flags, xid)?,
    })
}
