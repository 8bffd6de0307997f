use proto::v1 as pb;
use topology::pipeline::Table;

use super::super::naming::timestamp;
use crate::engine::{
    DriftByTable, Hold, HostStatus, RefusedFlow, RefusedFlows, Removal, RowsByTable,
};

/// What others have changed on a host, as the API tells it.
pub(super) fn answer(status: &HostStatus) -> pb::host::Drift {
    let drift = &status.drift;
    pb::host::Drift {
        flows_healed: drift.flows_healed(),
        foreign_flows: status.foreign_flows,
        healed: tables(&drift.healed),
        standing: tables(&drift.standing),
        settings_healed: drift.settings_healed,
        last_found_time: drift.last_found.map(timestamp),
        rows_healed: rows(&drift.rows_healed),
        rows_standing: rows(&drift.rows_standing),
    }
}

fn rows(rows: &RowsByTable) -> Vec<pb::host::drift::Rows> {
    let of_table = |(table, &rows): (&ovsdb::replica::Table, &u64)| pb::host::drift::Rows {
        table: table.name().to_owned(),
        rows,
    };
    rows.iter().map(of_table).collect()
}

fn tables(drift: &DriftByTable) -> Vec<pb::host::drift::Table> {
    let table = |(&number, drift): (&u8, &crate::engine::TableDrift)| pb::host::drift::Table {
        table_id: number.into(),
        table_name: table_name(number),
        missing: drift.missing,
        altered: drift.altered,
        extra: drift.extra,
    };
    drift.iter().map(table).collect()
}

/// The flows that a host's switch does not take, as the API tells them.
pub(super) fn refused(refused: &RefusedFlows) -> Vec<pb::host::RefusedFlow> {
    let flow = |flow: &RefusedFlow| pb::host::RefusedFlow {
        cookie: flow.cookie.0,
        table_id: flow.table.into(),
        table_name: table_name(flow.table),
        reason: flow.reason.clone(),
    };
    refused.listed.iter().map(flow).collect()
}

/// What is held on a host, as the API tells it.
pub(super) fn hold(hold: Hold) -> pb::host::Hold {
    let Removal { flows, of } = hold.removal;
    pb::host::Hold { flows, of_flows: of, since_time: Some(timestamp(hold.since)) }
}

fn table_name(number: u8) -> String {
    Table::from_number(number).map(|table| table.name().to_owned()).unwrap_or_default()
}
