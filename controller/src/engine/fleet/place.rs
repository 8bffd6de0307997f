//! Which host a switch is of: by its datapath id, and by where it comes from.

use std::net::IpAddr;

use tokio::sync::watch;
use topology::compile::Compiler;
use topology::intent::parse_ovsdb_target;
use topology::model::{Host, HostId, Timestamp};

use super::super::dispute::Dispute;
use super::super::feed::SessionId;
use super::super::handle::Attachment;
use super::super::refused::RefusedFlows;
use super::{Fleet, Record, Waiting};

/// How sure it is that an address is a host's.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Belonging {
    /// The host, or an operator, says so.
    Said,
    /// The host's OVSDB connection came from there when there was one.
    Remembered,
    /// The host's OVSDB connection comes from there.
    Seen,
}

impl Fleet {
    /// Gives the switches that wait with this datapath id their place, if their host is known, its
    /// database has been read, and they come from an address of that host.
    pub(in crate::engine) fn place(
        &mut self,
        datapath_id: u64,
        compiler: &Compiler,
        revision: u64,
        now: Timestamp,
    ) {
        self.unseat(datapath_id, compiler);
        for switch in self.waiting.remove(&datapath_id).unwrap_or_default() {
            match self.host_of(datapath_id, switch.peer, compiler) {
                Ok(host) => self.seat(host, datapath_id, switch, revision, now),
                Err(dispute) => {
                    switch.tell(dispute);
                    self.waiting.entry(datapath_id).or_default().push(switch);
                }
            }
        }
    }

    /// Switches that have this datapath id and come from elsewhere than its host.
    pub(in crate::engine) fn disputing(
        &self,
        datapath_id: u64,
    ) -> impl Iterator<Item = Dispute> + '_ {
        let waiting = self.waiting.get(&datapath_id).into_iter().flatten();
        let waiting = waiting.filter(|switch| switch.is_there());
        waiting.filter_map(|switch| switch.disputed.borrow().clone())
    }

    /// What the host says of its tunnel address, when that is another's.
    pub(in crate::engine) fn tunnel_dispute(&self, host: HostId) -> Option<&Dispute> {
        let ovsdb = self.records.get(&host)?.ovsdb.as_ref()?;
        ovsdb.tunnel_ip.as_ref().filter(|_| ovsdb.is_connected)
    }

    /// Switches that wait for their place.
    pub(in crate::engine) fn waiting(&self) -> usize {
        self.waiting.values().flatten().filter(|switch| switch.is_there()).count()
    }

    /// The host of a switch at `peer`; else who disputes that, if anybody has its datapath id.
    fn host_of(
        &self,
        datapath_id: u64,
        peer: IpAddr,
        compiler: &Compiler,
    ) -> Result<HostId, Option<Dispute>> {
        let hosts = compiler.model().hosts().values();
        let hosts = hosts.filter(|host| host.datapath_id == Some(datapath_id));
        let hosts: Vec<_> = hosts.filter(|host| compiler.facts(host.id).is_some()).collect();
        let belongings =
            hosts.iter().filter_map(|host| Some((self.belonging(host, peer)?, host.id)));
        let best = belongings.clone().map(|(belonging, _)| belonging).max();
        let mut best = belongings.filter(|(belonging, _)| Some(*belonging) == best);
        match (best.next(), best.next(), hosts.first()) {
            (Some((_, host)), None, _) => Ok(host),
            // Of several that are as likely, none has it.
            (_, _, Some(host)) => Err(Some(self.dispute(host, peer))),
            (_, _, None) => Err(None),
        }
    }

    /// Whether `peer` is an address of the host; nobody has one from where another is seen by
    /// saying so.
    fn belonging(&self, host: &Host, peer: IpAddr) -> Option<Belonging> {
        let ovsdb = self.records.get(&host.id).and_then(|record| record.ovsdb.as_ref());
        if let Some(ovsdb) = ovsdb.filter(|ovsdb| ovsdb.peer == peer) {
            let seen = ovsdb.is_connected;
            return Some(if seen { Belonging::Seen } else { Belonging::Remembered });
        }
        let says = ovsdb.is_some_and(|ovsdb| ovsdb.management_ips.contains(&peer));
        let said = says || host.tunnel_ip == Some(peer) || target_ip(host) == Some(peer);
        let mut others = self.records.values().filter_map(|record| record.ovsdb.as_ref());
        let is_anothers = said && others.any(|other| other.is_connected && other.peer == peer);
        (said && !is_anothers).then_some(Belonging::Said)
    }

    fn dispute(&self, host: &Host, rival: IpAddr) -> Dispute {
        let ovsdb = self.records.get(&host.id).and_then(|record| record.ovsdb.as_ref());
        let seen = ovsdb.map(|ovsdb| ovsdb.peer);
        let said = ovsdb.into_iter().flat_map(|ovsdb| ovsdb.management_ips.iter().copied());
        let mut addresses: Vec<_> =
            seen.into_iter().chain(said).chain(host.tunnel_ip).chain(target_ip(host)).collect();
        addresses.sort_unstable();
        addresses.dedup();
        let addresses: Vec<_> = addresses.iter().map(IpAddr::to_string).collect();
        let host = host.meta.name.clone();
        Dispute::DatapathId { rival, host, addresses: addresses.join(", ") }
    }

    /// Hangs up on a switch that would be given to another host by now: one that was deleted and
    /// added again, or has another system-id, is another one; its switch knows nothing of it.
    fn unseat(&mut self, datapath_id: u64, compiler: &Compiler) {
        let seated = self.records.iter().filter_map(|(&host, record)| {
            let (seated, peer) = record.switch?;
            (seated == datapath_id).then_some((host, peer))
        });
        let wrong = seated.filter(|&(host, peer)| {
            self.host_of(datapath_id, peer, compiler).is_ok_and(|other| other != host)
        });
        for (host, _) in wrong.collect::<Vec<_>>() {
            if let Some(record) = self.records.get_mut(&host) {
                record.hang_up();
            }
        }
    }

    fn seat(
        &mut self,
        host: HostId,
        datapath_id: u64,
        switch: Waiting,
        revision: u64,
        now: Timestamp,
    ) {
        self.sessions += 1;
        let session = SessionId(self.sessions);
        let (wake, woken) = watch::channel(0);
        let record: &mut Record = self.heard(host, now);
        record.feed.attach(session);
        record.requests = Some(switch.requests);
        record.connected = Some(now);
        record.refused = RefusedFlows::default();
        record.switch = Some((datapath_id, switch.peer));
        record.wake = Some(wake);
        let place = Attachment { host, session, wake: woken };
        if switch.reply.send(place).is_err() {
            self.detach(host, session, revision);
        }
    }
}

impl Waiting {
    fn is_there(&self) -> bool {
        !self.reply.is_closed()
    }

    fn tell(&self, dispute: Option<Dispute>) {
        self.disputed.send_if_modified(|told| {
            let is_news = *told != dispute;
            *told = dispute;
            is_news
        });
    }
}

/// The address that an operator has named as the host's.
pub(in crate::engine) fn target_ip(host: &Host) -> Option<IpAddr> {
    let target = host.ovsdb_target.as_deref()?;
    Some(parse_ovsdb_target(target).ok()?.ip().to_canonical())
}

#[cfg(test)]
mod tests;
