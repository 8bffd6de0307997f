use std::net::IpAddr;
use std::time::Instant;

use openflow::message::{Message, MultipartReplyBody};

use crate::limits::{Breach, Breaches, Bucket, Protocol};

/// Messages of a switch that nobody asked for, such as packet-ins and port status, that are taken
/// in at once: more than the ports that a switch can have.
const UNASKED_BURST: f64 = 65_536.0;
/// And how many a second after that; the switch is not read for as long as it has sent more.
const UNASKED_PER_SECOND: f64 = 10_000.0;

/// Slows a switch down that sends more than it was asked for.
///
/// What is not read fills the connection, and then it is the switch that has to wait or to drop:
/// its flood costs itself, and a bounded part of one thread's time here.
#[derive(Debug)]
pub(super) struct Pace {
    bucket: Bucket,
    paused_until: Option<Instant>,
    account: Option<(Breaches, IpAddr)>,
}

impl Pace {
    pub(super) fn new(now: Instant) -> Self {
        let bucket = Bucket::new(UNASKED_BURST, UNASKED_PER_SECOND, now);
        Self { bucket, paused_until: None, account: None }
    }

    pub(super) fn account_to(&mut self, breaches: Breaches, peer: IpAddr) {
        self.account = Some((breaches, peer));
    }

    /// A message came that nobody asked for.
    pub(super) fn unasked(&mut self, now: Instant) {
        let owed = self.bucket.spend(1, now);
        if owed.is_zero() {
            return;
        }
        let was_paused = self.paused_until.replace(now + owed).is_some();
        if let Some((breaches, peer)) = self.account.as_ref().filter(|_| !was_paused) {
            let reason =
                format!("more than {UNASKED_PER_SECOND} messages a second that nobody asked for");
            let what = "switch slowed down";
            breaches.record(Protocol::OpenFlow, Breach::UnaskedRate, *peer, what, &reason);
        }
    }

    /// Whether the switch is to be read now, or else when.
    pub(super) fn may_read(&mut self, now: Instant) -> Result<(), Instant> {
        match self.paused_until {
            Some(until) if until > now => Err(until),
            _ => {
                self.paused_until = None;
                Ok(())
            }
        }
    }
}

/// True for a reply that no request asked for; what flow monitors tell has the form of replies.
pub(super) fn unasked_reply(message: &Message) -> bool {
    match message {
        Message::MultipartReply(reply) => !matches!(reply.body, MultipartReplyBody::FlowMonitor(_)),
        Message::BundleControl(control) => control.kind.is_reply(),
        Message::EchoReply(_)
        | Message::FeaturesReply(_)
        | Message::GetConfigReply(_)
        | Message::BarrierReply
        | Message::QueueGetConfigReply(_)
        | Message::RoleReply(_)
        | Message::GetAsyncReply(_) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_flood_is_read_at_the_rate_and_counted_once_for_each_pause() {
        let breaches = Breaches::default();
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        pace.account_to(breaches.clone(), IpAddr::from([192, 0, 2, 1]));
        for _ in 0..65_536 {
            pace.unasked(now);
        }
        assert_eq!(pace.may_read(now), Ok(()));
        // What one read brings is dealt with, and then paid for.
        for _ in 0..1000 {
            pace.unasked(now);
        }
        assert_eq!(pace.may_read(now), Err(now + Duration::from_millis(100)));
        now += Duration::from_millis(100);
        assert_eq!(pace.may_read(now), Ok(()));
        let counted = breaches.counts()[&(Protocol::OpenFlow, Breach::UnaskedRate)];
        assert_eq!(counted, 1);
    }

    #[test]
    fn the_limits_are_documented() {
        use crate::limits::documented::{check, check_next, number};
        let limit = "messages that nobody asked for (packet-ins, port status, …), at once";
        check("OpenFlow", &[(limit, number(UNASKED_BURST))]);
        check_next(limit, "and a second, after that", number(UNASKED_PER_SECOND));
    }
}
