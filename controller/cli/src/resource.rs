//! The resources of the API, as far as commands treat them alike.

use std::collections::BTreeMap;

use prost_types::FieldMask;
use proto::v1 as pb;
use tonic::Status;
use tonic::transport::Channel;

use crate::print::Names;

/// A resource with the standard methods.
pub(crate) trait Resource: prost::Message + prost::Name + Clone + Default {
    /// What one is called, in lower case.
    const KIND: &'static str;

    /// Columns of a table.
    const COLUMNS: &'static [&'static str];

    /// Kinds of the resources whose names [`row`](Self::row) looks up.
    const NAMES: &'static [&'static str] = &[];

    /// Request of the List method, which carries the filter.
    type List: Clone + Default;

    /// Request of the Create method.
    type Create;

    /// The cells of the resource's row, as many as [`COLUMNS`](Self::COLUMNS).
    fn row(&self, names: &Names) -> Vec<String>;

    /// The fields that every resource has and clients may set.
    fn common(&self) -> Common<&String, &BTreeMap<String, String>>;

    /// The same, to be changed.
    fn common_mut(&mut self) -> Common<&mut String, &mut BTreeMap<String, String>>;

    /// `filter`, narrowed to resources of this name.
    fn named(filter: Self::List, name: &str) -> Self::List;

    /// The request to make this.
    fn creation(self) -> Self::Create;

    /// Asks for a resource to be made.
    async fn create(channel: Channel, request: Self::Create) -> Result<Self, Status>;

    /// Fetches a resource.
    async fn fetch(channel: Channel, id: &str) -> Result<Self, Status>;

    /// Fetches the page that `token` stands for, and the token of the next.
    async fn page(
        channel: Channel,
        filter: Self::List,
        token: String,
    ) -> Result<(Vec<Self>, String), Status>;

    /// Asks for the fields in `mask` to be replaced.
    async fn update(self, channel: Channel, mask: FieldMask) -> Result<Self, Status>;

    /// Asks for a resource to be deleted; answers the store revision.
    async fn delete(channel: Channel, id: &str) -> Result<u64, Status>;
}

/// The fields that every resource has and clients may set.
pub(crate) struct Common<Text, Labels> {
    /// UUID.
    pub(crate) id: Text,
    /// Name for people.
    pub(crate) name: Text,
    /// Free text.
    pub(crate) description: Text,
    /// Free labels.
    pub(crate) labels: Labels,
    /// Opaque version.
    pub(crate) etag: Text,
}

/// Implements [`Resource`] by calls of the generated client.
///
/// `table` gives the table's columns, the kinds whose names its cells show, and
/// the function that makes a row.
macro_rules! resource {
    (
        $resource:ident as $field:ident, $fields:ident of $module:ident::$client:ident;
        $create:ident $create_request:ident,
        $get:ident $get_request:ident,
        $list:ident $list_request:ident,
        $update:ident $update_request:ident,
        $delete:ident $delete_request:ident;
        table $columns:expr, $names:expr, $row:path
    ) => {
        impl Resource for pb::$resource {
            const KIND: &'static str = stringify!($field);
            const COLUMNS: &'static [&'static str] = $columns;
            const NAMES: &'static [&'static str] = $names;

            type List = pb::$list_request;

            type Create = pb::$create_request;

            fn row(&self, names: &Names) -> Vec<String> {
                $row(self, names)
            }

            fn common(&self) -> Common<&String, &BTreeMap<String, String>> {
                let Self { id, name, description, labels, etag, .. } = self;
                Common { id, name, description, labels, etag }
            }

            fn common_mut(&mut self) -> Common<&mut String, &mut BTreeMap<String, String>> {
                let Self { id, name, description, labels, etag, .. } = self;
                Common { id, name, description, labels, etag }
            }

            fn named(filter: Self::List, name: &str) -> Self::List {
                pb::$list_request { name: name.to_owned(), ..filter }
            }

            #[allow(clippy::needless_update, reason = "most requests carry nothing else")]
            fn creation(self) -> Self::Create {
                pb::$create_request { $field: Some(self), ..Default::default() }
            }

            async fn create(channel: Channel, request: Self::Create) -> Result<Self, Status> {
                let answer = pb::$module::$client::new(channel).$create(request).await?;
                Ok(answer.into_inner())
            }

            async fn fetch(channel: Channel, id: &str) -> Result<Self, Status> {
                let request = pb::$get_request { id: id.to_owned() };
                let answer = pb::$module::$client::new(channel).$get(request).await?;
                Ok(answer.into_inner())
            }

            async fn page(
                channel: Channel,
                filter: Self::List,
                page_token: String,
            ) -> Result<(Vec<Self>, String), Status> {
                let request = pb::$list_request { page_token, ..filter };
                let answer = pb::$module::$client::new(channel).$list(request).await?.into_inner();
                Ok((answer.$fields, answer.next_page_token))
            }

            async fn update(self, channel: Channel, mask: FieldMask) -> Result<Self, Status> {
                let request = pb::$update_request { $field: Some(self), update_mask: Some(mask) };
                let answer = pb::$module::$client::new(channel).$update(request).await?;
                Ok(answer.into_inner())
            }

            async fn delete(channel: Channel, id: &str) -> Result<u64, Status> {
                let request = pb::$delete_request { id: id.to_owned(), ..Default::default() };
                let answer = pb::$module::$client::new(channel).$delete(request).await?;
                Ok(answer.into_inner().revision)
            }
        }
    };
}

