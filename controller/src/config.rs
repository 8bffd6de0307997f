//! Configuration: flags, then `WEFT_…` in the environment, then the TOML file, then defaults.

use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU32, NonZeroU64};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, ValueEnum};
use serde::Deserialize;
use topology::intent::Settings;
use topology::model::OutOfRange;
use topology::zone::Zones;

use crate::engine::RemovalLimit;
use crate::store::Retention;
use crate::switch::{ForeignFlows, OnDrift, Policy};

/// What IPv6 asks of a link, in bytes (RFC 8200 §5), and thus tenants of their networks.
const MIN_TENANT_MTU: u16 = 1280;

/// Enough to see who connects, and far too little to keep a host or the controller busy.
const DEFAULT_RULE_LOG_RATE: NonZeroU32 = NonZeroU32::new(100).expect("100 is not 0");

/// Sixty such ports fill Open vSwitch's own table of three million connections.
const DEFAULT_CONNECTIONS_PER_PORT: u32 = 50_000;

/// A host needs two, and a few more while it reconnects.
const DEFAULT_CONNECTIONS_PER_ADDRESS: usize = 64;

/// Hosts have an address each, as a rule; those behind one come one after the other.
const DEFAULT_REGISTRATIONS: u32 = 64;

/// The Weft network controller for stock Open vSwitch.
///
/// Point a host at it with
/// `ovs-vsctl set Open_vSwitch . external_ids:weft-encap-ip=IP external_ids:weft-bridge-mappings=NET:BRIDGE`
/// and `ovs-vsctl set-manager tcp:CONTROLLER:6640`.
#[derive(Clone, Debug, Default, Parser)]
#[command(name = "weftd", version, about)]
pub struct Arguments {
    /// TOML file with the same keys as the flags below (data-dir = "…").
    #[arg(long, env = "WEFT_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    #[command(flatten)]
    options: Options,
}

