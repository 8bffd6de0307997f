use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use proto::v1::address_group_service_server::AddressGroupServiceServer;
use proto::v1::change_service_server::ChangeServiceServer;
use proto::v1::flow_service_server::FlowServiceServer;
use proto::v1::host_service_server::HostServiceServer;
use proto::v1::network_service_server::NetworkServiceServer;
use proto::v1::port_service_server::PortServiceServer;
use proto::v1::project_service_server::ProjectServiceServer;
use proto::v1::security_group_service_server::SecurityGroupServiceServer;
use proto::v1::subnet_service_server::SubnetServiceServer;
use thiserror::Error;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tonic::server::NamedService;
use tonic::transport::Server;
use tonic::transport::server::Router;
use tonic_health::server::HealthReporter;

use super::incoming::{connections, local_connections};
use super::{Api, Listener};
use crate::engine::Engine;
use crate::limits::Gate;

/// Largest request, in bytes. Answers are kept below by the size of pages.
const MAX_MESSAGE: usize = 4 << 20;
/// Requests of one connection that are worked on at a time; more wait.
const MAX_REQUESTS: usize = 64;
/// Bytes of a request's headers.
const MAX_HEADERS: u32 = 16 << 10;
/// Streams of one connection; further ones are refused.
const MAX_STREAMS: u32 = 256;
/// Watches of all connections; further ones are refused.
const MAX_WATCHES: usize = 1024;
/// How long a silent client is trusted to be there.
const KEEPALIVE: Duration = Duration::from_secs(30);
/// How long requests may take to end once the server is to stop.
const GRACE: Duration = Duration::from_secs(5);

/// The API ended without being asked to.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The connections could not be served.
    #[error("gRPC: {0}")]
    Transport(#[from] tonic::transport::Error),
    /// The descriptors of our own services are broken.
    #[error("gRPC reflection: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// Serves the API on all `listeners`, to whom `gate` admits, until `stopping` is cancelled; then lets the requests under
/// way end, for at most five seconds.
///
/// # Errors
///
/// When a listener fails.
pub async fn serve(
    engine: Engine,
    listeners: Vec<Listener>,
    gate: Gate,
    stopping: CancellationToken,
) -> Result<(), ServeError> {
    let watches = Arc::new(Semaphore::new(MAX_WATCHES));
    let api = Api { engine, stopping: stopping.clone(), watches };
    let (mut health, router) = router(&api).await?;
    let servers = listeners.into_iter().map(|listener| {
        let (router, gate, stopping) = (router.clone(), gate.clone(), stopping.clone());
        async move {
            let stopped = stopping.cancelled_owned();
            match listener {
                Listener::Tcp(listener) => {
                    let incoming = connections(listener, gate);
                    router.serve_with_incoming_shutdown(incoming, stopped).await
                }
                Listener::Unix(listener, _file) => {
                    let incoming = local_connections(listener, gate);
                    router.serve_with_incoming_shutdown(incoming, stopped).await
                }
            }
        }
    });
    let too_late = async {
        stopping.cancelled().await;
        not_serving(&mut health).await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        served = try_join_all(servers) => served.map(drop).map_err(ServeError::from),
        () = too_late => Ok(()),
    }
}

async fn router(api: &Api) -> Result<(HealthReporter, Router), ServeError> {
    let (reporter, health) = tonic_health::server::health_reporter();
    let descriptors = [proto::FILE_DESCRIPTOR_SET, tonic_health::pb::FILE_DESCRIPTOR_SET];
    let reflection = || {
        let builder = tonic_reflection::server::Builder::configure();
        descriptors
            .iter()
            .fold(builder, |builder, set| builder.register_encoded_file_descriptor_set(set))
    };
    let mut router = Server::builder()
        .concurrency_limit_per_connection(MAX_REQUESTS)
        .max_concurrent_streams(Some(MAX_STREAMS))
        .http2_max_header_list_size(MAX_HEADERS)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE))
        .add_service(health)
        .add_service(reflection().build_v1()?)
        // What clients older than 2023 ask for.
        .add_service(reflection().build_v1alpha()?);
    macro_rules! add {
        ($($server:ident),*) => {$(
            let service = $server::new(api.clone()).max_decoding_message_size(MAX_MESSAGE);
            reporter.set_serving::<$server<Api>>().await;
            router = router.add_service(service);
        )*};
    }
    add!(
        ProjectServiceServer,
        NetworkServiceServer,
        SubnetServiceServer,
        PortServiceServer,
        SecurityGroupServiceServer,
        AddressGroupServiceServer,
        HostServiceServer,
        ChangeServiceServer,
        FlowServiceServer
    );
    Ok((reporter, router))
}

/// Tells whoever watches the health service, and ends what they watch, which would otherwise go on
/// until the grace is over; the server as a whole is the empty name.
async fn not_serving(health: &mut HealthReporter) {
    let names = [
        "",
        ProjectServiceServer::<Api>::NAME,
        NetworkServiceServer::<Api>::NAME,
        SubnetServiceServer::<Api>::NAME,
        PortServiceServer::<Api>::NAME,
        SecurityGroupServiceServer::<Api>::NAME,
        AddressGroupServiceServer::<Api>::NAME,
        HostServiceServer::<Api>::NAME,
        ChangeServiceServer::<Api>::NAME,
        FlowServiceServer::<Api>::NAME,
    ];
    for name in names {
        health.set_service_status(name, tonic_health::ServingStatus::NotServing).await;
        health.clear_service_status(name).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::documented::{bytes, check, number, seconds};

    #[test]
    fn the_limits_are_documented() {
        let limits = [
            ("length of a request", bytes(MAX_MESSAGE)),
            ("headers of a request", bytes(MAX_HEADERS as usize)),
            ("streams of a connection", number(MAX_STREAMS)),
            ("requests of a connection that are worked on", number(MAX_REQUESTS)),
            ("watches", number(MAX_WATCHES)),
        ];
        check("gRPC", &limits);
        let limit = "silence of a gRPC client, until it has answered a ping";
        check("Connections", &[(limit, seconds(2 * KEEPALIVE))]);
    }
}
