//! `FlowService`.

mod ask;
mod row;

use proto::v1 as pb;
use proto::v1::flow_service_server::FlowService;
use proto::v1::list_flows_request::Source;
use tonic::{Request, Response, Status};
use topology::cookie::Cookie;
use topology::explain::explain;
use topology::model::{Model, ResourceId};

use super::fields::Fields;
use super::page::{FLOWS, Page};
use super::{Api, status};
use crate::engine::Which;
use ask::{Filter, Question};
use row::Row;

#[tonic::async_trait]
impl FlowService for Api {
    async fn list(
        &self,
        request: Request<pb::ListFlowsRequest>,
    ) -> Result<Response<pb::ListFlowsResponse>, Status> {
        let request = request.into_inner();
        let mut fields = Fields::of("");
        let source = Source::try_from(request.source).unwrap_or_else(|_| {
            fields.wrong("source", format_args!("{} is no source", request.source));
            Source::Unspecified
        });
        if request.host.is_empty() {
            fields.wrong("host", "is required");
        }
        let owner = fields.optional_uuid("owner", &request.owner);
        let hashed = (&request.host, &request.table, owner, source as i32);
        let page = Page::new(FLOWS, request.page_size, &request.page_token, hashed, &mut fields);
        fields.finish()?;

        let (host, table) = (request.host, request.table);
        let found = self.engine.read(move |view| Filter::find(view.model, &host, &table, owner));
        let filter = found.await.map_err(status::stopped)??;
        let (rows, revision) = match source {
            Source::Unspecified | Source::Desired => self.desired(&filter).await?,
            Source::Installed => self.installed(&filter).await?,
            Source::Foreign => {
                let (mut rows, revision) = self.installed(&filter).await?;
                rows.retain(|row| !Cookie(row.flow().cookie).is_ours());
                (rows, revision)
            }
        };
        let (flows, next_page_token) = self.answer(rows, page).await?;
        Ok(Response::new(pb::ListFlowsResponse { flows, next_page_token, revision }))
    }

    async fn explain(
        &self,
        request: Request<pb::ExplainFlowRequest>,
    ) -> Result<Response<pb::ExplainFlowResponse>, Status> {
        let Question { cookie, matching } = Question::parse(request.into_inner().query)?;
        let answer = self.engine.read(move |view| {
            let explanation = explain(cookie, matching.as_ref(), view.model)
                .map_err(|error| status::not_found("flow", &cookie.to_string(), None, error))?;
            if explanation.owners.is_empty() {
                let gone = format!("nothing that the flow was for exists: {explanation}");
                return Err(status::not_found("flow", &cookie.to_string(), None, gone));
            }
            Ok(pb::ExplainFlowResponse {
                cookie: cookie.0,
                kind: explanation.spec().kind.name().to_owned(),
                owners: references(view.model, &explanation.owners),
                explanation: explanation.to_string(),
            })
        });
        answer.await.map_err(status::stopped)?.map(Response::new)
    }
}

impl Api {
    /// The flows that a host should have, and the revision that they were compiled from.
    async fn desired(&self, filter: &Filter) -> Result<(Vec<Row>, u64), Status> {
        let filter = filter.clone();
        let read = self.engine.read(move |view| {
            let flows = view.compiler.desired(filter.host).cloned().map(Row::Desired);
            let matching = flows.filter(|row| filter.matches(view.model, row.flow()));
            (matching.collect(), view.revision)
        });
        read.await.map_err(status::stopped)
    }

    /// The flows that its switch has, and the revision that it has confirmed.
    async fn installed(&self, filter: &Filter) -> Result<(Vec<Row>, u64), Status> {
        let flows =
            self.engine.installed_flows(filter.host, Which::All).await.map_err(status::stopped)?;
        let flows = flows.ok_or_else(|| {
            Status::unavailable("the host's switch is not connected, or went while it was asked")
        })?;
        let filter = filter.clone();
        let read = self.engine.read(move |view| {
            let flows = flows.into_iter().map(Row::Installed);
            let matching = flows.filter(|row| filter.matches(view.model, row.flow()));
            (matching.collect(), view.host_status(filter.host).realized_revision)
        });
        read.await.map_err(status::stopped)
    }

    /// One page of flows, explained.
    async fn answer(
        &self,
        mut rows: Vec<Row>,
        page: Page,
    ) -> Result<(Vec<pb::Flow>, String), Status> {
        rows.sort_by(Row::order);
        let first = usize::try_from(page.first).unwrap_or(usize::MAX).min(rows.len());
        // One more than is shown tells that there is a next page.
        let last = first.saturating_add(page.size + 1).min(rows.len());
        let rows: Vec<_> = rows.drain(first..last).collect();
        let read = self.engine.read(move |view| {
            let explained = rows.into_iter().map(|row| {
                let flow = row.flow();
                match explain(Cookie(flow.cookie), Some(&flow.matching), view.model) {
                    Ok(why) => (row, references(view.model, &why.owners), why.sentence),
                    Err(error) => (row, Vec::new(), error.to_string()),
                }
            });
            explained.collect::<Vec<_>>()
        });
        // The text is made here and not there: the engine has other things to do.
        let explained = read.await.map_err(status::stopped)?;
        let flows = explained.into_iter().map(|(row, owners, why)| row.answer(owners, why));
        Ok(page.cut((page.first..).zip(flows)))
    }
}

fn references(model: &Model, ids: &[ResourceId]) -> Vec<pb::ObjectReference> {
    let reference = |id: &ResourceId| pb::ObjectReference {
        kind: id.kind().name().to_owned(),
        id: id.uuid().to_string(),
        name: model.resource(*id).map(|resource| resource.meta().name.clone()).unwrap_or_default(),
    };
    ids.iter().map(reference).collect()
}