/// What flags, environment and file can say; everything is optional in each of them.
#[derive(Clone, Debug, Default, Deserialize, Parser)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Options {
    /// Directory of the store, made when it is not there [default: /var/lib/weft]
    #[arg(long, env = "WEFT_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Where switches connect; may be given several times. Hosts are pointed at the first
    /// [default: 0.0.0.0:6633 and 0.0.0.0:6653]
    #[arg(long, env = "WEFT_OPENFLOW_LISTEN", value_name = "ADDR:PORT", value_delimiter = ',')]
    openflow_listen: Option<Vec<SocketAddr>>,
    /// Where hosts' OVSDB servers connect; may be given several times [default: 0.0.0.0:6640]
    #[arg(long, env = "WEFT_OVSDB_LISTEN", value_name = "ADDR:PORT", value_delimiter = ',')]
    ovsdb_listen: Option<Vec<SocketAddr>>,
    /// Where gRPC clients connect: ADDR:PORT or unix:PATH; may be given several times
    /// [default: 127.0.0.1:50051]
    #[arg(
        long,
        env = "WEFT_GRPC_LISTEN",
        value_name = "ADDR:PORT|unix:PATH",
        value_delimiter = ','
    )]
    grpc_listen: Option<Vec<GrpcAddress>>,
    /// Where Prometheus fetches metrics, at /metrics [default: 127.0.0.1:9464]
    #[arg(long, env = "WEFT_METRICS_LISTEN", value_name = "ADDR:PORT")]
    metrics_listen: Option<SocketAddr>,
    /// The address that hosts reach this controller at [default: the one they reached it by]
    #[arg(long, env = "WEFT_ADVERTISE", value_name = "ADDR")]
    advertise: Option<IpAddr>,
    /// Largest IP packet between hosts, in bytes [default: 1500]
    #[arg(long, env = "WEFT_UNDERLAY_MTU", value_name = "BYTES")]
    underlay_mtu: Option<u16>,
    /// Tunnels run over IPv6 [default: false]
    #[arg(long, env = "WEFT_UNDERLAY_IPV6", num_args = 0..=1, default_missing_value = "true")]
    underlay_ipv6: Option<bool>,
    /// VLANs for networks that do not ask for one [default: 2-4094]
    #[arg(long, env = "WEFT_VLAN_RANGE", value_name = "FIRST-LAST")]
    vlan_range: Option<Range>,
    /// VNIs for networks that do not ask for one [default: 1-16777215]
    #[arg(long, env = "WEFT_VNI_RANGE", value_name = "FIRST-LAST")]
    vni_range: Option<Range>,
    /// The lowest conntrack zone that is Weft's; those below are left to the operator
    /// [default: 4096]
    #[arg(long, env = "WEFT_CONNTRACK_ZONE_FLOOR", value_name = "ZONE")]
    conntrack_zone_floor: Option<u16>,
    /// Connections that a port may have at a time, where a host's Open vSwitch has such limits
    /// (3.3 and later); 0 for any number [default: 50000]
    #[arg(long, env = "WEFT_CONNECTIONS_PER_PORT", value_name = "NUMBER")]
    connections_per_port: Option<u32>,
    /// Connections that a host may report, a second, for security group rules that are logged
    /// [default: 100]
    #[arg(long, env = "WEFT_RULE_LOG_RATE", value_name = "NUMBER")]
    rule_log_rate: Option<NonZeroU32>,
    /// Connections of switches, and of OVSDB servers, from one address [default: 64]
    #[arg(long, env = "WEFT_CONNECTIONS_PER_ADDRESS", value_name = "NUMBER")]
    connections_per_address: Option<NonZeroU32>,
    /// Hosts that there may be; unknown ones are refused when there are as many [default: 4096]
    #[arg(long, env = "WEFT_MAX_HOSTS", value_name = "NUMBER")]
    max_hosts: Option<NonZeroU32>,
    /// Unknown hosts that may register from one address; after these, one a minute [default: 64]
    #[arg(long, env = "WEFT_REGISTRATIONS_PER_ADDRESS", value_name = "NUMBER")]
    registrations_per_address: Option<NonZeroU32>,
    /// Changes that are kept for clients that watch; who is further behind starts anew
    /// [default: 100000]
    #[arg(long, env = "WEFT_CHANGE_LOG_SIZE", value_name = "NUMBER")]
    change_log_size: Option<NonZeroU64>,
    /// How long changes are kept for clients that watch: 30m, 12h, 7d [default: 7d]
    #[arg(long, env = "WEFT_CHANGE_LOG_AGE", value_name = "TIME")]
    change_log_age: Option<Age>,
    /// What to do about what others have changed on a connected host, in its switch or in its
    /// database: heal it, or only report it [default: heal]
    #[arg(long, env = "WEFT_DRIFT", value_name = "ACTION")]
    drift: Option<OnDrift>,
    /// What to do about flows on br-int that are not Weft's [default: keep]
    #[arg(long, env = "WEFT_FOREIGN_FLOWS", value_name = "ACTION")]
    foreign_flows: Option<ForeignFlows>,
    /// How often to read back the flows of a switch that does not tell of changes, in seconds; less
    /// often when that takes long [default: 3]
    #[arg(long, env = "WEFT_READ_BACK_INTERVAL", value_name = "SECONDS")]
    read_back_interval: Option<NonZeroU32>,
    /// Switches that are read back, and sent what they lack, at a time; the others wait [default: 8]
    #[arg(long, env = "WEFT_PARALLEL_READ_BACKS", value_name = "NUMBER")]
    parallel_read_backs: Option<NonZeroU32>,
    /// How much of their flows a host, or all hosts together, may lose by one change or when they are
    /// first seen, in percent; more is held until `weft host release` [default: 50]
    #[arg(long, env = "WEFT_REMOVAL_LIMIT", value_name = "PERCENT",
        value_parser = clap::value_parser!(u8).range(0..=100))]
    removal_limit: Option<u8>,
    /// So many flows may go whatever their share is [default: 500]
    #[arg(long, env = "WEFT_REMOVAL_FLOOR", value_name = "FLOWS")]
    removal_floor: Option<u32>,
    /// What to log: error, warn, info, debug, trace, or per module (info,controller::switch=debug)
    /// [default: info]
    #[arg(long, env = "WEFT_LOG", value_name = "FILTER")]
    log: Option<String>,
    /// How to log [default: text]
    #[arg(long, env = "WEFT_LOG_FORMAT", value_name = "FORMAT")]
    log_format: Option<LogFormat>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// Where gRPC is served.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(try_from = "String")]
pub enum GrpcAddress {
    /// A TCP address.
    Tcp(SocketAddr),
    /// A Unix socket.
    Unix(PathBuf),
}

/// A configuration with nothing left open.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Config {
    /// Directory of the store.
    pub data_dir: PathBuf,
    /// Where switches connect; hosts are pointed at the first.
    pub openflow_listen: Vec<SocketAddr>,
    /// Where hosts' OVSDB servers connect.
    pub ovsdb_listen: Vec<SocketAddr>,
    /// Where gRPC clients connect.
    pub grpc_listen: Vec<GrpcAddress>,
    /// Where metrics are served.
    pub metrics_listen: SocketAddr,
    /// The address that hosts reach this controller at.
    pub advertise: Option<IpAddr>,
    /// Defaults and ranges of tenant networks.
    pub settings: Settings,
    /// How much of the past is kept for clients that watch.
    pub retention: Retention,
    /// Which conntrack zones are Weft's.
    pub conntrack_zones: Zones,
    /// Connections that a port may have at a time; `None` for any number.
    pub connections_per_port: Option<NonZeroU32>,
    /// Connections of logged rules that a host may report, a second.
    pub rule_log_rate: NonZeroU32,
    /// Connections of switches, and of OVSDB servers, from one address.
    pub connections_per_address: usize,
    /// Unknown hosts that may register from one address, at once.
    pub registrations_per_address: u32,
    /// How much hosts may lose at once.
    pub removal_limit: RemovalLimit,
    /// How switches are kept as they should be.
    pub policy: Policy,
    /// What to log.
    pub log: String,
    /// How to log.
    pub log_format: LogFormat,
}

