//! Clients that follow what changes miss nothing and see nothing twice, whatever happens to them
//! and to the controller.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::thread;
use std::time::Duration;

use proto::v1 as pb;
use proto::v1::change_service_client::ChangeServiceClient;
use proto::v1::resource::Kind;
use proto::v1::resource::Resource::Project;
use proto::v1::watch_response::change::Change;
use tests::{Api, Daemon};
use tonic::{Code, Status, Streaming};
use tonic_types::StatusExt as _;

/// Far longer than a change takes to be told.
const SOON: Duration = Duration::from_secs(10);

/// A client that follows the projects, and resumes where it was.
#[derive(Default)]
struct Follower {
    /// The last complete revision that it was told.
    revision: u64,
    /// The names of the projects there are, by id.
    projects: BTreeMap<String, String>,
    /// The revisions it was told of, in order.
    told: Vec<u64>,
}

impl Follower {
    fn watch(&self, api: &Api) -> Streaming<pb::WatchResponse> {
        watch(api, self.revision)
    }

    fn take(&mut self, response: pb::WatchResponse) {
        for change in response.changes {
            match change.change.unwrap() {
                Change::Put(pb::Resource { resource: Some(Project(project)) }) => {
                    self.projects.insert(project.id, project.name);
                }
                Change::Deleted(deleted) => {
                    assert!(self.projects.remove(&deleted.id).is_some(), "{deleted:?} twice");
                }
                other => panic!("{other:?}"),
            }
        }
        if response.complete {
            self.revision = response.revision;
            self.told.push(response.revision);
        }
    }

    /// Takes what comes until it is at `revision`.
    fn follow(
        &mut self,
        api: &Api,
        watch: &mut Streaming<pb::WatchResponse>,
        revision: u64,
    ) -> Result<(), Status> {
        while self.revision < revision {
            let response = next(api, watch)?;
            self.take(response);
        }
        Ok(())
    }
}

fn watch(api: &Api, from_revision: u64) -> Streaming<pb::WatchResponse> {
    let request = pb::WatchRequest { from_revision, kinds: vec![Kind::Project.into()] };
    api.call(async |channel| ChangeServiceClient::new(channel).watch(request).await).unwrap()
}

fn next(api: &Api, watch: &mut Streaming<pb::WatchResponse>) -> Result<pb::WatchResponse, Status> {
    let message = api.block_on(async { tokio::time::timeout(SOON, watch.message()).await });
    Ok(message.expect("a response in time")?.expect("watches end with errors only"))
}

/// Makes a project, renames it, and deletes every third; answers the last revision.
fn churn(api: &Api, number: usize) -> Result<u64, Status> {
    let project = pb::Project { name: format!("{number}"), ..Default::default() };
    let made = api.create_project(pb::CreateProjectRequest { project: Some(project) })?;
    let (id, name) = (made.id, format!("{number} again"));
    let project = Some(pb::Project { id: id.clone(), name, ..Default::default() });
    let renamed = api.update_project(pb::UpdateProjectRequest { project, update_mask: None })?;
    if !number.is_multiple_of(3) {
        return Ok(renamed.revision);
    }
    Ok(api.delete_project(pb::DeleteProjectRequest { id, etag: String::new() })?.revision)
}

fn stored(api: &Api) -> BTreeMap<String, String> {
    let mut projects = BTreeMap::new();
    let mut request = pb::ListProjectsRequest::default();
    loop {
        let page = api.list_projects(request.clone()).unwrap();
        projects.extend(page.projects.into_iter().map(|project| (project.id, project.name)));
        if page.next_page_token.is_empty() {
            return projects;
        }
        request.page_token = page.next_page_token;
    }
}

/// What the process has in memory, in bytes.
fn memory(daemon: &Daemon) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", daemon.pid().unwrap())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kilobytes << 10
}

