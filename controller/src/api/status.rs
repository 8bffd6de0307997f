use std::collections::HashMap;
use std::fmt;

use tonic::{Code, Status};
use tonic_types::{
    ErrorDetails, FieldViolation, PreconditionViolation, QuotaViolation, StatusExt as _,
};
use topology::intent::Rejection;
use topology::model::ResourceId;

use crate::engine::{Stopped, WriteError};

/// The domain of our reasons in `ErrorInfo`.
pub(super) const DOMAIN: &str = "weft.v1";

/// The path of a resource's field within a request.
pub(super) fn path(prefix: &str, field: &str) -> String {
    match (prefix, field) {
        ("", field) => field.to_owned(),
        (prefix, "") => prefix.to_owned(),
        (prefix, field) => format!("{prefix}.{field}"),
    }
}

/// A write that did not happen; `prefix` is the request's field that holds the resource.
pub(super) fn refused(prefix: &'static str) -> impl Fn(WriteError) -> Status {
    move |error| match error {
        WriteError::Rejected(rejection) => rejected(prefix, rejection),
        WriteError::Stopped(stop) => stopped(stop),
    }
}

/// The engine has ended.
pub(super) fn stopped(error: Stopped) -> Status {
    Status::unavailable(error.to_string())
}

/// The refusal of one part of a request, `prefix`: says which, and names its fields from there.
pub(super) fn within(prefix: &str, refusal: &Status) -> Status {
    let mut details = refusal.get_error_details();
    let violations = details.bad_request().map(|wrong| {
        let violations = wrong.field_violations.iter();
        violations
            .map(|wrong| FieldViolation::new(path(prefix, &wrong.field), wrong.description.clone()))
    });
    if let Some(violations) = violations.map(Iterator::collect::<Vec<_>>) {
        details.set_bad_request(violations);
    }
    let message = format!("{prefix}: {}", refusal.message());
    Status::with_error_details(refusal.code(), message, details)
}

/// What a request asks for does not exist.
pub(super) fn unknown(id: ResourceId) -> Status {
    rejected("", Rejection::NotFound { kind: id.kind(), id: id.uuid(), field: None })
}

/// One field is wrong.
pub(super) fn invalid(field: &str, description: impl fmt::Display) -> Status {
    let (field, description) = (field.to_owned(), description.to_string());
    let violations = vec![topology::intent::FieldViolation { field, description }];
    rejected("", Rejection::InvalidArgument { violations })
}

/// What is asked for by something else than a UUID does not exist.
pub(super) fn not_found(
    kind: &str,
    name: &str,
    field: Option<&str>,
    message: impl fmt::Display,
) -> Status {
    let message = message.to_string();
    let mut details = ErrorDetails::with_resource_info(kind, name, "", message.as_str());
    if let Some(field) = field {
        details.add_bad_request_violation(field, message.as_str());
    }
    Status::with_error_details(Code::NotFound, message, details)
}

/// A rejection as status code and details.
pub(super) fn rejected(prefix: &str, rejection: Rejection) -> Status {
    let message = rejection.to_string();
    let mut details = ErrorDetails::new();
    let code = match rejection {
        Rejection::InvalidArgument { violations } => {
            let violations = violations.into_iter().map(|violation| {
                FieldViolation::new(path(prefix, &violation.field), violation.description)
            });
            details.set_bad_request(violations.collect::<Vec<_>>());
            Code::InvalidArgument
        }
        Rejection::NotFound { kind, id, field } => {
            let field = field.map(|field| path(prefix, &field));
            return not_found(kind.name(), &id.to_string(), field.as_deref(), message);
        }
        Rejection::AlreadyExists { holder, field, description } => {
            let (kind, id) = (holder.kind().name(), holder.uuid().to_string());
            details.set_resource_info(kind, id, "", description.as_str());
            details.add_bad_request_violation(path(prefix, &field), description);
            Code::AlreadyExists
        }
        Rejection::FailedPrecondition { obstacles } => {
            let violations = obstacles.into_iter().map(|obstacle| PreconditionViolation {
                r#type: obstacle.kind.to_owned(),
                subject: obstacle.subject,
                description: obstacle.description,
            });
            details.set_precondition_failure(violations.collect::<Vec<_>>());
            Code::FailedPrecondition
        }
        Rejection::ResourceExhausted { subject, description } => {
            details.set_quota_failure(vec![QuotaViolation::new(subject, description)]);
            Code::ResourceExhausted
        }
        Rejection::Aborted { resource, expected, found } => {
            let (kind, id) = (resource.kind().name(), resource.uuid().to_string());
            let metadata =
                HashMap::from([("expected".to_owned(), expected), ("found".to_owned(), found)]);
            details.set_error_info("ETAG_MISMATCH", DOMAIN, metadata);
            details.set_resource_info(kind, id, "", message.as_str());
            Code::Aborted
        }
    };
    Status::with_error_details(code, message, details)
}
