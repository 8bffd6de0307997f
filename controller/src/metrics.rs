//! Metrics for Prometheus, taken from the engine's state when they are asked for.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::serve::Listener;
use axum::{Router, routing};
use metrics::{counter, describe_counter, describe_gauge, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};
use tokio::net::{TcpListener, TcpStream};
use topology::pipeline::Table;
use tracing::warn;

use crate::accept::admitted;
use crate::engine::{Drift, Engine, HostState, TableDrift, View};
use crate::limits::{Breaches, Gate, Guarded};

/// The type of the Prometheus text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4";

/// What is told.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The state of the network.
    pub engine: Engine,
    /// How many connections there are, by protocol.
    pub gates: Vec<Gate>,
    /// What peers have done that they must not.
    pub breaches: Breaches,
}

/// Serves `/metrics` to whom `gate` admits, until dropped.
pub async fn serve(sources: Sources, gate: Gate, listeners: Vec<TcpListener>) {
    let router = Router::new().route("/metrics", routing::get(scrape)).with_state(sources);
    let servers = listeners.into_iter().map(|listener| {
        let (router, gate) = (router.clone(), gate.clone());
        async move {
            let listener = Gated { listener, gate };
            if let Err(error) = axum::serve(listener, router).await {
                warn!(%error, "metrics are no longer served");
            }
        }
    });
    futures_util::future::join_all(servers).await;
}

/// A listener that takes only the connections that its gate admits.
struct Gated {
    listener: TcpListener,
    gate: Gate,
}