#[test]
fn a_client_resumes_where_it_was_while_the_controller_is_killed_again_and_again() {
    let mut daemon = Daemon::start(&[]).unwrap();
    let api = daemon.api().unwrap();
    let first = churn(&api, 1).unwrap();
    // One that goes on as long as it can, and one that stops after every few revisions.
    let [mut follower, mut restless] = [(); 2].map(|()| Follower::default());
    for follower in [&mut follower, &mut restless] {
        follower.follow(&api, &mut follower.watch(&api), first).unwrap();
    }
    for millis in [40, 90, 150, 230, 310] {
        let server = daemon.server();
        let writer = thread::spawn(move || {
            let Ok(api) = Api::connect(&server) else { return 0 };
            (0..).map_while(|number| churn(&api, number).ok()).last().unwrap_or(0)
        });
        let server = daemon.server();
        let reader = thread::spawn(move || {
            let Ok(api) = Api::connect(&server) else { return follower };
            let mut watch = follower.watch(&api);
            let end = follower.follow(&api, &mut watch, u64::MAX).unwrap_err();
            assert_ne!(end.code(), Code::OutOfRange, "{end}");
            follower
        });
        thread::sleep(Duration::from_millis(millis));
        daemon.kill().unwrap();
        let answered = writer.join().unwrap();
        follower = reader.join().unwrap();

        daemon.start_again().unwrap();
        let api = daemon.api().unwrap();
        let last = churn(&api, 1).unwrap();
        assert!(last > answered && follower.revision < last);
        follower.follow(&api, &mut follower.watch(&api), last).unwrap();
        assert_eq!(follower.projects, stored(&api), "after {millis} ms");
        while restless.revision < last {
            let stop = last.min(restless.revision + 3);
            restless.follow(&api, &mut restless.watch(&api), stop).unwrap();
        }
        assert_eq!(restless.projects, follower.projects, "after {millis} ms");
    }
    for follower in [&follower, &restless] {
        assert!(follower.told.is_sorted_by(|a, b| a < b), "{:?}", follower.told);
    }
    // Everything that happens here happens to projects: no revision is left out.
    let gaps = follower.told.windows(2).filter(|pair| pair[1] != pair[0] + 1).count();
    assert_eq!(gaps, 0, "{:?}", follower.told);
}

#[test]
fn a_client_that_reads_slowly_is_told_so_and_costs_nobody_anything() {
    let daemon = Daemon::start(&["--change-log-size", "100"]).unwrap();
    // A connection for each, because those that are not read hold up the others of theirs.
    let [api, slow, quick, idle] = [(); 4].map(|()| daemon.api().unwrap());
    let first = churn(&api, 1).unwrap();
    let labels = (0..64).map(|number| (format!("label-{number}"), "x".repeat(255))).collect();
    let project = pb::Project { name: "large".to_owned(), labels, ..Default::default() };
    let large = api.create_project(pb::CreateProjectRequest { project: Some(project) }).unwrap();

    let mut slowly = Follower { revision: first, ..Default::default() };
    let mut watch_slowly = slowly.watch(&slow);
    let _stalled: Vec<_> = (0..50).map(|_| watch(&idle, first)).collect();
    let mut watch_quickly = watch(&quick, large.revision);
    let before = memory(&daemon);
    let mut seen = large.revision;
    let mut renamed = large.clone();
    for number in 0..600 {
        let (id, name) = (large.id.clone(), format!("{number}"));
        let project = Some(pb::Project { id, name, ..Default::default() });
        let update = pb::UpdateProjectRequest { project, update_mask: None };
        renamed = api.update_project(update).unwrap();
        // Who reads is told each at once.
        let response = next(&quick, &mut watch_quickly).unwrap();
        assert_eq!((response.revision, response.changes.len()), (seen + 1, 1));
        seen = response.revision;
    }
    assert_eq!(seen, renamed.revision);
    // 600 changes of 20 kB for each of 50 clients would be 600 MB.
    let grown = memory(&daemon).saturating_sub(before);
    assert!(grown < 200 << 20, "{} MB", grown >> 20);

    let end = slowly.follow(&slow, &mut watch_slowly, seen).unwrap_err();
    assert_eq!(end.code(), Code::OutOfRange, "{end}");
    let details = end.get_error_details();
    let info = details.error_info().unwrap();
    assert_eq!(info.reason, "REVISION_COMPACTED");
    let oldest: u64 = info.metadata["oldest_revision"].parse().unwrap();
    assert!((seen - 100..seen).contains(&oldest), "{oldest} of {seen}");
    assert!(slowly.revision < oldest, "{} is kept", slowly.revision);

    // What it has been told is true, and a snapshot brings it up to date.
    let mut anew = Follower::default();
    anew.follow(&slow, &mut anew.watch(&slow), seen).unwrap();
    assert_eq!(anew.projects, stored(&api));
    let mut resumed = watch(&slow, oldest);
    assert_eq!(next(&slow, &mut resumed).unwrap().revision, oldest + 1);
}

#[test]
fn a_client_whose_kinds_do_not_change_hears_how_far_it_is() {
    let daemon = Daemon::start(&[]).unwrap();
    let api = daemon.api().unwrap();
    churn(&api, 1).unwrap();
    let request = pb::WatchRequest { from_revision: 1, kinds: vec![Kind::Port.into()] };
    let mut watch =
        api.call(async |channel| ChangeServiceClient::new(channel).watch(request).await).unwrap();
    let message = api
        .block_on(async { tokio::time::timeout(Duration::from_secs(30), watch.message()).await });
    let response = message.expect("a reminder").unwrap().unwrap();
    let expected = pb::WatchResponse { revision: 2, complete: true, ..Default::default() };
    assert_eq!(response, expected);
}
