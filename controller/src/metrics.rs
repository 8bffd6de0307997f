//! Metrics for Prometheus, taken from the engine's state when they are asked for.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Router, routing};
use metrics::{counter, describe_counter, describe_gauge, gauge};
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusRecorder};
use tokio::net::TcpListener;
use tracing::warn;

use crate::engine::{Engine, HostState, View};

/// The type of the Prometheus text format.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4";

/// Serves `/metrics` until dropped.
pub async fn serve(engine: Engine, listeners: Vec<TcpListener>) {
    let router = Router::new().route("/metrics", routing::get(scrape)).with_state(engine);
    let servers = listeners.into_iter().map(|listener| {
        let router = router.clone();
        async move {
            if let Err(error) = axum::serve(listener, router).await {
                warn!(%error, "metrics are no longer served");
            }
        }
    });
    futures_util::future::join_all(servers).await;
}

async fn scrape(State(engine): State<Engine>) -> Response {
    // A recorder for every scrape: hosts that are gone leave nothing behind.
    let recorder = Arc::new(PrometheusBuilder::new().build_recorder());
    let recording = recorder.clone();
    match engine.read(move |view| record(&recording, view)).await {
        Ok(()) => {
            ([(header::CONTENT_TYPE, TEXT_FORMAT)], recorder.handle().render()).into_response()
        }
        Err(stopped) => (StatusCode::SERVICE_UNAVAILABLE, stopped.to_string()).into_response(),
    }
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
            counter!("weft_host_flow_mods_total", "host" => name).absolute(status.flow_mods_sent);
        }
    });
}
