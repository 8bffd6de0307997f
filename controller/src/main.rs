//! `weftd`, the daemon.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use controller::config::{Arguments, Config, LogFormat};
use controller::engine::Engine;
use controller::limits::{
    Allowance, Breaches, Gate, GateLimits, MAX_CLIENTS, MAX_CLIENTS_PER_ADDRESS,
    MAX_HOST_CONNECTIONS, MAX_SCRAPES, Protocol, REGISTRATIONS_PER_HOUR,
};
use controller::{api, host, metrics, switch};
use mimalloc::MiMalloc;
use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};
use tracing_subscriber::EnvFilter;

/// Files that are open beside connections: the store, listeners, the log.
const OTHER_FILES: u64 = 64;

/// Most of what is in memory are small pieces of flows. The system's allocator has a header in front
/// of each, and keeps what many threads have freed.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("weftd: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start() -> anyhow::Result<()> {
    let config = Arguments::parse().into_config()?;
    start_log(&config)?;
    raise_file_limit();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?
        .block_on(run(config))
}

async fn run(config: Config) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;

    // Everything that can be refused is tried before anything is served.
    let openflow = bind("OpenFlow", &config.openflow_listen)?;
    let ovsdb = bind("OVSDB", &config.ovsdb_listen)?;
    let mut grpc = Vec::with_capacity(config.grpc_listen.len());
    for address in &config.grpc_listen {
        let listener = api::listen(address).await?;
        info!(address = %listener, "listening for gRPC");
        grpc.push(listener);
    }
    let scrapes = bind("metrics", &[config.metrics_listen])?;
    let Config { data_dir, settings, conntrack_zones, retention, removal_limit, .. } = &config;
    let (engine, ended) =
        Engine::start(data_dir, settings.clone(), *conntrack_zones, *retention, *removal_limit)?;

    let onboarding = host::Onboarding {
        openflow_port: openflow.first().context("no OpenFlow listener")?.local_addr()?.port(),
        advertise: config.advertise,
        zone_limit: host::onboard::ZoneLimit {
            zones: *conntrack_zones,
            limit: config.connections_per_port,
        },
        drift: config.policy.drift,
    };
    let breaches = Breaches::default();
    let gate = |protocol, total, per_address| {
        Gate::new(protocol, GateLimits { total, per_address }, breaches.clone())
    };
    let per_address = config.connections_per_address;
    let switch_gate = gate(Protocol::OpenFlow, MAX_HOST_CONNECTIONS, per_address);
    let host_gate = gate(Protocol::Ovsdb, MAX_HOST_CONNECTIONS, per_address);
    let client_gate = gate(Protocol::Grpc, MAX_CLIENTS, MAX_CLIENTS_PER_ADDRESS);
    let scrape_gate = gate(Protocol::Metrics, MAX_SCRAPES, MAX_SCRAPES);
    let gates = [&switch_gate, &host_gate, &client_gate, &scrape_gate].map(Gate::clone).into();

    let stopping = CancellationToken::new();
    let per_second = f64::from(REGISTRATIONS_PER_HOUR) / 3600.0;
    let registrations = Allowance::new(config.registrations_per_address.into(), per_second);
    let hosts = host::Hosts { engine: engine.clone(), onboarding, gate: host_gate, registrations };
    let hosts = tokio::spawn(host::serve(hosts, ovsdb));
    let switches =
        switch::Switches::new(engine.clone(), config.rule_log_rate, config.policy, switch_gate);
    let switches = tokio::spawn(switch::serve(switches, openflow));
    let metrics = metrics::Sources { engine: engine.clone(), gates, breaches };
    let metrics = tokio::spawn(metrics::serve(metrics, scrape_gate, scrapes));
    let mut api = tokio::spawn(api::serve(engine, grpc, client_gate, stopping.clone()));
    info!("ready");

    let outcome = tokio::select! {
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
        end = ended => Err(match end {
            Ok(Err(error)) => anyhow::Error::new(error).context("the store failed"),
            Ok(Ok(())) | Err(_) => anyhow::anyhow!("the engine stopped"),
        }),
        end = &mut api => end.context("the API stopped")?.context("the API stopped"),
    };
    info!("stopping");
    // Switches keep their flows; nobody is told anything but that the connection ends.
    hosts.abort();
    switches.abort();
    metrics.abort();
    if outcome.is_ok() {
        stopping.cancel();
        api.await.context("the API did not stop")??;
    }
    outcome
}

/// Lets this process have as many files open as all of its connections need, as far as it may.
fn raise_file_limit() {
    let needed = (2 * MAX_HOST_CONNECTIONS + MAX_CLIENTS + MAX_SCRAPES) as u64 + OTHER_FILES;
    let mut limit = getrlimit(Resource::Nofile);
    let may = |bound: Option<u64>| bound.is_none_or(|bound| bound >= needed);
    if may(limit.current) {
        return;
    }
    limit.current = if may(limit.maximum) { Some(needed) } else { limit.maximum };
    let raised = setrlimit(Resource::Nofile, limit);
    if raised.is_err() || !may(limit.current) {
        let files = getrlimit(Resource::Nofile).current;
        warn!(files, needed, "too few files may be open for all connections (ulimit -Hn)");
    }
}

/// Listens as [`TcpListener::bind`] does, for more connections at a time: a fleet that comes back at
/// once would overflow the usual queue, and a host whose connection is lost there takes it for made.
fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(MAX_HOST_CONNECTIONS as u32)
}

fn bind(what: &str, addresses: &[SocketAddr]) -> anyhow::Result<Vec<TcpListener>> {
    let mut listeners = Vec::with_capacity(addresses.len());
    for address in addresses {
        let listener =
            listen(*address).with_context(|| format!("cannot listen for {what} on {address}"))?;
        info!(address = %listener.local_addr()?, "listening for {what}");
        listeners.push(listener);
    }
    Ok(listeners)
}

fn start_log(config: &Config) -> anyhow::Result<()> {
    let filter = EnvFilter::builder()
        .parse(&config.log)
        .with_context(|| format!("{:?} is no log filter", config.log))?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.log_format {
        LogFormat::Text => {
            log.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).init()
        }
        LogFormat::Json => log.json().init(),
    }
    Ok(())
}
