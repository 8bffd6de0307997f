//! Security groups, address groups, and the ports that have them.

#[path = "security_groups/rules.rs"]
mod rules;

use proto::v1::rule::{Direction, Ethertype, Remote};

use super::errors::check;
use super::*;

fn group(project: &pb::Project, name: &str, rules: Vec<pb::Rule>) -> pb::SecurityGroup {
    let (project_id, name) = (project.id.clone(), name.into());
    pb::SecurityGroup { project_id, name, rules, ..Default::default() }
}

fn addresses(project: &pb::Project, prefixes: &[&str]) -> pb::AddressGroup {
    pb::AddressGroup {
        project_id: project.id.clone(),
        name: "offices".into(),
        prefixes: prefixes.iter().map(|prefix| (*prefix).into()).collect(),
        ..Default::default()
    }
}

fn tcp(port: u32) -> pb::Rule {
    pb::Rule {
        direction: Direction::Ingress.into(),
        protocol: "tcp".into(),
        port_min: Some(port),
        ..Default::default()
    }
}

/// As answered: without what the server has chosen.
fn bare(rule: &pb::Rule) -> pb::Rule {
    assert!(rule.key > 0 && rule.id.parse::<uuid::Uuid>().is_ok(), "{rule:?}");
    pb::Rule { id: String::new(), key: 0, ..rule.clone() }
}

impl Api {
    async fn default_group(&self, project: &pb::Project) -> pb::SecurityGroup {
        let list = pb::ListSecurityGroupsRequest {
            project_id: project.id.clone(),
            name: "default".into(),
            ..Default::default()
        };
        let list = self.security_groups().list_security_groups(list).await.unwrap().into_inner();
        let [group] = <[_; 1]>::try_from(list.security_groups).unwrap();
        group
    }

    async fn add_rules(
        &self,
        group: &pb::SecurityGroup,
        rules: Vec<pb::Rule>,
    ) -> Result<pb::SecurityGroup, Status> {
        let security_group_id = group.id.clone();
        let request = pb::AddRulesRequest { security_group_id, rules, ..Default::default() };
        self.security_groups().add_rules(request).await.map(tonic::Response::into_inner)
    }

    async fn remove_rules(
        &self,
        group: &pb::SecurityGroup,
        rule_ids: Vec<String>,
    ) -> Result<pb::SecurityGroup, Status> {
        let security_group_id = group.id.clone();
        let request = pb::RemoveRulesRequest { security_group_id, rule_ids, ..Default::default() };
        self.security_groups().remove_rules(request).await.map(tonic::Response::into_inner)
    }

    async fn update_port(&self, port: pb::Port, paths: &[&str]) -> Result<pb::Port, Status> {
        let request = pb::UpdatePortRequest { port: Some(port), update_mask: mask(paths) };
        self.ports().update_port(request).await.map(tonic::Response::into_inner)
    }
}

#[tokio::test]
async fn every_project_has_a_default_group() {
    let api = Api::start().await;
    let project = api.project("acme").await;
    let group = api.default_group(&project).await;
    assert_eq!((group.key, group.is_default, group.stateful), (1, true, Some(true)));
    assert_eq!(group.revision, project.revision);
    let rule = |direction: Direction, ethertype: Ethertype, remote| pb::Rule {
        direction: direction.into(),
        ethertype: ethertype.into(),
        remote,
        ..Default::default()
    };
    let members = || Some(Remote::RemoteGroupId(group.id.clone()));
    assert_eq!(
        group.rules.iter().map(bare).collect::<Vec<_>>(),
        [
            rule(Direction::Egress, Ethertype::Ipv4, None),
            rule(Direction::Egress, Ethertype::Ipv6, None),
            rule(Direction::Ingress, Ethertype::Ipv4, members()),
            rule(Direction::Ingress, Ethertype::Ipv6, members()),
        ]
    );
    let delete = pb::DeleteSecurityGroupRequest { id: group.id, ..Default::default() };
    check(
        api.security_groups().delete_security_group(delete).await,
        "FailedPrecondition\n\
         DEFAULT_GROUP: security group # is the default of project #",
    );
    let delete = pb::DeleteProjectRequest { id: project.id, ..Default::default() };
    api.projects().delete_project(delete).await.unwrap();
    let list = api
        .security_groups()
        .list_security_groups(pb::ListSecurityGroupsRequest::default())
        .await
        .unwrap();
    assert!(list.into_inner().security_groups.is_empty());
}

#[tokio::test]
async fn an_address_group() {
    let api = Api::start().await;
    let project = api.project("acme").await;
    let asked = addresses(&project, &["2001:db8::/32", "10.0.0.0/8", "192.0.2.1"]);
    let made = api.create_address_group(asked.clone()).await.unwrap();
    assert_eq!(made.prefixes, ["10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32"]);
    let again = api.create_address_group(pb::AddressGroup { id: made.id.clone(), ..asked }).await;
    assert_eq!(again.unwrap(), made);
    let get = pb::GetAddressGroupRequest { id: made.id.clone() };
    assert_eq!(api.address_groups().get_address_group(get).await.unwrap().into_inner(), made);

    let rule = pb::Rule { remote: Some(Remote::RemoteAddressGroupId(made.id.clone())), ..tcp(80) };
    let web = api.create_security_group(group(&project, "web", vec![rule])).await.unwrap();
    let delete = || pb::DeleteAddressGroupRequest { id: made.id.clone(), ..Default::default() };
    check(
        api.address_groups().delete_address_group(delete()).await,
        "FailedPrecondition\nIN_USE: address group # is in use by rule #",
    );
    let update = pb::UpdateAddressGroupRequest {
        address_group: Some(pb::AddressGroup { id: made.id.clone(), ..Default::default() }),
        update_mask: mask(&["prefixes"]),
    };
    let updated = api.address_groups().update_address_group(update).await.unwrap().into_inner();
    assert!(updated.prefixes.is_empty());

    let list = pb::ListAddressGroupsRequest { project_id: project.id, ..Default::default() };
    let list = api.address_groups().list_address_groups(list).await.unwrap().into_inner();
    assert_eq!(list.address_groups, [updated]);
    api.remove_rules(&web, vec![web.rules[0].id.clone()]).await.unwrap();
    let deleted = api.address_groups().delete_address_group(delete()).await.unwrap().into_inner();
    assert_eq!(deleted.revision, api.revision().await);
}

