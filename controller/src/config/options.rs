use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU32, NonZeroU64};
use std::path::PathBuf;

use clap::Parser;
use serde::Deserialize;

use super::LogFormat;
use super::value::{Age, GrpcAddress, Range};
use crate::switch::{ForeignFlows, OnDrift};

/// What flags, environment and file can say; everything is optional in each of them.
#[derive(Clone, Debug, Default, Deserialize, Parser)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(super) struct Options {
    /// Directory of the store, made when it is not there [default: /var/lib/weft]
    #[arg(long, env = "WEFT_DATA_DIR", value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,
    /// Where switches connect; may be given several times. Hosts are pointed at the first
    /// [default: 0.0.0.0:6633 and 0.0.0.0:6653]
    #[arg(long, env = "WEFT_OPENFLOW_LISTEN", value_name = "ADDR:PORT", value_delimiter = ',')]
    pub(super) openflow_listen: Option<Vec<SocketAddr>>,
    /// Where hosts' OVSDB servers connect; may be given several times [default: 0.0.0.0:6640]
    #[arg(long, env = "WEFT_OVSDB_LISTEN", value_name = "ADDR:PORT", value_delimiter = ',')]
    pub(super) ovsdb_listen: Option<Vec<SocketAddr>>,
    /// Where gRPC clients connect: ADDR:PORT or unix:PATH; may be given several times
    /// [default: 127.0.0.1:50051]
    #[arg(
        long,
        env = "WEFT_GRPC_LISTEN",
        value_name = "ADDR:PORT|unix:PATH",
        value_delimiter = ','
    )]
    pub(super) grpc_listen: Option<Vec<GrpcAddress>>,
    /// Where Prometheus fetches metrics, at /metrics [default: 127.0.0.1:9464]
    #[arg(long, env = "WEFT_METRICS_LISTEN", value_name = "ADDR:PORT")]
    pub(super) metrics_listen: Option<SocketAddr>,
    /// The address that hosts reach this controller at [default: the one they reached it by]
    #[arg(long, env = "WEFT_ADVERTISE", value_name = "ADDR")]
    pub(super) advertise: Option<IpAddr>,
    /// Largest IP packet between hosts, in bytes [default: 1500]
    #[arg(long, env = "WEFT_UNDERLAY_MTU", value_name = "BYTES")]
    pub(super) underlay_mtu: Option<u16>,
    /// Tunnels run over IPv6 [default: false]
    #[arg(long, env = "WEFT_UNDERLAY_IPV6", num_args = 0..=1, default_missing_value = "true")]
    pub(super) underlay_ipv6: Option<bool>,
    /// VLANs for networks that do not ask for one [default: 2-4094]
    #[arg(long, env = "WEFT_VLAN_RANGE", value_name = "FIRST-LAST")]
    pub(super) vlan_range: Option<Range>,
    /// VNIs for networks that do not ask for one [default: 1-16777215]
    #[arg(long, env = "WEFT_VNI_RANGE", value_name = "FIRST-LAST")]
    pub(super) vni_range: Option<Range>,
    /// The lowest conntrack zone that is Weft's; those below are left to the operator
    /// [default: 4096]
    #[arg(long, env = "WEFT_CONNTRACK_ZONE_FLOOR", value_name = "ZONE")]
    pub(super) conntrack_zone_floor: Option<u16>,
    /// Connections that a port may have at a time, where a host's Open vSwitch has such limits
    /// (3.3 and later); 0 for any number [default: 50000]
    #[arg(long, env = "WEFT_CONNECTIONS_PER_PORT", value_name = "NUMBER")]
    pub(super) connections_per_port: Option<u32>,
    /// Connections that a host may report, a second, for security group rules that are logged
    /// [default: 100]
    #[arg(long, env = "WEFT_RULE_LOG_RATE", value_name = "NUMBER")]
    pub(super) rule_log_rate: Option<NonZeroU32>,
    /// Connections of switches, and of OVSDB servers, from one address [default: 64]
    #[arg(long, env = "WEFT_CONNECTIONS_PER_ADDRESS", value_name = "NUMBER")]
    pub(super) connections_per_address: Option<NonZeroU32>,
    /// Hosts that there may be; unknown ones are refused when there are as many [default: 4096]
    #[arg(long, env = "WEFT_MAX_HOSTS", value_name = "NUMBER")]
    pub(super) max_hosts: Option<NonZeroU32>,
    /// Unknown hosts that may register from one address; after these, one a minute [default: 64]
    #[arg(long, env = "WEFT_REGISTRATIONS_PER_ADDRESS", value_name = "NUMBER")]
    pub(super) registrations_per_address: Option<NonZeroU32>,
    /// Changes that are kept for clients that watch; who is further behind starts anew
    /// [default: 100000]
    #[arg(long, env = "WEFT_CHANGE_LOG_SIZE", value_name = "NUMBER")]
    pub(super) change_log_size: Option<NonZeroU64>,
    /// How long changes are kept for clients that watch: 30m, 12h, 7d [default: 7d]
    #[arg(long, env = "WEFT_CHANGE_LOG_AGE", value_name = "TIME")]
    pub(super) change_log_age: Option<Age>,
    /// What to do about what others have changed on a connected host, in its switch or in its
    /// database: heal it, or only report it [default: heal]
    #[arg(long, env = "WEFT_DRIFT", value_name = "ACTION")]
    pub(super) drift: Option<OnDrift>,
    /// What to do about flows on br-int that are not Weft's [default: keep]
    #[arg(long, env = "WEFT_FOREIGN_FLOWS", value_name = "ACTION")]
    pub(super) foreign_flows: Option<ForeignFlows>,
    /// How often to read back the flows of a switch that does not tell of changes, in seconds; less
    /// often when that takes long [default: 3]
    #[arg(long, env = "WEFT_READ_BACK_INTERVAL", value_name = "SECONDS")]
    pub(super) read_back_interval: Option<NonZeroU32>,
    /// Switches that are read back, and sent what they lack, at a time; the others wait [default: 8]
    #[arg(long, env = "WEFT_PARALLEL_READ_BACKS", value_name = "NUMBER")]
    pub(super) parallel_read_backs: Option<NonZeroU32>,
    /// How much of their flows a host, or all hosts together, may lose by one change or when they are
    /// first seen, in percent; more is held until `weft host release` [default: 50]
    #[arg(long, env = "WEFT_REMOVAL_LIMIT", value_name = "PERCENT",
        value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(super) removal_limit: Option<u8>,
    /// So many flows may go whatever their share is [default: 500]
    #[arg(long, env = "WEFT_REMOVAL_FLOOR", value_name = "FLOWS")]
    pub(super) removal_floor: Option<u32>,
    /// What to log: error, warn, info, debug, trace, or per module (info,controller::switch=debug)
    /// [default: info]
    #[arg(long, env = "WEFT_LOG", value_name = "FILTER")]
    pub(super) log: Option<String>,
    /// How to log [default: text]
    #[arg(long, env = "WEFT_LOG_FORMAT", value_name = "FORMAT")]
    pub(super) log_format: Option<LogFormat>,
}