impl Listener for Gated {
    type Io = Guarded<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Guarded<TcpStream>, SocketAddr) {
        let (stream, peer, place) = admitted(&self.listener, &self.gate).await;
        (Guarded::new(stream, place), peer)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

async fn scrape(State(sources): State<Sources>) -> Response {
    // A recorder for every scrape: hosts that are gone leave nothing behind.
    let recorder = Arc::new(PrometheusBuilder::new().build_recorder());
    let recording = recorder.clone();
    let Sources { engine, gates, breaches } = sources;
    match engine.read(move |view| record(&recording, view)).await {
        Ok(()) => {
            record_peers(&recorder, &gates, &breaches);
            ([(header::CONTENT_TYPE, TEXT_FORMAT)], recorder.handle().render()).into_response()
        }
        Err(stopped) => (StatusCode::SERVICE_UNAVAILABLE, stopped.to_string()).into_response(),
    }
}

fn record_peers(recorder: &PrometheusRecorder, gates: &[Gate], breaches: &Breaches) {
    metrics::with_local_recorder(recorder, || {
        describe_gauge!("weft_connections", "Connections that are served, by protocol");
        for gate in gates {
            let protocol = gate.protocol().name();
            gauge!("weft_connections", "protocol" => protocol).set(gate.taken() as f64);
        }
        describe_counter!("weft_breaches_total", "Limits that peers met and rules they broke");
        for ((protocol, breach), count) in breaches.counts() {
            let labels = [("protocol", protocol.name()), ("kind", breach.name())];
            counter!("weft_breaches_total", &labels).absolute(count);
        }
    });
}

fn record(recorder: &PrometheusRecorder, view: &View<'_>) {
    metrics::with_local_recorder(recorder, || {
        describe_gauge!("weft_store_revision", "Revision of the last commit");
        gauge!("weft_store_revision").set(view.revision as f64);
        describe_gauge!("weft_resources", "Resources in the store, by kind");
        let model = view.model;
        let counts = [
            ("project", model.projects().len()),
            ("network", model.networks().len()),
            ("subnet", model.subnets().len()),
            ("port", model.ports().len()),
            ("host", model.hosts().len()),
        ];
        for (kind, count) in counts {
            gauge!("weft_resources", "kind" => kind).set(count as f64);
        }
        describe_gauge!(
            "weft_parked_connections",
            "Connections that are listened to and given nothing, by protocol"
        );
        let parked = [("openflow", view.waiting_switches()), ("ovsdb", view.parked())];
        for (protocol, count) in parked {
            gauge!("weft_parked_connections", "protocol" => protocol).set(count as f64);
        }
        describe_gauge!("weft_host_state", "0 offline, 1 synchronising, 2 ready");
        describe_gauge!("weft_host_realized_revision", "Revision that the host has confirmed");
        describe_gauge!("weft_host_flows", "Flows that the host should have");
        describe_gauge!("weft_host_foreign_flows", "Flows found on the host that are not Weft's");
        describe_counter!("weft_host_flow_mods_total", "Flow-mods sent to the host");
        for host in model.hosts().values() {
            let status = view.host_status(host.id);
            let name = host.meta.name.clone();
            let state = match status.state {
                HostState::Offline => 0.0,
                HostState::Syncing => 1.0,
                HostState::Ready => 2.0,
            };
            gauge!("weft_host_state", "host" => name.clone()).set(state);
            gauge!("weft_host_realized_revision", "host" => name.clone())
                .set(status.realized_revision as f64);
            gauge!("weft_host_flows", "host" => name.clone()).set(status.flows as f64);
            gauge!("weft_host_foreign_flows", "host" => name.clone())
                .set(status.foreign_flows as f64);
            counter!("weft_host_flow_mods_total", "host" => name.clone())
                .absolute(status.flow_mods_sent);
            describe_gauge!(
                "weft_host_refused_flows",
                "Flows that the host's switch does not take"
            );
            gauge!("weft_host_refused_flows", "host" => name.clone())
                .set(status.refused.count as f64);
            describe_gauge!("weft_host_held_flows", "Flows that stay until they are released");
            let held = status.hold.map_or(0, |hold| hold.removal.flows);
            gauge!("weft_host_held_flows", "host" => name.clone()).set(held as f64);
            record_drift(&name, &status.drift);
        }
    });
}

fn record_drift(host: &str, drift: &Drift) {
    describe_counter!("weft_host_flows_healed_total", "Flows that others had changed, put right");
    describe_gauge!("weft_host_flows_differing", "Flows that others have changed, left so");
    let of_table = |table: u8, kind: &'static str| {
        let name =
            Table::from_number(table).map_or_else(|| table.to_string(), |it| it.name().into());
        [("host", host.to_owned()), ("table", name), ("kind", kind.to_owned())]
    };
    let kinds =
        |it: TableDrift| [("missing", it.missing), ("altered", it.altered), ("extra", it.extra)];
    for (&table, &drift) in &drift.healed {
        for (kind, count) in kinds(drift) {
            counter!("weft_host_flows_healed_total", &of_table(table, kind)).absolute(count);
        }
    }
    for (&table, &drift) in &drift.standing {
        for (kind, count) in kinds(drift) {
            gauge!("weft_host_flows_differing", &of_table(table, kind)).set(count as f64);
        }
    }
    describe_counter!(
        "weft_host_rows_healed_total",
        "Rows of Weft's in the host's database that others had changed, put right"
    );
    describe_gauge!(
        "weft_host_rows_differing",
        "Rows of Weft's in the host's database that others have changed, left so"
    );
    let of_rows =
        |table: ovsdb::replica::Table| [("host", host.to_owned()), ("table", table.name().into())];
    for (&table, &rows) in &drift.rows_healed {
        counter!("weft_host_rows_healed_total", &of_rows(table)).absolute(rows);
    }
    for (&table, &rows) in &drift.rows_standing {
        gauge!("weft_host_rows_differing", &of_rows(table)).set(rows as f64);
    }
    describe_counter!(
        "weft_host_settings_healed_total",
        "Meters, ports and ways with fragments that others had changed, put right"
    );
    counter!("weft_host_settings_healed_total", "host" => host.to_owned())
        .absolute(drift.settings_healed);
}
