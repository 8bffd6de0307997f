//! The tables and columns: names and meanings are those of `ovs-vswitchd.conf.db(5)`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use super::field::{ColumnError, Field, How};
use super::rows::{Row, Rows};
use crate::schema::{Column, Presence};
use crate::value::Datum;

/// Defines the replica, its tables, and their rows with the columns that each field mirrors.
macro_rules! replica {
    ($(
        $(#[$row_doc:meta])*
        $table:ident($name:literal): $row:ident in $rows:ident {
            $( $(#[$doc:meta])* $presence:ident $column:literal => $field:ident: $type:ty, )*
        }
    )*) => {
        /// A table that the replica has.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum Table {
            $(
                #[doc = concat!("`", $name, "`: rows are [`", stringify!($row), "`]")]
                $table,
            )*
        }

        impl Table {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$table),*];

            /// The table's name in the database.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$table => $name),* }
            }

            /// The columns of it that the replica has.
            pub const fn columns(self) -> &'static [Column] {
                match self { $(Self::$table => <$row as Row>::COLUMNS),* }
            }
        }

        /// A consistent copy of the database: the state after some transaction, none in part.
        #[derive(Clone, Debug, Default, Eq, PartialEq)]
        pub struct Replica {
            /// The columns that the server has, of those that a replica can have, by table.
            pub columns: Arc<BTreeMap<&'static str, Vec<&'static str>>>,
            $(
                #[doc = concat!("The table `", $name, "`.")]
                pub $rows: Rows<$row>,
            )*
        }

        impl Replica {
            /// How many rows there are, in all tables.
            pub fn row_count(&self) -> usize {
                [$(self.$rows.len()),*].into_iter().sum()
            }

            /// Calls `visit` with each table and the rows of it that differ from `older`'s.
            pub(super) fn differing(&self, older: &Self, mut visit: impl FnMut(Table, Vec<Uuid>)) {
                $( visit(Table::$table, self.$rows.differing(&older.$rows)); )*
            }
        }

        $(
            $(#[$row_doc])*
            #[derive(Clone, Debug, Default, Eq, PartialEq)]
            pub struct $row {
                $( $(#[$doc])* pub $field: $type, )*
            }

            impl Row for $row {
                const COLUMNS: &'static [Column] = &[$(Column {
                    name: $column,
                    column_type: <$type as Field>::TYPE,
                    presence: Presence::$presence,
                }),*];

                fn rows(replica: &mut Replica) -> &mut Rows<Self> {
                    &mut replica.$rows
                }

                fn change(
                    &mut self,
                    column: &str,
                    datum: Datum,
                    how: How,
                ) -> Result<(), ColumnError> {
                    match column {
                        $( $column => self.$field.change(datum, how), )*
                        _ => Err(ColumnError::Unknown),
                    }
                }

                fn heap_size(&self) -> usize {
                    0 $( + Field::heap_size(&self.$field) )*
                }
            }
        )*
    };
}

