//! What tests claim.

use std::net::IpAddr;
use std::time::Duration;

use lab::{Endpoint, Ping, wait_until};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// How long a path may take until it carries every packet: Open vSwitch drops tunnel packets
/// while it looks for the other end on the underlay, also again when something of its own
/// interfaces has changed.
const STEADY: Duration = Duration::from_secs(10);

/// Claims that echo requests from `from` to `to` are answered, every one of several in a row.
#[track_caller]
pub fn assert_reaches(from: &Endpoint, to: impl Into<IpAddr>) {
    let to = to.into();
    if let Err(error) = from.ping_until(to, STEADY) {
        panic!("{} does not reach {to}: {error}", from.name());
    }
    let ping = Ping::to(to).interval(SHORT);
    let mut last = None;
    let all = || last.insert(from.ping_with(&ping).expect("ping runs")).is_complete();
    if let Err(error) = wait_until("every reply", STEADY, all) {
        panic!("{} to {to}: {error}: {last:?}", from.name());
    }
}

/// Claims that no echo request from `from` to `to` is answered. Something else in the test must
/// show that it could be.
#[track_caller]
pub fn assert_silent(from: &Endpoint, to: impl Into<IpAddr>) {
    let to = to.into();
    let ping = Ping::to(to).interval(SHORT).reply_timeout(Duration::from_millis(400));
    let report = from.ping_with(&ping).expect("ping runs");
    assert_eq!(report.received, 0, "{} reaches {to}: {report:?}", from.name());
}

/// Between two echo requests.
const SHORT: Duration = Duration::from_millis(20);

/// A status with its details, in the form in which tests compare them.
#[derive(Debug, Eq, PartialEq)]
pub struct Refusal {
    /// The code.
    pub code: Code,
    /// What the details name: fields of the request, or what is in the way or ran out.
    pub subjects: Vec<String>,
    /// The message, with the descriptions in the details.
    pub text: String,
}

/// Takes a refused call apart.
///
/// # Panics
///
/// When the call was not refused.
#[track_caller]
pub fn refusal<T: std::fmt::Debug>(answer: Result<T, Status>) -> Refusal {
    let status = answer.expect_err("the call must be refused");
    let details = status.get_error_details();
    let mut subjects = Vec::new();
    let mut text = status.message().to_owned();
    let mut add = |subject: &str, description: &str| {
        subjects.push(subject.to_owned());
        if !text.contains(description) {
            text = format!("{text}; {description}");
        }
    };
    for violation in details.bad_request().iter().flat_map(|it| &it.field_violations) {
        add(&violation.field, &violation.description);
    }
    for violation in details.precondition_failure().iter().flat_map(|it| &it.violations) {
        add(&violation.subject, &violation.description);
    }
    for violation in details.quota_failure().iter().flat_map(|it| &it.violations) {
        add(&violation.subject, &violation.description);
    }
    Refusal { code: status.code(), subjects, text }
}
