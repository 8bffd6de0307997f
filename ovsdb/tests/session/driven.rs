//! The tokio client, with a scripted server at the other end of a pipe.

use std::time::Duration;

use ovsdb::client::{Client, Disconnect, Updates};
use ovsdb::jsonrpc::Framer;
use ovsdb::session::{Options, SessionError};
use ovsdb::transact::{Comment, TransactError};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use crate::peer::{SINCE, schema_without, with_id};

/// The server's end of a pipe.
struct Server {
    pipe: DuplexStream,
    framer: Framer,
    unread: Vec<u8>,
}

impl Server {
    /// Reads the next message.
    async fn read(&mut self) -> Value {
        loop {
            let mut input = self.unread.as_slice();
            let text = self.framer.next(&mut input).unwrap();
            self.unread = input.to_vec();
            if let Some(text) = text {
                return serde_json::from_slice(&text).unwrap();
            }
            let count = self.pipe.read_buf(&mut self.unread).await.unwrap();
            assert_ne!(count, 0, "the client hung up");
        }
    }

    async fn write(&mut self, text: &str) {
        self.pipe.write_all(text.as_bytes()).await.unwrap();
    }

    async fn reply(&mut self, request: &Value, result: &Value) {
        let reply = json!({"id": request["id"], "result": result, "error": null});
        self.write(&reply.to_string()).await;
    }
}

/// A client that has the captured replica, and its server.
async fn connected() -> (Client, Updates, Server) {
    let (near, far) = tokio::io::duplex(4096);
    let (client, mut updates) = Client::connect(near, Options::default());
    let mut server = Server { pipe: far, framer: Framer::new(64 << 20), unread: Vec::new() };
    let schema = server.read().await;
    assert_eq!(client.replica(), None);
    server.reply(&schema, &schema_without(&[])).await;
    let monitor = server.read().await;
    server.write(&with_id(SINCE.reply, &monitor["id"])).await;
    let initial = updates.next().await.unwrap();
    assert!(initial.is_initial);
    assert_eq!(client.replica(), Some(initial.replica));
    (client, updates, server)
}

#[tokio::test]
async fn a_write_that_is_stuck_does_not_stop_the_reading() {
    let (client, mut updates, mut server) = connected().await;
    let large = Comment("x".repeat(1 << 20));
    let transact = tokio::spawn(async move { client.transact(large).await });
    // The request has begun to arrive, and does not fit into the pipe.
    server.pipe.read_buf(&mut server.unread).await.unwrap();
    server.write(SINCE.updates[0]).await;
    let update = updates.next().await.unwrap();
    assert!(update.replica.bridge_by_name("br-ex").is_some());
    assert!(!transact.is_finished());

    let request = server.read().await;
    server.reply(&request, &json!([{}])).await;
    assert!(transact.await.unwrap().is_ok());
}

#[tokio::test]
async fn only_so_many_transactions_are_in_flight() {
    let (client, _updates, mut server) = connected().await;
    let tasks: Vec<_> = (0..150)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.transact(Comment(String::new())).await })
        })
        .collect();
    let mut unanswered = Vec::new();
    for _ in 0..64 {
        unanswered.push(server.read().await);
    }
    // Probes are answered as ever; no further transaction comes with the answer.
    for _ in 0..3 {
        server.write(r#"{"id":"echo","method":"echo","params":[]}"#).await;
        assert_eq!(server.read().await["id"], "echo");
    }
    let mut answered = 0;
    while let Some(request) = unanswered.pop() {
        server.reply(&request, &json!([{}])).await;
        answered += 1;
        if answered + unanswered.len() < 150 {
            unanswered.push(server.read().await);
        }
    }
    assert_eq!(answered, 150);
    for task in tasks {
        assert!(task.await.unwrap().is_ok());
    }
}

#[tokio::test]
async fn an_error_is_told_to_everyone() {
    let (client, mut updates, mut server) = connected().await;
    let waiting = tokio::spawn({
        let client = client.clone();
        async move { client.transact(Comment(String::new())).await }
    });
    server.read().await;
    server.write("[]").await;
    let reason = "expected a JSON object, found a text that begins with byte 0x5b";
    assert_eq!(client.closed().await.to_string(), reason);
    assert_eq!(updates.next().await.unwrap_err().to_string(), reason);
    assert_eq!(waiting.await.unwrap(), Err(TransactError::Closed));
    assert_eq!(server.pipe.read_buf(&mut server.unread).await.unwrap(), 0, "it hangs up");
}

#[tokio::test]
async fn the_end_of_the_stream_is_told() {
    let (client, mut updates, server) = connected().await;
    drop(server);
    assert!(matches!(&*client.closed().await, Disconnect::Eof));
    assert!(matches!(&*updates.next().await.unwrap_err(), Disconnect::Eof));
}

/// A change and its reversal, neither looked at, are no change.
#[tokio::test]
async fn what_changed_back_is_not_reported() {
    let (client, mut updates, mut server) = connected().await;
    let root = client.replica().unwrap().root().unwrap().0;
    let flip = |value: i64| {
        let modify = json!({"Open_vSwitch": {root.to_string(): {"modify": {"cur_cfg": value}}}});
        let last = "00000000-0000-0000-0000-000000000000";
        json!({"id": null, "method": "update3", "params": ["weft", last, modify]}).to_string()
    };
    server.write(&flip(1)).await;
    server.write(&flip(0)).await;
    let transact = tokio::spawn(async move { client.transact(Comment(String::new())).await });
    let request = server.read().await;
    server.reply(&request, &json!([{}])).await;
    transact.await.unwrap().unwrap();
    // The client was dropped with the task: what comes next is the end, not an update.
    assert!(matches!(&*updates.next().await.unwrap_err(), Disconnect::Abandoned));
}

#[tokio::test(start_paused = true)]
async fn silence_is_noticed_by_the_clock_of_the_runtime() {
    let (client, _updates, mut server) = connected().await;
    let start = tokio::time::Instant::now();
    assert_eq!(server.read().await["method"], "echo");
    assert_eq!(start.elapsed(), Duration::from_secs(5));
    let end = client.closed().await;
    assert!(matches!(&*end, Disconnect::Session(SessionError::Silent(_))), "{end}");
    assert_eq!(start.elapsed().as_secs(), 10);
}
