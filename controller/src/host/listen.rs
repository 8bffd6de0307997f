use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use ovsdb::client::{Client, Dialer, Endpoint};
use ovsdb::session::Options;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use topology::model::HostId;
use tracing::{Instrument, info, info_span, warn};

use super::session::{EARLY_PROBES, Link, Onboarding, Session, SessionEnd, options};
use crate::accept::accept;
use crate::engine::Engine;
use crate::limits::{Allowance, Gate};

/// The hosts' OVSDB connections, in both directions.
#[derive(Clone, Debug)]
pub struct Hosts {
    /// Whom to report to.
    pub engine: Engine,
    /// What to write into their databases.
    pub onboarding: Onboarding,
    /// Who may connect.
    pub gate: Gate,
    /// How many hosts that nobody knows may register from one address.
    pub registrations: Allowance,
}

/// Serves hosts that dial in, and dials those that listen, until dropped.
pub async fn serve(hosts: Hosts, listeners: Vec<TcpListener>) {
    let mut tasks = JoinSet::new();
    for listener in listeners {
        let hosts = hosts.clone();
        let gate = hosts.gate.clone();
        let serve = move |stream, peer| serve_stream(hosts.clone(), stream, peer);
        tasks.spawn(accept(listener, gate, serve));
    }
    tasks.spawn(dial_all(hosts));
    while tasks.join_next().await.is_some() {}
}

async fn serve_stream(hosts: Hosts, stream: TcpStream, peer: IpAddr) {
    let local = match stream.local_addr() {
        Ok(local) => local.ip(),
        Err(error) => return warn!(%error, "OVSDB connection lost"),
    };
    let options = Options { early_probes: &EARLY_PROBES, ..options() };
    let (client, updates) = Client::connect(stream, options);
    let session = Session::new(&hosts, client, Link { peer, local, dialled: None });
    let end = session.run(updates, &CancellationToken::new()).await;
    tell(&hosts.gate, &end, peer);
}

/// Logs how a session has ended, and counts it when it exceeded a limit.
fn tell(gate: &Gate, end: &SessionEnd, peer: IpAddr) {
    const ENDED: &str = "OVSDB session ended";
    match end.breach() {
        Some(breach) => gate.breaches().record(gate.protocol(), breach, peer, ENDED, end),
        None => info!(reason = %end, "{ENDED}"),
    }
}

/// Keeps a connection to every host that has a target to dial.
async fn dial_all(hosts: Hosts) {
    let mut changes = hosts.engine.dial_targets();
    let mut dialling: BTreeMap<HostId, (String, CancellationToken)> = BTreeMap::new();
    let mut tasks = JoinSet::new();
    loop {
        let targets = changes.borrow_and_update().clone();
        dialling.retain(|host, (target, forgotten)| {
            let keep = targets.get(host) == Some(target);
            if !keep {
                forgotten.cancel();
            }
            keep
        });
        for (host, target) in targets {
            dialling.entry(host).or_insert_with(|| {
                let span = info_span!("connection", protocol = "ovsdb", %target);
                let forgotten = CancellationToken::new();
                let dial = dial(hosts.clone(), target.clone(), forgotten.clone());
                tasks.spawn(dial.instrument(span));
                (target, forgotten)
            });
        }
        while tasks.try_join_next().is_some() {}
        if changes.changed().await.is_err() {
            return;
        }
    }
}

async fn dial(hosts: Hosts, target: String, forgotten: CancellationToken) {
    let endpoint: Endpoint = match target.parse() {
        Ok(endpoint) => endpoint,
        Err(error) => return warn!(%error, "cannot dial the host"),
    };
    let mut dialer = Dialer::new(endpoint, options());
    while !forgotten.is_cancelled() {
        let connection = tokio::select! {
            connection = dialer.dial() => connection,
            () = forgotten.cancelled() => return,
        };
        match connection {
            Ok((client, updates)) => {
                let peer = peer_of(dialer.endpoint());
                let local = local_address(dialer.endpoint()).await;
                let link = Link { peer, local, dialled: Some(target.clone()) };
                let end = Session::new(&hosts, client, link).run(updates, &forgotten).await;
                tell(&hosts.gate, &end, peer);
            }
            Err(error) => info!(%error, "host does not answer"),
        }
    }
}

/// The address of the host that is dialled; targets have no names.
fn peer_of(endpoint: &Endpoint) -> IpAddr {
    let unspecified = IpAddr::from([0, 0, 0, 0]);
    match endpoint {
        Endpoint::Tcp { host, .. } => host.parse().unwrap_or(unspecified),
        Endpoint::Unix(_) => unspecified,
    }
}

/// The address that packets to `endpoint` leave from: the one by which its host can answer.
async fn local_address(endpoint: &Endpoint) -> IpAddr {
    let loopback = IpAddr::from([127, 0, 0, 1]);
    let Endpoint::Tcp { host, port } = endpoint else { return loopback };
    let route = async {
        let peer = tokio::net::lookup_host((host.as_str(), *port)).await?.next();
        let peer = peer.ok_or(std::io::ErrorKind::NotFound)?;
        let any: SocketAddr =
            if peer.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
        // Connecting a UDP socket sends nothing; it only asks the kernel for a route.
        let socket = UdpSocket::bind(any).await?;
        socket.connect(peer).await?;
        Ok::<_, std::io::Error>(socket.local_addr()?.ip())
    };
    route.await.unwrap_or(loopback)
}
