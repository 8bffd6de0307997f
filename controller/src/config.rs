//! Configuration: flags, then `WEFT_…` in the environment, then the TOML file, then defaults.

mod options;
mod value;

use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU32, NonZeroU64};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::{Parser, ValueEnum};
use serde::Deserialize;
use topology::intent::Settings;
use topology::zone::Zones;

use self::options::Options;
pub use self::value::GrpcAddress;
use self::value::Range;
use crate::engine::RemovalLimit;
use crate::store::Retention;
use crate::switch::Policy;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::switch::{ForeignFlows, OnDrift};

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
