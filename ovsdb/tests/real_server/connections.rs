//! Connections come, stay and go.

use std::sync::Arc;
use std::time::Duration;

use ovsdb::client::{Client, Dialer, Disconnect, Endpoint};
use ovsdb::session::{Options, SessionError};
use ovsdb::transact::{Comment, TransactError};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::time::timeout;

use crate::server::Server;
use crate::tap::Tap;
use crate::{PATIENCE, connect, next, until};

async fn end_of(client: &Client) -> Arc<Disconnect> {
    timeout(PATIENCE, client.closed()).await.expect("the connection does not end")
}

#[tokio::test]
async fn a_restarted_server_is_dialled_again_and_its_replica_replaces_the_old_one() {
    let mut server = Server::start();
    server.vsctl(&["add-br", "br-old", "--", "add-br", "br-kept"]);
    for endpoint in
        [format!("unix:{}", server.socket().display()), format!("tcp:127.0.0.1:{}", server.port())]
    {
        let mut dialer = Dialer::new(endpoint.parse::<Endpoint>().unwrap(), Options::default());
        let (client, mut updates) = dialer.dial().await.unwrap();
        let before = next(&mut updates).await.replica;
        let (kept, _) = before.bridge_by_name("br-kept").unwrap();

        server.stop();
        assert!(matches!(&*end_of(&client).await, Disconnect::Eof | Disconnect::Io(_)));
        assert!(updates.next().await.is_err());
        assert_eq!(
            client.transact(Comment("too late".to_owned())).await,
            Err(TransactError::Closed)
        );
        let refused = dialer.dial().await.expect_err("nobody listens");
        assert!(refused.to_string().starts_with(&format!("cannot connect to {endpoint}: ")));
        // While nobody watches, a bridge goes (by garbage collection) and a key comes.
        server.transact_offline(&format!(
            r#"["Open_vSwitch",
                {{"op":"update","table":"Open_vSwitch","where":[],
                  "row":{{"bridges":["uuid","{kept}"],"external_ids":["map",[["new","1"]]]}}}}]"#
        ));
        server.resume();

        let (_client, mut updates) = dialer.dial().await.unwrap();
        let first = next(&mut updates).await;
        assert!(first.is_initial, "the first thing seen is the complete replica");
        let replica = first.replica;
        assert!(replica.bridge_by_name("br-old").is_none());
        assert_eq!(replica.bridge_by_name("br-kept"), before.bridge_by_name("br-kept"));
        assert_eq!(replica.root().unwrap().1.external_ids["new"], "1");
        let changes = replica.changes_since(&before);
        // The bridge, its port and its interface, and the root; br-kept did not change.
        assert_eq!(changes.len(), 4, "{changes:?}");

        server.vsctl(&[
            "add-br",
            "br-old",
            "--",
            "remove",
            "open_vswitch",
            ".",
            "external_ids",
            "new",
        ]);
        until(&mut updates, "the new bridge", |update| {
            update.replica.bridge_by_name("br-old").is_some()
        })
        .await;
    }
}

#[tokio::test]
async fn a_server_may_dial_us() {
    let server = Server::start();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("tcp:{}", listener.local_addr().unwrap());
    server.vsctl(&["set-manager", &target]);
    let (stream, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    let (client, mut updates) = Client::connect(stream, Options::default());
    until(&mut updates, "the manager is connected", |update| {
        update.replica.managers.iter().any(|(_, row)| row.target == target && row.is_connected)
    })
    .await;
    client.transact(Comment("we met".to_owned())).await.unwrap();

    // Hanging up makes it dial again.
    drop(client);
    assert!(matches!(&*updates.next().await.unwrap_err(), Disconnect::Abandoned));
    let (stream, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    let (_client, mut updates) = Client::connect(stream, Options::default());
    assert!(next(&mut updates).await.is_initial);
}

#[tokio::test]
async fn the_servers_probes_are_answered() {
    let server = Server::start();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let target = format!("tcp:{}", listener.local_addr().unwrap());
    // The server cannot be made to probe more often than every second.
    server.vsctl(&[
        "set-manager",
        &target,
        "--",
        "set",
        "manager",
        &target,
        "inactivity_probe=1000",
    ]);
    let (stream, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    let (stream, mut record) = Tap::new(stream, &[]);
    let options = Options { probe_interval: None, ..Options::default() };
    let (client, _never_read) = Client::connect(stream, options);
    // A second probe comes only to a connection that answered the first.
    record.received("\"echo\"", 3).await;
    assert!(record.sent("\"id\":\"echo\"") >= 2);
    client.transact(Comment("still here".to_owned())).await.unwrap();
}

#[tokio::test]
async fn a_server_that_was_probed_early_is_back_without_waiting_longer() {
    const PROBES: &[Duration] = &[Duration::from_millis(1_500), Duration::from_millis(2_500)];
    let server = Server::start();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    server.vsctl(&["set-manager", &format!("tcp:{}", listener.local_addr().unwrap())]);
    for early_probes in [&[], &[], PROBES] {
        let (stream, _) = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
        let (stream, mut record) = Tap::new(stream, &[]);
        let options = Options { probe_interval: None, early_probes, ..Options::default() };
        let (client, mut updates) = Client::connect(stream, options);
        next(&mut updates).await;
        record.received("\"result\":[]", early_probes.len()).await;
        drop(client);
    }
    let _again = timeout(PATIENCE, listener.accept()).await.unwrap().unwrap();
    // The first connection was not waited for, the second one for a second, the third one for two.
    let said = server.said_after_connections(3);
    let waits: Vec<_> = said.iter().map(|line| line.contains("waiting 2 seconds")).collect();
    assert_eq!(waits, [false, true, false], "{said:#?}");
}

#[tokio::test]
async fn a_silent_server_is_probed_and_then_given_up() {
    let server = Server::start();
    let interval = Duration::from_millis(100);
    let options = Options { probe_interval: Some(interval), ..Options::default() };
    let stream = UnixStream::connect(server.socket()).await.unwrap();
    let (stream, mut record) = Tap::new(stream, &[]);
    let (client, mut updates) = Client::connect(stream, options);
    next(&mut updates).await;
    // Replies to our probes: results that are empty arrays.
    record.received("\"result\":[]", 3).await;
    assert!(record.sent("\"method\":\"echo\"") >= 3);

    server.signal("-STOP");
    let end = end_of(&client).await;
    assert!(matches!(&*end, Disconnect::Session(SessionError::Silent(_))), "{end}");
    server.signal("-CONT");
}

#[tokio::test]
async fn what_is_no_database_server_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (client, _updates) =
        Client::connect(TcpStream::connect(address).await.unwrap(), Options::default());
    let (mut stream, _) = listener.accept().await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, b"SSH-2.0-OpenSSH_9.2\r\n").await.unwrap();
    assert_eq!(
        end_of(&client).await.to_string(),
        "expected a JSON object, found a text that begins with byte 0x53"
    );
}

#[tokio::test]
async fn clients_share_a_connection_until_the_last_is_dropped() {
    let server = Server::start();
    let (client, mut updates) = connect(&server).await;
    let other = client.clone();
    drop(client);
    other.transact(Comment("one left".to_owned())).await.unwrap();
    drop(other);
    let end = timeout(PATIENCE, updates.next()).await.unwrap().unwrap_err();
    assert!(matches!(&*end, Disconnect::Abandoned), "{end}");
}
