//! What is beside the services of `weft.v1`: sockets, health, reflection.

use std::os::unix::fs::PermissionsExt as _;

use tokio_stream::StreamExt as _;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

use super::*;

#[tokio::test]
async fn a_unix_socket_is_its_owners_only_and_goes_with_the_server() {
    let api = Api::start().await;
    let socket = api.socket();
    let mode = std::fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let taken = listen(&GrpcAddress::Unix(socket.clone())).await.unwrap_err();
    assert!(taken.to_string().starts_with("cannot listen for gRPC on unix:/"), "{taken}");
    assert_eq!(taken.error.kind(), std::io::ErrorKind::AddrInUse);
    api.stopping.cancel();
    drop(api.channel);
    assert!(api.serving.await.unwrap().is_ok());
    assert!(!socket.exists());
}

#[tokio::test]
async fn a_stale_socket_is_replaced_and_a_file_is_not() {
    let directory = TempDir::new().unwrap();
    let socket = directory.path().join("grpc");
    // Its listener is gone, as after a crash; the file is still there.
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    assert!(socket.exists());
    let address = GrpcAddress::Unix(socket.clone());
    let listener = listen(&address).await.unwrap();
    assert!(std::os::unix::net::UnixStream::connect(&socket).is_ok());
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    drop(listener);
    assert!(!socket.exists());

    std::fs::write(&socket, "not a socket").unwrap();
    assert!(listen(&address).await.unwrap_err().to_string().ends_with("is no socket"));
    assert!(socket.exists());
}

#[tokio::test]
async fn several_addresses_serve_the_same() {
    let api = Api::start().await;
    let listener = listen(&GrpcAddress::Tcp(([127, 0, 0, 1], 0).into())).await.unwrap();
    let uri = format!("http://{listener}");
    let more = serve(api.engine.clone(), vec![listener], gate(), api.stopping.clone());
    let more = tokio::spawn(more);
    let channel = Endpoint::from_shared(uri).unwrap().connect().await.unwrap();
    let project = api.project("seen by both").await;
    let get = pb::GetProjectRequest { id: project.id.clone() };
    let seen = ProjectServiceClient::new(channel).get_project(get).await.unwrap().into_inner();
    assert_eq!(seen, project);
    api.stopping.cancel();
    assert!(more.await.unwrap().is_ok());
}

#[tokio::test]
async fn the_health_service_says_when_the_server_goes() {
    let api = Api::start().await;
    let mut health = HealthClient::new(api.channel.clone());
    for service in ["", "weft.v1.PortService", "weft.v1.ChangeService"] {
        let request = HealthCheckRequest { service: service.into() };
        let status = health.check(request).await.unwrap().into_inner().status();
        assert_eq!(status, ServingStatus::Serving, "{service:?}");
    }
    let request = HealthCheckRequest { service: "weft.v1.PortService".into() };
    let mut watch = health.watch(request).await.unwrap().into_inner();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    api.stopping.cancel();
    assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
}

#[tokio::test]
async fn reflection_names_the_services_and_has_their_descriptors() {
    let api = Api::start().await;
    let ask = async |message_request| {
        let request =
            ServerReflectionRequest { host: String::new(), message_request: Some(message_request) };
        let requests = tokio_stream::once(request);
        let mut client = ServerReflectionClient::new(api.channel.clone());
        let mut answers = client.server_reflection_info(requests).await.unwrap().into_inner();
        answers.next().await.unwrap().unwrap().message_response.unwrap()
    };
    let services = ask(MessageRequest::ListServices(String::new())).await;
    let MessageResponse::ListServicesResponse(services) = services else { panic!("{services:?}") };
    let mut names: Vec<_> = services.service.into_iter().map(|service| service.name).collect();
    names.retain(|name| name.starts_with("weft.v1."));
    names.sort();
    assert_eq!(
        names,
        [
            "weft.v1.AddressGroupService",
            "weft.v1.ChangeService",
            "weft.v1.FlowService",
            "weft.v1.HostService",
            "weft.v1.NetworkService",
            "weft.v1.PortService",
            "weft.v1.ProjectService",
            "weft.v1.SecurityGroupService",
            "weft.v1.SubnetService",
        ]
    );
    let file = ask(MessageRequest::FileContainingSymbol("weft.v1.Port".into())).await;
    assert!(matches!(file, MessageResponse::FileDescriptorResponse(_)), "{file:?}");
}
