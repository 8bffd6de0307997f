//! Why a command failed, as people and as programs are told.

use serde::Serialize;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::args::Format;
use crate::print::text::printable;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line asks for something that makes no sense.
    #[error("{0}")]
    Usage(String),

    /// No connection to the controller.
    #[error("cannot reach {server}: {cause}")]
    Unreachable {
        /// The URL that was tried.
        server: String,
        /// The innermost error that says something.
        cause: String,
    },

    /// The controller said no.
    #[error("{}", .0.message())]
    Refused(Box<Status>),

    /// A name stands for nothing, or for too much.
    #[error(transparent)]
    Lookup(#[from] LookupError),

    /// Time is up; each line says what is still missing.
    #[error("{}", .0.join("\n"))]
    Late(Vec<String>),

    /// What was given to work on is not what it should be.
    #[error("{0}")]
    Input(String),

    /// The answer could not be printed, or the runtime not started.
    #[error(transparent)]
    Output(#[from] std::io::Error),
}

/// A name that does not lead to one object.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookupError {
    /// Neither a name nor an id of an object of this kind.
    #[error("no {} named {name:?}", .kind.replace('_', " "))]
    Unknown {
        /// The kind of object looked for.
        kind: &'static str,
        /// What was given.
        name: String,
    },

    /// Several objects have the name.
    #[error(
        "{} {}s are named {name:?}: say which by id: {}",
        .ids.len(), .kind.replace('_', " "), .ids.join(", ")
    )]
    Ambiguous {
        /// The kind of object looked for.
        kind: &'static str,
        /// What was given.
        name: String,
        /// The objects' UUIDs.
        ids: Vec<String>,
    },
}

/// An error as a JSON document.
#[derive(Serialize)]
struct Document<'a> {
    error: &'a Report,
}

/// A failure, taken apart for printing.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// A gRPC code's name, or one of our own for what never reached the server.
    code: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    violations: Vec<Violation>,
}

/// One thing that is wrong: an invalid field, an object in the way, a quota.
#[derive(Debug, Serialize)]
struct Violation {
    subject: String,
    description: String,
}

impl Failure {
    /// 2 for a wrong command line, else 1.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            _ => 1,
        }
    }

    /// The failure, taken apart for printing.
    pub(crate) fn report(&self) -> Report {
        let (code, violations) = match self {
            Self::Usage(_) => ("USAGE", Vec::new()),
            Self::Unreachable { .. } => ("UNAVAILABLE", Vec::new()),
            Self::Refused(status) => (code_name(status.code()), violations(status)),
            Self::Lookup(LookupError::Unknown { .. }) => ("NOT_FOUND", Vec::new()),
            Self::Lookup(LookupError::Ambiguous { .. }) => ("AMBIGUOUS", Vec::new()),
            Self::Late(_) => ("DEADLINE_EXCEEDED", Vec::new()),
            Self::Input(_) => ("INVALID_INPUT", Vec::new()),
            Self::Output(_) => ("OUTPUT", Vec::new()),
        };
        Report { code, message: self.to_string(), violations }
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        Self::Refused(Box::new(status))
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::Output(error.into())
    }
}

impl Report {
    /// What to print, without a line end.
    ///
    /// For people one line for each thing that is wrong; the message is left out
    /// where violations say it better.
    pub(crate) fn text(&self, format: Format) -> String {
        if format == Format::Json {
            let document = Document { error: self };
            return serde_json::to_string(&document)
                .expect("text keys and values always serialise");
        }
        let code = self.code.to_lowercase().replace('_', " ");
        if self.violations.is_empty() {
            let lines = self.message.lines().filter(|line| !line.is_empty());
            let lines: Vec<_> =
                lines.map(|line| format!("weft: {code}: {}", printable(line))).collect();
            return if lines.is_empty() { format!("weft: {code}") } else { lines.join("\n") };
        }
        let lines = self.violations.iter().map(|violation| match violation.subject.as_str() {
            "" => format!("weft: {code}: {}", violation.description),
            subject => format!("weft: {code}: {subject}: {}", violation.description),
        });
        lines.map(|line| printable(&line)).collect::<Vec<_>>().join("\n")
    }
}

