//! How many connections each port may have: a limit for its conntrack zone, where Open vSwitch has
//! such limits in its database (`CT_Zone.limit`, since 3.3).

use std::collections::BTreeSet;
use std::num::NonZeroU32;

use ovsdb::replica::{Bridge, CtZone, Table};
use ovsdb::transact::{Condition, Insert, Mutate, Update};
use ovsdb::value::{Datum, UuidName};
use topology::zone::Zones;
use uuid::Uuid;

use super::super::names::{self, IFACE_ID, is_own, owner};
use super::Step;

/// What every port's conntrack zone is given.
#[derive(Clone, Copy, Debug)]
pub struct ZoneLimit {
    /// Which zone a port has.
    pub zones: Zones,
    /// Most connections in a zone; `None` for no limit.
    pub limit: Option<NonZeroU32>,
}

impl Step<'_> {
    /// Gives the zones of plugged ports their limit, and takes away that of zones whose port has
    /// gone. A zone that somebody else has made settings for stays as it is.
    pub(super) fn zone_limits(&mut self, root_id: Uuid, bridge: &Bridge) {
        if !self.replica.has_column(Table::CtZone, "limit") {
            return;
        }
        let ZoneLimit { zones, limit } = self.target.zone_limit;
        let wanted = limit.map(|limit| (i64::from(limit.get()), self.zones_of(bridge, zones)));
        let (limit, wanted) = wanted.unwrap_or_default();
        let kind = match &*bridge.datapath_type {
            "" => "system",
            kind => kind,
        };
        let datapath = self.root.datapaths.get(kind).copied();
        let known = datapath.and_then(|id| self.replica.datapaths.get(id));
        let known = known.map(|datapath| datapath.ct_zones.clone()).unwrap_or_default();

        let row = |row: &Uuid| self.replica.ct_zones.get(*row);
        let own = |id: &Uuid| row(id).is_some_and(|row| is_own(&row.external_ids));
        let stale: Vec<i64> = known
            .iter()
            .filter(|(zone, row)| own(row) && !wanted.contains(zone))
            .map(|(zone, _)| *zone)
            .collect();
        let differing: Vec<Uuid> = known
            .values()
            .filter(|id| own(id) && row(id).is_some_and(|row: &CtZone| row.limit != Some(limit)))
            .copied()
            .collect();
        let missing: Vec<i64> =
            wanted.into_iter().filter(|zone| !known.contains_key(zone)).collect();

        for id in differing {
            self.transaction
                .push(Update::table(Table::CtZone).filter(Condition::uuid(id)).set("limit", limit));
        }
        let mut rows = Vec::with_capacity(missing.len());
        for zone in missing {
            let row = Insert::into(Table::CtZone).set("limit", limit).set("external_ids", owner());
            rows.push((zone, self.transaction.insert(row)));
        }
        self.put_zones((root_id, kind, datapath), rows, stale);
    }

    /// Gives the datapath of this type these zones, and takes those away.
    fn put_zones(
        &mut self,
        (root_id, kind, datapath): (Uuid, &str, Option<Uuid>),
        rows: Vec<(i64, UuidName)>,
        stale: Vec<i64>,
    ) {
        match datapath {
            Some(id) => {
                let change = || Mutate::table(Table::Datapath).filter(Condition::uuid(id));
                if !stale.is_empty() {
                    self.transaction.push(change().delete("ct_zones", Datum::set(stale)));
                }
                if !rows.is_empty() {
                    self.transaction.push(change().insert("ct_zones", Datum::map(rows)));
                }
            }
            None if rows.is_empty() => {}
            None => {
                let datapath = Insert::into(Table::Datapath)
                    .set("ct_zones", Datum::map(rows))
                    .set("external_ids", owner());
                let datapath = self.transaction.insert(datapath);
                let datapath = Datum::map([(kind, datapath)]);
                self.transaction.push(
                    Mutate::table(Table::OpenVSwitch)
                        .filter(Condition::uuid(root_id))
                        .insert("datapaths", datapath),
                );
            }
        }
    }

    /// The zones of the ports that are plugged in.
    fn zones_of(&self, bridge: &Bridge, zones: Zones) -> BTreeSet<i64> {
        let plugged = self
            .replica
            .interfaces_on(bridge)
            .filter(|(_, interface)| interface.external_ids.contains_key(IFACE_ID));
        let zones = plugged.filter_map(|(_, row)| zones.of(names::of_port(row)?));
        zones.map(i64::from).collect()
    }
}
