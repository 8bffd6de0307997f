//! `weftd`, the daemon.

use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use controller::config::{Arguments, Config, LogFormat};
use controller::engine::Engine;
use controller::{api, host, metrics, switch};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::info;
use tracing_subscriber::EnvFilter;

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
    let openflow = bind("OpenFlow", &config.openflow_listen).await?;
    let ovsdb = bind("OVSDB", &config.ovsdb_listen).await?;
    let mut grpc = Vec::with_capacity(config.grpc_listen.len());
    for address in &config.grpc_listen {
        let listener = api::listen(address).await?;
        info!(address = %listener, "listening for gRPC");
        grpc.push(listener);
    }
    let scrapes = bind("metrics", &[config.metrics_listen]).await?;
    let (engine, ended) = Engine::start(&config.data_dir, config.settings)?;

    let onboarding = host::Onboarding {
        openflow_port: openflow.first().context("no OpenFlow listener")?.local_addr()?.port(),
        advertise: config.advertise,
    };
    let stopping = CancellationToken::new();
    let hosts = host::Hosts { engine: engine.clone(), onboarding };
    let hosts = tokio::spawn(host::serve(hosts, ovsdb));
    let switches = switch::Switches { engine: engine.clone(), log_rate: config.rule_log_rate };
    let switches = tokio::spawn(switch::serve(switches, openflow));
    let metrics = tokio::spawn(metrics::serve(engine.clone(), scrapes));
    let mut api = tokio::spawn(api::serve(engine, grpc, stopping.clone()));
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

async fn bind(what: &str, addresses: &[SocketAddr]) -> anyhow::Result<Vec<TcpListener>> {
    let mut listeners = Vec::with_capacity(addresses.len());
    for address in addresses {
        let listener = TcpListener::bind(address)
            .await
            .with_context(|| format!("cannot listen for {what} on {address}"))?;
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
