use std::sync::Arc;

use super::etag::{Etag, check_etag};
use super::{Context, Plan, Rejection};
use crate::model::{
    AddressGroup, Change, Host, Meta, Network, Port, Project, Resource, ResourceId, SecurityGroup,
    Subnet,
};

/// What all resources have, for the steps that are the same for each.
pub(super) trait Stored: Clone + Etag + PartialEq {
    fn meta(&self) -> &Meta;
    fn meta_mut(&mut self) -> &mut Meta;
    fn resource(this: &Arc<Self>) -> Resource;
}

macro_rules! stored {
    ($($name:ident),*) => {$(
        impl Stored for $name {
            fn meta(&self) -> &Meta {
                &self.meta
            }

            fn meta_mut(&mut self) -> &mut Meta {
                &mut self.meta
            }

            fn resource(this: &Arc<Self>) -> Resource {
                Resource::$name(this.clone())
            }
        }
    )*};
}

stored!(Project, Network, Subnet, Port, Host, SecurityGroup, AddressGroup);

impl<T> Plan<T> {
    /// Nothing changes.
    pub(super) fn unchanged(answer: T) -> Self {
        Self { changes: Vec::new(), answer }
    }
}

/// A new resource, whose key is taken with it.
pub(super) fn create<T: Stored>(resource: T) -> Plan<Arc<T>> {
    let next = resource.meta().key.next();
    let answer = Arc::new(resource);
    let put = T::resource(&answer);
    let kind = put.id().kind();
    Plan { changes: vec![Change::Put(put), Change::NextKey(kind, next)], answer }
}

/// `new`, which was made from `old`, takes its place; nothing changes if they are the same.
pub(super) fn replace<T: Stored>(context: &Context<'_>, old: &Arc<T>, mut new: T) -> Plan<Arc<T>> {
    if new == **old {
        return Plan::unchanged(old.clone());
    }
    touch(context, &mut new);
    let answer = Arc::new(new);
    Plan { changes: vec![Change::Put(T::resource(&answer))], answer }
}

/// Notes that a resource is written with this commit.
pub(super) fn touch(context: &Context<'_>, resource: &mut impl Stored) {
    let meta = resource.meta_mut();
    meta.updated = context.now;
    meta.revision = context.revision;
}

/// What a request is about, if it exists and has the etag that the request expects.
pub(super) fn existing<'a, T: Stored>(
    id: ResourceId,
    found: Option<&'a Arc<T>>,
    etag: Option<&str>,
) -> Result<&'a Arc<T>, Rejection> {
    let found = found.ok_or_else(|| Rejection::unknown(id))?;
    check_etag(id, &**found, etag)?;
    Ok(found)
}

/// Deletes a resource, unless others still need it.
pub(super) fn delete(id: ResourceId, users: &[ResourceId]) -> Result<Plan<()>, Rejection> {
    if !users.is_empty() {
        return Err(Rejection::in_use(id, users));
    }
    Ok(Plan { changes: vec![Change::Delete(id)], answer: () })
}
