//! Transactions do what they say, or nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use ovsdb::Uuid;
use ovsdb::client::Client;
use ovsdb::replica::Table;
use ovsdb::transact::{
    Abort, Comment, Commit, Condition, Delete, Insert, Mutate, Mutator, OpResult, Select,
    TransactError, Transaction, Until, Update, Wait,
};
use ovsdb::value::{Atom, Datum};

use crate::connect;
use crate::server::Server;

/// A bridge with a port and an interface, in the root's set of bridges.
fn add_bridge(name: &str) -> Transaction {
    let mut transaction = Transaction::new();
    let interface = transaction
        .insert(Insert::into(Table::Interface).set("name", name).set("type", "internal"));
    let port = transaction
        .insert(Insert::into(Table::Port).set("name", name).set("interfaces", interface));
    let bridge = transaction.insert(
        Insert::into(Table::Bridge)
            .set("name", name)
            .set("ports", port)
            .set("fail_mode", "secure")
            .set("protocols", Datum::set(["OpenFlow13"])),
    );
    transaction.push(Mutate::table(Table::OpenVSwitch).insert("bridges", bridge));
    transaction
}

async fn error_of(client: &Client, transaction: impl Into<Transaction>) -> TransactError {
    let before = client.replica();
    let error = client.transact(transaction).await.expect_err("the transaction must fail");
    assert_eq!(client.replica(), before, "a failed transaction changes nothing");
    error
}

#[tokio::test]
async fn named_rows_make_a_bridge_with_port_and_interface() {
    let server = Server::start();
    let (client, _updates) = connect(&server).await;
    let results = client.transact(add_bridge("br-int")).await.unwrap();

    // The effects are in the replica when the reply is there.
    let replica = client.replica().unwrap();
    let (uuid, bridge) = replica.bridge_by_name("br-int").expect("the bridge");
    let (port, _) = replica.ports_of(bridge).next().expect("its port");
    let (interface, row) = replica.interfaces_on(bridge).next().expect("its interface");
    let inserted = [interface, port, uuid].map(OpResult::Inserted);
    assert_eq!(results[..3], inserted);
    assert_eq!(results[3], OpResult::Count(1));
    assert_eq!((row.name.as_str(), row.kind.as_str()), ("br-int", "internal"));

    assert_eq!(server.vsctl(&["list-br"]), "br-int\n");
    assert_eq!(server.vsctl(&["get-fail-mode", "br-int"]), "secure\n");
}

#[tokio::test]
async fn every_operation_has_its_result() {
    let server = Server::start();
    let (client, _updates) = connect(&server).await;
    client.transact(add_bridge("br-int")).await.unwrap();

    let by_name = || Condition::equals("name", "br-int");
    let ids = [("a".to_owned(), "1".to_owned()), ("b".to_owned(), "2".to_owned())];
    let mut transaction = Transaction::new();
    transaction.push(Comment("every operation".to_owned()));
    transaction.push(
        Wait::table(Table::Bridge, ["fail_mode"], Until::Equal)
            .filter(by_name())
            .row([("fail_mode", Datum::from("secure"))])
            .timeout(Duration::ZERO),
    );
    transaction.push(Update::table(Table::Bridge).filter(by_name()).set("fail_mode", None::<&str>));
    transaction.push(Mutate::table(Table::OpenVSwitch).mutation("next_cfg", Mutator::Add, 5));
    transaction.push(
        Mutate::table(Table::Bridge).filter(by_name()).put("external_ids", ids.clone().into()),
    );
    transaction.push(Select::from(Table::Bridge).filter(by_name()).column("external_ids"));
    transaction.push(Delete::from(Table::Bridge).filter(Condition::equals("name", "absent")));
    transaction.push(Commit { durable: true });
    let results = client.transact(transaction).await.unwrap();
    let selected = [("external_ids".to_owned(), Datum::map(ids.clone()))];
    assert_eq!(
        results,
        [
            OpResult::Done,
            OpResult::Done,
            OpResult::Count(1),
            OpResult::Count(1),
            OpResult::Count(1),
            OpResult::Rows(vec![selected.into()]),
            OpResult::Count(0),
            OpResult::Done,
        ]
    );
    let replica = client.replica().unwrap();
    assert_eq!(replica.root().unwrap().1.next_cfg, 5);
    let (_, bridge) = replica.bridge_by_name("br-int").unwrap();
    assert_eq!(bridge.fail_mode, None);
    assert_eq!(bridge.external_ids, ids.into());

    // Other keys stay when some are put.
    let put = [("b".to_owned(), "3".to_owned())].into();
    client.transact(Mutate::table(Table::Bridge).put("external_ids", put)).await.unwrap();
    assert_eq!(server.vsctl(&["get", "bridge", "br-int", "external_ids"]), "{a=\"1\", b=\"3\"}\n");
}