impl Arguments {
    /// Completes the arguments from the file they name and the defaults.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, has an unknown key, or a value is out of range.
    pub fn into_config(self) -> anyhow::Result<Config> {
        let file = match &self.config {
            Some(path) => read(path)?,
            None => Options::default(),
        };
        self.options.or(file).into_config()
    }
}

fn read(path: &Path) -> anyhow::Result<Options> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the configuration file {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("in the configuration file {}", path.display()))
}

impl Options {
    fn or(self, other: Self) -> Self {
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

    fn policy(&self) -> Policy {
        let defaults = Policy::default();
        let seconds = |seconds: NonZeroU32| Duration::from_secs(seconds.get().into());
        let interval = self.read_back_interval.map(seconds);
        let parallel = self.parallel_read_backs.and_then(|number| number.try_into().ok());
        Policy {
            drift: self.drift.unwrap_or_default(),
            foreign: self.foreign_flows.unwrap_or_default(),
            read_back_interval: interval.unwrap_or(defaults.read_back_interval),
            parallel_read_backs: parallel.unwrap_or(defaults.parallel_read_backs),
            part: defaults.part,
        }
    }

    fn removal_limit(&self) -> RemovalLimit {
        let RemovalLimit { percent, floor } = RemovalLimit::default();
        RemovalLimit {
            // What the file says is not checked when it is read.
            percent: self.removal_limit.unwrap_or(percent).min(100),
            floor: self.removal_floor.map_or(floor, u64::from),
        }
    }

    fn into_config(self) -> anyhow::Result<Config> {
        let defaults = Settings::default();
        let vlans = self.vlan_range.map(Range::parse).transpose().context("vlan-range")?;
        let vnis = self.vni_range.map(Range::parse).transpose().context("vni-range")?;
        let settings = Settings {
            underlay_mtu: self.underlay_mtu.unwrap_or(defaults.underlay_mtu),
            underlay_ipv6: self.underlay_ipv6.unwrap_or(defaults.underlay_ipv6),
            vlans: vlans.unwrap_or(defaults.vlans),
            vnis: vnis.unwrap_or(defaults.vnis),
            max_hosts: self.max_hosts.map_or(defaults.max_hosts, |number| number.get() as usize),
        };
        let kept = Retention::default();
        let retention = Retention {
            changes: self.change_log_size.map_or(kept.changes, NonZeroU64::get),
            age: self.change_log_age.map_or(kept.age, |age| age.0),
        };
        let least = MIN_TENANT_MTU + settings.vxlan_overhead();
        anyhow::ensure!(
            settings.underlay_mtu >= least,
            "underlay-mtu {} is too small: expected at least {least}, for IPv6 packets of \
             {MIN_TENANT_MTU} bytes in VXLAN",
            settings.underlay_mtu
        );
        Ok(Config {
            removal_limit: self.removal_limit(),
            policy: self.policy(),
            data_dir: self.data_dir.unwrap_or_else(|| "/var/lib/weft".into()),
            openflow_listen: self
                .openflow_listen
                .unwrap_or_else(|| vec![([0, 0, 0, 0], 6633).into(), ([0, 0, 0, 0], 6653).into()]),
            ovsdb_listen: self.ovsdb_listen.unwrap_or_else(|| vec![([0, 0, 0, 0], 6640).into()]),
            grpc_listen: self
                .grpc_listen
                .unwrap_or_else(|| vec![GrpcAddress::Tcp(([127, 0, 0, 1], 50051).into())]),
            metrics_listen: self.metrics_listen.unwrap_or_else(|| ([127, 0, 0, 1], 9464).into()),
            advertise: self.advertise,
            settings,
            retention,
            conntrack_zones: self.conntrack_zone_floor.map_or_else(Zones::default, Zones::from),
            connections_per_port: NonZeroU32::new(
                self.connections_per_port.unwrap_or(DEFAULT_CONNECTIONS_PER_PORT),
            ),
            rule_log_rate: self.rule_log_rate.unwrap_or(DEFAULT_RULE_LOG_RATE),
            connections_per_address: self
                .connections_per_address
                .map_or(DEFAULT_CONNECTIONS_PER_ADDRESS, |number| number.get() as usize),
            registrations_per_address: self
                .registrations_per_address
                .map_or(DEFAULT_REGISTRATIONS, NonZeroU32::get),
            log: self.log.unwrap_or_else(|| "info".into()),
            log_format: self.log_format.unwrap_or_default(),
        })
    }
}

impl FromStr for GrpcAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("unix:") {
            Some("") => Err("unix: needs a path".into()),
            Some(path) => Ok(Self::Unix(path.into())),
            None => text
                .parse()
                .map(Self::Tcp)
                .map_err(|_| format!("{text:?} is no address: expected ADDR:PORT or unix:PATH")),
        }
    }
}

