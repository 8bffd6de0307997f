//! A controller that notes what it is asked and answers from fixed resources.

mod fixture;
mod others;
mod resources;

use std::sync::{Arc, Mutex, MutexGuard};

use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DynamicMessage};
use proto::v1 as pb;
use tokio::net::UnixListener;
use tokio_stream::wrappers::UnixListenerStream;
use tonic::Status;
use tonic::transport::Server;

/// What the controller has, and what it was asked.
#[derive(Clone)]
pub(crate) struct Controller {
    pub(crate) projects: Vec<pb::Project>,
    pub(crate) networks: Vec<pb::Network>,
    pub(crate) subnets: Vec<pb::Subnet>,
    pub(crate) ports: Vec<pb::Port>,
    pub(crate) security_groups: Vec<pb::SecurityGroup>,
    pub(crate) address_groups: Vec<pb::AddressGroup>,
    pub(crate) hosts: Vec<pb::Host>,
    pub(crate) flows: Vec<pb::Flow>,
    /// Responses of `ChangeService.Wait`, before the stream ends.
    pub(crate) progress: Vec<pb::WaitResponse>,
    /// Responses of `ChangeService.Watch`, before the stream ends.
    pub(crate) changes: Vec<pb::WatchResponse>,
    /// What every write is refused with.
    pub(crate) refusal: Option<Status>,
    /// Writes that succeed before they are refused.
    pub(crate) granted: usize,
    pub(crate) asked: Arc<Mutex<Vec<String>>>,
}

/// How a run of `weft` ended.
pub(crate) struct Run {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: Option<i32>,
    /// The requests, as `Method fields`, one to a line; only reads by name or id
    /// that resolve references are left out.
    pub(crate) asked: Vec<String>,
}

/// The UUID of object `n` of a fixture.
pub(crate) fn id(n: u32) -> String {
    format!("00000000-0000-4000-8000-{n:012}")
}

impl Controller {
    /// Runs `weft` with these arguments, to the end.
    pub(crate) async fn run(self, arguments: &[&str]) -> Run {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("weft.sock");
        let listener = UnixListener::bind(&socket).unwrap();
        let asked = self.asked.clone();
        let server = Server::builder()
            .add_service(pb::project_service_server::ProjectServiceServer::new(self.clone()))
            .add_service(pb::network_service_server::NetworkServiceServer::new(self.clone()))
            .add_service(pb::subnet_service_server::SubnetServiceServer::new(self.clone()))
            .add_service(pb::port_service_server::PortServiceServer::new(self.clone()))
            .add_service(pb::security_group_service_server::SecurityGroupServiceServer::new(
                self.clone(),
            ))
            .add_service(pb::address_group_service_server::AddressGroupServiceServer::new(
                self.clone(),
            ))
            .add_service(pb::host_service_server::HostServiceServer::new(self.clone()))
            .add_service(pb::flow_service_server::FlowServiceServer::new(self.clone()))
            .add_service(pb::change_service_server::ChangeServiceServer::new(self))
            .serve_with_incoming(UnixListenerStream::new(listener));
        let server = tokio::spawn(server);
        let output = weft()
            .args(["--server", &format!("unix:{}", socket.display())])
            .args(arguments)
            .output()
            .await
            .unwrap();
        server.abort();
        Run {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code(),
            asked: std::mem::take(&mut *asked.lock().unwrap()),
        }
    }

    fn log(&self) -> MutexGuard<'_, Vec<String>> {
        self.asked.lock().unwrap()
    }

    /// Notes a request; a write may be refused.
    fn note<M: Message + Name>(&self, method: &str, request: &M) {
        let text = text(request);
        self.log().push(if text.is_empty() {
            method.to_owned()
        } else {
            format!("{method} {text}")
        });
    }

    fn write<M: Message + Name>(&self, method: &str, request: &M) -> Result<(), Status> {
        self.note(method, request);
        let writes = self.log().iter().filter(|line| !line.starts_with("List")).count();
        match &self.refusal {
            Some(refusal) if writes > self.granted => Err(refusal.clone()),
            _ => Ok(()),
        }
    }
}

/// The program, with nothing of the caller's settings.
pub(crate) fn weft() -> tokio::process::Command {
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_weft"));
    command.env_remove("WEFT_SERVER").env_remove("WEFT_PROJECT");
    command
}

/// The fields that are set, in protobuf's text format. Entries of maps come in any
/// order: no request here has two.
fn text<M: Message + Name>(message: &M) -> String {
    let pool = DescriptorPool::decode(proto::FILE_DESCRIPTOR_SET).unwrap();
    let mut dynamic = DynamicMessage::new(pool.get_message_by_name(&M::full_name()).unwrap());
    dynamic.transcode_from(message).unwrap();
    dynamic.to_string()
}

/// Two at a time, so that every listing of three or more has pages.
fn page<T: Clone>(matching: Vec<&T>, token: &str) -> (Vec<T>, String) {
    let start: usize = token.parse().unwrap_or(0);
    let page = matching.iter().skip(start).take(2).map(|&resource| resource.clone()).collect();
    let next = if start + 2 < matching.len() { (start + 2).to_string() } else { String::new() };
    (page, next)
}