/// What the status's `google.rpc` details name.
fn violations(status: &Status) -> Vec<Violation> {
    let details = status.get_error_details();
    let fields = details.bad_request().into_iter().flat_map(|detail| {
        detail.field_violations.iter().map(|violation| (&violation.field, &violation.description))
    });
    let preconditions = details.precondition_failure().into_iter().flat_map(|detail| {
        detail.violations.iter().map(|violation| (&violation.subject, &violation.description))
    });
    let quotas = details.quota_failure().into_iter().flat_map(|detail| {
        detail.violations.iter().map(|violation| (&violation.subject, &violation.description))
    });
    fields
        .chain(preconditions)
        .chain(quotas)
        .map(|(subject, description)| Violation {
            subject: subject.clone(),
            description: description.clone(),
        })
        .collect()
}

/// The code as `google.rpc.Code` spells it.
fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use tonic_types::{ErrorDetails, FieldViolation};

    use super::*;

    #[track_caller]
    fn check(failure: impl Into<Failure>, table: Expect, json: Expect) {
        let report = failure.into().report();
        table.assert_eq(&report.text(Format::Table));
        json.assert_eq(&report.text(Format::Json));
    }

    #[test]
    fn invalid_fields_are_named_one_by_one() {
        let details = ErrorDetails::with_bad_request(vec![
            FieldViolation::new("network.segmentation_id", "must be at most 4094, got 5000"),
            FieldViolation::new("network.mtu", "must be at least 68, got 7"),
        ]);
        let status = Status::with_error_details(Code::InvalidArgument, "2 fields", details);
        check(
            status,
            expect![[r#"
                weft: invalid argument: network.segmentation_id: must be at most 4094, got 5000
                weft: invalid argument: network.mtu: must be at least 68, got 7"#]],
            expect![[
                r#"{"error":{"code":"INVALID_ARGUMENT","message":"2 fields","violations":[{"subject":"network.segmentation_id","description":"must be at most 4094, got 5000"},{"subject":"network.mtu","description":"must be at least 68, got 7"}]}}"#
            ]],
        );
    }

    #[test]
    fn what_is_in_the_way_and_what_ran_out_is_named() {
        let mut details = ErrorDetails::new();
        details.add_precondition_failure_violation("PORTS", "network/1", "it has 2 ports");
        let status = Status::with_error_details(Code::FailedPrecondition, "in use", details);
        check(
            status,
            expect!["weft: failed precondition: network/1: it has 2 ports"],
            expect![[
                r#"{"error":{"code":"FAILED_PRECONDITION","message":"in use","violations":[{"subject":"network/1","description":"it has 2 ports"}]}}"#
            ]],
        );
        let mut details = ErrorDetails::new();
        details.add_quota_failure_violation("subnet/7", "no free address in its pools");
        let status = Status::with_error_details(Code::ResourceExhausted, "full", details);
        check(
            status,
            expect!["weft: resource exhausted: subnet/7: no free address in its pools"],
            expect![[
                r#"{"error":{"code":"RESOURCE_EXHAUSTED","message":"full","violations":[{"subject":"subnet/7","description":"no free address in its pools"}]}}"#
            ]],
        );
    }

    #[test]
    fn a_status_without_details_gives_its_message() {
        check(
            Status::aborted("the etag is not the current one"),
            expect!["weft: aborted: the etag is not the current one"],
            expect![[
                r#"{"error":{"code":"ABORTED","message":"the etag is not the current one"}}"#
            ]],
        );
        check(
            Status::unimplemented(""),
            expect!["weft: unimplemented"],
            expect![[r#"{"error":{"code":"UNIMPLEMENTED","message":""}}"#]],
        );
    }

    #[test]
    fn an_ambiguous_name_lists_the_ids() {
        check(
            LookupError::Ambiguous {
                kind: "network",
                name: "web".to_owned(),
                ids: vec!["a".to_owned(), "b".to_owned()],
            },
            expect![[r#"weft: ambiguous: 2 networks are named "web": say which by id: a, b"#]],
            expect![[
                r#"{"error":{"code":"AMBIGUOUS","message":"2 networks are named \"web\": say which by id: a, b"}}"#
            ]],
        );
    }

    #[test]
    fn only_a_wrong_command_line_exits_with_two() {
        assert_eq!(Failure::Usage(String::new()).exit_code(), 2);
        assert_eq!(Failure::from(Status::aborted("")).exit_code(), 1);
    }
}