resource! {
    Project as project, projects of project_service_client::ProjectServiceClient;
    create_project CreateProjectRequest,
    get_project GetProjectRequest,
    list_projects ListProjectsRequest,
    update_project UpdateProjectRequest,
    delete_project DeleteProjectRequest;
    table crate::project::COLUMNS, &[], crate::project::row
}

resource! {
    Network as network, networks of network_service_client::NetworkServiceClient;
    create_network CreateNetworkRequest,
    get_network GetNetworkRequest,
    list_networks ListNetworksRequest,
    update_network UpdateNetworkRequest,
    delete_network DeleteNetworkRequest;
    table crate::network::COLUMNS, &[pb::Project::KIND], crate::network::row
}

resource! {
    Subnet as subnet, subnets of subnet_service_client::SubnetServiceClient;
    create_subnet CreateSubnetRequest,
    get_subnet GetSubnetRequest,
    list_subnets ListSubnetsRequest,
    update_subnet UpdateSubnetRequest,
    delete_subnet DeleteSubnetRequest;
    table crate::subnet::COLUMNS, &[pb::Network::KIND], crate::subnet::row
}

resource! {
    Port as port, ports of port_service_client::PortServiceClient;
    create_port CreatePortRequest,
    get_port GetPortRequest,
    list_ports ListPortsRequest,
    update_port UpdatePortRequest,
    delete_port DeletePortRequest;
    table crate::port::COLUMNS, &[pb::Network::KIND], crate::port::row
}

resource! {
    SecurityGroup as security_group,
    security_groups of security_group_service_client::SecurityGroupServiceClient;
    create_security_group CreateSecurityGroupRequest,
    get_security_group GetSecurityGroupRequest,
    list_security_groups ListSecurityGroupsRequest,
    update_security_group UpdateSecurityGroupRequest,
    delete_security_group DeleteSecurityGroupRequest;
    table crate::secgroup::COLUMNS, &[pb::Project::KIND], crate::secgroup::row
}

resource! {
    AddressGroup as address_group,
    address_groups of address_group_service_client::AddressGroupServiceClient;
    create_address_group CreateAddressGroupRequest,
    get_address_group GetAddressGroupRequest,
    list_address_groups ListAddressGroupsRequest,
    update_address_group UpdateAddressGroupRequest,
    delete_address_group DeleteAddressGroupRequest;
    table crate::address_group::COLUMNS, &[pb::Project::KIND], crate::address_group::row
}

resource! {
    Host as host, hosts of host_service_client::HostServiceClient;
    create_host CreateHostRequest,
    get_host GetHostRequest,
    list_hosts ListHostsRequest,
    update_host UpdateHostRequest,
    delete_host DeleteHostRequest;
    table crate::host::COLUMNS, &[], crate::host::row
}
