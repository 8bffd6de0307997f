//! The client against ovsdb-server as distributions ship it. Each test has a server of its own.

// The lint knows tests by their attribute, and takes their helper functions for something else.
#![allow(clippy::unwrap_used)]

mod connections;
mod monitoring;
mod server;
mod tap;
mod transactions;

use std::time::Duration;

use ovsdb::client::{Client, Update, Updates};
use ovsdb::session::Options;
use server::Server;
use tokio::time::timeout;

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Connects to `server` and waits for the complete replica.
async fn connect(server: &Server) -> (Client, Updates) {
    let stream = tokio::net::UnixStream::connect(server.socket()).await.unwrap();
    let (client, mut updates) = Client::connect(stream, Options::default());
    let initial = next(&mut updates).await;
    assert!(initial.is_initial);
    (client, updates)
}

async fn next(updates: &mut Updates) -> Update {
    timeout(PATIENCE, updates.next()).await.expect("no update came").expect("connection ended")
}

/// Waits for an update that meets `condition`.
#[track_caller]
fn until<'a>(
    updates: &'a mut Updates,
    what: &'a str,
    condition: impl Fn(&Update) -> bool + 'a,
) -> impl Future<Output = Update> + 'a {
    let caller = std::panic::Location::caller();
    async move {
        let wait = async {
            loop {
                let update = updates.next().await.expect("connection ended");
                if condition(&update) {
                    return update;
                }
            }
        };
        timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("{caller}: never came: {what}"))
    }
}
