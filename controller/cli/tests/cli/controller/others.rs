//! The services beside those of resources: flows and changes.

use proto::v1 as pb;
use tonic::{Request, Response, Status};

use super::{Controller, id, page};

#[tonic::async_trait]
impl pb::flow_service_server::FlowService for Controller {
    async fn list(
        &self,
        request: Request<pb::ListFlowsRequest>,
    ) -> Result<Response<pb::ListFlowsResponse>, Status> {
        let request = request.into_inner();
        self.note("ListFlowsRequest", &request);
        let (flows, next_page_token) = page(self.flows.iter().collect(), &request.page_token);
        Ok(Response::new(pb::ListFlowsResponse { flows, next_page_token, revision: 7 }))
    }

    async fn explain(
        &self,
        request: Request<pb::ExplainFlowRequest>,
    ) -> Result<Response<pb::ExplainFlowResponse>, Status> {
        self.note("ExplainFlowRequest", &request.into_inner());
        Ok(Response::new(pb::ExplainFlowResponse {
            kind: "host".to_owned(),
            explanation: "Drops what no port owns.".to_owned(),
            ..Default::default()
        }))
    }
}

type Responses<T> = tokio_stream::Iter<std::vec::IntoIter<Result<T, Status>>>;

#[tonic::async_trait]
impl pb::change_service_server::ChangeService for Controller {
    type WaitStream = Responses<pb::WaitResponse>;
    type WatchStream = Responses<pb::WatchResponse>;

    async fn apply(
        &self,
        request: Request<pb::ApplyRequest>,
    ) -> Result<Response<pb::ApplyResponse>, Status> {
        let request = request.into_inner();
        self.write("ApplyRequest", &request)?;
        let made = pb::Network { id: id(100), name: "blue".to_owned(), ..Default::default() };
        let made = pb::resource::Resource::Network(made);
        let plan = pb::apply_response::HostPlan {
            name: "rack-1".to_owned(),
            flows_added: 12,
            ..Default::default()
        };
        Ok(Response::new(pb::ApplyResponse {
            revision: 7,
            resources: vec![pb::Resource { resource: Some(made) }, pb::Resource::default()],
            plan: if request.validate_only { vec![plan] } else { vec![] },
        }))
    }

    async fn watch(
        &self,
        request: Request<pb::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        self.note("WatchRequest", &request.into_inner());
        let mut changes: Vec<_> = self.changes.iter().cloned().map(Ok).collect();
        changes.push(Err(Status::out_of_range("revision 7 is not kept any more")));
        Ok(Response::new(tokio_stream::iter(changes)))
    }

    async fn wait(
        &self,
        request: Request<pb::WaitRequest>,
    ) -> Result<Response<Self::WaitStream>, Status> {
        self.note("WaitRequest", &request.into_inner());
        let mut progress: Vec<_> = self.progress.iter().cloned().map(Ok).collect();
        if !self.progress.last().is_some_and(|last| last.done) {
            progress.push(Err(Status::deadline_exceeded("not all hosts have confirmed")));
        }
        Ok(Response::new(tokio_stream::iter(progress)))
    }
}
