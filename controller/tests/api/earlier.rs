//! What an earlier version of `weftd` stored is taken over.

use controller::store::StoreError;
use redb::{Database, TableDefinition};
use tokio::sync::oneshot;
use topology::key::Kind;
use topology::model::{PortId, ProjectId};
use uuid::{Uuid, uuid};

use super::*;

const PROJECT: Uuid = uuid!("11111111-1111-4111-8111-111111111111");
const SECURED: Uuid = uuid!("22222222-2222-4222-8222-222222222221");
const OPEN: Uuid = uuid!("22222222-2222-4222-8222-222222222222");

/// The rows of the version before security groups: the number of the kind, and JSON.
fn rows() -> Vec<(u8, Uuid, String)> {
    let meta = |name: &str, key: u32| {
        format!(
            r#"{{"key":{key},"name":"{name}","description":"","labels":{{}},"created":1000000,
                "updated":1000000,"revision":{key}}}"#
        )
    };
    let network = uuid!("33333333-3333-4333-8333-333333333333");
    let port = |id: Uuid, key: u32, security: bool| {
        let meta = meta("port", key);
        let port = format!(
            r#"{{"port":{{"id":"{id}","meta":{meta},"project":"{PROJECT}","network":"{network}",
                "mac":"fa:16:3e:00:00:0{key}","fixed_ips":[],"allowed_address_pairs":[],
                "port_security":{security},"admin_up":true,"requested_host":null,
                "bound_host":null}}}}"#
        );
        (4, id, port)
    };
    let project = meta("tenant", 1);
    let project = format!(r#"{{"project":{{"id":"{PROJECT}","meta":{project}}}}}"#);
    let meta = meta("network", 1);
    let segment = r#"{"type":"vxlan","vni":100}"#;
    let network_row = format!(
        r#"{{"network":{{"id":"{network}","meta":{meta},"project":"{PROJECT}",
            "segment":{segment},"mtu":1450,"shared":false,"port_security":true}}}}"#
    );
    vec![
        (1, PROJECT, project),
        (2, network, network_row),
        port(SECURED, 1, true),
        port(OPEN, 2, false),
    ]
}

/// Writes the file as that version did.
fn store(directory: &TempDir) {
    let database = Database::create(directory.path().join("weft.redb")).unwrap();
    let transaction = database.begin_write().unwrap();
    {
        let resources = TableDefinition::<(u8, u128), &[u8]>::new("resources");
        let mut resources = transaction.open_table(resources).unwrap();
        for (kind, id, json) in rows() {
            resources.insert((kind, id.as_u128()), json.as_bytes()).unwrap();
        }
        let keys = TableDefinition::<u8, u32>::new("next_keys");
        let mut keys = transaction.open_table(keys).unwrap();
        for (kind, key) in [(1, 2), (2, 2), (4, 3)] {
            keys.insert(kind, key).unwrap();
        }
        let header = TableDefinition::<&str, u64>::new("header");
        let mut header = transaction.open_table(header).unwrap();
        header.insert("format", 1).unwrap();
        header.insert("revision", 7).unwrap();
    }
    transaction.commit().unwrap();
}

fn start(directory: &TempDir) -> (Engine, oneshot::Receiver<Result<(), StoreError>>) {
    let (settings, zones) = (Settings::default(), Zones::default());
    Engine::start(directory.path(), settings, zones, Retention::default(), RemovalLimit::default())
        .unwrap()
}

/// The revision, the default group's id and next key, and the groups of both ports.
async fn found(engine: &Engine) -> (u64, Uuid, u32, [Vec<Uuid>; 2]) {
    let read = engine.read(|view| {
        let group = view.model.default_group(ProjectId(PROJECT)).unwrap();
        let groups = |port: Uuid| {
            let port = view.model.port(PortId(port)).unwrap();
            let profile = view.model.profile_of(port).map(|profile| &profile.groups);
            assert_eq!(profile, port.port_security.then_some(&port.security_groups));
            port.security_groups.iter().map(|group| group.0).collect()
        };
        let next_key = view.model.free_key(Kind::SecurityGroup).unwrap().get();
        (view.revision, group.id.0, next_key, [SECURED, OPEN].map(groups))
    });
    read.await.unwrap()
}

#[tokio::test]
async fn ports_of_the_version_before_security_groups_join_the_default_group() {
    let directory = TempDir::new().unwrap();
    store(&directory);
    let (engine, ended) = start(&directory);
    let (revision, group, next_key, groups) = found(&engine).await;
    assert_eq!((revision, next_key), (8, 2));
    assert_eq!(groups, [vec![group], vec![]]);
    drop(engine);
    ended.await.unwrap().unwrap();

    // The next start finds everything so, and changes nothing.
    let (engine, _ended) = start(&directory);
    assert_eq!(found(&engine).await, (8, group, 2, [vec![group], vec![]]));
}
