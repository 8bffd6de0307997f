//! `ChangeService`.

mod apply;
mod resource;
mod wait;
mod watch;

use std::pin::Pin;

use futures_util::stream::Stream;
use proto::v1 as pb;
use proto::v1::change_service_server::ChangeService;
use tonic::{Request, Response, Status};

use super::Api;

/// The responses of a stream.
type Responses<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl ChangeService for Api {
    type WatchStream = Responses<pb::WatchResponse>;
    type WaitStream = Responses<pb::WaitResponse>;

    async fn apply(
        &self,
        request: Request<pb::ApplyRequest>,
    ) -> Result<Response<pb::ApplyResponse>, Status> {
        Ok(Response::new(apply::apply(self, request.into_inner()).await?))
    }

    async fn watch(
        &self,
        request: Request<pb::WatchRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        Ok(Response::new(watch::watch(self, request.into_inner()).await?))
    }

    async fn wait(
        &self,
        request: Request<pb::WaitRequest>,
    ) -> Result<Response<Self::WaitStream>, Status> {
        Ok(Response::new(wait::wait(self, request.into_inner()).await?))
    }
}
