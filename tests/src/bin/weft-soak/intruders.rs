//! Those who send all the time what must not arrive.

use std::time::Duration;

use anyhow::{Result, ensure};
use lab::{Capture, Frame, FrameStream, wait_until};
use proto::v1 as pb;
use tests::{Allow, Guest, Kind, READY, Scene};

/// Between two frames of a sender.
const PACE: Duration = Duration::from_millis(10);

/// The UDP port of what must not arrive.
const DENIED: u16 = 6666;

/// Victims on two hosts, and on each host somebody who spoofs, somebody of another network with the
/// same addresses, and somebody whom no rule lets in.
#[derive(Debug)]
pub(crate) struct Intruders {
    guests: Vec<Guest>,
    victims: Vec<Guest>,
    captures: Vec<Capture>,
    _senders: Vec<FrameStream>,
}

impl Intruders {
    pub(crate) fn start(scene: &Scene) -> Result<Self> {
        let mut home = scene.segment(Kind::Vxlan, 111, &[1, 2, 1, 2, 3])?;
        let elsewhere = scene.segment(Kind::Vxlan, 111, &[1, 2, 3])?;
        let outside = scene.group("outside", [Allow::egress()])?;
        let port = pb::Port { security_group_ids: vec![outside.id], ..Default::default() };
        let outsiders = [1, 3].map(|host| scene.guest_with(&home.network, host, port.clone()));
        let outsiders: Vec<_> = outsiders.into_iter().collect::<Result<_>>()?;
        scene.wait_active(&outsiders)?;
        let liars = home.guests.split_off(2);
        let victims = home.guests;
        let captures = victims.iter().map(|it| it.capture(&format!("udp dst port {DENIED}")));
        let captures = captures.collect::<Result<_>>()?;

        let frame = |from: &Guest, as_from: &Guest, to: &Guest| {
            let source = (from.mac(), as_from.v4());
            Frame::udp(source, (to.mac(), to.v4()), (DENIED, DENIED), b"weft")
        };
        let mut senders = Vec::new();
        for liar in &liars {
            let lies = [(0, 1), (1, 0)].map(|(as_from, to)| {
                [
                    frame(liar, &victims[as_from], &victims[to]),
                    frame(&victims[as_from], &victims[as_from], &victims[to]),
                ]
            });
            senders.push(liar.repeat_frames(lies.as_flattened(), PACE)?);
        }
        for other in elsewhere.guests.iter().chain(&outsiders) {
            let frames = [0, 1].map(|to| frame(other, other, &victims[to]));
            senders.push(other.repeat_frames(&frames, PACE)?);
        }
        let guests = liars.into_iter().chain(elsewhere.guests).chain(outsiders).collect();
        Ok(Self { guests, victims, captures, _senders: senders })
    }

    /// Frames that have arrived.
    pub(crate) fn arrived(&self) -> Result<u64> {
        let counts = self.captures.iter().map(|capture| Ok(capture.count()? as u64));
        counts.sum()
    }

    /// Lets one of them in, and sees it arrive: else that none has would prove nothing.
    pub(crate) fn prove(&self, scene: &Scene) -> Result<()> {
        let before = self.arrived()?;
        let open = pb::Port { port_security_enabled: Some(false), ..Default::default() };
        let mask = ["port_security_enabled", "security_group_ids"];
        for guest in [&self.guests[0], &self.victims[0], &self.victims[1]] {
            scene.update_port(&guest.port.id, &mask, open.clone())?;
        }
        let arrive = || self.arrived().is_ok_and(|now| now > before + 10);
        wait_until("who is let in to arrive", READY, arrive)?;
        ensure!(self.arrived()? > before, "nobody arrives");
        Ok(())
    }
}
