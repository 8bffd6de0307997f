//! Whether it serves, and what.

use prost::Message as _;
use prost_types::FileDescriptorProto;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

use super::*;

#[test]
fn health_and_reflection_answer() {
    let world = World::new(&[]);
    for service in ["", "weft.v1.PortService"] {
        let request = HealthCheckRequest { service: service.to_owned() };
        let health =
            world.api.call(async |channel| HealthClient::new(channel).check(request).await);
        assert_eq!(health.unwrap().status(), ServingStatus::Serving, "{service:?}");
    }
    let Some(MessageResponse::ListServicesResponse(list)) =
        reflect(&world.api, MessageRequest::ListServices(String::new()))
    else {
        panic!("no list of services");
    };
    let mut services: Vec<_> = list.service.into_iter().map(|service| service.name).collect();
    services.retain(|name| name.starts_with("weft."));
    services.sort();
    let kinds = "AddressGroup Change Flow Host Network Port Project SecurityGroup Subnet";
    let expected = kinds.split(' ').map(|kind| format!("weft.v1.{kind}Service"));
    assert_eq!(services, expected.collect::<Vec<_>>());

    let symbol = MessageRequest::FileContainingSymbol("weft.v1.Port".to_owned());
    let Some(MessageResponse::FileDescriptorResponse(files)) = reflect(&world.api, symbol) else {
        panic!("no descriptor");
    };
    let files = files.file_descriptor_proto.iter();
    let files: Vec<_> = files.map(|file| FileDescriptorProto::decode(&file[..]).unwrap()).collect();
    let port = files.iter().flat_map(|file| &file.message_type).find(|it| it.name() == "Port");
    assert!(port.unwrap().field.iter().any(|field| field.name() == "mac_address"));
}

/// Asks the reflection service one question.
fn reflect(api: &Api, question: MessageRequest) -> Option<MessageResponse> {
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(question) };
    let answers = api.call(async |channel| {
        let mut client = ServerReflectionClient::new(channel);
        client.server_reflection_info(tokio_stream::once(request)).await
    });
    let mut answers = answers.unwrap();
    let answer: Result<Option<ServerReflectionResponse>, Status> = api.block_on(answers.message());
    answer.unwrap()?.message_response
}
