//! A connection to the controller and what every resource's commands do with it.

use std::time::Duration;

use proto::v1 as pb;
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

use crate::failure::{Failure, LookupError};
use crate::fields::Update;
use crate::print::{Deleted, Names, Printer};
use crate::resource::Resource;

/// A connection to the controller, and where answers are printed.
pub(crate) struct Session<'a> {
    pub(crate) channel: Channel,
    pub(crate) printer: Printer<'a>,
}

impl<'a> Session<'a> {
    /// Connects to `server`: `http://HOST:PORT` or `unix:/PATH`.
    pub(crate) async fn connect(server: &str, printer: Printer<'a>) -> Result<Self, Failure> {
        let endpoint = Endpoint::from_shared(server.to_owned())
            .map_err(|error| Failure::Usage(format!("--server {server}: {error}")))?
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEP_ALIVE)
            .keep_alive_timeout(KEEP_ALIVE);
        let channel = endpoint.connect().await.map_err(|error| Failure::Unreachable {
            server: server.to_owned(),
            cause: innermost(&error),
        })?;
        Ok(Self { channel, printer })
    }

    /// The one resource that `reference`, a name or an id, stands for.
    pub(crate) async fn resolve<R: Resource>(&self, reference: &str) -> Result<R, Failure> {
        self.resolve_among(reference, R::List::default()).await
    }

    /// Like [`resolve`](Self::resolve); a name is looked for where `filter` allows.
    ///
    /// A host is at first named after its system id, most often a UUID: so what
    /// looks like an id and is none may still be a name.
    pub(crate) async fn resolve_among<R: Resource>(
        &self,
        reference: &str,
        filter: R::List,
    ) -> Result<R, Failure> {
        if uuid::Uuid::try_parse(reference).is_ok() {
            match R::fetch(self.channel.clone(), reference).await {
                Err(status) if status.code() == Code::NotFound => {}
                answer => return Ok(answer?),
            }
        }
        let mut found = match reference {
            // To the server an empty filter means every name.
            "" => Vec::new(),
            name => self.all::<R>(R::named(filter, name)).await?,
        };
        let name = reference.to_owned();
        match found.len() {
            0 => Err(LookupError::Unknown { kind: R::KIND, name }.into()),
            1 => Ok(found.remove(0)),
            _ => {
                let ids = found.iter().map(|resource| resource.common().id.clone()).collect();
                Err(LookupError::Ambiguous { kind: R::KIND, name, ids }.into())
            }
        }
    }

    /// The id of what `reference` stands for; empty when there is no reference.
    pub(crate) async fn id_of<R: Resource>(
        &self,
        reference: Option<&str>,
    ) -> Result<String, Failure> {
        match reference {
            Some(reference) => Ok(self.resolve::<R>(reference).await?.common().id.clone()),
            None => Ok(String::new()),
        }
    }

    /// Every resource that `filter` lets through.
    async fn all<R: Resource>(&self, filter: R::List) -> Result<Vec<R>, Failure> {
        let mut resources = Vec::new();
        let mut token = String::new();
        loop {
            let (page, next) = R::page(self.channel.clone(), filter.clone(), token).await?;
            resources.extend(page);
            if next.is_empty() {
                return Ok(resources);
            }
            token = next;
        }
    }

    /// Makes `resource` and prints what came of it.
    pub(crate) async fn create<R: Resource>(&mut self, resource: R) -> Result<(), Failure> {
        self.create_by::<R>(resource.creation()).await
    }

    /// Makes a resource by a request that says more than the resource, and prints it.
    pub(crate) async fn create_by<R: Resource>(
        &mut self,
        request: R::Create,
    ) -> Result<(), Failure> {
        let made = R::create(self.channel.clone(), request).await?;
        self.printer.one(&made)
    }

    /// Prints every resource that `filter` lets through.
    pub(crate) async fn list<R: Resource>(&mut self, filter: R::List) -> Result<(), Failure> {
        let resources = self.all::<R>(filter).await?;
        let names = if self.printer.is_json() || resources.is_empty() {
            Names::default()
        } else {
            self.names(R::NAMES).await?
        };
        self.printer.table(&resources, &names)
    }

    /// Prints one resource.
    pub(crate) async fn show<R: Resource>(&mut self, reference: &str) -> Result<(), Failure> {
        let resource = self.resolve::<R>(reference).await?;
        self.printer.one(&resource)
    }

    /// Changes a resource and prints what came of it.
    pub(crate) async fn update<R: Resource>(&mut self, update: Update<R>) -> Result<(), Failure> {
        let changed = self.change(update).await?;
        self.printer.one(&changed)
    }

    /// Changes a resource.
    pub(crate) async fn change<R: Resource>(&self, update: Update<R>) -> Result<R, Failure> {
        let Update { resource, mask } = update;
        if mask.paths.is_empty() {
            return Err(Failure::Usage("nothing to change: no option says what".to_owned()));
        }
        Ok(resource.update(self.channel.clone(), mask).await?)
    }

    /// Deletes resources, in the order given, and says which are gone.
    ///
    /// Nothing is deleted unless every reference leads to a resource; those
    /// deleted before the server refuses one are reported nevertheless.
    pub(crate) async fn delete<R: Resource>(
        &mut self,
        references: &[String],
    ) -> Result<(), Failure> {
        self.delete_among::<R>(references, R::List::default()).await
    }

    /// Like [`delete`](Self::delete); names are looked for where `filter` allows.
    pub(crate) async fn delete_among<R: Resource>(
        &mut self,
        references: &[String],
        filter: R::List,
    ) -> Result<(), Failure> {
        let mut resources: Vec<R> = Vec::new();
        for reference in references {
            resources.push(self.resolve_among(reference, filter.clone()).await?);
        }
        let mut deleted = Vec::new();
        let mut outcome = Ok(());
        for resource in &resources {
            let common = resource.common();
            match R::delete(self.channel.clone(), common.id).await {
                Ok(revision) => deleted.push(Deleted::new::<R>(resource, revision)),
                Err(status) => {
                    outcome = Err(status.into());
                    break;
                }
            }
        }
        self.printer.deleted(&deleted)?;
        outcome
    }

    /// The names of all resources of `kinds`.
    pub(crate) async fn names(&self, kinds: &[&str]) -> Result<Names, Failure> {
        let mut names = Names::default();
        if kinds.contains(&pb::Project::KIND) {
            names.extend(&self.all::<pb::Project>(Default::default()).await?);
        }
        if kinds.contains(&pb::Network::KIND) {
            names.extend(&self.all::<pb::Network>(Default::default()).await?);
        }
        if kinds.contains(&pb::SecurityGroup::KIND) {
            names.extend(&self.all::<pb::SecurityGroup>(Default::default()).await?);
        }
        if kinds.contains(&pb::AddressGroup::KIND) {
            names.extend(&self.all::<pb::AddressGroup>(Default::default()).await?);
        }
        Ok(names)
    }
}

/// The innermost cause: the layers above it say only that connecting failed.
fn innermost(error: &tonic::transport::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How often an idle wait checks that the server is alive, and how long the
/// server may take to answer.
const KEEP_ALIVE: Duration = Duration::from_secs(10);
