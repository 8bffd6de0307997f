use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use ipnet::{IpNet, Ipv4Net};
use openflow::MacAddr;
use tonic::Status;
use topology::intent::{Rejection, Violations};
use uuid::Uuid;

use super::status;

/// Parses the fields of a request and collects what is wrong with them.
///
/// Where a field is wrong, a placeholder is answered, so that all of the request can be looked
/// at; [`Fields::finish`] then refuses it.
#[derive(Debug)]
pub(super) struct Fields {
    prefix: &'static str,
    violations: Violations,
}

impl Fields {
    /// Of a resource in the request's field `prefix`; of the request itself when empty.
    pub(super) fn of(prefix: &'static str) -> Self {
        Self { prefix, violations: Violations::new() }
    }

    /// The resource itself, which every such request needs.
    pub(super) fn required<T: Default>(&mut self, resource: Option<T>) -> T {
        if resource.is_none() {
            self.violations.add(self.prefix, "is required");
        }
        resource.unwrap_or_default()
    }

    /// A field of the resource is wrong.
    pub(super) fn wrong(&mut self, field: impl fmt::Display, description: impl fmt::Display) {
        self.violations.add(status::path(self.prefix, &field.to_string()), description);
    }

    /// A field of the request, beside the resource, is wrong.
    pub(super) fn wrong_beside(&mut self, field: &str, description: impl fmt::Display) {
        self.violations.add(field, description);
    }

    /// The UUID that a client chose for a new resource; a random one when it chose none.
    pub(super) fn new_id(&mut self, text: &str) -> Uuid {
        if text.is_empty() { Uuid::new_v4() } else { self.uuid("id", text) }
    }

    /// A UUID that must be there.
    pub(super) fn uuid(&mut self, field: impl fmt::Display, text: &str) -> Uuid {
        if text.is_empty() {
            self.wrong(field, "is required");
            return Uuid::nil();
        }
        // Only the usual form: others would make one id look like several.
        let uuid = Uuid::from_str(text).ok().filter(|uuid| uuid.to_string().len() == text.len());
        uuid.unwrap_or_else(|| {
            self.wrong(field, format_args!("{text:?} is no UUID"));
            Uuid::nil()
        })
    }

    /// A UUID; `None` when empty.
    pub(super) fn optional_uuid(&mut self, field: impl fmt::Display, text: &str) -> Option<Uuid> {
        if text.is_empty() { None } else { Some(self.uuid(field, text)) }
    }

    /// An IPv4 or IPv6 address.
    pub(super) fn ip(&mut self, field: impl fmt::Display, text: &str) -> IpAddr {
        self.parse(field, text, "IP address", Ipv4Addr::UNSPECIFIED.into())
    }

    /// An IPv4 or IPv6 prefix.
    pub(super) fn prefix(&mut self, field: impl fmt::Display, text: &str) -> IpNet {
        self.parse(field, text, "prefix such as 192.0.2.0/24", Ipv4Net::default().into())
    }

    /// An IPv4 or IPv6 prefix or address.
    pub(super) fn prefix_or_address(&mut self, field: impl fmt::Display, text: &str) -> IpNet {
        match text.parse::<IpAddr>() {
            Ok(address) => address.into(),
            Err(_) => self.prefix(field, text),
        }
    }

    /// An Ethernet address; `None` when empty.
    pub(super) fn optional_mac(&mut self, field: impl fmt::Display, text: &str) -> Option<MacAddr> {
        let expected = "MAC address such as fa:16:3e:00:00:01";
        (!text.is_empty()).then(|| self.parse(field, text, expected, MacAddr::ZERO))
    }

    /// Refuses the request if anything was wrong.
    pub(super) fn finish(self) -> Result<(), Status> {
        self.violations.finish().map_err(|rejection: Rejection| status::rejected("", rejection))
    }

    fn parse<T: FromStr>(
        &mut self,
        field: impl fmt::Display,
        text: &str,
        expected: &str,
        placeholder: T,
    ) -> T {
        match text.parse() {
            Ok(value) => value,
            Err(_) if text.is_empty() => {
                self.wrong(field, "is required");
                placeholder
            }
            Err(_) => {
                self.wrong(field, format_args!("{text:?} is no {expected}"));
                placeholder
            }
        }
    }
}