impl Options {
    /// What this says, and else what `other` says.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            data_dir: self.data_dir.or(other.data_dir),
            openflow_listen: self.openflow_listen.or(other.openflow_listen),
            ovsdb_listen: self.ovsdb_listen.or(other.ovsdb_listen),
            grpc_listen: self.grpc_listen.or(other.grpc_listen),
            metrics_listen: self.metrics_listen.or(other.metrics_listen),
            advertise: self.advertise.or(other.advertise),
            underlay_mtu: self.underlay_mtu.or(other.underlay_mtu),
            underlay_ipv6: self.underlay_ipv6.or(other.underlay_ipv6),
            vlan_range: self.vlan_range.or(other.vlan_range),
            vni_range: self.vni_range.or(other.vni_range),
            conntrack_zone_floor: self.conntrack_zone_floor.or(other.conntrack_zone_floor),
            connections_per_port: self.connections_per_port.or(other.connections_per_port),
            rule_log_rate: self.rule_log_rate.or(other.rule_log_rate),
            connections_per_address: self.connections_per_address.or(other.connections_per_address),
            max_hosts: self.max_hosts.or(other.max_hosts),
            registrations_per_address: self
                .registrations_per_address
                .or(other.registrations_per_address),
            change_log_size: self.change_log_size.or(other.change_log_size),
            change_log_age: self.change_log_age.or(other.change_log_age),
            drift: self.drift.or(other.drift),
            foreign_flows: self.foreign_flows.or(other.foreign_flows),
            read_back_interval: self.read_back_interval.or(other.read_back_interval),
            parallel_read_backs: self.parallel_read_backs.or(other.parallel_read_backs),
            removal_limit: self.removal_limit.or(other.removal_limit),
            removal_floor: self.removal_floor.or(other.removal_floor),
            log: self.log.or(other.log),
            log_format: self.log_format.or(other.log_format),
        }
    }
}