#[tokio::test]
async fn the_groups_of_ports() {
    let api = Api::start().await;
    let (network, _) = api.network("10.0.0.0/24").await;
    let project = pb::Project { id: network.project_id.clone(), ..Default::default() };
    let default = api.default_group(&project).await;
    let web = api.create_security_group(group(&project, "web", vec![])).await.unwrap();
    let db = api.create_security_group(group(&project, "db", vec![])).await.unwrap();
    let usual = api.create_port(port(&network, "usual")).await.unwrap();
    assert_eq!(usual.security_group_ids, std::slice::from_ref(&default.id));
    let mut ids = [web.id.clone(), db.id.clone()];
    let asked = pb::Port { security_group_ids: ids.to_vec(), ..port(&network, "both") };
    let both = api.create_port(asked).await.unwrap();
    ids.sort();
    assert_eq!(both.security_group_ids, ids);

    let of_group = async |group: &pb::SecurityGroup| {
        let list =
            pb::ListPortsRequest { security_group_id: group.id.clone(), ..Default::default() };
        let list = api.ports().list_ports(list).await.unwrap().into_inner();
        list.ports.into_iter().map(|port| port.name).collect::<Vec<_>>()
    };
    assert_eq!(of_group(&default).await, ["usual"]);
    assert_eq!(of_group(&web).await, ["both"]);

    let none = pb::Port { id: both.id.clone(), ..Default::default() };
    let none = api.update_port(none, &["security_group_ids"]).await.unwrap();
    assert!(none.security_group_ids.is_empty());
    assert_ne!(none.etag, both.etag);
    let open =
        pb::Port { id: usual.id.clone(), port_security_enabled: Some(false), ..Default::default() };
    let open = api.update_port(open, &["port_security_enabled"]).await.unwrap();
    assert!(open.security_group_ids.is_empty());
    let again = pb::Port { port_security_enabled: Some(true), ..open };
    let again = api.update_port(again, &["port_security_enabled"]).await.unwrap();
    assert_eq!(again.security_group_ids, [default.id]);
}

#[tokio::test]
async fn all_of_it_is_there_after_a_restart() {
    let api = Api::start().await;
    let (network, _) = api.network("10.0.0.0/24").await;
    let project = pb::Project { id: network.project_id.clone(), ..Default::default() };
    let offices = api.create_address_group(addresses(&project, &["10.0.0.0/8"])).await.unwrap();
    let remote = Some(Remote::RemoteAddressGroupId(offices.id));
    let rules = vec![tcp(22), pb::Rule { remote, ..tcp(80) }];
    let web = api.create_security_group(group(&project, "web", rules)).await.unwrap();
    let asked = pb::Port { security_group_ids: vec![web.id.clone()], ..port(&network, "web-1") };
    api.create_port(asked).await.unwrap();
    api.remove_rules(&web, vec![web.rules[0].id.clone()]).await.unwrap();

    async fn everything(
        api: &Api,
    ) -> (Vec<pb::SecurityGroup>, Vec<pb::AddressGroup>, Vec<pb::Port>, u64) {
        let groups = api
            .security_groups()
            .list_security_groups(pb::ListSecurityGroupsRequest::default())
            .await
            .unwrap();
        let addresses = api
            .address_groups()
            .list_address_groups(pb::ListAddressGroupsRequest::default())
            .await
            .unwrap();
        let ports = api.ports().list_ports(pb::ListPortsRequest::default()).await.unwrap();
        let groups = groups.into_inner().security_groups;
        let addresses = addresses.into_inner().address_groups;
        (groups, addresses, ports.into_inner().ports, api.revision().await)
    }
    let before = everything(&api).await;
    assert_eq!((before.0.len(), before.1.len(), before.2.len()), (2, 1, 1));
    let api = api.restart().await;
    assert_eq!(everything(&api).await, before);

    let profiles = api.engine.read(|view| view.model.profiles().len()).await.unwrap();
    assert_eq!(profiles, 1);
    let more = api.add_rules(&web, vec![tcp(23)]).await.unwrap();
    let highest = web.rules.iter().map(|rule| rule.key).max().unwrap();
    assert_eq!(more.rules[1].key, highest + 1, "keys are not used again");
}

#[tokio::test]
async fn groups_of_other_projects_are_refused() {
    let api = Api::start().await;
    let (network, _) = api.network("10.0.0.0/24").await;
    let project = pb::Project { id: network.project_id.clone(), ..Default::default() };
    let theirs = api.default_group(&api.project("others").await).await;
    let asked = pb::Port { security_group_ids: vec![theirs.id.clone()], ..port(&network, "web") };
    check(
        api.create_port(asked).await,
        "InvalidArgument\n\
         port.security_group_ids[0]: # belongs to project #: expected #",
    );
    let rule = pb::Rule { remote: Some(Remote::RemoteGroupId(theirs.id)), ..tcp(1) };
    check(
        api.create_security_group(group(&project, "web", vec![rule])).await,
        "InvalidArgument\n\
         security_group.rules[0].remote_group_id: # belongs to project #: expected #",
    );
}