impl TryFrom<String> for GrpcAddress {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// A number with a unit: `30m`, `12h`, `7d`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Age(Duration);

impl FromStr for Age {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let units = [("s", 1), ("m", 60), ("h", 3600), ("d", 24 * 3600)];
        let seconds = units.into_iter().find_map(|(unit, seconds)| {
            let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
            number.checked_mul(seconds)
        });
        match seconds {
            Some(seconds) if seconds > 0 => Ok(Self(Duration::from_secs(seconds))),
            _ => Err(format!("{text:?} is no time: expected such as 30m, 12h or 7d")),
        }
    }
}

impl TryFrom<String> for Age {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

/// `FIRST-LAST`, both included.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "String")]
struct Range {
    first: u32,
    last: u32,
}

impl Range {
    fn parse<T: TryFrom<u32, Error = OutOfRange>>(self) -> Result<RangeInclusive<T>, OutOfRange> {
        Ok(self.first.try_into()?..=self.last.try_into()?)
    }
}

impl FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |part: &str| part.trim().parse::<u32>().ok();
        match text.split_once('-').and_then(|(a, b)| Some((number(a)?, number(b)?))) {
            Some((first, last)) if first <= last => Ok(Self { first, last }),
            _ => Err(format!("{text:?} is no range: expected FIRST-LAST, such as 100-199")),
        }
    }
}

impl TryFrom<String> for Range {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(arguments: &[&str], file: &str) -> anyhow::Result<Config> {
        let path = tempfile::NamedTempFile::new()?;
        std::fs::write(path.path(), file)?;
        let mut line = vec!["weftd", "--config", path.path().to_str().unwrap()];
        line.extend(arguments);
        Arguments::try_parse_from(line)?.into_config()
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let config = config(
            &["--data-dir", "/flag", "--grpc-listen", "unix:/run/weft", "--grpc-listen", "[::1]:1"],
            "data-dir = '/file'\nchange-log-age = '12h'\nunderlay-mtu = 9000\nvlan-range = '100-199'\n\
             conntrack-zone-floor = 30000\nrule-log-rate = 7\n\
             drift = 'observe'\nread-back-interval = 5\n",
        )
        .unwrap();
        assert_eq!(config.conntrack_zones, Zones::from(30_000));
        assert_eq!(config.policy.drift, OnDrift::Observe);
        assert_eq!(config.policy.read_back_interval, Duration::from_secs(5));
        assert_eq!(config.policy.foreign, ForeignFlows::Keep);
        assert_eq!(config.rule_log_rate.get(), 7);
        assert_eq!(config.data_dir, Path::new("/flag"));
        assert_eq!(config.settings.underlay_mtu, 9000);
        let (changes, age) = (100_000, Duration::from_secs(12 * 3600));
        assert_eq!(config.retention, Retention { changes, age });
        assert_eq!(u32::from(*config.settings.vlans.end()), 199);
        assert_eq!(config.openflow_listen.len(), 2);
        assert_eq!(config.grpc_listen[0], GrpcAddress::Unix("/run/weft".into()));
    }

    #[track_caller]
    fn refuses(arguments: &[&str], file: &str, why: &str) {
        let error = format!("{:#}", config(arguments, file).unwrap_err());
        assert!(error.contains(why), "{error}");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        refuses(&["--vlan-range", "9-4095"], "", "VLAN 4095 is out of range");
        refuses(&["--vni-range", "9-1"], "", "expected FIRST-LAST");
        refuses(&["--grpc-listen", "localhost"], "", "expected ADDR:PORT or unix:PATH");
        refuses(&[], "data_dir = 'x'", "unknown field");
        refuses(&["--conntrack-zone-floor", "65536"], "", "65536 is not in 0..=65535");
        refuses(&[], "rule-log-rate = 0", "nonzero");
        refuses(&["--change-log-age", "0d"], "", "expected such as 30m, 12h or 7d");
        refuses(&[], "change-log-age = '7'", "expected such as 30m, 12h or 7d");
        refuses(&["--underlay-mtu", "1329"], "", "expected at least 1330");
        refuses(&["--underlay-mtu", "1349"], "underlay-ipv6 = true", "expected at least 1350");
    }
}