replica! {
    /// The configuration of one host: the root of everything, a single row.
    OpenVSwitch("Open_vSwitch"): OpenVSwitch in open_vswitch {
        /// Version of Open vSwitch, such as `3.1.0`.
        Optional "ovs_version" => ovs_version: Option<String>,
        /// Keys for other programs; `system-id` names the host.
        Required "external_ids" => external_ids: BTreeMap<String, String>,
        /// Settings of the daemon.
        Required "other_config" => other_config: BTreeMap<String, String>,
        /// The host's bridges.
        Required "bridges" => bridges: BTreeSet<Uuid>,
        /// Where the database server listens and whom it dials.
        Required "manager_options" => manager_options: BTreeSet<Uuid>,
        /// The datapath types that the daemon supports.
        Optional "datapath_types" => datapath_types: BTreeSet<String>,
        /// Settings of the datapaths, by type (`system`, `netdev`).
        Optional "datapaths" => datapaths: BTreeMap<String, Uuid>,
        /// Number of the configuration that was asked for: a client increments it.
        Required "next_cfg" => next_cfg: i64,
        /// Number of the configuration that the daemon has carried out.
        Required "cur_cfg" => cur_cfg: i64,
    }

    /// A bridge: an OpenFlow switch.
    Bridge("Bridge"): Bridge in bridges {
        /// Name, unique on the host.
        Required "name" => name: String,
        /// Its ports.
        Required "ports" => ports: BTreeSet<Uuid>,
        /// Its OpenFlow controllers.
        Required "controller" => controller: BTreeSet<Uuid>,
        /// What it does without a controller: `standalone` or `secure`.
        Required "fail_mode" => fail_mode: Option<String>,
        /// Its datapath: `system` (also when empty) or `netdev`.
        Required "datapath_type" => datapath_type: String,
        /// The OpenFlow datapath id, 16 hexadecimal digits.
        Required "datapath_id" => datapath_id: Option<String>,
        /// OpenFlow versions it speaks, such as `OpenFlow13`; none means the default.
        Required "protocols" => protocols: BTreeSet<String>,
        /// Settings, such as `disable-in-band`.
        Required "other_config" => other_config: BTreeMap<String, String>,
        /// Keys for other programs.
        Required "external_ids" => external_ids: BTreeMap<String, String>,
        /// Settings of its OpenFlow tables, by table number.
        Required "flow_tables" => flow_tables: BTreeMap<i64, Uuid>,
    }

    /// A port of a bridge.
    Port("Port"): Port in ports {
        /// Name, unique on the host.
        Required "name" => name: String,
        /// Its interface, or several of a bond.
        Required "interfaces" => interfaces: BTreeSet<Uuid>,
        /// VLAN of an access port, 0 to 4095.
        Required "tag" => tag: Option<i64>,
        /// Keys for other programs.
        Required "external_ids" => external_ids: BTreeMap<String, String>,
    }

    /// A network device attached to a port.
    Interface("Interface"): Interface in interfaces {
        /// Name, unique on the host.
        Required "name" => name: String,
        /// The column `type`: empty for a system device, `internal`, `vxlan`, `patch`, …
        Required "type" => kind: String,
        /// Settings that depend on the type, such as `remote_ip` and `peer`.
        Required "options" => options: BTreeMap<String, String>,
        /// OpenFlow port number; −1 when the device could not be set up.
        Required "ofport" => ofport: Option<i64>,
        /// The OpenFlow port number it should get, 1 to 65279.
        Optional "ofport_request" => ofport_request: Option<i64>,
        /// Whether the device is administratively `up` or `down`.
        Optional "admin_state" => admin_state: Option<String>,
        /// Whether its link is `up` or `down`.
        Optional "link_state" => link_state: Option<String>,
        /// Its MAC address.
        Optional "mac_in_use" => mac_in_use: Option<String>,
        /// Its MTU in bytes.
        Optional "mtu" => mtu: Option<i64>,
        /// Why the device could not be set up.
        Optional "error" => error: Option<String>,
        /// Keys for other programs; `iface-id` names the virtual port it belongs to.
        Required "external_ids" => external_ids: BTreeMap<String, String>,
    }

    /// An OpenFlow controller of a bridge.
    Controller("Controller"): Controller in controllers {
        /// Where it is, such as `tcp:192.0.2.1:6633`.
        Required "target" => target: String,
        /// Whether the bridge is connected to it.
        Required "is_connected" => is_connected: bool,
        /// `in-band` or `out-of-band`.
        Required "connection_mode" => connection_mode: Option<String>,
        /// Idle time in milliseconds after which the bridge probes; 0 means never.
        Required "inactivity_probe" => inactivity_probe: Option<i64>,
        /// Longest wait in milliseconds between attempts to connect.
        Required "max_backoff" => max_backoff: Option<i64>,
        /// Its OpenFlow role: `other`, `master` or `slave`.
        Optional "role" => role: Option<String>,
        /// State of the connection, such as `last_error`.
        Optional "status" => status: BTreeMap<String, String>,
        /// Keys for other programs.
        Required "external_ids" => external_ids: BTreeMap<String, String>,
    }

    /// A client of the database that the server dials or listens for.
    Manager("Manager"): Manager in managers {
        /// Where it is, such as `tcp:192.0.2.1:6640` or `ptcp:6640`.
        Required "target" => target: String,
        /// Whether it is connected.
        Required "is_connected" => is_connected: bool,
        /// Keys for other programs.
        Optional "external_ids" => external_ids: BTreeMap<String, String>,
    }

    /// Settings of a datapath, which the bridges of one type share.
    Datapath("Datapath"): Datapath in datapaths {
        /// Settings of its conntrack zones, by zone.
        Optional "ct_zones" => ct_zones: BTreeMap<i64, Uuid>,
        /// Keys for other programs.
        Optional "external_ids" => external_ids: BTreeMap<String, String>,
    }

    /// Settings of a conntrack zone.
    CtZone("CT_Zone"): CtZone in ct_zones {
        /// Most connections in the zone, 0 for no limit of its own; since Open vSwitch 3.3.
        Optional "limit" => limit: Option<i64>,
        /// Keys for other programs.
        Optional "external_ids" => external_ids: BTreeMap<String, String>,
    }

    /// Settings of an OpenFlow table.
    FlowTable("Flow_Table"): FlowTable in flow_tables {
        /// The table's name.
        Required "name" => name: Option<String>,
        /// Keys for other programs.
        Optional "external_ids" => external_ids: BTreeMap<String, String>,
    }
}

impl AsRef<str> for Table {
    fn as_ref(&self) -> &str {
        self.name()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