#[tokio::test]
async fn errors_name_the_operation_that_failed() {
    let server = Server::start();
    let (client, _updates) = connect(&server).await;
    client.transact(add_bridge("br-int")).await.unwrap();

    let mut transaction = Transaction::new();
    transaction.push(Comment("goes well".to_owned()));
    transaction.push(Update::table(Table::Bridge).set("colour", "red"));
    transaction.push(Comment("is not reached".to_owned()));
    let error = error_of(&client, transaction).await;
    let TransactError::Operation { index: 1, operation, error, details: Some(details) } = &error
    else {
        panic!("{error:?}")
    };
    assert_eq!((operation.as_str(), error.as_str()), ("update Bridge", "unknown column"));
    assert!(details.contains("colour"), "{details}");

    let update = Update::table(Table::Bridge).set("fail_mode", "lenient");
    let error = error_of(&client, update).await;
    assert!(error.to_string().starts_with("operation 0 (update Bridge): constraint violation ("));

    let wait = Wait::table(Table::Bridge, ["name"], Until::Equal)
        .row([("name", Datum::from("br-ex"))])
        .timeout(Duration::ZERO);
    let error = error_of(&client, wait).await;
    assert!(error.to_string().starts_with("operation 0 (wait Bridge): timed out"), "{error}");

    let mut rehearsal = add_bridge("br-ex");
    rehearsal.push(Abort);
    assert_eq!(
        error_of(&client, rehearsal).await.to_string(),
        "operation 4 (abort): aborted (aborted by request)"
    );

    // What only shows when all is done is an error of the commit.
    let error = error_of(&client, add_bridge("br-int")).await;
    assert!(
        matches!(&error, TransactError::Commit { error, .. } if error == "constraint violation")
    );
    let dangling = Mutate::table(Table::Bridge).insert("ports", Uuid::from_u128(1));
    let error = error_of(&client, dangling).await;
    let TransactError::Commit { error, .. } = error else { panic!("{error:?}") };
    assert_eq!(error, "referential integrity violation");

    // And the connection is as good as before.
    client.transact(add_bridge("br-ex")).await.unwrap();
    assert_eq!(client.replica().unwrap().bridges.len(), 2);
}

#[tokio::test]
async fn transactions_in_flight_are_told_apart() {
    let server = Server::start();
    let (client, _updates) = connect(&server).await;
    // More than are let out at a time, the first of them held up by the server.
    let wait = Wait::table(Table::OpenVSwitch, ["next_cfg"], Until::Equal)
        .row([("next_cfg", Datum::from(200))]);
    let held = tokio::spawn({
        let client = client.clone();
        async move { client.transact(wait).await }
    });
    let tasks: Vec<_> = (0..200)
        .map(|_| {
            let client = client.clone();
            let mut transaction = Transaction::new();
            transaction.push(Mutate::table(Table::OpenVSwitch).mutation(
                "next_cfg",
                Mutator::Add,
                1,
            ));
            transaction.push(Select::from(Table::OpenVSwitch).column("next_cfg"));
            tokio::spawn(async move { client.transact(transaction).await.unwrap() })
        })
        .collect();
    let mut seen = BTreeSet::new();
    for task in tasks {
        let results = task.await.unwrap();
        let OpResult::Rows(rows) = &results[1] else { panic!("{results:?}") };
        let Datum::Set(atoms) = &rows[0]["next_cfg"] else { panic!("{rows:?}") };
        let Some(Atom::Integer(number)) = atoms.first() else { panic!("{atoms:?}") };
        seen.insert(*number);
    }
    assert_eq!(seen, (1..=200).collect());
    assert_eq!(held.await.unwrap(), Ok(vec![OpResult::Done]));
}
